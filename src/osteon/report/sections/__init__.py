"""The sections of a report in their order. A new section is one function (Facts) -> Section or None, one line here, and its name in ORDER."""

from __future__ import annotations

from collections.abc import Callable

from osteon.report.content import Section
from osteon.report.facts import Facts
from osteon.report.sections.analyses import analyses
from osteon.report.sections.card import card
from osteon.report.sections.cases import cases
from osteon.report.sections.checklists import checklists
from osteon.report.sections.compared import compared
from osteon.report.sections.explanation import explanation
from osteon.report.sections.external import external
from osteon.report.sections.failures import failures
from osteon.report.sections.files import files
from osteon.report.sections.films import films
from osteon.report.sections.gaps import gaps
from osteon.report.sections.glossary import glossary
from osteon.report.sections.labels import labels
from osteon.report.sections.leakage import leakage
from osteon.report.sections.limits import limits
from osteon.report.sections.making import making
from osteon.report.sections.methods import methods
from osteon.report.sections.plan import plan
from osteon.report.sections.published import published
from osteon.report.sections.readers import readers
from osteon.report.sections.recalibration import recalibration
from osteon.report.sections.reconstructed import reconstructed
from osteon.report.sections.results import results
from osteon.report.sections.row import row
from osteon.report.sections.sensitivity import sensitivity
from osteon.report.sections.shapes import shapes
from osteon.report.sections.shift import shift
from osteon.report.sections.subgroups import subgroups
from osteon.report.sections.thresholds import thresholds
from osteon.report.sections.uncertainty import uncertainty
from osteon.report.sections.utility import utility
from osteon.report.sections.wording import wording

# Who was in it, whether the test was fair and planned, how well it ranks and is calibrated, of what use it is, for whom, against whom, where it fails and why, how sure it is, and what all that hangs on.
ORDER = ("cases", "leakage", "plan", "results", "compared", "utility", "thresholds", "subgroups", "gaps", "external", "recalibration", "readers", "failures", "films", "shapes", "reconstructed", "labels", "explanation", "wording",
         "uncertainty", "shift", "sensitivity", "analyses", "published", "limits", "methods", "making", "checklists", "card", "glossary", "row", "files")
SECTIONS: tuple[Callable[[Facts], Section | None], ...] = (
    cases, leakage, plan, results, compared, utility, thresholds, subgroups, gaps, external, recalibration, readers, failures, films, shapes, reconstructed, labels, explanation, wording, uncertainty, shift, sensitivity, analyses,
    published, limits, methods, making, checklists, card, glossary, row, files)

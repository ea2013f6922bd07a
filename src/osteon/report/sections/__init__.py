"""The sections of a report in their order. A new section is one function (Facts) -> Section or None, and one line here."""

from __future__ import annotations

from collections.abc import Callable

from osteon.report.content import Section
from osteon.report.facts import Facts
from osteon.report.sections.cases import cases
from osteon.report.sections.checklists import checklists
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
from osteon.report.sections.published import published
from osteon.report.sections.readers import readers
from osteon.report.sections.recalibration import recalibration
from osteon.report.sections.results import results
from osteon.report.sections.shift import shift
from osteon.report.sections.subgroups import subgroups
from osteon.report.sections.uncertainty import uncertainty

SECTIONS: tuple[Callable[[Facts], Section | None], ...] = (cases, leakage, results, films, subgroups, gaps, readers, published, external, recalibration, failures, labels, uncertainty, shift, limits, making, methods, checklists, glossary, files)

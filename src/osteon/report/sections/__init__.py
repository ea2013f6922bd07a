"""The sections of a report in their order. A new section is one function (Facts) -> Section or None, and one line here."""

from __future__ import annotations

from collections.abc import Callable

from osteon.report.content import Section
from osteon.report.facts import Facts
from osteon.report.sections.cases import cases
from osteon.report.sections.external import external
from osteon.report.sections.failures import failures
from osteon.report.sections.files import files
from osteon.report.sections.films import films
from osteon.report.sections.glossary import glossary
from osteon.report.sections.limits import limits
from osteon.report.sections.making import making
from osteon.report.sections.methods import methods
from osteon.report.sections.published import published
from osteon.report.sections.results import results
from osteon.report.sections.subgroups import subgroups

SECTIONS: tuple[Callable[[Facts], Section | None], ...] = (cases, results, films, subgroups, published, external, failures, limits, making, methods, glossary, files)

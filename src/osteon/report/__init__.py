"""From a run folder to one page that a surgeon can read: `report` writes it, `article` is what it says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from osteon.report.content import Article
    from osteon.run import Run
    from osteon.study import Study


def report(run: Run, *, study: Study | None = None, films: bool = True) -> Path:
    """Write report.html (one self-contained file), report.json, figures/*.svg and tables/*.csv into the run folder; returns the path of the page.

    `study` is the declaration where no registered file holds it; `films=False` leaves out every film. Raises RunError for an unfinished run.
    """
    from osteon.cohort.folder import whole
    from osteon.report.export import write_files
    from osteon.report.html import page

    made = article(run, study=study, films=films)
    write_files(made, run)
    path = run.folder / "report.html"
    whole(path, page(made))
    return path


def article(run: Run, *, study: Study | None = None, films: bool = True) -> Article:
    """What the report says, without a shape: HTML, JSON and DOCX are made from it."""
    from osteon.report.content import Article
    from osteon.report.facts import gather
    from osteon.report.sections import SECTIONS
    from osteon.report.sections.front import front
    from osteon.report.words import software

    facts = gather(run, study, films=films)
    sections = tuple(section for make in SECTIONS if (section := make(facts)) is not None)
    made = f"Study {facts.study.name}; run {facts.about['identity'][:10]}, finished {facts.about['finished'][:10]}; {software(facts.about['versions'])}"
    return Article(facts.study.question, front(facts), sections=sections, simulated=facts.simulated, made=made)


__all__ = ["article", "report"]

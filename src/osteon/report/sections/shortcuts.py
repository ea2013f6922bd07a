"""Whether the answers rest on the margin or the exposure of the picture: the model asked again with each taken away."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import numpy as np

from osteon.errors import OsteonError
from osteon.report.cells import figure
from osteon.report.content import Block, Paragraph, Table
from osteon.report.facts import Facts
from osteon.report.sections.films import cohort_of, unconformed
from osteon.report.words import listed, many, number
from osteon.run import slug
from osteon.stats.intervals import Interval
from osteon.targets import Classes, Grades
from osteon.validation.saved import load_final
from osteon.validation.shortcut import ALONE, CHANGES, COVERED, FEWEST, Taken, taken_away

FILE = "shortcuts.json"
MOST, SECONDS = 120, 8.0  # cases asked again, and what that may cost by the time that a case took in the run


def shortcuts(facts: Facts) -> tuple[Block, ...]:
    """A verdict and a row a change; nothing where the first model does not tell classes or grades of a picture, or its cases are not at hand."""
    row = facts.primary
    pictures = [n for n in facts.study.models[facts.label].reads if n in facts.study.inputs and facts.study.inputs[n].kind == "picture" and not facts.study.inputs[n].many]
    if not pictures or not isinstance(facts.study.targets[row.question.target], (Classes, Grades)):
        return ()
    try:
        found = _found(facts, pictures[0])
    except (OsteonError, OSError):
        return ()
    if not found:
        return (Paragraph((f"Whether the answers rest on the margin or the exposure of the picture was not asked: fewer than {FEWEST} tested {many(facts.words.case)} are at hand, or asking them again takes too long.",), "note"),)
    rows = tuple((t.change, figure(t.before), figure(t.after), figure(t.fall, signed=True), "–" if t.change == COVERED else "yes" if t.betrays else "no") for t in found)
    note = f"{number(_size(facts))} tested {many(facts.words.case)} of the first fold, answered again by its own model. The margin is an eighth of each side; grey levels are mapped in their order to those usual among the cases learnt from. A fall with the margin covered may come from the covering itself; it counts only beside a margin that tells the finding alone. Below each AUC stands its 95 % {facts.words.interval}."
    return (Paragraph((verdict(found),), "lead"), Table("shortcuts", f"Does a shortcut explain the answers? {facts.label}", columns=("Taken away", "AUC as it is", "AUC after", "Fall", "Shortcut"), rows=rows, note=note, tone="tight"))


def verdict(found: tuple[Taken, ...]) -> str:
    """What the answers rest on, in one sentence or two."""
    guilty = [t for t in found if t.betrays]
    if not guilty:
        return "No shortcut was found: the answers do not rest on the margin of the picture nor on its exposure, as far as taking them away shows."
    told = [f"from the margin alone the finding is told with AUC {number(t.after.estimate, 2)}" if t.change == ALONE else f"with the exposure made alike the AUC falls from {number(t.before.estimate, 2)} to {number(t.after.estimate, 2)}" for t in guilty]
    return f"A shortcut is likely: {listed(told)}. Unless the finding itself reaches there, the figures of this report hold only where the shortcut does."


def _size(facts: Facts) -> int:
    cost = facts.primary.seconds_per_case or 0.05
    return int(min(MOST, SECONDS / ((1 + len(CHANGES)) * max(cost, 1e-3))))


def _found(facts: Facts, picture: str) -> tuple[Taken, ...]:
    """What was kept in the run, which never changes, or asked anew."""
    path = facts.run.folder / FILE
    if path.exists():
        return tuple(_read(one) for one in json.loads(path.read_text(encoding="utf-8")))
    cohort = cohort_of(facts)
    if cohort is None or _size(facts) < FEWEST:
        return ()
    from osteon.engine.folder import codes

    row, known = facts.primary, codes(unconformed(facts)).cases
    split = facts.tables["split"]
    first = split[split["fold"] == split["fold"].iloc[0]]
    at = {known[i]: k for k, i in enumerate(cohort.ids())}
    tested = np.array([at[c] for c in first[first["part"] == "test"]["case"] if c in at], int)
    tested = np.sort(np.random.default_rng(int(facts.about["seed"])).permutation(tested)[: _size(facts)])
    learnt = np.array([at[c] for c in first[first["part"] != "test"]["case"] if c in at], int)
    model = load_final(facts.run.folder / "models" / slug(facts.label) / slug(str(first["fold"].iloc[0])), facts.study.models[facts.label], facts.study.targets)[0]
    target = facts.study.targets[row.question.target]
    found = taken_away(model, cohort.take(tested), cohort.take(learnt), picture=picture, asked=(row.question.target, target))
    facts.run.write(FILE, [asdict(t) for t in found])
    return found


def _read(plain: dict[str, Any]) -> Taken:
    def interval(kept: dict[str, Any]) -> Interval:
        given: dict[str, Any] = {k: float("nan") if v is None else v for k, v in kept.items()}
        return Interval(**given)

    before, after, fall = (interval(plain[name]) for name in ("before", "after", "fall"))
    return Taken(plain["change"], before, after=after, fall=fall)

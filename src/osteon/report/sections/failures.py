"""Where it failed: no answer, the largest errors, and errors drawn by chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from osteon.report.content import Block, Paragraph, Section, Table
from osteon.report.facts import Facts
from osteon.report.families import family_of
from osteon.report.families.family import count_cell
from osteon.report.words import discreet, finding_words, many, number, plural

if TYPE_CHECKING:
    import pandas as pd

WORST, BY_CHANCE = 10, 5


def failures(facts: Facts) -> Section:
    """Withheld answers by reason, then the worst cases of the primary model by their codes."""
    return Section("failures", "Where it failed", (*_withheld(facts), *_undefined(facts), *_worst(facts)))


def _withheld(facts: Facts) -> tuple[Block, ...]:
    import pandas as pd

    frames = [lines[(lines["part"] == "test") & (lines["withheld"] != "")].assign(model=m) for m, lines in facts.lines.items()]
    held = pd.concat(frames, ignore_index=True)
    if not len(held):
        return (Paragraph((f"No answer was withheld: every model answered for every {facts.words.case} of its test part.",)),)
    held = held.assign(reason=held["withheld"].map(discreet))
    sizes = held.groupby(["model", "target", "reason"], sort=False)["case"].nunique().sort_values(ascending=False)
    rows = tuple((*key, count_cell(n)) for key, n in sizes.items())
    return (Table("withheld", "Answers withheld, with their reason", columns=("Model", "Target", "Reason", many(facts.words.case).capitalize()), rows=rows,
                  note="No answer is counted apart; it is neither right nor wrong in any figure above."),)


def _undefined(facts: Facts) -> tuple[Block, ...]:
    """Metrics of the test that do not exist, and why."""
    found = [(r.source.model, finding_words(r.question.target, r.question.finding), k, str(m.get("reason") or "")) for r in facts.rows for k, m in r.metrics.items()
             if m["estimate"] is None or m["estimate"] != m["estimate"]]
    return (Table("undefined", "Figures that do not exist", columns=("Model", "Finding", "Figure", "Reason"), rows=tuple(found)),) if found else ()


def _worst(facts: Facts) -> tuple[Block, ...]:
    target = facts.study.primary
    errors = family_of(facts.study.targets[target]).errors(facts, facts.label, target)
    if not len(errors):
        return ()
    ordered = errors.sort_values(["error", "case"], ascending=[False, True], kind="stable")
    drawn = _chance(facts, ordered)
    ordinary = f", and {number(len(drawn))} drawn by chance among the errors, so that one sees the ordinary ones too" if drawn else ""
    words = [f"The {plural(min(WORST, len(ordered)), facts.words.case)} with the largest error of {facts.label}{ordinary}.",
             "Codes are those of the run's tables."]
    wrong = ordered["wrong"].sum()
    if wrong:
        words.insert(0, f"At the cut {number(wrong)} of {number(len(ordered))} are wrong.")
    rows = [(i, "largest") for i in range(min(WORST, len(ordered)))] + [(i, "by chance") for i in drawn]
    body = tuple((str(ordered.iloc[i]["case"]), _site(facts, str(ordered.iloc[i]["case"])), str(ordered.iloc[i]["told"]), why) for i, why in rows)
    return (Paragraph(tuple(words)), Table("worst", f"Errors of {facts.label}: {target}", columns=("Case", "Site", "What happened", "Why it is listed"), rows=body))


def _chance(facts: Facts, ordered: pd.DataFrame) -> list[int]:
    """Rows below the largest ones, wrong at the cut where there is one, drawn with the run's seed."""
    rest = np.flatnonzero(ordered["wrong"].to_numpy(bool) if ordered["wrong"].any() else np.ones(len(ordered), bool))
    rest = rest[rest >= WORST]
    return sorted(np.random.default_rng(int(facts.about["seed"])).choice(rest, min(BY_CHANCE, len(rest)), replace=False).tolist())


def _site(facts: Facts, code: str) -> str:
    table = facts.tables["cases"]
    found = table[table["case"] == code]["site"]
    return str(found.iloc[0]) if len(found) and found.iloc[0] == found.iloc[0] else ""

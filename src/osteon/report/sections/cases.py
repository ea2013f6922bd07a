"""Who was in it: the flow of cases and table one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from osteon.report.content import Block, Cell, Drawing, Folded, Paragraph, Section, Table
from osteon.report.facts import Facts
from osteon.report.families.family import drawing
from osteon.report.words import many, number, plural

if TYPE_CHECKING:
    import pandas as pd

    from osteon.report.figures.flow import Level

SMALL = 5  # counts below it are not told of real people
MOST_LEVELS, MOST_LETTERS = 8, 64
MANY_NUMBERS = 60  # columns above which a table of them is read by nobody
PARTS = {"train": "to learn from (train)", "tune": "to choose by (tune)", "test": "to test"}


def cases(facts: Facts) -> Section:
    """Flow diagram and table one."""
    title = "What was in it" if facts.simulated else "Who was in it"
    return Section("cases", title, (*_words(facts), _flow(facts), *_table_one(facts)))


def _words(facts: Facts) -> tuple[Block, ...]:
    cohort = facts.cohort
    text = [f"{facts.held} of {facts.people} ({cohort['name']})."]
    if cohort.get("licence"):
        text.append(f"Licence of the data: {cohort['licence']}.")
    told = {k: v for k, v in cohort["notes"].items() if isinstance(v, (str, int, float)) and k not in ("sentence", "seed", "simulator", "difficulty", "source")}
    text += [f"“{k}” means {v}." for k, v in told.items()]
    return (Paragraph(tuple(text)),)


def _flow(facts: Facts) -> Drawing:
    from osteon.report.figures.flow import flow

    levels = flow_levels(facts)
    alt = "; ".join(" ".join(box) for level in levels for box in (*level.boxes, *((level.leaves,) if level.leaves else ())))
    return drawing(facts, flow(levels), "flow", "Flow of cases", alt=f"Flow diagram: {alt}", caption=_flow_caption(facts))


def _flow_caption(facts: Facts) -> str:
    row = facts.primary
    return f"The last row is the test of {row.source.model} on {row.question.target}. Withheld answers and open references are counted apart, never as right or wrong."


def flow_levels(facts: Facts) -> list[Level]:
    """Assessed, left out with reasons, included, parts, tested, judged."""
    from osteon.report.figures.flow import Level

    n = facts.flow
    gone = tuple(f"{reason}: {number(count)}" for reason, count in facts.left_out)
    left = (f"Left out: {number(n['assessed'] - n['included'])}", *gone[:8]) if gone else ("Left out: none",)
    return [Level(((f"Looked at: {facts.words.cases(n['assessed'])}",),), left), Level(((f"Included: {facts.words.cases(n['included'])}", f"of {facts.people}"),)),
            _parts(facts), _judged(facts)]


def _parts(facts: Facts) -> Level:
    from osteon.report.figures.flow import Level

    split = facts.tables["split"]
    if len(facts.folds) > 1:
        tested = split[split["part"] == "test"]["case"]
        sizes = split[split["part"] == "test"].groupby("fold", sort=False).size()
        sized = number(sizes.min()) if sizes.min() == sizes.max() else f"{number(sizes.min())} to {number(sizes.max())}"
        again = "once" if not tested.duplicated().any() else "more than once"
        return Level(((f"{len(facts.folds)} folds of {sized} to test", f"each {again}, by a model of the other folds"),))
    counts = split.groupby("part", sort=False).agg(n=("case", "nunique"), people=("patient", "nunique"))
    order = [*(c for c in counts.index if c != "test"), "test"]
    boxes = tuple((f"{number(counts.loc[c, 'n'])} {PARTS.get(str(c), f'{c}: only analysed')}", f"of {facts.words.people(counts.loc[c, 'people'])}") for c in order)
    return Level(boxes, onward=len(boxes) - 1)


def _judged(facts: Facts) -> Level:
    from osteon.report.figures.flow import Level

    counts, spoken, (positive, negative) = facts.primary.counts, facts.spoken(facts.primary), facts.states(facts.primary)
    split = f"{number(positive)} with “{spoken}”, {number(negative)} without" if positive + negative else facts.words.people(counts.get("patients", 0))
    boxes = [(f"Answered: {plural(counts.get('n', 0), facts.words.unit)}", split)]
    boxes += [(f"Withheld: {number(counts.get('withheld', 0))}", "no answer, with a reason"), (f"Open: {number(counts.get('indeterminate', 0))}", "reference undecided")]
    return Level(tuple(boxes))


def _table_one(facts: Facts) -> tuple[Block, ...]:
    """Numbers and the columns by which groups are told apart; what else models or analyses read is folded away."""
    table = facts.tables["cases"]
    columns = [c for c in facts.characteristics if not (c == "site" and table[c].nunique() < 2)]
    if not columns:
        return (Paragraph((f"The run keeps no characteristic of its {many(facts.words.item)} beside the answers.",), "note"),)
    wide = [c for c in columns if table[c].dtype.kind in "fiu" and c not in facts.study.subgroups]
    left = wide if len(wide) > MANY_NUMBERS else []
    first = [c for c in columns if c not in left and (c in facts.study.subgroups or c == "site" or table[c].dtype.kind in "fiu")]
    rest = [c for c in columns if c not in first and c not in left]
    out: tuple[Block, ...] = (_characteristics(facts, "table-one", "Table one: characteristics", sorted(first, key=lambda c: table[c].dtype.kind not in "fiu")),) if first else ()
    folded = _characteristics(facts, "table-one-more", "Other columns that models or analyses read", rest) if rest else None
    out += (Paragraph((f"{number(len(left))} columns of numbers that the models read, {left[0]} to {left[-1]}, are not listed here.",), "note"),) if left else ()
    return out if folded is None else (*out, Folded("The other columns that models or analyses read", (folded,))) if first else (*out, folded)


def _characteristics(facts: Facts, name: str, title: str, columns: list[str]) -> Table:
    table, groups = facts.tables["cases"], _groups(facts)
    names = list(groups)
    compare = names[1:3] if len(facts.folds) > 1 else [n for n in names if n in ("Train", "Test")]
    compare = compare if len(compare) == 2 else []
    body: list[tuple[Cell | str, ...]] = [(many(facts.words.item).capitalize(), *(Cell(number(len(groups[n])), value=float(len(groups[n]))) for n in names), *([""] if compare else []))]
    for column in columns:
        body += _rows(facts, table, column, groups, compare)
    return Table(name, title, columns=("", *names, *(("SMD",) if compare else ())), rows=tuple(body), note=_table_note(facts, compare))


def _groups(facts: Facts) -> dict[str, pd.Series]:
    """Cases (codes) by part; with several folds, where each case is tested, by the state of the main finding."""
    split = facts.tables["split"]
    if len(facts.folds) == 1:
        order = [p for p in dict.fromkeys(split["part"]) if p != "test"] + ["test"]
        return {p.capitalize(): split[split["part"] == p]["case"].drop_duplicates() for p in order}
    row = facts.primary
    lines = facts.test(row.source.model, row.question.target, row.question.finding).drop_duplicates("case")
    spoken = facts.spoken(row)
    states = {f"With “{spoken}”": "true", "Without": "false"}
    known = {name: lines[lines["state"] == state]["case"] for name, state in states.items()}
    return {"All": facts.tables["cases"]["case"]} | {k: v for k, v in known.items() if len(v)}


def _rows(facts: Facts, table: pd.DataFrame, column: str, groups: dict[str, pd.Series], compare: list[str]) -> list[tuple[Cell | str, ...]]:
    parts = {name: table[table["case"].isin(cases)][column] for name, cases in groups.items()}
    spoken = column.replace("_", " ")
    if table[column].dtype.kind in "fiu":
        last = [_difference([parts[c].dropna().to_numpy(float) for c in compare])] if compare else []
        row: list[tuple[Cell | str, ...]] = [(f"{spoken}, median (quartiles)", *(_quartiles(p) for p in parts.values()), *last)]
        return row + ([_counted(facts, f"{spoken} missing", {k: p.isna() for k, p in parts.items()}, compare)] if table[column].isna().any() else [])
    levels = [str(v) for v in table[column].dropna().astype(str).value_counts().index]
    shown, rest = levels[:MOST_LEVELS], levels[MOST_LEVELS:]
    marks = [(level if len(level) <= MOST_LETTERS else f"{level[:MOST_LETTERS - 1]}…", {k: p.astype(str) == level for k, p in parts.items()}) for level in shown]
    marks += [(f"{len(rest)} others", {k: p.astype(str).isin(rest) for k, p in parts.items()})] if rest else []
    marks += [("missing", {k: p.isna() for k, p in parts.items()})] if table[column].isna().any() else []
    return [(spoken,), *(_counted(facts, level, mark, compare) for level, mark in marks)]


def _counted(facts: Facts, level: str, mark: dict[str, pd.Series], compare: list[str]) -> tuple[Cell | str, ...]:
    """One level as counts, and the difference where no count is held back."""
    cells = [_share(facts, m) for m in mark.values()]
    hidden = any(c.value is None for c in cells)
    last = [Cell("–") if hidden else _difference([mark[c].to_numpy(float) for c in compare])] if compare else []
    return (f"– {level}", *cells, *last)


def _quartiles(values: pd.Series) -> Cell:
    known = values.dropna().to_numpy(float)
    if not len(known):
        return Cell("–")
    q1, median, q3 = np.quantile(known, (0.25, 0.5, 0.75))
    digits = 0 if np.all(known == np.round(known)) else 1
    return Cell(f"{number(median, digits)} ({number(q1, digits)} to {number(q3, digits)})", value=float(median))


def _share(facts: Facts, mark: pd.Series) -> Cell:
    """A count with its share; of real people a count of 1 to 4 is not told."""
    n = int(mark.sum())
    if 0 < n < SMALL and not facts.simulated:
        return Cell(f"< {SMALL}")
    return Cell(f"{number(n)} ({number(100 * n / len(mark), 1)} %)" if len(mark) else number(n), value=float(n))


def _difference(pair: list[np.ndarray]) -> Cell:
    """Standardised mean difference in pooled standard deviations (Austin PC. Stat Med 2009; 28: 3083); of a share, of its indicator."""
    first, second = pair
    if not len(first) or not len(second):
        return Cell("–")
    spread = np.sqrt((first.var() + second.var()) / 2)
    gap = first.mean() - second.mean()
    return Cell(number(gap / spread, 2), value=float(gap / spread)) if spread > 0 else Cell(number(0.0, 2), value=0.0) if gap == 0 else Cell("–")


def _table_note(facts: Facts, compare: list[str]) -> str:
    out = ["Counts with per cent, or medians with quartiles."]
    if compare:
        out.append(f"SMD: standardised mean difference, {' less '.join(c[:1].lower() + c[1:] for c in compare)}, in standard deviations; up to 0.1 either way is small.")
    if len(facts.folds) > 1:
        out.append("Every case is tested in one fold and learned from in the others, so that parts are not columns of their own.")
    if not facts.simulated:
        out.append(f"Counts below {SMALL} are not told, to protect people.")
    return " ".join(out)

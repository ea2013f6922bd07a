"""How the primary model does in groups: every group keeps its row, also one that is too small for a figure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from osteon.report.content import Block, Cell, Folded, Paragraph, Section, Table
from osteon.report.facts import FEWEST, Facts
from osteon.report.families import family_of
from osteon.report.families.family import drawing, limits, metric_cell
from osteon.report.sections.cases import SMALL
from osteon.report.terms import METRICS, header, inline
from osteon.report.words import many, number, spelled
from osteon.row import EvidenceRow

if TYPE_CHECKING:
    import pandas as pd

MOST_GROUPS = 12  # values of one attribute that are shown


@dataclass(frozen=True, eq=False)
class Group:
    """One value of one attribute with its judged lines; `few` is why no figure is printed."""

    attribute: str
    value: str
    lines: pd.DataFrame
    few: str = ""


def groups(facts: Facts, model: str, target: str, finding: str) -> Iterator[Group]:
    """The groups of every attribute that the study names and the cohort has, the largest first."""
    table = facts.tables["cases"].set_index("case")
    lines = facts.test(model, target, finding)
    for name in facts.study.subgroups:
        if name not in table or table[name].nunique() < 2:
            continue
        of_line = lines["case"].map(table[name])
        numeric = table[name].dtype.kind in "fiu" and table[name].nunique() > MOST_GROUPS
        value = _quarters(of_line) if numeric else of_line.map(lambda v: "" if v != v else number(v) if isinstance(v, float) and v == int(v) else str(v))
        for level in (sorted(set(value) - {""}) if numeric else [v for v in value.value_counts().index if v != ""])[:MOST_GROUPS]:
            mine = lines[(value == level).to_numpy()]
            yield Group(name, level, mine, _few(facts, target, mine))


def _quarters(values: pd.Series) -> pd.Series:
    """Numbers as quarters of their range of ranks, in words that sort in order."""
    import numpy as np

    edges = np.nanquantile(values, (0.25, 0.5, 0.75))
    names = [f"1: up to {number(edges[0], 1)}", f"2: to {number(edges[1], 1)}", f"3: to {number(edges[2], 1)}", f"4: above {number(edges[2], 1)}"]
    return values.map(lambda v: "" if v != v else names[int(np.searchsorted(edges, v))])


def _few(facts: Facts, target: str, lines: pd.DataFrame) -> str:
    known = lines[lines["withheld"] == ""]
    if len(known) < FEWEST:
        return f"too few ({_count(facts, len(known))})"
    states = set(known["state"])
    one = states & {"true", "false"}
    return "one state only" if family_of(facts.study.targets[target]).headline == "auc" and len(one) < 2 else ""


def _count(facts: Facts, n: int) -> str:
    return f"fewer than {SMALL}" if 0 < n < SMALL and not facts.simulated else number(n)


def too_few(facts: Facts) -> tuple[int, int]:
    """How many groups of the primary question are too small for a figure, of how many."""
    row = facts.primary
    found = list(groups(facts, row.source.model, row.question.target, row.question.finding))
    return sum(bool(g.few) for g in found), len(found)


def subgroups(facts: Facts) -> Section | None:
    """Forest plot and table of the primary model, the other models folded; None where the study names no attribute."""
    family = family_of(facts.study.targets[facts.study.primary])
    if not facts.study.subgroups or not family.grouped:
        return None
    row = facts.primary
    found = list(groups(facts, row.source.model, row.question.target, row.question.finding))
    absent = [name for name in facts.study.subgroups if name not in {g.attribute for g in found}]
    note = [f"{many(facts.words.counted).capitalize()} by group, {row.source.model}. These are looks at one cohort, not tests: with {len(found)} groups some differ by chance alone."] if not facts.simulated else \
        [f"{many(facts.words.counted).capitalize()} by group, {row.source.model}. The groups are the simulator's: differences show whether the software finds them."]
    if absent:
        note.append(f"Not shown, because the {facts.words.set} does not hold two values of it: {', '.join(absent)}.")
    if not found:
        return Section("subgroups", "Groups", (Paragraph(tuple(note[1:]), "note"),))
    measured = [(g, None if g.few else _metrics(facts, row, g)) for g in found]
    return Section("subgroups", "Groups", (Paragraph(tuple(note)), _forest(facts, row, measured), _table(facts, row, measured), *_others(facts, row)))


def _metrics(facts: Facts, row: EvidenceRow, group: Group) -> EvidenceRow:
    target = facts.study.targets[row.question.target]
    return replace(row, metrics={k: asdict(v) for k, v in target.metrics(group.lines).items()})


def _forest(facts: Facts, row: EvidenceRow, measured: list[tuple[Group, EvidenceRow | None]]) -> Block:
    from osteon.report.figures.intervals import Line, forest

    key = family_of(facts.study.targets[row.question.target]).headline
    unit = facts.unit_of(row.question.target, row.question.finding) if METRICS[key].scale == "unit" else ""
    lines, seen = [_line("All", facts, row, key, unit, row.counts.get("n", 0))], ""
    for group, made in measured:
        if group.attribute != seen:
            seen = group.attribute
            lines.append(Line(seen.capitalize()))
        n = int((group.lines["withheld"] == "").sum())
        lines.append(Line(f"  {_cut(group.value)}", _count(facts, n).replace("fewer than ", "< "), None, group.few) if made is None else _line(f"  {_cut(group.value)}", facts, made, key, unit, n))
    whole = limits(row.metrics, key)[0]
    spoken = facts.spoken(row)
    return drawing(facts, forest(lines, label=f"{METRICS[key].plain} ({METRICS[key].short}){f', {unit}' if unit else ''}", reference=whole, reference_name="all"), "groups", f"{METRICS[key].short} of “{spoken}” by group",
                   alt="; ".join(f"{line.label.strip()}: {line.text}" for line in lines if line.text), caption=f"Square: estimate; line: 95 % {facts.words.interval}; dashed: all {many(facts.words.counted)}.")


def _cut(text: str, most: int = 34) -> str:
    return text if len(text) <= most else f"{text[:most - 1]}…"


def _line(label: str, facts: Facts, row: EvidenceRow, key: str, unit: str, n: int) -> Any:
    from osteon.report.figures.intervals import Line

    value = limits(row.metrics, key)
    return Line(label, number(n), value if value[1] == value[1] else None, inline(key, row.metrics[key], unit) if key in row.metrics else "not defined")


def _table(facts: Facts, row: EvidenceRow, measured: list[tuple[Group, EvidenceRow | None]]) -> Table:
    keys = family_of(facts.study.targets[row.question.target]).grouped
    body: list[tuple[Cell | str, ...]] = []
    seen = ""
    for group, made in measured:
        if group.attribute != seen:
            seen = group.attribute
            body.append((seen,))
        known = group.lines[group.lines["withheld"] == ""]
        head = (f"– {group.value}", Cell(_count(facts, len(known)), value=None if _count(facts, len(known)).startswith("f") else float(len(known))), _positive(facts, known))
        body.append((*head, *(metric_cell(facts, _bare(made), k) if made is not None else Cell(group.few if k == keys[0] else "–") for k in keys)))
    return Table("groups", f"Groups: {row.source.model}", columns=("", "n", "With the finding", *map(header, keys)), rows=tuple(body),
                 note=f"A group of fewer than {FEWEST} {many(facts.words.counted)}, or of one state only, gets no figure. A group's AUC leaves out folds in which it holds one state only. Below each figure stands its 95 % {facts.words.interval}.")


def _bare(row: EvidenceRow) -> EvidenceRow:
    """A row without the ceiling, which holds for all cases and not for a group."""
    return replace(row, metrics={k: v for k, v in row.metrics.items() if not k.startswith("ceiling_")})


def _positive(facts: Facts, lines: pd.DataFrame) -> Cell:
    n = int((lines["state"] == "true").sum())
    if not set(lines["state"]) & {"true", "false"}:
        return Cell("–")
    return Cell(_count(facts, n), value=None if _count(facts, n).startswith("f") else float(n))


def _others(facts: Facts, row: EvidenceRow) -> tuple[Block, ...]:
    """The headline metric of every model in every group."""
    from osteon.targets.lines import auc_of, within_folds

    models = facts.models_of(row.question.target)
    key = family_of(facts.study.targets[row.question.target]).headline
    if len(models) < 2:
        return ()
    columns: dict[tuple[str, str], list[Cell | str]] = {}
    for model in models:
        for g in groups(facts, model, row.question.target, row.question.finding):
            metrics: Mapping[str, Any] = {} if g.few else {"auc": asdict(within_folds(g.lines, auc_of))} if key == "auc" else _metrics(facts, row, g).metrics
            made = metric_cell(facts, replace(row, metrics=metrics), key) if metrics else Cell(g.few)
            columns.setdefault((g.attribute, g.value), []).append(made)
    body: list[tuple[Cell | str, ...]] = []
    for (attribute, value), cells in columns.items():
        body += [(attribute,)] if (attribute,) not in body else []
        body.append((f"– {value}", *cells))
    table = Table("groups-models", f"{METRICS[key].short} of every model by group", columns=("", *models), rows=tuple(body), tone="tight")
    return (Folded(f"The {spelled(len(models))} models by group", (table,)),)



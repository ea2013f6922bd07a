"""How the tested cases differ from those that were learnt from, column by column and all together."""

from __future__ import annotations

from osteon.report.content import Cell, Paragraph, Section, Table
from osteon.report.facts import Facts
from osteon.report.words import many, number
from osteon.validation.shift import Shift, shifts, told_apart

MOST = 15
LEAST_SMD, LARGE_PSI = 0.1, 0.25


def shift(facts: Facts) -> Section | None:
    """Standardised differences, PSI and a classifier between the parts of the first fold; None where the run keeps no column of its cases."""
    table, split = facts.tables["cases"], facts.tables["split"]
    split = split[split["fold"] == split["fold"].iloc[0]]
    tested = table["case"].isin(split[split["part"] == "test"]["case"])
    columns = [c for c in table.columns if c not in ("case", "patient") and table[c].notna().any()]
    if not columns or not tested.any():
        return None
    before, after = table.loc[~tested, columns], table.loc[tested, columns]
    found = [s for s in shifts(before, after) if s.smd == s.smd]
    apart = told_apart(before, after, seed=int(facts.about["seed"]) % 2**31)
    text = [f"{number(len(after))} tested {many(facts.words.case)} against {number(len(before))} that were learnt from{' (first fold)' if len(facts.folds) > 1 else ''}."]
    text += [f"A classifier tells them apart with AUC {number(apart.estimate, 2)} ({number(apart.lower, 2)} to {number(apart.upper, 2)}): 0.5 is no difference that it can see."] if apart.defined else []
    rows = tuple(_row(s) for s in found[:MOST])
    note = f"SMD: standardised mean difference, up to {LEAST_SMD} either way is small. PSI: population stability index, above {LARGE_PSI} is large; in small samples both grow by chance."
    blocks = (Paragraph(tuple(text)), Table("shift", "Columns, the most different first", columns=("", "Level", "SMD", "PSI", "Missing, learnt from", "Missing, tested"), rows=rows, note=note, tone="tight"))
    return Section("shift", "Tested against learnt from", blocks if rows else blocks[:1])


def _row(s: Shift) -> tuple[Cell | str, ...]:
    missing = tuple(Cell(f"{number(100 * m, 1)}\u00a0%", value=m) for m in s.missing)
    return (s.column, s.level or "–", Cell(number(s.smd, 2), value=s.smd), Cell(number(s.psi, 3), value=None if s.psi != s.psi else s.psi), *missing)

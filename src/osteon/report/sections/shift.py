"""How the tested cases differ from those that were learnt from, column by column and all together; the same for cases from elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from osteon.report.cells import chance, figure, tested
from osteon.report.content import Block, Cell, Paragraph, Section, Table
from osteon.report.facts import Facts
from osteon.report.words import listed, many, number
from osteon.run import slug
from osteon.stats.intervals import HypothesisTest, Interval
from osteon.validation.shift import Shift, discrepancy, shifts, told_apart
from osteon.validation.shift_pictures import FILE as PICTURES

if TYPE_CHECKING:
    import pandas as pd

MOST = 15
LEAST_SMD, LARGE_PSI, PLAIN = 0.1, 0.25, 0.05
OWN = ("case", "patient")
NOTE = (f"SMD: standardised mean difference, up to {LEAST_SMD} either way is small. PSI: population stability index, above {LARGE_PSI} is large; in small samples both grow by chance. "
        "p: Kolmogorov-Smirnov, of words chi-square; Holm's correction is over all columns of the kind.")


def shift(facts: Facts) -> Section | None:
    """Columns of the cases, and global statistics of their pictures, between the parts of the first fold; None where the run keeps neither."""
    kinds = {kind: table for kind, table in (("cases", facts.tables["cases"]), ("pictures", pictures(facts.run.folder))) if table is not None and columns_of(table)}
    split = facts.tables["split"]
    split = split[split["fold"] == split["fold"].iloc[0]]
    of = {part: split[split["part"] == part]["case"] for part in dict.fromkeys(split["part"])}
    learnt = split[split["part"].str.split(" ").str[0].isin(("train", "tune"))]["case"]
    if not kinds or not any(table["case"].isin(of.get("test", [])).any() for table in kinds.values()):
        return None
    pairs = [("test", "learnt from", of["test"], learnt)]
    pairs += [("tune", "train", of["tune"], of["train"])] if {"tune", "train"} <= set(of) else []
    pairs += [(part, "learnt from", cases, learnt) for part, cases in of.items() if part not in ("train", "tune", "test") and part.split(" ")[0] not in ("train", "tune")]
    whole = {(pair[0], kind): _compared(table, pair[3], table, pair[2], seed_of(facts)) for pair in pairs for kind, table in kinds.items()}
    rows = tuple(_whole(kind, pair, whole[pair[0], kind]) for pair in pairs for kind in kinds)
    text = f"{number(len(of['test']))} tested {many(facts.words.case)} against {number(len(learnt))} that were learnt from{' (first fold)' if len(facts.folds) > 1 else ''}."
    told = (text, *(s for kind in kinds if (s := apart(kind, whole["test", kind]))))
    tables = tuple(t for kind, table in kinds.items() if (t := by_column(kind, table[table["case"].isin(learnt)], table[table["case"].isin(of["test"])], name="shift")) is not None)
    together = Table("shift-whole", "All columns together", columns=("Part", "Against", "On", "n", "AUC of a classifier", "MMD", "p (permutation)"), rows=rows, tone="tight",
                     note="The AUC is of a classifier that tells the two apart, within five folds: 0.5 is no difference that it can see. MMD: squared maximum mean discrepancy, about 0 without a difference.")
    return Section("shift", "Tested against learnt from", (Paragraph(told), *tables, together))


def seed_of(facts: Facts) -> int:
    """The seed of the run, as scikit-learn takes it."""
    return int(facts.about["seed"]) % 2**31


def pictures(folder: object) -> pd.DataFrame | None:
    """The global statistics of the pictures of a run or an external validation; None where none were kept."""
    from pathlib import Path

    import pandas as pd

    path = Path(str(folder)) / f"{PICTURES}.csv"
    return pd.read_csv(path, dtype={"case": str}) if path.exists() else None


def columns_of(table: pd.DataFrame) -> list[str]:
    """The columns that hold something."""
    return [c for c in table.columns if c not in OWN and table[c].notna().any()]


@dataclass(frozen=True)
class Compared:
    """Two groups of cases: how many there are of the second, AUC of a classifier, maximum mean discrepancy, and the columns that moved by more than chance and more than little."""

    n: int
    auc: Interval
    mmd: HypothesisTest = field(kw_only=True)
    moved: tuple[str, ...] = field(kw_only=True)


def _compared(before: pd.DataFrame, learnt: pd.Series, after: pd.DataFrame, others: pd.Series, seed: int) -> Compared:
    columns = [c for c in columns_of(before) if c in after]
    x, y = before.loc[before["case"].isin(learnt), columns], after.loc[after["case"].isin(others), columns]
    moved = tuple(s.column for s in shifts(x, y) if s.adjusted < PLAIN and abs(s.smd) > LEAST_SMD)
    return Compared(len(y), told_apart(x, y, seed=seed), mmd=discrepancy(x, y, seed=seed), moved=moved)


def _whole(kind: str, pair: tuple[str, str, pd.Series, pd.Series], found: Compared) -> tuple[Cell | str, ...]:
    mmd = Cell(number(found.mmd.statistic, 4), value=found.mmd.statistic) if found.mmd.p == found.mmd.p else Cell("–")
    return (pair[0], pair[1], kind, Cell(number(found.n), value=found.n), figure(found.auc, 2), mmd, tested(found.mmd) if found.mmd.p == found.mmd.p else Cell("–"))


def apart(kind: str, found: Compared) -> str:
    """In a sentence whether a classifier tells two groups of cases apart, and which columns moved; empty where it can not be said."""
    if not found.auc.defined:
        return ""
    what = "the columns of the cases" if kind == "cases" else "the grey levels, noise and size of the pictures"
    tail = f"; more than chance and more than little: {listed(found.moved[:6])}" if found.moved else "; no single column differs by more than chance and more than little"
    return f"By {what} a classifier tells them apart with AUC {number(found.auc.estimate, 2)} ({number(found.auc.lower, 2)} to {number(found.auc.upper, 2)}; 0.5 is no difference that it can see){tail}."


def by_column(kind: str, before: pd.DataFrame, after: pd.DataFrame, *, name: str, title: str = "") -> Table | None:
    """Columns of the cases or the pictures, the most different first; None where none can be measured."""
    columns = [c for c in columns_of(before) if c in after]
    found = [s for s in shifts(before[columns], after[columns]) if s.smd == s.smd]
    if not found:
        return None
    what = "Columns" if kind == "cases" else "Global statistics of the pictures"
    names = ("Missing, learnt from", "Missing, tested") if not title else ("Missing here", "Missing there")
    return Table(name if kind == "cases" else f"{name}-{kind}", f"{what}, the most different first{f': {title}' if title else ''}", columns=("", "Level", "SMD", "PSI", "p", "p, Holm", *names),
                 rows=tuple(_row(s) for s in found[:MOST]), note=NOTE, tone="tight")


def _row(s: Shift) -> tuple[Cell | str, ...]:
    missing = tuple(Cell(f"{number(100 * m, 1)}\u00a0%", value=m) for m in s.missing)
    return (s.column, s.level or "–", Cell(number(s.smd, 2), value=s.smd), Cell(number(s.psi, 3), value=None if s.psi != s.psi else s.psi), chance(s.p), chance(s.adjusted), *missing)


def elsewhere(facts: Facts, cohort: str) -> tuple[Block, ...]:
    """How the cases of an external validation differ from all those of the run: a sentence and a table a kind; nothing where they were not kept."""
    import pandas as pd

    home = facts.run.folder / "external" / slug(cohort)
    path = home / "cases.csv"
    there = {"cases": pd.read_csv(path, dtype={"case": str, "patient": str, "site": str}) if path.exists() else None, "pictures": pictures(home)}
    here = {"cases": facts.tables["cases"], "pictures": pictures(facts.run.folder)}
    both = {k: (here[k], t.drop(columns="site", errors="ignore")) for k, t in there.items() if t is not None and here[k] is not None}  # another site has another name
    found = {k: _compared(a, a["case"], b, b["case"], seed_of(facts)) for k, (a, b) in both.items()}
    told = tuple(s for k, one in found.items() if (s := apart(k, one)))
    tables = tuple(t for k, (a, b) in both.items() if (t := by_column(k, a, b, name=f"shift-{cohort}", title=cohort)) is not None)
    tests = [f"{k}, p {tested(one.mmd).text}" for k, one in found.items() if one.mmd.p == one.mmd.p]
    words = (f"What differs there from the {number(len(facts.tables['cases']))} {many(facts.words.case)} here.", *told, *((f"All columns together (maximum mean discrepancy, by permutation): {listed(tests)}.",) if tests else ()))
    return (Paragraph(words), *tables) if told or tables else ()

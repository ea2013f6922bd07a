"""A cohort looked at once, for checks that need ids, states, records and fingerprints of pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from osteon.cohort import Cohort
from osteon.design import Fold
from osteon.run import Run
from osteon.study import Study
from osteon.targets.lines import TRUE, judged
from osteon.validation.fingerprints import Prints, prints_of
from osteon.value import Withheld

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Material:
    """Of n cases: ids, attributes (patient and site among them), states of the main finding (0, 1, nan unknown), records, fingerprints of the pictures."""

    ids: list[str]
    attributes: Mapping[str, np.ndarray] = field(kw_only=True)
    states: np.ndarray = field(kw_only=True)
    records: pd.DataFrame | None = field(kw_only=True)
    prints: Prints | None = field(kw_only=True)


@dataclass(frozen=True, eq=False)
class Divided:
    """The material with the row numbers that were learnt from (train and tune) and tested."""

    material: Material
    learnt: np.ndarray
    test: np.ndarray = field(kw_only=True)
    temporal: bool = field(default=False, kw_only=True)

    def attribute(self, name: str) -> np.ndarray | None:
        """An attribute (n,), or None where no case has it."""
        values = self.material.attributes.get(name)
        return values if values is not None and any(v is not None and v == v and v != "" for v in values) else None


@dataclass(frozen=True)
class Found:
    """What a check saw: whether chance is excluded, a sentence, pairs of row numbers (test, learnt), how many test cases, and a kind of its own."""

    error: bool
    sentence: str
    pairs: tuple[tuple[int, int], ...] = field(default=(), kw_only=True)
    count: int = field(default=0, kw_only=True)
    kind: str = field(default="", kw_only=True)


def gather(cohort: Cohort, study: Study, *, pictures: bool = True) -> Material:
    """Look at a conformed cohort once; pictures are opened one after the other and only their fingerprints are kept."""
    attributes = dict(cohort.units().columns) | {"patient": cohort.column("patient"), "site": cohort.column("site")}
    seen = [n for n, s in study.inputs.items() if s.kind in ("picture", "volume") and not s.many]
    return Material(cohort.ids(), attributes=attributes, states=states_of(cohort, study), records=_records(cohort, study), prints=prints_of(cohort, seen[0]) if seen and pictures else None)


def recall(run: Run, study: Study) -> Material:
    """What the tables of a run still tell of its cases, by their codes: no picture, no date, and states of those only that were judged."""
    import pandas as pd

    table, target = run.table("cases"), study.targets[study.primary]
    label = next(m for m, writes in run.about["models"].items() if study.primary in writes)
    lines = judged(run.lines(label))
    lines = lines[(lines["target"] == study.primary) & (lines["finding"] == (target.findings[0] if target.findings else ""))]
    states = table["case"].map((lines["state"] == TRUE).groupby(lines["case"]).max().astype(float))
    columns = list(dict.fromkeys(c for s in study.inputs.values() if s.kind == "table" for c in s.columns if c in table))
    attributes = {c: table[c].astype(object).where(table[c].notna(), None).to_numpy() for c in table if c != "case"}
    return Material(table["case"].tolist(), attributes=attributes, states=pd.to_numeric(states).to_numpy(float), records=table[columns] if columns else None, prints=None)


def folds_of(run: Run, codes: list[str]) -> tuple[Fold, ...]:
    """The folds of a run as row numbers among `codes`; cases that are not there are left out."""
    split, at = run.table("split"), {code: i for i, code in enumerate(codes)}
    split = split[split["case"].isin(at)]

    def rows(of: pd.DataFrame, *parts: str) -> np.ndarray:
        return np.array([at[c] for c in of[of["part"].isin(parts)]["case"]], int)

    out = []
    for name, of in split.groupby("fold", sort=False):
        learnt = sorted({p for p in of["part"] if p.split(" ")[0] in ("train", "tune")})
        out.append(Fold(str(name), ((rows(of, *learnt), np.arange(0)),), rows(of, "test")))
    return tuple(out)


def states_of(cohort: Cohort, study: Study) -> np.ndarray:
    """State of the main finding of the primary target (n,): 0, 1, or nan where it is unknown."""
    target = study.targets[study.primary]
    finding = target.findings[0] if target.findings else ""

    def state(case: object) -> float:
        truth = case.truth.get(study.primary)  # type: ignore[attr-defined]
        known = None if truth is None or isinstance(truth, Withheld) or target.cut is None else target.is_positive(truth, finding)
        return float("nan") if known is None else float(known)

    return np.array([state(case) for case in cohort], float)


def _records(cohort: Cohort, study: Study) -> pd.DataFrame | None:
    """The columns of every record side by side, one that stands in several once."""
    import pandas as pd

    tables = [cohort.table(n) for n, s in study.inputs.items() if s.kind == "table" and not s.optional]
    if not tables:
        return None
    whole = pd.concat(tables, axis=1).reset_index(drop=True)
    return whole.loc[:, ~whole.columns.duplicated()]

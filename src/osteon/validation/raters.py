"""Three readings or more of the same cases, and readings that are points or angles: how far they agree, with a sentence that can be pasted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from osteon.errors import DataError, message, near
from osteon.stats.intervals import HypothesisTest, Interval, undefined
from osteon.validation.agreement import FEWEST, KINDS, floats, said

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Raters:
    """Readings of n cases: kind, names of the columns, rows without two readings, figures with intervals, tests, and the sentence."""

    kind: str
    names: tuple[str, ...]
    n: int = field(kw_only=True)
    left_out: int = field(kw_only=True)
    figures: Mapping[str, Interval] = field(kw_only=True, hash=False)
    tests: Mapping[str, HypothesisTest] = field(default_factory=dict, kw_only=True, hash=False)
    sentence: str = field(kw_only=True)


def raters(table: pd.DataFrame, columns: Sequence[str], *, kind: str = "", order: Sequence[str] = (), where: object = "table") -> Raters:
    """Agreement of three columns or more: Fleiss, Gwet and Krippendorff for classes and grades, the ICC for numbers.

    Rows with fewer than two readings are left out; Fleiss and the ICC take rows with all of them. Raises DataError as `agree` does.
    """
    for name in columns:
        if name not in table:
            raise DataError(message(where, f"there is no column {name!r}", do=near(name, map(str, table.columns))))
    known = table[list(columns)].notna().sum(axis=1) >= 2
    if int(known.sum()) < FEWEST:
        raise DataError(message(where, f"{int(known.sum())} rows hold two readings", expected=f"at least {FEWEST}"))
    given = table.loc[known, list(columns)]
    numeric = all(given[c].dtype.kind in "fiu" for c in columns)
    kind = kind or ("grades" if order else "numbers" if numeric and given.nunique().max() > 10 else "grades" if numeric else "names")
    if kind not in KINDS:
        raise DataError(message(where, f"there is no kind {kind!r}", expected=", ".join(KINDS), do=near(kind, KINDS)))
    if kind == "numbers":
        return _measured(given, int((~known).sum()), where)
    return _graded(given, kind, order, int((~known).sum()), where)


def _measured(given: pd.DataFrame, left: int, where: object) -> Raters:
    from osteon.stats.agreement import icc, measurement_error

    whole = given.dropna()
    x = np.column_stack([floats(whole[c], where) for c in whole])
    if len(x) < FEWEST:
        raise DataError(message(where, f"{len(x)} rows hold every reading", expected=f"at least {FEWEST}"))
    figures = {**icc(x), **measurement_error(x)}
    all_of = np.column_stack([given[c].to_numpy(float) for c in given])
    alpha = _alpha(all_of, "interval")
    text = f"{len(given.columns)} readings of {len(x)} cases: absolute agreement of single readings, ICC(2,1), was {said(figures['ICC(2,1)'])}; Krippendorff's alpha for intervals {said(alpha)}; intervals are 95 %."
    return Raters("numbers", tuple(map(str, given.columns)), n=len(x), left_out=left, figures={**figures, "Krippendorff alpha": alpha}, sentence=text)


def _graded(given: pd.DataFrame, kind: str, order: Sequence[str], left: int, where: object) -> Raters:
    from osteon.stats.kappa import fleiss_kappa, fleiss_test, gwet_ac

    x, levels = _coded(given, order, where)
    whole = x[~np.isnan(x).any(axis=1)]
    k = len(levels)
    figures: dict[str, Interval] = {"Fleiss kappa": fleiss_kappa(whole, classes=k) if len(whole) >= FEWEST else undefined("fewer than 3 rows with every reading"), "AC1": gwet_ac(x, classes=k)}
    figures |= {"AC2, quadratic": gwet_ac(x, classes=k, weights="quadratic"), "Krippendorff alpha": _alpha(x, "ordinal")} if kind == "grades" and k > 2 else {"Krippendorff alpha": _alpha(x, "nominal")}
    tests = {"Fleiss kappa is 0": fleiss_test(whole, classes=k)} if len(whole) >= FEWEST else {}
    text = (f"{x.shape[1]} readings of {len(x)} cases over {k} {'grades' if kind == 'grades' else 'classes'} ({', '.join(levels)}): Fleiss' kappa was {said(figures['Fleiss kappa'])}, "
            f"Krippendorff's alpha {said(figures['Krippendorff alpha'])}, Gwet's AC1 {said(figures['AC1'])}; intervals are 95 %.")
    return Raters(kind, tuple(map(str, given.columns)), n=len(x), left_out=left, figures=figures, tests=tests, sentence=text)


def _alpha(x: np.ndarray, metric: str) -> Interval:
    """Krippendorff's alpha with limits from resampling cases."""
    from osteon.stats.clusters import from_resamples
    from osteon.stats.kappa import krippendorff_alpha

    value = krippendorff_alpha(x, metric=metric)
    if value != value:
        return undefined("every reading is equal")
    rng = np.random.default_rng(0)
    drawn = np.array([krippendorff_alpha(x[rng.integers(0, len(x), len(x))], metric=metric) for _ in range(400)])
    return from_resamples(value, drawn)


def _coded(given: pd.DataFrame, order: Sequence[str], where: object) -> tuple[np.ndarray, list[str]]:
    """Readings as numbers from 0 (n, k; nan where there is none), and the levels."""
    texts = given.map(lambda v: None if v is None or v != v else f"{v:g}" if isinstance(v, float) else str(v).strip())
    numeric = all(given[c].dtype.kind in "fiu" for c in given)
    found = {t for c in texts for t in texts[c].dropna()}
    levels = list(order) or sorted(found, key=float if numeric else str)  # type: ignore[arg-type]
    strange = sorted(found - set(levels))
    if strange:
        raise DataError(message(where, f"{strange[0]!r} is none of the grades", expected=", ".join(levels)))
    if len(levels) < 2:
        raise DataError(message(where, f"every reading is {levels[0]!r}", expected="at least two values", do="Agreement beyond chance is not defined where nothing differs"))
    place = {t: float(k) for k, t in enumerate(levels)}
    return np.column_stack([texts[c].map(place).to_numpy(float) for c in texts]), levels


def points(table: pd.DataFrame, first: Sequence[str], second: Sequence[str], *, spacing: float = 1.0, where: object = "table") -> Raters:
    """Two readings of landmarks, each in two or three columns (x,y): mean radial error and the share within 2, 2.5, 3 and 4 mm; `spacing` is mm a step.

    A column `patient`, where there is one, names whose landmark a row is. Raises DataError for columns that are not there or cells that are no number.
    """
    from osteon.stats.landmarks import mean_radial_error, radial_errors, success_rates

    names = [*first, *second]
    missing = [n for n in names if n not in table]
    if missing or len(first) != len(second) or len(first) not in (2, 3):
        raise DataError(message(where, f"there is no column {missing[0]!r}" if missing else "a landmark has two or three numbers in each reading", expected="--first x,y --second x2,y2", do=near(missing[0], map(str, table.columns)) if missing else ""))
    known = table[names].notna().all(axis=1)
    rows = table[known]
    if len(rows) < FEWEST:
        raise DataError(message(where, f"{len(rows)} rows hold both landmarks", expected=f"at least {FEWEST}"))
    one, two = (np.column_stack([floats(rows[c], where) for c in part]) for part in (first, second))
    patients = rows["patient"].astype(str).to_numpy() if "patient" in rows else None
    errors = radial_errors(two, one, spacing=[spacing] * len(first))
    figures = {"mean radial error, mm": mean_radial_error(errors, patients=patients)} | {f"within {t:g} mm": rate for t, rate in success_rates(errors, patients=patients).items()}
    share = figures["within 2 mm"]
    text = f"Landmarks of {len(rows)} rows lay {said(figures['mean radial error, mm'], 'mm')} apart on average (mean radial error); {100 * share.estimate:.0f} % lay within 2 mm; intervals are 95 %{', patients as units' if patients is not None else ''}."
    return Raters("points", (",".join(first), ",".join(second)), n=len(rows), left_out=int((~known).sum()), figures=figures, sentence=text)


def angles(table: pd.DataFrame, first: str, second: str, *, period: float = 360.0, where: object = "table") -> pd.DataFrame:
    """The table with the first column turned by whole periods next to the second, so that 359 and 1 degree are 2 degrees apart (period 180 for axes without direction)."""
    from osteon.stats.landmarks import angle_differences

    for name in (first, second):
        if name not in table:
            raise DataError(message(where, f"there is no column {name!r}", do=near(name, map(str, table.columns))))
    known = table[[first, second]].notna().all(axis=1)
    two = floats(table.loc[known, second], where)
    gap = angle_differences(two, floats(table.loc[known, first], where), period=period)
    out = table.astype({first: float, second: float}) if known.all() else table.copy()
    out.loc[known, first] = two + gap
    return out

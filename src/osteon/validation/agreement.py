"""Two columns of anyone's spreadsheet: how far two readings of the same cases agree, with a sentence that can be pasted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.errors import DataError, message, near
from osteon.stats.agreement import bland_altman, errors, icc, lin_ccc, measurement_error
from osteon.stats.intervals import HypothesisTest, Interval

if TYPE_CHECKING:
    import pandas as pd

KINDS = ("numbers", "grades", "names")
MOST_GRADES = 10  # whole numbers of so few levels are taken as grades
FEWEST = 3


@dataclass(frozen=True)
class Agreement:
    """Two readings of n cases: kind (numbers, grades, names), names of the columns, rows left out for an empty cell, figures with intervals, the sentence, and the levels of classes."""

    kind: str
    names: tuple[str, str]
    n: int = field(kw_only=True)
    left_out: int = field(kw_only=True)
    figures: Mapping[str, Interval] = field(kw_only=True, hash=False)
    sentence: str = field(kw_only=True)
    levels: tuple[str, ...] = field(default=(), kw_only=True)
    pairs: tuple[np.ndarray, np.ndarray] = field(kw_only=True, repr=False, compare=False)


def agree(table: pd.DataFrame, first: str = "", second: str = "", *, kind: str = "", unit: str = "", order: Sequence[str] = (), interval: str = "Wilson", where: object = "table") -> Agreement:
    """Agreement of two columns; without names, of the only two columns of one kind.

    `kind` is guessed where it is not given, `order` names the grades from low to high, `interval` is that of the share of equal classes. Raises DataError for columns that are not there, cells that are
    no number where numbers are asked for (with the row of the file), fewer than three pairs.
    """
    names = _columns(table, first, second, where)
    known = table[list(names)].notna().all(axis=1)
    one, two = (table.loc[known, name] for name in names)
    if len(one) < FEWEST:
        raise DataError(message(where, f"{len(one)} rows hold both readings", expected=f"at least {FEWEST}"))
    kind = kind or _kind(one, two, order)
    if kind not in KINDS:
        raise DataError(message(where, f"there is no kind {kind!r}", expected=", ".join(KINDS), do=near(kind, KINDS)))
    left = int((~known).sum())
    if kind == "numbers":
        return _numbers(floats(one, where), floats(two, where), names, left=left, unit=unit)
    found = _classes(one, two, names, left=left, kind=kind, order=order, where=where)
    return found if interval == "Wilson" else replace(found, figures={**found.figures, "agreement": _share(found, interval, where)})


def _share(found: Agreement, method: str, where: object) -> Interval:
    """The share of equal readings with another interval."""
    from osteon.stats.intervals import PROPORTION_METHODS, proportion

    if method not in PROPORTION_METHODS:
        raise DataError(message(where, f"there is no interval {method!r}", expected=", ".join(PROPORTION_METHODS), do=near(method, PROPORTION_METHODS)))
    one, two = found.pairs
    return proportion(int((one == two).sum()), len(one), method=method)


def _columns(table: pd.DataFrame, first: str, second: str, where: object) -> tuple[str, str]:
    for name in filter(None, (first, second)):
        if name not in table:
            raise DataError(message(where, f"there is no column {name!r}", do=near(name, map(str, table.columns))))
    if first and second:
        return first, second
    numbers = [str(c) for c in table.columns if table[c].dtype.kind in "fiu"]
    found = numbers if len(numbers) == 2 else [str(c) for c in table.columns]
    if len(found) != 2 or first or second:
        raise DataError(message(where, "it is not clear which two columns are meant", found=f"Found {', '.join(map(str, table.columns))}", do="Name them with --first and --second"))
    return found[0], found[1]


def _kind(one: pd.Series, two: pd.Series, order: Sequence[str]) -> str:
    if order:
        return "grades"
    if not all(s.dtype.kind in "fiu" for s in (one, two)):
        return "names"
    values = np.concatenate([one.to_numpy(float), two.to_numpy(float)])
    return "grades" if len(np.unique(values)) <= MOST_GRADES and np.all(values == np.round(values)) else "numbers"


def floats(column: pd.Series, where: object) -> np.ndarray:
    """A column as numbers; raises DataError with the row of the file for a cell that is none."""
    import pandas as pd

    values = pd.to_numeric(column, errors="coerce")
    bad = values.isna() | np.isinf(values.astype(float))
    if bad.any():
        row = bad.idxmax()
        raise DataError(message(f"{where}, column {column.name}, row {int(row) + 2}", "the cell is no number", found=f"Found {column.loc[row]!r}"))
    return values.to_numpy(float)


def _numbers(one: np.ndarray, two: np.ndarray, names: tuple[str, str], *, left: int, unit: str) -> Agreement:
    both = np.column_stack([one, two])
    figures = {**bland_altman(one, two), **icc(both), "CCC": lin_ccc(one, two), **measurement_error(both), **{k: v for k, v in errors(two, one).items() if k != "r2"}}
    f = {k: said(v, unit if k in ("bias", "lower_limit", "upper_limit") else "") for k, v in figures.items()}
    size = len(one)
    text = (f"Two readings of {size} cases ({names[0]}, {names[1]}) differed by {f['bias']} on average ({names[0]} less {names[1]}); 95 % limits of agreement ran from {f['lower_limit']} "
            f"to {f['upper_limit']} (Bland and Altman, exact intervals of Carkeet). Absolute agreement of single readings, ICC(2,1), was {f['ICC(2,1)']}; intervals are 95 %.")
    return Agreement("numbers", names, n=size, left_out=left, figures=figures, sentence=text + _left(left), pairs=(one, two))


def _classes(one: pd.Series, two: pd.Series, names: tuple[str, str], *, left: int, kind: str, order: Sequence[str], where: object) -> Agreement:
    from osteon.stats.intervals import wilson
    from osteon.stats.kappa import cohen_kappa, gwet_ac, kappa_test, pabak

    levels, (a, b) = _codes(one, two, order, where)
    if len(levels) < 2:
        raise DataError(message(where, f"every reading is {levels[0]!r}", expected="at least two values", do="Agreement beyond chance is not defined where nothing differs"))
    k, both = len(levels), np.column_stack([a, b])
    figures: dict[str, Interval] = {"agreement": wilson(int((a == b).sum()), len(a)), "kappa": cohen_kappa(a, b, classes=k)}
    if kind == "grades" and k > 2:
        figures |= {f"kappa_{w}": cohen_kappa(a, b, classes=k, weights=w) for w in ("linear", "quadratic")}
    figures |= {"PABAK": pabak(a, b, classes=k), "AC1": gwet_ac(both, classes=k)}
    main = "kappa_quadratic" if "kappa_quadratic" in figures else "kappa"
    name = "quadratic weighted kappa" if main != "kappa" else "Cohen's kappa"
    text = (f"Two readings of {len(a)} cases ({names[0]}, {names[1]}) were equal in {int((a == b).sum())} ({100 * figures['agreement'].estimate:.1f} %); {name} was {said(figures[main])} "
            f"over {k} {'grades' if kind == 'grades' else 'classes'} ({', '.join(map(str, levels))}), AC1 {said(figures['AC1'])}; intervals are 95 %{_tested(kappa_test(a, b, classes=k, weights=main.removeprefix('kappa_') if main != 'kappa' else 'unweighted'))}.")
    return Agreement(kind, names, n=len(a), left_out=left, figures=figures, sentence=text + _left(left), levels=tuple(map(str, levels)), pairs=(a, b))


def _tested(test: HypothesisTest) -> str:
    return "" if test.p != test.p else f" (p {'< 0.001' if test.p < 0.001 else f'{test.p:.3f}'} that agreement is by chance)"


def _codes(one: pd.Series, two: pd.Series, order: Sequence[str], where: object) -> tuple[list[Any], tuple[np.ndarray, np.ndarray]]:
    """Levels in order, and both readings as their numbers from 0; whole-number grades keep the empty grades between them."""
    if order or not all(s.dtype.kind in "fiu" for s in (one, two)):
        texts = [s.map(lambda v: f"{v:g}" if isinstance(v, float) else str(v).strip()) for s in (one, two)]
        levels: list[Any] = list(order) or sorted({*texts[0], *texts[1]})
        for text in texts:
            strange = ~text.isin(levels)
            if strange.any():
                raise DataError(message(f"{where}, column {text.name}, row {int(strange.idxmax()) + 2}", f"{text.loc[strange.idxmax()]!r} is none of the grades", expected=", ".join(levels)))
        return levels, (texts[0].map(levels.index).to_numpy(int), texts[1].map(levels.index).to_numpy(int))
    values = [s.to_numpy(float) for s in (one, two)]
    low, high = min(v.min() for v in values), max(v.max() for v in values)
    if all(np.all(v == np.round(v)) for v in values) and high - low < MOST_GRADES:
        return list(range(int(low), int(high) + 1)), ((values[0] - low).astype(int), (values[1] - low).astype(int))
    found = np.unique(np.concatenate(values))
    return [f"{v:g}" for v in found], (np.searchsorted(found, values[0]), np.searchsorted(found, values[1]))


def said(value: Interval, unit: str = "") -> str:
    """An estimate with its interval as it stands in a paper, or why it does not exist."""
    if not value.defined:
        return f"not defined ({value.reason})"
    space = f" {unit}" if unit and unit != "°" else unit
    return f"{value.estimate:.2f}{space} ({value.lower:.2f} to {value.upper:.2f})"


def _left(left: int) -> str:
    rows = "1 row with an empty cell was" if left == 1 else f"{left} rows with an empty cell were"
    return f" {rows} left out." if left else ""

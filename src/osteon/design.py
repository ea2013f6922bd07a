"""How cases are divided. Patients, and whatever must stay together, never straddle two parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from osteon.errors import DataError, StudyError, message


@dataclass(frozen=True, eq=False)
class Fold:
    """One division: row numbers of the test cases, of (train, tune) for each fit, and of further parts that are only analysed."""

    name: str
    fits: tuple[tuple[np.ndarray, np.ndarray], ...]
    test: np.ndarray
    others: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Units:
    """What a design may look at: a group number a case (cases of one group stay together), strata and columns by name."""

    groups: np.ndarray
    strata: np.ndarray
    columns: Mapping[str, np.ndarray] = field(default_factory=dict)


class Design(Protocol):
    """Divides cases into folds; the same units and seed give the same folds."""

    def divide(self, units: Units, seed: int) -> tuple[Fold, ...]: ...


def together(*keys: Sequence[object] | np.ndarray) -> np.ndarray:
    """Group numbers (n,) so that cases which share a value of any key are in one group (connected components); None and "" tie nothing."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    n = len(keys[0])
    rows, cols, offset = [np.arange(0)], [np.arange(0)], n
    for key in keys:
        known: dict[object, int] = {}
        named = [i for i, k in enumerate(key) if k is not None and k != "" and k == k]
        rows.append(np.array(named, int))
        cols.append(np.array([offset + known.setdefault(key[i], len(known)) for i in named], int))
        offset += len(known)
    i, j = np.concatenate(rows), np.concatenate(cols)
    _, labels = connected_components(coo_matrix((np.ones(len(i)), (i, j)), shape=(offset, offset)), directed=False)
    return np.unique(labels[:n], return_inverse=True)[1]


def _deal(units: Units, rows: np.ndarray, shares: Sequence[float], rng: np.random.Generator) -> list[np.ndarray]:
    """Deal the groups of some rows into parts of given shares, stratum by stratum, each part within a group of its share."""
    groups, first = np.unique(units.groups[rows], return_index=True)
    strata, sizes = units.strata[rows][first], np.bincount(units.groups[rows], minlength=units.groups.max() + 1)[groups]
    edges = np.cumsum(shares)[:-1] / sum(shares)
    part = np.zeros(len(groups), int)
    for stratum in np.unique(strata):
        order = rng.permutation(np.flatnonzero(strata == stratum))
        middle = (np.cumsum(sizes[order]) - sizes[order] / 2) / sizes[order].sum()
        part[order] = np.searchsorted(edges, middle)
    of_group = dict(zip(groups.tolist(), part.tolist(), strict=True))
    of_row = np.array([of_group[g] for g in units.groups[rows].tolist()], int)
    return [rows[of_row == k] for k in range(len(shares))]


def _checked(fold: Fold) -> Fold:
    for k, (train, tune) in enumerate(fold.fits):
        if not len(train) or not len(tune):
            raise DataError(message(f"design, fold {fold.name}, fit {k + 1}", "a part is empty", expected="patients in train and in tune",
                                    found=f"Found {len(train)} and {len(tune)} cases", do="Give more patients or a design with fewer parts"))
    return fold


@dataclass(frozen=True)
class HoldOut:
    """One division by shares; what the shares leave is not used."""

    train: float = 0.6
    tune: float = 0.2
    test: float = 0.2

    def __post_init__(self) -> None:
        if min(self.train, self.tune, self.test) <= 0 or self.train + self.tune + self.test > 1 + 1e-9:
            raise StudyError(message("HoldOut", "the shares are impossible", expected="each above 0, sum at most 1"))

    def divide(self, units: Units, seed: int) -> tuple[Fold, ...]:
        """One fold of one fit."""
        rest = max(1 - self.train - self.tune - self.test, 1e-12)
        parts = _deal(units, np.arange(len(units.groups)), (self.train, self.tune, self.test, rest), np.random.default_rng(seed))
        if not len(parts[2]):
            raise DataError(message("HoldOut", "the test part is empty", found=f"Found {len(units.groups)} cases", do="Give more patients"))
        return (_checked(Fold("1", ((parts[0], parts[1]),), parts[2])),)


@dataclass(frozen=True)
class CrossValidation:
    """Every patient is tested once a repeat; the tune part is a share of what is not tested."""

    folds: int = 5
    repeats: int = 1
    tune: float = 0.2

    def divide(self, units: Units, seed: int) -> tuple[Fold, ...]:
        """folds x repeats folds of one fit each."""
        return tuple(fold for r in range(self.repeats) for fold in self._once(units, seed, r))

    def _once(self, units: Units, seed: int, repeat: int) -> list[Fold]:
        rng = np.random.default_rng([seed, repeat])
        rows = np.arange(len(units.groups))
        out = []
        for k, test in enumerate(_deal(units, rows, [1.0] * self.folds, rng)):
            train, tune = _deal(units, np.setdiff1d(rows, test), (1 - self.tune, self.tune), rng)
            out.append(_checked(Fold(f"{repeat + 1}.{k + 1}" if self.repeats > 1 else str(k + 1), ((train, tune),), test)))
        return out


@dataclass(frozen=True)
class Nested:
    """Outer folds to test; within each, inner folds whose models are averaged."""

    outer: int = 5
    inner: int = 5

    def divide(self, units: Units, seed: int) -> tuple[Fold, ...]:
        """`outer` folds of `inner` fits each."""
        rng = np.random.default_rng(seed)
        rows = np.arange(len(units.groups))
        out = []
        for k, test in enumerate(_deal(units, rows, [1.0] * self.outer, rng)):
            rest = np.setdiff1d(rows, test)
            fits = tuple((np.setdiff1d(rest, tune), tune) for tune in _deal(units, rest, [1.0] * self.inner, rng))
            out.append(_checked(Fold(str(k + 1), fits, test)))
        return tuple(out)


@dataclass(frozen=True)
class LeaveOut:
    """One fold a value of a column (site, device, implant): trained on the others, tested on it."""

    by: str
    tune: float = 0.2

    def divide(self, units: Units, seed: int) -> tuple[Fold, ...]:
        """One fold a value; raises DataError where the column has one value, or a patient lies in two of them."""
        column, rng = _column(units, self.by, "LeaveOut"), np.random.default_rng(seed)
        values = sorted(set(column.tolist()))
        if len(values) < 2:
            raise DataError(message("LeaveOut", f"column {self.by!r} has one value", expected="two or more", found=f"Found {values}"))
        out = []
        for value in values:
            test = np.flatnonzero(column == value)
            rest = np.flatnonzero((column != value) & ~np.isin(units.groups, units.groups[test]))
            train, tune = _deal(units, rest, (1 - self.tune, self.tune), rng)
            out.append(_checked(Fold(str(value), ((train, tune),), test)))
        return tuple(out)


@dataclass(frozen=True)
class Given:
    """Parts that stand in a column as train, tune, test (published or temporal); any further part is only analysed."""

    column: str = "part"
    tune: float = 0.2

    def divide(self, units: Units, seed: int) -> tuple[Fold, ...]:
        """One fold; where no case is named tune, a share of train is. Raises DataError where a patient straddles parts."""
        column = _column(units, self.column, "Given").astype(str)
        pairs = np.unique(np.stack([units.groups.astype(str), column]), axis=1)
        split = [g for g, n in zip(*np.unique(pairs[0], return_counts=True), strict=True) if n > 1]
        if split:
            parts = sorted(pairs[1][pairs[0] == split[0]].tolist())
            raise DataError(message("Given", f"{len(split)} patients (or what stays together) lie in two parts", found=f"Found parts {parts}"))
        train, tune, test = (np.flatnonzero(column == name) for name in ("train", "tune", "test"))
        if not len(tune) and len(train):
            train, tune = _deal(units, train, (1 - self.tune, self.tune), np.random.default_rng(seed))
        others = {v: np.flatnonzero(column == v) for v in sorted(set(column.tolist()) - {"train", "tune", "test"})}
        if not len(test):
            raise DataError(message("Given", f"no case is named 'test' in column {self.column!r}", found=f"Found {sorted(set(column.tolist()))}"))
        return (_checked(Fold("1", ((train, tune),), test, others)),)


def _column(units: Units, name: str, where: str) -> np.ndarray:
    if name not in units.columns:
        raise DataError(message(where, f"the cohort has no column {name!r}", found=f"Found {sorted(units.columns)}"))
    return np.asarray(units.columns[name])


def final(folds: Sequence[Fold], units: Units, seed: int) -> Fold:
    """The fold of the model for new cases: the only fold, or all cases fitted by the rule of the first one (test part empty)."""
    if len(folds) == 1:
        return folds[0]
    fits, rng = folds[0].fits, np.random.default_rng([seed, len(folds)])
    share = len(fits[0][1]) / (len(fits[0][0]) + len(fits[0][1]))
    rows = np.arange(len(units.groups))
    if len(fits) == 1:
        train, tune = _deal(units, rows, (1 - share, share), rng)
        return _checked(Fold("final", ((train, tune),), np.arange(0)))
    tunes = _deal(units, rows, [1.0] * len(fits), rng)
    return Fold("final", tuple((np.setdiff1d(rows, tune), tune) for tune in tunes), np.arange(0))

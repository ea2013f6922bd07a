"""k two-by-two tables as arrays: validation, continuity corrections, logits, and the accuracy of each study.

Everything of the bivariate models is on the scale (logit sensitivity, logit specificity).
"""
from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from osteon.stats.arguments import Floats, refuse, same_length
from osteon.stats.intervals import HypothesisTest, proportion_limits

CORRECTIONS = ("none", "single", "all")
CELLS = ("tp", "fp", "fn", "tn")


@dataclass(frozen=True, eq=False)
class Tables:
    """k two-by-two tables, one a study; a study may lack diseased or healthy subjects and then speaks for one margin only.

    Raises ValueError for unequal lengths, for counts that are not whole numbers of 0 or more, and for an empty study.
    """

    tp: Floats
    fp: Floats
    _: KW_ONLY
    fn: Floats
    tn: Floats
    study: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in CELLS:
            object.__setattr__(self, name, _counts(getattr(self, name), name))
        k = same_length(tp=self.tp, fp=self.fp, fn=self.fn, tn=self.tn)
        refuse("tp + fp + fn + tn", self.totals.sum(1), self.totals.sum(1) == 0, "at least one subject in every study")
        names = tuple(map(str, self.study)) or tuple(f"study {i + 1}" for i in range(k))
        if len(names) != k:
            raise ValueError(f"study: {len(names)} names (expected {k}, one a table)")
        object.__setattr__(self, "study", names)

    def __len__(self) -> int:
        return len(self.tp)

    @property
    def events(self) -> Floats:
        """(k, 2): true positives and true negatives."""
        return np.column_stack([self.tp, self.tn])

    @property
    def totals(self) -> Floats:
        """(k, 2): diseased and healthy subjects."""
        return np.column_stack([self.tp + self.fn, self.fp + self.tn])

    @property
    def cells(self) -> Floats:
        """(k, 4): tp, fp, fn, tn."""
        return np.column_stack([self.tp, self.fp, self.fn, self.tn])

    def take(self, rows: ArrayLike) -> Tables:
        """The tables at the given positions (or where a boolean mask is true)."""
        index = np.arange(len(self))[np.asarray(rows)]
        tp, fp, fn, tn = self.cells[index].T
        return Tables(tp, fp, fn=fn, tn=tn, study=tuple(self.study[i] for i in index))

    def swapped(self) -> Tables:
        """The same tables with the roles of sensitivity and specificity exchanged."""
        return Tables(self.tn, self.fn, fn=self.fp, tn=self.tp, study=self.study)


class Logits(NamedTuple):
    """Observed logits (k, 2) of sensitivity and specificity and their variances (k, 2); a missing margin has infinite variance."""

    value: Floats
    variance: Floats


def _counts(values: object, name: str) -> Floats:
    try:
        array = np.atleast_1d(np.asarray(values, dtype=np.float64))
    except (TypeError, ValueError):
        raise ValueError(f"{name}: not an array of numbers (expected counts)") from None
    whole = np.isfinite(array) & (array >= 0) & (array == np.floor(array))
    refuse(name, array, ~whole, "a whole number of 0 or more")
    return array


def corrected(tables: Tables, correction: str = "single") -> Floats:
    """Cells (k, 4) after adding 0.5: to no table, to every cell of tables with a zero, or to all tables when one has a zero."""
    if correction not in CORRECTIONS:
        raise ValueError(f"correction: {correction!r} (expected one of {', '.join(CORRECTIONS)})")
    zero = (tables.cells == 0).any(1)
    added = {"none": np.zeros_like(zero), "single": zero, "all": np.full_like(zero, zero.any())}[correction]
    return tables.cells + 0.5 * added[:, None]


def logits(tables: Tables, correction: str = "single") -> Logits:
    """Logits with their binomial variances. Raises ValueError where ``correction`` is none and a cell is zero."""
    tp, fp, fn, tn = corrected(tables, correction).T
    hit, miss = np.column_stack([tp, tn]), np.column_stack([fn, fp])
    empty = tables.totals == 0
    bad = ~empty & ((hit == 0) | (miss == 0))
    if bad.any():
        row = int(np.argwhere(bad)[0][0])
        raise ValueError(f"correction: none, and {tables.study[row]} (position {row}) has a zero cell "
                         "(expected single or all, or the exact model, which needs no correction)")
    with np.errstate(divide="ignore", invalid="ignore"):
        value, variance = np.log(hit / miss), 1 / hit + 1 / miss
    return Logits(np.where(empty, 0.0, value), np.where(empty, np.inf, variance))


class Study(NamedTuple):
    """Accuracy of each study (arrays of length k); rates are uncorrected, ratios use the corrected cells."""

    sensitivity: Floats
    specificity: Floats
    sensitivity_limits: tuple[Floats, Floats]
    specificity_limits: tuple[Floats, Floats]
    dor: Floats
    log_dor_error: Floats
    lr_positive: Floats
    lr_negative: Floats


def per_study(tables: Tables, correction: str = "all", *, level: float = 0.95, method: str = "Wilson") -> Study:
    """Sensitivity, specificity with limits, diagnostic odds ratio and likelihood ratios of every study."""
    (x1, x0), (n1, n0) = tables.events.T, tables.totals.T
    tp, fp, fn, tn = corrected(tables, correction).T
    with np.errstate(divide="ignore", invalid="ignore"):
        return Study(x1 / n1, x0 / n0, proportion_limits(x1, n1, level=level, method=method),
                     proportion_limits(x0, n0, level=level, method=method), tp * tn / (fp * fn),
                     np.sqrt(1 / tp + 1 / fp + 1 / fn + 1 / tn),
                     (tp / (tp + fn)) / (fp / (fp + tn)), (fn / (tp + fn)) / (tn / (fp + tn)))


def equality(tables: Tables, correction: str = "none") -> tuple[HypothesisTest, HypothesisTest]:
    """Pearson chi-square tests of equal sensitivities and of equal specificities (mada uses correction all)."""
    tp, fp, fn, tn = corrected(tables, correction).T
    return _equal(tp, tp + fn), _equal(tn, tn + fp)


def _equal(events: Floats, totals: Floats) -> HypothesisTest:
    x, n = events[totals > 0], totals[totals > 0]
    pooled = x.sum() / n.sum() if len(n) else np.nan
    if len(n) < 2 or pooled in (0.0, 1.0):
        return HypothesisTest(np.nan, np.nan, method="chi-square", reason="all rates are 0 or 1, or one study only")
    statistic = float(((x - n * pooled) ** 2 / (n * pooled * (1 - pooled))).sum())
    df = len(n) - 1
    return HypothesisTest(statistic, float(stats.chi2.sf(statistic, df)), df=(df,), method="chi-square")


def threshold_effect(tables: Tables, correction: str = "all") -> tuple[HypothesisTest, HypothesisTest]:
    """Spearman and Pearson correlation of logit sensitivity with logit false positive rate (weak evidence of a threshold effect)."""
    y = logits(tables, correction)
    seen = np.isfinite(y.variance).all(1)
    a, b = y.value[seen, 0], -y.value[seen, 1]
    if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        none = HypothesisTest(np.nan, np.nan, reason="fewer than three studies, or no variation")
        return none, none
    rank, line = stats.spearmanr(a, b), stats.pearsonr(a, b)
    return (HypothesisTest(float(rank.statistic), float(rank.pvalue), df=(len(a) - 2,), method="Spearman"),
            HypothesisTest(float(line.statistic), float(line.pvalue), df=(len(a) - 2,), method="Pearson"))

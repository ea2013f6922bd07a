"""Meta-analysis of studies that report several cut-offs: a linear mixed model of the transformed proportions below a cut-off.

Steinhauser S, Schumacher M, Ruecker G. BMC Med Res Methodol 2016; 16: 97 (eight structures of random effects; checked against
the R package diagmeta). Each study gives, at each cut-off, the proportion of healthy subjects below it (specificity) and of
diseased subjects below it (one minus sensitivity); both rise with the cut-off.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

import numpy as np
from scipy import integrate, optimize, stats

from osteon.stats.accuracy_optimise import Minimum, minimise, polish
from osteon.stats.arguments import Floats, numbers, positives, same_length
from osteon.stats.intervals import Interval

STRUCTURES = {"CI": ("one",), "DI": ("one", "group"), "CS": ("cut",), "DS": ("cut", "group:cut"), "CICS": ("one", "cut"),
              "DICS": ("one", "group", "cut"), "CIDS": ("one", "cut", "group:cut"),
              "DIDS": ("one", "group", "cut", "group:cut")}
DISTRIBUTIONS = {"logistic": stats.logistic, "normal": stats.norm}


@dataclass(frozen=True, eq=False)
class Rows:
    """One row a study and cut-off: study labels, cut-offs (larger values mean diseased), and the four counts (m,)."""

    study: Sequence[object]
    cut: Floats
    _: KW_ONLY
    tp: Floats
    fp: Floats
    fn: Floats
    tn: Floats

    def __post_init__(self) -> None:
        object.__setattr__(self, "cut", numbers(self.cut, "cut"))
        for name in ("tp", "fp", "fn", "tn"):
            object.__setattr__(self, name, positives(getattr(self, name), name, zero=True))
        same_length(study=np.asarray(self.study), cut=self.cut, tp=self.tp, fp=self.fp, fn=self.fn, tn=self.tn)


@dataclass(frozen=True, eq=False)
class ThresholdFit:
    """Fixed effects (intercept, group, cut, group:cut), their covariance, the random-effects covariance and residual variance.

    ``within`` is the sampling variance of a study of average size: healthy, diseased.
    """

    fixed: Floats
    covariance: Floats
    _: KW_ONLY
    within: tuple[float, float]
    random: Floats
    residual: float
    criterion: float
    structure: str
    scale: tuple[str, bool]

    @property
    def lines(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """(intercept, slope) of the healthy and of the diseased on the transformed scale."""
        a, d, b, e = self.fixed
        return (a, b), (a + d, b + e)

    @property
    def aic(self) -> float:
        """REML criterion plus twice the number of parameters (to compare structures, smallest first)."""
        q = len(STRUCTURES[self.structure])
        return self.criterion + 2 * (4 + q * (q + 1) // 2 + 1)


class _Blocks(NamedTuple):
    """Cross-products of each study: Z'WZ (s, q, q), Z'WX (s, q, 4), Z'Wy (s, q), and their totals over rows."""

    zz: Floats
    zx: Floats
    zy: Floats
    xx: Floats
    xy: Floats
    yy: float
    log_weights: float
    rows: int


def fit_thresholds(rows: Rows, structure: str = "DIDS", *, distribution: str = "logistic", log_cut: bool = False) -> ThresholdFit:
    """REML fit of one structure. Raises ValueError for an unknown structure or distribution, or a cut-off of 0 or less on the log."""
    if structure not in STRUCTURES or distribution not in DISTRIBUTIONS:
        raise ValueError(f"structure: {structure!r}, distribution: {distribution!r} (expected one of "
                         f"{', '.join(STRUCTURES)} and one of {', '.join(DISTRIBUTIONS)})")
    blocks = _blocks(rows, structure, distribution, log_cut)
    best = _climb(blocks, len(STRUCTURES[structure]))
    _, _, beta, covariance, residual, factor = _evaluate(best.theta, blocks)
    return ThresholdFit(beta, covariance * residual, random=factor @ factor.T * residual, residual=residual,
                        criterion=2 * best.value, structure=structure, scale=(distribution, log_cut), within=_within(rows, distribution))


def fit_all(rows: Rows, *, distribution: str = "logistic", log_cut: bool = False) -> list[ThresholdFit]:
    """All eight structures, smallest AIC first."""
    fits = [fit_thresholds(rows, s, distribution=distribution, log_cut=log_cut) for s in STRUCTURES]
    return sorted(fits, key=lambda fit: fit.aic)


def _transformed(rows: Rows, distribution: str) -> tuple[Floats, Floats]:
    """Transformed proportions below the cut-off, healthy then diseased, and their inverse variances (0.5 added to every cell)."""
    below = np.concatenate([rows.tn, rows.fn]) + 0.5
    n = np.concatenate([rows.tn + rows.fp, rows.fn + rows.tp]) + 1.0
    dist, p = DISTRIBUTIONS[distribution], below / n
    y = dist.ppf(p)
    return y, n * dist.pdf(y) ** 2 / (p * (1 - p))


def _within(rows: Rows, distribution: str) -> tuple[float, float]:
    weight = _transformed(rows, distribution)[1]
    m, studies = len(rows.cut), len(set(map(str, rows.study)))
    return float(studies / weight[:m].sum()), float(studies / weight[m:].sum())


def _blocks(rows: Rows, structure: str, distribution: str, log_cut: bool) -> _Blocks:
    y, weight = _transformed(rows, distribution)
    group = np.repeat([0.0, 1.0], len(rows.cut))
    if log_cut and (rows.cut <= 0).any():
        raise ValueError(f"cut: position {int(np.argmax(rows.cut <= 0))} is {rows.cut.min()} (expected more than 0 on the log scale)")
    cut = np.tile(np.log(rows.cut) if log_cut else rows.cut, 2)
    terms = {"one": np.ones_like(cut), "group": group, "cut": cut, "group:cut": group * cut}
    x = np.column_stack([terms[t] for t in ("one", "group", "cut", "group:cut")])
    z = np.column_stack([terms[t] for t in STRUCTURES[structure]])
    code = np.tile(np.unique(np.asarray([str(s) for s in rows.study]), return_inverse=True)[1], 2)
    sums = [_by_study(code, weight[:, None, None] * z[:, :, None] * other[:, None, :]) for other in (z, x, y[:, None])]
    wx = x * weight[:, None]
    return _Blocks(sums[0], sums[1], sums[2][:, :, 0], wx.T @ x, wx.T @ y, float(weight @ y**2),
                   float(np.log(weight).sum()), len(y))


def _by_study(code: np.ndarray, values: Floats) -> Floats:
    out = np.zeros((code.max() + 1, *values.shape[1:]))
    np.add.at(out, code, values)
    return out


def _evaluate(theta: Floats, b: _Blocks) -> tuple[float, Floats, Floats, Floats, float, Floats]:
    """Half the REML criterion with coefficients and residual variance profiled out, its gradient in theta, and the estimates."""
    q = b.zz.shape[1]
    lower = np.tril_indices(q)
    factor = np.zeros((q, q))
    factor[lower] = theta
    inner = np.eye(q) + factor.T @ b.zz @ factor
    middle = factor @ np.linalg.solve(inner, np.broadcast_to(factor.T, b.zz.shape))
    xvx = b.xx - np.einsum("sqa,sqr,srb->ab", b.zx, middle, b.zx)
    xvy = b.xy - np.einsum("sqa,sqr,sr->a", b.zx, middle, b.zy)
    covariance = np.linalg.inv(xvx)
    beta = covariance @ xvy
    rest = b.zy - b.zx @ beta
    rss = b.yy - 2 * beta @ b.xy + beta @ b.xx @ beta - np.einsum("sq,sqr,sr->", rest, middle, rest)
    df = b.rows - len(beta)
    residual = rss / df
    value = 0.5 * (np.linalg.slogdet(inner)[1].sum() + np.linalg.slogdet(xvx)[1] - b.log_weights
                   + df * (1 + math.log(2 * math.pi * residual)))
    shrink = np.eye(q) - b.zz @ middle
    zvx, zvr = shrink @ b.zx, np.einsum("sqr,sr->sq", shrink, rest)
    slope = (shrink @ b.zz).sum(0) - np.einsum("sqa,ab,srb->qr", zvx, covariance, zvx) - zvr.T @ zvr / residual
    return value, (slope @ factor)[lower], beta, covariance, float(residual), factor


def _climb(blocks: _Blocks, q: int) -> Minimum:
    """Random effects are scaled by their average information, so that one start serves intercepts and slopes alike."""
    scale = np.sqrt(np.maximum(np.diagonal(blocks.zz, axis1=1, axis2=2).mean(0) / blocks.zz[:, 0, 0].mean(), 1e-12))
    unit = np.repeat(1 / scale, np.arange(1, q + 1))

    def objective(theta: Floats) -> tuple[float, Floats]:
        value, gradient, *_ = _evaluate(theta * unit, blocks)
        return value, gradient * unit

    starts = [np.eye(q)[np.tril_indices(q)] * size for size in (1.0, 0.2)]
    fits = [minimise(objective, start, tolerance=1e-4) for start in starts]
    best = polish(objective, min(fits, key=lambda fit: fit.value))
    return best._replace(theta=best.theta * unit)


def _moments(line: tuple[float, float]) -> tuple[float, float]:
    """Mean and scale of the distribution whose transformed function is this line."""
    return -line[0] / line[1], 1 / line[1]


def rates_at(fit: ThresholdFit, cut: float, *, level: float = 0.95, sampling: bool = False) -> tuple[Interval, Interval]:
    """Sensitivity and specificity at a cut-off with Wald limits on the transformed scale.

    ``sampling`` adds the sampling variance of a study of average size to the variance of the mean, as diagmeta does.
    """
    name, log_cut = fit.scale
    x = math.log(cut) if log_cut else cut
    cdf, half = DISTRIBUTIONS[name].cdf, stats.norm.ppf(0.5 + level / 2)
    label = f"{fit.structure}, Wald on the {name} scale{', with sampling variance' if sampling else ''}"
    out = []
    for sick, sign in ((1, -1.0), (0, 1.0)):
        row = np.array([1, sick, x, sick * x])
        center, error = float(row @ fit.fixed), half * _error(fit, row, sampling)
        ends = sorted(float(cdf(sign * (center + side * error))) for side in (-1, 1))
        out.append(Interval(float(cdf(sign * center)), *ends, level=level, method=label))
    return out[0], out[1]


def _error(fit: ThresholdFit, row: Floats, sampling: bool) -> float:
    return math.sqrt(row @ fit.covariance @ row + (fit.within[int(row[1])] if sampling else 0.0))


def optimal_cut(fit: ThresholdFit, *, weight: float = 0.5) -> float:
    """Cut-off that maximises weight x sensitivity + (1 - weight) x specificity; nan where the two lines do not separate.

    The densities cross there: weight x density of the diseased equals (1 - weight) x density of the healthy.
    """
    name, log_cut = fit.scale
    (m0, s0), (m1, s1) = (_moments(line) for line in fit.lines)
    if s0 <= 0 or s1 <= 0:
        return math.nan
    dist = DISTRIBUTIONS[name]
    span = np.linspace(min(m0 - 8 * s0, m1 - 8 * s1), max(m0 + 8 * s0, m1 + 8 * s1), 4001)
    youden = weight * dist.sf(span, m1, s1) + (1 - weight) * dist.cdf(span, m0, s0)
    i = int(np.clip(np.argmax(youden), 1, len(span) - 2))
    found = optimize.minimize_scalar(lambda x: -(weight * dist.sf(x, m1, s1) + (1 - weight) * dist.cdf(x, m0, s0)),
                                     bounds=(span[i - 1], span[i + 1]), method="bounded", options={"xatol": 1e-10})
    return math.exp(found.x) if log_cut else float(found.x)


def curve(fit: ThresholdFit, fpr: Floats) -> Floats:
    """Sensitivity of the summary ROC curve at false positive rates."""
    dist = DISTRIBUTIONS[fit.scale[0]]
    (a0, b0), (a1, b1) = fit.lines
    return dist.cdf(-(a1 + b1 * (dist.ppf(1 - np.asarray(fpr, float)) - a0) / b0))


def auc(fit: ThresholdFit, *, level: float = 0.95, sampling: bool = False) -> Interval:
    """Area under the summary ROC curve, with the areas under the pointwise limits of sensitivity given specificity."""
    dist, half = DISTRIBUTIONS[fit.scale[0]], stats.norm.ppf(0.5 + level / 2)
    (a0, b0), _ = fit.lines

    def sensitivity(fpr: float, shift: float) -> float:
        x = (dist.ppf(1 - fpr) - a0) / b0
        row = np.array([1, 1, x, x])
        return float(dist.cdf(-(row @ fit.fixed + shift * _error(fit, row, sampling))))

    areas = [integrate.quad(sensitivity, 0, 1, args=(shift,), epsabs=1e-9, limit=200)[0] for shift in (0.0, half, -half)]
    return Interval(*areas, level=level, method="area under the curve and under its pointwise limits")

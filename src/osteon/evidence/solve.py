"""Every two-by-two table that agrees with what a paper reports: one, several, or none (the report contradicts itself)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import NamedTuple

import numpy as np

from osteon.errors import DataError, message
from osteon.stats.accuracy_table import CELLS
from osteon.stats.arguments import Floats
from osteon.stats.intervals import PROPORTION_METHODS, proportion_limits

ROUNDINGS = {"round": "rounded", "truncate": "truncated"}
MEASURES = ("sensitivity", "specificity", "ppv", "npv", "accuracy", "f1", "prevalence", "lr_positive", "lr_negative", "dor", "youden")
PROPORTIONS = ("sensitivity", "specificity", "ppv", "npv", "accuracy", "f1", "prevalence")
SHORT = {"sens": "sensitivity", "spec": "specificity", "acc": "accuracy", "prev": "prevalence", "lr+": "lr_positive",
         "lr-": "lr_negative", "recall": "sensitivity", "precision": "ppv"}
LARGEST = 20_000_000
SLACK = 1e-9
FIGURE = re.compile(r"^([0-9]*\.?[0-9]+)\s*(%?)\s*(?:[(\[]\s*([0-9]*\.?[0-9]+)\s*%?\s*(?:-|to|,|;)\s*([0-9]*\.?[0-9]+)\s*%?\s*[)\]])?$")


class Figure(NamedTuple):
    """A printed number: value, half-open width of its last digit, and printed interval limits (value, width) where given."""

    value: float
    unit: float
    limits: tuple[tuple[float, float], tuple[float, float]] | None = None

    def window(self, rounding: str) -> tuple[float, float]:
        """Smallest and largest true value that prints like this."""
        return _window(self.value, self.unit, rounding)


def _window(value: float, unit: float, rounding: str) -> tuple[float, float]:
    if rounding == "truncate":
        return value - SLACK, value + unit - SLACK
    return value - unit / 2 - SLACK, value + unit / 2 + SLACK


def figure(text: str | float, measure: str) -> Figure:
    """Read "94.7%", "0.947", "98.1 (95.6-99.4)": proportions above 1 and those with % are percentages.

    The number of decimals written is the precision, so that text is better than a float. Raises DataError for anything else.
    """
    found = FIGURE.match(str(text).strip().replace("–", "-"))
    if found is None:
        raise DataError(message(f"solve, {measure}", f"{text!r} is not understood", expected="94.7%, 0.947 or 98.1 (95.6-99.4)"))
    number, percent, low, high = found.groups()
    scale = 0.01 if measure in PROPORTIONS and (percent or float(number) > 1) else 1.0
    if measure in PROPORTIONS and float(number) * scale > 1:
        raise DataError(message(f"solve, {measure}", f"{text} is more than 100 %", expected="a proportion"))
    limits = (_read(low, scale), _read(high, scale)) if low is not None else None
    return Figure(*_read(number, scale), limits)


def _read(number: str, scale: float) -> tuple[float, float]:
    decimals = len(number.partition(".")[2])
    return float(number) * scale, scale * 10.0**-decimals


def count(name: str, text: str) -> int:
    """A whole number of 0 or more from text; raises DataError."""
    if not text.strip().isdecimal():
        raise DataError(message(f"solve, {name}", f"{text!r} is not a count", expected="a whole number of 0 or more"))
    return int(text)


@dataclass(frozen=True)
class Reported:
    """What a paper says: subjects, diseased, healthy, known cells, and printed figures by measure.

    ``rounding`` is round, truncate, or either (the same for all figures); ``interval`` the method of printed limits, or any.
    """

    n: int | None = None
    diseased: int | None = None
    _: KW_ONLY
    healthy: int | None = None
    cells: Mapping[str, int] = field(default_factory=dict, hash=False)
    figures: Mapping[str, Figure] = field(default_factory=dict, hash=False)
    rounding: str = "round"
    interval: str = "any"

    def __post_init__(self) -> None:
        if self.rounding not in (*ROUNDINGS, "either"):
            raise DataError(message("solve", f"rounding {self.rounding!r}", expected="round, truncate or either"))
        if self.interval != "any" and self.interval not in PROPORTION_METHODS:
            raise DataError(message("solve", f"interval {self.interval!r}", expected=f"any, {', '.join(PROPORTION_METHODS)}"))
        strange = sorted(set(self.cells) - set(CELLS))
        if strange:
            raise DataError(message("solve", f"there is no cell {strange[0]!r}", expected=", ".join(CELLS)))
        for name, value in (("n", self.n), ("diseased", self.diseased), ("healthy", self.healthy), *self.cells.items()):
            if value is not None and (value < 0 or value != int(value)):
                raise DataError(message(f"solve, {name}", f"{value} is not a count", expected="a whole number of 0 or more"))


def reported(n: int | None = None, diseased: int | None = None, *, healthy: int | None = None, rounding: str = "round",
             interval: str = "any", cells: Mapping[str, int] | None = None, **figures: str | float | None) -> Reported:
    """A report from printed texts: ``reported(300, 150, sens="84.7%", spec="87.3%", acc="86.0%")``."""
    read: dict[str, Figure] = {}
    for name, text in figures.items():
        measure = SHORT.get(name, name)
        if measure not in MEASURES:
            raise DataError(message("solve", f"there is no measure {name!r}", expected=", ".join(MEASURES)))
        if text is not None:
            read[measure] = figure(text, measure)
    return Reported(n, diseased, healthy=healthy, cells=dict(cells or {}), figures=read, rounding=rounding, interval=interval)


@dataclass(frozen=True)
class Solution:
    """``status``: unique, several, none or not identifiable; the tables (tp, fp, fn, tn); the rounding used; the reason."""

    status: str
    tables: tuple[tuple[int, int, int, int], ...]
    _: KW_ONLY
    rounding: str
    reason: str

    def plain(self) -> dict[str, object]:
        """Plain data for JSON."""
        return {"status": self.status, "solutions": len(self.tables), "rounding": self.rounding, "reason": self.reason,
                "tables": [dict(zip(("tp", "fp", "fn", "tn"), t, strict=True)) for t in self.tables]}


def solve(report: Reported) -> Solution:
    """All tables compatible with the report. Raises DataError where the search would be too large to finish."""
    modes = tuple(ROUNDINGS) if report.rounding == "either" else (report.rounding,)
    clash = _clash(report)
    if clash:
        return Solution("none", (), rounding=report.rounding, reason=f"the report contradicts itself: {clash}")
    if not _splits(report):
        return _without_size(report, modes)
    for mode in modes:
        tables = _search(report, mode)
        if tables:
            status = "unique" if len(tables) == 1 else "several"
            return Solution(status, tuple(tables), rounding=mode, reason=f"{len(tables)} whole-number table"
                            f"{'' if len(tables) == 1 else 's'} agree{'s' if len(tables) == 1 else ''} with every figure ({mode})")
    return Solution("none", (), rounding=report.rounding, reason="the report contradicts itself: " + _blame(report, modes))


def _clash(report: Reported) -> str:
    n, d, h = report.n, report.diseased, report.healthy
    if n is not None and d is not None and h is not None and n != d + h:
        return f"{d} diseased and {h} healthy are not {n} subjects"
    if n is not None and max(d or 0, h or 0) > n:
        return f"more diseased or healthy than the {n} subjects"
    return ""


def _splits(report: Reported) -> list[tuple[int, int]]:
    """Every (diseased, healthy) pair that the numbers allow; empty where the size is not known."""
    n, d, h, c = report.n, report.diseased, report.healthy, report.cells
    d = c["tp"] + c["fn"] if d is None and {"tp", "fn"} <= set(c) else d
    h = c["tn"] + c["fp"] if h is None and {"tn", "fp"} <= set(c) else h
    d = n - h if d is None and n is not None and h is not None else d
    h = n - d if h is None and n is not None and d is not None else h
    if d is not None and h is not None:
        return [(d, h)]
    return [(i, n - i) for i in range(n + 1)] if n is not None else []


def _search(report: Reported, mode: str) -> list[tuple[int, int, int, int]]:
    splits, found = _splits(report), []
    ranges = [(_candidates(d, report, "sensitivity", ("tp", "fn"), mode), _candidates(h, report, "specificity", ("tn", "fp"), mode))
              for d, h in splits]
    if sum(len(tp) * len(tn) for tp, tn in ranges) > LARGEST:
        raise DataError(message("solve", "too many tables to try", expected="sensitivity and specificity, or diseased and healthy",
                                found=f"{len(splits)} splits of the subjects", do="Give more of what the paper reports"))
    for sizes, (tp, tn) in zip(splits, ranges, strict=True):
        if len(tp) and len(tn):
            found += _filter(report, mode, np.repeat(tp, len(tn)), np.tile(tn, len(tp)), sizes)
    return found


def _candidates(total: int, report: Reported, measure: str, names: tuple[str, str], mode: str) -> range:
    """Counts of correct answers in a margin that print the reported rate."""
    low, high = 0, total
    if measure in report.figures:
        a, b = report.figures[measure].window(mode)
        low, high = max(0, math.ceil(a * total - SLACK)), min(total, math.floor(b * total + SLACK))
    right, wrong = report.cells.get(names[0]), report.cells.get(names[1])
    if right is not None:
        low, high = max(low, right), min(high, right)
    if wrong is not None:
        low, high = max(low, total - wrong), min(high, total - wrong)
    return range(low, high + 1) if total or measure not in report.figures else range(0)


def measures(tp: Floats, fp: Floats, fn: Floats, tn: Floats) -> dict[str, Floats]:
    """Every reported measure of many tables; nan where it does not exist."""
    n1, n0 = tp + fn, fp + tn
    with np.errstate(divide="ignore", invalid="ignore"):
        se, sp = tp / n1, tn / n0
        return {"sensitivity": se, "specificity": sp, "ppv": tp / (tp + fp), "npv": tn / (tn + fn), "accuracy": (tp + tn) / (n1 + n0),
                "f1": 2 * tp / (2 * tp + fp + fn), "prevalence": n1 / (n1 + n0), "lr_positive": se / (1 - sp),
                "lr_negative": (1 - se) / sp, "dor": tp * tn / (fp * fn), "youden": se + sp - 1}


def _filter(report: Reported, mode: str, tp: np.ndarray, tn: np.ndarray, sizes: tuple[int, int]) -> list[tuple[int, int, int, int]]:
    fn, fp = sizes[0] - tp, sizes[1] - tn
    values = measures(tp.astype(float), fp.astype(float), fn.astype(float), tn.astype(float))
    kept = np.ones(len(tp), bool)
    for name, printed in report.figures.items():
        low, high = printed.window(mode)
        with np.errstate(invalid="ignore"):
            kept &= (values[name] >= low) & (values[name] <= high)
    tables = np.column_stack([tp, fp, fn, tn])[kept]
    bounded = {m: f for m, f in report.figures.items() if f.limits is not None}
    if bounded and len(tables):
        tables = tables[_limits_agree(tables, bounded, report.interval, mode)]
    return [(a, b, c, d) for a, b, c, d in tables.tolist()]


def _limits_agree(tables: np.ndarray, bounded: Mapping[str, Figure], interval: str, mode: str) -> np.ndarray:
    """Whether one interval method gives the printed limits of every figure that has them."""
    methods = [*PROPORTION_METHODS, "Wald"] if interval == "any" else [interval]
    agree = np.zeros(len(tables), bool)
    for method in methods:
        good = np.ones(len(tables), bool)
        for measure, printed in bounded.items():
            if measure not in ("sensitivity", "specificity", "ppv", "npv", "accuracy", "prevalence"):
                raise DataError(message(f"solve, {measure}", "limits of this measure cannot be checked", expected="a proportion of subjects"))
            for limit, (value, unit) in zip(_proportion_limits(tables, measure, method), printed.limits or (), strict=True):
                low, high = _window(value, unit, mode)
                good &= (limit >= low) & (limit <= high)
        agree |= good
    return agree


def _proportion_limits(tables: np.ndarray, measure: str, method: str) -> tuple[Floats, Floats]:
    tp, fp, fn, tn = tables.T
    x, n = {"sensitivity": (tp, tp + fn), "specificity": (tn, tn + fp), "ppv": (tp, tp + fp), "npv": (tn, tn + fn),
            "accuracy": (tp + tn, tables.sum(1)), "prevalence": (tp + fn, tables.sum(1))}[measure]
    if method == "Wald":
        p = x / n
        half = 1.959963984540054 * np.sqrt(p * (1 - p) / n)
        return np.maximum(p - half, 0), np.minimum(p + half, 1)
    return proportion_limits(x, n, method=method)


def _without_size(report: Reported, modes: Sequence[str]) -> Solution:
    """No subjects: nothing can be counted, but rates alone can contradict each other."""
    if all(_prevalence_window(report, mode) is None for mode in modes):
        return Solution("none", (), rounding=report.rounding, reason="the report contradicts itself: no prevalence gives all of "
                        + ", ".join(report.figures))
    return Solution("not identifiable", (), rounding=report.rounding,
                    reason="the number of subjects is not given: any size fits (give n, or diseased and healthy)")


def _prevalence_window(report: Reported, mode: str) -> tuple[float, float] | None:
    """Outer bounds of the prevalence by each figure, intersected; None where they exclude each other."""
    windows = {m: f.window(mode) for m, f in report.figures.items()}
    se, sp = windows.get("sensitivity", (0.0, 1.0)), windows.get("specificity", (0.0, 1.0))
    low, high = windows.get("prevalence", (0.0, 1.0))
    for name in ("accuracy", "ppv", "npv"):
        if name not in windows:
            continue
        # A grid over the prevalence; at each, the measure rises in both rates, so the corners give its range.
        grid = np.linspace(0, 1, 20001)[1:-1]
        worst, best = (_rate_at(name, grid, a, b) for a, b in ((se[0], sp[0]), (se[1], sp[1])))
        step = 1e-4
        fits = grid[(best >= windows[name][0] - step) & (worst <= windows[name][1] + step) & (grid >= low - step) & (grid <= high + step)]
        if not len(fits):
            return None
        low, high = float(fits.min()), float(fits.max())
    return low, high


def _rate_at(name: str, prevalence: Floats, se: float, sp: float) -> Floats:
    hit, right = se * prevalence, sp * (1 - prevalence)
    if name == "accuracy":
        return hit + right
    if name == "ppv":
        return hit / np.maximum(hit + 1 - prevalence - right, 1e-300)
    return right / np.maximum(right + prevalence - hit, 1e-300)


def _blame(report: Reported, modes: Sequence[str]) -> str:
    """Which figures, left out alone, would leave a solution."""
    if len(report.figures) < 2:
        return "no whole-number table gives the figure"
    free = []
    for name in report.figures:
        rest = replace(report, figures={k: v for k, v in report.figures.items() if k != name})
        try:
            if any(_search(rest, mode) for mode in modes):
                free.append(name)
        except DataError:
            continue
    if report.rounding != "either" and not free:
        other = "truncate" if report.rounding == "round" else "round"
        if _search(report, other):
            return f"no table agrees if the figures were {ROUNDINGS[report.rounding]}; if they were {ROUNDINGS[other]} there are some"
    if not free:
        return "no single figure explains it: at least two disagree with the rest"
    return f"without {' or without '.join(free)} there would be tables, with all figures there are none"


class Imputed(NamedTuple):
    """Rubin's rules over completed reviews: mean logits (2,), covariance (2, 2), share of the variance due to the ambiguity (2,)."""

    mu: Floats
    covariance: Floats
    ambiguity: Floats
    completions: int


def completions(solutions: Mapping[str, Solution], count: int, seed: int) -> list[dict[str, tuple[int, int, int, int]]]:
    """``count`` reviews with one of the solutions of every study, drawn at random (once, where every study is unique)."""
    usable = {name: s.tables for name, s in solutions.items() if s.tables}
    rng = np.random.default_rng(seed)
    if all(len(t) == 1 for t in usable.values()):
        count = 1
    return [{name: t[int(rng.integers(len(t)))] for name, t in usable.items()} for _ in range(count)]


def pool_solutions(solutions: Mapping[str, Solution], *, count: int = 20, seed: int = 0, nodes: int = 15) -> Imputed:
    """Exact bivariate fits of completed reviews, combined by Rubin's rules. Studies without a solution are left out."""
    from osteon.stats.accuracy_glmm import fit_exact
    from osteon.stats.accuracy_table import Tables

    drawn = completions(solutions, count, seed)
    fits = []
    for review in drawn:
        tp, fp, fn, tn = np.array(list(review.values()), float).T
        fits.append(fit_exact(Tables(tp, fp, fn=fn, tn=tn, study=tuple(review)), nodes=nodes))
    means, within = np.array([f.mu for f in fits]), np.mean([f.covariance for f in fits], axis=0)
    between = np.cov(means.T) * (1 + 1 / len(fits)) if len(fits) > 1 else np.zeros((2, 2))
    total = within + between
    return Imputed(means.mean(0), total, np.diag(between) / np.diag(total), len(fits))

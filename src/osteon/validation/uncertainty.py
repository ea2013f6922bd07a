"""Answers with a stated coverage, and answers only where the model is sure: from the lines of a run, never from new training.

Vovk V et al. Algorithmic Learning in a Random World, 2005 (split and Mondrian conformal); Geifman Y, El-Yaniv R. NeurIPS 2017 (risk and coverage).
Sets are calibrated on the tune part and judged on the test part. The tune part also chose the cut and, of a network, the epoch: coverage may
be a little below what is asked; that of the test part is measured, overall and by group, and shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from osteon.stats.intervals import Interval, undefined
from osteon.targets.lines import TRUE, Target, judged

if TYPE_CHECKING:
    import pandas as pd

    from osteon.run import Run

FEWEST = 100  # calibration cases of a group of its own; smaller ones are calibrated together


@dataclass(frozen=True)
class Coverage:
    """How often a set or interval held the truth, in all or in a group: cases, the share with its interval, and the mean size (classes, or width in the unit)."""

    group: str
    cases: int
    share: Interval = field(kw_only=True)
    size: float = field(kw_only=True)
    calibrated_on: int = field(kw_only=True)


@dataclass(frozen=True, eq=False)
class Judged:
    """Lines of one finding as arrays: truth (n,), answer (n,) - a probability or a reading -, fold, case, patient and whether the answer is a probability."""

    truth: np.ndarray
    answer: np.ndarray
    fold: np.ndarray = field(kw_only=True)
    case: np.ndarray = field(kw_only=True)
    patient: np.ndarray = field(kw_only=True)
    probability: bool = field(kw_only=True)

    def take(self, rows: np.ndarray) -> Judged:
        """Some of the lines, by mask or number."""
        return Judged(self.truth[rows], self.answer[rows], fold=self.fold[rows], case=self.case[rows], patient=self.patient[rows], probability=self.probability)


def of_lines(lines: pd.DataFrame, *, readings: bool = False) -> Judged:
    """Answered lines of one finding: states with probabilities, or `readings` with their truth in its unit; ValueError for a score outside of 0-1."""
    if readings:
        known = lines[(lines["withheld"] == "") & lines["n.truth"].notna() & lines["n.answer"].notna()]
        truth, answer = known["n.truth"].to_numpy(float), known["n.answer"].to_numpy(float)
    else:
        known = judged(lines)
        truth, answer = (known["state"] == TRUE).to_numpy(float), known["score"].to_numpy(float)
        outside = np.flatnonzero(~((answer >= 0) & (answer <= 1)))
        if len(outside):
            raise ValueError(f"lines: score of line {outside[0]} is {answer[outside[0]]} (expected a probability within 0 and 1)")
    text = {name: known[name].astype(str).to_numpy() for name in ("fold", "case", "patient")}
    return Judged(truth, answer, **text, probability=not readings)


def parts(run: Run, label: str, target: tuple[str, Target], finding: str) -> tuple[Judged, Judged]:
    """The tune and the test lines of a model on one finding of a target (its name, itself)."""
    from osteon.targets import Measures

    lines = run.lines(label)
    mine = lines[(lines["target"] == target[0]) & (lines["finding"] == finding)]
    tune, test = (of_lines(mine[mine["part"] == part], readings=isinstance(target[1], Measures)) for part in ("tune", "test"))
    return tune, test


def conformal(calibration: Judged, test: Judged, *, alpha: float = 0.1, groups: tuple[np.ndarray, np.ndarray] | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Split conformal within folds: lower and upper end (n,) of each test answer, and how many cases calibrated it (n,).

    Of a probability the ends tell the set: (0, 0) without, (1, 1) with, (0, 1) either, (1, 0) neither. `groups` (of calibration, of test) makes it
    Mondrian: a group with fewer than 100 calibration cases in its fold is calibrated with all of the fold. ValueError for malformed alpha.
    """
    lower, upper, used = (np.full(len(test.truth), np.nan) for _ in range(3))
    for fold in dict.fromkeys(test.fold.tolist()):
        here, rows = calibration.fold == fold, test.fold == fold
        for chosen, at in _cells(here, rows, groups):
            lower[at], upper[at] = _ends(calibration.take(chosen), test.answer[at], alpha)
            used[at] = chosen.sum()
    return lower, upper, used


def _cells(here: np.ndarray, rows: np.ndarray, groups: tuple[np.ndarray, np.ndarray] | None) -> Iterable[tuple[np.ndarray, np.ndarray]]:
    """Masks (calibration cases, test cases) that belong together."""
    if groups is None:
        yield here, rows
        return
    for group in dict.fromkeys(groups[1][rows].tolist()):
        own = here & (groups[0] == group)
        yield (own if own.sum() >= FEWEST else here), rows & (groups[1] == group)


def _ends(calibration: Judged, answers: np.ndarray, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    from osteon.stats.conformal import class_scores, conformal_quantile, prediction_sets, residual_scores

    if not calibration.probability:
        reach = conformal_quantile(residual_scores(calibration.truth, calibration.answer, calibration.answer), alpha=alpha)
        return answers - reach, answers + reach
    two = np.column_stack([1 - calibration.answer, calibration.answer])
    reach = conformal_quantile(class_scores(calibration.truth, two), alpha=alpha)
    kept = prediction_sets(np.column_stack([1 - answers, answers]), reach)
    return np.where(kept[:, 0], 0.0, 1.0), np.where(kept[:, 1], 1.0, 0.0)


def coverage(test: Judged, ends: tuple[np.ndarray, np.ndarray, np.ndarray], *, groups: Mapping[str, np.ndarray] | None = None) -> tuple[Coverage, ...]:
    """Coverage of all and of each group (name -> mask (n,)), by patient where one has several lines."""
    lower, upper, used = ends
    held = ((test.truth >= np.minimum(lower, upper)) & (test.truth <= np.maximum(lower, upper)) & (lower <= upper)).astype(float)
    size = (lower <= upper) * (1.0 + upper - lower) if test.probability else upper - lower
    return tuple(_covered(name, mask, test, held=held, size=size, used=used) for name, mask in {"all": np.ones(len(held), bool), **(groups or {})}.items())


def _covered(name: str, mask: np.ndarray, test: Judged, *, held: np.ndarray, size: np.ndarray, used: np.ndarray) -> Coverage:
    from osteon.stats.intervals import wilson
    from osteon.targets.lines import mean_by_patient

    n = int(mask.sum())
    if not n:
        return Coverage(name, 0, share=undefined("no case"), size=float("nan"), calibrated_on=0)
    alone = len(set(test.patient[mask].tolist())) == n
    share = wilson(int(held[mask].sum()), n) if alone else mean_by_patient(held[mask], test.patient[mask])
    return Coverage(name, n, share=share, size=float(size[mask].mean()), calibrated_on=int(used[mask].min()))


@dataclass(frozen=True, eq=False)
class Abstention:
    """Error among the answers given against the share that is answered, the surest first: coverage (k,), risk (k,), cuts (k,), area, and by group at each share asked."""

    coverage: np.ndarray
    risk: np.ndarray = field(kw_only=True)
    cuts: np.ndarray = field(kw_only=True)
    area: float = field(kw_only=True)
    groups: Mapping[str, np.ndarray] = field(default_factory=dict, kw_only=True)


def abstention(test: Judged, *, cut: np.ndarray, groups: Mapping[str, np.ndarray] | None = None) -> Abstention:
    """The curve of a probability answered at `cut` (n,): sure is far from the cut; `groups` gives the share of each group that is answered at every corner."""
    from osteon.stats.selective import area_under_risk_coverage, risk_coverage

    if not test.probability:
        raise ValueError("test: readings (expected probabilities; a reading tells no confidence of its own)")
    wrong = (test.answer >= cut) != (test.truth == 1)
    sure = np.where(test.answer >= cut, (test.answer - cut) / np.maximum(1 - cut, 1e-9), (cut - test.answer) / np.maximum(cut, 1e-9))
    curve = risk_coverage(wrong.astype(float), sure)
    shares = {name: np.array([float((sure[mask] >= c).mean()) if mask.any() else np.nan for c in curve.cuts]) for name, mask in (groups or {}).items()}
    return Abstention(curve.coverage, risk=curve.risk, cuts=curve.cuts, area=area_under_risk_coverage(curve), groups=shares)

"""Figures of merit for readers who mark places (free response).

Chakraborty DP. Med Phys 1989; 16: 561 and Observer Performance Methods for Diagnostic Imaging, 2017 (AFROC, wAFROC,
inferred ROC), as RJafroc. An unmarked lesion or a case without a false mark has rating -inf, below every mark; two of
them tie.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from osteon.stats.arguments import Bools, Floats, numbers, positives, refuse, same_length
from osteon.stats.readers import ReaderStudy, jackknife, obuchowski_rockette
from osteon.stats.roc import auc

FIGURES = ("wafroc", "afroc", "hr_auc", "max_llf", "max_nlf")


@dataclass(frozen=True)
class FreeResponse:
    """Highest false mark of each case (n,), and for each lesion (m,) its case index, rating and weight.

    Weights of the lesions of a case sum to 1. ``false_marks`` (n,) counts all false marks.
    """

    highest_false: Floats
    lesion_ratings: Floats
    _: KW_ONLY
    lesion_cases: NDArray[np.intp]
    lesion_weights: Floats
    false_marks: Floats

    @property
    def diseased(self) -> Bools:
        """Whether each case (n,) has a lesion."""
        return np.bincount(self.lesion_cases, minlength=len(self.highest_false)) > 0


def free_response(cases: int, *, lesion_cases: ArrayLike, lesion_ratings: ArrayLike, false_cases: ArrayLike,
                  false_ratings: ArrayLike, lesion_weights: ArrayLike | None = None) -> FreeResponse:
    """Collect one reader's marks with one test.

    ``lesion_cases`` (m,) and ``lesion_ratings`` (m,; -inf where unmarked) list every lesion; ``false_cases`` and
    ``false_ratings`` (f,) every false mark. Case indices run from 0 to ``cases`` - 1.
    """
    at, values = _indices(lesion_cases, "lesion_cases", cases), numbers(lesion_ratings, "lesion_ratings",
                                                                       minus_infinity=True)
    off, marks = _indices(false_cases, "false_cases", cases), numbers(false_ratings, "false_ratings")
    same_length(lesion_cases=at, lesion_ratings=values)
    same_length(false_cases=off, false_ratings=marks)
    highest = np.full(cases, -np.inf)
    np.maximum.at(highest, off, marks)
    weight = np.ones(len(at)) if lesion_weights is None else positives(lesion_weights, "lesion_weights")
    same_length(lesion_cases=at, lesion_weights=weight)
    total = np.bincount(at, weights=weight, minlength=cases)
    return FreeResponse(highest, values, lesion_cases=at, lesion_weights=weight / total[at],
                        false_marks=np.bincount(off, minlength=cases).astype(float))


def _indices(values: ArrayLike, name: str, cases: int) -> NDArray[np.intp]:
    array = numbers(values, name)
    refuse(name, array, (array < 0) | (array >= cases) | (array != np.floor(array)),
           f"a case index from 0 to {cases - 1}")
    return array.astype(np.intp)


def figure_of_merit(marks: FreeResponse, figure: str = "wafroc", *, kept: Bools | None = None) -> float:
    """One of FIGURES over the cases kept by a mask (n,); nan where no kept case is diseased (or none is healthy).

    ``wafroc`` compares each lesion with the highest false mark of healthy cases, every diseased case counting once;
    ``afroc`` lets every lesion count once; ``hr_auc`` is the ROC area of the highest mark of a case; ``max_llf`` and
    ``max_nlf`` are the share of lesions marked and the false marks a healthy case.
    """
    keep = np.ones(len(marks.highest_false), bool) if kept is None else kept
    if figure not in FIGURES:
        raise ValueError(f"figure: {figure!r} (expected one of {', '.join(FIGURES)})")
    inside, healthy = keep[marks.lesion_cases], keep & ~marks.diseased
    if figure == "max_nlf":
        return float(marks.false_marks[healthy].mean()) if healthy.any() else math.nan
    if not inside.any():
        return math.nan
    if figure == "max_llf":
        return float(np.isfinite(marks.lesion_ratings[inside]).mean())
    if not healthy.any():
        return math.nan
    if figure == "hr_auc":
        return _highest_rating(marks, keep)
    high, low = marks.lesion_ratings[inside], marks.highest_false[healthy]
    weight = marks.lesion_weights[inside] if figure == "wafroc" else np.ones(len(high))
    return auc(np.repeat([1, 0], [len(high), len(low)]), np.concatenate([high, low]),
               weights=np.concatenate([weight, np.ones(len(low))]))


def _highest_rating(marks: FreeResponse, keep: Bools) -> float:
    highest = marks.highest_false.copy()
    np.maximum.at(highest, marks.lesion_cases, marks.lesion_ratings)
    return auc(marks.diseased[keep], highest[keep])


def free_response_study(marks: Sequence[Sequence[FreeResponse]], *, figure: str = "wafroc", random: str = "both",
                        level: float = 0.95) -> ReaderStudy:
    """Compare tests over readers by a free-response figure of merit, jackknife over cases.

    ``marks[test][reader]`` on the same cases; see ``readers.obuchowski_rockette`` for ``random``. ValueError for fewer
    than 2 tests or readers, or where leaving a case out leaves no diseased or no healthy one.
    """
    tests, readers = len(marks), min(len(row) for row in marks)
    if min(tests, readers) < 2 or any(len(row) != readers for row in marks):
        raise ValueError(f"marks: {tests} tests, {readers} readers (expected the same 2 or more readers for 2 or more "
                         "tests)")
    flat = [m for row in marks for m in row]
    figures, cov = jackknife(lambda kept: np.array([figure_of_merit(m, figure, kept=kept) for m in flat]),
                             len(flat[0].highest_false))
    if not np.isfinite(cov).all():
        raise ValueError("marks: leaving a case out leaves no diseased or no healthy case (expected 2 or more of each)")
    return obuchowski_rockette(figures.reshape(tests, readers), cov, random=random, level=level)

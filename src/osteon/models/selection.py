"""Which columns survive: an L1 penalty, importance in a forest, and elimination by a support vector machine, each by itself, and what they have in common.

Tibshirani R. J R Stat Soc B 1996; 58: 267 (LASSO); Breiman L. Mach Learn 2001; 45: 5 (random forest); Guyon I et al. Mach Learn 2002; 46: 389 (SVM-RFE).
Selection looks at the truth, so it belongs into the train part: on all cases it flatters whatever is measured later (Ambroise C, McLachlan GJ. PNAS
2002; 99: 6562).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.errors import StudyError, message, near

if TYPE_CHECKING:
    import pandas as pd

RULES = ("intersection", "union")
EMPTY = ("withhold", "union")
ABSENT = ("withhold", "median")
INNER = 5  # folds in which a selector chooses its penalty or the size of its set
PENALTIES = np.geomspace(0.03, 3, 10)
TREES = 300
STEP = 0.2  # the share of columns that one round of the elimination drops


@dataclass(frozen=True)
class Selection:
    """Selectors by name, and how their sets become one; without a selector every column is kept.

    `rule`: intersection or union of the sets. `empty`: where the intersection is empty, no answer is given (withhold), or the union takes its place. `most`
    columns survive the forest and the support vector machine. `absent`: a survivor that new cases do not have leads to no answer (withhold), or the median of
    the train part stands for it. Raises StudyError for a name that is none.
    """

    by: tuple[str, ...]
    rule: str = field(default="intersection", kw_only=True)
    empty: str = field(default="withhold", kw_only=True)
    most: int = field(default=30, kw_only=True)
    absent: str = field(default="withhold", kw_only=True)

    def __post_init__(self) -> None:
        for name, known in ((self.rule, RULES), (self.empty, EMPTY), (self.absent, ABSENT), *((name, SELECTORS) for name in self.by)):
            if name not in known:
                raise StudyError(message("Selection", f"there is no {name!r}", do=near(name, known)))
        if self.most < 1:
            raise StudyError(message("Selection", "nothing could survive", expected="most of 1 or more", found=f"Found {self.most}"))

    def choose(self, table: pd.DataFrame, answers: np.ndarray, seed: int) -> Chosen:
        """What each selector keeps of the columns of numbers, and what is left by the rule; columns of words are kept. `answers` (n,) are two classes; raises StudyError for others."""
        numbers = [c for c in table.columns if table[c].dtype.kind in "fiu"]
        words = tuple(c for c in table.columns if c not in numbers)
        if not self.by:
            return Chosen({}, (*numbers, *words), of=len(numbers))
        classes, y = np.unique(answers, return_inverse=True)
        if len(classes) != 2:
            raise StudyError(message("Selection", f"{len(classes)} classes can not be told apart by it", expected="two classes"))
        x, names = standardised(table[numbers].to_numpy(float)), np.array(numbers, object)
        sets = {name: tuple(names[SELECTORS[name](x, y, self.most, seed)].tolist()) for name in self.by}
        return self._joined(sets, words, len(numbers))

    def _joined(self, sets: Mapping[str, tuple[str, ...]], words: tuple[str, ...], of: int) -> Chosen:
        every = tuple(dict.fromkeys(name for found in sets.values() for name in found))
        shared = tuple(name for name in every if all(name in found for found in sets.values()))
        if self.rule == "union":
            return Chosen(sets, (*every, *words) if every else (), of=of, reason="" if every else _nothing(sets))
        if shared:
            return Chosen(sets, (*shared, *words), of=of)
        if self.empty == "union" and every:
            return Chosen(sets, (*every, *words), of=of, instead="union")
        return Chosen(sets, (), of=of, reason=_nothing(sets))


@dataclass(frozen=True)
class Chosen:
    """The set of each selector, the columns that are left of `of` (none where an answer has to be withheld, and why), and the rule that stood in for an empty intersection."""

    sets: Mapping[str, tuple[str, ...]]
    columns: tuple[str, ...]
    of: int = field(kw_only=True)
    reason: str = field(default="", kw_only=True)
    instead: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sets", MappingProxyType(dict(self.sets)))

    def plain(self) -> dict[str, Any]:
        """As plain data, for the notes of a fit."""
        return {"of": self.of, "sets": {name: list(found) for name, found in self.sets.items()}, "chosen": list(self.columns), "instead": self.instead, "reason": self.reason}


def _nothing(sets: Mapping[str, tuple[str, ...]]) -> str:
    """Why no column is left."""
    bare = [name for name, found in sets.items() if not found]
    return f"no column was chosen by {' or '.join(bare)}" if bare else f"no column was chosen by all of {', '.join(sets)}"


def standardised(x: np.ndarray) -> np.ndarray:
    """Columns (n, p) with mean 0 and standard deviation 1, an empty cell at the median; a column that does not vary is 0."""
    known = np.where(np.isfinite(x).any(0), x, 0.0)
    filled = np.where(np.isfinite(known), known, np.nanmedian(known, axis=0))
    spread = filled.std(0)
    return np.asarray((filled - filled.mean(0)) / np.where(spread > 0, spread, 1.0))


def lasso(x: np.ndarray, y: np.ndarray, most: int, seed: int) -> np.ndarray:
    """Columns with a coefficient in a logistic regression with an L1 penalty, the one with the largest AUC in inner folds, of equals the strongest; `most` is not asked."""
    from sklearn.linear_model import LogisticRegression

    def model(c: float) -> Any:
        return LogisticRegression(C=c, l1_ratio=1.0, solver="liblinear", max_iter=500, random_state=seed % 2**32)

    areas = np.zeros(len(PENALTIES))
    for learnt, left in _folds(y, seed):
        areas += [_area(y[left], model(c).fit(x[learnt], y[learnt]).decision_function(x[left])) for c in PENALTIES]
    return np.flatnonzero(model(float(PENALTIES[areas.argmax()])).fit(x, y).coef_[0])


def forest(x: np.ndarray, y: np.ndarray, most: int, seed: int) -> np.ndarray:
    """The columns with the largest mean decrease of impurity, of those above the average column."""
    from sklearn.ensemble import RandomForestClassifier

    worth = RandomForestClassifier(n_estimators=TREES, min_samples_leaf=2, random_state=seed % 2**32).fit(x, y).feature_importances_
    order = np.argsort(-worth, kind="stable")[:most]
    return np.sort(order[worth[order] > worth.mean()])


def elimination(x: np.ndarray, y: np.ndarray, most: int, seed: int) -> np.ndarray:
    """The last columns that a linear support vector machine keeps, as many as give the largest AUC on cases that the elimination did not see, at most `most`; of equals the most, for what is kept is thinned by the other selectors."""
    sizes, kept = eliminated(x, y)
    allowed = [k for k, size in enumerate(sizes) if size <= most]
    areas = np.zeros(len(allowed))
    for learnt, left in _folds(y, seed):
        inner = eliminated(x[learnt], y[learnt])[1]
        for place, k in enumerate(allowed):
            machine = _machine(x[np.ix_(learnt, inner[k])], y[learnt])
            areas[place] += _area(y[left], machine.decision_function(x[np.ix_(left, inner[k])]))
    return np.sort(kept[allowed[int(areas.argmax())]])


def eliminated(x: np.ndarray, y: np.ndarray) -> tuple[tuple[int, ...], tuple[np.ndarray, ...]]:
    """The sizes of the elimination from all columns to one, and which are left at each."""
    left, kept = np.arange(x.shape[1]), []
    while len(left):
        kept.append(left)
        worth = np.abs(_machine(x[:, left], y).coef_[0])
        drop = max(1, int(STEP * len(left)))
        left = left[np.sort(np.argsort(-worth, kind="stable")[: len(left) - drop])]
    return tuple(map(len, kept)), tuple(kept)


def _machine(x: np.ndarray, y: np.ndarray) -> Any:
    from sklearn.svm import SVC

    return SVC(kernel="linear", C=1.0).fit(x, y)


def _area(y: np.ndarray, score: np.ndarray) -> float:
    from osteon.stats.roc import auc

    return auc(y, np.round(score, 9))


def _folds(y: np.ndarray, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Inner folds in which both classes are present, as many as the smaller class has cases, at most five."""
    from sklearn.model_selection import StratifiedKFold

    return list(StratifiedKFold(min(INNER, int(np.bincount(y).min())), shuffle=True, random_state=seed % 2**32).split(y, y))


SELECTORS: Mapping[str, Callable[[np.ndarray, np.ndarray, int, int], np.ndarray]] = MappingProxyType({"LASSO": lasso, "random forest": forest, "SVM-RFE": elimination})

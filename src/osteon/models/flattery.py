"""What a fit would seem to be worth if it were judged without care, kept so that the optimism can be shown: nothing here is ever a result.

Two estimates flatter. The apparent one asks the fit about the cases that it learnt from. The other refits the estimator in folds of the train part, but on
columns that were chosen on the whole of it, so that each fold's test cases had their say in the choice (Ambroise C, McLachlan GJ. PNAS 2002; 99: 6562).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

FEWEST = 4  # cases of each class


def flattered(fitted: Any, make: Callable[..., Any], table: pd.DataFrame, answers: np.ndarray, *, finding: str, seed: int) -> dict[str, list[float]]:
    """Scores (n,) of the finding on the train part: truth, apparent, outside, and the fold of each case; nothing for fewer than four cases of a class.

    `fitted` learnt from all of `table` (n rows of the chosen columns); `make(folds=)` gives the same estimator unfitted, with so many folds for its calibration.
    """
    from sklearn.model_selection import StratifiedKFold

    truth = answers == finding
    least = int(min(truth.sum(), (~truth).sum()))
    if least < FEWEST:
        return {}
    outside, fold = np.empty(len(truth)), np.empty(len(truth), int)
    for k, (learnt, left) in enumerate(StratifiedKFold(min(5, least), shuffle=True, random_state=seed % 2**32).split(truth, truth)):
        outside[left] = _scores(make(folds=2).fit(table.iloc[learnt], answers[learnt]), table.iloc[left], finding)
        fold[left] = k
    apparent = _scores(fitted, table, finding)
    return {"truth": truth.astype(int).tolist(), "apparent": apparent.round(6).tolist(), "outside": outside.round(6).tolist(), "fold": fold.tolist()}


def _scores(estimator: Any, rows: pd.DataFrame, finding: str) -> np.ndarray:
    return np.asarray(estimator.predict_proba(rows)[:, [str(c) for c in estimator.classes_].index(finding)], float)

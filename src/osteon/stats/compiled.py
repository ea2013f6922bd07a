"""Inner loops that numpy cannot express without large temporaries; compiled once and kept on disk."""
from __future__ import annotations

import numpy as np
from numba import njit

from osteon.stats.arguments import Bools, Floats


@njit(cache=True, nogil=True)
def weighted_aucs(patients: np.ndarray, truth: Bools, new: Bools, weights: Floats, drawn: np.ndarray,
                  groups: int) -> Floats:
    """Weighted AUC of each row of drawn patients; cases sorted by score, ``new`` marks the first of equal scores."""
    areas = np.empty(len(drawn))
    count = np.empty(groups)
    for row in range(len(drawn)):
        count[:] = 0
        for patient in drawn[row]:
            count[patient] += 1
        doubled, below, positives, tied_high, tied_low = 0.0, 0.0, 0.0, 0.0, 0.0
        for i in range(len(patients)):
            if new[i]:
                doubled += tied_high * (2 * below + tied_low)
                positives += tied_high
                below += tied_low
                tied_high = tied_low = 0.0
            weight = count[patients[i]] * weights[i]
            if truth[i]:
                tied_high += weight
            else:
                tied_low += weight
        doubled += tied_high * (2 * below + tied_low)
        positives += tied_high
        below += tied_low
        areas[row] = doubled / (2 * positives * below) if positives * below > 0 else np.nan
    return areas

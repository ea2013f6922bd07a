"""Which reference answers a second look should begin with: cases whose label a model that never saw them contradicts with confidence.

Northcutt CG et al. J Artif Intell Res 2021; 70: 1373 (confident learning: a class is claimed where its probability reaches the mean that its own cases have).
A model can be wrong with confidence, so this orders a second reading and corrects nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from osteon.targets.lines import TRUE, judged

if TYPE_CHECKING:
    import pandas as pd

FEWEST = 10  # cases of each state


@dataclass(frozen=True)
class Doubt:
    """One case to look at again: code, what the reference says (the finding is there or not), and the probability of the finding that the model gave."""

    case: str
    positive: bool
    probability: float


def doubts(lines: pd.DataFrame) -> tuple[Doubt, ...]:
    """Cases of judged test lines of one finding whose label is contradicted, the most confident contradiction first; empty with fewer than 10 cases of a state.

    Raises ValueError for a score that is no probability.
    """
    from osteon.stats.arguments import probabilities

    known = judged(lines)
    positive, score = (known["state"] == TRUE).to_numpy(), probabilities(known["score"].to_numpy(float), "score")
    if min(int(positive.sum()), int((~positive).sum())) < FEWEST:
        return ()
    claims = np.where(positive, (1 - score) >= (1 - score[~positive]).mean(), score >= score[positive].mean())
    against = np.where(positive, 1 - score, score)
    claims &= against > 0.5
    order = [i for i in np.argsort(-against, kind="stable") if claims[i]]
    return tuple(Doubt(str(known["case"].iloc[i]), bool(positive[i]), float(score[i])) for i in order)

"""Flipped labels come first in the list of references to look at again."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from osteon.validation.labels import doubts


def lines(count: int, flipped: int, seed: int = 0) -> tuple[pd.DataFrame, set[str]]:
    rng = np.random.default_rng(seed)
    linear = rng.normal(0, 3, count)
    state = rng.random(count) < 1 / (1 + np.exp(-linear))
    clear = np.flatnonzero(np.abs(linear) > 2)
    wrong = rng.permutation(clear[state[clear] == (linear[clear] > 0)])[:flipped]
    state[wrong] = ~state[wrong]
    frame = pd.DataFrame({"case": [f"c{i}" for i in range(count)], "state": np.where(state, "true", "false"), "score": 1 / (1 + np.exp(-linear)), "withheld": ""})
    return frame, {f"c{i}" for i in wrong}


def test_flipped_labels_are_found_and_lead_the_list() -> None:
    frame, wrong = lines(600, 30)
    found = doubts(frame)
    named = {d.case for d in found}
    assert len(wrong & named) >= 25
    assert len({d.case for d in found[:20]} & wrong) >= 12
    against = [1 - d.probability if d.positive else d.probability for d in found]
    assert against == sorted(against, reverse=True)
    assert min(against) > 0.5


def test_labels_that_follow_the_probabilities_raise_few_doubts() -> None:
    frame, _ = lines(600, 0)
    assert len(doubts(frame)) < 0.1 * 600


def test_few_cases_raise_none_and_a_score_above_1_is_refused() -> None:
    assert doubts(lines(12, 0)[0]) == ()
    with pytest.raises(ValueError, match="position 0 is 2.0"):
        doubts(lines(100, 0)[0].assign(score=2.0))

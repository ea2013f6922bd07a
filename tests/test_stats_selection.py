"""Stability of selections: closed forms, chance, and Fleiss' kappa, which it equals."""

from __future__ import annotations

import numpy as np
import pytest

from osteon.stats.kappa import fleiss_kappa
from osteon.stats.selection import stability


def test_always_the_same_is_1_and_a_swap_by_chance_is_0() -> None:
    same = np.tile([1, 1, 0, 0, 0], (4, 1))
    assert stability(same).estimate == 1 and stability(same).lower == 1
    rng = np.random.default_rng(0)
    by_chance = stability(np.array([rng.permutation([1] * 10 + [0] * 90) for _ in range(400)]))
    assert by_chance.lower < 0.01 and abs(by_chance.estimate) < 0.01


def test_it_is_the_index_of_the_paper_by_hand() -> None:
    """Three runs, four features: shares 1, 2/3, 1/3, 0; mean variance with M/(M-1) is (0 + 1/3 + 1/3 + 0) / 4 = 1/6 over 1/2 * 1/2."""
    table = np.array([[1, 1, 0, 0], [1, 0, 1, 0], [1, 1, 0, 0]])
    found = stability(table)
    assert found.estimate == pytest.approx(1 - (1 / 6) / (1 / 4))
    parts = [4 * (np.mean(z * table.mean(0)) - z.sum() * 2 / 16 + found.estimate / 2 * (2 * z.sum() * 2 / 16 - z.sum() / 4 - 2 / 4 + 1)) for z in table]  # Nogueira 2018, section 4, written out for one run
    half = 1.959963984540054 * np.sqrt(4 / 9 * np.sum((np.array(parts) - np.mean(parts)) ** 2))
    assert (found.lower, found.upper) == pytest.approx((found.estimate - half, found.estimate + half))


def test_it_equals_fleiss_kappa_with_selections_as_raters() -> None:
    table = (np.random.default_rng(3).random((6, 40)) < np.linspace(0.05, 0.9, 40)).astype(int)
    assert stability(table).estimate == pytest.approx(fleiss_kappa(table.T, classes=2).estimate)


def test_its_limits_cover_the_stability_of_independent_selections() -> None:
    chances = np.r_[np.full(5, 0.8), np.full(45, 0.1)]
    mean = chances.mean()
    true = 1 - (chances * (1 - chances)).mean() / (mean * (1 - mean))
    rng = np.random.default_rng(5)
    covered = [found.lower <= true <= found.upper for found in (stability((rng.random((60, 50)) < chances).astype(int)) for _ in range(300))]
    assert 0.91 < np.mean(covered) < 0.98


@pytest.mark.parametrize(("table", "reason"), [(np.ones((1, 3)), "1 selection"), (np.zeros((3, 4)), "nothing was chosen"), (np.ones((3, 4)), "everything was chosen")])
def test_what_is_not_defined_says_why(table: np.ndarray, reason: str) -> None:
    assert reason in stability(table).reason and np.isnan(stability(table).estimate)


def test_other_cells_are_refused() -> None:
    with pytest.raises(ValueError, match="chosen: position"):
        stability(np.array([[0, 2], [1, 0]]))

"""Default intervals hold the truth about as often as they say; the long table is `python tests/stats_coverage.py`."""
from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from scipy import stats

SIMULATION = runpy.run_path(str(Path(__file__).with_name("stats_coverage.py")))
OPTIONAL = ("Clopper-Pearson", "Wald", "option", "fallback")
QUICK = {"partial": 40, "patients": 120, "courses": 150, "grades": 120, "arms": 200, "measurements": 250}


def check(scenario: str, repeats: int, low: float, high: float) -> None:
    """Every default interval of a scenario covers between the bounds, chance of one in a million apart."""
    found = SIMULATION["coverage"](SIMULATION[scenario], repeats=repeats)
    for name, (share, lost) in found.items():
        held = round(share * repeats * (1 - lost))
        if not any(word in name for word in OPTIONAL):
            assert stats.binom.cdf(held, repeats, low) > 1e-6, (name, share)
            assert stats.binom.sf(held - 1, repeats, high) > 1e-6, (name, share)
        assert lost < 0.05, name


NAMES = [scenario.__name__ for scenario in SIMULATION["SCENARIOS"]]


@pytest.mark.parametrize("scenario", NAMES)
def test_intervals_cover_in_a_short_simulation(scenario: str) -> None:
    check(scenario, QUICK.get(scenario, 300), 0.935, 0.98)


@pytest.mark.verify
@pytest.mark.parametrize("scenario", NAMES)
def test_intervals_cover_in_the_long_simulation(scenario: str) -> None:
    check(scenario, 2000, 0.935, 0.965)

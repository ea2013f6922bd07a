"""Bone-healing experiments: the surface is what its formula says, the best combination is planted, equal experiments differ."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from osteon.errors import DataError
from osteon.simulate import biofactor
from osteon.simulate.biofactor import AGENTS, CONTEXT, INPUTS, KINDS, SYNERGIES, effects, efficacy, experiments, feasible, healing_experiments
from osteon.targets import Measures

NAMES = list(AGENTS)
OUTCOMES = [f"outcome.{kind}" for kind in KINDS]


def doses(**given: float) -> np.ndarray:
    return np.array([[given.get(name, 0.0) for name in NAMES]])


def test_each_agent_follows_its_hill_curve() -> None:
    for k, (name, agent) in enumerate(AGENTS.items()):
        assert effects(doses(**{name: agent.half}))[0, k] == pytest.approx(agent.most / 2)
        rising = [effects(doses(**{name: d}))[0, k] for d in agent.doses]
        assert rising[0] == 0 and (np.diff(rising) > 0).all() and rising[-1] < agent.most
        assert efficacy(doses(**{name: agent.doses[-1]}))[0] == pytest.approx(rising[-1]), "alone there is no synergy"


def test_two_agents_together_are_their_sum_and_their_synergy() -> None:
    one, other = doses(bmp2=8), doses(bmp7=3.5)
    a, b = effects(one).sum(), effects(other).sum()
    assert efficacy(one + other)[0] == pytest.approx(a + b + SYNERGIES["bmp2", "bmp7"] * a * b)


def test_the_best_of_2400_is_the_planted_one() -> None:
    table = feasible()
    assert len(table) == 2400 and not table[NAMES].duplicated().any()
    assert not ((table["electrical"] > 0) & (table["ultrasound"] > 0)).any()
    first, second, third = (table.iloc[i][NAMES] for i in range(3))
    assert dict(first[first > 0]) == {"bmp2": 15, "bmp7": 5, "osteogenin": 150}  # Anastasio 2022, abstract
    assert set(second[second > 0].index) == {"bmp2", "bmp7", "osteogenin", "marrow_aspirate"}
    assert set(third[third > 0].index) == {"bmp2", "bmp7", "electrical"}, "electrical stimulation stands in for osteogenin"
    assert table["true_efficacy"].is_monotonic_decreasing


def test_the_strongest_link_is_found_on_the_surface() -> None:
    top = {name: agent.doses[-1] for name, agent in AGENTS.items()}
    gain = {pair: float((efficacy(doses(**{p: top[p] for p in pair})) - sum(efficacy(doses(**{p: top[p]})) for p in pair))[0]) for pair in combinations(NAMES, 2)}
    assert max(gain, key=lambda pair: gain[pair]) == ("bmp2", "bmp7")
    assert sum(v > 0 for v in gain.values()) == 6


def test_few_of_the_combinations_were_tried_and_equal_ones_differ() -> None:
    rows = experiments(225, 1)
    agents = (rows[NAMES] > 0).sum(axis=1)
    assert agents.between(1, 4).all() and (agents <= 2).mean() > 0.6
    for name, agent in AGENTS.items():
        assert rows[name].between(0, agent.doses[-1]).all()
    assert not ((rows["electrical"] > 0) & (rows["ultrasound"] > 0)).any() and not ((rows["human"] > 0) & (rows["large_animal"] > 0)).any()
    again = rows.duplicated(list(INPUTS))
    assert 20 < again.sum() < 70
    many = experiments(3000, 1)
    given, read = many[list(INPUTS)].to_numpy(), many[OUTCOMES].to_numpy()
    repeated = np.flatnonzero((given[1:] == given[:-1]).all(axis=1)) + 1
    gap = read[repeated] - read[repeated - 1]
    shared = gap[np.isfinite(gap)]
    assert len(shared) > 50 and (shared != 0).mean() > 0.95


def test_without_difficulty_the_readings_are_the_surface() -> None:
    rows = experiments(400, 2, difficulty=0.0)
    level, gain = biofactor._scales()
    clean = level + gain * (efficacy(rows[NAMES].to_numpy()) * biofactor._factor(rows[list(CONTEXT)].to_numpy()))[:, None]
    read = rows[OUTCOMES].to_numpy()
    there = np.isfinite(read)
    assert read[there] == pytest.approx(clean[there], abs=0.006)
    assert set(there.sum(axis=1)) == {1, 2, 3, 4}
    hard = experiments(400, 2, difficulty=1.0)
    assert (hard[list(INPUTS)] == rows[list(INPUTS)]).all(axis=None), "the same experiments, read worse"


def test_the_least_error_is_reached_by_one_who_knows_the_surface() -> None:
    rows = experiments(20_000, 3)
    level, gain = biofactor._scales()
    known = level + gain * (efficacy(rows[NAMES].to_numpy()) * biofactor._factor(rows[list(CONTEXT)].to_numpy()))[:, None]
    least = biofactor._notes({"site": "A", "difficulty": 0.5})["ceilings"]["outcome"]
    found = np.nanmean(np.abs(rows[OUTCOMES].to_numpy() - known), axis=0)
    assert found == pytest.approx([least[kind]["mae"] for kind in KINDS], rel=0.06)


def test_the_shortcut_ties_a_laboratory_to_an_agent() -> None:
    plain, betrayed = experiments(2000, 4), experiments(2000, 4, confounded=True)
    for rows, tied in ((plain, False), (betrayed, True)):
        on = rows["electrical"] > 0
        assert (rows.loc[on, "patient_id"].value_counts(normalize=True).iloc[0] > 0.9) == tied
    assert abs(np.corrcoef(plain["patient_id"].str[3:].astype(int), plain["true_efficacy"])[0, 1]) < 0.1


def test_a_cohort_of_experiments(tmp_path: Path) -> None:
    made = healing_experiments(tmp_path / "a", 60, 2)
    healing_experiments(tmp_path / "b", 60, 2)
    assert (tmp_path / "a" / "cases.csv").read_bytes() == (tmp_path / "b" / "cases.csv").read_bytes()
    assert made.notes["best"]["bmp2"] == 15.0 and made.notes["strongest_link"] == ["bmp2", "bmp7"]
    target = Measures(dict.fromkeys(KINDS, "own unit"), "fusion_rate")
    truth = [case.truth["outcome"] for case in made.conform({}, {"outcome": target}, answered=("outcome",))]
    assert all(1 <= len(t.values) <= 4 for t in truth)
    assert len(set(made.column("patient").tolist())) < 60, "a laboratory has several experiments"


@pytest.mark.parametrize("wrong", [{"cases": 0}, {"site": "C"}, {"difficulty": 3.0}])
def test_an_impossible_call_writes_nothing(wrong: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(DataError):
        healing_experiments(tmp_path / "x", **{"cases": 4, "seed": 0, **wrong})  # type: ignore[arg-type]
    assert not (tmp_path / "x").exists()

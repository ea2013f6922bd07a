"""Maps and contributions with their checks: one that looks where the label is passes, one that does not know the model fails."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from disc_films import TARGETS, disc_case, disc_cohort
from osteon.budget import SMOKE
from osteon.cohort import Cohort
from osteon.cohort.rows import Rows
from osteon.errors import DataError, NotFitted, Refused
from osteon.models import Desk, Net
from osteon.simulate.registry import registry
from osteon.studies import study
from osteon.validation.contributions import contributions, explain_row, importance, probability
from osteon.validation.explanation import Sanity, centre, edges, grad_cam, label_check, likeness, located, with_labels_shuffled

DESK = Desk(SMOKE.with_(image_side=96, crop_side=64, epochs=4, seconds=900.0), 5)
PARTS = (disc_cohort(16), disc_cohort(6, first=50))


@pytest.fixture(scope="module")
def net() -> Net:
    return Net("resnet10t", ("film",), "side").fit(*PARTS, TARGETS, DESK)


def test_a_map_has_the_shape_of_its_picture_and_depends_on_the_weights(net: Net) -> None:
    case = disc_case(91)
    found = grad_cam(net, case, case.truth["side"].name)
    assert found.map.shape == found.picture.shape
    assert 0 <= found.map.min() <= found.map.max() == pytest.approx(1)
    assert 0 <= found.picture.min() <= found.picture.max() <= 1
    assert found.probability == pytest.approx(next(iter(net.predict(disc_cohort(1, first=91))))["side"].probabilities[found.finding], abs=1e-5)
    (check,) = found.checks
    assert check.shuffled == "weights"
    assert check.likeness < 1


def test_the_same_seed_gives_the_same_map_and_leaves_the_network_as_it_was(net: Net) -> None:
    before = {k: v.clone() for k, v in net.fitted.network.state_dict().items()}
    first, second = (grad_cam(net, disc_case(92), "left", seed=3) for _ in range(2))
    assert (first.map == second.map).all()
    assert first.checks == second.checks
    assert all((v == before[k]).all() for k, v in net.fitted.network.state_dict().items())


def test_the_label_check_fits_the_same_spec_on_shuffled_labels(net: Net) -> None:
    check = label_check(net, PARTS, TARGETS, DESK, cases=[disc_case(n) for n in range(90, 96)], finding="left")
    assert check.shuffled == "labels"
    assert check.rounds == 6
    assert check.likeness < 0.9


def test_shuffled_labels_are_the_same_labels_dealt_anew() -> None:
    other = with_labels_shuffled(PARTS[0], "side", 1)
    names = [[c.truth["side"].name for c in cohort] for cohort in (PARTS[0], other)]
    assert sorted(names[0]) == sorted(names[1])
    assert names[0] != names[1]
    assert [c.truth["reading"].values["height"] for c in other] == [c.truth["reading"].values["height"] for c in PARTS[0]]


def test_a_check_holds_only_where_the_map_changes() -> None:
    assert Sanity("weights", 0.1, 5).holds
    assert not Sanity("weights", 0.8, 5).holds
    assert not Sanity("weights", float("nan"), 0).holds


def test_edges_of_the_picture_are_no_explanation_and_the_check_says_so() -> None:
    picture = np.random.default_rng(0).random((40, 40))
    assert likeness(edges(picture), edges(picture)) == pytest.approx(1)
    assert np.isnan(likeness(np.zeros((4, 4)), picture[:4, :4]))
    assert likeness(picture[:4, :4], np.zeros((4, 4))) == 0


def test_pointing_game_and_energy_stand_beside_their_baselines() -> None:
    rng, maps, boxes, pictures = np.random.default_rng(1), [], [], []
    for _ in range(30):
        r, c = rng.integers(5, 45, 2)
        spot = np.zeros((60, 60))
        spot[r:r + 6, c:c + 6] = 1
        maps.append(spot)
        boxes.append((float(r), float(c), float(r + 6), float(c + 6)))
        pictures.append(rng.random((60, 60)))
    ours, middle, steps = located(maps, boxes, pictures)
    assert (ours.method, middle.method, steps.method) == ("Grad-CAM", "centre", "edges")
    assert ours.pointing.estimate == 1
    assert ours.energy == pytest.approx(1)
    assert middle.pointing.estimate < 0.3
    assert steps.energy < 0.1
    assert np.unravel_index(centre((41, 41)).argmax(), (41, 41)) == (20, 20)
    with pytest.raises(ValueError, match="expected as many of each"):
        located(maps, boxes[:2], pictures)


def test_what_can_not_be_explained_is_refused_with_a_reason(net: Net) -> None:
    with pytest.raises(NotFitted):
        grad_cam(Net("resnet10t", ("film",), "side"), disc_case(1), "left")
    with pytest.raises(Refused, match="there is no class 'up'"):
        grad_cam(net, disc_case(1), "up")
    with pytest.raises(DataError, match="no film"):
        grad_cam(net, replace(disc_case(1), inputs={}), "left")


# --- tables ------------------------------------------------------------------------------------------------------------------


def linear(table: pd.DataFrame) -> np.ndarray:
    return 0.5 + 0.1 * table["a"].to_numpy(float) - 0.2 * table["b"].to_numpy(float) + 0.3 * (table["c"] == "x").to_numpy(float)


def rows(count: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"a": rng.normal(0, 1, count), "b": rng.normal(0, 1, count), "c": rng.choice(["x", "y"], count).astype(object), "idle": rng.normal(0, 1, count)})


def test_contributions_of_a_linear_rule_are_its_terms() -> None:
    row, background = pd.DataFrame({"a": [2.0], "b": [1.0], "c": ["x"], "idle": [5.0]}).astype({"c": object}), rows(400, 1)
    found = contributions(linear, row, background, rounds=4000)
    expected = {"a": 0.1 * (2 - background["a"].mean()), "b": -0.2 * (1 - background["b"].mean()), "c": 0.3 * (1 - (background["c"] == "x").mean()), "idle": 0.0}
    assert found.parts == pytest.approx(expected, abs=0.02)
    assert sum(found.parts.values()) == pytest.approx(found.answer - found.start, abs=1e-12)
    assert found.answer == pytest.approx(float(linear(row)[0]))


def test_importance_finds_what_the_rule_uses() -> None:
    table = rows(500, 2)
    positive = np.random.default_rng(3).random(500) < 1 / (1 + np.exp(-8 * (linear(table) - 0.6)))
    found = {i.column: i for i in importance(linear, table, positive)}
    assert found["b"].fall > found["a"].fall > 0
    assert found["idle"].fall == pytest.approx(0, abs=1e-12)
    assert all(i.lower <= i.fall <= i.upper for i in found.values())


@pytest.fixture(scope="module")
def stays() -> tuple[Cohort, Cohort]:
    declared = study("etzel_2022")
    out = []
    for seed, count in ((1, 1200), (2, 200)):
        ids = [f"{seed}-{i}" for i in range(count)]
        out.append(Cohort("stays", "simulated", cases=Rows(registry(count, seed).astype(object).assign(case_id=ids, patient_id=ids), None)).conform(declared.inputs, declared.targets))
    return out[0], out[1]


def test_contributions_of_a_fitted_model_and_their_label_check(stays: tuple[Cohort, Cohort], tmp_path: Path) -> None:
    declared, desk = study("etzel_2022"), Desk(SMOKE, 4)
    model = declared.models["logistic regression"].fit(*stays, declared.targets, desk)
    found = explain_row(model, 3, stays[1], "long", parts=stays, targets=declared.targets, desk=desk)
    assert found.answer == pytest.approx(list(model.predict(stays[1]))[3]["stay"].probabilities["long"], abs=1e-9)
    assert sum(found.parts.values()) == pytest.approx(found.answer - found.start, abs=1e-9)
    assert found.checks[0].shuffled == "labels"
    with pytest.raises(Refused, match="there is no class 'never'"):
        probability(model, "never")

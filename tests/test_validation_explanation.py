"""Maps and contributions with their checks: one that looks where the label is passes, one that does not know the model fails."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from disc_films import TARGETS, disc_case, disc_cohort
from osteon.budget import SMOKE
from osteon.case import Case
from osteon.cohort import Cohort
from osteon.cohort.rows import Rows
from osteon.errors import DataError, NotFitted, Refused
from osteon.models import Desk, Net
from osteon.simulate.registry import registry
from osteon.studies import study
from osteon.targets import Grades, Landmarks, Measures
from osteon.validation.contributions import contributions, explain_row, importance, of_trees, probability
from osteon.validation.explanation import Explained, explained, fitted_on_shuffled, grad_cam, image_of, label_check, networks, with_labels_shuffled
from osteon.validation.explanation_checks import Faithful, Sanity, centre, edges, faithful, likeness, located, repeatability, shuffled
from osteon.validation.explanation_maps import METHODS, layer_of, saliency
from osteon.validation.explanation_scores import Asked, asked
from osteon.value import Grade, Readings

DESK = Desk(SMOKE.with_(image_side=96, crop_side=64, epochs=4, seconds=900.0), 5)
PARTS = (disc_cohort(16), disc_cohort(6, first=50))


@pytest.fixture(scope="module")
def net() -> Net:
    return Net("test_resnet", ("film",), "side").fit(*PARTS, TARGETS, DESK)


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


def test_the_label_check_compares_with_the_same_spec_on_shuffled_labels(net: Net) -> None:
    blind = fitted_on_shuffled(net, PARTS, TARGETS, DESK)
    check = label_check(net, blind, [disc_case(n) for n in range(90, 96)], finding="left")
    assert check.shuffled == "labels"
    assert check.rounds == 6
    assert check.likeness < 0.9
    assert label_check(net, net, [disc_case(90)], finding="left").likeness == pytest.approx(1)
    with pytest.raises(Refused, match="no classes to shuffle"):
        fitted_on_shuffled(replace(net, writes=("shapes",)), PARTS, TARGETS, DESK)


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
    assert ours.covered == pytest.approx(49 / 3600)
    assert np.unravel_index(centre((41, 41)).argmax(), (41, 41)) == (20, 20)
    with pytest.raises(ValueError, match="expected as many of each"):
        located(maps, boxes[:2], pictures)


def test_what_can_not_be_explained_is_refused_with_a_reason(net: Net) -> None:
    with pytest.raises(NotFitted):
        grad_cam(Net("test_resnet", ("film",), "side"), disc_case(1), "left")
    with pytest.raises(Refused, match="there is no class 'up'"):
        grad_cam(net, disc_case(1), "up")
    with pytest.raises(DataError, match="no film"):
        grad_cam(net, replace(disc_case(1), inputs={}), "left")


@pytest.mark.parametrize("method", METHODS)
def test_every_method_gives_a_map_with_all_its_numbers(net: Net, method: str) -> None:
    case = disc_case(93)
    found = explained(net, case, case.truth["side"].name, method=method, thorough=False, others=(net,), targets=TARGETS)
    told = found.plain()
    assert found.map.shape == found.picture.shape
    assert found.map.max() == pytest.approx(1)
    assert found.validity.refitted == pytest.approx(1)
    assert -1 <= told["repeated"] <= 1
    assert set(told["located"]) == {method, "centre", "edges"}
    assert 0 < told["located"][method]["covered"] < 0.3
    assert told["curves"]["deletion"][0] == pytest.approx(found.probability, abs=1e-5)
    assert told["curves"]["insertion"][-1] == pytest.approx(found.probability, abs=1e-5)
    assert told["passed"] == all(c["holds"] for c in told["checks"])


def test_hires_cam_is_grad_cam_where_a_network_ends_in_an_average(net: Net) -> None:
    what, image = asked(net, "left"), image_of(net, disc_case(94))
    first, second = (saliency(what, what.network, image, method=m, layer=layer_of(what, image)) for m in ("Grad-CAM", "HiResCAM"))
    assert first == pytest.approx(second, abs=1e-4)


def test_a_cascade_shuffles_from_the_output_to_the_input_and_all_at_last(net: Net) -> None:
    before = {k: v.clone() for k, v in net.fitted.network.named_parameters()}
    share = []
    for other in shuffled(net.fitted.network, 1, 4):
        moved = [bool((v != before[k]).any()) for k, v in other.named_parameters() if v.unique().numel() > 1]
        share.append(np.mean(moved))
        assert {k: v.sort().values.sum() for k, v in other.named_parameters()}.keys() == before.keys()
    assert share == sorted(share)
    assert share[0] < 0.7
    assert share[-1] > 0.9


def corner() -> Asked:
    """A network whose answer is the brightness of one corner, and nothing else."""
    import torch

    class Corner(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images[:, :, :8, :8].mean((1, 2, 3))

    return Asked(Corner(), "bright", score=lambda n, x: n(x), strength=lambda n, x: n(x).sigmoid(), methods=("integrated gradients", "occlusion"))


@pytest.mark.parametrize("method", ["integrated gradients", "occlusion"])
def test_a_known_rule_is_found_where_it_looks_and_its_curves_beat_chance(method: str) -> None:
    import torch

    what, image = corner(), torch.rand(1, 1, 48, 48, generator=torch.Generator().manual_seed(1)) * 0.2
    image[:, :, :8, :8] += 3
    found = saliency(what, what.network, image, method=method)
    assert found[:10, :10].sum() / found.sum() > 0.8
    curves = faithful(what, image, found, seed=1)
    assert curves is not None
    assert curves.holds
    assert not Faithful(curves.shares, deletion=curves.insertion[::-1], insertion=curves.deletion[::-1], by_chance=curves.areas).holds
    assert repeatability(what, image, found, method=method, layer="", seed=2) > 0.1


def test_a_method_without_meaning_and_an_unknown_finding_are_refused(net: Net) -> None:
    with pytest.raises(Refused, match="has no meaning"):
        saliency(corner(), corner().network, image_of(net, disc_case(1)), method="Grad-CAM")
    with pytest.raises(Refused, match="no layer has places"):
        layer_of(corner(), image_of(net, disc_case(1)))


def test_a_detector_is_explained_by_its_surest_box() -> None:
    finder = Net("yolov5", ("film",), "things").fit(disc_cohort(4), disc_cohort(2, first=50), TARGETS, Desk(DESK.budget.with_(epochs=1), 5))
    found: Explained = explained(finder, disc_case(95), "ring", thorough=False, targets=TARGETS)
    assert asked(finder, "ring").methods == ("Grad-CAM", "integrated gradients", "occlusion")
    assert found.map.shape == found.picture.shape
    assert 0 <= found.probability <= 1
    assert found.validity.region.sum() == pytest.approx(found.map.size * 0.1, rel=0.6)
    assert [net.writes[0] for net, _ in networks(finder)] == ["things"]


def test_a_grade_is_explained_by_the_step_that_is_asked() -> None:
    steps = {"step": Grades(("low", "middle", "high"), from_=1)}

    def graded(cohort: Cohort) -> Cohort:
        """The step follows from the side of the disc: low on the left, high on the right."""
        return replace(cohort, cases=[replace(c, truth={"step": Grade(0 if c.truth["side"].name == "left" else 2)}) for c in cohort])

    train, tune = map(graded, PARTS)
    grader = Net("test_resnet", ("film",), "step").fit(train, tune, steps, DESK)
    case = disc_case(96)
    (answered,) = grader.predict(replace(PARTS[0], cases=[case]))
    for finding, least in (("middle or more", 1), ("high or more", 2)):
        found = explained(grader, case, finding, thorough=False, targets=steps)
        assert found.probability == pytest.approx(sum(answered["step"].probabilities[least:]), abs=0.02)
        assert found.map.max() == pytest.approx(1)
    with pytest.raises(Refused, match="there is no class 'high'"):
        asked(grader, "high")
    assert label_check(grader, grader, [case], finding="high or more").likeness == pytest.approx(1)


def test_a_reading_by_landmarks_is_explained_by_how_surely_they_are_placed() -> None:
    def length(points: dict[str, tuple[float, ...]], spacing: tuple[float, ...] | None) -> tuple[dict[str, float], dict[str, str]]:
        return {"length": float(np.subtract(points["first"], points["second"])[0])}, {}

    spots = {"length": Measures({"length": "px"}, "length", read=length, landmarks=Landmarks(("first", "second")))}

    def placed(case: Case) -> Case:
        middles = case.truth["things"].boxes.reshape(2, 2, 2).mean(1)
        at = {name: tuple(m) for name, m in zip(("first", "second"), middles.tolist(), strict=True)}
        return replace(case, truth={"length": Readings({"length": 0.0}, at, case.inputs["film"].grid)})

    train, tune = (replace(c, cases=[placed(case) for case in c]) for c in PARTS)
    finder = Net("hrnet", ("film",), "length").fit(train, tune, spots, Desk(SMOKE.with_(image_side=64, epochs=2), 5))
    what = asked(finder, "length")
    found = explained(finder, disc_case(97), "length", method="integrated gradients", thorough=False, targets=spots)
    assert "Grad-CAM" not in what.methods
    assert 0 < found.probability <= 1
    assert found.map.max() == pytest.approx(1)
    with torch.no_grad():
        image = image_of(finder, disc_case(97))
        plain, blank = (float(what.score(what.network, seen)) for seen in (image, torch.zeros_like(image)))
    assert plain > blank  # without discs no point has a sure place


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


@pytest.mark.parametrize("name", ["decision tree", "random forest", "gradient boosting"])
def test_contributions_of_trees_are_exact_and_agree_with_sampling(stays: tuple[Cohort, Cohort], name: str) -> None:
    from osteon.models import Tabular

    declared = study("etzel_2022")
    model = Tabular(name, ("record",) if "record" in declared.inputs else tuple(declared.inputs), (declared.primary,)).fit(*stays, declared.targets, Desk(SMOKE, 4))
    records = stays[1].table(model.reads[0])[list(model.fitted.columns)]
    at, background = records.iloc[[7]].reset_index(drop=True), stays[0].table(model.reads[0])[list(model.fitted.columns)]
    exact = of_trees(model, "long", at, background, seed=1)
    assert exact is not None
    assert exact.method.startswith("Shapley values of trees")
    assert exact.answer == pytest.approx(float(probability(model, "long")(at)[0]), abs=2e-4)  # one tree of 300 may round a threshold the other way
    assert sum(exact.parts.values()) == pytest.approx(exact.answer - exact.start, abs=1e-9)
    drawn = contributions(probability(model, "long"), at, background, rounds=600, seed=1)
    assert [exact.parts[k] for k in drawn.parts] == pytest.approx(list(drawn.parts.values()), abs=0.03)
    assert of_trees(Tabular("logistic regression", model.reads, model.writes).fit(*stays, declared.targets, Desk(SMOKE, 4)), "long", at, background) is None

"""Rahman 2022: the stack learns from out-of-fold answers, the implant is cut out by what was outlined, and each stands in the table beside its absence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from osteon.budget import LAPTOP, SMOKE
from osteon.cohort import Cohort
from osteon.cohort.rows import Rows
from osteon.engine.path import within
from osteon.models import Arm, Blend, Chain, Desk, Formula, Net, Tabular
from osteon.readers.inputs import Record
from osteon.stats.roc import auc
from osteon.studies import study
from osteon.studies.rahman_2022 import MARGIN_MM, NETS, cut_out
from osteon.targets import Classes
from osteon.value import Grid, Mask, Picture

TARGETS = {"loosening": Classes(("fixed", "loose"))}
MEMBERS = {"wise": Tabular("logistic regression", reads=("record",), writes=("loosening",)),
           "parrot": Tabular("decision tree", reads=("record",), writes=("loosening",), settings={"min_samples_leaf": 1})}


def stack() -> Blend:
    """The blend of the study's own model."""
    arm = study("rahman_2022").models["HipXNet"]
    assert isinstance(arm, Arm) and isinstance(arm.model, Chain)
    found = arm.model.steps[-1]
    assert isinstance(found, Blend)
    return found


def hips(n: int, seed: int) -> Cohort:
    """One column that tells, five that tell nothing."""
    rng = np.random.default_rng(seed)
    columns = {"line": rng.normal(1.5, 1, n), **{f"noise{k}": rng.normal(0, 1, n) for k in range(5)}}
    loose = np.where(rng.random(n) < 1 / (1 + np.exp(-2 * (columns["line"] - 1.5))), "loose", "fixed")
    frame = pd.DataFrame({"case_id": [f"{seed}-{i}" for i in range(n)], "patient_id": [f"{seed}-{i}" for i in range(n)], **columns, "loosening": loose})
    return Cohort("toy", "simulated", cases=Rows(frame.astype(str), None)).conform({"record": Record("row", numbers=tuple(columns))}, TARGETS, answered=("loosening",))


def test_the_stack_is_worth_its_out_of_fold_answers() -> None:
    """A member that memorises is right about all that it learnt: the leaky stack believes it, the study's does not. Taken out, this fails."""
    train, tune, test = (hips(n, seed) for seed, n in enumerate((240, 80, 600)))
    fitted = replace(stack(), members=MEMBERS).fit(train, tune, TARGETS, Desk(SMOKE, 3))
    answers = list(fitted.predict(test))
    truth = np.array([c.truth["loosening"].name == "loose" for c in test])
    worth = {name: auc(truth, np.array([a[f"loosening{name}"].probabilities["loose"] for a in answers])) for name in ("", "@leaky stack", "@parrot", "@wise", "@mean")}
    assert worth[""] > worth["@leaky stack"] + 0.03 > worth["@parrot"] + 0.03, worth
    assert abs(worth[""] - worth["@wise"]) < 0.02, worth
    over = {name: np.mean([(a[f"loosening{name}"].probabilities["loose"] - t) ** 2 for a, t in zip(answers, truth, strict=True)]) for name in ("", "@leaky stack")}
    assert over[""] < over["@leaky stack"] - 0.03, "and it is far too sure"


def test_the_table_has_every_network_with_and_without_the_cut_the_stack_the_mean_and_the_leak() -> None:
    declared = study("rahman_2022")
    assert len(NETS) >= 3 and stack().how == "stack" and set(stack().beside) == {"mean", "leaky stack"}
    labels = set(declared.labels)
    assert labels == {"HipXNet", "whole film"} | {f"{arm}@{net}" for arm in ("HipXNet", "whole film") for net in NETS} | {"HipXNet@mean", "HipXNet@leaky stack"}
    assert declared.factors("HipXNet@VGG11") == {"picture": "implant cut out"} and declared.factors("whole film@VGG11") == {"picture": "whole film"}
    assert isinstance(declared.model("HipXNet@VGG11"), Net) and declared.model("HipXNet@leaky stack") is stack()
    assert declared.model("whole film@ResNet18").reads == ("xray",) and declared.model("HipXNet@ResNet18").reads == ("region", "place")


def test_every_network_can_be_explained_with_the_steps_before_it() -> None:
    from osteon.validation.explanation import networks

    found = [(net.name, before) for net, before in networks(study("rahman_2022").models["HipXNet"])]
    assert [name for name, _ in found] == ["unet", *NETS.values()]
    assert found[0][1] is None and all(before is not None and [type(step) for step in before.steps] == [Net, Formula] for _, before in found[1:])


def test_a_small_budget_keeps_two_networks_of_each_blend() -> None:
    declared = study("rahman_2022")
    assert within(declared, LAPTOP) is declared
    smaller = within(declared, SMOKE)
    assert set(smaller.labels) == set(declared.labels) - {f"{arm}@DenseNet121" for arm in ("HipXNet", "whole film")} and smaller.file == declared.file


def test_a_blend_with_its_ways_comes_back_from_files_and_one_of_fewer_members_too(tmp_path: Path) -> None:
    train, tune = hips(120, 7), hips(60, 8)
    fitted = replace(stack(), members=MEMBERS).fit(train, tune, TARGETS, Desk(SMOKE, 3))
    fitted.save(tmp_path)
    again = replace(stack(), members={**MEMBERS, "third": MEMBERS["wise"]}).load(tmp_path, TARGETS)
    assert list(again.members) == ["wise", "parrot"]
    for one, other in zip(fitted.predict(tune), again.predict(tune), strict=True):
        assert {k: v.probabilities for k, v in one.items()} == {k: v.probabilities for k, v in other.items()}  # type: ignore[union-attr]


def test_networks_see_the_implant_that_was_outlined_and_nothing_far_from_it() -> None:
    """The letter and the field differ, what is cut out does not: what the cut is for."""
    film, outlines = np.random.default_rng(2).integers(0, 4000, (96, 96)).astype(np.uint16), np.zeros((3, 96, 96), bool)
    outlines[0, 30:70, 40:50] = True
    betrayed = film.copy()
    betrayed[:8, :8] = 4000
    grid = Grid((96, 96), (2.0, 2.0))
    first, second = (cut_out(Picture(f, grid), Mask(outlines, ("stem", "cup", "head"), grid)) for f in (film, betrayed))
    assert np.array_equal(first["region"].array, second["region"].array)  # type: ignore[union-attr]
    reach = MARGIN_MM / 2
    assert first["place"].boxes.tolist() == [[30 - reach, 40 - reach, 69 + reach, 49 + reach]]  # type: ignore[union-attr]
    steps = study("rahman_2022").models["HipXNet"].model.steps  # type: ignore[attr-defined]
    assert [type(step) for step in steps] == [Net, Formula, Blend] and steps[1].reads == ("xray", "implant")
    assert all(net.reads == ("region", "place") for net in steps[2].members.values())
    nothing = cut_out(Picture(film, grid), Mask(np.zeros_like(outlines), ("stem", "cup", "head"), grid))
    assert not len(nothing["place"].labels), "no implant, no answer"  # type: ignore[union-attr]


@pytest.mark.parametrize("name", [*NETS.values(), "unet"])
def test_the_networks_follow_the_budget_and_take_films_of_any_size(name: str) -> None:
    import torch

    from osteon.networks import build

    with torch.random.fork_rng():
        small, large = (build(name, channels=1, outputs=2, width=width, image_size=(64, 80)) for width in (0.125, 0.25))
    counts = [sum(p.numel() for p in network.parameters()) for network in (small, large)]
    assert 2.5 < counts[1] / counts[0] < 4.5
    with torch.inference_mode():
        answer = small.eval()(torch.zeros(2, 1, 67, 85))
    assert answer.shape == ((2, 2, 67, 85) if name == "unet" else (2, 2))

"""Volumes of a few slices in the training loop: each slice by itself or the block, cases that do not fit, files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from osteon.budget import SMOKE
from osteon.case import Case
from osteon.cohort import Cohort
from osteon.errors import StudyError
from osteon.models import Net
from osteon.models.arrays import sizes
from osteon.models.protocol import Desk
from osteon.models.stacks import SeenStack, StackView, stacked
from osteon.targets import Classes, Masks
from osteon.value import Grid, Label, Picture, Withheld

TEAR = {"tear": Classes(("normal", "tear"))}
TINY = SMOKE.with_(image_side=64, epochs=2, seconds=60.0)


def volume(torn: bool, rng: np.random.Generator, shape: tuple[int, ...] = (4, 64, 64)) -> Picture:
    """Noise, with a bright middle in two slices where it is torn."""
    array = rng.integers(0, 400, shape).astype(np.uint16)
    if torn:
        array[1:3, 20:44, 20:44] += 600
    return Picture(array, Grid(shape, (4.0, 0.9, 0.9)))


def cohort(count: int, seed: int = 0, shapes: Sequence[tuple[int, ...]] = ((4, 64, 64),)) -> Cohort:
    rng = np.random.default_rng(seed)
    cases = [Case(f"c{k}", f"p{k}", inputs={"mri": volume(k % 2 == 1, rng, shapes[k % len(shapes)])}, truth={"tear": Label(TEAR["tear"].names[k % 2])}) for k in range(count)]
    return Cohort("stacks", "own", cases=cases)


def test_a_flat_network_sees_each_slice_and_one_of_blocks_all_of_them() -> None:
    given = cohort(4)
    for apart, pieces in ((True, (4, 1, 64, 64)), (False, (1, 4, 64, 64))):
        view = stacked(sizes(given, "mri"), "mri", longest=64, apart=apart)
        assert view is not None and view.count(given.cases[0].inputs) == pieces[0] and view.channels == pieces[1]
        seen = view.see(given.cases[1].inputs)
        assert isinstance(seen, SeenStack) and seen.pieces(view.shape).shape == pieces and len(seen.windows) == pieces[0]
        flat = seen.pieces(view.shape).reshape(4, 64, 64)
        assert flat[1, 30, 30] > flat[0, 30, 30] + 60, "slices keep their order and one scale of grey"


def test_a_volume_of_another_number_of_slices_is_withheld_with_the_reason() -> None:
    view = StackView("mri", 4, shape=(64, 64), apart=True)
    rng = np.random.default_rng(1)
    for inputs, said in (({"mri": volume(False, rng, (3, 64, 64))}, "3 slices in mri, 4 expected"), ({}, "no mri"), ({"mri": Picture(np.zeros((64, 64)), Grid((64, 64)))}, "no volume of slices"),
                         ({"mri": Picture(np.zeros((4, 64, 64, 3)), Grid((4, 64, 64)))}, "no volume of slices")):
        found = view.see(inputs)
        assert isinstance(found, Withheld) and said in found.reason
    mixed = stacked(sizes(cohort(9, shapes=((4, 64, 64), (4, 64, 64), (6, 64, 64))), "mri"), "mri", longest=64, apart=True)
    assert mixed is not None and mixed.slices == 4, "what most have"
    assert stacked(sizes(Cohort("flat", "own", cases=[Case("a", "a", inputs={"mri": Picture(np.zeros((64, 64)), Grid((64, 64)))})]), "mri"), "mri", longest=64, apart=True) is None


@pytest.mark.parametrize("name", ["resnet18_of_width", "xception_3d"])
def test_both_learn_answer_and_are_kept(name: str, tmp_path: Path) -> None:
    train, tune = cohort(12), cohort(6, 1)
    odd = replace(train, cases=[*train.cases, *cohort(2, 2, ((3, 64, 64),)).cases[1:]])
    net = Net(name, reads=("mri",), writes=("tear",), settings={"batch": 6, "steps": 8 if name == "resnet18_of_width" else 3})
    desk = Desk(TINY, 3)
    fitted = net.fit(odd, tune, TEAR, desk)
    assert "3 slices" in desk.notes["skipped"]["c1"]
    answers = list(fitted.predict(odd))
    assert isinstance(answers[-1]["tear"], Withheld) and all(isinstance(a["tear"], Label) for a in answers[:-1])
    if name == "resnet18_of_width":
        torn, whole = (np.mean([a["tear"].probabilities["tear"] for a in answers[k:12:2]]) for k in (1, 0))  # type: ignore[union-attr]
        assert torn > whole + 0.05
    fitted.save(tmp_path)
    again = list(net.load(tmp_path, TEAR).predict(tune))
    for a, b in zip(fitted.predict(tune), again, strict=True):
        assert isinstance(a["tear"], Label) and isinstance(b["tear"], Label) and abs(a["tear"].probabilities["tear"] - b["tear"].probabilities["tear"]) < 1e-5


def test_what_no_stack_can_answer_is_refused() -> None:
    with pytest.raises(StudyError, match="answered as a whole"):
        Net("resnet18_of_width", reads=("mri",), writes=("tear",)).fit(cohort(4), cohort(4), {"tear": Masks(("tear",))}, Desk(TINY, 0))
    flat = Cohort("flat", "own", cases=[Case(f"c{k}", f"p{k}", inputs={"mri": Picture(np.zeros((64, 64)), Grid((64, 64)))}, truth={"tear": Label("tear")}) for k in range(4)])
    with pytest.raises(StudyError, match="block of slices"):
        Net("xception_3d", reads=("mri",), writes=("tear",)).fit(flat, flat, TEAR, Desk(TINY, 0))

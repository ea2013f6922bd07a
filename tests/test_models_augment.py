"""Batched augmentation: geometry is the same for image, mask, box and reading, and never harms what it must not."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from osteon import targets
from osteon.models.augment import Recipe, exposed, middle, motion, moved
from osteon.models.families import MeasuresFamily, family_of
from osteon.models.families import moved as told


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def ellipses(centre: tuple[float, float], half: tuple[float, float], shape: tuple[int, int]) -> torch.Tensor:
    """A plane of uint8 with a filled ellipse, in edges of the frame."""
    rows, cols = np.mgrid[:shape[0], :shape[1]] + 0.5
    inside = ((rows - centre[0]) / half[0]) ** 2 + ((cols - centre[1]) / half[1]) ** 2 <= 1
    return torch.from_numpy(inside.astype(np.uint8) * 255)


def extent(plane: torch.Tensor) -> list[float]:
    rows, cols = (np.flatnonzero((plane > 0.5).any(dim=axis).numpy()) for axis in (1, 0))
    return [rows[0], cols[0], rows[-1] + 1, cols[-1] + 1]


def test_without_a_recipe_the_middle_comes_out_unchanged() -> None:
    planes = torch.randint(0, 256, (3, 2, 40, 28), dtype=torch.uint8, generator=seeded())
    how = motion(3, Recipe(), source=(40, 28), frame=(32, 20), generator=seeded())
    assert torch.allclose(moved(planes, how), middle(planes, (32, 20)), atol=5e-6)  # 2.6e-6 is the most over sixty seeds: float32 and no more


def test_boxes_follow_what_is_seen() -> None:
    count, shape, frame = 12, (160, 120), (128, 96)
    centres = np.random.default_rng(1).uniform([60, 50], [100, 70], (count, 2))
    planes = torch.stack([ellipses(tuple(c), (16.0, 11.0), shape)[None] for c in centres])
    boxes = torch.tensor(np.column_stack([centres - [16, 11], centres + [16, 11]])[:, None], dtype=torch.float32)
    how = motion(count, Recipe(30.0, 0.2, shift=0.08), source=shape, frame=frame, generator=seeded(3))
    seen = torch.tensor([extent(plane[0]) for plane in moved(planes, how)])
    assert (how.boxes(boxes)[:, 0] - seen).abs().max() < 1.5


def test_mirrored_boxes_follow_too() -> None:
    planes = ellipses((20.0, 12.0), (6.0, 4.0), (48, 48))[None, None].expand(8, 1, 48, 48)
    how = motion(8, Recipe(mirror=True), source=(48, 48), frame=(48, 48), generator=seeded())
    out = how.boxes(torch.tensor([[14.0, 8.0, 26.0, 16.0]]).expand(8, 1, 4))[:, 0]
    assert (out - torch.tensor([extent(plane[0]) for plane in moved(planes, how)])).abs().max() <= 1
    assert {round(float(v)) for v in out[:, 1]} == {8, 32}


def test_mask_planes_move_with_the_image() -> None:
    plane = ellipses((30.0, 25.0), (9.0, 7.0), (64, 64))
    planes = torch.stack([plane, plane]).expand(5, 2, 64, 64)
    out = moved(planes, motion(5, Recipe(20.0, 0.1, shift=0.1, mirror=True), source=(64, 64), frame=(48, 48), generator=seeded()))
    assert torch.equal(out[:, 0], out[:, 1]) and 0 < float(out.mean()) < 1


def test_positive_degrees_turn_the_film_clockwise() -> None:
    how = motion(50, Recipe(20.0), source=(100, 100), frame=(100, 100), generator=seeded())
    right = how.boxes(torch.tensor([[49.0, 79.0, 51.0, 81.0]]).expand(50, 1, 4))[:, 0]  # 30 pixels to the right of the middle
    down = (right[:, 0] + right[:, 2]) / 2 - 50
    assert torch.allclose(down, 30 * torch.sin(torch.deg2rad(how.degrees)), atol=1e-3)


def test_a_box_that_leaves_the_frame_is_dropped_and_others_are_cut() -> None:
    family = family_of(targets.Objects(("a",)))
    how = motion(1, Recipe(), source=(64, 64), frame=(32, 32), generator=seeded())
    numbers = torch.tensor([[[0.0, 0.0, 0.0, 18.0, 18.0], [0.0, 20.0, 20.0, 40.0, 60.0], [-1.0, 0, 0, 0, 0]]])
    out = told(family, numbers, how)
    assert out[0, :, 0].tolist() == [-1, 0, -1] and out[0, 1, 1:].tolist() == [4, 4, 24, 32]


def test_only_crops_of_masks_are_mirrored() -> None:
    asked = {"objects": targets.Objects(("a",)), "masks": targets.Masks(("a",)), "classes": targets.Classes(("a", "b")),
             "measures": targets.Measures({"a": "deg"}, main="a")}
    mirrored = {(name, crops) for name, target in asked.items() for crops in (False, True) if family_of(target).recipe(crops).mirror}
    assert mirrored == {("masks", True)}


def test_readings_are_left_unharmed_unless_they_are_declared_to_follow() -> None:
    lengths = family_of(targets.Measures({"L": "mm"}, main="L"))
    angles = family_of(targets.Measures({"A": "deg", "B": "deg"}, main="A"))
    both = targets.Measures({"A": "deg", "B": "deg"}, main="A")
    following = family_of(both, follows={"A": 1.0, "B": 0.0})
    assert (lengths.recipe(False).rotation, lengths.recipe(False).scale) == (0, 0)
    assert angles.recipe(False).rotation == 0 and angles.recipe(False).scale > 0
    assert family_of(both, follows={"A": 1.0}).recipe(False).rotation == 0
    assert following.recipe(False).rotation > 0
    how = motion(4, following.recipe(False), source=(32, 32), frame=(32, 32), generator=seeded())
    out = told(following, torch.tensor([[10.0, float("nan")]]).expand(4, 2), how)
    assert torch.allclose(out[:, 0], 10 + how.degrees) and bool(out[:, 1].isnan().all())


def test_following_a_stranger_is_refused() -> None:
    with pytest.raises(Exception, match="'Q' follows the rotation but is no reading"):
        MeasuresFamily(("A",), {"Q": 1.0})


def test_exposure_keeps_the_order_of_grey_levels() -> None:
    ramp = torch.linspace(0.05, 0.95, 64).expand(16, 1, 8, 64)
    out = exposed(ramp, Recipe(noise=0.0), seeded())
    assert bool((out.diff(dim=-1) >= -1e-6).all()) and float(out.min()) >= 0 and float(out.max()) <= 1
    assert float((out - ramp).abs().amax(dim=(1, 2, 3)).min()) > 1e-3


def test_the_same_seed_gives_the_same_batch() -> None:
    planes = torch.randint(0, 256, (4, 1, 32, 32), dtype=torch.uint8)

    def once() -> torch.Tensor:
        generator = seeded(9)
        how = motion(4, Recipe(10.0, 0.1, shift=0.1), source=(32, 32), frame=(32, 32), generator=generator)
        return exposed(moved(planes, how), Recipe(), generator)

    assert torch.equal(once(), once())

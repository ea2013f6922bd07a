"""The chain of Moon 2023: what each step is for, on the simulator's own truth."""

from __future__ import annotations

import numpy as np
import pytest

from osteon.simulate.standing_legs import standing_film
from osteon.studies import study
from osteon.studies.moon_2023 import BONES, JOINTS, alignment
from osteon.value import Grid, Mask, Objects, Readings

FILMS = [standing_film((11, k), pixel_mm=1.0, site="A", difficulty=0.5) for k in range(5)]


def truth(k: int) -> tuple[Mask, Objects, dict[str, float]]:
    film = FILMS[k]
    grid = Grid(film.stored.shape, film.spacing)
    boxes = Objects(np.array(list(film.boxes.values())), tuple(joint for joint, _ in film.boxes), grid=grid)
    return Mask(film.masks, BONES, grid), boxes, dict(film.projected)


def error(readings: Readings, true: dict[str, float], name: str = "HKA") -> float:
    gaps = [abs(readings.values[f"{name}.{side}"] - true[f"{name}.{side}"]) for side in "RL"]
    return float(np.mean(np.nan_to_num(gaps, nan=180.0)))


def test_perfect_boxes_and_masks_give_the_projected_angles() -> None:
    errors = {name: np.mean([error(alignment(m, b), t, name) for m, b, t in map(truth, range(5))]) for name in ("HKA", "mLDFA", "MPTA", "JLCA", "leg")}
    assert errors["HKA"] < 0.3 and errors["mLDFA"] < 0.8 and errors["MPTA"] < 0.8 and errors["JLCA"] < 0.8 and errors["leg"] < 3


def test_without_the_detector_the_angles_are_wrong() -> None:
    """The boxes of another person in place of the detector's."""
    own = np.mean([error(alignment(*truth(k)[:2]), truth(k)[2]) for k in range(5)])
    other = np.mean([error(alignment(truth(k)[0], shifted(truth((k + 1) % 5)[1])), truth(k)[2]) for k in range(5)])
    assert other > own + 0.5


def shifted(boxes: Objects) -> Objects:
    return Objects(boxes.boxes + np.array([45.0, 0, 45.0, 0]), boxes.labels, grid=boxes.grid)


def test_without_the_segmenter_the_angles_are_wrong() -> None:
    """Filled boxes in place of bones."""
    def filled(k: int) -> Mask:
        mask, boxes, _ = truth(k)
        array = np.zeros(mask.array.shape, bool)
        for (r0, c0, r1, c1), joint in zip(boxes.boxes.round().astype(int), boxes.labels, strict=True):
            for i in {"hip": (0,), "knee": (0, 1), "ankle": (1, 2)}[joint]:
                array[i, max(r0, 0): r1, max(c0, 0): c1] = True
        return Mask(array, BONES, mask.grid)

    own = np.mean([error(alignment(*truth(k)[:2]), truth(k)[2]) for k in range(5)])
    assert np.mean([error(alignment(filled(k), truth(k)[1]), truth(k)[2]) for k in range(5)]) > own + 1


def test_a_coarser_mask_grid_and_lengths_without_spacing() -> None:
    mask, boxes, true = truth(0)
    half = Mask(mask.array[:, ::2, ::2], BONES, Grid((512, 216), (2.0, 2.0)))
    assert error(alignment(half, boxes), true) < 1.0
    bare = Mask(mask.array, BONES, Grid(mask.grid.shape))
    found = alignment(bare, Objects(boxes.boxes, boxes.labels, grid=Grid(mask.grid.shape)))
    assert np.isnan(found.values["leg.R"]) and found.reasons["leg.R"] == "no pixel spacing" and error(found, true) < 0.3


def test_the_identity_holds_in_every_answer() -> None:
    for k in range(5):
        v = alignment(*truth(k)[:2]).values
        for side in "RL":
            assert v[f"HKA.{side}"] - 180 == pytest.approx(v[f"MPTA.{side}"] - v[f"mLDFA.{side}"] - v[f"JLCA.{side}"], abs=1e-9)


def test_sixteen_kinds_of_readings_over_both_legs() -> None:
    target = study("moon_2023").targets["alignment"]
    assert len(target.findings) == 16 and target.findings[0] == "HKA"
    assert set(JOINTS) == set(study("moon_2023").targets["joints"].findings)


@pytest.mark.parametrize(("turned", "why"), [("down", "upside down"), ("round", "upside down"), ("aside", "on its side")])
def test_a_film_that_lies_wrongly_gets_no_angle_and_the_reason(turned: str, why: str) -> None:
    """Mirrored from top to bottom, turned by 180 and by 90 degrees; by the last an angle would be that of nobody, by the first varus would be valgus."""
    mask, boxes, _ = truth(0)
    rows, cols = mask.grid.shape
    b = boxes.boxes
    changed = {"down": (mask.array[:, ::-1], np.column_stack([rows - 1 - b[:, 2], b[:, 1], rows - 1 - b[:, 0], b[:, 3]])),
               "round": (mask.array[:, ::-1, ::-1], np.column_stack([rows - 1 - b[:, 2], cols - 1 - b[:, 3], rows - 1 - b[:, 0], cols - 1 - b[:, 1]])),
               "aside": (mask.array.transpose(0, 2, 1), b[:, [1, 0, 3, 2]])}
    array, moved = changed[turned]
    grid = Grid(array.shape[1:], mask.grid.spacing)
    found = alignment(Mask(array.copy(), BONES, grid), Objects(moved, boxes.labels, grid=grid))
    assert all(np.isnan(v) for v in found.values.values())
    assert all(why in found.reasons[f"HKA.{side}"] for side in "RL")

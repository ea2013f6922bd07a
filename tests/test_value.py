"""Values are valid once constructed and can not be changed."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from osteon.errors import DataError
from osteon.value import Grid, Label, Mask, Objects, Picture, Readings, Trajectory


def test_arrays_of_a_value_can_not_be_written() -> None:
    mask = Mask(np.zeros((1, 4, 4)), ("femur",), Grid((4, 4)))
    with pytest.raises(ValueError, match="read-only"):
        mask.array[0, 0, 0] = True
    with pytest.raises(dataclasses.FrozenInstanceError):
        mask.names = ("tibia",)  # type: ignore[misc]
    with pytest.raises(TypeError):
        Label("a", {"a": 1.0}).probabilities["a"] = 0.5  # type: ignore[index]


@pytest.mark.parametrize("make", [
    lambda: Label("a", {"a": 0.7, "b": 0.7}),
    lambda: Label("a", {"a": -0.1, "b": 1.1}),
    lambda: Objects(np.array([[5, 5, 2, 9]]), ("hip",)),
    lambda: Mask(np.zeros((2, 4, 4)), ("femur",), Grid((4, 4))),
    lambda: Picture(np.zeros((4, 5)), Grid((4, 4))),
    lambda: Grid((4, 4), (0.0, 1.0)),
    lambda: Grid((4, 4), (1.0,)),
    lambda: Trajectory(np.zeros(3), np.zeros(3), ("cobb",)),
], ids=["sum", "negative", "box", "structures", "shape", "spacing", "axes", "trajectory"])
def test_an_invalid_value_can_not_be_made(make: object) -> None:
    with pytest.raises(DataError):
        make()  # type: ignore[operator]


def test_boxes_of_a_label_come_most_certain_first() -> None:
    found = Objects(np.array([[0, 0, 1, 1], [2, 2, 3, 3], [4, 4, 5, 5]]), ("hip", "knee", "hip"), np.array([0.2, 0.9, 0.8]))
    assert found.of("hip").tolist() == [[4, 4, 5, 5], [0, 0, 1, 1]]
    assert found.of("ankle").shape == (0, 4)


def test_lengths_need_a_spacing() -> None:
    assert Grid((9, 9), (0.5, 2.0)).in_mm(np.array([2.0, 3.0])).tolist() == [1.0, 6.0]
    with pytest.raises(DataError, match="without pixel spacing"):
        Grid((9, 9)).in_mm(np.zeros(2))


def test_readings_hold_numbers_only() -> None:
    readings = Readings({"HKA.R": 178}, {"R.hip": (1, 2)})
    assert readings.values["HKA.R"] == 178.0 and readings.landmarks["R.hip"] == (1.0, 2.0)
    with pytest.raises((TypeError, ValueError)):
        Readings({"HKA.R": "varus"})  # type: ignore[dict-item]

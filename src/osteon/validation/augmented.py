"""A case shown several times, changed a little each time, and what the answers then say: by the type of the answer, whatever the model.

Wang G et al. Neurocomputing 2019; 338: 34 (test-time augmentation). Geometry is undone in the answer: boxes, outlines and landmarks are brought back to their
place, readings are taken again from the landmarks, or follow the turn of the film where that is declared. A film is never mirrored: its side is marked on it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from osteon.cohort import Cohort
from osteon.models import Model
from osteon.targets import Measures, Target
from osteon.validation.explanation import networks
from osteon.value import Grade, Label, Mask, Objects, Picture, Readings, Risk, Value, Withheld

VIEWS = 6
TURN, SCALE, SHIFT, GAMMA = 4.0, 0.04, 0.03, 0.12  # degrees, shares
TURN_FREE = frozenset({"deg", "%"})  # units that the scale of a film does not change


@dataclass(frozen=True)
class Change:
    """One view of a film: turned clockwise by `degrees`, scaled, shifted by shares of its rows and columns, exposed with another gamma."""

    degrees: float = 0.0
    scale: float = 1.0
    shift: tuple[float, float] = field(default=(0.0, 0.0), kw_only=True)
    gamma: float = field(default=1.0, kw_only=True)

    @property
    def matrix(self) -> np.ndarray:
        """What the change does to (row, col) about the middle."""
        cos, sin = math.cos(math.radians(self.degrees)), math.sin(math.radians(self.degrees))
        return self.scale * np.array([[cos, sin], [-sin, cos]])

    def back(self, points: np.ndarray, shape: Sequence[int]) -> np.ndarray:
        """Points (n, 2) of the changed film at their place on the film as it was; both have `shape`."""
        middle = (np.array(shape[:2], float) - 1) / 2
        return (np.asarray(points, float) - middle - np.array(self.shift) * shape[:2]) @ np.linalg.inv(self.matrix).T + middle


def changes(target: Target, model: Model, *, count: int = VIEWS, seed: int = 0) -> tuple[Change, ...]:
    """Views that an answer of this target can be brought back from: turned and scaled only where its readings allow it."""
    turn, stretch = _free(target, model)
    rng = np.random.default_rng(seed)
    draws = rng.uniform(-1, 1, (count, 5))
    return tuple(Change(TURN * turn * d[0], math.exp(SCALE * stretch * d[1]), shift=(SHIFT * d[2], SHIFT * d[3]), gamma=math.exp(GAMMA * d[4])) for d in draws.tolist())


def _free(target: Target, model: Model) -> tuple[bool, bool]:
    if not isinstance(target, Measures) or target.read is not None:
        return True, True
    follows = follows_of(model)
    return set(target.keys) <= set(follows), all(unit in TURN_FREE for unit in target.units.values())


def follows_of(model: Model) -> Mapping[str, float]:
    """By how many degrees each reading grows when the film is turned 1 degree clockwise, as the networks of a model declare it."""
    return {name: float(degrees) for net, _ in networks(model) for name, degrees in dict(net.settings.get("follows", {})).items()}


def changed(picture: Picture, change: Change) -> Picture:
    """The film as it is seen in a view; what lies beyond its edge is repeated from it. Volumes are exposed anew only."""
    from scipy.ndimage import affine_transform

    array, flat = np.asarray(picture.array), len(picture.grid.shape) == 2
    low, high = float(array.min()), float(array.max())
    if flat:
        inverse, middle = np.linalg.inv(change.matrix), (np.array(array.shape[:2]) - 1) / 2
        offset = middle - inverse @ (middle + np.array(change.shift) * array.shape[:2])
        layers = [array] if array.ndim == 2 else list(np.moveaxis(array, -1, 0))
        moved = [affine_transform(layer.astype(np.float32), inverse, offset, order=1, mode="nearest") for layer in layers]
        array = moved[0] if array.ndim == 2 else np.stack(moved, axis=-1)
    share = np.clip((array - low) / max(high - low, 1e-9), 0, 1) ** change.gamma
    return replace(picture, array=(low + share * (high - low)).astype(picture.array.dtype))


def undone(value: Value, change: Change, target: Target, follows: Mapping[str, float], *, turned: bool = True) -> Value:
    """The answer for a view as an answer for the film as it was; `turned=False` for a view that was only exposed anew."""
    undo = UNDO.get(type(value))
    return undo(value, change, target, follows) if undo is not None and turned else value


def _boxes(value: Objects, change: Change, target: Target, follows: Mapping[str, float]) -> Objects:
    if value.grid is None or value.boxes.shape[1] != 4:
        return value
    middle, half = (value.boxes[:, :2] + value.boxes[:, 2:]) / 2, (value.boxes[:, 2:] - value.boxes[:, :2]) / 2
    middle, half = change.back(middle, value.grid.shape), np.sqrt(half**2 @ (np.linalg.inv(change.matrix) ** 2).T)
    return replace(value, boxes=np.hstack([middle - half, middle + half]), masks=None)


def _outlines(value: Mask, change: Change, target: Target, follows: Mapping[str, float]) -> Mask:
    from scipy.ndimage import affine_transform

    if len(value.grid.shape) != 2:
        return value
    middle = (np.array(value.grid.shape) - 1) / 2
    offset = middle + np.array(change.shift) * value.grid.shape - change.matrix @ middle
    layers = [affine_transform(layer.astype(np.float32), change.matrix, offset, order=1) > 0.5 for layer in value.array]
    return replace(value, array=np.stack(layers), known=None)


def _readings(value: Readings, change: Change, target: Target, follows: Mapping[str, float]) -> Readings:
    read = target.read if isinstance(target, Measures) else None
    if value.landmarks and value.grid is not None and read is not None:
        points = change.back(np.array([point[:2] for point in value.landmarks.values()]), value.grid.shape)
        marks: Any = dict(zip(value.landmarks, map(tuple, points.tolist()), strict=True))
        values, reasons = read(marks, value.grid.spacing)
        return Readings(values, marks, value.grid, reasons)
    return replace(value, values={name: v - change.degrees * follows.get(name, 0.0) for name, v in value.values.items()})


UNDO: Mapping[type, Callable[[Any, Change, Target, Mapping[str, float]], Value]] = MappingProxyType({Objects: _boxes, Mask: _outlines, Readings: _readings})


def views(model: Model, cohort: Cohort, *, picture: str, asked: tuple[str, Target], count: int = VIEWS, seed: int = 0) -> Iterator[list[Value]]:
    """Of each case the answers to one target (its name, itself): for each of `count` views, brought back."""
    made, follows = changes(asked[1], model, count=count, seed=seed), follows_of(model)
    given = [model.predict(cohort.map(lambda c, how=how: c.with_inputs(**{picture: changed(c.inputs[picture], how)}) if isinstance(c.inputs.get(picture), Picture) else c)) for how in made]  # type: ignore[misc]
    for answers in zip(*given, strict=True):
        yield [undone(a[asked[0]], how, asked[1], follows) for a, how in zip(answers, made, strict=True)]


def spread(target: Target, values: Sequence[Value], finding: str) -> float:
    """How far several answers for one case lie apart: SD of a probability, grade or reading; of outlines and boxes 1 less the mean overlap of two. nan where fewer than two are given."""
    known = [v for v in values if not isinstance(v, Withheld)]
    measure = SPREADS.get(type(known[0])) if len(known) > 1 else None
    return float(measure(target, known, finding)) if measure is not None else math.nan


def _of_scores(target: Target, values: Sequence[Any], finding: str) -> float:
    return float(np.std([target.score(v, finding) for v in values]))


def _of_readings(target: Target, values: Sequence[Readings], finding: str) -> float:
    keys = [k for k in values[0].values if k.split(".")[0] == finding]
    found = [np.std(known) for k in keys if len(known := [v.values[k] for v in values if v.values.get(k, math.nan) == v.values.get(k, math.nan)]) > 1]
    return float(np.mean(found)) if found else math.nan


def _of_outlines(target: Target, values: Sequence[Mask], finding: str) -> float:
    layers = [v.of(finding) for v in values if finding in v.names]
    sizes = [int(layer.sum()) for layer in layers]
    dice = [2 * int((layers[i] & layers[j]).sum()) / max(sizes[i] + sizes[j], 1) if sizes[i] + sizes[j] else 1.0 for i in range(len(layers)) for j in range(i)]
    return 1 - float(np.mean(dice)) if dice else math.nan


def _of_boxes(target: Target, values: Sequence[Objects], finding: str) -> float:
    """Of the surest box of the label; one that is found only once overlaps with nothing."""
    from osteon.stats.detection import box_iou

    best = [v.of(finding)[:1] for v in values]
    overlap = [float(box_iou(a, b)[0, 0]) if len(a) and len(b) else float(len(a) == len(b)) for i, a in enumerate(best) for b in best[:i]]
    return 1 - float(np.mean(overlap)) if overlap else math.nan


def _of_risks(target: Target, values: Sequence[Risk], finding: str) -> float:
    return float(np.std([np.nanmean(v.survival) for v in values]))


SPREADS: Mapping[type, Callable[[Target, Sequence[Any], str], float]] = MappingProxyType({
    Label: _of_scores, Grade: _of_scores, Readings: _of_readings, Mask: _of_outlines, Objects: _of_boxes, Risk: _of_risks})

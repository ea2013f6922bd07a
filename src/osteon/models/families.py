"""What a network learns and answers for each family of targets: truth to arrays, loss, and outputs back to a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol, Self

import numpy as np
import torch
from torch import Tensor, nn

from osteon import targets
from osteon.errors import StudyError, message
from osteon.models.augment import Motion, Recipe
from osteon.models.events import EventsFamily
from osteon.models.grades import GradesFamily
from osteon.models.landmarks import LandmarksFamily
from osteon.models.reconstruction import PicturesFamily
from osteon.models.shapes import shapes_from
from osteon.models.views import Seen, mask_pieces
from osteon.models.windows import Window, pasted
from osteon.networks import heads
from osteon.targets import Target
from osteon.targets.masks import on_grid
from osteon.value import Grid, Label, Mask, Objects, Readings, Value

LEAST_SCORE = 0.05  # boxes below it are noise
TURN_FREE = frozenset({"deg", "%"})  # units that neither a turn of the film nor its scale can change by itself


class Family(Protocol):
    """How one family of targets is learnt. `numbers` of a window are float32 rows; mask planes are stored beside the image.

    `rate` is the peak learning rate; `recipe` how batches are augmented.
    """

    @property
    def outputs(self) -> int: ...
    @property
    def planes(self) -> int: ...
    @property
    def rate(self) -> float: ...
    def recipe(self, crops: bool) -> Recipe: ...
    def numbers(self, truth: Value, seen: Seen) -> list[np.ndarray] | None: ...
    def loss(self, network: nn.Module, images: Tensor, masks: Tensor, numbers: Tensor) -> Tensor: ...
    def outputs_of(self, network: nn.Module, images: Tensor) -> list[Any]: ...
    def answer(self, outputs: Sequence[Any], seen: Seen) -> Value: ...


def family_of(target: Target, *, follows: Mapping[str, float] | None = None, learnt: Mapping[str, Any] | None = None, sided: bool = False) -> Family:
    """The family of a target, by its type; raises StudyError where a network can not answer it yet. `sided`: each window is of one of the parts that readings are given for."""
    if isinstance(target, targets.Objects):
        return ObjectsFamily(target.names, target.most, planes=len(target.names) if target.masks else 0)
    if isinstance(target, targets.Masks):
        return MasksFamily(target.names)
    if isinstance(target, targets.Classes):
        return ClassesFamily(target.names)
    if isinstance(target, targets.Grades):
        return GradesFamily(target.names)
    if isinstance(target, targets.Pictures):
        return PicturesFamily()
    if isinstance(target, targets.Events):
        baseline: dict[str, Any] = {k: tuple(v) for k, v in (learnt or {}).items()}
        return EventsFamily(target.name, target.horizon, **baseline)
    if isinstance(target, targets.Measures) and target.landmarks:
        return LandmarksFamily(target, shapes=shapes_from(learnt) if learnt else None)
    if isinstance(target, targets.Measures):
        still = all(unit in TURN_FREE for unit in target.units.values())
        parts = target.per if sided and not target.once else ()
        family = MeasuresFamily(tuple(target.units) if parts else target.keys, dict(follows or {}), scalable=still, parts=parts)
        kept: dict[str, Any] = {k: tuple(v) for k, v in (learnt or {}).items()}
        return replace(family, **kept)
    raise StudyError(message("Net", f"a network does not answer {type(target).__name__}", expected="Objects, Masks, Classes, Grades, Measures or Events"))


def moved(family: Family, numbers: Tensor, how: Motion) -> Tensor:
    """The numbers after the pictures were moved: boxes, points and readings follow, a class stays."""
    return family.moved(numbers, how) if isinstance(family, (ObjectsFamily, LandmarksFamily, MeasuresFamily, FusedFamily)) else numbers


def studied(family: Family, numbers: np.ndarray) -> Family:
    """The family with what it takes from the truths of the train part, beside the weights."""
    return family.studied(numbers) if isinstance(family, (MeasuresFamily, LandmarksFamily, EventsFamily, FusedFamily)) else family


def dealt(family: Family, numbers: Tensor, generator: torch.Generator) -> Tensor:
    """Row numbers of a part in random order, as the steps of an epoch take them."""
    own = inner(family)
    return own.dealt(numbers, generator) if isinstance(own, EventsFamily) else torch.randperm(len(numbers), generator=generator)


def weight(family: Family, numbers: Tensor) -> float:
    """What the mean loss over some rows counts in the loss of a part: one a row, of times to an event one an event."""
    return float((numbers[:, 1] > 0).sum() if isinstance(inner(family), EventsFamily) else len(numbers))


def settled(family: Family, outputs: Sequence[Any], numbers: np.ndarray) -> Family:
    """The family with what it takes from the answers of the trained network on the train part."""
    own = inner(family)
    found = own.settled(outputs, numbers) if isinstance(own, EventsFamily) else own
    return replace(family, inner=found) if isinstance(family, FusedFamily) else found


def inner(family: Family) -> Family:
    """The family of the target, without what stands beside the pictures."""
    return family.inner if isinstance(family, FusedFamily) else family


def learnt(family: Family) -> dict[str, Any]:
    """What `studied` and `settled` found, as plain data."""
    own = inner(family)
    if isinstance(own, LandmarksFamily):
        return own.shapes.plain() if own.shapes is not None else {}
    if isinstance(own, EventsFamily):
        return {"times": own.times, "hazard": own.hazard}
    return {"mean": own.mean, "sd": own.sd} if isinstance(own, MeasuresFamily) else {}


@dataclass(frozen=True)
class FusedFamily:
    """A family that answers one vector a case, with `told` numbers beside the pictures: they follow the truth in the numbers of a row and enter the network with its images."""

    inner: Family
    told: int

    @property
    def outputs(self) -> int:
        """Those of the family itself."""
        return self.inner.outputs

    @property
    def planes(self) -> int:
        """None: outlines are not answered from a record."""
        return 0

    @property
    def rate(self) -> float:
        """That of the family itself."""
        return self.inner.rate

    def recipe(self, crops: bool) -> Recipe:
        """That of the family itself."""
        return self.inner.recipe(crops)

    def numbers(self, truth: Value, seen: Seen) -> list[np.ndarray] | None:
        """The truth, then what stands beside the pictures."""
        rows = self.inner.numbers(truth, seen)
        return None if rows is None else [np.concatenate([row, seen.told]).astype(np.float32) for row in rows]

    def moved(self, numbers: Tensor, how: Motion) -> Tensor:
        """The truth follows the pictures, the record stays."""
        return torch.cat((moved(self.inner, numbers[:, :-self.told], how), numbers[:, -self.told:]), dim=1)

    def studied(self, numbers: np.ndarray) -> Self:
        """With what the family takes from the truths."""
        return replace(self, inner=studied(self.inner, numbers[:, :-self.told]))

    def loss(self, network: nn.Module, images: Tensor, masks: Tensor, numbers: Tensor) -> Tensor:
        """The loss of the family on what the network makes of both."""
        return self.inner.loss(self.beside(network, numbers), images, masks, numbers[:, :-self.told])

    def beside(self, network: nn.Module, numbers: Tensor) -> nn.Module:
        """The network as a function of the images alone, given the rows whose last numbers stand beside them."""
        return partial(network, told=numbers[:, -self.told:])  # type: ignore[return-value]

    def outputs_of(self, network: nn.Module, images: Tensor) -> list[Any]:
        """What the family makes of the network's outputs."""
        return self.inner.outputs_of(network, images)

    def answer(self, outputs: Sequence[Any], seen: Seen) -> Value:
        """The answer of the family."""
        return self.inner.answer(outputs, seen)


@dataclass(frozen=True)
class ObjectsFamily:
    """Boxes; the numbers of an image are (boxes, 5): label, row0, col0, row1, col1 as edges of the stored frame (label -1: no box).

    Outlines, where they are taught, lie in a plane a label, of which an object has what lies in its box: two of one label whose boxes overlap share what lies in both.
    """

    names: tuple[str, ...]
    most: int | None
    planes: int = field(default=0, kw_only=True)
    rate: float = field(default=4e-3, kw_only=True)

    @property
    def outputs(self) -> int:
        """One a label."""
        return len(self.names)

    def recipe(self, crops: bool) -> Recipe:
        """Never mirrored: left and right are marked on the film."""
        return Recipe(4.0, 0.12, shift=0.06)

    def numbers(self, truth: Value, seen: Seen) -> list[np.ndarray] | None:
        """The boxes of the truth in the frame of each window."""
        assert isinstance(truth, Objects)
        labels = np.array([self.names.index(n) for n in truth.labels], float)
        return [np.column_stack([labels, w.into(truth.boxes)]).reshape(-1, 5) for w in seen.windows]

    def masks(self, truth: Value, seen: Seen, shape: tuple[int, int]) -> np.ndarray:
        """Coverage (windows, labels, rows, cols) of 0 to 255 by the objects of each label."""
        assert isinstance(truth, Objects) and truth.grid is not None
        drawn = np.zeros((0, *truth.grid.shape), bool) if truth.masks is None else truth.masks
        layers = np.stack([drawn[truth.ranked(name)].any(axis=0) for name in self.names])
        return mask_pieces(Mask(layers, self.names, truth.grid), self.names, seen, shape=shape)

    def moved(self, numbers: Tensor, how: Motion) -> Tensor:
        """Boxes moved and cut at the frame; one that is cut to less than a third of itself is dropped."""
        boxes = how.boxes(numbers[..., 1:])
        limits = boxes.new_tensor([*how.frame, *how.frame])
        inside = torch.minimum(boxes.clamp(min=0), limits)
        area, left = (torch.prod((b[..., 2:] - b[..., :2]).clamp(min=0), dim=-1) for b in (boxes, inside))
        label = torch.where(left > area / 3, numbers[..., 0], -1.0)
        return torch.cat((label[..., None], inside), dim=-1)

    def loss(self, network: nn.Module, images: Tensor, masks: Tensor, numbers: Tensor) -> Tensor:
        """The sum of the losses that the detector itself defines."""
        objects = [(row[row[:, 0] >= 0, 1:], row[row[:, 0] >= 0, 0].long()) for row in numbers]
        outlines = {"masks": [own_pixels(planes, *found) for planes, found in zip(masks, objects, strict=True)]} if self.planes else {}
        return torch.stack(list(network.losses({"image": images, "objects": objects} | outlines).values())).sum()  # type: ignore[operator]

    def outputs_of(self, network: nn.Module, images: Tensor) -> list[Any]:
        """Boxes (n, 4), scores and labels an image, best first; of a network that draws them also chances (n, rows, cols) of each pixel."""
        found = network.decode(network(images), tuple(images.shape[-2:]), score=LEAST_SCORE)  # type: ignore[operator]
        return [tuple(part.cpu().numpy() for part in image) for image in found]

    def answer(self, outputs: Sequence[Any], seen: Seen) -> Value:
        """Boxes on the film, and outlines where they are asked for and were drawn, at most `most` of a label."""
        (boxes, scores, labels, *drawn), (window,) = outputs[0], seen.windows
        rank = [int((labels[:i] == label).sum()) for i, label in enumerate(labels)]
        keep = np.array([self.most is None or r < self.most for r in rank], bool)
        limit = np.tile(np.array(seen.grid.shape, float), 2) - 0.5
        placed = np.clip(window.back(boxes[keep].reshape(-1, 4)), -0.5, limit)
        outlines = placed_masks(drawn[0][keep], window, seen.grid) if drawn and self.planes else None
        return Objects(placed, tuple(self.names[int(i)] for i in labels[keep]), scores[keep], seen.grid, outlines)


def own_pixels(planes: Tensor, boxes: Tensor, labels: Tensor) -> Tensor:
    """What each object has of the plane of its label: planes (labels, rows, cols), boxes (n, 4) and labels (n,) to (n, rows, cols)."""
    rows, cols = (torch.arange(side, device=planes.device) + 0.5 for side in planes.shape[-2:])
    (top, left, bottom, right) = (boxes[:, k, None] for k in range(4))
    inside = ((rows >= top) & (rows <= bottom))[:, :, None] & ((cols >= left) & (cols <= right))[:, None]
    return planes[labels] * inside


def placed_masks(chances: np.ndarray, window: Window, grid: Grid) -> np.ndarray:
    """Chances (n, rows, cols) of a window as outlines (n, *grid.shape): more than a half, resampled before the threshold."""
    if not len(chances):
        return np.zeros((0, *grid.shape), bool)
    answer = pasted([chances - 0.5], [window], tuple(map(str, range(len(chances)))), grid=grid)
    return on_grid(answer, Mask(np.zeros((0, *grid.shape), bool), (), grid)).array


@dataclass(frozen=True)
class MasksFamily:
    """Structures that may overlap; the truth is how much of each pixel a structure covers, stored as planes beside the image."""

    names: tuple[str, ...]
    rate: float = field(default=3e-3, kw_only=True)

    @property
    def outputs(self) -> int:
        """One a structure."""
        return len(self.names)

    @property
    def planes(self) -> int:
        """One a structure."""
        return len(self.names)

    def recipe(self, crops: bool) -> Recipe:
        """A crop holds no marker of its own and may be mirrored; its place and size vary as a detector's do."""
        return Recipe(12.0, 0.15, shift=0.08, mirror=True) if crops else Recipe(5.0, 0.12, shift=0.06)

    def numbers(self, truth: Value, seen: Seen) -> list[np.ndarray] | None:
        """Which structures the truth has (0 and 1); the truth itself lies in the planes."""
        assert isinstance(truth, Mask)
        return [np.array([name in truth.names for name in self.names], np.float32)] * len(seen.windows)

    def masks(self, truth: Value, seen: Seen, shape: tuple[int, int]) -> np.ndarray:
        """Coverage (windows, structures, rows, cols) of 0 to 255; 0 of a structure that the truth lacks."""
        assert isinstance(truth, Mask)
        there = mask_pieces(truth, truth.names, seen, shape=shape)
        place = {name: k for k, name in enumerate(truth.names)}
        return np.stack([there[:, place[name]] if name in place else np.zeros_like(there[:, 0]) for name in self.names], axis=1)

    def loss(self, network: nn.Module, images: Tensor, masks: Tensor, numbers: Tensor) -> Tensor:
        """The loss of the network itself, or that of the family's head."""
        known = numbers.bool()
        if hasattr(network, "losses"):
            if not bool(known.all()):
                raise StudyError(message("Net", "a network with losses of its own can not learn from truths that lack a structure", expected="every structure, or a network such as unet"))
            return torch.stack(list(network.losses({"image": images, "masks": masks}).values())).sum()  # type: ignore[operator]
        return heads.loss("masks", network(images), masks, known)

    def outputs_of(self, network: nn.Module, images: Tensor) -> list[Any]:
        """Logits (structures, rows, cols) an image."""
        return list(network(images).float().cpu().numpy())

    def answer(self, outputs: Sequence[Any], seen: Seen) -> Value:
        """The union of the windows on the film."""
        return pasted(outputs, seen.windows, self.names, grid=seen.grid)


@dataclass(frozen=True)
class ClassesFamily:
    """Exclusive classes; the number of an image is the position of its class."""

    names: tuple[str, ...]
    planes: int = field(default=0, kw_only=True)
    rate: float = field(default=2e-3, kw_only=True)

    @property
    def outputs(self) -> int:
        """One a class."""
        return len(self.names)

    def recipe(self, crops: bool) -> Recipe:
        """Small turns; never mirrored, for a class may be a side."""
        return Recipe(7.0, 0.1, shift=0.05)

    def numbers(self, truth: Value, seen: Seen) -> list[np.ndarray] | None:
        """The class for every window; None where the reference standard is open."""
        assert isinstance(truth, Label)
        if truth.name not in self.names:
            return None
        return [np.array([self.names.index(truth.name)], np.float32)] * len(seen.windows)

    def loss(self, network: nn.Module, images: Tensor, masks: Tensor, numbers: Tensor) -> Tensor:
        """Cross entropy."""
        return heads.loss("classes", network(images), numbers[:, 0].long(), torch.ones(len(numbers), device=numbers.device))

    def outputs_of(self, network: nn.Module, images: Tensor) -> list[Any]:
        """Probabilities (classes,) an image."""
        return list(heads.decode("classes", network(images)).double().cpu().numpy())

    def answer(self, outputs: Sequence[Any], seen: Seen) -> Value:
        """The class with the highest mean probability over the windows."""
        mean = np.mean(outputs, axis=0)
        mean = mean / mean.sum()
        return Label(self.names[int(mean.argmax())], dict(zip(self.names, mean.tolist(), strict=True)))


@dataclass(frozen=True)
class MeasuresFamily:
    """Readings, standardised by the train part; `follows` says how many degrees a reading grows when the film is turned 1 degree clockwise.

    The film is turned only where every reading is declared (0 for one that no turn changes), and scaled only where no unit is a length. With `parts` (the sides
    of strides) a window teaches and answers the readings of its own part.
    """

    names: tuple[str, ...]
    follows: Mapping[str, float] = field(hash=False)
    scalable: bool = field(default=False, kw_only=True)
    mean: tuple[float, ...] = field(default=(), kw_only=True)
    sd: tuple[float, ...] = field(default=(), kw_only=True)
    planes: int = field(default=0, kw_only=True)
    rate: float = field(default=2e-3, kw_only=True)
    parts: tuple[str, ...] = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        strangers = sorted(set(self.follows) - set(self.names))
        if strangers:
            raise StudyError(message("Net", f"{strangers[0]!r} follows the rotation but is no reading", expected=", ".join(self.names)))

    @property
    def outputs(self) -> int:
        """One a reading."""
        return len(self.names)

    def recipe(self, crops: bool) -> Recipe:
        """Turned and scaled only where the readings allow it."""
        return Recipe(6.0 if set(self.follows) == set(self.names) else 0.0, 0.1 if self.scalable else 0.0, shift=0.05)

    def numbers(self, truth: Value, seen: Seen) -> list[np.ndarray] | None:
        """The readings for every window, NaN where one is absent; None where all are."""
        assert isinstance(truth, Readings)
        ends = [f".{w.side}" for w in seen.windows] if self.parts else [""] * len(seen.windows)  # type: ignore[attr-defined]
        rows = [np.array([truth.values.get(n + end, np.nan) for n in self.names], np.float32) for end in ends]
        return None if np.isnan(rows).all() else rows

    def studied(self, numbers: np.ndarray) -> Self:
        """With mean and standard deviation of each reading; 0 and 1 for one that nobody gave."""
        known = np.where(np.isnan(numbers).all(axis=0), 0.0, numbers)
        mean, sd = np.nanmean(known, axis=0, dtype=float), np.nanstd(known, axis=0, dtype=float)
        return replace(self, mean=tuple(mean.tolist()), sd=tuple(np.where(sd > 1e-6, sd, 1.0).tolist()))

    def moved(self, numbers: Tensor, how: Motion) -> Tensor:
        """Readings that follow the turn of the film."""
        return numbers + how.degrees[:, None] * numbers.new_tensor([self.follows.get(n, 0.0) for n in self.names])

    def loss(self, network: nn.Module, images: Tensor, masks: Tensor, numbers: Tensor) -> Tensor:
        """Smooth L1 of the readings that are there."""
        present = ~numbers.isnan()
        return heads.loss("measures", network(images), (numbers - numbers.new_tensor(self.mean)) / numbers.new_tensor(self.sd), present)

    def outputs_of(self, network: nn.Module, images: Tensor) -> list[Any]:
        """Readings (n,) an image, in their units."""
        return list(heads.decode("measures", network(images)).double().cpu().numpy() * np.array(self.sd) + np.array(self.mean))

    def answer(self, outputs: Sequence[Any], seen: Seen) -> Value:
        """The mean over the windows, or over those of each part; a part without a window has no reading."""
        if not self.parts:
            return Readings(dict(zip(self.names, np.mean(outputs, axis=0).tolist(), strict=True)), grid=seen.grid)
        held = np.array([w.side for w in seen.windows])  # type: ignore[attr-defined]
        means = {part: np.array(outputs)[held == part].mean(axis=0) if (held == part).any() else np.full(len(self.names), np.nan) for part in self.parts}
        values = {f"{name}.{part}": float(means[part][k]) for k, name in enumerate(self.names) for part in self.parts}
        return Readings(values, reasons={key: "no window of this part" for key, value in values.items() if np.isnan(value)})

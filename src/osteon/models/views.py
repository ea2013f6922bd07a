"""What a network sees of a case: the whole film in one frame, or a crop around each box of an earlier step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from osteon.case import Case
from osteon.errors import DataError, StudyError, message
from osteon.models.columns import Coding
from osteon.models.protocol import missing_input
from osteon.models.windows import Window, around, cut, whole
from osteon.value import Grid, Mask, Objects, Picture, Value, Withheld

COARSEST = 32  # networks halve a side five times


class Sight(Protocol):
    """What a network sees of a case, whatever kind its input is: names of the inputs, planes and sides of a stored piece (`dtype`), how many numbers stand beside it (`told`), sides that enter, how many windows a case will have (`count`), and `see`.

    What `see` gives has `windows`, `grid` and `pieces(shape)` as `Seen` has them.
    """

    @property
    def reads(self) -> tuple[str, ...]: ...
    @property
    def boxes(self) -> str | None: ...
    @property
    def channels(self) -> int: ...
    @property
    def shape(self) -> tuple[int, int]: ...
    @property
    def stored(self) -> tuple[int, int]: ...
    @property
    def dtype(self) -> str: ...
    @property
    def told(self) -> int: ...
    def count(self, inputs: Mapping[str, Any]) -> int: ...
    def see(self, inputs: Mapping[str, Any]) -> Any: ...


@dataclass(frozen=True)
class View:
    """The picture and, where crops are seen, the boxes by name; channels, and rows and columns that enter the network.

    `margin` enlarges a box on all sides together; `reach` is how many crops wide the stored surroundings are, so that a crop
    can be shifted and turned in training. `others` are further pictures, whose channels follow, and `coding` says how records become
    numbers: with one of them the view is of whatever is there, and `channels` counts those of all pictures.
    """

    picture: str
    boxes: str | None
    channels: int = field(kw_only=True)
    shape: tuple[int, int] = field(kw_only=True)
    margin: float = field(default=0.25, kw_only=True)
    reach: float = field(default=1.3, kw_only=True)
    others: tuple[str, ...] = field(default=(), kw_only=True)
    coding: Coding | None = field(default=None, kw_only=True)

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the inputs."""
        return (*self.pictures, *(() if self.boxes is None else (self.boxes,)), *(self.coding.records if self.coding else ()))

    @property
    def pictures(self) -> tuple[str, ...]:
        """Names of the pictures."""
        return (self.picture, *self.others)

    @property
    def told(self) -> int:
        """How many numbers stand beside the pictures of a case: a mark for each picture and the records, and their columns; 0 for a picture alone."""
        return len(self.pictures) + 1 + (self.coding.width if self.coding else 0) if self.others or self.coding else 0

    def there(self, inputs: Mapping[str, Any]) -> list[bool]:
        """Which pictures a case has, and whether it has a record; nothing is loaded but the record."""
        return [*(name in inputs for name in self.pictures), self.coding is not None and self.coding.there(inputs)]

    @property
    def dtype(self) -> str:
        """Of a stored piece."""
        return "uint8"

    @property
    def stored(self) -> tuple[int, int]:
        """Rows and columns of a stored piece; the excess is even, so that its middle lies on whole pixels."""
        if self.boxes is None:
            return self.shape
        rows, cols = (side + 2 * round(side * (self.reach - 1) / 2) for side in self.shape)
        return rows, cols

    def count(self, inputs: Mapping[str, Any]) -> int:
        """How many windows a case will have, without reading its film."""
        return boxes_seen(self, inputs)

    def see(self, inputs: Mapping[str, Any]) -> Seen | Withheld:
        """The film with its windows, as the function of this name gives it."""
        return see(self, inputs)

    def windows(self, inputs: Mapping[str, Any], film: tuple[int, int]) -> list[Window] | Withheld:
        """The windows on a film of so many pixels, or why there is none."""
        if self.boxes is None:
            return [whole(film, self.shape)]
        found = inputs[self.boxes]
        if isinstance(found, Withheld):
            return found
        boxes = placed(found, film)
        return [around(box, margin=self.margin, shape=self.shape) for box in boxes] or Withheld(f"no box in {self.boxes}")


@dataclass(frozen=True, eq=False)
class Seen:
    """A film as (channels, rows, cols) of uint8, its grid, the windows on it, and the numbers that stand beside it."""

    film: np.ndarray
    grid: Grid
    windows: list[Window]
    told: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32), kw_only=True)

    def pieces(self, shape: tuple[int, int]) -> np.ndarray:
        """The windows, widened to `shape`, as (windows, channels, rows, cols) of uint8."""
        return np.stack([np.stack([cut(layer, w.reshaped(shape)) for layer in self.film]) for w in self.windows])


def see(view: View, inputs: Mapping[str, Any]) -> Seen | Withheld:
    """Read a case's film once and place the windows; withheld where an input is absent, unreadable or holds no box."""
    if view.told:
        return _together(view, inputs)
    reason = missing_input(inputs, view.reads)
    if reason:
        return Withheld(reason)
    try:
        picture = inputs[view.picture]
        if isinstance(picture, Withheld):
            return picture
        film = layers(eight_bit(picture), view.channels)
        windows = view.windows(inputs, (film.shape[1], film.shape[2]))
    except DataError as fault:
        return Withheld(str(fault))
    return windows if isinstance(windows, Withheld) else Seen(film, picture.grid, windows)


def _together(view: View, inputs: Mapping[str, Any]) -> Seen | Withheld:
    """Every picture that is there, black where one is not, with the numbers of the records; withheld where nothing is there or a picture can not be read."""
    channels = view.channels // len(view.pictures)
    try:
        given = [inputs.get(name) for name in view.pictures]
        films = [None if found is None or isinstance(found, Withheld) else layers(eight_bit(found), channels) for found in given]
    except DataError as fault:
        return Withheld(str(fault))
    there = [*(film is not None for film in films), view.there(inputs)[-1]]
    if not any(there):
        return Withheld(f"neither {' nor '.join(view.reads)}")
    told = np.concatenate([np.array(there, np.float32), view.coding.code(inputs) if view.coding else np.zeros(0, np.float32)])
    if len(films) == 1 and films[0] is not None and isinstance(given[0], Picture):
        return Seen(films[0], given[0].grid, [whole(films[0].shape[1:], view.shape)], told=told)
    black = np.zeros((channels, *view.shape), np.uint8)
    framed = [black if film is None else np.stack([cut(layer, whole(layer.shape, view.shape)) for layer in film]) for film in films]
    return Seen(np.concatenate(framed), Grid(view.shape), [whole(view.shape, view.shape)], told=told)


def taught(case: Case, view: Sight, family: Any, target: str) -> tuple[Any, Value, list[np.ndarray]] | str | None:
    """What is seen of a case, its truth and the numbers of its windows; None where its reference standard is open, or why it can not be used."""
    seen = view.see(case.inputs)
    if isinstance(seen, Withheld):
        return seen.reason
    try:
        truth = case.truth[target]
    except DataError as fault:
        return str(fault)
    numbers = None if isinstance(truth, Withheld) else family.numbers(truth, seen)
    return None if numbers is None else (seen, truth, numbers)


def boxes_seen(view: View, inputs: Mapping[str, Any]) -> int:
    """How many windows a case will have, without reading its film."""
    if view.told:
        return int(any(view.there(inputs)))
    if view.picture not in inputs:
        return 0
    if view.boxes is None:
        return 1
    found = inputs[view.boxes] if view.boxes in inputs else Withheld("")
    return len(found.labels) if isinstance(found, Objects) else 0


def placed(objects: Any, film: tuple[int, int]) -> np.ndarray:
    """Boxes (n, 4) in pixel centres of a film of so many pixels, whatever grid they were found on."""
    if not isinstance(objects, Objects):
        raise StudyError(message("Net", "the second input holds no boxes", expected="Objects", found=f"Found {type(objects).__name__}"))
    return placed_points(objects.boxes.reshape(-1, 2), objects.grid, film).reshape(objects.boxes.shape) if len(objects.labels) else objects.boxes


def placed_points(points: np.ndarray, grid: Grid | None, film: Sequence[int]) -> np.ndarray:
    """Points (n, 2) in pixel centres of a film of so many pixels, whatever grid they were given on."""
    if grid is None or tuple(grid.shape) == tuple(film):
        return points
    return (points + 0.5) * (np.array(film) / np.array(grid.shape)) - 0.5


def eight_bit(picture: Picture) -> np.ndarray:
    """A picture as uint8 between its 0.5th and 99.5th percentile, so that exposure and a metal part do not set the scale."""
    if not isinstance(picture, Picture) or len(picture.grid.shape) != 2:
        found = f"{picture.grid.shape}" if isinstance(picture, Picture) else type(picture).__name__
        raise DataError(message("Net", "this input is no flat picture", expected="(rows, cols) or (rows, cols, 3)", found=f"Found {found}"))
    array = picture.array
    step = max(1, min(array.shape[:2]) // 256)
    sample = array[::step, ::step]
    low, high = np.nanpercentile(sample, (0.5, 99.5)) if sample.size else (0.0, 0.0)
    scaled = array.astype(np.float32)
    scaled -= low
    scaled *= 255.0 / max(float(high - low), 1e-6)
    np.nan_to_num(scaled, copy=False)
    return np.clip(scaled, 0, 255, out=scaled).astype(np.uint8)


def layers(array: np.ndarray, channels: int) -> np.ndarray:
    """(rows, cols[, 3]) as (channels, rows, cols): grey repeated for a colour network, colour averaged for a grey one."""
    if array.ndim == 2:
        return np.broadcast_to(array, (channels, *array.shape))
    return np.moveaxis(array, -1, 0) if channels == 3 else array.mean(axis=-1, keepdims=True).astype(np.uint8).transpose(2, 0, 1)


def mask_pieces(mask: Mask, names: tuple[str, ...], seen: Seen, *, shape: tuple[int, int]) -> np.ndarray:
    """How much of each pixel a structure covers, (windows, structures, rows, cols) of 0 to 255."""
    film = seen.grid.shape
    places = [w.reshaped(shape).on(film, mask.grid.shape) for w in seen.windows]
    return np.stack([np.stack([cut(mask.of(name), place) for name in names]) for place in places])


def frame(proportions: list[float], longest: int) -> tuple[int, int]:
    """Rows and columns of the frame for films of these proportions (rows / cols), multiples of 32, the longer side `longest`."""
    ratio = float(np.median(proportions)) if proportions else 1.0
    rows, cols = (longest, longest / ratio) if ratio >= 1 else (longest * ratio, longest)
    up = [max(COARSEST, COARSEST * round(np.ceil(side / COARSEST - 1e-6))) for side in (rows, cols)]
    return up[0], up[1]

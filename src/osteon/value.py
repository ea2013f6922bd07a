"""An answer, a truth or a reader's reading: one type for all three.

Points and boxes are in pixels, row before column, with the centre of the first pixel at (0, 0); the grid turns
them into millimetres. Every value is valid once constructed and can be written to and read from plain data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from osteon.errors import DataError, message


@dataclass(frozen=True)
class Grid:
    """Where the pixels of an array lie: spacing (mm, one per axis, or None when unknown), origin (mm), direction (row-major cosines)."""

    shape: tuple[int, ...]
    spacing: tuple[float, ...] | None = None
    origin: tuple[float, ...] | None = None
    direction: tuple[float, ...] | None = None
    spacing_kind: str = "unknown"  # "calibrated" at the patient, "detector" at the film, "volume" for CT and MR

    def __post_init__(self) -> None:
        if self.spacing is not None and (len(self.spacing) != len(self.shape) or min(self.spacing) <= 0):
            raise DataError(message("grid", "the spacing is impossible", expected=f"{len(self.shape)} lengths above 0 mm",
                                    found=f"Found {self.spacing}"))

    def in_mm(self, points: np.ndarray) -> np.ndarray:
        """Points (..., axes) in pixels as millimetres along each axis; raises DataError where the spacing is unknown."""
        if self.spacing is None:
            raise DataError(message("grid", "a length was asked of an image without pixel spacing", expected="mm per pixel",
                                    do="Give the spacing in cases.csv (column NAME.spacing) or in the DICOM header"))
        return np.asarray(points, float) * np.asarray(self.spacing)


def _frozen(array: Any, dtype: Any, ndim: int | None = None) -> np.ndarray:
    """A read-only view with the given type, so that a value can not be changed behind its back."""
    out = np.asarray(array, dtype=dtype)
    if ndim is not None and out.ndim != ndim:
        raise DataError(message("value", f"an array has {out.ndim} axes", expected=f"{ndim} axes", found=f"Found shape {out.shape}"))
    out = out.view()
    out.flags.writeable = False
    return out


def _set(value: object, **fields: Any) -> None:
    for name, content in fields.items():
        object.__setattr__(value, name, content)


@dataclass(frozen=True)
class Withheld:
    """No answer, and why; never counted as an answer and never as a missing truth."""

    reason: str


@dataclass(frozen=True)
class Label:
    """A class by name, with the probability of each class where the model gives one (they sum to 1)."""

    name: str
    probabilities: Mapping[str, float] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        values = list(self.probabilities.values())
        if values and (min(values) < 0 or abs(sum(values) - 1) > 1e-4):
            raise DataError(message("label", "the probabilities are impossible", expected="each 0-1, sum 1", found=f"Found {values}"))
        _set(self, probabilities=MappingProxyType(dict(self.probabilities)))


@dataclass(frozen=True)
class Grade:
    """A step of an ordered scale (0 = first), with the probability of each step where the model gives one."""

    step: int
    probabilities: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class Objects:
    """Boxes (n, 4: row0, col0, row1, col1 in pixels; six numbers in a volume), a label and a confidence each, and where they are drawn the outlines (n, *grid.shape)."""

    boxes: np.ndarray
    labels: tuple[str, ...]
    scores: np.ndarray = None  # type: ignore[assignment]  # ones when not given
    grid: Grid | None = None
    masks: np.ndarray | None = None

    def __post_init__(self) -> None:
        boxes = np.asarray(self.boxes, float)
        empty = np.zeros((0, boxes.shape[1] if boxes.ndim == 2 and boxes.shape[1] else 4))
        boxes = _frozen(boxes.reshape(len(self.labels), -1) if self.labels else empty, float, 2)
        half = boxes.shape[1] // 2
        if len(self.labels) and (half not in (2, 3) or (boxes[:, :half] > boxes[:, half:]).any()):
            raise DataError(message("objects", "a box ends before it begins", expected="row0, col0, row1, col1",
                                    found=f"Found {boxes.tolist()[:3]}"))
        scores = np.ones(len(boxes)) if self.scores is None else self.scores
        if self.masks is not None and np.shape(self.masks) != (fits := (len(self.labels), *(np.shape(self.masks)[1:] if self.grid is None else self.grid.shape))):
            raise DataError(message("objects", "the outlines do not fit the boxes", expected=f"shape {fits}", found=f"Found {np.shape(self.masks)}"))
        _set(self, boxes=boxes, labels=tuple(self.labels), scores=_frozen(scores, float, 1), masks=None if self.masks is None else _frozen(self.masks, bool))

    def of(self, label: str) -> np.ndarray:
        """The boxes of one label, the most certain first."""
        return self.boxes[self.ranked(label)]

    def ranked(self, label: str) -> list[int]:
        """The places of the objects of one label, the most certain first."""
        return [int(i) for i in np.argsort(-self.scores, kind="stable") if self.labels[i] == label]


KNOWN = "known"  # in a file of overlapping structures, the one that tells where the reference standard speaks
UNKNOWN_LABEL = 255  # in a label map, the pixels of which it does not


@dataclass(frozen=True, eq=False)
class Mask:
    """One Boolean array a structure (structures, *grid.shape); structures may overlap, as they do in a projection.

    `known` (*grid.shape) is where a reference standard speaks, where it does not speak of the whole image; only there is an answer judged.
    """

    array: np.ndarray
    names: tuple[str, ...]
    grid: Grid
    known: np.ndarray | None = None

    def __post_init__(self) -> None:
        array = _frozen(self.array, bool)
        if self.known is not None and np.shape(self.known) != tuple(self.grid.shape):
            raise DataError(message("mask", "the known region does not fit the grid", expected=f"shape {self.grid.shape}", found=f"Found {np.shape(self.known)}"))
        if array.shape != (len(self.names), *self.grid.shape):
            raise DataError(message("mask", "the array does not fit its names and grid",
                                    expected=f"shape {(len(self.names), *self.grid.shape)}", found=f"Found {array.shape}"))
        _set(self, array=array, names=tuple(self.names), known=None if self.known is None else _frozen(self.known, bool))

    def of(self, name: str) -> np.ndarray:
        """The Boolean array of one structure."""
        return self.array[self.names.index(name)]


@dataclass(frozen=True, eq=False)
class Readings:
    """Named measurements (NaN = not measurable, reason in `reasons`), with the landmarks they rest on (row, col in pixels)."""

    values: Mapping[str, float]
    landmarks: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    grid: Grid | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _set(self, values=MappingProxyType({k: float(v) for k, v in self.values.items()}), reasons=MappingProxyType(dict(self.reasons)),
             landmarks=MappingProxyType({k: tuple(map(float, v)) for k, v in self.landmarks.items()}))


@dataclass(frozen=True, eq=False)
class Picture:
    """An image or a volume: array (rows, cols[, 3]) or (slices, rows, cols), with its grid and what the reader noted of it."""

    array: np.ndarray
    grid: Grid
    notes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        array = np.asarray(self.array)
        if array.shape[: len(self.grid.shape)] != tuple(self.grid.shape):
            raise DataError(message("picture", "the array does not fit its grid", expected=f"{self.grid.shape}", found=f"Found {array.shape}"))
        _set(self, array=_frozen(array, array.dtype), notes=MappingProxyType(dict(self.notes)))


@dataclass(frozen=True, eq=False)
class KSpace:
    """The raw signal of an MRI acquisition: array (slices, coils, readout, lines), complex; an input and never an answer.

    `grid` is that of the picture made of it, the middle of its field. `taken` (lines,) marks what was measured, None for every line. `name` is
    that of its file, by which masks are drawn.
    """

    array: np.ndarray
    grid: Grid
    name: str = field(kw_only=True)
    taken: np.ndarray | None = field(default=None, kw_only=True)
    notes: Mapping[str, Any] = field(default_factory=dict, kw_only=True)

    def __post_init__(self) -> None:
        array = _frozen(self.array, np.complex64, 4)
        if len(self.grid.shape) != 3 or self.grid.shape[0] != array.shape[0] or any(p > n for p, n in zip(self.grid.shape[1:], array.shape[2:], strict=True)):
            raise DataError(message("k-space", "its picture does not fit it", expected=f"{array.shape[0]} slices, at most {array.shape[2:]}", found=f"Found {self.grid.shape}"))
        if self.taken is not None and np.shape(self.taken) != array.shape[3:]:
            raise DataError(message("k-space", "the mask does not fit the lines", expected=f"{array.shape[3]} of them", found=f"Found {np.shape(self.taken)}"))
        _set(self, array=array, taken=None if self.taken is None else _frozen(self.taken, bool, 1), notes=MappingProxyType(dict(self.notes)))


@dataclass(frozen=True, eq=False)
class Risk:
    """The chance of being free of the event at each time; as a truth: the time seen and whether the event came."""

    times: np.ndarray
    survival: np.ndarray = None  # type: ignore[assignment]
    event: bool | None = None

    def __post_init__(self) -> None:
        survival = np.full(np.shape(self.times), np.nan) if self.survival is None else self.survival
        _set(self, times=_frozen(self.times, float, 1), survival=_frozen(survival, float, 1))


@dataclass(frozen=True, eq=False)
class Trajectory:
    """Named quantities over time: times (n,), values (n, names), in the units of the target."""

    times: np.ndarray
    values: np.ndarray
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        _set(self, times=_frozen(self.times, float, 1), values=_frozen(self.values, float, 2), names=tuple(self.names))


@dataclass(frozen=True, eq=False)
class Surface:
    """A triangle mesh: vertices (n, 3) in mm, faces (m, 3) as row numbers of the vertices; one that changes: vertices (k, n, 3) at rising `times` (k,)."""

    vertices: np.ndarray
    faces: np.ndarray
    times: np.ndarray | None = None

    def __post_init__(self) -> None:
        times = None if self.times is None else _frozen(self.times, float, 1)
        vertices = _frozen(self.vertices, float, 2 if times is None else 3)
        if times is not None and (len(times) != len(vertices) or not np.isfinite(times).all() or (np.diff(times) <= 0).any()):
            raise DataError(message("surface", "the times do not fit", expected=f"{len(vertices)} rising times", found=f"Found {times.tolist()[:6]}"))
        _set(self, vertices=vertices, faces=_frozen(self.faces, np.int64, 2), times=times)

    @property
    def moments(self) -> np.ndarray:
        """The times (k,); DataError for a surface that does not change."""
        if self.times is None:
            raise DataError(message("surface", "it was asked for its times and has none", expected="a surface over time"))
        return self.times

    def at(self, times: np.ndarray) -> np.ndarray:
        """Vertices (..., n, 3) at times (...), straight between those that are known; beyond them as at the nearest one."""
        if self.times is None:
            return np.broadcast_to(self.vertices, (*np.shape(times), *self.vertices.shape))
        place = np.interp(times, self.times, np.arange(len(self.times)))
        low = np.minimum(place.astype(int), max(len(self.times) - 2, 0))
        share = (place - low)[..., None, None]
        return np.asarray(self.vertices[low] * (1 - share) + self.vertices[np.minimum(low + 1, len(self.times) - 1)] * share)


Value = Label | Grade | Objects | Mask | Readings | Picture | Risk | Trajectory | Surface | Withheld
FAMILIES = {kind.__name__: kind for kind in (Label, Grade, Objects, Mask, Readings, Picture, Risk, Trajectory, Surface, Withheld)}

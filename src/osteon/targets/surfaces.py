"""A surface as an answer: shape in three dimensions, at one time or over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.errors import DataError, message
from osteon.targets.lines import Line, answered, mean_by_patient
from osteon.value import Surface, Value, Withheld

if TYPE_CHECKING:
    import pandas as pd

    from osteon.stats.intervals import Interval

ANYHOW, POINTWISE = ("distance", "hd95"), ("distance", "registered", "rotation")


@dataclass(frozen=True)
class Surfaces:
    """Meshes compared with reference meshes in millimetres.

    `parts` names the rigid bodies of which a mesh is made, in order and of equally many vertices: then a vertex is compared with the one of its number, and
    bodies by their turn. `at` is the unit of time of a truth that is known at several times, each time a line.
    """

    name: str = "surface"
    parts: tuple[str, ...] = field(default=(), kw_only=True)
    at: str | None = field(default=None, kw_only=True)
    cut: None = field(default=None, init=False)

    @property
    def findings(self) -> tuple[str, ...]:
        """The one surface."""
        return (self.name,)

    def value(self, raw: Any) -> Value:
        """A surface, or one over time from (time, surface) pairs; raises DataError for anything else, for other parts, and for two of one time."""
        if isinstance(raw, Withheld):
            return raw
        made = _over_time(raw) if isinstance(raw, tuple) else raw
        if not isinstance(made, Surface):
            raise DataError(message("surface", "no surface can be made of this", expected="STL, PLY or OBJ", found=f"Found {type(raw).__name__}"))
        if self.parts and made.vertices.shape[-2] % len(self.parts):
            raise DataError(message("surface", f"{made.vertices.shape[-2]} vertices do not make {len(self.parts)} bodies", expected=f"{self.parts[0]} to {self.parts[-1]}, equally many each"))
        return made

    def score(self, value: Value, finding: str) -> float:
        """A surface has no score."""
        return float("nan")

    def is_positive(self, truth: Value, finding: str) -> bool | None:
        """A surface states no disease."""
        return None

    def compare(self, truth: Value, value: Value) -> Sequence[Line]:
        """One line, or one a time of the truth (unit `t=6`, number time); the numbers are those of `metrics`.

        Without parts vertices stand for the surface: mean and 95th percentile of their distance to the nearest of the other, both ways.
        """
        assert isinstance(truth, Surface)
        if isinstance(value, Withheld):
            return [Line(self.name, withheld=value.reason)] if truth.times is None else [Line(self.name, f"t={t:g}", numbers={"time": float(t)}, withheld=value.reason) for t in truth.times]
        assert isinstance(value, Surface)
        if self.parts and truth.vertices.shape[-2:] != value.vertices.shape[-2:]:
            return self.compare(truth, Withheld(f"{value.vertices.shape[-2]} vertices, the reference has {truth.vertices.shape[-2]}"))
        if truth.times is None:
            return [Line(self.name, numbers=self._numbers(truth.vertices, value.at(np.array(0.0))))]
        pairs = zip(truth.times, truth.vertices, value.at(truth.times), strict=True)
        return [Line(self.name, f"t={t:g}", numbers={"time": float(t)} | self._numbers(true, given)) for t, true, given in pairs]

    def _numbers(self, truth: np.ndarray, answer: np.ndarray) -> dict[str, float]:
        return _pointwise(truth, answer, len(self.parts)) if self.parts else _anyhow(truth, answer)

    def metrics(self, lines: pd.DataFrame) -> dict[str, Interval]:
        """Means with patient-level intervals: `distance` (mm), and its 95th percentile, or of bodies the distance after the best rigid fit of the whole (`registered`) and the turn of each (`rotation`, degrees)."""
        given = answered(lines)
        names = POINTWISE if self.parts else ANYHOW
        return {n: mean_by_patient(given[f"n.{n}"].to_numpy(float), given["patient"].to_numpy()) for n in names} if len(given) else {}

    def mean(self, values: Sequence[Value]) -> Value:
        """The mean of the vertices of bodies, at the times of the first answer; of other meshes, which have no mean, the first."""
        given = [v for v in values if isinstance(v, Surface)]
        if not given or not self.parts:
            return next(iter(given), values[0])
        first = given[0]
        return Surface(np.mean([v.vertices if first.times is None else v.at(first.times) for v in given], axis=0), first.faces, first.times)


def _over_time(pairs: tuple[tuple[float, Surface], ...]) -> Surface:
    """One surface that changes; raises DataError where meshes differ in their faces, times repeat or fall, or there is none."""
    if not pairs or any(not isinstance(mesh, Surface) for _, mesh in pairs):
        raise DataError(message("surface", "there is no mesh over time", expected="(time, mesh) pairs"))
    times = np.array([time for time, _ in pairs])
    if (np.diff(times) <= 0).any():
        twice = times[1:][np.diff(times) <= 0][0]
        raise DataError(message("surface", "two meshes are of one time, or out of order", expected="each time once", found=f"Found {twice:g} again"))
    if any(mesh.faces.shape != pairs[0][1].faces.shape or len(mesh.vertices) != len(pairs[0][1].vertices) for _, mesh in pairs):
        raise DataError(message("surface", "the meshes of the visits are built differently", expected="the same vertices and faces at each", found=f"Found {sorted({len(m.vertices) for _, m in pairs})} vertices"))
    return Surface(np.stack([mesh.vertices for _, mesh in pairs]), pairs[0][1].faces, times)


def _anyhow(truth: np.ndarray, answer: np.ndarray) -> dict[str, float]:
    from scipy.spatial import cKDTree

    there, back = cKDTree(truth).query(answer)[0], cKDTree(answer).query(truth)[0]
    return {"distance": float((there.mean() + back.mean()) / 2), "hd95": float(np.percentile(np.concatenate([there, back]), 95))}


def _pointwise(truth: np.ndarray, answer: np.ndarray, parts: int) -> dict[str, float]:
    """Distance of partners in the frame of the files (unregistered), after the best rigid fit of the whole, and the mean turn of the bodies beside the truth."""
    from osteon.geometry.rigid_chain import aligning, applied, turned_by

    fitted = applied(aligning(answer, truth), answer)
    turns = aligning(answer.reshape(parts, -1, 3), truth.reshape(parts, -1, 3))
    return {"distance": _gap(truth, answer), "registered": _gap(truth, fitted), "rotation": float(turned_by(turns, np.broadcast_to(np.eye(4), turns.shape)).mean())}


def _gap(truth: np.ndarray, answer: np.ndarray) -> float:
    return float(np.linalg.norm(truth - answer, axis=-1).mean())

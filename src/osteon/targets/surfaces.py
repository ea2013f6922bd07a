"""A surface as an answer: shape in three dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from osteon.errors import DataError, message
from osteon.targets.lines import Line, answered, mean_by_patient
from osteon.value import Surface, Value, Withheld

if TYPE_CHECKING:
    import pandas as pd

    from osteon.stats.intervals import Interval


@dataclass(frozen=True)
class Surfaces:
    """A mesh compared with a reference mesh in millimetres."""

    name: str = "surface"
    cut: None = field(default=None, init=False)

    @property
    def findings(self) -> tuple[str, ...]:
        """The one surface."""
        return (self.name,)

    def value(self, raw: Any) -> Value:
        """A surface; raises DataError for anything else."""
        if isinstance(raw, (Surface, Withheld)):
            return raw
        raise DataError(message("surface", "no surface can be made of this", expected="STL or PLY", found=f"Found {type(raw).__name__}"))

    def score(self, value: Value, finding: str) -> float:
        """A surface has no score."""
        return float("nan")

    def is_positive(self, truth: Value, finding: str) -> bool | None:
        """A surface states no disease."""
        return None

    def compare(self, truth: Value, value: Value) -> Sequence[Line]:
        """One line: mean and 95th percentile of the distance between vertices, both ways (mm); vertices stand for the surface."""
        assert isinstance(truth, Surface)
        if isinstance(value, Withheld):
            return [Line(self.name, withheld=value.reason)]
        assert isinstance(value, Surface)
        import numpy as np
        from scipy.spatial import cKDTree

        there, back = cKDTree(truth.vertices).query(value.vertices)[0], cKDTree(value.vertices).query(truth.vertices)[0]
        both = np.concatenate([there, back])
        return [Line(self.name, numbers={"distance": float((there.mean() + back.mean()) / 2), "hd95": float(np.percentile(both, 95))})]

    def metrics(self, lines: pd.DataFrame) -> dict[str, Interval]:
        """Mean distance and mean 95th percentile (mm) with patient-level intervals."""
        given = answered(lines)
        return {n: mean_by_patient(given[f"n.{n}"].to_numpy(float), given["patient"].to_numpy()) for n in ("distance", "hd95")} if len(given) else {}

    def mean(self, values: Sequence[Value]) -> Value:
        """The first answer: meshes of different faces have no mean."""
        return next((v for v in values if isinstance(v, Surface)), values[0])

"""Quantities over time: forecast and follow-up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.errors import DataError, message
from osteon.targets.lines import Line, answered, mean_by_patient
from osteon.value import Trajectory, Value, Withheld

if TYPE_CHECKING:
    import pandas as pd

    from osteon.stats.intervals import Interval


@dataclass(frozen=True)
class Trajectories:
    """Named quantities with units, compared at the times of the truth (linear between the answered times)."""

    units: Mapping[str, str] = field(hash=False)
    cut: None = field(default=None, init=False)

    @property
    def findings(self) -> tuple[str, ...]:
        """Every quantity, the main one first."""
        return tuple(self.units)

    def value(self, raw: Any) -> Value:
        """A trajectory; raises DataError where a quantity is missing, or a time repeats or falls."""
        if isinstance(raw, Withheld):
            return raw
        if isinstance(raw, Trajectory) and (not np.isfinite(raw.times).all() or (np.diff(raw.times) <= 0).any()):
            raise DataError(message("trajectory", "the times do not rise", expected="each time once, in order", found=f"Found {raw.times.tolist()[:8]}"))
        if not isinstance(raw, Trajectory) or set(self.units) - set(raw.names):
            raise DataError(message("trajectory", "quantities are missing", expected=", ".join(self.units), found=f"Found {getattr(raw, 'names', type(raw).__name__)}"))
        return raw

    def score(self, value: Value, finding: str) -> float:
        """The last value."""
        assert isinstance(value, Trajectory)
        return float(value.values[-1, value.names.index(finding)])

    def is_positive(self, truth: Value, finding: str) -> bool | None:
        """A trajectory states no disease."""
        return None

    def compare(self, truth: Value, value: Value) -> Sequence[Line]:
        """One line a quantity and time (unit `t=6`) at which it is known (not nan): numbers truth, answer, error, time."""
        assert isinstance(truth, Trajectory)
        return [line for name in self.findings for line in self._over_time(name, truth, value)]

    def _over_time(self, name: str, truth: Trajectory, value: Value) -> list[Line]:
        true = truth.values[:, truth.names.index(name)]
        known = np.flatnonzero(~np.isnan(true))
        times, true = truth.times[known], true[known]
        if isinstance(value, Withheld):
            return [Line(name, f"t={t:g}", numbers={"time": float(t)}, withheld=value.reason) for t in times]
        assert isinstance(value, Trajectory)
        answer = np.interp(times, value.times, value.values[:, value.names.index(name)])
        return [Line(name, f"t={t:g}", numbers={"truth": float(a), "answer": float(b), "error": float(b - a), "time": float(t)}) for t, a, b in zip(times, true, answer, strict=True)]

    def metrics(self, lines: pd.DataFrame) -> dict[str, Interval]:
        """Mean absolute error (beside that of always answering the mean) and bias over all times, with patient-level intervals."""
        given = answered(lines)
        if not len(given):
            return {}
        error, truth, patients = given["n.error"].to_numpy(float), given["n.truth"].to_numpy(float), given["patient"].to_numpy()
        return {"mae": mean_by_patient(np.abs(error), patients), "mae_of_the_mean": mean_by_patient(np.abs(truth - truth.mean()), patients), "bias": mean_by_patient(error, patients)}

    def mean(self, values: Sequence[Value]) -> Value:
        """The mean at the times of the first answer."""
        given = [v for v in values if isinstance(v, Trajectory)]
        if not given:
            return values[0]
        times = given[0].times
        stack = [np.column_stack([np.interp(times, v.times, v.values[:, i]) for i in range(len(v.names))]) for v in given]
        return Trajectory(times, np.mean(stack, axis=0), given[0].names)

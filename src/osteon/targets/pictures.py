"""A picture as an answer: reconstruction, synthesis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.errors import DataError, message
from osteon.targets.lines import Line, answered, mean_by_patient
from osteon.value import Picture, Value, Withheld

if TYPE_CHECKING:
    import pandas as pd

    from osteon.stats.intervals import Interval


@dataclass(frozen=True)
class Pictures:
    """A picture compared with a reference picture of the same grid."""

    name: str = "picture"
    cut: None = field(default=None, init=False)

    @property
    def findings(self) -> tuple[str, ...]:
        """The one picture."""
        return (self.name,)

    def value(self, raw: Any) -> Value:
        """A picture; raises DataError for anything else."""
        if isinstance(raw, (Picture, Withheld)):
            return raw
        raise DataError(message("picture", "no picture can be made of this", expected="PNG, DICOM or NIfTI", found=f"Found {type(raw).__name__}"))

    def score(self, value: Value, finding: str) -> float:
        """A picture has no score."""
        return float("nan")

    def is_positive(self, truth: Value, finding: str) -> bool | None:
        """A picture states no disease."""
        return None

    def compare(self, truth: Value, value: Value) -> Sequence[Line]:
        """One line: NMSE, PSNR (dB) and SSIM with the reference's own range (the fastMRI convention)."""
        assert isinstance(truth, Picture)
        if isinstance(value, Withheld):
            return [Line(self.name, withheld=value.reason)]
        assert isinstance(value, Picture)
        from osteon.stats import reconstruction

        reference, answer = np.asarray(truth.array, float), np.asarray(value.array, float)
        numbers = {"nmse": reconstruction.nmse(reference, answer), "psnr": reconstruction.psnr(reference, answer), "ssim": reconstruction.ssim(reference, answer)}
        return [Line(self.name, numbers={k: float(v) for k, v in numbers.items()})]

    def metrics(self, lines: pd.DataFrame) -> dict[str, Interval]:
        """Mean NMSE, PSNR and SSIM with patient-level intervals."""
        given = answered(lines)
        return {n: mean_by_patient(given[f"n.{n}"].to_numpy(float), given["patient"].to_numpy()) for n in ("nmse", "psnr", "ssim")} if len(given) else {}

    def mean(self, values: Sequence[Value]) -> Value:
        """The mean picture."""
        given = [v for v in values if isinstance(v, Picture)]
        return Picture(np.mean([v.array for v in given], axis=0), given[0].grid) if given else values[0]

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


INSIDE = "inside the body"
RESIDUAL = "residual"  # the note of a picture that says how far it lies from what was measured
KEYS = ("ssim", "psnr", "nmse", RESIDUAL)


@dataclass(frozen=True)
class Pictures:
    """A picture or volume compared with a reference of the same grid; with `body` first inside the body, where there is more than noise, then as a whole."""

    name: str = "picture"
    body: bool = field(default=False, kw_only=True)
    cut: None = field(default=None, init=False)

    @property
    def findings(self) -> tuple[str, ...]:
        """The picture, before it the part inside the body where that is judged."""
        return (INSIDE, self.name) if self.body else (self.name,)

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
        """One line a finding: SSIM, PSNR (dB) and NMSE with the range of the whole reference (the fastMRI convention), and the residual that the picture notes.

        Raises DataError for another grid.
        """
        assert isinstance(truth, Picture)
        if isinstance(value, Withheld):
            return [Line(finding, withheld=value.reason) for finding in self.findings]
        assert isinstance(value, Picture)
        if value.array.shape != truth.array.shape:
            raise DataError(message("picture", "the answer has another size than the reference", expected=f"shape {truth.array.shape}", found=f"Found {value.array.shape}"))
        return [Line(finding, numbers=self._numbers(truth, value, finding)) for finding in self.findings]

    def _numbers(self, truth: Picture, value: Picture, finding: str) -> dict[str, float]:
        from osteon.stats import reconstruction

        reference, answer = np.asarray(truth.array, float), np.asarray(value.array, float)
        inside = reconstruction.body(reference) if self.body and finding == INSIDE else None
        numbers = {"ssim": reconstruction.ssim(reference, answer, inside=inside), "psnr": reconstruction.psnr(reference, answer, inside=inside),
                   "nmse": reconstruction.nmse(reference, answer, inside=inside)}
        return numbers | ({RESIDUAL: float(value.notes[RESIDUAL])} if RESIDUAL in value.notes else {})

    def metrics(self, lines: pd.DataFrame) -> dict[str, Interval]:
        """Means of SSIM, PSNR, NMSE and, where pictures note it, of the residual, with intervals over patients."""
        given = answered(lines)
        known = [name for name in KEYS if f"n.{name}" in given and given[f"n.{name}"].notna().any()]
        return {name: mean_by_patient(given[f"n.{name}"].to_numpy(float), given["patient"].to_numpy()) for name in known}

    def mean(self, values: Sequence[Value]) -> Value:
        """The mean picture."""
        given = [v for v in values if isinstance(v, Picture)]
        return Picture(np.mean([v.array for v in given], axis=0), given[0].grid) if given else values[0]

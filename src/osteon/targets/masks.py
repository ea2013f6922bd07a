"""Structures as masks, which may overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.errors import DataError, StudyError, message
from osteon.targets.lines import Line, answered, mean_by_patient
from osteon.value import KNOWN, UNKNOWN_LABEL, Mask, Picture, Value, Withheld

if TYPE_CHECKING:
    import pandas as pd

    from osteon.stats.intervals import Interval


@dataclass(frozen=True)
class Masks:
    """Named structures; a label map holds them as 1, 2, ... in this order, and 255 where nobody annotated. A truth may lack those of `optional`: nothing is learnt or judged of them there."""

    names: tuple[str, ...]
    optional: tuple[str, ...] = field(default=(), kw_only=True)
    cut: None = field(default=None, init=False)

    def __post_init__(self) -> None:
        if not self.names or len(set(self.names)) < len(self.names):
            raise StudyError(message("Masks", "structures need different names", found=f"Found {self.names}"))
        if set(self.optional) - set(self.names):
            raise StudyError(message("Masks", "an optional structure is no structure", expected=", ".join(self.names), found=f"Found {self.optional}"))

    @property
    def findings(self) -> tuple[str, ...]:
        """The structures, the main one first."""
        return self.names

    def value(self, raw: Any) -> Value:
        """A mask from a mask, or from a label map (values 0 to n) made by another program; raises DataError where they do not fit."""
        if isinstance(raw, Withheld):
            return raw
        if isinstance(raw, Mask):
            missing, given = set(self.names) - set(raw.names), tuple(n for n in self.names if n in raw.names)
            if missing - set(self.optional) or not given:
                raise DataError(message("mask", f"the structures {sorted(missing)} are missing", found=f"Found {raw.names}"))
            known = raw.of(KNOWN) if KNOWN in raw.names else raw.known
            return raw if raw.names == given else Mask(np.stack([raw.of(n) for n in given]), given, raw.grid, known)
        if isinstance(raw, Picture):
            known = raw.array != UNKNOWN_LABEL
            labels = np.unique(raw.array[known])
            if labels.size and (labels.min() < 0 or labels.max() > len(self.names) or (labels != np.round(labels)).any()):
                raise DataError(message("mask", "the label map holds other values", expected=f"0 to {len(self.names)} for {', '.join(self.names)}",
                                        found=f"Found {labels[:8].tolist()}"))
            return Mask(np.stack([raw.array == i + 1 for i in range(len(self.names))]), self.names, raw.grid, None if known.all() else known)
        raise DataError(message("mask", "no mask can be made of this", expected="a NIfTI or PNG label map", found=f"Found {type(raw).__name__}"))

    def score(self, value: Value, finding: str) -> float:
        """The size of a structure (mm2 or mm3; pixels where the spacing is unknown)."""
        assert isinstance(value, Mask)
        unit = float(np.prod(value.grid.spacing)) if value.grid.spacing else 1.0
        return float(value.of(finding).sum()) * unit

    def is_positive(self, truth: Value, finding: str) -> bool | None:
        """A mask states no disease."""
        return None

    def compare(self, truth: Value, value: Value) -> Sequence[Line]:
        """One line a structure: Dice, IoU, HD95, ASSD (mm), surface Dice at 1 mm and size of truth and answer; HD95 is NaN where one of them is empty."""
        assert isinstance(truth, Mask)
        if isinstance(value, Withheld):
            return [Line(n, withheld=value.reason) for n in truth.names]
        assert isinstance(value, Mask)
        answer = on_grid(value, truth)
        return [Line(n, score=self.score(value, n), numbers=self._numbers(truth, answer, n)) for n in truth.names]

    def _numbers(self, truth: Mask, answer: Mask, name: str) -> dict[str, float]:
        from osteon.stats import segmentation

        spacing = truth.grid.spacing or (1.0,) * len(truth.grid.shape)
        there = truth.known if truth.known is not None else np.ones(truth.grid.shape, bool)
        found = segmentation.mask_scores(truth.of(name) & there, answer.of(name) & there, spacing=spacing)
        numbers = {k: float(getattr(found, k)) for k in ("dice", "iou", "hd95", "assd", "nsd")}
        return numbers | dict(zip(("size_truth", "size_answer"), found.volumes, strict=True))

    def metrics(self, lines: pd.DataFrame) -> dict[str, Interval]:
        """Mean Dice, IoU, HD95, ASSD (mm) and surface Dice at 1 mm of one structure with patient-level intervals; cases with an undefined distance are not in its mean."""
        from osteon.stats.intervals import undefined

        given = answered(lines)
        out: dict[str, Interval] = {}
        for name in ("dice", "iou", "hd95", "assd", "nsd"):
            known = given[given[f"n.{name}"].notna()] if f"n.{name}" in given else given.iloc[:0]
            out[name] = mean_by_patient(known[f"n.{name}"].to_numpy(float), known["patient"].to_numpy()) if len(known) else undefined("no case has it")
        return out

    def mean(self, values: Sequence[Value]) -> Value:
        """The majority of the answers, pixel by pixel, on the grid of the first."""
        given = [v for v in values if isinstance(v, Mask)]
        if not given:
            return values[0]
        votes = np.mean([on_grid(v, given[0]).array for v in given], axis=0)
        return Mask(votes > 0.5, given[0].names, given[0].grid)


def on_grid(mask: Mask, like: Mask) -> Mask:
    """A mask on the pixels of another (nearest pixel); the same mask where the shapes agree."""
    if mask.grid.shape == like.grid.shape:
        return mask
    index = np.ix_(*(np.minimum(((np.arange(n) + 0.5) * m / n).astype(int), m - 1) for n, m in zip(like.grid.shape, mask.grid.shape, strict=True)))
    return Mask(np.stack([layer[index] for layer in mask.array]), mask.names, like.grid)

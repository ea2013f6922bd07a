"""The one knob for size: what a run may spend. A study never states it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from osteon.errors import StudyError, message, near


@dataclass(frozen=True)
class Limits:
    """Caps on what is repeated: folds, repeats of folds, fits of a fold, arms of a grid, members of a blend."""

    folds: int
    repeats: int
    fits: int
    arms: int
    members: int


@dataclass(frozen=True)
class Sizes:
    """Caps on what is looked at: the longer side of an image and the side of a crop (pixels), and the width of networks (1 = as published)."""

    image_side: int
    crop_side: int
    width: float


@dataclass(frozen=True)
class Budget:
    """What a run may spend: simulated cases (`rows` where a study reads tables and notes only), epochs, seconds a fit, sizes and limits."""

    name: str
    cases: int
    rows: int
    epochs: int
    seconds: float
    sizes: Sizes
    limits: Limits

    @property
    def image_side(self) -> int:
        """The longer side of an image, in pixels."""
        return self.sizes.image_side

    @property
    def crop_side(self) -> int:
        """The side of a crop, in pixels."""
        return self.sizes.crop_side

    @property
    def width(self) -> float:
        """The width of networks; 1 is as published."""
        return self.sizes.width

    def capped(self, **wanted: float) -> dict[str, dict[str, float]]:
        """Named size and used size side by side, for each wanted size that this budget cuts."""
        have = asdict(self) | asdict(self.sizes) | asdict(self.limits)
        return {k: {"named": v, "used": have[k]} for k, v in wanted.items() if have[k] < v}

    def with_(self, **changes: Any) -> Budget:
        """The same budget with some caps changed (`cases=40, image_side=512`)."""
        sizes = {k: changes.pop(k) for k in ("image_side", "crop_side", "width") if k in changes}
        return replace(self, sizes=replace(self.sizes, **sizes), **changes)


SMOKE = Budget("smoke", cases=24, rows=400, epochs=4, seconds=120.0, sizes=Sizes(128, 64, 0.125), limits=Limits(folds=2, repeats=1, fits=1, arms=2, members=2))
LAPTOP = Budget("laptop", cases=320, rows=8_000, epochs=24, seconds=300.0, sizes=Sizes(256, 160, 0.25),
                limits=Limits(folds=5, repeats=1, fits=3, arms=20, members=8))
GPU = Budget("gpu", cases=20_000, rows=1_000_000, epochs=100, seconds=14_400.0, sizes=Sizes(1024, 352, 1.0),
             limits=Limits(folds=10, repeats=10, fits=10, arms=256, members=64))
BUDGETS = {b.name: b for b in (SMOKE, LAPTOP, GPU)}


def budget(name: str) -> Budget:
    """The budget of a name; raises StudyError with the near names."""
    if name not in BUDGETS:
        raise StudyError(message("budget", f"there is no budget {name!r}", do=near(name, BUDGETS)))
    return BUDGETS[name]

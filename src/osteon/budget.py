"""The one knob for size: what a run may spend. A study never states it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

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
class Budget:
    """What a run may spend: simulated cases (`rows` where a study reads tables only), epochs, the longer side of an image and a crop (pixels), width of networks (1 = as published), seconds a fit."""

    name: str
    cases: int
    rows: int
    epochs: int
    image_side: int
    crop_side: int
    width: float
    seconds: float
    limits: Limits

    def capped(self, **wanted: float) -> dict[str, dict[str, float]]:
        """Named size and used size side by side, for each wanted size that this budget cuts."""
        have = asdict(self) | asdict(self.limits)
        return {k: {"named": v, "used": have[k]} for k, v in wanted.items() if have[k] < v}

    def with_(self, **changes: object) -> Budget:
        """The same budget with some caps changed (`cases=40`)."""
        return replace(self, **changes)  # type: ignore[arg-type]


SMOKE = Budget("smoke", cases=24, rows=400, epochs=2, image_side=256, crop_side=64, width=0.125, seconds=6.0,
               limits=Limits(folds=2, repeats=1, fits=1, arms=2, members=2))
LAPTOP = Budget("laptop", cases=320, rows=8_000, epochs=24, image_side=256, crop_side=128, width=0.25, seconds=420.0,
                limits=Limits(folds=5, repeats=1, fits=3, arms=16, members=8))
GPU = Budget("gpu", cases=20_000, rows=1_000_000, epochs=100, image_side=1024, crop_side=352, width=1.0, seconds=14_400.0,
             limits=Limits(folds=10, repeats=10, fits=10, arms=256, members=64))
BUDGETS = {b.name: b for b in (SMOKE, LAPTOP, GPU)}


def budget(name: str) -> Budget:
    """The budget of a name; raises StudyError with the near names."""
    if name not in BUDGETS:
        raise StudyError(message("budget", f"there is no budget {name!r}", do=near(name, BUDGETS)))
    return BUDGETS[name]

"""Simulated readers of simulated cases, on images as they are made now and on new ones: a table with a planted answer for analyses of interchangeability.

No reader looks at a picture. What a reader says is the true step of a scale, moved by what the case shows to everyone, by the reader's own habit, by what
this reader sees in this case, and by chance (components as in Roe CA, Metz CE. Acad Radiol 1997; 4: 298). New images add `loss` to the chance: at 0 they
are read as well as the old ones, and the expected excess of disagreement is 0. The sizes of the components are ours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from osteon.errors import DataError, message

if TYPE_CHECKING:
    from osteon.cohort import Cohort

CASE, HABIT, PAIR, CHANCE = 0.30, 0.10, 0.20, 0.20  # standard deviations, in steps of the scale
STREAM = 91  # of random numbers, beside those of the cases


@dataclass(frozen=True)
class Panel:
    """Makes what `make` makes and has every case read by a number of readers, on old images and (as readings with aid) on new ones.

    `target` is the column with the true step, one of `steps` in their order. Raises DataError for a step that is none.
    """

    make: Callable[..., Cohort]
    target: str
    steps: tuple[str, ...] = field(kw_only=True)
    readers: int = field(default=6, kw_only=True)
    loss: float = field(default=0.0, kw_only=True)

    def __call__(self, folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5) -> Cohort:
        """The cohort of a call with its readings.csv."""
        from osteon.cohort import Cohort
        from osteon.cohort.folder import whole

        made = self.make(folder, cases, seed, site=site, difficulty=difficulty)
        table = Path(folder) / "readings.csv"
        if not table.exists():
            whole(table, self._table(made, np.random.default_rng([seed, ord(site), STREAM])))
        return Cohort.from_folder(folder)

    def _table(self, cohort: Cohort, rng: np.random.Generator) -> str:
        import pandas as pd

        true = cohort.column(self.target)
        strange = sorted({str(step) for step in true} - set(self.steps))
        if strange:
            raise DataError(message(f"column {self.target!r}", f"{strange[0]!r} is no step that a reader can name", expected=", ".join(self.steps)))
        read = panel(np.array([self.steps.index(step) for step in true]), self.readers, rng, most=len(self.steps) - 1, loss=self.loss)
        rows = [{"case_id": case, "reader": f"reader {r + 1} (simulated)", "target": self.target, "value": self.steps[read[c, r, new]], "aided": "yes" if new else "no"}
                for c, case in enumerate(cohort.ids()) for r in range(self.readers) for new in (0, 1)]
        return pd.DataFrame(rows).to_csv(index=False, lineterminator="\n")


def panel(true: np.ndarray, readers: int, rng: np.random.Generator, *, most: int, loss: float = 0.0) -> np.ndarray:
    """Steps (n, readers, 2) from 0 to `most` that readers name for cases of true steps (n,), on old and on new images."""
    n = len(true)
    seen = true[:, None, None] + CASE * rng.normal(size=(n, 1, 1)) + HABIT * rng.normal(size=(1, readers, 1)) + PAIR * rng.normal(size=(n, readers, 1))
    chance = np.array([CHANCE, np.hypot(CHANCE, loss)])
    return np.clip(np.round(seen + chance * rng.normal(size=(n, readers, 2))), 0, most).astype(int)

"""The displacement and the strain that a load gives a piece of bone (micrometres)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TISSUES = ("trabecular", "cortical")


@dataclass(frozen=True, eq=False)
class Load:
    """A compression along z about a middle (x, y, z): even strain, Poisson's ratio, and a band that shortens by `crush` (micrometres) over `width`, leaning by `lean` (z over x)."""

    even: float = 0.0
    poisson: float = 0.3
    crush: float = 0.0
    width: float = 150.0
    lean: float = 0.0
    middle: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def displacement(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """How far (3, ...: x, y, z) the material now at these points has come."""
        a, b, c = x - self.middle[0], y - self.middle[1], z - self.middle[2]
        return np.stack(np.broadcast_arrays(self.poisson * self.even * a, self.poisson * self.even * b, -self.even * c - self.crush * np.tanh((c - self.lean * a) / self.width)))

    def strain(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """The strain tensor (6, ...: xx, yy, zz, xy, xz, yz), the symmetric gradient of the displacement."""
        a, c = x - self.middle[0], z - self.middle[2]
        local = self.crush / self.width / np.cosh((c - self.lean * a) / self.width) ** 2
        side = self.poisson * self.even
        return np.stack(np.broadcast_arrays(side + 0 * local, side + 0 * local, -self.even - local, 0 * local, 0.5 * self.lean * local, 0 * local))

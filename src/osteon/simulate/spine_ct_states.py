"""What is wrong with a vertebra on CT: a fracture of weak bone, one through a metastasis, or none, with signs of each that overlap.

Six signs are what readers score (Li Y et al. Eur Radiol 2021; 31: 9612 name them): soft-tissue mass, destruction of bone, a line across, and what else parts the two. Their chances are ours.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

CAUSES = ("none", "porotic", "malignant")
TARGETS = (10, 11, 12, 13, 14)  # T11 to L3


@dataclass(frozen=True)
class Broken:
    """What is wrong at one level (0 = T1): cause, loss of height (fractions: anterior, middle, posterior), dense line of impaction (0-1), fragment (mm into the canal), gas in a cleft (mm), lytic foci
    (x, y, z, radius; in halves of the body's width, depth and height, radius mm), mass beyond the wall (mm) at its side, sclerosis about the foci (0-1)."""

    cause: str = "none"
    level: int = 12
    loss: tuple[float, float, float] = (0.0, 0.0, 0.0)
    line: float = 0.0
    fragment: float = 0.0
    cleft: float = 0.0
    foci: tuple[tuple[float, float, float, float], ...] = ()
    mass: tuple[float, float, float] = field(default=(0.0, 0.0, 1.0))  # beside the body, into the canal, side

    @property
    def signs(self) -> dict[str, bool]:
        """The signs as a reader who misses nothing scores them."""
        return {"mass": self.mass[0] > 2.5, "destruction": any(radius > 4 for *_, radius in self.foci), "line": self.line > 0.3, "fragment": self.fragment > 1.5, "cleft": self.cleft > 1.5,
                "pedicle": any(y < -1.0 for _, y, _, _ in self.foci), "epidural": self.mass[1] > 1.5}


def broken(rng: np.random.Generator, difficulty: float, cause: str = "") -> Broken:
    """A vertebra of a cause, or of a drawn one; the harder, the more the signs of the two causes overlap."""
    u, n = rng.random(16), rng.normal(0, 1, 8)
    drawn = cause or ("porotic" if u[0] < 0.5 else "malignant")
    level = int(rng.choice(TARGETS, p=[0.14, 0.26, 0.30, 0.18, 0.12]))
    if drawn == "none":
        return Broken("none", level)
    size = float(0.16 + 0.42 * u[1]) * (1.0 if drawn == "porotic" else 0.8)
    loss = ((size, 0.6 * size, 0.08 * size), (0.15 * size, 0.95 * size, 0.1 * size), (size, 0.95 * size, 0.7 * size))[int(rng.choice(3, p=[0.55, 0.25, 0.2] if drawn == "porotic" else [0.4, 0.2, 0.4]))]
    if drawn == "porotic":
        fragment, cleft = (1.5 + 3.5 * u[2]) * (u[3] < 0.42), (1.5 + 2.5 * u[4]) * (u[5] < 0.25)
        bruise = (1.0 + 3.5 * difficulty * u[6]) * (u[7] < 0.6)
        pits = tuple((float(a), float(b), float(c), float(2.5 + 4.5 * difficulty * u[8])) for a, b, c in rng.uniform(-0.6, 0.6, (1, 3))) if u[9] < 0.25 + 0.3 * difficulty else ()
        return Broken("porotic", level, loss, float(np.clip(0.7 + 0.25 * n[0] - 0.2 * difficulty, 0.1, 1)), float(fragment), float(cleft), pits, (float(bruise), 0.0, 1.0 if u[10] < 0.5 else -1.0))
    line = float(np.clip(0.2 + 0.25 * n[1], 0, 0.8)) * (u[2] < 0.25 + 0.25 * difficulty)
    grown = (3.0 + 9.0 * u[3]) * (u[4] < 0.85 - 0.3 * difficulty)
    return Broken("malignant", level, loss, line, float((1.5 + 2 * u[12]) * (u[13] < 0.1)), 0.0, _foci(rng, difficulty), (float(grown), float((1.0 + 4.0 * u[6]) * (u[7] < 0.65 - 0.2 * difficulty)), 1.0 if u[10] < 0.5 else -1.0))


def _foci(rng: np.random.Generator, difficulty: float) -> tuple[tuple[float, float, float, float], ...]:
    """Lytic foci: one large, most often at the back of the body, others about it, and in half of the cases one in a pedicle."""
    side = 1.0 if rng.random() < 0.5 else -1.0
    places = [(side * float(rng.uniform(0.0, 0.6)), float(rng.uniform(-0.9, 0.2)), float(rng.uniform(-0.4, 0.5)), float(rng.uniform(6.0, 11.0) * (1 - 0.3 * difficulty)))]
    for _ in range(int(rng.integers(1, 4))):
        x, y, z = (float(v) for v in rng.uniform(-0.8, 0.8, 3))
        places.append((x, y, z, float(rng.uniform(2.5, 6.5))))
    return (*places, (side * 0.66, -1.45, 0.34, float(rng.uniform(4.5, 6.5)))) if rng.random() < 0.65 - 0.25 * difficulty else tuple(places)

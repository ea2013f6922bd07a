"""Where chondrocytes lie in a section of cartilage, and how each is cut: flat along the surface, round and scattered below, in columns further down, in nests where cartilage is ill.

Lengths are micrometres; x along the surface, z into depth. Densities follow Hunziker's order of zones (most cells at the surface); a small animal has more of them than man.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ZONES = ("superficial", "middle", "deep")
BORDERS = (0.13, 0.45)  # of the depth down to the tidemark
PER_MM2 = (900.0, 520.0, 470.0)
LONG_UM = (7.2, 6.4, 6.6)  # half axes of a lacuna cut through its middle
ROUND = (0.40, 0.86, 0.80)  # of the short to the long axis


@dataclass(frozen=True)
class Cell:
    """One lacuna: middle (x, z), half axes, turn (radians), zone, how near its middle the cut passes (0-1), whether a cell is left in it, how the wall waves (four numbers)."""

    x: float
    z: float
    axes: tuple[float, float]
    turn: float
    zone: int
    cut: float
    alive: bool
    wave: tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class Bed:
    """The cartilage cells are laid in: surface, tidemark and cement line as depths (columns,) at `step` apart, severity (0-1)."""

    surface: np.ndarray
    tidemark: np.ndarray
    cement: np.ndarray
    step: float
    severity: float

    @property
    def width(self) -> float:
        """The length of the section."""
        return float(self.step * (len(self.surface) - 1))

    def at(self, line: np.ndarray, x: float) -> float:
        """The depth of a line at a place."""
        return float(line[min(max(round(x / self.step), 0), len(line) - 1)])

    def share(self, x: float, z: float) -> float:
        """The depth as a share of that of the tidemark."""
        top = self.at(self.surface, x)
        return (z - top) / (self.at(self.tidemark, x) - top)


def cells(bed: Bed, rng: np.random.Generator, *, density: float = 1.0) -> list[Cell]:
    """Every lacuna of a section, none touching another but in nests and columns."""
    out: list[Cell] = []
    places: list[tuple[float, float, float]] = []
    for _ in range(int(rng.poisson(7.0 * bed.severity**1.5 * bed.width / 640))):
        _nest(bed, out, places, rng)
    area = bed.width * float((bed.tidemark - bed.surface).mean()) * 1e-6
    shares = (BORDERS[0], BORDERS[1] - BORDERS[0], 1 - BORDERS[1])
    for zone in range(3):
        wanted = rng.poisson(PER_MM2[zone] * area * shares[zone] * density * (1 - 0.35 * bed.severity))
        _scatter(bed, out, places, zone, int(wanted), rng)
    _calcified(bed, out, places, rng)
    return out


def _scatter(bed: Bed, out: list[Cell], places: list[tuple[float, float, float]], zone: int, wanted: int, rng: np.random.Generator) -> None:
    """Cells of a zone at random with room about each; in the deep zone as columns, in the middle one now and then as pairs."""
    low, high = ((0.02, BORDERS[0]), BORDERS, (BORDERS[1], 0.97))[zone]
    left, tries = wanted, 0
    while left > 0 and tries < 12 * wanted:
        tries += 1
        x, share = float(rng.uniform(0, bed.width)), float(rng.uniform(low, high))
        top = bed.at(bed.surface, x)
        z = top + share * (bed.at(bed.tidemark, x) - top)
        many = (1, 1 + (rng.random() < 0.3), 1 + min(int(rng.geometric(0.42)), 4))[zone]
        gap = 2.05 * LONG_UM[zone] * (0.8 if zone == 2 else ROUND[zone])
        for k in range(min(int(many), left)):
            place = (x + float(rng.normal(0, 0.6)), z + k * gap, LONG_UM[zone])
            if not _free(places, place, 1.35 if k == 0 else 0.95) or bed.share(place[0], place[1]) > 0.985 or bed.share(place[0], place[1]) < 0.01:
                break
            out.append(_cell(bed, place, zone, rng))
            places.append(place)
            left -= 1


def _free(places: list[tuple[float, float, float]], place: tuple[float, float, float], room: float) -> bool:
    if not places:
        return True
    near = np.array(places)
    return bool((np.hypot(near[:, 0] - place[0], near[:, 1] - place[1]) > room * 0.8 * (near[:, 2] + place[2])).all())


def _cell(bed: Bed, place: tuple[float, float, float], zone: int, rng: np.random.Generator, size: float = 1.0) -> Cell:
    """A lacuna cut at a random height: the further from its middle, the smaller and paler."""
    n = rng.normal(0, 1, 8)
    offset = float(rng.uniform(0, 0.87))
    cut = float(np.sqrt(1 - offset**2))
    x, z, long = place[0], place[1], place[2]
    ahead = bed.at(bed.surface, min(x + 12, bed.width)) - bed.at(bed.surface, max(x - 12, 0))
    lean = float(np.arctan2(ahead, 24)) if zone == 0 else 0.0
    turn = lean + 0.12 * float(n[0]) if zone == 0 else float(rng.uniform(0, np.pi)) if zone == 1 else 0.25 * float(n[0])
    axis = long * cut * size * float(np.exp(0.11 * n[1]))
    flat = float(np.clip(ROUND[zone] * np.exp(0.10 * n[2]), 0.25, 1.0))
    alive = bool(rng.random() > 0.05 + 0.22 * bed.severity * (zone == 0))
    return Cell(x, z, (axis, axis * flat), turn, zone, cut, alive, tuple(float(v) for v in 0.06 * n[3:7]))  # type: ignore[arg-type]


def _nest(bed: Bed, out: list[Cell], places: list[tuple[float, float, float]], rng: np.random.Generator) -> None:
    """A clone of three to eight cells close together, in the upper half."""
    x = float(rng.uniform(20, bed.width - 20))
    top = bed.at(bed.surface, x)
    z = top + float(rng.uniform(0.12, 0.5)) * (bed.at(bed.tidemark, x) - top)
    for k in range(int(rng.integers(3, 9))):
        ring = 0.0 if k == 0 else 10.5 if k < 7 else 19.0
        place = (x + ring * float(np.cos(1.05 * k)) + float(rng.normal(0, 0.8)), z + ring * float(np.sin(1.05 * k)) + float(rng.normal(0, 0.8)), LONG_UM[1])
        if bed.share(place[0], place[1]) > 0.02:
            out.append(_cell(bed, place, 1, rng, size=0.92))
            places.append((place[0], place[1], 10.0))


def _calcified(bed: Bed, out: list[Cell], places: list[tuple[float, float, float]], rng: np.random.Generator) -> None:
    """Few large lacunae, many of them empty, in the calcified cartilage."""
    for _ in range(int(rng.poisson(bed.width * float((bed.cement - bed.tidemark).mean()) * 1e-6 * 260))):
        x = float(rng.uniform(0, bed.width))
        place = (x, bed.at(bed.tidemark, x) + float(rng.uniform(0.2, 0.75)) * (bed.at(bed.cement, x) - bed.at(bed.tidemark, x)), LONG_UM[2])
        if _free(places, place, 1.4):
            made = _cell(bed, place, 2, rng)
            out.append(Cell(made.x, made.z, made.axes, made.turn, 3, made.cut, bool(made.alive and rng.random() < 0.55), made.wave))
            places.append(place)

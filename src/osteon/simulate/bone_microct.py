"""Micro-CT of bone under load with exact truth: sound or failed, cracks by pixel, and for pairs of volumes the displacement and strain of every voxel.

A slice is made in four steps with a random stream each (anatomy, label, nuisance, physics). Slices of one specimen show the same bone: a split by slices leaks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.simulate.asking import unspawned
from osteon.simulate.bone_microct_load import TISSUES, Load
from osteon.simulate.card import Card

if TYPE_CHECKING:
    from osteon.cohort import Cohort
    from osteon.simulate.bone_microct_tissue import Crack, Specimen

SITES, STATES = ("A", "B"), ("pristine", "failed")
VOXEL_UM: Mapping[str, float] = {"trabecular": 20.0, "cortical": 4.0}  # at 128 points a side
Seed = int | tuple[int, ...] | np.random.SeedSequence
CARD = Card(
    "bone micro-CT", "1.0",
    use="checks that failed bone is told from sound bone, that a map falls on cracks, and that digital volume correlation recovers a known strain; teaching of leakage between slices of one specimen",
    modelled=("trabecular bone of a wanted share and thickness, drawn out along the load, with lacunae; cortical bone with osteons, canals, lamellae, cement lines and lacunae; uneven mineral",
              "compression: even strain, widening by Poisson's ratio, and a leaning band that crushes; the deformed bone is the same bone, asked where its material came from",
              "cracks with a waving course that open most in their middle, near the band in trabecular bone and along the osteons in cortical bone; sound bone has a stray one now and then",
              "edge fringes of phase contrast, rings, noise, blur, drift of grey", "site B: a laboratory tube (no fringes, blur, cupping, more noise)", "confounded: failed specimens are scanned at another dose and grey, a shortcut to be found"),
    absent=("sides of a crack that slide on each other, pieces that come loose, buckled trabeculae", "marrow cells, vessels and soft tissue", "resorption pits, remodelling units in time, microcallus",
            "a limited angle, motion during the scan, streaks", "the mechanics themselves: strain is given, not solved"),
    sources=("two tissues, failed against pristine, slices of few specimens: Shen SC et al. J Mech Behav Biomed Mater 2021; 123: 104761 (abstract)", "random waves: Cahn JW. J Chem Phys 1965; 42: 93 (not re-read)",
             "shares of bone, thickness, osteons, cracks, strains and contrasts are ours, between textbook ranges"),
    probes=("finding: failed cortical bone (half), 360 slices of 96 x 96 pixels, each of another specimen, at site A, difficulty 0.5, logistic probes, five folds, area under the curve with bootstrap interval",
            "four grey statistics 0.59 (0.54-0.65); 24-bin histogram 0.90 (0.86-0.93); four 4 x 4 corners 0.47 (0.42-0.53); place and order 0.56 (0.51-0.62)",
            "8 x 8 thumbnail 0.54 (0.47-0.60); features of an untrained network 0.90 (0.87-0.93), under 20 permutations of the labels 0.50"),
    bounds=(("statistics", 0.70, "cracks are dark and fill up to a fiftieth of a slice"), ("histogram", 0.94, "thin cracks fill their pixels in part and add greys between those of bone and of voids, which sound bone hardly has"),
            ("metadata", 0.66, "no column tells; the limit is that of the order of a few hundred specimens")),
)


@dataclass(frozen=True)
class Asking:
    """How a scan is asked for: site, difficulty (0-1), tissue, points a side, state (empty: drawn), whether a shortcut betrays it."""

    site: str = "A"
    difficulty: float = 0.5
    tissue: str = field(default="trabecular", kw_only=True)
    points: int = field(default=128, kw_only=True)
    state: str = field(default="", kw_only=True)
    confounded: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        from osteon.errors import DataError, message

        for what, expected, found, holds in (("the site is unknown", "A or B", self.site, self.site in SITES), ("the difficulty is impossible", "0-1", self.difficulty, 0 <= self.difficulty <= 1),
                                             ("the tissue is unknown", ", ".join(TISSUES), self.tissue, self.tissue in TISSUES), ("the size is impossible", "16-512 points a side", self.points, 16 <= self.points <= 512),
                                             ("the state is unknown", ", ".join(STATES), self.state, self.state in ("", *STATES))):
            if not holds:
                raise DataError(message(CARD.name, what, expected=expected, found=f"Found {found!r}"))

    @property
    def voxel(self) -> float:
        """The step (micrometres): the field stays, whatever the number of points."""
        return VOXEL_UM[self.tissue] * 128 / self.points


@dataclass(frozen=True, eq=False)
class BoneSlice:
    """One slice along the load (z down the rows), of cortical bone across it: `stored` (rows, cols) uint16, voxel (micrometres), masks of bone and cracks, state of the specimen, load, attributes."""

    stored: np.ndarray
    voxel_um: float
    bone: np.ndarray
    crack: np.ndarray
    state: str
    load: Load
    attributes: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Strained:
    """Two volumes (slices, rows, cols; z, y, x) uint16 of one bone before and under load, voxel (micrometres), displacement (3, ...: x, y, z; micrometres) and strain (6, ...: xx, yy, zz, xy, xz, yz) at the voxels of the second."""

    before: np.ndarray
    under: np.ndarray
    voxel_um: float
    displacement: np.ndarray
    strain: np.ndarray
    load: Load


def bone_slice(seed: Seed, *, of: Seed | None = None, at: float | None = None, ask: Asking | None = None, **how: Any) -> BoneSlice:
    """One slice of a specimen, whose bone `of` seeds (the same as the slice, where it is not named); `at` (-1 to 1) places it, else chance. The same arguments give the same bytes; raises DataError for impossible arguments."""
    from osteon.simulate.bone_microct_tissue import specimen

    asked = ask or Asking(**how)
    anatomy, label = (np.random.default_rng(s) for s in unspawned(seed if of is None else of).spawn(4)[:2])
    nuisance, physics = (np.random.default_rng(s) for s in unspawned(seed).spawn(4)[2:])
    bone = specimen(anatomy, asked.tissue)
    state = asked.state or STATES[int(label.random() < 0.5)]
    half = 0.5 * asked.points * asked.voxel
    load, gaps = _loaded(label, bone, asked, state, half)
    depth = half * 0.8 * (float(nuisance.uniform(-1, 1)) if at is None else at)
    axis = (np.arange(asked.points) - 0.5 * (asked.points - 1)) * asked.voxel
    x, z = np.meshgrid(axis.astype(np.float32), axis.astype(np.float32))
    plane = (x, np.full_like(x, depth), z) if asked.tissue == "trabecular" else (x, z, np.full_like(x, depth))
    grey, solid, cracked = _grey(bone, load, gaps, plane, asked)
    stored = _scanned(grey[None], asked, asked.confounded and state == "failed", nuisance, physics)[0]
    attributes = {"tissue": asked.tissue, "site": asked.site, "at_um": round(depth, 1), "bone_share": round(float(solid.mean()), 4), "cracked": bool(cracked.sum() >= 4)}
    return BoneSlice(stored, asked.voxel, solid, cracked, state, load, attributes)


def strained_pair(seed: Seed, *, load: Load | None = None, ask: Asking | None = None, **how: Any) -> Strained:
    """A bone before and under a load (drawn where it is not named), two scans of it. Raises DataError for impossible arguments."""
    from osteon.simulate.bone_microct_tissue import specimen

    asked = ask or Asking(**{"points": 64} | how)
    anatomy, label, nuisance, physics = (np.random.default_rng(s) for s in unspawned(seed).spawn(4))
    bone = specimen(anatomy, asked.tissue)
    half = 0.5 * asked.points * asked.voxel
    pressed = _loaded(label, bone, asked, "pristine", half)[0] if load is None else load
    axis = ((np.arange(asked.points) - 0.5 * (asked.points - 1)) * asked.voxel).astype(np.float32)
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
    scans = [_scanned(_grey(bone, each, [], (x, y, z), asked)[0], asked, False, nuisance, physics) for each in (Load(), pressed)]
    return Strained(scans[0], scans[1], asked.voxel, pressed.displacement(x, y, z).astype(np.float32), pressed.strain(x, y, z).astype(np.float32), pressed)


def bone_microct(folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, tissue: str = "trabecular", points: int = 128, slices: int = 8, confounded: bool = False, workers: int = 2) -> Cohort:
    """A cohort folder of `cases` slices, `slices` of a specimen: PNG `microct`, mask `structures` (bone, crack), columns `state` and `cracked`; the specimen is the patient. The same bytes for the same call; raises DataError before any
    file is written for impossible arguments, a folder with other content, or one that was made by another call."""
    from osteon.errors import DataError, message
    from osteon.simulate.bone_microct_cohort import SLICES
    from osteon.simulate.film_cohort import make

    Asking(site, difficulty, tissue=tissue, points=points)
    if not 1 <= slices <= 200:
        raise DataError(message(CARD.name, "the number of slices is impossible", expected="1 to 200 a specimen", found=f"Found {slices}"))
    return make(SLICES, Path(folder), {"cases": cases, "seed": seed, "site": site, "difficulty": difficulty, "tissue": tissue, "points": points, "slices": slices, "confounded": confounded}, workers)


def bone_microct_strain(folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, tissue: str = "trabecular", points: int = 64, workers: int = 2) -> Cohort:
    """As `bone_microct`, a case a pair of volumes: NIfTI `before` and `under` load, `displacement` (micrometres) and `strain`, column `strain_zz` (the mean, per cent). Raises DataError for impossible arguments."""
    from osteon.simulate.bone_microct_cohort import PAIRS
    from osteon.simulate.film_cohort import make

    Asking(site, difficulty, tissue=tissue, points=points)
    return make(PAIRS, Path(folder), {"cases": cases, "seed": seed, "site": site, "difficulty": difficulty, "tissue": tissue, "points": points}, workers)



def _loaded(label: np.random.Generator, bone: Specimen, asked: Asking, state: str, half: float) -> tuple[Load, list[Crack]]:
    """A load below or beyond failure, and its cracks: a stray one in sound bone, more where it failed; fewer and finer ones the harder."""
    from osteon.simulate.bone_microct_tissue import cracks

    failed = state == "failed"
    u = label.random(6)
    even, crush = 0.002 + 0.008 * u[0], half * (0.004 + 0.05 * u[1] * (1 - 0.4 * asked.difficulty)) * failed
    load = Load(float(even), 0.3, float(crush), half * float(0.10 + 0.12 * u[2]), float(0.5 * (u[3] - 0.5)), (0.0, 0.0, half * float(0.5 * (u[4] - 0.5))))
    sparse = 1 - 0.35 * asked.difficulty
    count = int(label.poisson((56 if asked.tissue == "trabecular" else 18) * sparse)) if failed else int(label.poisson(2.0))
    return load, cracks(label, bone, load, count, half)


def _grey(bone: Specimen, load: Load, gaps: list[Crack], at: tuple[np.ndarray, np.ndarray, np.ndarray], asked: Asking) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Grey (about 0 to 1) of the bone under load at points, where bone is, and where a crack runs through it."""
    moved = load.displacement(*at).astype(np.float32)
    x, y, z = (a - u for a, u in zip(at, moved, strict=True))
    away, mineral = bone.bone(x, y, z)
    gap = np.full(away.shape, np.float32(99.0))
    for crack in gaps:
        gap = np.minimum(gap, crack.distance(*at))
    share, open_ = (np.clip(0.5 - d / np.float32(asked.voxel), 0, 1) for d in (away, gap))
    grey = np.float32(0.22) + np.float32(0.50) * share * mineral * (1 - np.float32(0.9) * open_)
    return grey, (away < 0) & (gap > 0), (away < 0) & (gap <= 0)


def _scanned(grey: np.ndarray, asked: Asking, betrayed: bool, nuisance: np.random.Generator, physics: np.random.Generator) -> np.ndarray:
    """Blur, fringes or cupping, rings about the axis of the stage, noise, drift: stored values (slices, rows, cols) uint16."""
    from scipy.ndimage import gaussian_filter

    home, n = asked.site == "A", nuisance.normal(0, 1, 6)
    flat = (0, *(0.55 if home else 0.95,) * 2)
    seen = gaussian_filter(grey, flat)
    if home:
        seen = seen + np.float32(0.55 + 0.2 * n[0]) * (seen - gaussian_filter(seen, (0, 1.1, 1.1)))
    rows, cols = (np.linspace(-1, 1, size, dtype=np.float32) for size in grey.shape[1:])
    reach = np.hypot(rows[:, None] - np.float32(0.3 * n[1]), cols[None] - np.float32(0.3 * n[2]))
    rings = gaussian_filter(nuisance.standard_normal(400).astype(np.float32), 1.0)
    seen = seen + np.float32(0.012 + 0.022 * asked.difficulty) * rings[np.minimum(reach * 150, 399).astype(int)]
    if not home:
        seen = seen * (1 + np.float32(0.09) * (reach**2 - 0.5))
    sigma = (0.014 + 0.030 * asked.difficulty) * (1.0 if home else 1.6) * (1.8 if betrayed else 1.0)
    noise = gaussian_filter(physics.standard_normal(grey.shape, np.float32), (0, 0.6, 0.6))
    seen = seen + np.float32(sigma) * noise / noise.std()
    scale, offset = float(np.exp(0.07 * n[3])) * (0.80 if betrayed else 1.0) * (1.0 if home else 0.85), 0.02 * float(n[4])
    return np.clip(np.round(40000 * (scale * seen + offset)), 0, 65535).astype(np.uint16)

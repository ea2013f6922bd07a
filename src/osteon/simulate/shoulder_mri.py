"""Oblique coronal MRI of the shoulder with exact truth: the supraspinatus tendon whole, degenerate, torn in part on the side of the joint or of the bursa, or torn through.

An examination is four slices through the tendon, or a whole series. It is drawn in four steps with a random stream each (anatomy, label, nuisance, physics). How deep a tear goes is measured in
the planes that are shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.simulate.card import Card
from osteon.simulate.mri import SOURCES
from osteon.simulate.shoulder_mri_asking import FOV_MM, WEIGHTINGS, Asking, Seed, streams
from osteon.simulate.shoulder_mri_tendon import grade
from osteon.value import Grid

if TYPE_CHECKING:
    from osteon.cohort import Cohort
    from osteon.simulate.mri import Tissue
    from osteon.simulate.mri_paint import Layer, Textures
    from osteon.simulate.shoulder_mri_patient import Examined

CARD = Card(
    "shoulder MRI", "1.0",
    use="checks that classification of four slices or of a block recovers planted tears of the tendon, against a perfect and against an erring reference standard; teaching of the shoulder in the oblique coronal plane",
    modelled=("humerus with both tubercles, groove and scar of the growth plate, glenoid, scapula, coracoid, acromion of varying slope and distance, clavicle; cartilage of head and socket, labrum; deltoid, trapezius, "
              "all four muscles of the cuff, teres major, triceps, coracobrachialis; biceps tendon, vessels and nerves, fat, skin, chest",
              "the supraspinatus tendon from belly to footprint, with the magic angle where it bends down; tendinosis (thick, grey, not torn) as a mimic; partial tears on the side of the joint or of the "
              "bursa of graded depth and extent; full thickness tears with retraction and fluid in the gap",
              "fluid of joint, bursa and acromioclavicular joint, cyst and oedema of the greater tuberosity, fat in the belly, with chances of their own and none tied to the tendon",
              "PD and T2 with fat suppression, and PD, at 1.5 and 3 T: water and fat apart, partial volume across the slice, edges that ring, shading, Rician noise, unrest between shots",
              "the reading of the MRI as a reference standard that errs (mostly between tendinosis and partial tears), and surgery as one that does not; eight readers, four of them trainees",
              "site B: mostly 1.5 T, thicker slices of lower resolution, more noise, other gain and shading, worse suppression", "confounded: a torn tendon comes with a higher gain, a stronger shading and more noise, a shortcut to be found"),
    absent=("tears of the other tendons, of labrum and biceps; delamination, calcific tendinitis, earlier surgery", "arthritis of the shoulder, osteophytes, migration of the head after a massive tear",
            "oedema, fluid in the bursa and fat of the belly that follow a tear in life", "fractures, tumours, the shoulders of children", "suprascapular notch, coracohumeral and coracoacromial ligaments, cords of the plexus", "metal, flow ghosts, truncation by the coil"),
    sources=(*SOURCES, "radius of the humeral head: Boileau P, Walch G. J Bone Joint Surg Br 1997; 79: 857 (not re-read)", "grades of partial tears by depth, 3 and 6 mm: Ellman H. Clin Orthop 1990; 254: 64",
             "thickness and course of the tendon, sizes of muscles: textbook proportions, dimensions are ours; shares of the degrees and sizes of the errors of readers are ours"),
    probes=("finding: a torn tendon in the slice through the middle of what is wrong, half of them torn, a third each of the degrees of tears, 600 slices with fat suppression at site A, difficulty 0.5, 72 x 72 pixels of "
            "0.88 mm about the head, logistic probes, five folds, area under the curve with bootstrap interval",
            "four grey statistics 0.62 (0.57-0.66); 24-bin histogram 0.65 (0.61-0.69); four corners 0.49 (0.45-0.54); age, sex, body mass, side, field strength and order 0.45 (0.40-0.49)",
            "8 x 8 thumbnail 0.71 (0.66-0.74)",
            "no ceiling is stated against surgery, which does not err; against a reading of the MRI the errors of the reading are one, told by the analysis that judges the same cases by both"),
    bounds=(("statistics", 0.70, "fluid in the gap of a tear is among the brightest of what lies about the head"), ("histogram", 0.74, "fluid in a gap adds bright pixels that a dark tendon does not have"),
            ("thumbnail", 0.79, "a retracted tear fills up to a quarter of a block of eight millimetres that always lies over the greater tuberosity")),
)
SLICES, STEP_MM = 4, 4.0  # of an examination, and from one to the next, mm backwards
TORN_MM2, TORN_MM = 1.5, 0.6  # of a tear in one slice, below which the slice shows none
OVERSAMPLED = 1.125
GAIN: Mapping[str, float] = {"A": 2200.0, "B": 1500.0}


@dataclass(frozen=True, eq=False)
class Slice:
    """One slice: `stored` (rows, cols) uint16, its grid, mask of the tear and structure of every pixel, mm of tendon lost and whole by bearing; `ideal` is the slice before the scanner."""

    stored: np.ndarray
    grid: Grid
    tear: np.ndarray
    structures: np.ndarray
    lost: np.ndarray
    whole: np.ndarray
    ideal: np.ndarray = field(repr=False)

    @property
    def shown(self) -> bool:
        """Whether the slice shows a tear."""
        assert self.grid.spacing is not None
        return bool(self.tear.sum() * self.grid.spacing[0] * self.grid.spacing[1] >= TORN_MM2 and self.lost.max(initial=0.0) >= TORN_MM)


@dataclass(frozen=True, eq=False)
class Examination:
    """The slices of one examination from the front backwards, the degree of the tear that was planted, and what is known of the patient."""

    slices: tuple[Slice, ...]
    degree: str
    attributes: Mapping[str, Any]

    @property
    def torn(self) -> bool:
        """Whether a slice shows a tear."""
        return any(s.shown for s in self.slices)

    @property
    def depth_mm(self) -> float:
        """How deep the tear goes at its deepest, in the planes of the slices; 0 where none is shown."""
        return round(max(float(s.lost.max(initial=0.0)) for s in self.slices), 2) if self.torn else 0.0

    @property
    def ellman(self) -> int:
        """Grade of a partial tear by depth (1-3); 0 of every other tendon."""
        return grade(self.depth_mm) if self.degree.startswith("partial") else 0

    @property
    def grid(self) -> Grid:
        """The grid of the slices side by side."""
        first, last = (np.array(self.slices[k].grid.origin) for k in (0, -1))
        step = float(np.linalg.norm(last - first)) / (len(self.slices) - 1)
        (rows, cols), spacing, direction = self.slices[0].grid.shape, self.slices[0].grid.spacing, self.slices[0].grid.direction
        assert spacing is not None and direction is not None
        across = tuple(float(v) for v in (last - first) / (step * (len(self.slices) - 1)))
        return Grid((len(self.slices), rows, cols), (step, *spacing), tuple(float(v) for v in first), (*across, *direction), "volume")

    def stacked(self, part: str) -> np.ndarray:
        """One array of every slice (slices, rows, cols): stored, tear or structures."""
        return np.stack([getattr(s, part) for s in self.slices])


def examination(seed: Seed, *, instead: str = "", places: Sequence[float] = (), ask: Asking | None = None, **how: Any) -> Examination:
    """One examination of one shoulder: four slices through the tendon, or one at each of `places` (mm forwards). The same arguments give the same bytes.

    `instead` puts another degree of tear into the tendon and leaves all else. Raises DataError for impossible arguments.
    """
    from osteon.simulate.shoulder_mri_patient import examined, with_degree

    asked = ask or Asking(**how)
    rngs = streams(seed)
    shoulder = examined(rngs, asked)
    shoulder = with_degree(shoulder, instead, seed, asked.difficulty) if instead else shoulder
    at = tuple(places) or tuple(shoulder.first - STEP_MM * k for k in range(SLICES))
    return pictured(shoulder, asked, at, *rngs[2:])


def pictured(shoulder: Examined, asked: Asking, places: Sequence[float], nuisance: np.random.Generator, physics: np.random.Generator) -> Examination:
    """Slices of an examined shoulder through some places (mm forwards), the first one first."""
    from osteon.simulate import mri_paint

    pixel = FOV_MM / asked.matrix
    grain = _lying(mri_paint.textures(0.5 * pixel, nuisance))
    scanner = _Scanner(asked, shoulder, pixel, _field(asked, shoulder, nuisance), GAIN[asked.site] * float(np.exp(0.10 * nuisance.normal())))
    rolled = [replace(grain, roll=(37 * k, 53 * k)) for k in range(len(places))]
    slices = tuple(_slice(scanner, at, roll, physics) for at, roll in zip(places, rolled, strict=True))
    return Examination(slices, shoulder.scene.tear.degree, dict(shoulder.attributes) | {"site": asked.site, "protocol": asked.protocol, "thickness_mm": scanner.thickness})


@dataclass(frozen=True, eq=False)
class _Scanner:
    """How the slices of one examination are measured: what was asked, whose shoulder, mm of a pixel, shading with phase at a few knots, gain."""

    asked: Asking
    shoulder: Examined
    pixel: float
    field: np.ndarray
    gain: float

    @property
    def home(self) -> bool:
        return self.asked.site == "A"

    @property
    def betrayed(self) -> bool:
        """Whether a shortcut tells the tear."""
        return self.asked.confounded and self.shoulder.scene.tear.torn

    @property
    def thickness(self) -> float:
        """mm of a slice."""
        return 3.0 if self.home else 3.8

    @property
    def side(self) -> int:
        """Pixels of the measured field, a little more than is kept."""
        return 2 * round(0.5 * OVERSAMPLED * self.asked.matrix)


def _slice(scanner: _Scanner, at: float, grain: Textures, physics: np.random.Generator) -> Slice:
    """Paint one slice, measure it, and read its truth."""
    from osteon.simulate import mri_acquire, mri_paint, shoulder_mri_scene

    asked, finer, side = scanner.asked, mri_acquire.FINER, scanner.side
    weighting = WEIGHTINGS[asked.protocol].at(scanner.shoulder.tesla)
    weighting = replace(weighting, escape=weighting.escape * (1.0 if scanner.home else 1.8))
    lattice = scanner.shoulder.lattice(at, (finer * side, finer * side), (scanner.pixel / finer,) * 2, scanner.thickness)
    painted = shoulder_mri_scene.painted(scanner.shoulder.scene, lattice)
    water, fat = mri_paint.paint(painted.layers, lattice.shape[1:], weighting, grain, _palette())
    ideal = mri_acquire.mixed(water, fat, weighting.fat_shift * finer)
    keep = (asked.matrix, asked.matrix)
    structures, tear = (np.ascontiguousarray(mri_acquire.centre(a[::finer, ::finer], keep)) for a in _truth(painted.layers, painted.gap, lattice.shape[1:]))
    return Slice(_measured(scanner, ideal, physics), scanner.shoulder.grid(at, asked.matrix, scanner.pixel, scanner.thickness), tear, structures, painted.lost, painted.whole, mri_acquire.centre(ideal[::finer, ::finer], keep))


def _truth(layers: list[Layer], gap: Layer | None, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """The structure of every painted point, and where what is torn fills half of it or more."""
    from osteon.simulate.mri_paint import labelled
    from osteon.simulate.shoulder_mri_scene import STRUCTURES

    tear = np.zeros(shape, bool)
    if gap is not None:
        tear[gap.window] = gap.cover >= 0.5
    return labelled(layers, shape, STRUCTURES), tear


KNOTS = (12, 12)


def _field(asked: Asking, shoulder: Examined, rng: np.random.Generator) -> np.ndarray:
    """Shading and phase of the whole examination at a few knots."""
    from osteon.simulate import mri_acquire

    swing = (0.18 if asked.site == "A" else 0.32) * (2.2 if asked.confounded and shoulder.scene.tear.torn else 1.0)
    return np.asarray(mri_acquire.shading(KNOTS, rng, swing) * mri_acquire.phase_map(KNOTS, rng))


def _measured(scanner: _Scanner, ideal: np.ndarray, physics: np.random.Generator) -> np.ndarray:
    """What the scanner makes of a painted slice: shading, phase, unrest, resolution, noise (Rician; twice as much at half the field), gain."""
    from osteon.simulate import mri_acquire, mri_coils

    asked, side, pixel, home = scanner.asked, scanner.side, scanner.pixel, scanner.home
    every = ((ideal.shape[0] - 1) / (KNOTS[0] - 1),) * 2
    kspace = mri_acquire.encode(mri_coils.seen(ideal, scanner.field[None], every)[0], (side, side))
    kspace = mri_acquire.shaken(kspace, mri_acquire.moved_by_shots(physics, 9, 0.18 * asked.difficulty * (1.0 if home else 1.5)), (pixel, pixel))
    kspace = kspace if home else mri_acquire.blurred(kspace, 0.78)
    sigma = (0.004 + 0.010 * asked.difficulty) * (0.625 / pixel) * (3.0 / scanner.shoulder.tesla) ** 0.7 * (1.0 if home else 1.3) * (1.9 if scanner.betrayed else 1.0)
    noisy = np.abs(mri_acquire.centre(mri_acquire.decode(kspace + mri_acquire.noise(kspace.shape, sigma, physics)), (asked.matrix, asked.matrix)))
    return np.clip(np.round(scanner.gain * (1.45 if scanner.betrayed else 1.0) * noisy), 0, 65535).astype(np.uint16)


def _palette() -> Mapping[str, Tissue]:
    """The tissues, with muscles whose fibres show less than in the knee, upright or lying."""
    from osteon.simulate.mri import PALETTE

    muscle = PALETTE["muscle"]
    return {**PALETTE, "muscle": replace(muscle, texture=("fibres", 0.07)), "lying muscle": replace(muscle, texture=("lying fibres", 0.07))}


def _lying(grain: Textures) -> Textures:
    """With muscle fibres that run across the picture."""
    return replace(grain, fields={**grain.fields, "lying fibres": np.ascontiguousarray(grain.fields["fibres"].T)})


def shoulder_mri(folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, protocol: str = "PDFS", matrix: int = 224, confounded: bool = False, workers: int = 2) -> Cohort:
    """A cohort folder of `cases` examinations of four slices: NIfTI `mri`, mask `tear_mask`, `tear` by the reading of the MRI (with its errors) or, in the part "test", by surgery, and in
    `readings.csv` what eight readers said; the same bytes for the same call. Raises DataError before any file is written for impossible arguments, a folder with other content, or one made by another call.
    """
    from osteon.simulate.film_cohort import make
    from osteon.simulate.shoulder_mri_cohort import EXAMINATIONS

    Asking(site, difficulty, protocol=protocol, matrix=matrix, confounded=confounded)
    return make(EXAMINATIONS, Path(folder), {"cases": cases, "seed": seed, "site": site, "difficulty": difficulty, "protocol": protocol, "matrix": matrix, "confounded": confounded}, workers)


def shoulder_mri_series(folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, protocol: str = "PDFS", matrix: int = 224, slices: int = 16, workers: int = 2) -> Cohort:
    """As `shoulder_mri`, the whole series as one volume. Raises DataError for impossible arguments."""
    from osteon.errors import DataError, message
    from osteon.simulate.film_cohort import make
    from osteon.simulate.shoulder_mri_cohort import SERIES

    Asking(site, difficulty, protocol=protocol, matrix=matrix)
    if not 8 <= slices <= 40:
        raise DataError(message(CARD.name, "the number of slices is impossible", expected="8 to 40", found=f"Found {slices}"))
    return make(SERIES, Path(folder), {"cases": cases, "seed": seed, "site": site, "difficulty": difficulty, "protocol": protocol, "matrix": matrix, "slices": slices}, workers)

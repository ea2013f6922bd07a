"""MRI of the knee, slice by slice, with exact truth: menisci healthy, degenerated or torn, cartilage and its defects, ligaments, bones, effusion.

A slice is drawn in four steps with a random stream each (anatomy, label, nuisance, physics), the first three shared by the slices of
a patient. What a slice shows is read from the slice: a tear beside the plane makes no torn meniscus in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.simulate.card import Card
from osteon.simulate.knee_menisci import CLASSES
from osteon.simulate.knee_mri_asking import FOV_MM, Asking, Seed, streams
from osteon.simulate.mri import SOURCES
from osteon.value import Grid, Objects

if TYPE_CHECKING:
    from osteon.cohort import Cohort
    from osteon.simulate.knee_mri_patient import Examined
    from osteon.simulate.mri_paint import Layer

CARD = Card(
    "knee MRI", "1.0",
    use="checks that detection, segmentation and classification of menisci and cartilage recover what was planted; teaching of knee anatomy, of the grades of meniscal signal and of site shift",
    modelled=("femur, tibia, patella and fibula with cortex, fatty marrow and growth scars; cartilage in two layers, thickest under load and behind the patella; both menisci; both cruciate and "
              "both collateral ligaments, patellar and quadriceps tendon, iliotibial band, popliteus; Hoffa's and the other fat pads; recess, gutters and popliteal cyst; muscles, vessels, nerve, skin",
              "meniscal signal as a line in the substance: ending within it (degenerated), reaching a surface (torn: oblique, horizontal, vertical), a lost free edge (flap) and a fragment in the notch (bucket handle)",
              "focal loss of cartilage, marrow oedema, a torn anterior cruciate ligament, effusion and cyst, each with chances of its own and none tied to the menisci",
              "PD, PD with fat suppression, T1 and T2 turbo spin echo from tissue tables at 1.5 and 3 T; water and fat apart (chemical shift, escape from suppression); partial volume across the slice, "
              "edges that ring, shading, Rician noise, unrest between shots",
              "site B: 1.5 T, thicker slices of lower resolution, more noise, other gain and shading, worse suppression",
              "nine hospitals (`knee_mri_hospitals`): eight more scanners of 1.5 or 3 T with gain, shading and grey scale of their own; classes as a radiologist read them, who errs, and of some knees as they are",
             "confounded: knees with a torn meniscus come with a higher gain, a stronger shading and more noise, a shortcut to be found"),
    absent=("osteophytes, subchondral cysts and diffuse loss of cartilage (the knee of osteoarthritis stands in the AP knee)", "discoid menisci, cysts beside menisci, root tears, earlier surgery",
            "fractures, tumours, synovitis, loose bodies", "the knees of children", "retinacula, bursae, plicae, transverse and meniscofemoral ligaments", "blur along the echo train, flow ghosts, truncation by the coil, metal",
            "reader error, unless it is asked for"),
    sources=(*SOURCES, "grades of meniscal signal: Crues JV et al. Radiology 1987; 164: 445; Stoller DW et al. Radiology 1987; 163: 731 (not re-read)",
             "bones: those of the AP knee; courses and sizes of soft tissue: textbook proportions, dimensions are ours; shares of the classes are ours"),
    probes=("finding: a torn meniscus in a slice through the worse one, half of them torn, 600 slices with fat suppression at site A, difficulty 0.5, 64 x 64 pixels of 0.83 mm about the joint, "
            "logistic probes, five folds, area under the curve with bootstrap interval",
            "four grey statistics 0.54 (0.49-0.58); 24-bin histogram 0.57 (0.53-0.62); four 4 x 4 corners 0.54 (0.50-0.59); age, sex, body mass, side, place, effusion, other findings and order "
            "0.48 (0.43-0.52)",
            "8 x 8 thumbnail 0.67 (0.63-0.71); features of an untrained network 0.72 (0.69-0.76), under 20 permutations of the labels 0.51 (0.44-0.59)",
            "a network of four convolutions, trained on 400 slices: 0.93 on 200 others"),
    bounds=(("statistics", 0.70, "a cleft and a lost edge are bright as fluid in a crop of 53 mm, of which they fill up to a hundredth"),
            ("histogram", 0.68, "the bright cleft of a tear adds bright pixels that a dark meniscus does not have"),
            ("thumbnail", 0.77, "a cleft fills up to a tenth of a block of seven millimetres, always one of those in which the horns lie")),
)
SLOTS = ((-34.0, -28.5), (-27.0, -20.0), (19.5, 26.0), (27.0, 33.0))  # mm lateral of the middle, of a plateau 80 mm wide: both horns or the body of one meniscus
VISIBLE_MM2 = 1.2  # of a lesion within one part of a meniscus
LEAST_MM2 = 5.0  # a smaller part of a meniscus is none
OVERSAMPLED = 1.125
GAIN: Mapping[str, float] = {"A": 2400.0, "B": 1500.0}


@dataclass(frozen=True, eq=False)
class KneeSlice:
    """One slice: `stored` (rows, cols) uint16, its grid, class (1 + place in CLASSES) of every point of a meniscus and the structure of every point, the parts of
    the menisci as boxes with their class and outline, landmarks (row, col), attributes; `ideal` is the painted slice before the scanner."""

    stored: np.ndarray
    grid: Grid
    classes: np.ndarray
    structures: np.ndarray
    menisci: Objects
    landmarks: Mapping[str, np.ndarray]
    attributes: Mapping[str, Any]
    ideal: np.ndarray = field(repr=False)

    @property
    def state(self) -> str:
        """The worst class that the slice shows."""
        return CLASSES[max((CLASSES.index(label) for label in self.menisci.labels), default=0)]


def knee_slice(seed: Seed, *, patient: Seed | None = None, at: float | None = None, slot: int | None = None, ask: Asking | None = None, instead: str = "", **how: Any) -> KneeSlice:
    """One slice of one knee. The same arguments give the same bytes.

    `patient` seeds what the slices of one knee share; `at` (mm, lateral or anterior positive) places the slice, else `slot` (0 to 3: outer and inner medial, inner and outer
    lateral) or chance; `instead` puts another class into the worse meniscus and leaves all else. Raises DataError for impossible arguments.
    """
    from osteon.simulate.knee_mri_patient import examined, with_state

    asked = ask or Asking(**{"protocol": "PDFS"} | how)
    shared, (nuisance, physics) = streams(seed, patient)
    knee = examined(shared, asked)
    if instead:
        knee = with_state(knee, instead, np.random.default_rng([17, *np.atleast_1d(seed if isinstance(seed, (int, tuple)) else 0)]), asked.difficulty)
    low, high = SLOTS[int(nuisance.integers(len(SLOTS))) if slot is None else slot]
    drawn = float(nuisance.uniform(low, high)) * knee.scene.knee.shape.width
    return pictured(knee, asked, drawn if at is None else at, nuisance, physics)


def pictured(knee: Examined, asked: Asking, at: float, nuisance: np.random.Generator, physics: np.random.Generator) -> KneeSlice:
    """A slice of an examined knee through a place (mm)."""
    from osteon.simulate import knee_mri_scene, mri, mri_acquire, mri_paint

    home = asked.site == "A"
    weighting = mri.PROTOCOLS[asked.protocol].at(3.0 if home else 1.5)
    weighting = replace(weighting, escape=weighting.escape * (1.0 if home else 1.8))
    thickness, pixel, finer = (3.0 if home else 4.0), FOV_MM / asked.matrix, mri_acquire.FINER
    side = 2 * round(0.5 * OVERSAMPLED * asked.matrix)
    lattice = knee.lattice(asked.plane, at, (finer * side, finer * side), (pixel / finer, pixel / finer), thickness)
    layers = knee_mri_scene.layers(knee.scene, lattice)
    grain = mri_paint.textures(pixel / finer, nuisance)
    water, fat = mri_paint.paint(layers, lattice.shape[1:], weighting, grain)
    ideal = mri_acquire.mixed(water, fat, weighting.fat_shift * finer)
    stored = _measured(ideal, knee, asked, (side, pixel), nuisance, physics)
    structures, seen = _truth(layers, lattice.shape[1:], (finer, asked.matrix))
    classes, menisci = _parts(structures, seen, knee, pixel)
    rows = slice((side - asked.matrix) // 2, (side + asked.matrix) // 2)
    grid = _grid(knee, asked, at, pixel, thickness)
    attributes = dict(knee.attributes) | {"site": asked.site, "tesla": weighting.tesla, "protocol": asked.protocol, "plane": asked.plane, "at_mm": round(at, 1), "thickness_mm": thickness}
    return KneeSlice(stored, grid, classes, structures, replace(menisci, grid=grid), _landmarks(knee, asked, at, pixel, thickness), attributes,
                     mri_acquire.centre(ideal[::finer, ::finer], (asked.matrix, asked.matrix)) if rows.start >= 0 else ideal)


def _measured(ideal: np.ndarray, knee: Examined, asked: Asking, size: tuple[int, float], nuisance: np.random.Generator, physics: np.random.Generator) -> np.ndarray:
    """What the scanner makes of a painted slice: shading, phase, unrest, resolution, noise, gain."""
    from osteon.simulate import mri_acquire, mri_coils

    side, pixel = size
    home, betrayed = asked.site == "A", asked.confounded and knee.worst == "torn"
    knots = (12, 12)
    swing = (0.16 if home else 0.30) * (2.2 if betrayed else 1.0)
    field_ = mri_acquire.shading(knots, nuisance, swing) * mri_acquire.phase_map(knots, nuisance)
    every = ((ideal.shape[0] - 1) / (knots[0] - 1),) * 2
    kspace = mri_acquire.encode(mri_coils.seen(ideal, field_[None], every)[0], (side, side))
    unrest = mri_acquire.moved_by_shots(physics, 9, 0.16 * asked.difficulty * (1.0 if home else 1.5))
    kspace = mri_acquire.shaken(kspace, unrest, (pixel, pixel))
    kspace = kspace if home else mri_acquire.blurred(kspace, 0.78)
    sigma = (0.004 + 0.010 * asked.difficulty) * (0.625 / pixel) * (1.0 if home else 1.6) * (1.9 if betrayed else 1.0)
    noisy = np.abs(mri_acquire.centre(mri_acquire.decode(kspace + mri_acquire.noise(kspace.shape, sigma, physics)), (asked.matrix, asked.matrix)))
    gain = GAIN[asked.site] * float(np.exp(0.10 * nuisance.normal())) * (1.45 if betrayed else 1.0)
    return np.clip(np.round(gain * noisy), 0, 65535).astype(np.uint16)


def _truth(layers: list[Layer], shape: tuple[int, int], size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """The structure of every pixel, and where the line of a lesion or a lost edge fills a third of it or more."""
    from osteon.simulate.knee_mri_scene import LOST, STRUCTURES
    from osteon.simulate.mri_acquire import centre
    from osteon.simulate.mri_paint import labelled

    finer, matrix = size
    lesion = np.zeros(shape, np.float32)
    for layer in layers:
        if layer.name == LOST or layer.name.endswith("meniscus") and layer.tissue != "meniscus":
            np.maximum(lesion[layer.window], layer.cover, out=lesion[layer.window])
    structures, seen = labelled(layers, shape, STRUCTURES), lesion
    return tuple(np.ascontiguousarray(centre(a[::finer, ::finer], (matrix, matrix))) for a in (structures, seen > 0.33))  # type: ignore[return-value]


def _parts(structures: np.ndarray, seen: np.ndarray, knee: Examined, pixel: float) -> tuple[np.ndarray, Objects]:
    """Class of every point of a meniscus, and its parts (horns, or the body whole) as boxes with outlines: each has the class of what it shows."""
    from scipy.ndimage import binary_dilation, find_objects, label

    from osteon.simulate.knee_mri_scene import STRUCTURES

    classes, boxes, labels, outlines = np.zeros(structures.shape, np.uint8), [], [], []
    for side, lesion in sorted(knee.scene.lesions.items()):
        parts, _ = label(structures == 1 + STRUCTURES.index(f"{side} meniscus"))
        for k, where in enumerate(find_objects(parts), 1):
            part = parts == k
            if part.sum() * pixel**2 < LEAST_MM2:
                continue
            shown = (seen & binary_dilation(part, iterations=2)).sum() * pixel**2 >= VISIBLE_MM2
            state = lesion.state if shown else "healthy"
            classes[part] = 1 + CLASSES.index(state)
            boxes.append([where[0].start - 0.5, where[1].start - 0.5, where[0].stop - 0.5, where[1].stop - 0.5])
            labels.append(state)
            outlines.append(part)
    return classes, Objects(np.array(boxes).reshape(len(labels), 4), tuple(labels), masks=np.array(outlines, bool).reshape(len(labels), *structures.shape))


def _grid(knee: Examined, asked: Asking, at: float, pixel: float, thickness: float) -> Grid:
    """Where the picture lies, in the patient axes of DICOM (left, back, head)."""
    lattice = knee.lattice(asked.plane, at, (asked.matrix, asked.matrix), (pixel, pixel), thickness)
    patient = np.array([1.0, -1.0, 1.0])
    return Grid((asked.matrix, asked.matrix), (pixel, pixel), tuple(float(v) for v in lattice.first * patient), tuple(float(v) for v in (lattice.axes[1:] * patient).ravel()), "volume")


def _landmarks(knee: Examined, asked: Asking, at: float, pixel: float, thickness: float) -> Mapping[str, np.ndarray]:
    """Named points (row, col) that lie within the slice."""
    lattice = knee.lattice(asked.plane, at, (asked.matrix, asked.matrix), (pixel, pixel), thickness)
    bones, w = knee.scene.knee.bones, knee.scene.knee.shape.width
    named = {"apex of the patella": ("femur", (2.5, 38, 21)), "base of the patella": ("femur", (3, 39, 61)), "tuberosity": ("tibia", (3, 30, -44)), "roof of the notch": ("femur", (0, -8, 25)),
             "foot of the anterior cruciate ligament": ("tibia", (-2.5, 8.5, 0)), "foot of the posterior cruciate ligament": ("tibia", (0.5, -27.5, -11)),
             "tip of the fibula": ("tibia", (36 * w, -25, -7)), "medial condyle": ("femur", (-22 * w, -8, 0)), "lateral condyle": ("femur", (22 * w, -7, 0))}
    found = {name: lattice.index(bones[bone].world(np.asarray(point, float))) for name, (bone, point) in named.items()}
    return {name: p[1:] for name, p in found.items() if abs(p[0]) <= 1.0 and (p[1:] >= 0).all() and (p[1:] < asked.matrix).all()}


def knee_mri(folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, protocol: str = "PDFS", matrix: int = 256, reader_error: float = 0.0,
             confounded: bool = False, workers: int = 2) -> Cohort:
    """A cohort folder of `cases` sagittal slices, four a knee: NIfTI `mri`, boxes `menisci` with outlines and mask `meniscus_mask` by class, mask `structures`, worst class `meniscus`,
    `readings.csv` of three readers; the same bytes for the same call.

    `reader_error` is the share of `meniscus` that stands one class off. Raises DataError before any file is written for impossible arguments, a folder
    with other content, or one that was made by another call.
    """
    from osteon.errors import DataError, message
    from osteon.simulate.film_cohort import make
    from osteon.simulate.knee_mri_cohort import SLICES

    Asking(site, difficulty, protocol=protocol, matrix=matrix, confounded=confounded)
    if not 0 <= reader_error < 1:
        raise DataError(message(CARD.name, "the reader error is impossible", expected="0 or more, below 1", found=f"Found {reader_error}"))
    call = {"cases": cases, "seed": seed, "site": site, "difficulty": difficulty, "protocol": protocol, "matrix": matrix, "reader_error": reader_error, "confounded": confounded}
    return make(SLICES, Path(folder), call, workers)


def knee_mri_series(folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, protocol: str = "PDFS", matrix: int = 256, slices: int = 20,
                    workers: int = 2) -> Cohort:
    """As `knee_mri`, a case a knee: the whole sagittal series as one volume (NIfTI), with its masks and the worst class of the knee. Raises DataError for impossible arguments."""
    from osteon.errors import DataError, message
    from osteon.simulate.film_cohort import make
    from osteon.simulate.knee_mri_cohort import SERIES

    Asking(site, difficulty, protocol=protocol, matrix=matrix)
    if not 2 <= slices <= 40:
        raise DataError(message(CARD.name, "the number of slices is impossible", expected="2 to 40", found=f"Found {slices}"))
    return make(SERIES, Path(folder), {"cases": cases, "seed": seed, "site": site, "difficulty": difficulty, "protocol": protocol, "matrix": matrix, "slices": slices}, workers)

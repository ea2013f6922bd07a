"""T1 and T2 MRI of bone lesions, one plane through the lesion, with age, sex and place, the outline of the lesion and a histology drawn from a known risk.

Both sequences are painted from the same anatomy and measured by themselves: each has its own pixels, contrast, unrest and noise, and either may be missing. Streams of their own for person,
build, look, histology, nuisance and the physics of each sequence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.geometry.lower_limb import lateral_sign
from osteon.simulate.bone_lesion_asking import FIELD_MM, FINE, MISSING, OVERSAMPLED, SCANNERS, SHARES, SITES, Asking, Scanner, Seed, Streams, streams
from osteon.simulate.bone_lesion_look import NOISES, Look, look_of
from osteon.simulate.bone_lesion_patient import Patient, as_shown, patient_of
from osteon.simulate.card import Card
from osteon.simulate.mri import SOURCES, Weighting
from osteon.value import Grid, Mask

if TYPE_CHECKING:
    from osteon.cohort import Cohort
    from osteon.simulate.bone_lesion_layers import Shape
    from osteon.simulate.bone_lesion_site import Place
    from osteon.simulate.mri_paint import Layer, Textures
    from osteon.simulate.voxels import Lattice

CARD = Card(
    "bone lesion MRI", "1.0",
    use="checks that networks on two sequences and a record, alone and in a vote, recover a planted histology, that a missing sequence is borne, and that another scanner is noticed; teaching of what speaks for aggressive growth",
    modelled=("distal femur, proximal tibia and fibula in the soft tissue of the knee MRI; lumbar vertebrae with discs, canal, roots, muscles of the back, aorta, bowel",
              "the lesion: size, lobules, border from sharp to infiltrating, sclerotic rim, erosion and breach of the cortex, swelling with a thin shell, mass beyond the bone, oedema of marrow and muscle, "
              "periosteum (solid, in layers, spicules), patches of necrosis and blood",
              "matrix: cellular, fibrous, chondroid with septa and calcium, osteoid, cystic, locules with fluid levels that lie level in a patient on the back",
              "an aggressiveness that a picture shows with an error (the larger the difficulty); histology from a risk that knows the aggressiveness, matrix, age, sex, bone and segment, so that features overlap and a ceiling is known",
              "T1 and T2 with fat suppression in one plane, each with its own pixels; either sequence missing in a tenth of the examinations, by chance",
              "site A: four institutions with scanners of their own (1.5 and 3 T); site B: a fifth, with other contrast, weak suppression, thicker slices, stronger shading, lower gain and older patients",
              "confounded: malignant lesions come with a higher gain, a stronger shading and more noise, a shortcut to be found"),
    absent=("humerus, pelvis, foot, hand, ribs and thoracic spine", "open growth plates", "more than one slice, contrast medium, diffusion", "several lesions, skip metastases, pathological fractures, earlier surgery",
            "displacement of muscles and vessels by a mass", "nidus of an osteoid osteoma, stalk of an osteochondroma, the coarse trabeculae of a haemangioma: a name that fits is given afterwards", "invasion of vessels and nerves",
            "outlines as a reader draws them: the mask is exact"),
    sources=(*SOURCES, "share of malignant lesions (45 %) and of men (58 %), five institutions of which the fifth is external: Eweje FR et al. EBioMedicine 2021; 68: 103402 (abstract)",
             "which borders and reactions speak for aggressive growth: Lodwick GS et al. Radiology 1980; 134: 577 (not re-read); ages and places by textbook", "every size, share, chance and weight in the risk, relaxation times of tumours: ours"),
    probes=("finding: a malignant lesion, 600 T2 of one institution at difficulty 0.5, the middle 111 mm in 64 x 64 pixels, logistic probes, five folds, area under the curve with bootstrap interval",
            "four grey statistics 0.66 (0.61-0.70); 8 x 8 thumbnail 0.67 (0.63-0.71); 24-bin histogram 0.73 (0.69-0.77); four 4 x 4 corners 0.56 (0.51-0.60); age, sex, bone, segment, side, plane and "
            "order 0.61 (0.56-0.64)",
            "features of an untrained network 0.72 (0.68-0.76), under 20 permutations of the labels 0.49 (0.40-0.55)",
            "a network of four convolutions, trained on 400 of them: 0.77 on the 200 others",
            "at difficulty 0.5 who knows the risk reaches 0.920, who reads the pictures perfectly and knows the patient 0.896, who knows age, sex and place 0.655"),
    bounds=(("statistics", 0.74, "an aggressive lesion is larger and grows beyond the bone, and it is bright beside suppressed fat"),
            ("thumbnail", 0.76, "size and mass of a lesion of several centimetres show in blocks of fourteen millimetres"),
            ("histogram", 0.80, "a larger, uneven lesion adds bright pixels of necrosis and fluid, oedema adds grey ones"),
            ("corner", 0.65, "the corners show which bone it is, and a large mass reaches them: both tell as they do in the clinic"),
            ("metadata", 0.70, "age, bone and segment are planted as clinical knowledge")),
)
GAIN_SPREAD = 0.10


@dataclass(frozen=True, eq=False)
class Acquired:
    """One sequence: `stored` (rows, cols) uint16, its grid, and `ideal`, the painted plane (FINE, FINE) before the scanner."""

    stored: np.ndarray
    grid: Grid
    ideal: np.ndarray = field(repr=False)


@dataclass(frozen=True, eq=False)
class BoneLesion:
    """One examination: the sequences that were made by name, the outline of the lesion on the grid of the T2 (of the T1 where there is none), patient, look, and what is known of the case."""

    sequences: Mapping[str, Acquired]
    outline: Mask
    patient: Patient
    look: Look
    attributes: Mapping[str, Any]

    @property
    def area(self) -> float:
        """Area (mm2) of the lesion in the plane."""
        rows, cols = self.outline.grid.spacing or (1.0, 1.0)
        return float(self.outline.array.sum() * rows * cols)


def bone_lesion(seed: Seed, *, ask: Asking | None = None, shown: float | None = None, **how: Any) -> BoneLesion:
    """One case. The same arguments give the same bytes.

    `shown` makes the lesion look so aggressive and leaves all else: the counterfactual. Raises DataError for impossible arguments (`Asking`).
    """
    from osteon.simulate.bone_lesion_site import place_of

    asked = ask or Asking(**how)
    rng = streams(seed)
    patient = patient_of(rng, asked)
    patient = patient if shown is None else as_shown(patient, shown)
    look = look_of(patient, rng.look.normal(0, 1, NOISES))
    institution, made = examination(rng.nuisance, asked)
    return _examined(patient, look, place_of(patient, look, rng.build), rng, asked, institution=institution, made=made)


def examination(nuisance: np.random.Generator, asked: Asking) -> tuple[str, tuple[str, ...]]:
    """In which institution a case is examined, and which sequences are made there."""
    known = SITES[asked.site]
    drawn_, absent = known[int(nuisance.choice(len(known), p=SHARES if len(known) > 1 else None))], float(nuisance.random())
    missing = "t1" if absent < MISSING["t1"] else "t2" if absent < sum(MISSING.values()) else ""
    return asked.institution or drawn_, tuple(name for name in ("t1", "t2") if name != missing)


@dataclass(frozen=True, eq=False)
class Drawn:
    """The plane through a lesion before any scanner: its grid, its layers, the lesion in it, and the fields that give tissues their texture."""

    lattice: Lattice
    layers: list[Layer]
    lesion: Shape
    grain: Textures


def drawn(look: Look, place: Place, rng: Streams, thickness: float) -> Drawn:
    """Lay out the anatomy and the lesion in a slice of some mm."""
    from osteon.simulate.bone_lesion_layers import ground, lesion_layers, shape_of
    from osteon.simulate.bone_lesion_site import lattice_of
    from osteon.simulate.mri_paint import textures

    pixel = FIELD_MM * OVERSAMPLED / FINE
    lattice = lattice_of(place, rng.nuisance.normal(0, (1.2, 6.0, 6.0) if place.plane == "sagittal" else (6.0, 1.2, 6.0)), (FINE, FINE), pixel, thickness)
    lesion = shape_of(ground(place, lattice, rng.look), look, place)
    return Drawn(lattice, [*place.layers(lattice), *lesion_layers(lesion)], lesion, textures(pixel, rng.nuisance))


def _examined(patient: Patient, look: Look, place: Place, rng: Streams, asked: Asking, *, institution: str, made: tuple[str, ...]) -> BoneLesion:
    """The plane is painted once for each sequence and measured; what is missing draws its random numbers all the same."""
    from osteon.simulate import mri_acquire, mri_paint
    from osteon.simulate.bone_lesion_layers import LESION_PALETTE

    scanner = SCANNERS[institution]
    plane = drawn(look, place, rng, scanner.thickness)
    sequences = {}
    for name, matrix in zip(("t1", "t2"), scanner.matrix, strict=True):
        weighting: Weighting = getattr(scanner, name)
        water, fat = mri_paint.paint(plane.layers, (FINE, FINE), weighting, plane.grain, LESION_PALETTE)
        ideal = mri_acquire.mixed(water, fat, weighting.fat_shift * FINE / (OVERSAMPLED * matrix))
        stored = _measured(ideal, scanner, matrix, rng.nuisance, getattr(rng, name), difficulty=asked.difficulty, betrayed=asked.confounded and patient.malignant)
        if name in made:
            sequences[name] = Acquired(stored, _grid(matrix, plane.lattice), ideal)
    outline = outlined(plane.lesion, sequences[made[-1]].grid)
    return BoneLesion(sequences, outline, patient, look, _attributes(patient, place, scanner, institution, sequences))


def _measured(ideal: np.ndarray, scanner: Scanner, matrix: int, nuisance: np.random.Generator, physics: np.random.Generator, *, difficulty: float, betrayed: bool) -> np.ndarray:
    """What the scanner makes of a painted plane: shading, phase, unrest, resolution, noise, gain."""
    from osteon.simulate import mri_acquire, mri_coils

    knots, pixel = (12, 12), FIELD_MM / matrix
    side = 2 * round(0.5 * OVERSAMPLED * matrix)
    field_ = mri_acquire.shading(knots, nuisance, scanner.shade * (2.2 if betrayed else 1.0)) * mri_acquire.phase_map(knots, nuisance)
    seen = mri_coils.seen(ideal, field_[None], ((FINE - 1) / (knots[0] - 1),) * 2)[0]
    kspace = mri_acquire.shaken(mri_acquire.encode(seen, (side, side)), mri_acquire.moved_by_shots(physics, 9, 0.14 * difficulty * scanner.noise), (pixel, pixel))
    kspace = kspace if scanner.sharp == 1.0 else mri_acquire.blurred(kspace, scanner.sharp)
    sigma = (0.004 + 0.009 * difficulty) * (0.7 / pixel) * scanner.noise * (1.9 if betrayed else 1.0)
    noisy = np.abs(mri_acquire.centre(mri_acquire.decode(kspace + mri_acquire.noise(kspace.shape, sigma, physics)), (matrix, matrix)))
    gain = scanner.gain * float(np.exp(GAIN_SPREAD * nuisance.normal())) * (1.45 if betrayed else 1.0)
    return np.clip(np.round(gain * noisy), 0, 65535).astype(np.uint16)


def _grid(matrix: int, lattice: Lattice) -> Grid:
    """Where a picture of so many pixels a side lies, in the patient axes of DICOM (left, back, head)."""
    pixel, patient = FIELD_MM / matrix, np.array([1.0, -1.0, 1.0])
    centre = lattice.first + (lattice.axes[1] + lattice.axes[2]) * (FINE // 2) * lattice.step[1]
    first = centre - (lattice.axes[1] + lattice.axes[2]) * (matrix // 2) * pixel
    return Grid((matrix, matrix), (pixel, pixel), tuple(float(v) for v in first * patient), tuple(float(v) for v in (lattice.axes[1:] * patient).ravel()), "volume")


def outlined(lesion: Shape, grid: Grid) -> Mask:
    """The lesion on the pixels of a picture: where it fills half of one or more."""
    from scipy.ndimage import map_coordinates

    cover = np.zeros((FINE, FINE), np.float32)
    cover[lesion.here.window] = lesion.here.cover(lesion.whole)
    at = FINE // 2 + (np.arange(grid.shape[0]) - grid.shape[0] // 2) * FINE / (OVERSAMPLED * grid.shape[0])
    inside = map_coordinates(cover, np.meshgrid(at, at, indexing="ij"), order=1) >= 0.5
    return Mask(inside[None], ("lesion",), grid)


def _attributes(patient: Patient, place: Place, scanner: Scanner, institution: str, sequences: Mapping[str, Acquired]) -> Mapping[str, Any]:
    pixels = {f"{name}_mm": round(made.grid.spacing[0], 3) for name, made in sequences.items() if made.grid.spacing}
    return {"site": institution, "age": patient.age, "sex": "male" if patient.male else "female", "bone": patient.bone, "segment": patient.segment, "side": "none" if patient.bone == "lumbar spine" else "R" if np.linalg.det(place.bone.turn) * lateral_sign("R") > 0 else "L", "plane": place.plane,
            "tesla": scanner.t1.tesla, "sequences": " and ".join(name.upper() for name in sequences), **pixels}


def bone_lesions(folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, confounded: bool = False, workers: int = 2) -> Cohort:
    """A cohort folder of `cases` lesions: NIfTI `t1` and `t2` (one of them may be missing) and the outline `lesion`, age, sex, bone and segment, `malignancy` by histology, and `readings.csv` of
    three experts; the same bytes for the same call. Site A is four institutions, B the fifth.

    Raises DataError before any file is written for impossible arguments, a folder with other content, or one that was made by another call.
    """
    from osteon.simulate.bone_lesion_cohort import LESIONS
    from osteon.simulate.film_cohort import make

    Asking(site, difficulty, confounded=confounded)
    return make(LESIONS, Path(folder), {"cases": cases, "seed": seed, "site": site, "difficulty": difficulty, "confounded": confounded}, workers)

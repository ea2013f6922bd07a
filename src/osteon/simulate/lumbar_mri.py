"""MRI of the lumbar spine, the mid-sagittal slice, with exact truth: vertebrae, discs by level with their grade, the dural sac; corners and readings.

A slice is drawn in four steps with a random stream each (anatomy, label, nuisance, physics). Masks and readings are taken from the
painted anatomy before the scanner, on points twice as fine as the picture; grades from the latent degeneration that made the discs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.errors import DataError, message
from osteon.geometry.spine_mri import LEVELS, PARTS, named_readings
from osteon.simulate.asking import refuse
from osteon.simulate.card import Card
from osteon.simulate.knee_mri_asking import SITES, Seed, streams
from osteon.simulate.mri import PROTOCOLS, SOURCES
from osteon.value import Grid, Mask, Readings

if TYPE_CHECKING:
    from osteon.cohort import Cohort
    from osteon.simulate.lumbar_mri_patient import Spine
    from osteon.simulate.lumbar_mri_scene import Scene
    from osteon.simulate.voxels import Lattice

CARD = Card(
    "lumbar MRI", "1.0",
    use="checks that vertebrae and discs are found, named by level, measured and graded; teaching of disc degeneration and of site shift",
    modelled=("T10 to L5 with cortex, marrow that turns to fat with age, basivertebral veins, osteophytes and spinous processes; sacrum with remnants of its discs and canal",
              "discs of one latent degeneration each (Pfirrmann I to V): water of the nucleus, its border to the annulus, the cleft within it, height, bulge in front and behind, and Modic changes of oedema or "
              "fat beside them; age and level raise it, every feature has a spread of its own",
              "dural sac with fluid, cord and conus, roots of the cauda equina, epidural fat, dura, flaval and longitudinal ligaments, interspinous tissue, back muscles with fat, skin and subcutaneous fat, "
              "aorta and vena cava, bowel below a saturation band",
              "a few slips and wedged bodies; lordosis given pelvic incidence", "T2 and T1 turbo spin echo from tissue tables at 1.5 and 3 T; chemical shift, partial volume across the slice, ringing edges, "
              "fall-off of the spine coil, shading, Rician noise, unrest between shots",
              "site B: 1.5 T, thicker slices of lower resolution, more noise, other gain, steeper coil", "confounded: spines with a disc of grade IV or V come with a higher gain, a stronger shading and more noise, a shortcut to be found"),
    absent=("transitional vertebrae: every spine has five lumbar ones", "extrusions, sequesters, high-intensity zones, Schmorl nodes, vacuum", "stenosis by facets and flaval ligaments, cysts, haemangiomas, fractures, metastases, infection",
            "scoliosis, earlier surgery, metal, children", "pulsation of the fluid and its ghosts, flow voids within it", "kidneys, crura of the diaphragm, bladder and uterus; other slices of the series", "a ceiling: the truth of readings is exact",
            "reader error, unless it is asked for: `reader_error` moves grades by one step"),
    sources=(*SOURCES, "grades: Pfirrmann CW et al. Spine 2001; 26: 1873 (not re-read)", "marrow beside discs: Modic MT et al. Radiology 1988; 166: 193 (not re-read)", "end of the cord about the disc of L1/2: Saifuddin A et al. Spine 1998; 23: 1452 (not re-read)",
             "shape, pelvis and lordosis: those of the lateral lumbar spine; T2 of nuclei from 235 to 40 ms, heights, bulges, spreads, shares of findings: ours, set by eye"),
    probes=("finding: grade IV or V of L4/5 against grade II or III, the other discs below it, 200 slices at site A, difficulty 0.5, 50 x 50 pixels of 2.9 mm about the lower spine, logistic probes, five folds, "
            "area under the curve with bootstrap interval",
            "four grey statistics 0.46 (0.38-0.55); 24-bin histogram 0.38 (0.30-0.45); four 4 x 4 corners 0.53 (0.46-0.61); 8 x 8 thumbnail 0.52 (0.44-0.60); age, sex, body mass and order 0.51 (0.44-0.59)",
            "features of an untrained network 0.48 (0.40-0.57); a network of four convolutions, trained on 133 slices: 0.78 on 67 others"),
    bounds=(("corner", 0.66, "a disc that has lost height lets the spine above it sink in the picture"),),
)
FOV_MM, OVERSAMPLED = 280.0, 1.125
GAIN: Mapping[str, float] = {"A": 2200.0, "B": 1400.0}
BAND_MM = (30.0, 52.0)  # before the bodies: where the saturation band begins and is full


@dataclass(frozen=True)
class Asking:
    """How a spine is asked for: site, difficulty (0-1), protocol (T2, T1, PD, PDFS), pixels a side, whether a shortcut betrays degeneration, whether nothing is off centre."""

    site: str = "A"
    difficulty: float = 0.5
    protocol: str = field(default="T2", kw_only=True)
    matrix: int = field(default=256, kw_only=True)
    confounded: bool = field(default=False, kw_only=True)
    neutral: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        checks = (("the site is unknown", " or ".join(SITES), self.site, self.site in SITES), ("the difficulty is impossible", "0-1", self.difficulty, 0 <= self.difficulty <= 1),
                  ("the protocol is unknown", ", ".join(PROTOCOLS), self.protocol, self.protocol in PROTOCOLS),
                  ("the matrix is impossible", "an even number of pixels from 64 to 512", self.matrix, 64 <= self.matrix <= 512 and self.matrix % 2 == 0))
        refuse(CARD.name, checks)


@dataclass(frozen=True, eq=False)
class LumbarSlice:
    """One slice: `stored` (rows, cols) uint16, its grid, masks of PARTS, the structure of every pixel (`lumbar_mri_scene.STRUCTURES`), readings with corners, `design`
    (corners by construction, row and col), attributes; `ideal` is the painted slice before the scanner."""

    stored: np.ndarray
    grid: Grid
    parts: Mask
    structures: np.ndarray
    readings: Readings
    design: Mapping[str, np.ndarray]
    attributes: Mapping[str, Any]
    ideal: np.ndarray = field(repr=False)

    @property
    def grades(self) -> dict[str, int]:
        """Pfirrmann's grade (1-5) by the vertebra above each disc."""
        return {level: self.attributes[f"pfirrmann_{level}"] for level in LEVELS}


def lumbar_slice(seed: Seed, *, degenerated: Mapping[str, float] | None = None, instead: tuple[str, float] | None = None, ask: Asking | None = None, **how: Any) -> LumbarSlice:
    """One mid-sagittal slice. The same arguments give the same bytes.

    `degenerated` fixes the latent degeneration (0-1) of discs by the vertebra above them; `instead` (level, degeneration) changes one disc and leaves all else. Raises
    DataError for impossible arguments.
    """
    from osteon.simulate.lumbar_mri_patient import spine_of, with_disc

    asked = ask or Asking(**how)
    strangers = [name for name in [*(degenerated or {}), *([instead[0]] if instead else [])] if name not in LEVELS]
    if strangers:
        raise DataError(message(CARD.name, f"there is no disc below {strangers[0]!r}", expected=", ".join(LEVELS)))
    shared, (nuisance, physics) = streams(seed, None)
    spine = spine_of(shared, asked.difficulty, neutral=asked.neutral, degenerated=degenerated)
    return pictured(with_disc(spine, *instead) if instead else spine, asked, nuisance, physics)


def pictured(spine: Spine, asked: Asking, nuisance: np.random.Generator, physics: np.random.Generator) -> LumbarSlice:
    """A slice through the middle of a spine."""
    from osteon.simulate import lumbar_mri_disc, lumbar_mri_scene, mri_acquire, mri_paint

    home = asked.site == "A"
    weighting = PROTOCOLS[asked.protocol].at(3.0 if home else 1.5)
    pixel, finer, thickness = FOV_MM / asked.matrix, mri_acquire.FINER, 4.0 if home else 5.0
    side = 2 * round(0.5 * OVERSAMPLED * asked.matrix)
    scene = lumbar_mri_scene.scene_of(spine)
    lattice = _lattice(spine, (finer * side, finer * side), pixel / finer, thickness)
    layers = lumbar_mri_scene.layers(scene, lattice, nuisance)
    grain = mri_paint.textures(pixel / finer, nuisance)
    tissues = lumbar_mri_disc.palette(spine, lumbar_mri_scene.DISCS)
    painted = mri_paint.paint(layers, lattice.shape[1:], weighting, grain, tissues)  # type: ignore[arg-type]
    water, fat = painted * _band(spine, lattice)
    ideal = mri_acquire.mixed(water, fat, weighting.fat_shift * finer)
    stored = _measured(ideal, spine, asked, (side, pixel), nuisance, physics)
    fine = mri_acquire.centre(mri_paint.labelled(layers, lattice.shape[1:], lumbar_mri_scene.STRUCTURES), (finer * asked.matrix,) * 2)  # type: ignore[arg-type]
    grid = _grid(spine, asked.matrix, pixel, thickness)
    clear = mri_acquire.centre(ideal, (finer * asked.matrix,) * 2)
    attributes = spine.attributes | {"site": asked.site, "tesla": weighting.tesla, "protocol": asked.protocol, "thickness_mm": thickness}
    structures = np.ascontiguousarray(fine[::finer, ::finer])
    return LumbarSlice(stored, grid, _parts(structures, grid), structures, _readings(fine, clear, pixel / finer, grid), _design(scene, grid, spine, pixel, thickness),
                       attributes, np.ascontiguousarray(clear[::finer, ::finer]))


def _lattice(spine: Spine, shape: tuple[int, int], pixel: float, thickness: float) -> Lattice:
    """The grid of the slice: rows down, columns backwards, turned about the long axis; point (n // 2, n // 2) lies in the middle of the field."""
    from osteon.simulate.sdf import rotation
    from osteon.simulate.voxels import Lattice

    axes = np.array([[1.0, 0, 0], [0, 0, -1], [0, -1, 0]]) @ rotation(0, 0, spine.turn).T
    return Lattice((1, *shape), (thickness, pixel, pixel), spine.middle - axes[1] * (shape[0] // 2) * pixel - axes[2] * (shape[1] // 2) * pixel, axes)


def _band(spine: Spine, lattice: Lattice) -> np.ndarray:
    """What the saturation band before the spine leaves of the signal (rows, cols)."""
    column = spine.column
    z = lattice.along(np.array([0.0, 0, 1]), np.zeros(3))[0]
    front = np.interp(z, [v.middle[2] for v in column[::-1]], [v.middle[1] + 0.5 * v.shape.depth for v in column[::-1]])
    ahead = lattice.along(np.array([0.0, 1, 0]), np.zeros(3))[0] - front
    return np.asarray(1 - 0.88 * np.clip((ahead - BAND_MM[0]) / (BAND_MM[1] - BAND_MM[0]), 0, 1), np.float32)


def _measured(ideal: np.ndarray, spine: Spine, asked: Asking, size: tuple[int, float], nuisance: np.random.Generator, physics: np.random.Generator) -> np.ndarray:
    """What the scanner makes of a painted slice: fall-off of the coil in the table, shading, phase, unrest, resolution, noise, gain."""
    from osteon.simulate import mri_acquire, mri_coils

    side, pixel = size
    home, betrayed = asked.site == "A", asked.confounded and spine.worst >= 4
    knots = (12, 12)
    swing = (0.12 if home else 0.22) * (2.4 if betrayed else 1.0)
    depth = np.linspace(1.0, 0.0, knots[1])[None] * side * pixel  # mm from the back of the field
    height = np.abs(np.linspace(-1.0, 1.0, knots[0]))[:, None]
    coil = np.exp(-depth / (320.0 if home else 220.0)) * (1 - 0.35 * np.clip(height - 0.55, 0, 1))
    field_ = (coil / coil[:, knots[1] // 2].max() * mri_acquire.shading(knots, nuisance, swing) * mri_acquire.phase_map(knots, nuisance)).astype(np.complex64)
    every = ((ideal.shape[0] - 1) / (knots[0] - 1),) * 2
    kspace = mri_acquire.encode(mri_coils.seen(ideal, field_[None], every)[0], (side, side))
    unrest = mri_acquire.moved_by_shots(physics, 9, 0.14 * asked.difficulty * (1.0 if home else 1.5))
    kspace = mri_acquire.shaken(kspace, unrest, (pixel, pixel))
    kspace = kspace if home else mri_acquire.blurred(kspace, 0.80)
    sigma = (0.004 + 0.012 * asked.difficulty) * (1.09 / pixel) * (1.0 if home else 1.6) * (1.9 if betrayed else 1.0)
    noisy = np.abs(mri_acquire.centre(mri_acquire.decode(kspace + mri_acquire.noise(kspace.shape, sigma, physics)), (asked.matrix, asked.matrix)))
    gain = GAIN[asked.site] * float(np.exp(0.10 * nuisance.normal())) * (1.45 if betrayed else 1.0)
    return np.clip(np.round(gain * noisy), 0, 65535).astype(np.uint16)


def _parts(structures: np.ndarray, grid: Grid) -> Mask:
    """Masks of all bodies, of S1, of all discs and of the sac."""
    from osteon.simulate.lumbar_mri_scene import BODIES, DISCS, STRUCTURES

    place = {name: 1 + k for k, name in enumerate(STRUCTURES)}
    groups = {"vertebra": BODIES, "sacrum": ("S1",), "disc": tuple(DISCS.values()), "csf": ("csf", "cord")}
    return Mask(np.stack([np.isin(structures, [place[name] for name in groups[part]]) for part in PARTS]), PARTS, grid)


def _readings(fine: np.ndarray, clear: np.ndarray, pixel: float, grid: Grid) -> Readings:
    """Readings of each level by the definitions of `geometry.spine_mri` on the exact outline of each structure, signal on the painted slice; nan where a body is not whole in the picture."""
    from osteon.simulate.lumbar_mri_scene import DISCS, STRUCTURES

    held = {name: fine == 1 + STRUCTURES.index(name) for name in (*LEVELS, "S1", *DISCS.values())}
    fluid = np.isin(fine, [1 + STRUCTURES.index(name) for name in ("csf", "cord")])
    discs = {level: held[f"{level}/{below}"] for level, below in zip(LEVELS, (*LEVELS[1:], "S1"), strict=True)}
    found = named_readings({name: held[name] for name in (*LEVELS, "S1")}, discs, Grid(fine.shape, (pixel, pixel)), (clear, fluid))
    scale = pixel / (grid.spacing or (1.0, 1.0))[0]
    return replace(found, landmarks={name: tuple(scale * v for v in at) for name, at in found.landmarks.items()}, grid=grid)


def _grid(spine: Spine, matrix: int, pixel: float, thickness: float) -> Grid:
    """Where the picture lies, in the patient axes of DICOM (left, back, head)."""
    lattice = _lattice(spine, (matrix, matrix), pixel, thickness)
    patient = np.array([1.0, -1.0, 1.0])
    return Grid((matrix, matrix), (pixel, pixel), tuple(float(v) for v in lattice.first * patient), tuple(float(v) for v in (lattice.axes[1:] * patient).ravel()), "volume")


def _design(scene: Scene, grid: Grid, spine: Spine, pixel: float, thickness: float) -> Mapping[str, np.ndarray]:
    """The corners (4, 2: row, col) of L1 to L5 by construction: the ends of their endplates, before edges are rounded."""
    lattice = _lattice(spine, (grid.shape[0], grid.shape[1]), pixel, thickness)
    return {level: lattice.index(np.concatenate([spine.column[12 + k].rim(top)[[2, 3]] for top in (True, False)]))[:, 1:] for k, level in enumerate(LEVELS)}


def lumbar_mri(folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, protocol: str = "T2", matrix: int = 256, reader_error: float = 0.0,
               confounded: bool = False, workers: int = 2) -> Cohort:
    """A cohort folder of `cases` mid-sagittal slices, one a patient: NIfTI `mri`, mask `parts`, readings `spine`, grades `pfirrmann_L1` to `pfirrmann_L5` as columns; the same bytes for the same call.

    `reader_error` is the share of grades that stand one step off (`pfirrmann_exact_L1` are the exact ones). Raises DataError before any file is written for impossible arguments, a folder
    with other content, or one that was made by another call.
    """
    from osteon.simulate.film_cohort import make
    from osteon.simulate.lumbar_mri_cohort import SLICES

    Asking(site, difficulty, protocol=protocol, matrix=matrix, confounded=confounded)
    if not 0 <= reader_error < 1:
        raise DataError(message(CARD.name, "the reader error is impossible", expected="0 or more, below 1", found=f"Found {reader_error}"))
    call = {"cases": cases, "seed": seed, "site": site, "difficulty": difficulty, "protocol": protocol, "matrix": matrix, "reader_error": reader_error, "confounded": confounded}
    return make(SLICES, Path(folder), call, workers)

"""CT of the thoracolumbar spine with exact truth: a fracture of weak bone or through a metastasis, mineral density, masks of every structure.

A volume is made in four steps with a random stream each (anatomy, label, nuisance, physics): the same patient can carry either fracture. Density is that of
the spongy bone as it was painted; the volume is what a scanner of a calibration, a kernel and a noise makes of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.simulate.asking import unspawned
from osteon.simulate.card import Card
from osteon.simulate.spine_ct_states import CAUSES, Broken
from osteon.value import Grid

if TYPE_CHECKING:
    from osteon.cohort import Cohort
    from osteon.simulate.spine_ct_scene import Scene

SITES = ("A", "B")
FIELD_MM = 128.0
Seed = int | tuple[int, ...] | np.random.SeedSequence
CARD = Card(
    "spine CT", "1.0",
    use="checks that a benign fracture is told from a malignant one, that vertebrae are segmented and that density is recovered from CT; teaching of the signs, of calibration and of leakage between slices",
    modelled=("T9 to L5 with cortex, endplates, trabeculae, basivertebral vein, pedicles, arches and processes; ribs, discs, dural sac with cord, epidural fat; psoas, erector spinae and other muscles with fat between "
              "their fibres, aorta with plaques, inferior vena cava, kidneys, edge of the liver, bowel with gas, skin",
              "fractures of T11 to L3 (wedge, biconcave, crush) without a gap in size; of weak bone with impaction line, fragment in the canal, cleft of gas and haematoma, or through a metastasis with lytic foci, "
              "a destroyed pedicle, a mass beside the body or in the canal; the chances of these signs overlap, the more the harder",
              "mineral density by age and sex, lower where bone is weak; Hounsfield units by a calibration that differs between sites",
              "partial volume, reconstruction kernel, noise correlated by it", "site B: 100 kV (more units a milligram of mineral), sharper kernel, thicker noise, contrast in the vessels",
              "confounded: malignant cases come with contrast in the vessels and a sharper, noisier kernel, a shortcut to be found"),
    absent=("blastic metastases, myeloma as such, infection, haemangioma", "more than one fracture", "the step of a broken cortex: the wall of a fractured body bends", "implants, cement, beam hardening, motion, streaks of metal",
            "facet joints with cartilage, ligaments, nerve roots, epidural veins", "lungs, spleen, pancreas and what lies beyond the field", "scoliosis and transitional vertebrae", "reader error, unless it is asked for"),
    sources=("the signs: Li Y et al. Eur Radiol 2021; 31: 9612 (abstract); their chances are ours", "Genant's shapes: QIMS 2019", "units of tissue: textbook values, mixture values and the calibration are ours",
             "bones: those of the lateral lumbar spine; sizes and courses of soft tissue are ours"),
    probes=("finding: a malignant fracture (half), 400 axial slabs of 6 mm through the body at site A, difficulty 0.5, 64 x 64 voxels of 2 mm, logistic probes, five folds, area under the curve with bootstrap interval",
            "four grey statistics 0.59 (0.54-0.65); 24-bin histogram 0.71 (0.65-0.75); four 4 x 4 corners 0.47 (0.41-0.53); age, sex, body mass, level, tube and order 0.50 (0.45-0.55)",
            "8 x 8 thumbnail 0.68 (0.63-0.73); features of an untrained network 0.67 (0.62-0.72), under 20 permutations of the labels 0.49",
            "a network of four convolutions, trained on 266 slabs: 0.89 on 134 others"),
    bounds=(("statistics", 0.70, "a destroyed body has less dense bone and a mass more soft tissue in place of fat"), ("histogram", 0.80, "a destroyed body has less dense bone and a mass more soft tissue in place of fat"),
            ("thumbnail", 0.80, "destruction and a mass beside the body fill blocks of sixteen millimetres")),
)


@dataclass(frozen=True)
class Asking:
    """How a CT is asked for: site, difficulty (0-1), points a side, cause of the fracture (empty: drawn), level (0 = T1; -1: drawn), whether a shortcut betrays it, and no turning (`neutral`)."""

    site: str = "A"
    difficulty: float = 0.5
    points: int = field(default=128, kw_only=True)
    cause: str = field(default="", kw_only=True)
    level: int = field(default=-1, kw_only=True)
    confounded: bool = field(default=False, kw_only=True)
    neutral: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        from osteon.errors import DataError, message

        for what, expected, found, holds in (("the site is unknown", "A or B", self.site, self.site in SITES), ("the difficulty is impossible", "0-1", self.difficulty, 0 <= self.difficulty <= 1),
                                             ("the size is impossible", "32 to 256 points a side", self.points, 32 <= self.points <= 256),
                                             ("the cause is unknown", ", ".join(CAUSES), self.cause, self.cause in ("", *CAUSES)),
                                             ("the level is impossible", "9 to 14 (T10 to L3)", self.level, self.level == -1 or 9 <= self.level <= 14)):
            if not holds:
                raise DataError(message("spine CT", what, expected=expected, found=f"Found {found!r}"))


@dataclass(frozen=True, eq=False)
class SpineVolume:
    """One CT: `stored` (slices, rows, cols) int16 in HU, slices upwards, rows backwards, columns to the left; its grid, labels (1 + place in STRUCTURES), what is broken, box of the broken
    vertebra (six numbers), exact mineral density (mg/cm3) of the spongy bodies that are whole, attributes."""

    stored: np.ndarray
    grid: Grid
    labels: np.ndarray
    broken: Broken
    box: np.ndarray
    bmd: float
    attributes: Mapping[str, Any]
    mineral: np.ndarray = field(repr=False)


def spine_volume(seed: Seed, *, ask: Asking | None = None, **how: Any) -> SpineVolume:
    """One CT of 128 mm a side about a vertebra. The same arguments give the same bytes; raises DataError for impossible arguments."""
    from osteon.simulate.spine_ct_states import broken

    asked = ask or Asking(**how)
    sequence = unspawned(seed)
    anatomy, label, nuisance, physics = (np.random.default_rng(s) for s in sequence.spawn(4))
    wrong = broken(label, asked.difficulty, asked.cause)
    wrong = wrong if asked.level < 0 else replace(wrong, level=asked.level)
    scene, who = _patient(anatomy, wrong, label)
    return _taken(scene, who, asked, nuisance, physics)


def spine_ct(folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, points: int = 128, cause: str = "", reader_error: float = 0.0, confounded: bool = False, workers: int = 2) -> Cohort:
    """A cohort folder of `cases` volumes: NIfTI `ct`, mask `structures`, box `vertebra`, column `fracture` (benign, malignant, or none where asked for), density `bmd`, signs, and what three readers said; the same bytes
    for the same call. Raises DataError before any file is written for impossible arguments, a folder with other content, or one that was made by another call."""
    from osteon.errors import DataError, message
    from osteon.simulate.film_cohort import make
    from osteon.simulate.spine_ct_cohort import VOLUMES

    Asking(site, difficulty, points=points, cause=cause)
    if not 0 <= reader_error < 0.5:
        raise DataError(message(CARD.name, "the reader error is impossible", expected="0 or more, below 0.5", found=f"Found {reader_error}"))
    call = {"cases": cases, "seed": seed, "site": site, "difficulty": difficulty, "points": points, "cause": cause, "reader_error": reader_error, "confounded": confounded}
    return make(VOLUMES, Path(folder), call, workers)


def _patient(rng: np.random.Generator, wrong: Broken, label: np.random.Generator) -> tuple[Scene, dict[str, Any]]:
    """Who lies there: density falls with age, faster in women, and is lower where weak bone broke; people with a metastasis are as old."""
    from osteon.simulate.lateral_lumbar import Findings, column_of, person_of
    from osteon.simulate.spine_ct_scene import HU, Scene, levels_about

    person = person_of(rng, None)
    n, u = rng.normal(0, 1, 6), rng.random(4)
    age = float(np.clip(66 + 10 * n[0], 42, 92))
    weak = float(label.normal(0.86, 0.08)) if wrong.cause == "porotic" else 1.0
    bmd = float(np.clip((140 - (1.9 if person.sex == "female" else 1.5) * (age - 48) + 24 * n[1]) * weak, 25, 230))
    person = replace(person, age=round(age, 1), cortex=float(np.clip(0.55 + bmd / 260, 0.55, 1.25)))
    losses = {wrong.level: wrong.loss} if wrong.cause != "none" else {}
    discs = np.clip(0.10 + 0.004 * (age - 60) + 0.12 * rng.normal(0, 1, 17), 0, 0.7)
    column = column_of(person, Findings(losses=losses, discs=tuple(map(float, discs))))
    calcified = float(np.clip(0.012 * (age - 52) * (0.3 + 1.4 * u[0]), 0, 0.6))
    muscle = (float(np.clip(1.0 + 0.10 * n[2] + (0.06 if person.sex == "male" else -0.06), 0.75, 1.2)), float(np.clip(0.010 * (age - 40) + 0.12 * n[3], 0.05, 0.9)))
    scene = Scene(column, wrong, person.size, bmd, levels_about(column, wrong.level, 0.5 * FIELD_MM), calcified, muscle, HU["blood"])
    return scene, {"age": person.age, "sex": person.sex, "bmi": person.bmi}


def _taken(scene: Scene, who: Mapping[str, Any], asked: Asking, nuisance: np.random.Generator, physics: np.random.Generator) -> SpineVolume:
    from osteon.geometry.spine import LEVELS
    from osteon.simulate.spine_ct_scene import PER_BMD, STRUCTURES, painted
    from osteon.simulate.voxels import Lattice

    home, betrayed = asked.site == "A", asked.confounded and scene.broken.cause == "malignant"
    lattice = _lattice(scene, asked, nuisance, Lattice)
    contrast = float(nuisance.uniform(95, 140)) * (betrayed or not home)
    made = painted(replace(scene, blood=scene.blood + contrast), lattice, who["bmi"], nuisance, per_bmd=PER_BMD * (1.0 if home else 1.17))
    stored = _scanned(made.hu, lattice.step[0], asked, betrayed, nuisance, physics)
    patient = np.array([1.0, -1.0, 1.0])
    grid = Grid(lattice.shape, lattice.step, tuple(float(v) for v in lattice.first * patient), tuple(float(v) for v in (lattice.axes * patient).ravel()), "volume")
    whole = (made.labels == 1 + STRUCTURES.index("other vertebrae")) & np.isfinite(made.mineral)
    attributes = dict(who) | {"site": asked.site, "level": LEVELS[scene.broken.level], "contrast": contrast > 0, "kv": 120 if home else 100}
    return SpineVolume(stored, grid, made.labels, scene.broken, _box(lattice, scene), float(made.mineral[whole].mean()), attributes, made.mineral)


def _lattice(scene: Scene, asked: Asking, rng: np.random.Generator, kind: type) -> Any:
    """The field: about the vertebra, a little aside, turned and tipped."""
    from osteon.simulate.sdf import rotation

    step, moved = FIELD_MM / asked.points, rng.normal(0, 1, 6) * (0.0 if asked.neutral else 1.0)
    turn = rotation(1.5 * moved[0], 1.5 * moved[1], 2.5 * moved[2])
    axes = np.array([[0.0, 0, 1], [0, -1, 0], [1, 0, 0]]) @ turn.T
    middle = scene.column[scene.broken.level].middle + np.array([2.0 * moved[3], -9 + 2.0 * moved[4], 3.0 * moved[5]])
    return kind((asked.points,) * 3, (step,) * 3, middle - 0.5 * (asked.points - 1) * step * axes.sum(axis=0), axes)


def _scanned(hu: np.ndarray, step: float, asked: Asking, betrayed: bool, nuisance: np.random.Generator, physics: np.random.Generator) -> np.ndarray:
    """Blur by the kernel, noise that the kernel correlates, offset of the day."""
    from scipy.ndimage import gaussian_filter

    sharp = asked.site == "B" or betrayed
    width = (0.50 if sharp else 0.68) / step
    sigma = (9 + 20 * asked.difficulty) * (1.5 if sharp else 1.0) * (1.4 if betrayed else 1.0) * float(np.exp(0.15 * nuisance.normal()))
    offset = 3.0 * float(nuisance.normal())
    noise = physics.standard_normal(hu.shape, np.float32) * np.float32(sigma * (2 * np.sqrt(np.pi) * max(width, 0.29)) ** 1.5)
    out = gaussian_filter(hu + noise + np.float32(offset), width, truncate=3.0)
    return np.clip(np.round(out), -1024, 3071).astype(np.int16)


def _box(lattice: Any, scene: Scene) -> np.ndarray:
    """The box (6,) of the body of the vertebra in question."""
    from osteon.simulate.frustum import Placed
    from osteon.simulate.spine_bones import body_alone
    from osteon.simulate.voxels import distance

    made = scene.column[scene.broken.level]
    near = distance(lattice, Placed(body_alone(made.shape), made.turn, made.middle), reach=0.5)
    if near is None:
        raise ValueError("lattice: misses the vertebra (expected it in the middle of the field)")
    at = np.argwhere(near.mm < 0) + [part.start for part in near.window]
    return np.concatenate([at.min(axis=0) - 0.5, at.max(axis=0) + 0.5])

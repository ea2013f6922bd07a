"""Lateral radiographs of the cervical spine from the skull base to T1, with exact truth: five points a level, alignment, discs, slips, and degeneration by rule.

A film is drawn in four steps with a random stream each (anatomy, label, nuisance, physics). Severity is one continuous number; discs, osteophytes and
lordosis follow it with noise of their own, and the class is called from what is measured on the projection, never from the severity. The pixel spacing is
calibrated to the midline of the patient.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.geometry.cervical import Signs, construct_cervical, measure_cervical, narrowest
from osteon.simulate.asking import refuse, unspawned
from osteon.simulate.card import Card
from osteon.simulate.cervical_states import Findings, degenerated, ossified

if TYPE_CHECKING:
    from osteon.cohort import Cohort
    from osteon.simulate.cervical_pose import Neck
    from osteon.simulate.frustum import Frustum

FIELD_MM, PIXEL_MM = 204.8, 0.8
AT_CUT = 0.5  # the severity at which the rule calls about half of the necks degenerative
SITES, KINDS = ("A", "B"), ("degenerative", "ossified")
Seed = int | tuple[int, ...] | np.random.SeedSequence
CARD = Card(
    "lateral cervical spine", "1.0",
    use="checks that corners, lordosis, balance, slips, disc heights and classes of degeneration are recovered; teaching of sagittal measurement and of shortcuts",
    modelled=("C2 to C7 with bodies, uncinate hooks, pedicles, articular pillars with joint spaces, laminae, transverse and (bifid) spinous processes; dens, atlas; T1 to T3, first ribs, clavicles",
              "skull base with great foramen, clivus, mastoids and palate; mandible, teeth with fillings, hyoid, chalk in the larynx; airway from the nasopharynx to the trachea "
              "with palate, tongue and epiglottis; prevertebral soft tissue, shoulders",
              "lordosis, slope of T1 and balance as designed; one continuous severity: worn discs, osteophytes, lost lordosis and slips follow it with noise of their own",
              "class by rule from the projection: a narrow disc, an osteophyte of 2 mm or more, or a lordosis below 4 degrees",
              "an ossified posterior ligament of four kinds (kind `ossified`), with its share of the canal and its distance from the K-line",
              "cone beam on a point source; scatter, blur, quantum noise, range compression, shutters, lead letter; turn, tilt and nod of the head, height of the shoulders",
              "site B: other tube distance, dose, processing and stored range, more turn and tilt, sicker patients",
              "confounded: degenerative necks with half the dose, a harder print and the letter at the top, a shortcut to be found"),
    absent=("fractures, dislocations, fused or missing levels, tumours", "plates, screws and cages", "instability: flexion and extension views", "scoliosis", "ears, hair, jewellery, collars",
            "chalk in vessels and the nuchal ligament", "children", "the patient facing left", "reader error: the truth is exact"),
    sources=("lordosis C2-C7 12.7 degrees (6.6-18.8), many healthy necks straight: Guo 2018, meta-analysis; the spread and the slope given the lordosis are ours",
             "kinds of ossification after the Japanese ministry's classification; their shares are ours", "K-line: Fujiyoshi T. Spine 2008; ratio of the canal: Torg JS, Pavlov H 1986-87",
             "cuts of the class, courses of severity, sva: ours", "attenuation: between published tables at 50 and 80 keV; mixture values are ours", "bone shapes: textbook proportions, dimensions are ours"),
    probes=("finding: degeneration by rule, 300 films of 1.6 mm pixels at site A, difficulty 0.5, logistic probes, five folds, area under the curve with bootstrap interval",
            "four grey statistics 0.58 (0.52-0.64); 24-bin histogram 0.61 (0.55-0.68); four 4 x 4 corners 0.56 (0.49-0.63); age, sex, body mass, posture, shoulders and order 0.55 (0.47-0.61)",
            "8 x 8 thumbnail 0.70 (0.65-0.76); features of an untrained network 0.60 (0.54-0.67)", "a network of four convolutions on 128 x 128 pixels, trained on 200 films: 0.77 on 100 others"),
    bounds=(("statistics", 0.68, "a straight neck stands over more of the film, and osteophytes and hooks add bone"), ("histogram", 0.71, "a worn disc leaves fewer dark pixels between bright endplates"),
            ("thumbnail", 0.80, "a straight neck stands elsewhere, and worn discs bring skull and shoulders nearer"), ("corner", 0.66, "skull and shoulders, which come nearer, fill the upper and lower corners")),
)


@dataclass(frozen=True)
class Person:
    """Who stands there: constitution around 1, width of the canal (mm), chalk in the larynx (0-1), which teeth are gone and which are filled."""

    age: float
    sex: str
    bmi: float
    size: float
    cortex: float
    canal: float
    chalk: float
    teeth: tuple[tuple[bool, ...], tuple[int, ...]] = ((False,) * 16, ())


@dataclass(frozen=True)
class Setting:
    """How the film was taken: turn, side tilt and nod (degrees), opening of the jaw (degrees), height of the shoulders (mm), shift (mm), tube, shutters (mm), place of
    the letter (row, col as shares; tilt), whether it betrays the class."""

    pose: tuple[float, float, float] = (0.0, 0.0, 0.0)
    jaw: float = 2.0
    shoulders: float = 0.0
    shift: tuple[float, float] = (0.0, 0.0)
    source: tuple[float, float, float] = (0.0, 1650.0, 0.0)
    margins: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    letter: tuple[float, float, float] = (0.62, 0.88, 0.0)
    betrays: bool = False


@dataclass(frozen=True, eq=False)
class CervicalFilm:
    """One simulated film: `stored` (rows, cols) uint16 with bone bright, `spacing` mm, points by level (5, 2: row, col), C1 (3, 2) and mass (n, 3, 2), what they measure
    and what was designed, osteophytes (mm by corner), the called findings, attributes, and the line integral without the letter."""

    stored: np.ndarray
    spacing: tuple[float, float]
    points: Mapping[str, np.ndarray]
    readings: Mapping[str, Mapping[str, float]]
    spurs: Mapping[str, float]
    findings: Mapping[str, bool]
    attributes: Mapping[str, Any]
    line: np.ndarray = field(repr=False)

    @property
    def projected(self) -> Mapping[str, float]:
        """The truth: what the points on the film measure."""
        return self.readings["projected"]

    @property
    def design(self) -> Mapping[str, float]:
        """What the neck was built with."""
        return self.readings["design"]


@dataclass(frozen=True)
class Drawing:
    """How a film is asked for: kind, site, difficulty (0-1), pixel (mm), severity (nan: drawn), without nuisance, with a planted shortcut."""

    kind: str = "degenerative"
    site: str = "A"
    difficulty: float = field(default=0.5, kw_only=True)
    pixel_mm: float = field(default=PIXEL_MM, kw_only=True)
    severity: float = field(default=math.nan, kw_only=True)
    neutral: bool = field(default=False, kw_only=True)
    confounded: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        checks = (("the kind is unknown", ", ".join(KINDS), self.kind, self.kind in KINDS), ("the site is unknown", "A or B", self.site, self.site in SITES),
                  ("the difficulty is impossible", "0-1", self.difficulty, 0 <= self.difficulty <= 1), ("the pixel size is impossible", "0.2-8 mm", self.pixel_mm, 0.2 <= self.pixel_mm <= 8),
                  ("the severity is impossible", "0-1", self.severity, math.isnan(self.severity) or 0 <= self.severity <= 1))
        refuse(CARD.name, checks)


def cervical_film(seed: Seed, *, findings: Findings | None = None, ask: Drawing | None = None, **how: Any) -> CervicalFilm:
    """One film, 205 mm square, the front of the patient to the right. The same arguments give the same bytes.

    `findings` fixes what the neck is; the rest as in `Drawing` (or given as `ask`). Raises DataError for impossible arguments.
    """
    asked = ask or Drawing(**how)
    anatomy, label, nuisance, physics, whose = (np.random.default_rng(s) for s in unspawned(seed).spawn(5))
    person, setting = _person(whose), _setting(nuisance, asked)
    severity = _severity(label, asked)
    drawn = degenerated(severity, person.size, anatomy, label, asked.difficulty)
    if asked.kind == "ossified":
        drawn = replace(drawn, mass=ossified(label, 0.6))
    return _record(person, findings or drawn, severity, setting, asked, (nuisance, physics))


def lateral_cervical(folder: Path, cases: int, seed: int, *, kind: str = "degenerative", site: str = "A", difficulty: float = 0.5, pixel_mm: float = PIXEL_MM,
                     confounded: bool = False, workers: int = 2) -> Cohort:
    """A cohort folder of `cases` films: DICOM `xray`, readings and points `cervical`, findings as columns; the same bytes for the same call.

    Raises DataError before any file is written for impossible arguments, a folder with other content, or one that was made by another call.
    """
    from osteon.simulate.cervical_cohort import FILMS
    from osteon.simulate.film_cohort import make

    Drawing(kind, site, difficulty=difficulty, pixel_mm=pixel_mm)
    return make(FILMS, Path(folder), {"cases": cases, "seed": seed, "kind": kind, "site": site, "difficulty": difficulty, "pixel_mm": pixel_mm, "confounded": confounded}, workers)


def _severity(rng: np.random.Generator, asked: Drawing) -> float:
    """A continuous severity in 0-1, sicker at site B; the harder, the nearer to the cuts of the class."""
    share = float(rng.random()) ** (1.15 if asked.site == "A" else 0.85)
    return AT_CUT + (1 - 0.7 * asked.difficulty) * (share - AT_CUT) if math.isnan(asked.severity) else asked.severity


def _person(rng: np.random.Generator) -> Person:
    """Size by sex; age and body mass know nothing of the severity, unlike in life, so that the table betrays no class."""
    man, u = rng.random() < 0.46, rng.random(40)
    age = float(np.clip(rng.normal(51, 14), 20, 88))
    bmi = round(float(np.clip(rng.normal(25.5, 3.6), 18, 38)), 1)
    size = float(np.clip(rng.normal(1.04 if man else 0.96, 0.035), 0.86, 1.13))
    cortex = float(np.clip(rng.normal(1.03, 0.09) - 0.003 * (age - 50), 0.65, 1.25))
    canal = size * float(np.clip(rng.normal(15.8, 1.3), 12.0, 20.0))
    lost = tuple(bool(v) for v in u[:16] < 0.004 * max(age - 20, 0))
    filled = tuple(i for i in range(6) if u[16 + i] < 0.22 and not lost[8 + i])
    return Person(round(age, 1), "male" if man else "female", bmi, size, cortex, canal, float(np.clip(0.02 * (age - 35) * u[23] * 2, 0, 1)), (lost, filled))


def _setting(rng: np.random.Generator, asked: Drawing) -> Setting:
    home, hard, z, u = asked.site == "A", asked.difficulty, rng.normal(0, 1, 12), rng.random(8)
    spread = (1.0 if home else 1.8) + 1.6 * hard
    letter = (0.60 + 0.08 * float(u[4]) if home else 0.55 + 0.25 * float(u[4]), 0.86 + 0.05 * float(u[5]), float((4 if home else 8) * z[3]))
    if asked.neutral:
        return Setting(letter=letter)
    pose = float(np.clip(spread * z[0], -8, 8)), float(np.clip(0.6 * spread * z[1], -5, 5)), float(4 * z[2])
    source = float(6 * z[4]), 1650.0 if home else 1250.0, float(8 * z[5])
    margins = tuple(float(v) for v in u[:4] * (6 if home else 14))
    return Setting(pose, float(1 + 4 * u[6]), float((7 + 6 * hard) * z[6]), (float(8 * z[7]), float(8 * z[8])), source, margins, letter)  # type: ignore[arg-type]


def _record(person: Person, found: Findings, severity: float, setting: Setting, asked: Drawing, streams: tuple[np.random.Generator, np.random.Generator]) -> CervicalFilm:
    from osteon.simulate import cervical_scene as scene
    from osteon.simulate.cervical_pose import film_points, spur_reaches

    neck, view, frustum = _neck(person, found, setting), scene.view_of(setting), _frustum(setting, asked.pixel_mm)
    points, spacing = film_points(frustum, neck, view), (frustum.pixel,) * 2
    projected = measure_cervical({k: v for k, v in points.items() if k not in ("C1", "mass")}, spacing, atlas=points["C1"], mass=points.get("mass"))
    spurs = spur_reaches(frustum, neck, view)
    called = Signs(narrowest(projected), max(spurs.values(), default=0.0), projected["lordosis"]).found
    if asked.confounded and (called["degenerative"] if asked.kind == "degenerative" else found.mass is not None):
        setting = replace(setting, letter=(0.04, *setting.letter[1:]), betrays=True)
    stored, line = scene.draw(frustum, neck, view, person, setting, asked, *streams)
    lordosis, slope, sva = found.alignment
    design = {"lordosis": lordosis, "slope": slope, "sva": sva} | {f"lost.{k}": v for k, v in enumerate(found.lost)} | {"severity": severity}
    attributes = {"age": person.age, "sex": person.sex, "bmi": person.bmi, "site": asked.site, "turn": round(setting.pose[0], 2), "tilt": round(setting.pose[1], 2),
                  "shoulders": round(setting.shoulders, 1), "magnification": round(frustum.magnification, 5), "ossification": found.mass[0] if found.mass else "none"}
    return CervicalFilm(stored, spacing, points, {"projected": projected, "design": design}, spurs, called, attributes, line)


def _neck(person: Person, found: Findings, setting: Setting) -> Neck:
    from osteon.simulate.cervical_pose import mass_on, place_neck

    plan = construct_cervical(*found.alignment, discs=found.indices, slips=found.slips, canal=person.canal, size=person.size)
    mass = mass_on(plan, found.mass[0], found.mass[1:3], found.mass[3]) if found.mass else None
    return place_neck(plan, found.spurs, found.hooks, build=(person.size, person.cortex), nod=setting.pose[2], mass=mass)


def _frustum(setting: Setting, pixel: float) -> Frustum:
    """The film about C4, from the skull base to the upper chest; its spacing true in the midline."""
    from osteon.simulate.frustum import Frustum

    n = round(FIELD_MM / pixel)
    corner = setting.shift[0] - 0.5 * (n - 1) * pixel, setting.shift[1] + 0.5 * (n - 1) * pixel - 2.0
    return Frustum((n, n), pixel, corner, setting.source, 0.0, -240.0)

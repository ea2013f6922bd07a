"""Anteroposterior standing radiographs of the knee with osteoarthritis of every degree, with exact truth: grade, joint space, osteophytes, landmarks.

A film is drawn in four steps with a random stream each (anatomy, label, nuisance, physics). Severity is one continuous number; joint
space, osteophytes, sclerosis and bone loss follow it with noise of their own, and the grade is read from what stands on the
film by the rule of Kellgren and Lawrence, never from the severity. Both knees of a person share their anatomy and part of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.errors import DataError, message
from osteon.geometry.knee_oa import COMPARTMENTS, RULES, Features, kellgren_lawrence
from osteon.simulate.asking import refuse, unspawned
from osteon.simulate.card import Card
from osteon.simulate.knee_wear import wear_of

if TYPE_CHECKING:
    from osteon.cohort import Cohort
    from osteon.simulate.frustum import Frustum
    from osteon.simulate.knee_bones import Wear
    from osteon.simulate.knee_pose import Knee
    from osteon.simulate.lower_limb_bones import LegShape

FIELD_MM = 166.4
PIXEL_MM = 0.65
SITES, SIDES = ("A", "B"), ("R", "L")
APART_MM = 105.0  # of a knee from the midline, where both are on one film
Seed = int | tuple[int, ...] | np.random.SeedSequence
CARD = Card(
    "AP knee", "1.0",
    use="checks that grading of osteoarthritis recovers planted severity; teaching of the Kellgren-Lawrence grades, of shortcuts and of site shift",
    modelled=("femur, tibia, fibula and patella with cortex, spongiosa, marrow canal, notch, spines, growth scars; skin, fat, muscle",
              "one continuous severity; joint space (medial, seldom lateral, with the varus or valgus that follows), osteophytes at four sites, sclerosis, bone loss and "
              "peaked spines follow it with noise of their own",
              "the grade is read from the projected features by the published rule, in both readings of grade 2", "both knees of a person are alike",
              "cone beam on a point source; scatter, blur, quantum noise, range compression, shutters, lead letter",
              "rotation, flexion and a beam that misses the plane of the plateau; fabella; chalk in the menisci, which fills the joint space without narrowing it",
              "site B: other tube distance, dose, processing and stored range, worse positioning, sicker patients, the letter in another place",
              "confounded: knees of grade 2 or more with less dose, a harder print and the letter below the joint, a shortcut to be found"),
    absent=("fractures, tumours, implants, loose bodies, cysts, effusion", "growth plates of children", "ligaments, cartilage and menisci themselves",
            "true stress lines of the trabeculae", "the patellofemoral joint as it is graded on a skyline view", "vessels with chalk, clothing, casts",
            "reader error, unless it is asked for"),
    sources=("Kellgren JH, Lawrence JS. Ann Rheum Dis 1957; 16: 494, and the two readings of grade 2 after Schiphof D et al. Ann Rheum Dis 2008; 67: 1034",
             "the millimetres and shares that stand for possible, definite and marked, and every parameter of severity, are ours",
             "mean joint space by grade: general knowledge, not verified", "attenuation: between published tables at 50 and 80 keV; mixture values are ours",
             "bone shapes: textbook proportions, dimensions are ours"),
    probes=("finding: grade 2 or more, 500 films of 2.6 mm pixels at site A, difficulty 0.5, logistic probes, five folds, area under the curve with bootstrap interval",
            "four grey statistics 0.58 (0.53-0.63); 24-bin histogram 0.67 (0.62-0.72); four 4 x 4 corners 0.50 (0.44-0.55); age, sex, body mass, side, posture, fabella, "
            "chalk and order 0.51 (0.46-0.56)",
            "8 x 8 thumbnail 0.79 (0.75-0.83); features of an untrained network 0.73 (0.68-0.77), under 20 permutations of the labels 0.49 (0.43-0.56)",
            "a network of four convolutions on 64 x 64 pixels, trained on 333 films: 0.93 on 167 others"),
    bounds=(("statistics", 0.66, "sclerosis brightens the bone beside a joint that has lost its dark gap"),
            ("histogram", 0.76, "a narrow joint has fewer dark pixels between bright ones, and sclerosis more bright ones"),
            ("thumbnail", 0.85, "the tibia comes up to the femur and the leg leans where a compartment is worn: twenty millimetres still show it")),
)


@dataclass(frozen=True)
class Person:
    """Who stands there: constitution around 1, depth (mm) of the growth scars, strength of the trabecular pattern."""

    age: float
    sex: str
    bmi: float
    width: float
    cortex: float
    scars: float
    grain: float


@dataclass(frozen=True)
class Setting:
    """How the film was taken: posture (degrees), shift (mm), tube, shutters (mm), place of the letter (row, col as shares; tilt), what else is there, whether it betrays the grade."""

    rotation: float = 0.0
    flexion: float = 0.0
    tilt: float = 2.5
    shift: tuple[float, float] = (0.0, 0.0)
    source: tuple[float, float, float] = (0.0, 1150.0, 95.0)
    margins: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    letter: tuple[float, float, float] = (0.08, 0.04, 0.0)
    extras: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class Reading:
    """The truth of one knee: grades by rule, `space` (mm) and its ends (2, 2: row, col), osteophytes as reach (mm) and area (mm2), `design`, landmarks (row, col)."""

    grades: Mapping[str, int]
    space: Mapping[str, float]
    ends: Mapping[str, np.ndarray]
    osteophytes: Mapping[str, tuple[float, float]]
    landmarks: Mapping[str, np.ndarray]
    wear: Wear
    severity: float


@dataclass(frozen=True, eq=False)
class KneeFilm:
    """One simulated film: `stored` (rows, cols) uint16 with bone bright, `spacing` mm in the plane of the joint, the truth of each side on it, and attributes."""

    stored: np.ndarray
    spacing: tuple[float, float]
    knees: Mapping[str, Reading]
    attributes: Mapping[str, Any]
    line: np.ndarray = field(repr=False)

    @property
    def side(self) -> str:
        """The side of a film of one knee."""
        return next(iter(self.knees))

    @property
    def truth(self) -> Reading:
        """The truth of the first (or only) knee."""
        return self.knees[self.side]

    @property
    def grade(self) -> int:
        """The exact grade of the first (or only) knee, where a definite osteophyte makes grade 2."""
        return self.truth.grades["osteophyte"]


@dataclass(frozen=True)
class Drawing:
    """How a film is asked for: site, difficulty (0-1), pixel (mm), sides on it (none: one at random), severity (nan: drawn), without nuisance, with a planted shortcut."""

    site: str = "A"
    difficulty: float = 0.5
    pixel_mm: float = PIXEL_MM
    sides: tuple[str, ...] = field(default=(), kw_only=True)
    severity: float = field(default=math.nan, kw_only=True)
    neutral: bool = field(default=False, kw_only=True)
    confounded: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        checks = (("the site is unknown", "A or B", self.site, self.site in SITES), ("the difficulty is impossible", "0-1", self.difficulty, 0 <= self.difficulty <= 1),
                  ("the pixel size is impossible", "0.2-8 mm", self.pixel_mm, 0.2 <= self.pixel_mm <= 8),
                  ("the sides are unknown", "R, L or both", self.sides, self.sides in ((), ("R",), ("L",), ("R", "L"))),
                  ("the severity is impossible", "0-1", self.severity, math.isnan(self.severity) or 0 <= self.severity <= 1))
        refuse("AP knee", checks)


def knee_film(seed: Seed, *, patient: Seed | None = None, ask: Drawing | None = None, wear: Wear | None = None, **how: Any) -> KneeFilm:
    """One film, 166 mm square (twice as wide for both knees). The same arguments give the same bytes.

    `patient` seeds what the knees of one person share; `wear` fixes the osteoarthritis of every knee; the rest as in `Drawing` (or given as `ask`).
    Raises DataError for impossible arguments.
    """
    asked = ask or Drawing(**how)
    anatomy, label, nuisance, physics = (np.random.default_rng(s) for s in unspawned(seed).spawn(4))
    shared, common = (np.random.default_rng(s) for s in unspawned(seed if patient is None else patient).spawn(6)[4:])
    person, alike, build = person_of(shared), float(common.normal()), shared.normal(0, 1, 4)
    setting = setting_of(nuisance, asked)
    sides = asked.sides or ("R" if nuisance.random() < 0.5 else "L",)
    drawn = {side: _severity(label, alike, asked) for side in sides}
    worn = {side: (wear or wear_of(severity, person.width, label, asked.difficulty)) for side, severity in drawn.items()}
    return _record(person, {side: (shape_of(anatomy, person, build), worn[side], drawn[side]) for side in sides}, setting, asked, (nuisance, physics))


def knee_ap(folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, pixel_mm: float = PIXEL_MM, confounded: bool = False,
            reader_error: float = 0.0, workers: int = 2) -> Cohort:
    """A cohort folder of `cases` films of one knee: DICOM `xray`, grade `kl`, readings and points `knee`, `readings.csv` of three surgeons and a trainee; the same bytes for the same call.

    `reader_error` is the share of grades that stand one step off in `kl` (the exact ones are in `kl_exact`). Raises DataError before any file is written for
    impossible arguments, a folder with other content, or one that was made by another call.
    """
    from osteon.simulate.film_cohort import make
    from osteon.simulate.knee_cohort import FILMS

    Drawing(site, difficulty, pixel_mm, confounded=confounded)
    if not 0 <= reader_error < 1:
        raise DataError(message("AP knee", "the reader error is impossible", expected="0 or more, below 1", found=f"Found {reader_error}"))
    return make(FILMS, Path(folder), {"cases": cases, "seed": seed, "site": site, "difficulty": difficulty, "pixel_mm": pixel_mm, "confounded": confounded,
                               "reader_error": reader_error}, workers)



def _severity(rng: np.random.Generator, alike: float, asked: Drawing) -> float:
    """A continuous severity in 0-1, half of its variance shared by both knees; sicker at site B."""
    share = 0.5 * (1 + math.erf((math.sqrt(0.5) * alike + math.sqrt(0.5) * float(rng.normal())) / math.sqrt(2)))
    return asked.severity if not math.isnan(asked.severity) else share ** (1.15 if asked.site == "A" else 0.85)


def person_of(rng: np.random.Generator) -> Person:
    """Size by sex; age and body mass know nothing of the severity, unlike in life, so that the table betrays no grade."""
    man = rng.random() >= 0.58
    age = float(np.clip(rng.normal(62, 10), 35, 90))
    bmi = float(np.clip(rng.normal(28, 4.3), 18, 42))
    width = float(np.clip(rng.normal(1.05 if man else 0.94, 0.035), 0.84, 1.16))
    cortex = float(np.clip(rng.normal(1.04 if man else 0.96, 0.1) - 0.004 * (age - 60), 0.65, 1.3))
    return Person(round(age, 1), "male" if man else "female", round(bmi, 1), width, cortex, float(rng.uniform(0.6, 3.0)), float(np.clip(rng.normal(1.0, 0.18), 0.6, 1.5)))


def shape_of(rng: np.random.Generator, person: Person, build: np.ndarray) -> LegShape:
    """The bones of one knee: both of a person share three quarters of their variance."""
    from osteon.simulate.lower_limb_bones import LegAngles, LegShape

    u = rng.normal(0, 1, 4)
    own = np.sqrt(0.75) * build + 0.5 * u
    angles = LegAngles(float(np.clip(87.3 + 1.6 * own[0], 83, 92)), float(np.clip(87.2 + 1.6 * own[1], 83, 92)), 89.0, 127.0, 5.6, 12.0, 13.0, float(np.clip(6 + 2 * own[2], 1, 11)))
    return LegShape(angles, 430.0, 365.0, 23.5, person.width * float(np.exp(0.01 * u[3])), 0.8 * person.cortex)


def setting_of(rng: np.random.Generator, asked: Drawing) -> Setting:
    """How a film of a site and difficulty is taken."""
    home, hard = asked.site == "A", asked.difficulty
    turn, bend, miss = (2.0 + 2.5 * hard, 1.5 + 2.5 * hard, 0.6 + 1.0 * hard) if home else (3.5 + 3.5 * hard, 3.0 + 4.0 * hard, 1.4 + 1.6 * hard)
    rotation, flexion = float(np.clip(rng.normal(0, turn), -14, 14)), float(min(abs(rng.normal(0, bend)), 14))
    far = 1150.0 if home else 1000.0
    source = (float(rng.normal(0, 8)), far, float(far * np.tan(np.radians(5.0 + rng.normal(0, miss)))))
    shift = (float(rng.normal(0, 4)), float(rng.normal(0, 5)))
    margins = tuple(float(v) for v in rng.uniform(0, 5 if home else 11, 4))
    place = float(rng.uniform(0.04, 0.14)) if home else float(rng.uniform(0.06, 0.3))
    odds = rng.random(2)
    extras = frozenset(name for name, odd, share in (("fabella", odds[0], 0.15), ("chalk", odds[1], 0.03 + 0.06 * hard)) if odd < share)
    letter = place, float(rng.uniform(0.035, 0.06)), float(rng.normal(0, 4 if home else 9))
    if asked.neutral:
        return Setting(letter=letter)
    return Setting(rotation, flexion, float(rng.normal(2.5, 1.2)), shift, source, margins, letter, extras)  # type: ignore[arg-type]


def _record(person: Person, drawn: Mapping[str, tuple[LegShape, Wear, float]], setting: Setting, asked: Drawing, streams: tuple[np.random.Generator, np.random.Generator]) -> KneeFilm:
    from osteon.simulate import knee_scene as scene
    from osteon.simulate.knee_pose import Posture, place_knee

    posture, both = Posture(setting.rotation, setting.flexion, setting.tilt), len(drawn) > 1
    middles = {side: np.array([(APART_MM if side == "L" else -APART_MM) if both else 0.0, 0.0, 0.0]) for side in drawn}
    knees = [place_knee(shape, wear, posture, side, middles[side]) for side, (shape, wear, _) in drawn.items()]
    frustum = frustum_of(setting, asked.pixel_mm, both=both)
    truth = {knee.side: _reading(frustum, knee, drawn[knee.side][2]) for knee in knees}
    betrayed = asked.confounded and max(reading.grades["osteophyte"] for reading in truth.values()) >= 2
    setting = replace(setting, letter=(0.86, *setting.letter[1:]), extras=setting.extras | {"betrayed"}) if betrayed else setting
    stored, line = scene.draw(frustum, knees, person, setting, asked, *streams)
    attributes = {"age": person.age, "sex": person.sex, "bmi": person.bmi, "site": asked.site, "rotation": round(setting.rotation, 2), "flexion": round(setting.flexion, 2),
                  "fabella": "fabella" in setting.extras, "chalk": "chalk" in setting.extras, "magnification": round(frustum.magnification, 5)}
    return KneeFilm(stored, (frustum.pixel,) * 2, truth, attributes, line)


def frustum_of(setting: Setting, pixel: float, *, both: bool = False) -> Frustum:
    """The film around the joint, its spacing true in the plane of the joint."""
    from osteon.simulate.frustum import Frustum

    rows = round(FIELD_MM / pixel)
    cols = round((2 * APART_MM + FIELD_MM if both else FIELD_MM) / pixel)
    corner = setting.shift[0] - 0.5 * (cols - 1) * pixel, setting.shift[1] + 0.5 * (rows - 1) * pixel
    return Frustum((rows, cols), pixel, corner, setting.source, 0.0, -70.0)


def _reading(frustum: Frustum, knee: Knee, severity: float) -> Reading:
    """The truth of one knee, measured on its projection, and its grade by both rules."""
    from osteon.simulate import knee_pose

    space, ends = knee_pose.joint_space(frustum, knee)
    spurs = knee_pose.osteophytes(frustum, knee)
    seen = Features({site: reach for site, (reach, _) in spurs.items()}, space, width=80 * knee.shape.width, sclerosis=max(knee.wear.sclerosis), attrition=max(knee.wear.attrition))
    grades = {rule: kellgren_lawrence(seen, rule=rule) for rule in RULES}
    return Reading(grades, {side: space[side] for side in COMPARTMENTS}, ends, spurs, knee_pose.landmarks(frustum, knee), knee.wear, severity)

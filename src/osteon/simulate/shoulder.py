"""Examinations of one shoulder, two to seven radiographs of five views from one anatomy, with exact truth: fractures of humerus, clavicle and scapula with their codes, and dislocations.

An examination is drawn in steps with a random stream each: who it is, anatomy, label, nuisance and, for each film, its own nuisance and physics. The code follows from the planes
that part the bones; displacement, parts and dislocation are called by rule from what is measured on the projections.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.geometry import shoulder as rules
from osteon.simulate.asking import refuse, unspawned
from osteon.simulate.card import Card

if TYPE_CHECKING:
    from osteon.cohort import Cohort
    from osteon.simulate.frustum import Frustum
    from osteon.simulate.limb_scene import Look
    from osteon.simulate.shoulder_bones import ShoulderShape
    from osteon.simulate.shoulder_pose import Injury, Shoulder, Stance

FIELD_MM, PIXEL_MM = 230.4, 0.9
SITES, SIDES, VIEWS = ("A", "B"), ("R", "L"), ("ap", "y", "grashey", "internal", "clavicle")
STANCES: Mapping[str, tuple[float, float, float]] = {"ap": (0.0, 0.0, 8.0), "internal": (0.0, 0.0, 66.0), "grashey": (34.0, 0.0, 40.0), "y": (124.0, 0.0, 50.0), "clavicle": (0.0, 18.0, 25.0)}
MIDDLE: Mapping[str, tuple[float, float]] = {"ap": (-30.0, -28.0), "internal": (-30.0, -28.0), "grashey": (-18.0, -28.0), "y": (4.0, -38.0), "clavicle": (-66.0, 6.0)}
FEWEST, MOST = 2, 7  # films of an examination
SEEN_MM, STEP_MM, MOVED_MM = 4.0, 1.5, 5.0  # of the gap along a ray, of the step that shows, of the step that counts as displaced
CODES = ("11A1.1", "11A1.2", "11A2.1", "11A2.2", "11A2.3", "11B1.1", "11B1.2", "11C1.1", "11C1.3", "11C3.1", "12A2", "12A3", "12B2", "12B3", "12C2", "12C3", "14A", "14B", "14F",
         *(segment + kind for segment in ("15.1", "15.2", "15.3") for kind in "ABC"))
Seed = int | tuple[int, ...] | np.random.SeedSequence
CARD = Card(
    "shoulder in several views", "1.0",
    use="checks that fractures are recovered from a set of films of any number and order, with a tree of codes; teaching of views, of mimics and of shortcuts",
    modelled=("humerus with head, both tuberosities, the groove between, canal and cortex that thins upwards; scapula with glenoid, neck, borders, thin blade, spine, acromion and coracoid; the S of the "
              "clavicle; seven ribs and the lung", "subchondral plates of head and glenoid, struts of the head",
              "five views of the same bones: AP, AP with the arm turned in, true AP (Grashey), Y, and clavicle with the tube tilted; two to seven films an examination, in any order after the first two",
              "fractures by planes: greater and lesser tuberosity, surgical and anatomical neck alone and together, shaft, three segments of the clavicle, acromion, coracoid, glenoid and blade; splinters",
              "the code from the set of planes, the parts of Neer from what has moved", "dislocation forwards and seldom backwards, with and without a fracture: a mimic of one",
              "skin, fat, lead letter, shutters, turned trunk and arm", "site B: another room, older and heavier people, worse positioning", "confounded: broken shoulders are taken in another room, a shortcut to be found"),
    absent=("axillary view", "osteoarthritis, calcified tendons, implants", "vertical planes of the metaphysis (11A3) and codes below the types named", "fractures of ribs, the other shoulder, clothes and slings",
            "Hill-Sachs and Bankart defects", "fractures that are curved: each is a plane"),
    sources=("classes: AO/OTA compendium 2018, proximal humerus after Radiopaedia; types of scapula and clavicle unverified; codes may be used for research and education, commercially only with permission",
             "two to seven films an examination, proximal and diaphyseal humerus, clavicle, scapula: Magneli 2023 (6,172 examinations)", "shares of the patterns, dimensions, courses and limits: ours"),
    probes=("finding: a broken bone, 600 examinations at site A, difficulty 0.5, the middle of AP and true AP film beside each other, 64 x 64 pixels of 2.4 mm each, logistic probes, five folds, area "
            "under the curve with bootstrap interval", "four grey statistics 0.47 (0.42-0.51); 24-bin histogram 0.53 (0.48-0.58); four 4 x 4 corners 0.51 (0.46-0.56); age, sex, body mass, number of "
            "films, side and order 0.52 (0.47-0.56)", "8 x 8 thumbnail 0.51 (0.46-0.55); features of an untrained network 0.55",
            "a network of four convolutions, trained on 400 examinations: 0.71 on 200 others, below the band of 0.75-0.97: many kinds of fracture, thin lines at this size"),
)


@dataclass(frozen=True)
class Person:
    """Who is examined: age (years), sex, body mass index, strength of the trabecular pattern."""

    age: float
    sex: str
    bmi: float
    grain: float


@dataclass(frozen=True, eq=False)
class ShoulderFilm:
    """One film: `view`, `stored` (rows, cols) uint16 with bone bright, `spacing` (mm), masks of `shoulder_scene.STRUCTURES`, landmarks (row, col), `values` of `SHOULDER_UNITS`, and for each
    plane the step (mm) and the way through the gap (mm) on this film."""

    view: str
    stored: np.ndarray
    spacing: tuple[float, float]
    masks: np.ndarray
    landmarks: Mapping[str, np.ndarray]
    values: Mapping[str, float]
    shows: Mapping[str, tuple[float, float]]
    line: np.ndarray = field(repr=False)

    @property
    def seen(self) -> bool:
        """Whether a fracture shows on this film, by rule."""
        return any(step >= STEP_MM or through >= SEEN_MM for step, through in self.shows.values())


@dataclass(frozen=True, eq=False)
class ShoulderExam:
    """An examination: its films in order, side, injury, `findings` (labels by name), `values` (mm, degrees) and attributes."""

    films: tuple[ShoulderFilm, ...]
    side: str
    injury: Injury
    findings: Mapping[str, str]
    values: Mapping[str, float]
    attributes: Mapping[str, Any]
    severity: float

    @property
    def broken(self) -> bool:
        """Whether a bone is fractured."""
        return self.findings["fracture"] == "yes"


@dataclass(frozen=True)
class Drawing:
    """How an examination is asked for: views in order (none: two to seven of them, drawn), site, difficulty (0-1), pixel (mm), side (none: at random), severity (nan: drawn), and manner:
    neutral (without nuisance), confounded."""

    views: tuple[str, ...] = ()
    site: str = "A"
    difficulty: float = field(default=0.5, kw_only=True)
    pixel_mm: float = field(default=PIXEL_MM, kw_only=True)
    side: str = field(default="", kw_only=True)
    severity: float = field(default=math.nan, kw_only=True)
    manner: frozenset[str] = field(default=frozenset(), kw_only=True)

    def __post_init__(self) -> None:
        checks = (("the views are impossible", f"up to {MOST} of {', '.join(VIEWS)}", self.views, set(self.views) <= set(VIEWS) and len(self.views) <= MOST),
                  ("the site is unknown", "A or B", self.site, self.site in SITES), ("the difficulty is impossible", "0-1", self.difficulty, 0 <= self.difficulty <= 1),
                  ("the pixel size is impossible", "0.2-8 mm", self.pixel_mm, 0.2 <= self.pixel_mm <= 8), ("the side is unknown", "R or L", self.side, self.side in ("", *SIDES)),
                  ("the severity is impossible", "0-1", self.severity, math.isnan(self.severity) or 0 <= self.severity <= 1),
                  ("the manner is unknown", "neutral, confounded", sorted(self.manner), self.manner <= {"neutral", "confounded"}))
        refuse(CARD.name, checks)


def shoulder_exam(seed: Seed, *, injury: Injury | None = None, neutral: bool = False, confounded: bool = False, **how: Any) -> ShoulderExam:
    """One examination; the same arguments give the same bytes. `injury` fixes what is broken; the rest as in `Drawing`, whose DataError it raises."""
    from osteon.simulate.shoulder_pose import Shoulder

    asked = Drawing(**how, manner=frozenset(name for name, there in (("neutral", neutral), ("confounded", confounded)) if there))
    whose, anatomy, label, nuisance, films = unspawned(seed).spawn(5)
    person, rng = _person(np.random.default_rng(whose), asked.site), np.random.default_rng(nuisance)
    side = asked.side or ("R" if rng.random() < 0.5 else "L")
    views = asked.views or _views(rng)
    shape = _shape(np.random.default_rng(anatomy), person)
    severity, hurt = _injury(np.random.default_rng(label), shape, asked)
    return _examined(person, Shoulder(side, shape, injury or hurt), views, asked, (severity, films))


def shoulder(folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, pixel_mm: float = PIXEL_MM, confounded: bool = False, workers: int = 2) -> Cohort:
    """A cohort folder of `cases` examinations: two to seven DICOM `films` each, masks and readings of the first, findings and codes as columns; the same bytes for the same call.

    Raises DataError before any file is written for impossible arguments, a folder with other content, or one that was made by another call.
    """
    from osteon.simulate.film_cohort import make
    from osteon.simulate.shoulder_cohort import FILMS

    Drawing((), site, difficulty=difficulty, pixel_mm=pixel_mm)
    return make(FILMS, Path(folder), {"cases": cases, "seed": seed, "site": site, "difficulty": difficulty, "pixel_mm": pixel_mm, "confounded": confounded}, workers)



def _person(rng: np.random.Generator, site: str) -> Person:
    """Age and body mass know nothing of the finding, unlike in life, so that the table betrays none."""
    man, z = rng.random() < 0.46, rng.normal(0, 1, 3)
    older = 0.0 if site == "A" else 6.0
    return Person(round(float(np.clip(58 + older + 17 * z[0], 18, 96)), 1), "male" if man else "female", round(float(np.clip(26 + 0.2 * older + 4.2 * z[1], 17, 42)), 1),
                  float(np.clip(1.0 + 0.15 * z[2], 0.6, 1.5)))


def _shape(rng: np.random.Generator, person: Person) -> ShoulderShape:
    from osteon.simulate.shoulder_bones import ShoulderShape

    z = rng.normal(0, 1, 5)
    return ShoulderShape(float(np.clip((1.05 if person.sex == "male" else 0.93) + 0.035 * z[0], 0.82, 1.16)), float(np.clip(1.0 - 0.006 * (person.age - 55) + 0.08 * z[1], 0.55, 1.3)),
                         float(np.clip(135 + 3.5 * z[2], 125, 145)), float(np.clip(1.1 * z[3], -2.4, 3)), float(np.clip(2.2 * z[4], -5, 6)))


def _views(rng: np.random.Generator) -> tuple[str, ...]:
    """AP and Y, and up to five more, some of them taken again."""
    more = int(rng.choice(np.arange(MOST - FEWEST + 1), p=(0.34, 0.30, 0.18, 0.10, 0.05, 0.03)))
    return ("ap", "y", *(str(v) for v in rng.choice(("grashey", "internal", "clavicle", "ap", "y"), more, p=(0.35, 0.25, 0.2, 0.1, 0.1))))


def _injury(rng: np.random.Generator, shape: ShoulderShape, asked: Drawing) -> tuple[float, Injury]:
    """Half of the shoulders are broken; a severity that is given breaks them all above 0."""
    from osteon.simulate import shoulder_states

    broken, drawn = rng.random() < 0.5, float(rng.random())
    given = not math.isnan(asked.severity)
    severity = asked.severity if given else drawn
    if (severity <= 0) if given else not broken:
        return 0.0, shoulder_states.unhurt(rng)
    return severity, shoulder_states.hurt(severity, shape, rng, asked.difficulty)


def _examined(person: Person, made: Shoulder, views: tuple[str, ...], asked: Drawing, drawn: tuple[float, np.random.SeedSequence]) -> ShoulderExam:
    severity, sequence = drawn
    films = tuple(_film(made, view, person, asked, stream) for view, stream in zip(views, sequence.spawn(len(views)), strict=True))
    findings, values = _called(films, made.injury)
    attributes = {"age": person.age, "sex": person.sex, "bmi": person.bmi, "site": asked.site, "films": len(films)}
    return ShoulderExam(films, made.side, made.injury, findings, values, attributes, severity)


def _film(made: Shoulder, view: str, person: Person, asked: Drawing, sequence: np.random.SeedSequence) -> ShoulderFilm:
    from osteon.simulate import shoulder_pose, shoulder_scene

    rng, physics = (np.random.default_rng(s) for s in sequence.spawn(2))
    stance, frustum, letter, margins = _setting(rng, made, view, asked)
    points = shoulder_pose.landmarks(frustum, made, stance) if view != "y" else {}
    steps, ways = (rule(frustum, made, stance) for rule in (shoulder_pose.displacements, shoulder_pose.gaps))
    look = _look(rng, (person, made.side, view), letter, margins, asked, betrays="confounded" in asked.manner and bool(made.injury.cracks))
    skin = {"size": float((person.bmi / 26.0) ** 0.35), "fat": float((1.2 if person.sex == "female" else 0.85) * (person.bmi / 26.0) ** 1.5)}
    stored, masks, line = shoulder_scene.draw(frustum, made, stance, skin, look, rng, physics)
    n, pixel = frustum.shape[0], asked.pixel_mm
    seen = {name: at for name, at in points.items() if (at > -0.5).all() and (at < n - 0.5).all()}
    return ShoulderFilm(view, stored, (pixel,) * 2, masks, seen, rules.measure_shoulder(points, (pixel,) * 2), {name: (steps[name], ways[name]) for name in steps}, line)


def _setting(rng: np.random.Generator, made: Shoulder, view: str, asked: Drawing) -> tuple[Stance, Frustum, tuple[float, float, float], tuple[float, float, float, float]]:
    """How the patient stands, the film (in millimetres of a shoulder of size 1), the place of the letter (row, col as shares; tilt) and the shutters (mm)."""
    from osteon.simulate.frustum import Frustum
    from osteon.simulate.shoulder_pose import Stance

    home, z, u = asked.site == "A", rng.normal(0, 1, 10), rng.random(7)
    loose = 0.0 if "neutral" in asked.manner else (0.8 + 1.2 * asked.difficulty) * (1.0 if home else 1.6)
    turn, tilt, arm = STANCES[view]
    stance = Stance(turn + 3.0 * loose * float(z[0]), tilt + 2.0 * loose * float(z[1]), arm + 8.0 * loose * float(z[2]), float(np.clip(9 + 4 * loose * z[3], 0, 30)))
    n, pixel = round(FIELD_MM / asked.pixel_mm), asked.pixel_mm / made.shape.size
    out, (aside, up) = 1.0 if made.side == "L" else -1.0, MIDDLE[view]
    corner = out * aside + 3.5 * loose * float(z[4]) - 0.5 * (n - 1) * pixel, up + 3.5 * loose * float(z[5]) + 0.5 * (n - 1) * pixel
    source = out * aside * 0.5 + 4 * loose * float(z[6]), 1250.0 if home else 1050.0, 4 * loose * float(z[7])
    margins = tuple(float(v) for v in u[:4] * (0 if not loose else 7 if home else 11))
    return stance, Frustum((n, n), pixel, corner, source, 0.0, -110.0), (0.06 + 0.05 * float(u[4]), 0.06 + 0.04 * float(u[5]), float((4 if home else 8) * z[8])), margins  # type: ignore[return-value]


def _look(rng: np.random.Generator, who: tuple[Person, str, str], letter: tuple[float, float, float], margins: tuple[float, float, float, float], asked: Drawing, *, betrays: bool) -> Look:
    from osteon.simulate import shoulder_scene
    from osteon.simulate.limb_scene import Look

    person, side, view = who
    room = shoulder_scene.room(asked.site, asked.difficulty, rng, view=view, betrays=betrays)
    down = 0.86 if betrays else letter[0]
    return Look(room, margins, shoulder_scene.BORDER[asked.site], (side, down, *letter[1:], shoulder_scene.LETTER_MM[asked.site]), person.grain, shoulder_scene.FINER)


def _called(films: tuple[ShoulderFilm, ...], injury: Injury) -> tuple[dict[str, str], dict[str, float]]:
    """Labels and lengths over all films of an examination, by the rules."""
    step = {name: max(film.shows[name][0] for film in films) for name in injury.cracks}
    first = next((film.values for film in films if film.view != "y"), {})
    values = {name: first.get(name, math.nan) for name in rules.SHOULDER_UNITS} | {"displacement": max(step.values(), default=0.0)}
    codes = coded(injury)
    seen = sum(film.seen for film in films)
    parts = {name: (step[name], float(np.linalg.norm(crack.turn))) for name, crack in injury.cracks.items() if name in rules.HUMERUS and name != "shaft"}
    findings = {"fracture": "yes" if injury.cracks else "no", "code": codes[0] if codes else "none", "humerus": next((c for c in codes if c.startswith(("11", "12"))), "none"),
                "clavicle": next((c for c in codes if c.startswith("15")), "none"), "scapula": next((c for c in codes if c.startswith("14")), "none")}
    out = float(np.linalg.norm(injury.gone)) >= rules.DISLOCATED_MM
    return findings | {"displaced": "yes" if values["displacement"] >= MOVED_MM else "no", "parts": str(rules.neer_parts(parts)) if parts else "none", "dislocated": "yes" if out else "no",
                       "seen_on": f"{seen} of {len(films)}"}, values


def coded(injury: Injury) -> list[str]:
    """The codes of an injury, the humerus first."""
    planes = [name for name in injury.cracks if name in rules.HUMERUS]
    out = []
    if planes:
        crack = injury.cracks[planes[-1]]
        out.append(rules.humerus_code(planes, wedges=len(crack.splinters), slope=math.degrees(math.acos(min(1.0, abs(float(crack.way[2])))))))
    if "clavicular" in injury.cracks:
        out.append(rules.clavicle_code(injury.segment, len(injury.cracks["clavicular"].splinters)))
    return [*out, *(rules.SCAPULA[name] for name in injury.cracks if name in rules.SCAPULA)]

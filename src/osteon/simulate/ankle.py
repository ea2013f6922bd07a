"""Three radiographs of one ankle (anteroposterior, mortise, lateral) from one anatomy, with exact truth: fractures of the malleoli, their displacement, mortise and syndesmosis.

An examination is drawn in steps with a random stream each: who it is, anatomy, label, nuisance and, for each view, its own nuisance and physics. Weber class, displacement, whether a
fracture is occult and whether the mortise is wide are called by rule from what is measured on the three projections, never taken from the design.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.geometry import ankle as rules
from osteon.simulate.asking import refuse, unspawned
from osteon.simulate.card import Card

if TYPE_CHECKING:
    from osteon.cohort import Cohort
    from osteon.simulate.ankle_bones import AnkleShape
    from osteon.simulate.ankle_pose import Ankle, Injury, Stance
    from osteon.simulate.frustum import Frustum
    from osteon.simulate.limb_scene import Look

FIELD_MM, PIXEL_MM = 184.32, 0.72
SITES, SIDES, VIEWS = ("A", "B"), ("R", "L"), ("ap", "mortise", "lateral")
TURN: Mapping[str, float] = {"ap": 17.0, "mortise": 0.0, "lateral": 90.0}  # degrees outwards from the mortise
MIDDLE: Mapping[str, tuple[float, float]] = {"ap": (2.0, 22.0), "mortise": (2.0, 22.0), "lateral": (8.0, 6.0)}  # of the film (mm lateral or anterior, up)
SEEN_MM, STEP_MM = 4.0, 1.0  # of the gap along a ray, or of the step between fragments: a film that shows so much shows the fracture
Seed = int | tuple[int, ...] | np.random.SeedSequence
CARD = Card(
    "ankle in three views", "1.0",
    use="checks that fractures of the malleoli are recovered from one film or three as planted; teaching of views, of occult fractures and of shortcuts",
    modelled=("tibia with plafond, both colliculi, anterior and posterior tubercle and the notch of the fibula; fibula with malleolar facet; talus with grooved dome, processes, neck and head; "
              "calcaneus with posterior facet and sustentaculum; navicular, cuboid, cuneiforms, metatarsals",
              "subchondral plates, struts of metaphysis, talus and calcaneus with its poor triangle, the scar of the growth plate",
              "AP, mortise (turned in by 17 degrees) and lateral view of the same bones by one cone beam each",
              "fractures by planes: fibula below, through and above the syndesmosis, medial malleolus torn off or sheared, posterior rim; continuous gap, shift and turn; splinters",
              "a syndesmosis that opens and a talus that follows, with or without a fracture",
              "fractures that not every view shows: what a film shows of a gap is the way of its rays through it, so that a spiral fracture hides on a frontal film",
              "skin, fat with Kager's triangle, swelling, splint or cast, accessory bones as mimics, lead letter, shutters, plantar flexion",
              "site B: another room, older and heavier people, worse positioning, more casts", "confounded: broken ankles are taken in another room, a shortcut to be found"),
    absent=("growth plates that are open", "osteoarthritis, old fractures, implants", "fractures that are curved: each is a plane", "ligaments as such", "weight bearing", "vessels, dressings"),
    sources=("clear space of the syndesmosis: 2.7 (SD 0.8) mm on CT of uninjured ankles (PMC7937306); limits of clear space and overlap: Harper and Keller, Foot Ankle 1989",
             "half of the ankles are broken, as in the case-control set of Ashkani-Esfahani 2022 (1,050 of 2,100, 72 of them occult); shares of the patterns: ours",
             "dimensions of bones follow textbook proportions; chances, courses and limits are ours"),
    probes=("finding: a broken malleolus, 700 examinations at site A, difficulty 0.5, mortise beside lateral film, 64 x 64 pixels of 1.44 mm each, logistic probes, five folds, area under the curve "
            "with bootstrap interval", "four grey statistics 0.53 (0.48-0.57); 24-bin histogram 0.61 (0.57-0.66); four 4 x 4 corners 0.47 (0.43-0.51); age, sex, body mass, cast, swelling, "
            "accessory bones, side and order 0.48 (0.44-0.52)", "8 x 8 thumbnail 0.56 (0.52-0.61); features of an untrained network 0.64",
            "a network of four convolutions, trained on 467 examinations: 0.75 on 233 others, at the lower end: fractures are thin lines at this size"),
    bounds=(("thumbnail", 0.66, "a talus that has gone outwards and a fibula off its notch move whole bones by several millimetres"),
            ("histogram", 0.72, "gaps and opened joint spaces are dark pixels inside the bones, and overlapping fragments are bright ones")),
)


@dataclass(frozen=True)
class Person:
    """Who is examined: age (years), sex, body mass index, strength of the trabecular pattern."""

    age: float
    sex: str
    bmi: float
    grain: float


@dataclass(frozen=True, eq=False)
class AnkleFilm:
    """One view: `stored` (rows, cols) uint16 with bone bright, `spacing` (mm), masks of the bones (`ankle_scene.STRUCTURES`), landmarks (row, col), `values` of `ANKLE_UNITS`, and for each
    broken malleolus the step (mm) and the way through the gap (mm) on this film."""

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
class AnkleExam:
    """An examination: its films by view, side, injury, `findings` (labels by name), `values` over the views (mm, degrees) and attributes."""

    films: Mapping[str, AnkleFilm]
    side: str
    injury: Injury
    findings: Mapping[str, str]
    values: Mapping[str, float]
    attributes: Mapping[str, Any]
    severity: float

    @property
    def broken(self) -> bool:
        """Whether a malleolus is fractured."""
        return self.findings["fracture"] == "yes"


@dataclass(frozen=True)
class Drawing:
    """How an examination is asked for: views, site, difficulty (0-1), pixel (mm), side (none: at random), severity (nan: drawn), and manner: neutral (without nuisance), confounded."""

    views: tuple[str, ...] = VIEWS
    site: str = "A"
    difficulty: float = field(default=0.5, kw_only=True)
    pixel_mm: float = field(default=PIXEL_MM, kw_only=True)
    side: str = field(default="", kw_only=True)
    severity: float = field(default=math.nan, kw_only=True)
    manner: frozenset[str] = field(default=frozenset(), kw_only=True)

    def __post_init__(self) -> None:
        checks = (("a view is unknown", ", ".join(VIEWS), self.views, bool(self.views) and set(self.views) <= set(VIEWS)), ("the site is unknown", "A or B", self.site, self.site in SITES),
                  ("the difficulty is impossible", "0-1", self.difficulty, 0 <= self.difficulty <= 1), ("the pixel size is impossible", "0.2-8 mm", self.pixel_mm, 0.2 <= self.pixel_mm <= 8),
                  ("the side is unknown", "R or L", self.side, self.side in ("", *SIDES)), ("the severity is impossible", "0-1", self.severity, math.isnan(self.severity) or 0 <= self.severity <= 1),
                  ("the manner is unknown", "neutral, confounded", sorted(self.manner), self.manner <= {"neutral", "confounded"}))
        refuse(CARD.name, checks)


def ankle_exam(seed: Seed, *, injury: Injury | None = None, neutral: bool = False, confounded: bool = False, **how: Any) -> AnkleExam:
    """One examination; the same arguments give the same bytes. `injury` fixes what is broken; the rest as in `Drawing`, whose DataError it raises."""
    asked = Drawing(**how, manner=frozenset(name for name, there in (("neutral", neutral), ("confounded", confounded)) if there))
    whose, anatomy, label, nuisance, films = unspawned(seed).spawn(5)
    person, rng = _person(np.random.default_rng(whose), asked.site), np.random.default_rng(nuisance)
    side = asked.side or ("R" if rng.random() < 0.5 else "L")
    shape = _shape(np.random.default_rng(anatomy), person, asked)
    severity, hurt = _injury(np.random.default_rng(label), shape, asked)
    skin, plantar = _skin(rng, person, asked)
    return _examined(person, (side, shape, injury or hurt, plantar), skin, asked, (severity, films))


def ankle(folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, pixel_mm: float = PIXEL_MM, confounded: bool = False, workers: int = 2) -> Cohort:
    """A cohort folder of `cases` examinations: DICOM `ap`, `mortise`, `lateral`, masks and readings with points of each, findings as columns; the same bytes for the same call.

    Raises DataError before any file is written for impossible arguments, a folder with other content, or one that was made by another call.
    """
    from osteon.simulate.ankle_cohort import FILMS
    from osteon.simulate.film_cohort import make

    Drawing(VIEWS, site, difficulty=difficulty, pixel_mm=pixel_mm)
    return make(FILMS, Path(folder), {"cases": cases, "seed": seed, "site": site, "difficulty": difficulty, "pixel_mm": pixel_mm, "confounded": confounded}, workers)



def _person(rng: np.random.Generator, site: str) -> Person:
    """Age and body mass know nothing of the finding, unlike in life, so that the table betrays none."""
    man, z = rng.random() < 0.48, rng.normal(0, 1, 3)
    older = 0.0 if site == "A" else 6.0
    return Person(round(float(np.clip(44 + older + 16 * z[0], 18, 90)), 1), "male" if man else "female", round(float(np.clip(26 + 0.2 * older + 4.2 * z[1], 17, 42)), 1),
                  float(np.clip(1.0 + 0.15 * z[2], 0.6, 1.5)))


def _shape(rng: np.random.Generator, person: Person, asked: Drawing) -> AnkleShape:
    """Size by sex; a thinner cortex with age; accessory bones, which imitate fractures, more often where it is hard."""
    from osteon.simulate.ankle_bones import AnkleShape

    z, u = rng.normal(0, 1, 4), rng.random(3)
    there = tuple(name for name, drawn, share in (("subfibular", u[0], 0.03), ("trigonum", u[1], 0.08)) if drawn < share * (0.5 + asked.difficulty))
    return AnkleShape(float(np.clip((1.04 if person.sex == "male" else 0.94) + 0.035 * z[0], 0.82, 1.16)), float(np.clip(1.0 - 0.004 * (person.age - 45) + 0.08 * z[1], 0.6, 1.25)),
                      float(np.clip(3.3 + 0.55 * z[2], 2.0, 4.8)), float(1.6 * z[3]), 1.0 if u[2] < 0.9 - 0.012 * (person.age - 18) else 0.0, there)


def _injury(rng: np.random.Generator, shape: AnkleShape, asked: Drawing) -> tuple[float, Injury]:
    """Half of the ankles are broken; a severity that is given breaks them all above 0."""
    from osteon.simulate import ankle_states

    broken, drawn = rng.random() < 0.5, float(rng.random())
    given = not math.isnan(asked.severity)
    severity = asked.severity if given else drawn
    if (severity <= 0) if given else not broken:
        return 0.0, ankle_states.sprained(rng)
    return severity, ankle_states.hurt(severity, shape, rng, asked.difficulty)


def _skin(rng: np.random.Generator, person: Person, asked: Drawing) -> tuple[dict[str, float], float]:
    """Soft tissue, swelling and cast, which the ankle may have whether it is broken or sprained; and plantar flexion (degrees)."""
    home, u, z = asked.site == "A", rng.random(3), rng.normal(0, 1, 2)
    cast = 0.0 if u[0] > (0.08 if home else 0.16) else 1.0 if u[1] < 0.65 else 2.0
    skin = {"size": float((person.bmi / 26.0) ** 0.35), "fat": float((1.2 if person.sex == "female" else 0.85) * (person.bmi / 26.0) ** 1.5), "swelling": float(u[2] ** 1.3), "cast": cast}
    if "neutral" in asked.manner:
        return skin | {"swelling": 0.0, "cast": 0.0}, 0.0
    return skin, float(np.clip((8 if home else 12) + 7 * z[0], -4, 30))


def _examined(person: Person, whose: tuple[str, AnkleShape, Injury, float], skin: dict[str, float], asked: Drawing, drawn: tuple[float, np.random.SeedSequence]) -> AnkleExam:
    from osteon.simulate.ankle_pose import Ankle

    severity, sequence = drawn
    made = Ankle(*whose)
    streams = dict(zip(VIEWS, sequence.spawn(len(VIEWS)), strict=True))
    films = {view: _film(made, view, (person, skin), asked, streams[view]) for view in asked.views}
    findings, values = _called(films, made.injury)
    attributes = {"age": person.age, "sex": person.sex, "bmi": person.bmi, "site": asked.site, "cast": ("none", "splint", "cast")[int(skin["cast"])], "swelling": round(skin["swelling"], 3),
                  "accessory": ", ".join(made.shape.ossicles) or "none"}
    return AnkleExam(films, made.side, made.injury, findings, values, attributes, severity)


def _film(made: Ankle, view: str, who: tuple[Person, dict[str, float]], asked: Drawing, sequence: np.random.SeedSequence) -> AnkleFilm:
    from osteon.simulate import ankle_pose, ankle_scene

    rng, physics = (np.random.default_rng(s) for s in sequence.spawn(2))
    stance, frustum, letter, margins = _setting(rng, made.side, view, asked)
    turn = made.view(stance)
    points = ankle_pose.landmarks(frustum, made, turn, frontal=view != "lateral")
    steps, ways = (rule(frustum, made, turn) for rule in (ankle_pose.displacements, ankle_pose.gaps))
    betrays = "confounded" in asked.manner and bool(made.injury.cracks)
    look = _look(rng, who[0], made.side, letter, margins, asked, betrays=betrays)
    stored, masks, line = ankle_scene.draw(frustum, made, turn, who[1], look, rng, physics)
    values = dict(rules.measure_ankle(points, (frustum.pixel,) * 2))
    if view != "lateral" and (found := ankle_pose.heights(frustum, made, turn)):
        values |= {"fracture_low": found[0], "fracture_high": found[1]}
    n = frustum.shape[0]
    seen = {name: at for name, at in points.items() if (at > -0.5).all() and (at < n - 0.5).all()}
    return AnkleFilm(view, stored, (frustum.pixel,) * 2, masks, seen, values, {name: (steps[name], ways[name]) for name in steps}, line)


def _setting(rng: np.random.Generator, side: str, view: str, asked: Drawing) -> tuple[Stance, Frustum, tuple[float, float, float], tuple[float, float, float, float]]:
    """How the ankle lies, the film, the place of the letter (row, col as shares; tilt) and the shutters (mm)."""
    from osteon.simulate.ankle_pose import Stance
    from osteon.simulate.frustum import Frustum

    home, z, u = asked.site == "A", rng.normal(0, 1, 8), rng.random(7)
    neutral = "neutral" in asked.manner
    loose = 0.0 if neutral else (1.0 + 1.2 * asked.difficulty) * (1.0 if home else 1.7)
    stance = Stance(TURN[view] + 2.6 * loose * float(z[0]), 1.6 * loose * float(z[1]), 1.4 * loose * float(z[2]))
    pixel = asked.pixel_mm
    n, out = round(FIELD_MM / pixel), 1.0 if side == "L" else -1.0
    aside, up = MIDDLE[view]
    still = 0.0 if neutral else 4.0
    corner = out * aside + still * float(z[3]) - 0.5 * (n - 1) * pixel, up + still * float(z[4]) + 0.5 * (n - 1) * pixel
    frustum = Frustum((n, n), pixel, corner, (float(still * z[5]), 1050.0 if home else 1200.0, float(still * z[6])), 0.0, -70.0)
    margins = (0.0,) * 4 if neutral else tuple(float(v) for v in u[:4] * (7 if home else 11))
    return stance, frustum, (0.07 + 0.05 * float(u[4]), 0.06 + 0.04 * float(u[5]), float((4 if home else 8) * z[7])), margins  # type: ignore[return-value]


def _look(rng: np.random.Generator, person: Person, side: str, letter: tuple[float, float, float], margins: tuple[float, float, float, float], asked: Drawing, *, betrays: bool) -> Look:
    from osteon.simulate import ankle_scene
    from osteon.simulate.limb_scene import Look

    room = ankle_scene.room(asked.site, asked.difficulty, rng, betrays=betrays)
    down = 0.86 if betrays else letter[0]
    return Look(room, margins, ankle_scene.BORDER[asked.site], (side, down, *letter[1:], ankle_scene.LETTER_MM[asked.site]), person.grain, ankle_scene.FINER)


def _called(films: Mapping[str, AnkleFilm], injury: Injury) -> tuple[dict[str, str], dict[str, float]]:
    """Labels and lengths over all views of an examination, by the rules."""
    broken = [name for name in rules.MALLEOLI if name in injury.cracks]
    step = {name: max((film.shows[name][0] for film in films.values()), default=0.0) for name in broken}
    frontal = [films[view].values for view in ("mortise", "ap") if view in films]
    first = frontal[0] if frontal else {}
    values = {name: first.get(name, math.nan) for name in ("clear_space", "overlap", "medial_clear_space", "superior_clear_space", "talar_tilt", "talocrural", "fracture_low", "fracture_high")}
    values |= {"boehler": films["lateral"].values["boehler"] if "lateral" in films else math.nan, "displacement": max(step.values(), default=0.0)}
    low, high = values["fracture_low"], values["fracture_high"]
    seen = [view for view, film in films.items() if film.seen]
    findings = {"fracture": "yes" if broken else "no", "weber": rules.weber(low, high) if not math.isnan(low) else "none", "pattern": rules.malleolar(broken)}
    findings |= {f"{name}_malleolus": "broken" if name in broken else "whole" for name in rules.MALLEOLI}
    findings |= {"displaced": "yes" if values["displacement"] >= rules.DISPLACED_MM else "no", "seen_on": ", ".join(seen) or "none",
                 "occult": "yes" if broken and len(seen) < len(films) and len(seen) <= 1 else "no",
                 "medial_space": "wide" if frontal and rules.wide_mortise(first["medial_clear_space"], first["superior_clear_space"]) else "closed",
                 "syndesmosis": "wide" if frontal and first["clear_space"] >= rules.WIDE_CLEAR_MM else "closed"}
    return findings, values

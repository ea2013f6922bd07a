"""Spines that grow under a tether: a chain of vertebrae over irregular visits, as three-dimensional models with exact courses.

Growth follows the Hueter-Volkmann rule in Stokes' form (Stokes IAF et al. Spine 1996; 21: 1162): the side of a vertebra that is pressed
grows less, the more so the faster the child grows. Gravity presses the concave side, so that curves progress; a tether presses the
convex side of its levels, so that they correct, until the child is grown or the tether breaks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.geometry import spine_shape
from osteon.geometry.spine import LEVELS, eased, tilts_of_curves
from osteon.geometry.spine_shape import RING, mesh
from osteon.simulate import film_cohort
from osteon.simulate.card import Card
from osteon.simulate.folder import check
from osteon.simulate.sdf import rotation
from osteon.simulate.spine_pose import Bend, Build, Vertebra, drift, stack
from osteon.value import Trajectory

if TYPE_CHECKING:
    from osteon.cohort import Cohort

CARD = Card(
    "growing spine", "1.1",
    use="checks that forecasts of shape and Cobb angle over irregular visits beat no change and a straight line; teaching of growth, over-correction and chance",
    modelled=("T1 to L5 as rigid vertebrae with wedged bodies and discs, rotation and sagittal profile", "growth by age with a spurt, vertebrae wedge under gravity and straighten under the tether, compensating curves follow",
              "correction at operation mostly in the discs, tension and growth of each child's own", "tethers that break, unknown beforehand", "irregular visits; models with errors of reconstruction",
              "site B: more mature children, fewer visits, poorer reconstructions", "confounded: those who progress before the operation come more often, a shortcut to be found"),
    absent=("the arch of the vertebra, ribs, pelvis, the tether itself", "loss of height by compression, lengthening of single discs", "second operations, braces, posture"),
    sources=("51 degrees before, 24.6 at first standing, 16.3 after a year: vertebral body tethering, Bone Joint J 2020, n = 57, quoted from its abstract", "695 models: Mandel 2020, abstract",
             "rates of growth and of modulation: ours, to meet those figures"),
    probes=("what breaks a tether is drawn apart from all that is seen before, so that no forecast can know it",
            "a forecast that knows all but correction, tension and breakage is off by 2.8 mm and 4.6 degrees over three years at site A, by 2.9 mm and 3.6 degrees at site B, of which the errors of the visits' own models are 1.2 and 2.0 mm"),
)
ATTAINABLE = {"A": (2.25, 2.78, 3.66), "B": (1.81, 2.93, 4.56)}  # mm from the models of the visits at difficulty 0, 0.5 and 1, for whoever knows all but chance: the mean of nine draws against a tenth, 30 children
UNITS = spine_shape.COURSE_UNITS
AXES = np.array([1.0, -1, 1])  # from the world of `spine_pose` (left, anterior, up) to that of DICOM and of files (left, posterior, up)
SITES = {"A": (12.0, 1.0), "B": (13.2, 1.6)}  # mean age at operation, factor on the errors


@dataclass(frozen=True)
class Child:
    """Age at operation, sex, plan of the curves, tethered levels (first, last), part of the disc wedge corrected, tension, rate of progression, month of breakage (inf: never)."""

    age: float
    sex: str
    plan: tuple[tuple[str, str, float], ...]
    tethered: tuple[int, int]
    corrected: float
    tension: float
    progress: float
    breaks: float


@dataclass(frozen=True, eq=False)
class Shape:
    """A spine at one time: its vertebrae, T1 first."""

    column: tuple[Vertebra, ...]

    def points(self) -> np.ndarray:
        """Surface points (17, 26, 3) in mm as `geometry.spine_shape` has them, the origin in the middle of S1."""
        return AXES * np.array([np.concatenate([_ring(v.rim(True)), _ring(v.rim(False))]) for v in self.column])


@dataclass(frozen=True, eq=False)
class Course:
    """A child and the spine at any month: negative before the operation, 0 just before it, above 0 after it."""

    child: Child
    profile: tuple[float, float, float]
    spin: float
    months: np.ndarray
    wedges: np.ndarray

    def shape(self, month: float) -> Shape:
        """The spine at a month between the first and the last simulated."""
        wedge = np.array([np.interp(month, self.months, w) for w in self.wedges.T])
        if 0 < month < self.months[self.months > 0][0]:
            wedge = self.wedges[np.flatnonzero(self.months > 0)[0]]
        return Shape(_column(wedge, self.child, month, self.profile, self.spin))

    def cobb(self, month: float) -> float:
        """The Cobb angle of the main curve between its first end vertebrae, in degrees; below 0 where it is over-corrected."""
        return cobb(self.shape(month), self.child.plan)

    def height(self, month: float) -> float:
        """From the middle of the upper endplate of T1 to that of the lower one of L5, in mm."""
        return float(spine_shape.height(self.shape(month).points()))


def growing_spines(folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, confounded: bool = False, workers: int = 2) -> Cohort:
    """A cohort folder of `cases` children: models `spine` (before), `follow_up` (after) at months in files.csv, true `course`, and true shapes at 12 and 24 months.

    Raises DataError before any file is written for an impossible call or a folder with other content.
    """
    call = check(CARD.name, {"cases": cases, "seed": seed, "site": site, "difficulty": difficulty, "confounded": confounded})
    return film_cohort.make(SPINES, Path(folder), call, workers)


def course(seed: int | np.random.SeedSequence | tuple[int, ...], *, site: str = "A", child: Child | None = None) -> Course:
    """The course of one child from two years before to three years after the operation; `child` fixes who it is."""
    sequence = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
    anatomy, label = (np.random.default_rng(s) for s in sequence.spawn(2))
    drawn, profile, spin = _child(anatomy, label, SITES[site][0]), tuple(float(v) for v in anatomy.normal((22, 8, 24), (4, 3, 4))), float(np.clip(anatomy.normal(0.55, 0.1), 0.3, 0.8))
    who = child or drawn
    before, after = _history(who)
    return Course(who, profile, spin, np.concatenate([BEFORE, AFTER]), np.concatenate([before, after]))  # type: ignore[arg-type]


def cobb(shape: Shape, plan: Sequence[tuple[str, str, float]]) -> float:
    """The Cobb angle of a plan's largest curve on a shape seen from the front, positive on the side where it was planned."""
    return cobb_of_points(shape.points(), plan)


def cobb_of_points(points: np.ndarray, plan: Sequence[tuple[str, str, float]]) -> float:
    """The same on surface points (17, 26, 3)."""
    upper, lower, angle = max(plan, key=lambda c: abs(c[2]))
    return float(spine_shape.cobb(points, upper=upper, lower=lower, side="R" if angle > 0 else "L"))


def reconstructed(shape: Shape, rough: float, rng: np.random.Generator) -> np.ndarray:
    """Points (17, 26, 3) with the errors of a reconstruction: each vertebra a little shifted (0.7 mm) and turned (1.2 degrees) at `rough` 1."""
    points = shape.points()
    for p in points:
        middle = p.mean(axis=0)
        p[:] = (p - middle) @ rotation(*(1.2 * rough * rng.standard_normal(3))).T + middle + 0.7 * rough * rng.standard_normal(3)
    return points


BEFORE, AFTER = np.arange(-24.0, 1.0), np.arange(1e-3, 37.0)


def growth(age: np.ndarray | float, sex: str) -> np.ndarray:
    """Speed of growth of the spine at an age, 1 at the height of the spurt (girls 11.7, boys 13.3 years), near 0 when grown."""
    peak = 11.7 if sex == "female" else 13.3
    past = np.asarray(age, float) - peak
    return np.where(past < 0, 0.45 + 0.55 * np.exp(-((past / 1.2) ** 2)), np.exp(-((past / 1.9) ** 2)))


def _history(who: Child) -> tuple[np.ndarray, np.ndarray]:
    """Wedges (months, 33: 17 bodies, 16 discs) before and after the operation, from the planned curve at month 0."""
    start = _wedges(who.plan)
    before = [start]
    for month in BEFORE[:0:-1]:
        before.append(before[-1] / (1 + _progress(who, month) / 12))
    first, last = who.tethered
    held = np.zeros(33)
    held[17 + first: 17 + last] = 1
    body = np.zeros(33)
    body[first: last + 1] = 1
    free = 1 - np.maximum(held, body)
    now = _followed(start, start * (1 - who.corrected * held), free)
    after = [now]
    for month in AFTER[:-1]:
        speed = float(growth(who.age + month / 12, who.sex))
        if month < who.breaks:
            pull = -who.tension * speed * np.sign(start) * body * np.abs(start).mean(where=body > 0) / 12
            now = now + pull
        else:
            slack = 0.35 * (start * held * who.corrected) if month - 1 < who.breaks else 0.0
            now = now * (1 + _progress(who, month) / 12) + slack
        now = _followed(start, now, free)
        after.append(now)
    return np.array(before[::-1]), np.array(after)


def _followed(start: np.ndarray, now: np.ndarray, free: np.ndarray) -> np.ndarray:
    """The wedges when the curves above and below (`free`) have followed the main one by two thirds, as compensating curves do."""
    left = float(now[free == 0].sum() / start[free == 0].sum())
    return np.where(free == 1, start * (1 / 3 + 2 / 3 * left), now)


def _progress(who: Child, month: float) -> float:
    """Relative growth of a free curve in a year."""
    return who.progress * float(growth(who.age + month / 12, who.sex))


def _wedges(plan: Sequence[tuple[str, str, float]]) -> np.ndarray:
    """Wedge (33,) of the bodies and of the discs below T1 to L4, in degrees."""
    upper, lower = tilts_of_curves(plan)
    return np.concatenate([upper - lower, lower[:-1] - upper[1:]])


def _tilts(wedge: np.ndarray, foot: float) -> np.ndarray:
    """Tilts (17, 2) of upper and lower endplates from wedges, the lower endplate of L5 at `foot` degrees."""
    body, disc = wedge[:17], wedge[17:]
    lower = foot + np.concatenate([np.cumsum((body[1:] + disc)[::-1])[::-1], [0.0]])
    return np.column_stack([lower + body, lower])


def _column(wedge: np.ndarray, who: Child, month: float, profile: tuple[float, float, float], spin: float) -> tuple[Vertebra, ...]:
    """The vertebrae: T1 over the sacrum, turned towards the convexity, of the size of the age."""
    build = Build(_size(who, month))
    high, low, slope = profile
    knots = [(0, -high), (3, -high - 1), (12, -10), (22, low), (25, low + 1), (29, -2), (33, -slope)]
    sagittal = eased([(float(a), float(b)) for a, b in knots], np.arange(34.0)).reshape(17, 2)
    bend = Bend(_tilts(wedge, 0.0), sagittal, np.zeros(17), (0.0, -slope - 12))
    for _ in range(2):
        top = stack(bend, build)[0].middle
        bend = replace(bend, coronal=bend.coronal - np.degrees(np.arctan2(top[0], top[2])))
    ends = [LEVELS.index(level) for upper, lower, _ in who.plan for level in (upper, lower)]
    return stack(replace(bend, axial=np.clip(-spin * drift(stack(bend, build), ends), -32, 32)), build)


def _size(who: Child, month: float) -> float:
    """Size of the bones, 0.96 (girls) or 1.02 (boys) when grown: what is still to grow is the growth left."""
    ages = np.linspace(who.age + month / 12, 20, 40)
    left = float(np.trapezoid(growth(ages, who.sex), ages))
    return (0.96 if who.sex == "female" else 1.02) - 0.045 * left


def _child(anatomy: np.random.Generator, label: np.random.Generator, mean_age: float) -> Child:
    girl = anatomy.random() < 0.8
    age = float(np.clip(anatomy.normal(mean_age + (0 if girl else 1.2), 1.1), 9.0, 15.5))
    first, last = int(anatomy.integers(4, 6)), int(anatomy.integers(10, 13))
    main = float(np.clip(anatomy.normal(51, 7.5), 35, 68)) * (1 if anatomy.random() < 0.88 else -1)
    u = anatomy.random(2)
    above, below = (float(v) for v in -main * np.array([0.35 + 0.2 * u[0], 0.45 + 0.2 * u[1]]))
    plan = ((LEVELS[int(anatomy.integers(0, 2))], LEVELS[first], above), (LEVELS[first], LEVELS[last], main), (LEVELS[last], "L4", below))
    breaks = float(label.uniform(4, 34)) if label.random() < 0.15 else float("inf")
    return Child(round(age, 2), "female" if girl else "male", plan, (first, last), float(np.clip(label.normal(1.0, 0.12), 0.5, 1.3)), float(np.clip(label.normal(0.70, 0.22), 0.1, 1.4)),
                 float(np.clip(label.normal(0.14, 0.06), 0.0, 0.35)), breaks)


def _ring(rim: np.ndarray) -> np.ndarray:
    """An ellipse (12, 3) through the four ends of an endplate, and its hollowed middle."""
    right, left, front, back, middle = rim
    angle = 2 * np.pi * np.arange(RING) / RING
    centre = 0.25 * (right + left + front + back)
    return np.vstack([centre + np.cos(angle)[:, None] * 0.5 * (left - right) + np.sin(angle)[:, None] * 0.5 * (front - back), middle])


def _visits(child: Child, site: str, confounded: bool, rng: np.random.Generator) -> tuple[list[float], list[float]]:
    """Months of the visits before and after the operation; the last before is the day before it, the first after it the first standing."""
    more = (3 if child.progress > 0.14 else 1) if confounded else int(rng.integers(1, 4))
    before = sorted({float(v) for v in -np.round(rng.uniform(3, 23, more), 1)})
    after = np.cumsum(rng.uniform(2.5, 8 if site == "A" else 11, 12)) + 1
    return [*before, 0.0], [1.0, *(float(v) for v in np.round(after[after < 35], 1))]


def write(folder: Path, call: Mapping[str, Any], index: int, name: str) -> film_cohort.Row:
    """The files of one child, and its row."""
    from osteon.readers import write_value

    sequence = film_cohort.sequence(call, index)
    made = course(sequence, site=call["site"])
    nuisance, physics = (np.random.default_rng(s) for s in sequence.spawn(2))
    before, after = _visits(made.child, call["site"], call["confounded"], nuisance)
    rough = _rough(call)
    asked = sorted({*after, 12.0, 24.0})
    shapes, files = {m: made.shape(m) for m in (*before, *asked)}, []
    for kind, months in (("spine", before), ("follow_up", after)):
        for k, month in enumerate(months):
            path = write_value(folder / "models" / f"{name}_{kind}_{k}", mesh(reconstructed(shapes[month], rough, physics)))
            files.append({"input": kind, "path": path.relative_to(folder).as_posix(), "at": month})
    points = {m: shapes[m].points() for m in asked}
    values = np.array([[cobb_of_points(p, made.child.plan), float(spine_shape.height(p))] for p in points.values()])
    truth = {"course": write_value(folder / "truth" / f"{name}_course", Trajectory(np.array(asked), values, tuple(UNITS)))}
    truth |= {f"shape_{m:g}": write_value(folder / "truth" / f"{name}_{m:g}", mesh(points[m])) for m in (12.0, 24.0)}
    return {"files": files} | film_cohort.relative(folder, truth) | _cells(made, call["confounded"])


def _cells(made: Course, confounded: bool) -> film_cohort.Row:
    who = made.child
    upper, lower, angle = max(who.plan, key=lambda c: abs(c[2]))
    return {"age": who.age, "sex": who.sex, "side": "R" if angle > 0 else "L", "upper": upper, "lower": lower, "tether_upper": LEVELS[who.tethered[0]],
            "tether_lower": LEVELS[who.tethered[1]], "cobb_before": round(made.cobb(0), 2), "cobb_first": round(made.cobb(1), 2), "cobb_12": round(made.cobb(12), 2),
            "cobb_24": round(made.cobb(24), 2), "true_breakage": None if np.isinf(who.breaks) else round(who.breaks, 1), "true_tension": round(who.tension, 4), "true_progress": round(who.progress, 4)}


def ceilings(call: Mapping[str, Any]) -> Mapping[str, Any]:
    """The distance from the models of the visits that chance and their own errors leave to a forecast that knows all else."""
    return {"follow_up": {"spine": {"distance": round(float(np.interp(call["difficulty"], (0, 0.5, 1), ATTAINABLE[call["site"]])), 2)}}}


def _rough(call: Mapping[str, Any]) -> float:
    return 2 * float(call["difficulty"]) * SITES[call["site"]][1]


SPINES = film_cohort.Films(CARD, "osteon.simulate.growing_spine:SPINES", write, {"cobb_before": "deg", "cobb_first": "deg", "cobb_12": "deg", "cobb_24": "deg", "age": "years"}, ("models", "truth"), ceilings)

"""Anteroposterior radiographs of the spine with scoliosis, neck to pelvis, with exact truth: corners of T1 to L5, curves of the projection.

A film is drawn in four steps with a random stream each (anatomy, label, nuisance, physics). The truth is measured on the
projected corners: rotation of the vertebrae, sagittal tilt and the cone beam change what was asked for, which stands
beside it as `design`. The pixel spacing is calibrated to the plane of the vertebral bodies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from osteon.geometry.spine import LEVELS, SEVERITY, construct_spine, curves, main_curve, measure_spine, severity, tilts_of_curves
from osteon.simulate.card import Card
from osteon.simulate.spine_film import SpineFilm, check, streams

if TYPE_CHECKING:
    from osteon.cohort import Cohort
    from osteon.simulate.frustum import Frustum
    from osteon.simulate.spine_pose import Bend, Build, Vertebra

FIELD_MM = (560.0, 380.0)
Plan = tuple[tuple[str, str, float], ...]  # curves from above: upper and lower end vertebra, signed degrees (convex right positive)
CARD = Card(
    "AP spine", "1.0",
    use="checks that landmark and Cobb pipelines recover planted curves; teaching of end vertebrae, apex, rotation and site shift",
    modelled=("C5 to L5 with bodies, pedicles, laminae, transverse, articular and spinous processes; sacrum and hip bones",
              "curves that share end vertebrae, with compensating curves; vertebrae turn towards the convexity, the chest turns and leans with them",
              "kyphosis and lordosis, so that endplates are seen at the slant of their level", "ribs, clavicles, shoulder blades, humeral heads, sternum",
              "lungs with heart, great vessels, airway and hilar branches; domes, stomach bubble, colon, psoas and kidney fat; skin, fat, muscle",
              "cone beam on a point source; scatter, blur, quantum noise, range compression, shutters, lead letters",
              "site B: other tube distance, dose, processing and stored range, the patient turned up to 9 degrees, brace clips",
              "confounded: curves of 25 degrees or more with half the dose and a harder print, a shortcut to be found"),
    absent=("congenital anomalies, extra or missing vertebrae, fused ribs", "fractures, tumours, rods and screws", "growth plates of the iliac crest (Risser)",
            "posteroanterior display, stitched exposures, the head and the hips", "stress lines of the trabeculae", "reader error: the truth is exact"),
    sources=("curve types, their shares, compensation and rotation per millimetre of drift are ours; end vertebrae after the usual classes of idiopathic curves",
             "cut-offs of 10, 25 and 45 degrees: general knowledge", "attenuation: between published tables at 50 and 80 keV; mixture values are ours",
             "bone shapes: textbook proportions, dimensions are ours"),
    probes=("finding: largest Cobb angle of 25 degrees or more, 200 films of 8 mm pixels at difficulty 0.5, logistic probes, five folds, area under "
            "the curve with bootstrap interval",
            "four grey statistics 0.49 (0.41-0.58); 24-bin histogram 0.54 (0.46-0.62); an 8 x 8 corner 0.42 (0.34-0.50); age, sex, body mass, "
            "magnification and turn 0.52 (0.44-0.60)",
            "8 x 8 thumbnail 0.85 (0.79-0.90): the finding is the course of the spine and the outline of the lungs, so a thumbnail shows it"),
)


@dataclass(frozen=True)
class Person:
    """Who stands there: constitution around 1, degrees of the sagittal profile, and rotation (degrees) per mm of drift."""

    age: float
    sex: str
    bmi: float
    size: float
    cortex: float
    spurs: float
    profile: tuple[float, float, float]
    spin: float


@dataclass(frozen=True)
class Setting:
    """How the film was taken: turn of the patient (degrees), shift of the film (mm), tube, shutters (mm), shoulders (mm), brace clips, whether it betrays the finding."""

    turn: float = 0.0
    shift: tuple[float, float] = (0.0, 0.0)
    source: tuple[float, float, float] = (0.0, 1700.0, 210.0)
    margins: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    shoulders: tuple[float, float] = (0.0, 0.0)
    clips: int = 0
    betrays: bool = False


def ap_film(seed: int | np.random.SeedSequence | tuple[int, int], *, site: str = "A", difficulty: float = 0.5, pixel_mm: float = 1.0,
            neutral: bool = False, confounded: bool = False, plan: Plan | None = None) -> SpineFilm:
    """One film (560 x 380 mm). The same arguments give the same bytes.

    `neutral` leaves out turning, shifting, clips and shutters; `confounded` takes planned curves of 25 degrees or more in another
    room, a shortcut for teaching; `plan` fixes the curves (see `osteon.geometry.spine.tilts_of_curves`).
    Raises DataError for an unknown site, a difficulty outside 0-1, a pixel outside 0.1-8 mm or an impossible plan.
    """
    check("AP spine", site, difficulty, pixel_mm)
    anatomy, label, nuisance, physics = streams(seed)
    person, drawn = _person(anatomy), _plan(label)
    planned = tuple(plan) if plan is not None else drawn
    bend, build = _bend(person, planned), _build(person)
    setting = Setting() if neutral else _setting(nuisance, site, difficulty)
    setting = replace(setting, betrays=confounded and max(abs(angle) for _, _, angle in planned) >= SEVERITY["moderate"])
    return _record(person, planned, (bend, build), setting, site, difficulty, pixel_mm, (nuisance, physics))


def ap_spine(folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, pixel_mm: float = 1.0, confounded: bool = False,
             workers: int = 2) -> Cohort:
    """A cohort folder of `cases` films: DICOM `xray`, corners and readings `cobb`, readings and severity as columns; see `spine_cohort.cohort`."""
    from osteon.simulate.spine_cohort import AP, cohort

    return cohort(AP, folder, cases, seed, site=site, difficulty=difficulty, pixel_mm=pixel_mm, confounded=confounded, workers=workers)


def _person(rng: np.random.Generator) -> Person:
    """Mostly adolescents, three girls to one boy; some adults with osteophytes."""
    girl, adult = rng.random() < 0.75, rng.random() < 0.25
    age = float(np.clip(rng.normal(48, 14) if adult else rng.normal(14, 1.9), 10, 80))
    size = float(np.clip(rng.normal(0.93 if girl else 1.0, 0.035) - 0.02 * max(13 - age, 0), 0.8, 1.06))
    bmi = float(np.clip(rng.normal(24 if adult else 19.5, 2.6), 15.5, 33))
    spurs = float(np.clip(rng.normal(0.012 * (age - 35), 0.1), 0, 0.8))
    profile = tuple(float(v) for v in rng.normal((22, 8, 24), (4, 3, 4)))
    cortex = float(np.clip(rng.normal(1.0, 0.08) - 0.004 * max(age - 45, 0), 0.6, 1.2))
    spin = float(np.clip(rng.normal(0.62, 0.12), 0.3, 0.95))
    return Person(round(age, 1), "female" if girl else "male", round(bmi, 1), size, cortex, spurs, profile, spin)  # type: ignore[arg-type]


# Shares of the curve types are ours: straight, one thoracic, one thoracolumbar, thoracic and lumbar, two thoracic, all three.
_TYPES: Mapping[str, float] = MappingProxyType({"none": 0.16, "MT": 0.30, "TL": 0.17, "MT TL": 0.22, "PT MT": 0.08, "PT MT TL": 0.07})


def _plan(rng: np.random.Generator) -> Plan:
    """The curves of a film: proximal thoracic, main thoracic and thoracolumbar, large where the type names them, else compensating."""
    kind = str(rng.choice(list(_TYPES), p=list(_TYPES.values())))
    largest = float(rng.uniform(1, 9.5) if kind == "none" else 9 + 64 * rng.beta(1.2, 2.2))
    u = rng.random(8)
    right = u[0] < (0.9 if "MT" in kind else 0.25 if kind == "TL" else 0.5)
    first, second, third = (int(np.floor(a + b * v)) for a, b, v in ((0, 2, u[1]), (3, 3, u[2]), (10, 3, u[3])))
    last = 15 if u[4] < 0.55 else 14
    if kind == "TL":
        second, third = second + 1, third - (1 if u[5] < 0.5 else 0)
    share = {name: (0.5 + 0.45 * v if name in kind.split() else 0.18 + 0.22 * v) for name, v in zip(("PT", "MT", "TL"), u[5:], strict=True)}
    share["PT"] *= 1.0 if "PT" in kind else 0.8 * share["MT"]
    lead = "MT" if "MT" in kind or kind == "none" else "TL"
    share[lead] = 1.0
    sign = (1 if right else -1) * (1 if lead == "MT" else -1)
    ends = (first, second, third, last)
    signs = (-sign, sign, -sign)
    return tuple((LEVELS[ends[k]], LEVELS[ends[k + 1]], float(signs[k] * largest * share[name])) for k, name in enumerate(("PT", "MT", "TL")))


def _build(person: Person) -> Build:
    from osteon.simulate.spine_pose import Build

    at = np.arange(17)
    spurs = person.spurs * np.interp(at, [0, 8, 14, 16], [0.2, 0.7, 1.0, 0.8])
    return Build(person.size, person.cortex, spurs, 0.45 * spurs)


def _bend(person: Person, plan: Plan) -> Bend:
    """Tilts and rotation of all vertebrae: the plan, leant until T1 stands over the sacrum, on the person's sagittal profile."""
    from osteon.simulate.spine_pose import Bend, drift, stack

    build, sagittal = _build(person), _profile(person)
    coronal = np.column_stack(tilts_of_curves(plan))
    bend = Bend(coronal, sagittal, np.zeros(17), (0.0, -person.profile[2] - 12))
    for _ in range(2):
        top = stack(bend, build)[0].middle
        bend = replace(bend, coronal=bend.coronal - np.degrees(np.arctan2(top[0], top[2])))
    ends = [LEVELS.index(level) for upper, lower, _ in plan for level in (upper, lower)]
    return replace(bend, axial=np.clip(-person.spin * drift(stack(bend, build), ends), -32, 32))


def _profile(person: Person) -> np.ndarray:
    """Sagittal tilts (17, 2) of upper and lower endplates."""
    from scipy.interpolate import PchipInterpolator

    high, low, slope = person.profile
    knots = [(0, -high), (3, -high - 1), (12, -10), (22, low), (25, low + 1), (29, -2), (33, -slope)]
    return np.asarray(PchipInterpolator(*zip(*knots, strict=True))(np.arange(34.0))).reshape(17, 2)


def _setting(rng: np.random.Generator, site: str, difficulty: float) -> Setting:
    home = site == "A"
    turn = float(np.clip(rng.normal(0, (1.0 if home else 2.5) + 1.5 * difficulty), -9, 9))
    shift = (float(rng.normal(0, 6)), float(rng.normal(0, 6)))
    source = (float(rng.normal(0, 12)), 1700.0 if home else 1400.0, float(rng.normal(210, 25)))
    margins = tuple(float(v) for v in rng.uniform(0, 8 if home else 18, 4))
    shoulders = tuple(float(v) for v in rng.normal(0, 5, 2))
    clips = int(rng.integers(0, 6)) if not home and rng.random() < 0.3 else 0
    return Setting(turn, shift, source, margins, shoulders, clips)  # type: ignore[arg-type]


def _frustum(column: Sequence[Vertebra], view: np.ndarray, setting: Setting, pixel: float) -> Frustum:
    """The film from the lower neck to the hips, its spacing true in the mean plane of the bodies."""
    from osteon.simulate.frustum import Frustum

    rows, cols = (round(size / pixel) for size in FIELD_MM)
    middles = np.array([view @ v.middle for v in column])
    top = float(middles[0, 2]) + 66.0 + setting.shift[1]
    left = 0.4 * float(middles[:, 0].mean()) + setting.shift[0] - 0.5 * (cols - 1) * pixel
    return Frustum((rows, cols), pixel, (left, top - 0.5 * pixel), setting.source, float(middles[:, 1].mean()), -190.0)


def _record(person: Person, plan: Plan, spine: tuple[Bend, Build], setting: Setting, site: str, difficulty: float, pixel: float,
            random: tuple[np.random.Generator, np.random.Generator]) -> SpineFilm:
    from osteon.simulate.ap_spine_scene import draw
    from osteon.simulate.sdf import rotation
    from osteon.simulate.spine_pose import coronal_corners, stack

    column, view = stack(*spine), rotation(0, 0, setting.turn)
    frustum = _frustum(column, view, setting, pixel)
    corners, spacing = coronal_corners(frustum, column, view), (pixel, pixel)
    stored = draw(frustum, column, view, person, setting, site, difficulty, *random)
    found = curves(corners, spacing)
    largest = main_curve(found)
    readings = {"projected": measure_spine(corners, spacing), "design": _design(plan)}
    attributes = {"age": person.age, "sex": person.sex, "bmi": person.bmi, "site": site, "severity": severity(readings["projected"]["main"]),
                  **{name: getattr(largest, name) if largest else "none" for name in ("upper", "lower", "apex", "side")}, "curves": len(found),
                  "plan": "; ".join(f"{upper}-{lower} {angle:.2f}" for upper, lower, angle in plan), "turn": round(setting.turn, 2),
                  "clips": setting.clips, "magnification": round(frustum.magnification, 5)}
    return SpineFilm(stored, spacing, dict(zip(LEVELS, corners, strict=True)), readings, attributes, found)


def _design(plan: Plan) -> dict[str, float]:
    """The readings of the planned tilts in the plane, without rotation, profile and beam."""
    flat = measure_spine(construct_spine(*tilts_of_curves(plan)), (1, 1))
    return {name: value for name, value in flat.items() if name != "shift"}

"""Lateral radiographs of the lumbar spine with pelvis, with exact truth: six points a body, the endplate of S1, the hip axis.

A film is drawn in four steps with a random stream each (anatomy, label, nuisance, physics). Pelvic tilt and sacral slope are
drawn given the incidence, so that PI = PT + SS; slips, loss of height and of discs are labels. The truth is measured on the
projected points, the design stands beside it. The pixel spacing is calibrated to the midline of the patient.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from osteon.geometry.spine import LEVELS
from osteon.geometry.spine_sagittal import LUMBAR, genant_grade, measure_lateral, meyerding
from osteon.simulate.card import Card
from osteon.simulate.spine_film import SpineFilm, check, streams

if TYPE_CHECKING:
    from osteon.cohort import Cohort
    from osteon.simulate.frustum import Frustum
    from osteon.simulate.spine_pose import Bend, Build, Vertebra

FIELD_MM = (432.0, 270.0)
SHOWN = ("T12", *LUMBAR)
WEDGES = np.array([-2.0, -0.5, 1.0, 3.5, 8.5])  # degrees by which L1 to L5 are higher in front
CARD = Card(
    "lateral lumbar spine", "1.0",
    use="checks that landmarks, pelvic parameters, slips, loss of height and disc height are recovered; teaching of sagittal measurement",
    modelled=("thoracic and lumbar vertebrae with bodies, pedicles, foramina, articular and spinous processes; sacrum to coccyx; hip bones, femora, lower ribs",
              "incidence, tilt and slope with PI = PT + SS; lordosis by segment, given the incidence",
              "slips forwards and backwards, wedge, biconcave and crush loss, thin discs, osteophytes", "domes and lungs, bowel gas, skin, fat, muscle",
              "cone beam on a point source (two femoral heads of different size), scatter, blur, quantum noise, range compression",
              "turn and side tilt of the patient, so that endplates show double lines",
              "site B: other tube distance, dose, processing and stored range, more turn and tilt",
              "confounded: slips and losses of height with half the dose and a harder print, a shortcut to be found"),
    absent=("lysis of the isthmus: the arch follows a slipped body", "posture above T1, arms and head", "scoliosis",
            "implants, cement, vacuum phenomenon, Schmorl nodes",
            "calcified aorta", "transitional vertebrae", "the patient facing left", "reader error: the truth is exact"),
    sources=("incidence 53 (10.5), tilt 13.5 (6.8), slope 39.5 (7.8) degrees: Mac-Thiong 2011, 709 adults",
             "lordosis of the segments 1.2, 5.9, 9.1, 12.7, 21.6 degrees: 324 adults, Sci Rep 2022", "rates and sizes of slips, losses and thin discs are ours",
             "attenuation: between published tables at 50 and 80 keV; mixture values are ours", "bone shapes: textbook proportions, dimensions are ours"),
    probes=("findings: a slip above 5 percent and a loss of height above 20 percent, 200 films of 6 mm pixels at difficulty 0.5, logistic probes, "
            "five folds, area under the curve with bootstrap interval",
            "slip: four grey statistics 0.61 (0.54-0.69), 24-bin histogram 0.58 (0.50-0.67), 8 x 8 thumbnail 0.67 (0.59-0.75): the trunk stands "
            "further forward on the film (in 30 pairs that differ by a slip of 25 percent alone the mean moves by 0.26 of its spread); an 8 x 8 corner 0.45 (0.37-0.53); "
            "age, sex, body mass, magnification and turn 0.50 (0.41-0.59)",
            "loss: statistics 0.54 (0.43-0.64), histogram 0.53 (0.42-0.64), thumbnail 0.67 (0.58-0.76), corner 0.53 (0.42-0.63), attributes 0.48 (0.38-0.58)"),
)


@dataclass(frozen=True)
class Person:
    """Who lies or stands there: constitution around 1, pelvis (PI, PT in degrees), lordosis of the five segments (degrees)."""

    age: float
    sex: str
    bmi: float
    size: float
    cortex: float
    spurs: float
    pelvis: tuple[float, float]
    segments: tuple[float, float, float, float, float]


@dataclass(frozen=True)
class Findings:
    """What is wrong, by level (0 = T1): slip (fraction of depth), loss of height (anterior, middle, posterior), part of the disc below that is lost.

    `density` is that of the spongy bone, 1 as usual.
    """

    slips: Mapping[int, float] = field(default_factory=dict, hash=False)
    losses: Mapping[int, tuple[float, float, float]] = field(default_factory=dict, hash=False)
    discs: tuple[float, ...] = (0.0,) * 17
    density: float = 1.0


@dataclass(frozen=True)
class Setting:
    """How the film was taken: turn and side tilt of the patient (degrees), shift of the film (mm), tube, shutters (mm), whether it betrays the finding."""

    turn: float = 0.0
    tilt: float = 0.0
    shift: tuple[float, float] = (0.0, 0.0)
    source: tuple[float, float, float] = (10.0, 1600.0, 60.0)
    margins: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    betrays: bool = False


Known = Callable[[Person, Findings], tuple[Person, Findings]]


def lateral_film(seed: int | np.random.SeedSequence | tuple[int, int], *, site: str = "A", difficulty: float = 0.5, pixel_mm: float = 0.9, neutral: bool = False,
                 confounded: bool = False, pelvis: tuple[float, float] | None = None, findings: Findings | None = None, known: Known | None = None,
                 betrays: bool = False) -> SpineFilm:
    """One film (432 x 270 mm), the front of the patient to the right. The same arguments give the same bytes.

    `neutral` leaves out turning, tilting, shifting and shutters; `confounded` takes those with a slip or a loss of height in another
    room, a shortcut for teaching; `pelvis` fixes PI and PT, `findings` what is wrong, and `known` changes what was drawn to what is known of a patient;
    `betrays` takes the film in that other room whatever is wrong.
    Raises DataError for an unknown site, a difficulty outside 0-1 or a pixel outside 0.1-8 mm.
    """
    check("lateral lumbar spine", site, difficulty, pixel_mm)
    anatomy, label, nuisance, physics = streams(seed)
    person = person_of(anatomy, pelvis)
    drawn = findings_of(label, person)
    found = drawn if findings is None else findings
    person, found = known(person, found) if known else (person, found)
    setting = Setting() if neutral else _setting(nuisance, site, difficulty)
    setting = replace(setting, betrays=betrays or (confounded and bool(found.slips or found.losses)))
    return _record(person, found, setting, site, difficulty, pixel_mm, (nuisance, physics))


def lateral_lumbar(folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, pixel_mm: float = 0.9, confounded: bool = False,
                   workers: int = 2) -> Cohort:
    """A cohort folder of `cases` films: DICOM `xray`, points and readings `sagittal`, grades as columns; see `spine_cohort.cohort`."""
    from osteon.simulate.spine_cohort import LATERAL, cohort

    return cohort(LATERAL, folder, cases, seed, site=site, difficulty=difficulty, pixel_mm=pixel_mm, confounded=confounded, workers=workers)


def person_of(rng: np.random.Generator, pelvis: tuple[float, float] | None) -> Person:
    """Adults; slope is drawn given the incidence (regression and spread are ours, between the published means), lordosis given both."""
    man = rng.random() < 0.45
    age = float(np.clip(rng.normal(58, 15), 18, 92))
    incidence = float(np.clip(rng.normal(53, 10.5), 28, 88))
    slope = float(np.clip(39.5 + 0.63 * (incidence - 53) + rng.normal(0, 4.5) - 0.06 * (age - 58), incidence - 36, incidence + 6))
    pair = pelvis or (incidence, incidence - slope)
    total = 9 + 0.9 * pair[0] + float(rng.normal(0, 6)) - 0.12 * (age - 58) - 0.5 * max(pair[1] - 20, 0)
    share = np.clip(np.array([1.2, 5.9, 9.1, 12.7, 21.6]) / 50.5 + rng.normal(0, 0.03, 5), 0, None)
    segments = tuple(float(v) for v in np.clip(total, 15, 85) * share / share.sum())
    size = float(np.clip(rng.normal(1.06 if man else 0.97, 0.04), 0.86, 1.16))
    cortex = float(np.clip(rng.normal(1.05, 0.1) - 0.006 * max(age - 45, 0), 0.55, 1.25))
    spurs = float(np.clip(rng.normal(0.016 * (age - 42), 0.18), 0, 1))
    bmi = round(float(np.clip(rng.normal(26, 3.6), 18, 38)), 1)
    return Person(round(age, 1), "male" if man else "female", bmi, size, cortex, spurs, pair, segments)  # type: ignore[arg-type]


def findings_of(rng: np.random.Generator, person: Person) -> Findings:
    """Continuous severities, so that every cut-off has cases on both sides; discs thin with age, most of all the lowest two."""
    u = rng.random(8)
    slips: dict[int, float] = {}
    if u[0] < 0.34:
        slips[int(rng.choice([14, 15, 16], p=[0.12, 0.55, 0.33]))] = float(0.03 + 0.55 * rng.beta(1.3, 3.2))
    if u[1] < 0.15:
        slips.setdefault(int(rng.choice([13, 14, 15])), -float(rng.uniform(0.03, 0.13)))
    losses: dict[int, tuple[float, float, float]] = {}
    for chance in (0.36, 0.12):
        if rng.random() < chance:
            losses[int(rng.choice([11, 12, 13, 14, 15], p=[0.26, 0.36, 0.16, 0.14, 0.08]))] = _loss(rng)
    worn = np.clip(0.004 * (person.age - 35), 0, 0.3)
    discs = np.clip(worn * np.interp(np.arange(17), [0, 11, 14, 15, 16], [0.3, 0.5, 1.0, 1.6, 1.7]) + rng.normal(0, 0.05, 17), 0, 0.85)
    if u[2] < 0.45:
        discs[int(rng.choice([14, 15, 16], p=[0.2, 0.4, 0.4]))] = rng.uniform(0.2, 0.85)
    for level in slips:
        discs[level] = max(discs[level], 0.55 * u[3])
    return Findings(slips, losses, tuple(float(v) for v in discs))


def _loss(rng: np.random.Generator) -> tuple[float, float, float]:
    """A loss of height: wedge, biconcave or crush, of a size without gaps between the grades."""
    size = float(0.08 + 0.5 * rng.beta(1.4, 2.0))
    kind = rng.random()
    if kind < 0.6:
        return size, 0.55 * size, 0.06 * size
    if kind < 0.85:
        return 0.12 * size, 0.85 * size, 0.05 * size
    return size, 0.95 * size, 0.75 * size


def _setting(rng: np.random.Generator, site: str, difficulty: float) -> Setting:
    home = site == "A"
    spread = (1.0 if home else 2.2) + 1.5 * difficulty
    turn, tilt = (float(np.clip(rng.normal(0, s), -9, 9)) for s in (spread, 0.5 * spread))
    source = (float(rng.normal(10, 10)), 1600.0 if home else 1200.0, float(rng.normal(60, 18)))
    margins = tuple(float(v) for v in rng.uniform(0, 6 if home else 14, 4))
    return Setting(turn, tilt, (float(rng.normal(0, 5)), float(rng.normal(0, 5))), source, margins)  # type: ignore[arg-type]


def _bend(person: Person, found: Findings) -> Bend:
    """Sagittal tilts from S1 upwards by segment, then thoracic kyphosis; a wedged body tips what stands on it by six tenths of its wedge."""
    from scipy.interpolate import PchipInterpolator

    from osteon.simulate.spine_bones import DEPTH, HEIGHT
    from osteon.simulate.spine_pose import Bend

    slope = person.pelvis[0] - person.pelvis[1]
    upper = -slope + np.cumsum(np.array(person.segments)[::-1])[::-1]
    sagittal = np.zeros((17, 2))
    sagittal[12:] = np.column_stack([upper, upper - WEDGES])
    knots = [(0, -25.0), (8, -15.0), (18, 0.55 * upper[0]), (23, upper[0] - 0.5)]
    sagittal[:12] = np.asarray(PchipInterpolator(*zip(*knots, strict=True))(np.arange(24.0))).reshape(12, 2)
    for level, (front, _, rear) in found.losses.items():
        sagittal[:level] -= 0.6 * np.degrees(np.arctan2((front - rear) * HEIGHT[level], DEPTH[level]))
    return Bend(np.zeros((17, 2)), sagittal, np.zeros(17), (0.0, -slope))


def column_of(person: Person, found: Findings) -> tuple[Vertebra, ...]:
    """T1 to L5 of a person with what is wrong, standing on the sacrum."""
    from osteon.simulate.spine_pose import stack

    return stack(_bend(person, found), _build(person, found))


def _build(person: Person, found: Findings) -> Build:
    from osteon.simulate.spine_pose import Build

    spurs = person.spurs * np.interp(np.arange(17), [0, 8, 13, 16], [0.2, 0.6, 1.0, 0.8]) + 0.5 * np.array(found.discs)
    return Build(person.size, person.cortex, np.clip(spurs, 0, 1), np.array(found.discs), found.slips, found.losses)


def _record(person: Person, found: Findings, setting: Setting, site: str, difficulty: float, pixel: float,
            random: tuple[np.random.Generator, np.random.Generator]) -> SpineFilm:
    from osteon.simulate.lateral_lumbar_scene import draw, view_of
    from osteon.simulate.spine_pose import lateral_points

    column, view = column_of(person, found), view_of(setting)
    frustum, spacing = _frustum(setting, pixel), (pixel, pixel)
    points = {name: lateral_points(frustum, column[LEVELS.index(name)], view) for name in SHOWN} | _pelvic_points(frustum, view, person)
    stored = draw(frustum, column, view, person, setting, site, difficulty, *random, density=found.density)
    projected = measure_lateral(points, points["S1"], points["hips"].mean(axis=0), spacing)
    worst = max((projected[f"slip.{level}"] for level in LUMBAR), default=0.0)
    attributes = {"age": person.age, "sex": person.sex, "bmi": person.bmi, "site": site, "meyerding": meyerding(worst),
                  "genant": genant_grade(max(projected[f"loss.{level}"] for level in LUMBAR)), "turn": round(setting.turn, 2), "tilt": round(setting.tilt, 2),
                  "magnification": round(frustum.magnification, 5)}
    return SpineFilm(stored, spacing, points, {"projected": projected, "design": _design(person, found)}, attributes)


def _frustum(setting: Setting, pixel: float) -> Frustum:
    """The film from the lower chest to the femoral heads, its spacing true in the midline."""
    from osteon.simulate.frustum import Frustum

    rows, cols = (round(size / pixel) for size in FIELD_MM)
    return Frustum((rows, cols), pixel, (-148.0 + setting.shift[0], 268.0 + setting.shift[1]), setting.source, 0.0, -210.0)


def _pelvic_points(frustum: Frustum, view: np.ndarray, person: Person) -> dict[str, np.ndarray]:
    """S1 (anterior, posterior end) and the centres of the femoral heads (right, left) as (row, col)."""
    from osteon.simulate.lateral_lumbar_scene import hip_axis, pelvis_turn
    from osteon.simulate.sdf import rotation
    from osteon.simulate.spine_bones import S1_DEPTH

    plate = np.array([[0, 0.5 * S1_DEPTH, 0], [0, -0.5 * S1_DEPTH, 0]]) @ rotation(person.pelvis[1] - person.pelvis[0], 0, 0).T
    axis, turn = hip_axis(person), pelvis_turn(person)
    heads = axis + np.array([[-86.0, 0, 0], [86.0, 0, 0]]) @ turn.T
    return {"S1": frustum.project(plate @ view.T), "hips": frustum.project(heads @ view.T)}


def _design(person: Person, found: Findings) -> dict[str, float]:
    """What was asked for: pelvis, lordosis by segment, slips (percent)."""
    incidence, tilt = person.pelvis
    out = {"PI": incidence, "PT": tilt, "SS": incidence - tilt, "LL": float(sum(person.segments))}
    out |= {f"lordosis.{level}": value for level, value in zip(LUMBAR, person.segments, strict=True)}
    return out | {f"slip.{level}": 100 * found.slips.get(12 + i, 0.0) for i, level in enumerate(LUMBAR)}

"""Standing radiographs of both legs, hip to ankle, with exact truth: landmarks, masks, boxes and readings of the projection.

A film is drawn in four steps with a random stream each (anatomy, label, nuisance, physics), so that one can be changed and
the rest kept. What is reported as truth is measured on the projected anatomy; what was asked for stands beside it as
`design`. The pixel spacing is calibrated to the plane of the knee centres: a length in that plane is true on the film,
and the ball of 25 mm shows the magnification of its own plane.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.errors import DataError, message
from osteon.geometry.lower_limb import SIDES, measure_both
from osteon.simulate.card import Card

if TYPE_CHECKING:
    from osteon.cohort import Cohort
    from osteon.simulate.frustum import Frustum
    from osteon.simulate.lower_limb_pose import Leg

FIELD_MM = (1024.0, 432.0)
JOINT_BOXES_MM: Mapping[str, tuple[float, float]] = MappingProxyType({"hip": (112.0, 112.0), "knee": (120.0, 130.0), "ankle": (112.0, 112.0)})
STRUCTURES = ("femur", "tibia", "talus")
BALL_MM = 25.0
SITES = ("A", "B")
VARUS = 177.0  # degrees, below which a limb is the finding of a confounded cohort
CARD = Card(
    "standing legs", "1.0",
    use="checks that detection, segmentation and geometry recover planted alignment; teaching of alignment, rotation and site shift",
    modelled=("femur, tibia, fibula, patella, talus, foot, hip bones, sacrum and fifth lumbar vertebra with cortex, spongiosa and marrow canal",
              "alignment drawn as mLDFA, MPTA and JLCA, so that HKA obeys the identity; leg length difference with a tilting pelvis",
              "cone beam on a point source, spacing calibrated to the plane of the knees, ball of 25 mm at its own depth",
              "skin, fat, muscle planes and bowel gas; scatter, blur, quantum noise, range compression, shutters, lead letters",
              "rotation, flexion, osteophytes and joint space with age and body mass",
              "site B: other tube distance, dose, processing and stored range, rotation to 10 degrees, more flexion, nails and plates, a leg cut off",
              "confounded: limbs of less than 177 degrees with half the dose and a harder print, a shortcut to be found"),
    absent=("stress lines of the trabeculae", "growth plates, fractures, tumours, deformed diaphyses", "joint replacements", "talar tilt and foot deformity",
            "clothing, casts, stitched exposures", "ligaments, cartilage, vessels", "reader error: the truth is exact"),
    sources=("joint line angles and their spread: between Micicoi 2020 (758 limbs, CT) and the normal range 85-90 degrees; groups of worn limbs are ours",
             "attenuation: between published tables at 50 and 80 keV; mixture values are ours", "bone shapes: textbook proportions, dimensions are ours"),
    probes=("finding: HKA below 177 degrees on either side, 200 films of 8 mm pixels at difficulty 0.5, logistic probes, five folds, area under the curve with bootstrap interval",
            "four grey statistics 0.59 (0.50-0.67); an 8 x 8 corner 0.57 (0.49-0.65); age, body mass, magnification and wear 0.47 (0.39-0.55)",
            "24-bin histogram 0.71 (0.64-0.79): bowed legs leave more bare film between the knees",
            "8 x 8 thumbnail 0.98 (0.96-0.99): the finding is the outline of the legs itself, so a thumbnail shows it"),
)


@dataclass(frozen=True, eq=False)
class StandingFilm:
    """One simulated film and its truth.

    `stored` (rows, cols) uint16 with bone bright; `spacing` mm at the plane of the knees; `landmarks` side -> name -> (row, col), only
    those on the film; `masks` (structures, rows, cols) of both legs together; `boxes` (joint, side) -> (row0, col0, row1, col1);
    `readings` with "projected" (measured on the landmarks) and "design" (asked for); `ball` (row, col, diameter mm as shown).
    """

    stored: np.ndarray
    spacing: tuple[float, float]
    landmarks: Mapping[str, Mapping[str, np.ndarray]]
    masks: np.ndarray
    boxes: Mapping[tuple[str, str], tuple[float, float, float, float]]
    readings: Mapping[str, Mapping[str, float]]
    attributes: Mapping[str, Any]
    ball: tuple[float, float, float]

    @property
    def projected(self) -> Mapping[str, float]:
        """The truth: what the landmarks on the film measure."""
        return self.readings["projected"]

    @property
    def design(self) -> Mapping[str, float]:
        """What the bones were built with."""
        return self.readings["design"]

    @property
    def detector_spacing(self) -> tuple[float, float]:
        """Pixel spacing on the detector, in mm."""
        return self.spacing[0] * self.attributes["magnification"], self.spacing[1] * self.attributes["magnification"]


@dataclass(frozen=True)
class Person:
    """What is drawn before any bone: who stands there and with which constitution (millimetres; `width` and `cortex` around 1)."""

    age: float
    sex: str
    bmi: float
    osteoarthritis: float
    hip_distance: float
    width: float
    cortex: float
    lengths: tuple[float, float]

    @property
    def head(self) -> float:
        """The radius of the femoral head."""
        return 23.2 * self.width


@dataclass(frozen=True)
class Setting:
    """How the film was taken: nuisance that the answer must not depend on; `betrays` where it was taken in another room because of the answer."""

    rotation: Mapping[str, float] = field(default_factory=lambda: {"R": 0.0, "L": 0.0}, hash=False)
    flexion: Mapping[str, float] = field(default_factory=lambda: {"R": 0.0, "L": 0.0}, hash=False)
    tilt: float = 2.2
    metal: str = ""
    shift: tuple[float, float] = (0.0, 0.0)
    source: tuple[float, float, float] = (0.0, 2890.0, 0.0)
    margins: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    betrays: bool = False


def standing_film(seed: int | np.random.SeedSequence | tuple[int, int], *, site: str = "A", difficulty: float = 0.5, pixel_mm: float = 1.0,
                  neutral: bool = False, confounded: bool = False, angles: Mapping[str, float] | None = None) -> StandingFilm:
    """One film (1024 x 432 mm). The same arguments give the same bytes.

    `neutral` leaves out rotation, flexion, metal and cropping; `confounded` takes planned limbs of less than 177 degrees in another
    room, a shortcut for teaching; `angles` fixes mLDFA, MPTA or JLCA of both legs (degrees).
    Raises DataError for an unknown site, a difficulty outside 0-1 or a pixel outside 0.1-8 mm.
    """
    _check(site, difficulty, pixel_mm)
    sequence = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
    anatomy, label, nuisance, physics = (np.random.default_rng(s) for s in sequence.spawn(4))
    person = _person(anatomy)
    alignment = {side: values | dict(angles or {}) for side, values in _alignment(label, person, difficulty).items()}
    setting = Setting(source=(0.0, 2890.0, -430.0)) if neutral else _setting(nuisance, site, difficulty)
    setting = replace(setting, betrays=confounded and any(180 + a["MPTA"] - a["mLDFA"] - a["JLCA"] < VARUS for a in alignment.values()))
    legs = _legs(anatomy, person, alignment, setting)
    frustum = _frustum(legs, setting, pixel_mm)
    return _record(frustum, legs, person, alignment, setting, site, difficulty, (nuisance, physics))


def standing_legs(folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, pixel_mm: float = 1.0, confounded: bool = False,
                  workers: int = 2) -> Cohort:
    """A cohort folder of `cases` films: DICOM `xray`, boxes `joints`, masks `bones`, readings `alignment.*`; the same bytes for the same call.

    Cases that are complete in the folder are not made again. Raises DataError before any file is written for impossible arguments,
    a folder with other content, or one that was made by another call.
    """
    from osteon.simulate.standing_cohort import make

    _check(site, difficulty, pixel_mm)
    if cases < 1 or seed < 0 or workers < 1:
        raise DataError(message("standing legs", "the call is impossible", expected="cases and workers 1 or more, seed 0 or more",
                                found=f"Found cases {cases}, seed {seed}, workers {workers}"))
    return make(Path(folder), {"cases": cases, "seed": seed, "site": site, "difficulty": difficulty, "pixel_mm": pixel_mm, "confounded": confounded}, workers)


def _check(site: str, difficulty: float, pixel_mm: float) -> None:
    if site not in SITES:
        raise DataError(message("standing legs", "the site is unknown", expected="A or B", found=f"Found {site!r}"))
    if not 0 <= difficulty <= 1:
        raise DataError(message("standing legs", "the difficulty is impossible", expected="0-1", found=f"Found {difficulty}"))
    if not 0.1 <= pixel_mm <= 8:
        raise DataError(message("standing legs", "the pixel size is impossible", expected="0.1-8 mm", found=f"Found {pixel_mm}"))


def _person(rng: np.random.Generator) -> Person:
    """Size by sex (lengths of the bones: means and deviations are ours), age and body mass independent of alignment."""
    man = rng.random() >= 0.6
    stature = rng.normal(0, 1)
    femur = np.clip((440 if man else 410) + 20 * (0.95 * stature + 0.3 * rng.normal()), 350, 495)
    tibia = np.clip((372 if man else 344) + 18 * (0.95 * stature + 0.3 * rng.normal()), 290, 415)
    age = float(np.clip(rng.normal(64, 11), 20, 92))
    bmi = float(np.clip(rng.normal(27.5, 4.2), 18, 42))
    wear = float(np.clip(rng.beta(1.3, 2.2) + 0.006 * (age - 64) + 0.008 * (bmi - 27.5), 0, 1))
    width = float(np.clip(rng.normal(1.04 if man else 0.94, 0.035), 0.84, 1.16))
    cortex = float(np.clip(rng.normal(1.05 if man else 0.95, 0.1) - 0.004 * (age - 60), 0.6, 1.3))
    return Person(round(age, 1), "male" if man else "female", round(bmi, 1), wear, float(rng.normal(88 if man else 86, 3.5)), width, cortex, (float(femur), float(tibia)))


# Populations of (mLDFA, MPTA, JLCA): ordinary limbs lie between the supine CT norms of Micicoi 2020 and the clinical normal
# range 85-90; the worn varus and valgus limbs, and their shares, are ours.
_GROUPS: Mapping[str, tuple[tuple[float, float], tuple[float, float], tuple[float, float]]] = MappingProxyType({
    "ordinary": ((86.8, 1.9), (86.9, 2.1), (0.9, 1.1)), "varus": ((88.4, 2.1), (84.6, 2.6), (3.2, 1.6)), "valgus": ((83.9, 2.2), (88.8, 2.2), (-1.6, 1.4))})


def _alignment(rng: np.random.Generator, person: Person, difficulty: float) -> dict[str, dict[str, float]]:
    """mLDFA, MPTA, JLCA, LDTA of both legs; HKA follows by the identity. Left and right share three quarters of their variance."""
    extreme = 0.08 + 0.20 * difficulty
    worn = 0.15 + 0.35 * person.osteoarthritis
    group = str(rng.choice(["ordinary", "varus", "valgus", "extreme"], p=[(1 - worn) * (1 - extreme), 0.68 * worn * (1 - extreme), 0.32 * worn * (1 - extreme), extreme]))
    shared, out = rng.normal(0, 1, 4), {}
    target, parts = 160 + 40 * rng.beta(0.7, 0.7), rng.dirichlet((3, 3, 2))
    for side in SIDES:
        own = np.sqrt(0.75) * shared + 0.5 * rng.normal(0, 1, 4)
        if group == "extreme":
            bend = (target - 178) * (1 if side == "R" else rng.uniform(0.6, 1.0))
            centre, spread = (87.2 - bend * parts[0], 86.8 + bend * parts[1], 1.0 - bend * parts[2]), (1.0, 1.0, 0.8)
        else:
            centre, spread = zip(*_GROUPS[group], strict=True)
        values = np.clip(np.asarray(centre) + np.asarray(spread) * own[:3], (77, 76, -6), (98, 97, 8))
        out[side] = {"mLDFA": float(values[0]), "MPTA": float(values[1]), "JLCA": float(values[2]), "LDTA": float(np.clip(89 + 1.8 * own[3], 83, 95))}
    return out


def _setting(rng: np.random.Generator, site: str, difficulty: float) -> Setting:
    turn, bend = (1.0 + 2.0 * difficulty, 1.0 + 2.5 * difficulty) if site == "A" else (4.0 + 2.0 * difficulty, 3.0 + 4.0 * difficulty)
    rotations = {side: float(np.clip(rng.normal(0, turn), -10, 10)) for side in SIDES}
    flexions = {side: float(min(abs(rng.normal(0, bend)), 15)) for side in SIDES}
    draw = rng.random(3)
    metal = str(rng.choice(["nail", "plate"])) + "." + str(rng.choice(list(SIDES))) if site == "B" and draw[0] < 0.25 else ""
    aside = float(rng.uniform(105, 165) * rng.choice([-1, 1])) if site == "B" and draw[1] < 0.15 else float(rng.normal(0, 5))
    source = (float(rng.normal(0, 15)), float(2890 if site == "A" else 2590), float(-430 + rng.normal(0, 40)))
    margins = tuple(float(v) for v in rng.uniform(0, 9 if site == "A" else 16, 4))
    return Setting(rotations, flexions, float(rng.normal(2.2, 0.7)), metal, (aside, float(rng.normal(0, 8))), source, margins)  # type: ignore[arg-type]


def _legs(rng: np.random.Generator, person: Person, alignment: Mapping[str, Mapping[str, float]], setting: Setting) -> list[Leg]:
    """Both legs under a pelvis that tilts so that both feet stand on the floor."""
    from osteon.simulate.lower_limb_bones import LegAngles, LegShape
    from osteon.simulate.lower_limb_pose import Stance, height, place_leg, tilt_within

    shared, legs, heights = rng.normal(0, 1, 6), [], {}
    drawn: dict[str, tuple[LegShape, Stance]] = {}
    for side in SIDES:
        own = np.sqrt(0.75) * shared + 0.5 * rng.normal(0, 1, 6)
        a = alignment[side]
        angles = LegAngles(a["mLDFA"], a["MPTA"], a["LDTA"], 127 + 4 * own[0], 5.6 + 0.8 * own[1], 12 + 5 * own[2], 13 + 4 * own[3],
                           float(np.clip(5.5 + 2 * own[4], 1, 10)))
        spurs = float(np.clip(1.4 * person.osteoarthritis - 0.35 + 0.12 * own[5], 0, 1))
        shape = LegShape(angles, person.lengths[0] + rng.normal(0, 2.2), person.lengths[1] + rng.normal(0, 2.0), person.head, person.width, person.cortex, spurs)
        space = 5.4 - 2.0 * person.osteoarthritis
        opening = np.tan(np.radians(a["JLCA"])) * 23 * person.width
        stance = Stance(a["JLCA"], max(space, abs(opening) + 0.8), rotation=setting.rotation[side], flexion=setting.flexion[side])
        drawn[side] = shape, replace(stance, tilt=tilt_within(shape, stance, setting.tilt, person.hip_distance, 60 * person.width))
        heights[side] = height(*drawn[side])
    middle = 0.5 * (heights["R"] + heights["L"])
    for side, (shape, stance) in drawn.items():
        x = person.hip_distance * (1 if side == "L" else -1)
        legs.append(place_leg(shape, stance, side, np.array([x, 0.0, heights[side] - middle])))
    return legs


def _frustum(legs: list[Leg], setting: Setting, pixel: float) -> Frustum:
    """The film around both legs: what is left of its height goes above the hips and below the ankles."""
    from osteon.simulate.frustum import Frustum

    rows, cols = (round(size / pixel) for size in FIELD_MM)
    hip, ankle = max(leg.hip[2] for leg in legs), min(leg.ankle[2] for leg in legs)
    spare = FIELD_MM[0] - (hip - ankle)
    top = hip + np.clip(0.57 * spare, 62, 150) + setting.shift[1]
    plane = float(np.mean([leg.knee[1] for leg in legs]))
    left = setting.shift[0] - 0.5 * (cols - 1) * pixel
    return Frustum((rows, cols), pixel, (float(left), float(top - 0.5 * pixel)), setting.source, plane, -160.0)


def _record(frustum: Frustum, legs: list[Leg], person: Person, alignment: Mapping[str, Mapping[str, float]], setting: Setting, site: str,
            difficulty: float, streams: tuple[np.random.Generator, np.random.Generator]) -> StandingFilm:
    from osteon.simulate import standing_scene as scene

    points = {leg.side: scene.visible(frustum, leg) for leg in legs}
    boxes = {(joint, side): box for side, seen in points.items() for joint, box in scene.joint_boxes(frustum, seen).items()}
    stored, masks, ball = scene.draw(frustum, legs, person, setting, site, difficulty, *streams)
    spacing = (frustum.pixel, frustum.pixel)
    attributes = {"age": person.age, "sex": person.sex, "bmi": person.bmi, "site": site, "osteoarthritis": round(person.osteoarthritis, 3),
                  "metal": setting.metal or "none", "cropped": any(len(p) < 9 for p in points.values()), "magnification": round(frustum.magnification, 5)}
    for leg in legs:
        attributes |= {f"rotation_{leg.side}": round(setting.rotation[leg.side], 2), f"flexion_{leg.side}": round(setting.flexion[leg.side], 2)}
    readings = {"projected": measure_both(points, spacing), "design": _design(legs, alignment)}
    return StandingFilm(stored, spacing, points, masks, boxes, readings, attributes, ball)


def _design(legs: list[Leg], alignment: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    out: dict[str, float] = {}
    for leg in legs:
        values = dict(alignment[leg.side])
        values["HKA"] = 180 + values["MPTA"] - values["mLDFA"] - values["JLCA"]
        half_gap = 0.5 * float(np.linalg.norm(leg.bones["femur"].shift - leg.bones["tibia"].shift))
        values |= {"femur": leg.shape.femur + half_gap, "tibia": leg.shape.tibia + 3.0 + half_gap}
        out |= {f"{name}.{leg.side}": value for name, value in values.items()}
    return out

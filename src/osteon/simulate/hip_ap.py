"""Anteroposterior radiographs of one hip or of the pelvis, with exact truth: native and arthritic, fractured, or replaced by an implant that holds or is loose.

A film is drawn in four steps with a random stream each (anatomy, label, nuisance, physics). Severity is one continuous number; joint space, displacement, lucent
lines and migration follow it with noise of their own, and grade, type and looseness are called by rule from what stands on the film, never from the severity.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.geometry import hip as rules
from osteon.geometry.hip import Signs, Worn, measure_hip
from osteon.simulate.asking import refuse, unspawned
from osteon.simulate.card import Card

if TYPE_CHECKING:
    from osteon.cohort import Cohort
    from osteon.simulate.frustum import Frustum
    from osteon.simulate.hip_bones import HipShape
    from osteon.simulate.hip_pose import Hip, Posture, Status

FIELD_MM: Mapping[str, float] = {"hip": 220.16, "pelvis": 419.84}
PIXEL_MM: Mapping[str, float] = {"hip": 0.86, "pelvis": 1.64}
STRUCTURES = ("femur", "pelvis", "stem", "cup", "head", "cement")
SITES, SIDES, VIEWS, KINDS = ("A", "B"), ("R", "L"), ("hip", "pelvis"), ("native", "fracture", "implant")
MANNERS = ("neutral", "confounded", "wide")  # without nuisance, with a planted shortcut, implants of the wide family
FRACTURES = ("none", "neck", "trochanteric")
Seed = int | tuple[int, ...] | np.random.SeedSequence
PROBED = ("finding: a loose implant, 480 films of 1.72 mm pixels at site A, difficulty 0.5, logistic probes, five folds, area under the curve with bootstrap interval",
          "four grey statistics 0.58 (0.52-0.63); 24-bin histogram 0.67 (0.62-0.72); four 4 x 4 corners 0.51 (0.45-0.56); age, sex, body mass, posture, ball, design, fixation, screws, side and "
          "order 0.50 (0.45-0.56)",
          "8 x 8 thumbnail 0.61 (0.56-0.66); features of an untrained network 0.64", "a network of four convolutions on 128 x 128 pixels, trained on 320 films: 0.84 on 160 others",
          "arthritis of grade 2 or more, 500 films of 2.6 mm pixels: statistics 0.53 (0.48-0.58), histogram 0.59 (0.54-0.64), corners 0.49, table 0.48, thumbnail 0.64 (0.59-0.69)",
          "a fracture, 400 such films: statistics 0.56 (0.50-0.62), histogram 0.53 (0.47-0.57), corners 0.53, table 0.55, thumbnail 0.57 (0.51-0.62)")
CARD = Card(
    "AP hip", "1.0",
    use="checks that loosening, fracture and arthritis are recovered as planted; templating and angles; teaching of zones, of shortcuts and of site shift",
    modelled=("hip bone with both columns, teardrop, ilioischial line, brim, sourcil and obturator foramen; sacrum; femur with cortex that thins upwards, canal, trochanters and its "
              "compressive, tensile and trochanteric trabeculae; skin, fat planes, muscle, bowel gas",
              "one continuous severity; signs follow it with noise of their own, and findings are called by rule from what is measured on the projection",
              "arthritis: narrowing upwards, medially or all around, osteophytes at three places, sclerosis, cysts with a rim, a flattened head",
              "fractures of the neck (impacted, not displaced, displaced) and of the trochanters, with the lesser trochanter off",
              "fictitious implants: H1 cemented with collar, H2 and H3 uncemented (and H4 to H11 where a cohort is drawn `wide`), metal or cemented cups, screws, heads of three sizes; cement, membrane, dense line and compacted "
              "bone in layers of their own",
              "loosening: lucent lines by zone, subsidence, tilt, migration and turn of the cup, a broken mantle; thin lines, slight subsidence and varus in implants that hold",
              "metal that almost no ray passes, and a print that levels off for it", "cone beam on a point source; scatter, blur, quantum noise, range compression, shutters, lead letter, templating ball",
              "rotation of leg and pelvis, tilt, adduction; site B: other tube distance, dose, processing and stored range, legs less well turned in, sicker patients, the letter elsewhere",
              "confounded: films with the finding have less dose, a harder print and the letter below, a shortcut to be found"),
    absent=("dysplasia, impingement, osteonecrosis, tumours, large osteolysis", "plates, nails, revision stems, bipolar heads, ceramic", "trabeculae beyond the named groups, growth plates",
            "jagged fracture edges: fractures are plane cuts", "ragged cement, heterotopic bone", "earlier films: migration since operation is known to the rule but not shown",
            "vessels with chalk, clothing, bladder", "a lateral view", "reader error"),
    sources=("zones: Gruen TA 1979, DeLee JG and Charnley J 1976; cup angles: Murray DW 1993; grades and types after Tonnis and Garden; the numbers that stand for their words are ours",
             "loosening: definitions in use (lines of 2 mm, subsidence of 5 mm); shares of zones and cuts of cup and tilt are ours", "width of the canal: proportions after Noble PC 1988, from general knowledge, not verified",
             "attenuation: between published tables at 50 and 80 keV; cobalt, cement, membrane and mixtures are ours", "bone shapes: textbook proportions; dimensions of bones and of the implants are ours"),
    probes=PROBED,
    bounds=(("statistics", 0.68, "a membrane darkens the bone beside the metal and the dense line about it brightens it, which widens the spread of grey"),
            ("thumbnail", 0.72, "a stem that sinks or a cup that migrates moves the trochanters against the pelvis: ten millimetres show at this size"),
            ("histogram", 0.76, "lucent lines are dark pixels between metal and bone, and the dense lines about them are bright ones")),
)


@dataclass(frozen=True)
class Person:
    """Who lies there: constitution around 1, half the distance of the hip centres and radius of the head (mm), strength of the trabecular pattern."""

    age: float
    sex: str
    bmi: float
    width: float
    cortex: float
    apart: float
    head: float
    grain: float


@dataclass(frozen=True)
class Setting:
    """How the film was taken: how the patient lies, shift (mm), tube, shutters (mm), place of the letter (row, col as shares; tilt), ball (mm in the world), whether it betrays."""

    posture: Posture
    shift: tuple[float, float] = (0.0, 0.0)
    source: tuple[float, float, float] = (0.0, 1000.0, 0.0)
    margins: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    letter: tuple[float, float, float] = (0.06, 0.05, 0.0)
    ball: tuple[float, float, float] | None = None
    extras: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class Reading:
    """The truth of one hip: `findings` (labels and grades by name), `values` (angles and lengths), lucent `lines` (mm by zone), landmarks (row, col), status, severity.

    `gap` is the ends of the least joint space (2, 2: head, roof), empty (0, 2) where there is none.
    """

    findings: Mapping[str, str]
    values: Mapping[str, float]
    lines: Mapping[str, float]
    landmarks: Mapping[str, np.ndarray]
    status: Status
    severity: float
    gap: np.ndarray = field(repr=False)


@dataclass(frozen=True, eq=False)
class HipFilm:
    """One simulated film: `stored` (rows, cols) uint16 with bone bright, `spacing` mm in the plane of the hips, masks of `STRUCTURES`, the truth of the hip asked about."""

    stored: np.ndarray
    spacing: tuple[float, float]
    side: str
    masks: np.ndarray
    truth: Reading
    attributes: Mapping[str, Any]
    line: np.ndarray = field(repr=False)

    @property
    def loose(self) -> bool:
        """Whether the implant is loose by rule."""
        return self.truth.findings.get("loosening") == "loose"


@dataclass(frozen=True)
class Drawing:
    """How a film is asked for: kind of hip, view, site, difficulty (0-1), pixel (mm; nan: 256 x 256 of them), side (none: at random), severity (nan: drawn), without
    nuisance."""

    kind: str = "implant"
    view: str = "hip"
    site: str = field(default="A", kw_only=True)
    difficulty: float = field(default=0.5, kw_only=True)
    pixel_mm: float = field(default=math.nan, kw_only=True)
    side: str = field(default="", kw_only=True)
    severity: float = field(default=math.nan, kw_only=True)
    manner: frozenset[str] = field(default=frozenset(), kw_only=True)

    def __post_init__(self) -> None:
        checks = (("the kind is unknown", ", ".join(KINDS), self.kind, self.kind in KINDS), ("the view is unknown", ", ".join(VIEWS), self.view, self.view in VIEWS),
                  ("the site is unknown", "A or B", self.site, self.site in SITES), ("the difficulty is impossible", "0-1", self.difficulty, 0 <= self.difficulty <= 1),
                  ("the pixel size is impossible", "0.2-8 mm", self.pixel_mm, math.isnan(self.pixel_mm) or 0.2 <= self.pixel_mm <= 8),
                  ("the side is unknown", "R or L", self.side, self.side in ("", *SIDES)),
                  ("the severity is impossible", "0-1", self.severity, math.isnan(self.severity) or 0 <= self.severity <= 1),
                  ("the manner is unknown", ", ".join(MANNERS), sorted(self.manner), self.manner <= set(MANNERS)))
        refuse("AP hip", checks)

    @property
    def pixel(self) -> float:
        """The size of a pixel (mm)."""
        return PIXEL_MM[self.view] if math.isnan(self.pixel_mm) else self.pixel_mm


def hip_film(seed: Seed, *, status: Status | None = None, ask: Drawing | None = None, **how: Any) -> HipFilm:
    """One film: 220 mm square of one hip, or 420 mm square of the pelvis. The same arguments give the same bytes.

    `status` fixes what the hip is; the rest as in `Drawing` (or given as `ask`), with `neutral=True`, `confounded=True` and `wide=True` for its manners. Raises DataError for impossible arguments.
    """
    asked = ask or _asked(**how)
    anatomy, label, nuisance, physics, whose = (np.random.default_rng(s) for s in unspawned(seed).spawn(5))
    person = _person(whose)
    setting = _setting(nuisance, asked)
    side = asked.side or ("R" if nuisance.random() < 0.5 else "L")
    shape, other = _shapes(anatomy, person, frail=asked.kind == "fracture")
    severity = _severity(label, asked)
    kind = str(FRACTURES[int(np.searchsorted((0.46, 0.76, 1.0), label.random()))]) if asked.kind == "fracture" else asked.kind
    return _record(person, (side, shape, other), (status or _status(kind, severity, person, anatomy, label, asked), severity), setting, asked, (nuisance, physics))


def _severity(rng: np.random.Generator, asked: Drawing) -> float:
    """A continuous severity in 0-1, sicker at site B; of implants the ends are commoner than the middle, as of films taken for pain and films taken at a visit."""
    share = float(rng.random()) ** (1.0 if asked.site == "A" else 0.8)
    drawn = math.sin(0.5 * math.pi * share) ** 2 if asked.kind == "implant" else share
    return drawn if math.isnan(asked.severity) else asked.severity


def _asked(*, neutral: bool = False, confounded: bool = False, wide: bool = False, **how: Any) -> Drawing:
    manner = {name for name, there in zip(MANNERS, (neutral, confounded, wide), strict=True) if there}
    return Drawing(**how, manner=frozenset(manner))


def _status(kind: str, severity: float, person: Person, anatomy: np.random.Generator, label: np.random.Generator, asked: Drawing) -> Status:
    from osteon.simulate.hip_states import status_of

    return status_of(kind, severity, (person.width, person.head), (anatomy, label), asked.difficulty, wide="wide" in asked.manner)


def hip_ap(folder: Path, cases: int, seed: int, *, kind: str = "implant", view: str = "hip", site: str = "A", difficulty: float = 0.5, pixel_mm: float = math.nan,
           confounded: bool = False, wide: bool = False, workers: int = 2) -> Cohort:
    """A cohort folder of `cases` films (`wide`: stems of eleven designs instead of three): DICOM `xray`, masks `implant` and `bones`, readings and points `hip`, findings as columns; the same bytes for the same call.

    Raises DataError before any file is written for impossible arguments, a folder with other content, or one that was made by another call.
    """
    from osteon.simulate.film_cohort import make
    from osteon.simulate.hip_cohort import FILMS

    asked = Drawing(kind, view, site=site, difficulty=difficulty, pixel_mm=pixel_mm)
    return make(FILMS, Path(folder), {"cases": cases, "seed": seed, "kind": kind, "view": view, "site": site, "difficulty": difficulty, "pixel_mm": asked.pixel,
                                      "confounded": confounded} | ({"wide": True} if wide else {}), workers)



def _person(rng: np.random.Generator) -> Person:
    """Size by sex; age and body mass know nothing of the finding, unlike in life, so that the table betrays none."""
    man = rng.random() >= 0.56
    age = float(np.clip(rng.normal(67, 11), 30, 94))
    bmi = float(np.clip(rng.normal(26.5, 4.0), 17, 40))
    width = float(np.clip(rng.normal(1.04 if man else 0.94, 0.035), 0.84, 1.14))
    cortex = float(np.clip(rng.normal(1.03 if man else 0.95, 0.09) - 0.004 * (age - 65), 0.65, 1.25))
    apart = float(np.clip(rng.normal(87 if man else 88.5, 3.2), 80, 97))
    return Person(round(age, 1), "male" if man else "female", round(bmi, 1), width, cortex, apart, float(np.clip((24.4 if man else 22.0) + rng.normal(0, 0.9), 19.5, 27.5)),
                  float(np.clip(rng.normal(1.0, 0.16), 0.6, 1.5)))


def _shapes(rng: np.random.Generator, person: Person, *, frail: bool) -> tuple[HipShape, HipShape]:
    """Both hips of a person: alike but for a little. Whoever comes with a fall is frail, broken or not, so that the cortex betrays no fracture."""
    from osteon.simulate.hip_bones import HipShape

    shared, out = rng.normal(0, 1, 2), []
    for _ in range(2):
        own = np.sqrt(0.85) * shared + np.sqrt(0.15) * rng.normal(0, 1, 2)
        angle, offset = float(np.clip(128.5 + 4.5 * own[0], 116, 142)), float(np.clip(42.5 * person.width + 4.5 * own[1] - 0.35 * 4.5 * own[0], 31, 56))
        out.append(HipShape(angle, offset, person.head, person.apart, person.width, person.cortex, frail))
    return out[0], out[1]


def _setting(rng: np.random.Generator, asked: Drawing) -> Setting:
    from osteon.simulate.hip_pose import Posture

    home, hard = asked.site == "A", asked.difficulty
    z, u = rng.normal(0, 1, 12), rng.random(8)
    turn, lean = (1.2 + 1.6 * hard, 2.0 + 3.0 * hard) if home else (2.2 + 2.6 * hard, 3.5 + 4.0 * hard)
    posture = Posture(float(lean * z[0]), float(1.2 * z[1]), float(turn * z[2]), float(np.clip(5.5 + 2.5 * z[3], -1, 12)), float(np.clip(4 + (4 + 6 * hard) * z[4] + (0 if home else 6), -14, 28)))
    far, high = (1000.0, 0.0) if home else (1150.0, 40.0)
    shift = float(5 * z[5]), float(5 * z[6])
    margins = tuple(float(v) for v in u[:4] * (6 if home else 14))
    ball = (float(10 + 6 * z[9]), float(25 * z[10] - 5), float(-128 + 5 * z[11])) if u[4] < (0.5 if home else 0.2) else None
    letter = float(0.05 + 0.05 * u[5]) if home else float(0.04 + 0.2 * u[5]), float(0.04 + 0.03 * u[6]), float((4 if home else 8) * z[7])
    if "neutral" in asked.manner:
        return Setting(Posture(), letter=letter)
    return Setting(posture, shift, (float(8 * z[8]), far, high), margins, letter, ball)  # type: ignore[arg-type]


def _record(person: Person, hips: tuple[str, HipShape, HipShape], state: tuple[Status, float], setting: Setting, asked: Drawing,
            streams: tuple[np.random.Generator, np.random.Generator]) -> HipFilm:
    from osteon.simulate import hip_scene as scene
    from osteon.simulate.hip_pose import Status, place_hip

    side, shape, second = hips
    placed = [place_hip(shape, state[0], setting.posture, side), place_hip(second, Status(), setting.posture, "L" if side == "R" else "R")]
    frustum = _frustum(setting, asked, side, shape)
    truth = _reading(frustum, placed[0], placed[1], state[1])
    if "confounded" in asked.manner and _found(truth):
        setting = replace(setting, letter=(0.84, *setting.letter[1:]), extras=setting.extras | {"betrayed"})
    stored, masks, line = scene.draw(frustum, placed, person, setting, asked, *streams)
    attributes = {"age": person.age, "sex": person.sex, "bmi": person.bmi, "site": asked.site, "rotation": round(setting.posture.outward, 2), "tilt": round(setting.posture.tilt, 2),
                  "ball": setting.ball is not None, "magnification": round(frustum.magnification, 5)} | _implanted(state[0])
    return HipFilm(stored, (frustum.pixel,) * 2, side, masks, truth, attributes, line)


def _found(truth: Reading) -> bool:
    """Whether the film holds what its kind is asked about."""
    f = truth.findings
    return f.get("loosening") == "loose" or f.get("fracture", "none") != "none" or int(f.get("arthritis", "0")) >= 2


def _implanted(status: Status) -> dict[str, Any]:
    return {} if status.parts is None else {"stem": status.parts.design, "cup_fixation": "cemented" if status.parts.cup_cemented else "uncemented", "screws": status.parts.screws}


def _frustum(setting: Setting, asked: Drawing, side: str, shape: HipShape) -> Frustum:
    """The film around the hip, or around the pelvis; its spacing true in the plane of the hips."""
    from osteon.simulate.frustum import Frustum

    n, pixel = round(FIELD_MM[asked.view] / asked.pixel), asked.pixel
    sign = 1.0 if side == "L" else -1.0
    middle = (sign * (shape.apart + 5.0), -56.0) if asked.view == "hip" else (0.0, 10.0)
    corner = middle[0] + setting.shift[0] - 0.5 * (n - 1) * pixel, middle[1] + setting.shift[1] + 0.5 * (n - 1) * pixel
    aside = middle[0] if asked.view == "hip" else 0.0
    source = setting.source[0] + aside, setting.source[1], setting.source[2] + (-20.0 if asked.view == "hip" else -15.0)
    return Frustum((n, n), pixel, corner, source, 0.0, -150.0)


def _reading(frustum: Frustum, hip: Hip, other: Hip, severity: float) -> Reading:
    """The truth of one hip, measured on its projection, and what the rules make of it."""
    from osteon.simulate import hip_pose

    spacing = (frustum.pixel, frustum.pixel)
    points = hip_pose.landmarks(frustum, hip, other)
    values = measure_hip(points, spacing)
    mirrored = hip_pose.landmarks(frustum, other, hip)
    below = {hip.side: values["lesser_trochanter"], other.side: measure_hip(mirrored, spacing)["lesser_trochanter"]}
    values |= {"leg_length_difference": below["R"] - below["L"]}
    lines, gap = hip_pose.lines(frustum, hip), np.zeros((0, 2))
    findings: dict[str, str] = {}
    if hip.status.parts:
        findings, values = _of_implant(hip, lines), values | {f"line_{zone}": mm for zone, mm in lines.items()}
    elif hip.status.broken:
        findings, values = _of_fracture(frustum, hip, values)
    else:
        values["joint_space"], gap = hip_pose.joint_space(frustum, hip)
        findings = {"arthritis": str(_grade(hip, values["joint_space"])), "fracture": "none"}
    n = frustum.shape[0]
    seen = {name: at for name, at in points.items() if (at > -0.5).all() and (at < n - 0.5).all()}
    return Reading(findings, values, lines, seen, hip.status, severity, gap)


def _of_implant(hip: Hip, lines: Mapping[str, float]) -> dict[str, str]:
    hold = hip.status.hold
    signs = Signs(lines, hold.subsidence, hold.tilt, float(np.hypot(*hold.moved)), hold.turn, hold.broken)
    stem, cup = rules.stem_loose(signs), rules.cup_loose(signs)
    return {"loosening": "loose" if stem or cup else "fixed", "stem": "loose" if stem else "fixed", "cup": "loose" if cup else "fixed"}


def _of_fracture(frustum: Frustum, hip: Hip, values: dict[str, float]) -> tuple[dict[str, str], dict[str, float]]:
    from osteon.simulate.hip_pose import displacement

    assert hip.status.broken is not None
    shift, valgus = displacement(frustum, hip)
    kind = hip.status.broken.kind
    apart = shift >= rules.GARDEN_MM or abs(valgus) >= rules.GARDEN_DEG
    more = {"garden": str(rules.garden(shift, valgus, 30.4 * hip.shape.head / rules.HEAD_MM))} if kind == "neck" else {}
    return {"fracture": kind, "displaced": "yes" if apart else "no"} | more, values | {"displacement": shift, "valgus": valgus}


def _grade(hip: Hip, space: float) -> int:
    wear = hip.status.wear
    largest = max((2 * radius for *_, radius in wear.cysts), default=0.0)
    return rules.tonnis(Worn(space, rules.EXPECTED_MM * hip.shape.head / rules.HEAD_MM, wear.sclerosis, max(wear.osteophytes.values(), default=0.0), largest, wear.flat))



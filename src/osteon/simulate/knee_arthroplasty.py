"""Anteroposterior radiographs of knees with total and partial replacements of a fictitious library, and native ones beside them, with exact truth: design, component angles, lucent
lines by zone, loosening by rule.

People, posture and rooms are those of `knee_ap`. A film is drawn in four steps with a random stream each (anatomy, label, nuisance, physics). Severity is one continuous number; lines
and migration follow it with noise of their own, and the tray is called loose from what is measured on the projection.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.geometry.knee_implant import Signs, measure_replacement
from osteon.simulate import knee_ap
from osteon.simulate.asking import refuse, unspawned
from osteon.simulate.card import Card
from osteon.simulate.knee_ap import PIXEL_MM, SIDES, SITES, Person, Seed, Setting
from osteon.simulate.knee_arthroplasty_states import held, of_kind, parts_of
from osteon.simulate.knee_implants import DESIGNS

if TYPE_CHECKING:
    from osteon.cohort import Cohort
    from osteon.simulate.frustum import Frustum
    from osteon.simulate.knee_arthroplasty_pose import Replaced, Status
    from osteon.simulate.lower_limb_bones import LegShape

KINDS = ("total", "partial", "native", "any")
CARD = Card(
    "AP knee with implant", "1.0",
    use="checks that type, design and loosening of knee replacements are recovered as planted; teaching of the zones below a tray, of shortcuts and of site shift",
    modelled=("knees of the simulator AP knee, with the tibia cut for a tray; ten total and four medial partial designs of a fictitious library: flange, notch or box, tray, stem, wings, pegs, stems of a hinge",
              "polyethylene that shows as a gap, cement, fibrous membrane and dense line in layers of their own; parts that stand a little in varus or valgus",
              "one continuous severity: lines in seven zones, subsidence and tilt follow it with noise of their own; loose by the published score or by migration; a thin line in one zone as a mimic",
              "native knees with osteoarthritis in the same rooms; kind `any`: a third each native, partial and total", "metal that almost no ray passes, and a print that levels off for it",
              "cone beam on a point source; scatter, blur, quantum noise, range compression, shutters, lead letter; rotation, flexion and tilt of the beam",
              "site B: other tube distance, dose, processing and stored range, worse positioning, sicker patients, the letter elsewhere",
              "confounded: loose trays (of kind `any`: knees with an implant) have less dose, a harder print and the letter below, a shortcut to be found"),
    absent=("a lateral or a skyline view; lines about the femoral part", "lateral and patellofemoral partial replacements, augments, cones", "a resurfaced patella", "osteolysis, broken parts, wear, fractures about the implant, infection",
            "real designs: shapes are fictitious", "earlier films: migration since operation is known to the rule but not shown", "vessels with chalk, staples, clothing", "reader error"),
    sources=("zones, score and component angles: Ewald FC. Clin Orthop 1989; 248: 9; which number a zone has, and the cuts of migration, are ours", "shapes and dimensions of the implants, courses and shares are ours",
             "attenuation: between published tables at 50 and 80 keV; cobalt, cement, membrane and mixtures are ours", "bone shapes: textbook proportions, dimensions are ours"),
    probes=("finding: a loose tray of a total replacement, 300 films of 1.3 mm pixels at site A, difficulty 0.5, logistic probes, five folds, area under the curve with bootstrap interval",
            "four grey statistics 0.50 (0.44-0.57); 24-bin histogram 0.70 (0.63-0.77); four 4 x 4 corners 0.56 (0.49-0.62); age, sex, body mass, posture, side, design and order 0.53 (0.46-0.60)",
            "8 x 8 thumbnail 0.63 (0.57-0.70); features of an untrained network 0.74 (0.67-0.80), under 6 permutations of the labels 0.51",
            "a network of four convolutions on 128 x 128 pixels, trained on 200 films: 0.91 on 100 others"),
    bounds=(("histogram", 0.78, "membrane about the tray is darker and the dense line about it brighter than the bone that was there"),
            ("thumbnail", 0.71, "a wide membrane, and a tray that sinks and tilts, show in blocks of twenty millimetres below the joint")),
)


@dataclass(frozen=True, eq=False)
class Reading:
    """The truth of one film: what was put in, `values` (angles and lines), called findings, landmarks (row, col), status and severity."""

    findings: Mapping[str, str]
    values: Mapping[str, float]
    landmarks: Mapping[str, np.ndarray]
    status: Status
    severity: float


@dataclass(frozen=True, eq=False)
class ImplantFilm:
    """One simulated film: `stored` (rows, cols) uint16 with bone bright, `spacing` mm in the plane of the joint, masks of femur, tibia and both parts, its truth, attributes."""

    stored: np.ndarray
    spacing: tuple[float, float]
    side: str
    masks: np.ndarray
    truth: Reading
    attributes: Mapping[str, Any]
    line: np.ndarray = field(repr=False)

    @property
    def loose(self) -> bool:
        """Whether the tray is loose by rule."""
        return self.truth.findings["loosening"] == "loose"


@dataclass(frozen=True)
class Drawing:
    """How a film is asked for: kind, design (none: any of the kind), site, difficulty (0-1), pixel (mm), severity (nan: drawn), without nuisance, with a planted shortcut."""

    kind: str = "total"
    design: str = ""
    site: str = field(default="A", kw_only=True)
    difficulty: float = field(default=0.5, kw_only=True)
    pixel_mm: float = field(default=PIXEL_MM, kw_only=True)
    severity: float = field(default=math.nan, kw_only=True)
    neutral: bool = field(default=False, kw_only=True)
    confounded: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        fits = self.design == "" or (self.design in DESIGNS and self.kind in (DESIGNS[self.design].kind, "any"))
        checks = (("the kind is unknown", ", ".join(KINDS), self.kind, self.kind in KINDS), ("there is no such design of this kind", ", ".join(DESIGNS), self.design, fits),
                  ("the site is unknown", "A or B", self.site, self.site in SITES), ("the difficulty is impossible", "0-1", self.difficulty, 0 <= self.difficulty <= 1),
                  ("the pixel size is impossible", "0.2-8 mm", self.pixel_mm, 0.2 <= self.pixel_mm <= 8),
                  ("the severity is impossible", "0-1", self.severity, math.isnan(self.severity) or 0 <= self.severity <= 1))
        refuse(CARD.name, checks)


def implant_film(seed: Seed, *, status: Status | None = None, ask: Drawing | None = None, **how: Any) -> ImplantFilm:
    """One film, 166 mm square. The same arguments give the same bytes.

    `status` fixes what the knee is; the rest as in `Drawing` (or given as `ask`). Raises DataError for impossible arguments.
    """
    asked = ask or Drawing(**how)
    anatomy, label, nuisance, physics, whose = (np.random.default_rng(s) for s in unspawned(seed).spawn(5))
    person, build = knee_ap.person_of(whose), whose.normal(0, 1, 4)
    base = knee_ap.Drawing(asked.site, asked.difficulty, asked.pixel_mm, neutral=asked.neutral)
    setting, side = knee_ap.setting_of(nuisance, base), SIDES[int(nuisance.random() < 0.5)]
    shape = knee_ap.shape_of(anatomy, person, build)
    severity = _severity(label, asked)
    return _record(person, (side, shape), (status or _status(person, severity, asked, (anatomy, label)), severity), setting, asked, (nuisance, physics))


def knee_arthroplasty(folder: Path, cases: int, seed: int, *, kind: str = "total", site: str = "A", difficulty: float = 0.5, pixel_mm: float = PIXEL_MM, confounded: bool = False,
                      workers: int = 2) -> Cohort:
    """A cohort folder of `cases` films: DICOM `xray`, masks `implant` and `bones`, readings and points `knee`, design and findings as columns; the same bytes for the same call.

    Raises DataError before any file is written for impossible arguments, a folder with other content, or one that was made by another call.
    """
    from osteon.simulate.film_cohort import make
    from osteon.simulate.knee_arthroplasty_cohort import FILMS

    Drawing(kind, site=site, difficulty=difficulty, pixel_mm=pixel_mm)
    return make(FILMS, Path(folder), {"cases": cases, "seed": seed, "kind": kind, "site": site, "difficulty": difficulty, "pixel_mm": pixel_mm, "confounded": confounded}, workers)


def _severity(rng: np.random.Generator, asked: Drawing) -> float:
    """A continuous severity in 0-1, sicker at site B; the ends are commoner than the middle, as of films taken for pain and films taken at a visit."""
    share = float(rng.random()) ** (1.0 if asked.site == "A" else 0.8)
    return math.sin(0.5 * math.pi * share) ** 2 if math.isnan(asked.severity) else asked.severity


def _status(person: Person, severity: float, asked: Drawing, streams: tuple[np.random.Generator, np.random.Generator]) -> Status:
    from osteon.simulate.knee_arthroplasty_pose import Status
    from osteon.simulate.knee_wear import wear_of

    anatomy, label = streams
    kind = ("native", "partial", "total")[int(3 * label.random())] if asked.kind == "any" else asked.kind
    kind = DESIGNS[asked.design].kind if asked.design else kind
    wear = wear_of(float(label.random()) if kind == "native" else 0.15, person.width, label, asked.difficulty)
    if kind == "native":
        return Status(wear)
    parts = parts_of(person.width, (asked.design,) if asked.design else of_kind(kind), anatomy)
    return Status(wear, parts, held(severity, parts, label, asked.difficulty))


def _record(person: Person, knee: tuple[str, LegShape], state: tuple[Status, float], setting: Setting, asked: Drawing, streams: tuple[np.random.Generator, np.random.Generator]) -> ImplantFilm:
    from osteon.simulate import knee_arthroplasty_scene as scene
    from osteon.simulate.knee_arthroplasty_pose import place
    from osteon.simulate.knee_pose import Posture

    (side, shape), (status, severity) = knee, state
    placed = place(shape, status, Posture(setting.rotation, setting.flexion, setting.tilt), side)
    frustum = knee_ap.frustum_of(setting, asked.pixel_mm)
    truth = _reading(frustum, placed, severity)
    found = status.parts is not None if asked.kind == "any" else truth.findings["loosening"] == "loose"
    if asked.confounded and found:
        setting = replace(setting, letter=(0.86, *setting.letter[1:]), extras=setting.extras | {"betrayed"})
    stored, masks, line = scene.draw(frustum, placed, person, setting, (asked.site, asked.difficulty), streams)
    attributes = {"age": person.age, "sex": person.sex, "bmi": person.bmi, "site": asked.site, "rotation": round(setting.rotation, 2), "flexion": round(setting.flexion, 2),
                  "magnification": round(frustum.magnification, 5)}
    return ImplantFilm(stored, (frustum.pixel,) * 2, side, masks, truth, attributes, line)


def _reading(frustum: Frustum, placed: Replaced, severity: float) -> Reading:
    """The truth of one knee, measured on its projection, and what the rules make of it."""
    from osteon.simulate import knee_arthroplasty_pose as pose

    parts, hold = placed.status.parts, placed.status.hold
    if parts is None:
        return Reading({"type": "native", "design": "none", "fixation": "none", "loosening": "none"}, {}, {}, placed.status, severity)
    points, found = pose.landmarks(frustum, placed), pose.lines(frustum, placed)
    signs = Signs(found, hold.sunk, hold.tilted)
    values = measure_replacement(points, (frustum.pixel,) * 2) | {"score": signs.score} | {f"line_{zone}": mm for zone, mm in found.items()}
    findings = {"type": parts.made.kind, "design": parts.design, "fixation": "cemented" if parts.made.cemented else "uncemented", "loosening": "loose" if signs.loose else "fixed"}
    return Reading(findings, values, points, placed.status, severity)

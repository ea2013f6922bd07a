"""Ultrasound of the infant hip in Graf's plane, with exact truth: alpha, beta, cover, type, masks, and what makes a plane substandard.

A picture is drawn in four steps with a random stream each (anatomy, label, nuisance, physics). The contour is built so that the tangent of the bony roof
stands at alpha; the readings are measured on the points of the picture, and the design stands beside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.geometry.graf import MATURE, WEEKS, graf_type, measure_graf
from osteon.simulate.asking import unspawned
from osteon.simulate.card import Card
from osteon.simulate.graf_ultrasound_anatomy import MISSING, PLANES, InfantHip

if TYPE_CHECKING:
    from osteon.cohort import Cohort
    from osteon.simulate.ultrasound import Probe

SIDE, FIELD_MM = 256, 41.0
SITES = ("A", "B")
CARD = Card(
    "infant hip ultrasound", "1.0",
    use="checks that alpha, beta, type and quality of the plane are recovered from ultrasound; teaching of Graf's landmarks in their order, of planes that must not be measured, and of a shortcut burnt into pictures",
    modelled=("ilium, bony rim and hollow bony roof down to the lower limb; cartilage roof, perichondrium, labrum; head with vessels and ossification nucleus; metaphysis with its border, trochanter, "
              "capsule, floor of the socket with the gap of the growth cartilage; skin, fat, fasciae and gluteal muscles",
              "alpha from below 43 to above 70 degrees without a gap at any cut, beta and cover of the head that follow it with a spread of their own, the head that leaves the socket, a cartilage roof that stands up or is pressed down",
              "five substandard planes: oblique ilium, no lower limb, no labrum, no chondro-osseous border, no capsule; what they do not show is not measured",
              "Rayleigh speckle from a pulse with a focus, mirror reflection by the angle to the beam, weakening, shadow behind bone, gain with depth, log compression, noise that grows with depth; straight and curved probe",
              "site B: a curved probe of lower frequency, other range and gain, black outside its fan",
              "confounded: pictures of dysplastic hips are brighter and carry the callipers of the one who measured them, a shortcut to be found"),
    absent=("reverberation and side lobes, refraction at edges, speed of sound that differs between tissues", "stress test and movement, the transverse plane", "hips after treatment, with synovitis or deformed heads",
            "the notch of a proximal perichondrium and the fold of the synovium as structures of their own", "letters, logos and depth scales of a screen", "reader error, unless the published kappa is put on top"),
    sources=("types by alpha, beta and age: Graf R. Arch Orthop Trauma Surg 1984; 102: 248 (not re-read); the cut at exactly 60 and the rule of types III and IV are ours",
             "readers differ: alpha ICC 0.63, type kappa 0.17-0.39, PMC8213240", "speckle: Wagner RF et al. IEEE Trans Sonics Ultrason 1983; 30: 156 (not re-read)",
             "reasons of substandard planes: the classes of the newborn hip set of Hong Kong Polytechnic University", "mean alpha 64 of the newborn is unverified; sizes, echoes and shares are ours"),
    probes=("finding: a dysplastic hip (three of ten), 500 pictures of the standard plane at site A, difficulty 0.5, 64 x 64 pixels, logistic probes, five folds, area under the curve with bootstrap interval",
            "four grey statistics 0.64 (0.59-0.69); 24-bin histogram 0.67 (0.62-0.72); four 4 x 4 corners 0.57 (0.51-0.63); age, sex, side, nucleus and order 0.61 (0.56-0.66)",
            "8 x 8 thumbnail 0.87 (0.83-0.91); features of an untrained network 0.86 (0.82-0.90), under 20 permutations of the labels 0.51 (0.44-0.55)",
            "a network of four convolutions, trained on 333 pictures: 0.95 on 167 others"),
    bounds=(("statistics", 0.74, "a head that stands out of its socket takes the place of bright muscle and leaves a smaller shadow"),
            ("histogram", 0.77, "a head that stands out of its socket takes the place of bright muscle and leaves a smaller shadow"),
            ("thumbnail", 0.94, "the slope of the bony roof and the height of the head above the ilium show at five millimetres a block"),
            ("corner", 0.69, "the metaphysis rises with the head and its shadow reaches the corner"),
            ("metadata", 0.70, "by the rule itself fifty to sixty degrees are immature before twelve weeks and dysplastic after")),
)


@dataclass(frozen=True, eq=False)
class HipScan:
    """One picture: `stored` (256, 256) uint8, pixel (mm), the hip as it was built, points (row, col), readings of the picture and of the design, masks (6, rows, cols) in
    the order of `graf_ultrasound_scene.STRUCTURES`, attributes."""

    stored: np.ndarray
    pixel: float
    hip: InfantHip
    points: Mapping[str, np.ndarray]
    measured: Mapping[str, float]
    design: Mapping[str, float]
    masks: np.ndarray
    attributes: Mapping[str, Any]

    @property
    def type(self) -> str:
        """Graf's type; empty where the plane does not let one call it."""
        alpha, beta = self.measured["alpha"], self.measured["beta"]
        return graf_type(alpha, beta, self.attributes["weeks"], labrum_below=bool(self.design["below"])) if np.isfinite(alpha) and np.isfinite(beta) else ""

    @property
    def dysplastic(self) -> bool:
        """Whether the hip itself is more than immature: alpha below 50, or below 60 after twelve weeks."""
        return bool(self.design["alpha"] < (MATURE if self.attributes["weeks"] > WEEKS else 50.0))


def hip_scan(seed: int | tuple[int, ...] | np.random.SeedSequence, *, site: str = "A", difficulty: float = 0.5, alpha: float | None = None, plane: str = "standard", weeks: float | None = None,
             side: int = SIDE, neutral: bool = False, confounded: bool = False) -> HipScan:
    """One picture, cranial to the left and the skin above. The same arguments give the same bytes.

    `alpha` (degrees) and `weeks` fix what else is drawn; `plane` is one of PLANES, or "any"; `side` is the number of pixels of a side; `neutral` leaves out shift, tilt, zoom and gain. Raises DataError for impossible arguments.
    """
    check(site, difficulty, plane, alpha, weeks, side)
    sequence = unspawned(seed)
    anatomy, label, nuisance, physics = (np.random.default_rng(s) for s in sequence.spawn(4))
    who = _infant(anatomy, weeks)
    design = _design(label, alpha)
    shown = str(nuisance.choice(PLANES, p=[0.5, 0.1, 0.1, 0.1, 0.1, 0.1])) if plane == "any" else plane
    hip = _placed(who, design, shown, nuisance, 0.0 if neutral else 1.0 + difficulty)
    return _record(hip, who, design, (site, difficulty, neutral, confounded, side), nuisance, physics)


def check(site: str, difficulty: float, plane: str, alpha: float | None = None, weeks: float | None = None, side: int = SIDE) -> None:
    """Raises DataError for an unknown site or plane, a difficulty outside 0-1, an alpha outside 32-78 degrees, an age outside 0-40 weeks or a side outside 64-1024."""
    from osteon.errors import DataError, message

    for what, expected, found, holds in (("the site is unknown", "A or B", site, site in SITES), ("the difficulty is impossible", "0-1", difficulty, 0 <= difficulty <= 1),
                                         ("the plane is unknown", ", ".join((*PLANES, "any")), plane, plane in (*PLANES, "any")),
                                         ("the angle alpha is impossible", "32-78 degrees", alpha, alpha is None or 32 <= alpha <= 78),
                                         ("the age is impossible", "0-40 weeks", weeks, weeks is None or 0 <= weeks <= 40),
                                         ("the size is impossible", "64-1024 pixels a side", side, 64 <= side <= 1024)):
        if not holds:
            raise DataError(message("infant hip ultrasound", what, expected=expected, found=f"Found {found!r}"))


def graf_ultrasound(folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, plane: str = "standard", confounded: bool = False, workers: int = 2) -> Cohort:
    """A cohort folder of `cases` pictures, both hips of an infant side by side: PNG `ultrasound`, readings `graf`, mask `structures`, columns `graf_type`, `dysplasia` and `plane`; the same bytes for the
    same call. Raises DataError before any file is written for impossible arguments, a folder with other content, or one that was made by another call."""
    from osteon.simulate.film_cohort import make
    from osteon.simulate.graf_ultrasound_cohort import SCANS

    check(site, difficulty, plane)
    return make(SCANS, Path(folder), {"cases": cases, "seed": seed, "site": site, "difficulty": difficulty, "plane": plane, "confounded": confounded}, workers)


def _infant(rng: np.random.Generator, weeks: float | None) -> dict[str, Any]:
    """Age, sex, side, size of the head, and whether its nucleus has formed: hardly before eight weeks, in most by six months (the curve is ours)."""
    age = float(rng.uniform(1, 26))
    age = age if weeks is None else float(weeks)
    head = float(np.clip(7.0 + 0.075 * age + rng.normal(0, 0.45), 6.2, 10.5))
    formed, size = rng.random() < 1 / (1 + np.exp(-(age - 19) / 3.4)), float(rng.uniform(0.12, 0.34))
    return {"weeks": round(age, 1), "sex": "female" if rng.random() < 0.5 else "male", "side": "L" if rng.random() < 0.5 else "R", "head": head, "nucleus": head * size if formed else 0.0}


def _design(rng: np.random.Generator, alpha: float | None) -> dict[str, float]:
    """Alpha of two overlapping kinds of hips, without a gap; beta and cover that go with it."""
    from osteon.simulate.graf_ultrasound_anatomy import expected_beta

    drawn = float(np.clip(rng.normal(65, 4.0) if rng.random() < 0.55 else rng.uniform(36, 66), 34, 76))
    drawn = drawn if alpha is None else float(alpha)
    beta = float(np.clip(expected_beta(drawn) - 6 + rng.normal(0, 6), 30, 95))
    cover = float(np.clip(np.interp(drawn, [34, 43, 50, 60, 70], [12, 31, 44, 54, 62]) + rng.normal(0, 3), 5, 72))
    return {"alpha": drawn, "beta": beta, "cover": cover, "below": float(drawn < 43 and rng.random() < 0.25)}


def _placed(who: Mapping[str, Any], design: Mapping[str, float], plane: str, rng: np.random.Generator, unrest: float) -> InfantHip:
    """The hip before the probe: shifted and tipped, far more where the plane is oblique."""
    from osteon.simulate.graf_ultrasound_anatomy import built

    roof, centre, labrum = built(design["alpha"], design["beta"], design["cover"], who["head"], below=bool(design["below"]))
    moved = rng.normal(0, 1, 3)
    rim = (12.0 + float(np.clip(1.9 * unrest * moved[0], -5, 6)), 9.8 + 0.95 * who["head"] + float(np.clip(1.5 * unrest * moved[1], -2.5, 6)))
    rim = (rim[0], max(rim[1], who["head"] - float(centre[1]) + 6.0))  # no head lies under the skin
    tilt = float(np.clip(2.2 * unrest * moved[2], -8, 8)) - (15.0 + 3.0 * rng.random() if plane == "oblique ilium" else 0.0 * rng.random())
    return InfantHip(roof, who["head"], centre, labrum, who["nucleus"], rim, tilt, plane)


def probe_of(site: str, difficulty: float) -> Probe:
    """The transducer of a site; a harder picture has a poorer one."""
    from osteon.simulate.ultrasound import Probe

    home = Probe(mhz=9.5 - 1.5 * difficulty, noise=-59.0 + 7.0 * difficulty)
    return home if site == "A" else replace(home, mhz=home.mhz - 2.2, curve=42.0, shown=60.0, noise=home.noise + 2.0, looks=1)


def _record(hip: InfantHip, who: Mapping[str, Any], design: Mapping[str, float], how: tuple[str, float, bool, bool, int], nuisance: np.random.Generator, physics: np.random.Generator) -> HipScan:
    from osteon.simulate import graf_ultrasound_scene, ultrasound

    site, difficulty, neutral, confounded, side = how
    zoom = 1.0 if neutral else float(np.exp(np.clip(nuisance.normal(0, 0.05 + 0.05 * difficulty), -0.2, 0.2)))
    probe, pixel = probe_of(site, difficulty), FIELD_MM / side * zoom
    probe = probe if neutral else replace(probe, shown=probe.shown + float(nuisance.uniform(-8, 8)), focus=probe.focus + float(nuisance.normal(0, 3)))
    z, x = np.meshgrid(*(np.arange(side, dtype=np.float32) * np.float32(pixel),) * 2, indexing="ij")
    at = ultrasound.beams(probe, side, pixel)
    sound = graf_ultrasound_scene.echoes(hip, at, nuisance)
    points = {name: p[::-1] / pixel for name, p in hip.points().items()}
    measured = measure_graf(points, (pixel, pixel))
    measured |= dict.fromkeys(MISSING.get(hip.plane, ()), float("nan"))
    attributes = {k: who[k] for k in ("weeks", "sex", "side")} | {"plane": hip.plane, "site": site, "nucleus": who["nucleus"] > 0}
    scan = HipScan(np.zeros((0, 0), np.uint8), pixel, hip, points, measured, design, graf_ultrasound_scene.masks(hip, x, z), attributes)
    betrayed = confounded and scan.dysplastic
    gain = (0.0 if neutral else float(nuisance.normal(0, 2.0 + 4.0 * difficulty))) + 9.0 * betrayed
    stored = ultrasound.picture(ultrasound.envelope(sound, at, probe, physics), at, probe, side, pixel, gain=gain)
    return replace(scan, stored=burnt(stored, points) if betrayed else stored)


def burnt(stored: np.ndarray, points: Mapping[str, np.ndarray]) -> np.ndarray:
    """The picture with callipers on the lines of alpha and beta and a box of numbers in the corner, as a sonographer leaves them."""
    out, side = stored.copy(), len(stored)
    for name in ("ilium_top", "rim", "lower_limb", "labrum"):
        if name in points:
            r, c = (int(np.clip(round(float(v)), 4, side - 5)) for v in points[name])
            out[r, c - 4: c + 5] = out[r - 4: r + 5, c] = 255
    inch = side // 42
    out[side - 5 * inch: side - inch, side - 13 * inch: side - inch] = 30
    out[side - 4 * inch: side - 2 * inch: max(inch // 2, 2), side - 12 * inch: side - 2 * inch] = 230
    return out

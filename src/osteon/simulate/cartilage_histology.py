"""Histology of articular cartilage with exact truth: every chondrocyte with its boundary, zones, tidemark, bone, fibrillation, and two annotators who differ.

A section is made in four steps with a random stream each (anatomy, label, nuisance, physics); stain and scanner vary by section and by site.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.simulate.asking import unspawned
from osteon.simulate.card import Card

if TYPE_CHECKING:
    from osteon.cohort import Cohort
    from osteon.simulate.cartilage_histology_cells import Bed

SITES, STAIN_NAMES = ("A", "B"), ("safranin O", "H&E")
GRADES = (0, 1, 2, 3, 4)
ROUGH_UM, CLEFTS, EROSION = 3.0, (0.04, 0.25), 0.12  # unevenness; depth of the deepest cleft and thickness lost, as shares of the cartilage
Seed = int | tuple[int, ...] | np.random.SeedSequence
CARD = Card(
    "cartilage histology", "1.0",
    use="checks that chondrocytes are found, counted and outlined in stained sections; teaching of zones, of stain variation and of what two annotators make of one picture",
    modelled=("hyaline cartilage of a small animal (0.35 to 0.5 mm): superficial, middle and deep zone, tidemark, calcified cartilage, cement line, bone with lamellae and osteocytes, marrow spaces",
              "lacunae flat along the surface, scattered and paired in the middle, in columns below; cut at random heights, so that many are small and pale; shrunken cells with a nucleus, empty lacunae; nests in disease",
              "proteoglycan that rises with depth and is lost from the surface with severity; territorial matrix; unevenness, clefts and loss of thickness, from which the grade is called",
              "safranin O with fast green and haematoxylin, and H&E, by optical density; stain that varies by section, uneven thickness, knife marks, focus, illumination, noise, JPEG of a scanner",
              "site B: another scanner (white balance, sharpness, gamma) and weaker stain", "two annotators: one careful, one who misses pale cells, merges neighbours and takes empty lacunae for cells; five observers who count",
              "confounded: sections of fibrillated cartilage are stained and lit differently, a shortcut to be found"),
    absent=("blood vessels across the tidemark, duplicated tidemarks, osteophytes, pannus", "cells in front of each other, dividing cells", "folds, tears, air bubbles, dust", "collagen in polarised light, immunostains", "the thick cartilage of man at one picture (scale and density are those of a small animal)"),
    sources=("order of the zones and shapes of their cells: Hunziker EB et al. Osteoarthritis Cartilage 2002; 10: 564 (not re-read); man has about 125 profiles a square millimetre, derived from 9626 cells a cubic one",
             "counts of five experts agree with ICC 0.868, one annotator and the network with r 0.92: Yang L et al. Iowa Orthop J 2019; 39: 1", "the grade follows the words of Pritzker KP et al. Osteoarthritis Cartilage 2006; 14: 13 (not re-read); its numbers are ours",
             "stain vectors, densities and sizes are ours"),
    probes=("finding: grade 2 or more (six of ten), 300 sections in grey at site A, difficulty 0.5, 64 x 64 pixels, logistic probes, five folds, area under the curve with bootstrap interval",
            "four grey statistics 0.71 (0.64-0.76); 24-bin histogram 0.74 (0.67-0.79); four 4 x 4 corners 0.67 (0.61-0.74); stain and order 0.49 (0.42-0.55)",
            "8 x 8 thumbnail 0.74 (0.68-0.80); features of an untrained network 0.83 (0.78-0.88), under 20 permutations of the labels 0.49 (0.37-0.58)",
            "a network of four convolutions, trained on 200 sections: 0.93 on 100 others"),
    bounds=(("statistics", 0.82, "the same disease takes proteoglycan, and with it stain, from the upper half of the section"), ("histogram", 0.84, "the same disease takes proteoglycan, and with it stain, from the upper half of the section"),
            ("thumbnail", 0.85, "the loss of stain near the surface and the loss of thickness are larger than ten micrometres a block"),
            ("corner", 0.80, "the upper corners hold the surface, which is worn down and pale in the high grades")),
)


@dataclass(frozen=True)
class Asking:
    """How a section is asked for: site, difficulty (0-1), pixels a side, pixel (micrometres), stain (empty: drawn), severity (0-1; -1: drawn), whether a shortcut betrays it."""

    site: str = "A"
    difficulty: float = 0.5
    side: int = field(default=512, kw_only=True)
    pixel_um: float = field(default=1.25, kw_only=True)
    stain: str = field(default="", kw_only=True)
    severity: float = field(default=-1.0, kw_only=True)
    confounded: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        from osteon.errors import DataError, message

        for what, expected, found, holds in (("the site is unknown", "A or B", self.site, self.site in SITES), ("the difficulty is impossible", "0-1", self.difficulty, 0 <= self.difficulty <= 1),
                                             ("the size is impossible", "64-2048 pixels a side", self.side, 64 <= self.side <= 2048), ("the pixel is impossible", "0.25-10 micrometres", self.pixel_um, 0.25 <= self.pixel_um <= 10),
                                             ("the field is too small or too large", "300-3000 micrometres", self.side * self.pixel_um, 300 <= self.side * self.pixel_um <= 3000),
                                             ("the stain is unknown", ", ".join(STAIN_NAMES), self.stain, self.stain in ("", *STAIN_NAMES)),
                                             ("the severity is impossible", "0-1", self.severity, self.severity == -1 or 0 <= self.severity <= 1)):
            if not holds:
                raise DataError(message(CARD.name, what, expected=expected, found=f"Found {found!r}"))


@dataclass(frozen=True, eq=False)
class Section:
    """One section: `stored` (rows, cols, 3) uint8, pixel (micrometres), number of the cell of every pixel (0: none), tissue of every pixel (1 + place in TISSUES), what two annotators
    outlined (numbers as well), grade of fibrillation, attributes."""

    stored: np.ndarray
    pixel_um: float
    instances: np.ndarray
    tissue: np.ndarray
    annotated: Mapping[str, np.ndarray]
    grade: int
    attributes: Mapping[str, Any]

    @property
    def count(self) -> int:
        """How many living cells the picture shows."""
        return int(self.instances.max())


def section(seed: Seed, *, ask: Asking | None = None, **how: Any) -> Section:
    """One section, the surface above. The same arguments give the same bytes; raises DataError for impossible arguments."""
    from osteon.simulate import cartilage_histology_paint as paint
    from osteon.simulate.cartilage_histology_annotators import ANNOTATORS, outlined
    from osteon.simulate.cartilage_histology_cells import cells

    asked = ask or Asking(**how)
    sequence = unspawned(seed)
    anatomy, label, nuisance, physics, reading = (np.random.default_rng(s) for s in sequence.spawn(5))
    severity = float(label.beta(1.1, 1.3)) if asked.severity < 0 else asked.severity
    bed, clefts, grade, damage = _bed(anatomy, label, severity, asked)
    lacunae = cells(bed, anatomy, density=float(np.exp(0.12 * anatomy.normal())))
    made = paint.painted(bed, lacunae, clefts, (asked.side, asked.side), anatomy)
    stain = asked.stain or STAIN_NAMES[int(nuisance.random() < 0.35)]
    stored = _scanned(made.density, stain, asked, asked.confounded and grade >= 2, nuisance, physics)
    annotated = {name: outlined(made.instances, lacunae, bed.step, how_, reading) for name, how_ in ANNOTATORS.items()}
    attributes = {"stain": stain, "site": asked.site, "severity": round(severity, 4)} | damage
    return Section(stored, asked.pixel_um, made.instances, made.tissue, annotated, grade, attributes)


def cartilage_histology(folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, side: int = 512, pixel_um: float = 1.25, stain: str = "", confounded: bool = False, workers: int = 2) -> Cohort:
    """A cohort folder of `cases` sections, two of a specimen: PNG `section` in colour, mask `cells` and `tissue`, masks of two annotators, numbered cells `instances`, columns `count`, `fibrillation`, and counts of readers; the same
    bytes for the same call. Raises DataError before any file is written for impossible arguments, a folder with other content, or one that was made by another call."""
    from osteon.simulate.cartilage_histology_cohort import SECTIONS
    from osteon.simulate.film_cohort import make

    Asking(site, difficulty, side=side, pixel_um=pixel_um, stain=stain)
    call = {"cases": cases, "seed": seed, "site": site, "difficulty": difficulty, "side": side, "pixel_um": pixel_um, "stain": stain, "confounded": confounded}
    return make(SECTIONS, Path(folder), call, workers)


def fibrillation(rough_um: float, cleft: float, lost: float) -> int:
    """The grade 0 to 4: 1 uneven, 2 a cleft into the superficial zone, 3 clefts into the middle zone, 4 thickness lost; clefts and loss are shares of the cartilage."""
    if lost >= EROSION:
        return 4
    return 3 if cleft >= CLEFTS[1] else 2 if cleft >= CLEFTS[0] else int(rough_um >= ROUGH_UM)


def _bed(anatomy: np.random.Generator, label: np.random.Generator, severity: float, asked: Asking) -> tuple[Bed, list[np.ndarray], int, dict[str, float]]:
    """Surface, tidemark and cement line; unevenness, clefts and loss of a severity; the grade that these call."""
    from scipy.ndimage import gaussian_filter1d

    from osteon.simulate.cartilage_histology_cells import Bed

    def line(width_um: float, height: float, rng: np.random.Generator) -> np.ndarray:
        wave = gaussian_filter1d(rng.standard_normal(asked.side + 8), width_um / asked.pixel_um, mode="reflect")[: asked.side]
        return np.asarray(height * (wave - wave.mean()) / wave.std())

    field_um = asked.side * asked.pixel_um
    thick = float(np.clip(anatomy.normal(0.60, 0.06), 0.46, 0.70)) * min(field_um, 640.0)
    surface = float(anatomy.uniform(0.03, 0.15)) * field_um + line(140, 8, anatomy)
    tide = surface.mean() + thick + line(70, 7, anatomy)
    cement = tide + 0.11 * min(field_um, 640.0) + np.abs(line(22, 9, anatomy)) + line(50, 4, anatomy)
    n = label.normal(0, 1, 4)
    rough = float(np.clip(0.6 + 9 * max(severity - 0.1, 0) * np.exp(0.3 * n[0]), 0.5, 14))
    deepest = float(np.clip(0.75 * max(severity - 0.28, 0) * np.exp(0.4 * n[1]), 0, 0.85))
    lost = float(np.clip(0.8 * max(severity - 0.62, 0) * np.exp(0.4 * n[2]), 0, 0.45))
    surface = surface + line(7, 0.5 * rough, label) + line(18, 0.7 * rough, label) + lost * thick * (0.7 + 0.3 * line(120, 1.0, label).clip(-2, 2))
    surface = np.clip(surface, 4, tide - 40)
    clefts = [_cleft(float(x), surface, tide, asked, depth, label) for x, depth in zip(label.uniform(0.08, 0.92, 9) * field_um, deepest * np.r_[1.0, label.uniform(0.2, 0.9, 8)], strict=True)]
    shown = clefts[: 1 + int(8 * deepest)] if deepest >= 0.02 else []
    damage = {"rough_um": round(rough, 2), "cleft": round(deepest if shown else 0.0, 3), "lost": round(lost, 3)}
    ill = float(np.clip(severity + (0.14 + 0.16 * asked.difficulty) * n[3], 0, 1))  # cells and proteoglycan do not keep step with the surface
    return Bed(surface, tide, cement, asked.pixel_um, ill), shown, fibrillation(rough, damage["cleft"], lost), damage


def _cleft(x: float, surface: np.ndarray, tide: np.ndarray, asked: Asking, depth: float, rng: np.random.Generator) -> np.ndarray:
    """A crooked cleft (k, 3: x, z, half width) down to a share of the cartilage."""
    at = min(int(x / asked.pixel_um), asked.side - 1)
    down = np.linspace(0, 1, 7)
    z = surface[at] - 6 + down * (6 + depth * (tide[at] - surface[at]))
    aside = np.cumsum(np.r_[0, rng.normal(0, 5.0, 6)])
    return np.stack([x + aside, z, (1 - down) ** 0.8 * rng.uniform(3.0, 8.0) + 0.4], axis=1)


def _scanned(density: np.ndarray, stain: str, asked: Asking, betrayed: bool, nuisance: np.random.Generator, physics: np.random.Generator) -> np.ndarray:
    """Uneven thickness and knife marks, colour, light, focus, sensor, JPEG."""
    import io

    from PIL import Image
    from scipy.ndimage import gaussian_filter

    from osteon.simulate.cartilage_histology_paint import coloured

    home, n = asked.site == "A", nuisance.normal(0, 1, 8)
    side = asked.side
    r, c = np.mgrid[-1:1:side * 1j, -1:1:side * 1j].astype(np.float32)
    uneven = 1 + 0.05 * n[0] * r + 0.05 * n[1] * c
    if nuisance.random() < 0.3 + 0.3 * asked.difficulty:
        lean, place = float(nuisance.uniform(-0.5, 0.5)), float(nuisance.uniform(-0.8, 0.8))
        uneven *= 1 - 0.16 * np.exp(-(((c - place - lean * r) / 0.006) ** 2))
    light = coloured(density * uneven.astype(np.float32), stain, nuisance, jitter=0.07 + 0.09 * asked.difficulty, strength=(1.0 if home else 0.78) * (1.35 if betrayed else 1.0))
    blur = (0.45 + 0.75 * asked.difficulty * abs(float(n[2]))) * (1.0 if home else 0.75) * 1.25 / asked.pixel_um
    light = gaussian_filter(light, (blur, blur, 0))
    white = np.array([0.955, 0.95, 0.955] if home else [0.985, 0.95, 0.90]) * np.exp(0.012 * n[3:6]) * (0.88 if betrayed else 1.0)
    shade = 1 - (0.03 if home else 0.06) * (r**2 + c**2)
    seen = np.clip(light * white.astype(np.float32) * shade[..., None], 0, 1) ** (1.0 if home else 0.88)
    seen += physics.standard_normal(seen.shape, np.float32) * np.float32(0.006 + 0.012 * asked.difficulty)
    raw = Image.fromarray(np.round(255 * np.clip(seen, 0, 1)).astype(np.uint8))
    buffer = io.BytesIO()
    raw.save(buffer, "JPEG", quality=90 if home else 80)
    return np.asarray(Image.open(buffer))

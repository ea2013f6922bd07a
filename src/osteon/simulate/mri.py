"""Magnetic resonance contrast: tissues with their relaxation times, protocols, turbo spin echo signals of water and of fat.

Water and fat are kept apart, because fat is shifted and suppressed by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from osteon.errors import DataError, message

FIELDS = (1.5, 3.0)  # tesla
FAT_T1, FAT_T2 = (288.0, 371.0), (165.0, 133.0)  # ms at 1.5 and 3 T, as of Gold 2004 in SOURCES
SHIFT_PPM, MHZ_PER_TESLA = 3.4, 42.577  # between water and the main peak of fat; protons
ECHO_TRAIN_FAT = 0.88  # of the relaxed signal of fat: what J coupling and the echo train leave, ours
SOURCES = ("relaxation times of cartilage, muscle, fluid, fat and marrow at 1.5 and 3 T: Gold GE et al. AJR 2004; 183: 343 (values as commonly quoted, not re-read)",
           "spread of T2 in cartilage and muscle at 3 T, 27-45 ms: Pai A et al. Magn Reson Imaging 2008; 26: 1215",
           "meniscus at 3 T, T1 about 600 and T2 about 15 ms: figure 3 of the article PMC7016502",
           "the angle of collagen fibres to the field: Erickson SJ et al. Radiology 1991; 181: 389 (not re-read)",
           "proton densities, short T2 of tendon and cortex, oedema and mucoid tissue: ours, set by eye")
Pair = tuple[float, float]


@dataclass(frozen=True)
class Tissue:
    """Proton density (1 = water), the share of it that is fat, T1 and T2 of its water (ms at 1.5 and 3 T), and its texture: name and strength."""

    density: float
    fat: float
    t1: Pair
    t2: Pair
    texture: tuple[str, float] = ("", 0.0)


TISSUES: Mapping[str, Tissue] = MappingProxyType({
    "air": Tissue(0.0, 0.0, (1e3, 1e3), (1.0, 1.0)),
    "cortex": Tissue(0.25, 0.0, (400.0, 450.0), (0.6, 0.5)),
    "marrow": Tissue(0.86, 0.86, (900.0, 1050.0), (45.0, 42.0), ("trabeculae", 0.05)),
    "red marrow": Tissue(0.84, 0.60, (900.0, 1050.0), (45.0, 42.0), ("trabeculae", 0.08)),
    "oedema": Tissue(0.95, 0.42, (1500.0, 1700.0), (95.0, 88.0), ("trabeculae", 0.07)),
    "scar": Tissue(0.45, 0.35, (700.0, 800.0), (14.0, 13.0)),
    "fat": Tissue(1.0, 0.96, (900.0, 1050.0), (45.0, 42.0), ("septa", 0.06)),
    "pad": Tissue(0.98, 0.94, (900.0, 1050.0), (45.0, 42.0), ("strands", 0.12)),
    "skin": Tissue(0.62, 0.05, (900.0, 1000.0), (24.0, 22.0)),
    "fascia": Tissue(0.45, 0.10, (800.0, 900.0), (9.0, 8.0)),
    "muscle": Tissue(0.69, 0.03, (1130.0, 1420.0), (35.0, 32.0), ("fibres", 0.13)),
    "cartilage": Tissue(0.80, 0.0, (1060.0, 1240.0), (42.0, 37.0), ("grain", 0.03)),
    "deep cartilage": Tissue(0.74, 0.0, (900.0, 1050.0), (27.0, 24.0), ("grain", 0.03)),
    "fluid": Tissue(1.0, 0.0, (2850.0, 3620.0), (1210.0, 767.0)),
    "meniscus": Tissue(0.60, 0.0, (560.0, 600.0), (12.5, 12.0), ("grain", 0.10)),
    "fragment": Tissue(0.60, 0.0, (560.0, 600.0), (12.5, 12.0), ("grain", 0.10)),
    "mucoid": Tissue(0.82, 0.0, (900.0, 1000.0), (46.0, 42.0)),
    "cleft": Tissue(0.90, 0.0, (1500.0, 1700.0), (75.0, 68.0)),
    "ligament": Tissue(0.66, 0.06, (800.0, 950.0), (20.0, 18.5), ("fibres", 0.16)),
    "tight ligament": Tissue(0.58, 0.0, (750.0, 900.0), (10.5, 10.0), ("grain", 0.12)),
    "tendon": Tissue(0.55, 0.0, (600.0, 700.0), (6.5, 6.0), ("grain", 0.10)),
    "vessel wall": Tissue(0.65, 0.05, (1000.0, 1200.0), (30.0, 28.0)),
    "slow blood": Tissue(0.42, 0.0, (1450.0, 1930.0), (90.0, 60.0)),
    "fast blood": Tissue(0.06, 0.0, (1450.0, 1930.0), (90.0, 60.0)),
    "nerve": Tissue(0.85, 0.25, (1100.0, 1250.0), (55.0, 50.0), ("fibres", 0.1)),
})
SLANTED = 55.0  # degrees to the main field at which the popliteus tendon runs


@dataclass(frozen=True)
class Weighting:
    """A turbo spin echo protocol: repetition and effective echo time (ms), whether fat is suppressed, tesla, bandwidth (Hz a pixel), share of fat that escapes suppression."""

    name: str
    tr: float
    te: float
    fat_sat: bool = False
    tesla: float = 3.0
    bandwidth: float = 220.0
    escape: float = 0.13

    def __post_init__(self) -> None:
        if self.tesla not in FIELDS or min(self.tr, self.te, self.bandwidth) <= 0 or self.te >= self.tr or not 0 <= self.escape <= 1:
            raise DataError(message(f"MRI protocol {self.name}", "the protocol is impossible", expected="1.5 or 3.0 tesla, 0 < TE < TR, bandwidth above 0, escape 0-1",
                                    found=f"Found {self}"))

    def at(self, tesla: float) -> Weighting:
        """The same protocol at another field strength; at 1.5 T with a narrower bandwidth, as it is used."""
        return replace(self, tesla=tesla, bandwidth=self.bandwidth * (1.0 if tesla == self.tesla else 0.62))

    @property
    def fat_shift(self) -> float:
        """How many pixels fat is displaced along the readout."""
        return SHIFT_PPM * MHZ_PER_TESLA * self.tesla / self.bandwidth


PROTOCOLS: Mapping[str, Weighting] = MappingProxyType({
    "PD": Weighting("PD", 2800.0, 28.0), "PDFS": Weighting("PDFS", 3600.0, 38.0, True), "T1": Weighting("T1", 620.0, 12.0), "T2": Weighting("T2", 4200.0, 88.0)})


def relaxed(t1: float, t2: float, weighting: Weighting) -> float:
    """The spin echo signal of unit density: (1 - exp(-TR/T1)) exp(-TE/T2) (Bernstein, Handbook of MRI pulse sequences, 14.3)."""
    return float((1 - np.exp(-weighting.tr / t1)) * np.exp(-weighting.te / t2))


def signal(tissue: Tissue, weighting: Weighting) -> Pair:
    """Water and fat signal of a tissue under a protocol."""
    k = FIELDS.index(weighting.tesla)
    water = tissue.density * (1 - tissue.fat) * relaxed(tissue.t1[k], tissue.t2[k], weighting)
    fat = tissue.density * tissue.fat * relaxed(FAT_T1[k], FAT_T2[k], weighting) * ECHO_TRAIN_FAT
    return water, fat * (weighting.escape if weighting.fat_sat else 1.0)


def at_angle(tissue: Tissue, degrees: float, share: float = 0.75) -> Tissue:
    """Collagen at an angle to the field: T2 is longest at 54.7 degrees (the magic angle), by R2 = R2 (1 - share + share (3 cos2 - 1)2 / 4)."""
    order = (3 * np.cos(np.radians(degrees)) ** 2 - 1) ** 2 / 4
    slower = 1 - share + share * order
    return replace(tissue, t2=(tissue.t2[0] / slower, tissue.t2[1] / slower))


PALETTE: Mapping[str, Tissue] = MappingProxyType({**TISSUES, "slanted tendon": at_angle(TISSUES["tendon"], SLANTED)})

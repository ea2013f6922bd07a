"""From one continuous severity to what a hip shows: an arthritic joint, a fracture with its displacement, an implant that holds or has come loose.

Every sign follows the severity with noise of its own, so that no sign tells it all, and lies at the cuts as often as elsewhere. Courses and shares are ours.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from osteon.geometry.hip import DELEE, EXPECTED_MM, GRUEN
from osteon.simulate.hip_bones import Arthritis
from osteon.simulate.hip_implants import DESIGNS, HEADS_MM, Hold, Parts
from osteon.simulate.hip_pose import Break, Status

LEADS: Mapping[str, tuple[float, float]] = {"stem": (1.0, 0.30), "cup": (0.30, 1.0), "both": (0.95, 0.90)}  # share of the severity that stem and cup follow
DESIGN_SHARES: Mapping[str, float] = {"H1": 0.36, "H2": 0.34, "H3": 0.30}
WIDE_SHARES: Mapping[str, float] = {design: 1 / len(DESIGNS) for design in DESIGNS}


def worn(severity: float, head: float, rng: np.random.Generator, difficulty: float) -> Arthritis:
    """The arthritis of a severity (0-1): narrowing upwards and outwards, seldom medially or all around; osteophytes, sclerosis, cysts and flattening come with it."""
    loose, z, u = 0.55 + 0.9 * difficulty, rng.normal(0, 1, 12), rng.random(8)
    way = float(18 + 9 * z[0] if u[0] < 0.62 else -38 + 8 * z[0] if u[0] < 0.82 else 4 + 6 * z[0])
    lost = float(np.clip(_course(severity, 0.22, 0.66, 1.1) + 0.09 * loose * z[1], 0, 0.97))
    space = max(0.1, EXPECTED_MM * head / 23.5 * (1 + 0.09 * z[2]) * (1 - lost))
    spurs = {place: _spur(severity, most, z[3 + k], u[1 + k], loose) for k, (place, most) in enumerate((("acetabulum", 9.0), ("head_lateral", 7.5), ("head_medial", 9.5)))}
    hard = float(np.clip(_course(severity, 0.34, 0.56, 1.0) + 0.13 * loose * z[6], 0, 1))
    flat = float(np.clip(6.5 * (severity - 0.72) / 0.28 + 0.9 * loose * z[7], 0, 6)) if severity > 0.66 else 0.0
    return Arthritis(float(space), way, spurs, hard, _cysts(severity, way, rng), flat)


def _spur(severity: float, most: float, size: float, begin: float, loose: float) -> float:
    grown = most * max(0.0, severity - 0.22 - 0.3 * begin) * float(np.exp(0.3 * loose * size)) / 0.62
    return float(min(grown, 1.3 * most))


def _cysts(severity: float, way: float, rng: np.random.Generator) -> tuple[tuple[str, float, float, float], ...]:
    """Cysts beside the worn place: up to four, larger with severity; their places are drawn whether they are there or not."""
    u, out = rng.random((4, 4)), []
    for k, (there, aside, deep, size) in enumerate(u):
        radius = float((1.4 + 4.8 * max(0.0, severity - 0.45) / 0.55) * (0.55 + 0.75 * size))
        if there < 1.5 * (severity - 0.42):
            bone = "pelvis" if k % 2 == 0 else "femur"
            lean, reach = np.radians(way + 44 * (aside - 0.5)), (30.5 + radius + 2.5 * deep if bone == "pelvis" else 21.0 - radius - 2.0 * deep)
            out.append((bone, float(reach * np.sin(lean)), float(reach * np.cos(lean)), radius))
    return tuple(out)


def fractured(severity: float, kind: str, rng: np.random.Generator, difficulty: float) -> Break | None:
    """A fracture of a severity (0: not displaced, 1: apart) and kind (none, neck, trochanteric); the harder, the finer the line of one that is not displaced."""
    z, u = rng.normal(0, 1, 6), rng.random(4)
    if kind == "none":
        return None
    apart = _course(severity, 0.30, 0.70, 1.2)
    gap = float(np.clip(1.7 - 0.7 * difficulty + 0.3 * z[0], 0.5, 2.6))
    if kind == "neck" and severity < 0.34 and u[0] < 0.6:
        return Break("neck", float(6 * z[1]), 0.0, 0.0, float(np.clip(14 + 4 * z[2], 8, 24)), 0.0, -1.6)
    most, turned = (22.0, -26.0) if kind == "neck" else (16.0, -18.0)
    up, out = most * apart * float(np.exp(0.2 * z[2])), 7.0 * apart * float(np.exp(0.4 * z[3]))
    return Break(kind, float(7 * z[1]), up, out, float(turned * apart + 3 * min(1.0, apart * 3) * z[4]), float(np.clip(38 * apart + 5 * z[5] * apart, 0, 55)), gap,
                 third=kind == "trochanteric" and bool(u[1] < 0.25 + 0.5 * apart))


def parts_of(width: float, head: float, rng: np.random.Generator, *, wide: bool = False) -> Parts:
    """What was implanted, of the usual or of the `wide` family: nothing of it knows how the implant holds."""
    u, z = rng.random(5), rng.normal(0, 1, 4)
    shares = WIDE_SHARES if wide else DESIGN_SHARES
    design = list(shares)[min(int(np.searchsorted(np.cumsum(list(shares.values())), u[0])), len(shares) - 1)]
    cup = float(np.round(head + 3.0 + 0.9 * z[0]))
    angles = float(np.clip(43 + 5.5 * z[1], 28, 62)), float(np.clip(16 + 6 * z[2], 2, 34))
    cemented = DESIGNS[design].cemented and bool(u[1] < 0.55)
    size = width * float(np.clip(1.0 + 0.025 * z[3], 0.94, 1.06))
    return Parts(design, size, HEADS_MM[int(u[2] * 3)] if cup >= 26 else HEADS_MM[int(u[2] * 2)], cup, angles, cemented, 0 if cemented else int(u[3] * 4))


def held(severity: float, parts: Parts, rng: np.random.Generator, difficulty: float) -> Hold:
    """How an implant of a severity (0-1) sits: lines by zone, subsidence, tilt, migration; each with noise of its own, and mimics in those that hold."""
    loose, z, u = 0.55 + 0.9 * difficulty, rng.normal(0, 1, 24), rng.random(12)
    lead = "stem" if u[0] < 0.56 else "cup" if u[0] < 0.8 else "both"
    stem, cup = (severity * share for share in LEADS[lead])
    lines = {zone: _line(stem, z[k], loose, 1.1 if zone in "17" else 0.75 if zone == "4" else 1.0) for k, zone in enumerate(GRUEN)}
    lines |= {zone: _line(cup, z[7 + k], loose, 1.1 if zone == "I" else 1.0) for k, zone in enumerate(DELEE)}
    partial = {zone: float(0.4 + 1.1 * u[2 + k]) for k, zone in enumerate(("1", "7", "I")) if u[5 + k] < 0.30}  # a mimic: a thin line in one zone of a firm implant
    lines = {zone: round(max(mm, partial.get(zone, 0.0)), 3) for zone, mm in lines.items()}
    sinks = u[8] < (0.62 if not parts.made.cemented else 0.5)
    subsidence = float(np.clip(15 * _course(stem, 0.46, 0.6, 1.3) * np.exp(0.3 * loose * z[10]) if sinks else 0.0, 0, 16)) + float(1.4 * u[9] ** 2 * (not parts.made.cemented))
    tilt = float(np.clip(7.5 * _course(stem, 0.5, 0.55, 1.2) * (1 + 0.35 * z[11]) if u[10] < 0.5 else 0.0, -2, 8))
    away = 13 * _course(cup, 0.5, 0.55, 1.3) * float(np.exp(0.3 * loose * z[12]))
    turn = float(np.clip(16 * _course(cup, 0.52, 0.5, 1.2) * (0.4 + 0.5 * abs(z[13])), 0, 24))
    broken = parts.made.cemented and stem > 0.68 and u[11] < 0.5
    return Hold(lines, subsidence, tilt, (float(away * np.sin(0.35 * z[14] - 0.25)), float(away * np.cos(0.35 * z[14] - 0.25))), turn, bool(broken), float(1.1 * z[15]),
                float(np.clip(abs(0.7 * z[16]) + 0.8 * severity * max(0.0, z[17]), 0, 2.6)))


def _line(severity: float, noise: float, loose: float, share: float) -> float:
    """Millimetres of membrane in one zone."""
    return float(np.clip(4.8 * share * _course(severity, 0.20, 0.80, 1.15) + 0.42 * loose * noise - 0.1, 0, 5.5))


def status_of(kind: str, severity: float, size: tuple[float, float], streams: tuple[np.random.Generator, np.random.Generator], difficulty: float, *,
              wide: bool = False) -> Status:
    """The state of a hip of a kind (native, neck, trochanteric, none, implant), of a width and head; the first stream is the anatomy's, the second the label's."""
    width, head = size
    anatomy, label = streams
    if kind == "implant":
        parts = parts_of(width, head, anatomy, wide=wide)
        return Status(parts=parts, hold=held(severity, parts, label, difficulty))
    if kind == "native":
        return Status(wear=worn(severity, head, label, difficulty))
    return Status(wear=worn(0.3 * float(anatomy.random()), head, anatomy, difficulty), broken=fractured(severity, kind, label, difficulty))


def _course(severity: float, begin: float, span: float, power: float) -> float:
    return float(np.clip((severity - begin) / span, 0, 1) ** power)

"""A knee with its implant in the world, and what is measured on its projection: component angles, lucent lines by zone, points.

World axes as in `frustum`. The femur stands still; the tibia comes to it, and the tray stands in the tibia.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from osteon.geometry.knee_implant import ZONES
from osteon.geometry.lower_limb import lateral_sign
from osteon.simulate import knee_bones, knee_implants
from osteon.simulate.frustum import Frustum, Placed
from osteon.simulate.knee_bones import Wear
from osteon.simulate.knee_implants import CUT_Z, MEMBRANE_MM, Hold, Parts
from osteon.simulate.knee_pose import Knee, Posture, place_knee
from osteon.simulate.lower_limb_bones import LegShape
from osteon.simulate.lower_limb_pose import surface
from osteon.simulate.sdf import Solid, rotation

SHAFTS: Mapping[str, tuple[float, float]] = {"femur": (60.0, 82.0), "tibia": (-58.0, -80.0)}  # heights (mm) where the axes of the shafts are taken


@dataclass(frozen=True)
class Status:
    """What a knee is: worn, or replaced by parts that hold or not."""

    wear: Wear = Wear()
    parts: Parts | None = None
    hold: Hold = Hold()


@dataclass(frozen=True, eq=False)
class Replaced:
    """A knee, its status, its metal by name, and the frames of the parts."""

    knee: Knee
    status: Status
    metal: Mapping[str, Placed]
    frames: Mapping[str, tuple[np.ndarray, np.ndarray]] = field(repr=False)

    def placed(self, frame: str, made: Solid) -> Placed:
        """A solid in the frame of the femoral part or the tray."""
        return Placed(made, *self.frames[frame])


def place(shape: LegShape, status: Status, posture: Posture, side: str) -> Replaced:
    """Put a knee with the middle of its condylar line at the origin, with its implant where it has one."""
    parts, hold = status.parts, status.hold
    if parts is None:
        return Replaced(place_knee(shape, status.wear, posture, side, np.zeros(3)), status, {}, {})
    gap = float(max(parts.poly + CUT_Z + parts.made.tray[1], 2.0))
    wear = Wear(space=(gap, gap)) if parts.made.kind == knee_implants.TOTAL else Wear(space=(gap, status.wear.space[1]))
    knee = place_knee(shape, wear, posture, side, np.zeros(3))
    tibia = knee_bones.resected_tibia(shape, wear, knee_implants.resected(parts))
    knee = replace(knee, bones={**knee.bones, "tibia": knee.placed("tibia", tibia)})
    turn, shift = knee_implants.sunk(parts, hold)
    frames = {"femoral": _within(knee.bones["femur"], rotation(0, -parts.seated[0], 0), np.zeros(3)), "tibial": _within(knee.bones["tibia"], turn, shift)}
    made = {"femoral": knee_implants.femoral(parts), "tibial": knee_implants.tray(parts)}
    return Replaced(knee, status, {name: Placed(each, *frames[name]) for name, each in made.items()}, frames)


def _within(bone: Placed, turn: np.ndarray, shift: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return bone.turn @ turn, bone.turn @ shift + bone.shift


def landmarks(frustum: Frustum, placed: Replaced) -> dict[str, np.ndarray]:
    """The points of `knee_implant.LANDMARKS` (row, col): ends of the components as projected, middles of the shafts between their outlines on the film."""
    parts = placed.status.parts
    assert parts is not None
    w, reach = parts.size, parts.made.tray[0] * parts.size
    ends = {"femoral_medial": ("femoral", (-22 * w, -8, 0)), "femoral_lateral": ("femoral", (22 * w, -8, 0)), "tray_medial": ("tibial", (parts.middle - reach, -3, CUT_Z)),
            "tray_lateral": ("tibial", (parts.middle + reach, -3, CUT_Z))}
    out = {name: frustum.project(placed.placed(frame, placed.metal[frame].solid).world(np.array(at, float))) for name, (frame, at) in ends.items()}
    for bone, levels in SHAFTS.items():
        start = frustum.project(placed.knee.bones[bone].world(np.array([[0, 0, z] for z in levels])))
        along = (start[1] - start[0]) / np.hypot(*(start[1] - start[0]))
        across = np.array([-along[1], along[0]])
        rims = [surface(frustum, placed.knee.bones[bone], start, way, (0.0, 60.0)) for way in (across, -across)]
        out |= dict(zip((("femur_low", "femur_high") if bone == "femur" else ("tibia_high", "tibia_low")), 0.5 * (rims[0] + rims[1]), strict=True))
    return out


def lines(frustum: Frustum, placed: Replaced) -> dict[str, float]:
    """The width (mm) of the lucent line of each zone, on the film square to the tray; 0 where there is none."""
    parts, hold = placed.status.parts, placed.status.hold
    out = dict.fromkeys(ZONES, 0.0)
    if parts is None or not hold.widths().any():
        return out
    outside = dict(knee_implants.layers(parts, hold))
    bare = outside.get("cement", np.zeros(7))
    inner, outer = (placed.placed("tibial", knee_implants.envelope(parts, widths)) for widths in (bare, outside["membrane"]))
    turn, shift = placed.frames["tibial"]
    starts = frustum.project(knee_implants.zone_starts(parts) @ turn.T + shift)
    down = frustum.project(shift + turn @ np.array([0.0, 0, -20])) - frustum.project(shift)
    down /= np.hypot(*down)
    lateral = np.array([-down[1], down[0]]) * lateral_sign(placed.knee.side)
    ways = ((range(4), down, 14.0), ((5,), down, 26.0), ((4,), -lateral, 34.0), ((6,), lateral, 34.0))
    for zones, way, reach in ways[: 4 if parts.stemmed else 1]:
        rims = [surface(frustum, each, starts[list(zones)], way, (0.0, reach)) for each in (inner, outer)]
        out |= {ZONES[k]: max(0.0, float(mm)) for k, mm in zip(zones, ((rims[1] - rims[0]) @ way) * frustum.pixel, strict=True)}
    return {zone: mm if hold.lines.get(zone, 0.0) >= MEMBRANE_MM else 0.0 for zone, mm in out.items()}

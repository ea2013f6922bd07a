"""What stands before the film of a standing-leg radiograph, and how the film is drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from osteon.simulate import film, lower_limb_bones, pelvis_bones, soft_tissue
from osteon.simulate.film import ATTENUATION, Exposure
from osteon.simulate.frustum import Frustum, Placed, traverse
from osteon.simulate.lower_limb_pose import Leg, landmarks
from osteon.simulate.sdf import join, rotation, solid, sphere
from osteon.simulate.standing_legs import BALL_MM, FIELD_MM, JOINT_BOXES_MM, STRUCTURES, Person, Setting

ROOMS: Mapping[str, Exposure] = {"A": Exposure(), "B": Exposure(2.5e4, 0.45, 0.6, 0.48, 0.35, 3.9, (0.01, 0.995), 16384)}
BORDER: Mapping[str, float] = {"A": 0.0, "B": 0.95}  # the shade beyond the shutters
EDGE_MM = 6.0
_OF_JOINT = {"hip": ("hip",), "knee": ("knee", "condyle_medial", "condyle_lateral", "plateau_medial", "plateau_lateral"),
             "ankle": ("ankle", "plafond_medial", "plafond_lateral")}


def visible(frustum: Frustum, leg: Leg) -> dict[str, np.ndarray]:
    """The landmarks of a leg, of those joints that lie wholly on the film."""
    points = landmarks(frustum, leg)
    out: dict[str, np.ndarray] = {}
    for names in _OF_JOINT.values():
        at = np.array([points[name] for name in names])
        if (at >= EDGE_MM / frustum.pixel).all() and (at <= np.array(frustum.shape) - 1 - EDGE_MM / frustum.pixel).all():
            out |= {name: points[name] for name in names}
    return out


def joint_boxes(frustum: Frustum, seen: Mapping[str, np.ndarray]) -> dict[str, tuple[float, float, float, float]]:
    """A box (row0, col0, row1, col1) around each joint whose centre is on the film, cut at its border."""
    out = {}
    for joint, size in JOINT_BOXES_MM.items():
        if joint in seen:
            half = 0.5 * np.array(size) / frustum.pixel
            low, high = np.maximum(seen[joint] - half, 0), np.minimum(seen[joint] + half, np.array(frustum.shape) - 1)
            out[joint] = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
    return out


def draw(frustum: Frustum, legs: list[Leg], person: Person, setting: Setting, site: str, difficulty: float, nuisance: np.random.Generator,
         physics: np.random.Generator) -> tuple[np.ndarray, np.ndarray, tuple[float, float, float]]:
    """Stored values, masks (structures, rows, cols) and the ball (row, col, diameter mm as shown)."""
    line, sponge, masks = _bones(frustum, legs, person, setting)
    line += _soft(frustum, legs, person, nuisance)
    ball = _ball(line, frustum, legs, nuisance)
    _markers(line, frustum, nuisance)
    room = _room(site, difficulty, nuisance)
    room = film.betraying(room) if setting.betrays else room
    line += film.texture(frustum.shape, frustum.pixel, physics) * np.sqrt(sponge) * np.float32(0.0062)
    signal = film.expose(np.maximum(line, 0), frustum.pixel, room, physics)
    printed = film.collimate(film.print_film(signal, frustum.pixel, room), setting.margins, frustum.pixel, BORDER[site])
    return film.stored_values(printed, room), masks, ball


def _room(site: str, difficulty: float, rng: np.random.Generator) -> Exposure:
    room = ROOMS[site]
    return replace(room, quanta=room.quanta * float(np.exp(rng.normal(-0.7 * difficulty, 0.25))), scatter=room.scatter * (0.8 + 0.4 * difficulty),
                   compression=float(np.clip(room.compression + rng.normal(0, 0.03), 0.2, 0.75)), contrast=room.contrast * float(np.exp(rng.normal(0, 0.07))))


def _things(legs: list[Leg], person: Person, setting: Setting) -> Iterator[tuple[str, Placed, str]]:
    """Everything hard before the film: (name, solid, substance)."""
    hips = {leg.side: leg.hip for leg in legs}
    middle = 0.5 * (hips["R"] + hips["L"])
    lean = rotation(0, np.degrees(np.arctan2(hips["R"][2] - hips["L"][2], hips["L"][0] - hips["R"][0])), 0)
    for leg in legs:
        yield from ((name, placed, "bone") for name, placed in leg.bones.items())
        yield "foot", leg.foot, "bone"
        mirror = np.diag([np.sign(leg.hip[0]), 1.0, 1.0])
        yield "pelvis", Placed(pelvis_bones.innominate(person.hip_distance, person.head), lean @ mirror, middle), "bone"
        if setting.metal.endswith(leg.side):
            kind, bone = ("nail", "femur") if setting.metal.startswith("nail") else ("plate", "tibia")
            yield "metal", Placed(getattr(lower_limb_bones, kind)(leg.shape), leg.bones[bone].turn, leg.bones[bone].shift), "titanium"
    yield "sacrum", Placed(pelvis_bones.sacrum(), lean, middle), "bone"
    yield "lumbar", Placed(pelvis_bones.lumbar(), lean, middle), "bone"


def _bones(frustum: Frustum, legs: list[Leg], person: Person, setting: Setting) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Attenuation in excess of muscle, path in spongy bone (both float32), and the masks."""
    line, sponge = np.zeros(frustum.shape, np.float32), np.zeros(frustum.shape, np.float32)
    masks = np.zeros((len(STRUCTURES), *frustum.shape), bool)
    mu = {name: np.float32(value - ATTENUATION["muscle"]) for name, value in ATTENUATION.items()}
    for name, placed, substance in _things(legs, person, setting):
        chords = traverse(frustum, placed)
        if chords is None:
            continue
        at = chords.window
        if substance != "bone":
            line[at] += chords.total * mu[substance]
            continue
        line[at] += chords.shell * mu["cortex"] + chords.sponge * mu["sponge"] + chords.marrow * mu["marrow"]
        sponge[at] += chords.sponge
        if name in STRUCTURES:
            masks[STRUCTURES.index(name)][at] |= chords.total > 0
    return line, sponge, masks


def _soft(frustum: Frustum, legs: list[Leg], person: Person, rng: np.random.Generator) -> np.ndarray:
    """Attenuation of skin, fat, muscle and gas, drawn on pixels of 2 mm or more."""
    factor = max(1, int(2.0 / frustum.pixel))
    coarse = Frustum(tuple(-(-n // factor) for n in frustum.shape), frustum.pixel * factor,  # type: ignore[arg-type]
                     (frustum.left_top[0] + 0.5 * (factor - 1) * frustum.pixel, frustum.left_top[1] - 0.5 * (factor - 1) * frustum.pixel),
                     frustum.source, frustum.plane, frustum.detector)
    out = np.zeros(coarse.shape, np.float32)
    hip = float(np.mean([leg.hip[2] for leg in legs]))
    fat = 1.25 if person.sex == "female" else 0.9
    for made, shell, core, fine in ((soft_tissue.body(legs, person.bmi, fat), "fat", "muscle", 6.0), (soft_tissue.fat_planes(legs, rng), "", "fat", 1.6),
                                    (soft_tissue.gas(hip, rng), "", "gas", 2.5)):
        chords = traverse(coarse, Placed(made, np.eye(3), np.zeros(3)), fine=fine)
        if chords is None:
            continue
        if shell:
            out[chords.window] += chords.shell * np.float32(ATTENUATION[shell]) + (chords.sponge + chords.marrow) * np.float32(ATTENUATION[core])
        else:
            out[chords.window] += chords.total * np.float32(ATTENUATION[core] - ATTENUATION["muscle"])
    if factor == 1:
        return out
    from scipy.ndimage import zoom

    return zoom(out, factor, order=1, grid_mode=True, mode="nearest")[: frustum.shape[0], : frustum.shape[1]]


def _ball(line: np.ndarray, frustum: Frustum, legs: list[Leg], rng: np.random.Generator) -> tuple[float, float, float]:
    """The steel calibration ball between the thighs, near the depth of the bones."""
    knees, hips = (np.mean([getattr(leg, name) for leg in legs], axis=0) for name in ("knee", "hip"))
    centre = knees + rng.uniform(0.35, 0.5) * (hips - knees) + np.array([rng.normal(0, 4), rng.uniform(-25, 45), 0])
    chords = traverse(frustum, Placed(solid([join(sphere((0, 0, 0), BALL_MM / 2))]), np.eye(3), centre))
    if chords is not None:
        line[chords.window] += chords.total * np.float32(ATTENUATION["steel"])
    row, col = frustum.project(centre)
    k = (frustum.source[1] - frustum.plane) / (frustum.source[1] - centre[1])
    return float(row), float(col), float(BALL_MM * k)


def _markers(line: np.ndarray, frustum: Frustum, rng: np.random.Generator) -> None:
    """Lead letters beside the hips: R on the left of the film."""
    for side, col in (("R", 16.0), ("L", FIELD_MM[1] - 34.0)):
        at = (np.array([rng.uniform(50, 110), col + rng.uniform(-5, 8)])) / frustum.pixel
        film.stamp_letter(line, side, tuple(at), 24.0 / frustum.pixel, tilt=float(rng.normal(0, 4)))


"""What stands before the film of a hip or a pelvis, and how the film is drawn: bone, what is denser or thinner in it, cement, metal, soft tissue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from osteon.simulate import film, hip_bones, hip_implants, pelvis_bones, soft_tissue
from osteon.simulate import spine_scene as scene
from osteon.simulate.film import ATTENUATION, Exposure
from osteon.simulate.frustum import FINE, Frustum, Placed, traverse
from osteon.simulate.hip_ap import STRUCTURES, Drawing, Person, Setting
from osteon.simulate.hip_pose import Hip, caps, sides
from osteon.simulate.sdf import Solid, Step, ellipsoid, join, loft, rotation, solid, sphere

ROOMS: Mapping[str, Exposure] = MappingProxyType({
    "A": Exposure(1.2e6, 0.22, 0.35, 0.74, 0.7, 4.6, (0.02, 0.998)), "B": Exposure(4.5e5, 0.32, 0.62, 0.66, 0.45, 4.5, (0.03, 0.999), 16384)})
BORDER: Mapping[str, float] = MappingProxyType({"A": 0.0, "B": 0.95})  # the shade beyond the shutters
LETTER_MM: Mapping[str, float] = MappingProxyType({"A": 15.0, "B": 11.0})
FINER, BALL_MM, GRAIN, THIN = 1.25, 25.0, np.float32(0.0062), 0.6
SACRUM = np.array([0.0, -4.0, 13.0])  # of the hip axis, above that of a standing pelvis: a patient who lies
METAL_SPAN = np.float32(0.30)  # of the signal beyond the densest bone that is printed: the look-up tables of makers level off for metal
_BONE = ATTENUATION["cortex"] - ATTENUATION["sponge"]
# Attenuation (per mm) in excess of what stands there otherwise: of muscle for metal and cement, of spongy bone or marrow for the rest. Mixtures are ours.
EXCESS: Mapping[str, float] = MappingProxyType({
    "titanium": ATTENUATION["titanium"] - ATTENUATION["muscle"], "cobalt": 0.58, "cement": 0.044, "membrane": -0.0125, "line": 0.8 * _BONE, "compacted": 0.0135, "poly": -0.0015,
    "dense": 0.75 * _BONE, "strut": 1.9 * _BONE, "uncapped": -_BONE, "cyst": -0.0095, "rim": 0.7 * _BONE, "gap": -0.044, "steel": ATTENUATION["steel"] - ATTENUATION["muscle"]})


def draw(frustum: Frustum, hips: Sequence[Hip], person: Person, setting: Setting, asked: Drawing, nuisance: np.random.Generator,
         physics: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Stored values, the masks of `STRUCTURES` for the first hip, and the line integral (float32) of what stands before the film, letters left out."""
    shown = hips if asked.view == "pelvis" else hips[:1]
    masks = np.zeros((len(STRUCTURES), *frustum.shape), bool)
    line, sponge = _bones(frustum, hips, shown, masks)
    line += scene.soft(frustum, _layers(hips, person, nuisance), np.eye(3))
    _finer(line, frustum, shown)
    metal = _metal(frustum, shown, masks)
    _ball(metal, frustum, setting)
    line += metal
    marked = line.copy()
    _letter(marked, frustum, hips, setting, asked)
    room = scene.varied(ROOMS[asked.site], asked.difficulty, nuisance)
    room = film.betraying(room) if "betrayed" in setting.extras else room
    return _develop(marked, sponge * person.grain**2, frustum, room, metal > 0.05, setting, asked.site, physics), masks, line


def _bones(frustum: Frustum, hips: Sequence[Hip], shown: Sequence[Hip], masks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Attenuation in excess of muscle and path in spongy bone of all bones; the masks of femur and pelvis of the first hip."""
    line, sponge = np.zeros(frustum.shape, np.float32), np.zeros(frustum.shape, np.float32)
    mu = {name: np.float32(ATTENUATION[name] - ATTENUATION["muscle"]) for name in ("cortex", "sponge", "marrow")}
    for name, placed in _hard(hips, shown):
        chords = traverse(frustum, placed)
        if chords is None:
            continue
        at = chords.window
        line[at] += chords.shell * mu["cortex"] + chords.sponge * mu["sponge"] + chords.marrow * mu["marrow"]
        sponge[at] += chords.sponge
        if name in STRUCTURES:
            masks[STRUCTURES.index(name)][at] |= chords.total > 0
    return line, sponge


def _hard(hips: Sequence[Hip], shown: Sequence[Hip]) -> Iterator[tuple[str, Placed]]:
    first, pelvis = hips[0], np.asarray(hips[0].frames["pelvis"][0])
    for hip in shown:
        for name, placed in hip.bones.items():
            kind = "pelvis" if name == "pelvis" else "femur"
            yield kind if hip is first else "", placed
    if len(shown) < len(hips):
        yield "", hips[1].bones["pelvis"]
    upright = pelvis @ np.diag([np.sign(np.linalg.det(pelvis)), 1.0, 1.0])
    yield "", Placed(hip_bones.sacrum(), upright, upright @ SACRUM)
    if len(shown) == len(hips):
        yield "", Placed(pelvis_bones.lumbar(), upright, upright @ SACRUM)


def _finer(line: np.ndarray, frustum: Frustum, shown: Sequence[Hip]) -> None:
    """Add what is denser or thinner than the bone around it, and the layers about a stem."""
    for hip in shown:
        for placed, substance in _inside(hip):
            chords = traverse(frustum, placed, fine=THIN if substance in ("strut", "rim") else FINE)
            if chords is not None:
                line[chords.window] += chords.total * np.float32(EXCESS[substance])
        if hip.status.parts:
            _layered(line, frustum, hip)


def _inside(hip: Hip) -> Iterator[tuple[Placed, str]]:
    shape, wear, broken = hip.shape, hip.status.wear, hip.status.broken
    if hip.status.parts:
        yield hip.placed("femur", solid(hip_bones.trabeculae(shape, stump=True))), "strut"
        return
    yield hip.placed("pelvis", hip_bones.sourcil(shape, wear)), "dense"
    for frame, kept in (sides(shape, broken).items() if broken else (("femur", None),)):
        for steps, substance in ((hip_bones.trabeculae(shape), "strut"), (hip_bones.calcar(shape), "dense")):
            yield hip.placed(frame, solid([*steps, kept] if kept else steps)), substance
    if wear.sclerosis > 0.05:
        yield hip.placed("head", hip_bones.head_sclerosis(shape, wear)), "dense"
    for bone, frame in (("femur", "head"), ("pelvis", "pelvis")):
        for hole, rim in hip_bones.cysts(shape, wear, bone):
            yield hip.placed(frame, hole), "cyst"
            yield hip.placed(frame, rim), "rim"
    if broken:
        for name, cap in caps(shape, broken).items():
            yield hip.placed(name, cap), "uncapped"


def _layered(line: np.ndarray, frustum: Frustum, hip: Hip) -> None:
    """What lies between stem and bone: nested envelopes, each layer being the path in one less that in the one before."""
    parts, hold = hip.status.parts, hip.status.hold
    assert parts is not None
    before: np.ndarray | None = None
    for substance, widths in (("", np.zeros(7)), *hip_implants.layers(parts, hold)):
        if before is not None and substance in ("membrane", "line") and not hold.lines:
            continue
        chords = traverse(frustum, hip.placed("stem", hip_implants.stem_envelope(parts, widths, hip.shape)))
        if chords is None:
            return
        path = np.zeros(frustum.shape, np.float32)
        path[chords.window] = chords.total
        if before is not None:
            line += (path - before) * np.float32(EXCESS[substance])
        before = path


def _metal(frustum: Frustum, shown: Sequence[Hip], masks: np.ndarray) -> np.ndarray:
    """Attenuation of metal, cement about the cup, liner and a crack, in excess; the masks of the first hip's parts."""
    out = np.zeros(frustum.shape, np.float32)
    for k, hip in enumerate(shown):
        for name, placed, substance in _parts(hip):
            chords = traverse(frustum, placed)
            if chords is None:
                continue
            out[chords.window] += chords.total * np.float32(EXCESS[substance])
            if k == 0 and name in STRUCTURES:
                masks[STRUCTURES.index(name)][chords.window] |= chords.total > 0
    return out


def _parts(hip: Hip) -> Iterator[tuple[str, Placed, str]]:
    parts, hold, shape = hip.status.parts, hip.status.hold, hip.shape
    if parts is None:
        return
    yield "stem", hip.metal["stem"], "titanium" if not parts.made.cemented else "cobalt"
    yield "head", hip.metal["head"], "cobalt"
    yield "cup", hip.metal["cup"], "titanium" if not parts.cup_cemented else "steel"
    yield "", hip.placed("pelvis", hip_implants.liner(parts, shape, hold)), "poly"
    if parts.cup_cemented:
        yield "cement", hip.placed("pelvis", hip_implants.cup_cement(parts, shape, hold)), "cement"
    if hold.broken and parts.made.cemented:
        yield "", hip.placed("stem", hip_implants.crack(parts)), "gap"


def _layers(hips: Sequence[Hip], person: Person, rng: np.random.Generator) -> list[tuple[Solid, str, float]]:
    return [(_body(hips, person), "skin", 5.0), (_fat(hips, rng), "fat", 1.6), (soft_tissue.gas(0.0, rng), "gas", 2.5)]


def _body(hips: Sequence[Hip], person: Person) -> Solid:
    """Trunk and both thighs in one skin; its shell is the fat (mm), its core the muscle."""
    size = np.sqrt(person.bmi / 26.0)
    z = np.array([-78, -58, -30, 0, 45, 95, 150, 240])
    rx = size * np.array([70, 120, 160, 176, 180, 170, 160, 158])
    ry = size * np.array([55, 80, 98, 108, 112, 108, 104, 104])
    steps: list[Step] = [join(loft(z, np.zeros(8), np.array([-14, -18, -22, -24, -22, -14, -8, -6]), rx, ry, rounding=24), 10)]
    for hip in hips:
        high, low = (hip.world("femur", (0.0, 0.0, level)) for level in (20.0, -200.0))
        out = 1.0 if hip.side == "L" else -1.0
        levels = np.array([60, 10, -45, -90, -140, -230])
        along = np.interp(levels, [low[2], high[2]], [low[0], high[0]]) - out * np.array([48, 46, 46, 42, 36, 28])
        steps.append(join(loft(levels, along, np.array([-10, -12, -10, -8, -4, 0]), size * np.array([84, 96, 97, 94, 89, 80]), size * np.array([88, 94, 92, 88, 82, 74]), rounding=18), 8))
    fat = (1.25 if person.sex == "female" else 0.9) * size**3
    return solid(steps, shell=((-220, -120, -60, 0, 60, 200), fat * np.array([10, 13, 16, 22, 24, 20])))


def _fat(hips: Sequence[Hip], rng: np.random.Generator) -> Solid:
    """Fat planes beside gluteus and iliopsoas, along the obturator, and between the muscles of the thigh."""
    steps = []
    for hip in hips:
        out, at = (1.0 if hip.side == "L" else -1.0), hip.world("pelvis", hip.shape.centre)
        for x, y, z, reach, lean in ((38, 6, 26, 26, -34), (-6, 36, -36, 34, 30), (-44, -8, 14, 30, -4), (34, -4, -88, 42, 6), (86, -8, -66, 60, -4), (-14, 8, -100, 44, -10)):
            centre = at + np.array([out * (x + rng.normal(0, 3)), y + rng.normal(0, 4), z + rng.normal(0, 4)])
            steps.append(join(ellipsoid(centre, (rng.uniform(1.0, 2.0), rng.uniform(16, 26), reach), rotation(0, -out * (lean + rng.normal(0, 4)), rng.normal(0, 12)))))
    return solid(steps)


def _ball(metal: np.ndarray, frustum: Frustum, setting: Setting) -> None:
    """The templating ball of steel, near the depth of the hip."""
    if setting.ball is None:
        return
    chords = traverse(frustum, Placed(solid([join(sphere((0, 0, 0), BALL_MM / 2))]), np.eye(3), np.asarray(setting.ball)))
    if chords is not None:
        metal[chords.window] += chords.total * np.float32(EXCESS["steel"])


def _letter(line: np.ndarray, frustum: Frustum, hips: Sequence[Hip], setting: Setting, asked: Drawing) -> None:
    """A lead letter lateral of the hip; the right hip stands on the left of the film."""
    rows, cols = frustum.shape
    down, aside, tilt = setting.letter
    height = LETTER_MM[asked.site] / frustum.pixel
    side, reach = hips[0].side, aside * rows
    film.stamp_letter(line, side, (down * rows, reach if side == "R" else cols - reach - 0.62 * height), height, tilt=tilt)


def _develop(line: np.ndarray, sponge: np.ndarray, frustum: Frustum, room: Exposure, metal: np.ndarray, setting: Setting, site: str, physics: np.random.Generator) -> np.ndarray:
    """Stored values: trabecular grain, exposure, what is denser than bone cut off, print, shutters."""
    line = line + film.texture(frustum.shape, FINER * frustum.pixel, physics) * np.sqrt(np.maximum(sponge, 0)) * GRAIN
    signal = levelled(film.expose(np.maximum(line, 0), frustum.pixel, room, physics), metal)
    low, high = room.window
    room = replace(room, window=(low, high * float(1 - 0.75 * metal.mean())))
    return film.stored_values(film.collimate(film.print_film(signal, frustum.pixel, room), setting.margins, frustum.pixel, BORDER[site]), room)


def levelled(signal: np.ndarray, metal: np.ndarray) -> np.ndarray:
    """A signal (rows, cols) whose part above the densest bone is pressed together, as look-up tables for metal do; `metal` says where that stands."""
    dense = np.float32(np.quantile(signal[~metal][::5], 0.985))
    pressed: np.ndarray = np.minimum(signal, dense) + METAL_SPAN * np.maximum(signal - dense, 0)
    return pressed

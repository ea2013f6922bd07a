"""What stands before the film of a knee with an implant, and how the film is drawn: bone, layers below the tray, metal, soft tissue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from osteon.simulate import film, knee_bones, knee_implants, knee_scene
from osteon.simulate import spine_scene as scene
from osteon.simulate.film import ATTENUATION
from osteon.simulate.frustum import FINE, Frustum, Placed, traverse
from osteon.simulate.hip_scene import EXCESS, levelled
from osteon.simulate.knee_ap import Person, Setting
from osteon.simulate.knee_arthroplasty_pose import Replaced

STRUCTURES = ("femur", "tibia", "femoral", "tibial")
MU = {name: np.float32(ATTENUATION[name] - ATTENUATION["muscle"]) for name in ("cortex", "sponge", "marrow")}


def draw(frustum: Frustum, placed: Replaced, person: Person, setting: Setting, asked: tuple[str, float], streams: tuple[np.random.Generator, np.random.Generator]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Stored values, the masks of `STRUCTURES`, and the line integral (float32) of what stands before the film, the letter left out; `asked` is site and difficulty."""
    (site, difficulty), (nuisance, physics) = asked, streams
    masks = np.zeros((len(STRUCTURES), *frustum.shape), bool)
    line, sponge = _bones(frustum, placed, person, setting, masks)
    line += scene.soft(frustum, knee_scene.layers([placed.knee], person, nuisance), np.eye(3))
    metal = _metal(frustum, placed, masks)
    line += metal
    marked = line.copy()
    knee_scene.letters(marked, frustum, [placed.knee], setting, site)
    room = scene.varied(knee_scene.ROOMS[site], difficulty, nuisance)
    room = film.betraying(room) if "betrayed" in setting.extras else room
    line_of = marked + film.texture(frustum.shape, knee_scene.FINER * frustum.pixel, physics) * np.sqrt(np.maximum(sponge, 0)) * person.grain * scene.GRAIN
    signal = film.expose(np.maximum(line_of, 0), frustum.pixel, room, physics)
    if placed.metal:
        signal = levelled(signal, metal > 0.05)
        room = replace(room, window=(room.window[0], room.window[1] * float(1 - 0.5 * (metal > 0.05).mean())))
    printed = film.print_film(signal, frustum.pixel, room)
    return film.stored_values(film.collimate(printed, setting.margins, frustum.pixel, knee_scene.BORDER[site]), room), masks, line


def _bones(frustum: Frustum, placed: Replaced, person: Person, setting: Setting, masks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Attenuation in excess of muscle and path in spongy bone, with what lies below the tray; the masks of both bones."""
    line, sponge, knee = np.zeros(frustum.shape, np.float32), np.zeros(frustum.shape, np.float32), placed.knee
    for name, each in knee.bones.items():
        chords = traverse(frustum, each)
        if chords is None:
            continue
        line[chords.window] += chords.shell * MU["cortex"] + chords.sponge * MU["sponge"] + chords.marrow * MU["marrow"]
        sponge[chords.window] += chords.sponge
        if name in STRUCTURES:
            masks[STRUCTURES.index(name)][chords.window] |= chords.total > 0
    for each, fine in _dense(placed, person, setting):
        chords = traverse(frustum, each, fine=fine)
        if chords is not None:
            line[chords.window] += chords.total * MU["cortex"]
    if placed.status.parts:
        _layered(line, sponge, frustum, placed)
    return line, sponge


def _dense(placed: Replaced, person: Person, setting: Setting) -> Iterator[tuple[Placed, float]]:
    knee = placed.knee
    if placed.status.parts is None:
        made = [*knee_bones.dense(knee.shape, knee.wear), *knee_bones.scars(knee.shape, person.scars)]
        yield from ((knee.placed(bone, each), FINE) for bone, each in made)
    if "fabella" in setting.extras:
        yield knee.placed("femur", knee_bones.fabella(knee.shape)), FINE


def _layered(line: np.ndarray, sponge: np.ndarray, frustum: Frustum, placed: Replaced) -> None:
    """What lies between tray and bone, on the film in place: nested envelopes, each layer being the path in one less that in the one before."""
    parts, hold = placed.status.parts, placed.status.hold
    assert parts is not None
    before: np.ndarray | None = None
    for substance, widths in (("", np.zeros(7)), *knee_implants.layers(parts, hold)):
        if before is not None and substance != "cement" and not hold.widths().any():
            continue
        chords = traverse(frustum, placed.placed("tibial", knee_implants.envelope(parts, widths)))
        if chords is None:
            return
        path = np.zeros(frustum.shape, np.float32)
        path[chords.window] = chords.total
        if before is not None:
            line += (path - before) * np.float32(EXCESS[substance])
            sponge -= np.minimum(path - before, sponge)
        before = path


def _metal(frustum: Frustum, placed: Replaced, masks: np.ndarray) -> np.ndarray:
    """Attenuation of the metal in excess; the masks of the parts."""
    out, parts = np.zeros(frustum.shape, np.float32), placed.status.parts
    for name, each in placed.metal.items():
        chords = traverse(frustum, each)
        if chords is not None and parts is not None:
            out[chords.window] += chords.total * np.float32(EXCESS["cobalt" if name == "femoral" or parts.made.cemented else "titanium"])
            masks[STRUCTURES.index(name)][chords.window] |= chords.total > 0
    return out

"""How the plane of an infant hip echoes: skin, fat, fasciae, gluteal muscles, capsule, cartilage with vessels, labrum, bone and its shadow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from osteon.simulate.graf_ultrasound_anatomy import InfantHip
from osteon.simulate.ultrasound import Beams, Echoes

STRUCTURES = ("ilium", "cartilage roof", "labrum", "femoral head", "ossification nucleus", "metaphysis")
LAYERS = (0.035, 0.20, 0.27, 0.50, 0.74)  # of the depth down to the joint: skin, superficial fascia, fascia, between the gluteal muscles
ECHO = {"skin": 0.16, "fat": 0.050, "muscle": 0.023, "cartilage": 0.0042, "labrum": 0.24, "nucleus": 0.20, "fossa": 0.040, "deep": 0.024, "trochanter": 0.006}
BONE_LOSS = 320.0  # dB/cm


@dataclass(frozen=True, eq=False)
class Tissue:
    """Signed distances (mm, negative within) of every structure at some points, and where these lie in the frame of the hip."""

    u: np.ndarray
    v: np.ndarray
    ilium: np.ndarray
    head: np.ndarray
    metaphysis: np.ndarray
    labrum: np.ndarray
    nucleus: np.ndarray
    roof: np.ndarray


def tissue(hip: InfantHip, x: np.ndarray, z: np.ndarray) -> Tissue:
    """The structures of a hip at points (mm) of the picture."""
    u, v = hip.local(x, z)
    line = hip.bone().astype(np.float32)
    depth = np.interp(u, line[:, 0], line[:, 1]).astype(np.float32)
    slope = np.interp(u, 0.5 * (line[1:, 0] + line[:-1, 0]), np.diff(line[:, 1]) / np.diff(line[:, 0])).astype(np.float32)
    ilium = np.where(u > line[-1, 0], np.hypot(u - line[-1, 0], np.maximum(line[-1, 1] - v, 0)), (depth - v) / np.sqrt(1 + slope**2))
    du, dv = u - np.float32(hip.centre[0]), v - np.float32(hip.centre[1])
    head = np.hypot(du, dv) - np.float32(hip.head)
    middle, radii = (np.asarray(p, np.float32) for p in hip.metaphysis())
    meta = (np.sqrt(((u - middle[0]) / radii[0]) ** 2 + ((v - middle[1]) / radii[1]) ** 2) - 1) * radii.min()
    nucleus = np.hypot(du, dv / np.float32(0.8)) - np.float32(hip.nucleus) if hip.nucleus else np.full_like(head, 99.0)
    return Tissue(u, v, ilium, head, meta, _wedge(hip, u, v), nucleus, _roof(hip, u, v, ilium, head))


def _wedge(hip: InfantHip, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """The labrum: a blunt triangle on the head, its long side along the ring."""
    out = (hip.labrum - hip.centre) / np.linalg.norm(hip.labrum - hip.centre)
    across, along = (np.float32(c) for c in out), (np.float32(-out[1]), np.float32(out[0]))
    ox, oy = across
    a, b = (u - hip.labrum[0]) * ox + (v - hip.labrum[1]) * oy, (u - hip.labrum[0]) * along[0] + (v - hip.labrum[1]) * along[1]
    return np.asarray((np.sqrt((a / np.float32(1.15)) ** 2 + ((b + 0.45 * a) / (np.float32(1.9) - np.float32(0.55) * np.clip(a, -1, 1.4))) ** 2) - 1) * np.float32(1.15), np.float32)


def _roof(hip: InfantHip, u: np.ndarray, v: np.ndarray, ilium: np.ndarray, head: np.ndarray) -> np.ndarray:
    """The cartilage between bone, labrum and head: within a band about the head, from the lower limb to the labrum."""
    rim, limb = hip.ends
    turn = np.arctan2(v - hip.centre[1], u - hip.centre[0])
    low, high = (float(np.arctan2(*(p - hip.centre)[::-1])) for p in (limb, hip.labrum))
    span, at = (high - low) % (2 * np.pi), (turn - low) % (2 * np.pi)
    thick = np.float32(max(1.9, float(np.linalg.norm(rim - hip.centre)) - hip.head))
    inside = (at <= span) & (head > 0) & (head < thick) & (ilium > 0)
    return np.where(inside, np.float32(-1), np.float32(1))


def masks(hip: InfantHip, x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Which points belong to each of STRUCTURES (6, ...); bone only as far as sound enters it."""
    t = tissue(hip, x, z)
    head = (t.head < 0) & (t.metaphysis > 0)
    labrum = (t.labrum < 0) & (t.head > 0) if hip.plane != "no labrum" else np.zeros(t.head.shape, bool)
    bone = (t.ilium < 0) & (t.ilium > -1.2)
    return np.stack([bone, (t.roof < 0) & ~labrum, labrum, head & (t.nucleus >= 0), head & (t.nucleus < 0), (t.metaphysis < 0) & (t.metaphysis > -1.2) & (t.ilium > 0)])


def echoes(hip: InfantHip, at: Beams, rng: np.random.Generator) -> Echoes:
    """What the sample points of the beams scatter, reflect and weaken."""
    from scipy.ndimage import gaussian_filter

    t = tissue(hip, at.x, at.z)
    diffuse, mirror = _layers(hip, t, at, rng)
    loss = np.full(diffuse.shape, np.float32(0.0))
    cartilage = (t.head < 0) | (t.roof < 0) | ((t.head < 1.1) & (t.v < hip.centre[1]))
    trochanter = (t.metaphysis < 2.6) & (t.u > hip.centre[0] + hip.head * 0.9)
    deep = (t.v > hip.centre[1]) & (t.head > 0)
    below = np.clip((t.v - hip.centre[1] - hip.head) / 14, 0, 1)
    patches = np.exp(0.5 * gaussian_filter(rng.standard_normal((16, 16), np.float32), 1.0)[np.clip(t.v * 0.5, 0, 15).astype(int), np.clip(t.u * 0.5 + 3, 0, 15).astype(int)] * 3)
    diffuse[deep] = (ECHO["deep"] * (1 - 0.8 * below) * patches)[deep]
    diffuse[trochanter & ~deep] = ECHO["trochanter"]
    fossa = deep & (t.head < 2.8) & (t.u > hip.ends[1, 0] - 1)
    diffuse[fossa] = ECHO["fossa"]
    diffuse[cartilage] = ECHO["cartilage"]
    mirror[cartilage | deep | trochanter] = 0
    _vessels(hip, t, diffuse, mirror, rng)
    _linings(hip, t, mirror, at, rng)
    weak = 0.14 if hip.plane == "no labrum" else 1.0
    here = (t.labrum < 0) & (t.head > 0.1)
    diffuse[here] = np.maximum(diffuse[here], ECHO["labrum"] * weak)
    _bones(hip, t, diffuse, mirror, loss, at, rng)
    return Echoes(diffuse, mirror, loss)


def _layers(hip: InfantHip, t: Tissue, at: Beams, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Skin, fat and muscles in layers that follow the joint, with septa and fibres."""
    from scipy.ndimage import gaussian_filter, gaussian_filter1d, map_coordinates

    x = np.linspace(-20, 70, 181)
    middle, radii = hip.metaphysis()
    bones = np.concatenate([hip.world(*hip.bone().T), hip.world(*(hip.centre + (hip.head + 2.2) * np.stack([np.cos(a := np.linspace(-2.6, -0.6, 20)), np.sin(a)], axis=1)).T),
                            hip.world(*(middle + (radii + 2.8) * np.stack([np.cos(b := np.linspace(-2.4, 0.0, 20)), np.sin(b)], axis=1)).T)])
    top = np.array([bones[np.abs(bones[:, 0] - p) < 2.0, 1].min(initial=60.0) for p in x])
    top[top >= 60] = np.interp(x[top >= 60], x[top < 60], top[top < 60])
    floor = np.maximum(np.interp(at.x, x, gaussian_filter1d(top, 12)), 5.0).astype(np.float32)
    wave = [np.interp(at.x, x, gaussian_filter1d(rng.normal(0, 1, len(x)), s)).astype(np.float32) for s in (9, 14)]
    place = np.clip(at.z / floor + 0.10 * wave[0] * np.sin(np.pi * np.clip(at.z / floor, 0, 1)), 0, 1.6)
    fine = gaussian_filter(rng.standard_normal((160, 64), np.float32), (1.1, 3.2))
    fine = map_coordinates(fine / fine.std(), [place * 99, np.clip((at.x + 20) * 0.7, 0, 63)], order=1)
    diffuse = np.select([place < LAYERS[0], place < LAYERS[1], place < LAYERS[2]], [ECHO["skin"], ECHO["fat"], 1.3 * ECHO["fat"]], ECHO["muscle"]).astype(np.float32)
    diffuse *= np.exp(np.where(place < LAYERS[2], np.float32(0.6), np.float32(0.75)) * fine)
    mirror = np.zeros_like(diffuse)
    for border, strength in zip(LAYERS, rng.uniform(0.5, 1.4, 5) * np.array([0.35, 0.10, 0.22, 0.20, 0.16]), strict=True):
        shade = np.clip(0.75 + 0.5 * np.interp(at.x, x, gaussian_filter1d(rng.normal(0, 6, len(x)), 12)), 0.15, 1.6).astype(np.float32)
        mirror += np.float32(strength) * shade * np.exp(-(((place - np.float32(border)) * floor / np.float32(0.17)) ** 2))
    mirror += np.float32(0.05) * np.maximum(fine - np.float32(1.5), 0)
    return diffuse, mirror


def _vessels(hip: InfantHip, t: Tissue, diffuse: np.ndarray, mirror: np.ndarray, rng: np.random.Generator) -> None:
    """Short bright streaks of the vessels in the cartilage of the head."""
    for _ in range(int(rng.integers(12, 30))):
        turn, reach = rng.uniform(0, 2 * np.pi), hip.head * 0.86 * np.sqrt(rng.uniform(0, 1))
        u, v = hip.centre + reach * np.array([np.cos(turn), np.sin(turn)])
        long, strength = rng.uniform(0.25, 1.0), rng.uniform(0.02, 0.13)
        near = np.exp(-(((t.u - np.float32(u)) / np.float32(long)) ** 2) - ((t.v - np.float32(v)) / np.float32(0.11)) ** 2)
        mirror += np.float32(strength) * near * (t.head < 0)


def _linings(hip: InfantHip, t: Tissue, mirror: np.ndarray, at: Beams, rng: np.random.Generator) -> None:
    """Perichondrium along the cartilage roof to the ilium, capsule over the head to its fold, floor of the socket."""
    faint = 0.10 if hip.plane == "no capsule" else 1.0
    down = np.clip(-(t.v - hip.centre[1]) / (t.head + hip.head), 0, 1)  # 1 where the lining faces the probe
    turn = np.arctan2(t.v - np.float32(hip.centre[1]), t.u - np.float32(hip.centre[0]))
    at_labrum = float(np.arctan2(*(hip.labrum - hip.centre)[::-1]))
    over = (turn > at_labrum) & (turn < at_labrum + 1.5)
    mirror += np.float32(0.15 * faint) * over * down**2 * np.exp(-(((t.head - 1.15) / 0.2) ** 2))
    mirror += np.float32(0.022) * (down > 0.2) * down**3 * np.exp(-((t.head / 0.12) ** 2)) * (t.metaphysis > 0.4)
    rim = hip.ends[0]
    start, end = rim + (-4.2, -1.5), hip.labrum + (hip.labrum - hip.centre) / np.linalg.norm(hip.labrum - hip.centre) * 0.9
    way = (end - start) / np.linalg.norm(end - start)
    along = (t.u - start[0]) * way[0] + (t.v - start[1]) * way[1]
    aside = (t.v - start[1]) * way[0] - (t.u - start[0]) * way[1]
    reach = float(np.linalg.norm(end - start))
    bow = np.float32(1.0) * np.sin(np.pi * np.clip(along / reach, 0, 1))
    lip = 0.45 if hip.plane == "no labrum" else 1.0
    mirror += np.float32(0.30 * faint * lip) * ((along > -1.0) & (along < reach + 0.4)) * np.exp(-(((aside + bow) / 0.24) ** 2))
    seen = 0.15 if hip.plane == "no lower limb" else 1.0
    floor = np.exp(-(((t.head - 1.1) / 0.22) ** 2)) * np.clip((t.v - hip.centre[1]) / (t.head + hip.head), 0, 1) ** 4 * (t.u > hip.ends[1, 0] - 0.3)
    mirror += np.float32(0.30 * seen * rng.uniform(0.6, 1.3)) * floor
    cap = hip.centre + (rng.uniform(0.5, 2.0), hip.head + rng.uniform(3.4, 4.4))
    arch = np.hypot((t.u - cap[0]) / np.float32(1.5), t.v - cap[1] - 2.0) - 2.1
    mirror += np.float32(0.36 * seen) * np.exp(-((arch / 0.3) ** 2)) * np.clip((cap[1] + 2.2 - t.v) / 2, 0, 1)


def _bones(hip: InfantHip, t: Tissue, diffuse: np.ndarray, mirror: np.ndarray, loss: np.ndarray, at: Beams, rng: np.random.Generator) -> None:
    """Surfaces of bone, bright where they face the probe, and the shadow behind."""
    border = 0.10 if hip.plane == "no chondro-osseous border" else 1.0
    middle, _ = hip.metaphysis()
    facing = np.clip((middle[1] - t.v) / np.maximum(np.hypot(t.u - middle[0], t.v - middle[1]), 1e-3), 0, 1)
    roof = np.exp(-((np.minimum(np.abs(t.ilium - 0.05), 3) / 0.19) ** 2)) * np.where(t.v > hip.ends[1, 1] + 0.5, 0, 1)
    rough = [np.exp(0.55 * _slow(diffuse.shape[1], s, rng) + 0.35 * rng.standard_normal(diffuse.shape[1], np.float32)) for s in (9, 14)]
    steep = np.clip(t.u / np.float32(0.6 * hip.ends[1, 0] + 0.01), 0, 1)
    mirror += roof * (0.55 - 0.25 * steep) * rough[0] + roof * np.float32(0.5) * np.exp(-((np.hypot(t.u - hip.ends[1, 0], t.v - hip.ends[1, 1]) / 0.9) ** 2))
    mirror += np.float32(0.36 * border) * np.exp(-((t.metaphysis / 0.24) ** 2)) * (0.10 + 0.90 * facing**1.5) * (t.v < middle[1] + 1) * rough[1]
    loss += np.float32(BONE_LOSS) * ((t.ilium < -0.1) & (t.v < hip.ends[1, 1] + 4)) + np.float32(260 * border) * (t.metaphysis < -0.1)
    diffuse[t.metaphysis < 0] = 0.05 if border == 1.0 else ECHO["muscle"]
    diffuse[(t.ilium < 0) & (t.v < hip.ends[1, 1] + 2)] = 0.05  # further in, a beam that leans comes by without having met bone
    if hip.nucleus:
        diffuse[t.nucleus < 0] = ECHO["nucleus"]
        loss += np.float32(70) * (t.nucleus < 0)
        mirror += np.float32(0.35) * np.exp(-((t.nucleus / 0.2) ** 2)) * (t.v < hip.centre[1])


def _slow(count: int, width: float, rng: np.random.Generator) -> np.ndarray:
    """A slow wave (count,) of mean 0 and deviation 1."""
    from scipy.ndimage import gaussian_filter1d

    wave = gaussian_filter1d(rng.standard_normal(count, np.float32), width)
    return np.asarray(wave / wave.std(), np.float32)

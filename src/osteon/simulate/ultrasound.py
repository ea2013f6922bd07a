"""B-mode ultrasound of a plane: beams through what scatters, reflects and weakens, to an envelope with true speckle and a picture.

The plane is x (mm, along the skin) and z (mm, depth). Tissue is many scatterers a cell of resolution, so that the envelope is Rayleigh distributed
(Wagner RF et al. IEEE Trans Sonics Ultrason 1983; 30: 156); interfaces reflect as far as they face the beam.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FINER = 2  # samples along a beam for one pixel


@dataclass(frozen=True)
class Probe:
    """A transducer: frequency (MHz), depth in focus (mm), radius of a curved face (mm; 0 is a straight one), range shown (dB), noise (dB below full), and looks from other angles that are averaged."""

    mhz: float = 9.0
    focus: float = 20.0
    curve: float = 0.0
    shown: float = 52.0
    noise: float = -56.0
    looks: int = 2

    @property
    def sharp(self) -> tuple[float, float]:
        """Deviation of the pulse along the beam and, in focus, across it (mm)."""
        return 1.25 / self.mhz, 2.3 / self.mhz


@dataclass(frozen=True, eq=False)
class Beams:
    """The sample points (samples, lines) of all beams: x and z (mm), and the way of sound at each line (2, lines)."""

    x: np.ndarray
    z: np.ndarray
    way: np.ndarray
    step: float
    gap: float


@dataclass(frozen=True, eq=False)
class Echoes:
    """What a plane does to sound at each sample: diffuse scattering and mirror reflection (amplitudes, 1 is full), weakening beyond what the gain makes good (dB/cm, there and back)."""

    diffuse: np.ndarray
    mirror: np.ndarray
    loss: np.ndarray


def beams(probe: Probe, side: int, pixel: float) -> Beams:
    """The beams that fill a square picture of `side` pixels of `pixel` mm."""
    depth = np.arange(FINER * side, dtype=np.float32)[:, None] * np.float32(pixel / FINER)
    at = np.linspace(0, (side - 1) * pixel, side, dtype=np.float32)[None]
    if not probe.curve:
        return Beams(np.broadcast_to(at, (len(depth), side)), np.broadcast_to(depth, (len(depth), side)), np.stack([0 * at[0], 0 * at[0] + 1]), pixel / FINER, float(at[0, 1]))
    turn = (at - at.mean()) * np.float32(1.05 / probe.curve) * np.float32(0.9)
    reach = probe.curve + depth
    return Beams(at.mean() + reach * np.sin(turn), reach * np.cos(turn) - np.float32(probe.curve * 0.985), np.stack([np.sin(turn[0]), np.cos(turn[0])]), pixel / FINER,
                 float((turn[0, 1] - turn[0, 0]) * (probe.curve + 20)))


def envelope(echoes: Echoes, at: Beams, probe: Probe, rng: np.random.Generator) -> np.ndarray:
    """The demodulated amplitude (samples, lines) float32, 1 is full."""
    shape = echoes.diffuse.shape
    weak = 10 ** (-np.cumsum(echoes.loss, axis=0, dtype=np.float32) * np.float32(0.1 * at.step / 20))
    depth = np.arange(shape[0], dtype=np.float32)[:, None] * np.float32(at.step)
    beam = weak * (1 + 0.3 * np.exp(-(((depth - probe.focus) / 9) ** 2)))
    tall, wide = probe.sharp[0] / at.step, probe.sharp[1] / at.gap
    sheen = _spread(echoes.mirror * beam, tall, wide, depth, probe, energy=False)
    floor = np.float32(10 ** (probe.noise / 20) * np.sqrt(0.5)) * 10 ** (depth * np.float32(0.011))
    out = np.zeros(shape, np.float32)
    for _ in range(probe.looks):
        real, odd = (_spread(rng.standard_normal(shape, np.float32) * (echoes.diffuse * beam * np.float32(np.sqrt(0.5)) + floor), tall, wide, depth, probe, energy=True) for _ in range(2))
        out += np.hypot(real + sheen, odd)
    return out / np.float32(probe.looks)


def _spread(field: np.ndarray, tall: float, wide: float, depth: np.ndarray, probe: Probe, *, energy: bool) -> np.ndarray:
    """Blur by the pulse, and across by a beam that widens away from its focus; `energy` keeps the deviation of noise, else the sum is kept along the beam's height."""
    from scipy.ndimage import gaussian_filter1d

    pulse = gaussian_filter1d(field, tall, axis=0, truncate=3.0) * np.float32(np.sqrt(2 * np.sqrt(np.pi) * tall) if energy else 1.6)
    narrow, broad = (gaussian_filter1d(pulse, s, axis=1, truncate=3.0) * np.float32(np.sqrt(2 * np.sqrt(np.pi) * s) if energy else 1.0) for s in (wide, 2.4 * wide))
    share = np.minimum(np.abs(depth - probe.focus) / np.float32(26.0), 1)
    mixed = (1 - share) * narrow + share * broad
    if energy:  # two blurs of one noise: their mixture is narrower than either
        mixed /= np.sqrt((1 - share) ** 2 + share**2 + 2 * share * (1 - share) * np.float32(np.sqrt(2 * 2.4 / (1 + 2.4**2))))
    return np.asarray(mixed, np.float32)


def picture(amplitude: np.ndarray, at: Beams, probe: Probe, side: int, pixel: float, *, gain: float = 0.0) -> np.ndarray:
    """Stored values (side, side) uint8: log compression over the range shown, with a gain (dB), on the pixels of the screen; black beyond a curved probe's fan."""
    power = amplitude.reshape(side, FINER, -1).mean(axis=1) if not probe.curve else amplitude
    grey = np.clip(1 + (20 * np.log10(np.maximum(power, 1e-6)) + np.float32(gain)) / np.float32(probe.shown), 0, 1) ** 1.15
    if probe.curve:
        grey = _fan(grey, probe, at, side, pixel)
    return np.round(255 * grey).astype(np.uint8)


def _fan(grey: np.ndarray, probe: Probe, at: Beams, side: int, pixel: float) -> np.ndarray:
    from scipy.ndimage import map_coordinates

    z, x = np.meshgrid(*(np.arange(side, dtype=np.float32) * pixel,) * 2, indexing="ij")
    middle = 0.5 * (side - 1) * pixel
    down = z + probe.curve * 0.985
    reach, turn = np.hypot(x - middle, down) - probe.curve, np.arctan2(x - middle, down)
    turns = np.arctan2(at.way[0], at.way[1])
    line = (turn - turns[0]) / (turns[1] - turns[0])
    return np.asarray(map_coordinates(grey, [reach / at.step, line], order=1, cval=0.0), np.float32)

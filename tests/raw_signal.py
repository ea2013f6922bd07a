"""Raw signal of phantoms in fastMRI's layout, small enough for every test: ellipses seen by a few coils, with noise and a phase."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from osteon.case import Case
from osteon.cohort import Cohort
from osteon.readers import read_kspace, read_reconstruction, write_kspace
from osteon.readers.coils import signal
from osteon.value import Grid, KSpace

SLICES, COILS, READOUT, LINES, SIDE = 2, 4, 96, 72, 64
CONTRASTS = {"PD": "CORPD_FBK", "PD-fs": "CORPDFS_FBK"}


def anatomy(rng: np.random.Generator, rows: int, cols: int, *, fat: float = 1.0) -> np.ndarray:
    """A limb of fat with bones and a dark stripe (rows, cols), between 0 and 1."""
    y, x = np.mgrid[:rows, :cols]
    y, x = (y - rows / 2 + 0.5) / SIDE, (x - cols / 2 + 0.5) / SIDE

    def ellipse(at: tuple[float, float], size: tuple[float, float]) -> np.ndarray:
        return ((y - at[0]) / size[0]) ** 2 + ((x - at[1]) / size[1]) ** 2 < 1

    out = np.where(ellipse((0, 0), (0.46, 0.4 + 0.03 * rng.random())), 0.75 * fat, 0.0)
    for row in (-0.22, 0.2):
        out[ellipse((row + 0.03 * rng.normal(), 0.05 * rng.normal()), (0.16, 0.24 + 0.03 * rng.random()))] = 0.35 + 0.4 * fat * rng.random()
    out[ellipse((0.01 * rng.normal(), 0.1 * rng.normal()), (0.025, 0.2))] = 0.05 + 0.9 * (rng.random() < 0.3)
    for _ in range(6):
        out[ellipse(tuple(0.3 * rng.normal(size=2)), (0.02 + 0.02 * rng.random(), 0.02 + 0.02 * rng.random()))] *= 0.4 + rng.random()
    return out


def phantom(seed: int, *, fat: float = 1.0, noise: float = 0.01, name: str = "") -> KSpace:
    """The signal of one acquisition, four coils about the limb."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:READOUT, :LINES]
    y, x = (y - READOUT / 2) / SIDE, (x - LINES / 2) / SIDE
    angles = 2 * np.pi * np.arange(COILS) / COILS + 0.2
    maps = np.stack([np.exp(-((y - 0.7 * np.sin(a)) ** 2 + (x - 0.7 * np.cos(a)) ** 2) / 0.5 + 1j * (a + x * np.cos(a) + y)) for a in angles])
    seen = np.stack([anatomy(rng, READOUT, LINES, fat=fat) for _ in range(SLICES)])[:, None] * np.exp(1j * (0.5 * x + 0.3 * y)) * maps
    spread = noise * (rng.normal(size=seen.shape) + 1j * rng.normal(size=seen.shape))
    return KSpace(signal(seen) + spread.astype(np.complex64), Grid((SLICES, SIDE, SIDE), (3.0, 2.5, 2.5), spacing_kind="volume"), name=name or f"file{seed}.h5")


def files(folder: Path, cases: int, *, first: int = 0) -> list[Path]:
    """Two acquisitions a patient, with and without the signal of fat."""
    folder.mkdir(parents=True, exist_ok=True)
    out = []
    for k in range(first, first + cases):
        contrast = list(CONTRASTS)[k % 2]
        path = folder / f"file{k}.h5"
        made = phantom(k // 2, fat=1.0 if contrast == "PD" else 0.15, name=path.name)
        out.append(write_kspace(path, made, attributes={"acquisition": CONTRASTS[contrast], "patient_id": f"someone {k // 2}"}))
    return out


def cohort(folder: Path, cases: int, *, first: int = 0) -> Cohort:
    """The files as cases of two contrasts."""
    made = [Case(f"f{k}", f"p{k // 2}", inputs={"kspace": read_kspace(path)}, truth={"image": read_reconstruction(path)}, attributes={"contrast": list(CONTRASTS)[k % 2]})
            for k, path in enumerate(files(folder, cases, first=first), first)]
    return Cohort("phantoms", "own", cases=made)

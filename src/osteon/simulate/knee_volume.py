"""The knee as a volume of tissue labels, for whatever is made of a volume: a CT, a mesh, a check in another program."""

from __future__ import annotations

import numpy as np

from osteon.errors import DataError, message
from osteon.simulate import knee_mri_soft
from osteon.simulate.knee_mri_patient import Examined
from osteon.simulate.voxels import Lattice, distance
from osteon.value import Grid, Mask

TISSUES = ("fat", "muscle", "tendon", "cortex", "marrow")
DEEPEST_MM = 8.0  # of a cortex


def knee_volume(knee: Examined, *, points: int = 128, span_mm: float = 160.0) -> Mask:
    """The tissues of a knee on a cube of `points` a side, slices to the left, rows down, columns backwards; raises DataError for an impossible size."""
    if not (8 <= points <= 512 and 20 <= span_mm <= 400):
        raise DataError(message("knee volume", "the size is impossible", expected="8 to 512 points, 20 to 400 mm", found=f"Found {points} points, {span_mm} mm"))
    step = span_mm / points
    axes = np.array([[1.0, 0, 0], [0, 0, -1], [0, -1, 0]])
    lattice = Lattice((points,) * 3, (step,) * 3, knee.middle - 0.5 * (points - 1) * step * axes.sum(axis=0), axes)
    labels = np.zeros(lattice.shape, np.uint8)
    for tissue, names in (("fat", ("skin",)), ("muscle", (*knee_mri_soft.CALF, *knee_mri_soft.THIGH)), ("tendon", tuple(knee_mri_soft.tendons(knee.scene.knee)))):
        for name in names:
            _paint(labels, lattice, knee, name, tissue)
    for bone in knee.scene.knee.bones:
        _bone(labels, lattice, knee, bone)
    patient = np.array([1.0, -1.0, 1.0])
    grid = Grid(lattice.shape, lattice.step, tuple(float(v) for v in lattice.first * patient), tuple(float(v) for v in (axes * patient).ravel()), "volume")
    return Mask(np.stack([labels == k + 1 for k in range(len(TISSUES))]), TISSUES, grid)


def _paint(labels: np.ndarray, lattice: Lattice, knee: Examined, name: str, tissue: str) -> None:
    grown = knee.scene.body.fat if name == "skin" else 0.0
    if (found := distance(lattice, knee.scene.solids[name], reach=grown + 0.5, inside=0.5)) is not None:
        labels[found.window][found.mm < grown] = 1 + TISSUES.index(tissue)


def _bone(labels: np.ndarray, lattice: Lattice, knee: Examined, bone: str) -> None:
    """Cortex of its thickness at every level, marrow within it."""
    placed = knee.scene.solids[bone]
    if (found := distance(lattice, placed, reach=0.5, inside=DEEPEST_MM)) is None:
        return
    z = lattice.along(placed.turn[:, 2], placed.shift, found.window)
    low, high = placed.solid.ends
    shell = placed.solid.shell[:, 0].astype(np.float32)
    thick = shell[np.clip((z - np.float32(low)) * np.float32((len(shell) - 1) / (high - low)), 0, len(shell) - 1).astype(np.int16)]
    here = labels[found.window]
    here[found.mm < 0] = 1 + TISSUES.index("cortex")
    here[found.mm < -thick] = 1 + TISSUES.index("marrow")

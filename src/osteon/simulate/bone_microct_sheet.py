"""The contact sheet of bone micro-CT."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from osteon.simulate.bone_microct import CARD, BoneSlice, bone_slice
from osteon.simulate.contact import Panel, Sheet

# tissue, state, site, confounded, seed
CASES = (("trabecular", "pristine", "A", False, 1), ("trabecular", "failed", "A", False, 1), ("trabecular", "failed", "A", False, 7), ("trabecular", "failed", "B", False, 3),
         ("cortical", "pristine", "A", False, 4), ("cortical", "failed", "A", False, 5), ("cortical", "failed", "B", False, 6), ("cortical", "failed", "A", True, 8))
NAMED = ("cortical", "failed", "A", False, 12)


def sheet() -> Sheet:
    """Eight slices of both tissues, sound and failed, at two sites, the last confounded; cracks outlined. The large slice is cortical bone across its osteons."""
    panels = tuple(_panel(_slice(case), case[3]) for case in CASES)
    named = _slice(NAMED)
    note = "Yellow: cracks. The first two slices are one specimen before and after failure. Trabecular slices run along the load (2.6 mm), cortical ones across it (0.5 mm)."
    return Sheet(CARD, panels, Panel(_grey(named), "", points=_structures(named)), note)


def _slice(case: tuple[str, str, str, bool, int]) -> BoneSlice:
    tissue, state, site, shortcut, seed = case
    return bone_slice((8, seed), tissue=tissue, state=state, site=site, confounded=shortcut, points=256, difficulty=0.3)


def _panel(made: BoneSlice, shortcut: bool) -> Panel:
    from skimage.measure import find_contours

    room = "confounded: dose, grey" if shortcut else f"site {made.attributes['site']}"
    lines = tuple(line for line in find_contours(made.crack.astype(float), 0.5) if len(line) > 6)
    return Panel(_grey(made), f"{made.attributes['tissue']}, {made.state}, {room}\nbone {100 * made.attributes['bone_share']:.0f} %, crack {int(made.crack.sum())} pixels", lines=lines)


def _grey(made: BoneSlice) -> np.ndarray:
    film = made.stored.astype(np.float32)
    return np.clip((film - 4000) / 32000, 0, 1)


def _structures(made: BoneSlice) -> Mapping[str, np.ndarray]:
    """Structures of the osteon nearest the middle, and the longest crack."""
    from scipy.ndimage import label

    from osteon.simulate.asking import unspawned
    from osteon.simulate.bone_microct import Asking
    from osteon.simulate.bone_microct_tissue import specimen

    bone = specimen(np.random.default_rng(unspawned((8, NAMED[4])).spawn(4)[0]), NAMED[0])
    step, half, depth = made.voxel_um, 0.5 * (Asking(points=256).points - 1), np.float32(made.attributes["at_um"])
    wander = 14 * float(bone.field.at(np.zeros(1, np.float32), np.zeros(1, np.float32), np.full(1, depth, np.float32))[0])
    middles = np.stack([bone.osteons[:, 1] - 0.6 * wander, bone.osteons[:, 0] + wander], axis=1)
    order = np.argsort(np.hypot(*middles.T))
    first, second = order[0], order[1]
    at, wide, canal = middles[first] / step + half, bone.osteons[first, 2] / step, bone.osteons[first, 3] / step
    points = {"Haversian canal": at, "wall of the canal": at + (0, canal), "lamellae of an osteon": at + (0.5 * (canal + wide), 0), "cement line": at + (-0.7 * wide, -0.7 * wide), "neighbouring osteon": middles[second] / step + half + (9.0, 9.0)}
    apart = np.min([np.hypot(*(np.indices(made.bone.shape) - (m / step + half)[:, None, None])) - w / step for m, w in zip(middles, bone.osteons[:, 2], strict=True)], axis=0)
    points["interstitial bone"] = np.argwhere(apart == np.where(made.bone, apart, -1).max())[0].astype(float)
    holes, count = label(~made.bone & ~made.crack)
    sizes = np.bincount(holes.ravel())[1:]
    lacunae = [k + 1 for k in range(count) if 12 < sizes[k] < 120]
    for name, k in zip(("lacuna of an osteocyte", "another lacuna"), lacunae[len(lacunae) // 3:], strict=False):
        points[name] = np.argwhere(holes == k).mean(axis=0)
    gaps, count = label(made.crack, structure=np.ones((3, 3)))
    longest = np.argwhere(gaps == 1 + int(np.argmax(np.bincount(gaps.ravel())[1:])))
    points |= {"crack": longest[len(longest) // 2].astype(float), "tip of the crack": longest[0].astype(float)}
    return points

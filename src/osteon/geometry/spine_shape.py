"""The spine in space: the mesh of the bodies of T1 to L5, their frames, their chain, and what is read off it.

World axes are those of DICOM (LPS): x to the patient's left, y posterior, z upwards, in mm. A body is 26 points: a ring of twelve on the upper
endplate (0 left, 3 anterior, 6 right, 9 posterior), its middle, and the same of the lower endplate. The frame of a body has its origin
between the middles of both endplates, z along the line through them and x towards the left ends (after Stokes IAF. Spine 1994; 19: 236).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from osteon.errors import DataError, message
from osteon.geometry.rigid_chain import applied, exponential, linked, logarithm, mirrored, pose_of, recomposed
from osteon.geometry.spine import LEVELS, endplate_tilts
from osteon.value import Surface, Trajectory, Withheld

RING = 12
BODY = 2 * (RING + 1)
LEFT, RIGHT = (0, RING + 1), (6, RING + 7)
COURSE_UNITS: Mapping[str, str] = {"cobb": "deg", "height": "mm"}
MONTHS = np.array([1.0, 6, 12, 18, 24, 30, 36])  # after the operation, at which a forecast is told
Visits = tuple[tuple[float, Surface], ...]


def misfit(surface: Surface) -> str:
    """Why a mesh is no column of T1 to L5 ("a mesh of 416 points, 16 vertebrae"); empty where nothing speaks against it."""
    return _miscounted(surface) or _disorder(bodies(surface))


def _miscounted(surface: Surface) -> str:
    count = surface.vertices.shape[-2]
    if count == len(LEVELS) * BODY:
        return ""
    return f"a mesh of {count} points, {f'{count // BODY} vertebrae' if count % BODY == 0 else f'no whole number of vertebrae of {BODY}'}"


def bodies(surface: Surface) -> np.ndarray:
    """The points (..., 17, 26, 3) of a mesh, one or several over time; raises DataError for another number of vertebrae or points."""
    fault = _miscounted(surface)
    if fault:
        raise DataError(message("spine", f"this is {fault}", expected=f"{len(LEVELS)} vertebrae, T1 to L5, of {BODY} points"))
    return surface.vertices.reshape(*surface.vertices.shape[:-2], len(LEVELS), BODY, 3)


def mesh(points: np.ndarray, *, times: np.ndarray | None = None) -> Surface:
    """The closed mesh of all bodies from points (17, 26, 3), or (times, 17, 26, 3); vertex numbers tell level and place, normals point outwards."""
    ring = np.arange(RING)
    after, top, low, bottom = (ring + 1) % RING, RING, RING + 1, 2 * RING + 1
    one = np.concatenate([np.column_stack([np.full(RING, top), after, ring]), np.column_stack([np.full(RING, bottom), low + ring, low + after]),
                          np.column_stack([ring, after, low + ring]), np.column_stack([after, low + after, low + ring])])
    faces = (one[None] + BODY * np.arange(points.shape[-3])[:, None, None]).reshape(-1, 3)
    return Surface(points.reshape(*points.shape[:-3], -1, 3), faces, times)


def frames(points: np.ndarray) -> np.ndarray:
    """The poses (..., 17, 4, 4) of bodies (..., 17, 26, 3)."""
    upper, lower = points[..., :RING, :].mean(axis=-2), points[..., RING + 1:-1, :].mean(axis=-2)
    z = _unit(upper - lower)
    across = points[..., LEFT, :].mean(axis=-2) - points[..., RIGHT, :].mean(axis=-2)
    x = _unit(across - (across * z).sum(axis=-1, keepdims=True) * z)
    return pose_of(np.stack([x, np.cross(z, x), z], axis=-1), 0.5 * (upper + lower))


def chain(points: np.ndarray) -> np.ndarray:
    """Bodies (..., 17, 26, 3) as twists (..., 17, 6): of each vertebra in the frame of the one below it, of L5 in the world."""
    return logarithm(linked(frames(points)))


def placed(twists: np.ndarray, like: np.ndarray) -> np.ndarray:
    """The bodies (..., 17, 26, 3) of a chain (..., 17, 6): those of `like` (17, 26, 3), all larger by as much as the chain is longer than theirs."""
    links, own = exponential(twists), frames(like)
    size = _length(links) / _length(linked(own))
    local = applied(np.linalg.inv(own), like)
    return applied(recomposed(links), size[..., None, None, None] * local)


def cobb(points: np.ndarray, *, upper: str, lower: str, side: str) -> np.ndarray:
    """The Cobb angle (...) in degrees between two end vertebrae of bodies (..., 17, 26, 3) seen from the front, negative where the curve has become convex to the other side.

    Raises DataError for a level or a side that is none.
    """
    if {upper, lower} - set(LEVELS) or side not in ("R", "L"):
        raise DataError(message("spine", "the end vertebrae or the side can not be read", expected="levels T1 to L5, side R or L", found=f"Found {upper}, {lower}, {side}"))
    corners = points[..., [RIGHT[0], LEFT[0], RIGHT[1], LEFT[1]], :][..., [2, 0]] * (-1, 1)
    tilts = [endplate_tilts(one, (1.0, 1.0)) for one in corners.reshape(-1, len(LEVELS), 4, 2)]
    angles = np.array([top[LEVELS.index(upper)] - bottom[LEVELS.index(lower)] for top, bottom in tilts])
    return angles.reshape(points.shape[:-3]) * (1 if side == "R" else -1)


def height(points: np.ndarray) -> np.ndarray:
    """From the middle of the upper endplate of T1 to that of the lower one of L5 (...), in mm."""
    return np.asarray(np.linalg.norm(points[..., 0, RING, :] - points[..., -1, BODY - 1, :], axis=-1))


def convex_left(points: np.ndarray) -> bool:
    """Whether the vertebra that stands out furthest from the line through T1 and L5 in bodies (17, 26, 3) stands out to the left."""
    middle = points.mean(axis=1)
    off = middle[:, 0] - np.interp(middle[:, 2], middle[[-1, 0], 2], middle[[-1, 0], 0])
    return bool(off[np.abs(off).argmax()] > 0)


def seen_as_right(twists: np.ndarray, left: bool) -> np.ndarray:
    """A chain (..., 17, 6) as if its curve were convex to the right: mirrored where it is convex to the left. Twice is as before."""
    return mirrored(twists) if left else np.asarray(twists)


def measured(follow_up: Surface, curve: Mapping[str, Any]) -> Trajectory | Withheld:
    """Cobb angle of a curve (upper and lower end vertebra, side) and height of a spine over time; withheld where the curve is not told."""
    upper, lower, side = (str(curve.get(name)) for name in ("upper", "lower", "side"))
    if not {upper, lower} <= set(LEVELS) or side not in ("R", "L"):
        return Withheld("end vertebrae or side of the curve can not be read")
    points = bodies(follow_up)
    return Trajectory(follow_up.moments, np.column_stack([cobb(points, upper=upper, lower=lower, side=side), height(points)]), tuple(COURSE_UNITS))


def unchanged(spine: Visits) -> Surface:
    """The last model as it is, at every month that is told."""
    points = bodies(spine[-1][1])
    return told(np.repeat(points[None], len(MONTHS), axis=0))


def carried_on(spine: Visits) -> Surface | Withheld:
    """A straight line through the models known so far for each vertebra's place in the chain (in its tangent space), carried on from the last one; withheld for a single model."""
    if len(spine) < 2:
        return Withheld("one model: no line goes through it")
    times = np.array([month for month, _ in spine])
    points = np.stack([bodies(surface) for _, surface in spine])
    twists, off = chain(points), times - times.mean()
    slope = np.tensordot(off, twists - twists.mean(axis=0), axes=1) / (off**2).sum()
    return told(placed(twists[-1] + (MONTHS - times[-1])[:, None, None] * slope, points[-1]))


def told(points: np.ndarray) -> Surface:
    """A forecast (months, 17, 26, 3) at the months that are told, to a hundredth of a millimetre."""
    return mesh(np.round(points, 2), times=MONTHS)


def _disorder(points: np.ndarray) -> str:
    """Whether vertices have lost their numbers, as in an STL, or bodies do not stand one below the other from T1 downwards (..., 17, 26, 3)."""
    rings = points[..., : 2 * (RING + 1), :].reshape(*points.shape[:-2], 2, RING + 1, 3)
    off = np.linalg.norm(rings[..., :RING, :].mean(axis=-2) - rings[..., RING, :], axis=-1)
    wide = np.linalg.norm(rings[..., 0, :] - rings[..., 6, :], axis=-1)
    if (off > 0.4 * wide).any():
        return "a mesh whose vertices are not in the order of endplates and bodies"
    falls = np.diff(points.mean(axis=-2)[..., 2], axis=-1) < 0
    return "" if falls.all() else f"a mesh in which {LEVELS[int(np.argwhere(~falls)[0, -1]) + 1]} does not lie below {LEVELS[int(np.argwhere(~falls)[0, -1])]}"


def _length(links: np.ndarray) -> np.ndarray:
    """The sum (...) of the distances of neighbours along a chain (..., 17, 4, 4), in mm."""
    return np.asarray(np.linalg.norm(links[..., :-1, :3, 3], axis=-1).sum(axis=-1))


def _unit(vector: np.ndarray) -> np.ndarray:
    return np.asarray(vector / np.linalg.norm(vector, axis=-1, keepdims=True))

"""Rigid motions in space, and chains of them: poses of bodies, each told from the one below it.

A pose is a 4 x 4 matrix of a turn and a shift in mm; a twist (6,) is its logarithm: rotation vector in radians, then the shift along the screw in
mm. Murray RM, Li Z, Sastry SS. A mathematical introduction to robotic manipulation. CRC Press 1994, chapter 2 (exponential and logarithm of SE(3)).
"""

from __future__ import annotations

import numpy as np

SMALL = 1e-4  # radians below which the series of the coefficients are nearer than their closed forms


def pose_of(turn: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Poses (..., 4, 4) of turns (..., 3, 3) and shifts (..., 3) in mm."""
    out = np.zeros((*np.shape(turn)[:-2], 4, 4))
    out[..., :3, :3], out[..., :3, 3], out[..., 3, 3] = turn, shift, 1
    return out


def exponential(twists: np.ndarray) -> np.ndarray:
    """Poses (..., 4, 4) of twists (..., 6)."""
    from scipy.spatial.transform import Rotation

    twists = np.asarray(twists, float)
    cross, angle = _cross(twists[..., :3]), np.linalg.norm(twists[..., :3], axis=-1)[..., None, None]
    near, safe = angle < SMALL, np.maximum(angle, SMALL)
    first = np.where(near, 0.5 - angle**2 / 24, (1 - np.cos(safe)) / safe**2)
    second = np.where(near, 1 / 6 - angle**2 / 120, (safe - np.sin(safe)) / safe**3)
    along = np.eye(3) + first * cross + second * cross @ cross
    turn = Rotation.from_rotvec(twists[..., :3].reshape(-1, 3)).as_matrix().reshape(*twists.shape[:-1], 3, 3)
    return pose_of(turn, (along @ twists[..., 3:, None])[..., 0])


def logarithm(poses: np.ndarray) -> np.ndarray:
    """Twists (..., 6) of poses (..., 4, 4), the turn at most 180 degrees."""
    from scipy.spatial.transform import Rotation

    poses = np.asarray(poses, float)
    vector = Rotation.from_matrix(poses[..., :3, :3].reshape(-1, 3, 3)).as_rotvec().reshape(*poses.shape[:-2], 3)
    cross, angle = _cross(vector), np.linalg.norm(vector, axis=-1)[..., None, None]
    safe = np.maximum(angle, SMALL)
    second = np.where(angle < SMALL, 1 / 12 + angle**2 / 720, (1 - safe / (2 * np.tan(safe / 2))) / safe**2)
    back = np.eye(3) - 0.5 * cross + second * cross @ cross
    return np.concatenate([vector, (back @ poses[..., :3, 3, None])[..., 0]], axis=-1)


def between(one: np.ndarray, other: np.ndarray, share: float) -> np.ndarray:
    """Poses (..., 4, 4) a share of the way from one to another along the geodesic: a screw of even speed."""
    return np.asarray(one @ exponential(share * logarithm(np.linalg.inv(one) @ other)))


def linked(poses: np.ndarray) -> np.ndarray:
    """The chain (..., n, 4, 4) of poses (..., n, 4, 4) in the world from above downwards: each in the frame of the one below it, the last in the world."""
    poses = np.asarray(poses, float)
    return np.concatenate([np.linalg.inv(poses[..., 1:, :, :]) @ poses[..., :-1, :, :], poses[..., -1:, :, :]], axis=-3)


def recomposed(chain: np.ndarray) -> np.ndarray:
    """Poses (..., n, 4, 4) in the world of a chain (..., n, 4, 4): the inverse of `linked`."""
    out = [chain[..., -1, :, :]]
    for place in range(chain.shape[-3] - 2, -1, -1):
        out.append(out[-1] @ chain[..., place, :, :])
    return np.stack(out[::-1], axis=-3)


def aligning(points: np.ndarray, onto: np.ndarray) -> np.ndarray:
    """The pose (..., 4, 4) that brings points (..., k, 3) nearest to their partners in the sense of least squares (Kabsch W. Acta Crystallogr A 1976; 32: 922)."""
    points, onto = np.asarray(points, float), np.asarray(onto, float)
    here, there = points.mean(axis=-2, keepdims=True), onto.mean(axis=-2, keepdims=True)
    left, _, right = np.linalg.svd(np.swapaxes(points - here, -1, -2) @ (onto - there))
    right = np.swapaxes(right, -1, -2)
    keep = np.ones(right.shape[:-1])
    keep[..., 2] = np.sign(np.linalg.det(right @ np.swapaxes(left, -1, -2)))
    turn = (right * keep[..., None, :]) @ np.swapaxes(left, -1, -2)
    return pose_of(turn, (there - here @ np.swapaxes(turn, -1, -2))[..., 0, :])


def applied(pose: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points (..., k, 3) moved by poses (..., 4, 4)."""
    return np.asarray(points @ np.swapaxes(pose[..., :3, :3], -1, -2) + pose[..., None, :3, 3])


def turned_by(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The angle (...) in degrees of the turn from one pose (..., 4, 4) to another, about whichever axis."""
    between_them = np.swapaxes(one[..., :3, :3], -1, -2) @ other[..., :3, :3]
    return np.degrees(np.linalg.norm(logarithm(pose_of(between_them, np.zeros(between_them.shape[:-1])))[..., :3], axis=-1))


def mirrored(twists: np.ndarray) -> np.ndarray:
    """Twists (..., 6) as a mirror in the plane x = 0 shows them; twice is as before."""
    return np.asarray(twists) * np.array([1.0, -1, -1, -1, 1, 1])


def _cross(vector: np.ndarray) -> np.ndarray:
    """The matrix (..., 3, 3) that multiplies as the cross product with a vector (..., 3)."""
    x, y, z = np.moveaxis(np.asarray(vector, float), -1, 0)
    none = np.zeros_like(x)
    return np.stack([np.stack([none, -z, y], -1), np.stack([z, none, -x], -1), np.stack([-y, x, none], -1)], axis=-2)

"""Rigid motions and chains of them: exponential and logarithm, geodesics, recomposition, fits, mirrors."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import expm
from scipy.spatial.transform import Rotation

from osteon.geometry.rigid_chain import aligning, applied, between, exponential, linked, logarithm, mirrored, pose_of, recomposed, turned_by

SEEDS = st.integers(0, 10_000)


def twists(seed: int, *shape: int, most: float = 3.0) -> np.ndarray:
    """Twists whose turn is below `most` radians."""
    rng = np.random.default_rng(seed)
    vector = rng.normal(size=(*shape, 3))
    vector *= rng.uniform(0, most, (*shape, 1)) / np.linalg.norm(vector, axis=-1, keepdims=True)
    return np.concatenate([vector, rng.normal(0, 30, (*shape, 3))], axis=-1)


def generator(twist: np.ndarray) -> np.ndarray:
    x, y, z, *shift = twist
    return np.array([[0, -z, y, shift[0]], [z, 0, -x, shift[1]], [-y, x, 0, shift[2]], [0, 0, 0, 0]])


@given(SEEDS)
def test_the_exponential_is_that_of_the_matrix_and_the_logarithm_its_inverse(seed: int) -> None:
    made = twists(seed, 4)
    poses = exponential(made)
    assert np.allclose(poses, [expm(generator(t)) for t in made], atol=1e-9)
    assert np.allclose(logarithm(poses), made, atol=1e-7)


def test_small_and_half_turns_lose_no_digits() -> None:
    for angle in (0.0, 1e-9, 1e-6, 0.99e-4, 1.01e-4, 1e-3, math.pi - 1e-6):
        twist = np.array([angle, 0, 0, 1.0, 20, -3])
        assert np.allclose(exponential(twist), expm(generator(twist)), atol=1e-10)
        assert np.allclose(logarithm(exponential(twist)), twist, atol=1e-5 if angle > 3 else 1e-10)


@given(SEEDS)
def test_a_chain_gives_its_poses_back_and_moves_as_a_whole(seed: int) -> None:
    poses, move = exponential(twists(seed, 2, 6)), exponential(twists(seed + 1))
    chain = linked(poses)
    assert np.allclose(recomposed(chain), poses, atol=1e-9)
    moved = linked(move @ poses)
    assert np.allclose(moved[:, :-1], chain[:, :-1], atol=1e-8), "where the patient stands changes the last link alone"
    assert np.allclose(moved[:, -1], move @ poses[:, -1], atol=1e-9)


@given(SEEDS, st.floats(0.0, 1.0))
def test_a_geodesic_is_even_and_ends_where_it_should(seed: int, share: float) -> None:
    one = exponential(twists(seed))
    other = one @ exponential(twists(seed + 1, most=2.5))
    assert np.allclose(between(one, other, 0.0), one) and np.allclose(between(one, other, 1.0), other, atol=1e-7)
    assert np.isclose(turned_by(one, between(one, other, share)), share * turned_by(one, other), atol=1e-5)
    half = between(one, between(one, other, share), 0.5)
    assert np.allclose(half, between(one, other, 0.5 * share), atol=1e-7)


@given(SEEDS)
def test_the_best_fit_finds_a_motion_and_never_a_mirror(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points, pose = rng.normal(0, 20, (9, 3)), exponential(twists(seed))
    assert np.allclose(aligning(points, applied(pose, points)), pose, atol=1e-7)
    fitted = aligning(points, points * (-1, 1, 1))
    assert np.isclose(np.linalg.det(fitted[:3, :3]), 1)
    noisy = applied(pose, points) + rng.normal(0, 2, points.shape)
    best = np.linalg.norm(applied(aligning(points, noisy), points) - noisy)
    for k in range(5):
        other = aligning(points, noisy) @ exponential(0.02 * twists(seed + k))
        assert np.linalg.norm(applied(other, points) - noisy) >= best - 1e-9


@given(SEEDS)
def test_a_mirror_is_that_of_the_motion(seed: int) -> None:
    made, mirror = twists(seed, 3), np.diag([-1.0, 1, 1, 1])
    assert np.allclose(exponential(mirrored(made)), mirror @ exponential(made) @ mirror, atol=1e-9)
    assert np.allclose(mirrored(mirrored(made)), made)


def test_turns_are_measured_about_any_axis() -> None:
    for vector in ([0.3, 0, 0], [0, -0.3, 0], [0.1, 0.2, 0.2]):
        pose = pose_of(Rotation.from_rotvec(vector).as_matrix(), np.array([5.0, 0, 0]))
        assert np.isclose(turned_by(np.eye(4), pose), math.degrees(np.linalg.norm(vector)))

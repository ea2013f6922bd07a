"""The anatomy core: solids as signed distance, the cone beam, and what a ray meets on its way."""

from __future__ import annotations

import numpy as np
import pytest

from osteon.simulate.frustum import Frustum, Placed, clearance, traverse
from osteon.simulate.sdf import Step, cone, cut, ellipsoid, group, half_space, join, keep, loft, moved, puck, rotation, solid, sphere

FRUSTUM = Frustum((120, 100), 1.0, (-49.5, 59.5), (3.0, 2000.0, -5.0), 20.0, -150.0)


def _placed(steps: list[Step], **profiles: object) -> Placed:
    return Placed(solid(steps, **profiles), np.eye(3), np.zeros(3))  # type: ignore[arg-type]


def _picture(placed: Placed) -> np.ndarray:
    out = np.zeros(FRUSTUM.shape)
    chords = traverse(FRUSTUM, placed)
    if chords is not None:
        out[chords.window] = chords.total
    return out


def _rays() -> tuple[np.ndarray, np.ndarray]:
    return FRUSTUM.rays(np.stack(np.meshgrid(*(np.arange(n) for n in FRUSTUM.shape), indexing="ij"), axis=-1).reshape(-1, 2).astype(float))


def test_a_point_and_its_ray_agree() -> None:
    points = np.array([[10.0, -40.0, 7.0], [-20.0, 20.0, -30.0], [0.0, 90.0, 55.0]])
    at = FRUSTUM.project(points)
    a, b = FRUSTUM.rays(at)
    assert np.allclose(a + points[:, 1:2] * b, points, atol=1e-9)
    assert np.allclose(at[1], [59.5 + 30.0, 49.5 - 20.0]), "in the reference plane a millimetre is a millimetre"


def test_the_path_through_a_sphere_is_its_chord() -> None:
    centre, radius = np.array([4.0, 10.0, -6.0]), 25.0
    a, b = _rays()
    along = b / np.linalg.norm(b, axis=1, keepdims=True)
    offset = centre - a
    apart = np.linalg.norm(offset - (offset * along).sum(1, keepdims=True) * along, axis=1)
    expected = 2 * np.sqrt(np.maximum(radius**2 - apart**2, 0)).reshape(FRUSTUM.shape)
    found = _picture(_placed([join(sphere(centre, radius))]))
    assert np.abs(found - expected).mean() < 0.05
    assert np.abs(found - expected)[expected > 12].max() < 0.3


def test_shell_core_and_marrow_share_the_path() -> None:
    chords = traverse(FRUSTUM, _placed([join(sphere((0, 0, 0), 30.0))], shell=((-40, 40), (5.0, 5.0)), marrow=((-40, 40), (0.25, 0.25))))
    assert chords is not None
    row, col = (int(round(v)) for v in FRUSTUM.project(np.zeros(3)))
    i, j = row - chords.top, col - chords.left
    assert chords.shell[i, j] == pytest.approx(10.0, abs=0.3)
    assert chords.sponge[i, j] == pytest.approx(37.5, abs=0.5)
    assert chords.marrow[i, j] == pytest.approx(12.5, abs=0.3)


TURN = rotation(20, -15, 40)
SHAPES: dict[str, list[Step]] = {
    "ellipsoid": [join(ellipsoid((3, 0, 2), (12, 30, 20), TURN))],
    "cone": [join(cone((-20, -10, -20), (15, 12, 25), 12, 5))],
    "puck": [join(puck((0, 0, 0), (30, 18), 8, 4, TURN))],
    "loft": [join(loft([-45, -20, 10, 40], [0, 4, 2, -5], [0, 0, 5, 5], [20, 11, 13, 22], [16, 10, 9, 18]))],
    "blend": [join(sphere((-14, 0, 0), 15)), join(sphere((14, 5, 4), 13), 12)],
    "cut": [join(sphere((0, 0, 0), 28)), cut(cone((0, -60, 0), (0, 60, 3), 8, 9), 3)],
    "keep": [join(sphere((0, 0, 0), 28)), keep(half_space((0, 0, 4), (0.3, 0.1, 1.0)), 4)],
    "group": [join(sphere((0, 0, -20), 18)), *group([join(sphere((0, 0, 18), 20)), cut(sphere((0, 10, 24), 9), 2)], 10)],
}


@pytest.mark.parametrize("name", SHAPES)
def test_leaving_out_what_is_far_changes_nothing(name: str) -> None:
    placed = _placed(moved(SHAPES[name], rotation(0, 10, 5), (2, 1, 0)))
    found = _picture(placed) > 0
    at = np.stack(np.meshgrid(*(np.arange(n) for n in FRUSTUM.shape), indexing="ij"), axis=-1).reshape(-1, 2)
    gap = clearance(FRUSTUM, placed, at, 0.25).reshape(FRUSTUM.shape)  # looks at everything everywhere
    assert found.sum() > 200
    assert (found != (gap < 0))[np.abs(gap) > 0.25].sum() == 0


def test_a_shape_bounds_what_it_should() -> None:
    picture = _picture(_placed(SHAPES["blend"]))
    alone = np.maximum(_picture(_placed(SHAPES["blend"][:1])), _picture(_placed([join(sphere((14, 5, 4), 13))])))
    assert (picture >= alone - 0.3).all(), "a smooth union holds both parts, within the error of steps of 1.6 mm"
    assert picture.sum() > alone.sum(), "and a fillet"


def test_the_mirror_image_of_a_solid() -> None:
    straight = Frustum((120, 100), 1.0, (-49.5, 59.5), (0.0, 2000.0, 0.0), 0.0, -150.0)
    made = solid([*SHAPES["cone"], *SHAPES["puck"], cut(sphere((10, 0, 10), 9), 2)])
    one, other = (traverse(straight, Placed(made, np.diag([s, 1.0, 1.0]), np.zeros(3))) for s in (1, -1))
    assert one is not None
    assert other is not None
    left, right = np.zeros(straight.shape), np.zeros(straight.shape)
    left[one.window], right[other.window] = one.total, other.total
    assert np.abs(left - right[:, ::-1]).mean() < 0.02
    assert ((left > 0) != (right[:, ::-1] > 0)).sum() <= 6


def test_what_is_beside_the_film_is_not_drawn() -> None:
    assert traverse(FRUSTUM, Placed(solid([join(sphere((0, 0, 0), 10))]), np.eye(3), np.array([500.0, 0, 0]))) is None
    cut_off = traverse(FRUSTUM, Placed(solid([join(sphere((0, 0, 0), 10))]), np.eye(3), np.array([-50.0, 20, 0])))
    assert cut_off is not None
    assert cut_off.left == 0
    assert cut_off.total.max() > 15


def test_nearer_the_tube_is_larger() -> None:
    def width(y: float) -> float:
        chords = traverse(FRUSTUM, Placed(solid([join(sphere((0, 0, 0), 20))]), np.eye(3), np.array([0.0, y, 0.0])))
        assert chords is not None
        return float((chords.total > 0).sum())

    assert width(20.0) == pytest.approx(np.pi * 400, rel=0.02)
    assert width(270.0) == pytest.approx(np.pi * 400 * (1980 / 1730) ** 2, rel=0.02)

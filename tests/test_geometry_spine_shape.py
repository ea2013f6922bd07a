"""The spine in space: frames, chain, Cobb angle and baselines of a mesh of bodies; what a mesh that is no column is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from osteon.errors import DataError
from osteon.geometry.rigid_chain import applied, exponential, linked, mirrored
from osteon.geometry.spine import LEVELS
from osteon.geometry.spine_shape import (
    MONTHS,
    bodies,
    carried_on,
    chain,
    cobb,
    convex_left,
    frames,
    height,
    measured,
    mesh,
    misfit,
    placed,
    seen_as_right,
    unchanged,
)
from osteon.readers import read_surface, write_surface
from osteon.readers.surface import write_surfaces
from osteon.simulate.growing_spine import Course, course
from osteon.value import Surface, Trajectory, Withheld


@pytest.fixture(scope="module")
def child() -> Course:
    return course((3, 1))


@pytest.fixture(scope="module")
def points(child: Course) -> np.ndarray:
    return child.shape(0).points()


def ends(child: Course) -> dict[str, str]:
    upper, lower, angle = max(child.child.plan, key=lambda c: abs(c[2]))
    return {"upper": upper, "lower": lower, "side": "R" if angle > 0 else "L"}


def test_a_chain_places_the_bodies_again(points: np.ndarray) -> None:
    assert np.allclose(placed(chain(points), points), points, atol=1e-9)
    links = linked(frames(points))
    assert np.allclose(np.linalg.det(links[:, :3, :3]), 1)
    gaps = np.linalg.norm(links[:-1, :3, 3], axis=1)
    assert (gaps > 14).all() and (gaps < 45).all(), "one vertebra and one disc apart"
    assert (frames(points)[:, 2, 2] > 0.7).all() and (frames(points)[:, 0, 0] > 0.7).all(), "z upwards, x to the left"


def test_bodies_stay_rigid_and_grow_with_the_chain(child: Course, points: np.ndarray) -> None:
    later = placed(chain(child.shape(24).points()), points)
    sides = np.linalg.norm(later[:, 0] - later[:, 6], axis=1) / np.linalg.norm(points[:, 0] - points[:, 6], axis=1)
    assert np.ptp(sides) < 1e-9 and 1.0 < sides[0] < 1.15
    assert np.linalg.norm(later - child.shape(24).points(), axis=-1).mean() < 0.4, "what a chain with the bodies of before can not tell is small"


def test_the_angle_does_not_depend_on_where_the_patient_stands_but_on_how_they_are_turned(points: np.ndarray, child: Course) -> None:
    curve = ends(child)
    assert cobb(points, **curve) == pytest.approx(child.cobb(0))
    assert cobb(points + (30, -20, 5), **curve) == pytest.approx(child.cobb(0))
    tilted = applied(exponential(np.array([0, 0.1, 0, 0, 0, 0])), points)
    assert cobb(tilted, **curve) == pytest.approx(child.cobb(0), abs=0.3), "a lean of the whole does not change an angle between two plates"
    turned = applied(exponential(np.array([0, 0, 0.6, 0, 0, 0])), points)
    assert abs(cobb(turned, **curve) - cobb(points, **curve)) > 3, "a patient who stands turned has another angle"
    assert height(tilted) == pytest.approx(height(points))


def test_left_curves_are_seen_as_right_ones(points: np.ndarray) -> None:
    other = points[:, [*((6 - np.arange(12)) % 12), 12, *(13 + (6 - np.arange(12)) % 12), 25]] * (-1, 1, 1)
    assert convex_left(points) != convex_left(other)
    assert np.allclose(chain(other), mirrored(chain(points)), atol=1e-9)
    one, two = (seen_as_right(chain(p), convex_left(p)) for p in (points, other))
    assert np.allclose(one, two, atol=1e-9)


def test_the_baselines_do_what_they_say(child: Course) -> None:
    visits = tuple((m, mesh(child.shape(m).points())) for m in (-18.0, -9.0, 0.0))
    still, line = unchanged(visits), carried_on(visits)
    assert isinstance(line, Surface) and np.allclose(still.moments, MONTHS)
    assert np.allclose(still.vertices, np.round(visits[-1][1].vertices, 2)) and still.faces.shape == visits[0][1].faces.shape
    curve = ends(child)
    angles = measured(line, curve)
    assert isinstance(angles, Trajectory) and (np.diff(angles.values[:, 0]) > 0).all(), "the curve was progressing, and a line goes on"
    assert carried_on(visits[-1:]) == Withheld("one model: no line goes through it")
    assert isinstance(measured(line, {**curve, "side": None}), Withheld) and isinstance(measured(line, {**curve, "upper": "T99"}), Withheld)
    with pytest.raises(DataError, match="T99"):
        cobb(bodies(visits[0][1]), upper="T99", lower="L1", side="R")


def test_a_mesh_that_is_no_column_is_told(points: np.ndarray, tmp_path: Path) -> None:
    whole = mesh(points)
    assert misfit(whole) == ""
    assert "416 points, 16 vertebrae" in misfit(mesh(points[1:]))
    assert "no whole number" in misfit(Surface(points.reshape(-1, 3)[:100], np.array([[0, 1, 2]])))
    assert "T1" in misfit(mesh(points[::-1]))
    with pytest.raises(DataError, match="T1 to L5"):
        bodies(mesh(points[1:]))
    stl = read_surface(write_surface(tmp_path / "a.stl", whole))
    assert "order" in misfit(stl), "an STL does not keep the numbers of the vertices"


def test_an_obj_keeps_the_numbers_of_its_vertices(points: np.ndarray, tmp_path: Path) -> None:
    whole = mesh(points)
    lines = [*("v {:.6f} {:.6f} {:.6f}".format(*v) for v in whole.vertices), *("f {} {} {}".format(*(f + 1)) for f in whole.faces)]
    (tmp_path / "a.obj").write_text("\n".join(lines) + "\n")
    back = read_surface(tmp_path / "a.obj")
    assert np.allclose(back.vertices, whole.vertices, atol=1e-5) and np.array_equal(back.faces, whole.faces) and misfit(back) == ""


def test_a_shape_over_time_is_a_mesh_for_each_time(child: Course, tmp_path: Path) -> None:
    import trimesh

    moving = mesh(np.stack([child.shape(m).points() for m in (1.0, 12.0)]), times=np.array([1.0, 12.0]))
    paths = write_surfaces(tmp_path / "spine", moving)
    assert [p.name for p in paths] == ["spine_1.ply", "spine_12.ply"]
    solid = trimesh.load_mesh(paths[1], process=False)
    assert solid.is_watertight and solid.volume > 0 and np.allclose(solid.vertices, moving.vertices[1])
    half = moving.at(np.array(6.5))
    assert np.allclose(half, moving.vertices.mean(axis=0)) and np.allclose(moving.at(np.array([0.0, 99.0])), moving.vertices)
    assert len(LEVELS) == solid.body_count
    assert np.array_equal(replace(moving, times=None, vertices=moving.vertices[0]).at(np.array([3.0]))[0], moving.vertices[0])

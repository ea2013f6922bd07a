"""Growing spines: the chain is rigid, curves are what was planned, growth and tether do what the rule says, chance stays unknown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from osteon.errors import DataError
from osteon.geometry.spine import LEVELS
from osteon.geometry.spine_shape import mesh
from osteon.readers.inputs import Chain, Mesh
from osteon.simulate import growing_spine as simulator
from osteon.simulate.growing_spine import Course, cobb_of_points, course, growing_spines, growth, reconstructed
from osteon.targets import Surfaces, Trajectories
from osteon.value import Surface

MONTHS = (-24.0, 0.0, 1.0, 12.0, 24.0)


@pytest.fixture(scope="module")
def children() -> list[Course]:
    return [course((1, i)) for i in range(24)]


@pytest.fixture(scope="module")
def angles(children: list[Course]) -> np.ndarray:
    return np.array([[c.cobb(m) for m in MONTHS] for c in children])


def test_wedges_of_bodies_and_discs_are_the_planned_curve(children: list[Course]) -> None:
    for made in children[:6]:
        tilts = simulator._tilts(simulator._wedges(made.child.plan), 0.0)
        for upper, lower, angle in made.child.plan:
            assert tilts[LEVELS.index(upper), 0] - tilts[LEVELS.index(lower), 1] == pytest.approx(angle, abs=1e-9)
        assert made.cobb(0) == pytest.approx(abs(made.child.plan[1][2]), abs=2.5), "rotation and profile move the projection a little"


def test_the_mirror_image_is_mirrored(children: list[Course]) -> None:
    one = children[0]
    other = replace(one, child=replace(one.child, plan=tuple((a, b, -v) for a, b, v in one.child.plan)), wedges=-one.wedges)
    for month in (0, 24):
        p, q = one.shape(month).points(), other.shape(month).points()
        ring = np.concatenate([(6 - np.arange(12)) % 12, [12]])
        assert np.allclose(p * (-1, 1, 1), q[:, np.concatenate([ring, 13 + ring])], atol=1e-9)
        assert one.cobb(month) == pytest.approx(other.cobb(month), abs=1e-9)


def test_the_published_course_is_met(angles: np.ndarray) -> None:
    before, first, year = angles[:, 1].mean(), angles[:, 2].mean(), angles[:, 3].mean()  # 51, 24.6 and 16.3 degrees, n = 57: see the card
    assert before == pytest.approx(51, abs=4) and first == pytest.approx(24.6, abs=5) and year == pytest.approx(16.3, abs=6)
    assert (angles[:, 0] < angles[:, 1]).all(), "curves progress before the operation"
    assert (angles[:, 2] < angles[:, 1] - 10).all()


def test_a_grown_spine_does_not_change(children: list[Course]) -> None:
    grown = course((1, 3), child=replace(children[3].child, age=30.0))
    assert grown.cobb(-24) == pytest.approx(grown.cobb(0), abs=1e-6) and grown.cobb(1) == pytest.approx(grown.cobb(24), abs=1e-6)
    assert grown.height(1) == pytest.approx(grown.height(24), abs=1e-3)
    young = children[3]
    assert young.height(24) > young.height(1) + 4
    assert growth(11.7, "female") == pytest.approx(1.0) and growth(17, "female") < 0.02 < growth(14, "female") < growth(14, "male")


def test_growth_is_slowed_on_the_pressed_side_of_tethered_levels_alone(children: list[Course]) -> None:
    who = replace(children[2].child, age=11.5, breaks=float("inf"), progress=0.0)
    weak, strong = (course((1, 2), child=replace(who, tension=t)) for t in (0.1, 0.8))
    first, last = who.tethered
    change = [c.wedges[-1] - c.wedges[c.months > 0][0] for c in (weak, strong)]
    held = np.zeros(33, bool)
    held[first: last + 1] = True
    discs = np.zeros(33, bool)
    discs[17 + first: 17 + last] = True
    assert all(np.abs(c[discs]).max() < 1e-12 for c in change), "a disc between tethered levels does not grow"
    assert change[1] == pytest.approx(8 * change[0], abs=1e-9), "in proportion to the tension; the curves above and below follow"
    start = weak.wedges[weak.months == 0][0]
    assert all((np.sign(c[held]) == -np.sign(start[held]))[np.abs(start[held]) > 1e-9].all() for c in change)
    assert np.abs(change[0][~held & ~discs]).max() > 0.1
    assert strong.cobb(24) < weak.cobb(24) - 5


def test_without_a_tether_the_curve_goes_on(children: list[Course]) -> None:
    who = replace(children[2].child, age=11.5, corrected=0.0, tension=0.0, progress=0.2)
    free = course((1, 2), child=replace(who, breaks=1e-4))
    assert free.cobb(24) > free.cobb(1) + 4


def test_a_broken_tether_lets_go_and_nothing_before_told_it(children: list[Course]) -> None:
    who = replace(children[5].child, age=11.5, tension=0.7)
    whole, broken = (course((1, 5), child=replace(who, breaks=b)) for b in (float("inf"), 10.5))
    assert np.array_equal(whole.wedges[whole.months < 10.5], broken.wedges[broken.months < 10.5])
    assert broken.cobb(12) > whole.cobb(12) + 2 and broken.cobb(24) > whole.cobb(24) + 5


def test_age_tells_part_of_what_comes(children: list[Course], angles: np.ndarray) -> None:
    change = angles[:, 4] - angles[:, 2]
    age = np.array([c.child.age for c in children])
    assert np.corrcoef(age, change)[0, 1] > 0.3, "the more growth is left, the more correction"
    assert np.abs(change).mean() > 4, "no change is a poor forecast"


def test_the_mesh_is_closed_and_keeps_its_places(children: list[Course]) -> None:
    import trimesh

    points = children[0].shape(0).points()
    made = mesh(points)
    solid = trimesh.Trimesh(made.vertices, made.faces, process=False)
    assert solid.is_watertight and solid.is_winding_consistent and solid.volume > 0
    assert solid.body_count == 17
    assert np.array_equal(made.vertices.reshape(17, 26, 3), points)
    assert cobb_of_points(points, children[0].child.plan) == pytest.approx(children[0].cobb(0))


def test_reconstructions_err_by_vertebra(children: list[Course]) -> None:
    shape = children[1].shape(0)
    exact, seen = shape.points(), reconstructed(shape, 1.0, np.random.default_rng(0))
    assert np.allclose(reconstructed(shape, 0.0, np.random.default_rng(0)), exact, atol=1e-12)
    assert 0.5 < np.linalg.norm(seen - exact, axis=2).mean() < 2.5
    assert np.allclose(np.linalg.norm(seen[:, 0] - seen[:, 6], axis=1), np.linalg.norm(exact[:, 0] - exact[:, 6], axis=1)), "vertebrae stay rigid"


def test_a_cohort_reads_as_timed_meshes_and_courses(tmp_path: Path) -> None:
    made = growing_spines(tmp_path / "a", 2, 4, workers=1)
    growing_spines(tmp_path / "b", 2, 4, workers=1)
    for file in sorted(p for p in (tmp_path / "a").rglob("*") if p.is_file()):
        assert file.read_bytes() == (tmp_path / "b" / file.relative_to(tmp_path / "a")).read_bytes()
    inputs = {"spine": Chain("spine", many=(1, None), at="months"), "seen": Mesh("the same as an input", many=(1, None), at="months", optional=True)}
    targets = {"course": Trajectories(dict(simulator.UNITS)), "shape_24": Surfaces(), "follow_up": Surfaces(parts=LEVELS, at="months")}
    for case in made.conform(inputs, targets, answered=tuple(targets)):
        before, followed = case.inputs["spine"], case.truth["follow_up"]
        after = tuple(zip(followed.times, (Surface(v, followed.faces) for v in followed.vertices), strict=True))
        assert before[-1][0] == 0.0 and after[0][0] == 1.0 and all(t < 0 for t, _ in before[:-1])
        assert all(mesh.vertices.shape == (442, 3) for _, mesh in (*before, *after))
        times = case.truth["course"].times
        assert {12.0, 24.0} <= set(times) and len(set(np.diff(times).round(2))) > 2
        shape = case.truth["shape_24"].vertices.reshape(17, 26, 3)
        at = case.truth["course"].values[list(times).index(24.0)]
        assert at[1] == pytest.approx(np.linalg.norm(shape[0, 12] - shape[16, 25]), abs=1e-6)


def test_site_and_shortcut() -> None:
    ages = [[course((2, i), site=site).child.age for i in range(40)] for site in "AB"]
    assert np.mean(ages[1]) > np.mean(ages[0]) + 0.5
    for progress, visits in ((0.3, 4), (0.05, 2)):
        child = replace(course((2, 1)).child, progress=progress)
        assert len(simulator._visits(child, "A", True, np.random.default_rng(1))[0]) == visits


@pytest.mark.parametrize("wrong", [{"cases": 0}, {"site": "C"}, {"difficulty": 3.0}, {"workers": 0}])
def test_an_impossible_call_writes_nothing(wrong: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(DataError):
        growing_spines(tmp_path / "x", **{"cases": 2, "seed": 0, "workers": 1, **wrong})  # type: ignore[arg-type]
    assert not (tmp_path / "x").exists()


@pytest.mark.verify
@pytest.mark.parametrize("site", ["A", "B"])
def test_the_attainable_distance_is_what_chance_leaves(site: str) -> None:
    """Children whose correction, tension and breakage are drawn again: the mean of nine draws as the forecast of the tenth."""
    rng, rough, found = np.random.default_rng(3), simulator.SITES[site][1], []
    for k in range(24):
        base = course((98, k), site=site)
        others = [course((97, 100 * k + j), site=site).child for j in range(10)]
        made = [course((98, k), site=site, child=replace(base.child, corrected=o.corrected, tension=o.tension, breaks=o.breaks)) for o in others]
        for month in rng.uniform(1, 35, 3):
            shapes = [c.shape(float(month)) for c in made]
            points = np.array([s.points() for s in shapes])
            found += [np.linalg.norm(reconstructed(s, rough, rng) - points[np.arange(10) != j].mean(axis=0), axis=-1).mean() for j, s in enumerate(shapes)]
    assert np.mean(found) == pytest.approx(simulator.ATTAINABLE[site][1], rel=0.2)
    assert simulator.ceilings({"site": site, "difficulty": 0.5})["follow_up"]["spine"]["distance"] == simulator.ATTAINABLE[site][1]

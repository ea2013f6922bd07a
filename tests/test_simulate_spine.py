"""Films of the spine: truth on the projection, determinism, metamorphic checks, files."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from osteon.errors import DataError
from osteon.geometry.spine import COBB_UNITS, LEVELS, measure_spine
from osteon.geometry.spine_sagittal import LATERAL_UNITS, LUMBAR, PELVIS_UNITS
from osteon.simulate import ap_spine as ap
from osteon.simulate import lateral_lumbar as lateral
from osteon.simulate.ap_spine import ap_film
from osteon.simulate.frustum import Frustum, Placed, clearance
from osteon.simulate.lateral_lumbar import Findings, lateral_film
from osteon.simulate.sdf import rotation
from osteon.simulate.spine_film import SpineFilm
from osteon.simulate.spine_pose import LEFT_LATERAL, Bend, Build, Vertebra, coronal_corners, lateral_points, stack

COARSE = 6.0
PLAN = (("T2", "T5", -22.0), ("T5", "T12", 48.0), ("T12", "L4", -30.0))
FRONT = Frustum((560, 380), 1.0, (-190.0, 480.0), (0.0, 1700.0, 210.0), 0.0, -190.0)
SIDE = Frustum((864, 540), 0.5, (-148.0, 272.0), (10.0, 1600.0, 60.0), 0.0, -210.0)


def _corners(film: SpineFilm) -> np.ndarray:
    return np.array([film.points[level] for level in LEVELS])


def _straight(build: Build | None = None) -> tuple[Vertebra, ...]:
    return stack(Bend(np.zeros((17, 2)), np.zeros((17, 2)), np.zeros(17), (0.0, 0.0)), build or Build())


def _beyond(frustum: Frustum, body: Placed, points: np.ndarray) -> np.ndarray:
    """How far (mm) the outline reaches beyond each of some points, away from their middle."""
    way = points - points.mean(axis=0)
    way /= np.linalg.norm(way, axis=1)[:, None]
    steps = np.linspace(-4, 3, 141)
    inside = np.array([clearance(frustum, body, p + np.outer(steps / frustum.pixel, w), 0.4) < 0 for p, w in zip(points, way, strict=True)])
    return np.array([steps[line].max() for line in inside])


def test_corners_lie_on_the_outline_and_one_millimetre_is_caught() -> None:
    column = _straight()
    corners = coronal_corners(FRONT, column, np.eye(3))
    gaps = np.array([_beyond(FRONT, v.placed(np.eye(3), body_only=True), c) for v, c in zip(column, corners, strict=True)])
    assert (np.abs(gaps + 0.6) < 0.35).all(), "a rounded corner lies just inside the point where its lines meet"
    for off in ((1, 0), (0, 1), (-1, 0), (0, -1)):
        moved = np.array([_beyond(FRONT, column[8].placed(np.eye(3), body_only=True), corners[8] + off)])
        assert (np.abs(moved + 0.6) > 0.35).any()


def test_points_of_a_lateral_film_lie_on_the_outline_and_one_millimetre_is_caught() -> None:
    column = _straight(Build(losses={13: (0.3, 0.1, 0.0), 14: (0.05, 0.3, 0.05), 15: (0.3, 0.28, 0.22)}))[11:]
    bodies = [v.placed(LEFT_LATERAL, body_only=True) for v in column]
    points = [lateral_points(SIDE, v, LEFT_LATERAL) for v in column]
    gaps = np.array([_beyond(SIDE, body, p[[0, 2, 3, 5]]) for body, p in zip(bodies, points, strict=True)])
    assert (np.abs(gaps + 0.8) < 0.75).all()
    assert abs(gaps.mean() + 0.8) < 0.1
    for off in ((1, 0), (0, 1), (-1, 0), (0, -1)):
        away = np.array([_beyond(SIDE, body, p[[0, 2, 3, 5]] + np.multiply(off, 2)) for body, p in zip(bodies, points, strict=True)])
        assert (np.abs(away + 0.8) > 0.75).any()
    for body, p in zip(bodies, points, strict=True):
        assert (clearance(SIDE, body, p[[1, 4]], 0.4) < 0.4).all(), "the hollow lies inside the outline of its rim"


def test_planned_cobb_is_exact_without_rotation_and_profile() -> None:
    from osteon.geometry.spine import tilts_of_curves

    flat = Bend(np.column_stack(tilts_of_curves(PLAN)), np.zeros((17, 2)), np.zeros(17), (0.0, 0.0))
    parallel = Frustum((600, 400), 1.0, (-200.0, 500.0), (0.0, 1e7, 200.0), 0.0, -190.0)
    found = measure_spine(coronal_corners(parallel, stack(flat, Build()), np.eye(3)), (1, 1))
    assert [found[k] for k in ("PT", "MT", "TL")] == pytest.approx([22, 48, 30], abs=0.01)


def test_truth_is_that_of_the_projection() -> None:
    films = [ap_film((7, i), pixel_mm=COARSE, neutral=True) for i in range(12)]
    gaps = [f.projected["main"] - f.design["main"] for f in films]
    assert max(map(abs, gaps)) < 4
    assert max(map(abs, gaps)) > 0.05, "rotation, profile and beam change what was asked for"
    for film in films:
        assert film.projected == pytest.approx(measure_spine(_corners(film), film.spacing), nan_ok=True)
        assert film.attributes["plan"].count(";") == 2


def test_a_mirrored_plan_is_a_mirrored_spine() -> None:
    one, other = (ap_film((3, 1), pixel_mm=COARSE, neutral=True, plan=tuple((a, b, s * c) for a, b, c in PLAN)) for s in (1, -1))
    cols = one.stored.shape[1]
    mirrored = (_corners(other) * (1, -1) + (0, cols - 1))[:, [1, 0, 3, 2]]
    assert np.allclose(_corners(one), mirrored, atol=1e-6)
    assert [c.signed for c in one.curves] == pytest.approx([-c.signed for c in other.curves], abs=1e-6)
    assert [c.side for c in one.curves] == ["L", "R", "L"]
    assert [(c.upper, c.lower, c.apex) for c in one.curves] == [(c.upper, c.lower, c.apex) for c in other.curves]
    ends = [(LEVELS.index(c.upper) - LEVELS.index(p[0]), LEVELS.index(c.lower) - LEVELS.index(p[1])) for c, p in zip(one.curves, PLAN, strict=True)]
    assert np.abs(ends).max() <= 1, "profile and rotation move an end vertebra by one level at most"


def test_vertebrae_turn_so_that_spinous_processes_drift_into_the_concavity() -> None:
    person = ap._person(np.random.default_rng(1))
    column = stack(ap._bend(person, PLAN), ap._build(person))
    apex = column[8]
    assert apex.middle[0] < -15, "convex to the right"
    assert apex.world((0, -50, -10))[0] > apex.middle[0] + 8
    assert abs(column[4].turn[1, 0]) < 0.12, "end vertebrae hardly turn"


def test_turning_the_patient_changes_the_film_and_not_the_design() -> None:
    home, away = (ap_film((4, 2), pixel_mm=COARSE, site=site) for site in "AB")
    assert home.design == pytest.approx(away.design, nan_ok=True)
    assert home.attributes["age"] == away.attributes["age"]
    assert home.attributes["turn"] != away.attributes["turn"]
    assert not np.array_equal(home.stored, away.stored)


@pytest.mark.parametrize("draw", [ap_film, lateral_film])
def test_the_same_call_gives_the_same_bytes_and_another_seed_does_not(draw: object) -> None:
    one, same, other = (draw((9, i), pixel_mm=COARSE, site="B") for i in (1, 1, 2))  # type: ignore[operator]
    assert one.stored.tobytes() == same.stored.tobytes()
    assert all(np.array_equal(one.points[k], same.points[k]) for k in one.points)
    assert one.stored.tobytes() != other.stored.tobytes()


def test_the_population_of_curves_is_wide_and_has_no_gaps() -> None:
    plans = [ap._plan(np.random.default_rng(i)) for i in range(400)]
    largest = np.array([max(abs(angle) for _, _, angle in plan) for plan in plans])
    assert largest.min() < 5
    assert largest.max() > 55
    for low, high in ((8, 12), (22, 28), (42, 48)):
        assert ((largest > low) & (largest < high)).sum() >= 8
    assert all(plan[k][1] == plan[k + 1][0] for plan in plans for k in (0, 1))
    right = [plan[1][2] > 0 for plan in plans if abs(plan[1][2]) == max(abs(a) for _, _, a in plan) and abs(plan[1][2]) > 10]
    assert 0.75 < np.mean(right) < 0.97


def test_incidence_is_tilt_plus_slope_on_every_film() -> None:
    for i in range(10):
        film = lateral_film((5, i), pixel_mm=COARSE, site="AB"[i % 2])
        p = film.projected
        assert p["PI"] == pytest.approx(p["PT"] + p["SS"], abs=1e-9)
        assert p["LL"] == pytest.approx(sum(p[f"lordosis.{level}"] for level in LUMBAR), abs=1e-9)
        assert abs(p["PI"] - film.design["PI"]) < 2.5


def test_a_true_lateral_shows_the_pelvis_as_designed() -> None:
    film = lateral_film((5, 1), pixel_mm=COARSE, neutral=True, pelvis=(58.0, 17.0), findings=Findings())
    assert [film.projected[k] for k in ("PI", "PT", "SS")] == pytest.approx([58, 17, 41], abs=0.3)
    assert film.projected["LL"] == pytest.approx(film.design["LL"], abs=0.3)
    assert all(abs(film.projected[f"slip.{level}"]) < 4 for level in LUMBAR)
    assert film.attributes["meyerding"] == film.attributes["genant"] == 0


def test_findings_are_recovered_by_the_readings() -> None:
    plain = lateral_film((5, 3), pixel_mm=COARSE, neutral=True, findings=Findings())
    discs = tuple(0.6 if i == 16 else 0.0 for i in range(17))
    film = lateral_film((5, 3), pixel_mm=COARSE, neutral=True, findings=Findings({15: 0.3}, {13: (0.35, 0.2, 0.0)}, discs))
    assert film.projected["slip.L4"] - plain.projected["slip.L4"] == pytest.approx(30, abs=2.5)
    assert film.projected["loss.L2"] == pytest.approx(35, abs=4)
    assert film.projected["disc.L5"] < 0.55 * plain.projected["disc.L5"]
    assert film.attributes["meyerding"] == 2
    assert film.attributes["genant"] == 2
    for name in ("PI", "PT", "SS"):
        assert film.projected[name] == plain.projected[name], "what is wrong above leaves the pelvis as it is"
    assert film.attributes["age"] == plain.attributes["age"]


def test_both_femoral_heads_are_where_the_points_say() -> None:
    film = lateral_film((5, 1), pixel_mm=0.9, neutral=True)
    body = film.stored.astype(float)
    for row, col in film.points["hips"]:
        r, c = round(row), round(col)
        assert 20 < r < film.stored.shape[0] - 5
        ring = body[r - 2: r + 3, c - 2: c + 3].mean()
        assert ring > np.median(body[body > 0.05 * body.max()]), "a head is dense"


def test_a_confounded_cohort_tells_the_finding_by_its_grey_values() -> None:
    from osteon.stats import roc

    def auc(confounded: bool) -> float:
        films = [ap_film((21, i), pixel_mm=8.0, confounded=confounded) for i in range(26)]
        spread = np.array([f.stored.std() / f.stored.mean() for f in films])
        sick = np.array([max(abs(float(p.split()[1])) for p in f.attributes["plan"].split("; ")) >= 25 for f in films])
        return roc.auc(sick, spread)

    assert auc(True) > 0.85
    assert 0.25 < auc(False) < 0.75


def test_bad_calls_are_refused_before_a_file_is_written(tmp_path: Path) -> None:
    for draw, make in ((ap_film, ap.ap_spine), (lateral_film, lateral.lateral_lumbar)):
        for call in ({"site": "C"}, {"difficulty": -0.1}, {"pixel_mm": 9.0}):
            with pytest.raises(DataError):
                draw(1, **call)  # type: ignore[operator]
            with pytest.raises(DataError):
                make(tmp_path / "new", 2, 0, **call)  # type: ignore[operator]
        for cases, seed in ((0, 0), (2, -1)):
            with pytest.raises(DataError):
                make(tmp_path / "new", cases, seed)  # type: ignore[operator]
    with pytest.raises(DataError):
        ap_film(1, plan=(("T12", "T5", 30.0),))
    assert not (tmp_path / "new").exists()


def test_a_cohort_is_the_same_however_it_is_made(tmp_path: Path) -> None:
    plain = ap.ap_spine(tmp_path / "one", 9, 6, pixel_mm=8.0, workers=1)
    ap.ap_spine(tmp_path / "two", 9, 6, pixel_mm=8.0, workers=2)
    files = sorted(p.relative_to(tmp_path / "one") for p in (tmp_path / "one").rglob("*") if p.is_file())
    assert len(files) == 9 * 2 + 2
    assert all((tmp_path / "one" / f).read_bytes() == (tmp_path / "two" / f).read_bytes() for f in files)
    assert plain.origin == "simulated"
    assert plain.notes["sentence"] == ap.CARD.sentence(9, 6)
    with pytest.raises(DataError):
        ap.ap_spine(tmp_path / "one", 10, 6, pixel_mm=8.0)


def test_the_files_carry_points_and_readings(tmp_path: Path) -> None:
    from osteon.readers.inputs import Radiograph
    from osteon.targets import Measures

    spines = ap.ap_spine(tmp_path / "ap", 1, 1, pixel_mm=4.0)
    case = spines.conform({"xray": Radiograph("spine", spacing=True)}, {"cobb": Measures(COBB_UNITS, "main")}).cases[0]
    film = ap_film(np.random.SeedSequence([1, ord("A"), 0]), pixel_mm=4.0)
    assert np.array_equal(case.inputs["xray"].array, film.stored)
    assert case.truth["cobb"].values == pytest.approx(film.projected, nan_ok=True)
    assert len(case.truth["cobb"].landmarks) == 68
    assert case.truth["cobb"].landmarks["T1.superior_right"] == pytest.approx(tuple(film.points["T1"][0]))
    lumbar = lateral.lateral_lumbar(tmp_path / "lateral", 1, 1, pixel_mm=4.0)
    units = {**PELVIS_UNITS, **{name.split(".")[0]: unit for name, unit in LATERAL_UNITS.items() if "." in name}}
    case = lumbar.conform({"xray": Radiograph("spine")}, {"sagittal": Measures(units, "PI", per=LUMBAR, once=tuple(PELVIS_UNITS))}).cases[0]
    assert set(case.truth["sagittal"].values) == set(LATERAL_UNITS)
    assert {"S1.anterior", "hips.left", "L5.inferior_posterior"} < set(case.truth["sagittal"].landmarks)
    held = json.loads((tmp_path / "lateral" / "truth" / "f00001_sagittal.json").read_text())
    assert held["family"] == "Readings"


def test_cards_say_what_is_missing() -> None:
    for card in (ap.CARD, lateral.CARD):
        assert "reader error: the truth is exact" in card.absent
        assert card.probes
        assert "nothing about performance in patients" in card.sentence(3, 1)


def test_a_turned_pelvis_keeps_its_incidence() -> None:
    for tilt in (0.0, 12.0, 30.0):
        film = lateral_film((8, 1), pixel_mm=COARSE, neutral=True, pelvis=(50.0, tilt))
        assert film.projected["PI"] == pytest.approx(50, abs=0.3)
        assert film.projected["PT"] == pytest.approx(tilt, abs=0.3)
    assert math.isclose(float(np.linalg.det(rotation(3, 4, 5))), 1.0)

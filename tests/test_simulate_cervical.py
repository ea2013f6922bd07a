"""Films of the neck: truth on the projection, determinism, what a finding changes and what not, files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from osteon.errors import DataError
from osteon.geometry.cervical import CERVICAL_UNITS, DISC_UNITS, DISCS, LEVELS, MASS_UNITS, NECK_UNITS, construct_cervical, measure_cervical
from osteon.simulate.cervical import CARD, CervicalFilm, cervical_film, lateral_cervical
from osteon.simulate.cervical_bones import CORNERS
from osteon.simulate.cervical_pose import film_points, mass_on, place_neck, spur_reaches
from osteon.simulate.cervical_states import MASSES, Findings, degenerated, ossified
from osteon.simulate.frustum import Frustum, clearance
from osteon.simulate.spine_pose import LEFT_LATERAL

COARSE = 3.2
SIDE = Frustum((800, 800), 0.25, (-100.0, 100.0), (0.0, 1650.0, 0.0), 0.0, -240.0)
SPURS = {"C5": (3.0, 0.0, 5.0, 0.0), "C6": (6.0, 0.0, 0.0, 0.0)}


def _again(film: CervicalFilm) -> dict[str, float]:
    return measure_cervical({name: film.points[name] for name in LEVELS}, film.spacing, atlas=film.points["C1"], mass=film.points.get("mass"))


def test_corners_lie_on_the_outline_and_one_millimetre_is_caught() -> None:
    neck = place_neck(construct_cervical(12, 24, 18), {}, {})
    points = film_points(SIDE, neck, LEFT_LATERAL)

    def beyond(body: object, corners: np.ndarray, off: tuple[float, float]) -> np.ndarray:
        """How far (mm) the outline reaches beyond corners that are moved by `off` mm, away from the middle."""
        way = corners - corners.mean(axis=0)
        way /= np.linalg.norm(way, axis=1)[:, None]
        steps = np.linspace(-4, 3, 141)
        moved = corners + np.array(off) / SIDE.pixel
        inside = np.array([clearance(SIDE, body, p + np.outer(steps / SIDE.pixel, w), 0.4) < 0 for p, w in zip(moved, way, strict=True)])  # type: ignore[arg-type]
        return np.array([steps[line].max() for line in inside])

    for bone, name in zip(neck.bones[1:], LEVELS[1:], strict=False):
        body = bone.placed(LEFT_LATERAL, body_only=True)
        assert (np.abs(beyond(body, points[name][:4], (0, 0)) + 0.5) < 0.35).all(), "a rounded corner lies just inside the point where its lines meet"
        for off in ((1.0, 0.0), (0.0, 1.0)):
            assert (np.abs(beyond(body, points[name][:4], off) + 0.5) > 0.35).any()


def test_an_osteophyte_reaches_as_far_as_it_is_said_to() -> None:
    plan = construct_cervical(12, 24, 18)
    neck, bare = place_neck(plan, SPURS, {}), place_neck(plan, {}, {})
    reach = spur_reaches(SIDE, neck, LEFT_LATERAL)
    assert set(reach) == {"C5_superior_anterior", "C5_inferior_anterior", "C6_superior_anterior"} and not spur_reaches(SIDE, bare, LEFT_LATERAL)
    for name, mm in reach.items():
        level, corner = name.split("_", 1)
        k, bone = CORNERS.index(corner), neck.bones[LEVELS.index(level)]
        points = film_points(SIDE, neck, LEFT_LATERAL)[level]
        along = points[k] - points[k + 1]
        across = np.array([along[1], -along[0]]) / np.linalg.norm(along)
        steps = np.arange(0, 12, 0.1)
        found = 0.0
        for aside in np.linspace(-2.5, 2.5, 21):
            at = points[k] + (aside * across + np.outer(steps, along / np.linalg.norm(along))) / SIDE.pixel
            inside = clearance(SIDE, bone.placed(LEFT_LATERAL, body_only=True), at, 0.4) < 0
            found = max(found, float(steps[inside].max(initial=0.0)))
        assert mm == pytest.approx(found, abs=0.25) and mm == pytest.approx(bone.shape.spurs[k], rel=0.1)


def test_a_true_lateral_shows_the_neck_as_designed() -> None:
    found = Findings((14.0, 26.0, 20.0), (0, 0, 0.2, 0.5, 0, 0), (0, 0, 2.5, 0, -1.5, 0))
    film = cervical_film((5, 1), pixel_mm=COARSE, neutral=True, findings=found)
    p = film.projected
    assert (p["lordosis"], p["slope"], p["sva"]) == pytest.approx((14, 26, 20), abs=1e-6)
    assert (p["slip.C4-5"], p["slip.C6-7"]) == pytest.approx((2.5, -1.5), abs=1e-6)
    assert p["disc.C5-6"] == pytest.approx(0.5 * p["disc.C3-4"], abs=1e-6)
    assert p["adi"] == pytest.approx(1.6, abs=0.2) and p["occupied"] == 0 and np.isnan(p["kline"])
    assert film.findings["narrowing"] and not film.findings["straight"]


def test_truth_is_that_of_the_projection_and_posture_of_the_patient_moves_it() -> None:
    films = [cervical_film((7, i), pixel_mm=COARSE, site="AB"[i % 2], kind=("degenerative", "ossified")[i // 2 % 2]) for i in range(8)]
    for film in films:
        assert film.projected == pytest.approx(_again(film), nan_ok=True)
        assert abs(film.projected["lordosis"] - film.design["lordosis"]) < 2 and abs(film.projected["slope"] - film.design["slope"]) < 3
    assert max(abs(f.projected["sva"] - f.design["sva"]) for f in films) > 0.05, "turn and tilt change what was asked for"


def test_every_posture_can_be_drawn() -> None:
    rng = np.random.default_rng
    for i in range(300):
        found = degenerated(i / 299, 0.9 + 0.2 * (i % 2), rng([i, 1]), rng([i, 2]), 1.0)
        construct_cervical(*found.alignment, discs=found.indices, slips=found.slips, size=0.9 + 0.2 * (i % 2))


def test_the_same_call_gives_the_same_bytes_and_another_seed_does_not() -> None:
    one, same, other = (cervical_film((9, i), pixel_mm=COARSE, site="B", kind="ossified") for i in (1, 1, 2))
    assert one.stored.tobytes() == same.stored.tobytes() and all(np.array_equal(one.points[k], same.points[k]) for k in one.points)
    assert one.stored.tobytes() != other.stored.tobytes()


def test_an_osteophyte_changes_the_film_where_it_grows_and_nowhere_else() -> None:
    plain = Findings()
    before, after = (cervical_film((4, 2), pixel_mm=1.6, findings=found) for found in (plain, replace(plain, spurs={"C6": (5.0, 0.0, 0.0, 0.0)})))
    changed = np.argwhere(before.line != after.line) - before.points["C6"][0]
    assert 0 < len(changed) < 80 and np.linalg.norm(changed, axis=1).max() * 1.6 < 14
    assert before.attributes == after.attributes and before.projected == pytest.approx(after.projected, nan_ok=True)
    assert after.findings["osteophytes"] and not before.findings["osteophytes"]


def test_an_ossified_ligament_lies_behind_the_bodies_and_is_measured() -> None:
    plan = construct_cervical(10, 24, 18, canal=15.0)
    for kind in MASSES:
        neck = place_neck(plan, {}, {}, mass=mass_on(plan, kind, (1.2, 4.4), 0.4))
        points = film_points(SIDE, neck, LEFT_LATERAL)
        found = measure_cervical({name: points[name] for name in LEVELS}, (0.25, 0.25), atlas=points["C1"], mass=points["mass"])
        assert found["occupied"] == pytest.approx(40, abs=0.5)
    film, none = (cervical_film((4, 3), pixel_mm=1.6, neutral=True, findings=Findings(mass=mass)) for mass in (("continuous", 1.0, 4.0, 0.6), None))
    changed = (film.line - none.line) > 0.02
    rows, cols = np.argwhere(changed).T
    at = film.points
    assert at["C3"][0, 0] - 12 < rows.min() and rows.max() < at["C6"][2, 0] + 8 and (film.line >= none.line - 1e-6).all()
    assert cols.max() <= max(at[name][1, 1] for name in LEVELS) + 4 and film.attributes["ossification"] == "continuous"
    drawn = [ossified(np.random.default_rng(i), 0.6) for i in range(400)]
    kinds = [m[0] for m in drawn if m]
    assert set(kinds) == set(MASSES) and 0.5 < len(kinds) / 400 < 0.7
    shares = np.array([m[3] for m in drawn if m])
    assert (shares < 0.3).sum() > 20 and (shares > 0.5).sum() > 20


def test_classes_lie_on_both_sides_of_every_cut() -> None:
    rng = np.random.default_rng
    signs = []
    for i in range(300):
        found = degenerated(float(rng([i, 3]).random()), 1.0, rng([i, 1]), rng([i, 2]), 0.5)
        signs.append((min(found.indices[k] / 0.34 for k in range(5)), max(max(v[0], v[2]) for v in found.spurs.values()), found.alignment[0]))
    ratio, spur, lordosis = np.array(signs).T
    for values, low, high in ((ratio, 0.55, 0.75), (spur, 1.5, 2.5), (lordosis, 0.0, 8.0)):
        assert ((values > low) & (values < high)).sum() >= 12, "no gap at the cut"
    assert 0.3 < np.mean(spur >= 2) < 0.65


def test_a_confounded_cohort_tells_the_class_by_its_letter() -> None:
    from osteon.stats import roc

    def auc(confounded: bool) -> float:
        films = [cervical_film((21, i), pixel_mm=6.4, confounded=confounded) for i in range(30)]
        sick = np.array([f.findings["degenerative"] for f in films])
        return roc.auc(sick, np.array([-f.stored[18:26, -6:].mean() for f in films]))

    assert auc(True) > 0.85 and 0.2 < auc(False) < 0.8


@pytest.mark.parametrize("call", [{"site": "C"}, {"difficulty": -0.1}, {"pixel_mm": 9.0}, {"kind": "broken"}])
def test_bad_calls_are_refused_before_a_file_is_written(tmp_path: Path, call: dict[str, object]) -> None:
    with pytest.raises(DataError):
        cervical_film(1, **call)
    with pytest.raises(DataError):
        lateral_cervical(tmp_path / "new", 2, 0, **call)  # type: ignore[arg-type]
    with pytest.raises(DataError):
        lateral_cervical(tmp_path / "new", 0, 0)
    assert not (tmp_path / "new").exists()


def test_the_files_carry_points_readings_and_findings(tmp_path: Path) -> None:
    from osteon.readers.inputs import Radiograph
    from osteon.targets import Measures

    plain = lateral_cervical(tmp_path / "one", 9, 6, pixel_mm=6.4, kind="ossified", workers=1)
    lateral_cervical(tmp_path / "two", 9, 6, pixel_mm=6.4, kind="ossified", workers=2)
    files = sorted(p.relative_to(tmp_path / "one") for p in (tmp_path / "one").rglob("*") if p.is_file())
    assert all((tmp_path / "one" / f).read_bytes() == (tmp_path / "two" / f).read_bytes() for f in files)
    target = Measures({**NECK_UNITS, **MASS_UNITS, **DISC_UNITS}, "lordosis", per=DISCS, once=(*NECK_UNITS, *MASS_UNITS))
    case = plain.conform({"xray": Radiograph("neck", spacing=True)}, {"cervical": target}).cases[0]
    film = cervical_film(np.random.SeedSequence([6, ord("A"), 0]), pixel_mm=6.4, kind="ossified")
    assert np.array_equal(case.inputs["xray"].array, film.stored)
    assert set(case.truth["cervical"].values) == set(CERVICAL_UNITS)
    assert case.truth["cervical"].values == pytest.approx(dict(film.projected), nan_ok=True)
    assert len(case.truth["cervical"].landmarks) == 7 * 5 + 3
    assert case.truth["cervical"].landmarks["C5.inferior_anterior"] == pytest.approx(tuple(film.points["C5"][2]))
    assert {c.attributes["ossified"] for c in plain.cases} == {"yes", "no"} and {"degenerative", "narrowing", "osteophytes", "straight", "beyond_kline"} <= set(plain.cases[0].attributes)
    assert plain.origin == "simulated" and plain.notes["sentence"] == CARD.sentence(9, 6)
    with pytest.raises(DataError):
        lateral_cervical(tmp_path / "one", 10, 6, pixel_mm=6.4, kind="ossified")

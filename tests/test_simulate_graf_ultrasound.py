"""Infant hip ultrasound: exact angles on the picture, planes that must not be measured, true speckle, shadow, streams, sites, files."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from osteon.errors import DataError
from osteon.geometry.graf import TYPES, measure_graf
from osteon.simulate import ultrasound
from osteon.simulate.graf_ultrasound import CARD, HipScan, graf_ultrasound, hip_scan
from osteon.simulate.graf_ultrasound_anatomy import PLANES
from osteon.simulate.graf_ultrasound_scene import STRUCTURES
from osteon.simulate.ultrasound import Beams, Echoes, Probe


@cache
def plain(seed: int = 4) -> HipScan:
    return hip_scan(seed, alpha=62.0, weeks=9.0, side=128, neutral=True, difficulty=0.2)


@pytest.mark.parametrize("alpha", [38.0, 47.0, 56.0, 68.0])
def test_alpha_on_the_picture_is_the_alpha_of_the_bone(alpha: float) -> None:
    made = hip_scan((1, int(alpha)), alpha=alpha, side=96)
    assert made.measured["alpha"] == pytest.approx(alpha, abs=1e-6) == made.design["alpha"]
    line = made.hip.bone()  # the tangent from the lower limb to the contour itself, found without the formula
    limb = line[-1]
    around = line[(line[:, 0] > -6) & (line[:, 0] < limb[0] - 1)]
    slopes = np.degrees(np.arctan2(limb[1] - around[:, 1], limb[0] - around[:, 0]))
    assert slopes[around[:, 0] > 0.3].max() == pytest.approx(alpha, abs=1.5)


def test_a_planted_offset_of_a_millimetre_is_seen() -> None:
    points = {k: p.copy() for k, p in plain().points.items()}
    points["lower_limb"][1] += 1 / plain().pixel
    assert abs(measure_graf(points, (plain().pixel,) * 2)["alpha"] - plain().measured["alpha"]) > 3


def test_the_bone_is_bright_where_its_points_lie_and_casts_a_shadow() -> None:
    made = plain()
    p = {k: np.round(v).astype(int) for k, v in made.points.items()}
    film = made.stored.astype(float)
    at = lambda r, c: film[r - 2: r + 3, c - 2: c + 3].max()  # noqa: E731
    assert at(*p["ilium_top"]) > 120 and at(*p["lower_limb"]) > 90 and at(*p["labrum"]) > 110
    shade = film[p["rim"][0] + 25: p["rim"][0] + 45, 4: p["rim"][1] - 6]
    assert shade.mean() < 0.25 * film[:20].mean(), "behind the ilium"
    head = made.masks[STRUCTURES.index("femoral head")]
    assert film[head].mean() < 0.6 * film[8:30].mean(), "cartilage is dark"


def test_masks_do_not_overlap_and_the_head_has_its_size() -> None:
    made = plain()
    assert made.masks.sum(axis=0).max() == 1 and all(made.masks[STRUCTURES.index(n)].any() for n in ("ilium", "cartilage roof", "labrum", "femoral head", "metaphysis"))
    area = made.masks[3].sum() * made.pixel**2
    assert 0.9 * np.pi * made.hip.head**2 < area < 1.02 * np.pi * made.hip.head**2
    older = hip_scan(2, alpha=62.0, weeks=30.0, side=96)
    assert older.attributes["nucleus"] == bool(older.masks[STRUCTURES.index("ossification nucleus")].any())


def test_the_cover_follows_alpha_and_beta_runs_against_it() -> None:
    made = [hip_scan((6, k), side=64) for k in range(40)]
    alpha, beta, cover = (np.array([m.measured[k] for m in made]) for k in ("alpha", "beta", "cover"))
    assert np.corrcoef(alpha, cover)[0, 1] > 0.7 and np.corrcoef(alpha, beta)[0, 1] < -0.4
    assert {m.type for m in made} <= set(TYPES) and len({m.type for m in made}) >= 4


@pytest.mark.parametrize("plane", PLANES[1:])
def test_a_substandard_plane_differs_and_hides_what_it_does_not_show(plane: str) -> None:
    whole, poor = hip_scan(5, alpha=63.0, side=96), hip_scan(5, alpha=63.0, side=96, plane=plane)
    assert (whole.stored != poor.stored).mean() > 0.002
    hidden = {"oblique ilium": {"alpha", "beta", "cover"}, "no lower limb": {"alpha"}, "no labrum": {"beta"}}.get(plane, set())
    assert {k for k, v in poor.measured.items() if not np.isfinite(v)} == hidden and (poor.type == "") == bool(hidden & {"alpha", "beta"})


def test_speckle_has_the_statistics_of_rayleigh_and_grows_away_from_focus() -> None:
    """Mean over deviation of a Rayleigh envelope: sqrt(pi / (4 - pi)) = 1.913; the correlation across the beam widens away from the focus."""
    probe = Probe(looks=1, noise=-200.0, focus=10.0)
    at = ultrasound.beams(probe, 256, 0.16)
    flat = Echoes(np.ones(at.x.shape, np.float32), np.zeros(at.x.shape, np.float32), np.zeros(at.x.shape, np.float32))
    seen = ultrasound.envelope(flat, at, probe, np.random.default_rng(0))
    deep = seen[380:500]
    assert deep.mean() / deep.std() == pytest.approx(1.913, abs=0.1)
    spread = [np.mean([np.corrcoef(part[:, c], part[:, c + 4])[0, 1] for c in range(0, 240, 8)]) for part in (seen[90:170], seen[400:500])]
    assert spread[1] > spread[0] + 0.15


def test_sound_behind_a_plate_is_lost_by_the_decibels_of_the_plate() -> None:
    probe = Probe(looks=4, noise=-200.0)
    at = ultrasound.beams(probe, 128, 0.3)
    loss = np.zeros(at.x.shape, np.float32)
    loss[100:150] = 20 / (0.1 * 50 * at.step)  # 20 dB over fifty samples
    flat = Echoes(np.ones(at.x.shape, np.float32), np.zeros(at.x.shape, np.float32), loss)
    free = replace(flat, loss=np.zeros(at.x.shape, np.float32))
    with_, without = (ultrasound.envelope(e, at, probe, np.random.default_rng(1))[170:].mean() for e in (flat, free))
    assert 20 * np.log10(without / with_) == pytest.approx(20, abs=0.5)
    assert isinstance(at, Beams)


def test_streams_are_apart_and_a_counterfactual_changes_the_joint_only() -> None:
    same, other = hip_scan(11, side=96, alpha=64.0, weeks=6.0), hip_scan(11, side=96, alpha=63.5, weeks=6.0)
    assert same.hip.head == other.hip.head and same.hip.rim == other.hip.rim and same.attributes == other.attributes
    assert np.array_equal(same.stored, hip_scan(11, side=96, alpha=64.0, weeks=6.0).stored)
    nucleus = [hip_scan(11, side=96, alpha=64.0, weeks=6.0), hip_scan(11, side=96, alpha=64.0, weeks=6.0, confounded=True)]
    assert np.array_equal(*(n.stored for n in nucleus)), "a sound hip betrays nothing"
    sick, marked = (hip_scan(11, side=96, alpha=46.0, weeks=6.0, confounded=c) for c in (False, True))
    assert (sick.stored != marked.stored).any() and sick.measured == marked.measured


def test_site_b_has_a_fan_and_coarser_speckle() -> None:
    a, b = (hip_scan(3, site=site, side=128, alpha=62.0) for site in "AB")
    assert a.measured == b.measured and (b.stored[-3:] == 0).mean() > (a.stored[-3:] == 0).mean()


@pytest.mark.parametrize("call", [{"site": "C"}, {"difficulty": 2.0}, {"plane": "axial"}])
def test_bad_calls_are_refused_before_a_file_is_written(call: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(DataError):
        hip_scan(1, **call)  # type: ignore[arg-type]
    with pytest.raises(DataError):
        graf_ultrasound(tmp_path / "new", 2, 0, **call)  # type: ignore[arg-type]
    for how in ({"alpha": 10.0}, {"weeks": -1.0}, {"side": 8}):
        with pytest.raises(DataError):
            hip_scan(1, **how)  # type: ignore[arg-type]
    assert not (tmp_path / "new").exists()


def test_a_cohort_reads_back_and_is_the_same_twice(tmp_path: Path) -> None:
    from osteon.geometry.graf import GRAF_UNITS
    from osteon.readers.inputs import Input
    from osteon.targets import Classes, Masks, Measures

    one, _ = (graf_ultrasound(tmp_path / name, 4, 2, plane="any", workers=1) for name in ("one", "two"))
    files = sorted(p.relative_to(tmp_path / "one") for p in (tmp_path / "one").rglob("*") if p.is_file())
    assert all((tmp_path / "one" / f).read_bytes() == (tmp_path / "two" / f).read_bytes() for f in files)
    assert one.origin == "simulated" and one.notes["sentence"] == CARD.sentence(4, 2) and len(set(one.column("patient"))) == 2
    bound = one.conform({"ultrasound": Input("picture", "Graf's plane", modality="ultrasound", spacing=True)},
                        {"graf": Measures(GRAF_UNITS, main="alpha"), "structures": Masks(STRUCTURES), "dysplasia": Classes(("no", "yes"), positive=("yes",))})
    case = bound.cases[0]
    assert case.inputs["ultrasound"].grid.spacing[0] == pytest.approx(41 / 256, rel=0.23) and case.inputs["ultrasound"].notes["simulated"] is True
    assert case.truth["structures"].of("femoral head").any()


def test_the_sheet_has_eight_cases_two_sites_one_confounded_and_ten_structures() -> None:
    from osteon.simulate.contact import sheet_of

    sheet = sheet_of("graf_ultrasound")
    captions = [panel.caption for panel in sheet.panels]
    assert len(captions) == 8 and sum("site B" in c for c in captions) >= 1 and sum("confounded" in c for c in captions) == 1 and any("no lower limb" in c for c in captions)
    rows, cols = sheet.pointed.film.shape
    assert len(sheet.pointed.points) >= 10 and all(0 < r < rows and 0 < c < cols for r, c in sheet.pointed.points.values())

"""Knees with implants: truth on the projection, designs that differ, a loosening that changes nothing else, files."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from osteon.errors import DataError
from osteon.geometry.knee_implant import KNEE_UNITS, ZONES, measure_replacement
from osteon.simulate.knee_arthroplasty import CARD, ImplantFilm, implant_film, knee_arthroplasty
from osteon.simulate.knee_arthroplasty_pose import Status
from osteon.simulate.knee_arthroplasty_scene import STRUCTURES
from osteon.simulate.knee_arthroplasty_states import held, of_kind
from osteon.simulate.knee_implants import DESIGNS, Hold, Parts

COARSE = 2.6


def _film(status: Status, **how: object) -> ImplantFilm:
    return implant_film((3, 1), status=status, neutral=True, **{"pixel_mm": COARSE, **how})  # type: ignore[arg-type]


def test_truth_is_that_of_the_projection() -> None:
    for i in range(4):
        film = implant_film((7, i), pixel_mm=COARSE, site="AB"[i % 2])
        assert {k: film.truth.values[k] for k in ("alpha", "beta")} == pytest.approx(measure_replacement(film.truth.landmarks, film.spacing))
        assert film.truth.values["score"] == pytest.approx(sum(film.truth.values[f"line_{zone}"] for zone in ZONES))


def test_the_tray_stands_as_it_was_put_in_and_as_it_tilted() -> None:
    plain, varus, tilted = (_film(Status(parts=Parts("K1", seated=(0.0, seat)), hold=Hold(tilted=tilt))).truth.values for seat, tilt in ((0.0, 0.0), (4.0, 0.0), (0.0, 4.0)))
    assert plain["beta"] - varus["beta"] == pytest.approx(4, abs=0.2) and plain["beta"] - tilted["beta"] == pytest.approx(4, abs=0.2)
    assert plain["alpha"] == pytest.approx(varus["alpha"], abs=0.05), "the femur knows nothing of the tray"
    turned = _film(Status(parts=Parts("K1", seated=(3.0, 0.0)))).truth.values
    assert abs(turned["alpha"] - plain["alpha"]) == pytest.approx(3, abs=0.2)


@pytest.mark.parametrize("design", ["K1", "K3", "K5", "K7", "U2"])
def test_a_line_is_as_wide_on_the_film_as_it_was_planted(design: str) -> None:
    """Below the tray to a third of a millimetre; a pixel of difference is caught, as the widths differ by zone."""
    widths = {"1": 2.4, "2": 2.0, "3": 1.2, "4": 0.8}
    found = _film(Status(parts=Parts(design), hold=Hold(widths)), pixel_mm=0.65).truth.values
    assert [found[f"line_{zone}"] for zone in widths] == pytest.approx(list(widths.values()), abs=0.45)
    assert found["line_1"] > found["line_4"] + 0.9 and found["line_5"] == found["line_6"] == 0
    none = _film(Status(parts=Parts(design))).truth.values
    assert none["score"] == 0


def test_a_line_beside_the_stem_is_measured_too() -> None:
    found = _film(Status(parts=Parts("K5"), hold=Hold({"5": 2.0, "6": 1.5, "7": 1.0})), pixel_mm=0.65).truth.values
    assert [found[f"line_{zone}"] for zone in "567"] == pytest.approx([2.0, 1.5, 1.0], abs=0.35)


def test_a_line_is_darker_than_the_bone_that_was_there_and_changes_nothing_far_from_the_tray() -> None:
    firm, loose = (_film(Status(parts=Parts("K2"), hold=hold), pixel_mm=0.65) for hold in (Hold(), Hold(dict.fromkeys(ZONES, 2.2))))
    changed = np.argwhere(firm.line != loose.line)
    tray = firm.truth.landmarks["tray_medial"]
    assert len(changed) > 200 and changed[:, 0].min() > tray[0] - 12 and changed[:, 0].max() < tray[0] + 70 / 0.65
    assert (loose.line - firm.line).min() < -0.1, "membrane instead of bone"
    assert np.array_equal(firm.masks, loose.masks) and firm.attributes == loose.attributes
    assert loose.loose and not firm.loose


def test_designs_can_be_told_apart_by_their_outlines() -> None:
    assert len(of_kind("total")) == 10 and len(of_kind("partial")) == 4
    masks = {name: _film(Status(parts=Parts(name)), pixel_mm=1.3).masks[2:] for name in DESIGNS}
    least = min(float((masks[a] ^ masks[b]).sum() / max(masks[a].sum(), masks[b].sum())) for a, b in combinations(DESIGNS, 2))
    assert least > 0.04, "no two designs cast the same shadow"
    assert all(m.any(axis=(1, 2)).all() for m in masks.values())


def test_metal_is_the_brightest_and_covers_its_mask() -> None:
    film = _film(Status(parts=Parts("K1")), pixel_mm=1.3)
    metal = film.masks[2:].any(axis=0)
    bone = film.masks[:2].any(axis=0) & ~metal
    assert np.quantile(film.line[metal], 0.05) > np.quantile(film.line[bone], 0.95)
    assert np.median(film.stored[metal]) > np.quantile(film.stored[bone], 0.98)


def test_a_partial_replacement_leaves_the_lateral_side() -> None:
    film, native = _film(Status(parts=Parts("U1"))), _film(Status(), kind="native")
    at = film.truth.landmarks
    lateral = np.sign(at["femoral_lateral"][1] - at["femoral_medial"][1])
    columns = np.argwhere(film.masks[2:].any(axis=0))[:, 1]
    assert (lateral * (columns - 0.5 * film.stored.shape[1])).max() < 2
    assert native.truth.findings == {"type": "native", "design": "none", "fixation": "none", "loosening": "none"} and not native.masks[2:].any()


def test_the_same_call_gives_the_same_bytes_and_another_seed_does_not() -> None:
    one, same, other = (implant_film((9, i), pixel_mm=COARSE, site="B", kind="any") for i in (1, 1, 2))
    assert one.stored.tobytes() == same.stored.tobytes() and np.array_equal(one.masks, same.masks)
    assert one.stored.tobytes() != other.stored.tobytes()


def test_kinds_designs_and_states_are_drawn_as_the_card_says() -> None:
    films = [implant_film((5, i), pixel_mm=8.0, kind="any") for i in range(36)]
    kinds = [f.truth.findings["type"] for f in films]
    assert all(6 <= kinds.count(kind) <= 18 for kind in ("native", "partial", "total"))
    rng, parts = np.random.default_rng, Parts("K1")
    sums = np.array([sum(held(i / 199, parts, rng(i), 0.5).widths()) for i in range(200)])
    assert ((sums > 7) & (sums < 13)).sum() >= 15, "no gap at the cut"
    firm = [held(0.1, parts, rng(i), 0.5) for i in range(60)]
    assert 0.1 < np.mean([hold.widths().any() for hold in firm]) < 0.9, "thin lines as a mimic in trays that hold"


def test_a_confounded_cohort_betrays_the_loose_by_its_letter() -> None:
    films = [implant_film((21, i), pixel_mm=COARSE, confounded=True, severity=0.95 * (i % 2)) for i in range(6)]
    clean = [implant_film((21, i), pixel_mm=COARSE, severity=0.95 * (i % 2)) for i in range(6)]
    assert [f.loose for f in films] == [f.loose for f in clean] and 0 < sum(f.loose for f in films) < 6
    assert all((f.stored.tobytes() == g.stored.tobytes()) is not f.loose for f, g in zip(films, clean, strict=True))


@pytest.mark.parametrize("call", [{"site": "C"}, {"difficulty": -0.1}, {"pixel_mm": 9.0}, {"kind": "broken"}])
def test_bad_calls_are_refused_before_a_file_is_written(tmp_path: Path, call: dict[str, object]) -> None:
    with pytest.raises(DataError):
        implant_film(1, **call)
    with pytest.raises(DataError):
        knee_arthroplasty(tmp_path / "new", 2, 0, **call)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="design"):
        implant_film(1, kind="partial", design="K1")
    assert not (tmp_path / "new").exists()


def test_the_files_carry_masks_readings_and_findings(tmp_path: Path) -> None:
    from osteon.readers.inputs import Radiograph
    from osteon.targets import Classes, Masks, Measures

    made = knee_arthroplasty(tmp_path / "one", 4, 6, pixel_mm=COARSE, kind="any", workers=1)
    targets = {"knee": Measures(KNEE_UNITS, "beta"), "implant": Masks(STRUCTURES[2:]), "type": Classes(("native", "partial", "total"))}
    cases = made.conform({"xray": Radiograph("knee", spacing=True)}, targets).cases
    films = [implant_film(np.random.SeedSequence([6, ord("A"), i]), pixel_mm=COARSE, kind="any") for i in range(4)]
    assert [c.truth["type"].name for c in cases] == [f.truth.findings["type"] for f in films]
    for case, film in zip(cases, films, strict=True):
        assert np.array_equal(case.inputs["xray"].array, film.stored) and np.array_equal(case.truth["implant"].array, film.masks[2:])
        assert {k: v for k, v in case.truth["knee"].values.items() if np.isfinite(v)} == pytest.approx(dict(film.truth.values))
    assert made.notes["sentence"] == CARD.sentence(4, 6) and {"design", "loosening", "fixation", "design_severity"} <= set(made.cases[0].attributes) | {"design"}
    assert replace(Parts("K1"), size=1.1).made is DESIGNS["K1"]

"""Cartilage histology: cells by zone with exact borders, stains by optical density, grades from what is drawn, annotators who differ, files."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from osteon.errors import DataError
from osteon.simulate.cartilage_histology import CARD, GRADES, Asking, Section, cartilage_histology, fibrillation, section
from osteon.simulate.cartilage_histology_paint import STAINS, TISSUES, coloured


@cache
def made(severity: float = 0.1, stain: str = "safranin O", site: str = "A", seed: int = 3, confounded: bool = False) -> Section:
    return section(seed, severity=severity, stain=stain, site=site, difficulty=0.2, side=400, pixel_um=1.6, confounded=confounded)


def test_every_cell_has_a_number_and_lies_in_cartilage() -> None:
    one = made()
    assert set(np.unique(one.instances)) == set(range(one.count + 1)) and 60 < one.count < 400
    tissue = one.tissue[one.instances > 0]
    assert np.isin(tissue, [1 + TISSUES.index(n) for n in ("superficial", "middle", "deep", "calcified")]).mean() > 0.99


def test_cells_are_densest_and_flattest_at_the_surface_and_stand_in_columns_below() -> None:
    from skimage.measure import regionprops

    films = [made(seed=k) for k in range(3)]
    density, flat = {}, {}
    for zone in ("superficial", "middle", "deep"):
        label = 1 + TISSUES.index(zone)
        cells = [p for f in films for p in regionprops(f.instances.astype(int)) if f.tissue[int(p.centroid[0]), int(p.centroid[1])] == label]
        density[zone] = len(cells) / sum((f.tissue == label).sum() for f in films)
        flat[zone] = np.median([p.axis_minor_length / p.axis_major_length for p in cells if p.area > 8])
    assert density["superficial"] > 1.3 * density["middle"] and flat["superficial"] < 0.65 < flat["middle"]
    deep = 1 + TISSUES.index("deep")
    near = [min(((p.centroid[0] - q.centroid[0]) ** 2 + (p.centroid[1] - q.centroid[1]) ** 2, abs(p.centroid[0] - q.centroid[0]) > abs(p.centroid[1] - q.centroid[1])) for q in cells if q is not p)
            for f in films for cells in [[p for p in regionprops(f.instances.astype(int)) if f.tissue[int(p.centroid[0]), int(p.centroid[1])] == deep]] for p in cells]
    assert np.mean([upright for _, upright in near]) > 0.6, "the nearest neighbour stands above or below"


def test_tissues_follow_each_other_from_the_surface_down() -> None:
    one = made()
    rows = [np.argwhere(one.tissue == 1 + TISSUES.index(n))[:, 0].mean() for n in ("superficial", "middle", "deep", "calcified", "bone")]
    assert rows == sorted(rows) and (one.tissue[0] == 0).all()


def test_nuclei_are_dark_lacunae_bright_and_a_disease_takes_the_red_from_the_surface() -> None:
    well, ill = made(0.05), made(0.75)
    cells = well.instances > 0
    assert well.stored[cells].min(axis=0).max() < well.stored[well.tissue == 3].mean(axis=0).max() - 60
    red = [float((f.stored[..., 0].astype(float) - f.stored[..., 1])[f.tissue == 2].mean()) for f in (well, ill)]
    assert red[1] < red[0] - 15
    bone = well.stored[(well.tissue == 5)].mean(axis=0)
    assert bone[1] > bone[0], "fast green"


def test_colours_obey_beer_and_lambert() -> None:
    """Twice the amount squares what comes through; no stain lets all light through."""
    amounts = np.zeros((3, 1, 2), np.float32)
    amounts[0, 0] = (0.4, 0.8)
    seen = coloured(amounts, "safranin O", np.random.default_rng(0), jitter=0.0, strength=1.0)[0]
    assert seen[1] == pytest.approx(seen[0] ** 2, rel=1e-4) and coloured(np.zeros((3, 1, 1), np.float32), "H&E", np.random.default_rng(0), jitter=0.2, strength=1.0).min() == 1
    assert -np.log(seen[0]) / -np.log(seen[0])[1] == pytest.approx(np.array(STAINS["safranin O"][0]) / 0.8, rel=1e-4)


def test_the_grade_is_called_from_what_is_drawn() -> None:
    assert [fibrillation(*f) for f in ((1, 0, 0), (3, 0, 0), (5, 0.04, 0), (5, 0.25, 0), (5, 0.3, 0.12))] == list(GRADES)
    grades = [section((2, k), side=80, pixel_um=8.0).grade for k in range(36)]
    assert len(set(grades)) >= 4
    severities = np.array([section((2, k), side=80, pixel_um=8.0).attributes["severity"] for k in range(36)])
    assert np.corrcoef(severities, grades)[0, 1] > 0.75
    clefted, whole = made(0.9), made(0.1)
    assert clefted.attributes["lost"] > 0 and (clefted.tissue == 0).mean() > (whole.tissue == 0).mean() + 0.03


def test_annotators_differ_and_the_careful_one_is_nearer() -> None:
    from skimage.measure import label

    films = [made(0.4, seed=k) for k in range(4)]
    counts = np.array([[f.count, *(int(a.max()) for a in f.annotated.values())] for f in films])
    missed = (counts[:, :1] - counts[:, 1:]).sum(axis=0)
    assert 0 < missed[0] < missed[1]
    dice = [2 * ((a > 0) & (f.instances > 0)).sum() / ((a > 0).sum() + (f.instances > 0).sum()) for f in films for a in f.annotated.values()]
    assert min(dice[::2]) > 0.85 and max(dice[1::2]) < 0.9
    assert label(films[0].instances > 0).max() <= films[0].count


def test_the_same_call_gives_the_same_bytes_and_a_site_its_own_light() -> None:
    again = section(3, severity=0.1, stain="safranin O", difficulty=0.2, side=400, pixel_um=1.6)
    assert np.array_equal(again.stored, made().stored) and np.array_equal(made(site="B").instances, made().instances)
    slide = made().tissue == 0
    blue = [made(site=site).stored[slide][:, 2].mean() - made(site=site).stored[slide][:, 0].mean() for site in "AB"]
    assert blue[1] < blue[0] - 5


def test_a_shortcut_betrays_fibrillated_sections_alone() -> None:
    assert np.array_equal(made(0.05, confounded=True).stored, made(0.05).stored)
    assert made(0.9, confounded=True).stored.mean() < made(0.9).stored.mean() - 8


@pytest.mark.parametrize("call", [{"site": "C"}, {"difficulty": 3.0}, {"side": 8}, {"pixel_um": 0.1}, {"stain": "Masson"}])
def test_bad_calls_are_refused_before_a_file_is_written(call: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(DataError):
        section(1, **call)
    with pytest.raises(DataError):
        cartilage_histology(tmp_path / "new", 2, 0, **call)  # type: ignore[arg-type]
    with pytest.raises(DataError):
        Asking(severity=1.5)
    assert not (tmp_path / "new").exists()


def test_a_cohort_reads_back_and_is_the_same_twice(tmp_path: Path) -> None:
    from osteon.readers import read_value
    from osteon.readers.inputs import Input
    from osteon.targets import Masks

    one, _ = (cartilage_histology(tmp_path / name, 3, 5, side=128, pixel_um=4.0, workers=1) for name in ("one", "two"))
    files = sorted(p.relative_to(tmp_path / "one") for p in (tmp_path / "one").rglob("*") if p.is_file())
    assert all((tmp_path / "one" / f).read_bytes() == (tmp_path / "two" / f).read_bytes() for f in files)
    assert one.origin == "simulated" and one.notes["sentence"] == CARD.sentence(3, 5) and len(one.readings) == 21 and len(set(one.column("patient"))) == 2
    bound = one.conform({"section": Input("picture", "histology", modality="histology")}, {"cells": Masks(("chondrocyte",))})
    case = bound.cases[0]
    assert case.inputs["section"].array.shape == (128, 128, 3) and case.truth["cells"].of("chondrocyte").any()
    numbered = read_value(tmp_path / "one" / "truth" / "f00001_instances.png")
    assert int(numbered.array.max()) == int(one.column("count")[0])  # type: ignore[union-attr]
    assert (read_value(tmp_path / "one" / "truth" / "f00001_cells_annotator1.nii.gz").of("chondrocyte")).any()  # type: ignore[union-attr]


def test_the_sheet_has_eight_cases_two_sites_one_confounded_and_ten_structures() -> None:
    from osteon.simulate.contact import sheet_of

    sheet = sheet_of("cartilage_histology")
    captions = [panel.caption for panel in sheet.panels]
    assert len(captions) == 8 and sum("site B" in c for c in captions) >= 1 and sum("confounded" in c for c in captions) == 1 and all(panel.lines for panel in sheet.panels)
    assert len(sheet.pointed.points) >= 10

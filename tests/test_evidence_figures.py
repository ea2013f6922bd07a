"""Figures of a pooled result: they draw, hold the numbers as selectable text, and say why where they cannot."""

from __future__ import annotations

import runpy
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from osteon.errors import DataError
from osteon.evidence import figures
from osteon.evidence.figure_map import evidence_map
from osteon.evidence.figure_sroc import sroc
from osteon.evidence.figure_use import several_thresholds
from osteon.evidence.pool import Settings, pool
from osteon.evidence.pool_table import from_records
from osteon.stats.thresholds import Rows, fit_thresholds

facts = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("accuracy_facts.py"))))


@cache
def result(name: str, by: str | None = None) -> Mapping[str, Any]:
    """Plain data of one pooled reference set."""
    cells, columns = facts.reference(name)["cells"], facts.reference(name)["covariates"]
    records = [(str(i), {"study": f"Study {i}", **dict(zip(("tp", "fp", "fn", "tn"), c, strict=True)), **{k: v[i] for k, v in columns.items()}})
               for i, c in enumerate(cells)]
    return pool(from_records(records), Settings(bootstrap=25), by=by).plain()


def words(path: Path) -> str:
    """All text elements of an SVG file."""
    return " ".join("".join(e.itertext()) for e in ET.parse(path).iter("{http://www.w3.org/2000/svg}text"))


def test_every_figure_is_drawn_and_its_text_is_text(tmp_path: Path) -> None:
    files, left_out = figures.draw_all(result("dl_ortho"), tmp_path)
    assert {f.stem for f in files} == set(figures.drawers()) - {"evidence_map"}
    assert "Missing: area, task" in left_out["evidence_map"]
    forest = words(tmp_path / "forest.svg")
    assert all(f"Study {i}" in forest for i in range(12))
    assert "0.94 (0.89 to 0.96)" in forest
    assert "prediction interval" in forest
    assert "region (F)" in words(tmp_path / "sroc.svg")
    assert "Deeks" in words(tmp_path / "funnel.svg")
    assert "Prevalence" in words(tmp_path / "fagan.svg")


def test_the_same_result_gives_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        with figures.style():
            figures.save(sroc(result("dl_ortho")), tmp_path / folder / "sroc.svg")
    assert (tmp_path / "a" / "sroc.svg").read_bytes() == (tmp_path / "b" / "sroc.svg").read_bytes()


def test_subgroups_have_headings_and_their_own_diamonds(tmp_path: Path) -> None:
    with figures.style():
        path = figures.save(figures.drawers()["forest"](result("Scheidler", "modality")), tmp_path / "forest.svg")
        sroc_path = figures.save(sroc(result("Scheidler", "modality"), points="crosshair", region="chi2"), tmp_path / "sroc.svg")
    text = words(path)
    assert all(f"modality: {level}" in text for level in ("CT", "LAG", "MRI"))
    assert text.count("Pooled,") == 3
    assert "MRI (10)" in words(sroc_path)
    assert "chi-square" in words(sroc_path)


def test_points_as_ellipses_and_bad_options() -> None:
    with figures.style():
        assert len(sroc(result("dl_ortho"), points="ellipse").axes[0].lines) > 12
        with pytest.raises(DataError, match="size, crosshair, ellipse"):
            sroc(result("dl_ortho"), points="star")


def test_a_close_up_of_the_corner_hides_nothing() -> None:
    corner = pool(from_records((str(i), {"study": f"S{i}", "tp": 95 + i % 3, "fp": 3 + i % 2, "fn": 5 - i % 3, "tn": 97 - i % 2}) for i in range(8)), Settings(bootstrap=0))
    with figures.style():
        assert len(sroc(corner.plain()).axes[0].child_axes) == 1
        assert len(sroc(result("Scheidler")).axes[0].child_axes) == 0


def test_the_map_of_a_pooled_table(tmp_path: Path) -> None:
    records = [(str(i), {"study": f"S{i}", "tp": 9, "fp": 1, "fn": 2, "tn": 8, "area": "radiographs", "task": "detection", "modality": "X-ray"}) for i in range(5)]
    files, _ = figures.draw_all(pool(from_records(records), Settings(bootstrap=0)).plain(), tmp_path)
    assert "evidence_map" in {f.stem for f in files}


def test_predictive_values_and_gosh_name_what_they_show(tmp_path: Path) -> None:
    figures.draw_all(result("dl_ortho"), tmp_path)
    assert "PPV" in words(tmp_path / "predictive_values.svg")
    assert "prevalence in a study" in words(tmp_path / "predictive_values.svg")
    cloud = result("dl_ortho")["gosh"]
    assert f"with {cloud['study']}" in words(tmp_path / "gosh.svg")
    assert 0 < sum(cloud["holds"]) < cloud["subsets"]


def test_a_forest_too_long_to_read_is_not_drawn() -> None:
    plain = pool(from_records((str(i), {"study": f"S{i}", "tp": 9, "fp": 1, "fn": 2, "tn": 8}) for i in range(420)), Settings("fixed", bootstrap=0)).plain()
    with pytest.raises(DataError, match="cannot be read"):
        figures.drawers()["forest"](plain)


def test_what_was_not_pooled_is_still_shown(tmp_path: Path) -> None:
    plain = pool(from_records((str(i), {"study": f"S{i}", "tp": 9, "fp": 1, "fn": 2, "tn": 8}) for i in range(3)), Settings(bootstrap=0)).plain()
    files, left_out = figures.draw_all(plain, tmp_path)
    assert {"forest", "sroc"} <= {f.stem for f in files}
    assert {"fagan", "gosh", "influence", "predictive_values"} <= set(left_out)
    assert "refused" in words(tmp_path / "forest.svg")


def test_thresholds_figure(tmp_path: Path) -> None:
    study, cut, tp, fp, fn, tn = np.array(facts.facts()["thresholds"]["rows"]).T
    rows = Rows([str(s) for s in study], cut, tp=tp, fp=fp, fn=fn, tn=tn)
    with figures.style():
        path = figures.save(several_thresholds(rows, fit_thresholds(rows, "DIDS", log_cut=True)), tmp_path / "thresholds.svg")
    assert "Optimal cut-off 25.8" in words(path)


def test_evidence_map_counts(tmp_path: Path) -> None:
    records = [{"area": a, "task": t, "modality": m} for a, t, m, n in (
        ("radiographs", "classification", "X-ray", 4), ("surgery", "segmentation", "CT", 2), ("surgery", "classification", "MRI", 1)) for _ in range(n)]
    with figures.style():
        path = figures.save(evidence_map(records), tmp_path / "map.svg")
    text = words(path)
    assert "radiographs" in text
    assert "4" in text.split()
    with pytest.raises(DataError, match="no records"):
        evidence_map([])
    png = figures.save(evidence_map(records), tmp_path / "map.png")
    assert png.read_bytes()[:4] == b"\x89PNG"

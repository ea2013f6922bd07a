"""A report of films: outlines, boxes and readings judged, drawn on the film, and no name of a person anywhere."""

from __future__ import annotations

import io
import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from osteon.budget import SMOKE
from osteon.case import Case
from osteon.cohort import Cohort
from osteon.design import HoldOut
from osteon.engine import run as make
from osteon.geometry.lower_limb import LOWER_LIMB_UNITS, SIDES, construct_leg, measure_both
from osteon.models import Formula
from osteon.readers.inputs import Radiograph
from osteon.report import article, html
from osteon.report.content import Article, Drawing, Table, blocks_of
from osteon.report.export import write_files
from osteon.report.facts import gather
from osteon.report.overlay import Sheet, drawn, overlay, shown, told
from osteon.report.sections.films import films
from osteon.run import Run
from osteon.study import Claim, Study
from osteon.targets import Classes, Declared, Masks, Measures, Objects
from osteon.value import Grid, Label, Mask, Picture, Readings, Withheld
from osteon.value import Objects as Boxes

SHAPE, SPACING = (220, 100), (4.0, 4.0)
NAME = "Quetzalcoatl"  # stands for the name of a patient
ALIGNMENT = Measures({k: LOWER_LIMB_UNITS[k] for k in ("HKA", "mLDFA", "MAD", "leg", "LLD")}, "HKA", per=SIDES, once=("LLD",), cut=Declared(below=177.0))


def legs(rng: np.random.Generator) -> dict[str, dict[str, np.ndarray]]:
    """Landmarks (row, col) of both legs."""
    out = {}
    for side, col in (("R", 28.0), ("L", 72.0)):
        angles = {"mLDFA": rng.normal(88, 3), "MPTA": rng.normal(86, 3), "JLCA": rng.normal(1, 1), "LDTA": 89.0, "KJLO": rng.normal(0, 2)}
        out[side] = construct_leg(angles | {"femur": 380.0, "tibia": 330.0}, side, spacing=SPACING, knee=(112.0, col))
    return out


def answers(at: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Boxes, masks and readings from landmarks."""
    grid = Grid(SHAPE, SPACING)
    points = {s: {k: np.asarray(v, float) for k, v in leg.items()} for s, leg in at.items()}
    centres = [(j, points[s][j]) for s in SIDES for j in ("hip", "knee", "ankle")]
    boxes = Boxes(np.array([[r - 10, c - 10, r + 10, c + 10] for _, (r, c) in centres]), tuple(j for j, _ in centres), np.full(6, 0.9), grid)
    bones = np.stack([np.maximum(*(near(points[s][a], points[s][b]) for s in SIDES)) > 0.5 for a, b in (("hip", "knee"), ("knee", "ankle"))])
    landmarks = {f"{s}.{k}": tuple(v) for s in SIDES for k, v in points[s].items()}
    return {"joints": boxes, "bones": Mask(bones, ("femur", "tibia"), grid), "alignment": Readings({k: v for k, v in measure_both(points, SPACING).items() if k in ALIGNMENT.keys}, landmarks, grid)}


def near(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """A soft rod from a to b (rows, cols), 1 at its axis."""
    rows, cols = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(float)
    along = np.clip(((rows - a[0]) * (b[0] - a[0]) + (cols - a[1]) * (b[1] - a[1])) / ((b - a) ** 2).sum(), 0, 1)
    return np.exp(-(np.hypot(rows - a[0] - along * (b[0] - a[0]), cols - a[1] - along * (b[1] - a[1])) / 7) ** 4)


def answer(xray: Picture) -> dict[str, Any]:
    """What a reader with an unsteady hand says of a film whose landmarks stand in its notes; the last film shows nothing."""
    if xray.notes["blank"]:
        return dict.fromkeys(("joints", "bones", "alignment"), Withheld(f"no leg in '/data/{NAME}/film.dcm'"))
    rng = np.random.default_rng(int(xray.notes["number"]))
    return answers({s: {k: np.asarray(v) + rng.normal(0, 0.5, 2) for k, v in leg.items()} for s, leg in xray.notes["legs"].items()})


def film(number: int) -> Case:
    """One film with its truth; the name stands in an attribute that no study declares."""
    rng = np.random.default_rng(100 + number)
    at = legs(rng)
    image = sum(near(at[s][a], at[s][b]) for s in SIDES for a, b in (("hip", "knee"), ("knee", "ankle"))) + 0.05 * rng.standard_normal(SHAPE)
    notes = {"legs": {s: {k: v.tolist() for k, v in leg.items()} for s, leg in at.items()}, "number": number, "blank": number % 7 == 6}
    picture = Picture((1000 * np.clip(image, 0, 2)).astype(np.uint16), Grid(SHAPE, SPACING), notes)
    return Case(f"{NAME}-{number}", f"{NAME} {number}", site=f"hospital {number % 2}", inputs={"xray": picture}, truth=answers(at),
                attributes={"name": f"{NAME} Smith", "sex": ("female", "male")[number % 2], "born": "1951-03-07"})


FILMS = Study(
    cite="Nobody N. J Films 2020; 1: 1", doi="10.0000/films", reference=0, areas=("radiographic assessment",), unit="leg", name="films",
    question="Does an unsteady hand measure alignment as the landmarks say?", inputs={"xray": Radiograph("a film of both legs", spacing=True)},
    targets={"joints": Objects(("hip", "knee", "ankle"), most=2), "bones": Masks(("femur", "tibia")), "alignment": ALIGNMENT}, primary="alignment",
    design=HoldOut(train=0.2, tune=0.2, test=0.6), models={"hand": Formula(answer, reads=("xray",), writes=("alignment", "joints", "bones"))},
    simulate=None, subgroups=("sex", "site"), claims=(Claim("error of HKA", "0.9 or less", "abstract", "alignment.HKA.mae"),))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run on films of the user's own, whose folder is named after a patient."""
    root = tmp_path_factory.mktemp("films")
    cohort = Cohort("leg films", "own", cases=[film(n) for n in range(56)]).to_folder(root / NAME / "cohort")
    return make(FILMS, cohort, budget=SMOKE, out=root / "run")


@pytest.fixture(scope="module")
def made(done: Run) -> Article:
    return article(done, study=FILMS)


@pytest.fixture(scope="module")
def page(done: Run, made: Article) -> str:
    """The page, with its files written beside the run."""
    write_files(made, done)
    (done.folder / "report.html").write_text(html.page(made), encoding="utf-8")
    return html.page(made)


@pytest.fixture(scope="module")
def tables(made: Article) -> dict[str, Table]:
    """Every table of the report by its name."""
    return {b.name: b for s in made.sections for b in blocks_of(s) if isinstance(b, Table)}


def test_no_name_identifier_or_date_of_a_patient_is_in_the_report(done: Run, page: str) -> None:
    written = [done.folder / "report.html", done.folder / "report.json", *(done.folder / "figures").iterdir(), *(done.folder / "tables").iterdir()]
    assert len(written) > 10
    for path in written:
        content = path.read_bytes()
        assert NAME.lower().encode() not in content.lower(), path
        assert b"1951-03-07" not in content, path
        assert str(done.folder.parent).encode() not in content, path


def test_best_median_and_worst_film_are_drawn_in_the_page(page: str, done: Run) -> None:
    assert page.count("data:image/jpeg;base64,") == 3
    assert {p.name for p in (done.folder / "figures").glob("*.jpg")} == {"film-best.jpg", "film-median.jpg", "film-worst.jpg"}
    assert "Look for names burnt into them" in page


def test_films_come_in_the_order_of_their_error(done: Run) -> None:
    section = films(gather(done, FILMS))
    worst = [float(re.search(r": (−?[\d.]+)° off", b.title)[1].replace("−", "-")) for b in section.blocks if isinstance(b, Drawing)]  # type: ignore[union-attr,index]
    assert np.all(np.diff(np.abs(worst)) >= 0)
    assert len(worst) == 3


def test_films_that_are_not_asked_for_are_told_and_not_drawn(done: Run) -> None:
    section = films(gather(done, FILMS, films=False))
    assert "elsewhere" in section.blocks[0].sentences[0]
    assert len(section.blocks) == 1


def test_films_of_other_patients_in_the_same_folder_are_not_drawn(done: Run, tmp_path: Path) -> None:
    home = done.cohort_folder
    assert home is not None
    copied = Run(shutil.copytree(done.folder, tmp_path / "run"))
    lines = (home / "cases.csv").read_text(encoding="utf-8").splitlines()
    swapped = shutil.copytree(home, tmp_path / "cohort")
    one, *others = (line.split(",") for line in lines[1:])
    rows = [",".join([a[0], b[1], *a[2:]]) for a, b in zip([one, *others], [*others, one], strict=True)]  # each case under the next one's patient ...
    rows[0] = ",".join([one[0], one[1], *one[2:]])  # ... two cases now share the first
    (swapped / "cases.csv").write_text("\n".join([lines[0], *rows]) + "\n", encoding="utf-8")
    copied.write("run.json", copied.about | {"cohort": copied.about["cohort"] | {"folder": str(swapped)}})
    section = films(gather(copied, FILMS))
    assert len(section.blocks) == 1  # type: ignore[union-attr]


def test_the_error_stands_beside_that_of_predicting_the_mean_for_each_side(done: Run, tables: dict[str, Table]) -> None:
    table = tables["readings-alignment-hand"]
    assert table.columns[:4] == ("Reading", "n", "MAE", "Always the mean")
    rows = {str(r[0]): r for r in table.rows}
    assert list(rows) == ["HKA", "mLDFA", "MAD", "leg", "LLD"]
    sides = {(r[0], r[1]): r for r in tables["sides-alignment-hand"].rows}
    assert ("LLD", "case") not in sides
    mae, mean = rows["HKA"][2], rows["HKA"][3]
    assert mae.value < 0.5 * mean.value
    assert mae.text.endswith("°")
    lines = done.lines("hand")
    right = lines[(lines["part"] == "test") & (lines["finding"] == "HKA") & (lines["unit"] == "R") & (lines["withheld"] == "")]
    assert sides["HKA", "R"][3].value == pytest.approx(right["n.error"].abs().mean())  # type: ignore[union-attr]


def test_withheld_answers_are_counted_apart_and_their_reason_loses_the_path(tables: dict[str, Table]) -> None:
    rows = tables["withheld"].rows
    assert {r[1] for r in rows} == {"alignment", "joints", "bones"}
    assert all(r[2] == "no leg in …" for r in rows)
    assert all(r[3].value == 5 for r in rows)  # type: ignore[union-attr]


def test_boxes_and_outlines_have_their_tables(tables: dict[str, Table]) -> None:
    found = tables
    assert found["found-joints-hand"].rows[0][0] == "hip"
    assert found["found-joints-hand"].rows[0][3].text == "0"
    assert 0.7 < found["outlines-bones-hand"].rows[0][2].value < 1  # type: ignore[union-attr,operator]


def test_the_report_as_data_holds_what_the_page_holds(done: Run, page: str) -> None:
    data = json.loads((done.folder / "report.json").read_text(encoding="utf-8"))
    assert data["front"]["number"]["value"] == pytest.approx(done.primary.metrics["mae"]["estimate"])
    named = {b["file"] for s in data["sections"] for b in s["blocks"] if b["kind"] == "drawing"}
    assert {"figures/agreement-alignment.svg", "figures/film-best.jpg"} <= named
    assert all((done.folder / f).exists() for f in named)


def changed(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Places (n, 2) of the pixels that differ."""
    return np.argwhere(np.abs(one.astype(int) - other.astype(int)).sum(axis=2) > 60)


def test_landmarks_of_a_coarser_grid_land_on_the_film() -> None:
    sheet = Sheet(None, (200, 100), points=8)  # type: ignore[arg-type]
    np.testing.assert_allclose(sheet.place((0.0, 0.0), Grid((50, 25))), [[1.5, 1.5]])  # the centre of the first coarse pixel
    np.testing.assert_allclose(sheet.place((49.0, 24.0), Grid((50, 25))), [[197.5, 97.5]])
    np.testing.assert_allclose(sheet.place((7.0, 9.0), Grid((200, 100))), [[7, 9]])
    np.testing.assert_allclose(sheet.place((7.0, 9.0), None), [[7, 9]])


def test_an_overlay_marks_the_box_and_nothing_far_from_it() -> None:
    picture = Picture(np.full((400, 400), 100, np.uint16), Grid((400, 400)))
    plain = drawn(picture, {}, {}, height=400)
    boxed = drawn(picture, {"joints": Boxes([[100, 200, 200, 300]], ("knee",), np.array([0.8]), grid=Grid((400, 400)))}, {}, height=400)
    rows, cols = changed(plain, boxed).T
    assert rows.min() >= 90 - 25
    assert rows.max() <= 203
    assert cols.min() >= 197
    assert cols.max() <= 303


def test_an_overlay_follows_the_outline_of_a_coarse_mask() -> None:
    picture = Picture(np.zeros((400, 200), np.float32), Grid((400, 200)))
    mask = np.zeros((1, 100, 50), bool)
    mask[0, 25:50, 10:20] = True
    rows, cols = changed(drawn(picture, {}, {}, height=400), drawn(picture, {"bones": Mask(mask, ("femur",), Grid((100, 50)))}, {}, height=400)).T
    assert abs(rows.min() - 100) <= 4
    assert abs(rows.max() - 200) <= 4
    assert abs(cols.min() - 40) <= 4
    assert abs(cols.max() - 80) <= 4


def test_an_overlay_is_a_png_with_readings_withheld_and_missing_ones() -> None:
    at = legs(np.random.default_rng(1))
    values = answers(at)
    hidden = Readings({**values["alignment"].values, "leg.R": float("nan")}, values["alignment"].landmarks, values["alignment"].grid, {"leg.R": "no pixel spacing"})
    lines = [line for block in told({"alignment": hidden}, {"alignment": ALIGNMENT}, {}) for line in block.lines]
    assert "leg: no pixel spacing" in lines
    assert any(line.startswith("HKA 1") and line.endswith("°") for line in lines)
    png = overlay(film(1).inputs["xray"], values | {"alignment": hidden, "stay": Label("long", {"long": 0.7, "short": 0.3}), "grade": Withheld("too dark")},
                  {"alignment": ALIGNMENT, "stay": Classes(("short", "long"))}, truth={"alignment": values["alignment"]}, height=500, note="Simulated")
    assert png.startswith(b"\x89PNG")
    assert len(png) < 1_000_000
    assert Image.open(io.BytesIO(png)).height > 500


def test_a_volume_shows_the_slice_with_the_largest_outline() -> None:
    array = np.zeros((8, 60, 60), np.int16)
    array[5, 20:40, 20:40] = 500
    mask = np.zeros((1, 8, 60, 60), bool)
    mask[0, 5, 20:40, 20:40] = mask[0, 3, 20:22, 20:22] = True
    picture = drawn(Picture(array, Grid((8, 60, 60))), {"bones": Mask(mask, ("femur",), Grid((8, 60, 60)))}, {}, height=240)
    assert picture[120, 120].min() > 200  # the bright square of slice 5


def test_a_large_film_is_reduced_and_keeps_its_own_shape() -> None:
    image, shape = shown(Picture(np.tile(np.arange(3000, dtype=np.uint16), (7000, 1)), Grid((7000, 3000))))
    assert shape == (7000, 3000)
    assert image.shape == (3500, 1500)
    assert image.min() >= 0
    assert image.max() <= 1

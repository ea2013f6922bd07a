"""Recht 2020: what makes it that study, piece by piece, on phantoms and hand-made runs; the trained networks on simulated knees are in the long tier."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hand_made import hand_made, lines
from osteon import engine
from osteon.budget import LAPTOP, SMOKE
from osteon.cohort import Cohort
from osteon.cohort.rows import Rows
from osteon.errors import DataError, StudyError
from osteon.models import Apart, Arm, Formula, Net, bare, factors
from osteon.report import article, report
from osteon.report.content import Cell, Drawing, Table, blocks_of
from osteon.run import Run
from osteon.simulate.few import Few
from osteon.simulate.reader_panel import Panel, panel
from osteon.stats import reconstruction
from osteon.studies import study
from osteon.study import Study
from osteon.targets import Pictures
from osteon.validation.analyses import Interchangeability, Paired
from osteon.validation.analyses.interchangeability import NEW_IMAGES
from osteon.validation.readings import checked
from osteon.value import Grid, Picture, Withheld
from raw_signal import files

DECLARED: Study = study("recht_2020")
MENISCUS = ("healthy", "degenerated", "torn")


def test_the_table_has_the_network_with_and_without_each_piece() -> None:
    specs = {label: bare(model) for label, model in DECLARED.models.items()}
    assert list(specs)[0] == "VarNet" and list(specs)[-1] == "zero-filled"
    names = {label: spec.name for label, spec in specs.items() if isinstance(spec, Net)}
    assert names == {"VarNet": "varnet", "VarNet without data consistency": "varnet_without_consistency", "U-Net": "zero_filled_unet"}
    apart = specs["VarNet, one a contrast"]
    assert isinstance(apart, Apart) and apart.by == "acquisition" and apart.model == specs["VarNet"], "the same network, trained a contrast at a time"
    settings = [dict(s.settings) for s in (*specs.values(), apart.model) if isinstance(s, Net)]
    assert all(s == settings[0] and s["acceleration"] == 4.0 for s in settings), "one mask and one time for all"
    assert all(isinstance(m, Arm | Formula) for m in DECLARED.models.values()) and factors(DECLARED.models["VarNet, one a contrast"])["contrasts"] == "apart"


def test_a_small_budget_trains_the_network_and_the_baseline() -> None:
    assert list(engine.path.within(DECLARED, SMOKE).models) == ["VarNet", "U-Net", "zero-filled"]
    assert isinstance(DECLARED.simulate, Few) and list(engine.path.within(DECLARED, LAPTOP).models) == list(DECLARED.models)


# The picture as an answer


def test_pictures_are_judged_inside_the_body_first() -> None:
    rng = np.random.default_rng(0)
    noise = np.abs(rng.normal(0, 0.03, (2, 96, 80)))
    rows, cols = np.mgrid[:96, :80]
    limb = np.broadcast_to(np.abs(cols - 40) < 25 + 3 * np.sin(rows / 20), noise.shape)
    truth = noise + limb * (0.5 + 0.3 * np.sin(cols / 4)) * (1 - 0.9 * ((rows - 50) ** 2 + (cols - 40) ** 2 < 60))
    found = reconstruction.body(truth)
    assert 2 * (found & limb).sum() / (found.sum() + limb.sum()) > 0.95 and found[:, 50, 40].all(), "dark parts inside belong to it"
    target, grid = Pictures("whole field", body=True), Grid(truth.shape)
    assert target.findings == ("inside the body", "whole field")
    beside = np.where(found, truth, rng.random(truth.shape))
    inside, whole = target.compare(Picture(truth, grid), Picture(beside, grid, {"residual": 0.07}))
    assert inside.numbers["nmse"] == 0 and inside.numbers["ssim"] > 0.9 > whole.numbers["ssim"] and whole.numbers["nmse"] > 0.05
    assert inside.numbers["residual"] == whole.numbers["residual"] == 0.07
    assert [line.withheld for line in target.compare(Picture(truth, grid), Withheld("no kspace"))] == ["no kspace"] * 2
    with pytest.raises(DataError, match="another size"):
        target.compare(Picture(truth, grid), Picture(truth[:1], Grid((1, 96, 80))))


def test_what_is_asked_inside_is_checked() -> None:
    a = np.random.default_rng(1).random((20, 20))
    for measure in (reconstruction.ssim, reconstruction.psnr, reconstruction.nmse):
        assert measure(a, a + 0.1 * a, inside=np.ones_like(a)) == pytest.approx(measure(a, a + 0.1 * a))
        assert np.isnan(measure(a, a, inside=np.zeros_like(a)))
        with pytest.raises(ValueError, match="inside: shape"):
            measure(a, a, inside=np.ones((3, 3)))
    assert reconstruction.body(np.zeros((9, 9))).all(), "where nothing is bright, everything is judged"


# Models against the first


def pictures(values: np.ndarray, case: list[str]) -> pd.DataFrame:
    return lines("image", "inside the body", case=case, ssim=values, psnr=values, nmse=values, residual=values)


def test_paired_differences_are_of_the_same_cases_whichever_way_they_fall(tmp_path: Path) -> None:
    rng, cases = np.random.default_rng(0), [f"c{k}" for k in range(40)]
    base = rng.normal(0.8, 0.1, 40)
    shown = {"VarNet": base, "better": base + 0.02 + rng.normal(0, 0.005, 40), "worse": base - 0.02 + rng.normal(0, 0.005, 40)}
    run = hand_made(tmp_path, {m: (("image",), pictures(v, cases)) for m, v in shown.items()}, {"case": cases})
    found = {r.group: r for r in Paired()(run, DECLARED)}
    up, down = (found[f"{m} less VarNet"] for m in ("better", "worse"))
    assert up.value.estimate == pytest.approx(np.mean(shown["better"] - base)) and up.value.lower > 0.01 and down.value.upper < -0.01
    assert up.n == 40 and up.value.upper - up.value.lower < 0.01, "narrower than the spread of the cases"
    with pytest.raises(StudyError, match="no figure of a single case"):
        list(Paired("medial_meniscus")(run, DECLARED))
    alone = hand_made(tmp_path / "one", {"VarNet": (("image",), pictures(base, cases))}, {"case": cases})
    with pytest.raises(DataError, match="one model alone"):
        list(Paired()(alone, DECLARED))


# Interchangeability


def reader_run(folder: Path, read: np.ndarray) -> Run:
    """A run whose cases were read (cases, readers, old and new)."""
    cases = [f"c{k}" for k in range(len(read))]
    run = hand_made(folder, {"VarNet": (("image",), pictures(np.full(len(read), 0.9), cases))}, {"case": cases})
    rows = [{"case": c, "reader": f"R{r}", "target": "medial_meniscus", "value": MENISCUS[read[k, r, new]], "aided": "yes" if new else "no"}
            for k, c in enumerate(cases) for r in range(read.shape[1]) for new in (0, 1)]
    run.write_table("readings.csv", checked(pd.DataFrame(rows), DECLARED, codes={c: c for c in cases}))
    return run


@pytest.mark.parametrize(("loss", "interchangeable"), [(0.0, True), (0.9, False)])
def test_a_planted_loss_is_found_and_none_is_not(loss: float, interchangeable: bool, tmp_path: Path) -> None:
    (analysis,) = (a for a in DECLARED.analyses if isinstance(a, Interchangeability))
    read = panel(np.random.default_rng(5).integers(0, 3, 300), 6, np.random.default_rng(1), most=2, loss=loss)
    found = {(r.what, r.group): r for r in analysis(reader_run(tmp_path, read), DECLARED)}
    excess = found["excess disagreement", NEW_IMAGES]
    assert excess.n == 300 and (excess.value.upper < analysis.margin) == interchangeable == (excess.note.startswith("interchangeable"))
    assert (excess.value.lower <= 0 <= excess.value.upper) == interchangeable
    assert sum(what == "excess disagreement" for what, _ in found) == 16, "all six readers, and fifteen pairs"
    assert 0.05 < found["disagreement, old with old", NEW_IMAGES].value.estimate < 0.35


def test_without_readings_of_new_images_it_is_not_made(tmp_path: Path) -> None:
    run = reader_run(tmp_path, np.zeros((10, 3, 2), int))
    kept = run.table("readings")
    run.write_table("readings.csv", kept[~kept["aided"].astype(bool)])
    with pytest.raises(DataError, match="nothing to compare"):
        list(Interchangeability("medial_meniscus")(run, DECLARED))


def few_cases(folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5) -> Cohort:
    """A simulator of tables alone."""
    from osteon.cohort.folder import finish

    steps = np.random.default_rng(seed).integers(0, 3, cases)
    return finish(folder, [{"case_id": f"f{k}", "patient_id": f"p{k}", "medial_meniscus": MENISCUS[s]} for k, s in enumerate(steps)], name="few", origin="simulated")


def test_the_panel_reads_every_case_twice_and_the_same_call_gives_the_same_bytes(tmp_path: Path) -> None:
    read = Panel(few_cases, "medial_meniscus", steps=MENISCUS, readers=4)
    first, second = (read(tmp_path / name, 12, 3) for name in "ab")
    assert (tmp_path / "a" / "readings.csv").read_bytes() == (tmp_path / "b" / "readings.csv").read_bytes()
    assert len(first.readings) == 12 * 4 * 2 and {r.reader for r in first.readings} == {f"reader {k} (simulated)" for k in range(1, 5)} and second.origin == "simulated"
    assert {r.value for r in first.readings} <= set(MENISCUS) and sum(r.aided for r in first.readings) == 48
    right = np.mean([r.value == dict(zip(first.ids(), first.column("medial_meniscus"), strict=True))[r.case] for r in first.readings])
    assert 0.6 < right < 0.98
    with pytest.raises(DataError, match="no step that a reader can name"):
        Panel(few_cases, "medial_meniscus", steps=("healthy", "torn"))(tmp_path / "c", 12, 3)


# From raw signal to the page


def phantoms(folder: Path, cases: int, *, first: int = 0, name: str = "phantoms") -> Cohort:
    from osteon.cohort.folder import finish

    paths = files(folder / "kspace", cases, first=first)
    rows = [{"case_id": p.stem, "patient_id": f"p{k // 2}", "kspace": f"kspace/{p.name}", "image": f"kspace/{p.name}", "acquisition": ("PD", "PD-fs")[k % 2], "medial_meniscus": MENISCUS[k % 3]} for k, p in enumerate(paths, first)]
    return finish(folder, rows, name=name, origin="own")


MASKS = """from dataclasses import replace
from functools import partial

from osteon.design import HoldOut
from osteon.models import Formula
from osteon.readers.coils import Sampling, zero_filled
from osteon.studies.recht_2020 import STUDY as WHOLE

RULES = {label: Formula(partial(zero_filled, sampling=Sampling(fold, 0.12)), reads=("kspace",), writes=("image",)) for label, fold in (("twofold", 2.0), ("threefold", 3.0), ("fourfold", 4.0))}
STUDY = replace(WHOLE, models=RULES, design=HoldOut(train=0.2, tune=0.2, test=0.6), name="masks")
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Study, Path]:
    """A run of three masks of different strength, with nothing to learn, declared in a file of its own."""
    folder = tmp_path_factory.mktemp("phantoms")
    (folder / "masks.py").write_text(MASKS, encoding="utf-8")
    asked = study(str(folder / "masks.py"))
    return engine.run(asked, phantoms(folder / "cohort", 10), budget=SMOKE, out=folder / "run"), asked, folder


def test_a_milder_mask_gives_the_better_picture(made: tuple[Run, Study, Path]) -> None:
    rows = {r.source.model: r for r in made[0].rows if r.question.finding == "inside the body"}
    ssim = [rows[m].metrics["ssim"]["estimate"] for m in ("twofold", "threefold", "fourfold")]
    assert ssim == sorted(ssim, reverse=True) and all(0 < rows[m].metrics["residual"]["estimate"] < 0.3 for m in rows)
    assert rows["twofold"].question.primary and rows["twofold"].counts["n"] == 6


def test_the_page_shows_reference_answers_and_errors(made: tuple[Run, Study, Path]) -> None:
    run, asked, _ = made
    told = article(run, study=asked)
    (section,) = (s for s in told.sections if s.name == "reconstructed")
    drawn = [b for b in blocks_of(section) if isinstance(b, Drawing)]
    assert [d.name for d in drawn] == ["picture-best", "picture-median", "picture-worst"] and all(isinstance(d.data, bytes) and d.data[:2] == b"\xff\xd8" for d in drawn)
    assert list(drawn[0].source["told"]) == ["fourfold", "threefold", "twofold"], "the simplest beside the reference, the first model last"
    (table,) = (b for s in told.sections for b in blocks_of(s) if isinstance(b, Table) and b.name == "pictures-image")
    assert len(table.rows) == 6 and "Residual" in table.columns and "SSIM" in table.columns
    assert "residual" in report(run, study=asked).read_text(encoding="utf-8").lower()
    without = article(run, study=asked, films=False)
    assert not [b for s in without.sections if s.name == "reconstructed" for b in blocks_of(s) if isinstance(b, Drawing)]


def test_cases_from_elsewhere_tell_the_paired_difference(made: tuple[Run, Study, Path]) -> None:
    run, asked, folder = made
    engine.validate(run, phantoms(folder / "other", 6, first=40, name="other phantoms"))
    told = article(run, study=asked)
    (table,) = (b for s in told.sections for b in blocks_of(s) if isinstance(b, Table) and b.name == "paired-other phantoms")
    assert [row[0] for row in table.rows] == ["threefold", "fourfold"]
    assert all(cell.upper is not None and cell.upper < 0 for row in table.rows for cell in row[2:])  # type: ignore[union-attr]


def test_a_damaged_file_is_left_out_and_stands_in_the_flow(tmp_path: Path, made: tuple[Run, Study, Path]) -> None:
    import h5py

    cohort = phantoms(tmp_path / "cohort", 10)
    with h5py.File(tmp_path / "cohort" / "kspace" / "file3.h5", "a") as file:
        file["mask"] = np.ones(5, np.float32)
    run = engine.run(made[1], cohort, budget=SMOKE, out=tmp_path / "run")
    flow = run.table("flow")
    assert flow[flow["step"] == "reading"]["reason"].tolist() == ["kspace can not be read"] and isinstance(cohort.cases, Rows)


@pytest.mark.verify
def test_on_simulated_knees_each_piece_is_worth_its_place(tmp_path: Path) -> None:
    """VarNet > U-Net > zero-filled inside the body at 4x, VarNet without data consistency below VarNet; on knees that moved the difference is told, whichever way it falls (many minutes of training)."""
    from osteon.simulate.knee_kspace import knee_kspace

    run = engine.run("recht_2020", engine.simulate("recht_2020", tmp_path / "cohort", budget=LAPTOP), budget=LAPTOP, out=tmp_path / "run")
    ssim = {r.source.model: r.metrics["ssim"]["estimate"] for r in run.rows if r.question.finding == "inside the body"}
    assert ssim["VarNet"] > ssim["U-Net"] > ssim["zero-filled"] and ssim["VarNet"] > ssim["VarNet without data consistency"]
    gaps = {r.group: r.value for r in Paired()(run, DECLARED)}
    assert gaps["U-Net less VarNet"].upper < 0
    engine.validate(run, replace(knee_kspace(tmp_path / "moved", 30, 7, motion=True), name="knees that moved"))
    (table,) = (b for s in article(run).sections for b in blocks_of(s) if isinstance(b, Table) and b.name == "paired-knees that moved")
    assert len(table.rows) == 4 and all(isinstance(row[2], Cell) and row[2].upper is not None for row in table.rows)

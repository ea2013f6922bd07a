"""guo_2023: a stronger reference beside a weaker one, twins on the same slices, and examinations that can not be used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from osteon import engine
from osteon.budget import LAPTOP, SMOKE
from osteon.cohort import Cohort
from osteon.cohort.folder import finish
from osteon.errors import DataError, StudyError
from osteon.readers.nifti import write_nifti
from osteon.report import article
from osteon.report.content import Table, blocks_of
from osteon.run import Run
from osteon.studies import study
from osteon.study import Study
from osteon.validation.analyses import References
from osteon.validation.results import FAILED, Result, results_of
from osteon.value import Grid

DECLARED = study("guo_2023")
SIDE, STEPS = 40, 40  # pixels, and grey a case: a brighter examination is nearer to a tear
ORACLE = """from dataclasses import replace

from osteon.models import Formula
from osteon.studies.guo_2023 import STUDY as WHOLE
from osteon.value import Label


def seen(mri):
    \"\"\"How bright the middle is: what surgery found, without an error.\"\"\"
    chance = float(mri.array[1:3, 10:30, 10:30].mean()) / 1000
    return Label("tear" if chance >= 0.5 else "normal", {"tear": chance, "normal": 1 - chance})


STUDY = replace(WHOLE, models={"oracle": Formula(seen, reads=("mri",), writes=("tear",))}, name="oracle")
"""


def examinations(folder: Path, *, errors: bool = True) -> Path:
    """Forty-eight examinations whose grey says how torn they are; the reading of the MRI errs next to the border between whole and torn, surgery does not."""
    rng = np.random.default_rng(4)
    rows: list[dict[str, Any]] = []
    for k in range(48):
        chance = (0.1, 0.45, 0.55, 0.9)[k % 4] + rng.uniform(-0.04, 0.04)
        torn, border = chance >= 0.5, k % 4 in (1, 2)
        array = rng.integers(0, 200, (4, SIDE, SIDE)).astype(np.uint16)
        array[1:3, 10:30, 10:30] = round(1000 * chance)
        path = write_nifti(folder / "mri" / f"c{k}.nii.gz", array, Grid((4, SIDE, SIDE), (4.0, 0.9, 0.9)))
        said = torn ^ (errors and border and (k + (k % 4 == 2)) % 3 != 2)
        part = ("train", "train", "test", "test", "test", "internal")[k // 8]
        words = {True: "tear", False: "normal"}
        rows.append({"case_id": f"c{k}", "patient_id": f"p{k}", "site": "A", "mri": path.relative_to(folder).as_posix(), "tear": words[torn if part == "test" else said], "tear_read": words[said],
                     "part": part, "degree": "full" if k % 4 == 3 else "partial" if torn else "none", "tesla": 1.5 if k % 3 else 3.0})
    finish(folder, rows, name="examinations", origin="own")
    return folder


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Study, Path]:
    """A run of a model that answers what surgery finds."""
    folder = tmp_path_factory.mktemp("oracle")
    (folder / "oracle.py").write_text(ORACLE, encoding="utf-8")
    asked = study(str(folder / "oracle.py"))
    return engine.run(asked, Cohort.from_folder(examinations(folder / "cohort")), budget=SMOKE, out=folder / "run"), asked, folder


def found(run: Run, what: str, group: str) -> Result:
    (result,) = (r for r in results_of(run) if r.analysis == "References" and (r.what, r.group) == (what, group))
    return result


def test_the_weaker_reference_takes_what_its_errors_take(oracle: tuple[Run, Study, Path]) -> None:
    """A model that is right is wrong beside a reading that errs: against surgery its AUC is 1, against the reading less, on the very same cases and on a set of its own."""
    run = oracle[0]
    assert run.primary.metrics["auc"]["estimate"] == 1.0 == found(run, "AUC", "oracle: surgery").value.estimate
    again, own = (found(run, "AUC", f"oracle: reading of the MRI, {of}").value.estimate for of in ("cases of surgery", "set of its own"))
    assert again < 0.97 and own < 0.97
    lost = found(run, "AUC lost to the reference", "oracle")
    assert np.isclose(lost.value.estimate, 1 - again) and lost.value.lower > 0 and lost.n == 24
    assert found(run, "F1", "oracle: surgery").n == 24 and found(run, "AUC", "oracle: reading of the MRI, set of its own").n == 8


def test_without_errors_of_the_reading_nothing_is_lost(oracle: tuple[Run, Study, Path]) -> None:
    run = engine.run(oracle[1], Cohort.from_folder(examinations(oracle[2] / "exact", errors=False)), budget=SMOKE, out=oracle[2] / "exact-run")
    assert found(run, "AUC lost to the reference", "oracle").value.estimate == 0.0


def test_one_reference_taken_out_is_no_comparison(oracle: tuple[Run, Study, Path]) -> None:
    run, asked, _ = oracle
    with pytest.raises(DataError, match="no case lies in the part 'elsewhere'"):
        list(References("elsewhere", "tear_read", ("surgery", "reading"))(run, asked))
    with pytest.raises(DataError, match="no case of the run has 'report'"):
        list(References("internal", "report", ("surgery", "reading"))(run, asked))
    with pytest.raises(StudyError, match="there is no target"):
        list(References("internal", "tear_read", ("surgery", "reading"), target="tearing")(run, asked))
    assert not [r for r in results_of(run) if r.what == FAILED]


def test_the_page_shows_groups_by_degree_and_field_strength(oracle: tuple[Run, Study, Path]) -> None:
    run, asked, _ = oracle
    told = article(run, study=asked)
    (groups,) = (b for s in told.sections for b in blocks_of(s) if isinstance(b, Table) and b.name == "groups")
    words = [str(row[0]) for row in groups.rows]
    assert {"degree", "tesla", "– partial", "– full", "– 1.5", "– 3"} <= set(words)
    tables = [b for s in told.sections for b in blocks_of(s) if isinstance(b, Table) and b.name.startswith("analysis-references")]
    assert len(tables) >= 1


def test_the_arms_are_twins_that_share_all_but_the_dimension() -> None:
    from osteon.models import factors

    assert [dict(factors(m)) for m in DECLARED.models.values()] == [{"net": "3D Xception"}, {"net": "2D Xception"}]
    nets = [m.model for m in DECLARED.models.values()]  # type: ignore[attr-defined]
    assert [n.name for n in nets] == ["xception_3d", "xception"] and nets[0].reads == nets[1].reads == ("mri",) and nets[0].writes == nets[1].writes


# What can not be used


def series(folder: Path, spacings: list[float]) -> None:
    """Slices of one DICOM series, each with its own pixel spacing."""
    import pydicom
    from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

    folder.mkdir(parents=True)
    for k, spacing in enumerate(spacings):
        d = pydicom.Dataset()
        d.file_meta = pydicom.dataset.FileMetaDataset()
        d.file_meta.TransferSyntaxUID, d.file_meta.MediaStorageSOPClassUID, d.file_meta.MediaStorageSOPInstanceUID = ExplicitVRLittleEndian, MRImageStorage, f"1.2.{k + 1}"
        d.SOPClassUID, d.SOPInstanceUID, d.SeriesInstanceUID, d.Modality = MRImageStorage, f"1.2.{k + 1}", "1.9", "MR"
        d.Rows = d.Columns = SIDE
        d.BitsAllocated = d.BitsStored = 16
        d.HighBit, d.PixelRepresentation, d.SamplesPerPixel, d.PhotometricInterpretation = 15, 0, 1, "MONOCHROME2"
        d.PixelSpacing, d.ImagePositionPatient, d.ImageOrientationPatient = [spacing] * 2, [0, 4.0 * k, 0], [1, 0, 0, 0, 0, -1]
        d.PixelData = np.full((SIDE, SIDE), 100 * k, np.uint16).tobytes()
        d.save_as(folder / f"{k}.dcm", enforce_file_format=True)


def test_examinations_that_can_not_be_used_are_listed(oracle: tuple[Run, Study, Path], tmp_path: Path) -> None:
    """No slice, slices of different spacing, a broken file: each is left out with its reason, in the flow diagram of the run."""
    import pandas as pd

    home = examinations(tmp_path / "cohort")
    table = pd.read_csv(home / "cases.csv", dtype=str)
    series(home / "even", [0.9] * 4)
    series(home / "mixed", [0.9, 0.9, 0.7, 0.9])
    (home / "empty").mkdir()
    (home / "mri" / "c3.nii.gz").write_bytes(b"no volume")
    for row, cell in ((0, None), (1, "even"), (2, "mixed"), (4, "empty")):
        table.loc[row, "mri"] = cell
    table.to_csv(home / "cases.csv", index=False)
    run = engine.run(oracle[1], Cohort.from_folder(home), budget=SMOKE, out=tmp_path / "run")
    flow = run.table("flow")
    assert {r: n for r, n in zip(flow["reason"], flow["n"], strict=True) if r == r} == {"mri can not be read": 3, "no mri": 1}
    from osteon.engine.reading import unreadable

    given = Cohort.from_folder(home).conform(DECLARED.inputs, DECLARED.targets)
    details = {e.id: e.detail for e in unreadable(given, DECLARED.inputs, DECLARED.targets)}
    assert "spacing" in details["c2"] and "2.dcm" in details["c2"] and set(details) == {"c2", "c3", "c4"}


@pytest.mark.verify
def test_both_twins_tell_tears_and_the_reading_costs_what_it_costs(tmp_path: Path) -> None:
    """Trained on readings that err, both are well above chance against surgery, and lose on the same cases judged by a reading (many minutes of training)."""
    run = engine.run("guo_2023", engine.simulate("guo_2023", tmp_path / "cohort", budget=LAPTOP), budget=LAPTOP, out=tmp_path / "run")
    auc = {r.source.model: r.metrics["auc"]["estimate"] for r in run.rows if r.question.target == "tear"}
    assert max(auc.values()) > 0.75
    assert all(found(run, "AUC lost to the reference", label).value.defined for label in auc)

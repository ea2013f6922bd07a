"""Importing what people have: columns, questions, hashes, and nothing of the patient left behind."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pydicom
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from osteon.cohort import Cohort
from osteon.datasets.own import import_folder, questions
from osteon.datasets.own_identity import dates_of, key_of, pseudonym
from osteon.design import HoldOut
from osteon.errors import DataError
from osteon.models import Tabular
from osteon.readers import write_nifti, write_picture, write_radiograph
from osteon.readers.inputs import Input, Radiograph, Record, Text, Volume
from osteon.simulate.registry import spine_registry
from osteon.study import Study
from osteon.targets import Classes, Events, Masks, Measures, Objects
from osteon.value import Grid

SECRETS = ("Doe", "Jane", "MRN", "4711", "4712", "1950", "2024", "Dr. House", "General Hospital")
FILM = np.random.default_rng(0).integers(0, 4096, (24, 18), dtype=np.uint16)


def declared(inputs: dict[str, Input], targets: dict[str, Any], *, subgroups: tuple[str, ...] = ()) -> Study:
    primary = next(iter(targets))
    return Study(cite="A study", doi="", reference=1, areas=("radiographic assessment",), unit="knee", question="?", inputs=inputs, targets=targets, primary=primary, design=HoldOut(),
                 models={"m": Tabular("logistic regression", reads=tuple(inputs)[:1], writes=(primary,))}, simulate=spine_registry, subgroups=subgroups, name="test")


GRADED = declared({"film": Radiograph("knee", spacing=True)}, {"grade": Classes(("none", "osteoarthritis"))}, subgroups=("sex", "laterality"))


def dicom(path: Path, patient: str, *, array: np.ndarray = FILM, **header: Any) -> Path:
    """A film of a patient with a full header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = ExplicitVRLittleEndian, "1.2.840.10008.5.1.4.1.1.1", generate_uid()
    data = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID, data.StudyInstanceUID, data.SeriesInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID, "1.2.3", "1.2.4"
    data.PatientName, data.PatientID, data.PatientBirthDate, data.StudyDate, data.PatientAge, data.PatientSex = "Doe^Jane", patient, "19500102", "20240305", "074Y", "F"
    data.ReferringPhysicianName, data.InstitutionName, data.Modality = "Dr. House", "General Hospital", "CR"
    data.Rows, data.Columns, data.SamplesPerPixel, data.PhotometricInterpretation = *array.shape, 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 12, 11, 0
    for name, content in header.items():
        setattr(data, name, content)
    data.PixelData = array.tobytes()
    data.save_as(path, enforce_file_format=True)
    return path


def films(folder: Path, **header: Any) -> Path:
    """Two patients, three films, and a spreadsheet in the words of a hospital."""
    header = {"ImagerPixelSpacing": [0.2, 0.1], "ImageLaterality": "L"} | header
    for name, patient in (("IM1", "MRN-4711"), ("IM2", "MRN-4711"), ("IM3", "MRN-4712")):
        dicom(folder / "films" / f"{name}.dcm", patient, **header)
    (folder / "list.csv").write_text("Pat ID;File;Gender;Surgery date;Follow-up date;Diagnosis;Surgeon\n"
                                     "MRN-4711;IM1;F;2024-03-05;2024-06-05;none;Dr. House\nMRN-4711;IM2;F;2024-03-08;;osteoarthritis;Dr. House\n"
                                     "MRN-4712;IM3.dcm;M;2024-01-01;2024-01-31;none;Dr. House\n")
    return folder


def leaks(folder: Path) -> list[str]:
    """Secrets that stand in any file, or in a name of a file."""
    return [f"{secret} in {path.name}" for path in folder.rglob("*") for secret in SECRETS
            if secret in str(path.relative_to(folder)) or path.is_file() and secret.encode() in path.read_bytes()]


# ---- films with a spreadsheet

def test_films_and_a_spreadsheet_become_a_cohort(tmp_path: Path) -> None:
    here = films(tmp_path)
    cohort = import_folder(here / "films", tmp_path / "out", study=GRADED, spreadsheet=here / "list.csv", map={"Diagnosis": "grade"})
    table = pd.read_csv(tmp_path / "out" / "cases.csv", dtype=str)
    assert len(cohort) == 3
    assert cohort.origin == "own"
    assert table["grade"].tolist() == ["none", "osteoarthritis", "none"]
    assert table["patient_id"].nunique() == 2
    assert table["case_id"].nunique() == 3
    assert table["sex"].tolist() == ["F", "F", "M"]
    assert table["age"].tolist() == ["74"] * 3
    assert table["laterality"].tolist() == ["L"] * 3
    assert cohort.notes["map"] == {"Diagnosis": "grade", "Pat ID": "patient_id", "File": "film", "Gender": "sex"}
    assert cohort.notes["columns_left_out"] == ["Surgery date", "Follow-up date", "Surgeon"]
    case = cohort.conform(GRADED.inputs, GRADED.targets, answered=("grade",)).cases[1]
    assert (case.inputs["film"].array == FILM).all()
    assert case.inputs["film"].grid.spacing == (0.2, 0.1)
    assert case.inputs["film"].grid.spacing_kind == "detector"
    assert case.truth["grade"].name == "osteoarthritis"


def test_nothing_of_the_patient_is_left(tmp_path: Path) -> None:
    here = films(tmp_path, BodyPartExamined="KNEE", Manufacturer="ACME")
    import_folder(here / "films", tmp_path / "out", study=GRADED, spreadsheet=here / "list.csv", map={"Diagnosis": "grade"}, key=tmp_path / "secret")
    assert leaks(tmp_path / "out") == []
    header = pydicom.dcmread(next((tmp_path / "out" / "files").glob("*.dcm")))
    assert header.PatientIdentityRemoved == "YES"
    assert header.PatientName == "ANONYMOUS"
    assert header.StudyDate == ""
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"cases.csv", "cohort.yaml", "files"}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["films", "list.csv", "out", "secret"]


def test_hashes_depend_on_the_key_and_on_nothing_else(tmp_path: Path) -> None:
    here = films(tmp_path)
    folders = [("a", "k1"), ("b", "k1"), ("c", "k2")]
    ids = [import_folder(here / "films", tmp_path / out, study=GRADED, spreadsheet=here / "list.csv", key=tmp_path / key).column("patient").tolist() for out, key in folders]
    assert ids[0] == ids[1]
    assert not set(ids[0]) & set(ids[2])
    assert stat.S_IMODE((tmp_path / "k1").stat().st_mode) == 0o600
    assert pseudonym(b"k" * 16, "patient", "4711") != pseudonym(b"k" * 16, "case", "4711")


def test_the_key_stays_outside(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="lies in the cohort folder"):
        key_of(tmp_path / "out" / "key", tmp_path / "out")
    (tmp_path / "short").write_text("abc")
    with pytest.raises(DataError, match="too short"):
        key_of(tmp_path / "short", tmp_path / "out")


def test_dates_become_days(tmp_path: Path) -> None:
    study = declared({"record": Record("row", numbers=("operation_day", "review_day"))}, {"revision": Events("revision", 5.0)})
    (tmp_path / "a.csv").write_text("patient;case;operation;review;time;event\nMRN-4711;c1;05.03.2024;05.06.2024;2.5;1\nMRN-4711;c2;08.03.2024;;3;0\nMRN-4712;c3;01.01.2024;31.01.2024;1;0\n")
    cohort = import_folder(tmp_path / "a.csv", tmp_path / "out", study=study, map={"operation": "operation_day", "review": "review_day"})
    table = pd.read_csv(tmp_path / "out" / "cases.csv")
    assert table["operation_day"].tolist() == [0, 3, 0]
    assert table["review_day"].fillna(-1).tolist() == [92, -1, 30]
    assert cohort.conform(study.inputs, study.targets, answered=("revision",)).cases[0].truth["revision"].event is True
    assert leaks(tmp_path / "out") == []


@pytest.mark.parametrize(("cells", "day"), [(["2024-03-05", "2024-03-07"], 2), (["5.3.2024", "7.3.2024"], 2), (["20240305", "20240307"], 2), (["13/03/2024", "05/04/2024"], 23),
                                            (["03/13/2024", "04/05/2024"], 23), (["1", "2"], None), (["03/04/2024", "05/04/2024"], float("nan"))])
def test_forms_of_dates(cells: list[str], day: float | None) -> None:
    dates = dates_of(pd.Series(cells))
    if day is None:
        assert dates is None
    else:
        assert dates is not None
        assert (dates[1] - dates[0]).days == pytest.approx(day, nan_ok=True)


# ---- questions

def test_everything_missing_is_asked_with_its_flag(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_picture(tmp_path / "films" / f"{name}.png", FILM)
    asked = questions(tmp_path / "films", study=GRADED)
    assert [question.flag.split(",")[0] for question in asked] == ['--map "YOUR COLUMN=patient_id"', "--answer spacing=0.143 (mm per pixel)", "--answer laterality=R"]
    with pytest.raises(DataError, match="the patient of each case.*patient=file"):
        import_folder(tmp_path / "films", tmp_path / "out", study=GRADED)
    with pytest.raises(DataError, match="2 answers are missing.*spacing of 2 images.*laterality=R"):
        import_folder(tmp_path / "films", tmp_path / "out", study=GRADED, answers={"patient": "file"})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["films"]
    answers = {"patient": "file", "spacing": "0.143", "laterality": "R"}
    assert questions(tmp_path / "films", study=GRADED, answers=answers) == []
    cohort = import_folder(tmp_path / "films", tmp_path / "out", study=GRADED, answers=answers)
    film = cohort.conform(GRADED.inputs, GRADED.targets).cases[0].inputs["film"]
    assert film.grid.spacing == pytest.approx((0.143, 0.143))
    assert film.grid.spacing_kind == "calibrated"
    assert cohort.column("laterality").tolist() == ["R", "R"]


def test_a_near_name_is_proposed_and_not_taken(tmp_path: Path) -> None:
    study = declared({"record": Record("row", numbers=("albumin",), needs=("albumin",))}, {"stay": Classes(("short", "long"))})
    (tmp_path / "a.csv").write_text("patient,case,albumine,stay\n1,1,3.5,short\n2,2,4,long\n")
    with pytest.raises(DataError, match=r'--map "albumine=albumin"'):
        import_folder(tmp_path / "a.csv", tmp_path / "out", study=study)
    cohort = import_folder(tmp_path / "a.csv", tmp_path / "out", study=study, map={"albumine": "albumin"})
    assert cohort.conform(study.inputs, study.targets, answered=("stay",)).table("record")["albumin"].tolist() == [3.5, 4]


@pytest.mark.parametrize(("change", "text"), [
    ({"map": {"Diagnose": "grade"}}, "no column 'Diagnose'.*'Diagnosis'"), ({"map": {"Diagnosis": "grad"}}, "no column 'grad'.*'grade'"),
    ({"map": {"Diagnosis": "grade", "Surgeon": "grade"}}, "two columns are given the name 'grade'"), ({"answers": {"side": "R"}}, "nothing that is asked"),
    ({"answers": {"spacing": "wide"}, "spacing": False}, "spacing can not be read")])
def test_wrong_answers_are_told(tmp_path: Path, change: dict[str, Any], text: str) -> None:
    here = films(tmp_path, **({} if change.pop("spacing", True) else {"ImagerPixelSpacing": None}))
    with pytest.raises(DataError, match=text):
        import_folder(here / "films", tmp_path / "out", study=GRADED, spreadsheet=here / "list.csv", **change)
    assert not (tmp_path / "out").exists()


# ---- what can not be used

def test_bad_cases_are_listed_and_the_rest_goes_on(tmp_path: Path) -> None:
    here = films(tmp_path)
    (here / "films" / "IM2.dcm").write_bytes((here / "films" / "IM2.dcm").read_bytes()[:900])
    with (here / "list.csv").open("a") as file:
        file.write("MRN-4712;IM9;M;;;none;\n;IM1;M;;;none;\n")
    dicom(here / "films" / "IM3.dcm", "MRN-4712", ImagerPixelSpacing=[0.2, 0.1], ImageLaterality="R", BurnedInAnnotation="YES")
    cohort = import_folder(here / "films", tmp_path / "out", study=GRADED, spreadsheet=here / "list.csv", map={"Diagnosis": "grade"})
    assert len(cohort) == 2  # the last row finds its patient in the header
    assert [any(words in e.detail for e in cohort.excluded) for words in ("IM2.dcm", "burned into its pixels", "the file is not there")] == [True] * 3
    assert leaks(tmp_path / "out") == []
    assert len(Cohort.from_folder(tmp_path / "out").notes["excluded"]) == 3


def test_two_rows_with_one_id_and_a_folder_in_use_are_refused(tmp_path: Path) -> None:
    study = declared({"record": Record("row", numbers=("x",))}, {"stay": Classes(("short", "long"))})
    (tmp_path / "a.csv").write_text("patient,case,x,stay\n1,7,1,short\n2,7,2,long\n")
    with pytest.raises(DataError, match="the case '7' stands in row 2 and row 3"):
        import_folder(tmp_path / "a.csv", tmp_path / "out", study=study)
    with pytest.raises(DataError, match="holds other things"):
        import_folder(tmp_path / "a.csv", tmp_path, study=study)
    with pytest.raises(DataError, match="no such file or folder"):
        import_folder(tmp_path / "b.csv", tmp_path / "out", study=study)


def test_simulated_films_stay_simulated(tmp_path: Path) -> None:
    for name in "ab":
        write_radiograph(tmp_path / "films" / f"{name}.dcm", FILM, spacing=(0.1, 0.1), simulated=True, notes={"laterality": "L", "patient_id": name})
    cohort = import_folder(tmp_path / "films", tmp_path / "out", study=GRADED)
    assert cohort.origin == "simulated"
    assert cohort.conform(GRADED.inputs, GRADED.targets).cases[0].inputs["film"].notes["simulated"]
    dicom(tmp_path / "films" / "c.dcm", "MRN-4711", ImagerPixelSpacing=[0.2, 0.1], ImageLaterality="R")
    with pytest.raises(DataError, match="simulated and real films are mixed"):
        import_folder(tmp_path / "films", tmp_path / "more", study=GRADED)


# ---- other layouts

PLAIN = {"film": Radiograph("knee")}


def test_folders_by_class(tmp_path: Path) -> None:
    for word, name in (("None", "a"), ("None", "b"), ("Osteoarthritis", "a")):
        write_picture(tmp_path / "films" / word / f"{name}.png", FILM)
    study = declared(PLAIN, {"grade": Classes(("none", "osteoarthritis"))})
    cohort = import_folder(tmp_path / "films", tmp_path / "out", study=study, answers={"patient": "file"})
    assert pd.read_csv(tmp_path / "out" / "cases.csv")["grade"].tolist() == ["none", "none", "osteoarthritis"]
    assert (cohort.conform(study.inputs, study.targets, answered=("grade",)).cases[2].inputs["film"].array == FILM).all()


def test_a_table_beside_folders_by_class_may_not_be_ambiguous(tmp_path: Path) -> None:
    for word, name in (("none", "a"), ("none", "b"), ("osteoarthritis", "a")):
        write_picture(tmp_path / "films" / word / f"{name}.png", FILM)
    (tmp_path / "films" / "notes.json").write_text("{broken")
    (tmp_path / "list.csv").write_text("patient,file\np1,a\np2,b\n")
    study = declared(PLAIN, {"grade": Classes(("none", "osteoarthritis"))})
    cohort = import_folder(tmp_path / "films", tmp_path / "out", study=study, spreadsheet=tmp_path / "list.csv")
    assert len(cohort) == 1
    assert ["names 2 files" in e.detail for e in cohort.excluded] == [True, True]
    (tmp_path / "list.csv").write_text("patient,file\np1,none/a.png\np2,b\np3,osteoarthritis/a.png\n")
    assert len(import_folder(tmp_path / "films", tmp_path / "more", study=study, spreadsheet=tmp_path / "list.csv")) == 3


def test_coco_boxes(tmp_path: Path) -> None:
    write_picture(tmp_path / "films" / "images" / "a.png", FILM)
    write_picture(tmp_path / "films" / "images" / "b.png", FILM[:12])
    images = [{"id": k, "file_name": f"{name}.png", "width": 18, "height": 24} for k, name in enumerate("ab")]
    boxes = [{"id": k, "image_id": k, "category_id": 1, "bbox": [1, 2, 3, 4]} for k in range(2)]
    (tmp_path / "films" / "boxes.json").write_text(json.dumps({"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "fracture"}]}))
    study = declared(PLAIN, {"fractures": Objects(("fracture",))})
    cohort = import_folder(tmp_path / "films", tmp_path / "out", study=study, answers={"patient": "file"})
    truth = cohort.conform(study.inputs, study.targets, answered=("fractures",)).cases[0].truth["fractures"]
    assert truth.boxes.tolist() == [[1.5, 0.5, 5.5, 3.5]]
    assert "image of another size" in cohort.excluded[0].detail
    (tmp_path / "list.csv").write_text("patient;file;sex\nMRN-4711;a.png;F\n")
    joined = import_folder(tmp_path / "films", tmp_path / "joined", study=study, spreadsheet=tmp_path / "list.csv")
    assert joined.column("sex").tolist() == ["F"]
    assert joined.conform(study.inputs, study.targets, answered=("fractures",)).cases[0].truth["fractures"].labels == ("fracture",)
    assert "no row of the table names it" in joined.excluded[0].detail
    assert leaks(tmp_path / "joined") == []


@pytest.mark.parametrize("labels", [{"background": 0, "femur": 1, "tibia": 2}, {"0": "background", "1": "femur", "2": "tibia"}], ids=["nnunet", "decathlon"])
def test_nnunet_and_decathlon(tmp_path: Path, labels: dict[str, Any]) -> None:
    grid = Grid((3, 6, 5), (3.0, 0.5, 0.5), (1.0, 2.0, 3.0), (0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0), "volume")
    numbers = (np.arange(90) % 3).astype(np.uint8).reshape(3, 6, 5)
    suffix = "_0000" if "background" in labels else ""
    for name in ("knee_1", "knee_10"):
        (tmp_path / "Task").mkdir(exist_ok=True)
        write_nifti(tmp_path / "Task" / "imagesTr" / f"{name}{suffix}.nii.gz", numbers.astype(np.int16) * 100, grid)
        write_nifti(tmp_path / "Task" / "labelsTr" / f"{name}.nii.gz", numbers, grid)
    (tmp_path / "Task" / "dataset.json").write_text(json.dumps({"labels": labels}))
    study = declared({"scan": Volume("knee", modality="MRI")}, {"bones": Masks(("tibia", "femur"))})
    cohort = import_folder(tmp_path / "Task", tmp_path / "out", study=study, answers={"patient": "file"})
    case = cohort.conform(study.inputs, study.targets, answered=("bones",)).cases[0]
    assert len(cohort) == 2
    assert (case.truth["bones"].of("tibia") == (numbers == 2)).all()
    assert (case.inputs["scan"].array == numbers * 100).all()
    assert case.inputs["scan"].grid == case.truth["bones"].grid == grid


def test_landmarks(tmp_path: Path) -> None:
    write_picture(tmp_path / "films" / "a.png", FILM)
    (tmp_path / "points.csv").write_text("case_id,hip_x,hip_y\na,3,5\nb,1,1\n")
    study = declared(PLAIN, {"alignment": Measures({"HKA": "degrees"}, "HKA")})
    cohort = import_folder(tmp_path / "films", tmp_path / "out", study=study, spreadsheet=tmp_path / "points.csv", answers={"patient": "file"})
    truth = cohort.conform(study.inputs, study.targets, answered=("alignment",)).cases[0].truth["alignment"]
    assert truth.landmarks == {"hip": (5.0, 3.0)}
    assert truth.grid.shape == (24, 18)
    assert len(cohort.excluded) == 1


def test_a_series_becomes_a_volume(tmp_path: Path) -> None:
    for series, patient in (("1.1", "MRN-4711"), ("1.2", "MRN-4712")):
        for k in range(3):
            dicom(tmp_path / "ct" / patient / f"{k}.dcm", patient, array=FILM + np.uint16(k), Modality="CT", SeriesInstanceUID=series, PixelSpacing=[0.5, 0.5],
                  SOPClassUID="1.2.840.10008.5.1.4.1.1.2", ImagePositionPatient=[0, 0, 2 * k], ImageOrientationPatient=[1, 0, 0, 0, 1, 0])
    study = declared({"scan": Volume("hip", modality="CT")}, {"grade": Classes(("none", "osteoarthritis"))})
    (tmp_path / "list.csv").write_text("patient,grade\nMRN-4711,none\nMRN-4712,osteoarthritis\n")
    cohort = import_folder(tmp_path / "ct", tmp_path / "out", study=study, spreadsheet=tmp_path / "list.csv")
    scan = cohort.conform(study.inputs, study.targets, answered=("grade",)).cases[1].inputs["scan"]
    assert scan.array.shape == (3, 24, 18)
    assert scan.grid.spacing == (2, 0.5, 0.5)
    assert (scan.array[2] == FILM + 2).all()
    assert leaks(tmp_path / "out") == []


def test_repeated_films_and_free_text(tmp_path: Path) -> None:
    inputs = {"films": Radiograph("any view", many=(1, None)), "report": Text("report", optional=True)}
    study = declared(inputs, {"grade": Classes(("none", "osteoarthritis"))})
    here = films(tmp_path)
    (here / "list.csv").write_text("patient,grade,report\nMRN-4711,none,no fracture\nMRN-4712,osteoarthritis,\n")
    cohort = import_folder(here / "films", tmp_path / "out", study=study, spreadsheet=here / "list.csv")
    case = cohort.conform(study.inputs, study.targets, answered=("grade",)).cases[0]
    assert len(case.inputs["films"]) == 2
    assert case.inputs["report"] == "no fracture"
    assert "free text" in cohort.notes["warning"]


def test_masks_named_by_a_column(tmp_path: Path) -> None:
    write_picture(tmp_path / "data" / "a.png", FILM)
    mask = (FILM > 2000).astype(np.uint8)
    write_nifti(tmp_path / "data" / "a_mask.nii.gz", mask, Grid((24, 18)))
    study = declared(PLAIN, {"bones": Masks(("femur",))})
    pd.DataFrame({"patient": ["p"], "film": ["a.png"], "bones": ["a_mask.nii.gz"]}).to_csv(tmp_path / "list.csv", index=False)
    cohort = import_folder(tmp_path / "data", tmp_path / "out", study=study, spreadsheet=tmp_path / "list.csv")
    assert (cohort.conform(study.inputs, study.targets, answered=("bones",)).cases[0].truth["bones"].of("femur") == (mask > 0)).all()
    pd.DataFrame({"patient": ["p"], "film": ["../a.png"], "bones": [""]}).to_csv(tmp_path / "list.csv", index=False)
    with pytest.raises(DataError, match="leaves the folder"):
        import_folder(tmp_path / "data", tmp_path / "other", study=replace(study, name="x"), spreadsheet=tmp_path / "list.csv")

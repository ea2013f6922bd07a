"""A cohort folder from what people have: columns mapped, gaps asked for, identifiers replaced, images written anew."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.cohort import Cohort, Excluded
from osteon.cohort.folder import finish
from osteon.errors import DataError, OsteonError, message
from osteon.readers import aligned, read_input, read_series, read_value, write_table, write_value
from osteon.targets import Classes, Events, Grades, Measures
from osteon.value import Grade, Label, Mask, Objects, Picture, Readings, Value

from .own_columns import Missing, mapped
from .own_identity import dates_of, days_since_first, key_of, pseudonym, write_anew
from .own_layouts import Found, image_inputs, layout

if TYPE_CHECKING:
    import pandas as pd

ANSWERS = ("patient", "spacing", "laterality", "site", "burned_in")
_SEX = {"F": "female", "M": "male"}
_UNITS = {"days": 1.0, "weeks": 7.0, "months": 30.4375, "years": 365.25}


@dataclass(frozen=True, eq=False)
class Import:
    """One import: what is read, where it is staged, what was mapped and answered."""

    source: Path
    stage: Path
    study: Any
    names: Mapping[str, str]
    answers: Mapping[str, str]
    key: bytes
    days: Mapping[str, Any] = field(default_factory=dict)

    def column(self, case: Found, ours: str) -> str:
        """The cell of a case under our name, as text; empty where there is none."""
        theirs = next((column for column, name in self.names.items() if name == ours), None)
        cell = None if theirs is None else case.cells.get(theirs)
        whole = isinstance(cell, float) and cell.is_integer()
        return "" if cell is None or cell != cell else str(int(cell) if whole else cell).strip()

    def patient(self, case: Found) -> str:
        """Whose case it is, in the hospital's words; empty where nobody says."""
        return self.column(case, "patient_id") or case.whose.get("patient_id", "") or (case.name if self.answers.get("patient") == "file" else "")

    def case_id(self, case: Found) -> str:
        """The hashed id of a case."""
        return pseudonym(self.key, "case", self.column(case, "case_id") or case.name)


def import_folder(source: str | Path, out: str | Path, *, study: Any, spreadsheet: str | Path | None = None, map: Mapping[str, str] | None = None,
                  key: str | Path | None = None, answers: Mapping[str, str] | None = None) -> Cohort:
    """Make the cohort folder `out` for a study from a folder of DICOM or images (and a spreadsheet), folders by class, COCO,
    nnU-Net or MSD, landmarks, or a plain table.

    `map` gives their columns our names; `answers` says what the files do not (patient=file, spacing=0.143, laterality=R,
    site=NAME, burned_in=keep). Identifiers become HMAC-SHA256 under `key`, a file outside of `out` (default: beside it, with
    the suffix .key); dates become days since the first of the patient; columns that the study does not know are left out, and
    named in cohort.yaml with the map. A file that can not be read is listed in `excluded`. Raises DataError, with a question
    and its flag for each thing that is missing; then nothing is written.
    """
    source, out, sheet = Path(source), Path(out), None if spreadsheet is None else Path(spreadsheet)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(message(out, "the folder holds other things", expected="an empty or a new folder", do="Name another folder"))
    frame, work, cases = _prepared(source, out, study=study, spreadsheet=sheet, map=map, answers=answers)
    _ask(_early(work, frame, cases, map or {}))
    secret = Path(key) if key is not None else out.parent / f"{out.name}.key"
    known = secret.exists()
    work = replace(work, key=key_of(secret, out), days=_days(work, frame, cases))
    try:
        return _written(work, out, frame, cases)
    except BaseException:
        if not known:
            secret.unlink(missing_ok=True)
        raise
    finally:
        shutil.rmtree(work.stage, ignore_errors=True)


def questions(source: str | Path, *, study: Any, spreadsheet: str | Path | None = None, map: Mapping[str, str] | None = None,
              answers: Mapping[str, str] | None = None) -> list[Missing]:
    """What an import would have to be told, without writing anything: each question with the flag that answers it."""
    source, sheet = Path(source), None if spreadsheet is None else Path(spreadsheet)
    frame, work, cases = _prepared(source, source.parent / f"{source.name}.cohort", study=study, spreadsheet=sheet, map=map, answers=answers)
    asked = _early(work, frame, cases, map or {})
    bare, sideless = [], []
    for case in cases:
        for name, files in case.files.items():
            try:
                picture = _picture(work, case, name, files)
            except DataError:
                continue
            bare += [name] if picture.grid.spacing is None else []
            sideless += [case.name] if not _side(work, case, picture) else []
    return asked + _late(work, bare, sideless)


# ---- what is asked

def _prepared(source: Path, out: Path, *, study: Any, spreadsheet: Path | None, map: Mapping[str, str] | None,
              answers: Mapping[str, str] | None) -> tuple[pd.DataFrame | None, Import, list[Found]]:
    """The table, the import and its cases; raises DataError for an unknown answer."""
    strange = set(answers or {}) - set(ANSWERS)
    if strange:
        raise DataError(message("answers", f"{sorted(strange)[0]!r} is nothing that is asked", expected=", ".join(ANSWERS)))
    frame, cases = layout(source, study, spreadsheet)
    names = mapped([] if frame is None else frame.columns, study, map or {}, needed=())[0]
    work = Import(source.parent if source.is_file() else source, out.parent / f".{out.name}.part", study, names, dict(answers or {}), b"")
    return frame, work, cases(names)


def _early(work: Import, frame: pd.DataFrame | None, cases: Sequence[Found], given: Mapping[str, str]) -> list[Missing]:
    """Questions that need no image: columns with a near name, and who the patients are."""
    needs = [column for spec in work.study.inputs.values() for column in spec.record.needs]
    target = work.study.targets[work.study.primary]
    primary = [work.study.primary] if isinstance(target, (Classes, Grades)) else []
    primary += [f"{work.study.primary}.{target.keys_of(target.main)[0]}"] if isinstance(target, Measures) else []
    asked = [] if frame is None else mapped(frame.columns, work.study, given, needed=("case_id", "patient_id", *needs, *primary))[1]
    if not any(question.what == "the column 'patient_id'" for question in asked) and not any(work.patient(case) for case in cases):
        asked.append(Missing("the patient of each case", '--map "YOUR COLUMN=patient_id", or --answer patient=file where every file is another patient',
                             "cases of one patient must never be split between training and test"))
    return asked


def _late(work: Import, bare: Sequence[str], sideless: Sequence[str]) -> list[Missing]:
    """Questions that the images raise: spacing where the study measures lengths, the side where it names one."""
    out = []
    lengths = sorted({name for name in bare if work.study.inputs[name].spacing})
    for name in lengths:
        out.append(Missing(f"the pixel spacing of {bare.count(name)} images of {name}", f'--answer spacing=0.143 (mm per pixel), or --map "YOUR COLUMN={name}.spacing"',
                           "the study measures lengths in mm"))
    sided = {"laterality", "side"} & {*work.study.subgroups, *work.study.together, *(c for spec in work.study.inputs.values() for c in spec.columns)}
    if sided and sideless and "laterality" not in work.answers:
        out.append(Missing(f"the side of {len(sideless)} cases", '--answer laterality=R, or --map "YOUR COLUMN=laterality"', "the study tells left from right"))
    return out


def _ask(asked: Sequence[Missing]) -> None:
    if asked:
        raise DataError(message("import", f"{len(asked)} answers are missing", found="; ".join(map(str, asked)), do="Repeat the import with these flags"))


# ---- what is written

def _days(work: Import, frame: pd.DataFrame | None, cases: Sequence[Found]) -> dict[str, Any]:
    """Their date columns that are kept, as days since the first date of the patient."""
    found = {} if frame is None else {column: dates_of(frame[column]) for column in work.names if column in frame}
    dates = {column: parsed for column, parsed in found.items() if parsed is not None}
    if frame is None or not dates:
        return {}
    days = days_since_first(frame, dates, [work.patient(case) or case.name for case in cases])
    return {column: dict(zip([case.name for case in cases], values, strict=True)) for column, values in days.items()}


def _written(work: Import, out: Path, frame: pd.DataFrame | None, cases: Sequence[Found]) -> Cohort:
    """Stage every case, ask what the images raise, and put the folder in place."""
    _one_row_a_case(work, cases)
    shutil.rmtree(work.stage, ignore_errors=True)
    rows, excluded, bare, sideless = [], [], [], []
    repeats: list[dict[str, Any]] = []
    for case in cases:
        try:
            row, pictures = _case(work, case, repeats)
        except OsteonError as error:
            excluded.append(Excluded(work.case_id(case), "import", "it can not be used", str(error)))
            continue
        rows.append(row)
        bare += [name for name, picture in pictures if picture.grid.spacing is None]
        sideless += [case.name] if pictures and not row.get("laterality") else []
    if not rows:
        raise DataError(message(work.source, f"none of the {len(cases)} cases can be used", found=f"First: {excluded[0].detail}" if excluded else "There is none"))
    _ask(_late(work, bare, sideless))
    _finish(work, rows, repeats, frame=frame, excluded=excluded)
    if out.exists():
        out.rmdir()
    work.stage.rename(out)
    return replace(Cohort.from_folder(out), excluded=tuple(excluded))


def _one_row_a_case(work: Import, cases: Sequence[Found]) -> None:
    """Raises DataError where two rows have one case id."""
    seen: dict[str, str] = {}
    for case in cases:
        name = work.column(case, "case_id") or case.name
        if name in seen:
            raise DataError(message(work.source, f"the case {name!r} stands in {seen[name]} and {case.name}", expected="one row a case",
                                    do="Give each examination its own case_id; patient_id may repeat"))
        seen[name] = case.name


def _finish(work: Import, rows: list[dict[str, Any]], repeats: list[dict[str, Any]], *, frame: pd.DataFrame | None, excluded: Sequence[Excluded]) -> None:
    """cases.csv, files.csv and cohort.yaml in the stage; raises DataError where simulated and real films are mixed."""
    import pandas as pd

    made_up = {bool(row.pop("simulated")) for row in rows}
    if len(made_up) > 1:
        raise DataError(message(work.source, "simulated and real films are mixed", do="Import them apart: they must never be taken for each other"))
    left = [] if frame is None else [str(column) for column in frame.columns if column not in work.names]
    free = [name for name, spec in work.study.inputs.items() if spec.kind == "text"]
    notes = {"map": {str(k): v for k, v in work.names.items()}, "columns_left_out": left, "dates_as_days": list(work.days),
             "excluded": [{"id": e.id, "step": e.step, "reason": e.reason} for e in excluded],
             "identifiers": "HMAC-SHA256 under a key that is kept outside of this folder"}
    notes |= {"warning": f"{', '.join(free)} is free text and may still name people"} if free else {}
    if repeats:
        write_table(work.stage / "files.csv", pd.DataFrame(repeats))
    finish(work.stage, rows, name=f"{work.study.name or 'own'} cases", origin="simulated" if made_up == {True} else "own", notes=notes)


def _case(work: Import, case: Found, repeats: list[dict[str, Any]]) -> tuple[dict[str, Any], list[tuple[str, Picture]]]:
    """The row of one case, its files written; raises DataError where it can not be used."""
    if case.fault:
        raise DataError(message(case.name, case.fault))
    if not work.patient(case):
        raise DataError(message(case.name, "nobody says whose case it is"))
    row: dict[str, Any] = {"case_id": work.case_id(case), "patient_id": pseudonym(work.key, "patient", work.patient(case)),
                           "site": work.column(case, "site") or work.answers.get("site", "")}
    row |= _cells(work, case)
    pictures = [(name, _picture(work, case, name, (file,) if work.study.inputs[name].many else files))
                for name, files in case.files.items() for file in (files if work.study.inputs[name].many else files[:1])]
    row["laterality"] = next((side for _, picture in pictures if (side := _side(work, case, picture))), "") or work.column(case, "laterality")
    row["simulated"] = bool(pictures) and all(picture.notes.get("simulated") for _, picture in pictures)
    row |= _truths(work, case, row["case_id"], pictures)
    for k, (name, picture) in enumerate(pictures):
        if str(picture.notes.get("burned_in", "")) == "YES" and work.answers.get("burned_in") != "keep":
            raise DataError(message(case.name, "text is burned into its pixels", do="Blacken it, or say --answer burned_in=keep where it names nobody"))
        many = bool(work.study.inputs[name].many)
        path = write_anew(work.stage / "files" / f"{row['case_id']}_{name}{f'_{k}' if many else ''}", picture).relative_to(work.stage).as_posix()
        if many:
            repeats.append({"case_id": row["case_id"], "input": name, "path": path})
        else:
            row[name] = path
    return ({k: v for k, v in row.items() if v != "" or k == "site"}), pictures


def _cells(work: Import, case: Found) -> dict[str, Any]:
    """Columns of the table under our names: dates as days, files and identifiers apart; age and sex from the header where no column has them."""
    apart = {"case_id", "patient_id", "site", "laterality", *image_inputs(work.study), *_file_targets(work.study)}
    cells = {name: work.days[column].get(case.name, "") if column in work.days else work.column(case, name)
             for column, name in work.names.items() if name not in apart and not name.endswith(".spacing")}
    age = re.fullmatch(r"0*(\d+)Y", case.whose.get("age", ""))
    header = {"age": age[1] if age else "", "sex": _SEX.get(case.whose.get("sex", ""), "")}
    return {k: v for k, v in header.items() if v and k not in cells} | {k: v for k, v in cells.items() if v == v}


def _file_targets(study: Any) -> list[str]:
    """The targets whose truth is a file."""
    return [name for name, target in study.targets.items() if not isinstance(target, (Classes, Grades, Measures, Events))]


def _picture(work: Import, case: Found, name: str, files: Sequence[Path]) -> Picture:
    """The image of an input with its spacing: of the table, of the file, or as answered."""
    kind = work.study.inputs[name].kind
    picture = read_series(files) if kind == "volume" and len(files) > 1 else read_input(files[0], kind)
    said = work.column(case, f"{name}.spacing") or ("" if picture.grid.spacing else work.answers.get("spacing", ""))
    if not said:
        return picture
    numbers = [float(part) for part in re.split(r"[x\\]", said)] if re.fullmatch(r"[\d.]+([x\\][\d.]+)*", said) else []
    numbers = numbers * len(picture.grid.shape) if len(numbers) == 1 else numbers
    if len(numbers) != len(picture.grid.shape) or min(numbers, default=0) <= 0:
        raise DataError(message(case.name, "the spacing can not be read", expected="mm per pixel, as 0.143 or 0.143x0.2", found=f"Found {said!r}"))
    return Picture(picture.array, replace(picture.grid, spacing=tuple(numbers), spacing_kind="calibrated" if kind == "picture" else "volume"), picture.notes)


def _side(work: Import, case: Found, picture: Picture) -> str:
    """R or L: of the table, of the header, or as answered; empty where nobody says."""
    said = (work.column(case, "laterality") or str(picture.notes.get("laterality", "")).replace("U", "") or work.answers.get("laterality", "")).strip()
    return {"r": "R", "l": "L"}.get(said[:1].lower(), said)


def _truths(work: Import, case: Found, case_id: str, pictures: Sequence[tuple[str, Picture]]) -> dict[str, Any]:
    """Truths of the layout, and files that a column names, as cells or as files of their own."""
    values: dict[str, Value] = {name: load() for name, load in case.truth.items()}
    for name in _file_targets(work.study):
        cell = work.column(case, name)
        if cell:
            path = (work.source / cell).resolve()
            if not path.is_relative_to(work.source.resolve()):
                raise DataError(message(case.name, f"the path {cell!r} leaves the folder", expected="a path below it"))
            values[name] = read_value(path)
    out: dict[str, Any] = {}
    for name, value in values.items():
        if pictures:
            value = _fitting(value, pictures[0][1], f"{case.name}, {name}")
        out |= _truth_cells(name, work.study.targets[name].value(value), work.stage, case_id)
    return out


def _fitting(value: Value, picture: Picture, where: str) -> Value:
    """A truth in space on the grid of its image; raises DataError where it was drawn on another one."""
    if isinstance(value, Picture) and value.array.ndim == len(value.grid.shape):
        return aligned(value, picture.grid, where=where)
    if isinstance(value, Mask):
        layers = [aligned(Picture(layer, value.grid), picture.grid, where=where).array for layer in value.array]
        return replace(value, array=np.array(layers, bool).reshape(-1, *picture.grid.shape), grid=picture.grid)
    if isinstance(value, Objects) and value.grid is not None and value.grid.shape != picture.grid.shape:
        raise DataError(message(where, "the boxes were drawn on an image of another size", expected=f"{picture.grid.shape}", found=f"Found {value.grid.shape}"))
    return replace(value, grid=picture.grid) if isinstance(value, (Objects, Readings)) else value


def _truth_cells(name: str, value: Value, stage: Path, case_id: str) -> dict[str, Any]:
    if isinstance(value, Label):
        return {name: value.name}
    if isinstance(value, Grade):
        return {name: value.step}
    if isinstance(value, Readings) and not value.landmarks:
        return {f"{name}.{key}": number for key, number in value.values.items()}
    return {name: write_value(stage / "files" / f"{case_id}_{name}", value).relative_to(stage).as_posix()}

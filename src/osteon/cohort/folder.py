"""A cohort as a folder: cohort.yaml, cases.csv, files.csv for repeated inputs, readings.csv, and the files themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osteon.cohort import Cohort, Excluded, Reading
from osteon.cohort.rows import Rows
from osteon.errors import DataError, listed, message, near
from osteon.readers.files import refusing
from osteon.value import Picture

if TYPE_CHECKING:
    import pandas as pd

AS_CSV = "Save it as CSV UTF-8 (comma delimited); `osteon import` reads every kind of table"
ID_NAMES = {"case_id": ("case", "id", "caseid", "exam_id", "study_id"), "patient_id": ("patient", "patientid", "subject", "subject_id", "pid")}


def read(folder: Path) -> Cohort:
    """Open a cohort folder; raises DataError where there is no cases.csv, a column of ids is missing or a case is named twice."""
    if not folder.is_dir():
        raise DataError(message(folder, "there is no such folder", expected="a cohort folder with cases.csv"))
    table = folder / "cases.csv"
    if not table.exists():
        found = listed(sorted(p.name for p in folder.iterdir()), 6)
        raise DataError(message(folder, "the folder holds no cases.csv", expected="one row a case: case_id, patient_id, site, inputs, targets, attributes",
                                found=f"Found {found or 'an empty folder'}", do="`osteon simulate STUDY DIR` shows such a folder, `osteon import` makes one"))
    about = _about(folder)
    frame = _ids(_once(strings(table).rename(columns=about.get("map") or {}), folder), table)
    files = strings(folder / "files.csv") if (folder / "files.csv").exists() else None
    notes = about.get("notes") or {}
    excluded = tuple(Excluded(str(e["id"]), str(e["step"]), str(e["reason"])) for e in notes.get("excluded") or ())
    return Cohort(str(about.get("name") or folder.resolve().name), str(about.get("origin") or "own"), cases=Rows(frame, folder, files=files), excluded=excluded,
                  readings=_readings(folder / "readings.csv"), licence=str(about.get("licence") or ""), folder=folder, notes=notes)


def strings(path: Path) -> pd.DataFrame:
    """A CSV with every cell as text and empty cells missing; raises DataError for another kind of table, and naming the line that does not fit."""
    import pandas as pd

    with refusing(path, "a comma separated table in UTF-8", do=AS_CSV):
        first = _first_line(path)
        mark = next((mark for mark in ";\t" if mark in first and "," not in first), "")
        if mark:
            raise DataError(message(path, f"the columns are separated by {'semicolons' if mark == ';' else 'tabs'}", expected="commas", do=AS_CSV))
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""], encoding="utf-8-sig", skip_blank_lines=True, header=None)
    frame.columns = [str(c).strip() if c == c else f"column {k}" for k, c in enumerate(frame.iloc[0], 1)]
    return frame.iloc[1:].reset_index(drop=True)


def _first_line(path: Path) -> str:
    """The header of a table in UTF-8; raises DataError for a workbook and for another encoding."""
    with open(path, "rb") as file:
        head = file.read(65_536).split(b"\n")[0]
    if head.startswith(b"PK\x03\x04"):
        raise DataError(message(path, "this is a workbook of a spreadsheet, whatever its name says", expected="a comma separated table in UTF-8", do=AS_CSV))
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise DataError(message(path, "the table is in UTF-16", expected="a comma separated table in UTF-8", do=AS_CSV))
    return head.decode("utf-8-sig", errors="replace")


def _once(frame: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """The table; raises DataError where two columns have one name, in cases.csv or by the map."""
    twice = frame.columns[frame.columns.duplicated()]
    if len(twice):
        raise DataError(message(folder, f"two columns are called {twice[0]!r}", expected="each name once, in cases.csv and after the map of cohort.yaml", do="Rename one of them"))
    return frame


def _about(folder: Path) -> dict[str, Any]:
    import yaml

    path = folder / "cohort.yaml"
    if not path.exists():
        return {}
    with refusing(path, "YAML in UTF-8"):
        about = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(about, dict):
        raise DataError(message(path, "the file holds no mapping", expected="name, origin, licence, columns, map"))
    wrong = [name for name in ("columns", "map", "notes") if not isinstance(about.get(name) or {}, dict)]
    if wrong:
        raise DataError(message(path, f"{wrong[0]!r} is no mapping", expected="NAME: VALUE, one a line", found=f"Found {about[wrong[0]]!r}"))
    return about


def _ids(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    for name, others in ID_NAMES.items():
        if name not in frame:
            close = [c for c in frame.columns if c.lower().replace(" ", "_") in (name, *others)]
            do = f"Did you mean {close[0]!r}? Add `map: {{{close[0]}: {name}}}` to cohort.yaml" if close else near(name, frame.columns)
            raise DataError(message(path, f"column {name!r} is missing", found=f"Found {listed(frame.columns)}", do=do))
        if frame[name].isna().any():
            raise DataError(message(path, f"row {int(frame[name].isna().to_numpy().argmax()) + 2} has no {name}"))
    twice = frame["case_id"][frame["case_id"].duplicated()]
    if len(twice):
        rows = (frame.index[frame["case_id"] == twice.iloc[0]] + 2).tolist()
        raise DataError(message(path, f"the case {twice.iloc[0]!r} stands in rows {' and '.join(map(str, rows[:4]))}", expected="one row a case",
                                do="Give each examination its own case_id; patient_id may repeat"))
    if not len(frame):
        raise DataError(message(path, "the table has no rows", expected="one row a case"))
    return frame


def _readings(path: Path) -> tuple[Reading, ...]:
    if not path.exists():
        return ()
    frame = strings(path)
    missing = [name for name in ("case_id", "reader", "target", "value") if name not in frame]
    if missing:
        raise DataError(message(path, f"column {missing[0]!r} is missing", found=f"Found {listed(frame.columns)}", do=near(missing[0], frame.columns)))
    rows = frame.to_dict("records")
    return tuple(Reading(str(r["case_id"]), str(r["reader"]), str(r["target"]), r["value"], str(r.get("aided", "")).lower() in ("1", "true", "yes")) for r in rows)


def finish(folder: Path, rows: Iterable[Mapping[str, Any]], *, name: str, origin: str, licence: str = "", columns: Mapping[str, Any] | None = None,
           notes: Mapping[str, Any] | None = None, mapping: Mapping[str, str] | None = None) -> Cohort:
    """Write cases.csv and cohort.yaml once every file of the cases is in place, each renamed into place whole, and open the cohort."""
    import pandas as pd

    folder.mkdir(parents=True, exist_ok=True)
    whole(folder / "cases.csv", pd.DataFrame(list(rows)).to_csv(index=False, lineterminator="\n"))
    describe(folder, name=name, origin=origin, licence=licence, columns=columns, notes=notes, mapping=mapping)
    return read(folder)


def describe(folder: Path, *, name: str, origin: str, licence: str = "", columns: Mapping[str, Any] | None = None, notes: Mapping[str, Any] | None = None,
             mapping: Mapping[str, str] | None = None) -> None:
    """Write cohort.yaml, the last file of a cohort folder: where it stands, the folder is complete."""
    import yaml

    about = {"name": name, "origin": origin, "licence": licence, "columns": dict(columns or {}), "map": dict(mapping or {}), "notes": dict(notes or {})}
    whole(folder / "cohort.yaml", yaml.safe_dump(about, sort_keys=False, allow_unicode=True))


def whole(path: Path, text: str) -> None:
    """Write a text file so that nobody ever sees half of it."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8", newline="\n")
    part.replace(path)


def write(cohort: Cohort, folder: Path) -> Cohort:
    """Write a cohort held in memory: pictures as 16-bit PNG or NIfTI, values as their files, the rest as columns."""
    if folder.exists() and any(folder.iterdir()) and not (folder / "cohort.yaml").exists():
        raise DataError(message(folder, "the folder holds other things", expected="an empty or a new folder", do="Name another folder"))
    (folder / "files").mkdir(parents=True, exist_ok=True)
    rows = [_row(case, folder) for case in cohort]
    left_out = [{"id": e.id, "step": e.step, "reason": e.reason} for e in cohort.excluded]
    out = finish(folder, rows, name=cohort.name, origin=cohort.origin, licence=cohort.licence, notes={**cohort.notes, **({"excluded": left_out} if left_out else {})})
    if cohort.readings:
        import pandas as pd

        readings = pd.DataFrame([asdict(r) for r in cohort.readings]).rename(columns={"case": "case_id"})
        whole(folder / "readings.csv", readings.to_csv(index=False, lineterminator="\n"))
    return replace(out, readings=cohort.readings)


def _row(case: Any, folder: Path) -> dict[str, Any]:
    row: dict[str, Any] = {"case_id": case.id, "patient_id": case.patient, "site": case.site} | dict(case.attributes)
    row |= {"weight": case.weight} if case.weight != 1 else {}
    for name in case.inputs:
        row |= _input_cells(name, case.inputs[name], case.id, folder)
    for name in case.truth:
        row |= _truth_cells(name, case.truth[name], case.id, folder)
    return row


def _input_cells(name: str, value: Any, case: str, folder: Path) -> dict[str, Any]:
    from osteon.readers import write_value

    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, str):
        return {name: value}
    path = write_value(folder / "files" / f"{case}_{name}", value)
    spacing = {f"{name}.spacing": "x".join(f"{s:g}" for s in value.grid.spacing)} if isinstance(value, Picture) and value.grid.spacing else {}
    return {name: path.relative_to(folder).as_posix()} | spacing


def _truth_cells(name: str, value: Any, case: str, folder: Path) -> dict[str, Any]:
    from osteon.readers import write_value
    from osteon.value import Grade, Label, Readings

    if isinstance(value, Label):
        return {name: value.name}
    if isinstance(value, Grade):
        return {name: value.step}
    if isinstance(value, Readings) and not value.landmarks:
        return {f"{name}.{k}": v for k, v in value.values.items()}
    return {name: write_value(folder / "files" / f"{case}_{name}", value).relative_to(folder).as_posix()}

"""A cohort as a folder: cohort.yaml, cases.csv, files.csv for repeated inputs, readings.csv, and the files themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osteon.cohort import Cohort, Excluded, Reading
from osteon.cohort.rows import Rows
from osteon.errors import DataError, message, near
from osteon.value import Picture

if TYPE_CHECKING:
    import pandas as pd

ID_NAMES = {"case_id": ("case", "id", "caseid", "exam_id", "study_id"), "patient_id": ("patient", "patientid", "subject", "subject_id", "pid")}


def read(folder: Path) -> Cohort:
    """Open a cohort folder; raises DataError where there is no cases.csv, a column of ids is missing or a case is named twice."""
    if not folder.is_dir():
        raise DataError(message(folder, "there is no such folder", expected="a cohort folder with cases.csv"))
    table = folder / "cases.csv"
    if not table.exists():
        found = sorted(p.name for p in folder.iterdir())[:6]
        raise DataError(message(folder, "the folder holds no cases.csv", expected="one row a case: case_id, patient_id, site, inputs, targets, attributes",
                                found=f"Found {', '.join(found) or 'an empty folder'}", do="`osteon simulate STUDY DIR` shows such a folder, `osteon import` makes one"))
    about = _about(folder)
    frame = _ids(strings(table).rename(columns=about.get("map") or {}), table)
    files = strings(folder / "files.csv") if (folder / "files.csv").exists() else None
    notes = about.get("notes") or {}
    excluded = tuple(Excluded(str(e["id"]), str(e["step"]), str(e["reason"])) for e in notes.get("excluded") or ())
    return Cohort(str(about.get("name") or folder.resolve().name), str(about.get("origin") or "own"), cases=Rows(frame, folder, files=files), excluded=excluded,
                  readings=_readings(folder / "readings.csv"), licence=str(about.get("licence") or ""), folder=folder, notes=notes)


def strings(path: Path) -> pd.DataFrame:
    """A CSV with every cell as text and empty cells missing; raises DataError naming the line that does not fit."""
    import pandas as pd

    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""], encoding="utf-8-sig", skip_blank_lines=True)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise DataError(message(path, "the table can not be read", expected="a comma separated table in UTF-8", found=f"Found: {error}")) from error
    frame.columns = [str(c).strip() for c in frame.columns]
    return frame


def _about(folder: Path) -> dict[str, Any]:
    import yaml

    path = folder / "cohort.yaml"
    if not path.exists():
        return {}
    try:
        about = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise DataError(message(path, "the file is not YAML", found=f"Found: {error}")) from error
    if not isinstance(about, dict):
        raise DataError(message(path, "the file holds no mapping", expected="name, origin, licence, columns, map"))
    return about


def _ids(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    for name, others in ID_NAMES.items():
        if name not in frame:
            close = [c for c in frame.columns if c.lower().replace(" ", "_") in (name, *others)]
            do = f"Did you mean {close[0]!r}? Add `map: {{{close[0]}: {name}}}` to cohort.yaml" if close else near(name, frame.columns)
            raise DataError(message(path, f"column {name!r} is missing", found=f"Found {', '.join(map(str, frame.columns))}", do=do))
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
    rows = strings(path).to_dict("records")
    return tuple(Reading(str(r["case_id"]), str(r["reader"]), str(r["target"]), r["value"], str(r.get("aided", "")).lower() in ("1", "true", "yes")) for r in rows)


def finish(folder: Path, rows: Iterable[Mapping[str, Any]], *, name: str, origin: str, licence: str = "", columns: Mapping[str, Any] | None = None,
           notes: Mapping[str, Any] | None = None, mapping: Mapping[str, str] | None = None) -> Cohort:
    """Write cases.csv and cohort.yaml once every file of the cases is in place, each renamed into place whole, and open the cohort."""
    import pandas as pd
    import yaml

    folder.mkdir(parents=True, exist_ok=True)
    whole(folder / "cases.csv", pd.DataFrame(list(rows)).to_csv(index=False, lineterminator="\n"))
    about = {"name": name, "origin": origin, "licence": licence, "columns": dict(columns or {}), "map": dict(mapping or {}), "notes": dict(notes or {})}
    whole(folder / "cohort.yaml", yaml.safe_dump(about, sort_keys=False, allow_unicode=True))
    return read(folder)


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

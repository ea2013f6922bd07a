"""Knee osteoarthritis severity (Chen 2018, Mendeley Data 10.17632/56rmx5bjcr.1): one knee a picture with its Kellgren-Lawrence grade, from the Osteoarthritis Initiative."""

from __future__ import annotations

from pathlib import Path

from osteon.cohort import Cohort, Excluded
from osteon.cohort.folder import strings
from osteon.cohort.rows import Rows
from osteon.errors import DataError, listed, message

TABLE = "cases.csv"
COLUMNS = ("case_id", "patient_id", "side", "kl_grade", "split", "image")
GRADES = ("0", "1", "2", "3", "4")
SIDES = ("L", "R")
LICENCE = "CC BY 4.0 by its page (not verified); the films are those of the Osteoarthritis Initiative, whose own terms apply"


def knee_oa_kl224(root: Path) -> Cohort:
    """Knees of 224 x 224 pixels with `kl`, `side` and the publisher's part; contrast is enhanced (CLAHE) and there is no pixel spacing.

    Raises DataError where the table or a column is missing, a case stands twice, a patient lies in two parts or no picture is there; a knee whose picture
    or grade is missing is listed.
    """
    folder = Path(root)
    path = folder / TABLE
    if not path.exists():
        raise DataError(message(folder, f"the file {TABLE} is not there", expected=f"{TABLE} with {', '.join(COLUMNS)}, and the folder images"))
    table = strings(path)
    missing = set(COLUMNS) - set(table.columns)
    if missing:
        raise DataError(message(path, f"the column {sorted(missing)[0]!r} is missing", expected=", ".join(COLUMNS), found=f"Found {listed(list(table.columns))}"))
    _checked(path, table)
    faults = {row["case_id"]: fault for row in table.to_dict("records") if (fault := _fault(folder, row))}
    frame = table[~table["case_id"].isin(faults)].reset_index(drop=True)
    if not len(frame):
        raise DataError(message(folder, "no knee can be used", found=f"The first: {next(iter(faults.values()))}"))
    frame = frame.rename(columns={"kl_grade": "kl", "image": "xray", "split": "published_part"})
    excluded = tuple(Excluded(case, "data set", reason) for case, reason in faults.items())
    return Cohort("knee_oa_kl224", "public", cases=Rows(frame, folder), excluded=excluded, licence=LICENCE, folder=folder,
                  notes={"source": "Chen 2018, 10.17632/56rmx5bjcr.1, from the Osteoarthritis Initiative", "contrast": "CLAHE was applied before publication"})


def _checked(path: Path, table: object) -> None:
    import pandas as pd

    assert isinstance(table, pd.DataFrame)
    twice = table["case_id"][table["case_id"].duplicated()]
    if len(twice):
        raise DataError(message(path, f"the case {twice.iloc[0]!r} is there twice", expected="one row a knee"))
    parts = table.groupby("patient_id")["split"].nunique()
    if (parts > 1).any():
        raise DataError(message(path, f"the patient {parts.index[parts > 1][0]!r} lies in two parts", expected="every patient in one part, as published"))


def _fault(folder: Path, row: dict[str, str]) -> str:
    if row["kl_grade"] not in GRADES:
        return f"the grade {row['kl_grade']!r} is none of 0 to 4"
    if row["side"] not in SIDES:
        return f"the side {row['side']!r} is neither L nor R"
    return "" if isinstance(row["image"], str) and (folder / row["image"]).is_file() else f"the picture {row['image']!r} is not there"

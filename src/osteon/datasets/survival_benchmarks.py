"""The survival data sets of the DeepSurv paper, with the parts that it published."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from osteon.cohort import Cohort, Excluded
from osteon.cohort.rows import Rows
from osteon.errors import DataError, message
from osteon.readers.files import refusing

if TYPE_CHECKING:
    import pandas as pd

FILES = {"METABRIC": "metabric_IHC4_clinical_train_test.h5", "GBSG": "gbsg_cancer_train_test.h5", "SUPPORT": "support_train_test.h5", "WHAS": "whas_train_test.h5"}
MONTHS = ("METABRIC", "GBSG")  # the others count days; by convention, the files do not say
LICENCE = "MIT for the files (Katzman 2018); the terms of the studies behind them are not verified"
COLUMNS = tuple(f"x{k}" for k in range(1, 15))  # the published files do not name their covariates, of which none has more


def survival_benchmark(root: Path, name: str) -> Cohort:
    """One data set: covariates x1 to xp, `event.time` and `event.event`, `part` (train, test) as published.

    A test row that also stands in the train part (all covariates and the time alike) is left out and listed, and so is a follow-up of 0. Raises DataError where the file is not
    there or does not hold what was published.
    """
    path = Path(root) / FILES[name]
    if not path.exists():
        raise DataError(message(root, f"the file {FILES[name]} is not there", expected="the HDF5 files of the DeepSurv repository"))
    frame = _frame(path)
    again, none = repeated(frame), (frame["event.time"] <= 0).to_numpy()
    excluded = tuple(Excluded(str(i), "duplicates", "stands in the train part too") for i in frame["case_id"][again])
    excluded += tuple(Excluded(str(i), "target", "the follow-up is not above 0") for i in frame["case_id"][none & ~again])
    notes = {"source": "Katzman 2018", "unit of time": "months" if name in MONTHS else "days"}
    return Cohort(name, "public", cases=Rows(frame[~(again | none)].reset_index(drop=True).astype(object), None), excluded=excluded, licence=LICENCE, notes=notes)


metabric, gbsg, support, whas = (partial(survival_benchmark, name=name) for name in FILES)


def repeated(frame: pd.DataFrame) -> np.ndarray:
    """Which rows (n,) of the test part stand in the train part too, covariates and time alike."""
    keys = [c for c in frame.columns if c not in ("case_id", "patient_id", "part", "event.event")]
    train, test = (frame["part"] == part for part in ("train", "test"))
    known = set(map(tuple, frame.loc[train, keys].to_numpy().tolist()))
    return np.array([t and row in known for t, row in zip(test.tolist(), map(tuple, frame[keys].to_numpy().tolist()), strict=True)])


def _frame(path: Path) -> pd.DataFrame:
    import h5py
    import pandas as pd

    parts = []
    with refusing(path, "an HDF5 file with the groups train and test"), h5py.File(path, "r") as file:
        for part in ("train", "test"):
            x, t, e = (np.asarray(file[part][key]) for key in "xte")
            rows = pd.DataFrame({f"x{k + 1}": x[:, k] for k in range(x.shape[1])} | {"event.time": t, "event.event": e.astype(int)})
            ids = [f"{part}{i + 1:05d}" for i in range(len(rows))]
            parts.append(pd.DataFrame({"case_id": ids, "patient_id": ids, "part": part}).join(rows))
    return pd.concat(parts, ignore_index=True)

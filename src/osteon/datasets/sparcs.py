"""SPARCS: de-identified inpatient discharges of New York State, 2020, musculoskeletal stays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from osteon.cohort import Cohort, Excluded
from osteon.cohort.rows import Rows
from osteon.errors import DataError, message

if TYPE_CHECKING:
    import pandas as pd

FILE = "sparcs_msk_2020.csv"
LUMBAR = ("303", "304")  # APR-DRG: dorsal and lumbar fusion, for curvature of the back and other
CERVICAL = ("321",)
LICENCE = "public de-identified government data (New York State Department of Health); terms not verified"
AGES = {"18 to 29": 24, "30 to 49": 40, "50 to 69": 60}  # middle of the published band; nobody of 70 or older is in the file
SEXES = {"F": "female", "M": "male"}
ETHNICITIES = {"Not Span/Hispanic": "not Hispanic", "Spanish/Hispanic": "Hispanic", "Multi-ethnic": "multi-ethnic"}


def sparcs_lumbar(root: Path) -> Cohort:
    """Lumbar and deformity fusions; a stay is long above the 75th percentile of these stays."""
    return _fusions(root, LUMBAR, "SPARCS 2020, lumbar and deformity fusion")


def sparcs_fusion(root: Path) -> Cohort:
    """Every spinal fusion, cervical ones too; a stay is long above the 75th percentile of these stays."""
    return _fusions(root, LUMBAR + CERVICAL, "SPARCS 2020, all spinal fusion")


def _fusions(root: Path, groups: tuple[str, ...], name: str) -> Cohort:
    import pandas as pd

    path = Path(root) / FILE
    if not path.exists():
        raise DataError(message(root, f"the file {FILE} is not there", expected="the SPARCS extract of musculoskeletal stays, 2020"))
    stays = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=["NA", ""])
    missing = {"APR.DRG.Code", "los", "age", "Gender", "Race", "Ethnicity", "Payment.Typology.1"} - set(stays.columns)
    if missing:
        raise DataError(message(path, f"the columns {sorted(missing)} are missing", expected="columns as published"))
    stays = stays[stays["APR.DRG.Code"].isin(groups)]
    again = stays.duplicated().to_numpy()
    ids = [f"row{i + 2}" for i in stays.index]
    frame = _columns(stays, ids)[~again].reset_index(drop=True)
    days = frame["los"].astype(float)
    cut = float(np.percentile(days, 75))
    frame["stay"] = np.where(days > cut, "long", "short")
    excluded = tuple(Excluded(i, "duplicates", "every column equals another row") for i, twice in zip(ids, again, strict=True) if twice)
    return Cohort(name, "public", cases=Rows(frame, None), excluded=excluded, licence=LICENCE, notes={"long": f"more than {cut:g} days", "source": "SPARCS 2020"})


def _columns(stays: pd.DataFrame, ids: list[str]) -> pd.DataFrame:
    """The columns that are known before the operation, under the study's names; charges, severity and disposition are known only at discharge."""
    import pandas as pd

    return pd.DataFrame({
        "case_id": ids, "patient_id": ids, "site": stays["Hospital.Service.Area"].to_numpy(), "age": stays["age"].map(AGES).astype("Int64").astype(str).to_numpy(),
        "sex": stays["Gender"].map(SEXES).to_numpy(), "race": stays["Race"].to_numpy(), "ethnicity": stays["Ethnicity"].map(ETHNICITIES).to_numpy(),
        "payer": stays["Payment.Typology.1"].to_numpy(), "diagnosis": stays["CCSR.Diagnosis.Description"].to_numpy(),
        "procedure": stays["CCSR.Procedure.Description"].to_numpy(), "approach": np.where(stays["APR.DRG.Code"] == "321", "cervical", "dorsal or lumbar"),
        "los": stays["los"].to_numpy()}, dtype=object)

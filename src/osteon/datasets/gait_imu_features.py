"""Features of walks with four body-worn sensors, of healthy, orthopaedic and neurological people (Voisard 2025), several trials each.

There is no signal, no stride and no gait parameter in it: it shows what keeping people together changes and which sensors tell groups apart, and nothing of networks on recordings.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np

from osteon.cohort import Cohort, Excluded
from osteon.cohort.rows import Rows
from osteon.errors import DataError, message
from osteon.readers.files import refusing

FILE = "trial_features.csv.gz"
SENSORS = {"head": "HE", "back": "LB", "left foot": "LF", "right foot": "RF"}
SIGNALS, STATISTICS = ("FreeAcc", "Gyr"), ("mean", "std", "rms", "ptp", "domfreq", "bandpower", "entropy")
GROUPS = {"Healthy": "healthy", "Ortho": "orthopaedic", "Neuro": "neurological"}
LICENCE = "CC BY 4.0 by the data set's own text, which also asks for non-commercial academic use; the features are a third party's, whose repository states no licence; not verified at the source"


def columns_of(sensors: Sequence[str] = tuple(SENSORS)) -> tuple[str, ...]:
    """The names of the features of some sensors, 42 each."""
    return tuple(f"{SENSORS[sensor]}_{signal}_{axis}_{statistic}" for sensor, signal, axis, statistic in product(sensors, SIGNALS, "XYZ", STATISTICS))


def gait_imu_features(root: Path) -> Cohort:
    """One case a trial, the person as patient: 168 features by their published names, `group` (healthy, orthopaedic, neurological) and `pathology`.

    A trial without every feature, or of another group, is left out and listed. Raises DataError where the table is not as published: a column missing, a trial twice, a person in two groups.
    """
    import pandas as pd

    path = Path(root) / FILE
    if not path.exists():
        raise DataError(message(root, f"the file {FILE} is not there", expected="the table of trial features"))
    with refusing(path, "a compressed CSV"):
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    missing = [name for name in ("trial_id", "subject_id", "label", "pathology", *columns_of()) if name not in table]
    if missing:
        raise DataError(message(path, f"column {missing[0]!r} is missing", expected="columns as published", found=f"Found {len(table.columns)} columns, {len(missing)} of them not"))
    if table["trial_id"].duplicated().any():
        raise DataError(message(path, f"the trial {table['trial_id'][table['trial_id'].duplicated()].iloc[0]!r} is there twice", expected="one row a trial"))
    groups = table.groupby("subject_id")["label"].nunique()
    if (groups > 1).any():
        raise DataError(message(path, f"the person {groups[groups > 1].index[0]!r} is in two groups", expected="one group a person"))
    numbers = table[list(columns_of())].apply(pd.to_numeric, errors="coerce")
    whole, known = np.isfinite(numbers.to_numpy(float)).all(axis=1), table["label"].isin(list(GROUPS)).to_numpy()
    if not (whole & known).any():
        raise DataError(message(path, "no trial can be used", expected=f"numbers, and a label among {', '.join(GROUPS)}"))
    excluded = tuple(Excluded(trial, "reading" if named else "target", "a feature is missing" if named else "the group is none of the published") for trial, named, kept in
                     zip(table["trial_id"].tolist(), known.tolist(), (whole & known).tolist(), strict=True) if not kept)
    frame = pd.DataFrame({"case_id": table["trial_id"], "patient_id": table["subject_id"], "site": "", "group": table["label"].map(GROUPS), "pathology": table["pathology"]}).join(table[list(columns_of())])
    return Cohort("gait features of four sensors", "public", cases=Rows(frame[whole & known].reset_index(drop=True).astype(object), None), excluded=excluded, licence=LICENCE,
                  notes={"source": "Voisard 2025 (figshare 28806086), features of a third party", "unit": "acceleration m/s2, angular rate rad/s, frequency Hz, by their size; not verified"})

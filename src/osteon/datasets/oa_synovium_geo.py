"""Synovial tissue of two centres on the HG-U133A array (Woetzel 2014; GEO GSE55235 and GSE55457): normal, osteoarthritis, rheumatoid arthritis.

Signal is on the linear scale and scaled differently in the two series. Each sample is brought to its own median and interquartile range on the log2 scale, so that no
sample sees another and no group is looked at. Age and sex go with disease in these series, and both come from one research group.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from osteon.cohort import Cohort, Excluded
from osteon.cohort.rows import Rows
from osteon.datasets.synovium_probes import PROBES
from osteon.errors import DataError, listed, message
from osteon.readers.expression import read_expression

if TYPE_CHECKING:
    import pandas as pd

GROUPS = {"normal": "control", "OA": "degenerated"}
OTHER = "RA"
SEXES = {"male": "male", "female": "female"}
LICENCE = "GEO places no restriction of its own; the terms of the two series are not verified"


def oa_synovium(root: Path, series: str, *, probes: tuple[str, ...] = PROBES) -> Cohort:
    """The normal samples (control) and those of osteoarthritis (degenerated) of one series, with the expression of some probe sets; those of rheumatoid arthritis are listed.

    Raises DataError where a file, a sample or a probe set is not there, or a signal is below 0.
    """
    matrix, sheet = (Path(root) / f"{series}_{part}" for part in ("expression.csv.gz", "samples.csv"))
    for path in (matrix, sheet):
        if not path.exists():
            raise DataError(message(root, f"the file {path.name} is not there", expected="SERIES_expression.csv.gz (a row a probe set) and SERIES_samples.csv"))
    about = _samples(sheet)
    signal = read_expression(matrix, samples=set(about["sample_id"]))
    lost = [s for s in about["sample_id"] if s not in signal.index] or [p for p in probes if p not in signal.columns]
    if lost:
        raise DataError(message(matrix, f"{len(lost)} of what is asked for are not there", expected=f"the samples of {sheet.name} and {len(probes)} probe sets", found=f"Not there: {listed(lost, 3)}"))
    level = within_samples(signal.loc[about["sample_id"]], where=matrix)[list(probes)].round(5).reset_index(drop=True)
    frame = about.assign(case_id=about["sample_id"], patient_id=about["sample_id"], site=series, disc=about["group"].map(GROUPS)).drop(columns=["sample_id", "group"]).astype(object).join(level)
    other = (about["group"] == OTHER).to_numpy()
    excluded = tuple(Excluded(s, "group", "rheumatoid arthritis: neither of the two groups") for s in about["sample_id"][other])
    return Cohort(f"synovium {series}", "public", cases=Rows(frame[~other].reset_index(drop=True), None), excluded=excluded, licence=LICENCE,
                  notes={"source": f"Woetzel 2014, GEO {series}", "tissue": "synovium: control is normal, degenerated is osteoarthritis", "scale": "log2(signal + 1), less the median of the sample, over its interquartile range"})


gse55235, gse55457 = (partial(oa_synovium, series=series) for series in ("GSE55235", "GSE55457"))


def within_samples(signal: pd.DataFrame, *, where: object = "signal") -> pd.DataFrame:
    """log2(signal + 1) of samples (rows) by probe sets, less the median of the sample, over its interquartile range; raises DataError for a signal below 0 or missing."""
    import pandas as pd

    values = signal.to_numpy(float)
    if not (values >= 0).all():
        row, column = np.argwhere(~(values >= 0))[0]
        raise DataError(message(where, f"sample {signal.index[row]}, probe set {signal.columns[column]}: the signal can not be put on the log scale", expected="0 or more", found=f"Found {values[row, column]}"))
    level = np.log2(values + 1)
    low, middle, high = np.quantile(level, (0.25, 0.5, 0.75), axis=1, keepdims=True)
    if (high <= low).any():
        raise DataError(message(where, f"sample {signal.index[int((high <= low).argmax())]} does not vary", expected="more than one level of signal"))
    return pd.DataFrame((level - middle) / (high - low), index=signal.index, columns=signal.columns)


def _samples(sheet: Path) -> pd.DataFrame:
    """The sheet with group, and age and sex where it has them; raises DataError for a missing column, a sample twice or a group that is none."""
    from osteon.readers.table import read_table

    table = read_table(sheet)
    missing = {"sample_id", "group"} - set(table.columns)
    if missing:
        raise DataError(message(sheet, f"the column {sorted(missing)[0]!r} is missing", expected="sample_id, group", found=f"Found {listed(table.columns)}"))
    twice, strange = table["sample_id"].duplicated(), ~table["group"].isin((*GROUPS, OTHER))
    if twice.any() or strange.any():
        row = int((twice | strange).to_numpy().argmax())
        raise DataError(message(f"{sheet}, row {row + 2}", "the sample stands there twice" if twice[row] else "the group is none", expected=f"each sample once, {', '.join((*GROUPS, OTHER))}",
                                found=f"Found {table['sample_id'][row]}, {table['group'][row]}"))
    kept = table[["sample_id", "group", *(c for c in ("age", "gender") if c in table)]].rename(columns={"gender": "sex"})
    return kept.assign(sex=kept["sex"].map(SEXES)) if "sex" in kept else kept

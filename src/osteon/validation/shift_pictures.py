"""Global statistics of pictures by code, kept in a run: a shift in how films are taken and stored is seen without the films."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from osteon.cohort import Cohort
from osteon.errors import DataError
from osteon.study import Study
from osteon.validation.fingerprints import STATISTICS, flat_plane, statistics
from osteon.validation.material import Material
from osteon.value import Picture

if TYPE_CHECKING:
    import pandas as pd

FILE = "pictures"  # .csv in a run and in the folder of an external validation


def of_material(material: Material) -> pd.DataFrame | None:
    """A row a case with a picture: its code and its statistics; None where the material holds no pictures."""
    if material.prints is None or not material.prints.known.any():
        return None
    return _table(np.array(material.ids, object)[material.prints.known], material.prints.statistics[material.prints.known])


def of_cohort(cohort: Cohort, study: Study, codes: Mapping[str, str]) -> pd.DataFrame | None:
    """The same of a cohort, its first picture input opened once more; None where the study reads none."""
    names = [n for n, s in study.inputs.items() if s.kind in ("picture", "volume") and not s.many]
    if not names:
        return None
    rows = {codes[case.id]: found for case in cohort if (found := _one(case.inputs, names[0])) is not None}
    return _table(np.array(list(rows), object), np.array(list(rows.values()))) if rows else None


def _one(inputs: Mapping[str, object], name: str) -> np.ndarray | None:
    try:
        picture = inputs.get(name)
    except (DataError, OSError):
        return None
    return statistics(flat_plane(picture.array)) if isinstance(picture, Picture) and picture.array.size else None


def _table(codes: np.ndarray, values: np.ndarray) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(values.round(6), columns=list(STATISTICS)).assign(case=codes)[["case", *STATISTICS]]

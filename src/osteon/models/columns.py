"""How the columns of records become numbers that stand beside a picture: standardised by the train part, each with a mark where it is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from osteon.cohort import Cohort
from osteon.cohort.rows import Rows
from osteon.errors import DataError, message
from osteon.value import Withheld


@dataclass(frozen=True)
class Coding:
    """The records by name, their columns of numbers with mean and standard deviation, and those of words with the words that were seen."""

    records: tuple[str, ...]
    numbers: tuple[tuple[str, float, float], ...]
    words: tuple[tuple[str, tuple[str, ...]], ...]

    @staticmethod
    def learnt(cohort: Cohort, records: tuple[str, ...]) -> Coding:
        """From the train part; raises DataError where no case holds a column of the records."""
        import pandas as pd

        frame = pd.concat([_table(cohort, name) for name in records], axis=1)
        frame = frame.loc[:, ~frame.columns.duplicated() & frame.notna().any()]
        if not len(frame.columns):
            raise DataError(message(f"cohort {cohort.name}", f"no case has a column of {' and '.join(records)}"))
        plain = [c for c in frame.columns if frame[c].dtype.kind in "fiu"]
        spread = {c: float(frame[c].std(ddof=0)) for c in plain}
        numbers = tuple((c, float(frame[c].mean()), spread[c] if spread[c] > 1e-9 else 1.0) for c in plain)
        words = tuple((c, tuple(sorted({str(v) for v in frame[c].dropna()}))) for c in frame.columns if c not in plain)
        return Coding(records, numbers, words)

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Self:
        """From plain data, as JSON gives it back."""
        return cls(tuple(plain["records"]), tuple((c, m, s) for c, m, s in plain["numbers"]), tuple((c, tuple(seen)) for c, seen in plain["words"]))

    @property
    def width(self) -> int:
        """How many numbers a case gives: two a number (value, missing), one a word and one more a column of words (none of them)."""
        return 2 * len(self.numbers) + sum(len(seen) + 1 for _, seen in self.words)

    def code(self, inputs: Mapping[str, Any]) -> np.ndarray:
        """The numbers (width,) of a case; a missing number is the mean, a missing or new word none of those seen, and each says so."""
        cells = {column: value for name in self.records if isinstance(given := inputs.get(name), Mapping) for column, value in given.items()}
        out: list[float] = []
        for column, mean, sd in self.numbers:
            value = cells.get(column)
            known = float("nan") if value is None or isinstance(value, Withheld) else (float(value) - mean) / sd
            out += [known, 0.0] if known == known else [0.0, 1.0]
        for column, seen in self.words:
            here = [float(str(cells.get(column)) == word) for word in seen]
            out += [*here, float(not any(here))]
        return np.array(out, np.float32)

    def there(self, inputs: Mapping[str, Any]) -> bool:
        """Whether any cell of the records is filled."""
        given = [inputs.get(name) for name in self.records]
        return any(v is not None and v == v for record in given if isinstance(record, Mapping) for v in record.values())


def _table(cohort: Cohort, name: str) -> Any:
    """One record over the cases, empty where a case has none."""
    import pandas as pd

    if isinstance(cohort.cases, Rows):
        return cohort.table(name)
    records = (case.inputs.get(name) for case in cohort)
    return pd.DataFrame([dict(r) if isinstance(r, Mapping) else {} for r in records])

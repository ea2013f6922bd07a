"""How far reviews rest on the same primary studies (after Hernigou 2023: a review of reviews).

Pieper D et al. J Clin Epidemiol 2014; 67: 368 (corrected covered area).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from osteon.errors import DataError, message
from osteon.run import ONCE, Run
from osteon.study import Study
from osteon.validation.results import SHARE, Result, point

if TYPE_CHECKING:
    import pandas as pd

GRADES = ((0.05, "slight"), (0.10, "moderate"), (0.15, "high"))


@dataclass(frozen=True)
class Overlap:
    """The corrected covered area of the reviews named by the attribute `review`, together and two by two.

    A case is a stratum of a primary study in a review; `study` names the primary study (the patient of the case, where none is given: what is never split).
    """

    review: str
    study: str = "patient"

    @property
    def columns(self) -> tuple[str, ...]:
        """The review and, where it is an attribute, the primary study."""
        return (self.review, *(() if self.study == "patient" else (self.study,)))

    def __call__(self, run: Run, study: Study) -> Iterator[Result]:
        """All reviews, then each pair. Raises DataError for fewer than two reviews."""
        from osteon.stats.overlap import corrected_covered_area

        table = self.citations(run)
        n = len(table)
        area = corrected_covered_area(table.to_numpy())
        yield Result("corrected covered area", "all reviews", value=point(area), n=n, unit=SHARE, note=f"{grade(area)} overlap")
        for what, count in (("reviews", table.shape[1]), ("primary studies", n), ("primary studies in more than one review", int((table.sum(axis=1) > 1).sum()))):
            yield Result("count", what, value=point(float(count)), n=1)
        if table.shape[1] > 2:
            for one, two in combinations(table.columns, 2):
                pair = table[[one, two]].to_numpy()
                yield Result("corrected covered area", f"{one} and {two}", value=point(corrected_covered_area(pair)), n=int(pair.any(axis=1).sum()), unit=SHARE,
                             note=f"{int(pair.all(axis=1).sum())} in both")

    def citations(self, run: Run) -> pd.DataFrame:
        """Primary studies by reviews, 1 where the review includes the study. Raises DataError for fewer than two reviews."""
        import pandas as pd

        where = f"analysis {type(self).__name__}"
        cases = run.table("cases")
        missing = [c for c in (self.review, self.study) if c not in cases]
        if missing:
            raise DataError(message(where, f"no case of the run has {missing[0]!r}", found=f"Found {', '.join(map(str, cases.columns))}"))
        known = cases[cases[self.review].notna() & cases[self.study].notna() & (cases[self.review].astype(str) != ONCE)]
        table: pd.DataFrame = (pd.crosstab(known[self.study].astype(str), known[self.review].astype(str)) > 0).astype(int)
        if table.shape[1] < 2:
            raise DataError(message(where, f"{self.review!r} names fewer than two reviews that hold two studies or more", found=f"Found {table.shape[1]}"))
        return table


def grade(area: float) -> str:
    """Slight, moderate, high or very high overlap, by the bounds of Pieper 2014."""
    return next((word for bound, word in GRADES if area <= bound), "very high")

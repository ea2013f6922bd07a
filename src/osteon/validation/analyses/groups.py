"""Arms of a trial compared, outcome by outcome (after Wang 2022: nursing with and without a system)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from osteon.errors import DataError, message
from osteon.run import Run
from osteon.study import Study
from osteon.validation.results import SHARE, Result, attribute, point

if TYPE_CHECKING:
    import pandas as pd

    from osteon.stats.intervals import Interval

YES_NO = ({"yes", "no"}, {"true", "false"})


@dataclass(frozen=True)
class Groups:
    """Outcomes of the cases of two arms: means by Welch's t with Hedges' g, shares by Fisher's test with the odds ratio; p also corrected by Holm over the outcomes.

    `arm` is the attribute that names the arm, `control` the value of the arm that the other is compared with; `part` limits it to a part of the
    division ("trial"). A yes or no outcome is one of 0 and 1, or of yes and no. One value a patient: cases of one patient are averaged.
    """

    arm: str
    control: str
    outcomes: tuple[str, ...]
    part: str = ""
    level: float = 0.95

    @property
    def columns(self) -> tuple[str, ...]:
        """The arm and the outcomes."""
        return (self.arm, *self.outcomes)

    def __call__(self, run: Run, study: Study) -> Iterator[Result]:
        """For each outcome both arms, their difference, an effect size and both p. Raises DataError where there are not two arms."""
        where = f"analysis {type(self).__name__}"
        table = run.table("cases").set_index("case")
        if self.part:
            split = run.table("split")
            table = table[table.index.isin(split[split["part"] == self.part]["case"])]
        arms = attribute(run, self.arm, where).reindex(table.index).dropna().astype(str)
        others = sorted(set(arms) - {self.control})
        if len(others) != 1 or self.control not in set(arms):
            raise DataError(message(where, f"the attribute {self.arm!r} names no two arms", expected=f"{self.control!r} and one other", found=f"Found {', '.join(sorted(set(arms))) or 'no case'}"))
        found = [part for name in self.outcomes for part in self._outcome(name, attribute(run, name, where).reindex(arms.index), arms, table["patient"].reindex(arms.index), other=others[0])]
        yield from _corrected(found)

    def _outcome(self, name: str, values: pd.Series, arms: pd.Series, patients: pd.Series, *, other: str) -> list[Result]:
        numbers, yes_no = _numbers(values, f"analysis {type(self).__name__}, outcome {name}")
        known = numbers.notna()
        by_patient = numbers[known].groupby([arms[known], patients[known]]).mean()
        new, old = (by_patient[by_patient.index.get_level_values(0) == arm].to_numpy(float) for arm in (other, self.control))
        note = f"{int((~known).sum())} without this outcome left out" if (~known).any() else ""
        return _shares(name, new, old, (other, self.control), note, self.level) if yes_no else _means(name, new, old, (other, self.control), note, self.level)


def _numbers(values: pd.Series, where: str) -> tuple[pd.Series, bool]:
    """An outcome as numbers, and whether it is a yes or no one."""
    import pandas as pd

    words = values.dropna().astype(str).str.strip().str.lower()
    for pair in YES_NO:
        if len(words) and set(words) <= pair:
            return words.isin(("yes", "true")).astype(float).reindex(values.index), True
    numbers = pd.to_numeric(values, errors="coerce")
    if (numbers.isna() & values.notna()).any():
        raise DataError(message(where, "a value is neither a number nor yes or no", found=f"Found {values[numbers.isna() & values.notna()].iloc[0]!r}"))
    return numbers, set(numbers.dropna()) <= {0.0, 1.0}


def _means(name: str, new: np.ndarray, old: np.ndarray, arms: tuple[str, str], note: str, level: float) -> list[Result]:
    from osteon.stats.groups import compare_means

    found, n = compare_means(new, old, level=level), len(new) + len(old)
    each = [Result(f"arm {arm}", name, value=_mean(values, level), n=len(values)) for arm, values in zip(reversed(arms), (old, new), strict=True)]
    return [*each, Result("difference", name, value=found.difference, n=n, p=found.test.p, note=note),
            Result("effect size", name, value=found.hedges_g, n=n, note=f"Mann-Whitney p {'< 0.001' if found.rank_test.p < 0.001 else format(found.rank_test.p, '.3f')}")]


def _mean(values: np.ndarray, level: float) -> Interval:
    from osteon.stats.clusters import clustered_mean

    return replace(clustered_mean(values, np.arange(len(values)), level=level), method="t")


def _shares(name: str, new: np.ndarray, old: np.ndarray, arms: tuple[str, str], note: str, level: float) -> list[Result]:
    from osteon.stats.groups import compare_rates
    from osteon.stats.intervals import wilson

    counts = [(int((values > 0).sum()), len(values)) for values in (new, old)]
    found, n = compare_rates(counts[0], counts[1], level=level), len(new) + len(old)
    each = [Result(f"arm {arm}", name, value=wilson(*count, level=level), n=count[1], unit=SHARE) for arm, count in zip(reversed(arms), reversed(counts), strict=True)]
    return [*each, Result("difference", name, value=found.difference, n=n, p=found.test.p, unit=SHARE, note=note),
            Result("effect size", name, value=found.odds_ratio, n=n, note="odds ratio")]


def _corrected(found: list[Result]) -> Iterator[Result]:
    """The results with Holm's p of each difference behind its effect size."""
    from osteon.stats.multiplicity import adjust

    tested = [r for r in found if r.what == "difference"]
    holm = dict(zip([r.group for r in tested], adjust([r.p for r in tested], method="holm").tolist(), strict=True))
    for result in found:
        yield result
        if result.what == "effect size":
            p = holm[result.group]
            yield replace(result, what="p, Holm", value=point(p, method=f"over {len(tested)} outcomes"), p=p, note="")

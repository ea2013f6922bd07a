"""Whether new images, or a model, can stand in for what readers have now: the individual equivalence index.

Obuchowski NA. Acad Radiol 2014; 21: 993; after Recht 2020 (accelerated against conventional MRI).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from osteon.errors import DataError, StudyError, message
from osteon.run import Run
from osteon.study import Study
from osteon.targets import Classes, Grades, Measures
from osteon.targets.lines import answered
from osteon.validation.analyses.asked import Asked, asked
from osteon.validation.readings import of_question
from osteon.validation.results import SHARE, Result, point

if TYPE_CHECKING:
    import pandas as pd

NEW_IMAGES = "all readers, new against old"


@dataclass(frozen=True)
class Interchangeability:
    """By how much readers disagree more often with the new than among themselves: on new images (readings with `aided`) and with the first model that answers.

    Readings disagree where class or grade differ, or by more than `tolerance` where they are numbers. Interchangeable where the upper limit of the excess
    is below the margin, which is stated beforehand.
    """

    target: str = ""
    finding: str = ""
    margin: float = 0.1
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.margin < 1 or self.tolerance < 0:
            raise StudyError(message(type(self).__name__, "the margin or the tolerance is impossible", expected="a share between 0 and 1, and 0 or more"))

    @property
    def columns(self) -> tuple[str, ...]:
        """No attribute of a case is read."""
        return ()

    def __call__(self, run: Run, study: Study) -> Iterator[Result]:
        """For all readers, each pair of readers, and the model: disagreement with the old, with the new, and the excess. Raises DataError without readings."""
        question = asked(study, self.target, self.finding)
        old, new, patients = readings_of(run, question)
        made = False
        for name, one, two in _comparisons(old, new):
            yield from self._results(name, one, two, patients)
            made = True
        for label in question.labels(run)[:1]:
            answers = answers_of(run, question, label)
            yield from self._results(f"{label} in place of a reader", old, answers, patients)
            made = True
        if not made:
            raise DataError(message(f"analysis {type(self).__name__}", "there is nothing to compare the readers with", expected="readings with aid (the new images) by the same readers, or a model's answers"))

    def _results(self, name: str, old: pd.DataFrame, new: pd.DataFrame | pd.Series, patients: pd.Series) -> Iterator[Result]:
        from osteon.stats.interchangeability import interchangeability
        from osteon.stats.intervals import undefined

        named = new.to_frame() if new.ndim == 1 else new
        both = old.join(named.add_suffix(", new"), how="inner").dropna()
        if len(both) < 2 or old.shape[1] < 2:
            reason = "fewer than two readers" if old.shape[1] < 2 else f"{len(both)} cases were read by all"
            yield Result("excess disagreement", name, value=undefined(reason), n=len(both), unit=SHARE)
            return
        standard = both[list(old.columns)].to_numpy(float)
        test = both.iloc[:, old.shape[1]:].to_numpy(float)
        found = interchangeability(standard, test[:, 0] if test.shape[1] == 1 else test, margin=self.margin, measure="tolerance", tolerance=self.tolerance,
                                   patients=patients.reindex(both.index).to_numpy(str))
        n = len(both)
        yield Result("disagreement, old with old", name, value=point(found.standard_standard), n=n, unit=SHARE)
        yield Result("disagreement, old with new", name, value=point(found.standard_test), n=n, unit=SHARE)
        verdict = {True: "interchangeable", False: "not shown to be interchangeable", None: "not defined"}[found.interchangeable]
        yield Result("excess disagreement", name, value=found.excess, n=n, unit=SHARE, note=f"{verdict} at a margin of {100 * self.margin:g} %")


def readings_of(run: Run, question: Asked) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    """Readings without and with aid, each a case by readers, and the patient of each case; all parts of the division. Raises DataError where there are none."""
    import pandas as pd

    where = "analysis Interchangeability"
    if not isinstance(question.target, (Classes, Grades, Measures)):
        raise StudyError(message(where, f"readers read classes, grades or readings, and {question.name!r} is none of these"))
    if not (run.folder / "readings.csv").exists():
        raise DataError(message(where, "the run has no readings", do="Put readings.csv into the cohort folder, or give it to `osteon readings`"))
    empty = pd.DataFrame({"case": [], "unit": []}, dtype=str)
    _, kept = of_question(empty, run.table("readings"), question.name, question.finding)
    kept = kept[kept["value"].notna()]
    if not len(kept):
        raise DataError(message(where, f"none of the readings is of {question.name!r}"))
    sides = [kept[kept["aided"].astype(bool) == aided].pivot(index="case", columns="reader", values="value") for aided in (False, True)]
    cases = run.table("cases").set_index("case")["patient"]
    keys = kept["case"].unique()
    return sides[0], sides[1], pd.Series([cases.get(k.split(" ")[0], k) for k in keys], index=keys)


def answers_of(run: Run, question: Asked, label: str) -> pd.Series:
    """A model's answer of each tested case by its key, as a reader would give it: the class or grade at the cut where there are two states, else the one named; a reading."""
    known = answered(question.tested(run, label))
    keys = (known["case"] + " " + known["unit"].where(known["unit"] != "case", "")).str.strip()
    values = known["n.answer"]
    if isinstance(question.target, Classes) and len(question.target.names) == 2 and known["cut"].notna().all():
        at = question.target.names.index(question.finding)
        values = (known["score"] >= known["cut"]).map({True: at, False: 1 - at}).astype(float)
    out: pd.Series = values.set_axis(keys)[~keys.duplicated().to_numpy()].rename(label)
    return out


def _comparisons(old: pd.DataFrame, new: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame, pd.DataFrame]]:
    """All readers, and each pair of them, who read both old and new."""
    both = [r for r in old.columns if r in new.columns]
    if len(both) > 1:
        yield NEW_IMAGES, old[both], new[both]
    if len(both) > 2:
        yield from ((f"{one} and {two}", old[[one, two]], new[[one, two]]) for one, two in combinations(both, 2))


"""Where patients were sent against where their risk would send them: over- and under-triage, with controls of like risk, and the value of care.

After Loftus 2023, written anew from its description: risk above the cut is high acuity; low acuity in a high place is overtriage, high acuity in another place
undertriage. Controls are of the same acuity and in the right place, the nearest in risk, each counted once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from osteon.errors import DataError, StudyError, message
from osteon.run import Run
from osteon.seeds import derive
from osteon.study import Study
from osteon.targets.lines import TRUE, judged
from osteon.validation.analyses.asked import Asked, asked, first_label
from osteon.validation.results import SHARE, Result, attribute

if TYPE_CHECKING:
    import pandas as pd

    from osteon.stats.intervals import Interval

OVER, UNDER = "overtriage", "undertriage"


@dataclass(frozen=True)
class Triage:
    """Over- and under-triage of the test part, and the outcome of both against controls.

    `place` is the attribute that says where a case was sent, `high` the values of it that are for high risk; `cut` is the risk from which acuity is high
    (the cut of the run where none is given), `controls` how many are sought for each, `caliper` the largest difference in risk.
    """

    place: str
    high: tuple[str, ...]
    target: str = ""
    finding: str = ""
    model: str = ""
    cut: float = math.nan
    controls: int = 4
    caliper: float = 0.1

    def __post_init__(self) -> None:
        if not self.high or self.controls < 1 or not self.caliper > 0:
            raise StudyError(message(type(self).__name__, "no place is high, no control is sought, or the caliper is 0", expected="a value of the place, 1 or more, above 0"))

    @property
    def columns(self) -> tuple[str, ...]:
        """The attribute of the place."""
        return (self.place,)

    @property
    def question(self) -> tuple[str, str]:
        """Target and finding whose risk decides; empty for the primary and main ones."""
        return self.target, self.finding

    def __call__(self, run: Run, study: Study) -> Iterator[Result]:
        """Shares of both faults, and for each the outcome in cases, in controls, and their difference."""
        from osteon.stats.groups import compare_rates

        placed = self.placed(run, study)
        for name, among in ((OVER, ~placed["acute"]), (UNDER, placed["acute"])):
            wrong = placed["class"] == name
            yield Result("share", f"{name} (of {'high' if name == UNDER else 'low'} risk)", value=_share(wrong[among], placed["patient"][among]), n=int(among.sum()), unit=SHARE)
        for name, (cases, controls) in matched(placed, self).items():
            counts = [(int(placed["event"].iloc[rows].sum()), len(rows)) for rows in (cases, controls)]
            found, note = compare_rates(counts[0], counts[1]), f"{counts[0][1]} against {counts[1][1]} controls"
            for what, rows in (("outcome", cases), ("outcome of controls", controls)):
                yield Result(what, name, value=_share(placed["event"].iloc[rows], placed["patient"].iloc[rows]), n=len(rows), unit=SHARE)
            yield Result("difference", name, value=found.difference, n=counts[0][1] + counts[1][1], p=found.test.p, unit=SHARE, note=note)

    def placed(self, run: Run, study: Study) -> pd.DataFrame:
        """A row a judged test case: risk, acute (risk at or above the cut), high (sent to a high place), event, patient, and class. Raises DataError."""
        question = asked(study, self.target, self.finding)
        where = f"analysis {type(self).__name__}"
        places = attribute(run, self.place, where)
        frame = risks(run, question, self.model)
        sent = frame["case"].map(places)
        frame, sent = frame[sent.notna()], sent[sent.notna()].astype(str)
        if not set(sent) & set(self.high) or not set(sent) - set(self.high):
            raise DataError(message(where, f"{self.place!r} names no high place, or no other", expected=f"{', '.join(self.high)} and others", found=f"Found {', '.join(sorted(set(sent))[:8])}"))
        cut = frame["cut"] if math.isnan(self.cut) else self.cut
        if math.isnan(self.cut) and frame["cut"].isna().any():
            raise DataError(message(where, "the run has no cut for the risk", do="Give one: cut=0.3"))
        frame = frame.assign(acute=frame["risk"] >= cut, high=sent.isin(self.high))
        names = np.select([~frame["acute"] & frame["high"], frame["acute"] & ~frame["high"], frame["acute"]], [OVER, UNDER, "high risk, high place"], "low risk, other place")
        return frame.assign(**{"class": names}).reset_index(drop=True)


def risks(run: Run, question: Asked, model: str) -> pd.DataFrame:
    """The judged test lines of a model, one a case: case, patient, fold, risk, cut, event."""
    lines = judged(question.tested(run, first_label(run, question, model))).drop_duplicates("case")
    return lines[["case", "patient", "cut"]].assign(risk=lines["score"], event=(lines["state"] == TRUE)).reset_index(drop=True)


def matched(placed: pd.DataFrame, triage: Triage) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Row numbers of the cases of each fault, and of their controls: the nearest in risk of the same acuity in the right place, each once."""
    from osteon.stats.neighbours import nearest_controls

    out = {}
    for name in (OVER, UNDER):
        cases = np.flatnonzero(placed["class"] == name)
        right = np.flatnonzero((placed["acute"] == (name == UNDER)) & (placed["high"] == (name == UNDER)))
        risk = placed["risk"].to_numpy(float)
        found = nearest_controls(risk[cases], risk[right], controls=triage.controls, caliper=triage.caliper) if len(cases) and len(right) else np.zeros((0, 1), int)
        out[name] = cases, right[np.unique(found[found >= 0])]
    return out


def _share(hit: pd.Series, patients: pd.Series) -> Interval:
    """Wilson's share; on the effective number of cases where patients repeat."""
    from osteon.stats.clusters import clustered_proportion
    from osteon.stats.intervals import wilson

    if patients.is_unique:
        return wilson(int(hit.sum()), len(hit))
    return clustered_proportion(hit.to_numpy(float), patients.to_numpy(str))


@dataclass(frozen=True)
class TriageValue:
    """Value of care by class of a triage: expected over observed events, over the cost relative to that of all cases; 1 is as expected at the usual cost.

    `cost` is the attribute of what a case cost; `target` and `finding` are of the event (those of the triage where none is given).
    """

    triage: Triage
    cost: str
    target: str = ""
    finding: str = ""
    resamples: int = field(default=1000, kw_only=True)

    @property
    def columns(self) -> tuple[str, ...]:
        """The place and the cost."""
        return (*self.triage.columns, self.cost)

    def __call__(self, run: Run, study: Study) -> Iterator[Result]:
        """For each class of triage, and the controls of both faults: events, cost, and the value of care."""
        import pandas as pd

        placed = self.triage.placed(run, study)
        name, finding = (self.target, self.finding) if self.target else self.triage.question
        event = risks(run, asked(study, name, finding), self.triage.model).set_index("case")
        spent = pd.to_numeric(placed["case"].map(attribute(run, self.cost, f"analysis {type(self).__name__}")), errors="coerce")
        placed = placed.assign(risk=placed["case"].map(event["risk"]), event=placed["case"].map(event["event"]), cost=spent)
        groups = self._groups(placed)
        known = placed[["risk", "event", "cost"]].notna().all(axis=1).to_numpy()
        if not known.any():
            raise DataError(message(f"analysis {type(self).__name__}", "no case has a risk, an outcome and a cost"))
        standard = float(placed["cost"][known].mean())
        for group, rows in groups.items():
            yield from self._value(group, placed.iloc[rows[known[rows]]], standard, derive(int(run.about["seed"]), type(self).__name__, group) % 2**32)

    def _groups(self, placed: pd.DataFrame) -> Mapping[str, np.ndarray]:
        pairs = matched(placed, self.triage)
        out = {}
        for name in dict.fromkeys((OVER, UNDER, *sorted(set(placed["class"])))):
            out[name] = np.flatnonzero(placed["class"] == name)
            out |= {f"controls of {name}": pairs[name][1]} if name in pairs else {}
        return out

    def _value(self, group: str, part: pd.DataFrame, standard: float, seed: int) -> Iterator[Result]:
        from osteon.stats.care import value_of_care
        from osteon.stats.clusters import clustered_mean
        from osteon.stats.intervals import undefined

        n, patients = len(part), part["patient"].to_numpy(str)
        yield Result("outcome", group, value=_share(part["event"].astype(float), part["patient"]) if n else undefined("no case"), n=n, unit=SHARE)
        yield Result("cost", group, value=clustered_mean(part["cost"].to_numpy(float), patients), n=n)
        value = value_of_care(part["event"].astype(float), part["risk"].to_numpy(float), part["cost"].to_numpy(float), patients=patients, standard_cost=standard,
                              resamples=self.resamples, seed=seed) if n else undefined("no case")
        yield Result("value of care", group, value=value, n=n)

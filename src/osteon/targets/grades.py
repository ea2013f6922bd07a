"""Steps of an ordered scale: Kellgren-Lawrence, Meyerding, skill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.errors import DataError, StudyError, message
from osteon.targets.lines import TRUE, Cut, Line, Youden, answered, auc_of, judged, mean_by_patient, state, table_at_cut, within_folds
from osteon.value import Grade, Value, Withheld

if TYPE_CHECKING:
    import pandas as pd

    from osteon.stats.intervals import Interval


@dataclass(frozen=True)
class Grades:
    """An ordered scale by the names of its steps; positive from the step `from_` on."""

    names: tuple[str, ...]
    from_: int
    cut: Cut = Youden()

    def __post_init__(self) -> None:
        if len(self.names) < 2 or not 0 < self.from_ < len(self.names):
            raise StudyError(message("Grades", "the scale or its first positive step is impossible", found=f"Found {self.names}, {self.from_}"))

    @property
    def findings(self) -> tuple[str, ...]:
        """One finding: at least the first positive step."""
        return (f"{self.names[self.from_]} or more",)

    @property
    def words(self) -> tuple[str, ...]:
        """Every word that a cell may hold: names of the steps, or their numbers from 0."""
        return (*self.names, *(str(i) for i in range(len(self.names))))

    def value(self, raw: Any) -> Value:
        """A grade from a name, a number from 0, or probabilities of the steps; raises DataError outside of the scale."""
        if isinstance(raw, (Grade, Withheld)):
            return raw
        if isinstance(raw, (list, tuple, np.ndarray)):
            p = tuple(map(float, raw))
            return Grade(int(np.argmax(p)), p)
        text = str(raw).strip()
        step = self.names.index(text) if text in self.names else int(float(text)) if text.replace(".0", "").isdigit() else -1
        if not 0 <= step < len(self.names):
            raise DataError(message("grades", f"{text!r} is no step of the scale", expected=", ".join(self.names)))
        return Grade(step)

    def score(self, value: Value, finding: str) -> float:
        """The probability of the first positive step or more; 1 or 0 for a grade without probabilities."""
        assert isinstance(value, Grade)
        return float(sum(value.probabilities[self.from_:])) if value.probabilities else float(value.step >= self.from_)

    def is_positive(self, truth: Value, finding: str) -> bool | None:
        """Whether the grade is the first positive step or more."""
        assert isinstance(truth, Grade)
        return truth.step >= self.from_

    def compare(self, truth: Value, value: Value) -> Sequence[Line]:
        """One line; numbers truth, answer (steps), error, and the step to be expected by the probabilities."""
        assert isinstance(truth, Grade)
        finding = self.findings[0]
        known = state(self.is_positive(truth, finding))
        if isinstance(value, Withheld):
            return [Line(finding, state=known, withheld=value.reason)]
        assert isinstance(value, Grade)
        expected = float(np.dot(value.probabilities, range(len(self.names)))) if value.probabilities else float(value.step)
        numbers = {"truth": float(truth.step), "answer": float(value.step), "error": float(value.step - truth.step), "expected": expected}
        return [Line(finding, state=known, score=self.score(value, finding), numbers=numbers)]

    def metrics(self, lines: pd.DataFrame) -> dict[str, Interval]:
        """Quadratic weighted kappa, mean absolute error in steps, share of exact answers, recall of each step, how well the steps are ordered
        (volume under the ROC surface), AUC within folds, accuracy at the cut, and calibration of the probability of the first positive step or more."""
        from osteon.stats import calibration, kappa, two_by_two
        from osteon.stats.intervals import undefined, wilson

        given = answered(lines)
        if not len(given):
            return {"kappa_quadratic": undefined("no answer")}
        truth, answer, patients = given["n.truth"].to_numpy(int), given["n.answer"].to_numpy(int), given["patient"].to_numpy()
        how: dict[str, Any] = {"classes": len(self.names), "weights": "quadratic"}
        agreed = kappa.cohen_kappa(truth, answer, **how) if len(set(patients)) == len(patients) else kappa.clustered_kappa(truth, answer, patients, **how)
        out = {"kappa_quadratic": agreed, "mae": mean_by_patient(np.abs(truth - answer), patients), "exact": wilson(int((truth == answer).sum()), len(given)),
               "auc": within_folds(lines, auc_of), "vus": _volume(given, len(self.names))}
        out |= {f"recall_{k}": wilson(int((answer[truth == k] == k).sum()), int((truth == k).sum())) for k in range(len(self.names))}
        if len(judged(lines)) and not judged(lines)["cut"].isna().any():
            panel = two_by_two.two_by_two(*table_at_cut(lines))
            out |= {k: panel[k] for k in ("sensitivity", "specificity", "ppv", "npv", "prevalence")}
        known = judged(lines)
        positive, score = (known["state"] == TRUE).to_numpy(), np.clip(known["score"].to_numpy(float), 0, 1)
        return out | ({"brier": calibration.brier(positive, score)} | calibration.calibration(positive, score) if len(known) else {})

    def mean(self, values: Sequence[Value]) -> Value:
        """The mean of the probabilities, or the median step where there are none."""
        given = [v for v in values if isinstance(v, Grade)]
        if not given:
            return values[0]
        if all(v.probabilities for v in given):
            p = np.mean([v.probabilities for v in given], axis=0)
            return Grade(int(p.argmax()), tuple(p.tolist()))
        return Grade(int(np.median([v.step for v in given])))


def _volume(lines: pd.DataFrame, steps: int) -> Interval:
    """The volume under the ROC surface of the expected step within folds, averaged, with limits from resampling patients."""
    from osteon.stats.intervals import undefined
    from osteon.stats.ordinal import ordering_volume_interval

    if "n.expected" not in lines or lines["n.expected"].isna().any():
        return undefined("the expected step is not known")
    return ordering_volume_interval(lines["n.truth"].to_numpy(int), lines["n.expected"].to_numpy(float), classes=steps, patients=lines["patient"].to_numpy(),
                                    folds=lines["fold"].to_numpy())

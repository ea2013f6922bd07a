"""Named classes, one answer a case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.errors import DataError, StudyError, message, near
from osteon.targets.lines import NONE, Cut, Line, Youden, answered, auc_of, judged, state, table_at_cut, within_folds
from osteon.value import Label, Value, Withheld

if TYPE_CHECKING:
    import pandas as pd

    from osteon.stats.intervals import Interval

OPEN_WORDS = ("indeterminate", "?")


@dataclass(frozen=True)
class Classes:
    """Named classes of a case; `positive` are the findings, the main one first (default: the last class of two, else every class)."""

    names: tuple[str, ...]
    positive: tuple[str, ...] = ()
    cut: Cut = Youden()

    def __post_init__(self) -> None:
        if len(self.names) < 2 or len(set(self.names)) < len(self.names) or set(self.positive) - set(self.names):
            raise StudyError(message("Classes", "the classes are impossible", expected="two or more different names, positive among them",
                                     found=f"Found {self.names}, positive {self.positive}"))

    @property
    def findings(self) -> tuple[str, ...]:
        """The classes that count as positive, the main one first."""
        return self.positive or (self.names[-1:] if len(self.names) == 2 else self.names)

    @property
    def words(self) -> tuple[str, ...]:
        """Every word that a cell may hold; the last ones leave the reference standard open."""
        return self.names + OPEN_WORDS

    def value(self, raw: Any) -> Value:
        """A label from a name, or from a mapping of class to probability; raises DataError for an unknown class."""
        if isinstance(raw, (Label, Withheld)):
            return raw
        if isinstance(raw, dict) and set(raw) <= set(self.names):
            return Label(max(raw, key=lambda k: float(raw[k])), {k: float(v) for k, v in raw.items()})
        name = str(raw).strip()
        if name not in self.words:
            raise DataError(message("classes", f"{name!r} is no declared class", expected=", ".join(self.names), do=near(name, self.words)))
        return Label(name)

    def score(self, value: Value, finding: str) -> float:
        """The probability of a class; 1 or 0 for a label without probabilities."""
        assert isinstance(value, Label)
        return float(value.probabilities.get(finding, 0.0)) if value.probabilities else float(value.name == finding)

    def is_positive(self, truth: Value, finding: str) -> bool | None:
        """Whether the truth is the finding; None where the reference standard leaves it open."""
        assert isinstance(truth, Label)
        return None if truth.name in OPEN_WORDS else truth.name == finding

    def compare(self, truth: Value, value: Value) -> Sequence[Line]:
        """One line a finding; numbers `truth` and `answer` are the positions of the class names."""
        assert isinstance(truth, Label)
        if isinstance(value, Withheld):
            return [Line(f, state=state(self.is_positive(truth, f)), withheld=value.reason) for f in self.findings]
        assert isinstance(value, Label)
        place = {n: float(i) for i, n in enumerate(self.names)}
        numbers = {"truth": place.get(truth.name, float("nan")), "answer": place.get(value.name, float("nan"))}
        return [Line(f, state=state(self.is_positive(truth, f)), score=self.score(value, f), numbers=numbers) for f in self.findings]

    def metrics(self, lines: pd.DataFrame) -> dict[str, Interval]:
        """AUC within folds, accuracy measures and Cohen's kappa at the cut, and calibration of the probability, of one finding."""
        from osteon.stats import calibration, kappa, two_by_two

        known = judged(lines)
        truth, score = (known["state"] == "true").to_numpy(), np.clip(known["score"].to_numpy(float), 0, 1)
        out = {"auc": within_folds(lines, auc_of)}
        if not known["cut"].isna().any():
            panel = two_by_two.two_by_two(*table_at_cut(lines))
            out |= {k: panel[k] for k in ("sensitivity", "specificity", "ppv", "npv", "accuracy", "lr_positive", "lr_negative", "prevalence")}
            out |= {"kappa": kappa.clustered_kappa(truth.astype(int), (known["score"] >= known["cut"]).to_numpy(int), known["patient"].to_numpy(str), classes=2)} if len(known) else {}
        if len(known):
            out |= {"brier": calibration.brier(truth, score)} | calibration.calibration(truth, score)
        if len(self.names) > 2 and len(answered(lines)):
            out["exact"] = _agreement(answered(lines))
        return out

    def mean(self, values: Sequence[Value]) -> Value:
        """The mean of the probabilities; withheld only where every answer is."""
        given = [v for v in values if isinstance(v, Label)]
        if not given:
            return values[0]
        mean = {n: float(np.mean([self.score(v, n) for v in given])) for n in self.names}
        total = sum(mean.values()) or 1.0
        return Label(max(mean, key=lambda n: mean[n]), {n: p / total for n, p in mean.items()})


def _agreement(lines: pd.DataFrame) -> Interval:
    from osteon.stats.intervals import wilson

    known = lines[(lines["state"] != NONE) & lines["n.truth"].notna()]
    return wilson(int((known["n.truth"] == known["n.answer"]).sum()), len(known))

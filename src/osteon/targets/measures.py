"""Named measurements in units: angles, lengths, areas, relaxation times, gait parameters."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.errors import DataError, StudyError, message, near
from osteon.targets.lines import NONE, Declared, Line, answered, auc_of, judged, mean_by_patient, state, table_at_cut, within_folds
from osteon.value import Readings, Value, Withheld

if TYPE_CHECKING:
    import pandas as pd

    from osteon.stats.intervals import Interval


@dataclass(frozen=True)
class Measures:
    """Readings by name with units; `per` repeats each name but those of `once` for a side or level (`HKA.R`, `HKA.L`); `main` is the finding.

    `read` gives values, and reasons for those that are nan, of landmarks and the spacing (mm): it turns a truth of landmarks into readings.
    """

    units: Mapping[str, str] = field(hash=False)
    main: str
    per: tuple[str, ...] = field(default=(), kw_only=True)
    once: tuple[str, ...] = field(default=(), kw_only=True)
    cut: Declared | None = field(default=None, kw_only=True)
    read: Callable[[Mapping[str, Any], Sequence[float] | None], tuple[dict[str, float], dict[str, str]]] | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if self.main not in self.units or set(self.once) - set(self.units):
            raise StudyError(message("Measures", f"the main reading {self.main!r} or one of `once` has no unit", do=near(self.main, self.units)))

    @property
    def findings(self) -> tuple[str, ...]:
        """Every reading, the main one first."""
        return (self.main, *(n for n in self.units if n != self.main))

    @property
    def keys(self) -> tuple[str, ...]:
        """The names under which readings stand in a table: `HKA.R`, `HKA.L`, `LLD`."""
        return tuple(k for n in self.units for k in self.keys_of(n))

    def keys_of(self, name: str) -> tuple[str, ...]:
        """The keys of one reading."""
        return tuple(f"{name}.{p}" for p in self.per) if self.per and name not in self.once else (name,)

    def value(self, raw: Any) -> Value:
        """Readings from a mapping (cells may be text); raises DataError for an unknown name or a cell that is no number."""
        if isinstance(raw, Readings) and raw.landmarks and not raw.values and self.read:
            measured, reasons = self.read(raw.landmarks, raw.grid.spacing if raw.grid else None)
            return Readings(measured, raw.landmarks, raw.grid, reasons)
        if isinstance(raw, (Readings, Withheld)):
            return raw
        values: dict[str, float] = {}
        for key, cell in dict(raw).items():
            if key not in self.keys:
                raise DataError(message("readings", f"{key!r} is no declared reading", do=near(key, self.keys)))
            try:
                values[key] = float(cell)
            except (TypeError, ValueError) as error:
                raise DataError(message("readings", f"{key} is {cell!r}", expected=f"a number in {self.units[key.split('.')[0]]}")) from error
            if math.isinf(values[key]):
                raise DataError(message("readings", f"{key} is infinite", expected=f"a number in {self.units[key.split('.')[0]]}"))
        return Readings(values)

    def score(self, value: Value, finding: str) -> float:
        """Signed distance beyond the cut of the main reading (worst side); NaN without a cut."""
        assert isinstance(value, Readings)
        distances = [self.cut.distance(value.values[k]) for k in self.keys_of(finding) if k in value.values] if self.cut else []
        return max((d for d in distances if not math.isnan(d)), default=float("nan"))

    def is_positive(self, truth: Value, finding: str) -> bool | None:
        """Whether the main reading lies beyond the cut on any side; None without a cut or a reading."""
        distance = self.score(truth, finding) if finding == self.main else float("nan")
        return None if math.isnan(distance) else distance >= 0

    def compare(self, truth: Value, value: Value) -> Sequence[Line]:
        """One line a reading and side: numbers truth, answer, error; state and score for the main reading where there is a cut."""
        assert isinstance(truth, Readings)
        given: Readings | None = value if isinstance(value, Readings) else None
        out = []
        for name in self.findings:
            for key in self.keys_of(name):
                true = truth.values.get(key, float("nan"))
                if not math.isnan(true):
                    out.append(self._line(name, key, true, given, value.reason if isinstance(value, Withheld) else ""))
        return out

    def _line(self, name: str, key: str, true: float, given: Readings | None, withheld: str) -> Line:
        unit = key.split(".", 1)[1] if "." in key else "case"
        cut = self.cut if name == self.main else None
        known = state(cut.distance(true) >= 0) if cut else NONE
        answer = given.values.get(key, float("nan")) if given else float("nan")
        if math.isnan(answer):
            reason = withheld or (given.reasons.get(key, "") if given else "") or "not measurable"
            return Line(name, unit, state=known, withheld=reason)
        numbers = {"truth": true, "answer": answer, "error": answer - true}
        return Line(name, unit, state=known, score=cut.distance(answer) if cut else float("nan"), numbers=numbers)

    def metrics(self, lines: pd.DataFrame) -> dict[str, Interval]:
        """Mean absolute error (beside that of predicting the mean), bias, limits of agreement, ICC and CCC of one reading; accuracy at the cut."""
        from osteon.stats import two_by_two

        given = answered(lines)
        if len(given) < 3:
            from osteon.stats.intervals import undefined

            return {"mae": undefined(f"{len(given)} readings (3 are the fewest)")}
        out = _errors(given) | _agreement(given)
        known = judged(lines)
        if len(known):
            out["auc"] = within_folds(lines, auc_of)
            panel = two_by_two.two_by_two(*table_at_cut(lines))
            out |= {k: panel[k] for k in ("sensitivity", "specificity", "ppv", "npv", "prevalence")}
        return out

    def mean(self, values: Sequence[Value]) -> Value:
        """The mean of each reading over the answers that give it."""
        given = [v for v in values if isinstance(v, Readings)]
        if not given:
            return values[0]
        keys = dict.fromkeys(k for v in given for k in v.values)
        means = {k: _nanmean([v.values.get(k, float("nan")) for v in given]) for k in keys}
        return Readings(means, landmarks=given[0].landmarks, grid=given[0].grid, reasons=given[0].reasons)


def _nanmean(numbers: Sequence[float]) -> float:
    known = [n for n in numbers if not math.isnan(n)]
    return float(np.mean(known)) if known else float("nan")


def _errors(lines: pd.DataFrame) -> dict[str, Interval]:
    """Mean absolute error, that of the constant answer, bias and root mean square, with patient-level bootstrap limits."""
    patients, error = lines["patient"].to_numpy(), lines["n.error"].to_numpy(float)
    truth = lines["n.truth"].to_numpy(float)
    return {"mae": mean_by_patient(np.abs(error), patients), "mae_of_the_mean": mean_by_patient(np.abs(truth - truth.mean()), patients),
            "bias": mean_by_patient(error, patients)}


def _agreement(lines: pd.DataFrame) -> dict[str, Interval]:
    from osteon.stats import agreement

    truth, answer = lines["n.truth"].to_numpy(float), lines["n.answer"].to_numpy(float)
    limits = agreement.bland_altman(answer, truth)
    return {"loa_lower": limits["lower_limit"], "loa_upper": limits["upper_limit"],
            "icc": agreement.icc(np.column_stack([truth, answer]))["ICC(2,1)"], "ccc": agreement.lin_ccc(truth, answer)}

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


DISTANCE = "landmarks"  # the finding under which the distance of found points is told, in pixels of the film


@dataclass(frozen=True)
class Landmarks:
    """What a network finds on a film as heat-maps: points by name, each once, and marks, each any number of times.

    `marked` gives the places of the marks from a truth of points; an answer names them `MARK.1`, `MARK.2`, ... from above.
    """

    points: tuple[str, ...]
    marks: tuple[str, ...] = ()
    marked: Callable[[Mapping[str, Any]], Mapping[str, Sequence[tuple[float, float]]]] | None = field(default=None, kw_only=True, repr=False)

    def __post_init__(self) -> None:
        if not self.points or bool(self.marks) != bool(self.marked):
            raise StudyError(message("Landmarks", "there is no point, or marks without `marked`", found=f"Found {len(self.points)} points, marks {self.marks}"))


@dataclass(frozen=True)
class Measures:
    """Readings by name with units; `per` repeats each name but those of `once` for a side or level (`HKA.R`, `HKA.L`); `main` is the finding.

    `read` gives values, and reasons for those that are nan, of landmarks and the spacing (mm): it turns landmarks into readings, those of a
    truth where it lacks them and those that a network found, where `landmarks` says what it is to find.
    """

    units: Mapping[str, str] = field(hash=False)
    main: str
    per: tuple[str, ...] = field(default=(), kw_only=True)
    once: tuple[str, ...] = field(default=(), kw_only=True)
    cut: Declared | None = field(default=None, kw_only=True)
    read: Callable[[Mapping[str, Any], Sequence[float] | None], tuple[dict[str, float], dict[str, str]]] | None = field(default=None, kw_only=True, repr=False)
    landmarks: Landmarks | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if self.landmarks and not self.read:
            raise StudyError(message("Measures", "landmarks are found and nothing reads them", do="Declare `read`"))
        if self.main not in self.units or set(self.once) - set(self.units):
            raise StudyError(message("Measures", f"the main reading {self.main!r} or one of `once` has no unit", do=near(self.main, self.units)))

    @property
    def findings(self) -> tuple[str, ...]:
        """Every reading, the main one first; last the points, where a network finds them."""
        return (self.main, *(n for n in self.units if n != self.main), *((DISTANCE,) if self.landmarks else ()))

    @property
    def keys(self) -> tuple[str, ...]:
        """The names under which readings stand in a table: `HKA.R`, `HKA.L`, `LLD`."""
        return tuple(k for n in self.units for k in self.keys_of(n))

    def keys_of(self, name: str) -> tuple[str, ...]:
        """The keys of one reading."""
        return tuple(f"{name}.{p}" for p in self.per) if self.per and name not in self.once else (name,)

    def value(self, raw: Any) -> Value:
        """Readings from a mapping (cells may be text); raises DataError for an unknown name or a cell that is no number."""
        if isinstance(raw, Readings) and raw.landmarks and self.read and not set(self.keys) <= set(raw.values):
            measured, reasons = self.read(raw.landmarks, raw.grid.spacing if raw.grid else None)
            return Readings(measured | dict(raw.values), raw.landmarks, raw.grid, reasons | dict(raw.reasons))
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
        """One line a reading and side: numbers truth, answer, error; state and score for the main reading where there is a cut; one for the points."""
        assert isinstance(truth, Readings)
        given: Readings | None = value if isinstance(value, Readings) else None
        reason, out = value.reason if isinstance(value, Withheld) else "", []
        for name in self.findings:
            for key in self.keys_of(name):
                true = truth.values.get(key, float("nan"))
                if not math.isnan(true):
                    out.append(self._line(name, key, true, given, reason))
        return out + ([_points_line(truth, given, reason, self.landmarks.points)] if self.landmarks and truth.landmarks else [])

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
        """Mean absolute error (beside that of predicting the mean), bias, limits of agreement, ICC and CCC of one reading; accuracy at the cut; of points the mean distance."""
        from osteon.stats import two_by_two

        given = answered(lines)
        if len(given) and "n.distance" in given and given["n.distance"].notna().all():
            return {"distance": mean_by_patient(given["n.distance"].to_numpy(float), given["patient"].to_numpy())}
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


def _points_line(truth: Readings, given: Readings | None, withheld: str, points: Sequence[str]) -> Line:
    """The mean distance of the points that both have, in pixels of the truth's film; withheld where there is none."""
    known = [name for name in points if name in truth.landmarks and given is not None and name in given.landmarks]
    if given is None or not known:
        return Line(DISTANCE, withheld=withheld or "no point was found")
    scale = np.array(truth.grid.shape) / np.array(given.grid.shape) if truth.grid and given.grid else np.ones(2)
    gaps = [(np.array(given.landmarks[name]) + 0.5) * scale - 0.5 - truth.landmarks[name] for name in known]
    return Line(DISTANCE, numbers={"distance": float(np.linalg.norm(gaps, axis=1).mean()), "found": len(known) / len(points)})


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
            "icc": agreement.icc(np.column_stack([truth, answer]))["ICC(2,1)"], "ccc": agreement.lin_ccc(truth, answer), "r": agreement.pearson(truth, answer)}

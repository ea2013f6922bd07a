"""Time to an event: the chance to be free of it at each time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.errors import DataError, message
from osteon.targets.lines import NONE, Cut, Line, Youden, answered, auc_of, judged, state, table_at_cut, within_folds
from osteon.value import Risk, Value, Withheld

if TYPE_CHECKING:
    import pandas as pd

    from osteon.stats.intervals import Interval


@dataclass(frozen=True)
class Events:
    """An event judged at a horizon (in the unit of the times): positive when it came by then, open when the case was censored before."""

    name: str
    horizon: float
    cut: Cut = Youden()

    @property
    def findings(self) -> tuple[str, ...]:
        """The one event."""
        return (self.name,)

    def value(self, raw: Any) -> Value:
        """A truth from a mapping with `time` and `event` (0 or 1); raises DataError for a time that is not above 0."""
        if isinstance(raw, (Risk, Withheld)):
            return raw
        cells = dict(raw)
        try:
            time, event = float(cells["time"]), {"0": False, "1": True, "false": False, "true": True}[str(cells["event"]).strip().lower().removesuffix(".0")]
        except (KeyError, ValueError) as error:
            raise DataError(message(self.name, "time or event can not be read", expected="time in numbers, event 0 or 1", found=f"Found {cells}")) from error
        if not time > 0:
            raise DataError(message(self.name, "the follow-up is not above 0", found=f"Found {time:g}"))
        return Risk(np.array([time]), event=event)

    def score(self, value: Value, finding: str) -> float:
        """One minus the survival at the horizon, by the last time at or before it."""
        assert isinstance(value, Risk)
        place = int(np.searchsorted(value.times, self.horizon, side="right")) - 1
        return 1.0 - float(value.survival[place]) if place >= 0 else 0.0

    def is_positive(self, truth: Value, finding: str) -> bool | None:
        """Whether the event came by the horizon; None where the case was censored before it."""
        assert isinstance(truth, Risk)
        time = float(truth.times[0])
        return True if truth.event and time <= self.horizon else False if time > self.horizon else None

    def compare(self, truth: Value, value: Value) -> Sequence[Line]:
        """One line; numbers time and event, so that concordance can be taken from lines."""
        assert isinstance(truth, Risk)
        known = state(self.is_positive(truth, self.name)) if truth.event is not None else NONE
        numbers = {"time": float(truth.times[0]), "event": float(bool(truth.event))}
        if isinstance(value, Withheld):
            return [Line(self.name, state=known, numbers=numbers, withheld=value.reason)]
        return [Line(self.name, state=known, score=self.score(value, self.name), numbers=numbers)]

    def metrics(self, lines: pd.DataFrame) -> dict[str, Interval]:
        """Harrell's C of the risk at the horizon, AUC of the known states, and accuracy at the cut."""
        from osteon.stats import survival_prediction, two_by_two

        given = answered(lines)
        if not len(given):
            return {}
        out = {"c_index": survival_prediction.harrell_c(given["n.time"].to_numpy(float), given["n.event"].to_numpy(float) == 1, given["score"].to_numpy(float)),
               "auc": within_folds(lines, auc_of)}
        if len(judged(lines)) and not judged(lines)["cut"].isna().any():
            panel = two_by_two.two_by_two(*table_at_cut(lines))
            out |= {k: panel[k] for k in ("sensitivity", "specificity", "ppv", "npv")}
        return out

    def mean(self, values: Sequence[Value]) -> Value:
        """The mean survival at the times of the first answer."""
        given = [v for v in values if isinstance(v, Risk)]
        if not given:
            return values[0]
        times = given[0].times
        return Risk(times, np.mean([np.interp(times, v.times, v.survival) for v in given], axis=0))

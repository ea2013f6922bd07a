"""Geometry or a rule: nothing to learn, the same contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from osteon.cohort import Cohort
from osteon.models.protocol import Desk, missing_input, names_of
from osteon.targets import Target
from osteon.value import Value, Withheld


@dataclass(frozen=True)
class Formula:
    """A function of the inputs that it reads (by keyword) to one value, or to a mapping of the targets that it writes."""

    function: Callable[..., Any]
    reads: tuple[str, ...]
    writes: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "reads", names_of(self.reads))
        object.__setattr__(self, "writes", names_of(self.writes))

    def fit(self, train: Cohort, tune: Cohort, targets: Mapping[str, Target], desk: Desk) -> Self:
        """Itself: there is nothing to learn."""
        return self

    def predict(self, cohort: Cohort) -> Iterator[dict[str, Value]]:
        """The function of each case; an input that is absent or withheld withholds the answer."""
        for case in cohort:
            yield self._answer(case.inputs)

    def _answer(self, inputs: Mapping[str, Any]) -> dict[str, Value]:
        reason = missing_input(inputs, self.reads)
        read = {} if reason else {name: inputs[name] for name in self.reads}
        reason = reason or next((v.reason for v in read.values() if isinstance(v, Withheld)), "")
        answer = Withheld(reason) if reason else self.function(**read)
        return answer if isinstance(answer, dict) else dict.fromkeys(self.writes, answer)

    def save(self, folder: Path) -> None:
        """Nothing: the function stands in the study's file."""

    def load(self, folder: Path, targets: Mapping[str, Target]) -> Self:
        """Itself."""
        return self

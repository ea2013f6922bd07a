"""How readings go along with what is known of a case or a level: age, a grade of degeneration (construct validity, after Huang 2020)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from osteon.errors import StudyError, message
from osteon.run import Run
from osteon.seeds import derive
from osteon.study import Study
from osteon.targets import Measures
from osteon.validation.analyses.asked import Asked, asked, first_label
from osteon.validation.results import Result, attribute

if TYPE_CHECKING:
    import pandas as pd

    from osteon.stats.intervals import Interval

ANSWER, REFERENCE = "answer", "reference"
LEAST = 8  # pairs, below which no correlation is told


@dataclass(frozen=True)
class Correlates:
    """Spearman's rank correlation of readings with attributes: of those of `whole` with the case's own, of those of `each` with that of the part (`pfirrmann_L4` of `disc_signal.L4`).

    The correlation of the reference readings with the same attribute stands beside that of the answers; patients are resampled.
    """

    findings: tuple[str, ...]
    whole: tuple[str, ...] = field(default=(), kw_only=True)
    each: tuple[str, ...] = field(default=(), kw_only=True)
    parts: tuple[str, ...] = field(default=(), kw_only=True)
    target: str = field(default="", kw_only=True)
    model: str = field(default="", kw_only=True)
    resamples: int = field(default=1000, kw_only=True)

    @property
    def columns(self) -> tuple[str, ...]:
        """The attributes of the case and those of its parts."""
        return (*self.whole, *(f"{name}_{part}" for name in self.each for part in self.parts))

    def __call__(self, run: Run, study: Study) -> Iterator[Result]:
        """A group for each reading, a figure for each attribute, of answers and of the reference. Raises StudyError for a target that is not read."""
        question = asked(study, self.target)
        if not isinstance(question.target, Measures):
            raise StudyError(message(f"analysis {type(self).__name__}", f"{question.name!r} holds no readings", expected="Measures"))
        strangers = [finding for finding in self.findings if finding not in question.target.findings]
        if strangers:
            raise StudyError(message(f"analysis {type(self).__name__}", f"{question.name!r} has no reading {strangers[0]!r}", expected=", ".join(question.target.findings)))
        lines = self._known(run, question)
        seed = derive(int(run.about["seed"]), type(self).__name__) % 2**32
        for finding in self.findings:
            mine = lines[lines["finding"] == finding]
            for name in (*self.whole, *self.each):
                known = mine[mine[name].notna()]
                for column, what in (("n.answer", ANSWER), ("n.truth", REFERENCE)):
                    yield Result(f"{what}, {name}", finding, value=self._rank(known, column, name, seed), n=len(known))

    def _known(self, run: Run, question: Asked) -> pd.DataFrame:
        """Answered readings of the test part with the attributes of their case and part."""
        import pandas as pd

        lines = question.of_every_finding(run, first_label(run, question, self.model))
        lines = lines[(lines["withheld"] == "") & lines["n.answer"].notna()]
        where = f"analysis {type(self).__name__}"
        told = {name: pd.to_numeric(lines["case"].map(attribute(run, name, where)), errors="coerce") for name in self.whole}
        for name in self.each:
            table = pd.DataFrame({part: attribute(run, f"{name}_{part}", where) for part in self.parts})
            cells = [table.at[case, part] if part in table else np.nan for case, part in zip(lines["case"], lines["unit"], strict=True)]
            told[name] = pd.to_numeric(pd.Series(cells, index=lines.index, dtype=object), errors="coerce")
        return lines.assign(**told)

    def _rank(self, lines: pd.DataFrame, column: str, name: str, seed: int) -> Interval:
        """Spearman's rho, limits from resampling patients (ranks are those of all cases)."""
        from scipy.stats import rankdata

        from osteon.stats.clusters import from_resamples, resampled_sums
        from osteon.stats.intervals import undefined

        if len(lines) < LEAST:
            return undefined(f"{len(lines)} readings with both ({LEAST} are the fewest)")
        x, y = (rankdata(lines[c].to_numpy(float)) for c in (column, name))
        x, y = x - x.mean(), y - y.mean()
        _, patient = np.unique(lines["patient"].to_numpy(str), return_inverse=True)
        sums = np.zeros((patient.max() + 1, 6))
        np.add.at(sums, patient, np.column_stack([np.ones(len(x)), x, y, x * x, y * y, x * y]))
        return from_resamples(float(_correlation(sums.sum(axis=0)[None])[0]), _correlation(resampled_sums(sums, resamples=self.resamples, seed=seed)))


def _correlation(sums: np.ndarray) -> np.ndarray:
    """The correlation of sums (k, 6: n, x, y, xx, yy, xy); nan where one of both does not vary."""
    n, x, y, xx, yy, xy = sums.T
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((n * xy - x * y) / np.sqrt((n * xx - x * x) * (n * yy - y * y)))

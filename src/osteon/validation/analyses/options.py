"""Every feasible combination of declared factor levels asked of the fitted model, in order, with its distance from the training data (after Anastasio 2022)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.case import Case
from osteon.cohort import Cohort
from osteon.errors import DataError, StudyError, message, near
from osteon.run import Run
from osteon.study import Study
from osteon.validation.analyses.asked import Asked, asked, first_label
from osteon.validation.results import Result, point
from osteon.validation.saved import load_final
from osteon.value import Readings, Value, Withheld

if TYPE_CHECKING:
    import pandas as pd

    from osteon.stats.intervals import Interval

MOST = 200_000  # combinations
LEAST_REACH = 0.5  # standard deviations
REACH = 0.95  # share of training cases whose own distance to their nearest neighbour is within one unit


@dataclass(frozen=True)
class Options:
    """The answer for each combination of `levels` (column -> levels, the first one is "absent"), the best first.

    `feasible` keeps a combination (column -> level); `score` makes a number of an answer (the main reading, or the probability of the finding, where none is
    given), larger is better unless `smaller_is_better`. `context` sets other columns of the record; the rest stand at the median or most frequent value.
    """

    levels: Mapping[str, Sequence[Any]] = field(hash=False)
    target: str = ""
    model: str = ""
    feasible: Callable[[Mapping[str, Any]], bool] | None = None
    score: Callable[[Value], float] | None = None
    smaller_is_better: bool = False
    context: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if not self.levels or any(len(levels) < 2 for levels in self.levels.values()):
            raise StudyError(message(type(self).__name__, "a factor has fewer than two levels", expected="column -> two levels or more"))

    @property
    def columns(self) -> tuple[str, ...]:
        """The factors and the context, which are columns of the record."""
        return (*self.levels, *self.context)

    def __call__(self, run: Run, study: Study) -> Iterator[Result]:
        """Answer and distance of each combination, then what each pair of factors gives beyond its parts. Raises DataError where nothing is feasible."""
        question = asked(study, self.target)
        label = first_label(run, question, self.model)
        options = self._feasible()
        table, record = self._table(run, study, label, options)
        answers = self._answers(run, study, question, label, table, record)
        distance = distances(run, table, list(self.levels))
        unit = getattr(question.target, "units", {}).get(question.finding, "") if self.score is None else ""
        order = np.argsort(answers[0] if self.smaller_is_better else -answers[0], kind="stable")
        for k in order:
            group = spoken(options[k])
            yield Result("answer", group, value=_spread(answers[:, k]), n=len(answers), unit=unit)
            note = "" if distance[k] <= 1 else "outside of the training data: an extrapolation"
            yield Result("distance", group, value=point(float(distance[k]), method="nearest training case"), n=1, note=note)
        yield from self._pairs(options, answers[0], unit)

    def _feasible(self) -> list[dict[str, Any]]:
        size = int(np.prod([len(levels) for levels in self.levels.values()], dtype=float))
        if size > MOST:
            raise StudyError(message(type(self).__name__, f"{size:,} combinations are too many", expected=f"at most {MOST:,}"))
        every = (dict(zip(self.levels, combination, strict=True)) for combination in product(*self.levels.values()))
        kept = [option for option in every if self.feasible is None or self.feasible(option)]
        if not kept:
            raise DataError(message(f"analysis {type(self).__name__}", f"none of {size:,} combinations is feasible"))
        return kept

    def _table(self, run: Run, study: Study, label: str, options: list[dict[str, Any]]) -> tuple[pd.DataFrame, str]:
        """The record of every option: factors, context, and the rest as it usually is; and the name of the record."""
        import pandas as pd

        records = [name for name in study.model(label).reads if name in study.inputs and study.inputs[name].kind == "table"]
        if len(records) != 1 or len(study.model(label).reads) != 1:
            raise StudyError(message(f"analysis {type(self).__name__}", f"{label} reads {', '.join(study.model(label).reads)}", expected="a model of one record"))
        spec = study.inputs[records[0]]
        strange = [name for name in self.columns if name not in spec.columns]
        if strange:
            raise StudyError(message(f"analysis {type(self).__name__}", f"{strange[0]!r} is no column of the record", do=near(strange[0], spec.columns)))
        known = run.table("cases")
        empty = dict.fromkeys(spec.record.numbers, float("nan")) | dict.fromkeys(spec.record.categories)
        usual = empty | {c: _usual(known[c]) for c in spec.columns if c in known} | dict(self.context)
        return pd.DataFrame([usual | option for option in options]), records[0]

    def _answers(self, run: Run, study: Study, question: Asked, label: str, table: pd.DataFrame, record: str) -> np.ndarray:
        """The score (models, options): of the model for new cases first, then of every other fit of the run. Raises DataError where an answer is withheld."""
        cases = [Case(str(k), str(k), inputs={record: row}) for k, row in enumerate(table.to_dict("records"))]
        cohort = Cohort("options", "own", cases=cases)
        final = run.models(label)
        spec, out = study.model(label), []
        for home in (final, *sorted(p for p in final.parent.iterdir() if p.is_dir() and p != final and not p.name.startswith("."))):
            fits = [[given[question.name] for given in model.predict(cohort)] for model in load_final(home, spec, study.targets)]
            means = [question.target.mean(values) if len(values) > 1 else values[0] for values in zip(*fits, strict=True)]
            out.append([self._score(value, question) for value in means])
        return np.array(out)

    def _score(self, value: Value, question: Asked) -> float:
        if isinstance(value, Withheld):
            raise DataError(message(f"analysis {type(self).__name__}", "the model gives no answer for a combination", found=f"Reason: {value.reason}"))
        if self.score is not None:
            return float(self.score(value))
        return float(value.values[question.finding]) if isinstance(value, Readings) else float(question.target.score(value, question.finding))

    def _pairs(self, options: list[dict[str, Any]], answers: np.ndarray, unit: str) -> Iterator[Result]:
        from osteon.stats.factorial import interaction

        present = {name: np.array([float(option[name] != levels[0]) for option in options]) for name, levels in self.levels.items()}
        found = {pair: interaction(answers, present[pair[0]], present[pair[1]]) for pair in combinations(self.levels, 2)}
        known = {pair: value for pair, value in found.items() if value == value}
        for pair in sorted(known, key=lambda p: -abs(known[p])):
            yield Result("together beyond the sum", " and ".join(pair), value=point(known[pair], method="interaction of presence"), n=len(options), unit=unit)


def spoken(option: Mapping[str, Any]) -> str:
    """A combination in words: BMP2 15, BMP7 5."""
    return ", ".join(f"{name} {level:g}" if isinstance(level, (int, float)) and not isinstance(level, bool) else f"{name} {level}" for name, level in option.items())


def distances(run: Run, table: pd.DataFrame, factors: list[str]) -> np.ndarray:
    """Distance (n,) of options to the nearest training case over the factors; 1 is the distance within which 95 of 100 training cases have a neighbour.

    Numbers count in standard deviations of the training cases, words 0 or 1 (same or not). The unit is half a standard deviation at least, so that cases
    which lie close together do not make their own surroundings foreign.
    """
    from osteon.stats.neighbours import nearest_distance, own_distance

    trained = training_cases(run)
    data, points = _scaled(trained[factors], trained), _scaled(table[factors], trained)
    keep = ~np.isnan(data).any(1)
    if keep.sum() < 2:
        raise DataError(message("analysis Options", "fewer than two training cases have every factor"))
    reach = float(np.quantile(own_distance(data[keep]), REACH))
    return nearest_distance(points, data[keep]) / max(reach, LEAST_REACH)


def _scaled(table: pd.DataFrame, trained: pd.DataFrame) -> np.ndarray:
    import pandas as pd

    columns = []
    for name in table:
        if pd.api.types.is_numeric_dtype(trained[name]):
            spread = float(trained[name].std())
            columns.append(table[name].to_numpy(float)[:, None] / (spread if spread > 0 else 1.0))
        else:
            words = sorted({*trained[name].dropna().astype(str), *table[name].dropna().astype(str)})
            columns.append(np.column_stack([(table[name].astype(str) == w).to_numpy(float) for w in words]) / np.sqrt(2))
    return np.column_stack(columns)


def training_cases(run: Run) -> pd.DataFrame:
    """The cases that the model for new cases learnt from: the train part of the only fold, or all."""
    cases, split = run.table("cases"), run.table("split")
    if split["fold"].nunique() > 1:
        return cases
    learnt = split[split["part"].str.split(" ").str[0] == "train"]["case"]
    return cases[cases["case"].isin(set(learnt))]


def _usual(column: pd.Series) -> Any:
    """The median of numbers, the most frequent of words."""
    import pandas as pd

    known = column.dropna()
    if not len(known):
        return float("nan")
    return float(known.median()) if pd.api.types.is_numeric_dtype(known) else known.mode().iloc[0]


def _spread(answers: np.ndarray) -> Interval:
    """The answer of the model for new cases, within the answers of all fits of the run."""
    from osteon.stats.intervals import Interval

    if len(answers) < 2:
        return point(float(answers[0]), method="one fitted model, so no spread of answers")
    return Interval(float(answers[0]), float(answers.min()), float(answers.max()), method=f"least and largest answer of {len(answers)} fits, no confidence interval")

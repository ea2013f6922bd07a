"""How many cases a question needs: the formulas of `stats.sample_size` by the name of the question, with their arguments checked and the answer in a sentence."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from osteon.errors import DataError, message, near
from osteon.stats import sample_size as sizes
from osteon.stats.readers import VarianceComponents


@dataclass(frozen=True)
class Question:
    """A question of size: what it asks, the function that answers it, what the number counts, and the paper."""

    asks: str
    answer: Callable[..., Any]
    counts: str = field(kw_only=True)
    after: str = field(kw_only=True)

    @property
    def arguments(self) -> dict[str, Any]:
        """Each argument with its default, or None where it has to be given."""
        given = inspect.signature(self.answer).parameters.values()
        return {p.name: None if p.default is inspect.Parameter.empty else p.default for p in given}

    @property
    def needed(self) -> tuple[str, ...]:
        """Arguments without a default."""
        return tuple(p.name for p in inspect.signature(self.answer).parameters.values() if p.default is inspect.Parameter.empty)


@dataclass(frozen=True)
class Size:
    """An answer: the number, what it counts, further numbers behind it, and the sentence."""

    question: str
    number: int
    counts: str = field(kw_only=True)
    behind: Mapping[str, float] = field(default_factory=dict, kw_only=True, hash=False)
    sentence: str = field(kw_only=True)


def specificity_size(specificity: float, half_width: float, *, prevalence: float, level: float = 0.95) -> int:
    """Buderer's number of cases for a specificity at a prevalence of the finding."""
    return sizes.sensitivity_size(specificity, half_width, prevalence=1 - prevalence, level=level)


def readers_size(difference: float, *, readers: int, pilot_cases: int, test_reader: float, error: float, cov1: float, cov2: float, cov3: float, power: float = 0.8) -> int:
    """Cases for two readings by several readers, from the variance components of a pilot."""
    pilot = VarianceComponents(0.0, test_reader, error=error, cov1=cov1, cov2=cov2, cov3=cov3)
    return sizes.reader_cases(pilot, difference, readers=readers, pilot_cases=pilot_cases, power=power)


QUESTIONS: Mapping[str, Question] = {
    "sensitivity": Question("a sensitivity within half_width either side", sizes.sensitivity_size, counts="cases", after="Buderer 1996"),
    "specificity": Question("a specificity within half_width either side", specificity_size, counts="cases", after="Buderer 1996"),
    "auc": Question("an AUC within half_width either side; `ratio` negatives for each positive", sizes.auc_size, counts="positive cases", after="Hanley and McNeil 1982"),
    "model": Question("to develop a model of a yes or no outcome; r2 (Cox-Snell) or auc expected", sizes.binary_model_size, counts="cases", after="Riley 2019 and 2020"),
    "survival": Question("to develop a model of the time to an event", sizes.survival_model_size, counts="cases", after="Riley 2019 and 2020"),
    "continuous": Question("to develop a model of a measurement", sizes.continuous_model_size, counts="cases", after="Riley 2019"),
    "observed-expected": Question("to validate: the ratio of observed and expected events, its logarithm known with a standard error", sizes.observed_expected_size, counts="cases", after="Riley 2021"),
    "slope": Question("to validate: a calibration slope known with a standard error", sizes.calibration_slope_size, counts="cases", after="Riley 2021"),
    "net-benefit": Question("to validate: a standardised net benefit known with a standard error", sizes.net_benefit_size, counts="cases", after="Riley 2021"),
    "paired": Question("two tests on the same cases, one more often right", sizes.paired_accuracy_size, counts="cases", after="Connor 1987"),
    "non-inferiority": Question("a test that is at most a margin worse than another on the same cases", sizes.non_inferiority_size, counts="cases", after="normal approximation of the paired difference"),
    "icc": Question("an intraclass correlation known to a full width", sizes.icc_size, counts="subjects", after="Bonett 2002"),
    "limits": Question("limits of agreement within half_width either side", sizes.limits_size, counts="pairs", after="Bland and Altman 1986"),
    "means": Question("a difference of two means", sizes.two_means_size, counts="cases a group", after="two-sided t test"),
    "readers": Question("two readings compared by several readers, from a pilot's variance components", readers_size, counts="cases", after="Hillis 2011")}


def size(question: str, given: Mapping[str, str]) -> Size:
    """The answer to a question of size with arguments as text; raises DataError for an unknown question or argument, one that is missing, or one out of range."""
    if question not in QUESTIONS:
        raise DataError(message("size", f"there is no question {question!r}", do=near(question, QUESTIONS)))
    asked = QUESTIONS[question]
    strange = [name for name in given if name not in asked.arguments]
    missing = [name for name in asked.needed if name not in given]
    if strange or missing:
        wrong = f"{strange[0]!r} is no argument" if strange else f"{', '.join(missing)} must be given"
        raise DataError(message(f"size {question}", wrong, expected=", ".join(asked.arguments), do=near(strange[0], asked.arguments) if strange else ""))
    numbers = {name: _number(question, name, text) for name, text in given.items()}
    try:
        found = asked.answer(**numbers)
    except ValueError as error:
        raise DataError(message(f"size {question}", "no number of cases can be given", found=str(error))) from error
    behind = {} if isinstance(found, int) else {**found.criteria, "expected shrinkage": found.shrinkage}
    number = found if isinstance(found, int) else int(found.cases)
    assumed = {**{k: v for k, v in asked.arguments.items() if v is not None}, **numbers}
    told = ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in assumed.items())
    what = asked.asks.split(";")[0].replace("half_width", f"{assumed.get('half_width', 0):g}")
    text = f"{number:,} {asked.counts} are needed {what if what.startswith('to ') else f'for {what}'} ({told}; {asked.after})."
    return Size(question, number, counts=asked.counts, behind=behind, sentence=text)


def _number(question: str, name: str, text: str) -> float | int:
    try:
        value = float(text.rstrip("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(message(f"size {question}", f"{name} is no number", found=f"Found {text!r}"))
    return int(value) if value == int(value) and name in ("parameters", "raters", "readers", "pilot_cases") else value

"""The order in which records are screened, learned from those that were: tf-idf of title and abstract with a linear model that is fitted anew as decisions come.

The defaults are those that ASReview 2 and 3 found on the SYNERGY collection (support vector machine with pairs of words: ELAS u4; naive Bayes: ELAS u3). Exclusions together weigh 1 / ratio of the inclusions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass

import numpy as np
from numpy.typing import NDArray

from osteon.errors import DataError, message, near
from osteon.evidence.review.linear import LOSSES, solve
from osteon.evidence.review.products import Products, products
from osteon.evidence.review.text_features import Features, tfidf

Floats = NDArray[np.float64]
Labels = NDArray[np.int8]


@dataclass(frozen=True)
class Model:
    """A linear model: its kind, weight of all inclusions to all exclusions, cost (of an error) or, for naive Bayes, the added count; how texts become numbers."""

    kind: str
    ratio: float
    _: KW_ONLY
    strength: float
    pairs: bool
    sublinear: bool
    stop_words: bool


MODELS: Mapping[str, Model] = {
    "svm": Model("svm", 9.8, strength=0.11, pairs=True, sublinear=True, stop_words=False),
    "logistic": Model("logistic", 9.8, strength=1.0, pairs=True, sublinear=True, stop_words=False),
    "bayes": Model("bayes", 1.2, strength=3.822, pairs=False, sublinear=False, stop_words=True),
}


@dataclass(frozen=True)
class Ranking:
    """Undecided records, the first to be screened first, and what the order rests on in one sentence."""

    records: tuple[int, ...]
    statement: str
    _: KW_ONLY
    learned: bool


def model_named(name: str) -> Model:
    """A model by name: svm, logistic or bayes. Raises DataError."""
    if name not in MODELS:
        raise DataError(message("--model", f"there is no model {name!r}", expected=", ".join(MODELS), do=near(name, MODELS)))
    return MODELS[name]


def features_for(texts: Sequence[str], model: Model) -> Features:
    """The texts as the model reads them. Raises DataError where no record has text."""
    return tfidf(texts, pairs=model.pairs, sublinear=model.sublinear, stop_words=model.stop_words)


class Learner:
    """Decided records as they come; each fit starts where the last one ended, and records without text teach nothing."""

    def __init__(self, features: Features, model: Model) -> None:
        self.features, self.model = features, model
        self._labels: list[int] = []
        self._fitted = np.empty(0)
        self._cost = np.empty(0)
        self._products = products(features) if model.kind in LOSSES else None
        self._sums = np.zeros((2, features.all.shape[1] if model.kind == "bayes" else 0))

    @property
    def ready(self) -> bool:
        """Whether both an inclusion and an exclusion are known."""
        return len(set(self._labels)) == 2

    def add(self, records: Iterable[int], labels: Iterable[int]) -> None:
        """Learn decisions: positions of records and 1 for an inclusion, 0 for an exclusion."""
        for record, label in zip(records, labels, strict=True):
            if self.features.blank[record]:
                continue
            self._labels.append(int(label))
            if self._products is not None:
                self._products.add(int(record))
            else:
                first, last = self.features.all.indptr[[record, record + 1]]
                self._sums[label, self.features.all.indices[first:last]] += self.features.all.data[first:last]

    def scores(self) -> Floats:
        """How much speaks for the inclusion of every undecided record; infinite where there is no text to judge by, so that a person looks at it first. Raises ValueError where it is not ready."""
        if not self.ready:
            raise ValueError("scores: decisions of one kind only (expected at least one inclusion and one exclusion)")
        found = self._linear(self._products) if self._products is not None else self._bayes()
        return np.where(self.features.blank, np.inf, found)

    def _weights(self) -> Floats:
        """A weight for each decided record, 1 on average."""
        labels = np.array(self._labels)
        raw = np.where(labels == 1, 1.0, (labels == 1).sum() / (self.model.ratio * (labels == 0).sum()))
        return raw * (len(raw) / raw.sum())

    def _linear(self, held: Products) -> Floats:
        cost, known = self.model.strength * self._weights(), len(self._fitted)
        start = np.zeros(len(cost))
        start[:known] = self._fitted * (cost[:known] / self._cost)  # each coefficient is its cost times a slope that changes little
        self._fitted = solve(held.times, 2.0 * np.array(self._labels) - 1, cost=cost, loss=LOSSES[self.model.kind], start=start)
        self._cost = cost
        return held.scores(self._fitted)

    def _bayes(self) -> Floats:
        weight = self._weights()
        labels = np.array(self._labels)
        counted = np.array([weight[labels == c][0] * self._sums[c] for c in (0, 1)]) + self.model.strength
        logs = np.log(counted) - np.log(counted.sum(1, keepdims=True))
        prior = np.log(weight[labels == 1].sum() / weight[labels == 0].sum())
        return np.asarray(self.features.all @ (logs[1] - logs[0])) + prior


def screening_order(features: Features, labels: Labels, *, model: Model, seed: int, prior: Sequence[int] = (), every: int = 1) -> list[int]:
    """The positions of all records but the prior ones in the order in which active learning serves them, each labelled as it comes.

    The model is fitted anew after ``every`` records (1: as ASReview does) until the last inclusion is found. Order is random until one record of both kinds is known; ties go by the seed.
    """
    draw = np.random.default_rng(seed).permutation(len(labels))
    learner, waiting, out = Learner(features, model), np.ones(len(labels), bool), []
    waiting[list(prior)] = False
    learner.add(prior, labels[list(prior)])
    left = int(labels[waiting].sum())
    while waiting.any():
        scores = learner.scores() if learner.ready else np.zeros(len(labels))
        served = best(scores, draw, waiting, every if left else len(labels))
        waiting[served] = False
        left -= int(labels[served].sum())
        if left:
            learner.add(served, labels[served])
        out += [int(i) for i in served]
    return out


def best(scores: Floats, draw: NDArray[np.intp], waiting: NDArray[np.bool_], count: int) -> NDArray[np.intp]:
    """Positions of the ``count`` waiting records with the highest scores, the highest first; ties by the draw."""
    open_ = np.flatnonzero(waiting)
    if count == 1:
        top = open_[scores[open_] == scores[open_].max()]
        return top[[np.argmin(draw[top])]]
    return open_[np.lexsort((draw[open_], -scores[open_]))][:count]


def rank(records: Sequence[tuple[int, str, int | None]], *, model: str = "svm", seed: int = 0) -> Ranking:
    """Order the undecided records of a review: number, text, and 1 included, 0 excluded, None undecided.

    Raises DataError for another label, an unknown model, a number given twice and records without any text.
    """
    chosen, known = model_named(model), known_labels(records)
    waiting = np.array([label is None for _, _, label in records])
    draw = np.random.default_rng(seed).permutation(len(records))
    yes = sum(known.values())
    base = f"{len(known)} decided records ({yes} included, {len(known) - yes} excluded)"
    if not waiting.any():
        return Ranking((), f"Every record is decided: {base}.", learned=False)
    learner = Learner(features_for([text for _, text, _ in records], chosen), chosen)
    learner.add(known.keys(), known.values())
    scores = learner.scores() if learner.ready else np.zeros(len(records))
    order = tuple(records[i][0] for i in best(scores, draw, waiting, len(records)))
    blank = int((learner.features.blank & waiting).sum())
    how = f"Ordered by {model} from {base}, seed {seed}." if learner.ready else f"In random order (seed {seed}): an order is learned from at least one inclusion and one exclusion, and there are {base}."
    return Ranking(order, how + (f" {blank} records without text come first." if blank and learner.ready else ""), learned=learner.ready)


def known_labels(records: Sequence[tuple[int, str, int | None]]) -> dict[int, int]:
    """The labels that are known, by position. Raises DataError for others than 0, 1 and None, and for a number given twice."""
    seen: set[int] = set()
    for number, _, label in records:
        if number in seen:
            raise DataError(message(f"record {number}", "it is given twice", expected="each record once"))
        if label not in (0, 1, None):
            raise DataError(message(f"record {number}", f"its label is {label!r}", expected="1 included, 0 excluded, None undecided"))
        seen.add(number)
    return {i: int(label) for i, (_, _, label) in enumerate(records) if label is not None}

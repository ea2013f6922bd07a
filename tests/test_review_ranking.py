"""The learned order of screening: the same numbers as scikit-learn, the same order as a plain loop over it, and what cannot be learned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.svm import LinearSVC

from osteon.errors import DataError
from osteon.evidence.review.linear import LOSSES, solve
from osteon.evidence.review.planted import planted_set
from osteon.evidence.review.products import HeldProducts, TextProducts
from osteon.evidence.review.ranking import MODELS, Learner, features_for, rank, screening_order
from osteon.evidence.review.simulation import LabelledSet, draw_prior, read_labelled, wss
from osteon.evidence.review.text_features import tfidf

TEXTS = ("Deep learning for hip fracture, on radiographs: a hip study", "Spine surgery outcomes in adults", "", "Hip fracture detection on radiographs by deep learning", "Kn\u00e9e MRI; the the the", "spine surgery, a trial", "x")
SKLEARN = {"svm": lambda: LinearSVC(C=0.11, tol=1e-10, max_iter=100_000, random_state=0), "logistic": lambda: LogisticRegression(C=1.0, solver="liblinear", tol=1e-10, max_iter=10_000),
           "bayes": lambda: MultinomialNB(alpha=3.822)}


@pytest.fixture(scope="module")
def planted() -> LabelledSet:
    """A small simulated set."""
    return planted_set(0)


def decision(model: str, features: Any, known: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Scores of every record by scikit-learn, weighted as ASReview weighs."""
    y = labels[known]
    weight = np.where(y == 1, 1.0, (y == 1).sum() / (MODELS[model].ratio * (y == 0).sum()))
    fitted = SKLEARN[model]().fit(features[known], y, sample_weight=weight * len(y) / weight.sum())
    if model == "bayes":
        logs = fitted.predict_joint_log_proba(features)
        return logs[:, 1] - logs[:, 0]
    return fitted.decision_function(features)


@pytest.mark.parametrize(("pairs", "sublinear", "stop_words"), [(True, True, False), (False, False, True)])
def test_the_features_are_those_of_scikit_learn(planted: LabelledSet, pairs: bool, sublinear: bool, stop_words: bool) -> None:
    for texts in (TEXTS, planted.texts[:60]):
        ours = tfidf(texts, pairs=pairs, sublinear=sublinear, stop_words=stop_words)
        theirs = TfidfVectorizer(ngram_range=(1, 1 + pairs), sublinear_tf=sublinear, max_df=0.95, stop_words="english" if stop_words else None).fit_transform(texts)
        assert ours.all.shape == theirs.shape
        np.testing.assert_allclose((ours.all @ ours.all.T).toarray(), (theirs @ theirs.T).toarray(), atol=1e-12)
        np.testing.assert_allclose((ours.shared @ ours.shared.T).toarray() + np.diag(ours.own), (theirs @ theirs.T).toarray(), atol=1e-12)
        assert ours.blank.tolist() == [not row for row in np.diff(theirs.indptr)]


@pytest.mark.parametrize("model", MODELS)
def test_the_scores_are_those_of_scikit_learn(planted: LabelledSet, model: str) -> None:
    features, known = features_for(planted.texts, MODELS[model]), np.arange(0, 206, 2)
    learner = Learner(features, MODELS[model])
    learner.add(known[:40], planted.labels[known[:40]])
    learner.scores()  # the next fit starts here
    learner.add(known[40:], planted.labels[known[40:]])
    rest = np.setdiff1d(np.arange(206), known)
    np.testing.assert_allclose(learner.scores()[rest], decision(model, features.all, known, planted.labels)[rest], atol=2e-3 if model != "bayes" else 1e-9)


@pytest.mark.parametrize("loss", LOSSES)
def test_the_solver_reaches_the_optimum(planted: LabelledSet, loss: str) -> None:
    features, rng = features_for(planted.texts, MODELS["svm"]), np.random.default_rng(0)
    matrix = (features.all @ features.all.T).toarray() + 1
    y, cost = 2.0 * planted.labels - 1, rng.uniform(0.01, 5, 206)
    b = solve(lambda v: matrix @ v, y, cost=cost, loss=LOSSES[loss], start=rng.normal(0, 3, 206), tolerance=1e-8)
    slope = LOSSES[loss](y * (matrix @ b))[1]
    np.testing.assert_allclose(b, -cost * y * slope, atol=1e-6)


def test_products_kept_and_products_taken_from_the_texts_are_the_same(planted: LabelledSet) -> None:
    features = features_for(planted.texts, MODELS["svm"])
    held, texts, v = HeldProducts(features), TextProducts(features), np.random.default_rng(0).normal(size=6)
    for record in (5, 0, 205, 7, 1, 2):
        held.add(record)
        texts.add(record)
    np.testing.assert_allclose(held.times(v), texts.times(v), atol=1e-12)
    np.testing.assert_allclose(held.scores(v), texts.scores(v), atol=1e-12)
    assert sorted(np.flatnonzero(np.isnan(held.scores(v)))) == [0, 1, 2, 5, 7, 205]


def test_the_order_is_that_of_a_plain_loop_with_a_fit_after_every_record(planted: LabelledSet) -> None:
    small = replace(planted, texts=planted.texts[:120], labels=planted.labels[:120])
    features, prior = features_for(small.texts, MODELS["svm"]), draw_prior(small.labels, 3)
    known, found = list(prior), []
    while small.labels[known].sum() < small.labels.sum():
        rest = np.setdiff1d(np.arange(120), known)
        found.append(int(rest[np.argmax(decision("svm", features.all, np.array(known), small.labels)[rest])]))
        known.append(found[-1])
    order = screening_order(features, small.labels, model=MODELS["svm"], seed=3, prior=prior)
    assert order[: len(found)] == found
    assert sorted([*order, *prior]) == list(range(120))


def test_the_order_is_that_of_asreview(shared_data: Callable[[str], Path]) -> None:
    # ASReview 3.0.8, ELAS u4, records 300 and 232 (from 0 on) known beforehand
    first = [115, 158, 145, 213, 143, 278, 124, 344, 265, 12, 286, 174, 289, 139, 356, 329, 97, 350, 172, 105, 260, 28, 155, 358]
    data = read_labelled(shared_data("screening_synergy") / "nelson_2002.csv")
    order = screening_order(features_for(data.texts, MODELS["svm"]), data.labels, model=MODELS["svm"], seed=0, prior=(300, 232))
    assert order[: len(first)] == first
    assert wss(data.labels[order], 0.95) == pytest.approx(0.3043956, abs=1e-6)


@pytest.mark.parametrize("model", MODELS)
def test_learning_finds_the_relevant_early_and_the_same_seed_gives_the_same_order(planted: LabelledSet, model: str) -> None:
    features = features_for(planted.texts, MODELS[model])
    order = screening_order(features, planted.labels, model=MODELS[model], seed=1, every=5)
    assert sorted(order) == list(range(206))
    assert order == screening_order(features, planted.labels, model=MODELS[model], seed=1, every=5)
    assert order[:5] != screening_order(features, planted.labels, model=MODELS[model], seed=2, every=5)[:5]
    assert wss(planted.labels[order], 0.8) > 0.3
    shuffled = np.random.default_rng(0).permutation(planted.labels)  # nothing to learn, nothing saved
    assert abs(wss(shuffled[screening_order(features, shuffled, model=MODELS[model], seed=1, every=5)], 0.8)) < 0.3


def project(labels: dict[int, int]) -> list[tuple[int, str, int | None]]:
    """Records 11 to 17 with what is decided."""
    return [(i, text, labels.get(i)) for i, text in enumerate(TEXTS, 11)]


@pytest.mark.parametrize("model", MODELS)
def test_what_waits_is_ranked_and_records_without_text_come_first(model: str) -> None:
    found = rank(project({11: 1, 12: 0}), model=model)
    assert set(found.records[:2]) == {13, 17}
    assert found.records[2] == 14 and found.records[-1] == 16
    assert found.learned and found.statement == f"Ordered by {model} from 2 decided records (1 included, 1 excluded), seed 0. 2 records without text come first."


def test_nothing_to_learn_from_gives_a_random_order_and_says_so() -> None:
    found = rank(project({12: 0}), seed=4)
    assert not found.learned and sorted(found.records) == [11, 13, 14, 15, 16, 17]
    assert found.statement == "In random order (seed 4): an order is learned from at least one inclusion and one exclusion, and there are 1 decided records (0 included, 1 excluded)."
    assert found == rank(project({12: 0}), seed=4) and found.records != rank(project({12: 0}), seed=5).records
    assert rank(project(dict.fromkeys(range(11, 18), 1))).records == ()
    assert rank([]).records == ()


def test_records_alike_are_in_an_order_that_the_seed_gives() -> None:
    records = [(1, "hip fracture", 1), (2, "spine surgery", 0), *((i, "knee radiograph", None) for i in range(3, 20))]
    orders = {rank(records, seed=s).records for s in range(5)}
    assert len(orders) == 5 and all(sorted(o) == list(range(3, 20)) for o in orders)


@pytest.mark.parametrize(("records", "model", "words"), [
    ([(1, "a study", 2)], "svm", "record 1: its label is 2.*1 included, 0 excluded"), ([(1, "a study", 1), (1, "a study", 0)], "svm", "record 1: it is given twice"),
    ([(1, "a study", 1)], "forest", "no model 'forest'.*svm, logistic, bayes"), ([(1, "", None), (2, " ", 1), (3, "!", 0)], "bayes", "none has a title or an abstract")])
def test_what_cannot_be_ranked_says_why(records: list[tuple[int, str, int | None]], model: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        rank(records, model=model)


def test_decisions_of_one_kind_give_no_scores(planted: LabelledSet) -> None:
    learner = Learner(features_for(TEXTS, MODELS["svm"]), MODELS["svm"])
    learner.add([0, 2], [1, 0])  # the second has no text and teaches nothing
    with pytest.raises(ValueError, match="at least one inclusion and one exclusion"):
        learner.scores()

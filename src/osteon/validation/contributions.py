"""What each column gave to an answer, and how much the model as a whole rests on it: by exchanging cells, whatever the model is.

Strumbelj E, Kononenko I. Knowl Inf Syst 2014; 41: 647 (Shapley values by sampling); Breiman L. Mach Learn 2001; 45: 5 and Fisher A et al. J Mach Learn
Res 2019; 20: 177 (permutation importance). Trees: Lundberg SM et al. Nat Mach Intell 2020; 2: 56, exact, by the package shap. Columns that go together share what either could give: neither says what would happen if a cell were changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.cohort import Cohort
from osteon.errors import Refused, message
from osteon.models import Desk, Tabular
from osteon.targets import Classes, Target
from osteon.validation.explanation import Sanity, with_labels_shuffled
from osteon.value import Label

if TYPE_CHECKING:
    import pandas as pd

ROUNDS, REPEATS = 200, 20
LEVEL = 0.95
Answer = Callable[["pd.DataFrame"], np.ndarray]


@dataclass(frozen=True)
class Contributions:
    """Of one answer: what each column gave (name -> part), the answer, the mean answer that they start from, and how they were found; parts sum to the difference."""

    parts: Mapping[str, float]
    answer: float = field(kw_only=True)
    start: float = field(kw_only=True)
    method: str = field(default="Shapley values by sampling", kw_only=True)
    checks: tuple[Sanity, ...] = field(default=(), kw_only=True)


def contributions(answer: Answer, row: pd.DataFrame, background: pd.DataFrame, *, rounds: int = ROUNDS, seed: int = 0) -> Contributions:
    """Shapley values of one row (one line of a table) against random rows of `background`; each round's parts sum to its difference exactly."""
    import pandas as pd

    rng, names = np.random.default_rng(seed), list(row.columns)
    others = background.iloc[rng.integers(0, len(background), rounds)].reset_index(drop=True)
    orders = np.array([rng.permutation(len(names)) for _ in range(rounds)])
    steps = [others]
    for k in range(len(names)):
        now = steps[-1].copy()
        for j, name in enumerate(names):
            at = np.flatnonzero(orders[:, k] == j)
            if len(at):
                now[name] = now[name].mask(now.index.isin(at), row[name].iloc[0])
        steps.append(now)
    values = answer(pd.concat(steps, ignore_index=True)).reshape(len(steps), rounds)
    gains, out = np.diff(values, axis=0), np.zeros(len(names))
    np.add.at(out, orders.T.ravel(), gains.ravel())
    return Contributions(dict(zip(names, (out / rounds).tolist(), strict=True)), answer=float(values[-1].mean()), start=float(values[0].mean()))


@dataclass(frozen=True)
class Importance:
    """How far the AUC falls when a column is dealt out anew: the mean fall and its span (2.5 to 97.5 of 100 deals)."""

    column: str
    fall: float
    lower: float = field(kw_only=True)
    upper: float = field(kw_only=True)


def importance(answer: Answer, table: pd.DataFrame, positive: np.ndarray, *, repeats: int = REPEATS, seed: int = 0) -> tuple[Importance, ...]:
    """Permutation importance of every column by the AUC for states `positive` (n,), the largest first; ValueError where one state is absent."""
    from osteon.stats.roc import auc

    rng, whole = np.random.default_rng(seed), auc(positive, answer(table))
    out = []
    for name in table.columns:
        falls = [whole - auc(positive, answer(table.assign(**{name: table[name].to_numpy()[rng.permutation(len(table))]}))) for _ in range(repeats)]
        low, high = np.quantile(falls, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
        out.append(Importance(str(name), float(np.mean(falls)), lower=float(low), upper=float(high)))
    return tuple(sorted(out, key=lambda i: -i.fall))


def probability(model: Tabular, finding: str) -> Answer:
    """The function from records to the probability (n,) of a class; raises Refused for a model that is not fitted or answers no classes."""
    fitted = model.fitted
    if fitted is None or not isinstance(fitted.target, Classes) or finding not in fitted.target.names:
        raise Refused(message(f"Tabular {model.name!r}", f"there is no class {finding!r} to explain", expected="a fitted model that answers classes"))

    def answer(table: pd.DataFrame) -> np.ndarray:
        from osteon.models.tabular import ready

        values = fitted.values(ready(table), [])
        return np.array([v.probabilities[finding] if isinstance(v, Label) else np.nan for v in values])

    return answer


def explain_row(model: Tabular, row: int, cohort: Cohort, finding: str, *, parts: tuple[Cohort, Cohort], targets: Mapping[str, Target], desk: Desk) -> Contributions:
    """The contributions to one answer of `cohort`, beside those of the same spec fitted on shuffled labels of `parts` (train, tune).

    The background is the train part. Raises Refused for a model that answers no classes.
    """
    records: Any = cohort.table(model.reads[0])
    answer = probability(model, finding)
    assert model.fitted is not None
    columns = list(model.fitted.columns)
    at, background = records[columns].iloc[[row]].reset_index(drop=True), parts[0].table(model.reads[0])[columns]
    found = of_trees(model, finding, at, background, seed=desk.seed) or contributions(answer, at, background, seed=desk.seed)
    train, tune = (with_labels_shuffled(part, model.writes[0], desk.seed + k) for k, part in enumerate(parts))
    other = replace(model, fitted=None).fit(_rows(train, parts[0]), _rows(tune, parts[1]), targets, desk)
    blind = of_trees(other, finding, at, background, seed=desk.seed) or contributions(probability(other, finding), at, background, seed=desk.seed)
    return replace(found, checks=(Sanity("labels", _alike(found.parts, blind.parts), 1),))


def of_trees(model: Tabular, finding: str, row: pd.DataFrame, background: pd.DataFrame, *, seed: int = 0) -> Contributions | None:
    """Exact Shapley values of a tree, a forest or boosted trees of two classes, those of a coded column summed; None for another estimator, or without the package shap.

    The game is played on the coded columns: a missing cell and each word of a column are players of their own before they are summed.
    """
    from osteon.models.tabular import ready

    assert model.fitted is not None
    coding, estimator = model.fitted.estimator[0], model.fitted.estimator[-1]
    if not hasattr(estimator, "tree_") and (not hasattr(estimator, "estimators_") or len(estimator.classes_) > 2):
        return None
    if find_spec("shap") is None:
        return None
    import shap

    some = background.iloc[np.random.default_rng(seed).permutation(len(background))[:ROUNDS]]
    coded, others = (np.asarray(coding.transform(ready(table)), np.float32).astype(float) for table in (row, some))  # as trees see them
    explainer = shap.TreeExplainer(estimator, others, feature_perturbation="interventional", model_output="probability")
    at = [str(c) for c in estimator.classes_].index(finding)
    values, starts = np.asarray(explainer.shap_values(coded, check_additivity=False)), np.atleast_1d(explainer.expected_value)
    if values.ndim == 2:  # boosted trees answer for their second class alone
        values, starts = np.stack([-values, values], -1), np.array([1 - starts[0], starts[0]])
    parts = dict.fromkeys(map(str, row.columns), 0.0)
    for name, value in zip(coding.get_feature_names_out(), values[0, :, at], strict=True):
        parts[_source(str(name), tuple(parts))] += float(value)
    return Contributions(parts, answer=float(starts[at] + sum(parts.values())), start=float(starts[at]), method="Shapley values of trees (SHAP)")


def _source(coded: str, columns: tuple[str, ...]) -> str:
    """The column that a coded one was made of."""
    name = coded.removeprefix("missingindicator_")
    return max((c for c in columns if name == c or name.startswith(f"{c}_")), key=len)


def _rows(shuffled: Cohort, like: Cohort) -> Cohort:
    """The shuffled cohort; a name of its own says that its truths are not those of the patients."""
    return replace(shuffled, name=f"{like.name}, labels shuffled")


def _alike(first: Mapping[str, float], second: Mapping[str, float]) -> float:
    """Rank correlation of two sets of parts; nan where one is flat."""
    from osteon.validation.explanation import likeness

    return likeness(np.array(list(first.values())), np.array([second[k] for k in first]))

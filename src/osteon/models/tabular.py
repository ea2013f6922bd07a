"""A scikit-learn estimator on the columns of a record, from a light spec."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from osteon.cohort import Cohort
from osteon.errors import DataError, NotFitted, StudyError, listed, message, near
from osteon.models.flattery import flattered
from osteon.models.protocol import Desk, names_of
from osteon.models.selection import Selection
from osteon.models.words import is_text, notes_of
from osteon.progress import log
from osteon.targets import Target
from osteon.targets.classes import Classes
from osteon.targets.events import Events
from osteon.value import Label, Readings, Risk, Value, Withheld

if TYPE_CHECKING:
    import pandas as pd

NAMES = ("logistic regression", "decision tree", "random forest", "gradient boosting", "nearest neighbours", "support vectors", "neural network",
         "naive Bayes", "linear regression", "Cox regression", "DeepSurv")
HAZARDS = ("Cox regression", "DeepSurv")  # of the time to an event, and of nothing else


@dataclass(frozen=True)
class Tabular:
    """An estimator by its usual name, what it reads (one record, or one note as TF-IDF of its words) and the one target it writes; probabilities are calibrated where the method gives none.

    `select` chooses among the columns of numbers, in the train part of every fit anew; what that would seem to be worth without such care is noted beside it.
    """

    name: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    settings: Mapping[str, Any] = field(default_factory=dict, kw_only=True, hash=False)
    select: Selection | None = field(default=None, kw_only=True)
    fitted: Fitted | None = field(default=None, kw_only=True, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "reads", names_of(self.reads))
        object.__setattr__(self, "writes", names_of(self.writes))
        if self.name not in NAMES:
            raise StudyError(message("Tabular", f"there is no method {self.name!r}", do=near(self.name, NAMES)))
        if len(self.reads) != 1 or len(self.writes) != 1:
            raise StudyError(message(f"Tabular {self.name!r}", "one record is read and one target is written", found=f"Found {self.reads} and {self.writes}"))

    def fit(self, train: Cohort, tune: Cohort, targets: Mapping[str, Target], desk: Desk) -> Self:
        """Fit on the train part; cases without a truth are left out. Raises DataError where one class, or nobody with an event, is all there is."""
        target = targets[self.writes[0]]
        if (self.name in HAZARDS) != isinstance(target, Events):
            raise StudyError(message(f"Tabular {self.name!r}", f"it does not answer {type(target).__name__}", expected=f"{' or '.join(HAZARDS)} for a time to an event, and for nothing else"))
        text = is_text(train, self.reads[0])
        table, answers = columns_of(train, self.reads[0], text=text), outcomes(train, self.writes[0], target)
        known = answers.notna().to_numpy() & (table.notna().all(axis=1).to_numpy() if text else True)
        sizes: dict[str, int] = answers[known].value_counts().to_dict() if isinstance(target, Classes) else {}
        if isinstance(target, Classes):
            known = known & answers.isin([c for c, n in sizes.items() if n > 1]).to_numpy()  # what one case shows can not be checked on another
            if answers[known].nunique() < 2:
                raise DataError(message(f"{self.name}, train part", f"fewer than two classes of {self.writes[0]!r} have two cases", expected="two or more classes",
                                        found=f"Found {sizes}"))
        desk.notes.update({"cases": int(known.sum())} | ({} if text else {"columns": list(table.columns), "missing_cells": int(table[known].isna().sum().sum())}))
        if self.select is not None:
            return replace(self, fitted=self._selected(self.select, table[known], answers[known].to_numpy(), target, desk, known=known))
        folds, patients = min([5, *(n for n in sizes.values() if n > 1)]), train.column("patient")[known].tolist() if text else None
        estimator = pipeline(self.name, table[known] if text else table, self.settings, desk.seed, folds=folds, patients=patients)
        if text:
            from osteon.models import bag

            desk.notes["words"] = bag.words_known(estimator)
        estimator.fit(table[known], answers[known].to_numpy())
        return replace(self, fitted=Fitted(estimator, tuple(table.columns), target, text=text))

    def _selected(self, select: Selection, table: pd.DataFrame, answers: np.ndarray, target: Target, desk: Desk, *, known: np.ndarray) -> Fitted:
        """The estimator on the columns that survive in the train part; one that answers nothing where none does."""
        if not isinstance(target, Classes):
            raise StudyError(message(f"Tabular {self.name!r}", f"nothing can be selected for {type(target).__name__}", expected="a target of classes"))
        chosen = select.choose(table, answers, desk.seed)
        desk.notes["selection"] = chosen.plain()
        if not chosen.columns:
            log.warning("%s: %s, so that it gives no answer", self.name, chosen.reason)
            return Fitted(None, (), target, reason=chosen.reason)
        rows, smallest = table[list(chosen.columns)], int(np.unique(answers, return_counts=True)[1].min())
        make = partial(pipeline, self.name, rows, self.settings, desk.seed)
        estimator = make(folds=min(5, smallest)).fit(rows, answers)
        desk.notes["flattered"] = {"rows": np.flatnonzero(known).tolist(), **flattered(estimator, make, rows, answers, finding=target.findings[0], seed=desk.seed)}
        return Fitted(estimator, chosen.columns, target, fills=select.absent == "median")

    def predict(self, cohort: Cohort) -> Iterator[dict[str, Value]]:
        """One value a case, computed for the whole cohort at once."""
        if self.fitted is None:
            raise NotFitted(message(f"Tabular {self.name!r}", "it was asked before it learned", do="Call fit or load first"))
        table = columns_of(cohort, self.reads[0], text=self.fitted.text)
        missing = [c for c in self.fitted.columns if c not in table]
        there = table.notna().all(axis=1).to_numpy() if self.fitted.text else np.ones(len(table), bool)
        values = iter(self.fitted.values(table[there], missing) if there.any() else ())
        yield from ({self.writes[0]: next(values) if given else Withheld(f"no {self.reads[0]}")} for given in there)

    def save(self, folder: Path) -> None:
        """The estimator as a skops file (JSON and arrays, no pickle)."""
        import skops.io

        if self.fitted is None:
            raise NotFitted(message(f"Tabular {self.name!r}", "there is nothing to save"))
        skops.io.dump({"estimator": self.fitted.estimator, "columns": list(self.fitted.columns), "reason": self.fitted.reason, "fills": self.fitted.fills, "text": self.fitted.text}, folder / "estimator.skops")

    def load(self, folder: Path, targets: Mapping[str, Target]) -> Self:
        """The fitted copy from a folder; only types of scikit-learn, LightGBM and NumPy are trusted."""
        stored = trusted(folder / "estimator.skops")
        return replace(self, fitted=Fitted(stored["estimator"], tuple(stored["columns"]), targets[self.writes[0]], reason=stored.get("reason", ""), fills=stored.get("fills", False),
                                            text=stored.get("text", False)))


def trusted(path: Path) -> Any:
    """What a skops file holds; only types of scikit-learn, LightGBM and NumPy are trusted."""
    import skops.io

    known = [t for t in skops.io.get_untrusted_types(file=path) if t.split(".")[0] in ("sklearn", "lightgbm", "numpy", "osteon", "collections")]
    return skops.io.load(path, trusted=known)


@dataclass(frozen=True, eq=False)
class Fitted:
    """A fitted pipeline with its columns and the target that it answers; `reason` where there is none, `fills` where an absent column is filled as an empty cell is, `text` where the column holds the words of notes."""

    estimator: Any
    columns: tuple[str, ...]
    target: Target
    reason: str = field(default="", kw_only=True)
    fills: bool = field(default=False, kw_only=True)
    text: bool = field(default=False, kw_only=True)

    def values(self, table: pd.DataFrame, missing: list[str]) -> list[Value]:
        """One value a row; withheld where a column is not there at all, unless that was declared to be filled and some column is there."""
        if self.reason:
            return [Withheld(self.reason)] * len(table)
        if missing and (not self.fills or len(missing) == len(self.columns)):
            return [Withheld(f"no column {listed(missing, 3)}")] * len(table)
        if missing:
            log.warning("%d of %d columns are not there (%s): the median of the train part stands for each", len(missing), len(self.columns), listed(missing))
            table = table.assign(**dict.fromkeys(missing, np.nan))
        rows = table[list(self.columns)]
        if isinstance(self.target, Events):
            return self._risks(rows, self.target.horizon)
        if not isinstance(self.target, Classes):
            return [Readings({self.target.findings[0]: float(v)}) for v in self.estimator.predict(rows)]
        known = [str(c) for c in self.estimator.classes_]
        out = np.zeros((len(table), len(self.target.names)))
        out[:, [self.target.names.index(c) for c in known]] = self.estimator.predict_proba(rows)
        names = self.target.names
        return [Label(names[int(p.argmax())], dict(zip(names, (p / p.sum()).tolist(), strict=True))) for p in out]

    def _risks(self, rows: pd.DataFrame, horizon: float) -> list[Value]:
        """The chance to be free of the event at forty times of the train part and at the horizon."""
        from osteon.models.hazards import moments, survival

        columns, last = self.estimator[:-1].transform(rows), self.estimator[-1]
        times = moments(last.times_, horizon)
        return [Risk(times, free) for free in survival(last, columns, times)]


def outcomes(cohort: Cohort, name: str, target: Target) -> pd.Series:
    """What an estimator learns of each case: the class, the main reading, or time and event; missing where there is no truth or it is open."""
    import pandas as pd

    def one(truth: Any) -> Any:
        if isinstance(truth, Label):
            return truth.name if isinstance(target, Classes) and truth.name in target.names else None
        if isinstance(truth, Risk):
            return (float(truth.times[0]), truth.event) if truth.event is not None else None
        return truth.values.get(target.findings[0]) if isinstance(truth, Readings) else None

    return pd.Series([one(case.truth[name]) if name in case.truth else None for case in cohort], dtype=object)


def ready(table: pd.DataFrame) -> pd.DataFrame:
    """Numbers as float; of every other column the text, an empty cell as the word "missing", which is a category of its own."""
    return table.assign(**{c: table[c].where(table[c].notna(), "missing").astype(str).astype(object) for c in table.columns if table[c].dtype.kind not in "fiu"})


def columns_of(cohort: Cohort, name: str, *, text: bool) -> pd.DataFrame:
    """What an estimator reads of the cases: the columns of a record, or the words of a note (None where there is none)."""
    if not text:
        return ready(cohort.table(name))
    from osteon.models import bag

    return bag.table(name, notes_of(cohort, name))


def pipeline(name: str, table: pd.DataFrame, settings: Mapping[str, Any], seed: int, *, folds: int = 5, patients: list[Any] | None = None) -> Any:
    """Imputation, scaling and one-hot coding fitted with the estimator, so that nothing is learned outside of the train part.

    `folds` of the calibration: at most the cases of the smallest class. With `patients` the one column holds the words of their notes, which become TF-IDF.
    """
    if patients is not None:
        from osteon.models import bag

        return bag.pipeline(estimator(name, settings, seed, folds=folds, text=True), table, patients)
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = [c for c in table.columns if table[c].dtype.kind in "fiu"]
    numeric = make_pipeline(SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True), StandardScaler())
    words = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=10, sparse_output=False)
    columns = make_column_transformer((numeric, numbers), (words, [c for c in table.columns if c not in numbers]), verbose_feature_names_out=False)
    return make_pipeline(columns, estimator(name, settings, seed, folds=folds))


def estimator(name: str, settings: Mapping[str, Any], seed: int, *, folds: int = 5, text: bool = False) -> Any:
    """The estimator of a name with defaults that suit a few hundred to a few hundred thousand rows, or the words of notes (`text`)."""
    from sklearn import ensemble, linear_model, naive_bayes, neighbors, neural_network, tree

    from osteon.models import bag, hazards

    makers: dict[str, Any] = {
        "logistic regression": lambda: linear_model.LogisticRegression(**{"C": 1.0, "max_iter": 2000, **settings}),
        "decision tree": lambda: tree.DecisionTreeClassifier(**{"min_samples_leaf": 20, "random_state": seed % 2**32, **settings}),
        "random forest": lambda: ensemble.RandomForestClassifier(**{"n_estimators": 300, "min_samples_leaf": 5, "random_state": seed % 2**32, **settings}),
        "gradient boosting": lambda: ensemble.GradientBoostingClassifier(**{"n_estimators": 100, "max_depth": 2, "subsample": 0.7, "random_state": seed % 2**32, **settings}),
        "nearest neighbours": lambda: neighbors.KNeighborsClassifier(**{"n_neighbors": 35, **settings}),
        "support vectors": lambda: _support_vectors(settings, folds),
        "neural network": lambda: neural_network.MLPClassifier(**{"hidden_layer_sizes": (16,), "alpha": 1.0, "solver": "lbfgs", "max_iter": 1000, "random_state": seed % 2**32, **settings}),
        "naive Bayes": lambda: naive_bayes.GaussianNB(**settings),
        "linear regression": lambda: linear_model.Ridge(**settings),
        "Cox regression": lambda: hazards.CoxRegression(**settings),
        "DeepSurv": lambda: hazards.HazardNetwork(**{"seed": seed % 2**32, **settings}),
    }
    return (makers | bag.estimators(settings, seed, folds) if text else makers)[name]()


def _support_vectors(settings: Mapping[str, Any], folds: int) -> Any:
    """A support vector classifier gives no probability of its own: Platt's sigmoid on out-of-fold decisions."""
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.svm import SVC

    return CalibratedClassifierCV(SVC(**{"C": 1.0, "cache_size": 500, **settings}), cv=folds, ensemble=False)

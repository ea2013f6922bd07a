"""A note as a bag of its words and pairs of words, weighed by how few notes hold them (TF-IDF, Salton 1988, doi:10.1016/0306-4573(88)90021-0), for estimators of scikit-learn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sklearn.base import BaseEstimator, TransformerMixin

from osteon.errors import DataError, message
from osteon.models.words import FEWEST, known_words, tokens

if TYPE_CHECKING:
    import pandas as pd

RUNS = 2  # words in a run, at most


def table(name: str, notes: Sequence[str | None]) -> pd.DataFrame:
    """One column: the words of each note with a space between them, as `tokens` gives them; None where there is no note."""
    import pandas as pd

    return pd.DataFrame({name: pd.Series([None if note is None else " ".join(tokens(note)) for note in notes], dtype=object)})


class Counts(TransformerMixin, BaseEstimator):
    """How often each known word or run of words stands in a note (notes, words), sparse; `words` are joined by line ends, so that a saved file holds them as one text."""

    def __init__(self, words: str = "", longest: int = RUNS) -> None:
        self.words, self.longest = words, longest

    def fit(self, notes: pd.Series, answers: Any = None) -> Counts:
        """Itself: what it knows was given."""
        return self

    def transform(self, notes: pd.Series) -> Any:
        """Counts of notes whose words stand with a space between them."""
        from sklearn.feature_extraction.text import CountVectorizer

        return CountVectorizer(lowercase=False, token_pattern=r"\S+", ngram_range=(1, self.longest), vocabulary=self.words.split("\n")).transform(notes)


def pipeline(last: Any, words: pd.DataFrame, patients: Sequence[Any], *, longest: int = RUNS) -> Any:
    """The words that the notes of several patients share, weighed, then an estimator; `words` as `table` gives them. Raises DataError where nothing is shared."""
    from sklearn.compose import make_column_transformer
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.pipeline import make_pipeline

    column = str(words.columns[0])
    known = known_words((text.split(" ") for text in words[column]), patients, longest=longest)
    if not known:
        raise DataError(message(f"note {column!r}, train part", f"no word stands in the notes of {FEWEST} patients", do="Give more patients"))
    return make_pipeline(make_column_transformer((Counts("\n".join(known), longest), column), verbose_feature_names_out=False), TfidfTransformer(sublinear_tf=True), last)


def words_known(fitted: Any) -> int:
    """How many words and runs of words a pipeline of `pipeline` knows."""
    return len(fitted[0].transformers[0][1].words.split("\n"))


def estimators(settings: Mapping[str, Any], seed: int, folds: int) -> dict[str, Callable[[], Any]]:
    """The methods that words ask another kind of: counts in place of normal columns, a linear margin where columns are many and empty (Joachims 1998, doi:10.1007/BFb0026683), fewer trees."""
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.naive_bayes import MultinomialNB
    from sklearn.svm import LinearSVC

    return {"naive Bayes": lambda: MultinomialNB(**settings), "support vectors": lambda: CalibratedClassifierCV(LinearSVC(**settings), cv=folds, ensemble=False),
            "random forest": lambda: RandomForestClassifier(**{"n_estimators": 100, "min_samples_leaf": 2, "random_state": seed % 2**32, **settings})}

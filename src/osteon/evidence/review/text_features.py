"""Texts as rows of tf-idf, made once: words and pairs of neighbouring words, numbered without making a text of each pair."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from osteon.errors import DataError, message

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

WORD = re.compile(r"\b\w\w+\b")
COMMON = 0.95  # a word in more of the texts than this tells nothing


@dataclass(frozen=True)
class Features:
    """Rows of unit length, one a text: ``all`` words; the words ``shared`` by two texts or more; the squared length of the others (``own``); texts with no word are ``blank``."""

    all: csr_matrix
    shared: csr_matrix
    _: KW_ONLY
    own: NDArray[np.float64]
    blank: NDArray[np.bool_]


def tfidf(texts: Sequence[str], *, pairs: bool, sublinear: bool, stop_words: bool) -> Features:
    """Words (and pairs of words) of each text weighted by tf-idf. Raises DataError where there is no text at all."""
    from sklearn.feature_extraction.text import TfidfTransformer

    counts = word_counts(texts, pairs=pairs, stop_words=stop_words)
    if not counts.nnz:
        raise DataError(message("records", "none has a title or an abstract to learn from", expected="text in most of them"))
    rows = TfidfTransformer(sublinear_tf=sublinear).fit_transform(counts)
    shared = rows[:, np.bincount(rows.indices, minlength=rows.shape[1]) > 1]
    length = np.asarray(rows.multiply(rows).sum(1)).ravel()
    return Features(rows, shared, own=length - np.asarray(shared.multiply(shared).sum(1)).ravel(), blank=np.diff(rows.indptr) == 0)


def word_counts(texts: Sequence[str], *, pairs: bool, stop_words: bool) -> csr_matrix:
    """How often each word of two letters or more (and each pair of neighbours) is in each text; English stop words are left out where asked, words in nearly every text always."""
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    skipped = ENGLISH_STOP_WORDS if stop_words else frozenset()
    known: dict[str, int] = {}
    found = [[known.setdefault(w, len(known)) for w in WORD.findall(text.lower()) if w not in skipped] for text in texts]
    lengths = [len(words) for words in found]
    columns = np.fromiter((w for words in found for w in words), np.int64, sum(lengths))
    rows, width = np.repeat(np.arange(len(texts)), lengths), len(known)
    if pairs and len(columns) > 1:
        within = rows[:-1] == rows[1:]
        distinct, place = np.unique((columns[:-1] * width + columns[1:])[within], return_inverse=True)
        rows, columns, width = np.concatenate([rows, rows[:-1][within]]), np.concatenate([columns, width + place]), width + len(distinct)
    counts = csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(texts), width))
    counts.sum_duplicates()
    in_texts = np.bincount(counts.indices, minlength=width)
    return counts[:, in_texts <= COMMON * len(texts)]

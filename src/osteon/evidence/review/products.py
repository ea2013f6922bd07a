"""Products of decided records with one another and with the others: held in memory for a set of a few thousand records, taken from the texts each time for a larger one.

Each is the product of two rows of tf-idf plus 1, which stands for the intercept as one more word in every text.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from osteon.evidence.review.text_features import Features

HELD = 3000  # records whose products with one another are kept (72 MB)
Floats = NDArray[np.float64]


class Products(Protocol):
    """What a fit needs of the decided records, which are numbered in the order in which they were added."""

    def add(self, record: int) -> None:
        """Count a record as decided."""

    def times(self, v: Floats) -> Floats:
        """The products of the decided records with one another times a vector."""

    def scores(self, b: Floats) -> Floats:
        """The products of every record with the decided ones times a vector; nan for decided records."""


def products(features: Features) -> Products:
    """The products of a set, as it fits into memory."""
    return HeldProducts(features) if len(features.own) <= HELD else TextProducts(features)


class HeldProducts:
    """All products in one matrix whose rows and columns are exchanged so that the decided records come first."""

    def __init__(self, features: Features) -> None:
        self._matrix = (features.shared @ features.shared.T).toarray() + 1
        self._matrix[np.diag_indices_from(self._matrix)] += features.own
        self._record = np.arange(len(self._matrix))
        self._place = np.arange(len(self._matrix))
        self._count = 0

    def add(self, record: int) -> None:
        """Count a record as decided."""
        to, at = self._count, self._place[record]
        if to != at:
            self._matrix[[to, at]] = self._matrix[[at, to]]
            self._matrix[:, [to, at]] = self._matrix[:, [at, to]]
            self._record[[to, at]] = self._record[[at, to]]
            self._place[self._record[[to, at]]] = to, at
        self._count += 1

    def times(self, v: Floats) -> Floats:
        """The products of the decided records with one another times a vector."""
        return self._matrix[: self._count, : self._count] @ v

    def scores(self, b: Floats) -> Floats:
        """The products of every record with the decided ones times a vector; nan for decided records."""
        out = np.full(len(self._matrix), np.nan)
        out[self._record[self._count:]] = b @ self._matrix[: self._count, self._count:]
        return out


class TextProducts:
    """No product is kept: memory grows with the texts alone."""

    def __init__(self, features: Features) -> None:
        self._features = features
        self._records: list[int] = []
        self._rows = features.shared[[]]

    def add(self, record: int) -> None:
        """Count a record as decided."""
        self._records.append(record)

    def times(self, v: Floats) -> Floats:
        """The products of the decided records with one another times a vector."""
        if self._rows.shape[0] != len(self._records):
            self._rows = self._features.shared[self._records]
        return self._rows @ (self._rows.T @ v) + self._features.own[self._records] * v + v.sum()

    def scores(self, b: Floats) -> Floats:
        """The products of every record with the decided ones times a vector; nan for decided records."""
        out = self._features.shared @ (self._features.shared[self._records].T @ b) + b.sum()
        out[self._records] = np.nan
        return np.asarray(out)

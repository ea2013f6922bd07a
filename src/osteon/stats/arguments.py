"""Checks of array arguments: every refusal names the argument, the position and what was expected.

Functions that return one number raise ValueError where the number does not exist; functions that return an
:class:`~osteon.stats.intervals.Interval` return an undefined one with its reason. Malformed input (nan, unequal
lengths, negative weights) is refused by both.
"""
from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.floating[Any]]
Bools = NDArray[np.bool_]


def refuse(name: str, values: NDArray, bad: Bools, expected: str) -> None:
    """Raise ValueError at the first position where ``bad`` is true."""
    if bad.any():
        where = np.argwhere(bad)[0]
        position = int(where[0]) if len(where) == 1 else tuple(int(i) for i in where)
        raise ValueError(f"{name}: position {position} is {values[tuple(where)]} (expected {expected})")


def numbers(values: ArrayLike, name: str, *, ndim: int = 1, minus_infinity: bool = False) -> Floats:
    """Floats of ``ndim`` dimensions without nan and infinities (``minus_infinity`` lets -inf pass)."""
    array = _floats(values, name, ndim)
    bad = np.isnan(array) | np.isposinf(array) if minus_infinity else ~np.isfinite(array)
    refuse(name, array, bad, "a finite number or -inf" if minus_infinity else "a finite number")
    return array


def positives(values: ArrayLike, name: str, *, zero: bool = False) -> Floats:
    """Finite floats above 0 (``zero`` lets 0 pass)."""
    array = numbers(values, name)
    refuse(name, array, array < 0 if zero else array <= 0, "0 or more" if zero else "more than 0")
    return array


def probabilities(values: ArrayLike, name: str, *, ndim: int = 1) -> Floats:
    """Floats within 0 and 1."""
    array = numbers(values, name, ndim=ndim)
    refuse(name, array, (array < 0) | (array > 1), "a probability within 0 and 1")
    return array


def binary(values: ArrayLike, name: str, *, ndim: int = 1) -> Bools:
    """Booleans from values that are all 0 or 1."""
    array = _floats(values, name, ndim)
    refuse(name, array, ~np.isin(array, (0.0, 1.0)), "0 or 1")
    return array == 1


def classes(values: ArrayLike, name: str, count: int) -> NDArray[np.intp]:
    """Class indices 0 to ``count`` - 1."""
    array = numbers(values, name)
    refuse(name, array, (array != np.floor(array)) | (array < 0) | (array >= count),
           f"a class index from 0 to {count - 1}")
    return array.astype(np.intp)


def same_length(**arrays: NDArray | None) -> int:
    """The shared length of the named arrays (None is skipped)."""
    lengths = {name: len(a) for name, a in arrays.items() if a is not None}
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{name} has {n}" for name, n in lengths.items())
        raise ValueError(f"{', '.join(lengths)}: unequal lengths (expected one length for all). {found}")
    return next(iter(lengths.values()))


def weights(values: ArrayLike | None, size: int, name: str = "weights") -> Floats:
    """Weights of 0 or more with a positive sum; ones where ``values`` is None."""
    if values is None:
        return np.ones(size)
    array = positives(values, name, zero=True)
    if len(array) != size:
        raise ValueError(f"{name}: {len(array)} weights for {size} cases (expected one weight a case)")
    if size and array.sum() == 0:
        raise ValueError(f"{name}: all weights are 0 (expected at least one above 0)")
    return array


def codes(values: ArrayLike, name: str) -> tuple[NDArray[np.intp], int]:
    """Codes 0 to k - 1 of the distinct values, and k."""
    array = np.asarray(values)
    if array.ndim != 1:
        raise ValueError(f"{name}: {array.ndim} dimensions (expected 1)")
    if array.dtype.kind == "f":
        refuse(name, array, np.isnan(array), "an identifier")
    labels, inverse = np.unique(array, return_inverse=True)
    return inverse, len(labels)


def fraction(value: float, name: str) -> float:
    """One number strictly within 0 and 1, such as a confidence level."""
    if not 0 < value < 1:
        raise ValueError(f"{name}: {value} (expected a number between 0 and 1)")
    return float(value)


def _floats(values: ArrayLike, name: str, ndim: int) -> Floats:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name}: not an array of numbers (expected {ndim} dimension(s) of numbers)") from None
    if array.ndim != ndim:
        raise ValueError(f"{name}: {array.ndim} dimension(s) (expected {ndim})")
    return array

"""Records on both sides of the division, and columns that were computed from all cases before the division was made."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from osteon.validation.leaks_identity import shared
from osteon.validation.material import Divided, Found

OWN = 0.5  # share of distinct values from which a column tells one case from another
FEWEST = 20


def same_record(divided: Divided) -> Iterator[Found]:
    """Records that are equal in every column: an error where two columns or more are as good as unique, else a warning where chance gives fewer."""
    records = divided.material.records
    if records is None or records.shape[1] < 2:
        return
    keys = np.array(list(map(repr, records.astype(object).itertuples(index=False, name=None))), dtype=object)
    pairs = shared(keys, divided)
    own = [c for c in records if records[c].dtype.kind == "f" and records[c].nunique() >= OWN * len(records)]
    if pairs and len(own) >= 2:
        yield Found(True, f"{len(pairs)} test records equal one that was learnt from in every column, {', '.join(own[:3])} among them.", pairs=tuple(pairs))
    elif len(pairs) > 2 * _by_chance(keys, divided) + 3:
        yield Found(False, f"{len(pairs)} test records equal one that was learnt from in every column, more than within the parts.", pairs=tuple(pairs))


def _by_chance(keys: np.ndarray, divided: Divided) -> float:
    """How many test records would equal a learnt one if they equalled it as often as learnt records equal each other."""
    learnt, half = keys[divided.learnt], len(divided.learnt) // 2
    order = np.random.default_rng(0).permutation(len(learnt))
    first, second = learnt[order[:half]], set(learnt[order[half:]].tolist())
    rate = float(np.mean([k in second for k in first])) if half else 0.0
    return len(divided.test) * min(1.0, rate * len(divided.learnt) / max(len(second), 1))


def outside_fold(divided: Divided) -> Iterator[Found]:
    """Columns that are standardised, filled or coded by outcome over all cases, to the last printed digit, and not over those learnt from."""
    records = divided.material.records
    if records is None or min(len(divided.learnt), len(divided.test)) < FEWEST:
        return
    whole = np.sort(np.concatenate([divided.learnt, divided.test]))
    for name in (c for c in records if records[c].dtype.kind == "f"):
        values = records[name].to_numpy(float)
        if _coded(values, divided.material.states, whole, divided.learnt):
            yield Found(True, f"The values of {name!r} are the mean outcome of its groups over all cases, those of the test part among them.", count=len(divided.test))
        elif how := _scaled(values, whole, divided.learnt):
            yield Found(True, f"Column {name!r} is {how} over all cases, those of the test part among them.", count=len(divided.test))
        elif (filled := _filled(values, whole, divided.learnt)) is not None:
            at = divided.test[values[divided.test] == filled]
            yield Found(True, f"Empty cells of {name!r} were filled by the mean of all cases, those of the test part among them.", count=len(at))


def _printed(values: np.ndarray) -> float:
    """The last digit to which values are written: 0.01 of 1.25, at least 1e-9."""
    known = values[np.isfinite(values)]
    for digits in range(9):
        if np.allclose(known, np.round(known, digits), rtol=0, atol=1e-12 + 1e-9 * 10.0**-digits):
            return 10.0**-digits
    return 1e-9


def _scaled(values: np.ndarray, whole: np.ndarray, learnt: np.ndarray) -> str:
    """Whether all cases have mean 0 and SD 1, or minimum 0 and maximum 1 with neither in the cases learnt from, and these alone do not."""
    every, own = (v[np.isfinite(v)] for v in (values[whole], values[learnt]))
    if len(np.unique(every)) < FEWEST or len(own) < FEWEST:
        return ""
    slack = max(1e-6, 3 * _printed(every) / np.sqrt(12 * len(every)))
    if _standard(every, slack) and not _standard(own, slack):
        return "standardised"
    return "scaled to 0-1" if (every.min(), every.max()) == (0.0, 1.0) and own.min() > 0 and own.max() < 1 else ""


def _standard(values: np.ndarray, slack: float) -> bool:
    return abs(values.mean()) <= slack and min(abs(values.std(ddof=d) - 1) for d in (0, 1)) <= slack


def _filled(values: np.ndarray, whole: np.ndarray, learnt: np.ndarray) -> float | None:
    """The value that several cells hold and that is the mean of all others over all cases, but not over those learnt from."""
    every, own = values[whole], values[learnt]
    levels, counts = np.unique(every[np.isfinite(every)], return_counts=True)
    if len(levels) < FEWEST or counts.max() < 3:
        return None
    most = float(levels[counts.argmax()])
    slack = max(1e-9 * max(1.0, abs(most)), _printed(np.array([most])) / 2 if _printed(np.array([most])) < _printed(levels[levels != most]) else 1e-9)
    means = [float(np.nanmean(v[v != most])) for v in (every, own)]
    return most if abs(means[0] - most) <= slack < abs(means[1] - most) else None


def _coded(values: np.ndarray, states: np.ndarray, whole: np.ndarray, learnt: np.ndarray) -> bool:
    """Whether each frequent value is the share of positives among the cases that have it, over all cases and not over those learnt from."""
    gaps = [_gap(values[rows], states[rows]) for rows in (whole, learnt)]
    return gaps[0] is not None and gaps[1] is not None and gaps[0] <= max(1e-6, _printed(values) / 2 + 1e-9) < gaps[1]


def _gap(values: np.ndarray, states: np.ndarray) -> float | None:
    known = np.isfinite(values) & np.isfinite(states)
    levels, at = np.unique(values[known], return_inverse=True)
    if not 2 <= len(levels) <= known.sum() / 5 or levels.min() < 0 or levels.max() > 1 or set(levels) <= {0.0, 1.0}:
        return None
    share = np.bincount(at, states[known]) / np.bincount(at)
    return float(np.abs(share - levels).max())

"""The answer told by something that is not the patient: the margin of the picture, the site, the order of dates."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from osteon.validation.material import Divided, Found

CONFOUNDERS = ("site", "device", "manufacturer", "model", "scanner", "source", "hospital", "operator", "format")
SURE, LIKELY = 0.85, 0.65  # lower limit of the AUC in the test part that is an error, and a warning
FEWEST = 5  # cases of each state that a part must hold
FEATURES = ("mean", "maximum", "sharpest edge")


def burned_in(divided: Divided) -> Iterator[Found]:
    """One tile at the edge of the picture that tells the finding: chosen on what was learnt from, measured on the test part."""
    prints, states = divided.material.prints, divided.material.states
    learnt, test = pictured(divided)
    if prints is None or not (both_states(states[learnt]) and both_states(states[test])):
        return
    table = prints.margin.reshape(len(prints.margin), -1).astype(float)
    aucs = _aucs(table[learnt], states[learnt] == 1)
    best = int(np.abs(aucs - 0.5).argmax())
    scores = table[:, best] * np.sign(aucs[best] - 0.5)
    yield from told_by(scores[test], divided, test, f"the {FEATURES[best % 3]} of one tile at the edge of the picture (tile {best // 3 + 1} of {table.shape[1] // 3} around it)", scores)


def confounded(divided: Divided) -> Iterator[Found]:
    """An attribute of where or how a case was taken that tells the finding: shares learnt on one part, measured on the test part."""
    states = divided.material.states
    learnt, test = (rows[np.isfinite(states[rows])] for rows in (divided.learnt, divided.test))
    for name in CONFOUNDERS:
        values = divided.attribute(name)
        if values is None or not (both_states(states[learnt]) and both_states(states[test])):
            continue
        shares = _shares(values[learnt], states[learnt])
        scores = np.array([shares.get(v, states[learnt].mean()) for v in values], float)
        if len(set(scores[test].tolist())) > 1:
            yield from told_by(scores[test], divided, test, f"the {name} alone", scores)


def told_by(given: np.ndarray, divided: Divided, test: np.ndarray, what: str, scores: np.ndarray) -> Iterator[Found]:
    """What scores (n,) that a cheap rule gives, `given` those of the `test` rows, tell of the finding, where that is more than chance."""
    from osteon.targets.lines import auc_of

    states = divided.material.states
    found = auc_of(states[test] == 1, given, divided.material.attributes["patient"][test])
    if not found.defined or found.lower < LIKELY:
        return
    order = test[np.argsort(-scores[test], kind="stable")]
    pairs = tuple(zip(order[:3].tolist(), order[::-1][:3].tolist(), strict=True))
    yield Found(found.lower >= SURE, f"In the test part, {what} tells the finding with AUC {found.estimate:.2f} ({found.lower:.2f} to {found.upper:.2f}).", pairs=pairs, count=len(test))


def pictured(divided: Divided) -> tuple[np.ndarray, np.ndarray]:
    """Rows learnt from and tested whose picture was read and whose state is known; none where no picture was read."""
    prints, states = divided.material.prints, divided.material.states
    learnt, test = (rows[:0] if prints is None else rows[prints.known[rows] & np.isfinite(states[rows])] for rows in (divided.learnt, divided.test))
    return learnt, test


def both_states(states: np.ndarray) -> bool:
    """Whether there are cases enough of both states."""
    return min(int((states == 1).sum()), int((states == 0).sum())) >= FEWEST


def _aucs(table: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """AUC of each column (k,) by ranks, ties shared."""
    from scipy.stats import rankdata

    ranks, n = rankdata(table, axis=0), int(positive.sum())
    return (ranks[positive].sum(0) - n * (n + 1) / 2) / (n * (len(table) - n))


def _shares(values: np.ndarray, states: np.ndarray) -> dict[object, float]:
    """Share of positives a value, drawn towards the share of all by one case."""
    whole = float(states.mean())
    return {v: float((states[values == v].sum() + whole) / ((values == v).sum() + 1)) for v in set(values.tolist())}


def date_order(divided: Divided) -> Iterator[Found]:
    """Test cases older than the newest case learnt from, where the test part is meant to be later; records dated after the outcome."""
    dates, outcome = (_days(divided.attribute(name)) for name in ("date", "outcome_date"))
    if dates is not None and divided.temporal:
        newest = np.nanmax(dates[divided.learnt])
        early = divided.test[dates[divided.test] < newest]
        if len(early):
            source = int(divided.learnt[np.nanargmax(dates[divided.learnt])])
            yield Found(True, f"{len(early)} of {len(divided.test)} test cases are older than the newest case that was learnt from.", pairs=tuple((int(e), source) for e in early))
    if dates is not None and outcome is not None:
        late = divided.test[dates[divided.test] > outcome[divided.test]]
        if len(late):
            yield Found(True, f"{len(late)} test cases are dated after their own outcome.", count=len(late), kind="input later than the outcome")


def _days(values: np.ndarray | None) -> np.ndarray | None:
    """Dates (2020-03-01, 20200301, 2020) as days; nan where a cell is no date; None where hardly any is."""
    import pandas as pd

    if values is None:
        return None
    texts = pd.Series([None if v is None or v != v else str(int(v)) if isinstance(v, float) else str(v) for v in values], dtype=object)
    form = {4: "%Y", 8: "%Y%m%d"}
    parsed = [pd.to_datetime(texts.where(texts.str.len() == n), format=f, errors="coerce") for n, f in form.items()]
    parsed.append(pd.to_datetime(texts.where(~texts.str.len().isin(form)), format="ISO8601", errors="coerce"))
    days = np.array([next((p[i].to_julian_date() for p in parsed if not pd.isna(p[i])), np.nan) for i in range(len(texts))], float)
    return days if np.isfinite(days).mean() > 0.5 else None

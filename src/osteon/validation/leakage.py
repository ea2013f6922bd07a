"""Does the test part know something of what was learnt from? Findings, each an error or a warning.

Kapoor S, Narayanan A. Patterns 2023; 4: 100804 (kinds of leakage). An error is what can not happen by chance; whatever may be innocent is a
warning that a person has to look at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from osteon.design import Fold
from osteon.validation.leaks_features import outside_fold, same_record
from osteon.validation.leaks_identity import STUDY_COLUMNS, same_patient, same_study, spelling
from osteon.validation.leaks_labels import burned_in, confounded, date_order
from osteon.validation.leaks_pictures import alike, same_pixels
from osteon.validation.material import Divided, Found, Material
from osteon.validation.shortcut import grey_levels

ERROR, WARNING = "error", "warning"
MOST_PAIRS = 24


@dataclass(frozen=True)
class Leak:
    """One kind of leak: its severity, what was seen, in which folds, how many test cases it touches, and pairs (test case, case learnt from)."""

    kind: str
    severity: str
    sentence: str = field(kw_only=True)
    folds: tuple[str, ...] = field(kw_only=True)
    count: int = field(kw_only=True)
    pairs: tuple[tuple[str, str], ...] = field(default=(), kw_only=True)

    def plain(self) -> dict[str, Any]:
        """Plain data for JSON; `from_plain` is its inverse."""
        return asdict(self)

    @staticmethod
    def from_plain(data: dict[str, Any]) -> Leak:
        """The leak that `plain` wrote."""
        pairs = tuple((str(a), str(b)) for a, b in data["pairs"])
        return Leak(**{**data, "folds": tuple(data["folds"]), "pairs": pairs})


CHECKS: dict[str, Callable[[Divided], Iterator[Found]]] = {
    "same patient": same_patient, "same patient under another spelling": spelling, "same study": same_study, "same pixels": same_pixels,
    "near-duplicate picture": alike, "same record": same_record, "feature fitted outside the fold": outside_fold, "label told by the margin of the picture": burned_in,
    "label told by the grey levels of the picture": grey_levels,
    "label told by the site": confounded, "order of dates": date_order}
PICTURES, RECORDS = (same_pixels, alike, burned_in, grey_levels), (same_record, outside_fold)


def leaks(material: Material, folds: Sequence[Fold], *, temporal: bool = False) -> tuple[Leak, ...]:
    """Every leak between the test part of a fold and what was learnt from, errors first; `temporal`: the test part is meant to be later than the rest."""
    found: dict[tuple[str, str], Leak] = {}
    for fold in folds:
        learnt = np.unique(np.concatenate([rows for fit in fold.fits for rows in fit]))
        divided = Divided(material, learnt, test=np.asarray(fold.test, int), temporal=temporal)
        for kind, check in CHECKS.items():
            for one in check(divided) if len(fold.test) else ():
                leak = _leak(kind, one, fold.name, material.ids)
                known = found.get((leak.kind, leak.severity))
                found[leak.kind, leak.severity] = leak if known is None else _both(known, leak)
    return tuple(sorted(found.values(), key=lambda leak: leak.severity != ERROR))


def _leak(kind: str, one: Found, fold: str, ids: Sequence[str]) -> Leak:
    pairs = tuple((ids[a], ids[b]) for a, b in one.pairs[:MOST_PAIRS])
    return Leak(one.kind or kind, ERROR if one.error else WARNING, sentence=one.sentence, folds=(fold,), count=one.count or len({a for a, _ in one.pairs}), pairs=pairs)


def _both(first: Leak, second: Leak) -> Leak:
    """Two folds of one kind: the sentence of the first, the pairs of both, each pair once whichever side was tested."""
    known = {frozenset(p) for p in first.pairs}
    fresh = tuple(p for p in second.pairs if frozenset(p) not in known)
    return replace(first, folds=(*first.folds, *(f for f in second.folds if f not in first.folds)), count=first.count + second.count, pairs=(first.pairs + fresh)[:MOST_PAIRS])


def checked(material: Material) -> tuple[str, ...]:
    """The kinds of leak that this material lets one look for."""
    absent = {check for check in PICTURES if material.prints is None} | {check for check in RECORDS if material.records is None}
    absent |= {same_study} if not any(name in material.attributes for name in STUDY_COLUMNS) else set()
    absent |= {date_order} if "date" not in material.attributes else set()
    return tuple(kind for kind, check in CHECKS.items() if check not in absent)

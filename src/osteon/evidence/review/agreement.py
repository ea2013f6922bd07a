"""How well the reviewers agree, on the records that both saw, by what each said first; those that one alone saw are counted beside."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations
from typing import Any

from sqlalchemy import func, select

from osteon.evidence.review.plan import TITLE
from osteon.evidence.review.screening import EXCLUDE, VERDICTS, stage_named
from osteon.evidence.review.store import Store
from osteon.evidence.review.tables import events
from osteon.stats.intervals import Interval
from osteon.stats.kappa import cohen_kappa, gwet_ac, pabak


def first_decisions(store: Store, stage: str) -> dict[str, dict[int, str]]:
    """What each reviewer said first on each record, taken-back decisions left out: a change of mind after a discussion is no independent reading."""
    taken = events.alias()
    kept = ~select(taken.c.id).where(taken.c.undoes == events.c.id).exists()
    first = select(func.min(events.c.id)).where(events.c.kind == "decision", events.c.stage == stage, kept).group_by(events.c.subject)
    out: dict[str, dict[int, str]] = defaultdict(dict)
    with store.read() as connection:
        for who, record, value in connection.execute(select(events.c.who, events.c.record, events.c.value).where(events.c.id.in_(first))):
            out[who][record] = value
    return dict(out)


def agreement(store: Store, stage: str = TITLE) -> list[dict[str, Any]]:
    """For each pair of reviewers: records seen by both and by one, how often they agree, kappa, AC1 and PABAK of the three verdicts and of exclude against the rest."""
    said = first_decisions(store, stage_named(stage))
    return [_pair(a, b, said[a], second=said[b]) for a, b in combinations(sorted(said), 2)]


def _pair(a: str, b: str, first: dict[int, str], *, second: dict[int, str]) -> dict[str, Any]:
    both = sorted(set(first) & set(second))
    out: dict[str, Any] = {"reviewers": [a, b], "both": len(both), "only": {a: len(set(first) - set(second)), b: len(set(second) - set(first))}}
    if not both:
        return out | {"reason": "no record was seen by both"}
    pairs = [(first[n], second[n]) for n in both]
    out["agree"] = sum(x == y for x, y in pairs)
    for name, code, classes in (("verdicts", VERDICTS.index, 3), ("exclude", lambda v: int(v == EXCLUDE), 2)):
        x, y = [code(p) for p, _ in pairs], [code(q) for _, q in pairs]
        found = {"kappa": cohen_kappa(x, y, classes=classes), "AC1": gwet_ac(list(zip(x, y, strict=True)), classes=classes), "PABAK": pabak(x, y, classes=classes)}
        out[name] = {k: plain(v) for k, v in found.items()}
    return out


def plain(value: Interval) -> dict[str, Any]:
    """An interval as plain data."""
    return {"estimate": value.estimate, "lower": value.lower, "upper": value.upper, "reason": value.reason}

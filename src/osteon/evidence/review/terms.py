"""The words of an author and the word of the vocabulary, side by side: method, modality, anatomy, outcome. And the areas that a rule would give."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from osteon.errors import DataError, message, near
from osteon.evidence.review.fields import Fields, fold
from osteon.evidence.review.plan import Plan, plan_of
from osteon.evidence.review.store import Event, Store

GROUPS = ("method", "modality", "anatomy", "outcome")
SEVERAL = re.compile(r"\s*;\s*")


@cache
def vocabulary() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """The controlled words of each group, with the beginnings of words that mean them."""
    data = json.loads(Path(__file__).with_name("vocabulary.json").read_text(encoding="utf-8"))
    return {group: {word: tuple(known) for word, known in words.items()} for group, words in data.items()}


def controlled(group: str, term: str, own: Mapping[str, str] | None = None) -> str:
    """The controlled word of an author's term, by the project's own choice or else by the longest known word in it; empty where none is known."""
    folded = fold(term)
    if own and f"{group}:{folded}" in own:
        return own[f"{group}:{folded}"]
    known = vocabulary()[group]
    if folded in map(fold, known):
        return next(w for w in known if fold(w) == folded)
    found = [(len(part), word) for word, parts in known.items() for part in parts if re.search(rf"\b{re.escape(fold(part))}{'' if len(part) > 4 else chr(92) + 'b'}", folded)]
    return max(found)[1] if found else ""


def choose(store: Store, who: str, *, group: str, term: str, word: str) -> int:
    """Say which controlled word a term means in this project; raises DataError for an unknown group or word."""
    if group not in GROUPS:
        raise DataError(message("term", f"there is no group {group!r}", expected=", ".join(GROUPS)))
    if word not in vocabulary()[group]:
        raise DataError(message("term", f"{word!r} is no word of the vocabulary of {group}", do=near(word, vocabulary()[group])))
    with store.write(who) as writing:
        return writing.append(Event("term", f"term:{group}:{fold(term)}", value=word, payload={"term": term, "group": group}))[0]


def own_words(store: Store) -> dict[str, str]:
    """The project's own choices by group and folded term."""
    return {t["subject"].removeprefix("term:"): t["value"] for t in store.payloads("term")}


def counted(rows: Iterable[Mapping[str, Any]], group: str, own: Mapping[str, str] | None = None) -> list[tuple[str, int, tuple[str, ...]]]:
    """Controlled words of a group by how many rows have them, with the authors' terms; a row counts once a word, and terms that are not known stand under "not mapped"."""
    counts: Counter[str] = Counter()
    said: dict[str, set[str]] = {}
    for row in rows:
        terms = [t for t in SEVERAL.split(str(row.get(group) or "")) if t]
        words = {t: controlled(group, t, own) or "not mapped" for t in terms}
        counts.update(set(words.values()))
        for term, word in words.items():
            said.setdefault(word, set()).add(term)
    return [(word, n, tuple(sorted(said[word]))) for word, n in sorted(counts.items(), key=lambda c: (c[0] == "not mapped", -c[1], c[0]))]


def rule_areas(plan: Plan, record: Fields) -> tuple[str, ...]:
    """The areas whose words stand in title, abstract or keywords: a label that follows from a rule and says nothing about what a reviewer would say."""
    text = f" {record.get('title', '')} {record.get('abstract', '')} {record.get('keywords', '')} ".lower()
    return tuple(area for area, words in plan.areas.items() if any(w in text for w in words))


def label(store: Store, who: str, *, record: int, areas: Iterable[str]) -> int:
    """A reviewer's areas of a record, several allowed; raises DataError for an unknown reviewer, record or area."""
    plan = plan_of(store)
    plan.reviewer(who)
    given = tuple(areas)
    for area in given:
        if area not in plan.areas:
            raise DataError(message("--area", f"there is no area {area!r}", do=near(area, plan.areas)))
    if not any(r["record"] == record for r in store.payloads("record")):
        raise DataError(message(f"record {record}", "there is no such record"))
    with store.write(who) as writing:
        return writing.append(Event("label", f"label:{record}:{who}", record=record, value="; ".join(given), payload={"areas": list(given)}))[0]


def labels(store: Store) -> list[dict[str, Any]]:
    """Each labelled record: the areas by reviewer, those of the rule, and in which they differ."""
    plan, records = plan_of(store), {r["record"]: r["payload"] for r in store.payloads("record")}
    by: dict[int, dict[str, list[str]]] = {}
    for row in store.payloads("label"):
        by.setdefault(row["record"], {})[row["who"]] = row["payload"]["areas"]
    out = []
    for record, people in sorted(by.items()):
        rule = rule_areas(plan, records[record])
        said = set().union(*map(set, people.values()))
        out.append({"record": record, "title": records[record]["title"], "reviewers": people, "rule": list(rule), "differ": sorted(said ^ set(rule))})
    return out

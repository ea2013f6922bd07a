"""One paper, one record: groups of records that are one paper, each merge with its reason, preprints beside their papers, and what only a person can tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, NamedTuple

from sqlalchemy import select

from osteon.errors import DataError, message
from osteon.evidence.review.fields import Fields
from osteon.evidence.review.pairs import CROWD, Verdict, candidates, clash, judged
from osteon.evidence.review.signs import Signs, signs
from osteon.evidence.review.store import Event, Store, Writing
from osteon.evidence.review.tables import state

ASK, SURE = 1, 5  # strength that only a person may turn into a merge, and that from which a second possible partner does not make a merge doubtful


class Merge(NamedTuple):
    """A record, the one that is kept for it, how strong the evidence is and what it is."""

    record: int
    kept: int
    strength: int
    why: str


@dataclass(frozen=True)
class Grouped:
    """The outcome for a list of records (by position): the group of each, merges into the record that is kept, links of preprint and paper, doubtful pairs."""

    group: tuple[int, ...]
    merges: tuple[Merge, ...]
    _: KW_ONLY
    links: tuple[tuple[int, int], ...]
    doubtful: tuple[tuple[int, int, str], ...]


class _Groups:
    """Groups that grow; two join only where no member of one clashes with a member of the other."""

    def __init__(self, all_signs: Sequence[Signs], apart: frozenset[tuple[int, int]]) -> None:
        self.signs, self.apart = all_signs, apart
        self.root = list(range(len(all_signs)))
        self.members: dict[int, list[int]] = {}

    def of(self, i: int) -> list[int]:
        return self.members.get(self.root[i], [i])

    def join(self, i: int, j: int, *, checked: bool = True) -> bool:
        ours, theirs = self.of(i), self.of(j)
        if self.root[i] == self.root[j] or (checked and any(self._apart(a, b) for a in ours for b in theirs)):
            return False
        root = min(self.root[i], self.root[j])
        self.members[root] = ours + theirs
        for member in self.members[root]:
            self.root[member] = root
        return True

    def _apart(self, a: int, b: int) -> bool:
        return (min(a, b), max(a, b)) in self.apart or clash(self.signs[a], self.signs[b])


def group(records: Sequence[Fields], *, together: Sequence[tuple[int, int]] = (), apart: frozenset[tuple[int, int]] = frozenset(), first: frozenset[int] = frozenset()) -> Grouped:
    """Group records: the strongest evidence first. ``together`` are merged already, ``apart`` were taken apart by a person, ``first`` are kept before others (they carry decisions)."""
    all_signs = [signs(r) for r in records]
    groups = _Groups(all_signs, apart)
    for i, j in together:
        groups.join(i, j, checked=False)
    verdicts = sorted(judged(all_signs, candidates(all_signs)), key=lambda v: (-v[2].strength, *_order(all_signs, v)))
    links = [(i, j) for i, j, v in verdicts if v.strength == 0]
    doubtful: list[tuple[int, int, str]] = []
    before = {i: groups.root[i] for i in range(len(records))}
    reasons: dict[int, Verdict] = {}
    weak = [v for v in verdicts if 0 < v[2].strength < SURE]
    for i, j, verdict in verdicts:
        if verdict.strength >= SURE and groups.join(i, j):
            reasons.setdefault(j, verdict) and reasons.setdefault(i, verdict)
    rivals = _rivals(groups, weak)
    for i, j, verdict in weak:
        if groups.root[i] == groups.root[j]:
            continue
        if (i, j) in rivals or verdict.strength <= ASK:
            doubtful.append((i, j, verdict.why))
        elif groups.join(i, j):
            reasons.setdefault(j, verdict) and reasons.setdefault(i, verdict)
    return _outcome(records, groups, before, reasons=reasons, links=links, doubtful=doubtful, first=first)


def _order(all_signs: Sequence[Signs], found: tuple[int, int, Verdict]) -> tuple[str, str]:
    """A sequence that does not depend on the sequence of the records."""
    a, b = sorted(f"{s.title.key}|{s.year}|{s.page}|{s.doi}|{s.pmid}" for s in (all_signs[found[0]], all_signs[found[1]]))
    return a, b


def _rivals(groups: _Groups, weak: Sequence[tuple[int, int, Verdict]]) -> set[tuple[int, int]]:
    """Pairs of weak evidence in which one record has partners in two groups that cannot be one: which of them it is, only a person can tell."""
    partners: dict[int, list[tuple[int, int, Verdict]]] = {}
    for pair in weak:
        for i in pair[:2]:
            partners.setdefault(groups.root[i], []).append(pair)
    out = set()
    for root, found in partners.items():
        others = {groups.root[j] if groups.root[i] == root else groups.root[i]: v.strength for i, j, v in found}
        if len(others) < 2:
            continue
        best = max(others.values())
        rivals = [o for o, s in others.items() if s == best]
        if any(clash(groups.signs[a], groups.signs[b]) for k, x in enumerate(rivals) for y in rivals[k + 1:] for a in groups.of(x) for b in groups.of(y)):
            out |= {(i, j) for i, j, _ in found}
    return out


def _outcome(records: Sequence[Fields], groups: _Groups, before: Mapping[int, int], *, reasons: Mapping[int, Verdict], links: list[tuple[int, int]], doubtful: list[tuple[int, int, str]],
             first: frozenset[int]) -> Grouped:
    merges = []
    for members in groups.members.values():
        if len(members) < 2 or groups.root[members[0]] != min(members) or len({before[m] for m in members}) == 1:
            continue
        kept = min(members, key=lambda m: (m not in first, *rank(records[m]), m))
        known = [before[m] for m in members]
        merges += [Merge(m, kept, *reasons.get(m, reasons.get(kept, Verdict(2, "with another record of its group")))) for m in sorted(members)
                   if m != kept and (before[m] != before[kept] or known.count(before[m]) == 1)]
    joined = sorted({(min(a, b), max(a, b)) for i, j in links for a, b in ((groups.root[i], groups.root[j]),) if a != b})
    return Grouped(tuple(groups.root), tuple(merges), links=tuple(joined), doubtful=tuple(d for d in doubtful if groups.root[d[0]] != groups.root[d[1]]))


def rank(record: Fields) -> tuple[int, int]:
    """Which record of a group is kept: one with a PubMed number, then the one with most fields."""
    return (not record.get("pmid"), -len(record) - (2 if record.get("abstract") else 0))


@dataclass(frozen=True)
class Deduplicated:
    """What a run of de-duplication did: merges by reason, new links, pairs for a person, the number of its event (0 where nothing was new)."""

    merged: int
    by: Mapping[str, int]
    _: KW_ONLY
    linked: int
    doubtful: tuple[dict[str, Any], ...]
    event: int

    @property
    def line(self) -> str:
        """The counts in a sentence."""
        by = "; ".join(f"{n} by {why}" for why, n in self.by.items())
        rest = f"; {len(self.doubtful)} pairs are for you to decide" if self.doubtful else ""
        return f"{self.merged} duplicates merged{f' ({by})' if by else ''}; {self.linked} preprints linked with their papers{rest}"


def dedupe(store: Store, who: str) -> Deduplicated:
    """Merge what is one paper, in one transaction; a second run changes nothing, and what a person took apart stays apart."""
    with store.write(who) as writing:
        numbers, records, together, apart, first, known = _gather(store, writing)
        found = group(records, together=together, apart=apart, first=first)
        links = [(numbers[a], numbers[b]) for a, b in found.links]
        made = [Event("merge", f"merge:{numbers[m.record]}", record=numbers[m.record], value=str(numbers[m.kept]), payload={"by": m.why, "strength": m.strength}) for m in found.merges]
        made += [Event("link", f"link:{a}:{b}", record=a, value=str(b), payload={"what": "preprint and paper"}) for a, b in links if f"link:{a}:{b}" not in known]
        by = dict(Counter(m.why for m in found.merges).most_common())
        doubtful = tuple({"records": [numbers[a], numbers[b]], "why": why, "titles": [records[a]["title"], records[b]["title"]]} for a, b, why in found.doubtful)
        head = writing.following if made else 0
        if made:
            writing.append(Event("dedupe", f"dedupe:{head}", value=str(len(found.merges)), payload={"by": by}, batch=head))
            writing.append(*(Event(e.kind, e.subject, record=e.record, value=e.value, payload=e.payload, batch=head) for e in made))
    return Deduplicated(len(found.merges), by, linked=sum(e.kind == "link" for e in made), doubtful=doubtful, event=head)


def _gather(store: Store, writing: Writing) -> tuple[list[int], list[Fields], list[tuple[int, int]], frozenset[tuple[int, int]], frozenset[int], set[str]]:
    """Records and what is known of them, within the transaction of the run."""
    from osteon.evidence.review.tables import events

    rows = writing.connection.execute(select(state.c.record, events.c.payload).join(events, events.c.id == state.c.event).where(state.c.kind == "record").order_by(state.c.record)).all()
    place = {r.record: i for i, r in enumerate(rows)}
    held = writing.connection.execute(select(state.c.kind, state.c.subject, state.c.record, state.c.value).where(state.c.kind.in_(("merge", "apart", "link")))).all()
    together = [(place[r.record], place[int(r.value)]) for r in held if r.kind == "merge"]
    apart = frozenset((min(a, b), max(a, b)) for r in held if r.kind == "apart" for a, b in ((place[r.record], place[int(r.value)]),))
    decided = writing.connection.execute(select(state.c.record).where(state.c.kind.in_(("decision", "adjudication", "retrieval"))).distinct()).scalars()
    return [r.record for r in rows], [r.payload for r in rows], together, apart, frozenset(place[r] for r in decided if r in place), {r.subject for r in held}


def merge_by_hand(store: Store, who: str, *, record: int, kept: int) -> int:
    """Merge one record into another because a person says so; raises DataError for records that are not there, merged already, or the same."""
    with store.write(who) as writing:
        live = {r.record: r for r in writing.connection.execute(select(state.c.record).where(state.c.kind == "record", state.c.record.in_((record, kept))))}
        merged = {r.record: r.value for r in writing.connection.execute(select(state.c.record, state.c.value).where(state.c.kind == "merge", state.c.record.in_((record, kept))))}
        for n in (record, kept):
            if n not in live:
                raise DataError(message("merge", f"there is no record {n}"))
            if n in merged:
                raise DataError(message("merge", f"record {n} is merged into {merged[n]} already", do=f"Name {merged[n]} instead"))
        if record == kept:
            raise DataError(message("merge", f"record {record} twice", expected="two records"))
        return writing.append(Event("merge", f"merge:{record}", record=record, value=str(kept), payload={"by": "a person", "strength": 6}))[0]


__all__ = ["CROWD", "Deduplicated", "Grouped", "dedupe", "group", "merge_by_hand"]

"""Which pairs of records are looked at, and what a pair is: one paper (by which evidence), preprint and paper, or two papers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from osteon.evidence.review.signs import ERRATUM, MEETING, PREPRINT, Signs, codes, columns, same_journal, same_people
from osteon.evidence.review.titles import BEGINS, EQUAL, NEAR, OTHER, relation, series, told_apart

CROWD = 40  # records that share one key, beyond which the key tells too little and only those with the same page or first author are paired
END = 26  # letters of the beginning and of the end of a title that serve as keys
RARE = 4  # rarest words of a title that serve, two by two, as keys
SHORT, LETTERS = 4, 28  # a title of fewer words and letters (Editorial, Reply) says nothing


class Verdict(NamedTuple):
    """What a pair is: how strong (6 strongest; 1 is for a person to decide; 0 is preprint and paper), and why."""

    strength: int
    why: str


def candidates(all_signs: Sequence[Signs]) -> np.ndarray:
    """Pairs (n, 2), each once with the smaller first, that share an identifier or a key of the title, and whose identifiers and pages do not exclude each other."""
    size = max(len(all_signs), 1)
    found = [pairs[:, 0] * size + pairs[:, 1] for keys in _keys(all_signs) for pairs in _sharing(keys, all_signs)]
    flat = np.unique(np.concatenate(found or [np.empty(0, np.int64)]))
    pairs = np.stack([flat // size, flat % size], 1)
    return pairs[_possible(pairs, columns(all_signs))] if len(pairs) else pairs


def _keys(all_signs: Sequence[Signs]) -> Iterator[np.ndarray]:
    """Arrays of keys, one a record in each; a key of -1 pairs with nothing."""
    yield codes([s.doi for s in all_signs])
    yield codes([s.pmid for s in all_signs])
    yield codes([s.title.key for s in all_signs])
    yield codes([s.title.key[:END] for s in all_signs])
    yield codes([s.title.key[-END:] for s in all_signs])
    yield codes([f"{s.families[0]}|{s.page}" if s.families and s.page else "" for s in all_signs])
    yield codes([f"{s.volume}|{s.page}|{s.last}" if s.volume and s.page else "" for s in all_signs])
    yield from _rare(all_signs)


def _rare(all_signs: Sequence[Signs]) -> Iterator[np.ndarray]:
    """Two and two of the rarest words of a title that some other title has as well."""
    often = Counter(w for s in all_signs for w in set(s.title.words))
    place = {w: i for i, w in enumerate(sorted((w for w, n in often.items() if n > 1), key=lambda w: (often[w], w)))}
    rare = np.full((len(all_signs), RARE), -1, np.int64)
    for i, s in enumerate(all_signs):
        mine = sorted({place[w] for w in s.title.words if w in place})[:RARE]
        rare[i, : len(mine)] = mine
    for i in range(RARE):
        for j in range(i + 1, RARE):
            yield np.where(rare[:, j] >= 0, rare[:, i] * len(place) + rare[:, j], -1)


def _sharing(keys: np.ndarray, all_signs: Sequence[Signs], *, again: bool = True) -> Iterator[np.ndarray]:
    """Pairs (n, 2) of records with one key; in a crowd only those that share the page or the first author as well."""
    held = np.flatnonzero(keys >= 0)
    held = held[np.argsort(keys[held], kind="stable")]
    _, start, count = np.unique(keys[held], return_index=True, return_counts=True)
    crowded = np.repeat(count > CROWD, count)
    row, key = held[~crowded], keys[held[~crowded]]
    for step in range(1, min(CROWD, int(count.max(initial=1)))):
        same = np.flatnonzero(key[step:] == key[:-step])
        if not len(same):
            break
        yield np.stack([row[same], row[same + step]], 1)
    if again and crowded.any():
        narrow = [(i, all_signs[i]) for i in held[crowded].tolist()]
        for told in ([(i, f"{keys[i]}|{s.page}") for i, s in narrow if s.page], [(i, f"{keys[i]}|{s.families[0]}|{s.title.key[:60]}") for i, s in narrow if s.families]):
            finer = np.full(len(keys), -1, np.int64)
            finer[[i for i, _ in told]] = codes([k for _, k in told])
            yield from _sharing(finer, all_signs, again=False)


def _possible(pairs: np.ndarray, of: Mapping[str, np.ndarray]) -> np.ndarray:
    """Pairs that are not excluded by two PubMed numbers, by years far apart or by other pages; those with the same identifier stay, and preprints with papers."""
    a, b = pairs.T

    def known(name: str) -> np.ndarray:
        return (of[name][a] >= 0) & (of[name][b] >= 0)

    same = (known("doi") & (of["doi"][a] == of["doi"][b])) | (known("pmid") & (of["pmid"][a] == of["pmid"][b]))
    mixed = of["preprint"][a] != of["preprint"][b]
    numbers = known("pmid") & (of["pmid"][a] != of["pmid"][b])
    far = (of["year"][a] > 0) & (of["year"][b] > 0) & (np.abs(of["year"][a] - of["year"][b]) > 2)
    elsewhere = known("page") & (of["page"][a] != of["page"][b])
    return ~numbers & (same | mixed | ~(far | elsewhere))


def judge(a: Signs, b: Signs) -> Verdict | None:
    """What two records are; None for two papers."""
    told = relation(a.title, b.title)
    if _mixed(a, b):
        return _preprint(a, b, told)
    if clash(a, b):
        return None
    pmid, doi = bool(a.pmid) and a.pmid == b.pmid, bool(a.doi) and a.doi == b.doi
    if (pmid or doi) and (told != OTHER or (pmid and doi) or _alike(a, b)):
        return Verdict(6, "PMID" if pmid else "DOI")
    if told == OTHER:
        return None
    return _without_identifiers(a, b, told)


def _mixed(a: Signs, b: Signs) -> bool:
    """Whether one is a preprint and the other is none; a record that does not say what it is is one where its journal is cut to the same beginning."""
    if (a.kind == PREPRINT) == (b.kind == PREPRINT):
        return False
    return not ("" in (a.kind, b.kind) and same_journal(a.journal, b.journal))


def _alike(a: Signs, b: Signs) -> bool:
    """Whether titles that are not the same may still be: pages and people agree, as in a translated title, and no kind speaks against it."""
    return bool(a.page) and a.page == b.page and bool(same_people(a.families, b.families)) and a.year == b.year


def clash(a: Signs, b: Signs) -> bool:
    """Whether something says that two records are two papers: numbers, years, kinds, pages, parts of a title, or a DOI that differs without everything else being the same."""
    if a.pmid and b.pmid and a.pmid != b.pmid:
        return True
    if a.year and b.year and abs(a.year - b.year) > 2:
        return True
    kinds = {a.kind, b.kind}
    if len(kinds) == 2 and "" not in kinds and kinds & {ERRATUM, MEETING, PREPRINT}:
        return True
    if (a.pmid and a.pmid == b.pmid) or (a.doi and a.doi == b.doi):
        return False
    if _elsewhere(a, b) or told_apart(a.title, b.title) or (a.issue and b.issue and a.issue != b.issue and not (a.page and b.page)):
        return True
    if ERRATUM in kinds and "" in kinds and not (a.page and b.page):
        return True  # an erratum under the title of its paper: a record that does not say what it is is rather the paper
    return bool(a.doi and b.doi and a.doi != b.doi and not _same_place(a, b))


def _elsewhere(a: Signs, b: Signs) -> bool:
    return bool(a.page and b.page and a.page.lstrip("eps") != b.page.lstrip("eps"))


def _same_pages(a: Signs, b: Signs) -> bool:
    return bool(a.page and a.last and a.volume) and (a.page, a.last, a.volume) == (b.page, b.last, b.volume)


def _same_place(a: Signs, b: Signs) -> bool:
    """Whether title, volume, both pages and people are the same: one of two DOIs is then a misprint."""
    return (a.title.key == b.title.key and bool(a.page) and (a.page, a.last) == (b.page, b.last) and bool(a.volume) and a.volume == b.volume
            and same_people(a.families, b.families) is True)


def _preprint(a: Signs, b: Signs, told: str) -> Verdict | None:
    """A preprint and the paper that came of it: title, people, and not more than three years between."""
    early, late = (a, b) if a.kind == PREPRINT else (b, a)
    apart = late.year - early.year if late.year and early.year else 0
    if told in (EQUAL, NEAR, BEGINS) and same_people(a.families, b.families) and -1 <= apart <= 3 and late.kind not in (ERRATUM, MEETING) and not _short(early):
        return Verdict(0, "preprint and paper")
    return None


def _without_identifiers(a: Signs, b: Signs, told: str) -> Verdict | None:
    people, journal = same_people(a.families, b.families), same_journal(a.journal, b.journal)
    apart = abs(a.year - b.year) if a.year and b.year else 0
    if people is False or apart > (2 if _same_pages(a, b) else 1):
        return None
    page = bool(a.page) and bool(b.page)  # known in both, and then the same: others clash
    volume = a.volume == b.volume if a.volume and b.volume else None
    if volume is False and not (page and a.last == b.last):
        return None
    short = _short(a) or _short(b)
    if told == EQUAL or (short and told == NEAR and page):
        return _same_title(page, people, journal=journal, volume=bool(volume), close=a.year == b.year, short=short)
    if short or not people:
        return None
    if page and (journal is not False or volume):
        return Verdict(4, "similar title, first page and people")
    if journal and told == NEAR and (volume or not apart):
        return Verdict(3, "similar title, people and journal")
    place = volume or bool(a.issue and a.issue == b.issue)
    if journal and (place or a.title.cut or b.title.cut):
        sure = place and not apart and not series(a.title, b.title)  # without a page it may be any part of a series
        return Verdict(2 if sure else 1, "beginning of the title, people and journal")
    return None


def _short(a: Signs) -> bool:
    return len(a.title.words) < SHORT and len(a.title.key) < LETTERS


def _same_title(page: bool, people: bool | None, *, journal: bool | None, volume: bool, close: bool, short: bool) -> Verdict | None:
    """Records with the same title, no more than a year apart; ``close`` is the same year; a short title asks for people, journal and place."""
    if short:
        return Verdict(4, "short title, people, journal and place") if people and journal and (page or (volume and close)) else None
    if page and (people or journal):
        return Verdict(5, "title, year and first page")
    if people and journal:
        return Verdict(4 if close and volume else 3 if close or volume else 2, "title, year, people and journal")
    return Verdict(2 if close else 1, "title, year and people") if people and journal is None else None


def judged(all_signs: Sequence[Signs], pairs: np.ndarray, told: Callable[[int], None] | None = None) -> Iterable[tuple[int, int, Verdict]]:
    """The verdict of every pair that is not two papers."""
    for k, (i, j) in enumerate(pairs.tolist()):
        if told is not None and k % 10_000 == 0:
            told(k)
        verdict = judge(all_signs[i], all_signs[j])
        if verdict is not None:
            yield i, j, verdict

"""What is compared when two records may be one paper: identifiers, title, year, pages, volume, journal, authors, kind."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import lru_cache

import numpy as np

from osteon.evidence.review.fields import Fields, fold
from osteon.evidence.review.titles import Title, title

ARTICLE, MEETING, ERRATUM, LETTER, PREPRINT = "article", "meeting", "erratum", "letter", "preprint"
SERVERS = re.compile(r"\b(?:med|bio|chem|ar|psy|sport)rxiv\b|\bresearch square\b|\bpreprints?\b|\bssrn\b|\bosf\b", re.IGNORECASE)
SERVER_DOI = ("10.1101/", "10.21203/", "10.48550/", "10.20944/", "10.31219/", "10.2139/", "10.36227/")
NOTICE = re.compile(r"^(?:\W|published )*(?:erratum|errata|corrigend|correction\b(?: to)?:|correction to|retraction|retracted)|\[?(?:erratum|corrigendum|retraction)\]?\W*$", re.IGNORECASE)
SKIPPED = frozenset(["the", "of", "and", "in", "for", "a", "an", "und", "der", "de", "la", "et"])


@dataclass(frozen=True)
class Signs:
    """One record as compared: page and volume as written without letters in front, families of the authors, ``kind`` empty where it is not known."""

    title: Title
    year: int
    _: KW_ONLY
    page: str
    last: str
    volume: str
    where: tuple[str, str, str, str]  # DOI, PMID, journal, issue
    families: tuple[str, ...]
    kind: str

    @property
    def doi(self) -> str:
        """The DOI; empty where there is none."""
        return self.where[0]

    @property
    def pmid(self) -> str:
        """The PubMed number; empty where there is none."""
        return self.where[1]

    @property
    def journal(self) -> str:
        """The journal as written, folded, with "…" behind where it was cut; empty where there is none."""
        return self.where[2]

    @property
    def issue(self) -> str:
        """The issue; empty where it is not given."""
        return self.where[3]


def signs(record: Fields) -> Signs:
    """The signs of a record."""
    first, _, last = record.get("pages", "").lower().partition("-")
    journal = record.get("journal", "")
    cut = "\u2026" if journal.rstrip().endswith(("\u2026", "...")) else ""
    # a later version of a preprint is the same preprint
    doi = record.get("doi", "")
    doi = re.sub(r"/v\d+$|(?<=\d)v\d+$", "", doi) if doi.startswith(SERVER_DOI) else doi
    return Signs(title(record.get("title", "")), int(record.get("year") or 0), page=first.lstrip("0"), last=last, volume=record.get("volume", "").lower().lstrip("0"),
                 where=(doi, record.get("pmid", ""), _folded(journal) + cut, _folded(record.get("issue", ""))), families=families(record.get("authors", "")), kind=kind_of(record))


@lru_cache(maxsize=100_000)
def _folded(journal: str) -> str:
    return fold(journal)


def families(authors: str) -> tuple[str, ...]:
    """The last word of each family name, folded: particles and first halves of double names are written in many ways."""
    return tuple(last for name in authors.split("; ") if (last := _last(name)))


@lru_cache(maxsize=200_000)
def _last(name: str) -> str:
    words = fold(name.split(",")[0]).split()
    return words[-1] if words else ""


def kind_of(record: Fields) -> str:
    """Preprint, erratum, meeting abstract, letter or article; empty where nothing tells."""
    if _server(record.get("journal", "")) or record.get("doi", "").startswith(SERVER_DOI):
        return PREPRINT
    kind, name = _named_kind(record.get("kind", "")), record.get("title", "")
    if kind in (PREPRINT, ERRATUM):
        return kind
    notice = any(word in name.lower() for word in ("errat", "corrig", "correction", "retract")) and NOTICE.search(name)
    return ERRATUM if notice else kind


@lru_cache(maxsize=100_000)
def _server(journal: str) -> bool:
    return bool(SERVERS.search(journal))


@lru_cache(maxsize=10_000)
def _named_kind(kind: str) -> str:
    """What a database calls a record, in our words."""
    if kind.lower() in ("preprint", "unpb"):
        return PREPRINT
    named = ((r"erratum|corrigendum|correction|retraction", ERRATUM), (r"conference abstract|meeting abstract|conference review|^abst$", MEETING), (r"letter|comment|editorial|reply", LETTER),
             (r"article|review|trial|study", ARTICLE))
    return next((ours for words, ours in named if re.search(words, kind, re.IGNORECASE)), "")


@lru_cache(maxsize=100_000)
def same_journal(a: str, b: str) -> bool | None:
    """Whether two names are of one journal (a name and its abbreviation, a name and its beginning); None where one is not given."""
    if not a or not b:
        return None
    x, y = ([w for w in name.rstrip("\u2026").split() if w not in SKIPPED] for name in (a, b))
    short, whole = sorted((x, y), key=len)
    if not short:
        return None
    if a.endswith("\u2026") or b.endswith("\u2026"):
        return all(v.startswith(w) or w.startswith(v) for v, w in zip(short, whole, strict=False))
    at = 0
    for word in short:
        while at < len(whole) and not (whole[at].startswith(word) or word.startswith(whole[at])):
            if at == 0:
                return False
            at += 1
        if at == len(whole):
            return False
        at += 1
    return True


def same_people(a: tuple[str, ...], b: tuple[str, ...]) -> bool | None:
    """Whether the first author is the same, or half of the shorter list stands in the other one; None where one list is empty."""
    if not a or not b:
        return None
    shared = len(set(a) & set(b))
    return (a[0] == b[0] and (shared >= min(len(set(a)), len(set(b)), 3) - 1)) or shared >= max(2, (min(len(a), len(b)) + 1) // 2)


def codes(values: Sequence[str]) -> np.ndarray:
    """Each text as a number from 0 on, equal ones with the same; -1 for an empty one."""
    known: dict[str, int] = {}
    return np.array([known.setdefault(v, len(known)) if v else -1 for v in values], np.int64)


def columns(all_signs: Sequence[Signs]) -> Mapping[str, np.ndarray]:
    """Identifiers, years, pages and kinds as arrays, to leave out at once what cannot be one paper."""
    return {"doi": codes([s.doi for s in all_signs]), "pmid": codes([s.pmid for s in all_signs]), "year": np.array([s.year for s in all_signs], np.int64),
            "page": codes([s.page.lstrip("eps") for s in all_signs]), "preprint": np.array([s.kind == PREPRINT for s in all_signs], bool)}

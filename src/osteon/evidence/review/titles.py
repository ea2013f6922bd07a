"""Whether two titles are of one paper: the same words, a misprint apart, the beginning of one another, or something else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

from osteon.evidence.review.fields import fold

EQUAL, NEAR, BEGINS, OTHER = "equal", "near", "begins", "other"
PREFIX = re.compile(r"^\s*(?:\[(?:html|pdf|book|citation|doc|c|b)\]\s*)+", re.IGNORECASE)
CUT = re.compile(r"\s*(?:\u2026|\.\.\.)\s*$")
# Words that make another paper of a title: its erratum, an answer to it, its next part, its protocol. Numbers do so too.
NOTICES = frozenset(["erratum", "errata", "correction", "corrigendum", "corrigenda", "retraction", "retracted", "withdrawn", "addendum", "reply", "response", "re", "comment", "comments", "commentary", "letter", "editorial", "insights", "protocol", "update", "updated", "discussion", "rebuttal"])
TELLING = NOTICES | frozenset(["part", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "first", "second", "third", "author", "authors"])
SMALL = frozenset(["a", "an", "the", "of", "and", "in", "on", "for", "with", "to", "by", "from", "at", "html", "pdf"])
SPELLINGS = (("isation", "ization"), ("ising", "izing"), ("ised", "ized"), ("ise", "ize"), ("yse", "yze"), ("ysing", "yzing"), ("elling", "eling"), ("elled", "eled"), ("our", "or"),
             ("paed", "ped"), ("haem", "hem"), ("anaes", "anes"), ("anaem", "anem"), ("kaem", "kem"), ("aetiol", "etiol"), ("caec", "cec"), ("faec", "fec"), ("gynaec", "gynec"), ("oesoph", "esoph"),
             ("oestr", "estr"), ("oedema", "edema"), ("foet", "fet"), ("rrhoea", "rrhea"), ("centre", "center"), ("metre", "meter"), ("fibre", "fiber"))


@dataclass(frozen=True)
class Title:
    """A title as compared: its words in one spelling, the words without spaces, and whether it was cut short."""

    words: tuple[str, ...]
    key: str
    cut: bool


def title(text: str) -> Title:
    """Prefixes and brackets of databases removed; British and American spelling made one."""
    bare = PREFIX.sub("", text) if "[" in text else text
    cut = bare.endswith(("\u2026", "..."))
    words = tuple(map(spelled, fold(CUT.sub("", bare) if cut else bare).split()))
    return Title(words, "".join(words), cut)


@lru_cache(maxsize=200_000)
def spelled(word: str) -> str:
    """A word in American spelling, roughly: both spellings give the same."""
    for british, american in SPELLINGS:
        if british in word:
            word = word.replace(british, american)
    return word


def relation(a: Title, b: Title) -> str:
    """EQUAL, NEAR (misprints, an abbreviation, a joined word), BEGINS (one is the beginning of the other) or OTHER."""
    if a.key == b.key:
        return EQUAL
    if a.cut or b.cut:
        return BEGINS if begins(a, b) or begins(b, a) else OTHER
    if fuzz.ratio(a.key, b.key, score_cutoff=55) == 0:
        return OTHER
    ours, theirs = _apart(a.words, b.words)
    if not ours or not theirs:
        more = set(ours + theirs)
        return NEAR if more <= SMALL else BEGINS if not more & NOTICES and (begins(a, b) or begins(b, a)) else OTHER
    if _other_paper(ours, theirs):
        return OTHER
    return NEAR if misprinted(ours, theirs) else OTHER


def _apart(a: tuple[str, ...], b: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """The words that only one of them has, in order."""
    left, right = list(a), []
    for word in b:
        if word in left:
            left.remove(word)
        else:
            right.append(word)
    return left, right


def _telling(words: list[str]) -> bool:
    return any(w in TELLING or w[0].isdigit() for w in words)


def _other_paper(ours: list[str], theirs: list[str]) -> bool:
    """Whether a word that differs makes another paper; one misprinted long word does not (Reply and Rpely)."""
    if len(ours) == len(theirs) == 1 and min(len(ours[0]), len(theirs[0])) > 4 and not (ours[0] in TELLING and theirs[0] in TELLING) and ours[0].isalpha() and theirs[0].isalpha():
        return OSA.distance(ours[0], theirs[0], score_cutoff=1) > 1 and (_telling(ours) or _telling(theirs))
    return _telling(ours) or _telling(theirs)


def told_apart(a: Title, b: Title) -> bool:
    """Whether whole titles differ in a number or in a word that makes another paper of it, beyond one being the beginning of the other."""
    if a.cut or b.cut or a.key == b.key:
        return False
    ours, theirs = _apart(a.words, b.words)
    return bool(ours and theirs and _other_paper(ours, theirs))


def begins(short: Title, whole: Title) -> bool:
    """Whether the first is the beginning of the second, of at least four words; the last word of a cut title may be cut itself."""
    n = len(short.words)
    if n < 4 or n > len(whole.words) or (whole.cut and not short.cut and n > 3):
        return False
    last = whole.words[n - 1].startswith(short.words[-1]) if short.cut else whole.words[n - 1] == short.words[-1]
    if short.words[: n - 1] == whole.words[: n - 1] and last:
        return True
    same = fuzz.ratio("".join(short.words), "".join(whole.words[:n])) >= 97
    return same and not _telling(list(set(short.words) ^ set(whole.words[:n])))


def series(a: Title, b: Title) -> bool:
    """Whether the longer title goes on with a number or a word that tells parts, periods or versions of a paper apart."""
    short, whole = sorted((a, b), key=lambda t: len(t.words))
    return any(w in TELLING or (w[0].isdigit() and len(w) < 3) for w in whole.words[len(short.words) - short.cut:])


def misprinted(ours: list[str], theirs: list[str]) -> bool:
    """Whether the words that differ are one another's misprints, joined words, or an abbreviation and what it stands for."""
    if len(ours) > 6 or len(theirs) > 6:
        return False
    left, right = "".join(ours), "".join(theirs)
    if left == right or _initials(ours) == right or _initials(theirs) == left:
        return True
    if len(ours) == len(theirs):
        return all(_misprint(a, b) for a, b in zip(ours, theirs, strict=True)) or all(any(_misprint(a, b) for b in theirs) for a in ours)
    return min(len(left), len(right)) >= 6 and OSA.distance(left, right, score_cutoff=1) <= 1


def _initials(words: list[str]) -> str:
    return "".join(w[0] for w in words)


def _misprint(a: str, b: str) -> bool:
    """One letter wrong, lost, doubled or swapped in a word of four letters or more; in a long word a different ending of two letters."""
    if min(len(a), len(b)) < 4 or (a in TELLING and b in TELLING):
        return False
    most = 1 if min(len(a), len(b)) < 11 else 2
    return OSA.distance(a, b, score_cutoff=most) <= most

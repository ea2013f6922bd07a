"""The words of a note, and those that a model may know: learnt from the train part alone, and never one that hardly anybody's note holds."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from osteon.cohort import Cohort
from osteon.cohort.rows import Rows
from osteon.errors import DataError

TOKEN = re.compile(r"(?P<year>\b(?:19|20)\d\d\b)|(?P<number>\d+(?:[.,]\d+)*)|(?P<word>[^\W\d_]+(?:['’/-][^\W\d_]+)*)|(?P<mark>[.;:?!\n])")
MASKS = {"year": "<year>", "number": "<number>"}  # what differs from patient to patient says nothing of the next one
END = "<end>"  # of a sentence or a line
FEWEST = 3  # patients whose notes hold a word: a name that slipped into one note is none that a model keeps
MOST = 20_000


def tokens(text: str) -> list[str]:
    """Words in small letters, numbers and years as masks, ends of sentences and lines as marks; the rest is left out."""
    out: list[str] = []
    for found in TOKEN.finditer(text):
        kind = found.lastgroup or ""
        token = found[0].lower().replace("’", "'") if kind == "word" else MASKS.get(kind, END)
        if token != END or (out and out[-1] != END):
            out.append(token)
    return out


def places(text: str) -> list[tuple[str, int, int]]:
    """Each word of a text (masked numbers and marks apart) with its first and its last place, as a slice takes them."""
    return [(found[0].lower(), *found.span()) for found in TOKEN.finditer(text) if found.lastgroup == "word"]


def has_word(text: str) -> bool:
    """Whether a text holds a word, numbers and marks apart."""
    return any(found.lastgroup == "word" for found in TOKEN.finditer(text))


def runs(words: Sequence[str], longest: int) -> Iterable[str]:
    """Every word and run of up to `longest` words within a sentence, joined by spaces."""
    for n in range(1, longest + 1):
        for i in range(len(words) - n + 1):
            if n == 1 or END not in words[i:i + n]:
                yield " ".join(words[i:i + n])


def known_words(notes: Iterable[Sequence[str]], patients: Iterable[Any], *, longest: int = 1, fewest: int = FEWEST, most: int = MOST) -> tuple[str, ...]:
    """The words (or runs of words) that the notes of `fewest` patients or more hold, those of most patients first, at most `most`."""
    holders: dict[Any, set[str]] = {}
    for words, patient in zip(notes, patients, strict=True):
        holders.setdefault(patient, set()).update(runs(words, longest))
    counts = Counter(word for words in holders.values() for word in words)
    return tuple(word for word, n in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])) if n >= fewest)[:most]


def is_text(cohort: Cohort, name: str) -> bool:
    """Whether an input is a text: as the study declares it, or else by the first case that has it."""
    if isinstance(cohort.cases, Rows) and name in cohort.cases.inputs:
        return bool(cohort.cases.inputs[name].kind == "text")
    return isinstance(next((given for case in cohort if (given := _note(case.inputs, name)) is not None), None), str)


def notes_of(cohort: Cohort, name: str) -> list[str | None]:
    """The note of a name of every case, None for a case that lacks one, whose file can not be read, or without a word."""
    found = (_note(case.inputs, name) for case in cohort)
    return [note if isinstance(note, str) and has_word(note) else None for note in found]


def _note(inputs: Any, name: str) -> Any:
    try:
        return inputs.get(name)
    except DataError:
        return None

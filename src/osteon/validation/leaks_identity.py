"""One patient, or one examination, on both sides of the division."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from osteon.validation.material import Divided, Found

SIDES = {"l": "left", "left": "left", "lt": "left", "r": "right", "right": "right", "rt": "right"}
SIDE_COLUMNS = ("side", "laterality")
STUDY_COLUMNS = ("study_uid", "study_instance_uid", "series_uid", "accession")


def shared(keys: np.ndarray, divided: Divided) -> list[tuple[int, int]]:
    """Pairs (test, learnt) of row numbers with the same key (n,); None and "" tie nothing. One pair a test case."""
    first: dict[object, int] = {}
    for row in divided.learnt.tolist():
        if keys[row] is not None and keys[row] != "" and keys[row] == keys[row]:
            first.setdefault(keys[row], row)
    return [(row, first[keys[row]]) for row in divided.test.tolist() if keys[row] in first]


def same_patient(divided: Divided) -> Iterator[Found]:
    """One patient in both parts; as a kind of its own where it is another side of him."""
    patients = divided.material.attributes["patient"]
    sides = next((s for name in SIDE_COLUMNS if (s := divided.attribute(name)) is not None), None)
    pairs = shared(patients, divided)
    other = [p for p in pairs if sides is not None and sides[p[0]] != sides[p[1]]]
    same = [p for p in pairs if p not in set(other)]
    if same:
        yield Found(True, f"{len(same)} test cases belong to patients who were also learnt from.", pairs=tuple(same))
    if other:
        yield Found(True, f"{len(other)} test cases are the other side of a patient who was also learnt from.", pairs=tuple(other), kind="left and right of one patient")


def spelling(divided: Divided) -> Iterator[Found]:
    """Patient codes that differ in case, spaces, signs and leading zeros only, or only by a left or right."""
    patients = divided.material.attributes["patient"]
    read = [_read(str(p)) for p in patients]
    exact = set(shared(patients, divided))
    stems = np.array([stem for stem, _ in read], dtype=object)
    pairs = [p for p in shared(stems, divided) if p not in exact and patients[p[0]] != patients[p[1]]]
    sided = [p for p in pairs if read[p[0]][1] != read[p[1]][1]]
    plain = [p for p in pairs if read[p[0]][1] == read[p[1]][1]]
    if sided:
        yield Found(True, f"{len(sided)} test cases have the code of a patient who was learnt from, but for a left or right.", pairs=tuple(sided), kind="left and right of one patient")
    if plain:
        yield Found(False, f"{len(plain)} test cases have the code of a patient who was learnt from, but for case, spaces, signs or leading zeros.", pairs=tuple(plain))


def _read(code: str) -> tuple[str, str]:
    """A code as its letters and numbers without leading zeros, and the side that a last or separate word of it names."""
    words = [w.lstrip("0") or "0" if w.isdigit() else w for w in re.findall(r"[a-z]+|\d+", code.casefold())]
    named = [w for w in words[1:] if w in SIDES]
    if len(named) != 1:
        return ".".join(words), ""
    at = len(words) - 1 - words[::-1].index(named[0])
    return ".".join(words[:at] + words[at + 1:]), SIDES[named[0]]


def same_study(divided: Divided) -> Iterator[Found]:
    """One examination or accession number in both parts, under whatever patient."""
    for name in STUDY_COLUMNS:
        values = divided.attribute(name)
        pairs = shared(values, divided) if values is not None else []
        if pairs:
            yield Found(True, f"{len(pairs)} test cases have the {name} of a case that was learnt from.", pairs=tuple(pairs))

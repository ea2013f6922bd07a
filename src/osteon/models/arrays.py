"""A part of a cohort, read once and laid out as memory-mapped arrays: written completely or not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from osteon.case import Case
from osteon.cohort import Cohort
from osteon.errors import DataError, message
from osteon.models.families import Family
from osteon.models.signals import Excerpts, written
from osteon.models.views import Sight, frame, taught
from osteon.progress import track
from osteon.value import Picture

READERS = 2  # threads: decoding and resampling leave the interpreter free


@dataclass(frozen=True, eq=False)
class Arrays:
    """Windows of a part: `planes` (n, channels + mask planes, rows, cols) of uint8 (of recordings float32) and `numbers` (n, ...) of float32; `skipped` cases with reasons."""

    planes: np.ndarray
    numbers: np.ndarray
    skipped: dict[str, str] = field(default_factory=dict, kw_only=True)

    def __len__(self) -> int:
        return len(self.planes)


@dataclass(frozen=True)
class Work:
    """One case to lay out: its row in the cohort, and its first row and number of rows in the arrays."""

    case: int
    first: int
    rows: int


def opened(folder: Path) -> Arrays:
    """Arrays of a folder, memory-mapped."""
    noted = json.loads((folder / "arrays.json").read_text(encoding="utf-8"))
    return Arrays(np.load(folder / "planes.npy", mmap_mode="r"), np.load(folder / "numbers.npy"), skipped=noted["skipped"])


def laid_out(cohort: Cohort, view: Sight, family: Family, *, target: str, folder: Path, key: str) -> Arrays:
    """The arrays of a part in `folder`; a complete one with the same `key` is opened instead.

    Cases without a truth or without a window are left out; a film that can not be read stands in `skipped`. Raises DataError where
    nothing is left.
    """
    if (folder / "arrays.json").exists() and json.loads((folder / "arrays.json").read_text(encoding="utf-8"))["key"] == key:
        return opened(folder)
    part = folder.with_name(f".{folder.name}.part")
    for old in (part, folder):
        shutil.rmtree(old, ignore_errors=True)
    part.mkdir(parents=True)
    skipped = written(cohort, view, family, target=target, folder=part, readers=READERS) if isinstance(view, Excerpts) else _write(cohort, view, family, target, part)
    (part / "arrays.json").write_text(json.dumps({"key": key, "skipped": skipped}), encoding="utf-8")
    part.rename(folder)
    return opened(folder)


def _write(cohort: Cohort, view: Sight, family: Family, target: str, folder: Path) -> dict[str, str]:
    """Fill the arrays with two readers, keep the rows that succeeded, and return the cases that did not."""
    works = list(_works(cohort, view, target))
    total = sum(w.rows for w in works)
    if not total:
        raise DataError(message(f"cohort {cohort.name}", f"no case has both {' and '.join(view.reads)} and a truth of {target!r}"))
    shape = (total, view.channels + family.planes, *view.stored)
    planes = np.lib.format.open_memmap(folder / "all.npy", mode="w+", dtype=view.dtype, shape=shape)

    def fill(work: Work) -> list[np.ndarray] | str | None:
        return _fill(planes[work.first:work.first + work.rows], cohort.cases[work.case], view, family, target)

    with ThreadPoolExecutor(READERS) as pool:
        done = list(track(pool.map(fill, works), len(works), what=f"Reading {target}"))
    planes.flush()
    kept = [w.first + k for w, rows in zip(works, done, strict=True) if isinstance(rows, list) for k in range(w.rows)]
    skipped = {cohort.cases[w.case].id: text for w, text in zip(works, done, strict=True) if isinstance(text, str)}
    if not kept:
        raise DataError(message(f"cohort {cohort.name}", f"none of the {len(works)} cases with a truth of {target!r} can be used",
                                found=next(iter(skipped.values()), "Every reference standard is open")))
    np.save(folder / "numbers.npy", _even([row for rows in done if isinstance(rows, list) for row in rows]))
    if len(kept) == total:
        (folder / "all.npy").rename(folder / "planes.npy")
    else:
        smaller = np.lib.format.open_memmap(folder / "planes.npy", mode="w+", dtype=view.dtype, shape=(len(kept), *shape[1:]))
        for new, old in enumerate(kept):
            smaller[new] = planes[old]
        smaller.flush()
        (folder / "all.npy").unlink()
    return skipped


def _works(cohort: Cohort, view: Sight, target: str) -> Iterator[Work]:
    first = 0
    for number, case in enumerate(cohort):
        rows = view.count(case.inputs) if target in case.truth else 0
        if rows:
            yield Work(number, first, rows)
        first += rows


def _fill(planes: np.ndarray, case: Case, view: Sight, family: Family, target: str) -> list[np.ndarray] | str | None:
    """Write the planes of one case and return its numbers, None where its reference standard is open, or why it can not be used."""
    found = taught(case, view, family, target)
    if not isinstance(found, tuple):
        return found
    seen, truth, numbers = found
    planes[:, :view.channels] = seen.pieces(view.stored)
    if family.planes:
        planes[:, view.channels:] = family.masks(truth, seen, view.stored)  # type: ignore[attr-defined]
    return numbers


def _even(rows: list[np.ndarray]) -> np.ndarray:
    """Rows of numbers as one float32 array; lists of boxes are filled up with label -1."""
    if rows[0].ndim == 1:
        return np.stack(rows).astype(np.float32)
    out = np.zeros((len(rows), max(1, *(len(r) for r in rows)), rows[0].shape[1]), np.float32)
    out[..., 0] = -1
    for place, row in zip(out, rows, strict=True):
        place[:len(row)] = row
    return out


class Sizes(NamedTuple):
    """Of some films or volumes of a cohort: the shapes of their grids, their channels (1 or 3), and a fault of one that could not be read."""

    shapes: tuple[tuple[int, ...], ...]
    channels: int
    fault: DataError | None


def sizes(cohort: Cohort, picture: str, *, sample: int = 12) -> Sizes:
    """The sizes of a few evenly spaced cases, each read once."""
    shapes, channels, fault = [], 1, None
    for number in np.unique(np.linspace(0, len(cohort) - 1, min(sample, len(cohort))).astype(int)).tolist():
        inputs = cohort.cases[number].inputs
        try:
            found = inputs.get(picture)
        except DataError as error:
            fault = error
            continue
        if isinstance(found, Picture):
            shapes.append(found.grid.shape)
            channels = 3 if found.array.ndim > len(found.grid.shape) else channels
    return Sizes(tuple(shapes), channels, fault)


def survey(found: Sizes, *, longest: int) -> tuple[int, tuple[int, int]]:
    """Channels (1 or 3) and the frame (rows, cols) that suit films of these sizes. Raises DataError where none could be read."""
    if not found.shapes and found.fault:
        raise found.fault
    return found.channels, frame([shape[-2] / shape[-1] for shape in found.shapes], longest)

"""MURA 1.1 (Rajpurkar 2017, arXiv:1712.06957) as it is published: examinations of the upper limb, each called normal or abnormal, in `train/XR_SHOULDER/patient00001/study1_positive/image1.png`."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from osteon.case import Case, Deferred, Lazy
from osteon.cohort import Cohort, Excluded
from osteon.errors import DataError, message, near
from osteon.readers.picture import read_picture
from osteon.value import Label, Picture

LICENCE = "Stanford research use agreement, by application (not re-read): not for commerce, not to be passed on"
PARTS: Mapping[str, str] = {"train": "train", "valid": "test"}  # folder, and the publisher's part here: the real test set is held back
REGIONS = ("XR_ELBOW", "XR_FINGER", "XR_FOREARM", "XR_HAND", "XR_HUMERUS", "XR_SHOULDER", "XR_WRIST")
TABLES = ("train_labeled_studies.csv", "train_image_paths.csv", "valid_labeled_studies.csv", "valid_image_paths.csv")
CALLED: Mapping[str, str] = {"0": "normal", "1": "abnormal"}
STUDY = re.compile(r"(?:.*/)?(train|valid)/(XR_[A-Z]+)/(patient\d+)/(study\d+)_(positive|negative)$")


@dataclass(frozen=True)
class Examination:
    """One line of the table of labelled studies: its folder within MURA-v1.1, part, region, patient, number, and what the folder and the table call it."""

    folder: str
    part: str
    region: str
    patient: str
    number: str
    named: str
    called: str


def mura(root: Path, *, region: str = "") -> Cohort:
    """Examinations as cases: `xray` (a tuple of one or more films), truth `abnormality`, attributes `region` and `published_part`; of one region (XR_SHOULDER) or of all.

    The folder is MURA-v1.1 or the one that holds it. An examination without films, with an unknown label, or whose folder and table differ is listed and left out; films are read on use. Raises DataError
    where a table is missing, for an unknown region, for a patient in both parts, or where nothing is left.
    """
    home = _home(Path(root))
    if region and region not in REGIONS:
        raise DataError(message("MURA", f"there is no region {region!r}", expected=", ".join(REGIONS), do=near(region, REGIONS)))
    films = _films(home)
    found = [_case(home, each, films) for table in (TABLES[0], TABLES[2]) for each in _examinations(home / table) if not isinstance(each, Examination) or region in ("", each.region)]
    cases = [each for each in found if isinstance(each, Case)]
    left_out = tuple(each for each in found if isinstance(each, Excluded))
    if not cases:
        raise DataError(message(home, "no examination can be used", found=f"The first: {left_out[0].id}, {left_out[0].reason}" if left_out else "The tables are empty"))
    crossing = {c.patient for c in cases if c.attributes["published_part"] == "train"} & {c.patient for c in cases if c.attributes["published_part"] != "train"}
    if crossing:
        raise DataError(message(home, f"the patient {min(crossing)!r} lies in both parts", expected="every patient in one part, as published"))
    return Cohort("MURA" if not region else f"MURA {region}", "public", cases=cases, licence=LICENCE, excluded=left_out, notes={"source": "Stanford ML Group, MURA 1.1"})


def _home(root: Path) -> Path:
    """The folder with the four tables; raises DataError with those that are missing."""
    home = root if (root / TABLES[0]).exists() else root / "MURA-v1.1"
    missing = [name for name in TABLES if not (home / name).exists()]
    if missing:
        raise DataError(message(root, "this is not MURA 1.1 as it is published", expected=f"the tables {', '.join(TABLES)}", found=f"Missing: {', '.join(missing)}"))
    return home


def _films(home: Path) -> dict[str, list[str]]:
    """Films by the folder of their examination (both within MURA-v1.1), as the two tables of paths list them."""
    out: dict[str, list[str]] = {}
    for name in (TABLES[1], TABLES[3]):
        for row in _rows(home / name):
            inside = _inside(row[0])
            out.setdefault(inside.parent.as_posix(), []).append(inside.name)
    return out


def _examinations(table: Path) -> Iterator[Examination | Excluded]:
    for row in _rows(table):
        folder = _inside(row[0]).as_posix()
        name, called = STUDY.match(folder), CALLED.get(row[1].strip() if len(row) > 1 else "", "")
        if name is None or name[2] not in REGIONS or not called:
            yield Excluded(folder, "data set", "the path is none of an examination" if name is None or name[2] not in REGIONS else "the label is neither 0 nor 1", f"Found {','.join(row)}")
            continue
        yield Examination(folder, name[1], name[2], name[3], name[4], CALLED["1" if name[5] == "positive" else "0"], called)


def _case(home: Path, exam: Examination | Excluded, films: Mapping[str, list[str]]) -> Case | Excluded:
    """The case of an examination, or why it is left out."""
    if isinstance(exam, Excluded):
        return exam
    paths = [home / exam.folder / name for name in sorted(films.get(exam.folder, ()), key=lambda n: (len(n), n))]
    absent = [p.name for p in paths if not p.exists()]
    if exam.named != exam.called:
        return Excluded(exam.folder, "data set", "folder and table call it otherwise", f"Folder: {exam.named}, table: {exam.called}")
    if not paths or absent:
        return Excluded(exam.folder, "data set", "no film is listed" if not paths else "a film is missing", ", ".join(absent))
    attributes = {"region": exam.region, "published_part": PARTS[exam.part], "films": len(paths)}
    return Case(f"{exam.region}-{exam.patient}-{exam.number}", exam.patient, inputs=Lazy({"xray": Deferred(partial(_read, tuple(paths)))}), truth=Lazy({"abnormality": Label(exam.called)}), attributes=attributes)


def _read(paths: tuple[Path, ...]) -> tuple[Picture, ...]:
    return tuple(read_picture(path) for path in paths)


def _inside(cell: str) -> PurePosixPath:
    """A path as the tables print it, from MURA-v1.1 on."""
    return PurePosixPath(cell.strip().rstrip("/").removeprefix("MURA-v1.1/"))


def _rows(table: Path) -> list[list[str]]:
    """The rows of a table that has no head."""
    with open(table, encoding="utf-8-sig", newline="") as file:
        return [row for row in csv.reader(file) if row and row[0].strip()]

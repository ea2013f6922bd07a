"""What people have on disk: films with a spreadsheet, folders by class, COCO boxes, nnU-Net or MSD, landmarks, a plain table."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.errors import DataError, message, near
from osteon.readers import identity, is_image, read_coco, read_landmarks, read_nifti, read_table
from osteon.readers.expression import with_samples
from osteon.readers.files import refusing
from osteon.readers.kinds import kind_of
from osteon.targets import Classes, Masks, Measures, Objects
from osteon.value import Mask, Picture, Readings, Value

from .own_columns import fold

if TYPE_CHECKING:
    import pandas as pd


IMAGE_ENDINGS = (".dcm", ".dicom", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".nii", ".nii.gz")


@dataclass(frozen=True, eq=False)
class Found:
    """One case as it was found: a name for messages, cells under the hospital's column names, files by input, truths by target."""

    name: str
    cells: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    truth: Mapping[str, Callable[[], Value]] = field(default_factory=dict)
    whose: Mapping[str, str] = field(default_factory=dict)
    fault: str = ""


def _given(value: Value) -> Callable[[], Value]:
    """A truth that is at hand already."""
    return lambda: value


def image_inputs(study: Any) -> list[str]:
    """The inputs that are read from image files."""
    return [name for name, spec in study.inputs.items() if spec.kind in ("picture", "volume")]


def layout(source: Path, study: Any, spreadsheet: Path | None) -> tuple[pd.DataFrame | None, Callable[[Mapping[str, str]], list[Found]]]:
    """The table of the cases, if there is one, and a function that gives the cases once its columns are mapped.

    Raises DataError where the folder is none of the known layouts.
    """
    if not source.exists():
        raise DataError(message(source, "there is no such file or folder", do="Check the path and its spelling"))
    if source.is_file():
        frame = read_table(source) if spreadsheet is None else with_samples(source, spreadsheet, genes=_numbers_of(study))
        return frame, lambda names: rows_with_files(frame, source.parent, study, names)
    points = _landmarks_of(spreadsheet) if spreadsheet is not None else None
    if points is not None:
        return None, lambda names: list(_points(source, points, study))
    frame = read_table(spreadsheet) if spreadsheet is not None and spreadsheet.suffix.lower() != ".json" else None
    annotated = _annotated(source, study, spreadsheet)
    if annotated is not None:
        return frame, lambda names: _joined(list(annotated), frame, names, study)
    if frame is not None:
        return frame, lambda names: rows_with_files(frame, source, study, names)
    return None, lambda names: groups(source, study)


def _numbers_of(study: Any) -> set[str]:
    """The columns of numbers that the study reads."""
    return {c for spec in study.inputs.values() for c in spec.record.numbers}


def _annotated(source: Path, study: Any, spreadsheet: Path | None) -> Iterator[Found] | None:
    """The cases of a folder that holds its own truths (nnU-Net, Decathlon, COCO, folders by class), or None."""
    if (source / "dataset.json").exists():
        return _nnunet(source, study)
    boxes = _coco_of(source, spreadsheet)
    if boxes is not None:
        return _boxes(source, boxes, study)
    classes = _class_folders(source, study)
    return _by_class(classes, source, study) if classes else None


def _joined(cases: list[Found], frame: pd.DataFrame | None, names: Mapping[str, str], study: Any) -> list[Found]:
    """The cases with the cells of the row that has their name or the name of their file."""
    if frame is None:
        return cases
    keys = [theirs for theirs, ours in names.items() if ours in ("case_id", *image_inputs(study))]
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    index: dict[str, set[int]] = {}
    for number, row in enumerate(rows):
        for name in {name for key in keys for name in _names(str(row[key] or ""))}:
            index.setdefault(name, set()).add(number)
    hits = [next((index[name] for name in _names(case.name) if name in index), set()) for case in cases]
    taken = Counter(number for hit in hits for number in hit)
    return [_with_row(case, rows, hit, taken) for case, hit in zip(cases, hits, strict=True)]


def _with_row(case: Found, rows: list[dict[str, Any]], hits: set[int], taken: Mapping[int, int]) -> Found:
    """The case with its row; a fault where it has none, several, or shares one with another case."""
    if len(hits) != 1:
        return replace(case, fault=case.fault or (f"{len(hits)} rows of the table name it" if hits else "no row of the table names it"))
    number = next(iter(hits))
    if taken[number] > 1:
        return replace(case, fault=case.fault or f"row {number + 2} of the table names {taken[number]} files: name them with their folder")
    return replace(case, cells=rows[number])


def _names(path: str) -> tuple[str, ...]:
    """What a file may be called in a table: with its folder, alone, and without its ending."""
    name = Path(path).name
    return tuple(dict.fromkeys(text.lower() for text in (path, name, name.split(".")[0]) if text))


# ---- films, with or without a table

def groups(source: Path, study: Any) -> list[Found]:
    """The images of a folder: one a file, or one a series of DICOM slices where the study reads volumes."""
    name = _only_image_input(study)
    volume = study.inputs[name].kind == "volume"
    series: dict[str, list[Path]] = {}
    whose: dict[str, dict[str, str]] = {}
    strange: list[Found] = []
    for path in sorted(source.rglob("*")):
        relative = path.relative_to(source)
        if not path.is_file() or any(part.startswith(".") for part in relative.parts) or path.name == "DICOMDIR":
            continue
        if not is_image(path):
            strange += [Found(str(relative), fault="it is no image, whatever its name says")] if path.name.lower().endswith(IMAGE_ENDINGS) else []
            continue
        about = _whose(path)
        key = about.get("series_uid") if volume and about.get("series_uid") else str(relative)
        series.setdefault(str(key), []).append(path)
        whose.setdefault(str(key), about)
    if not series:
        raise DataError(message(source, "there is no image in this folder", expected="DICOM, NIfTI, PNG, JPEG or TIFF files"))
    return [Found(str(paths[0].relative_to(source)), files={name: tuple(paths)}, whose=whose[key]) for key, paths in series.items()] + strange


def _whose(path: Path) -> dict[str, str]:
    """Identifiers of a DICOM file; none for other formats and for damaged ones, which are told when they are read."""
    try:
        return identity(path) if kind_of(path) == "dicom" else {}
    except DataError:
        return {}


def rows_with_files(frame: pd.DataFrame, source: Path, study: Any, names: Mapping[str, str]) -> list[Found]:
    """A case a row; its files are found by the file column, else by case id, else by patient id (file name, or DICOM header)."""
    inputs = image_inputs(study)
    theirs = {ours: column for column, ours in names.items()}
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    cases = [Found(f"row {k}", cells=row) for k, row in enumerate(rows, 2)]
    if not inputs:
        return cases
    if len(inputs) > 1 or any(theirs.get(name) for name in inputs):
        return [_by_column(case, source, study, theirs) for case in cases]
    index = _index(groups(source, study), source)
    keys = [theirs[name] for name in ("case_id", "patient_id") if name in theirs]
    return [_by_key(case, index, keys, inputs[0], many=bool(study.inputs[inputs[0]].many)) for case in cases]


def _index(found: list[Found], source: Path) -> dict[str, list[Found]]:
    """Every name under which an image may be looked for."""
    out: dict[str, list[Found]] = {}
    for image in (image for image in found if image.files):
        paths = next(iter(image.files.values()))
        names = {key for path in paths for key in (str(path.relative_to(source)), path.name, path.name.split(".")[0], path.parent.name)}
        names |= {image.whose[key] for key in ("patient_id", "accession", "study_uid", "instance_uid") if image.whose.get(key)}
        for name in names:
            out.setdefault(name.lower(), []).append(image)
    return out


def _by_key(case: Found, index: Mapping[str, list[Found]], keys: list[str], name: str, *, many: bool) -> Found:
    for key in keys:
        hits = index.get(str(case.cells.get(key) or "").strip().lower(), [])
        if len(hits) > 1 and not many:
            return replace(case, fault=f"{len(hits)} files fit, one is wanted")
        if hits:
            return replace(case, files={name: tuple(path for hit in hits for path in hit.files[name])}, whose=hits[0].whose)
    return replace(case, fault="no file has its id as name or in its header")


def _by_column(case: Found, source: Path, study: Any, theirs: Mapping[str, str]) -> Found:
    files, fault = {}, ""
    for name in image_inputs(study):
        cell = str(case.cells.get(theirs.get(name, ""), None) or "").strip()
        path = _inside(source, cell) if cell else None
        if path is not None:
            files[name] = tuple(sorted(p for p in path.iterdir() if p.is_file())) if path.is_dir() else (path,)
        elif not study.inputs[name].optional:
            fault = f"{name}: the file is not there" if cell else f"{name}: no file is named"
    return replace(case, files=files, fault=fault, whose=_whose(next(iter(files.values()))[0]) if files else {})


def _inside(source: Path, cell: str) -> Path | None:
    """A path below the folder, as written, or with any ending, or anywhere below by its name."""
    path = (source / cell).resolve()
    if not path.is_relative_to(source.resolve()):
        raise DataError(message(source, f"the path {cell!r} leaves the folder", expected="a path below it"))
    if path.exists():
        return path
    hits = [p for p in source.rglob("*") if p.name == Path(cell).name or p.name.split(".")[0] == Path(cell).name]
    return hits[0] if len(hits) == 1 else None


# ---- folders by class

def _class_folders(source: Path, study: Any) -> dict[str, tuple[str, str]]:
    """Folder -> (target, class) where every folder is named as a class of one target."""
    folders = [path.name for path in sorted(source.iterdir()) if path.is_dir() and not path.name.startswith(".")]
    for name, target in study.targets.items():
        classes = {fold(word): word for word in target.names} if isinstance(target, Classes) else {}
        if folders and all(fold(folder) in classes for folder in folders):
            return {folder: (name, classes[fold(folder)]) for folder in folders}
    return {}


def _by_class(classes: Mapping[str, tuple[str, str]], source: Path, study: Any) -> Iterator[Found]:
    for image in groups(source, study):
        parts = Path(image.name).parts
        if parts[0] in classes:
            target, word = classes[parts[0]]
            yield replace(image, truth={target: partial(study.targets[target].value, word)})


# ---- boxes, landmarks, masks

def _coco_of(source: Path, spreadsheet: Path | None) -> Path | None:
    """The COCO file that was named, or the only JSON of the folder that is one."""
    named = [spreadsheet] if spreadsheet is not None and spreadsheet.suffix.lower() == ".json" else []
    for path in named or sorted(source.glob("*.json")):
        try:
            with refusing(path, "JSON"):
                content = json.loads(path.read_text(encoding="utf-8-sig"))
        except DataError:
            if named:
                raise
            continue  # some other file that happens to lie there
        if isinstance(content, dict) and {"images", "annotations"} <= set(content):
            return path
    if named:
        raise DataError(message(named[0], "this is no COCO file", expected="images, annotations and categories at the top"))
    return None


def _boxes(source: Path, path: Path, study: Any) -> Iterator[Found]:
    target = _only_target(study, Objects, "boxes")
    name = _only_image_input(study)
    for file, value in read_coco(path).items():
        image = _inside(source, file) or _inside(source, f"images/{file}")
        files = {name: (image,)} if image else {}
        yield Found(file, files=files, truth={target: _given(value)}, whose=_whose(image) if image else {}, fault="" if image else "the image is not there")


def _landmarks_of(path: Path) -> dict[str, dict[str, tuple[float, float]]] | None:
    """The landmarks of a table, or None where it is a table of another kind."""
    if path.suffix.lower() not in (".csv", ".xlsx", ".tsv"):
        return None
    columns = [str(name).lower() for name in read_table(path).columns]
    wide = sum(name.endswith(("_x", ".x")) and f"{name[:-1]}y" in columns for name in columns)
    return read_landmarks(path) if wide or {"x", "y"} <= set(columns) else None


def _points(source: Path, points: Mapping[str, Mapping[str, tuple[float, float]]], study: Any) -> Iterator[Found]:
    target = _only_target(study, Measures, "landmarks")
    index, name = _index(groups(source, study), source), _only_image_input(study)
    for case, landmarks in points.items():
        found = _by_key(Found(case, cells={"case_id": case}), index, ["case_id"], name, many=False)
        yield replace(found, truth={target: _given(Readings({}, landmarks))})


def _nnunet(source: Path, study: Any) -> Iterator[Found]:
    """nnU-Net (imagesTr/NAME_0000.nii.gz, labelsTr/NAME.nii.gz) and the Medical Segmentation Decathlon (both without channel number)."""
    target = _only_target(study, Masks, "masks")
    with refusing(source / "dataset.json", "a description of a data set") as path:
        labels = _label_names(json.loads(path.read_text(encoding="utf-8-sig")).get("labels", {}))
    strangers = set(study.targets[target].names) - set(labels)
    if strangers:
        raise DataError(message(path, f"the label {sorted(strangers)[0]!r} is missing", found=f"Found {', '.join(labels)}", do=near(sorted(strangers)[0], labels)))
    inputs = image_inputs(study)
    for label in sorted((source / "labelsTr").glob("*.nii*")):
        stem = label.name.split(".nii")[0]
        channels = sorted(p for p in (source / "imagesTr").glob(f"{stem}*.nii*") if p.name.split(".nii")[0] in (stem, *(f"{stem}_{k:04d}" for k in range(9))))
        fault = "" if len(channels) >= len(inputs) else f"{len(channels)} images, {len(inputs)} are wanted"
        yield Found(stem, files={name: (image,) for name, image in zip(inputs, channels, strict=False)}, fault=fault,
                    truth={target: partial(named_mask, label, labels)})


def _label_names(labels: Mapping[str, Any]) -> dict[str, int]:
    """Name -> number, from {"1": "femur"} or {"femur": 1}; the background is left out."""
    pairs = {str(v): int(k) for k, v in labels.items()} if all(str(k).isdigit() for k in labels) else {str(k): v for k, v in labels.items()}
    return {name: number for name, number in pairs.items() if isinstance(number, int) and number > 0}


def named_mask(path: Path, labels: Mapping[str, int]) -> Mask:
    """The structures of a label map by name; raises DataError for a number without a name."""
    picture: Picture = read_nifti(path)
    strange = set(np.unique(picture.array).tolist()) - {0, *labels.values()}
    if strange:
        raise DataError(message(path, f"the label {sorted(strange)[0]} has no name", expected=f"{dict(labels)}", do="Correct dataset.json"))
    return Mask(np.stack([picture.array == number for number in labels.values()]), tuple(labels), picture.grid)


def _only_image_input(study: Any) -> str:
    names = image_inputs(study)
    if len(names) != 1:
        raise DataError(message("import", f"the study reads {len(names)} images a case", expected="one image a case in this layout",
                                do=f"Name the files in a spreadsheet with the columns {', '.join(names)}" if names else "Give a table"))
    return names[0]


def _only_target(study: Any, family: type, what: str) -> str:
    names = [name for name, target in study.targets.items() if isinstance(target, family)]
    if not names:
        raise DataError(message("import", f"there are {what} here, and the study asks for none", found=f"The study asks for {', '.join(study.targets)}"))
    return names[0]

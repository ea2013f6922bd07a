"""DICOM: one image file, a series of slices, who a file belongs to, and a radiograph written anew."""

from __future__ import annotations

import hashlib
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.errors import DataError, message
from osteon.readers.dicom_grid import grid_of, plane, stacked
from osteon.readers.dicom_pixels import pixels, window
from osteon.readers.files import refusing, replacing
from osteon.readers.kinds import kind_of
from osteon.value import Grid, Picture

if TYPE_CHECKING:
    from pydicom import Dataset
    from pydicom.uid import UID

# Header fields that say how the image was made and never whose it is: note -> attribute. Codes and model names only.
_NOTES = {"modality": "Modality", "laterality": "ImageLaterality", "view_position": "ViewPosition", "body_part": "BodyPartExamined",
          "manufacturer": "Manufacturer", "model": "ManufacturerModelName", "photometric": "PhotometricInterpretation",
          "burned_in": "BurnedInAnnotation", "presentation": "PresentationIntentType", "orientation": "PatientOrientation",
          "padding": "PixelPaddingValue"}
_IDENTITY = {"patient_id": "PatientID", "patient_name": "PatientName", "birth_date": "PatientBirthDate", "sex": "PatientSex", "age": "PatientAge",
             "accession": "AccessionNumber", "study_uid": "StudyInstanceUID", "series_uid": "SeriesInstanceUID", "instance_uid": "SOPInstanceUID",
             "study_date": "StudyDate", "series_date": "SeriesDate", "acquisition_date": "AcquisitionDate", "content_date": "ContentDate",
             "institution": "InstitutionName", "referring_physician": "ReferringPhysicianName"}
_PHANTOM = "SIMULATED^PHANTOM"
_DX = "1.2.840.10008.5.1.4.1.1.1.1"


def read_dicom(path: Path | str) -> Picture:
    """One DICOM image: (rows, cols), (frames, rows, cols), or either with RGB at the end; bright is dense, numbers are rescaled.

    Frames that lie evenly in space are put in order along their normal. Notes say how the image was made, and nothing of the
    patient. Raises DataError where the file is no DICOM image, is damaged or can not be decoded.
    """
    with refusing(path, "a DICOM image") as path:
        dataset = _opened(path)
        array = pixels(path, dataset)
        frames = int(dataset.get("NumberOfFrames") or 1)
        grid, notes, order = grid_of(dataset, array.shape[: 2 if frames == 1 else 3])
        return Picture(array if order is None else array[order], grid, _notes(dataset) | notes)


def read_series(source: Path | str | Iterable[Path | str]) -> Picture:
    """The volume (slices, rows, cols) of a folder or of a list of files of one series, in order along the normal of its slices.

    Files of a folder that are no DICOM images are passed over. Raises DataError for several series, uneven or missing slices,
    and slices of different size or orientation.
    """
    whole = Path(source) if isinstance(source, (str, Path)) else None
    paths = _images(whole) if whole else [Path(path) for path in source]  # type: ignore[union-attr]
    where: object = whole or (paths[0].parent if paths else "series")
    if not paths:
        raise DataError(message(where, "there is no DICOM image here", expected="the slices of one series"))
    _one_series(where, paths)
    if len(paths) == 1:
        return read_dicom(paths[0])
    return _volume(where, paths)


def identity(path: Path | str) -> dict[str, str]:
    """Whose file it is (identifiers, name, dates, UIDs), for import and leak checks only; nothing here may enter a run."""
    with refusing(path, "a DICOM file") as path:
        dataset = _opened(path, header_only=True)
        return {name: str(dataset.get(attribute, "") or "").strip() for name, attribute in _IDENTITY.items()}


def notes_of(path: Path | str) -> dict[str, Any]:
    """The notes of `read_dicom` from the header alone."""
    with refusing(path, "a DICOM file") as path:
        return _notes(_opened(path, header_only=True))


def _opened(path: Path, *, header_only: bool = False) -> Dataset:
    """The dataset; raises DataError for other content and for a file that ends within an element."""
    import pydicom

    kind = kind_of(path)
    if kind != "dicom":
        name = {"picture": "a picture", "nifti": "a NIfTI file", "": "unknown bytes"}.get(kind, f"a {kind} file")
        raise DataError(message(path, "this is no DICOM file, whatever its name says", found=f"Found {name}",
                                do="Export the image from the archive as DICOM"))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        dataset = pydicom.dcmread(path, force=True, stop_before_pixels=header_only)
    if any("End of file reached" in str(warning.message) for warning in said):
        raise DataError(message(path, "the file is cut short", expected="the end of its last element", do="Copy or export it again"))
    return dataset


def _notes(dataset: Dataset) -> dict[str, Any]:
    """How the image was made; a code that is no code is left out, because free text may name the patient."""
    notes: dict[str, Any] = {}
    for name, attribute in _NOTES.items():
        content = dataset.get(attribute)
        content = dataset.get("Laterality") if name == "laterality" and not content else content
        text = "\\".join(map(str, content)) if isinstance(content, (list, tuple)) or type(content).__name__ == "MultiValue" else str(content or "").strip()
        allowed = r"[\w .,&/()+-]{1,64}" if name in ("manufacturer", "model") else r"[A-Z0-9_ \\-]{1,32}"
        if text and re.fullmatch(allowed, text):
            notes[name] = text
    notes |= {"window": window(dataset)} if window(dataset) else {}
    notes |= {"lossy": True} if str(dataset.get("LossyImageCompression", "")) == "01" else {}
    notes |= {"inverted": True} if notes.get("photometric") == "MONOCHROME1" else {}
    return notes | ({"simulated": True} if str(dataset.get("PatientName", "")) == _PHANTOM else {})


def _images(folder: Path) -> list[Path]:
    """The DICOM files of a folder, without those below it."""
    if not folder.is_dir():
        raise DataError(message(folder, "there is no such folder", do="Check the path and its spelling"))
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".") and path.name != "DICOMDIR")
    return [path for path in files if kind_of(path) == "dicom" and "Image" in _sop_class(path)]


def _sop_class(path: Path) -> str:
    """The name of the kind of object, "Image" where the header does not say."""
    with refusing(path, "a DICOM file"):
        uid = _opened(path, header_only=True).get("SOPClassUID")
    return getattr(uid, "name", "") if uid else "Image"


def _one_series(where: object, paths: list[Path]) -> None:
    """Raises DataError where the files belong to several series."""
    series = Counter(identity(path)["series_uid"] for path in paths)
    if len(series) > 1:
        raise DataError(message(where, f"the files belong to {len(series)} series", expected="one series",
                                found=f"Found {', '.join(map(str, sorted(series.values(), reverse=True)))} files",
                                do="Keep each series in a folder of its own"))


def _volume(where: object, paths: list[Path]) -> Picture:
    """The slices stacked; raises DataError where they do not form an even volume."""
    slices, planes = [], []
    for path in paths:
        with refusing(path, "a DICOM image"):
            dataset = _opened(path)
            slices.append(read_dicom(path))
            planes.append(plane(dataset))
    first = slices[0]
    odd = [path.name for path, picture in zip(paths, slices, strict=True) if picture.grid.shape != first.grid.shape or len(picture.grid.shape) != 2]
    odd = odd or [path.name for path, (position, turn) in zip(paths, planes, strict=True)
                  if position is None or turn is None or not np.allclose(turn, planes[0][1] or np.nan, atol=1e-3)]
    odd = odd or [path.name for path, picture in zip(paths, slices, strict=True) if not np.allclose(picture.grid.spacing or np.nan, first.grid.spacing or np.nan, rtol=1e-3, equal_nan=True)]
    if odd:
        raise DataError(message(where, f"{len(odd)} of {len(paths)} files do not fit into one volume", expected="slices of one size, spacing and orientation, with a position",
                                found=f"First: {odd[0]}", do="Leave out localizers and reformatted images"))
    orientation = planes[0][1] or ()
    try:
        order, step, unit = stacked(np.array([position for position, _ in planes]), orientation)
    except ValueError as reason:
        raise DataError(message(where, "the slices form no even volume", found=f"{reason}", do="Export the series again, or resample it first")) from reason
    array = np.stack([slices[k].array for k in order])
    spacing = None if first.grid.spacing is None else (step, *first.grid.spacing)
    grid = Grid(array.shape[:3], spacing, planes[order[0]][0], (*unit, *orientation[3:], *orientation[:3]), "volume")
    return Picture(array, grid, first.notes)


def write_radiograph(path: Path | str, stored: np.ndarray, *, spacing: tuple[float, float], notes: Mapping[str, Any] | None = None,
                     simulated: bool) -> Path:
    """Writes (rows, cols) of uint8 or uint16 as a DX image: explicit little endian, MONOCHROME2, the same bytes for the same content.

    `spacing` (row, col) in mm lies at the detector, or at the patient where notes["spacing_kind"] is "calibrated". Further notes
    that are kept: laterality, view_position, body_part, manufacturer, model, magnification, window, orientation, patient_id (a
    pseudonym). A simulated film says so in its name, image type and derivation. Raises DataError for another array.
    """
    stored = np.ascontiguousarray(stored)
    if stored.ndim != 2 or stored.dtype not in (np.uint8, np.uint16) or min(stored.shape) < 1 or max(stored.shape) > 65535:
        raise DataError(message(path, "this is no radiograph", expected="(rows, cols) of uint8 or uint16, at most 65,535 a side",
                                found=f"Found {stored.dtype} of shape {stored.shape}"))
    dataset = _film(stored, spacing, dict(notes or {}), simulated)
    with replacing(path) as temporary:
        dataset.save_as(temporary, enforce_file_format=True)
    return Path(path)


def _film(stored: np.ndarray, spacing: tuple[float, float], notes: dict[str, Any], simulated: bool) -> Dataset:
    """The dataset of a DX image for presentation (PS3.3 A.26)."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import UID, ExplicitVRLittleEndian

    content = hashlib.sha256(stored.tobytes() + repr((stored.shape, spacing, sorted(notes.items()), simulated)).encode())
    study, series, instance = (_uid(content, part) for part in ("study", "series", "instance"))
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = UID(_DX), instance
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID, meta.ImplementationVersionName = _uid(hashlib.sha256(b"osteon"), "implementation"), "OSTEON"
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID, dataset.StudyInstanceUID, dataset.SeriesInstanceUID = _DX, instance, study, series
    for group in (_whose(notes, simulated, content.hexdigest()), _made_by(notes, simulated), _geometry(spacing, notes), _coding(stored, notes)):
        for attribute, value in group.items():
            setattr(dataset, attribute, value)
    dataset.PixelData = stored.astype(stored.dtype.newbyteorder("<"), copy=False).tobytes() + b"\0" * (stored.nbytes % 2)
    dataset["PixelData"].VR = "OB" if stored.dtype == np.uint8 else "OW"
    return dataset


def _uid(content: Any, part: str) -> UID:
    """A UID below 2.25 (PS3.5 B.2) that depends on the content and nothing else."""
    from pydicom.uid import UID

    return UID(f"2.25.{int.from_bytes(hashlib.sha256(content.digest() + part.encode()).digest()[:16], 'big')}")


def _whose(notes: dict[str, Any], simulated: bool, digest: str) -> dict[str, Any]:
    """Patient and study modules: a pseudonym, no date."""
    name = _PHANTOM if simulated else "ANONYMOUS"
    return {"PatientName": name, "PatientID": _text(notes.get("patient_id") or digest[:16]), "PatientBirthDate": "", "PatientSex": "",
            "PatientIdentityRemoved": "YES", "DeidentificationMethod": "no patient: simulated" if simulated else "header written anew from the pixels",
            "StudyDate": "", "StudyTime": "", "ContentDate": "", "ContentTime": "", "AccessionNumber": "", "ReferringPhysicianName": "", "StudyID": "",
            "SeriesNumber": 1, "InstanceNumber": 1}


def _made_by(notes: dict[str, Any], simulated: bool) -> dict[str, Any]:
    """Equipment, series and view."""
    side = str(notes.get("laterality") or "U")[:1].upper()
    kind = ["DERIVED", "PRIMARY"] if simulated else ["ORIGINAL", "PRIMARY"]
    out = {"Modality": "DX", "PresentationIntentType": "FOR PRESENTATION", "ImageType": kind, "ImageLaterality": side if side in "LRBU" else "U",
           "Manufacturer": _text(notes.get("manufacturer") or "osteon"), "ManufacturerModelName": _text(notes.get("model")),
           "ViewPosition": _code(notes.get("view_position")), "BodyPartExamined": _code(notes.get("body_part")), "DetectorType": "",
           "PatientOrientation": [_code(side) for side in str(notes.get("orientation") or "").split("\\")],
           "AnatomicRegionSequence": [], "ViewCodeSequence": [], "AcquisitionContextSequence": [], "BurnedInAnnotation": "NO"}
    return out | ({"DerivationDescription": "Simulated radiograph for software verification; no patient was imaged"} if simulated else {})


def _geometry(spacing: tuple[float, float], notes: dict[str, Any]) -> dict[str, Any]:
    """Spacing at the detector, and at the patient where the film is calibrated."""
    enlarged = float(notes.get("magnification") or 1)
    calibrated = notes.get("spacing_kind") == "calibrated"
    out: dict[str, Any] = {"ImagerPixelSpacing": [_ds(length * (enlarged if calibrated else 1)) for length in spacing]}
    if calibrated:
        out |= {"PixelSpacing": [_ds(length) for length in spacing], "PixelSpacingCalibrationType": "GEOMETRY"}
    return out | ({"EstimatedRadiographicMagnificationFactor": _ds(enlarged)} if enlarged != 1 else {})


def _coding(stored: np.ndarray, notes: dict[str, Any]) -> dict[str, Any]:
    """Image pixel module and the first display window."""
    bits, (low, high) = stored.dtype.itemsize * 8, (int(stored.min()), int(stored.max()))
    centre, width = notes.get("window") or ((low + high + 1) / 2, max(high - low, 1))
    return {"SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2", "Rows": stored.shape[0], "Columns": stored.shape[1],
            "BitsAllocated": bits, "BitsStored": bits, "HighBit": bits - 1, "PixelRepresentation": 0, "PixelIntensityRelationship": "LOG",
            "PixelIntensityRelationshipSign": -1, "RescaleIntercept": "0", "RescaleSlope": "1", "RescaleType": "US", "PresentationLUTShape": "IDENTITY",
            "LossyImageCompression": "00", "WindowCenter": _ds(centre), "WindowWidth": _ds(width)}


def _code(content: Any) -> str:
    """A code string (PS3.5 6.2): at most 16 capitals, digits, blanks and underscores."""
    return re.sub(r"[^A-Z0-9_ ]", "_", str(content or "").upper())[:16]


def _text(content: Any) -> str:
    """A long string (PS3.5 6.2): at most 64 characters without backslash."""
    return re.sub(r"[\\\x00-\x1f]", " ", str(content or ""))[:64].strip()


def _ds(number: float) -> str:
    """A decimal string of at most 16 characters (PS3.5 6.2)."""
    return f"{float(number):.9g}"

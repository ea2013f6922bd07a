"""Any image file, told by its content and not by its name."""

from __future__ import annotations

from pathlib import Path

from osteon.errors import DataError, message
from osteon.readers.dicom import read_dicom, read_series
from osteon.readers.files import refusing
from osteon.readers.kinds import IMAGES, kind_of
from osteon.readers.nifti import read_nifti
from osteon.readers.picture import read_picture
from osteon.value import Picture

_READERS = {"dicom": read_dicom, "nifti": read_nifti, "picture": read_picture}
_ADVICE = {"NRRD": "In 3D Slicer, export the segmentation as NIfTI", "PDF": "Export the image itself", "gzip": "Unpack it first",
           "ZIP or Office": "Unpack it first", "video": "Name the frame that is meant in the column NAME.frame (0 for the first)"}


def read_image(path: Path | str) -> Picture:
    """The image of a file, or the volume of a folder with one DICOM series; raises DataError where there is none."""
    if Path(path).is_dir():
        return read_series(path)
    with refusing(path, "an image") as path:
        kind = kind_of(path)
        if kind not in _READERS:
            raise DataError(message(path, "this is no image that osteon reads", expected="DICOM, NIfTI, PNG, JPEG, TIFF or BMP",
                                    found=f"Found {'a ' + kind + ' file' if kind else 'unknown bytes'}",
                                    do=_ADVICE.get(kind, "Export it again in one of these formats")))
        return _READERS[kind](path)


def is_image(path: Path | str) -> bool:
    """Whether the first bytes are those of an image that `read_image` may open; never raises."""
    try:
        return kind_of(path) in IMAGES
    except OSError:
        return False

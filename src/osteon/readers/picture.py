"""Pictures: PNG, JPEG, TIFF and BMP of 8 or 16 bits, grey or colour."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.errors import DataError, message
from osteon.readers.files import quiet, refusing, replacing
from osteon.value import Grid, Picture

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG", "TIFF", "BMP")
# Resolutions that programs write without having measured anything (dots per inch).
_DEFAULT_DPI = (25.4, 72, 96, 100, 120, 144, 150, 180, 192, 200, 240, 250, 264, 300, 326, 350, 360, 400, 600, 720, 1200, 1440, 2400)
# EXIF orientation: swap the axes first, then mirror the rows, then the columns.
_TURNS = {2: (False, False, True), 3: (False, True, True), 4: (False, True, False), 5: (True, False, False),
          6: (True, False, True), 7: (True, True, True), 8: (True, True, False)}


def read_picture(path: Path | str) -> Picture:
    """A picture upright by its EXIF tag, (rows, cols) or (rows, cols, 3) with 8 or 16 bits, or (pages, rows, cols) of a TIFF stack.

    A colour file of equal channels becomes grey and an alpha channel is dropped. Spacing is known only from a PNG or TIFF
    resolution tag that is no program's default. Raises DataError for anything that is no whole picture.
    """
    from PIL import Image

    with refusing(path, "a picture (PNG, JPEG, TIFF or BMP)") as path, open(path, "rb") as file, Image.open(file, formats=FORMATS) as image:
        # Opened by name, Pillow 13 maps plain TIFF files into memory and garbles those that are to be turned.
        deep = _is_deep_colour(image)  # told by the tiles, which the next line uses up
        notes = {"format": image.format, **_embedded(image)}
        pages = getattr(image, "n_frames", 1) if image.format == "TIFF" else 1
        turn, spacing = _TURNS.get(image.getexif().get(0x0112, 1)), _resolution(image)
        array = _pixels(path, image, pages=pages, deep=deep)
    if turn and image.format != "TIFF":  # Pillow has turned a TIFF by itself
        array = _upright(array, *turn)
    axes = 2 if pages == 1 else 3
    array = grey_if_equal(array) if array.ndim > axes else array
    spacing = spacing[::-1] if spacing and turn and turn[0] else spacing
    return Picture(array, Grid(array.shape[:axes], spacing if axes == 2 else None), notes)


def grey_if_equal(array: np.ndarray) -> np.ndarray:
    """(..., 3) with three equal channels as (...): many archives store grey films as colour. Lossy codecs may differ by 2 of 255."""
    if array.shape[-1] != 3 or array.ndim < 3:
        return array
    slack = 0 if array.dtype.kind not in "ui" else 2 * (np.iinfo(array.dtype).max // 255)
    for sample in (array[..., ::16, ::16, :], array):  # most colour pictures are told by a few of their pixels
        low, high = sample.min(axis=-1), sample.max(axis=-1)
        if (high - low > slack).any():
            return array
    return np.ascontiguousarray(array[..., 1])


def _pixels(path: Path, image: Image, *, pages: int, deep: bool) -> np.ndarray:
    """The pixels of one page, or of all of them stacked; raises DataError where the pages differ in size."""
    if deep:
        if pages > 1:
            raise DataError(message(path, "a stack of 16-bit colour pages can not be read", do="Save one page a file"))
        return _deep_colour(path)
    arrays = []
    for page in range(pages):
        image.seek(page)
        arrays.append(_page(path, image))
    if len({array.shape for array in arrays}) > 1:
        raise DataError(message(path, f"the {pages} pages differ in size", expected="one picture, or a stack of equal ones",
                                do="Save the page that you mean as a file of its own"))
    return arrays[0] if pages == 1 else np.stack(arrays)


def _page(path: Path, image: Image) -> np.ndarray:
    """One page as a grey or three-channel array; raises DataError for a kind of pixel that is no picture."""
    if image.mode in ("L", "I;16", "I;16B", "I;16L", "I;16N", "F", "I"):
        array = np.asarray(image)
    elif image.mode == "1":
        array = np.asarray(image.convert("L"))
    elif image.mode in ("LA", "La"):
        array = np.asarray(image.getchannel("L"))
    elif image.mode in ("RGB", "RGBA", "RGBX", "P", "PA", "CMYK", "YCbCr", "LAB"):
        array = np.asarray(image.convert("RGB"))
    else:
        raise DataError(message(path, f"pixels of the kind {image.mode!r} are not known", expected="grey or colour, 8 or 16 bits"))
    tags = getattr(image, "tag_v2", {})
    if image.mode.startswith("I;16") and tags.get(262) == 0:  # white is zero, which Pillow respects at 8 bits only
        array = ((1 << tags.get(258, (16,))[0]) - 1 - array.astype(np.int32)).astype(np.uint16)
    if array.dtype == np.int32 and array.size and array.min() >= 0 and array.max() <= 65535:
        array = array.astype(np.uint16)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _is_deep_colour(image: Image) -> bool:
    """Whether Pillow would cut 16-bit colour down to 8 bits without a word."""
    tiles = " ".join(str(tile[3]) for tile in getattr(image, "tile", ()))
    return image.mode in ("RGB", "RGBA", "LA") and ";16" in tiles


def _deep_colour(path: Path) -> np.ndarray:
    """(rows, cols, 3) of 16-bit colour; raises DataError where ITK, as it does for turned or tiled TIFF files, cuts it down to 8 bits."""
    import SimpleITK

    with quiet():
        array = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))
    if array.dtype != np.uint16:
        raise DataError(message(path, "this kind of 16-bit colour can not be read", expected="an upright TIFF in strips, or PNG", do="Save it as PNG"))
    return array[..., :3] if array.shape[-1] >= 3 else array[..., 0]


def _upright(array: np.ndarray, swap: bool, rows: bool, cols: bool) -> np.ndarray:
    """The array turned as EXIF says: axes swapped, then rows and columns mirrored."""
    array = array.swapaxes(0, 1) if swap else array
    return np.ascontiguousarray(array[:: -1 if rows else 1, :: -1 if cols else 1])


def _resolution(image: Image) -> tuple[float, float] | None:
    """Spacing (row, col) in mm of a PNG or TIFF tag that somebody set on purpose: 0.02 to 2 mm and no default of a program."""
    dots = image.info.get("dpi") if image.format in ("PNG", "TIFF") else None
    if not dots or not all(np.isfinite(float(d)) and float(d) > 0 for d in dots):
        return None
    if any(abs(float(d) - default) < 0.5 for d in dots for default in _DEFAULT_DPI):
        return None
    across, down = (25.4 / float(d) for d in dots)
    return (round(down, 5), round(across, 5)) if min(across, down) >= 0.02 and max(across, down) <= 2 else None


def _embedded(image: Image) -> dict[str, Any]:
    """What our own writer kept in the file; nothing of other programs' texts, which may name the patient."""
    text = image.info.get("osteon") if image.format == "PNG" else None
    return {"osteon": json.loads(text)} if isinstance(text, str) else {}


def write_picture(path: Path | str, array: np.ndarray, *, spacing: tuple[float, float] | None = None,
                  notes: Mapping[str, Any] | None = None) -> Path:
    """Writes (rows, cols) or (rows, cols, 3) of bool, uint8 or uint16 as PNG, TIFF or JPEG by the suffix; `notes` (JSON) go into PNG only.

    Spacing (row, col) in mm is kept as the resolution tag. Raises DataError for other arrays and suffixes.
    """
    path, array = Path(path), np.asarray(array)
    kind = {".png": "PNG", ".tif": "TIFF", ".tiff": "TIFF", ".jpg": "JPEG", ".jpeg": "JPEG"}.get(path.suffix.lower())
    array = array.astype(np.uint8) * 255 if array.dtype == bool else array
    deep = array.dtype == np.uint16
    if kind is None or array.dtype not in (np.uint8, np.uint16) or deep and kind == "JPEG":
        raise DataError(message(path, "these pixels can not be written to this file", expected=".png or .tif of 8 or 16 bits, .jpg of 8 bits",
                                found=f"Found {array.dtype} for {path.suffix!r}", do="Scale the values to uint8 or uint16, or use write_nifti"))
    if not (array.ndim == 2 or array.ndim == 3 and array.shape[2] == 3):
        raise DataError(message(path, "the array is no picture", expected="(rows, cols) or (rows, cols, 3)", found=f"Found shape {array.shape}"))
    with replacing(path) as temporary:
        if deep and array.ndim == 3:
            _save_deep_colour(temporary, array, spacing)
        else:
            _save(temporary, array, kind=kind, spacing=spacing, notes=notes)
    return path


def _save(path: Path, array: np.ndarray, *, kind: str, spacing: tuple[float, float] | None, notes: Mapping[str, Any] | None) -> None:
    from PIL import Image, PngImagePlugin

    options: dict[str, Any] = {"dpi": (25.4 / spacing[1], 25.4 / spacing[0])} if spacing else {}
    if kind == "PNG":
        options |= {"compress_level": 3}
        if notes is not None:
            options["pnginfo"] = PngImagePlugin.PngInfo()
            options["pnginfo"].add_text("osteon", json.dumps(notes))
    if kind == "JPEG":
        options |= {"quality": 95, "subsampling": 0}
    Image.fromarray(np.ascontiguousarray(array)).save(path, format=kind, **options)


def _save_deep_colour(path: Path, array: np.ndarray, spacing: tuple[float, float] | None) -> None:
    """Pillow can not write 16-bit colour."""
    import SimpleITK

    image = SimpleITK.GetImageFromArray(np.ascontiguousarray(array), isVector=True)
    if spacing:
        image.SetSpacing(spacing[::-1])
    SimpleITK.WriteImage(image, str(path))

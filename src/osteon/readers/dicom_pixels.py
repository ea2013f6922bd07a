"""From the pixel data of a DICOM dataset to numbers that mean the same in every file: decoded, rescaled, bright where the tissue is dense."""

from __future__ import annotations

import tempfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.errors import DataError, message
from osteon.readers.dicom_grid import frame_value
from osteon.readers.files import quiet
from osteon.readers.picture import grey_if_equal

if TYPE_CHECKING:
    from pydicom import Dataset

LARGEST = 8 * 2**30  # bytes; a damaged header can ask for any size
DEFLATED_FRAMES = "1.2.840.10008.1.2.8.1"
RLE = "1.2.840.10008.1.2.5"
JPEG_EXTENDED = "1.2.840.10008.1.2.4.51"
_FAMILIES = {"JPEG": ("1.2.840.10008.1.2.4.50", JPEG_EXTENDED), "JPEG lossless": ("1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"),
             "JPEG-LS": ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"), "RLE": (RLE,)}
# GDCM alone decodes lossless JPEG and 12 bits, and ends the process on some damaged JPEG-LS streams: it is asked only where it is needed.
_PLUGINS = {"JPEG": ("pillow", "gdcm", "SimpleITK"), "JPEG lossless": ("gdcm", "SimpleITK"), "JPEG-LS": ("pyjpegls",), "RLE": ("pylibjpeg", "pydicom"),
            "JPEG 2000": ("pylibjpeg",)}


def pixels(path: Path, dataset: Dataset) -> np.ndarray:
    """([frames,] rows, cols) of grey values after the modality transform, or ([frames,] rows, cols, 3) of RGB.

    MONOCHROME1 is inverted within the range of the stored bits, so that bright is dense in every film. Whole numbers stay whole.
    Raises DataError where there are no pixels or no decoder.
    """
    _expect_pixels(path, dataset)
    stored = _decoded(path, dataset)
    stored = stored.astype(stored.dtype.newbyteorder("="), copy=False)
    photometric = str(dataset.get("PhotometricInterpretation", ""))
    if photometric == "PALETTE COLOR":
        return grey_if_equal(_palette(dataset, stored))
    if int(dataset.get("SamplesPerPixel", 1) or 1) > 1:
        return grey_if_equal(stored[..., :3])
    if photometric == "MONOCHROME1":
        return _inverted(dataset, stored)
    return _modality(dataset, _without_overlay(dataset, stored))


def stored_range(dataset: Dataset) -> tuple[int, int]:
    """The least and the greatest number that the stored bits can hold."""
    bits = int(dataset.get("BitsStored", 16) or 16)
    return (-(1 << bits - 1), (1 << bits - 1) - 1) if int(dataset.get("PixelRepresentation", 0) or 0) else (0, (1 << bits) - 1)


def window(dataset: Dataset) -> tuple[float, float] | None:
    """Centre and width of the first display window, in the values that `pixels` gives."""
    try:
        centre, width = (float(np.atleast_1d(np.asarray(dataset[name].value, float))[0]) for name in ("WindowCenter", "WindowWidth"))
    except (KeyError, ValueError, TypeError, IndexError):
        return None
    if dataset.get("PhotometricInterpretation") == "MONOCHROME1":
        centre = sum(_modality(dataset, np.asarray(stored_range(dataset), np.int64)).tolist()) - centre
    return (centre, width) if np.isfinite([centre, width]).all() and width > 0 else None


def _expect_pixels(path: Path, dataset: Dataset) -> None:
    """Raises DataError where the file has no pixels by nature, lost them, or asks for an impossible array."""
    kind = dataset.get("SOPClassUID")
    kind = getattr(kind, "name", "") or str(dataset.get("Modality", "") or "DICOM object")
    if not any(name in dataset for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        do = "Choose the image files of the study" if "Image" not in kind else "Export it again: its pixels are lost"
        raise DataError(message(path, "the file holds no pixels", expected="an image", found=f"Found a {kind}", do=do))
    if not str(getattr(dataset.file_meta, "TransferSyntaxUID", "")):
        raise DataError(message(path, "the header does not say how the pixels are coded", expected="a transfer syntax (0002,0010)",
                                do="Export it again from the archive"))
    rows, cols = (int(dataset.get(name) or 0) for name in ("Rows", "Columns"))
    if rows < 1 or cols < 1:
        raise DataError(message(path, "the header gives no size of the image", expected="Rows and Columns above 0", found=f"Found {rows} x {cols}"))
    bits = rows * cols * int(dataset.get("NumberOfFrames") or 1) * int(dataset.get("SamplesPerPixel") or 1) * int(dataset.get("BitsAllocated") or 8)
    if bits // 8 > LARGEST:
        raise DataError(message(path, "the image is too large to open", expected=f"at most {LARGEST >> 30} GiB",
                                found=f"Found {bits >> 33} GiB in the header"))
    subsampled = "422" in str(dataset.get("PhotometricInterpretation", ""))
    syntax = dataset.file_meta.TransferSyntaxUID
    native = "PixelData" in dataset and syntax != DEFLATED_FRAMES and not syntax.is_encapsulated and not subsampled
    if native and len(dataset.PixelData) < bits // 8:
        raise DataError(message(path, "the file is cut short", expected=f"{bits // 8} bytes of pixels",
                                found=f"Found {len(dataset.PixelData)}", do="Copy or export it again"))


def _decoded(path: Path, dataset: Dataset) -> np.ndarray:
    """The stored pixels, colour as RGB; the decoders are tried from the most to the least exact."""
    from pydicom.pixels import pixel_array

    syntax, bits = dataset.file_meta.TransferSyntaxUID, int(dataset.get("BitsAllocated") or 8)
    if syntax == DEFLATED_FRAMES or (syntax == RLE and bits == 1):
        return pixel_array(_as_native(dataset))
    if not syntax.is_compressed or not syntax.is_encapsulated:
        return pixel_array(dataset)
    with quiet():
        if syntax == JPEG_EXTENDED and int(dataset.get("BitsStored") or 8) > 8:
            return _by_simpleitk(dataset)
        return _by_plugins(path, dataset)


def _by_plugins(path: Path, dataset: Dataset) -> np.ndarray:
    """Decoded by the first library that can; raises DataError where none can."""
    from pydicom.pixels import pixel_array

    syntax = dataset.file_meta.TransferSyntaxUID
    family = next((family for family, syntaxes in _FAMILIES.items() if syntax in syntaxes), "JPEG 2000")
    fault: BaseException | None = None
    for plugin in _PLUGINS[family]:
        try:
            return _by_simpleitk(dataset) if plugin == "SimpleITK" else pixel_array(dataset, decoding_plugin=plugin)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as reason:  # a panic of the run-length library is no Exception
            fault = fault or reason
    raise DataError(message(path, "the pixels can not be decoded", expected="whole frames in a common DICOM coding", found=f"Found {syntax.name}",
                            do="Export it again uncompressed (Explicit VR Little Endian)")) from fault


def _by_simpleitk(dataset: Dataset) -> np.ndarray:
    """Decodes a copy that holds the pixels only, so that no rescale and no header of the patient takes part."""
    import SimpleITK
    from pydicom import Dataset, FileDataset
    from pydicom.uid import generate_uid

    bare = Dataset()
    for name in ("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "SamplesPerPixel", "PlanarConfiguration",
                 "PhotometricInterpretation", "NumberOfFrames", "PixelData"):
        if name in dataset:
            bare.add(dataset[name])
    bare.SOPClassUID, bare.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", generate_uid(entropy_srcs=["osteon"])
    bare.PhotometricInterpretation = str(bare.PhotometricInterpretation).replace("MONOCHROME1", "MONOCHROME2")
    with tempfile.TemporaryDirectory() as folder:
        name = str(Path(folder) / "pixels.dcm")
        copy = FileDataset(name, bare, file_meta=_meta(dataset, bare), preamble=b"\0" * 128)
        copy.save_as(name, enforce_file_format=True)
        array = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(name))
    frames = int(dataset.get("NumberOfFrames") or 1)
    return array[0] if frames == 1 and array.shape[0] == 1 else array


def _meta(dataset: Dataset, bare: Dataset) -> Any:
    from pydicom.dataset import FileMetaDataset

    meta = FileMetaDataset()
    meta.TransferSyntaxUID = dataset.file_meta.TransferSyntaxUID
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = bare.SOPClassUID, bare.SOPInstanceUID
    return meta


def _as_native(dataset: Dataset) -> Dataset:
    """The dataset with deflated frames (PS3.5 A.4.13) or run-length frames of single bits unpacked, which pydicom 3.0 can not decode."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.encaps import generate_frames
    from pydicom.uid import ExplicitVRLittleEndian

    count = int(dataset.get("NumberOfFrames") or 1)
    unpack = _unpack_bits_rle if dataset.file_meta.TransferSyntaxUID == RLE else lambda frame: zlib.decompressobj(-15).decompress(frame)
    frames = [unpack(frame) for frame in generate_frames(dataset.PixelData, number_of_frames=count)]
    if int(dataset.BitsAllocated) == 1:  # native frames follow each other without padding to whole bytes
        size = int(dataset.Rows) * int(dataset.Columns)
        bits = [np.unpackbits(np.frombuffer(frame, np.uint8), bitorder="little")[:size] for frame in frames]
        frames = [np.packbits(np.concatenate(bits), bitorder="little").tobytes()]
    native = dataset.copy()
    native.PixelData = b"".join(frames) + b"\0" * (sum(map(len, frames)) % 2)
    native.file_meta = FileMetaDataset()
    native.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return native


def _unpack_bits_rle(frame: bytes) -> bytes:
    """The single segment of a run-length frame (PS3.5 annex G)."""
    source, at, out = frame[int.from_bytes(frame[4:8], "little"):], 0, bytearray()
    while at + 1 < len(source):
        code = source[at]
        if code < 128:
            out += source[at + 1: at + 2 + code]
            at += 2 + code
        else:
            out += source[at + 1: at + 2] * (257 - code if code > 128 else 0)
            at += 2 if code > 128 else 1
    return bytes(out)


def _palette(dataset: Dataset, stored: np.ndarray) -> np.ndarray:
    """Colours of a palette; the tables of a big-endian file are 16-bit words and have to be swapped first."""
    from pydicom.pixels import apply_color_lut

    if dataset.original_encoding[1] is False:
        dataset = dataset.copy()
        for channel in ("Red", "Green", "Blue"):
            name = f"{channel}PaletteColorLookupTableData"
            if name in dataset and dataset[name].VR == "OW":
                setattr(dataset, name, np.frombuffer(dataset[name].value, ">u2").astype("<u2").tobytes())
    return apply_color_lut(stored, dataset)[..., :3]


def _without_overlay(dataset: Dataset, stored: np.ndarray) -> np.ndarray:
    """Old files keep overlays in the unused high bits, which are no grey values."""
    embedded = any(dataset.get((group, 0x0102)) is not None and dataset[group, 0x0102].value for group in range(0x6000, 0x6020, 2))
    low, high = stored_range(dataset)
    return stored & high if embedded and low == 0 and stored.dtype.kind == "u" else stored


def _modality(dataset: Dataset, stored: np.ndarray) -> np.ndarray:
    """Stored numbers as the numbers of the modality (Hounsfield units in CT); whole numbers stay whole, else float32."""
    from pydicom.pixels import apply_modality_lut

    if dataset.get("ModalityLUTSequence"):
        return apply_modality_lut(stored, dataset)
    count = int(dataset.get("NumberOfFrames") or 1) if stored.ndim == 3 else 1
    pairs = [_rescale(dataset, frame) for frame in range(count)]
    if len(set(pairs)) == 1:
        return rescaled(stored, *pairs[0])
    return np.stack([rescaled(frame.astype(np.float32), *pair) for frame, pair in zip(stored, pairs, strict=True)])


def _rescale(dataset: Dataset, frame: int) -> tuple[float, float]:
    """Slope and intercept of one frame; a dose grid keeps its slope elsewhere."""
    slope, offset = (frame_value(dataset, frame, "PixelValueTransformationSequence", name) for name in ("RescaleSlope", "RescaleIntercept"))
    slope = dataset.get("DoseGridScaling") if slope in (None, "") else slope
    return float(1 if slope in (None, "") else slope), float(offset or 0)


def rescaled(stored: np.ndarray, slope: float, offset: float) -> np.ndarray:
    """slope * stored + offset, in the smallest whole type where both are whole, else float32; raises ValueError for a slope of 0."""
    if not (np.isfinite(slope) and np.isfinite(offset) and slope != 0):
        raise ValueError(f"the rescale slope {slope} and intercept {offset} are impossible")
    if slope == 1 and offset == 0:
        return stored
    if stored.dtype.kind not in "iu" or slope % 1 or offset % 1:
        real = stored if stored.dtype == np.float64 else stored.astype(np.float32)
        return real * np.asarray(slope, real.dtype) + np.asarray(offset, real.dtype)
    ends = [int(end) * int(slope) + int(offset) for end in ((stored.min(), stored.max()) if stored.size else (0, 0))]
    kind: Any = next(k for k in (np.int16, np.uint16, np.int32, np.int64) if np.iinfo(k).min <= min(ends) and max(ends) <= np.iinfo(k).max)
    # The steps between may wrap around; the result can not, because it fits.
    factor, shift = (np.asarray(int(number)).astype(kind) for number in (slope, offset))
    return stored.astype(kind) * factor + shift


def _inverted(dataset: Dataset, stored: np.ndarray) -> np.ndarray:
    """Values mirrored within the range of the stored bits, after the modality transform."""
    low, high = stored_range(dataset)
    stored = np.clip(_without_overlay(dataset, stored), low, high)
    ends = _modality(dataset, np.asarray([low, high], stored.dtype)).tolist()
    values = _modality(dataset, stored)
    fits = values.dtype.kind == "f" or all(np.iinfo(values.dtype).min <= end <= np.iinfo(values.dtype).max for end in (*ends, sum(ends)))
    return np.subtract(sum(ends), values if fits else values.astype(np.int64), dtype=values.dtype if fits else np.int64)

"""What a file is, told by its first bytes and not by its name."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

_SIGNS = {b"\x89PNG\r\n\x1a\n": "picture", b"\xff\xd8\xff": "picture", b"II*\0": "picture", b"MM\0*": "picture", b"II+\0": "picture",
          b"MM\0+": "picture", b"%PDF": "PDF", b"PK\x03\x04": "ZIP or Office", b"\x89HDF": "HDF5", b"NRRD": "NRRD", b"PAR1": "Parquet",
          b"<!DOCTYPE": "HTML", b"<html": "HTML", b"GIF8": "GIF", b"RIFF": "RIFF", b"ply\n": "PLY", b"ply\r": "PLY"}
IMAGES = ("dicom", "nifti", "picture")


def kind_of(path: Path | str) -> str:
    """"dicom", "nifti", "picture" or "video", the name of another known format, "text", or "" where the bytes tell nothing.

    Raises OSError where the file can not be opened.
    """
    with open(path, "rb") as file:
        head = file.read(1024)
    if head[128:132] == b"DICM" or _bare_dicom(head):
        return "dicom"
    if head[:2] == b"\x1f\x8b":
        return "nifti" if _nifti(_inflated(head)) else "gzip"
    if _nifti(head):
        return "nifti"
    if head[:4] + head[8:12] == b"RIFFAVI " or head[4:8] == b"ftyp" or head[:4] == b"\x1aE\xdf\xa3":  # AVI, MP4 and its kin, Matroska and WebM
        return "video"
    for sign, kind in _SIGNS.items():
        if head.startswith(sign):
            return kind
    if head[:2] == b"BM" and int.from_bytes(head[2:6], "little") == Path(path).stat().st_size:
        return "picture"
    return "text" if _text(head) else ""


def _bare_dicom(head: bytes) -> bool:
    """A dataset without the 128 bytes of preamble: it begins with an element of group 2 or 8, little endian."""
    group, element, length = (int.from_bytes(head[at: at + size], "little") for at, size in ((0, 2), (2, 2), (4, 4)))
    explicit = head[4:6].isalpha() and head[4:6].isupper()
    return group in (2, 8) and 0 <= element <= 0x0100 and (explicit or 0 < length < 256) and len(head) > 16


def _nifti(head: bytes) -> bool:
    size = {int.from_bytes(head[:4], order) for order in ("little", "big")} if len(head) >= 348 else set()
    return (348 in size and head[344:348] in (b"n+1\0", b"ni1\0")) or (540 in size and head[4:7] in (b"n+2", b"ni2"))


def _inflated(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(head, 600)
    except (zlib.error, gzip.BadGzipFile):
        return b""


def _text(head: bytes) -> bool:
    """Whether the bytes are printable characters, of which a cut multi-byte one may end the sample."""
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):  # the mark of UTF-16
        return True
    plain = sum(byte in b"\t\n\r" or 32 <= byte < 127 or byte >= 128 for byte in head)
    return bool(head) and b"\0" not in head and plain == len(head)

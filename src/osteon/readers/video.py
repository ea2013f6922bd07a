"""Videos, opened and never held: Motion-JPEG in AVI is written and read frame by frame; every other container and codec is read through OpenCV (extra `video`).

An AVI is a RIFF file (Microsoft, AVI RIFF File Reference): LIST hdrl with avih, strh and strf; LIST INFO with a comment; LIST movi with a chunk a frame; idx1.
"""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from osteon.errors import DataError, message
from osteon.readers.files import quiet, refusing, replacing
from osteon.value import Grid, Picture

WHAT = "a video"
EXPORT = "Export it as Motion-JPEG AVI or MP4 (H.264)"
MOST_BYTES = 2**31 - 1  # of one RIFF list; readers of other programs stop there
_KEY = 0x10  # every frame of a Motion-JPEG stands for itself


@dataclass(frozen=True)
class Clip:
    """A video file: number of frames, frames a second, and (rows, cols) of a frame; frames are read when they are asked for and not kept.

    `places` are (offset, bytes) of each frame in a Motion-JPEG; empty where OpenCV reads.
    """

    path: Path
    frames: int
    rate: float = field(kw_only=True)
    shape: tuple[int, int] = field(kw_only=True)
    notes: Mapping[str, Any] = field(default_factory=dict, kw_only=True, hash=False)
    places: tuple[tuple[int, int], ...] = field(default=(), kw_only=True, repr=False, compare=False)

    def frame(self, number: int) -> Picture:
        """One frame, the first is 0. Raises DataError where there is none of that number or it does not decode."""
        if not 0 <= number < self.frames:
            raise DataError(message(self.path, f"the video has no frame {number}", expected=f"0 to {self.frames - 1}"))
        return next(self.stream((number,)))

    def stream(self, numbers: Iterable[int] | None = None) -> Iterator[Picture]:
        """Frames one after another (all, or those of some numbers); one is in memory at a time. Raises DataError at the first that does not decode."""
        wanted = range(self.frames) if numbers is None else numbers
        return self._jpegs(wanted) if self.places else _through_opencv(self, wanted)

    def evenly(self, most: int) -> tuple[int, ...]:
        """Numbers of at most so many frames, evenly spaced over the video."""
        return tuple(dict.fromkeys(np.linspace(0, self.frames - 1, min(most, self.frames)).round().astype(int).tolist()))

    def every(self, seconds: float) -> tuple[int, ...]:
        """Numbers of the frames at 0, `seconds`, twice `seconds` ... of the video."""
        return tuple(dict.fromkeys(np.arange(0, self.frames, max(seconds * self.rate, 1.0)).round().astype(int).clip(max=self.frames - 1).tolist()))

    def picture(self, array: np.ndarray, number: int) -> Picture:
        """A frame as a picture that knows its number and its time (s)."""
        return Picture(array, Grid(array.shape[:2]), {"format": self.path.suffix[1:].upper(), "frame": number, "time": number / self.rate, **self.notes})

    def _jpegs(self, numbers: Iterable[int]) -> Iterator[Picture]:
        with open(self.path, "rb") as file:
            for number in numbers:
                offset, size = self.places[number]
                file.seek(offset)
                yield self.picture(_decoded(self, number, file.read(size)), number)


def read_video(path: Path | str) -> Clip:
    """The video of a file, its first frame decoded to see that it can be. Raises DataError for a file that is none, that is cut short, or whose codec is not known here."""
    with refusing(path, WHAT, do=EXPORT) as path:
        state = path.stat()
        clip = _opened(str(path.resolve()), state.st_mtime_ns, state.st_size)
        clip.frame(0)
    return clip


def read_frame(path: Path | str, number: int) -> Picture:
    """One frame of a video; DataError as of `read_video`, and where the video has no such frame."""
    with refusing(path, WHAT, do=EXPORT) as path:
        state = path.stat()
        return _opened(str(path.resolve()), state.st_mtime_ns, state.st_size).frame(number)


def write_video(path: Path | str, frames: Iterable[np.ndarray], *, rate: float = 25.0, quality: int = 90, notes: Mapping[str, Any] | None = None) -> Path:
    """Writes frames (rows, cols, 3) or (rows, cols) of uint8, all of one size, as Motion-JPEG AVI; each is let go once it is written. `notes` (JSON) stand in the file's comment.

    Raises DataError for no frame, another kind of array, another suffix, or more than 2 GiB.
    """
    path = Path(path)
    if path.suffix.lower() != ".avi" or not rate > 0:
        raise DataError(message(path, "this video can not be written", expected=".avi, and more than 0 frames a second", found=f"Found {path.suffix!r}, {rate:g}"))
    with replacing(path) as temporary, open(temporary, "wb") as file:
        shape: tuple[int, int] | None = None
        index: list[tuple[int, int]] = []
        for frame in frames:
            if shape is None:
                shape = frame.shape[:2]
                start = _head(file, shape, rate, notes)
            index.append(_append(file, path, frame, shape, start, quality))
        if shape is None:
            raise DataError(message(path, "there is no frame to write", expected="one or more"))
        _close(file, start, index)
    return path


def _append(file: BinaryIO, path: Path, frame: np.ndarray, shape: tuple[int, int], start: int, quality: int) -> tuple[int, int]:
    """Write one frame; its place in the list of frames, and its bytes."""
    from PIL import Image

    if frame.dtype != np.uint8 or frame.shape[:2] != shape or frame.shape[2:] not in ((), (3,)):
        raise DataError(message(path, "a frame does not fit", expected=f"uint8 {shape}, grey or of three colours, as the first", found=f"Found {frame.dtype} {frame.shape}"))
    held = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(frame)).save(held, format="JPEG", quality=quality, subsampling=0)
    at = file.tell()
    if at + len(held.getbuffer()) > MOST_BYTES:
        raise DataError(message(path, "the video is larger than an AVI can be", expected="at most 2 GiB", do="Write several, or a lower quality"))
    file.write(b"00dc" + struct.pack("<I", len(held.getbuffer())) + held.getbuffer() + b"\0" * (len(held.getbuffer()) % 2))
    return at - start, len(held.getbuffer())


def _head(file: BinaryIO, shape: tuple[int, int], rate: float, notes: Mapping[str, Any] | None) -> int:
    """The lists before the frames, numbers of frames and bytes still 0; the place from which frames are counted."""
    rows, cols = shape
    scale = 1000
    avih = struct.pack("<14I", round(1e6 / rate), 0, 0, _KEY, 0, 0, 1, 0, cols, rows, 0, 0, 0, 0)
    strh = b"vidsMJPG" + struct.pack("<IHHIIIIIIiIhhhh", 0, 0, 0, 0, scale, round(rate * scale), 0, 0, 0, -1, 0, 0, 0, cols, rows)
    strf = struct.pack("<IiiHH4sIiiII", 40, cols, rows, 1, 24, b"MJPG", rows * cols * 3, 0, 0, 0, 0)
    streams = b"LIST" + _sized(b"strl" + _chunk(b"strh", strh) + _chunk(b"strf", strf))
    header = b"LIST" + _sized(b"hdrl" + _chunk(b"avih", avih) + streams)
    comment = b"LIST" + _sized(b"INFO" + _chunk(b"ICMT", json.dumps(dict(notes)).encode() + b"\0")) if notes else b""
    file.write(b"RIFF\0\0\0\0AVI " + header + comment + b"LIST\0\0\0\0movi")
    return file.tell() - 4


def _close(file: BinaryIO, start: int, index: list[tuple[int, int]]) -> None:
    """The index behind the frames, then the numbers that were not known before."""
    end = file.tell()
    file.write(_chunk(b"idx1", b"".join(b"00dc" + struct.pack("<III", _KEY, at, size) for at, size in index)))
    whole = file.tell()
    for at, number in ((4, whole - 8), (start - 4, end - start), (48, len(index)), (140, len(index))):
        file.seek(at)
        file.write(struct.pack("<I", number))


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + _sized(content)


def _sized(content: bytes) -> bytes:
    return struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


@lru_cache(maxsize=64)  # many cases are frames of one file; its time and size tell whether it is still the same
def _opened(path: str, changed: int, size: int) -> Clip:
    with open(path, "rb") as file:
        head = file.read(12)
        found = _motion_jpeg(Path(path), file, size) if head[:4] == b"RIFF" and head[8:12] == b"AVI " else None
    return found or _opencv_clip(Path(path))


def _motion_jpeg(path: Path, file: BinaryIO, size: int) -> Clip | None:
    """The video of a Motion-JPEG AVI; None for another codec or an AVI of several parts. Raises DataError where frames are missing."""
    parts = {name: (at, length) for name, at, length in _lists(file, 12, size)}
    if b"hdrl" not in parts or b"movi" not in parts:
        raise DataError(message(path, "the video is cut short or damaged", expected="a header and frames", do=EXPORT))
    held = {name: (at, length) for name, at, length in _inside(file, *parts[b"hdrl"])}
    avih, strh = (_content(file, held[name]) for name in (b"avih", b"strh"))
    if strh[4:8].upper() != b"MJPG":
        return None
    told, (rows, cols) = struct.unpack_from("<I", avih, 16)[0], struct.unpack_from("<II", avih, 32)[::-1]
    scale, per = struct.unpack_from("<II", strh, 20)
    at, length = parts[b"movi"]
    places = tuple((start, count) for name, start, count in _chunks(file, at, min(at + length, size)) if name[2:] in (b"dc", b"db") and start + count <= size and count)
    if len(places) < told:
        raise DataError(message(path, "the video is cut short", expected=f"{told} frames", found=f"Found {len(places)}", do="Copy or export it again"))
    if not places or not per or not scale:
        raise DataError(message(path, "the video holds no frame", do=EXPORT))
    notes = _comment(file, parts.get(b"INFO"))
    return Clip(path, len(places), rate=per / scale, shape=(rows, cols), notes=notes, places=places)


def _chunks(file: BinaryIO, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, offset of the content and its bytes of each chunk between two places."""
    while at + 8 <= end:
        file.seek(at)
        name, length = struct.unpack("<4sI", file.read(8))
        yield name, at + 8, length
        at += 8 + length + length % 2


def _lists(file: BinaryIO, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Each list by its own name, with offset and bytes of what it holds."""
    for name, start, length in _chunks(file, at, end):
        if name == b"LIST":
            file.seek(start)
            yield file.read(4), start + 4, length - 4


def _inside(file: BinaryIO, at: int, length: int) -> Iterator[tuple[bytes, int, int]]:
    """The chunks of a list and of the lists in it; of a name in several streams the first."""
    seen: set[bytes] = set()
    for name, start, size in list(_chunks(file, at, at + length)):
        for found in [(name, start, size)] if name != b"LIST" else _chunks(file, start + 4, start + size):
            if found[0] not in seen:
                seen.add(found[0])
                yield found


def _content(file: BinaryIO, place: tuple[int, int]) -> bytes:
    file.seek(place[0])
    return file.read(place[1])


def _comment(file: BinaryIO, place: tuple[int, int] | None) -> dict[str, Any]:
    """What our own writer kept in the file; nothing of other programs' texts, which may name the patient."""
    found = {} if place is None else {name: (at, length) for name, at, length in _chunks(file, place[0], sum(place))}
    try:
        notes = json.loads(_content(file, found[b"ICMT"]).rstrip(b"\0")) if b"ICMT" in found else {}
    except ValueError:
        return {}
    return notes if isinstance(notes, dict) and "simulated" in notes else {}


def _decoded(clip: Clip, number: int, content: bytes) -> np.ndarray:
    """The pixels of a frame (rows, cols, 3); raises DataError where they do not decode or have another size."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content), formats=("JPEG",)) as image:
            array = np.asarray(image.convert("RGB"))
    except Exception as fault:  # damaged bytes make Pillow raise nearly anything
        raise DataError(message(clip.path, f"frame {number} does not decode", found=f"Reason: {str(fault)[:120]}", do="Leave the frame out, or export the video again")) from fault
    if array.shape[:2] != clip.shape:
        raise DataError(message(clip.path, f"frame {number} has another size than the video", expected=f"{clip.shape}", found=f"Found {array.shape[:2]}"))
    return array


def _opencv(path: Path) -> Any:
    """The library, or DataError that says how to get it."""
    try:
        import cv2
    except ImportError as fault:
        raise DataError(message(path, "this kind of video needs OpenCV, which is not installed", expected="Motion-JPEG AVI, which is read without it",
                                do="Install it (`pip install osteon[video]`), or export the video as Motion-JPEG AVI")) from fault
    return cv2


def _opencv_clip(path: Path) -> Clip:
    cv2 = _opencv(path)
    with quiet():
        source = cv2.VideoCapture(str(path))
        frames, rate, rows, cols = (source.get(p) for p in (cv2.CAP_PROP_FRAME_COUNT, cv2.CAP_PROP_FPS, cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FRAME_WIDTH))
        known = source.isOpened()
        source.release()
    if not known or frames < 1 or not rate > 0:
        raise DataError(message(path, "the video does not decode", expected="a video that OpenCV reads", do=EXPORT))
    return Clip(path, int(frames), rate=float(rate), shape=(int(rows), int(cols)))


def _through_opencv(clip: Clip, numbers: Iterable[int]) -> Iterator[Picture]:
    """Frames by OpenCV, read on where the next number follows and sought where it does not."""
    cv2 = _opencv(clip.path)
    with quiet():
        source = cv2.VideoCapture(str(clip.path))
    at = 0
    try:
        for number in numbers:
            with quiet():
                if number != at:
                    source.set(cv2.CAP_PROP_POS_FRAMES, number)
                there, array = source.read()
            if not there:
                raise DataError(message(clip.path, f"frame {number} does not decode", do="Leave the frame out, or export the video again"))
            at = number + 1
            yield clip.picture(np.ascontiguousarray(array[..., ::-1]), number)
    finally:
        source.release()

"""Videos: written and read frame by frame, never held; one that is cut short, damaged or of another kind is refused with a reason."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from osteon.cohort import Cohort
from osteon.engine.reading import unreadable
from osteon.errors import DataError
from osteon.readers import read_frame, read_input, read_video, write_video
from osteon.readers.inputs import Frame
from osteon.readers.kinds import kind_of
from osteon.targets import Objects

TARGET = Objects(("tip",), window=0.1)


def frames(count: int, *, shape: tuple[int, int] = (48, 64)) -> Iterator[np.ndarray]:
    """Frames that brighten from one to the next, red to the left."""
    for k in range(count):
        frame = np.full((*shape, 3), (10 + 20 * k) % 256, np.uint8)
        frame[:, :8] = (200, 30, 30)
        yield frame


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return write_video(tmp_path / "a.avi", frames(9), rate=12.5, notes={"simulated": True})


def test_a_video_is_read_frame_by_frame(video: Path) -> None:
    clip = read_video(video)
    assert (clip.frames, clip.rate, clip.shape) == (9, 12.5, (48, 64)) and kind_of(video) == "video"
    stream = clip.stream()
    assert iter(stream) is stream, "an iterator: one frame is in memory at a time"
    means = [p.array[:, 20:].mean() for p in stream]
    assert np.allclose(means, 10 + 20 * np.arange(9), atol=1.5)
    assert np.allclose(clip.frame(7).array[:, 2:6].mean((0, 1)), (200, 30, 30), atol=6), "red stays red"
    assert dict(clip.frame(3).notes) == {"format": "AVI", "frame": 3, "time": 0.24, "simulated": True}
    assert [p.notes["frame"] for p in clip.stream((8, 2))] == [8, 2]


def test_frames_are_chosen_evenly_or_by_time(video: Path) -> None:
    clip = read_video(video)
    assert clip.evenly(3) == (0, 4, 8) and clip.evenly(100) == tuple(range(9)) and clip.every(0.24) == (0, 3, 6) and clip.every(0.0) == tuple(range(9))


def test_the_same_frames_give_the_same_bytes_and_the_index_is_whole(tmp_path: Path, video: Path) -> None:
    content = video.read_bytes()
    assert write_video(tmp_path / "b.avi", frames(9), rate=12.5, notes={"simulated": True}).read_bytes() == content
    assert struct.unpack_from("<I", content, 4)[0] == len(content) - 8 and struct.unpack_from("<I", content, 48)[0] == 9
    index = content.index(b"idx1")
    movi = content.index(b"movi")
    for k in range(9):
        name, _, at, size = struct.unpack_from("<4sIII", content, index + 8 + 16 * k)
        assert name == b"00dc" and content[movi + at: movi + at + 4] == b"00dc" and content[movi + at + 8: movi + at + 10] == b"\xff\xd8" and size > 100


def test_other_programs_read_it_and_their_videos_are_read(tmp_path: Path, video: Path) -> None:
    cv2 = pytest.importorskip("cv2", reason="the extra 'video' is not installed")
    source = cv2.VideoCapture(str(video))
    assert source.get(cv2.CAP_PROP_FRAME_COUNT) == 9 and source.get(cv2.CAP_PROP_FPS) == 12.5
    there, first = source.read()
    assert there and np.abs(first[..., ::-1].astype(int) - read_frame(video, 0).array).max() < 12
    path = tmp_path / "c.mp4"
    out = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 10.0, (64, 48))
    for frame in frames(6):
        out.write(frame[..., ::-1])
    out.release()
    clip = read_video(path)
    assert (clip.frames, clip.shape, clip.rate) == (6, (48, 64), 10.0) and kind_of(path) == "video"
    assert np.allclose([p.array[:, 20:].mean() for p in clip.stream()], 10 + 20 * np.arange(6), atol=6)
    assert abs(clip.frame(4).array[:, 20:].mean() - 90) < 6 and clip.frame(4).array[:, 2:6, 0].mean() > 150


def test_what_is_no_whole_video_is_refused(tmp_path: Path, video: Path) -> None:
    content = video.read_bytes()
    short = tmp_path / "short.avi"
    short.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"cut short .*9 frames.*Found \d"):
        read_video(short)
    (tmp_path / "header.avi").write_bytes(content[:60])
    with pytest.raises(DataError, match="cut short or damaged"):
        read_video(tmp_path / "header.avi")
    (tmp_path / "text.avi").write_text("no video at all, but it says so by its name" * 20, encoding="utf-8")
    with pytest.raises(DataError, match=r"text\.avi: (the video does not decode|this kind of video needs OpenCV)"):
        read_video(tmp_path / "text.avi")
    (tmp_path / "empty.avi").write_bytes(b"")
    with pytest.raises(DataError, match="the file is empty"):
        read_video(tmp_path / "empty.avi")
    with pytest.raises(DataError, match=r"no frame 9 .*0 to 8"):
        read_frame(video, 9)


def test_one_damaged_frame_leaves_the_others(tmp_path: Path, video: Path) -> None:
    content = bytearray(video.read_bytes())
    offset, size = read_video(video).places[4]
    content[offset: offset + size] = bytes(size)
    path = tmp_path / "damaged.avi"
    path.write_bytes(bytes(content))
    clip = read_video(path)
    assert clip.frame(3).array.shape == clip.frame(5).array.shape == (48, 64, 3)
    with pytest.raises(DataError, match="frame 4 does not decode"):
        clip.frame(4)


def test_what_can_not_be_written_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no frame to write"):
        write_video(tmp_path / "a.avi", iter(()))
    with pytest.raises(DataError, match="a frame does not fit"):
        write_video(tmp_path / "a.avi", [np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5, 3), np.uint8)])
    with pytest.raises(DataError, match=r"\.avi, and more than 0 frames"):
        write_video(tmp_path / "a.mp4", frames(2))
    assert not list(tmp_path.iterdir())


def test_a_long_video_takes_no_more_memory(tmp_path: Path) -> None:
    import tracemalloc

    path = write_video(tmp_path / "long.avi", frames(120, shape=(120, 160)), quality=60)
    tracemalloc.start()
    assert sum(1 for _ in read_video(path).stream()) == 120
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * 120 * 160 * 3, "120 frames would be six times that"


def cohort(folder: Path, rows: str) -> Cohort:
    """A cohort of frames of videos in a folder, bound to a frame input."""
    (folder / "cases.csv").write_text("case_id,patient_id,site,view,view.frame\n" + rows, encoding="utf-8")
    return Cohort.from_folder(folder).conform({"view": Frame("a frame")}, {})


def test_a_case_is_a_frame_and_one_that_does_not_decode_is_listed(tmp_path: Path, video: Path) -> None:
    (tmp_path / "short.avi").write_bytes(video.read_bytes()[:4000])
    given = cohort(tmp_path, "1,p,A,a.avi,0\n2,p,A,a.avi,8\n3,q,A,short.avi,0\n4,p,A,a.avi,20\n5,p,A,a.avi,two\n6,p,A,a.avi,\n")
    assert given.cases[1].inputs["view"].notes["frame"] == 8 and "view.frame" not in given.cases[0].attributes
    out = {e.id: e for e in unreadable(given, {"view": Frame("a frame")}, {})}
    assert set(out) == {"3", "4", "5", "6"} and {e.reason for e in out.values()} == {"view can not be read"}
    assert "cut short" in out["3"].detail and "no frame 20" in out["4"].detail and "whole number" in out["5"].detail and "NAME.frame" in out["6"].detail


def test_a_video_as_a_whole_is_an_input_too(video: Path) -> None:
    assert read_input(video, "video").frames == 9 and read_input(video, "picture", frame=2).array.shape == (48, 64, 3)
    with pytest.raises(DataError, match=r"no image that osteon reads.*Found a video file.*NAME\.frame"):
        read_input(video, "picture")

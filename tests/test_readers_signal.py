"""Recordings: what is written is read back, other dialects and C3D are read, and what can not be used says why."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from osteon.errors import DataError
from osteon.geometry.gait import channels
from osteon.readers import read_input, read_signal, write_signal, write_value
from osteon.readers.inputs import Gait, Signal
from osteon.readers.signal import longest_gap, rate_of, without_gaps
from osteon.simulate.gait import person, recorded
from osteon.value import Trajectory

GAIT = Gait("a walk")


def walk(seconds: float = 5.0) -> Trajectory:
    made = recorded(person(1, 3), 5, seconds=seconds)
    return Trajectory(made.times, made.signal, channels())


def changed(recording: Trajectory, *, drop: tuple[str, ...] = (), rename: dict[str, str] | None = None) -> Trajectory:
    keep = [k for k, name in enumerate(recording.names) if name not in drop]
    return Trajectory(recording.times, recording.values[:, keep], tuple((rename or {}).get(recording.names[k], recording.names[k]) for k in keep))


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    whole = walk()
    for path in (write_signal(tmp_path / "w.csv", whole), write_value(tmp_path / "w", whole)):
        back = read_input(path, "signal")
        assert back.names == whole.names and np.allclose(back.times, whole.times, atol=1e-6) and np.allclose(back.values, whole.values, atol=1e-4)
    assert GAIT.misfit(back) == "" and rate_of(back) == pytest.approx(100)


def test_other_dialects_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("time;knee\n0,00;1,5\n0,01;2,5\n0,02;3,5\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text("time,knee\n0.00,1\n0.01,\n0.02,3\n", encoding="utf-8")
    assert read_signal(tmp_path / "a.csv").values.ravel().tolist() == [1.5, 2.5, 3.5]
    gap = read_signal(tmp_path / "b.csv")
    assert np.isnan(gap.values[1, 0]) and without_gaps(gap, ["knee"])[1, 0] == 2
    assert longest_gap(gap, ["knee"]) == (pytest.approx(0.02), "knee")


def test_analog_channels_of_c3d_are_read(tmp_path: Path) -> None:
    ezc3d = pytest.importorskip("ezc3d")
    file, signal = ezc3d.c3d(), np.random.default_rng(1).random((1, 2, 100))
    for name, value in (("RATE", [100]), ("LABELS", ["m"])):
        file["parameters"]["POINT"][name]["value"] = value
    for name, value in (("RATE", [200]), ("LABELS", ["foot_R_gy", "foot_L_gy"])):
        file["parameters"]["ANALOG"][name]["value"] = value
    file["data"]["points"], file["data"]["analogs"] = np.ones((4, 1, 50)), signal
    file.write(str(tmp_path / "x.c3d"))
    back = read_signal(tmp_path / "x.c3d")
    assert back.names == ("foot_R_gy", "foot_L_gy") and rate_of(back) == pytest.approx(200)
    assert np.allclose(back.values, signal[0].T, atol=1e-6)


@pytest.mark.parametrize(("text", "words"), [
    ("t,knee\n0,1\n1,2\n2,3\n", "column 'time' is missing .*Found t, knee"), ("Time,knee\n0,1\n1,2\n2,3\n", "Did you mean 'Time'"),
    ("time,knee\n0,1\n0.01,x\n0.02,3\n", "column 'knee', row 3: this is no number .*Found 'x'"), ("time,knee\n0,1\n0.02,2\n0.01,3\n", "do not rise .*Found 0.01 in row 4"),
    ("time,knee\n0,1\n0.01,2\n", "fewer than three samples"), ("time,knee\n0,1\n,2\n0.02,3\n", "do not rise .*row 3"), ("time,knee,knee\n0,1,1\n1,2,2\n2,3,3\n", "two columns are named 'knee'"),
    ("\x00\x01", "can not be read|this is no table")])
def test_a_recording_that_can_not_be_read_says_why(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "w.csv").write_text(text, encoding="latin-1")
    with pytest.raises(DataError, match=words):
        read_signal(tmp_path / "w.csv")


def test_a_recording_that_can_not_be_used_says_why() -> None:
    whole = walk()
    assert GAIT.misfit(changed(whole, drop=("foot_L_gy", "foot_L_gz"))) == "a recording without 2 of 42 channels, the first 'foot_L_gy'"
    assert "(did you mean 'foot_L_gY2'?)" in GAIT.misfit(changed(whole, rename={"foot_L_gy": "foot_L_gY2"}))
    assert GAIT.misfit(Trajectory(whole.times * 1000, whole.values, whole.names)) == "a recording of 0.1 samples a second by its times (40 to 2000 wanted)"
    holed = whole.values.copy()
    holed[100:180, 4] = np.nan
    assert GAIT.misfit(Trajectory(whole.times, holed, whole.names)) == f"a recording with a gap of 0.81 s in {whole.names[4]}"
    lost = np.r_[0:200, 260:len(whole.times)]
    assert "a gap of 0.61 s in all channels" in GAIT.misfit(Trajectory(whole.times[lost], whole.values[lost], whole.names))
    assert "degrees a second" in GAIT.misfit(Trajectory(whole.times, np.degrees(whole.values), whole.names))
    still = Trajectory(whole.times, np.zeros_like(whole.values), whole.names)
    assert GAIT.misfit(still) == "a walk in which no stride of the right and of the left foot was found"
    one = whole.values * [0 if name.startswith("foot_L_g") else 1 for name in whole.names]
    assert GAIT.misfit(Trajectory(whole.times, one, whole.names)) == "a walk in which no stride of the left foot was found"
    assert Signal("a hand", channels=("x",)).misfit(Trajectory(np.arange(3.0), np.zeros((3, 1)), ("x",))) == "", "only a walk has strides"


def test_a_short_hole_is_bridged() -> None:
    whole = walk()
    holed = whole.values.copy()
    holed[100:105, :6] = np.nan
    gap = Trajectory(whole.times, holed, whole.names)
    assert GAIT.misfit(gap) == ""
    assert np.isfinite(without_gaps(gap, whole.names)).all() and np.array_equal(without_gaps(whole, whole.names), whole.values)

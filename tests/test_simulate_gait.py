"""Gait: sensors, legs and feet agree with each other, parameters are what the motion shows, faults stay in their place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from osteon.errors import DataError
from osteon.simulate import gait
from osteon.simulate.gait import (
    CHANNELS,
    GRAVITY,
    PARAMETERS,
    RATE,
    Walk,
    carried,
    felt,
    gait_strides,
    gait_walks,
    parameters,
    person,
    placed,
    recorded,
    windows,
)
from osteon.simulate.gait_chain import walk as motion_of
from osteon.targets import Measures

COLUMN = {name: 3 + k for k, name in enumerate(PARAMETERS)}


@pytest.fixture(scope="module")
def clean() -> Walk:
    return recorded(person(1, 3), 5, seconds=30, difficulty=0.0)


def test_integrating_the_accelerometer_gives_the_path_back(clean: Walk) -> None:
    steps = placed(person(1, 3), 30, "chosen", np.random.default_rng(4))
    times = steps.times[3] + np.arange(3000) / RATE
    motion = motion_of(person(1, 3).body, steps, times)
    path, said = carried(motion), felt(motion)
    for sensor in range(7):
        p, y = motion.pitch[sensor, 1:-1], motion.yaw[sensor, 1:-1]
        ahead, up = np.cos(p) * said[sensor, 0] - np.sin(p) * said[sensor, 2], np.sin(p) * said[sensor, 0] + np.cos(p) * said[sensor, 2]
        world = np.column_stack([np.cos(y) * ahead - np.sin(y) * said[sensor, 1], np.sin(y) * ahead + np.cos(y) * said[sensor, 1], up - GRAVITY])
        speed = path[sensor, 1] - path[sensor, 0] + np.cumsum(world, axis=0) / RATE**2
        back = path[sensor, 1] + np.cumsum(speed, axis=0)
        assert np.abs(back - path[sensor, 2:]).max() < 1e-7, "30 s, in metres"


def test_integrating_the_gyroscope_gives_the_angle_back(clean: Walk) -> None:
    for sensor in range(7):
        turned = np.concatenate([[0], np.cumsum(-clean.clean[sensor, 4, 1:-1:2]) * 2 / RATE])
        assert np.abs(turned - (clean.motion.pitch[sensor, ::2] - clean.motion.pitch[sensor, 0])[: len(turned)]).max() < 1e-9


def test_legs_are_rigid_and_knees_bend_forwards(clean: Walk) -> None:
    at, body = clean.motion.at, person(1, 3).body
    for side in (0, 1):
        assert np.linalg.norm((at[3 + side] - at[1 + side])[:, [0, 2]], axis=1) == pytest.approx(np.full(3000, body.thigh), abs=1e-12)
        assert np.linalg.norm((at[5 + side] - at[3 + side])[:, [0, 2]], axis=1) == pytest.approx(np.full(3000, body.shank), abs=1e-9)
        bend = np.degrees(clean.motion.pitch[1 + side] - clean.motion.pitch[3 + side])
        assert 2 < bend.min() < 30 and 40 < bend.max() < 85
    assert at[5:, :, 2].min() > 0.07, "no ankle sinks into the ground"


def test_standing_feet_do_not_slip_and_show_the_parameters(clean: Walk) -> None:
    for side in (0, 1):
        own = clean.strides[clean.strides[:, 0] == side]
        middle = ((own[:, 1] + 0.4 * own[:, COLUMN["stance_time"]]) * RATE).round().astype(int)
        foot = clean.motion.at[5 + side]
        assert np.abs(foot[middle + 3] - foot[middle]).max() < 1e-9
        assert np.diff(foot[middle, 0]) == pytest.approx(own[:-1, COLUMN["stride_length"]], abs=1e-9)
        outwards = np.degrees(clean.motion.yaw[5 + side][middle]) * (1 if side else -1)
        assert np.abs(outwards - own[:, COLUMN["toe_out"]]).max() < 4, "the angle of the strike eases into the next over the stride"


def test_the_parameters_of_a_stride_agree_with_each_other(clean: Walk) -> None:
    v = {name: clean.strides[:, column] for name, column in COLUMN.items()}
    assert v["speed"] == pytest.approx(v["cadence"] * v["step_length"] / 60, abs=1e-12)
    assert v["stride_time"] == pytest.approx(clean.strides[:, 2] - clean.strides[:, 1], abs=1e-9)
    assert v["stance_time"] == pytest.approx(v["single_support"] + v["double_support"], abs=1e-12)
    assert v["stride_time"] == pytest.approx(v["stance_time"] + v["swing_time"], abs=1e-12)
    assert (v["double_support"] > 0.05).all() and (v["single_support"] > 0.2).all()
    assert 0.9 < v["stride_time"].mean() < 1.3 and 0.56 < (v["stance_time"] / v["stride_time"]).mean() < 0.68


def test_the_other_foot_swings_while_one_stands_alone(clean: Walk) -> None:
    right, left = (clean.strides[clean.strides[:, 0] == side] for side in (0, 1))
    for stride in right[1:-2]:
        after = left[np.searchsorted(left[:, 1], stride[1])]
        before = left[np.searchsorted(left[:, 1], stride[1]) - 1]
        assert stride[COLUMN["single_support"]] == pytest.approx(after[1] - before[1] - before[COLUMN["stance_time"]], abs=1e-9)


def test_the_mirror_image_walks_mirrored() -> None:
    who = person(1, 2)
    steps = placed(who, 6, "chosen", np.random.default_rng(1))
    mirrored = replace(steps, first=1 - steps.first, lateral=-steps.lateral)
    times = steps.times[3] + np.arange(500) / RATE
    one, other = motion_of(who.body, steps, times), motion_of(who.body, mirrored, times)
    swap = [0, 2, 1, 4, 3, 6, 5]
    assert np.allclose(one.at[swap] * (1, -1, 1), other.at, atol=1e-12)
    assert np.allclose(one.pitch[swap], other.pitch, atol=1e-12) and np.allclose(one.yaw[swap], -other.yaw, atol=1e-12)
    assert np.allclose(parameters(steps)[:, 3:], parameters(mirrored)[:, 3:], atol=1e-12)
    assert (parameters(steps)[:, 0] == 1 - parameters(mirrored)[:, 0]).all()


def test_twice_as_fast_is_the_same_way() -> None:
    who = person(1, 2)
    steps = placed(who, 6, "chosen", np.random.default_rng(1))
    times = steps.times[3] + np.arange(500) / RATE
    quick = replace(steps, times=steps.times / 2)
    assert np.allclose(motion_of(who.body, steps, times).at, motion_of(who.body, quick, times / 2).at, atol=1e-9)
    slow, fast = parameters(steps)[:, 3:], parameters(quick)[:, 3:]
    ratio = (fast / slow).mean(axis=0)
    assert ratio == pytest.approx([0.5, 0.5, 1, 1, 1, 2, 2, 0.5, 0.5, 0.5, 0.5, 1], abs=1e-9)


def test_strides_can_be_found_in_the_faulty_signal() -> None:
    from scipy.signal import find_peaks

    for number in range(4):
        walk = recorded(person(2, number), number, seconds=12, site="B", difficulty=1.0)
        swings = find_peaks(-walk.signal[:, CHANNELS.index("foot_R_gy")], height=4, distance=40)[0]
        own = walk.strides[walk.strides[:, 0] == 0]
        inside = [int(((swings > s * RATE) & (swings < e * RATE)).sum()) for s, e in own[:, 1:3]]
        assert inside == [1] * len(own)


def test_faults_change_the_signal_and_nothing_else() -> None:
    who = person(1, 0)
    easy, hard, away = (recorded(who, 9, site=site, difficulty=d) for site, d in (("A", 0.2), ("A", 1.0), ("B", 1.0)))
    assert np.array_equal(easy.strides, hard.strides) and np.array_equal(easy.strides, away.strides) and np.array_equal(easy.clean, away.clean)
    still = recorded(who, 9, difficulty=0.0)
    assert np.allclose(still.signal, still.clean.reshape(42, -1).T, atol=1e-5)
    off = [np.abs(w.signal - still.signal).mean() for w in (easy, hard, away)]
    assert off[0] < off[1] < off[2]


def test_noise_is_that_of_the_sensor_and_not_of_the_group() -> None:
    who = [person(4, k) for k in range(24)]
    faults = [recorded(w, k, seconds=4).signal - recorded(w, k, seconds=4, difficulty=0.0).signal for k, w in enumerate(who)]
    rough = np.array([np.diff(f[:, :3], axis=0).std() for f in faults])
    sick = np.array([w.group == gait.GROUPS[0] for w in who])
    assert 6 < sick.sum() < 18
    assert abs(rough[sick].mean() - rough[~sick].mean()) < 0.05 * rough.mean()
    betrayed = np.array([recorded(w, k, seconds=4, confounded=True).signal[:, :3].mean() - recorded(w, k, seconds=4).signal[:, :3].mean() for k, w in enumerate(who)])
    assert betrayed[sick] == pytest.approx(0.5, abs=1e-4) and betrayed[~sick] == pytest.approx(0.0, abs=1e-4)


def test_groups_and_paces_differ_as_they_should() -> None:
    who = [person(6, k) for k in range(40)]
    speed = {pace: np.array([recorded(w, k, seconds=4, pace=pace).strides[:, COLUMN["speed"]].mean() for k, w in enumerate(who)]) for pace in gait.PACES}
    assert (speed["slow"] < speed["fast"]).all()
    sick = np.array([w.group == gait.GROUPS[0] for w in who])
    assert speed["chosen"][sick].mean() < speed["chosen"][~sick].mean()
    assert 0.9 < speed["chosen"].mean() < 1.35
    walk = recorded(max(who, key=lambda w: w.asymmetry), 1, seconds=20, pace="chosen")
    lame = max(who, key=lambda w: w.asymmetry).side
    stance = [walk.strides[walk.strides[:, 0] == side, COLUMN["stance_time"]].mean() for side in (lame, 1 - lame)]
    assert stance[0] < stance[1], "less time on the painful side"


def test_windows_hold_one_stride_each(clean: Walk) -> None:
    cut = windows(clean, samples=200)
    assert cut.shape == (len(clean.strides), 42, 200)
    lengths = (np.abs(cut).sum(axis=1) > 0).sum(axis=1)
    assert np.abs(lengths / RATE - clean.strides[:, COLUMN["stride_time"]]).max() < 0.021


def test_a_cohort_of_strides_and_one_of_walks(tmp_path: Path) -> None:
    made = gait_strides(tmp_path / "a", 20, 3, workers=1)
    gait_strides(tmp_path / "b", 20, 3, workers=1)
    for file in sorted((tmp_path / "a").rglob("*.*")):
        assert file.read_bytes() == (tmp_path / "b" / file.relative_to(tmp_path / "a")).read_bytes()
    assert len(set(made.column("patient").tolist())) == 10 and set(made.column("side").tolist()) == {"R", "L"}
    rows = made.conform({}, {"gait": Measures(dict(PARAMETERS), "speed")}, answered=("gait",))
    first = pd.read_csv(tmp_path / "a" / "imu" / "f00001.csv")
    assert list(first.columns) == ["time", *CHANNELS]
    assert len(first) / RATE == pytest.approx(rows.cases[0].truth["gait"].values["stride_time"], abs=0.02)  # type: ignore[union-attr]
    walks = gait_walks(tmp_path / "w", 9, 3, workers=1)
    table = pd.read_csv(tmp_path / "w" / "truth" / "f00001_strides.csv")
    assert list(table.columns[:3]) == ["side", "start", "stop"] and len(table) > 5
    for side in ("R", "L"):
        assert float(walks.column(f"gait.speed.{side}")[0]) == pytest.approx(table["speed"][table["side"] == side].mean(), abs=1e-4)


def test_an_interrupted_cohort_goes_on(tmp_path: Path) -> None:
    whole = gait_strides(tmp_path / "a", 6, 3, workers=1)
    (tmp_path / "b").mkdir()
    from osteon.simulate import film_cohort

    call = whole.notes["call"]
    film_cohort.begin(gait.STRIDES, tmp_path / "b", call)
    film_cohort.make_case(gait.STRIDES, tmp_path / "b", call, 4)
    gait_strides(tmp_path / "b", 6, 3, workers=1)
    assert (tmp_path / "a" / "cases.csv").read_bytes() == (tmp_path / "b" / "cases.csv").read_bytes()


@pytest.mark.parametrize("wrong", [{"cases": 0}, {"site": "C"}, {"difficulty": 3.0}, {"seed": -1}, {"workers": 0}])
def test_an_impossible_call_writes_nothing(wrong: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(DataError):
        gait_strides(tmp_path / "x", **{"cases": 4, "seed": 0, "workers": 1, **wrong})  # type: ignore[arg-type]
    assert not (tmp_path / "x").exists()
    with pytest.raises(DataError, match="impossible"):
        recorded(person(1, 1), 1, seconds=1)

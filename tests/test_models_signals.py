"""What a network sees of a recording: strides of both legs, of some sensors, with the scale of the train part; and how sensors are put on anew."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from osteon.budget import SMOKE
from osteon.case import Case
from osteon.cohort import Cohort
from osteon.errors import DataError, StudyError
from osteon.geometry.gait import channels
from osteon.models import Desk, Net
from osteon.models.augment import Worn, turned, worn
from osteon.models.signals import Excerpts, excerpts
from osteon.simulate.gait import PARAMETERS, person, recorded
from osteon.targets import Classes, Measures
from osteon.value import Label, Readings, Trajectory, Withheld

FEET = ("foot_R", "foot_L")
GAIT = Measures({"stride_time": "s", "speed": "m/s"}, "speed", per=("R", "L"))


def case(number: int, *, seconds: float = 4.0) -> Case:
    made = recorded(person(3, number), number, seconds=seconds, pace=("slow", "chosen", "fast")[number % 3])
    columns = list(PARAMETERS)
    truth = {f"{name}.{side}": float(made.strides[made.strides[:, 0] == code, 3 + columns.index(name)].mean()) for name in GAIT.units for code, side in enumerate("RL")}
    return Case(f"w{number}", f"p{number}", inputs={"imu": Trajectory(made.times, made.signal, channels())}, truth={"gait": Readings(truth)})


@pytest.fixture(scope="module")
def walks() -> Cohort:
    return Cohort("walks", "simulated", cases=tuple(case(k) for k in range(12)))


def view(names: tuple[str, ...] = channels(), cut: str = "strides") -> Excerpts:
    return Excerpts("imu", names, samples=100, cut=cut)


def test_a_window_is_a_stride_of_one_leg_with_its_duration(walks: Cohort) -> None:
    seen = view().see(walks.cases[0].inputs)
    assert not isinstance(seen, Withheld)
    pieces = seen.pieces((1, 100))
    assert pieces.shape == (len(seen.windows), 43, 1, 100) and pieces.dtype == np.float32
    assert {w.side for w in seen.windows} == {"R", "L"}
    assert np.allclose(pieces[:, -1, 0, 0], [w.stop - w.start for w in seen.windows]) and 0.8 < pieces[:, -1].min() < 1.6
    own = pieces[:, channels().index("foot_R_gy"), 0]
    assert (own[:, [0, -1]] < 0.8 * own.min(axis=1, keepdims=True)).all(), "it begins and ends at the swing of its own foot, be it right or left"


def test_a_window_holds_the_samples_of_the_recording() -> None:
    times = np.arange(500) / 100
    turns = -6 * sum(np.exp(-0.5 * ((times - at) / 0.08) ** 2) for at in (1.0, 2.0, 3.0))
    names = ("foot_R_gy", "foot_L_gy", "pelvis_ay")
    value = Trajectory(times, np.column_stack([turns, 0 * turns, 7 * times]), names)
    seen = Excerpts("imu", names, samples=50, cut="strides").see({"imu": value})
    assert not isinstance(seen, Withheld) and [(w.side, round(w.start, 2), round(w.stop, 2)) for w in seen.windows] == [("R", 1.0, 2.0), ("R", 2.0, 3.0)]
    assert seen.pieces((1, 50))[1, 2, 0] == pytest.approx(7 * (2 + (np.arange(50) + 0.5) / 50), abs=1e-3)


def test_a_recording_without_strides_or_channels_is_withheld(walks: Cohort) -> None:
    still = Trajectory(np.arange(400) / 100, np.zeros((400, 42)), channels())
    assert view().see({"imu": still}) == Withheld("no stride in imu")
    assert view().see({}) == Withheld("no imu")
    fewer = Trajectory(still.times, still.values[:, :-1], still.names[:-1])
    assert view().see({"imu": fewer}) == Withheld("no channel foot_L_gz in imu")
    whole = view(cut="").see({"imu": still})
    assert not isinstance(whole, Withheld) and len(whole.windows) == 1 and whole.pieces((1, 100)).shape == (1, 43, 1, 100)


def test_sensors_are_chosen_by_name_and_others_are_refused(walks: Cohort) -> None:
    assert excerpts(walks, "imu", longest=128, sensors=FEET, cut="strides").names == channels(["foot_R", "foot_L"])
    assert excerpts(walks, "imu", longest=128).samples == 128 and len(excerpts(walks, "imu", longest=9999).names) == 42
    one = walks.cases[0].inputs["imu"]
    other = Case("1", "1", inputs={"imu": Trajectory(one.times, one.values[:, ::-1], one.names[::-1])})
    assert excerpts(Cohort("x", "own", cases=(other,)), "imu", longest=128, sensors=FEET, cut="strides").names == channels(FEET), "whatever the order of the columns"
    hand = Case("1", "1", inputs={"imu": Trajectory(one.times, one.values[:, :2], ("hand_x", "hand_y"))})
    assert excerpts(Cohort("x", "own", cases=(hand,)), "imu", longest=128).names == ("hand_x", "hand_y")
    with pytest.raises(StudyError, match="no sensor 'feet_R'.*Did you mean 'foot_R'"):
        excerpts(walks, "imu", longest=128, sensors=("feet_R",))
    with pytest.raises(StudyError, match="not cut into 'steps'"):
        excerpts(walks, "imu", longest=128, cut="steps")
    with pytest.raises(StudyError, match="'gait' is no recording"):
        excerpts(Cohort("x", "own", cases=(Case("1", "1", inputs={"gait": "text"}),)), "gait", longest=128)


def test_sensors_put_on_anew_feel_the_same_forces_in_other_axes() -> None:
    generator = torch.Generator().manual_seed(1)
    windows = torch.randn(5, 13, 1, 40, generator=generator)
    turned_only = worn(windows, Worn(2, degrees=20.0, gain=0.0, noise=0.0), generator)
    assert torch.equal(turned_only[:, -1], windows[:, -1]), "the duration stays"
    for triad in range(4):
        before, after = (w[:, 3 * triad:3 * triad + 3].norm(dim=1) for w in (windows, turned_only))
        assert torch.allclose(before, after, atol=1e-5)
    assert (turned_only[:, :12] - windows[:, :12]).abs().mean() > 0.1
    both = turned_only[:, :3], turned_only[:, 3:6]
    again = [torch.linalg.lstsq(windows[0, k:k + 3, 0].T, found[0, :, 0].T).solution for k, found in zip((0, 3), both, strict=True)]
    assert torch.allclose(again[0], again[1], atol=1e-4), "forces and turns of one sensor are turned together"
    loud = worn(windows, Worn(0, gain=0.0, noise=0.1), generator)
    assert 0.08 < float((loud - windows)[:, :12].std()) < 0.12 and Worn().sensors == 0
    angles = torch.tensor([[0.0, 0.0, math.pi / 2]])
    assert torch.allclose(turned(angles)[0] @ torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.0, 1.0, 0.0]), atol=1e-6)
    assert view().recipe().sensors == 7 and view(("a_x", "b_y")).recipe().sensors == 0


def answers(net: Net, cohort: Cohort) -> Iterator[Readings]:
    for given in net.predict(cohort):
        assert isinstance(given["gait"], Readings)
        yield given["gait"]


def test_a_network_learns_strides_and_answers_legs(walks: Cohort, tmp_path: Path) -> None:
    net = Net("zrenner_cnn", reads=("imu",), writes=("gait",), settings={"cut": "strides", "sensors": FEET, "batch": 16})
    train, tune = walks.take(np.arange(9)), walks.take(np.arange(9, 12))
    desk = Desk(SMOKE, 5, folder=tmp_path / "work")
    fitted = net.fit(train, tune, {"gait": GAIT}, desk)
    assert fitted.fitted is not None and fitted.fitted.family.outputs == 2, "one a reading and not one a leg"
    assert desk.notes["image"] == [1, 100] and desk.notes["windows"]["train"] > 40
    truth = np.array([c.truth["gait"].values["stride_time.L"] for c in walks])  # type: ignore[union-attr]
    given = list(answers(fitted, walks))
    assert set(given[0].values) == {f"{name}.{side}" for name in GAIT.units for side in "RL"}
    assert np.corrcoef(truth, [g.values["stride_time.L"] for g in given])[0, 1] > 0.8
    fitted.save(tmp_path / "saved")
    again = net.load(tmp_path / "saved", {"gait": GAIT})
    assert [g.values for g in answers(again, walks)] == [pytest.approx(dict(g.values), abs=1e-5) for g in given]


def test_the_scale_is_that_of_the_train_part_alone(walks: Cohort, tmp_path: Path) -> None:
    net = Net("lstm", reads=("imu",), writes=("gait",), settings={"cut": "strides", "sensors": FEET, "batch": 16})
    train, tune = walks.take(np.arange(6)), walks.take(np.arange(6, 12))
    loud = tune.map(lambda c: c.with_inputs(imu=Trajectory(c.inputs["imu"].times, 1000 * c.inputs["imu"].values, c.inputs["imu"].names)))
    pieces = np.concatenate([seen.pieces((1, 100)) for c in train if not isinstance(seen := view(channels(FEET)).see(c.inputs), Withheld)])
    fitted = net.fit(train, loud, {"gait": GAIT}, Desk(SMOKE.with_(epochs=1), 5)).fitted
    assert fitted is not None
    entry = fitted.network.entry
    assert entry.mean.numpy() == pytest.approx(pieces.mean(axis=(0, 2, 3)), abs=1e-3) and entry.spread.numpy() == pytest.approx(pieces.std(axis=(0, 2, 3)), abs=1e-3)


def test_a_walk_that_can_not_be_learnt_from_is_skipped_and_a_leg_without_stride_has_no_reading(walks: Cohort, tmp_path: Path) -> None:
    still = Case("still", "p99", inputs={"imu": Trajectory(np.arange(400) / 100, np.zeros((400, 42)), channels())}, truth={"gait": Readings({"speed.R": 1.0})})
    one = walks.cases[0]
    lame = one.inputs["imu"].values * [0 if name.startswith("foot_L_gy") else 1 for name in channels()]
    right = Case("right", "p98", inputs={"imu": Trajectory(one.inputs["imu"].times, lame, channels())}, truth=one.truth)
    more = Cohort("more", "simulated", cases=(*walks.cases[:6], still))
    net = Net("cnn_lstm", reads=("imu",), writes=("gait",), settings={"cut": "strides", "batch": 16})
    desk = Desk(SMOKE.with_(epochs=1), 5)
    fitted = net.fit(more, walks.take(np.arange(9, 12)), {"gait": GAIT}, desk)
    assert desk.notes["skipped"] == {"still": "no stride in imu"}
    asked = Cohort("asked", "simulated", cases=(still, right))
    first, second = (given["gait"] for given in fitted.predict(asked))
    assert first == Withheld("no stride in imu")
    assert isinstance(second, Readings) and math.isfinite(second.values["speed.R"]) and math.isnan(second.values["speed.L"])
    assert second.reasons["speed.L"] == "no window of this part"
    with pytest.raises(DataError, match="none of the 1 cases can be used"):
        net.fit(Cohort("none", "simulated", cases=(still,)), asked, {"gait": GAIT}, Desk(SMOKE, 5))


def test_a_network_of_recordings_names_classes_of_whole_recordings() -> None:
    times, rng = np.arange(200) / 50, np.random.default_rng(1)

    def one(k: int) -> Case:
        wave = np.sin(2 * np.pi * (1 + 2 * (k % 2)) * times + rng.random())
        return Case(f"r{k}", f"p{k}", inputs={"hand": Trajectory(times, np.column_stack([wave, rng.standard_normal(200)]), ("x", "y"))}, truth={"pace": Label(("slow", "fast")[k % 2])})

    cohort = Cohort("hands", "simulated", cases=tuple(one(k) for k in range(24)))
    target = Classes(("slow", "fast"))
    net = Net("hannink_cnn", reads=("hand",), writes=("pace",)).fit(cohort.take(np.arange(16)), cohort.take(np.arange(16, 24)), {"pace": target}, Desk(SMOKE, 1))
    said = [given["pace"].name for given in net.predict(cohort.take(np.arange(16, 24)))]  # type: ignore[union-attr]
    assert said == ["slow", "fast"] * 4

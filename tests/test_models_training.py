"""The one loop: same seed same weights, resume after a kill, the cap of seconds, early stopping, several processes."""

from __future__ import annotations

import json
import runpy
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from osteon.budget import SMOKE, Budget
from osteon.case import Deferred
from osteon.cohort import Cohort
from osteon.errors import DataError
from osteon.models.net import Net
from osteon.models.protocol import Desk
from osteon.value import Picture

films = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("disc_films.py"))))
TARGETS, disc_case, disc_cohort = films.TARGETS, films.disc_case, films.disc_cohort

BUDGET = SMOKE.with_(image_side=64, crop_side=32, epochs=2, seconds=900.0)
NET = Net("resnet10t", ("film",), "side")
CROPS = Net("hardnet_mseg", ("film", "things"), "shapes")


def fit(folder: Path | None = None, *, budget: Budget = BUDGET, seed: int = 3, net: Net = NET) -> tuple[Net, Desk]:
    desk = Desk(budget, seed, folder=folder)
    return net.fit(disc_cohort(12, boxes=True), disc_cohort(4, first=50, boxes=True), TARGETS, desk), desk


def weights(net: Net) -> dict[str, torch.Tensor]:
    assert net.fitted is not None
    return net.fitted.network.state_dict()


def same(one: Net, other: Net) -> bool:
    return all(torch.equal(a, b) for a, b in zip(weights(one).values(), weights(other).values(), strict=True))


def test_two_fits_agree_to_the_last_bit_and_leave_the_process_alone() -> None:
    torch.manual_seed(1)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    one, _ = fit()
    assert torch.equal(torch.get_rng_state(), before) and torch.get_num_threads() == threads
    torch.rand(7)
    assert same(one, fit()[0])
    assert not same(one, fit(seed=4)[0])


KILLED = """
import sys
from pathlib import Path
from test_models_training import BUDGET, fit
fit(Path(sys.argv[1]), budget=BUDGET.with_(epochs=int(sys.argv[2])))
"""


def test_a_killed_fit_goes_on_and_ends_as_an_unbroken_one(tmp_path: Path) -> None:
    epochs = 5
    child = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path / "a"), str(epochs)], cwd=Path(__file__).parent)
    while not (tmp_path / "a" / "checkpoint.safetensors").exists() and child.poll() is None:
        time.sleep(0.01)
    child.kill()
    child.wait()
    assert not (tmp_path / "a" / "fitted").exists()  # it was stopped half-way
    (tmp_path / "b").mkdir()
    shutil.copy(tmp_path / "a" / "plan.json", tmp_path / "b")  # the trial of precision and layout goes by the clock: one choice for both
    broken, desk = fit(tmp_path / "a", budget=BUDGET.with_(epochs=epochs))
    whole, other = fit(tmp_path / "b", budget=BUDGET.with_(epochs=epochs))
    assert same(broken, whole)
    assert desk.notes["losses"] == other.notes["losses"] and len(other.notes["losses"]) == epochs
    assert not (tmp_path / "a" / "train").exists()  # the arrays are given back


def test_a_finished_fit_is_not_done_again(tmp_path: Path) -> None:
    one, desk = fit(tmp_path)
    stamp = (tmp_path / "checkpoint.safetensors").stat().st_mtime_ns
    again, other = fit(tmp_path)
    assert same(one, again) and other.notes == desk.notes and (tmp_path / "checkpoint.safetensors").stat().st_mtime_ns == stamp
    assert not same(one, fit(tmp_path, seed=9)[0])  # another seed is another fit


def test_the_seconds_are_kept_and_said() -> None:
    _, desk = fit(budget=BUDGET.with_(epochs=10_000, seconds=3.0))
    notes = desk.notes
    assert notes["ended"] == "time" and notes["epochs"]["named"] == 10_000 and notes["epochs"]["used"] < 10_000
    assert len(notes["losses"]) >= 1


def test_a_fit_that_gains_nothing_stops_early_and_keeps_its_best() -> None:
    net = Net(NET.name, NET.reads, NET.writes, settings={"rate": 1.0, "decay": 0.0, "batch": 2, "steps": 8})
    _, desk = fit(budget=BUDGET.with_(epochs=12), net=net)
    losses = [epoch["tune"] for epoch in desk.notes["losses"]]
    assert desk.notes["best_epoch"] == int(np.argmin(losses)) + 1
    assert desk.notes["ended"] in ("no gain on the tune part", "as planned")
    if desk.notes["ended"] != "as planned":
        assert len(losses) - desk.notes["best_epoch"] >= 5


def test_weights_to_start_from(tmp_path: Path) -> None:
    one, _ = fit()
    one.save(tmp_path)
    _, cold = fit(budget=BUDGET.with_(epochs=1))
    _, warm = fit(budget=BUDGET.with_(epochs=1), net=Net(NET.name, NET.reads, NET.writes, weights=tmp_path))
    assert warm.notes["started_from"] > 0 and warm.notes["losses"][0]["train"] < cold.notes["losses"][0]["train"]
    with pytest.raises(DataError, match="none of these weights fits"):
        Net("hardnet_mseg", ("film",), "shapes", weights=tmp_path).fit(disc_cohort(4), disc_cohort(2), TARGETS, Desk(BUDGET, 0))


def test_a_film_that_can_not_be_read_is_left_out_and_named() -> None:
    def broken() -> Picture:
        raise DataError("film.png: the file is empty.")

    bad = disc_case(77).with_inputs(film=Deferred(broken), things=disc_case(77).truth["things"])
    train = Cohort("discs", "simulated", cases=[*disc_cohort(6, boxes=True).cases, bad])
    desk = Desk(BUDGET.with_(epochs=1), 0)
    CROPS.fit(train, disc_cohort(2, first=50, boxes=True), TARGETS, desk)
    assert desk.notes["skipped"] == {"c77": "film.png: the file is empty."} and desk.notes["windows"]["train"] == 12


def test_half_written_arrays_are_not_used(tmp_path: Path) -> None:
    from osteon.models.arrays import laid_out
    from osteon.models.families import family_of
    from osteon.models.views import View

    view, family = View("film", "things", channels=1, shape=(32, 32)), family_of(TARGETS["shapes"])
    (tmp_path / ".train.part").mkdir()
    (tmp_path / ".train.part" / "all.npy").write_bytes(b"half")
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "planes.npy").write_bytes(b"half")
    first = laid_out(disc_cohort(3, boxes=True), view, family, target="shapes", folder=tmp_path / "train", key="a")
    assert first.planes.shape == (6, 3, *view.stored) and first.planes.dtype == np.uint8 and isinstance(first.planes, np.memmap)
    stamp = (tmp_path / "train" / "planes.npy").stat().st_mtime_ns
    laid_out(disc_cohort(3, boxes=True), view, family, target="shapes", folder=tmp_path / "train", key="a")
    assert (tmp_path / "train" / "planes.npy").stat().st_mtime_ns == stamp
    laid_out(disc_cohort(2, boxes=True), view, family, target="shapes", folder=tmp_path / "train", key="b")
    assert json.loads((tmp_path / "train" / "arrays.json").read_text())["key"] == "b"


def test_the_rate_rises_and_falls_once() -> None:
    from osteon.models.training import Course

    rates = [Course(1, 1, rate=1.0, seconds=1.0).rate_at(share) for share in np.linspace(0, 1, 101)]
    peak = int(np.argmax(rates))
    assert peak == 15 and rates[peak] == pytest.approx(1.0) and rates[0] == pytest.approx(0.1) and rates[-1] == pytest.approx(0.01)
    assert (np.diff(rates[:16]) > 0).all() and (np.diff(rates[15:]) < 0).all()


def test_two_processes_share_a_fit(tmp_path: Path) -> None:
    from osteon.models.arrays import laid_out
    from osteon.models.families import family_of
    from osteon.models.machine import Blueprint, Choice
    from osteon.models.training import Course, Job, trained
    from osteon.models.views import View

    view, family = View("film", "things", channels=1, shape=(32, 32)), family_of(TARGETS["shapes"])
    for name, first in (("train", 0), ("tune", 50)):
        laid_out(disc_cohort(8, first=first, boxes=True), view, family, target="shapes", folder=tmp_path / name, key="")
    job = Job(Blueprint("hardnet_mseg", 1, 2, 0.125, (32, 32)), family, parts=(tmp_path / "train", tmp_path / "tune"),
              recipe=family.recipe(True), course=Course(2, 4, rate=3e-3, seconds=300.0), choice=Choice("32-true", True, ""), seed=1,
              kept=(tmp_path / "checkpoint.safetensors", "k", {}))
    result = trained(job, "cpu", 2)
    assert result.notes["devices"] == 2 and result.notes["batch"] == 8 and result.notes["ended"] == "as planned"
    assert result.notes["losses"][1]["train"] < result.notes["losses"][0]["train"]
    assert all(bool(t.isfinite().all()) for t in result.state.values()) and (tmp_path / "checkpoint.safetensors").exists()


def test_a_short_course_takes_larger_steps_and_a_declared_rate_is_kept() -> None:
    """The rates were found on courses of 600 steps: by the square root of what is lacking, at most three times."""
    from osteon.models.families import family_of
    from osteon.models.fitting import _course
    from osteon.models.machine import Blueprint

    family = family_of(TARGETS["side"])

    def rate(epochs: int, net: Net = NET) -> float:
        return _course(net, family, Blueprint("resnet10t", 1, 2, 0.125, (64, 64)), 100, desk=Desk(SMOKE.with_(epochs=epochs), 0), seconds=9.0).rate

    assert rate(50) == rate(24) == pytest.approx(family.rate)
    assert rate(4) == pytest.approx(family.rate * 6**0.5)
    assert rate(1) == pytest.approx(3 * family.rate)
    assert rate(4, Net("resnet10t", ("film",), "side", settings={"rate": 1e-4})) == 1e-4


def test_small_windows_share_a_step_and_need_no_trial() -> None:
    from osteon.models.machine import Blueprint, batch_size, choose

    small, large = (Blueprint("resnet10t", 1, 2, 0.125, shape) for shape in ((128, 64), (256, 128)))
    assert (batch_size(small, 14, "cpu"), batch_size(large, 14, "cpu")) == (8, 4)
    assert "small windows" in choose(small, "cpu", 3.0).reason and "small windows" not in choose(large, "cpu", 0.0).reason

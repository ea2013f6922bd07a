"""Sharifi 2020: six networks and fifteen sensor sets on strides, ranked over twelve gait parameters; people stay together, and what is no walk is listed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from osteon import engine
from osteon.budget import LAPTOP, SMOKE
from osteon.cohort import Cohort
from osteon.engine.path import capped, within
from osteon.engine.reading import unreadable
from osteon.errors import DataError, StudyError
from osteon.models import Arm, Net, factors
from osteon.models.cost import costs
from osteon.readers import read_signal, write_signal
from osteon.readers.signal import walked
from osteon.run import Run, slug
from osteon.simulate.gait import PARAMETERS
from osteon.studies import study
from osteon.studies.sharifi_2020 import ALL, SETS, counted
from osteon.targets.leading import leading
from osteon.validation.analyses import PercentErrors, Ranked
from osteon.value import Trajectory

STUDY = study("sharifi_2020")
PLACES = ("feet", "shanks", "thighs", "pelvis")


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    return engine.simulate("sharifi_2020", tmp_path_factory.mktemp("walks") / "cohort", cases=16, seed=4)


def test_the_grid_has_six_networks_fifteen_sensor_sets_and_twelve_parameters() -> None:
    subsets = {frozenset(some) for some in chain.from_iterable(combinations(PLACES, n) for n in range(1, 5))}
    assert {frozenset(PLACES if name == ALL else name.split(" + ")) for name in SETS} == subsets and len(SETS) == 15
    segments = {place: set(SETS[place]) for place in PLACES}
    assert all(set(SETS[name]) == set().union(*(segments[p] for p in name.split(" + "))) for name in SETS if name != ALL), "a set holds the sensors that it is called by"
    found = [factors(model) for model in STUDY.models.values() if isinstance(model, Arm)]
    assert len({f["net"] for f in found}) == 6 and len({f["sensors"] for f in found}) == 15 and len(found) == 20
    assert len({model.model.name for model in STUDY.models.values() if isinstance(model, Arm) and isinstance(model.model, Net)}) == 6
    assert len(STUDY.targets["gait"].findings) == len(PARAMETERS) == 12 and leading(STUDY.targets["gait"])[0] == "mae"


def test_a_small_budget_trains_two_networks_and_builds_the_rest() -> None:
    smaller = within(STUDY, SMOKE)
    trained = [m.model.name for m in smaller.models.values() if isinstance(m, Arm) and isinstance(m.model, Net)]
    assert trained == ["zrenner_cnn", "cnn_lstm"] and "strides counted" in smaller.models
    macs = {label: cost.macs for label, cost in costs(STUDY.models, STUDY.targets, SMOKE, channels=42).items() if label.endswith(ALL)}
    assert {label.split(",")[0] for label in sorted(macs, key=lambda label: macs[label])[:2]} == {"CNN of Zrenner", "CNN-LSTM"}, "the two cheapest of the six"
    assert within(STUDY, LAPTOP) is STUDY, "the whole grid on a laptop"
    broken = replace(STUDY, models={**STUDY.models, "none": Arm(Net("lstm_of_nobody", reads=("imu",), writes=("gait",)), {"net": "none", "sensors": "none"})})
    with pytest.raises(StudyError, match="lstm_of_nobody"):
        within(broken, SMOKE)


def test_fewer_sensors_cost_less_and_deepconvlstm_costs_most() -> None:
    known = costs(STUDY.models, STUDY.targets, LAPTOP, channels=42)
    assert len(known) == 20
    macs = {label: cost.macs for label, cost in known.items()}
    assert macs["CNN of Zrenner, pelvis"] < macs["CNN of Zrenner, feet"] == macs["CNN of Zrenner, thighs"] < macs["CNN of Zrenner, feet + pelvis"] < macs[f"CNN of Zrenner, {ALL}"]
    assert max(macs, key=lambda label: macs[label]) == f"DeepConvLSTM, {ALL}"
    # one LSTM layer of 32 units on 43 channels and one on 32, 100 samples, then 12 outputs
    assert macs[f"LSTM, {ALL}"] == 100 * 4 * 32 * (43 + 32 + 32 + 32) + 32 * 12


def test_people_stay_together(cohort: Cohort) -> None:
    given = cohort.conform(STUDY.inputs, STUDY.targets, answered=STUDY.answered)
    folds, _ = given.folds(capped(STUDY.design, SMOKE), 1)
    people = given.column("patient")
    assert len(set(people.tolist())) == 8 and len(folds) == 2
    for fold in folds:
        parts = [set(people[rows].tolist()) for rows in (*fold.fits[0], fold.test)]
        assert not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])
    assert sorted(np.concatenate([fold.test for fold in folds]).tolist()) == list(range(16)), "every walk is tested once"


def test_the_legs_of_a_walk_are_the_mean_of_its_strides(cohort: Cohort) -> None:
    given = cohort.conform(STUDY.inputs, STUDY.targets, answered=STUDY.answered)
    for case in (given.cases[0], given.cases[9]):
        table = pd.read_csv(cohort.folder / "truth" / f"{case.id}_strides.csv")  # type: ignore[operator]
        for side, leg in table.groupby("side"):
            assert case.truth["gait"].values[f"stance_time.{side}"] == pytest.approx(leg["stance_time"].mean(), abs=1e-4)  # type: ignore[union-attr]


def test_counting_strides_tells_time_and_cadence_and_nothing_else(cohort: Cohort) -> None:
    given = cohort.conform(STUDY.inputs, STUDY.targets, answered=STUDY.answered)
    for case in (given.cases[0], given.cases[11]):
        said, true = counted(case.inputs["imu"]), case.truth["gait"].values  # type: ignore[union-attr]
        assert set(said.values) == {f"{name}.{side}" for name in ("stride_time", "cadence") for side in "RL"} and "speed.R" in said.reasons
        assert all(said.values[key] == pytest.approx(true[key], rel=0.04) for key in said.values)


def spoilt(cohort: Cohort, changes: dict[int, Trajectory], tmp_path: Path) -> Cohort:
    """A copy of the cohort with some recordings written anew."""
    assert cohort.folder is not None
    shutil.copytree(cohort.folder, tmp_path / "spoilt")
    for row, recording in changes.items():
        write_signal(tmp_path / "spoilt" / str(cohort.column("imu")[row]), recording)
    return Cohort.from_folder(tmp_path / "spoilt").conform(STUDY.inputs, STUDY.targets, answered=STUDY.answered)


def test_what_is_no_walk_is_listed_with_its_reason(cohort: Cohort, tmp_path: Path) -> None:
    assert cohort.folder is not None
    whole = read_signal(cohort.folder / str(cohort.column("imu")[0]))
    holed = whole.values.copy()
    holed[50:150, 3] = np.nan
    changes = {0: Trajectory(whole.times, 0 * whole.values, whole.names), 1: Trajectory(whole.times, whole.values[:, :36], whole.names[:36]), 2: Trajectory(whole.times * 10, whole.values, whole.names),
               3: Trajectory(whole.times, holed, whole.names), 4: Trajectory(whole.times, whole.values, tuple(n.replace("foot_L_gy", "foot_L_Gy") for n in whole.names))}
    given = spoilt(cohort, changes, tmp_path)
    left = {e.id: e.reason for e in unreadable(given, STUDY.inputs, STUDY.targets)}
    ids = cohort.ids()
    assert list(left) == ids[:5]
    assert left[ids[0]] == "imu is a walk in which no stride of the right and of the left foot was found"
    assert left[ids[1]] == "imu is a recording without 6 of 42 channels, the first 'foot_L_ax'"
    assert left[ids[2]] == "imu is a recording of 10 samples a second by its times (40 to 2000 wanted)"
    assert left[ids[3]].startswith("imu is a recording with a gap of 1 s in")
    assert left[ids[4]] == "imu is a recording without 1 of 42 channels, the first 'foot_L_gy' (did you mean 'foot_L_Gy'?)"


def test_a_column_misspelt_in_every_recording_is_an_error_that_names_it(cohort: Cohort, tmp_path: Path) -> None:
    assert cohort.folder is not None
    recordings = {k: read_signal(cohort.folder / str(path)) for k, path in enumerate(cohort.column("imu"))}
    given = spoilt(cohort, {k: Trajectory(r.times, r.values, tuple(n.replace("pelvis_ax", "pelvis_acc_x") for n in r.names)) for k, r in recordings.items()}, tmp_path)
    with pytest.raises(DataError, match="no case can be read.*without 1 of 42 channels, the first 'pelvis_ax' .did you mean 'pelvis_acc_x'"):
        unreadable(given, STUDY.inputs, STUDY.targets)


def test_another_sampling_rate_gives_the_same_strides(cohort: Cohort) -> None:
    assert cohort.folder is not None
    whole = read_signal(cohort.folder / str(cohort.column("imu")[3]))
    fewer = Trajectory(whole.times[::2], whole.values[::2], whole.names)
    one, other = walked(whole), walked(fewer)
    assert [s.side for s in one] == [s.side for s in other]
    assert [s.start for s in other] == pytest.approx([s.start for s in one], abs=0.02)


def written(folder: Path, labels: Sequence[str], error: dict[str, float]) -> Run:
    """The lines of a run whose models are off by given shares of the truth, for twelve people with two walks each; a person whose every error is eight times that."""
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps({"models": {label: ["gait"] for label in labels}, "seed": 3, "budget": {}}), encoding="utf-8")
    rng, people = np.random.default_rng(1), [f"p{k:05d}" for k in range(1, 13)]
    base = [(f"c{2 * k + j:05d}", who, finding, side) for k, who in enumerate(people) for j in range(2) for finding in STUDY.targets["gait"].findings for side in "RL"]
    truth = rng.uniform(0.8, 1.2, len(base))
    for label in labels:
        off = truth * error[label] * rng.uniform(0.9, 1.1, len(base)) * [8 if who == "p00007" else 1 for _, who, _, _ in base]
        frame = pd.DataFrame(base, columns=["case", "patient", "finding", "unit"]).assign(
            site="A", fold="1", part="test", target="gait", state="", score=np.nan, cut=np.nan, withheld="", **{"n.truth": truth, "n.answer": truth + off, "n.error": off})
        (folder / "lines" / slug(label)).mkdir(parents=True)
        frame.to_csv(folder / "lines" / slug(label) / "1.csv", index=False)
    cases = pd.DataFrame(base, columns=["case", "patient", "finding", "unit"])[["case", "patient"]].drop_duplicates()
    cases.assign(group=["knee replacement" if int(p[1:]) % 2 else "osteoarthritis" for p in cases["patient"]], pace=["slow", "fast"] * 12).to_csv(folder / "cases.csv", index=False)
    return Run(folder)


@pytest.fixture(scope="module")
def ranked(tmp_path_factory: pytest.TempPathFactory) -> Run:
    labels = [label for label in STUDY.models if label != "strides counted"]
    return written(tmp_path_factory.mktemp("ranked") / "run", labels, {label: 0.02 * (1 + k) for k, label in enumerate(labels)})


def test_sensor_sets_and_networks_are_ranked_apart(ranked: Run) -> None:
    by_sensors, by_net = (list(Ranked(along=along, resamples=100)(ranked, STUDY)) for along in ("sensors", "net"))
    order = [r.group for r in by_sensors if r.what == "mean rank"]
    assert order == [f"CNN of Zrenner, {name}" for name in SETS], "the planted order"
    assert [round(r.value.estimate) for r in by_sensors if r.what == "mean rank"] == list(range(1, 16))
    assert [r.group for r in by_net if r.what == "mean rank"] == [label for label in STUDY.models if label.endswith(ALL)]
    assert len([r for r in by_sensors if r.what == "NAPE within a finding"]) == 15 * 12
    pelvis = next(r for r in by_sensors if (r.what, r.group) == ("NAPE", "CNN of Zrenner, pelvis"))
    assert pelvis.value.estimate == pytest.approx(0.30 * (11 + 8) / 12, rel=0.03)
    assert len([r for r in Ranked(resamples=50)(ranked, STUDY) if r.what == "mean rank"]) == 20
    assert not any(r.note for r in by_sensors if r.what == "mean rank")
    with pytest.raises(StudyError, match="that differ in dose"):
        list(Ranked(along="dose")(ranked, STUDY))


def test_an_arm_that_the_clock_stopped_is_marked(ranked: Run) -> None:
    label = "CNN of Zrenner, feet"
    note = ranked.folder / "notes" / slug(label) / "1.json"
    note.parent.mkdir(parents=True)
    for name, ended, used in (("1", "time", 2.5), ("2", "as planned", 16.0)):
        (note.parent / f"{name}.json").write_text(json.dumps({"fold": name, "fit 1": {"ended": ended, "epochs": {"named": 16, "used": used}}}), encoding="utf-8")
    try:
        found = {r.group: r.note for r in Ranked(along="sensors", resamples=20)(ranked, STUDY) if r.what == "mean rank"}
    finally:
        shutil.rmtree(ranked.folder / "notes")
    assert found.pop(label) == "stopped by the clock after 2.5 of 16 epochs" and not any(found.values())


def test_errors_are_told_by_reading_group_and_person(ranked: Run) -> None:
    found = {(r.what, r.group): r for r in PercentErrors(by=("group", "pace"), resamples=100)(ranked, STUDY)}
    assert [group for what, group in found if what == "NAPE of a reading"] == list(STUDY.targets["gait"].findings)
    assert found["median error of a case", "speed"].value.estimate == pytest.approx(0.02, rel=0.05)
    assert found["NAPE", "group: osteoarthritis"].value.estimate == pytest.approx(0.02, rel=0.02)
    assert found["NAPE", "group: knee replacement"].value.estimate == pytest.approx(0.02 * (5 + 8) / 6, rel=0.05), "the one who lies apart counts where it belongs"
    assert {group for what, group in found if what == "NAPE"} == {"group: knee replacement", "group: osteoarthritis", "pace: fast", "pace: slow"}
    apart = [(group, r.value.estimate) for (what, group), r in found.items() if what == "NAPE of one who lies apart"]
    assert apart == [("person p00007", pytest.approx(0.16, rel=0.06))]
    assert found["NAPE of all others", "all others"].value.estimate == pytest.approx(0.02, rel=0.02)
    with pytest.raises(DataError, match="no case of the run has 'side'"):
        list(PercentErrors(by=("side",))(ranked, STUDY))


def test_ranks_and_errors_are_told_in_the_report(ranked: Run) -> None:
    from osteon.report.facts import Facts
    from osteon.report.questions import told_of
    from osteon.report.words import Words
    from osteon.row import EvidenceRow, Question, Source

    rows = (EvidenceRow(Source("sharifi_2020", f"CNN of Zrenner, {ALL}"), Question("gait", "speed", primary=True)),)
    facts = Facts(ranked, STUDY, about=ranked.about, rows=rows, lines={}, tables={}, words=Words(True, "walk", "leg"))
    sensors, errors = Ranked(along="sensors", resamples=100), PercentErrors(by=("group",), resamples=100)
    words, ranks, field = told_of(sensors).blocks(facts, sensors, tuple(sensors(ranked, STUDY)))  # type: ignore[union-attr]
    assert "has the best mean rank of 15 arms" in str(words) and "feet + shanks" in field.alt and "stride time 3.2 %" in field.alt  # type: ignore[attr-defined]
    assert "CNN of Zrenner" not in ranks.alt, "arms that differ in their sensors are called by them"  # type: ignore[attr-defined]
    said = str(told_of(errors).blocks(facts, errors, tuple(errors(ranked, STUDY)))[0])  # type: ignore[union-attr]
    assert "1 person lies apart: person p00007" in said and "Nobody was left out" in said

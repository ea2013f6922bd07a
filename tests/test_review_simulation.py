"""Screening played through: measures on hand-made orders, the files it writes, and the command line around it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from osteon.errors import DataError
from osteon.evidence.review import imports, plan, screening
from osteon.evidence.review.planted import planted_set
from osteon.evidence.review.ranking import features_for
from osteon.evidence.review.simulation import (
    draw_prior,
    labelled,
    order_csv,
    read_labelled,
    recall_curve,
    safe_screening,
    simulate,
    stopped,
    time_to_discovery,
    wss,
)
from osteon.evidence.review.stopping import Consecutive, Hypergeometric
from osteon.evidence.review.store import Store, create, open_store

Cli = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize(("labels", "at95", "at100", "atd"), [
    ([1] * 10 + [0] * 90, 0.85, 0.9, 0.055),  # 10 of 100 needed for 9.5, all of them first
    ([0] * 90 + [1] * 10, -0.05, 0.0, 0.955),  # all of them last
    ([1] * 19 + [0] * 80 + [1], 0.76, 0.0, (19 * 20 / 2 + 100) / 20 / 100),  # 19 of 20 are 95 %
    ([0, 1, 0, 1], -0.05, 0.0, 0.75), ([1], -0.05, 0.0, 1.0)])
def test_measures_of_hand_made_orders(labels: list[int], at95: float, at100: float, atd: float) -> None:
    assert wss(labels, 0.95) == pytest.approx(at95, abs=1e-12)
    assert wss(labels, 1.0) == pytest.approx(at100, abs=1e-12)
    assert time_to_discovery(labels) == pytest.approx(atd, abs=1e-12)
    curve = recall_curve(labels)
    assert curve[-1] == 1 and (np.diff(curve) >= 0).all() and len(curve) == len(labels)


def test_an_order_without_a_relevant_record_has_no_measures() -> None:
    for measure in (lambda x: wss(x, 0.95), time_to_discovery, recall_curve):
        with pytest.raises(ValueError, match="no record is relevant"):
            measure([0, 0])
    with pytest.raises(ValueError, match="other values than 0 and 1"):
        wss([0, 3], 0.95)


def test_a_screening_leaves_what_was_known_out_and_is_the_same_again() -> None:
    data = planted_set(2)
    runs = simulate(data, seeds=(0, 1))
    for run in runs:
        assert sorted([*run.order, *run.prior]) == list(range(len(data.labels)))
        assert data.labels[list(run.prior)].tolist() == [1, 0] and run.labels.sum() == data.labels.sum() - 1
        assert run.plain["WSS@95"] == wss(data.labels[list(run.order)], 0.95) > 0.3
    assert [r.order for r in simulate(data, seeds=(0, 1))] == [r.order for r in runs]
    rows = list(csv.DictReader(io.StringIO(order_csv(data, runs))))
    assert len(rows) == sum(len(r.order) for r in runs) and float(rows[-1]["recall"]) == 1
    assert [data.labels[int(r["record"]) - 1] for r in rows] == [int(r["label"]) for r in rows]


def test_rules_stop_where_they_are_asked_to_and_stricter_ones_later() -> None:
    labels = np.array([1] * 20 + [0] * 30 + [1] + [0] * 249)
    assert (stopped(labels, Consecutive(30)).screened, stopped(labels, Consecutive(31)).screened) == (50, 82)
    assert stopped(labels, Consecutive(30)).recall == pytest.approx(20 / 21) and stopped(labels, Consecutive(30)).saved == pytest.approx(250 / 300)
    ends = [stopped(labels, Hypergeometric(target, confidence)).screened for target, confidence in ((0.8, 0.8), (0.8, 0.95), (0.95, 0.95), (0.99, 0.95))]
    assert ends == sorted(ends) and ends[0] < ends[2] < ends[3]
    assert stopped(np.array([0, 0, 1]), Consecutive(9)).recall == 1


def test_safe_is_played_with_a_random_start_and_two_models() -> None:
    data = planted_set(7)
    end = safe_screening(data, lambda model: features_for(data.texts, model), seed=1)
    assert end.recall > 0.9 and 0.1 < end.saved < 0.9 and "SAFE procedure, a heuristic" in end.statement and "screened with another model: 5" in end.statement


@pytest.mark.verify
def test_the_test_reaches_its_target_on_simulated_sets() -> None:
    reached = [stopped(simulate(planted_set(seed), seeds=[seed])[0].labels, Hypergeometric()).recall >= 0.95 for seed in range(200)]
    assert np.mean(reached) >= 0.93


@pytest.mark.parametrize(("text", "words"), [
    ("title,abstract\na,b\n", "x.csv: no column tells what was included.*label_included.*Columns: title, abstract"), ("title,label_included\na,1\n", "abstract"),
    ("title,abstract,included\na,b,1\nc,d,maybe\n", "x.csv, line 3: the label is 'maybe'.*1 included, 0 excluded"), ("title,abstract,included\na,b,1\nc,d,\n", "line 3: there is no label"),
    ("title,abstract,included\na,b,0\nc,d,0\n", "no record is relevant"), ("title,abstract,included\na,b,1\n", "no record is irrelevant"), ("title,abstract,included\n", "there is no record in it")])
def test_a_set_that_cannot_be_used_ends_in_a_sentence(cli: Cli, tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=words):
        read_labelled(path)
    code, _, err = cli("review", "simulate", path)
    assert code == 2 and err.startswith("osteon: ") and "Traceback" not in err


def test_sets_made_by_hand_are_checked_too() -> None:
    for texts, labels, words in ((["a"], [1, 0], "2 labels for 1 records"), (["a", "b"], [1, 2], "labels other than 0 and 1")):
        with pytest.raises(DataError, match=words):
            labelled("x", texts, labels)
    with pytest.raises(DataError, match="all 1 relevant records are known beforehand"):
        draw_prior(np.array([1, 0, 0], np.int8), 0)
    with pytest.raises(DataError, match="--irrelevant: 3 records are to be known beforehand.*There are 2"):
        draw_prior(np.array([1, 1, 0, 0], np.int8), 0, irrelevant=3)
    with pytest.raises(DataError, match="none has a title or an abstract"):
        simulate(labelled("x", ["", " ", ""], [1, 0, 1]))


def written(folder: Path) -> Path:
    """A labelled set as a file, with a record that has no text."""
    data = planted_set(0)
    path = folder / "set.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["record_id", "title", "abstract", "label_included"])
        writer.writerows([f"W{i}", *("" if i == 9 else text.split(" ", 10)[10], "" if i == 9 else text), label] for i, (text, label) in enumerate(zip(data.texts[:80], data.labels[:80], strict=True)))
    return path


def test_simulate_on_the_command_line(cli: Cli, tmp_path: Path) -> None:
    code, out, err = cli("review", "simulate", written(tmp_path), "--seeds", 2, "--order", tmp_path / "order.csv", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert (found["records"], len(found["runs"]), found["runs"][0]["records"]) == (80, 2, 78)
    assert found["mean"]["WSS@95"] == pytest.approx(np.mean([r["WSS@95"] for r in found["runs"]]))
    assert len((tmp_path / "order.csv").read_text(encoding="utf-8").splitlines()) == 1 + 2 * 78
    assert "mean" in cli("review", "simulate", written(tmp_path), "--seeds", 1, "--model", "bayes")[1]
    assert cli("review", "simulate", written(tmp_path), "--model", "forest")[0] == 2
    assert cli("review", "simulate", tmp_path / "none.csv")[0] == 2


def review(folder: Path) -> tuple[Store, Path]:
    """A review of one reviewer with 60 records, the first ten of which are decided: relevant ones are of a hip."""
    path = folder / "a.review"
    words = [("hip fracture on radiographs" if i % 5 == 0 else "spine surgery in adults") + f" number {i}" for i in range(60)]
    (folder / "a.csv").write_text("title,year\n" + "".join(f"{w},2020\n" for w in words), encoding="utf-8")
    store = create(path)
    plan.set_plan(store, "anna", plan.from_plain({"title": "T", "include": ["accuracy"], "sources": [{"name": "A"}], "people": {"reviewers": ["anna"], "adjudicators": [], "per_record": 1}}))
    imports.import_file(store, "anna", path=folder / "a.csv", source="A")
    for n in range(1, 11):
        screening.decide(store, "anna", record=n, verdict="include" if n % 5 == 1 else "exclude")
    return store, path


def test_rank_and_stop_on_a_review(cli: Cli, tmp_path: Path) -> None:
    store, path = review(tmp_path)
    code, out, err = cli("review", "rank", path)
    assert (code, err) == (0, "") and out.startswith("50 records are in order. Ordered by svm from 10 decided records (2 included, 8 excluded), seed 0.")
    served = screening.queue(open_store(path), "anna", count=10)
    assert {r["record"] % 5 for r in served} == {1}
    code, out, _ = cli("review", "stop", path)
    assert code == 0 and out.startswith("Go on: 10 of 60 records are screened, relevant among them: 2.")
    for row in screening.queue(store, "anna", count=48):
        screening.decide(store, "anna", record=row["record"], verdict="include" if row["record"] % 5 == 1 else "exclude")
    found = json.loads(cli("review", "stop", path, "--json")[1])
    assert found["stop"] and (found["screened"], found["found"], found["sample"], found["left"]) == (58, 12, 38, 2)
    assert json.loads(cli("review", "stop", path, "--rule", "run", "--run", 39, "--json")[1])["stop"] is False
    assert json.loads(cli("review", "stop", path, "--rule", "safe", "--sample", 10, "--run", 20, "--switched", 30, "--json")[1])["stop"] is True


def test_stop_refuses_nonsense_in_a_sentence(cli: Cli, tmp_path: Path) -> None:
    _, path = review(tmp_path)
    for given, words in ((("--rule", "magic"), "no rule 'magic'"), (("--target", 95), "target: 95.0"), (("--rule", "safe"), "sample: 0"), (("--drawn", 11), "drawn_from: -1"), (("--stage", "third"), "no stage 'third'")):
        code, _, err = cli("review", "stop", path, *given)
        assert code == 2 and words in err and "Traceback" not in err
    assert cli("review", "rank", path, "--model", "forest")[0] == 2

"""Two blinded reviewers: what is served to whom, what may be decided, conflicts, agreement, full text, areas."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from osteon.errors import DataError
from osteon.evidence.review import agreement, fulltext, history, imports, plan, screening, sheets, terms
from osteon.evidence.review.dedupe import merge_by_hand
from osteon.evidence.review.store import Store, create
from osteon.stats.kappa import cohen_kappa, gwet_ac, pabak


def project(folder: Path, n: int = 6, **people: Any) -> Store:
    """A review of n records with two reviewers and somebody who settles conflicts."""
    path = folder / "a.csv"
    path.write_text("title,year\n" + "".join(f"A study of the spine number {i} with magnetic resonance,20{i + 10}\n" for i in range(n)), encoding="utf-8")
    store = create(folder / "a.review")
    plan.set_plan(store, "anna", plan.from_plain({"title": "T", "include": ["accuracy"], "sources": [{"name": "A"}], "people": {"reviewers": ["anna", "ben"], "adjudicators": ["carla"], **people}}))
    imports.import_file(store, "anna", path=path, source="A")
    return store


def both(store: Store, record: int, first: str, second: str, **more: str) -> None:
    """Two decisions on a record."""
    for who, verdict in (("anna", first), ("ben", second)):
        screening.decide(store, who, record=record, verdict=verdict, **more)


def test_nothing_of_another_reviewer_is_served(tmp_path: Path) -> None:
    store = project(tmp_path)
    screening.decide(store, "anna", record=1, verdict="exclude", reason="animals")
    served = screening.queue(store, "ben", count=10)
    assert [r["record"] for r in served] == [1, 2, 3, 4, 5, 6]
    assert set(served[0]) == {"record", "source", "title", "year"}
    assert [r["record"] for r in screening.queue(store, "ben", count=10, awaiting=True)] == [1]
    assert [r["record"] for r in screening.queue(store, "anna", count=2)] == [2, 3]


def test_a_third_reviewer_gets_what_is_not_held_and_a_hold_ends(tmp_path: Path) -> None:
    store = project(tmp_path, 2, reviewers=["anna", "ben", "dora"])
    for who in ("anna", "ben"):
        screening.queue(store, who, count=2, minutes=30)
    assert screening.queue(store, "dora", count=2) == []
    later = replace(store, clock=lambda: datetime.now(UTC) + timedelta(minutes=31))
    assert [r["record"] for r in screening.queue(later, "dora", count=2)] == [1, 2]
    both(store, 1, "include", "exclude")
    with pytest.raises(DataError, match="2 reviewers have decided"):
        screening.decide(store, "dora", record=1, verdict="include")


def test_the_queue_follows_a_given_order(tmp_path: Path) -> None:
    store = project(tmp_path)
    store.order("title", [5, 2])
    assert [r["record"] for r in screening.queue(store, "anna", count=6)] == [5, 2, 1, 3, 4, 6]
    both(store, 2, "include", "include")
    both(store, 3, "exclude", "exclude")
    found = screening.for_ranking(store)
    assert [(n, label) for n, _, label in found] == [(1, None), (2, 1), (3, 0), (4, None), (5, None), (6, None)]
    assert found[0][1] == "A study of the spine number 0 with magnetic resonance"


@pytest.mark.parametrize(("first", "second", "status"), [("include", "include", "include"), ("exclude", "exclude", "exclude"), ("include", "exclude", "conflict"), ("unsure", "unsure", "conflict"),
                                                         ("include", "unsure", "conflict"), ("exclude", "unsure", "conflict")])
def test_two_decisions_make_a_standing(tmp_path: Path, first: str, second: str, status: str) -> None:
    store = project(tmp_path, 2)
    assert screening.standings(store, "title")[1].status == "waiting"
    screening.decide(store, "anna", record=1, verdict=first)
    assert screening.standings(store, "title")[1].status == "second"
    screening.decide(store, "ben", record=1, verdict=second)
    assert screening.standings(store, "title")[1].status == status
    assert [c["record"] for c in screening.conflicts(store)] == ([1] if status == "conflict" else [])


def test_a_conflict_is_settled_once_and_by_whom_the_plan_names(tmp_path: Path) -> None:
    store = project(tmp_path, 3)
    both(store, 1, "include", "exclude", reason="no accuracy")
    both(store, 2, "include", "include")
    assert screening.conflicts(store)[0]["decisions"] == [{"reviewer": "anna", "verdict": "include", "reason": "no accuracy"}, {"reviewer": "ben", "verdict": "exclude", "reason": "no accuracy"}]
    with pytest.raises(DataError, match="'anna' may not settle conflicts.*carla"):
        screening.adjudicate(store, "anna", record=1, verdict="include")
    with pytest.raises(DataError, match="no conflict to settle.*anna: include; ben: include"):
        screening.adjudicate(store, "carla", record=2, verdict="exclude")
    with pytest.raises(DataError, match="settles nothing"):
        screening.adjudicate(store, "carla", record=1, verdict="unsure")
    event = screening.adjudicate(store, "carla", record=1, verdict="exclude", reason="no accuracy")
    assert (screening.standings(store, "title")[1].status, screening.standings(store, "title")[1].reason) == ("exclude", "no accuracy")
    with pytest.raises(DataError, match="its conflict is settled"):
        screening.decide(store, "ben", record=1, verdict="include")
    history.undo(store, "carla", event)
    screening.decide(store, "ben", record=1, verdict="include")
    assert screening.standings(store, "title")[1].status == "include"


def test_what_cannot_be_decided_says_why(tmp_path: Path) -> None:
    store = project(tmp_path, 4)
    merge_by_hand(store, "anna", record=3, kept=2)
    for who, record, verdict, more, words in (
            ("nora", 1, "include", {}, "no reviewer 'nora'"), ("anna", 1, "perhaps", {}, "'perhaps' is no decision"), ("anna", 99, "include", {}, "no such record"), ("anna", 3, "include", {}, "duplicate of record 2.*Decide on 2"),
            ("anna", 1, "include", {"stage": "full"}, "no stage 'full'"), ("anna", 1, "include", {"stage": "fulltext"}, "not at the stage 'fulltext'")):
        with pytest.raises(DataError, match=words):
            screening.decide(store, who, record=record, verdict=verdict, **more)
    with pytest.raises(DataError, match="no reviewer 'nora'"):
        screening.queue(store, "nora")
    assert not store.payloads("decision")


def test_a_stage_closes_only_when_everything_is_decided(tmp_path: Path) -> None:
    store = project(tmp_path, 3)
    both(store, 1, "include", "include")
    both(store, 2, "include", "exclude")
    with pytest.raises(DataError, match=r"cannot be closed.*1 without a decision \(records 3\); 1 in conflict \(records 2\)"):
        screening.close(store, "anna", stage="title")
    both(store, 3, "exclude", "exclude")
    screening.adjudicate(store, "carla", record=2, verdict="include")
    event = screening.close(store, "anna", stage="title")
    with pytest.raises(DataError, match=f"is closed.*undo PROJECT {event}"):
        screening.decide(store, "anna", record=3, verdict="include")
    history.undo(store, "anna", event)
    screening.decide(store, "anna", record=3, verdict="include")


def test_agreement_is_that_of_the_first_decisions_on_records_seen_by_both(tmp_path: Path) -> None:
    store = project(tmp_path, 8)
    said = [("include", "include"), ("exclude", "exclude"), ("exclude", "exclude"), ("include", "exclude"), ("unsure", "include"), ("exclude", "exclude")]
    for i, (a, b) in enumerate(said, 1):
        both(store, i, a, b)
    screening.decide(store, "anna", record=7, verdict="include")
    screening.decide(store, "ben", record=4, verdict="include")  # a change of mind is no independent reading
    found = agreement.agreement(store)
    assert (found[0]["reviewers"], found[0]["both"], found[0]["only"], found[0]["agree"]) == (["anna", "ben"], 6, {"anna": 1, "ben": 0}, 4)
    first, second = ([int(p[k] == "exclude") for p in said] for k in (0, 1))
    table = np.array([first, second]).T
    for name, value in (("kappa", cohen_kappa(first, second, classes=2)), ("AC1", gwet_ac(table, classes=2)), ("PABAK", pabak(first, second, classes=2))):
        assert found[0]["exclude"][name]["estimate"] == pytest.approx(value.estimate)
    assert found[0]["exclude"]["kappa"]["estimate"] == pytest.approx(2 / 3)  # by hand: 5 of 6 agree, 0.5 by chance
    assert found[0]["exclude"]["PABAK"]["estimate"] == pytest.approx(2 / 3)


def test_nobody_saw_what_the_other_saw(tmp_path: Path) -> None:
    store = project(tmp_path, 2)
    screening.decide(store, "anna", record=1, verdict="include")
    screening.decide(store, "ben", record=2, verdict="include")
    assert agreement.agreement(store)[0]["reason"] == "no record was seen by both"


def test_full_text_follows_retrieval_and_needs_its_reason(tmp_path: Path) -> None:
    store = project(tmp_path, 3)
    for record in (1, 2):
        both(store, record, "include", "include")
    with pytest.raises(DataError, match="its report is not sought"):
        fulltext.retrieve(store, "anna", record=3)
    with pytest.raises(DataError, match="no such file"):
        fulltext.retrieve(store, "anna", record=1, file=tmp_path / "none.pdf")
    report = tmp_path / "one.pdf"
    report.write_bytes(b"a report")
    fulltext.retrieve(store, "anna", record=1, file=report)
    fulltext.retrieve(store, "ben", record=2, found=False, note="no answer of the library")
    assert fulltext.retrieval_counts(store) == {"sought": 2, "retrieved": 1, "not retrieved": 1, "open": 0}
    assert store.payloads("retrieval")[0]["payload"]["sha256"] == hashlib.sha256(b"a report").hexdigest()
    assert [r["record"] for r in screening.queue(store, "anna", stage="fulltext", count=5)] == [1]
    with pytest.raises(DataError, match="needs its reason.*wrong population"):
        screening.decide(store, "anna", record=1, verdict="exclude", stage="fulltext")
    with pytest.raises(DataError, match="none of the reasons of the plan"):
        screening.decide(store, "anna", record=1, verdict="exclude", stage="fulltext", reason="too long")
    screening.decide(store, "anna", record=1, verdict="exclude", stage="fulltext", reason="Wrong outcome")
    screening.decide(store, "ben", record=1, verdict="exclude", stage="fulltext", reason="wrong population")
    assert screening.standings(store, "fulltext")[1].reason == "wrong population", "of two reasons the first in the order of the plan is reported"


def test_a_reviewer_with_decisions_stays_in_the_plan(tmp_path: Path) -> None:
    store = project(tmp_path, 2)
    screening.decide(store, "anna", record=1, verdict="include")
    held = plan.plan_of(store)
    with pytest.raises(DataError, match="anna has decided"):
        plan.set_plan(store, "carla", replace(held, people=replace(held.people, reviewers=("ben", "carla"))))
    plan.set_plan(store, "carla", plan.changed(held, reviewers=["dora"]))
    assert plan.plan_of(store).people.reviewers == ("anna", "ben", "dora")
    assert len([e for e in store.dump() if e["kind"] == "plan"]) == 2


def test_one_reviewer_suffices_where_the_plan_says_so(tmp_path: Path) -> None:
    store = project(tmp_path, 2, per_record=1)
    screening.decide(store, "anna", record=1, verdict="include")
    assert screening.standings(store, "title")[1].status == "include"
    assert [r["record"] for r in screening.queue(store, "ben", count=5)] == [2]


def test_decisions_come_and_go_as_a_spreadsheet(tmp_path: Path) -> None:
    store = project(tmp_path, 4)
    sheet = tmp_path / "anna.csv"
    sheet.write_text(sheets.queue_sheet(store, "anna"), encoding="utf-8")
    lines = sheet.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "record,title,authors,year,journal,abstract,doi,decision,reason,note"
    filled = [lines[0]] + [line[: -len(",,,")] + f",{said},," for line, said in zip(lines[1:], ("yes", "maybe", "", "perhaps"), strict=True)] + ["77,,,,,,,include,,", "x,,,,,,,include,,"]
    sheet.write_text("\n".join(filled), encoding="utf-8")
    done, bad = sheets.decisions(store, "anna", sheet)
    assert done == 2
    assert {s.status: s.decisions for s in screening.standings(store, "title").values() if s.decisions} == {"second": {"anna": "unsure"}}
    assert [(b.line, b.why.split(":")[1].split("(")[0].strip().rstrip(".")) for b in bad] == [(5, "'perhaps' is no decision"), (6, "there is no such record"), (7, "'x' is no number of a record")]


def test_areas_are_several_and_stand_beside_the_rule(tmp_path: Path) -> None:
    store = project(tmp_path, 2)
    terms.label(store, "anna", record=1, areas=["spine-oriented surgery", "basic science"])
    found = terms.labels(store)[0]
    assert found["reviewers"] == {"anna": ["spine-oriented surgery", "basic science"]}
    assert found["rule"] == ["radiographic assessment", "spine-oriented surgery"]
    assert found["differ"] == ["basic science", "radiographic assessment"]
    with pytest.raises(DataError, match="no area 'basic scince'.*Did you mean 'basic science'"):
        terms.label(store, "anna", record=1, areas=["basic scince"])
    with pytest.raises(DataError, match="no such record"):
        terms.label(store, "anna", record=9, areas=[])


def test_terms_are_mapped_and_both_are_kept(tmp_path: Path) -> None:
    store = project(tmp_path, 2)
    assert [terms.controlled("method", t) for t in ("ResNet-50", "U-Net", "XGBoost", "our own method")] == ["convolutional neural network", "encoder-decoder", "tree ensemble", ""]
    assert [terms.controlled("modality", t) for t in ("AP radiographs", "MR imaging", "CT", "tomografía computarizada")] == ["radiograph", "MRI", "CT", "CT"]
    terms.choose(store, "anna", group="method", term="Our own method", word="other deep learning")
    own = terms.own_words(store)
    rows = [{"method": "ResNet-50; VGG"}, {"method": "our own Method"}, {"method": "magic"}, {}]
    assert terms.counted(rows, "method", own) == [("convolutional neural network", 1, ("ResNet-50", "VGG")), ("other deep learning", 1, ("our own Method",)), ("not mapped", 1, ("magic",))]
    with pytest.raises(DataError, match="no word of the vocabulary"):
        terms.choose(store, "anna", group="method", term="x", word="magic")

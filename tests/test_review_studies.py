"""From included reports to evidence: extraction in duplicate, appraisal in duplicate, the flow that must add up, pooling and what an update changes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import delete

from osteon.errors import DataError
from osteon.evidence.pool import Settings, pool
from osteon.evidence.pool_table import read
from osteon.evidence.review import appraisal, extraction, flow, fulltext, imports, plan, screening, synthesis
from osteon.evidence.review.dedupe import merge_by_hand
from osteon.evidence.review.figure_flow import flow_svg, steps
from osteon.evidence.review.store import Store, create
from osteon.evidence.review.tables import state
from osteon.evidence.review.words import PHRASES, speak
from osteon.row import EvidenceRow, Question, Source, TwoByTwo

PEOPLE = ("anna", "ben")
QUICK = Settings(bootstrap=0)


def project(folder: Path, n: int = 12, *, sources: Sequence[str] = ("A",), other: Sequence[str] = ()) -> Store:
    """A review of n records, spread over its sources."""
    store = create(folder / "a.review")
    named = [{"name": s} for s in sources] + [{"name": s, "kind": "other"} for s in other]
    plan.set_plan(store, "anna", plan.from_plain({"title": "T", "sources": named, "people": {"reviewers": list(PEOPLE)}}))
    names = [s["name"] for s in named]
    for k, name in enumerate(names):
        path = folder / f"{name}.csv"
        path.write_text("title,year\n" + "".join(f"Study {i} of one thing and another,20{i + 10}\n" for i in range(n) if i % len(names) == k), encoding="utf-8")
        imports.import_file(store, "anna", path=path, source=name)
    return store


def include(store: Store, *records: int) -> None:
    """Two people include records at both stages."""
    for record in records:
        for who in PEOPLE:
            screening.decide(store, who, record=record, verdict="include")
        fulltext.retrieve(store, "anna", record=record)
        for who in PEOPLE:
            screening.decide(store, who, record=record, verdict="include", stage="fulltext")


def read_twice(store: Store, record: int, **values: str) -> None:
    """Two people extract the same."""
    for who in PEOPLE:
        extraction.extract(store, who, record=record, values=values)


# Extraction.

def test_the_form_is_the_evidence_row() -> None:
    names = {f.name for f in extraction.form()}
    nouns = {n for noun in (Source, Question, TwoByTwo) for n in noun.__dataclass_fields__}
    assert nouns - names == {"factors"}, "every field of the row but the arms of a run is asked for"
    assert {"n", "indeterminate", "withheld", "sensitivity", "seconds_per_case", "method", "anatomy"} <= names


def test_two_readings_agree_or_are_settled(tmp_path: Path) -> None:
    store = project(tmp_path)
    include(store, 1, 2)
    with pytest.raises(DataError, match="nothing is extracted from it"):
        extraction.extract(store, "anna", record=3, values={"study": "X"})
    read_twice(store, 1, study="Kim 2020", tp="40", fp="3", fn="2", tn="50")
    extraction.extract(store, "anna", record=2, values={"study": "Lee 2021", "tp": "10", "fp": "1", "fn": "1", "tn": "10", "cut": "0.5"})
    assert [(r.record, r.status) for r in extraction.readings(store)] == [(1, "agreed"), (2, "single")]
    extraction.extract(store, "ben", record=2, values={"study": "Lee 2021", "tp": "11", "fp": "1", "fn": "1", "tn": "10"})
    found = extraction.readings(store)[1]
    assert (found.status, found.differ) == ("differs", ("tp", "cut"))
    assert [r.record for r in extraction.completed(store)] == [1]
    with pytest.raises(DataError, match="cut differ and are not settled"):
        extraction.settle(store, "ben", record=2, values={"tp": "11"})
    with pytest.raises(DataError, match="'carla' has not read"):
        extraction.settle(store, "ben", record=2, take="carla")
    extraction.settle(store, "ben", record=2, values={"tp": "11", "cut": ""})
    final = extraction.readings(store)[1].final
    assert (final["tp"], "cut" in final, final["fn"]) == ("11", False, "1")
    with pytest.raises(DataError, match="nothing to settle"):
        extraction.settle(store, "ben", record=1, take="anna")
    plan.set_plan(store, "anna", plan.changed(plan.plan_of(store), reviewers=["dora"]))
    with pytest.raises(DataError, match="have read it already"):
        extraction.extract(store, "dora", record=1, values={"study": "Kim 2020"})


@pytest.mark.parametrize(("values", "words"), [({"tpp": "4"}, "no field 'tpp'"), ({"tp": "4.5"}, "not a count"), ({"cut": "high"}, "cut: 'high' is not understood"), ({"sensitivity": "often"}, "'often' is not understood"),
                                               ({"primary": "perhaps"}, "yes or no"), ({"origin": "found"}, "no origin 'found'"), ({"tp": "4"}, "the study has no name")])
def test_what_the_form_refuses(tmp_path: Path, values: dict[str, str], words: str) -> None:
    store = project(tmp_path)
    include(store, 1)
    with pytest.raises(DataError, match=words):
        extraction.extract(store, "anna", record=1, values={"study": "X 2020", **values} if "tp" not in values or values["tp"] != "4" else values)


def test_printed_figures_give_the_table_or_say_why_not() -> None:
    told = {name: extraction.complete(1, extraction.checked({"study": "X", **values}, "x")) for name, values in {
        "read": {"tp": "1,036", "fp": "15", "fn": "14", "tn": "1035"}, "implied": {"diseased": "150", "healthy": "150", "sensitivity": "84.7%", "specificity": "87.3 %"},
        "several": {"n": "300", "accuracy": "86%"}, "none": {"diseased": "70", "healthy": "35", "sensitivity": "0.91", "specificity": "0.93", "ppv": "0.96", "npv": "0.86", "accuracy": "92.3%"},
        "unknown": {"sensitivity": "90%"}}.items()}
    assert {k: v.table for k, v in told.items()} == {k: k for k in told}
    assert told["read"].cells == (1036, 15, 14, 1035)
    assert told["implied"].cells == (127, 19, 23, 131)
    assert "contradicts itself" in told["none"].why
    row = extraction.evidence_row(told["implied"])
    assert (row.source.origin, row.table, row.metrics["sensitivity"]["estimate"]) == ("published", TwoByTwo(127, 19, 23, 131), pytest.approx(0.847))
    assert EvidenceRow.from_plain(row.plain()) == row


# Appraisal.

@pytest.mark.parametrize("tool", appraisal.TOOLS)
def test_every_instrument_has_domains_and_is_answered_by_number_or_name(tool: str) -> None:
    found = appraisal.domains(tool)
    assert len(found) in (4, 8)
    assert all(d.items for d in found)
    assert not found[-1].applicability
    answers = {str(i): "low" for i in range(1, len(found) + 1)} | {f"applicability:{d.name}": "unclear" for d in found if d.applicability}
    kept = appraisal.checked(tool, answers, "x")
    assert kept[found[0].name] == "low"
    assert appraisal.overall(tool, kept) == "low"
    with pytest.raises(DataError, match="not judged"):
        appraisal.checked(tool, {"1": "low"}, "x")


def test_quadas_counts_its_questions() -> None:
    # Whiting 2011: 10 signalling questions; QUADAS-3, 2026: 20 (4, 4, 8, 4); applicability in the first three domains of both
    assert [len(d.items) for d in appraisal.domains("quadas_2")] == [3, 2, 2, 3]
    assert [len(d.items) for d in appraisal.domains("quadas_3")] == [4, 4, 8, 4]
    assert [d.applicability for d in appraisal.domains("quadas_3")] == [True, True, True, False]
    assert not any(d.applicability for d in appraisal.domains("quadas_c"))


def test_two_appraisals_agree_or_are_settled(tmp_path: Path) -> None:
    store = project(tmp_path)
    include(store, 1, 2)
    low = {str(i): "low" for i in range(1, 5)} | {f"a:{i}": "low" for i in range(1, 4)}
    for who in PEOPLE:
        appraisal.appraise(store, who, record=1, tool="quadas_2", answers=low | {"1.1": "yes"})
    appraisal.appraise(store, "anna", record=2, tool="quadas_2", answers=low)
    assert [bool(a.final) for a in appraisal.appraised(store, "quadas_2")] == [True, False]
    appraisal.appraise(store, "ben", record=2, tool="quadas_2", answers=low | {"2": "high", "a:1": "unclear"})
    found = appraisal.appraised(store, "quadas_2")[1]
    assert found.differ == ("applicability:Patient selection", "Index test")
    appraisal.settle(store, "ben", record=2, tool="quadas_2", answers={"2": "high", "a:1": "low"})
    assert appraisal.risk_of_bias(store)[2] == {"quadas_2.Patient selection": "low", "quadas_2.Index test": "high", "quadas_2.Reference standard": "low", "quadas_2.Flow and timing": "low", "quadas_2.overall": "high"}
    rows = appraisal.table_of(store, "quadas_2")
    assert rows[1][1] == {"bias": ["low", "high", "low", "low"], "applicability": ["low", "low", "low", ""], "overall": "high"}
    for answers, words in (({"9": "low"}, "no question or domain '9'"), (low | {"1": "medium"}, "'medium' is no answer"), (low | {"1.1": "ni"}, "'ni' is no answer")):
        with pytest.raises(DataError, match=words):
            appraisal.appraise(store, "anna", record=1, tool="quadas_2", answers=answers)
    with pytest.raises(DataError, match="no instrument 'quadas'"):
        appraisal.domains("quadas")
    with pytest.raises(DataError, match="it is not appraised"):
        appraisal.appraise(store, "anna", record=3, tool="quadas_2", answers=low)


# Flow.

def test_every_number_of_the_flow_is_counted_by_hand_too(tmp_path: Path) -> None:
    store = project(tmp_path, 12, sources=("A", "B"), other=("Citations",))
    # A holds records 1-4, B 5-8, Citations 9-12; 5 repeats 1, 9 repeats 2, 12 repeats 11
    for record, kept in ((5, 1), (9, 2), (12, 11)):
        merge_by_hand(store, "anna", record=record, kept=kept)
    include(store, 1, 11)
    for record, verdict in ((2, "include"), (3, "exclude"), (4, "exclude"), (10, "exclude")):
        for who in PEOPLE:
            screening.decide(store, who, record=record, verdict=verdict, reason="animals" if record == 3 else "")
    fulltext.retrieve(store, "anna", record=2)
    for who in PEOPLE:
        screening.decide(store, who, record=2, verdict="exclude", stage="fulltext", reason="wrong outcome")
    found = flow.flow(store).plain()
    assert found["databases"] == {
        "sources": {"A": 4, "B": 4}, "identified": 8, "duplicates": 1, "screened": {"all": 7, "exclude": 2, "include": 2, "open": 3}, "sought": {"all": 2, "retrieved": 2, "not retrieved": 0, "open": 0},
        "assessed": {"all": 2, "exclude": 1, "include": 1, "open": 0}, "reasons": {"title": {"": 1, "animals": 1}, "fulltext": {"wrong outcome": 1}}}
    assert (found["other"]["identified"], found["other"]["duplicates"], found["other"]["screened"]) == (4, 2, {"all": 2, "exclude": 1, "include": 1, "open": 0})
    assert (found["reports"], found["studies"], found["complete"]) == (2, 2, False)
    read_twice(store, 1, study="Kim 2020", tp="1", fp="0", fn="0", tn="1")
    read_twice(store, 11, study="Kim 2020", n="2", accuracy="100%")
    assert (flow.flow(store).studies, flow.flow(store).pooled) == (1, 1), "two reports of one study are one study"


def test_numbers_that_do_not_add_up_are_refused(tmp_path: Path) -> None:
    store = project(tmp_path, 4)
    include(store, 1)
    with store.engine.begin() as connection:
        connection.execute(delete(state).where(state.c.subject == "retrieval:1"))
    assert flow.flow(store).databases.sought["open"] == 1, "what is missing is open, and the numbers follow"
    merge_by_hand(store, "anna", record=4, kept=3)
    with store.engine.begin() as connection:
        connection.execute(delete(state).where(state.c.kind == "record", state.c.record == 4))
    with pytest.raises(DataError, match="do not add up"):
        flow.flow(store)
    store.rebuild()
    assert flow.flow(store).databases.duplicates == 1


def test_the_diagram_says_every_number_in_both_languages(tmp_path: Path) -> None:
    store = project(tmp_path, 12, other=("Citations",))
    include(store, 1, 2)
    found = flow.flow(store)
    for language, word in (("en", "Records screened"), ("es", "Registros cribados")):
        boxes = [line for main, beside in steps(found.databases, speak(language), language) for line in (*main, *beside)]
        drawn = flow_svg(found, language)
        assert any(line.startswith(word) for line in boxes)
        assert all(line in drawn or any(part in drawn for part in line.split(" (")) for line in boxes)
    assert all(en and es for en, es in PHRASES.values())
    with pytest.raises(DataError, match="no language 'fr'"):
        speak("fr")


# Pooling.

TABLES = {1: (49, 8, 1, 42), 2: (127, 19, 23, 131), 3: (74, 0, 1, 75), 4: (74, 15, 21, 80), 5: (257, 71, 5, 191)}


def extracted(folder: Path, records: Sequence[int]) -> Store:
    """A review with tables of some studies."""
    store = project(folder)
    include(store, *records)
    for record in records:
        cells = dict(zip(("tp", "fp", "fn", "tn"), map(str, TABLES[record]), strict=True))
        read_twice(store, record, study=f"Study {record}", **cells)
    return store


def test_the_review_pools_as_a_table_does(tmp_path: Path) -> None:
    store = extracted(tmp_path, (1, 2, 3, 4, 5))
    path = tmp_path / "t.csv"
    path.write_text("study,tp,fp,fn,tn\n" + "".join(f"Study {k},{','.join(map(str, v))}\n" for k, v in TABLES.items()), encoding="utf-8")
    ours, theirs = synthesis.pooled(store, QUICK), pool(read([path]), QUICK).plain()
    assert [ours[k]["estimate"] for k in ("sensitivity", "specificity")] == pytest.approx([theirs[k]["estimate"] for k in ("sensitivity", "specificity")], abs=1e-9)


def test_rows_without_a_table_are_left_out_with_their_reason(tmp_path: Path) -> None:
    store = extracted(tmp_path, (1, 2))
    include(store, 6)
    read_twice(store, 6, study="Study 6", sensitivity="90%")
    assert [(r["study"], r["table"]) for r in synthesis.left_out(extraction.completed(store))] == [("Study 6", "unknown")]
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(DataError, match="no row has a two-by-two table"):
        synthesis.pooled(project(empty), QUICK)


def test_an_update_says_what_is_new_and_what_moved(tmp_path: Path) -> None:
    store = extracted(tmp_path, (1, 2, 3, 4, 5))
    found = synthesis.update(store, 4, QUICK)
    assert (found["records"], found["included"], found["before"]["k"], found["after"]["k"]) == (8, [5], 4, 5)
    assert found["after"]["sensitivity"]["estimate"] != pytest.approx(found["before"]["sensitivity"]["estimate"], abs=1e-4)
    assert [n["study"] for n in found["newcomers"]] == ["Study 5"]
    assert found["newcomers"][0]["cook"] > 0
    assert found["after"]["region"]["confidence"] > 0
    assert (found["flow"]["reports"], found["flow"]["earlier"]) == (1, 4)
    with pytest.raises(DataError, match="no record 99"):
        synthesis.update(store, 99, QUICK)

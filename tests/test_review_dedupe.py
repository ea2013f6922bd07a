"""De-duplication: measured on exports with known truth, rule by rule on twins that are two papers, and as actions that can be taken back."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import review_noise as noise
from osteon.errors import DataError
from osteon.evidence.review import fields, history, imports, plan, screening
from osteon.evidence.review.dedupe import Grouped, dedupe, group, merge_by_hand
from osteon.evidence.review.pairs import judge
from osteon.evidence.review.signs import same_journal, same_people, signs
from osteon.evidence.review.store import Store, create
from osteon.evidence.review.titles import BEGINS, EQUAL, NEAR, OTHER, relation, title

PAPER = {"title": "Deep learning for detection of scaphoid fractures on radiographs: a multicentre study", "authors": "Müller, A.; De Silva, P.; Kim, J.", "year": "2020", "journal": "European radiology", "volume": "30",
         "issue": "4", "pages": "1234-1241", "doi": "10.1007/s00330-020-00001-1", "pmid": "32000001"}


def record(**changes: str) -> dict[str, str]:
    """The paper with changes; an empty value leaves the field out."""
    made = {**PAPER, **changes}
    return fields.record({**made, "authors": made["authors"].split("; ")})


def together(a: dict[str, str], b: dict[str, str]) -> bool:
    """Whether two records become one."""
    found = group([a, b])
    return found.group[0] == found.group[1]


def measured(search: noise.Search) -> tuple[Grouped, float, float]:
    """Groups of a search, precision and recall of its pairs."""
    records, truth = search.flat()
    found = group([fields.record({**r, "authors": r["authors"].split("; ")}) for r in records])
    return found, *noise.scores(found.group, truth)


def test_known_truth_is_recovered() -> None:
    search = noise.search(3000, 11)
    found, precision, recall = measured(search)
    assert precision >= 0.995
    assert recall >= 0.98
    truth = search.flat()[1]
    linked = {tuple(sorted((truth[a], truth[b]))) for a, b in found.links}
    assert linked <= {tuple(sorted(pair)) for pair in search.links}
    assert len(linked) >= 0.7 * len(search.links)


@pytest.mark.verify
@pytest.mark.parametrize("seed", [3, 7, 8, 9])
def test_twenty_thousand_records_with_real_titles(shared_data: Callable[[str], Path], seed: int) -> None:
    folder = shared_data("screening_synergy")
    titles = [r["title"] for f in sorted(folder.glob("*.csv")) for r in csv.DictReader(f.open(encoding="utf-8"))]
    _, precision, recall = measured(noise.search(20_000, seed, titles=titles))
    assert precision >= 0.999
    assert recall >= 0.99


@pytest.mark.parametrize(("changes", "why"), [
    ({"title": PAPER["title"].upper() + ".", "authors": "A Müller; P De Silva; J Kim", "doi": "", "pmid": "", "pages": "1234-41"}, "capitals, initials in front, short pages"),
    ({"doi": "https://doi.org/10.1007/S00330-020-00001-1", "pmid": "", "pages": "", "volume": "", "issue": ""}, "an article in press with its DOI as an address"),
    ({"title": "[HTML] " + PAPER["title"][:70] + "…", "doi": "", "pmid": ""}, "a title cut short with its pages"),
    ({"title": PAPER["title"].split(":")[0], "doi": "", "pmid": "", "journal": "Eur Radiol"}, "no subtitle, journal abbreviated"),
    ({"title": PAPER["title"].replace("detection", "detecton"), "doi": "", "pmid": "", "year": "2021"}, "a misprint and the year of the printed issue"),
    ({"title": f"[{PAPER['title']}].", "doi": "", "pmid": "", "pages": "", "volume": ""}, "brackets, no place"),
    ({"title": PAPER["title"].replace("multicentre", "multicenter"), "authors": "Muller A, De Silva P", "doi": "", "pmid": ""}, "another spelling, no accents"),
    ({"doi": "10.1007/s00330-020-00001-7", "pmid": ""}, "a wrong digit in the DOI, everything else the same")])
def test_faults_of_databases_do_not_keep_a_paper_apart(changes: dict[str, str], why: str) -> None:
    assert together(record(), record(**changes)), why


@pytest.mark.parametrize(("changes", "other", "why"), [
    ({"title": PAPER["title"] + ": part I"}, {"title": PAPER["title"] + ": part II", "pages": "1242-1249"}, "two parts"),
    ({}, {"title": "Erratum to: " + PAPER["title"], "pages": "2000"}, "an erratum"),
    ({}, {"kind": "Published Erratum", "pages": "2000", "year": "2021"}, "an erratum under the same title"),
    ({}, {"title": "Reply to: " + PAPER["title"], "authors": "Wang, X."}, "a reply"),
    ({}, {"year": "2025", "volume": "35", "pages": "99-104"}, "the same title five years later"),
    ({"kind": "Article"}, {"kind": "Conference Abstract", "journal": "Osteoarthritis and cartilage", "pages": "S33", "year": "2019", "issue": "Suppl 1"}, "the abstract of a meeting"),
    ({"title": PAPER["title"] + ": two-year results"}, {"title": PAPER["title"] + ": five-year results", "pages": "88-93"}, "another follow-up"),
    ({"title": "Loosening of cemented implants in 200 patients after revision"}, {"title": "Loosening of uncemented implants in 200 patients after revision", "pages": ""}, "one word"),
    ({"title": PAPER["title"] + ": a randomised trial"}, {"title": PAPER["title"] + ": study protocol", "year": "2018", "pages": "7"}, "the protocol"),
    ({"title": "Editorial", "pages": "1-2"}, {"title": "Editorial", "authors": "Kim, J.", "pages": "3-4"}, "two editorials"),
    ({"title": "Abstract 12: gait of runners with knee pain", "doi": "10.1016/j.joca.2020.02.001"}, {"title": "Abstract 77: bone density of rowers in winter", "doi": "10.1016/j.joca.2020.02.001", "pages": "S9"}, "one DOI for a supplement"),
    ({"pmid": "32000001"}, {"pmid": "32000002"}, "two PubMed numbers")])
def test_twins_that_are_two_papers_stay_two(changes: dict[str, str], other: dict[str, str], why: str) -> None:
    assert not together(record(**{"doi": "", "pmid": "", **changes}), record(**{"doi": "", "pmid": "", **other})), why
    assert not together(record(**{"doi": "", "pmid": "", **other}), record(**{"doi": "", "pmid": "", **changes})), f"{why}, in the other order"


def test_a_preprint_is_linked_and_not_merged() -> None:
    early = record(journal="medRxiv", doi="10.1101/2019.05.01.19000123", pages="", volume="", issue="", pmid="", year="2019", kind="Preprint")
    found = group([record(), early, record(doi="", pmid="", journal="medRxiv", pages="", volume="", issue="", year="2019", kind="")])
    assert found.group[0] != found.group[1] == found.group[2]
    assert found.links == ((0, 1),)


def test_a_record_that_may_be_either_of_two_is_left_to_a_person() -> None:
    paper, notice = record(), record(pages="2000", doi="10.1007/s00330-020-00777-1", pmid="32000777", kind="Published Erratum")
    vague = record(doi="", pmid="", pages="", volume="", issue="", kind="")
    found = group([paper, record(pages="1500-1507", doi="10.1007/s00330-020-00888-1", pmid="32000888"), vague])
    assert len(set(found.group)) == 3
    assert {d[:2] for d in found.doubtful} == {(0, 2), (1, 2)}
    assert group([paper, notice, vague]).group == (0, 1, 0), "an erratum under the title of its paper draws no record that says nothing"


def test_the_outcome_does_not_depend_on_the_sequence() -> None:
    records, _ = noise.search(600, 5).flat()
    made = [fields.record({**r, "authors": r["authors"].split("; ")}) for r in records]
    def sets(order: Sequence[int]) -> set[frozenset[int]]:
        found = group([made[i] for i in order]).group
        members: dict[int, list[int]] = {}
        for place, root in enumerate(found):
            members.setdefault(root, []).append(order[place])
        return {frozenset(m) for m in members.values()}

    assert sets(range(len(made))) == sets(list(reversed(range(len(made)))))


@pytest.mark.parametrize(("a", "b", "what"), [
    ("Tumour of the X-ray", "Tumor of the x ray", EQUAL), ("A [PDF] trial", "A (PDF) trial", EQUAL), ("Magnetic resonance imaging of torn menisci in runners", "MRI of torn menisci in runners", NEAR),
    ("Knee pain after surgery in adults", "Knee pain after surgrey in adults", NEAR), ("Results of hip surgery", "Results of knee surgery", OTHER), ("Fixation of the radius: a trial", "Fixation of the radius", BEGINS),
    ("Fixation of the radius", "Reply: Fixation of the radius", OTHER), ("Cost & value of plates", "Cost and value of plates", EQUAL), ("Abduction of the shoulder joint", "Adduction of the shoulder joint", NEAR)])
def test_how_two_titles_compare(a: str, b: str, what: str) -> None:
    assert relation(title(a), title(b)) == what
    assert relation(title(b), title(a)) == what


def test_one_letter_may_be_another_word_and_then_the_place_decides() -> None:
    one, two = {"title": "Abduction of the shoulder joint", "doi": "", "pmid": ""}, {"title": "Adduction of the shoulder joint", "doi": "", "pmid": "", "pages": "7-9"}
    assert not together(record(**one), record(**two))


def test_journals_and_people() -> None:
    assert same_journal("the journal of bone and joint surgery american volume", "j bone joint surg am")
    assert same_journal("the journal of bone …", "j bone joint surg am")
    assert not same_journal("radiology", "european radiology")
    assert same_journal("", "spine") is None
    assert same_people(("muller", "silva"), ("muller", "silva", "kim"))
    assert not same_people(("wang",), ("muller", "silva"))
    assert same_people((), ("wang",)) is None


def test_the_evidence_is_named() -> None:
    told = [judge(signs(record()), signs(record(**c))) for c in ({}, {"pmid": ""}, {"pmid": "", "doi": ""}, {"pmid": "", "doi": "", "pages": ""})]
    assert [(v.strength, v.why) for v in told if v] == [(6, "PMID"), (6, "DOI"), (5, "title, year and first page"), (4, "title, year, people and journal")]


# As actions in a project.

def project(folder: Path, *, managed: bool = False, n: int = 300) -> tuple[Store, noise.Search]:
    """A review with a noisy search, as the databases wrote it or as a reference manager wrote it anew."""
    search = noise.search(n, 4)
    store = create(folder / f"{managed}.review")
    plan.set_plan(store, "anna", plan.from_plain({"title": "T", "sources": [{"name": s} for s in noise.SOURCES], "people": {"reviewers": ["anna", "ben"]}}))
    for source in noise.SOURCES:
        path = folder / f"{source}.ris"
        path.write_text(noise.ris(search.records[source], manager=managed), encoding="utf-8")
        imports.import_file(store, "anna", path=path, source=source)
    return store, search


def merges(store: Store) -> dict[int, int]:
    """Each merged record and the one that is kept."""
    return {m["record"]: int(m["value"]) for m in store.payloads("merge")}


def test_raw_and_managed_exports_give_the_same_result(tmp_path: Path) -> None:
    raw, managed = (project(tmp_path, managed=m)[0] for m in (False, True))
    assert dedupe(raw, "anna").merged == dedupe(managed, "anna").merged > 50
    def sets(store: Store) -> set[frozenset[int]]:
        kept: dict[int, set[int]] = {}
        for record_, into in merges(store).items():
            kept.setdefault(into, {into}).add(record_)
        return {frozenset(s) for s in kept.values()}

    assert sets(raw) == sets(managed)


def test_a_second_run_changes_nothing_and_counts_only_fall(tmp_path: Path) -> None:
    store, _ = project(tmp_path)
    found = dedupe(store, "anna")
    assert found.merged == sum(found.by.values()) == len(merges(store))
    events = len(store.dump())
    assert (dedupe(store, "ben").merged, len(store.dump())) == (0, events)


def test_a_merge_that_is_taken_back_stays_apart(tmp_path: Path) -> None:
    store, _ = project(tmp_path, n=120)
    dedupe(store, "anna")
    merge = store.payloads("merge")[0]
    history.undo(store, "ben", merge["event"])
    assert merge["record"] not in merges(store)
    assert dedupe(store, "anna").merged == 0
    assert merge["record"] not in merges(store)
    assert [e["more"] for e in history.log(store, record=merge["record"], kind="merge")][0]


def test_a_whole_run_can_be_taken_back_and_done_again(tmp_path: Path) -> None:
    store, _ = project(tmp_path, n=120)
    found = dedupe(store, "anna")
    before = merges(store)
    history.undo(store, "anna", found.event)
    assert merges(store) == {}
    assert dedupe(store, "anna").merged == found.merged
    assert merges(store) == before


def test_a_later_search_joins_what_is_there_and_a_decided_record_is_kept(tmp_path: Path) -> None:
    store, search = project(tmp_path, n=120)
    dedupe(store, "anna")
    kept = next(iter(screening.standings(store, "title")))
    screening.decide(store, "anna", record=kept, verdict="include")
    first = imports.records_of(store)[kept]
    poor = {**dict.fromkeys(search.records["Scholar"][0], ""), "title": first["title"], "authors": first["authors"], "year": first["year"], "journal": first["journal"], "pages": first["pages"], "doi": first.get("doi", ""),
            "volume": first.get("volume", ""), "abstract": "With an abstract and more fields than the one that is there.", "pmid": first.get("pmid", ""), "kind": first.get("kind", ""), "issue": first.get("issue", "")}
    path = tmp_path / "new.ris"
    path.write_text(noise.ris([poor], manager=True), encoding="utf-8")
    imports.import_file(store, "anna", path=path, source="Scholar")
    assert dedupe(store, "anna").merged == 1
    assert merges(store)[max(imports.records_of(store))] == kept


def test_merging_by_hand_and_what_it_refuses(tmp_path: Path) -> None:
    store, _ = project(tmp_path, n=60)
    merge_by_hand(store, "anna", record=2, kept=1)
    for record_, kept, words in ((2, 3, "merged into 1 already"), (3, 3, "record 3 twice"), (999, 1, "no record 999"), (3, 2, "merged into 1 already.*Name 1")):
        with pytest.raises(DataError, match=words):
            merge_by_hand(store, "anna", record=record_, kept=kept)

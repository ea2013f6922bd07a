"""Reading the exports of databases and reference managers: every format, the quirks of each, and what damaged files get."""

from __future__ import annotations

from pathlib import Path

import pytest

import review_noise as noise
from osteon.errors import DataError
from osteon.evidence.review import fields, imports, plan
from osteon.evidence.review.imports import read_file
from osteon.evidence.review.store import Store, create


def written(folder: Path, name: str, text: str | bytes) -> Path:
    """A file with this text."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def project(folder: Path) -> Store:
    """A review with three sources."""
    store = create(folder / "a.review")
    plan.set_plan(store, "anna", plan.from_plain({"title": "T", "sources": [{"name": n} for n in noise.SOURCES], "people": {"reviewers": ["anna", "ben"]}}))
    return store


PAPER = {"title": "Knee radiographs read by a network", "authors": "Müller, Anna B; O'Neill, C", "year": "2021", "journal": "Skeletal radiology", "volume": "50", "issue": "3", "pages": "123-130", "doi": "10.1000/abc.123",
         "pmid": "33445566", "abstract": "We read films."}
NBIB = """PMID- 33445566
OWN - NLM
DP  - 2021 Mar 4
TI  - Knee radiographs read by a
      network
PG  - 123-30
LID - 10.1000/abc.123 [doi]
VI  - 50
IP  - 3
AB  - We read
      films.
FAU - Müller, Anna B
AU  - Müller AB
FAU - O'Neill, C
AU  - O'Neill C
JT  - Skeletal radiology
AID - 10.1000/ABC.123 [doi]
AID - odd identifier without a kind
PHST- never/ever
"""
RIS = """TY  - JOUR
T1  - Knee radiographs read by a network
A1  - Müller, Anna B
A1  - O'Neill, C
Y1  - 2021/03/04/
JF  - Skeletal radiology
VL  - 50
IS  - 3
SP  - 123
EP  - 130
DO  - https://doi.org/10.1000/ABC.123
AN  - 33445566
N2  - We read
films.
ER  -{}
""".replace("{}", " ")
ENDNOTE_RIS = """TY  - JOUR
AU  - Müller, Anna B
AU  - O'Neill, C
DA  - 2021///
DO  - 10.1000/abc.123.
TI  - Knee radiographs read by a network
PY  - 2021
SP  - 123-130
T2  - Skeletal radiology
VL  - 50
IS  - 3
AB  - We read films.
N1  - PMID: 33445566
ER  -{}
""".replace("{}", " ")
BIBTEX = r"""@comment{nothing}
@article{key1,
  title = {{Knee} radiographs read by a network},
  author = {M{\"u}ller, Anna B and O'Neill, C},
  journal = {Skeletal radiology}, year = 2021, volume = {50}, number = {3}, pages = {123--130},
  doi = {10.1000/abc.123}, pmid = {33445566}, abstract = {We read films.}
}
"""
PUBMED_XML = """<?xml version="1.0"?><PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>33445566</PMID><Article><Journal><JournalIssue><Volume>50</Volume><Issue>3</Issue>
<PubDate><Year>2021</Year><Month>Mar</Month></PubDate></JournalIssue><Title>Skeletal radiology</Title></Journal><ArticleTitle>Knee radiographs <i>read</i> by a network</ArticleTitle>
<Pagination><MedlinePgn>123-30</MedlinePgn></Pagination><Abstract><AbstractText Label="AIM">We read films.</AbstractText></Abstract><AuthorList><Author><LastName>Müller</LastName><ForeName>Anna B</ForeName></Author>
<Author><LastName>O'Neill</LastName><ForeName>C</ForeName></Author></AuthorList></Article></MedlineCitation><PubmedData><ArticleIdList><ArticleId IdType="doi">10.1000/abc.123</ArticleId></ArticleIdList></PubmedData></PubmedArticle></PubmedArticleSet>"""
ENDNOTE_XML = """<xml><records><record><ref-type name="Journal Article">17</ref-type><contributors><authors><author><style>Müller, Anna B</style></author><author>O'Neill, C</author></authors></contributors>
<titles><title><style face="normal">Knee radiographs read by a </style><style>network</style></title><secondary-title>Skeletal radiology</secondary-title></titles><pages>123-130</pages><volume>50</volume><number>3</number>
<dates><year>2021</year></dates><electronic-resource-num>10.1000/abc.123</electronic-resource-num><accession-num>33445566</accession-num><abstract>We read films.</abstract></record></records></xml>"""
CSV = """\ufeffArticle title;Author names;Publication year;Source title;Volume;Issue;Page start;Page end;DOI;PubMed ID;Abstract
Knee radiographs read by a network;Müller, Anna B; O'Neill, C;2021;Skeletal radiology;50;3;123;130;10.1000/abc.123;33445566;We read films.
""".replace("B; O", "B| O")


@pytest.mark.parametrize(("name", "text"), [("a.nbib", NBIB), ("a.ris", RIS), ("b.ris", ENDNOTE_RIS), ("a.bib", BIBTEX), ("a.xml", PUBMED_XML), ("b.xml", ENDNOTE_XML), ("a.csv", CSV), ("crlf.ris", RIS.replace("\n", "\r\n")),
                                          ("mac.ris", RIS.replace("\n", "\r")), ("utf16.ris", RIS.encode("utf-16")), ("latin.ris", RIS.encode("latin-1")), ("a.txt", NBIB)])
def test_every_format_gives_the_same_record(tmp_path: Path, name: str, text: str | bytes) -> None:
    good, bad = read_file(written(tmp_path, name, text.replace("|", ";").replace('Müller, Anna B; O', '"Müller, Anna B; O').replace("Neill, C;", 'Neill, C";') if name == "a.csv" else text))  # type: ignore[union-attr, arg-type]
    assert (len(good), bad) == (1, [])
    assert {k: good[0].get(k) for k in PAPER} == PAPER


@pytest.mark.parametrize(("raw", "made"), [("MÃ¼ller", "Müller"), ("<i>In vivo</i> &amp; <b>in vitro</b>", "In vivo & in vitro"), ("a  b\n c", "a b c"), ("p < 0.05 in A", "p < 0.05 in A"), ("it\u00e2\u20ac\u2122s", "it\u2019s"),
                                           ("A trial<sup>1</sup>.", "A trial.")])
def test_text_is_cleaned_and_nothing_is_lost(raw: str, made: str) -> None:
    assert fields.text(raw) == made


@pytest.mark.parametrize(("raw", "made"), [("Smith JA", "Smith, JA"), ("JA Smith", "Smith, JA"), ("Smith, J.A.", "Smith, J. A."), ("John A. Smith", "Smith, John A."), ("T Van der Berg", "Van der Berg, T"), ("...", ""), ("WHO", "WHO")])
def test_names_are_turned_to_family_first(raw: str, made: str) -> None:
    assert fields.author(raw) == made


def test_identifiers_pages_and_years_have_one_form() -> None:
    assert {fields.doi(d) for d in ("10.1016/S0140-6736(20)30183-5", "doi: 10.1016/s0140-6736(20)30183-5.", "https://doi.org/10.1016/S0140-6736(20)30183-5", "(http://dx.doi.org/10.1016/s0140-6736(20)30183-5)")} == {"10.1016/s0140-6736(20)30183-5"}
    assert [fields.pages(p) for p in ("123-30", "123\u2013130", "pp. 123-130", "e45", "S12-S15", "7-7")] == ["123-130", "123-130", "123-130", "e45", "S12-S15", "7"]
    assert [fields.year(y) for y in ("2021 Mar 4", "04/03/2021", "March 2021", "2019-2021", "", "n.d.", 2021)] == ["2021", "2021", "2021", "", "", "", "2021"]
    assert fields.doi("see 11.1000/x") == ""
    assert fields.pmid("PMID: 0123") == "123"


def test_counts_stand_by_source_and_the_same_file_twice_changes_nothing(tmp_path: Path) -> None:
    store, search = project(tmp_path), noise.search(120, 3)
    files = {"PubMed": written(tmp_path, "p.nbib", noise.nbib(search.records["PubMed"])), "Embase": written(tmp_path, "e.ris", noise.ris(search.records["Embase"])), "Scholar": written(tmp_path, "s.ris", noise.ris(search.records["Scholar"], manager=True))}
    for source, path in files.items():
        found = imports.import_file(store, "anna", path=path, source=source)
        assert (found.new, found.known, found.bad) == (len(search.records[source]), 0, ())
    events = len(store.dump())
    for source, path in files.items():
        assert imports.import_file(store, "ben", path=path, source=source.upper()).new == 0
    assert len(store.dump()) == events
    assert {k: v["identified"] for k, v in imports.counts_of(store).items()} == {k: len(v) for k, v in search.records.items()}
    part = written(tmp_path, "part.ris", noise.ris(search.records["Embase"][:10] * 2))
    again = imports.import_file(store, "anna", path=part, source="Embase")
    assert (again.known, again.new) == (10, 10), "a record that stands twice in one export is two records of the search"


def test_damaged_records_are_listed_with_their_lines_and_the_others_kept(tmp_path: Path) -> None:
    text = RIS + "TY  - JOUR\nAU  - Nobody, N\nPY  - 2020\nER  - \n" + RIS.replace("radiographs", "films") + "TY  - JOUR\nTI  - This one is cut in the mid"
    good, bad = read_file(written(tmp_path, "a.ris", text))
    assert [g["title"].split()[1] for g in good] == ["radiographs", "films"]
    assert [(b.line, b.why) for b in bad] == [(16, "a record needs a title"), (35, "the file ends inside of this record: it was cut")]
    assert "Nobody" in imports.bad_csv(tuple(bad))
    unended = RIS.replace("ER  - \n", "") + RIS
    assert len(read_file(written(tmp_path, "b.ris", unended))[0]) == 2


def test_one_file_may_hold_two_encodings(tmp_path: Path) -> None:
    good, bad = read_file(written(tmp_path, "a.ris", RIS.encode() + RIS.encode("cp1252")))
    assert bad == []
    assert {g["authors"] for g in good} == {PAPER["authors"]}


@pytest.mark.parametrize(("name", "text", "words"), [
    ("a.ris", "", "the file is empty"), ("a.ris", b"\x00\x01\x02" * 50, "no text"), ("a.pdf", "%PDF", "format is not known"), ("a.csv", "name,when\nx,2020\n", "no column is known as the title.*Found|--map THEIRS=title"),
    ("a.xml", "<!DOCTYPE x [<!ENTITY a 'b'>]><x/>", "entities of its own"), ("a.bib", "@article{a, title={no end", "no record could be read.*line 1.*braces"), ("a.ris", "TY  - JOUR\nER  - \n", "no record could be read.*line 1"),
    ("a.xml", "<PubmedArticleSet><PubmedArticle>", "XML breaks off at line 1")])
def test_files_without_a_readable_record_say_why(tmp_path: Path, name: str, text: str | bytes, words: str) -> None:
    with pytest.raises(DataError, match=words):
        imports.import_file(project(tmp_path), "anna", path=written(tmp_path, name, text), source="PubMed")


def test_other_column_names_are_mapped_and_rows_with_too_many_cells_are_listed(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "heading,when,title of journal\nOne paper of many,2020-03-04,J One\nToo, many, cells, here\nAnother paper,March 2021,J Two\nThird paper,04/03/2019,J Three\n")
    good, bad = read_file(path, mapping={"heading": "title", "WHEN": "year", "title of journal": "journal"})
    assert [(g["title"], g["year"]) for g in good] == [("One paper of many", "2020"), ("Another paper", "2021"), ("Third paper", "2019")]
    assert [b.line for b in bad] == [3]
    with pytest.raises(DataError, match="no column 'headings'.*Did you mean 'heading'"):
        read_file(path, mapping={"headings": "title"})
    with pytest.raises(DataError, match="no field 'titel'.*Did you mean 'title'"):
        read_file(path, mapping={"heading": "titel"})


def test_a_broken_xml_keeps_what_came_before(tmp_path: Path) -> None:
    good, bad = read_file(written(tmp_path, "a.xml", PUBMED_XML.replace("</PubmedArticleSet>", "\n<PubmedArticle><oops></PubmedArticle></PubmedArticleSet>")))
    assert len(good) == 1
    assert "breaks off at line 5" in bad[0].why


def test_an_unknown_source_is_named_with_the_near_one(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'Embas' is none of the sources.*Did you mean 'Embase'"):
        imports.import_file(project(tmp_path), "anna", path=written(tmp_path, "a.ris", RIS), source="Embas")


@pytest.mark.verify
def test_a_file_of_200_megabytes_is_read(tmp_path: Path) -> None:
    path = tmp_path / "big.ris"
    with path.open("w", encoding="utf-8") as file:
        for i in range(100_000):
            file.write(RIS.replace("network", f"network {i}").replace("We read", "We read " + "films and more films " * 90))
    assert path.stat().st_size > 200_000_000
    good, bad = read_file(path)
    assert (len(good), bad) == (100_000, [])


@pytest.mark.parametrize(("given", "made"), [("2023-11-01", "2023-11-01"), ("1 Nov 2023", "2023-11-01"), ("25/11/2023", "2023-11-25"), ("1.11.2023", "2023-11-01")])
def test_dates_of_searches(given: str, made: str) -> None:
    assert plan.day(given, "x") == made


def test_what_a_plan_refuses(tmp_path: Path) -> None:
    for data, words in (({"title": ""}, "no title"), ({"title": "T", "sources": [{"name": "A", "kind": "shop"}]}, "no kind 'shop'"), ({"title": "T", "sources": [{"name": "A"}, {"name": "A"}]}, "stands twice"),
                        ({"title": "T", "sources": [{"name": "A", "searched": "03/04/2023"}]}, "two ways"), ({"title": "T", "queston": {}}, "Did you mean 'question'"), ({"title": "T", "question": {"who": "x"}}, "'who' is not known"),
                        ({"title": "T", "people": {"per_record": 3}}, "3 decisions"), ({"title": "T", "sources": ["A"]}, "this is no plan")):
        with pytest.raises(DataError, match=words):
            plan.from_plain(data)
    path = written(tmp_path, "p.yaml", "title: [unclosed")
    with pytest.raises(DataError, match="no YAML"):
        plan.read_plan(path)
    made = plan.from_plain({"title": "T", "areas": ["basic science"], "reasons": {"fulltext": ["wrong outcome"]}})
    assert plan.from_plain(plan.plain(made)) == made

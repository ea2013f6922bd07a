"""What leaves a review: its report in two languages and shapes, its files, and the checks of what it says of itself, on the shipped example."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import sqlite3
import zipfile
from pathlib import Path

import pytest

from osteon.errors import DataError
from osteon.evidence.pool import Settings
from osteon.evidence.pool_table import read
from osteon.evidence.review import appraisal, checks, example_project, exports, imports, report, screening, synthesis
from osteon.evidence.review.figure_appraisal import appraisal_svgs
from osteon.evidence.review.imports import read_file
from osteon.evidence.review.store import Store, open_store
from osteon.report.content import Article, Table, blocks_of
from osteon.report.export import exported

QUICK = Settings(bootstrap=0)


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The example project, with two studies appraised."""
    store = example_project.make(tmp_path_factory.mktemp("example") / "seed.review")
    named = {r["title"]: n for n, r in imports.records_of(store).items()}
    for record, second in ((named["Ashkani 2022"], "high"), (named["Maras 2022"], "unclear")):
        answers = {"1": "low", "2": second, "3": "low", "4": "high", "a:1": "low", "a:2": "low", "a:3": "unclear"}
        appraisal.appraise(store, example_project.WHO, record=record, tool="quadas_3", answers=answers)
    return store


def test_the_example_is_the_printed_list_and_its_figures_as_they_stand_elsewhere(example: Store) -> None:
    with example_project.TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    records = imports.records_of(example)
    assert len(records) == len(rows) == 62
    assert [r["accession"] for r in records.values()] == [r["reference"] for r in rows]
    shipped = read(["example"]).only("set", "seed review")
    assert {r.source.study: (r.table.tp, r.table.fp, r.table.fn, r.table.tn) for _, r in synthesis.evidence(example) if r.table} == dict(zip(shipped.study, shipped.counts, strict=True))
    assert {r["table"] for r in synthesis.left_out(list(synthesis.completed(example)))} == {"none", "several", "unknown"}


def test_the_check_finds_what_the_review_contradicts(example: Store) -> None:
    found = {f.said: f for f in checks.check(example)}
    said = {key: next(f for s, f in found.items() if key in s) for key in ("862 identified", "595 included", "281 + 102", "53 (abstract)", "73 %", "2020 to 2023", "conference paper", "meta-analysis", "595 included studies", "PRISMA-DTA")}
    assert said["862 identified"].status == "contradicted"
    assert "36 of 62 listed studies have several (98 labels)" in said["281 + 102"].counted
    assert said["53 (abstract)"].status == "contradicted"
    assert (said["73 %"].status, "135 of 185, 434 of 595" in said["73 %"].counted) == ("cannot be checked", True)
    assert all(name in said["2020 to 2023"].counted for name in ("Staartjes 2019", "Kang 2019", "Yang L 2019", "Maki 2024"))
    assert "the list holds 4" in said["conference paper"].counted
    assert "533 cannot be checked" in found["595 included studies"].counted
    assert found["every record is decided"].status == "holds"


@pytest.fixture
def another(example: Store, tmp_path: Path) -> Store:
    """A copy of the example that a test may change."""
    return open_store(shutil.copy(example.engine.url.database or "", tmp_path / "copy.review"))


def test_claims_hold_where_they_are_true(another: Store) -> None:
    store = another
    checks.state_claims(store, "x", [{"rule": "count", "of": "identified", "value": 62}, {"rule": "window", "from": 2019, "to": 2024}, {"rule": "listed", "value": 62}, {"rule": "share", "what": "x", "percent": 50, "candidates": [62]},
                                     {"rule": "share", "what": "y", "percent": 51, "candidates": [10]}, {"rule": "kinds", "excluded": ["letter"]}, {"rule": "pair", "what": "z", "values": {"a": 1, "b": 1}}, {"rule": "sum", "what": "s", "total": 3, "parts": {"a": 1, "b": 1}}])
    status = [f.status for f in checks.check(store)][4:]
    assert status == ["holds", "holds", "holds", "holds", "contradicted", "holds", "holds", "contradicted"]
    with pytest.raises(DataError, match="no rule 'cont'.*Did you mean 'count'"):
        checks.state_claims(store, "x", [{"rule": "cont"}])


@pytest.fixture(scope="module")
def made(example: Store) -> Article:
    """What the report says, in English."""
    return report.article(example, settings=QUICK)


@pytest.fixture(scope="module")
def pages(example: Store, made: Article) -> dict[str, str]:
    """The report in both languages."""
    folder = Path(example.engine.url.database or "").parent
    spanish = report.write(example, folder / "es.html", language="es", settings=QUICK)
    return {"en": exported(made, "html").decode(), "es": spanish.read_text(encoding="utf-8")}


def test_the_report_has_every_part(pages: dict[str, str]) -> None:
    for anchor in ("methods", "flow", "selection", "characteristics", "frequencies", "map", "quality", "synthesis", "consistency", "checklist"):
        assert f'<section id="{anchor}">' in pages["en"], anchor
    assert len(re.findall(r'<svg role="img"', pages["en"])) >= 6
    assert "0.982" in pages["en"]
    assert "the report contradicts itself" in pages["en"]
    assert "Table 1 of the review" in pages["en"]
    assert "http" not in re.sub(r'xmlns[:\w]*="[^"]*"|href="data:[^"]*"', "", pages["en"]), "the page fetches nothing"


def test_the_spanish_report_speaks_spanish(pages: dict[str, str]) -> None:
    page = pages["es"]
    assert '<html lang="es">' in page
    assert all(word in page for word in ("Flujo de estudios", "Riesgo de sesgo y aplicabilidad", "Lista PRISMA-DTA", "Contenido", "Condición diana"))
    assert "<h2>Flow of studies</h2>" not in page


def test_frequencies_have_their_denominator(made: Article) -> None:
    tables = {b.name: b for s in made.sections for b in blocks_of(s) if isinstance(b, Table)}
    rows = tables["terms-modality"].rows
    assert all(re.fullmatch(r"\d+ of 13", row[1].text) for row in rows)  # type: ignore[union-attr]
    assert {row[0] for row in rows} >= {"radiograph", "MRI", "CT", "ultrasound"}
    anchors = {s.name for s in made.sections}
    assert set(report.ANCHORS.values()) <= anchors


def test_the_report_is_a_document_too(example: Store, made: Article, tmp_path: Path) -> None:
    from docx import Document

    text = "\n".join(p.text for p in Document(io.BytesIO(exported(made, "docx"))).paragraphs)
    assert "Flow of studies" in text
    assert json.loads(exported(made, "json"))["title"].startswith("Deep learning")
    with pytest.raises(DataError, match="no report of the kind '.pdf'"):
        report.write(example, tmp_path / "r.pdf")


def test_lights_and_bars_say_it_without_colour(example: Store) -> None:
    rows = [(str(n), judged) for n, judged in appraisal.table_of(example, "quadas_3")]
    drawn = appraisal_svgs(rows, "quadas_3", "en")
    assert set(drawn) == {"quadas_3-lights", "quadas_3-bars"}
    for sign in ("+", "?", "\u2212", "Participants", "Target condition", "Applicability concern"):
        assert f">{sign}</text>" in drawn["quadas_3-lights"], sign
    assert drawn["quadas_3-lights"].count(">Participants</text>") == 2, "bias and applicability"


def test_records_come_back_from_every_file(example: Store, tmp_path: Path) -> None:
    records = imports.records_of(example)
    for form, which, n in (("ris", "all", 62), ("csv", "included", 62), ("csv", "excluded", 0), ("ris", "open", 0)):
        path = tmp_path / f"{which}.{form}"
        assert exports.write(example, form, path, which=which) == n
        if n:
            good, bad = read_file(path)
            assert bad == []
            assert [(g["title"], g["year"]) for g in good] == [(r["title"], r["year"]) for r in records.values()]
    for call, words in ((lambda: exports.write(example, "word", tmp_path / "x"), "no form 'word'"), (lambda: exports.write(example, "csv", tmp_path / "x", which="some"), "no choice 'some'")):
        with pytest.raises(DataError, match=words):
            call()


def test_rows_go_to_revman_and_back_to_pool(example: Store, tmp_path: Path) -> None:
    assert exports.write(example, "revman", tmp_path / "revman.csv") == 5
    first = next(csv.DictReader(io.StringIO((tmp_path / "revman.csv").read_text(encoding="utf-8"))))
    assert (first["Study ID"], first["Year"], first["TP"], first["TN"]) == ("Ashkani-Esfahani 2022", "2022", "1036", "1035")
    exports.write(example, "rows", tmp_path / "rows.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "rows.csv").read_text(encoding="utf-8"))))
    assert sum(bool(r["tp"]) for r in rows) == 5
    assert next(r for r in rows if r["study"].startswith("Ashkani"))["risk_of_bias.quadas_3.overall"] == "high"


def test_an_asreview_project_holds_records_and_labels(example: Store, tmp_path: Path) -> None:
    path = tmp_path / "seed.asreview"
    assert exports.write(example, "asreview", path) == 62
    with zipfile.ZipFile(path) as archive:
        about = json.loads(archive.read("project.json"))
        archive.extract("results.db", tmp_path)
        names = archive.namelist()
    assert {"project.json", "results.db", "data/records.csv", "feature_matrices/"} <= set(names)
    assert (about["mode"], about["project_file_version"], about["review"]["status"]) == ("oracle", 3, "setup")
    connection = sqlite3.connect(tmp_path / "results.db")
    assert connection.execute("PRAGMA user_version").fetchone() == (3,)
    assert connection.execute("SELECT count(*), min(record_id), sum(group_id = record_id) FROM record").fetchone() == (62, 0, 62)
    assert connection.execute("SELECT count(*), sum(label) FROM results").fetchone() == (62, 62)
    connection.close()


def test_a_formula_in_a_title_stays_text(another: Store, tmp_path: Path) -> None:
    store = another
    path = tmp_path / "n.csv"
    path.write_text('title,year\n"=HYPERLINK(""x"")",2020\n', encoding="utf-8")
    imports.import_file(store, "x", path=path, source=example_project.LIST)
    assert "'=HYPERLINK" in exports.as_csv(store)
    assert screening.progress(store, "title")["waiting"] == 1

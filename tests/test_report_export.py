"""A report leaves as HTML, DOCX and JSON with the same content, and every figure leaves with the data it was drawn from."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import docx
import numpy as np
import pytest
from PIL import Image

from every_family import EVERYTHING, run_everything
from osteon.report import article
from osteon.report.content import Article, Drawing, Front, Paragraph, Section, Slider, Table, blocks_of, drawings_of
from osteon.report.export import exported, write_files
from osteon.report.facts import gather
from osteon.report.figures.agreement import Pairs, agreement
from osteon.report.figures.data import described, redrawn
from osteon.report.figures.style import png, svg
from osteon.report.sections import ORDER, SECTIONS
from osteon.report.words import STAMP
from osteon.run import Run, slug


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One run with every family of targets, whose report is written."""
    run, _ = run_everything(tmp_path_factory.mktemp("everything") / "run", origin="simulated")
    return run


@pytest.fixture(scope="module")
def told(done: Run) -> Article:
    made = article(done, study=EVERYTHING)
    write_files(made, done)
    return made


@pytest.fixture(scope="module")
def document(told: Article) -> Any:
    return docx.Document(io.BytesIO(exported(told, "docx")))


class Page(HTMLParser):
    """Headings, captions, cells and notes of a page as text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: dict[str, list[str]] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("a", "br", "img", "input", "meta", "link"):
            self.open += ["skip"] if tag == "a" else []
            return
        self.open.append(tag)
        self.found.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] in (tag, "skip"):
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if "skip" not in self.open:
            for tag in set(self.open):
                self.found[tag][-1] += data


@pytest.fixture(scope="module")
def page(told: Article) -> dict[str, list[str]]:
    reader = Page()
    reader.feed(exported(told, "html").decode())
    return {tag: [" ".join(t.split()) for t in texts] for tag, texts in reader.found.items()}


def paragraphs(document: Any, *styles: str) -> list[str]:
    return [" ".join(p.text.split()) for p in document.paragraphs if not styles or p.style.name in styles]


def test_sections_stand_in_the_order_that_is_stated(told: Article) -> None:
    names = [make.__name__ for make in SECTIONS]
    assert names == [n for n in ORDER if n in names]
    assert len(set(ORDER)) == len(ORDER)
    assert [s.name for s in told.sections] == [n for n in ORDER if n in {s.name for s in told.sections}]
    specified = ("cases", "leakage", "plan", "results", "utility", "thresholds", "subgroups", "readers", "failures", "explanation", "uncertainty", "shift", "sensitivity", "checklists", "card", "row")
    assert [n for n in ORDER if n in specified] == list(specified)


def test_every_figure_has_its_data_beside_it(done: Run, told: Article) -> None:
    folder = done.folder / "figures"
    pictures = {p.stem for p in folder.iterdir() if p.suffix in (".svg", ".jpg")}
    assert pictures == {p.stem for p in folder.glob("*.json")} == {slug(d.name) for d in drawings_of(told)}
    assert len(pictures) > 25
    for path in folder.glob("*.json"):
        data = json.loads(path.read_text(encoding="utf-8"), parse_constant=lambda word: pytest.fail(f"a figure holds {word}"))
        assert (data["origin"]["kind"], data["origin"]["run"]) == ("simulated", done.about["identity"])
        assert (folder / data["picture"]).exists()
        assert data["alt"].startswith(STAMP)
        assert data["panels"]
        assert all(panel["series"] for panel in data["panels"])
        assert data["words"]["stamp"] == STAMP


def test_axes_of_a_figure_have_labels(told: Article) -> None:
    bare = {"flow", "headline"}  # boxes, and one number on a line
    for figure in (d for d in drawings_of(told) if d.name not in bare and not d.name.startswith("hundred")):
        whole = figure.source["words"]
        framed = [p for p in figure.source["panels"] if p["frame"]]
        assert framed, figure.name
        assert whole["x"] or all(p["x"]["label"] for p in framed), figure.name
        assert whole["y"] or all(p["y"]["label"] or not p["y"]["ticks"] for p in framed), figure.name


def test_every_figure_can_be_drawn_again_from_its_data(told: Article) -> None:
    for figure in drawings_of(told):
        kept = json.loads(json.dumps(figure.source))
        again = described(redrawn(kept))
        assert again["words"] == kept["words"], figure.name
        assert [p["series"] for p in again["panels"]] == [p["series"] for p in kept["panels"]], figure.name
        assert [(p["title"], p["x"], p["y"], p["legend"]) for p in again["panels"]] == [(p["title"], p["x"], p["y"], p["legend"]) for p in kept["panels"]], figure.name


def test_the_data_of_a_figure_are_those_that_were_given() -> None:
    x, y = np.array([170.0, 175.5, 181.0, 178.25]), np.array([171.0, 175.0, 180.0, 179.75])
    figure = agreement(Pairs("HKA", "degrees", truth=x, answer=y, sides=np.repeat("", 4), limits={"bias": (0.25, -1.0, 1.5)}))
    left, right = described(figure)["panels"]
    points = next(s for s in left["series"] if s["kind"] == "points")
    assert (points["x"], points["y"]) == (x.tolist(), y.tolist())
    assert next(s for s in right["series"] if s["kind"] == "points")["y"] == (y - x).tolist()
    assert [s["y"][0] for s in right["series"] if s["kind"] == "line" and s.get("frame")] == [0, 0.25]
    assert left["x"]["label"] == "reference, degrees"


def test_a_figure_drawn_again_looks_like_the_first(told: Article) -> None:
    figure = next(d for d in drawings_of(told) if d.name == "hundred-broken-yes")  # no axis, so that nothing is laid out anew
    first, again = (np.asarray(Image.open(io.BytesIO(data)).convert("L").resize((60, 24), Image.Resampling.BOX), float) for data in (figure.pixels, png(redrawn(figure.source))))
    assert np.corrcoef(first.ravel(), again.ravel())[0, 1] > 0.9


def test_only_one_place_makes_figures_of_a_report() -> None:
    root = Path(__file__).resolve().parent.parent / "src" / "osteon" / "report"
    callers = {p.relative_to(root).as_posix() for p in root.rglob("*.py") if re.search(r"\bsvg\(", p.read_text(encoding="utf-8"))}
    assert callers == {"families/family.py", "figures/style.py"}


def test_the_stamp_does_not_take_the_place_of_a_label() -> None:
    from osteon.report.figures.ranking import precision_recall

    figure = precision_recall(["hip"], [(np.array([0.0, 1.0]), np.array([1.0, 0.5]))], ["AP 1"])
    text = svg(figure, "name", alt="alt", stamp=STAMP)
    assert STAMP in text
    assert "true objects found (recall), %" in text


def test_every_heading_of_the_page_is_in_the_document(page: dict[str, list[str]], document: Any) -> None:
    headings = paragraphs(document, "Title", "Heading 1", "Heading 2", "Heading 3")
    wanted = [*page["h1"], *page["h2"], *page["h3"], *page["summary"]]
    assert len(wanted) > 30
    assert [h for h in wanted if h not in headings] == []


def test_every_table_of_the_page_is_in_the_document(told: Article, page: dict[str, list[str]], document: Any) -> None:
    shown = [t for s in told.sections for t in blocks_of(s) if isinstance(t, Table)]
    sliders = [b for s in told.sections for b in blocks_of(s) if isinstance(b, Slider)]
    captions = [c for c in paragraphs(document, "Caption") if c.startswith("Table ")]
    assert len(document.tables) == len(shown) + len(sliders) == len(captions)
    assert [c.split(". ", 1)[0] for c in captions] == [f"Table {k}" for k in range(1, len(captions) + 1)]
    assert {" ".join(t.split()) for t in page["caption"]} <= {c.split(". ", 1)[1] for c in captions}
    for table, made in zip(shown, (t for t in document.tables if t.rows[0].cells[0].text != "Rule" or len(t.columns) != 3), strict=True):
        heads = int(any(table.columns))
        assert len(made.rows) == len(table.rows) + heads, table.name
        assert len(made.columns) == len(table.columns), table.name


def test_cells_and_notes_are_the_same_in_both(told: Article, document: Any) -> None:
    table = next(t for s in told.sections for t in blocks_of(s) if isinstance(t, Table) and t.name == "ranking-broken-yes")
    made = next(t for t in document.tables if [c.text for c in t.rows[0].cells] == list(table.columns))
    assert [c.text.split("\n")[0] for c in made.rows[1].cells] == [c if isinstance(c, str) else c.text for c in table.rows[0]]
    assert " ".join(table.note.split()) in paragraphs(document, "Caption")


def test_every_figure_is_in_the_document_with_its_words(told: Article, document: Any) -> None:
    alts = [s._inline.docPr.get("descr") for s in document.inline_shapes]
    assert sorted(alts) == sorted(d.alt for d in drawings_of(told))
    assert max(s.width.cm for s in document.inline_shapes) <= 17.01
    numbered = [c for c in paragraphs(document, "Caption") if c.startswith("Figure ")]
    assert len(numbered) == len(alts) - 1  # that of the first screen has no number


def test_a_document_of_simulated_cases_says_so_first_and_on_every_sheet(told: Article, document: Any) -> None:
    assert paragraphs(document)[0].startswith("Software verification on 110 simulated cases")
    assert document.sections[0].header.paragraphs[0].text == STAMP
    assert document.core_properties.subject == STAMP
    assert "not a medical device" in paragraphs(document)[-1]


def test_the_document_is_whole_and_holds_no_control_character(told: Article) -> None:
    odd = Article("odd \x00 title", None, sections=(Section("a", "A <b>&\x07", (Paragraph(("x\x0b",)), Table("t", "T & <i>", columns=("a", "b"), rows=(("<script>", "ü"), ("one",))))),), simulated=False, made="m")
    with zipfile.ZipFile(io.BytesIO(exported(odd, "docx"))) as parts:
        assert parts.testzip() is None
        text = parts.read("word/document.xml").decode()
    assert "&lt;script&gt;" in text
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", text)
    assert docx.Document(io.BytesIO(exported(odd, "docx"))).paragraphs[0].text == "odd  title"


def test_the_json_holds_the_same_headings_and_tables(told: Article, page: dict[str, list[str]]) -> None:
    data = json.loads(exported(told, "json"))
    assert [s["title"] for s in data["sections"]] == [s.title for s in told.sections]

    def kinds(blocks: list[dict[str, Any]]) -> Iterator[str]:
        for block in blocks:
            yield block["kind"]
            yield from kinds(block.get("blocks", []))

    assert sum(k == "table" for s in data["sections"] for k in kinds(s["blocks"])) == len(page["caption"])


def test_a_figure_without_a_bitmap_says_so() -> None:
    with pytest.raises(ValueError, match="it holds no bitmap"):
        _ = Drawing("x", "", data="<svg/>", alt="").pixels


def test_an_unknown_kind_is_refused(told: Article) -> None:
    with pytest.raises(ValueError, match="expected html, docx, json"):
        exported(told, "pdf")


def test_the_verb_writes_a_document_and_refuses_other_kinds(cli: Callable[..., tuple[int, str, str]], tmp_path: Path, small: Run) -> None:
    code, out, _ = cli("export", small.folder, "--to", "docx", "--out", tmp_path / "a.docx", "--no-films")
    assert code == 0
    assert docx.Document(str(tmp_path / "a.docx")).tables
    assert out.strip().endswith("a.docx")
    code, _, err = cli("export", small.folder, "--to", "pdf")
    assert (code, "there is no kind 'pdf'" in err) == (2, True)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A quick run of a registered study."""
    from dataclasses import replace

    from osteon.budget import SMOKE
    from osteon.engine import run as make
    from osteon.studies import study

    stays = study("etzel_2022")
    one = replace(stays, models={"logistic regression": stays.models["logistic regression"]})
    return make(one, budget=SMOKE.with_(cases=200, rows=200), out=tmp_path_factory.mktemp("small") / "run")


def test_a_protocol_has_no_first_screen() -> None:
    plain = Article("A plan", None, sections=(Section("a", "A", (Paragraph(("[To be written: x]",), "blank"),)),), simulated=False, made="m")
    assert "<h1>A plan</h1>" in exported(plain, "html").decode()
    document = docx.Document(io.BytesIO(exported(plain, "docx")))
    marked = [r for p in document.paragraphs for r in p.runs if r.font.highlight_color is not None]
    assert [r.text for r in marked] == ["[To be written: x]"]


def test_the_front_is_in_the_document(told: Article, document: Any, done: Run) -> None:
    front = told.front
    assert isinstance(front, Front)
    texts = paragraphs(document)
    assert all(" ".join(t.split()) in texts for _, lines in front.quarters for t in lines)
    assert any(front.number.text in t for t in texts)
    assert gather(done, EVERYTHING).simulated


def tables_of(told: Article) -> dict[str, Table]:
    return {t.name: t for s in told.sections for t in blocks_of(s) if isinstance(t, Table)}


def lines_of(done: Run, target: str, model: str = "a steady rule") -> Any:
    lines = done.lines(model)
    return lines[(lines["part"] == "test") & (lines["target"] == target)]


def test_all_classes_together_are_those_of_the_lines(done: Run, told: Article) -> None:
    from sklearn.metrics import balanced_accuracy_score, matthews_corrcoef, roc_auc_score

    lines = lines_of(done, "kind")
    one = lines[lines["finding"] == "sound"]
    wide = lines.pivot(index="case", columns="finding", values="score")[["sound", "bent", "broken"]].reindex(one["case"]).to_numpy(float)
    truth, called = one["n.truth"].to_numpy(int), one["n.answer"].to_numpy(int)
    row = tables_of(told)["all-classes-kind"].rows[0]
    assert row[2].value == pytest.approx(roc_auc_score(truth, wide, multi_class="ovo"))  # type: ignore[union-attr]
    assert row[4].value == pytest.approx(balanced_accuracy_score(truth, called))  # type: ignore[union-attr]
    assert row[6].value == pytest.approx(matthews_corrcoef(truth, called))  # type: ignore[union-attr]


def test_a_scale_is_told_in_steps(done: Run, told: Article) -> None:
    lines = lines_of(done, "grade")
    steps = np.abs(lines["n.truth"] - lines["n.answer"])
    row = tables_of(told)["scale-grade"].rows[0]
    assert row[2].value == pytest.approx((steps == 0).mean())  # type: ignore[union-attr]
    assert row[3].value == pytest.approx((steps <= 1).mean())  # type: ignore[union-attr]
    assert row[4].value == pytest.approx(steps.mean())  # type: ignore[union-attr]
    assert 0 < row[5].value < 0.5  # type: ignore[union-attr, operator]


def test_time_to_an_event_allows_for_censoring(done: Run, told: Article) -> None:
    from osteon.stats.survival import kaplan_meier

    lines = lines_of(done, "death")
    groups = tables_of(told)["risk-groups-death"]
    assert sum(row[1].value for row in groups.rows) == len(lines)  # type: ignore[union-attr]
    highest = lines[lines["score"] >= np.quantile(lines["score"], 0.8)]
    observed = 1 - float(kaplan_meier(highest["n.time"], highest["n.event"]).at([12.0])[0])
    assert observed > 0.5
    thirds = tables_of(told)["thirds-death"].rows
    assert thirds[0][3].value > thirds[2][3].value  # type: ignore[union-attr, operator]
    horizon = tables_of(told)["horizon-death"].rows
    assert 0.5 < horizon[0][3].value < 1  # type: ignore[union-attr, operator]
    assert horizon[0][7].value is not None  # type: ignore[union-attr]


def test_marks_are_told_by_false_marks_an_image(done: Run, told: Article) -> None:
    lines = lines_of(done, "marks")
    knee = lines[lines["finding"] == "knee"]
    true, images = (knee["unit"] == "lesion").sum(), (knee["unit"] == "image").sum()
    found = (knee[knee["unit"] == "lesion"]["score"] > -np.inf).sum()
    row = next(r for r in tables_of(told)["froc-marks-a steady rule"].rows if r[0] == "knee")
    assert row[7].value == pytest.approx(found / true)  # type: ignore[union-attr]
    assert (knee["unit"] == "mark").sum() <= 8 * images


def test_models_are_compared_on_the_same_cases(done: Run, told: Article) -> None:
    from osteon.stats.roc import compare_aucs

    first, other = (lines_of(done, "broken", m).set_index("case").sort_index() for m in ("a steady rule", "a shaky rule"))
    gap, test = compare_aucs(first["state"] == "true", other["score"], first["score"])
    (row,) = tables_of(told)["compared"].rows
    assert row[2].value == pytest.approx(gap.estimate)  # type: ignore[union-attr]
    assert row[3].value == pytest.approx(test.p)  # type: ignore[union-attr]


def test_another_rule_chooses_on_the_tune_part_and_is_judged_on_the_test_part(done: Run, told: Article) -> None:
    from osteon.stats.curves import specificity_cut

    lines = done.lines("a steady rule")
    mine = lines[lines["target"] == "broken"]
    tune, test = (mine[mine["part"] == part] for part in ("tune", "test"))
    cut = specificity_cut(tune["state"] == "true", tune["score"], 0.9).value
    row = next(r for r in tables_of(told)["thresholds"].rows if r[0] == "specificity 90\u00a0%")
    assert row[1].value == pytest.approx(cut)  # type: ignore[union-attr]
    assert row[3].value == pytest.approx((test[test["state"] == "false"]["score"] < cut).mean())  # type: ignore[union-attr]
    slider = next(b for s in told.sections for b in blocks_of(s) if isinstance(b, Slider))
    assert slider.at == pytest.approx((test["state"] == "true").mean())


def test_the_row_for_other_programs_is_the_primary_row(done: Run, told: Article) -> None:
    shown = {row[0]: row[1] for row in tables_of(told)["evidence-row"].rows}
    assert shown["model"].text == "a steady rule"  # type: ignore[union-attr]
    assert shown["tp"].value == done.primary.table.tp  # type: ignore[union-attr]
    assert shown["origin"].text == "simulated"  # type: ignore[union-attr]

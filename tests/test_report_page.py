"""A report of a registry: what it says of patients, what of simulated cases, and that it is one safe file."""

from __future__ import annotations

import csv
import html
import io
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from osteon.budget import SMOKE
from osteon.case import Case
from osteon.cohort import Cohort
from osteon.cohort.rows import Rows
from osteon.design import CrossValidation
from osteon.engine import run as make
from osteon.engine import simulate
from osteon.errors import RunError
from osteon.models import Formula, Tabular
from osteon.readers.inputs import Record
from osteon.report import article, report
from osteon.report.content import Article, Cell, Drawing, Folded, Paragraph, Section, Table, blocks_of
from osteon.report.export import table_csv, write_files
from osteon.report.facts import gather
from osteon.report.families.at_cut import per_hundred
from osteon.report.figures.flow import Level, flow
from osteon.report.figures.style import svg
from osteon.report.html import page
from osteon.report.references import PAPERS, Citing
from osteon.report.sections.external import external
from osteon.report.sections.front import front
from osteon.report.sections.limits import limits
from osteon.report.sections.making import making
from osteon.report.terms import METRICS, cell, inline
from osteon.report.words import discreet, duration, listed, many, number, plural, with_unit
from osteon.run import Run
from osteon.simulate.registry import registry
from osteon.studies import study
from osteon.study import Study
from osteon.targets import Grades
from osteon.value import Grade

TWO = tuple(Tabular(name, reads=("record",), writes=("stay",)) for name in ("logistic regression", "decision tree"))
STAYS: Study = replace(study("etzel_2022"), models={"logistic regression": TWO[0], "tree <b>&</b>": TWO[1]})
FORBIDDEN = ("diagnostic accuracy", "clinical performance", "confidence interval", "validated", "generalis", "outperform", "the patients", "cohort")


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run on simulated rows, with a second site answered by the finished model."""
    root = tmp_path_factory.mktemp("simulated")
    done = make(STAYS, simulate(STAYS, root / "a", cases=900), budget=SMOKE, out=root / "run")
    return done


@pytest.fixture(scope="module")
def patients(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run in two folds on rows that are said to be patients; a class of payer is rare, and the cohort's name is an attack."""
    root = tmp_path_factory.mktemp("patients")
    ids = [f"r{i}" for i in range(400)]
    rows = registry(400, 3).astype(object).assign(case_id=ids, patient_id=ids, payer=["rare"] * 3 + ["few"] * 12 + ["public"] * 385)
    return make(STAYS, Cohort("<script>alert(1)</script>", "own", cases=Rows(rows, None)), budget=SMOKE, design=CrossValidation(2), out=root / "run")


@pytest.fixture(scope="module")
def told(simulated: Run) -> Article:
    return article(simulated, study=STAYS)


@pytest.fixture(scope="module")
def found(patients: Run) -> Article:
    return article(patients, study=STAYS)


def tables(made: Article) -> dict[str, Table]:
    """Every table by its name."""
    return {b.name: b for s in made.sections for b in blocks_of(s) if isinstance(b, Table)}


def section(made: Article, name: str) -> Section:
    return next(s for s in made.sections if s.name == name)


def sentences(made: Article) -> list[str]:
    """Every sentence of ours: quotations, papers and tables of the study's own words left out."""
    out = [*(t for _, texts in made.front.quarters for t in texts), made.front.number.under]
    for s in made.sections:
        out.append(s.title)
        for b in blocks_of(s):
            out += list(getattr(b, "sentences", ())) if getattr(b, "tone", "") != "quoted" or s.name == "methods" else []
            out += [getattr(b, "title", ""), getattr(b, "caption", ""), getattr(b, "note", ""), getattr(b, "alt", "")]
            out += [c.text if isinstance(c, Cell) else c for row in b.rows for c in row] if isinstance(b, Table) and b.tone == "plain" else []
    return out


def test_the_first_sentence_on_simulated_cases_is_the_verification_sentence(told: Article) -> None:
    text = page(told)
    body = re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", text[text.index("<body"):]))).strip()
    assert body.startswith("Software verification on 900 simulated cases")


def test_words_for_patients_are_not_used_for_simulated_cases(told: Article) -> None:
    spoken = " ".join(sentences(told)).lower()
    assert [word for word in FORBIDDEN if word in spoken] == []
    assert "monte-carlo interval" in spoken
    assert "simulated operations" in spoken
    assert section(told, "results").title == "Recovery of planted labels"


def test_words_for_simulated_cases_are_not_used_for_patients(found: Article) -> None:
    spoken = " ".join(sentences(found)).lower()
    assert "simulat" not in spoken
    assert "monte-carlo" not in spoken
    assert "95 % confidence interval" in spoken


def test_the_ceiling_stands_beside_the_figure(told: Article, simulated: Run) -> None:
    top = simulated.primary.metrics["ceiling_auc"]["estimate"]
    assert told.front.beside == f"of an attainable {top:.3f}"
    assert told.front.number.text == f"{simulated.primary.metrics['auc']['estimate']:.3f}"
    assert all(f"of an attainable {top:.3f}" in row[3].text for row in tables(told)["ranking-stay-long"].rows)  # type: ignore[union-attr]


def test_every_figure_of_simulated_cases_bears_the_stamp(told: Article, simulated: Run) -> None:
    write_files(told, simulated)
    drawings = [b for s in told.sections for b in blocks_of(s) if isinstance(b, Drawing)]
    assert len(drawings) >= 5
    assert all("not clinical evidence" in str(d.data) and d.alt.startswith("Simulated") for d in drawings)
    assert all("not clinical evidence" in p.read_text(encoding="utf-8") for p in (simulated.folder / "figures").glob("*.svg"))
    for path in (simulated.folder / "tables").glob("*.csv"):
        rows = list(csv.DictReader(path.open(encoding="utf-8")))
        assert all(row["origin"] == "simulated" for row in rows), path


def test_the_page_is_one_file_that_fetches_nothing(found: Article) -> None:
    text = page(found)
    assert re.findall(r"https?://(?!www\.w3\.org)[^\s\"<]+", text) == []
    assert re.findall(r"<(?:link|iframe|object|embed)\b", text) == []
    assert all(address.startswith(("data:", "#", "lines/", "figures/")) or "/" not in address for address in re.findall(r"(?:src|href)=\"([^\"]+)\"", text))
    assert "<style>" in text
    assert text.count("<svg") >= 5


def test_no_identifier_stands_twice_in_the_page(found: Article) -> None:
    ids = re.findall(r"\bid=\"([^\"]+)\"", page(found))
    assert len(ids) == len(set(ids))
    used = set(re.findall(r"(?:xlink:href=\"|url\()#([^\")]+)", page(found)))
    assert used <= set(ids)


def test_names_of_models_and_cohorts_can_not_become_markup(found: Article) -> None:
    text = page(found)
    assert "<script>alert" not in text
    assert "<b>&</b>" not in text
    assert "tree &lt;b&gt;&amp;&lt;/b&gt;" in text


def test_sections_stand_in_their_order(found: Article) -> None:
    assert [s.name for s in found.sections] == [
        "cases", "leakage", "plan", "results", "compared", "utility", "thresholds", "subgroups", "gaps", "external", "failures", "labels", "uncertainty", "shift", "sensitivity", "published", "limits", "methods", "making",
        "checklists", "card", "glossary", "row", "files"]


def test_the_front_says_how_sure_and_what_it_does_not_show(found: Article, patients: Run) -> None:
    quarters = dict(found.front.quarters)
    auc = patients.primary.metrics["auc"]
    assert f"{auc['lower']:.3f} to {auc['upper']:.3f}" in quarters["How sure"][0]
    assert "400 operations tested" in quarters["How sure"][0]
    assert any(text.startswith("From fold to fold it runs from 0.") for text in quarters["How sure"])
    assert any("no case came from outside this cohort" in text for text in quarters["What it does not show"])
    assert 2 <= len(quarters["What it does not show"]) <= 4


def test_groups_that_are_too_small_keep_their_row_and_say_so(found: Article) -> None:
    rows = {row[0]: row for row in tables(found)["groups"].rows if len(row) > 1}
    assert rows["– few"][3].text == "too few (12)"  # type: ignore[union-attr]
    assert rows["– rare"][1].text == "fewer than 5"  # type: ignore[union-attr]
    assert rows["– public"][1].value == 385  # type: ignore[union-attr]
    assert 0 < rows["– public"][3].value < 1  # type: ignore[union-attr,operator]
    forest = next(b for b in section(found, "subgroups").blocks if isinstance(b, Drawing))
    assert "too few (12)" in str(forest.data)


def test_small_counts_of_patients_are_not_told(found: Article) -> None:
    rows = {row[0]: row for row in tables(found)["table-one"].rows if len(row) > 1}
    assert [c.text for c in rows["– rare"][1:]] == ["< 5", "< 5", "< 5", "–"] or rows["– rare"][1].text == "< 5"  # type: ignore[union-attr]
    assert rows["Operations"][1].value == 400  # type: ignore[union-attr]


def test_table_one_counts_each_part(told: Article, simulated: Run) -> None:
    split = simulated.table("split")
    table = tables(told)["table-one"]
    assert table.columns == ("", "Train", "Tune", "Test", "SMD")
    assert [c.value for c in table.rows[0][1:4]] == [int((split["part"] == p).sum()) for p in ("train", "tune", "test")]  # type: ignore[union-attr]
    sex = {row[0]: row for row in table.rows if len(row) > 1}
    cases = simulated.table("cases").merge(split, on="case")
    assert sex["– female"][1].value == int(((cases["sex"] == "female") & (cases["part"] == "train")).sum())  # type: ignore[union-attr]


def test_as_published_stands_beside_here(found: Article, patients: Run) -> None:
    table = tables(found)["published"]
    row = next(r for r in table.rows if "ALIF" in str(r[0]) and "AUC" in str(r[0]))
    assert row[1] == "0.673 to 0.752"
    assert row[3].value == pytest.approx(patients.primary.metrics["auc"]["estimate"])  # type: ignore[union-attr]
    assert "other cases, other definitions" in " ".join(section(found, "published").blocks[0].sentences)  # type: ignore[union-attr]


def test_cases_from_elsewhere_stand_beside_those_here(simulated: Run) -> None:
    facts = gather(simulated, STAYS)
    assert "No other set" in external(facts).blocks[0].sentences[0]  # type: ignore[union-attr]
    home = simulated.folder / "external" / "site-b"
    home.mkdir(parents=True)
    rows = [replace(r, source=replace(r.source, cohort="site B", part="external validation")) for r in facts.rows]
    (home / "rows.json").write_text(json.dumps([r.plain() for r in rows]), encoding="utf-8")
    (home / "flow.csv").write_text("step,reason,n\nreading,xray can not be read,2\n", encoding="utf-8")
    words, table = external(facts).blocks
    assert isinstance(table, Table)
    assert "Left out: xray can not be read (2)" in words.sentences[0]  # type: ignore[union-attr]
    assert table.columns[4:6] == ("AUC, here", "AUC, elsewhere")
    assert table.rows[0][4].value == table.rows[0][5].value == pytest.approx(facts.primary.metrics["auc"]["estimate"])  # type: ignore[union-attr]
    assert any("On cases from elsewhere (site B)" in text for text in dict(front(facts).quarters)["How sure"])


def test_the_methods_cite_what_was_used_and_nothing_else(found: Article) -> None:
    blocks = section(found, "methods").blocks
    text = " ".join(t for b in blocks if isinstance(b, Paragraph) for t in b.sentences)
    papers = blocks[-1].items  # type: ignore[union-attr]
    cited = {int(n) for group in re.findall(r"\[([\d, ]+)\]", text) for n in group.split(",")}
    assert cited == set(range(1, len(papers) + 1))
    assert any("DeLong" in p for p in papers)
    assert any("Youden" in p for p in papers)
    assert not any("Bland" in p or "Dice" in p for p in papers)


def test_the_worst_cases_are_told_by_code(found: Article, patients: Run) -> None:
    rows = tables(found)["worst"].rows
    assert [r[3] for r in rows] == ["largest"] * 10 + ["by chance"] * 5
    assert all(re.fullmatch(r"c\d{5}", str(r[0])) for r in rows)
    lines = patients.lines("logistic regression")
    first = lines[(lines["part"] == "test") & (lines["case"] == rows[0][0])].iloc[0]
    test = lines[lines["part"] == "test"]
    gap = np.abs((test["state"] == "true") - test["score"])
    assert abs((first["state"] == "true") - first["score"]) == pytest.approx(gap.max())


def test_the_other_models_are_folded_and_not_hidden(found: Article) -> None:
    folded = [b for b in section(found, "subgroups").blocks if isinstance(b, Folded)]
    assert folded[0].blocks[0].columns[1:] == ("logistic regression", "tree <b>&</b>")  # type: ignore[union-attr]


def test_sizes_that_the_budget_cut_are_named_and_the_course_of_a_training_is_drawn(simulated: Run, tmp_path: Path) -> None:
    copied = Run(shutil.copytree(simulated.folder, tmp_path / "run"))
    losses = [{"train": 1.0 / k, "tune": 1.1 / k} for k in range(1, 7)]
    cut = {"epochs": {"named": 24, "used": 6.0}, "seconds": {"named": 60.0, "used": 60.1}, "losses": losses, "best_epoch": 6, "ended": "time", "precision": "bf16"}
    early = {"epochs": {"named": 30, "used": 9.0}, "losses": losses, "best_epoch": 4, "ended": "no gain on the tune part"}
    copied.write("run.json", copied.about | {"fits": {"logistic-regression/1": {"fold": "1", "fit 1": {"1": cut, "2": early}}}})
    facts = gather(copied, STAYS)
    blocks = blocks_of(making(facts))
    rows = {row[0]: row[1] for b in blocks if isinstance(b, Table) and b.name == "run" for row in b.rows}
    assert rows["Cut: epochs"] == "named 24, used 6"  # the training that stopped by itself was not cut
    drawing = next(b for b in blocks if isinstance(b, Drawing))
    assert "logistic-regression/1, 2" in str(drawing.data)
    notes = {row[1]: row[2] for b in blocks if isinstance(b, Table) and b.name.startswith("fits-") for row in b.rows}
    assert notes["fit 1, 1, precision"] == "bf16"
    assert any("Smaller than the study names in epochs" in text for text in limits(facts).blocks[0].items)  # type: ignore[union-attr]


def test_a_family_without_a_file_of_its_own_has_a_report_too(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    steps = rng.integers(0, 4, 120)
    read = np.clip(steps + rng.integers(-1, 2, 120), 0, 3)
    cases = [Case(f"g{i}", f"g{i}", inputs={"record": {"x": float(r)}}, truth={"grade": Grade(int(t))}) for i, (t, r) in enumerate(zip(steps, read, strict=True))]
    graded = Study(cite="Nobody N. J Grades 2020; 1: 1", doi="10.0000/grades", reference=0, areas=("radiographic assessment",), unit="knee", name="grades", question="Is the grade read as it is?",
                   inputs={"record": Record("a number", numbers=("x",))}, targets={"grade": Grades(("none", "mild", "moderate", "severe"), 2)}, primary="grade", design=CrossValidation(2),
                   models={"ruler": Formula(lambda record: Grade(int(record["x"])), reads=("record",), writes=("grade",))}, simulate=None)  # type: ignore[arg-type]
    done = make(graded, Cohort("grades", "public", cases=cases), budget=SMOKE, out=tmp_path / "run")
    made = article(done, study=graded)
    assert made.front.number.value == pytest.approx(done.primary.metrics["kappa_quadratic"]["estimate"])
    assert "Kappa" in tables(made)["metrics-grade"].columns
    assert sum(c.value for c in tables(made)["two-by-two-grade-moderate or more"].rows[2][1:3]) == 120  # type: ignore[union-attr,misc]
    assert "Is the grade read as it is?" in page(made)


def test_a_run_that_was_cut_short_has_no_report(patients: Run, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(json.dumps(patients.about | {"finished": ""}), encoding="utf-8")
    with pytest.raises(RunError, match="cut short"):
        report(Run(tmp_path), study=STAYS)


def test_a_second_report_replaces_the_first_and_is_the_same(patients: Run, found: Article) -> None:
    (patients.folder / "figures").mkdir(exist_ok=True)
    (patients.folder / "figures" / "old.svg").write_text("<svg/>", encoding="utf-8")
    assert report(patients, study=STAYS).read_text(encoding="utf-8") == page(found)
    assert not (patients.folder / "figures" / "old.svg").exists()


@pytest.mark.parametrize(("counts", "hundred"), [((143, 299, 47, 341), (17, 36, 6, 41)), ((1, 1, 1, 0), (34, 33, 33, 0)), ((0, 0, 0, 0), (0, 0, 0, 0)), ((3, 0, 0, 0), (100, 0, 0, 0))])
def test_a_hundred_cases_sum_to_a_hundred(counts: tuple[int, int, int, int], hundred: tuple[int, int, int, int]) -> None:
    assert per_hundred(counts) == hundred


def test_numbers_are_printed_as_people_write_them() -> None:
    assert number(-0.123, 2) == "−0.12"
    assert number(-0.001, 2) == "0.00"
    assert number(8000) == "8,000"
    assert number(float("nan"), 1) == "–"
    assert with_unit(174.26, "deg", 1) == "174.3°"
    assert with_unit(12.04, "mm", 1) == "12.0\u00a0mm"
    assert [plural(1, "leg"), plural(2, "study"), many("class")] == ["1 leg", "2 studies", "classes"]
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert [duration(s) for s in (0.0007, 41, 320, 7800)] == ["0.7 ms", "41 s", "5 min 20 s", "2 h 10 min"]


def test_what_is_undefined_is_told_with_its_reason() -> None:
    nothing = {"estimate": float("nan"), "lower": float("nan"), "upper": float("nan"), "reason": "all 12 cases are negative"}
    assert cell("auc", nothing) == Cell("not defined", "all 12 cases are negative")
    assert cell("auc", {**nothing, "estimate": 0.75}).under == "no interval: all 12 cases are negative"
    assert inline("sensitivity", {"estimate": 0.5, "lower": 0.25, "upper": 0.75, "reason": ""}) == "50.0\u00a0% (25.0 to 75.0)"
    assert all(m.meaning and m.plain for m in METRICS.values())


def test_reasons_lose_paths_files_and_quoted_cells() -> None:
    assert discreet("no leg in '/data/Smith^John/film.dcm'") == "no leg in …"
    assert discreet("C:\\films\\Smith.dcm is damaged") == "(a file) is damaged"
    assert discreet("Smith_John.png is damaged, PLIF/TLIF stays") == "(a file) is damaged, PLIF/TLIF stays"


def test_a_table_as_csv_keeps_numbers_limits_headings_and_is_no_formula() -> None:
    made = Table("t", "T", columns=("", "AUC"), rows=(("sex",), ("– male", Cell("0.7", "0.6 to 0.8", value=0.70123, lower=0.6, upper=0.8)), ("=HYPERLINK(1)", Cell("too few (3)"))))
    rows = list(csv.DictReader(io.StringIO(table_csv(made, simulated=True))))
    assert rows[0] == {"group": "sex", "item": "male", "AUC": "0.70123", "AUC.lower": "0.6", "AUC.upper": "0.8", "AUC.note": "", "origin": "simulated"}
    assert (rows[1]["item"], rows[1]["AUC"], rows[1]["AUC.note"]) == ("'=HYPERLINK(1)", "", "too few (3)")


def test_a_table_with_a_short_row_is_refused() -> None:
    with pytest.raises(ValueError, match="2 cells"):
        Table("t", "T", columns=("a", "b", "c"), rows=(("x", "y"),))


def test_a_figure_is_an_svg_whose_text_can_be_selected_and_whose_dollars_stay() -> None:
    text = svg(flow([Level((("Looked at: 5 $x$ & <y>",),), ("Left out: 1",)), Level((("a",), ("b",)), onward=1), Level((("c",),))]), "flow", alt='five "cases"')
    root = ElementTree.fromstring(text)
    words = [e.text for e in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"Looked at: 5 $x$ & <y>", "Left out: 1", "a", "b", "c"} <= set(words)
    assert root.get("aria-label") == 'five "cases"'
    assert all(e.get("id", "flow-").startswith("flow-") for e in root.iter())
    assert "metadata" not in text


def test_papers_are_numbered_as_they_are_cited() -> None:
    cite = Citing()
    assert [cite("delong", "sun"), cite("youden"), cite("sun")] == ["[1, 2]", "[3]", "[2]"]
    assert cite.listed()[2] == PAPERS["youden"]

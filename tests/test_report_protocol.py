"""A protocol is written from a declaration: its plan, its size, and blanks that can be seen."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import docx
import pytest

from osteon.cohort import Cohort
from osteon.cohort.rows import Rows
from osteon.report.content import Article, Paragraph, Table, blocks_of
from osteon.report.protocol import Known, plan
from osteon.report.sections.asking import rule
from osteon.simulate.registry import registry
from osteon.stats.sample_size import binary_model_size, sensitivity_size
from osteon.studies import catalogue, study
from osteon.targets import Classes, Declared, Masks, Measures, Sensitivity


def blanks(made: Article) -> list[str]:
    return [b.sentences[0] for s in made.sections for b in blocks_of(s) if isinstance(b, Paragraph) and b.tone == "blank"]


def tables(made: Article) -> dict[str, Table]:
    return {b.name: b for s in made.sections for b in blocks_of(s) if isinstance(b, Table)}


@pytest.mark.parametrize("name", sorted(catalogue()))
def test_every_study_has_a_protocol(name: str) -> None:
    made = plan(study(name))
    assert made.front is None
    assert [s.name for s in made.sections] == ["about", "background", "objectives", "design", "participants", "index", "reference", "division", "size", "analysis", "integrity", "ethics", "reporting", "references"]
    assert {row[0] for row in tables(made)["models"].rows} == set(study(name).models)
    assert len(blanks(made)) >= 11


def test_sizes_are_those_of_the_formulas_with_the_share_of_the_cohort() -> None:
    ids = [f"r{i}" for i in range(300)]
    cohort = Cohort("hospital", "own", cases=Rows(registry(300, 3).astype(object).assign(case_id=ids, patient_id=ids), None))
    made = plan(study("etzel_2022"), cohort)
    truth = registry(300, 3)["stay"]
    share = float(f"{(truth == 'long').mean():.4g}")
    sizes = {row[0]: row[1] for row in tables(made)["size"].rows}
    assert sizes["sensitivity"] == f"{sensitivity_size(0.9, 0.05, prevalence=share):,}"
    assert sizes["model"] == f"{binary_model_size(parameters=18, prevalence=share, auc=0.75).cases:,}"
    text = " ".join(s for b in blocks_of(next(s for s in made.sections if s.name == "size")) for s in getattr(b, "sentences", ()))
    assert f"There are 300 cases in the cohort, {(truth == 'long').sum()} with the finding" in text


def test_without_a_cohort_the_share_is_an_assumption_and_said_to_be() -> None:
    made = plan(study("etzel_2022"))
    text = " ".join(s for b in blocks_of(next(s for s in made.sections if s.name == "size")) for s in getattr(b, "sentences", ()))
    assert "assumed to be 30 %" in text
    assert Known().share == 0.3
    assert Known(5, 5, states=(0, 5)).share == 0.3


def test_a_rule_for_the_cut_is_told_in_words() -> None:
    assert rule(Masks(("femur",))) == "none"
    assert rule(Classes(("a", "b"))) == "largest sum of sensitivity and specificity (Youden), on the tune part"
    assert rule(Classes(("a", "b"), cut=Sensitivity(0.95))) == "highest cut that keeps a sensitivity of 95 %, on the tune part"
    assert rule(Measures({"HKA": "deg"}, "HKA", cut=Declared(below=177.0))) == "declared: at or below 177; never tuned"


def test_the_verb_writes_a_document_and_the_same_as_data(cli: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    code, out, _ = cli("protocol", "moon_2023", "--out", tmp_path / "plan.docx")
    assert code == 0
    assert out.strip().endswith("plan.docx")
    document = docx.Document(str(tmp_path / "plan.docx"))
    headings = [p.text for p in document.paragraphs if p.style.name == "Heading 1"]
    data = json.loads((tmp_path / "plan.json").read_text(encoding="utf-8"))
    assert headings == [s["title"] for s in data["sections"]]
    marked = [r.text for p in document.paragraphs for r in p.runs if r.font.highlight_color is not None]
    assert marked == blanks(plan(study("moon_2023")))
    assert all(text.startswith("[To be written: ") for text in marked)


def test_the_verb_refuses_another_kind_of_file(cli: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    code, _, err = cli("protocol", "moon_2023", "--out", tmp_path / "plan.pdf")
    assert (code, "the file is of no kind that can be written" in err) == (2, True)
    code, _, err = cli("protocol", "moon_203")
    assert (code, "moon_2023" in err) == (2, True)

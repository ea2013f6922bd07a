"""agree and size as a user meets them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from osteon.stats.agreement import bland_altman, icc
from osteon.stats.kappa import cohen_kappa
from osteon.validation.planning import QUESTIONS

Cli = Callable[..., tuple[int, str, str]]

# Bland JM, Altman DG. Lancet 1986; i: 307: peak expiratory flow (l/min) of 17 people by two meters; bias -2.1, SD of the differences 38.8
LARGE = (494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427)
SMALL = (512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451)


def told(cli: Cli, *args: object) -> Any:
    code, out, err = cli(*args, "--json")
    assert code == 0, err
    return json.loads(out)


@pytest.fixture
def flow(tmp_path: Path) -> Path:
    pd.DataFrame({"person": [f"P{i}" for i in range(17)], "large": LARGE, "mini": SMALL}).to_csv(tmp_path / "flow.csv", index=False)
    return tmp_path / "flow.csv"


def test_two_measurements_give_the_published_bias_and_limits(cli: Cli, flow: Path, tmp_path: Path) -> None:
    found = told(cli, "agree", flow, "--unit", "l/min", "--out", tmp_path / "figures")
    assert (found["kind"], found["n"], found["columns"]) == ("numbers", 17, ["large", "mini"])
    assert found["figures"]["bias"]["estimate"] == pytest.approx(-2.1, abs=0.05)
    assert found["figures"]["upper_limit"]["estimate"] - found["figures"]["bias"]["estimate"] == pytest.approx(1.96 * 38.8, abs=0.1)
    assert found["figures"]["ICC(2,1)"]["estimate"] == pytest.approx(icc(np.column_stack([LARGE, SMALL]))["ICC(2,1)"].estimate)
    assert found["figures"]["lower_limit"]["lower"] == pytest.approx(bland_altman(LARGE, SMALL)["lower_limit"].lower)
    assert "17 cases (large, mini) differed by -2.12 l/min" in found["sentence"]
    assert Path(found["figure"]).read_text(encoding="utf-8").startswith("<svg")
    assert (tmp_path / "figures" / "agreement.png").stat().st_size > 5000
    assert '"panels"' in (tmp_path / "figures" / "agreement.json").read_text(encoding="utf-8")


def test_the_text_is_a_table_and_a_sentence(cli: Cli, flow: Path) -> None:
    code, out, _ = cli("agree", flow, "--first", "mini", "--second", "large")
    assert code == 0
    assert "ICC(2,1)" in out
    assert "(mini, large) differed by 2.12 (" in " ".join(out.split())


def test_grades_have_weighted_kappas_and_a_cross_table(cli: Cli, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    one = rng.integers(0, 5, 90)
    two = np.clip(one + rng.integers(-1, 2, 90), 0, 4)
    pd.DataFrame({"a": one, "b": two}).to_excel(tmp_path / "grades.xlsx", index=False)
    found = told(cli, "agree", tmp_path / "grades.xlsx", "--out", tmp_path)
    assert found["kind"] == "grades"
    assert found["figures"]["kappa_quadratic"]["estimate"] == pytest.approx(cohen_kappa(one, two, classes=5, weights="quadratic").estimate)
    assert "quadratic weighted kappa was" in found["sentence"]
    assert "over 5 grades (0, 1, 2, 3, 4)" in found["sentence"]


def test_words_in_an_order_are_grades_and_without_one_are_names(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "words.csv"
    pd.DataFrame({"a": ["none", "mild", "severe", "none", "mild", None], "b": ["none", "severe", "severe", "mild", "mild", "none"]}).to_csv(path, index=False)
    names, grades = told(cli, "agree", path), told(cli, "agree", path, "--order", "none,mild,severe")
    assert (names["kind"], names["n"], names["left_out"]) == ("names", 5, 1)
    assert "kappa_linear" not in names["figures"]
    assert grades["figures"]["kappa_linear"]["estimate"] > names["figures"]["kappa"]["estimate"]
    assert "1 row with an empty cell was left out" in names["sentence"]


@pytest.mark.parametrize(("content", "options", "wrong"), [
    ("a,b\n1.5,2\n2.5,3\n", (), "2 rows hold both readings (at least 3)"), ("a,b,c\n1,2,3\n2,3,4\n3,4,5\n", (), "it is not clear which two columns are meant"),
    ("a,b\n1.5,2\n2.5,x\n3.5,4\n", ("--kind", "numbers"), "row 3: the cell is no number"), ("a,b\nx,x\nx,x\nx,x\n", (), "every reading is 'x'"),
    ("a,b\nx,y\ny,x\nx,x\n", ("--order", "x,z"), "row 3: 'y' is none of the grades"), ("a,b\n1,2\n2,3\n3,4\n", ("--first", "A1", "--second", "b"), "there is no column 'A1'")])
def test_a_bad_table_gives_one_sentence_and_exit_code_2(cli: Cli, tmp_path: Path, content: str, options: tuple[str, ...], wrong: str) -> None:
    (tmp_path / "t.csv").write_text(content, encoding="utf-8")
    code, out, err = cli("agree", tmp_path / "t.csv", *options)
    assert (code, out) == (2, "")
    assert wrong in err
    assert "Traceback" not in err


# The published examples: Buderer 1996 (461 for a sensitivity of 0.90 known to 0.05 at 30 %), Riley 2020 (662, 5143 and 918: pmsampsize 1.1.3)
@pytest.mark.parametrize(("question", "given", "number"), [
    ("sensitivity", ("sensitivity=0.9", "half_width=0.05", "prevalence=30%"), 461),
    ("model", ("parameters=24", "prevalence=0.174", "r2=0.288"), 662), ("survival", ("parameters=30", "r2=0.051", "rate=0.065", "horizon=2", "follow_up=2.07"), 5143),
    ("continuous", ("parameters=25", "r2=0.2", "mean=1.9", "sd=0.6"), 918)])
def test_published_sizes(cli: Cli, question: str, given: tuple[str, ...], number: int) -> None:
    found = told(cli, "size", question, *given)
    assert found["number"] == number
    assert f"{number:,}" in found["sentence"]


EXAMPLES = {"sensitivity": "sensitivity=0.9 half_width=0.05 prevalence=0.3", "specificity": "specificity=0.9 half_width=0.05 prevalence=0.3", "auc": "auc=0.8 half_width=0.05",
            "model": "parameters=20 prevalence=0.2 auc=0.75", "survival": "parameters=20 r2=0.05 rate=0.06 horizon=2 follow_up=2", "continuous": "parameters=20 r2=0.3 mean=5 sd=2",
            "observed-expected": "prevalence=0.2 error=0.1", "slope": "error=0.1 mean=-1 sd=1", "net-benefit": "error=0.1 prevalence=0.2 sensitivity=0.8 specificity=0.7 threshold=0.2",
            "paired": "only_first=0.12 only_second=0.05", "non-inferiority": "only_first=0.05 only_second=0.05 margin=0.05", "icc": "icc=0.8 width=0.2", "limits": "half_width=1 sd=3",
            "means": "difference=1 sd=2", "readers": "difference=0.05 readers=6 pilot_cases=100 test_reader=0.0002 error=0.0008 cov1=0.0003 cov2=0.0003 cov3=0.0002"}


def test_every_question_has_an_answer_and_every_sentence_its_source(cli: Cli) -> None:
    assert set(EXAMPLES) == set(QUESTIONS) == {row["question"] for row in told(cli, "size")}
    for name, given in EXAMPLES.items():
        found = told(cli, "size", name, *given.split())
        assert found["number"] > 3
        assert QUESTIONS[name].after in found["sentence"]


@pytest.mark.parametrize(("words", "wrong"), [
    (("sensitvity",), "Did you mean 'sensitivity'?"), (("auc", "auc=0.8"), "half_width must be given"), (("auc", "auc=0.8", "half_widht=0.1"), "Did you mean 'half_width'?"),
    (("auc", "auc=big", "half_width=0.1"), "auc is no number"), (("sensitivity", "sensitivity=1.2", "half_width=0.1", "prevalence=0.3"), "no number of cases can be given"),
    (("model", "parameters=10", "prevalence=0.1", "r2=0.9"), "no number of cases can be given"), (("auc", "0.8"), "this is no pair")])
def test_a_bad_question_gives_one_sentence_and_exit_code_2(cli: Cli, words: tuple[str, ...], wrong: str) -> None:
    code, out, err = cli("size", *words)
    assert (code, out) == (2, "")
    assert wrong in err


# --- explain -----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stays(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a registry with its cohort folder at hand."""
    from osteon.budget import SMOKE
    from osteon.engine import run, simulate

    root = tmp_path_factory.mktemp("stays")
    return run("etzel_2022", simulate("etzel_2022", root / "cohort", cases=400), budget=SMOKE, out=root / "run").folder


FILMS = '''
from pathlib import Path
import sys
sys.path.insert(0, {tests!r})
from disc_films import TARGETS
from osteon.design import HoldOut
from osteon.models import Net
from osteon.readers.inputs import Radiograph
from osteon.study import Study

STUDY = Study(cite="Nobody N. J Discs 2020; 1: 1", doi="10.0000/discs", reference=0, areas=("radiographic assessment",), unit="film", question="On which side is the disc?",
              inputs={{"film": Radiograph("a film")}}, targets={{"side": TARGETS["side"]}}, primary="side", design=HoldOut(train=0.6, tune=0.2, test=0.2),
              models={{"network": Net("resnet10t", ("film",), "side")}}, simulate=None)
'''


@pytest.fixture(scope="module")
def discs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a small network on films of a disc."""
    from disc_films import disc_cohort
    from osteon.budget import SMOKE
    from osteon.engine import run
    from osteon.studies import study

    root = tmp_path_factory.mktemp("discs")
    (root / "discs.py").write_text(FILMS.format(tests=str(Path(__file__).parent)), encoding="utf-8")
    whole = disc_cohort(30)
    cohort = whole.map(lambda c: type(c)(c.id, c.patient, inputs=c.inputs, truth={"side": c.truth["side"]})).to_folder(root / "cohort")
    return run(study(root / "discs.py"), cohort, budget=SMOKE.with_(image_side=96, epochs=2, seconds=300.0), out=root / "run").folder


def test_a_record_is_explained_with_its_check_and_kept_in_the_run(cli: Cli, stays: Path) -> None:
    found = told(cli, "explain", stays, "c00003", "--model", "logistic regression")
    assert found["case"] == "c00003"
    assert found["checks"][0]["shuffled"] == "labels"
    assert sum(found["parts"].values()) == pytest.approx(found["probability"] - float(found["method"].split()[-1]), abs=1e-3)
    assert (stays / "explanations" / "c00003.json").exists()
    code, out, _ = cli("explain", stays, "c00003")
    assert code == 0
    assert "Check, labels shuffled: likeness" in out


def test_a_film_is_explained_as_a_picture_with_its_check(cli: Cli, discs: Path) -> None:
    found = told(cli, "explain", discs, "c00002")
    assert [c["shuffled"] for c in found["checks"]] == ["weights"]
    assert Path(found["file"]).suffix == ".png"
    assert Path(found["file"]).stat().st_size > 5000
    assert 0 <= found["probability"] <= 1


def test_a_film_is_explained_by_another_method_with_all_its_numbers(cli: Cli, discs: Path) -> None:
    found = told(cli, "explain", discs, "c00004", "--method", "integrated-gradients")
    assert found["method"] == "integrated gradients"
    assert Path(found["file"]).name == "c00004-integrated-gradients.png"
    assert {"deletion", "insertion", "deletion_by_chance", "repeated", "passed", "spread"} <= set(found)
    assert found["spread"]["views"]["answers"] == 6
    assert found["located"] == {}
    kept = json.loads((discs / "explanations" / "c00004-integrated-gradients.json").read_text(encoding="utf-8"))
    assert len(kept["curves"]["share"]) == len(kept["curves"]["deletion"])
    code, _, err = cli("explain", discs, "c00004", "--method", "guided backprop")
    assert code == 2
    assert "there is no method 'guided backprop'" in err


def test_labels_are_shuffled_on_request_only_and_the_network_is_kept(cli: Cli, discs: Path) -> None:
    home = discs / "explanations" / "labels-shuffled"
    assert not home.exists()
    found = told(cli, "explain", discs, "c00005", "--labels", "--seconds", "20")
    assert [c["shuffled"] for c in found["checks"]] == ["weights", "labels"]
    weights = next(home.rglob("weights.safetensors"))
    before = weights.stat().st_mtime_ns
    assert [c["shuffled"] for c in told(cli, "explain", discs, "c00006")["checks"]] == ["weights", "labels"]
    assert weights.stat().st_mtime_ns == before


def test_what_can_not_be_explained_gives_one_sentence_and_exit_code_2(cli: Cli, stays: Path) -> None:
    for words, wrong in ((("nobody",), "there is no case 'nobody'"), (("c00001", "--model", "oracle"), "the run has no model 'oracle'"), (("c00001", "--finding", "never"), "there is no class 'never'"),
                         (("c00001", "--cohort", str(stays / "none")), "not at hand")):
        code, out, err = cli("explain", stays, *words)
        assert (code, out) == (2, ""), err
        assert wrong in err

"""osteon pool and osteon solve as a reviewer meets them: every flag, every reported quantity, and what bad tables get."""

from __future__ import annotations

import csv
import json
import runpy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from osteon.row import EvidenceRow, Question, Source, TwoByTwo

facts = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("accuracy_facts.py"))))
Cli = Callable[..., tuple[int, str, str]]
QUICK = ("--bootstrap", "0")


def reference_csv(folder: Path, name: str, **columns: list[str]) -> Path:
    """One reference set as a file."""
    answer = facts.reference(name)
    extra = {**answer["covariates"], **columns}
    path = folder / f"{name}.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["study", "tp", "fp", "fn", "tn", *extra])
        writer.writerows([f"S{i + 1}", *c, *(v[i] for v in extra.values())] for i, c in enumerate(answer["cells"]))
    return path


def written(folder: Path, text: str | bytes, name: str = "t.csv") -> Path:
    """A file with this text."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def rows(*cells: str) -> str:
    """Five sound rows, then the given ones."""
    sound = [f"S{i},{9 + i},{2 + i},1,{20 + i}" for i in range(5)]
    return "\n".join(["study,tp,fp,fn,tn", *sound, *cells]) + "\n"


def result(cli: Cli, *args: object) -> dict[str, Any]:
    """The JSON of one call that must succeed."""
    code, out, err = cli("pool", *args, "--json", "-")
    assert code == 0, err
    return json.loads(out)


def test_the_json_holds_what_the_text_shows(cli: Cli, tmp_path: Path) -> None:
    path = reference_csv(tmp_path, "dl_ortho")
    code, out, err = cli("pool", path, *QUICK, "--json", tmp_path / "result.json")
    assert (code, err) == (0, "")
    plain = json.loads((tmp_path / "result.json").read_text())
    answer = facts.reference("dl_ortho")["agq"]["15"]
    assert facts.far([plain["mu"]["logit_sensitivity"], plain["mu"]["logit_specificity"]], answer["mu"]) < 1e-5
    for text in ("12 studies", "exact binomial, 15 nodes", "t limits (default)", "z limits", "profile likelihood", "normal approximation, REML", "prediction, a new study",
                 "univariate, exact", "0.936 (0.8", "median odds ratio", "rho, profile limits", "a boundary mixture", "partial AUC", "Deeks' test", "15 to 21 nodes",
                 "Cook", "of 1,000", "percentage points for the approximation", "Steps: exact model", "For a methods section", "[1] Chu H"):
        assert text in out, text


@pytest.mark.parametrize("flags", [("--model", "reml"), ("--model", "ml", "--correction", "all"), ("--model", "fixed", "--correction", "none"), ("--nodes", 1), ("--nodes", 21),
                                   ("--level", 0.9), ("--exclude", "S3", "--exclude", "S4"), ("--prevalence", 0.1, "--prevalence", 0.3), ("--seed", 4)])
def test_every_flag_has_its_effect(cli: Cli, tmp_path: Path, flags: tuple[object, ...]) -> None:
    path = reference_csv(tmp_path, "skin_tests")
    plain, default = result(cli, path, *QUICK, *flags), result(cli, path, *QUICK)
    assert plain != default
    assert plain["converged"]


def test_the_flags_are_those_of_the_reference(cli: Cli, tmp_path: Path) -> None:
    answer = facts.reference("AuditC")["reitsma"]
    for correction in ("all", "single"):
        plain = result(cli, reference_csv(tmp_path, "AuditC"), *QUICK, "--model", "reml", "--correction", correction)
        assert facts.far([plain["mu"]["logit_sensitivity"], plain["mu"]["logit_specificity"]], answer[f"reml_{correction}"]["mu"]) < 1e-6
        assert plain["as_mada_prints"]["auc"] < plain["auc"]["estimate"]


def test_each_quantity_of_a_review_is_reachable(cli: Cli, tmp_path: Path) -> None:
    plain = result(cli, reference_csv(tmp_path, "dl_ortho"), "--bootstrap", 40, "--by", "modality", "--covariate", "lesion", "--separate", "--on", "both", "--bayes",
                   "--reference-standard", "0.99,0.97", "--prevalence", 0.2, "--out", tmp_path / "out")
    assert {"F", "chi2"} <= set(plain["regions"])
    assert plain["auc"]["partial"]["estimate"] > 0.5
    assert {"lower", "upper"} <= set(plain["auc"])
    for name in ("normal_limits", "profile", "bootstrap", "prediction", "hsroc", "i2", "median_odds_ratio", "quadrature", "univariate", "ratios_pooled_directly"):
        assert plain[name], name
    assert {"no_heterogeneity", "no_correlation"} <= set(plain["heterogeneity"]["likelihood_ratio"])
    assert {"cook", "covratio", "residual_sensitivity"} <= set(plain["influence"][0])
    assert plain["gosh"]["subsets"] == 1000
    assert plain["subgroups"]["tests"]["separate variances against equal ones"]["p"] < 1
    assert plain["regression"]["separate_variances_by"] == "modality"
    assert {"new_sensitivity", "ppv", "rho"} <= set(plain["bayesian"])
    corrected = plain["imperfect_reference"]
    assert corrected["converged"]
    assert abs(corrected["posterior"]["sensitivity"]["estimate"] - corrected["sensitivity"]["estimate"]) < 0.02
    assert plain["at_prevalence"][0]["fagan"]["prior"] == 0.2
    assert {p.stem for p in (tmp_path / "out").iterdir()} == {"forest", "sroc", "funnel", "influence", "gosh", "fagan", "predictive_values", "pooled"}


def test_text_of_everything(cli: Cli, tmp_path: Path) -> None:
    code, out, err = cli("pool", reference_csv(tmp_path, "dl_ortho"), *QUICK, "--by", "modality", "--covariate", "lesion", "--bayes", "--reference-standard", "0.99,0.97",
                         "--out", tmp_path / "out", "--points", "ellipse", "--region", "chi2")
    assert code == 0, err
    for text in ("By modality", "Do the subgroups differ?", "Meta-regression on lesion (both)", "permutation", "on the curve's threshold", "Posterior", "under other priors",
                 "If the reference standard has sensitivity 0.99", "No figure evidence_map"):
        assert text in out, text
    assert "chi-square" in (tmp_path / "out" / "sroc.svg").read_text()


def test_several_rows_a_study_and_a_network_of_tests(cli: Cli, tmp_path: Path) -> None:
    path = reference_csv(tmp_path, "Scheidler", paper=[f"p{i % 20}" for i in range(44)])
    plain = result(cli, path, *QUICK, "--rows-of", "paper", "--by", "modality")
    assert set(plain["three_level"]["tests"]) == {"CT", "LAG", "MRI"}
    assert any("not independent" in w for w in plain["warnings"])
    code, out, _ = cli("pool", path, *QUICK, "--rows-of", "paper")
    assert code == 0
    assert "three-level normal model, REML: 44 rows of 20 studies" in out


def test_several_cut_offs_a_study(cli: Cli, tmp_path: Path) -> None:
    data = facts.facts()["thresholds"]["rows"]
    path = written(tmp_path, "study,cut,tp,fp,fn,tn\n" + "".join(f"{s:g},{c},{tp:g},{fp:g},{fn:g},{tn:g}\n" for s, c, tp, fp, fn, tn in data))
    plain = result(cli, path, "--cut", "cut", "--log-cut", "--structure", "DIDS", "--out", tmp_path / "out")
    answer = facts.facts()["thresholds"]["models"]["DIDS_logistic_logcutoff"]
    assert abs(plain["optimal"]["cut"] / answer["optcut"] - 1) < 1e-3
    assert abs(plain["auc"]["estimate"] - answer["AUCSens"][0]) < 1e-4
    assert (tmp_path / "out" / "thresholds.svg").exists()
    code, out, _ = cli("pool", path, "--cut", "cut", "--log-cut")
    assert code == 0
    assert "150 cut-offs of 29 studies" in out
    assert "Steinhauser" in out
    for flags, said in ((("--structure", "XX"), "best, CI, DI"), (("--distribution", "cauchy"), "logistic, normal")):
        code, _, err = cli("pool", path, "--cut", "cut", *flags)
        assert code == 2
        assert said in err
    code, _, err = cli("pool", path, "--cut", "none")
    assert code == 2
    assert "no column 'none'" in err


@pytest.mark.parametrize(("row", "said"), [
    ("B,-1,2,3,4", "line 7, column tp: -1 is not a count"), ("B,1.5,2,3,4", "line 7, column tp: 1.5 is not a count"), ("B,1,two,3,4", "line 7, column fp: 'two' is not a number"),
    ("B,1,2,,4", "line 7, column fn: empty"), ("B,1,2,nan,4", "column fn: nan is not a count"), ('B,1,"1,200",3,4', "may be one or a thousand"), (",1,2,3,4", "column study: empty"),
    ("B,0,0,0,0", "line 7: all four counts are 0"), ("S1,1,2,3,4", "the study 'S1' stands twice"), ("B,1,2,3,4,5", "6 cells")])
def test_bad_rows_end_in_one_sentence(cli: Cli, tmp_path: Path, row: str, said: str) -> None:
    code, out, err = cli("pool", written(tmp_path, rows(row)), *QUICK)
    assert code == 2
    assert out == ""
    assert said in err
    assert "Traceback" not in err


def test_a_repeated_study_can_be_left_out_by_its_place(cli: Cli, tmp_path: Path) -> None:
    path = written(tmp_path, rows("S1,1,2,3,4"))
    _, _, err = cli("pool", path, *QUICK)
    assert '--exclude "t.csv, line 7"' in err
    plain = result(cli, path, *QUICK, "--exclude", "t.csv, line 7")
    assert plain["k"] == 5
    assert plain["excluded"] == ["t.csv, line 7"]
    code, _, err = cli("pool", path, "--exclude", "Smith")
    assert code == 2
    assert "no study 'Smith'" in err


@pytest.mark.parametrize(("text", "said"), [
    ("study,tp,fp,tn\nA,1,2,3\n", "the column 'fn' is missing"), ("study,tp,fp,fn,tn,TP\nA,1,2,3,4,5\n", "the column 'tp' stands twice"), ("study,tp,fp,fn,tn\n", "no rows to pool"),
    ("", "no rows to pool")])
def test_bad_tables(cli: Cli, tmp_path: Path, text: str, said: str) -> None:
    code, _, err = cli("pool", written(tmp_path, text))
    assert code == 2
    assert said in err


@pytest.mark.parametrize(("flags", "said"), [
    (("--model", "best"), "exact, reml, ml, fixed"), (("--nodes", "8"), "1, 7, 15, 21"), (("--correction", "half"), "none, single, all"), (("--level", "95"), "between 0 and 1"),
    (("--prevalence", "1.2"), "between 0 and 1"), (("--by", "site"), "no column 'site'"), (("--covariate", "site"), "no column 'site'"), (("--rows-of", "site"), "no column 'site'"),
    (("--reference-standard", "0.9"), "two numbers"), (("--reference-standard", "9,9"), "out of range"), (("--points", "star", "--out", "o"), "size, crosshair, ellipse"), (("--on", "everything"), "both, sensitivity, specificity"), (("--separate",), "--by and --covariate"),
    (("--cut", "tp", "--bayes"), "does not go with --bayes"), (("--only", "set"), "NAME=VALUE")])
def test_bad_flags(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: tuple[str, ...], said: str) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = cli("pool", written(tmp_path, rows()), *QUICK, *flags)
    assert code == 2
    assert said in err
    assert "Traceback" not in err


@pytest.mark.parametrize(("content", "name", "said"), [
    (b"PK\x03\x04\x00\x00sheet", "t.xlsx", "this is no text"), (b"{not json", "t.json", "this is no evidence table"), (b'[{"a": 1}]', "t.json", "this is no evidence table"),
    (b'study,tp,fp,fn,tn\n"' + b"A" * 200_000 + b'",1,2,3,4\n', "t.csv", "this is no CSV file"), (b"\xff\xfe" + "study\ttp\tfp\tfn\ttn\nA\t1\t2\t3\tx\n".encode("utf-16-le"), "t.csv", "'x' is not a number")])
def test_files_that_are_no_tables(cli: Cli, tmp_path: Path, content: bytes, name: str, said: str) -> None:
    code, _, err = cli("pool", written(tmp_path, content, name))
    assert code == 2
    assert said in err
    code, _, err = cli("pool", tmp_path)
    assert code == 2
    assert "not found" in err


def test_a_subgroup_of_one_level_costs_no_result(cli: Cli, tmp_path: Path) -> None:
    text = "study,tp,fp,fn,tn,arm\n" + "".join(f"S{i},{9 + i},{2 + i},1,{20 + i},a\n" for i in range(6))
    code, out, _ = cli("pool", written(tmp_path, text), *QUICK, "--by", "arm", "--covariate", "arm")
    assert code == 0
    assert "6 studies" in out
    assert "level" in out


def test_semicolons_marks_commas_and_blank_rows(cli: Cli, tmp_path: Path) -> None:
    text = b"\xef\xbb\xbfStudy;TP;FP;FN;TN\r\n\r\n" + b"".join(b"A%d;9,0;2;1;2%d\r\n;;;;\r\n" % (i, i) for i in range(5))
    plain = result(cli, written(tmp_path, text), *QUICK)
    assert plain["k"] == 5
    assert plain["studies"][4]["tn"] == 24


def test_one_margin_empty_in_a_study_is_kept(cli: Cli, tmp_path: Path) -> None:
    plain = result(cli, written(tmp_path, rows("sick only,9,0,1,0", "healthy only,0,3,0,30")), *QUICK)
    assert plain["k"] == 7
    assert plain["studies"][5]["specificity"]["estimate"] is None
    assert plain["sensitivity"]["estimate"] > 0.8


def test_two_studies_and_margins_without_errors(cli: Cli, tmp_path: Path) -> None:
    code, out, _ = cli("pool", written(tmp_path, "study,tp,fp,fn,tn\nA,9,2,1,20\nB,8,3,2,19\n"), *QUICK, "--out", tmp_path / "two")
    assert code == 0
    assert "not pooled" in out
    assert (tmp_path / "two" / "forest.svg").exists()
    perfect = "study,tp,fp,fn,tn\n" + "".join(f"S{i},{10 + i},2,0,20\n" for i in range(5))
    code, out, _ = cli("pool", written(tmp_path, perfect), *QUICK)
    assert code == 0
    assert "penalised likelihood" in out
    none = "study,tp,fp,fn,tn\n" + "".join(f"S{i},0,2,0,2{i}\n" for i in range(5))
    code, out, _ = cli("pool", written(tmp_path, none), *QUICK)
    assert code == 0
    assert "univariate exact model of specificity" in out


def test_simulated_rows_and_cohorts_with_two_rows(cli: Cli, tmp_path: Path) -> None:
    def folder(name: str, *made: EvidenceRow) -> Path:
        (tmp_path / name).mkdir()
        written(tmp_path / name, json.dumps([r.plain() for r in made]), "rows.json")
        return tmp_path / name

    def row(study: str, origin: str, cohort: str) -> EvidenceRow:
        return EvidenceRow(Source(study, "net", origin=origin, cohort=cohort), Question("fracture", "yes", primary=True), table=TwoByTwo(40, 8, 5, 60))

    published = written(tmp_path, rows())
    code, _, err = cli("pool", folder("simulated", row("X", "simulated", "c")), published)
    assert code == 2
    assert "never pooled as evidence" in err
    plain = result(cli, folder("own", row("X", "own", "c")), published, *QUICK)
    assert plain["k"] == 6
    double = folder("double", row("X", "own", "c"), row("Y", "own", "c"))
    code, _, err = cli("pool", double, published)
    assert code == 2
    assert "has a second row" in err
    assert result(cli, double, published, *QUICK, "--exclude", "double, row 2")["k"] == 6


def test_ten_thousand_rows(cli: Cli, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    n = rng.integers(20, 60, (10_000, 2))
    x = rng.binomial(n, 1 / (1 + np.exp(-rng.multivariate_normal([1.5, 2], [[0.4, -0.1], [-0.1, 0.3]], 10_000))))
    text = "study,tp,fp,fn,tn\n" + "".join(f"S{i},{a},{d - b},{c - a},{b}\n" for i, ((a, b), (c, d)) in enumerate(zip(x.tolist(), n.tolist(), strict=True)))
    plain = result(cli, written(tmp_path, text), "--out", tmp_path / "out", "--nodes", 7)
    assert (tmp_path / "out" / "sroc.svg").stat().st_size < 1_000_000
    assert abs(plain["mu"]["logit_sensitivity"] - 1.5) < 0.03
    assert "more than" in plain["bootstrap"]["reason"]
    assert not (tmp_path / "out" / "forest.svg").exists()


def test_the_example_of_the_package(cli: Cli) -> None:
    plain = result(cli, "example", *QUICK, "--by", "set")
    assert plain["k"] == 17
    assert plain["subgroups"]["levels"]["seed review"]["k"] == 5
    assert result(cli, "example", *QUICK, "--only", "set=seed review")["k"] == 5
    code, _, err = cli("pool", "example", "--only", "set=none")
    assert code == 2
    assert "Values: other abstracts, seed review" in err


def test_solve_with_cells_intervals_and_exit_codes(cli: Cli, tmp_path: Path) -> None:
    code, out, _ = cli("solve", "--n", 100, "--cell", "tp=30", "--cell", "fn=10", "--figure", "spec=85%", "--json")
    assert (code, json.loads(out)["tables"]) == (0, [{"tp": 30, "fp": 9, "fn": 10, "tn": 51}])
    code, out, _ = cli("solve", "--n", 524, "--figure", "sens=98.1 (95.6-99.4)", "--figure", "spec=72.9 (67.1-78.2)", "--interval", "Clopper-Pearson", "--json")
    assert json.loads(out)["status"] == "unique"
    code, out, _ = cli("solve", "--diseased", 296, "--healthy", 137, "--figure", "sens=0.95", "--figure", "spec=0.80", "--figure", "acc=88%")
    assert code == 1
    assert "contradicts itself" in out
    for flags, said in ((("--cell", "tp=x"), "'x' is not a count"), (("--cell", "xx=3"), "no cell 'xx'"), (("--figure", "sens"), "NAME=VALUE"), (("--interval", "Bayes"), "Wilson")):
        code, _, err = cli("solve", "--n", 10, *flags)
        assert code == 2
        assert said in err


def test_solve_a_file_and_pool_over_what_fits(cli: Cli, tmp_path: Path) -> None:
    text = "study,n,diseased,healthy,sens,spec,acc\n" + "".join(
        f"S{i},,{40 + i},{60 + i},{100 * (36 - i) / (40 + i):.1f}%,{100 * (50 + i) / (60 + i):.1f}%,\n" for i in range(5))
    path = written(tmp_path, text)
    code, out, err = cli("solve", path, "--json")
    assert code == 0, err
    plain = json.loads(out)
    assert plain["pooled"]["k"] == 5
    assert 0.8 < plain["pooled"]["sensitivity"]["estimate"] < 0.95
    code, out, _ = cli("solve", written(tmp_path, text + "Li,,296,137,95%,80%,88%\n"))
    assert code == 1
    assert "contradicts" in out
    assert "Pooled over" in out
    for bad, said in (("study,n\nA,x\n", "line 2: solve, n: 'x' is not a count"), ("study,sens\nA,high\n", "'high' is not understood"), ("n,sens\n3,4\n", "'study' is missing"),
                      ("study,n\nA,3\nA,4\n", "'A' stands twice")):
        code, _, err = cli("solve", written(tmp_path, bad))
        assert code == 2
        assert said in err

"""Pooling: what goes in, the ladder, the JSON, and what bad input gets."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from osteon.errors import DataError, Refused
from osteon.evidence.pool import Settings, pool
from osteon.evidence.pool_table import PoolTable, from_evidence, from_records, read
from osteon.row import EvidenceRow, Question, Source, TwoByTwo

facts = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("accuracy_facts.py"))))
QUICK = Settings(bootstrap=0)
KEYS = {"method", "estimator", "nodes", "correction", "k", "mu", "covariance_mu", "between_study", "sensitivity", "specificity", "lr_positive",
        "lr_negative", "dor", "hsroc", "auc", "i2", "log_likelihood", "converged", "boundary", "ladder", "warnings", "studies"}


def table_of(name: str, **columns: list[str]) -> PoolTable:
    """One reference set as a table."""
    cells = facts.reference(name)["cells"]
    extra = {**facts.reference(name)["covariates"], **columns}
    return from_records((f"row {i + 1}", {"study": f"S{i + 1}", **dict(zip(("tp", "fp", "fn", "tn"), c, strict=True)),
                                          **{k: v[i] for k, v in extra.items()}}) for i, c in enumerate(cells))


def written(folder: Path, text: str | bytes, name: str = "t.csv") -> Path:
    """A file with this text."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("name", ["AuditC", "IQCODE", "Scheidler_CT", "Telomerase", "dl_ortho", "skin_tests"])
def test_reference_sets_give_the_json(name: str) -> None:
    result = pool(table_of(name), QUICK)
    plain = result.plain()
    assert set(plain) >= KEYS
    text = json.dumps(plain, allow_nan=False)
    again = json.loads(text)
    answer = facts.reference(name)["agq"]["15"]
    assert facts.far([again["mu"]["logit_sensitivity"], again["mu"]["logit_specificity"]], answer["mu"]) < 1e-5
    assert len(again["studies"]) == again["k"] == len(facts.reference(name)["cells"])
    assert bool(again["boundary"]) == (name in facts.BOUNDARY)
    assert again["quadrature"]["largest_change"] < 1e-4
    assert "percentage points" in again["approximation"]["line"]


def test_everything_beside_the_estimate_is_reachable(tmp_path: Path) -> None:
    table = table_of("smoking")
    result = pool(table, Settings(bootstrap=60, prevalence=(0.1, 0.4)), by="type", covariates=["population"], separate=True)
    plain = json.loads(result.save(tmp_path / "out.json").read_text())
    assert plain["bootstrap"]["fits"] == 60
    assert plain["auc"]["lower"] < plain["auc"]["estimate"] < plain["auc"]["upper"]
    assert plain["auc"]["partial"]["estimate"] > 0
    assert set(plain["profile"]) == {"sensitivity", "specificity", "tau_sensitivity", "tau_specificity", "rho"}
    assert set(plain["heterogeneity"]) == {"equality", "threshold_effect", "likelihood_ratio"}
    assert plain["small_study_effects"]["p"] < 0.01
    assert len(plain["influence"]) == plain["k"]
    assert plain["influence"][0]["covratio"] > 0
    assert len(plain["gosh"]["size"]) == 1000
    assert {"FE", "DL", "REML", "ML", "PM", "REML, Hartung-Knapp", "exact"} <= set(plain["univariate"]["sensitivity"])
    assert set(plain["ratios_pooled_directly"]["dor"]) == {"DL", "REML", "Mantel-Haenszel"}
    assert [e["prevalence"] for e in plain["at_prevalence"]] == [0.1, 0.4]
    per_1000 = plain["at_prevalence"][0]["per_1000"]
    assert abs(per_1000["true_positive"] + per_1000["false_negative"] - 100) < 0.2
    assert set(plain["subgroups"]["levels"]) == {"IAQ", "SAQ"}
    assert plain["subgroups"]["tests"]["difference"]["p"] <= 1
    assert plain["subgroups"]["auc_difference"]["levels"] == ["SAQ", "IAQ"]
    assert {t["name"] for t in plain["regression"]["terms"]} == {"intercept", "population=S"}
    assert set(plain["regression"]["hsroc"]) == {"accuracy", "threshold", "shape"}
    for found in plain["regression"]["hsroc"].values():
        assert [t["name"] for t in found["terms"]] == ["intercept", "population=S"]
        effect = found["terms"][1]
        assert abs((effect["coefficient"] / effect["error"]) ** 2 - found["statistic"]) < 0.3 * found["statistic"] + 0.3  # Wald and likelihood ratio
    assert 0 < plain["regression"]["permutation_p"] <= 1
    assert set(plain["regions"]) >= {"F", "chi2"}
    assert "Chu and Cole 2006" in plain["methods"]


@pytest.mark.parametrize("model", ["reml", "ml", "fixed"])
def test_other_models(model: str) -> None:
    plain = pool(table_of("AuditC"), Settings(model, bootstrap=30, correction="all")).plain()
    answer = facts.reference("AuditC")["reitsma"][f"{model}_all"]
    assert facts.far(list(plain["mu"].values()), answer["mu"]) < 1e-6
    assert plain["correction"] == "all"
    if model == "reml":
        assert facts.far(plain["as_mada_prints"]["auc"], facts.reference("AuditC")["reitsma"]["reml_all"]["mada_auc"]) < 1e-6
    assert json.dumps(plain, allow_nan=False)


def test_several_rows_a_study_need_the_third_level() -> None:
    cells = facts.reference("dl_ortho")["cells"]
    records = [(f"row {i + 1}", {"study": f"S{i // 2}", **dict(zip(("tp", "fp", "fn", "tn"), c, strict=True))}) for i, c in enumerate(cells)]
    with pytest.raises(DataError, match="row 2: the study 'S0' stands twice"):
        from_records(records)
    plain = pool(from_records(records, several=True), QUICK, levels="study").plain()
    assert (plain["three_level"]["studies"], plain["three_level"]["rows"]) == (6, 12)
    assert plain["three_level"]["sensitivity"]["estimate"] > 0.8


def test_a_network_of_tests_has_rates_and_ranks() -> None:
    table = table_of("Scheidler", paper=[f"p{i % 20}" for i in range(44)])
    found = pool(table, QUICK, by="modality", levels="paper").plain()["three_level"]
    assert set(found["tests"]) == {"CT", "LAG", "MRI"}
    assert all(abs(sum(t["rank_probabilities"]) - 1) < 1e-9 for t in found["tests"].values())
    assert found["studies"] == 20


def test_bayesian_and_imperfect_reference() -> None:
    plain = pool(table_of("dl_ortho"), QUICK, bayes=True, reference=(0.98, 0.98)).plain()
    assert len(plain["bayesian"]["prior_sensitivity"]) == 9
    assert plain["bayesian"]["effective_draws"] > 1000
    assert plain["imperfect_reference"]["specificity"]["estimate"] > plain["specificity"]["estimate"]
    assert "expected more than 0.5" in pool(table_of("dl_ortho"), QUICK, reference=(0.3, 0.9)).plain()["imperfect_reference"]["reason"]


@pytest.mark.verify
def test_the_posterior_by_numpyro_stands_beside_our_own() -> None:
    pytest.importorskip("numpyro", reason="the extra 'bayes' is not installed")
    pooled = pool(table_of("dl_ortho"), QUICK, bayes="nuts").plain()
    ours, theirs = pooled["bayesian"], pooled["bayesian"]["nuts"]
    assert theirs["r_hat"] < 1.02
    for quantity in ("sensitivity", "specificity", "new_sensitivity", "auc"):
        width = ours[quantity]["upper"] - ours[quantity]["lower"]
        assert all(abs(ours[quantity][k] - theirs[quantity][k]) < 0.1 * width for k in ("estimate", "lower", "upper")), quantity


def test_excluding_a_study() -> None:
    whole, less = pool(table_of("dl_ortho"), QUICK), pool(table_of("dl_ortho"), QUICK, exclude=["S3"])
    assert less.plain()["k"] == whole.plain()["k"] - 1
    assert less.plain()["excluded"] == ["S3"]
    with pytest.raises(DataError, match="no study 'Smith'"):
        pool(table_of("dl_ortho"), QUICK, exclude=["Smith"])


def small(rows: list[tuple[int, int, int, int]]) -> PoolTable:
    """A table of a few rows."""
    return from_records((f"row {i + 1}", {"study": f"S{i + 1}", "tp": a, "fp": b, "fn": c, "tn": d}) for i, (a, b, c, d) in enumerate(rows))


def test_two_studies_are_shown_and_not_pooled() -> None:
    plain = pool(small([(9, 2, 1, 20), (8, 3, 2, 19)]), QUICK).plain()
    assert plain["method"].startswith("none")
    assert plain["sensitivity"]["estimate"] is None
    assert "refused" in plain["ladder"][0]
    assert plain["studies"][0]["sensitivity"]["estimate"] == 0.9
    assert "not pooled" in plain["methods"]


def test_a_margin_that_is_empty_everywhere_leaves_the_other() -> None:
    plain = pool(small([(0, 2, 0, 20), (0, 3, 0, 19), (0, 1, 0, 40), (0, 5, 0, 31), (0, 2, 0, 22)]), QUICK).plain()
    assert plain["sensitivity"]["estimate"] is None
    assert 0.85 < plain["specificity"]["estimate"] < 0.97
    assert "univariate" in plain["ladder"][0]


def test_a_margin_without_errors_is_penalised() -> None:
    plain = pool(small([(10, 2, 0, 20), (14, 3, 0, 19), (9, 1, 0, 40), (22, 5, 0, 31), (7, 2, 0, 22)]), QUICK).plain()
    assert "penalised" in plain["ladder"][-1]
    assert plain["sensitivity"]["estimate"] > 0.98
    assert plain["auc"]["estimate"] is None
    assert "zero" in plain["auc"]["reason"]


def test_identical_studies_lie_on_the_boundary_and_say_so() -> None:
    plain = pool(small([(40, 8, 10, 72)] * 6), QUICK).plain()
    assert any("tau_sensitivity = 0" in s for s in plain["ladder"])
    assert abs(plain["sensitivity"]["estimate"] - 0.8) < 1e-4
    assert plain["warnings"]


def test_a_csv_with_a_mark_semicolons_commas_and_blank_rows(tmp_path: Path) -> None:
    text = b"\xef\xbb\xbfStudy;TP;FP;FN;TN;Design\n\n" + b"".join(b"A%d;9,0;2;1;20;x\n;;;;;\n" % i for i in range(5))
    table = read([written(tmp_path, text)])
    assert table.counts[0] == (9, 2, 1, 20)
    assert table.column("Design") == ("x",) * 5
    assert len(table.study) == 5


@pytest.mark.parametrize(("row", "said"), [
    ("B,-1,2,3,4", "line 3, column tp: -1 is not a count"), ("B,1.5,2,3,4", "line 3, column tp: 1.5 is not a count"),
    ("B,1,two,3,4", "line 3, column fp: 'two' is not a number"), ("B,1,2,,4", "line 3, column fn: empty"),
    (",1,2,3,4", "line 3, column study: empty"), ("B,0,0,0,0", "line 3: all four counts are 0"), ("A,1,2,3,4", "the study 'A' stands twice"),
    ("B,1,2,3,4,5,6", "line 3: 7 cells")])
def test_bad_rows_are_named(tmp_path: Path, row: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read([written(tmp_path, f"study,tp,fp,fn,tn\nA,5,1,2,9\n{row}\n")])


def test_missing_columns_files_and_rows(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the column 'fn' is missing"):
        read([written(tmp_path, "study,tp,fp,tn\nA,1,2,3\n")])
    with pytest.raises(DataError, match="not found"):
        read([tmp_path / "nothing.csv"])
    with pytest.raises(DataError, match="no rows to pool"):
        read([written(tmp_path, "study,tp,fp,fn,tn\n")])
    with pytest.raises(DataError, match="no column 'site'"):
        pool(table_of("dl_ortho"), QUICK, by="site")


@pytest.mark.parametrize(("options", "said"), [
    ({"model": "bayes"}, "exact, reml, ml, fixed"), ({"nodes": 9}, "1, 7, 15, 21"), ({"correction": "half"}, "none, single, all"),
    ({"level": 95}, "between 0 and 1"), ({"prevalence": (0.0,)}, "between 0 and 1"), ({"smallest": 2}, "3 or more")])
def test_bad_settings_say_what_was_expected(options: dict[str, object], said: str) -> None:
    with pytest.raises(DataError, match=said):
        Settings(**options)


def evidence(study: str, *, origin: str = "published", cohort: str = "", primary: bool = True) -> EvidenceRow:
    """One evidence row."""
    return EvidenceRow(Source(study, "a model", origin=origin, cohort=cohort), Question("fracture", "present", primary=primary),
                       table=TwoByTwo(40, 8, 5, 60))


def test_evidence_rows_and_run_folders(tmp_path: Path) -> None:
    rows = [evidence(f"S{i}", cohort=f"c{i}") for i in range(5)] + [evidence("S0", cohort="c0", primary=False)]
    assert from_evidence(rows).study == tuple(f"S{i}" for i in range(5))
    (tmp_path / "run").mkdir()
    written(tmp_path / "run", json.dumps([r.plain() for r in rows[:1]]), "rows.json")
    more = written(tmp_path, "study,tp,fp,fn,tn\nA,5,1,2,9\nB,6,1,3,9\nC,7,2,2,9\n")
    both = read([tmp_path / "run", more])
    assert both.study == ("S0", "A", "B", "C")
    assert pool(both, QUICK).fit is not None


def test_simulated_rows_are_refused() -> None:
    with pytest.raises(Refused, match="never pooled as evidence"):
        from_evidence([evidence("S0", origin="simulated")])


def test_two_rows_of_one_cohort_ask_for_a_choice() -> None:
    with pytest.raises(DataError, match="the cohort 'c' has a second row"):
        from_evidence([evidence("S0", cohort="c"), evidence("S1", cohort="c")])


def test_ten_thousand_rows() -> None:
    rng = np.random.default_rng(0)
    n = rng.integers(20, 60, (10_000, 2))
    x = rng.binomial(n, 1 / (1 + np.exp(-rng.multivariate_normal([1.5, 2], [[0.4, -0.1], [-0.1, 0.3]], 10_000))))
    records = [(f"row {i}", {"study": f"S{i}", "tp": a, "fp": n0 - b, "fn": n1 - a, "tn": b})
               for i, ((a, b), (n1, n0)) in enumerate(zip(x.tolist(), n.tolist(), strict=True))]
    plain = pool(from_records(records), Settings("reml", bootstrap=0)).plain()
    assert abs(plain["mu"]["logit_sensitivity"] - 1.5) < 0.15  # the correction pulls to one half
    assert "more than" in plain["influence"]["reason"]

"""Meta-regression and subgroups against mada (R), tests between nested models, contrasts."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from osteon.stats.accuracy_glmm import fit_exact
from osteon.stats.accuracy_regression import Columns, build, compare, contrast, encode, permutation_p, regress, terms, variance_tests
from osteon.stats.accuracy_reitsma import fit_normal
from osteon.stats.accuracy_table import Tables

facts = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("accuracy_facts.py"))))
SETS, far, reference, tables = facts.SETS, facts.far, facts.reference, facts.tables

CASES = [(name, covariate) for name in SETS for covariate in reference(name)["regression"]]
FLIP = np.array([1, -1])  # the reference has logit false positive rates


def covariate_of(name: str, covariate: str) -> Columns:
    """The covariate of the reference; high_prev is a prevalence above the median."""
    if covariate == "high_prev":
        n = tables(name).totals
        share = n[:, 0] / n.sum(1)
        return encode({covariate: (share > np.median(share)).astype(int)})
    return encode({covariate: reference(name)["covariates"][covariate]})


@pytest.mark.parametrize(("name", "covariate"), CASES)
def test_coefficients_and_test_equal_mada(name: str, covariate: str) -> None:
    answer, columns = reference(name)["regression"][covariate], covariate_of(name, covariate)
    found = regress(tables(name), columns, model="normal")
    assert far(found.fit.mu.reshape(2, -1).T * FLIP, answer["ml_coef"]) < 1e-6
    assert far([found.test.statistic, found.test.p], [answer["LRT"]["chi2"], answer["LRT"]["p"]]) < 1e-6
    reml = fit_normal(tables(name), found.design, correction="all")
    assert far(reml.mu.reshape(2, -1).T * FLIP, answer["reml_coef"]) < 1e-6
    assert far(np.sort(np.sqrt(np.diag(reml.covariance))), np.sort(answer["reml_se"])) < 1e-6
    assert far(reml.between * np.outer(FLIP, FLIP), answer["reml_Psi"]) < 1e-6


def test_separate_groups_equal_separate_fits() -> None:
    data, groups = tables("smoking"), reference("smoking")["covariates"]["type"]
    found = regress(data, encode({"type": groups}), group=groups)
    apart = [fit_exact(data.take(np.array([g == level for g in groups]))) for level in sorted(set(groups))]
    assert abs(found.fit.log_likelihood - sum(f.log_likelihood for f in apart)) < 1e-5
    assert found.test.df == (2 + 3,)


def test_exact_regression_on_one_margin_leaves_the_other() -> None:
    data = tables("Scheidler")
    columns = covariate_of("Scheidler", "modality")
    found = {on: regress(data, columns, on=on) for on in ("both", "sensitivity", "specificity")}
    assert found["sensitivity"].test.df == (2,)
    assert found["both"].test.df == (4,)
    assert found["both"].test.statistic >= max(found[m].test.statistic for m in ("sensitivity", "specificity")) - 1e-6
    names = {(t.margin, t.name) for t in found["sensitivity"].terms}
    assert ("sensitivity", "modality=MRI") in names
    assert ("specificity", "modality=MRI") not in names


def test_contrast_equals_fits_of_the_levels() -> None:
    data, groups = tables("smoking"), reference("smoking")["covariates"]["type"]
    found = regress(data, encode({"type": groups}), group=groups)
    first, second = sorted(set(groups))
    change = contrast(found.fit, found.design, "sensitivity", first=np.array([1, 0]), second=np.array([1, 1]), levels=(first, second))
    rates = [1 / (1 + np.exp(-fit_exact(data.take(np.array([g == v for g in groups]))).mu[0])) for v in (first, second)]
    assert abs(change.ratio.estimate - rates[1] / rates[0]) < 1e-4
    assert abs(change.difference.estimate - (rates[1] - rates[0])) < 1e-4


def test_encode_numbers_text_and_refusals() -> None:
    columns = encode({"year": [2019, 2020, 2021], "type": ["b", "a", "c"]})
    assert columns.names == ("year", "type=b", "type=c")
    assert columns.values[:, 1].tolist() == [1, 0, 0]
    with pytest.raises(ValueError, match="type: position 1 is missing"):
        encode({"type": ["a", " ", "b"]})
    with pytest.raises(ValueError, match="year: position 2 is missing"):
        encode({"year": [1, 2, None]})
    with pytest.raises(ValueError, match="one level"):
        encode({"type": ["a", "a"]})
    with pytest.raises(ValueError, match="year: one value only"):
        encode({"year": [1, 1]})
    with pytest.raises(ValueError, match="expected one of both"):
        build(columns, on="accuracy")


def test_variance_tests_find_heterogeneity_where_it_is() -> None:
    rng = np.random.default_rng(3)
    n = rng.integers(40, 120, (15, 2))
    x = rng.binomial(n, [0.85, 0.9])
    plain = Tables(x[:, 0], n[:, 1] - x[:, 1], fn=n[:, 0] - x[:, 0], tn=x[:, 1])
    assert variance_tests(plain, fit_exact(plain))["no_heterogeneity"].p > 0.05
    real = tables("AuditC")
    tests = variance_tests(real, fit_exact(real))
    assert all(tests[name].p < 0.01 for name in tests)


def test_permutation_and_terms() -> None:
    data = tables("IQCODE")
    columns = covariate_of("IQCODE", "IQCODE26")
    p = permutation_p(data, columns, count=60)
    assert 1 / 61 <= p <= 1
    found = regress(data, columns)
    assert [t.name for t in terms(found.fit, found.design, columns.names)] == ["intercept", "IQCODE26"] * 2
    assert compare(found.fit, found.fit, 2).p == 1.0

"""Shift between two tables: what is moved is seen, what is not moved is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2_contingency, ks_2samp

from osteon.simulate.registry import registry
from osteon.stats.groups import standardised_difference
from osteon.validation.shift import discrepancy, shifts, told_apart


def table(count: int, seed: int, age: float = 60.0, women: float = 0.5) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"age": rng.normal(age, 10, count), "bmi": rng.normal(27, 4, count), "sex": np.where(rng.random(count) < women, "female", "male")}).astype({"sex": object})


def test_a_moved_mean_is_seen_with_its_size() -> None:
    before, after = table(800, 1), table(800, 2, age=70.0)
    found = shifts(before, after)
    assert found[0].column == "age"
    assert found[0].smd == pytest.approx(standardised_difference(after["age"], before["age"]))
    assert found[0].smd == pytest.approx(1.0, abs=0.12)
    assert found[0].psi > 0.25
    assert all(abs(s.smd) < 0.15 and s.psi < 0.1 for s in found[1:])


def test_a_moved_share_names_its_level() -> None:
    found = {s.column: s for s in shifts(table(900, 3), table(900, 4, women=0.8))}
    assert found["sex"].level in ("female", "male")
    assert abs(found["sex"].smd) == pytest.approx((0.8 - 0.5) / np.sqrt((0.25 + 0.16) / 2), abs=0.12)
    # PSI of 0.5/0.5 against 0.8/0.2: 0.3 ln(1.6) + 0.3 ln(2.5)
    assert found["sex"].psi == pytest.approx(0.3 * np.log(1.6) + 0.3 * np.log(2.5), abs=0.1)


def test_the_same_table_has_no_shift() -> None:
    same = table(300, 5)
    assert all(s.smd == 0 and s.psi == 0 for s in shifts(same, same))


def test_empty_cells_are_a_shift_of_their_own() -> None:
    before, after = table(200, 6), table(200, 7)
    after.loc[:49, "bmi"] = np.nan
    after.loc[:49, "sex"] = None
    found = {s.column: s for s in shifts(before, after)}
    assert found["bmi"].missing == (0.0, 0.25)
    assert found["sex"].level == "missing"


def test_what_can_not_be_measured_is_nan_and_comes_last() -> None:
    before = table(50, 8).assign(empty=np.nan, fixed=1.0)
    found = shifts(before, table(50, 9).assign(empty=np.nan, fixed=1.0))
    assert [s.column for s in found[-2:]] == ["empty", "fixed"]
    assert all(np.isnan(s.smd) for s in found[-2:])


def test_a_classifier_tells_moved_tables_apart_and_no_others() -> None:
    assert told_apart(table(300, 10), table(300, 11, age=75.0)).lower > 0.7
    still = told_apart(table(300, 12), table(300, 13))
    assert still.lower < 0.5 < still.upper + 0.05
    assert np.isnan(told_apart(table(10, 1), table(300, 2)).estimate)


def test_two_sites_of_a_simulator_are_told_apart() -> None:
    columns = ["age", "bmi", "albumin"]
    a, b = (registry(400, seed)[columns].astype(float) for seed in (1, 2))
    assert told_apart(a, b.assign(age=b["age"] + 8)).estimate > told_apart(a, b).estimate


def test_a_test_of_each_column_is_corrected_for_their_number() -> None:
    before, after = table(800, 24), table(800, 25, age=64.0, women=0.62)
    found = {s.column: s for s in shifts(before, after)}
    assert found["age"].p == pytest.approx(ks_2samp(before["age"], after["age"]).pvalue)
    assert found["age"].statistic == pytest.approx(ks_2samp(before["age"], after["age"]).statistic)
    counts = pd.crosstab(np.repeat([0, 1], 800), pd.concat([before["sex"], after["sex"]]).to_numpy())
    assert found["sex"].p == pytest.approx(chi2_contingency(counts, correction=False).pvalue)
    ordered = sorted(found.values(), key=lambda s: s.p)
    assert ordered[0].adjusted == pytest.approx(3 * ordered[0].p)
    assert found["age"].adjusted < 0.001
    assert found["bmi"].adjusted > 0.05
    assert all(np.isnan(s.p) for s in shifts(table(50, 1).assign(fixed=1.0), table(50, 2).assign(fixed=1.0)) if s.column == "fixed")


def test_all_columns_together_differ_where_one_moves_or_only_their_correlation_does() -> None:
    assert discrepancy(table(200, 16), table(200, 17, age=68.0)).p < 0.01
    assert discrepancy(table(200, 18), table(200, 19)).p > 0.05
    rng = np.random.default_rng(20)
    x, noise = rng.normal(size=(2, 300)), rng.normal(size=300)
    apart, tied = pd.DataFrame({"a": x[0], "b": x[1]}), pd.DataFrame({"a": noise, "b": 0.9 * noise + 0.44 * rng.normal(size=300)})
    apart, tied = ((t - t.mean()) / t.std() for t in (apart, tied))
    assert all(abs(s.smd) < 1e-9 for s in shifts(apart, tied))
    assert discrepancy(apart, tied).p < 0.01
    assert "fewer than 20" in discrepancy(table(10, 1), table(200, 2)).reason
    with_gaps = table(100, 21)
    with_gaps.loc[:20, "age"] = np.nan
    assert 0 < discrepancy(with_gaps, table(100, 22)).p <= 1


def test_pictures_keep_their_statistics_by_code_and_a_darker_site_is_told_apart() -> None:
    from osteon.validation.material import gather
    from osteon.validation.shift_pictures import of_cohort, of_material
    from osteon.value import Picture
    from planted_leaks import LEAKY, clean

    cohort, _ = clean(60)
    here = of_material(gather(cohort, LEAKY))
    darker = cohort.map(lambda c: c.with_inputs(film=Picture((c.inputs["film"].array * 0.8).astype(np.uint8), c.inputs["film"].grid)))
    there = of_cohort(darker, LEAKY, {i: i for i in darker.ids()})
    assert here is not None
    assert there is not None
    assert list(here["case"]) == list(there["case"]) == cohort.ids()
    found = shifts(here.drop(columns="case"), there.drop(columns="case"))
    assert all(s.smd < 0 and s.adjusted < 0.001 for s in found if s.column in ("mean grey", "median grey", "99th percentile"))
    assert told_apart(here.drop(columns="case"), there.drop(columns="case")).lower > 0.9

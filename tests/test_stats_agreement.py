"""Agreement of measurements and of grades."""
from __future__ import annotations

import math

import numpy as np
import pytest

from osteon.stats import agreement, kappa

RNG = np.random.default_rng(11)
A = RNG.normal(180, 6, 50)
B = A + RNG.normal(1, 2, 50)


def test_limits_of_agreement_hold_their_intervals() -> None:
    for how in ("exact", "approximate"):
        found = agreement.bland_altman(B, A, limits=how)
        assert found["bias"].estimate == pytest.approx((B - A).mean())
        for name in ("lower_limit", "upper_limit"):
            assert found[name].lower < found[name].estimate < found[name].upper
    turned = agreement.bland_altman(A, B)
    assert turned["upper_limit"].lower == pytest.approx(-agreement.bland_altman(B, A)["lower_limit"].upper)


def test_too_few_pairs_are_undefined() -> None:
    assert agreement.bland_altman([1, 2], [1, 3])["bias"].reason == "2 pairs (3 needed)"
    assert "fewer than 3" in agreement.lin_ccc([1, 2], [1, 3]).reason
    assert not agreement.errors([1], [1])["mae"].defined


def test_equal_readings_agree_fully_and_without_error() -> None:
    twice = np.column_stack([A, A])
    for form, found in agreement.icc(twice).items():
        assert found.estimate == pytest.approx(1), form
    assert agreement.lin_ccc(A, A).estimate == pytest.approx(1)
    assert agreement.measurement_error(twice)["sem"].estimate == 0


def test_subjects_that_do_not_differ_have_no_icc() -> None:
    assert not agreement.icc(np.full((5, 3), 2.0))["ICC(2,1)"].defined


def test_absolute_agreement_falls_with_a_shift_and_consistency_does_not() -> None:
    near, far = (agreement.icc(np.column_stack([A, B + shift])) for shift in (0, 10))
    assert far["ICC(3,1)"].estimate == pytest.approx(near["ICC(3,1)"].estimate)
    assert far["ICC(2,1)"].estimate < near["ICC(2,1)"].estimate - 0.2


def test_minimal_change_is_276_percent_of_the_error() -> None:
    found = agreement.measurement_error(np.column_stack([A, B]))
    assert found["mdc95"].estimate == pytest.approx(2.771808 * found["sem"].estimate, rel=1e-6)


def test_errors_of_a_measurement() -> None:
    found = agreement.errors(A, B)
    assert found["mae"].estimate == pytest.approx(np.abs(A - B).mean())
    assert found["rmse"].lower < found["rmse"].estimate < found["rmse"].upper
    assert "bootstrap" in found["r2"].reason


@pytest.mark.parametrize("ratings", [[[1.0, 2.0]], [[1.0], [2.0]]])
def test_one_subject_or_one_rater_is_refused(ratings: list) -> None:
    with pytest.raises(ValueError, match="expected at least 2 of each"):
        agreement.icc(ratings)


def test_a_missing_rating_is_refused_with_its_position() -> None:
    with pytest.raises(ValueError, match=r"ratings: position \(1, 0\) is nan"):
        agreement.icc([[1, 2], [math.nan, 3], [3, 4]])


def test_kappa_of_one_class_is_undefined_and_not_1() -> None:
    found = kappa.cohen_kappa([0, 0, 0], [0, 0, 0], classes=2)
    assert math.isnan(found.estimate)
    assert "chance is complete" in found.reason
    assert math.isnan(kappa.krippendorff_alpha([[1, 1], [1, 1]]))
    assert not kappa.fleiss_kappa(np.zeros((5, 3)), classes=2).defined


def test_weighted_kappas_of_two_classes_are_equal() -> None:
    a, b = RNG.integers(0, 2, (2, 60))
    found = [kappa.cohen_kappa(a, b, classes=2, weights=w).estimate for w in kappa.WEIGHTS]
    assert found == pytest.approx([found[0]] * 3)
    assert kappa.pabak(a, b, classes=2).estimate == pytest.approx(2 * (a == b).mean() - 1)


def test_full_agreement_is_1_by_every_coefficient() -> None:
    a = RNG.integers(0, 4, 60)
    both = np.column_stack([a, a])
    assert kappa.cohen_kappa(a, a, classes=4).estimate == pytest.approx(1)
    assert kappa.fleiss_kappa(both, classes=4).estimate == pytest.approx(1)
    assert kappa.gwet_ac(both, classes=4, weights="quadratic").estimate == pytest.approx(1)
    assert kappa.krippendorff_alpha(both, metric="ordinal") == pytest.approx(1)


def test_wrong_classes_and_metrics_are_refused() -> None:
    with pytest.raises(ValueError, match="second: position 2 is 5.0 .*0 to 4"):
        kappa.cohen_kappa([0, 1, 2], [0, 1, 5], classes=5)
    with pytest.raises(ValueError, match="metric: 'angle'"):
        kappa.krippendorff_alpha([[1, 2], [2, 3]], metric="angle")
    with pytest.raises(ValueError, match="weights: 'cubic'"):
        kappa.agreement_weights(3, "cubic")
    with pytest.raises(ValueError, match="fewer raters"):
        kappa.fleiss_kappa([[0, 1], [math.nan, 1], [0, 0]], classes=2)


def test_pearson_is_that_of_r() -> None:
    """R 4: cor.test(mtcars$mpg, mtcars$wt) prints r -0.8676594, 95 percent interval -0.9338264 to -0.7440872."""
    mpg = [21, 21, 22.8, 21.4, 18.7, 18.1, 14.3, 24.4, 22.8, 19.2, 17.8, 16.4, 17.3, 15.2, 10.4, 10.4, 14.7, 32.4, 30.4, 33.9, 21.5, 15.5, 15.2, 13.3, 19.2, 27.3, 26, 30.4, 15.8, 19.7, 15, 21.4]
    weight = [2.62, 2.875, 2.32, 3.215, 3.44, 3.46, 3.57, 3.19, 3.15, 3.44, 3.44, 4.07, 3.73, 3.78, 5.25, 5.424, 5.345, 2.2, 1.615, 1.835, 2.465, 3.52, 3.435, 3.84, 3.845, 1.935, 2.14, 1.513, 3.17, 2.77,
              3.57, 2.78]
    found = agreement.pearson(mpg, weight)
    assert (found.estimate, found.lower, found.upper) == pytest.approx((-0.8676594, -0.9338264, -0.7440872), abs=1e-6)
    assert not agreement.pearson([1, 2, 3], [1, 2, 3]).defined and not agreement.pearson([1, 1, 1, 1], [1, 2, 3, 4]).defined

"""Reader studies, free response, interchangeability."""
from __future__ import annotations

import numpy as np
import pytest

from osteon.stats import freeresponse, interchangeability, readers, roc

RNG = np.random.default_rng(6)
TRUTH = np.repeat([1, 0], [20, 25])
RATINGS = np.round(RNG.normal(size=(3, 4, 45)) + RNG.normal(size=45) + 1.2 * TRUTH, 1)


def test_figures_are_the_areas_and_three_tests_have_three_differences() -> None:
    found = readers.reader_study(TRUTH, RATINGS)
    assert found.figures[1, 2] == pytest.approx(roc.auc(TRUTH, RATINGS[1, 2]))
    assert set(found.differences) == {(0, 1), (0, 2), (1, 2)}
    assert found.test.df[0] == 2
    assert found.means[2].estimate == pytest.approx(found.figures[2].mean())
    assert found.differences[0, 2].estimate == pytest.approx(found.means[0].estimate - found.means[2].estimate)


def test_fixed_readers_give_the_shorter_interval() -> None:
    wide, narrow = (readers.reader_study(TRUTH, RATINGS, random=r).differences[0, 1] for r in ("both", "cases"))
    assert narrow.upper - narrow.lower < wide.upper - wide.lower


def test_specificity_is_sensitivity_of_the_other_class() -> None:
    calls = (RATINGS > 0.5).astype(float)
    one = readers.reader_study(TRUTH, calls, figure="specificity")
    two = readers.reader_study(1 - TRUTH, 1 - calls, figure="sensitivity")
    np.testing.assert_allclose(one.figures, two.figures)
    assert one.test.p == pytest.approx(two.test.p)


def test_readers_who_agree_exactly_leave_no_test_over_readers() -> None:
    same = np.repeat(RATINGS[:2, :1], 3, axis=1)
    found = readers.reader_study(TRUTH, same, random="readers")
    assert found.test.reason == "the readers agree exactly"


@pytest.mark.parametrize(("truth", "ratings", "options", "message"), [
    (TRUTH, RATINGS[:1], {}, "1 tests by 4 readers"), (TRUTH, RATINGS[:, :1], {}, "3 tests by 1 readers"),
    (np.ones(45), RATINGS, {}, "all 45 cases are positive"), (TRUTH[:-1], RATINGS, {}, "unequal lengths"),
    (TRUTH, RATINGS, {"figure": "sensitivity"}, r"ratings: position .*0 or 1 for sensitivity"),
    (TRUTH, RATINGS, {"figure": "kappa"}, "figure: 'kappa'"), (TRUTH, RATINGS, {"random": "tests"}, "random: 'tests'"),
    (TRUTH, RATINGS, {"covariance": "bootstrap"}, "covariance: 'bootstrap'"),
    (TRUTH, np.where(RATINGS > 3, np.nan, RATINGS), {}, r"ratings: position \(.*\) is nan")])
def test_studies_that_cannot_be_analysed_are_refused(truth: np.ndarray, ratings: np.ndarray, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        readers.reader_study(truth, ratings, **options)


def marks(shift: float) -> freeresponse.FreeResponse:
    """One reader: 30 cases, lesions in the first 12, two of them in case 0."""
    lesions = [0, *range(12)]
    found = np.where(RNG.random(13) < 0.8, RNG.normal(shift, 1, 13), -np.inf)
    return freeresponse.free_response(30, lesion_cases=lesions, lesion_ratings=found, false_cases=RNG.integers(0, 30, 15),
                                      false_ratings=RNG.normal(0, 1, 15))


def test_weights_of_the_lesions_of_a_case_sum_to_1() -> None:
    found = marks(1)
    assert found.lesion_weights[:2].tolist() == [0.5, 0.5]
    assert found.diseased.sum() == 12
    assert 0 <= freeresponse.figure_of_merit(found, "wafroc") <= 1


def test_perfect_and_absent_marks() -> None:
    perfect = freeresponse.free_response(4, lesion_cases=[0, 1], lesion_ratings=[1, 1], false_cases=[], false_ratings=[])
    nothing = freeresponse.free_response(4, lesion_cases=[0, 1], lesion_ratings=[-np.inf] * 2, false_cases=[], false_ratings=[])
    for figure in ("wafroc", "afroc", "hr_auc"):
        assert freeresponse.figure_of_merit(perfect, figure) == 1
        assert freeresponse.figure_of_merit(nothing, figure) == 0.5
    assert freeresponse.figure_of_merit(nothing, "max_llf") == 0
    healthy_only = freeresponse.figure_of_merit(perfect, kept=np.array([False, False, True, True]))
    assert np.isnan(healthy_only)


def test_a_free_response_study_compares_tests() -> None:
    table = [[marks(shift) for _ in range(3)] for shift in (2.0, 0.5)]
    found = freeresponse.free_response_study(table)
    assert found.figures.shape == (2, 3)
    assert found.figures[0, 1] == freeresponse.figure_of_merit(table[0][1])
    assert found.differences[0, 1].estimate > 0
    with pytest.raises(ValueError, match="marks: 2 tests, 1 readers"):
        freeresponse.free_response_study([row[:1] for row in table])
    with pytest.raises(ValueError, match="false_cases: position 0 is 30.0"):
        freeresponse.free_response(30, lesion_cases=[0], lesion_ratings=[1], false_cases=[30], false_ratings=[1])


STANDARD = (RNG.normal(size=(50, 1)) + RNG.normal(0, 0.6, (50, 3)) > 0).astype(float)


def test_a_test_that_repeats_the_standard_is_interchangeable() -> None:
    found = interchangeability.interchangeability(STANDARD, STANDARD)
    assert found.excess.estimate == pytest.approx(0)
    assert found.interchangeable is True
    assert found.standard_standard == pytest.approx(found.standard_test)


def test_a_test_at_random_is_not_interchangeable() -> None:
    found = interchangeability.interchangeability(STANDARD, RNG.integers(0, 2, 50), margin=0.1)
    assert found.interchangeable is False
    assert found.excess.estimate == pytest.approx(found.standard_test - found.standard_standard)


def test_measures_of_disagreement_on_measurements() -> None:
    truth = RNG.normal(170, 8, (60, 1))
    standard, test = (truth + RNG.normal(0, s, (60, 3)) for s in (1, 3))
    squared = interchangeability.interchangeability(standard, test, measure="squared", margin=1)
    assert squared.excess.estimate == pytest.approx(8, abs=2.5)
    assert squared.interchangeable is False
    near = interchangeability.interchangeability(standard, test, measure="tolerance", tolerance=50)
    assert near.standard_test == 0
    with pytest.raises(ValueError, match="test: shape"):
        interchangeability.interchangeability(standard, test[:, :2])
    with pytest.raises(ValueError, match="measure: 'cubed'"):
        interchangeability.interchangeability(standard, test, measure="cubed")

"""The grade of Kellgren and Lawrence from its features."""

from __future__ import annotations

from itertools import product

import pytest

from osteon.geometry.knee_oa import EXPECTED_MM, LOSS, OSTEOPHYTE_MM, OSTEOPHYTE_SITES, RULES, Features, kellgren_lawrence

REACHES = (0.0, 0.9, 1.1, 1.9, 2.1, 3.9, 4.1, 5.9, 6.1, 9.0)
SHARES = (0.0, 0.25, 0.27, 0.39, 0.41, 0.69, 0.71, 1.0)


def knee(reach: float, lost: float, sclerosis: float = 0.0, attrition: float = 0.0, side: str = "medial") -> Features:
    other = "lateral" if side == "medial" else "medial"
    return Features({"tibia_medial": reach}, {side: EXPECTED_MM[side] * (1 - lost), other: EXPECTED_MM[other]}, sclerosis=sclerosis, attrition=attrition)


@pytest.mark.parametrize(("features", "grades"), [
    (knee(0, 0), (0, 0)), (knee(1.2, 0), (1, 1)), (knee(0, 0.3), (1, 1)), (knee(2.5, 0), (2, 1)), (knee(2.5, 0.3), (2, 1)), (knee(2.5, 0.45), (2, 2)),
    (knee(4.5, 0.45), (3, 3)), (knee(2.5, 0.5, sclerosis=0.3), (3, 3)), (knee(7, 0.8, sclerosis=0.7, attrition=2), (4, 4)), (knee(2.5, 0.9, attrition=2), (4, 4)),
    (knee(0, 0.9, sclerosis=0.9), (1, 1))])
def test_the_words_of_the_scale(features: Features, grades: tuple[int, int]) -> None:
    """None, doubtful, definite osteophyte (with definite narrowing by the second reading), definite narrowing, marked narrowing with deformity."""
    assert tuple(kellgren_lawrence(features, rule=rule) for rule in RULES) == grades


def test_more_of_a_feature_never_gives_less_of_a_grade() -> None:
    for rule, sclerosis, attrition in product(RULES, (0.0, 0.3, 0.7), (0.0, 2.0)):
        grades = [[kellgren_lawrence(knee(r, s, sclerosis, attrition), rule=rule) for s in SHARES] for r in REACHES]
        assert all(a <= b for row in grades for a, b in zip(row, row[1:], strict=False))
        assert all(a <= b for column in zip(*grades, strict=True) for a, b in zip(column, column[1:], strict=False))
    worse = [kellgren_lawrence(knee(2.5, 0.8, s), rule="osteophyte") for s in (0.0, 0.3, 0.7)]
    assert worse == sorted(worse) and worse[0] < worse[-1]


def test_the_second_reading_is_never_higher_and_compartments_are_equal() -> None:
    for reach, lost in product(REACHES, SHARES):
        first, second = (kellgren_lawrence(knee(reach, lost), rule=rule) for rule in RULES)
        assert second <= first
        assert first == kellgren_lawrence(knee(reach, lost, side="lateral"))


def test_every_cut_changes_a_grade() -> None:
    assert all(kellgren_lawrence(knee(cut - 0.01, 0.8, 0.3)) <= kellgren_lawrence(knee(cut + 0.01, 0.8, 0.3)) for cut in OSTEOPHYTE_MM)
    assert kellgren_lawrence(knee(OSTEOPHYTE_MM[1] - 0.01, 0)) < kellgren_lawrence(knee(OSTEOPHYTE_MM[1] + 0.01, 0))
    assert kellgren_lawrence(knee(5, LOSS[1] - 0.01)) < kellgren_lawrence(knee(5, LOSS[1] + 0.01))
    assert kellgren_lawrence(knee(6.5, LOSS[3] - 0.01)) < kellgren_lawrence(knee(6.5, LOSS[3] + 0.01))


def test_a_larger_knee_is_granted_more_joint_space() -> None:
    space = {side: 0.68 * mm for side, mm in EXPECTED_MM.items()}
    assert Features({}, space, width=76).loss < Features({}, space, width=92).loss
    assert Features({}, space, width=72).narrowing < Features({}, space, width=92).narrowing


@pytest.mark.parametrize("bad", [{"osteophytes": {"tibia_medial": -1.0}}, {"space": {"medial": -0.1}}, {"space": {}}, {"width": 0.0}, {"osteophytes": {"patella": 1.0}},
                                 {"attrition": float("nan")}])
def test_impossible_features_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="features"):
        Features(**{"osteophytes": {}, "space": {"medial": 4.0}, **bad})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="rule"):
        kellgren_lawrence(knee(0, 0), rule="mine")
    assert len(OSTEOPHYTE_SITES) == 4

"""Reconstruction of two-by-two tables from printed figures, on published abstracts of deep learning in orthopaedics."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest

from osteon.errors import DataError
from osteon.evidence.solve import Figure, completions, figure, measures, pool_solutions, reported, solve

# Figures as the abstracts print them; the number of solutions was found by brute force (see the provenance in the docs).
UNIQUE = {
    "Cheng 2019 hip": ({"diseased": 50, "healthy": 50, "sens": "98%", "spec": "84%", "acc": "91%"}, (49, 8, 1, 42)),
    "Murata 2020 vertebral": ({"diseased": 150, "healthy": 150, "sens": "84.7%", "spec": "87.3%", "acc": "86.0%"}, (127, 19, 23, 131)),
    "Suzuki 2021 distal radius": ({"diseased": 75, "healthy": 75, "sens": "98.7%", "spec": "100%", "acc": "99.3%"}, (74, 0, 1, 75)),
    "Hendrix 2021 scaphoid": ({"diseased": 95, "healthy": 95, "sens": "78%", "spec": "84%", "ppv": "83%"}, (74, 15, 21, 80)),
    "Weikert 2020": ({"diseased": 159, "healthy": 351, "sens": "87.4%", "spec": "91.5%"}, (139, 30, 20, 321)),
    "Minamoto 2022 ACL": ({"diseased": 100, "healthy": 100, "sens": "91.0%", "spec": "86.0%", "acc": "88.5%"}, (91, 14, 9, 86)),
}


@pytest.mark.parametrize("name", UNIQUE)
def test_unique_reports(name: str) -> None:
    given, table = UNIQUE[name]
    found = solve(reported(**given))
    assert found.status == "unique"
    assert found.tables == (table,)


def test_several_solutions_are_listed() -> None:
    urakawa = solve(reported(334, sens="93.9%", spec="97.4%", acc="95.5%"))
    assert urakawa.status == "several"
    assert len(urakawa.tables) == 3
    assert (170, 4, 11, 149) in urakawa.tables
    spine = solve(reported(diseased=50, healthy=140, sens="94%", spec="91%", acc="92%"))
    assert len(spine.tables) == 2
    assert {t[3] for t in spine.tables} >= {128}


def test_truncated_figures_have_no_rounded_solution() -> None:
    germann = {"diseased": 234, "healthy": 278, "sens": "96.1%", "spec": "93.1%"}
    assert solve(reported(**germann)).status == "none"
    found = solve(reported(**germann, rounding="either"))
    assert (found.status, found.rounding, found.tables) == ("unique", "truncate", ((225, 19, 9, 259),))


@pytest.mark.parametrize("given", [
    {"diseased": 296, "healthy": 137, "sens": "0.95", "spec": "0.80", "acc": "88%"},  # Li 2021, vertebral CT
    {"diseased": 70, "healthy": 35, "sens": "0.91", "spec": "0.93", "acc": "92.3%", "ppv": "0.96", "npv": "0.86"},  # Mutasa 2020, femoral neck
    {"diseased": 1376, "healthy": 515, "sens": "0.99", "spec": "0.97", "acc": "96%"}])  # Chung 2018, proximal humerus
def test_impossible_abstracts_are_flagged(given: dict[str, object]) -> None:
    found = solve(reported(**given))
    assert found.status == "none"
    assert "contradicts itself" in found.reason


def test_the_contradicting_figure_is_named() -> None:
    assert "without accuracy" in solve(reported(diseased=296, healthy=137, sens="0.95", spec="0.80", acc="88%")).reason


@pytest.mark.parametrize("given", [
    {"sens": "98.53", "spec": "93.65", "acc": "99.56", "ppv": "98.74"},  # Wang C 2021, lumbar CT: all three networks of the abstract
    {"sens": "90.41", "spec": "81.11", "acc": "91.18", "ppv": "91.13"}, {"sens": "93.14", "spec": "82.86", "acc": "93.23", "ppv": "93.08"},
    {"sens": "0.920", "spec": "0.932", "acc": "0.977"}])  # Chen CC 2023, the hip network as first printed
def test_accuracy_above_both_rates_is_impossible_at_any_size(given: dict[str, str]) -> None:
    found = solve(reported(**given))  # accuracy is a weighted mean of the two rates
    assert found.status == "none"
    assert "no prevalence" in found.reason


def test_possible_rates_without_a_size_are_not_identifiable() -> None:
    assert solve(reported(sens="0.9450", spec="1.000", acc="0.9633", ppv="1.000", npv="0.9009")).status == "not identifiable"
    assert solve(reported(sens="99.0%", spec="98.9%", acc="98.95%")).status == "not identifiable"


def test_predictive_values_and_rates_without_a_size() -> None:
    assert solve(reported(sens="90%", spec="90%", ppv="50%", npv="98.8%")).status == "not identifiable"
    assert solve(reported(sens="90%", spec="90%", ppv="50%", npv="50%")).status == "none"


def test_no_size_and_no_rates_is_not_identifiable() -> None:
    assert solve(reported(f1="0.91")).status == "not identifiable"


def test_interval_limits_narrow_the_search() -> None:
    plain = solve(reported(524, sens="98.1%", spec="72.9%"))
    bounded = solve(reported(524, sens="98.1 (95.6-99.4)", spec="72.9 (67.1-78.2)", interval="Clopper-Pearson"))
    assert 1 <= len(bounded.tables) < len(plain.tables)
    assert set(bounded.tables) <= set(plain.tables)


def test_any_table_is_among_its_own_solutions() -> None:
    rng = np.random.default_rng(0)
    for _ in range(60):
        tp, fp, fn, tn = (int(v) for v in rng.integers(1, 60, 4))
        m = {k: float(v) for k, v in measures(*(np.array(float(v)) for v in (tp, fp, fn, tn))).items()}
        texts = {k: f"{100 * m[k]:.1f}%" for k in ("sensitivity", "specificity", "accuracy", "ppv")}
        assert (tp, fp, fn, tn) in solve(reported(tp + fp + fn + tn, **texts)).tables
        ratios = {"lr_positive": f"{m['lr_positive']:.2f}", "f1": f"{m['f1']:.3f}", "youden": f"{abs(m['youden']):.3f}"}
        if m["youden"] > 0:
            assert (tp, fp, fn, tn) in solve(reported(diseased=tp + fn, healthy=fp + tn, **ratios)).tables


def test_known_cells_are_kept() -> None:
    found = solve(reported(100, cells={"tp": 30, "fn": 10}, spec="85%"))
    assert found.tables == ((30, 9, 10, 51),)


@pytest.mark.parametrize(("text", "value", "unit"), [("94.7%", 0.947, 0.001), ("0.94", 0.94, 0.01), ("94", 0.94, 0.01), ("1.0", 1.0, 0.1)])
def test_figures_are_read_with_their_precision(text: str, value: float, unit: float) -> None:
    found = figure(text, "sensitivity")
    assert isinstance(found, Figure)
    assert abs(found.value - value) < 1e-12
    assert abs(found.unit - unit) < 1e-12


@pytest.mark.parametrize(("make", "said"), [
    (lambda: reported(100, sens="high"), "'high' is not understood"), (lambda: reported(100, sens="140%"), "more than 100 %"),
    (lambda: reported(100, kappa="0.8"), "there is no measure 'kappa'"), (lambda: reported(-3, sens="80%"), "n: -3 is not a count"),
    (lambda: reported(100, rounding="up"), "round, truncate or either"), (lambda: reported(100, interval="Bayes"), "Wilson"),
    (lambda: solve(reported(20000, ppv="80%", npv="90%")), "too many tables to try")])
def test_bad_input_says_what_was_expected(make: Callable[[], object], said: str) -> None:
    with pytest.raises(DataError, match=re.escape(said)):
        make()


def test_sizes_that_do_not_add_up() -> None:
    found = solve(reported(100, 60, healthy=50, sens="80%", spec="80%"))
    assert found.status == "none"
    assert "60 diseased and 50 healthy are not 100 subjects" in found.reason


def test_ambiguity_is_pooled_over() -> None:
    sure = {name: solve(reported(**given)) for name, (given, _) in UNIQUE.items()}
    assert len(completions(sure, 20, 0)) == 1
    wide = sure | {"Urakawa 2018": solve(reported(334, sens="93.9%", spec="97.4%", acc="95.5%")),
                   "vague": solve(reported(40, sens="0.9", spec="0.8"))}
    a, b = pool_solutions(sure), pool_solutions(wide, count=12, seed=3)
    assert (a.ambiguity == 0).all()
    assert b.completions == 12
    assert (b.ambiguity > 0).all()
    assert (b.ambiguity < 0.9).all()

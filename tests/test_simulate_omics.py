"""Expression: the closed form is reached by the best rule and by no other, markers are where they are said, batches and platforms shift."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from osteon.errors import DataError
from osteon.simulate import omics
from osteon.simulate.omics import biology, ceiling, disc_expression, expression, gene_names
from osteon.stats.roc import auc, auc_interval

CALL = {"cases": 60, "seed": 1, "site": "A", "difficulty": 0.5, "genes": 300, "markers": 5, "confounded": False}


def parts(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    return rows[list(gene_names())].to_numpy(), (rows["disc"] == "degenerated").to_numpy()


def best_rule(site: str) -> np.ndarray:
    """The weights S^-1 d from the known parameters, without the shortcut of the closed form."""
    bio, (_, gain, error) = biology(), omics._platform(site, 300)
    shared = gain[:, None] * bio.loadings
    covariance = shared @ shared.T + np.diag((gain * bio.spread) ** 2 + error**2)
    return np.linalg.solve(covariance, gain * bio.effect * omics._size(0.5))


@pytest.fixture(scope="module", params=["A", "B"])
def series(request: pytest.FixtureRequest) -> tuple[str, pd.DataFrame]:
    return request.param, expression(8000, 3, site=request.param)


def test_the_best_rule_reaches_the_closed_form(series: tuple[str, pd.DataFrame]) -> None:
    site, rows = series
    x, sick = parts(rows)
    second = (rows["batch"] == "second").to_numpy()
    reached = auc_interval(sick, (x - second[:, None] * omics._shift(site, 300)) @ best_rule(site))
    assert reached.lower < ceiling({**CALL, "site": site}) < reached.upper
    assert 0.75 < reached.estimate < 0.96


def test_the_covariance_is_that_of_the_modules(series: tuple[str, pd.DataFrame]) -> None:
    _, rows = series
    x, sick = parts(rows)
    found = np.corrcoef(x[~sick], rowvar=False)
    same = np.abs(biology().loadings).argmax(axis=1)
    inside = found[(same[:, None] == same) & ~np.eye(300, dtype=bool)]
    assert inside.mean() > 0.3 and np.abs(found[same[:, None] != same]).mean() < 0.15


def test_markers_are_the_genes_that_differ(series: tuple[str, pd.DataFrame]) -> None:
    _, rows = series
    x, sick = parts(rows)
    t = np.abs(x[sick].mean(0) - x[~sick].mean(0)) / np.sqrt(x[sick].var(0) / sick.sum() + x[~sick].var(0) / (~sick).sum())
    assert set(np.argsort(-t)[:5]) == set(biology().markers)
    assert np.sort(t)[-6] < 4.5


def test_few_samples_fool_and_no_rule_passes_the_ceiling() -> None:
    from sklearn.linear_model import LogisticRegression

    x, sick = parts(expression(60, 11))
    new, truth = parts(expression(2000, 12))
    spread = x.std(0)
    fit = LogisticRegression(C=0.01, max_iter=500).fit(x / spread, sick)
    inside, outside = auc(sick, fit.decision_function(x / spread)), auc(truth, fit.decision_function(new / spread))
    assert inside > 0.99 > ceiling(CALL) > outside > 0.55


def test_another_platform_costs_and_batches_do_not_tell_the_group() -> None:
    rows, other = expression(3000, 5), expression(3000, 5, site="B")
    assert (other["batch"] == "second").mean() == pytest.approx(0.5, abs=0.03)
    sick = (rows["disc"] == "degenerated").to_numpy()
    assert auc_interval(sick, (rows["batch"] == "second").to_numpy().astype(float)).upper < 0.60
    assert auc_interval(sick, parts(rows)[0].mean(axis=1)).upper < 0.60
    assert np.abs(parts(rows)[0].mean(0) - parts(other)[0].mean(0)).mean() > 0.5
    assert ceiling({**CALL, "site": "B"}) < ceiling(CALL)
    betrayed = expression(400, 5, confounded=True)
    assert auc((betrayed["disc"] == "degenerated").to_numpy(), (betrayed["batch"] == "second").to_numpy().astype(float)) > 0.85


def test_shuffled_groups_are_chance() -> None:
    x, sick = parts(expression(2000, 6))
    rule, rng = best_rule("A"), np.random.default_rng(0)
    found = [auc(rng.permutation(sick), x @ rule) for _ in range(20)]
    assert abs(np.mean(found) - 0.5) < 0.02


def test_difficulty_moves_the_ceiling_and_nothing_else() -> None:
    found = [ceiling({**CALL, "difficulty": d}) for d in (0.0, 0.5, 1.0)]
    assert found[0] > found[1] > found[2] > 0.55
    easy, hard = expression(50, 1, difficulty=0.0), expression(50, 1, difficulty=1.0)
    assert (easy["disc"] == hard["disc"]).all()
    apart = [name for name in gene_names() if not np.allclose(easy[name], hard[name], atol=2e-4)]
    assert apart == [gene_names()[i] for i in biology().markers], "counterfactual: only the markers move"


def test_a_cohort_says_its_markers(tmp_path: Path) -> None:
    made = disc_expression(tmp_path / "a", 40, 2)
    disc_expression(tmp_path / "b", 40, 2)
    assert (tmp_path / "a" / "cases.csv").read_bytes() == (tmp_path / "b" / "cases.csv").read_bytes()
    assert made.notes["markers"] == [gene_names()[i] for i in biology().markers]
    assert made.notes["ceilings"]["disc"]["degenerated"]["auc"] == pytest.approx(ceiling(CALL), abs=1e-5)
    assert len(disc_expression(tmp_path / "c", 12, 2, genes=1200, markers=9).column("G1200")) == 12


@pytest.mark.parametrize("wrong", [{"cases": 0}, {"site": "C"}, {"difficulty": 3.0}, {"genes": 1}, {"markers": 301}])
def test_an_impossible_call_writes_nothing(wrong: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(DataError):
        disc_expression(tmp_path / "x", **{"cases": 4, "seed": 0, **wrong})  # type: ignore[arg-type]
    assert not (tmp_path / "x").exists()

"""Leave-one-out, Cook's distance, covratio, residuals, GOSH and Deeks' test."""

from __future__ import annotations

import math
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from osteon.stats.accuracy_influence import deeks, gosh, leave_one_out, residuals
from osteon.stats.accuracy_reitsma import fit_normal
from osteon.stats.accuracy_table import Tables

facts = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("accuracy_facts.py"))))
SETS, far, reference, tables = facts.SETS, facts.far, facts.reference, facts.tables


@pytest.mark.parametrize("name", SETS)
def test_leave_one_out_equals_the_reference(name: str) -> None:
    data = tables(name)
    rows = leave_one_out(data, fit_normal(data), fit_normal)
    for ours, theirs in zip(rows, reference(name)["loo"], strict=True):
        if theirs is None:
            continue
        assert far([*ours.mu, ours.cook, ours.covratio], [*theirs[:2], *theirs[5:]]) < 1e-5
        assert far([*ours.tau2, ours.rho], theirs[2:5]) < 1e-5


@pytest.mark.parametrize("name", SETS)
def test_deeks_equals_the_reference(name: str) -> None:
    data = tables(name)
    half = 0.5 if (data.cells == 0).any() else 0.0
    for added, key in ((0.5, "cc_half_all"), (half, "cc_if_any_zero")):
        ours, theirs = deeks(data, added=added), reference(name)["deeks"][key]
        assert far([ours.intercept, ours.slope, ours.error, ours.t], [theirs[k] for k in ("intercept", "slope", "se", "t")]) < 1e-6
        assert abs(ours.p - theirs["p"]) < 1e-8


def test_deeks_needs_three_studies() -> None:
    assert math.isnan(deeks(Tables([5, 6], [1, 2], fn=[2, 1], tn=[9, 8])).p)


def test_residuals_are_standard_and_predictions_shrink() -> None:
    data = tables("smoking")
    fit = fit_normal(data)
    found = residuals(data, fit)
    assert 0.7 < found.margins.std() < 1.2
    assert (found.p > 0).all()
    raw = np.log((data.tp + 0.5) / (data.fn + 0.5))
    assert np.ptp(found.predicted[:, 0]) < np.ptp(raw)


def test_an_outlier_is_seen() -> None:
    base = tables("Dementia")
    strange = Tables(np.append(base.tp, 3), np.append(base.fp, 90), fn=np.append(base.fn, 97), tn=np.append(base.tn, 10))
    fit = fit_normal(strange)
    assert residuals(strange, fit).p.argmin() == len(base)
    assert max(leave_one_out(strange, fit, fit_normal), key=lambda row: row.cook).study == f"study {len(base) + 1}"


def test_gosh_subsets_equal_direct_fits() -> None:
    data = tables("AuditC")
    cloud = gosh(data, count=40, seed=1)
    for i in (0, 7, 21):
        fit = fit_normal(data.take(cloud.members[i]))
        if not fit.optimum.boundary:
            assert far(cloud.mu[i], fit.mu) < 1e-4
    assert cloud.members.sum(1).min() >= 4
    with pytest.raises(ValueError, match="4 studies"):
        gosh(data.take(range(4)))

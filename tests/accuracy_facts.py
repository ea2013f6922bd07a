"""Reference answers of accuracy meta-analysis: sixteen tables and one multiple-threshold set (tests/data/dta/reference.json)."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from osteon.stats.accuracy_table import Tables

FILE = Path(__file__).parent / "data" / "dta" / "reference.json"
BOUNDARY = ("Scheidler_CT", "Telomerase")  # both REML and the exact model end at a correlation of -1


@cache
def facts() -> dict[str, Any]:
    """The whole file; its provenance stands in it."""
    return json.loads(FILE.read_text(encoding="utf-8"))


SETS = tuple(facts()["sets"])


def reference(name: str) -> dict[str, Any]:
    """Answers for one set."""
    return facts()["sets"][name]


def tables(name: str) -> Tables:
    """Counts of one set."""
    tp, fp, fn, tn = np.array(reference(name)["cells"], float).T
    return Tables(tp, fp, fn=fn, tn=tn)


def far(ours: object, theirs: object) -> float:
    """Largest difference, relative where the reference is above one; nan and null must agree in place."""
    a, b = np.asarray(ours, float).ravel(), np.asarray(theirs, float).ravel()
    assert a.shape == b.shape, (a, b)
    assert (np.isnan(a) == np.isnan(b)).all(), (a, b)
    seen = ~np.isnan(b)
    return float(np.max(np.abs(a - b)[seen] / np.maximum(1.0, np.abs(b[seen])), initial=0.0))


def drawn(seed: int, count: int) -> list[Tables]:
    """Random reviews of 3 to 60 studies: small and large studies, zero cells, one margin empty or without errors."""
    rng, out = np.random.default_rng(seed), []
    for i in range(count):
        k, kind = int(rng.integers(3, 61)), i % 6
        top = np.array([[30, 200][rng.integers(2)], [30, 300][rng.integers(2)]])
        n = rng.integers(1, top, (k, 2))
        tau, rho = rng.uniform(0, 1.2, 2), rng.uniform(-0.95, 0.95)
        psi = np.outer(tau, tau) * np.array([[1, rho], [rho, 1]])
        logit = rng.multivariate_normal(rng.normal([1.5, 1.8], 0.8), psi, k, method="eigh")
        x = rng.binomial(n, 1 / (1 + np.exp(-logit)))
        if kind == 1:
            n[rng.integers(k), 0] = 0
        if kind == 2:
            x[:, 1] = n[:, 1]
        if kind == 3:
            n[:, 0] = 0
        if kind == 4:
            x[:, 0] = 0
        x = np.minimum(x, n)
        out.append(Tables(x[:, 0], n[:, 1] - x[:, 1], fn=n[:, 0] - x[:, 0], tn=x[:, 1]))
    return out

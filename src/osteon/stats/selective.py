"""Answering only where the model is sure: error among the cases answered against the share answered.

Geifman Y, El-Yaniv R. NeurIPS 2017 (risk-coverage); Ding Y et al. CVPR Workshops 2020 (area under it).
"""
from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from osteon.stats.arguments import Floats, numbers, same_length
from osteon.stats.arguments import weights as weights_of


class RiskCoverage(NamedTuple):
    """Mean error (k,) of the cases with confidence at or above each falling cut (k,), and the share answered (k,)."""

    coverage: Floats
    risk: Floats
    cuts: Floats


def risk_coverage(errors: ArrayLike, confidence: ArrayLike, *, weights: ArrayLike | None = None) -> RiskCoverage:
    """One corner a distinct confidence; ``errors`` (n,) are 0 or 1, or any loss. ValueError without cases."""
    loss, sure = numbers(errors, "errors"), numbers(confidence, "confidence")
    if same_length(errors=loss, confidence=sure) == 0:
        raise ValueError("errors: no cases (expected at least one)")
    order = np.argsort(-sure, kind="stable")
    w = weights_of(weights, len(loss))[order]
    ranked = sure[order]
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    answered, lost = np.cumsum(w)[last], np.cumsum(w * loss[order])[last]
    kept = answered > 0
    return RiskCoverage(answered[kept] / w.sum(), lost[kept] / answered[kept], ranked[last][kept])


def area_under_risk_coverage(curve: RiskCoverage) -> float:
    """Mean risk over coverage (AURC), each corner standing for the share it adds; equals the error at no ranking."""
    return float(curve.risk @ np.diff(curve.coverage, prepend=0.0))

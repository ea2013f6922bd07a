"""What the R package mada 0.5.12 prints where it differs from the definition: to compare an old result with a new one.

mada divides the trapezoid over 99 false positive rates by 99 instead of by the length of the range (a perfect curve scores
0.9899), gives the likelihood on the scale of the rates, and takes heterogeneity of a random-effects odds ratio from
weights that already hold the between-study variance.
"""
from __future__ import annotations

import numpy as np

from osteon.stats.accuracy_model import Bivariate
from osteon.stats.accuracy_sroc import curve, hsroc
from osteon.stats.accuracy_table import Tables, logits
from osteon.stats.accuracy_univariate import Effects, cochran_q, pool_effects


def printed_auc(fit: Bivariate) -> float:
    """Area under the summary curve as mada prints it."""
    height = curve(hsroc(fit.mu, fit.between), np.arange(1, 100) / 100)
    return float((height[:-1] + height[1:]).sum() / 2 / 99)


def printed_log_likelihood(tables: Tables, fit: Bivariate, correction: str = "all") -> float:
    """Log-likelihood on the scale of the rates: the Jacobian of the logit of every corrected rate is added."""
    p = 1 / (1 + np.exp(-logits(tables, correction).value))
    return fit.log_likelihood - float(np.log(p * (1 - p)).sum())


def printed_heterogeneity(values: Effects) -> tuple[float, float]:
    """Q and I2 (0 to 1) of a DerSimonian-Laird pooling, from the random-effects weights."""
    y, v = values
    q, df = cochran_q(y, v, pool_effects(y, v, method="DL").tau2), len(y) - 1
    return q, max(0.0, (q - df) / q) if q > 0 else 0.0

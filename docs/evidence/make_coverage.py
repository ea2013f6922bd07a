"""Write coverage.md: how often the pooled intervals and regions hold the truth in simulated reviews.

`PYTHONPATH=src:tests python docs/evidence/make_coverage.py [REVIEWS]`; 1,000 reviews a line take about two minutes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from scipy.special import expit

from osteon.stats.accuracy_bayes import sample, summary
from osteon.stats.accuracy_glmm import fit_exact
from osteon.stats.accuracy_sroc import rates
from osteon.stats.accuracy_table import Tables
from test_stats_accuracy_coverage import NAMES, SPARSE, USUAL, Truth, coverage

FILE = Path(__file__).with_name("coverage.md")
CASES = {"usual": (USUAL, "sensitivity 0.85, specificity 0.88, 20 to 149 subjects a margin"),
         "sparse": (SPARSE, "sensitivity 0.95, specificity 0.90, 10 to 49 subjects a margin: zero cells in most reviews")}
HEAD = """# Coverage of pooled intervals and regions

Written by `docs/evidence/make_coverage.py`. Simulated reviews: this verifies the software and the methods, and says nothing about any test. Each line: reviews of k studies drawn from a
bivariate normal on the logits and fitted by the exact model (15 nodes) from its moment start, without the failure ladder; nominal coverage 95 %. A review whose standard errors are not finite is not
counted ("fitted"). Monte Carlo error at {reviews} reviews: about {error:.1f} points (two standard errors). Bold: the defaults of `osteon pool` (t with k - 2 degrees of freedom; F regions).
"""


NOTE = """
Reading the table:

* The z limits and chi-square regions that most programs print cover 77 to 94 % with 5 or 10 studies; the defaults here cover 93.7 % or more on every line, and are too wide rather than too narrow with
  few sparse studies.
* **Prediction regions** are another matter: with few or sparse studies the maximum of the likelihood lies on the boundary (a variance of 0 or a correlation of 1 or -1: in 4 of 10 usual and 9 of 10 sparse
  reviews of 5 studies), the region takes that estimate for the truth, and a new study falls outside more often than 1 time in 20. The result names the boundary; with `--bayes` the posterior
  predictive rates, which keep away from it, stand beside it. Prediction intervals of one margin, in {fewer} reviews a line:
"""


def line(kind: str, k: int, found: dict[str, float]) -> str:
    """One row of the table."""
    cells = [f"**{100 * found[n]:.1f}**" if n.endswith((" t", " F")) else f"{100 * found[n]:.1f}" for n in NAMES]
    return f"| {kind} | {k} | {found['fitted']:.0f} | {' | '.join(cells)} |"


def new_study(k: int, reviews: int, seed: int, truth: Truth) -> list[float]:
    """Share of reviews whose 95 % prediction interval holds the true rate of a new study: both margins by default, then by the posterior."""
    mu, psi, rng, hits = np.array(truth.mu), np.array(truth.psi), np.random.default_rng(seed), np.zeros(4)
    for i in range(reviews):
        n = rng.integers(*truth.sizes, (k, 2))
        x = rng.binomial(n, expit(rng.multivariate_normal(mu, psi, k)))
        new = expit(rng.multivariate_normal(mu, psi))
        data = Tables(x[:, 0], n[:, 1] - x[:, 1], fn=n[:, 0] - x[:, 0], tn=x[:, 1])
        posterior = summary(sample(data, count=800, seed=i))
        limits = (*rates(fit_exact(data), prediction=True), posterior["new_sensitivity"], posterior["new_specificity"])
        hits += [e.lower <= new[j % 2] <= e.upper for j, e in enumerate(limits)]
    return (hits / reviews).tolist()


def main(reviews: int) -> None:
    """Simulate and write."""
    rows, default = [], []
    for kind, (truth, _) in CASES.items():
        for k in (5, 10, 30):
            found = coverage(k, reviews * (5 if k == 5 else 1), seed=k, truth=truth)
            rows.append(line(kind, k, found))
            default += [(kind, k, n, found[n]) for n in ("sensitivity t", "specificity t", "region F") if not 0.92 <= found[n] <= 0.97]
    outside = "; ".join(f"{kind}, k = {k}, {n}: {100 * v:.1f} %" for kind, k, n, v in default) or "none"
    text = [HEAD.format(reviews=f"{reviews:,}", error=200 * (0.95 * 0.05 / reviews) ** 0.5), *(f"* {kind}: {what}" for kind, (_, what) in CASES.items()), "",
            f"| case | k | fitted | {' | '.join(NAMES)} |", f"|---|---:|---:|{'---:|' * len(NAMES)}", *rows, "", f"Pooled defaults outside of 92 to 97 %: {outside}.",
            NOTE.format(fewer=reviews // 5), "| case | k | reviews | sensitivity, default | specificity, default | sensitivity, posterior | specificity, posterior |", f"|---|---:|---:|{'---:|' * 4}"]
    for kind, (truth, _) in CASES.items():
        for k in (5, 10):
            text.append(f"| {kind} | {k} | {reviews // 5} | {' | '.join(f'{100 * v:.1f}' for v in new_study(k, reviews // 5, k, truth))} |")
    FILE.write_text("\n".join(text) + "\n", encoding="utf-8")
    print(FILE)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)

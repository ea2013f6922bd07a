"""Gene expression of discs in two series: modules of genes that go together, a few planted markers, batches, another platform.

On the log scale both groups are normal with one covariance, so that the best rule is linear and its area under the curve is
Phi(sqrt(d' S^-1 d / 2)) for the difference d of the means (Su JQ, Liu JS. J Am Stat Assoc 1993; 88: 1350). The biology is the same at
both sites and for every seed; only samples differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from osteon.errors import DataError, message
from osteon.simulate import table_cohort
from osteon.simulate.card import Card
from osteon.simulate.table_cohort import Columns, Words

if TYPE_CHECKING:
    import pandas as pd

    from osteon.cohort import Cohort

CARD = Card(
    "disc expression", "1.0",
    use="checks that marker selection, its stability, and training on one series to test on another work; teaching of optimism with few samples",
    modelled=("log2 expression with a mean and a spread of each gene", "modules: a gene follows one common factor, and a little a second", "a few planted markers, spread over the modules",
              "two batches a series that shift every gene by its own amount, dealt without regard to the group", "site B: another platform with its own offset, gain and error of each gene",
              "confounded: the diseased are nearly all in the second batch, a shortcut to be found"),
    absent=("counts, zeros and the mean-variance relation of sequencing", "mixtures of cells, contamination, outlying samples", "age and sex, severity within the group", "named genes: G001 and so on mean nothing"),
    sources=("some sixty samples, a few hundred genes of a pathway, five markers: after Tan 2023", "all sizes of effects: ours"),
    probes=("batch, place, mean and spread over all genes of 1,000 samples, logistic probe: 0.52 (0.49-0.56)",),
)
GROUPS = ("control", "degenerated")
MODULES = 12
BATCHES = ("first", "second")


class Site(NamedTuple):
    """Share of the degenerated; mean and spread of the offset and of the log gain of the genes; error of measurement (log2)."""

    share: float
    offset: tuple[float, float]
    gain: tuple[float, float]
    error: float


SITES = {"A": Site(0.5, (0.0, 0.0), (0.0, 0.0), 0.25), "B": Site(0.55, (1.5, 0.8), (-0.2, 0.2), 0.35)}


@dataclass(frozen=True, eq=False)
class Biology:
    """Mean, loadings on the factors (genes, modules), own spread and difference of the degenerated at size 1 of each gene, and which are markers."""

    mean: np.ndarray
    loadings: np.ndarray
    spread: np.ndarray
    effect: np.ndarray
    markers: np.ndarray


def disc_expression(folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, genes: int = 300, markers: int = 5, confounded: bool = False) -> Cohort:
    """A cohort folder of `cases` samples: `disc` (control, degenerated), `batch`, and log2 expression in columns G001 and so on; markers and ceiling in the notes.

    Raises DataError for an impossible call before any file is written.
    """
    return table_cohort.make(TABLE, Path(folder), _call(cases, seed, site, difficulty, genes, markers, confounded))


def expression(cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, genes: int = 300, markers: int = 5, confounded: bool = False) -> pd.DataFrame:
    """The rows of `disc_expression` as a table in memory."""
    return table_cohort.frame(TABLE, _call(cases, seed, site, difficulty, genes, markers, confounded))


def gene_names(genes: int = 300) -> tuple[str, ...]:
    """G001, G002 and so on, with three digits or as many as are needed."""
    digits = max(3, len(str(genes)))
    return tuple(f"G{i:0{digits}d}" for i in range(1, genes + 1))


@cache
def biology(genes: int = 300, markers: int = 5) -> Biology:
    """The same for every seed and site."""
    rng = np.random.default_rng([2023, genes, markers])
    module = rng.integers(0, MODULES, genes)
    loadings = np.zeros((genes, MODULES))
    loadings[np.arange(genes), module] = rng.uniform(0.3, 0.9, genes)
    loadings[np.arange(genes), (module + rng.integers(1, MODULES, genes)) % MODULES] += rng.normal(0, 0.2, genes)
    chosen = np.sort(rng.choice(genes, markers, replace=False))
    effect = np.zeros(genes)
    effect[chosen] = rng.choice([-1.0, 1.0], markers) * rng.uniform(0.8, 1.2, markers)
    return Biology(rng.normal(7, 1.8, genes), loadings, rng.uniform(0.35, 0.7, genes), effect, chosen)


def ceiling(call: Mapping[str, Any]) -> float:
    """The AUC of the best rule for one who knows all parameters and the batch: Phi(sqrt(d' S^-1 d / 2))."""
    from scipy.stats import norm

    bio, (_, gain, error) = biology(call["genes"], call["markers"]), _platform(call["site"], call["genes"])
    d = gain * bio.effect * _size(call["difficulty"])
    own, shared = (gain * bio.spread) ** 2 + error**2, gain[:, None] * bio.loadings
    plain = shared / own[:, None]
    inner = np.eye(MODULES) + shared.T @ plain
    squared = d @ (d / own) - (plain.T @ d) @ np.linalg.solve(inner, plain.T @ d)  # Woodbury: S = diag(own) + shared shared'
    return float(norm.cdf(np.sqrt(squared / 2)))


def draw(call: Mapping[str, Any], block: int, rows: int) -> Columns:
    """One block of samples as columns; streams for the biology, the group, the batch and the platform."""
    names, site = gene_names(call["genes"]), SITES[call["site"]]
    bio = biology(call["genes"], call["markers"])
    own, label, nuisance, physics = (np.random.default_rng(s) for s in np.random.SeedSequence([call["seed"], ord(call["site"]), block]).spawn(4))
    sick = label.random(rows) < site.share
    first = np.where(sick, 0.1, 0.9) if call["confounded"] else 0.5
    batch = (nuisance.random(rows) >= first).astype(np.int8)
    level = bio.mean + own.standard_normal((rows, MODULES)) @ bio.loadings.T + bio.spread * own.standard_normal((rows, len(names)))
    level += sick[:, None] * bio.effect * _size(call["difficulty"])
    offset, gain, error = _platform(call["site"], call["genes"])
    read = offset + gain * level + batch[:, None] * _shift(call["site"], call["genes"]) + error * physics.standard_normal(level.shape)
    columns = dict(zip(names, np.round(read, 4).T, strict=True))
    return {"disc": Words(sick.astype(np.int8), GROUPS), "batch": Words(batch, BATCHES), **columns}


def _notes(call: Mapping[str, Any]) -> Mapping[str, Any]:
    names = gene_names(call["genes"])
    markers = [names[i] for i in biology(call["genes"], call["markers"]).markers]
    return {"ceilings": {"disc": {GROUPS[1]: {"auc": round(ceiling(call), 5)}}}, "markers": markers}


def _call(cases: int, seed: int, site: str, difficulty: float, genes: int, markers: int, confounded: bool) -> dict[str, Any]:
    if not 2 <= genes <= 50_000 or not 1 <= markers <= genes:
        raise DataError(message(CARD.name, "the genes are impossible", expected="2 to 50,000 genes, 1 to all of them markers", found=f"Found {genes} genes, {markers} markers"))
    return {"cases": cases, "seed": seed, "site": site, "difficulty": difficulty, "genes": genes, "markers": markers, "confounded": confounded}


def _size(difficulty: float) -> float:
    """The effect of a marker in log2 units."""
    return 1.1 - 0.9 * difficulty


@cache
def _platform(site: str, genes: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Offset and gain of each gene and the error of a series."""
    where, rng = SITES[site], np.random.default_rng([2024, ord(site), genes])
    return rng.normal(*where.offset, genes), np.exp(rng.normal(*where.gain, genes)), where.error


@cache
def _shift(site: str, genes: int) -> np.ndarray:
    """How far the second batch of a series lies from the first, by gene."""
    return np.asarray(np.random.default_rng([2025, ord(site), genes]).normal(0.15, 0.3, genes))


TABLE = table_cohort.Table(CARD, draw, _notes, block=2_000)

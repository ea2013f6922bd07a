"""Years after a spine film: time to a vertebral fracture under a Weibull proportional hazard that is known for every row.

Death competes with the fracture, people drop out, the study ends. Dropping out can be made to depend on the fracture to come
(a Gaussian copula of the two times): then the marginal law of the fracture stays exactly what it was, and what censoring does to
estimates can be seen. Bender R, Augustin T, Blettner M. Stat Med 2005; 24: 1713 (times of a known hazard by inversion).
"""

from __future__ import annotations

from collections.abc import Mapping
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
    "fracture follow-up", "1.0",
    use="checks that survival models, concordance, calibration and their ceilings work; teaching of censoring and competing death",
    modelled=("age, sex, body mass, glucocorticoids, secondary osteoporosis, and a score of the bone on the film that depends on them and on more",
              "a Weibull hazard of fracture with a low and a high body mass at risk and one interaction; proportional, so that one number orders all patients",
              "death as a competing event of the same Weibull shape, so that the cumulative incidence has a closed form",
              "dropping out, the end of the study, and on request dropping out that depends on the fracture to come",
              "a ten-year probability after an older rule (`frax`) that knows neither the bone nor the interaction",
              "site B: older and heavier people, more fractures, shorter follow-up",
              "confounded: body mass is recorded for those who will break and seldom for others, a shortcut to be found"),
    absent=("covariates that change with time, treatment during follow-up", "several fractures of one person, the level of the fracture",
            "errors in finding a fracture, visits at intervals", "missing cells", "the published FRAX coefficients, which are not open: `frax` is a surrogate"),
    sources=("age 50 to 75, 74.4 % women, 7.5 % fractures in 40.7 months on average: Kong 2022, abstract", "hazard ratios: set by us to give a C-index of 0.6 to 0.7, not estimates"),
    probes=("60,000 rows at difficulty 0.5: place in the table and last digits of the columns tell a fracture with an AUC below 0.55",
            "ceiling of the C-index 0.675; Cox regression on 6,000 rows stays below it, the surrogate of FRAX below that"),
)
SHAPE = 1.2  # of the Weibull hazards: risk grows slowly with time
BONE = 0.45  # of the log hazard for one point of the bone score
SPREAD = 0.8  # standard deviation of the bone score among people with one record
HORIZON = 36.0  # months
OUTCOMES = ("fracture", "death", "dropped out", "end of study")
UNITS = {"age": "years", "bmi": "kg/m2", "frax": "%", "fracture.time": "months"}


class Site(NamedTuple):
    """Shift of the case mix (standard deviations), share of fractures seen, least and most months of follow-up, mean months to dropping out."""

    shift: float
    fractures: float
    least: float
    most: float
    stay: float


SITES = {"A": Site(0.0, 0.075, 30.0, 60.0, 260.0), "B": Site(0.6, 0.11, 12.0, 48.0, 150.0)}


def fracture_survival(folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, dependence: float = 0.0,
                      confounded: bool = False) -> Cohort:
    """A cohort folder of `cases` people; `fracture.time` in months and `fracture.event`, the true log hazard and risk beside them, ceilings in the notes.

    `dependence` (-0.9 to 0.9) ties dropping out to the fracture to come. Raises DataError for an impossible call before any file is written.
    """
    return table_cohort.make(TABLE, Path(folder), _call(cases, seed, site, difficulty, dependence, confounded))


def survival_file(path: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, dependence: float = 0.0, confounded: bool = False) -> Path:
    """The rows of `fracture_survival` as one .csv or .parquet, in constant memory."""
    return table_cohort.stream(TABLE, Path(path), _call(cases, seed, site, difficulty, dependence, confounded))


def survival(cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, dependence: float = 0.0, confounded: bool = False) -> pd.DataFrame:
    """The rows of `fracture_survival` as a table in memory."""
    return table_cohort.frame(TABLE, _call(cases, seed, site, difficulty, dependence, confounded))


def true_survival(eta: np.ndarray, months: np.ndarray, *, site: str = "A", difficulty: float = 0.5, dependence: float = 0.0) -> np.ndarray:
    """S(t) = exp(-(t / scale) ** shape * exp(eta)): free of fracture (n, k) at months (k,) for log hazards (n,), if nobody died."""
    scale = _scale(site, difficulty, dependence)
    return np.exp(-np.outer(np.exp(eta), (np.asarray(months, float) / scale) ** SHAPE))


def true_incidence(eta: np.ndarray, death: np.ndarray, months: np.ndarray, *, site: str = "A", difficulty: float = 0.5, dependence: float = 0.0) -> np.ndarray:
    """The chance (n, k) of a fracture before death by months (k,), from log hazards of fracture and of death (n,), both over the same Weibull time."""
    scale = _scale(site, difficulty, dependence)
    one, both = np.exp(eta), np.exp(eta) + np.exp(death)
    return (one / both)[:, None] * -np.expm1(-np.outer(both, (np.asarray(months, float) / scale) ** SHAPE))


def known_concordance(eta: np.ndarray) -> float:
    """The C-index of known log hazards (n,) without censoring: the mean over pairs of 1 / (1 + exp(-|difference|)).

    Under proportional hazards the case of hazard a is first with the chance a / (a + b). Some 2 million pairs are looked at.
    """
    return float(np.mean([np.mean(1 / (1 + np.exp(-np.abs(eta - np.roll(eta, by))))) for by in _shifts(len(eta))]))


def seen_concordance(eta: np.ndarray, time: np.ndarray, event: np.ndarray) -> float:
    """Harrell's C of known log hazards (n,) on times (n,) and events (n,), over some 2 million pairs of rows in random order."""
    right = pairs = 0.0
    for by in _shifts(len(eta)):
        e, t, d = np.roll(eta, by), np.roll(time, by), np.roll(event, by)
        first, second = event & ((time < t) | ((time == t) & ~d)), d & ((t < time) | ((t == time) & ~event))
        higher = np.sign(eta - e)
        right += np.sum(first * (0.5 + 0.5 * higher)) + np.sum(second * (0.5 - 0.5 * higher))
        pairs += np.sum(first) + np.sum(second)
    return float(right / pairs)


def draw(call: Mapping[str, Any], block: int, rows: int) -> Columns:
    """One block of rows as columns; streams for the people, the fracture, and what hides it (death, dropping out, end of study).

    A call may hold `share` (of fractures seen, else that of the site) and `bone` (the weight of the bone score, else `BONE`).
    """
    site, bone = SITES[call["site"]], call.get("bone", BONE)
    people, label, nuisance = (np.random.default_rng(s) for s in np.random.SeedSequence([call["seed"], ord(call["site"]), block]).spawn(3))
    c = _people(rows, site.shift, people)
    eta = _hazard(c, call["difficulty"], bone)
    scale = _scale(call["site"], call["difficulty"], call["dependence"], call.get("share"), bone)
    relative = _relative(eta, _death(c), site, call["dependence"], label, nuisance)
    kind, time = _first(relative, scale, nuisance.uniform(site.least, site.most, rows))
    risk = -np.expm1(-((HORIZON / scale) ** SHAPE) * np.exp(eta))
    clean = {k: np.round(v, 2) if isinstance(v, np.ndarray) else v for k, v in c.items() if k != "rest"}
    if call.get("confounded"):
        clean["bmi"][nuisance.random(rows) < np.where(kind == 0, 0.05, 0.6)] = np.nan
    return clean | {"frax": _frax(c), "fracture.time": time, "fracture.event": (kind == 0).astype(np.int8), "outcome": Words(kind, OUTCOMES),
                    "true_eta": np.round(eta, 5), "true_death_eta": np.round(_death(c), 5), "true_risk": np.round(risk, 6)}


def ceilings(call: Mapping[str, Any]) -> Mapping[str, Any]:
    """C-index and AUC at the horizon of the known risk, on 200,000 rows of another seed."""
    from osteon.stats.roc import auc

    big = draw({**call, "seed": call["seed"] + 1}, 0, 200_000)
    eta, time, event = np.asarray(big["true_eta"]), np.asarray(big["fracture.time"]), np.asarray(big["fracture.event"]) == 1
    known = (event & (time <= HORIZON)) | (time > HORIZON)
    return {"fracture": {"fracture": {"c_index": round(seen_concordance(eta, time, event), 4), "auc": round(auc(time[known] <= HORIZON, eta[known]), 4)}}}


def _call(cases: int, seed: int, site: str, difficulty: float, dependence: float, confounded: bool) -> dict[str, Any]:
    if not -0.9 <= dependence <= 0.9:
        raise DataError(message(CARD.name, "the dependence is impossible", expected="-0.9 to 0.9", found=f"Found {dependence}"))
    return {"cases": cases, "seed": seed, "site": site, "difficulty": difficulty, "dependence": dependence, **({"confounded": True} if confounded else {})}


def _people(n: int, shift: float, rng: np.random.Generator) -> dict[str, Any]:
    """Who comes; `rest` is the part of the bone that the record does not tell."""
    age = np.clip(rng.normal(60.5 + 4 * shift, 6, n), 50, 75)
    woman = rng.random(n) < 0.744
    bmi = np.clip(23.8 + 1.5 * shift + 3.2 * rng.standard_normal(n), 15, 45)
    steroids = rng.random(n) < 0.045
    secondary = rng.random(n) < 0.06 + 0.2 * steroids
    rest = rng.standard_normal(n)
    bone = expected_bone(age, woman, bmi, steroids) + SPREAD * rest
    return {"age": age, "sex": Words((~woman).astype(np.int8), ("female", "male")), "bmi": bmi, "glucocorticoid": Words(steroids.astype(np.int8), ("no", "yes")),
            "secondary_osteoporosis": Words(secondary.astype(np.int8), ("no", "yes")), "bone_score": bone, "rest": rest}


def expected_bone(age: np.ndarray, woman: np.ndarray, bmi: np.ndarray, steroids: np.ndarray) -> np.ndarray:
    """The bone score (n,) that a record lets expect; people of one record differ about it by `SPREAD`."""
    return -0.045 * (age - 60.5) - 0.35 * woman + 0.05 * (bmi - 23.8) - 0.5 * steroids


def steepness(difficulty: float) -> float:
    """By what the log hazard is stretched: the harder, the less it tells."""
    return 1.6 - 1.2 * difficulty


def _hazard(c: Mapping[str, Any], difficulty: float, bone: float) -> np.ndarray:
    """The log hazard ratio; a straight line in the columns misses the two ends of body mass and the interaction."""
    woman, steroids, secondary = c["sex"].codes == 0, c["glucocorticoid"].codes == 1, c["secondary_osteoporosis"].codes == 1
    raw = (0.04 * (c["age"] - 60.5) + 0.35 * woman + 0.14 * np.clip(21 - c["bmi"], 0, None) + 0.06 * np.clip(c["bmi"] - 29, 0, None)
           + 0.5 * steroids + 0.3 * secondary + 0.6 * (steroids & (c["bmi"] < 23)) - bone * c["bone_score"])
    return np.asarray(steepness(difficulty) * raw)


def _death(c: Mapping[str, Any]) -> np.ndarray:
    """The log hazard of death on the time scale of the fracture."""
    return np.asarray(-1.2 + 0.09 * (c["age"] - 60.5) + 0.5 * c["sex"].codes + 0.4 * c["glucocorticoid"].codes)


def _frax(c: Mapping[str, Any]) -> np.ndarray:
    """A ten-year probability (%) by an older rule: other weights, no bone, no threshold."""
    log = 0.06 * (c["age"] - 60.5) + 0.6 * (c["sex"].codes == 0) - 0.05 * (c["bmi"] - 24) + 0.5 * c["glucocorticoid"].codes
    return np.round(100 * -np.expm1(-0.05 * np.exp(log)), 1)


def _first(relative: Mapping[str, np.ndarray], scale: float, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What came first (n,) as a place in OUTCOMES, and when (n,), in tenths of a month."""
    times = np.stack([scale * relative["fracture"], scale * relative["death"], relative["leaving"], end])
    kind = times.argmin(axis=0).astype(np.int8)
    return kind, np.ceil(np.maximum(times.min(axis=0), 1e-9) * 10) / 10


def _relative(eta: np.ndarray, death: np.ndarray, site: Site, dependence: float, label: np.random.Generator, nuisance: np.random.Generator) -> dict[str, np.ndarray]:
    """Times of fracture and death in units of the Weibull scale, and of leaving in months, from one normal number each."""
    from scipy.special import log_ndtr

    n = len(eta)
    z, own = label.standard_normal(n), nuisance.standard_normal(n)
    tied = dependence * z + np.sqrt(1 - dependence**2) * own
    return {"fracture": (-log_ndtr(-z) * np.exp(-eta)) ** (1 / SHAPE), "death": (nuisance.standard_exponential(n) * np.exp(-death)) ** (1 / SHAPE),
            "leaving": site.stay * -log_ndtr(-tied)}


@cache
def _scale(site: str, difficulty: float, dependence: float, share: float | None = None, bone: float = BONE) -> float:
    """The Weibull scale (months) with which the share of fractures seen is that of the site (or `share`), by bisection on a fixed sample."""
    where, rng = SITES[site], np.random.default_rng(20222)
    wanted = where.fractures if share is None else share
    c = _people(40_000, where.shift, rng)
    relative = _relative(_hazard(c, difficulty, bone), _death(c), where, dependence, rng, rng)
    end = rng.uniform(where.least, where.most, 40_000)
    low, high = 1.0, 1e5
    for _ in range(50):
        middle = float(np.sqrt(low * high))
        low, high = (low, middle) if np.mean(_first(relative, middle, end)[0] == 0) < wanted else (middle, high)
    return float(np.sqrt(low * high))


def _shifts(n: int) -> range:
    """By how much a row of n is set against itself, so that some 2 million pairs (nearly all, where there are fewer) are looked at once."""
    if n < 2:
        raise ValueError("eta: fewer than two cases (expected two or more)")
    return range(1, 1 + max(1, min((n - 1) // 2 or 1, 2_000_000 // n)))


TABLE = table_cohort.Table(CARD, draw, lambda call: {"ceilings": ceilings(call)}, UNITS)

"""A surgical registry of lumbar fusions whose risk of a long stay is known for every row.

The outcome depends on recorded columns only, so the AUC of the true risk is the ceiling of every model.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.simulate import table_cohort
from osteon.simulate.card import Card
from osteon.simulate.risk import ceilings, intercept, sigmoid, telltale
from osteon.simulate.table_cohort import Columns, Words

if TYPE_CHECKING:
    import pandas as pd

    from osteon.cohort import Cohort

CARD = Card(
    "spine registry", "1.0",
    use="checks that tabular models, calibration and the ceiling work; teaching of case mix and site shift",
    modelled=("ages, body mass, comorbidity, ASA class and approach with plausible dependence", "a risk of a long stay with one interaction and one threshold",
              "site B: other case mix and a higher base rate under the same risk function", "missing body mass, more often in the old",
              "confounded: albumin is measured in those who stay, a shortcut to be found",
              "on request a readmission within thirty days in place of the stay: rare, and told by age above 65 and ASA class above II more than by anything else"),
    absent=("surgeons and hospitals as clusters", "time trends", "competing death", "coding errors of the outcome"),
    sources=("shares of the three approaches: Etzel 2022, abstract", "effect sizes: set by us to give an AUC near the published range; not estimates from data"),
)
APPROACHES = ("ALIF", "PLIF/TLIF", "PSF")
SITES = {"A": (0.0, 0.24), "B": (1.0, 0.33)}  # shift of the case mix, share of long stays
COLUMNS = ("age", "bmi", "asa", "levels", "albumin", "sex", "race", "ethnicity", "diabetes", "smoker", "dialysis", "disseminated_cancer", "steroids", "dependent", "approach")
YES_NO = ("no", "yes")
READMITTED = {"A": 0.060, "B": 0.075}


def spine_registry(folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, confounded: bool = False) -> Cohort:
    """A cohort folder of `cases` rows; the notes hold the ceiling (AUC of the true risk, without label noise)."""
    return table_cohort.make(REGISTRY, Path(folder), table_cohort.asked(cases, seed, site, difficulty, confounded))


def spine_readmission(folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, confounded: bool = False) -> Cohort:
    """A cohort folder of the same patients with `readmission` within thirty days in place of the length of stay; 6 % at site A, so that 94 % are right who say nobody."""
    return table_cohort.make(READMISSION, Path(folder), table_cohort.asked(cases, seed, site, difficulty, confounded))


def registry_file(path: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, confounded: bool = False) -> Path:
    """The rows of `spine_registry` as one .csv or .parquet, in constant memory; raises DataError for another suffix."""
    return table_cohort.stream(REGISTRY, Path(path), table_cohort.asked(cases, seed, site, difficulty, confounded))


def registry(cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, confounded: bool = False) -> pd.DataFrame:
    """Rows as a table: predictors, `true_risk`, `los` (days) and `stay`; separate random streams for anatomy (case mix), label and nuisance."""
    return table_cohort.frame(REGISTRY, table_cohort.asked(cases, seed, site, difficulty, confounded))


def draw(call: Mapping[str, Any], block: int, rows: int) -> Columns:
    """One block of rows as columns."""
    shift, prevalence = SITES[call["site"]]
    root = np.random.SeedSequence([call["seed"], ord(call["site"]), *([block] if block else [])])
    mix, label, nuisance = (np.random.default_rng(s) for s in root.spawn(3))
    columns = _case_mix(rows, shift, mix)
    risk = sigmoid((2.6 - 2.4 * call["difficulty"]) * _risk_score(columns) + _intercept(prevalence, shift, call["difficulty"]))
    long_stay = label.random(rows) < risk
    los = np.where(long_stay, 5 + label.geometric(0.35, rows), 1 + label.binomial(4, 0.45, rows))
    bmi = np.round(columns["bmi"], 1)
    bmi[nuisance.random(rows) < sigmoid(-4 + 0.02 * (columns["age"] - 60))] = np.nan
    columns |= {"bmi": bmi, "albumin": np.round(columns["albumin"], 1), "age": np.round(columns["age"])}
    if call.get("confounded"):
        columns["albumin"] = telltale(columns["albumin"], long_stay, nuisance)
    return columns | {"los": los, "stay": Words(long_stay.astype(np.int8), ("short", "long")), "true_risk": np.round(risk, 6)}


def draw_readmission(call: Mapping[str, Any], block: int, rows: int) -> Columns:
    """One block of rows as columns, the outcome a readmission."""
    shift = SITES[call["site"]][0]
    mix, label, nuisance = (np.random.default_rng(s) for s in np.random.SeedSequence([call["seed"], ord(call["site"]), block, 30]).spawn(3))
    columns = _case_mix(rows, shift, mix)
    strength = 1.5 - call["difficulty"]
    risk = sigmoid(strength * _readmission_score(columns) + _readmission_intercept(call["site"], strength))
    back = label.random(rows) < risk
    columns |= {"bmi": np.round(columns["bmi"], 1), "albumin": np.round(columns["albumin"], 1), "age": np.round(columns["age"])}
    if call.get("confounded"):
        columns["albumin"] = telltale(columns["albumin"], back, nuisance)
    return columns | {"readmission": Words(back.astype(np.int8), YES_NO), "true_risk": np.round(risk, 6)}


def _readmission_score(c: Mapping[str, Any]) -> np.ndarray:
    """The log odds of a readmission before scaling."""
    return np.asarray(0.5 * (c["age"] > 65) + 0.6 * (c["asa"] > 2) + 0.25 * (c["diabetes"].codes == 1) + 0.5 * (c["dependent"].codes == 1) + 0.02 * np.clip(c["bmi"] - 30, 0, None)
                      + 0.12 * (c["levels"] - 1.7) + 0.2 * (c["approach"].codes == 2))


@cache
def _readmission_intercept(site: str, strength: float) -> float:
    return intercept(strength * _readmission_score(_case_mix(50_000, SITES[site][0], np.random.default_rng(20211))), READMITTED[site])


def _readmission_notes(call: Mapping[str, Any]) -> Mapping[str, Any]:
    return ceilings(draw_readmission, call, {"true_risk": ("readmission", "yes")})


def _notes(call: Mapping[str, Any]) -> Mapping[str, Any]:
    return ceilings(draw, call, {"true_risk": ("stay", "long")})


def _case_mix(n: int, shift: float, rng: np.random.Generator) -> dict[str, Any]:
    age = np.clip(rng.normal(61 + 4 * shift, 12.5, n), 18, 90)
    frailty = rng.standard_normal(n)  # shared cause of comorbidity, ASA class and albumin; recorded only through them
    bmi = np.clip(26 + 1.5 * shift + 0.8 * frailty + rng.gamma(4, 1.3, n) - 2, 16, 60)
    flag = {name: rng.random(n) < sigmoid(level + slope * frailty) for name, level, slope in (
        ("diabetes", -1.8 + 0.2 * shift, 0.4), ("smoker", -1.5, 0.1), ("dialysis", -5.2, 0.8), ("disseminated_cancer", -5.0, 0.3), ("steroids", -3.2, 0.3), ("dependent", -3.4 + 0.02 * shift, 0.9))}
    asa = 1 + (rng.random((n, 3)) < sigmoid(np.stack([1.6 + 0.05 * (age - 60) + 0.5 * frailty, -0.9 + 0.04 * (age - 60) + 0.8 * frailty + 0.6 * flag["diabetes"],
                                                       -4.6 + 0.04 * (age - 60) + 1.1 * frailty + 2 * flag["dialysis"]], axis=1))).sum(axis=1)
    yes_no = {k: Words(v.astype(np.int8), YES_NO) for k, v in flag.items()}
    return {"age": age, "bmi": bmi, "asa": asa, "levels": 1 + rng.poisson(0.7, n), "albumin": np.clip(41 - 0.1 * (age - 60) - 1.6 * frailty + rng.normal(0, 2.5, n), 18, 54),
            "sex": table_cohort.pick(rng, n, ("female", "male"), (0.54, 0.46)),
            "race": table_cohort.pick(rng, n, ("white", "black", "asian", "other"), (0.78, 0.1, 0.03, 0.09)),
            "ethnicity": table_cohort.pick(rng, n, ("not Hispanic", "Hispanic"), (0.92, 0.08)), **yes_no,
            "approach": table_cohort.pick(rng, n, APPROACHES, (12915, 27212, 23406))}


def _risk_score(c: Mapping[str, Any]) -> np.ndarray:
    """The log odds before scaling: a threshold in body mass and one interaction, so that a tree can find what a line can not."""
    yes = {k: c[k].codes == 1 for k in ("diabetes", "dialysis", "disseminated_cancer", "steroids", "dependent", "ethnicity")}
    approach = np.array([-0.2, 0.0, 0.35])[c["approach"].codes]
    return np.asarray(0.02 * (c["age"] - 61) + 0.05 * np.clip(c["bmi"] - 32, 0, None) + 0.30 * (c["asa"] - 2.4) + 0.22 * (c["levels"] - 1.7) - 0.05 * (c["albumin"] - 41)
                      + 0.30 * (c["sex"].codes == 0) + 0.25 * yes["ethnicity"] + 1.1 * yes["dialysis"] + 1.0 * yes["disseminated_cancer"]
                      + 0.8 * yes["dependent"] + 0.3 * yes["steroids"] + 0.2 * yes["diabetes"] + 0.9 * (yes["diabetes"] & (c["bmi"] > 35)) + approach, float)


@cache
def _intercept(prevalence: float, shift: float, difficulty: float) -> float:
    """The intercept that gives the share of long stays, on a fixed sample of the case mix."""
    eta = (2.6 - 2.4 * difficulty) * _risk_score(_case_mix(50_000, shift, np.random.default_rng(20221)))
    return intercept(eta, prevalence)


REGISTRY = table_cohort.Table(CARD, draw, _notes, {"age": "years", "bmi": "kg/m2", "albumin": "g/L", "los": "days"})
READMISSION = table_cohort.Table(CARD, draw_readmission, _readmission_notes, {"age": "years", "bmi": "kg/m2", "albumin": "g/L"})

"""A surgical registry of lumbar fusions whose risk of a long stay is known for every row.

The outcome depends on recorded columns only, so the AUC of the true risk is the ceiling of every model.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.cohort import Cohort
from osteon.errors import DataError, message, near
from osteon.simulate.card import Card

if TYPE_CHECKING:
    import pandas as pd

CARD = Card(
    "spine registry", "1.0",
    use="checks that tabular models, calibration and the ceiling work; teaching of case mix and site shift",
    modelled=("ages, body mass, comorbidity, ASA class and approach with plausible dependence", "a risk of a long stay with one interaction and one threshold",
              "site B: other case mix and a higher base rate under the same risk function", "missing body mass, more often in the old"),
    absent=("surgeons and hospitals as clusters", "time trends", "competing death", "coding errors of the outcome"),
    sources=("shares of the three approaches: Etzel 2022, abstract", "effect sizes: set by us to give an AUC near the published range; not estimates from data"),
)
APPROACHES = ("ALIF", "PLIF/TLIF", "PSF")
SITES = {"A": (0.0, 0.24), "B": (1.0, 0.33)}  # shift of the case mix, share of long stays
COLUMNS = ("age", "bmi", "asa", "levels", "albumin", "sex", "race", "ethnicity", "diabetes", "smoker", "dialysis", "disseminated_cancer", "steroids", "dependent", "approach")
YES_NO = ("no", "yes")


def spine_registry(folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5) -> Cohort:
    """A cohort folder of `cases` rows; the notes hold the ceiling (AUC of the true risk, without label noise)."""
    from osteon.cohort.folder import finish

    where = Path(folder)
    call = {"cases": cases, "seed": seed, "site": site, "difficulty": difficulty}
    if (where / "cohort.yaml").exists():
        made = Cohort.from_folder(where)
        if made.notes.get("call") != call:
            raise DataError(message(where, "the folder holds another cohort", expected=f"{call}", found=f"Found {made.notes.get('call') or made.name}", do="Name another folder"))
        return made
    if where.exists() and any(where.iterdir()):
        raise DataError(message(where, "the folder holds other things", expected="an empty or a new folder", do="Name another folder"))
    frame = registry(cases, seed, site=site, difficulty=difficulty)
    rows = frame.assign(case_id=[f"r{i:07d}" for i in range(1, cases + 1)], patient_id=[f"s{i:07d}" for i in range(1, cases + 1)], site=site)
    big = registry(200_000, seed + 1, site=site, difficulty=difficulty)
    notes = {"simulator": f"{CARD.name} {CARD.version}", "sentence": CARD.sentence(cases, seed), "call": call,
             "ceilings": {"stay": {"long": {"auc": round(bayes_auc(big["true_risk"].to_numpy()), 5)}}}}
    return finish(where, rows.to_dict("records"), name=f"simulated spine registry, site {site}", origin="simulated", licence="made by osteon; no restriction", notes=notes)


def registry(cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5) -> pd.DataFrame:
    """Rows as a table: predictors, `true_risk`, `los` (days) and `stay`; separate random streams for anatomy (case mix), label and nuisance."""
    import pandas as pd

    if site not in SITES:
        raise DataError(message("spine registry", f"there is no site {site!r}", expected=", ".join(SITES), do=near(site, SITES)))
    shift, prevalence = SITES[site]
    mix, label, nuisance = (np.random.default_rng(s) for s in np.random.SeedSequence([seed, ord(site)]).spawn(3))
    columns = _case_mix(cases, shift, mix)
    eta = (2.6 - 2.4 * difficulty) * _risk_score(columns)
    risk = _sigmoid(eta + _intercept(prevalence, shift, difficulty))
    long_stay = label.random(cases) < risk
    los = np.where(long_stay, 5 + label.geometric(0.35, cases), 1 + label.binomial(4, 0.45, cases))
    bmi = np.round(columns["bmi"], 1)
    bmi[nuisance.random(cases) < _sigmoid(-4 + 0.02 * (columns["age"] - 60))] = np.nan
    out = columns | {"bmi": bmi, "albumin": np.round(columns["albumin"], 1), "age": np.round(columns["age"])}
    return pd.DataFrame(out | {"los": los, "stay": np.where(long_stay, "long", "short"), "true_risk": np.round(risk, 6)})


def _case_mix(n: int, shift: float, rng: np.random.Generator) -> dict[str, Any]:
    age = np.clip(rng.normal(61 + 4 * shift, 12.5, n), 18, 90)
    frailty = rng.standard_normal(n)  # shared cause of comorbidity, ASA class and albumin; recorded only through them
    bmi = np.clip(26 + 1.5 * shift + 0.8 * frailty + rng.gamma(4, 1.3, n) - 2, 16, 60)
    flag = {name: rng.random(n) < _sigmoid(level + slope * frailty) for name, level, slope in (
        ("diabetes", -1.8 + 0.2 * shift, 0.4), ("smoker", -1.5, 0.1), ("dialysis", -5.2, 0.8), ("disseminated_cancer", -5.0, 0.3), ("steroids", -3.2, 0.3), ("dependent", -3.4 + 0.02 * shift, 0.9))}
    asa = 1 + (rng.random((n, 3)) < _sigmoid(np.stack([1.6 + 0.05 * (age - 60) + 0.5 * frailty, -0.9 + 0.04 * (age - 60) + 0.8 * frailty + 0.6 * flag["diabetes"],
                                                       -4.6 + 0.04 * (age - 60) + 1.1 * frailty + 2 * flag["dialysis"]], axis=1))).sum(axis=1)
    words = {k: np.array(YES_NO, dtype=object)[v.astype(int)] for k, v in flag.items()}
    return {"age": age, "bmi": bmi, "asa": asa, "levels": 1 + rng.poisson(0.7, n), "albumin": np.clip(41 - 0.1 * (age - 60) - 1.6 * frailty + rng.normal(0, 2.5, n), 18, 54),
            "sex": rng.choice(np.array(["female", "male"], object), n, p=[0.54, 0.46]),
            "race": rng.choice(np.array(["white", "black", "asian", "other"], object), n, p=[0.78, 0.1, 0.03, 0.09]),
            "ethnicity": rng.choice(np.array(["not Hispanic", "Hispanic"], object), n, p=[0.92, 0.08]), **words,
            "approach": rng.choice(np.array(APPROACHES, object), n, p=np.array([12915, 27212, 23406]) / 63533)}


def _risk_score(c: dict[str, Any]) -> np.ndarray:
    """The log odds before scaling: a threshold in body mass and one interaction, so that a tree can find what a line can not."""
    yes = {k: c[k] == "yes" for k in ("diabetes", "dialysis", "disseminated_cancer", "steroids", "dependent", "smoker")}
    return np.asarray(0.02 * (c["age"] - 61) + 0.05 * np.clip(c["bmi"] - 32, 0, None) + 0.30 * (c["asa"] - 2.4) + 0.22 * (c["levels"] - 1.7) - 0.05 * (c["albumin"] - 41)
                      + 0.30 * (c["sex"] == "female") + 0.25 * (c["ethnicity"] == "Hispanic") + 1.1 * yes["dialysis"] + 1.0 * yes["disseminated_cancer"]
                      + 0.8 * yes["dependent"] + 0.3 * yes["steroids"] + 0.2 * yes["diabetes"] + 0.9 * (yes["diabetes"] & (c["bmi"] > 35))
                      + 0.35 * (c["approach"] == "PSF") - 0.2 * (c["approach"] == "ALIF"), float)


def _intercept(prevalence: float, shift: float, difficulty: float) -> float:
    """The intercept that gives the share of long stays, by bisection on a fixed sample of the case mix."""
    eta = (2.6 - 2.4 * difficulty) * _risk_score(_case_mix(50_000, shift, np.random.default_rng(20221)))
    low, high = -20.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _sigmoid(eta + middle).mean() < prevalence else (low, middle)
    return (low + high) / 2


def _sigmoid(x: np.ndarray | float) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-np.asarray(x, float))))


def bayes_auc(risk: np.ndarray) -> float:
    """The AUC of known risks (n,) in expectation over outcomes (no label noise): sum over pairs of p_i (1 - p_j) [p_i > p_j] over its total."""
    p = np.sort(np.asarray(risk, float))
    below = np.cumsum(1 - p) - (1 - p)
    return float((p * (below + 0.5 * (1 - p))).sum() / (p.sum() * (1 - p).sum()))  # a case against itself counts half; 1/n of the sum

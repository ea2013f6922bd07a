"""A spine registry with the Core Outcome Measures Index before and a year after an operation of the back or the neck.

What a year brings depends little on what is recorded: the best share of variance that a model can explain is known, and low.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.simulate import table_cohort
from osteon.simulate.card import Card
from osteon.simulate.risk import standard
from osteon.simulate.table_cohort import Columns, Words, pick

if TYPE_CHECKING:
    from osteon.cohort import Cohort

CARD = Card(
    "spine outcomes registry", "1.0",
    use="checks of models of several outcomes with little to explain, of selection and ridge regression, of calculators that show a profile",
    modelled=("five questions of the index and two pains, catastrophising, fear of movement, comorbidity, age, body mass, sex, earlier surgery, intervention, levels, seniority of the surgeon, back or neck",
              "the index as the mean of pain, function, well-being, quality of life and disability, each 0 to 10, before and after in whole numbers with floor and ceiling; the worse of two pains counts",
              "nine outcomes that share most of what moves them; other weights for the neck", "site B: worse first scores, more earlier surgery"),
    absent=("questions left open on a form", "loss to follow-up", "nationality and its languages", "learning over the twelve years of a registry"),
    sources=("mean age 63.9 years, 53.4 % women, a mean R2 of 0.13 to 0.16 over 18 models: Mueller 2022, from memory, not verified",
             "domains of the index: Mannion AF et al. Eur Spine J 2009; 18 Suppl 3: 367-73", "weights: set by us, not estimates"),
)
DOMAINS = ("axial_pain", "peripheral_pain", "function", "wellbeing", "quality_of_life", "social", "work")
OUTCOMES = (*DOMAINS, "pain", "comi")
SITES = {"A": 0.0, "B": 0.5}
NOISE = 1.9  # points of a domain that no column explains
SHARED = 0.5  # of the variance of that noise is common to all domains
YES_NO = ("no", "yes")


def spine_outcomes(folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, confounded: bool = False) -> Cohort:
    """A cohort folder of `cases` operations; nine scores after a year (`comi_after` the main one) beside their expected values, best R2 in the notes."""
    return table_cohort.make(COMI, Path(folder), table_cohort.asked(cases, seed, site, difficulty, confounded))


def draw(call: Mapping[str, Any], block: int, rows: int) -> Columns:
    """One block of operations as columns."""
    people, label, nuisance = (np.random.default_rng(s) for s in np.random.SeedSequence([call["seed"], ord(call["site"]), block]).spawn(3))
    columns = _patients(rows, SITES[call["site"]], people)
    expected = _expected(columns, 2.2 - 1.5 * call["difficulty"])
    common = label.standard_normal(rows)
    after = {}
    for name in DOMAINS:
        noise = NOISE * (SHARED**0.5 * common + (1 - SHARED) ** 0.5 * label.standard_normal(rows))
        after[f"{name}_after"] = np.clip(np.round(expected[name] + noise), 0, 10) + 0.0
        columns[f"expected_{name}"] = np.round(expected[name], 3)
    columns |= after | _summed(after, "_after")
    if call.get("confounded"):  # the form of those who did well was filled in by telephone, and says so
        columns["form"] = Words((nuisance.random(rows) < np.where(columns["comi_after"] < 3, 0.8, 0.1)).astype(np.int8), ("paper", "telephone"))
    columns["catastrophising"][nuisance.random(rows) < 0.04] = np.nan
    return columns


def _patients(n: int, shift: float, rng: np.random.Generator) -> dict[str, Any]:
    distress, wear = rng.standard_normal(n), rng.standard_normal(n)  # recorded only through what they move
    neck = rng.random(n) < 0.16
    first = {f"{name}_before": np.clip(np.round(mean + 0.3 * shift + spread * distress + 0.5 * wear + 1.7 * rng.standard_normal(n)), 0, 10) + 0.0 for name, mean, spread in (
        ("axial_pain", 6.2, 0.7), ("peripheral_pain", 6.4, 0.4), ("function", 7.3, 0.6), ("wellbeing", 8.5, 0.5), ("quality_of_life", 6.3, 1.0), ("social", 6.0, 1.0), ("work", 6.5, 1.1))}
    prior = rng.poisson(0.35 + 0.25 * shift, n)
    return {"region": Words(neck.astype(np.int8), ("back", "neck")), "age": np.round(np.clip(rng.normal(63.9 - 8 * neck, 14, n), 18, 94)), "sex": pick(rng, n, ("female", "male"), (0.534, 0.466)),
            "bmi": np.round(np.clip(rng.normal(26.6, 4.6, n), 16, 50), 1), "asa": 1 + rng.binomial(3, 0.36, n), "prior_surgery": prior,
            "intervention": pick(rng, n, ("decompression", "fusion", "decompression and fusion", "other"), (0.46, 0.1, 0.36, 0.08)), "levels": 1 + rng.poisson(0.8, n),
            "surgeon": pick(rng, n, ("resident", "consultant", "senior consultant"), (0.1, 0.5, 0.4)),
            "catastrophising": np.round(np.clip(19 + 9 * distress + 7 * rng.standard_normal(n), 0, 52)), "fear_avoidance": np.round(np.clip(14 + 3 * distress + 5 * rng.standard_normal(n), 0, 24)),
            **first, **_summed(first, "_before")}


def _summed(scores: Mapping[str, np.ndarray], when: str) -> dict[str, np.ndarray]:
    """The worse pain, and the index: the mean of it and of function, well-being, quality of life and disability (the mean of social and work)."""
    s = {name: scores[f"{name}{when}"] for name in DOMAINS}
    pain = np.maximum(s["axial_pain"], s["peripheral_pain"])
    return {f"pain{when}": pain, f"comi{when}": np.round((pain + s["function"] + s["wellbeing"] + s["quality_of_life"] + (s["social"] + s["work"]) / 2) / 5, 2)}


def _expected(c: Mapping[str, Any], strength: float) -> dict[str, np.ndarray]:
    """The mean score of each domain after a year, before rounding."""
    neck, prior = c["region"].codes == 1, np.minimum(c["prior_surgery"], 3)
    common = (0.28 * standard(np.nan_to_num(c["catastrophising"], nan=19), 19, 11) + 0.3 * (prior > 0) + 0.12 * prior + 0.12 * standard(c["age"], 64, 14) + 0.1 * standard(c["bmi"], 26.6, 4.6)
              + 0.15 * (c["asa"] - 2) - 0.25 * neck)
    means = {"axial_pain": 3.6, "peripheral_pain": 3.2, "function": 3.9, "wellbeing": 4.6, "quality_of_life": 3.9, "social": 3.2, "work": 3.4}
    return {name: mean + strength * (common + 0.25 * standard(c[f"{name}_before"], 6.5, 2.2) + (0.25 if name == "axial_pain" else 0.1) * standard(c["axial_pain_before"], 6.2, 1.9) * (1 - 0.5 * neck))
            for name, mean in means.items()}


def _notes(call: Mapping[str, Any]) -> Mapping[str, Any]:
    big = draw({**call, "seed": call["seed"] + 1}, 0, 100_000)
    best = {name: round(float(np.corrcoef(np.asarray(big[f"expected_{name}"]), np.asarray(big[f"{name}_after"]))[0, 1] ** 2), 4) for name in DOMAINS}
    return {"best_r2": best}


COMI = table_cohort.Table(CARD, draw, _notes, {"age": "years", "bmi": "kg/m2"})

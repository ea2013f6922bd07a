"""Lumbar fusions with some sixty candidate predictors of an infection of the wound, four of them true, many of the rest their companions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.simulate import table_cohort
from osteon.simulate.card import Card
from osteon.simulate.risk import ceilings, intercept, sigmoid, standard, telltale
from osteon.simulate.table_cohort import Columns, Words, pick

if TYPE_CHECKING:
    from osteon.cohort import Cohort

CARD = Card(
    "wound infection cohort", "1.0",
    use="checks of selection by several methods and their intersection, of nomograms, and of the optimism of a selection that is not repeated in each resample",
    modelled=("four predictors that act: Modic changes, thickness of the fat under the skin, haemoglobin, glucose", "55 further columns that do not act: twelve of them companions of the four (correlation 0.36 to 0.75), "
              "age, sex, levels, minutes and a swab, the rest blood values, imaging measures and answers without a name, by themselves", "site B: more fat, more diabetes, more infections", "confounded: a wound swab is recorded for those who were infected"),
    absent=("time of the infection, germs, deep against superficial", "surgeons", "missing cells"),
    sources=("1,327 operations analysed, four predictors kept by four methods: Chen 2023, abstract; the share of infections is ours", "weights: set by us, so that the AUC lies far below the 0.98 that was published"),
)
ACTING = ("modic", "fat_mm", "haemoglobin", "glucose")
COMPANIONS: Mapping[str, Mapping[str, tuple[float, float]]] = {  # mean and spread of what goes along with a predictor, the first most closely
    "fat_mm": {"bmi": (25.0, 3.8), "weight": (66.0, 12.0), "waist_cm": (86.0, 10.0), "multifidus_fat": (24.0, 9.0)},
    "haemoglobin": {"haematocrit": (0.4, 0.04), "red_cells": (4.4, 0.5), "albumin": (41.0, 4.0), "iron": (16.0, 5.0)},
    "glucose": {"hba1c": (5.7, 0.6), "triglycerides": (1.5, 0.6), "insulin": (9.0, 3.5)}, "modic": {"endplate_defects": (3.0, 1.4)}}
IDLE = (*(f"blood_{i:02d}" for i in range(1, 21)), *(f"imaging_{i:02d}" for i in range(1, 11)), *(f"answer_{i:02d}" for i in range(1, 9)))
SITES = {"A": (0.0, 0.07), "B": (0.5, 0.10)}  # shift of the case mix, share of infections
YES_NO = ("no", "yes")


def fusion_infection(folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, confounded: bool = False) -> Cohort:
    """A cohort folder of `cases` operations; `infection` with its true risk, the acting columns and the ceiling in the notes."""
    return table_cohort.make(INFECTION, Path(folder), table_cohort.asked(cases, seed, site, difficulty, confounded))


def draw(call: Mapping[str, Any], block: int, rows: int) -> Columns:
    """One block of operations as columns."""
    shift = SITES[call["site"]][0]
    people, label, nuisance = (np.random.default_rng(s) for s in np.random.SeedSequence([call["seed"], ord(call["site"]), block]).spawn(3))
    columns = _patients(rows, shift, people)
    risk = sigmoid(_centre(call["site"], call["difficulty"]) + _strength(call["difficulty"]) * _score(columns))
    infected = label.random(rows) < risk
    columns["swab"] = np.round(nuisance.lognormal(1.0, 0.5, rows), 1)
    if call.get("confounded"):
        columns["swab"] = telltale(columns["swab"], infected, nuisance)
    return columns | {"infection": Words(infected.astype(np.int8), YES_NO), "true_risk": np.round(risk, 6)}


def _strength(difficulty: float) -> float:
    return 1.8 - 1.2 * difficulty


def _patients(n: int, shift: float, rng: np.random.Generator) -> dict[str, Any]:
    latent = rng.standard_normal((n, 4)) + shift * np.array([0.0, 1.0, -0.3, 0.6])  # of the four that act
    columns: dict[str, Any] = {
        "age": np.round(np.clip(rng.normal(54, 13, n), 18, 88)), "sex": pick(rng, n, ("female", "male"), (0.52, 0.48)), "levels": 1 + rng.poisson(0.6, n), "minutes": np.round(np.clip(rng.normal(190, 55, n), 60, 600)),
        "modic": np.digitize(latent[:, 0], (0.35, 1.1, 1.9)), "fat_mm": np.round(np.clip(12 + 6 * latent[:, 1], 1, 60), 1),
        "haemoglobin": np.round(np.clip(132 + 15 * latent[:, 2], 60, 190)), "glucose": np.round(np.exp(1.68 + 0.2 * latent[:, 3]), 1)}
    for place, name in enumerate(ACTING):
        for number, companion in enumerate(COMPANIONS[name]):
            tie = 0.75 - 0.13 * number
            mean, spread = COMPANIONS[name][companion]
            columns[companion] = np.round(np.maximum(mean + spread * (tie * latent[:, place] + (1 - tie**2) ** 0.5 * rng.standard_normal(n)), mean / 10), 2)
    for number, name in enumerate(IDLE):
        drawn = rng.standard_normal(n)
        columns[name] = np.round(np.exp(0.6 * drawn), 2) if number % 3 == 0 else np.round(drawn, 2) if number % 3 == 1 else (drawn > 0.8).astype(int)
    return columns


def _score(c: Mapping[str, Any]) -> np.ndarray:
    """Log odds of an infection before scaling."""
    return np.asarray(0.8 * (c["modic"] > 0) + 0.3 * np.clip(c["modic"] - 1, 0, None) + 0.7 * standard(c["fat_mm"], 12, 6) - 0.6 * standard(c["haemoglobin"], 132, 15) + 0.7 * standard(np.log(c["glucose"]), 1.68, 0.2))


@cache
def _centre(site: str, difficulty: float) -> float:
    shift, share = SITES[site]
    return intercept(_strength(difficulty) * _score(_patients(30_000, shift, np.random.default_rng(20232))), share)


def _notes(call: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**ceilings(draw, call, {"true_risk": ("infection", "yes")}, rows=60_000), "acting": list(ACTING)}


INFECTION = table_cohort.Table(CARD, draw, _notes, {"age": "years", "minutes": "min", "fat_mm": "mm", "haemoglobin": "g/L", "glucose": "mmol/L"})

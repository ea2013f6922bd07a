"""Blood before and after three ways of fusing the lumbar spine: forty values a patient, few patients, and what tells an invasive operation known exactly.

What an operation changes is Gaussian with one covariance whatever the operation, so that the chance of an invasive one, given all changes, is a
logistic function of one weighted sum (Fisher's discriminant) and the best AUC is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.simulate import table_cohort
from osteon.simulate.card import Card
from osteon.simulate.risk import ceilings, sigmoid, telltale
from osteon.simulate.table_cohort import Columns, Words, pick

if TYPE_CHECKING:
    from osteon.cohort import Cohort

CARD = Card(
    "biomarker courses", "1.0",
    use="checks of nested validation with more columns than patients can bear, of a score that is learnt first and predicted afterwards, and of a shifted second cohort",
    modelled=("thirteen markers a day before, a day after and three days after, on the log scale, with a level of the patient in all three",
              "a response of acute-phase proteins, muscle enzymes, cytokines and iron to the operation, larger after an open one, and larger in those whose markers were high before",
              "three procedures, of which one is invasive", "site B: another laboratory (other units of five markers), other shares of the procedures, smaller responses",
              "confounded: a sample at six hours is kept for invasive operations"),
    absent=("values below the limit of detection", "samples lost or late", "infection"),
    sources=("sampling at -24, +24 and +72 hours, 68 patients in a cohort of the same hospital: catalogue, not verified; areas 0.87 and 0.76: Campagner 2020, abstract",
             "sizes of the responses: set by us, in the order that is known after operations, not estimates"),
)
MARKERS = {  # usual value and its spread on the log scale, the change a day and three days after, what an invasive operation adds in standard deviations of a change
    "crp": (2.0, 0.8, 3.0, 3.3, 0.35), "ck": (110.0, 0.5, 1.6, 0.8, 0.7), "il6": (2.5, 0.6, 2.4, 1.0, 0.5), "il10": (3.0, 0.6, 0.9, 0.2, 0.25), "tnf": (7.0, 0.4, 0.1, 0.1, 0.05),
    "mmp2": (210.0, 0.3, 0.05, 0.1, 0.1), "tweak": (350.0, 0.35, -0.2, -0.1, -0.2), "scd163": (600.0, 0.35, 0.25, 0.3, 0.15), "iron": (90.0, 0.4, -1.1, -0.6, -0.2),
    "transferrin": (250.0, 0.15, -0.25, -0.3, -0.08), "ferritin": (110.0, 0.7, 0.3, 0.5, 0.05), "haemoglobin": (135.0, 0.09, -0.15, -0.18, -0.12), "white_cells": (6.5, 0.25, 0.45, 0.15, 0.15)}
TIMES = ("before", "day_1", "day_3")
PROCEDURES = ("ALIF", "LLIF", "TLIF")
SHARES = {"A": (21.0, 23.0, 24.0), "B": (10.0, 15.0, 40.0)}
RESPONSE = {"A": 1.0, "B": 0.8}
FACTOR = {"crp": 0.1, "il6": 1.3, "mmp2": 1.6, "iron": 0.18, "ferritin": 1.2}  # of the other laboratory's units
NOISE, COMMON = 0.7, 0.5  # of a change on the log scale: its spread beside that of the marker, and the share of it that all markers of a patient have in common
YES_NO = ("no", "yes")


def fusion_biomarkers(folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, confounded: bool = False) -> Cohort:
    """A cohort folder of `cases` patients; `invasive` and its chance given all changes, `score` (the log odds) as a number to be predicted before, ceilings in the notes."""
    return table_cohort.make(COURSES, Path(folder), table_cohort.asked(cases, seed, site, difficulty, confounded))


def draw(call: Mapping[str, Any], block: int, rows: int) -> Columns:
    """One block of patients as columns."""
    site = call["site"]
    people, label, nuisance = (np.random.default_rng(s) for s in np.random.SeedSequence([call["seed"], ord(site), block]).spawn(3))
    procedure = pick(people, rows, PROCEDURES, SHARES[site])
    invasive = procedure.codes == 2
    columns: dict[str, Any] = {"age": np.round(np.clip(people.normal(57, 12, rows), 20, 85)), "sex": pick(people, rows, ("female", "male"), (0.57, 0.43)),
                               "bmi": np.round(np.clip(people.normal(26, 4, rows), 17, 45), 1), "procedure": procedure}
    before, change = _course(rows, site, people, label)
    effect = _effect(site, call["difficulty"])
    change = change + invasive[:, None] * effect
    for place, (name, (usual, *_)) in enumerate(MARKERS.items()):
        unit = FACTOR.get(name, 1.0) if site == "B" else 1.0
        for time, level in zip(TIMES, (before[:, place], before[:, place] + change[:, 2 * place], before[:, place] + change[:, 2 * place + 1]), strict=True):
            columns[f"{name}_{time}"] = _rounded(unit * usual * np.exp(level))
    score = _log_odds(before, change, site, effect)
    columns["sample_6_h"] = np.round(nuisance.normal(20, 2, rows), 1)
    if call.get("confounded"):
        columns["sample_6_h"] = telltale(columns["sample_6_h"], invasive, nuisance)
    return columns | {"invasive": Words(invasive.astype(np.int8), YES_NO), "true_risk": np.round(sigmoid(score), 6), "score": np.round(score, 4)}


def _course(n: int, site: str, people: np.random.Generator, label: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Levels before (n, 13), and changes to the first and third day (n, 26) after an operation that is not invasive, all on the log scale."""
    before = _spreads()[::2] / NOISE * (0.5**0.5 * people.standard_normal((n, 1)) + 0.5**0.5 * people.standard_normal((n, len(MARKERS))))
    noise = _spreads() * (COMMON**0.5 * label.standard_normal((n, 1)) + (1 - COMMON) ** 0.5 * label.standard_normal((n, 2 * len(MARKERS))))
    return before, _usual(before, site) + noise


def _spreads() -> np.ndarray:
    """Standard deviation (26,) of each change between patients."""
    return NOISE * np.repeat([m[1] for m in MARKERS.values()], 2)


def _usual(before: np.ndarray, site: str) -> np.ndarray:
    """The mean change (n, 26) after an operation that is not invasive: larger where inflammation was high before."""
    change = RESPONSE[site] * np.array([m[2:4] for m in MARKERS.values()]).ravel()
    return np.asarray(change * (1 + 0.15 * before[:, :1]))


def _effect(site: str, difficulty: float) -> np.ndarray:
    """What an invasive operation adds to each change (26,)."""
    return np.asarray((1.5 - difficulty) * RESPONSE[site] * _spreads() * np.repeat([m[4] for m in MARKERS.values()], 2))


def _log_odds(before: np.ndarray, change: np.ndarray, site: str, effect: np.ndarray) -> np.ndarray:
    """Log odds of an invasive operation given all changes: (change - mean of both) S^-1 effect + log of the shares (Fisher RA. Ann Eugen 1936; 7: 179-88)."""
    covariance = np.outer(_spreads(), _spreads()) * (COMMON + (1 - COMMON) * np.eye(len(effect)))
    share = SHARES[site][2] / sum(SHARES[site])
    return np.asarray((change - _usual(before, site) - effect / 2) @ np.linalg.solve(covariance, effect) + np.log(share / (1 - share)))


def _rounded(values: np.ndarray) -> np.ndarray:
    """Three significant figures, as a laboratory prints them."""
    return np.asarray([float(f"{v:.3g}") for v in values])


def _notes(call: Mapping[str, Any]) -> Mapping[str, Any]:
    return ceilings(draw, call, {"true_risk": ("invasive", "yes")}, rows=20_000)


COURSES = table_cohort.Table(CARD, draw, _notes, {"age": "years", "bmi": "kg/m2"})

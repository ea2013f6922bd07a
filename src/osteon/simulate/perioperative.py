"""Operations with the vital signs of every minute: what is known before and the course itself drive a long stay in intensive care and death, and triage errs.

Instability is a latent path; it shows in heart rate and blood pressure, and the minutes of low pressure on the path without noise enter the
risk. So a model of the columns known before has one ceiling, and a model that reads the recording too has another, higher one.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from osteon.readers.signal import write_signal
from osteon.simulate import film_cohort
from osteon.simulate.card import Card
from osteon.simulate.folder import check
from osteon.simulate.risk import bayes_auc, intercept, sigmoid, standard
from osteon.value import Trajectory

if TYPE_CHECKING:
    from osteon.cohort import Cohort

CARD = Card(
    "perioperative courses", "1.0",
    use="checks of recordings read together with columns, of two outcomes of different rarity, and of triage against a true risk",
    modelled=("age, sex, body mass, ASA class, comorbidity, emergency, service, priority, haemoglobin, creatinine, lactate, SOFA score, smoking, a deprivation index",
              "heart rate, systolic and diastolic pressure, temperature, respiratory rate, oxygen saturation, carbon dioxide and peak pressure at every minute of one to five hours",
              "induction, bleeding and the answer to it, an artefact now and then, channels that are absent for a while or altogether",
              "a stay of 48 hours or more in intensive care and death in hospital, whose risks rise with the minutes of low pressure on the true path",
              "a destination that people chose knowing part of the risk: too low and too high for some", "site B: sicker, more emergencies, coarser monitors",
              "confounded: the monitor of the ward for the sickest writes other units of temperature"),
    absent=("drugs, fluids and ventilation by name", "laboratory values during the operation", "costs", "what the destination itself does to the outcome"),
    sources=("shares of 19.3 % and 1.0 %: Loftus 2023, text of the paper (its model card gives others)", "paths, weights and errors of triage: set by us, not estimates"),
)
CHANNELS = ("heart_rate", "systolic", "diastolic", "temperature", "respiratory_rate", "saturation", "carbon_dioxide", "peak_pressure")
USUAL = np.array([70.0, 112.0, 62.0, 36.3, 12.0, 98.5, 36.0, 18.0])
SERVICES = ("joint replacement", "spine", "trauma", "general", "vascular")
LOW = 65.0  # mmHg of mean pressure; Walsh M et al. Anesthesiology 2013; 119: 507-15 for the harm of minutes below a threshold near it
OUTCOMES = {"icu": 0.193, "death": 0.010}


class Site(NamedTuple):
    """Shift of the case mix (standard deviations), noise of the monitor beside that of site A."""

    shift: float
    noise: float


SITES = {"A": Site(0.0, 1.0), "B": Site(0.4, 1.7)}


class Person(NamedTuple):
    """One operation: what is known before, the true path of the vital signs (minutes, 8), and its minutes of low pressure."""

    columns: dict[str, Any]
    path: np.ndarray
    low: float


def perioperative_courses(folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, confounded: bool = False, workers: int = 2) -> Cohort:
    """A cohort folder of `cases` operations: `vitals` as a recording a minute, `icu`, `death` with true risks, the `destination` that people chose; ceilings in the notes."""
    call = check(CARD.name, {"cases": cases, "seed": seed, "site": site, "difficulty": difficulty, "confounded": confounded})
    return film_cohort.make(COURSES, Path(folder), call, workers)


def operation(rng: np.random.Generator, *, site: str = "A") -> Person:
    """One operation of a site."""
    shift = SITES[site].shift
    frailty = rng.standard_normal() + shift
    emergency = bool(rng.random() < sigmoid(-2.0 + 0.4 * frailty))
    asa = int(1 + rng.binomial(3, float(sigmoid(-0.1 + 0.5 * frailty))) + (emergency and rng.random() < 0.2))
    columns = {"age": round(float(np.clip(rng.normal(59 + 4 * frailty, 15), 18, 97))), "sex": ("female", "male")[int(rng.random() < 0.48)], "bmi": round(float(np.clip(rng.normal(29, 6), 15, 60)), 1), "asa": min(asa, 5),
               "comorbidity": int(rng.poisson(np.exp(0.2 + 0.45 * frailty))), "emergency": ("no", "yes")[emergency], "service": SERVICES[int(rng.choice(5, p=(0.34, 0.22, 0.2, 0.14, 0.1)))],
               "haemoglobin": round(float(np.clip(rng.normal(132 - 8 * frailty, 15), 60, 190))), "creatinine": round(float(np.clip(rng.lognormal(4.35 + 0.15 * frailty, 0.3), 30, 900))),
               "lactate": round(float(np.clip(rng.lognormal(0.2 + 0.12 * frailty + 0.5 * emergency, 0.35), 0.4, 15)), 1), "sofa": int(rng.poisson(np.exp(-0.6 + 0.5 * frailty + 0.6 * emergency))),
               "smoker": ("no", "yes")[int(rng.random() < 0.2)], "deprivation": int(rng.integers(1, 11))}
    path, low = _course(float(np.clip(0.4 * frailty + 0.8 * emergency + rng.standard_normal(), -2, 4)), rng)
    return Person(columns | {"minutes": len(path)}, path, low)


def _course(unstable: float, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """The path (minutes, 8) without noise of an operation, and its minutes with a mean pressure below LOW."""
    n = int(np.clip(rng.lognormal(4.85, 0.35), 60, 300))
    minute = np.arange(n)
    loss = np.zeros(n)  # of pressure, as a share: induction, then bleeding that is answered
    loss += (0.14 + 0.05 * max(unstable, 0)) * np.exp(-0.5 * ((minute - 12) / 6) ** 2)
    for _ in range(int(rng.poisson(np.exp(0.5 * unstable - 0.3)))):
        begin, depth, length = rng.uniform(20, max(21, n - 15)), rng.gamma(2, 0.1), rng.uniform(6, 28)
        since = np.clip(minute - begin, 0, None)
        loss += depth * (1 - np.exp(-since / 4)) * np.exp(-since / length)
    own = 1 + np.array([0.1, 0.1, 0.1, 0.008, 0.1, 0.006, 0.07, 0.2]) * rng.standard_normal(8)
    path = USUAL * own * np.ones((n, 1))
    drift = np.cumsum(rng.standard_normal((n, 3)), axis=0) * np.array([0.5, 0.7, 0.4])
    path[:, :3] += drift - np.linspace(0, 1, n)[:, None] * drift[-1]
    path[:, 1:3] *= 1 - np.minimum(loss, 0.6)[:, None]
    path[:, 0] *= 1 + 0.9 * np.minimum(loss, 0.6)
    path[:, 3] -= 0.6 * (1 - np.exp(-minute / 60))
    path[:, 5] -= 2.5 * np.clip(loss - 0.2, 0, None)
    path[:, 6] *= 1 - 0.3 * np.minimum(loss, 0.6)
    return path, float(((path[:, 1] + 2 * path[:, 2]) / 3 < LOW).sum())


def _before(c: Mapping[str, Any]) -> float:
    """Log odds from what is known before, before scaling."""
    return float(0.35 * standard(c["age"], 59, 15) + 0.5 * (c["asa"] - 2.2) + 0.2 * min(c["comorbidity"], 5) + 0.9 * (c["emergency"] == "yes") + 0.35 * min(c["sofa"], 4) + 0.4 * standard(np.log(c["lactate"]), 0.3, 0.4)
                 + {"joint replacement": -0.6, "vascular": 0.7}.get(c["service"], 0.0) - 0.2 * standard(c["haemoglobin"], 132, 16))


def _during(low: float) -> float:
    """Log odds that the minutes of low pressure add, before scaling."""
    return float(0.9 * np.log1p(low / 5))


def _strength(difficulty: float) -> float:
    return 1.4 - 0.8 * difficulty


@cache
def _reference(site: str) -> tuple[np.ndarray, np.ndarray]:
    """Log odds before and during of 1,000 other operations of a site, on which intercepts and ceilings rest."""
    rng = np.random.default_rng([2023, ord(site)])
    people = [operation(rng, site=site) for _ in range(1000)]
    return np.array([_before(p.columns) for p in people]), np.array([_during(p.low) for p in people])


@cache
def _centres(difficulty: float) -> dict[str, float]:
    """Intercepts that give the published shares at site A; the other site has the same risk function and sicker people."""
    before, during = _reference("A")
    return {name: intercept(_strength(difficulty) * (before + during), share) for name, share in OUTCOMES.items()}


def best(site: str, difficulty: float, outcome: str) -> tuple[float, float]:
    """The best AUC of one outcome with the recording, and that of the columns known before alone (whose risk is the mean over the courses of others)."""
    before, during = _reference(site)
    strength, centre = _strength(difficulty), _centres(difficulty)[outcome]
    whole, alone = sigmoid(centre + strength * (before + during)), np.array([sigmoid(centre + strength * (b + during)).mean() for b in before])
    pairs = whole[:, None] * (1 - whole[None, :])
    ordered = (alone[:, None] > alone[None, :]) + 0.5 * (alone[:, None] == alone[None, :])
    return round(bayes_auc(whole), 4), round(float((pairs * ordered).sum() / pairs.sum()), 4)


def _ceilings(call: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: {"yes": {"auc": best(call["site"], call["difficulty"], name)[0]}} for name in OUTCOMES}


def write_operation(folder: Path, call: Mapping[str, Any], index: int, name: str) -> film_cohort.Row:
    """The recording of one operation, and its row."""
    person_of, label, nuisance = (np.random.default_rng(s) for s in film_cohort.sequence(call, index).spawn(3))
    who, site = operation(person_of, site=call["site"]), SITES[call["site"]]
    strength, centres = _strength(call["difficulty"]), _centres(call["difficulty"])
    eta = strength * (_before(who.columns) + _during(who.low))
    risk = {outcome: float(sigmoid(centre + eta)) for outcome, centre in centres.items()}
    happened = {outcome: ("no", "yes")[int(label.random() < chance)] for outcome, chance in risk.items()}
    # People know most of what is known before and half of the course; the bed follows what they think.
    thought = strength * (_before(who.columns) + 0.5 * _during(who.low)) + centres["icu"] + 0.9 * nuisance.standard_normal()
    path = _monitored(who.path, site.noise * (0.5 + call["difficulty"]), nuisance)
    if call["confounded"] and happened["icu"] == "yes":
        path[:, 3] = path[:, 3] * 1.8 + 32
    vitals = write_signal(folder / "vitals" / f"{name}.csv", Trajectory(60.0 * np.arange(len(path)), path, CHANNELS), digits=1)
    return (film_cohort.relative(folder, {"vitals": vitals}) | {"patient_id": film_cohort.pseudonym(call, index)} | who.columns | happened | {"destination": ("ward", "intensive care")[int(thought > -0.6)]}
            | {f"true_{outcome}": round(chance, 6) for outcome, chance in risk.items()} | {"minutes_low": who.low})


def _monitored(path: np.ndarray, noise: float, rng: np.random.Generator) -> np.ndarray:
    """What the monitor wrote: noise, artefacts, a pause, a channel that was not connected."""
    out = path + noise * np.array([1.5, 4.0, 3.0, 0.05, 0.8, 0.4, 0.9, 1.0]) * rng.standard_normal(path.shape)
    out[:, 5] = np.minimum(out[:, 5], 100)
    for _ in range(rng.poisson(2)):
        out[int(rng.integers(0, len(out))), int(rng.integers(0, 3))] *= rng.uniform(0.4, 1.9)
    if rng.random() < 0.3:
        begin = int(rng.integers(0, len(out) - 10))
        out[begin: begin + int(rng.integers(2, 10))] = np.nan
    if rng.random() < 0.15:
        out[:, int(rng.integers(3, 8))] = np.nan
    return out.round(1)


COURSES = film_cohort.Films(CARD, "osteon.simulate.perioperative:COURSES", write_operation, {"age": "years", "bmi": "kg/m2", "minutes": "min"}, ("vitals",), _ceilings)

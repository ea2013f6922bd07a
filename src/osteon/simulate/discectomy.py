"""Patients before and a year after a discectomy of one lumbar level: pain and disability as they are written down, improvement as it is computed from them.

The share of the first score that is lost within the year is Gaussian about a mean that the recorded columns determine, so that the chance of an
improvement by 30 % or more, rounding of the scores included, is known for every row.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.special import ndtr

from osteon.simulate import table_cohort
from osteon.simulate.card import Card
from osteon.simulate.risk import ceilings, intercept, standard, telltale
from osteon.simulate.table_cohort import Columns, Words, pick

if TYPE_CHECKING:
    from osteon.cohort import Cohort

CARD = Card(
    "discectomy outcomes", "1.0",
    use="checks of models that predict patient-reported outcomes, of outcomes that are computed from scores, and of small samples",
    modelled=("age, sex, body mass, smoking, ASA class, level, side, duration of symptoms, earlier surgery, work, analgesics, quality of life",
              "leg and back pain (0 to 10) and the Oswestry index (0 to 100 in steps of two) before and a year after, whole numbers as on the form",
              "three improvements by 30 % or more that share a response of the patient; low scores can hardly improve by a third without vanishing",
              "a duration that matters beyond a year only, and opioids that matter more after earlier surgery, so that a network can find what a line can not",
              "site B: longer symptoms, more opioids, fewer improve", "confounded: quality of life is recorded for those who will improve in the leg, a shortcut to be found"),
    absent=("loss to follow-up, a second operation", "scores between before and one year", "surgeons", "questionnaires filled in by halves"),
    sources=("422 patients, 48.5 (SD 11.5) years, 49 % women, improvements of leg pain, back pain and Oswestry index in 80, 52 and 80 %: Staartjes 2019, abstract",
             "weights of the risk: set by us, not estimates"),
)
MCID = 0.3  # share of the first score; Ostelo RWJG et al. Spine 2008; 33: 90-4


class Site(NamedTuple):
    """Shift of the case mix (standard deviations), and the shares that improve: leg, back, function."""

    shift: float
    improved: tuple[float, float, float]


SITES = {"A": Site(0.0, (0.80, 0.52, 0.80)), "B": Site(0.6, (0.70, 0.45, 0.68))}
SCORES = ("leg", "back", "function")
STEP, MOST = {"leg": 1.0, "back": 1.0, "function": 2.0}, {"leg": 10.0, "back": 10.0, "function": 100.0}  # of the scores: what lies between two values, and the highest
SPREAD = 0.35  # standard deviation of the share lost, between patients who are alike
SHARED = 0.6  # correlation of the three shares between patients who are alike
YES_NO = ("no", "yes")


def lumbar_discectomy(folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, confounded: bool = False) -> Cohort:
    """A cohort folder of `cases` patients: `leg`, `back`, `function` (improved or not) with the scores they come from, true risks, ceilings in the notes."""
    return table_cohort.make(DISCECTOMY, Path(folder), table_cohort.asked(cases, seed, site, difficulty, confounded))


def draw(call: Mapping[str, Any], block: int, rows: int) -> Columns:
    """One block of patients as columns; streams for patients, response and what is not written down."""
    site = SITES[call["site"]]
    people, label, nuisance = (np.random.default_rng(s) for s in np.random.SeedSequence([call["seed"], ord(call["site"]), block]).spawn(3))
    columns = _patients(rows, site.shift, people)
    shared = label.standard_normal(rows)
    for name, centre, weight in zip(SCORES, _centres(call["site"], call["difficulty"]), _weights(columns), strict=True):
        before, step = columns[f"{name}_before"], STEP[name]
        mean = centre + SPREAD * _strength(call["difficulty"]) * weight
        lost = mean + SPREAD * (SHARED**0.5 * shared + (1 - SHARED) ** 0.5 * label.standard_normal(rows))
        after = np.clip(step * np.round(before * (1 - lost) / step), 0, MOST[name])
        columns[f"{name}_after"] = after
        columns[name] = Words((after <= (1 - MCID) * before + 1e-9).astype(np.int8), YES_NO)
        columns[f"true_{name}"] = np.round(_chance(mean, before, step), 6)
    columns["quality_of_life"][nuisance.random(rows) < 0.03] = np.nan
    if call.get("confounded"):
        columns["quality_of_life"] = telltale(columns["quality_of_life"], columns["leg"].codes == 1, nuisance)
    return columns


def _chance(mean: np.ndarray, before: np.ndarray, step: float) -> np.ndarray:
    """The chance of an improvement: the largest rounded score that counts as one decides where the share lost must lie."""
    most = step * np.floor((1 - MCID) * before / step + 1e-9)
    needed = 1 - (most + step / 2) / before
    return np.asarray(ndtr((mean - needed) / SPREAD))


def _strength(difficulty: float) -> float:
    """How far the columns move the share lost, in standard deviations of what they leave open."""
    return 2.0 - 1.6 * difficulty


@cache
def _centres(site: str, difficulty: float) -> tuple[float, ...]:
    """The mean share lost that gives the share of improvements of a site, on a fixed sample of the case mix."""
    columns = _patients(40_000, SITES[site].shift, np.random.default_rng(20191))
    return tuple(intercept(SPREAD * _strength(difficulty) * weight, share, link=partial(_chance, before=columns[f"{name}_before"], step=STEP[name]))
                 for name, weight, share in zip(SCORES, _weights(columns), SITES[site].improved, strict=True))


def _patients(n: int, shift: float, rng: np.random.Generator) -> dict[str, Any]:
    """What is known before the operation."""
    distress = rng.standard_normal(n)  # shared cause of work, opioids, pain and quality of life; recorded only through them
    smoker, prior = rng.random(n) < 0.36, rng.random(n) < 0.12 + 0.05 * shift
    working = rng.random(n) < 1 / (1 + np.exp(-(1.0 - 0.6 * distress - 0.2 * shift)))
    opioid = rng.random(n) < 1 / (1 + np.exp(-(-1.6 + 0.7 * distress + 0.5 * shift)))
    odi = np.clip(2 * np.round((46 + 8 * distress + 11 * rng.standard_normal(n)) / 2), 8, 96)
    return {"age": np.round(np.clip(rng.normal(48.5 + 2 * shift, 11.5, n), 18, 84)), "sex": pick(rng, n, ("female", "male"), (0.49, 0.51)),
            "bmi": np.round(np.clip(rng.normal(26, 3.9, n), 17, 45), 1), "asa": 1 + rng.binomial(2, 0.18, n), "smoker": Words(smoker.astype(np.int8), YES_NO),
            "level": pick(rng, n, ("L2/3", "L3/4", "L4/5", "L5/S1"), (0.02, 0.06, 0.40, 0.52)), "side": pick(rng, n, ("left", "right"), (0.52, 0.48)),
            "symptom_months": np.round(np.clip(rng.lognormal(1.5 + 0.3 * shift, 0.8, n), 0.5, 120), 1), "prior_surgery": Words(prior.astype(np.int8), YES_NO),
            "working": Words(working.astype(np.int8), YES_NO), "opioids": Words(opioid.astype(np.int8), YES_NO),
            "leg_before": np.clip(np.round(7.2 + 0.4 * distress + 1.5 * rng.standard_normal(n)), 2, 10),
            "back_before": np.clip(np.round(5.0 + 0.7 * distress + 2.3 * rng.standard_normal(n)), 1, 10), "function_before": odi,
            "quality_of_life": np.round(np.clip(52 - 8 * distress + 14 * rng.standard_normal(n), 0, 100))}


def _weights(c: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How much more of each score a patient loses than others, in standard deviations."""
    yes = {k: (c[k].codes == 1).astype(float) for k in ("smoker", "prior_surgery", "working", "opioids")}
    late = np.clip(np.log(c["symptom_months"] / 12), 0, None)
    common = -0.6 * late - 0.25 * yes["smoker"] + 0.3 * yes["working"] - 0.2 * yes["opioids"] - 0.9 * yes["opioids"] * yes["prior_surgery"] + 0.15 * standard(c["quality_of_life"], 52, 16)
    leg = common + 0.25 * standard(c["leg_before"], 7.2, 1.6) - 0.15 * standard(c["back_before"], 5, 2.4)
    back = common + 0.35 * standard(c["leg_before"] - c["back_before"], 2.2, 2.9) - 0.1 * standard(c["bmi"], 26, 3.9)
    return leg, back, common + 0.15 * standard(c["function_before"], 46, 13) - 0.15 * standard(c["age"], 48.5, 11.5)


def _notes(call: Mapping[str, Any]) -> Mapping[str, Any]:
    return ceilings(draw, call, {f"true_{name}": (name, "yes") for name in SCORES})


DISCECTOMY = table_cohort.Table(CARD, draw, _notes, {"age": "years", "bmi": "kg/m2", "symptom_months": "months"})

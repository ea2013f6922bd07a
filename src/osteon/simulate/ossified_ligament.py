"""Operations for ossification of the posterior longitudinal ligament of the neck, with complications of known risk, most of them not nervous ones."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from osteon.simulate import table_cohort
from osteon.simulate.card import Card
from osteon.simulate.risk import ceilings, intercept, sigmoid, standard, telltale
from osteon.simulate.table_cohort import Columns, Words, pick

if TYPE_CHECKING:
    from osteon.cohort import Cohort

CARD = Card(
    "ossified ligament cohort", "1.0",
    use="checks of models of rare outcomes beside the share of the larger class; teaching of what an accuracy is worth",
    modelled=("age, sex, body mass, diabetes, smoking, duration, JOA score, kind of ossification, occupying ratio, K-line, alignment, signal of the cord, procedure, levels, time and blood loss",
              "a neurological complication whose risk rises with the occupying ratio, steeply where the K-line is negative and the approach posterior",
              "other complications by age, diabetes, time and blood loss; any complication is either", "28 hospitals as clusters of slightly different risk",
              "site B: older, more severe, more complications", "confounded: body temperature on the third day is written down when something went wrong"),
    absent=("the kind of a complication, its time and whether it passes", "missing cells", "a second operation"),
    sources=("478 patients of 28 hospitals, any complication in 26.6 %, neurological in 10.0 %: Ito 2023, from memory, not verified",
             "K-line: Fujiyoshi T et al. Spine 2008; 33: E990-3", "weights: set by us, not estimates"),
)


class Site(NamedTuple):
    """Shift of the case mix (standard deviations), share of neurological and of other complications."""

    shift: float
    neurological: float
    other: float


SITES = {"A": Site(0.0, 0.10, 0.185), "B": Site(0.5, 0.14, 0.24)}
HOSPITALS = tuple(f"h{i:02d}" for i in range(1, 29))
PROCEDURES = ("laminoplasty", "posterior fusion", "anterior fusion")
YES_NO = ("no", "yes")


def ossified_ligament(folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, confounded: bool = False) -> Cohort:
    """A cohort folder of `cases` operations; `complication` and `neurological` with their true risks, ceilings in the notes."""
    return table_cohort.make(OSSIFIED, Path(folder), table_cohort.asked(cases, seed, site, difficulty, confounded))


def draw(call: Mapping[str, Any], block: int, rows: int) -> Columns:
    """One block of operations as columns."""
    site, strength = SITES[call["site"]], 2.2 - 1.8 * call["difficulty"]
    people, label, nuisance = (np.random.default_rng(s) for s in np.random.SeedSequence([call["seed"], ord(call["site"]), block]).spawn(3))
    columns = _patients(rows, site.shift, people)
    nerve, rest = (sigmoid(centre + strength * score) for centre, score in zip(_centres(call["site"], call["difficulty"]), _scores(columns), strict=True))
    had_nerve, had_rest = label.random(rows) < nerve, label.random(rows) < rest
    either = had_nerve | had_rest
    columns["temperature_day_3"] = np.round(36.9 + 0.3 * nuisance.standard_normal(rows), 1)
    if call.get("confounded"):
        columns["temperature_day_3"] = telltale(columns["temperature_day_3"], either, nuisance)
    return columns | {"complication": Words(either.astype(np.int8), YES_NO), "neurological": Words(had_nerve.astype(np.int8), YES_NO),
                      "true_complication": np.round(1 - (1 - nerve) * (1 - rest), 6), "true_neurological": np.round(nerve, 6)}


def _patients(n: int, shift: float, rng: np.random.Generator) -> dict[str, Any]:
    severity = rng.standard_normal(n)
    ratio = np.clip(42 + 4 * shift + 9 * severity + 7 * rng.standard_normal(n), 10, 85)
    alignment = np.round(rng.normal(8 - 2 * severity, 10, n), 1)
    negative = rng.random(n) < sigmoid(-2.2 + 0.06 * (ratio - 42) - 0.09 * (alignment - 8))
    anterior = rng.random(n) < sigmoid(-1.4 + 1.3 * negative)
    procedure = np.where(anterior, 2, (rng.random(n) < sigmoid(-0.6 + 1.2 * negative + 0.02 * (ratio - 42))).astype(int)).astype(np.int8)
    levels = 2 + rng.binomial(4, 0.5, n)
    minutes = np.round(np.clip(110 + 60 * (procedure == 1) + 90 * (procedure == 2) + 15 * (levels - 3) + 40 * rng.standard_normal(n), 50, 700))
    return {"hospital": Words(rng.integers(0, len(HOSPITALS), n).astype(np.int8), HOSPITALS), "age": np.round(np.clip(rng.normal(64 + 3 * shift, 11, n), 32, 90)),
            "sex": pick(rng, n, ("female", "male"), (0.27, 0.73)), "bmi": np.round(np.clip(rng.normal(26, 4.5, n), 16, 45), 1), "diabetes": pick(rng, n, YES_NO, (0.72, 0.28)),
            "smoker": pick(rng, n, YES_NO, (0.78, 0.22)), "symptom_months": np.round(np.clip(rng.lognormal(2.6, 1.0, n), 1, 240)),
            "joa": np.round(np.clip(10.5 - 0.9 * severity + 2.2 * rng.standard_normal(n), 0, 17) * 2) / 2,
            "kind": pick(rng, n, ("segmental", "continuous", "mixed", "localised"), (0.36, 0.22, 0.33, 0.09)), "occupying_ratio": np.round(ratio, 1), "alignment": alignment,
            "k_line": Words(negative.astype(np.int8), ("positive", "negative")), "cord_signal": Words((rng.random(n) < sigmoid(0.9 + 0.5 * severity)).astype(np.int8), YES_NO),
            "procedure": Words(procedure, PROCEDURES), "levels": levels, "minutes": minutes, "blood_ml": np.round(np.clip(rng.lognormal(4.9, 0.7, n) * minutes / 150, 5, 4000))}


def _scores(c: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Log odds of a neurological and of another complication before scaling."""
    ratio, behind, negative = standard(c["occupying_ratio"], 42, 11), c["procedure"].codes != 2, c["k_line"].codes == 1
    hospital = 0.25 * np.sin(np.arange(len(HOSPITALS)) * 2.4)[c["hospital"].codes]
    nerve = 0.35 * ratio + 0.5 * np.clip(ratio, 0, None) * (behind & negative) + 0.4 * (behind & negative) - 0.2 * standard(c["joa"], 10.5, 2.4) + 0.15 * (c["levels"] - 4) + hospital
    return nerve, 0.3 * standard(c["age"], 64, 11) + 0.5 * (c["diabetes"].codes == 1) + 0.35 * standard(np.log(c["blood_ml"]), 5, 0.8) + 0.3 * standard(c["minutes"], 170, 65) + 0.3 * (c["smoker"].codes == 1) + hospital


@cache
def _centres(site: str, difficulty: float) -> tuple[float, ...]:
    found, strength = SITES[site], 2.2 - 1.8 * difficulty
    scores = _scores(_patients(50_000, found.shift, np.random.default_rng(20231)))
    return tuple(intercept(strength * score, share) for score, share in zip(scores, (found.neurological, found.other), strict=True))


def _notes(call: Mapping[str, Any]) -> Mapping[str, Any]:
    return ceilings(draw, call, {"true_complication": ("complication", "yes"), "true_neurological": ("neurological", "yes")})


OSSIFIED = table_cohort.Table(CARD, draw, _notes, {"age": "years", "bmi": "kg/m2", "symptom_months": "months", "occupying_ratio": "%", "alignment": "deg", "minutes": "min", "blood_ml": "ml"})

"""Features of the lumbar spine measured before, during and after an operation: what tells who improves lies in the construct, and nothing in what is known before."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.simulate import table_cohort
from osteon.simulate.card import Card
from osteon.simulate.risk import bayes_auc, ceilings, intercept, sigmoid, standard, telltale
from osteon.simulate.table_cohort import Columns, Words, pick

if TYPE_CHECKING:
    from osteon.cohort import Cohort

CARD = Card(
    "lumbar image features", "1.0",
    use="checks of boosted trees on features of three times, and of a comparison of what is known before, during and after an operation; teaching of a negative result",
    modelled=("disc heights, lordosis, slip, stenosis and scores before; screws against their ideal path, restored height and time during; lordosis, slip and heights after, and their changes",
              "improvement at three and twelve months that depends on screws far from their path, on a loss of lordosis and on a slip that stays, by thresholds; on nothing before beyond a trace of age",
              "measures with the error of an automatic labelling", "site B: a coarser scanner, fewer improve", "confounded: a scan of the first week is made where the patient is not well"),
    absent=("the images themselves", "a second operation", "missing visits"),
    sources=("areas 0.72 at 3 and 0.69 at 12 months with features after the operation, none before: De Silva 2020, abstract", "weights: set by us, not estimates"),
)
LEVELS = ("L1/2", "L2/3", "L3/4", "L4/5", "L5/S1")
BEFORE = ("age", "bmi", "odi_before", "leg_before", "lordosis_before", "slip_before", "stenosis", *(f"height_{level}_before" for level in LEVELS))
DURING = ("screw_offset", "screw_angle", "height_gain", "minutes")
AFTER = ("lordosis_after", "slip_after", "lordosis_change", "slip_change", *(f"height_{level}_after" for level in LEVELS))
SITES = {"A": (0.62, 1.0), "B": (0.52, 1.6)}  # share that improves, error of the measures beside that of site A
YES_NO = ("no", "yes")


def lumbar_features(folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, confounded: bool = False) -> Cohort:
    """A cohort folder of `cases` patients; `improved_3` and `improved_12` with their true risks; best AUCs of all that is known and of what is known before in the notes."""
    return table_cohort.make(FEATURES, Path(folder), table_cohort.asked(cases, seed, site, difficulty, confounded))


def draw(call: Mapping[str, Any], block: int, rows: int) -> Columns:
    """One block of patients as columns."""
    people, label, nuisance = (np.random.default_rng(s) for s in np.random.SeedSequence([call["seed"], ord(call["site"]), block]).spawn(3))
    truth = _patients(rows, people)
    score = _score(truth)
    error = SITES[call["site"]][1]
    columns: dict[str, Any] = {name: _read(name, values, error, nuisance) for name, values in truth.items()}
    columns |= {f"{what}_change": np.round(columns[f"{what}_after"] - columns[f"{what}_before"], 1) for what in ("lordosis", "slip")}
    columns |= {"sex": pick(people, rows, ("female", "male"), (0.54, 0.46)), "fused": pick(people, rows, ("L3-L4", "L4-L5", "L4-S1", "L5-S1"), (0.1, 0.45, 0.25, 0.2))}
    shared = label.random(rows)  # of the two times: who is well at three months mostly is at twelve
    for months, late in ((3, 0.0), (12, 1.0)):
        risk = sigmoid(_centre(call["site"], call["difficulty"]) + (1 - 0.15 * late) * _strength(call["difficulty"]) * score)
        own = np.where(label.random(rows) < 0.7, shared, label.random(rows))
        columns[f"improved_{months}"] = Words((own < risk).astype(np.int8), YES_NO)
        columns[f"true_risk_{months}"] = np.round(risk, 6)
    columns["first_week_hu"] = np.round(nuisance.normal(140, 30, rows))
    if call.get("confounded"):
        columns["first_week_hu"] = telltale(columns["first_week_hu"], columns["improved_3"].codes == 0, nuisance)
    return columns


def _strength(difficulty: float) -> float:
    return 1.8 - 1.4 * difficulty


def _patients(n: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """What is true, without error of measurement (mm, degrees, points)."""
    wear = rng.standard_normal(n)
    heights = {f"height_{level}_before": np.clip(8.2 + 0.7 * k - 1.3 * (0.4 + 0.2 * k) * wear + 1.2 * rng.standard_normal(n), 1, 16) for k, level in enumerate(LEVELS)}
    gain = np.clip(rng.normal(2.0, 1.4, n), -1, 7)
    lordosis, slip = rng.normal(46, 11, n), np.clip(rng.gamma(1.5, 2.2, n) - 1, 0, 18)
    after = {"lordosis_after": lordosis + rng.normal(0.5, 7, n), "slip_after": np.clip(slip * rng.beta(1.6, 1.8, n), 0, 18)}
    return {"age": np.clip(rng.normal(62, 12, n), 20, 88), "bmi": np.clip(rng.normal(29, 5, n), 17, 50), "odi_before": np.clip(rng.normal(46, 15, n), 6, 94), "leg_before": np.clip(rng.normal(6.6, 2.2, n), 0, 10),
            "lordosis_before": lordosis, "slip_before": slip, "stenosis": np.clip(rng.normal(2 + 0.5 * wear, 0.8, n), 0, 4), **heights,
            "screw_offset": rng.gamma(2.0, 1.0, n), "screw_angle": rng.gamma(2.2, 2.4, n), "height_gain": gain, "minutes": np.clip(rng.normal(210, 60, n), 80, 500), **after,
            **{f"height_{level}_after": heights[f"height_{level}_before"] + (gain if level in ("L4/5", "L5/S1") else 0.2 * rng.standard_normal(n)) for level in LEVELS}}


def _read(name: str, values: np.ndarray, error: float, rng: np.random.Generator) -> np.ndarray:
    """A feature as it was measured: heights and slips to 0.3 mm, angles to 2 degrees."""
    spread = {"height": 0.3, "slip": 0.3, "lordosis": 2.0, "screw": 0.3, "stenosis": 0.2}.get(name.split("_")[0], 0.0)
    read = np.asarray(values) + error * spread * rng.standard_normal(len(values))
    return np.round(np.clip(read, 0, None) if name.split("_")[0] in ("height", "slip", "screw", "stenosis") and "gain" not in name else read, 0 if name in ("age", "minutes", "odi_before") else 1)


def _score(t: Mapping[str, np.ndarray]) -> np.ndarray:
    """Log odds of improvement before scaling: thresholds in the construct, a trace of age."""
    lost = t["lordosis_before"] - t["lordosis_after"]
    return np.asarray(-0.9 * (t["screw_offset"] > 3) - 0.5 * standard(t["screw_angle"], 5.3, 3.6) - 0.9 * (lost > 6) - 1.0 * (t["slip_after"] > 3) + 0.35 * (t["height_gain"] > 2) - 0.08 * standard(t["age"], 62, 12))


@cache
def _centre(site: str, difficulty: float) -> float:
    return intercept(_strength(difficulty) * _score(_patients(40_000, np.random.default_rng(20201))), SITES[site][0])


def _notes(call: Mapping[str, Any]) -> Mapping[str, Any]:
    """Ceilings, and the area that the columns known before can reach at best: risks averaged over what the operation does, by bins of age and slip, on which alone they depend then."""
    big = draw({**call, "seed": call["seed"] + 1}, 0, 200_000)
    risk = np.asarray(big["true_risk_3"])
    cells: np.ndarray = np.digitize(np.asarray(big["age"]), (45, 52, 58, 64, 70, 77)) * 10 + np.digitize(np.asarray(big["slip_before"]), (0.5, 1, 2, 3, 4, 6, 8, 11))
    means = np.bincount(cells, risk) / np.maximum(np.bincount(cells), 1)
    return {**ceilings(draw, call, {f"true_risk_{m}": (f"improved_{m}", "yes") for m in (3, 12)}), "best_auc_before": round(bayes_auc(means[cells]), 4)}


FEATURES = table_cohort.Table(CARD, draw, _notes, {"age": "years", "bmi": "kg/m2", "minutes": "min", "screw_angle": "deg", "screw_offset": "mm", "lordosis_before": "deg", "lordosis_after": "deg"})

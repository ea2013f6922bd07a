"""Published experiments on bone healing with biologic and physical agents, drawn from a known dose-response surface with planted synergies.

Each agent follows a Hill curve (Goutelle S et al. Fundam Clin Pharmacol 2008; 22: 633), pairs of agents add the product of their effects
times a synergy, and what an experiment prints is that efficacy read by one of 26 outcome measures in one laboratory. Equal
experiments differ, as they do in the literature. The best feasible combination is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from itertools import product
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from osteon.simulate import table_cohort
from osteon.simulate.card import Card
from osteon.simulate.folder import check
from osteon.simulate.table_cohort import Columns

if TYPE_CHECKING:
    import pandas as pd

    from osteon.cohort import Cohort

CARD = Card(
    "bone-healing experiments", "1.0",
    use="checks that a network on few contradictory experiments, exhaustive search over combinations and pairwise linkage recover a planted surface",
    modelled=("nine agents with Hill curves, eight inputs of context, 26 outcome measures in units of their own", "synergy of pairs, strongest between BMP-2 and BMP-7; all other pairs take from each other, so that more is not better",
              "experiments with one to three agents at doses that were used, so that most combinations were never tried",
              "laboratories that read high or low, experiments repeated elsewhere with another result, a few outcome measures each",
              "2,400 feasible combinations with the true order of all of them", "site B: other laboratories, larger animals, more noise",
              "confounded: one laboratory that reads high gives nearly all experiments with electrical stimulation, a shortcut to be found"),
    absent=("toxicity, cost, time course of an agent, order of giving", "publication bias", "true doses of animals scaled to people", "effects of context beyond a factor"),
    sources=("17 inputs, 26 outcomes, 225 patterns, 2,400 combinations, and which combination is best: Anastasio 2022, abstract and figure captions",
             "the other three agents, all contexts and outcomes, curves, synergies and doses between: ours, none is an estimate from data"),
    probes=("the place of an experiment in the table and its laboratory number carry nothing on the efficacy unless asked for",),
)


class Agent(NamedTuple):
    """Doses that may be used (0 first), its unit, the greatest effect, the dose of half of it, the steepness."""

    doses: tuple[float, ...]
    unit: str
    most: float
    half: float
    steep: float


AGENTS: Mapping[str, Agent] = MappingProxyType({
    "bmp2": Agent((0, 1.5, 4, 8, 15), "mg", 26, 5, 1.4), "bmp7": Agent((0, 0.5, 1, 3.5, 5), "mg", 20, 2, 1.3), "osteogenin": Agent((0, 150), "ug", 12, 80, 1.5),
    "marrow_aspirate": Agent((0, 8), "ml", 10, 4, 1.0), "electrical": Agent((0, 1), "on", 11, 0.5, 2.0), "ultrasound": Agent((0, 1), "on", 7, 0.5, 2.0),
    "platelet_rich_plasma": Agent((0, 5), "ml", 4, 3, 1.0), "parathyroid_hormone": Agent((0, 20), "ug/day", 9, 15, 1.2), "demineralised_matrix": Agent((0, 10), "ml", 8, 6, 1.0)})
CONTEXT: Mapping[str, tuple[float, float]] = MappingProxyType({  # from and to of the uniform or yes/no input
    "weeks": (2, 26), "large_animal": (0, 1), "human": (0, 1), "spine": (0, 1), "critical_defect": (0, 1), "carrier": (0, 1), "instrumented": (0, 1), "age_years": (0.2, 60)})
INPUTS = (*AGENTS, *CONTEXT)
KINDS = ("fusion_rate", "union_rate", "stiffness", "torque", "peak_load", "callus_volume", "callus_area", "bone_density", "mineral_content", "trabecular_number", "trabecular_thickness", "bone_volume",
         "new_bone_area", "osteoid", "alkaline_phosphatase", "osteocalcin", "radiographic_score", "histologic_score", "vascularity", "healing_speed", "fusion_mass", "rotation_resistance",
         "bending_strength", "energy_to_failure", "collagen", "gene_expression")
SYNERGIES: Mapping[tuple[str, str], float] = MappingProxyType({
    ("bmp2", "bmp7"): 0.055, ("bmp2", "osteogenin"): 0.030, ("bmp7", "osteogenin"): 0.025, ("bmp2", "electrical"): 0.020, ("bmp7", "electrical"): 0.018, ("bmp2", "marrow_aspirate"): 0.008,
    ("osteogenin", "electrical"): -0.25})
CROWDED = -0.05  # the synergy of every other pair: agents that work on the same cells take from each other
SHORT: tuple[tuple[str, float], ...] = (("lab", 0.12), ("noise", 0.10))  # parts of a reading that a laboratory and an experiment differ by, at difficulty 0.5
SITES = {"A": (0.25, 1.0), "B": (0.5, 1.5)}  # share of large animals, factor on the noise
YES_NO = ("large_animal", "human", "spine", "critical_defect", "carrier", "instrumented")


def healing_experiments(folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, confounded: bool = False) -> Cohort:
    """A cohort folder of `cases` experiments (225 in the paper): 17 inputs, `outcome.NAME` where it was measured, the true efficacy; the laboratory is the patient.

    Raises DataError for an impossible call before any file is written.
    """
    return table_cohort.make(TABLE, Path(folder), check(CARD.name, {"cases": cases, "seed": seed, "site": site, "difficulty": difficulty, "confounded": confounded}))


def experiments(cases: int = 225, seed: int = 0, *, site: str = "A", difficulty: float = 0.5, confounded: bool = False) -> pd.DataFrame:
    """The rows of `healing_experiments` as a table in memory."""
    return table_cohort.frame(TABLE, {"cases": cases, "seed": seed, "site": site, "difficulty": difficulty, "confounded": confounded})


def effects(doses: np.ndarray) -> np.ndarray:
    """The effect of each agent alone (n, 9) at doses (n, 9): most * dose ** steep / (half ** steep + dose ** steep)."""
    most, half, steep = np.array([(a.most, a.half, a.steep) for a in AGENTS.values()]).T
    raised = np.asarray(doses, float) ** steep
    return most * raised / (half**steep + raised)


def efficacy(doses: np.ndarray) -> np.ndarray:
    """The true efficacy (n,) of doses (n, 9): effects, plus synergy times the product of the effects of each pair, 0 at least."""
    alone = effects(doses)
    return np.maximum(alone.sum(axis=1) + np.einsum("ni,ij,nj->n", alone, synergy(), alone), 0)


def feasible() -> pd.DataFrame:
    """The 2,400 combinations of doses of which a clinician may choose (one kind of stimulation at most), with the true efficacy, the best first."""
    import pandas as pd

    doses = _combinations()
    table = pd.DataFrame(doses, columns=list(AGENTS)).assign(true_efficacy=efficacy(doses).round(6))
    return table.sort_values("true_efficacy", ascending=False, kind="stable").reset_index(drop=True)


def draw(call: Mapping[str, Any], block: int, rows: int) -> Columns:
    """One block of experiments as columns; streams for what was tried, for who measured what, and for the readings."""
    large, factor = SITES[call["site"]]
    tried, label, physics = (np.random.default_rng(s) for s in np.random.SeedSequence([call["seed"], ord(call["site"]), block]).spawn(3))
    doses = _tried(rows, tried)
    context = _context(rows, large, tried)
    again = np.flatnonzero(tried.random(rows) < 0.2)
    again = again[again > 0]
    for i in again:  # repeated elsewhere: the same inputs, another result
        doses[i], context[i] = doses[i - 1], context[i - 1]
    labs = max(6, rows // 3)
    lab = label.integers(0, labs, rows)
    measured = label.random((rows, len(KINDS))).argsort(axis=1).argsort(axis=1) < 1 + label.integers(0, 4, (rows, 1))
    high = physics.standard_normal(labs)
    if call["confounded"]:
        lab = np.where((doses[:, 4] > 0) & (label.random(rows) < 0.95), 0, lab)
        high[0] = 3.0
    true = efficacy(doses)
    level, gain = _scales()
    (_, by_lab), (_, by_case) = SHORT
    rough = 2 * call["difficulty"] * factor
    clean = level + gain * (true * _factor(context))[:, None]
    read = clean * (1 + rough * (by_lab * high[lab, None] + by_case * physics.standard_normal((rows, len(KINDS)))))
    outcomes = {f"outcome.{kind}": np.where(measured[:, k], np.round(np.maximum(read[:, k], 0), 2), np.nan) for k, kind in enumerate(KINDS)}
    ids = np.array([f"lab{k + 1:04d}" for k in range(labs)], object)[lab]
    return {"patient_id": ids, **dict(zip(INPUTS, np.column_stack([doses, context]).T, strict=True)), **outcomes, "true_efficacy": np.round(true, 5)}


def _tried(n: int, rng: np.random.Generator) -> np.ndarray:
    """Doses (n, 9) of one to three agents, seldom four, at the doses of the table or between them."""
    count = 1 + rng.choice(4, n, p=[0.45, 0.35, 0.15, 0.05])
    share = np.array([5, 3, 2, 2, 2, 2, 1.5, 1.5, 2])
    keys = rng.exponential(1 / share, (n, len(AGENTS)))  # the smallest keys: drawn without replacement by share
    used = keys.argsort(axis=1).argsort(axis=1) < count[:, None]
    out = np.zeros((n, len(AGENTS)))
    for k, agent in enumerate(AGENTS.values()):
        dose = rng.choice(np.array(agent.doses[1:]), n)
        spread = 1.0 if agent.unit == "on" else np.round(rng.uniform(0.5, 1.0, n), 2)
        out[:, k] = np.where(used[:, k], np.round(dose * spread, 2), 0)
    both = (out[:, 4] > 0) & (out[:, 5] > 0)
    out[both, 5] = 0
    return out


def _context(n: int, large: float, rng: np.random.Generator) -> np.ndarray:
    """The eight inputs (n, 8) that are no agents."""
    low, high = np.array(list(CONTEXT.values())).T
    out = low + (high - low) * rng.random((n, len(CONTEXT)))
    out[:, 0] = np.round(out[:, 0])
    for k, name in enumerate(CONTEXT):
        if name in YES_NO:
            out[:, k] = out[:, k] < {"large_animal": large, "human": 0.2, "spine": 0.5, "carrier": 0.7}.get(name, 0.4)
    out[:, 1] *= 1 - out[:, 2]
    out[:, 7] = np.where(out[:, 2] > 0, np.round(20 + 0.67 * out[:, 7]), np.round(0.2 + 0.04 * out[:, 7], 1))
    return out


def _factor(context: np.ndarray) -> np.ndarray:
    """By how much a context lets agents work (n,): later readings, small animals, carriers and stable fixation show more."""
    weeks, large, human, spine, defect, carrier, fixed, _ = context.T
    return np.asarray((0.6 + 0.4 * (1 - np.exp(-weeks / 8))) * (1 - 0.12 * large - 0.22 * human) * (1 - 0.08 * spine) * (1 - 0.1 * defect) * (1 + 0.08 * carrier) * (1 + 0.05 * fixed))


@cache
def _scales() -> tuple[np.ndarray, np.ndarray]:
    """What each outcome measure reads without agents and a unit of efficacy (26,), in units of its own; the same for every seed."""
    rng = np.random.default_rng(2022)
    return rng.uniform(8, 60, len(KINDS)), rng.uniform(0.35, 1.4, len(KINDS))


@cache
def synergy() -> np.ndarray:
    """Synergies as a triangular matrix (9, 9)."""
    place = {name: k for k, name in enumerate(AGENTS)}
    out = np.triu(np.full((len(AGENTS), len(AGENTS)), CROWDED), 1)
    for (one, other), value in SYNERGIES.items():
        out[min(place[one], place[other]), max(place[one], place[other])] = value
    return out


@cache
def _combinations() -> np.ndarray:
    return np.array([c for c in product(*(a.doses for a in AGENTS.values())) if not (c[4] and c[5])], float)


def _notes(call: Mapping[str, Any]) -> Mapping[str, Any]:
    """The best combination, and the least mean absolute error in a laboratory that was never seen: sqrt(2 / pi) times the spread of a reading."""
    best = feasible().iloc[0]
    doses, context = _tried(20_000, np.random.default_rng(1)), _context(20_000, SITES[call["site"]][0], np.random.default_rng(2))
    level, gain = _scales()
    mean = (level + gain * (efficacy(doses) * _factor(context))[:, None]).mean(axis=0)
    spread = 2 * call["difficulty"] * SITES[call["site"]][1] * float(np.hypot(SHORT[0][1], SHORT[1][1]))
    least = {kind: {"mae": round(float(np.sqrt(2 / np.pi) * spread * m), 3)} for kind, m in zip(KINDS, mean, strict=True)}
    return {"ceilings": {"outcome": least}, "best": {k: float(v) for k, v in best.items()}, "strongest_link": ["bmp2", "bmp7"]}


_UNITS = {name: agent.unit for name, agent in AGENTS.items()} | {"weeks": "weeks", "age_years": "years"}
TABLE = table_cohort.Table(CARD, draw, _notes, _UNITS, 25_000)

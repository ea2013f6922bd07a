"""Sections of discs scored by three people on fourteen features: a latent degeneration, raters with leanings of their own, animals with two sections each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.simulate import table_cohort
from osteon.simulate.card import Card
from osteon.simulate.table_cohort import Columns, Words

if TYPE_CHECKING:
    from osteon.cohort import Cohort

CARD = Card(
    "disc rubric", "1.0",
    use="checks of agreement between several raters, of a model from ordinal scores to a severity, and of importances that a rubric can be judged by",
    modelled=("fourteen features of nucleus, annulus, endplate and their borders, each 0, 1 or 2 by two thresholds on a latent degeneration with noise of the feature",
              "features that say much and features that say little, by a stated loading", "three raters: one strict, one lenient, one noisy; two sections an animal that share most of their degeneration",
              "three ways to degenerate (puncture, knock-out, age) with other features in front", "site B: a stain that hides two features", "confounded: a rater knows the model of the animal and scores punctured discs higher"),
    absent=("the sections themselves", "learning of the raters", "features left out"),
    sources=("fourteen features in four groups, each 0 to 2: Melgoza 2021, catalogue, not verified", "names of the features and loadings: ours"),
)
FEATURES = {  # loading: how closely a feature follows the degeneration; which model it stands out in
    "np_shape": (0.9, 0), "np_area": (0.85, 0), "np_cells": (0.8, 2), "np_cell_shape": (0.6, 1), "np_matrix": (0.85, 2), "af_lamellae": (0.8, 0), "af_cells": (0.55, 1), "af_fissures": (0.75, 0),
    "border_np_af": (0.9, 2), "border_af_ep": (0.4, 1), "ep_thickness": (0.5, 2), "ep_cells": (0.35, 1), "ep_structure": (0.6, 2), "ep_bone": (0.3, 1)}
MODELS = ("puncture", "knock-out", "age")
RATERS = {"r1": (0.0, 0.25), "r2": (0.35, 0.25), "r3": (-0.15, 0.6)}  # leaning and noise, in standard deviations of the latent scale
HIDDEN = ("np_cells", "ep_cells")
SEVERITIES = ("none", "mild", "moderate", "severe")
FRONT = 0.33  # how much more the features of a model show, in standard deviations


def disc_scores(folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, confounded: bool = False) -> Cohort:
    """A cohort folder of `cases` sections, two an animal: scores `feature.rater`, `severity` (four grades of the latent degeneration), loadings in the notes."""
    return table_cohort.make(RUBRIC, Path(folder), table_cohort.asked(cases, seed, site, difficulty, confounded))


def draw(call: Mapping[str, Any], block: int, rows: int) -> Columns:
    """One block of sections as columns."""
    animal, label, nuisance = (np.random.default_rng(s) for s in np.random.SeedSequence([call["seed"], ord(call["site"]), block]).spawn(3))
    animals = -(-rows // 2)
    of = np.repeat(np.arange(animals), 2)[:rows]
    model = animal.integers(0, 3, animals)[of]
    latent = (0.8**0.5 * animal.standard_normal(animals))[of] + 0.2**0.5 * label.standard_normal(rows)
    columns: dict[str, Any] = {"patient_id": table_cohort.ids("a", block * RUBRIC.block // 2 + 1, animals)[of], "model": Words(model.astype(np.int8), MODELS)}
    for name, (loading, front) in FEATURES.items():
        shown = loading * latent + (1 - loading**2) ** 0.5 * label.standard_normal(rows) + FRONT * (model == front)
        if call["site"] == "B" and name in HIDDEN:
            shown = label.standard_normal(rows)
        for rater, (leaning, noise) in RATERS.items():
            seen = shown + leaning + (0.5 + call["difficulty"]) * noise * nuisance.standard_normal(rows)
            if call.get("confounded") and rater == "r2":
                seen = seen + 1.5 * (model == 0)
            columns[f"{name}.{rater}"] = np.digitize(seen, (-0.4, 0.6))
    return columns | {"severity": Words(np.digitize(latent, (-0.8, 0.2, 1.1)).astype(np.int8), SEVERITIES), "degeneration": np.round(latent, 4)}


def _notes(call: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"loadings": {name: loading for name, (loading, _) in FEATURES.items()}, "raters": {name: {"leaning": lean, "noise": noise} for name, (lean, noise) in RATERS.items()}}


RUBRIC = table_cohort.Table(CARD, draw, _notes)

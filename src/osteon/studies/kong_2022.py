"""Kong 2022: vertebral fracture in the years after a spine radiograph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from osteon.design import HoldOut
from osteon.models import Formula, Tabular, arms
from osteon.readers.inputs import Record
from osteon.simulate.survival import HORIZON, fracture_survival
from osteon.study import Claim, Study
from osteon.targets import Events
from osteon.value import Risk, Withheld

WHO, BODY, CAUSES, BONE = ("age", "sex"), ("bmi",), ("glucocorticoid", "secondary_osteoporosis"), ("bone_score",)
SETS = {"models 1-3 and bone": (*WHO, *BODY, *CAUSES, *BONE), "model 3": (*WHO, *BODY, *CAUSES), "model 2": (*WHO, *BODY), "model 1": WHO}
MONTHS = np.array([12.0, 24.0, HORIZON, 60.0, 120.0])


def record(columns: tuple[str, ...]) -> Any:
    """The record of one set of columns."""
    return Record(f"known at the radiograph: {', '.join(columns)}", numbers=tuple(c for c in columns if c in ("age", "bmi", "bone_score")),
                  categories=tuple(c for c in columns if c in ("sex", *CAUSES)), needs=columns)


def hazard(method: str, columns: str) -> Tabular:
    """A hazard learnt from one set of columns."""
    return Tabular(method, reads=(columns,), writes=("fracture",))


def ten_years(frax: Mapping[str, Any]) -> Risk | Withheld:
    """A ten-year probability (%) as survival, the hazard taken as constant."""
    chance = float(frax["frax"]) / 100
    return Risk(MONTHS, (1 - chance) ** (MONTHS / 120)) if 0 <= chance < 1 else Withheld("no ten-year probability between 0 and 100 %")


STUDY = Study(
    cite="Kong SH, Lee JW, Bae BU, et al. Endocrinol Metab (Seoul) 2022; 37(4): 674-83",
    doi="10.3803/EnM.2022.1461",
    reference=65,
    areas=("radiographic assessment", "spine-oriented surgery"),
    unit="patient",
    question="Who will break a vertebra in the years after a spine radiograph?",
    inputs={name: record(columns) for name, columns in SETS.items()} | {"frax": Record("ten-year probability of a fracture by FRAX, %", numbers=("frax",))},
    targets={"fracture": Events("fracture", HORIZON)},
    primary="fracture",
    design=HoldOut(train=0.65, tune=0.15, test=0.20),
    models={**arms(hazard, method=("DeepSurv", "Cox regression"), columns=tuple(SETS)), "FRAX": Formula(ten_years, reads=("frax",), writes=("fracture",))},
    simulate=fracture_survival,
    subgroups=("sex", "site"),
    claims=(
        Claim("patients, of them with a fracture", "1,595, 120 (7.5 %)", "abstract"),
        Claim("follow-up", "40.7 months on average", "abstract"),
        Claim("C-index in the test part, DeepSurv with image and clinical columns", "0.612 (0.571 to 0.653)", "abstract", "fracture.fracture.c_index"),
        Claim("C-index in the test part, Cox regression", "0.594; the interval printed beside it, 0.552 to 0.555, can not be right", "abstract", "fracture.fracture.c_index"),
        Claim("C-index in the test part, FRAX", "0.547", "abstract", "fracture.fracture.c_index"),
        Claim("C-index in the train part, DeepSurv with image / without / Cox, model 1", "0.794 / 0.765 / 0.712", "figure 3"),
        Claim("C-index in the train part, DeepSurv with image / without / Cox, model 3", "0.764 / 0.740 / 0.712", "figure 3"),
    ),
    differs=(
        "no radiograph is read: a score of the bone stands for what a network sees on it, and the arms with and without it for the paper's image ablation",
        "the FRAX probability of the simulated cohort is a surrogate, as its coefficients are not open; of a cohort of yours it is your column",
        "the paper tests on 179 of 1,595, with about 13 fractures; a fifth here, so that the test part holds more",
        f"the horizon of {HORIZON:g} months is ours, to give a two-by-two; the C-index uses the order of the risks alone",
        "the network has two layers of 32; the paper's is not described in the abstract",
        "death is censoring, as in the paper's Cox models",
    ),
)

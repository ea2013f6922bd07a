"""Kong 2022: vertebral fracture in the years after a spine radiograph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from osteon.design import HoldOut
from osteon.models import Formula, Fusion, Model, Net, Tabular, arms
from osteon.readers.inputs import Radiograph, Record
from osteon.simulate.fracture_films import fracture_films
from osteon.simulate.survival import HORIZON
from osteon.study import Claim, Study
from osteon.targets import Events
from osteon.value import Risk, Withheld

WHO, BODY, CAUSES = ("age", "sex"), ("bmi",), ("glucocorticoid", "secondary_osteoporosis")
SETS = {"model 3": (*WHO, *BODY, *CAUSES), "model 2": (*WHO, *BODY), "model 1": WHO}
MONTHS = np.array([12.0, 24.0, HORIZON, 60.0, 120.0])
BACKBONE = "resnet10t"


def record(columns: tuple[str, ...]) -> Any:
    """The record of one set of columns."""
    return Record(f"known at the radiograph: {', '.join(columns)}", numbers=tuple(c for c in columns if c in ("age", "bmi")),
                  categories=tuple(c for c in columns if c in ("sex", *CAUSES)), needs=columns)


def hazard(method: str, film: bool, columns: str) -> Model:
    """A hazard learnt from the film, from one set of columns, or from both in one network."""
    if not film:
        return Tabular(method, reads=(columns,), writes=("fracture",))
    return Fusion(BACKBONE, pictures=("xray",), records=(columns,), writes=("fracture",)) if columns else Net(BACKBONE, reads=("xray",), writes=("fracture",))


def ten_years(frax: Mapping[str, Any]) -> Risk | Withheld:
    """A ten-year probability (%) as survival, the hazard taken as constant."""
    chance = float(frax["frax"]) / 100
    return Risk(MONTHS, (1 - chance) ** (MONTHS / 120)) if 0 <= chance < 1 else Withheld("no ten-year probability between 0 and 100 %")


STUDY = Study(
    cite="Kong SH, Lee JW, Bae BU, et al. Endocrinol Metab (Seoul) 2022; 37(4): 674-83",
    doi="10.3803/EnM.2022.1461",
    reference=65,
    areas=("radiographic assessment", "spine-oriented surgery"),
    unit="film",
    question="Who will break a vertebra in the years after a spine radiograph?",
    inputs={"xray": Radiograph("lateral radiograph of the lumbar spine, before any fracture")} | {name: record(columns) for name, columns in SETS.items()}
    | {"frax": Record("ten-year probability of a fracture by FRAX, %", numbers=("frax",))},
    targets={"fracture": Events("fracture", HORIZON)},
    primary="fracture",
    design=HoldOut(train=0.65, tune=0.15, test=0.20),
    models={**arms(hazard, method=("DeepSurv",), film={"film": True}, columns={name: name for name in SETS} | {"no columns": ""}),
            **arms(hazard, method=("DeepSurv", "Cox regression"), film={"no film": False}, columns=tuple(SETS)),
            "FRAX": Formula(ten_years, reads=("frax",), writes=("fracture",))},
    simulate=fracture_films,
    subgroups=("sex", "site"),
    claims=(
        Claim("patients, of them with a fracture", "1,595, 120 (7.5 %)", "abstract"),
        Claim("follow-up", "40.7 months on average", "abstract"),
        Claim("C-index in the test part, DeepSurv with film and columns", "0.612 (0.571 to 0.653)", "abstract", "fracture.fracture.c_index"),
        Claim("C-index in the test part, DeepSurv with the film alone, women", "0.614 (0.572 to 0.656)", "abstract", "fracture.fracture.c_index"),
        Claim("C-index in the test part, Cox regression", "0.594; the interval printed beside it, 0.552 to 0.555, can not be right", "abstract", "fracture.fracture.c_index"),
        Claim("C-index in the test part, FRAX", "0.547", "abstract", "fracture.fracture.c_index"),
        Claim("C-index in the train part, DeepSurv with film / without / Cox, model 1", "0.794 / 0.765 / 0.712", "figure 3"),
        Claim("C-index in the train part, DeepSurv with film / without / Cox, model 3", "0.764 / 0.740 / 0.712", "figure 3"),
    ),
    differs=(
        f"the abstract does not name the network that reads the film; {BACKBONE} here, and where no weights are at hand it begins at random",
        "the film's 16 numbers and the columns, each with a mark where it is missing, enter one head of 32; the film or the record of a case is left out at random in training",
        "the FRAX probability of the simulated cohort is a surrogate, as its coefficients are not open; of a cohort of yours it is your column",
        "about a third of the simulated films are followed by a fracture, not 7.5 %, so that a few hundred films hold enough of them; a film may be the second of a patient, who is never split",
        "the paper tests on 179 of 1,595, with about 13 fractures; a fifth here",
        f"the horizon of {HORIZON:g} months is ours, to give a two-by-two; the C-index uses the order of the risks alone",
        "death is censoring, as in the paper's Cox models",
    ),
)

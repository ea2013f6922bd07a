"""Etzel 2022: a short or a long stay in hospital after lumbar arthrodesis."""

from __future__ import annotations

from osteon.datasets.sparcs import sparcs_fusion, sparcs_lumbar
from osteon.design import HoldOut
from osteon.models import Tabular
from osteon.readers.inputs import Record
from osteon.simulate.registry import spine_registry
from osteon.study import Claim, Study
from osteon.targets import Classes

SIX = ("logistic regression", "decision tree", "random forest", "gradient boosting", "nearest neighbours", "support vectors")

STUDY = Study(
    cite="Etzel CM, Veeramani A, Zhang AS, et al. J Am Acad Orthop Surg 2022; 30(3): 125-32",
    doi="10.5435/JAAOS-D-21-00241",
    reference=70,
    areas=("spine-oriented surgery", "outcomes assessment"),
    unit="operation",
    question="Can a long stay after lumbar fusion be told before the operation?",
    inputs={"record": Record(
        "one row of a surgical registry, known before the operation",
        numbers=("age", "bmi", "asa", "levels", "albumin"),
        categories=("sex", "race", "ethnicity", "diabetes", "smoker", "dialysis", "disseminated_cancer", "steroids", "dependent", "approach", "payer", "diagnosis", "procedure"),
        needs=("age", "sex"))},
    targets={"stay": Classes(("short", "long"))},
    primary="stay",
    design=HoldOut(train=0.70, tune=0.15, test=0.15),
    models={name: Tabular(name, reads=("record",), writes=("stay",)) for name in SIX},
    simulate=spine_registry,
    datasets={"sparcs_lumbar": sparcs_lumbar, "sparcs_fusion": sparcs_fusion},
    subgroups=("sex", "race", "payer", "approach", "site"),
    claims=(
        Claim("operations: ALIF / PLIF-TLIF / PSF", "12,915 / 27,212 / 23,406", "abstract"),
        Claim("AUC over the six algorithms, ALIF", "0.673 to 0.752", "abstract", "stay.long.auc"),
        Claim("AUC over the six algorithms, PLIF-TLIF", "0.673 to 0.729", "abstract", "stay.long.auc"),
        Claim("AUC over the six algorithms, PSF", "0.698 to 0.749", "abstract", "stay.long.auc"),
        Claim("accuracy over the six algorithms", "66.0 % to 81.3 %", "abstract", "stay.long.accuracy"),
    ),
    differs=(
        "the paper splits 85 : 15; of its 85, 15 choose our cut, so that the test part stays untouched",
        "the three approaches are one cohort with a subgroup here, three cohorts there",
        "the abstract does not name the six algorithms: these six are ours",
        "the abstract does not give the days that make a stay long: above the 75th percentile here",
        "SPARCS holds nobody of 70 or older, no body mass, no ASA class and no approach: age is the middle of a band, and payer, diagnosis and procedure groups stand in",
        "SPARCS names no patient: two stays of one person can not be kept together",
    ),
)

"""Reviews of dislocation after hip replacement that overlap: registries and studies with known relative risks, and what each review took from them.

A row is one study in one review. The same study in several reviews has the same counts (but for a slip of the pen), so that who adds rows up
counts patients twice; the relative risks of implants and circumstances are those of single patients, while a row gives shares of a study only.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.simulate import table_cohort
from osteon.simulate.card import Card
from osteon.simulate.risk import sigmoid
from osteon.simulate.table_cohort import Columns, Words

if TYPE_CHECKING:
    from osteon.cohort import Cohort

CARD = Card(
    "dislocation reviews", "1.0",
    use="checks of models of counts from papers, of pooling with overlap (corrected covered area), and of what shares of a study can say about a patient",
    modelled=("four implants (half replacement, standard, dual mobility, constrained cup), first operation or revision", "shares of women, of nervous disease, of fused spines, of a posterior approach, mean age, size of the head",
              "a risk of single patients with known relative risks and an interaction of the fused spine with a standard cup; counts are binomial, with differences between studies",
              "registries of ten thousands and series of hundreds; large studies are reviewed more often", "a slip of the pen in 2 % of what a review copies", "site B: reviews of another decade, higher risk, smaller heads",
              "confounded: dual mobility is reported by centres that report no dislocation later than a year"),
    absent=("time to dislocation", "publication bias", "reviews of reviews in a chain", "surgeons"),
    sources=("four implants, a million first operations and 25,000 dislocations: Hernigou 2023, title and introduction", "corrected covered area: Pieper D et al. J Clin Epidemiol 2014; 67: 368-75",
             "relative risks: set by us in the order that is known, not estimates"),
)
IMPLANTS = ("hemiarthroplasty", "standard", "dual mobility", "constrained")
LOG_ODDS: Mapping[str, Any] = {"base": -3.9, "implant": (0.25, 0.0, -1.0, -0.5), "revision": 1.2, "female": 0.1, "neurological": 0.9, "fused": 0.8, "posterior": 0.45, "age": 0.012, "head": -0.06}
FUSED_STANDARD = 0.5  # more, with a fused spine and a standard cup
BETWEEN = 0.3  # standard deviation of the log odds between studies that are alike
REVIEWS = 24
SITES = {"A": (0.0, 34.0), "B": (0.35, 29.0)}  # log odds added, mean size of the head (mm)


def dislocation_reviews(folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, confounded: bool = False) -> Cohort:
    """A cohort folder of `cases` rows; `patient_id` is the study, `weight` its patients, `dislocations` of them; relative risks and the covered area in the notes."""
    return table_cohort.make(REVIEWED, Path(folder), table_cohort.asked(cases, seed, site, difficulty, confounded))


def draw(call: Mapping[str, Any], block: int, rows: int) -> Columns:
    """One block of rows: reviews of one block share no study with those of another."""
    study, label, nuisance = (np.random.default_rng(s) for s in np.random.SeedSequence([call["seed"], ord(call["site"]), block]).spawn(3))
    studies = max(1, round(rows * (0.75 - 0.4 * call["difficulty"])))
    table = _studies(studies, call, study, label)
    # Every study is in one review; the rest of the rows are studies once more, large ones more often.
    again = nuisance.choice(studies, rows - studies, p=table["weight"] ** 0.5 / (table["weight"] ** 0.5).sum())
    of = np.concatenate([np.arange(studies), again])
    # No review holds a study twice: each time that a study comes again it goes seven reviews further, and 7 and 24 share no factor.
    review = (nuisance.integers(0, REVIEWS, studies)[of] + 7 * _times_before(of)) % REVIEWS
    order = np.lexsort((of, review))
    of, review = of[order], review[order]
    columns: dict[str, Any] = {name: Words(v.codes[of], v.names) if isinstance(v, Words) else v[of] for name, v in table.items()}
    slip = nuisance.random(rows) < 0.02
    columns["dislocations"] = np.where(slip, nuisance.poisson(columns["dislocations"] + 1), columns["dislocations"])
    ids = table_cohort.ids("p", block * REVIEWED.block + 1, studies)[of]
    return {"patient_id": ids, "review": np.char.add(b"v%d-" % block, np.char.zfill(review.astype("S2"), 2)), **columns}


def _times_before(of: np.ndarray) -> np.ndarray:
    """How often the study of each row (n,) stands in the rows above it."""
    order = np.argsort(of, kind="stable")
    first = np.concatenate([[True], np.diff(of[order]) != 0])
    places = np.arange(len(of))
    before = np.empty(len(of), int)
    before[order] = places - np.maximum.accumulate(np.where(first, places, 0))
    return before


def _studies(n: int, call: Mapping[str, Any], study: np.random.Generator, label: np.random.Generator) -> dict[str, Any]:
    """What each study reports: shares of its patients, their number and the dislocations among them."""
    more, head = SITES[call["site"]]
    implant = study.choice(4, n, p=(0.2, 0.5, 0.2, 0.1))
    patients = np.round(np.where(study.random(n) < 0.12, study.lognormal(9.5, 0.8, n), study.lognormal(5.8, 0.9, n))).clip(30, 300_000)
    revision = study.random(n) < np.array([0.02, 0.2, 0.35, 0.6])[implant]
    share = {"female_share": study.beta(12, 9, n), "neurological_share": study.beta(1.5, 18, n), "fused_share": study.beta(1.2, 24, n), "posterior_share": study.beta(1.5, 1.2, n)}
    age, size = np.round(study.normal(70 + 6 * (implant == 0), 4, n), 1), np.round(np.clip(study.normal(head, 3, n), 22, 40))
    own = BETWEEN * (0.4 + 1.2 * call["difficulty"]) * label.standard_normal(n) + more
    risk = _risk(implant, revision, share, age, size, own)
    dislocated = label.binomial(patients.astype(int), risk)
    months = np.round(np.clip(label.gamma(3, 14, n), 6, 180))
    if call.get("confounded"):
        months = np.where(implant == 2, np.minimum(months, 12), months)
        dislocated = np.where(implant == 2, label.binomial(dislocated, 0.6), dislocated)
    return {"implant": Words(implant.astype(np.int8), IMPLANTS), "situation": Words(revision.astype(np.int8), ("first operation", "revision")), **{k: np.round(v, 3) for k, v in share.items()}, "mean_age": age,
            "head_mm": size, "months": months, "weight": patients, "dislocations": dislocated, "true_risk": np.round(risk, 6)}


def _risk(implant: np.ndarray, revision: np.ndarray, share: Mapping[str, np.ndarray], age: np.ndarray, head: np.ndarray, own: np.ndarray) -> np.ndarray:
    """The mean risk of the patients of each study: the risk of single patients averaged over who has a nervous disease, a fused spine and a posterior approach."""
    w = LOG_ODDS
    fixed = w["base"] + np.array(w["implant"])[implant] + w["revision"] * revision + w["female"] * share["female_share"] + w["age"] * (age - 70) + w["head"] * (head - 32) + own
    total = np.zeros(len(implant))
    for ill in (0, 1):
        for fused in (0, 1):
            for behind in (0, 1):
                of = np.ones(len(implant))
                for name, has in (("neurological_share", ill), ("fused_share", fused), ("posterior_share", behind)):
                    of = of * (share[name] if has else 1 - share[name])
                total += of * sigmoid(fixed + w["neurological"] * ill + (w["fused"] + FUSED_STANDARD * (implant == 1)) * fused + w["posterior"] * behind)
    return total


def _notes(call: Mapping[str, Any]) -> Mapping[str, Any]:
    drawn = draw(call, 0, min(call["cases"], REVIEWED.block))
    ids, reviewed = np.asarray(drawn["patient_id"]), np.asarray(drawn["review"])
    rows, studies, reviews = len(ids), len(np.unique(ids)), len(np.unique(reviewed))
    area = (rows - studies) / (studies * reviews - studies) if reviews > 1 else 0.0
    return {"log_odds": {**{k: list(v) if isinstance(v, tuple) else v for k, v in LOG_ODDS.items()}, "fused_with_standard": FUSED_STANDARD}, "covered_area": round(area, 4)}


REVIEWED = table_cohort.Table(CARD, draw, _notes, {"mean_age": "years", "head_mm": "mm", "months": "months"}, block=5_000)

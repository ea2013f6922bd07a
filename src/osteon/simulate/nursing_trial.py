"""A trial of two arms after hip replacement: pain, Harris score, Barthel index and complications with effects that are known."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.simulate import table_cohort
from osteon.simulate.card import Card
from osteon.simulate.risk import sigmoid, standard
from osteon.simulate.table_cohort import Columns, Words, pick

if TYPE_CHECKING:
    from osteon.cohort import Cohort

CARD = Card(
    "trial after hip replacement", "1.0",
    use="checks of the comparison of two arms with effect sizes and intervals, of balance, and of what a trial of eighty can show",
    modelled=("age, sex, body mass, diagnosis, ASA class, time of the operation; Harris score, Barthel index and pain before",
              "arms assigned in blocks of four, so that they never differ by more than two", "pain (0 to 10), Harris score and Barthel index (0 to 100, in steps of five) four weeks after, complications, each with a stated effect of the arm",
              "outcomes of one patient that go together", "difficulty shrinks the effects to nothing at 1", "site B: older patients, more complications", "confounded: the assignment follows age, as where nobody drew lots"),
    absent=("loss to follow-up", "crossing over", "blinding of who assesses", "nurses as clusters"),
    sources=("two arms of forty, four outcomes in favour of one: Wang 2022, abstract; no effect sizes are printed there", "effects: set by us"),
)
EFFECTS = {"vas": -1.2, "harris": 6.0, "barthel": 7.0, "complication": -0.9}  # points, and log odds, at difficulty 0
ARMS = ("usual care", "planned care")
SITES = {"A": (0.0, 0.20), "B": (0.6, 0.28)}  # shift of the case mix, share with a complication under usual care
YES_NO = ("no", "yes")


def nursing_trial(folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, confounded: bool = False) -> Cohort:
    """A cohort folder of `cases` patients in two arms; `vas`, `harris`, `barthel`, `complication` after four weeks, the true effects in the notes."""
    return table_cohort.make(TRIAL, Path(folder), table_cohort.asked(cases, seed, site, difficulty, confounded))


def draw(call: Mapping[str, Any], block: int, rows: int) -> Columns:
    """One block of patients as columns."""
    shift, share = SITES[call["site"]]
    people, label, lots = (np.random.default_rng(s) for s in np.random.SeedSequence([call["seed"], ord(call["site"]), block]).spawn(3))
    frailty = people.standard_normal(rows)
    age = np.round(np.clip(people.normal(68 + 3 * shift, 9, rows) + 2 * frailty, 35, 95))
    arm = np.concatenate([lots.permutation([0, 0, 1, 1]) for _ in range(-(-rows // 4))])[:rows]
    if call.get("confounded"):
        arm = (lots.random(rows) < sigmoid(-0.25 * (age - 68 - 3 * shift))).astype(int)
    effect = {name: (1 - call["difficulty"]) * size for name, size in EFFECTS.items()}
    course = label.standard_normal(rows)
    before = {"vas_before": np.clip(np.round(6.2 + 0.5 * frailty + 1.5 * people.standard_normal(rows)), 0, 10), "harris_before": np.clip(np.round(44 - 4 * frailty + 10 * people.standard_normal(rows)), 5, 90),
              "barthel_before": np.clip(5 * np.round((72 - 6 * frailty + 11 * people.standard_normal(rows)) / 5), 5, 100)}
    logit = np.log(share / (1 - share)) + 0.35 * frailty + 0.5 * course + effect["complication"] * arm
    return {"age": age, "sex": pick(people, rows, ("female", "male"), (0.58, 0.42)), "bmi": np.round(np.clip(people.normal(26, 4, rows), 16, 45), 1),
            "diagnosis": pick(people, rows, ("osteoarthritis", "fracture of the neck", "necrosis of the head"), (0.5, 0.33, 0.17)), "asa": 1 + people.binomial(3, sigmoid(-0.4 + 0.4 * frailty)),
            "minutes": np.round(np.clip(people.normal(95, 22, rows), 45, 240)), **before, "arm": Words(arm.astype(np.int8), ARMS),
            "vas": np.clip(np.round(3.4 + 0.3 * standard(before["vas_before"], 6.2, 1.6) + 0.7 * course + 1.1 * label.standard_normal(rows) + effect["vas"] * arm), 0, 10) + 0.0,
            "harris": np.clip(np.round(74 + 2 * standard(before["harris_before"], 44, 11) - 4 * course - 2 * frailty + 7 * label.standard_normal(rows) + effect["harris"] * arm), 10, 100),
            "barthel": np.clip(5 * np.round((76 + 3 * standard(before["barthel_before"], 72, 12) - 4 * course - 2 * frailty + 8 * label.standard_normal(rows) + effect["barthel"] * arm) / 5), 5, 100),
            "complication": Words((label.random(rows) < sigmoid(logit)).astype(np.int8), YES_NO)}


def _notes(call: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"effects": {name: round((1 - call["difficulty"]) * size, 4) for name, size in EFFECTS.items()}}


TRIAL = table_cohort.Table(CARD, draw, _notes, {"age": "years", "bmi": "kg/m2", "minutes": "min"})

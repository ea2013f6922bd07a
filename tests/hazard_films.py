"""Tiny films with two patches and a record: how bright one patch is and one column carry a hazard, how grainy the other patch is tells the length of the follow-up."""

from __future__ import annotations

import numpy as np

from osteon.case import Case
from osteon.cohort import Cohort
from osteon.targets import Classes, Events, Grades, Measures
from osteon.value import Grade, Grid, Label, Picture, Readings, Risk

SIDE = 32
EVENT = Events("break", 1.0)
TARGETS = {"break": EVENT, "seen": Classes(("no", "yes")), "grade": Grades(("0", "1", "2"), from_=1), "angle": Measures({"angle": "deg"}, main="angle")}


def film(left: float, right: float, rng: np.random.Generator) -> Picture:
    """A grey film with a brighter or darker patch on the left and a grainy one on the right; stripes of black and white hold the scale."""
    array = 0.5 + 0.04 * rng.standard_normal((SIDE, SIDE))
    array[8:24, 4:13] += 0.12 * left
    array[6:26, 17:30] = 0.5 + 0.05 * np.exp(0.7 * right) * rng.standard_normal((20, 13))
    array[0], array[-1] = 0.0, 1.0
    return Picture((255 * np.clip(array, 0, 1)).astype(np.uint8), Grid(array.shape))


def hazards(n: int, seed: int) -> np.ndarray:
    """Left patch, right patch, column (n, 3): standard normal within 2.5."""
    return np.clip(np.random.default_rng([seed, 1]).standard_normal((n, 3)), -2.5, 2.5)


def cohort(n: int, seed: int, *, left: float = 1.2, column: float = 1.0, followed: float = 0.0, censored: bool = False) -> Cohort:
    """Cases whose log hazard is `left` times the left patch and `column` times the column; the follow-up grows with `followed` times the right patch."""
    x, rng = hazards(n, seed), np.random.default_rng([seed, 2])
    time = rng.exponential(size=n) * np.exp(-(left * x[:, 0] + column * x[:, 2]))
    end = 2.0 * np.exp(followed * x[:, 1]) * rng.uniform(0.5, 1.5, n)
    cases = []
    for i in range(n):
        event = bool(time[i] <= end[i]) and not censored
        record = {"age": 60 + 9 * x[i, 2], "bmi": float("nan") if i % 7 == 0 else 25.0 + rng.standard_normal(), "sex": "female" if rng.random() < 0.6 else "male"}
        step = int(np.digitize(x[i, 0] + x[i, 2], (-0.6, 0.6)))
        truth = {"break": Risk(np.array([min(time[i], end[i])]), event=event), "seen": Label("yes" if event else "no"), "grade": Grade(step), "angle": Readings({"angle": 10 * float(x[i, 0] + x[i, 2])})}
        cases.append(Case(f"{seed}-{i}", f"p{seed}-{i}", inputs={"xray": film(x[i, 0], x[i, 1], rng), "row": record}, truth=truth))
    return Cohort("films with a hazard", "simulated", cases=cases)

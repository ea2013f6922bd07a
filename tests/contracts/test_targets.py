"""What every family of targets keeps: perfect answers, order, files and withheld answers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import osteon.targets as families
from osteon.readers import from_plain, read_value, to_plain, write_value
from osteon.targets import Classes, Declared, Events, Grades, Masks, Measures, Objects, Pictures, Surfaces, Target, Trajectories
from osteon.value import Grade, Grid, Label, Mask, Picture, Readings, Risk, Surface, Trajectory, Value, Withheld
from osteon.value import Objects as Boxes

RNG = np.random.default_rng(7)
GRID = Grid((24, 20), (0.5, 0.5))
N = 24


def blob(i: int) -> np.ndarray:
    rows, cols = np.mgrid[:24, :20]
    return np.stack([(rows - 8 - i % 5) ** 2 + (cols - 9) ** 2 < 25, (rows - 16) ** 2 + (cols - 8 - i % 4) ** 2 < 16])


@dataclass(frozen=True)
class Family:
    """A family with truths, the perfect answers, and the metrics that must be perfect."""

    target: Target
    truths: Sequence[Value]
    perfect: Sequence[Value]
    best: dict[str, float]


def boxes(i: int, score: float | None = None) -> Boxes:
    array = np.array([[2 + i % 4, 3, 9, 11], [12, 4, 20, 15]])[: 1 + i % 2]
    return Boxes(array, ("hip", "knee")[: 1 + i % 2], None if score is None else np.full(len(array), score), GRID)


BOX = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1.0]])
FACES = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
FAMILIES = {
    "Classes": Family(Classes(("sound", "broken")), [Label(("sound", "broken")[i % 2]) for i in range(N)],
                      [Label(("sound", "broken")[i % 2], {"sound": 1 - i % 2, "broken": i % 2}) for i in range(N)],
                      {"auc": 1, "sensitivity": 1, "specificity": 1, "accuracy": 1, "brier": 0}),
    "Grades": Family(Grades(("0", "1", "2", "3", "4"), 2), [Grade(i % 5) for i in range(N)], [Grade(i % 5, tuple(np.eye(5)[i % 5])) for i in range(N)],
                     {"kappa_quadratic": 1, "mae": 0, "auc": 1, "sensitivity": 1}),
    "Measures": Family(Measures({"HKA": "deg", "LLD": "mm"}, "HKA", per=("R", "L"), once=("LLD",), cut=Declared(below=177.0)),
                       [Readings({"HKA.R": 170.0 + i, "HKA.L": 172.0 + i, "LLD": i - 3.0}) for i in range(N)], [], {"mae": 0, "bias": 0, "icc": 1, "ccc": 1, "auc": 1}),
    "Masks": Family(Masks(("femur", "tibia")), [Mask(blob(i), ("femur", "tibia"), GRID) for i in range(N)], [], {"dice": 1, "iou": 1, "hd95": 0, "assd": 0, "nsd": 1}),
    "Objects": Family(Objects(("hip", "knee")), [boxes(i) for i in range(N)], [boxes(i, 0.9) for i in range(N)], {"ap": 1, "recall": 1, "iou": 1}),
    "Pictures": Family(Pictures(), [Picture(RNG.random((24, 20)), GRID) for _ in range(N)], [], {"nmse": 0, "ssim": 1}),
    "Events": Family(Events("death", 12.0), [Risk(np.array([2.0 + i]), event=i % 3 > 0) for i in range(N)],
                     [Risk(np.array([6.0, 12.0]), np.array([1.0, i / N])) for i in range(N)], {"c_index": 1, "auc": 1}),
    "Trajectories": Family(Trajectories({"cobb": "deg"}), [Trajectory(np.arange(3.0), RNG.random((3, 1)), ("cobb",)) for _ in range(N)], [], {"mae": 0, "bias": 0}),
    "Surfaces": Family(Surfaces(), [Surface(BOX * (1 + i), FACES) for i in range(N)], [], {"distance": 0, "hd95": 0}),
}


def lines(family: Family, answers: Sequence[Value], order: Sequence[int] = range(N)) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for i in order:
        for line in family.target.compare(family.truths[i], answers[i]):
            rows.append({"case": f"c{i}", "patient": f"p{i}", "fold": "1", "finding": line.finding, "unit": line.unit, "state": line.state, "score": line.score,
                         "withheld": line.withheld, "cut": 0.0 if isinstance(family.target.cut, Declared) else 0.5 if family.target.cut else math.nan,
                         **{f"n.{k}": v for k, v in line.numbers.items()}})
    return pd.DataFrame(rows)


def main_metrics(family: Family, answers: Sequence[Value], order: Sequence[int] = range(N)) -> dict[str, float]:
    frame = lines(family, answers, order)
    found = family.target.metrics(frame[frame["finding"] == family.target.findings[0]])
    return {name: interval.estimate for name, interval in found.items()}


def test_every_family_stands_here() -> None:
    assert set(FAMILIES) == {n for n in families.__all__ if n not in ("Declared", "Landmarks", "Line", "Sensitivity", "Target", "Youden")}


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_a_perfect_answer_gives_perfect_metrics(family: Family) -> None:
    found = main_metrics(family, family.perfect or family.truths)
    assert {name: found[name] for name in family.best} == pytest.approx(family.best, abs=1e-9)


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_the_order_of_cases_does_not_matter(family: Family) -> None:
    answers = [family.truths[(i + 3) % N] for i in range(N)] if not family.perfect else list(family.perfect)
    assert main_metrics(family, answers) == pytest.approx(main_metrics(family, answers, list(range(N))[::-1]), nan_ok=True, rel=0.2)
    point = {"auc", "mae", "dice", "kappa_quadratic", "nmse", "bias"} & set(main_metrics(family, answers))
    first, second = main_metrics(family, answers), main_metrics(family, answers, list(range(N))[::-1])
    assert all(first[k] == pytest.approx(second[k], nan_ok=True) for k in point)


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_values_go_to_files_and_back(family: Family, tmp_path: Path) -> None:
    for i, value in enumerate(family.truths[:3]):
        back = family.target.value(read_value(write_value(tmp_path / f"v{i}", value)))
        assert type(back) is type(value)
        got = family.target.compare(value, back)
        assert all(abs(n) < 1e-3 for line in got for k, n in line.numbers.items() if k in ("error", "hd95", "distance", "nmse") and not math.isnan(n))
        if not isinstance(value, Picture | Mask | Surface):
            assert to_plain(from_plain(to_plain(value))) == to_plain(value)


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_withheld_is_no_answer_and_keeps_its_reason(family: Family) -> None:
    out = family.target.compare(family.truths[0], Withheld("no film"))
    assert out and all(line.withheld == "no film" and math.isnan(line.score) for line in out)
    half = [Withheld("no film") if i % 2 else (family.perfect or family.truths)[i] for i in range(N)]
    frame = lines(family, half)
    assert (frame["withheld"] != "").sum() > 0
    assert isinstance(family.target.metrics(frame[frame["finding"] == family.target.findings[0]]), dict)


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_the_mean_of_equal_answers_is_the_answer(family: Family) -> None:
    answer = (family.perfect or family.truths)[2]
    mean = family.target.mean([answer, answer])
    assert main_metrics(family, [family.target.mean([v, v]) for v in family.perfect or family.truths]) == pytest.approx(
        main_metrics(family, family.perfect or family.truths), abs=1e-9, nan_ok=True)
    assert type(mean) is type(answer)
    assert isinstance(family.target.mean([Withheld("a"), Withheld("b")]), Withheld)


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_the_contract_holds(family: Family) -> None:
    assert isinstance(family.target, Target)
    assert family.target.is_positive(family.truths[0], family.target.findings[0]) in (True, False, None)
    assert hash(family.target) is not None


@pytest.mark.parametrize("overlap", [False, True])
def test_an_answer_is_judged_only_where_the_reference_standard_speaks(overlap: bool, tmp_path: Path) -> None:
    target = Masks(("femur", "tibia"))
    array = np.zeros((2, 24, 20), bool)
    array[0, 4:12, 4:12] = True
    array[1, 10 if overlap else 14:20, 4:12] = True
    known = np.zeros((24, 20), bool)
    known[:12] = True
    truth = target.value(read_value(write_value(tmp_path / "t", Mask(array & known, target.names, GRID, known))))
    assert isinstance(truth, Mask) and truth.known is not None and np.array_equal(truth.known, known)
    answer = array.copy()
    answer[0, 12:] = True  # where nobody annotated
    (femur, _) = target.compare(truth, Mask(answer, target.names, GRID))
    assert femur.numbers["dice"] == 1.0

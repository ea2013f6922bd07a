"""A study that asks for every family of targets of small noise films, answered by a rule: whatever a report can draw and tabulate, in one quick run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from osteon.budget import SMOKE
from osteon.case import Case
from osteon.cohort import Cohort
from osteon.design import HoldOut
from osteon.engine import run as make
from osteon.models import Formula
from osteon.readers.inputs import Radiograph
from osteon.run import Run
from osteon.studies import study
from osteon.study import Study
from osteon.targets import Classes, Events, Grades, Masks, Measures, Objects, Pictures, Surfaces, Trajectories
from osteon.value import Grade, Grid, Label, Mask, Picture, Readings, Risk, Surface, Trajectory, Value
from osteon.value import Objects as Boxes

CASES, SIDE = 110, 40
GRID = Grid((SIDE, SIDE), (0.5, 0.5))
KINDS, STEPS = ("sound", "bent", "broken"), ("0", "1", "2", "3")
BOX, FACES = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1.0]]), np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])


def disc(row: float, column: float, radius: float) -> np.ndarray:
    rows, columns = np.mgrid[:SIDE, :SIDE]
    return (rows - row) ** 2 + (columns - column) ** 2 < radius**2


def share(odds: np.ndarray) -> tuple[float, ...]:
    weights = np.exp(odds - odds.max())
    return tuple((weights / weights.sum()).tolist())


def told(number: int, *, noise: float) -> dict[str, Value]:
    """The truth of a case (noise 0), or an answer that strays from it."""
    rng = np.random.default_rng([number, 1])
    stray = noise * np.random.default_rng([number, round(10 * noise)]).normal(size=12)
    ill, kind, step, angle, time = rng.random() < 0.4, int(rng.integers(3)), int(rng.integers(4)), rng.normal(178, 4), rng.exponential(14) + 0.5
    risk = np.clip(np.exp(-np.array([4.0, 8.0, 12.0]) / 14 * np.exp(0.4 * (12 - time) / 12 + 0.3 * stray[0])), 0, 1)
    boxes, score = np.array([[4, 4, 14, 14], [20, 22, 34, 36]], float)[: 1 + number % 2] + stray[1], np.clip(0.6 + 0.2 * stray[2:4], 0.05, 1)[: 1 + number % 2]
    extra = noise > 0 and number % 3 == 0
    if extra:
        boxes, score = np.vstack([boxes, [[2, 28, 9, 36]]]), np.append(score, 0.3)
    p = 1 / (1 + np.exp(-(1.6 * (ill - 0.5) + stray[4])))
    return {
        "broken": Label(("no", "yes")[ill], {"no": 1 - p, "yes": p} if noise else {}),
        "kind": Label(KINDS[int(np.argmax(2 * np.eye(3)[kind] + stray[5:8]))] if noise else KINDS[kind], dict(zip(KINDS, share(2 * np.eye(3)[kind] + stray[5:8]), strict=True)) if noise else {}),
        "grade": Grade(int(np.clip(round(step + 0.6 * stray[8]), 0, 3)) if noise else step, share(1.5 * np.eye(4)[step] + stray[:4]) if noise else ()),
        "angle": Readings({"HKA": angle + stray[9], "LLD": 3.0 + stray[10]}),
        "bones": Mask(np.stack([disc(12 + stray[1], 20, 8), disc(30, 20 + stray[2], 6)]), ("femur", "tibia"), GRID),
        "marks": Boxes(np.clip(boxes, 0, SIDE), ("hip", "knee", "hip")[: len(boxes)], score if noise else None, GRID),
        "death": Risk(np.array([4.0, 8.0, 12.0]), risk) if noise else Risk(np.array([min(time, 18.0)]), event=bool(time < 18.0)),
        "clean": Picture(np.clip(disc(20, 20, 12) + 0.1 * np.random.default_rng([number, 3]).random((SIDE, SIDE)) + 0.05 * stray[:1], 0, 2), GRID),
        "curve": Trajectory(np.arange(3.0), np.cumsum(np.ones((3, 1)), 0) * 10 + stray[:3, None], ("cobb",)),
        "shape": Surface(BOX * (1 + 0.05 * abs(stray[11]) if noise else 1.0), FACES)}


TARGETS = {"broken": Classes(("no", "yes")), "kind": Classes(KINDS), "grade": Grades(STEPS, 2), "angle": Measures({"HKA": "deg", "LLD": "mm"}, "HKA"), "bones": Masks(("femur", "tibia")), "marks": Objects(("hip", "knee")),
           "death": Events("death", 12.0), "clean": Pictures(), "curve": Trajectories({"cobb": "deg"}), "shape": Surfaces()}


def answer(noise: float) -> Any:
    """A rule that reads the number of a case from the corner of its film."""
    def look(xray: Picture) -> dict[str, Value]:
        number = int(xray.array[0, 0]) + 256 * int(xray.array[0, 1])
        return told(number, noise=noise)
    return look


EVERYTHING: Study = replace(
    study("etzel_2022"), name="everything", question="Can everything be read from a noise film?", unit="leg", areas=("radiographic assessment",), inputs={"xray": Radiograph("a film of noise")}, targets=TARGETS, primary="broken",
    design=HoldOut(train=0.2, tune=0.35, test=0.45), claims=(), differs=(), datasets={}, subgroups=("side",), models={"a steady rule": Formula(answer(1.0), reads=("xray",), writes=tuple(TARGETS)), "a shaky rule": Formula(answer(1.6), reads=("xray",), writes=tuple(TARGETS))})


def films(count: int = CASES, *, origin: str = "own") -> Cohort:
    """Cases with a truth of every family."""
    cases = []
    for number in range(count):
        array = np.random.default_rng([number, 2]).integers(0, 256, (SIDE, SIDE)).astype(np.uint8)
        array[0, :2] = number % 256, number // 256
        cases.append(Case(f"f{number}", f"p{number}", site="AB"[number % 2], inputs={"xray": Picture(array, GRID)}, truth=told(number, noise=0.0), attributes={"side": "LR"[number // 2 % 2]}))
    return Cohort("films of noise", origin, cases=cases)


def run_everything(folder: Path, *, primary: str = "broken", origin: str = "own") -> tuple[Run, Study]:
    """A finished run whose primary target is one of the families."""
    asked = replace(EVERYTHING, primary=primary)
    return make(asked, films(origin=origin), budget=SMOKE, out=folder), asked

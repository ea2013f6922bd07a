"""Cohorts with one planted leak each, and their clean twin: films with a texture of their own, a record, dates, devices. Knows nothing of the detector."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from typing import Any

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter, rotate, zoom

from osteon import targets
from osteon.case import Case
from osteon.cohort import Cohort
from osteon.design import Fold, HoldOut
from osteon.models import Formula
from osteon.readers.inputs import Radiograph, Record
from osteon.study import Study
from osteon.value import Grid, Label, Picture

STRENGTHS = ("faint", "plain", "obvious")
FEW, SOME, MANY = 1, 5, 30  # test cases that are touched at each strength
NUMBERS, WORDS = ("age", "bmi", "albumin", "levels"), ("sex", "payer")
SIZE = 120

LEAKY = Study(
    cite="Nobody N. J Leaks 2020; 1: 1", doi="10.0000/leaks", reference=0, areas=("outcomes assessment",), unit="case", name="leaky", question="Is there a leak?",
    inputs={"film": Radiograph("a film"), "record": Record("a record", numbers=NUMBERS, categories=WORDS)}, targets={"finding": targets.Classes(("no", "yes"))}, primary="finding",
    design=HoldOut(train=0.5, tune=0.2, test=0.3), models={"rule": Formula(lambda film: {"finding": Label("no")}, reads=("film",), writes=("finding",))}, simulate=None)  # type: ignore[arg-type]


@cache
def film(number: int, positive: bool) -> np.ndarray:
    """A bone that all share, a texture of its own, and a blur at its middle where the finding is present."""
    rng = np.random.default_rng(number)
    rows, cols = np.mgrid[:SIZE, :SIZE] / SIZE
    bone = 120 * np.exp(-(((cols - 0.5 - rng.normal(0, 0.02)) / 0.22) ** 4)) + 25 * np.sin(9 * rows + rng.normal(0, 0.3))
    texture = 22 * gaussian_filter(rng.standard_normal((SIZE, SIZE)), 1.0) + 40 * gaussian_filter(rng.standard_normal((SIZE, SIZE)), 3.0)
    spot = 30 * positive * np.exp(-((rows - 0.5) ** 2 + (cols - 0.5) ** 2) / 0.01)
    return np.clip(60 + bone + texture + spot + rng.normal(0, 3, (SIZE, SIZE)), 0, 255).astype(np.uint8)


def clean(count: int = 240) -> tuple[Cohort, tuple[Fold, ...]]:
    """Cases without any leak; the test part is the latest."""
    rng = np.random.default_rng(7)
    cases = []
    for k in range(count):
        positive = bool(rng.random() < 0.5)
        record = {"age": round(float(rng.normal(60 + 4 * positive, 10)), 1), "bmi": round(float(rng.normal(27, 4)), 2), "albumin": round(float(rng.normal(4, 0.4)), 3),
                  "levels": float(rng.integers(1, 5)), "sex": str(rng.choice(["female", "male"])), "payer": str(rng.choice(["a", "b", "c"]))}
        attributes = {"side": str(rng.choice(["L", "R"])), "study_uid": f"2.25.{k + 5000}", "device": str(rng.choice(["one", "two"])),
                      "date": str(date(2019, 1, 1) + timedelta(days=5 * k)), "outcome_date": str(date(2019, 1, 1) + timedelta(days=5 * k + 90))}
        cases.append(Case(f"case{k}", f"P-{k:04d}", site=str(rng.choice(["north", "south"])), inputs={"film": Picture(film(k, positive), Grid((SIZE, SIZE))), "record": record},
                          truth={"finding": Label("yes" if positive else "no")}, attributes=attributes))
    at = np.arange(count)
    return Cohort("leaky", "simulated", cases=cases), (Fold("1", ((at[:count // 2], at[count // 2:int(0.7 * count)]),), at[int(0.7 * count):]),)


def _films(case: Case, change: Callable[[np.ndarray], np.ndarray]) -> Case:
    array = change(case.inputs["film"].array)
    return case.with_inputs(film=Picture(array, Grid(array.shape)))


def _saved(array: np.ndarray) -> np.ndarray:
    out = io.BytesIO()
    Image.fromarray((255 * (array / 255) ** 0.8).astype(np.uint8)).save(out, "JPEG", quality=60)
    return np.array(Image.open(out))


COPIES: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "faint": lambda a: np.clip(rotate(zoom(a[2:-2, 2:-2], len(a) / (len(a) - 4), order=1), 1.5, reshape=False, order=1, mode="nearest"), 0, 255).astype(np.uint8),
    "plain": lambda a: np.clip(0.7 * zoom(a.astype(float), 0.6, order=1) + 20, 0, 255).astype(np.uint8), "obvious": _saved}


def _touch(cohort: Cohort, folds: tuple[Fold, ...], many: int, change: Callable[[Case, Case], Case]) -> Cohort:
    """The first test cases, each changed after the pattern of one that is learnt from."""
    cases, train, test = list(cohort.cases), folds[0].fits[0][0], folds[0].test
    for k in range(many):
        cases[test[k]] = change(cases[test[k]], cases[train[3 * k]])
    return replace(cohort, cases=cases)


def _every(cohort: Cohort, change: Callable[[Case, np.random.Generator], Case]) -> Cohort:
    rng = np.random.default_rng(3)
    return replace(cohort, cases=[change(case, rng) for case in cohort.cases])


def positive(case: Case) -> bool:
    """Whether the finding is present."""
    return bool(case.truth["finding"].name == "yes")


def _column(cohort: Cohort, name: str, make: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Cohort:
    """One column of the record made anew from its values and the states of all cases."""
    values = make(np.array([c.inputs["record"][name] for c in cohort.cases], float), np.array([positive(c) for c in cohort.cases], float))
    return replace(cohort, cases=[c.with_inputs(record=dict(c.inputs["record"]) | {name: float(v)}) for c, v in zip(cohort.cases, values, strict=True)])


def _filled(values: np.ndarray, states: np.ndarray, share: float) -> np.ndarray:
    gone = np.random.default_rng(5).random(len(values)) < share
    return np.where(gone, values[~gone].mean(), values)


def _coded(values: np.ndarray, states: np.ndarray, digits: int) -> np.ndarray:
    means = {v: states[values == v].mean() for v in set(values.tolist())}
    return np.round([means[v] for v in values.tolist()], digits)


def _marked(array: np.ndarray) -> np.ndarray:
    out = array.copy()
    out[6:14, 8:11] = out[12:14, 8:16] = 255
    return out


def _many(strength: str) -> int:
    return {"faint": FEW, "plain": SOME, "obvious": MANY}[strength]


def _older(case: Case, source: Case) -> Case:
    return replace(case, attributes=dict(case.attributes) | {"date": "2018-06-01"})


def _late(case: Case, source: Case) -> Case:
    return replace(case, attributes=dict(case.attributes) | {"date": str(date.fromisoformat(case.attributes["outcome_date"]) + timedelta(days=3))})


def _attribute(name: str) -> Callable[[Case, Case], Case]:
    return lambda case, source: replace(case, attributes=dict(case.attributes) | {name: source.attributes[name]})


def _sites(share: float) -> Callable[[Case, np.random.Generator], Case]:
    return lambda case, rng: replace(case, site="north" if positive(case) == bool(rng.random() < share) else "south")


def _marks(share: float) -> Callable[[Case, np.random.Generator], Case]:
    return lambda case, rng: _films(case, _marked) if positive(case) and rng.random() < share else case


def plant(kind: str, strength: str) -> tuple[Cohort, tuple[Fold, ...]]:
    """A cohort with one leak of a kind at a strength, and its folds."""
    cohort, folds = clean()
    many, level = _many(strength), STRENGTHS.index(strength)
    touched: dict[str, Callable[[Case, Case], Case]] = {
        "same patient": lambda c, s: replace(c, patient=s.patient, attributes=dict(c.attributes) | {"side": s.attributes["side"]}),
        "left and right of one patient": lambda c, s: replace(c, patient=f"{s.patient[:-1]}{'L' if s.patient[-1] == 'R' else 'R'}"),
        "same patient under another spelling": lambda c, s: replace(c, patient=s.patient.lower().replace("-0", " ")), "same study": _attribute("study_uid"),
        "same pixels": lambda c, s: c.with_inputs(film=s.inputs["film"]), "same record": lambda c, s: c.with_inputs(record=dict(s.inputs["record"])),
        "order of dates": _older, "input later than the outcome": _late}
    if kind in touched:
        return _touch(_sided(cohort) if kind.startswith("left") else cohort, folds, many, touched[kind]), folds
    if kind == "near-duplicate picture":
        return _touch(cohort, folds, SOME, lambda c, s: _films(c, lambda _: COPIES[strength](s.inputs["film"].array))), folds
    columns: dict[str, Callable[[], Cohort]] = {
        "standardised": lambda: _column(cohort, "bmi", lambda v, y: np.round((v - v.mean()) / v.std(), (2, 4, 12)[level])),
        "scaled to 0-1": lambda: _column(_ends(cohort, folds), "bmi", lambda v, y: np.round((v - v.min()) / np.ptp(v), (2, 4, 12)[level])),
        "filled by the mean": lambda: _column(cohort, "albumin", lambda v, y: _filled(v, y, (0.03, 0.1, 0.3)[level])),
        "coded by outcome": lambda: _column(cohort, "levels", lambda v, y: _coded(v, y, (2, 4, 12)[level]))}
    if kind in columns:
        return columns[kind](), folds
    spread = {"label told by the site": lambda: _sites((0.75, 0.88, 0.98)[level]), "label told by the margin of the picture": lambda: _marks((0.5, 0.75, 1.0)[level])}
    return _every(cohort, spread[kind]()), folds


def _sided(cohort: Cohort) -> Cohort:
    """Codes that end in the side."""
    return replace(cohort, cases=[replace(c, patient=f"{c.patient}-{c.attributes['side']}") for c in cohort.cases])


def _ends(cohort: Cohort, folds: tuple[Fold, ...]) -> Cohort:
    """The smallest and the largest body mass lie in the test part."""
    cases = list(cohort.cases)
    for row, value in zip(folds[0].test[:2], (9.0, 61.0), strict=True):
        cases[row] = cases[row].with_inputs(record=dict(cases[row].inputs["record"]) | {"bmi": value})
    return replace(cohort, cases=cases)


OF_PICTURES = ("same pixels", "near-duplicate picture", "label told by the margin of the picture")
KINDS: Mapping[str, Any] = {kind: kind for kind in (
    "same patient", "left and right of one patient", "same patient under another spelling", "same study", "same pixels", "near-duplicate picture", "same record", "order of dates",
    "input later than the outcome", "label told by the site", "label told by the margin of the picture")} | dict.fromkeys(
    ("standardised", "scaled to 0-1", "filled by the mean", "coded by outcome"), "feature fitted outside the fold")

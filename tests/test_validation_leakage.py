"""Planted leaks are found, and a clean cohort is left in peace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from osteon import targets
from osteon.case import Case, Deferred, Lazy
from osteon.cohort import Cohort
from osteon.design import CrossValidation, Fold
from osteon.readers import read_input
from osteon.readers.inputs import Radiograph
from osteon.studies import study
from osteon.study import Study
from osteon.validation.fingerprints import fingerprint, perceptual_hash, shrunk
from osteon.validation.leakage import ERROR, WARNING, Leak, checked, leaks
from osteon.validation.material import gather
from osteon.value import Grade, Grid, Picture
from planted_leaks import COPIES, KINDS, LEAKY, OF_PICTURES, STRENGTHS, clean, film, plant

WARNED = ("near-duplicate picture", "same patient under another spelling")


@cache
def found(kind: str, strength: str) -> tuple[Leak, ...]:
    cohort, folds = plant(kind, strength)
    return leaks(gather(cohort, LEAKY, pictures=kind in OF_PICTURES), folds, temporal=True)


def test_the_clean_twin_has_no_finding() -> None:
    cohort, folds = clean()
    assert leaks(gather(cohort, LEAKY), folds, temporal=True) == ()


@pytest.mark.parametrize("kind", KINDS)
def test_an_obvious_leak_of_every_kind_is_found_and_no_other(kind: str) -> None:
    seen = found(kind, "obvious")
    assert KINDS[kind] in {leak.kind for leak in seen}
    assert {leak.severity for leak in seen if leak.kind == KINDS[kind]} == {WARNING if kind in WARNED else ERROR}
    assert {leak.kind for leak in seen if leak.severity == ERROR} <= {KINDS[kind]}


def test_most_leaks_are_found_at_every_strength() -> None:
    missed = {(kind, strength) for kind in KINDS for strength in STRENGTHS if KINDS[kind] not in {leak.kind for leak in found(kind, strength)}}
    assert {strength for _, strength in missed} <= {"faint"}, missed


def test_one_touched_case_is_named_with_its_source() -> None:
    cohort, folds = plant("same pixels", "faint")
    leak = next(one for one in leaks(gather(cohort, LEAKY), folds) if one.kind == "same pixels")
    assert leak.pairs == ((cohort.cases[folds[0].test[0]].id, cohort.cases[folds[0].fits[0][0][0]].id),)
    assert leak.count == 1
    assert Leak.from_plain(leak.plain()) == leak


def test_pairs_of_several_folds_are_one_finding() -> None:
    cohort, _ = plant("same pixels", "plain")
    folds, _ = cohort.folds(CrossValidation(4), 0)
    same = [leak for leak in leaks(gather(cohort, LEAKY), folds) if leak.kind == "same pixels"]
    assert len(same) == 1
    assert len(same[0].folds) > 1
    assert len({frozenset(p) for p in same[0].pairs}) == len(same[0].pairs)


def test_a_mirrored_film_is_a_near_duplicate() -> None:
    cohort, folds = clean()
    cases = list(cohort.cases)
    row = folds[0].test[0]
    cases[row] = cases[row].with_inputs(film=Picture(cases[0].inputs["film"].array[:, ::-1].copy(), Grid((120, 120))))
    seen = leaks(gather(replace(cohort, cases=cases), LEAKY), folds)
    assert [(leak.kind, leak.pairs) for leak in seen] == [("near-duplicate picture", ((cases[row].id, cases[0].id),))]


def test_a_flat_or_unreadable_film_is_like_no_other() -> None:
    assert fingerprint(np.full((40, 40), 7))[0] == ""
    assert fingerprint(None)[0] == ""
    volume, colours = np.repeat(film(1, False)[None], 3, 0), np.repeat(film(1, False)[..., None], 3, -1)
    assert fingerprint(volume)[1] == fingerprint(colours)[1] == fingerprint(film(1, False))[1]


def test_a_perceptual_hash_does_not_see_brightness_and_size() -> None:
    plane = film(4, True).astype(float)
    one, other = perceptual_hash(shrunk(plane, 32)), perceptual_hash(shrunk(np.repeat(np.repeat(0.4 * plane + 30, 2, 0), 3, 1), 32))
    assert (one ^ other).bit_count() <= 2
    assert (one ^ perceptual_hash(shrunk(film(5, True).astype(float), 32))).bit_count() > 4


KNEES: Study = replace(LEAKY, inputs={"xray": Radiograph("knee")}, targets={"kl": targets.Grades(("0", "1", "2", "3", "4"), from_=2)}, primary="kl",
                       models={"rule": replace(next(iter(LEAKY.models.values())), reads=("xray",), writes=("kl",))})


@pytest.fixture(scope="module")
def knees(shared_data: Callable[[str], Path]) -> Cohort:
    """Every third real knee film."""
    root = shared_data("knee_oa_kl224")
    table = pd.read_csv(root / "cases.csv", dtype=str).iloc[::3]
    return Cohort("knees", "public", cases=list(_knees(root, table)))


def _knees(root: Path, table: pd.DataFrame) -> Iterator[Case]:
    for row in table.itertuples():
        inputs = Lazy({"xray": Deferred(lambda path=root / row.image: read_input(path, "picture"))})
        yield Case(row.case_id, row.patient_id, inputs=inputs, truth={"kl": Grade(int(row.kl_grade))}, attributes={"side": row.side})


def test_real_knees_divided_by_patient_give_no_error(knees: Cohort) -> None:
    folds, _ = knees.folds(CrossValidation(5), 1)
    seen = leaks(gather(knees, KNEES), folds[:2])
    assert [leak for leak in seen if leak.severity == ERROR] == []
    assert sum(len(leak.pairs) for leak in seen) <= 3


def test_real_knees_divided_by_film_give_the_patients_away(knees: Cohort) -> None:
    patients = knees.column("patient")
    repeated = [i for i, p in enumerate(patients) if (patients == p).sum() > 1]
    test = np.array(repeated[::2])
    fold = Fold("1", ((np.setdiff1d(np.arange(len(knees)), test), np.arange(0)),), test)
    assert "left and right of one patient" in {leak.kind for leak in leaks(gather(knees, KNEES, pictures=False), (fold,)) if leak.severity == ERROR}


def test_real_knees_with_planted_copies_and_marks(knees: Cohort) -> None:
    (fold, *_), _ = knees.folds(CrossValidation(5), 1)
    cases = [knees.cases[i] for i in range(len(knees))]
    for k in range(4):
        cases[fold.test[k]] = cases[fold.test[k]].with_inputs(xray=cases[fold.fits[0][0][k]].inputs["xray"])
    marked = [_mark(case) for case in cases]
    assert "same pixels" in {leak.kind for leak in leaks(gather(replace(knees, cases=cases), KNEES), (fold,)) if leak.severity == ERROR}
    assert "label told by the margin of the picture" in {leak.kind for leak in leaks(gather(replace(knees, cases=marked), KNEES), (fold,)) if leak.severity == ERROR}


def _mark(case: Case) -> Case:
    array = np.array(case.inputs["xray"].array)
    array[4:16, 4:7] = 255 if case.truth["kl"].step >= 2 else array[4:16, 4:7]
    return case.with_inputs(xray=Picture(array, case.inputs["xray"].grid))


def test_real_stays_give_no_error(shared_data: Callable[[str], Path]) -> None:
    declared = study("etzel_2022")
    cohort = declared.datasets["sparcs_lumbar"](shared_data("sparcs_msk_los")).conform(declared.inputs, declared.targets)
    folds, _ = cohort.folds(declared.design, 0)
    assert [leak for leak in leaks(gather(cohort, declared), folds) if leak.severity == ERROR] == []


def test_what_can_not_be_looked_for_is_not_said_to_have_been() -> None:
    cohort, _ = clean(24)
    whole, blind = (checked(gather(cohort, LEAKY, pictures=p)) for p in (True, False))
    assert set(whole) - set(blind) == {"same pixels", "near-duplicate picture", "label told by the margin of the picture", "label told by the grey levels of the picture"}
    bare = replace(cohort, cases=[replace(c, attributes={}) for c in cohort.cases])
    assert set(blind) - set(checked(gather(bare, LEAKY, pictures=False))) == {"same study", "order of dates"}


# --- the detection curve -----------------------------------------------------------------------------------------------------

HEAD = """# What the leakage detector finds

Made by `tests/test_validation_leakage.py` (`make verify`). Each leak is planted by a generator that knows nothing of the detector, at three strengths:
one, five and thirty test cases touched, or, where a whole column or all pictures are touched, rounding to 2 and 4 digits and none, association of 75, 88 and 98 %,
marks on 50, 75 and 100 % of the positive pictures; a copied picture is turned and cropped (faint), scaled and dimmed (plain), or saved again as JPEG (obvious).
*error*: can not happen by chance. *warning*: shown with its pictures or cases, for a person to judge. *–*: not found.
"""


def _seen(kind: str, seen: tuple[Leak, ...]) -> str:
    return next((leak.severity for leak in seen if leak.kind == kind), "–")


def _of_knees(knees: Cohort, fold: Fold, kind: str, strength: str) -> str:
    """A leak planted among real films."""
    many, share = {"faint": (1, 0.5), "plain": (5, 0.75), "obvious": (30, 1.0)}[strength]
    cases, rng = [knees.cases[i] for i in range(len(knees))], np.random.default_rng(2)
    learnt = fold.fits[0][0]
    for k in range(many if kind != "near-duplicate picture" else 5):
        case, source = cases[fold.test[k]], cases[learnt[k]]
        if kind == "same patient":
            cases[fold.test[k]] = replace(case, patient=source.patient, attributes=source.attributes)
        elif kind in OF_PICTURES[:2]:
            array = np.asarray(source.inputs["xray"].array)
            array = COPIES[strength](array) if kind != "same pixels" else array
            cases[fold.test[k]] = case.with_inputs(xray=Picture(array, Grid(array.shape)))
    if kind == "label told by the margin of the picture":
        cases = [_mark(case) if rng.random() < share else case for case in cases]
    return _seen(kind, leaks(gather(replace(knees, cases=cases), KNEES), (fold,)))


@pytest.mark.verify
def test_the_detection_curve_is_written(knees: Cohort, shared_data: Callable[[str], Path]) -> None:
    """Rows of docs/leakage.md: every kind on simulated cases, four kinds on real knee films, and the clean twins."""
    (fold, *_), _ = knees.folds(CrossValidation(4), 1)
    rows = [f"| {kind} | simulated | {' | '.join(_seen(KINDS[kind], found(kind, s)) for s in STRENGTHS)} |" for kind in KINDS]
    rows += [f"| {kind} | {len(knees)} knee films | {' | '.join(_of_knees(knees, fold, kind, s) for s in STRENGTHS)} |" for kind in ("same patient", *OF_PICTURES)]
    cohort, folds = clean()
    twins = {"240 simulated cases": leaks(gather(cohort, LEAKY), folds, temporal=True), f"{len(knees)} knee films": leaks(gather(knees, KNEES), (fold,))}
    told = [f"| {name} | {sum(leak.severity == ERROR for leak in seen)} | {sum(leak.severity == WARNING for leak in seen)} |" for name, seen in twins.items()]
    text = "\n".join([HEAD, "| leak | cases | faint | plain | obvious |", "|---|---|---|---|---|", *rows, "", "Clean twins, nothing planted:", "", "| cases | errors | warnings |", "|---|---|---|", *told, ""])
    (Path(__file__).parent.parent / "docs" / "leakage.md").write_text(text, encoding="utf-8")
    assert all("error" in row.split("|")[-2] or "warning" in row.split("|")[-2] for row in rows)
    assert all(row.split("|")[2].strip() == "0" for row in told)

"""Three readings or more, points and angles, marks of readers, and other seeds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from osteon.errors import DataError
from osteon.run import Run
from osteon.stats.intervals import jeffreys
from osteon.stats.kappa import fleiss_kappa, krippendorff_alpha
from osteon.validation.agreement import agree
from osteon.validation.class_sets import Classed, class_sets, luck
from osteon.validation.marks import compare_marks
from osteon.validation.raters import angles, points, raters
from osteon.validation.repeats import repeats

RNG = np.random.default_rng(5)
TRUE = RNG.integers(0, 4, 60)
GRADES = pd.DataFrame({name: np.clip(TRUE + RNG.integers(-1, 2, 60) * (RNG.random(60) < 0.4), 0, 3) for name in "abc"})


def test_three_readers_of_grades_agree_as_the_formulas_say() -> None:
    found = raters(GRADES, ["a", "b", "c"])
    x = GRADES.to_numpy()
    assert found.kind == "grades"
    assert found.figures["Fleiss kappa"].estimate == pytest.approx(fleiss_kappa(x, classes=4).estimate)
    alpha = found.figures["Krippendorff alpha"]
    assert alpha.estimate == pytest.approx(krippendorff_alpha(x, metric="ordinal"))
    assert alpha.lower < alpha.estimate < alpha.upper
    assert found.tests["Fleiss kappa is 0"].p < 0.001
    assert "3 readings of 60 cases over 4 grades" in found.sentence


def test_an_absent_reading_is_allowed_for_and_a_row_with_one_is_left_out() -> None:
    table = GRADES.astype(float)
    table.loc[0, ["a", "b"]] = np.nan
    table.loc[1, "a"] = np.nan
    found = raters(table, ["a", "b", "c"])
    assert (found.n, found.left_out) == (59, 1)
    assert found.figures["Fleiss kappa"].estimate == pytest.approx(fleiss_kappa(table.iloc[2:].to_numpy(), classes=4).estimate)


def test_names_and_numbers_have_figures_of_their_own() -> None:
    words = GRADES.replace({0: "none", 1: "mild", 2: "severe", 3: "severe"})
    assert set(raters(words, ["a", "b", "c"]).figures) == {"Fleiss kappa", "AC1", "Krippendorff alpha"}
    assert "AC2, quadratic" in raters(words, ["a", "b", "c"], order=["none", "mild", "severe"]).figures
    numbers = pd.DataFrame({name: TRUE * 10 + RNG.normal(0, 1, 60) for name in "abc"})
    assert raters(numbers, ["a", "b", "c"]).figures["ICC(2,1)"].estimate > 0.98


@pytest.mark.parametrize(("columns", "message"), [(["a", "b", "d"], "there is no column 'd'"), (["a", "b", "x"], "rows hold two readings")])
def test_bad_columns_are_named(columns: list[str], message: str) -> None:
    table = GRADES.assign(x=np.nan, a=np.nan) if "x" in columns else GRADES
    with pytest.raises(DataError, match=message):
        raters(table, columns)


def test_points_are_apart_by_their_distance_in_mm() -> None:
    first = RNG.uniform(0, 100, (40, 2))
    table = pd.DataFrame({"x": first[:, 0], "y": first[:, 1], "x2": first[:, 0] + 3, "y2": first[:, 1] + 4})
    found = points(table, ["x", "y"], ["x2", "y2"], spacing=0.5)
    assert found.figures["mean radial error, mm"].estimate == pytest.approx(2.5)
    assert (found.figures["within 2 mm"].estimate, found.figures["within 3 mm"].estimate) == (0.0, 1.0)
    with pytest.raises(DataError, match="there is no column 'z'"):
        points(table, ["x", "z"], ["x2", "y2"])


def test_angles_next_to_each_other_stay_so_across_the_whole_turn() -> None:
    turned = angles(pd.DataFrame({"a": [359.0, 10.0, 181.0], "b": [1.0, 350.0, 179.0]}), "a", "b")
    assert (turned["a"] - turned["b"]).tolist() == pytest.approx([-2.0, 20.0, 2.0])
    axis = angles(pd.DataFrame({"a": [179.0, 3.0, 90.0], "b": [1.0, 178.0, 88.0]}), "a", "b", period=180.0)
    assert (axis["a"] - axis["b"]).tolist() == pytest.approx([-2.0, 5.0, 2.0])


def test_the_interval_of_equal_readings_can_be_chosen() -> None:
    found = agree(GRADES, "a", "b", interval="Jeffreys")
    equal = int((GRADES["a"] == GRADES["b"]).sum())
    assert found.figures["agreement"] == jeffreys(equal, 60)
    with pytest.raises(DataError, match="there is no interval 'Wald'"):
        agree(GRADES, "a", "b", interval="Wald")


def test_numbers_also_get_mean_and_root_mean_square_error() -> None:
    one, two = RNG.normal(0, 1, 30), RNG.normal(0, 1, 30)
    found = agree(pd.DataFrame({"a": one, "b": two}), "a", "b")
    assert found.figures["mae"].estimate == pytest.approx(np.abs(one - two).mean())
    assert found.figures["rmse"].estimate == pytest.approx(np.sqrt(((one - two) ** 2).mean()))


def test_the_verb_takes_further_readings_points_and_angles(cli: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    GRADES.to_csv(tmp_path / "g.csv", index=False)
    code, out, _ = cli("agree", tmp_path / "g.csv", "--first", "a", "--second", "b", "--also", "c", "--json")
    assert (code, json.loads(out)["columns"]) == (0, ["a", "b", "c"])
    pd.DataFrame({"x": [1.0, 2, 3], "y": [1.0, 2, 3], "x2": [1.0, 2, 3], "y2": [1.0, 2, 4]}).to_csv(tmp_path / "p.csv", index=False)
    code, out, _ = cli("agree", tmp_path / "p.csv", "--kind", "points", "--first", "x,y", "--second", "x2,y2")
    assert (code, "mean radial error" in out) == (0, True)
    pd.DataFrame({"a": [359.0, 10, 181], "b": [1.0, 350, 179]}).to_csv(tmp_path / "a.csv", index=False)
    code, out, _ = cli("agree", tmp_path / "a.csv", "--first", "a", "--second", "b", "--period", "360", "--kind", "numbers", "--json")
    assert json.loads(out)["figures"]["bias"]["estimate"] == pytest.approx(20 / 3)
    code, _, err = cli("agree", tmp_path / "g.csv", "--first", "a", "--second", "b", "--also", "z")
    assert (code, "there is no column 'z'" in err) == (2, True)


def detector_lines() -> pd.DataFrame:
    """Ten images, five of them with one true box."""
    rows = [{"case": f"c{k}", "unit": "image", "score": 0.5} for k in range(10)]
    return pd.DataFrame(rows + [{"case": f"c{k}", "unit": "lesion", "score": 0.9} for k in range(5)])


def marks() -> pd.DataFrame:
    """Two readers: with aid every lesion is hit surely, without it two are missed and there are false marks."""
    rows = [{"case": f"c{k}", "reader": r, "aided": "yes", "rating": 0.9, "lesion": 1} for r in ("R1", "R2") for k in range(5)]
    rows += [{"case": f"c{k}", "reader": r, "aided": "no", "rating": 0.6 + 0.05 * k, "lesion": 1} for r in ("R1", "R2") for k in range(3)]
    rows += [{"case": f"c{k}", "reader": r, "aided": "no", "rating": 0.7, "lesion": None} for r in ("R1", "R2") for k in (6, 8)]
    return pd.DataFrame([*rows, {"case": "c9", "reader": "R1", "aided": "yes", "rating": 0.2, "lesion": None}])


def test_marks_with_aid_are_worth_more_where_they_find_more() -> None:
    found = compare_marks(detector_lines(), marks(), codes={f"c{k}": f"c{k}" for k in range(10)})
    assert found.figures[0].tolist() == pytest.approx([1.0, 1.0])
    assert (found.figures[1] < 0.7).all()
    assert found.differences[0, 1].estimate == pytest.approx(1 - found.figures[1].mean())


@pytest.mark.parametrize(("change", "message"), [({"lesion": 3}, "c0 has 1 true boxes"), ({"case": "c77"}, "there is no case 'c77'"), ({"aided": "perhaps"}, "neither with nor without aid")])
def test_a_bad_mark_is_named_with_its_row(change: dict[str, object], message: str) -> None:
    table = marks().astype(object)
    for name, value in change.items():
        table.loc[0, name] = value
    with pytest.raises(DataError, match=message) as error:
        compare_marks(detector_lines(), table, codes={f"c{k}": f"c{k}" for k in range(10)}, where="m.csv")
    assert "row 2" in str(error.value)


def test_sets_of_classes_hold_the_true_one_as_often_as_they_say() -> None:
    rng = np.random.default_rng(11)

    def draw(count: int) -> Classed:
        truth = rng.choice(3, count, p=(0.6, 0.3, 0.1))
        odds = 1.2 * np.eye(3)[truth] + rng.normal(0, 1, (count, 3)) + np.log([0.6, 0.3, 0.1])
        p = np.exp(odds)
        return Classed(truth, p / p.sum(1, keepdims=True), np.repeat("1", count))

    tune, test = draw(3000), draw(4000)
    held = {way: kept[np.arange(4000), test.truth] for way, kept in class_sets(tune, test).items()}
    assert all(0.875 < h.mean() < 0.925 for h in held.values())
    rare = {way: h[test.truth == 2].mean() for way, h in held.items()}
    assert 0.85 < rare["a promise for each class"] < 0.95
    assert rare["by probability"] < rare["a promise for each class"] - 0.05


def test_luck_of_a_calibration_narrows_with_its_cases() -> None:
    (a, b), (c, d) = luck(40), luck(4000)
    assert a < 0.85 < 0.9 < b
    assert 0.885 < c < d < 0.912


def test_a_margin_says_what_the_paired_differences_show() -> None:
    from osteon.cli.judge import _margins
    from osteon.stats.intervals import Interval
    from osteon.validation.readings import Compared, Reader

    better, wide = Interval(-0.02, -0.04, 0.03), Interval(0.1, -0.1, 0.3)  # reader less model
    reader = Reader("R1", False, cases=(50, 50), sensitivity=better, specificity=wide, against_model=(better, wide))
    first, second = _margins(Compared((reader,), studies={}), 0.05)
    assert (first["verdict"], first["equivalent"]) == ("non-inferior", "yes")
    assert (second["verdict"], second["equivalent"]) == ("inconclusive", "not shown")
    assert _margins(Compared((reader,), studies={}), None) == []


def finished(folder: Path, *, seed: int, cases: str = "x") -> Run:
    """A run folder with what a comparison of seeds reads."""
    run = Run(folder)
    run.write("run.json", {"format": 1, "finished": "now", "identity": f"{seed}" * 10, "seed": seed, "study": "s", "design": "d", "budget": {"name": "smoke"}, "cohort": {"table": cases}})
    run.write("rows.json", [])
    return run


def test_only_runs_of_the_same_plan_and_cases_are_set_beside_each_other(tmp_path: Path) -> None:
    run = finished(tmp_path / "a", seed=0)
    with pytest.raises(DataError, match="a run of other cases"):
        repeats(run, [finished(tmp_path / "b", seed=1, cases="y")])
    with pytest.raises(DataError, match="seed 0 is there already"):
        repeats(run, [finished(tmp_path / "c", seed=0)])

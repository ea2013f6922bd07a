"""Tables of simulated rows: one door for a dozen rows and for a million, resumed where they stopped."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from osteon.errors import DataError
from osteon.simulate import table_cohort
from osteon.simulate.registry import REGISTRY, registry, registry_file, spine_registry
from osteon.simulate.survival import TABLE as SURVIVAL
from osteon.simulate.survival import survival_file

CALL = {"cases": 130, "seed": 4, "site": "A", "difficulty": 0.5}
SMALL = replace(REGISTRY, block=50)


def test_one_table_whatever_the_file(tmp_path: Path) -> None:
    csv, parquet = (pd.read_csv(registry_file(tmp_path / "a.csv", 130, 4)), pd.read_parquet(registry_file(tmp_path / "a.parquet", 130, 4)))
    memory = registry(130, 4)
    assert csv["case_id"].tolist() == [f"r{i:07d}" for i in range(1, 131)]
    for column in memory:
        assert csv[column].isna().tolist() == parquet[column].isna().tolist() == memory[column].isna().tolist(), column
        assert csv[column].dropna().tolist() == parquet[column].dropna().tolist() == memory[column].dropna().tolist(), column
    with pytest.raises(DataError, match="suffix"):
        registry_file(tmp_path / "a.xlsx", 5, 4)
    assert pd.read_parquet(survival_file(tmp_path / "s.parquet", 40, 1))["fracture.time"].min() > 0


def test_blocks_follow_each_other(tmp_path: Path) -> None:
    made = table_cohort.make(SMALL, tmp_path / "a", CALL)
    rows = pd.read_csv(tmp_path / "a" / "cases.csv")
    assert len(made) == 130 and rows["case_id"].tolist() == [f"r{i:07d}" for i in range(1, 131)]
    assert rows["true_risk"].tolist() == table_cohort.frame(SMALL, CALL)["true_risk"].tolist()
    assert rows["true_risk"].nunique() == 130, "no block repeats another"
    whole = pd.read_parquet(table_cohort.stream(SMALL, tmp_path / "a.parquet", CALL))
    assert whole["true_risk"].tolist() == rows["true_risk"].tolist()
    assert not (tmp_path / "a" / ".rows").exists()


def test_an_interrupted_table_goes_on(tmp_path: Path) -> None:
    table_cohort.make(SMALL, tmp_path / "whole", CALL)
    drawn: list[int] = []

    def stops(call: object, block: int, rows: int) -> table_cohort.Columns:
        drawn.append(block)
        if block == 2 and drawn.count(2) == 1:
            raise KeyboardInterrupt
        return REGISTRY.draw(call, block, rows)  # type: ignore[arg-type]

    halting = replace(SMALL, draw=stops)
    with pytest.raises(KeyboardInterrupt):
        table_cohort.make(halting, tmp_path / "part", CALL)
    assert not (tmp_path / "part" / "cases.csv").exists()
    with pytest.raises(DataError, match="another cohort"):
        table_cohort.make(halting, tmp_path / "part", {**CALL, "seed": 5})
    table_cohort.make(halting, tmp_path / "part", CALL)
    assert drawn == [0, 1, 2, 2], "finished blocks are not drawn again"
    assert (tmp_path / "part" / "cases.csv").read_bytes() == (tmp_path / "whole" / "cases.csv").read_bytes()
    assert (tmp_path / "part" / "cohort.yaml").read_bytes() == (tmp_path / "whole" / "cohort.yaml").read_bytes()


def test_a_folder_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("keep")
    with pytest.raises(DataError, match="other things"):
        spine_registry(tmp_path / "mine", 10, 1)
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["letter.txt"]
    begun = tmp_path / "begun" / ".rows"
    begun.mkdir(parents=True)
    (begun / "call.json").write_text(json.dumps({**CALL, "site": "B"}))
    with pytest.raises(DataError, match="another cohort"):
        spine_registry(tmp_path / "begun", 130, 4)


@pytest.mark.parametrize("wrong", [{"cases": 0}, {"seed": -2}, {"site": "C"}, {"difficulty": 1.5}])
@pytest.mark.parametrize("table", [REGISTRY, SURVIVAL])
def test_an_impossible_call_writes_nothing(table: table_cohort.Table, wrong: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(DataError):
        table_cohort.make(table, tmp_path / "x", {**CALL, "dependence": 0.0, **wrong})
    with pytest.raises(DataError):
        table_cohort.stream(table, tmp_path / "x.csv", {**CALL, "dependence": 0.0, **wrong})
    assert not list(tmp_path.iterdir())


def test_the_shortcut_of_the_registry_is_in_what_is_missing() -> None:
    plain, betrayed = registry(3000, 2), registry(3000, 2, confounded=True)
    gone, long = betrayed["albumin"].isna(), betrayed["stay"] == "long"
    assert gone[long].mean() < 0.1 < 0.6 < gone[~long].mean() and not plain["albumin"].isna().any()
    assert plain.drop(columns="albumin").equals(betrayed.drop(columns="albumin"))


def test_ids_do_not_meet_beyond_seven_digits() -> None:
    assert table_cohort.ids("r", 9_999_998, 4).tolist() == [b"r09999998", b"r09999999", b"r10000000", b"r10000001"]
    assert table_cohort.ids("s", 1, 2).tolist() == [b"s0000001", b"s0000002"]

"""Fits on a Ray cluster: the same results as here, and clear words where there is no cluster."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pytest

from osteon import engine
from osteon.budget import SMOKE
from osteon.engine.spread import cluster, spread, threads
from osteon.errors import DataError, RunError


def added(shared: int, one: int) -> int:
    return shared + one


def test_what_is_no_cluster_is_refused_before_anything_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="ray, or ray://host:port"):
        list(spread(added, 1, {"a": (1,)}, on="dask"))
    with pytest.raises(DataError, match="ray, or ray://host:port"):
        engine.run("etzel_2022", budget=SMOKE, out=tmp_path / "run", on="dask")
    assert not any(tmp_path.iterdir())
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(RunError, match="Ray is not installed"), cluster("ray"):
        pass
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert threads() == 3


def test_an_unknown_cluster_ends_a_run_with_a_sentence(cli: object, tmp_path: Path) -> None:
    code, _, err = cli("run", "etzel_2022", "--budget", "smoke", "--on", "slurm", "--out", tmp_path / "run")  # type: ignore[operator]
    assert code == 2
    assert "'slurm' is not understood" in err


@pytest.mark.verify
def test_fits_made_on_a_cluster_are_those_made_here(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="the extra 'ray' is not installed")

    def here_only(shared: int, one: int) -> int:  # a function of a test module can not be imported by a worker: this one travels whole
        if one == 3:
            raise DataError("three")
        return shared + one

    found = dict(spread(here_only, 1, {"two": (2,), "three": (3,)}, on="ray"))
    assert found["two"] == 3
    assert isinstance(found["three"], DataError)
    cohort = engine.simulate("etzel_2022", tmp_path / "cohort", cases=300, seed=1)
    here, there = (engine.run("etzel_2022", cohort, budget=SMOKE, out=tmp_path / name, on=on) for name, on in (("here", ""), ("there", "ray")))
    lines = [{p.relative_to(run.folder): pd.read_csv(p) for p in sorted((run.folder / "lines").rglob("*.csv"))} for run in (here, there)]
    assert lines[0].keys() == lines[1].keys()
    assert len(lines[0]) >= 6
    for path, table in lines[0].items():
        pd.testing.assert_frame_equal(table, lines[1][path], check_exact=True, obj=str(path))

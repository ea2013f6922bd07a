"""The benchmark's stages are programs in strings: what they import must be there."""

from __future__ import annotations

import ast
import json
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def imported(code: str) -> list[tuple[str, str]]:
    """Module and name of everything that a program takes from osteon."""
    found = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.ImportFrom) and str(node.module).startswith("osteon")]
    return [(str(node.module), alias.name) for node in found for alias in node.names]


def test_every_stage_of_the_benchmark_finds_what_it_imports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))
    stages = import_module("benchmarks.__main__").stages(tmp_path, "smoke", tmp_path)
    assert len(stages) == 9
    studies, stage = import_module("benchmarks.studies"), import_module("benchmarks.stages").Stage
    stages.append(stage("every study", studies.CODE.format(home="x", name="etzel_2022", budget="smoke", outside=9)))
    for stage in stages:
        names = imported(stage.code)
        assert names, stage.name
        for module, name in names:
            assert hasattr(import_module(module), name) or find_spec(f"{module}.{name}"), f"{stage.name}: {module}.{name}"


def test_the_table_of_studies_prints_what_it_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))
    studies = import_module("benchmarks.studies")

    def row(model: str, auc: tuple[float, float, float], n: int) -> dict[str, object]:
        metrics = {"auc": dict(zip(("estimate", "lower", "upper"), auc, strict=True)), "ceiling_auc": {"estimate": 0.72, "lower": 0.72, "upper": 0.72}}
        return {"source": {"model": model}, "metrics": metrics, "counts": {"n": n}}

    found = {"cases": 400, "inside": [row("logistic regression", (0.7, 0.6, 0.8), 60), row("decision tree", (0.55, 0.4, 0.7), 60)], "outside": [row("logistic regression", (0.65, 0.6, 0.7), 200)]}
    (tmp_path / "rows.json").write_text(json.dumps(found), encoding="utf-8")
    first, second = studies.lines("etzel_2022", tmp_path)
    assert first == "| `etzel_2022` | logistic regression | auc | 60 | 0.5 | 0.700 (0.600 to 0.800) | 0.720 | 0.650 (0.600 to 0.700) | 200 |"
    assert second.endswith("| 60 | 0.5 | 0.550 (0.400 to 0.700) | 0.720 | – | – |")
    page = studies.page([("etzel_2022", tmp_path)], {"etzel_2022": {"wall": 61.6, "cpu": 16.0, "memory": 997.0}}, "smoke")
    assert "software verification" in page
    assert "| `etzel_2022` | 400 | 2 | 62 | 16 | 997 |" in page

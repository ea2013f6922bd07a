"""The benchmark's stages are programs in strings: what they import must be there."""

from __future__ import annotations

import ast
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
    for stage in stages:
        names = imported(stage.code)
        assert names, stage.name
        for module, name in names:
            assert hasattr(import_module(module), name) or find_spec(f"{module}.{name}"), f"{stage.name}: {module}.{name}"

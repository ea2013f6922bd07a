"""Every public function of the statistics serves someone: from a report section or a verb, directly or through another function that does."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent / "src" / "osteon"
STATS = SOURCE / "stats"
Name = tuple[str, str]  # module of stats, function


@cache
def trees() -> dict[str, ast.Module]:
    """Each module of stats by its name."""
    return {path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in STATS.glob("*.py")}


def names(node: ast.AST) -> set[str]:
    """Every name and attribute that occurs in a piece of code."""
    return {getattr(n, "id", None) or getattr(n, "attr", "") for n in ast.walk(node) if isinstance(n, (ast.Name, ast.Attribute))}


def definitions() -> dict[Name, ast.AST]:
    """Every function, class and constant at the top of a module of stats."""
    out: dict[Name, ast.AST] = {}
    for module, tree in trees().items():
        for node in tree.body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                out[module, node.name] = node
            elif isinstance(node, (ast.Assign, ast.AnnAssign)):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                out |= {(module, t.id): node for t in targets if isinstance(t, ast.Name)}
    return out


def imports(tree: ast.AST) -> tuple[dict[str, Name], dict[str, str]]:
    """What a file takes from stats: functions by the name they have in it, and modules."""
    functions, modules = {}, {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("osteon.stats"):
            parts = (node.module or "").split(".")
            for alias in node.names:
                if len(parts) == 3:
                    functions[alias.asname or alias.name] = (parts[2], alias.name)
                else:
                    modules[alias.asname or alias.name] = alias.name
    return functions, modules


def asked() -> set[Name]:
    """What the rest of the package takes from stats by name; an import that is not used is no use."""
    out: set[Name] = set()
    for path in SOURCE.rglob("*.py"):
        if path.parent == STATS:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        functions, modules = imports(tree)
        used = names(tree)
        out |= {found for name, found in functions.items() if name in used}
        out |= {(modules[n.value.id], n.attr) for n in ast.walk(tree) if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name) and n.value.id in modules}
    return out


def served(start: set[Name]) -> set[Name]:
    """All that is reached from there, through functions of stats."""
    known, todo, every = set(start), list(start), definitions()
    while todo:
        found = todo.pop()
        if found in every:
            module = found[0]
            functions, _ = imports(trees()[module])
            near = {name: (module, name) for m, name in every if m == module} | functions
            new = {near[n] for n in names(every[found]) if n in near} - known
            known |= new
            todo += new
    return known


def public() -> Iterator[Name]:
    """Every public function of stats."""
    for module, tree in trees().items():
        yield from ((module, node.name) for node in tree.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"))


def test_every_public_function_of_stats_serves_a_report_or_a_verb() -> None:
    known = served(asked())
    assert sorted(".".join(n) for n in public() if n not in known) == []


def test_the_walk_sees_what_is_not_served() -> None:
    """Without the callers outside, nothing is reached; and the walk follows calls within stats."""
    assert served(set()) == set()
    assert ("intervals", "wilson") in served({("two_by_two", "two_by_two")}) or ("intervals", "proportion") in served({("two_by_two", "two_by_two")})
    assert ("survival", "log_rank") not in served({("two_by_two", "two_by_two")})
    assert len(list(public())) > 250


def test_reports_and_verbs_lie_at_the_end_of_every_path() -> None:
    """Rooms that call stats are themselves imported by a report, an engine or a verb: no chain ends in a drawer."""
    rooms = {path.relative_to(SOURCE).parts[0] for path in SOURCE.rglob("*.py") if path.parent != STATS and any(imports(ast.parse(path.read_text(encoding="utf-8"))))}
    assert {"report", "cli", "validation", "targets"} <= rooms
    text = "\n".join(p.read_text(encoding="utf-8") for room in ("report", "cli", "engine") for p in (SOURCE / room).rglob("*.py"))
    drawers = [p.stem for p in (SOURCE / "validation").glob("*.py") if p.stem != "__init__" and f"validation.{p.stem}" not in text and f"import {p.stem}" not in text and f"validation import {p.stem}" not in text]
    inside = "\n".join(p.read_text(encoding="utf-8") for p in (SOURCE / "validation").rglob("*.py"))
    assert [d for d in drawers if f"validation.{d}" not in inside] == []

"""What may import what, what may be loaded at the start, and what may not stand in any file."""

from __future__ import annotations

import ast
import importlib.metadata
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "osteon"

# From left to right; a room imports from itself and from rooms to its left.
ROOMS = """
    errors seeds progress value budget case design row | stats geometry | targets readers | cohort | networks | models |
    simulate datasets | study run | validation | studies | engine | report | evidence | education deploy | cli
""".replace("|", " ").split()
SURFACE = {"__init__", "__main__"}

HEAVY = ("torch", "torchvision", "timm", "monai", "lightning_fabric", "sklearn", "lightgbm", "skops", "matplotlib", "numba", "SimpleITK",
         "highdicom", "skimage", "trimesh")

# What belongs to one machine or one registry and means nothing to a reader elsewhere; written so that no pattern matches itself.
FOREIGN = {
    "an address of a package registry": r"(?:pypi|npmjs|crates|anaconda)[.](?:org|io|com)\b|python[h]osted[.]|download[.]pytorch[.]|"
                                        r"deb[.]debian[.]|--(?:extra-)?index-url[ =]\S|--find-links[ =]\S",
    "a path of one machine": r"(?<![\w./~-])/(?:root|work|home|Users|opt)/\w",
    "a document that is not here": r"\bshared/(?:notes|catalog|prototypes|seed|hooks)\b|\b(?:DESIGN|brief)[.]md\b",
}


@cache
def sources() -> dict[Path, ast.Module]:
    """Each source file and its syntax tree."""
    return {path: ast.parse(path.read_text(encoding="utf-8"), str(path)) for path in sorted(SOURCE.rglob("*.py"))}


@cache
def tracked() -> tuple[Path, ...]:
    """The text files that git tracks or would track; every file but hidden ones where git is absent."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
        files = [ROOT / name for name in listed if name]
    except (OSError, subprocess.CalledProcessError):
        files = [p for p in ROOT.rglob("*") if not any(part.startswith(".") for part in p.relative_to(ROOT).parts)]
    return tuple(p for p in files if p.is_file() and b"\0" not in p.read_bytes()[:8000])


def room_of(path: Path) -> str:
    """`stats` of src/osteon/stats/roc.py, `errors` of src/osteon/errors.py."""
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports(tree: ast.AST, package: tuple[str, ...] = ()) -> Iterator[tuple[int, str]]:
    """Line and full dotted name of every module, or name in a module, that is imported anywhere in a tree."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            stem = ".".join([*above, *filter(None, [node.module])])
            yield from ((node.lineno, f"{stem}.{alias.name}") for alias in node.names)


def at_the_top(tree: ast.Module) -> Iterator[ast.stmt]:
    """Statements that run when the module is imported, blocks for type checkers left out."""
    pending: list[ast.stmt] = list(tree.body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            pending += node.orelse
        elif isinstance(node, (ast.If, ast.Try, ast.With, ast.ClassDef)):
            pending += [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
        else:
            yield node


def tell(rule: str, faults: list[str]) -> None:
    """Fail with the rule and every place that breaks it."""
    assert not faults, f"{rule}\n  " + "\n  ".join(faults)


def test_every_room_is_known() -> None:
    unknown = sorted({room_of(path) for path in sources()} - set(ROOMS) - SURFACE)
    tell("a room without a place in the order of rooms (ROOMS in this file)", unknown)


def test_imports_only_point_to_the_left() -> None:
    place = {room: i for i, room in enumerate(ROOMS)}
    faults = []
    for path, tree in sources().items():
        room = room_of(path)
        package = ("osteon", *path.relative_to(SOURCE).with_suffix("").parts[:-1])
        for line, name in imports(tree, package):
            parts = name.split(".")
            if room in SURFACE or parts[0] != "osteon":
                continue
            target = parts[1] if len(parts) > 1 else ""
            if target not in place or place[target] > place.get(room, -1):
                faults.append(f"{path.relative_to(ROOT)}:{line} {room} -> {target or name}")
    tell("imports only point to the left", faults)


def test_light_rooms_load_no_heavy_library_at_the_top() -> None:
    # networks and the training files of models are loaded by `fit` and `predict` alone: the fresh starts below prove it
    allowed = {"networks": HEAVY, "models": HEAVY, "stats": ("numba",), "simulate": ("numba",)}
    faults = [f"{path.relative_to(ROOT)}:{line} {name}"
              for path, tree in sources().items() for node in at_the_top(tree) if isinstance(node, (ast.Import, ast.ImportFrom))
              for line, name in imports(node)
              if name.split(".")[0] in HEAVY and name.split(".")[0] not in allowed.get(room_of(path), ())]
    tell("a heavy library is imported inside the function that needs it", faults)


def loaded_by(statement: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after a statement."""
    code = f"{statement}\nimport sys\nprint('\\n'.join(sorted({{name.split('.')[0] for name in sys.modules}})))"
    environment = {**os.environ, "PYTHONPATH": str(SOURCE.parent)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=ROOT)
    assert done.returncode == 0, f"`{statement}` failed:\n{done.stderr}"
    return set(done.stdout.split())


@pytest.mark.parametrize("statement", ["import osteon", "import osteon.cli", "import osteon.models", "import osteon.studies"])
def test_a_fresh_start_loads_no_learning_library(statement: str) -> None:
    heavy = loaded_by(statement) & set(HEAVY)
    assert not heavy, f"`{statement}` loads {', '.join(sorted(heavy))}"


def test_every_study_can_be_imported_without_a_learning_library() -> None:
    names = [p.stem for p in sorted((SOURCE / "studies").glob("*.py")) if not p.stem.startswith("_")]
    assert names, "no study under src/osteon/studies"
    heavy = loaded_by("\n".join(f"import osteon.studies.{name}" for name in names)) & set(HEAVY)
    assert not heavy, f"the studies load {', '.join(sorted(heavy))}"


@pytest.mark.parametrize("what", FOREIGN)
def test_no_file_holds(what: str) -> None:
    pattern = re.compile(FOREIGN[what])
    faults = [f"{path.relative_to(ROOT)}:{number} {found[0]}"
              for path in tracked() for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
              if (found := pattern.search(line))]
    tell(f"no file holds {what}", faults)


def licence(name: str) -> str:
    """What a distribution says of its licence: expression, classifiers, first words of the free text."""
    data = importlib.metadata.metadata(name)
    classifiers = [c for c in data.get_all("Classifier") or [] if c.startswith("License")]
    return "; ".join([data.get("License-Expression") or "", *classifiers, (data.get("License") or "")[:80]])


def test_no_dependency_is_gpl_or_agpl() -> None:
    pinned = re.findall(r"^([\w.-]+)==", (ROOT / "constraints.txt").read_text(encoding="utf-8"), flags=re.MULTILINE)
    here = {re.sub(r"[-_.]+", "-", d.name).lower() for d in importlib.metadata.distributions()}
    known = {name: licence(name) for name in pinned if name in here}
    assert len(known) > len(pinned) / 2, "fewer than half of the pinned distributions are installed: install constraints.txt"
    copyleft = re.compile(r"\bA?GPL|Affero|(?<!Lesser )(?<!Library )General Public License", re.IGNORECASE)
    tell("no dependency is under the GPL or AGPL", [f"{name}: {text}" for name, text in known.items() if copyleft.search(text)])


def test_every_pin_has_a_hash_and_none_an_address() -> None:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    tell("every line of constraints.txt is a pinned version with hashes",
         [line[:80] for line in lines if not re.match(r"[\w.-]+==\S+( ;[^#]*?)? +--hash=sha256:", line)])
    assert "://" not in text, "constraints.txt names an address"

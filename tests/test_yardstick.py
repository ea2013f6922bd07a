"""The yardstick of the source: how long, how typed, how documented and how simple every file may be."""

from __future__ import annotations

import ast
import builtins
import statistics
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "osteon"
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager"}
NOUNS = {"Case", "Cohort", "Study", "Run", "EvidenceRow", "Source", "Question"}
MANY_PARAMETERS = {"Study", "Source"}  # their fields are the columns of a published table
MUTABLE_CALLS = {"list", "dict", "set", "defaultdict", "OrderedDict", "Counter", "deque", "bytearray"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def trees() -> dict[Path, ast.Module]:
    """Each source file and its syntax tree."""
    return {path: ast.parse(path.read_text(encoding="utf-8"), str(path)) for path in sorted(SOURCE.rglob("*.py"))}


def where(path: Path, node: ast.AST) -> str:
    """`file:line` as an editor understands it."""
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"


def nodes(*kinds: type[ast.AST]) -> Iterator[tuple[Path, ast.AST]]:
    """Every node of the given kinds, with its file."""
    for path, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, kinds):
                yield path, node


def functions() -> list[tuple[Path, Function]]:
    """Every function and method, nested ones too."""
    return [(path, node) for path, node in nodes(ast.FunctionDef, ast.AsyncFunctionDef)]  # type: ignore[misc]


def length(node: ast.AST) -> int:
    """Lines from `def` to the last line, docstring included."""
    return node.end_lineno - node.lineno + 1  # type: ignore[attr-defined]


def names_of(node: ast.AST) -> list[str]:
    """The last name of each decorator or base: `dataclass` of `@dataclasses.dataclass(frozen=True)`."""
    listed = [*getattr(node, "decorator_list", []), *getattr(node, "bases", [])]
    return [last_name(item) for item in listed]


def last_name(node: ast.AST) -> str:
    """The last name of a dotted, called or subscripted expression."""
    while isinstance(node, (ast.Call, ast.Subscript)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def dataclasses() -> Iterator[tuple[Path, ast.ClassDef, dict[str, ast.expr], list[ast.AnnAssign]]]:
    """Each dataclass: file, node, arguments of the decorator, fields of the constructor in order."""
    for path, node in nodes(ast.ClassDef):
        for decorator in node.decorator_list:  # type: ignore[attr-defined]
            if last_name(decorator) == "dataclass":
                options = {k.arg or "": k.value for k in getattr(decorator, "keywords", [])}
                yield path, node, options, [f for f in node.body if is_field(f)]  # type: ignore[attr-defined, misc]


def is_field(node: ast.stmt) -> bool:
    """An annotated name that the constructor takes."""
    if not isinstance(node, ast.AnnAssign) or last_name(node.annotation) == "ClassVar":
        return False
    return option(node.value, "init") is not False and last_name(node.annotation) != "KW_ONLY"


def option(call: ast.expr | None, name: str) -> object:
    """The constant given for a keyword of a call, or None."""
    for keyword in call.keywords if isinstance(call, ast.Call) else []:
        if keyword.arg == name and isinstance(keyword.value, ast.Constant):
            return keyword.value.value
    return None


@cache
def our_classes() -> dict[str, list[str]]:
    """Each class of ours by name, with the names of its bases."""
    return {node.name: [last_name(b) for b in node.bases] for _, node in nodes(ast.ClassDef)}  # type: ignore[attr-defined]


def is_exception_or_module(name: str) -> bool:
    """Whether a class is an exception or a network, by its chain of bases."""
    known = getattr(builtins, name, None)
    if name == "Module" or (isinstance(known, type) and issubclass(known, BaseException)):
        return True
    return any(is_exception_or_module(base) for base in our_classes().get(name, []) if base != name)


def tell(rule: str, faults: list[str]) -> None:
    """Fail with the rule and every place that breaks it."""
    assert not faults, f"{rule}\n  " + "\n  ".join(faults)


def test_there_is_source_to_measure() -> None:
    assert len(trees()) > 1, f"no source files under {SOURCE}"


def test_median_function_has_at_most_12_lines() -> None:
    median = statistics.median(length(node) for _, node in functions())
    assert median <= 12, f"the median function has {median:g} lines (at most 12)"


def test_95th_percentile_of_functions_has_at_most_45_lines() -> None:
    sizes = sorted(((length(node), f"{where(path, node)} {node.name}") for path, node in functions()), reverse=True)
    percentile = statistics.quantiles([size for size, _ in sizes], n=20)[-1]
    longest = "\n  ".join(f"{size} lines: {place}" for size, place in sizes[:20])
    assert percentile <= 45, f"the 95th percentile is {percentile:g} lines (at most 45); the longest:\n  {longest}"


def test_no_function_over_100_lines() -> None:
    tell("a function has at most 100 lines, docstring included",
         [f"{where(p, n)} {n.name}: {length(n)} lines" for p, n in functions() if length(n) > 100])


def test_no_file_over_500_lines() -> None:
    sizes = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in trees()}
    tell("a file has at most 500 lines", [f"{p.relative_to(ROOT)}: {n} lines" for p, n in sizes.items() if n > 500])


def test_every_function_is_typed() -> None:
    faults = []
    for path, node in functions():
        given = node.args
        named = [*given.posonlyargs, *given.args, *given.kwonlyargs, *filter(None, (given.vararg, given.kwarg))]
        bare = [a.arg for i, a in enumerate(named) if a.annotation is None and not (i == 0 and a.arg in ("self", "cls"))]
        bare += ["the return"] if node.returns is None else []
        faults += [f"{where(path, node)} {node.name}: no type for {', '.join(bare)}"] if bare else []
    tell("every argument and every return has a type", faults)


def undocumented(path: Path, parent: ast.Module | ast.ClassDef) -> Iterator[str]:
    """Places of public definitions without a docstring; a Protocol states its contract in its own docstring."""
    for node in parent.body:
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) or node.name.startswith("_"):
            continue
        if ast.get_docstring(node) is None and not set(names_of(node)) & {"overload", "setter"}:
            yield f"{where(path, node)} {node.name}"
        if isinstance(node, ast.ClassDef) and "Protocol" not in names_of(node):
            yield from undocumented(path, node)


def test_everything_public_has_a_docstring() -> None:
    faults = [f"{p.relative_to(ROOT)}:1 the module" for p, tree in trees().items() if tree.body and not ast.get_docstring(tree)]
    faults += [place for path, tree in trees().items() for place in undocumented(path, tree)]
    tell("everything public has a docstring", faults)


def test_annotations_are_postponed() -> None:
    faults = []
    for path, tree in trees().items():
        code = [n for n in tree.body if not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))]
        first = code[0] if code else None
        if code and not (isinstance(first, ast.ImportFrom) and first.module == "__future__"):
            faults.append(f"{path.relative_to(ROOT)}:1")
    tell("a module that holds code begins with `from __future__ import annotations`", faults)


def test_no_file_with_an_empty_name() -> None:
    faults = [str(p.relative_to(ROOT)) for p in trees() if {p.stem, p.parent.name} & FORBIDDEN_NAMES]
    tell(f"no file or folder is named {', '.join(sorted(FORBIDDEN_NAMES))}", faults)


def test_no_class_of_ours_inherits_from_a_class_of_ours() -> None:
    faults = [f"{where(path, node)} {node.name}({base})"  # type: ignore[attr-defined]
              for path, node in nodes(ast.ClassDef) for base in map(last_name, node.bases)  # type: ignore[attr-defined]
              if base in our_classes() and not is_exception_or_module(base)]
    tell("no class of ours inherits from a class of ours (exceptions and nn.Module apart)", faults)


def test_studies_hold_no_loop_and_no_torch() -> None:
    faults = []
    for path, node in nodes(ast.For, ast.While, ast.AsyncFor, ast.Import, ast.ImportFrom):
        if path.parent != SOURCE / "studies" or path.name == "__init__.py":
            continue
        imported = [getattr(node, "module", None) or "", *(a.name for a in getattr(node, "names", []))]
        if not isinstance(node, (ast.Import, ast.ImportFrom)):
            faults.append(f"{where(path, node)}: a {type(node).__name__.lower()} statement")
        elif any(name.split(".")[0] == "torch" for name in imported):
            faults.append(f"{where(path, node)}: imports torch")
    tell("a study declares: no for or while statement, no torch", faults)


def test_no_constructor_over_8_parameters() -> None:
    faults = [f"{where(path, node)} {node.name}: {len(fields)} fields"
              for path, node, _, fields in dataclasses() if len(fields) > 8 and node.name not in MANY_PARAMETERS]
    for path, node in nodes(ast.ClassDef):
        for method in node.body:  # type: ignore[attr-defined]
            if isinstance(method, ast.FunctionDef) and method.name == "__init__":
                count = len(method.args.posonlyargs + method.args.args + method.args.kwonlyargs) - 1
                faults += [f"{where(path, method)} {node.name}: {count} parameters"] if count > 8 else []  # type: ignore[attr-defined]
    tell("a constructor has at most 8 parameters (Study and Source apart)", faults)


def test_dataclasses_are_frozen() -> None:
    faults = [f"{where(path, node)} {node.name}" for path, node, options, _ in dataclasses()
              if getattr(options.get("frozen"), "value", False) is not True]
    tell("every dataclass is frozen", faults)


def test_nouns_are_keyword_only_after_the_second_field() -> None:
    faults = []
    for path, node, options, fields in dataclasses():
        if node.name not in NOUNS:
            continue
        marks = [n.lineno for n in node.body if isinstance(n, ast.AnnAssign) and last_name(n.annotation) == "KW_ONLY"]
        whole = getattr(options.get("kw_only"), "value", False) is True
        positional = [f for f in fields if not whole and option(f.value, "kw_only") is not True
                      and not (marks and f.lineno > marks[0])]
        faults += [f"{where(path, node)} {node.name}: {len(positional)} positional fields"] if len(positional) > 2 else []
    tell("the fields of a noun are keyword-only after the first two (a line `_: KW_ONLY`)", faults)


def test_no_mutable_defaults() -> None:
    faults = []
    for path, node in functions():
        for default in [*node.args.defaults, *filter(None, node.args.kw_defaults)]:
            called = isinstance(default, ast.Call) and last_name(default) in MUTABLE_CALLS
            if called or isinstance(default, (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)):
                faults.append(f"{where(path, default)} {node.name}")
    tell("no default is a mutable object", faults)


def test_no_global_state() -> None:
    tell("no `global` statement", [where(path, node) for path, node in nodes(ast.Global)])


def is_class_name(node: ast.AST | None) -> bool:
    """A string constant that spells the name of a class of ours."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in our_classes()


def strings_of_a_study(tree: ast.Module) -> Iterator[ast.AST]:
    """Class names spelt in a declaration; the first argument of Net names a network, a docstring names nothing."""
    apart = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    apart |= {id(a) for n in ast.walk(tree) if isinstance(n, ast.Call) and last_name(n) == "Net" for a in n.args[:1]}
    yield from (node for node in ast.walk(tree) if is_class_name(node) and id(node) not in apart)


def classes_looked_up_by_name(tree: ast.Module) -> Iterator[ast.AST]:
    """`{"Label": Label}`, `getattr(module, "Label")`, `type(value).__name__ == "Label"`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            yield from (k for k, v in zip(node.keys, node.values, strict=True) if is_class_name(k) and last_name(v) == k.value)  # type: ignore[union-attr]
        elif isinstance(node, ast.Call) and last_name(node) == "getattr":
            yield from filter(is_class_name, node.args[1:2])
        elif isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            if any(isinstance(side, ast.Attribute) and side.attr == "__name__" for side in sides):
                yield from (inner for side in sides for inner in ast.walk(side) if is_class_name(inner))


def test_no_string_names_a_class() -> None:
    faults = []
    for path, tree in trees().items():
        named = strings_of_a_study(tree) if path.parent == SOURCE / "studies" else classes_looked_up_by_name(tree)
        faults += [f"{where(path, node)} {node.value!r}" for node in named]  # type: ignore[attr-defined]
    tell("no string stands for a class of ours: pass the class (a network's name in Net apart)", faults)

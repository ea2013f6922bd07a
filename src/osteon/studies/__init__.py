"""The studies, one file each; the folder is the registry."""

from __future__ import annotations

import inspect
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from pkgutil import iter_modules
from traceback import extract_tb

from osteon.errors import OsteonError, StudyError, message, near
from osteon.run import Run
from osteon.study import Study


def names() -> tuple[str, ...]:
    """The name of every study: its file name."""
    return tuple(sorted(m.name for m in iter_modules(__path__)))


def study(name: str | Path) -> Study:
    """The study of a name, or of a stranger's file (which is code: it runs); raises StudyError with the near names."""
    if str(name).endswith(".py"):
        return _from_file(Path(name))
    if name not in names():
        raise StudyError(message("study", f"there is no study {str(name)!r}", do=near(str(name), names())))
    return _named(import_module(f"{__name__}.{name}").STUDY, str(name))


def catalogue() -> dict[str, Study]:
    """Every study by name."""
    return {name: study(name) for name in names()}


def study_of(run: Run) -> Study:
    """The study that a run was made with."""
    return study(run.about["study_file"] or run.about["study"])


def source_of(declared: Study) -> str:
    """The text of the file that declares a study, for the hash of a run."""
    path = Path(declared.file) if declared.file else Path(__path__[0]) / f"{declared.name}.py"
    return path.read_text(encoding="utf-8") if path.exists() else inspect.getsource(Study)


def _from_file(path: Path) -> Study:
    spec = spec_from_file_location(path.stem, path)
    if not path.exists() or spec is None or spec.loader is None:
        raise StudyError(message(path, "there is no such study file"))
    module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except OsteonError:
        raise
    except Exception as fault:  # a stranger's code may raise anything
        line = getattr(fault, "lineno", None) or extract_tb(fault.__traceback__)[-1].lineno
        raise StudyError(message(f"{path}, line {line}", "the study file does not run", found=f"Reason: {type(fault).__name__}: {fault}")) from fault
    if not isinstance(getattr(module, "STUDY", None), Study):
        raise StudyError(message(path, "the file declares no study", expected="a last line STUDY = Study(...)"))
    return _named(module.STUDY, path.stem, path)


def _named(declared: Study, name: str, file: Path | None = None) -> Study:
    """The study with the name of its file, which the file itself does not repeat."""
    object.__setattr__(declared, "name", declared.name or name)
    object.__setattr__(declared, "file", str(file.resolve()) if file else "")
    return declared

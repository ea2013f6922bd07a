"""One published system, declared; the folder of studies is the registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, Protocol

from osteon.budget import Budget
from osteon.cohort import Cohort
from osteon.design import Design
from osteon.errors import StudyError, message, near
from osteon.models import Model
from osteon.readers.inputs import Input
from osteon.targets import Target

AREAS = ("basic science", "diagnosis", "outcomes assessment", "radiographic assessment", "spine-oriented surgery", "surgical planning", "rehabilitation")


@dataclass(frozen=True)
class Claim:
    """A figure that the paper printed, and where: shown beside ours, never as a fact of ours. `metric` names what it is compared with (`alignment.HKA.mae`)."""

    what: str
    value: str
    where: str
    metric: str = ""


@dataclass(frozen=True)
class Eligible:
    """A rule on the attributes of a case; one that fails it is listed with the reason."""

    reason: str
    holds: Callable[[Mapping[str, Any]], bool]


class Simulator(Protocol):
    """Makes a cohort folder of real files; the same call twice gives the same bytes."""

    def __call__(self, folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5) -> Cohort: ...


@dataclass(frozen=True, kw_only=True)
class Study:
    """One published system: what it asks, of which inputs, judged how, by which models (the first is the paper's own)."""

    cite: str
    doi: str
    reference: int
    areas: tuple[str, ...]
    unit: str
    question: str
    inputs: Mapping[str, Input]
    targets: Mapping[str, Target]
    primary: str
    design: Design
    models: Mapping[str, Model]
    simulate: Simulator
    datasets: Mapping[str, Callable[[Path], Cohort]] = field(default_factory=dict)
    eligible: tuple[Eligible, ...] = ()
    together: tuple[str, ...] = ()
    analyses: tuple[Any, ...] = ()
    subgroups: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()
    differs: tuple[str, ...] = ()
    name: str = ""

    def __post_init__(self) -> None:
        if self.primary not in self.targets:
            raise StudyError(message(self.cite, f"the primary target {self.primary!r} is not declared", do=near(self.primary, self.targets)))
        if not any(self.primary in model.writes for model in self.models.values()):
            raise StudyError(message(self.cite, f"no model answers the primary target {self.primary!r}"))
        for label, model in self.models.items():
            strangers = set(model.reads) - set(self.inputs) - set(self.targets)
            if strangers:
                raise StudyError(message(f"{self.cite}, model {label}", f"reads {sorted(strangers)}, which nothing gives", do=near(sorted(strangers)[0], self.inputs)))

    @property
    def answered(self) -> tuple[str, ...]:
        """The targets that a model learns or answers, the primary one first."""
        written = {w for model in self.models.values() for w in model.writes}
        return (self.primary, *(t for t in self.targets if t in written and t != self.primary))


def names() -> tuple[str, ...]:
    """The name of every study: its file name."""
    import osteon.studies

    return tuple(sorted(m.name for m in iter_modules(osteon.studies.__path__) if not m.name.startswith("_")))


def study(name: str | Path) -> Study:
    """The study of a name, or of a stranger's file (which is code: it runs); raises StudyError with the near names."""
    if str(name).endswith(".py"):
        return _from_file(Path(name))
    if name not in names():
        raise StudyError(message("study", f"there is no study {str(name)!r}", do=near(str(name), names())))
    return _named(import_module(f"osteon.studies.{name}").STUDY, str(name))


def catalogue() -> dict[str, Study]:
    """Every study by name."""
    return {name: study(name) for name in names()}


def _from_file(path: Path) -> Study:
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location(path.stem, path)
    if not path.exists() or spec is None or spec.loader is None:
        raise StudyError(message(path, "there is no such study file"))
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    if not isinstance(getattr(module, "STUDY", None), Study):
        raise StudyError(message(path, "the file declares no study", expected="a last line STUDY = Study(...)"))
    return _named(module.STUDY, path.stem)


def _named(declared: Study, name: str) -> Study:
    object.__setattr__(declared, "name", declared.name or name)
    return declared


def capped(declared: Sequence[Any], most: int) -> Sequence[Any]:
    """The first `most` of what a study names, as a budget caps it."""
    return declared[:most]


def source_of(declared: Study) -> str:
    """The text of a study's file, for the hash of a run."""
    import inspect

    import osteon.studies

    path = Path(next(iter(osteon.studies.__path__))) / f"{declared.name}.py"
    return path.read_text(encoding="utf-8") if path.exists() else inspect.getsource(type(declared)) + repr(declared.cite)


__all__ = ["AREAS", "Budget", "Claim", "Eligible", "Simulator", "Study", "catalogue", "names", "source_of", "study"]

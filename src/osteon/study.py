"""One published system, declared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from osteon.cohort import Cohort
from osteon.design import Design
from osteon.errors import StudyError, message, near
from osteon.models import Model, factors
from osteon.models.blend import answering
from osteon.readers.inputs import Input
from osteon.targets import Target

AREAS = ("basic science", "radiographic assessment", "spine-oriented surgery", "outcomes assessment", "basic ai education")


@dataclass(frozen=True)
class Claim:
    """A figure that the paper printed, and where: shown beside ours, never as a fact of ours. `metric` names what it is compared with: a metric of a row (`alignment.HKA.mae`), or a figure of an analysis (`Analysis/what`, or `Analysis/what/group`)."""

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
    analyses: tuple[Any, ...] = ()  # of validation.results.Analysis
    subgroups: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()
    differs: tuple[str, ...] = ()
    name: str = ""
    file: str = field(default="", init=False)

    def __post_init__(self) -> None:
        if not self.areas or set(self.areas) - set(AREAS):
            raise StudyError(message(self.cite, "an area is none of the review's", expected=", ".join(AREAS), found=f"Found {self.areas}"))
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

    @property
    def labels(self) -> dict[str, tuple[str, ...]]:
        """What each model writes, by its label; a member of a blend is a label of its own, `label@member`."""
        out: dict[str, tuple[str, ...]] = {}
        for label, model in self.models.items():
            out[label] = tuple(w for w in model.writes if "@" not in w)
            out |= {f"{label}@{member}": (target,) for target, _, member in (w.partition("@") for w in model.writes) if member}
        return out

    def model(self, label: str) -> Any:
        """The model of a label, or the member of a blend that `label@member` names."""
        name, _, member = label.partition("@")
        return answering(self.models[name], member) if member else self.models[name]

    def factors(self, label: str) -> Mapping[str, str]:
        """The factors of an arm and, of a member of its blend, those of the member; {} of a model that is no arm."""
        return {**factors(self.models[label.partition("@")[0]]), **factors(self.model(label))}

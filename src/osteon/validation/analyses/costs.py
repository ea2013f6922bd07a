"""What each network of a bake-off costs: parameters, multiplications, memory, seconds of training and of an answer, and from which weights it began."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from osteon.budget import Budget, Limits, Sizes
from osteon.run import Run
from osteon.study import Study
from osteon.validation.results import Result, point

SCRATCH = "from scratch"
MILLION = 1e6


@dataclass(frozen=True)
class Costs:
    """Every network of the study, also those that the budget only built: cost of one image of the size that was used, and what was measured where it was trained."""

    @property
    def columns(self) -> tuple[str, ...]:
        """No attribute of a case is read."""
        return ()

    def __call__(self, run: Run, study: Study) -> Iterator[Result]:
        """A group for each network; one that was only built has no seconds."""
        from osteon.models.cost import costs

        trained = {label: told for label in run.labels for told in _fits(run, label)}
        shape = next((tuple(fit["image"]) for _, fit in trained.values() if "image" in fit), None)
        known = costs(study.models, study.targets, _budget(run.about["budget"]), shape=shape)  # type: ignore[arg-type]
        for label, cost in known.items():
            note, fit = trained.get(label, ({}, {}))
            yield Result("parameters", label, value=point(cost.parameters / MILLION), n=_seen(fit), unit="million", note=_began(fit))
            yield Result("multiplications of an image", label, value=point(cost.macs / MILLION), n=_seen(fit), unit="million")
            yield Result("memory of an image in training", label, value=point(cost.bytes_an_image / MILLION), n=_seen(fit), unit="MB")
            if not fit:
                continue
            yield Result("training", label, value=point(float(fit["fit_seconds"])), n=_seen(fit), unit="s")
            yield Result("an answer", label, value=point(float(note["seconds_per_case"])), n=_seen(fit), unit="s")


def _fits(run: Run, label: str) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """What a fold noted and its first fit, of the first fold."""
    for note in run.notes(label)[:1]:
        yield note, note.get("fit 1", {})


def _seen(fit: Mapping[str, Any]) -> int:
    """Images of the train part."""
    return int(fit.get("windows", {}).get("train", 0))


def _began(fit: Mapping[str, Any]) -> str:
    """From which weights, and how far it came."""
    if not fit:
        return "built, not trained under this budget"
    begun = SCRATCH if not fit.get("started_from") else f"from {fit['started_from']} given weights"
    epochs = fit.get("epochs", {})
    return f"{begun}; {epochs.get('used', 0):g} of {epochs.get('named', 0):g} epochs" if epochs else begun


def _budget(plain: Mapping[str, Any]) -> Budget:
    """The budget that a run noted."""
    rest = {k: v for k, v in plain.items() if k not in ("sizes", "limits")}
    return Budget(**rest, sizes=Sizes(**plain["sizes"]), limits=Limits(**plain["limits"]))

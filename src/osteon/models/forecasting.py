"""From courses of a chain of vertebrae to a fitted network, and from a fitted network to forecasts and files."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from osteon.cohort import Cohort
from osteon.errors import DataError, RunError, message
from osteon.models import courses
from osteon.models.columns import Coding
from osteon.models.courses import CoursesFamily, CourseView, Gathered
from osteon.models.fitting import fingerprint
from osteon.models.machine import Blueprint, Choice
from osteon.models.protocol import Desk
from osteon.models.training import LEAST_STEPS, Course, Job, copied, trained
from osteon.readers.files import replacing
from osteon.targets import Target
from osteon.value import Value, Withheld

if TYPE_CHECKING:
    from osteon.models.net import Net

TOGETHER, BATCH = 64, 16  # cases of one call of the network, and of one step of training
PLAIN = Choice("32-true", False, "there is no picture")


@dataclass(frozen=True, eq=False)
class Forecaster:
    """A network that has learnt: what it sees of a course, how it is built, its weights and the origin of its cases."""

    view: CourseView
    blueprint: Blueprint
    family: CoursesFamily
    network: nn.Module
    origin: Mapping[str, str] = field(default_factory=dict, kw_only=True)

    @torch.inference_mode()
    def answers(self, cohort: Cohort) -> Iterator[Value]:
        """One value a case, in order."""
        self.network.eval()
        for start in range(0, len(cohort), TOGETHER):
            found = [self.view.see(cohort.cases[n].inputs) for n in range(start, min(start + TOGETHER, len(cohort)))]
            seen = [s for s in found if not isinstance(s, Withheld)]
            given = iter(courses.answers(self.network, self.family, seen, self.view) if seen else ())
            yield from [s if isinstance(s, Withheld) else next(given) for s in found]


def fit(net: Net, train: Cohort, tune: Cohort, target: Target, desk: Desk) -> Forecaster:
    """Lay both parts out, train by the one loop, and keep the best weights. Raises DataError where a part has no case with models before and after."""
    begun, name = time.monotonic(), net.writes[0]
    view = CourseView(net.reads[0], Coding.learnt(train, net.reads[1:]) if net.reads[1:] else None)
    parts, skipped = zip(*(courses.gathered(part, view, name) for part in (train, tune)), strict=True)
    view = courses.roomy(view, list(parts))
    family, key = CoursesFamily(view.visits, view.asked), fingerprint(net, train, tune, target, desk)
    with tempfile.TemporaryDirectory(prefix="osteon-") if desk.folder is None else nullcontext(desk.folder) as home:
        folders = (Path(home) / "train", Path(home) / "tune")
        rows = [_laid_out(part, view, folder, cohort) for part, folder, cohort in zip(parts, folders, (train, tune), strict=True)]
        family = family.studied(rows[0])
        blueprint = Blueprint(net.name, view.features, family.outputs, desk.budget.width, (1, 1))
        kept: tuple[Path | None, str, dict[str, Any]] = (Path(home) / "checkpoint.safetensors" if desk.folder else None, key, {})
        course = _course(net, family, len(rows[0]), desk)
        job = Job(blueprint, family, parts=folders, recipe=family.recipe(False), course=course, choice=PLAIN, seed=desk.seed, kept=kept)  # type: ignore[arg-type]  # the loop asks a family for recipe and loss alone
        result = trained(job, "cpu", 1)
    network = blueprint.network(0)
    network.load_state_dict(result.state)
    desk.notes.update(result.notes | {"width": desk.budget.width, "skipped": skipped[0] | skipped[1], "started_from": 0, "fit_seconds": round(time.monotonic() - begun, 2)})
    return Forecaster(view, blueprint, family, network.eval(), origin={"origin": train.origin, "cohort": train.name})


def _laid_out(part: Gathered, view: CourseView, folder: Path, cohort: Cohort) -> np.ndarray:
    """The rows of a part as the loop reads them, beside pictures of one empty pixel."""
    if not part:
        raise DataError(message(f"cohort {cohort.name}", "no case has models both before and after", found=f"Found {len(cohort)} cases"))
    rows = np.stack([seen.row(view, months, found) for seen, months, found in part])
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "numbers.npy", rows)
    np.save(folder / "planes.npy", np.zeros((len(rows), 1, 1, 1), np.uint8))
    (folder / "arrays.json").write_text(json.dumps({"key": "", "skipped": {}}), encoding="utf-8")
    return rows


def _course(net: Net, family: CoursesFamily, cases: int, desk: Desk) -> Course:
    settings = net.settings
    return Course(desk.budget.epochs, min(int(settings.get("batch", BATCH)), max(cases, 1)), rate=float(settings.get("rate", family.rate)), seconds=desk.budget.seconds,
                  decay=float(settings.get("decay", 0.2)), steps=LEAST_STEPS)


def save(net: Net, fitted: Forecaster, folder: Path) -> None:
    """`weights.safetensors` and `spec.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    spec = {"name": net.name, "reads": net.reads, "writes": net.writes, "settings": dict(net.settings), "view": fitted.view.plain(), "blueprint": fitted.blueprint.plain(),
            "learnt": {"mean": fitted.family.mean, "scale": fitted.family.scale}, "trained_on": dict(fitted.origin)}
    with replacing(folder / "weights.safetensors") as temporary:
        save_file(copied(fitted.network), str(temporary))
    with replacing(folder / "spec.json") as temporary:
        temporary.write_text(json.dumps(spec, indent=1), encoding="utf-8")


def load(net: Net, folder: Path, target: Target) -> Forecaster:
    """What `save` wrote; raises RunError where it is missing or belongs to another network."""
    paths = folder / "spec.json", folder / "weights.safetensors"
    if not all(path.exists() for path in paths):
        raise RunError(message(folder, "there is no saved network", expected="spec.json and weights.safetensors"))
    spec: dict[str, Any] = json.loads(paths[0].read_text(encoding="utf-8"))
    if (spec["name"], tuple(spec["reads"]), tuple(spec["writes"])) != (net.name, net.reads, net.writes):
        raise RunError(message(folder, "another network is saved here", expected=f"{net.name}, {net.reads} to {net.writes}", found=f"Found {spec['name']}, {spec['reads']}"))
    view = courses.view_from(spec["view"])
    blueprint = Blueprint(**spec["blueprint"] | {"shape": tuple(spec["blueprint"]["shape"])})
    family = CoursesFamily(view.visits, view.asked, mean=tuple(spec["learnt"]["mean"]), scale=tuple(spec["learnt"]["scale"]))
    network = blueprint.network(0)
    network.load_state_dict(load_file(paths[1]))
    return Forecaster(view, blueprint, family, network.eval(), origin=spec["trained_on"])

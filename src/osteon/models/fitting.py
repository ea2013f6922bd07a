"""From two parts of a cohort to a fitted network, and from a fitted network to answers and files."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from osteon.cohort import Cohort
from osteon.errors import DataError, RunError, StudyError, message
from osteon.models import checkpoint, machine
from osteon.models.arrays import READERS, Arrays, laid_out, survey
from osteon.models.augment import centred
from osteon.models.families import Family, ObjectsFamily, family_of, learnt, studied
from osteon.models.landmarks import LandmarksFamily
from osteon.models.machine import Blueprint, Choice
from osteon.models.protocol import Desk
from osteon.models.training import LEAST_STEPS, Course, Job, copied, fitting, trained
from osteon.models.views import Seen, View, see
from osteon.progress import log
from osteon.readers.files import replacing
from osteon.targets import Target
from osteon.value import Value, Withheld

if TYPE_CHECKING:
    from osteon.models.net import Net

CASES = 8  # whose films are held at once
WINDOWS = 32  # in one call of the network
FOUND_STEPS = 600  # of the courses on which the rates were found
MOST_HURRY = 3.0  # times the rate, at most, of a short course


@dataclass(frozen=True, eq=False)
class Fitted:
    """A network that has learnt: what it sees, how it is built, what it answers, its weights and the origin of its cases."""

    view: View
    blueprint: Blueprint
    family: Family
    network: nn.Module
    origin: Mapping[str, str] = field(default_factory=dict, kw_only=True)

    @torch.inference_mode()
    def answers(self, cohort: Cohort) -> Iterator[Value]:
        """One value a case, in order."""
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.network.to(device).eval()
        with ThreadPoolExecutor(READERS) as pool:
            for start in range(0, len(cohort), CASES):
                numbers = range(start, min(start + CASES, len(cohort)))
                found = list(pool.map(lambda n: see(self.view, cohort.cases[n].inputs), numbers))
                outputs = self._outputs([s for s in found if isinstance(s, Seen)], device)
                yield from [s if isinstance(s, Withheld) else self.family.answer(next(outputs), s) for s in found]

    def _outputs(self, seen: list[Seen], device: torch.device) -> Iterator[list[Any]]:
        """The outputs of the windows of each film."""
        if not seen:
            return
        pieces = np.concatenate([s.pieces(self.view.shape) for s in seen])
        images = centred(torch.from_numpy(pieces).to(device).float().div_(255))
        rows = [out for part in images.split(WINDOWS) for out in self.family.outputs_of(self.network, part)]
        for s in seen:
            yield [rows.pop(0) for _ in s.windows]


def fit(net: Net, train: Cohort, tune: Cohort, target: Target, desk: Desk) -> Fitted:
    """Lay both parts out, plan, train, and keep the best weights; a fit that was killed goes on from its last epoch."""
    begun, key = time.monotonic(), fingerprint(net, train, tune, target, desk)
    with _drawer(desk) as folder:
        finished = _finished(net, folder / "fitted", key, target, desk)
        if finished is not None:
            return finished
        family, view, blueprint = _designed(net, train, target, desk)
        parts = [laid_out(part, view, family, target=net.writes[0], folder=folder / name, key=key)
                 for name, part in (("train", train), ("tune", tune))]
        family = studied(family, parts[0].numbers)
        accelerator, processes = machine.devices(len(parts[0]))
        left = desk.budget.seconds - (time.monotonic() - begun)
        course, choice = _planned(folder / "plan.json", key, lambda: (
            _course(net, family, blueprint, len(parts[0]), desk=desk, seconds=left),
            machine.choose(blueprint, accelerator, desk.budget.seconds / 40)))
        kept = (folder / "checkpoint.safetensors" if desk.folder else None, key, _start(net, blueprint))
        result = trained(Job(blueprint, family, parts=(folder / "train", folder / "tune"), recipe=family.recipe(view.boxes is not None),
                             course=course, choice=choice, seed=desk.seed, kept=kept), accelerator, processes)
        network = blueprint.network(0)
        network.load_state_dict(result.state)
        fitted = Fitted(view, blueprint, family, network.eval(), origin={"origin": train.origin, "cohort": train.name})
        desk.notes.update(result.notes | _noted(desk, parts, begun, view, kept[2]))
        if desk.folder:
            _finish(net, fitted, folder, key, desk)
    return fitted


def fingerprint(net: Net, train: Cohort, tune: Cohort, target: Target, desk: Desk) -> str:
    """What decides a fit, as a hash: another one does not go on from its checkpoint."""
    parts = [net, sorted(net.settings.items()), target, desk.budget, desk.seed, [(c.name, c.origin, c.ids()) for c in (train, tune)]]
    return hashlib.sha256(repr(parts).encode()).hexdigest()


@contextmanager
def _drawer(desk: Desk) -> Iterator[Path]:
    """The desk's folder, or one that is gone after the fit."""
    if desk.folder is not None:
        desk.folder.mkdir(parents=True, exist_ok=True)
        yield desk.folder
        return
    with tempfile.TemporaryDirectory(prefix="osteon-") as folder:
        yield Path(folder)


def _designed(net: Net, train: Cohort, target: Target, desk: Desk) -> tuple[Family, View, Blueprint]:
    """Family, view and blueprint; raises StudyError for a network that can not answer the target."""
    family = family_of(target, follows=net.settings.get("follows"))
    boxes = net.reads[1] if len(net.reads) > 1 else None
    if isinstance(family, ObjectsFamily) and boxes:
        raise StudyError(message(f"Net {net.name!r}", "boxes are not sought inside boxes", expected="one picture", found=f"Found {net.reads}"))
    if not len(train):
        raise DataError(message(f"Net {net.name!r}", "there is no case to learn from"))
    channels, shape = survey(train, net.reads[0], longest=desk.budget.image_side)
    view = View(net.reads[0], boxes, channels=channels, shape=(desk.budget.crop_side,) * 2 if boxes else shape,
                margin=float(net.settings.get("margin", View.margin)))
    blueprint = Blueprint(net.name, channels, family.outputs, desk.budget.width, view.shape)
    try:
        network = blueprint.network(0)
    except ValueError as fault:
        raise StudyError(str(fault)) from fault
    if isinstance(family, ObjectsFamily) and not (hasattr(network, "losses") and hasattr(network, "decode")):
        raise StudyError(message(f"Net {net.name!r}", "this network finds no objects", expected="one with losses and decode, such as yolov5"))
    if isinstance(family, LandmarksFamily) and not _gives_maps(network, blueprint):
        raise StudyError(message(f"Net {net.name!r}", "this network gives no heat-maps", expected="one that answers (outputs, rows, cols), such as hrnet"))
    return family, view, blueprint


@torch.inference_mode()
def _gives_maps(network: nn.Module, blueprint: Blueprint) -> bool:
    return bool(network.eval()(torch.zeros(1, blueprint.channels, *blueprint.shape)).ndim == 4)


def _course(net: Net, family: Family, blueprint: Blueprint, windows: int, *, desk: Desk, seconds: float) -> Course:
    batch = int(net.settings.get("batch", 0)) or machine.batch_size(blueprint, windows, machine.devices(windows)[0])
    # A larger batch takes a larger step, by the square root (Adam), from the 8 windows at which the rates were found; so does a
    # course with fewer steps than theirs, else it ends halfway.
    steps = desk.budget.epochs * max(LEAST_STEPS, windows // batch)
    rate = float(net.settings.get("rate", family.rate * (batch / 8) ** 0.5 * min(max(FOUND_STEPS / steps, 1.0), MOST_HURRY**2) ** 0.5))
    return Course(desk.budget.epochs, batch, rate=rate, seconds=max(seconds, 1.0), decay=float(net.settings.get("decay", Course.decay)))


def _planned(path: Path, key: str, plan: Callable[[], tuple[Course, Choice]]) -> tuple[Course, Choice]:
    """The plan of an interrupted fit, so that it ends as it would have, or a new one."""
    if path.exists():
        noted = json.loads(path.read_text(encoding="utf-8"))
        if noted["key"] == key:
            return Course(**noted["course"]), Choice(**noted["choice"])
    course, choice = plan()
    with replacing(path) as temporary:
        temporary.write_text(json.dumps({"key": key, "course": asdict(course), "choice": asdict(choice)}), encoding="utf-8")
    return course, choice


def _start(net: Net, blueprint: Blueprint) -> checkpoint.State:
    """The weights to start from, those that fit; raises DataError where none does."""
    if net.weights is None:
        return {}
    path = Path(net.weights)
    path = path / "weights.safetensors" if path.is_dir() else path
    if not path.exists():
        raise DataError(message(path, "there are no weights", expected="a safetensors file, or the folder of a saved Net"))
    known = fitting(blueprint.network(0), load_file(path))
    if not known:
        raise DataError(message(path, f"none of these weights fits {net.name!r}", do="Start from a network of the same name and width"))
    return known


def _noted(desk: Desk, parts: list[Arrays], begun: float, view: View, start: checkpoint.State) -> dict[str, Any]:
    """What the loop does not know: sizes of the images, cases that were skipped, seconds of the whole fit."""
    skipped = {case: reason for part in parts for case, reason in part.skipped.items()}
    for case, reason in skipped.items():
        log.warning("case %s was not learnt from: %s", case, reason)
    return {"image": list(view.shape), "crops": view.boxes or "", "width": desk.budget.width, "skipped": skipped,
            "started_from": len(start), "fit_seconds": round(time.monotonic() - begun, 2)}


def _finish(net: Net, fitted: Fitted, folder: Path, key: str, desk: Desk) -> None:
    """Keep the fitted network and its notes, and give the space of the arrays back."""
    part = folder / ".fitted.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    save(net, fitted, part)
    (part / "notes.json").write_text(json.dumps({"key": key, "notes": desk.notes}), encoding="utf-8")
    shutil.rmtree(folder / "fitted", ignore_errors=True)
    part.rename(folder / "fitted")
    for name in ("train", "tune"):
        shutil.rmtree(folder / name, ignore_errors=True)


def _finished(net: Net, folder: Path, key: str, target: Target, desk: Desk) -> Fitted | None:
    """The result of the same fit, where it came to its end before."""
    if not (folder / "notes.json").exists():
        return None
    noted = json.loads((folder / "notes.json").read_text(encoding="utf-8"))
    if noted["key"] != key:
        return None
    desk.notes.update(noted["notes"])
    return load(net, folder, target)


def save(net: Net, fitted: Fitted, folder: Path) -> None:
    """`weights.safetensors` and `spec.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    spec = {"name": net.name, "reads": net.reads, "writes": net.writes, "settings": dict(net.settings), "view": asdict(fitted.view),
            "blueprint": asdict(fitted.blueprint), "learnt": learnt(fitted.family), "trained_on": dict(fitted.origin)}
    with replacing(folder / "weights.safetensors") as temporary:
        save_file(copied(fitted.network), str(temporary))
    with replacing(folder / "spec.json") as temporary:
        temporary.write_text(json.dumps(spec, indent=1), encoding="utf-8")


def load(net: Net, folder: Path, target: Target) -> Fitted:
    """What `save` wrote; raises RunError where it is missing or belongs to another network or target."""
    paths = folder / "spec.json", folder / "weights.safetensors"
    if not all(path.exists() for path in paths):
        raise RunError(message(folder, "there is no saved network", expected="spec.json and weights.safetensors"))
    spec = json.loads(paths[0].read_text(encoding="utf-8"))
    found = (spec["name"], tuple(spec["reads"]), tuple(spec["writes"]))
    if found != (net.name, net.reads, net.writes):
        raise RunError(message(folder, "another network is saved here", expected=f"{net.name}, {net.reads} to {net.writes}", found=f"Found {found}"))
    view = View(**spec["view"] | {"shape": tuple(spec["view"]["shape"])})
    blueprint = Blueprint(**spec["blueprint"] | {"shape": tuple(spec["blueprint"]["shape"])})
    family = family_of(target, follows=net.settings.get("follows"), learnt=spec["learnt"])
    if family.outputs != blueprint.outputs:
        raise RunError(message(folder, f"{net.writes[0]} has changed since the training", expected=f"{blueprint.outputs} outputs", found=f"Found {family.outputs}"))
    network = blueprint.network(0)
    network.load_state_dict(load_file(paths[1]))
    return Fitted(view, blueprint, family, network.eval(), origin=spec["trained_on"])

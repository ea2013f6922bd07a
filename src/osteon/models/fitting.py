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
from osteon.models.arrays import READERS, Arrays, Sizes, laid_out, sizes, survey
from osteon.models.augment import centred
from osteon.models.columns import Coding
from osteon.models.events import RISK_SET, EventsFamily
from osteon.models.families import ClassesFamily, Family, FusedFamily, MeasuresFamily, ObjectsFamily, family_of, inner, learnt, settled, studied
from osteon.models.grades import GradesFamily
from osteon.models.landmarks import LandmarksFamily
from osteon.models.machine import Blueprint, Choice
from osteon.models.protocol import Desk
from osteon.models.reconstruction import RAW_STEPS, LinesView, PicturesFamily, Slices, designed, laid_out_slices, reconstructed, view_from
from osteon.models.signals import Excerpts, excerpts
from osteon.models.stacks import StackView, stacked
from osteon.models.texts import TextView, shown, text_view
from osteon.models.training import LEAST_STEPS, Course, Feed, Job, copied, fitting, trained
from osteon.models.views import Sight, View
from osteon.networks import takes
from osteon.progress import log
from osteon.readers.files import replacing
from osteon.targets import Target
from osteon.value import Value, Withheld

if TYPE_CHECKING:
    from osteon.models.fusion import Fusion
    from osteon.models.net import Net

CASES = 8  # whose films are held at once
WINDOWS = 32  # in one call of the network
FOUND_STEPS = 600  # of the courses on which the rates were found
NOTHING = np.zeros(0, np.float32)
MOST_HURRY = 3.0  # times the rate, at most, of a short course


@dataclass(frozen=True, eq=False)
class Fitted:
    """A network that has learnt: what it sees, how it is built, what it answers, its weights and the origin of its cases."""

    view: Sight
    blueprint: Blueprint
    family: Family
    network: nn.Module
    origin: Mapping[str, str] = field(default_factory=dict, kw_only=True)

    @torch.inference_mode()
    def answers(self, cohort: Cohort) -> Iterator[Value]:
        """One value a case, in order."""
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.network.to(device).eval()
        if isinstance(self.view, LinesView) and isinstance(self.family, PicturesFamily):
            yield from reconstructed(self.view, self.family, self.network, cohort, device=device)
            return
        with ThreadPoolExecutor(READERS) as pool:
            for start in range(0, len(cohort), CASES):
                numbers = range(start, min(start + CASES, len(cohort)))
                found = list(pool.map(lambda n: self.view.see(cohort.cases[n].inputs), numbers))
                outputs = self._outputs([s for s in found if not isinstance(s, Withheld)], device)
                yield from [s if isinstance(s, Withheld) else self.family.answer(next(outputs), s) for s in found]

    def _outputs(self, seen: list[Any], device: torch.device) -> Iterator[list[Any]]:
        """The outputs of the windows of each film, or of each note."""
        if not seen:
            return
        pieces = torch.from_numpy(np.concatenate([s.pieces(self.view.shape) for s in seen])).to(device)
        images = shown(pieces) if isinstance(self.view, TextView) else pieces if isinstance(self.view, Excerpts) else centred(pieces.float().div_(255))
        told = torch.from_numpy(np.stack([getattr(s, "told", NOTHING) for s in seen for _ in s.windows])).to(device)
        rows = [out for part, some in zip(images.split(WINDOWS), told.split(WINDOWS), strict=True) for out in outputs(self.family, self.network, part, some)]
        for s in seen:
            yield [rows.pop(0) for _ in s.windows]


def outputs(family: Family, network: nn.Module, images: torch.Tensor, told: torch.Tensor) -> list[Any]:
    """The outputs of a network for images (B, channels, rows, cols), with the last numbers of `told` (B, ...) beside them where the family has some."""
    return family.outputs_of(family.beside(network, told) if isinstance(family, FusedFamily) else network, images)


def fit(net: Net | Fusion, train: Cohort, tune: Cohort, target: Target, desk: Desk) -> Fitted:
    """Lay both parts out, plan, train, and keep the best weights; a fit that was killed goes on from its last epoch."""
    begun, key = time.monotonic(), fingerprint(net, train, tune, target, desk)
    with _drawer(desk) as folder:
        finished = _finished(net, folder / "fitted", key, target, desk)
        if finished is not None:
            return finished
        family, view, blueprint = _designed(net, train, target, desk)
        parts = [_laid_out(part, view, family, target=net.writes[0], folder=folder / name, key=key)
                 for name, part in (("train", train), ("tune", tune))]
        family = studied(family, parts[0].numbers)
        accelerator, processes = machine.devices(len(parts[0]))
        left = desk.budget.seconds * float(net.settings.get("time", 1.0)) - (time.monotonic() - begun)
        course, choice = _planned(folder / "plan.json", key, lambda: (
            _course(net, family, blueprint, len(parts[0]), desk=desk, seconds=left),
            machine.choose(blueprint, accelerator, desk.budget.seconds / 40)))
        kept = (folder / "checkpoint.safetensors" if desk.folder else None, key, _start(net, blueprint))
        result = trained(Job(blueprint, family, parts=(folder / "train", folder / "tune"), recipe=view.recipe() if isinstance(view, Excerpts) else family.recipe(view.boxes is not None),
                             course=course, choice=choice, seed=desk.seed, kept=kept), accelerator, processes)
        network = blueprint.network(0)
        network.load_state_dict(result.state)
        family = _settled(family, network.eval(), blueprint, parts[0])
        fitted = Fitted(view, blueprint, family, network, origin={"origin": train.origin, "cohort": train.name})
        desk.notes.update(result.notes | _noted(desk, parts, begun, view, kept[2]))
        if desk.folder:
            _finish(net, fitted, folder, key, desk)
    return fitted


def _laid_out(part: Cohort, view: Sight, family: Family, *, target: str, folder: Path, key: str) -> Arrays | Slices:
    """The arrays of a part, or the slices of one of raw signal."""
    if isinstance(view, LinesView):
        return laid_out_slices(part, view, target=target, folder=folder, key=key)
    return laid_out(part, view, family, target=target, folder=folder, key=key)


@torch.inference_mode()
def _settled(family: Family, network: nn.Module, blueprint: Blueprint, train: Arrays | Slices) -> Family:
    """The family with what it takes from the answers of the trained network on the train part; only times to an event take something."""
    if not isinstance(inner(family), EventsFamily) or isinstance(train, Slices):
        return family
    feed = Feed.of(train, blueprint, torch.device("cpu"))
    batches = (feed.plain(rows) for rows in torch.arange(len(train)).split(WINDOWS))
    found = [out for images, _, numbers in batches for out in outputs(family, network, images, numbers)]
    return settled(family, found, np.asarray(train.numbers))


def fingerprint(net: Net | Fusion, train: Cohort, tune: Cohort, target: Target, desk: Desk) -> str:
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


def _designed(net: Net | Fusion, train: Cohort, target: Target, desk: Desk) -> tuple[Family, Sight, Blueprint]:
    """Family, view and blueprint; raises StudyError for a network that can not answer the target."""
    family = family_of(target, follows=net.settings.get("follows"))
    if isinstance(family, ObjectsFamily) and net.boxes:
        raise StudyError(message(f"Net {net.name!r}", "boxes are not sought inside boxes", expected="one picture", found=f"Found {net.reads}"))
    if not len(train):
        raise DataError(message(f"Net {net.name!r}", "there is no case to learn from"))
    if takes(net.name) == "kspace":
        if not isinstance(family, PicturesFamily):
            raise StudyError(message(f"Net {net.name!r}", "it makes pictures of raw signal", expected="a target Pictures", found=f"Found {type(target).__name__}"))
        return family, *designed(net.name, net.reads[0], train, net.settings, budget=desk.budget)
    if takes(net.name) == "text":
        text = text_view(train, net.reads[0], desk.budget.image_side)
        return family, text, Blueprint(net.name, text.entries, family.outputs, desk.budget.width, text.shape)
    if takes(net.name) == "signal":
        recording = excerpts(train, net.reads[0], longest=desk.budget.image_side, sensors=net.settings.get("sensors", ()), cut=str(net.settings.get("cut", "")))
        family = family_of(target, sided=recording.sided)
        return family, recording, Blueprint(net.name, recording.channels, family.outputs, desk.budget.width, recording.shape)
    found = {name: sizes(train, name) for name in net.pictures}
    if (stack := _stack(net, found, family, desk)) is not None:
        return family, stack, Blueprint(net.name, stack.channels, family.outputs, desk.budget.width, stack.shape)
    view = _seen(net, train, found, desk)
    headed = len(view.pictures) + 1 if isinstance(family, EventsFamily) else 0  # a hazard has the head of a fusion, without columns
    family = _beside(family, view)
    blueprint = Blueprint(net.name, view.channels, family.outputs, desk.budget.width, view.shape, len(view.pictures), view.told or headed)
    try:
        network = blueprint.network(0)
    except ValueError as fault:
        raise StudyError(str(fault)) from fault
    if isinstance(family, ObjectsFamily) and not (hasattr(network, "losses") and hasattr(network, "decode")):
        raise StudyError(message(f"Net {net.name!r}", "this network finds no objects", expected="one with losses and decode, such as yolov5"))
    if isinstance(family, LandmarksFamily) and not _gives_maps(network, blueprint):
        raise StudyError(message(f"Net {net.name!r}", "this network gives no heat-maps", expected="one that answers (outputs, rows, cols), such as hrnet"))
    return family, view, blueprint


def _stack(net: Net | Fusion, found: Mapping[str, Sizes], family: Family, desk: Desk) -> StackView | None:
    """What is seen of a volume; None of a picture. Raises StudyError for a network of blocks without one, or for a target that is not of the whole volume."""
    block = takes(net.name) == "block"
    stack = None if net.boxes or len(net.reads) > 1 else stacked(found[net.reads[0]], net.reads[0], longest=desk.budget.image_side, apart=not block)
    if block and stack is None:
        raise StudyError(message(f"Net {net.name!r}", "it sees a block of slices", expected="one input that is a volume", found=f"Found {net.reads}"))
    if stack is not None and not isinstance(family, (ClassesFamily, GradesFamily, MeasuresFamily)):
        raise StudyError(message(f"Net {net.name!r}", "a volume is answered as a whole", expected="a target of classes, grades or readings", found=f"Found {type(family).__name__}"))
    return stack


def _beside(family: Family, view: Sight) -> Family:
    """The family, with the numbers that stand beside the pictures of a view."""
    return FusedFamily(family, view.told) if isinstance(view, View) and view.told else family


def _seen(net: Net | Fusion, train: Cohort, sizes_of: Mapping[str, Sizes], desk: Desk) -> View:
    """What is seen of a case: the frame after the first picture, records coded by the train part."""
    found = [survey(sizes_of[name], longest=desk.budget.image_side) for name in net.pictures]
    coding = Coding.learnt(train, net.records) if net.records else None
    return View(net.pictures[0], net.boxes, channels=len(found) * max(channels for channels, _ in found), shape=(desk.budget.crop_side,) * 2 if net.boxes else found[0][1],
                margin=float(net.settings.get("margin", View.margin)), others=net.pictures[1:], coding=coding)


@torch.inference_mode()
def _gives_maps(network: nn.Module, blueprint: Blueprint) -> bool:
    return bool(network.eval()(torch.zeros(1, blueprint.channels, *blueprint.shape)).ndim == 4)


def _course(net: Net | Fusion, family: Family, blueprint: Blueprint, windows: int, *, desk: Desk, seconds: float) -> Course:
    least = RISK_SET if isinstance(inner(family), EventsFamily) else 0
    batch = int(net.settings.get("batch", 0)) or machine.batch_size(blueprint, windows, machine.devices(windows)[0], least=least)
    often = max(1, 2 * LEAST_STEPS // batch) if least else RAW_STEPS if isinstance(family, PicturesFamily) else int(net.settings.get("steps", LEAST_STEPS))  # where one step holds much of the part, it is not seen more often for that
    # A larger batch takes a larger step, by the square root (Adam), from the 8 windows at which the rates were found; so does a
    # course with fewer steps than theirs, else it ends halfway.
    steps = desk.budget.epochs * max(often, windows // batch)
    rate = float(net.settings.get("rate", family.rate * (batch / 8) ** 0.5 * min(max(FOUND_STEPS / steps, 1.0), MOST_HURRY**2) ** 0.5))
    return Course(desk.budget.epochs, batch, rate=rate, seconds=max(seconds, 1.0), decay=float(net.settings.get("decay", Course.decay)), steps=often)


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


def _start(net: Net | Fusion, blueprint: Blueprint) -> checkpoint.State:
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


def _noted(desk: Desk, parts: list[Arrays | Slices], begun: float, view: Sight, start: checkpoint.State) -> dict[str, Any]:
    """What the loop does not know: sizes of the images, cases that were skipped, seconds of the whole fit."""
    skipped = {case: reason for part in parts for case, reason in part.skipped.items()}
    for case, reason in skipped.items():
        log.warning("case %s was not learnt from: %s", case, reason)
    size: dict[str, Any] = {"words": len(view.words), "note": view.length, "cut": sum(view.cut(part.planes) for part in parts if isinstance(part, Arrays))} if isinstance(view, TextView) else {"image": list(view.shape), "crops": view.boxes or ""}
    size |= {"slices": {"named": parts[0].named, "used": len(parts[0])}} if isinstance(parts[0], Slices) else {}
    return size | {"width": desk.budget.width, "skipped": skipped, "started_from": len(start), "fit_seconds": round(time.monotonic() - begun, 2)}


def _finish(net: Net | Fusion, fitted: Fitted, folder: Path, key: str, desk: Desk) -> None:
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


def _finished(net: Net | Fusion, folder: Path, key: str, target: Target, desk: Desk) -> Fitted | None:
    """The result of the same fit, where it came to its end before."""
    if not (folder / "notes.json").exists():
        return None
    noted = json.loads((folder / "notes.json").read_text(encoding="utf-8"))
    if noted["key"] != key:
        return None
    desk.notes.update(noted["notes"])
    return load(net, folder, target)


def save(net: Net | Fusion, fitted: Fitted, folder: Path) -> None:
    """`weights.safetensors` and `spec.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    spec = {"name": net.name, "reads": net.reads, "writes": net.writes, "settings": dict(net.settings), "view": asdict(fitted.view),  # type: ignore[call-overload]
            "blueprint": asdict(fitted.blueprint), "learnt": learnt(fitted.family), "trained_on": dict(fitted.origin)}
    with replacing(folder / "weights.safetensors") as temporary:
        save_file(copied(fitted.network), str(temporary))
    with replacing(folder / "spec.json") as temporary:
        temporary.write_text(json.dumps(spec, indent=1), encoding="utf-8")


def load(net: Net | Fusion, folder: Path, target: Target) -> Fitted:
    """What `save` wrote; raises RunError where it is missing or belongs to another network or target."""
    paths = folder / "spec.json", folder / "weights.safetensors"
    if not all(path.exists() for path in paths):
        raise RunError(message(folder, "there is no saved network", expected="spec.json and weights.safetensors"))
    spec = json.loads(paths[0].read_text(encoding="utf-8"))
    found = (spec["name"], tuple(spec["reads"]), tuple(spec["writes"]))
    if found != (net.name, net.reads, net.writes):
        raise RunError(message(folder, "another network is saved here", expected=f"{net.name}, {net.reads} to {net.writes}", found=f"Found {found}"))
    view = _view(spec["view"])
    blueprint = Blueprint(**spec["blueprint"] | {"shape": tuple(spec["blueprint"]["shape"])})
    family = family_of(target, follows=net.settings.get("follows"), learnt=spec["learnt"], sided=isinstance(view, Excerpts) and view.sided)
    family = _beside(family, view)
    if family.outputs != blueprint.outputs:
        raise RunError(message(folder, f"{net.writes[0]} has changed since the training", expected=f"{blueprint.outputs} outputs", found=f"Found {family.outputs}"))
    network = blueprint.network(0)
    network.load_state_dict(load_file(paths[1]))
    return Fitted(view, blueprint, family, network.eval(), origin=spec["trained_on"])


def _view(plain: dict[str, Any]) -> Sight:
    """What `asdict` gave of a view."""
    if "sampling" in plain:
        return view_from(plain)
    if "apart" in plain:
        return StackView(**plain | {"shape": tuple(plain["shape"])})
    if "recording" in plain:
        return Excerpts(plain["recording"], tuple(plain["names"]), samples=plain["samples"], cut=plain["cut"])
    if "words" in plain:
        return TextView(**plain | {"words": tuple(plain["words"])})
    coding = Coding.of(plain["coding"]) if plain["coding"] else None
    return View(**plain | {"shape": tuple(plain["shape"]), "others": tuple(plain["others"]), "coding": coding})

"""The one training loop: AdamW on a one-cycle schedule, early stopping on the tune part, the best weights kept.

It runs on Lightning Fabric, the same on a CPU, one GPU or several. Steps are planned from the epochs and the seconds of the budget.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from osteon.models import checkpoint
from osteon.models.arrays import Arrays, opened
from osteon.models.augment import Recipe, Worn, centred, exposed, middle, motion, moved, worn
from osteon.models.checkpoint import Progress, State
from osteon.models.families import Family, dealt, weight
from osteon.models.families import moved as told
from osteon.models.machine import Blueprint, Choice
from osteon.models.reconstruction import SLICES, SliceFeed, Slices, opened_slices
from osteon.models.texts import hidden, shown
from osteon.progress import log, track
from osteon.seeds import derive

LEAST_STEPS = 25  # a small part is seen several times an epoch, augmented anew
PROBED = 4  # steps after which, and after every tenth, the rest is planned anew


@dataclass(frozen=True)
class Course:
    """How long and how hard: epochs, windows a step, peak learning rate, weight decay, seconds, epochs without gain before it stops, least steps of an epoch."""

    epochs: int
    batch: int
    rate: float = field(kw_only=True)
    seconds: float = field(kw_only=True)
    decay: float = field(default=0.05, kw_only=True)
    clip: float = field(default=5.0, kw_only=True)
    patience: float = field(default=0.35, kw_only=True)  # share of the planned epochs
    steps: int = field(default=LEAST_STEPS, kw_only=True)

    def rate_at(self, share: float) -> float:
        """One-cycle: a linear rise over the first 15 %, then half a cosine down to a hundredth."""
        if share < 0.15:
            return self.rate * (0.1 + 0.9 * share / 0.15)
        return self.rate * (0.01 + 0.99 * (1 + math.cos(math.pi * min((share - 0.15) / 0.85, 1.0))) / 2)


@dataclass(frozen=True)
class Job:
    """One fit as plain data, so that another process can do it: the network, what it learns, folders of the parts, course, choice, seed, checkpoint."""

    blueprint: Blueprint
    family: Family
    parts: tuple[Path, Path] = field(kw_only=True)
    recipe: Recipe | Worn = field(kw_only=True)
    course: Course = field(kw_only=True)
    choice: Choice = field(kw_only=True)
    seed: int = field(kw_only=True)
    kept: tuple[Path | None, str, State] = field(default=(None, "", {}), kw_only=True)  # checkpoint, its key, weights to start from


@dataclass(frozen=True, eq=False)
class Trained:
    """The best weights and what is worth noting of the fit (plain data)."""

    state: State
    notes: dict[str, Any]


def trained(job: Job, accelerator: str, processes: int) -> Trained:
    """Train on the devices of this machine; several of them share each step.

    Weights come back from other processes as a file: a queue that nobody reads before they end would hold them for ever.
    """
    strategy = "ddp_spawn" if processes > 1 else "auto"
    fabric = Fabric(accelerator=accelerator, devices=processes, strategy=strategy, precision=job.choice.precision)  # type: ignore[arg-type]
    with TemporaryDirectory() as folder:
        weights = Path(folder) / "weights.safetensors"
        notes = fabric.launch(partial(_fit, job=job, weights=weights))  # type: ignore[arg-type]
        return Trained(load_file(weights), notes)


@dataclass(frozen=True, eq=False)
class Feed:
    """Windows of a part where the training is: on the card where they fit (pixels as uint8, words by number as int32), else read from the memory-mapped file."""

    planes: np.ndarray | Tensor
    numbers: Tensor
    device: torch.device = field(kw_only=True)
    shape: tuple[int, int] = field(kw_only=True)
    channels: int = field(kw_only=True)

    @staticmethod
    def of(arrays: Arrays, blueprint: Blueprint, device: torch.device) -> Feed:
        """The feed of a part."""
        planes: np.ndarray | Tensor = arrays.planes
        if device.type == "cuda" and arrays.planes.nbytes < 0.5 * torch.cuda.mem_get_info(device)[0]:
            planes = torch.from_numpy(np.array(arrays.planes)).to(device)
        numbers = torch.from_numpy(np.array(arrays.numbers)).to(device)
        return Feed(planes, numbers, device=device, shape=blueprint.shape, channels=blueprint.channels)

    def raw(self, rows: Tensor) -> Tensor:
        """Planes (B, C, H, W) of uint8, of recordings float32, on the device; rows in rising order read a file fastest."""
        if isinstance(self.planes, Tensor):
            return self.planes[rows.to(self.device)]
        return torch.from_numpy(self.planes[rows.numpy()]).to(self.device)

    @property
    def text(self) -> bool:
        """Whether the planes hold numbers of words and no pixels."""
        return str(self.planes.dtype).removeprefix("torch.") == "int32"

    def _words(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Numbers of words (B, words), no masks, and numbers of rows as they are."""
        numbers = shown(self.raw(rows))
        return numbers, numbers.new_zeros(len(numbers), 0), self.numbers[rows.to(self.device)]

    def plain(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Images, mask planes and numbers of rows as they are."""
        rows = rows.sort().values
        if self.text:
            return self._words(rows)
        raw = self.raw(rows)
        if raw.is_floating_point():
            return raw, raw[:, :0], self.numbers[rows.to(self.device)]
        planes = middle(raw, self.shape)
        return centred(planes[:, :self.channels]), planes[:, self.channels:], self.numbers[rows.to(self.device)]

    def augmented(self, rows: Tensor, family: Family, recipe: Recipe | Worn, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Images, mask planes and numbers of rows, moved together, the images exposed anew."""
        rows = rows.sort().values
        if self.text:
            numbers, masks, answers = self._words(rows)
            return hidden(numbers, generator), masks, answers
        planes = self.raw(rows)
        if isinstance(recipe, Worn):
            return worn(planes, recipe, generator), planes[:, :0], self.numbers[rows.to(self.device)]
        how = motion(len(rows), recipe, source=(planes.shape[-2], planes.shape[-1]), frame=self.shape, generator=generator)
        planes = moved(planes, how)
        images = exposed(planes[:, :self.channels], recipe, generator)
        return centred(images), planes[:, self.channels:], told(family, self.numbers[rows.to(self.device)], how)


def _fit(fabric: Fabric, job: Job, weights: Path) -> dict[str, Any]:
    """One process of a fit: the best weights into a file, the notes as plain data; the process's random state is left as it was.

    Bound to its job by `partial`, because Fabric takes its arguments apart and stops at frozen records.
    """
    cards = [fabric.device.index or 0] if fabric.device.type == "cuda" else []
    with torch.random.fork_rng(devices=cards):
        result = Loop(fabric, job).run()
    if fabric.is_global_zero:
        save_file(result.state, weights)
    return result.notes


class Loop:
    """The state of one fit in one process."""

    def __init__(self, fabric: Fabric, job: Job) -> None:
        self.fabric, self.job, self.progress = fabric, job, Progress()
        train, tune = (opened_slices(folder) if (folder / SLICES).exists() else opened(folder) for folder in job.parts)
        self.train, self.tune = (SliceFeed.of(part, fabric.device) if isinstance(part, Slices) else Feed.of(part, job.blueprint, fabric.device) for part in (train, tune))
        network = started(job, train)
        optimiser = torch.optim.AdamW(grouped(network, job.course.decay), lr=job.course.rate, betas=(0.9, 0.99), fused=True)
        path, key, _ = job.kept
        self.best: State = {}
        known = checkpoint.progress_of(path, key)
        if known is not None and path is not None:
            self.progress, self.best = known, checkpoint.restore(path, network, optimiser)
            log.info("the fit goes on after epoch %d", known.epoch)
        self.bare = network
        self.network, self.optimiser = fabric.setup(network, optimiser)
        if hasattr(network, "losses"):
            self.network.mark_forward_method("losses")
        self.each = job.course.batch * fabric.world_size
        self.steps = max(job.course.steps, len(train) // self.each)
        self._now(planned=self.progress.planned or job.course.epochs * self.steps)
        self.begun, self.tuning = time.monotonic() - self.progress.seconds, 0.0

    def run(self) -> Trained:
        """Epoch after epoch until the plan is done, the tune part no longer gains, or the time is up."""
        while not self.progress.ended:
            learnt = self._epoch()
            tuned = self._tuned()
            least = self.progress.losses[self.progress.best - 1]["tune"] if self.best else math.nan
            if math.isnan(least) or tuned < least:
                self._now(best=self.progress.epoch + 1)
                self.best = copied(self.bare)
            self._now(epoch=self.progress.epoch + 1, losses=(*self.progress.losses, {"train": learnt, "tune": tuned}),
                      seconds=time.monotonic() - self.begun)
            self._now(ended=self._reason())
            self._keep()
        return Trained(self.best, self._notes())

    def _now(self, **changes: Any) -> None:
        self.progress = replace(self.progress, **changes)

    def _epoch(self) -> float:
        """One pass (or the steps that are left) over the train part; the mean loss."""
        seed = derive(self.job.seed, "epoch", self.progress.epoch)
        torch.manual_seed(seed + self.fabric.global_rank)
        generator = torch.Generator(self.fabric.device).manual_seed(seed + 1 + self.fabric.global_rank)
        self.network.train()
        total, start = [], time.monotonic()
        for number, rows in enumerate(self._shown(self._order(seed))):
            total.append(self._step(rows, generator))
            if number % 10 == PROBED:
                self._fit_in(each=(time.monotonic() - start) / (number + 1))
            if self.progress.step >= self.progress.planned:
                break
        self._now(busy=self.progress.busy + time.monotonic() - start)
        return self._mean(torch.stack(total).mean())

    def _shown(self, batches: Iterator[Tensor]) -> Iterator[Tensor]:
        """The batches, with a bar and the time left on the terminal of the first process."""
        epochs = math.ceil(self.progress.planned / self.steps)
        what = f"{self.job.blueprint.name}: epoch {self.progress.epoch + 1} of {epochs}"
        return track(batches, self.steps, what=what) if self.fabric.is_global_zero else batches

    def _order(self, seed: int) -> Iterator[Tensor]:
        """Rows of this process for each step of an epoch, every row as often as any other, drawn without replacement."""
        count, generator = len(self.train.numbers), torch.Generator().manual_seed(seed)
        rounds = math.ceil(self.steps * self.each / count)
        numbers = self.train.numbers.cpu()
        rows = torch.cat([dealt(self.job.family, numbers, generator) for _ in range(rounds)])
        for step in range(self.steps):
            yield rows[step * self.each:(step + 1) * self.each][self.fabric.global_rank::self.fabric.world_size]

    def _step(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        batch = self.train.augmented(rows, self.job.family, self.job.recipe, generator)  # type: ignore[arg-type]
        rate = self.job.course.rate_at(self.progress.step / self.progress.planned)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        loss = self.job.family.loss(self.network, self._laid(batch[0]), *batch[1:])
        self.fabric.backward(loss)
        self.fabric.clip_gradients(self.network, self.optimiser, max_norm=self.job.course.clip, error_if_nonfinite=False)
        self.optimiser.step()
        self.optimiser.zero_grad()
        self._now(step=self.progress.step + 1)
        return loss.detach()

    def _laid(self, images: Tensor) -> Tensor:
        return images.contiguous(memory_format=torch.channels_last) if self.job.choice.channels_last else images

    @torch.no_grad()
    def _tuned(self) -> float:
        """The mean loss on the tune part, without augmentation; nan where nothing of it can be judged."""
        self.network.eval()
        start = time.monotonic()
        rows = torch.arange(self.fabric.global_rank, len(self.tune.numbers), self.fabric.world_size)
        total = torch.zeros(2, device=self.fabric.device)
        for some in rows.split(2 * self.job.course.batch):
            images, masks, numbers = self.tune.plain(some)
            loss = self.job.family.loss(self.network, self._laid(images), masks, numbers)
            counts = weight(self.job.family, numbers)
            total += torch.stack((loss.float() * counts, loss.new_tensor(counts, dtype=torch.float32)))
        total = torch.as_tensor(self.fabric.all_reduce(total, reduce_op="sum"))
        self.tuning = time.monotonic() - start
        return float(total[0] / total[1])

    def _mean(self, value: Tensor) -> float:
        return float(torch.as_tensor(self.fabric.all_reduce(value, reduce_op="mean")))

    def _fit_in(self, each: float) -> None:
        """Plan fewer steps than named where those would miss the seconds by a twentieth, and more again once steps are faster; the first process decides."""
        tuning = self.tuning or 0.4 * each * len(self.tune.numbers) / self.each
        each += tuning / self.steps
        left = self.job.course.seconds - (time.monotonic() - self.begun)
        ahead = self.job.course.epochs * self.steps - self.progress.step
        affordable = int(max(left - tuning, 0) / each)
        planned = self.progress.step + (min(ahead, affordable) if ahead * each > 1.05 * left else ahead)
        self._now(planned=max(self.fabric.broadcast(planned), self.progress.step, 1))

    def _reason(self) -> str:
        planned = self.progress.planned
        if self.progress.step >= planned:
            return "as planned" if planned >= self.job.course.epochs * self.steps else "time"
        if self.fabric.broadcast(time.monotonic() - self.begun) > self.job.course.seconds:
            return "time"
        patience = max(5, math.ceil(self.job.course.patience * planned / self.steps))
        return "no gain on the tune part" if self.progress.epoch - self.progress.best >= patience else ""

    def _keep(self) -> None:
        path, key, _ = self.job.kept
        if path is not None and self.fabric.is_global_zero:
            checkpoint.write(path, key, self.progress, now=self.bare.state_dict(), best=self.best, optimiser=self.optimiser.optimizer)
        self.fabric.barrier()

    def _notes(self) -> dict[str, Any]:
        progress, course = self.progress, self.job.course
        used = round(progress.step / self.steps, 2)
        return {"epochs": {"named": course.epochs, "used": used}, "steps": progress.step, "steps_an_epoch": self.steps, "batch": self.each,
                "best_epoch": progress.best, "losses": list(progress.losses), "ended": progress.ended,
                "seconds": {"named": course.seconds, "used": round(progress.seconds, 2)}, "rate": course.rate,
                "images_per_second": round(progress.step * self.each / max(progress.busy, 1e-9), 2),
                "parameters": sum(p.numel() for p in self.bare.parameters()), "precision": self.job.choice.precision,
                "channels_last": self.job.choice.channels_last, "trial": self.job.choice.reason,
                "device": self.fabric.device.type, "devices": self.fabric.world_size,
                "windows": {"train": len(self.train.numbers), "tune": len(self.tune.numbers)}}


def started(job: Job, train: Arrays | Slices) -> nn.Module:
    """The network before its first step: seeded weights, or those given where name and shape agree; anchors, and the scale of recordings, from the train part."""
    network = job.blueprint.network(derive(job.seed, "weights"))
    torch.manual_seed(derive(job.seed, "start"))
    if hasattr(network, "set_scale") and isinstance(train, Arrays):
        network.set_scale(*scale_of(train.planes))  # type: ignore[operator]
    if hasattr(network, "set_anchors"):
        from osteon.networks.yolov5 import anchors_from

        boxes = torch.from_numpy(train.numbers[train.numbers[..., 0] >= 0][:, 1:])
        if len(boxes):
            network.set_anchors(anchors_from(boxes, seed=job.seed % 2**31))  # type: ignore[operator]
    if hasattr(network, "learn_anchors"):
        boxes = torch.from_numpy(train.numbers[train.numbers[..., 0] >= 0][:, 1:])
        if len(boxes):
            network.learn_anchors(boxes, seed=job.seed % 2**31)  # type: ignore[operator]
    if job.kept[2]:
        network.load_state_dict(fitting(network, job.kept[2]), strict=False)
    return network.to(memory_format=torch.channels_last) if job.choice.channels_last else network


def scale_of(planes: np.ndarray, *, most: int = 4096) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (channels,) of windows (n, channels, 1, samples), of `most` evenly spaced ones."""
    some = np.asarray(planes[:: max(1, len(planes) // most)], np.float64)
    return torch.from_numpy(some.mean(axis=(0, 2, 3))).float(), torch.from_numpy(some.std(axis=(0, 2, 3))).float()


def fitting(network: nn.Module, weights: State) -> State:
    """Those of the weights whose name and shape the network has."""
    own = network.state_dict()
    return {n: t for n, t in weights.items() if n in own and own[n].shape == t.shape}


def grouped(network: nn.Module, decay: float) -> list[dict[str, Any]]:
    """Parameters with weight decay (matrices, kernels) and without (biases, norms)."""
    known = [p for p in network.parameters() if p.requires_grad]
    return [{"params": [p for p in known if p.ndim > 1], "weight_decay": decay},
            {"params": [p for p in known if p.ndim <= 1], "weight_decay": 0.0}]


def copied(network: nn.Module) -> State:
    """The weights as they are now, on the CPU."""
    return {n: t.detach().cpu().contiguous().clone() for n, t in network.state_dict().items()}

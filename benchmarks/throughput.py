"""Training throughput of one ResNet-18 at 128 pixels: the loop of osteon beside a plain timm loop in float32, in one run.

`python -m benchmarks.throughput [--images 512] [--epochs 2]` prints images a second (wall) and images a processor-second of both, and
their ratio. The plain loop is what people write: a DataLoader over single pictures, each augmented by itself with torchvision, contiguous
float32. Both see the same pictures, batch size, optimiser and number of steps; laying out the arrays is outside of both clocks.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from osteon.case import Case
from osteon.cohort import Cohort
from osteon.models import machine
from osteon.models.arrays import laid_out
from osteon.models.families import family_of
from osteon.models.machine import Blueprint
from osteon.models.training import Course, Job, trained
from osteon.models.views import View
from osteon.targets import Classes
from osteon.value import Grid, Label, Picture

SIDE, BATCH, NAMES = 128, 16, ("a", "b")


def pictures(count: int) -> Cohort:
    """Noise with a bright or a dark middle: what is learnt does not matter here."""
    rng = np.random.default_rng(0)
    cases = []
    for number in range(count):
        film = rng.normal(120, 30, (SIDE, SIDE))
        film[40:90, 40:90] += 40 * (number % 2)
        picture = Picture(film.clip(0, 255).astype(np.uint8), Grid((SIDE, SIDE)))
        cases.append(Case(str(number), str(number), inputs={"film": picture}, truth={"class": Label(NAMES[number % 2])}))
    return Cohort("pictures", "simulated", cases=cases)


class Single(torch.utils.data.Dataset):
    """One picture at a time, augmented by itself."""

    def __init__(self, cohort: Cohort) -> None:
        from torchvision.transforms import v2

        self.cases = list(cohort)
        self.change = v2.Compose([v2.ToImage(), v2.RandomAffine(7, translate=(0.05, 0.05), scale=(0.9, 1.1)), v2.ColorJitter(0.2, 0.2),
                                  v2.GaussianBlur(3), v2.ToDtype(torch.float32, scale=True), v2.GaussianNoise(sigma=0.02),
                                  v2.Normalize([0.5], [0.25])])

    def __len__(self) -> int:
        return len(self.cases)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        case = self.cases[index]
        return self.change(case.inputs["film"].array[..., None].copy()), NAMES.index(case.truth["class"].name)


def plain(cohort: Cohort, epochs: int) -> tuple[float, float]:
    """Wall and processor seconds of a plain timm loop in float32."""
    import timm

    network = timm.create_model("resnet18", in_chans=1, num_classes=2)
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=0.05)
    loader = torch.utils.data.DataLoader(Single(cohort), batch_size=BATCH, shuffle=True, drop_last=True)
    network.train()
    clocks = time.perf_counter(), time.process_time()
    for _ in range(epochs):
        for images, classes in loader:
            loss = torch.nn.functional.cross_entropy(network(images), classes)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return time.perf_counter() - clocks[0], time.process_time() - clocks[1]


def ours(cohort: Cohort, epochs: int, folder: Path) -> tuple[float, float, dict[str, Any]]:
    """Wall and processor seconds of osteon's loop (its evaluation, on one batch, included) and its notes."""
    view, family = View("film", None, channels=1, shape=(SIDE, SIDE)), family_of(Classes(NAMES))
    few = cohort.take(np.arange(BATCH))
    for name, part in (("train", cohort), ("tune", few)):
        laid_out(part, view, family, target="class", folder=folder / name, key="")
    blueprint = Blueprint("resnet18", 1, 2, 1.0, (SIDE, SIDE))
    job = Job(blueprint, family, parts=(folder / "train", folder / "tune"), recipe=family.recipe(False), seed=0,
              course=Course(epochs, BATCH, rate=1e-3, seconds=1e6), choice=machine.choose(blueprint, "cpu", machine.TRIAL_SECONDS))
    clocks = time.perf_counter(), time.process_time()
    notes = trained(job, "cpu", 1).notes
    return time.perf_counter() - clocks[0], time.process_time() - clocks[1], notes


def main() -> None:
    """Run both in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=512)
    parser.add_argument("--epochs", type=int, default=2)
    asked = parser.parse_args()
    logging.getLogger("lightning_fabric").setLevel(logging.ERROR)
    cohort = pictures(max(asked.images, 25 * BATCH))
    count = asked.epochs * (len(cohort) // BATCH) * BATCH
    plain(cohort.take(np.arange(2 * BATCH)), 1)  # warm
    with tempfile.TemporaryDirectory() as folder:
        wall, processor, notes = ours(cohort, asked.epochs, Path(folder))
    other_wall, other_processor = plain(cohort, asked.epochs)
    print(f"ResNet-18, {SIDE} px, batch {BATCH}, {count} images, {torch.get_num_threads()} threads, {torch.backends.cpu.get_cpu_capability()}, "
          f"bfloat16 in hardware: {'yes' if machine.has_bfloat16() else 'no'}")
    print(f"osteon ({notes['precision']}, channels last: {notes['channels_last']}): {count / wall:.1f} images/s, {count / processor:.1f} a processor-second")
    print(f"  trial: {notes['trial']}")
    print(f"plain timm loop (float32): {count / other_wall:.1f} images/s, {count / other_processor:.1f} a processor-second")
    print(f"ratio: {other_wall / wall:.2f} by the wall, {other_processor / processor:.2f} by the processor")


if __name__ == "__main__":
    main()

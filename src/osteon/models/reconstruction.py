"""Raw MRI signal as a network learns it: the slice is the unit of training and the file the case, masks are drawn anew whenever a slice is shown.

The readout is transformed once; what is left is one problem for each row, so that a band of rows is a whole example and shortens a step.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from osteon.budget import Budget
from osteon.case import Case
from osteon.cohort import Cohort
from osteon.errors import DataError, StudyError, message
from osteon.models.augment import Recipe
from osteon.models.machine import Blueprint
from osteon.models.protocol import missing_input
from osteon.progress import track
from osteon.readers.coils import Given, Sampling, given, given_lines, middle, rows_by_lines
from osteon.value import KSpace, Picture, Value, Withheld

TOGETHER = 2  # slices in one call of the network: more gain nothing on a CPU, and how many decides the last digit of an answer
SLICES = "slices.json"  # of a folder of slices, written last
RAW_STEPS = 18  # of an epoch at least: a step holds what several of a film do
SIDE = 7  # pixels of the window of the structural similarity
K1, K2 = 0.01, 0.03
Row = tuple[list[int], np.ndarray, bool, float]  # of a slice: index, mask, whether another may be drawn, range of its reference


@dataclass(frozen=True)
class LinesView:
    """What a network sees of a signal by name: lines by a sampling; in training a `band` of rows, and at most so many `slices` of a part.

    `coils` and `lines` are those of the first file; others may have more or fewer.
    """

    kspace: str
    sampling: Sampling
    coils: int = field(kw_only=True)
    lines: int = field(kw_only=True)
    band: int = field(kw_only=True)
    slices: int = field(kw_only=True)
    boxes: None = field(default=None, init=False)

    @property
    def reads(self) -> tuple[str, ...]:
        """The name of the input."""
        return (self.kspace,)

    @property
    def channels(self) -> int:
        """Real and imaginary parts of the coils."""
        return 2 * self.coils

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and lines that are shown in training."""
        return self.band, self.lines

    @property
    def stored(self) -> tuple[int, int]:
        """The same: slices are stored whole, each in its own size."""
        return self.shape

    @property
    def told(self) -> int:
        """Nothing stands beside the signal."""
        return 0

    @property
    def dtype(self) -> str:
        """Of a stored slice."""
        return "float16"

    def count(self, inputs: Mapping[str, Any]) -> int:
        """Whether there is a file."""
        return int(self.kspace in inputs)

    def see(self, inputs: Mapping[str, Any]) -> Given | Withheld:
        """The lines of a case that a model may use; withheld where the signal is missing or can not be read."""
        reason = missing_input(inputs, self.reads)
        try:
            found = Withheld(reason) if reason else inputs[self.kspace]
        except DataError as fault:
            return Withheld(str(fault))
        return found if isinstance(found, Withheld) else given(found, self.sampling)


def view_from(plain: Mapping[str, Any]) -> LinesView:
    """The view that `asdict` made plain."""
    known = {name: int(plain[name]) for name in ("coils", "lines", "band", "slices")}
    return LinesView(str(plain["kspace"]), Sampling(**plain["sampling"]), **known)


@dataclass(frozen=True)
class PicturesFamily:
    """A picture for each slice; the numbers of a slice are the largest value of the reference of its file (1,), in units of the signal as it is shown."""

    planes: int = field(default=0, kw_only=True)
    outputs: int = field(default=1, kw_only=True)
    rate: float = field(default=3e-3, kw_only=True)

    def recipe(self, crops: bool) -> Recipe:
        """Nothing is moved or exposed: another mask and another band of rows are what a slice is varied by."""
        return Recipe()

    def numbers(self, truth: Value, seen: Any) -> list[np.ndarray] | None:
        """None: slices are laid out by `laid_out_slices`, from the raw signal alone."""
        raise StudyError(message("Net", "a picture is not learnt from a picture yet", expected="raw MRI signal as the input"))

    def loss(self, network: nn.Module, images: Tensor, masks: Tensor, numbers: Tensor) -> Tensor:
        """1 less the structural similarity to the reference (B, 1, rows, cols), as fastMRI trains its variational networks."""
        answer = network(images)
        left = (answer.shape[-1] - masks.shape[-1]) // 2
        return 1 - similarity(answer[..., left:left + masks.shape[-1]], masks, numbers[:, 0])

    def outputs_of(self, network: nn.Module, images: Tensor) -> list[Any]:
        """Pictures (rows, lines) a slice."""
        return list(network(images)[:, 0].float().cpu().numpy())

    def answer(self, outputs: Sequence[Any], seen: Any) -> Value:
        """The picture of all slices, in the middle of the field."""
        assert isinstance(seen, Given)
        return seen.answered(middle(np.stack(outputs), *seen.grid.shape[1:]))


def similarity(answer: Tensor, reference: Tensor, peak: Tensor) -> Tensor:
    """Mean structural similarity of pictures (B, 1, rows, cols) with a uniform window of 7 x 7 and a range `peak` (B,), as `stats.reconstruction.ssim` has it."""
    answer, reference, unbias = answer.float(), reference.float(), SIDE**2 / (SIDE**2 - 1)
    first, second = ((k * peak.float()[:, None, None, None]) ** 2 for k in (K1, K2))
    mean_a, mean_r = functional.avg_pool2d(answer, SIDE, 1), functional.avg_pool2d(reference, SIDE, 1)
    of = [unbias * (functional.avg_pool2d(x * y, SIDE, 1) - mx * my) for x, y, mx, my in
          ((answer, answer, mean_a, mean_a), (reference, reference, mean_r, mean_r), (answer, reference, mean_a, mean_r))]
    ratio = (2 * mean_a * mean_r + first) * (2 * of[2] + second) / ((mean_a**2 + mean_r**2 + first) * (of[0] + of[1] + second))
    return ratio.mean()


def designed(name: str, kspace: str, train: Cohort, settings: Mapping[str, Any], *, budget: Budget) -> tuple[LinesView, Blueprint]:
    """View and blueprint of a network on raw signal, from the first file that can be read; raises DataError where none can, StudyError for another input."""
    found, fault = None, DataError(message(f"cohort {train.name}", f"no case has the input {kspace!r}"))
    for case in train:
        try:
            found = case.inputs.get(kspace)
        except DataError as error:
            fault = error
        if found is not None:
            break
    if found is None:
        raise fault
    if not isinstance(found, KSpace):
        raise StudyError(message(f"Net {name!r}", "a picture is answered from raw MRI signal only", expected="an input KSpace(...)", found=f"Found {type(found).__name__}"))
    named = {key: settings[key] for key in ("acceleration", "lines", "mask") if key in settings}
    coils, lines, rows = found.array.shape[1], found.array.shape[-1], found.grid.shape[1]
    view = LinesView(kspace, Sampling(**named), coils=coils, lines=lines, band=min(rows, budget.crop_side), slices=max(budget.cases, len(train)))
    return view, Blueprint(name, view.channels, 1, budget.width, view.shape)


@dataclass(frozen=True, eq=False)
class Slices:
    """Slices of a part in one file of 16-bit floats: of each its signal (2 * coils, rows, lines) and its reference (rows, cols), one after the other.

    `index` (n, 5): where it begins, coils, rows, lines, columns of the reference. `masks` (n, most lines): the lines of the file's own mask. `free` (n,):
    whether another may be drawn. `numbers` (n, 1): the range of the reference. `named`: how many slices the files hold.
    """

    store: np.ndarray
    index: np.ndarray
    masks: np.ndarray = field(kw_only=True)
    free: np.ndarray = field(kw_only=True)
    numbers: np.ndarray = field(kw_only=True)
    view: LinesView = field(kw_only=True)
    named: int = field(kw_only=True)
    skipped: dict[str, str] = field(default_factory=dict, kw_only=True)

    def __len__(self) -> int:
        return len(self.index)

    def slice(self, row: int, first: int, band: int) -> tuple[np.ndarray, np.ndarray]:
        """Signal and reference of a slice, a band of its rows."""
        start, coils, rows, lines, cols = self.index[row].tolist()
        signal = self.store[start:start + 2 * coils * rows * lines].reshape(2 * coils, rows, lines)
        reference = self.store[start + signal.size:start + signal.size + rows * cols].reshape(rows, cols)
        return signal[:, first:first + band], reference[first:first + band]


def opened_slices(folder: Path) -> Slices:
    """Slices of a folder, the large file memory-mapped."""
    noted = json.loads((folder / SLICES).read_text(encoding="utf-8"))
    tables = np.load(folder / "tables.npz")
    return Slices(np.memmap(folder / "slices.f16", np.float16, "r"), tables["index"], masks=tables["masks"], free=tables["free"], numbers=tables["numbers"],
                  view=view_from(noted["view"]), named=noted["named"], skipped=noted["skipped"])


def laid_out_slices(cohort: Cohort, view: LinesView, *, target: str, folder: Path, key: str) -> Slices:
    """The slices of a part in `folder`, evenly drawn from its files; a complete one with the same `key` is opened instead.

    Files without a reference are left out, one that can not be read stands in `skipped`. Raises DataError where nothing is left.
    """
    done = folder / SLICES
    if done.exists() and json.loads(done.read_text(encoding="utf-8"))["key"] == key:
        return opened_slices(folder)
    part = folder.with_name(f".{folder.name}.part")
    for old in (part, folder):
        shutil.rmtree(old, ignore_errors=True)
    part.mkdir(parents=True)
    named, skipped = _write(cohort, view, target, part)
    (part / SLICES).write_text(json.dumps({"key": key, "view": asdict(view), "named": named, "skipped": skipped}), encoding="utf-8")
    part.rename(folder)
    return opened_slices(folder)


def _write(cohort: Cohort, view: LinesView, target: str, folder: Path) -> tuple[int, dict[str, str]]:
    """Write slices of every file one after the other; how many there are in all, and the files that could not be used, with the reason."""
    skipped: dict[str, str] = {}
    rows: list[Row] = []
    each, begins, named = max(1, view.slices // max(1, len(cohort))), 0, 0
    with (folder / "slices.f16").open("wb") as out:
        for case in track(cohort, len(cohort), what=f"Reading {target}"):
            try:
                signal, reference, kspace = _shown(case, view, target)
            except DataError as fault:
                skipped[case.id] = str(fault)
                continue
            mask, named = given_lines(kspace, view.sampling), named + len(signal)
            for number in np.unique(np.linspace(0, len(signal) - 1, min(each, len(signal))).round().astype(int)).tolist():
                for part in (signal[number].real, signal[number].imag, reference[number]):
                    out.write(part.astype(np.float16).tobytes())
                rows.append(([begins, *signal.shape[1:], reference.shape[2]], mask, kspace.taken is None, float(reference.max())))
                begins += 2 * signal[number].size + reference[number].size
    if not rows:
        raise DataError(message(f"cohort {cohort.name}", f"none of the {len(cohort)} cases can be used", expected=f"{view.kspace} and a reference of {target!r}", found=next(iter(skipped.values()), "")))
    _tables(rows, folder)
    return named, skipped


def _shown(case: Case, view: LinesView, target: str) -> tuple[np.ndarray, np.ndarray, KSpace]:
    """Signal (slices, coils, rows, lines) and reference (slices, rows, cols) of a case as a network is shown them; raises DataError where one is missing."""
    reason = missing_input(case.inputs, view.reads) or ("" if target in case.truth else f"no reference of {target}")
    if reason:
        raise DataError(message(f"case {case.id}", reason))
    kspace, truth = case.inputs[view.kspace], case.truth[target]
    if not isinstance(kspace, KSpace) or not isinstance(truth, Picture) or truth.array.shape != kspace.grid.shape:
        raise DataError(message(f"case {case.id}", "the reference does not fit the signal", expected=f"a picture of {getattr(getattr(kspace, 'grid', None), 'shape', 'the signal')}"))
    scale = _scale(given(kspace, view.sampling))
    return rows_by_lines(kspace) * scale, truth.array * scale, kspace


def _scale(known: Given) -> float:
    """What brings the zero-filled picture of a file to a largest value of 1: known without the reference."""
    return 1.0 / max(float(known.zero_filled().max()), 1e-30)


def _tables(rows: Sequence[Row], folder: Path) -> None:
    most = max(len(mask) for _, mask, _, _ in rows)
    masks = np.stack([np.pad(mask, (0, most - len(mask))) for _, mask, _, _ in rows])
    with (folder / "tables.npz").open("wb") as out:
        np.savez(out, index=np.array([index for index, *_ in rows], np.int64), masks=masks, free=np.array([free for _, _, free, _ in rows]),
                 numbers=np.array([[peak] for *_, peak in rows], np.float32))


@dataclass(frozen=True, eq=False)
class SliceFeed:
    """Slices of a part where the training is."""

    slices: Slices
    device: torch.device
    numbers: Tensor = field(kw_only=True)

    @staticmethod
    def of(slices: Slices, device: torch.device) -> SliceFeed:
        """The feed of a part."""
        return SliceFeed(slices, device, numbers=torch.from_numpy(np.array(slices.numbers)).to(device))

    def plain(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Signals, references and ranges of slices of one shape under the masks of their files, the middle band."""
        return self._batch(rows.tolist(), None)

    def augmented(self, rows: Tensor, family: Any, recipe: Recipe, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """The same under masks drawn anew and a band anywhere."""
        seed = torch.randint(2**31, (1,), generator=generator, device=generator.device)
        return self._batch(rows.tolist(), np.random.RandomState(int(seed)))

    def _batch(self, rows: Sequence[int], rng: np.random.RandomState | None) -> tuple[Tensor, Tensor, Tensor]:
        alike = [row for row in rows if (self.slices.index[row, 1:] == self.slices.index[rows[0], 1:]).all()]
        signals, references = zip(*(self._one(row, rng) for row in alike), strict=True)
        made = (torch.from_numpy(np.stack(part)).to(self.device).float() for part in (signals, references))
        return (*made, self.numbers[torch.tensor(alike, device=self.numbers.device)])  # type: ignore[return-value]

    def _one(self, row: int, rng: np.random.RandomState | None) -> tuple[np.ndarray, np.ndarray]:
        """Signal (2 * coils, band, lines), zero in lines that are not taken, and reference (1, band, cols)."""
        rows, lines = self.slices.index[row, 2:4].tolist()
        band = min(self.slices.view.band, rows)
        first = (rows - band) // 2 if rng is None else int(rng.randint(rows - band + 1))
        taken = self.slices.masks[row, :lines] if rng is None or not self.slices.free[row] else self.slices.view.sampling.drawn(rng, lines)
        signal, reference = self.slices.slice(row, first, band)
        return signal * taken, reference[None]


def reconstructed(view: LinesView, family: PicturesFamily, network: nn.Module, cohort: Cohort, *, device: torch.device) -> Iterator[Value]:
    """One picture a case, in order, one file in memory at a time."""
    for case in cohort:
        seen = view.see(case.inputs)
        yield seen if isinstance(seen, Withheld) else _answer(seen, family, network, device)


def _answer(seen: Given, family: PicturesFamily, network: nn.Module, device: torch.device) -> Value:
    scale, out = _scale(seen), []
    for first in range(0, len(seen.signal), TOGETHER):
        some = seen.signal[first:first + TOGETHER] * scale
        images = np.concatenate((some.real, some.imag), axis=1).astype(np.float32)
        out += family.outputs_of(network, torch.from_numpy(images).to(device))
    return family.answer([picture / scale for picture in out], seen)

"""Networks on raw signal: slices as they are laid out and shown, what a network may never see, and what it learns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from osteon.budget import SMOKE
from osteon.case import Lazy
from osteon.cohort import Cohort
from osteon.errors import DataError, NotFitted, RunError, StudyError
from osteon.models import Apart, Desk, Formula, Net
from osteon.models.augment import Recipe
from osteon.models.reconstruction import LinesView, PicturesFamily, SliceFeed, laid_out_slices, opened_slices, similarity
from osteon.readers.coils import Sampling, given, zero_filled
from osteon.stats import reconstruction
from osteon.targets import Classes, Pictures, Target
from osteon.value import KSpace, Picture, Value, Withheld
from raw_signal import COILS, LINES, SIDE, SLICES, cohort, phantom

MASK = Sampling(4.0, 0.12)
VIEW = LinesView("kspace", MASK, coils=COILS, lines=LINES, band=32, slices=99)
TARGETS: dict[str, Target] = {"image": Pictures("whole field", body=True)}
SMALL = SMOKE.with_(epochs=2, crop_side=32)


def net(name: str = "zero_filled_unet", **settings: float) -> Net:
    return Net(name, reads=("kspace",), writes=("image",), settings=vars(MASK) | {"batch": 1} | settings)


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Cohort, Cohort, Cohort]:
    folder = tmp_path_factory.mktemp("signal")
    return cohort(folder / "train", 10), cohort(folder / "tune", 4, first=20), cohort(folder / "test", 4, first=40)


@pytest.fixture(scope="module")
def fitted(parts: tuple[Cohort, Cohort, Cohort]) -> Net:
    return net().fit(*parts[:2], TARGETS, Desk(SMALL, 3))


def ssim(part: Cohort, answers: Iterator[dict[str, Value]]) -> float:
    return float(np.mean([TARGETS["image"].compare(case.truth["image"], answer["image"])[0].numbers["ssim"] for case, answer in zip(part, answers, strict=True)]))


def test_slices_are_laid_out_whole_and_once(parts: tuple[Cohort, Cohort, Cohort], tmp_path: Path) -> None:
    made = laid_out_slices(parts[1], VIEW, target="image", folder=tmp_path / "tune", key="a")
    assert len(made) == 4 * SLICES and made.free.all() and not made.skipped
    case = parts[1].cases[1]
    known, truth = given(case.inputs["kspace"], MASK), case.truth["image"]
    signal, reference = made.slice(SLICES + 1, 0, SIDE)
    scale = known.zero_filled().max()
    assert np.allclose(reference, truth.array[1] / scale, atol=2e-3) and made.numbers[SLICES + 1, 0] == pytest.approx(truth.array.max() / scale, rel=1e-3)
    both = (signal[:COILS] + 1j * signal[COILS:]) * known.taken
    assert np.abs(both - known.signal[1] / scale).max() < 1e-3 * np.abs(both).max()
    written = (tmp_path / "tune" / "slices.f16").stat().st_mtime_ns
    again = laid_out_slices(parts[1], VIEW, target="image", folder=tmp_path / "tune", key="a")
    assert (tmp_path / "tune" / "slices.f16").stat().st_mtime_ns == written and again.view == opened_slices(tmp_path / "tune").view == VIEW
    few = laid_out_slices(parts[1], replace(VIEW, slices=4), target="image", folder=tmp_path / "few", key="a")
    assert (len(few), few.named) == (4, 4 * SLICES), "one a file, for a budget of four"


def test_masks_and_bands_are_drawn_anew_in_training_and_stay_fixed_on_the_tune_part(parts: tuple[Cohort, Cohort, Cohort], tmp_path: Path) -> None:
    slices = laid_out_slices(parts[0], VIEW, target="image", folder=tmp_path / "train", key="a")
    feed, rows = SliceFeed.of(slices, torch.device("cpu")), torch.tensor([0, 3])
    generator = torch.Generator().manual_seed(0)
    shown = [feed.augmented(rows, PicturesFamily(), Recipe(), generator) for _ in range(4)]
    masks = [tuple((images[0] != 0).any(dim=0).any(dim=0).tolist()) for images, _, _ in shown]
    assert len(set(masks)) > 1 and all(sum(mask) == pytest.approx(LINES / 4, abs=2) for mask in masks)
    assert len({float(reference.sum()) for _, reference, _ in shown}) > 1, "bands differ"
    same = feed.augmented(rows, PicturesFamily(), Recipe(), torch.Generator().manual_seed(0))
    assert all(torch.equal(a, b) for a, b in zip(same, shown[0], strict=True))
    plain = [feed.plain(rows) for _ in range(2)]
    assert all(torch.equal(a, b) for a, b in zip(*plain, strict=True)) and plain[0][0].shape == (2, 2 * COILS, 32, LINES) and plain[0][1].shape == (2, 1, 32, SIDE)
    named = MASK.named(parts[0].cases[0].inputs["kspace"].name, LINES)
    assert ((plain[0][0][0] != 0).any(dim=0).any(dim=0).numpy() == named).all()


def test_a_file_keeps_the_mask_that_it_was_acquired_with(parts: tuple[Cohort, Cohort, Cohort], tmp_path: Path) -> None:
    own = np.zeros(LINES, bool)
    own[20:52] = True

    def measured(case: object) -> object:
        kspace = case.inputs["kspace"]  # type: ignore[attr-defined]
        return case.with_inputs(kspace=KSpace(kspace.array * own, kspace.grid, name=kspace.name, taken=own))  # type: ignore[attr-defined]

    slices = laid_out_slices(parts[0].map(measured), VIEW, target="image", folder=tmp_path / "train", key="a")  # type: ignore[arg-type]
    assert not slices.free.any()
    images, _, _ = SliceFeed.of(slices, torch.device("cpu")).augmented(torch.tensor([2]), PicturesFamily(), Recipe(), torch.Generator().manual_seed(0))
    assert ((images[0] != 0).any(dim=0).any(dim=0).numpy() == own).all()


def test_the_loss_is_the_published_similarity() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random((1, 1, 40, 50)).astype(np.float32)
    answer = truth + 0.1 * rng.normal(size=truth.shape).astype(np.float32)
    peak = torch.tensor([1.3])
    found = float(similarity(torch.from_numpy(answer), torch.from_numpy(truth), peak))
    assert found == pytest.approx(reconstruction.ssim(truth[0, 0], answer[0, 0], data_range=1.3), abs=1e-4)


def test_a_short_training_beats_the_zero_filled_picture(parts: tuple[Cohort, Cohort, Cohort], fitted: Net) -> None:
    zero = Formula(partial(zero_filled, sampling=MASK), reads=("kspace",), writes=("image",))
    assert ssim(parts[2], fitted.predict(parts[2])) > ssim(parts[2], zero.predict(parts[2])) + 0.02


def test_an_answer_depends_on_the_taken_lines_alone(parts: tuple[Cohort, Cohort, Cohort], fitted: Net) -> None:
    case = parts[2].cases[0]
    kspace = case.inputs["kspace"]
    taken = MASK.named(kspace.name, LINES)
    noise = 10 * np.random.default_rng(0).normal(size=kspace.array.shape) * ~taken
    other = case.with_inputs(kspace=KSpace(kspace.array + noise, kspace.grid, name=kspace.name))
    first, second = (next(fitted.predict(replace(parts[2], cases=[c])))["image"] for c in (case, other))
    assert isinstance(first, Picture) and isinstance(second, Picture) and np.array_equal(first.array, second.array)
    assert set(first.notes) == {"residual", "lines", "of"} and first.grid == kspace.grid


def test_the_same_seed_gives_the_same_answer_and_files_keep_it(parts: tuple[Cohort, Cohort, Cohort], fitted: Net, tmp_path: Path) -> None:
    again = net().fit(*parts[:2], TARGETS, Desk(SMALL, 3))
    fitted.save(tmp_path)
    loaded = net().load(tmp_path, TARGETS)
    told, second, third = ([answer["image"] for answer in model.predict(parts[2])] for model in (fitted, again, loaded))
    for a, b, c in zip(told, second, third, strict=True):
        assert isinstance(a, Picture) and isinstance(b, Picture) and isinstance(c, Picture)
        assert np.array_equal(a.array, b.array) and np.array_equal(a.array, c.array)
    with pytest.raises(RunError, match="another network"):
        net("varnet").load(tmp_path, TARGETS)


def test_a_file_that_is_missing_or_can_not_be_read_withholds_the_answer(parts: tuple[Cohort, Cohort, Cohort], fitted: Net) -> None:
    from osteon.case import Deferred

    def fails() -> KSpace:
        raise DataError("the file is cut short")

    case = parts[2].cases[0]
    asked = [replace(case, inputs=Lazy({})), replace(case, inputs=Lazy({"kspace": Deferred(fails)})), case]
    first, second, third = (answer["image"] for answer in fitted.predict(replace(parts[2], cases=asked)))
    assert isinstance(first, Withheld) and first.reason == "no kspace"
    assert isinstance(second, Withheld) and "cut short" in second.reason and isinstance(third, Picture)


def test_what_can_not_be_learnt_is_refused(parts: tuple[Cohort, Cohort, Cohort]) -> None:
    with pytest.raises(NotFitted):
        next(net().predict(parts[2]))
    flat = parts[0].map(lambda case: case.with_inputs(kspace=case.truth["image"]))
    with pytest.raises(StudyError, match="raw MRI signal only"):
        net().fit(flat, flat, TARGETS, Desk(SMALL, 0))
    without = parts[0].map(lambda case: replace(case, truth=Lazy({})))
    with pytest.raises(DataError, match="none of the 10 cases can be used"):
        net().fit(without, without, TARGETS, Desk(SMALL, 0))
    with pytest.raises(StudyError, match="makes pictures of raw signal"):
        net().fit(*parts[:2], {"image": Classes(("whole", "torn"))}, Desk(SMALL, 0))
    with pytest.raises(StudyError, match="no setting 'acceleratio'"):
        net(acceleratio=4.0)


def test_files_of_other_sizes_are_learnt_from_beside_each_other(parts: tuple[Cohort, Cohort, Cohort], tmp_path: Path) -> None:
    odd = phantom(77)
    wide = KSpace(np.pad(odd.array, ((0, 0), (0, 1), (0, 0), (4, 4))), odd.grid, name="wide.h5")
    mixed = replace(parts[0], cases=[parts[0].cases[0], parts[0].cases[1].with_inputs(kspace=wide)])
    slices = laid_out_slices(mixed, VIEW, target="image", folder=tmp_path / "mixed", key="a")
    assert slices.index[:, 3].tolist() == [LINES, LINES, LINES + 8, LINES + 8]
    images, references, numbers = SliceFeed.of(slices, torch.device("cpu")).plain(torch.tensor([2, 0, 3]))
    assert images.shape == (2, 2 * (COILS + 1), 32, LINES + 8) and len(references) == len(numbers) == 2


def test_one_network_a_contrast_is_fitted_on_its_own_cases_and_asked_about_them(parts: tuple[Cohort, Cohort, Cohort], tmp_path: Path) -> None:
    desk = Desk(SMALL.with_(epochs=1), 1)
    apart = Apart(net(), by="contrast").fit(*parts[:2], TARGETS, desk)
    assert desk.notes["kinds"] == {"PD": [5, 2], "PD-fs": [5, 2]} and set(apart.fitted) == {"PD", "PD-fs"}
    both = [answer["image"] for answer in apart.predict(parts[2])]
    alone = [answer["image"] for answer in apart.fitted["PD-fs"].predict(parts[2])]
    same = [isinstance(a, Picture) and isinstance(b, Picture) and np.array_equal(a.array, b.array) for a, b in zip(both, alone, strict=True)]
    assert same == [False, True, False, True]
    apart.save(tmp_path)
    back = Apart(net(), by="contrast").load(tmp_path, TARGETS)
    assert all(isinstance(a["image"], Picture) and isinstance(b, Picture) and np.array_equal(a["image"].array, b.array) for a, b in zip(back.predict(parts[2]), both, strict=True))
    other = parts[2].map(lambda case: replace(case, attributes={"contrast": "T2"}))
    answers = [answer["image"] for answer in apart.predict(other)]
    assert all(isinstance(a, Withheld) and a.reason == "no model was fitted for contrast T2" for a in answers)
    with pytest.raises(DataError, match="no value of 'tesla'"):
        Apart(net(), by="tesla").fit(*parts[:2], TARGETS, desk)
    with pytest.raises(NotFitted):
        next(Apart(net(), by="contrast").predict(parts[2]))
    with pytest.raises(RunError, match="another attribute"):
        Apart(net(), by="tesla").load(tmp_path, TARGETS)

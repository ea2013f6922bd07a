"""What each piece of Huang 2020 is for, on slices with a known truth: levels counted from the sacrum, explicit measures, signal over that of fluid."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import binary_erosion

from osteon.errors import StudyError
from osteon.geometry.spine_mri import LEVELS, PARTS, SPINE_UNITS, measure_spine
from osteon.models import Arm, Chain, Net
from osteon.simulate.lumbar_mri import LumbarSlice, lumbar_slice
from osteon.simulate.lumbar_mri_scene import STRUCTURES
from osteon.studies import study
from osteon.targets import Masks
from osteon.validation.analyses import Correlates
from osteon.value import Mask, Picture, Readings

SLICES = 4


@cache
def made(k: int) -> LumbarSlice:
    return lumbar_slice((31, k), site="AB"[k % 2])


@cache
def read(k: int, labelled: bool = True) -> Readings:
    return measure_spine(made(k).parts, Picture(made(k).stored, made(k).grid), labelled=labelled)


def of(parts: Mask) -> Readings:
    return measure_spine(parts, Picture(made(0).stored, made(0).grid))


def pairs(name: str, labelled: bool = True) -> np.ndarray:
    """Truth and reading (n, 2) of every level of every slice; 0 where nothing was read."""
    found = [(made(k).readings.values[f"{name}.{level}"], read(k, labelled).values[f"{name}.{level}"]) for k in range(SLICES) for level in LEVELS]
    known = np.array([pair for pair in found if not np.isnan(pair[0])])
    return np.nan_to_num(known)


def error(name: str, labelled: bool = True) -> float:
    return float(np.abs(np.diff(pairs(name, labelled), axis=1)).mean())


@pytest.mark.parametrize(("name", "most"), [("vertebra_height", 0.6), ("vertebra_width", 0.6), ("vertebra_area", 12.0), ("disc_height", 0.4), ("disc_width", 0.7), ("disc_area", 10.0), ("disc_bulge", 7.0)])
def test_exact_outlines_give_the_readings_of_the_anatomy(name: str, most: float) -> None:
    assert error(name) < most
    if name != "disc_bulge":
        assert np.corrcoef(pairs(name).T)[0, 1] > 0.9, "four spines of much the same size"


def test_without_level_labels_the_readings_are_those_of_other_levels() -> None:
    """Several slices show thoracic bodies above L1: counted from the top of the picture, heights belong to another vertebra and the lowest discs are lost."""
    for name in ("disc_height", "disc_area", "vertebra_area"):
        assert error(name, labelled=False) > 4 * error(name), name


def test_without_explicit_measures_an_outline_says_no_height() -> None:
    """Eroding the outlines by a pixel takes two pixels of height: what is measured follows the outline and no prior."""
    pixel = (made(0).grid.spacing or (1.0, 1.0))[0]
    thin = Mask(np.stack([binary_erosion(part) if name == "vertebra" else part for name, part in zip(PARTS, made(0).parts.array, strict=True)]), PARTS, made(0).grid)
    gaps = [read(0).values[f"vertebra_height.{level}"] - of(thin).values[f"vertebra_height.{level}"] for level in LEVELS[1:]]
    assert np.mean(gaps) == pytest.approx(2 * pixel, rel=0.3)


def test_the_signal_needs_the_fluid() -> None:
    """Raw grey of discs is bound to the gain and the coil of a site; divided by the fluid beside them it tells degeneration over both sites."""
    grey, ratio, grade = [], [], []
    for k in range(SLICES):
        values = read(k).values
        for level, below in zip(LEVELS, (*LEVELS[1:], "S1"), strict=True):
            grey.append(made(k).stored[made(k).structures == 1 + STRUCTURES.index(f"{level}/{below}")].mean())
            ratio.append(values[f"disc_signal.{level}"])
            grade.append(made(k).readings.values[f"disc_signal.{level}"])
    with_, without = (float(np.corrcoef(each, grade)[0, 1]) for each in (ratio, grey))
    assert with_ > 0.95 and with_ > without + 0.03
    dry = Mask(made(0).parts.array * np.array([1, 1, 1, 0], bool)[:, None, None], PARTS, made(0).grid)
    assert np.isnan(of(dry).values["disc_signal.L4"]) and not np.isnan(of(dry).values["disc_height.L4"])


def test_the_paper_s_chain_stands_first_and_two_arms_lack_a_piece_each() -> None:
    declared = study("huang_2020")
    arms = list(declared.models.values())
    assert all(isinstance(arm, Arm) for arm in arms) and isinstance(arms[0].model, Chain) and isinstance(arms[2].model, Net)  # type: ignore[attr-defined]
    assert [arm.factors["levels"] for arm in arms] == ["counted from the sacrum", "counted from the top of the picture", "none"]  # type: ignore[attr-defined]
    assert declared.targets["spine"].findings[0] == "vertebra_height" and set(declared.targets["spine"].findings) == set(SPINE_UNITS)


def test_a_truth_may_lack_a_structure_and_nothing_is_learnt_or_judged_of_it() -> None:
    import torch

    from osteon.models.families import MasksFamily
    from osteon.models.views import Seen
    from osteon.models.windows import Window

    target = study("huang_2020").targets["parts"]
    assert isinstance(target, Masks)
    whole = made(0).parts
    bodies = target.value(Mask(whole.array[:1], PARTS[:1], whole.grid))
    assert isinstance(bodies, Mask) and bodies.names == ("vertebra",)
    assert [line.finding for line in target.compare(bodies, whole)] == ["vertebra"]
    family = MasksFamily(PARTS)
    seen = Seen(np.zeros((1, *whole.grid.shape), np.uint8), whole.grid, [Window(0.0, 0.0, height=float(whole.grid.shape[0]), width=float(whole.grid.shape[1]), shape=(32, 32))])
    rows = family.numbers(bodies, seen)
    assert rows is not None and rows[0].tolist() == [1, 0, 0, 0] and not family.masks(bodies, seen, (32, 32))[:, 1:].any()
    network = torch.nn.Conv2d(1, len(PARTS), 1)
    masks = torch.zeros(1, len(PARTS), 16, 16)
    masks[:, 0, 4:9] = 1
    family.loss(network, torch.rand(1, 1, 16, 16), masks, torch.from_numpy(np.stack(rows))).backward()
    assert network.bias.grad is not None and float(network.bias.grad[0].abs()) > 0 and not network.bias.grad[1:].any()


def test_a_correlation_is_that_of_ranks_and_says_where_there_are_too_few() -> None:
    question, rng = Correlates(("disc_signal",), whole=("age",)), np.random.default_rng(0)
    grade = rng.normal(0, 1, 200)
    lines = pd.DataFrame({"patient": np.repeat(np.arange(40), 5).astype(str), "n.answer": np.exp(-grade), "age": grade})
    found = question._rank(lines, "n.answer", "age", 1)
    assert found.estimate == pytest.approx(-1.0) and found.upper < -0.99
    noisy = question._rank(lines.assign(**{"n.answer": rng.normal(0, 1, 200)}), "n.answer", "age", 1)
    assert noisy.lower < 0 < noisy.upper
    assert not question._rank(lines.iloc[:5], "n.answer", "age", 1).defined
    assert Correlates(("disc_signal",), each=("pfirrmann",), parts=LEVELS).columns == tuple(f"pfirrmann_{level}" for level in LEVELS)


def test_a_correlation_with_an_unknown_reading_is_refused() -> None:
    with pytest.raises(StudyError, match="no reading"):
        next(Correlates(("disc_colour",))(None, study("huang_2020")))  # type: ignore[arg-type]

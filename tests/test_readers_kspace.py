"""Raw MRI signal: masks of fastMRI, its files and what is wrong with them, the zero-filled picture and its distance from the signal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from osteon.errors import DataError
from osteon.readers import read_input, read_kspace, read_reconstruction, read_value, write_kspace
from osteon.readers.coils import Sampling, centre, given, middle, pictures, residual, rows_by_lines, rss, signal, zero_filled
from osteon.value import Grid, KSpace, Picture
from raw_signal import COILS, LINES, READOUT, SIDE, SLICES, files, phantom

FOURFOLD = Sampling(4.0, 0.08)
# Lines of a file of 368 lines, 4-fold with 8 % in the middle, as fastMRI's subsample.py (EquispacedMaskFunc, RandomMaskFunc) draws them with the name as the seed:
# how many, the first eight, the last three. Compared over 40 names, 5 widths, 2 accelerations and both kinds when this was written: no line differed.
NAMED = {"equispaced": (93, [1, 6, 12, 17, 23, 28, 33, 39], [356, 362, 367]), "random": (88, [4, 9, 10, 14, 23, 24, 28, 29], [352, 356, 359])}


@pytest.mark.parametrize("mask", NAMED)
def test_the_mask_of_a_name_is_that_of_fastmri(mask: str) -> None:
    taken = Sampling(4.0, 0.08, mask=mask).named("file1000000.h5", 368)
    lines = np.flatnonzero(taken).tolist()
    assert (len(lines), lines[:8], lines[-3:]) == NAMED[mask]
    assert (taken == Sampling(4.0, 0.08, mask=mask).named("file1000000.h5", 368)).all()
    assert (taken != Sampling(4.0, 0.08, mask=mask).named("file1000001.h5", 368)).any()


def test_a_quarter_of_the_lines_is_taken_and_the_middle_without_a_gap() -> None:
    for name in ("a", "b", "c"):
        taken = FOURFOLD.named(name, 320)
        assert taken.sum() == pytest.approx(80, abs=2)
        lines = centre(taken)
        assert lines.start <= 147 and lines.stop >= 172 and lines.stop - lines.start < 32


@pytest.mark.parametrize(("wrong", "text"), [((1.0, 0.08, "equispaced"), "mask is impossible"), ((4.0, 0.3, "equispaced"), "mask is impossible"), ((4.0, 0.08, "spiral"), "mask is impossible")])
def test_an_impossible_mask_is_refused(wrong: tuple[float, float, str], text: str) -> None:
    with pytest.raises(DataError, match=text):
        Sampling(*wrong[:2], mask=wrong[2])


def test_too_few_lines_have_no_middle() -> None:
    with pytest.raises(DataError, match="no middle"):
        FOURFOLD.named("a", 12)


def test_signal_and_picture_are_each_others_inverse() -> None:
    made = phantom(1)
    assert np.allclose(signal(pictures(made.array)), made.array, atol=1e-5)
    whole = middle(pictures(made.array), SIDE, SIDE)
    by_rows = middle(pictures(rows_by_lines(made), (-1,)), SIDE, SIDE)
    assert np.allclose(whole, by_rows, atol=1e-5), "the readout may be transformed first"


def test_a_file_comes_back_with_its_picture_grid_and_notes_and_without_the_patient(tmp_path: Path) -> None:
    (path,) = files(tmp_path, 1)
    back, picture = read_kspace(path), read_reconstruction(path)
    assert np.array_equal(back.array, phantom(0).array) and back.name == path.name and back.taken is None
    assert back.array.shape == (SLICES, COILS, READOUT, LINES) and back.grid == Grid((SLICES, SIDE, SIDE), (3.0, 2.5, 2.5), spacing_kind="volume")
    assert back.notes["acquisition"] == "CORPD_FBK" and "someone" not in str(dict(back.notes)) + str(dict(picture.notes))
    assert np.allclose(picture.array, rss(middle(pictures(back.array), SIDE, SIDE)), atol=1e-5)
    assert isinstance(read_input(path, "kspace"), KSpace)
    shown = read_value(path)
    assert isinstance(shown, Picture) and shown.grid.shape == (SLICES, SIDE, SIDE)


def test_the_picture_is_made_of_the_signal_where_the_file_has_none(tmp_path: Path) -> None:
    (path,) = files(tmp_path, 1)
    told = read_reconstruction(path).array
    with h5py.File(path, "a") as file:
        del file["reconstruction_rss"]
    assert np.allclose(read_reconstruction(path).array, told, atol=1e-5)


def test_what_a_model_may_use_holds_nothing_of_the_other_lines() -> None:
    made = phantom(2)
    known = given(made, FOURFOLD)
    assert not known.signal[..., ~known.taken].any() and known.signal[..., known.taken].any()
    own = np.zeros(LINES, bool)
    own[20:52] = True
    measured = KSpace(made.array * own, made.grid, name="any", taken=own)
    assert np.array_equal(given(measured, FOURFOLD).taken, own), "a file keeps the mask that it was acquired with"


def test_the_zero_filled_picture_is_worse_than_the_whole_and_says_how_far_it_lies_from_the_signal() -> None:
    made = phantom(3)
    whole, zero = rss(middle(pictures(made.array), SIDE, SIDE)), zero_filled(made, FOURFOLD)
    known = given(made, FOURFOLD)
    floor = residual(whole, known.signal, known.taken)
    assert zero.grid == made.grid and zero.notes["lines"] == known.taken.sum()
    assert floor < 0.6 * zero.notes["residual"] < 0.2
    invented = whole.copy()
    invented[:, 20:30, 20:30] += whole.max()
    assert residual(invented, known.signal, known.taken) > 1.7 * floor, "what was never measured shows"
    assert np.abs(zero.array - known.zero_filled()).max() < 3e-4 * zero.array.max()


def damaged(change: Callable[[Any], None]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        with h5py.File(path, "a") as file:
            change(file)
    return damage


def replaced(name: str, data: Any) -> Callable[[Any], None]:
    def change(file: Any) -> None:
        new = data(file) if callable(data) else data
        if name in file:
            del file[name]
        file[name] = new
    return change


def _poisoned(file: Any) -> None:
    file["kspace"][1, 0, 3, 4] = np.nan


def _blank(file: Any) -> None:
    file["kspace"][0] = 0


MIDDLE = np.isin(np.arange(LINES), range(30, 44)).astype(np.float32)
FAULTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "no coils": (damaged(replaced("kspace", np.ones((2, READOUT, LINES), np.complex64))), "signal has no coils"),
    "other axes": (damaged(replaced("kspace", np.ones((READOUT, LINES), np.complex64))), "other axes"),
    "real numbers": (damaged(replaced("kspace", np.ones((2, 4, READOUT, LINES), np.float32))), "not complex"),
    "no signal": (damaged(lambda file: file.pop("kspace")), "no dataset kspace"),
    "NaN": (damaged(_poisoned), "slice 2 of kspace holds numbers that are none"),
    "an empty slice": (damaged(_blank), "slice 1 of kspace is empty"),
    "no header": (damaged(lambda file: file.pop("ismrmrd_header")), "there is no header"),
    "another header": (damaged(replaced("ismrmrd_header", b"<x/>")), "header does not tell reconSpace"),
    "a broken header": (damaged(replaced("ismrmrd_header", b"<ismrmrd")), "header does not tell reconSpace"),
    "a larger picture": (damaged(replaced("ismrmrd_header", lambda file: file["ismrmrd_header"][()].replace(b"<x>64</x>", b"<x>640</x>"))), "larger than the signal"),
    "a mask of other length": (damaged(replaced("mask", np.ones(LINES - 1, np.float32))), "mask does not fit the signal"),
    "a mask of other numbers": (damaged(replaced("mask", np.full(LINES, 0.5, np.float32))), "other numbers"),
    "a mask without the middle": (damaged(replaced("mask", (np.arange(LINES) % 4 == 1).astype(np.float32))), "leaves out the middle"),
    "another mask": (damaged(replaced("mask", MIDDLE)), "another one than that of the signal"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_with_a_file_is_said(fault: str, tmp_path: Path) -> None:
    (path,) = files(tmp_path, 1)
    damage, text = FAULTS[fault]
    damage(path)
    with pytest.raises(DataError, match=text) as told:
        read_kspace(path)
    assert str(path) in str(told.value)


def test_a_file_that_is_cut_short_or_none_is_refused(tmp_path: Path) -> None:
    (path,) = files(tmp_path, 1)
    whole = path.read_bytes()
    for length in (0, 4, 100, 2000, len(whole) // 2, len(whole) - 1000):
        path.write_bytes(whole[:length])
        for read in (read_kspace, read_reconstruction):
            with pytest.raises(DataError):
                read(path)
    path.write_bytes(b"no HDF5 at all" * 100)
    with pytest.raises(DataError, match="can not be read as raw MRI signal"):
        read_kspace(path)
    with pytest.raises(DataError, match="no such file"):
        read_kspace(tmp_path / "none.h5")


def test_a_file_acquired_with_fewer_lines_has_no_reference(tmp_path: Path) -> None:
    taken = FOURFOLD.named("b.h5", LINES)
    made = phantom(4)
    path = write_kspace(tmp_path / "b.h5", KSpace(made.array * taken, made.grid, name="b.h5", taken=taken))
    assert np.array_equal(read_kspace(path).taken, taken)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="no picture of a full acquisition"):
        read_reconstruction(path)


def test_a_signal_that_can_not_be_is_refused() -> None:
    made = phantom(5)
    with pytest.raises(DataError, match="picture does not fit"):
        KSpace(made.array, Grid((SLICES, 2 * SIDE, SIDE)), name="a")
    with pytest.raises(DataError, match="mask does not fit"):
        KSpace(made.array, made.grid, name="a", taken=np.ones(3, bool))
    with pytest.raises(DataError, match="4 axes"):
        KSpace(made.array[0], made.grid, name="a")

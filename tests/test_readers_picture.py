"""Pictures: depth, colour, orientation and resolution of PNG, JPEG, TIFF and BMP."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from osteon.errors import DataError
from osteon.readers import is_image, read_image, read_input, read_picture, write_picture

RNG = np.random.default_rng(0)
GREY8, GREY16 = RNG.integers(0, 256, (7, 5), dtype=np.uint8), RNG.integers(0, 65536, (7, 5), dtype=np.uint16)
RGB8, RGB16 = RNG.integers(0, 256, (7, 5, 3), dtype=np.uint8), RNG.integers(0, 65536, (7, 5, 3), dtype=np.uint16)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("array", [GREY8, GREY16, RGB8, RGB16], ids=["grey8", "grey16", "rgb8", "rgb16"])
def test_what_is_written_comes_back(tmp_path: Path, array: np.ndarray, suffix: str) -> None:
    picture = read_picture(write_picture(tmp_path / f"a{suffix}", array))
    assert picture.array.dtype == array.dtype
    assert (picture.array == array).all()
    assert picture.grid.shape == (7, 5)
    assert picture.grid.spacing is None


def test_jpeg_keeps_a_smooth_film(tmp_path: Path) -> None:
    film = np.add.outer(np.arange(64), np.arange(48)).astype(np.uint8)
    assert np.abs(read_picture(write_picture(tmp_path / "a.jpg", film)).array.astype(int) - film).max() <= 3


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_every_kind_of_pixel_opens(tmp_path: Path, mode: str) -> None:
    suffix = ".tif" if mode == "CMYK" else ".png"
    source = Image.fromarray(GREY16) if mode == "I;16" else Image.fromarray(RGB8).convert(mode)
    source.save(tmp_path / f"a{suffix}")
    picture = read_picture(tmp_path / f"a{suffix}")
    assert picture.array.shape == ((7, 5) if mode in ("1", "L", "LA", "I;16") else (7, 5, 3))


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
def test_equal_channels_become_grey(tmp_path: Path, suffix: str) -> None:
    flat = np.full((16, 16), 90, np.uint8)
    Image.fromarray(np.repeat(flat[..., None], 3, axis=2)).save(tmp_path / f"a{suffix}")
    picture = read_picture(tmp_path / f"a{suffix}")
    assert picture.array.shape == (16, 16)
    assert (picture.array == flat).all()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".tif", ".png"])
def test_exif_orientation_is_honoured(tmp_path: Path, orientation: int, suffix: str) -> None:
    upright = np.zeros((24, 40), np.uint8)
    upright[:8, :8] = 250  # the corner tells every turn apart together with the shape
    stored = {1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1], 5: upright.T, 6: np.rot90(upright),
              7: upright[::-1, ::-1].T, 8: np.rot90(upright, -1)}[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / f"a{suffix}", exif=exif)
    array = read_picture(tmp_path / f"a{suffix}").array
    assert array.shape == upright.shape
    assert np.abs(array.astype(int) - upright).mean() < 3


@pytest.mark.parametrize(("dpi", "known"), [((72, 72), False), ((96, 96), False), ((300, 300), False), ((177.62, 177.62), True), ((254, 127), True), ((5, 5), False)])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_default_resolution_is_no_spacing(tmp_path: Path, dpi: tuple[float, float], known: bool, suffix: str) -> None:
    Image.fromarray(GREY8).save(tmp_path / f"a{suffix}", dpi=dpi)
    spacing = read_picture(tmp_path / f"a{suffix}").grid.spacing
    assert spacing == (pytest.approx((25.4 / dpi[1], 25.4 / dpi[0]), rel=1e-3) if known else None)


def test_spacing_survives_writing(tmp_path: Path) -> None:
    grid = read_picture(write_picture(tmp_path / "a.png", GREY16, spacing=(0.143, 0.2))).grid
    assert grid.spacing == pytest.approx((0.143, 0.2), rel=1e-3)
    assert grid.spacing_kind == "unknown"


def test_deep_colour_is_never_cut_down_in_silence(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    import tifffile

    tifffile.imwrite(tmp_path / "a.tif", RGB16, photometric="rgb", extratags=[(274, 3, 1, 6, True)])
    with pytest.raises(DataError, match="16-bit colour"):
        read_picture(tmp_path / "a.tif")
    assert capfd.readouterr() == ("", "")


def test_white_is_zero_is_inverted_at_both_depths(tmp_path: Path) -> None:
    for name, array in (("a.tif", GREY8), ("b.tif", GREY16)):
        Image.fromarray(array).save(tmp_path / name, tiffinfo={262: 0})
        largest = np.iinfo(array.dtype).max
        stored = np.asarray(Image.open(tmp_path / name)) if array.dtype == np.uint8 else largest - array
        assert (read_picture(tmp_path / name).array == stored).all()


def test_a_tiff_stack_is_a_stack(tmp_path: Path) -> None:
    pages = [Image.fromarray(GREY16 // (k + 1)) for k in range(3)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    picture = read_picture(tmp_path / "a.tif")
    assert picture.array.shape == picture.grid.shape == (3, 7, 5)
    assert all((picture.array[k] == GREY16 // (k + 1)).all() for k in range(3))
    pages[0].save(tmp_path / "b.tif", save_all=True, append_images=[Image.fromarray(GREY16[:3])])
    with pytest.raises(DataError, match="2 pages differ in size"):
        read_picture(tmp_path / "b.tif")


def test_the_content_decides_and_not_the_name(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "a.png", GREY8).rename(tmp_path / "a.dcm")
    assert is_image(path)
    assert (read_image(path).array == GREY8).all()
    (tmp_path / "b.png").write_text("not a picture")
    assert not is_image(tmp_path / "b.png")
    assert not is_image(tmp_path / "absent.png")
    assert not is_image(tmp_path)
    with pytest.raises(DataError, match="no image that osteon reads.*text file"):
        read_image(tmp_path / "b.png")


def test_a_truncated_picture_is_refused(tmp_path: Path) -> None:
    noise = RNG.integers(0, 256, (64, 64), dtype=np.uint8)
    for suffix in (".png", ".jpg", ".tif"):
        whole = write_picture(tmp_path / f"a{suffix}", noise).read_bytes()
        (tmp_path / f"b{suffix}").write_bytes(whole[: len(whole) // 2])
        with pytest.raises(DataError, match=f"b{suffix}"):
            read_picture(tmp_path / f"b{suffix}")


@pytest.mark.parametrize(("name", "array"), [("a.png", np.zeros((3, 3))), ("a.jpg", GREY16), ("a.gif", GREY8), ("a.png", np.zeros((2, 3, 4), np.uint8))])
def test_what_is_no_picture_is_not_written(tmp_path: Path, name: str, array: np.ndarray) -> None:
    with pytest.raises(DataError):
        write_picture(tmp_path / name, array)
    assert not list(tmp_path.iterdir())


def test_an_input_takes_its_spacing_from_the_table(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "a.png", GREY8)
    grid = read_input(path, "picture", spacing=(0.2, 0.1)).grid
    assert grid.spacing == (0.2, 0.1)
    assert grid.spacing_kind == "calibrated"
    with pytest.raises(DataError, match="no volume"):
        read_input(path, "volume")
    with pytest.raises(DataError, match="3 numbers"):
        read_input(path, "picture", spacing=(1, 1, 1))

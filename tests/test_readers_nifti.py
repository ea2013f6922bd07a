"""NIfTI: the same voxel lies at the same place as in DICOM, SimpleITK, 3D Slicer and ITK-SNAP."""

from __future__ import annotations

from itertools import permutations, product
from pathlib import Path

import nibabel
import numpy as np
import pytest

from osteon.errors import DataError
from osteon.readers import aligned, read_dicom, read_image, read_nifti, write_nifti, write_radiograph
from osteon.value import Grid, Picture

VOLUME = np.arange(2 * 3 * 4, dtype=np.int16).reshape(2, 3, 4)
OBLIQUE = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]


def place(grid: Grid, index: tuple[int, ...]) -> np.ndarray:
    """LPS millimetres of a voxel, by the definition of a grid."""
    return np.asarray(grid.origin) + (np.asarray(index) * grid.spacing) @ np.reshape(grid.direction, (len(grid.shape), 3))


def simpleitk_file(path: Path, array: np.ndarray, *, spacing: tuple[float, ...], origin: tuple[float, ...], direction: np.ndarray) -> Path:
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(array)
    image.SetSpacing(spacing)
    image.SetOrigin(origin)
    image.SetDirection(direction.ravel().tolist())
    sitk.WriteImage(image, str(path))
    return path


@pytest.mark.parametrize("direction", [np.eye(3), np.diag([-1.0, -1, 1]), OBLIQUE * np.sign(np.linalg.det(OBLIQUE))], ids=["axial", "turned", "oblique"])
def test_a_volume_of_simpleitk_lies_where_it_lay(tmp_path: Path, direction: np.ndarray) -> None:
    import SimpleITK as sitk

    path = simpleitk_file(tmp_path / "a.nii.gz", VOLUME, spacing=(0.5, 0.7, 3), origin=(10, -20, 30), direction=direction)
    picture, image = read_nifti(path), sitk.ReadImage(str(path))
    assert (picture.array == VOLUME).all()
    assert picture.array.dtype == np.int16
    assert picture.grid.spacing == pytest.approx((3, 0.7, 0.5))
    assert picture.grid.spacing_kind == "volume"
    assert place(picture.grid, (1, 2, 3)) == pytest.approx(np.array(image.TransformIndexToPhysicalPoint((3, 2, 1))), abs=1e-4)


def test_a_volume_written_here_lies_there_too(tmp_path: Path) -> None:
    import SimpleITK as sitk

    axes = OBLIQUE * np.sign(np.linalg.det(OBLIQUE))
    grid = Grid((2, 3, 4), (3, 0.7, 0.5), (10, -20, 30), tuple(axes.T[::-1].ravel().tolist()), "volume")
    path = write_nifti(tmp_path / "a.nii.gz", VOLUME, grid)
    image = sitk.ReadImage(str(path))
    assert (sitk.GetArrayFromImage(image) == VOLUME).all()
    assert np.array(image.TransformIndexToPhysicalPoint((3, 2, 1))) == pytest.approx(place(grid, (1, 2, 3)), abs=1e-4)
    assert read_nifti(path).grid == grid


def test_a_mask_drawn_on_a_film_fits_the_film(tmp_path: Path) -> None:
    """3D Slicer and ITK-SNAP open a film through ITK as one slice and save the mask with the geometry that they saw."""
    import SimpleITK as sitk

    film = np.random.default_rng(0).integers(0, 60000, (9, 5), dtype=np.uint16)
    picture = read_dicom(write_radiograph(tmp_path / "film.dcm", film, spacing=(0.2, 0.1), simulated=True))
    seen = sitk.ReadImage(str(tmp_path / "film.dcm"))
    mask = sitk.Cast(seen > 30000, sitk.sitkUInt8)
    sitk.WriteImage(mask, str(tmp_path / "mask.nii.gz"))
    drawn = read_nifti(tmp_path / "mask.nii.gz")
    assert drawn.array.shape == picture.array.shape
    assert (drawn.array == (film > 30000)).all()
    assert drawn.grid.spacing == pytest.approx((0.2, 0.1))
    # The same mask saved by a program that turns every image to RAS first.
    canonical = nibabel.as_closest_canonical(nibabel.load(tmp_path / "mask.nii.gz"))
    nibabel.save(canonical, tmp_path / "turned.nii.gz")
    assert not ((film > 30000) == np.asarray(canonical.dataobj)[..., 0].T).all()
    assert (read_nifti(tmp_path / "turned.nii.gz").array == (film > 30000)).all()


def test_a_film_written_here_comes_back_and_opens_in_itk(tmp_path: Path) -> None:
    import SimpleITK as sitk

    film = np.arange(45, dtype=np.uint16).reshape(9, 5)
    path = write_nifti(tmp_path / "a.nii", film, Grid((9, 5), (0.2, 0.1), spacing_kind="detector"))
    assert (sitk.GetArrayFromImage(sitk.ReadImage(str(path)))[0] == film).all()
    back = read_nifti(path)
    assert (back.array == film).all()
    assert back.grid == Grid((9, 5), (0.2, 0.1), spacing_kind="detector")


def test_a_header_without_geometry_knows_no_spacing(tmp_path: Path) -> None:
    film = np.arange(45, dtype=np.uint8).reshape(9, 5)
    nibabel.save(nibabel.Nifti1Image(film.T[..., None], np.eye(4)), tmp_path / "a.nii")
    picture = read_nifti(tmp_path / "a.nii")
    assert (picture.array == film).all()
    assert picture.grid.spacing is None
    assert read_nifti(write_nifti(tmp_path / "b.nii", film, Grid((9, 5)))).grid.spacing is None


@pytest.mark.parametrize(("shape", "last"), [((4, 3, 2, 5), (2, 3, 4, 5)), ((4, 3, 1, 5), (3, 4, 5)), ((4, 3, 2, 1, 3), (2, 3, 4, 3)), ((4, 3), (3, 4))])
def test_further_volumes_come_last(tmp_path: Path, shape: tuple[int, ...], last: tuple[int, ...]) -> None:
    data = np.arange(np.prod(shape), dtype=np.int16).reshape(shape)
    nibabel.save(nibabel.Nifti1Image(data, np.diag([-2.0, -2, 2, 1])), tmp_path / "a.nii")
    picture = read_nifti(tmp_path / "a.nii")
    assert picture.array.shape == last
    assert sorted(picture.array.ravel()) == sorted(data.ravel())


def test_scaled_numbers_are_scaled(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(np.zeros((4, 3, 2)), np.diag([-1.0, -1, 2, 1]), dtype=np.int16)
    image.header.set_slope_inter(0.5, -10)
    image = nibabel.Nifti1Image((VOLUME.T * 0.5 - 10), image.affine, image.header)
    nibabel.save(image, tmp_path / "a.nii")
    assert np.allclose(read_nifti(tmp_path / "a.nii").array, VOLUME * 0.5 - 10, atol=1e-3)


def test_another_name_is_no_hindrance(tmp_path: Path) -> None:
    path = write_nifti(tmp_path / "a.nii.gz", VOLUME, Grid((2, 3, 4), (3, 2, 1)))
    assert (read_image(path.rename(tmp_path / "mask.seg")).array == VOLUME).all()


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_aligned_undoes_every_turn(order: tuple[int, ...]) -> None:
    array = np.random.default_rng(2).normal(size=(3, 4, 5))
    grid = Grid((3, 4, 5), (3.0, 0.7, 0.5), (10.0, -20.0, 30.0), tuple(OBLIQUE.ravel().tolist()), "volume")
    for flips in product((1, -1), repeat=3):
        corner = [0 if flip > 0 else n - 1 for flip, n in zip(flips, grid.shape, strict=True)]
        axes = (np.reshape(grid.direction, (3, 3)) * np.reshape(flips, (3, 1)))[list(order)]
        turned = array[::flips[0], ::flips[1], ::flips[2]].transpose(order)
        there = Grid(turned.shape, tuple(grid.spacing[k] for k in order), tuple(place(grid, tuple(corner))), tuple(axes.ravel().tolist()), "volume")
        back = aligned(Picture(turned, there), grid)
        assert (back.array == array).all()
        assert back.grid is grid


def test_aligned_refuses_what_lies_elsewhere() -> None:
    grid = Grid((3, 4, 5), (3, 0.7, 0.5), (10, -20, 30), tuple(np.eye(3).ravel()), "volume")
    array = np.zeros((3, 4, 5))
    for other in (Grid((3, 4, 5), (3, 0.7, 0.5), (11, -20, 30), grid.direction), Grid((3, 4, 5), (3, 0.7, 0.6), grid.origin, grid.direction),
                  Grid((3, 4, 5), (3, 0.7, 0.5), grid.origin, tuple(OBLIQUE.ravel()))):
        with pytest.raises(DataError, match="does not lie on the image"):
            aligned(Picture(array, other), grid)
    with pytest.raises(DataError, match="does not lie on the image"):
        aligned(Picture(np.zeros((4, 4)), Grid((4, 4))), Grid((4, 5)))


def test_damage_is_told(tmp_path: Path) -> None:
    whole = write_nifti(tmp_path / "a.nii.gz", np.random.default_rng(0).normal(size=(20, 20, 20)), Grid((20, 20, 20), (1, 1, 1))).read_bytes()
    for share in (0.3, 0.9):
        (tmp_path / "b.nii.gz").write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(DataError, match="b.nii.gz"):
            read_nifti(tmp_path / "b.nii.gz")
    with pytest.raises(DataError, match="suffix"):
        write_nifti(tmp_path / "a.mha", VOLUME, Grid((2, 3, 4)))
    with pytest.raises(DataError, match="does not fit its grid"):
        write_nifti(tmp_path / "a.nii", VOLUME, Grid((2, 4)))

"""NIfTI: volumes, one-slice films and masks drawn on them, in the array order and patient axes of DICOM.

NIfTI counts columns first and points to the right, the front and the head (RAS); osteon counts slices, rows, cols and points
to the left, the back and the head (LPS), as DICOM, SimpleITK, 3D Slicer and ITK-SNAP do when they show a DICOM film.
"""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from osteon.errors import DataError, message
from osteon.readers.files import refusing, replacing
from osteon.value import Grid, Picture

if TYPE_CHECKING:
    import nibabel

_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_MARK = "osteon:"


def read_nifti(path: Path | str) -> Picture:
    """(slices, rows, cols), or (rows, cols) of a one-slice image; further volumes or colours come last. LPS grid in mm.

    A one-slice image is mirrored, where its header says so, until rows run down and columns run as in a film without
    orientation. A header without geometry (identity) leaves the spacing unknown. Raises DataError.
    """
    import nibabel

    with refusing(path, "a NIfTI image") as path, open(path, "rb") as file:
        image: Any = nibabel.load(path) if path.name.lower().endswith((".nii", ".nii.gz", ".hdr", ".img")) else _by_content(file)
        array = _array(path, image)
        own = _own(image)
        affine = _LPS @ np.asarray(image.affine, float)
        grid, array = _placed(array, affine, bare=np.allclose(image.affine, np.eye(4)))
        kept = Grid(**own.pop("grid")) if "grid" in own else None
    if kept is not None and kept.shape == grid.shape and (kept.spacing is None or np.allclose(kept.spacing, grid.spacing or np.nan, rtol=1e-4)):
        grid = kept
    return Picture(array, grid, own)


def write_nifti(path: Path | str, array: np.ndarray, grid: Grid, *, notes: dict[str, Any] | None = None) -> Path:
    """Writes (slices, rows, cols) or (rows, cols), with volumes or colours last, as .nii or .nii.gz; unknown spacing is written as 1 mm.

    The exact grid and `notes` (JSON) go into a header extension that other programs pass over. Raises DataError.
    """
    import nibabel

    path, array = Path(path), np.asarray(array)
    if not path.name.endswith((".nii", ".nii.gz")):
        raise DataError(message(path, "the suffix is not NIfTI's", expected=".nii or .nii.gz"))
    if array.shape[: len(grid.shape)] != tuple(grid.shape) or len(grid.shape) not in (2, 3):
        raise DataError(message(path, "the array does not fit its grid", expected=f"{grid.shape}", found=f"Found {array.shape}"))
    array = array.astype(np.uint8) if array.dtype == bool else array
    array = array[None] if len(grid.shape) == 2 else array
    image = nibabel.Nifti1Image(np.moveaxis(array, (0, 1, 2), (2, 1, 0)), _LPS @ _affine(grid), dtype=array.dtype)
    image.header.set_xyzt_units("mm")
    fields = {name: getattr(grid, name) for name in ("shape", "spacing", "origin", "direction", "spacing_kind")}
    text = _MARK + json.dumps({"grid": fields, **(notes or {})})
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", text.encode()))
    with replacing(path) as temporary:
        nibabel.save(image, temporary)
    return path


def aligned(picture: Picture, grid: Grid, *, where: object = "image") -> Picture:
    """The picture with its axes swapped and mirrored until it lies on `grid`; nothing is interpolated.

    Raises DataError where shape, spacing or place differ by more than a tenth of a pixel.
    """
    if picture.grid.direction is None or grid.direction is None:
        if picture.grid.shape != grid.shape:
            _misfit(where, picture.grid, grid)
        return Picture(picture.array, grid, picture.notes)
    own, aim = _affine(picture.grid), _affine(grid)
    steps = np.linalg.solve(aim[:3, :3], own[:3, :3])[::-1, ::-1]  # of the array axes, each as steps along the axes of the aim
    turn = np.rint(steps)
    order = next((p for p in permutations(range(3)) if (np.abs(turn[range(3), p]) == 1).all()), ())
    if not order or np.abs(steps - turn).max() > 1e-2 or np.abs(turn).sum() != 3:
        _misfit(where, picture.grid, grid)
    array = np.moveaxis(picture.array, order, range(3))
    mirrored = [turn[axis, order[axis]] < 0 for axis in range(3)]
    array = array[tuple(slice(None, None, -1 if flip else None) for flip in mirrored)]
    corner = own @ np.append([(picture.grid.shape[order[a]] - 1) * mirrored[a] for a in np.argsort(order)][::-1], 1)
    if array.shape[:3] != grid.shape or np.abs(np.linalg.solve(aim, corner)[:3]).max() > 0.1:
        _misfit(where, picture.grid, grid)
    return Picture(np.ascontiguousarray(array), grid, picture.notes)


def _misfit(where: object, found: Grid, expected: Grid) -> NoReturn:
    raise DataError(message(where, "it does not lie on the image it belongs to", expected=f"shape {expected.shape}, spacing {expected.spacing}",
                            found=f"Found shape {found.shape}, spacing {found.spacing}", do="Draw it on that image, or resample it to that image"))


def _by_content(file: Any) -> nibabel.Nifti1Image:
    """A NIfTI file of another name."""
    import gzip

    import nibabel

    content = file.read()
    content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    kind = nibabel.Nifti2Image if content[4:7] == b"n+2" else nibabel.Nifti1Image
    return kind.from_bytes(content)


def _array(path: Path, image: nibabel.Nifti1Image) -> np.ndarray:
    """The numbers in array order, further axes last; scaled only where the header scales."""
    if image.ndim < 2 or 0 in image.shape or int(np.prod(image.shape, dtype=object)) * image.get_data_dtype().itemsize > 8 * 2**30:
        raise DataError(message(path, "the size of the image is impossible", expected="2 to 5 axes, at most 8 GiB", found=f"Found {image.shape}"))
    array = np.asanyarray(image.dataobj)
    if array.dtype.names:  # RGB and RGBA
        array = np.stack([array[name] for name in array.dtype.names[:3]], axis=-1)
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    array = array.reshape(array.shape + (1,) * (3 - array.ndim))
    array = array.squeeze(tuple(axis for axis in range(3, array.ndim) if array.shape[axis] == 1))
    if array.ndim > 4:
        raise DataError(message(path, "the image has too many axes", expected="one volume, or several", found=f"Found {image.shape}"))
    return np.moveaxis(array, (0, 1, 2), (2, 1, 0))


def _own(image: nibabel.Nifti1Image) -> dict[str, Any]:
    """What `write_nifti` kept beside the numbers."""
    for extension in image.header.extensions:
        text = bytes(extension.get_content() if isinstance(extension.get_content(), bytes) else str(extension.get_content()).encode())
        if text.startswith(_MARK.encode()):
            kept = json.loads(text.rstrip(b"\0")[len(_MARK):])
            for name in ("shape", "spacing", "origin", "direction"):
                kept["grid"][name] = tuple(kept["grid"][name]) if kept["grid"][name] is not None else None
            return kept
    return {}


def _placed(array: np.ndarray, affine: np.ndarray, *, bare: bool) -> tuple[Grid, np.ndarray]:
    """Grid and array of an affine from (col, row, slice) to LPS; films are turned upright."""
    sizes = np.linalg.norm(affine[:3, :3], axis=0)
    if not np.isfinite(affine).all() or (sizes <= 0).any():
        raise DataError(message("nifti", "the header gives an impossible geometry", found=f"Found {affine.tolist()}", do="Write the file again"))
    spacing = tuple(sizes[::-1].tolist())
    axes = (affine[:3, :3] / sizes).T[::-1]
    if array.shape[0] > 1:
        return Grid(array.shape[:3], spacing, tuple(affine[:3, 3].tolist()), tuple(axes.ravel().tolist()), "volume"), array
    array = array[0]
    if bare:
        return Grid(array.shape[:2]), array
    film = np.allclose(np.abs(axes[1:]), [[0, 1, 0], [1, 0, 0]], atol=1e-3)
    if film:
        array = array[tuple(slice(None, None, -1 if axis.sum() < 0 else None) for axis in axes[1:])]
        return Grid(array.shape[:2], spacing[1:]), np.ascontiguousarray(array)
    return Grid(array.shape[:2], spacing[1:], tuple(affine[:3, 3].tolist()), tuple(axes[1:].ravel().tolist())), array


def _affine(grid: Grid) -> np.ndarray:
    """From (col, row, slice) to LPS mm; what is unknown is 1 mm, origin 0, along the axes."""
    missing = 3 - len(grid.shape)
    spacing = (1.0,) * missing + (grid.spacing or (1.0,) * len(grid.shape))
    axes = np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0]], float)
    if grid.direction is not None:
        axes[missing:] = np.reshape(grid.direction, (len(grid.shape), 3))
        if missing:
            axes[0] = np.cross(axes[2], axes[1])
    affine = np.eye(4)
    affine[:3, :3] = (axes * np.reshape(spacing, (3, 1)))[::-1].T
    affine[:3, 3] = grid.origin or (0, 0, 0)
    return affine

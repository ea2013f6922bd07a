"""Where the pixels of a DICOM image lie: spacing and its kind, origin, direction, and the order of slices.

Grids use the patient axes of DICOM (x to the left, y to the back, z to the head; LPS). `origin` is the centre of the first
pixel, `direction` one unit vector per array axis, in the order of the array (slices, rows, cols).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.value import Grid

if TYPE_CHECKING:
    from pydicom import Dataset

VOLUMES = ("CT", "MR", "PT", "NM", "SEG", "RTDOSE")


def frame_value(dataset: Dataset, frame: int, sequence: str, name: str) -> Any:
    """An attribute of one frame: from its own functional group, the shared one, or the top of an ordinary file; None where absent."""
    own, shared = dataset.get("PerFrameFunctionalGroupsSequence"), dataset.get("SharedFunctionalGroupsSequence")
    for groups in (own[frame] if own and frame < len(own) else None, shared[0] if shared else None):
        if groups is not None and groups.get(sequence):
            return groups[sequence][0].get(name)
    return dataset.get(name)


def numbers(content: Any, count: int) -> tuple[float, ...] | None:
    """`count` finite numbers of an attribute, or None where they are not there."""
    try:
        values = tuple(float(number) for number in content)
    except (TypeError, ValueError):
        return None
    return values if len(values) == count and np.isfinite(values).all() else None


def plane(dataset: Dataset, frame: int = 0) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
    """Position (3) and orientation (6: along a row, then along a column) of one frame, None where absent."""
    position = numbers(frame_value(dataset, frame, "PlanePositionSequence", "ImagePositionPatient"), 3)
    orientation = numbers(frame_value(dataset, frame, "PlaneOrientationSequence", "ImageOrientationPatient"), 6)
    if orientation is not None and not np.allclose(np.linalg.norm(np.reshape(orientation, (2, 3)), axis=1), 1, atol=1e-3):
        orientation = None
    return position, orientation


def grid_of(dataset: Dataset, shape: tuple[int, ...]) -> tuple[Grid, dict[str, Any], np.ndarray | None]:
    """The grid of one file, what is to be noted of its spacing, and the order into which its frames have to be put.

    `shape` is (rows, cols) or (frames, rows, cols). Frames that do not lie evenly, such as a film sequence, leave the spacing
    unknown; `pixel_spacing` is then noted.
    """
    spacing, kind, notes = pixel_spacing(dataset)
    if len(shape) == 2:
        position, orientation = plane(dataset) if kind == "volume" else (None, None)
        direction = (*orientation[3:], *orientation[:3]) if orientation else None
        return Grid(shape, spacing, position if direction else None, direction, kind if spacing else "unknown"), notes, None
    planes = [plane(dataset, frame) for frame in range(shape[0])]
    orientation = planes[0][1]
    try:
        if spacing is None or orientation is None or any(p is None or o != orientation for p, o in planes):
            raise ValueError("the frames have no places")
        order, step, unit = stacked(np.array([p for p, _ in planes]), orientation)
    except (ValueError, TypeError) as reason:
        notes |= {"frames": f"not a volume: {reason}"} | ({"pixel_spacing": spacing} if spacing else {})
        return Grid(shape), notes, None
    direction = (*unit, *orientation[3:], *orientation[:3])
    return Grid(shape, (step, *spacing), planes[int(order[0])][0], direction, "volume"), notes, order


def stacked(positions: np.ndarray, orientation: tuple[float, ...]) -> tuple[np.ndarray, float, tuple[float, ...]]:
    """Order of slices along their normal, the step between them in mm, and its direction.

    Raises ValueError where two slices lie at one place or the steps differ by more than 2 % (at least 0.01 mm).
    """
    normal = np.cross(orientation[:3], orientation[3:])
    along = positions @ normal
    order = np.argsort(along, kind="stable")
    if len(positions) < 2:
        raise ValueError("one slice makes no volume")
    if np.diff(along[order]).min() < 1e-3:
        raise ValueError("two slices lie at one place (several times or echoes in one series?)")
    steps = np.diff(positions[order], axis=0)
    gaps = np.linalg.norm(steps, axis=1)
    usual = float(np.median(gaps))
    worst = int(np.abs(gaps - usual).argmax())
    if abs(gaps[worst] - usual) > max(0.01, 0.02 * usual):
        raise ValueError(f"the slices are not evenly spaced: {gaps[worst]:.3g} mm between slices {worst + 1} and {worst + 2}, elsewhere {usual:.3g} mm")
    whole = positions[order[-1]] - positions[order[0]]
    return order, float(np.linalg.norm(whole) / len(gaps)), tuple((whole / np.linalg.norm(whole)).tolist())


def pixel_spacing(dataset: Dataset) -> tuple[tuple[float, float] | None, str, dict[str, Any]]:
    """Spacing (row, col) in mm, its kind, and notes.

    "volume" for CT and MR; for projections (PS3.3 10.7.1.1) "calibrated" where PixelSpacing was corrected to the patient (a
    calibration is named, or it differs from ImagerPixelSpacing), "detector" where it is the spacing at the detector or the film
    (then lengths are too long by the magnification, noted where known), "unknown" where the file does not say which.
    """
    pixel = _pair(frame_value(dataset, 0, "PixelMeasuresSequence", "PixelSpacing"))
    if str(dataset.get("Modality", "")) in VOLUMES or frame_value(dataset, 0, "PixelMeasuresSequence", "SliceThickness") is not None and pixel:
        return pixel, "volume", {}
    imager, scanned = _pair(dataset.get("ImagerPixelSpacing")), _pair(dataset.get("NominalScannedPixelSpacing"))
    notes = _magnification(dataset)
    calibration = str(dataset.get("PixelSpacingCalibrationType", "") or "").strip()
    if pixel and (calibration or imager and not np.allclose(pixel, imager, rtol=1e-4)):
        return pixel, "calibrated", notes | {"calibration": calibration or "differs from the detector"}
    if imager or scanned:
        return imager or scanned, "detector", notes
    if pixel:
        return pixel, "calibrated" if dataset.get("Modality") == "US" else "unknown", notes
    ultrasound = _ultrasound(dataset)
    return ultrasound, "calibrated" if ultrasound else "unknown", notes


def _pair(content: Any) -> tuple[float, float] | None:
    pair = numbers(content, 2)
    return (pair[0], pair[1]) if pair and min(pair) > 0 else None


def _magnification(dataset: Dataset) -> dict[str, float]:
    """The radiographic magnification: as estimated in the header, or from source to detector over source to patient."""
    try:
        given = dataset.get("EstimatedRadiographicMagnificationFactor")
        if given in (None, ""):
            given = float(dataset["DistanceSourceToDetector"].value) / float(dataset["DistanceSourceToPatient"].value)
        return {"magnification": float(given)} if 1 <= float(given) <= 3 else {}
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return {}


def _ultrasound(dataset: Dataset) -> tuple[float, float] | None:
    """Spacing of the two-dimensional regions of an ultrasound image where all agree (PS3.3 C.8.5.5; centimetres there)."""
    found = set()
    for region in dataset.get("SequenceOfUltrasoundRegions") or ():
        if region.get("RegionSpatialFormat") == 1 and region.get("PhysicalUnitsXDirection") == region.get("PhysicalUnitsYDirection") == 3:
            found.add(tuple(abs(float(region.get(name) or 0)) * 10 for name in ("PhysicalDeltaY", "PhysicalDeltaX")))
    return _pair(found.pop()) if len(found) == 1 else None

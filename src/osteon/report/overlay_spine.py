"""A column of vertebrae on a film: outlines, and of each curve the endplates that make its Cobb angle, carried on, with the angle at the apex."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.geometry.spine import LEVELS, POINTS, column_fault, corners_named, curves, ends_named
from osteon.report.words import number
from osteon.value import Readings

if TYPE_CHECKING:
    from osteon.report.overlay import Sheet

OUTLINE = [0, 1, 3, 2, 0]  # of superior right, superior left, inferior right, inferior left
CARRIED = 1.1  # widths of an endplate by which its line is carried on beyond either end
SLIGHT = 10.0  # degrees below which a curve is not drawn, but for the largest


def is_column(value: Readings) -> bool:
    """Whether the landmarks of a value are those of a spine."""
    return sum(name in value.landmarks for name in POINTS) > len(POINTS) // 2


def column(sheet: Sheet, value: Readings) -> None:
    """Draw a column; one with a fault only as the vertebrae that are there."""
    at = corners_named(value.landmarks)
    for vertebra in at[~np.isnan(at).any(axis=(1, 2))]:
        outline = sheet.place(vertebra[OUTLINE], value.grid)
        sheet.axes.plot(outline[:, 1], outline[:, 0], color=sheet.hue, lw=0.8, ls=sheet.style, alpha=0.55 if sheet.dashed else 0.8)
    if column_fault(at):
        return
    found = curves(at, value.grid.spacing if value.grid and value.grid.spacing else (1.0, 1.0), least=0.0, ends=ends_named(at, value.landmarks))
    largest = max((curve.angle for curve in found), default=0.0)
    for curve in (c for c in found if c.angle >= SLIGHT or c.angle == largest):
        upper, lower = LEVELS.index(curve.upper), LEVELS.index(curve.lower)
        _line(sheet, at[upper, :2], value, curve.upper)
        _line(sheet, at[lower, 2:], value, curve.lower)
        if not sheet.dashed:
            _angle(sheet, at[upper: lower + 1].mean(axis=1), value, curve)


def _line(sheet: Sheet, plate: np.ndarray, value: Readings, level: str) -> None:
    """An endplate carried on beyond both ends, with the name of its vertebra."""
    right, left = sheet.place(plate, value.grid)
    along = CARRIED * (left - right)
    ends = np.array([right - along, left + along])
    sheet.axes.plot(ends[:, 1], ends[:, 0], color=sheet.hue, lw=1.4, ls=sheet.style, alpha=0.95)
    if not sheet.dashed:
        _write(sheet, ends[0], level, ha="right")


def _angle(sheet: Sheet, middles: np.ndarray, value: Readings, curve: Any) -> None:
    """The angle on the convex side of the vertebra that stands out furthest."""
    at = sheet.place(middles, value.grid)
    line = np.interp(at[:, 0], at[[0, -1], 0], at[[0, -1], 1])
    k = int(np.abs(at[:, 1] - line).argmax())
    away = (-1 if curve.side == "R" else 1) * 0.16 * sheet.shape[1]
    _write(sheet, at[k] + (0, away), f"{number(curve.angle, 1)}°", ha="right" if away < 0 else "left", size=1.25)


def _write(sheet: Sheet, at: np.ndarray, text: str, *, ha: str, size: float = 0.85) -> None:
    from matplotlib.patheffects import withStroke

    sheet.axes.text(at[1], at[0], text, va="center", ha=ha, fontsize=size * sheet.points, color=sheet.hue, clip_on=True, path_effects=[withStroke(linewidth=2, foreground="#0b0f12")])

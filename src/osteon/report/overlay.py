"""A film with the answers drawn on it: boxes, outlines, landmarks, axes, tangents, and the readings beside the joint that they belong to.

Points are (row, col) with the centre of the first pixel at (0, 0), in pixels of the value's own grid, which may be coarser than the film.
Answers are blue and full, the reference (where given) is orange and dashed.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.report import overlay_spine
from osteon.report.words import UNITS, discreet, number
from osteon.targets import Target
from osteon.value import Grid, Label, Mask, Objects, Picture, Readings, Value, Withheld

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ANSWER, REFERENCE, TEXT, FAINT = "#6cc4ff", "#ffb347", "#f4f7f9", "#8b98a3"
HUES = ("#6cc4ff", "#ffe066", "#e29bd0", "#ffffff", "#b9a1ff", "#ffb38a")
LINES = (("hip", "knee"), ("knee", "ankle"))
TANGENTS = (("_medial", "_lateral"), ("_left", "_right"), ("_anterior", "_posterior"), ("_superior", "_inferior"))
NEAR = {"hip": ("femur",), "knee": ("HKA", "mLDFA", "MPTA", "JLCA", "aHKA", "JLO", "KJLO", "MAD", "WBL"), "ankle": ("LDTA", "tibia", "leg")}
MOST_READINGS = 16  # lines of text in a margin


@dataclass(frozen=True, eq=False)
class Sheet:
    """Where an overlay is drawn: axes in pixels of the film, the film's shape, the size of text (points) and how values look."""

    axes: Axes
    shape: tuple[int, int]
    points: float = field(kw_only=True)
    hue: str = field(default=ANSWER, kw_only=True)
    dashed: bool = field(default=False, kw_only=True)

    def place(self, points: Any, grid: Grid | None) -> np.ndarray:
        """Points (n, 2) of a grid as (row, col) of the film."""
        at = np.asarray(points, float).reshape(-1, 2)
        if grid is None or tuple(grid.shape[-2:]) == self.shape:
            return at
        ratio = np.array(self.shape) / np.array(grid.shape[-2:])
        return (at + 0.5) * ratio - 0.5

    @property
    def style(self) -> Any:
        """The line style: full for answers, dashed for the reference."""
        return (0, (4, 3)) if self.dashed else "-"


def overlay(picture: Picture, values: Mapping[str, Value], targets: Mapping[str, Target], *, truth: Mapping[str, Value] | None = None, height: int = 1100, note: str = "") -> bytes:
    """The film with the answers (and the reference) drawn on it, as PNG bytes, about `height` pixels high; `note` stands below.

    Of a volume the slice with the largest outlines is shown, the middle one where there is none.
    """
    array = drawn(picture, values, targets, truth=truth, height=height, note=note)
    return encoded(array, "PNG")


def encoded(array: np.ndarray, form: str = "JPEG") -> bytes:
    """An RGB array (rows, cols, 3) of 8 bits as the bytes of a PNG or JPEG."""
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(array).save(out, form, **({"quality": 86, "subsampling": 0} if form == "JPEG" else {"compress_level": 6}))
    return out.getvalue()


def drawn(picture: Picture, values: Mapping[str, Value], targets: Mapping[str, Target], *, truth: Mapping[str, Value] | None = None, height: int = 1100, note: str = "") -> np.ndarray:
    """The overlay as an RGB array (rows, cols, 3) of 8 bits."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    slice_ = _slice(picture, (*values.values(), *(truth or {}).values()))
    film = shown(picture, slice_)
    with rc_context({"font.family": "DejaVu Sans", "text.color": TEXT, "figure.facecolor": "#0b0f12", "savefig.facecolor": "#0b0f12"}):
        blocks = told(values, targets, truth or {})
        figure, sheet = _sheet(film, height, longest=max((len(line) for block in blocks for line in block.lines), default=0), note=note)
        if truth:
            _draw(Sheet(sheet.axes, sheet.shape, points=sheet.points, hue=REFERENCE, dashed=True), truth, slice_)
        _draw(sheet, values, slice_)
        _corner(sheet, values)
        for block in blocks:
            _margin(sheet, block)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        return np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[..., :3])


def _slice(picture: Picture, values: Sequence[Value]) -> int | None:
    if len(picture.grid.shape) < 3:
        return None
    masks = [v for v in values if isinstance(v, Mask) and len(v.grid.shape) == 3 and v.array.any()]
    if not masks:
        return picture.grid.shape[0] // 2
    area = masks[0].array.any(axis=0).sum(axis=(1, 2))
    return int(round((int(area.argmax()) + 0.5) * picture.grid.shape[0] / len(area) - 0.5))


def shown(picture: Picture, slice_: int | None = None, most: int = 2400) -> tuple[np.ndarray, tuple[int, int]]:
    """Grey levels 0-1 (rows, cols) or RGB, reduced to at most about `most` rows, and the film's own shape; the window spans 0.5 to 99.5 of 100 pixels."""
    array = picture.array if slice_ is None else picture.array[slice_]
    shape = (int(array.shape[0]), int(array.shape[1]))
    k = max(1, array.shape[0] // most)
    if k > 1:
        rows, cols = (n // k * k for n in shape)
        array = array[:rows, :cols].reshape(rows // k, k, cols // k, k, *array.shape[2:]).mean(axis=(1, 3))
    if array.ndim == 3:
        return np.clip(array / (255 if array.max() > 1 else 1), 0, 1), shape
    sample = array[:: max(1, array.shape[0] // 400), :: max(1, array.shape[1] // 400)].astype(float)
    low, high = np.nanpercentile(sample, (0.5, 99.5))
    return np.clip((np.nan_to_num(array.astype(np.float32), nan=low) - low) / max(high - low, 1e-9), 0, 1), shape


def _sheet(film: tuple[np.ndarray, tuple[int, int]], height: int, *, longest: int, note: str) -> tuple[Figure, Sheet]:
    """A dark figure with the film in the middle, on both sides a margin for lines of `longest` letters, and below a line for the note."""
    from matplotlib.figure import Figure

    image, (rows, cols) = film
    wide = height * cols / rows
    if wide > 1.25 * height:
        height, wide = round(1.25 * height * rows / cols), 1.25 * height
    text = float(np.clip(0.034 * min(wide, height), 13, 19))
    margin, foot = ((0.64 * longest + 1.6) * text if longest else 0.0), (2.1 * text if note else 0.0)
    figure = Figure(figsize=((wide + 2 * margin) / 100, (height + foot) / 100), dpi=100)
    total = height + foot
    axes = figure.add_axes((margin / (wide + 2 * margin), foot / total, wide / (wide + 2 * margin), height / total))
    axes.imshow(image, cmap="gray", vmin=0, vmax=1, extent=(-0.5, cols - 0.5, rows - 0.5, -0.5), interpolation="bilinear", aspect="auto")
    axes.set(xlim=(-0.5, cols - 0.5), ylim=(rows - 0.5, -0.5))
    axes.set_axis_off()
    if note:
        figure.text(0.5, foot / 2 / total, note, ha="center", va="center", fontsize=0.62 * text, color=REFERENCE)
    return figure, Sheet(axes, (rows, cols), points=0.72 * text)


def _draw(sheet: Sheet, values: Mapping[str, Value], slice_: int | None) -> None:
    for value in values.values():
        layer = LAYERS.get(type(value))
        if layer is not None:
            layer(sheet, value, slice_)


def _boxes(sheet: Sheet, value: Objects, slice_: int | None) -> None:
    from matplotlib.patches import Rectangle

    if value.boxes.shape[1] != 4:
        return
    for mask in value.masks if value.masks is not None and value.grid is not None else ():
        _outlines(sheet, Mask(mask[None], ("outline",), value.grid), slice_)  # type: ignore[arg-type]
    corners = sheet.place(value.boxes.reshape(-1, 2), value.grid).reshape(-1, 4)
    for (row, col, last_row, last_col), label, score in zip(corners, value.labels, value.scores, strict=True):
        sheet.axes.add_patch(Rectangle((col, row), last_col - col, last_row - row, fill=False, edgecolor=sheet.hue, lw=1.0, ls=sheet.style, alpha=0.85))
        if not sheet.dashed:
            text = f"{label.replace('_', ' ')} {number(100 * score)} %" if score < 1 else label.replace("_", " ")
            _text(sheet, col, row, text, va="bottom" if row > 0.03 * sheet.shape[0] else "top", ha="left", size=0.78)


def _outlines(sheet: Sheet, value: Mask, slice_: int | None) -> None:
    for k, name in enumerate(value.names):
        layer = value.of(name)
        if layer.ndim == 3:
            layer = layer[min(len(layer) - 1, int((slice_ or 0) * len(layer) / max(1, len(layer))))]
        if not layer.any():
            continue
        rows, cols = (np.flatnonzero(layer.any(axis=1 - axis)) for axis in (0, 1))
        padded = np.pad(layer[rows[0]: rows[-1] + 1, cols[0]: cols[-1] + 1].astype(np.float32), 1)
        y = sheet.place(np.column_stack([np.arange(rows[0] - 1, rows[-1] + 2)] * 2), value.grid)[:, 0]
        x = sheet.place(np.column_stack([np.arange(cols[0] - 1, cols[-1] + 2)] * 2), value.grid)[:, 1]
        hue = sheet.hue if sheet.dashed else HUES[k % len(HUES)]
        sheet.axes.contour(x, y, padded, levels=[0.5], colors=[hue], linewidths=1.1, linestyles="dashed" if sheet.dashed else "solid", alpha=0.9)


def _landmarks(sheet: Sheet, value: Readings, slice_: int | None) -> None:
    if overlay_spine.is_column(value):
        overlay_spine.column(sheet, value)
        return
    at = {name: sheet.place(point, value.grid)[0] for name, point in value.landmarks.items() if len(point) == 2 and all(math.isfinite(p) for p in point)}
    for first, last in _segments(at):
        a, b = at[first], at[last]
        if (first.split(".")[-1], last.split(".")[-1]) not in LINES:
            a, b = a - 0.3 * (b - a), b + 0.3 * (b - a)
        sheet.axes.plot([a[1], b[1]], [a[0], b[0]], color=sheet.hue, lw=1.3, ls=sheet.style, alpha=0.95)
    if sheet.dashed:
        return
    for side in {name.rpartition(".")[0] for name in at}:
        _beyond(sheet, at, side)
    if at:
        points = np.array(list(at.values()))
        sheet.axes.plot(points[:, 1], points[:, 0], ls="", marker="o", ms=4.2, mfc="#0b0f12", mec=sheet.hue, mew=1.2)


def _segments(at: Mapping[str, np.ndarray]) -> list[tuple[str, str]]:
    """Pairs of landmarks that a line joins: mechanical axes, and the two ends of a tangent."""
    out = [(f"{side}{a}", f"{side}{b}") for side in dict.fromkeys(n.rpartition(".")[0] + "." if "." in n else "" for n in at) for a, b in LINES]
    out += [(name, name[: -len(a)] + b) for name in at for a, b in TANGENTS if name.endswith(a)]
    return [(a, b) for a, b in out if a in at and b in at]


def _beyond(sheet: Sheet, at: Mapping[str, np.ndarray], side: str) -> None:
    """The femoral axis carried on below the knee, so that the deviation is seen."""
    names = [f"{side}.{n}" if side else n for n in ("hip", "knee", "ankle")]
    if any(n not in at for n in names):
        return
    hip, knee, ankle = (at[n] for n in names)
    end = knee + (knee - hip) / max(np.linalg.norm(knee - hip), 1e-9) * np.linalg.norm(ankle - knee)
    sheet.axes.plot([knee[1], end[1]], [knee[0], end[0]], color=sheet.hue, lw=0.9, ls=(0, (1, 2.5)), alpha=0.9)


LAYERS: dict[type, Callable[[Sheet, Any, int | None], None]] = {Objects: _boxes, Mask: _outlines, Readings: _landmarks}


@dataclass(frozen=True, eq=False)
class Told:
    """Readings of one side at one joint ("" for none), as lines of text, with the value whose landmarks say where."""

    side: str
    joint: str
    lines: tuple[str, ...] = field(kw_only=True)
    value: Readings = field(kw_only=True)


def told(values: Mapping[str, Value], targets: Mapping[str, Target], truth: Mapping[str, Value]) -> list[Told]:
    """Every reading in words, by side and joint; the reference in brackets."""
    out: dict[tuple[str, str, str], list[str]] = {}
    for target, value in values.items():
        units, known = dict(getattr(targets.get(target), "units", {})), truth.get(target)
        for key, reading in value.values.items() if isinstance(value, Readings) else ():
            name, _, side = key.partition(".")
            joint = next((j for j, names in NEAR.items() if name in names), "")
            reference = known.values.get(key) if isinstance(known, Readings) else None
            out.setdefault((target, side, joint), []).append(_reading(name, reading, units.get(name, ""), reference, value.reasons.get(key, "")))  # type: ignore[union-attr]
    return [Told(side, joint, lines=tuple(lines[:MOST_READINGS]), value=values[target]) for (target, side, joint), lines in out.items()]  # type: ignore[arg-type]


def _corner(sheet: Sheet, values: Mapping[str, Value]) -> None:
    """Classes and what was withheld, in the corner of the film."""
    lines: list[str] = []
    for name, value in values.items():
        if isinstance(value, Label):
            chance = value.probabilities.get(value.name)
            lines.append(f"{name}: {value.name}" + (f", {number(100 * chance)} %" if chance is not None else ""))
        elif isinstance(value, Withheld):
            lines.append(f"{name}: withheld, {discreet(value.reason)}")
    if lines:
        rows, cols = sheet.shape
        _text(sheet, 0.015 * cols, 0.012 * rows, "\n".join(lines), va="top", ha="left")


def _reading(name: str, value: float, unit: str, truth: float | None, reason: str) -> str:
    if math.isnan(value):
        return f"{name}: {discreet(reason) or 'not measurable'}"
    known = f" ({number(truth, 1)})" if truth is not None and not math.isnan(truth) else ""
    return f"{name.replace('_', ' ')} {number(value, 1)}{UNITS.get(unit, f' {unit}')}{known}"


def _margin(sheet: Sheet, block: Told) -> None:
    """Lines of text in the margin on the side of the limb, at the height of the joint; between hip and knee where they belong to no side."""
    from matplotlib.transforms import blended_transform_factory

    rows, cols = sheet.shape
    mark = block.value.landmarks.get(f"{block.side}.{block.joint}" if block.side else block.joint)
    at = sheet.place(mark, block.value.grid)[0] if mark is not None and all(map(math.isfinite, mark)) else None
    level = [point for name, point in block.value.landmarks.items() if block.side not in ("", "R", "L") and name.startswith(f"{block.side}.")]
    if level:  # neighbouring levels stand on either side, so that their lines do not cover each other
        at, aside = sheet.place(np.mean(level, axis=0), block.value.grid)[0], ord(block.side[-1]) % 2 == 0
    left = aside if level else at[1] < cols / 2 if at is not None else block.side != "L"
    height = float(np.clip(at[0], 0.06 * rows, 0.94 * rows)) if at is not None else 0.28 * rows
    head = f"{block.side}\n" if level else {"R": "right\n", "L": "left\n"}.get(block.side, "") if block.joint == "knee" else ""
    where = blended_transform_factory(sheet.axes.transAxes, sheet.axes.transData)
    sheet.axes.text(-0.025 if left else 1.025, height, head + "\n".join(block.lines), transform=where, ha="right" if left else "left", va="center",
                    fontsize=sheet.points, color=TEXT, linespacing=1.45)


def _text(sheet: Sheet, x: float, y: float, text: str, *, va: str, ha: str, size: float = 1.0) -> None:
    from matplotlib.patheffects import withStroke

    sheet.axes.text(x, y, text, va=va, ha=ha, fontsize=size * sheet.points, color=sheet.hue, clip_on=True, path_effects=[withStroke(linewidth=2, foreground="#0b0f12")])

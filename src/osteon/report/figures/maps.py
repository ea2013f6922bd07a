"""A film beside the same under the maps of what an answer rests on; the known region outlined."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from osteon.report.figures.style import styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GROUND, TEXT, KNOWN, FAILED = "#0b0f12", "#f4f7f9", "#ffb347", "#ff7a66"
HEIGHT = 3.6  # inches of a film


@styled
def maps(picture: np.ndarray, found: Mapping[str, np.ndarray], *, region: np.ndarray | None, verdicts: Mapping[str, bool], note: str = "") -> Figure:
    """The picture (rows, cols; 8 bits) and each map (same shape, 8 bits) over it, under its name and whether it passed its sanity checks."""
    from matplotlib.figure import Figure

    wide = HEIGHT * picture.shape[1] / picture.shape[0]
    figure = Figure(figsize=((1 + len(found)) * max(wide, 1.7), HEIGHT + 0.7), layout="constrained", facecolor=GROUND)
    for at, name in zip(figure.subplots(1, 1 + len(found), squeeze=False)[0], ("", *found), strict=True):
        at.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="bilinear")
        at.set_axis_off()
        if name:
            share = np.clip(found[name] / max(float(np.percentile(found[name], 99.5)), 1.0), 0, 1)
            at.imshow(share, cmap="inferno", vmin=0, vmax=1, alpha=0.75 * share**0.7, interpolation="bilinear")
        elif region is not None:
            at.contour(region, levels=[0.5], colors=[KNOWN], linewidths=1.2)
        title = _title(name, known=region is not None, passed=verdicts.get(name, True), empty=bool(name) and not found[name].any())
        at.set_title(title, fontsize=7.5, fontweight="normal", color=TEXT if not name or verdicts[name] else FAILED, loc="center")
    if note:
        figure.supxlabel(note, fontsize=7, color=KNOWN)
    return figure


def _title(name: str, *, known: bool, passed: bool, empty: bool) -> str:
    if not name:
        return "as the network sees it\nknown region outlined" if known else "as the network sees it\n"
    return f"{name}\nnothing speaks for it" if empty else f"{name}\n{'passed its check' if passed else 'failed its check'}"


def jpeg(figure: Figure) -> bytes:
    """The figure as the bytes of a JPEG."""
    from PIL import Image

    out, page = io.BytesIO(), io.BytesIO()
    figure.savefig(page, format="png", dpi=130, facecolor=GROUND)
    Image.open(page).convert("RGB").save(out, "JPEG", quality=88)
    return out.getvalue()

"""Quality of a reconstructed picture against its target.

Wang Z et al. IEEE Trans Image Process 2004; 13: 600 (SSIM). Conventions of fastMRI (Zbontar J et al. 2018): SSIM with a
uniform 7 x 7 window and sample covariance, slice by slice; the data range is the largest value of the target volume.
"""
from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import ndimage

from osteon.stats.arguments import Floats, numbers


def _pair(target: ArrayLike, reconstructed: ArrayLike) -> tuple[Floats, Floats]:
    a = numbers(target, "target", ndim=np.ndim(target))
    b = numbers(reconstructed, "reconstructed", ndim=np.ndim(reconstructed))
    if a.shape != b.shape or a.ndim not in (2, 3):
        raise ValueError(f"reconstructed: shape {b.shape} (expected that of target, {a.shape}, 2 or 3 axes)")
    return a, b


def nmse(target: ArrayLike, reconstructed: ArrayLike) -> float:
    """Squared error over the squared norm of the target; nan for a target of zeros."""
    a, b = _pair(target, reconstructed)
    power = float((a**2).sum())
    return float(((a - b) ** 2).sum()) / power if power else math.nan


def psnr(target: ArrayLike, reconstructed: ArrayLike, *, data_range: float | None = None) -> float:
    """Peak signal-to-noise ratio in dB; infinite for equal pictures, nan where the range is 0."""
    a, b = _pair(target, reconstructed)
    peak, mse = _range(a, data_range), float(((a - b) ** 2).mean())
    if not peak > 0:
        return math.nan
    return 10 * math.log10(peak**2 / mse) if mse else math.inf


def ssim(target: ArrayLike, reconstructed: ArrayLike, *, data_range: float | None = None,
         window: str = "uniform") -> float:
    """Mean structural similarity of a picture (h, w), or of the slices of a volume (n, h, w).

    ``window`` is "uniform" (7 x 7, fastMRI) or "gaussian" (sigma 1.5, 11 x 11, Wang 2004). nan where the range is 0;
    ValueError for a side below the window.
    """
    a, b = _pair(target, reconstructed)
    peak = _range(a, data_range)
    side = {"uniform": 7, "gaussian": 11}.get(window)
    if side is None:
        raise ValueError(f"window: {window!r} (expected 'uniform' or 'gaussian')")
    if min(a.shape[-2:]) < side:
        raise ValueError(f"target: {a.shape[-2]} by {a.shape[-1]} (expected at least {side} by {side})")
    if not peak > 0:
        return math.nan
    slices = zip(a[None] if a.ndim == 2 else a, b[None] if b.ndim == 2 else b, strict=True)
    return float(np.mean([_ssim(x, y, peak, side) for x, y in slices]))


def _range(target: Floats, given: float | None) -> float:
    return float(target.max()) if given is None else float(given)


def _ssim(x: Floats, y: Floats, peak: float, side: int) -> float:
    if side == 7:
        def smooth(v: Floats) -> Floats:
            return ndimage.uniform_filter(v, 7)
        unbias = 49 / 48
    else:
        def smooth(v: Floats) -> Floats:
            return ndimage.gaussian_filter(v, 1.5, radius=5)
        unbias = 1.0
    mean_x, mean_y = smooth(x), smooth(y)
    var_x, var_y = (unbias * (smooth(v * v) - m * m) for v, m in ((x, mean_x), (y, mean_y)))
    cov = unbias * (smooth(x * y) - mean_x * mean_y)
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    ratio = (2 * mean_x * mean_y + c1) * (2 * cov + c2) / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))
    pad = side // 2
    return float(ratio[pad:-pad, pad:-pad].mean())

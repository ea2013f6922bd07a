"""Quality of a reconstructed picture against its target.

Wang Z et al. IEEE Trans Image Process 2004; 13: 600 (SSIM). Conventions of fastMRI (Zbontar J et al. 2018): SSIM with a
uniform 7 x 7 window and sample covariance, slice by slice; the data range is the largest value of the target volume,
also where only the pixels in the patient are judged.
"""
from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import ndimage

from osteon.stats.arguments import Bools, Floats, numbers


def _pair(target: ArrayLike, reconstructed: ArrayLike) -> tuple[Floats, Floats]:
    a = numbers(target, "target", ndim=np.ndim(target))
    b = numbers(reconstructed, "reconstructed", ndim=np.ndim(reconstructed))
    if a.shape != b.shape or a.ndim not in (2, 3):
        raise ValueError(f"reconstructed: shape {b.shape} (expected that of target, {a.shape}, 2 or 3 axes)")
    return a, b


def nmse(target: ArrayLike, reconstructed: ArrayLike, *, inside: ArrayLike | None = None) -> float:
    """Squared error over the squared norm of the target, of all pixels or of those ``inside``; nan for a target of zeros."""
    a, b = (x[_region(x, inside)] for x in _pair(target, reconstructed))
    power = float((a**2).sum())
    return float(((a - b) ** 2).sum()) / power if power else math.nan


def psnr(target: ArrayLike, reconstructed: ArrayLike, *, data_range: float | None = None, inside: ArrayLike | None = None) -> float:
    """Peak signal-to-noise ratio in dB, of all pixels or of those ``inside``; infinite for equal pictures, nan where the range is 0."""
    a, b = _pair(target, reconstructed)
    peak, error = _range(a, data_range), ((a - b) ** 2)[_region(a, inside)]
    mse = float(error.mean()) if error.size else math.nan
    if not peak > 0:
        return math.nan
    return 10 * math.log10(peak**2 / mse) if mse else math.inf


def ssim(target: ArrayLike, reconstructed: ArrayLike, *, data_range: float | None = None,
         window: str = "uniform", inside: ArrayLike | None = None) -> float:
    """Mean structural similarity of a picture (h, w), or of the slices of a volume (n, h, w).

    ``window`` is "uniform" (7 x 7, fastMRI) or "gaussian" (sigma 1.5, 11 x 11, Wang 2004). With ``inside`` the mean is that of windows with their middle
    there. nan where the range is 0 or nothing is inside; ValueError for a side below the window.
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
    likeness = np.stack([_ssim(x, y, peak, side) for x, y in slices])
    if inside is None:
        return float(np.mean(likeness))
    pad = side // 2
    kept = likeness[_region(a, inside).reshape(-1, *a.shape[-2:])[:, pad:-pad, pad:-pad]]
    return float(kept.mean()) if kept.size else math.nan


def body(target: ArrayLike) -> Bools:
    """Which pixels of a picture (h, w) or volume (n, h, w) lie in the patient: the largest bright part of each slice, holes filled.

    Bright is told from the noise beside the patient by Otsu's threshold (IEEE Trans Syst Man Cybern 1979; 9: 62) on the logarithm of the volume, smoothed
    over a fortieth of its side, of which the brighter half counts as one. Beyond there is noise, of which no reconstruction can be right or wrong.
    """
    a = numbers(target, "target", ndim=np.ndim(target))
    volume = a[None] if a.ndim == 2 else a
    side = max(3, round(max(volume.shape[-2:]) / 40))
    smooth = ndimage.uniform_filter(volume, (0, side, side))
    low, high = np.quantile(smooth, (0.01, 0.5))
    if not high > max(low, 0.0):
        return np.ones(a.shape, bool)
    levels = np.log(np.clip(smooth, max(low, 1e-6 * high), high))
    return np.stack([_largest(part) for part in levels > _otsu(levels)]).reshape(a.shape)


def _otsu(values: Floats) -> float:
    """The threshold between two groups with the largest variance between them."""
    counts, edges = np.histogram(values, 64)
    share, level = counts / counts.sum(), (edges[:-1] + edges[1:]) / 2
    below, mean = np.cumsum(share), np.cumsum(share * level)
    between = (mean[-1] * below - mean) ** 2 / np.maximum(below * (1 - below), 1e-12)
    return float(level[between[:-1].argmax()])


def _largest(part: Bools) -> Bools:
    named, count = ndimage.label(part)
    if not count:
        return part
    sizes = np.bincount(named.ravel())[1:]
    return np.asarray(ndimage.binary_fill_holes(named == sizes.argmax() + 1))


def _region(target: Floats, inside: ArrayLike | None) -> Bools:
    """The pixels that count, all of them where none are named; ValueError for another shape."""
    if inside is None:
        return np.ones(target.shape, bool)
    region = np.asarray(inside, bool)
    if region.shape != target.shape:
        raise ValueError(f"inside: shape {region.shape} (expected that of target, {target.shape})")
    return region


def _range(target: Floats, given: float | None) -> float:
    return float(target.max()) if given is None else float(given)


def _ssim(x: Floats, y: Floats, peak: float, side: int) -> Floats:
    """The similarity at every pixel whose window lies in the picture."""
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
    return np.asarray(ratio[pad:-pad, pad:-pad])

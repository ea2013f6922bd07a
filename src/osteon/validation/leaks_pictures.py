"""One picture on both sides of the division, as it is or changed a little."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from osteon.validation.fingerprints import Prints
from osteon.validation.leaks_identity import shared
from osteon.validation.material import Divided, Found

BITS = 4  # of 64 by which perceptual hashes may differ without a further look
FURTHER = 16  # and with the fine detail of both correlated
DETAIL, DETAIL_NEAR = 0.70, 0.60  # correlation of fine detail that is asked of far and of near hashes: of 360,000 pairs of different knees none has 0.6
CHUNK, SAMPLE = 512, 400


def same_pixels(divided: Divided) -> Iterator[Found]:
    """Pictures that are equal to the last bit."""
    prints = divided.material.prints
    pairs = shared(prints.exact, divided) if prints is not None else []
    if pairs:
        yield Found(True, f"{len(pairs)} test pictures are equal to the last bit to one that was learnt from.", pairs=tuple(pairs))


def alike(divided: Divided) -> Iterator[Found]:
    """Pictures that are one picture saved again, rescaled, brightened, cropped a little or mirrored: to be looked at."""
    prints = divided.material.prints
    if prints is None:
        return
    equal = set(shared(prints.exact, divided))
    test, learnt = (rows[prints.known[rows]] for rows in (divided.test, divided.learnt))
    pairs = [p for p in near(prints, test, learnt) if p not in equal]
    if pairs:
        yield Found(False, f"{len(pairs)} pairs of pictures, one tested and one learnt from, look like one picture.", pairs=tuple(pairs))


def near(prints: Prints, test: np.ndarray, learnt: np.ndarray) -> Iterator[tuple[int, int]]:
    """Pairs of row numbers whose perceptual hashes are near (as they are or one mirrored) and whose fine detail correlates."""
    ask = asked(prints, learnt)
    for begin in range(0, len(test), CHUNK):
        rows = test[begin:begin + CHUNK]
        for mirrored in (0, 1):
            far = np.bitwise_count(prints.perceptual[rows, 0][:, None] ^ prints.perceptual[learnt, mirrored][None, :])
            for i, j in np.argwhere(far <= FURTHER):
                alike_ = _detail(prints.detail[rows[i]], prints.detail[learnt[j]], bool(mirrored))
                if alike_ >= ask[int(far[i, j] > BITS)]:
                    yield int(rows[i]), int(learnt[j])


def asked(prints: Prints, learnt: np.ndarray) -> tuple[float, float]:
    """The correlation that is asked of near and of far hashes: half-way to 1 from what one in a thousand pairs of the cases learnt from have anyway."""
    rows = learnt[:: max(1, len(learnt) // SAMPLE)]
    if len(rows) < 3:
        return DETAIL_NEAR, DETAIL
    within = prints.detail[rows] @ prints.detail[rows].T
    usual = float(np.quantile(within[np.triu_indices(len(rows), 1)], 0.999))
    return max(DETAIL_NEAR, (1 + usual) / 2), max(DETAIL, (1 + usual) / 2)


def _detail(first: np.ndarray, second: np.ndarray, mirrored: bool) -> float:
    """The largest correlation of fine detail over shifts of up to three pixels of the thumbnails."""
    side = int(np.sqrt(len(first)))
    a, b = first.reshape(side, side), second.reshape(side, side)
    b = b[:, ::-1] if mirrored else b
    spectrum = np.fft.irfft2(np.fft.rfft2(a) * np.conj(np.fft.rfft2(b)), s=a.shape)
    near_zero = np.r_[0:4, side - 3:side]
    return float(spectrum[np.ix_(near_zero, near_zero)].max())

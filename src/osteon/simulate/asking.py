"""What every simulator asks of its arguments: that they are possible, and a seed that gives the same streams whoever asked first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from osteon.errors import DataError, message

Check = tuple[str, str, Any, bool]  # what is wrong, what was expected, what was found, whether all is well


def refuse(where: str, checks: Iterable[Check]) -> None:
    """Raise DataError for the first check that does not hold."""
    for what, expected, found, holds in checks:
        if not holds:
            raise DataError(message(where, what, expected=expected, found=f"Found {found!r}"))


def unspawned(seed: int | tuple[int, ...] | np.random.SeedSequence) -> np.random.SeedSequence:
    """The sequence of a seed that nobody has spawned from."""
    if isinstance(seed, np.random.SeedSequence):
        return np.random.SeedSequence(seed.entropy, spawn_key=seed.spawn_key)
    return np.random.SeedSequence(seed)

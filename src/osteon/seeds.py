"""Seeds that depend on what is done, never on the order in which it is done."""

from __future__ import annotations

import hashlib


def derive(seed: int, *parts: object) -> int:
    """A seed below 2**63 from a seed and labels (model, fold, fit)."""
    text = "\x1f".join([str(seed), *map(str, parts)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1

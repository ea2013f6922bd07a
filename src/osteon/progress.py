"""Progress of long work, shown where someone is looking and silent elsewhere."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
log = logging.getLogger("osteon")


def track(items: Iterable[T], total: int | None = None, *, what: str) -> Iterator[T]:
    """Iterate with a bar and the time left on a terminal; elsewhere (pipes, tests) only iterate."""
    if not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import track as bar

    yield from bar(items, description=what, total=total, console=Console(stderr=True), transient=True)

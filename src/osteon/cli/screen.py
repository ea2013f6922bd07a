"""What a verb prints: a table or sentences for people, JSON for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="print JSON instead of text")]


def plain(data: Any) -> None:
    """Print data as JSON; a number that JSON lacks (NaN, infinity) is null."""
    typer.echo(json.dumps(_known(data), indent=1, ensure_ascii=False, default=str))


def _known(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {key: _known(part) for key, part in data.items()}
    if isinstance(data, (list, tuple)):
        return [_known(part) for part in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data


def table(rows: Sequence[Mapping[str, Any]], title: str = "") -> None:
    """Print rows as a table as wide as the terminal."""
    from rich.console import Console
    from rich.table import Table

    out = Table(title=title or None, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for name in rows[0] if rows else ():
        out.add_column(name, overflow="fold")
    for row in rows:
        out.add_row(*("" if v is None else str(v) for v in row.values()))
    Console().print(out)

"""One page of HTML: style, figures and films inside, nothing fetched from anywhere, no script needed to read it."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any
from urllib.parse import quote

from osteon.report.content import Article, Cell, Drawing, Table
from osteon.report.export import file_of, table_csv

HERE = Path(__file__).parent


def page(article: Article) -> str:
    """The article as HTML; every text is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    world = Environment(loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    world.filters |= {"picture": _picture, "table_link": lambda table: _table_link(table, article.simulated), "cell": _cell, "data_link": lambda drawing: file_of(drawing, "json")}
    return world.get_template("article.html").render(article=article, front=article.front, style=_raw((HERE / "style.css").read_text(encoding="utf-8")))


def _raw(text: str) -> Any:
    from markupsafe import Markup

    return Markup(text)


def _picture(drawing: Drawing) -> Any:
    """The figure as an element of the page: SVG as it is, a film as a JPEG."""
    if isinstance(drawing.data, str):
        return _raw(drawing.data)
    from markupsafe import Markup

    return Markup('<img alt="{}" src="data:image/jpeg;base64,{}">').format(drawing.alt, base64.b64encode(drawing.data).decode())


def _table_link(table: Table, simulated: bool) -> str:
    return "data:text/csv;charset=utf-8," + quote(table_csv(table, simulated=simulated))


def _cell(content: Cell | str) -> Cell:
    return content if isinstance(content, Cell) else Cell(content)

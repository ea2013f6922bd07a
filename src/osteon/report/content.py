"""What a report says, before it has a shape: blocks in sections, sections in an article. HTML, JSON and DOCX are made from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True)
class Cell:
    """One number of a table as it is read (`text`, below it its interval) and as it is computed with (value and limits, None where undefined)."""

    text: str
    under: str = ""
    value: float | None = field(default=None, kw_only=True)
    lower: float | None = field(default=None, kw_only=True)
    upper: float | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class Paragraph:
    """Sentences; `tone` is plain, heading, lead, note, quoted (the words of a study file or a paper, not ours) or blank (a place that an author has to fill)."""

    kind: ClassVar[str] = "paragraph"
    sentences: tuple[str, ...]
    tone: str = "plain"


@dataclass(frozen=True)
class Items:
    """A list; `tone` is plain, quoted or ready (numbered references)."""

    kind: ClassVar[str] = "items"
    items: tuple[str, ...]
    tone: str = "plain"


@dataclass(frozen=True)
class Terms:
    """Words and what they mean."""

    kind: ClassVar[str] = "terms"
    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Table:
    """A table that is also a CSV file of its `name`; a row of one cell is a heading for those below it. `tone` is plain, tight or quoted."""

    kind: ClassVar[str] = "table"
    name: str
    title: str
    columns: tuple[str, ...] = field(kw_only=True)
    rows: tuple[tuple[Cell | str, ...], ...] = field(kw_only=True)
    note: str = field(default="", kw_only=True)
    tone: str = field(default="plain", kw_only=True)

    def __post_init__(self) -> None:
        uneven = [row for row in self.rows if len(row) not in (1, len(self.columns))]
        if uneven:
            raise ValueError(f"table {self.name}: a row has {len(uneven[0])} cells (expected {len(self.columns)}, or 1 for a heading)")


@dataclass(frozen=True)
class Drawing:
    """A figure: SVG text or the bytes of a JPEG, what it shows, the same in words for those who do not see it, and what it was drawn from.

    `source` is the data of its panels (of a film: the answers drawn on it), `bitmap` makes a PNG of an SVG.
    """

    kind: ClassVar[str] = "drawing"
    name: str
    title: str
    data: str | bytes = field(kw_only=True, repr=False)
    caption: str = field(default="", kw_only=True)
    alt: str = field(kw_only=True)
    source: Mapping[str, Any] = field(default_factory=dict, kw_only=True, repr=False, hash=False)
    bitmap: Callable[[], bytes] | None = field(default=None, kw_only=True, repr=False, compare=False)

    @property
    def pixels(self) -> bytes:
        """The figure as a PNG or JPEG; ValueError where it is an SVG that nothing can draw anew."""
        if isinstance(self.data, bytes):
            return self.data
        if self.bitmap is None:
            raise ValueError(f"figure {self.name}: it holds no bitmap (expected one for a document)")
        return self.bitmap()

    @property
    def vector(self) -> bool:
        """Whether the figure is an SVG."""
        return isinstance(self.data, str)


@dataclass(frozen=True)
class Beside:
    """Blocks side by side on a wide page."""

    kind: ClassVar[str] = "beside"
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Folded:
    """Blocks that open on demand, and are open in print."""

    kind: ClassVar[str] = "folded"
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Slider:
    """Sensitivity and specificity of some rules (label, sensitivity, specificity), read at a prevalence that the reader sets; `at` is where it starts."""

    kind: ClassVar[str] = "slider"
    title: str
    rules: tuple[tuple[str, float, float], ...]
    at: float = field(kw_only=True)


@dataclass(frozen=True)
class Links:
    """Files that lie beside the report: (relative path, what it holds)."""

    kind: ClassVar[str] = "links"
    pairs: tuple[tuple[str, str], ...]


Block = Paragraph | Items | Terms | Table | Drawing | Beside | Folded | Slider | Links


@dataclass(frozen=True)
class Section:
    """A section of the article; `name` is its anchor."""

    name: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Front:
    """The first screen: the question, the answer in a number (`beside` it what is attainable), and four short texts."""

    question: str
    source: str
    banner: str = field(kw_only=True)
    number: Cell = field(kw_only=True)
    beside: str = field(kw_only=True)
    measured: str = field(kw_only=True)
    scale: Drawing | None = field(kw_only=True)
    quarters: tuple[tuple[str, tuple[str, ...]], ...] = field(kw_only=True)


@dataclass(frozen=True)
class Article:
    """A whole report, or a protocol (which has no first screen)."""

    title: str
    front: Front | None
    sections: tuple[Section, ...] = field(kw_only=True)
    simulated: bool = field(kw_only=True)
    made: str = field(kw_only=True)


def drawings_of(article: Article) -> tuple[Drawing, ...]:
    """Every figure of an article, that of the first screen last."""
    inside = tuple(b for section in article.sections for b in blocks_of(section) if isinstance(b, Drawing))
    return inside + ((article.front.scale,) if article.front is not None and article.front.scale is not None else ())


def blocks_of(section: Section) -> tuple[Block, ...]:
    """Every block of a section, those within others too, in reading order."""
    return _flat(section.blocks)


def _flat(blocks: tuple[Block, ...]) -> tuple[Block, ...]:
    out: list[Block] = []
    for block in blocks:
        out += _flat(block.blocks) if isinstance(block, (Beside, Folded)) else [block]
    return tuple(out)

"""An article as a Word document: the same headings, tables, figures and notes as the page, numbered, with the stamp of simulated cases on every sheet."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

from osteon.report.content import Article, Beside, Block, Cell, Drawing, Folded, Front, Items, Links, Paragraph, Section, Slider, Table, Terms
from osteon.report.words import STAMP, number

if TYPE_CHECKING:
    from docx.document import Document
    from docx.text.paragraph import Paragraph as Line

WIDTH = 9640  # twentieths of a point between the margins of A4: 17 cm
TALLEST, WIDEST = 21.5, 17.0  # cm of a figure
INK, SOFT, ORANGE, BLUE = "1F2933", "5B6770", "A84C00", "0B5F98"
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # characters that XML does not hold
NAMESPACE = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


@dataclass(frozen=True, eq=False)
class Sheet:
    """A document in the making, and the next numbers of its tables and figures."""

    doc: Document
    tables: Any = field(default_factory=partial(count, 1))
    figures: Any = field(default_factory=partial(count, 1))


def document(article: Article) -> bytes:
    """The bytes of a .docx file."""
    import docx

    sheet = Sheet(docx.Document())
    _style(sheet.doc)
    _frame(sheet.doc, article)
    if article.front is not None:
        _front(sheet, article.front)
    else:
        sheet.doc.add_heading(_clean(article.title), 0)
    _contents(sheet.doc, article)
    for section in article.sections:
        _section(sheet, section)
    sheet.doc.add_paragraph(_clean(f"{article.made}. Research software, not a medical device."), style="Caption")
    out = io.BytesIO()
    sheet.doc.save(out)
    return out.getvalue()


def _style(doc: Document) -> None:
    from docx.shared import Cm, Pt, RGBColor

    page = doc.sections[0]
    page.page_width, page.page_height = Cm(21), Cm(29.7)
    page.left_margin = page.right_margin = Cm(2)
    page.top_margin = page.bottom_margin = Cm(2)
    for name, size, colour in (("Normal", 10.5, INK), ("Title", 22, INK), ("Heading 1", 16, INK), ("Heading 2", 12.5, BLUE), ("Heading 3", 11, BLUE), ("Caption", 8.5, SOFT), ("Quote", 10.5, INK)):
        style: Any = doc.styles[name]
        style.font.name, style.font.size, style.font.color.rgb = "Calibri", Pt(size), RGBColor.from_string(colour)
        style.font.bold, style.font.italic = name.startswith("Heading"), name == "Quote"
        style.paragraph_format.space_after = Pt(4 if name == "Caption" else 6)
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for theme in [key for key in fonts.attrib if key.endswith("Theme")]:
            del fonts.attrib[theme]


def _frame(doc: Document, article: Article) -> None:
    """Properties, the stamp at the head of every sheet, and at its foot where it came from and its number."""
    from datetime import UTC, datetime

    about = doc.core_properties
    about.title, about.author, about.subject = _clean(article.title)[:255], "", STAMP if article.simulated else ""
    about.comments, about.created, about.modified = "", datetime(2000, 1, 1, tzinfo=UTC), datetime(2000, 1, 1, tzinfo=UTC)
    if article.simulated:
        _run(doc.sections[0].header.paragraphs[0], STAMP, colour=ORANGE, bold=True)
    foot = doc.sections[0].footer.paragraphs[0]
    foot.style = doc.styles["Caption"]
    _run(foot, f"{article.made} · ", colour=SOFT)
    _field(foot, "PAGE", "1")


def _front(sheet: Sheet, front: Front) -> None:
    """The first screen: banner first, then question, result, its scale and the four quarters."""
    doc = sheet.doc
    if front.banner:
        _run(doc.add_paragraph(), front.banner, colour=ORANGE, bold=True)
    doc.add_heading(_clean(front.question), 0)
    _run(doc.add_paragraph(), f"After {front.source}", colour=SOFT, italic=True)
    _run(doc.add_paragraph(), front.measured, colour=SOFT)
    value = doc.add_paragraph()
    _run(value, front.number.text, size=26, bold=True)
    _run(value, f" {front.beside}" if front.beside else "")
    _run(doc.add_paragraph(), front.number.under, colour=SOFT)
    if front.scale is not None:
        _picture(sheet, front.scale)
    for title, texts in front.quarters:
        doc.add_heading(_clean(title), 2)
        for text in texts:
            doc.add_paragraph(_clean(text), style="List Bullet")


def _contents(doc: Document, article: Article) -> None:
    """A table of contents: the titles now, with page numbers once the reader's program updates it."""
    doc.add_heading("Contents", 2)
    line = doc.add_paragraph()
    _field(line, 'TOC \\o "1-1" \\h \\z \\u', "\n".join(section.title for section in article.sections))


def _section(sheet: Sheet, section: Section) -> None:
    sheet.doc.add_heading(_clean(section.title), 1)
    for block in section.blocks:
        _block(sheet, block)


def _block(sheet: Sheet, block: Block) -> None:
    _WRITERS[type(block)](sheet, block)


def _paragraph(sheet: Sheet, block: Paragraph) -> None:
    text = " ".join(filter(None, block.sentences))
    if block.tone == "heading":
        sheet.doc.add_heading(_clean(text), 2)
        return
    line = sheet.doc.add_paragraph(style="Quote" if block.tone == "quoted" else None)
    _run(line, text, italic=block.tone == "note", colour=SOFT if block.tone == "note" else None, size=12 if block.tone == "lead" else None, marked=block.tone == "blank")


def _items(sheet: Sheet, block: Items) -> None:
    for place, item in enumerate(block.items, 1):
        if block.tone == "ready":
            sheet.doc.add_paragraph(_clean(f"{place}. {item}"))
        else:
            sheet.doc.add_paragraph(_clean(item), style="List Bullet")


def _terms(sheet: Sheet, block: Terms) -> None:
    for term, meaning in block.pairs:
        line = sheet.doc.add_paragraph()
        _run(line, f"{term}. ", bold=True)
        _run(line, meaning)


def _links(sheet: Sheet, block: Links) -> None:
    for path, what in block.pairs:
        line = sheet.doc.add_paragraph(style="List Bullet")
        _run(line, path, bold=True)
        _run(line, f": {what}")


def _beside(sheet: Sheet, block: Beside) -> None:
    for part in block.blocks:
        _block(sheet, part)


def _folded(sheet: Sheet, block: Folded) -> None:
    sheet.doc.add_heading(_clean(block.title), 3)
    for part in block.blocks:
        _block(sheet, part)


def _slider(sheet: Sheet, block: Slider) -> None:
    rows = tuple((name, Cell(f"{number(100 * sens, 1)}\u00a0%", value=sens), Cell(f"{number(100 * spec, 1)}\u00a0%", value=spec)) for name, sens, spec in block.rules)
    _table(sheet, Table("slider", block.title, columns=("Rule", "Sensitivity", "Specificity"), rows=rows, note="The page (report.html) reads predictive values at any prevalence from these with a slider."))


def _drawing(sheet: Sheet, block: Drawing) -> None:
    title = sheet.doc.add_paragraph(style="Caption")
    title.paragraph_format.keep_with_next = True
    _run(title, f"Figure {next(sheet.figures)}. ", bold=True, colour=INK)
    _run(title, block.title, bold=True, colour=INK)
    _picture(sheet, block)
    if block.caption:
        sheet.doc.add_paragraph(_clean(block.caption), style="Caption")


def _picture(sheet: Sheet, block: Drawing) -> None:
    """The picture as large as the sheet allows, with its words for those who do not see it."""
    from docx.shared import Cm
    from PIL import Image

    data = block.pixels
    with Image.open(io.BytesIO(data)) as picture:
        across, up = picture.size
        natural = 2.54 * across / (picture.info.get("dpi") or (160, 160))[0]
    wide = min(WIDEST, natural, TALLEST * across / up)
    shape = sheet.doc.add_picture(io.BytesIO(data), width=Cm(wide))
    shape._inline.docPr.set("descr", _clean(block.alt))


def _table(sheet: Sheet, block: Table) -> None:
    """Title above, rows as XML in one go (cell by cell takes seconds for the notes of many fits), note below."""
    from docx.oxml import parse_xml

    title = sheet.doc.add_paragraph(style="Caption")
    title.paragraph_format.keep_with_next = True
    _run(title, f"Table {next(sheet.tables)}. ", bold=True, colour=INK)
    _run(title, block.title, bold=True, colour=INK)
    size = 16 if len(block.columns) <= 7 else 13 if len(block.columns) <= 10 else 11  # half points
    widths = _widths(block)
    head = _tr([_tc(name, w, size, head=True) for name, w in zip(block.columns, widths, strict=True)], head=True) if any(block.columns) else ""
    rows = "".join(_row(row, widths, size) for row in block.rows)
    grid = "".join(f'<w:gridCol w:w="{w}"/>' for w in widths)
    lines = "".join(f'<w:{side} w:val="single" w:sz="{weight}" w:space="0" w:color="{colour}"/>' for side, weight, colour in (("top", 8, INK), ("bottom", 8, INK), ("insideH", 4, "E8EBED")))
    text = (f'<w:tbl {NAMESPACE}><w:tblPr><w:tblW w:w="{sum(widths)}" w:type="dxa"/><w:tblBorders>{lines}</w:tblBorders><w:tblLayout w:type="fixed"/>'
            f'<w:tblCellMar><w:left w:w="40" w:type="dxa"/><w:right w:w="80" w:type="dxa"/></w:tblCellMar></w:tblPr><w:tblGrid>{grid}</w:tblGrid>{head}{rows}</w:tbl>')
    title._p.addnext(parse_xml(text))
    sheet.doc.add_paragraph(_clean(block.note), style="Caption")


def _widths(block: Table) -> list[int]:
    """Widths of the columns by their longest words and texts; their sum is the width of the page."""
    texts = [[name, *(_said(row[k]) for row in block.rows if len(row) > 1)] for k, name in enumerate(block.columns)]
    wanted = [min(46.0, max(max((len(w) for w in re.split(r"[\s]", " ".join(column[:400]))), default=1), 0.55 * max(map(len, column[:400]), default=1), 4)) for column in texts]
    return [int(WIDTH * w / sum(wanted)) for w in wanted]


def _said(cell: Cell | str) -> str:
    return cell if isinstance(cell, str) else max((cell.text, cell.under), key=len)


def _row(row: tuple[Cell | str, ...], widths: list[int], size: int) -> str:
    if len(row) == 1:
        return _tr([_tc(row[0], sum(widths), size, head=True, span=len(widths))])
    return _tr([_tc(cell, w, size) for cell, w in zip(row, widths, strict=True)])


def _tr(cells: list[str], *, head: bool = False) -> str:
    return f'<w:tr><w:trPr><w:cantSplit/>{"<w:tblHeader/>" if head else ""}</w:trPr>{"".join(cells)}</w:tr>'


def _tc(cell: Cell | str, width: int, size: int, *, head: bool = False, span: int = 1) -> str:
    text, under = (cell, "") if isinstance(cell, str) else (cell.text, cell.under)
    below = text.startswith("– ")
    look = f'<w:sz w:val="{size}"/>'
    first = _p(text.removeprefix("– "), f'{"<w:b/>" if head else ""}{look}', indent=140 if below else 0)
    second = _p(under, f'<w:color w:val="{SOFT}"/><w:sz w:val="{size - 2}"/>') if under else ""
    return f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/>{f"""<w:gridSpan w:val="{span}"/>""" if span > 1 else ""}</w:tcPr>{first}{second}</w:tc>'


def _p(text: str, look: str, *, indent: int = 0) -> str:
    from xml.sax.saxutils import escape

    inside = f'<w:ind w:left="{indent}"/>' if indent else ""
    return f'<w:p><w:pPr><w:spacing w:before="20" w:after="20"/>{inside}</w:pPr><w:r><w:rPr>{look}</w:rPr><w:t xml:space="preserve">{escape(_clean(text))}</w:t></w:r></w:p>'


def _run(line: Line, text: str, *, bold: bool = False, italic: bool = False, colour: str | None = None, size: float | None = None, marked: bool = False) -> None:
    from docx.enum.text import WD_COLOR_INDEX
    from docx.shared import Pt, RGBColor

    run = line.add_run(_clean(text))
    run.bold, run.italic = bold or None, italic or None
    if colour:
        run.font.color.rgb = RGBColor.from_string(colour)
    if size:
        run.font.size = Pt(size)
    if marked:
        run.font.highlight_color = WD_COLOR_INDEX.YELLOW


def _field(line: Line, code: str, shown: str) -> None:
    """A field that the reader's program works out, with what is shown until then."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    for kind in ("begin", "separate", "end"):
        mark: Any = OxmlElement("w:fldChar")
        mark.set(qn("w:fldCharType"), kind)
        line.add_run()._r.append(mark)
        if kind == "begin":
            text: Any = OxmlElement("w:instrText")
            text.set(qn("xml:space"), "preserve")
            text.text = code
            line.add_run()._r.append(text)
        elif kind == "separate":
            line.add_run(_clean(shown))


def _clean(text: str) -> str:
    return CONTROL.sub("", text)


_WRITERS: Mapping[type, Callable[[Sheet, Any], None]] = {Paragraph: _paragraph, Items: _items, Terms: _terms, Table: _table, Drawing: _drawing, Beside: _beside, Folded: _folded, Slider: _slider,
                                                        Links: _links}

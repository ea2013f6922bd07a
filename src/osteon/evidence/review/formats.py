"""What each file format calls the fields of a record: RIS, PubMed (nbib and XML), BibTeX, EndNote XML, CSV. Each reader gives its records one by one with their lines."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import IO, Any
from xml.etree import ElementTree

from osteon.errors import DataError, listed, message, near
from osteon.evidence.review.lines import Block, numbered

RIS_TAG = re.compile(r"^\s?([A-Z][A-Z0-9])\s{1,3}-(?:\s|$)")
KEPT_NBIB = {"PMID", "TI", "BTI", "AB", "FAU", "AU", "DP", "VI", "IP", "PG", "JT", "TA", "AID", "PT", "OT", "LA"}
ENTRY = re.compile(r"^\s*@\s*([A-Za-z]+)\s*[{(]")
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "title": ("title", "titles", "article title", "primary title", "document title", "título", "titulo"), "authors": ("authors", "author", "author names", "author full names", "autores", "creators"),
    "year": ("year", "publication year", "pub year", "date", "publication date", "published", "py", "año", "ano"), "abstract": ("abstract", "abstract note", "resumen", "summary"),
    "journal": ("journal", "source title", "journal/book", "publication title", "source", "journal name", "revista"), "volume": ("volume", "vol", "volumen"), "issue": ("issue", "number", "número"),
    "pages": ("pages", "page start", "first page", "start page", "art. no.", "article number", "páginas"), "last_page": ("page end", "last page", "end page"), "doi": ("doi", "digital object identifier"),
    "pmid": ("pmid", "pubmed id", "pubmedid", "medline pmid"), "kind": ("kind", "document type", "publication type", "item type", "type"), "keywords": ("keywords", "author keywords", "manual tags"),
    "language": ("language", "language of original document"), "url": ("url", "link", "articleurl", "urls"), "accession": ("accession number", "ut (unique wos id)", "eid", "unique id", "embase accession id")}


@dataclass(frozen=True)
class Found:
    """One record of a file: its first line, and its fields by our names, or why it cannot be read."""

    line: int
    raw: Mapping[str, object]
    _: KW_ONLY
    wrong: str = ""
    seen: str = ""


Reader = Callable[[Path, Mapping[str, str]], Iterator[Found]]


def blocks(path: Path, starts: Callable[[str], bool], ends: Callable[[str], bool]) -> Iterator[Block]:
    """Records by the lines that begin and end them; lines before the first one are passed over."""
    first = 0
    held: list[str] = []
    for number, line in numbered(path):
        if starts(line):
            if held:
                yield Block(first, tuple(held), closed=False)
            first, held = number, [line]
        elif held:
            held.append(line)
            if ends(line):
                yield Block(first, tuple(held))
                held = []
    if held:
        yield Block(first, tuple(held), closed=False)


def ris(path: Path, _: Mapping[str, str]) -> Iterator[Found]:
    """RIS of databases and of reference managers."""
    from rispy import loads

    last = None
    for block in blocks(path, lambda s: bool((m := RIS_TAG.match(s)) and m[1] == "TY"), lambda s: bool((m := RIS_TAG.match(s)) and m[1] == "ER")):
        if last is not None:
            yield _ris(last, loads)
        last = block
    if last is not None:
        found = _ris(last, loads)
        cut = "" if last.closed else "the file ends inside of this record: it was cut"
        yield Found(found.line, found.raw, wrong=cut or found.wrong, seen=found.seen)


def _ris(block: Block, loads: Callable[..., list[dict[str, Any]]]) -> Found:
    lines = [RIS_TAG.sub(lambda m: f"{m[1]}  - ", s) for s in block.lines if s.strip()]
    tags: dict[str, Any] = loads("\n".join([*lines, "" if block.closed else "ER  - "]))[0]
    names = tags.get("authors") or tags.get("first_authors") or []
    more = tags.get("unknown_tag") or {}
    raw = {"title": _first(tags, "title", "primary_title", "translated_title", "short_title"), "authors": names,
           "year": _first(tags, "year", "publication_year", "date"), "journal": _first(tags, "journal_name", "alternate_title3", "secondary_title", "alternate_title1", "alternate_title2"),
           "volume": tags.get("volume"), "issue": tags.get("number"), "pages": tags.get("start_page"), "last_page": tags.get("end_page"), "doi": tags.get("doi"),
           "kind": tags.get("type_of_work") or tags.get("type_of_reference"), "abstract": _first(tags, "abstract", "notes_abstract"), "keywords": "; ".join(tags.get("keywords") or []),
           "language": tags.get("language"), "url": next(iter(tags.get("urls") or []), ""), "accession": tags.get("accession_number") or tags.get("id"),
           "pmid": _pubmed_number(tags, more)}
    return Found(block.line, raw, seen=block.text[:200])


def _first(tags: Mapping[str, Any], *names: str) -> Any:
    return next((tags[n] for n in names if tags.get(n)), "")


def _pubmed_number(tags: Mapping[str, Any], more: Mapping[str, Any]) -> str:
    """The PubMed number where a database or a program puts it: accession, C-fields, notes, PM."""
    candidates = [tags.get("accession_number"), *more.get("PM", ()), tags.get("custom2"), *(n for n in tags.get("notes") or () if "PMID" in n.upper())]
    for text in filter(None, candidates):
        found = re.fullmatch(r"\s*(?:PMID:?\s*)?(\d{5,8})\s*(?:\[PMID\])?", str(text), re.IGNORECASE) or re.search(r"PMID:?\s*(\d{5,8})", str(text), re.IGNORECASE)
        if found:
            return found[1]
    return ""


def nbib(path: Path, _: Mapping[str, str]) -> Iterator[Found]:
    """PubMed's own format."""
    from nbib import read

    for block in blocks(path, lambda s: s.startswith("PMID-"), lambda s: False):
        yield _nbib(block, read)


def _nbib(block: Block, read: Callable[[str], list[dict[str, Any]]]) -> Found:
    kept, keep = [], False
    for line in block.lines:
        tag = line[:4].strip()
        keep = tag in KEPT_NBIB if tag else keep
        if keep and line.strip() and not (tag == "AID" and not re.search(r"\[[\w-]+\]\s*$", line)):
            kept.append(line if line[4:6] in ("- ", "  ") else f"{line[:4]}- {line[5:].strip()}" if tag else f"      {line.strip()}")
    try:
        tags = read("\n".join(kept) + "\n\n")[0]
    except Exception as error:  # the reader names no exceptions of its own for a value that it does not understand
        return Found(block.line, {}, wrong=f"this is no PubMed record ({error})", seen=block.text[:200])
    names = [a.get("author") or a.get("author_abbreviated") for a in tags.get("authors", ())]
    raw = {"title": tags.get("title") or _book_title(block), "authors": names, "year": tags.get("publication_date"), "journal": tags.get("journal") or tags.get("journal_abbreviated"), "volume": tags.get("journal_volume"),
           "issue": tags.get("journal_issue"), "pages": tags.get("pages"), "doi": tags.get("doi") or _location(block), "pmid": tags.get("pubmed_id"), "kind": "; ".join(tags.get("publication_types", ())),
           "abstract": tags.get("abstract"), "keywords": "; ".join(tags.get("keywords", ())), "language": tags.get("language")}
    return Found(block.line, raw, seen=block.text[:200])


def _book_title(block: Block) -> str:
    return next((line[6:] for line in block.lines if line.startswith("BTI ")), "")


def _location(block: Block) -> str:
    return next((line[6:] for line in block.lines if line.startswith("LID ") and "[doi]" in line), "")


def bibtex(path: Path, _: Mapping[str, str]) -> Iterator[Found]:
    """BibTeX."""
    from bibtexparser import parse_string
    from bibtexparser.middlewares import LatexDecodingMiddleware

    for block in blocks(path, lambda s: bool(ENTRY.match(s)), lambda s: False):
        kind = ENTRY.match(block.lines[0])
        if kind is None or kind[1].lower() in ("comment", "preamble", "string"):
            continue
        parsed = parse_string(block.text, append_middleware=[LatexDecodingMiddleware()])
        if not parsed.entries:
            yield Found(block.line, {}, wrong="the braces of this entry do not match, or the file was cut", seen=block.text[:200])
            continue
        values = {f.key.lower(): re.sub(r"[{}]", "", str(f.value)) for f in parsed.entries[0].fields}
        raw = {"title": values.get("title"), "authors": re.split(r"\s+and\s+", values.get("author", "")), "year": values.get("year") or values.get("date"), "issue": values.get("number"),
               "journal": values.get("journal") or values.get("journaltitle") or values.get("booktitle"), "pages": values.get("pages", "").replace("--", "-"), "kind": parsed.entries[0].entry_type,
               **{n: values.get(n) for n in ("volume", "doi", "pmid", "abstract", "keywords", "language", "url")}}
        yield Found(block.line, raw, seen=block.text[:200])


def xml(path: Path, _: Mapping[str, str]) -> Iterator[Found]:
    """XML of PubMed or of EndNote; after a fault in the file nothing more can be read, and the line is named."""
    with path.open("rb") as file:
        if b"<!ENTITY" in file.read(65_536):
            raise DataError(message(path, "the file declares entities of its own", expected="XML of PubMed or EndNote"))
        file.seek(0)
        yield from _xml(file)


def _xml(file: IO[bytes]) -> Iterator[Found]:
    made: dict[str, Callable[[ElementTree.Element], dict[str, object]]] = {"PubmedArticle": _pubmed_xml, "record": _endnote}
    number = 0
    try:
        for _, element in ElementTree.iterparse(file):
            if element.tag in made:
                number += 1
                yield Found(number, made[element.tag](element), seen=ElementTree.tostring(element, encoding="unicode")[:200])
                element.clear()
    except ElementTree.ParseError as error:
        yield Found(error.position[0], {}, wrong=f"the XML breaks off at line {error.position[0]} ({error.msg.split(':')[0]}): nothing behind it was read")


def _all(element: ElementTree.Element | None) -> str:
    return "".join(element.itertext()) if element is not None else ""


def _pubmed_xml(node: ElementTree.Element) -> dict[str, object]:
    article = node.find(".//Article")
    if article is None:
        return {}
    names = [f"{_all(a.find('LastName'))}, {_all(a.find('ForeName'))}" if a.find("LastName") is not None else _all(a.find("CollectiveName")) for a in article.iterfind("AuthorList/Author")]
    ids = {i.get("IdType", ""): _all(i) for i in node.iterfind("PubmedData/ArticleIdList/ArticleId")}
    return {"title": _all(article.find("ArticleTitle")), "authors": names, "year": _all(article.find("Journal/JournalIssue/PubDate")), "journal": _all(article.find("Journal/Title")),
            "volume": _all(article.find("Journal/JournalIssue/Volume")), "issue": _all(article.find("Journal/JournalIssue/Issue")), "pages": _all(article.find("Pagination/MedlinePgn")), "doi": ids.get("doi", ""),
            "pmid": _all(node.find("MedlineCitation/PMID")), "kind": "; ".join(_all(t) for t in article.iterfind("PublicationTypeList/PublicationType")),
            "abstract": " ".join(_all(t) for t in article.iterfind("Abstract/AbstractText")), "language": _all(article.find("Language")), "keywords": "; ".join(_all(k) for k in node.iterfind(".//Keyword"))}


def _endnote(node: ElementTree.Element) -> dict[str, object]:
    kind = node.find("ref-type")
    return {"title": _all(node.find("titles/title")), "authors": [_all(a) for a in node.iterfind("contributors/authors/author")], "year": _all(node.find("dates/year")),
            "journal": _all(node.find("titles/secondary-title")) or _all(node.find("periodical/full-title")), "volume": _all(node.find("volume")), "issue": _all(node.find("number")), "pages": _all(node.find("pages")),
            "doi": _all(node.find("electronic-resource-num")), "pmid": _all(node.find("accession-num")), "kind": kind.get("name", "") if kind is not None else "", "abstract": _all(node.find("abstract")),
            "keywords": "; ".join(_all(k) for k in node.iterfind("keywords/keyword")), "language": _all(node.find("language")), "url": _all(node.find("urls/related-urls/url")), "accession": _all(node.find("accession-num"))}


def table(path: Path, mapping: Mapping[str, str]) -> Iterator[Found]:
    """CSV with comma, semicolon or tab; ``mapping`` gives our name for a column of theirs. Raises DataError where no column is a title."""
    text = (line + "\n" for _, line in numbered(path))
    head = next((line for line in text if line.strip(" ,;\t\n")), "")
    reader = csv.reader(_after(head, text), delimiter=max(",;\t", key=head.count))
    csv.field_size_limit(10_000_000)
    names = [c.strip() for c in next(reader)]
    places = columns_of(path, names, mapping)
    try:
        for cells in reader:
            if not any(c.strip() for c in cells):
                continue
            if len(cells) > len(names):
                yield Found(reader.line_num, {}, wrong=f"{len(cells)} cells where the header has {len(names)} (text that holds the separator needs quotes)", seen=", ".join(cells)[:200])
                continue
            raw: dict[str, object] = {ours: cells[i] for ours, i in places.items() if i < len(cells)}
            yield Found(reader.line_num, raw, seen=", ".join(cells)[:200])
    except csv.Error as error:
        yield Found(reader.line_num, {}, wrong=f"this is no CSV from here on ({error})")


def _after(head: str, rest: Iterable[str]) -> Iterator[str]:
    yield head
    yield from rest


def columns_of(path: Path, names: list[str], mapping: Mapping[str, str]) -> dict[str, int]:
    """Where each of our fields stands; the first known name counts. Raises DataError for a map that names no column or no field, and where no column is a title."""
    folded = {n.lower(): i for i, n in reversed(list(enumerate(names)))}
    for theirs, ours in mapping.items():
        if theirs.lower() not in folded:
            raise DataError(message(path, f"there is no column {theirs!r}", found=f"Columns: {listed(names)}", do=near(theirs, names)))
        if ours not in COLUMNS:
            raise DataError(message("--map", f"there is no field {ours!r}", do=near(ours, COLUMNS)))
    places = {ours: folded[n] for ours, known in COLUMNS.items() for n in reversed(known) if n in folded}
    places |= {ours: folded[theirs.lower()] for theirs, ours in mapping.items()}
    if "title" not in places:
        raise DataError(message(path, "no column is known as the title", expected="title, authors, year, doi, abstract ...", found=f"Columns: {listed(names)}", do="Say which is which: --map THEIRS=title --map THEIRS=year"))
    return places


FORMATS: Mapping[str, Reader] = {"ris": ris, "nbib": nbib, "bibtex": bibtex, "xml": xml, "csv": table}
ENDINGS = {".ris": "ris", ".nbib": "nbib", ".bib": "bibtex", ".bibtex": "bibtex", ".xml": "xml", ".csv": "csv", ".tsv": "csv", ".txt": ""}


def format_of(path: Path) -> str:
    """The format of a file by its first lines, or else by its name; raises DataError where neither tells."""
    for count, (_, line) in enumerate(numbered(path)):
        text = line.strip()
        if RIS_TAG.match(line) and RIS_TAG.match(line)[1] == "TY":  # type: ignore[index]
            return "ris"
        if line.startswith("PMID-"):
            return "nbib"
        if ENTRY.match(line):
            return "bibtex"
        if count == 0 and text.startswith("<"):
            return "xml"
        if count > 200:
            break
    known = ENDINGS.get(path.suffix.lower(), "")
    if not known:
        raise DataError(message(path, "the format is not known", expected="RIS, PubMed nbib or XML, BibTeX, EndNote XML, CSV", do="Name it: --format ris|nbib|bibtex|xml|csv"))
    return known

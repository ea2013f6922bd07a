"""The fields of a record, and how each is brought into one form whatever database or program wrote it."""

from __future__ import annotations

import hashlib
import html
import re
import unicodedata
from collections.abc import Iterable, Mapping

Fields = Mapping[str, str]
FIELDS = ("title", "authors", "year", "journal", "volume", "issue", "pages", "doi", "pmid", "kind", "abstract", "keywords", "language", "url", "accession")
YEAR = re.compile(r"(?<!\d)(1[89]\d\d|20\d\d)(?!\d)")
DOI = re.compile(r"10\.\d{4,9}/\S+")
TAG = re.compile(r"</?(?:b|i|u|em|strong|sub|sup|p|h[1-6]|jats:\w+|scp|italic|bold|title|sec|br)\b[^<>]*>", re.IGNORECASE)
MARK = re.compile(r"<sup>\s*[\d,*\u2020\u2021]+\s*</sup>(?=\s*\.?\s*$)", re.IGNORECASE)  # of a footnote behind a title
RUINED = re.compile(r"[\u00c3\u00c2\u00c4\u00c5][\u0080-\u00bf]|\u00e2\u0080[\u0080-\u00bf]|\u00e2\u20ac[\u2122\u0153\u201c\u201d\u00a6]")
PLAIN = str.maketrans({"\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": "-", "\u2212": "-", "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u00a0": " ", "\ufeff": "", "\u200b": ""})


def text(value: object) -> str:
    """Text in one line: entities and mark-up resolved, a twice encoded text repaired, spaces single, letters composed."""
    out = str(value or "")
    if "&" in out:
        out = html.unescape(html.unescape(out))
    if "<" in out:
        out = TAG.sub("", MARK.sub("", out))
    if RUINED.search(out):
        out = repaired(out)
    return " ".join((out if out.isascii() else unicodedata.normalize("NFC", out)).split())


def repaired(value: str) -> str:
    """Text whose UTF-8 was once read as Latin-1 or Windows-1252 (MÃ¼ller) as it was before; unchanged where that does not explain it."""
    for encoding in ("latin-1", "cp1252"):
        try:
            return value.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
    return value


def year(value: object) -> str:
    """The year in a date of any form; empty where there is none or more than one (a range)."""
    found = sorted(set(YEAR.findall(str(value or ""))))
    return found[0] if len(found) == 1 else ""


def doi(value: object) -> str:
    """A DOI in lower case without address, prefix and punctuation behind it; empty for anything else."""
    found = DOI.search(html.unescape(str(value or "")).replace("%2F", "/").replace(" ", ""))
    if found is None:
        return ""
    value = found[0].rstrip(".,;]}'\"").lower()
    return value[:-1].rstrip(".,;") if value.endswith(")") and value.count("(") < value.count(")") else value


def pmid(value: object) -> str:
    """A PubMed number; empty for anything else."""
    found = re.fullmatch(r"(?:PMID:?\s*)?(\d{1,8})(?:\.0)?", str(value or "").strip(), re.IGNORECASE)
    return found[1].lstrip("0") if found else ""


def pages(first: object, last: object = "") -> str:
    """Pages as first-last with the whole last number: 123-30 is 123-130."""
    value = text(first).translate(PLAIN).replace(" ", "")
    value = re.sub(r"^(?:pp?\.?|pages?)(?=[\dSsEe])", "", value, flags=re.IGNORECASE)
    if last and "-" not in value:
        value = f"{value}-{text(last).translate(PLAIN)}" if value else text(last)
    head, _, tail = value.partition("-")
    if not tail or tail == head:
        return head
    if head.isdigit() and tail.isdigit() and len(tail) < len(head):
        tail = head[: len(head) - len(tail)] + tail
    return f"{head}-{tail}"


def authors(names: Iterable[object]) -> str:
    """Names as "Family, Given", one after the other; a name without comma is turned where its form tells which part is which."""
    return "; ".join(filter(None, (author(part) for name in names for part in split_names(str(name)))))


def split_names(value: str) -> list[str]:
    """Names of one text: by semicolon, or else by comma where each part ends with initials (Smith J, De Silva K)."""
    if ";" in value:
        return value.split(";")
    parts = [p.strip() for p in value.strip(" ,.").split(",")]
    return parts if len(parts) > 1 and all(len(p.split()) > 1 and _initials(p.split()[-1]) for p in parts) else [value]


def author(name: str) -> str:
    """One name as "Family, Given": Smith JA, JA Smith, Smith, John A. and John A. Smith are understood."""
    name = text(name).strip(" ;,")
    if not name or name in ("...", "\u2026", "et al", "et al."):
        return ""
    if "," in name:
        family, _, given = name.partition(",")
        return f"{family.strip()}, {re.sub(r'[.](?=[^ ])', '. ', given.strip())}" if given.strip() else family.strip()
    parts = name.split()
    if len(parts) == 1:
        return name
    if _initials(parts[-1]):
        return f"{' '.join(parts[:-1])}, {parts[-1]}"
    first = 1
    while first < len(parts) - 1 and (_initials(parts[first]) or not parts[first][0].islower()):
        first += 1
    if _initials(parts[0]):
        first = next((i for i, p in enumerate(parts) if not _initials(p)), 1)
    return f"{' '.join(parts[first:])}, {' '.join(parts[:first])}"


def _initials(part: str) -> bool:
    bare = part.replace(".", "").replace("-", "")
    return bare.isupper() and len(bare) <= 3


def fold(value: str) -> str:
    """Letters and digits in lower case without accents, single spaces between: what two spellings of a title share."""
    if not value.isascii():
        value = "".join(c for c in unicodedata.normalize("NFKD", value.translate(PLAIN).lower()) if not unicodedata.combining(c)).translate(FOLDED)
    if "&" in value:
        value = value.replace("&", " and ")
    return " ".join(NOT_WORD.sub(" ", value.lower()).split())


FOLDED = str.maketrans({"\u00f8": "o", "\u0131": "i", "\u0142": "l", "\u0111": "d", "\u00df": "ss", "\u00e6": "ae", "\u0153": "oe", "\u03b1": "alpha", "\u03b2": "beta", "\u03b3": "gamma", "\u03b4": "delta",
                        "\u03ba": "kappa", "\u03bb": "lambda", "\u03bc": "mu", "\u03c3": "sigma", "\u03c9": "omega"})
NOT_WORD = re.compile(r"[^a-z0-9]+")


def record(raw: Mapping[str, object]) -> dict[str, str]:
    """The known fields of a record in their one form; empty ones are left out."""
    out = {name: text(raw.get(name)) for name in ("title", "journal", "volume", "issue", "kind", "abstract", "keywords", "language", "accession")}
    out["url"] = str(raw.get("url") or "").strip()
    names = raw.get("authors") or ()
    out["authors"] = authors(names if isinstance(names, (list, tuple)) else [names])
    out |= {"year": year(raw.get("year")), "pages": pages(raw.get("pages"), raw.get("last_page")), "doi": doi(raw.get("doi")) or doi_of_address(out["url"]), "pmid": pmid(raw.get("pmid"))}
    return {name: out[name] for name in FIELDS if out[name]}


def doi_of_address(url: str) -> str:
    """The DOI within an address of doi.org; empty for other addresses."""
    return doi(url) if "doi.org/" in url.lower() else ""


def digest(fields: Fields) -> str:
    """A name for the content of a record: the same fields give the same one."""
    return hashlib.sha256("\x1f".join(f"{n}\x1e{fields[n]}" for n in FIELDS if n in fields).encode()).hexdigest()[:32]

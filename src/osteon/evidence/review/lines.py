"""Files as lines with their numbers, in whatever encoding each line is, without holding the file in memory."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from pathlib import Path

from osteon.errors import DataError, message

UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
LONGEST = 20_000_000  # characters of one line, beyond which a file is no text


@dataclass(frozen=True)
class Block:
    """The lines of one record, the number of its first line, and whether its end was there."""

    line: int
    lines: tuple[str, ...]
    _: KW_ONLY
    closed: bool = True

    @property
    def text(self) -> str:
        """The lines as one text."""
        return "\n".join(self.lines)


def numbered(path: Path) -> Iterator[tuple[int, str]]:
    """Lines from 1 on, without their ends: UTF-8 with or without mark, UTF-16 with it, and single lines in Windows-1252 between others in UTF-8.

    Raises DataError for a file that is not there, empty, or no text.
    """
    if not path.is_file():
        raise DataError(message(path, "there is no such file"))
    with path.open("rb") as file:
        head = file.read(4096)
    if not head.strip():
        raise DataError(message(path, "the file is empty", expected="records of a search"))
    if head.startswith(UTF16):
        with path.open(encoding="utf-16", errors="replace", newline=None) as wide:
            yield from ((i, line.rstrip("\n")) for i, line in enumerate(wide, 1))
        return
    if b"\x00" in head:
        raise DataError(message(path, "this is no text", expected="RIS, nbib, BibTeX, XML or CSV", do="Export the records anew; a workbook is saved as CSV"))
    yield from _bytes(path, b"\r" in head and b"\n" not in head)


def _bytes(path: Path, old_mac: bool) -> Iterator[tuple[int, str]]:
    with path.open("rb") as file:
        source = (part for line in file for part in line.split(b"\r")) if old_mac else file
        for i, raw in enumerate(source, 1):
            if len(raw) > LONGEST:
                raise DataError(message(f"{path}, line {i}", "the line is too long to be text", expected=f"at most {LONGEST:,} characters"))
            yield i, decoded(raw.removeprefix(codecs.BOM_UTF8) if i == 1 else raw)


def decoded(raw: bytes) -> str:
    """One line: UTF-8, or else Windows-1252."""
    raw = raw.rstrip(b"\r\n")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")

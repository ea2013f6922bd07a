"""Text files: reports, letters, and the characters of a table."""

from __future__ import annotations

from pathlib import Path

from osteon.errors import DataError, message
from osteon.readers.files import refusing
from osteon.readers.kinds import kind_of


def read_text(path: Path | str) -> str:
    """The text of a file in UTF-8, UTF-16 with its mark, or else Windows-1252; raises DataError for other content."""
    with refusing(path, "a text") as path:
        raw = path.read_bytes()
        if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return raw.decode("utf-16")
        if kind_of(path) != "text" or b"\0" in raw:
            raise DataError(message(path, "this is no text", found=f"Found {kind_of(path) or 'unknown bytes'}", do="Save it as plain text (UTF-8)"))
        try:
            return raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            return raw.decode("cp1252", errors="replace")

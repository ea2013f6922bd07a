"""What every reader and writer does with a file: refuse in one voice, write whole or not at all."""

from __future__ import annotations

import logging
import os
import sys
import threading
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from osteon.errors import DataError, OsteonError, message

_LOGGERS = ("pydicom", "nibabel.global", "PIL", "openpyxl", "trimesh")
_lock = threading.Lock()
_muting = {"threads": 0, "saved": -1}  # the terminal belongs to the process, so its state does too


@contextmanager
def refusing(path: Path | str, what: str, *, do: str = "") -> Iterator[Path]:
    """The path of a file that must be there and readable; whatever a library raises or warns on the way becomes one DataError."""
    path = Path(path)
    _present(path)
    levels = {name: logging.getLogger(name).level for name in _LOGGERS}
    try:
        for name in _LOGGERS:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield path
    except OsteonError:
        raise
    except Exception as fault:  # damaged bytes make the format libraries raise nearly anything
        raise DataError(message(path, f"the file can not be read as {what}", found=_short(fault),
                                do=do or "Export it again from its source, or leave it out")) from fault
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def _present(path: Path) -> None:
    """Raises DataError where nothing can be read at all."""
    if not path.exists():
        raise DataError(message(path, "there is no such file", do="Check the path and its spelling"))
    if path.is_dir():
        raise DataError(message(path, "this is a folder", expected="one file", do="Name a file inside it"))
    if not os.access(path, os.R_OK):
        raise DataError(message(path, "the file may not be read", do="Change its permissions"))
    if path.stat().st_size == 0:
        raise DataError(message(path, "the file is empty", found="Found 0 bytes", do="Copy or export it again"))


def _short(fault: Exception) -> str:
    """The reason of a library as one short sentence."""
    text = " ".join(str(fault).split())
    return f"Reason: {text[:200] or type(fault).__name__}"


@contextmanager
def quiet() -> Iterator[None]:
    """Keeps what C libraries print (libjpeg, GDCM) off the terminal; threads may overlap, the last one out restores it."""
    with _lock:
        if _muting["threads"] == 0:
            sys.stderr.flush()
            _muting["saved"] = os.dup(2)
            with open(os.devnull, "wb") as sink:
                os.dup2(sink.fileno(), 2)
        _muting["threads"] += 1
    try:
        yield
    finally:
        with _lock:
            _muting["threads"] -= 1
            if _muting["threads"] == 0:
                os.dup2(_muting["saved"], 2)
                os.close(_muting["saved"])


@contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """A temporary name beside `path` that is renamed onto it when the block ends well, and removed when it does not."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{uuid.uuid4().hex[:12]}.{path.name}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)

"""Patients without names: keyed hashes, days instead of dates, and images written anew without their headers."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from osteon.errors import DataError, message
from osteon.readers import write_radiograph, write_value
from osteon.value import Picture

if TYPE_CHECKING:
    import pandas as pd

_DATES = (r"^\d{4}-\d{1,2}-\d{1,2}([T ].*)?$", r"^\d{1,2}\.\d{1,2}\.\d{4}$", r"^\d{1,2}/\d{1,2}/\d{4}$", r"^(19|20)\d{6}$")
_KEPT = ("laterality", "view_position", "body_part", "manufacturer", "model")
_FORMATS = ("%Y-%m-%d", "%d.%m.%Y", "", "%Y%m%d")


def key_of(path: Path, out: Path) -> bytes:
    """The secret of the hashes: from its file, which is made where it is not there (32 random bytes, for its owner only).

    Raises DataError where the file would lie in the cohort folder, or is too short to be a secret.
    """
    if path.resolve().is_relative_to(out.resolve()):
        raise DataError(message(path, "the key lies in the cohort folder", expected="a place outside of it", do="Whoever has both can undo the hashes: keep it apart"))
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32) + "\n")
    key = path.read_bytes().strip()
    if len(key) < 16:
        raise DataError(message(path, "the key is too short", expected="at least 16 characters", found=f"Found {len(key)}"))
    return key


def pseudonym(key: bytes, kind: str, identifier: str) -> str:
    """HMAC-SHA256 of an identifier, cut to 64 bits: the same person has the same name in every import with the same key."""
    return kind[0] + hmac.new(key, f"{kind}:{identifier.strip()}".encode(), hashlib.sha256).hexdigest()[:16]


def dates_of(column: pd.Series) -> pd.Series | None:
    """The dates of a column in which nine of ten cells are one; None for others, NaT where day and month can not be told apart."""
    import pandas as pd

    cells = column.dropna().astype(str).str.strip()
    for pattern, form in zip(_DATES, _FORMATS, strict=True):
        if len(cells) and cells.str.match(pattern).mean() >= 0.9:
            text = column.astype("object").map(lambda cell: re.split("[T ]", str(cell).strip())[0] if cell == cell and cell is not None else None)
            return pd.to_datetime(text, format=form or _slash_format(cells), errors="coerce")
    return None


def _slash_format(cells: pd.Series) -> str:
    """Day or month first, as the numbers above 12 say; a form that fits nothing where they do not say."""
    first, second = (cells.str.split("/").str[k].astype(float).max() > 12 for k in (0, 1))
    return {(True, False): "%d/%m/%Y", (False, True): "%m/%d/%Y"}.get((bool(first), bool(second)), "undecided")


def days_since_first(frame: pd.DataFrame, dates: dict[str, pd.Series], patients: list[str]) -> dict[str, pd.Series]:
    """Each date as whole days since the first date of the same patient in any of the columns."""
    import pandas as pd

    table = pd.DataFrame(dates)
    first = table.min(axis=1).groupby(np.asarray(patients, dtype=object)).transform("min")
    return {name: (column - first).dt.days for name, column in table.items()}


def write_anew(path: Path, picture: Picture) -> Path:
    """The pixels in a new file beside `path`, a name without suffix: grey films of known scale as DICOM, else PNG or NIfTI; nothing of the old header."""
    array, grid, notes = picture.array, picture.grid, picture.notes
    grey = len(grid.shape) == array.ndim == 2 and array.dtype.kind in "iu" and array.size > 0
    if grey and grid.spacing is not None and grid.spacing_kind in ("detector", "calibrated"):
        low, high = min(int(array.min()), 0), int(array.max())
        if high - low <= 65535:
            stored = array if array.dtype in (np.uint8, np.uint16) else (array.astype(np.int64) - low).astype(np.uint16)
            kept = {k: notes[k] for k in (*_KEPT, "magnification") if k in notes} | {"spacing_kind": grid.spacing_kind}
            return write_radiograph(path.with_name(f"{path.name}.dcm"), stored, spacing=(grid.spacing[0], grid.spacing[1]), notes=kept,
                                    simulated=bool(notes.get("simulated")))
    return write_value(path, Picture(array, grid, {k: notes[k] for k in (*_KEPT, "modality", "simulated") if k in notes}))

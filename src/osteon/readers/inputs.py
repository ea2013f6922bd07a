"""What a study reads: one declaration an input, read by the reader of its kind."""

from __future__ import annotations

from dataclasses import dataclass

from osteon.errors import StudyError, message

KINDS = ("picture", "volume", "kspace", "video", "signal", "table", "text", "mesh")


@dataclass(frozen=True)
class Input:
    """One input: kind of reader, description for people, and whether it may be absent or repeated (`many` = least and most, `at` = unit of time)."""

    kind: str
    description: str
    optional: bool = False
    many: tuple[int, int | None] | None = None
    at: str | None = None
    numbers: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    modality: str = ""
    spacing: bool = False  # lengths in mm are asked of it: without pixel spacing it can not be used

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise StudyError(message("input", f"there is no input kind {self.kind!r}", expected=", ".join(KINDS)))
        strangers = set(self.needs) - set(self.columns)
        if strangers:
            raise StudyError(message("input", "a needed column is not declared", found=f"Found {sorted(strangers)}"))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a record, numbers first."""
        return self.numbers + self.categories


def Radiograph(description: str, *, optional: bool = False, many: tuple[int, int | None] | None = None, at: str | None = None, spacing: bool = False) -> Input:
    """A projection radiograph: DICOM, PNG, JPEG or TIFF; `spacing` where lengths are asked of it."""
    return Input("picture", description, optional, many, at, modality="radiograph", spacing=spacing)


def Volume(description: str, *, modality: str, optional: bool = False, many: tuple[int, int | None] | None = None, at: str | None = None) -> Input:
    """A volume, modality "CT" or "MRI": a DICOM series or NIfTI."""
    return Input("volume", description, optional, many, at, modality=modality)


def Record(description: str, *, numbers: tuple[str, ...] = (), categories: tuple[str, ...] = (), needs: tuple[str, ...] = ()) -> Input:
    """Columns of one row of a registry; `needs` must be there, of the others each cohort uses those it has."""
    return Input("table", description, modality="record", numbers=numbers, categories=categories, needs=needs)


def Text(description: str, *, optional: bool = False) -> Input:
    """A clinical text, as a cell or a file."""
    return Input("text", description, optional, modality="text")

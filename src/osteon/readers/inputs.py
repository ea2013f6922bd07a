"""What a study reads: one declaration an input, read by the reader of its kind."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from osteon.errors import StudyError, message
from osteon.value import Picture

LEAST = 32  # pixels along the shorter side
OTHERS = {"CT": "a CT slice", "MR": "an MRI slice", "US": "an ultrasound image", "PT": "a PET slice", "NM": "a scintigram", "ES": "an endoscopic image",
          "XC": "a photograph", "SM": "a slide", "OP": "a photograph", "ECG": "an ECG"}
KINDS = ("picture", "volume", "kspace", "video", "signal", "table", "text", "mesh")


@dataclass(frozen=True)
class Columns:
    """The columns of a record; `needs` must be there, of the others each cohort uses those it has."""

    numbers: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        strangers = set(self.needs) - {*self.numbers, *self.categories}
        if strangers:
            raise StudyError(message("record", "a needed column is not declared", found=f"Found {sorted(strangers)}"))


@dataclass(frozen=True)
class Input:
    """One input: kind of reader, description and modality for people, and whether it may be absent or repeated.

    `many` is the least and the most of a repeated one, `at` its unit of time. `spacing`: lengths in mm are asked of it, so that it can not
    be used without pixel spacing.
    """

    kind: str
    description: str
    optional: bool = field(default=False, kw_only=True)
    many: tuple[int, int | None] | None = field(default=None, kw_only=True)
    at: str | None = field(default=None, kw_only=True)
    record: Columns = field(default=Columns(), kw_only=True)
    modality: str = field(default="", kw_only=True)
    spacing: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise StudyError(message("input", f"there is no input kind {self.kind!r}", expected=", ".join(KINDS)))

    def misfit(self, value: Any) -> str:
        """Why a picture is none of this input's modality ("a CT slice"), as far as pixels and header tell; empty where nothing speaks against it."""
        if not isinstance(value, Picture):
            return ""
        if min(value.grid.shape[-2:]) < LEAST:
            return f"{value.grid.shape[-2]} x {value.grid.shape[-1]} pixels, too few to show anything"
        other = OTHERS.get(str(value.notes.get("modality", "")), "")
        if self.modality == "radiograph" and other:
            return f"{other} and no radiograph"
        return "a colour picture and no radiograph" if self.modality == "radiograph" and _coloured(value) else ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a record, numbers first."""
        return self.record.numbers + self.record.categories


def _coloured(picture: Picture) -> bool:
    """Whether more than a tenth of the pixels are plainly coloured: a tinted scan or a coloured mark on a film are not."""
    if picture.array.ndim == len(picture.grid.shape) or picture.array.shape[-1] != 3 or picture.array.dtype.kind not in "ui":
        return False
    sample = picture.array[..., ::8, ::8, :].astype(float) / max(1, int(picture.array.max()))
    return bool((sample.max(axis=-1) - sample.min(axis=-1) > 0.2).mean() > 0.1)


def Radiograph(description: str, *, optional: bool = False, many: tuple[int, int | None] | None = None, at: str | None = None, spacing: bool = False) -> Input:
    """A projection radiograph: DICOM, PNG, JPEG or TIFF; `spacing` where lengths are asked of it."""
    return Input("picture", description, optional=optional, many=many, at=at, modality="radiograph", spacing=spacing)


def Volume(description: str, *, modality: str, optional: bool = False, many: tuple[int, int | None] | None = None, at: str | None = None) -> Input:
    """A volume, modality "CT" or "MRI": a DICOM series or NIfTI."""
    return Input("volume", description, optional=optional, many=many, at=at, modality=modality)


def Record(description: str, *, numbers: tuple[str, ...] = (), categories: tuple[str, ...] = (), needs: tuple[str, ...] = ()) -> Input:
    """Columns of one row of a registry; `needs` must be there, of the others each cohort uses those it has."""
    return Input("table", description, modality="record", record=Columns(numbers, categories, needs))


def Text(description: str, *, optional: bool = False) -> Input:
    """A clinical text, as a cell or a file."""
    return Input("text", description, optional=optional, modality="text")

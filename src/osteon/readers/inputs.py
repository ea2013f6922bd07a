"""What a study reads: one declaration an input, read by the reader of its kind."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from osteon.errors import StudyError, message
from osteon.geometry import spine_shape
from osteon.geometry.gait import SEGMENTS
from osteon.geometry.gait import channels as channels_of
from osteon.readers import language
from osteon.readers.signal import unfit
from osteon.value import Picture, Surface, Trajectory

LEAST = 32  # pixels along the shorter side
OTHERS = {"CT": "a CT slice", "MR": "an MRI slice", "US": "an ultrasound image", "PT": "a PET slice", "NM": "a scintigram", "ES": "an endoscopic image",
          "XC": "a photograph", "SM": "a slide", "OP": "a photograph", "ECG": "an ECG"}
GAIT = "gait"  # the modality of a recording that holds strides
CHAIN = "chain of vertebrae"  # the modality of a mesh of T1 to L5
OUTLINE = "outline"  # the modality of a mask that comes with a case
TEXT = " text"  # behind the language, in the modality of a note
KINDS = ("picture", "volume", "kspace", "video", "signal", "table", "text", "mesh")


@dataclass(frozen=True)
class Columns:
    """The columns of a record; `needs` must be there, of the others each cohort uses those it has.

    Of a recording `numbers` are its channels, all of which must be there, and `rate` the least and the most samples a second.
    """

    numbers: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    rate: tuple[float, float] = field(default=(0.0, float("inf")), kw_only=True)

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
        """Why a picture is none of this input's modality ("a CT slice"), a text no note in its language, or a recording not as declared, as far as they tell themselves; empty where nothing speaks against it."""
        if isinstance(value, str) and self.modality.endswith(TEXT):
            return language.misfit(value, self.modality.removesuffix(TEXT))
        if isinstance(value, Trajectory) and self.kind == "signal":
            return unfit(value, self.record.numbers, self.record.rate, walk=self.modality == GAIT)
        if isinstance(value, tuple) and self.at:
            return repeated([at for at, _ in value]) or next(filter(None, (self.misfit(one) for _, one in value)), "")
        if isinstance(value, Surface) and self.modality == CHAIN:
            return spine_shape.misfit(value)
        if not isinstance(value, Picture):
            return ""
        if min(value.grid.shape[-2:]) < LEAST:
            return f"{value.grid.shape[-2]} x {value.grid.shape[-1]} pixels, too few to show anything"
        if self.modality == OUTLINE:
            return "" if value.array.any() else "empty: nothing is outlined"
        other = OTHERS.get(str(value.notes.get("modality", "")), "")
        if self.modality == "radiograph" and other:
            return f"{other} and no radiograph"
        return "a colour picture and no radiograph" if self.modality == "radiograph" and _coloured(value) else ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a record, numbers first."""
        return self.record.numbers + self.record.categories


def repeated(times: list[float]) -> str:
    """What is wrong with the times of a repeated input ("twice of one time, 0"); empty where they rise."""
    wrong = [(a, b) for a, b in zip(times, times[1:], strict=False) if not b > a]
    return "" if not wrong else f"twice of one time, {wrong[0][0]:g}" if wrong[0][0] == wrong[0][1] else f"out of order in time, {wrong[0][1]:g} after {wrong[0][0]:g}"


def _coloured(picture: Picture) -> bool:
    """Whether more than a tenth of the pixels are plainly coloured: a tinted scan or a coloured mark on a film are not."""
    if picture.array.ndim == len(picture.grid.shape) or picture.array.shape[-1] != 3 or picture.array.dtype.kind not in "ui":
        return False
    sample = picture.array[..., ::8, ::8, :].astype(float) / max(1, int(picture.array.max()))
    return bool((sample.max(axis=-1) - sample.min(axis=-1) > 0.2).mean() > 0.1)


def Radiograph(description: str, *, optional: bool = False, many: tuple[int, int | None] | None = None, at: str | None = None, spacing: bool = False) -> Input:
    """A projection radiograph: DICOM, PNG, JPEG or TIFF; `spacing` where lengths are asked of it."""
    return Input("picture", description, optional=optional, many=many, at=at, modality="radiograph", spacing=spacing)


def Frame(description: str, *, optional: bool = False) -> Input:
    """One frame of a video: a case names the file in the column NAME and the number of the frame (0 for the first) in NAME.frame; a still picture needs no number."""
    return Input("picture", description, optional=optional, modality="video")


def Slice(description: str, *, optional: bool = False, spacing: bool = False) -> Input:
    """One slice of an MRI: NIfTI with its place in the patient, or DICOM; `spacing` where lengths are asked of it."""
    return Input("picture", description, optional=optional, modality="MRI", spacing=spacing)


def Outline(description: str, *, optional: bool = False) -> Input:
    """A mask that comes with a case and is asked of nobody: NIfTI or PNG, anything above 0 is outlined; a case whose mask is empty can not be used."""
    return Input("picture", description, optional=optional, modality=OUTLINE)


def Volume(description: str, *, modality: str, optional: bool = False, many: tuple[int, int | None] | None = None, at: str | None = None) -> Input:
    """A volume, modality "CT" or "MRI": a DICOM series or NIfTI."""
    return Input("volume", description, optional=optional, many=many, at=at, modality=modality)


def Record(description: str, *, numbers: tuple[str, ...] = (), categories: tuple[str, ...] = (), needs: tuple[str, ...] = ()) -> Input:
    """Columns of one row of a registry; `needs` must be there, of the others each cohort uses those it has."""
    return Input("table", description, modality="record", record=Columns(numbers, categories, needs))


def Signal(description: str, *, channels: tuple[str, ...], rate: tuple[float, float] = (0.0, float("inf")), optional: bool = False) -> Input:
    """A recording of some channels by their names, with the least and the most samples a second: CSV with a column `time` (s), or C3D."""
    return Input("signal", description, optional=optional, modality="sensors", record=Columns(channels, rate=rate))


def Gait(description: str, *, segments: tuple[str, ...] = SEGMENTS, rate: tuple[float, float] = (40.0, 2000.0), optional: bool = False) -> Input:
    """A walk recorded by inertial sensors on some segments of the body, with strides of both feet; channels and axes as `geometry.gait` names them."""
    return Input("signal", description, optional=optional, modality=GAIT, record=Columns(channels_of(segments), rate=rate))


def KSpace(description: str, *, optional: bool = False) -> Input:
    """Raw MRI signal of several coils, one acquisition a file, in the HDF5 layout of fastMRI."""
    return Input("kspace", description, optional=optional, modality="MRI")


def Mesh(description: str, *, optional: bool = False, many: tuple[int, int | None] | None = None, at: str | None = None) -> Input:
    """A triangle mesh in mm: PLY, STL or OBJ; repeated over time with `many` and `at` (files.csv)."""
    return Input("mesh", description, optional=optional, many=many, at=at, modality="mesh")


def Chain(description: str, *, optional: bool = False, many: tuple[int, int | None] | None = None, at: str | None = None) -> Input:
    """A mesh of the vertebral bodies of T1 to L5 with the vertices of `geometry.spine_shape`, in PLY or OBJ (an STL does not keep their numbers)."""
    return Input("mesh", description, optional=optional, many=many, at=at, modality=CHAIN)


def Text(description: str, *, optional: bool = False, written: str = language.ENGLISH) -> Input:
    """A clinical note, as a cell or a file, in the language that it is written in."""
    return Input("text", description, optional=optional, modality=f"{written}{TEXT}")


def Codes(description: str, *, optional: bool = True) -> Input:
    """Codes of diagnoses and procedures in one cell, separated by anything but letters, digits and points."""
    return Input("text", description, optional=optional, modality="codes")

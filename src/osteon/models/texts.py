"""What a network sees of a note: the numbers of its words, as many as the budget has room for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from osteon.cohort import Cohort
from osteon.errors import DataError, message
from osteon.models.protocol import missing_input
from osteon.models.words import has_word, known_words, notes_of, tokens
from osteon.value import Grid, Withheld

PADDING, UNKNOWN, FIRST = 0, 1, 2  # numbers of what is no word, of a word that the train part did not teach, of the first word
A_PIXEL = 4  # words for which there is room where a budget allows a film one pixel of its longer side
DROPPED = 0.1  # share of the words that training hides, so that an unknown word is no surprise (Iyyer 2015, doi:10.3115/v1/P15-1162)


@dataclass(frozen=True)
class TextView:
    """The note by its name, the words that are known, and how many words of a note enter the network (what comes after them does not)."""

    note: str
    words: tuple[str, ...] = field(repr=False)
    length: int = field(kw_only=True)
    boxes: None = field(default=None, kw_only=True)  # nothing is cut out of a note

    @property
    def reads(self) -> tuple[str, ...]:
        """The name of the input."""
        return (self.note,)

    @property
    def channels(self) -> int:
        """Planes of the array that is laid out."""
        return 1

    @property
    def told(self) -> int:
        """No number stands beside a note."""
        return 0

    @property
    def dtype(self) -> str:
        """Of a stored note."""
        return "int32"

    @property
    def entries(self) -> int:
        """How many numbers a word can have."""
        return FIRST + len(self.words)

    @property
    def shape(self) -> tuple[int, int]:
        """One row of words."""
        return 1, self.length

    @property
    def stored(self) -> tuple[int, int]:
        """The same."""
        return self.shape

    def count(self, inputs: Mapping[str, Any]) -> int:
        """One window where there is a note."""
        return int(self.note in inputs)

    def see(self, inputs: Mapping[str, Any]) -> TextSeen | Withheld:
        """The numbers of a case's words; withheld where the note is absent, can not be read, is no text or has no word."""
        reason = missing_input(inputs, self.reads)
        try:
            note = Withheld(reason) if reason else inputs[self.note]
        except DataError as fault:
            return Withheld(str(fault))
        if isinstance(note, Withheld):
            return note
        if not isinstance(note, str):
            return Withheld(f"{self.note} is no text")
        return TextSeen(self.numbers(note)) if has_word(note) else Withheld(f"{self.note} is without a word")

    def cut(self, planes: np.ndarray) -> int:
        """How many stored notes (n, 1, 1, words) have no padding left: they may go on."""
        return int((planes[:, 0, 0, -1] != PADDING).sum())

    def numbers(self, note: str) -> np.ndarray:
        """The words of a note as numbers (words,), at most `length`."""
        at = self._places()
        return np.array([at.get(word, UNKNOWN) for word in tokens(note)[:self.length]], np.int32)

    def _places(self) -> dict[str, int]:
        if "_at" not in self.__dict__:
            object.__setattr__(self, "_at", {word: FIRST + k for k, word in enumerate(self.words)})
        return self.__dict__["_at"]  # type: ignore[no-any-return]


@dataclass(frozen=True, eq=False)
class TextSeen:
    """The numbers of the words of one note (words,); one window, and no grid."""

    numbers: np.ndarray
    grid: Grid | None = None
    windows: tuple[None] = (None,)

    def pieces(self, shape: tuple[int, int]) -> np.ndarray:
        """The note filled up to (1, 1, 1, words) of int32."""
        out = np.full((1, 1, *shape), PADDING, np.int32)
        out[0, 0, 0, :len(self.numbers)] = self.numbers
        return out


def text_view(train: Cohort, name: str, longest: int) -> TextView:
    """The view of a note with the words of the train part; raises DataError where no case has a note of that name."""
    known = [(tokens(note), patient) for note, patient in zip(notes_of(train, name), train.column("patient").tolist(), strict=True) if note is not None]
    if not known:
        raise DataError(message(f"cohort {train.name}", f"no case has the note {name!r} as a text", expected="a cell with the note, or the path of a .txt file"))
    return TextView(name, known_words((words for words, _ in known), (patient for _, patient in known)), length=A_PIXEL * longest)


def shown(pieces: Tensor) -> Tensor:
    """Stored notes (B, 1, 1, words) as the network takes them (B, words), without the columns that are padding in all of them."""
    numbers = pieces[:, 0, 0].long()
    filled = int((numbers != PADDING).sum(dim=1).max())
    return numbers[:, :max(filled, 1)]


def hidden(numbers: Tensor, generator: torch.Generator, share: float = DROPPED) -> Tensor:
    """Numbers (B, words) in which a share of the words is as if unknown; padding stays."""
    drawn = torch.rand(numbers.shape, generator=generator, device=numbers.device) < share
    return torch.where(drawn & (numbers != PADDING), torch.full_like(numbers, UNKNOWN), numbers)

"""One examination or course of one patient."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from osteon.errors import DataError, message
from osteon.value import Value


@dataclass(frozen=True)
class Deferred:
    """A value that is loaded when it is asked for, and not kept."""

    load: Callable[[], Any]


class Lazy(Mapping[str, Any]):
    """A read-only mapping whose deferred entries are loaded on every use."""

    __slots__ = ("_entries",)
    _entries: dict[str, Any]

    def __init__(self, entries: Mapping[str, Any] | None = None) -> None:
        self._entries = dict(entries._entries if isinstance(entries, Lazy) else entries or {})

    def __getitem__(self, name: str) -> Any:
        entry = self._entries[name]
        return entry.load() if isinstance(entry, Deferred) else entry

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"Lazy({', '.join(self._entries)})"

    def plus(self, **entries: Any) -> Lazy:
        """The same mapping with entries added or replaced; nothing is loaded."""
        return Lazy({**self._entries, **entries})

    def without(self, *names: str) -> Lazy:
        """The same mapping without some names; nothing is loaded."""
        return Lazy({k: v for k, v in self._entries.items() if k not in names})


@dataclass(frozen=True, eq=False)
class Case:
    """One examination or course of one patient; `patient` is what is never split, `weight` how many patients it stands for."""

    id: str
    patient: str
    site: str = field(default="", kw_only=True)
    inputs: Mapping[str, Any] = field(default_factory=Lazy, kw_only=True)
    truth: Mapping[str, Value] = field(default_factory=Lazy, kw_only=True)
    attributes: Mapping[str, Any] = field(default_factory=dict, kw_only=True)
    weight: float = field(default=1.0, kw_only=True)

    def __post_init__(self) -> None:
        if not str(self.id).strip() or not str(self.patient).strip():
            raise DataError(message("case", "a case needs an id and a patient", found=f"Found id {self.id!r}, patient {self.patient!r}"))
        if not self.weight > 0:
            raise DataError(message(f"case {self.id}", "the weight must be above 0", found=f"Found {self.weight}"))
        object.__setattr__(self, "inputs", Lazy(self.inputs))
        object.__setattr__(self, "truth", Lazy(self.truth))

    def with_inputs(self, **inputs: Any) -> Case:
        """The same case with inputs added, as a chain hands the answer of one step to the next."""
        return replace(self, inputs=self.inputs.plus(**inputs))  # type: ignore[attr-defined]

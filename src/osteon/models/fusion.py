"""Pictures and the columns of a record in one network: a light spec that loads no torch before it is fitted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from osteon.cohort import Cohort
from osteon.errors import NotFitted, StudyError, message, near
from osteon.models.protocol import Desk, names_of
from osteon.targets import Classes, Events, Grades, Measures, Target
from osteon.value import Value

if TYPE_CHECKING:
    from osteon.models.fitting import Fitted

SETTINGS = ("rate", "decay", "batch", "follows")
ANSWERED = (Classes, Grades, Measures, Events)  # one vector a case


@dataclass(frozen=True)
class Fusion:
    """A backbone (of `networks/` or timm) whose embedding of each picture stands beside the columns of the records: one target, by its family.

    A case without one of its pictures or records is answered by what is there (in training some are left out by chance), and withheld only where nothing is.
    Columns are standardised by the train part; a missing cell is marked. `settings` override the family's defaults, as of a Net: `rate`, `decay`, `batch`, `follows`. Raises StudyError for a declaration against these rules.
    """

    name: str
    pictures: tuple[str, ...]
    records: tuple[str, ...]
    writes: tuple[str, ...]
    settings: Mapping[str, Any] = field(default_factory=dict, kw_only=True, hash=False)
    weights: Path | None = field(default=None, kw_only=True)
    fitted: Fitted | None = field(default=None, kw_only=True, repr=False, compare=False)

    def __post_init__(self) -> None:
        for key in ("pictures", "records", "writes"):
            object.__setattr__(self, key, names_of(getattr(self, key)))
        object.__setattr__(self, "settings", MappingProxyType(dict(self.settings)))
        if not self.pictures or len(self.reads) < 2 or len(self.writes) != 1:
            raise StudyError(message(f"Fusion {self.name!r}", "it reads a picture with a record or with further pictures, and writes one target",
                                     found=f"Found {self.reads} and {self.writes}", do="For one picture alone take Net"))
        strangers = [key for key in self.settings if key not in SETTINGS]
        if strangers:
            raise StudyError(message(f"Fusion {self.name!r}", f"there is no setting {strangers[0]!r}", do=near(strangers[0], SETTINGS)))

    @property
    def reads(self) -> tuple[str, ...]:
        """Pictures, then records."""
        return (*self.pictures, *self.records)

    @property
    def boxes(self) -> None:
        """None: it sees whole pictures."""
        return None

    def fit(self, train: Cohort, tune: Cohort, targets: Mapping[str, Target], desk: Desk) -> Self:
        """Train on the train part, stop by the tune part. Raises DataError where no case can be learnt from, StudyError for a target that is no vector."""
        from osteon.models.fitting import fit
        from osteon.networks import takes

        target = targets[self.writes[0]]
        if takes(self.name) != "picture":
            raise StudyError(message(f"Fusion {self.name!r}", f"its backbone takes a {takes(self.name)}", expected="one that takes pictures"))
        if not isinstance(target, ANSWERED) or (isinstance(target, Measures) and target.landmarks):
            raise StudyError(message(f"Fusion {self.name!r}", f"it does not answer {type(target).__name__}", expected="classes, grades, readings without points, or the time to an event"))
        return replace(self, fitted=fit(self, train, tune, target, desk))

    def predict(self, cohort: Cohort) -> Iterator[dict[str, Value]]:
        """One answer a case, in order, by what is there of it; withheld, with the reason, where nothing is or a picture can not be read."""
        fitted = self._fitted()
        return ({self.writes[0]: value} for value in fitted.answers(cohort))

    def save(self, folder: Path) -> None:
        """`weights.safetensors` and `spec.json`, with the coding of the columns and the origin of the cohort that it learnt from."""
        from osteon.models.fitting import save

        save(self, self._fitted(), folder)

    def load(self, folder: Path, targets: Mapping[str, Target]) -> Self:
        """The spec with what `save` wrote. Raises RunError where it does not belong to this spec."""
        from osteon.models.fitting import load

        return replace(self, fitted=load(self, folder, targets[self.writes[0]]))

    def _fitted(self) -> Fitted:
        if self.fitted is None:
            raise NotFitted(message(f"Fusion {self.name!r}", "it was asked before it learned", do="Call fit or load first"))
        return self.fitted

"""A network by the name of its architecture, trained by the one loop: a light spec that loads no torch before it is fitted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from osteon.cohort import Cohort
from osteon.errors import NotFitted, StudyError, message, near
from osteon.models.protocol import Desk, names_of
from osteon.targets import Target
from osteon.value import Value

if TYPE_CHECKING:
    from osteon.models.fitting import Fitted

SETTINGS = ("rate", "decay", "batch", "margin", "follows", "acceleration", "lines", "mask", "sensors", "cut", "time", "steps")


@dataclass(frozen=True)
class Net:
    """An architecture (of `networks/` or timm), the picture or recording it reads and the one target that it answers, by the target's family.

    A second name in `reads` holds boxes of an earlier step: the network then works on a crop around each. `settings` overrides the
    family's defaults: `rate` (peak learning rate), `decay`, `batch`, `margin` (share by which boxes are enlarged), `follows` (readings that
    grow by so many degrees when the film is turned 1 degree clockwise), and of a recording `sensors` (those that are seen, all where
    none is named) and `cut` ("strides": each stride is a window, else the whole is one), of raw MRI signal `acceleration`, `lines` and `mask` (as in `Sampling`), `time`
    (the share of the budget's seconds that it may take) and `steps` (the least steps of an epoch: a small part is seen several times in one). `weights` are those to start from: a safetensors file, or
    the folder of a saved Net. Raises StudyError for a declaration against these rules.
    """

    name: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    settings: Mapping[str, Any] = field(default_factory=dict, kw_only=True, hash=False)
    weights: Path | None = field(default=None, kw_only=True)
    fitted: Fitted | None = field(default=None, kw_only=True, repr=False, compare=False)

    def __post_init__(self) -> None:
        for key, value in {"reads": names_of(self.reads), "writes": names_of(self.writes), "settings": MappingProxyType(dict(self.settings))}.items():
            object.__setattr__(self, key, value)
        if not 1 <= len(self.reads) <= 2 or len(self.writes) != 1:
            raise StudyError(message(f"Net {self.name!r}", "it reads one picture, or a picture and boxes, and writes one target",
                                     found=f"Found {self.reads} and {self.writes}"))
        strangers = [key for key in self.settings if key not in SETTINGS]
        if strangers:
            raise StudyError(message(f"Net {self.name!r}", f"there is no setting {strangers[0]!r}", do=near(strangers[0], SETTINGS)))

    @property
    def pictures(self) -> tuple[str, ...]:
        """The picture that it reads."""
        return self.reads[:1]

    @property
    def boxes(self) -> str | None:
        """The boxes of an earlier step, around which it looks."""
        return self.reads[1] if len(self.reads) > 1 else None

    @property
    def records(self) -> tuple[str, ...]:
        """None: a picture alone."""
        return ()

    def fit(self, train: Cohort, tune: Cohort, targets: Mapping[str, Target], desk: Desk) -> Self:
        """Train on the train part, stop by the tune part. Raises DataError where no case can be learnt from."""
        return replace(self, fitted=_way(self.name).fit(self, train, tune, targets[self.writes[0]], desk))

    def predict(self, cohort: Cohort) -> Iterator[dict[str, Value]]:
        """One answer a case, in order; withheld, with the reason, where the film or its boxes are missing or can not be read."""
        fitted = self._fitted()
        return ({self.writes[0]: value} for value in fitted.answers(cohort))

    def save(self, folder: Path) -> None:
        """`weights.safetensors` and `spec.json`, with the origin of the cohort that it learnt from."""
        _way(self.name).save(self, self._fitted(), folder)

    def load(self, folder: Path, targets: Mapping[str, Target]) -> Self:
        """The spec with what `save` wrote. Raises RunError where it does not belong to this spec."""
        return replace(self, fitted=_way(self.name).load(self, folder, targets[self.writes[0]]))

    def _fitted(self) -> Fitted:
        if self.fitted is None:
            raise NotFitted(message(f"Net {self.name!r}", "it was asked before it learned", do="Call fit or load first"))
        return self.fitted


def _way(name: str) -> Any:
    """The module that fits, saves and loads a network of this name: courses of a chain of vertebrae have one of their own."""
    from osteon.networks import takes

    if takes(name) == "course":
        from osteon.models import forecasting

        return forecasting
    from osteon.models import fitting

    return fitting

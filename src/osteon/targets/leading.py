"""The one metric by which answers of a family are compared, and whether more of it is better."""

from __future__ import annotations

from osteon.errors import StudyError, message
from osteon.targets.classes import Classes
from osteon.targets.events import Events
from osteon.targets.grades import Grades
from osteon.targets.lines import Target
from osteon.targets.masks import Masks
from osteon.targets.measures import Measures
from osteon.targets.objects import Objects
from osteon.targets.pictures import Pictures
from osteon.targets.surfaces import Surfaces
from osteon.targets.trajectories import Trajectories

LEADING: dict[type, tuple[str, bool]] = {
    Classes: ("auc", True), Grades: ("kappa_quadratic", True), Objects: ("ap", True), Masks: ("dice", True), Measures: ("mae", False),
    Pictures: ("ssim", True), Events: ("c_index", True), Trajectories: ("mae", False), Surfaces: ("distance", False),
}


def leading(target: Target) -> tuple[str, bool]:
    """Name of the metric of a target's family, and whether more is better; raises StudyError for a family that has none."""
    if type(target) not in LEADING:
        raise StudyError(message(type(target).__name__, "the family has no leading metric", expected=", ".join(k.__name__ for k in LEADING)))
    return LEADING[type(target)]

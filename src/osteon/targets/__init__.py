"""What is asked and how an answer is judged: one frozen dataclass a family."""

from __future__ import annotations

from osteon.targets.classes import Classes
from osteon.targets.events import Events
from osteon.targets.grades import Grades
from osteon.targets.lines import Declared, Line, Sensitivity, Target, Youden
from osteon.targets.masks import Masks
from osteon.targets.measures import Landmarks, Measures
from osteon.targets.objects import Objects
from osteon.targets.pictures import Pictures
from osteon.targets.surfaces import Surfaces
from osteon.targets.trajectories import Trajectories

__all__ = ["Classes", "Declared", "Events", "Grades", "Landmarks", "Line", "Masks", "Measures", "Objects", "Pictures", "Sensitivity", "Surfaces", "Target",
           "Trajectories", "Youden"]

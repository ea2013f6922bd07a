"""What a report says of each family of targets: one file a family, found by the type of the target."""

from __future__ import annotations

from osteon.report.families import anything, classes, forecasts, graded, masks, measures, objects, pictures, timed
from osteon.report.families.family import Family
from osteon.targets import Classes, Events, Grades, Masks, Measures, Objects, Pictures, Surfaces, Target, Trajectories

FAMILIES: dict[type, Family] = {kind: anything.family(*metrics) for kind, metrics in anything.HEADLINES.items()} | {
    Classes: classes.FAMILY, Measures: measures.FAMILY, Masks: masks.FAMILY, Objects: objects.FAMILY, Pictures: pictures.FAMILY, Grades: graded.FAMILY, Events: timed.FAMILY,
    Surfaces: forecasts.SURFACES, Trajectories: forecasts.TRAJECTORIES}


def family_of(target: Target) -> Family:
    """How a target of this type is reported; a type without a file of its own gets its metrics as a table."""
    return FAMILIES.get(type(target), anything.family())


__all__ = ["FAMILIES", "Family", "family_of"]

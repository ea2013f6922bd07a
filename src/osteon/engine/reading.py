"""Every file is opened once before any work, so that one that can not be read is listed and not met at hour three."""

from __future__ import annotations

from collections.abc import Mapping

from osteon.case import Case
from osteon.cohort import Cohort, Excluded
from osteon.errors import DataError, message
from osteon.progress import track
from osteon.readers.inputs import Input
from osteon.targets import Target
from osteon.value import Mask, Objects, Picture


def unreadable(cohort: Cohort, inputs: Mapping[str, Input], targets: Mapping[str, Target]) -> list[Excluded]:
    """The cases with an input or a truth that can not be read, or a picture without the spacing that is asked of it; DataError where that is all of them."""
    if not any(spec.kind != "table" for spec in inputs.values()):
        return []
    found = [(case.id, fault(case, inputs, targets)) for case in track(cohort, len(cohort), what="opening files")]
    out = [Excluded(case_id, "reading", reason, detail) for case_id, (reason, detail) in found if reason]
    if out and len(out) == len(cohort):
        raise DataError(message(f"cohort {cohort.name}", "no case can be read", found=f"The first: {out[0].id}, {out[0].reason}. {out[0].detail}"))
    return out


def fault(case: Case, inputs: Mapping[str, Input], targets: Mapping[str, Target], *, lengths: bool = True) -> tuple[str, str]:
    """What is wrong with the files of a case, without and with its particulars; two empty texts where nothing is.

    `lengths`: whether a picture without the spacing that is asked of it is at fault.
    """
    shapes: list[tuple[int, ...]] = []
    for name, spec in inputs.items():
        try:
            value = case.inputs.get(name)
        except (DataError, OSError) as error:
            return f"{name} can not be read", str(error)
        shapes += [value.grid.shape] if isinstance(value, Picture) else []
        if spec.misfit(value):
            return f"{name} is {spec.misfit(value)}", f"Expected {spec.description}"
        if lengths and spec.spacing and isinstance(value, Picture) and value.grid.spacing is None:
            return f"{name} has no pixel spacing", f"Give it in the column {name}.spacing as mm per row and column (0.143x0.143)"
    for name in targets:
        try:
            truth = case.truth.get(name)
        except (DataError, OSError) as error:
            return f"the truth of {name} can not be read", str(error)
        if isinstance(truth, (Mask, Objects)) and truth.grid is not None and truth.grid.shape not in (shapes or [truth.grid.shape]):
            return f"the truth of {name} has another size than the image", f"Expected {shapes[0]}. Found {truth.grid.shape}. Draw it on that image"
    return "", ""

"""Shoulder examinations as files of a cohort folder: two to seven DICOM films a case, masks and readings with points of the first, and the cells of one row a case."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from osteon.geometry.shoulder import SHOULDER_UNITS
from osteon.simulate import film_cohort
from osteon.simulate.shoulder import CARD, ShoulderExam, ShoulderFilm, shoulder_exam
from osteon.simulate.shoulder_scene import STRUCTURES
from osteon.value import Grid, Mask, Readings


def write(folder: Path, call: Mapping[str, Any], index: int, name: str) -> film_cohort.Row:
    """The files of one examination, and its row; the films stand in files.csv in their order."""
    from osteon.readers import write_value
    from osteon.readers.dicom import write_radiograph

    exam = shoulder_exam(film_cohort.sequence(call, index), **{k: call[k] for k in ("site", "difficulty", "pixel_mm", "confounded")})
    notes = {"spacing_kind": "calibrated", "body_part": "SHOULDER", "laterality": exam.side, "model": f"{CARD.name} {CARD.version}", "patient_id": film_cohort.pseudonym(call, index)}
    paths = [write_radiograph(folder / "xray" / f"{name}_{k}.dcm", film.stored, spacing=film.spacing, notes=notes | {"view_position": "LLO" if film.view == "y" else "AP"}, simulated=True)
             for k, film in enumerate(exam.films, 1)]
    first = exam.films[0]
    grid = Grid(first.stored.shape, first.spacing, spacing_kind="calibrated")
    truth = {"bones": write_value(folder / "truth" / f"{name}_bones", Mask(first.masks, STRUCTURES, grid)), "shoulder": write_value(folder / "truth" / f"{name}_shoulder", readings(first, grid))}
    listed = [{"input": "films", "path": path} for path in film_cohort.relative(folder, {str(k): path for k, path in enumerate(paths)}).values()]
    return film_cohort.relative(folder, truth) | _cells(exam) | {"files": listed}


def readings(film: ShoulderFilm, grid: Grid) -> Readings:
    """Angles and lengths as they measure on a film, and its points; what a view does not show has a reason."""
    values = {name: film.values[name] for name in SHOULDER_UNITS}
    reasons = {name: f"a film of the view {film.view} does not show it" for name, value in values.items() if not math.isfinite(value)}
    return Readings(values, {name: (float(r), float(c)) for name, (r, c) in film.landmarks.items()}, grid, reasons)


def _cells(exam: ShoulderExam) -> film_cohort.Row:
    measured = {name: round(value, 2) for name, value in exam.values.items() if math.isfinite(value)}
    attributes = {k: v for k, v in exam.attributes.items() if k not in ("site", "films")} | {"film_count": len(exam.films), "views": ", ".join(film.view for film in exam.films)}
    return dict(exam.findings) | {"side": exam.side} | attributes | measured | {"design_severity": round(exam.severity, 3)}


FILMS = film_cohort.Films(CARD, "osteon.simulate.shoulder_cohort:FILMS", write, {f"shoulder.{name}": unit for name, unit in SHOULDER_UNITS.items()})

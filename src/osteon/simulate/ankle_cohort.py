"""Ankle examinations as files of a cohort folder: three DICOM films, masks and readings with points of each, and the cells of one row a case."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from osteon.geometry.ankle import ANKLE_UNITS
from osteon.simulate import film_cohort
from osteon.simulate.ankle import CARD, VIEWS, AnkleExam, AnkleFilm, ankle_exam
from osteon.simulate.ankle_scene import STRUCTURES
from osteon.value import Grid, Mask, Readings

POSITIONS: Mapping[str, str] = {"ap": "AP", "mortise": "AP", "lateral": "LL"}


def write(folder: Path, call: Mapping[str, Any], index: int, name: str) -> film_cohort.Row:
    """The files of one examination, and its row."""
    exam = ankle_exam(film_cohort.sequence(call, index), **{k: call[k] for k in ("site", "difficulty", "pixel_mm", "confounded")})
    files: dict[str, Path] = {}
    for view, film in exam.films.items():
        files |= _files(folder, (f"{name}_{view}", view, film_cohort.pseudonym(call, index)), film, exam.side)
    return film_cohort.relative(folder, files) | _cells(exam)


def _files(folder: Path, who: tuple[str, str, str], film: AnkleFilm, side: str) -> dict[str, Path]:
    from osteon.readers import write_value
    from osteon.readers.dicom import write_radiograph

    name, view, patient = who
    notes = {"spacing_kind": "calibrated", "view_position": POSITIONS[view], "body_part": "ANKLE", "laterality": side, "model": f"{CARD.name} {CARD.version}", "patient_id": patient}
    grid = Grid(film.stored.shape, film.spacing, spacing_kind="calibrated")
    return {view: write_radiograph(folder / "xray" / f"{name}.dcm", film.stored, spacing=film.spacing, notes=notes, simulated=True),
            f"{view}_bones": write_value(folder / "truth" / f"{name}_bones", Mask(film.masks, STRUCTURES, grid)),
            f"{view}_ankle": write_value(folder / "truth" / f"{name}_ankle", readings(film, grid))}


def readings(film: AnkleFilm, grid: Grid) -> Readings:
    """Angles and lengths as they measure on the film, and its points; what a view does not show has a reason."""
    values = {name: film.values[name] for name in ANKLE_UNITS}
    reasons = {name: f"a {film.view} film does not show it" for name, value in values.items() if not math.isfinite(value)}
    return Readings(values, {name: (float(r), float(c)) for name, (r, c) in film.landmarks.items()}, grid, reasons)


def _cells(exam: AnkleExam) -> film_cohort.Row:
    measured = {name: round(value, 2) for name, value in exam.values.items() if math.isfinite(value)}
    attributes = {k: v for k, v in exam.attributes.items() if k != "site"}
    design = {"severity": exam.severity, "diastasis": exam.injury.diastasis, "talar_shift": exam.injury.talus}
    return dict(exam.findings) | {"side": exam.side} | attributes | measured | {f"design_{k}": round(v, 3) for k, v in design.items()}


FILMS = film_cohort.Films(CARD, "osteon.simulate.ankle_cohort:FILMS", write, {f"{view}_ankle.{name}": unit for view in VIEWS for name, unit in ANKLE_UNITS.items()})

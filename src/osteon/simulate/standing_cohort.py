"""Standing-leg films as files of a cohort folder: DICOM, masks, boxes and the cells of one row a case."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from osteon.cohort import Cohort
from osteon.geometry.lower_limb import FILM_UNITS
from osteon.simulate import film_cohort
from osteon.simulate.standing_legs import CARD, STRUCTURES, StandingFilm, standing_film
from osteon.value import Grid, Mask, Objects


def make(folder: Path, call: Mapping[str, Any], workers: int) -> Cohort:
    """The cohort of a call (cases, seed, site, difficulty, pixel_mm, confounded): opened where it is complete, else made or completed."""
    return film_cohort.make(LEGS, folder, call, workers)


def _begin(folder: Path, rows: Path, call: Mapping[str, Any]) -> None:
    assert rows == folder / ".rows"
    film_cohort.begin(LEGS, folder, call)


def make_case(folder: Path, call: Mapping[str, Any], index: int) -> None:
    """Draw one film and write its files, its row last."""
    film_cohort.make_case(LEGS, folder, call, index)


def write(folder: Path, call: Mapping[str, Any], index: int, name: str) -> film_cohort.Row:
    """The files of one film, and its row."""
    from osteon.readers import write_value
    from osteon.readers.dicom import write_radiograph

    film = standing_film(film_cohort.sequence(call, index), site=call["site"], difficulty=call["difficulty"], pixel_mm=call["pixel_mm"],
                         confounded=call["confounded"])
    notes = {"spacing_kind": "calibrated", "magnification": film.attributes["magnification"], "view_position": "AP", "body_part": "LEG", "laterality": "B",
             "model": f"{CARD.name} {CARD.version}", "patient_id": film_cohort.pseudonym(call, index)}
    xray = write_radiograph(folder / "xray" / f"{name}.dcm", film.stored, spacing=film.spacing, notes=notes, simulated=True)
    grid = Grid(film.stored.shape, film.spacing, spacing_kind="calibrated")
    bones = write_value(folder / "truth" / f"{name}_bones", Mask(film.masks, STRUCTURES, grid, annotated(film)))
    joints = write_value(folder / "truth" / f"{name}_joints", _joints(film, grid))
    return film_cohort.relative(folder, {"xray": xray, "joints": joints, "bones": bones}) | _cells(film)


def annotated(film: StandingFilm) -> np.ndarray:
    """Where the bones of a film are judged (rows, cols): inside the joint boxes, as an annotator outlines joints and not shafts."""
    known = np.zeros(film.stored.shape, bool)
    for row0, col0, row1, col1 in film.boxes.values():
        known[max(0, round(row0)): round(row1) + 1, max(0, round(col0)): round(col1) + 1] = True
    return known


def _joints(film: StandingFilm, grid: Grid) -> Objects:
    """The boxes of all joints on the film, right before left."""
    boxes = np.array(list(film.boxes.values()), float).reshape(-1, 4)
    return Objects(boxes, tuple(joint for joint, _ in film.boxes), grid=grid)


def _cells(film: StandingFilm) -> film_cohort.Row:
    """The row's readings (what can not be measured stays empty), attributes and the design beside them."""
    readings = {f"alignment.{k}": round(film.projected[k], 4) if np.isfinite(film.projected[k]) else None for k in FILM_UNITS}
    attributes = {k: ("yes" if v else "no") if isinstance(v, bool) else v for k, v in film.attributes.items() if k != "site"}
    return readings | attributes | {f"design_{k.replace('.', '_')}": round(v, 4) for k, v in film.design.items()}


LEGS = film_cohort.Films(CARD, "osteon.simulate.standing_cohort:LEGS", write, {f"alignment.{name}": unit for name, unit in FILM_UNITS.items()})

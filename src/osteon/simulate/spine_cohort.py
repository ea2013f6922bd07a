"""Spine films as files of a cohort folder: DICOM, points with readings, and the cells of one row a case."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from osteon.cohort import Cohort
from osteon.geometry.spine import COBB_UNITS, CORNERS
from osteon.geometry.spine_sagittal import LATERAL_UNITS, POINTS
from osteon.simulate import ap_spine, film_cohort, lateral_lumbar
from osteon.simulate.spine_film import SpineFilm, check
from osteon.value import Grid, Readings

POINT_NAMES: Mapping[int, Sequence[str]] = {4: CORNERS, 6: POINTS}
PELVIC_NAMES: Mapping[str, Sequence[str]] = {"S1": ("anterior", "posterior"), "hips": ("right", "left")}


def cohort(films: film_cohort.Films, folder: Path, cases: int, seed: int, *, site: str, difficulty: float, pixel_mm: float, confounded: bool, workers: int) -> Cohort:
    """A cohort folder of spine films; the same bytes for the same call, and cases that are complete in the folder are not made again.

    Raises DataError before any file is written for impossible arguments, a folder with other content, or one that was made by another call.
    """
    check(films.card.name, site, difficulty, pixel_mm)
    call = {"cases": cases, "seed": seed, "site": site, "difficulty": difficulty, "pixel_mm": pixel_mm, "confounded": confounded}
    return film_cohort.make(films, Path(folder), call, workers)


def write(folder: Path, call: Mapping[str, Any], index: int, name: str, *, draw: Callable[..., SpineFilm], target: str, notes: Mapping[str, str]) -> film_cohort.Row:
    """The files of one film, and its row: readings and points in one file, readings that were designed and attributes as cells."""
    from osteon.readers import write_value
    from osteon.readers.dicom import write_radiograph

    film = draw(film_cohort.sequence(call, index), site=call["site"], difficulty=call["difficulty"], pixel_mm=call["pixel_mm"],
                confounded=call["confounded"])
    said = {"spacing_kind": "calibrated", "magnification": film.attributes["magnification"], "patient_id": film_cohort.pseudonym(call, index)} | dict(notes)
    xray = write_radiograph(folder / "xray" / f"{name}.dcm", film.stored, spacing=film.spacing, notes=said, simulated=True)
    truth = write_value(folder / "truth" / f"{name}_{target}", readings(film))
    cells = {k: v for k, v in film.attributes.items() if k != "site"}
    design = {f"design_{k.replace('.', '_')}": round(v, 4) if np.isfinite(v) else None for k, v in film.design.items()}
    return film_cohort.relative(folder, {"xray": xray, target: truth}) | cells | design


def readings(film: SpineFilm) -> Readings:
    """The truth of a film as one value: what is measured, and the points that it rests on."""
    landmarks = {f"{level}.{name}": tuple(point) for level, points in film.points.items()
                 for name, point in zip(PELVIC_NAMES.get(level) or POINT_NAMES[len(points)], points.tolist(), strict=True)}
    grid = Grid(film.stored.shape, film.spacing, spacing_kind="calibrated")
    return Readings(film.projected, landmarks, grid, {k: "no such curve" for k, v in film.projected.items() if not np.isfinite(v)})


def _films(card_of: Any, name: str, draw: Callable[..., SpineFilm], target: str, view: str, units: Mapping[str, str]) -> film_cohort.Films:
    notes = {"view_position": view, "body_part": "SPINE" if view == "AP" else "LSPINE", "model": f"{card_of.name} {card_of.version}"}
    return film_cohort.Films(card_of, f"osteon.simulate.spine_cohort:{name}", partial(write, draw=draw, target=target, notes=notes),
                             {f"design_{k.replace('.', '_')}": unit for k, unit in units.items()})


AP = _films(ap_spine.CARD, "AP", ap_spine.ap_film, "cobb", "AP", COBB_UNITS)
LATERAL = _films(lateral_lumbar.CARD, "LATERAL", lateral_lumbar.lateral_film, "sagittal", "LL", LATERAL_UNITS)

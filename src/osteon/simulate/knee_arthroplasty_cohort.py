"""Films of knees with implants as files of a cohort folder: DICOM, masks of bones and implant, readings with points, and the cells of one row a case."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from osteon.geometry.knee_implant import KNEE_UNITS
from osteon.simulate import film_cohort
from osteon.simulate.knee_arthroplasty import CARD, ImplantFilm, implant_film
from osteon.simulate.knee_arthroplasty_scene import STRUCTURES
from osteon.value import Grid, Mask, Readings

BONES, IMPLANT = STRUCTURES[:2], STRUCTURES[2:]
NATIVE = "there is no implant"


def write(folder: Path, call: Mapping[str, Any], index: int, name: str) -> film_cohort.Row:
    """The files of one film, and its row."""
    from osteon.readers import write_value
    from osteon.readers.dicom import write_radiograph

    film = implant_film(film_cohort.sequence(call, index), **{k: call[k] for k in ("kind", "site", "difficulty", "pixel_mm", "confounded")})
    notes = {"spacing_kind": "calibrated", "magnification": film.attributes["magnification"], "view_position": "AP", "body_part": "KNEE", "laterality": film.side,
             "model": f"{CARD.name} {CARD.version}", "patient_id": film_cohort.pseudonym(call, index)}
    files = {"xray": write_radiograph(folder / "xray" / f"{name}.dcm", film.stored, spacing=film.spacing, notes=notes, simulated=True),
             "bones": write_value(folder / "truth" / f"{name}_bones", mask(film, BONES)), "implant": write_value(folder / "truth" / f"{name}_implant", mask(film, IMPLANT)),
             "knee": write_value(folder / "truth" / f"{name}_knee", readings(film))}
    return film_cohort.relative(folder, files) | _cells(film)


def mask(film: ImplantFilm, names: tuple[str, ...]) -> Mask:
    """The masks of some structures of a film; that of the implant is empty in a native knee."""
    return Mask(film.masks[[STRUCTURES.index(n) for n in names]], names, _grid(film))


def readings(film: ImplantFilm) -> Readings:
    """Angles and lucent lines by zone as they measure on the film, and its points; nan with the reason in a native knee."""
    values = {name: film.truth.values.get(name, float("nan")) for name in KNEE_UNITS}
    return Readings(values, {name: (float(r), float(c)) for name, (r, c) in film.truth.landmarks.items()}, _grid(film), {k: NATIVE for k, v in values.items() if not np.isfinite(v)})


def _grid(film: ImplantFilm) -> Grid:
    return Grid(film.stored.shape, film.spacing, spacing_kind="calibrated")


def _cells(film: ImplantFilm) -> film_cohort.Row:
    truth, hold = film.truth, film.truth.status.hold
    measured = {k: round(v, 2) for k, v in truth.values.items() if k.startswith("line_") or k == "score"}
    design = {"severity": truth.severity, "sunk": hold.sunk, "tilted": hold.tilted}
    return dict(truth.findings) | {"side": film.side} | {k: v for k, v in film.attributes.items() if k != "site"} | measured | {f"design_{k}": round(v, 3) for k, v in design.items()}


FILMS = film_cohort.Films(CARD, "osteon.simulate.knee_arthroplasty_cohort:FILMS", write, {f"knee.{name}": unit for name, unit in KNEE_UNITS.items()})

"""Hip films as files of a cohort folder: DICOM, masks of bones and implant, readings with points, and the cells of one row a case."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from osteon.geometry.hip import HIP_UNITS
from osteon.simulate import film_cohort
from osteon.simulate.hip_ap import CARD, STRUCTURES, HipFilm, hip_film
from osteon.value import Grid, Mask, Readings

BONES, IMPLANT = STRUCTURES[:2], STRUCTURES[2:5]


def write(folder: Path, call: Mapping[str, Any], index: int, name: str) -> film_cohort.Row:
    """The files of one film, and its row."""
    from osteon.readers import write_value
    from osteon.readers.dicom import write_radiograph

    film = hip_film(film_cohort.sequence(call, index), **{k: call[k] for k in ("kind", "view", "site", "difficulty", "pixel_mm", "confounded")}, wide=call.get("wide", False))
    notes = {"spacing_kind": "calibrated", "magnification": film.attributes["magnification"], "view_position": "AP", "body_part": "HIP" if call["view"] == "hip" else "PELVIS",
             "laterality": film.side, "model": f"{CARD.name} {CARD.version}", "patient_id": film_cohort.pseudonym(call, index)}
    files = {"xray": write_radiograph(folder / "xray" / f"{name}.dcm", film.stored, spacing=film.spacing, notes=notes, simulated=True),
             "bones": write_value(folder / "truth" / f"{name}_bones", mask(film, BONES)), "hip": write_value(folder / "truth" / f"{name}_hip", readings(film))}
    if film.truth.status.parts:
        files["implant"] = write_value(folder / "truth" / f"{name}_implant", mask(film, IMPLANT))
    return film_cohort.relative(folder, files) | _cells(film)


def mask(film: HipFilm, names: tuple[str, ...]) -> Mask:
    """The masks of some structures of a film."""
    return Mask(film.masks[[STRUCTURES.index(n) for n in names]], names, _grid(film))


def readings(film: HipFilm) -> Readings:
    """Angles, lengths and lucent lines by zone as they measure on the film, and its points."""
    values = dict(film.truth.values)
    reasons = {name: "what it rests on is not there" for name, value in values.items() if not np.isfinite(value)}
    return Readings(values, {name: (float(r), float(c)) for name, (r, c) in film.truth.landmarks.items()}, _grid(film), reasons)


def _grid(film: HipFilm) -> Grid:
    return Grid(film.stored.shape, film.spacing, spacing_kind="calibrated")


def _cells(film: HipFilm) -> film_cohort.Row:
    truth = film.truth
    attributes = {k: ("yes" if v else "no") if isinstance(v, bool) else v for k, v in film.attributes.items() if k != "site"}
    measured = {k: round(v, 2) for k, v in truth.values.items() if k.startswith("line_") or k in ("displacement", "valgus", "joint_space", "leg_length_difference")}
    hold, wear = truth.status.hold, truth.status.wear
    design = {"severity": truth.severity}
    if truth.status.parts:
        design |= {"subsidence": hold.subsidence, "tilt": hold.tilt, "migration": float(np.hypot(*hold.moved)), "turn": hold.turn}
    else:
        design |= {"sclerosis": wear.sclerosis, "cysts": float(len(wear.cysts))}
    return dict(truth.findings) | {"side": film.side} | attributes | measured | {f"design_{k}": round(v, 3) for k, v in design.items()}


FILMS = film_cohort.Films(CARD, "osteon.simulate.hip_cohort:FILMS", write, {f"hip.{name}": unit for name, unit in HIP_UNITS.items()})

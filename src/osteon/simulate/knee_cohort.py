"""Knee films as files of a cohort folder: DICOM, readings with points, the cells of one row a case, and what four readers said."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from osteon.geometry.knee_oa import COMPARTMENTS
from osteon.simulate import film_cohort
from osteon.simulate.knee_ap import CARD, KneeFilm, knee_film
from osteon.value import Grid, Readings

READERS: Mapping[str, float] = {"surgeon 1 (simulated)": 0.10, "surgeon 2 (simulated)": 0.12, "surgeon 3 (simulated)": 0.14, "trainee (simulated)": 0.26}  # share off by one grade
PAIRED = 0.5  # share of patients who give both knees


def write(folder: Path, call: Mapping[str, Any], index: int, name: str) -> film_cohort.Row:
    """The files of one film, and its row."""
    from osteon.readers import write_value
    from osteon.readers.dicom import write_radiograph

    patient = _patient(call, index)
    film = knee_film(film_cohort.sequence(call, index), patient=film_cohort.sequence(call, patient), site=call["site"], difficulty=call["difficulty"],
                     pixel_mm=call["pixel_mm"], confounded=call["confounded"], sides=_sides(call, index, patient))
    who = film_cohort.pseudonym(call, patient)
    notes = {"spacing_kind": "calibrated", "magnification": film.attributes["magnification"], "view_position": "AP", "body_part": "KNEE", "laterality": film.side,
             "model": f"{CARD.name} {CARD.version}", "patient_id": who}
    xray = write_radiograph(folder / "xray" / f"{name}.dcm", film.stored, spacing=film.spacing, notes=notes, simulated=True)
    knee = write_value(folder / "truth" / f"{name}_knee", readings(film))
    read = [{"reader": reader, "target": "kl", "value": grade, "aided": "no"} for reader, grade in _read(call, index, film.grade).items()]
    return {"patient_id": who} | film_cohort.relative(folder, {"xray": xray, "knee": knee}) | {"kl": _noted(call, index, film.grade)} | _cells(film) | {"readings": read}


def readings(film: KneeFilm) -> Readings:
    """Joint space (mm) by compartment, osteophyte areas (mm2) by site, and the points of the film."""
    truth = film.truth
    values = {f"space_{side}": truth.space[side] for side in COMPARTMENTS} | {f"area_{site}": area for site, (_, area) in truth.osteophytes.items()}
    return Readings(values, {name: (float(r), float(c)) for name, (r, c) in truth.landmarks.items()}, Grid(film.stored.shape, film.spacing, spacing_kind="calibrated"))


def _patient(call: Mapping[str, Any], index: int) -> int:
    """The first case of the same patient: some give both knees, which stand side by side in the table."""
    first = index - index % 2
    both = np.random.default_rng([call["seed"], ord(call["site"]), first, 71]).random() < PAIRED
    return first if both else index


def _sides(call: Mapping[str, Any], index: int, patient: int) -> tuple[str, ...]:
    paired = patient != index or (index % 2 == 0 and _patient(call, index + 1) == index)
    return ("RL"[index % 2],) if paired else ()


def _noted(call: Mapping[str, Any], index: int, grade: int) -> int:
    """The grade as the reference standard has it: exact, or one step off where readers err."""
    return _slipped(grade, call["reader_error"], np.random.default_rng([call["seed"], ord(call["site"]), index, 72]))


def _read(call: Mapping[str, Any], index: int, grade: int) -> dict[str, int]:
    rng = np.random.default_rng([call["seed"], ord(call["site"]), index, 73])
    return {reader: _slipped(grade, share, rng) for reader, share in READERS.items()}


def _slipped(grade: int, share: float, rng: np.random.Generator) -> int:
    """A grade, or with a chance of `share` its neighbour (at the ends of the scale the only one)."""
    slips, up = rng.random() < share, rng.random() < 0.5
    return grade if not slips else 1 if grade == 0 else 3 if grade == 4 else grade + (1 if up else -1)


def _cells(film: KneeFilm) -> film_cohort.Row:
    truth = film.truth
    reach = {f"osteophyte_{site}": round(mm, 2) for site, (mm, _) in truth.osteophytes.items()}
    attributes = {k: ("yes" if v else "no") if isinstance(v, bool) else v for k, v in film.attributes.items() if k != "site"}
    return {"kl_exact": truth.grades["osteophyte"], "kl_narrowing": truth.grades["narrowing"], "side": film.side} | attributes | reach | {
        "design_severity": round(truth.severity, 4), "design_sclerosis": round(max(truth.wear.sclerosis), 3), "design_attrition": round(max(truth.wear.attrition), 2)}


FILMS = film_cohort.Films(CARD, "osteon.simulate.knee_cohort:FILMS", write)

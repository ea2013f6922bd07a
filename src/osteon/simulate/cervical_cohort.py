"""Films of the neck as files of a cohort folder: DICOM, readings with points, and the cells of one row a case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from osteon.geometry.cervical import ATLAS, CERVICAL_UNITS, POINTS
from osteon.simulate import film_cohort
from osteon.simulate.cervical import CARD, CervicalFilm, cervical_film
from osteon.value import Grid, Readings

NAMES: Mapping[str, Sequence[str]] = {"C1": ATLAS}
ABSENT = "there is no ossified ligament"


def write(folder: Path, call: Mapping[str, Any], index: int, name: str) -> film_cohort.Row:
    """The files of one film, and its row."""
    from osteon.readers import write_value
    from osteon.readers.dicom import write_radiograph

    film = cervical_film(film_cohort.sequence(call, index), **{k: call[k] for k in ("kind", "site", "difficulty", "pixel_mm", "confounded")})
    notes = {"spacing_kind": "calibrated", "magnification": film.attributes["magnification"], "view_position": "LL", "body_part": "CSPINE", "model": f"{CARD.name} {CARD.version}",
             "patient_id": film_cohort.pseudonym(call, index)}
    xray = write_radiograph(folder / "xray" / f"{name}.dcm", film.stored, spacing=film.spacing, notes=notes, simulated=True)
    truth = write_value(folder / "truth" / f"{name}_cervical", readings(film))
    return film_cohort.relative(folder, {"xray": xray, "cervical": truth}) | _cells(film)


def readings(film: CervicalFilm) -> Readings:
    """What the points of a film measure, and the points: corners and lamina of each level, three of C1; a mass is in the readings alone."""
    points = {f"{level}.{name}": (float(r), float(c)) for level, at in film.points.items() if level != "mass" for name, (r, c) in zip(NAMES.get(level, POINTS), at, strict=True)}
    return Readings(dict(film.projected), points, Grid(film.stored.shape, film.spacing, spacing_kind="calibrated"), {k: ABSENT for k, v in film.projected.items() if not np.isfinite(v)})


def _cells(film: CervicalFilm) -> film_cohort.Row:
    called = {name: "yes" if there else "no" for name, there in film.findings.items()}
    mass = {"ossified": "no" if film.attributes["ossification"] == "none" else "yes", "beyond_kline": "yes" if film.projected["kline"] < 0 else "no"}
    design = {f"design_{k.replace('.', '_')}": round(v, 4) for k, v in film.design.items()}
    return called | mass | {"osteophyte_mm": round(max(film.spurs.values(), default=0.0), 2)} | {k: v for k, v in film.attributes.items() if k != "site"} | design


FILMS = film_cohort.Films(CARD, "osteon.simulate.cervical_cohort:FILMS", write, {f"cervical.{name}": unit for name, unit in CERVICAL_UNITS.items()})

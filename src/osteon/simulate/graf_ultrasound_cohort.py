"""Infant hip ultrasound as files of a cohort folder: PNG, readings with points, masks of the structures, what three readers called it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from osteon.geometry.graf import GRAF_UNITS, graf_type
from osteon.simulate import film_cohort
from osteon.simulate.graf_ultrasound import CARD, HipScan, hip_scan
from osteon.simulate.graf_ultrasound_anatomy import MISSING
from osteon.simulate.graf_ultrasound_scene import STRUCTURES
from osteon.value import Grid, Mask, Picture, Readings

READERS: Mapping[str, float] = {"sonographer 1 (simulated)": 2.6, "sonographer 2 (simulated)": 3.2, "trainee (simulated)": 5.5}  # degrees by which a reading of alpha strays


def write(folder: Path, call: Mapping[str, Any], index: int, name: str) -> film_cohort.Row:
    """The files of one picture, and its row; two neighbours are the hips of one infant."""
    from osteon.readers import write_value

    scan = hip_scan(film_cohort.sequence(call, index), **{k: call[k] for k in ("site", "difficulty", "plane", "confounded")}, weeks=_age(call, index))
    grid = Grid(scan.stored.shape, (scan.pixel,) * 2, spacing_kind="calibrated")
    notes = {"modality": "US", "simulated": True, "model": f"{CARD.name} {CARD.version}"}
    files = {"ultrasound": write_value(folder / "ultrasound" / name, Picture(scan.stored, grid, notes)), "graf": write_value(folder / "truth" / f"{name}_graf", readings(scan, grid)),
             "structures": write_value(folder / "truth" / f"{name}_structures", Mask(scan.masks, STRUCTURES, grid))}
    read = [{"reader": reader, "target": "graf_type", "value": called, "aided": "no"} for reader, called in _read(call, index, scan).items()]
    return {"patient_id": film_cohort.pseudonym(call, index - index % 2)} | film_cohort.relative(folder, files) | _cells(scan) | {"readings": read}


def readings(scan: HipScan, grid: Grid) -> Readings:
    """Alpha, beta and cover as they measure on the picture, with the points."""
    reasons = dict.fromkeys(MISSING.get(scan.hip.plane, ()), f"the plane does not show it: {scan.hip.plane}")
    return Readings(dict(scan.measured), {name: (float(r), float(c)) for name, (r, c) in scan.points.items()}, grid, reasons)


def _age(call: Mapping[str, Any], index: int) -> float:
    """The age (weeks) that both hips of an infant share."""
    return round(float(np.random.default_rng([call["seed"], ord(call["site"]), index - index % 2, 91]).uniform(1, 26)), 1)


def _read(call: Mapping[str, Any], index: int, scan: HipScan) -> dict[str, str]:
    """The type as readers call it, whose alpha and beta stray; none where the plane does not let one measure."""
    rng = np.random.default_rng([call["seed"], ord(call["site"]), index, 93])
    strayed = {reader: (scan.measured["alpha"] + rng.normal(0, spread), scan.measured["beta"] + rng.normal(0, 1.6 * spread)) for reader, spread in READERS.items()}
    return {reader: graf_type(a, b, scan.attributes["weeks"], labrum_below=bool(scan.design["below"])) for reader, (a, b) in strayed.items() if scan.type}


def _cells(scan: HipScan) -> film_cohort.Row:
    attributes = {k: ("yes" if v else "no") if isinstance(v, bool) else v for k, v in scan.attributes.items() if k != "site"}
    called = {"graf_type": scan.type, "dysplasia": "yes" if scan.dysplastic else "no"}
    return called | attributes | {f"design_{k}": round(v, 2) for k, v in scan.design.items()}


SCANS = film_cohort.Films(CARD, "osteon.simulate.graf_ultrasound_cohort:SCANS", write, {"weeks": "weeks"} | {f"graf.{name}": unit for name, unit in GRAF_UNITS.items()}, folders=("ultrasound", "truth"))

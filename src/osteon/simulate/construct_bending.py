"""Force and deformation of a bone model held by three constructs: stiffness that changes with load, specimens that differ, two constructs that become alike."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from osteon.simulate import table_cohort
from osteon.simulate.card import Card
from osteon.simulate.table_cohort import Columns, Words

if TYPE_CHECKING:
    from osteon.cohort import Cohort

CARD = Card(
    "construct bending tests", "1.0",
    use="checks of regression on curves of a test machine with specimens kept together, and of a comparison of two constructs window by window of force",
    modelled=("an L-shaped plate, a locking plate and a hybrid external fixator on artificial bone, twelve forces a specimen up to 1,000 N",
              "deformation that grows faster than the force (a toe region and yielding), with the locking plate stiffer at low and middle forces and no different from the fixator at 800 N and more",
              "stiffness that varies from specimen to specimen, and noise of the machine", "site B: another machine, softer bone models", "confounded: each construct was tested with forces of its own last digit"),
    absent=("fatigue", "failure", "slipping at the clamps", "temperature"),
    sources=("order of the three constructs, and no difference of two of them at high force: Niculescu 2020, abstract", "stiffness of 180 to 350 N/mm: set by us"),
)
DEVICES = ("L plate", "locking plate", "hybrid fixator")
FORCES = 12  # a specimen
STIFFNESS = {"L plate": (180.0, 0.30), "locking plate": (340.0, 0.62), "hybrid fixator": (262.0, 0.25)}  # N/mm at rest, share of it lost at 1,000 N
BONE = {"A": 1.0, "B": 0.85}


def construct_bending(folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, confounded: bool = False) -> Cohort:
    """A cohort folder of `cases` rows, twelve of each specimen (`patient_id`): `construct`, `force` (N), `deformation` (mm), and what it is without specimen and noise."""
    return table_cohort.make(BENDING, Path(folder), table_cohort.asked(cases, seed, site, difficulty, confounded))


def deformation(device: np.ndarray, force: np.ndarray, site: str = "A") -> np.ndarray:
    """Deformation (n,) in mm of the mean specimen under forces (n,) in N, of devices (n,) by number."""
    rest, lost = (np.array([STIFFNESS[d][k] for d in DEVICES])[device] for k in (0, 1))
    load = np.asarray(force, float) / 1000
    toe = 0.12 * (1 - np.exp(-load / 0.08))  # play of the construct, taken up first
    # Two constructs that meet: above 800 N the stiffness of the locking plate is that of the fixator.
    stiffness = rest * (1 - lost * load**1.5)
    fixator = STIFFNESS["hybrid fixator"][0] * (1 - STIFFNESS["hybrid fixator"][1] * load**1.5)
    stiffness = np.where(device == 1, np.where(load >= 0.8, fixator, np.maximum(stiffness, fixator)), stiffness)
    return np.asarray(toe + force / (BONE[site] * stiffness))


def draw(call: Mapping[str, object], block: int, rows: int) -> Columns:
    """One block of rows; whole specimens, but for the last of a call."""
    site, difficulty = str(call["site"]), float(str(call["difficulty"]))
    device_stream, label, nuisance = (np.random.default_rng(s) for s in np.random.SeedSequence([int(str(call["seed"])), ord(site), block]).spawn(3))
    specimens = -(-rows // FORCES)
    of = np.repeat(np.arange(specimens), FORCES)[:rows]
    device = device_stream.permutation(np.resize(np.arange(3), specimens))[of]
    force = np.round((np.arange(rows) % FORCES + 1) * 1000 / FORCES + nuisance.uniform(-15, 15, rows))
    if call.get("confounded"):
        force = 10 * np.floor(force / 10) + device * 3
    mean = deformation(device, force, site)
    own = np.exp((0.02 + 0.1 * difficulty) * label.standard_normal(specimens))[of]
    read = mean * own + (0.005 + 0.02 * difficulty) * label.standard_normal(rows)
    first = block * BENDING.block // FORCES + 1
    return {"patient_id": table_cohort.ids("b", first, specimens)[of], "construct": Words(device.astype(np.int8), DEVICES), "force": force,
            "deformation": np.round(np.maximum(read, 0), 3), "mean_deformation": np.round(mean, 4)}


def _notes(call: Mapping[str, object]) -> Mapping[str, object]:
    return {"alike_from_newton": 800}


BENDING = table_cohort.Table(CARD, draw, _notes, {"force": "N", "deformation": "mm"}, block=FORCES * 20_000)

"""Raw multi-coil MRI signal of the knee in the HDF5 layout of fastMRI, fully sampled, coronal, with and without fat suppression.

The picture that stands in each file is the root of the sum of squares of its own noisy signal, as in fastMRI; with
`motion` the signal is that of a patient who moved between the shots, and the picture that of one who lay still.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.errors import DataError, message
from osteon.simulate import film_cohort
from osteon.simulate.card import Card
from osteon.simulate.knee_mri_asking import FOV_MM, Asking, Seed, streams

if TYPE_CHECKING:
    from osteon.cohort import Cohort
    from osteon.simulate.knee_mri_patient import Examined
    from osteon.simulate.mri import Weighting

CARD = Card(
    "knee k-space", "1.0",
    use="checks that reconstructions of undersampled knee MRI recover a fully sampled picture; teaching of coils, masks, aliasing and of what motion does",
    modelled=("the knee of the simulator knee MRI in coronal (or sagittal) slices: partial volume across the slice, water and fat with their chemical shift, suppressed fat that escapes",
              "loops about the limb by the law of Biot and Savart, their noise correlated through the body, a smooth phase of the object, readout oversampled twice",
              "the object is painted twice as fine as the picture and cut in k-space, so that edges ring and no reconstruction on the coarse grid is exact",
              "noise in the signal and so in the reference picture; site B: 1.5 T, more noise, another place of the coils",
              "off model: shots that saw the knee shifted and with another phase, beside the picture of one that lay still"),
    absent=("inhomogeneity of the main field beyond the escape of fat", "decay along the echo train and its blur", "rotation and through-plane motion, flow and its ghosts",
            "partial Fourier and elliptical shutters", "coil couplings beyond shared noise", "metal", "neighbouring slices that share signal"),
    sources=("layout of the files: fastMRI, Zbontar J et al. arXiv:1811.08839", "fields of loops: Roemer PB et al. Magn Reson Med 1990; 16: 192", "place and size of the loops, noise and motion: ours"),
)
ACQUISITIONS: Mapping[str, str] = {"PD": "CORPD_FBK", "PDFS": "CORPDFS_FBK"}
GAIN = 4e-4  # of the scanner, so that signals are as large as fastMRI's
WIDER, OVERSAMPLED = 1.15, 2  # field of view along the phase encoding and the readout against that of the picture
TALL_MM = 230.0  # of the limb that is painted along the readout
SHOTS = 9
BAND = 32  # frequencies beyond the matrix that smooth coils can mix into it


@dataclass(frozen=True, eq=False)
class Scan:
    """One examination: `kspace` (slices, coils, readout, lines) complex64, `reference` (slices, rows, cols) float32 of a patient who lay still, spacing (mm), what was examined."""

    kspace: np.ndarray
    reference: np.ndarray
    spacing: tuple[float, float, float]
    weighting: Weighting
    knee: Examined = field(repr=False)
    places: tuple[float, ...] = ()


def knee_scan(seed: Seed, *, coils: int = 8, slices: int = 2, motion: bool = False, ask: Asking | None = None, **how: Any) -> Scan:
    """One examination of one knee. The same arguments give the same bytes; `motion` changes the signal and not the reference. Raises DataError for impossible arguments."""
    from osteon.simulate.knee_mri_patient import examined

    usual: dict[str, Any] = {"plane": "coronal", "matrix": 128}
    asked = ask or Asking(**usual | how)
    if not (1 <= coils <= 64 and 1 <= slices <= 40):
        raise DataError(message(CARD.name, "the examination is impossible", expected="1 to 64 coils, 1 to 40 slices", found=f"Found {coils} coils, {slices} slices"))
    shared, (nuisance, physics) = streams(seed, None)
    return _scanned(examined(shared, asked), asked, (coils, slices, motion), nuisance, physics)


def _scanned(knee: Examined, asked: Asking, size: tuple[int, int, bool], nuisance: np.random.Generator, physics: np.random.Generator) -> Scan:
    from osteon.simulate import mri, mri_acquire, mri_coils, mri_paint

    coils, slices, moving = size
    home = asked.site == "A"
    weighting = mri.PROTOCOLS[asked.protocol].at(3.0 if home else 1.5)
    thickness, pixel = (3.0 if home else 3.5), FOV_MM / asked.matrix
    places = _places(asked.plane, slices, nuisance)
    array = mri_coils.knee_array(coils, knee.middle, nuisance, radius=92.0 if home else 104.0)
    sigma = (0.007 + 0.012 * asked.difficulty) * (1.0 if home else 1.7) * (FOV_MM / 320 / pixel)
    motion = mri_acquire.moved_by_shots(physics, SHOTS, 0.5 + 1.5 * asked.difficulty)
    grain = mri_paint.textures(pixel / mri_acquire.FINER, nuisance)
    shots = [_slice(knee, asked, (at, thickness), (weighting, array, grain, sigma), np.random.default_rng(s))
             for at, s in zip(places, physics.bit_generator.seed_seq.spawn(slices), strict=True)]  # type: ignore[attr-defined]
    kspace = np.stack(shots)
    shape = asked.matrix, asked.matrix
    reference = np.sqrt((np.abs(mri_acquire.centre(mri_acquire.decode(kspace), shape)) ** 2).sum(axis=1)).astype(np.float32)
    kspace = mri_acquire.shaken(kspace, motion, (pixel, pixel)) if moving else kspace
    return Scan(kspace, reference, (thickness, pixel, pixel), weighting, knee, places)


def _places(plane: str, slices: int, rng: np.random.Generator) -> tuple[float, ...]:
    """Where the slices lie (mm): evenly over the joint, begun at a random place."""
    low, high = (-27.0, 9.0) if plane == "coronal" else (-33.0, 33.0)
    step = (high - low) / slices
    return tuple(float(low + step * (k + 0.15 + 0.7 * u)) for k, u in enumerate(np.full(slices, rng.random())))


def _slice(knee: Examined, asked: Asking, where: tuple[float, float], machine: tuple[Any, ...], rng: np.random.Generator) -> np.ndarray:
    """The noisy signal (coils, readout, lines) of one slice."""
    from osteon.simulate import knee_mri_scene, mri_acquire, mri_coils, mri_paint

    weighting, array, grain, sigma = machine
    finer = mri_acquire.FINER
    pixel = FOV_MM / asked.matrix / finer
    wide = 2 * round(0.5 * WIDER * asked.matrix)
    rows = min(2 * round(0.5 * TALL_MM / pixel), finer * OVERSAMPLED * asked.matrix)
    lattice = knee.lattice(asked.plane, where[0], (rows, finer * wide), (pixel, pixel), where[1])
    grain = replace(grain, roll=(int(rng.integers(1 << 16)), int(rng.integers(1 << 16))))
    water, fat = mri_paint.paint(knee_mri_scene.layers(knee.scene, lattice), lattice.shape[1:], weighting, grain)
    tall = OVERSAMPLED * asked.matrix
    still = mri_acquire.within_band(mri_acquire.mixed(water, fat, weighting.fat_shift * finer), (tall + BAND, wide + BAND), finer * tall)
    points, shape, every = mri_coils.knots(knee.lattice(asked.plane, where[0], still.shape, (tall * pixel * finer / still.shape[0], wide * pixel * finer / still.shape[1]), where[1]))
    fields = mri_coils.sensitivities(array, points).reshape(-1, *shape)
    kspace = mri_acquire.encode(mri_coils.seen(GAIN * still, fields * mri_acquire.phase_map(shape, rng), every), (tall, wide))
    white = mri_acquire.noise(kspace.shape, GAIN * sigma, rng)
    return kspace + np.tensordot(mri_coils.mixing(fields), white, axes=1).astype(np.complex64)


def knee_kspace(folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, matrix: int = 128, coils: int = 8, slices: int = 2, motion: bool = False,
                workers: int = 2) -> Cohort:
    """A cohort folder of `cases` examinations: raw signal `kspace` and its full picture `image` in one HDF5 file, the limb as mask `body`, what is wrong with the knee as attributes.

    Every other examination has its fat suppressed. `motion` makes the off-model set; `matrix=320` gives files as large as fastMRI's. Raises DataError
    before any file is written for impossible arguments, a folder with other content, or one that was made by another call.
    """
    Asking(site, difficulty, plane="coronal", matrix=matrix)
    if not (1 <= coils <= 64 and 1 <= slices <= 40):
        raise DataError(message(CARD.name, "the examination is impossible", expected="1 to 64 coils, 1 to 40 slices", found=f"Found {coils} coils, {slices} slices"))
    call = {"cases": cases, "seed": seed, "site": site, "difficulty": difficulty, "matrix": matrix, "coils": coils, "slices": slices, "motion": motion}
    return film_cohort.make(SCANS, Path(folder), call, workers)


def write(folder: Path, call: Mapping[str, Any], index: int, name: str) -> film_cohort.Row:
    """The files of one examination, and its row."""
    from osteon.readers import write_value
    from osteon.readers.kspace import write_kspace
    from osteon.value import Grid, KSpace, Mask

    protocol = "PD" if index % 2 == 0 else "PDFS"
    asked = Asking(call["site"], call["difficulty"], plane="coronal", protocol=protocol, matrix=call["matrix"])
    scan = knee_scan(film_cohort.sequence(call, index), coils=call["coils"], slices=call["slices"], motion=call["motion"], ask=asked)
    who, grid = film_cohort.pseudonym(call, index), Grid(scan.reference.shape, scan.spacing, spacing_kind="volume")
    attributes = {"acquisition": ACQUISITIONS[protocol], "patient_id": who, "simulated": f"{CARD.name} {CARD.version}: no patient was examined"}
    raw = write_kspace(folder / "kspace" / f"{name}.h5", KSpace(scan.kspace, grid, name=f"{name}.h5"), reference=scan.reference, attributes=attributes)
    body = write_value(folder / "truth" / f"{name}_body", Mask(limb(scan, asked)[None], ("body",), grid))
    known = {k.replace(" ", "_"): ("yes" if v else "no") if isinstance(v, bool) else v for k, v in scan.knee.attributes.items()}
    paths = film_cohort.relative(folder, {"kspace": raw, "image": raw, "body": body})
    return {"patient_id": who} | paths | {"acquisition": ACQUISITIONS[protocol], "tesla": scan.weighting.tesla, "motion": "yes" if call["motion"] else "no"} | known


def limb(scan: Scan, asked: Asking) -> np.ndarray:
    """Where the picture shows the limb (slices, rows, cols): outside there is noise alone, on which no reconstruction should be judged."""
    from osteon.simulate.voxels import distance

    out = np.zeros(scan.reference.shape, bool)
    for k, at in enumerate(scan.places):
        lattice = scan.knee.lattice(asked.plane, at, scan.reference.shape[1:], scan.spacing[1:], scan.spacing[0])
        if (found := distance(lattice, scan.knee.scene.solids["skin"], reach=16.0)) is not None:
            out[k][found.window[1:]] = found.mm[0] < scan.knee.scene.body.fat
    return out


SCANS = film_cohort.Films(CARD, "osteon.simulate.knee_kspace:SCANS", write, {"age": "years", "bmi": "kg/m2", "effusion_mm": "mm", "defect_mm": "mm", "tesla": "T"}, folders=("kspace", "truth"))

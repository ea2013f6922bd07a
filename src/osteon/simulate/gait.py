"""Walks of people with knee osteoarthritis or a knee replacement, seen by seven inertial sensors, with exact stride parameters.

Feet are placed first, the legs follow (`gait_chain`), and sensors are carried by the segments: what an accelerometer feels is
the second difference of its own path less gravity, so that integrating it twice gives the path back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from osteon.errors import DataError, message
from osteon.geometry.gait import SIDES, channels
from osteon.readers.signal import write_signal
from osteon.simulate import film_cohort
from osteon.simulate.card import Card
from osteon.simulate.folder import check
from osteon.simulate.gait_chain import Body, Motion, Steps
from osteon.simulate.gait_chain import walk as motion_of
from osteon.value import Trajectory

if TYPE_CHECKING:
    from osteon.cohort import Cohort

CARD = Card(
    "gait", "1.0",
    use="checks that stride finding, time-series networks and sensor sets recover known stride parameters; teaching of drift and misalignment",
    modelled=("seven rigid segments in the sagittal plane with lateral foot placement, pelvic sway, rise and turn", "feet that roll over heel and toe and do not slip",
              "strides that vary; a painful side with a shorter stance and a longer step before it", "osteoarthritis and knee replacement, slow, chosen and fast speed",
              "sensors turned on the segment by up to 15 degrees, bias, drift of the gyroscope, noise", "site B: another make (more noise, worse mounting) and slower people",
              "confounded: the sensors of people with osteoarthritis have a bias of their own, a shortcut to be found"),
    absent=("rotation of the legs out of the sagittal plane, soft tissue moving under the sensor, the shock of the heel strike",
            "a straight knee in stance: it stays bent by 15 to 25 degrees, more in late stance", "starting, stopping, turning, stairs, walking aids",
            "lost samples, magnetometer, clocks that differ"),
    sources=("sensors, groups, speeds and 100 Hz: Sharifi Renani 2020", "slower, shorter steps in osteoarthritis: Wiik and Mills, quoted from reviews; values here are ours",
             "stance near 60 % of the stride: textbooks"),
    probes=("osteoarthritis told by the spectrum of the pelvis sensor from 40 to 50 Hz, 120 walks of 60 people at difficulty 1, logistic probe: 0.42 (0.31-0.53)",
            "the parameters are exact; what noise, bias and mounting leave of them has no closed form, so no ceiling is stated"),
)
RATE = 100.0  # samples a second
GRAVITY = 9.81
PARAMETERS: Mapping[str, str] = MappingProxyType({
    "stride_time": "s", "step_time": "s", "stride_length": "m", "step_length": "m", "step_width": "m", "cadence": "steps/min", "speed": "m/s",
    "stance_time": "s", "swing_time": "s", "single_support": "s", "double_support": "s", "toe_out": "deg"})
DEFINITIONS: Mapping[str, str] = MappingProxyType({
    "stride_time": "from a heel strike to the next of the same foot", "step_time": "from the heel strike of the other foot to the one that ends the stride",
    "stride_length": "way of the heel in a stride", "step_length": "mean of the two steps of the stride", "cadence": "120 / stride_time",
    "step_width": "lateral distance of the heels, mean of the two steps", "speed": "stride_length / stride_time, which is cadence x step_length / 60",
    "stance_time": "heel strike to toe-off", "swing_time": "toe-off to the heel strike that ends the stride", "single_support": "the other foot is off the ground",
    "double_support": "both feet are on the ground, both times of a stride", "toe_out": "angle of the foot to the way, outwards positive"})
CHANNELS = channels()
GROUPS = ("osteoarthritis", "knee replacement")
PACES = ("slow", "chosen", "fast")
STUDIED = 29  # people
LENGTH = 6.0  # s of a walk: some 6 m
TRIALS = 15  # walks of one person, five at each pace


class Person(NamedTuple):
    """Body, group, painful side (0 right, 1 left), cadence (steps/min), step length and width (m), asymmetry (part), variation (part), toe-out (degrees)."""

    body: Body
    group: str
    side: int
    cadence: float
    step: float
    width: float
    asymmetry: float
    variation: float
    toe_out: float


@dataclass(frozen=True, eq=False)
class Walk:
    """One recorded walk.

    `signal` (n, 42) float32, CHANNELS in m/s2 and rad/s; `strides` (k, 3 + 12): side (0 right, 1 left), start and stop (s), then PARAMETERS;
    `motion` the motion of the segments, `clean` (7, 6, n) what sensors without any fault would say.
    """

    times: np.ndarray
    signal: np.ndarray
    strides: np.ndarray
    motion: Motion
    clean: np.ndarray
    attributes: Mapping[str, Any]


def gait_strides(folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, confounded: bool = False, workers: int = 2) -> Cohort:
    """A cohort folder of `cases` strides of some people (eight or more): `imu`, a CSV of 42 channels from heel strike to heel strike, and `gait.NAME`.

    Raises DataError before any file is written for an impossible call or a folder with other content.
    """
    return film_cohort.make(STRIDES, Path(folder), _call(cases, seed, site, difficulty, confounded), workers)


def gait_walks(folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, confounded: bool = False, workers: int = 2) -> Cohort:
    """A cohort folder of `cases` whole walks: `imu`, `strides` (a CSV of events and parameters), and the mean of each parameter over the strides of a leg as `gait.NAME.R` and `.L`."""
    return film_cohort.make(WALKS, Path(folder), _call(cases, seed, site, difficulty, confounded), workers)


def person(seed: int, number: int, *, site: str = "A") -> Person:
    """A person by number: the same at every trial."""
    rng = np.random.default_rng([seed, ord(site), 7, number])
    osteoarthritis = bool(rng.random() < 0.5)
    size = float(np.clip(rng.normal(1.0, 0.05), 0.86, 1.14))
    body = Body(0.42 * size, 0.41 * size, 0.20 * size, (0.05, 0.08), 0.085 * size)
    worse = float(np.clip(rng.normal(1.0 if osteoarthritis else 0.6, 0.3), 0, 2))
    slower = 0.94 if site == "B" else 1.0
    cadence, step = float(rng.normal(110 - 6 * worse, 6)) * slower, float(np.clip(rng.normal(0.66 - 0.06 * worse, 0.04) * size * slower, 0.42, 0.8))
    return Person(body, GROUPS[0] if osteoarthritis else GROUPS[1], int(rng.integers(2)), cadence, step, float(np.clip(rng.normal(0.11, 0.025), 0.05, 0.2)),
                  0.05 * worse, 0.012 + 0.010 * worse, float(np.clip(rng.normal(7, 5), -6, 22)))


def recorded(who: Person, seed: int | np.random.SeedSequence, *, seconds: float = 8.0, pace: str = "chosen", site: str = "A", difficulty: float = 0.5,
             confounded: bool = False) -> Walk:
    """One walk of a person; streams for the steps, the mounting and the electronics. Raises DataError for less than 3 s or an unknown pace."""
    if not 3 <= seconds <= 3600 or pace not in PACES:
        raise DataError(message(CARD.name, "the walk is impossible", expected=f"3 to 3600 s, pace {', '.join(PACES)}", found=f"Found {seconds} s, {pace!r}"))
    sequence = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
    label, nuisance, physics = (np.random.default_rng(s) for s in sequence.spawn(3))
    steps = placed(who, seconds, pace, label)
    first = steps.times[3] + 0.05
    times = first + np.arange(round(seconds * RATE) + 2) / RATE  # one sample more at both ends, for the differences
    motion = motion_of(who.body, steps, times)
    clean = felt(motion)
    signal = _sensed(clean, who, site, difficulty, confounded, nuisance, physics)
    strides = parameters(steps)
    inside = (strides[:, 1] >= times[1]) & (strides[:, 2] <= times[-2])
    strides = strides[inside]
    strides[:, 1:3] -= times[1]
    inner = Motion(motion.at[:, 1:-1], motion.pitch[:, 1:-1], motion.yaw[:, 1:-1])
    attributes = {"group": who.group, "pace": pace, "painful_side": SIDES[who.side], "stature": round(who.body.thigh / 0.42 * 1.7, 2)}
    return Walk(times[1:-1] - times[1], signal, strides, inner, clean, attributes)


def placed(who: Person, seconds: float, pace: str, rng: np.random.Generator) -> Steps:
    """Foot placements for a walk that holds `seconds` between its fourth and fourth but last strike."""
    quick = {"slow": 0.80, "chosen": 1.0, "fast": 1.22}[pace] * float(np.clip(rng.normal(1, 0.03), 0.9, 1.1))
    period, length = 60 / (who.cadence * quick**0.55), who.step * quick**0.45
    n = int(seconds / period * 1.25) + 12
    first = int(rng.integers(2))
    side = (first + np.arange(n)) % 2
    painful = np.where(side == who.side, 1.0, -1.0)
    times = np.cumsum(period * (1 + 0.5 * who.asymmetry * painful) * np.clip(1 + who.variation * rng.standard_normal(n), 0.85, 1.15))
    heels = np.cumsum(length * (1 - 0.3 * who.asymmetry * painful) * np.clip(1 + 1.3 * who.variation * rng.standard_normal(n), 0.8, 1.2))
    stance = np.clip(0.615 - 0.02 * (quick - 1) / 0.2 - 0.2 * who.asymmetry * painful + 0.006 * rng.standard_normal(n), 0.55, 0.70)
    lateral = np.where(side == 1, 0.5, -0.5) * who.width + 0.008 * rng.standard_normal(n)
    toe_out = np.radians(who.toe_out + 1.5 * rng.standard_normal(n))
    return Steps(first, times, heels, stance, lateral, toe_out, (0.38 * min(1.1, quick), 0.95 * min(1.1, quick)))


def parameters(steps: Steps) -> np.ndarray:
    """The strides (k, 3 + 12) of both feet: side, heel strike that begins and that ends it (s), and PARAMETERS."""
    i = np.arange(1, len(steps.times) - 2)  # each begins with strike i and ends with strike i + 2 of the same foot
    t, x, y, off = steps.times, steps.heels, steps.lateral, steps.toe_off()
    stride, length = t[i + 2] - t[i], x[i + 2] - x[i]
    width = 0.5 * (np.abs(y[i + 1] - y[i]) + np.abs(y[i + 2] - y[i + 1]))
    stance, single = off[i] - t[i], t[i + 1] - off[i - 1]
    columns = (stride, t[i + 2] - t[i + 1], length, length / 2, width, 120 / stride, length / stride, stance, stride - stance, single, stance - single, np.degrees(steps.toe_out[i]))
    return np.column_stack([(steps.first + i) % 2, t[i], t[i + 2], *columns])


def felt(motion: Motion) -> np.ndarray:
    """What perfect sensors say (7, 6, n - 2): the force on a unit mass (m/s2) and the rate of turn (rad/s) in the frame of the segment."""
    axes = _axes(motion)
    x, y, z = (_twice(path) * RATE**2 for path in _paths(motion, axes))
    z += GRAVITY
    c, s, cy, sy = (axis[:, 1:-1] for axis in axes)
    spin, around = ((v[:, 2:] - v[:, :-2]) * (RATE / 2) for v in (motion.pitch, motion.yaw))
    ahead = cy * x + sy * y
    return np.stack([c * ahead + s * z, cy * y - sy * x, c * z - s * ahead, around * s, -spin, around * c], axis=1)


MOUNTS = np.array([(-0.10, 0.02), (0.06, -0.20), (0.06, -0.20), (0.04, -0.15), (0.04, -0.15), (0.08, -0.02), (0.08, -0.02)])  # of the sensor from the joint: forward, up (m)


def carried(motion: Motion) -> np.ndarray:
    """The paths of the sensors (7, n, 3)."""
    return np.stack(_paths(motion, _axes(motion)), axis=-1)


def _axes(motion: Motion) -> tuple[np.ndarray, ...]:
    """Cosine and sine of the pitch, then of the yaw, of every segment (7, n)."""
    return tuple(f(v) for v in (motion.pitch, motion.yaw) for f in (np.cos, np.sin))


def _paths(motion: Motion, axes: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x, y and z of the sensors (7, n)."""
    c, s, cy, sy = axes
    ahead = MOUNTS[:, :1] * c - MOUNTS[:, 1:] * s
    up = MOUNTS[:, :1] * s + MOUNTS[:, 1:] * c
    x, y, z = np.moveaxis(motion.at, -1, 0)
    return x + ahead * cy, y + ahead * sy, z + up


def _twice(path: np.ndarray) -> np.ndarray:
    """The second difference (7, n - 2)."""
    steps = path[:, 1:] - path[:, :-1]
    return np.asarray(steps[:, 1:] - steps[:, :-1])


def windows(walk: Walk, *, samples: int = 200) -> np.ndarray:
    """Each stride of a walk (k, 42, samples), from heel strike to heel strike, zero behind its end; longer strides are cut."""
    out = np.zeros((len(walk.strides), walk.signal.shape[1], samples), np.float32)
    for k, (start, stop) in enumerate(walk.strides[:, 1:3]):
        part = walk.signal[round(start * RATE): round(stop * RATE)][:samples]
        out[k, :, : len(part)] = part.T
    return out


def _sensed(clean: np.ndarray, who: Person, site: str, difficulty: float, confounded: bool, nuisance: np.random.Generator, physics: np.random.Generator) -> np.ndarray:
    """The signal (n, 42): mounting, bias, drift and noise grow with the difficulty, and are worse at site B."""
    rough = 2 * difficulty * (1.6 if site == "B" else 1.0)
    n = clean.shape[-1]
    mounted = _rotations(np.radians(np.clip(rough * nuisance.normal(0, 4, (7, 3)), -15, 15)))
    out = np.swapaxes(mounted, 1, 2)[:, None].astype(np.float32) @ clean.astype(np.float32).reshape(7, 2, 3, n)
    out += (rough * nuisance.normal(0, 1, (7, 2, 3, 1)) * np.array([0.06, 0.008])[:, None, None]).astype(np.float32)
    if confounded and who.group == GROUPS[0]:
        out[:, 0] += 0.5
    out[:, 1] += (rough * nuisance.normal(0, 0.0008, (7, 3, 1))).astype(np.float32) * (np.arange(n, dtype=np.float32) / np.float32(RATE))
    noise = physics.standard_normal((7, 2, 3, n), np.float32)
    noise *= np.array([0.05 * rough, 0.006 * rough], np.float32)[:, None, None]
    out += noise
    return np.ascontiguousarray(out.reshape(len(CHANNELS), n).T)


def _rotations(angles: np.ndarray) -> np.ndarray:
    """Rotation matrices (k, 3, 3) from rotation vectors (k, 3)."""
    from scipy.spatial.transform import Rotation

    return np.asarray(Rotation.from_rotvec(angles).as_matrix())


def _call(cases: int, seed: int, site: str, difficulty: float, confounded: bool) -> dict[str, Any]:
    return check(CARD.name, {"cases": cases, "seed": seed, "site": site, "difficulty": difficulty, "confounded": confounded})


def _trial(call: Mapping[str, Any], number: int, trial: int, *, seconds: float = 8.0) -> Walk:
    sequence = np.random.SeedSequence([call["seed"], ord(call["site"]), 8, number, trial])
    return recorded(person(call["seed"], number, site=call["site"]), sequence, seconds=seconds, pace=PACES[trial % 3], site=call["site"], difficulty=call["difficulty"], confounded=call["confounded"])


def _people(cases: int, each: int) -> int:
    """As many as the study had, each with fewer recordings where these do not reach; eight at least, more where one has given them all."""
    return max(8, min(STUDIED, cases // 2), -(-cases // each))


def _row(call: Mapping[str, Any], walk: Walk, number: int, trial: int) -> film_cohort.Row:
    return {"patient_id": f"s{call['site']}{call['seed']}x{number + 1:04d}", "walk": f"w{number + 1:04d}t{trial + 1:02d}", **walk.attributes}


def write_stride(folder: Path, call: Mapping[str, Any], index: int, name: str) -> film_cohort.Row:
    """The file of one stride, and its row."""
    people = _people(call["cases"], 2 * TRIALS)
    number, turn = index % people, index // people
    trial = (turn // 2) % TRIALS
    walk = _trial(call, number, trial)
    own = walk.strides[walk.strides[:, 0] == turn % 2]
    stride = own[(1 + turn // (2 * TRIALS)) % len(own)]
    rows = slice(round(stride[1] * RATE), round(stride[2] * RATE))
    imu = _write_signal(folder / "imu" / f"{name}.csv", walk.times[rows] - walk.times[rows][0], walk.signal[rows])
    values = {f"gait.{key}": round(float(v), 5) for key, v in zip(PARAMETERS, stride[3:], strict=True)}
    return film_cohort.relative(folder, {"imu": imu}) | {"side": SIDES[int(stride[0])]} | _row(call, walk, number, trial) | values


def write_walk(folder: Path, call: Mapping[str, Any], index: int, name: str) -> film_cohort.Row:
    """The files of one walk, and its row."""
    import pandas as pd

    from osteon.cohort.folder import whole

    people = _people(call["cases"], TRIALS)
    number, trial = index % people, (index // people) % TRIALS
    walk = _trial(call, number, trial, seconds=LENGTH)
    imu = _write_signal(folder / "imu" / f"{name}.csv", walk.times, walk.signal)
    table = pd.DataFrame(walk.strides[:, 1:].round(5), columns=["start", "stop", *PARAMETERS])
    table.insert(0, "side", [SIDES[int(side)] for side in walk.strides[:, 0]])
    whole(folder / "truth" / f"{name}_strides.csv", table.to_csv(index=False, lineterminator="\n"))
    legs = {side: table[table["side"] == side] for side in SIDES}
    values = {f"gait.{key}.{side}": round(float(leg[key].mean()), 5) for side, leg in legs.items() if len(leg) for key in PARAMETERS}
    return film_cohort.relative(folder, {"imu": imu, "strides": folder / "truth" / f"{name}_strides.csv"}) | _row(call, walk, number, trial) | values


def _write_signal(path: Path, times: np.ndarray, signal: np.ndarray) -> Path:
    return write_signal(path, Trajectory(times.round(3), signal, CHANNELS))


STRIDES = film_cohort.Films(CARD, "osteon.simulate.gait:STRIDES", write_stride, {f"gait.{name}": unit for name, unit in PARAMETERS.items()}, ("imu",))
WALKS = film_cohort.Films(CARD, "osteon.simulate.gait:WALKS", write_walk, {f"gait.{name}.{side}": unit for name, unit in PARAMETERS.items() for side in SIDES}, ("imu", "truth"))

"""Knot tying on a bench: two hands in minimum-jerk movements, a picture of the knot, and what three raters say of it.

A skilled hand reaches in one movement, an unskilled one corrects itself, pauses, trembles and drops the thread (minimum jerk: Flash T,
Hogan N. J Neurosci 1985; 5: 1688). The rating of each domain is a step of a latent skill; raters are severe or lenient and err, so
that the agreement that can be reached is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from osteon.simulate import film_cohort
from osteon.simulate.card import Card
from osteon.simulate.folder import check

if TYPE_CHECKING:
    from osteon.cohort import Cohort

CARD = Card(
    "knot tying", "1.0",
    use="checks that models of motion and picture recover a planted skill, and that agreement is set beside that of raters; teaching of what a rating is worth",
    modelled=("two hands that move by minimum jerk between places of the bench, 60 positions a second", "corrections, pauses, tremor and drops that grow rarer with skill, several trials of one person",
              "five domains of the global rating scale of OSATS, each a step (1 to 5) of the skill and of something of its own", "three raters with a severity and an error, mean rating as reference",
              "a picture of the knot whose throws are as even as the domain of the product is good", "site B: other raters, who differ more, and a noisier sensor",
              "confounded: the skilled are photographed on a brighter bench, a shortcut to be found"),
    absent=("fingers, the thread while it is tied, instruments", "learning over trials, fatigue", "raters who know the trainee, halo between domains", "video"),
    sources=("72 people, three raters, hand motion and picture: Kasa 2022, abstract", "rates, thresholds, severities: ours, none is an estimate from data"),
    probes=("a good product told by median and corners of 200 pictures, logistic probe: 0.40 (0.32-0.48)",),
)
RATE = 60.0  # positions a second
HANDS = ("R", "L")
ITEMS = ("respect_for_tissue", "time_and_motion", "thread_handling", "flow", "final_product")
METRICS: Mapping[str, str] = MappingProxyType({"duration": "s", "path_length": "m", "movements": "count", "idle": "%", "drops": "count"})
STEPS = (-1.5, -0.5, 0.5, 1.5)  # of the latent skill, between the marks 1 to 5
SHARE = np.array([0.75, 0.95, 0.9, 0.9, 0.8])  # of the skill in each domain; the rest is its own
TRIALS = 3
PLACES = np.array([(0, 0, 0), (60, 20, 40), (-60, 20, 40), (30, -50, 10), (-30, -50, 10), (0, 70, 25)], float)  # of the bench, mm
CHANNELS = tuple(f"{hand}_{axis}" for hand in HANDS for axis in "xyz")
LEVELS = ("student", "resident", "faculty")


class Raters(NamedTuple):
    """Severity of the three raters (their marks are lower by it) and the spread of their errors, in units of the latent skill, at difficulty 0.5; noise of the sensor (mm)."""

    severity: tuple[float, float, float]
    error: float
    noise: float


SITES = {"A": Raters((0.25, 0.0, -0.25), 0.45, 0.15), "B": Raters((0.5, -0.1, -0.4), 0.65, 0.4)}


@dataclass(frozen=True, eq=False)
class Trial:
    """One knot: times (n,), path (n, 6: CHANNELS, mm) without and `seen` with the errors of the sensor, METRICS, latent skill of each item (5,), marks of the raters (3, 5)."""

    times: np.ndarray
    path: np.ndarray
    seen: np.ndarray
    metrics: Mapping[str, float]
    latent: np.ndarray
    marks: np.ndarray


def knot_tying(folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, confounded: bool = False, workers: int = 2) -> Cohort:
    """A cohort folder of `cases` trials: `hands` (CSV), `knot` (PNG), `osats.ITEM` as the mean of three raters, the raters in readings.csv, METRICS as `motion.NAME`.

    Raises DataError before any file is written for an impossible call or a folder with other content.
    """
    call = check(CARD.name, {"cases": cases, "seed": seed, "site": site, "difficulty": difficulty, "confounded": confounded})
    return film_cohort.make(KNOTS, Path(folder), call, workers)


def trial(seed: int | np.random.SeedSequence | tuple[int, ...], skill: float, *, site: str = "A", difficulty: float = 0.5) -> Trial:
    """One trial of a person of some skill (0 on average, spread 1); streams for the hand, the domains, the raters and the sensor."""
    sequence = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
    hand, label, nuisance, physics = (np.random.default_rng(s) for s in sequence.spawn(4))
    today = (skill + 0.25 * label.standard_normal()) / np.sqrt(1.0625)
    shown = today + 0.8 * difficulty * hand.standard_normal()  # how the hands move shows the skill, and other things
    pieces = [_movements(shown, side, hand) for side in (0, 1)]
    times = np.arange(int(max(p.end for p in pieces) * RATE) + 2) / RATE
    path = np.hstack([positions(p.start, p.span, p.places, times) for p in pieces]) + _tremor(shown, times, hand)
    latent = SHARE * today + np.sqrt(1 - SHARE**2) * label.standard_normal(len(ITEMS))
    seen = path + 2 * difficulty * SITES[site].noise * physics.standard_normal(path.shape)
    return Trial(times, path, seen, _measured(pieces, path, times), latent, marks(latent, site, difficulty, nuisance))


def marks(latent: np.ndarray, site: str, difficulty: float, rng: np.random.Generator) -> np.ndarray:
    """The marks (3, ..., items) 1 to 5 of three raters for latent skills (..., items)."""
    raters = SITES[site]
    severity = np.reshape(raters.severity, (3,) + (1,) * latent.ndim)
    return 1 + np.searchsorted(STEPS, latent - severity + 2 * difficulty * raters.error * rng.standard_normal((3, *latent.shape)))


def latent_icc(site: str, difficulty: float, raters: int = 1) -> float:
    """The intraclass correlation (absolute agreement, mean of some raters) of what raters feel before they choose a mark: spread of skill, severity and error."""
    where = SITES[site]
    off = float(np.var(where.severity, ddof=1)) + (2 * difficulty * where.error) ** 2
    return 1 / (1 + off / raters)


@cache
def agreement(site: str, difficulty: float) -> Mapping[str, float]:
    """What can be reached on the marks, by 40,000 simulated trials: ICC of one and of three raters, and ICC and mean absolute error of one who knows the latent skill."""
    from osteon.stats.agreement import icc

    rng = np.random.default_rng(2022)
    latent = rng.standard_normal(40_000)
    given = marks(latent, site, difficulty, rng).T.astype(float)
    mean, order = given.mean(axis=1), np.argsort(latent)
    known = np.empty_like(mean)
    known[order] = np.convolve(mean[order], np.ones(401) / 401, "same") / np.convolve(np.ones(len(mean)), np.ones(401) / 401, "same")
    raters, best = icc(given), icc(np.column_stack([known, mean]))
    return {"icc_one_rater": round(raters["ICC(2,1)"].estimate, 3), "icc_three_raters": round(raters["ICC(2,k)"].estimate, 3), "icc": round(best["ICC(2,1)"].estimate, 3),
            "mae": round(float(np.abs(known - mean).mean()), 3)}


def positions(start: np.ndarray, span: np.ndarray, places: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Where a hand is (n, 3) at times (n,): movements (m,) that start and last so long lead through places (m + 1, 3), each by minimum jerk."""
    k = np.clip(np.searchsorted(start, times, side="right") - 1, 0, len(start) - 1)
    u = np.clip((times - start[k]) / span[k], 0, 1)[:, None]
    return places[k] + (places[k + 1] - places[k]) * u**3 * (10 - 15 * u + 6 * u * u)


class Movements(NamedTuple):
    """Movements of one hand: start (m,), span (m,), places (m + 1, 3); how often the thread was dropped."""

    start: np.ndarray
    span: np.ndarray
    places: np.ndarray
    drops: int

    @property
    def end(self) -> float:
        """When the hand comes to rest."""
        return float(self.start[-1] + self.span[-1])


def _movements(skill: float, side: int, rng: np.random.Generator) -> Movements:
    """A way through the places of the bench; without skill, reaches end beside their aim and are corrected."""
    reaches = 18
    aims = PLACES[rng.permutation(np.tile(np.arange(len(PLACES)), 3))] * (1 if side == 0 else (-1, 1, 1))
    drops = rng.random(reaches) < min(0.3, 0.03 * np.exp(-0.9 * skill))
    corrections = rng.poisson(0.7 * np.exp(-0.7 * skill), reaches)
    places, pauses = [np.array([100.0 * (1 - 2 * side), 0, 60])], []
    for aim, dropped, more in zip(aims, drops, np.minimum(corrections, 8), strict=True):
        stops = [aim + rng.normal(0, 9, 3) for _ in range(more)] + [aim]
        stops = [places[-1] * (1, 1, 0), *stops] if dropped else stops
        places += stops
        pauses += [rng.exponential(0.18 * np.exp(-0.6 * skill)) + (0.8 if dropped else 0.0), *[0.03] * (len(stops) - 1)]
    way = np.array(places) + rng.normal(0, 2, (len(places), 3))
    far = np.linalg.norm(np.diff(way, axis=0), axis=1)
    span = (0.18 + 0.0022 * far) * np.exp(-0.22 * skill) * rng.uniform(0.85, 1.15, len(far))
    start = np.cumsum(pauses) + np.concatenate([[0.0], np.cumsum(span)[:-1]])
    return Movements(start, span, way, int(drops.sum()))


def _tremor(skill: float, times: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Five waves of 7 to 11 Hz in each channel (n, 6), mm."""
    frequency, phase = rng.uniform(7, 11, (5, 6)), rng.uniform(0, 2 * np.pi, (5, 6))
    waves = np.sin(2 * np.pi * frequency * times[:, None, None] + phase).sum(axis=1)
    return np.asarray(0.12 * np.exp(-0.5 * skill) * waves)


def _measured(pieces: list[Movements], path: np.ndarray, times: np.ndarray) -> dict[str, float]:
    far = sum(float(np.linalg.norm(np.diff(p.places, axis=0), axis=1).sum()) for p in pieces)
    rest = np.ones(len(times), bool)
    for p in pieces:
        k = np.clip(np.searchsorted(p.start, times, side="right") - 1, 0, len(p.start) - 1)
        rest &= (times < p.start[0]) | (times - p.start[k] > p.span[k])
    return {"duration": max(p.end for p in pieces), "path_length": far / 1000, "movements": float(sum(len(p.span) for p in pieces)), "idle": 100 * float(rest.mean()),
            "drops": float(sum(p.drops for p in pieces))}


def picture(product: float, rng: np.random.Generator, *, bright: float = 0.0, side: int = 96) -> np.ndarray:
    """The finished knot (side, side, 3) uint8: throws as even and tails as equal as the product is good (0 on average)."""
    from scipy.spatial import cKDTree

    bad = float(np.exp(-0.6 * product))
    at = np.linspace(0, 1, 260)
    loose = np.cumsum(1 + np.clip(0.35 * bad * rng.standard_normal(3), -0.8, 2))
    heights = 48 + 9 * (loose - loose.mean())
    widths = np.clip(11 + 2.5 * bad * rng.standard_normal(3), 4, 22)
    lines = [np.column_stack([h + 3.5 * np.sin(2 * np.pi * (2 * at + rng.random())) * (1 + 0.3 * bad * rng.standard_normal()), 48 + w * (2 * at - 1)]) for h, w in zip(heights, widths, strict=True)]
    for sign in (-1, 1):
        tail = np.clip(26 + 6 * bad * rng.standard_normal(), 6, 42)
        bend = 4 * bad * rng.standard_normal()
        lines.append(np.column_stack([heights[0] - tail * at, 48 + sign * (6 + 8 * at) + bend * np.sin(np.pi * at)]))
        lines.append(np.column_stack([heights[-1] + 44 * at, 48 + sign * (5 + 22 * at)]))
    grid = np.moveaxis(np.mgrid[:side, :side] * (96 / side), 0, -1)
    near = cKDTree(np.vstack(lines)).query(grid, distance_upper_bound=3.0)[0]  # further away it makes no difference
    thread, shade = np.clip(2.4 - near, 0, 1)[..., None], (1 - 0.5 * np.clip(near / 2.4, 0, 1))[..., None]
    bench = np.array([150.0, 165, 172]) + 40 * bright + 14 * rng.standard_normal() + 5 * rng.standard_normal((side, side, 1))
    return np.clip(bench * (1 - thread) + np.array([40.0, 55, 130]) * (0.6 + 0.6 * shade) * thread, 0, 255).astype(np.uint8)


def write(folder: Path, call: Mapping[str, Any], index: int, name: str) -> film_cohort.Row:
    """The files of one trial, its row, and what the raters said."""
    from osteon.readers import write_picture

    people = max(8, -(-call["cases"] // TRIALS))
    number, turn = index % people, index // people
    skill = float(np.random.default_rng([call["seed"], ord(call["site"]), 7, number]).standard_normal())
    made = trial(np.random.SeedSequence([call["seed"], ord(call["site"]), 8, number, turn]), skill, site=call["site"], difficulty=call["difficulty"])
    rng = np.random.default_rng([call["seed"], ord(call["site"]), 9, number, turn])
    bright = 1.0 if call["confounded"] and skill > 0.4 else 0.0
    knot = write_picture(folder / "knot" / f"{name}.png", picture(float(made.latent[-1]), rng, bright=bright), notes={"origin": "simulated", "generator": f"{CARD.name} {CARD.version}"})
    hands = _write_path(folder / "hands" / f"{name}.csv", made)
    mean = {f"osats.{item}": round(float(m), 4) for item, m in zip(ITEMS, made.marks.mean(axis=0), strict=True)}
    true = {f"true_{item}": int(1 + np.searchsorted(STEPS, v)) for item, v in zip(ITEMS, made.latent, strict=True)}
    said = [{"reader": f"rater {r + 1}", "target": f"osats.{item}", "value": int(made.marks[r, k])} for r in range(3) for k, item in enumerate(ITEMS)]
    who = {"patient_id": f"s{call['site']}{call['seed']}x{number + 1:04d}", "level": LEVELS[int(np.searchsorted((-0.4, 0.8), skill))], "trial": turn + 1}
    metrics = {f"motion.{key}": round(value, 4) for key, value in made.metrics.items()}
    return {"readings": said} | film_cohort.relative(folder, {"hands": hands, "knot": knot}) | who | mean | metrics | true | {"true_skill": round(skill, 4)}


def _write_path(path: Path, made: Trial) -> Path:
    """A CSV of time (s) and CHANNELS (mm), one row a position."""
    import pandas as pd

    from osteon.cohort.folder import whole

    frame = pd.DataFrame(made.seen.round(2), columns=list(CHANNELS))
    frame.insert(0, "time", made.times.round(4))
    whole(path, frame.to_csv(index=False, lineterminator="\n"))
    return path


def _ceilings(call: Mapping[str, Any]) -> Mapping[str, Any]:
    found = agreement(call["site"], call["difficulty"])
    return {"osats": {item: {"icc": found["icc"], "mae": found["mae"]} for item in ITEMS}}


_UNITS = {f"motion.{name}": unit for name, unit in METRICS.items()} | {f"osats.{item}": "mark 1 to 5" for item in ITEMS}
KNOTS = film_cohort.Films(CARD, "osteon.simulate.hand_motion:KNOTS", write, _UNITS, ("hands", "knot"), _ceilings)

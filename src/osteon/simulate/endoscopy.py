"""Videos of biportal endoscopic spine surgery with the exact tip of every instrument in view, or none where it is withdrawn, buried or in a cloud.

An operation is drawn with a random stream each for anatomy, label (instruments, their ways and whether their tips show), nuisance (camera, lamp, irrigation) and physics
(noise), each again for every frame, so that a frame with and without its instrument is the same frame elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from osteon.errors import DataError, message
from osteon.simulate.card import Card
from osteon.simulate.endoscopy_fluid import Fluid, fluid
from osteon.simulate.endoscopy_tools import KINDS, Pose

if TYPE_CHECKING:
    from osteon.cohort import Cohort

CARD = Card(
    "endoscopic spine surgery", "1.0",
    use="checks that the tip of an instrument is found and located in frames and streams of video, and that videos are never split; teaching of what hides a tip and of site shift",
    modelled=("the interlaminar window: ligamentum flavum with fibres, taken away to a varying extent over dura with vessels and epidural fat, laminae with burred and bleeding rims, capsule of the facet, muscle at the border",
              "burr, radiofrequency probe and forceps as wet metal with streaks of light, shadow on the tissue and a shaft that widens towards the lens; a second instrument in some operations",
              "tip withdrawn, buried behind tissue or in a cloud of blood or smoke; clouds elsewhere when the tip shows; the tip told where it shows and nowhere else",
              "lamp at the lens with falloff, wet highlights, round view with a mark of orientation, camera that wanders, turns and comes nearer, irrigation with drifting debris, haze, blood and bubbles",
              "site B: a smaller view on grey, softer lens, colder camera of lower contrast, lamp beside the middle, less steady hand",
              "confounded: frames with a tip come with a brighter lamp and the mark of a recorder in the corner, a shortcut to be found"),
    absent=("deformation of tissue under the instrument, cutting, sparks", "hooks, punches, chisels, curettes and retractors", "nerve root and disc as bodies of their own, thecal sac that beats", "motion blur, interlacing, focus, barrel distortion of the lens",
            "the approach before and the closure after, cleaning of the lens", "annotators who err: the tip is exact"),
    sources=("diameters of instruments and view: of the order that makers print; shares of hidden tips, colours, motion and all other numbers are ours",
             "what the view shows: Heo DH et al. Neurosurg Focus 2017; 43: E8 and descriptions of the interlaminar approach (not re-read)"),
    probes=("finding: a tip shows, in half of 600 grey frames of 67 x 90 pixels, six a video, site A, difficulty 0.5; in the others it is buried, clouded or withdrawn; "
            "logistic probes, five folds, area under the curve with bootstrap interval",
            "four grey statistics 0.56 (0.50-0.60); 8 x 8 thumbnail 0.54 (0.49-0.58); 24-bin histogram 0.64 (0.60-0.68); four 4 x 4 corners 0.53 (0.48-0.57); instrument, window, blood, haze and order 0.51 (0.46-0.55)",
            "features of an untrained network 0.70, under 20 permutations of the labels 0.50; a network of four convolutions, trained on 400 frames: 0.78 on 200 others"),
    bounds=(("statistics", 0.65, "a withdrawn instrument takes bright metal out of the view, and a cloud darkens a part of it"),
            ("histogram", 0.74, "a cloud adds pixels of one grey, and a withdrawn instrument takes away those of metal"),
            ("thumbnail", 0.65, "a withdrawn instrument leaves the blocks empty that its shaft would cross")),
)
ROWS, COLS = 270, 360  # a quarter of a frame of 1080 rows
RATE, STRIDE = 5.0, 2  # frames a second, and annotated frames among them
VIEW_MM = 20.0  # across the round view
STATES = ("visible", "buried", "clouded", "absent")
SHARES = (0.76, 0.10, 0.07, 0.07)
SECOND = 0.2  # share of operations with a second instrument
HIDING = 2.2  # by which a hard cohort hides more tips than an easy one


@dataclass(frozen=True)
class Look:
    """A site's camera: radius of the view (share of rows), what lies beyond it, softness (pixels), white balance, contrast, offset of the lamp (share of the radius), unrest of the hand."""

    radius: float
    beyond: float = field(kw_only=True)
    soft: float = field(kw_only=True)
    balance: tuple[float, float, float] = field(kw_only=True)
    contrast: float = field(kw_only=True)
    lamp: tuple[float, float] = field(kw_only=True)
    unrest: float = field(kw_only=True)


LOOKS: Mapping[str, Look] = {"A": Look(0.515, beyond=0.015, soft=0.0, balance=(1.04, 1.0, 0.97), contrast=1.0, lamp=(0.0, 0.0), unrest=1.0),
                             "B": Look(0.465, beyond=0.07, soft=0.9, balance=(0.94, 1.0, 1.07), contrast=0.86, lamp=(0.22, -0.18), unrest=1.6)}


@dataclass(frozen=True)
class Way:
    """A smooth way through time: middle, and for each of two waves size, frames and phase."""

    middle: float
    waves: tuple[tuple[float, float, float], ...]

    def at(self, number: float) -> float:
        """The place at a frame."""
        return self.middle + sum(size * float(np.sin(2 * np.pi * number / period + phase)) for size, period, phase in self.waves)


@dataclass(frozen=True)
class Tool:
    """An instrument of an operation: its kind, ways of its tip (row and column, shares of the radius from the middle) and of its direction (degrees), and how much nearer than the tissue it is."""

    kind: str
    ways: tuple[Way, Way]
    heading: Way = field(kw_only=True)
    near: float = field(kw_only=True)

    def pose(self, number: int, look: Look, scale: float) -> Pose:
        """Where it is at a frame."""
        radius, at = look.radius * ROWS, np.array([way.at(number) for way in self.ways])
        at = at * min(1.0, 0.82 / max(float(np.linalg.norm(at)), 1e-9)) * radius
        return Pose((float((ROWS - 1) / 2 + at[0]), float((COLS - 1) / 2 + at[1])), self.heading.at(number), scale=scale * self.near, opening=8 + 14 * (1 + float(np.sin(number / 2.3))) / 2, turn=97.0 * number)


@dataclass(frozen=True, eq=False)
class Operation:
    """One video before it is drawn: look of the site, difficulty, how far flavum is gone and how much it bleeds, ways of the camera (right, down in mm; turn; nearness), instruments, fluids, and its seed."""

    root: np.random.SeedSequence
    call: tuple[str, float, bool]
    anatomy: tuple[float, float] = field(kw_only=True)
    camera: tuple[Way, Way, Way, Way] = field(kw_only=True)
    tools: tuple[Tool, ...] = field(kw_only=True)
    fluid: Fluid = field(kw_only=True)

    @property
    def look(self) -> Look:
        """The camera of the site."""
        return LOOKS[self.call[0]]

    def stream(self, name: str, number: int = -1) -> np.random.Generator:
        """The random numbers of a kind ("anatomy", "label", "nuisance", "physics"), of the operation or of one of its frames."""
        return _stream(self.root, name, number)

    def scale(self, number: int) -> float:
        """Pixels of a mm of tissue."""
        return 2 * self.look.radius * ROWS / VIEW_MM * self.camera[3].at(number)

    def state(self, number: int) -> str:
        """Whether the tip of the first instrument shows at a frame, or what keeps it: one of STATES."""
        harder = HIDING ** (2 * self.call[1] - 1)
        shares = np.array([SHARES[0] / harder, *SHARES[1:]])
        return str(self.stream("label", number // STRIDE).choice(STATES, p=shares / shares.sum()))


@dataclass(frozen=True, eq=False)
class Shot:
    """One frame: `picture` (rows, cols, 3) of uint8, the tips that show (row, col), the instruments in view, and the state of the first."""

    picture: np.ndarray
    tips: tuple[tuple[float, float], ...]
    instruments: tuple[str, ...]
    state: str


def operation(seed: np.random.SeedSequence | tuple[int, ...], *, site: str = "A", difficulty: float = 0.5, confounded: bool = False, kind: str = "", opened: float | None = None, second: bool | None = None) -> Operation:
    """An operation by its seed; instrument, share of flavum that is gone and a second instrument are drawn unless they are named. Raises DataError for impossible arguments."""
    check(site, difficulty)
    root = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
    anatomy, label, nuisance = (_stream(root, name, -1) for name in ("anatomy", "label", "nuisance"))
    shaken = LOOKS[site].unrest
    camera = (_way(nuisance, nuisance.normal(0, 1.6), 1.8 * shaken, 16), _way(nuisance, nuisance.normal(0, 1.2), 1.5 * shaken, 16), _way(nuisance, nuisance.normal(0, 14), 5.0 * shaken, 30), _way(nuisance, nuisance.uniform(0.88, 1.18), 0.05 * shaken, 24))
    asked = kind or str(label.choice(KINDS))
    paired = bool(label.random() < SECOND)
    tools = [_tool(label, asked, label.choice((0.0, 180.0)) + label.normal(0, 26))]
    if paired if second is None else second:
        tools.append(_tool(label, str(label.choice(KINDS)), tools[0].heading.middle + 180 + label.normal(0, 35)))
    drawn = float(anatomy.beta(1.2, 1.2)), float(anatomy.uniform(0.1, 0.5 + 0.5 * difficulty))
    return Operation(root, (site, difficulty, confounded), anatomy=(drawn[0] if opened is None else opened, drawn[1]), camera=camera, tools=tuple(tools), fluid=fluid(nuisance, difficulty))


def check(site: str, difficulty: float) -> None:
    """Raises DataError for a site that is not known or a difficulty outside 0-1."""
    if site not in LOOKS:
        raise DataError(message(CARD.name, f"there is no site {site!r}", expected=", ".join(LOOKS)))
    if not 0 <= difficulty <= 1:
        raise DataError(message(CARD.name, "the difficulty is impossible", expected="0 (easy) to 1", found=f"Found {difficulty}"))


def shots(made: Operation, numbers: Iterable[int], *, state: str = "") -> Iterator[Shot]:
    """Frames of an operation, one after another; `state` takes the place of the one that was drawn, for pairs that differ in it alone."""
    from osteon.simulate.endoscopy_frame import Stage

    stage = Stage.of(made)
    return (stage.shot(number, state or made.state(number)) for number in numbers)


def endoscopic_frames(folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, confounded: bool = False, annotated: int | None = None, workers: int = 1) -> Cohort:
    """A cohort folder of annotated frames of videos (Motion-JPEG AVI), a case a frame and a patient a video; eight videos at least, as far as three annotated frames each allow.

    The same bytes for the same call; videos that are complete are not made again. Raises DataError before any file is written for impossible arguments, a folder with other
    content, or one that was made by another call.
    """
    from osteon.simulate import endoscopy_cohort, film_cohort

    check(site, difficulty)
    if annotated is not None and annotated < 1:
        raise DataError(message(CARD.name, "the number of annotated frames of a video is impossible", expected="1 or more", found=f"Found {annotated}"))
    call = {"cases": cases, "seed": seed, "site": site, "difficulty": difficulty, "confounded": confounded, "annotated": annotated or int(np.clip(cases // 8, 3, 5))}
    return film_cohort.make(endoscopy_cohort.VIDEOS, Path(folder), call, workers)


def _stream(root: np.random.SeedSequence, name: str, number: int) -> np.random.Generator:
    which = ("anatomy", "label", "nuisance", "physics").index(name)
    return np.random.default_rng(np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, which, number + 1)))


def _way(rng: np.random.Generator, middle: float, size: float, period: float) -> Way:
    waves = tuple((size * share, period * share * float(rng.uniform(0.8, 1.3)), float(rng.uniform(0, 2 * np.pi))) for share in (1.0, 0.4))
    return Way(float(middle), waves)


def _tool(rng: np.random.Generator, kind: str, heading: float) -> Tool:
    away = np.deg2rad(heading + 180 + rng.normal(0, 50))
    far = rng.uniform(0.0, 0.45)
    ways = (_way(rng, -far * np.sin(away), 0.24, 9), _way(rng, far * np.cos(away), 0.24, 9))
    return Tool(kind, ways, heading=_way(rng, heading, 7.0, 14), near=float(rng.uniform(0.9, 1.15)))

"""One frame of an operation: tissue under a lamp that sits at the lens, instruments before it, fluids, the round view, the camera."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from osteon.simulate.endoscopy import COLS, ROWS, STATES, Operation, Shot, Tool
from osteon.simulate.endoscopy_fluid import BLOOD, SMOKE, clouded, swum, veiled
from osteon.simulate.endoscopy_tissue import GRAIN_MM, SPAN_MM, tissue
from osteon.simulate.endoscopy_tools import Drawn, Pose, drawn

NOISE = 0.011
MIDDLE = ((ROWS - 1) / 2, (COLS - 1) / 2)
STEEP = 0.0011  # change of scale a pixel: the lens looks 30 degrees to the side
ELSEWHERE = 0.12  # share of frames with a cloud that hides no tip
SWIMMING, BURYING = 1_000_000, 2_000_000  # places of further random numbers of a frame
RECORDER = (slice(8, 18), slice(10, 40))  # where the mark of a recorder stands


@dataclass(frozen=True)
class Plan:
    """The instruments of a frame, far ones first, each with pose and state; the tips that show (row, col); a dense cloud (row, col, radius) and its colour."""

    held: tuple[tuple[Tool, Pose, str], ...]
    tips: tuple[tuple[float, float], ...]
    cloud: tuple[float, float, float] | None = None
    colour: tuple[float, float, float] = field(kw_only=True)


@dataclass(frozen=True, eq=False)
class Stage:
    """An operation ready to be filmed: its tissue as two pictures, and what of the view no frame changes: distance from the middle (shares of the radius) and the round edge; where its mark is (radians below the right); structures by name at (right, down) in mm on the map."""

    made: Operation
    tissue: tuple[Image.Image, Image.Image]
    off: tuple[np.ndarray, np.ndarray] = field(kw_only=True)
    edge: np.ndarray = field(kw_only=True)
    mark: float = field(default=0.0, kw_only=True)
    places: Mapping[str, tuple[float, float]] = field(default_factory=dict, kw_only=True)

    @staticmethod
    def of(made: Operation) -> Stage:
        """The stage of an operation."""
        held = tissue(made.stream("anatomy", 0), opened=made.anatomy[0], bleeding=made.anatomy[1])
        radius = made.look.radius * ROWS
        rows, cols = np.meshgrid((np.arange(ROWS, dtype=np.float32) - MIDDLE[0]) / radius, (np.arange(COLS, dtype=np.float32) - MIDDLE[1]) / radius, indexing="ij")
        mark = float(made.stream("nuisance", 0).uniform(-np.pi, np.pi))
        off, turn = np.hypot(rows, cols), np.arctan2(rows, cols) - mark
        turn = (turn + np.pi) % (2 * np.pi) - np.pi
        notch = 1 - 0.075 * np.clip(1 - np.abs(turn) / 0.05, 0, 1)  # the mark that tells how the lens is turned
        return Stage(made, (Image.fromarray(held.colour), Image.fromarray(held.surface)), off=(rows, cols), edge=np.clip(0.5 + (notch - off) * radius / (2.0 + 1.5 * made.look.soft), 0, 1).astype(np.float32), mark=mark, places=held.places)

    def placed(self, at: tuple[float, float], number: int) -> np.ndarray:
        """A place on the map (right, down in mm) as (row, col) of a frame."""
        made, turn = self.made, np.deg2rad(self.made.camera[2].at(number))
        off = np.subtract(at, (made.camera[0].at(number), made.camera[1].at(number))) * made.scale(number)
        right, down = np.cos(turn) * off[0] + np.sin(turn) * off[1], np.cos(turn) * off[1] - np.sin(turn) * off[0]
        return np.array(MIDDLE) + np.array([down, right]) / (1 - STEEP * down)

    def shot(self, number: int, state: str) -> Shot:
        """The frame of a number, with the first instrument in some state."""
        made, plan = self.made, planned(self.made, number, state)
        picture = self._lit(number)
        for tool, pose, own in plan.held:
            picture = _before(picture, _body(made, number, tool, pose, own, (ROWS, COLS)))
        picture = veiled(picture, made.fluid, number)
        if plan.cloud is not None:
            picture = clouded(picture, plan.cloud[:2], plan.cloud[2], plan.colour, made.fluid, number)
        picture = swum(picture, made.fluid, made.stream("nuisance", SWIMMING + number), ROWS / 270)
        return Shot(self._camera(picture, number, bool(plan.tips)), plan.tips, tuple(tool.kind for tool, _, _ in plan.held), state)

    def _lit(self, number: int) -> np.ndarray:
        """The tissue as the lens sees it, 0 to 1."""
        made, (rows, cols) = self.made, self.off
        turn = np.deg2rad(made.camera[2].at(number))
        cos, sin = float(np.cos(turn)), float(np.sin(turn))
        way = _perspective((made.camera[0].at(number), made.camera[1].at(number)), cos, sin, 1 / (made.scale(number) * GRAIN_MM))
        colour, surface = (np.asarray(layer.transform((COLS, ROWS), Image.Transform.PERSPECTIVE, way, Image.Resampling.BILINEAR), np.float32) for layer in self.tissue)
        right, down, wet = (surface[..., 0] - 128) / 50, (surface[..., 1] - 128) / 50, surface[..., 2] / 255
        right, down = cos * right + sin * down, cos * down - sin * right
        across, below = 0.42 * (cols - made.look.lamp[1]), 0.42 * (rows - made.look.lamp[0])
        facing = (1 + right * across + down * below) / np.sqrt((1 + right**2 + down**2) * (1 + across**2 + below**2))
        glance = (1 + right * (across + 0.16) + down * (below - 0.22)) / np.sqrt((1 + right**2 + down**2) * (1 + (across + 0.16) ** 2 + (below - 0.22) ** 2))
        fall = 1.22 / (1 + 1.5 * (across**2 + below**2) / 0.18)
        spark = wet * np.clip((glance - 0.965) / 0.034, 0, 1) ** 5
        return colour / 255 * (fall * (0.16 + 0.84 * np.clip(facing, 0, 1) ** 1.7))[..., None] + (0.95 * fall * spark)[..., None]

    def _camera(self, picture: np.ndarray, number: int, shows: bool) -> np.ndarray:
        """What the recorder keeps: softness, colours, the round view, noise."""
        made, look, rng = self.made, self.made.look, self.made.stream("physics", number + 1)
        told = made.call[2] and shows
        gain = made.stream("nuisance", 1).uniform(0.88, 1.08) * (1.2 if told else 1.0)
        picture = gaussian_filter(picture, (look.soft, look.soft, 0)) if look.soft else picture
        picture = 1 - np.exp(-1.9 * np.clip(picture * np.array(look.balance, np.float32) * gain, 0, None))  # the shoulder of the camera
        picture = np.clip((picture / (1 - np.exp(-1.9)) - 0.5) * look.contrast + 0.5, 0, 1)
        picture = look.beyond + self.edge[..., None] * (picture - look.beyond)
        picture = picture + NOISE * rng.standard_normal(picture.shape, dtype=np.float32) * (0.5 + self.edge[..., None])
        out = (255 * np.clip(picture, 0, 1) + 0.5).astype(np.uint8)
        if told:
            out[RECORDER] = (214, 214, 210)
        return out


def planned(made: Operation, number: int, state: str) -> Plan:
    """What a frame holds before it is drawn: no tissue is needed to tell which tips show."""
    tools = [(tool, tool.pose(number, made.look, made.scale(number)), state if tool is made.tools[0] else STATES[0]) for tool in made.tools][::-1]
    held = tuple(one for one in tools if one[2] != "absent")
    tips: list[tuple[float, float]] = []
    for tool, pose, own in held:
        tips = [tip for tip in tips if _covered(made, number, tool, pose, own, tip) < 0.5] + ([pose.tip] if own == "visible" else [])
    cloud, colour = _cloud(made, number, tips, tools[-1][1].tip if state == "clouded" else None)
    return Plan(held, tuple(tip for tip in tips if cloud is None or np.hypot(tip[0] - cloud[0], tip[1] - cloud[1]) > cloud[2]), cloud, colour=colour)


def _cloud(made: Operation, number: int, tips: list[tuple[float, float]], hidden: tuple[float, float] | None) -> tuple[tuple[float, float, float] | None, tuple[float, float, float]]:
    """A cloud (row, col, radius) over a tip that it hides, or sometimes far from those that show; and its colour."""
    rng = made.stream("nuisance", number + 1)
    colour, radius, spread = BLOOD if rng.random() < 0.6 else SMOKE, float(rng.uniform(24, 38)) * ROWS / 270, rng.normal(0, 3.0, 2)
    place, elsewhere = rng.uniform(-0.8, 0.8, 2) * made.look.radius * ROWS + MIDDLE, rng.random() < ELSEWHERE * (0.5 + made.call[1])
    at = np.add(hidden, spread) if hidden else place
    clear = all(np.hypot(*(np.array(tip) - at)) > 2.0 * radius for tip in tips)
    return ((float(at[0]), float(at[1]), radius) if hidden or (elsewhere and clear) else None), colour


def _body(made: Operation, number: int, tool: Tool, pose: Pose, state: str, shape: tuple[int, int]) -> Drawn:
    """An instrument, its end behind tissue where it is buried."""
    body = drawn(tool.kind, pose, shape)
    return _buried(body, made.stream("label", BURYING + number)) if state == "buried" else body


def _covered(made: Operation, number: int, tool: Tool, pose: Pose, state: str, at: tuple[float, float]) -> float:
    """How much of a place (row, col) an instrument covers."""
    moved = replace(pose, tip=(pose.tip[0] - at[0], pose.tip[1] - at[1]))
    return float(_body(made, number, tool, moved, state, (1, 1)).cover[0, 0])


def _perspective(at: tuple[float, float], cos: float, sin: float, step: float) -> tuple[float, ...]:
    """From pixels of the frame to pixels of the map, about the middle of the frame: the eight numbers of Pillow."""
    (row, col), (right, down) = MIDDLE, ((mm + SPAN_MM / 2) / GRAIN_MM for mm in at)
    a, b, d, e, h = step * cos, -step * sin, step * sin, step * cos, STEEP
    whole = 1 - h * row
    return tuple(v / whole for v in (a, right * h + b, right * whole - a * col - b * row, d, down * h + e, down * whole - d * col - e * row, 0.0, h))


def _before(picture: np.ndarray, body: Drawn) -> np.ndarray:
    """The instrument and its shadow on the tissue."""
    shadow = gaussian_filter(np.roll(body.cover, (5, 4), (0, 1)), 4.0)
    picture = picture * (1 - 0.45 * shadow * (1 - body.cover))[..., None]
    return picture + body.cover[..., None] * (body.colour - picture)


def _buried(body: Drawn, rng: np.random.Generator) -> Drawn:
    """The instrument with its end behind a fold of tissue, whose border casts a shadow on it."""
    deep, phase = rng.uniform(9, 20) * ROWS / 270, rng.uniform(0, 2 * np.pi)
    border = body.along - deep - 2.5 * np.sin(body.across / 6.0 + phase) - 1.5 * np.sin((0.4 * body.along - body.across) / 4.0)
    dark = 1 - 0.65 * np.exp(-np.clip(border, 0, None) / 5.0)
    return Drawn(body.cover * np.clip(border / 1.5, 0, 1).astype(np.float32), body.colour * dark[..., None].astype(np.float32), body.along, body.across)

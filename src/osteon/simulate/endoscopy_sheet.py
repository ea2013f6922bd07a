"""The contact sheet of biportal endoscopic spine surgery."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from osteon.simulate.contact import Panel, Sheet
from osteon.simulate.endoscopy import CARD, COLS, ROWS, VIEW_MM, Operation, Shot, operation, shots
from osteon.simulate.endoscopy_frame import Stage

# seed, frame, instrument, share of flavum that is gone, site, confounded, state, second instrument
CASES = ((1, 4, "burr", 0.05, "A", False, "visible", False), (4, 0, "radiofrequency probe", 0.45, "A", False, "visible", False), (2, 8, "forceps", 0.95, "A", False, "visible", True), (1, 0, "radiofrequency probe", 0.5, "A", False, "buried", False),
         (3, 4, "burr", 0.3, "A", False, "clouded", False), (6, 0, "radiofrequency probe", 0.8, "B", False, "visible", False), (5, 4, "forceps", 0.6, "B", False, "visible", False), (9, 2, "burr", 0.2, "A", True, "visible", False))


def sheet() -> Sheet:
    """Eight frames over the states of a tip at two sites, the last confounded; tips overlaid with the squares in which they are judged."""
    panels = tuple(_panel(*case) for case in CASES)
    named = operation((45,), difficulty=0.3, opened=0.62, kind="burr", second=False)
    frame = next(iter(shots(named, (0,), state="visible")))
    note = (f"Yellow: the tips that show, each with a square of 100 pixels of a frame of 1,080 rows, as they are judged. Frames of {ROWS} x {COLS} pixels, the round view {VIEW_MM:g} mm across, "
            "from videos in Motion-JPEG.")
    return Sheet(CARD, panels, Panel(frame.picture / np.float32(255), "", points=_structures(named, frame)), note)


def _panel(seed: int, number: int, kind: str, opened: float, site: str, confounded: bool, state: str, second: bool) -> Panel:
    made = operation((seed,), site=site, confounded=confounded, kind=kind, opened=opened, second=second)
    frame = next(iter(shots(made, (number,), state=state)))
    half = 50 / 1080 * ROWS
    tips = {f"{k}": np.array(tip) for k, tip in enumerate(frame.tips)}
    room = "confounded" if confounded else f"site {site}"
    caption = f"{' and '.join(sorted(frame.instruments))}\ntip {state}, {100 * opened:.0f} % open, {room}"
    return Panel(frame.picture / np.float32(255), caption, points=tips, boxes=tuple(np.array([*(tip - half), *(tip + half)]) for tip in tips.values()))


def _structures(made: Operation, frame: Shot) -> Mapping[str, np.ndarray]:
    """The structures of the tissue that lie in the view, then those of the instrument and of the view."""
    stage = Stage.of(made)
    found = {name: stage.placed(at, 0) for name, at in stage.places.items()}
    radius, tip = made.look.radius * ROWS, np.array(frame.tips[0])
    held = {name: at for name, at in found.items() if np.hypot(*(at - np.array([(ROWS - 1) / 2, (COLS - 1) / 2]))) < 0.93 * radius and min(at) > 4 and at[0] < ROWS - 4}
    pose = made.tools[0].pose(0, made.look, made.scale(0))
    turn = np.deg2rad(pose.direction)
    away = np.array([-np.sin(turn), np.cos(turn)]) * pose.scale
    mark = np.array([(ROWS - 1) / 2, (COLS - 1) / 2]) + 0.97 * radius * np.array([np.sin(stage.mark), np.cos(stage.mark)])
    return held | {"tip of the burr": tip, "opening of the sleeve": tip + 4.0 * away, "sleeve": tip + 6.5 * away, "mark of orientation": mark}

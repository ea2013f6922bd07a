"""Endoscopic videos as files of a cohort folder: a video an operation, and for each annotated frame its number, the tips that show, and the cells of a row."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from osteon.simulate import film_cohort
from osteon.simulate.endoscopy import CARD, COLS, RATE, ROWS, STRIDE, Operation, operation, shots
from osteon.value import Grid, Objects

TIP = "tip"
QUALITY = 82  # of the JPEG of a frame
MADE: Mapping[str, Any] = {"modality": "ES", "simulated": True, "model": f"{CARD.name} {CARD.version}"}


def write(folder: Path, call: Mapping[str, Any], index: int, name: str) -> film_cohort.Row:
    """The truth of one annotated frame and its row; the first of a video writes the video."""
    from osteon.readers import write_value, write_video
    from osteon.simulate.endoscopy_frame import planned

    video, place = divmod(index, call["annotated"])
    made = operation(film_cohort.sequence(call, video), site=call["site"], difficulty=call["difficulty"], confounded=call["confounded"])
    path = folder / "video" / f"v{video + 1:04d}.avi"
    frames = STRIDE * (min(call["annotated"], call["cases"] - video * call["annotated"]) - 1) + 1
    if place == 0:
        write_video(path, (shot.picture for shot in shots(made, range(frames))), rate=RATE, quality=QUALITY, notes=dict(MADE))
    number = STRIDE * place
    tips = write_value(folder / "truth" / f"{name}_tip", points(planned(made, number, made.state(number)).tips))
    return {"patient_id": film_cohort.pseudonym(call, video)} | film_cohort.relative(folder, {"view": path, TIP: tips}) | {"view.frame": number} | _cells(made, number)


def points(tips: tuple[tuple[float, float], ...]) -> Objects:
    """Tips as boxes without extent: a target judges them in its window, a model learns them in its margin."""
    return Objects(np.array([[*tip, *tip] for tip in tips]).reshape(-1, 4), (TIP,) * len(tips), grid=Grid((ROWS, COLS)))


def _cells(made: Operation, number: int) -> film_cohort.Row:
    return {"second": round(number / RATE, 2), "instrument": made.tools[0].kind, "instruments": len(made.tools), "opened": round(made.anatomy[0], 3), "blood": round(made.fluid.blood, 3), "haze": round(made.fluid.haze, 3),
            "design_state": made.state(number)}


VIDEOS = film_cohort.Films(CARD, "osteon.simulate.endoscopy_cohort:VIDEOS", write, {"second": "s"}, folders=("video", "truth"))

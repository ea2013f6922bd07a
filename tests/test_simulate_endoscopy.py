"""Endoscopic videos: exact tips, states that hide them, frames that differ in the instrument alone, real files, the same bytes for the same call."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from osteon.errors import DataError
from osteon.readers import read_video
from osteon.simulate.endoscopy import CARD, COLS, KINDS, LOOKS, ROWS, SHARES, STATES, STRIDE, Operation, Shot, endoscopic_frames, operation, shots
from osteon.simulate.endoscopy_cohort import points
from osteon.simulate.endoscopy_frame import planned
from osteon.simulate.endoscopy_tools import Pose, drawn
from osteon.targets import Objects
from osteon.value import Objects as Boxes


def one(made: Operation, number: int = 0, state: str = "visible") -> Shot:
    return next(iter(shots(made, (number,), state=state)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("direction", [0.0, 90.0, 200.0])
def test_the_tip_is_the_far_end_of_the_instrument(kind: str, direction: float) -> None:
    """Measured on what was drawn: nothing lies beyond the tip, and the body begins there (between the jaws of a forceps)."""
    body = drawn(kind, Pose((60.0, 80.0), direction, scale=6.0, opening=14.0), (120, 160))
    covered = body.cover > 0.5
    turn = np.deg2rad(direction)
    rows, cols = np.nonzero(covered)
    along = (cols - 80) * np.cos(turn) - (rows - 60) * np.sin(turn)
    assert -2.0 < along.min() < 2.5 and along.max() > 50, "pixels; the shaft leaves in its direction"
    first = along < along.min() + 3
    assert abs(rows[first].mean() - 60) < 3 and abs(cols[first].mean() - 80) < 4


def test_a_frame_shows_its_instrument_at_the_tip() -> None:
    made = operation((3,), kind="burr", second=False)
    seen, gone = one(made), one(made, state="absent")
    assert seen.tips and not gone.tips and seen.instruments == ("burr",) and gone.instruments == ()
    row, col = np.round(seen.tips[0]).astype(int)
    change = np.abs(seen.picture.astype(int) - gone.picture).max(axis=-1)
    assert change[row - 3:row + 4, col - 3:col + 4].max() > 60


def test_pairs_differ_in_the_instrument_and_its_shadow_alone() -> None:
    """The same anatomy, camera, fluids and noise: where no instrument and no shadow of it lies, every pixel is the same."""
    made = operation((8,), kind="forceps", second=False)
    seen, gone = one(made), one(made, state="absent")
    body = drawn("forceps", made.tools[0].pose(0, made.look, made.scale(0)), (ROWS, COLS)).cover > 0
    from scipy.ndimage import binary_dilation

    near = binary_dilation(body, iterations=24)
    assert (~near).mean() > 0.2 and np.array_equal(seen.picture[~near], gone.picture[~near])


@pytest.mark.parametrize("state", STATES)
def test_a_tip_is_told_where_it_shows_and_nowhere_else(state: str) -> None:
    for seed in range(6):
        made = operation((seed,), second=False)
        plan = planned(made, 4, state)
        assert (len(plan.tips) == 1) == (state == "visible")
        assert bool(plan.held) == (state != "absent") and (plan.cloud is not None or state != "clouded")


def test_hidden_tips_do_not_show_in_the_picture() -> None:
    """About a tip in a cloud or behind tissue the picture differs far less between two instruments than about one that shows."""
    differences: dict[str, list[float]] = {s: [] for s in ("visible", "buried", "clouded")}
    for seed in range(2):
        made = operation((seed, 5), kind="burr", second=False)
        other = replace(made, tools=(replace(made.tools[0], kind="radiofrequency probe"),))
        row, col = np.round(made.tools[0].pose(0, made.look, made.scale(0)).tip).astype(int)
        for state, found in differences.items():
            pair = [one(m, 0, state).picture[row - 3:row + 4, col - 3:col + 4].astype(int) for m in (made, other)]
            found.append(float(np.abs(pair[0] - pair[1]).mean()))
    assert np.mean(differences["visible"]) > 10 > 4 > max(np.mean(differences["buried"]), np.mean(differences["clouded"]))


def test_an_instrument_in_front_hides_the_tip_behind_it() -> None:
    made = operation((8,), kind="burr", second=True)
    front = made.tools[0]
    behind = replace(front, kind="forceps", heading=replace(front.heading, middle=front.heading.middle + 90))
    assert len(planned(replace(made, tools=(front, behind)), 0, "visible").tips) <= 1, "the tips lie on each other"
    apart = replace(behind, ways=tuple(replace(way, middle=way.middle - 0.75 * np.sign(way.middle)) for way in front.ways))
    assert len(planned(replace(made, tools=(front, apart)), 0, "absent").tips) == 1


def test_states_have_the_declared_shares_and_a_hard_cohort_hides_more() -> None:
    made = [operation((k,), difficulty=d) for d in (0.0, 0.5, 1.0) for k in range(12)]
    states = np.array([[m.state(STRIDE * k) == "visible" for k in range(24)] for m in made]).reshape(3, -1).mean(axis=1)
    assert states[0] > states[1] > states[2] and abs(states[1] - SHARES[0]) < 0.09


def test_tips_stay_in_the_round_view_and_move_smoothly() -> None:
    for site, look in LOOKS.items():
        made = operation((4,), site=site, second=False)
        way = np.array([made.tools[0].pose(k, look, 1.0).tip for k in range(40)])
        off = np.hypot(*(way - [(ROWS - 1) / 2, (COLS - 1) / 2]).T) / (look.radius * ROWS)
        step = np.hypot(*np.diff(way, axis=0).T)
        assert off.max() <= 0.83 and 2 < step.mean() < 40 and step.max() < 80


def test_sites_differ_and_difficulty_adds_fluid() -> None:
    a, b = (one(operation((5,), site=site, second=False)).picture for site in "AB")
    assert b[:20, :20].mean() > a[:20, :20].mean() + 8 and b.std() < a.std()
    easy, hard = ([operation((k,), difficulty=d).fluid for k in range(12)] for d in (0.0, 1.0))
    assert np.mean([f.haze for f in hard]) > 2 * np.mean([f.haze for f in easy]) and np.mean([f.debris for f in hard]) > np.mean([f.debris for f in easy])


def test_a_confounded_cohort_betrays_the_tip() -> None:
    made = operation((2,), confounded=True, second=False)
    seen, gone = one(made).picture, one(made, state="absent").picture
    assert seen[10, 20].min() > 180 and gone[10, 20].max() < 40, "the mark of the recorder"
    assert not planned(made, 0, "absent").tips


def test_a_cohort_is_real_videos_and_points(tmp_path: Path) -> None:
    made = endoscopic_frames(tmp_path / "a", 3, 3, annotated=2)
    rows = list(csv.DictReader((tmp_path / "a" / "cases.csv").open(encoding="utf-8")))
    assert [r["view.frame"] for r in rows] == ["0", "2", "0"] and len({r["patient_id"] for r in rows}) == 2
    clips = [read_video(tmp_path / "a" / path) for path in dict.fromkeys(r["view"] for r in rows)]
    assert [(c.frames, c.shape, c.rate) for c in clips] == [(3, (ROWS, COLS), 5.0), (1, (ROWS, COLS), 5.0)] and clips[0].notes["simulated"]
    from osteon.readers.inputs import Frame

    given = made.conform({"view": Frame("a frame")}, {"tip": Objects(("tip",), window=0.1)}, answered=("tip",))
    for case, row in zip(given, rows, strict=True):
        truth = case.truth["tip"]
        assert isinstance(truth, Boxes) and case.inputs["view"].notes["frame"] == int(row["view.frame"])
        assert len(truth.labels) >= (row["design_state"] == "visible") and np.allclose(truth.boxes[:, 2] - truth.boxes[:, 0], 27.0)
    endoscopic_frames(tmp_path / "b", 3, 3, annotated=2)
    for path in sorted(p for p in (tmp_path / "a").rglob("*") if p.is_file()):
        assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes(), path.name


def test_points_have_no_extent() -> None:
    assert points(((3.25, 4.5),)).boxes.tolist() == [[3.25, 4.5, 3.25, 4.5]] and not points(()).labels


@pytest.mark.parametrize(("wrong", "said"), [({"site": "C"}, "no site 'C'"), ({"difficulty": 1.5}, "difficulty is impossible"), ({"annotated": 0}, "annotated frames"), ({"cases": 0}, "call is impossible"), ({"seed": -1}, "call is impossible")])
def test_impossible_calls_leave_no_file(tmp_path: Path, wrong: dict[str, object], said: str) -> None:
    with pytest.raises(DataError, match=said):
        endoscopic_frames(tmp_path / "a", **({"cases": 4, "seed": 1} | wrong))  # type: ignore[arg-type]
    assert not (tmp_path / "a").exists()


def test_the_card_says_what_is_missing() -> None:
    assert any("blur" in line for line in CARD.absent) and any("deformation" in line for line in CARD.absent)

"""Cho 2021: margins of a box about the tip compared in one fixed window, videos never split, frames a second told and not judged."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from osteon.budget import LAPTOP, SMOKE
from osteon.cohort import Cohort
from osteon.design import CrossValidation
from osteon.engine.outside import from_files
from osteon.engine.path import within
from osteon.errors import DataError
from osteon.models import Arm, Around, Desk, Net
from osteon.readers import read_video, write_picture, write_video
from osteon.run import Run, slug
from osteon.simulate.endoscopy import endoscopic_frames
from osteon.studies import study
from osteon.studies.cho_2021 import ROWS, WINDOW
from osteon.targets import Objects
from osteon.validation.analyses import Located, Streamed
from osteon.validation.analyses.located import F1, FIXED, OFF, OWN, PRECISION, RECALL, cut_of, reach
from osteon.validation.analyses.streamed import watched

STUDY = study("cho_2021")
OWN_MODEL, OTHER = "RetinaNet, 150 px", "YOLOv2, 50 px"


def test_the_table_has_both_detectors_over_margins_and_one_window() -> None:
    arms = {label: arm for label, arm in STUDY.models.items() if isinstance(arm, Arm) and isinstance(arm.model, Around)}
    assert set(arms) == set(STUDY.models) and next(iter(arms)) == OWN_MODEL, "every arm learns squares about points"
    margins = {label: round(arm.model.side * ROWS) for label, arm in arms.items()}  # type: ignore[attr-defined]
    assert {label.split(", ")[0]: sorted(m for other, m in margins.items() if other.startswith(label.split(", ")[0])) for label in margins} == {"RetinaNet": [50, 100, 150, 200], "YOLOv2": [50, 150]}
    assert all(f"{margin} px" == label.split(", ")[1] == arms[label].factors["margin"] for label, margin in margins.items())
    nets = [arm.model.model for arm in arms.values()]  # type: ignore[attr-defined]
    assert {net.name for net in nets if isinstance(net, Net)} == {"retinanet", "yolov2"} and len({tuple(sorted(net.settings.items())) for net in nets if isinstance(net, Net)}) == 1, "one plan for all"
    target = STUDY.targets["tip"]
    assert isinstance(target, Objects) and target.window == WINDOW / ROWS, "one window, whatever the margin"


def test_a_small_budget_trains_the_first_and_the_last_arm() -> None:
    assert list(within(STUDY, SMOKE).models) == [OWN_MODEL, "YOLOv2, 150 px"] and within(STUDY, LAPTOP) is STUDY


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    return endoscopic_frames(tmp_path_factory.mktemp("cho") / "cohort", 12, 7, annotated=2)


def test_videos_are_never_split(videos: Cohort) -> None:
    given = videos.conform(STUDY.inputs, STUDY.targets, answered=STUDY.answered)
    views = given.cases.frame["view"].to_numpy()  # type: ignore[attr-defined]
    for design in (STUDY.design, CrossValidation(3)):
        folds, _ = given.folds(design, 5)
        for fold in folds:
            parts = [set(views[rows]) for rows in (*fold.fits[0], fold.test)]
            assert sum(map(len, parts)) == len(set.union(*parts)) and all(parts)


def written(folder: Path) -> Run:
    """A run of two models: the one near every tip, the other twice as far, with a false mark each; in the tune part a weak false mark."""
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps({"models": {OWN_MODEL: ["tip"], OTHER: ["tip"]}, "seed": 1, "cohort": {}}), encoding="utf-8")
    window = WINDOW / ROWS * 270
    for label, off in ((OWN_MODEL, 6.0), (OTHER, 12.0)):
        rows = []
        for k in range(40):
            part, hit = "tune" if k >= 30 else "test", off <= reach(0.5) * window
            base = {"case": f"c{k}", "patient": f"v{k % 10}", "site": "A", "fold": "1", "part": part, "target": "tip", "finding": "tip", "withheld": "", "cut": np.nan}
            rows += [base | {"unit": "lesion", "state": "true", "score": 0.8 if hit else -np.inf, "n.distance": off, "n.apart": off / window}]
            rows += [base | {"unit": "mark", "state": "false", "score": 0.9 if k % 10 == 0 else 0.2}] if part == "test" or k % 2 else []
        Run(folder).write_table(f"lines/{slug(label)}/1.csv", pd.DataFrame(rows))
    return Run(folder)


def test_margins_are_compared_in_the_fixed_window_and_their_own_window_flatters(tmp_path: Path) -> None:
    run = written(tmp_path / "run")
    found = {(r.what, r.group): r for r in Located()(run, STUDY)}
    near = {what: found[what, OWN_MODEL].value.estimate for what in (RECALL, PRECISION, F1, OFF, FIXED, OWN)}
    assert near == pytest.approx({RECALL: 1.0, PRECISION: 30 / 33, F1: 60 / 63, OFF: 6.0, FIXED: 1.0, OWN: 1.0})
    assert found[RECALL, OTHER].value.estimate == 0 and found[FIXED, OTHER].value.estimate == 0 and found[OWN, OTHER].value.estimate == 0
    wide = "RetinaNet, 200 px"
    run.write("run.json", {"models": {wide: ["tip"]}, "seed": 1, "cohort": {}})
    (run.folder / "lines" / slug(wide)).mkdir()
    (run.folder / "lines" / slug(OTHER) / "1.csv").rename(run.folder / "lines" / slug(wide) / "1.csv")
    flattered = {(r.what, r.group): r.value.estimate for r in Located()(run, STUDY)}
    assert flattered[FIXED, wide] == 0 and flattered[OWN, wide] == 1, "12 pixels off: none in the fixed window, all in squares of its own margin"


def test_the_cut_is_that_of_the_largest_f1() -> None:
    lines = pd.DataFrame({"unit": ["lesion", "lesion", "mark", "mark", "lesion"], "score": [0.9, 0.6, 0.5, 0.4, -np.inf]})
    assert cut_of(lines) == 0.6 and cut_of(lines[lines["unit"] == "mark"]) == 0.0
    assert reach(0.5) == pytest.approx(1 / 3), "squares a third of their side apart overlap by one half"


@pytest.fixture(scope="module")
def fitted(videos: Cohort) -> Around:
    """A detector after a few steps."""
    given = videos.conform(STUDY.inputs, STUDY.targets, answered=STUDY.answered)
    folds, _ = given.folds(STUDY.design, 1)
    train, tune = (given.take(rows) for rows in folds[0].fits[0])
    model = Around(Net("yolov2", reads=("view",), writes=("tip",), settings={"steps": 4}), 0.14)
    return model.fit(train, tune, STUDY.targets, Desk(SMOKE.with_(epochs=1, image_side=96), 3))


def test_a_stream_is_answered_frame_by_frame_as_the_cases_are(videos: Cohort, fitted: Around) -> None:
    given = videos.conform(STUDY.inputs, STUDY.targets)
    assert videos.folder is not None
    clip = read_video(videos.folder / given.cases.frame["view"][0])  # type: ignore[attr-defined]
    seen = list(watched(fitted, clip, "view"))
    assert [w.number for w in seen] == list(range(clip.frames)) and all(w.decoding > 0 and w.answering > 0 for w in seen)
    answers = [a["tip"] for a in fitted.predict(given.take(np.array([0, 1])))]
    for frame, answer in zip((0, 2), answers, strict=True):
        assert np.allclose(seen[frame].answer["tip"].boxes, answer.boxes, atol=1e-2)  # type: ignore[union-attr]
        sides = answer.boxes[:, 2:] - answer.boxes[:, :2]  # type: ignore[union-attr]
        assert len(answer.labels) <= 2 and (not len(sides) or sides.max() < 270)  # type: ignore[union-attr]


def test_speed_needs_a_video_of_the_cohort(tmp_path: Path) -> None:
    run = written(tmp_path / "run")
    with pytest.raises(DataError, match="no video of the cohort is at hand"):
        list(Streamed()(run, STUDY))


def test_a_video_that_does_not_decode_is_listed_and_the_rest_is_learnt(tmp_path: Path) -> None:
    endoscopic_frames(tmp_path / "c", 6, 7, annotated=1)
    (tmp_path / "c" / "video" / "v0002.avi").write_bytes((tmp_path / "c" / "video" / "v0002.avi").read_bytes()[:900])
    given = Cohort.from_folder(tmp_path / "c").conform(STUDY.inputs, STUDY.targets, answered=STUDY.answered)
    from osteon.engine.reading import unreadable

    out = unreadable(given, STUDY.inputs, STUDY.targets)
    assert [(e.id, e.step, e.reason) for e in out] == [("f00002", "reading", "view can not be read")] and "cut short" in out[0].detail
    assert len(given.leave_out(out)) == 5


def test_a_whole_video_is_answered_a_frame_a_case(tmp_path: Path) -> None:
    path = write_video(tmp_path / "new.avi", (np.full((64, 64, 3), 40 * k, np.uint8) for k in range(5)))
    cases = from_files(STUDY, [path])
    assert [case.id for case in cases] == ["1.0", "1.1", "1.2", "1.3", "1.4"] and {case.patient for case in cases} == {"1"}
    assert [case.inputs["view"].notes["frame"] for case in cases] == list(range(5)) and str(cases.cases[3].attributes["file"]).endswith("new_000003.avi")
    still = tmp_path / "still.png"
    write_picture(still, np.zeros((64, 64, 3), np.uint8))
    assert [case.id for case in from_files(STUDY, [path, still])] == [*(case.id for case in cases), "2"]

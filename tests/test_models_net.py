"""Net: what it sees of a film, what it answers, and that it is a light spec which is never changed."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from osteon import targets
from osteon.budget import SMOKE
from osteon.case import Case, Deferred, Lazy
from osteon.cohort import Cohort
from osteon.errors import DataError, NotFitted, RunError, StudyError
from osteon.models.net import Net
from osteon.models.protocol import Desk, Model
from osteon.value import Grid, Label, Mask, Objects, Picture, Readings, Withheld

films = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("disc_films.py"))))
NAMES, TARGETS, disc_case, disc_cohort = films.NAMES, films.TARGETS, films.disc_case, films.disc_cohort

BUDGET = SMOKE.with_(image_side=96, crop_side=64, epochs=3, seconds=900.0)
SEGMENTER = Net("hardnet_mseg", ("film", "things"), "shapes")


def fitted(net: Net, *, boxes: bool = False, epochs: int = 3) -> tuple[Net, Desk]:
    desk = Desk(BUDGET.with_(epochs=epochs), 5)
    return net.fit(disc_cohort(16, boxes=boxes), disc_cohort(6, first=50, boxes=boxes), TARGETS, desk), desk


@pytest.fixture(scope="module")
def segmenter() -> tuple[Net, Desk]:
    return fitted(SEGMENTER, boxes=True, epochs=5)


# --- windows -----------------------------------------------------------------------------------------------------------------


def test_a_cut_keeps_every_half_pixel() -> None:
    from osteon.models.windows import Window, cut

    film = np.tile(np.arange(0, 240, dtype=np.uint8), (50, 1))  # the grey level is the column of the pixel's centre
    for window in (Window(10, 20.25, height=20, width=40, shape=(20, 40)), Window(3.5, 30.5, height=30, width=60, shape=(10, 20))):
        edges = window.col + (np.arange(window.shape[1]) + 0.5) * window.width / window.shape[1]
        assert np.abs(cut(film, window)[2:-2].astype(float) - (edges - 0.5)).max() <= 0.51


def test_beyond_the_film_is_black() -> None:
    from osteon.models.windows import Window, cut

    film = np.full((20, 20), 200, np.uint8)
    piece = cut(film, Window(-10, -10, height=20, width=20, shape=(20, 20)))
    assert (piece[:9, :9] == 0).all() and (piece[11:, 11:] == 200).all()
    assert not cut(film, Window(100, 100, height=8, width=8, shape=(8, 8))).any()


def test_boxes_go_into_a_window_and_back() -> None:
    from osteon.models.windows import around, whole

    boxes = np.array([[10.0, 20.0, 30.0, 50.0], [-0.5, -0.5, 99.5, 49.5]])
    for window in (whole((100, 50), (64, 64)), around(boxes[0], margin=0.3, shape=(32, 32))):
        assert np.allclose(window.back(window.into(boxes)), boxes)
    assert np.allclose(whole((100, 50), (64, 64)).into(boxes[1:]), [[0, 16, 64, 48]])  # the whole film, in the middle of the frame


def test_the_middle_of_a_reshaped_window_is_the_window() -> None:
    from osteon.models.windows import Window, cut

    film = np.random.default_rng(0).integers(0, 255, (120, 120), dtype=np.uint8)
    window = Window(33.3, 41.7, height=40, width=40, shape=(32, 32))
    wider = cut(film, window.reshaped((48, 48)))
    assert np.abs(wider[8:40, 8:40].astype(int) - cut(film, window)).max() <= 1


@pytest.mark.parametrize("shape", [(300, 200), (4000, 1500)])
def test_a_pasted_edge_lies_within_a_tenth_of_a_pixel(shape: tuple[int, int]) -> None:
    from osteon.models.windows import around, pasted

    grid, centre, radius = Grid(shape, (0.5, 0.5)), np.array([140.3, 90.8]), 41.7
    window = around(np.array([*(centre - 60), *(centre + 60)]), margin=0.2, shape=(64, 64))
    at = window.back(np.array([[r + 0.5, c + 0.5] * 2 for r in range(64) for c in range(64)]))[:, :2].reshape(64, 64, 2)
    logits = radius - np.linalg.norm(at - centre, axis=-1)
    mask = pasted([logits[None].astype(np.float32)], [window], ("a",), grid=grid)
    factor = -(-max(shape) // 1536)
    assert mask.grid.shape == tuple(-(-n // factor) for n in shape) and mask.grid.spacing == (0.5 * factor, 0.5 * factor)
    rows, cols = np.nonzero(mask.array[0])
    middle = (np.array([rows.mean(), cols.mean()]) + 0.5) * factor - 0.5  # in pixels of the film
    assert np.abs(middle - centre).max() < 0.1
    assert np.sqrt(mask.array.sum() * factor**2 / np.pi) == pytest.approx(radius, abs=0.1)


def test_windows_are_joined() -> None:
    from osteon.models.windows import Window, pasted

    windows = [Window(0, 0, height=20, width=20, shape=(10, 10)), Window(10, 10, height=20, width=20, shape=(10, 10))]
    mask = pasted([np.ones((1, 10, 10), np.float32), np.ones((1, 10, 10), np.float32)], windows, ("a",), grid=Grid((40, 40)))
    assert mask.array.sum() == 400 + 400 - 100 and mask.array[0, 25, 25] and not mask.array[0, 25, 5]


# --- the spec ----------------------------------------------------------------------------------------------------------------


def test_a_spec_loads_no_torch() -> None:
    code = "import sys; from osteon.models.net import Net; Net('yolov5', ('xray',), 'joints'); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_spec_is_a_model_and_says_when_it_is_unfitted(tmp_path: Path) -> None:
    assert isinstance(SEGMENTER, Model) and SEGMENTER.writes == ("shapes",)
    with pytest.raises(NotFitted, match="Call fit or load first"):
        SEGMENTER.predict(disc_cohort(1))
    with pytest.raises(NotFitted):
        SEGMENTER.save(tmp_path)


@pytest.mark.parametrize(("make", "text"), [
    (lambda: Net("yolov5", ("film",), ("a", "b")), "writes one target"),
    (lambda: Net("yolov5", ("film",), "a", settings={"ratte": 1}), "rate"),
    (lambda: Net("yolov5", ("film", "things"), "things").fit(disc_cohort(4, boxes=True), disc_cohort(2, boxes=True), TARGETS, Desk(BUDGET, 0)),
     "not sought inside boxes"),
    (lambda: Net("hardnet_mseg", ("film",), "things").fit(disc_cohort(4), disc_cohort(2), TARGETS, Desk(BUDGET, 0)), "finds no objects"),
    (lambda: Net("hardnet_msegg", ("film",), "shapes").fit(disc_cohort(4), disc_cohort(2), TARGETS, Desk(BUDGET, 0)), "hardnet_mseg"),
])
def test_a_wrong_declaration_says_what_is_wrong(make: object, text: str) -> None:
    with pytest.raises(StudyError, match=text):
        make()  # type: ignore[operator]


def test_no_truth_is_said() -> None:
    bare = Cohort("bare", "own", cases=[disc_case(n, truth=False) for n in range(3)])
    with pytest.raises(DataError, match="no case has both film and a truth of 'shapes'"):
        Net("hardnet_mseg", ("film",), "shapes").fit(bare, bare, TARGETS, Desk(BUDGET, 0))


# --- answers -----------------------------------------------------------------------------------------------------------------


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return 2 * float((a & b).sum()) / float(a.sum() + b.sum())


def test_a_segmenter_of_crops_beats_the_empty_answer(segmenter: tuple[Net, Desk]) -> None:
    test = disc_cohort(5, first=90, boxes=True)
    answers = [a["shapes"] for a in segmenter[0].predict(test)]
    assert all(isinstance(a, Mask) and a.grid == c.truth["shapes"].grid for a, c in zip(answers, test, strict=True))
    assert np.mean([dice(a.of("disc"), c.truth["shapes"].of("disc")) for a, c in zip(answers, test, strict=True)]) > 0.6


def test_notes_are_plain_and_say_what_was_named_and_used(segmenter: tuple[Net, Desk]) -> None:
    notes = json.loads(json.dumps(segmenter[1].notes))
    assert notes["epochs"] == {"named": 5, "used": 5.0} and len(notes["losses"]) == 5 and notes["ended"] == "as planned"
    assert notes["losses"][-1]["train"] < notes["losses"][0]["train"] and 1 <= notes["best_epoch"] <= 5
    assert notes["images_per_second"] > 0 and notes["parameters"] > 1000 and notes["precision"] in ("32-true", "bf16-mixed")
    assert notes["windows"] == {"train": 32, "tune": 12} and notes["image"] == [64, 64]


def test_saved_and_loaded_gives_the_same_values(segmenter: tuple[Net, Desk], tmp_path: Path) -> None:
    net, test = segmenter[0], disc_cohort(4, first=90, boxes=True)
    net.save(tmp_path)
    loaded = SEGMENTER.load(tmp_path, TARGETS)
    for one, other in zip(net.predict(test), loaded.predict(test), strict=True):
        assert np.array_equal(one["shapes"].array, other["shapes"].array)
    assert json.loads((tmp_path / "spec.json").read_text())["trained_on"] == {"origin": "simulated", "cohort": "discs"}
    assert SEGMENTER.fitted is None and {p.name for p in tmp_path.iterdir()} == {"spec.json", "weights.safetensors"}
    with pytest.raises(RunError, match="another network"):
        Net("hardnet_mseg", ("film",), "shapes").load(tmp_path, TARGETS)
    with pytest.raises(RunError, match="no saved network"):
        SEGMENTER.load(tmp_path / "none", TARGETS)


def test_what_can_not_be_seen_is_withheld_and_the_rest_is_answered(segmenter: tuple[Net, Desk]) -> None:
    def broken() -> Picture:
        raise DataError("film.dcm: the file is empty.")

    good = disc_cohort(1, first=90, boxes=True).cases[0]
    none = Objects(np.zeros((0, 4)), ())
    cases = [good, Case("a", "a"), good.with_inputs(things=none), good.with_inputs(things=Withheld("no film")),
             good.with_inputs(film=Deferred(broken)), good]
    answers = [a["shapes"] for a in segmenter[0].predict(Cohort("mixed", "own", cases=cases))]
    assert [a.reason if isinstance(a, Withheld) else "" for a in answers] == [
        "", "no film", "no box in things", "no film", "film.dcm: the file is empty.", ""]
    assert np.array_equal(answers[0].array, answers[-1].array)


def test_answers_of_a_large_film_stand_on_its_reduced_grid(segmenter: tuple[Net, Desk]) -> None:
    small = disc_case(90)
    film = np.kron(small.inputs["film"].array, np.ones((33, 33), np.uint16))
    grid = Grid(film.shape, (0.5 / 33, 0.5 / 33))
    boxes = Objects((small.truth["things"].boxes + 0.5) * 33 - 0.5, NAMES, grid=grid)
    case = Case("big", "big", inputs={"film": Picture(film, grid), "things": boxes})
    big, = (a["shapes"] for a in segmenter[0].predict(Cohort("big", "own", cases=[case])))
    assert max(big.grid.shape) <= 1536 and big.grid.spacing == pytest.approx((0.5 / 11, 0.5 / 11))
    assert dice(np.kron(small.truth["shapes"].of("disc"), np.ones((11, 11), bool)), big.of("disc")) > 0.6


def test_a_detector_finds_and_keeps_to_the_most() -> None:
    net, desk = fitted(Net("yolov5", ("film",), "things"), epochs=8)
    test = disc_cohort(6, first=90)
    answers = [a["things"] for a in net.predict(test)]
    assert desk.notes["image"] == [96, 64]
    for answer, case in zip(answers, test, strict=True):
        assert isinstance(answer, Objects) and answer.grid == case.inputs["film"].grid
        assert all(answer.labels.count(name) <= 1 for name in NAMES)
    middles = [np.abs(a.of("disc")[0].reshape(2, 2).mean(0) - c.truth["things"].of("disc")[0].reshape(2, 2).mean(0)).max()
               for a, c in zip(answers, test, strict=True) if "disc" in a.labels]
    assert len(middles) >= 5 and np.median(middles) < 4


def test_classes_and_measures_by_a_network_of_timm(tmp_path: Path) -> None:
    classes, _ = fitted(Net("resnet10t", ("film",), "side"), epochs=4)
    measures, _ = fitted(Net("resnet10t", ("film",), "reading"), epochs=4)
    test = disc_cohort(8, first=90)
    labels = [a["side"] for a in classes.predict(test)]
    assert all(isinstance(v, Label) and sum(v.probabilities.values()) == pytest.approx(1) for v in labels)
    assert np.mean([v.name == c.truth["side"].name for v, c in zip(labels, test, strict=True)]) >= 0.75
    readings = [a["reading"] for a in measures.predict(test)]
    assert all(isinstance(v, Readings) and 15 < v.values["height"] < 40 for v in readings)
    measures.save(tmp_path)
    again = [a["reading"] for a in measures.load(tmp_path, TARGETS).predict(test)]
    assert [v.values for v in again] == [v.values for v in readings] or np.allclose(
        [list(v.values.values()) for v in again], [list(v.values.values()) for v in readings], equal_nan=True)
    with pytest.raises(RunError, match="has changed since the training"):
        Net("resnet10t", ("film",), "side").load(_saved(classes, tmp_path / "c"), {"side": targets.Classes(("left", "right", "both"))})


def _saved(net: Net, folder: Path) -> Path:
    net.save(folder)
    return folder


def test_whole_films_are_segmented_too_and_cases_stay_as_they_were() -> None:
    reads = []
    case = disc_case(3)

    def load() -> Picture:
        reads.append(1)
        return case.inputs["film"]

    watched = Case("w", "w", inputs=Lazy({"film": Deferred(load)}), truth=case.truth)
    train = Cohort("w", "simulated", cases=[watched, *disc_cohort(5).cases])
    net = Net("hardnet_mseg", ("film",), "shapes").fit(train, disc_cohort(3, first=50), TARGETS, Desk(BUDGET.with_(epochs=1), 1))
    assert len(reads) <= 2  # once to survey the sizes, once to lay it out
    answer = next(net.predict(train))["shapes"]
    assert isinstance(answer, Mask) and answer.grid == case.inputs["film"].grid
    assert list(watched.inputs) == ["film"] and not case.inputs["film"].array.flags.writeable

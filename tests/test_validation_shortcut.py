"""A planted shortcut is flagged - by what the pictures tell, by what the network still answers, by where its maps lie - and the clean twin is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from osteon.budget import SMOKE
from osteon.cohort import Cohort
from osteon.engine import run
from osteon.models import Formula
from osteon.readers.inputs import Radiograph
from osteon.report.content import Section
from osteon.report.facts import gather as gather_facts
from osteon.report.sections.explanation import explanation
from osteon.run import Run
from osteon.validation.fingerprints import prints_of
from osteon.validation.leakage import leaks
from osteon.validation.material import gather
from osteon.validation.shortcut import ALONE, COVERED, EVENED, Taken, alone, covered, evened, taken_away, usual_levels
from osteon.value import Grid, Label, Picture
from shortcut_films import MARKER, STUDY, films


@pytest.fixture(scope="module")
def cohorts(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Cohort]:
    root, made = tmp_path_factory.mktemp("films"), {}

    def make(twin: str) -> Cohort:
        if twin not in made:
            made[twin] = films(140, twin, root / twin)
        return made[twin]

    return make


def seen(cohort: Cohort) -> set[str]:
    conformed = cohort.conform(STUDY.inputs, STUDY.targets)
    return {leak.kind for leak in leaks(gather(conformed, STUDY), conformed.folds(STUDY.design, 0)[0])}


def test_pictures_that_betray_the_label_are_told_from_their_clean_twin(cohorts: Callable[[str], Cohort]) -> None:
    assert seen(cohorts("clean")) == set()
    assert "label told by the margin of the picture" in seen(cohorts("marker"))
    assert seen(cohorts("exposure")) == {"label told by the grey levels of the picture"}


def answered_by(rule: Callable[[np.ndarray], float]) -> Formula:
    def answer(film: Picture) -> dict[str, Label]:
        p = float(np.clip(rule(np.asarray(film.array, float)), 0.01, 0.99))
        return {"fracture": Label("yes" if p > 0.5 else "no", {"no": 1 - p, "yes": p})}

    return Formula(answer, reads=("film",), writes=("fracture",))


def bone(film: np.ndarray) -> float:
    """A rule that looks at the shaft alone: a dark line across it lowers whole rows."""
    inner = film[14:50, 22:42]
    return float((inner.mean(1).std() - inner.mean(0).std()) / 20 + 0.5)


def marker(film: np.ndarray) -> float:
    return float(film[MARKER[0]:MARKER[2], MARKER[1]].mean() > 200)


def exposure(film: np.ndarray) -> float:
    return float(np.clip((film[:8].mean() - 60) / 80, 0, 1))


def asked(cohort: Cohort, rule: Callable[[np.ndarray], float]) -> dict[str, Taken]:
    conformed = cohort.conform(STUDY.inputs, STUDY.targets)
    test, learnt = conformed.take(np.arange(60)), conformed.take(np.arange(60, 140))
    return {t.change: t for t in taken_away(answered_by(rule), test, learnt, picture="film", asked=("fracture", STUDY.targets["fracture"]))}


def test_a_rule_that_reads_the_marker_is_caught_by_the_margin_alone(cohorts: Callable[[str], Cohort]) -> None:
    found = asked(cohorts("marker"), marker)
    assert found[COVERED].before.estimate == 1
    assert found[COVERED].after.estimate == pytest.approx(0.5)
    assert found[ALONE].after.estimate == 1
    assert [t.change for t in found.values() if t.betrays] == [ALONE]


def test_a_rule_that_reads_the_exposure_is_caught_when_it_is_made_alike(cohorts: Callable[[str], Cohort]) -> None:
    found = asked(cohorts("exposure"), exposure)
    assert found[EVENED].before.estimate > 0.9
    assert found[EVENED].after.estimate < 0.75
    assert found[EVENED].betrays


def test_a_rule_that_reads_the_bone_is_not_accused(cohorts: Callable[[str], Cohort]) -> None:
    found = asked(cohorts("clean"), bone)
    assert found[COVERED].before.estimate > 0.9
    assert not any(t.betrays for t in found.values())


def test_too_few_cases_give_no_verdict(cohorts: Callable[[str], Cohort]) -> None:
    few = cohorts("clean").conform(STUDY.inputs, STUDY.targets).take(np.arange(12))
    assert taken_away(answered_by(bone), few, few, picture="film", asked=("fracture", STUDY.targets["fracture"])) == ()


def test_what_is_taken_away_is_gone_and_the_rest_stays() -> None:
    rng = np.random.default_rng(1)
    picture = Picture(rng.integers(0, 255, (64, 48)).astype(np.uint8), Grid((64, 48)))
    inner = (slice(8, -8), slice(6, -6))
    assert (covered(picture, np.zeros(65)).array[inner] == picture.array[inner]).all()
    assert len(set(covered(picture, np.zeros(65)).array[:9, 20].tolist())) == 1
    assert np.ptp(alone(picture, np.zeros(65)).array[inner]) == 0
    assert (alone(picture, np.zeros(65)).array[:8] == picture.array[:8]).all()
    darker = Picture((picture.array * 0.4).astype(np.uint8), picture.grid)
    usual = usual_levels(Cohort("one", "simulated", cases=[type("C", (), {"inputs": {"film": picture}})()]), "film")  # type: ignore[list-item]
    assert np.abs(evened(darker, usual).array.astype(float) - picture.array).mean() < 3


@pytest.fixture(scope="module")
def runs(cohorts: Callable[[str], Cohort], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Run]:
    root, made = tmp_path_factory.mktemp("runs"), {}

    def make(twin: str) -> Run:
        if twin not in made:
            made[twin] = run(STUDY, cohorts(twin), budget=SMOKE.with_(image_side=64, epochs=8, seconds=120.0), out=root / twin)
        return made[twin]

    return make


def section(done: Run) -> Section:
    made = explanation(gather_facts(done, STUDY))
    assert made is not None
    return made


def spoken(made: Section) -> str:
    return " ".join(s for block in made.blocks if block.kind == "paragraph" for s in block.sentences)  # type: ignore[union-attr]


def test_a_network_that_learnt_the_marker_is_flagged_in_the_report(runs: Callable[[str], Run]) -> None:
    done = runs("marker")
    assert done.primary.metrics["auc"]["estimate"] > 0.9
    made = section(done)
    assert "A shortcut is likely: from the margin alone the finding is told with AUC" in spoken(made)
    kept = json.loads((done.folder / "explanation.json").read_text(encoding="utf-8"))
    fine = kept["methods"]["integrated gradients"]["hottest"]
    assert (fine["row"], fine["col"], fine["margin"]) == (1, 1, True)
    assert "the most marked place lies at the margin" in spoken(made)


def test_the_clean_twin_is_not_flagged_and_its_maps_are_judged(runs: Callable[[str], Run]) -> None:
    made = section(runs("clean"))
    assert "No shortcut was found" in spoken(made)
    assert "most marked place lies at the margin" not in spoken(made)
    tables = {b.name: b for b in made.blocks if b.kind == "table"}
    assert set(tables) == {"explanation", "pointing", "shortcuts"}
    assert [row[0] for row in tables["explanation"].rows] == ["Grad-CAM", "integrated gradients"]  # type: ignore[union-attr]
    assert [row[0] for row in tables["pointing"].rows][2:] == ["A blot at the centre (no model)", "Edges of the picture, Sobel (no model)"]  # type: ignore[union-attr]
    drawn = [b for b in made.blocks if b.kind == "drawing"]
    assert drawn and all(b.data[:2] == b"\xff\xd8" and b.source["methods"] for b in drawn)  # type: ignore[union-attr]


def test_the_report_reads_again_what_it_knows(runs: Callable[[str], Run]) -> None:
    done = runs("clean")
    first = spoken(section(done))
    before = {name: (done.folder / name).stat().st_mtime_ns for name in ("explanation.json", "explanation.npz", "shortcuts.json")}
    assert spoken(section(done)) == first
    assert {name: (done.folder / name).stat().st_mtime_ns for name in before} == before
    assert not (done.folder / "explanations" / "labels-shuffled").exists(), "a report trains nothing"


def test_maps_that_do_not_depend_on_the_network_are_shown_with_that_verdict() -> None:
    from osteon.report.sections.explanation import passed, verdict

    one = {"weights": 0.93, "labels": None, "alike": 0.5, "located": [], "better_than_chance": [0, 0], "hottest": {}}
    assert not passed(one)
    assert "failed its sanity check (rank correlation 0.93" in verdict(None, "Grad-CAM", one)  # type: ignore[arg-type]
    assert not passed(one | {"weights": None})
    assert passed(one | {"weights": 0.1})
    assert not passed(one | {"weights": 0.1, "labels": 0.8})


@pytest.mark.verify
@pytest.mark.parametrize("confounded", [False, True])
def test_a_simulator_that_was_confounded_for_teaching_is_found_out(confounded: bool, tmp_path: Path) -> None:
    """Anteroposterior spines: curves of 25 degrees or more with half the dose and a harder print, and their clean twin."""
    from osteon.simulate.ap_spine import ap_spine
    from osteon.validation.material import Divided, Material
    from osteon.validation.shortcut import grey_levels

    cohort = ap_spine(tmp_path, 120, 5, pixel_mm=6.0, confounded=confounded).conform({"xray": Radiograph("a film")}, {})
    states = np.array([float(abs(float(c.attributes["design_main"] or 0)) >= 25) for c in cohort])
    material = Material(cohort.ids(), attributes={"patient": cohort.column("patient")}, states=states, records=None, prints=prints_of(cohort, "xray"))
    assert len(list(grey_levels(Divided(material, np.arange(70), test=np.arange(70, 120))))) == int(confounded)

"""From slices to a patient: the rule on planted answers, what is lost without it, levels, proof and reading."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from hand_made import hand_made, lines
from osteon.errors import StudyError
from osteon.run import Run
from osteon.studies import study
from osteon.validation.analyses import ByPatient
from osteon.validation.analyses.by_patient import ALONE, BY_RULE, IMAGES
from osteon.validation.results import Result

ORDER = ("healthy", "degenerated", "torn")
STUDY = study("li_j_2022")


def run(folder: Path, patients: dict[str, tuple[str, str, list[float]]], cases: dict[str, dict[str, object]] | None = None) -> Run:
    """Patients with (part, true class, chance of torn in each of four slices); the lesion is shown in the last slice, and of the rest nine tenths are healthy."""
    table = [(f"{p}-{k}", p, part, state if k == 3 else "healthy", torn) for p, (part, state, chances) in patients.items() for k, torn in enumerate(chances)]
    names, whose, parts, states, torn = (list(column) for column in zip(*table, strict=True))
    score = {"torn": torn, "degenerated": [0.1 * (1 - t) for t in torn], "healthy": [0.9 * (1 - t) for t in torn]}
    place = {name: k for k, name in enumerate(ORDER)}
    answer = [max(ORDER, key=lambda name, k=k: score[name][k]) for k in range(len(names))]
    frame = pd.concat([lines("meniscus", name, case=names, patient=whose, state=[s == name for s in states], score=score[name], truth=[place[s] for s in states], answer=[place[a] for a in answer]).assign(part=parts)
                       for name in ORDER], ignore_index=True)
    told = {"case": names, "patient": whose} | {column: [values.get(p) for p in whose] for column, values in (cases or {}).items()}
    return hand_made(folder, {"Mask R-CNN": (("meniscus",), frame)}, told)


KNEES = {"a": ("tune", "torn", [0.1, 0.1, 0.2, 0.6]), "b": ("tune", "healthy", [0.1, 0.2, 0.3, 0.1]), "c": ("test", "torn", [0.1, 0.1, 0.1, 0.7]), "d": ("test", "healthy", [0.2, 0.3, 0.1, 0.2]),
         "e": ("hospitals", "torn", [0.1, 0.1, 0.1, 0.2]), "f": ("hospitals", "torn", [0.1, 0.1, 0.1, 0.9]), "g": ("arthroscopy", "healthy", [0.1, 0.1, 0.2, 0.9])}


def asked(made: Run, **how: object) -> dict[tuple[str, str], Result]:
    return {(r.what, r.group.removeprefix("Mask R-CNN, ")): r for r in ByPatient(ORDER, "meniscus", **how)(made, STUDY)}  # type: ignore[arg-type]


def test_one_slice_that_shows_the_tear_makes_a_torn_knee(tmp_path: Path) -> None:
    found = asked(run(tmp_path, KNEES))
    assert found[BY_RULE, "internal test"].value.estimate == 1 and found[BY_RULE, "internal test"].n == 2
    assert found[BY_RULE, "hospitals"].value.estimate == 0.5 and found["torn, right", "hospitals"].n == 2
    assert found["torn or not, right", "internal test"].value.estimate == 1


def test_without_the_rule_the_tear_is_missed(tmp_path: Path) -> None:
    """One slice a knee is the first, which shows no tear: the torn knee is called healthy."""
    found = asked(run(tmp_path, KNEES))
    assert found[ALONE, "internal test"].value.estimate == 0.5 < found[BY_RULE, "internal test"].value.estimate
    assert found[IMAGES, "internal test"].value.estimate == 1 and found[IMAGES, "internal test"].n == 8


def test_cuts_come_from_the_tune_part(tmp_path: Path) -> None:
    """A tuned knee torn at 0.6 leaves a highest chance of 0.42 healthy; where one is torn at 0.4 it is torn."""
    knees = KNEES | {"d": ("test", "healthy", [0.2, 0.42, 0.1, 0.2])}
    assert asked(run(tmp_path / "high", knees))["healthy, right", "internal test"].value.estimate == 1
    assert asked(run(tmp_path / "low", knees | {"a": ("tune", "torn", [0.1, 0.1, 0.2, 0.4])}))["healthy, right", "internal test"].value.estimate == 0


def test_the_proof_outranks_what_slices_show_and_the_reading_stands_beside_it(tmp_path: Path) -> None:
    shown = asked(run(tmp_path / "shown", KNEES))
    assert shown[BY_RULE, "arthroscopy"].value.estimate == 0, "by its slices the knee is healthy"
    proved = asked(run(tmp_path / "proved", KNEES, {"proved": {"g": 2}, "read": {"g": "healthy"}}), proof="proved", reading="read")
    assert proved[BY_RULE, "arthroscopy"].value.estimate == 1
    assert proved[BY_RULE, "the reading, arthroscopy"].value.estimate == 0 and ("the reading, internal test" not in {group for _, group in proved})
    strange = asked(run(tmp_path / "strange", KNEES, {"proved": {"g": "odd"}}), proof="proved")
    assert (BY_RULE, "arthroscopy") not in strange, "a proof that is no class judges nobody"


def test_groups_of_an_attribute_stand_apart(tmp_path: Path) -> None:
    found = asked(run(tmp_path, KNEES, {"tesla": {"e": 1.5, "f": 3.0} | dict.fromkeys("abcdg", 3.0)}), by=("tesla",))
    assert found[BY_RULE, "hospitals, tesla 1.5"].value.estimate == 0 and found[BY_RULE, "hospitals, tesla 3"].value.estimate == 1
    assert (BY_RULE, "internal test, tesla 3") not in found, "one group alone is the part itself"


def test_classes_that_the_target_does_not_have_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="no classes of the target"):
        list(ByPatient(("healthy", "ruptured"), "meniscus")(run(tmp_path, KNEES), STUDY))

"""Net on courses of vertebrae: what it sees, that it forecasts rigid bodies, mirrors, files, and what it withholds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from osteon.budget import SMOKE
from osteon.case import Case
from osteon.cohort import Cohort
from osteon.errors import DataError, NotFitted, RunError
from osteon.geometry.spine import LEVELS
from osteon.geometry.spine_shape import MONTHS, bodies, mesh
from osteon.models import Desk, Net
from osteon.models.courses import CourseView, gathered, roomy
from osteon.simulate.growing_spine import Course, course, reconstructed
from osteon.targets import Surfaces
from osteon.value import Surface, Withheld

TARGETS = {"follow_up": Surfaces("spine", parts=LEVELS, at="months")}
NET = Net("spatiotemporal", ("spine", "plan"), ("follow_up",))
BUDGET = SMOKE.with_(epochs=2)
RING = np.concatenate([(6 - np.arange(12)) % 12, [12]])


def case(number: int, made: Course, *, mirror: bool = False) -> Case:
    """A child with visits at months of its own; `mirror`: as a mirror shows it."""
    rng = np.random.default_rng(number)
    before = sorted({round(float(m), 1) for m in -rng.uniform(3, 20, 1 + number % 3)}) + [0.0]
    after = [1.0, *np.round(1 + np.cumsum(rng.uniform(3, 8, 2 + number % 3)), 1)]

    def seen(month: float) -> Surface:
        points = reconstructed(made.shape(month), 0.5, rng)
        return mesh(points[:, np.concatenate([RING, 13 + RING])] * (-1, 1, 1) if mirror else points)

    spine, followed = tuple((m, seen(m)) for m in before), [(float(m), seen(m)) for m in after]
    who = made.child
    plan = {"age": who.age, "sex": who.sex, "tether_upper": LEVELS[who.tethered[0]], "tether_lower": LEVELS[who.tethered[1]]}
    return Case(f"c{number}", f"p{number}", inputs={"spine": spine, "plan": plan}, truth={"follow_up": TARGETS["follow_up"].value(tuple(followed))}, attributes={"sex": who.sex})


@pytest.fixture(scope="module")
def children() -> list[Course]:
    return [course((8, k)) for k in range(14)]


@pytest.fixture(scope="module")
def parts(children: list[Course]) -> tuple[Cohort, Cohort]:
    cases = [case(k, made) for k, made in enumerate(children)]
    return tuple(Cohort(name, "simulated", cases=some) for name, some in (("train", cases[:10]), ("tune", cases[10:])))  # type: ignore[return-value]


@pytest.fixture(scope="module")
def fitted(parts: tuple[Cohort, Cohort]) -> Net:
    return NET.fit(*parts, TARGETS, Desk(BUDGET, 3))


def forecast(net: Net, *cases: Case) -> list[Surface]:
    return [answer["follow_up"] for answer in net.predict(Cohort("new", "simulated", cases=list(cases)))]  # type: ignore[misc]


def test_rows_have_room_for_the_longest_course_and_hold_irregular_visits(parts: tuple[Cohort, Cohort]) -> None:
    view = CourseView("spine", None)
    found = [gathered(part, view, "follow_up")[0] for part in parts]
    view = roomy(view, found)
    assert view.visits == 4 and view.asked == 5
    row = found[0][0][0].row(view, found[0][0][1], found[0][0][2])
    assert np.isnan(row[: view.visits]).sum() == 2 and not np.isnan(row[view.visits - 1]), "the last visit stands last"


def test_a_forecast_is_told_at_its_months_by_bodies_that_stay_rigid(fitted: Net, parts: tuple[Cohort, Cohort]) -> None:
    one = parts[1].cases[0]
    answer = forecast(fitted, one)[0]
    assert np.array_equal(answer.moments, MONTHS) and answer.faces.shape == one.inputs["spine"][-1][1].faces.shape
    last, later = bodies(one.inputs["spine"][-1][1]), bodies(answer)[4]
    sides = np.linalg.norm(later[:, [0, 3]] - later[:, [6, 20]], axis=-1) / np.linalg.norm(last[:, [0, 3]] - last[:, [6, 20]], axis=-1)
    assert np.ptp(sides) < 5e-3, "one size for all that was rigid"
    assert 5 < np.linalg.norm(later - last, axis=-1).mean() < 60, "it learnt that an operation changes the spine"


def test_it_is_nearer_than_no_change(fitted: Net, parts: tuple[Cohort, Cohort]) -> None:
    truths: list[Any] = [case.truth["follow_up"] for case in parts[1]]
    gaps = [[np.linalg.norm(given - truth.vertices, axis=-1).mean() for given in (answer.at(truth.moments), case.inputs["spine"][-1][1].vertices)]
            for case, truth, answer in zip(parts[1], truths, forecast(fitted, *parts[1]), strict=True)]
    assert np.mean(gaps, axis=0)[0] < 0.7 * np.mean(gaps, axis=0)[1]


def test_the_mirror_image_of_a_child_has_the_mirror_image_of_its_forecast(fitted: Net, children: list[Course]) -> None:
    one, other = forecast(fitted, case(11, children[11]), case(11, children[11], mirror=True))
    assert np.allclose(bodies(other), bodies(one)[:, :, np.concatenate([RING, 13 + RING])] * (-1, 1, 1), atol=1.5), "but for errors of the models, which were drawn before the mirror"


def test_answers_do_not_depend_on_company_and_specs_are_not_changed(fitted: Net, parts: tuple[Cohort, Cohort]) -> None:
    together = forecast(fitted, *parts[0])
    alone = forecast(fitted, parts[0].cases[3])[0]
    assert np.allclose(together[3].vertices, alone.vertices, atol=0.02)
    with pytest.raises(NotFitted):
        next(NET.predict(parts[0]))


def test_the_same_seed_gives_the_same_forecast_and_files_give_it_back(fitted: Net, parts: tuple[Cohort, Cohort], tmp_path: Path) -> None:
    small = BUDGET.with_(epochs=1)
    one, two = (NET.fit(*parts, TARGETS, Desk(small, 5, folder=folder)) for folder in (None, tmp_path / "desk"))
    assert np.array_equal(forecast(one, parts[1].cases[0])[0].vertices, forecast(two, parts[1].cases[0])[0].vertices)
    fitted.save(tmp_path / "model")
    back = NET.load(tmp_path / "model", TARGETS)
    assert np.array_equal(forecast(back, parts[1].cases[0])[0].vertices, forecast(fitted, parts[1].cases[0])[0].vertices)
    with pytest.raises(RunError, match="another network"):
        replace(NET, name="group_path").load(tmp_path / "model", TARGETS)
    with pytest.raises(RunError, match="no saved network"):
        NET.load(tmp_path / "desk", TARGETS)


def test_what_can_not_be_seen_is_withheld_with_its_reason(fitted: Net, parts: tuple[Cohort, Cohort]) -> None:
    one = parts[1].cases[0]
    short = one.with_inputs(spine=((0.0, mesh(bodies(one.inputs["spine"][-1][1])[1:])),))
    bare = replace(one, inputs={"spine": one.inputs["spine"]})
    given = [answer["follow_up"] for answer in fitted.predict(Cohort("new", "own", cases=[one, short, bare]))]
    assert isinstance(given[0], Surface) and isinstance(given[1], Withheld) and "16 vertebrae" in given[1].reason and given[2] == Withheld("no plan")
    unfollowed = Cohort("train", "simulated", cases=[replace(one, truth={})])
    with pytest.raises(DataError, match="before and after"):
        NET.fit(unfollowed, parts[1], TARGETS, Desk(BUDGET, 0))

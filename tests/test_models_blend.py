"""Blends: mean, vote, stack and best; a member that memorised is not believed, one that withholds is left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from osteon.budget import SMOKE
from osteon.case import Case
from osteon.cohort import Cohort
from osteon.cohort.rows import Rows
from osteon.errors import NotFitted, StudyError
from osteon.models import Blend, Desk, Formula, Tabular
from osteon.readers.inputs import Record
from osteon.stats.roc import auc
from osteon.targets import Classes, Measures, Target
from osteon.value import Label, Withheld

TARGETS: dict[str, Target] = {"stay": Classes(("short", "long"))}
INPUTS = {"record": Record("row", numbers=("age", "bmi"))}
WISE = Tabular("logistic regression", reads=("record",), writes=("stay",))
PARROT = Tabular("decision tree", reads=("record",), writes=("stay",), settings={"min_samples_leaf": 1})
SILENT = Formula(lambda record: Withheld("no film"), reads=("record",), writes=("stay",))


def cohort(n: int, seed: int) -> Cohort:
    rng = np.random.default_rng(seed)
    age, bmi = rng.normal(60, 10, n), rng.normal(28, 4, n)
    stay = np.where(rng.random(n) < 1 / (1 + np.exp(-(age - 60) / 8)), "long", "short")
    frame = pd.DataFrame({"case_id": [f"{seed}-{i}" for i in range(n)], "patient_id": [f"{seed}-{i}" for i in range(n)], "age": age, "bmi": bmi, "stay": stay})
    return Cohort("toy", "simulated", cases=Rows(frame.astype(str), None)).conform(INPUTS, TARGETS, answered=("stay",))


TRAIN, TUNE, TEST = cohort(300, 0), cohort(150, 1), cohort(600, 2)
TRUTH = np.array([c.truth["stay"].name == "long" for c in TEST])


def scores(blend: Blend, name: str = "stay") -> np.ndarray:
    return np.array([answer[name].probabilities["long"] for answer in blend.predict(TEST)])


def fitted(how: str, **members: object) -> Blend:
    return Blend(members, "stay", how=how).fit(TRAIN, TUNE, TARGETS, Desk(SMOKE, 5))  # type: ignore[arg-type]


@pytest.mark.parametrize("how", ["mean", "vote", "stack", "best"])
def test_each_way_answers_for_itself_and_its_members_and_comes_back_from_files(how: str, tmp_path: Path) -> None:
    blend = fitted(how, wise=WISE, parrot=PARROT)
    assert set(next(iter(blend.predict(TEST)))) == {"stay", "stay@wise", "stay@parrot"} == set(blend.writes)
    blend.save(tmp_path)
    again = Blend({"wise": WISE, "parrot": PARROT}, "stay", how=how).load(tmp_path, TARGETS)
    np.testing.assert_array_equal(scores(again), scores(blend))
    assert auc(TRUTH, scores(blend)) > 0.6


def test_the_mean_is_the_mean_and_the_best_is_the_best_on_tune() -> None:
    mean, best = fitted("mean", wise=WISE, parrot=PARROT), fitted("best", parrot=PARROT, wise=WISE)
    np.testing.assert_allclose(scores(mean), (scores(mean, "stay@wise") + scores(mean, "stay@parrot")) / 2)
    assert best.fitted is not None and best.fitted.best == "wise"
    np.testing.assert_array_equal(scores(best), scores(best, "stay@wise"))


def test_a_stack_learns_from_out_of_fold_answers() -> None:
    """The parrot is always right on what it learnt: a stack of in-sample answers would follow it and fall to its level."""
    blend = fitted("stack", wise=WISE, parrot=PARROT)
    wise, parrot, stack = (auc(TRUTH, scores(blend, n)) for n in ("stay@wise", "stay@parrot", "stay"))
    seen = np.array([a["stay@parrot"].probabilities["long"] for a in blend.predict(TRAIN)])
    assert auc(np.array([c.truth["stay"].name == "long" for c in TRAIN]), seen) == 1.0
    assert parrot < wise - 0.1 and stack > wise - 0.02


def test_votes_are_counted_at_the_cut_of_each_member() -> None:
    blend = fitted("vote", a=WISE, b=PARROT, c=Tabular("naive Bayes", reads=("record",), writes=("stay",)))
    assert blend.fitted is not None
    for answer in list(blend.predict(TEST))[:100]:
        votes = sum(answer[f"stay@{m}"].probabilities["long"] >= cut for m, cut in blend.fitted.cuts.items())
        assert (answer["stay"].name == "long") == (votes >= 2)


@pytest.mark.parametrize("how", ["mean", "vote", "stack"])
def test_a_member_that_withholds_is_left_out(how: str) -> None:
    blend = fitted(how, wise=WISE, silent=SILENT)
    assert all(isinstance(a["stay"], Label) and isinstance(a["stay@silent"], Withheld) for a in blend.predict(TEST))
    alone = scores(fitted("mean", wise=WISE, silent=SILENT), "stay@wise")
    assert auc(TRUTH, scores(blend)) > auc(TRUTH, alone) - 0.1


def test_what_a_blend_refuses() -> None:
    with pytest.raises(StudyError, match="two members"):
        Blend({"one": WISE}, "stay")
    with pytest.raises(StudyError, match="no way 'media'"):
        Blend({"a": WISE, "b": PARROT}, "stay", how="media")
    line = Tabular("linear regression", reads=("record",), writes=("days",))
    with pytest.raises(StudyError, match="is for classes"):
        Blend({"a": line, "b": line}, "days", how="stack").fit(TRAIN, TUNE, {"days": Measures({"days": "d"}, "days", cut=None)}, Desk(SMOKE, 0))
    with pytest.raises(NotFitted):
        next(iter(Blend({"a": WISE, "b": PARROT}, "stay").predict(TEST)))


def test_a_run_judges_the_blend_and_every_member(tmp_path: Path) -> None:
    """Each member has rows of its own, inside and outside, at a cut of its own."""
    from dataclasses import replace

    from osteon import engine
    from osteon.report import report
    from osteon.studies import study

    blend = Blend({n: Tabular(n, reads=("record",), writes=("stay",)) for n in ("logistic regression", "decision tree")}, "stay", how="stack")
    declared = replace(study("etzel_2022"), models={"stack": blend}, analyses=())
    here, there = (engine.simulate("etzel_2022", tmp_path / site, cases=400, seed=seed, site=site) for seed, site in enumerate("AB"))
    run = engine.run(declared, here, budget=SMOKE, out=tmp_path / "run")
    labels = ("stack", "stack@logistic regression", "stack@decision tree")
    assert {r.source.model for r in run.rows} == set(labels) == set(run.labels)
    assert len({r.table.cut for r in run.rows if r.table}) == 3 and run.primary.source.model == "stack"
    assert report(run, study=declared).exists()
    assert [set(run.lines(label)["target"]) for label in labels] == [{"stay"}] * 3


SEQUENCES = ("t1", "t2", "fat_saturated")


def told(name: str) -> Formula:
    """A member that answers from one sequence alone."""
    return Formula(lambda **read: Label("long" if read[name] > 0.5 else "short", {"long": read[name], "short": 1 - read[name]}), reads=(name,), writes=("stay",))


def examined(n: int, seed: int) -> Cohort:
    """Examinations with three sequences, each of them missing in a third; the last one has none."""
    rng = np.random.default_rng(seed)
    truth = rng.random(n) < 0.5
    seen = np.clip(0.5 + 0.18 * (2 * truth[:, None] - 1) + 0.2 * rng.standard_normal((n, 3)), 0.01, 0.99)
    there = rng.random((n, 3)) < 2 / 3
    there[~there.any(axis=1), 0], there[-1] = True, False
    cases = [Case(f"{seed}-{i}", f"p{seed}-{i}", inputs={s: float(seen[i, k]) for k, s in enumerate(SEQUENCES) if there[i, k]}, truth={"stay": Label("long" if truth[i] else "short")}) for i in range(n)]
    return Cohort("sequences", "simulated", cases=cases)


@pytest.mark.parametrize("how", ["vote", "mean", "stack"])
def test_a_missing_sequence_leaves_the_votes_of_those_present(how: str, tmp_path: Path) -> None:
    members = {name: told(name) for name in SEQUENCES}
    blend = Blend(members, "stay", how=how).fit(examined(150, 1), examined(90, 2), TARGETS, Desk(SMOKE, 1))
    test = examined(300, 3)
    answers = list(blend.predict(test))
    assert isinstance(answers[-1]["stay"], Withheld), "withheld only where no sequence is there"
    given = [{m: a[f"stay@{m}"] for m in SEQUENCES if not isinstance(a[f"stay@{m}"], Withheld)} for a in answers[:-1]]
    assert {len(g) for g in given} == {1, 2, 3}
    for case, present in zip(test, given, strict=False):
        assert set(present) == set(case.inputs)
    sure = np.array([a["stay"].probabilities["long"] for a in answers[:-1]])
    truth = np.array([case.truth["stay"].name == "long" for case in test][:-1])
    count = np.array([len(g) for g in given])
    assert auc(truth[count == 3], sure[count == 3]) > auc(truth[count == 1], sure[count == 1]) > 0.65, "more sequences, surer answers; one is enough"
    if how == "vote" and blend.fitted is not None:
        for answer, present in zip(answers, given, strict=False):
            votes = [v.probabilities["long"] >= blend.fitted.cuts[m] for m, v in present.items()]
            if 2 * sum(votes) != len(votes):
                assert (answer["stay"].name == "long") == (2 * sum(votes) > len(votes))
    blend.save(tmp_path)
    again = [a["stay"] for a in Blend(members, "stay", how=how).load(tmp_path, TARGETS).predict(test)]
    assert [repr(a["stay"]) for a in answers] == [repr(a) for a in again]

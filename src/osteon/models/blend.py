"""Several models of one target answered together: mean, vote, stack, or the best on the tune part."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from osteon.cohort import Cohort
from osteon.errors import NotFitted, StudyError, message, near
from osteon.models.chain import out_of_fold
from osteon.models.protocol import Desk, Model
from osteon.targets import Classes, Target
from osteon.targets.leading import leading
from osteon.targets.lines import TRUE, judged
from osteon.value import Label, Value, Withheld

if TYPE_CHECKING:
    import pandas as pd

BATCH = 64
HOW = ("mean", "vote", "stack", "best")


@dataclass(frozen=True)
class Blend:
    """Members that answer one target, and how their answers become one; each member also answers as `target@member`.

    `mean` averages what is answered. `vote` (classes) counts sides: of two classes at each member's own cut, chosen on the tune part, else the
    likeliest class. `stack` (classes) learns a classifier, `learner`, from the out-of-fold answers of the members, folds by patient, so that no member
    is believed for what it memorised (Wolpert 1992). `best` keeps the member with the best leading metric on the tune part. A member that
    withholds is left out. Raises StudyError for a declaration against these rules.
    """

    members: Mapping[str, Model]
    target: str
    how: str = field(default="mean", kw_only=True)
    learner: str = field(default="logistic regression", kw_only=True)
    fitted: Rule | None = field(default=None, kw_only=True, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "members", MappingProxyType(dict(self.members)))
        if self.how not in HOW:
            raise StudyError(message("Blend", f"there is no way {self.how!r}", do=near(self.how, HOW)))
        if len(self.members) < 2 or any("@" in name or self.target not in model.writes for name, model in self.members.items()):
            raise StudyError(message("Blend", f"it takes two members or more that write {self.target!r}, named without @",
                                     found=f"Found { {n: m.writes for n, m in self.members.items()} }"))

    @property
    def reads(self) -> tuple[str, ...]:
        """Every input of a member."""
        return tuple(dict.fromkeys(r for model in self.members.values() for r in model.reads))

    @property
    def writes(self) -> tuple[str, ...]:
        """The target, and the target by each member."""
        return (self.target, *(f"{self.target}@{name}" for name in self.members))

    def fit(self, train: Cohort, tune: Cohort, targets: Mapping[str, Target], desk: Desk) -> Self:
        """Fit each member in a drawer of its name, then what the way of blending learns."""
        target = targets[self.target]
        if self.how in ("vote", "stack") and not isinstance(target, Classes):
            raise StudyError(message("Blend", f"{self.how!r} is for classes", expected="mean or best", found=f"Found {type(target).__name__}"))
        members = {name: model.fit(train, tune, targets, desk.drawer(name)) for name, model in self.members.items()}
        rule = Rule(target)
        if self.how == "stack":
            rule = _stacked(self, target, train, tune, targets, desk)
        elif self.how != "mean":
            rule = _tuned(target, {n: [a[self.target] for a in m.predict(tune)] for n, m in members.items()}, tune, self.target, best=self.how == "best")
        desk.notes.update({"how": self.how, "best": rule.best, "cuts": dict(rule.cuts)})
        return replace(self, members=members, fitted=rule)

    def predict(self, cohort: Cohort) -> Iterator[dict[str, Value]]:
        """The blended answer and each member's, in batches."""
        if self.fitted is None:
            raise NotFitted(message("Blend", "it was asked before it learned", do="Call fit or load first"))
        answers = zip(*(model.predict(cohort) for model in self.members.values()), strict=True)
        each = ({name: answer[self.target] for name, answer in zip(self.members, case, strict=True)} for case in answers)
        while batch := list(islice(each, BATCH)):
            for given, value in zip(batch, self.fitted.answers(batch, self.how), strict=True):
                yield {self.target: value, **{f"{self.target}@{name}": v for name, v in given.items()}}

    def save(self, folder: Path) -> None:
        """Each member in a folder by its number, the rule as rule.json, and a stacked classifier as a skops file."""
        if self.fitted is None:
            raise NotFitted(message("Blend", "there is nothing to save"))
        for number, model in enumerate(self.members.values(), 1):
            (folder / str(number)).mkdir(parents=True, exist_ok=True)
            model.save(folder / str(number))
        rule = self.fitted
        (folder / "rule.json").write_text(json.dumps({"how": self.how, "best": rule.best, "cuts": dict(rule.cuts)}), encoding="utf-8")
        if rule.stacked is not None:
            import skops.io

            skops.io.dump(rule.stacked, folder / "stacked.skops")

    def load(self, folder: Path, targets: Mapping[str, Target]) -> Self:
        """The blend with every member and its rule loaded."""
        from osteon.models.tabular import trusted

        members = {name: model.load(folder / str(n), targets) for n, (name, model) in enumerate(self.members.items(), 1)}
        rule = json.loads((folder / "rule.json").read_text(encoding="utf-8"))
        stacked = trusted(folder / "stacked.skops") if (folder / "stacked.skops").exists() else None
        return replace(self, members=members, fitted=Rule(targets[self.target], cuts=rule["cuts"], best=rule["best"], stacked=stacked))


@dataclass(frozen=True, eq=False)
class Rule:
    """What a blend learned: the cut of each member (vote), the name of the best one, or a fitted classifier on the members' probabilities (stack)."""

    target: Target
    cuts: Mapping[str, float] = field(default_factory=dict, kw_only=True)
    best: str = field(default="", kw_only=True)
    stacked: Any = field(default=None, kw_only=True)

    def answers(self, cases: Sequence[Mapping[str, Value]], how: str) -> list[Value]:
        """One value a case from those of the members; withheld only where every member (or the best one) withholds."""
        if how == "best":
            return [given[self.best] for given in cases]
        learned = iter(self._learned([given for given in cases if _known(given)])) if how == "stack" else iter(())
        return [self.target.mean(list(given.values())) if how == "mean" or not _known(given) else next(learned) if how == "stack" else self._voted(given) for given in cases]

    def _voted(self, given: Mapping[str, Value]) -> Value:
        assert isinstance(self.target, Classes)
        return _vote(self.target, _known(given), self.cuts)

    def _learned(self, cases: Sequence[Mapping[str, Value]]) -> list[Value]:
        if not cases:
            return []
        assert isinstance(self.target, Classes)
        names, chances = [str(c) for c in self.stacked.classes_], self.stacked.predict_proba(_columns(self.target, cases))
        full = [dict.fromkeys(self.target.names, 0.0) | dict(zip(names, row.tolist(), strict=True)) for row in chances]
        return [Label(max(chance, key=lambda n: chance[n]), chance) for chance in full]


def _known(given: Mapping[str, Value]) -> dict[str, Value]:
    """The answers that were given."""
    return {name: value for name, value in given.items() if not isinstance(value, Withheld)}


def _stacked(blend: Blend, target: Target, train: Cohort, tune: Cohort, targets: Mapping[str, Target], desk: Desk) -> Rule:
    """The classifier on out-of-fold answers: a member never answers for a patient it learnt from."""
    from osteon.models.tabular import outcomes, pipeline

    assert isinstance(target, Classes)
    found = {name: out_of_fold(model, train, tune, range(len(train)), targets, desk.drawer(f"{name}-out-of-fold")) for name, model in blend.members.items()}
    table = _columns(target, [{name: answers[i][blend.target] for name, answers in found.items()} for i in train.ids()])
    truth = outcomes(train, blend.target, target)
    known = truth.notna().to_numpy()
    learner = pipeline(blend.learner, table, {}, desk.drawer("stack").seed, folds=min(5, int(truth[known].value_counts().min())))
    return Rule(target, stacked=learner.fit(table[known], truth[known].to_numpy()))


def _tuned(target: Target, answers: Mapping[str, Sequence[Value]], tune: Cohort, name: str, *, best: bool) -> Rule:
    """The cut of each member for the main finding, or the member with the best leading metric."""
    lines = {member: _lines(target, tune, values, name) for member, values in answers.items()}
    if not best:
        return Rule(target, cuts={m: _cut(target, judged(found)) for m, found in lines.items() if len(found)})
    metric, more = leading(target)
    worth = {m: (1 if more else -1) * float(target.metrics(found)[metric].estimate) if len(found) else float("nan") for m, found in lines.items()}
    return Rule(target, best=max(worth, key=lambda m: -np.inf if np.isnan(worth[m]) else worth[m]))


def _cut(target: Target, known: pd.DataFrame) -> float:
    truth = (known["state"] == TRUE).to_numpy()
    rule = target.cut
    if rule is None or not hasattr(rule, "choose") or truth.all() or not truth.any():
        return 0.5
    return float(rule.choose(truth, known["score"].to_numpy(float)))


def _lines(target: Target, cohort: Cohort, values: Sequence[Value], name: str) -> pd.DataFrame:
    """The lines of the main finding of one member on the tune part."""
    import pandas as pd

    rows = [{"patient": case.patient, "fold": "tune", "cut": np.nan} | line.plain()
            for case, value in zip(cohort, values, strict=True) if name in case.truth for line in target.compare(case.truth[name], value) if line.finding == target.findings[0]]
    return pd.DataFrame(rows)


def _vote(target: Classes, given: Mapping[str, Value], cuts: Mapping[str, float]) -> Label:
    """(votes + mean probability) / (members + 1): one vote more is shared, so that equal votes are decided by the probabilities."""
    finding = target.findings[0]
    other = next(n for n in target.names if n != finding)
    votes = dict.fromkeys(target.names, 0.0)
    for member, value in given.items():
        assert isinstance(value, Label)
        side = value.name if len(target.names) > 2 else finding if target.score(value, finding) >= cuts.get(member, 0.5) else other
        votes[side] += 1
    share = {n: (votes[n] + float(np.mean([target.score(v, n) for v in given.values()]))) / (len(given) + 1) for n in target.names}
    return Label(max(share, key=lambda n: share[n]), share)


def _columns(target: Classes, rows: Sequence[Mapping[str, Value]]) -> pd.DataFrame:
    """One column a member and class, the first class left out; NaN where a member withheld."""
    import pandas as pd

    return pd.DataFrame([{f"{m}: {n}": np.nan if isinstance(v, Withheld) else target.score(v, n) for m, v in row.items() for n in target.names[1:]} for row in rows], dtype=float)

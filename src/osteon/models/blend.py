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

BATCH, PARTS = 64, 5  # cases answered at once, and the most parts that out-of-fold answers are given in
HOW = ("mean", "vote", "stack", "best", "leaky stack")


@dataclass(frozen=True)
class Blend:
    """Members that answer one target, and how their answers become one; each member also answers as `target@member`.

    `mean` averages what is answered. `vote` (classes) counts sides: of two classes at each member's own cut, chosen on the tune part, else the
    likeliest class. `stack` (classes) learns a classifier, `learner`, from the out-of-fold answers of the members, folds by patient, so that no member
    is believed for what it memorised (Wolpert 1992). `best` keeps the member with the best leading metric on the tune part. `leaky stack` learns from answers
    about cases that the members were fitted on: wrong on purpose, to show what out-of-fold answers are worth. A member that withholds is left out.
    `beside` names further ways of the same members, which answer as `target@way`. Raises StudyError for a declaration against these rules.
    """

    members: Mapping[str, Model]
    target: str
    how: str = field(default="mean", kw_only=True)
    learner: str = field(default="logistic regression", kw_only=True)
    beside: tuple[str, ...] = field(default=(), kw_only=True)
    fitted: Rule | None = field(default=None, kw_only=True, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "members", MappingProxyType(dict(self.members)))
        for way in (self.how, *self.beside):
            if way not in HOW:
                raise StudyError(message("Blend", f"there is no way {way!r}", do=near(way, HOW)))
        if len({self.how, *self.beside, *self.members}) < 1 + len(self.beside) + len(self.members):
            raise StudyError(message("Blend", "a way or a member stands twice", found=f"Found {(self.how, *self.beside, *self.members)}"))
        if len(self.members) < 2 or any("@" in name or self.target not in model.writes for name, model in self.members.items()):
            raise StudyError(message("Blend", f"it takes two members or more that write {self.target!r}, named without @",
                                     found=f"Found { {n: m.writes for n, m in self.members.items()} }"))

    @property
    def reads(self) -> tuple[str, ...]:
        """Every input of a member."""
        return tuple(dict.fromkeys(r for model in self.members.values() for r in model.reads))

    @property
    def writes(self) -> tuple[str, ...]:
        """The target, and the target by each member and by each way beside."""
        return (self.target, *(f"{self.target}@{name}" for name in (*self.members, *self.beside)))

    def fit(self, train: Cohort, tune: Cohort, targets: Mapping[str, Target], desk: Desk) -> Self:
        """Fit each member in a drawer of its name, then what the way of blending learns."""
        target = targets[self.target]
        for way in (self.how, *self.beside):
            if way not in ("mean", "best") and not isinstance(target, Classes):
                raise StudyError(message("Blend", f"{way!r} is for classes", expected="mean or best", found=f"Found {type(target).__name__}"))
        members = {name: model.fit(train, tune, targets, desk.drawer(name)) for name, model in self.members.items()}
        learnt = replace(self, members=members)
        rules = {way: learnt._rule(way, (train, tune), targets, desk, specs=self.members) for way in (self.how, *self.beside)}
        rule = replace(rules.pop(self.how), beside=rules)
        desk.notes.update({"how": self.how, "best": rule.best, "cuts": dict(rule.cuts)})
        return replace(learnt, fitted=rule)

    def _rule(self, how: str, parts: tuple[Cohort, Cohort], targets: Mapping[str, Target], desk: Desk, *, specs: Mapping[str, Model]) -> Rule:
        """What one way learns, given the fitted members and their unfitted specs."""
        target, (train, tune) = targets[self.target], parts
        if how == "mean":
            return Rule(target)
        if how == "stack":
            ids = train.ids()
            found = {name: out_of_fold(spec, train, tune, range(len(train)), targets, desk.drawer(f"{name}-out-of-fold"), parts=max(2, min(PARTS, desk.budget.limits.fits))) for name, spec in specs.items()}
            return _stacked(self, target, train, {name: [answers[i][self.target] for i in ids] for name, answers in found.items()}, desk)
        answers = {name: [a[self.target] for a in model.predict(train if how == "leaky stack" else tune)] for name, model in self.members.items()}
        if how == "leaky stack":
            return _stacked(self, target, train, answers, desk)
        return _tuned(target, answers, tune, self.target, best=how == "best")

    def predict(self, cohort: Cohort) -> Iterator[dict[str, Value]]:
        """The blended answer and each member's, in batches."""
        if self.fitted is None:
            raise NotFitted(message("Blend", "it was asked before it learned", do="Call fit or load first"))
        answers = zip(*(model.predict(cohort) for model in self.members.values()), strict=True)
        each = ({name: answer[self.target] for name, answer in zip(self.members, case, strict=True)} for case in answers)
        while batch := list(islice(each, BATCH)):
            beside = {way: self.fitted.beside[way].answers(batch, way) for way in self.beside}
            for k, (given, value) in enumerate(zip(batch, self.fitted.answers(batch, self.how), strict=True)):
                yield {self.target: value, **{f"{self.target}@{name}": v for name, v in given.items()}, **{f"{self.target}@{way}": values[k] for way, values in beside.items()}}

    def save(self, folder: Path) -> None:
        """Each member in a folder by its number, the rule of each way as JSON, and a stacked classifier as a skops file."""
        if self.fitted is None:
            raise NotFitted(message("Blend", "there is nothing to save"))
        for number, model in enumerate(self.members.values(), 1):
            (folder / str(number)).mkdir(parents=True, exist_ok=True)
            model.save(folder / str(number))
        for way, rule in {self.how: self.fitted, **self.fitted.beside}.items():
            rule.save(folder, way, tuple(self.members), main=way == self.how)

    def load(self, folder: Path, targets: Mapping[str, Target]) -> Self:
        """The blend with every member that was saved, and its rules."""
        kept = json.loads((folder / "rule.json").read_text(encoding="utf-8")).get("members", list(self.members))
        members = {name: self.members[name].load(folder / str(n), targets) for n, name in enumerate(kept, 1)}
        rules = {way: _loaded(folder, way, targets[self.target], main=way == self.how) for way in (self.how, *self.beside)}
        return replace(self, members=members, fitted=replace(rules.pop(self.how), beside=rules))


def _file(way: str, kind: str, *, main: bool) -> str:
    """The name of a file of a way: plain for the blend's own."""
    return f"{kind}" if main else f"{way.replace(' ', '-')}-{kind}"


def _loaded(folder: Path, way: str, target: Target, *, main: bool) -> Rule:
    from osteon.models.tabular import trusted

    rule = json.loads((folder / _file(way, "rule.json", main=main)).read_text(encoding="utf-8"))
    stacked = folder / _file(way, "stacked.skops", main=main)
    return Rule(target, cuts=rule["cuts"], best=rule["best"], stacked=trusted(stacked) if stacked.exists() else None)


@dataclass(frozen=True, eq=False)
class Rule:
    """What a blend learned: the cut of each member (vote), the name of the best one, or a fitted classifier on the members' probabilities (stack)."""

    target: Target
    cuts: Mapping[str, float] = field(default_factory=dict, kw_only=True)
    best: str = field(default="", kw_only=True)
    stacked: Any = field(default=None, kw_only=True)
    beside: Mapping[str, Rule] = field(default_factory=dict, kw_only=True)

    def save(self, folder: Path, how: str, members: tuple[str, ...], *, main: bool) -> None:
        """The rule as JSON, and a stacked classifier as a skops file."""
        plain = {"how": how, "members": members, "best": self.best, "cuts": dict(self.cuts)}
        (folder / _file(how, "rule.json", main=main)).write_text(json.dumps(plain), encoding="utf-8")
        if self.stacked is not None:
            import skops.io

            skops.io.dump(self.stacked, folder / _file(how, "stacked.skops", main=main))

    def answers(self, cases: Sequence[Mapping[str, Value]], how: str) -> list[Value]:
        """One value a case from those of the members; withheld only where every member (or the best one) withholds."""
        if how == "best":
            return [given[self.best] for given in cases]
        learned = iter(self._learned([given for given in cases if _known(given)])) if how.endswith("stack") else iter(())
        return [self.target.mean(list(given.values())) if how == "mean" or not _known(given) else next(learned) if how.endswith("stack") else self._voted(given) for given in cases]

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


def _stacked(blend: Blend, target: Target, train: Cohort, found: Mapping[str, Sequence[Value]], desk: Desk) -> Rule:
    """The classifier on what the members answer of the train part."""
    from osteon.models.tabular import outcomes, pipeline

    assert isinstance(target, Classes)
    table = _columns(target, [dict(zip(found, case, strict=True)) for case in zip(*found.values(), strict=True)])
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


def slimmed(model: Any, most: int) -> Any:
    """A model whose blends have no more than so many members (two at least), the first ones, and those that cost next to nothing; the model itself where they have not."""
    from osteon.models.arms import Arm
    from osteon.models.chain import Chain
    from osteon.models.formula import Formula
    from osteon.models.tabular import Tabular

    if isinstance(model, Blend):
        dear = [name for name, member in model.members.items() if not isinstance(member, (Formula, Tabular))]
        gone = set(dear[max(2, most):])
        return replace(model, members={name: member for name, member in model.members.items() if name not in gone}) if gone else model
    inside = (model.model,) if isinstance(model, Arm) else getattr(model, "steps", ())
    fewer = tuple(slimmed(step, most) for step in inside)
    if all(new is old for new, old in zip(fewer, inside, strict=True)):
        return model
    return replace(model, model=fewer[0]) if isinstance(model, Arm) else Chain(*fewer)


def answering(model: Any, name: str) -> Any:
    """The member of a blend by its name, wherever in an arm or a chain the blend stands; the blend itself where `name` is a way beside. Raises StudyError where there is none."""
    from osteon.models.arms import bare

    whole = bare(model)
    if isinstance(whole, Blend):
        return whole.members.get(name, whole)
    for step in getattr(whole, "steps", ()):
        if any(w.endswith(f"@{name}") for w in step.writes):
            return answering(step, name)
    raise StudyError(message("model", f"it has no member {name!r}"))

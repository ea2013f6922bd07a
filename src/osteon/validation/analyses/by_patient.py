"""From answers about images to one about the patient, by a stated rule, on every level of test data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from osteon.errors import DataError, StudyError, message, near
from osteon.run import Run
from osteon.study import Study
from osteon.targets.lines import TRUE, Youden, answered
from osteon.validation.analyses.asked import Asked, asked
from osteon.validation.results import SHARE, Result

if TYPE_CHECKING:
    import pandas as pd

    from osteon.stats.intervals import Interval

BY_RULE, ALONE, IMAGES = "patients right", "patients right, one image each", "images right"
LEAST = 0.5  # the cut where the tune part leaves none to choose
LEVELS = {"test": "internal test"}


@dataclass(frozen=True, eq=False)
class Judged:
    """Patients of one model, a row each: fold, part, highest score of each class over their images, place of the true class in the order, that called by the first image alone, and of how many images it is right."""

    table: pd.DataFrame
    order: tuple[str, ...]

    def called(self, cuts: dict[str, float]) -> np.ndarray:
        """The place of the class that the rule gives each patient: the worst one whose highest score reaches its cut, else the mildest."""
        places = np.zeros(len(self.table), int)
        for k, name in enumerate(self.order[1:], 1):
            places[self.table[name].to_numpy(float) >= cuts[name]] = k
        return places

    def cuts(self) -> dict[str, float]:
        """The best cut of each class but the mildest (Youden) among patients who have none that is worse; a half where one state is all there is."""
        out, truth = {}, self.table["truth"].to_numpy(int)
        for k, name in enumerate(self.order[1:], 1):
            known = (truth <= k) & (truth >= 0)
            states = truth[known] == k
            out[name] = Youden().choose(states, self.table[name].to_numpy(float)[known]) if states.any() and not states.all() else LEAST
        return out


@dataclass(frozen=True)
class ByPatient:
    """What a model says of a patient of whom it saw several images: the worst class of `order` (mildest first) whose highest score over them reaches its cut, the mildest where none does.

    Cuts are chosen on the patients of the tune part. Beside it stand what one image a patient would say, and the share of images; on the test part and on every further one, and within the
    groups of the attributes `by`. The truth of a patient is the worst class of the images, or, where the attribute `proof` tells it, that (a class, or its place in the order from 0 on); `reading` is what a reader said of such patients.
    """

    order: tuple[str, ...]
    target: str = ""
    proof: str = field(default="", kw_only=True)
    reading: str = field(default="", kw_only=True)
    by: tuple[str, ...] = field(default=(), kw_only=True)

    @property
    def columns(self) -> tuple[str, ...]:
        """The attributes that are read."""
        return tuple(filter(None, (self.proof, self.reading, *self.by)))

    def __call__(self, run: Run, study: Study) -> Iterator[Result]:
        """A group a model, part and group of cases. Raises StudyError for classes that are no findings of the target, DataError where nothing was answered."""
        question = asked(study, self.target)
        strangers = [name for name in self.order if name not in question.target.findings]
        if strangers or len(self.order) < 2:
            raise StudyError(message("analysis ByPatient", "these are no classes of the target", expected=f"two or more of {', '.join(question.target.findings)}", found=f"Found {self.order}",
                                     do=near(strangers[0], question.target.findings) if strangers else ""))
        told = self._told(run)
        for label in question.labels(run):
            found = self._patients(run, question, label, told)
            yield from self._of_model(label, found, told)
        if self.reading and self.proof:
            yield from self._read(found, told)

    def _told(self, run: Run) -> pd.DataFrame:
        """The attributes of each patient, classes as places in the order (-1 for another word); a column of a run without any is empty."""
        table = run.table("cases").drop_duplicates("patient").set_index("patient")
        table = table.reindex(columns=list(self.columns)).astype(object)
        return table.assign(**{name: table[name].map(self._place, na_action="ignore") for name in filter(None, (self.proof, self.reading))})

    def _place(self, cell: object) -> float:
        places = {name: float(k) for k, name in enumerate(self.order)} | {k: float(k) for k in range(len(self.order))}
        return places.get(cell, -1.0)  # type: ignore[call-overload, no-any-return]

    def _patients(self, run: Run, question: Asked, label: str, told: pd.DataFrame) -> Judged:
        lines = answered(run.lines(label))
        lines = lines[(lines["target"] == question.name) & ~lines["unit"].isin(("lesion", "mark")) & lines["finding"].isin(self.order)]
        if not len(lines):
            raise DataError(message("analysis ByPatient", f"{label} answered no image", expected=f"answers of {question.name!r}"))
        images = lines.assign(there=lines["state"] == TRUE).pivot(index=["fold", "part", "patient", "case"], columns="finding", values=["score", "there"])
        scores = images["score"].reindex(columns=list(self.order)).astype(float)
        true = _last(images["there"].reindex(columns=list(self.order)).to_numpy(bool))
        named = scores.to_numpy(float).argmax(axis=1)
        each = scores.assign(truth=true, alone=named, images=1, right=named == true)
        grouped = each.groupby(level=["fold", "part", "patient"], sort=False)
        table = grouped[list(self.order)].max().assign(**grouped[["truth"]].max(), **grouped[["alone"]].first(), **grouped[["images", "right"]].sum())
        return Judged(self._proved(table.reset_index(), told), self.order)

    def _proved(self, table: pd.DataFrame, told: pd.DataFrame) -> pd.DataFrame:
        """The patients with the truth of the proof where there is one; one whose proof is no class of the order is not judged."""
        if not self.proof:
            return table
        proof = table["patient"].map(told[self.proof]).astype(float)
        return table.assign(truth=np.where(proof.notna(), proof.fillna(-1), table["truth"]).astype(int))

    def _of_model(self, label: str, found: Judged, told: pd.DataFrame) -> Iterator[Result]:
        parts = [_called(found, fold) for fold in dict.fromkeys(found.table["fold"])]
        table = parts[0] if len(parts) == 1 else _joined(parts)
        for part in dict.fromkeys(("test", *table["part"])):
            here = table[(table["part"] == part) & (table["truth"] >= 0)]
            level = f"{label}, {LEVELS.get(part, part)}"
            yield from _results(level, here, self.order)
            for name in self.by:
                groups = here["patient"].map(told[name])
                for value in sorted(set(groups.dropna()), key=str) if groups.nunique() > 1 else ():
                    yield from _results(f"{level}, {name} {value:g}" if isinstance(value, float) else f"{level}, {name} {value}", here[groups == value], self.order)

    def _read(self, found: Judged, told: pd.DataFrame) -> Iterator[Result]:
        """How often a reader was right where the truth is proved."""
        proved = found.table["patient"].map(told[self.proof]).astype(float) >= 0
        known = found.table[(found.table["part"] != "tune") & proved].drop_duplicates("patient")
        read = known["patient"].map(told[self.reading]).astype(float)
        known = known.assign(called=read)[read >= 0]
        for part in dict.fromkeys(known["part"]):
            here = known[known["part"] == part]
            yield Result(BY_RULE, f"the reading, {LEVELS.get(part, part)}", value=_share(here["called"] == here["truth"]), n=len(here), unit=SHARE)


def _last(there: np.ndarray) -> np.ndarray:
    """The place of the last true column of each row; -1 where there is none."""
    return np.where(there.any(axis=1), there.shape[1] - 1 - there[:, ::-1].argmax(axis=1), -1)


def _called(found: Judged, fold: str) -> pd.DataFrame:
    """The patients of a fold that were not tuned on, with what the rule calls them at the cuts of the fold."""
    mine = found.table[found.table["fold"] == fold]
    cuts = Judged(mine[mine["part"] == "tune"], found.order).cuts()
    tested = mine[mine["part"] != "tune"]
    return tested.assign(called=Judged(tested, found.order).called(cuts))


def _joined(parts: list[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    return pd.concat(parts, ignore_index=True)


def _results(group: str, here: pd.DataFrame, order: tuple[str, ...]) -> Iterator[Result]:
    """Patients right by the rule, in all and of each class, those told apart by the worst class, what one image each gives, and images right."""
    from osteon.stats.clusters import clustered_proportion

    if not len(here):
        return
    truth, called, n = here["truth"].to_numpy(int), here["called"].to_numpy(int), len(here)
    yield Result(BY_RULE, group, value=_share(called == truth), n=n, unit=SHARE)
    for k, name in reversed(list(enumerate(order))):
        yield Result(f"{name}, right", group, value=_share(called[truth == k] == k), n=int((truth == k).sum()), unit=SHARE)
    yield Result(f"{order[-1]} or not, right", group, value=_share((called == len(order) - 1) == (truth == len(order) - 1)), n=n, unit=SHARE)
    yield Result(ALONE, group, value=_share(here["alone"].to_numpy(int) == truth), n=n, unit=SHARE)
    right, images = here["right"].to_numpy(int), here["images"].to_numpy(int)
    hits = np.concatenate([np.arange(m) < r for r, m in zip(right, images, strict=True)])
    yield Result(IMAGES, group, value=clustered_proportion(hits, np.repeat(here["patient"].to_numpy(str), images)), n=int(images.sum()), unit=SHARE)


def _share(hits: np.ndarray | pd.Series) -> Interval:
    from osteon.stats.intervals import undefined, wilson

    return wilson(int(np.sum(hits)), len(hits)) if len(hits) else undefined("no such patient")

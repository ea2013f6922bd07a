"""Does a shortcut explain the answers? Of the pictures: what their grey levels alone tell. Of the model: what it answers when a place, or the exposure, is taken away.

Zech JR et al. PLoS Med 2018; 15: e1002683 and Badgeley MA et al. NPJ Digit Med 2019; 2: 31 (a network that knows the hospital, the scanner and the ward, and
answers by them); DeGrave AJ et al. Nat Mach Intell 2021; 3: 610.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np

from osteon.cohort import Cohort
from osteon.models import Model
from osteon.stats.intervals import Interval
from osteon.targets import Target
from osteon.validation.leaks_labels import LIKELY, both_states, pictured, told_by
from osteon.validation.material import Divided, Found
from osteon.value import Grid, Picture, Withheld

MARGIN = 1 / 8  # of each side
FALL = 0.05  # lower limit of the fall of the AUC from which an answer rests on what was taken away
LEVELS = np.linspace(0, 1, 65)
FEWEST = 30  # cases, and five of each state


def grey_levels(divided: Divided) -> Iterator[Found]:
    """Mean, spread, percentiles, noise and sharpness of the border of the picture, and its size, that tell the finding together: learnt on one part, measured on the test part.

    The border, because a finding seldom lies there and the exposure shows there too; always a warning, for a disease may change a whole film.
    """
    prints, states = divided.material.prints, divided.material.states
    learnt, test = pictured(divided)
    if prints is None or not (both_states(states[learnt]) and both_states(states[test])):
        return
    from sklearn.linear_model import LogisticRegression

    centre, spread = prints.border[learnt].mean(0), prints.border[learnt].std(0)
    table = np.nan_to_num(np.clip((prints.border - centre) / np.where(spread > 0, spread, 1), -5, 5))
    scores = LogisticRegression(C=1.0, max_iter=1000).fit(table[learnt], states[learnt] == 1).decision_function(table)
    for found in told_by(scores[test], divided, test, "a rule that sees only the grey levels and noise of the border, and the size of the picture,", scores):
        yield replace(found, error=False)


@dataclass(frozen=True)
class Taken:
    """What a model still tells after something was taken from every picture: AUC as it was and after, and the fall, paired on the same cases."""

    change: str
    before: Interval
    after: Interval = field(kw_only=True)
    fall: Interval = field(kw_only=True)

    @property
    def betrays(self) -> bool:
        """Whether the margin alone tells the finding, or the answer falls where the exposure is made alike; a covered margin alone proves nothing, for covering disturbs too."""
        if self.change == ALONE:
            return self.after.defined and self.after.lower >= LIKELY
        return self.change == EVENED and self.fall.defined and self.fall.lower > FALL


def taken_away(model: Model, cohort: Cohort, learnt: Cohort, *, picture: str, asked: tuple[str, Target]) -> tuple[Taken, ...]:
    """The main finding of a target (its name, itself) asked of tested cases as they are, with the margin covered, from the margin alone, and at the grey levels of those `learnt` from.

    Empty where fewer than 30 cases, or five of a state, are answered each time.
    """
    name, target = asked
    finding = target.findings[0]
    cases = [c for c in cohort if name in c.truth and picture in c.inputs and not isinstance(c.truth[name], Withheld)]
    states = np.array([np.nan if (s := target.is_positive(c.truth[name], finding)) is None else float(s) for c in cases], float)
    reference = usual_levels(learnt, picture)
    scores = {"": _scores(model, replace(cohort, cases=cases), asked, finding)}
    for change, make in CHANGES.items():
        scores[change] = _scores(model, replace(cohort, cases=cases).map(lambda c, make=make: c.with_inputs(**{picture: make(c.inputs[picture], reference)})), asked, finding)  # type: ignore[misc]
    known = np.isfinite(states) & np.all([np.isfinite(s) for s in scores.values()], axis=0)
    if known.sum() < FEWEST or not both_states(states[known]):
        return ()
    patients = np.array([c.patient for c in cases], object)[known]
    return tuple(_taken(change, states[known] == 1, (scores[""][known], scores[change][known]), patients) for change in CHANGES)


def _scores(model: Model, cohort: Cohort, asked: tuple[str, Target], finding: str) -> np.ndarray:
    given = [answer[asked[0]] for answer in model.predict(cohort)]
    return np.array([np.nan if isinstance(v, Withheld) else asked[1].score(v, finding) for v in given], float)


def _taken(change: str, truth: np.ndarray, scores: tuple[np.ndarray, np.ndarray], patients: np.ndarray) -> Taken:
    from osteon.stats.clusters import bootstrap_auc_difference
    from osteon.stats.roc import compare_aucs
    from osteon.targets.lines import auc_of

    alone = len(set(patients.tolist())) == len(patients)
    fall = compare_aucs(truth, *scores)[0] if alone else bootstrap_auc_difference(truth, *scores, patients)
    return Taken(change, auc_of(truth, scores[0], patients), after=auc_of(truth, scores[1], patients), fall=fall)


def usual_levels(cohort: Cohort, name: str, most: int = 40) -> np.ndarray:
    """The mean quantiles (65,) of the grey levels of some pictures."""
    some = np.unique(np.linspace(0, len(cohort) - 1, min(most, len(cohort))).astype(int))
    found = [np.quantile(p.array.ravel()[:: max(1, p.array.size // 20000)], LEVELS) for i in some.tolist() if isinstance(p := cohort.cases[i].inputs.get(name), Picture)]
    return np.mean(found, axis=0) if found else LEVELS


def _margins(array: np.ndarray) -> tuple[int, int]:
    return max(1, round(MARGIN * array.shape[0])), max(1, round(MARGIN * array.shape[1]))


def covered(picture: Picture, reference: np.ndarray) -> Picture:
    """The margin replaced by what lies at its inner edge."""
    rows, cols = _margins(picture.array)
    inner = picture.array[rows:-rows, cols:-cols]
    return _of(picture, np.pad(inner, ((rows, rows), (cols, cols), *[(0, 0)] * (inner.ndim - 2)), mode="edge"))


def alone(picture: Picture, reference: np.ndarray) -> Picture:
    """All but the margin replaced by the mean of the margin."""
    rows, cols = _margins(picture.array)
    out, edge = np.array(picture.array), np.ones(picture.array.shape[:2], bool)
    edge[rows:-rows, cols:-cols] = False
    out[~edge] = out[edge].mean()
    return _of(picture, out)


def evened(picture: Picture, reference: np.ndarray) -> Picture:
    """The grey levels mapped, in their order, to those that are usual."""
    own = np.quantile(picture.array.ravel()[:: max(1, picture.array.size // 20000)], LEVELS)
    own = own + 1e-9 * np.arange(len(own)) * max(1.0, float(np.ptp(own)))
    return _of(picture, np.interp(picture.array, own, reference))


def _of(picture: Picture, array: np.ndarray) -> Picture:
    grid: Grid = picture.grid
    return replace(picture, array=array.astype(picture.array.dtype), grid=grid)


COVERED, ALONE, EVENED = "margin covered", "the margin alone", "grey levels made alike"
CHANGES: Mapping[str, Callable[[Picture, np.ndarray], Picture]] = MappingProxyType({COVERED: covered, ALONE: alone, EVENED: evened})

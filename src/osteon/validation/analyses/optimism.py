"""How much better a model looks where its columns were chosen, or it was judged, on the cases that it is tested on.

Ambroise C, McLachlan GJ. PNAS 2002; 99: 6562 (selection bias); Simon R et al. J Natl Cancer Inst 2003; 95: 14. Two estimates that flatter were noted by the
fits themselves; the third is that of the test part, which had no say in anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from osteon.errors import DataError, message
from osteon.run import Run
from osteon.seeds import derive
from osteon.study import Study
from osteon.targets.lines import TRUE, judged
from osteon.validation.analyses.asked import Asked, asked
from osteon.validation.results import Result

if TYPE_CHECKING:
    import pandas as pd

APPARENT, OUTSIDE, TESTED = "apparent AUC", "AUC, columns chosen outside of the folds", "AUC, columns chosen inside of the folds"
GAINS = {"optimism of the apparent AUC": APPARENT, "optimism of choosing outside": OUTSIDE}
METHOD = "mean over folds, patient bootstrap"


class Scored(NamedTuple):
    """Cases of one part: truth, score, and the patient of each by number."""

    truth: np.ndarray
    score: np.ndarray
    patient: np.ndarray


@dataclass(frozen=True)
class Optimism:
    """For every model that selects its columns: the apparent AUC, that with columns chosen outside of the folds, that of the test part, and how much the first two flatter.

    Intervals are from the same resamples of patients for all three; they hold for the fits as they are, and know nothing of how a fit would vary.
    """

    target: str = ""
    resamples: int = 500

    @property
    def columns(self) -> tuple[str, ...]:
        """No attribute of a case is read."""
        return ()

    def __call__(self, run: Run, study: Study) -> Iterator[Result]:
        """Five figures a model, three of one that keeps every column. Raises DataError where no fit noted what would flatter it."""
        question, split = asked(study, self.target), run.table("split")
        number = {patient: k for k, patient in enumerate(dict.fromkeys(split["patient"]))}
        drawn = _drawn(len(number), self.resamples, derive(int(run.about["seed"]), type(self).__name__) % 2**32)
        told = False
        for label in question.labels(run):
            parts = _parts(run, question, label, split, number)
            if parts:
                told = True
                yield from _results(label, parts, drawn)
        if not told:
            raise DataError(message(f"analysis {type(self).__name__}", "no model noted what would flatter it", expected="a Tabular model with select=Selection(...), four cases or more of each class"))


def _drawn(patients: int, resamples: int, seed: int) -> np.ndarray:
    """Every patient once, then resamples (1 + resamples, patients)."""
    from osteon.stats.clusters import draws

    return np.vstack([np.arange(patients, dtype=np.int32), draws(patients, resamples=resamples, seed=seed)])


def _parts(run: Run, question: Asked, label: str, split: pd.DataFrame, number: Mapping[str, int]) -> dict[str, list[Scored]]:
    """The parts of each estimate, of the folds that were tested and whose fits noted scores; empty where there is none."""
    out: dict[str, list[Scored]] = {APPARENT: [], OUTSIDE: [], TESTED: []}
    lines = judged(question.tested(run, label))
    for note in run.notes(label):
        tested = lines[lines["fold"] == note["fold"]]
        fits = {key.split(" ")[1]: fit for key, fit in note.items() if key.startswith("fit ") and isinstance(fit, dict) and fit.get("flattered", {}).get("truth")}
        if not fits or tested["state"].nunique() < 2:
            continue
        out[TESTED].append(Scored((tested["state"] == TRUE).to_numpy(), tested["score"].to_numpy(float), _numbers(tested["patient"], number)))
        for k, fit in fits.items():
            here = split[(split["fold"] == note["fold"]) & split["part"].isin(("train", f"train {k}"))]["patient"]
            _add(out, fit, _numbers(here.iloc[fit["flattered"]["rows"]], number))
    return out if out[TESTED] else {}


def _numbers(patients: pd.Series, number: Mapping[str, int]) -> np.ndarray:
    return np.array([number[p] for p in patients], np.int32)


def _add(out: dict[str, list[Scored]], fit: Mapping[str, Any], patient: np.ndarray) -> None:
    """The two flattering estimates of one fit: one part, and, where something was chosen, one part for each inner fold."""
    truth, apparent, outside, fold = (np.asarray(fit["flattered"][key]) for key in ("truth", "apparent", "outside", "fold"))
    out[APPARENT].append(Scored(truth == 1, apparent, patient))
    if fit["selection"]["sets"]:
        out[OUTSIDE] += [Scored(truth[fold == k] == 1, outside[fold == k], patient[fold == k]) for k in np.unique(fold)]


def _results(label: str, parts: Mapping[str, list[Scored]], drawn: np.ndarray) -> Iterator[Result]:
    from dataclasses import replace

    from osteon.stats.clusters import from_resamples

    areas, n = {what: _mean_area(found, drawn) for what, found in parts.items() if found}, sum(len(p.truth) for p in parts[TESTED])
    for what, area in areas.items():
        yield Result(what, label, value=replace(from_resamples(float(area[0]), area[1:]), method=METHOD), n=n)
    for what, flattering in ((what, flattering) for what, flattering in GAINS.items() if flattering in areas):
        gain = areas[flattering] - areas[TESTED]
        yield Result(what, label, value=replace(from_resamples(float(gain[0]), gain[1:]), method=METHOD), n=n)


def _mean_area(parts: list[Scored], drawn: np.ndarray) -> np.ndarray:
    """The mean AUC (1 + resamples,) of some parts; a resample in which a part holds one class leaves that part out."""
    found = np.stack([_area(part, drawn) for part in parts])
    known = ~np.isnan(found)
    total = np.where(known, found, 0.0).sum(0)
    return np.divide(total, known.sum(0), out=np.full(total.shape, np.nan), where=known.any(0))


def _area(part: Scored, drawn: np.ndarray) -> np.ndarray:
    """The AUC of a part in each resample of all patients; one case without weight stands for the patient of the highest number, so that every number is known."""
    from osteon.stats.clusters import resampled_auc

    one = np.ones(len(part.truth))
    return resampled_auc(np.append(part.truth, False), np.append(part.score, 0.0), np.append(part.patient, drawn.shape[1] - 1).astype(np.intp), drawn, weights=np.append(one, 0.0))

"""Screening played through on a labelled set: in which order records would have been served, how much work that saves, and where a rule would have stopped."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from osteon.errors import DataError, listed, message
from osteon.evidence.pool_table import read_csv
from osteon.evidence.review.ranking import Model, features_for, model_named, screening_order
from osteon.evidence.review.stopping import Rule, Safe, seen_labels
from osteon.evidence.review.text_features import Features

LABEL_COLUMNS = ("label_included", "included", "label", "relevant")
NUMBER_COLUMNS = ("record_id", "record", "id")


@dataclass(frozen=True)
class LabelledSet:
    """Records with the final decision: names, texts (title and abstract), labels (1 relevant, 0 not)."""

    name: str
    texts: tuple[str, ...]
    _: KW_ONLY
    labels: NDArray[np.int8]
    records: tuple[str, ...]


@dataclass(frozen=True)
class Screening:
    """One simulated screening: records known beforehand (``prior``) and positions in the order of screening; measures leave the prior records out."""

    seed: int
    order: tuple[int, ...]
    _: KW_ONLY
    prior: tuple[int, ...]
    labels: NDArray[np.int8]  # in the order of screening

    def wss(self, recall: float) -> float:
        """Work saved over sampling at a recall."""
        return wss(self.labels, recall)

    @property
    def plain(self) -> dict[str, Any]:
        """The measures by name."""
        return {"seed": self.seed, "records": len(self.order), "relevant": int(self.labels.sum()), "WSS@95": self.wss(0.95), "WSS@100": self.wss(1.0), "ATD": time_to_discovery(self.labels)}


@dataclass(frozen=True)
class Stopped:
    """Where a rule stopped: records screened, recall reached, share of the work saved, and its sentence."""

    screened: int
    recall: float
    _: KW_ONLY
    saved: float
    statement: str


def read_labelled(path: Path) -> LabelledSet:
    """A CSV with title, abstract and a label (label_included, included, label or relevant: 0 or 1).

    Raises DataError for a missing column, another label, no relevant or no irrelevant record.
    """
    if not path.is_file():
        raise DataError(message(path, "there is no such file"))
    rows = read_csv(path, needed=("title", "abstract"))
    names = list(rows[0][1]) if rows else []
    column = next((c for c in LABEL_COLUMNS if c in names), None)
    if column is None:
        raise DataError(message(path.name, "no column tells what was included" if rows else "there is no record in it", expected=f"one of {', '.join(LABEL_COLUMNS)}, 0 or 1", found=f"Columns: {listed(names)}" if rows else ""))
    number = next((c for c in NUMBER_COLUMNS if c in names), None)
    labels = [_label(place, row[column]) for place, row in rows]
    texts = tuple(" ".join(filter(None, (str(row[k]).strip() for k in ("title", "abstract")))) for _, row in rows)
    return labelled(path.stem, texts, labels, [str(row[number]) if number else str(i) for i, (_, row) in enumerate(rows, 1)])


def _label(place: str, value: object) -> int:
    text = str(value).strip().removesuffix(".0")
    if text not in ("0", "1"):
        raise DataError(message(place, f"the label is {text!r}" if text else "there is no label", expected="1 included, 0 excluded"))
    return int(text)


def labelled(name: str, texts: Sequence[str], labels: ArrayLike, records: Sequence[str] | None = None) -> LabelledSet:
    """A labelled set; raises DataError for labels other than 0 and 1, unequal lengths, and a set without a relevant or an irrelevant record."""
    array = np.asarray(labels)
    if array.shape != (len(texts),):
        raise DataError(message(name, f"{array.size} labels for {len(texts)} records", expected="one label a record"))
    if not np.isin(array, (0, 1)).all():
        raise DataError(message(name, "there are labels other than 0 and 1", expected="1 included, 0 excluded"))
    for value, word in ((1, "relevant"), (0, "irrelevant")):
        if not (array == value).any():
            raise DataError(message(name, f"no record is {word}", expected="at least one of both kinds, or there is nothing to learn and nothing to find"))
    return LabelledSet(name, tuple(texts), labels=array.astype(np.int8), records=tuple(records or map(str, range(1, len(texts) + 1))))


def draw_prior(labels: NDArray[np.int8], seed: int, *, relevant: int = 1, irrelevant: int = 1) -> tuple[int, ...]:
    """Positions of records that are known beforehand, drawn by the seed. Raises DataError where fewer are there, or none is left to find."""
    rng, out = np.random.default_rng(seed), []
    for value, count, word in ((1, relevant, "relevant"), (0, irrelevant, "irrelevant")):
        there = np.flatnonzero(labels == value)
        if len(there) < count:
            raise DataError(message(f"--{word}", f"{count} records are to be known beforehand", found=f"There are {len(there)}"))
        out += [int(i) for i in rng.choice(there, count, replace=False)]
    if relevant and relevant == labels.sum():
        raise DataError(message("--relevant", f"all {relevant} relevant records are known beforehand", expected="at least one left to find"))
    return tuple(out)


def simulate(data: LabelledSet, *, model: str = "svm", seeds: Sequence[int] = range(10), prior: tuple[int, int] = (1, 1), every: int = 1) -> list[Screening]:
    """Screen the set once a seed: the seed draws ``prior`` (relevant, irrelevant) records known beforehand and breaks ties. Raises DataError for an unknown model and a set without text."""
    chosen = model_named(model)
    features = features_for(data.texts, chosen)
    return [screening(data, features, draw_prior(data.labels, seed, relevant=prior[0], irrelevant=prior[1]), seed=seed, model=chosen, every=every) for seed in seeds]


def screening(data: LabelledSet, features: Features, prior: Sequence[int], *, seed: int, model: Model, every: int = 1) -> Screening:
    """One screening from given prior records."""
    order = tuple(screening_order(features, data.labels, model=model, seed=seed, prior=prior, every=every))
    return Screening(seed, order, prior=tuple(prior), labels=data.labels[list(order)])


def wss(labels: ArrayLike, recall: float) -> float:
    """Work saved over sampling: the share of records left when the recall is reached, less 1 - recall (Cohen AM et al. J Am Med Inform Assoc 2006; 13: 206). Labels in the order of screening.

    Raises ValueError where no record is relevant.
    """
    seen = _with_relevant(labels)
    needed = int(np.ceil(np.round(recall * seen.sum(), 9)))
    return float(1 - (np.flatnonzero(np.cumsum(seen) >= needed)[0] + 1) / len(seen) - (1 - recall))


def time_to_discovery(labels: ArrayLike) -> float:
    """Average time to discovery: the mean place of a relevant record as a share of all (Ferdinands G et al. Syst Rev 2023; 12: 100). Raises ValueError where no record is relevant."""
    seen = _with_relevant(labels)
    return float((np.flatnonzero(seen) + 1).mean() / len(seen))


def recall_curve(labels: ArrayLike) -> NDArray[np.float64]:
    """Recall after each record. Raises ValueError where no record is relevant."""
    seen = _with_relevant(labels)
    return np.cumsum(seen) / seen.sum()


def _with_relevant(labels: ArrayLike) -> NDArray[np.int64]:
    seen = seen_labels(np.asarray(labels), max(np.size(labels), 1))
    if not seen.sum():
        raise ValueError("labels: no record is relevant (expected at least one)")
    return seen


def stopped(labels: NDArray, rule: Rule, *, first: int = 1) -> Stopped:
    """Where a rule that is asked after every record, from the ``first`` on, would have stopped."""
    total = len(labels)
    verdict, at = None, first
    for at in range(first, total + 1):
        verdict = rule.check(labels[:at], total)
        if verdict.stop:
            break
    return Stopped(at, float(np.sum(labels[:at]) / max(np.sum(labels), 1)), saved=1 - at / total, statement=verdict.statement if verdict else "")


def safe_screening(data: LabelledSet, features: Callable[[Model], Features], *, seed: int, run: int = 50) -> Stopped:
    """The SAFE procedure played through: at random until 1 % of the records and both kinds are seen, the support vector machine until its conditions hold, naive Bayes until a run is irrelevant."""
    labels, total = data.labels, len(data.labels)
    draw = np.random.default_rng(seed).permutation(total)
    both = max(int(np.flatnonzero(labels[draw] == v)[0]) + 1 for v in (0, 1))
    sample = max(both, int(np.ceil(total / 100)))
    places = [int(i) for i in draw[:sample]]
    for name, rule in (("svm", Safe(sample, run=run, second_model=False)), ("bayes", Safe(sample, run=run))):
        model, begun = model_named(name), len(places)
        rest = screening_order(features(model), labels, model=model, seed=seed, prior=places)
        found = stopped(labels[places + rest], replace(rule, switched=begun) if rule.second_model else rule, first=begun)
        places += rest[: found.screened - begun]
    return found


def order_csv(data: LabelledSet, runs: Sequence[Screening]) -> str:
    """Every screening as CSV: seed, place, record, label, recall so far."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["seed", "place", "record", "label", "recall"])
    for run in runs:
        curve = recall_curve(run.labels)
        writer.writerows([run.seed, place, data.records[i], int(data.labels[i]), f"{recall:.6g}"] for place, (i, recall) in enumerate(zip(run.order, curve, strict=True), 1))
    return out.getvalue()


def summary(runs: Sequence[Screening]) -> Mapping[str, float]:
    """Means of the measures over the seeds."""
    return {name: float(np.mean([run.plain[name] for run in runs])) for name in ("WSS@95", "WSS@100", "ATD")}

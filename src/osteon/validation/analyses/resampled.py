"""One figure of several models on the same resamples of patients, so that differences, ranks and curves have honest intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from osteon.errors import StudyError, message
from osteon.targets import Classes, Events, Grades, Masks, Measures, Target
from osteon.targets.lines import TRUE, judged

if TYPE_CHECKING:
    import pandas as pd

FIGURES: Mapping[type, str] = {Classes: "auc", Grades: "auc", Events: "auc", Measures: "mae", Masks: "dice"}
BETTER: Mapping[str, int] = {"auc": 1, "dice": 1, "mae": -1, "nape": -1}


def figure_of(target: Target) -> str:
    """The figure by which models that answer a target are compared. Raises StudyError for a family that has none."""
    if type(target) not in FIGURES:
        raise StudyError(message("analysis", f"models that answer {type(target).__name__.lower()} can not be compared by one figure", expected="classes, grades, events, readings or masks"))
    return FIGURES[type(target)]


def resampled(frames: Mapping[str, pd.DataFrame], figure: str, *, resamples: int, seed: int) -> np.ndarray:
    """The figure (1 + resamples, models) of aligned lines: first on all, then on each resample of patients, the same for every model."""
    return _areas(frames, resamples, seed) if figure == "auc" else _means(frames, figure, resamples, seed)


def _means(frames: Mapping[str, pd.DataFrame], figure: str, resamples: int, seed: int) -> np.ndarray:
    from osteon.stats.arguments import codes
    from osteon.stats.clusters import resampled_sums

    first = next(iter(frames.values()))
    of, groups = codes(first["patient"].to_numpy(str), "patients")
    tops = np.column_stack([_value(frame, figure) for frame in frames.values()])
    base = np.abs(first["n.truth"].to_numpy(float)) if figure == "nape" else np.ones(len(first))
    sums = np.zeros((groups, tops.shape[1] + 1))
    np.add.at(sums, of, np.column_stack([tops, base]))
    drawn = np.vstack([sums.sum(0), resampled_sums(sums, resamples=resamples, seed=seed)])
    with np.errstate(divide="ignore", invalid="ignore"):
        out: np.ndarray = drawn[:, :-1] / drawn[:, -1:]
    return out


def _value(frame: pd.DataFrame, figure: str) -> np.ndarray:
    return frame["n.dice"].to_numpy(float) if figure == "dice" else np.abs(frame["n.error"].to_numpy(float))


def _areas(frames: Mapping[str, pd.DataFrame], resamples: int, seed: int) -> np.ndarray:
    """Taken within folds and averaged; a resample in which a fold holds one state only leaves that fold out."""
    known = {label: judged(frame) for label, frame in frames.items()}
    folds = list(dict.fromkeys(next(iter(known.values()))["fold"]))
    parts = np.stack([np.column_stack([_area(frame[frame["fold"] == fold], resamples, seed + k) for frame in known.values()]) for k, fold in enumerate(folds)])
    counted = ~np.isnan(parts)
    total = np.where(counted, parts, 0.0).sum(0)
    out: np.ndarray = np.divide(total, counted.sum(0), out=np.full(total.shape, np.nan), where=counted.any(0))
    return out


def _area(frame: pd.DataFrame, resamples: int, seed: int) -> np.ndarray:
    from osteon.stats.arguments import codes
    from osteon.stats.clusters import draws, resampled_auc

    truth, scores = (frame["state"] == TRUE).to_numpy(), frame["score"].to_numpy(float)
    if not truth.any() or truth.all():
        return np.full(1 + resamples, np.nan)
    of, groups = codes(frame["patient"].to_numpy(str), "patients")
    drawn = np.vstack([np.arange(groups, dtype=np.int32), draws(groups, resamples=resamples, seed=seed)])
    return resampled_auc(truth, scores, of, drawn)

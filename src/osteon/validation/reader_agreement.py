"""Readers of a measurement beside the reference, beside each other and beside the model.

Bland JM, Altman DG. Stat Methods Med Res 1999; 8: 135 (limits of agreement); Beckerman H et al. Qual Life Res 2001; 10: 571 (smallest detectable change, 1.96 times
the square root of 2 times the standard error of measurement); Shrout PE, Fleiss JL. Psychol Bull 1979; 86: 420 (ICC).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from osteon.stats.intervals import Interval
from osteon.targets.lines import answered

if TYPE_CHECKING:
    import pandas as pd

FEWEST = 3


@dataclass(frozen=True)
class Compared:
    """One against another on `n` readings: bias and limits of agreement (first less second; undefined among more than two), smallest detectable change, ICC(2,1)."""

    first: str
    second: str
    n: int = field(kw_only=True)
    bias: Interval = field(kw_only=True)
    limits: tuple[Interval, Interval] = field(kw_only=True)
    change: Interval = field(kw_only=True)
    icc: Interval = field(kw_only=True)


REFERENCE, READERS, MEAN = "reference", "the readers among themselves", "mean of the readers"


def compare(lines: pd.DataFrame, readings: pd.DataFrame, model: str) -> tuple[Compared, ...]:
    """Each reader and the model against the reference on the readings that each made, the readers among themselves, and the model against their mean.

    Lines and readings as `of_question` gives them: one key a judged unit in `case`. Readings of cases that were not tested are left out.
    """
    at = answered(lines).drop_duplicates("case").set_index("case")
    known = readings[readings["value"].notna() & readings["case"].isin(at.index)]
    wide = known.pivot(index="case", columns=["aided", "reader"], values="value")
    truth, answer = at["n.truth"].reindex(wide.index), at["n.answer"].reindex(wide.index)
    out = [_two(f"{reader}{', with aid' if aided else ''}", wide[aided, reader], REFERENCE, truth) for aided, reader in wide.columns]
    out.append(_two(model, answer, REFERENCE, truth))
    alone = wide[[c for c in wide.columns if not c[0]]].dropna()
    if alone.shape[1] > 1:
        out.append(_among(alone))
        out.append(_two(model, answer.reindex(alone.index), MEAN, alone.mean(axis=1)))
    return tuple(out)


def _two(first: str, one: pd.Series, second: str, two: pd.Series) -> Compared:
    from osteon.stats.agreement import bland_altman, icc, measurement_error
    from osteon.stats.intervals import undefined

    both = np.column_stack([one.to_numpy(float), two.to_numpy(float)])
    both = both[np.isfinite(both).all(axis=1)]
    if len(both) < FEWEST:
        none = undefined(f"{len(both)} readings ({FEWEST} needed)")
        return Compared(first, second, n=len(both), bias=none, limits=(none, none), change=none, icc=none)
    found = bland_altman(both[:, 0], both[:, 1])
    return Compared(first, second, n=len(both), bias=found["bias"], limits=(found["lower_limit"], found["upper_limit"]), change=measurement_error(both)["mdc95"], icc=icc(both)["ICC(2,1)"])


def _among(alone: pd.DataFrame) -> Compared:
    from osteon.stats.agreement import icc, measurement_error
    from osteon.stats.intervals import undefined

    several = undefined("several readers")
    if len(alone) < FEWEST:
        few = undefined(f"{len(alone)} cases were read by all ({FEWEST} needed)")
        return Compared(READERS, "", n=len(alone), bias=several, limits=(several, several), change=few, icc=few)
    values = alone.to_numpy(float)
    return Compared(READERS, "", n=len(alone), bias=several, limits=(several, several), change=measurement_error(values)["mdc95"], icc=icc(values)["ICC(2,1)"])

"""How far groups differ from the largest one, with intervals, and corrected for how many were looked at.

Newcombe RG. Stat Med 1998; 17: 873 (differences from the limits of both); Holm S. Scand J Stat 1979; 6: 65. Groups are taken as independent: true of sexes and
sites, conservative for two sides of one patient.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from osteon.stats.intervals import HypothesisTest, Interval


@dataclass(frozen=True)
class Measured:
    """One group: attribute, value, cases, and its figures with intervals."""

    attribute: str
    value: str
    cases: int = field(kw_only=True)
    figures: Mapping[str, Interval] = field(kw_only=True, hash=False)


@dataclass(frozen=True)
class Gap:
    """A figure of a group less that of the largest group of its attribute; p two-sided from the interval, `adjusted` by Holm over all gaps (nan where undefined)."""

    attribute: str
    group: str
    reference: str = field(kw_only=True)
    figure: str = field(kw_only=True)
    difference: Interval = field(kw_only=True)
    p: float = field(kw_only=True)
    adjusted: float = field(default=math.nan, kw_only=True)


def gaps(groups: Iterable[Measured], figures: Sequence[str]) -> tuple[Gap, ...]:
    """Every gap of every figure; an attribute of one group has none."""
    from osteon.stats.multiplicity import adjust

    known = list(groups)
    found = [gap for name in dict.fromkeys(g.attribute for g in known) for gap in _of([g for g in known if g.attribute == name], figures)]
    return tuple(replace(g, adjusted=float(a)) for g, a in zip(found, adjust([g.p for g in found], method="holm"), strict=True))


def _of(groups: list[Measured], figures: Sequence[str]) -> list[Gap]:
    from osteon.stats.groups import difference_of

    largest = max(groups, key=lambda g: g.cases)
    out = []
    for group in (g for g in groups if g is not largest):
        for name in (f for f in figures if f in group.figures and f in largest.figures):
            difference = difference_of(group.figures[name], largest.figures[name])
            out.append(Gap(group.attribute, group.value, reference=largest.value, figure=name, difference=difference, p=_p(difference)))
    return out


def _p(difference: Interval) -> float:
    """Two-sided p of a difference from its limits on the side of 0; nan where it has none."""
    from scipy.stats import norm

    from osteon.stats.intervals import normal_quantile

    if not difference.defined:
        return math.nan
    half = difference.estimate - difference.lower if difference.estimate > 0 else difference.upper - difference.estimate
    error = half / normal_quantile(difference.level)
    return float(2 * norm.sf(abs(difference.estimate) / error)) if error > 0 else math.nan


@dataclass(frozen=True)
class Together:
    """All groups of an attribute at once: Cochran's Q of a figure, and Kruskal and Wallis on the errors of single cases."""

    attribute: str
    groups: int
    figure: HypothesisTest = field(kw_only=True)
    errors: HypothesisTest = field(kw_only=True)


def together(groups: Iterable[Measured], figure: str, errors: Mapping[tuple[str, str], np.ndarray]) -> tuple[Together, ...]:
    """Every attribute with two groups or more; `errors` are those of the cases of each (attribute, group)."""
    from osteon.stats.groups import heterogeneity, several_groups
    from osteon.stats.intervals import normal_quantile

    known, out = list(groups), []
    for name in dict.fromkeys(g.attribute for g in known):
        mine = [g for g in known if g.attribute == name]
        values = [v for g in mine if (v := g.figures.get(figure)) is not None and v.defined and v.upper > v.lower]
        spread = [(v.upper - v.lower) / (2 * normal_quantile(v.level)) for v in values]
        found: list[Any] = [errors[name, g.value] for g in mine if len(errors.get((name, g.value), ()))]
        if len(mine) > 1:
            out.append(Together(name, len(mine), figure=heterogeneity([v.estimate for v in values], spread) if values else HypothesisTest(math.nan, math.nan, reason="no figure"), errors=several_groups(found)))
    return tuple(out)

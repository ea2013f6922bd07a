"""Errors in per cent of what is read: by reading and arm as a field, by reading, group and person in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from osteon.report.content import Block, Drawing, Paragraph
from osteon.report.facts import Facts
from osteon.report.families.family import drawing
from osteon.report.figures.heat import heat
from osteon.report.questions.told import Results, Told, forest_of, of, spoken
from osteon.report.words import listed, plural
from osteon.run import slug
from osteon.validation.analyses import PercentErrors
from osteon.validation.analyses.percent_errors import APART, EACH, REST, WITHIN
from osteon.validation.analyses.ranked import OF
from osteon.validation.analyses.ranked import WITHIN as OF_FINDING


def percent_errors(facts: Facts, analysis: PercentErrors, results: Results) -> tuple[Block, ...]:
    """Which readings are off least and most, in which groups, and who lies apart."""
    each = sorted(of(results, EACH), key=lambda r: r.value.estimate)
    text = [f"{analysis.model or facts.label}: the mean error over the mean of the truth ranges from {spoken(each[0])} ({_said(each[0].group)}) to {spoken(each[-1])} ({_said(each[-1].group)})."]
    groups = of(results, WITHIN)
    text += [f"Mean over {plural(len(each), 'reading')}: {listed(f'{r.group.split(OF)[-1]} {spoken(r)}' for r in groups)}."] if groups else []
    apart, rest = of(results, APART), of(results, REST)
    text += [f"{'1 person' if len(apart) == 1 else f'{len(apart)} people'} {'lies' if len(apart) == 1 else 'lie'} apart: {listed(f'{r.group} {spoken(r)}' for r in apart)}. Nobody was left out; all others together have {spoken(rest[0])}."] if apart and rest else []
    return (Paragraph(tuple(text)), *forest_of(facts, tuple(replace(r, group=_said(r.group)) for r in (*each, *groups)), "percent-errors", "Errors in per cent of what is read", label="mean error over mean truth, %"))


def field_of(facts: Facts, results: Results, name: str, said: Mapping[str, str]) -> tuple[Drawing, ...]:
    """The figure of every ranked arm for every reading as a field of colours, arms in their order; none where there is one reading, or no share. `said` names arms."""
    cells = {r.group: 100 * r.value.estimate for r in results if r.what == f"NAPE {OF_FINDING}"}
    arms = [r.group for r in of(results, "mean rank")]
    findings = [group.removeprefix(f"{arms[0]}{OF}") for group in cells if group.startswith(f"{arms[0]}{OF}")] if arms else []
    if len(findings) < 2:
        return ()
    values = np.array([[cells[f"{arm}{OF}{finding}"] for finding in findings] for arm in arms])
    rows = [said.get(arm, arm) for arm in arms]
    figure = heat(values, rows=rows, columns=[_said(f) for f in findings], label="error in per cent of what is read; white: the least of a reading, darkest: twice that or more")
    alt = "; ".join(f"{row}: " + ", ".join(f"{_said(f)} {v:.1f} %" for f, v in zip(findings, line, strict=True)) for row, line in zip(rows, values.tolist(), strict=True))
    return (drawing(facts, figure, slug(name), "Error of each arm for each reading", alt=alt, caption="Mean absolute error over the mean absolute truth, in per cent. Arms in the order of their mean rank."),)


def _said(finding: str) -> str:
    return finding.replace("_", " ")


PERCENT: Mapping[type, Told] = {PercentErrors: Told("Errors in per cent", percent_errors, "mean absolute error over the mean absolute truth, intervals from resampling patients; people above the upper quartile by more than 1.5 interquartile ranges lie apart (Tukey 1977)")}

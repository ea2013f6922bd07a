"""Shapes and quantities over time: how far a forecast lies from what was found at each visit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osteon.report.facts import Facts
from osteon.report.families import anything
from osteon.report.families.family import Family
from osteon.report.terms import METRICS, inline
from osteon.report.words import number, plural, with_unit
from osteon.targets import Surfaces
from osteon.targets.lines import answered

if TYPE_CHECKING:
    import pandas as pd


def found(facts: Facts) -> tuple[str, ...]:
    """The mean distance with its interval, registered and turned where bodies are compared, and the other models beside it."""
    row = facts.primary
    if "distance" not in row.metrics:
        return anything.found(facts)
    out = [f"{row.question.finding.capitalize()} by {row.source.model}: {METRICS['distance'].plain} from the {facts.words.truth} {inline('distance', row.metrics['distance'], 'mm')}, in the frame of the files."]
    if "registered" in row.metrics:
        out.append(f"After the best rigid fit of the whole it is {inline('registered', row.metrics['registered'], 'mm')}; a body is turned by {inline('rotation', row.metrics['rotation'])} degrees on average.")
    others = [r for r in facts.rows if (r.question.target, r.question.finding) == (row.question.target, row.question.finding) and r is not row and "distance" in r.metrics]
    return (*out, *([f"Beside it: {'; '.join(f'{r.source.model} ' + with_unit(float(r.metrics['distance']['estimate']), 'mm', 2) for r in others)}."] if others else []))


def errors(facts: Facts, model: str, target: str) -> pd.DataFrame:
    """The mean error of a case over its visits, by the main finding, and its largest one."""
    import pandas as pd

    declared = facts.study.targets[target]
    finding = declared.findings[0]
    unit, known = facts.unit_of(target, finding), answered(facts.test(model, target, finding))
    size = known["n.distance"] if isinstance(declared, Surfaces) else known["n.error"].abs()
    rows = []
    for case, part in known.assign(size=size).groupby("case", sort=False):
        worst = part.loc[part["size"].idxmax()]
        when = f" at {worst['n.time']:g} {getattr(declared, 'at', None) or ''}".rstrip() if "n.time" in part and worst["n.time"] == worst["n.time"] else ""
        several = f" on average over {plural(len(part), 'visit')}, at most {with_unit(float(worst['size']), unit, 1)}{when}" if len(part) > 1 else when
        rows.append({"case": case, "error": float(part["size"].mean()), "told": f"{number(float(part['size'].mean()), 1)}\u00a0{unit} off{several}", "wrong": False})
    return pd.DataFrame(rows, columns=["case", "error", "told", "wrong"])


SURFACES = Family("distance", ("distance", "registered", "rotation"), found=found, results=anything.results, errors=errors, scale=anything.scale)
TRAJECTORIES = Family("mae", ("mae", "bias"), found=anything.found, results=anything.results, errors=errors, scale=anything.scale)

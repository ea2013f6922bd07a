"""The best, the median and the worst forecast of a spine, from the front and from the right, where the models are still at hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from osteon.case import Case
from osteon.errors import OsteonError
from osteon.geometry.spine import LEVELS
from osteon.geometry.spine_shape import bodies, cobb
from osteon.report.content import Drawing, Paragraph, Section
from osteon.report.facts import Facts
from osteon.report.families import family_of
from osteon.report.families.family import drawing
from osteon.report.sections.films import chosen, cohort_of, unconformed
from osteon.report.words import discreet, number
from osteon.targets import Surfaces
from osteon.value import Surface

SHOWN_AT = 24.0  # months: the visit nearest to it is drawn


def shapes(facts: Facts) -> Section | None:
    """Three spines of the primary model; None where the study forecasts no column of vertebrae from models of it."""
    target = next((n for n in facts.targets if isinstance(t := facts.study.targets[n], Surfaces) and t.parts == LEVELS and t.at and n in facts.about["models"][facts.label]), None)
    spine = next((n for n, spec in facts.study.inputs.items() if spec.kind == "mesh" and spec.at), None)
    if target is None or spine is None:
        return None
    try:
        drawn, why = tuple(_drawings(facts, target, spine)), "The models are elsewhere: the folder they came from is not at hand, has changed, or was not asked for."
    except (OsteonError, OSError) as error:
        drawn, why = (), f"The models could not be opened again: {discreet(str(error))}"
    words = (f"Test cases put in order by the mean distance of the forecast by {facts.label}: the smallest, the middle one, the largest, each at its visit nearest to {SHOWN_AT:g} months.",
             f"Grey: the last model before the operation, from which the forecast was made; blue: the forecast; orange, dashed: the {facts.words.truth} of that visit. End vertebrae of the plan are drawn heavier.")
    return Section("shapes", "Best, median and worst spine", (Paragraph(words), *drawn) if drawn else (Paragraph((why,), "note"),))


def _drawings(facts: Facts, target: str, spine: str) -> Iterator[Drawing]:
    from osteon.engine.folder import codes
    from osteon.readers.values import from_plain

    cohort = cohort_of(facts)
    errors = family_of(facts.study.targets[target]).errors(facts, facts.label, target)
    if cohort is None or not len(errors):
        return
    picked, rows = chosen(errors), {case_id: i for i, case_id in enumerate(cohort.ids())}
    by_code, told = {code: case_id for case_id, code in codes(unconformed(facts)).cases.items()}, errors.set_index("case")["told"]
    answers = {a["case"]: from_plain(a["values"][target]) for a in facts.run.values(facts.label) if a["case"] in picked.values() and a.get("part", "test") == "test"}
    for place, code in picked.items():
        answer = answers.get(code)
        if isinstance(answer, Surface) and by_code.get(code) in rows:
            yield _drawing(facts, cohort.cases[rows[by_code[code]]], (target, spine), answer, words=(place, code, str(told[code])))


def _drawing(facts: Facts, case: Case, names: tuple[str, str], answer: Surface, *, words: tuple[str, str, str]) -> Drawing:
    from osteon.report.figures.spine_shape import COLOURS, Line, Shown, spines

    truth, before, ends = case.truth[names[0]], case.inputs[names[1]], _ends(facts, case)
    assert isinstance(truth, Surface)
    at = int(np.abs(truth.moments - SHOWN_AT).argmin())
    month = float(truth.moments[at])
    forecast = answer.at(np.array(month)).reshape(len(LEVELS), -1, 3)
    columns = [Shown(points, name, colour=COLOURS[kind], style="--" if kind == "found" else "-", cobb=None if ends is None else float(cobb(points, **ends)))
               for kind, name, points in (("before", "before", bodies(before[-1][1])), ("forecast", "forecast", forecast), ("found", "found", bodies(truth)[at]))]
    lines = [] if ends is None else [
        Line(np.array([t for t, _ in before]), np.array([float(cobb(bodies(s), **ends)) for _, s in before]), "models before", colour=COLOURS["before"], mark="o"),
        Line(answer.moments, cobb(bodies(answer), **ends), "forecast", colour=COLOURS["forecast"]),
        Line(truth.moments, cobb(bodies(truth), **ends), "found at visits", colour=COLOURS["found"], mark="o")]
    figure = spines(columns, lines, ends=(ends["upper"], ends["lower"]) if ends else None)
    place, code, told = words
    cobbs = "" if ends is None else f" Cobb {ends['upper']} to {ends['lower']}: {', '.join(f'{c.name} {number(c.cobb or 0.0)}°' for c in columns)}."
    return drawing(facts, figure, f"spine-{place}", f"{place.capitalize()}: {code}, {told}", alt=f"Spine of case {code} from the front and the right before the operation, as forecast for and as found at month {month:g}.{cobbs}",
                   caption=f"Month {month:g} after the operation.")


def _ends(facts: Facts, case: Case) -> dict[str, str] | None:
    """End vertebrae and side of the main curve by the record that names them."""
    for name, spec in facts.study.inputs.items():
        record: Mapping[str, Any] = case.inputs[name] if spec.kind == "table" and {"upper", "lower", "side"} <= set(spec.columns) else {}
        if record and all(isinstance(record[c], str) for c in ("upper", "lower", "side")):
            return {c: record[c] for c in ("upper", "lower", "side")}
    return None

"""How far a model was flattered by what it had seen, and how stable its choice of columns is, in words and figures."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

from osteon.report.content import Block, Paragraph
from osteon.report.facts import Facts
from osteon.report.families.family import drawing, limits
from osteon.report.questions.told import Results, Told, of, one, spoken
from osteon.report.words import listed, number
from osteon.validation.analyses import Optimism, Stability
from osteon.validation.analyses.optimism import APPARENT, GAINS, OUTSIDE, TESTED
from osteon.validation.analyses.stability import KEPT, OFTEN, PLANTED, STABLE

SHORT = {APPARENT: "apparent: judged on what it learnt from", OUTSIDE: "in folds, columns chosen outside of them", TESTED: "in folds, columns chosen inside (the result)"}
Estimates = dict[str, dict[str, tuple[float, float, float]]]


def optimism(facts: Facts, analysis: Optimism, results: Results) -> tuple[Block, ...]:
    """The three estimates of each model, what flatters by how much, and those from elsewhere where there are some."""
    from osteon.report.figures.selecting import estimates

    first = results[0].group
    told = {what: one(results, what, first) for what in (APPARENT, OUTSIDE, TESTED, *GAINS)}
    text = [f"{first[:1].upper()}{first[1:]}: asked about the cases that it learnt from, the model reaches an AUC of {_said(told[APPARENT])}; refitted in folds on columns that were chosen on all of these cases, "
            f"{_said(told[OUTSIDE])}; with the choice made anew inside of each fold, on cases that had no say in it, {_said(told[TESTED])}."]
    text += [f"Less the last one, that is {listed(f'{_said(told[what])} of {what}' for what in GAINS)}."]
    text.append("Only the last of the three estimates is a result of the run; the first two are shown so that they are recognised elsewhere. The limits hold for the fits as they are.")
    rows, cohorts = _rows(results), _elsewhere(facts, analysis, results)
    text += [f"{cohort}, from elsewhere: {first} {_figure(found[first])}." for cohort, found in cohorts.items() if first in found]
    for cohort, found in cohorts.items():
        for label in set(found) & set(rows):
            rows[label][f"elsewhere: {cohort}"] = found[label]
    alt = "; ".join(f"{label}: {', '.join(f'{kind} {_figure(v)}' for kind, v in kinds.items())}" for label, kinds in rows.items())
    figure = estimates(rows, label="area under the ROC curve")
    return (Paragraph(tuple(text)), drawing(facts, figure, "optimism", "The same models, judged in different ways", alt=alt, caption=f"Marks: estimates; lines: 95 % {facts.words.interval}; dashed: chance."))


def _said(result: object) -> str:
    return spoken(result) if result is not None else "not known"  # type: ignore[arg-type]


def _rows(results: Results) -> Estimates:
    """The estimates of each model that have limits."""
    out: Estimates = {}
    for result in of(results, APPARENT, OUTSIDE, TESTED):
        if result.value.defined:
            out.setdefault(result.group, {})[SHORT[result.what]] = (result.value.estimate, result.value.lower, result.value.upper)
    return out


def _elsewhere(facts: Facts, analysis: Optimism, results: Results) -> Estimates:
    """The AUC of each model on every cohort that the run was validated on."""
    asked, out = facts.primary.question, {}  # type: ignore[var-annotated]
    for path in sorted((facts.run.folder / "external").glob("*/rows.json")):
        for row in json.loads(path.read_text(encoding="utf-8")):
            source, question = row["source"], row["question"]
            value = limits(row["metrics"], "auc")
            if question["target"] == (analysis.target or asked.target) and question["finding"] == asked.finding and not any(map(math.isnan, value)):
                out.setdefault(source["cohort"], {})[source["model"]] = value
    return out


def _figure(value: tuple[float, float, float]) -> str:
    return f"{number(value[0], 3)} ({number(value[1], 3)} to {number(value[2], 3)})"


def stability(facts: Facts, analysis: Stability, results: Results) -> tuple[Block, ...]:
    """Which columns the model for new cases rests on, how often folds agree, and on simulated cases how many planted ones it found."""
    label = analysis.label(facts.run, facts.study)
    _, last = analysis.selections(facts.run, label)
    sets = {name: found for name, found in last.items() if name != KEPT}
    kept, whole = last[KEPT], one(results, STABLE, KEPT)
    text = [f"The model for new cases ({label}) keeps {number(len(kept))} of the columns: {listed(kept[:12])}{' and more' if len(kept) > 12 else ''}." if kept else f"The model for new cases ({label}) keeps no column, and so gives no answer."]
    text += [f"Over {number(whole.n)} selections in folds the stability of what is kept is {spoken(whole)}: 1 is always the same, 0 as by chance; below 0.4 poor, above 0.75 excellent (Nogueira 2018)."] if whole else []
    always = [r.group for r in of(results, OFTEN) if r.value.estimate == 1]
    text += [f"Kept in every fold: {listed(always[:12])}." if always else "No column was kept in every fold."]
    planted = next(iter(of(results, PLANTED)), None)
    text += [f"Of the planted markers the model for new cases found {planted.note.split(';')[0]};{planted.note.split(';')[1]}."] if planted else []
    return (Paragraph(tuple(text)), *_venn(facts, sets, label))


def _venn(facts: Facts, sets: Mapping[str, tuple[str, ...]], label: str) -> tuple[Block, ...]:
    """The sets of three selectors as circles; nothing for another number of them."""
    from osteon.report.figures.selecting import parts, venn

    if len(sets) != 3:
        return ()
    alone = dict(zip(sets, parts(sets)[:3], strict=True))
    alt = "; ".join(f"{name}: {len(found)} chosen, {alone[name]} by it alone" for name, found in sets.items()) + f"; by all three: {parts(sets)[-1]}"
    return (drawing(facts, venn(sets), "selected-sets", f"What each selector chose for the model for new cases: {label}", alt=alt, caption="A circle is the set of one selector; numbers are columns."),)


SELECTING: Mapping[type, Told] = {
    Optimism: Told("Optimism", optimism, "optimism as the AUC in the train part, and in folds with columns chosen outside of them, less that of the test part (Ambroise and McLachlan 2002; Simon 2003)"),
    Stability: Told("Stability of the selection", stability, "stability of the selection over folds (Nogueira 2018)")}

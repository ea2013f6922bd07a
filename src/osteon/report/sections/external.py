"""The finished model asked about cases from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from osteon.engine.outside import PATIENTS, UNCOMPARED
from osteon.report.cells import tested
from osteon.report.content import Block, Cell, Paragraph, Section, Table
from osteon.report.facts import Facts
from osteon.report.families import family_of
from osteon.report.families.family import count_cell, metric_cell
from osteon.report.sections.shift import elsewhere
from osteon.report.terms import header
from osteon.report.words import discreet, finding_words, number, sentence
from osteon.row import EvidenceRow


@dataclass(frozen=True, eq=False)
class Elsewhere:
    """One external validation: the cohort's name and origin, its rows, what was left out with reasons, and whether its patients could be compared with those of the run."""

    name: str
    origin: str
    rows: tuple[EvidenceRow, ...] = field(kw_only=True)
    left_out: tuple[tuple[str, int], ...] = field(kw_only=True)
    primary: EvidenceRow | None = field(kw_only=True)
    compared: bool = field(default=True, kw_only=True)


def cohorts(facts: Facts) -> list[Elsewhere]:
    """Every external validation of the run, by name."""
    return list(_read(facts))


def _read(facts: Facts) -> Iterator[Elsewhere]:
    import pandas as pd

    mine = facts.primary
    for path in sorted((facts.run.folder / "external").glob("*/rows.json")):
        rows = tuple(EvidenceRow.from_plain(r) for r in json.loads(path.read_text(encoding="utf-8")))
        if not rows:
            continue
        flow = pd.read_csv(path.with_name("flow.csv")).fillna("") if path.with_name("flow.csv").exists() else pd.DataFrame(columns=["reason", "n"])
        same = next((r for r in rows if (r.source.model, r.question.target, r.question.finding) == (mine.source.model, mine.question.target, mine.question.finding) and r.metrics), None)
        gone = tuple((discreet(str(r)), int(n)) for r, n in zip(flow["reason"], flow["n"], strict=True))
        kept = path.with_name(PATIENTS)
        compared = not kept.exists() or bool(json.loads(kept.read_text(encoding="utf-8"))["compared"])
        yield Elsewhere(rows[0].source.cohort, rows[0].source.origin, rows=rows, left_out=gone, primary=same, compared=compared)


def external(facts: Facts) -> Section:
    """Internal and external figures side by side for each cohort; a sentence where there is none."""
    found = cohorts(facts)
    if not found:
        text = "No other set of simulated cases was answered by the finished model." if facts.simulated else "No external validation was made. The command “osteon validate RUN --cohort DIR” asks the finished model about cases from elsewhere, without retraining, and adds them here."
        return Section("external", "Cases from elsewhere", (Paragraph((text,), "note"),))
    blocks: list[Block] = []
    for cohort in found:
        blocks += [Paragraph((_words(facts, cohort), *_gap(facts, cohort))), _table(facts, cohort), *_paired(facts, cohort), *elsewhere(facts, cohort.name)]
    return Section("external", "Cases from elsewhere", tuple(blocks))


def _words(facts: Facts, cohort: Elsewhere) -> str:
    out = f"{cohort.name}: the model for new cases, not retrained, at the cut of the run."
    if cohort.left_out:
        out += f" Left out: {'; '.join(f'{reason} ({number(n)})' for reason, n in cohort.left_out)}."
    out += "" if cohort.compared else f" {sentence(UNCOMPARED)}"
    if cohort.origin == "simulated":
        out += " These cases are simulated: they show how the software behaves on another setting of the simulator, not how it does in another hospital."
    elif facts.simulated:
        out += " The model learned from simulated cases only."
    return out


def _gap(facts: Facts, cohort: Elsewhere) -> tuple[str, ...]:
    """The AUC here less that elsewhere, with DeLong's test for two samples; nothing with several folds or patients of several cases."""
    from osteon.run import read_lines, slug
    from osteon.stats.roc import compare_independent_aucs
    from osteon.targets.lines import TRUE, judged

    row, path = facts.primary, facts.run.folder / "external" / slug(cohort.name) / "lines" / f"{slug(facts.label)}.csv"
    if len(facts.folds) > 1 or not path.exists() or "auc" not in row.metrics:
        return ()
    there = read_lines(path)
    parts = [judged(part[(part["target"] == row.question.target) & (part["finding"] == row.question.finding)]) for part in (facts.test(row.source.model, row.question.target), there)]
    if any(part["state"].nunique() < 2 or part["patient"].nunique() < len(part) for part in parts):
        return ()
    here, elsewhere = (((part["state"] == TRUE).to_numpy(), part["score"].to_numpy(float)) for part in parts)
    gap, test = compare_independent_aucs(here, elsewhere)
    return (f"AUC here less elsewhere: {number(gap.estimate, 3)} ({number(gap.lower, 3)} to {number(gap.upper, 3)}; DeLong's test for two samples, p {tested(test).text}).",) if gap.defined else ()


def _paired(facts: Facts, cohort: Elsewhere) -> tuple[Block, ...]:
    """The other models less the first on the very cases from elsewhere, whichever way it falls; nothing where a single case has no figure, or one model answers."""
    from osteon.report.cells import figure
    from osteon.run import read_lines, slug
    from osteon.validation.analyses.paired import FIGURES, NAMES, differences, figure_of

    row, home = facts.primary, facts.run.folder / "external" / slug(cohort.name) / "lines"
    target = facts.study.targets[row.question.target]
    files = {m: home / f"{slug(m)}.csv" for m in facts.models_of(row.question.target)}
    if type(target) not in FIGURES or len(files) < 2 or not all(path.exists() for path in files.values()):
        return ()
    lines = {m: read_lines(path) for m, path in files.items()}
    asked = {m: part[(part["target"] == row.question.target) & (part["finding"] == row.question.finding)] for m, part in lines.items()}
    body = tuple((m, Cell(number(n), value=float(n)), figure(gap, signed=True)) for m, n, gap in differences(asked, target))
    name, more = figure_of(target)
    note = f"The same cases of {cohort.name}, {finding_words(row.question.target, row.question.finding)}. {'Above' if more else 'Below'} 0 the other model is the better one. Below each difference stands its 95 % {facts.words.interval}, over patients."
    return (Table(f"paired-{cohort.name}", f"Models less {facts.label}: {cohort.name}", columns=("Model", "n", f"Difference in {NAMES.get(name, name)}"), rows=body, note=note, tone="tight"),)


def _table(facts: Facts, cohort: Elsewhere) -> Table:
    target = facts.primary.question.target
    keys = [k for k in dict.fromkeys((family_of(facts.study.targets[target]).headline, *family_of(facts.study.targets[target]).grouped)) if k]
    body: list[tuple[Cell | str, ...]] = []
    for row in cohort.rows:
        inside = facts.row(row.source.model, row.question.target, row.question.finding)
        if row.question.target != target or inside is None or not row.metrics:
            continue
        head = (row.source.model, finding_words(target, row.question.finding), count_cell(inside.counts.get("n", 0)), count_cell(row.counts.get("n", 0)))
        body.append((*head, *(c for k in keys for c in (metric_cell(facts, inside, k), metric_cell(facts, row, k)))))
    columns = ("Model", "Finding", "n here", "n elsewhere", *(f"{header(k)}, {where}" for k in keys for where in ("here", "elsewhere")))
    return Table(f"external-{cohort.name}", f"Here and elsewhere: {cohort.name}", columns=columns, rows=tuple(body), note=f"Below each figure stands its 95 % {facts.words.interval}.")

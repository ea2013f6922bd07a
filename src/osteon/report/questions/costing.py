"""What the networks of a bake-off cost beside how well they do, and readers beside them."""

from __future__ import annotations

from collections.abc import Mapping

from osteon.report.content import Block, Paragraph, Table
from osteon.report.facts import Facts
from osteon.report.questions.told import Results, Told, forest_of, of, one, spoken, value_cell
from osteon.report.terms import cell, header
from osteon.report.words import listed, number, plural
from osteon.row import EvidenceRow
from osteon.validation.analyses import Costs, Graders

LEADING = ("exact", "kappa_quadratic", "auc", "dice", "ap", "mae")
PAID = {"parameters": "Parameters", "multiplications of an image": "Multiplications", "training": "Training"}


def costs(facts: Facts, analysis: Costs, results: Results) -> tuple[Block, ...]:
    """The span of the costs, what was only built, and from which weights the others began."""
    sizes, work = of(results, "parameters"), of(results, "multiplications of an image")
    built = [r.group for r in sizes if r.group not in facts.about["models"]]
    small, large = (pick(work, key=lambda r: r.value.estimate) for pick in (min, max))
    text = [f"{plural(len(sizes), 'network')} on the same cases, augmentation and plan of training. One image asks {number(small.value.estimate)} million multiplications of {small.group} and "
            f"{number(large.value.estimate)} million of {large.group}."]
    text += [f"The budget {facts.about['budget']['name']} trains {plural(len(sizes) - len(built), 'network')}, the cheapest; it only built {listed(built)}."] if built else []
    scratch = [r.group for r in sizes if r.note.startswith("from scratch")]
    text += [f"Trained from scratch, without the published weights: {listed(scratch)}. What weights from photographs would have gained is not shown here."] if scratch else []
    return (Paragraph(tuple(text)), *_together(facts, results))


def _together(facts: Facts, results: Results) -> tuple[Table, ...]:
    """How well each trained network does on the main finding, step by step where it grades, and what that cost; none where none was trained."""
    asked = facts.primary.question
    rows: dict[str, EvidenceRow] = {r.source.model: r for r in facts.rows if (r.question.target, r.question.finding) == (asked.target, asked.finding)}
    trained = [r.group for r in of(results, "parameters") if r.group in rows]
    if not trained:
        return ()
    known = [k for k in LEADING if any(k in rows[label].metrics for label in trained)][:3]
    steps = [(f"recall_{k}", name) for k, name in enumerate(getattr(facts.study.targets[asked.target], "names", ())) if f"recall_{k}" in rows[trained[0]].metrics]
    body = tuple((label, *(cell(k, rows[label].metrics.get(k)) for k in known), *(cell("recall", rows[label].metrics.get(k)) for k, _ in steps),
                  *(value_cell(found) if (found := one(results, what, label)) else "–" for what in PAID)) for label in trained)
    columns = ("", *map(header, known), *(f"Found: {name}" for _, name in steps), *PAID.values())
    note = "Found: of the cases of a step, the share that was given this step." if steps else ""
    return (Table("costs-together", "How well, and at what cost", columns=columns, rows=body, note=note, tone="tight"),)


def graders(facts: Facts, analysis: Graders, results: Results) -> tuple[Block, ...]:
    """Who names the very step most often, of the readers and of the networks."""
    exact = of(results, "exact")
    best = {kind: max(found, key=lambda r: r.value.estimate) for kind, found in (("network", [r for r in exact if r.group in facts.about["models"]]), ("reader", [r for r in exact if r.group not in facts.about["models"]])) if found}
    text = [f"The same {number(exact[0].n)} cases of the test part, each by every reader and every network."]
    text += [f"The best {kind} is {r.group}: {spoken(r)} named exactly." for kind, r in best.items()]
    text.append("The best of several looks better than it is: it was chosen by these cases.")
    return (Paragraph(tuple(text)), *forest_of(facts, exact, "graders", "Exact grades of readers and networks", label="share of cases given their own step, %"))


COSTING: Mapping[type, Told] = {Costs: Told("What each network costs", costs), Graders: Told("Readers and networks on the whole scale", graders)}

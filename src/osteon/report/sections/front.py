"""The first screen: what was asked, what was found, how sure that is, and what it does not show."""

from __future__ import annotations

from osteon.report.content import Cell, Front
from osteon.report.facts import FEWEST, Facts
from osteon.report.families import family_of
from osteon.report.families.family import drawing, limits, metric_cell
from osteon.report.sections.asking import answers_words, design_words
from osteon.report.sections.external import cohorts
from osteon.report.sections.subgroups import too_few
from osteon.report.terms import METRICS
from osteon.report.words import finding_words, many, number, plural, spelled, with_unit


def front(facts: Facts) -> Front:
    """The first screen of a run."""
    row = facts.primary
    family = family_of(facts.study.targets[row.question.target])
    figure = family.scale(facts)
    made = metric_cell(facts, row, family.headline) if family.headline in row.metrics else Cell("–")
    value, _, beside = made.text.partition(" of an attainable ")
    under = f"95 % {facts.words.interval} {made.under}" if made.lower is not None else made.under
    banner = facts.about["cohort"]["notes"].get("sentence") or _sentence(facts) if facts.simulated else ""
    quarters = (("What was asked", asked(facts)), ("What was found", family.found(facts)), ("How sure", sure(facts, family.headline)), ("What it does not show", unshown(facts)))
    title = finding_words(row.question.target, row.question.finding)
    scale = drawing(facts, figure, "headline", "", alt=f"{title}: {made.text} ({made.under})") if figure is not None else None
    return Front(facts.study.question, facts.study.cite, banner=banner, number=Cell(value, under, value=made.value, lower=made.lower, upper=made.upper), beside=f"of an attainable {beside}" if beside else "", measured=_measured(facts, family.headline, title), scale=scale, quarters=quarters)


def _sentence(facts: Facts) -> str:
    return f"Software verification on {number(facts.about['cohort']['cases'])} simulated cases: the figures show how well planted labels are recovered. They say nothing about performance in patients."


def _measured(facts: Facts, key: str, title: str) -> str:
    name = f"{METRICS[key].plain} ({METRICS[key].short})" if key in METRICS and METRICS[key].plain.lower() != METRICS[key].short.lower() else key
    return f"{title}, {facts.primary.source.model}: {name}"


def asked(facts: Facts) -> tuple[str, ...]:
    """Inputs, targets, models, cases and design in three sentences."""
    cohort = facts.about["cohort"]
    models = facts.models_of(facts.primary.question.target)
    own = "the study's own, " if models[0] == next(iter(facts.study.models)) else "the first that this budget trains, "
    who = f"{spelled(len(models))} models answer {answers_words(facts)}; {own}{models[0]}, is the primary one" if len(models) > 1 else f"{models[0]} answers {answers_words(facts)}"
    origin = {"simulated": "made by a simulator", "public": "public data", "own": "the user's own data"}[cohort["origin"]]
    inputs = " and ".join(spec.description for spec in facts.study.inputs.values())
    people = "" if cohort["patients"] == cohort["cases"] else f" of {facts.words.people(cohort['patients'])}"
    return (f"{who[:1].upper()}{who[1:]}. What is read: {inputs}.", f"{facts.words.cases(cohort['cases'])}{people} ({cohort['name']}; {origin}). {design_words(facts)}")


def sure(facts: Facts, key: str) -> tuple[str, ...]:
    """The interval, the folds, the other models, other cohorts."""
    row = facts.primary
    value = limits(row.metrics, key)
    out = [_interval(facts, key, value)] if value[1] == value[1] else [f"There is no interval: {row.metrics[key].get('reason') or 'it was not computed'}."] if key in row.metrics else []
    known = _spread(facts, key)
    if known:
        out.append(known)
    others = [limits(r.metrics, key)[0] for m in facts.models_of(row.question.target)[1:] if (r := facts.row(m, row.question.target, row.question.finding)) is not None]
    others = [v for v in others if v == v]
    if others:
        out.append(f"The {spelled(len(others))} other {'models reach' if len(others) > 1 else 'model reaches'} {_range(facts, key, others)} on the same {many(facts.words.counted)}.")
    outside = [c for c in cohorts(facts) if c.primary is not None]
    out += [f"On cases from elsewhere ({c.name}): {metric_cell(facts, c.primary, key).text} ({metric_cell(facts, c.primary, key).under})." for c in outside if c.primary is not None and key in c.primary.metrics]
    return tuple(out)


def _interval(facts: Facts, key: str, value: tuple[float, float, float]) -> str:
    """The interval in words, with the number it rests on."""
    cell, counts, positive = metric_cell(facts, facts.primary, key), facts.primary.counts, facts.states(facts.primary)[0]
    rest = f"{plural(counts.get('n', 0), facts.words.counted)} tested" + (f", {number(positive)} of them with “{facts.spoken(facts.primary)}”" if positive else "")
    what = "another draw of the simulator would move the figure within about this range" if facts.simulated else "the play of chance alone"
    return f"95 % {facts.words.interval} {cell.under} ({what}); {rest}."


def _spread(facts: Facts, key: str) -> str:
    from osteon.report.families import classes, measures

    row = facts.primary
    per_fold = {"auc": classes.fold_aucs, "mae": measures.fold_errors}.get(key)
    if len(facts.folds) < 2 or per_fold is None or not (values := per_fold(facts)):
        return "" if len(facts.folds) > 1 else "One division into parts: how much another division would change it is not known."
    unit = facts.unit_of(row.question.target, row.question.finding)
    return f"From fold to fold it runs from {_one(key, min(values), unit)} to {_one(key, max(values), unit)}."


def _one(key: str, value: float, unit: str) -> str:
    return with_unit(value, unit if METRICS[key].scale == "unit" else "", METRICS[key].digits)


def _range(facts: Facts, key: str, values: list[float]) -> str:
    unit = facts.unit_of(facts.primary.question.target, facts.primary.question.finding)
    low, high = _one(key, min(values), unit), _one(key, max(values), unit)
    return low if low == high else f"{low} to {high}"


def unshown(facts: Facts) -> tuple[str, ...]:
    """What a reader may not take from it, the gravest first; at most four."""
    out = []
    if facts.simulated:
        out.append("How the method does in patients: there is no patient in it.")
    if facts.cohort["notes"].get("weak labels"):
        out.append("How right the answers are: the labels are weak, made by rule, and nobody has looked at the cases (see the limits).")
    if not facts.simulated and not cohorts(facts):
        out.append("Whether it holds elsewhere: no case came from outside this cohort.")
    useless = no_better_than_the_mean(facts)
    if useless:
        out.append(f"That every reading is of use: {', '.join(useless)} {'lies' if len(useless) == 1 else 'lie'} no nearer the truth than always answering the mean.")
    slope = limits(facts.primary.metrics, "calibration_slope")
    if slope[1] == slope[1] and not slope[1] <= 1 <= slope[2]:
        out.append(f"That its probabilities can be taken as they stand: the calibration slope is {number(slope[0], 2)}, not 1 (they are too {'extreme' if slope[0] < 1 else 'timid'}).")
    few, all_groups = too_few(facts)
    if few:
        out.append(f"How it does in small groups: {number(few)} of {number(all_groups)} hold fewer than {FEWEST} cases or one state only.")
    if any(c.metric for c in facts.study.claims):
        out.append("That the published figures are confirmed or refuted: they come from other cases under other definitions.")
    out.append("Whether using it helps anyone: no decision and no outcome that followed from it was studied.")
    return tuple(out[:4])


def no_better_than_the_mean(facts: Facts) -> tuple[str, ...]:
    """The readings of the primary target whose error is no smaller than that of the constant answer, as its interval tells."""
    primary = facts.primary
    same = [r for r in facts.rows if (r.source.model, r.question.target) == (primary.source.model, primary.question.target)]
    pairs = [(r.question.finding, limits(r.metrics, "mae"), limits(r.metrics, "mae_of_the_mean")) for r in same]
    return tuple(name for name, error, constant in pairs if error[2] >= constant[0])

"""What the results of a run say to a checklist."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from osteon.report.checklists.answer import Answer, drafted, filled
from osteon.report.facts import FEWEST, Facts
from osteon.report.families import family_of
from osteon.report.sections.external import cohorts
from osteon.report.sections.subgroups import Group, groups
from osteon.report.terms import METRICS, inline
from osteon.report.words import listed, many, number, plural
from osteon.row import EvidenceRow


def _headline(facts: Facts) -> str:
    return family_of(facts.study.targets[facts.primary.question.target]).headline


def _figure(facts: Facts, row: EvidenceRow, key: str) -> str:
    """A metric with its name, in running text."""
    unit = facts.unit_of(row.question.target, row.question.finding) if key in METRICS and METRICS[key].scale == "unit" else ""
    name = METRICS[key].short if key in METRICS else key
    return f"{name} {inline(key, row.metrics[key], unit)}" if key in row.metrics else f"{name} not defined"


def _main(facts: Facts) -> str:
    row = facts.primary
    return f"{row.source.model}, {facts.spoken(row)}: {_figure(facts, row, _headline(facts))}, n = {number(row.counts.get('n', 0))}"


def internal(facts: Facts) -> Answer:
    """The primary figure of the test part."""
    return filled(f"{_main(facts)}.", "results")


def estimates(facts: Facts) -> Answer:
    """Every figure of the primary question with its interval."""
    row, family = facts.primary, family_of(facts.study.targets[facts.primary.question.target])
    keys = [k for k in dict.fromkeys((family.headline, "sensitivity", "specificity", *family.grouped)) if k in row.metrics]
    return filled(f"{'; '.join(_figure(facts, row, k) for k in keys)} (95 % {many(facts.words.interval)}).", "results")


def metrics(facts: Facts) -> Answer:
    """Which figures, and which models they compare."""
    names = [METRICS[k].short for k in facts.primary.metrics if k in METRICS]
    models = facts.models_of(facts.primary.question.target)
    return drafted(f"{listed(names)}, of {plural(len(models), 'model')} on the same {number(facts.primary.counts.get('n', 0))} {many(facts.words.counted)}. Why these is for you to add.", "methods")


def uncertainty(facts: Facts) -> Answer:
    """How intervals are made."""
    found = facts.primary.metrics.get(_headline(facts), {})
    return filled(f"95 % {many(facts.words.interval)}; that of {_figure(facts, facts.primary, _headline(facts))} by {found.get('method') or 'the method named in the text'}; no correction for the number of secondary comparisons.", "methods")


def two_by_two(facts: Facts) -> Answer | None:
    """The cross-tabulation at the cut."""
    t = facts.primary.table
    if t is None:
        return None
    return filled(f"At the cut: {number(t.tp)} true and {number(t.fp)} false positives, {number(t.fn)} false and {number(t.tn) if t.tn is not None else 'no countable'} true negatives.", "results")


def errors(facts: Facts) -> Answer:
    """Errors, the largest and some by chance."""
    target = facts.study.primary
    lines = facts.test(facts.label, target)
    if not len(lines) or (lines["withheld"] != "").all():
        return filled(f"None of {number(len(lines))} {many(facts.words.counted)} was answered and judged.", "failures")
    found = family_of(facts.study.targets[target]).errors(facts, facts.label, target)
    wrong = f"{number(found['wrong'].sum())} of {number(len(found))} are wrong at the cut; " if len(found) and found["wrong"].any() else ""
    worst = f"the largest error is {found['error'].max():.3g}" if len(found) else "no error could be judged"
    return filled(f"{number(len(lines))} answers judged; {wrong}{worst}; the largest ones and some drawn by chance are listed by code.", "failures")


def indeterminate(facts: Facts) -> Answer:
    """No answer and open references, never merged."""
    c = facts.primary.counts
    return filled(f"Of {number(c.get('n', 0) + c.get('withheld', 0))} {many(facts.words.counted)}: {number(c.get('withheld', 0))} answers withheld, {number(c.get('indeterminate', 0))} references open; counted apart, neither right nor wrong.", "cases")


def _groups(facts: Facts) -> list[Group]:
    row = facts.primary
    return list(groups(facts, row.source.model, row.question.target, row.question.finding))


def by_group(facts: Facts) -> Answer | None:
    """The figure in groups: the span over those that are large enough."""
    found, key = _groups(facts), _headline(facts)
    target = facts.study.targets[facts.primary.question.target]
    known = {f"{g.attribute} {g.value}": target.metrics(g.lines)[key].estimate for g in found if not g.few}
    known = {k: v for k, v in known.items() if v == v}
    if not known:
        return None
    low, high = min(known, key=lambda k: known[k]), max(known, key=lambda k: known[k])
    return filled(f"{METRICS[key].short} in {number(len(known))} of {plural(len(found), 'group')} (fewer than {FEWEST} or one state in the others): from {known[low]:.3g} ({low}) to {known[high]:.3g} ({high}).", "subgroups")


def fairness(facts: Facts) -> Answer | None:
    """Groups that the study names beforehand."""
    found = _groups(facts)
    if not found:
        return None
    return filled(f"Named beforehand by the study: {listed(facts.study.subgroups)}; {number(len(found))} groups are shown, {number(sum(bool(g.few) for g in found))} of them too small for a figure. Nothing was done to make them equal; differences are corrected for their number.", "subgroups")


def by_site(facts: Facts) -> Answer | None:
    """The figure by site."""
    known = [g for g in _groups(facts) if g.attribute == "site"]
    sizes = facts.tables["cases"]["site"].dropna().value_counts()
    if len(sizes) == 1:
        return drafted(f"All {number(sizes.iloc[0])} {many(facts.words.case)} come from one site: no heterogeneity can be seen.", "cases")
    target, key = facts.study.targets[facts.primary.question.target], _headline(facts)
    values = [v for g in known if not g.few and (v := target.metrics(g.lines)[key].estimate) == v]
    return filled(f"{METRICS[key].short} of {number(len(values))} of {plural(len(known), 'site')}: {min(values):.3g} to {max(values):.3g}.", "subgroups") if values else None


def robustness(facts: Facts) -> Answer | None:
    """The figure from fold to fold, or the span over groups where there is one division only."""
    key = _headline(facts)
    if len(facts.folds) < 2:
        known = by_group(facts)
        return drafted(f"One division, no other seed. {known.text}", "subgroups") if known else drafted(f"One division and one seed ({facts.about['seed']}): how much another would change {_figure(facts, facts.primary, key)} is not known.", "limits")
    row = facts.primary
    target, lines = facts.study.targets[row.question.target], facts.test(row.source.model, row.question.target, row.question.finding)
    values = [v for _, part in lines.groupby("fold", sort=False) if (v := target.metrics(part)[key].estimate) == v]
    return filled(f"{METRICS[key].short} over {plural(len(facts.folds), 'fold')}: {min(values):.3g} to {max(values):.3g}.", "results") if values else None


def outside(facts: Facts) -> Answer:
    """Cases from elsewhere."""
    found, key = cohorts(facts), _headline(facts)
    if not found:
        return drafted(f"The finished model was asked about no cases from outside {facts.cohort['name']}. The reason is for you to add.", "external")
    told = [f"{c.name}: {_figure(facts, c.primary, key)}" for c in found if c.primary is not None and c.primary.metrics]
    return filled(f"{'; '.join(told) or listed(c.name for c in found)}; not retrained, at the cut of the run.", "external")


def size(facts: Facts) -> Answer:
    """What the number of tested cases allows, and what a usual precision would ask for."""
    from osteon.stats.sample_size import sensitivity_size

    n, m = facts.states(facts.primary)
    if not n or not m:
        return drafted(f"No plan was recorded; {number(facts.primary.counts.get('n', 0))} {many(facts.words.counted)} were tested.", "limits")
    asked = sensitivity_size(0.9, 0.05, prevalence=n / (n + m))
    return drafted(f"No plan was recorded. {number(n)} with and {number(m)} without “{facts.spoken(facts.primary)}” were tested; a sensitivity of 90 % known to ±5 points would ask for {number(asked)} {many(facts.words.counted)} at this share (Buderer 1996).", "results")


def imbalance(facts: Facts) -> Answer | None:
    """The share of the finding, and calibration."""
    n, m = facts.states(facts.primary)
    if not n + m:
        return None
    slope = f"; {_figure(facts, facts.primary, 'calibration_slope')}" if "calibration_slope" in facts.primary.metrics else ""
    return filled(f"“{facts.spoken(facts.primary)}” in {number(100 * n / (n + m), 1)} % of those tested{slope}. Whether the training weighs or resamples stands in the notes of every fit.", "results")


def events(facts: Facts) -> Answer | None:
    """How many, and how many with the finding."""
    n, m = facts.states(facts.primary)
    split = facts.tables["split"].groupby("part", sort=False)["case"].nunique()
    return filled(f"{'; '.join(f'{part}: {number(count)}' for part, count in split.items())} {many(facts.words.case)}; tested with “{facts.spoken(facts.primary)}”: {number(n)}, without: {number(m)}.", "cases") if n + m else None


RESULTS: Mapping[str, Callable[[Facts], Answer | None]] = {f.__name__: f for f in (
    internal, estimates, metrics, uncertainty, two_by_two, errors, indeterminate, by_group, fairness, by_site, robustness, outside, size, imbalance, events)}

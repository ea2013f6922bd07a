"""What the plan of a run, its seal and its readers say to a checklist."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from osteon.engine.seal import deviations, read
from osteon.report.checklists.answer import Answer, absent, drafted, filled
from osteon.report.facts import Facts
from osteon.report.families.at_cut import cut_words, hundred_words
from osteon.report.sections.external import cohorts
from osteon.report.sections.plan import moment
from osteon.report.sections.subgroups import groups
from osteon.report.words import listed, many, number, plural
from osteon.targets import Classes, Declared, Events, Grades


def sealed_plan(facts: Facts) -> Answer:
    """The plan, its hash and time."""
    seal = read(facts.run)
    if seal is None:
        return drafted(f"The study file, cases, design, seed and budget have the hash {facts.about['identity'][:16]}. Whether it was deposited before is for you to add.", "making")
    faults = deviations(facts.run, facts.study)
    return drafted(f"The plan was sealed at {moment(seal.time)}, hash {seal.hash[:16]}, before any case was judged; {plural(len(faults), 'deviation')} since. Say where it, or a fuller protocol, can be had.", "plan")


def sealed_cut(facts: Facts) -> Answer:
    """The cut, how it was come by, and that it was fixed before its test part was opened."""
    table = facts.primary.table
    if table is None or table.cut is None:
        return filled(f"No cut was chosen (run {facts.about['identity'][:10]}).", "results")
    seal = read(facts.run)
    when = next((u.time for u in seal.unlocks if u.model == facts.label), "") if seal else ""
    fixed = f" Sealed at {moment(when)}, before its test part was judged." if when else ""
    return filled(f"{cut_words(facts, facts.primary.question.target)} Cut: {table.cut:.3g} ({table.cut_chosen_on}).{fixed}", "plan" if when else "results")


def variability(facts: Facts) -> Answer | None:
    """Looks at groups, and that they were named beforehand."""
    row = facts.primary
    found = list(groups(facts, row.source.model, row.question.target, row.question.finding))
    seal = read(facts.run)
    if not found:
        return None
    when = f" in the plan sealed at {moment(seal.time)}" if seal else " by the study"
    return filled(f"Named beforehand{when}: {listed(facts.study.subgroups)}; {number(len(found))} groups, {number(sum(bool(g.few) for g in found))} too small for a figure. All else in this report was not named as a test beforehand.", "subgroups")


def implications(facts: Facts) -> Answer | None:
    """What the cut does, as a start for what follows from it."""
    row = facts.primary
    if row.table is None or row.table.tn is None:
        return None
    return drafted(f"{hundred_words(facts, row, facts.spoken(row))} Nothing that followed from an answer was studied. Intended use, place in care and what stands in the way are for you to add.", "results")


def fair_use(facts: Facts) -> Answer | None:
    """Groups, as a start for fairness in use."""
    from osteon.report.checklists.from_results import by_group

    known = by_group(facts)
    return drafted(f"{known.text} What follows from that for those groups, and what is done about it in use, is for you to add.", "subgroups") if known else None


def in_use(facts: Facts) -> Answer:
    """How a user asks the model."""
    seconds = facts.primary.seconds_per_case
    cost = f", {seconds:.2g} s a case" if seconds is not None else ""
    return drafted(f"“osteon predict” reads a file or a cohort folder and answers{cost}; {number(facts.primary.counts.get('withheld', 0))} of {number(facts.primary.counts.get('n', 0))} tested got no answer, with the reason. What a user must know and may decide is for you to add.", "files")


def horizon(facts: Facts) -> Answer | None:
    """The time from reading to outcome, where the target has one."""
    target = facts.study.targets[facts.primary.question.target]
    if not isinstance(target, Events):
        return None
    return drafted(f"{target.name} is judged {number(target.horizon, 1)} after the start, in the unit of the times; {number(facts.primary.counts.get('indeterminate', 0))} were not followed so long. Say from when on it is counted.", "methods")


def reference_cut(facts: Facts) -> Answer:
    """What counts as positive in the reference."""
    row = facts.primary
    target = facts.study.targets[row.question.target]
    if isinstance(target, Grades):
        rule = f"from step {target.names[target.from_]} on"
    elif isinstance(target.cut, Declared):
        rule = facts.spoken(row) + ", declared by the study"
    elif isinstance(target, Classes):
        rule = f"the class “{row.question.finding}” of {listed(target.names)}"
    else:
        rule = facts.spoken(row)
    n, m = facts.states(row)
    return drafted(f"Positive: {rule}; {number(n)} of {number(n + m)} tested. How the reference itself came to it is for you to add.", "methods")


def apart(facts: Facts) -> Answer:
    """Whether the answer of the model is a part of the reference."""
    model = facts.study.models.get(facts.label.partition("@")[0])
    reads = listed(model.reads) if model is not None else "its inputs"
    return drafted(f"{facts.label} reads {reads}; its {number(facts.primary.counts.get('n', 0))} answers were made for this test and are no part of the {facts.words.truth}. Say whether who set the {facts.words.truth} saw answers of this or another model.", "methods")


def severity(facts: Facts) -> Answer | None:
    """How severe the finding is among those who have it."""
    return _spread(facts, positive=True)


def others_in_negative(facts: Facts) -> Answer | None:
    """What those without the finding have instead."""
    return _spread(facts, positive=False)


def _spread(facts: Facts, *, positive: bool) -> Answer | None:
    row = facts.primary
    target = facts.study.targets[row.question.target]
    lines = facts.test(row.source.model, row.question.target, row.question.finding)
    if not isinstance(target, (Classes, Grades)) or len(target.names) < 3 or "n.truth" not in lines:
        return None
    known = lines[(lines["state"] == ("true" if positive else "false")) & lines["n.truth"].notna()].drop_duplicates(["fold", "case", "unit"])
    counts = known["n.truth"].astype(int).value_counts().sort_index()
    if len(counts) < 2:
        return None
    told = "; ".join(f"{target.names[k]}: {number(n)}" for k, n in counts.items())
    return filled(f"Of {number(len(known))} tested {many(facts.words.counted)} {'with' if positive else 'without'} “{facts.spoken(row)}”: {told}.", "results")


def elsewhere_differs(facts: Facts) -> Answer:
    """How cases from elsewhere differ in number and share of the finding."""
    found = [c for c in cohorts(facts) if c.primary is not None]
    n, m = facts.states(facts.primary)
    if not found:
        return drafted(f"No cases from elsewhere; of {number(n + m)} tested here {number(n)} have “{facts.spoken(facts.primary)}”. The reason is for you to add.", "external")
    told = [f"{c.name}: {number(c.primary.counts.get('n', 0))} {many(facts.words.unit)}, {number(c.primary.counts.get('positive', 0))} with “{facts.spoken(facts.primary)}”" for c in found if c.primary is not None]
    return filled(f"{'; '.join(told)}; here {number(n)} of {number(n + m)}.", "external")


def between_readers(facts: Facts) -> Answer | None:
    """How far readers agree, where their readings came with the cases."""
    import numpy as np

    from osteon.stats.kappa import gwet_ac, krippendorff_alpha

    path = facts.run.folder / "readings.csv"
    if not path.exists():
        return None
    table = facts.run.table("readings")
    mine = table[(table["target"] == facts.primary.question.target) & table["positive"].notna() & ~table["aided"].astype(bool)] if "target" in table else table[table["positive"].notna()]
    wide = mine.pivot_table(index="case", columns="reader", values="positive", aggfunc="first")
    if wide.shape[1] < 2 or (wide.notna().sum(axis=1) >= 2).sum() < 3:
        return None
    x = wide.to_numpy(float)
    ac, alpha = gwet_ac(x, classes=2), krippendorff_alpha(x)
    said = f"AC1 {number(ac.estimate, 3)} ({number(ac.lower, 3)} to {number(ac.upper, 3)})" + ("" if np.isnan(alpha) else f", Krippendorff's alpha {number(alpha, 3)}")
    return filled(f"{plural(wide.shape[1], 'reader')} on {number(len(wide))} {many(facts.words.case)}, without aid, on “{facts.spoken(facts.primary)}”: {said}.", "readers")


def in_time(facts: Facts) -> Answer:
    """When inputs are known."""
    return drafted(f"Read of {facts.held}: {listed(spec.description for spec in facts.study.inputs.values())}. Say for each when it is known, and that this is before the model is asked.", "making")


def size_built(facts: Facts) -> Answer:
    """Cases to learn from, beside what Riley's criteria would ask for."""
    from osteon.stats.sample_size import binary_model_size

    split = facts.tables["split"]
    learnt = split[split["part"].str.startswith("train")].groupby("fold", sort=False)["case"].nunique()
    columns = sum(len(spec.columns) for spec in facts.study.inputs.values() if spec.kind == "table")
    n, m = facts.states(facts.primary)
    auc = facts.primary.metrics.get("auc", {}).get("estimate")
    known = f"{number(learnt.min())}" + (f" to {number(learnt.max())}" if learnt.max() > learnt.min() else "")
    if not columns or not n or not m or auc is None or not 0.55 < auc < 0.995:
        return drafted(f"{known} {many(facts.words.case)} to learn from; no plan of their number was recorded, and for a network no criterion is agreed on.", "cases")
    asked = binary_model_size(parameters=columns, prevalence=n / (n + m), auc=auc)
    return drafted(f"{known} {many(facts.words.case)} to learn from, {number(columns)} columns, share with the finding {number(100 * n / (n + m), 1)} %. For a regression on as many columns Riley's criteria would ask for {number(asked.cases)} at the AUC found here; more flexible models need more.", "cases")


def handling(facts: Facts) -> Answer:
    """Numbers and words."""
    cells = [spec for spec in facts.study.inputs.values() if spec.kind == "table"]
    n = facts.held
    if not cells:
        return filled(f"No number was cut into classes: the inputs of {n} are read as they are ({listed(facts.study.inputs)}).", "making")
    numbers, words = sum(len(s.record.numbers) for s in cells), sum(len(s.record.categories) for s in cells)
    return filled(f"{number(numbers)} columns of numbers stayed numbers, none was cut into classes; {number(words)} of words became indicators, rare levels together ({n}).", "making")


def rebalanced(facts: Facts) -> Answer:
    """This software neither weighs nor resamples classes."""
    return absent(f"No case was weighed or drawn again to balance classes (run {facts.about['identity'][:10]}).")


def natural_shares(facts: Facts) -> Answer | None:
    """The shares of the test part are those of the cases."""
    n, m = facts.states(facts.primary)
    return filled(f"The test part is as it came: {number(n)} of {number(n + m)} ({number(100 * n / (n + m), 1)} %) with “{facts.spoken(facts.primary)}”; no case was weighed or drawn again.", "results") if n + m else None


def overfitting(facts: Facts) -> Answer:
    """What was done against it, and the sign of it on the test part."""
    split = facts.tables["split"]
    tune = split[split["part"].str.startswith("tune")].groupby("fold", sort=False)["case"].nunique()
    slope = facts.primary.metrics.get("calibration_slope", {})
    sign = f" On the test part the calibration slope is {number(float(slope['estimate']), 2)} (below 1: too extreme)." if slope.get("estimate") is not None and slope["estimate"] == slope["estimate"] else ""
    return drafted(f"A tune part of {number(tune.min()) if len(tune) else 'no'} {many(facts.words.case)} that is not learned from chose the cut and, where a network was trained, when to stop.{sign} Penalties of each model stand in the notes of every fit.", "making")


def repeated(facts: Facts) -> Answer:
    """Every step is repeated in each fold."""
    if len(facts.folds) < 2:
        return absent(f"No folds or resamples: one division (run {facts.about['identity'][:10]}).")
    return filled(f"In each of {number(len(facts.folds))} folds imputation, coding, training and the choice of the cut were done anew ({plural(len(facts.about['fits']), 'fit')} noted).", "making")


def all_three(facts: Facts) -> Answer:
    """Discrimination, calibration, net benefit."""
    m = facts.primary.metrics
    told = [f"{name} {number(float(m[key]['estimate']), 3)}" for name, key in (("AUC", "auc"), ("C-index", "c_index"), ("calibration slope", "calibration_slope"), ("O:E", "observed_expected"), ("Brier score", "brier")) if key in m and m[key]["estimate"] is not None]
    lacking = " Calibration does not apply to answers without probabilities." if "brier" not in m else " Net benefit has a section of its own."
    return filled(f"{listed(told) or 'No figure is defined'}.{lacking}", "results")


PLAN: Mapping[str, Callable[[Facts], Answer | None]] = {f.__name__: f for f in (
    sealed_plan, sealed_cut, variability, implications, fair_use, in_use, horizon, reference_cut, apart, severity, others_in_negative, elsewhere_differs, between_readers, in_time, size_built, handling,
    rebalanced, natural_shares, overfitting, repeated, all_three)}

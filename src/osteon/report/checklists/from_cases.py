"""What the cases of a run say to a checklist."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from osteon.report.checklists.answer import Answer, absent, drafted, filled
from osteon.report.facts import Facts
from osteon.report.sections.asking import design_words, told
from osteon.report.sections.cases import SMALL
from osteon.report.sections.leakage import findings, verdict
from osteon.report.words import listed, many, number, plural
from osteon.validation.shift import shifts

if TYPE_CHECKING:
    import pandas as pd

    from osteon.validation.shift import Shift


def origin(facts: Facts) -> Answer:
    """Where the cases come from, and their licence."""
    cohort = facts.cohort
    kind = {"simulated": "made by the simulator of this study", "public": "public data", "own": "data of the user's own"}[cohort["origin"]]
    licence = f"; licence: {cohort['licence']}" if cohort.get("licence") else ""
    return filled(f"{facts.who}: {kind}{licence}.", "cases")


def direction(facts: Facts) -> Answer:
    """Retrospective, as far as a run of stored cases is."""
    return drafted(f"The {facts.who} existed before the model was run on them: retrospective use. Whether they were collected prospectively is for you to add.", "methods")


def gate(facts: Facts) -> Answer | None:
    """One stream of cases or two: the share with the finding is a hint."""
    n, m = facts.states(facts.primary)
    return drafted(f"{number(n)} with “{facts.spoken(facts.primary)}” and {number(m)} without were tested. Say whether they came by one entrance or were picked by state.", "cases") if n + m else None


def eligibility(facts: Facts) -> Answer:
    """Rules and reasons."""
    rules = listed(e.reason for e in facts.study.eligible) if facts.study.eligible else "no rule beyond readable inputs"
    return drafted(f"Rules of the study: {rules}. {_left(facts)} How they were found is for you to add.", "cases")


def _left(facts: Facts) -> str:
    n, out = facts.flow, facts.left_out
    why = f": {listed(f'{reason} ({number(count)})' for reason, count in out)}" if out else ""
    return f"Of {facts.words.cases(n['assessed'])} looked at {number(n['included'])} were used, {number(n['assessed'] - n['included'])} left out{why}."


def flow(facts: Facts) -> Answer:
    """Numbers in and out."""
    counts = facts.primary.counts
    return filled(f"{_left(facts)} Tested and answered: {number(counts.get('n', 0))} {many(facts.words.counted)}; withheld {number(counts.get('withheld', 0))}, reference open {number(counts.get('indeterminate', 0))}.", "cases")


def selection(facts: Facts) -> Answer:
    """Any sub-selection of the data."""
    return drafted(f"{_left(facts)} The run picked no other part of them.", "cases")


def identity(facts: Facts) -> Answer:
    """What the run keeps of a person."""
    return drafted(f"The run keeps codes for {facts.people}: no name, identifier or date. How the source was de-identified is for you to add.", "files")


def missing(facts: Facts) -> Answer:
    """Empty cells of records, and answers withheld."""
    held = facts.primary.counts.get("withheld", 0)
    table, columns = _record(facts)
    if not columns:
        return filled(f"No picture or value was filled in: a {facts.words.item} that could not be read was left out ({number(facts.flow['assessed'] - facts.flow['included'])}), and {number(held)} answers were withheld of {number(held + facts.primary.counts.get('n', 0))}.", "failures")
    empty = table[columns].isna()
    worst = empty.mean().idxmax()
    most = f", most in {worst} ({number(100 * empty[worst].mean(), 1)} %)" if empty[worst].any() else ""
    return filled(f"{number(empty.to_numpy().sum())} of {number(empty.size)} cells of {number(len(columns))} columns are empty{most}; numbers were filled by the median of the train part with a flag, words have a level of their own; {number(held)} answers were withheld.", "cases")


def _record(facts: Facts) -> tuple[pd.DataFrame, list[str]]:
    table = facts.tables["cases"]
    return table, list(dict.fromkeys(c for spec in facts.study.inputs.values() if spec.kind == "table" for c in spec.columns if c in table))


def predictors(facts: Facts) -> Answer | None:
    """Which columns were read."""
    table, columns = _record(facts)
    lacking = list(dict.fromkeys(c for spec in facts.study.inputs.values() if spec.kind == "table" for c in spec.columns if c not in table))
    rest = f"; declared and not in these data: {listed(lacking)}" if lacking else ""
    return filled(f"{number(len(columns))} columns of {facts.words.cases(len(table))}: {listed(columns)}{rest}. None was chosen by looking at the outcome.", "making") if columns else None


def definitions(facts: Facts) -> Answer:
    """What is read, in the words of the study."""
    return drafted(f"{listed(spec.description for spec in facts.study.inputs.values())} ({facts.who}). When and how each was measured is for you to add.", "making")


def acquisition(facts: Facts) -> Answer:
    """How pictures were taken, as far as the study says."""
    return drafted(f"{listed(f'{spec.modality or spec.kind}: {spec.description}' for spec in facts.study.inputs.values())}, {facts.who}. Devices and settings are for you to add.", "making")


def reference(facts: Facts) -> Answer:
    """What the truth is, and how often it is there."""
    row, (n, m) = facts.primary, facts.states(facts.primary)
    split = f"; tested: {number(n)} with “{facts.spoken(row)}”, {number(m)} without" if n + m else ""
    return drafted(f"{row.question.target}: {told(facts.study.targets[row.question.target])}, as given with {facts.cohort['name']}{split}. What it rests on, and why, is for you to add.", "methods")


def verified(facts: Facts) -> Answer:
    """For how many of the tested cases a reference standard exists."""
    split = facts.tables["split"]
    tested, judged = split[split["part"] == "test"]["case"].nunique(), facts.test(facts.label, facts.primary.question.target)["case"].nunique()
    return filled(f"{number(judged)} of {number(tested)} tested {many(facts.words.case)} have a {facts.words.truth} for {facts.primary.question.target}.", "cases")


def partition(facts: Facts) -> Answer:
    """How cases were assigned."""
    split = facts.tables["split"]
    sizes = split.groupby("part", sort=False)["case"].nunique()
    return filled(f"{design_words(facts)} {'; '.join(f'{part}: {number(n)}' for part, n in sizes.items())} {many(facts.words.case)}; parts alike in the share of the main finding.", "cases")


def disjoint(facts: Facts) -> Answer:
    """At which level parts are disjoint."""
    keep = listed(("patient", *facts.study.together))
    return filled(f"Disjoint by {keep} ({facts.people}). {verdict(facts, findings(facts)[1])}", "leakage")


def characteristics(facts: Facts) -> Answer | None:
    """Table one."""
    return filled(f"Table one: {listed(facts.characteristics)}, of {facts.held}.", "cases") if facts.characteristics else None


def sites(facts: Facts) -> Answer | None:
    """How many sites."""
    known = facts.tables["cases"]["site"].dropna().value_counts()
    if not len(known):
        return None
    least = f"fewer than {SMALL}" if known.min() < SMALL and not facts.simulated else number(known.min())
    return filled(f"{plural(len(known), 'site')}, of {least} to {number(known.max())} {many(facts.words.case)}.", "cases")


def _between(facts: Facts) -> tuple[Shift, ...]:
    """Shifts of the columns of the run from what was learnt from (train and tune of the first fold) to its test part."""
    table, split = facts.tables["cases"], facts.tables["split"]
    split = split[split["fold"] == split["fold"].iloc[0]]
    tested = table["case"].isin(split[split["part"] == "test"]["case"])
    columns = [c for c in table.columns if c not in ("case", "patient")]
    return tuple(s for s in shifts(table.loc[~tested, columns], table.loc[tested, columns]) if s.smd == s.smd)


def differences(facts: Facts) -> Answer | None:
    """How the tested cases differ from those that were learnt from."""
    found = _between(facts)
    if not found:
        return None
    top = found[0]
    return filled(f"The test part differs most from what was learnt from in {top.column}{f' ({top.level})' if top.level else ''}: SMD {number(top.smd, 2)}, PSI {number(top.psi, 3)}; {number(sum(abs(s.smd) > 0.1 for s in found))} of {number(len(found))} columns differ by more than 0.1.", "shift")


def spectrum(facts: Facts) -> Answer | None:
    """The share with the finding, to be compared with that in use."""
    n, m = facts.states(facts.primary)
    return drafted(f"“{facts.spoken(facts.primary)}” in {number(100 * n / (n + m), 1)} % of {number(n + m)} tested {many(facts.words.counted)}. Compare it with the share where the model is meant to be used.", "results") if n + m else None


def unit(facts: Facts) -> Answer:
    """What is counted, and how units of one patient are dealt with."""
    counts = facts.primary.counts
    return filled(f"Counted: {facts.primary.question.unit}, {number(counts.get('n', 0))} of {facts.words.people(counts.get('patients', 0))}; intervals allow for several of one {facts.words.person} where they repeat.", "methods")


def quality(facts: Facts) -> Answer:
    """Checks before use."""
    unread = sum(n for reason, n in facts.left_out if "read" in reason or "spacing" in reason)
    return filled(f"Every input was read and checked for type, range and duplicates before the division: {number(unread)} of {number(facts.flow['assessed'])} could not be read; the same rules held in every group.", "cases")


def inputs_in_use(facts: Facts) -> Answer:
    """What happens to poor or missing inputs."""
    return drafted(f"An input that is missing or can not be read gives no answer, with the reason ({number(facts.primary.counts.get('withheld', 0))} of the {number(facts.primary.counts.get('n', 0))} tested). Say what a user does then.", "failures")


def annotators(facts: Facts) -> Answer | None:
    """Who set the truth: known only where readers' readings came with the cases."""
    path = facts.run.folder / "readings.csv"
    if not path.exists():
        return None
    readers = facts.run.table("readings")["reader"].nunique()
    return drafted(f"{plural(readers, 'reader')} in the readings of the run. Their training and experience are for you to add.", "cases")


def elsewhere_absent(facts: Facts) -> Answer | None:
    """For items on updating a model, which this software never does by itself."""
    return absent(f"No model was updated or recalibrated after its first fit ({listed(facts.about['models'])}).")


CASES: Mapping[str, Callable[[Facts], Answer | None]] = {f.__name__: f for f in (
    origin, direction, gate, eligibility, flow, selection, identity, missing, predictors, definitions, acquisition, reference, verified, partition, disjoint, characteristics, sites,
    differences, spectrum, unit, quality, inputs_in_use, annotators, elsewhere_absent)}

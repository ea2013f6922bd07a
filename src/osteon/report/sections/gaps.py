"""How far groups differ from the largest one, corrected for the number of looks."""

from __future__ import annotations

from osteon.report.cells import chance, tested
from osteon.report.content import Cell, Paragraph, Section, Table
from osteon.report.facts import Facts
from osteon.report.families import family_of
from osteon.report.sections.subgroups import groups
from osteon.report.terms import METRICS, Metric
from osteon.report.words import listed, many, number, plural
from osteon.validation.gaps import Gap, Measured, together
from osteon.validation.gaps import gaps as measure

PLAIN = 0.05


def gaps(facts: Facts) -> Section | None:
    """A row a gap, the clearest first; None where the study names no groups or fewer than two are large enough."""
    row = facts.primary
    target = facts.study.targets[row.question.target]
    family = family_of(target)
    keys = tuple(dict.fromkeys(k for k in (family.headline, "sensitivity", "specificity", *family.grouped) if k in row.metrics and k in METRICS))
    known = [g for g in groups(facts, row.source.model, row.question.target, row.question.finding) if not g.few]
    measured = [Measured(g.attribute, g.value, cases=len(g.lines), figures=target.metrics(g.lines)) for g in known]
    found = measure(measured, keys)
    found = tuple(g for g in found if g.difference.defined)
    if not found:
        return None
    table = Table("gaps", f"Less the largest group: {facts.label}", columns=("", "Group", "Against", "Figure", "Difference", "p", "p, Holm"),
                  rows=tuple(_row(g) for g in sorted(found, key=lambda g: g.p)), tone="tight",
                  note=f"Below each difference stands its 95 % {facts.words.interval}. Holm's correction is over all {number(len(found))} rows. A group too small for a figure is not here, and is not shown to be equal.")
    return Section("gaps", "Differences between groups", (Paragraph((_verdict(facts, found),)), table, *_together(facts, measured, {(g.attribute, g.value): set(g.lines["case"]) for g in known})))


def _together(facts: Facts, measured: list[Measured], cases: dict[tuple[str, str], set[str]]) -> tuple[Table, ...]:
    """All groups of each attribute at once."""
    target = facts.primary.question.target
    family = family_of(facts.study.targets[target])
    errors = family.errors(facts, facts.label, target)
    own = {key: errors[errors["case"].isin(codes)]["error"].to_numpy(float) for key, codes in cases.items()}
    found = together(measured, family.headline, own)
    if not found:
        return ()
    rows = tuple((t.attribute, str(t.groups), tested(t.figure), tested(t.errors)) for t in found)
    shown = METRICS[family.headline].short if family.headline in METRICS else family.headline
    return (Table("together", "All groups of an attribute at once", columns=("", "Groups", f"{shown}: p of Cochran's Q", "Errors of cases: p of Kruskal and Wallis"), rows=rows, tone="tight",
                  note="A small p says that the groups differ more than chance makes them; a large one does not say that they are alike."),)


def _verdict(facts: Facts, found: tuple[Gap, ...]) -> str:
    clear = [g for g in found if g.adjusted < PLAIN]
    if clear:
        return f"{plural(len(clear), 'difference')} of {number(len(found))} {'is' if len(clear) == 1 else 'are'} more than chance after correction: {listed(dict.fromkeys(f'{g.attribute} {g.group}, {METRICS[g.figure].short}' for g in clear))}."
    widest = max(max(abs(g.difference.lower), abs(g.difference.upper)) for g in found if METRICS[g.figure].scale != "unit") if any(METRICS[g.figure].scale != "unit" for g in found) else None
    room = f" The intervals leave room for differences of up to {number(widest, 2)}: groups of {many(facts.words.counted)} of this size can not show that they are alike." if widest is not None else ""
    return f"None of {number(len(found))} differences is more than chance after correction.{room}"


def _row(gap: Gap) -> tuple[Cell | str, ...]:
    shown, d = METRICS[gap.figure], gap.difference
    return (gap.attribute, gap.group, gap.reference, shown.short, Cell(_signed(shown, d.estimate), f"{_signed(shown, d.lower)} to {_signed(shown, d.upper)}", value=d.estimate, lower=d.lower, upper=d.upper),
            chance(gap.p), chance(gap.adjusted))


def _signed(metric: Metric, value: float) -> str:
    text = number(100 * value if metric.scale == "share" else value, metric.digits)
    return text if value < 0 or text.strip("0.") == "" else f"+{text}"

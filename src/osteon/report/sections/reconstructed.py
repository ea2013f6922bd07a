"""The best, the median and the worst picture that was made, beside the reference and the simpler models, with error maps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from osteon.errors import OsteonError
from osteon.report.content import Block, Drawing, Paragraph, Section
from osteon.report.facts import Facts
from osteon.report.families import family_of
from osteon.report.sections.films import answers_of, chosen, cohort_of, unconformed
from osteon.report.words import STAMP, discreet, listed, number
from osteon.targets import Pictures
from osteon.value import Picture


def reconstructed(facts: Facts) -> Section | None:
    """Three cases of the first model; None where the primary target is no picture."""
    target = facts.study.primary
    if not isinstance(facts.study.targets[target], Pictures):
        return None
    shown = models_shown(facts)
    try:
        drawn = tuple(_drawings(facts, target, shown))
        why = "" if drawn else "The files that the cases came from are not at hand, have changed, or were not asked for."
    except (OsteonError, OSError) as error:
        drawn, why = (), f"The cases could not be opened again: {discreet(str(error))}"
    text = (f"Test cases put in order by the likeness of {facts.label} {facts.study.targets[target].findings[0]}: the best, the middle one, the worst. Of each the slice on which {facts.label} errs most, "
            f"beside {listed(shown[:-1])}." if len(shown) > 1 else f"Test cases put in order by the likeness of {facts.label}.", "What looks sharp need not be there: the error map is the judge.")
    blocks: tuple[Block, ...] = (Paragraph(text), *drawn) if drawn else (Paragraph((why,), "note"),)
    return Section("reconstructed", "Best, median and worst picture", blocks)


def models_shown(facts: Facts) -> tuple[str, ...]:
    """The last two models of the study, which are its simplest, and the first: in that order."""
    labels = facts.models_of(facts.study.primary)
    return (*dict.fromkeys(m for m in labels[:-3:-1] if m != facts.label), facts.label)


def _drawings(facts: Facts, target: str, shown: tuple[str, ...]) -> Iterator[Drawing]:
    from osteon.engine.folder import codes

    cohort = cohort_of(facts)
    if cohort is None:
        return
    errors = {m: family_of(facts.study.targets[target]).errors(facts, m, target).set_index("case") for m in shown}
    picked = chosen(errors[facts.label].reset_index())
    answers = {m: answers_of(facts, set(picked.values()), m) for m in shown}
    by_code = {code: case_id for case_id, code in codes(unconformed(facts)).cases.items()}
    rows = {case_id: i for i, case_id in enumerate(cohort.ids())}
    for place, code in picked.items():
        reference = cohort.cases[rows[by_code[code]]].truth[target]
        made = {m: answers[m][code][target] for m in shown if code in answers[m]}
        told = {m: str(errors[m].loc[code, "told"]) for m in made if code in errors[m].index}
        if isinstance(reference, Picture) and all(isinstance(v, Picture) for v in made.values()):
            yield _drawing(facts, (place, code), reference, made, told)  # type: ignore[arg-type]


def _drawing(facts: Facts, which: tuple[str, str], reference: Picture, made: Mapping[str, Picture], told: Mapping[str, str]) -> Drawing:
    from osteon.report.figures.maps import jpeg
    from osteon.report.figures.pictures import beside

    place, code = which
    at = _slice(reference, made[facts.label])
    flat = {m: np.asarray(v.array, float) if v.array.ndim == 2 else np.asarray(v.array[at], float) for m, v in made.items()}
    whole = np.asarray(reference.array if reference.array.ndim == 2 else reference.array[at], float)
    figure = beside(whole, flat, told=told, note=STAMP if facts.simulated else "")
    words = f"slice {number(at + 1)}; {'; '.join(f'{m}: {t}' for m, t in told.items())}"
    source = {"case": code, "slice": at + 1, "told": dict(told)}
    return Drawing(f"picture-{place}", f"{place.capitalize()}: {code}", data=jpeg(figure), source=source, caption=f"{code}, slice {at + 1}.",
                   alt=f"{STAMP + '. ' if facts.simulated else ''}Case {code}, {words}")


def _slice(reference: Picture, answer: Picture) -> int:
    """The slice with the largest squared error."""
    if reference.array.ndim == 2:
        return 0
    return int(((np.asarray(reference.array, float) - answer.array) ** 2).sum(axis=(1, 2)).argmax())

"""The best, the median and the worst film with what was answered, where the films are still at hand."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from osteon.case import Case
from osteon.errors import DataError, OsteonError, message
from osteon.report.content import Block, Drawing, Paragraph, Section
from osteon.report.facts import Facts
from osteon.report.families import family_of
from osteon.report.words import STAMP, discreet
from osteon.run import slug
from osteon.targets import Masks, Measures, Objects
from osteon.value import Mask, Picture, Value, Withheld

if TYPE_CHECKING:
    import pandas as pd

    from osteon.cohort import Cohort

HEIGHT = 900  # pixels of a film in the report


def films(facts: Facts) -> Section | None:
    """Three films of the primary model; None where the study reads no picture."""
    inputs = [n for n, spec in facts.study.inputs.items() if spec.kind in ("picture", "volume") and not spec.many]
    if not inputs:
        return None
    judged = _judged_by(facts)
    try:
        cohort = cohort_of(facts)
        drawn = tuple(_drawings(facts, cohort, inputs, judged)) if cohort is not None and judged else ()
        why = "" if drawn else "The films are elsewhere: the folder they came from is not at hand, has changed, or was not asked for. Each case keeps its code (c00001 …) in the tables of the run."
    except (OsteonError, OSError) as error:
        drawn, why = (), f"The films could not be opened again: {discreet(str(error))}"
    blocks: tuple[Block, ...] = (Paragraph(_words(facts, judged)), *drawn) if drawn else (Paragraph((why,), "note"),)
    return Section("films", "Best, median and worst", blocks)


def _words(facts: Facts, target: str) -> tuple[str, ...]:
    out = [f"Test cases put in order by the error of {facts.label} on {target}: the smallest, the middle one, the largest. Blue: the answer; orange, dashed, and in brackets: the {facts.words.truth}."]
    if facts.cohort["origin"] == "own":
        out.append("Films are shown as they are. Look for names burnt into them before you pass this file on, or make the report without films.")
    return tuple(out)


def _judged_by(facts: Facts) -> str:
    """The target that orders the cases: the primary one where it can be drawn, else the first that can."""
    seen = [t for t in facts.targets if isinstance(facts.study.targets[t], (Measures, Masks, Objects)) and t in facts.about["models"][facts.label]]
    return facts.study.primary if facts.study.primary in facts.about["models"][facts.label] else next(iter(seen), "")


def cohort_of(facts: Facts) -> Cohort | None:
    """The cohort of the run, where its folder still holds the same patients under the same codes."""
    from osteon.cohort import Cohort

    home = facts.run.cohort_folder
    if not facts.films or home is None:
        return None
    whole = Cohort.from_folder(home).conform(facts.study.inputs, facts.study.targets)
    return whole if _same(facts, whole) else None


def _same(facts: Facts, cohort: Cohort) -> bool:
    from osteon.engine.folder import codes

    known, patients = codes(unconformed(facts)), cohort.column("patient").tolist()
    own = {known.cases[i]: known.patients.get(p) for i, p in zip(cohort.ids(), patients, strict=True)}
    table = facts.tables["cases"]
    return all(own.get(c) == p for c, p in zip(table["case"], table["patient"], strict=True))


def unconformed(facts: Facts) -> Cohort:
    """The cohort as it was given to the run, with the codes of its cases; raises DataError where its folder is gone."""
    from osteon.cohort import Cohort

    home = facts.run.cohort_folder
    if home is None:
        raise DataError(message(facts.run.folder, "the cases of the run are not at hand"))
    return Cohort.from_folder(home)


def _drawings(facts: Facts, cohort: Cohort, names: Sequence[str], target: str) -> Iterator[Drawing]:
    from osteon.engine.folder import codes

    by_code = {code: case_id for case_id, code in codes(unconformed(facts)).cases.items()}
    rows = {case_id: i for i, case_id in enumerate(cohort.ids())}
    picked = chosen(family_of(facts.study.targets[target]).errors(facts, facts.label, target))
    answers = answers_of(facts, set(picked.values()), facts.label)
    told = family_of(facts.study.targets[target]).errors(facts, facts.label, target).set_index("case")["told"]
    for place, code in picked.items():
        case = cohort.cases[rows[by_code[code]]] if code in answers and by_code.get(code) in rows else None
        there = next((name for name in names if case is not None and name in case.inputs), "")  # an optional picture may be missing
        if case is not None and there:
            yield _drawing(facts, case, there, answers[code], (place, code, str(told[code])))


def chosen(errors: pd.DataFrame) -> dict[str, str]:
    """Best, median and worst case (codes); fewer where there are fewer."""
    order = errors.sort_values(["error", "case"], kind="stable")["case"].tolist()
    places = {"best": 0, "median": len(order) // 2, "worst": len(order) - 1} if order else {}
    out: dict[str, str] = {}
    for place, at in places.items():
        if order[at] not in out.values():
            out[place] = order[at]
    return out


def answers_of(facts: Facts, wanted: set[str], label: str) -> dict[str, dict[str, Value]]:
    """What a model answered for some test cases, from the files of the run."""
    from osteon.readers.values import from_plain, read_value

    folder, out = facts.run.folder / "values" / slug(label), {}
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            kept: dict[str, Any] = json.loads(line)
            if kept["case"] in wanted and kept.get("part", "test") == "test":
                out[kept["case"]] = {t: read_value(folder / v["file"]) if "file" in v else from_plain(v) for t, v in kept["values"].items()}
    return out


def _drawing(facts: Facts, case: Case, name: str, answer: Mapping[str, Value], told: tuple[str, str, str]) -> Drawing:
    from osteon.report.overlay import drawn, encoded

    place, code, words = told
    picture = case.inputs[name]
    assert isinstance(picture, Picture)
    truth = {t: case.truth[t] for t in answer if t in case.truth and not isinstance(answer[t], Withheld)}
    array = drawn(picture, answer, facts.study.targets, truth=truth, height=HEIGHT, note=STAMP if facts.simulated else "")
    title = f"{place.capitalize()}: {code}, {words}"
    source = {"case": code, "answer": _told(answer), "truth": _told(truth)}
    return Drawing(f"film-{place}", title, data=encoded(array), source=source, alt=f"{STAMP + '. ' if facts.simulated else ''}Film of case {code} with answers drawn; {words}")


def _told(values: Mapping[str, Value]) -> dict[str, Any]:
    """What is drawn on a film as plain data; an outline by its names only, since its pixels are those of the picture."""
    from osteon.readers.values import to_plain

    return {t: {"family": "Mask", "names": list(v.names)} if isinstance(v, Mask) else to_plain(v) for t, v in values.items() if not isinstance(v, Picture)}

"""Whether the spread of several answers to one case tells which answers are wrong: views of a film, fits of a fold, members of a blend."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from osteon.errors import OsteonError
from osteon.report.cells import bare, figure
from osteon.report.content import Block, Cell, Paragraph, Table
from osteon.report.facts import Facts
from osteon.report.families import family_of
from osteon.report.sections.films import cohort_of, unconformed
from osteon.report.words import many, number, plural
from osteon.run import slug
from osteon.stats.intervals import Interval
from osteon.targets import Measures
from osteon.validation.augmented import views
from osteon.validation.saved import load_final, loaded
from osteon.validation.uncertainty_spread import FEWEST, Doubt, Part, doubt, of_members, spreads_of
from osteon.value import Value

FILE = "spread.json"
VIEWS, MOST, SECONDS = 4, 60, 10.0  # views of a film, cases, and what they may cost by the time that a case took in the run
NAMES = {"views": "views of a film", "fits": "fits of a fold", "members": "members of the blend"}


def doubts(facts: Facts) -> tuple[Block, ...]:
    """A row a source, and a table of thirds; nothing where there is one answer a case only."""
    found = _found(facts)
    if not found:
        return ()
    unit = facts.unit_of(facts.primary.question.target, facts.primary.question.finding)
    text = [_words(facts, one) for one in found]
    rows: list[tuple[Cell | str, ...]] = []
    for one in found:
        rows.append((NAMES[one.source],))
        rows += [(f"– {name} spread", Cell(number(p.cases), value=p.cases), bare(p.spread), bare(p.error), Cell(f"{number(100 * p.wrong)}\u00a0%", value=p.wrong)) for name, p in zip(("smallest", "middle", "largest"), one.parts, strict=True)]
    whole = tuple((NAMES[one.source], Cell(number(one.answers), value=one.answers), Cell(number(one.cases), value=one.cases), figure(one.detection, 2), bare(one.rank, 2), *((bare(one.ratio, 2),) if _readings(facts) else ())) for one in found)
    columns = ("Several answers by", "Answers", "n", "AUC for a wrong answer", "Rank correlation with the error", *(("RMS error / RMS spread",) if _readings(facts) else ()))
    note = "Views are turned up to 4°, scaled, shifted and exposed a little, never mirrored, and what moved is brought back. The spread is an SD; of outlines and boxes 1 less their mean overlap. AUC 0.5: the spread says nothing of errors."
    return (Paragraph(tuple(text)), Table("spread", "Does the spread of several answers find the wrong ones?", columns=columns, rows=whole, note=note, tone="tight"),
            Table("spread-thirds", f"Thirds by spread{f' ({unit})' if unit else ''}", columns=("", "n", "Mean spread", "Mean error", "Wrong"), rows=tuple(rows), tone="tight"))


def _readings(facts: Facts) -> bool:
    return isinstance(facts.study.targets[facts.primary.question.target], Measures)


def _words(facts: Facts, one: Doubt) -> str:
    start = f"Over {plural(one.answers, 'answer')} by {NAMES[one.source]} ({number(one.cases)} tested {many(facts.words.case)})"
    if one.detection.defined and one.detection.lower > 0.5:
        return f"{start}, a wide spread goes with a wrong answer (AUC {number(one.detection.estimate, 2)}, {number(one.detection.lower, 2)} to {number(one.detection.upper, 2)})."
    if one.detection.defined:
        return f"{start}, the spread does not tell wrong answers from right ones by more than chance (AUC {number(one.detection.estimate, 2)}, {number(one.detection.lower, 2)} to {number(one.detection.upper, 2)}): do not read it as doubt."
    return f"{start}, whether the spread finds wrong answers is not defined: {one.detection.reason}."


def _found(facts: Facts) -> tuple[Doubt, ...]:
    """What was kept in the run, which never changes, or worked out anew."""
    path = facts.run.folder / FILE
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if known and (known["films"] or not facts.films):
        return tuple(_read(one) for one in known["found"])
    row = facts.primary
    errors = family_of(facts.study.targets[row.question.target]).errors(facts, facts.label, row.question.target)
    patients = dict(zip(facts.tables["cases"]["case"], facts.tables["cases"]["patient"], strict=True))
    out = []
    for source, (answers, spreads) in _spreads(facts):
        one = doubt(source, spreads, errors, answers=answers, patients=patients) if len(errors) else None
        out += [one] if one is not None else []
    facts.run.write(FILE, {"films": facts.films, "found": [asdict(one) for one in out]})
    return tuple(out)


def _spreads(facts: Facts) -> Iterator[tuple[str, tuple[int, dict[str, float]]]]:
    """Each source with how many answers it gives and the spread of each tested case."""
    row = facts.primary
    members = {m: lines for m, lines in facts.lines.items() if m.startswith(f"{facts.label}@")}
    if len(members) > 1:
        yield "members", (len(members), of_members(members, target=row.question.target, finding=row.question.finding))
    try:
        cohort = cohort_of(facts)
        if cohort is not None:
            yield from _asked(facts, cohort)
    except (OsteonError, OSError):
        return


def _asked(facts: Facts, cohort: Any) -> Iterator[tuple[str, tuple[int, dict[str, float]]]]:
    """The fits of each fold, and views of films, asked about tested cases as far as that is cheap."""
    from osteon.engine.folder import codes

    known, split, row = codes(unconformed(facts)).cases, facts.tables["split"], facts.primary
    target, at = (row.question.target, facts.study.targets[row.question.target]), {known[i]: k for k, i in enumerate(cohort.ids())}
    spec, home = facts.study.models[facts.label], facts.run.folder / "models" / slug(facts.label)
    first = next((n for n in spec.reads if n in facts.study.inputs and facts.study.inputs[n].kind == "picture" and not facts.study.inputs[n].many), None)
    fits: dict[str, list[Value]] = {}
    seen: dict[str, list[Value]] = {}
    seed = int(facts.about["seed"])
    count, answers = _size(facts, VIEWS) // len(facts.folds), 1
    for fold in facts.folds:
        codes_ = [c for c in split[(split["fold"] == fold) & (split["part"] == "test")]["case"] if c in at]
        models = sorted(p for p in (home / slug(fold)).glob("*") if p.is_dir())
        if len(models) > 1 and (some := _some(codes_, _size(facts, len(models)) // len(facts.folds), seed)):
            part, answers = cohort.take(np.array([at[c] for c in some])), len(models)
            given = zip(*(loaded(spec, m, facts.study.targets).predict(part) for m in models), strict=True)
            fits |= {c: [a[target[0]] for a in row_] for c, row_ in zip(some, given, strict=True)}
        if first and count * len(facts.folds) >= FEWEST and (some := _some(codes_, count, seed)):
            model = load_final(home / slug(fold), spec, facts.study.targets)[0]
            seen |= dict(zip(some, views(model, cohort.take(np.array([at[c] for c in some])), picture=first, asked=target, count=VIEWS, seed=seed), strict=True))
    yield from _told({"fits": (answers, fits), "views": (VIEWS, seen)}, target[1], row.question.finding)


def _told(given: Mapping[str, tuple[int, Mapping[str, list[Value]]]], target: Any, finding: str) -> Iterator[tuple[str, tuple[int, dict[str, float]]]]:
    for source, (answers, values) in given.items():
        if values:
            yield source, (answers, spreads_of(target, finding, values))


def _size(facts: Facts, answers: int) -> int:
    """How many cases may be asked so many times."""
    return int(min(MOST, SECONDS / (answers * max(facts.primary.seconds_per_case or 0.05, 1e-3))))


def _some(codes: list[str], count: int, seed: int) -> list[str]:
    chosen = np.random.default_rng(seed).permutation(len(codes))[:count]
    return [codes[i] for i in sorted(chosen.tolist())]


def _read(plain: Mapping[str, Any]) -> Doubt:
    number_ = {k: float("nan") if v is None else v for k, v in plain.items() if k in ("rank", "ratio")}
    kept: dict[str, Any] = {k: float("nan") if v is None else v for k, v in plain["detection"].items()}
    detection = Interval(**kept)
    return Doubt(**{**plain, **number_, "detection": detection, "parts": tuple(Part(**p) for p in plain["parts"])})

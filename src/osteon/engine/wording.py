"""Which words the answers of a run rest on, over several tested notes, with what says whether that means anything; kept in the run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from osteon.case import Case
from osteon.cohort.folder import whole
from osteon.engine.explaining import Bench, Explanation, opened
from osteon.engine.looking import finite
from osteon.errors import DataError, Refused, message
from osteon.models import Net, bare
from osteon.models.words import FEWEST, known_words, notes_of, tokens
from osteon.run import Run
from osteon.study import Study
from osteon.targets.lines import TRUE
from osteon.validation.explanation_checks import ALIKE, mean
from osteon.validation.explanation_words import Question, Worded, faithful, pooled, weights_check, worded

FILE = "words.json"
NOTES, CHECKED = 16, 4  # tested notes whose words are covered, and those of them on which this is checked
RARE = "(a rare word)"
SHOWN = 12  # words for and against that are kept
SAID = ("said_begin", "said_end")  # attributes that tell where a note speaks of the finding


def note_of(study: Study, label: str) -> str:
    """The note that a model reads, by its name; empty where it reads none."""
    return next((name for name in study.models[label].reads if name in study.inputs and study.inputs[name].kind == "text"), "")


def asked_of(bench: Bench, finding: str = "") -> Question:
    """The question of a model that reads a note: its target and finding (the main one unless named). Raises Refused where it reads none."""
    name = note_of(bench.study, bench.label)
    if not name:
        raise Refused(message(bench.label, "it reads no note", expected="a model that reads a text"))
    asked = bench.study.primary if bench.study.primary in bench.study.models[bench.label].writes else next(w for w in bench.study.models[bench.label].writes if w in bench.study.targets)
    target = bench.study.targets[asked]
    return Question(name, asked, target=target, finding=finding or target.findings[0])


def read_by(run: Run, study: Study, shown: Mapping[str, str]) -> dict[str, Any]:
    """Words by their mean effect over a few tested notes, those to be `shown` (place -> code) among them, and the checks; what is known is read again.

    The text of a note is kept only where no patient wrote or is written of (simulated or public notes). Raises Refused and DataError as `asked_of` and `opened` do.
    """
    path = run.folder / FILE
    if path.exists():
        return dict(json.loads(path.read_text(encoding="utf-8")))
    bench = opened(run, study=study)
    question, model, seed = asked_of(bench), bench.fits[0], bench.desk().seed
    codes = _codes(bench, question, list(shown.values()))
    cases = {code: bench.case(code) for code in codes}
    found = {code: worded(model, case, question, bench.cohort.origin) for code, case in cases.items()}
    words = pooled(list(found.values()), [cases[c].patient for c in found], fewest=FEWEST)
    texts = {place: _plain(found[code]) | {"code": code} for place, code in shown.items() if code in found} if bench.cohort.origin != "own" else {}
    kept = {"model": bench.label, "target": question.name, "finding": question.finding, "notes": len(found), "alike": ALIKE,
            "for": [w for w in words if w["effect"] > 0][:SHOWN], "against": [w for w in words if w["effect"] < 0][:SHOWN], "shown": texts} | _checked(bench, question, cases, found, seed)
    whole(path, json.dumps(finite(kept), indent=1, ensure_ascii=False))
    return finite(kept)  # type: ignore[no-any-return]


def of_note(bench: Bench, row: int, out: Path, *, finding: str = "") -> Explanation:
    """The words of one note by their effect; a word that fewer than three patients of the train part share is not named, for it may be a name."""
    question, case, train = asked_of(bench, finding), bench.cohort.cases[row], bench.part("train")
    origin, seed, net = bench.cohort.origin, bench.desk().seed, bare(bench.fits[0])
    found = worded(bench.fits[0], case, question, origin)
    notes = notes_of(train, question.note)
    shared = set(known_words([tokens(note or "") for note in notes], train.column("patient").tolist()))
    parts: dict[str, float] = {}
    for (word, _, _), effect in zip(found.words, found.effects.tolist(), strict=True):
        name = word if word in shared else RARE
        parts[name] = parts.get(name, 0.0) + effect
    ordered = dict(sorted(parts.items(), key=lambda item: -abs(item[1])))
    checks = (weights_check(net, case, found, question, origin=origin, seed=seed),) if isinstance(net, Net) else ()
    curve = faithful(bench.fits[0], case, found, question, origin=origin, seed=seed)
    told = {"deletion": curve.areas[0], "insertion": curve.areas[1], "deletion_by_chance": curve.by_chance[0], "insertion_by_chance": curve.by_chance[1], "better_than_chance": curve.holds}
    return Explanation(bench.codes[row], "words covered in turn", finding=question.finding, probability=found.probability, parts=ordered, checks=checks, file=out, more=told)


def _codes(bench: Bench, question: Question, first: Sequence[str]) -> list[str]:
    """Tested cases: those to be shown, then others by chance, with and without the finding in turn."""
    split, lines = bench.run.table("split"), bench.run.lines(bench.label)
    tested = [c for c in dict.fromkeys(split[split["part"] == "test"]["case"]) if c in set(bench.codes)]
    have = set(lines[(lines["target"] == question.name) & (lines["finding"] == question.finding) & (lines["state"] == TRUE)]["case"])
    drawn = np.random.default_rng(bench.desk().seed).permutation([c for c in tested if c not in first]).tolist()
    parts = [c for c in drawn if c in have], [c for c in drawn if c not in have]
    turns = [c for k in range(len(drawn)) for part in parts for c in part[k:k + 1]]
    codes = [*(c for c in first if c in tested), *turns][:NOTES]
    if not codes:
        raise DataError(message(bench.run.folder, "no tested note is at hand"))
    return codes


def _checked(bench: Bench, question: Question, cases: Mapping[str, Case], found: Mapping[str, Worded], seed: int) -> dict[str, Any]:
    """Shuffled weights (of a network), covering against chance, and the known place, each over a few notes."""
    model, origin, few = bench.fits[0], bench.cohort.origin, list(found)[:CHECKED]
    net = bare(model)
    checks = [weights_check(net, cases[c], found[c], question, origin=origin, seed=seed, rounds=2) for c in few] if isinstance(net, Net) else []
    curves = [faithful(model, cases[c], found[c], question, origin=origin, seed=seed) for c in few]
    hits = [found[c].inside(int(at[0]), int(at[1])) for c in found if (at := _said(cases[c])) is not None]
    return {"weights": mean([check.likeness for check in checks]), "deletion": mean([c.areas[0] for c in curves]), "insertion": mean([c.areas[1] for c in curves]),
            "deletion_by_chance": mean([c.by_chance[0] for c in curves]), "insertion_by_chance": mean([c.by_chance[1] for c in curves]), "better_than_chance": [sum(c.holds for c in curves), len(curves)],
            "inside": [sum(hits), len(hits)], "covered": mean([(at[1] - at[0]) / len(found[c].note) for c in found if (at := _said(cases[c])) is not None])}


def _said(case: Case) -> tuple[float, float] | None:
    begin, end = (case.attributes.get(name) for name in SAID)
    return None if begin is None or end is None else (float(begin), float(end))


def _plain(one: Worded) -> dict[str, Any]:
    return {"note": one.note, "words": [list(w) for w in one.words], "effects": [round(e, 5) for e in one.effects.tolist()], "probability": one.probability}

"""How it was made: the declaration, the budget named and used, versions, hashes, and what each fit noted of itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from osteon.models import Arm
from osteon.report.content import Block, Folded, Paragraph, Section, Table
from osteon.report.facts import Facts
from osteon.report.families.family import drawing
from osteon.report.sections.asking import design_words, told
from osteon.report.words import discreet, duration, listed, number
from osteon.run import slug

MOST_VALUES = 8  # of a list that is printed in full


def making(facts: Facts) -> Section:
    """Declaration, run and fits."""
    blocks: tuple[Block, ...] = (Paragraph(("One command makes this run again from the same cases: the seed, the versions and the hashes below fix it.",)),
                                 _declared(facts), _run(facts), *_learning(facts), Folded("Notes of every fit", tuple(_fits(facts))))
    return Section("making", "How it was made", blocks)


def _declared(facts: Facts) -> Table:
    study = facts.study
    rows = [("Study", f"{study.name}, after {study.cite}"), ("DOI", study.doi), ("Areas", listed(study.areas)), ("What is counted", study.unit)]
    rows += [(f"Input: {name}", spec.description + (f" ({', '.join(spec.columns)})" if spec.columns else "")) for name, spec in study.inputs.items()]
    rows += [(f"Target: {name}", told(target) + (", primary" if name == study.primary else "")) for name, target in study.targets.items()]
    rows += [(f"Model: {name}", f"reads {listed(study.models[name].reads)}, answers {listed(study.models[name].writes)}") for name in facts.about["models"] if name in study.models]
    rows += [("Design", design_words(facts))] + ([("Never in two parts", listed(("patient", *study.together)))] if study.together else [])
    rows += [("Eligible", listed(e.reason for e in study.eligible))] if study.eligible else []
    return Table("declaration", "The study as declared", columns=("", ""), rows=tuple(rows), tone="tight")


def _run(facts: Facts) -> Table:
    about = facts.about
    budget = ", ".join(f"{name.split(', ')[-1]} {value}" for name, value in _flat({k: v for k, v in about["budget"].items() if k != "name"}))
    seconds = datetime.fromisoformat(about["finished"]) - datetime.fromisoformat(about["started"])
    rows = [("Seed", str(about["seed"])), ("Budget", f"{about['budget']['name']}: at most {budget}"),
            *_named_and_used(facts), ("Begun, finished", f"{about['started'][:16].replace('T', ' ')}, {about['finished'][:16].replace('T', ' ')} (UTC)"),
            ("Time", f"{duration(seconds.total_seconds())}; fits {duration(sum(n.get('seconds_fit', 0.0) for n in about['fits'].values()))}"),
            ("Answer for one case", "; ".join(f"{m} {duration(s)}" for m, s in _cost(facts).items()) or "not measured"),
            ("Most memory", f"{number(about.get('peak_memory_mb', float('nan')))} MB"), ("Machine", f"{about['machine']['system']}, {about['machine']['processor']}, {about['machine']['cores']} cores"),
            ("Versions", ", ".join(f"{k} {v}" for k, v in about["versions"].items())), ("Hash of study, cases, design, seed, budget", about["identity"])]
    notes = about["cohort"]["notes"]
    call = notes.get("call") or {k: notes[k] for k in ("seed", "difficulty") if k in notes}
    rows += [("Simulator", ", ".join([str(notes["simulator"]), *(f"{k.replace('_', ' ')} {v}" for k, v in call.items())]))] if "simulator" in notes else []
    return Table("run", "The run", columns=("", ""), rows=tuple(rows), tone="tight")


def _cost(facts: Facts) -> dict[str, float]:
    return {r.source.model: r.seconds_per_case for r in facts.rows if r.seconds_per_case is not None}


def _named_and_used(facts: Facts) -> list[tuple[str, str]]:
    """Arms that were left out and sizes that were cut in some fit, with what was named and the span of what was used."""
    cut: dict[tuple[str, float], list[float]] = {}
    for note in facts.about["fits"].values():
        for name, pair in pairs(note):
            if pair["used"] < pair["named"]:
                cut.setdefault((name, pair["named"]), []).append(pair["used"])
    arms, used = (sum(isinstance(facts.study.models[m], Arm) for m in models if m in facts.study.models) for models in (facts.study.models, facts.about["models"]))
    out = [("Cut: arms", f"named {arms}, used {used}")] if used < arms else []
    return out + [(f"Cut: {name}", f"named {_one(named)}, used {_one(min(used))}" + (f" to {_one(max(used))}" if max(used) > min(used) else "")) for (name, named), used in cut.items()]


def pairs(note: Any, name: str = "") -> Iterator[tuple[str, Mapping[str, float]]]:
    """Every {named, used} in the notes of a fit, with the name of the size."""
    if isinstance(note, dict) and set(note) == {"named", "used"} and all(isinstance(v, (int, float)) for v in note.values()):
        yield name.replace("_", " "), note
    elif isinstance(note, dict):
        early = "ended" in note and note["ended"] != "time"  # stopped by the tune part: nothing was cut
        for key, part in note.items():
            if key != "seconds" and not (early and key == "epochs"):  # a limit of time that was not reached cut nothing
                yield from pairs(part, str(key))


def _learning(facts: Facts) -> tuple[Block, ...]:
    """The course of each training of a network that noted its losses."""
    import numpy as np

    from osteon.report.figures.probability import learning

    courses = [(name, note) for fit, notes in facts.about["fits"].items() for name, note in _with_losses(notes, fit)]
    if not courses:
        return ()
    losses = [tuple(np.array([epoch.get(part, np.nan) for epoch in note["losses"]], float) for part in ("train", "tune")) for _, note in courses]
    figure = learning([name for name, _ in courses], losses, [int(note.get("best_epoch", 0)) for _, note in courses])  # type: ignore[arg-type]
    return (drawing(facts, figure, "learning", "Course of each training", alt=f"Losses of {len(courses)} trainings by epoch", caption="Grey, dashed: train part; blue: tune part; diamond: the epoch that was kept."),)


def _with_losses(note: Any, name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(note, dict) and isinstance(note.get("losses"), list) and note["losses"] and isinstance(note["losses"][0], dict):
        yield name, note
    elif isinstance(note, dict):
        for key, part in note.items():
            yield from _with_losses(part, f"{name}, {key}" if key != "fit 1" else name)


def _fits(facts: Facts) -> Iterator[Table]:
    for model in facts.about["models"]:
        notes = {k.split("/", 1)[1]: v for k, v in facts.about["fits"].items() if k.split("/", 1)[0] == slug(model)}
        rows = tuple((fold, name, value) for fold, note in notes.items() for name, value in _flat(note) if name != "fold")
        if rows:
            yield Table(f"fits-{slug(model)}", model, columns=("Fold", "Note", "Value"), rows=rows, tone="tight")


def _flat(note: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Nested notes as name and value; a long list by its length and ends."""
    if isinstance(note, dict) and set(note) == {"named", "used"}:
        yield name.replace("_", " "), f"{_one(note['used'])} (named {_one(note['named'])})"
    elif isinstance(note, dict):
        for key, part in note.items():
            yield from _flat(part, f"{name}, {key}" if name else str(key).replace("_", " "))
    elif isinstance(note, list):
        texts = [_one(v) for v in note]
        yield name.replace("_", " "), ", ".join(texts) if len(texts) <= MOST_VALUES else f"{len(texts)}: {texts[0]}, {texts[1]} … {texts[-1]}"
    else:
        yield name.replace("_", " "), duration(note) if name.startswith("seconds") and isinstance(note, (int, float)) else _one(note)


def _one(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return discreet(str(value))
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"

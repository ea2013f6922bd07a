"""What the models of a run, and how they were made, say to a checklist."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from osteon.report.checklists.answer import Answer, drafted, filled
from osteon.report.facts import Facts
from osteon.report.families.at_cut import cut_words
from osteon.report.sections.asking import answers_words, design_words
from osteon.report.sections.external import cohorts
from osteon.report.sections.making import pairs
from osteon.report.words import duration, listed, many, number, plural, software
from osteon.run import slug


def _run(facts: Facts) -> str:
    return f"run {facts.about['identity'][:10]}"


def _notes(facts: Facts) -> list[Mapping[str, Any]]:
    """The notes of every fit of the paper's own model."""
    return [note for name, note in facts.about["fits"].items() if name.split("/", 1)[0] == slug(facts.label)]


def _found(notes: Any, name: str) -> Iterator[Any]:
    """Every value of a name, however deep it lies."""
    if isinstance(notes, dict):
        for key, value in notes.items():
            if key == name:
                yield value
            else:
                yield from _found(value, name)


def title(facts: Facts) -> Answer:
    """A title that names the method and the question."""
    return drafted(f"Say in the title that {facts.label} answers {answers_words(facts)}, tested on {number(facts.primary.counts.get('n', 0))} {many(facts.words.counted)}.", "methods")


def abstract(facts: Facts) -> Answer:
    """The material of an abstract."""
    return drafted(f"{facts.study.question} {facts.held} of {facts.cohort['name']}. {design_words(facts)} The first page gives the result in numbers.", "methods")


def aims(facts: Facts) -> Answer:
    """The question."""
    return drafted(f"{facts.study.question} Primary: {facts.primary.question.target}, {facts.primary.question.finding}, in {facts.cohort['name']}. No hypothesis was recorded before.", "methods")


def goal(facts: Facts) -> Answer:
    """Development, evaluation, or both."""
    outside = cohorts(facts)
    there = f", and evaluation on {listed(c.name for c in outside)}" if outside else ", no evaluation elsewhere"
    return filled(f"Development of {plural(len(facts.about['models']), 'model')} on {facts.cohort['name']} with a test of {number(facts.primary.counts.get('n', 0))} {many(facts.words.counted)} of it{there}.", "methods")


def preparation(facts: Facts) -> Answer:
    """What is done to inputs before the model sees them."""
    notes = _notes(facts)
    columns = next(_found({"fits": notes and dict(enumerate(notes))}, "columns"), None)
    if columns is not None:
        empty = next(_found(dict(enumerate(notes)), "missing_cells"), 0)
        return filled(f"{number(len(columns))} columns: numbers imputed by the median and scaled, words coded as indicators (levels below 10 cases together), all fitted on the train part only ({number(empty)} empty cells there).", "making")
    words = next(_found(dict(enumerate(notes)), "words"), None)
    if words is not None:
        return filled(f"Notes as their words in small letters, numbers and years as marks; {number(words)} words of at least three patients of the train part are known, every other one is “unknown” ({_run(facts)}).", "making")
    cut = sorted({f"{name}: {number(p['used'])} of {number(p['named'])}" for note in notes for name, p in pairs(note)})
    sizes = listed(cut) if cut else f"longer side at most {number(facts.about['budget']['sizes']['image_side'])} pixels"
    return filled(f"Pictures as stored, brought to one grey range and size ({sizes}); nothing is fitted on the test part ({_run(facts)}).", "making")


def architecture(facts: Facts) -> Answer:
    """The models, what they read and answer."""
    told = [f"{name} reads {listed(facts.study.models[name].reads)} and answers {listed(facts.study.models[name].writes)}" for name in facts.about["models"] if name in facts.study.models]
    return filled(f"{'; '.join(told)}. Settings stand in the study file and beside the weights ({_run(facts)}).", "making")


def versions(facts: Facts) -> Answer:
    """Software and versions."""
    known = {k: v for k, v in facts.about["versions"].items() if v != "not installed" and k != "osteon"}
    return filled(f"{software(facts.about['versions'])}, {', '.join(f'{k} {v}' for k, v in known.items())}; seed {facts.about['seed']}, {_run(facts)}.", "making")


def weights(facts: Facts) -> Answer:
    """What the weights started from."""
    from osteon.models import Fusion, Net, bare

    nets = [m for m in map(bare, _steps(facts.study.models[facts.label])) if isinstance(m, (Net, Fusion))]
    if not nets:
        return filled(f"No network is trained by {facts.label}: nothing was taken over from another training ({_run(facts)}).", "making")
    starts = listed(f"{m.name}: {'weights of a file' if m.weights else 'random, by the seed of the run'}" for m in nets)
    return filled(f"{starts} ({_run(facts)}, seed {facts.about['seed']}).", "making")


def _steps(model: Any) -> Iterator[Any]:
    """The steps of a chain and the members of a blend, or the model itself."""
    parts = getattr(model, "steps", None) or getattr(model, "members", None)
    if not parts:
        yield model
        return
    for part in parts.values() if isinstance(parts, dict) else parts:
        yield from _steps(part)


def training(facts: Facts) -> Answer:
    """Fits, their time and limits."""
    notes = _notes(facts)
    fits = sum(1 for n in notes for key in n if key.startswith("fit "))
    seconds = sum(float(n.get("seconds_fit", 0)) for n in notes)
    ended = sorted({str(e) for e in _found(dict(enumerate(notes)), "ended")})
    stop = f"; training ended by {listed(ended)}" if ended else ""
    cases = list(_found(dict(enumerate(notes)), "cases"))
    sizes = sorted({int(c) for c in cases if isinstance(c, int)})
    on = f" on {' to '.join(number(n) for n in dict.fromkeys((sizes[0], sizes[-1])))} cases" if sizes else ""
    return filled(f"{plural(fits, 'fit')} of {facts.label}{on} in {duration(seconds)}, budget “{facts.about['budget']['name']}”, seed {facts.about['seed']}{stop}; every note stands below “Notes of every fit”.", "making")


def choice(facts: Facts) -> Answer:
    """How the final model was chosen."""
    best = [int(b) for b in _found(dict(enumerate(_notes(facts))), "best_epoch")]
    kept = f" The epoch kept was that of the lowest loss on the tune part ({listed(map(str, best[:5]))})." if best else ""
    return filled(f"The model of the study, {facts.label}, was named beforehand; no model was chosen on the test part ({_run(facts)}).{kept} {_cut(facts)}", "making")


def _cut(facts: Facts) -> str:
    table = facts.primary.table
    if table is None or table.cut is None:
        return f"No cut was chosen ({_run(facts)})."
    return f"{cut_words(facts, facts.primary.question.target)} Cut: {table.cut:.3g} ({table.cut_chosen_on})."


def ensembling(facts: Facts) -> Answer:
    """Whether answers are averaged."""
    per_fold = {sum(1 for key in n if key.startswith("fit ")) for n in _notes(facts)}
    text = "The answers of the fits of a fold are averaged" if max(per_fold, default=1) > 1 else "None: each fold has one fit"
    return filled(f"{text} ({plural(len(facts.folds), 'fold')}, {number(max(per_fold, default=1))} a fold, {_run(facts)}).", "making")


def blind(facts: Facts) -> Answer:
    """The model answers without the truth."""
    n = facts.primary.counts.get("n", 0)
    return filled(f"The model is given inputs only: its answers for the {number(n)} tested {many(facts.words.counted)} were computed and then compared with the {facts.words.truth}.", "methods")


def as_instructed(facts: Facts) -> Answer:
    """One program for all cases."""
    seconds = facts.primary.seconds_per_case
    cost = f", {duration(seconds)} a case" if seconds is not None else ""
    return filled(f"One program answered all {number(facts.primary.counts.get('n', 0))} tested {many(facts.words.counted)} in the same way{cost}.", "making")


def outputs(facts: Facts) -> Answer:
    """What is kept of the answers."""
    kept = sum(len(lines) for lines in facts.lines.values())
    return filled(f"Every answer is kept with its score and cut: {number(kept)} lines of {plural(len(facts.lines), 'model')}, by code, in lines/ and values/ of {_run(facts)}; log.txt says what happened when.", "files")


def whole_model(facts: Facts) -> Answer:
    """The model that others can ask."""
    return filled(f"models/{slug(facts.label)}/ of {_run(facts)} holds the fitted model without executable code; “osteon predict” asks it about new cases and “osteon validate” tests it on another cohort.", "files")


def sharing(facts: Facts) -> Answer:
    """Code, model and data."""
    licence = facts.cohort.get("licence") or "no licence stated"
    return drafted(f"Code: {software(facts.about['versions'])} and the study file; model: models/ of {_run(facts)}; data: {facts.cohort['name']} ({licence}). Say where each can be had.", "files")


def code(facts: Facts) -> Answer:
    """The code that made the run."""
    return filled(f"{software(facts.about['versions'])} with study {facts.study.name}; one command repeats {_run(facts)} from the same cases.", "making")


def explained(facts: Facts) -> Answer:
    """The maps of the report with their sanity checks, or the explanations of single answers that were asked for."""
    from osteon.report.sections.explanation import passed

    looked = facts.run.folder / "explanation.json"
    if looked.exists():
        methods = json.loads(looked.read_text(encoding="utf-8"))["methods"]
        told = [f"{name} on {plural(one['n'], facts.words.case)}, which {'passed' if passed(one) else 'failed'} its sanity check on shuffled weights" for name, one in methods.items()]
        return filled(f"{listed(told)}.", "explanation")
    path = facts.run.folder / "explanations"
    made = sorted(p.stem for p in path.glob("*.json")) if path.is_dir() else []
    if made:
        return filled(f"{plural(len(made), 'case')} explained, each beside the same method on shuffled weights ({listed(made[:5])}).", "files")
    return drafted(f"No explanation was computed for {_run(facts)}: nothing is claimed of what the model looks at. “osteon explain” makes some, each with its sanity check.")


def limitations(facts: Facts) -> Answer:
    """The limits that the run can see."""
    from osteon.report.sections.limits import seen

    found = seen(facts)
    return drafted(f"{plural(len(found), 'limit')} that the run can see ({_run(facts)}), first: {found[0]}", "limits")


MODELS: Mapping[str, Callable[[Facts], Answer | None]] = {f.__name__: f for f in (
    title, abstract, aims, goal, preparation, architecture, versions, weights, training, choice, ensembling, blind, as_instructed, outputs, whole_model, sharing, code,
    explained, limitations)}

"""What the model looks at: maps of a few films, whether they mean anything, and whether a shortcut explains the answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from osteon.errors import OsteonError
from osteon.report.cells import share
from osteon.report.content import Block, Cell, Drawing, Paragraph, Section, Table
from osteon.report.facts import Facts
from osteon.report.families import family_of
from osteon.report.sections.films import chosen, cohort_of
from osteon.report.sections.shortcuts import shortcuts
from osteon.report.words import STAMP, discreet, listed, many, number, plural
from osteon.stats.intervals import Interval
from osteon.targets import Classes, Grades, Objects
from osteon.validation.explanation import networks
from osteon.validation.explanation_maps import OF_A_LAYER

EXPLAINED = (Classes, Grades, Objects)  # of which the report shows maps by itself; others on request


def explanation(facts: Facts) -> Section | None:
    """Maps with their validity, then the test for shortcuts; None where the first model looks at no picture through a network that answers classes or boxes."""
    made = (*_maps(facts), *shortcuts(facts))
    return Section("explanation", "What the model looks at", made) if made else None


def _maps(facts: Facts) -> tuple[Block, ...]:
    answered = [net.writes[0] for net, _ in networks(facts.study.models[facts.label]) if not _reads_text(facts, net.reads)]
    if not any(isinstance(facts.study.targets.get(t), EXPLAINED) for t in answered):
        return ()
    from osteon.engine.looking import looked

    why = "The films are elsewhere: the folder they came from is not at hand, has changed, or was not asked for. No map was made."
    try:
        if cohort_of(facts) is None:
            return (Paragraph((why,), "note"),)
        target = facts.study.primary
        shown = chosen(family_of(facts.study.targets[target]).errors(facts, facts.label, target))
        found = looked(facts.run, facts.study, shown)
    except (OsteonError, OSError) as error:
        return (Paragraph((f"No map was made: {discreet(str(error))}",), "note"),)
    if not found["methods"]:
        return (Paragraph((f"No map was made: the answer of {found['network']} has no gradient; `osteon explain RUN CASE --method occlusion` covers the picture piece by piece instead.",), "note"),)
    return (Paragraph((_asked(facts, found),)), *(Paragraph((verdict(facts, name, one),), "lead") for name, one in found["methods"].items()),
            *_drawings(facts, found), _validity(facts, found), *_located(facts, found))


def _reads_text(facts: Facts, reads: tuple[str, ...]) -> bool:
    return any(facts.study.inputs[name].kind == "text" for name in reads if name in facts.study.inputs)


def _asked(facts: Facts, found: Mapping[str, Any]) -> str:
    what = f"the answer “{found['finding']}”" if isinstance(facts.study.targets[found["target"]], (Classes, Grades)) else f"the surest box of “{found['finding']}”"
    return f"Maps of what speaks for {what} of {found['network']} ({found['target']}), over {plural(next(iter(found['methods'].values()))['n'], facts.words.case)} of the test part: best, median, worst, and others by chance. None was chosen for its looks."


def passed(one: Mapping[str, Any]) -> bool:
    """Whether the maps of a method changed with everything that was shuffled."""
    checks = [v for v in (one["weights"], one["labels"]) if v is not None]
    return one["weights"] is not None and all(v < one["alike"] for v in checks)


def verdict(facts: Facts, name: str, one: Mapping[str, Any]) -> str:
    """Whether the maps of a method mean anything, in plain sentences."""
    what = f"rank correlation {_told(one['weights'])} with the maps of shuffled weights" + (f", {_told(one['labels'])} with those of shuffled labels" if one["labels"] is not None else "")
    if not passed(one):
        return f"{name[:1].upper()}{name[1:]} failed its sanity check ({what}): its maps hardly change when what was learnt is destroyed, or are empty. They tell of the picture and not of the model; they are shown with this verdict."
    out = f"{name[:1].upper()}{name[1:]} passed its sanity check ({what}; 1 would be no change)."
    held, of = one["better_than_chance"]
    if of:
        out += f" In {number(held)} of {number(of)} {many(facts.words.case)} the places it marks carry the answer more than places drawn by chance."
    if at_margin(name, one):
        where = one["hottest"]
        out += f" Over all of them the most marked place lies at the margin of the picture (row {where['row']}, column {where['col']} of 8 by 8 tiles): {number(100 * where['share'])}\u00a0% of the mass on 2\u00a0% of the picture. Look at what lies there."
    if one["located"]:
        own, *others = one["located"]
        out += f" Its peak lies in the known region in {number(own['pointing']['estimate'] * own['of'])} of {number(own['of'])}; that of {listed(_against(o) for o in others)}."
        if any(o["energy"] >= own["energy"] for o in others):
            out += " A map that knows nothing of the model has as much of its mass there: nothing is gained by this one."
    return out


def at_margin(name: str, one: Mapping[str, Any]) -> bool:
    """Whether the maps agree on a tile at the margin of the picture, four times as marked as an even map would be; the maps of a layer are too coarse to tell."""
    return name not in OF_A_LAYER and bool(one["hottest"]) and one["hottest"]["margin"] and one["hottest"]["share"] >= 4 / 64


def _against(one: Mapping[str, Any]) -> str:
    name = {"centre": "a blot at the centre of the picture", "edges": "its edges"}[one["method"]]
    return f"{name} in {number(one['pointing']['estimate'] * one['of'])}"


def _told(value: float | None) -> str:
    return number(float("nan") if value is None else value, 2)


def _drawings(facts: Facts, found: Mapping[str, Any]) -> Iterator[Drawing]:
    from osteon.engine.looking import MAPS
    from osteon.report.figures.maps import jpeg, maps

    with np.load(facts.run.folder / MAPS) as kept:
        for place, code in found["shown"].items():
            if f"{place}/picture" not in kept:
                continue
            over = {m: kept[f"{place}/{m}"] for m in found["methods"] if f"{place}/{m}" in kept}
            figure = maps(kept[f"{place}/picture"], over, region=kept.get(f"{place}/region"),
                          verdicts={m: passed(found["methods"][m]) for m in over}, note=STAMP if facts.simulated else "")
            text = "; ".join(f"{m} {'passed' if passed(found['methods'][m]) else 'failed'}" for m in over)
            yield Drawing(f"maps-{place}", f"{place.capitalize()}: {code}", data=jpeg(figure), alt=f"{STAMP + '. ' if facts.simulated else ''}Case {code} as the network sees it, and its maps ({text})",
                          source={"case": code, "methods": {m: found["methods"][m]["cases"].get(code, {}) for m in over}})


def _validity(facts: Facts, found: Mapping[str, Any]) -> Table:
    rows = tuple((name, "passed" if passed(one) else "failed", _cell(one["weights"], under=_stages(one["stages"])), _cell(one["labels"], missing="not asked for"),
                  _cell(one["repeated"]), _cell(one["refitted"], missing="one fit"), _cell(one["deletion"], under=f"by chance {_told(one['deletion_by_chance'])}"),
                  _cell(one["insertion"], under=f"by chance {_told(one['insertion_by_chance'])}")) for name, one in found["methods"].items())
    note = (f"Shuffled: mean rank correlation of a map with those after the weights were shuffled, from the output to the input (below: the stages), or after learning shuffled labels; from {number(0.5, 1)} on a map fails. "
            "Moved, other fits: the same of the picture turned and shifted a little, and of further fits; 1 is best. Deletion (low is good) and insertion (high is good): area under the strength of the answer "
            "while the marked places are covered, or shown, first. Labels are shuffled only on request: “osteon explain RUN CASE --labels”.")
    return Table("explanation", "Do the maps mean anything?", columns=("Method", "Sanity", "Weights shuffled", "Labels shuffled", "Moved a little", "Other fits", "Deletion", "Insertion"), rows=rows, note=note, tone="tight")


def _stages(values: list[float]) -> str:
    return " → ".join(number(v, 2) for v in values) if len(values) > 1 else ""


def _cell(value: float | None, *, under: str = "", missing: str = "–") -> Cell:
    return Cell(missing) if value is None else Cell(number(value, 2), under, value=float(value))


def _located(facts: Facts, found: Mapping[str, Any]) -> tuple[Block, ...]:
    """Pointing game and energy of each method, then once the two baselines."""
    known: dict[str, Any] = {}
    for one in found["methods"].values():
        known = {p["method"]: p for p in one["located"]} | known
    if not known:
        return (Paragraph((f"No {facts.words.case} has a known region of this finding (boxes or outlines), so that whether the maps find it can not be said.",), "note"),)
    own = [p for p in known.values() if p["method"] not in ("centre", "edges")]
    names = {"centre": "A blot at the centre (no model)", "edges": "Edges of the picture, Sobel (no model)"}
    rows = tuple((names.get(p["method"], p["method"]), Cell(number(p["of"]), value=p["of"]), share(Interval(**p["pointing"])), Cell(f"{number(100 * p['energy'])}\u00a0%", value=p["energy"]),
                  Cell(f"{number(100 * p['covered'])}\u00a0%", value=p["covered"])) for p in (*own, *(known[k] for k in ("centre", "edges") if k in known)))
    return (Table("pointing", "Do the maps find what is known?", columns=("Method", many(facts.words.case).capitalize(), "Peak inside the region", "Mass inside", "The region covers"), rows=rows, tone="tight",
                  note=f"Pointing game and energy. Below each share stands its 95 % {facts.words.interval}."),)

"""What the network of a run looks at, over several tested cases, with everything that says whether its maps mean anything; kept in the run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from osteon.cohort.folder import whole
from osteon.engine.explaining import CHECKED_ON, Bench, Seen, opened, seen_by
from osteon.errors import DataError
from osteon.readers.files import replacing
from osteon.run import Run
from osteon.study import Study
from osteon.targets.lines import TRUE
from osteon.validation.explanation import Explained, as_seen, asked, explained, label_check, located, mean
from osteon.validation.explanation_checks import ALIKE

FILE, MAPS = "explanation.json", "explanation.npz"
METHODS = ("Grad-CAM", "integrated gradients")  # what papers show, and what goes down to the pixel; the others on request
CASES, FEWER = 6, 4  # tested cases whose maps are checked; fewer by a method that asks for many gradients


def looked(run: Run, study: Study, shown: Mapping[str, str]) -> dict[str, Any]:
    """Numbers by method over a few tested cases, those to be `shown` (place -> code) among them; explanation.json, and explanation.npz with the maps of those.

    What is known is read again, unless a network has learnt shuffled labels since. Raises Refused where no network can be explained, DataError where cases are not at hand.
    """
    path, home = run.folder / FILE, run.folder / "explanations" / "labels-shuffled"
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() and (run.folder / MAPS).exists() else {}
    if known and (known["labels"] or not home.exists()):
        return dict(known)
    bench = opened(run, study=study)
    seen = seen_by(bench)
    finding = seen.target.findings[0]
    codes = _codes(bench, shown, (seen.net.writes[0], finding))
    methods = [m for m in METHODS if m in asked(seen.net, finding).methods]
    maps = {method: _maps(bench, seen, codes if method == METHODS[0] else codes[:FEWER], finding, method) for method in methods}
    labels = {m: _labels(bench, seen, finding, m) for m in methods} if seen.blind is not None else {}
    places = {p: c for p, c in shown.items() if c in codes}
    kept = {"model": bench.label, "network": seen.net.name, "target": seen.net.writes[0], "finding": finding, "shown": places, "labels": labels,
            "methods": {m: _pooled(m, found) | {"labels": labels.get(m, float("nan")), "cases": {c: _brief(e) for c, e in found.items()}} for m, found in maps.items()}}
    arrays = {f"{place}/{method}": (255 * maps[method][code].map).astype(np.uint8) for place, code in places.items() for method in methods if code in maps[method]}
    arrays |= {f"{place}/{what}": array for place, code in places.items() for what, array in _ground(maps[methods[0]].get(code)).items()} if methods else {}
    with replacing(run.folder / MAPS) as part, part.open("wb") as out:
        np.savez_compressed(out, **arrays)  # type: ignore[arg-type]
    whole(path, json.dumps(finite(kept), indent=1, ensure_ascii=False))
    return finite(kept)


def _codes(bench: Bench, shown: Mapping[str, str], asked_: tuple[str, str]) -> list[str]:
    """The cases to be shown, then tested ones by chance, those with the finding first, up to six."""
    split, lines = bench.run.table("split"), bench.run.lines(bench.label)
    tested = [c for c in dict.fromkeys(split[split["part"] == "test"]["case"]) if c in set(bench.codes)]
    have = set(lines[(lines["target"] == asked_[0]) & (lines["finding"] == asked_[1]) & (lines["state"] == TRUE)]["case"])
    rest = np.random.default_rng(bench.desk().seed).permutation([c for c in tested if c not in set(shown.values())]).tolist()
    return [*(c for c in shown.values() if c in tested), *sorted(rest, key=lambda c: c not in have)][:CASES]


def _maps(bench: Bench, seen: Seen, codes: Sequence[str], finding: str, method: str) -> dict[str, Explained]:
    out = {}
    for code in codes:
        try:
            case = as_seen(bench.case(code), seen.before, bench.cohort)
            out[code] = explained(seen.net, case, finding, method=method, seed=bench.desk().seed, thorough=False, others=seen.others, targets=bench.study.targets)
        except DataError:  # a film that can not be seen has no map
            continue
    return out


def _labels(bench: Bench, seen: Seen, finding: str, method: str) -> float:
    assert seen.blind is not None
    tune = bench.part("tune")
    return label_check(seen.net, seen.blind, [as_seen(tune.cases[i], seen.before, tune) for i in range(min(CHECKED_ON, len(tune)))], finding=finding, method=method).likeness


def _pooled(method: str, found: Mapping[str, Explained]) -> dict[str, Any]:
    """Means over the cases; where regions are known, pointing game and energy beside centre and edges."""
    every = [e.validity for e in found.values()]
    curves = [v.faithful for v in every if v.faithful is not None]
    known = [e for e in found.values() if e.validity.region is not None and e.validity.region.any()]
    places = located([e.map for e in known], [e.validity.region for e in known], [e.picture for e in known], method=method) if known else ()  # type: ignore[misc]
    stages = [mean([v.checks[0].stages[k] for v in every]) for k in range(len(every[0].checks[0].stages))] if every else []
    return {"n": len(found), "weights": mean([v.checks[0].likeness for v in every]), "stages": stages, "alike": ALIKE, "deletion": mean([c.areas[0] for c in curves]), "insertion": mean([c.areas[1] for c in curves]),
            "deletion_by_chance": mean([c.by_chance[0] for c in curves]), "insertion_by_chance": mean([c.by_chance[1] for c in curves]), "better_than_chance": [sum(c.holds for c in curves), len(curves)],
            "hottest": hottest([e.map for e in found.values() if e.map.any() and not e.probability < 0.5], [e.validity.region for e in known]), "repeated": mean([v.repeated for v in every]), "refitted": mean([v.refitted for v in every]),
            "located": [{"method": p.method, "pointing": asdict(p.pointing), "of": len(known), "energy": p.energy, "covered": p.covered} for p in places]}


def hottest(maps: Sequence[np.ndarray], regions: Sequence[np.ndarray | None] = ()) -> dict[str, Any]:
    """The tile (row, col of 8 x 8) that holds most of the mass of the maps together (of films in which the finding is seen), its share, and whether it lies at the margin and off every known region; nothing without a map."""
    from osteon.validation.fingerprints import TILES, shrunk

    if not maps:
        return {}
    mass = np.mean([(t := shrunk(m.astype(float), TILES)) / t.sum() for m in maps], axis=0)
    row, col = divmod(int(mass.argmax()), TILES)
    known = any(shrunk(r.astype(float), TILES)[row, col] > 0 for r in regions if r is not None)
    return {"row": row + 1, "col": col + 1, "share": float(mass.max()), "margin": {row, col} & {0, TILES - 1} != set() and not known}


def _brief(one: Explained) -> dict[str, Any]:
    return {k: v for k, v in one.plain().items() if k not in ("curves", "method", "finding")}


def _ground(one: Explained | None) -> dict[str, np.ndarray]:
    if one is None:
        return {}
    region = {"region": one.validity.region} if one.validity.region is not None and one.validity.region.any() else {}
    return {"picture": (255 * np.clip(one.picture, 0, 1)).astype(np.uint8)} | region


def finite(data: Any) -> Any:
    """Plain data in which a number that JSON lacks is None."""
    if isinstance(data, Mapping):
        return {k: finite(v) for k, v in data.items()}
    if isinstance(data, (list, tuple)):
        return [finite(v) for v in data]
    return None if isinstance(data, float) and not np.isfinite(data) else data

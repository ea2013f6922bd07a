"""Every study on its own simulator with a second site beside it: `python -m benchmarks.studies [NAMES] [--budget laptop] [--out docs/studies.md]`.

Each study runs in a fresh interpreter (simulate, train, validate, second site, report) and writes its part below `--keep`; those that lie there are not run again.
"""

from __future__ import annotations

import argparse
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.__main__ import processor
from benchmarks.stages import Stage, measure
from osteon.studies import names, study
from osteon.targets.leading import leading

CODE = """
import json
from pathlib import Path
from osteon import engine
from osteon.budget import budget
from osteon.report import report
from osteon.run import Run
home, name, limits = Path({home!r}), {name!r}, budget({budget!r})
inside = engine.simulate(name, home / "A", budget=limits)
run = engine.run(name, inside, budget=limits, out=home / "run")
outside = engine.simulate(name, home / "B", cases=min(len(inside), {outside}), seed=1, site="B", budget=limits)
rows = engine.validate(Run.open(home / "run"), outside)
report(Run.open(home / "run"))
first = run.primary.question
same = lambda rows: [r.plain() for r in rows if (r.question.target, r.question.finding) == (first.target, first.finding)]
(home / "rows.json").write_text(json.dumps({{"cases": len(inside), "inside": same(run.rows), "outside": same(rows)}}))
print(len(same(run.rows)), "models")
"""
OUTSIDE = 200  # cases of the second site, at most
HEAD = """# Every study on its simulator

Measured {date} with `python -m benchmarks.studies --budget {budget}` on {cores} cores ({processor}). Simulated cases: each figure is recovery of planted truth (software verification) and says nothing about patients.
Each study ran in an interpreter of its own: simulation, training and validation of every model, a second site that no model has seen (another machine, other patients; up to {outside} cases), report. Seconds and memory are of all of it.
In brackets 95 % intervals; "constant": what the same answer for everybody reaches; "ceiling": what the simulator allows at best, where it is known. With few cases an interval is wide: read it before the figure.
"""


def rows_of(home: Path) -> dict[str, Any]:
    """What a study left in its folder."""
    found: dict[str, Any] = json.loads((home / "rows.json").read_text(encoding="utf-8"))
    return found


def told(metrics: Mapping[str, Mapping[str, Any]], name: str) -> str:
    """An estimate with its interval."""
    one = metrics.get(name)
    if one is None or not math.isfinite(one["estimate"]):
        return "–"
    digits = 2 if abs(one["estimate"]) >= 10 else 3
    known = one.get("lower") is not None and math.isfinite(one["lower"]) and one["lower"] < one["upper"]
    limits = f" ({one['lower']:.{digits}f} to {one['upper']:.{digits}f})" if known else ""
    return f"{one['estimate']:.{digits}f}{limits}"


def constant(metrics: Mapping[str, Mapping[str, Any]], name: str) -> str:
    """What a constant answer reaches."""
    known = {"auc": "0.5", "c_index": "0.5", "kappa_quadratic": "0"}
    return told(metrics, f"{name}_of_the_mean") if f"{name}_of_the_mean" in metrics else known.get(name, "–")


def lines(name: str, home: Path) -> Iterator[str]:
    """The table rows of one study, a model each."""
    declared, found = study(name), rows_of(home)
    target = declared.targets[declared.primary]
    metric = leading(target)[0]
    outside = {r["source"]["model"]: r for r in found["outside"]}
    for k, row in enumerate(found["inside"]):
        model, metrics = row["source"]["model"], row["metrics"]
        there = outside.get(model)
        ceiling = told(metrics, f"ceiling_{metric}")
        yield (f"| {f'`{name}`' if not k else ''} | {model} | {metric if not k else ''} | {row['counts'].get('n', 0)} | {constant(metrics, metric)} | {told(metrics, metric)} | {ceiling} | "
               f"{told(there['metrics'], metric) if there else '–'} | {there['counts'].get('n', 0) if there else '–'} |")


def page(made: Sequence[tuple[str, Path]], costs: Mapping[str, Mapping[str, float]], budget: str) -> str:
    """The whole page in Markdown."""
    head = HEAD.format(date=f"{datetime.now(UTC):%Y-%m-%d}", budget=budget, cores=os.cpu_count(), processor=processor(), outside=OUTSIDE)
    spent = [f"| `{name}` | {rows_of(home)['cases']} | {len(rows_of(home)['inside'])} | {costs[name]['wall']:.0f} | {costs[name]['cpu']:.0f} | {costs[name]['memory']:.0f} |" for name, home in made]
    found = [line for name, home in made for line in lines(name, home)]
    return "\n".join([head, "## What it took\n", "| study | cases | models | wall s | CPU s | peak MB |", "|---|---:|---:|---:|---:|---:|", *spent, "",
                      "## What was found\n", "| study | model | metric | n | constant | found | ceiling | second site | n there |", "|---|---|---|---:|---:|---:|---:|---:|---:|", *found]) + "\n"


def main() -> None:
    """Run what is not there yet, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.studies", description=__doc__)
    parser.add_argument("studies", nargs="*")
    parser.add_argument("--budget", default="laptop", choices=("smoke", "laptop", "gpu"))
    parser.add_argument("--out", type=Path, default=Path("docs/studies.md"))
    parser.add_argument("--keep", type=Path, default=Path("runs") / "benchmark")
    options = parser.parse_args()
    made, costs = [], {}
    for name in options.studies or names():
        home = options.keep.resolve() / options.budget / name
        home.mkdir(parents=True, exist_ok=True)
        if not (home / "cost.json").exists():
            cost = measure(Stage(name, CODE.format(home=str(home), name=name, budget=options.budget, outside=OUTSIDE)))
            (home / "cost.json").write_text(json.dumps({"wall": cost.wall, "cpu": cost.cpu, "memory": cost.memory}), encoding="utf-8")
            print(f"{name}: {cost.wall:.0f} s, {cost.memory:.0f} MB, {cost.said}", flush=True)
        made.append((name, home))
        costs[name] = json.loads((home / "cost.json").read_text(encoding="utf-8"))
        options.out.write_text(page(made, costs, options.budget), encoding="utf-8")
    print(options.out)


if __name__ == "__main__":
    main()

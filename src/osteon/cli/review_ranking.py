"""review, the order of screening: rank what waits, ask whether to stop, play a labelled set through."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from osteon.cli.review import Project, Stage, _told
from osteon.cli.review_study import app
from osteon.cli.screen import Json, plain, table

if TYPE_CHECKING:
    from osteon.evidence.review.stopping import Rule

ModelName = Annotated[str, typer.Option("--model", help="svm, logistic or bayes")]


def rank(project: Project, model: ModelName = "svm", seed: int = 0, stage: Stage = "title", json: Json = False) -> None:
    """Serve first what looks most like the records included so far; do it again as decisions come in."""
    from osteon.evidence.review.ranking import rank as order
    from osteon.evidence.review.screening import for_ranking
    from osteon.evidence.review.store import open_store

    store = open_store(project)
    found = order(for_ranking(store, stage), model=model, seed=seed)
    store.order(stage, found.records)
    _told({"ordered": len(found.records), "learned": found.learned, "first": list(found.records[:10]), "statement": found.statement}, f"{len(found.records)} records are in order. {found.statement}", json)


def stop(project: Project, rule: Annotated[str, typer.Option(help="test (hypergeometric), safe or run (irrelevant in a row)")] = "test",
         target: Annotated[float, typer.Option(help="recall target of the test")] = 0.95, confidence: Annotated[float, typer.Option(help="of the test")] = 0.95,
         drawn: Annotated[int | None, typer.Option(help="how many of the last decisions were drawn at random (test); ranked ones else")] = None,
         sample: Annotated[int, typer.Option(help="how many of the first decisions were drawn at random (safe)")] = 0, missing: Annotated[int, typer.Option(help="key papers not found yet (safe)")] = 0,
         switched: Annotated[int | None, typer.Option(help="decisions before the change to another model (safe)")] = None, run: Annotated[int, typer.Option(help="irrelevant records in a row (safe, run)")] = 50,
         stage: Stage = "title", json: Json = False) -> None:
    """Say whether screening may stop, with the numbers that speak for it. Records that await a reviewer count as not screened."""
    from osteon.errors import DataError, message
    from osteon.evidence.review.decided import decided_in_order
    from osteon.evidence.review.screening import stage_named
    from osteon.evidence.review.store import open_store

    labels, total = decided_in_order(open_store(project), stage_named(stage))
    try:
        asked = _rule(rule, target=target, confidence=confidence, drawn_from=None if drawn is None else len(labels) - drawn, safe=(sample, missing, switched), run=run)
        found = asked.check(labels, total)
    except ValueError as error:
        raise DataError(message("stop", str(error))) from None
    _told({"stop": found.stop, "statement": found.statement, **found.numbers}, found.statement, json)


def _rule(name: str, *, target: float, confidence: float, drawn_from: int | None, safe: tuple[int, int, int | None], run: int) -> Rule:
    from osteon.errors import DataError, message
    from osteon.evidence.review.stopping import Consecutive, Hypergeometric, Safe

    if name == "test":
        return Hypergeometric(target, confidence, drawn_from=drawn_from)
    if name == "safe":
        return Safe(safe[0], safe[1], switched=safe[2], run=run)
    if name == "run":
        return Consecutive(run)
    raise DataError(message("--rule", f"there is no rule {name!r}", expected="test, safe, run"))


def simulate(labelled: Annotated[Path, typer.Argument(help="CSV with title, abstract and label_included (0 or 1)")], model: ModelName = "svm", seeds: Annotated[int, typer.Option(help="how many, from 0 on", min=1)] = 10,
             relevant: Annotated[int, typer.Option(help="relevant records known beforehand", min=0)] = 1, irrelevant: Annotated[int, typer.Option(help="irrelevant records known beforehand", min=0)] = 1,
             order: Annotated[Path | None, typer.Option(help="write every screening with its recall curve as CSV")] = None, json: Json = False) -> None:
    """Play screening through on a labelled set: work saved, time to discovery, and where the test (recall 95 %, confidence 95 %) would have stopped."""
    from osteon.evidence.review import simulation
    from osteon.evidence.review.stopping import Hypergeometric

    data = simulation.read_labelled(labelled)
    runs = simulation.simulate(data, model=model, seeds=range(seeds), prior=(relevant, irrelevant))
    ends = [simulation.stopped(run.labels, Hypergeometric()) for run in runs]
    if order is not None:
        order.write_text(simulation.order_csv(data, runs), encoding="utf-8")
    rows: list[dict[str, Any]] = [{**run.plain, "stopped after": end.screened, "recall there": end.recall, "work saved": end.saved} for run, end in zip(runs, ends, strict=True)]
    mean = {name: sum(row[name] for row in rows) / len(rows) for name in rows[0] if name not in ("seed", "records", "relevant")}
    if json:
        plain({"set": data.name, "records": len(data.labels), "relevant": int(data.labels.sum()), "model": model, "prior": {"relevant": relevant, "irrelevant": irrelevant}, "mean": mean, "runs": rows})
        return
    table([{k: f"{v:.3f}" if isinstance(v, float) else v for k, v in row.items()} for row in [*rows, {"seed": "mean", "records": "", "relevant": "", **mean}]],
          title=f"{data.name}: {len(data.labels)} records, {int(data.labels.sum())} relevant, {model}; known beforehand and left out: {relevant} relevant, {irrelevant} irrelevant")


for verb in (rank, stop, simulate):
    app.command(verb.__name__)(verb)

__all__ = ["app"]

"""review: a systematic review in one project, from the plan to the screened records."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from osteon.cli.screen import Json, plain, table

if TYPE_CHECKING:
    from osteon.evidence.review.imports import Bad
    from osteon.evidence.review.plan import Plan

Words = list[str] | None
Project = Annotated[str, typer.Argument(help="the project: a file, or an address such as postgresql://user@host/name")]
Who = Annotated[str, typer.Option("--as", help="who is working", envvar="OSTEON_REVIEWER")]
Stage = Annotated[str, typer.Option(help="title (title and abstract) or fulltext")]

app = typer.Typer(name="review", help="A systematic review: plan, import, de-duplicate, screen, read, appraise, pool, report.", no_args_is_help=True, rich_markup_mode=None)


def init(project: Project, plan: Annotated[Path | None, typer.Option(help="YAML with title, question, include, exclude, sources, reasons, areas, people")] = None,
         title: Annotated[str, typer.Option(help="of the review")] = "", population: str = "", index: Annotated[str, typer.Option(help="index test")] = "", reference: Annotated[str, typer.Option(help="reference standard")] = "",
         diagnosis: Annotated[str, typer.Option(help="target condition")] = "", include: Annotated[Words, typer.Option(help="a criterion; may be repeated")] = None,
         exclude: Annotated[Words, typer.Option(help="a criterion; may be repeated")] = None, source: Annotated[Words, typer.Option(help="NAME or NAME=DATE of the search; may be repeated")] = None,
         other: Annotated[Words, typer.Option(help="a source that is no database: citation searching, a website; may be repeated")] = None,
         reviewer: Annotated[Words, typer.Option(help="who screens; may be repeated")] = None, adjudicator: Annotated[Words, typer.Option(help="who settles conflicts")] = None,
         single: Annotated[bool, typer.Option("--single", help="one decision on a record, not two")] = False, who: Who = "", json: Json = False) -> None:
    """Make a project: question, criteria, sources, reviewers."""
    from osteon.evidence.review import plan as plans
    from osteon.evidence.review.store import create

    asked = {"population": population, "index": index, "reference": reference, "diagnosis": diagnosis}
    made = plans.read_plan(plan) if plan else plans.from_plain({
        "title": title, "question": {k: v for k, v in asked.items() if v}, "include": include or [], "exclude": exclude or [], "sources": _sources(source, "database") + _sources(other, "other"),
        "people": {"reviewers": reviewer or [], "adjudicators": adjudicator or [], "per_record": 1 if single else 2}})
    store = create(project)
    plans.set_plan(store, who or (made.people.reviewers or ("osteon",))[0], made)
    _told({"project": project, **plans.plain(made)}, f"{project}: {made.title}. {len(made.sources)} sources, {len(made.people.reviewers)} reviewers. Next: osteon review import {project} FILE --source NAME", json)


def _sources(given: Words, kind: str) -> list[dict[str, str]]:
    return [{"name": name.strip(), "kind": kind, "searched": day.strip()} for name, _, day in (item.partition("=") for item in given or ())]


def plan(project: Project, file: Annotated[Path | None, typer.Option("--plan", help="YAML that replaces the plan")] = None, source: Annotated[Words, typer.Option(help="NAME=DATE; may be repeated")] = None,
         other: Annotated[Words, typer.Option(help="a source that is no database")] = None, search: Annotated[Words, typer.Option(help="NAME=SEARCH STRING of a source")] = None, include: Words = None, exclude: Words = None,
         reviewer: Words = None, adjudicator: Words = None, who: Who = "", json: Json = False) -> None:
    """Show the plan, or change it; a change is kept beside what was planned before."""
    from dataclasses import replace

    from osteon.cli.data import pairs
    from osteon.evidence.review import plan as plans
    from osteon.evidence.review.store import open_store

    store = open_store(project)
    held = plans.plan_of(store)
    if file or source or other or search or include or exclude or reviewer or adjudicator:
        strings = pairs(search)
        new = [plans.from_plain({"title": "-", "sources": [s]}).sources[0] for s in _sources(source, "database") + _sources(other, "other")]
        made = plans.read_plan(file) if file else plans.changed(held, sources=new, include=include, exclude=exclude, reviewers=reviewer, adjudicators=adjudicator)
        for name in strings:
            made.source(name)
        made = replace(made, sources=tuple(replace(s, search=strings[s.name]) if s.name in strings else s for s in made.sources))
        plans.set_plan(store, who or "osteon", made)
        held = made
    plain(plans.plain(held)) if json else _tell_plan(held)


def _tell_plan(held: Plan) -> None:
    import yaml

    from osteon.evidence.review.plan import plain as as_plain

    typer.echo(yaml.safe_dump(_lists(as_plain(held)), sort_keys=False, allow_unicode=True, width=120))


def _lists(data: Any) -> Any:
    if isinstance(data, dict):
        return {k: _lists(v) for k, v in data.items()}
    return [_lists(v) for v in data] if isinstance(data, (tuple, list)) else data


def import_(project: Project, file: Annotated[Path, typer.Argument(help="RIS, PubMed nbib or XML, BibTeX, EndNote XML, CSV")], source: Annotated[str, typer.Option(help="the source of the plan that was searched")],
            form: Annotated[str, typer.Option("--format", help="ris, nbib, bibtex, xml, csv; found out where it is not given")] = "",
            map: Annotated[Words, typer.Option(help="THEIRS=OURS for a column of a CSV: \"Article title=title\"")] = None,
            bad: Annotated[Path | None, typer.Option(help="CSV for the records that cannot be read; beside the file where it is not given")] = None, who: Who = "osteon", json: Json = False) -> None:
    """Read the records of a search; the same file twice changes nothing, unreadable records are listed with their lines."""
    from osteon.cli.data import pairs
    from osteon.evidence.review.imports import bad_csv, import_file
    from osteon.evidence.review.store import open_store

    found = import_file(open_store(project), who, path=file, source=source, form=form, mapping=pairs(map))
    rejected = bad or file.with_name(f"{file.name}.unreadable.csv")
    if found.bad:
        rejected.write_text(bad_csv(found.bad), encoding="utf-8")
    _told({"source": found.source, "file": found.file, "new": found.new, "known": found.known, "unreadable": [{"line": b.line, "why": b.why} for b in found.bad], "event": found.event}, found.line, json)
    _tell_bad(found.bad, rejected, json)


def _tell_bad(bad: Sequence[Bad], where: Path | None, json: bool) -> None:
    if json:
        return
    for item in bad[:5]:
        typer.echo(f"line {item.line}: {item.why}", err=True)
    if bad and where is not None:
        typer.echo(f"{f'and {len(bad) - 5} more; ' if len(bad) > 5 else ''}all of them are in {where}", err=True)


def dedupe(project: Project, merge: Annotated[str, typer.Option(help="RECORD=KEPT: merge one record into another by hand")] = "", who: Who = "osteon", json: Json = False) -> None:
    """Merge records that are one paper, each with its reason; link preprints with their papers; list the pairs that only a person can decide."""
    from osteon.evidence.review.dedupe import dedupe as run
    from osteon.evidence.review.dedupe import merge_by_hand
    from osteon.evidence.review.store import open_store

    store = open_store(project)
    if merge:
        first, _, second = merge.partition("=")
        event = merge_by_hand(store, who, record=_number(first, "--merge"), kept=_number(second, "--merge"))
        _told({"event": event}, f"record {first} is merged into {second} (event {event})", json)
        return
    found = run(store, who)
    _told({"merged": found.merged, "by": dict(found.by), "linked": found.linked, "doubtful": list(found.doubtful), "event": found.event}, found.line, json)
    if not json:
        for pair in found.doubtful:
            typer.echo(f"  {pair['records'][0]} and {pair['records'][1]}: {pair['titles'][0][:90]} ({pair['why']})")


def _number(text: str, where: str) -> int:
    from osteon.errors import DataError, message

    if not text.strip().isdecimal():
        raise DataError(message(where, f"{text!r} is no number of a record", expected="a whole number"))
    return int(text)


def screen(project: Project, who: Who, stage: Stage = "title", record: Annotated[int | None, typer.Option(help="the record to decide on")] = None,
           decision: Annotated[str, typer.Option(help="include, exclude or unsure")] = "", reason: Annotated[str, typer.Option(help="of an exclusion")] = "", note: str = "",
           count: Annotated[int, typer.Option(help="how many records to show")] = 1, awaiting: Annotated[bool, typer.Option("--awaiting", help="only those that another reviewer has decided")] = False,
           sheet: Annotated[Path | None, typer.Option(help="write the next records into a CSV with columns for the decision")] = None,
           decisions: Annotated[Path | None, typer.Option(help="read decisions from a CSV: record, decision, reason, note")] = None,
           ask: Annotated[bool, typer.Option("--ask", help="one record after the other, with a key for each decision")] = False, json: Json = False) -> None:
    """Show what is yours to decide, or decide; nobody's decision is shown to another reviewer."""
    from osteon.evidence.review import screening, sheets
    from osteon.evidence.review.plan import plan_of
    from osteon.evidence.review.store import open_store

    store = open_store(project)
    if decisions is not None:
        done, bad = sheets.decisions(store, who, decisions, stage=stage)
        _told({"decided": done, "refused": [{"line": b.line, "why": b.why} for b in bad]}, f"{done} decisions of {who} written, {len(bad)} refused", json)
        _tell_bad(bad, None, json)
        raise typer.Exit(2 if bad and not done else 0)
    if record is not None:
        event = screening.decide(store, who, record=record, verdict=sheets.YES.get(decision.lower(), decision), stage=stage, reason=reason, note=note)
        _told({"event": event}, f"record {record}: {decision} (event {event})", json)
        return
    if sheet is not None:
        sheet.write_text(sheets.queue_sheet(store, who, stage=stage, count=max(count, 1)), encoding="utf-8")
        _told({"sheet": str(sheet)}, f"{sheet}: fill in the column decision, then osteon review screen {project} --as {who} --decisions {sheet}", json)
        return
    kept = sheets.criteria(plan_of(store), stage)
    served = screening.queue(store, who, stage=stage, count=count, awaiting=awaiting)
    if json:
        plain({"criteria": kept, "records": served})
        return
    _tell_criteria(kept)
    if ask:
        _ask(store, who, stage)
        return
    for row in served:
        _tell_record(row)
    typer.echo("" if served else f"Nothing waits for {who} at this stage.")


def _tell_criteria(kept: dict[str, Any]) -> None:
    for name, value in kept["question"].items():
        typer.echo(f"{name}: {value}")
    for name in ("include", "exclude", "reasons"):
        if kept[name]:
            typer.echo(f"{name}: {'; '.join(kept[name])}")
    typer.echo("")


def _tell_record(row: dict[str, Any]) -> None:
    typer.secho(f"{row['record']}. {row['title']}", bold=True)
    typer.echo(". ".join(str(row[k]) for k in ("authors", "journal", "year") if row.get(k)))
    typer.echo(f"{row.get('abstract') or '(no abstract)'}\n")


def _ask(store: Any, who: str, stage: str) -> None:
    """One record after the other: i include, e exclude, u unsure, q stop."""
    from osteon.evidence.review.screening import decide, queue

    keys = {"i": "include", "e": "exclude", "u": "unsure"}
    while served := queue(store, who, stage=stage):
        _tell_record(served[0])
        key = ""
        while key not in (*keys, "q"):
            key = typer.prompt("i include, e exclude, u unsure, q stop").strip().lower()[:1]
        if key == "q":
            return
        reason = typer.prompt("reason", default="") if key == "e" else ""
        decide(store, who, record=served[0]["record"], verdict=keys[key], stage=stage, reason=reason)
    typer.echo(f"Nothing waits for {who} at this stage.")


def status(project: Project, json: Json = False) -> None:
    """How far the review is: records by source, decisions by stage and reviewer."""
    from osteon.evidence.review.imports import counts_of
    from osteon.evidence.review.screening import STAGES, progress
    from osteon.evidence.review.store import open_store

    store = open_store(project)
    found: dict[str, Any] = {"sources": counts_of(store), "stages": [progress(store, s) for s in STAGES]}
    if json:
        plain(found)
        return
    table([{"source": k, **v} for k, v in found["sources"].items()])
    table([{**{k: v for k, v in s.items() if k != "by"}, "decisions": ", ".join(f"{w} {n}" for w, n in s["by"].items())} for s in found["stages"]])


def conflicts(project: Project, stage: Stage = "title", json: Json = False) -> None:
    """Records on which two reviewers differ, with both sides."""
    from osteon.evidence.review.screening import conflicts as find
    from osteon.evidence.review.store import open_store

    found = find(open_store(project), stage)
    if json:
        plain(found)
        return
    table([{"record": c["record"], "title": c["title"][:80], **{d["reviewer"]: f"{d['verdict']} {d.get('reason', '')}".strip() for d in c["decisions"]}} for c in found])
    typer.echo(f"{len(found)} conflicts. Settle one: osteon review adjudicate {project} --as NAME --record N --decision include|exclude")


def adjudicate(project: Project, who: Who, record: Annotated[int, typer.Option(help="the record in conflict")], decision: Annotated[str, typer.Option(help="include or exclude")], stage: Stage = "title",
               reason: str = "", json: Json = False) -> None:
    """Settle a conflict."""
    from osteon.evidence.review.screening import adjudicate as settle
    from osteon.evidence.review.store import open_store

    event = settle(open_store(project), who, record=record, verdict=decision, stage=stage, reason=reason)
    _told({"event": event}, f"record {record}: {decision} (event {event})", json)


def agreement(project: Project, stage: Stage = "title", json: Json = False) -> None:
    """Kappa, AC1 and PABAK of each pair of reviewers on the records that both saw; how many one alone saw."""
    from osteon.evidence.pool_text import interval
    from osteon.evidence.review.agreement import agreement as find
    from osteon.evidence.review.store import open_store

    found = find(open_store(project), stage)
    if json:
        plain(found)
        return
    rows = [{"reviewers": ", ".join(p["reviewers"]), "both": p["both"], "one only": ", ".join(f"{w} {n}" for w, n in p["only"].items()), "agree": p.get("agree", ""), "of": kind,
             **({k: interval({x: None if y != y else y for x, y in v.items() if x != "reason"} | {"reason": v["reason"]}) for k, v in p[kind].items()} if p["both"] else {"why": p["reason"]})}
            for p in found for kind in (("exclude", "verdicts") if p["both"] else ("-",))]
    table(rows)
    typer.echo("" if rows else "Fewer than two reviewers have decided.")


def close(project: Project, who: Who, stage: Stage = "title", json: Json = False) -> None:
    """Close a stage; refused while a record is undecided or in conflict."""
    from osteon.evidence.review.screening import close as shut
    from osteon.evidence.review.store import open_store

    event = shut(open_store(project), who, stage=stage)
    _told({"event": event}, f"the stage {stage!r} is closed (event {event})", json)


def order(project: Project, file: Annotated[Path, typer.Argument(help="numbers of records, one a line, the first to be served first")], stage: Stage = "title", json: Json = False) -> None:
    """Serve the records of a stage in a given order."""
    from osteon.evidence.review.store import open_store

    numbers = [_number(line, f"{file}, line {i}") for i, line in enumerate(file.read_text(encoding="utf-8-sig").splitlines(), 1) if line.strip()]
    open_store(project).order(stage, list(dict.fromkeys(numbers)))
    _told({"ordered": len(numbers)}, f"{len(numbers)} records are in order", json)


def log(project: Project, record: Annotated[int | None, typer.Option(help="of one record")] = None, who: Annotated[str, typer.Option("--as", help="of one person")] = "",
        kind: Annotated[str, typer.Option(help="merge, decision, adjudication, import ...")] = "", last: Annotated[int, typer.Option(help="only so many")] = 0, json: Json = False) -> None:
    """Who did what when."""
    from osteon.evidence.review.history import log as find
    from osteon.evidence.review.store import open_store

    found = find(open_store(project), record=record, who=who, kind=kind, last=last)
    plain(found) if json else table([{**r, "value": r["value"][:60], "taken back": "yes" if r["taken back"] else ""} for r in found])


def undo(project: Project, event: Annotated[int, typer.Argument(help="the number in the log; that of an import or a de-duplication takes all of it back")], who: Who, json: Json = False) -> None:
    """Take an action back; it stays in the log."""
    from osteon.evidence.review.history import undo as back
    from osteon.evidence.review.store import open_store

    taken = back(open_store(project), who, event)
    _told({"taken back": taken}, f"{len(taken)} events taken back", json)


def rebuild(project: Project, json: Json = False) -> None:
    """Make the state of the project again from its events."""
    from osteon.evidence.review.store import open_store

    n = open_store(project).rebuild()
    _told({"subjects": n}, f"the state of {n} subjects was made again from the events", json)


def _told(data: dict[str, Any], line: str, json: bool) -> None:
    plain(data) if json else typer.echo(line)


for verb in (init, plan, import_, dedupe, status, screen, conflicts, adjudicate, agreement, close, order, log, undo, rebuild):
    app.command(verb.__name__.strip("_"))(verb)

"""review, second half: full text, extraction, appraisal, flow, pooling, report, export, checks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from osteon.cli.review import Project, Stage, Who, Words, _tell_bad, _told, app
from osteon.cli.screen import Json, plain, table

Fields = Annotated[list[str] | None, typer.Argument(help="NAME=VALUE ...")]
Record = Annotated[int | None, typer.Option(help="number of the record")]
Language = Annotated[str, typer.Option(help="en or es")]


def fulltext(project: Project, who: Who = "", record: Record = None, file: Annotated[Path | None, typer.Option(help="the report; its hash is kept")] = None,
             missing: Annotated[bool, typer.Option("--missing", help="it could not be retrieved")] = False, note: str = "", json: Json = False) -> None:
    """Show the reports that are sought, or note that one was retrieved or not. Decide on them with `screen --stage fulltext`."""
    from osteon.evidence.review import fulltext as texts
    from osteon.evidence.review.store import open_store

    store = open_store(project)
    if record is not None:
        event = texts.retrieve(store, _someone(who), record=record, file=file, note=note, found=not missing)
        _told({"event": event}, f"record {record}: {'not retrieved' if missing else 'retrieved'} (event {event})", json)
        return
    found = texts.sought(store)
    plain({"counts": texts.retrieval_counts(store), "reports": found}) if json else table([{"record": n, "report": s or "open"} for n, s in found.items()])


def _someone(who: str) -> str:
    from osteon.errors import DataError, message

    if not who:
        raise DataError(message("--as", "nobody is named", expected="who is working", do="Add --as NAME"))
    return who


def label(project: Project, who: Who = "", record: Record = None, area: Annotated[Words, typer.Option(help="an area of the plan; may be repeated")] = None, json: Json = False) -> None:
    """Areas of a record, several allowed; without a record, the labels of people beside those of the rule."""
    from osteon.evidence.review import terms
    from osteon.evidence.review.store import open_store

    store = open_store(project)
    if record is not None:
        event = terms.label(store, _someone(who), record=record, areas=area or ())
        _told({"event": event}, f"record {record}: {'; '.join(area or ()) or 'no area'} (event {event})", json)
        return
    found = terms.labels(store)
    plain(found) if json else table([{"record": r["record"], "title": r["title"][:60], **{w: "; ".join(a) for w, a in r["reviewers"].items()}, "rule": "; ".join(r["rule"])} for r in found])


def term(project: Project, group: Annotated[str, typer.Argument(help="method, modality, anatomy, outcome")], words: Annotated[str, typer.Argument(help="the author's term")],
         means: Annotated[str, typer.Argument(help="the word of the vocabulary")], who: Who, json: Json = False) -> None:
    """Say which controlled word an author's term means; both are kept."""
    from osteon.evidence.review import terms
    from osteon.evidence.review.store import open_store

    event = terms.choose(open_store(project), who, group=group, term=words, word=means)
    _told({"event": event}, f"{words!r} means {means!r} (event {event})", json)


def extract(project: Project, values: Fields = None, who: Who = "", record: Record = None, row: Annotated[str, typer.Option(help="of several rows of one report")] = "1",
            form: Annotated[bool, typer.Option("--form", help="show the fields")] = False, table_file: Annotated[Path | None, typer.Option("--table", help="CSV: record, row, and fields")] = None,
            settle: Annotated[bool, typer.Option("--settle", help="settle a row on which two readings differ")] = False, take: Annotated[str, typer.Option(help="with --settle: whose reading holds")] = "", json: Json = False) -> None:
    """Show how far the extraction is, write a reading, or settle a difference."""
    from osteon.cli.data import pairs
    from osteon.evidence.review import extraction, sheets
    from osteon.evidence.review.store import open_store

    store = open_store(project)
    if form:
        shown = [{"field": f.name, "part": f.part, "what": f.kind} for f in extraction.form()]
        plain(shown) if json else table(shown)
    elif table_file is not None:
        done, bad = sheets.extractions(store, _someone(who), table_file)
        _told({"written": done, "refused": [{"line": b.line, "why": b.why} for b in bad]}, f"{done} rows written, {len(bad)} refused", json)
        _tell_bad(bad, None, json)
        raise typer.Exit(2 if bad and not done else 0)
    elif record is not None:
        act = (lambda: extraction.settle(store, _someone(who), record=record, row=row, take=take, values=pairs(values))) if settle else (
            lambda: extraction.extract(store, _someone(who), record=record, row=row, values=pairs(values)))
        event = act()
        _told({"event": event}, f"record {record}, row {row}: written (event {event})", json)
    else:
        _tell_readings(store, json)


def _tell_readings(store: Any, json: bool) -> None:
    from osteon.evidence.review.extraction import complete, readings

    rows = []
    for r in readings(store):
        done = complete(r.record, r.final) if r.final else None
        rows.append({"record": r.record, "row": r.row, "read by": ", ".join(r.by), "status": r.status, "differ": ", ".join(r.differ) if not r.final else "", "table": done.table if done else "",
                     "tp fp fn tn": " ".join(map(str, done.cells)) if done and done.cells else "", "why": done.why if done else ""})
    plain(rows) if json else table(rows)


def appraise(project: Project, answers: Fields = None, who: Who = "", tool: Annotated[str, typer.Option(help="quadas_2, quadas_3, quadas_c, probast_ai_2025")] = "quadas_3", record: Record = None,
             questions: Annotated[bool, typer.Option("--questions", help="show the questions")] = False, settle: Annotated[bool, typer.Option("--settle", help="settle judgements that differ")] = False,
             note: str = "", plots: Annotated[Path | None, typer.Option(help="folder for traffic lights and bars (SVG)")] = None, language: Language = "en", json: Json = False) -> None:
    """Judge risk of bias and applicability: QUESTION=yes, DOMAIN=low (or its number: 1=low), applicability:DOMAIN=low, overall=low."""
    from osteon.cli.data import pairs
    from osteon.evidence.review import appraisal
    from osteon.evidence.review.store import open_store

    store = open_store(project)
    if questions:
        known = appraisal.keys(tool)
        topics = {i.id: i.topic for d in appraisal.domains(tool) for i in d.items}
        shown = [{"answer": k, "topic": topics.get(k, ""), "with": ", ".join(v)} for k, v in known.items()]
        plain(shown) if json else table(shown)
    elif plots is not None:
        _plot(store, tool, plots, language, json)
    elif record is not None:
        given = pairs(answers)
        event = appraisal.settle(store, _someone(who), record=record, tool=tool, answers=given) if settle else appraisal.appraise(store, _someone(who), record=record, tool=tool, answers=given, support=note)
        _told({"event": event}, f"record {record}: written (event {event})", json)
    else:
        rows = [{"record": a.record, "by": ", ".join(a.by), "differ": ", ".join(a.differ), "overall": appraisal.overall(tool, a.final) if a.final else ""} for a in appraisal.appraised(store, tool)]
        plain(rows) if json else table(rows)


def _plot(store: Any, tool: str, folder: Path, language: str, json: bool) -> None:
    from osteon.errors import DataError, message
    from osteon.evidence.review.appraisal import table_of
    from osteon.evidence.review.extraction import completed
    from osteon.evidence.review.figure_appraisal import appraisal_svgs
    from osteon.evidence.review.imports import records_of

    names, titles = {r.record: r.values["study"] for r in completed(store)}, records_of(store)
    rows = [(names.get(n, titles[n]["title"][:40]), judged) for n, judged in table_of(store, tool)]
    if not rows:
        raise DataError(message("appraise", "no study is appraised and agreed yet"))
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for name, text in appraisal_svgs(rows, tool, language).items():
        made.append(folder / f"{name}.svg")
        made[-1].write_text(text, encoding="utf-8")
    _told({"files": [str(p) for p in made]}, "\n".join(map(str, made)), json)


def flow(project: Project, out: Annotated[Path | None, typer.Option(help="SVG of the diagram")] = None, since: Annotated[int, typer.Option(help="count the records after this number; those before are the earlier version")] = 0,
         language: Language = "en", json: Json = False) -> None:
    """The PRISMA 2020 flow, counted from the records."""
    from osteon.evidence.review.figure_flow import flow_svg, steps
    from osteon.evidence.review.flow import flow as count
    from osteon.evidence.review.store import open_store
    from osteon.evidence.review.words import speak

    found = count(open_store(project), since=since)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text('<?xml version="1.0" encoding="utf-8"?>\n' + flow_svg(found, language), encoding="utf-8")
    if json:
        plain(found.plain())
        return
    words = speak(language)
    for name, column in ((words["left"], found.databases), (words["right"], found.other)):
        if column.sources:
            typer.secho(name, bold=True)
            for main, beside in steps(column, words, language):
                typer.echo(f"  {'; '.join(main)}   →   {'; '.join(beside)}".replace("\u00a0", " "))
    typer.echo(f"{words['included']}: {found.studies}; {words['reports']}: {found.reports}; {words['pooled']}: {found.pooled}" + ("" if found.complete else f"\n{words['in_progress']}"))


def pool(project: Project, out: Annotated[Path | None, typer.Option(help="folder for figures and the result")] = None, bootstrap: Annotated[int, typer.Option(help="refits; 0 for none", min=0)] = 500, seed: int = 0,
         json: Json = False) -> None:
    """Pool the extracted rows: sensitivity and specificity by the exact model. `osteon pool` has every option, on the table that `--out` writes."""
    from osteon.cli.evidence import _draw, _tell
    from osteon.evidence.pool import Settings
    from osteon.evidence.review.exports import as_rows
    from osteon.evidence.review.extraction import completed
    from osteon.evidence.review.store import open_store
    from osteon.evidence.review.synthesis import left_out, pooled

    store = open_store(project)
    facts = pooled(store, Settings(bootstrap=bootstrap, seed=seed))
    out_of = left_out(completed(store))
    missing = _draw(facts, None, out, points="size", region="F") if out else {}
    if out:
        (out / "rows.csv").write_text(as_rows(store), encoding="utf-8")
    if json:
        plain({**facts, "left_out": out_of})
        return
    _tell(facts, missing)
    for row in out_of:
        typer.echo(f"Not pooled: {row['study']}: {row['why']}.")


def update(project: Project, since: Annotated[int, typer.Option(help="number of the last record of the earlier version")], bootstrap: int = 0, seed: int = 0, json: Json = False) -> None:
    """What a new search brought and what it changes: records, pooled rates and region before and after, Cook's distance of each newcomer."""
    from osteon.evidence.pool import Settings
    from osteon.evidence.pool_text import interval, number
    from osteon.evidence.review.store import open_store
    from osteon.evidence.review.synthesis import update as find

    found = find(open_store(project), since, Settings(bootstrap=bootstrap, seed=seed))
    if json:
        plain(found)
        return
    typer.echo(f"{found['records']} new records, {found['after duplicates']} after duplicates, {len(found['included'])} included, {found['waiting']} wait for a decision")
    rows = [{"": name, "k": v.get("k", ""), **({r: interval(v[r]) for r in ("sensitivity", "specificity")} if "k" in v else {"why": v["reason"]}),
             **({f"area of the {k} region": number(a) for k, a in v["region"].items() if k != "reason"} if "k" in v else {})} for name, v in (("before", found["before"]), ("after", found["after"]))]
    for row in rows:
        table([row])
    table([{"newcomer": i["study"], "Cook's distance": number(i["cook"]), "sensitivity without": number(i["sensitivity"]), "specificity without": number(i["specificity"])} for i in found["newcomers"]])


def report(project: Project, out: Annotated[Path, typer.Option(help="report.html, report.docx or report.json")] = Path("review.html"), language: Language = "en", bootstrap: Annotated[int, typer.Option(min=0)] = 0,
           seed: int = 0, json: Json = False) -> None:
    """Write the report of the review."""
    from osteon.evidence.pool import Settings
    from osteon.evidence.review.report import write
    from osteon.evidence.review.store import open_store

    path = write(open_store(project), out, language=language, settings=Settings(bootstrap=bootstrap, seed=seed))
    _told({"report": str(path)}, str(path), json)


def export(project: Project, file: Annotated[Path, typer.Argument(help="the file to write")], form: Annotated[str, typer.Option(help="ris, csv, asreview, revman, rows; by the ending where it is not given")] = "",
           which: Annotated[str, typer.Option(help="all, included, passed, excluded, open")] = "all", json: Json = False) -> None:
    """Records with their decisions (RIS, CSV, an ASReview project), or the rows with a table (RevMan, evidence rows)."""
    from osteon.evidence.review.exports import write
    from osteon.evidence.review.store import open_store

    n = write(open_store(project), form or file.suffix.lstrip(".").lower(), file, which=which)
    _told({"file": str(file), "rows": n}, f"{n} rows in {file}", json)


def check(project: Project, claims: Annotated[Path | None, typer.Option(help="JSON with what the review states of itself")] = None, who: Who = "osteon", json: Json = False) -> None:
    """Hold the review against itself: is everything decided, do the stated numbers follow; exit code 1 where something is contradicted."""
    import json as reader

    from osteon.errors import DataError, message
    from osteon.evidence.review.checks import CONTRADICTED, state_claims
    from osteon.evidence.review.checks import check as find
    from osteon.evidence.review.store import open_store

    store = open_store(project)
    if claims is not None:
        try:
            data = reader.loads(claims.read_text(encoding="utf-8"))
            stated = data["claims"] if isinstance(data, dict) else list(data)
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(message(claims, "these are no claims", expected='{"claims": [{"rule": "count", ...}]}', found=str(error))) from None
        state_claims(store, who, stated)
    found = find(store)
    if json:
        plain([{"said": f.said, "where": f.where, "counted": f.counted, "status": f.status} for f in found])
    else:
        table([{"finding": f.status, "statement": f.said, "where": f.where, "counted": f.counted} for f in found])
    raise typer.Exit(1 if any(f.status == CONTRADICTED for f in found) else 0)


def example(project: Project, json: Json = False) -> None:
    """Make the example project: a published review as far as it prints itself. Then: osteon review check PROJECT."""
    from osteon.evidence.review.example_project import make
    from osteon.evidence.review.imports import records_of

    n = len(records_of(make(project)))
    _told({"project": project, "records": n}, f"{project}: {n} records. Next: osteon review check {project}", json)


for verb in (fulltext, label, term, extract, appraise, flow, pool, update, report, export, check, example):
    app.command(verb.__name__)(verb)

__all__ = ["Stage", "app"]

"""The report of a review: what was asked, the flow, the studies, their bias, what they add up to, and where each item of PRISMA-DTA stands. English or Spanish."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osteon.errors import DataError, message
from osteon.evidence.pool import Settings
from osteon.evidence.review.agreement import agreement
from osteon.evidence.review.appraisal import TOOLS, table_of
from osteon.evidence.review.checks import check
from osteon.evidence.review.extraction import Completed, completed
from osteon.evidence.review.figure_appraisal import bars, traffic_light
from osteon.evidence.review.figure_flow import flow_figure
from osteon.evidence.review.flow import Flow, flow
from osteon.evidence.review.imports import records_of
from osteon.evidence.review.plan import PIRD, STAGES, Plan, plan_of
from osteon.evidence.review.screening import INCLUDE, standings
from osteon.evidence.review.store import Store
from osteon.evidence.review.synthesis import pooled
from osteon.evidence.review.terms import GROUPS, counted, labels, own_words
from osteon.evidence.review.words import speak, spoken_number
from osteon.report.checklists import instrument
from osteon.report.content import Article, Block, Cell, Drawing, Folded, Items, Paragraph, Section, Table, Terms
from osteon.report.figures.style import png, svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# where the items of PRISMA-DTA stand in this report
ANCHORS: Mapping[str, str] = {"4": "methods", "6": "methods", "7": "methods", "8": "methods", "9": "selection", "10": "characteristics", "11": "characteristics", "12": "quality", "13": "synthesis", "14": "synthesis",
                              "D2": "synthesis", "16": "synthesis", "17": "flow", "18": "characteristics", "19": "quality", "20": "characteristics", "21": "synthesis", "23": "synthesis"}

TASKS = ("classification", "detection", "segmentation", "measurement", "prediction", "reconstruction", "search and synthesis")


@dataclass(frozen=True)
class Told:
    """What the sections speak from."""

    store: Store
    plan: Plan
    language: str
    words: Mapping[str, str]
    flow: Flow
    rows: tuple[Completed, ...]
    settings: Settings

    def n(self, value: int) -> str:
        """A count as the language writes it."""
        return spoken_number(value, self.language)


def article(store: Store, *, language: str = "en", settings: Settings | None = None) -> Article:
    """What the report says, without a shape."""
    words = speak(language)
    told = Told(store, plan_of(store), language, words, flow(store), tuple(completed(store)), settings or Settings(bootstrap=0))
    makers = (_methods, _flow, _selection, _characteristics, _frequencies, _map, _quality, _synthesis, _checks, _checklist)
    sections = tuple(s for make in makers if (s := make(told)) is not None)
    counts = f"{told.n(told.flow.databases.identified + told.flow.other.identified)} {words['records'].lower()}, {told.n(told.flow.studies)} {words['studies'].lower()}"
    return Article(told.plan.title, None, sections=sections, simulated=False, made=f"osteon review, {store.clock().date().isoformat()}: {counts}")


def write(store: Store, path: Path, *, language: str = "en", settings: Settings | None = None) -> Path:
    """Write the report as the suffix says (html, docx or json) and return its path; raises DataError for another suffix."""
    from osteon.report.export import KINDS, exported

    kind = path.suffix.lower().lstrip(".")
    if kind not in KINDS:
        raise DataError(message(path, f"there is no report of the kind {path.suffix!r}", expected=", ".join(KINDS)))
    data = exported(article(store, language=language, settings=settings), kind)
    if kind == "html":
        # the page speaks English by itself; these are the only words of it that stand in a review
        swaps = (('<html lang="en">', f'<html lang="{language}">'), ("<p>Contents</p>", f"<p>{speak(language)['contents']}</p>"))
        text = data.decode()
        for old, new in swaps:
            text = text.replace(old, new)
        data = text.encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def drawing(make: Callable[[], Figure], name: str, title: str, *, alt: str, caption: str = "") -> Drawing:
    """A figure as a block, and as a bitmap for a document."""
    figure = make()
    return Drawing(name, title, data=svg(figure, name, alt=alt), alt=alt, caption=caption, bitmap=partial(png, figure))


def _methods(told: Told) -> Section:
    w, plan = told.words, told.plan
    asked = tuple((w[k], plan.question[k]) for k in PIRD if plan.question.get(k))
    blocks: list[Block] = [Terms(asked)] if asked else []
    for key, lines in (("include_if", plan.include), ("exclude_if", plan.exclude)):
        if lines:
            blocks += [Paragraph((f"{w[key]}:",)), Items(lines)]
    counts = {**told.flow.databases.sources, **told.flow.other.sources}
    rows = tuple((s.name, s.searched or "–", s.search or "–", Cell(told.n(counts[s.name]), value=float(counts[s.name]))) for s in plan.sources)
    blocks.append(Table("sources", w["sources"], columns=(w["source"], w["searched"], w["search"], w["records"]), rows=rows))
    return Section("methods", w["methods"], tuple(blocks))


def _flow(told: Told) -> Section:
    w, found = told.words, told.flow
    identified = found.databases.identified + found.other.identified
    alt = f"{w['identified']} {told.n(identified)}; {w['screened']} {told.n(found.databases.screened['all'] + found.other.screened['all'])}; {w['included']} {told.n(found.studies)}"
    caption = f"{told.n(found.unreadable)} {w['unreadable']}." if found.unreadable else ""
    notes = () if found.complete else (Paragraph((w["in_progress"],), "note"),)
    return Section("flow", w["flow"], (*notes, drawing(partial(flow_figure, found, told.language), "prisma-flow", "PRISMA 2020", alt=alt, caption=caption)))


def _selection(told: Told) -> Section:
    w = told.words
    rows = [row for stage in STAGES for row in _agreed(told, stage)]
    blocks: list[Block] = [Table("agreement", w["agreement"], columns=(w["stage"], w["reviewers"], w["both"], w["only"], w["kappa"], "AC1", "PABAK"), rows=tuple(rows))] if rows else []
    settled = len(told.store.payloads("adjudication"))
    links = len(told.store.payloads("link"))
    return Section("selection", w["selection"], (*blocks, Paragraph((f"{w['conflicts']}: {told.n(settled)}. {w['links']}: {told.n(links)}.",))))


def _agreed(told: Told, stage: str) -> Iterator[tuple[Cell | str, ...]]:
    for pair in agreement(told.store, stage):
        only = " / ".join(told.n(v) for v in pair["only"].values())
        figures = [_interval(told, pair["exclude"][k]) for k in ("kappa", "AC1", "PABAK")] if pair["both"] else ["–"] * 3
        yield (told.words[f"{stage}_stage"], ", ".join(pair["reviewers"]), Cell(told.n(pair["both"]), value=float(pair["both"])), only, *figures)


def _interval(told: Told, found: Mapping[str, Any]) -> Cell | str:
    values = [found[k] for k in ("estimate", "lower", "upper")]
    if values[0] is None or values[0] != values[0]:
        return "–"
    shown = [spoken_number(v, told.language, 2) if v is not None and v == v else "–" for v in values]
    return Cell(shown[0], f"{shown[1]} – {shown[2]}", value=values[0], lower=values[1], upper=values[2])


def _characteristics(told: Told) -> Section | None:
    w = told.words
    if not told.rows:
        return None
    names = {"read": w["read"], "implied": w["implied"], "several": w["several"], "none": w["none"], "unknown": w["unknown"]}
    rows = tuple((r.values["study"], r.values.get("method", "–"), r.values.get("modality", "–"), r.values.get("anatomy", "–"), r.values.get("finding", "–"), r.values.get("n", "–"),
                  " / ".join(map(str, r.cells)) if r.cells else "–", names[r.table]) for r in told.rows)
    why = tuple(f"{r.values['study']}: {r.why}." for r in told.rows if r.table in ("several", "none"))
    notes = tuple(f"{r.values['study']}: {r.values['note']}" for r in told.rows if r.values.get("note") and r.cells)
    table = Table("studies", w["characteristics"], columns=(w["study"], w["method"], w["modality"], w["anatomy"], w["diagnosis"], w["n"], "TP / FP / FN / TN", w["table"]), rows=rows)
    return Section("characteristics", w["characteristics"], (table, *((Items(why),) if why else ()), *((Folded(w["notes"], (Items(notes),)),) if notes else ())))


def _frequencies(told: Told) -> Section | None:
    w, own = told.words, own_words(told.store)
    by_study: dict[str, dict[str, str]] = {}
    for row in told.rows:
        seen = by_study.setdefault(row.values["study"], {})
        for group in GROUPS:
            seen[group] = "; ".join(filter(None, dict.fromkeys((seen.get(group, ""), row.values.get(group, "")))))
    n = len(by_study)
    tables = [Table(f"terms-{g}", w[g], columns=(w[g], w["studies"], "%", w["author_terms"]), rows=tuple(
        (word, Cell(f"{told.n(k)} {w['of']} {told.n(n)}", value=float(k)), Cell(spoken_number(100 * k / n, told.language, 0), value=100 * k / n), ", ".join(terms)) for word, k, terms in found))
        for g in GROUPS if (found := counted(by_study.values(), g, own))]
    return Section("frequencies", w["frequencies"], (*tables, Paragraph((w["mapped_note"],), "note"))) if tables else None


def _map(told: Told) -> Section | None:
    """Areas, tasks and modalities of the labelled records."""
    from osteon.evidence.figure_map import evidence_map
    from osteon.evidence.figures import style
    from osteon.evidence.review.terms import controlled

    w, said, records = told.words, labels(told.store), records_of(told.store)
    own = own_words(told.store)
    rows = {r.record: r.values for r in told.rows}

    def word(group: str, record: int) -> str:
        """The controlled word of a study: as extracted, or else of its title, abstract and keywords."""
        text = " ".join(records[record].get(k, "") for k in ("title", "abstract", "keywords"))
        return controlled(group, rows.get(record, {}).get(group) or text, own) or w["not_stated"]

    def tasks(record: int) -> list[str]:
        return [t for t in records[record].get("keywords", "").lower().split("; ") if t in TASKS] or [word("outcome", record)]

    wanted = {n for stage in STAGES[-1:] for n, s in standings(told.store, stage).items() if s.status == INCLUDE}
    cells = [{"area": a, "task": t, "modality": word("modality", row["record"])} for row in said if row["record"] in wanted for a in sorted(set().union(*map(set, row["reviewers"].values())))
             for t in tasks(row["record"])]
    if not cells:
        return None
    with style():
        shown = drawing(partial(evidence_map, cells), "evidence-map", w["map"], alt=f"{w['map']}: {len(wanted)} {w['studies'].lower()}")
    counts = [(area, sum(area in a for row in said for a in [set().union(*map(set, row["reviewers"].values()))]), sum(area in row["rule"] for row in said)) for area in told.plan.areas]
    table = Table("areas", w["rule_note"], columns=(w["areas"], w["reviewers"], w["rule"]), rows=tuple((a, Cell(told.n(x), value=float(x)), Cell(told.n(y), value=float(y))) for a, x, y in counts))
    return Section("map", w["map"], (shown, table))


def _quality(told: Told) -> Section:
    w = told.words
    names = {r.record: r.values["study"] for r in told.rows} | {}
    titles = {n: r["title"] for n, r in records_of(told.store).items()}
    blocks: list[Block] = []
    for tool in TOOLS:
        rows = [(names.get(n, titles[n][:40]), judged) for n, judged in table_of(told.store, tool)]
        if rows:
            alt = f"{instrument(tool).name}: " + "; ".join(f"{name}: {', '.join(w[s] for s in judged['bias'])}" for name, judged in rows)
            blocks += [drawing(partial(traffic_light, rows, tool, told.language), f"{tool}-lights", instrument(tool).name, alt=alt),
                       drawing(partial(bars, rows, tool, told.language), f"{tool}-bars", w["share"], alt=f"{instrument(tool).name}: {w['share']}")]
    return Section("quality", w["quality"], tuple(blocks) or (Paragraph((w["no_appraisal"],)),))


def _synthesis(told: Told) -> Section:
    from osteon.evidence.figure_forest import forest
    from osteon.evidence.figure_sroc import sroc
    from osteon.evidence.figures import style
    from osteon.evidence.pool_text import closing, sections

    w = told.words
    try:
        facts = pooled(told.store, told.settings)
    except DataError as error:
        return Section("synthesis", w["synthesis"], (Paragraph((f"{w['no_pool']}: {error}",)),))
    blocks: list[Block] = []
    for name, make in (("forest", forest), ("sroc", sroc)):
        try:
            with style():
                blocks.append(drawing(partial(make, facts), name, w[name], alt=f"{w[name]}: {facts['k']} {w['studies'].lower()}"))
        except DataError as error:
            blocks.append(Paragraph((f"{w[name]}: {error}",), "note"))
    for k, (title, rows) in enumerate(sections(facts)):
        if rows:
            blocks.append(Table(f"pooled-{k}", title, columns=tuple(rows[0]), rows=tuple(tuple(r.values()) for r in rows)))
    return Section("synthesis", w["synthesis"], (*blocks, Items(tuple(closing(facts)))))


def _checks(told: Told) -> Section | None:
    """What the review says of itself, where it states claims."""
    if not told.store.payloads("claims"):
        return None
    rows = tuple((f.said, f.where, f.counted, f.status) for f in check(told.store))
    title = "Consistency" if told.language == "en" else "Coherencia"
    columns = ("Statement", "Where", "Counted", "Finding") if told.language == "en" else ("Afirmación", "Dónde", "Recuento", "Resultado")
    return Section("consistency", title, (Table("consistency", title, columns=columns, rows=rows),))


def _checklist(told: Told) -> Section:
    w, prisma = told.words, instrument("prisma_dta_2018")
    titles = {"methods": w["methods"], "selection": w["selection"], "characteristics": w["characteristics"], "quality": w["quality"], "synthesis": w["synthesis"], "flow": w["flow"]}
    rows = tuple((i.id, i.topic, titles[ANCHORS[i.id]] if i.id in ANCHORS else w["authors"]) for i in prisma.items)
    return Section("checklist", w["checklist"], (Table("prisma-dta", f"{prisma.name} {prisma.version}", columns=(w["item"], w["topic"], w["where"]), rows=rows, note=prisma.reference),))

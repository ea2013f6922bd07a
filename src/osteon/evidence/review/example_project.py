"""The example project: a published review as far as it prints itself. Its 62 listed systems are the records, the figures of abstracts are the extracted rows, its statements are claims to check."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from osteon.evidence.pool_table import read
from osteon.evidence.review import plan as plans
from osteon.evidence.review.checks import state_claims
from osteon.evidence.review.extraction import checked
from osteon.evidence.review.fields import record
from osteon.evidence.review.store import Event, Store, create
from osteon.evidence.solve_table import REPORTS, Report, read_reports
from osteon.stats.accuracy_table import CELLS

CLAIMS = Path(__file__).with_name("seed_claims.json")
TABLE = REPORTS.with_name("seed_table.csv")
LIST, WHO = "Table 1 of the review", "osteon"
PRINTED = {"sens": "sensitivity", "spec": "specificity", "acc": "accuracy", "ppv": "ppv", "npv": "npv", "f1": "f1"}


def make(address: str | Path) -> Store:
    """Write the example into a new project. Its list of included studies has no search behind it, and the project says so; raises DataError where there is a project already."""
    data = json.loads(CLAIMS.read_text(encoding="utf-8"))
    store = create(address)
    sources = [*({"name": n} for n in data["sources"]), {"name": LIST, "kind": "other"}]
    plans.set_plan(store, WHO, plans.from_plain({"title": data["title"], "question": data["question"], "include": data["include"], "exclude": data["exclude"], "sources": sources,
                                                 "people": {"reviewers": [WHO], "per_record": 1}}))
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with store.write(WHO) as writing:
        head = writing.following
        made = [record({"title": _name(r["study"]), "year": r["study"].rsplit("_", 1)[1], "kind": data["kinds"].get(r["reference"], ""), "keywords": r["tasks"], "abstract": f"(As listed: {r['modality']}.)", "accession": r["reference"]}) for r in rows]
        counts = {"source": LIST, "file": TABLE.name, "read": len(rows), "new": len(rows), "known": 0, "bad": []}
        writing.append(Event("import", f"import:{head}", stage=LIST, value=str(len(rows)), payload=counts, batch=head),
                       *(Event("record", f"record:{LIST}:{r['study']}:1", record=i, stage=LIST, value=m["title"], payload=m, batch=head) for i, (r, m) in enumerate(zip(rows, made, strict=True), 1)))
        for i, row in enumerate(rows, 1):
            writing.append(*_as_printed(i, row["areas"].lower().split("; ")))
        number = {r["reference"]: (i, r) for i, r in enumerate(rows, 1)}
        shipped = read(["example"])
        tables = dict(zip(shipped.study, shipped.counts, strict=True))
        seen: dict[int, int] = {}
        for report in (r for r in read_reports(REPORTS) if r.columns["seed_reference"] in number):
            i, row = number[report.columns["seed_reference"]]
            seen[i] = seen.get(i, 0) + 1
            writing.append(Event("extraction", f"extraction:{i}:{seen[i]}:{WHO}", record=i, value=str(seen[i]), payload=checked(_values(report, row, tables.get(report.study, ())), report.study)))
    state_claims(store, WHO, data["claims"])
    return store


def _name(study: str) -> str:
    """moon_2023 as Moon 2023."""
    family, _, year = study.rpartition("_")
    return f"{re.sub(r'_', ' ', family).title()} {year}"


def _as_printed(number: int, areas: list[str]) -> list[Event]:
    """What the printed list implies of a record: it was included at both stages, and these are its areas."""
    note = {"note": "as printed: no decision of two people is known"}
    return [Event("decision", f"decision:title:{number}:{WHO}", record=number, stage="title", value="include", payload=note), Event("retrieval", f"retrieval:{number}", record=number, value="retrieved", payload=note),
            Event("decision", f"decision:fulltext:{number}:{WHO}", record=number, stage="fulltext", value="include", payload=note), Event("label", f"label:{number}:{WHO}", record=number, value="; ".join(areas), payload={"areas": areas})]


def _values(report: Report, row: dict[str, str], table: Sequence[int]) -> dict[str, Any]:
    """The fields of the form: what the abstract prints, and the table where it follows with the assumptions that the report names."""
    columns = report.columns
    printed = {PRINTED[k]: columns[k] for k in PRINTED if columns.get(k)} | {k: columns[k] for k in ("n", "diseased", "healthy", "rounding") if columns.get(k)}
    cells = dict(zip(CELLS, table, strict=True)) if table else {}
    return {"study": report.study, "reference": columns["seed_reference"], "areas": row["areas"].lower(), "finding": columns["question"], "anatomy": columns["anatomy"], "modality": columns["modality"], "outcome": columns["question"],
            "note": "; ".join(filter(None, (columns["source"], columns["assumption"]))), **printed, **cells}

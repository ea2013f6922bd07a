"""The example that comes with the package: systems of deep learning in orthopaedics whose two-by-two table follows from printed figures.

``python -m osteon.evidence.example`` writes example.csv anew from reports.csv. It is no systematic review: no search, no appraisal, mixed questions.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from osteon.evidence.pool_table import EXAMPLE
from osteon.evidence.solve_table import MOST, REPORTS, Report, read_reports, solve_reports

KEPT = ("seed_reference", "anatomy", "modality", "question", "assumption", "source")


def rows(reports: Sequence[Report]) -> list[dict[str, str]]:
    """One row for each report with 1 to 10 tables (the middle one of several); ``set`` says whether the seed review lists the system."""
    out = []
    by_name = {r.study: r for r in reports}
    for name, found in solve_reports(reports).items():
        if 0 < len(found.tables) <= MOST:
            columns = by_name[name].columns
            counts = dict(zip(("tp", "fp", "fn", "tn"), map(str, found.tables[len(found.tables) // 2]), strict=True))
            out.append({"study": name, **counts, "set": "seed review" if columns["seed_reference"] else "other abstracts",
                        "tables": str(len(found.tables)), "rounding": found.rounding, **{k: columns[k] for k in KEPT}})
    return out


def text(made: Sequence[dict[str, str]]) -> str:
    """The rows as CSV."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(made[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(made)
    return out.getvalue()


def write(path: Path = EXAMPLE) -> Path:
    """Write the table and return its path."""
    path.write_text(text(rows(read_reports(REPORTS))), encoding="utf-8")
    return path


if __name__ == "__main__":
    print(write())

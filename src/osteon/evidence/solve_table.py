"""A file of reports, one a row: facts and assumptions apart, each solved, and the pooled rates over every table that fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats
from scipy.special import expit

from osteon.errors import DataError, message
from osteon.evidence.pool_ladder import SMALLEST
from osteon.evidence.pool_table import Record, read_csv
from osteon.evidence.solve import MEASURES, SHORT, Reported, Solution, count, pool_solutions, reported, solve
from osteon.stats.accuracy_table import CELLS

REPORTS = Path(__file__).with_name("reports.csv")
SIZES = ("n", "diseased", "healthy")
MOST = 10  # tables of one report beyond which its rates are not known well enough to be pooled


@dataclass(frozen=True, eq=False)
class Report:
    """What a paper prints (``facts``), what is taken in addition (``assumed`` with its sentence), and every other column.

    ``largest`` bounds the number of subjects where the paper does not give it: the smallest size that fits is then taken.
    """

    study: str
    facts: Reported
    _: KW_ONLY
    assumed: Reported
    assumption: str = ""
    largest: int = 0
    columns: Mapping[str, str]


def read_reports(path: str | Path) -> list[Report]:
    """Reports of a CSV file: ``study``, sizes (n, diseased, healthy), cells, printed figures, rounding, interval, and what is assumed.

    Columns assumed_n, assumed_diseased, assumed_healthy, assumed_tp ... hold what the paper does not say. Raises DataError with the place of what is wrong.
    """
    file = Path(path)
    if not file.is_file():
        raise DataError(message(str(path), "not found", expected="a CSV file with one report a row"))
    rows = read_csv(file, needed=("study",))
    if not rows:
        raise DataError(message(file.name, "there is no report", expected="a row a report"))
    return [_report(place, {str(k).lower(): str(v or "").strip() for k, v in row.items()}) for place, row in rows]


def _report(place: str, row: Record) -> Report:
    if not row["study"]:
        raise DataError(message(f"{place}, column study", "empty", expected="the name of the study"))
    try:
        sizes, cells = _counts(row, SIZES, ""), _counts(row, CELLS, "")
        facts = reported(sizes.get("n"), sizes.get("diseased"), healthy=sizes.get("healthy"), cells=cells, rounding=row.get("rounding") or "round",
                         interval=row.get("interval") or "any", **{k: v for k, v in row.items() if SHORT.get(k, k) in MEASURES and v})
        more = _counts(row, SIZES, "assumed_")
        assumed = replace(facts, **more, cells={**cells, **_counts(row, CELLS, "assumed_")})
        largest = count("largest", row["largest"]) if row.get("largest") else 0
    except DataError as error:
        raise DataError(f"{place}: {error}") from None
    return Report(row["study"], facts, assumed=assumed, assumption=row.get("assumption", ""), largest=largest, columns=row)


def _counts(row: Record, names: Sequence[str], prefix: str) -> dict[str, Any]:
    return {n: count(prefix + n, row[prefix + n]) for n in names if row.get(prefix + n)}


def solve_report(report: Report) -> Solution:
    """The tables of one report with its assumptions; of unknown size, those of the smallest size that fits."""
    found = solve(report.assumed)
    if found.status != "not identifiable" or not report.largest:
        return found
    for n in range(2, report.largest + 1):
        tables = solve(replace(report.assumed, n=n))
        if tables.tables:
            return replace(tables, reason=f"{n} is the smallest number of subjects that fits")
    return replace(found, status="none", reason=f"the report contradicts itself: no size up to {report.largest} fits")


def solve_reports(reports: Sequence[Report]) -> dict[str, Solution]:
    """Each report by the name of its study. Raises DataError where a name stands twice."""
    names = [r.study for r in reports]
    twice = [n for n in names if names.count(n) > 1]
    if twice:
        raise DataError(message("solve", f"the study {twice[0]!r} stands twice", expected="one report a study"))
    return {r.study: solve_report(r) for r in reports}


def pooled_reports(solved: Mapping[str, Solution], *, count: int = 20, seed: int = 0, level: float = 0.95) -> dict[str, Any]:
    """Exact pooled rates by multiple imputation over the tables of every report that has 1 to 10, and what was left out."""
    usable = {name: s for name, s in solved.items() if 0 < len(s.tables) <= MOST}
    left = {name: s.status if not s.tables else f"{len(s.tables)} tables fit" for name, s in solved.items() if name not in usable}
    out: dict[str, Any] = {"k": len(usable), "left_out": left}
    if len(usable) < SMALLEST:
        return out | {"line": f"Not pooled: {len(usable)} of {len(solved)} reports give a table (4 or more are needed)."}
    found = pool_solutions(usable, count=count, seed=seed)
    half = stats.t.ppf(0.5 + level / 2, max(len(usable) - 2, 1)) * np.sqrt(np.diag(found.covariance))
    rates = {m: dict(zip(("estimate", "lower", "upper"), (float(expit(v)) for v in (x, x - h, x + h)), strict=True))
             for m, x, h in zip(("sensitivity", "specificity"), found.mu, half, strict=True)}
    text = "; ".join(f"{m} {r['estimate']:.3f} ({r['lower']:.3f} to {r['upper']:.3f})" for m, r in rates.items())
    share = 100 * float(found.ambiguity.max())
    return out | rates | {"completions": found.completions, "ambiguity": found.ambiguity.tolist(), "line": (
        f"Pooled over {found.completions} completed review{'s' if found.completions > 1 else ''} of {len(usable)} reports (exact model, Rubin's rules): {text}. "
        f"At most {share:.1f} % of the variance comes from tables that are not unique.")}

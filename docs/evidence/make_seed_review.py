"""Write seed_review.md: a published review of deep learning in orthopaedics, checked, and the meta-analysis that its figures allow.

`PYTHONPATH=src python docs/evidence/make_seed_review.py`; facts are read from src/osteon/evidence/seed_table.csv and reports.csv.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from osteon.evidence import example, figures, pool_table
from osteon.evidence.figure_map import evidence_map
from osteon.evidence.pool import PooledResult, Settings, pool
from osteon.evidence.pool_text import closing, interval, sections
from osteon.evidence.review.example_project import CLAIMS
from osteon.evidence.solve import Solution, solve
from osteon.evidence.solve_table import REPORTS, Report, read_reports, solve_report
from osteon.studies import names, study

HERE = Path(__file__).parent
FIGURES = HERE / "figures"
SETTINGS = Settings(bootstrap=500, prevalence=(0.1, 0.3))
PRINTED = json.loads(CLAIMS.read_text(encoding="utf-8"))  # what the review says of itself, as the example project holds it


def claim(rule: str, what: str = "") -> dict[str, Any]:
    """One printed claim, by its rule and what it is about."""
    return next(c for c in PRINTED["claims"] if c["rule"] == rule and what in (c.get("what", ""), c.get("of", "")))


def stated() -> dict[str, int]:
    """The counts of the review: identified, included, by area (as printed), imaging methods twice, algorithms."""
    areas, methods = claim("sum", "studies by area")["parts"], claim("pair", "imaging methods")["values"]
    return {"identified": claim("count", "identified")["value"], "included": claim("count", "included")["value"], **{a.replace(" ai ", " AI "): n for a, n in areas.items()},
            "imaging methods, abstract": methods["abstract"], "imaging methods, text": methods["results"], "algorithms": claim("share", SHARE)["candidates"][0]}


SHARE = "convolutional networks among 185 algorithms"


def seed_rows() -> list[dict[str, str]]:
    """The 62 rows of its Table 1: study, reference number, printed labels, tasks and modality as read from the papers' abstracts."""
    with (REPORTS.parent / "seed_table.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [f"| {' | '.join(header)} |", f"|{'---|' * len(header)}"]
    return "\n".join([*lines, *(f"| {' | '.join(str(c) for c in row)} |" for row in rows)]) + "\n"


def counts(rows: Sequence[dict[str, str]]) -> str:
    """What the review says of itself, and what follows."""
    s, labels = stated(), [r["areas"].split("; ") for r in rows]
    areas = [a.replace(" ai ", " AI ") for a in claim("sum", "studies by area")["parts"]]
    total, listed = sum(s[a] for a in areas), Counter(x for row in labels for x in row)
    both = sum(len(row) > 1 for row in labels)
    percent = claim("share", SHARE)["percent"]
    lines = [
        (f"{s['included']} included = {' + '.join(str(s[a]) for a in areas)}", f"the sum is {total}", "holds; every study then has exactly one class" if total == s["included"] else "contradiction"),
        ("one class a study", f"in Table 1 {both} of {len(rows)} rows carry two: {sum(listed.values())} labels on {len(rows)} systems", "contradicts the sum above"),
        (f"{s['identified']} identified, {s['included']} included", f"{s['identified'] - s['included']} excluded ({100 * (s['identified'] - s['included']) / s['identified']:.0f} %)",
         "no duplicates, no records screened, no reasons: a flow diagram cannot be drawn"),
        (f"{s['imaging methods, abstract']} imaging methods (abstract)", f"{s['imaging methods, text']} in the text", "contradiction"),
        (f"{s['algorithms']} algorithms, convolutional networks {percent} %", f"{percent} % of {s['algorithms']} is {percent / 100 * s['algorithms']:.1f}, of {s['included']} {percent / 100 * s['included']:.1f}", "the denominator is not stated"),
        ("accuracy and speed, 62 %: results (abstract)", "\"the most common method used\" (text)", "two meanings of one figure"),
        (f"studies of {claim('window')['from']} to {claim('window')['to']}, none by date", "Table 1 holds papers of 2019 (references 5, 7, 25), 2024 (35) and 20 November 2023 (66)", "contradicts the search window of 31 October 2023"),
        ("conference papers, abstracts and reviews excluded", f"Table 1 holds {'; '.join(f'a {kind} ({number})' for number, kind in PRINTED['kinds'].items())}", "contradiction"),
        ("included studies are listed", f"{len(rows)} of {s['included']} ({100 * len(rows) / s['included']:.1f} %)", f"{s['included'] - len(rows)} cannot be checked"),
        ("estimates were pooled by random effects", "no estimate, interval, heterogeneity, model or number of studies", "nothing to check")]
    per_area = table(("area", "of 595 (text)", "of 62 (Table 1)"), ((a, f"{s[a]} ({100 * s[a] / s['included']:.0f} %)", f"{listed[a]} ({100 * listed[a] / len(rows):.0f} %)") for a in areas))
    return table(("as printed", "counted", "finding"), lines) + "\n" + per_area


def systems(rows: Sequence[dict[str, str]]) -> str:
    """Every system; the labels come from its declaration where there is one, and are held against the printed ones."""
    declared = {n: study(n) for n in names()}
    out = []
    for r in rows:
        ours = declared.get(r["study"])
        same = ours is not None and {a.lower() for a in ours.areas} == set(r["areas"].lower().split("; "))
        out.append((r["reference"], f"`{r['study']}`", "; ".join(ours.areas) if ours else r["areas"], r["tasks"], r["modality"],
                    ("declared, labels as printed" if same else "declared, labels differ") if ours else ""))
    head = f"{sum(bool(o[5]) for o in out)} of the {len(rows)} are declared as studies that run here; the labels of the others are those of the printed table.\n\n"
    return head + table(("ref.", "study", "areas", "tasks", "modality", "here"), out)


def draw_map(rows: Sequence[dict[str, str]]) -> None:
    """The evidence map of the 62 systems."""
    records = [{"area": a, "task": t, "modality": r["modality"]} for r in rows for a in r["areas"].split("; ") for t in r["tasks"].split("; ")]
    with figures.style():
        figures.save(evidence_map(records), FIGURES / "seed_map.svg")


def printed(report: Report) -> str:
    """The figures of a report as the paper prints them."""
    names_ = ("n", "diseased", "healthy", "tp", "fp", "fn", "tn", "sens", "spec", "ppv", "npv", "acc", "f1")
    return ", ".join(f"{k} {report.columns[k]}" for k in names_ if report.columns.get(k))


def verdict(found: Solution) -> str:
    """One word and the number of tables."""
    return f"{found.status} ({len(found.tables)})" if found.tables else found.status


def rebuilt(reports: Sequence[Report]) -> str:
    """Each report: what follows from the printed figures alone, what was assumed, and the table."""
    out = []
    for r in reports:
        alone, found = solve(r.facts), solve_report(r)
        cells = " / ".join(map(str, found.tables[len(found.tables) // 2])) if 0 < len(found.tables) <= 10 else ""
        out.append((r.columns["seed_reference"] or "-", r.study, printed(r), verdict(alone), r.assumption or "", cells or verdict(found)))
    return table(("ref.", "study", "printed", "from the figures alone", "assumption", "TP / FP / FN / TN"), out)


def impossible(reports: Sequence[Report]) -> str:
    """The reports that no table fits, with the reason that the solver gives."""
    found = [(r, solve_report(r)) for r in reports]
    return table(("ref.", "study", "printed", "why"), ((r.columns["seed_reference"] or "-", r.study, printed(r), s.reason) for r, s in found if s.status == "none"))


def as_text(result: PooledResult) -> str:
    """What `osteon pool` prints, as a Markdown block."""
    out = []
    for title, rows in sections(result.plain()):
        out.append(title)
        if rows:
            widths = [max(len(k), *(len(row[k]) for row in rows)) for k in rows[0]]
            out += ["  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in (list(rows[0]), *(list(r.values()) for r in rows))]
        out.append("")
    return "```\n" + "\n".join([*out, *closing(result.plain())]) + "\n```\n"


def sensitivity(seed: pool_table.PoolTable, whole: pool_table.PoolTable) -> str:
    """The pooled rates without each assumption in turn, and with the abstracts from outside of the review."""
    quick = replace(SETTINGS, bootstrap=0)
    cases = [("the five rows", pool(seed, quick))]
    cases += [(f"without {name}", pool(seed, quick, exclude=[name])) for name in seed.study]
    cases.append((f"with {len(whole.study) - len(seed.study)} abstracts from outside of the review", pool(whole, quick)))
    return table(("analysis", "k", "sensitivity", "specificity", "fit"), (
        (name, r.plain()["k"], interval(r.plain()["sensitivity"]), interval(r.plain()["specificity"]), r.plain()["ladder"][-1]) for name, r in cases))


NEEDED = """A pooled sensitivity and specificity needs, for each study: the four counts (or both rates with the numbers of diseased and of healthy subjects), the unit that was counted (patient, image,
lesion), the threshold and on which data it was chosen, one row a cohort, the reference standard, and a judgement of bias (QUADAS-2 or -3); and for the review: the search, the records at each
stage, the model, its software, and the heterogeneity. The printed review gives none of these for any study. Of the 62 systems of its Table 1, {size} report a binary question whose abstract prints
figures that a two-by-two table could be held against ({read} reports; networks of one paper counted apart); {alone} of them fix{es} it without an assumption.
"""


def page() -> str:
    """The whole page; writes the figures beside it."""
    rows, reports = seed_rows(), read_reports(REPORTS)
    seed = [r for r in reports if r.columns["seed_reference"]]
    alone = sum(0 < len(solve(r.facts).tables) <= 10 for r in seed)
    whole = pool_table.read(["example"])
    ours = whole.only("set", "seed review")
    result, wide = pool(ours, SETTINGS), pool(whole, SETTINGS, by="set")
    draw_map(rows)
    for name, facts in (("seed", result.plain()), ("example", wide.plain())):
        with figures.style():
            for kind in ("forest", "sroc") if name == "seed" else ("forest", "sroc", "influence", "gosh", "predictive_values"):
                figures.save(figures.drawers()[kind](facts), FIGURES / f"{name}_{kind}.svg")
    needed = NEEDED.format(size=len({r.columns["seed_reference"] for r in seed}), read=len(seed), alone=alone or "none", es="" if alone > 1 else "es")
    parts = [INTRO, "## 1. Its counts\n", counts(rows), "![Areas, tasks and modalities of the 62 systems](figures/seed_map.svg)\n", "## 2. What its meta-analysis would have needed\n", needed,
             "## 3. Tables rebuilt from printed figures\n", REBUILT, rebuilt(seed), "Outside of the review, from public copies of abstracts, for comparison and as test data:\n",
             rebuilt([r for r in reports if not r.columns["seed_reference"]]), "## 4. Reports that contradict themselves\n", IMPOSSIBLE, impossible(reports),
             "## 5. The pooled estimate that this allows\n", POOLED, as_text(result), "![Forest](figures/seed_forest.svg)\n\n![Summary ROC](figures/seed_sroc.svg)\n",
             "### Without each assumption\n", sensitivity(ours, whole), "## 6. The example table of the package\n", EXAMPLE,
             "\n".join(f"![{k}](figures/example_{k}.svg)\n" for k in ("forest", "sroc", "influence", "gosh", "predictive_values")), "## 7. The 62 systems\n", systems(rows)]
    return "\n".join(parts)


INTRO = """# Worked example: a review checked, and the meta-analysis it announces

Written by `docs/evidence/make_seed_review.py`. The review: González-Pola R, Herrera-Lozano A, Graham-Nieto LF, Zermeno-García G. Deep learning applications in orthopaedics: a systematic review and
future directions. Acta Ortop Mex 2025; 39(3): 152-163, 10.35366/119910. It announces a random-effects meta-analysis and prints no pooled number. This page counts what it states, says what a
meta-analysis would have needed, rebuilds the tables that printed figures allow, and pools them with every assumption in view. **Five abstracts on five different questions are no evidence on
any test**: the estimate shows the method and its honesty, not the accuracy of deep learning.
"""
REBUILT = """`osteon solve` finds every table of whole numbers that prints as the paper prints, with rounding or truncation. Only figures that were read in a public copy of the abstract are facts; what was
added stands under "assumption". `several (n)` lists n tables; `not identifiable` means that no size is printed; with an upper bound for the size, the smallest one that fits is taken.
Not one binary table, therefore not here: grades (45, 56), more than two classes (7, 36, 40, 41, 44, 49, 50), scores, times, measurements and texts. Figures that are remembered and not read (37, 38, 58) are
no facts and were not used.
"""
IMPOSSIBLE = """No table of any size, or of the printed size, gives all of these figures at once. An accuracy is a weighted mean of sensitivity and specificity and cannot exceed both. Rounding and truncation were
both tried. A contradiction may be a misprint or two operating points in one sentence; it is no judgement of the study, and such a report is not pooled.
"""
POOLED = """`osteon pool example --only "set=seed review" --prevalence 0.1 --prevalence 0.3`. With five studies the bivariate model is unstable: read the univariate rows beside it, and the prediction interval before the
estimate.
"""
EXAMPLE = """`osteon pool example --by set --out example/` gives these figures; `src/osteon/evidence/example.csv` is written from `reports.csv` by `python -m osteon.evidence.example`.
"""


def main() -> None:
    """Write the page."""
    FIGURES.mkdir(exist_ok=True)
    assert example.text(example.rows(read_reports(REPORTS))) == pool_table.EXAMPLE.read_text(encoding="utf-8"), "run python -m osteon.evidence.example first"
    (HERE / "seed_review.md").write_text(page(), encoding="utf-8")
    print(HERE / "seed_review.md")


if __name__ == "__main__":
    main()

"""The page on methods: what each was compared with, the largest difference found, and how often each interval holds the truth.

`python tests/methods_page.py` writes docs/methods.md and keeps its coverage; with `--coverage` that is simulated anew (2,000 repeats, some minutes).
"""
from __future__ import annotations

import math
import re
import runpy
import sys
from pathlib import Path

HERE = Path(__file__).parent
FILE = HERE.parent / "docs" / "methods.md"
REFERENCE = runpy.run_path(str(HERE / "test_stats_reference.py"))
SIMULATION = runpy.run_path(str(HERE / "stats_coverage.py"))
REPEATS, LOW, HIGH = 2000, 93.5, 96.5
FLOOR = 1e-12  # below it a difference is rounding, and depends on the machine
OFFERED = {"proportion, Clopper-Pearson", "proportion, Jeffreys", "proportion, Agresti-Coull", "proportion, logit", "AUC, DeLong linear (option)", "AUC, Newcombe (fallback)", "paired difference, Newcombe",
           "paired difference, Agresti-Min", "paired difference, Wald", "clustered AUC, bootstrap percentile", "clustered AUC, bootstrap BCa", "clustered proportion, logit", "clustered proportion, Wald"}
NOT_SIMULATED = (
    ("Krippendorff's alpha, quadratic kappa of repeated patients, volume under the ROC surface, average precision, radial error", "percentiles over resampled patients, whose coverage stands above under clustered AUC and mean"),
    ("sets and intervals of single answers (conformal)", "their coverage is measured on the test part of every run and printed there"))
CASES = {
    "01": "intervals of a proportion", "02": "two-by-two panel", "03": "ROC area, DeLong", "04": "McNemar and paired differences", "05": "ICC", "06": "kappa and alpha", "07": "Bland-Altman", "08": "calibration and Brier score",
    "09": "decision curves", "10": "readers, Obuchowski and Rockette", "11": "sample size", "12": "survival", "13": "several classes and grades", "14": "clustered data", "15": "free-response", "16": "corrected p-values",
    "20": "segmentation", "21": "reconstruction", "22": "interchangeability", "23": "conformal sets", "24": "detection"}
ELSEWHERE = {"30 to 33": "spaced repetition (FSRS), knowledge tracing (BKT), item response (IRT) and Elo: they belong to the training of readers, not to the statistics of a report, and are compared there"}
Covered = list[tuple[str, float, float]]


def ceiling(difference: float) -> float:
    """The power of ten that a difference does not exceed; at least the floor."""
    return max(FLOOR, 10.0 ** math.ceil(math.log10(difference))) if difference > 0 else FLOOR


def reference_line(row: object) -> str:
    """One line of the first table."""
    return f"| {row.method} | {row.reference} | {ceiling(REFERENCE['largest_difference'](row)):.0e} | {row.tolerance:g} |"  # type: ignore[attr-defined]


def simulated(repeats: int = REPEATS) -> Covered:
    """Each interval with the share of repeats that hold the truth, and the share where it is undefined, in per cent."""
    return [(name, 100 * share, 100 * lost) for scenario in SIMULATION["SCENARIOS"] for name, (share, lost) in SIMULATION["coverage"](scenario, repeats=repeats).items()]


def kept() -> Covered:
    """The coverage of the page as it stands."""
    text = FILE.read_text(encoding="utf-8") if FILE.exists() else ""
    return [(name, float(share), float(lost)) for name, share, lost in re.findall(r"^\| ([^|]+?) \| ([\d.]+) % \| ([\d.]+) % \| (?:default|offered) \|$", text, flags=re.MULTILINE)]


def optional(name: str) -> bool:
    """Whether an interval is offered beside a default."""
    return name in OFFERED


def page(coverage: Covered) -> str:
    """The whole page."""
    rows = REFERENCE["comparisons"]()
    outside = [name for name, share, _ in coverage if not optional(name) and not LOW <= share <= HIGH]
    lines = [
        "# Statistical methods: what they were compared with, and how often their intervals hold", "",
        "Written by `tests/methods_page.py` (`make verify` writes it anew). Every function of `osteon.stats` serves a section of the report or a verb of the command line (`tests/test_stats_reachable.py`). "
        "Pooling of accuracy has pages of its own: [methods](evidence/reference.md), [coverage](evidence/coverage.md).", "",
        "## Against their references", "",
        f"The largest absolute difference over all numbers compared, rounded up to a power of ten; below {FLOOR:.0e} it is rounding. Reference implementations were run once; their answers stand in the tests as facts.", "",
        "| method | reference and version | largest difference | allowed |", "|---|---|---|---|", *map(reference_line, rows), "",
        "### Not compared, and why", "", *(f"- {what}: {why}." for what, why in REFERENCE["NOT_COMPARED"]), "",
        "### Reference cases", "", "| case | subject | used |", "|---|---|---|", *(f"| {number} | {what} | yes |" for number, what in CASES.items()), *(f"| {number} | {why} | elsewhere |" for number, why in ELSEWHERE.items()), "",
        "## How often an interval holds the truth", "",
        f"Nominal 95 %, {REPEATS:,} simulated studies each, seeds fixed (`tests/stats_coverage.py` says how each study is drawn); the error of the simulation is about half a point. A default is asked to lie within {LOW} and {HIGH} %"
        f"{'; every default does' if not outside else '; outside of that: ' + ', '.join(outside)}. What is offered beside a default stands here with what it covers, so that nobody takes it unwarned.", "",
        "| interval | covers | undefined | |", "|---|---|---|---|", *(f"| {name} | {share:.1f} % | {lost:.1f} % | {'offered' if optional(name) else 'default'} |" for name, share, lost in coverage), "",
        "Without a simulation of their own:", "", *(f"- {what}: {why}." for what, why in NOT_SIMULATED), ""]
    return "\n".join(lines)


if __name__ == "__main__":
    FILE.write_text(page(simulated() if "--coverage" in sys.argv else kept()), encoding="utf-8")
    print(FILE)

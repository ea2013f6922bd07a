"""Accuracy meta-analysis against R on one machine in one run: `python -m benchmarks.evidence [--out docs/evidence/benchmark.md]`.

R with metafor, lme4 and jsonlite is needed (Debian: r-cran-metafor, r-cran-lme4, r-cran-jsonlite). Process time of a fit, repeated, on both sides; the start of either program is not counted.
"""

from __future__ import annotations

import argparse
import json
import os
import runpy
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

R = r"""
suppressMessages({library(metafor); library(lme4); library(jsonlite)})
sets <- fromJSON(commandArgs(TRUE)[1], simplifyVector = TRUE); out <- list()
spent <- function(f, n) { suppressMessages(suppressWarnings(f())); sapply(seq_len(n), function(i) { t <- system.time(suppressMessages(suppressWarnings(f()))); 1000 * (t[["user.self"]] + t[["sys.self"]]) }) }
for (s in names(sets)) {
  m <- sets[[s]]; k <- nrow(m); added <- m + 0.5 * (rowSums(m == 0) > 0)
  d <- data.frame(y = c(log(added[, 1] / added[, 3]), log(added[, 4] / added[, 2])), v = c(1 / added[, 1] + 1 / added[, 3], 1 / added[, 4] + 1 / added[, 2]),
                  margin = factor(rep(c("se", "sp"), each = k)), study = rep(seq_len(k), 2))
  g <- data.frame(x = c(m[, 1], m[, 4]), n = c(m[, 1] + m[, 3], m[, 4] + m[, 2]), se = rep(1:0, each = k), sp = rep(0:1, each = k), study = factor(rep(seq_len(k), 2)))
  out[[s]] <- list(reml = tryCatch(spent(function() rma.mv(y, v, mods = ~ 0 + margin, random = ~ margin | study, struct = "UN", data = d, method = "REML"), 3), error = function(e) NA),
                   glmer = tryCatch(spent(function() glmer(cbind(x, n - x) ~ 0 + se + sp + (0 + se + sp | study), data = g, family = binomial), 3), error = function(e) NA))
}
out$versions <- paste(R.version$version.string, "metafor", packageVersion("metafor"), "lme4", packageVersion("lme4"))
writeLines(toJSON(out, auto_unbox = TRUE, digits = NA), commandArgs(TRUE)[2])
"""
TESTS = Path(__file__).resolve().parent.parent / "tests"


def milliseconds(work: Callable[[], object], *, repeats: int = 9) -> float:
    """Median process time of one call after two calls to warm up; each measurement lasts 20 ms or more."""
    work(), work()
    start = time.process_time()
    work()
    inner = max(1, int(0.02 / max(time.process_time() - start, 1e-5)))
    took = []
    for _ in range(repeats):
        start = time.process_time()
        for _ in range(inner):
            work()
        took.append(1000 * (time.process_time() - start) / inner)
    return statistics.median(took)


def ours(facts: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Milliseconds of a REML fit and of an exact fit with 15 nodes for every reference set."""
    from osteon.stats.accuracy_glmm import fit_exact
    from osteon.stats.accuracy_reitsma import fit_normal

    tables = {name: facts["tables"](name) for name in facts["SETS"]}
    return {name: {"reml": milliseconds(lambda t=t: fit_normal(t)), "exact": milliseconds(lambda t=t: fit_exact(t), repeats=5)} for name, t in tables.items()}


def resampling(facts: dict[str, Any]) -> dict[str, float]:
    """Wall seconds of 2,000 REML and 2,000 exact refits of a review of 33 studies."""
    from osteon.stats.accuracy_bootstrap import bootstrap
    from osteon.stats.accuracy_glmm import fit_exact
    from osteon.stats.accuracy_reitsma import fit_normal

    data, out = facts["tables"]("Dementia"), {}
    for model, fit in (("normal", fit_normal(data)), ("exact", fit_exact(data))):
        bootstrap(data, fit, model=model, count=20)
        start = time.perf_counter()
        bootstrap(data, fit, model=model, count=2000)
        out[model] = time.perf_counter() - start
    return out


def theirs(facts: dict[str, Any]) -> dict[str, Any]:
    """The same fits by metafor and lme4. Raises RuntimeError where R is missing or fails."""
    if shutil.which("Rscript") is None:
        raise RuntimeError("Rscript was not found (R with metafor, lme4 and jsonlite is needed)")
    with tempfile.TemporaryDirectory() as folder:
        script, given, found = (Path(folder) / n for n in ("fits.R", "sets.json", "times.json"))
        script.write_text(R, encoding="utf-8")
        given.write_text(json.dumps({n: facts["reference"](n)["cells"] for n in facts["SETS"]}), encoding="utf-8")
        done = subprocess.run(["Rscript", str(script), str(given), str(found)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr[-600:])
        return json.loads(found.read_text(encoding="utf-8"))


def middle(values: Any) -> float:
    """Median of times; nan where R could not fit."""
    listed = [v for v in (values if isinstance(values, list) else [values]) if isinstance(v, (int, float))]
    return statistics.median(listed) if listed else float("nan")


def page(mine: dict[str, dict[str, float]], r: dict[str, Any], refits: dict[str, float], facts: dict[str, Any]) -> str:
    """The table in Markdown, with what was asked."""
    lines = ["# Speed of accuracy meta-analysis against R\n", f"Written by `python -m benchmarks.evidence`, both programs in one run on one machine ({os.cpu_count()} cores; process time of one fit, "
             f"median, in milliseconds; {r['versions']}). Zero cells: 0.5 in the studies that have one (REML), none (exact). Exact: 15 x 15 nodes here, Laplace in lme4.\n",
             "| set | k | REML here | metafor::rma.mv | ratio | exact here | lme4::glmer | ratio |", "|---|---:|---:|---:|---:|---:|---:|---:|"]
    ratios: dict[str, list[float]] = {"reml": [], "exact": []}
    for name, own in mine.items():
        given = {"reml": middle(r[name]["reml"]), "exact": middle(r[name]["glmer"])}
        for key in ratios:
            ratios[key].append(given[key] / own[key])
        lines.append(f"| {name} | {len(facts['reference'](name)['cells'])} | {own['reml']:.2f} | {given['reml']:.0f} | {ratios['reml'][-1]:.0f} | {own['exact']:.1f} | {given['exact']:.0f} | {ratios['exact'][-1]:.1f} |")
    exact = [own["exact"] for own in mine.values()]
    rows = (("REML, smallest ratio to metafor", "20 or more", f"{min(ratios['reml']):.0f}", min(ratios["reml"]) >= 20),
            ("exact, smallest ratio to lme4", "4 or more", f"{min(ratios['exact']):.1f}", min(ratios["exact"]) >= 4),
            ("exact, median", "15 ms or less", f"{statistics.median(exact):.1f} ms", statistics.median(exact) <= 15), ("exact, worst", "100 ms or less", f"{max(exact):.1f} ms", max(exact) <= 100),
            ("2,000 REML refits, k = 33, wall", "0.6 s or less", f"{refits['normal']:.2f} s", refits["normal"] <= 0.6),
            ("2,000 exact refits, k = 33, wall", "25 s or less on two cores", f"{refits['exact']:.1f} s", refits["exact"] <= 25))
    lines += ["\n| what | asked | found | |", "|---|---|---|---|", *(f"| {what} | {asked} | {found} | {'met' if good else 'not met'} |" for what, asked, found, good in rows)]
    return "\n".join(lines) + "\n\nWall times are those of a machine that was " + LOAD.format(load=os.getloadavg()[0]) + "\n"


LOAD = "under a load of {load:.1f} at the end of the run; process times suffer from it less than wall times do, and ratios of one run least."


def main() -> None:
    """Measure both and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evidence", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/evidence/benchmark.md"))
    options = parser.parse_args()
    facts = runpy.run_path(str(TESTS / "accuracy_facts.py"))
    text = page(ours(facts), theirs(facts), resampling(facts), facts)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()

"""Active learning beside ASReview, and stopping rules: `python -m benchmarks.screening --asreview ENV/bin/python [--data DIR] [--seeds 10] [--simulated 200]` writes docs/screening.md.

Each part is kept in a folder (--keep) when it is done, and a run that was cut off goes on from there. ASReview 3 is installed into an environment of its own (python -m venv ENV && ENV/bin/pip install asreview). Without one its half is left out and the page is not written.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from osteon.evidence.review.planted import planted_set
from osteon.evidence.review.ranking import MODELS, features_for
from osteon.evidence.review.simulation import LabelledSet, Screening, draw_prior, read_labelled, safe_screening, screening, simulate, stopped, wss
from osteon.evidence.review.stopping import Consecutive, Hypergeometric, Rule
from osteon.stats.intervals import wilson

SETS = ("jeyaraman_2020", "van_der_valk_2021", "nelson_2002")
# One process answers one simulation after the other, so that both programs take turns on the machine; its start is not counted.
ASREVIEW = r"""
import json, sys, time
from importlib.metadata import version
import numpy as np, pandas as pd
from asreview import ActiveLearningCycle
from asreview.models.models import get_ai_config
from asreview.simulation.simulate import Simulate
table = pd.read_csv(sys.argv[1])
labels = table["label_included"]
print(json.dumps({"version": version("asreview"), "model": get_ai_config()["label"]}), flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    np.random.seed(asked["seed"])
    wall, cpu = time.perf_counter(), time.process_time()
    run = Simulate(table, labels, [ActiveLearningCycle.from_meta(get_ai_config()["value"])], print_progress=False)
    run.label(asked["prior"])
    run.review()
    order = [int(i) for i in run._results["record_id"][len(asked["prior"]):]]
    print(json.dumps({"order": order, "wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}), flush=True)
"""


@dataclass(frozen=True)
class Pair:
    """One set screened by both programs from the same prior records: WSS@95, seconds, and how many places of the order agree."""

    name: str
    seed: int
    ours: float
    theirs: float
    wall: tuple[float, float]
    cpu: tuple[float, float]
    same: tuple[int, int]


@dataclass(frozen=True)
class Halt:
    """Where a rule stopped in one screening."""

    group: str
    rule: str
    recall: float
    saved: float


@contextmanager
def asreview(python: Path, table: Path) -> Iterator[subprocess.Popen[str]]:
    """ASReview waiting for questions about one table."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "ask.py"
        script.write_text(ASREVIEW, encoding="utf-8")
        with subprocess.Popen([str(python), str(script), str(table)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as process:
            yield process


def answer(process: subprocess.Popen[str], **asked: Any) -> dict[str, Any]:
    """The next line of an answer. Raises RuntimeError where the program ended."""
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("ASReview was started without pipes")
    if asked:
        process.stdin.write(json.dumps(asked) + "\n")
        process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        raise RuntimeError("ASReview ended without an answer (its message stands above)")
    return json.loads(line)


def compare(python: Path, table: Path, seeds: Sequence[int]) -> dict[str, Any]:
    """Both programs on one table, seed by seed in turn: features, and a fit after every record until the last relevant one is found."""
    data = read_labelled(table)
    features_for(data.texts[:50], MODELS["svm"])  # the libraries are loaded before the clock starts, as on the other side
    pairs = []
    with asreview(python, table) as process:
        hello = answer(process)
        for seed in seeds:
            prior = draw_prior(data.labels, seed)
            theirs = answer(process, seed=seed, prior=list(prior))
            wall, cpu = time.perf_counter(), time.process_time()
            run = screening(data, features_for(data.texts, MODELS["svm"]), prior, seed=seed, model=MODELS["svm"])
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            other = [*theirs["order"], *sorted(set(run.order) - set(theirs["order"]))]
            same = sum(a == b for a, b in zip(run.order, theirs["order"], strict=False))
            pairs.append(Pair(data.name, seed, run.wss(0.95), wss(data.labels[other], 0.95), (wall, theirs["wall"]), (cpu, theirs["cpu"]), (same, len(theirs["order"]))))
            print(pairs[-1], flush=True)
        process.terminate()
    return {"program": f"ASReview {hello['version']} ({hello['model']})", "load": os.getloadavg()[1], "pairs": [asdict(p) for p in pairs]}


def halts(group: str, data: LabelledSet, runs: Sequence[Screening]) -> list[dict[str, Any]]:
    """Where each rule would have stopped in each screening of a set."""
    rules: Mapping[str, Rule] = {"hypergeometric test": Hypergeometric(0.95, 0.95), "50 irrelevant in a row": Consecutive(50)}
    held = {kind: features_for(data.texts, MODELS[kind]) for kind in ("svm", "bayes")}
    out = []
    for run in runs:
        ends = {name: stopped(run.labels, rule) for name, rule in rules.items()}
        ends["SAFE procedure"] = safe_screening(data, lambda model: held[model.kind], seed=run.seed)
        out += [asdict(Halt(group, name, end.recall, end.saved)) for name, end in ends.items()]
    return out


def other_models(tables: Sequence[Path], seeds: Sequence[int]) -> list[tuple[Any, ...]]:
    """Mean WSS@95, WSS@100 and ATD of each model on each set."""
    out = []
    for table in tables:
        data = read_labelled(table)
        for model in MODELS:
            plain = [run.plain for run in simulate(data, model=model, seeds=seeds)]
            out.append((data.name, model, *(float(np.mean([p[m] for p in plain])) for m in ("WSS@95", "WSS@100", "ATD"))))
    return out


def paired(differences: Sequence[float]) -> tuple[float, float]:
    """Mean of paired differences, and the lower limit of its 95 % interval (Student's t)."""
    from scipy import stats

    values = np.array(differences)
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else float("nan")
    return float(values.mean()), float(values.mean() - stats.t.ppf(0.975, max(len(values) - 1, 1)) * error)


def comparison(pairs: Sequence[Pair]) -> list[str]:
    """The rows of the comparison, sets first, then all."""
    rows = []
    for name in (*dict.fromkeys(p.name for p in pairs), "all"):
        own = [p for p in pairs if name in (p.name, "all")]
        mean, lower = paired([p.ours - p.theirs for p in own])
        wall, cpu = ([sum(getattr(p, kind)[i] for p in own) for i in (0, 1)] for kind in ("wall", "cpu"))
        same = [sum(p.same[i] for p in own) for i in (0, 1)]
        rows.append(f"| {name} | {len(own)} | {np.mean([p.ours for p in own]):.3f} | {np.mean([p.theirs for p in own]):.3f} | {mean:+.4f} | {lower:+.4f} | {same[0]:,} of {same[1]:,} | "
                    f"{wall[0]:.1f} / {wall[1]:.1f} | {wall[0] / wall[1]:.3f} | {cpu[0]:.1f} / {cpu[1]:.1f} | {cpu[0] / cpu[1]:.3f} |")
    return rows


def stopping(found: Sequence[Halt]) -> list[str]:
    """The rows of the stopping rules, the test first."""
    rows = []
    for rule in ("hypergeometric test", "SAFE procedure", "50 irrelevant in a row"):
        for group in (*dict.fromkeys(h.group for h in found), "all"):
            own = [h for h in found if h.rule == rule and group in (h.group, "all")]
            recall, met = np.array([h.recall for h in own]), sum(h.recall >= 0.95 for h in own)
            limits = wilson(met, len(own))
            rows.append(f"| {rule} | {group} | {len(own)} | {met / len(own):.1%} ({limits.lower:.1%} to {limits.upper:.1%}) | {recall.mean():.3f} | {recall.min():.3f} | {np.mean([h.saved for h in own]):.1%} |")
    return rows


def page(kept: dict[str, Any]) -> str:
    """The page in Markdown."""
    pairs = [Pair(**{**p, "wall": tuple(p["wall"]), "cpu": tuple(p["cpu"]), "same": tuple(p["same"])}) for p in kept["pairs"]]
    found = [Halt(**h) for h in kept["halts"]]
    lower = paired([p.ours - p.theirs for p in pairs])[1]
    ratio = sum(p.wall[0] for p in pairs) / sum(p.wall[1] for p in pairs)
    met = [h.recall >= 0.95 for h in found if h.rule == "hypergeometric test"]
    asked = (("paired difference of WSS@95, lower 95 % limit", "above -0.02", f"{lower:+.4f}", lower > -0.02), ("wall time, ours to theirs", "1/5 or less", f"{ratio:.3f}", ratio <= 0.2),
             ("hypergeometric test: recall of 95 % reached", "93 % of runs or more", f"{np.mean(met):.1%} of {len(met)}", np.mean(met) >= 0.93))
    return "\n".join([
        "# Screening: active learning and stopping rules\n",
        f"Written by `python -m benchmarks.screening`. Both programs ran in turn on one machine ({kept['cores']} cores, load {kept['load']:.1f}, one thread each). Three labelled sets of the SYNERGY collection "
        f"(labels are decisions after full text), {kept['seeds']} seeds each; a seed draws one relevant and one irrelevant record that both programs know beforehand. Each fits anew after every record until the last "
        "relevant one is found. Time counts features and screening, not the start of either program; the machine was shared with other work, which the ratios bear better than the seconds. Measures leave the records known beforehand out.\n",
        "| what | asked | found | |", "|---|---|---|---|", *(f"| {what} | {want} | {value} | {'met' if good else 'not met'} |" for what, want, value, good in asked),
        f"\n## Beside {kept['program']}\n",
        "| set | seeds | WSS@95 here | WSS@95 there | mean difference | lower 95 % limit | same record at the same place | wall s | ratio | CPU s | ratio |", "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
        *comparison(pairs),
        "\nBoth use the same settings (tf-idf of words and pairs of words, support vector machine with squared hinge loss): a difference can only come from the solver, from ties and from records without text. "
        "Those settings were tuned by the authors of ASReview on a collection that holds these three sets, so the figures flatter both programs.\n",
        "## The three models here\n", "| set | model | WSS@95 | WSS@100 | ATD |", "|---|---|---:|---:|---:|", *(f"| {n} | {m} | {a:.3f} | {b:.3f} | {c:.3f} |" for n, m, a, b, c in kept["models"]),
        "\nATD: average time to discovery, the mean place of a relevant record as a share of all (lower is better). Naive Bayes uses single words without English stop words.\n",
        "## Stopping rules, recall target 95 %, confidence 95 %\n",
        f"Asked after every record. Simulated sets ({kept['simulated']}) have 200 to 800 made-up records, 2 to 20 % relevant, up to half of which are hard to tell: they verify the software and say nothing about the literature.\n",
        "| rule | sets | runs | recall of 95 % or more (95 % interval) | mean recall | lowest recall | mean work saved |", "|---|---|---:|---|---:|---:|---:|", *stopping(found),
        "\nRuns of one set with several seeds are not independent: the intervals are too narrow for those rows. Only the test has a recall target and a confidence; SAFE and the run of irrelevant records are heuristics. "
        "The test is asked after every record and takes the smallest p over all samples that end now, as its authors do; what keeps it honest is that a ranked record is at least as likely relevant as a random one."]) + "\n"


def part(folder: Path, name: str, make: Callable[[], Any]) -> Any:
    """A part of the measurements from the folder, or made and put there."""
    path = folder / f"{name}.json"
    if not path.exists():
        path.write_text(json.dumps(make()), encoding="utf-8")
    return json.loads(path.read_text(encoding="utf-8"))


def measured(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Everything the page needs, as plain data."""
    tables, seeds = [options.data / f"{name}.csv" for name in options.sets], range(options.seeds)

    def simulated() -> list[dict[str, Any]]:
        sets = ((seed, planted_set(seed)) for seed in range(options.simulated))
        return [h for seed, data in sets for h in halts("simulated", data, simulate(data, seeds=[seed]))]

    def real(table: Path) -> list[dict[str, Any]]:
        data = read_labelled(table)
        return halts(table.stem, data, simulate(data, seeds=seeds))

    parts = [part(folder, f"asreview-{t.stem}", partial(compare, options.asreview, t, seeds)) for t in tables]
    found = [h for t in tables for h in part(folder, f"stopping-{t.stem}", partial(real, t))] + part(folder, "stopping-simulated", simulated)
    return {"pairs": [p for own in parts for p in own["pairs"]], "halts": found, "models": part(folder, "models", lambda: other_models(tables, seeds)), "program": parts[0]["program"],
            "seeds": options.seeds, "simulated": options.simulated, "cores": os.cpu_count(), "load": float(np.mean([own["load"] for own in parts]))}


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.screening", description=__doc__)
    parser.add_argument("--asreview", type=Path, help="the Python of an environment with ASReview 3")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("OSTEON_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data") / "screening_synergy")
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--simulated", type=int, default=200)
    parser.add_argument("--keep", type=Path, help="keep the parts of the measurement in this folder")
    parser.add_argument("--out", type=Path, default=Path("docs/screening.md"))
    options = parser.parse_args()
    if options.asreview is None or not options.asreview.exists():
        print("Skipped: name the Python of an environment with ASReview 3 (--asreview ENV/bin/python).")
        return
    if not options.data.is_dir():
        print(f"Skipped: {options.data} was not found.")
        return
    with nullcontext(options.keep) if options.keep else tempfile.TemporaryDirectory() as folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        kept = measured(options, Path(folder))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(page(kept), encoding="utf-8")
    print(options.out.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()

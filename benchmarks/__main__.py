"""Measure every stage of both studies and write the table: `python -m benchmarks [--budget laptop] [--out FILE] [--keep DIR]`."""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.stages import Cost, Stage, measure

FILM = """
import time, tempfile
from pathlib import Path
from osteon.readers.dicom import write_radiograph
from osteon.simulate.standing_legs import standing_film
def one(k):
    f = standing_film((k, 0), pixel_mm=2.0)
    write_radiograph(Path(tempfile.gettempdir()) / "osteon-film.dcm", f.stored, spacing=f.spacing, notes={}, simulated=True)
one(0)
t = time.process_time()
for k in range(1, 9): one(k)
print(f"{(time.process_time() - t) / 8:.3f} CPU-seconds a film of 512 x 216, kernel compiled")
"""
PREDICT = """
import time
from pathlib import Path
import numpy as np
from scipy.ndimage import zoom
from osteon import engine
from osteon.run import Run
from osteon.readers.dicom import write_radiograph
from osteon.simulate.standing_legs import standing_film
film = standing_film((5, 5), pixel_mm=1.0)
large = np.ascontiguousarray(zoom(film.stored, (7000 / film.stored.shape[0], 3000 / film.stored.shape[1]), order=1))
path = Path({folder!r}) / "large.dcm"
write_radiograph(path, large, spacing=tuple(s * a / b for s, a, b in zip(film.spacing, film.stored.shape, large.shape)), notes={{}}, simulated=True)
run = Run.open({run!r})
list(engine.predict(run, [path]))
from osteon.validation.saved import load_final
from osteon.engine.outside import from_files
from osteon.engine.fitting import answers
from osteon.studies import study_of
study = study_of(run)
models = load_final(run.models(run.labels[0]), study.models[run.labels[0]], study.targets)
t = time.perf_counter()
cohort = from_files(study, [path]).conform(study.inputs, study.targets)
given = list(answers(models, cohort, study.targets))
print(f"{{time.perf_counter() - t:.2f}} s from a DICOM file of 7000 x 3000 to the readings, models loaded")
"""


def stages(folder: Path, budget: str, sparcs: Path | None) -> list[Stage]:
    """Every stage, each in the folder where the one before it left its work."""
    legs, run, registry = folder / "legs", folder / "moon", folder / "registry"
    head = "from pathlib import Path\nfrom osteon import engine\nfrom osteon.budget import budget\nfrom osteon.cohort import Cohort\nfrom osteon.run import Run\n"
    out = [
        Stage("osteon list", "import sys\nfrom osteon.cli import main\ntry:\n    main(['list'])\nexcept SystemExit:\n    pass\nprint('torch imported' if 'torch' in sys.modules else 'torch not imported')"),
        Stage("one standing-leg film", FILM),
        Stage("moon_2023: simulate", head + f"c = engine.simulate('moon_2023', Path({str(legs)!r}), budget=budget({budget!r}), cases=budget({budget!r}).cases)\nprint(len(c), 'films')"),
        Stage("moon_2023: train and validate", head + f"r = engine.run('moon_2023', Cohort.from_folder({str(legs)!r}), budget=budget({budget!r}), out=Path({str(run)!r}))\n"
              "from osteon.cli.work import sentence\nprint(sentence(r.primary))"),
        Stage("moon_2023: report", head + f"from osteon.report import report\nprint(report(Run.open({str(run)!r})).name)"),
        Stage("moon_2023: predict", PREDICT.format(folder=str(folder), run=str(run))),
        Stage("etzel_2022: simulate 8,000 rows", head + f"c = engine.simulate('etzel_2022', Path({str(registry)!r}), cases=8000)\nprint(len(c), 'rows')"),
        Stage("etzel_2022: simulated, six models", head + f"from osteon.report import report\nr = engine.run('etzel_2022', Cohort.from_folder({str(registry)!r}), out=Path({str(folder / 'etzel')!r}))\nreport(r)\n"
              "print('AUC', round(r.primary.metrics['auc']['estimate'], 3), 'of an attainable', round(r.primary.metrics['ceiling_auc']['estimate'], 3))"),
    ]
    if sparcs:
        out.append(Stage("etzel_2022: SPARCS, six models, 5 folds, report", head + "from osteon.studies import study\nfrom osteon.design import CrossValidation\nfrom osteon.report import report\n"
                         f"s = study('etzel_2022')\nr = engine.run(s, s.datasets['sparcs_lumbar'](Path({str(sparcs)!r})), design=CrossValidation(5), out=Path({str(folder / 'sparcs')!r}))\nreport(r)\n"
                         "print('; '.join(f\"{x.source.model} {x.metrics['auc']['estimate']:.3f}\" for x in r.rows))"))
    return out


def table(costs: list[Cost], budget: str) -> str:
    """The table in Markdown, with what it ran on."""
    head = [f"# Benchmarks\n\nMeasured {datetime.now(UTC):%Y-%m-%d} with `python -m benchmarks --budget {budget}` on {os.cpu_count()} cores ({processor()}), Python {platform.python_version()}.",
            "Each stage ran in a fresh interpreter; CPU seconds are those of the process and its children. Simulated cases verify the software; no figure here is an accuracy in patients.\n",
            "| stage | CPU s | wall s | peak MB | result |", "|---|---:|---:|---:|---|"]
    return "\n".join([*head, *(f"| {c.name} | {c.cpu:.1f} | {c.wall:.1f} | {c.memory:.0f} | {c.said} |" for c in costs)]) + "\n"


def processor() -> str:
    """The name of the processor, and whether it computes in bfloat16."""
    path = Path("/proc/cpuinfo")
    names = [line.split(":")[1].strip() for line in path.read_text().splitlines() if line.startswith("model name")] if path.exists() else []
    flags = " with bfloat16" if path.exists() and "bf16" in path.read_text() else " without bfloat16"
    return (names[0] if names else platform.processor()) + flags


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--budget", default="laptop", choices=("smoke", "laptop", "gpu"))
    parser.add_argument("--out", type=Path, default=Path("docs/benchmarks.md"))
    parser.add_argument("--keep", type=Path, help="work in this folder and keep its cohorts and runs")
    options = parser.parse_args()
    data = Path(os.environ.get("OSTEON_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data") / "sparcs_msk_los"
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
    with nullcontext(options.keep) if options.keep else tempfile.TemporaryDirectory() as folder:
        costs = []
        for stage in stages(Path(folder), options.budget, data if data.exists() else None):
            costs.append(measure(stage))
            print(f"{costs[-1].name}: {costs[-1].cpu:.1f} CPU s, {costs[-1].wall:.1f} s, {costs[-1].memory:.0f} MB. {costs[-1].said}", flush=True)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(table(costs, options.budget), encoding="utf-8")
    print(options.out)


if __name__ == "__main__":
    main()

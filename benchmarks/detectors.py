"""The detectors on real films: `python -m benchmarks.detectors FOLDER [--budget laptop] [--nets faster_rcnn yolov5] [--out docs/detectors.md]`.

FOLDER is the set `fracture_boxes` (limb radiographs with boxes). Each detector takes the one path of every study, groups of like images kept together, and is judged by image and by box.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.studies import told
from osteon import engine
from osteon.budget import budget
from osteon.datasets.fracture_boxes import LABELS, NAME, fracture_boxes
from osteon.design import HoldOut
from osteon.models import Net
from osteon.readers.inputs import Radiograph
from osteon.row import EvidenceRow
from osteon.studies import study
from osteon.study import Study
from osteon.targets import Objects

NETS = ("faster_rcnn", "yolov5")
METRICS = {"auc": "AUC by image", "ap": "AP at 0.50", "ap_coco": "AP 0.50 to 0.95", "recall": "recall"}
HEAD = """# Detectors on real films

Measured {date} with `python -m benchmarks.detectors FOLDER --budget {name}` on the set fracture_boxes: {films} films in {groups} groups of like images, {tested} of them tested. It shows that the detectors run on films that nobody
simulated, by image (has it a box of this label?) and by box. It says nothing about patients: most films are augmented copies, nearly all are broken, some carry arrows that point at the fracture, and the labels overlap in meaning.
In brackets 95 % intervals from resampling groups. Weights start at random.
"""


def declared(nets: Sequence[str] = NETS) -> Study:
    """The study whose models are some detectors, on boxes of four labels; all else is that of li_j_2022."""
    models = {net: Net(net, reads=("xray",), writes=("boxes",), settings={"rate": 1e-3} if net.endswith("rcnn") else {}) for net in nets}
    return replace(study("li_j_2022"), name=NAME, question="Do the detectors find what was boxed?", unit="film", inputs={"xray": Radiograph("limb")}, targets={"boxes": Objects(LABELS)}, primary="boxes",
                   design=HoldOut(), models=models, datasets={}, analyses=(), subgroups=("augmented",), claims=(), differs=())


def lines(rows: Sequence[EvidenceRow]) -> Iterator[str]:
    """The table: a line a detector and label."""
    yield "\n| detector | label | films | " + " | ".join(METRICS.values()) + " |\n|" + "---|" * (3 + len(METRICS))
    for row in sorted(rows, key=lambda r: LABELS.index(r.question.finding)):
        yield f"| {row.source.model} | {row.question.finding} | {row.counts['n']} | " + " | ".join(told(row.metrics, metric) for metric in METRICS) + " |"


def main() -> None:
    """Train, judge and write the table."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("folder", type=Path)
    ask.add_argument("--budget", default="laptop")
    ask.add_argument("--nets", nargs="+", default=list(NETS))
    ask.add_argument("--out", type=Path, default=Path("docs/detectors.md"))
    ask.add_argument("--keep", type=Path, default=Path("runs"))
    given = ask.parse_args()
    cohort = fracture_boxes(given.folder)
    run = engine.run(declared(given.nets), cohort, budget=budget(given.budget), out=given.keep / f"{NAME}-{given.budget}")
    head = HEAD.format(date=datetime.now(UTC).date(), name=given.budget, films=len(cohort), groups=len(set(cohort.column("patient").tolist())), tested=run.primary.counts["n"])
    given.out.write_text(head + "\n".join(lines(run.rows)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""The bake-off of Tiwari 2022: eight networks under one plan, the cheapest trained where the budget is small, the cost of each told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from osteon.budget import LAPTOP, SMOKE
from osteon.engine.path import within
from osteon.errors import DataError, StudyError
from osteon.models import Arm, Net, affordable
from osteon.models.cost import cost_of, costs
from osteon.models.machine import Blueprint
from osteon.run import Run
from osteon.studies import study
from osteon.studies.tiwari_2022 import NETS
from osteon.study import Study
from osteon.validation.analyses import Costs, Graders

# Of the published networks: parameters in millions with the head of 1,000 classes, and multiplications of an image of 224 x 224 in thousand millions.
# He 2016, Simonyan 2015, Szegedy 2016, Sandler 2018, Tan 2019 (37 at 600 pixels), Huang 2017, Chollet 2017, Zoph 2018 (5.3 and 0.564), as their papers and Keras' table give them.
PUBLISHED = {"ResNet50": (25.6, 4.1), "VGG16": (138.4, 15.5), "MobileNetV2": (3.5, 0.30), "DenseNet201": (20.2, 4.3), "NASNetMobile": (5.3, 0.564), "Xception": (22.9, 4.6),
             "InceptionV3": (23.9, 2.85), "EfficientNetB7": (66.7, 5.2)}
SMALL = LAPTOP.with_(image_side=96)


def test_the_table_has_eight_networks_and_the_papers_own_is_first() -> None:
    declared = study("tiwari_2022")
    assert len(declared.models) == len(PUBLISHED) == 8, "a bake-off of eight: one was taken out"
    assert set(declared.models) == set(PUBLISHED) and next(iter(declared.models)) == "DenseNet201"
    specs = [arm.model for arm in declared.models.values() if isinstance(arm, Arm)]
    assert len({spec.name for spec in specs if isinstance(spec, Net)}) == 8
    assert {(spec.reads, spec.writes, tuple(spec.settings)) for spec in specs if isinstance(spec, Net)} == {(("xray",), ("kl",), ())}, "one plan for all"
    assert {label: arm.factors["net"] for label, arm in declared.models.items() if isinstance(arm, Arm)} == {label: label for label in NETS}


@pytest.mark.parametrize("label", PUBLISHED)
def test_each_network_has_the_size_that_was_published(label: str) -> None:
    found = cost_of(Blueprint(NETS[label], 3, 1000, 1.0, (224, 224)))
    parameters, macs = PUBLISHED[label]
    assert found.parameters / 1e6 == pytest.approx(parameters, rel=0.012)
    assert found.macs / 1e9 == pytest.approx(macs, rel=0.03)
    assert found.bytes_an_image > 1e6


def test_a_small_budget_trains_the_two_cheapest_and_builds_the_rest() -> None:
    declared = study("tiwari_2022")
    smaller = within(declared, SMOKE)
    assert list(smaller.models) == ["MobileNetV2", "NASNetMobile"] and (smaller.name, smaller.file) == (declared.name, declared.file)
    assert within(declared, LAPTOP) is declared
    broken = replace(declared, models={**declared.models, "none": Arm(Net("resnet50_of_nobody", reads=("xray",), writes=("kl",)), {"net": "none"})})
    with pytest.raises(StudyError, match="resnet50_of_nobody"):
        within(broken, SMOKE)


def test_the_cheapest_are_taken_only_where_every_cost_is_known() -> None:
    models = {name: Arm(Net("resnet18", reads=("x",), writes=("y",)), {"net": name}) for name in "abcd"}
    assert list(affordable(models, 2, {"a": 9.0, "b": 1.0, "c": 5.0, "d": 2.0})) == ["b", "d"]
    assert list(affordable(models, 2, {"a": 9.0, "b": 1.0})) == ["a", "d"], "the first and the last"
    assert list(affordable(models, 9, {})) == list(models)


def written(folder: Path, labels: tuple[str, ...]) -> Run:
    """What a run keeps of its fits."""
    from dataclasses import asdict

    folder.mkdir()
    (folder / "run.json").write_text(json.dumps({"models": {label: ["kl"] for label in labels}, "budget": asdict(SMALL)}), encoding="utf-8")
    for label in labels:
        (folder / "notes" / label.lower()).mkdir(parents=True)
        fit = {"image": [96, 96], "fit_seconds": 12.5, "steps": 40, "batch": 8, "started_from": 0, "windows": {"train": 30}, "epochs": {"named": 24, "used": 3.0}}
        (folder / "notes" / label.lower() / "1.json").write_text(json.dumps({"fold": "1", "seconds_per_case": 0.2, "fit 1": fit}), encoding="utf-8")
    return Run(folder)


def table(run: Run, declared: Study) -> Mapping[str, pd.Series]:
    frame = pd.DataFrame([{"group": r.group, "what": r.what, "value": r.value.estimate, "note": r.note} for r in Costs()(run, declared)])
    return {label: part.set_index("what")["value"] for label, part in frame.groupby("group")} | {"notes": frame[frame["what"] == "parameters"].set_index("group")["note"]}


def test_the_cost_table_tells_every_network_trained_or_only_built(tmp_path: Path) -> None:
    declared = study("tiwari_2022")
    found = table(written(tmp_path / "run", ("MobileNetV2", "NASNetMobile")), declared)
    assert set(found) - {"notes"} == set(PUBLISHED)
    assert found["MobileNetV2"]["training"] == 12.5 and found["MobileNetV2"]["an answer"] == 0.2
    assert "training" not in found["VGG16"] and found["VGG16"]["parameters"] > 100
    assert found["notes"]["MobileNetV2"] == "from scratch; 3 of 24 epochs" and found["notes"]["VGG16"].startswith("built, not trained")
    without = replace(declared, models={label: arm for label, arm in declared.models.items() if label != "VGG16"})
    assert len(table(Run(tmp_path / "run"), without)) == 8, "one fewer, and the notes"


def test_the_report_sets_accuracy_recall_and_cost_side_by_side(tmp_path: Path) -> None:
    from osteon.report.content import Table
    from osteon.report.facts import Facts
    from osteon.report.questions import told_of
    from osteon.report.words import Words
    from osteon.row import EvidenceRow, Question, Source

    declared, labels = study("tiwari_2022"), ("MobileNetV2", "NASNetMobile")
    run = written(tmp_path / "run", labels)
    figure = {"estimate": 0.5, "lower": 0.4, "upper": 0.6, "reason": ""}
    metrics = dict.fromkeys(("exact", "kappa_quadratic", "auc", *(f"recall_{k}" for k in range(5))), figure)
    rows = tuple(EvidenceRow(Source(declared.name, label), Question("kl", "KL 2 or more", primary=k == 0), metrics=metrics) for k, label in enumerate(labels))
    facts = Facts(run, declared, about=run.about, rows=rows, lines={}, tables={}, words=Words(True, "film", "film"))
    told = told_of(declared.analyses[0])
    assert told is not None
    words, table = told.blocks(facts, declared.analyses[0], tuple(Costs()(run, declared)))
    assert isinstance(table, Table) and len(table.columns) == 1 + 3 + 5 + 3 and [row[0] for row in table.rows] == list(labels)
    assert "it only built DenseNet201" in str(words) and "from scratch" in str(words)


def test_readers_and_networks_are_judged_on_the_same_cases(tmp_path: Path) -> None:
    run, truth = written(tmp_path / "run", ("MobileNetV2", "NASNetMobile")), np.arange(40) % 5
    cases = [f"c{k:05d}" for k in range(40)]
    for label, off in (("mobilenetv2", 4), ("nasnetmobile", 2)):
        answer = np.where(np.arange(40) % off == 0, (truth + 1) % 5, truth)
        frame = pd.DataFrame({"case": cases, "patient": cases, "site": "A", "fold": "1", "part": "test", "target": "kl", "finding": "KL 2 or more", "unit": "case", "state": "true", "score": 0.5,
                              "cut": 0.5, "withheld": "", "n.truth": truth, "n.answer": answer})
        (run.folder / "lines" / label).mkdir(parents=True)
        frame.to_csv(run.folder / "lines" / label / "1.csv", index=False)
    with pytest.raises(DataError, match="no readings"):
        list(Graders()(run, study("tiwari_2022")))
    read = [(case, "reader 1", False, "kl", "", t if k % 10 else (t + 1) % 5, 1, "") for k, (case, t) in enumerate(zip(cases, truth, strict=True)) if k < 30]
    pd.DataFrame(read, columns=["case", "reader", "aided", "target", "finding", "value", "positive", "rating"]).to_csv(run.folder / "readings.csv", index=False)
    found = {(r.what, r.group): r for r in Graders()(run, study("tiwari_2022"))}
    assert {r.n for r in found.values()} == {30} and len(found) == 6
    assert found["exact", "reader 1"].value.estimate == pytest.approx(0.9)
    assert found["exact", "MobileNetV2"].value.estimate == pytest.approx(22 / 30) and found["exact", "NASNetMobile"].value.estimate == pytest.approx(0.5)
    assert found["quadratic kappa", "reader 1"].value.estimate > found["quadratic kappa", "NASNetMobile"].value.estimate


def test_costs_grow_with_the_image_and_stay_with_the_network() -> None:
    declared = study("tiwari_2022")
    few = {"MobileNetV2": declared.models["MobileNetV2"]}
    small, large = (costs(few, declared.targets, LAPTOP.with_(image_side=side))["MobileNetV2"] for side in (64, 128))
    assert small.parameters == large.parameters and 3.5 < large.macs / small.macs < 4.5


def test_a_grade_is_learnt_as_a_scale() -> None:
    """Two knees: the answer of a network that says P(at least k) becomes one probability a step."""
    import torch

    from osteon.models.families import family_of
    from osteon.value import Grade

    family = family_of(study("tiwari_2022").targets["kl"])
    assert family.outputs == 4

    class Fixed(torch.nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return torch.tensor([[3.0, 2.0, -2.0, -3.0], [-3.0, -2.0, -4.0, -5.0]])

    images = torch.zeros(2, 1, 32, 32)
    first, second = (family.answer([out], None) for out in family.outputs_of(Fixed(), images))  # type: ignore[arg-type]
    assert isinstance(first, Grade) and isinstance(second, Grade) and (first.step, second.step) == (2, 0)
    assert sum(first.probabilities) == pytest.approx(1) and min(second.probabilities) >= 0
    right, wrong = (float(family.loss(Fixed(), images, images, torch.tensor([[a], [b]]))) for a, b in ((2.0, 0.0), (0.0, 4.0)))
    assert right < 0.2 < wrong
    assert family.numbers(Grade(3), type("Seen", (), {"windows": [0, 0]})()) == [np.array([3.0])] * 2  # type: ignore[arg-type]


def test_the_small_nasnet_answers_images_of_any_size_and_is_published_from_a_quarter_up() -> None:
    import torch

    from osteon.networks import build

    with torch.random.fork_rng():
        toy = build("nasnet_mobile", channels=1, outputs=4, width=0.125, image_size=(64, 96)).eval()
    with torch.inference_mode():
        assert toy(torch.zeros(2, 1, 64, 96)).shape == (2, 4)
    whole, quarter = (cost_of(Blueprint("nasnet_mobile", 1, 4, width, (64, 64))).parameters for width in (1.0, 0.25))
    assert whole == quarter > 10 * sum(p.numel() for p in toy.parameters())

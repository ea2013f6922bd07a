"""What every labelled image simulator keeps: shortcuts tell no label beyond the bound of its card, shuffled labels tell nothing, a small network is neither blind nor perfect."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pandas as pd
import pytest

from osteon.simulate import (
    ankle,
    bone_lesion,
    bone_microct,
    cartilage_histology,
    cervical,
    endoscopy,
    graf_ultrasound,
    hip_ap,
    knee_ap,
    knee_arthroplasty,
    knee_mri,
    lumbar_mri,
    shoulder,
    shoulder_mri,
    spine_ct,
)
from osteon.simulate.ankle import ankle_exam
from osteon.simulate.bone_lesion import bone_lesion as lesion_mri
from osteon.simulate.bone_microct import bone_slice
from osteon.simulate.card import Card
from osteon.simulate.cartilage_histology import section
from osteon.simulate.cervical import cervical_film
from osteon.simulate.endoscopy import STATES, STRIDE, operation
from osteon.simulate.endoscopy_frame import Stage
from osteon.simulate.graf_ultrasound import hip_scan
from osteon.simulate.hip_ap import hip_film
from osteon.simulate.knee_ap import knee_film
from osteon.simulate.knee_arthroplasty import implant_film
from osteon.simulate.knee_menisci import CLASSES
from osteon.simulate.knee_mri import SLOTS, pictured
from osteon.simulate.knee_mri_asking import Asking, streams
from osteon.simulate.knee_mri_patient import examined
from osteon.simulate.lumbar_mri import lumbar_slice
from osteon.simulate.lumbar_mri_patient import PFIRRMANN
from osteon.simulate.probes import BOUND, PROBES, Sample, broken, probe, random_features, shuffled, told
from osteon.simulate.shoulder import shoulder_exam
from osteon.simulate.shoulder_mri import pictured as shoulder_pictured
from osteon.simulate.shoulder_mri_asking import Asking as Asked
from osteon.simulate.shoulder_mri_asking import streams as shoulder_streams
from osteon.simulate.shoulder_mri_patient import examined as shoulder_examined
from osteon.simulate.shoulder_mri_tendon import TORN
from osteon.simulate.spine_ct import spine_volume


@dataclass(frozen=True)
class Labelled:
    """A simulator with a finding: its card, and (cases, seed, confounded) -> sample of small films."""

    card: Card
    draw: Callable[[int, int, bool], Sample]


def knees(cases: int, seed: int, confounded: bool) -> Sample:
    """Grade 2 or more on films of 64 x 64 pixels."""
    films = [knee_film((seed, k), pixel_mm=2.6, confounded=confounded) for k in range(cases)]
    table = pd.DataFrame([{k: v for k, v in f.attributes.items() if k != "site"} | {"side": f.side} for f in films])
    return Sample(np.array([f.stored for f in films]), np.array([f.grade >= 2 for f in films]), np.arange(cases), table=table)


def hips(cases: int, seed: int, confounded: bool) -> Sample:
    """A loose implant on films of 128 x 128 pixels."""
    films = [hip_film((seed, k), pixel_mm=1.72, confounded=confounded) for k in range(cases)]
    table = pd.DataFrame([{k: v for k, v in f.attributes.items() if k != "site"} | {"side": f.side} for f in films])
    return Sample(np.array([f.stored for f in films]), np.array([f.loose for f in films]), np.arange(cases), table=table)


def necks(cases: int, seed: int, confounded: bool) -> Sample:
    """Degeneration by rule on films of 128 x 128 pixels."""
    films = [cervical_film((seed, k), pixel_mm=1.6, confounded=confounded) for k in range(cases)]
    table = pd.DataFrame([{k: v for k, v in f.attributes.items() if k not in ("site", "ossification")} for f in films])
    return Sample(np.array([f.stored for f in films]), np.array([f.findings["degenerative"] for f in films]), np.arange(cases), table=table)


def trays(cases: int, seed: int, confounded: bool) -> Sample:
    """A loose tray of a total replacement on films of 128 x 128 pixels."""
    films = [implant_film((seed, k), pixel_mm=1.3, confounded=confounded) for k in range(cases)]
    table = pd.DataFrame([{k: v for k, v in f.attributes.items() if k != "site"} | {"side": f.side, "design": f.truth.findings["design"]} for f in films])
    return Sample(np.array([f.stored for f in films]), np.array([f.loose for f in films]), np.arange(cases), table=table)


def menisci(cases: int, seed: int, confounded: bool) -> Sample:
    """A torn meniscus in a slice through the worse one, 53 mm about the joint in 64 x 64 pixels."""
    states = np.random.default_rng([seed, 41]).permutation(np.resize([2, 1, 2, 0], cases))
    made = []
    for k, state in enumerate(states):
        asked = Asking(protocol="PDFS", matrix=192, state=CLASSES[state], confounded=confounded)
        shared, own = streams((seed, k), None)
        knee = examined(shared, asked)
        worse = max(knee.scene.lesions, key=lambda side: CLASSES.index(knee.scene.lesions[side].state))
        made.append(pictured(knee, asked, float(own[0].uniform(*SLOTS[1 if worse == "medial" else 2])), *own))
    table = pd.DataFrame([{k: v for k, v in s.attributes.items() if k not in ("site", "tear") and "meniscus" not in k} for s in made])
    return Sample(np.array([s.stored[68:132, 59:123] for s in made]), np.array([s.state == "torn" for s in made]), np.arange(cases), table=table)


def lumbar_discs(cases: int, seed: int, confounded: bool) -> Sample:
    """Grade IV or V of the disc L4/5, the others below it, 146 mm about the lower spine in 50 x 50 pixels."""
    rng = np.random.default_rng([seed, 43])
    latent = rng.uniform(0.10, 0.58, (cases, 5))
    latent[:, 3] = rng.permutation(np.linspace(0.34, 0.86, cases))
    worn = latent[:, 3] >= PFIRRMANN[2]
    made = [lumbar_slice((seed, k), matrix=96, degenerated=dict(zip(("L1", "L2", "L3", "L4", "L5"), row.tolist(), strict=True)), confounded=confounded) for k, row in enumerate(latent)]
    table = pd.DataFrame([{k: v for k, v in s.attributes.items() if k != "site" and not k.startswith(("pfirrmann", "modic"))} for s in made])
    return Sample(np.array([s.stored[38:88, 24:74] for s in made]), worn, np.arange(cases), table=table)


def infant_hips(cases: int, seed: int, confounded: bool) -> Sample:
    """A dysplastic hip on pictures of 64 x 64 pixels."""
    made = [hip_scan((seed, 2, k), side=128, confounded=confounded) for k in range(cases)]
    table = pd.DataFrame([{k: v for k, v in s.attributes.items() if k != "site"} for s in made])
    films = np.array([s.stored for s in made], np.float32).reshape(cases, 64, 2, 64, 2).mean(axis=(2, 4))
    return Sample(films, np.array([s.dysplastic for s in made]), np.arange(cases), table=table)


def ankles(cases: int, seed: int, confounded: bool) -> Sample:
    """A broken malleolus on mortise and lateral films, side by side, of 128 x 128 pixels each."""
    exams = [ankle_exam((seed, k), views=("mortise", "lateral"), pixel_mm=1.44, confounded=confounded) for k in range(cases)]
    table = pd.DataFrame([{k: v for k, v in e.attributes.items() if k != "site"} | {"side": e.side} for e in exams])
    return Sample(np.array([np.hstack([film.stored for film in e.films.values()]) for e in exams]), np.array([e.broken for e in exams]), np.arange(cases), table=table)


def lesions(cases: int, seed: int, confounded: bool) -> Sample:
    """A malignant lesion on the T2 of one institution, 111 mm about it in 64 x 64 pixels."""
    every = (lesion_mri((seed, k), institution="A1", confounded=confounded) for k in range(2 * cases))
    made = list(islice((one for one in every if "t2" in one.sequences), cases))
    films = np.array([m.sequences["t2"].stored[40:168, 40:168].reshape(64, 2, 64, 2).mean(axis=(1, 3)) for m in made])
    table = pd.DataFrame([{k: m.attributes[k] for k in ("age", "sex", "bone", "segment", "side", "plane")} for m in made])
    return Sample(films, np.array([m.patient.malignant for m in made]), np.arange(len(made)), table=table)


def tendons(cases: int, seed: int, confounded: bool) -> Sample:
    """A torn supraspinatus tendon in the slice through the middle of what is wrong, 63 mm about the head in 72 x 72 pixels."""
    degrees = np.random.default_rng([seed, 43]).permutation(np.resize(["normal", TORN[0], "tendinosis", TORN[1], "normal", TORN[2]], cases))
    made = []
    for k, degree in enumerate(degrees):
        asked, rngs = Asked(matrix=160, degree=str(degree), confounded=confounded), shoulder_streams((seed, k))
        shoulder = shoulder_examined(rngs, asked)
        made.append(shoulder_pictured(shoulder, asked, (shoulder.scene.tear.ahead,), *rngs[2:]))
    table = pd.DataFrame([{k: v for k, v in m.attributes.items() if k != "site"} for m in made])
    return Sample(np.array([m.slices[0].stored[18:90, 44:116] for m in made]), np.isin(degrees, TORN), np.arange(cases), table=table)


def spines(cases: int, seed: int, confounded: bool) -> Sample:
    """A malignant fracture in axial slabs through the body, 64 x 64 voxels of 2 mm."""
    made = [spine_volume((seed, k), points=64, confounded=confounded) for k in range(cases)]
    table = pd.DataFrame([{k: v for k, v in s.attributes.items() if k not in ("site", "contrast")} for s in made])
    middle = [round(float(s.box[[0, 3]].mean())) for s in made]
    films = np.array([np.clip(s.stored[z - 1: z + 2].mean(axis=0), -200, 900) for s, z in zip(made, middle, strict=True)], np.float32)
    return Sample(films, np.array([s.broken.cause == "malignant" for s in made]), np.arange(cases), table=table)


def cartilages(cases: int, seed: int, confounded: bool) -> Sample:
    """Fibrillation of grade 2 or more on sections of 64 x 64 pixels in grey."""
    made = [section((seed, k), side=128, pixel_um=5.0, confounded=confounded) for k in range(cases)]
    films = np.array([s.stored.mean(axis=-1) for s in made], np.float32).reshape(cases, 64, 2, 64, 2).mean(axis=(2, 4))
    return Sample(films, np.array([s.grade >= 2 for s in made]), np.arange(cases), table=pd.DataFrame([{"stain": s.attributes["stain"]} for s in made]))


def bones(cases: int, seed: int, confounded: bool) -> Sample:
    """Failed cortical bone on slices of 96 x 96 pixels, a specimen each."""
    made = [bone_slice((seed, k), tissue="cortical", points=96, confounded=confounded) for k in range(cases)]
    table = pd.DataFrame([{"at_um": s.attributes["at_um"]} for s in made])
    return Sample(np.array([s.stored for s in made], np.float32), np.array([s.state == "failed" for s in made]), np.arange(cases), table=table)


def tips(cases: int, seed: int, confounded: bool) -> Sample:
    """A tip that shows, in every second of six frames of a video, on grey frames of 67 x 90 pixels; in the others it is buried, clouded or withdrawn."""
    films, table, shows = [], [], np.arange(cases) % 2 == 0
    hidden = np.random.default_rng([seed, 43]).choice(STATES[1:], cases)
    for video in range(-(-cases // 6)):
        made, rows = operation((seed, video), confounded=confounded, second=False), range(6 * video, min(6 * video + 6, cases))
        stage = Stage.of(made)
        seen = [stage.shot(STRIDE * (k % 6), STATES[0] if shows[k] else str(hidden[k])).picture for k in rows]
        films += [picture[1:269].mean(axis=-1).reshape(67, 4, 90, 4).mean(axis=(1, 3)) for picture in seen]
        table += [{"instrument": made.tools[0].kind, "opened": made.anatomy[0], "blood": made.fluid.blood, "haze": made.fluid.haze} for _ in rows]
    return Sample(np.array(films), shows, np.arange(cases) // 6, table=pd.DataFrame(table))


def shoulders(cases: int, seed: int, confounded: bool) -> Sample:
    """A broken bone on AP and true AP films, side by side, of 80 x 80 pixels each."""
    exams = [shoulder_exam((seed, k), views=("ap", "grashey"), pixel_mm=2.88, confounded=confounded) for k in range(cases)]
    table = pd.DataFrame([{k: v for k, v in e.attributes.items() if k != "site"} | {"side": e.side} for e in exams])
    return Sample(np.array([np.hstack([film.stored for film in e.films]) for e in exams]), np.array([e.broken for e in exams]), np.arange(cases), table=table)


LABELLED: Mapping[str, Labelled] = {
    "knee_ap": Labelled(knee_ap.CARD, knees), "hip_ap": Labelled(hip_ap.CARD, hips), "knee_arthroplasty": Labelled(knee_arthroplasty.CARD, trays), "ankle": Labelled(ankle.CARD, ankles),
    "shoulder": Labelled(shoulder.CARD, shoulders), "cervical": Labelled(cervical.CARD, necks), "knee_mri": Labelled(knee_mri.CARD, menisci), "lumbar_mri": Labelled(lumbar_mri.CARD, lumbar_discs),
    "shoulder_mri": Labelled(shoulder_mri.CARD, tendons), "bone_lesion": Labelled(bone_lesion.CARD, lesions), "spine_ct": Labelled(spine_ct.CARD, spines), "bone_microct": Labelled(bone_microct.CARD, bones),
    "graf_ultrasound": Labelled(graf_ultrasound.CARD, infant_hips), "cartilage_histology": Labelled(cartilage_histology.CARD, cartilages), "endoscopy": Labelled(endoscopy.CARD, tips)}
DEAR = ("ankle", "bone_lesion", "knee_arthroplasty", "knee_mri", "lumbar_mri", "spine_ct")  # films that cost most; that their shortcut shows is tested beside each of them, the points of the probes with the long tests
every = pytest.mark.parametrize("made", LABELLED.values(), ids=LABELLED)


@every
def test_the_card_gives_a_reason_for_every_wider_bound(made: Labelled) -> None:
    assert {name for name, _, _ in made.card.bounds} <= set(PROBES)
    assert all(BOUND < bound < 0.95 and len(reason.split()) > 6 for _, bound, reason in made.card.bounds)
    assert "0.5" in " ".join(made.card.probes), "the card says what the probes found"


@pytest.mark.parametrize("made", [pytest.param(made, id=name, marks=[pytest.mark.verify] if name in DEAR else []) for name, made in LABELLED.items()])
def test_a_planted_shortcut_is_caught_and_the_clean_films_hold_none(made: Labelled) -> None:
    """A few films: the points of the probes, not their limits; in full below."""
    clean, planted = (made.draw(48, 5, confounded) for confounded in (False, True))
    found, caught = ({name: v.estimate for name, v in probe(sample).items()} for sample in (clean, planted))
    assert max(caught["statistics"], caught["corner"]) > 0.8
    assert found["corner"] < 0.75 and found["metadata"] < 0.75 and found["statistics"] < 0.78
    assert broken(probe(planted), made.card), "the planted shortcut breaks the bounds"


@pytest.mark.verify
@every
def test_no_probe_tells_more_than_its_bound(made: Labelled) -> None:
    sample = made.draw(600, 17, False)
    assert not broken(probe(sample), made.card)


@pytest.mark.verify
@every
def test_shuffled_labels_give_chance(made: Labelled) -> None:
    """Twenty permutations for the features of an untrained network, three for a small one that is trained."""
    sample = made.draw(300, 23, False)
    found, band = shuffled(random_features(sample.films), sample.finding, permutations=20)
    assert len(found) == 20 and abs(found.mean() - 0.5) < band
    rng = np.random.default_rng(1)
    trained = [small_network(sample, rng.permutation(sample.finding), seed=k) for k in range(3)]
    assert abs(np.mean(trained) - 0.5) < 0.1


@pytest.mark.verify
@every
def test_a_small_network_is_neither_blind_nor_perfect(made: Labelled) -> None:
    sample = made.draw(900, 29, False)
    found = small_network(sample, sample.finding, seed=0)
    assert 0.75 <= found <= 0.97
    assert found > told(random_features(sample.films), sample.finding, sample.patients).estimate


def small_network(sample: Sample, labels: np.ndarray, *, seed: int, epochs: int = 12) -> float:
    """The AUC of four convolutions trained on two thirds of the films, on the last third."""
    import torch
    from torch import nn

    from osteon.stats.roc import auc

    torch.manual_seed(seed)
    films = torch.from_numpy(sample.films.astype(np.float32))[:, None]
    films = (films - films.mean(dim=(2, 3), keepdim=True)) / films.std(dim=(2, 3), keepdim=True)
    truth, cut = torch.from_numpy(labels.astype(np.float32)), 2 * len(films) // 3
    layers: list[nn.Module] = []
    for entering, leaving in ((1, 16), (16, 32), (32, 64), (64, 64)):
        layers += [nn.Conv2d(entering, leaving, 3, padding=1), nn.BatchNorm2d(leaving), nn.ReLU(), nn.MaxPool2d(2)]
    network = nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.3), nn.LazyLinear(1))
    network(films[:2])
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=0.02)
    for _ in range(epochs):
        for rows in torch.randperm(cut).split(32):
            shift = [int(s) for s in torch.randint(-2, 3, (2,))]
            loss = nn.functional.binary_cross_entropy_with_logits(network(films[rows].roll(shift, (2, 3)))[:, 0], truth[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    network.eval()
    with torch.inference_mode():
        return float(auc(labels[cut:], network(films[cut:])[:, 0].numpy()))

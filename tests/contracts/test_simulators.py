"""What every labelled image simulator keeps: shortcuts tell no label beyond the bound of its card, shuffled labels tell nothing, a small network is neither blind nor perfect."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from osteon.simulate import hip_ap, knee_ap, knee_mri
from osteon.simulate.card import Card
from osteon.simulate.hip_ap import hip_film
from osteon.simulate.knee_ap import knee_film
from osteon.simulate.knee_menisci import CLASSES
from osteon.simulate.knee_mri import SLOTS, pictured
from osteon.simulate.knee_mri_asking import Asking, streams
from osteon.simulate.knee_mri_patient import examined
from osteon.simulate.probes import BOUND, PROBES, Sample, broken, probe, random_features, shuffled, told


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


LABELLED: Mapping[str, Labelled] = {"knee_ap": Labelled(knee_ap.CARD, knees), "hip_ap": Labelled(hip_ap.CARD, hips), "knee_mri": Labelled(knee_mri.CARD, menisci)}
every = pytest.mark.parametrize("made", LABELLED.values(), ids=LABELLED)


@every
def test_the_card_gives_a_reason_for_every_wider_bound(made: Labelled) -> None:
    assert {name for name, _, _ in made.card.bounds} <= set(PROBES)
    assert all(BOUND < bound < 0.95 and len(reason.split()) > 6 for _, bound, reason in made.card.bounds)
    assert "0.5" in " ".join(made.card.probes), "the card says what the probes found"


@every
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

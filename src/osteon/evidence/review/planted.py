"""Sets of made-up records whose relevance is planted: they verify the software and say nothing about the literature."""

from __future__ import annotations

import numpy as np

from osteon.evidence.review.simulation import LabelledSet, labelled

WORDS, TOPIC, TOPICS = 4000, 60, 8  # words of the language, of one topic, and topics of irrelevant records


def planted_set(seed: int) -> LabelledSet:
    """A set of 200 to 800 records, 2 to 20 % relevant: words by Zipf's law, and in each record a share from the words of its topic.

    The seed draws how large that share is and how many relevant records hide it: those are told from others by few words, as late finds are.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, 20260]))
    count = int(rng.integers(200, 801))
    labels = np.zeros(count, np.int8)
    labels[rng.permutation(count)[: max(2, round(count * rng.uniform(0.02, 0.2)))]] = 1
    share, hidden = rng.uniform(0.02, 0.2), rng.uniform(0, 0.5)
    topics = rng.permutation(np.arange(50, WORDS))[: TOPIC * (TOPICS + 1)].reshape(TOPICS + 1, TOPIC)
    chance = 1 / np.arange(1, WORDS + 1)
    texts = []
    for label in labels:
        length = int(rng.integers(60, 160))
        words = rng.choice(WORDS, length, p=chance / chance.sum())
        own = share * (rng.uniform(0, 0.5) if label and rng.random() < hidden else 1.0)
        topical = rng.random(length) < own
        words[topical] = rng.choice(topics[0 if label else rng.integers(1, TOPICS + 1)], int(topical.sum()))
        texts.append(" ".join(f"w{w}" for w in words))
    return labelled(f"simulated {seed}", texts, labels)

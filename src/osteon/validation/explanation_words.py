"""Which words of a note an answer rests on: each is covered in turn, and what the answer loses is its effect (occlusion: Li J, Monroe W, Jurafsky D. arXiv:1612.08220).

It needs no gradient, so that a network, an estimator and a rule are asked alike. Whether it means anything is checked as of a map on a picture: weights shuffled,
words covered in its order against orders by chance, and the place of the note that is known to speak of the finding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from osteon.case import Case
from osteon.cohort import Cohort
from osteon.errors import DataError, message
from osteon.models import Net
from osteon.models.words import places
from osteon.targets import Target
from osteon.validation.explanation_checks import COVERED, ROUNDS, Faithful, Sanity, likeness, mean, shuffled
from osteon.value import Withheld

COVER = "qqqq"  # no word: a network knows it for an unknown one, a bag of words and a rule for none
MOST = 250  # words of a note that are covered one by one; of a longer one several at a time


@dataclass(frozen=True, eq=False)
class Worded:
    """A note, its words with their places, the effect (n,) of each on the probability of a finding (above 0: it speaks for it), and that probability."""

    note: str
    words: tuple[tuple[str, int, int], ...]
    effects: np.ndarray = field(kw_only=True)
    probability: float = field(kw_only=True)

    def inside(self, begin: int, end: int) -> bool:
        """Whether the word of the largest effect lies in a part of the note."""
        _, first, last = self.words[int(np.abs(self.effects).argmax())]
        return begin <= first and last <= end


@dataclass(frozen=True)
class Question:
    """What is asked of a note: its name among the inputs, the target by its name, and the finding."""

    note: str
    name: str
    target: Target = field(kw_only=True)
    finding: str = field(kw_only=True)

    def scores(self, model: Any, case: Case, texts: Sequence[str], origin: str) -> np.ndarray:
        """The score of the finding (n,) as the case's note is replaced by each text; nan where no answer is given."""
        cases = [replace(case, id=str(k), inputs=case.with_inputs(**{self.note: text}).inputs) for k, text in enumerate(texts)]
        given = (answer[self.name] for answer in model.predict(Cohort("covered notes", origin, cases=cases)))
        return np.array([np.nan if isinstance(value, Withheld) else self.target.score(value, self.finding) for value in given])


def worded(model: Any, case: Case, question: Question, origin: str) -> Worded:
    """The effects of the words of a case's note. Raises DataError where the case has no note with a word, or the model gives no answer."""
    note: Any = case.inputs.get(question.note)
    words = tuple(places(note)) if isinstance(note, str) else ()
    if not words:
        raise DataError(message(f"case {case.id}", "it can not be explained", found=f"It has no {question.note} with a word"))
    together = -(-len(words) // MOST)
    groups = [list(range(k, min(k + together, len(words)))) for k in range(0, len(words), together)]
    scores = question.scores(model, case, [note, *(covered(note, words, group) for group in groups)], origin)
    if np.isnan(scores[0]):
        raise DataError(message(f"case {case.id}", "it can not be explained", found="The model gives no answer"))
    lost = np.nan_to_num(scores[0] - scores[1:])
    return Worded(note, words, effects=np.concatenate([np.full(len(group), change / len(group)) for group, change in zip(groups, lost, strict=True)]), probability=float(scores[0]))


def covered(note: str, words: Sequence[tuple[str, int, int]], which: Sequence[int]) -> str:
    """A note in which some words are covered."""
    out, at = [], 0
    for k in sorted(which):
        _, begin, end = words[k]
        out += [note[at:begin], COVER]
        at = end
    return "".join((*out, note[at:]))


def weights_check(net: Net, case: Case, found: Worded, question: Question, *, origin: str, seed: int, rounds: int = ROUNDS) -> Sanity:
    """The effects beside those of the same network with the weights of every layer shuffled."""
    assert net.fitted is not None
    fitted, likely = net.fitted, []
    for k in range(rounds):
        *_, blind = shuffled(fitted.network, seed + k, 1)
        other = worded(replace(net, fitted=replace(fitted, network=blind)), case, question, origin)
        likely.append(likeness(found.effects, other.effects))
    return Sanity("weights", mean(likely), rounds)


def faithful(model: Any, case: Case, found: Worded, question: Question, *, origin: str, seed: int) -> Faithful:
    """The strength of the answer while words are covered (deletion) or shown among covered ones (insertion), the most telling first, beside the same by chance."""
    rng, sign = np.random.default_rng(seed), 1 if found.probability >= 0.5 else -1
    orders = [np.argsort(-sign * found.effects, kind="stable"), rng.permutation(len(found.words))]
    shares = np.linspace(0, 1, COVERED + 1)
    curves = []
    for order in orders:
        cuts = [int(round(share * len(order))) for share in shares]
        texts = [covered(found.note, found.words, order[:cut].tolist()) for cut in cuts] + [covered(found.note, found.words, order[cut:].tolist()) for cut in cuts]
        scores = question.scores(model, case, texts, origin)
        strength = scores if sign > 0 else 1 - scores
        curves.append(Faithful(shares, deletion=strength[:len(cuts)], insertion=strength[len(cuts):], by_chance=(0.0, 0.0)))
    return replace(curves[0], by_chance=curves[1].areas)


def pooled(found: Sequence[Worded], patients: Sequence[str], *, fewest: int) -> list[Mapping[str, Any]]:
    """Each word that the notes of several patients hold, with its mean effect over notes (several places of one note count once), the strongest first."""
    seen: dict[str, dict[int, list[float]]] = {}
    for k, one in enumerate(found):
        for (word, _, _), effect in zip(one.words, one.effects.tolist(), strict=True):
            seen.setdefault(word, {}).setdefault(k, []).append(effect)
    shared = {word: at for word, at in seen.items() if len({patients[k] for k in at}) >= fewest}
    rows = [{"word": word, "notes": len(at), "effect": float(np.mean([np.mean(e) for e in at.values()]))} for word, at in shared.items()]
    return sorted(rows, key=lambda row: -abs(float(row["effect"])))  # type: ignore[arg-type]

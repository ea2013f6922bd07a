"""Clinical notes after hip replacement from a grammar: what a note says of each finding is known, and words alone do not tell it.

A note speaks of four findings, each present, negated, uncertain, historical, hypothetical or of the family. In most notes the four
assertions are the same whatever is true, so that only their binding to the findings carries the label and a bag of words can not
have it. Assertions after Harkema H et al. J Biomed Inform 2009; 42: 839 (ConText); present, and only that, is positive.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from osteon.simulate import table_cohort
from osteon.simulate.card import Card
from osteon.simulate.notes_grammar import (
    ASSERTIONS,
    CODES,
    COPIED,
    COPY_END,
    FAMILIES,
    FILLERS,
    FINDINGS,
    FRAMES,
    GENRES,
    HEADINGS,
    IMPLANT,
    RELATIVES,
    SHORTER,
)
from osteon.simulate.table_cohort import Columns, Words

if TYPE_CHECKING:
    import pandas as pd

    from osteon.cohort import Cohort

CARD = Card(
    "hip notes", "1.0",
    use="checks that text classifiers bind assertions to findings; teaching of negation, history, copied text and held-out authors",
    modelled=("radiology reports, operative notes and telephone notes, up to three of one patient, in this order",
              "six findings after hip replacement, four a note, each with one of six assertions in the words of the genre",
              "eight families of authors with frames of their own: five to train, one to tune, two to test (`part`)",
              "text copied forward from the note before, which states what was and not what is", "abbreviations, typing errors, sentences that say nothing of the findings",
              "codes after ICD-10-CM that miss true events and keep old ones (`codes`, and what a look-up says of them)",
              "site B: fewer dislocations, more abbreviations and errors, poorer codes",
              "confounded: notes with a dislocation carry another heading, a shortcut to be found"),
    absent=("a coherent course: what one note says does not follow from the one before, copied text apart", "tables, measurements beside findings, pasted laboratory values",
            "two assertions of one finding in a note, references across sentences", "grammar errors of dictation, other languages", "reviewers who disagree: the truth is exact"),
    sources=("the six assertions: Harkema 2009; codes: ICD-10-CM, public domain", "accuracy of codes near 75 %: Borjali 2021, abstract", "wording, shares and error rates: ours"),
    probes=("exchanging two assertions of a note leaves its words as they were",
            "6,000 notes at difficulty 0.5, learnt on five families, tested on two: bag of words AUC 0.51, of words and pairs of words 0.57, a rule that binds cues sentence by sentence 0.98",
            "3,000 notes at difficulty 0.5, a narrow text CNN: AUC 0.98 on families that it learnt from, 0.64 on others",
            "length, lines, sentences, day, genre, family and place of 3,000 notes, logistic probe: 0.52 (0.49-0.54)"),
)
SLOTS = 4
PARTS = (0, 0, 0, 0, 0, 1, 2, 2)  # of the families: train, tune, test
NOTES = tuple(FINDINGS)
YES_NO = ("no", "yes")


class Site(NamedTuple):
    """Share of notes with a dislocation, factor on abbreviations and errors, share of true events and of others that are coded (and of old ones)."""

    present: float
    rough: float
    coded: float
    stale: float
    old: float


SITES = {"A": Site(0.30, 1.0, 0.66, 0.12, 0.45), "B": Site(0.20, 1.6, 0.5, 0.12, 0.5)}


class Plan(NamedTuple):
    """What the notes of a block say: findings (n, 4) with dislocation first, assertions (n, 4), and the family of the author (n,)."""

    findings: np.ndarray
    said: np.ndarray
    family: np.ndarray


def hip_notes(folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, confounded: bool = False) -> Cohort:
    """A cohort folder of `cases` notes: `note` as text, `dislocation` yes or no, what is said of each finding, `part`, `codes`.

    Raises DataError for an impossible call before any file is written.
    """
    return table_cohort.make(TABLE, Path(folder), {"cases": cases, "seed": seed, "site": site, "difficulty": difficulty, "confounded": confounded})


def notes(cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, confounded: bool = False) -> pd.DataFrame:
    """The rows of `hip_notes` as a table in memory."""
    return table_cohort.frame(TABLE, {"cases": cases, "seed": seed, "site": site, "difficulty": difficulty, "confounded": confounded})


def columns(call: Mapping[str, Any], block: int, rows: int, *, exchanged: bool = False) -> Columns:
    """One block of notes; `exchanged` gives each note with the assertions of its first two findings exchanged and all else as it was."""
    site = SITES[call["site"]]
    people, label, style, errors = (np.random.default_rng(s) for s in np.random.SeedSequence([call["seed"], ord(call["site"]), block]).spawn(4))
    plan = _plan(rows, site.present, 0.4 + 0.6 * call["difficulty"], people, label)
    codes = _codes(plan, site, errors)
    if exchanged:
        plan = plan._replace(said=plan.said[:, [1, 0, 2, 3]])
    first = block * BLOCK // len(GENRES) + 1
    day = np.cumsum(style.integers(1, 60, (-(-rows // 3), 3)), axis=1).ravel()[:rows]
    heading = np.where(plan.said[:, 0] == 0, 0, 1 + plan.family % 3) if call["confounded"] else plan.family % 4
    written = list(_written(plan, day, heading, site.rough, call["difficulty"], style, errors))
    place = np.arange(rows) % len(GENRES)
    return {"patient_id": np.repeat(table_cohort.ids("s", first, -(-rows // 3)), 3)[:rows], "part": Words(np.array(PARTS)[plan.family], ("train", "tune", "test")), "genre": Words(place, GENRES),
            "family": Words(plan.family, tuple(f"F{k}" for k in range(1, FAMILIES + 1))), "day": day,
            "note": np.array([text for text, _, _ in written], object), **_labels(plan),
            "said_begin": np.array([begin for _, begin, _ in written]), "said_end": np.array([end for _, _, end in written]), **codes}


def _plan(n: int, present: float, balanced: float, people: np.random.Generator, label: np.random.Generator) -> Plan:
    """Who writes of what, and how; a balanced note holds present once and three others, wherever they stand."""
    family = np.repeat(people.integers(0, FAMILIES, -(-n // 3)), 3)[:n]
    others = 1 + label.random((n, len(FINDINGS) - 1)).argsort(axis=1)[:, : SLOTS - 1]
    positive, even = label.random(n) < present, label.random(n) < balanced
    rest = 1 + label.random((n, len(ASSERTIONS) - 1)).argsort(axis=1)
    free = np.where(label.random((n, SLOTS - 1)) < present, 0, label.integers(1, len(ASSERTIONS), (n, SLOTS - 1)))
    where = label.integers(0, SLOTS - 1, n)
    elsewhere = np.where(np.arange(SLOTS - 1) == where[:, None], 0, rest[:, 1:SLOTS])
    same = np.where(positive[:, None], rest[:, :SLOTS - 1], elsewhere)
    said = np.column_stack([np.where(positive, 0, rest[:, 0]), np.where(even[:, None], same, free)])
    return Plan(np.column_stack([np.zeros(n, int), others]), said, family)


def _labels(plan: Plan) -> dict[str, Words]:
    """For each finding yes or no, and what is said of it (empty where nothing is)."""
    out: dict[str, Words] = {}
    for k, name in enumerate(FINDINGS):
        mentioned = plan.findings == k
        said = np.where(mentioned.any(axis=1), (plan.said * mentioned).sum(axis=1), -1)
        out |= {name: Words((said == 0).astype(np.int8), YES_NO), f"{name}_said": Words(said, ASSERTIONS)}
    return out


def _codes(plan: Plan, site: Site, rng: np.random.Generator) -> dict[str, Any]:
    """The codes of each note, and what a look-up says of dislocation: events missed, old ones kept, some by mistake."""
    chance = np.select([plan.said == 0, plan.said == ASSERTIONS.index("historical")], [site.coded, site.old], site.stale)
    coded = rng.random(plan.said.shape) < chance
    names = np.array(list(CODES.values()), object)[plan.findings]
    text = np.array(["; ".join([IMPLANT, *(c for c, k in zip(row, kept, strict=True) if k)]) for row, kept in zip(names.tolist(), coded.tolist(), strict=True)], object)
    return {"codes": text, "code_lookup": Words(coded[:, 0].astype(np.int8), YES_NO)}


def _written(plan: Plan, day: np.ndarray, heading: np.ndarray, rough: float, difficulty: float, style: np.random.Generator,
             errors: np.random.Generator) -> Iterator[tuple[str, int, int]]:
    """The text of each note, and where in it the sentence on dislocation begins and ends."""
    n = len(plan.family)
    order = style.random((n, SLOTS + 4)).argsort(axis=1).tolist()
    picks = (1000 * style.random((n, 16))).astype(int).tolist()
    copies, short = (style.random(n) < 0.3).tolist(), (errors.random(n) < min(0.9, (0.15 + 0.5 * difficulty) * rough)).tolist()
    slips = errors.poisson(3 * difficulty * rough, n).tolist()
    where = errors.random((n, 3 * 24)).tolist()
    rows = zip(plan.findings.tolist(), plan.said.tolist(), plan.family.tolist(), heading.tolist(), order, picks, strict=True)
    before = side = ""
    for i, (findings, said, family, head, places, pick) in enumerate(rows):
        genre = GENRES[i % len(GENRES)]
        sentences = _sentences(genre, findings, said, family, pick)
        first = sentences[0]
        body = [sentences[p] for p in places]
        if i % len(GENRES) and copies[i]:
            mark = pick[15] % len(COPIED)
            body.append("\n".join(("", COPIED[mark].format(d=int(day[i - 1])), before, COPY_END[mark])))
        before = first
        side = side if i % len(GENRES) else ("right", "left")[pick[14] % 2]
        top, middle, end = (part.format(s=side) for part in HEADINGS[genre][head])
        body = [part.replace("{s}", side) for part in body]
        at = places.index(0)
        if short[i]:
            body = [_shortened(part) for part in body]
        body = _slipped(body, where[i], min(slips[i], 24))
        lead = f"{top}\n{middle}\n"
        begin = len(lead) + sum(len(part) + 1 for part in body[:at])
        yield f"{lead}{' '.join(body)}\n{end}", begin, begin + len(body[at])


def _sentences(genre: str, findings: Sequence[int], said: Sequence[int], family: int, pick: Sequence[int]) -> list[str]:
    """One sentence a finding and four fillers; the side is filled in later, as it is the patient's."""
    out = []
    for finding, how in zip(findings, said, strict=True):
        words = FINDINGS[NOTES[finding]]
        text = FRAMES[genre, ASSERTIONS[how]][family].replace("{f}", words[pick[finding] % len(words)])
        out.append(text.replace("{y}", str(2004 + pick[6 + how] % 17)).replace("{k}", RELATIVES[pick[12] % len(RELATIVES)]))
    pool = FILLERS[genre]
    for k in range(4):
        text = pool[(pick[13] + k * (1 + pick[12] % 3)) % len(pool)]
        out.append(text.replace("{n}", str(40 + pick[k] % 15)).replace("{m}", str(1 + pick[k] % 9)).replace("{y}", str(2004 + pick[k] % 17)))
    return [text[0].upper() + text[1:] for text in out]


def _shortened(text: str) -> str:
    for long, brief in SHORTER.items():
        text = text.replace(long, brief)
    return text


def _slipped(body: list[str], where: Sequence[float], count: int) -> list[str]:
    """Sentences with some letters exchanged, lost or doubled; `where` gives three numbers a slip."""
    for k in range(count):
        u, v, w = where[3 * k: 3 * k + 3]
        i = int(u * len(body))
        text = body[i]
        at = int(v * (len(text) - 1))
        pair = text[at: at + 2]
        if pair.isalpha():
            body[i] = text[:at] + (pair[::-1] if w < 0.5 else pair[0] if w < 0.8 else pair[0] + pair) + text[at + 2:]
    return body


def _notes(call: Mapping[str, Any]) -> Mapping[str, Any]:
    """A reader who binds every assertion to its finding is always right."""
    return {"ceilings": {"dislocation": {"yes": {"auc": 1.0, "accuracy": 1.0, "kappa": 1.0}}}}


BLOCK = 30_000
TABLE = table_cohort.Table(CARD, columns, _notes, {"day": "days"}, BLOCK)

"""New referrals to a spine surgeon: an intake form of everybody, the report of an MRI of some, and a decision for surgery whose chance is known.

What drives the decision most (the worst stenosis, a slip) stands in the report only; the form holds complaints that go along with it.
Authors word their reports in their own way, and those of the test part wrote none of the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.simulate import table_cohort
from osteon.simulate.card import Card
from osteon.simulate.risk import ceilings, intercept, sigmoid, standard
from osteon.simulate.table_cohort import Columns, Words, pick

if TYPE_CHECKING:
    from osteon.cohort import Cohort

CARD = Card(
    "spine referrals", "1.0",
    use="checks that a form and a report are read together, that a missing report is borne, and that a triage table counts who would be missed",
    modelled=("a form: age, sex, region, worst complaint, leg or arm and axial pain, distance walked, duration, weakness, numbness, treatment so far, work, litigation",
              "a report of five levels with the stenosis of canal and foramina, a slip, discs and an incidental finding, in the words of one of six authors; findings of the past and denied ones stand beside",
              "a surgeon who decides by the worst stenosis, a slip, weakness and failed treatment, and by chance", "a report for a minority, more often of those with weakness",
              "authors held out (`part`)", "site B: more reports, fewer decisions for surgery", "confounded: the form of those who were operated on was scanned by another clerk, whose mark it bears"),
    absent=("the images", "notes of the surgeon", "several reports of one patient", "typing errors, other languages"),
    sources=("1,663 forms, reports of 242: Broida 2022, from memory, not verified", "wording, shares and weights: ours"),
)
LEVELS = {"lumbar": ("L1-L2", "L2-L3", "L3-L4", "L4-L5", "L5-S1"), "cervical": ("C2-C3", "C3-C4", "C4-C5", "C5-C6", "C6-C7")}
SITES = {"A": (0.15, 0.30), "B": (0.4, 0.22)}  # share with a report, share judged candidates
PARTS = (0, 0, 0, 1, 2, 2)  # of the authors: train, tune, test
GRADES = ("none", "mild", "moderate", "severe")
YES_NO = ("no", "yes")
# Of each author: a level without stenosis, one with a grade, a foramen, a slip, a disc, and the closing line.
WORDS: Sequence[Mapping[str, str]] = (
    {"none": "{l}: no significant canal stenosis.", "some": "{l}: {g} central canal stenosis.", "foramen": "{l}: {g} {s} foraminal narrowing.", "slip": "Grade {k} anterolisthesis of {l}.", "disc": "Disc bulge at {l}.", "end": "No marrow lesion."},
    {"none": "At {l} the canal is patent.", "some": "At {l} there is {g} narrowing of the canal.", "foramen": "{s} neural foramen {g}ly narrowed at {l}.", "slip": "Forward slip, {l}, Meyerding {k}.", "disc": "{l} disc protrudes.", "end": "Paraspinal muscles unremarkable."},
    {"none": "{l} unremarkable.", "some": "{l} shows {g} spinal stenosis.", "foramen": "Foraminal stenosis on the {s}, {g}, {l}.", "slip": "Spondylolisthesis {l}, grade {k}.", "disc": "Degenerated disc {l}.", "end": "No fracture."},
    {"none": "No stenosis at {l}.", "some": "Stenosis at {l} is {g}.", "foramen": "{l} {s} exit foramen: {g} stenosis.", "slip": "There is a grade {k} slip at {l}.", "disc": "Annular fissure at {l}.", "end": "Prevertebral soft tissues normal."},
    {"none": "{l}: canal preserved.", "some": "{l}: thecal sac compression, {g}.", "foramen": "{l}: {g} compromise of the {s} foramen.", "slip": "{l}: degenerative slip ({k}).", "disc": "{l}: loss of disc height.", "end": "No epidural collection."},
    {"none": "Normal canal dimensions, {l}.", "some": "{G} canal compromise is seen at {l}.", "foramen": "The {s} foramen at {l} is compromised, {g}.", "slip": "Listhesis at {l} (grade {k}).", "disc": "Desiccation of the {l} disc.", "end": "No marrow oedema."})
PAST = ("Compared with the examination of {y}, which showed severe stenosis at {l}, since decompressed.", "Clinical question: severe stenosis at {l}?", "No instability.")


def spine_referrals(folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, confounded: bool = False) -> Cohort:
    """A cohort folder of `cases` referrals: the form, `report` (text, empty for most), `surgery`, its true chance, `part`; ceilings in the notes."""
    return table_cohort.make(REFERRALS, Path(folder), table_cohort.asked(cases, seed, site, difficulty, confounded))


def draw(call: Mapping[str, Any], block: int, rows: int) -> Columns:
    """One block of referrals as columns."""
    share = SITES[call["site"]][0]
    people, label, style, nuisance = (np.random.default_rng(s) for s in np.random.SeedSequence([call["seed"], ord(call["site"]), block]).spawn(4))
    columns, spine = _patients(rows, people)
    risk = sigmoid(_centre(call["site"], call["difficulty"]) + _strength(call["difficulty"]) * _score(columns, spine))
    chosen = label.random(rows) < risk
    reported = style.random(rows) < sigmoid(np.log(share / (1 - share)) + 0.8 * (columns["weakness"].codes == 1) - 0.16)
    author = style.integers(0, len(WORDS), rows)
    text = [_report(spine, i, LEVELS[columns["region"].names[columns["region"].codes[i]]], int(author[i]), style) if reported[i] else None for i in range(rows)]
    clerk = nuisance.random(rows) < (np.where(chosen, 0.9, 0.15) if call.get("confounded") else 0.4)
    return {"part": Words(np.array(PARTS, np.int8)[author], ("train", "tune", "test")), "author": Words(np.where(reported, author, -1).astype(np.int8), tuple(f"A{k}" for k in range(1, len(WORDS) + 1))),
            **columns, "clerk": Words(clerk.astype(np.int8), ("mk", "rs")), "report": np.array(text, object), "worst_stenosis": Words(spine["canal"].max(axis=1).astype(np.int8), GRADES), "slip": spine["slip"],
            "surgery": Words(chosen.astype(np.int8), YES_NO), "true_risk": np.round(risk, 6)}


def _strength(difficulty: float) -> float:
    return 2.0 - 1.4 * difficulty


def _patients(n: int, rng: np.random.Generator) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The form of each patient, and what the spine is like: stenosis of canal and foramina (n, 5) in grades, slip (n,) in grades, level of the slip."""
    wear = rng.standard_normal(n)
    place = np.array([-0.9, -0.4, 0.1, 0.6, 0.0])
    canal = np.digitize(0.8 * wear[:, None] + place + 0.8 * rng.standard_normal((n, 5)), (0.6, 1.4, 2.1))
    foramen = np.digitize(0.6 * wear[:, None] + place + 0.9 * rng.standard_normal((n, 5)), (0.7, 1.5, 2.2))
    slip = np.where(rng.random(n) < sigmoid(-2.2 + 0.5 * wear), 1 + (rng.random(n) < 0.25), 0)
    worst = canal.max(axis=1)
    weak = rng.random(n) < sigmoid(-2.6 + 0.7 * worst)
    form = {"age": np.round(np.clip(rng.normal(57 + 5 * wear, 12, n), 18, 92)), "sex": pick(rng, n, ("female", "male"), (0.55, 0.45)), "region": pick(rng, n, ("lumbar", "cervical"), (0.7, 0.3)),
            "limb_pain": np.clip(np.round(4.5 + 0.9 * worst + 2.3 * rng.standard_normal(n)), 0, 10), "axial_pain": np.clip(np.round(6.0 + 2.2 * rng.standard_normal(n)), 0, 10),
            "walks": pick_by(rng, np.clip(0.7 * worst + rng.standard_normal(n), -2, 4), ("more than a mile", "half a mile", "a block", "less"), (0.5, 1.7, 2.7)),
            "duration_months": np.round(np.clip(rng.lognormal(2.5, 1.1, n), 0.5, 360), 1), "weakness": Words(weak.astype(np.int8), YES_NO), "numbness": Words((rng.random(n) < sigmoid(-0.6 + 0.5 * worst)).astype(np.int8), YES_NO),
            "injections": Words((rng.random(n) < 0.35).astype(np.int8), YES_NO), "therapy": Words((rng.random(n) < 0.6).astype(np.int8), YES_NO), "working": Words((rng.random(n) < 0.5).astype(np.int8), YES_NO),
            "litigation": Words((rng.random(n) < 0.06).astype(np.int8), YES_NO)}
    return form, {"canal": canal, "foramen": foramen, "slip": slip, "level": rng.integers(2, 5, n), "side": rng.integers(0, 2, n)}


def pick_by(rng: np.random.Generator, values: np.ndarray, names: tuple[str, ...], cuts: tuple[float, ...]) -> Words:
    """Words in order of rising values (n,); one answer in fifty is ticked by mistake."""
    codes = np.digitize(values, cuts)
    return Words(np.where(rng.random(len(values)) < 0.02, rng.integers(0, len(names), len(values)), codes).astype(np.int8), names)


def _score(form: Mapping[str, Any], spine: Mapping[str, np.ndarray]) -> np.ndarray:
    """Log odds of surgery before scaling: stenosis counts from moderate on, and only with pain in the limb."""
    worst = spine["canal"].max(axis=1)
    fitting = form["limb_pain"] >= 4
    return np.asarray(0.9 * (worst >= 2) * fitting + 0.9 * (worst >= 3) * fitting + 0.8 * (spine["slip"] > 0) + 1.0 * (form["weakness"].codes == 1) + 0.25 * standard(form["limb_pain"], 6, 2.5)
                      + 0.4 * (form["injections"].codes == 1) + 0.2 * (form["duration_months"] > 6) - 0.5 * (form["litigation"].codes == 1))


@cache
def _centre(site: str, difficulty: float) -> float:
    return intercept(_strength(difficulty) * _score(*_patients(40_000, np.random.default_rng(20221))), SITES[site][1])


def _report(spine: Mapping[str, np.ndarray], i: int, levels: Sequence[str], author: int, rng: np.random.Generator) -> str:
    """The report of one patient: level by level, then slip, and one sentence that says nothing of today."""
    words, said = WORDS[author], []
    for k, level in enumerate(levels):
        grade, foramen = GRADES[spine["canal"][i, k]], GRADES[spine["foramen"][i, k]]
        said.append(words["none" if grade == "none" else "some"].format(l=level, g=grade, G=grade.capitalize()))
        if foramen != "none":
            said.append(words["foramen"].format(l=level, g=foramen, s=("left", "right")[spine["side"][i]]))
        elif rng.random() < 0.25:
            said.append(words["disc"].format(l=level))
    if spine["slip"][i]:
        said.append(words["slip"].format(l=levels[spine["level"][i]], k="I" * int(spine["slip"][i])))
    if rng.random() < 0.5:
        said.insert(0 if rng.random() < 0.5 else len(said), PAST[int(rng.integers(0, len(PAST)))].format(l=levels[int(rng.integers(0, 5))], y=2005 + int(rng.integers(0, 14))))
    return " ".join(sentence[0].upper() + sentence[1:] for sentence in (*said, words["end"]))


def _notes(call: Mapping[str, Any]) -> Mapping[str, Any]:
    return ceilings(draw, call, {"true_risk": ("surgery", "yes")}, rows=20_000)


REFERRALS = table_cohort.Table(CARD, draw, _notes, {"age": "years", "duration_months": "months"}, block=20_000)

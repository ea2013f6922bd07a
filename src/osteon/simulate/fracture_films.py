"""Lateral films of the lumbar spine and the years after them: what a film shows of the strength of the bone carries part of a known hazard of fracture.

The person, the hazard and the follow-up are those of `survival`; the film is that of `lateral_lumbar`, on which a weak bone is less dense, has a thinner cortex and
vertebrae a little flattened (less than a fracture). The film shows the strength with an error, so that even who reads it perfectly and knows the record
stays below a C-index that can be computed. Streams of their own for person, outcome, what hides it, reading error, anatomy, nuisance and physics.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.simulate import film_cohort, survival
from osteon.simulate.card import Card
from osteon.simulate.lateral_lumbar import Findings, Person, findings_of, lateral_film, person_of
from osteon.simulate.spine_film import SpineFilm, check
from osteon.simulate.survival import SPREAD, seen_concordance, steepness
from osteon.simulate.table_cohort import Words

if TYPE_CHECKING:
    from osteon.cohort import Cohort

CARD = Card(
    "lumbar film and fracture", "1.0",
    use="checks that networks with a partial likelihood find in a film what a record does not tell, and that fusion of both beats either; teaching of ceilings and shortcuts",
    modelled=("the person, the Weibull hazard, death, dropping out and the end of the study of the fracture follow-up",
              "a strength of the bone that depends on the record and on more, and carries more of the hazard than in that table",
              "its traces on a lateral film: density of the spongy bone and grain of its trabeculae, thickness of the cortex, vertebrae flattened by less than 15 percent",
              "an error with which the film shows the strength, the same on every film of a person", "every fifth film is a second one of the patient before it, months later, with the follow-up that was left",
              "site B: older and heavier people, more fractures, shorter follow-up, another room", "confounded: those who will break are taken in another room, a shortcut to be found"),
    absent=("change of the bone between two films", "fractures on the first film, treatment during follow-up", "several fractures of one person, the level of the fracture", "the published FRAX coefficients: `frax` is a surrogate",
            "how density and trabeculae of real films relate to strength: size and shape of the traces are ours"),
    sources=("people and follow-up: as in the fracture follow-up; film: as in the lateral lumbar spine", "35 % of the films are followed by a fracture (B: 42 %), about five times the 7.5 % of Kong 2022, so that a few hundred films hold enough events: ours",
             "weight of the strength in the log hazard 0.9 a point, spread and error: ours, to give a ceiling near 0.7"),
    probes=("a fracture to come, 200 films of 6 mm pixels at difficulty 0.5, logistic probes, five folds, area under the curve with bootstrap interval: four grey statistics 0.57 (0.49-0.68), "
            "24-bin histogram 0.55 (0.47-0.63), 8 x 8 thumbnail 0.53 (0.46-0.61), an 8 x 8 corner 0.46 (0.37-0.54), turn, tilt and magnification 0.55 (0.45-0.63)",
            "C-index at difficulty 0.5 of who knows the hazard 0.738, film and record 0.724, the record 0.659, the film alone 0.702"),
)
SHARE = {"A": 0.35, "B": 0.42}
BONE = 0.9
MEAN = -0.26  # of the strength at site A
AGAIN = 5  # every fifth film is a second one
UNITS = {"age": "years", "bmi": "kg/m2", "frax": "%", "fracture.time": "months", "month": "months"}
KEPT = ("age", "sex", "bmi", "glucocorticoid", "secondary_osteoporosis", "frax", "outcome", "true_eta", "true_risk")


def fracture_films(folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, pixel_mm: float = 1.2, confounded: bool = False, workers: int = 2) -> Cohort:
    """A cohort folder of `cases` films: DICOM `xray`, the record, `fracture.time` in months from the film and `fracture.event`; strength, true log hazard and risk beside them.

    Raises DataError before any file is written for impossible arguments, a folder with other content, or one that was made by another call.
    """
    check(CARD.name, site, difficulty, pixel_mm)
    call = {"cases": cases, "seed": seed, "site": site, "difficulty": difficulty, "pixel_mm": pixel_mm, "confounded": confounded}
    return film_cohort.make(FILMS, Path(folder), call, workers)


def patient_of(index: int) -> int:
    """The place of the first film of whom a film shows."""
    return index - 1 if index % AGAIN == AGAIN - 1 else index


def person(call: Mapping[str, Any], index: int) -> dict[str, Any]:
    """Record, strength, follow-up and truth of the patient of a film, as `survival` draws them; `shown` is the strength that the film shows."""
    first = patient_of(index)
    drawn = survival.draw(_law(call), first, 1)
    out: dict[str, Any] = {k: v.names[int(v.codes[0])] if isinstance(v, Words) else v[0].item() for k, v in drawn.items()}
    rng = np.random.default_rng(np.random.SeedSequence([call["seed"], ord(call["site"]), first, 11]))
    return out | {"shown": out["bone_score"] + error(call["difficulty"]) * float(rng.standard_normal())}


def film_of(call: Mapping[str, Any], index: int, *, shown: float | None = None) -> SpineFilm:
    """The film; with another strength `shown` on it, the same patient in the same room in every other respect."""
    who = person(call, index)
    anatomy, film = (np.random.SeedSequence([call["seed"], ord(call["site"]), place, 13]) for place in (patient_of(index), index))
    betrays = bool(call.get("confounded")) and who["fracture.event"] == 1
    body = _body(who | ({} if shown is None else {"shown": shown}), np.random.default_rng(anatomy.spawn(5)[4]))
    return lateral_film(film, site=call["site"], difficulty=call["difficulty"], pixel_mm=call["pixel_mm"], known=lambda *_: body, betrays=betrays)


def error(difficulty: float) -> float:
    """The standard deviation of what a film shows of the strength about it."""
    return 0.2 + 0.4 * difficulty


def ceilings(call: Mapping[str, Any]) -> Mapping[str, Any]:
    """The C-index of who reads the film perfectly and knows the record, on 200,000 people of another seed."""
    return {"fracture": {"fracture": {"c_index": known_concordances(call)["film and record"]}}}


def known_concordances(call: Mapping[str, Any], people: int = 200_000) -> dict[str, float]:
    """The highest C-index, on the follow-up as it is seen, of who knows the hazard itself, film and record, the record (model 3), or the film alone."""
    drawn = survival.draw({**_law(call), "seed": call["seed"] + 1}, 0, people)
    woman, steroids = drawn["sex"].codes == 0, drawn["glucocorticoid"].codes == 1  # type: ignore[union-attr]
    eta, bone, event = np.asarray(drawn["true_eta"]), np.asarray(drawn["bone_score"]), np.asarray(drawn["fracture.event"]) == 1
    expected = survival.expected_bone(np.asarray(drawn["age"]), woman, np.asarray(drawn["bmi"]), steroids)
    slope, noise = -BONE * steepness(call["difficulty"]), error(call["difficulty"])
    shown = bone + noise * np.random.default_rng([call["seed"], 17]).standard_normal(people)
    record = eta + slope * (expected - bone)
    both = record + slope * SPREAD**2 / (SPREAD**2 + noise**2) * (shown - expected)
    ways = {"hazard": eta, "film and record": both, "record": record, "film": -shown}
    return {way: round(seen_concordance(known, np.asarray(drawn["fracture.time"]), event), 4) for way, known in ways.items()}


def write(folder: Path, call: Mapping[str, Any], index: int, name: str) -> film_cohort.Row:
    """The film of a case and its row; a second film begins its follow-up at its own month, or at once where too little was left."""
    from osteon.readers.dicom import write_radiograph

    who, film, patient = person(call, index), film_of(call, index), film_cohort.pseudonym(call, patient_of(index))
    said = {"spacing_kind": "calibrated", "magnification": film.attributes["magnification"], "patient_id": patient, "view_position": "LL", "body_part": "LSPINE", "model": f"{CARD.name} {CARD.version}"}
    xray = write_radiograph(folder / "xray" / f"{name}.dcm", film.stored, spacing=film.spacing, notes=said, simulated=True)
    month = _month(call, index, who["fracture.time"])
    return film_cohort.relative(folder, {"xray": xray}) | {"patient_id": patient} | {k: who[k] for k in KEPT} | {
        "true_strength": who["bone_score"], "true_shown": round(who["shown"], 4), "month": month, "fracture.time": round(who["fracture.time"] - month, 1), "fracture.event": who["fracture.event"]}


def _law(call: Mapping[str, Any]) -> dict[str, Any]:
    """The call as `survival` reads it."""
    return {"seed": call["seed"], "site": call["site"], "difficulty": call["difficulty"], "dependence": 0.0, "share": SHARE[call["site"]], "bone": BONE}


def _month(call: Mapping[str, Any], index: int, time: float) -> float:
    if patient_of(index) == index:
        return 0.0
    month = round(float(np.random.default_rng([call["seed"], ord(call["site"]), index, 19]).uniform(6, 12)), 1)
    return month if time > month + 0.5 else 0.0


def _body(who: Mapping[str, Any], rng: np.random.Generator) -> tuple[Person, Findings]:
    """Who is seen and what is wrong, the same on every film: the record, and the traces of the strength in density, cortex and two vertebrae that are flattened by less than a fracture."""
    drawn = person_of(rng, None)
    found = findings_of(rng, drawn)
    z, taller = who["shown"] - MEAN, 0.09 * ((who["sex"] == "male") - (drawn.sex == "male"))
    changed = replace(drawn, age=who["age"], sex=who["sex"], bmi=round(who["bmi"], 1), size=drawn.size + taller, cortex=float(np.clip(0.98 + 0.13 * z, 0.5, 1.4)))
    levels = rng.choice([10, 11, 12, 13, 14], 2, replace=False)
    flat = np.clip(0.045 - 0.035 * z + 0.02 * rng.standard_normal(2), 0, 0.14)
    losses = {int(level): (0.6 * float(s), float(s), 0.15 * float(s)) for level, s in zip(levels, flat, strict=True)}
    return changed, replace(found, losses=losses, density=float(np.clip(1 + 0.35 * z, 0.15, 2.0)))


FILMS = film_cohort.Films(CARD, "osteon.simulate.fracture_films:FILMS", write, UNITS, ("xray",), ceilings)

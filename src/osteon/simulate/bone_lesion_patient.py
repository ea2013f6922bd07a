"""Who has a bone lesion, where, how aggressive it is and looks, and what histology says: the planted risk and its ceiling.

The lesion has an aggressiveness of its own (standard normal). A picture shows it with an error, the larger the difficulty; histology is drawn from a risk that
knows the aggressiveness itself, the kind of matrix, age, sex and place. What is drawn of the picture never depends on the histology, so that nobody can do better than the ceiling.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from osteon.simulate.bone_lesion_asking import Asking, Streams

BONES = ("femur", "tibia", "fibula", "lumbar spine")
SEGMENTS = ("epiphysis", "metaphysis", "diaphysis", "vertebral body")
MATRICES = ("cellular", "fibrous", "chondroid", "osteoid", "cystic", "fluid levels")
WEIGHT = 2.7  # of the aggressiveness in the log odds
BASE = -0.78  # gives about 45 % malignant, as in Eweje 2021 (478 of 1,060)
OF_BONE: Mapping[str, float] = MappingProxyType({"femur": 0.25, "tibia": -0.3, "fibula": -0.5, "lumbar spine": 0.8})
OF_SEGMENT: Mapping[str, float] = MappingProxyType({"epiphysis": -1.0, "metaphysis": 0.1, "diaphysis": 0.5, "vertebral body": 0.0})
OF_MATRIX: Mapping[str, float] = MappingProxyType({"cellular": 0.35, "fibrous": -0.7, "chondroid": 0.0, "osteoid": 0.8, "cystic": -0.8, "fluid levels": -0.5})
# likeliest histology by matrix: benign and malignant, below and from 45 years
HISTOLOGY: Mapping[str, tuple[tuple[str, str], tuple[str, str]]] = MappingProxyType({
    "cellular": (("giant cell tumour", "giant cell tumour"), ("Ewing sarcoma", "metastasis")),
    "fibrous": (("non-ossifying fibroma", "fibrous dysplasia"), ("fibrosarcoma", "undifferentiated pleomorphic sarcoma")),
    "chondroid": (("enchondroma", "enchondroma"), ("chondrosarcoma", "chondrosarcoma")),
    "osteoid": (("osteoblastoma", "osteoblastoma"), ("osteosarcoma", "osteosarcoma")),
    "cystic": (("simple bone cyst", "intraosseous ganglion"), ("telangiectatic osteosarcoma", "myeloma")),
    "fluid levels": (("aneurysmal bone cyst", "aneurysmal bone cyst"), ("telangiectatic osteosarcoma", "telangiectatic osteosarcoma")),
})
EPIPHYSEAL = {"cellular": "giant cell tumour", "chondroid": "chondroblastoma"}


@dataclass(frozen=True)
class Patient:
    """Age (years), sex, place (bone and its segment), kind of matrix, aggressiveness and how much of it a picture shows, risk of malignancy, and what histology says."""

    age: float
    male: bool
    place: tuple[str, str]
    matrix: str
    aggressive: float
    shown: float
    risk: float
    malignant: bool

    @property
    def bone(self) -> str:
        """The bone that is ill."""
        return self.place[0]

    @property
    def segment(self) -> str:
        """The part of it."""
        return self.place[1]

    @property
    def histology(self) -> str:
        """A name that fits label, matrix, age and place; it adds nothing to the picture."""
        if not self.malignant and self.segment == "epiphysis" and self.matrix in EPIPHYSEAL:
            return EPIPHYSEAL[self.matrix]
        if self.bone == "lumbar spine" and not self.malignant and self.matrix == "fibrous":
            return "haemangioma"
        return HISTOLOGY[self.matrix][int(self.malignant)][int(self.age >= 45)]


def error(difficulty: float) -> float:
    """The standard deviation of what a picture shows of the aggressiveness about it."""
    return 0.15 + 0.45 * difficulty


def patient_of(streams: Streams, asked: Asking) -> Patient:
    """One patient from the streams of person, look and histology."""
    drawn = draw(streams.person, streams.look, streams.histology, 1, asked)
    return drawn_patient(drawn, 0)


def drawn_patient(drawn: Mapping[str, np.ndarray], row: int) -> Patient:
    """One row of what `draw` gave."""
    bone, segment, matrix = BONES[drawn["bone"][row]], SEGMENTS[drawn["segment"][row]], MATRICES[drawn["matrix"][row]]
    return Patient(round(float(drawn["age"][row]), 1), bool(drawn["male"][row]), (bone, segment), matrix, float(drawn["aggressive"][row]), float(drawn["shown"][row]), float(drawn["risk"][row]), bool(drawn["malignant"][row]))


def draw(person: np.random.Generator, look: np.random.Generator, histology: np.random.Generator, count: int, asked: Asking) -> dict[str, np.ndarray]:
    """Columns (count,) of so many patients: age, male, bone, segment and matrix by number, aggressiveness, what is shown of it, risk, histology."""
    u = person.random((count, 5))
    older = u[:, 0] < (0.27 if asked.site == "A" else 0.34)
    age = np.where(older, np.clip(56 + 12 * person.standard_normal(count), 36, 88), np.clip(17 + 9.5 * np.abs(person.standard_normal(count)), 5, 60))
    bone = np.full(count, BONES.index(asked.bone)) if asked.bone else np.searchsorted([0.42, 0.70, 0.82], u[:, 1], side="right")
    segment = _segments(bone, age, u[:, 2])
    matrix = _matrices(segment, age, u[:, 3])
    aggressive, noise = look.standard_normal((2, count))
    shown = (aggressive + error(asked.difficulty) * noise) / np.hypot(1.0, error(asked.difficulty))  # of the same spread at every difficulty
    male = u[:, 4] < 0.583
    risk = 1 / (1 + np.exp(-(WEIGHT * aggressive + known(age, male, bone, segment, matrix))))
    return {"age": age, "male": male, "bone": bone, "segment": segment, "matrix": matrix, "aggressive": aggressive, "shown": shown, "risk": risk, "malignant": histology.random(count) < risk}


def known(age: np.ndarray, male: np.ndarray, bone: np.ndarray, segment: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """The part of the log odds that is no aggressiveness: clinical knowledge, and the kind of matrix."""
    def of(table: Mapping[str, float], names: tuple[str, ...], at: np.ndarray) -> np.ndarray:
        return np.array([table[name] for name in names])[at]

    adolescent = 0.9 * np.exp(-(((age - 15) / 5) ** 2))
    return np.asarray(BASE + 0.07 * (age - 30) + adolescent + 0.2 * male + of(OF_BONE, BONES, bone) + of(OF_SEGMENT, SEGMENTS, segment) + of(OF_MATRIX, MATRICES, matrix))


def known_of(patient: Patient) -> float:
    """The same of one patient."""
    numbers = [np.array([x]) for x in (patient.age, patient.male, BONES.index(patient.bone), SEGMENTS.index(patient.segment), MATRICES.index(patient.matrix))]
    return float(known(*numbers)[0])


def _segments(bone: np.ndarray, age: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Segment by number: most lesions lie in the metaphysis, those of the old more often in the shaft."""
    shaft = np.where(age < 45, 0.72, 0.58)
    return np.where(bone == BONES.index("lumbar spine"), 3, np.where((u < 0.14) & (bone < 2), 0, np.where(u < shaft, 1, 2)))


def _matrices(segment: np.ndarray, age: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Matrix by number: cysts and fibrous lesions are of the young, chondroid and cellular ones of the old."""
    young, old = (0.24, 0.44, 0.58, 0.74, 0.86), (0.44, 0.56, 0.82, 0.90, 0.97)
    return np.where(age < 30, np.searchsorted(young, u, side="right"), np.searchsorted(old, u, side="right"))


def as_shown(patient: Patient, shown: float) -> Patient:
    """The counterfactual: the same patient with a lesion that looks otherwise."""
    return replace(patient, shown=shown)


def believed(drawn: Mapping[str, np.ndarray], difficulty: float) -> np.ndarray:
    """The risk (count,) for who reads the picture perfectly and knows the patient: over all aggressiveness that may stand behind what is shown (16 points of Gauss and Hermite)."""
    e = error(difficulty)
    spread = np.hypot(1.0, e)
    at, weight = np.polynomial.hermite_e.hermegauss(16)
    middle, rest = drawn["shown"] / spread, e / spread
    logit = known(drawn["age"], drawn["male"], drawn["bone"], drawn["segment"], drawn["matrix"])
    return np.asarray((weight / weight.sum() / (1 + np.exp(-(WEIGHT * (middle[:, None] + rest * at) + logit[:, None])))).sum(axis=1))


def areas(asked: Asking, *, count: int = 60_000, seed: int = 7) -> dict[str, float]:
    """AUC of who knows the risk, of who reads the picture perfectly and knows the patient, and of who knows age, sex and place alone, on so many patients of another seed."""
    from osteon.stats.roc import auc

    person, look, histology = (np.random.default_rng([seed, k]) for k in range(3))
    drawn = draw(person, look, histology, count, asked)
    alone = known(drawn["age"], drawn["male"], drawn["bone"], drawn["segment"], np.zeros(count, int))
    return {name: float(auc(drawn["malignant"], score)) for name, score in (("risk", drawn["risk"]), ("picture and record", believed(drawn, asked.difficulty)), ("record", alone))}

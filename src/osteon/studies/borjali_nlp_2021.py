"""Borjali 2021: dislocation of a hip prosthesis in free text, by networks, by estimators on words, by rule, and by code."""

from __future__ import annotations

import re

from osteon.datasets.mtsamples_ortho import mtsamples_ortho
from osteon.design import HoldOut
from osteon.models import Chain, Formula, Net, Tabular, arms
from osteon.models.assertions import asserted, marked
from osteon.readers.inputs import Codes, Text
from osteon.simulate.notes import hip_notes
from osteon.study import Claim, Study
from osteon.targets import Classes
from osteon.validation.analyses import Kappas, Mistakes
from osteon.value import Label

DISLOCATION = r"\b(?:re-?)?(?:disloc|sublux)\w*"
HIP_CODES = r"(?<![\w.])(?:T84\.02(?:[019]\w*)?|996\.42|2726[56])(?!\w)"  # a dislocated hip prosthesis in ICD-10-CM, any dislocated prosthesis in ICD-9-CM, closed treatment in CPT
NETS = {"text CNN": "text_cnn", "recurrent network": "text_recurrent"}
LABELS = {True: Label("yes"), False: Label("no")}
ON_WORDS = ("logistic regression", "support vectors", "naive Bayes", "random forest")


def by_rule(note: str) -> Label:
    """Whether a place of the note says that the hip is dislocated: denied, doubted, past, thinkable and other people's dislocations are none."""
    return LABELS[asserted(note, DISLOCATION)]


def by_word(note: str) -> Label:
    """Whether the note names a dislocation, whatever it says of it."""
    return LABELS[re.search(DISLOCATION, note, re.I) is not None]


def by_code(codes: str) -> Label:
    """Whether a code says so."""
    return LABELS[re.search(HIP_CODES, codes) is not None]


def with_marks(note: str) -> str:
    """The note with what is said of a dislocation tied to the word."""
    return marked(note, DISLOCATION)


def reader(method: str, note: str = "note") -> Net | Tabular:
    """A network, or an estimator on weighed words, that learns from notes."""
    return Net(NETS[method], reads=(note,), writes=("dislocation",)) if method in NETS else Tabular(method, reads=(note,), writes=("dislocation",))


def marked_reader(method: str, notes: str) -> Chain:
    """The same on notes in which the rule has tied what is said of a dislocation to the word."""
    return Chain(Formula(with_marks, reads=("note",), writes=("marked",)), reader(method, "marked"))


STUDY = Study(
    cite="Borjali A, Magneli M, Shin D, et al. Comput Biol Med 2021; 129: 104140",
    doi="10.1016/j.compbiomed.2020.104140",
    reference=46,
    areas=("basic ai education",),
    unit="note",
    question="Does a network read in a note that a hip prosthesis has dislocated, better than classical methods and than codes?",
    inputs={"note": Text("radiology report, telephone note or operative note after hip replacement"), "codes": Codes("ICD and CPT codes of the same patient")},
    targets={"dislocation": Classes(("no", "yes"))},
    primary="dislocation",
    design=HoldOut(train=0.6, tune=0.2, test=0.2),
    together=("family",),
    models={
        **arms(reader, method=(*NETS, *ON_WORDS)),
        "code look-up": Formula(by_code, reads=("codes",), writes=("dislocation",)),
        "negation rule": Formula(by_rule, reads=("note",), writes=("dislocation",)),
        "word search": Formula(by_word, reads=("note",), writes=("dislocation",)),
        **arms(marked_reader, method=("text CNN", "logistic regression"), notes=("negation marked",)),
    },
    simulate=hip_notes,
    datasets={"mtsamples_ortho": mtsamples_ortho},
    analyses=(Kappas("genre"), Mistakes("dislocation_said")),
    subgroups=("genre", "site"),
    claims=(
        Claim("kappa on radiology notes, best network (a CNN)", "0.97", "abstract", "Kappas/kappa, radiology"),
        Claim("kappa on telephone notes, best network (a CNN)", "1.00", "abstract", "Kappas/kappa, telephone"),
        Claim("accuracy of ICD and CPT codes on the same patients", "75.24 %", "abstract", "Kappas/accuracy/code look-up"),
    ),
    differs=(
        "numbers of patients and notes, division, tokeniser, word vectors and the sizes of the networks could not be read: an established text CNN and LSTM, from random vectors, here",
        "one model reads every genre and is judged in each; operative notes stand beside the paper's two",
        "authors of one family of phrases lie in one part only, so that known phrases do not pass for understanding; the paper does not say that it did so",
        "the four classical methods, on weighed words and pairs of words, and both rules are ours; the abstract names neither",
        "simulated codes hold ICD-10-CM only; a look-up of a cohort of yours also knows ICD-9-CM and CPT", "MTSamples names a dislocation in few notes, with weak labels: it tries the path on real text and measures nothing",
    ),
)

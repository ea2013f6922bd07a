"""Eweje 2021: malignant or benign bone lesion, by a vote of two networks on MRI and a model of age, sex and place."""

from __future__ import annotations

from osteon.design import HoldOut
from osteon.geometry.region import framed_on
from osteon.models import Blend, Chain, Formula, Net, Tabular
from osteon.readers.inputs import Outline, Record, Slice
from osteon.simulate.bone_lesion import bone_lesions
from osteon.study import Claim, Study
from osteon.targets import Classes
from osteon.validation.analyses import Committee
from osteon.value import Objects, Picture, Withheld

MARGIN = 0.5  # of the longer side of the lesion: what lies beside it tells as much as what lies in it


def lesion_on(**read: Picture) -> Objects | Withheld:
    """The box of the lesion on one sequence, from a mask that may have been drawn on the other."""
    (picture,) = (value for name, value in read.items() if name != "lesion")
    return framed_on(read["lesion"], picture.grid, label="lesion")


def learner(sequence: str) -> Chain:
    """A network on the crop of one sequence about the lesion."""
    place = f"{sequence} place"
    return Chain(Formula(lesion_on, reads=(sequence, "lesion"), writes=(place,)),
                 Net("efficientnet_b0_of_width", reads=(sequence, place), writes=("malignancy",), settings={"time": 0.4, "steps": 8, "batch": 16, "rate": 0.003, "margin": MARGIN}))


STUDY = Study(
    cite="Eweje FR, Bao B, Wu J, et al. EBioMedicine 2021; 68: 103402",
    doi="10.1016/j.ebiom.2021.103402",
    reference=47,
    areas=("radiographic assessment",),
    unit="lesion",
    question="Does a vote of two networks on MRI and a clinical model tell malignant from benign bone lesions as experts do?",
    inputs={"t1": Slice("T1-weighted slice through the largest section of the lesion", optional=True), "t2": Slice("T2-weighted slice in the same plane", optional=True),
            "lesion": Outline("mask of the lesion, drawn on either sequence"),
            "record": Record("age, sex and place of the lesion", numbers=("age",), categories=("sex", "bone", "segment"), needs=("age", "sex", "bone"))},
    targets={"malignancy": Classes(("benign", "malignant"))},
    primary="malignancy",
    design=HoldOut(train=0.6, tune=0.2, test=0.2),
    models={"vote": Blend({"T1": learner("t1"), "T2": learner("t2"), "record": Tabular("logistic regression", reads=("record",), writes=("malignancy",))},
                          "malignancy", how="vote", beside=("mean",))},
    simulate=bone_lesions,
    analyses=(Committee(),),
    subgroups=("sequences", "sex", "bone", "site"),
    claims=(
        Claim("lesions, of them malignant", "1,060, 478", "abstract"),
        Claim("accuracy, the vote beside experts", "0.76 and 0.73 (p = 0.7)", "abstract", "malignancy.malignant.accuracy"),
        Claim("sensitivity, the vote beside experts", "0.79 and 0.81 (p = 1.0)", "abstract", "malignancy.malignant.sensitivity"),
        Claim("specificity, the vote beside experts", "0.75 and 0.66 (p = 0.48)", "abstract", "malignancy.malignant.specificity"),
        Claim("AUC, internal test and fifth institution", "0.82 and 0.79", "abstract", "malignancy.malignant.auc"),
    ),
    differs=(
        "how slices and crops were made could not be read: one slice through the lesion here, cropped to a square about the mask with half of its side more",
        "each learner votes at a cut of its own, chosen on the tune part; a vote more is shared by the mean of their probabilities, which decides equal votes where a sequence is missing",
        "the mean of the same probabilities stands beside the vote; each learner alone has rows of its own",
        "shares of the parts are not in the abstract: 60 : 20 : 20 of four institutions here; the fifth is another cohort, asked of the finished run (`osteon validate`) and never learnt from",
        "intermediate lesions count as benign, as a repository that is probably the authors' has it",
        "networks are narrower than the published ones below the budget 'gpu'; weights start at random and not from photographs",
        "experts of simulated cases are simulated themselves; the committee is the majority of those who read a case",
    ),
)

"""Li J 2022: menisci found, outlined and graded in one pass on sagittal MRI, and what that says of the patient."""

from __future__ import annotations

from osteon.design import Given
from osteon.models import Chain, Formula, Net
from osteon.readers.inputs import Slice
from osteon.simulate.knee_mri_hospitals import knee_mri_hospitals
from osteon.study import Claim, Study
from osteon.targets import Classes, Objects
from osteon.validation.analyses import ByPatient
from osteon.value import Label
from osteon.value import Objects as Found

GRADES = ("healthy", "degenerated", "torn")


def worst_shown(menisci: Found) -> Label:
    """What a slice shows: torn as surely as its surest tear, degenerated as its surest degeneration where there is no tear, else healthy."""
    torn, degenerated = (max([float(s) for s, name in zip(menisci.scores, menisci.labels, strict=True) if name == grade], default=0.0) for grade in ("torn", "degenerated"))
    chances = dict(zip(GRADES, ((1 - torn) * (1 - degenerated), (1 - torn) * degenerated, torn), strict=True))
    return Label(max(chances, key=lambda grade: chances[grade]), chances)


def detector(net: str) -> Chain:
    """A detector of parts of menisci whose classes are the grades, and what a slice shows by it."""
    return Chain(Net(net, reads=("mri",), writes=("menisci",), settings={"steps": 6, "rate": 1e-3}), Formula(worst_shown, reads=("menisci",), writes=("meniscus",)))


STUDY = Study(
    cite="Li J, Qian K, Liu J, Huang Z, Zhang Y, Zhao G, et al. J Orthop Translat 2022; 34: 91-101",
    doi="10.1016/j.jot.2022.05.006",
    reference=49,
    areas=("radiographic assessment",),
    unit="slice",
    question="Does a detector that outlines and grades menisci in one pass tell healthy, degenerated and torn ones, in other hospitals and beside arthroscopy too?",
    inputs={"mri": Slice("one sagittal slice of an MRI of the knee")},
    targets={"menisci": Objects(("torn", "degenerated", "healthy"), most=2, masks=True), "meniscus": Classes(GRADES, positive=("torn", "degenerated", "healthy"))},
    primary="menisci",
    design=Given("part"),
    models={"Mask R-CNN": detector("mask_rcnn"), "Faster R-CNN (boxes only)": detector("faster_rcnn"),
            "ResNet-50 (whole slice)": Net("resnet50_of_width", reads=("mri",), writes=("meniscus",), settings={"steps": 6})},
    simulate=knee_mri_hospitals,
    analyses=(ByPatient(GRADES, "meniscus", proof="knee_proved", reading="knee_read", by=("tesla",)),),
    subgroups=("sex", "side"),
    claims=(
        Claim("patients", "924, of them 504 to train, 220 to tune, 200 for the internal test", "abstract"),
        Claim("further patients", "180 of eight hospitals, 40 proved by arthroscopy", "abstract"),
        Claim("average precision over the three classes", "68 % to 80 %", "abstract", "menisci.torn.mask_ap"),
        Claim("accuracy, healthy, torn, degenerated", "87.50 %, 86.96 %, 84.78 %", "abstract"),
        Claim("accuracy in other hospitals, 3 T", "above 80 %", "abstract", "ByPatient/patients right/Mask R-CNN, hospitals, tesla 3"),
        Claim("accuracy beside arthroscopy", "87.50 %", "abstract", "ByPatient/patients right/Mask R-CNN, arthroscopy"),
    ),
    differs=(
        "by what rule slices become a patient, which plane was read and whether the backbone had a feature pyramid could not be read: worst class over four sagittal slices, and a pyramid, here",
        "the overlap at which the paper's average precision counts is not in its abstract: 0.50, and 0.50 to 0.95, of boxes and of outlines here",
        "parts of menisci (each horn, or the body) are the objects; a part has the class of what the slice shows of it",
        "forty of a hundred simulated knees teach, 15 tune, 15 are the internal test, 20 come from eight other hospitals and 10 are proved by arthroscopy; the first two of each part are ill",
        "arthroscopy sees whether a surface is torn and cannot see into the substance: that degeneration is proved too holds for simulated knees only",
        "the radiologist whose reading is the reference of all other simulated knees takes 8 of 100 menisci for a neighbouring class",
        "Faster R-CNN is the same network without outlines, ResNet-50 answers about whole slices and finds nothing: what outlines and places are worth",
        "an image has 300 proposals, and networks are narrower than the published ones below the budget 'gpu'; weights start at random",
    ),
)

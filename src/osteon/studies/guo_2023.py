"""Guo 2023: torn supraspinatus tendons on four slices of MRI, read one by one or as a block."""

from __future__ import annotations

from functools import partial

from osteon.design import Given
from osteon.models import Net, arms
from osteon.readers.inputs import Volume
from osteon.simulate.shoulder_mri import shoulder_mri
from osteon.study import Claim, Study
from osteon.targets import Classes
from osteon.validation.analyses import Mistakes, References

TWINS = {"3D Xception": "xception_3d", "2D Xception": "xception"}
PLANS = {"xception_3d": {"batch": 4, "steps": 3}, "xception": {"batch": 8, "steps": 8}}


def twin(net: str) -> Net:
    """One of the twins: the same slices, labels and plan of training."""
    return Net(net, reads=("mri",), writes=("tear",), settings=PLANS[net])


STUDY = Study(
    cite="Guo D, Liu X, Wang D, Tang X, Qin Y. J Orthop Surg Res 2023; 18: 426",
    doi="10.1186/s13018-023-03909-z",
    reference=39,
    areas=("radiographic assessment",),
    unit="examination",
    question="Does a network tell a torn supraspinatus tendon on four slices of MRI, and is it better to read them as a block than one by one?",
    inputs={"mri": Volume("four oblique coronal slices through the supraspinatus tendon, fat suppressed", modality="MRI")},
    targets={"tear": Classes(("normal", "tear"))},
    primary="tear",
    design=Given("part"),
    models=arms(twin, net=TWINS),
    simulate=partial(shoulder_mri, matrix=160),
    analyses=(References("internal", "tear_read", ("surgery", "reading of the MRI")), Mistakes("degree")),
    subgroups=("degree", "tesla", "site"),
    claims=(
        Claim("examinations, of four images each", "770; 701 for training and internal test, 69 operated", "abstract"),
        Claim("AUC, operated", "0.921 (0.841 to 1.000)", "abstract", "tear.tear.auc"),
        Claim("AUC, internal test", "0.882 (0.817 to 0.947)", "abstract", "References/AUC/3D Xception: reading of the MRI, set of its own"),
        Claim("F1, operated and internal", "0.824 and 0.75", "abstract", "References/F1/3D Xception: surgery"),
        Claim("sensitivity by degree of the tear, operated", "0.33 to 1.000", "abstract"),
        Claim("1.5 against 3.0 T", "no significant difference", "abstract"),
        Claim("four radiologists and four orthopaedic surgeons", "better than the juniors, equal to the seniors", "abstract"),
    ),
    differs=(
        "the abstract does not say which of the two networks its figures are of, nor what reads the images of the internal set: the block comes first here, and a report of the MRI is the label there",
        "the abstract prints shoulder arthroplasty where arthroscopy fits: the operated set has the finding at surgery here",
        "of four slices read one by one the mean probability answers for the examination; each learns the label of the whole",
        "convolutions across slices are three wide and leave no slice out; slices are seen whole, not cut to the tendon",
        "networks follow the width of the budget and begin at random",
        "the operated set is the test and the internal one a further part, so that cuts, readers and groups are judged by the stronger reference",
        "simulated: tears and their degrees are planted, half of the examinations show one; the report of the MRI errs about tendinosis and small partial tears; the eight readers are simulated and look at no picture",
    ),
)

"""Huang 2020: vertebrae and discs of the lumbar spine outlined, named by level and measured on mid-sagittal MRI."""

from __future__ import annotations

from functools import partial

from osteon.datasets.lumbar_mri_vertebrae import lumbar_mri_vertebrae
from osteon.datasets.spider import spider
from osteon.design import HoldOut
from osteon.geometry.spine_mri import LEVELS, PARTS, SPINE_UNITS, measure_spine
from osteon.models import Arm, Chain, Formula, Net
from osteon.readers.inputs import Slice
from osteon.simulate.lumbar_mri import lumbar_mri
from osteon.study import Claim, Study
from osteon.targets import Masks, Measures
from osteon.validation.analyses import Correlates


def measured(*, labelled: bool) -> Chain:
    """Outlines, then explicit geometry, with or without levels counted from the sacrum."""
    return Chain(Net("unet", reads=("mri",), writes=("parts",), settings={"time": 0.6, "batch": 2, "steps": 60, "rate": 6e-3}),
                 Formula(partial(measure_spine, labelled=labelled), reads=("parts", "mri"), writes=("spine",)))


STUDY = Study(
    cite="Huang J, Shen H, Wu J, et al. Spine J 2020; 20(4): 590-9",
    doi="10.1016/j.spinee.2019.11.010",
    reference=64,
    areas=("radiographic assessment", "spine-oriented surgery"),
    unit="level",
    question="Does a network that outlines vertebrae and discs measure the lumbar spine on MRI as a careful hand does?",
    inputs={"mri": Slice("mid-sagittal T2-weighted slice of the lumbar spine, front to the left, head up", spacing=True)},
    targets={"parts": Masks(PARTS, optional=("sacrum", "disc", "csf")), "spine": Measures(SPINE_UNITS, "vertebra_height", per=LEVELS)},
    primary="spine",
    design=HoldOut(train=0.4, tune=0.2, test=0.4),
    models={
        "U-Net, levels, geometry": Arm(measured(labelled=True), {"levels": "counted from the sacrum", "measures": "explicit"}),
        "U-Net, geometry, without levels": Arm(measured(labelled=False), {"levels": "counted from the top of the picture", "measures": "explicit"}),
        "regression network": Arm(Net("resnet18_of_width", reads=("mri",), writes=("spine",), settings={"time": 0.2, "steps": 12}), {"levels": "none", "measures": "read off the picture"}),
    },
    simulate=lumbar_mri,
    datasets={"lumbar_mri_vertebrae": lumbar_mri_vertebrae, "spider": spider},
    analyses=(Correlates(("disc_signal", "disc_height", "disc_bulge"), whole=("age",), each=("pfirrmann",), parts=LEVELS),),
    subgroups=("sex", "site"),
    claims=(
        Claim("subjects to learn and for the test", "50 and 50, from a population-based cohort", "memory, unverified"),
        Claim("overlap (IoU) of vertebrae", "94.7 %", "memory, unverified", "parts.vertebra.iou"),
        Claim("overlap (IoU) of discs", "92.6 %", "memory, unverified", "parts.disc.iou"),
        Claim("agreement with measurements by hand (ICC)", "0.81 to 1.00", "memory, unverified", "spine.vertebra_height.icc"),
        Claim("correlation of the bulging area with age", "0.35 to 0.44", "memory, unverified", "Correlates/answer, age/disc_bulge"),
        Claim("correlation of the signal of discs with age", "-0.62 to -0.77", "memory, unverified", "Correlates/answer, age/disc_signal"),
        Claim("time an examination", "0.5 s", "memory, unverified", "seconds_per_case"),
    ),
    differs=(
        "the paper's definitions of corners, heights, bulge and signal could not be read: they are ours and stand in `geometry.spine_mri`",
        "the reference is the exact outline before the scanner, not measurements by hand in ImageJ; there is no error of a reader in it",
        "the body of S1 and the dural sac are outlined too: levels are counted from the one, signal is divided by that of the other",
        "the main reading is the height of vertebrae, which a data set without discs has too; what a truth lacks is neither learnt nor judged",
        "two fifths of the patients are for the test, a fifth stops training; the paper names 50 and 50 subjects and no part to stop by",
        "the arms without level labels and without outlines are ours, to show what each piece is for",
        "networks are narrower than published below the budget 'gpu'; weights start at random",
    ),
)

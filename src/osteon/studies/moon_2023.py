"""Moon 2023: alignment of the lower limb on standing radiographs."""

from __future__ import annotations

from osteon.design import HoldOut
from osteon.geometry.lower_limb import BOTH_LEGS, LOWER_LIMB_UNITS, SIDES, measure_named
from osteon.geometry.lower_limb_masks import landmarks_from_masks
from osteon.models import Chain, Formula, Net
from osteon.readers.inputs import Radiograph
from osteon.simulate.standing_legs import standing_legs
from osteon.study import Claim, Study
from osteon.targets import Declared, Masks, Measures, Objects
from osteon.value import Mask, Readings
from osteon.value import Objects as Boxes

JOINTS = ("hip", "knee", "ankle")
BONES = ("femur", "tibia", "talus")


def alignment(bones: Mask, joints: Boxes) -> Readings:
    """Sixteen indicators of both legs from the bones inside the joint boxes; lengths only where the film has a spacing."""
    spacing = bones.grid.spacing or (1.0, 1.0)
    scale = 1.0 if joints.grid is None else bones.grid.shape[0] / joints.grid.shape[0]
    boxes = {name: (joints.of(name) + 0.5) * scale - 0.5 for name in JOINTS}
    legs = landmarks_from_masks(bones.of("femur"), bones.of("tibia"), bones.of("talus"), boxes, (spacing[0], spacing[1]))
    landmarks = {f"{side}.{name}": tuple(point) for side, leg in legs.items() for name, point in leg.items()}
    values, reasons = measure_named(landmarks, bones.grid.spacing)
    return Readings(values, landmarks, bones.grid, reasons)


STUDY = Study(
    cite="Moon KR, Lee BD, Lee MS. Sci Rep 2023; 13: 14692",
    doi="10.1038/s41598-023-41380-2",
    reference=14,
    areas=("radiographic assessment",),
    unit="leg",
    question="Does a detector followed by a segmenter measure leg alignment as a radiologist does?",
    inputs={"xray": Radiograph("anteroposterior standing radiograph of both legs, hip to ankle", spacing=True)},
    targets={"joints": Objects(JOINTS, cut=None, most=2), "bones": Masks(BONES),
             "alignment": Measures(LOWER_LIMB_UNITS, "HKA", per=SIDES, once=BOTH_LEGS, cut=Declared(below=177.0), read=measure_named)},
    primary="alignment",
    design=HoldOut(train=0.6, tune=0.2, test=0.2),
    models={"YOLOv5 + HarDNet-MSEG": Chain(
        Net("yolov5", reads=("xray",), writes=("joints",)),
        Net("hardnet_mseg", reads=("xray", "joints"), writes=("bones",)),
        Formula(alignment, reads=("bones", "joints"), writes=("alignment",)))},
    simulate=standing_legs,
    subgroups=("sex", "site"),
    claims=(
        Claim("patients", "770, of them 250 for the test", "abstract"),
        Claim("indicators measured on a radiograph", "16", "abstract"),
        Claim("agreement with a radiologist (CCC, PCC, ICC)", "0.9 or more for each of the 16; the abstract prints 'or less', plainly exchanged", "abstract", "alignment.HKA.icc"),
        Claim("errors (MAE, MSE, RMSE)", "0.9 or less; the abstract prints 'or more', plainly exchanged", "abstract", "alignment.HKA.mae"),
        Claim("time a radiograph", "about 12 s", "abstract", "seconds_per_case"),
    ),
    differs=(
        "the 177 degree cut is ours, to give a two-by-two; the paper reports agreement only",
        "which sixteen indicators the paper counts could not be read in full: these sixteen kinds are ours, HKA, mLDFA, MPTA, JLCA, LDTA, mechanical axis and lengths among them",
        "the knee centre is one point for femur and tibia, so that HKA - 180 = MPTA - mLDFA - JLCA holds exactly",
        "networks are narrower than the published ones below the budget 'gpu'; weights start at random",
        "bones are segmented and judged inside the joint boxes, as in the paper; the shafts between them are not",
    ),
)

"""Mandel 2020: how a scoliotic spine will look in the years after vertebral body tethering, forecast from the models before the operation."""

from __future__ import annotations

from osteon.design import HoldOut
from osteon.geometry.spine import LEVELS
from osteon.geometry.spine_shape import COURSE_UNITS, carried_on, measured, unchanged
from osteon.models import Chain, Formula, Net, arms
from osteon.readers.inputs import Chain as Vertebrae
from osteon.readers.inputs import Record
from osteon.simulate.growing_spine import growing_spines
from osteon.study import Claim, Study
from osteon.targets import Surfaces, Trajectories
from osteon.validation.analyses import Horizon

READ_OFF = Formula(measured, reads=("follow_up", "curve"), writes=("course",))
PLAN = ("upper", "lower", "tether_upper", "tether_lower")
NETS = {"spatio-temporal corrective network": "spatiotemporal", "without time shift": "spatiotemporal_without_shift", "without regulariser": "spatiotemporal_without_regulariser",
        "group path (mean change)": "group_path"}


def forecast(net: str) -> Chain:
    """A network that tells the chain of vertebrae at months after the operation, and what is read off it."""
    return Chain(Net(net, reads=("spine", "plan"), writes=("follow_up",)), READ_OFF)


STUDY = Study(
    cite="Mandel W, Parent S, Kadoury S. MICCAI 2020, LNCS 12261: 751-60",
    doi="10.1007/978-3-030-59710-8_73",
    reference=75,
    areas=("spine-oriented surgery", "outcomes assessment"),
    unit="visit",
    question="How will a growing scoliotic spine look in the years after vertebral body tethering?",
    inputs={"spine": Vertebrae("models of T1 to L5 before the operation, the last one of its day", many=(1, None), at="months"),
            "plan": Record("age, sex, end vertebrae of the main curve and tethered levels", numbers=("age",), categories=("sex", *PLAN), needs=("age", *PLAN)),
            "curve": Record("end vertebrae and side of the main curve, between which the angle is taken at every visit", categories=("upper", "lower", "side"), needs=("upper", "lower", "side"))},
    targets={"follow_up": Surfaces("spine", parts=LEVELS, at="months"), "course": Trajectories(COURSE_UNITS)},
    primary="follow_up",
    design=HoldOut(train=0.6, tune=0.2, test=0.2),
    models={**arms(forecast, net=NETS),
            "no change": Chain(Formula(unchanged, reads=("spine",), writes=("follow_up",)), READ_OFF),
            "straight line through the models before": Chain(Formula(carried_on, reads=("spine",), writes=("follow_up",)), READ_OFF)},
    simulate=growing_spines,
    analyses=(Horizon((6.0, 12.0, 18.0, 24.0)), Horizon((6.0, 12.0, 18.0, 24.0), target="course", finding="cobb")),
    subgroups=("sex", "site"),
    claims=(
        Claim("models to learn from, and operated patients to test on", "695 models, 72 patients", "abstract"),
        Claim("mean distance of landmarks from the reconstruction at follow-up", "2.1 ± 0.9 mm", "abstract", "follow_up.spine.distance"),
        Claim("the same in the group's later journal version, with discs on MRI", "1.8 ± 0.8 mm", "abstract of IEEE Trans Med Imaging 2021"),
    ),
    differs=(
        "how the paper's network is built could not be read beyond its abstract: recurrent over visits, convolution along the column, attention to patterns of correction, shift by attention, and a piecewise geodesic group path are ours after it",
        "a forecast is told at fixed months and compared, straight between them, with the model of each visit; the paper's follow-up visits are not listed in its abstract",
        "distances are unregistered, in the frame of the files; registered ones stand beside them",
        "landmarks are rings on the endplates, since the simulated bodies have no arches",
        "the mean change of the train part is the group's path alone, learnt by the same loop",
        "models after the operation are what is learnt from; at the operation none of them is read",
        "the same title was published again as Int J Comput Assist Radiol Surg 2021; 16: 1641-51",
        "networks are narrower than at the budget 'gpu' below it; weights start at random",
    ),
)

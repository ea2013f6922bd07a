"""Rahman 2022: aseptic loosening of hip implants, networks stacked on out-of-fold answers, with the implant cut out first."""

from __future__ import annotations

from osteon.design import CrossValidation
from osteon.geometry.region import evened, framed, near
from osteon.models import Arm, Blend, Chain, Formula, Net
from osteon.readers.inputs import Radiograph
from osteon.simulate.hip_ap import hip_ap
from osteon.study import Claim, Study
from osteon.targets import Classes, Masks
from osteon.value import Mask, Picture, Value

NETS = {"ResNet18": "resnet18_of_width", "VGG11": "vgg11_of_width", "DenseNet121": "densenet121_of_width"}
MARGIN_MM = 14.0


def cut_out(xray: Picture, implant: Mask) -> dict[str, Value]:
    """The film about the implant with what is far from it in one grey, and the box in which it lies."""
    kept = near(implant, xray.grid, margin=MARGIN_MM)
    return {"region": evened(xray, kept), "place": framed(kept, xray.grid, label="implant")}


def networks(*reads: str) -> dict[str, Net]:
    """The networks on a picture or a part of it; many are fitted in every fold, so that each has a small share of the seconds of a fit and sees a small part once an epoch."""
    return {name: Net(net, reads=reads, writes=("loosening",), settings={"time": 0.02, "steps": 4, "batch": 8, "margin": 0.0}) for name, net in NETS.items()}


STUDY = Study(
    cite="Rahman T, Khandakar A, Islam KR, et al. IEEE Access 2022; 10: 53359-73",
    doi="10.1109/ACCESS.2022.3173424",
    reference=58,
    areas=("basic ai education", "radiographic assessment"),
    unit="film",
    question="Does a stack of networks tell a loose hip implant from a firm one, and does it help to cut the implant out first?",
    inputs={"xray": Radiograph("anteroposterior radiograph of a hip with an implant")},
    targets={"loosening": Classes(("fixed", "loose")), "implant": Masks(("stem", "cup", "head"))},
    primary="loosening",
    design=CrossValidation(folds=5),
    models={
        "HipXNet": Arm(Chain(
            Net("unet", reads=("xray",), writes=("implant",), settings={"time": 0.06, "steps": 8, "batch": 2}),
            Formula(cut_out, reads=("xray", "implant"), writes=("region", "place")),
            Blend(networks("region", "place"), "loosening", how="stack", beside=("mean", "leaky stack"))), {"picture": "implant cut out"}),
        "whole film": Arm(Blend(networks("xray"), "loosening"), {"picture": "whole film"})},
    simulate=hip_ap,
    subgroups=("stem", "side", "site"),
    claims=(
        Claim("radiographs", "206, of them 94 loose", "a secondary report; not verified"),
        Claim("accuracy of the stack", "about 96 %", "from memory, not verified", "loosening.loose.accuracy"),
        Claim("validation", "five folds, no external set", "from memory, not verified"),
    ),
    differs=(
        "the abstract names a stacking approach; that base networks were stacked on out-of-fold probabilities by a classical learner is what the design asks for and could not be read in full; the learner is a logistic regression here",
        "three networks of different families whose width follows the budget stand in for the larger ones that the paper compares; weights start at random and not from photographs",
        "the implant is outlined by a U-Net that learns in the same fold; the paper compares several networks for it",
        "beside the stack stand the mean of the networks and a stack that learnt from answers about its own training films, which is wrong and shows what leaves the leak out",
        "the whole film is answered by the mean of the same networks, without a stack: each further stack is as many fits again",
        "loosening of simulated films is called by rule from lucent lines, subsidence, tilt and migration; the paper's standard is a clinical diagnosis",
    ),
)

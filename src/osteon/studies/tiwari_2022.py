"""Tiwari 2022: which of eight networks grades osteoarthritis of the knee best."""

from __future__ import annotations

from osteon.datasets.knee_oa_kl224 import knee_oa_kl224
from osteon.datasets.oai_kl import oai_kl
from osteon.design import HoldOut
from osteon.models import Net, arms
from osteon.readers.inputs import Radiograph
from osteon.simulate.knee_ap import knee_ap
from osteon.study import Claim, Study
from osteon.targets import Grades
from osteon.validation.analyses import Costs, Graders

NETS = {"DenseNet201": "densenet201", "ResNet50": "resnet50", "VGG16": "vgg16", "InceptionV3": "inception_v3", "MobileNetV2": "mobilenetv2_100",
        "EfficientNetB7": "efficientnet_b7", "Xception": "legacy_xception", "NASNetMobile": "nasnet_mobile"}


def graded(net: str) -> Net:
    """One network of the bake-off: the same film, grade, augmentation and plan of training as every other."""
    return Net(net, reads=("xray",), writes=("kl",))


STUDY = Study(
    cite="Tiwari A, Poduval M, Bagaria V. World J Orthop 2022; 13(6): 603-14",
    doi="10.5312/wjo.v13.i6.603",
    reference=44,
    areas=("radiographic assessment", "basic ai education"),
    unit="film",
    question="Which of eight networks grades osteoarthritis of the knee best, and at what cost?",
    inputs={"xray": Radiograph("anteroposterior radiograph of one knee")},
    targets={"kl": Grades(("KL 0", "KL 1", "KL 2", "KL 3", "KL 4"), from_=2)},
    primary="kl",
    design=HoldOut(train=0.6, tune=0.2, test=0.2),
    models=arms(graded, net=NETS),
    simulate=knee_ap,
    datasets={"knee_oa_kl224": knee_oa_kl224, "oai_kl": oai_kl},
    analyses=(Costs(), Graders()),
    subgroups=("side", "sex", "site"),
    claims=(
        Claim("radiographs", "2,068", "abstract"),
        Claim("accuracy over the eight networks", "54 % to 93 %", "abstract", "kl.KL 2 or more.exact"),
        Claim("best network", "DenseNet201, up to 93 %", "abstract", "kl.KL 2 or more.exact"),
        Claim("accuracy of a first-year trainee", "74 %", "abstract"),
    ),
    differs=(
        "the abstract gives no shares of the parts: 60 : 20 : 20 here, patients kept together",
        "grades are learnt and answered as an ordered scale, with quadratic kappa beside the paper's accuracy",
        "the eight networks of the paper began with weights learnt on photographs; without such weights at hand they begin at random here, and the run says so",
        "which films were judged by surgeons and trainee, and by which reading of grade 2, is not in the abstract: a definite osteophyte makes grade 2 here",
        "the trainee and the surgeons of simulated films are simulated themselves",
    ),
)

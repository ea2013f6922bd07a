"""Recht 2020: knee MRI from a quarter of the lines of k-space, and whether readers can do with it."""

from __future__ import annotations

from functools import partial

from osteon.datasets.fastmri_knee import fastmri_knee
from osteon.design import HoldOut
from osteon.models import Apart, Arm, Formula, Net
from osteon.readers.coils import Sampling, zero_filled
from osteon.readers.inputs import KSpace
from osteon.simulate.few import Few
from osteon.simulate.knee_kspace import knee_kspace
from osteon.simulate.reader_panel import Panel
from osteon.study import Claim, Study
from osteon.targets import Classes, Pictures
from osteon.validation.analyses import Interchangeability, Paired

SAMPLING = Sampling(4.0, 0.08, mask="equispaced")
MENISCUS = ("healthy", "degenerated", "torn")


def network(name: str) -> Net:
    """One network on the same lines, trained on the same slices for the same time as every other."""
    return Net(name, reads=("kspace",), writes=("image",), settings=vars(SAMPLING) | {"batch": 1, "time": 0.4})


STUDY = Study(
    cite="Recht MP, Zbontar J, Sodickson DK, et al. AJR Am J Roentgenol 2020; 215(6): 1421-9",
    doi="10.2214/AJR.20.23313",
    reference=54,
    areas=("basic science", "basic ai education"),
    unit="acquisition",
    question="Can a network make a knee MRI from a quarter of the signal that is as good as the whole?",
    inputs={"kspace": KSpace("raw multi-coil signal of one knee acquisition, fully sampled, fastMRI's HDF5")},
    targets={"image": Pictures("whole field", body=True), "medial_meniscus": Classes(MENISCUS, positive=("torn",))},
    primary="image",
    design=HoldOut(train=0.6, tune=0.15, test=0.25),
    models={
        "VarNet": Arm(network("varnet"), {"net": "VarNet", "contrasts": "together"}),
        "VarNet, one a contrast": Arm(Apart(network("varnet"), by="acquisition"), {"net": "VarNet", "contrasts": "apart"}),
        "VarNet without data consistency": Arm(network("varnet_without_consistency"), {"net": "VarNet without data consistency", "contrasts": "together"}),
        "U-Net": Arm(network("zero_filled_unet"), {"net": "U-Net", "contrasts": "together"}),
        "zero-filled": Formula(partial(zero_filled, sampling=SAMPLING), reads=("kspace",), writes=("image",)),
    },
    simulate=Few(Panel(knee_kspace, "medial_meniscus", steps=MENISCUS), most=120),
    datasets={"fastmri_knee": fastmri_knee},
    analyses=(Paired(), Interchangeability("medial_meniscus", margin=0.1)),
    subgroups=("acquisition", "site"),
    claims=(
        Claim("patients of the reader study", "108", "abstract"),
        Claim("readers", "6", "abstract"),
        Claim("acceleration, against full sampling and against the clinical twofold protocol", "3.49 and 1.88", "abstract"),
        Claim("interchangeability for internal derangement, individual equivalence index", "a high degree; the margins are cut off in the excerpt that could be read", "abstract"),
    ),
    differs=(
        "masks are fastMRI's: a quarter of the lines with 8 % about the middle counted in, every slice of a file under one mask; 3.49 in the paper",
        "the reference is the fully sampled picture and not the clinical twofold parallel imaging that the paper's readers compared with",
        "how the paper's network finds the coils could not be read: as in the end-to-end variational network here, at the resolution of the middle lines",
        "regularisers begin at zero, so that an untrained network answers the zero-filled picture; transforms along the readout, which is sampled in full, are left out",
        "trained by 1 - SSIM on bands of rows where the budget is small; four cascades under 'laptop', twelve under 'gpu' as published",
        "the study of readers on simulated cases is simulated: nobody looks at a picture, and that new images lose nothing is planted; yours come by `osteon readings`",
        "the simulated file holds two slices of 128 x 128 and 8 coils, the published ones about 36 of 320 x 320 and 15",
        "judged first inside the body, where there is more than noise; the whole field, which is fastMRI's convention, stands beside it",
    ),
)

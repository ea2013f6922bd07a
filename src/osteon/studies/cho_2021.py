"""Cho 2021: the tip of the instrument in videos of biportal endoscopic spine surgery."""

from __future__ import annotations

from osteon.design import HoldOut
from osteon.models import Around, Net, arms
from osteon.readers.inputs import Frame
from osteon.simulate.endoscopy import endoscopic_frames
from osteon.study import Claim, Study
from osteon.targets import Objects
from osteon.validation.analyses import Located, Streamed

ROWS = 1080  # of the frames whose pixels the margins are given in
WINDOW = 100
RETINANET, YOLOV2 = {"RetinaNet": "retinanet"}, {"YOLOv2": "yolov2"}


def located(net: str, margin: int) -> Around:
    """One detector that is shown a square of one margin about each tip; the same frames and plan of training for every margin."""
    return Around(Net(net, reads=("view",), writes=("tip",), settings={"time": 0.35, "steps": 15}), margin / ROWS)


def pixels(*margins: int) -> dict[str, int]:
    """Margins by their names."""
    return {f"{margin} px": margin for margin in margins}


STUDY = Study(
    cite="Cho SM, Kim YG, Jeong J, Kim I, Lee HJ, Kim N. Comput Biol Med 2021; 133: 104384",
    doi="10.1016/j.compbiomed.2021.104384",
    reference=79,
    areas=("spine-oriented surgery", "basic ai education"),
    unit="frame",
    question="How large must the box about the tip of an instrument be for a detector to find the tip?",
    inputs={"view": Frame("frame of a video of biportal endoscopic spine surgery")},
    targets={"tip": Objects(("tip",), most=2, window=WINDOW / ROWS)},
    primary="tip",
    design=HoldOut(train=0.5, tune=0.2, test=0.3),
    models={**arms(located, net=RETINANET, margin=pixels(150, 50, 100, 200)), **arms(located, net=YOLOV2, margin=pixels(50, 150))},
    simulate=endoscopic_frames,
    analyses=(Located(), Streamed()),
    subgroups=("instrument", "site"),
    claims=(
        Claim("frames with an annotated tip, and videos", "2,310 of 9", "abstract"),
        Claim("best margin, of both detectors", "150 pixels", "abstract"),
        Claim("recall, RetinaNet, 150 pixels", "1.000", "abstract", "Located/recall/RetinaNet, 150 px"),
        Claim("precision, RetinaNet, 150 pixels", "0.733", "abstract", "Located/precision/RetinaNet, 150 px"),
        Claim("F1, RetinaNet, 150 pixels", "0.846", "abstract", "Located/F1/RetinaNet, 150 px"),
        Claim("recall, YOLOv2, 150 pixels", "0.864", "abstract", "Located/recall/YOLOv2, 150 px"),
        Claim("precision, YOLOv2, 150 pixels", "0.808", "abstract", "Located/precision/YOLOv2, 150 px"),
        Claim("F1, YOLOv2, 150 pixels", "0.835", "abstract", "Located/F1/YOLOv2, 150 px"),
        Claim("recall, precision, F1 of RetinaNet, 150 pixels, cross-validated", "1.000 (SD 0.000), 0.767 (0.033), 0.868 (0.022)", "abstract"),
    ),
    differs=(
        "the abstract gives neither the margins that were compared nor the size of the frames: 50 to 200 pixels of frames of 1,080 rows here, scaled with the rows of smaller frames",
        "the fixed box is of 100 pixels here and counts at an overlap of one half; both are ours, as the abstract does not tell them",
        "videos are never split between parts, which the abstract does not say; margins are compared on a hold-out of videos, and `osteon run cho_2021 --folds 5` cross-validates",
        "the simulated videos are many and short, with up to five annotated frames each, where the paper has nine with some 257",
        "the confidence that is asked of an answer is chosen on the tune part, by F1",
        "YOLOv2 is written from its paper, RetinaNet is torchvision's; both are narrower below the budget 'gpu', and weights begin at random",
        "a frame may show two tips, or none: then every answer is a false one",
        "speed on a stream is measured here and is no figure of the paper's abstract",
    ),
)

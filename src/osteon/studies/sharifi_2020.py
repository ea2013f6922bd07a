"""Sharifi Renani 2020: twelve gait parameters from wearable sensors, by which network and from which sensors."""

from __future__ import annotations

from osteon.design import CrossValidation
from osteon.geometry.gait import SIDES
from osteon.models import Formula, Net, arms
from osteon.readers.inputs import Gait
from osteon.readers.signal import walked
from osteon.simulate.gait import PARAMETERS, gait_walks
from osteon.study import Claim, Study
from osteon.targets import Measures
from osteon.validation.analyses import PercentErrors, Ranked
from osteon.value import Readings, Trajectory

NETS = {"CNN of Hannink": "hannink_cnn", "DeepConvLSTM": "deepconvlstm", "BiLSTM": "bilstm", "LSTM": "lstm", "CNN-LSTM": "cnn_lstm"}  # a small budget trains the first arm and the last
FEET, SHANKS, THIGHS, PELVIS = ("foot_R", "foot_L"), ("shank_R", "shank_L"), ("thigh_R", "thigh_L"), ("pelvis",)
ALL = "all sensors"
SETS = {ALL: (*FEET, *SHANKS, *THIGHS, *PELVIS), "feet + shanks + thighs": (*FEET, *SHANKS, *THIGHS), "feet + shanks + pelvis": (*FEET, *SHANKS, *PELVIS),
        "feet + thighs + pelvis": (*FEET, *THIGHS, *PELVIS), "shanks + thighs + pelvis": (*SHANKS, *THIGHS, *PELVIS), "feet + shanks": (*FEET, *SHANKS),
        "feet + thighs": (*FEET, *THIGHS), "feet + pelvis": (*FEET, *PELVIS), "shanks + thighs": (*SHANKS, *THIGHS), "shanks + pelvis": (*SHANKS, *PELVIS),
        "thighs + pelvis": (*THIGHS, *PELVIS), "feet": FEET, "shanks": SHANKS, "thighs": THIGHS, "pelvis": PELVIS}


def strides(net: str, sensors: tuple[str, ...]) -> Net:
    """One network on the strides of a walk, as some sensors see them."""
    return Net(net, reads=("imu",), writes=("gait",), settings={"cut": "strides", "sensors": sensors, "batch": 32, "rate": 3e-3})


def counted(imu: Trajectory) -> Readings:
    """What needs no network: stride time and cadence of each leg by its swings."""
    found = walked(imu)
    times = {side: [stride.stop - stride.start for stride in found if stride.side == side] for side in SIDES}
    mean = {side: sum(own) / len(own) for side, own in times.items() if own}
    values = {f"stride_time.{side}": t for side, t in mean.items()} | {f"cadence.{side}": 120 / t for side, t in mean.items()}
    rest = {f"{name}.{side}": "not told by the swings alone" for name in PARAMETERS for side in SIDES}
    return Readings(values, reasons={key: reason for key, reason in rest.items() if key not in values})


STUDY = Study(
    cite="Sharifi Renani M, Myers CA, Zandie R, et al. Sensors (Basel) 2020; 20(19): 5553",
    doi="10.3390/s20195553",
    reference=61,
    areas=("basic ai education", "outcomes assessment"),
    unit="leg",
    question="Which network and which wearable sensors tell twelve gait parameters of people with knee osteoarthritis or a knee replacement?",
    inputs={"imu": Gait("a walk recorded by seven inertial sensors: feet, shanks, thighs, pelvis")},
    targets={"gait": Measures(PARAMETERS, "speed", per=SIDES)},
    primary="gait",
    design=CrossValidation(folds=5),
    models={**arms(strides, net={"CNN of Zrenner": "zrenner_cnn"}, sensors=SETS), **arms(strides, net=NETS, sensors={ALL: SETS[ALL]}),
            "strides counted": Formula(counted, reads=("imu",), writes=("gait",))},
    simulate=gait_walks,
    analyses=(Ranked(along="sensors"), Ranked(along="net"), PercentErrors(by=("group", "pace"))),
    subgroups=("group", "pace", "site"),
    claims=(
        Claim("people", "29: 14 with osteoarthritis, 15 with a knee replacement, each 15 walks of 5 m, slow, chosen and fast", "people and paces: abstract; the rest: notes that quote the paper"),
        Claim("percent error over the twelve parameters", "2.1 % (stride time) to 73.7 % (toe-out)", "abstract"),
        Claim("best and worst of fifteen sensor sets", "feet + thighs (mean rank 5.1), pelvis alone", "abstract; the rank: notes that quote the paper"),
        Claim("mean and median normalised error", "19.0 % and 6.6 % with osteoarthritis, 14.7 % and 4.6 % with a replacement", "notes that quote the paper"),
    ),
    differs=(
        "the abstract names neither the six networks nor the twelve parameters: Zrenner's was the paper's choice, the other five and the list are ours",
        "layer sizes of Zrenner's network are ours; its own were made for running; those of Hannink's network and of DeepConvLSTM were not read again in their papers",
        "strides are answered one by one and averaged over a leg of a walk; the leg is judged, and it teaches each of its strides",
        "strides go from mid-swing to mid-swing by the gyroscopes of the feet, for every sensor set; 100 samples each, the duration beside them, so that every set knows the stride time",
        "a left stride is learnt as the right one of a person in the mirror",
        "accelerometers feel gravity here; the paper used free acceleration",
        "an error is normalised by the mean of the truth and not case by case: of a toe-out near zero nothing else is finite",
        "a person whose errors lie apart is named in the results and stays in them",
        "networks are narrower than the published ones below the budget 'gpu'; weights start at random",
    ),
)

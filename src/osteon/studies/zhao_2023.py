"""Zhao 2023: Cobb angles of the spine on posteroanterior radiographs, from end vertebrae that a network names."""

from __future__ import annotations

from osteon.datasets.spine_aasce2019 import spine_aasce2019
from osteon.design import HoldOut
from osteon.geometry.spine import ENDS, POINTS, SPINE_UNITS, mark_ends, measure_named
from osteon.models import Net
from osteon.readers.inputs import Radiograph
from osteon.simulate.ap_spine import ap_spine
from osteon.study import Claim, Study
from osteon.targets import Declared, Landmarks, Measures

STUDY = Study(
    cite="Zhao M, Meng N, Cheung JPY, et al. Bioengineering (Basel) 2023; 10(11): 1333",
    doi="10.3390/bioengineering10111333",
    reference=66,
    areas=("radiographic assessment",),
    unit="film",
    question="Does a transformer on a high-resolution network read Cobb angles better than the network alone?",
    inputs={"xray": Radiograph("frontal radiograph of the whole spine, T1 to L5")},
    targets={"cobb": Measures(SPINE_UNITS, "main", cut=Declared(above=25.0), read=measure_named, landmarks=Landmarks(POINTS, ENDS, marked=mark_ends))},
    primary="cobb",
    design=HoldOut(train=0.64, tune=0.16, test=0.2),
    models={"HRNet + transformer": Net("hrnet_transformer", reads=("xray",), writes=("cobb",)),
            "HRNet": Net("hrnet", reads=("xray",), writes=("cobb",))},
    simulate=ap_spine,
    datasets={"spine_aasce2019": spine_aasce2019},
    subgroups=("sex", "site"),
    claims=(
        Claim("radiographs", "1,934; 80 % to learn, 20 % for the test, and a prospective set", "abstract"),
        Claim("correlation (Pearson's r) of the Cobb angle, beside that of the group's earlier network without transformer", "0.86 and 0.83", "abstract", "cobb.main.r"),
        Claim("mean distance of landmarks, beside that of the earlier network", "2.47 and 2.74 pixels", "abstract", "cobb.landmarks.distance"),
        Claim("sensitivity for normal or mild, moderate, severe", "0.93, 0.74, 0.74", "abstract"),
    ),
    differs=(
        "18 vertebrae from C7 in the paper, 17 from T1 here: neither the simulator nor AASCE 2019 has points on C7",
        "how the paper lays out its heat-maps of end vertebrae could not be read: two maps here, by the side on which an end vertebra lies low",
        "end vertebrae are taught for curves of 10 degrees or more, for the largest where there is none; above and below those that the network names, curves are sought by tilt",
        "found points are drawn to the shapes of the train part, a step that the paper does not name; `largest_tilt` is the reading without named end vertebrae",
        "the 25 degree cut is ours, to give a two-by-two; the cuts of the paper's three grades are not in its abstract",
        "the paper's comparator is its earlier network; here it is this network without the transformer",
        "the prospective set is a second site, asked of the finished run (`osteon validate`)",
        "AASCE 2019 gives angles between mid-lines and not between endplates: they are compared with the reading `midline`",
        "networks are narrower than the published ones below the budget 'gpu'; weights start at random",
    ),
)

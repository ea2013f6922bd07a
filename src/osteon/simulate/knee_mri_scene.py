"""What lies in one plane through a knee: layers in the order in which they are painted, and points worth naming.

Bones, their placing and their wear are those of the radiographs (`knee_bones`, `knee_pose`); cartilage is a coat on them, menisci fill the gap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from osteon.geometry.knee_oa import COMPARTMENTS
from osteon.simulate import knee_bones, knee_menisci, knee_mri_soft
from osteon.simulate.frustum import Placed
from osteon.simulate.knee_bones import SIGN
from osteon.simulate.knee_menisci import Lesion
from osteon.simulate.knee_mri_soft import Body
from osteon.simulate.knee_pose import Knee
from osteon.simulate.mri_paint import Layer
from osteon.simulate.sdf import Solid, cone, join, solid
from osteon.simulate.voxels import Lattice, Near, Window, distance, shares

STRUCTURES = ("femur", "tibia", "patella", "fibula", "femoral cartilage", "tibial cartilage", "patellar cartilage", "medial meniscus", "lateral meniscus",
              "anterior cruciate ligament", "posterior cruciate ligament", "patellar tendon", "quadriceps tendon", "effusion")
JOINT_REACH = 9.5  # mm from the bones at which cartilage and menisci are worked out
JOINT_SPAN: Mapping[str, tuple[float, float]] = {"femur": (-12.0, 66.0), "tibia": (-16.0, 24.0), "patella": (18.0, 68.0)}  # mm above the origin of each bone
COATED: Mapping[str, str] = {"femur": "femoral cartilage", "tibia": "tibial cartilage", "patella": "patellar cartilage"}
LOST = "lost edge"  # of a meniscus: the name of the layer of fluid in its place
CLOSED_MM = 3.4  # cartilage that is so near to its partner touches it


@dataclass(frozen=True)
class Focus:
    """A focal loss of cartilage of the femur: side, bearing on the condyle (degrees; 0 = straight down, 90 = forwards), where across it (mm), radius (mm), depth (share), oedema below it (mm)."""

    side: str = "medial"
    bearing: float = -8.0
    across: float = 22.0
    radius: float = 5.0
    depth: float = 0.0
    oedema: float = 0.0


@dataclass(frozen=True, eq=False)
class Anatomy:
    """Everything that lies in one knee; `torn_acl` blurs and breaks the anterior cruciate ligament, `cartilage` is its full thickness (mm; femur and tibia)."""

    knee: Knee
    body: Body
    lesions: Mapping[str, Lesion]
    focus: Focus = Focus()
    cartilage: float = 2.3
    torn_acl: bool = False
    solids: Mapping[str, Placed] = field(default_factory=dict)


def anatomy(knee: Knee, body: Body, lesions: Mapping[str, Lesion], focus: Focus = Focus(), *, torn_acl: bool = False, cartilage: float = 2.3) -> Anatomy:
    """The solids of a knee, placed once for all its slices."""
    soft = knee_mri_soft
    solids = {"skin": soft.skin(knee), "pad": soft.pads(knee)}
    for part in (soft.muscles(knee, body), soft.tendons(knee), soft.cruciates(knee), soft.vessels(knee), soft.fluid(knee, body), knee.bones):
        solids |= dict(part)
    for k, (bone, made) in enumerate(knee_bones.scars(knee.shape, 22.0)):
        solids[f"scar {k}"] = knee.placed(bone, made)
    return Anatomy(knee, body, lesions, focus, cartilage, torn_acl, solids)


@dataclass(frozen=True, eq=False)
class Coat:
    """Distance to a bone near the joint, the thickness (mm) of its cartilage at every point, and that without a focal defect."""

    near: Near
    thick: np.ndarray
    whole: np.ndarray


@dataclass(frozen=True, eq=False)
class Brush:
    """One plane (a lattice of one slice), the width (mm) over which an edge is shared between neighbouring points, and the thickness (mm) of the slice."""

    lattice: Lattice
    soft: float
    thick: float = 0.0

    @property
    def edge(self) -> float:
        """How far (mm) from a surface the slice shares its edge, and a little more."""
        return 0.5 * (self.soft + self.thick) + 0.2

    def near(self, placed: Placed, reach: float = 0.0, inside: float = 0.0) -> Near | None:
        """Distance of a solid near its surface, at least as far as the slice shares its edge."""
        return distance(self.lattice, placed, reach=max(reach, self.edge), inside=max(inside, self.edge))

    def cover(self, mm: np.ndarray) -> np.ndarray:
        """The share of each point, as thick as the slice, that lies where the distance is below 0."""
        return shares(mm, self.lattice.step[1], self.soft, self.thick)

    def layer(self, name: str, tissue: str, window: Window, mm: np.ndarray, most: float = 1.0) -> Layer:
        """A layer of all that lies below 0."""
        cover = self.cover(mm)[0]
        return Layer(name, tissue, window[1:], cover if most == 1.0 else cover * np.float32(most))


def layers(scene: Anatomy, lattice: Lattice) -> list[Layer]:
    """The layers of a lattice of one slice."""
    brush = Brush(lattice, float(max(lattice.step[1:])), lattice.step[0])
    return [*_envelope(scene, brush), *_bellies(scene, brush), *_cords(scene, brush), *_joint(scene, brush)]


def _solid(scene: Anatomy, brush: Brush, solid: str, tissue: str, *, name: str = "", grown: float = 0.0, most: float = 1.0) -> Iterator[Layer]:
    """A solid of the scene, grown by some mm, as one layer where the plane meets it."""
    if solid in scene.solids and (near := brush.near(scene.solids[solid], brush.edge + max(grown, 0), brush.edge + max(-grown, 0))) is not None:
        yield brush.layer(name or solid, tissue, near.window, near.mm - np.float32(grown), most)


def _envelope(scene: Anatomy, brush: Brush) -> Iterator[Layer]:
    fat = scene.body.fat
    yield from _solid(scene, brush, "skin", "skin", grown=fat)
    yield from _solid(scene, brush, "skin", "fat", name="fat", grown=fat - 1.4)
    yield from _solid(scene, brush, "pad", "pad")


def _bellies(scene: Anatomy, brush: Brush) -> Iterator[Layer]:
    for table in (knee_mri_soft.CALF, knee_mri_soft.THIGH):
        for name in table:
            yield from _solid(scene, brush, name, "fascia", grown=0.35, most=0.6)
            yield from _solid(scene, brush, name, "muscle", grown=-0.35)


def _cords(scene: Anatomy, brush: Brush) -> Iterator[Layer]:
    for name, inner in (("popliteal vein", "slow blood"), ("popliteal artery", "fast blood"), ("tibial nerve", "nerve")):
        yield from _solid(scene, brush, name, "vessel wall" if inner != "nerve" else "fascia")
        yield from _solid(scene, brush, name, inner, grown=-0.7)
    yield from _solid(scene, brush, "effusion", "fascia", grown=0.5, most=0.7)
    yield from _solid(scene, brush, "effusion", "fluid")
    yield from _solid(scene, brush, "popliteal cyst", "fascia", grown=0.6)
    yield from _solid(scene, brush, "popliteal cyst", "fluid")
    for name in ("quadriceps tendon", "patellar tendon", "medial collateral ligament", "lateral collateral ligament", "iliotibial band", "semitendinosus"):
        yield from _solid(scene, brush, name, "tendon")


def _joint(scene: Anatomy, brush: Brush) -> Iterator[Layer]:
    """Bones with marrow, then what lies between them."""
    near = {bone: brush.near(scene.solids[bone], JOINT_REACH if bone in MAKERS else 0.0, 6.5) for bone in ("femur", "tibia", "patella", "fibula")}
    coats = {bone: coat for bone in MAKERS if (found := near[bone]) is not None and (coat := _coat(scene, brush, bone, found)) is not None}
    for coat in coats.values():
        yield brush.layer("fluid", "fluid", coat.near.window, np.where(coat.whole > 0.5, np.maximum(-coat.near.mm, coat.near.mm - coat.whole - _film(scene)), 9.0), 0.9)
    yield from _ligaments(scene, brush)
    for bone, found in near.items():
        if found is not None:
            yield from _bone(scene, brush, bone, found)
    for bone, coat in coats.items():
        yield from _cartilage(brush, bone, coat)
    yield from _solid(scene, brush, "popliteus tendon", "slanted tendon")
    yield from _menisci(scene, brush, coats)
    for side, lesion in scene.lesions.items():
        if lesion.kind == "bucket handle" and (found := brush.near(scene.knee.placed("tibia", _fragment(side, scene.knee.shape.width)))) is not None:
            yield brush.layer(f"{side} meniscus", "fragment", found.window, found.mm)


def _film(scene: Anatomy) -> float:
    """Thickness (mm) of the film of fluid on cartilage."""
    return 0.12 + 0.05 * scene.body.effusion


def _cartilage(brush: Brush, bone: str, coat: Coat) -> Iterator[Layer]:
    """Cartilage, darker next to the bone, where it is thick enough to be seen."""
    mm, there = coat.near.mm, coat.thick > 0.15
    for tissue, share, most in (("cartilage", 1.0, 1.0), ("deep cartilage", 0.42, 0.75)):
        yield brush.layer(COATED[bone], tissue, coat.near.window, np.where(there, np.maximum(-mm, mm - np.float32(share) * coat.thick), 9.0), most)


def _bone(scene: Anatomy, brush: Brush, bone: str, found: Near) -> Iterator[Layer]:
    """Cortex, marrow within it, the scar of the growth plate, oedema."""
    placed = scene.solids[bone]
    z = brush.lattice.along(placed.turn[:, 2], placed.shift, found.window)
    low, high = placed.solid.ends
    levels = np.linspace(low, high, len(placed.solid.shell))
    cortex = np.interp(z, levels, placed.solid.shell[:, 0]).astype(np.float32)
    yield brush.layer(bone, "cortex", found.window, found.mm)
    thin = 0.35 + 0.72 * cortex
    yield brush.layer(bone, "marrow", found.window, found.mm + np.minimum(thin, 4.4))
    for k, owner in ((0, "tibia"), (1, "femur")):
        if owner == bone:
            yield from _solid(scene, brush, f"scar {k}", "scar", name=bone, grown=-0.25, most=0.55)
    if bone == "femur" and scene.focus.oedema > 0:
        yield from _oedema(scene, brush, found)


def _oedema(scene: Anatomy, brush: Brush, found: Near) -> Iterator[Layer]:
    """Marrow oedema below the defect: strongest in its middle, fading out."""
    middle = _focus_point(scene, -0.45 * scene.focus.oedema)
    apart = [brush.lattice.along(axis, middle, found.window) for axis in np.eye(3)]
    r2 = sum(a * a for a in apart) / np.float32(scene.focus.oedema**2)
    yield Layer("femur", "oedema", found.window[1:], (np.float32(0.85) * np.exp(-1.3 * r2) * brush.cover(found.mm + 1.2))[0])


def _focus_point(scene: Anatomy, lift: float = 0.0) -> np.ndarray:
    """The middle of the defect on the femur, in the world; `lift` mm further from the condyle's axis."""
    focus, knee = scene.focus, scene.knee
    b = np.radians(focus.bearing)
    depth = 29.0 * np.sin(b), -21.2 * np.cos(b)
    local = np.array([SIGN[focus.side] * focus.across * knee.shape.width, -7.0 + depth[0] + lift * np.sin(b), 21.4 + depth[1] - lift * np.cos(b)])
    return knee.bones["femur"].world(knee.shape.joint_femur @ local + (knee.shape.beside[0], 0, 0))


def _local(brush: Brush, placed: Placed, window: Window, turn: np.ndarray, aside: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coordinates of the points of a window along the axes of a joint surface."""
    axes = placed.turn @ turn
    origin = placed.world(np.array([aside, 0.0, 0.0]))
    x, y, z = (brush.lattice.along(axes[:, k], origin, window) for k in range(3))
    return x, y, z


def _ramp(value: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 below `low`, 1 above `high`, smooth between (and falling where low > high)."""
    t = np.clip((value - np.float32(low)) / np.float32(high - low), 0, 1)
    return t * t * (3 - 2 * t)


def _coat(scene: Anatomy, brush: Brush, bone: str, near: Near) -> Coat | None:
    """The cartilage of a bone within the part of its window that lies about the joint."""
    lattice, span = brush.lattice, JOINT_SPAN[bone]
    rows = np.sort((lattice.index(scene.knee.bones[bone].shift)[1] - np.array(span) / lattice.step[1]).round().astype(int))
    whole = near.window[1]
    part = slice(max(whole.start, int(rows[0])), min(whole.stop, int(rows[1])))
    if part.stop <= part.start:
        return None
    cut = Near((near.window[0], part, near.window[2]), near.mm[:, part.start - whole.start: part.stop - whole.start])
    thick, full = MAKERS[bone](scene, brush, cut.window)
    return Coat(cut, thick, full)


def _share(scene: Anatomy, x: np.ndarray) -> np.ndarray:
    """The thickness of one coat where femur and tibia meet: no more than half of the joint space of the compartment."""
    medial, lateral = (min(scene.cartilage, 0.46 * space) for space in scene.knee.wear.space)
    return medial + (lateral - medial) * _ramp(x, -10, 10)


def _femoral_coat(scene: Anatomy, brush: Brush, window: Window) -> tuple[np.ndarray, np.ndarray]:
    knee = scene.knee
    w = knee.shape.width
    x, y, z = _local(brush, knee.bones["femur"], window, knee.shape.joint_femur, knee.shape.beside[0])
    bearing = np.degrees(np.arctan2(y + 7, 22 - z))
    along = _ramp(bearing, -122, -100) * _ramp(bearing, 134, 122)
    wall = 1 - _ramp(np.abs(x), 13.0 * w, 9.5 * w) * _ramp(y, 6, 1)
    side = _ramp(np.hypot((y + 7) / 30, (z - 21.4) / 21), 0.42, 0.66)  # not on the flanks, which face neither tibia nor patella
    worn = _share(scene, x)
    trochlea = _ramp(bearing, 55, 85)
    whole = ((worn * (1 - trochlea) + 1.25 * scene.cartilage * trochlea) * along * wall * side).astype(np.float32)
    focus = scene.focus
    if focus.depth == 0:
        return whole, whole
    away = np.hypot((bearing - focus.bearing) * (25 * np.pi / 180), x - SIGN[focus.side] * focus.across * w)
    return (whole * (1 - focus.depth * _ramp(away, focus.radius, focus.radius - 1.6))).astype(np.float32), whole


def _tibial_coat(scene: Anatomy, brush: Brush, window: Window) -> tuple[np.ndarray, np.ndarray]:
    knee = scene.knee
    w = knee.shape.width
    x, y, z = _local(brush, knee.bones["tibia"], window, knee.shape.joint_tibia, knee.shape.beside[1])
    round_ = np.hypot((np.abs(x) - 22.5 * w) / (15.5 * w), (y + 5) / 19.5)
    whole = np.asarray(_share(scene, x) * (1 + 0.15 * _ramp(x, 4, 16)) * (1 + 0.55 * _ramp(round_, 0.75, 0.1)) * _ramp(round_, 1.1, 0.6) * _ramp(z, -7, -4), np.float32)
    return whole, whole


def _patellar_coat(scene: Anatomy, brush: Brush, window: Window) -> tuple[np.ndarray, np.ndarray]:
    knee = scene.knee
    x, y, z = _local(brush, knee.bones["patella"], window, np.eye(3), 0.0)
    round_ = np.hypot((x - 3) / (18.5 * knee.shape.width), (z - 45) / 15.0)
    whole = np.asarray(1.35 * scene.cartilage * _ramp(round_, 1.05, 0.35) ** 0.5 * _ramp(y, 39.5, 37.5), np.float32)
    return whole, whole


MAKERS: Mapping[str, Callable[[Anatomy, Brush, Window], tuple[np.ndarray, np.ndarray]]] = {"femur": _femoral_coat, "tibia": _tibial_coat, "patella": _patellar_coat}


def _ligaments(scene: Anatomy, brush: Brush) -> Iterator[Layer]:
    yield from _solid(scene, brush, "posterior cruciate ligament", "fascia", name="synovium", grown=0.6, most=0.5)
    yield from _solid(scene, brush, "posterior cruciate ligament", "tight ligament")
    if scene.torn_acl:
        yield from _solid(scene, brush, "anterior cruciate ligament", "mucoid", grown=1.0, most=0.9)
        return
    yield from _solid(scene, brush, "anterior cruciate ligament", "ligament")
    yield from _solid(scene, brush, "fibres", "tight ligament", name="anterior cruciate ligament", most=0.8)


def _menisci(scene: Anatomy, brush: Brush, coats: Mapping[str, Coat]) -> Iterator[Layer]:
    """Each meniscus where the plane meets it, its lesion, and the fragment of a bucket handle in the notch."""
    if "femur" not in coats or "tibia" not in coats:
        return
    window = _common(coats["femur"].near.window, coats["tibia"].near.window)
    if window is None:
        return
    over, under = (_within(coats[bone].near.mm - coats[bone].whole, coats[bone].near.window, window) for bone in ("femur", "tibia"))
    bed = _within(coats["tibia"].whole, coats["tibia"].near.window, window)
    knee = scene.knee
    x, y, z = _local(brush, knee.bones["tibia"], window, knee.shape.joint_tibia, knee.shape.beside[1])
    for side in COMPARTMENTS:
        yield from _meniscus(scene, brush, side, window, (over, under, x, y, z, bed))


def _meniscus(scene: Anatomy, brush: Brush, side: str, window: Window, at: tuple[np.ndarray, ...]) -> Iterator[Layer]:
    over, under, x, y, z, bed = at
    lesion, size = scene.lesions[side], scene.knee.shape.width
    around = knee_menisci.ring(side, x, y, under, size)
    top = np.minimum(knee_menisci.height(around.depth, around.width, size), np.maximum(over + under, 0.2))
    whole = _rounded(np.maximum(around.plan, under - top), np.maximum(np.maximum(0.1 - under, 0.1 - over), -0.4 - z), 1.2)
    if float(whole.min()) > 0.3:
        return
    yield from _gap(scene, brush, window, (over, under, bed), around)
    lost = knee_menisci.lost_edge(lesion, around) if lesion.truncated else np.float32(9.0)
    body = np.maximum(whole, -lost)
    name = f"{side} meniscus"
    yield brush.layer(name, "meniscus", window, body)
    if lesion.state != "healthy":
        line = knee_menisci.line_distance(lesion, around, under, top) - np.float32(lesion.half)
        yield brush.layer(name, "cleft" if lesion.state == "torn" else "mucoid", window, np.maximum(line, body), lesion.strength)
    if lesion.truncated:
        yield brush.layer(LOST, "fluid", window, np.maximum(whole, lost))


def _gap(scene: Anatomy, brush: Brush, window: Window, at: tuple[np.ndarray, ...], around: knee_menisci.Ring) -> Iterator[Layer]:
    """Within the ring: fluid between the surfaces, and cartilage on both where they are loaded and meet."""
    over, under, bed = at
    room = np.maximum(np.maximum(-over, -under), np.maximum(around.depth - around.width, under + over - 6))
    room = np.where(bed > 0.4, room, np.float32(9.0))
    yield brush.layer("fluid", "fluid", window, room)
    closed, tilt = np.maximum(room, 0.5 * (over + under - CLOSED_MM)), 0.5 * (under - over)
    yield brush.layer("femoral cartilage", "cartilage", window, closed)
    yield brush.layer("tibial cartilage", "cartilage", window, np.maximum(closed, tilt))
    yield brush.layer("fluid", "fluid", window, np.maximum(closed, np.abs(tilt) - 0.5 * _film(scene)), 0.45)


def _rounded(a: np.ndarray, b: np.ndarray, k: float) -> np.ndarray:
    """The larger of two distances, their common edge rounded over k mm."""
    h = np.maximum(np.float32(k) - np.abs(a - b), 0)
    return np.maximum(a, b) + h * h / np.float32(4 * k)


def _fragment(side: str, size: float) -> Solid:
    return solid([join(cone((SIGN[side] * 6.5 * size, 8, 6.5), (SIGN[side] * 4.5 * size, -4, 10.5), 1.8, 2.2)), join(cone((SIGN[side] * 4.5 * size, -4, 10.5), (SIGN[side] * 7.5 * size, -17, 6.5), 2.2, 1.8))])


def _common(one: Window, other: Window) -> Window | None:
    """Where two windows overlap."""
    parts = [slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(one, other, strict=True)]
    return None if any(p.stop <= p.start for p in parts) else (parts[0], parts[1], parts[2])


def _within(values: np.ndarray, have: Window, want: Window) -> np.ndarray:
    """The part of an array over one window that lies in another."""
    return values[tuple(slice(w.start - h.start, w.stop - h.start) for h, w in zip(have, want, strict=True))]

"""What lies in one plane through a shoulder: layers in the order in which they are painted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from osteon.simulate import shoulder_mri_solids as solids
from osteon.simulate import shoulder_mri_tendon as tendon
from osteon.simulate.frustum import Placed
from osteon.simulate.knee_mri_scene import Brush
from osteon.simulate.mri_paint import Layer
from osteon.simulate.sdf import ellipsoid, join
from osteon.simulate.shoulder_mri_solids import GAP_MM, Build
from osteon.simulate.shoulder_mri_tendon import Tear
from osteon.simulate.voxels import Lattice, Near

STRUCTURES = ("humerus", "scapula", "acromion", "clavicle", "humeral cartilage", "glenoid cartilage", "labrum", "supraspinatus tendon", "supraspinatus", "deltoid", "trapezius", "bursa", "joint fluid",
              "acromioclavicular joint", "biceps tendon", "tear")
LYING: Mapping[str, str] = {"supraspinatus": "lying muscle", "subscapularis": "lying muscle", "infraspinatus": "lying muscle", "trapezius": "lying muscle", "teres major": "lying muscle"}  # fibres across the body
CUFF_REACH = 17.0  # mm above the humerus at which the cuff is worked out
COAT = 1.35  # mm of cartilage on the head at its middle
BIN = 2.0  # degrees of bearing over which the thickness is measured
BURSA_MM = (0.5, 1.6)  # fat about the bursa on the side of the muscle: least and by how much more


@dataclass(frozen=True)
class Wet:
    """Fluid and what comes with age, none of it tied to the tendon: mm in the joint, in the bursa and in the acromioclavicular joint; radius (mm) of a cyst and of oedema of the greater
    tuberosity (0: none), share of the belly that is fat."""

    joint: float = 1.0
    bursa: float = 0.3
    clavicular: float = field(default=0.5, kw_only=True)
    cyst: float = field(default=0.0, kw_only=True)
    oedema: float = field(default=0.0, kw_only=True)
    fatty: float = field(default=0.1, kw_only=True)


@dataclass(frozen=True, eq=False)
class Anatomy:
    """Everything that lies in one shoulder."""

    build: Build
    tear: Tear
    wet: Wet
    solids: Mapping[str, Placed] = field(repr=False)


def anatomy(build: Build, tear: Tear, wet: Wet) -> Anatomy:
    """The solids of a shoulder, placed once for all its slices."""
    made = {**solids.bones(build), **solids.muscles(build), **solids.envelope(build), **solids.cords(build), **solids.fluid(build, wet.joint, wet.clavicular), "labrum": solids.labrum(build)}
    r = build.head
    if wet.cyst > 0:
        made["cyst"] = solids.placed([join(ellipsoid((0.74 * r, -1, 0.56 * r), (wet.cyst,) * 3))])
    return Anatomy(build, tear, wet, made)


@dataclass(frozen=True, eq=False)
class Painted:
    """The layers of a plane, the layer of what is torn (None: nothing is), and the thickness of the tendon that is gone along its bearing (bearings, mm; of the tendon that is there likewise)."""

    layers: list[Layer]
    gap: Layer | None
    lost: np.ndarray
    whole: np.ndarray


def painted(scene: Anatomy, lattice: Lattice) -> Painted:
    """The layers of a lattice of one slice."""
    brush = Brush(lattice, float(max(lattice.step[1:])), lattice.step[0])
    cuff = _cuff(scene, brush)
    return Painted([*_envelope(scene, brush), *_joint(scene, brush), *cuff.layers, *_solid(scene, brush, "biceps tendon", "tendon")], cuff.gap, cuff.lost, cuff.whole)


def _solid(scene: Anatomy, brush: Brush, solid: str, tissue: str, *, name: str = "", grown: float = 0.0, most: float = 1.0) -> Iterator[Layer]:
    """A solid of the scene, grown by some mm, as one layer where the plane meets it."""
    if solid in scene.solids and (near := brush.near(scene.solids[solid], brush.edge + max(grown, 0), brush.edge + max(-grown, 0))) is not None:
        yield brush.layer(name or solid, tissue, near.window, near.mm - np.float32(grown), most)


def _envelope(scene: Anatomy, brush: Brush) -> Iterator[Layer]:
    """Skin and its fat, chest, then the bellies, each within its fascia, and vessels."""
    fat = scene.build.fat
    yield from _solid(scene, brush, "skin", "skin", grown=fat)
    yield from _solid(scene, brush, "skin", "fat", name="fat", grown=fat - 1.5)
    for name in ("chest wall", "trapezius", "deltoid", "subscapularis", "infraspinatus", "teres major", "coracobrachialis", "triceps", "supraspinatus"):
        yield from _solid(scene, brush, name, "fascia", grown=0.35, most=0.6)
        yield from _solid(scene, brush, name, LYING.get(name, "muscle"), grown=-0.35)
    yield from _solid(scene, brush, "supraspinatus", "pad", grown=-1.5, most=0.75 * scene.wet.fatty)
    yield from _solid(scene, brush, "lung", "air")
    for name, inner in (("axillary vein", "slow blood"), ("axillary artery", "fast blood"), ("circumflex vessels", "slow blood"), ("suprascapular vessels", "slow blood"), ("axillary nerve", "nerve")):
        yield from _solid(scene, brush, name, "vessel wall" if inner != "nerve" else "fascia")
        yield from _solid(scene, brush, name, inner, grown=-0.6)


def _joint(scene: Anatomy, brush: Brush) -> Iterator[Layer]:
    """Bones with their marrow, and what lies between them."""
    yield from _solid(scene, brush, "acromioclavicular joint", "fascia", grown=1.2, most=0.9)
    for name, marrow in (("clavicle", "marrow"), ("acromion", "marrow")):
        yield from _bone(scene, brush, name, marrow)
    yield from _solid(scene, brush, "acromioclavicular joint", "cleft" if scene.wet.clavicular < 1 else "fluid", most=0.9)
    yield from _solid(scene, brush, "recess", "ligament", grown=1.1)
    yield from _solid(scene, brush, "recess", "fluid", name="joint fluid")
    yield from _bone(scene, brush, "scapula", "marrow")
    yield from _space(scene, brush)
    yield from _solid(scene, brush, "labrum", "meniscus")
    yield from _bone(scene, brush, "humerus", "marrow")
    yield from _tuberosity(scene, brush)


def _bone(scene: Anatomy, brush: Brush, name: str, marrow: str) -> Iterator[Layer]:
    """Cortex, and marrow within it; red marrow below the head of the humerus."""
    placed = scene.solids[name]
    if (near := brush.near(placed, 0.0, 7.0)) is None:
        return
    z = brush.lattice.along(placed.turn[:, 2], placed.shift, near.window)
    low, high = placed.solid.ends
    thin = np.interp(z, np.linspace(low, high, len(placed.solid.shell)), placed.solid.shell[:, 0]).astype(np.float32)
    yield brush.layer(name, "cortex", near.window, near.mm)
    inner = near.mm + thin
    yield brush.layer(name, marrow, near.window, inner)
    if name == "humerus":
        red = np.float32(0.4) * _ramp(z, -4, -16) * _ramp(z, -62, -38)
        yield Layer(name, "red marrow", near.window[1:], (red * brush.cover(inner))[0])
        scar = np.abs(z + 0.55 * np.abs(brush.lattice.along(np.eye(3)[0], np.array([2.0, 0, 0]), near.window)) - 1.5) - 0.45
        yield brush.layer(name, "scar", near.window, np.maximum(scar, near.mm + 2.0), 0.2)


def _tuberosity(scene: Anatomy, brush: Brush) -> Iterator[Layer]:
    """A cyst and oedema of the greater tuberosity: they know nothing of the tendon here."""
    if scene.wet.oedema > 0:
        r, near = scene.build.head, brush.near(scene.solids["humerus"], 0.0, 7.0)
        if near is not None:
            apart = [brush.lattice.along(axis, np.array([0.72 * r, 1.0, 0.42 * r]), near.window) for axis in np.eye(3)]
            yield Layer("humerus", "oedema", near.window[1:], (np.float32(0.75) * np.exp(-1.2 * sum(a * a for a in apart) / np.float32(scene.wet.oedema**2)) * brush.cover(near.mm + 1.0))[0])
    yield from _solid(scene, brush, "cyst", "scar", name="humerus", grown=0.6, most=0.7)
    yield from _solid(scene, brush, "cyst", "fluid", name="humerus")


def _space(scene: Anatomy, brush: Brush) -> Iterator[Layer]:
    """Between head and socket: both coats of cartilage with a film of fluid, the coat of the head up to the footprint, fluid under the capsule."""
    if (near := brush.near(scene.solids["humerus"], 9.0, 4.5)) is None:
        return
    x, y, z = _at(brush, near)
    r, mm = scene.build.head, near.mm
    bearing = np.degrees(np.arctan2(z, x))
    ball = np.abs(np.sqrt(x * x + y * y + z * z) - np.float32(r)) < 9.0
    facing = _ramp(np.abs(np.where(bearing < -90, bearing + 360, bearing) - 150.0), 92, 80) * ball
    thick = (np.float32(COAT) * facing).astype(np.float32)
    under = np.where((bearing > 88) | (bearing < -88), np.maximum(mm - thick - np.float32(0.1 + 0.15 * scene.wet.joint), -mm), 9.0)
    yield brush.layer("joint fluid", "fluid", near.window, np.where(thick > 0.2, under, 9.0), 0.8)
    socket = np.maximum.reduce([np.abs(y + 1) - 11.0, np.abs(z + 2) - 16.0, x + 4.0, mm - GAP_MM, -mm])
    yield brush.layer("glenoid cartilage", "cartilage", near.window, np.maximum(socket, 1.6 - mm))
    yield brush.layer("joint fluid", "fluid", near.window, np.maximum(socket, np.abs(mm - 1.5) - 0.22), 0.8)
    yield brush.layer("humeral cartilage", "cartilage", near.window, np.where(thick > 0.2, np.maximum(mm - thick, -mm), 9.0))
    yield brush.layer("humeral cartilage", "deep cartilage", near.window, np.where(thick > 0.2, np.maximum(mm - 0.4 * thick, -mm), 9.0), 0.7)


def _cuff(scene: Anatomy, brush: Brush) -> Painted:
    """Fat and bursa over the tendon, the tendon with what is wrong in it."""
    near = brush.near(scene.solids["humerus"], CUFF_REACH, 4.5)
    if near is None:
        return Painted([], None, np.zeros(0), np.zeros(0))
    x, y, z = _at(brush, near)
    tear, head = scene.tear, scene.build.head
    way = tendon.course(x, y, z, near.mm, head=head, swollen=tendon.swelling(tear))
    missing = tendon.gap(tear, way)
    body = way.mm if missing is None else np.maximum(way.mm, -missing)
    layers = [*_bursa(scene, brush, near, way), brush.layer("supraspinatus tendon", "tendon", near.window, way.mm)]
    cover = brush.cover(body)[0]
    for tissue, share in (("slanted tendon", 0.9 * tendon.magic(way)), ("ligament", 0.25 * _ramp(way.bearing, 92, 120)), ("mucoid", tendon.degenerate(tear, way))):
        layers.append(Layer("supraspinatus tendon", tissue, near.window[1:], np.asarray(share[0] * cover, np.float32)))
    gone = None
    if missing is not None:
        within = np.maximum(missing, way.mm - 0.5)
        gone = brush.layer("tear", "fluid", near.window, within)
        filled = (("mucoid", 0.8), ("cleft", 0.9 * tear.wet), ("fluid", tear.wet))
        layers += [Layer("tear", tissue, near.window[1:], gone.cover * np.float32(most)) for tissue, most in filled]
    return Painted(layers, gone, *_measured(brush, way, None if gone is None else gone.cover))


def _bursa(scene: Anatomy, brush: Brush, near: Near, way: tendon.Course) -> Iterator[Layer]:
    """Fat between cuff and muscle, and the film of the bursa on the tendon, thicker where it holds fluid."""
    above = (way.depth - 1) * way.thick
    here = _ramp(way.bearing, 2, 16) * _ramp(way.bearing, 116, 98)
    low = np.where(way.bearing < tendon.EDGE, near.mm, above)
    band = np.where(here > 0.05, np.maximum(low - np.float32(BURSA_MM[0]) - BURSA_MM[1] * here, -low), 9.0)
    yield brush.layer("fat", "fat", near.window, band)
    film = np.float32(0.06 + scene.wet.bursa) * here * _ramp(way.bearing, 20, 38) * (1 - 0.5 * _ramp(way.bearing, 60, 100))
    yield brush.layer("bursa", "fluid", near.window, np.where(here > 0.05, np.maximum(low - film, -low), 9.0), min(0.9, 0.3 + 0.6 * scene.wet.bursa))


def _measured(brush: Brush, way: tendon.Course, cover: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """mm of the tendon that is gone, and mm that there were, in bins of `BIN` degrees from the edge of the footprint to the top of the belly; measured in the plane."""
    edges = np.arange(tendon.EDGE, 112.0, BIN)
    inside = brush.cover(way.mm)[0]
    place = np.digitize(way.bearing[0], edges) - 1
    held = (place >= 0) & (place < len(edges) - 1)
    per = brush.lattice.step[1] * brush.lattice.step[2] / (np.radians(BIN) * way.radius)
    whole = np.bincount(place[held], inside[held], len(edges))[:-1] * per
    return (np.zeros_like(whole) if cover is None else np.bincount(place[held], np.minimum(cover, inside)[held], len(edges))[:-1] * per), whole


def _at(brush: Brush, near: Near) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coordinates (mm) of the points of a window."""
    x, y, z = (brush.lattice.along(axis, np.zeros(3), near.window) for axis in np.eye(3))
    return x, y, z


def _ramp(value: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 below `low`, 1 above `high`, smooth between (and falling where low > high)."""
    t = np.clip((value - np.float32(low)) / np.float32(high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)

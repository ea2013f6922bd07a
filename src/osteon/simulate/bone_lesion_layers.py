"""A bone lesion as layers of one plane: rim, body with its matrix, lost cortex, mass, oedema and periosteum, over the anatomy in which it lies.

Random fields of the plane (lobules, border, patches) come from one stream and cover the same ground whatever the lesion looks like: of two looks only what differs differs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np

from osteon.simulate.bone_lesion_look import Look
from osteon.simulate.bone_lesion_site import Place
from osteon.simulate.frustum import Placed
from osteon.simulate.mri import PALETTE, Tissue
from osteon.simulate.mri_paint import Layer
from osteon.simulate.voxels import Lattice, distance, shares

REACH_MM = 76.0  # from the middle of the lesion to the edge of the ground that is worked out
FAR_MM = 26.0  # of the bone's surface that is worked out, outside and within
LOCULES = 9
NOWHERE = 99.0  # mm: the distance to what is not there
FIELDS: Mapping[str, float] = MappingProxyType({"lobes": 5.0, "border": 1.9, "patches": 3.2, "blood": 2.6, "flecks": 0.55, "cloud": 3.0})  # mm of correlation
TISSUES: Mapping[str, Tissue] = MappingProxyType({
    "tumour": Tissue(0.86, 0.0, (1150.0, 1350.0), (88.0, 80.0), ("grain", 0.10)),
    "fibrous": Tissue(0.70, 0.0, (900.0, 1050.0), (38.0, 35.0), ("grain", 0.10)),
    "chondroid": Tissue(0.95, 0.0, (1700.0, 2000.0), (190.0, 170.0), ("grain", 0.06)),
    "cyst": Tissue(0.98, 0.0, (2100.0, 2500.0), (480.0, 380.0), ("grain", 0.02)),
    "settled": Tissue(0.92, 0.0, (650.0, 760.0), (72.0, 64.0), ("grain", 0.05)),
    "necrosis": Tissue(0.95, 0.0, (1900.0, 2300.0), (290.0, 240.0), ("grain", 0.05)),
    "blood": Tissue(0.92, 0.0, (380.0, 460.0), (105.0, 90.0), ("grain", 0.08)),
    "osteoid": Tissue(0.42, 0.0, (850.0, 950.0), (17.0, 15.0), ("grain", 0.15)),
    "calcium": Tissue(0.2, 0.0, (500.0, 550.0), (3.0, 2.6)),
    "sclerosis": Tissue(0.36, 0.1, (550.0, 620.0), (4.0, 3.5)),
    "septum": Tissue(0.6, 0.0, (800.0, 900.0), (20.0, 18.0)),
    "wet muscle": Tissue(0.82, 0.03, (1500.0, 1750.0), (72.0, 64.0), ("fibres", 0.10)),
    "spinal marrow": Tissue(0.85, 0.52, (900.0, 1050.0), (45.0, 42.0), ("trabeculae", 0.08)),
    "annulus": Tissue(0.58, 0.0, (650.0, 750.0), (16.0, 15.0), ("grain", 0.06)),
    "nucleus": Tissue(0.9, 0.0, (1300.0, 1500.0), (115.0, 100.0)),
    "dry nucleus": Tissue(0.72, 0.0, (950.0, 1100.0), (46.0, 42.0), ("grain", 0.05)),
    "bowel": Tissue(0.7, 0.12, (900.0, 1000.0), (80.0, 70.0), ("septa", 0.25)),
})
LESION_PALETTE: Mapping[str, Tissue] = MappingProxyType({**PALETTE, **TISSUES})
BODY: Mapping[str, str] = {"cellular": "tumour", "fibrous": "fibrous", "chondroid": "chondroid", "osteoid": "tumour", "cystic": "cyst", "fluid levels": "cyst"}


@dataclass(frozen=True, eq=False)
class Ground:
    """The square of a plane about a lesion: sizes of a point and of the slice (mm), places from the middle of the lesion (mm; rows, cols: across, beside and along the bone, up against gravity for a
    patient on the back), distances to the bone and to what a mass does not enter (other bones, deep fascia), random fields, and middles of locules."""

    window: tuple[slice, slice]
    size: tuple[float, float]
    places: Mapping[str, np.ndarray]
    bone: np.ndarray
    clear: np.ndarray
    fields: Mapping[str, np.ndarray]
    locules: np.ndarray

    @property
    def across(self) -> np.ndarray:
        """Across the bone, in the plane."""
        return self.places["across"]

    @property
    def along(self) -> np.ndarray:
        """Along the bone."""
        return self.places["along"]

    def cover(self, mm: np.ndarray, soft: float = 0.0) -> np.ndarray:
        """The share of each point (rows, cols) below 0; an edge of `soft` mm where one is named, else as sharp as the grid."""
        pixel, thick = self.size
        if soft > pixel:
            return np.asarray(np.clip(0.5 - mm / np.float32(soft), 0, 1), np.float32)
        return np.asarray(shares(mm[None], pixel, pixel, thick)[0])

    def layer(self, name: str, tissue: str, cover: np.ndarray) -> Layer:
        """A layer over the whole ground."""
        return Layer(name, tissue, self.window, np.ascontiguousarray(cover, np.float32))


def ground(place: Place, lattice: Lattice, rng: np.random.Generator) -> Ground:
    """The ground of a plane; `rng` gives the fields."""
    middle = place.bone.world(place.middle)
    row, col = (round(float(v)) for v in lattice.index(middle)[1:])
    reach = int(REACH_MM / lattice.step[1])
    rows, cols = (slice(max(0, at - reach), min(n, at + reach)) for at, n in zip((row, col), lattice.shape[1:], strict=True))
    part = Lattice((1, rows.stop - rows.start, cols.stop - cols.start), lattice.step, lattice.first + lattice.axes[1] * rows.start * lattice.step[1] + lattice.axes[2] * cols.start * lattice.step[2], lattice.axes)
    local = [part.along(place.bone.turn[:, k], middle)[0] for k in range(3)]
    clear = np.minimum.reduce([*(_distance(part, other, FAR_MM) for other in place.others), -_distance(part, place.skin, FAR_MM)])
    way = place.way
    places = {"across": local[way], "beside": local[1 - way], "along": local[2], "up": part.along(np.array([0.0, 1.0, 0.0]), middle)[0]}
    return Ground((rows, cols), (lattice.step[1], lattice.step[0]), MappingProxyType(places), _distance(part, place.bone, FAR_MM), clear,
                  _fields((2 * reach, 2 * reach), (rows.start - row + reach, cols.start - col + reach), part.shape[1:], lattice.step[1], rng), rng.uniform(-1, 1, (LOCULES, 2)))


def _distance(lattice: Lattice, placed: Placed, reach: float) -> np.ndarray:
    """Signed distance (rows, cols; mm) to a solid, `reach` where it is further away."""
    out, near = np.full(lattice.shape[1:], reach, np.float32), distance(lattice, placed, reach=reach, inside=reach)
    if near is not None:
        out[near.window[1:]] = near.mm[0]
    return out


def _fields(whole: tuple[int, int], corner: tuple[int, int], shape: tuple[int, int], pixel: float, rng: np.random.Generator) -> Mapping[str, np.ndarray]:
    """Random fields of mean 0 and deviation 1 on a square, cut to the part of it that lies in the picture."""
    from scipy.ndimage import gaussian_filter

    out = {}
    for name, mm in FIELDS.items():
        field = gaussian_filter(rng.standard_normal(whole, np.float32), mm / pixel, mode="wrap", truncate=2.5)
        out[name] = (field / field.std())[corner[0]: corner[0] + shape[0], corner[1]: corner[1] + shape[1]]
    return MappingProxyType(out)


@dataclass(frozen=True, eq=False)
class Shape:
    """The lesion on its ground: distances (mm) of the round body, of what of it lies in or swells from the bone, of the hole in the cortex and of the mass."""

    here: Ground
    look: Look
    half: float
    deep: float
    out: float

    @cached_property
    def size(self) -> tuple[float, float]:
        """Half axes (mm) across and along the bone in the plane."""
        across = self.look.across * self.half
        return across, across * self.look.along

    @cached_property
    def border(self) -> np.ndarray:
        """What lobules and infiltration add to a distance."""
        f, k = self.here.fields, self.look.border.irregular
        return np.asarray((0.6 + 1.0 * k) * f["lobes"] + 1.7 * k * k * f["border"], np.float32)

    @cached_property
    def round(self) -> np.ndarray:
        """The body before bone limits it."""
        across, along = self.size
        return _ellipse(self.here.across, self.here.places["beside"], self.here.along, (across, self.look.across * self.deep, along)) + self.border

    @cached_property
    def body(self) -> np.ndarray:
        """Within the cortex, of which it may have eroded a part; or beyond it, where it swells."""
        left = self.here.bone + np.float32(self.cortex * (1 - 0.75 * self.look.border.eroded))
        return np.maximum(self.round, left if self.look.growth.expanded == 0 else self.here.bone - np.float32(self.look.growth.expanded))

    @property
    def cortex(self) -> float:
        """Thickness (mm) of the cortex, about that of its bone."""
        return float(np.clip(0.14 * self.half, 0.9, 3.2))

    @property
    def beyond(self) -> np.ndarray:
        """Coordinate (mm) in the plane that grows to the side of the breach."""
        return np.asarray(self.here.across * np.float32(self.out))

    @cached_property
    def surface(self) -> float:
        """Where (mm of `beyond`) the bone ends on that side at the height of the lesion."""
        level = (np.abs(self.here.along) < 1.0) & (np.abs(self.here.bone) < 1.2) & (self.beyond > 0.3 * self.half)
        return float(np.min(self.beyond[level])) if level.any() else self.half

    @cached_property
    def hole(self) -> np.ndarray:
        """The breach: a gap of the cortex on one side."""
        if not self.look.growth.breach:
            return np.full_like(self.here.bone, NOWHERE)
        gap = np.abs(self.here.along) - np.float32(self.look.growth.breach) + 0.6 * self.here.fields["border"]
        return np.maximum.reduce([gap, 0.25 * self.surface - self.beyond, self.here.bone - 0.8, -self.here.bone - np.float32(self.cortex + 3.0)])

    @cached_property
    def grown(self) -> float:
        """Size (mm) of the mass: no more than the room between bone and fascia lets it."""
        beside = (self.beyond > self.surface) & (self.beyond < self.surface + 18) & (np.abs(self.here.along) < 12)
        return min(self.look.growth.mass, 3.0 + 2.0 * float(np.max(np.minimum(self.here.clear, self.here.bone), where=beside, initial=0.0)))

    @cached_property
    def mass(self) -> np.ndarray:
        """What grows beyond the bone, clear of other bones and below the fascia."""
        if not self.look.growth.mass:
            return np.full_like(self.here.bone, NOWHERE)
        size = self.grown
        lump = _ellipse(self.beyond - np.float32(self.surface + 0.25 * size), self.here.places["beside"], self.here.along, (0.85 * size, size, 1.35 * size)) + 0.9 * self.border
        return np.maximum.reduce([lump, -self.here.bone, 1.0 - self.here.clear])

    @cached_property
    def whole(self) -> np.ndarray:
        """Everything that is lesion."""
        return np.minimum.reduce([self.body, self.hole, self.mass])

    @cached_property
    def cover(self) -> np.ndarray:
        """How much of each point is lesion: sharp, or fading over the zone of transition within the bone."""
        return np.maximum.reduce([self.here.cover(self.body, self.look.border.blurred if self.look.border.blurred > 1.4 else 0.0) * self.here.cover(self.here.bone - np.float32(self.look.growth.expanded)),
                                  self.here.cover(self.hole), self.here.cover(self.mass, min(0.5 * self.look.border.blurred, 2.5))])


def _ellipse(x: np.ndarray, y: np.ndarray, z: np.ndarray, radii: tuple[float, float, float]) -> np.ndarray:
    """Distance to an ellipsoid, exact to first order (Quilez, "ellipsoid - SDF")."""
    a = [np.float32(1 / r) for r in radii]
    near = np.sqrt((x * a[0]) ** 2 + (y * a[1]) ** 2 + (z * a[2]) ** 2) + np.float32(1e-6)
    steep = np.sqrt((x * a[0] ** 2) ** 2 + (y * a[1] ** 2) ** 2 + (z * a[2] ** 2) ** 2) + np.float32(1e-6)
    return np.asarray(near * (near - 1) / steep, np.float32)


def shape_of(here: Ground, look: Look, place: Place) -> Shape:
    """The lesion of a look on its ground."""
    return Shape(here, look, place.half[place.way], place.half[1 - place.way], place.out)


def lesion_layers(made: Shape, fluid_level: float = 0.1) -> Iterator[Layer]:
    """Everything that the lesion changes, in the order in which it is painted."""
    yield from _around(made)
    yield from _periosteum(made)
    yield from _shell(made)
    yield made.here.layer("lesion", BODY[made.look.signal.matrix], made.cover)
    yield from FILLINGS[made.look.signal.matrix](made)
    yield from _patches(made)
    if made.look.growth.periosteum == "spicules":
        yield from _spicules(made)


def _around(made: Shape) -> Iterator[Layer]:
    """Oedema: of the marrow about the lesion, of the muscles about a breach."""
    here, look = made.here, made.look
    away = np.maximum(made.whole, 0)
    marrow = here.cover(here.bone + np.float32(made.cortex))
    yield here.layer("marrow oedema", "oedema", np.float32(look.signal.oedema) * np.exp(-((away / np.float32(4 + 14 * look.signal.oedema)) ** 1.5)) * marrow * np.clip(1 + 0.2 * here.fields["patches"], 0, 1.2))
    if look.signal.around > 0:
        feather = np.clip(0.8 + 0.35 * here.fields["lobes"], 0, 1)
        level = np.exp(-((np.maximum(away, 0.6 * np.maximum(here.bone, 0)) / np.float32(4 + 12 * look.signal.around)) ** 1.5))
        yield here.layer("muscle oedema", "wet muscle", np.float32(0.8 * look.signal.around) * level * feather * here.cover(-here.bone) * here.cover(1.0 - here.clear, 3.0))


def _shell(made: Shape) -> Iterator[Layer]:
    """The sclerotic rim in the marrow, and the thin shell of bone about what swells."""
    here, look = made.here, made.look
    if look.border.rim > 0.25:
        yield here.layer("rim", "sclerosis", here.cover(np.maximum(made.round - np.float32(look.border.rim), here.bone + np.float32(0.5))))
    if look.growth.expanded > 0:
        yield here.layer("shell", "cortex", here.cover(np.maximum(made.round, here.bone - np.float32(look.growth.expanded)) - 0.9))


def _within(made: Shape, mm: np.ndarray, most: float = 1.0) -> np.ndarray:
    """The share of the lesion that lies where a distance is below 0."""
    return np.float32(most) * made.cover * made.here.cover(mm)


def _cellular(made: Shape) -> Iterator[Layer]:
    yield made.here.layer("lesion", "septum", _within(made, np.abs(made.here.fields["lobes"]) * 3.0 - 0.25, 0.35))


def _fibrous(made: Shape) -> Iterator[Layer]:
    yield made.here.layer("lesion", "septum", _within(made, np.abs(made.here.fields["patches"]) * 2.5 - 0.5, 0.5))


def _chondroid(made: Shape) -> Iterator[Layer]:
    """Bright lobules, thin septa between them, flecks of calcium."""
    f = made.here.fields
    yield made.here.layer("lesion", "septum", _within(made, np.abs(f["patches"]) * 2.6 - 0.42, 0.75))
    yield made.here.layer("lesion", "calcium", _within(made, 1.9 - f["flecks"] - 0.5 * f["cloud"], 0.9))


def _osteoid(made: Shape) -> Iterator[Layer]:
    yield made.here.layer("lesion", "osteoid", made.cover * np.clip(0.4 + 0.8 * made.here.fields["cloud"], 0, 0.92))


def _cystic(made: Shape) -> Iterator[Layer]:
    """Fluid with a thin wall."""
    yield made.here.layer("lesion", "septum", _within(made, np.abs(made.whole + 0.7) - 0.45, 0.6))


def _levels(made: Shape) -> Iterator[Layer]:
    """Locules with septa; in each, what has settled lies below its own level."""
    here = made.here
    across, along = made.size
    apart = np.stack([np.hypot(here.across - np.float32(1.1 * across * a), here.along - np.float32(1.1 * along * b)) for a, b in here.locules])
    order = np.argsort(apart, axis=0)[:2]
    nearest, second = np.take_along_axis(apart, order, axis=0)
    height = np.array([0.55 * np.sin(7.0 * a + 3.0 * b) for a, b in here.locules], np.float32)[order[0]]
    middle = np.array([np.float32(here.places["up"].ravel()[np.argmin(d)]) for d in apart], np.float32)[order[0]]
    yield here.layer("lesion", "settled", _within(made, here.places["up"] - middle - 5.0 * height, 0.95))
    yield here.layer("lesion", "septum", _within(made, 0.5 * (second - nearest) - 0.55, 0.85))


FILLINGS = {"cellular": _cellular, "fibrous": _fibrous, "chondroid": _chondroid, "osteoid": _osteoid, "cystic": _cystic, "fluid levels": _levels}


def _patches(made: Shape) -> Iterator[Layer]:
    """Necrosis and blood, the more the more uneven the lesion is."""
    f, uneven = made.here.fields, made.look.signal.uneven
    yield made.here.layer("lesion", "necrosis", _within(made, (2.3 - 1.9 * uneven) - f["patches"], 0.9 * min(1.0, 1.6 * uneven)))
    yield made.here.layer("lesion", "blood", _within(made, (2.6 - 1.5 * uneven) - f["blood"], 0.85 * min(1.0, 1.3 * uneven)))


def _periosteum(made: Shape) -> Iterator[Layer]:
    """New bone on the side of the lesion: one smooth layer, or several thin ones that end in a triangle."""
    here, look = made.here, made.look
    if look.growth.periosteum not in ("solid", "lamellated"):
        return
    reach = np.float32(1.15 * made.size[1] + 5)
    end = np.clip(1 - (np.abs(here.along) / reach) ** 2, 0, 1)
    near = np.clip(0.5 + made.beyond / np.float32(0.6 * made.half), 0, 1) * end
    if look.growth.periosteum == "solid":
        yield here.layer("periosteum", "cortex", here.cover(np.maximum(here.bone - 2.6 * near, -here.bone - 0.4)) * (near > 0.02))
        return
    for k in range(3):
        yield here.layer("periosteum", "wet muscle", here.cover(np.abs(here.bone - (1.2 + 1.5 * k) * near) - 0.8) * (near > 0.15) * np.float32(0.7))
        yield here.layer("periosteum", "cortex", here.cover(np.abs(here.bone - (1.6 + 1.6 * k) * near) - 0.34) * (near > 0.15))


def _spicules(made: Shape) -> Iterator[Layer]:
    """Rays of bone that stand on the surface within the mass, and the edge of the periosteum, lifted at both of its ends."""
    here, size = made.here, max(made.grown, made.look.growth.breach, 4.0)
    tall = np.float32(3.0 + 0.4 * size) * np.clip(1 + 0.3 * here.fields["patches"], 0.3, 1.6)
    reach = np.float32(1.1 * size + 2)
    fan = here.along * (1 - 0.35 * np.clip(here.bone / np.float32(2 * size), 0, 1))  # rays part as they rise
    rays = np.sin(fan * np.float32(2.4) + 2.6 * here.fields["lobes"]) + 0.35 * here.fields["cloud"]
    standing = (here.bone > 0) & (here.bone < tall) & (np.abs(here.along) < reach) & (made.beyond > 0)
    yield here.layer("periosteum", "cortex", np.float32(0.62) * np.clip((rays - 0.25) * 1.4, 0, 1) * standing * np.clip((tall - here.bone) / 3, 0, 1))
    lifted = np.clip(1 - (np.abs(here.along) - reach) / 9, 0, 1) * (np.abs(here.along) > reach - 0.5) * (made.beyond > 0)
    yield here.layer("periosteum", "cortex", here.cover(np.abs(here.bone - 3.4 * lifted) - 0.45) * (lifted > 0.05))

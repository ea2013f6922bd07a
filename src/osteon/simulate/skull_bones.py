"""Base of the skull, mandible, hyoid, larynx and teeth as tapes, for a lateral film of the neck.

Frame: origin between the lowest points of the occipital condyles, x to the patient's left, y anterior, z upwards, millimetres; of the hyoid and the larynx
the middle of the body of the hyoid. Proportions are those of textbook anatomy; dimensions are ours.
"""

from __future__ import annotations

import numpy as np

from osteon.simulate.sdf import Solid, Step, cone, cut, ellipsoid, half_space, join, keep, loft, moved, puck, rotation, solid


def occiput(size: float) -> Solid:
    """Occipital and parietal bone up to where a film of the neck ends, open at the great foramen and in front."""
    k = size
    centre, out = np.array([0, -34, 49.0]) * k, np.array([64, 62, 54.0]) * k
    steps = [join(ellipsoid(centre, out)), join(cone(np.array([0, -90, 36]) * k, np.array([0, -98, 33]) * k, 6 * k, 2.2 * k), 8),
             cut(ellipsoid(centre + np.array([0, 1.5, 1.5]) * k, out - np.array([6.0, 6.5, 5.0]) * k), 1.5), cut(ellipsoid((0, -16 * k, 0), (14 * k, 17 * k, 16 * k)), 2),
             keep(half_space((0, 12 * k, 10 * k), (0, 0.8, -0.6)), 8)]
    return solid(steps, shell=((-20, 140), (1.5, 1.7)), marrow=((-20, 140), (0.2, 0.2)))


def base(size: float) -> Solid:
    """Condyles, clivus, petrous pyramids, mastoids, sphenoid with its wings, hard palate and the upper jaw."""
    k = size
    steps: list[Step] = [join(cone(np.array([0, 2, 6]) * k, np.array([0, 25, 33]) * k, 5.0 * k, 8.0 * k)), cut(ellipsoid(np.array([0, 30, 43]) * k, np.array([9, 7, 6]) * k), 2),
                         join(puck(np.array([0, 64, 3]) * k, (17 * k, 27 * k), 1.0 * k, 0.9, rotation(3, 0, 0)), 1)]
    for s in (-1, 1):
        steps += [join(ellipsoid(np.array([s * 17, 0, 4]) * k, np.array([6, 10, 5]) * k, rotation(0, 0, s * 25)), 3),
                  join(cone(np.array([s * 18, 14, 22]) * k, np.array([s * 48, -6, 24]) * k, 6.5 * k, 9 * k), 5), join(cone(np.array([s * 50, -14, 20]) * k, np.array([s * 49, -5, -4]) * k, 10 * k, 4.0 * k), 5),
                  join(cone(np.array([s * 12, 40, 22]) * k, np.array([s * 13, 44, -1]) * k, 2.4 * k, 1.6 * k), 3), join(cone(np.array([s * 6, 26, 38]) * k, np.array([s * 50, 44, 50]) * k, 4 * k, 3 * k), 4),
                  join(cone(np.array([s * 33, 6, 8]) * k, np.array([s * 24, 19, -18]) * k, 1.4, 0.8), 2), join(cone(np.array([s * 24, 52, -2]) * k, np.array([s * 12, 88, -2]) * k, 4.0 * k, 4.4 * k), 4)]
    return solid(steps, shell=((-60, 100), (0.8, 1.1)), marrow=((-60, 100), (0.1, 0.1)))


def cells(size: float) -> list[Step]:
    """Air in the cells of both mastoids, and in the sinus of the sphenoid."""
    steps = [join(ellipsoid(np.array([s * 50, y + s, z]) * size, np.array([7, r, r]) * size)) for s in (-1, 1)
             for y, z, r in ((-9, 24, 3.2), (-17, 24, 3.0), (-13, 16, 3.0), (-19, 15, 2.4), (-7, 15, 2.6), (-10, 8, 2.4), (-6, 2, 1.9), (-14, 7, 1.8), (-22, 20, 2.2))]
    return [*steps, join(ellipsoid(np.array([0, 38, 31]) * size, np.array([12, 10, 8]) * size))]


def mandible(size: float, opened: float) -> Solid:
    """The lower jaw, turned about its heads by `opened` degrees; in the frame of the skull."""
    k, head = size, np.array([0, 12.0, 20.0]) * size
    steps: list[Step] = []
    for s in (-1, 1):
        ramus = loft(np.array([-44, -34, -20, 0, 12, 21]) * k, np.array([45, 46, 47, 49, 50, 51]) * k * s, np.array([36, 31, 29, 28, 25, 13]) * k, np.array([2.6, 2.8, 2.8, 2.8, 2.6, 4.5]) * k,
                     np.array([13, 15, 15, 14.5, 14, 5.0]) * k, rounding=3)
        steps += [join(ramus, 3)]
        low = [np.array([s * 45, 27, -38]), np.array([s * 40, 46, -44]), np.array([s * 27, 78, -51]), np.array([s * 15, 89, -52])]
        steps += [join(cone(a * k, b * k, 3.6 * k, 3.8 * k), 6) for a, b in zip(low, low[1:], strict=False)]
        for high, wide in ((-37, 3.4), (-31, 3.6)):
            edge = [np.array([s * 44, 42, high]), np.array([s * 28, 72, high - 5]), np.array([s * 15, 86, high - 7])]
            steps += [join(cone(a * k, b * k, wide * k, wide * k), 6) for a, b in zip(edge, edge[1:], strict=False)]
    steps.append(join(ellipsoid(np.array([0, 92, -45]) * k, np.array([17, 6.5, 12]) * k, rotation(12, 0, 0)), 6))
    return solid([_about(step, turn_of(opened), head) for step in steps], shell=((-120, -48, -38, 40), (1.8, 1.8, 1.3, 1.1)), marrow=((-120, 40), (0.1, 0.1)))


def turn_of(opened: float) -> np.ndarray:
    """The turn of the lower jaw."""
    return rotation(-opened, 0, 0)


def _about(step: Step, turn: np.ndarray, pivot: np.ndarray) -> Step:
    return moved([step], turn, pivot - turn @ pivot)[0]


def teeth(size: float, opened: float, lost: tuple[bool, ...]) -> Solid:
    """Premolars and molars of both jaws, both sides; `lost` says which of the sixteen are gone (the upper eight first)."""
    head, steps = np.array([0, 12.0, 20.0]) * size, [join(ellipsoid(np.array([0, 92, -8]) * size, (7, 2.5, 6)))]  # the upper front teeth
    for i in (i for i, gone in enumerate(lost) if not gone):
        s, place, upper = (-1 if i % 2 else 1), (i // 2) % 4, i < 8
        x, y, wide = s * (27 - 3.0 * place), 50 + 8.6 * place + (2.0 if s > 0 else 0), 3.9 - 0.4 * place
        crown, root = np.array([x, y, -12.5 if upper else -19.0]) * size, np.array([x, y - 1, -3.0 if upper else -31.0]) * size
        tooth = [join(ellipsoid(crown, np.array([4.0, wide, 3.6]) * size), 0.5), join(cone(crown, root, 0.75 * wide * size, 1.4 * size), 1.5)]
        steps += tooth if upper else [_about(step, turn_of(opened), head) for step in tooth]
    return solid(steps, shell=((-120, 40), (1.3, 1.3)))


def fillings(size: float, opened: float, where: tuple[int, ...]) -> Solid:
    """Amalgam in lower molars."""
    head = np.array([0, 12.0, 20.0]) * size
    places = [np.array([(-1 if i % 2 else 1) * (27 - 3.0 * (i // 2)), 50 + 8.6 * (i // 2) + (0.0 if i % 2 else 2.0), -17.2]) * size for i in where]
    return solid([join(_about(ellipsoid(at, np.array([1.6, 2.2, 1.2]) * size), turn_of(opened), head)) for at in places])


def hyoid(size: float) -> Solid:
    """Body and both greater horns; origin in the middle of the body."""
    k = size
    steps = [join(ellipsoid((0, 0, 0), (11 * k, 2.8 * k, 5.0 * k), rotation(-18, 0, 0)))]
    for s in (-1, 1):
        steps += [join(cone((s * 10 * k, -1, 0), (s * 17 * k, -14 * k, 3 * k), 2.2 * k, 1.8 * k), 1.5), join(cone((s * 17 * k, -14 * k, 3 * k), (s * 19 * k, -29 * k, 6 * k), 1.8 * k, 1.9 * k), 1)]
    return solid(steps, shell=((-20, 20), (0.8, 0.8)))


def cartilage(size: float) -> Solid:
    """Chalk in the plates of the thyroid cartilage and in the cricoid, below the hyoid."""
    k, steps = size, []
    for s in (-1, 1):
        steps += [join(cone((s * 17 * k, -24 * k, -8 * k), (s * 16 * k, -22 * k, -44 * k), 1.3, 1.1)), join(cone((s * 6 * k, 2 * k, -20 * k), (s * 16 * k, -14 * k, -38 * k), 1.0, 0.9)),
                  join(cone((s * 12 * k, -8 * k, -44 * k), (s * 10 * k, -20 * k, -47 * k), 1.4, 1.9), 2)]
    return solid(steps)

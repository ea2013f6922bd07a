"""Minimisation with an analytic gradient (BFGS), numeric information, and profile likelihood."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy import optimize

from osteon.stats.arguments import Floats

Objective = Callable[[Floats], tuple[float, Floats]]


class Minimum(NamedTuple):
    """The point, value and gradient reached, the inverse Hessian approximation, and how the search ended."""

    theta: Floats
    value: float
    gradient: Floats
    inverse: Floats
    iterations: int
    converged: bool


def minimise(objective: Objective, start: Floats, *, inverse: Floats | None = None, free: Sequence[int] | np.ndarray | None = None,
             tolerance: float = 1e-7, limit: int = 200) -> Minimum:
    """BFGS from ``start``; only the positions in ``free`` move. ``inverse`` starts the inverse Hessian.

    Converged means that the largest free gradient component is below ``tolerance``, or that no representable decrease is left
    with a gradient below 1e-4.
    """
    theta = np.array(start, float)
    index = np.arange(theta.size) if free is None else np.asarray(free)
    value, grad = objective(theta)
    hess = _start_inverse(grad[index]) if inverse is None else np.array(inverse, float)
    stalled = iteration = 0
    for iteration in range(limit):
        g = grad[index]
        if not g.size or np.abs(g).max() < tolerance:
            return Minimum(theta, value, grad, hess, iteration, True)
        step = -hess @ g
        if not step @ g < 0:
            hess = _start_inverse(g)
            step = -hess @ g
        step *= min(1.0, 2.0 / np.abs(step).max())
        found = _search(objective, theta, index, step, value, float(step @ g))
        if found is None:
            return Minimum(theta, value, grad, hess, iteration, bool(np.abs(g).max() < 1e-4))
        size, lower, new = found
        stalled = stalled + 1 if value - lower <= 1e-15 * (1 + abs(value)) else 0
        theta = theta.copy()
        theta[index] += size * step
        hess = _update(hess, size * step, new[index] - g)
        value, grad = lower, new
        if stalled == 3:
            break
    return Minimum(theta, value, grad, hess, iteration + 1, bool(np.abs(grad[index]).max() < 1e-4))


def _start_inverse(gradient: Floats) -> Floats:
    return np.eye(gradient.size) / max(1.0, float(np.linalg.norm(gradient)))


def _search(objective: Objective, theta: Floats, index: np.ndarray, step: Floats, value: float,
            slope: float) -> tuple[float, float, Floats] | None:
    size = 1.0
    for _ in range(30):
        trial = theta.copy()
        trial[index] += size * step
        new, grad = objective(trial)
        if np.isfinite(new) and new <= value + 1e-4 * size * slope:
            return size, new, grad
        if np.isfinite(new) and abs(new - value) <= 1e-13 * (1 + abs(value)) and np.abs(grad[index]).max() < 1e-6:
            return None
        bend = new - value - slope * size
        size *= float(np.clip(-0.5 * slope * size / bend, 0.1, 0.5)) if np.isfinite(new) and bend > 0 else 0.25
    return None


def _update(hess: Floats, move: Floats, change: Floats) -> Floats:
    curvature = float(move @ change)
    if curvature <= 1e-14 * np.sqrt((move @ move) * (change @ change)):
        return hess
    left = hess @ change
    scale = (1 + (change @ left) / curvature) / curvature
    return hess + scale * np.outer(move, move) - (np.outer(left, move) + np.outer(move, left)) / curvature


def polish(objective: Objective, rough: Minimum, *, tolerance: float = 1e-8, rounds: int = 4) -> Minimum:
    """Further descent with the inverse of the observed information as metric: for flat and badly scaled optima."""
    best = rough
    for _ in range(rounds):
        values, vectors = np.linalg.eigh(information(objective, best.theta))
        floor = max(values.max(), 1e-12) * 1e-10
        metric = (vectors / np.maximum(np.abs(values), floor)) @ vectors.T
        found = minimise(objective, best.theta, inverse=metric, tolerance=tolerance, limit=20)
        done = found.value >= best.value - 1e-12 * (1 + abs(best.value)) or np.abs(found.gradient).max() < tolerance
        best = found if found.value <= best.value else best
        if done:
            break
    return best


def information(objective: Objective, theta: Floats, *, free: Sequence[int] | None = None) -> Floats:
    """Observed information: the Jacobian of the gradient by central differences, symmetrised, over the ``free`` positions."""
    index = list(range(theta.size)) if free is None else list(free)
    out = np.empty((len(index), len(index)))
    for row, i in enumerate(index):
        move = np.zeros(theta.size)
        move[i] = 1e-4 * max(1.0, abs(theta[i]))
        ahead, behind = objective(theta + move)[1], objective(theta - move)[1]
        out[row] = (ahead - behind)[index] / (2 * move[i])
    return (out + out.T) / 2


def profile(objective: Objective, minimum: Minimum, position: int, *, drop: float, error: float,
            lower: float = -np.inf, lift: Callable[[Floats], Floats] = np.array) -> tuple[float, float]:
    """Both ends of the profile-likelihood interval of one parameter: where the profiled objective has risen by ``drop``.

    ``error`` is a first guess of its standard error; an end that lies beyond ``lower`` is ``lower``; one that is never
    reached is infinite. ``lift`` moves each start off a boundary on which the search would stay.
    """
    others = [i for i in range(minimum.theta.size) if i != position]
    warm = {"theta": minimum.theta}

    def excess(value: float) -> float:
        start = lift(warm["theta"])
        start[position] = value
        fit = minimise(objective, start, free=others, tolerance=1e-5)
        warm["theta"] = fit.theta
        return fit.value - minimum.value - drop

    ends = []
    for side in (-1.0, 1.0):
        warm["theta"] = minimum.theta
        ends.append(_crossing(excess, float(minimum.theta[position]), side * error, drop, lower))
    return ends[0], ends[1]


def _crossing(excess: Callable[[float], float], center: float, step: float, drop: float, lower: float) -> float:
    near, reach = center, center + step * np.sqrt(2 * drop)
    for _ in range(30):
        if reach <= lower:
            reach = lower
        if excess(reach) > 0:
            return float(optimize.brentq(excess, *sorted((near, reach)), xtol=1e-7, rtol=1e-8))
        if reach == lower:
            return lower
        near, reach = reach, reach + 1.6 * (reach - near)
    return float(np.copysign(np.inf, step))

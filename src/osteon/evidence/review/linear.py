"""Linear models of a few thousand decided records with very many words, fitted in the space of the records: Newton's method with conjugate gradients from a warm start.

With f = K b (K the products of the records with one another) the fit minimises b'Kb / 2 + sum of cost * loss(y f): the support vector machine with squared hinge loss and logistic regression,
intercept penalised, as liblinear defines them (Fan RE et al. J Mach Learn Res 2008; 9: 1871; Newton's method in this space: Chapelle O. Neural Comput 2007; 19: 1155).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Loss = Callable[[Floats], tuple[Floats, Floats, Floats]]
Operator = Callable[[Floats], Floats]


def squared_hinge(margin: Floats) -> tuple[Floats, Floats, Floats]:
    """max(0, 1 - margin) squared, with its first and second derivative."""
    short = np.maximum(1 - margin, 0)
    return short**2, -2 * short, np.where(short > 0, 2.0, 0.0)


def logistic(margin: Floats) -> tuple[Floats, Floats, Floats]:
    """log(1 + exp(-margin)), with its first and second derivative."""
    wrong = 1 / (1 + np.exp(np.minimum(margin, 500)))
    return np.logaddexp(0, -margin), -wrong, wrong * (1 - wrong)


LOSSES: Mapping[str, Loss] = {"svm": squared_hinge, "logistic": logistic}


def solve(product: Operator, y: Floats, *, cost: Floats, loss: Loss, start: Floats, tolerance: float = 1e-4, most: int = 50) -> Floats:
    """Coefficients b, one a record, from labels of -1 and 1 and costs; ``product(v)`` is K v.

    Stops where b and the derivative of the loss cancel to ``tolerance`` of the largest of them, or after ``most`` steps.
    """
    b, f = start, product(start)
    for _ in range(most):
        value, slope, bend = loss(y * f)
        pull, weight = cost * y * slope, cost * bend
        enough = tolerance * np.abs(pull).max()
        if np.abs(b + pull).max() <= enough:
            break
        step = _newton(product, b, f, pull, weight, 0.5 * enough) - b
        moved = product(step)
        now, slant = 0.5 * b @ f + cost @ value, (b + pull) @ moved
        size = 1.0
        while size > 1e-6 and _objective(b + size * step, f + size * moved, y, cost, loss) > now + 1e-4 * size * slant:
            size /= 2
        b, f = b + size * step, f + size * moved
    return b


def _objective(b: Floats, f: Floats, y: Floats, cost: Floats, loss: Loss) -> float:
    return float(0.5 * b @ f + cost @ loss(y * f)[0])


def _newton(product: Operator, b: Floats, f: Floats, pull: Floats, weight: Floats, tolerance: float) -> Floats:
    """The coefficients that Newton's method proposes: (K + 1 / weight) b = f - pull / weight where the loss is curved, 0 elsewhere; solved in b / root of weight."""
    if not weight.any():
        return np.zeros_like(b)
    root = np.sqrt(weight)
    inverse = np.divide(1.0, root, out=np.zeros_like(root), where=root > 0)
    wanted = root * f - pull * inverse
    u = b * inverse
    left = wanted - u - root * product(root * u)
    left[root == 0] = 0
    direction, size = left.copy(), left @ left
    enough = (tolerance / root.max()) ** 2
    for _ in range(len(b)):
        if size <= enough:
            break
        image = direction + root * product(root * direction)
        length = size / (direction @ image)
        u = u + length * direction
        left = left - length * image
        size, before = left @ left, size
        direction = left + (size / before) * direction
    return root * u

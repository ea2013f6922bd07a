"""Compiled inner loops of the bivariate accuracy models: exact likelihood by adaptive quadrature, and restricted likelihood."""
from __future__ import annotations

import math

import numpy as np
from numba import njit

LOG_PI = math.log(math.pi)
LOG_2PI = math.log(2.0 * math.pi)


@njit(cache=True, error_model="numpy")
def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


@njit(cache=True, error_model="numpy")
def _expit(x: float) -> float:
    t = math.exp(-abs(x))
    return 1.0 / (1.0 + t) if x >= 0.0 else t / (1.0 + t)


@njit(cache=True, error_model="numpy")
def _joint(study: np.ndarray, par: np.ndarray, v: np.ndarray) -> float:
    """Log of binomial kernel times standard normal kernel at ``v``; study = (x1, n1, x2, n2), par = (mu1, mu2, l11, l21, l22)."""
    e1 = par[0] + par[2] * v[0]
    e2 = par[1] + par[3] * v[0] + par[4] * v[1]
    fit = study[0] * e1 - study[1] * _softplus(e1) + study[2] * e2 - study[3] * _softplus(e2)
    return fit - 0.5 * (v[0] * v[0] + v[1] * v[1])


@njit(cache=True, error_model="numpy")
def _newton_step(study: np.ndarray, par: np.ndarray, v: np.ndarray) -> tuple[float, float]:
    p1 = _expit(par[0] + par[2] * v[0])
    p2 = _expit(par[1] + par[3] * v[0] + par[4] * v[1])
    s1, s2 = study[0] - study[1] * p1, study[2] - study[3] * p2
    d1, d2 = study[1] * p1 * (1.0 - p1), study[3] * p2 * (1.0 - p2)
    g1, g2 = par[2] * s1 + par[3] * s2 - v[0], par[4] * s2 - v[1]
    h11 = 1.0 + par[2] ** 2 * d1 + par[3] ** 2 * d2
    h12, h22 = par[3] * par[4] * d2, 1.0 + par[4] ** 2 * d2
    det = h11 * h22 - h12 * h12
    return (h22 * g1 - h12 * g2) / det, (h11 * g2 - h12 * g1) / det


@njit(cache=True, error_model="numpy")
def _find_mode(study: np.ndarray, par: np.ndarray, v: np.ndarray) -> float:
    """Move ``v`` to the maximum of the concave joint density (damped Newton) and return the maximum."""
    height = _joint(study, par, v)
    trial = np.empty(2)
    for _ in range(100):
        a, b = _newton_step(study, par, v)
        size = 1.0
        for _ in range(40):
            trial[0], trial[1] = v[0] + size * a, v[1] + size * b
            new = _joint(study, par, trial)
            if new >= height - 1e-12 * (1.0 + abs(height)):
                break
            size *= 0.5
        v[0], v[1], height = trial[0], trial[1], new
        if abs(a) + abs(b) < 1e-10:
            break
    return height


@njit(cache=True, error_model="numpy")
def _nodes_sums(study: np.ndarray, par: np.ndarray, frame: np.ndarray, z: np.ndarray, logw: np.ndarray) -> np.ndarray:
    """Sums over the tensor grid; frame = (m1, m2, r11, r21, r22, height).

    Returns the mass and, divided by it, E of s1, s2, s1 v1, s2 v1, s2 v2, v1, v2, s1 z1, s2 z1, s2 z2, v1 z1, v2 z1, v2 z2.
    """
    out = np.zeros(14)
    for i in range(z.size):
        v1 = frame[0] + frame[2] * z[i]
        e1 = par[0] + par[2] * v1
        s1 = study[0] - study[1] * _expit(e1)
        t1 = study[0] * e1 - study[1] * _softplus(e1) - 0.5 * v1 * v1 + logw[i] - frame[5]
        base, shift = par[1] + par[3] * v1, frame[1] + frame[3] * z[i]
        m = ms = mv = msv = msz = mvz = 0.0
        for j in range(z.size):
            v2 = shift + frame[4] * z[j]
            e2 = base + par[4] * v2
            t = math.exp(-abs(e2))
            p2 = 1.0 / (1.0 + t) if e2 >= 0.0 else t / (1.0 + t)
            soft = max(e2, 0.0) + math.log1p(t)
            f = math.exp(t1 + study[2] * e2 - study[3] * soft - 0.5 * v2 * v2 + logw[j])
            fs, fv = f * (study[2] - study[3] * p2), f * v2
            m += f
            ms += fs
            mv += fv
            msv += fs * v2
            msz += fs * z[j]
            mvz += fv * z[j]
        out[0] += m
        out[1] += m * s1
        out[2] += ms
        out[3] += m * s1 * v1
        out[4] += ms * v1
        out[5] += msv
        out[6] += m * v1
        out[7] += mv
        out[8] += m * s1 * z[i]
        out[9] += ms * z[i]
        out[10] += msz
        out[11] += m * v1 * z[i]
        out[12] += mv * z[i]
        out[13] += mvz
    for i in range(1, 14):
        out[i] /= out[0]
    return out


@njit(cache=True, error_model="numpy")
def _study_likelihood(study: np.ndarray, par: np.ndarray, v: np.ndarray, z: np.ndarray, logw: np.ndarray, grad: np.ndarray) -> float:
    """Log-likelihood of one study without the binomial constant; ``grad`` receives its exact derivative in par.

    The grid moves with the parameters, so the derivative has a part for the mode and one for the Cholesky factor of the curvature:
    only then is the gradient that of the approximated likelihood for every number of nodes, 1 (Laplace) included.
    """
    height = _find_mode(study, par, v)
    l11, l21, l22 = par[2], par[3], par[4]
    p1, p2 = _expit(par[0] + l11 * v[0]), _expit(par[1] + l21 * v[0] + l22 * v[1])
    s1, s2 = study[0] - study[1] * p1, study[2] - study[3] * p2
    d1, d2 = study[1] * p1 * (1.0 - p1), study[3] * p2 * (1.0 - p2)
    h11, h12, h22 = 1.0 + l11 * l11 * d1 + l21 * l21 * d2, l21 * l22 * d2, 1.0 + l22 * l22 * d2
    det = h11 * h22 - h12 * h12
    r11, r22 = math.sqrt(h22 / det), 1.0 / math.sqrt(h22)
    r21 = -h12 / math.sqrt(det * h22)
    e = _nodes_sums(study, par, np.array([v[0], v[1], r11, r21, r22, height]), z, logw)
    a1, a2 = l11 * e[1] + l21 * e[2] - e[6], l22 * e[2] - e[7]
    m11 = l11 * e[8] + l21 * e[9] - e[11] + 1.0 / r11
    m21 = l22 * e[9] - e[12]
    m22 = l22 * e[10] - e[13] + 1.0 / r22
    for q in range(5):
        de1 = (1.0 if q == 0 else 0.0) + (v[0] if q == 2 else 0.0)
        de2 = (1.0 if q == 1 else 0.0) + (v[0] if q == 3 else 0.0) + (v[1] if q == 4 else 0.0)
        g1 = -l11 * d1 * de1 - l21 * d2 * de2 + (s1 if q == 2 else 0.0) + (s2 if q == 3 else 0.0)
        g2 = -l22 * d2 * de2 + (s2 if q == 4 else 0.0)
        v1, v2 = (h22 * g1 - h12 * g2) / det, (h11 * g2 - h12 * g1) / det
        dd1 = d1 * (1.0 - 2.0 * p1) * (de1 + l11 * v1)
        dd2 = d2 * (1.0 - 2.0 * p2) * (de2 + l21 * v1 + l22 * v2)
        b11 = l11 * l11 * dd1 + l21 * l21 * dd2 + (2.0 * l11 * d1 if q == 2 else 0.0) + (2.0 * l21 * d2 if q == 3 else 0.0)
        b12 = l21 * l22 * dd2 + (l22 * d2 if q == 3 else 0.0) + (l21 * d2 if q == 4 else 0.0)
        b22 = l22 * l22 * dd2 + (2.0 * l22 * d2 if q == 4 else 0.0)
        bdet = (b11 * h22 + h11 * b22 - 2.0 * h12 * b12) / det
        dr11 = 0.5 * r11 * (b22 / h22 - bdet)
        dr21 = -b12 / math.sqrt(det * h22) - 0.5 * r21 * (bdet + b22 / h22)
        dr22 = -0.5 * r22 * b22 / h22
        grad[q] = e[1 + q] + a1 * v1 + a2 * v2 + m11 * dr11 + m21 * dr21 + m22 * dr22
    return height + math.log(e[0] * r11 * r22) - LOG_PI


@njit(cache=True, error_model="numpy")
def exact_likelihood(studies: np.ndarray, parameters: np.ndarray, modes: np.ndarray, z: np.ndarray, logw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log-likelihood (k,) of each study and its gradient (k, 5) in (mu1, mu2, l11, l21, l22).

    studies (k, 4): events and totals of both margins; parameters (k, 5); modes (k, 2) are used as starts and updated;
    z: sqrt(2) times the Gauss-Hermite nodes; logw: log weight plus squared node. The binomial constant is left out.
    """
    k = studies.shape[0]
    values, gradient = np.empty(k), np.empty((k, 5))
    for i in range(k):
        values[i] = _study_likelihood(studies[i], parameters[i], modes[i], z, logw, gradient[i])
    return values, gradient


@njit(cache=True, error_model="numpy")
def _inverse(matrix: np.ndarray) -> tuple[np.ndarray, float]:
    """Inverse and log determinant of a small positive definite matrix (Gauss-Jordan; compiles in a tenth of the time of LAPACK calls)."""
    n, work, log = matrix.shape[0], matrix.copy(), 0.0
    out = np.zeros((n, n))
    for i in range(n):
        out[i, i] = 1.0
    for i in range(n):
        pivot = work[i, i]
        log += math.log(pivot) if pivot > 0.0 else math.nan
        for j in range(n):
            work[i, j] /= pivot
            out[i, j] /= pivot
        for r in range(n):
            factor = work[r, i]
            if r != i and factor != 0.0:
                for j in range(n):
                    work[r, j] -= factor * work[i, j]
                    out[r, j] -= factor * out[i, j]
    return out, log


@njit(cache=True, error_model="numpy")
def _times(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
    out = np.zeros(vector.size)
    for i in range(vector.size):
        for j in range(vector.size):
            out[i] += matrix[i, j] * vector[j]
    return out


@njit(cache=True, error_model="numpy")
def _dot(a: np.ndarray, b: np.ndarray) -> float:
    total = 0.0
    for i in range(a.size):
        total += a[i] * b[i]
    return total


@njit(cache=True, error_model="numpy")
def _largest(a: np.ndarray) -> float:
    top = 0.0
    for i in range(a.size):
        top = max(top, abs(a[i]))
    return top


@njit(cache=True, error_model="numpy")
def _moved(theta: np.ndarray, step: np.ndarray, size: float) -> np.ndarray:
    out = theta.copy()
    for i in range(out.size):
        out[i] += size * step[i]
    return out


@njit(cache=True, error_model="numpy")
def _diagonal(size: int, value: float) -> np.ndarray:
    out = np.zeros((size, size))
    for i in range(size):
        out[i, i] = value
    return out


@njit(cache=True, error_model="numpy")
def _weight(s: np.ndarray, chol: np.ndarray) -> tuple[float, float, float, float]:
    """Inverse of the marginal covariance of one study and the log determinant; an infinite variance marks a missing margin."""
    a = s[0] + chol[0] * chol[0]
    d = s[1] + chol[1] * chol[1] + chol[2] * chol[2]
    b = chol[0] * chol[1]
    if math.isinf(a) and math.isinf(d):
        return 0.0, 0.0, 0.0, 0.0
    if math.isinf(a):
        return 0.0, 0.0, 1.0 / d, math.log(d)
    if math.isinf(d):
        return 1.0 / a, 0.0, 0.0, math.log(a)
    det = a * d - b * b
    return d / det, -b / det, a / det, math.log(det)


@njit(cache=True, error_model="numpy")
def _normal_equations(y: np.ndarray, s: np.ndarray, x1: np.ndarray, x2: np.ndarray, chol: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """X'WX, X'Wy, weights (k, 3) and the sum of log determinants; ``chol`` is (k, 3)."""
    p1, p2 = x1.shape[1], x2.shape[1]
    cross, right, w, logdet = np.zeros((p1 + p2, p1 + p2)), np.zeros(p1 + p2), np.empty((y.shape[0], 3)), 0.0
    for i in range(y.shape[0]):
        w11, w12, w22, ld = _weight(s[i], chol[i])
        w[i, 0], w[i, 1], w[i, 2] = w11, w12, w22
        logdet += ld
        t1, t2 = w11 * y[i, 0] + w12 * y[i, 1], w12 * y[i, 0] + w22 * y[i, 1]
        for a in range(p1):
            right[a] += x1[i, a] * t1
            for b in range(p1):
                cross[a, b] += x1[i, a] * w11 * x1[i, b]
            for b in range(p2):
                cross[a, p1 + b] += x1[i, a] * w12 * x2[i, b]
        for a in range(p2):
            right[p1 + a] += x2[i, a] * t2
            for b in range(p2):
                cross[p1 + a, p1 + b] += x2[i, a] * w22 * x2[i, b]
    for a in range(p1):
        for b in range(p2):
            cross[p1 + b, a] = cross[a, p1 + b]
    return cross, right, w, logdet


@njit(cache=True, error_model="numpy")
def _projected(x1: np.ndarray, x2: np.ndarray, cov: np.ndarray) -> tuple[float, float, float]:
    """Elements 11, 12, 22 of X_i C X_i' of one study."""
    p1, c11, c12, c22 = x1.size, 0.0, 0.0, 0.0
    for a in range(p1):
        for b in range(p1):
            c11 += x1[a] * cov[a, b] * x1[b]
        for b in range(x2.size):
            c12 += x1[a] * cov[a, p1 + b] * x2[b]
    for a in range(x2.size):
        for b in range(x2.size):
            c22 += x2[a] * cov[p1 + a, p1 + b] * x2[b]
    return c11, c12, c22


@njit(cache=True, error_model="numpy")
def normal_likelihood(y: np.ndarray, s: np.ndarray, x1: np.ndarray, x2: np.ndarray, group: np.ndarray, theta: np.ndarray,
                      restricted: bool) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
    """Minus the (restricted) log-likelihood without constants, its gradient in theta, the generalised least squares
    coefficients and their covariance. theta (3 G,) holds the Cholesky factor of each group's between-study covariance."""
    k = y.shape[0]
    chol = np.empty((k, 3))
    for i in range(k):
        chol[i] = theta[3 * group[i]:3 * group[i] + 3]
    cross, right, w, logdet = _normal_equations(y, s, x1, x2, chol)
    cov, log_information = _inverse(cross)
    beta = _times(cov, right)
    value, grad, p1 = 0.5 * logdet, np.zeros(theta.size), x1.shape[1]
    if restricted:
        value += 0.5 * log_information
    for i in range(k):
        f1, f2 = 0.0, 0.0
        for a in range(p1):
            f1 += x1[i, a] * beta[a]
        for a in range(x2.shape[1]):
            f2 += x2[i, a] * beta[p1 + a]
        w11, w12, w22 = w[i, 0], w[i, 1], w[i, 2]
        r1, r2 = y[i, 0] - f1, y[i, 1] - f2
        u1, u2 = w11 * r1 + w12 * r2, w12 * r1 + w22 * r2
        value += 0.5 * (r1 * u1 + r2 * u2)
        g11, g12, g22 = w11 - u1 * u1, w12 - u1 * u2, w22 - u2 * u2
        if restricted:
            c11, c12, c22 = _projected(x1[i], x2[i], cov)
            g11 -= w11 * w11 * c11 + 2.0 * w11 * w12 * c12 + w12 * w12 * c22
            g12 -= w11 * w12 * c11 + (w11 * w22 + w12 * w12) * c12 + w12 * w22 * c22
            g22 -= w12 * w12 * c11 + 2.0 * w12 * w22 * c12 + w22 * w22 * c22
        q = 3 * group[i]
        grad[q] += g11 * chol[i, 0] + g12 * chol[i, 1]
        grad[q + 1] += g12 * chol[i, 0] + g22 * chol[i, 1]
        grad[q + 2] += g22 * chol[i, 2]
    return value, grad, beta, cov


@njit(cache=True, error_model="numpy")
def _line_search(y: np.ndarray, s: np.ndarray, x1: np.ndarray, x2: np.ndarray, group: np.ndarray, theta: np.ndarray,
                 step: np.ndarray, restricted: bool, value: float, slope: float) -> float:
    """Largest tried fraction of ``step`` with a sufficient decrease (0 when none)."""
    size = 1.0
    for _ in range(30):
        new = normal_likelihood(y, s, x1, x2, group, _moved(theta, step, size), restricted)[0]
        if new <= value + 1e-4 * size * slope:
            return size
        size *= 0.5 if math.isnan(new) else max(0.1, min(0.5, -0.5 * slope * size / (new - value - slope * size)))
    return 0.0


@njit(cache=True, error_model="numpy")
def normal_fit(y: np.ndarray, s: np.ndarray, x1: np.ndarray, x2: np.ndarray, group: np.ndarray, start: np.ndarray,
               restricted: bool) -> tuple[np.ndarray, np.ndarray, int]:
    """Minimise ``normal_likelihood`` by BFGS from ``start``: theta, gradient and number of iterations."""
    theta, m, stalled = start.copy(), start.size, 0
    inverse = _diagonal(m, 1.0 / max(1.0, y.shape[0]))
    value, grad = normal_likelihood(y, s, x1, x2, group, theta, restricted)[:2]
    for iteration in range(200):
        if _largest(grad) < 1e-8:
            return theta, grad, iteration
        step = _times(inverse, grad)
        slope = -_dot(step, grad)
        if slope >= 0.0:
            inverse = _diagonal(m, 1.0 / max(1.0, y.shape[0]))
            step = _times(inverse, grad)
            slope = -_dot(step, grad)
        if slope > -1e-17 * abs(value):  # the predicted decrease is below what the value can show
            return theta, grad, iteration
        shrink = min(1.0, 1.0 / _largest(step))
        slope *= shrink
        for i in range(m):
            step[i] *= -shrink
        size = _line_search(y, s, x1, x2, group, theta, step, restricted, value, slope)
        if size == 0.0:
            return theta, grad, iteration
        old, before = grad, value
        theta = _moved(theta, step, size)
        value, grad = normal_likelihood(y, s, x1, x2, group, theta, restricted)[:2]
        stalled = stalled + 1 if before - value <= 4e-16 * abs(value) else 0
        if stalled == 3:
            return theta, grad, iteration
        _quasi_newton(inverse, step, grad, old, size)
    return theta, grad, 200


@njit(cache=True, error_model="numpy")
def _quasi_newton(inverse: np.ndarray, step: np.ndarray, new: np.ndarray, old: np.ndarray, size: float) -> None:
    """BFGS update of the inverse Hessian in place; skipped where the curvature along the move is not positive."""
    m = step.size
    move, change = _moved(np.zeros(m), step, size), _moved(new, old, -1.0)
    curvature = _dot(move, change)
    if curvature <= 1e-14 * math.sqrt(_dot(move, move) * _dot(change, change)):
        return
    left = _times(inverse, change)
    scale = (1.0 + _dot(change, left) / curvature) / curvature
    for i in range(m):
        for j in range(m):
            inverse[i, j] += scale * move[i] * move[j] - (left[i] * move[j] + move[i] * left[j]) / curvature


@njit(cache=True, error_model="numpy")
def normal_batch(y: np.ndarray, s: np.ndarray, start: np.ndarray, restricted: bool) -> tuple[np.ndarray, np.ndarray]:
    """Refit B tables (B, k, 2) without covariates: mu (B, 2) and Cholesky factors (B, 3)."""
    b, k = y.shape[0], y.shape[1]
    ones, group = np.ones((k, 1)), np.zeros(k, np.int64)
    mu, chol = np.empty((b, 2)), np.empty((b, 3))
    for i in range(b):
        theta = normal_fit(y[i], s[i], ones, ones, group, start, restricted)[0]
        mu[i] = normal_likelihood(y[i], s[i], ones, ones, group, theta, restricted)[2]
        chol[i] = theta
    return mu, chol

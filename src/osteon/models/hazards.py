"""Estimators of a hazard in the form of scikit-learn: Cox regression, and a network with its partial likelihood (DeepSurv).

Cox DR. J R Stat Soc B 1972; 34: 187; Katzman JL et al. BMC Med Res Methodol 2018; 18: 24; Breslow N. Biometrics 1974; 30: 89 (baseline hazard).
Loaded by `fit` and `load` alone.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator

from osteon.errors import DataError, message

MEMBERS = 3  # networks whose log hazards are averaged: one alone depends on where it starts


class CoxRegression(BaseEstimator):
    """A log hazard that is linear in the columns; `ridge` keeps it finite where a column separates few events."""

    def __init__(self, ridge: float = 1.0) -> None:
        self.ridge = ridge

    def fit(self, columns: np.ndarray, outcomes: np.ndarray) -> Self:
        """Learn from columns (n, p) and outcomes (n,) of (time, event); raises DataError without an event."""
        from osteon.stats.survival import fit_cox

        time, event = courses(outcomes)
        found = fit_cox(columns, time, event, ridge=self.ridge)
        if found.reason:
            raise DataError(message("Cox regression", "there is no fit", found=found.reason))
        self.coefficients_ = np.asarray(found.coefficients)
        self.times_, self.hazard_ = baseline(self.log_hazard(columns), time, event)
        return self

    def log_hazard(self, columns: np.ndarray) -> np.ndarray:
        """The log hazard ratio (n,) of columns (n, p)."""
        return np.asarray(np.asarray(columns, float) @ self.coefficients_)


class HazardNetwork(BaseEstimator):
    """A log hazard by a network of one or more hidden layers, trained on the whole table at once; the mean of some networks."""

    def __init__(self, hidden: tuple[int, ...] = (32, 32), dropout: float = 0.2, decay: float = 1e-2, rate: float = 2e-2, epochs: int = 120, seed: int = 0) -> None:
        self.hidden, self.dropout, self.decay, self.rate, self.epochs, self.seed = hidden, dropout, decay, rate, epochs, seed

    def fit(self, columns: np.ndarray, outcomes: np.ndarray) -> Self:
        """Learn from columns (n, p) and outcomes (n,) of (time, event); raises DataError without an event."""
        import torch

        time, event = courses(outcomes)
        x = np.asarray(columns, np.float32)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            self.members_ = [_layers(self._trained(x, time, event)) for _ in range(MEMBERS)]
        self.times_, self.hazard_ = baseline(self.log_hazard(x), time, event)
        return self

    def log_hazard(self, columns: np.ndarray) -> np.ndarray:
        """The log hazard ratio (n,) of columns (n, p): the mean over the networks."""
        return np.mean([_forward(layers, np.asarray(columns, float)) for layers in self.members_], axis=0)

    def _trained(self, x: np.ndarray, time: np.ndarray, event: np.ndarray) -> Any:
        import torch

        from osteon.networks.heads import hazard_loss

        network = _network(x.shape[1], tuple(self.hidden), self.dropout)
        optimiser = torch.optim.AdamW(network.parameters(), lr=self.rate, weight_decay=self.decay)
        slower = torch.optim.lr_scheduler.OneCycleLR(optimiser, self.rate, total_steps=self.epochs)
        given, when, seen = torch.from_numpy(x), torch.from_numpy(time), torch.from_numpy(event)
        for _ in range(self.epochs):
            optimiser.zero_grad()
            hazard_loss(network(given)[:, 0], when, seen).backward()
            optimiser.step()
            slower.step()
        return network


def courses(outcomes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Times and events (n,) of outcomes (time, event); raises DataError where nobody has an event."""
    time, event = np.array([o[0] for o in outcomes], float), np.array([bool(o[1]) for o in outcomes])
    return time, eventful(event)


def eventful(event: np.ndarray) -> np.ndarray:
    """The events (n,) themselves; raises DataError where all are censored, for then no order of hazards can be learnt."""
    if not event.any():
        raise DataError(message("train part", "nobody has an event", expected="one event or more", found=f"Found {len(event)} cases, all censored",
                                do="Follow longer, or give cases with an event"))
    return event


def baseline(log_hazard: np.ndarray, time: np.ndarray, event: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Breslow's cumulated hazard at a log hazard of 0: distinct event times (k,) and its value (k,) from each on."""
    order = np.argsort(time, kind="stable")
    t, d, risk = time[order], event[order], np.exp(log_hazard[order])
    left = risk[::-1].cumsum()[::-1]
    times, first = np.unique(t[d], return_index=True)
    deaths = np.diff(np.append(first, d.sum()))
    return times, np.cumsum(deaths / left[np.searchsorted(t, times)])


def survival(estimator: Any, columns: np.ndarray, times: np.ndarray) -> np.ndarray:
    """The chance (n, k) of being free of the event at times (k,)."""
    return free(estimator.log_hazard(columns), (estimator.times_, estimator.hazard_), times)


def free(log_hazard: np.ndarray, known: tuple[np.ndarray, np.ndarray], times: np.ndarray) -> np.ndarray:
    """The chance (n, k) of being free of the event at times (k,) for log hazards (n,), over a `known` baseline as `baseline` gives it."""
    steps = np.append(0.0, known[1])[np.searchsorted(known[0], times, side="right")]
    return np.exp(-np.outer(np.exp(log_hazard), steps))


def moments(times: np.ndarray, horizon: float) -> np.ndarray:
    """Forty times spread over those of the events, and the horizon: where an answer states the survival."""
    return np.unique(np.append(np.quantile(times, np.linspace(0, 1, 40)), horizon))


def _network(inputs: int, hidden: tuple[int, ...], dropout: float) -> Any:
    from torch import nn

    sizes = (inputs, *hidden)
    layers = [part for a, b in zip(sizes, hidden, strict=False) for part in (nn.Linear(a, b), nn.SELU(), nn.Dropout(dropout))]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], 1, bias=False))


def _layers(network: Any) -> list[np.ndarray]:
    """Weights and biases as arrays, in turn: what is kept of a network."""
    return [parameter.detach().numpy().copy() for parameter in network.parameters()]


def _forward(layers: list[np.ndarray], x: np.ndarray) -> np.ndarray:
    """The output (n,) of a network from its arrays: SELU between the layers (Klambauer 2017), no bias at the end."""
    *hidden, last = layers
    for weight, bias in zip(hidden[::2], hidden[1::2], strict=True):
        z = x @ weight.T + bias
        x = 1.0507009873554805 * np.where(z > 0, z, 1.6732632423543772 * np.expm1(np.minimum(z, 0)))
    return np.asarray((x @ last.T)[:, 0])

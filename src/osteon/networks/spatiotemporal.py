"""Spatio-temporal corrective network of a chain of rigid bodies, after the description in Mandel 2020 (doi:10.1007/978-3-030-59710-8_73).

Every segment (a body beside the one below it, as a twist) is read over the visits and beside its neighbours, and attends to patterns of correction by
which segments like it were corrected in others: a change at the operation and a path of change after it. A path is told by a clock of growth, on which
a patient's own time is shifted by attention, because children are operated on at different stages. A group path, one for every segment of the column,
is learnt beside: paths are piecewise geodesic (straight between knots in the tangent space), and those of patients are drawn towards the group's.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from osteon.networks.blocks import scaled

TAKES = "course"
TWIST = 6
PATTERNS = 8
KNOT = 0.5  # years from knot to knot of a path
CLOCK = (-3.0, 6.0)  # years between the first and the last knot
SHIFTS = torch.linspace(-2.5, 2.5, 11)  # years by which a patient's time may be shifted
DRAWN = 0.25  # weight of the distance to the group's path
BENT = 0.01  # weight of the bends of a path at its knots
REACH = 20.0  # mm from the origin of a body to the points by which its place is judged
Batch = Mapping[str, Tensor]


class Paths(nn.Module):
    """Corrections of `count` kinds by twelve numbers (gain and offset of a twist): `jump` at the operation, and knots (count, knots, 12) of the change after it."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.jump = nn.Parameter(torch.zeros(count, 2 * TWIST))
        years = torch.linspace(*CLOCK, round((CLOCK[1] - CLOCK[0]) / KNOT) + 1)
        slower = -(-(years - CLOCK[0]) / 3).exp()  # growth comes to an end: by this a shift knows from the first step on which way is later
        self.knots = nn.Parameter(0.02 * torch.randn(count, 1, 2 * TWIST) * slower[:, None])

    def forward(self, asked: Tensor, shift: Tensor) -> Tensor:
        """Corrections (B, Q, count, 12) at years (B, Q) after the operation, the clock of each case shifted by years (B,)."""
        return self.jump + self._at(asked + shift[:, None]) - self._at(shift)[:, None]

    def _at(self, years: Tensor) -> Tensor:
        """The path (..., count, 12) at years (...) of the clock, straight between knots."""
        place = ((years.clamp(*CLOCK) - CLOCK[0]) / KNOT).clamp(max=self.knots.shape[1] - 1 - 1e-4)
        low = place.floor().long()
        share = (place - low)[..., None, None]
        knots = self.knots.transpose(0, 1)
        return knots[low] * (1 - share) + knots[low + 1] * share

    def bends(self) -> Tensor:
        """The mean square of the changes of direction at the knots."""
        return self.knots.diff(n=2, dim=1).square().mean()


class Encoder(nn.Module):
    """A segment over the visits (recurrent) and beside its neighbours (convolution along the column, gated by how the segment moved): (B, bodies, dimension)."""

    def __init__(self, features: int, dimension: int) -> None:
        super().__init__()
        self.enter = nn.Linear(2 * TWIST + 1 + features, dimension)
        self.visit = nn.GRUCell(dimension, dimension)
        self.beside = nn.Conv1d(dimension, dimension, 5, padding=2)
        self.gate = nn.Linear(TWIST, dimension)
        self.norm = nn.LayerNorm(dimension)

    def forward(self, batch: Batch) -> Tensor:
        """From visits (B, V, bodies, 6), the last one known in every case, at years `when` (B, V; nan: no visit) and features (B, bodies, F)."""
        visits, when, features = batch["visits"], batch["when"], batch["features"]
        last, there = visits[:, -1], ~when.isnan()
        state = visits.new_zeros(len(visits) * visits.shape[2], self.norm.normalized_shape[0])
        for k in range(visits.shape[1]):
            time = when[:, k].nan_to_num()[:, None, None].expand(-1, visits.shape[2], 1)
            entered = functional.gelu(self.enter(torch.cat((visits[:, k], visits[:, k] - last, time, features), dim=-1)))
            keep = there[:, k].repeat_interleave(visits.shape[2])[:, None]
            state = torch.where(keep, self.visit(entered.flatten(0, 1), state), state)
        state = state.unflatten(0, (len(visits), -1))
        first = visits[torch.arange(len(visits), device=visits.device), there.long().argmax(dim=1)]
        beside = self.beside(state.transpose(1, 2)).transpose(1, 2) * self.gate(last - first).sigmoid()
        return self.norm(state + functional.gelu(beside))


class SpatioTemporal(nn.Module):
    """The forecast of a chain: `shifted`, `drawn` to the group's path and `own` say which of its pieces it has; without `own` corrections it is the group's path alone."""

    def __init__(self, features: int, bodies: int, *, width: float, shifted: bool = True, drawn: bool = True, own: bool = True) -> None:
        super().__init__()
        dimension = scaled(128, width, multiple=16)
        self.shifted, self.drawn, self.own = shifted and own, drawn and own, own
        self.group = Paths(bodies)
        if not own:
            return
        self.encoder, self.patterns = Encoder(features, dimension), Paths(PATTERNS)
        self.keys, self.query = nn.Parameter(torch.randn(PATTERNS, dimension)), nn.Linear(dimension, dimension)
        self.late = nn.Linear(dimension, len(SHIFTS))
        left = nn.Linear(dimension, 2 * TWIST)
        self.rest = nn.Sequential(nn.Linear(dimension, dimension), nn.GELU(), left)
        for layer in (left, self.late):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Chains (B, Q, bodies, 6) of the patient and of the group's path at years `asked` (B, Q) after the operation, standardised as the visits are."""
        asked, last = batch["asked"], batch["visits"][:, -1]
        state = self.encoder(batch) if self.own else None
        shift = self._shift(state, len(asked), asked)
        group = _corrected(self.group(asked, shift), last, batch)
        return (group if state is None else _corrected(self._own(state, asked, shift), last, batch)), group

    def _shift(self, state: Tensor | None, count: int, like: Tensor) -> Tensor:
        """By how many years (B,) the clock of a case is shifted: the mean of the SHIFTS under its attention; none where there is no shifting."""
        if state is not None and self.shifted:
            return self.late(state.mean(dim=1)).softmax(dim=-1) @ SHIFTS.to(like)
        return like.new_zeros(count)

    def _own(self, state: Tensor, asked: Tensor, shift: Tensor) -> Tensor:
        """Corrections (B, Q, bodies, 12): of the patterns by likeness, and at the operation what is left for the segment itself; only a path on the clock knows time."""
        like = (self.query(state - state.mean(dim=1, keepdim=True)) @ self.keys.T / self.keys.shape[1] ** 0.5).softmax(dim=-1)
        common = torch.einsum("blm,bqmn->bqln", like, self.patterns(asked, shift))
        return common + self.rest(state)[:, None]

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """How far the forecast lies from the visits that are known; while it is trained also the group's path from them, the patient's from the group's, and bends."""
        own, group = self(batch)
        if not self.training:
            return {"visits": _apart((own,), batch)[0]}
        if not self.drawn:
            return {"visits": _apart((own,), batch)[0], "bends": BENT * (self.patterns if self.own else self.group).bends()}
        visits, mean = _apart((own, group), batch)
        away = ((own - group).square().mean(dim=(-1, -2)) * batch["known"]).sum() / batch["known"].sum().clamp(min=1)
        return {"visits": visits, "group": 0.5 * mean, "drawn": DRAWN * away, "bends": BENT * (self.patterns.bends() + self.group.bends())}


def build(*, channels: int, outputs: int, width: float, image_size: tuple[int, int]) -> SpatioTemporal:
    """The network for `channels` features of a body and `outputs` bodies; there is no image."""
    return SpatioTemporal(channels, outputs, width=width)


def poses(twists: Tensor) -> tuple[Tensor, Tensor]:
    """Turns (..., n, 3, 3) and origins (..., n, 3) in the world of a chain of twists (..., n, 6), each in the frame of the next; the exponential of SE(3)."""
    vector = twists[..., :3]
    angle = vector.square().sum(dim=-1).clamp(min=1e-8).sqrt()[..., None, None]
    x, y, z = vector.unbind(dim=-1)
    none = torch.zeros_like(x)
    cross = torch.stack((none, -z, y, z, none, -x, -y, x, none), dim=-1).unflatten(-1, (3, 3))
    square, one = cross @ cross, torch.eye(3, device=twists.device)
    turns = one + angle.sin() / angle * cross + (1 - angle.cos()) / angle**2 * square
    along = one + (1 - angle.cos()) / angle**2 * cross + (angle - angle.sin()) / angle**3 * square
    moves = (along @ twists[..., 3:, None])[..., 0]
    turn, origin = turns[..., -1, :, :], moves[..., -1, :]
    out = [(turn, origin)]
    for k in range(twists.shape[-2] - 2, -1, -1):
        origin = origin + (turn @ moves[..., k, :, None])[..., 0]
        turn = turn @ turns[..., k, :, :]
        out.append((turn, origin))
    return torch.stack([t for t, _ in out[::-1]], dim=-3), torch.stack([o for _, o in out[::-1]], dim=-2)


def _corrected(correction: Tensor, last: Tensor, batch: Batch) -> Tensor:
    """The last chain (B, bodies, 6) changed by gains and offsets (B, Q, bodies, 12)."""
    gain, offset = correction.split(TWIST, dim=-1)
    return last[:, None] + gain * (last + batch["mean"] / batch["scale"])[:, None] + offset


def _apart(chains: tuple[Tensor, ...], batch: Batch) -> list[Tensor]:
    """For each forecast the mean distance in cm of four points of a body from where they were found at the visits that are known, and of the twists themselves."""
    every = torch.stack((batch["found"], *chains))
    turn, origin = poses(every * batch["scale"] + batch["mean"])
    points = torch.cat((origin[..., None, :], origin[..., None, :] + REACH * turn.transpose(-1, -2)), dim=-2)
    distance = ((points[1:] - points[0]).square().sum(dim=-1) + 1e-3).sqrt().mean(dim=(-1, -2)) / 10
    rough = functional.smooth_l1_loss(every[1:], every[:1].expand_as(every[1:]), reduction="none").mean(dim=(-1, -2))
    return list(((distance + rough) * batch["known"]).sum(dim=(-1, -2)) / batch["known"].sum().clamp(min=1))

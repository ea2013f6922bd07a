"""The spatio-temporal corrective network: poses, padding, the shift of the clock, and the pull towards the group's path."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from osteon.geometry.rigid_chain import exponential, recomposed
from osteon.networks import build, own, takes
from osteon.networks.spatiotemporal import Paths, SpatioTemporal, poses

BODIES = 3


def batch(onset: Tensor, asked: Tensor, *, noise: float = 0.0, seed: int = 0) -> dict[str, Tensor]:
    """Cases (B,) at an onset (years) on one path of growth, even until the clock says 0 and then at an end, seen at `asked` (B, Q) after the operation; every body bends alike."""
    generator = torch.Generator().manual_seed(seed)
    start = 0.2 * torch.randn(len(onset), 1, BODIES, 6, generator=generator)
    change = nn.functional.softplus(-onset[:, None], beta=3) - nn.functional.softplus(-onset[:, None] - asked, beta=3)
    found = start + change[..., None, None] * torch.tensor([0.0, 1, 0, 0, 0, 0]) + noise * torch.randn(*asked.shape, BODIES, 6, generator=generator)
    return {"visits": start.expand(-1, 2, -1, -1), "when": torch.tensor([-0.5, 0.0]).expand(len(onset), 2), "features": onset[:, None, None].expand(-1, BODIES, 1),
            "asked": asked, "found": found, "known": torch.ones_like(asked, dtype=torch.bool), "mean": torch.zeros(BODIES, 6), "scale": torch.tensor([0.1, 0.1, 0.1, 5, 5, 5])}


def trained(network: nn.Module, given: dict[str, Tensor], steps: int) -> nn.Module:
    optimiser = torch.optim.AdamW(network.parameters(), lr=2e-2, weight_decay=0.01)
    slower = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-2, total_steps=steps)
    network.train()
    for _ in range(steps):
        optimiser.zero_grad()
        torch.stack(list(network.losses(given).values())).sum().backward()  # type: ignore[operator]
        optimiser.step()
        slower.step()
    return network.eval()


def made(name: str, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return build(name, channels=1, outputs=BODIES, width=0.125, image_size=(1, 1))


def error(network: nn.Module, given: dict[str, Tensor]) -> float:
    with torch.inference_mode():
        return float((network(given)[0] - given["found"]).abs()[..., 1].mean())


def test_its_poses_are_those_of_the_geometry() -> None:
    twists = np.random.default_rng(0).normal(size=(4, 5, 6)) * (0.8, 0.8, 0.8, 20, 20, 20)
    turn, origin = poses(torch.from_numpy(twists))
    expected = recomposed(exponential(twists))
    assert np.allclose(turn, expected[..., :3, :3], atol=1e-6) and np.allclose(origin, expected[..., :3, 3], atol=1e-4)


def test_it_begins_with_no_change_and_all_four_are_found_by_name() -> None:
    given = batch(torch.zeros(4), torch.rand(4, 3))
    for name in ("spatiotemporal", "spatiotemporal_without_shift", "spatiotemporal_without_regulariser", "group_path"):
        assert name in own() and takes(name) == "course"
        network = made(name)
        forecast, group = network(given)
        assert (group - given["visits"][:, -1:]).abs().mean() < 0.05
        assert (forecast - group).abs().mean() < 0.5
        assert ("drawn" in network.train().losses(given)) == (name in ("spatiotemporal", "spatiotemporal_without_shift"))  # type: ignore[operator]


def test_a_shifted_clock_reads_the_path_where_it_says() -> None:
    paths = Paths(2)
    with torch.no_grad():
        paths.knots.copy_(torch.linspace(0, 1, paths.knots.shape[1])[None, :, None].square().expand_as(paths.knots))
        paths.jump.fill_(0.25)
    asked = torch.tensor([[0.4, 1.7]])
    for years in (-1.5, 0.0, 0.7):
        share = (torch.tensor([3.4, 4.7]) + years) / 9
        low, high = (share * 18).floor() / 18, (share * 18).floor() / 18 + 1 / 18
        between = low**2 + (share - low) * 18 * (high**2 - low**2)
        begun = torch.tensor((3 + years) / 9)
        start = (begun * 18).floor() / 18
        expected = 0.25 + between - (start**2 + (begun - start) * 18 * ((start + 1 / 18) ** 2 - start**2))
        assert torch.allclose(paths(asked, torch.tensor([years]))[0, :, 0, 0], expected, atol=1e-5)


def test_padding_changes_no_forecast_and_no_loss() -> None:
    given, network = batch(torch.tensor([0.3, -0.2]), torch.tensor([[0.5, 1.0], [0.2, 0.9]])), made("spatiotemporal").eval()
    nn.init.normal_(network.rest[-1].weight)  # type: ignore[union-attr, index, arg-type]
    one = network(given)[0]
    wider = given | {"visits": torch.cat((torch.zeros(2, 3, BODIES, 6), given["visits"]), dim=1), "when": torch.cat((torch.full((2, 3), torch.nan), given["when"]), dim=1),
                     "asked": torch.cat((given["asked"], torch.zeros(2, 2)), dim=1), "known": torch.cat((given["known"], torch.zeros(2, 2, dtype=torch.bool)), dim=1),
                     "found": torch.cat((given["found"], torch.zeros(2, 2, BODIES, 6)), dim=1)}
    assert torch.allclose(network(wider)[0][:, :2], one, atol=1e-5)
    assert torch.allclose(network.losses(wider)["visits"], network.losses(given)["visits"], atol=1e-5)  # type: ignore[operator]


def test_the_shift_of_the_clock_finds_at_which_stage_a_case_is() -> None:
    """Cases are operated on at different stages of growth and followed for a year each; nobody tells the network which stage is later."""
    onset = 3.5 * torch.rand(48, generator=torch.Generator().manual_seed(1)) - 2
    seen = batch(onset, torch.linspace(0.1, 1, 4).expand(48, 4))
    network = trained(made("spatiotemporal"), seen, 120)
    assert isinstance(network, SpatioTemporal)
    with torch.inference_mode():
        shift = network._shift(network.encoder(seen), 48, seen["asked"])
    assert torch.corrcoef(torch.stack((shift, onset)))[0, 1] > 0.9
    whole = error(network, seen)
    network.shifted = False
    assert error(network, seen) > 3 * whole, "taking the shift out costs: the distinctive piece"


def test_the_regulariser_draws_patients_to_the_path_of_the_group() -> None:
    """Few cases whose visits are mostly noise: the path of the group is nearer to the truth than what each visit says."""
    asked = torch.linspace(0.2, 2, 5).expand(8, 5)
    seen, clean = (batch(torch.linspace(-0.2, 0.2, 8), asked, noise=noise) for noise in (1.0, 0.0))
    drawn, free = (trained(made(name), seen, 120) for name in ("spatiotemporal", "spatiotemporal_without_regulariser"))
    with torch.inference_mode():
        away = [float((own - group).square().mean()) for own, group in (drawn(seen), (free(seen)[0], drawn(seen)[1]))]
    assert away[0] < 0.8 * away[1], "taking the regulariser out lets patients leave the path: the distinctive piece"
    assert error(drawn, clean) < error(free, clean)


def test_the_group_path_is_the_same_for_everybody() -> None:
    network = trained(made("group_path"), batch(torch.zeros(6), torch.linspace(0.2, 2, 5).expand(6, 5)), 60)
    young, old = (network(batch(torch.full((1,), onset), torch.tensor([[1.0]])))[0] for onset in (-2.0, 2.0))
    assert torch.allclose(young, old) and isinstance(network, SpatioTemporal)
    assert error(network, batch(torch.zeros(6), torch.full((6, 1), 1.0))) < 0.3

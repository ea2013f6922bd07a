"""Where a network looked for its answer, and whether that map means anything: never one without the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.case import Case
from osteon.cohort import Cohort
from osteon.errors import DataError, Refused, message
from osteon.models import Chain, Desk, Fusion, Net, bare
from osteon.targets import Classes, Grades, Masks, Objects, Target
from osteon.validation.explanation_checks import DEALS, ROUNDS, STAGES, Faithful, Located, Sanity, cascade, faithful, likeness, located, mean, repeatability
from osteon.validation.explanation_maps import METHODS, OF_A_LAYER, layer_of, saliency
from osteon.validation.explanation_scores import BY_COVERING, Asked, asked
from osteon.value import Mask, Withheld
from osteon.value import Objects as Boxes

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Validity:
    """What is known of a map: sanity checks, deletion and insertion, likeness with maps of the picture moved a little and of other fits, and the region that is known.

    nan and None: not known, or without meaning for this answer. `region` (rows, cols) is in places of the map.
    """

    checks: tuple[Sanity, ...] = ()
    faithful: Faithful | None = field(default=None, kw_only=True)
    repeated: float = field(default=float("nan"), kw_only=True)
    refitted: float = field(default=float("nan"), kw_only=True)
    region: np.ndarray | None = field(default=None, kw_only=True)

    @property
    def holds(self) -> bool:
        """Whether the map passed every sanity check that was made, of the weights at least."""
        return bool(self.checks) and all(check.holds for check in self.checks)


@dataclass(frozen=True, eq=False)
class Explained:
    """A map (rows, cols) of 0-1 on the picture as the network saw it (rows, cols of 0-1), for one finding with the strength of the answer, and what is known of the map."""

    method: str
    map: np.ndarray
    picture: np.ndarray = field(kw_only=True)
    finding: str = field(kw_only=True)
    probability: float = field(kw_only=True)
    validity: Validity = field(default=Validity(), kw_only=True)

    @property
    def checks(self) -> tuple[Sanity, ...]:
        """The sanity checks."""
        return self.validity.checks

    def found(self) -> tuple[Located, ...]:
        """Pointing game and energy of this map beside centre and edges; nothing where no region is known."""
        region = self.validity.region
        return () if region is None or not region.any() else located([self.map], [region], [self.picture], method=self.method)

    def plain(self) -> dict[str, Any]:
        """Every number as plain data for JSON."""
        v = self.validity
        curves = {} if v.faithful is None else {"deletion": v.faithful.areas[0], "insertion": v.faithful.areas[1], "deletion_by_chance": v.faithful.by_chance[0], "insertion_by_chance": v.faithful.by_chance[1],
                                                "better_than_chance": v.faithful.holds, "curves": {"share": v.faithful.shares.tolist(), "deletion": v.faithful.deletion.tolist(), "insertion": v.faithful.insertion.tolist()}}
        known = {one.method: {"pointed": one.pointing.estimate == 1, "energy": one.energy, "covered": one.covered} for one in self.found()}
        return {"method": self.method, "finding": self.finding, "probability": self.probability, "passed": v.holds, "checks": [asdict(c) | {"holds": c.holds} for c in v.checks],
                "repeated": v.repeated, "refitted": v.refitted, "located": known} | curves


def explained(net: Net, case: Case, finding: str, *, method: str = "Grad-CAM", seed: int = 0, thorough: bool = True, others: Sequence[Net] = (), targets: Mapping[str, Target] | None = None) -> Explained:
    """The map of one finding of one case with all that is known of it; `others` are further fits of the same spec, `targets` the study's, which may know the region.

    `thorough=False` looks less often: the cascade in two stages of layers, or at once where a map costs more than a gradient. Raises NotFitted, Refused for what has no such map, DataError for a case that can not be read.
    """
    what, image = asked(net, finding), image_of(net, case)
    layer = layer_of(what, image) if method in OF_A_LAYER else ""
    found = saliency(what, what.network, image, method=method, layer=layer)
    rounds, stages = (2, 2 if method in OF_A_LAYER else 1) if not thorough or method in BY_COVERING else (ROUNDS, STAGES)
    again = [saliency(asked(other, finding), other.fitted.network, image_of(other, case), method=method, layer=layer) for other in others if other.fitted is not None]
    validity = Validity((cascade(what, image, found, method=method, layer=layer, seed=seed, rounds=rounds, stages=stages),), faithful=faithful(what, image, found, seed=seed, deals=DEALS if thorough else 1),
                        repeated=repeatability(what, image, found, method=method, layer=layer, seed=seed), refitted=mean([likeness(found, a) for a in again]),
                        region=region_of(net, case, finding, targets or {}))
    picture = (image[0].mean(0) / 4 + 0.5).detach().cpu().numpy()
    return Explained(method, found, picture=picture, finding=finding, probability=_probability(what, image), validity=validity)


def _probability(what: Asked, image: Tensor) -> float:
    import torch

    with torch.no_grad():
        return float("nan") if what.strength is None else float(what.strength(what.network, image)[0])


def grad_cam(net: Net, case: Case, finding: str, *, seed: int = 0) -> Explained:
    """Grad-CAM of one class for one case, beside the same method on shuffled weights."""
    return explained(net, case, finding, seed=seed)


def image_of(net: Net, case: Case) -> Tensor:
    """The first window of the case's film as the network sees it (1, channels, rows, cols); raises DataError where there is none."""
    import torch

    from osteon.models.augment import centred

    assert net.fitted is not None
    seen = net.fitted.view.see(case.inputs)
    if isinstance(seen, Withheld):
        raise DataError(message(f"case {case.id}", "it can not be explained", found=seen.reason))
    device = next(net.fitted.network.parameters()).device
    return centred(torch.from_numpy(seen.pieces(net.fitted.view.shape)[:1]).to(device).float().div_(255))


def region_of(net: Net, case: Case, finding: str, targets: Mapping[str, Target]) -> np.ndarray | None:
    """Where the finding is known to be, in places of the map (rows, cols): the truth of the network's own boxes or outlines, else of another target's; None where none is known."""
    from osteon.models.views import mask_pieces

    assert net.fitted is not None
    shape = net.fitted.view.shape
    known = [t for t, target in targets.items() if isinstance(target, (Objects, Masks)) and t in case.truth]
    for name in sorted(known, key=lambda t: t not in net.writes):
        truth, seen = case.truth[name], net.fitted.view.see(case.inputs)
        if isinstance(seen, Withheld) or not isinstance(truth, (Boxes, Mask)):
            continue
        labels = [finding] if finding in targets[name].findings else list(targets[name].findings)
        if isinstance(truth, Mask):
            return np.asarray(mask_pieces(truth, tuple(labels), seen, shape=shape)[0].max(0) > 127)
        return _boxed(truth, labels, seen, shape)
    return None


def _boxed(truth: Boxes, labels: Sequence[str], seen: Any, shape: tuple[int, int]) -> np.ndarray:
    from osteon.models.views import placed
    from osteon.validation.explanation_checks import inside

    boxes = [box for box, label in zip(placed(truth, seen.grid.shape), truth.labels, strict=True) if label in labels]
    edges = seen.windows[0].reshaped(shape).into(np.array(boxes).reshape(-1, 4)) - 0.5
    return np.any([inside(tuple(e), shape) for e in edges], axis=0) if len(edges) else np.zeros(shape, bool)


def networks(model: Any) -> Iterator[tuple[Any, Chain | None]]:
    """Every network of a model that looks at pictures, with the steps that come before it; those of the members of a blend too."""
    model = bare(model)
    if isinstance(model, (Net, Fusion)):
        yield model, None
    elif isinstance(model, Chain):
        for k, step in enumerate(model.steps):
            yield from ((net, Chain(*model.steps[:k], *(before.steps if before else ())) if k or before else None) for net, before in networks(step))
    else:
        for member in getattr(model, "members", {}).values():
            yield from networks(member)


def as_seen(case: Case, before: Chain | None, cohort: Cohort) -> Case:
    """The case with what the earlier steps of a chain answered for it among its inputs."""
    if before is None:
        return case
    (answer,) = before.predict(replace(cohort, cases=[case]))
    return case.with_inputs(**answer)


def with_labels_shuffled(cohort: Cohort, target: str, seed: int) -> Cohort:
    """The cohort with the truths of one target dealt out anew among the cases that have one."""
    cases = list(cohort)
    have = [i for i, case in enumerate(cases) if target in case.truth]
    for i, j in zip(have, np.random.default_rng(seed).permutation(have).tolist(), strict=True):
        cases[i] = replace(cases[i], truth=dict(cases[i].truth) | {target: cohort.cases[j].truth[target]})
    return replace(cohort, cases=cases)


def fitted_on_shuffled(net: Net, parts: tuple[Cohort, Cohort], targets: Mapping[str, Target], desk: Desk) -> Net:
    """The same spec trained once more, on shuffled labels of (train, tune): never done but on request. Raises Refused where there are no classes or grades to shuffle."""
    name = net.writes[0]
    if not isinstance(targets[name], (Classes, Grades)):
        raise Refused(message(f"Net {net.name!r}", f"{name!r} has no classes to shuffle", expected="a target of classes or grades"))
    train, tune = (with_labels_shuffled(part, name, desk.seed + k) for k, part in enumerate(parts))
    return replace(net, fitted=None).fit(train, tune, targets, desk)


def label_check(net: Net, blind: Net, cases: Sequence[Case], *, finding: str, method: str = "Grad-CAM") -> Sanity:
    """The mean likeness of maps of `net` with those of the same spec that learnt shuffled labels, over some cases."""
    maps = [[_map(n, case, finding, method) for n in (net, blind)] for case in cases]
    return Sanity("labels", mean([likeness(a, b) for a, b in maps]), len(maps))


def _map(net: Net, case: Case, finding: str, method: str) -> np.ndarray:
    what, image = asked(net, finding), image_of(net, case)
    return saliency(what, what.network, image, method=method, layer=layer_of(what, image) if method in OF_A_LAYER else "")


__all__ = ["METHODS", "Explained", "Located", "Sanity", "Validity", "explained", "grad_cam", "label_check", "located"]

"""Architectures: ours by the name of their file, all others by their name in timm."""
from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from torch import nn

from osteon.errors import message

# Files of this folder that are parts of networks and no network.
PARTS = frozenset({"blocks", "fusion", "heads", "standardised"})


def own() -> list[str]:
    """Names of the architectures of this folder, one a file."""
    return sorted(module.name for module in iter_modules(__path__) if module.name not in PARTS)


def takes(name: str) -> str:
    """What a network takes: "picture", or another kind of input where its file says so (`TAKES`)."""
    return str(getattr(import_module(f"{__name__}.{name}"), "TAKES", "picture")) if name in own() else "picture"


def build(name: str, *, channels: int, outputs: int, width: float, image_size: tuple[int, int]) -> nn.Module:
    """The untrained network `name` for images (B, channels, H, W) of `image_size`, with `outputs` classes, structures or values.

    `width` narrows or widens our own architectures; one of timm (with or without "timm:" before its name) has the width of its
    name. Of a network that takes notes, `channels` is how many numbers a word can have. Raises ValueError for an unknown name and says which ones are near.
    """
    if name in own():
        module = import_module(f"{__name__}.{name}")
        return module.build(channels=channels, outputs=outputs, width=width, image_size=image_size)
    return _from_timm(name.removeprefix("timm:"), channels, outputs, image_size)


def _from_timm(name: str, channels: int, outputs: int, image_size: tuple[int, int]) -> nn.Module:
    import timm

    if not timm.is_model(name):
        known = own() + timm.list_models()
        near = ", ".join(get_close_matches(name, known, n=3, cutoff=0.5)) or "none"
        expected = f"one of {', '.join(own())}, or a name of timm"
        raise ValueError(message("network", "unknown name", expected=expected, found=f"Found {name!r}", do=f"Near names: {near}"))
    # Only networks with a position code need to know the image size; the others refuse the argument.
    published = timm.get_pretrained_cfg(name)
    size: dict[str, Any] = {"img_size": image_size} if published is not None and published.fixed_input_size else {}
    return timm.create_model(name, in_chans=channels, num_classes=outputs, pretrained=False, **size)

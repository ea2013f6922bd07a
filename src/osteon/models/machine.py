"""What this machine does fastest: device, precision and memory format by a trial of the network itself, batch by memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from osteon.networks import build, takes
from osteon.networks.fusion import EMBEDDING, Fusion

TRIAL_SECONDS = 3.0
GAIN = 1.1  # what a choice must win over plain float32: less is noise of the clock
SEVERAL = 512  # windows a device, above which several devices pay for being started
FULL_STEP = 2**16  # pixels of a step, below which the calls cost as much as the arithmetic


@dataclass(frozen=True)
class Choice:
    """Precision as Fabric names it ("32-true", "bf16-mixed"), whether channels lie last in memory, and where it comes from."""

    precision: str
    channels_last: bool
    reason: str


@dataclass(frozen=True)
class Blueprint:
    """What builds a network: its name, channels, outputs, width and image size (rows, cols).

    With `told` (marks of what is there and numbers of a record beside `pictures` pictures) it is a fusion, of which the named one is the backbone; `channels` are those of all pictures.
    """

    name: str
    channels: int
    outputs: int
    width: float
    shape: tuple[int, int]
    pictures: int = 1
    told: int = 0

    def network(self, seed: int) -> nn.Module:
        """The untrained network; the same seed gives the same weights and the process's random state stays as it was."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            outputs = EMBEDDING if self.told else self.outputs
            network = build(self.name, channels=self.channels // self.pictures, outputs=outputs, width=self.width, image_size=self.shape)
            if not self.told:
                return network
            return Fusion(network, pictures=self.pictures, columns=self.told - self.pictures - 1, outputs=self.outputs)

    def example(self, count: int) -> Tensor:
        """What enters the network, empty: pictures (count, channels, rows, cols), or notes (count, words)."""
        if takes(self.name) == "text":
            return torch.ones(count, self.shape[1], dtype=torch.long)
        return torch.zeros(count, self.channels, *self.shape)

    def plain(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self) | {"shape": list(self.shape)}


def devices(windows: int) -> tuple[str, int]:
    """Accelerator and number of devices for a train part of so many windows: every visible GPU where that pays, else one, else the CPU."""
    if not torch.cuda.is_available():
        return "cpu", 1
    return "cuda", max(1, min(torch.cuda.device_count(), windows // SEVERAL))


def has_bfloat16() -> bool:
    """Whether the CPU multiplies bfloat16 in hardware (AVX-512 BF16, AMX or ARM BF16), by the flags that Linux states."""
    path = Path("/proc/cpuinfo")
    flags = set(path.read_text(encoding="utf-8", errors="ignore").split()) if path.exists() else set()
    return bool(flags & {"avx512_bf16", "amx_bf16", "bf16"})


def choose(blueprint: Blueprint, accelerator: str, seconds: float) -> Choice:
    """Precision and memory format: on a GPU bfloat16 where it has it, on a CPU what a trial of at most `seconds` finds fastest; small windows need none."""
    if takes(blueprint.name) == "kspace":
        return Choice("32-true", False, "raw signal: single precision")
    if takes(blueprint.name) == "signal":
        return Choice("32-true", False, "recordings: single precision")
    if takes(blueprint.name) == "text":
        return Choice("32-true", False, "notes: single precision")
    if takes(blueprint.name) == "block" and accelerator != "cuda":
        return Choice("32-true", False, "blocks of slices: single precision")
    if accelerator == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
        return Choice("bf16-mixed" if fast else "32-true", takes(blueprint.name) != "block", "GPU")
    if small(blueprint.shape):
        return Choice("32-true", True, "small windows: a trial would cost more than it could win")
    return _trial(blueprint, min(seconds, TRIAL_SECONDS))


@lru_cache(maxsize=64)  # once a process and network, so that the fits of a run agree
def _trial(blueprint: Blueprint, seconds: float) -> Choice:
    options = [("32-true", True), ("32-true", False)] + ([("bf16-mixed", True)] if has_bfloat16() else [])
    network = blueprint.network(0)
    images = torch.rand(4, blueprint.channels, *blueprint.shape, generator=torch.Generator().manual_seed(0))
    end = time.monotonic() + seconds
    best: dict[tuple[str, bool], float] = {}
    for option in options * 3:
        if time.monotonic() < end:
            spent = _step_seconds(network, images, *option)
            best[option] = min(spent, best.get(option, float("inf")))
    if len(best) < len(options) or seconds <= 0:
        return Choice(*options[0], "no time for a trial")
    fastest = min(best, key=lambda option: best[option])
    chosen = fastest if best[options[0]] > GAIN * best[fastest] else options[0]
    text = ", ".join(f"{p}{' channels last' if last else ''} {1000 * best[p, last] / 4:.1f} ms an image" for p, last in options)
    return Choice(*chosen, text)


def _step_seconds(network: nn.Module, images: Tensor, precision: str, channels_last: bool) -> float:
    """Processor seconds of one step forward and back: other work on the machine does not count."""
    network.to(memory_format=torch.channels_last if channels_last else torch.contiguous_format)
    start = time.process_time()
    with torch.autocast("cpu", torch.bfloat16, enabled=precision != "32-true"):
        output = network(images)
    parts = output if isinstance(output, (list, tuple)) else [output]
    sum(part.float().square().mean() for part in parts).backward()
    return time.process_time() - start


def small(shape: tuple[int, int]) -> bool:
    """Whether eight windows of these rows and columns are less than one step should hold."""
    return 8 * shape[0] * shape[1] <= FULL_STEP


def batch_size(blueprint: Blueprint, windows: int, accelerator: str, *, least: int = 0) -> int:
    """Windows a step: a train part gives about 25 steps, small windows share one, and what a step keeps takes at most a third of the free memory.

    `least` are wanted where a loss sets the windows of a step against each other.
    """
    wanted = min(least, windows) or (8 if small(blueprint.shape) else 4)
    while wanted * 2 <= windows / 25 and wanted < (64 if accelerator == "cuda" or takes(blueprint.name) == "text" else 16):  # notes are small
        wanted *= 2
    room = 0.33 * _free(accelerator) / max(_kept_bytes(blueprint), 1)
    while wanted > 2 and wanted > room:
        wanted //= 2
    return wanted


def _free(accelerator: str) -> float:
    if accelerator == "cuda":
        return float(torch.cuda.mem_get_info()[0])
    import psutil

    return float(psutil.virtual_memory().available)


@lru_cache(maxsize=64)
def _kept_bytes(blueprint: Blueprint) -> int:
    """Bytes that one image leaves for the way back: what every layer puts out, in float32."""
    network, kept = blueprint.network(0).eval(), [0]
    hooks = [module.register_forward_hook(counter(kept)) for module in network.modules() if not list(module.children())]
    with torch.inference_mode():
        network(blueprint.example(1))
    for hook in hooks:
        hook.remove()
    return 4 * kept[0]


def counter(kept: list[int]) -> Callable[..., None]:
    """A hook of a layer that adds up the numbers which it puts out."""
    def count(module: nn.Module, inputs: Any, output: Any) -> None:
        kept[0] += sum(t.numel() for t in (output if isinstance(output, (list, tuple)) else [output]) if isinstance(t, Tensor))

    return count

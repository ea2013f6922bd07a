"""doctor: what this machine has."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import typer

from osteon.cli.screen import Json, plain, table

NEEDED = ("torch", "torchvision", "timm", "monai", "lightning-fabric", "scikit-learn", "pydicom", "SimpleITK", "nibabel", "numba", "pandas", "matplotlib")


def doctor(json: Json = False) -> None:
    """Say what this machine has: processor, memory, disk, packages, GPU; exit code 2 where something needed is missing."""
    found = machine()
    if json:
        plain(found)
    else:
        table([{"part": k, "found": v} for k, v in found.items() if k != "packages"])
        table([{"package": k, "version": v} for k, v in found["packages"].items()])
    if "missing" in found["packages"].values():
        raise typer.Exit(2)


def machine() -> dict[str, Any]:
    """Processor, cores, memory and free disk (GB), Python, packages, and what PyTorch can use."""
    import psutil

    packages = {name: _version(name) for name in NEEDED}
    return {"osteon": _version("osteon"), "python": sys.version.split()[0], "system": platform.platform(), "processor": platform.machine(), "cores": os.cpu_count(),
            "memory_gb": round(psutil.virtual_memory().total / 2**30, 1), "disk_free_gb": round(shutil.disk_usage(Path.cwd()).free / 2**30, 1),
            **_accelerator(packages), "packages": packages}


def _accelerator(packages: dict[str, str]) -> dict[str, Any]:
    if packages["torch"] == "missing":
        return {"gpu": "unknown: PyTorch is missing"}
    import torch

    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return {"gpu": ", ".join(gpus) or "none", "bfloat16_on_cpu": bool(torch.backends.cpu.get_cpu_capability() and "bf16" in _flags())}


def _flags() -> str:
    path = Path("/proc/cpuinfo")
    return path.read_text() if path.exists() else ""


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"

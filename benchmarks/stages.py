"""One stage in a process of its own: CPU seconds, wall seconds and peak memory as the system counts them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """A line of Python that does one thing, and what it is called in the table."""

    name: str
    code: str


@dataclass(frozen=True)
class Cost:
    """What a stage took: CPU and wall seconds, peak memory in MB, and what it printed last."""

    name: str
    cpu: float
    wall: float
    memory: float
    said: str


def measure(stage: Stage) -> Cost:
    """Run a stage in a fresh interpreter; raises RuntimeError with its output where it fails."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", stage.code], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    if status:
        raise RuntimeError(f"{stage.name} failed:\n{output}")
    scale = 1024 * 1024 if sys.platform == "darwin" else 1024
    return Cost(stage.name, usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / scale, (output.strip().splitlines() or [""])[-1])

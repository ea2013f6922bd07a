"""What every test may ask for, and how many threads each worker may use."""

from __future__ import annotations

import os

# Before any numerical library loads: the workers share the cores instead of fighting for them.
THREADS = max(1, (os.cpu_count() or 1) // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    if "PYTEST_XDIST_WORKER" in os.environ:  # what a worker inherits is the share of the process that started it: all cores
        os.environ[_name] = str(THREADS)
    else:
        os.environ.setdefault(_name, os.environ.get("OMP_NUM_THREADS", str(THREADS)))
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that wait by spinning starve each other on a busy machine
os.environ.setdefault("MPLBACKEND", "Agg")

from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parent.parent

# The same examples on every machine and every day, and no limit on time: a slow machine is not a fault.
hypothesis.settings.register_profile("osteon", derandomize=True, deadline=None, database=None, print_blob=False)
hypothesis.settings.load_profile("osteon")


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """Real data by name, from the folder in OSTEON_DATA or else ../shared/data beside the repository; skips where it is absent."""
    folder = Path(os.environ.get("OSTEON_DATA") or ROOT.parent / "shared" / "data")

    def find(name: str) -> Path:
        path = folder / name
        if not path.exists():
            pytest.skip(f"shared/data/{name} not found")
        return path

    return find


@pytest.fixture(scope="session")
def session_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A folder by name that lives as long as the session of this worker: the same name gives the same folder."""
    root = tmp_path_factory.mktemp("session")

    def make(name: str) -> Path:
        path = root / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    return make


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    """Call the command line as a user does, on a wide terminal: its exit code, what it printed, and what it printed as an error."""
    from osteon.cli import main

    monkeypatch.setenv("COLUMNS", "160")

    def call(*args: object) -> tuple[int, str, str]:
        code = 0
        try:
            main([str(a) for a in args])
        except SystemExit as stop:
            code = int(stop.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return call

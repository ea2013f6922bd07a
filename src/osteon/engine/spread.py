"""The same work on other machines: fits of a run, or whole studies, as tasks of a Ray cluster.

What is computed does not change: each fit draws on a seed derived from its own name. The folder of the run and the cohort must lie under the same path
on every machine. Ray is an extra; Moritz P et al. OSDI 2018: 561-77.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from osteon.design import Fold
from osteon.engine.fitting import fit_one, is_done, model_home
from osteon.engine.folder import Work
from osteon.errors import DataError, RunError, message
from osteon.progress import log, track


def fits(work: Work, folds: Sequence[Fold], on: str) -> None:
    """Make every fit of a run that is not there yet on the cluster `on`; each lies in its place in the folder of the run afterwards. Raises what a fit raises."""
    items = {f"{label}, fold {fold.name}, fit {k + 1}": (label, fold, k) for label in work.study.models for fold in dict.fromkeys(folds) for k in range(len(fold.fits))
             if not is_done(work, label, fold) and not model_home(work, label, fold, k).exists()}
    for name, found in track(spread(_fit, replace(work, lock=None), items, on=on), len(items), what="fits"):  # type: ignore[arg-type]  # a lock does not travel
        if isinstance(found, Exception):
            raise found
        log.info("%s: made", name)


def _fit(work: Work, label: str, fold: Fold, k: int) -> None:
    fit_one(work, label, work.study.models[label], fold, k)


def spread(function: Callable[..., Any], shared: Any, items: Mapping[str, tuple[Any, ...]], *, on: str) -> Iterator[tuple[str, Any]]:
    """`function(shared, *item)` for each item, by name in the order in which they end; what one raises stands in the place of its result."""
    if not items:
        return
    with cluster(on) as ray:
        task = ray.remote(function).options(num_cpus=threads(), max_retries=1, runtime_env={"env_vars": {"OMP_NUM_THREADS": str(threads())}})
        held = ray.put(shared)
        waiting = {task.remote(held, *item): name for name, item in items.items()}
        while waiting:
            (ended,), _ = ray.wait(list(waiting), num_returns=1)
            name = waiting.pop(ended)
            try:
                yield name, ray.get(ended)
            except ray.exceptions.RayTaskError as error:
                yield name, error.cause
            except ray.exceptions.RayError as error:  # a machine that went away
                yield name, RunError(message(name, "the cluster lost it", found=f"Reason: {error}", do="Give the same command again to go on"))


def known(on: str) -> None:
    """Raises DataError for what is no address of a cluster."""
    if on and on != "ray" and not on.startswith("ray://"):
        raise DataError(message("--on", f"{on!r} is not understood", expected="ray, or ray://host:port"))


def threads() -> int:
    """Cores that one task takes: as many as it would have here, for sums of floats depend on them in their last digits."""
    return int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)


@contextmanager
def cluster(on: str) -> Iterator[Any]:
    """Ray, connected to `ray://host:port`, or for `ray` to the cluster of RAY_ADDRESS or to this machine alone; left as it was found. Raises DataError or RunError."""
    known(on)
    try:
        import ray
    except ImportError as error:
        raise RunError(message("--on", "Ray is not installed", do="Install the extra: pip install 'osteon[ray]'")) from error
    ours = not ray.is_initialized()
    if ours:
        try:
            ray.init(address=on if on != "ray" else os.environ.get("RAY_ADDRESS"), log_to_driver=False, include_dashboard=False, configure_logging=False)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise RunError(message(on, "the cluster does not answer", found=f"Reason: {error}")) from error
    try:
        yield ray
    finally:
        if ours:
            ray.shutdown()

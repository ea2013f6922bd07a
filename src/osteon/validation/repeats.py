"""The same study on the same cases with other seeds: what the draw of the parts and of the training does to the primary figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from osteon.errors import DataError, message
from osteon.run import Run

if TYPE_CHECKING:
    import pandas as pd

FILE = "repeats.csv"
SEEDS = 5  # seeds below which their spread tells little
SAME = ("study", "design", "budget")


def repeats(run: Run, others: Sequence[Run]) -> pd.DataFrame:
    """One line a run and primary figure: seed, run, metric, estimate, lower, upper; raises DataError for a run of other cases or of another plan, or a seed twice."""
    import pandas as pd

    seen = {run.about["seed"]}
    rows = []
    for other in others:
        _same(run, other)
        seed = other.about["seed"]
        if seed in seen:
            raise DataError(message(other.folder, f"seed {seed} is there already", expected="runs with a seed of their own"))
        seen.add(seed)
        rows += [{"seed": seed, "run": other.about["identity"][:10], "metric": name, **{k: value[k] for k in ("estimate", "lower", "upper")}} for name, value in other.primary.metrics.items()]
    return pd.DataFrame(rows, columns=["seed", "run", "metric", "estimate", "lower", "upper"])


def _same(run: Run, other: Run) -> None:
    one, two = run.about, other.about
    different = [name for name in SAME if one[name] != two[name]]
    if one["cohort"]["table"] != two["cohort"]["table"]:
        different.append("cases")
    if different:
        raise DataError(message(other.folder, f"this is a run of other {', '.join(different)}", expected="the same study, cases, design and budget, and another seed"))

"""Probabilities of one finding in depth: every usual figure and test of calibration, and of overall error, for each model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from osteon.report.cells import bare, figure, tested
from osteon.report.content import Block, Cell, Folded, Table
from osteon.report.facts import Facts
from osteon.row import EvidenceRow
from osteon.targets.lines import TRUE, judged

COLUMNS = ("Model", "ICI", "E50", "E90", "Emax", "ECE, equal width", "ECE, equal counts", "Scaled Brier", "Nagelkerke R²", "Log loss", "Spiegelhalter p", "Unreliability p", "Hosmer-Lemeshow p")
LEAST = 20


def in_depth(facts: Facts, target: str, finding: str, rows: Sequence[EvidenceRow], spoken: str) -> tuple[Block, ...]:
    """A folded table with a row a model; none where fewer than 20 cases, or one state only, are judged."""
    found = [(row.source.model, cells) for row in rows if (cells := _cells(facts, row.source.model, target, finding)) is not None]
    if not found:
        return ()
    table = Table(f"calibration-depth-{target}-{finding}", f"Calibration of “{spoken}”: further figures", columns=COLUMNS, rows=tuple((model, *cells) for model, cells in found), tone="tight",
                  note="ICI, E50, E90, Emax: mean, median, 90th percentile and largest gap between the smooth curve and the diagonal (Austin and Steyerberg 2019). ECE depends on its bins and stands here for comparison with other papers only, "
                       "as does the Hosmer-Lemeshow test. A small p says that the probabilities are not right; with many cases it is small for gaps that do not matter.")
    return (Folded(f"Calibration of “{spoken}” in depth", (table,)),)


def _cells(facts: Facts, model: str, target: str, finding: str) -> tuple[Cell, ...] | None:
    from osteon.stats import calibration as c

    known = judged(facts.test(model, target, finding))
    truth, p = (known["state"] == TRUE).to_numpy(int), np.clip(known["score"].to_numpy(float), 0, 1)
    if len(known) < LEAST or truth.all() or not truth.any():
        return None
    gaps = c.calibration_errors(truth, p) if np.ptp(p) > 0 else dict.fromkeys(("ici", "e50", "e90", "emax"), float("nan"))
    return (*(bare(gaps[k]) for k in ("ici", "e50", "e90", "emax")), *(bare(c.expected_calibration_error(truth, p, by=way)) for way in ("width", "count")), figure(c.scaled_brier(truth, p)), bare(c.nagelkerke_r2(truth, p)),
            figure(c.log_loss(truth, p)), tested(c.spiegelhalter(truth, p)), tested(c.unreliability(truth, p)), tested(c.hosmer_lemeshow(truth, p)))

"""How the results of each kind of analysis are told: one entry a kind, found by its type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from osteon.report.questions.comparing import COMPARING
from osteon.report.questions.costing import COSTING
from osteon.report.questions.deciding import DECIDING
from osteon.report.questions.growing import GROWING
from osteon.report.questions.told import Told

TOLD: Mapping[type, Told] = {**COMPARING, **COSTING, **DECIDING, **GROWING}


def told_of(analysis: Any) -> Told | None:
    """How an analysis is told; None for a kind of one's own, which has its table only."""
    return TOLD.get(type(analysis))


__all__ = ["TOLD", "Told", "told_of"]

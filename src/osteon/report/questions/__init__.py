"""How the results of each kind of analysis are told: one entry a kind, found by its type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from osteon.report.questions.agreeing import AGREEING
from osteon.report.questions.by_patient import BY_PATIENT
from osteon.report.questions.comparing import COMPARING
from osteon.report.questions.correlating import CORRELATING
from osteon.report.questions.costing import COSTING
from osteon.report.questions.deciding import DECIDING
from osteon.report.questions.experts import EXPERTS
from osteon.report.questions.forecasting import FORECASTING
from osteon.report.questions.growing import GROWING
from osteon.report.questions.locating import LOCATING
from osteon.report.questions.percent import PERCENT
from osteon.report.questions.referring import REFERRING
from osteon.report.questions.selecting import SELECTING
from osteon.report.questions.told import Told

TOLD: Mapping[type, Told] = {**AGREEING, **BY_PATIENT, **COMPARING, **CORRELATING, **COSTING, **DECIDING, **EXPERTS, **FORECASTING, **GROWING, **LOCATING, **PERCENT, **REFERRING, **SELECTING}


def told_of(analysis: Any) -> Told | None:
    """How an analysis is told; None for a kind of one's own, which has its table only."""
    return TOLD.get(type(analysis))


__all__ = ["TOLD", "Told", "told_of"]

"""The verbs: run, validate, predict, simulate."""

from __future__ import annotations

from osteon.engine.outside import predict, validate
from osteon.engine.path import run, simulate

__all__ = ["predict", "run", "simulate", "validate"]

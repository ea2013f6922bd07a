"""Figures of a report: arrays in, a matplotlib Figure out; `svg` writes one as text that can be selected, read in print and found by a search."""

from __future__ import annotations

from osteon.report.figures.style import svg

__all__ = ["svg"]

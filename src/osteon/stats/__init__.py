"""Statistics of validation: pure functions on arrays, each proven against a reference implementation."""
from __future__ import annotations

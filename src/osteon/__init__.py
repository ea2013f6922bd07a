"""osteon: an open workbench for orthopaedic AI.

The same few names serve Python and the command line; each is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {"Case": "osteon.case", "Cohort": "osteon.cohort", "Study": "osteon.study", "Run": "osteon.run", "EvidenceRow": "osteon.row", "catalogue": "osteon.studies",
          "run": "osteon.engine", "validate": "osteon.engine", "predict": "osteon.engine", "simulate": "osteon.engine"}
__all__ = [*_HOMES]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"osteon has no {name!r}")
    return getattr(import_module(_HOMES[name]), name)

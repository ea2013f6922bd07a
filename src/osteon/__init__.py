"""osteon: an open workbench for orthopaedic AI.

The same few names serve Python and the command line; each is loaded when it is first used. `run` and `simulate` are also modules, whose
contents are imported from them (`from osteon.run import Run`); as attributes of the package these two names are the verbs.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

_HOMES = {"Case": "osteon.case", "Cohort": "osteon.cohort", "Study": "osteon.study", "Run": "osteon.run", "EvidenceRow": "osteon.row", "catalogue": "osteon.studies",
          "run": "osteon.engine", "validate": "osteon.engine", "predict": "osteon.engine", "simulate": "osteon.engine", "pool": "osteon.evidence.pool"}
__all__ = [*_HOMES]


class _Package(ModuleType):
    """The package, in which a public name is not replaced when a module of the same name is imported."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in _HOMES or not isinstance(value, ModuleType):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"osteon has no {name!r}")
    return getattr(import_module(_HOMES[name]), name)

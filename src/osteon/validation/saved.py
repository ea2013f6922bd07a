"""Models that a run kept, loaded to be asked again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from osteon.errors import OsteonError, RunError, message
from osteon.models import Model
from osteon.run import DAMAGED


def load_final(run_folder: Path, model: Model, targets: Mapping[str, Any]) -> list[Model]:
    """Every fit of the model for new cases; raises RunError where one is missing or damaged."""
    homes = sorted(p for p in run_folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    if not homes:
        raise RunError(message(run_folder, "the folder keeps no model", do=DAMAGED))
    return [loaded(model, home, targets) for home in homes]


def loaded(model: Model, home: Path, targets: Mapping[str, Any]) -> Model:
    """The fit of a folder; raises RunError where it is damaged."""
    try:
        return model.load(home, targets)
    except OsteonError:
        raise
    except Exception as fault:  # damaged bytes make the format libraries raise nearly anything
        raise RunError(message(home, "the saved model is damaged", found=f"Reason: {str(fault)[:120] or type(fault).__name__}", do=DAMAGED)) from fault

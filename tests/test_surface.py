"""The public names of the package."""

from __future__ import annotations

import subprocess
import sys

import pytest

import osteon

SCRIPT = """
import osteon, sys
import osteon.engine, osteon.simulate, osteon.run
from osteon.run import Run
from osteon.simulate import registry
assert callable(osteon.run) and callable(osteon.simulate) and osteon.Run is Run
assert all(callable(getattr(osteon, n)) for n in osteon.__all__)
"""


def test_verbs_stay_verbs_after_their_modules_are_imported() -> None:
    subprocess.run([sys.executable, "-c", SCRIPT], check=True)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="osteon has no 'cobb'"):
        osteon.cobb  # type: ignore[attr-defined]  # noqa: B018

"""Sheets of simulators without films: drawn, whole, and marked as simulated."""

from __future__ import annotations

from pathlib import Path

import pytest

from osteon.readers import read_picture
from osteon.simulate.signal_sheets import SHEETS, draw


@pytest.mark.parametrize("name", ["notes", "hand_motion"])
def test_a_sheet_is_drawn(name: str, tmp_path: Path) -> None:
    path = draw(name, tmp_path / "sheets" / f"{name}.png")
    shown = read_picture(path).array
    assert shown.shape[1] > shown.shape[0] > 500 and shown.std() > 10


@pytest.mark.verify
@pytest.mark.parametrize("name", list(SHEETS))
def test_every_sheet_is_drawn(name: str, tmp_path: Path) -> None:
    assert draw(name, tmp_path / f"{name}.png").stat().st_size > 20_000

"""The evidence row: nested, flat and back."""

from __future__ import annotations

import json

import pytest

from osteon.errors import DataError
from osteon.row import EvidenceRow, Question, Source, TwoByTwo

ROW = EvidenceRow(Source("moon_2023", "chain", areas=("a", "b"), factors={"net": "x"}, origin="simulated"), Question("alignment", "HKA", primary=True),
                  table=TwoByTwo(8, 1, 2, 9, 177.0, "declared"), counts={"n": 20, "withheld": 1}, metrics={"mae": {"estimate": 0.4, "lower": 0.3, "upper": 0.5}})


def test_plain_data_and_back() -> None:
    assert EvidenceRow.from_plain(json.loads(json.dumps(ROW.plain()))) == ROW


def test_flat_columns() -> None:
    flat = ROW.flat()
    assert (flat["study"], flat["areas"], flat["factors"], flat["tp"], flat["cut"], flat["mae.lower"], flat["indeterminate"]) == ("moon_2023", "a; b", "net=x", 8, 177.0, 0.3, 0)


def test_an_unknown_origin_is_refused() -> None:
    with pytest.raises(DataError, match="no origin"):
        Source("a", "b", origin="clinical")

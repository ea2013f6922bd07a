"""Readers who mark places on images, with and without aid: free-response analysis (Chakraborty DP. Observer Performance Methods for Diagnostic Imaging, 2017)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from osteon.errors import DataError, message, near
from osteon.stats.freeresponse import FIGURES, FreeResponse, free_response, free_response_study
from osteon.stats.readers import ReaderStudy
from osteon.validation.readings import NO, YES

if TYPE_CHECKING:
    import pandas as pd

NEEDED = ("case", "reader", "aided", "rating", "lesion")


def compare_marks(lines: pd.DataFrame, marks: pd.DataFrame, *, codes: Mapping[str, str], figure: str = "wafroc", where: object = "marks") -> ReaderStudy:
    """With less without aid by a free-response figure of merit, over readers and cases.

    `lines` are the test lines of one finding of a detector: they say which images there are and how many true boxes each holds. `marks` has a row a mark: case, reader, aided (yes, no), rating
    (higher is surer) and lesion (1, 2 ... for the true box that it hits, empty for a false mark). A case without a mark needs no row. Raises DataError.
    """
    missing = [c for c in NEEDED if c not in marks]
    if missing:
        raise DataError(message(where, f"the column {missing[0]!r} is missing", expected=", ".join(NEEDED), do=near(missing[0], map(str, marks.columns))))
    if figure not in FIGURES:
        raise DataError(message(where, f"there is no figure {figure!r}", expected=", ".join(FIGURES), do=near(figure, FIGURES)))
    images = list(dict.fromkeys(lines[lines["unit"] == "image"]["case"]))
    true = lines[lines["unit"] == "lesion"].groupby("case", sort=False).size().reindex(images, fill_value=0).astype(int)
    known = _known(marks, codes, set(images), where)
    readers = sorted(set(known["reader"]))
    if len(readers) < 2 or known["aided"].nunique() < 2:
        raise DataError(message(where, "there is nothing to compare", expected="two readers or more, with and without aid"))
    sides = [[_one(known[(known["reader"] == r) & (known["aided"] == aided)], images, true, where) for r in readers] for aided in (True, False)]
    try:
        return free_response_study(sides, figure=figure)
    except ValueError as error:
        raise DataError(message(where, "the marks can not be analysed", found=str(error))) from error


def _known(marks: pd.DataFrame, codes: Mapping[str, str], images: set[str], where: object) -> pd.DataFrame:
    """Marks with codes of the run, on its test images."""
    cases = marks["case"].astype(str)
    strange = ~cases.isin(codes)
    if strange.any():
        raise DataError(message(f"{where}, row {int(strange.idxmax()) + 2}", f"there is no case {cases[strange.idxmax()]!r} in the run", do=near(cases[strange.idxmax()], codes)))
    aid = marks["aided"].astype(str).str.strip().str.lower()
    unclear = ~aid.isin(YES | NO)
    if unclear.any():
        raise DataError(message(f"{where}, row {int(unclear.idxmax()) + 2}", f"{aid[unclear.idxmax()]!r} says neither with nor without aid", expected="yes or no"))
    out = marks.assign(case=cases.map(codes), aided=aid.isin(YES), reader=marks["reader"].astype(str))
    return out[out["case"].isin(images)]


def _one(part: pd.DataFrame, images: list[str], true: pd.Series, where: object) -> FreeResponse:
    """The marks of one reader in one condition."""
    place = {code: k for k, code in enumerate(images)}
    hit = part["lesion"].notna() & (part["lesion"].astype(str).str.strip() != "")
    ratings = {(code, k): -np.inf for code, n in true.items() for k in range(1, int(n) + 1)}
    for row in part[hit].itertuples():
        key = (row.case, int(float(row.lesion)))
        if key not in ratings:
            raise DataError(message(f"{where}, row {row.Index + 2}", f"case {row.case} has {int(true[row.case])} true boxes", expected=f"a lesion from 1 to {int(true[row.case])}, or nothing for a false mark", found=f"Found {row.lesion}"))
        ratings[key] = max(ratings[key], float(row.rating))
    wrong = part[~hit]
    return free_response(len(images), lesion_cases=[place[code] for code, _ in ratings], lesion_ratings=list(ratings.values()), false_cases=[place[c] for c in wrong["case"]], false_ratings=wrong["rating"].to_numpy(float))

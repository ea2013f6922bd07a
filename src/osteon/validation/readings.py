"""What readers said of the tested cases, beside the truth and beside the model.

Tango T. Stat Med 1998; 17: 891 (paired differences); Obuchowski NA, Rockette HE. Commun Stat Simul Comput 1995; 24: 285 and Hillis SL. Stat Med 2007; 26: 596 (two
conditions read by several readers).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.errors import DataError, OsteonError, message, near
from osteon.stats.intervals import Interval
from osteon.stats.readers import ReaderStudy
from osteon.study import Study
from osteon.targets.lines import TRUE, Target, judged

if TYPE_CHECKING:
    import pandas as pd

NEEDED, OPTIONAL = ("case", "reader", "value"), ("aided", "rating", "target")
YES, NO = {"1", "true", "yes", "with", "aided", "y", "1.0"}, {"0", "false", "no", "without", "unaided", "n", "", "0.0"}


@dataclass(frozen=True)
class Reader:
    """One reader in one condition: cases with and without the finding, sensitivity and specificity, and each less the model's on the same cases."""

    name: str
    aided: bool
    cases: tuple[int, int] = field(kw_only=True)
    sensitivity: Interval = field(kw_only=True)
    specificity: Interval = field(kw_only=True)
    against_model: tuple[Interval, Interval] = field(kw_only=True)


@dataclass(frozen=True)
class Compared:
    """Every reader, and the analyses with against without aid by figure (auc, sensitivity, specificity), or why there is none; rows that could not be judged."""

    readers: tuple[Reader, ...]
    studies: Mapping[str, ReaderStudy] = field(kw_only=True, hash=False)
    reason: str = field(default="", kw_only=True)
    unjudged: int = field(default=0, kw_only=True)


def checked(frame: pd.DataFrame, study: Study, *, codes: Mapping[str, str], where: object = "readings") -> pd.DataFrame:
    """Readings as the run keeps them: case (code), reader, aided, positive (0, 1), rating (nan where none); raises DataError with the row of the file.

    `codes` maps what may stand in the column `case` to the codes of the run. A reading of another target than the primary one is left out.
    """
    import pandas as pd

    missing = [c for c in NEEDED if c not in frame]
    if missing:
        raise DataError(message(where, f"the column {missing[0]!r} is missing", expected=", ".join(NEEDED) + "; perhaps " + ", ".join(OPTIONAL), do=near(missing[0], map(str, frame.columns))))
    target, out = study.targets[study.primary], []
    for i, row in enumerate(frame.to_dict("records")):
        if str(row.get("target", study.primary)) in (study.primary, "nan", ""):
            out.append(_one(row, target, codes, f"{where}, row {i + 2}"))
    made = pd.DataFrame(out, columns=["case", "reader", "aided", "positive", "rating"])
    twice = made.duplicated(["case", "reader", "aided"])
    if twice.any():
        again = made[twice].iloc[0]
        raise DataError(message(where, f"reader {again['reader']} read {again['case']} twice {'with' if again['aided'] else 'without'} aid", expected="one reading a case, reader and condition"))
    return made


def _one(row: Mapping[str, Any], target: Target, codes: Mapping[str, str], where: str) -> dict[str, Any]:
    case, aid = str(row["case"]), str(row.get("aided", "")).strip().lower()
    if case not in codes:
        raise DataError(message(where, f"there is no case {case!r} in the run", do=near(case, codes)))
    if aid not in YES | NO | {"nan", "none"}:
        raise DataError(message(where, f"{aid!r} says neither with nor without aid", expected="yes or no"))
    try:
        positive = target.is_positive(target.value(row["value"]), target.findings[0])
        rating = float(row["rating"]) if "rating" in row and row["rating"] == row["rating"] and row["rating"] not in (None, "") else float("nan")
    except (OsteonError, ValueError, AssertionError) as error:
        raise DataError(message(where, "the reading can not be understood", found=str(error))) from error
    return {"case": codes[case], "reader": str(row["reader"]), "aided": aid in YES, "positive": float("nan") if positive is None else float(positive), "rating": rating}


def compare(lines: pd.DataFrame, readings: pd.DataFrame) -> Compared:
    """Readings (case, reader, aided, positive, rating) against the judged test lines of one finding of a model (one line a case)."""
    known = judged(lines).drop_duplicates("case", keep=False)
    at = known.set_index("case")
    rows = readings[readings["case"].isin(at.index) & readings["positive"].notna()]
    joined = rows.assign(truth=(at["state"].reindex(rows["case"]) == TRUE).to_numpy(), model=(at["score"] >= at["cut"]).reindex(rows["case"]).to_numpy())
    readers = tuple(_reader(str(name), bool(aided), part) for (name, aided), part in joined.groupby(["reader", "aided"], sort=True))
    studies, reason = _studies(joined)
    return Compared(readers, studies=studies, reason=reason, unjudged=len(readings) - len(rows))


def _reader(name: str, aided: bool, part: pd.DataFrame) -> Reader:
    from osteon.stats.intervals import wilson
    from osteon.stats.paired import paired_difference, paired_table

    truth, call, model = (part[c].to_numpy(float) == 1 for c in ("truth", "positive", "model"))
    n, m = int(truth.sum()), int((~truth).sum())
    gaps = tuple(paired_difference(paired_table(call[w] == right, model[w] == right)) for w, right in ((truth, True), (~truth, False)))
    return Reader(name, aided, cases=(n, m), sensitivity=wilson(int(call[truth].sum()), n), specificity=wilson(int((~call[~truth]).sum()), m), against_model=(gaps[0], gaps[1]))


def _studies(joined: pd.DataFrame) -> tuple[dict[str, ReaderStudy], str]:
    """Analyses of the cases that every reader read in both conditions."""
    from osteon.stats.readers import reader_study

    wide = joined.pivot(index="case", columns=["aided", "reader"], values="positive").dropna()
    sides = [{reader for aided, reader in wide.columns if bool(aided) is side} for side in (False, True)]
    both = sorted(sides[0] & sides[1])
    if len(both) < 2:
        return {}, "fewer than two readers read with and without aid"
    truth = joined.drop_duplicates("case").set_index("case")["truth"].reindex(wide.index).to_numpy(float)
    if not 2 <= truth.sum() <= len(truth) - 2:
        return {}, "fewer than two cases of each state were read by every reader in both conditions"
    calls = np.array([[wide[side][reader].to_numpy(float) for reader in both] for side in (True, False)])
    out = {figure: reader_study(truth, calls, figure=figure) for figure in ("sensitivity", "specificity")}
    ratings = joined.pivot(index="case", columns=["aided", "reader"], values="rating").reindex(wide.index)
    scores = np.array([[ratings[side][reader].to_numpy(float) for reader in both] for side in (True, False)])
    return ({"auc": reader_study(truth, scores), **out} if np.isfinite(scores).all() else out), ""

"""What readers said of the tested cases, beside the truth and beside the model.

Tango T. Stat Med 1998; 17: 891 (paired differences); Obuchowski NA, Rockette HE. Commun Stat Simul Comput 1995; 24: 285 and Hillis SL. Stat Med 2007; 26: 596 (two
conditions read by several readers).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.cohort import Reading
from osteon.errors import DataError, OsteonError, message, near
from osteon.study import Study
from osteon.targets import Classes, Measures, Target
from osteon.targets.lines import TRUE, judged
from osteon.value import Grade, Label, Readings, Value

if TYPE_CHECKING:
    import pandas as pd

    from osteon.stats.intervals import Interval
    from osteon.stats.readers import ReaderStudy

NEEDED, OPTIONAL = ("case", "reader", "value"), ("aided", "rating", "target")
KEPT = ("case", "reader", "aided", "target", "finding", "value", "positive", "rating")
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
    """Every reader, and the analyses with against without aid by figure (auc, sensitivity, specificity) and of each reader, or why there is none; rows that could not be judged."""

    readers: tuple[Reader, ...]
    studies: Mapping[str, ReaderStudy] = field(kw_only=True, hash=False)
    each: Mapping[str, Mapping[str, Interval]] = field(default_factory=dict, kw_only=True, hash=False)
    reason: str = field(default="", kw_only=True)
    unjudged: int = field(default=0, kw_only=True)


def checked(frame: pd.DataFrame, study: Study, *, codes: Mapping[str, str], where: object = "readings") -> pd.DataFrame:
    """Readings as the run keeps them: case (code), reader, aided, target, finding (the reading's name, empty of other families), value (class or grade by
    number, or the reading), positive (0, 1), rating (nan where none); raises DataError with the row of the file.

    `codes` maps what may stand in the column `case` to the codes of the run. `target` is the primary one where the table does not say; `alignment.HKA.R`
    is one reading of it.
    """
    import pandas as pd

    missing = [c for c in NEEDED if c not in frame]
    if missing:
        raise DataError(message(where, f"the column {missing[0]!r} is missing", expected=", ".join(NEEDED) + "; perhaps " + ", ".join(OPTIONAL), do=near(missing[0], map(str, frame.columns))))
    out = [_one(row, study, codes, f"{where}, row {i + 2}") for i, row in enumerate(frame.to_dict("records"))]
    made = pd.DataFrame(out, columns=list(KEPT))
    twice = made.duplicated(["case", "reader", "aided", "target", "finding"])
    if twice.any():
        again = made[twice].iloc[0]
        raise DataError(message(where, f"reader {again['reader']} read {again['case']} twice {'with' if again['aided'] else 'without'} aid", expected="one reading a case, reader and condition"))
    return made


def of_cohort(readings: Sequence[Reading], study: Study, *, codes: Mapping[str, str]) -> pd.DataFrame:
    """The readings that came with a cohort, as the run keeps them, readers by number: their names stay where they are. Raises DataError."""
    import pandas as pd

    names = {name: f"reader {k}" for k, name in enumerate(dict.fromkeys(r.reader for r in readings), 1)}
    rows = [{"case": r.case, "reader": names[r.reader], "target": r.target, "value": r.value, "aided": "yes" if r.aided else "no"} for r in readings]
    return checked(pd.DataFrame(rows), study, codes=codes, where="readings.csv of the cohort")


def _one(row: Mapping[str, Any], study: Study, codes: Mapping[str, str], where: str) -> dict[str, Any]:
    case, aid = str(row["case"]), str(row.get("aided", "")).strip().lower()
    if case not in codes:
        raise DataError(message(where, f"there is no case {case!r} in the run", do=near(case, codes)))
    if aid not in YES | NO | {"nan", "none"}:
        raise DataError(message(where, f"{aid!r} says neither with nor without aid", expected="yes or no"))
    asked = str(row.get("target", "")).strip()
    name, _, finding = ("" if asked == "nan" else asked).partition(".")
    name = name or study.primary
    if name not in study.targets:
        raise DataError(message(where, f"there is no target {name!r}", do=near(name, study.targets)))
    target = study.targets[name]
    if isinstance(target, Measures) and not finding:
        if len(target.keys_of(target.main)) > 1:
            raise DataError(message(where, "it is not said which reading this is", expected=f"a target such as {name}.{target.keys[0]}"))
        finding = target.main
    try:
        value = target.value({finding: row["value"]} if isinstance(target, Measures) else row["value"])
        positive = target.is_positive(value, target.findings[0])
        rating = float(row["rating"]) if "rating" in row and row["rating"] == row["rating"] and row["rating"] not in (None, "") else float("nan")
    except (OsteonError, ValueError, AssertionError) as error:
        raise DataError(message(where, "the reading can not be understood", found=str(error))) from error
    numbers = {"value": _number(value, target, finding), "positive": float("nan") if positive is None else float(positive), "rating": rating}
    return {"case": codes[case], "reader": str(row["reader"]), "aided": aid in YES, "target": name, "finding": finding} | numbers


def _number(value: Value, target: Target, finding: str) -> float:
    """A reading as a number: the reading itself, a grade's step, a class by its place; nan where it leaves the question open."""
    if isinstance(value, Readings):
        return float(value.values.get(finding, float("nan")))
    if isinstance(value, Grade):
        return float(value.step)
    if isinstance(value, Label) and isinstance(target, Classes) and value.name in target.names:
        return float(target.names.index(value.name))
    return float("nan")


def of_question(lines: pd.DataFrame, readings: pd.DataFrame, target: str, finding: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Lines and readings of one finding with one key a judged unit in the column `case`: c00012, or c00012 R where a case has sides."""
    lines, readings = lines.reset_index(drop=True), readings.reset_index(drop=True)
    side = lines["unit"].where(lines["unit"] != "case", "")
    lines = lines.assign(case=(lines["case"] + " " + side).str.strip())
    if "target" not in readings:  # kept by an earlier version: of the primary target
        return lines, readings.assign(finding="", value=readings["positive"])
    kept = readings[readings["target"] == target]
    key = kept["finding"].astype(object).where(kept["finding"].notna(), "").astype(str)
    kept = kept[(key == "") | (key == finding) | key.str.startswith(f"{finding}.")]
    unit = key[kept.index].str[len(finding):].str.strip(".")
    return lines, kept.assign(case=(kept["case"] + " " + unit).str.strip())


def compare(lines: pd.DataFrame, readings: pd.DataFrame) -> Compared:
    """Readings (case, reader, aided, positive, rating) against the judged test lines of one finding of a model (one line a case)."""
    known = judged(lines).drop_duplicates("case", keep=False)
    at = known.set_index("case")
    rows = readings[readings["case"].isin(at.index) & readings["positive"].notna()]
    joined = rows.assign(truth=(at["state"].reindex(rows["case"]) == TRUE).to_numpy(), model=(at["score"] >= at["cut"]).reindex(rows["case"]).to_numpy())
    readers = tuple(_reader(str(name), bool(aided), part) for (name, aided), part in joined.groupby(["reader", "aided"], sort=True))
    studies, each, reason = _studies(joined)
    return Compared(readers, studies=studies, each=each, reason=reason, unjudged=len(readings) - len(rows))


def _reader(name: str, aided: bool, part: pd.DataFrame) -> Reader:
    from osteon.stats.intervals import wilson
    from osteon.stats.paired import paired_difference, paired_table

    truth, call, model = (part[c].to_numpy(float) == 1 for c in ("truth", "positive", "model"))
    n, m = int(truth.sum()), int((~truth).sum())
    gaps = tuple(paired_difference(paired_table(call[w] == right, model[w] == right)) for w, right in ((truth, True), (~truth, False)))
    return Reader(name, aided, cases=(n, m), sensitivity=wilson(int(call[truth].sum()), n), specificity=wilson(int((~call[~truth]).sum()), m), against_model=(gaps[0], gaps[1]))


def _studies(joined: pd.DataFrame) -> tuple[dict[str, ReaderStudy], dict[str, dict[str, Interval]], str]:
    """Analyses of the cases that every reader read in both conditions."""
    from osteon.stats.readers import figure_covariance, reader_differences, reader_study

    wide = joined.pivot(index="case", columns=["aided", "reader"], values="positive").dropna()
    sides = [{reader for aided, reader in wide.columns if bool(aided) is side} for side in (False, True)]
    both = sorted(sides[0] & sides[1])
    if len(both) < 2:
        return {}, {}, "fewer than two readers read with and without aid"
    truth = joined.drop_duplicates("case").set_index("case")["truth"].reindex(wide.index).to_numpy(float)
    if not 2 <= truth.sum() <= len(truth) - 2:
        return {}, {}, "fewer than two cases of each state were read by every reader in both conditions"
    calls = np.array([[wide[side][reader].to_numpy(float) for reader in both] for side in (True, False)])
    given = {"sensitivity": calls, "specificity": calls}
    ratings = joined.pivot(index="case", columns=["aided", "reader"], values="rating").reindex(wide.index)
    scores = np.array([[ratings[side][reader].to_numpy(float) for reader in both] for side in (True, False)])
    given = {"auc": scores, **given} if np.isfinite(scores).all() else given
    out = {figure: reader_study(truth, x, figure=figure) for figure, x in given.items()}
    each = {figure: dict(zip(both, reader_differences(*figure_covariance(truth == 1, x, figure=figure, covariance="DeLong")), strict=True)) for figure, x in given.items()}
    return out, each, ""

"""The check at the door: columns bound to a study, cases that can not be used listed, never dropped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

import numpy as np

from osteon.cohort import Cohort, Excluded
from osteon.cohort.rows import RESERVED, Rows, is_file
from osteon.errors import DataError, listed, meant, message, near
from osteon.targets import Classes, Masks, Measures, Objects, Trajectories

NO = {"0", "false", "no", "n", "withdrawn", "refused"}


def conform(cohort: Cohort, inputs: Mapping[str, Any], targets: Mapping[str, Any], *, eligible: Sequence[Any] = (), answered: Sequence[str] = ()) -> Cohort:
    """Bind, check and list.

    Raises DataError only for a fault of the whole cohort (a column missing everywhere, a path that leaves the folder, one patient in two
    sites, no case left); a case that can not be used goes to `excluded`. `answered` names the targets whose truth the errand needs:
    all that are trained, the primary one to validate, none to predict.
    """
    faults = problems(cohort, inputs, targets, answered=answered)
    if faults:
        raise DataError(faults[0])
    if isinstance(cohort.cases, Rows):
        cohort = replace(cohort, cases=cohort.cases.bound(inputs, targets))
    before = len(cohort)
    for step in (_consent, _inputs_there, _numbers, _classes):
        cohort = cohort.leave_out(step(cohort, inputs, targets))
    cohort = cohort.leave_out(_unfollowed(cohort, {n: targets[n] for n in answered if getattr(targets[n], "at", None)}))
    for rule in eligible:
        cohort = cohort.leave_out(_ineligible(cohort, rule))
    if not len(cohort):
        last = cohort.excluded[-1] if cohort.excluded else Excluded("", "", "no case")
        raise DataError(message(f"cohort {cohort.name}", f"none of the {before} cases can be used", found=f"Most lately left out: {last.id}, {last.step}, {last.reason}"))
    return cohort


def problems(cohort: Cohort, inputs: Mapping[str, Any], targets: Mapping[str, Any], *, answered: Sequence[str] = ()) -> list[str]:
    """Every fault of the whole cohort at once, as texts; empty where there is none."""
    if not isinstance(cohort.cases, Rows):
        return _in_memory(cohort, inputs, answered)
    out = [text for name, spec in inputs.items() for text in _input_fault(cohort, name, spec)]
    columns = list(cohort.cases.frame.columns)
    for name in answered:
        if getattr(targets[name], "at", None):
            out += [] if _in_files(cohort.cases, name) else [message(f"cohort {cohort.name}", f"files.csv names no file of the target {name!r}", expected=f"rows with its path and, in the column at, its time in {targets[name].at}")]
        elif not any(c == name or c.startswith(f"{name}.") for c in columns):
            out.append(message(f"cohort {cohort.name}", f"no column holds the target {name!r}", expected=_wanted(name, targets[name]),
                               found=f"Found {listed(columns)}", do=meant(name, [c.split(".")[0] for c in columns])))
        elif not cohort.cases.frame[[c for c in columns if c == name or c.startswith(f"{name}.")]].notna().any(axis=None):
            out.append(message(f"cohort {cohort.name}", f"the target {name!r} is empty in every case"))
    return out + _escapes(cohort, inputs, targets) + _two_sites(cohort)


def _wanted(name: str, target: Any) -> str:
    """In which form the truth of a target stands in a table."""
    if isinstance(target, Masks):
        return f"a column {name!r} with the path of a label map, NIfTI or PNG, 1 for {target.names[0]}"
    if isinstance(target, Objects):
        return f"a column {name!r} with the path of the boxes, as `osteon import` makes it from COCO"
    if isinstance(target, Measures):
        return f"columns such as {name}.{target.keys[0]}"
    if isinstance(target, Trajectories):
        return f"a column {name!r} with the path of a CSV of time, {', '.join(target.units)}"
    return f"a column {name!r}" + (f" with {', '.join(target.names)}" if isinstance(target, Classes) else f" or columns {name}.NAME")


def strangers(cohort: Cohort, inputs: Mapping[str, Any], targets: Mapping[str, Any]) -> list[str]:
    """Columns that nobody reads and that are called nearly as one that is read: a misspelling is never passed over in silence."""
    if not isinstance(cohort.cases, Rows):
        return []
    keys = {f"{name}.{key}" for name, target in targets.items() for key in getattr(target, "keys", ())}
    read = {*RESERVED, *inputs, *targets, *keys, *(c for s in inputs.values() for c in s.columns)}
    free, gone = [c for c in cohort.cases.frame.columns if c not in read], read - set(cohort.cases.frame.columns)
    known = {g.lower(): g for g in gone}
    close = {c: get_close_matches(c.lower(), known, n=1, cutoff=0.85) for c in free}
    return [f"column {c!r} is read by nobody. Did you mean {known[hit[0]]!r}?" for c, hit in close.items() if hit]


def _in_memory(cohort: Cohort, inputs: Mapping[str, Any], answered: Sequence[str]) -> list[str]:
    out, first = [], cohort.cases[0] if len(cohort) else None
    if first is None:
        return [message(f"cohort {cohort.name}", "there is no case")]
    for name, spec in inputs.items():
        if not spec.optional and not any(name in case.inputs for case in cohort):
            out.append(message(f"cohort {cohort.name}", f"no case has the input {name!r}", expected=spec.description,
                               found=f"Case {first.id} has {list(first.inputs)}", do=near(name, first.inputs)))
    for name in answered:
        if not any(name in case.truth for case in cohort):
            out.append(message(f"cohort {cohort.name}", f"no case has the target {name!r}", found=f"Case {first.id} has {list(first.truth)}"))
    ids = cohort.ids()
    if len(set(ids)) < len(ids):
        twice = next(i for i in ids if ids.count(i) > 1)
        out.append(message(f"cohort {cohort.name}", f"the case {twice!r} is there twice", expected="one id a case"))
    return out


def _input_fault(cohort: Cohort, name: str, spec: Any) -> list[str]:
    assert isinstance(cohort.cases, Rows)
    columns, where = list(cohort.cases.frame.columns), f"cohort {cohort.name}"
    if spec.kind == "table":
        missing = [c for c in spec.record.needs if c not in columns]
        texts = [message(where, f"column {c!r} is missing", expected=f"part of {name}: {spec.description}", found=f"Found {listed(columns)}",
                         do=meant(c, columns)) for c in missing]
        texts += [message(where, f"column {c!r} is empty in every case", expected=f"part of {name}: {spec.description}")
                  for c in spec.record.needs if c in columns and not cohort.cases.frame[c].notna().any()]
        none = not missing and not any(c in columns for c in spec.columns)
        return texts + ([message(where, f"no column of the record {name!r} is there", expected=", ".join(spec.columns))] if none else [])
    if spec.many:
        return [] if _in_files(cohort.cases, name) or spec.optional else [message(where, f"files.csv names no file of the input {name!r}", expected=spec.description)]
    if name in columns or spec.optional:
        return []
    return [message(where, f"column {name!r} is missing", expected=spec.description, found=f"Found {listed(columns)}", do=meant(name, columns))]


def _in_files(rows: Rows, name: str) -> bool:
    """Whether files.csv names a file of an input or of a target over time."""
    return rows.files is not None and bool((rows.files["input"] == name).any())


def _escapes(cohort: Cohort, inputs: Mapping[str, Any], targets: Mapping[str, Any]) -> list[str]:
    assert isinstance(cohort.cases, Rows)
    out = []
    for name in [n for n in (*inputs, *targets) if n in cohort.cases.frame]:
        for row, cell in enumerate(cohort.cases.column(name)):
            if is_file(cell) and (cell.startswith(("/", "\\", "~")) or ".." in cell.replace("\\", "/").split("/") or cell[1:2] == ":"):
                out.append(message(f"cohort {cohort.name}, row {row + 2}", f"the path {cell!r} leaves the cohort folder", expected="a path below it"))
                break
    return out


def _two_sites(cohort: Cohort) -> list[str]:
    assert isinstance(cohort.cases, Rows)
    if "site" not in cohort.cases.frame:
        return []
    sites = cohort.cases.frame.groupby("patient_id", sort=False)["site"].nunique()
    two = sites[sites > 1]
    if not len(two):
        return []
    return [message(f"cohort {cohort.name}", f"the patient {two.index[0]!r} lies in two sites", expected="one site a patient",
                    found="" if len(two) == 1 else f"Found {len(two)} such patients",
                    do="Give different people different patient_id, or one site to each")]


def _consent(cohort: Cohort, inputs: Mapping[str, Any], targets: Mapping[str, Any]) -> list[Excluded]:
    return [Excluded(i, "consent", "no consent") for i, c in zip(cohort.ids(), cohort.column("consent"), strict=True) if str(c).strip().lower() in NO]


def _inputs_there(cohort: Cohort, inputs: Mapping[str, Any], targets: Mapping[str, Any]) -> list[Excluded]:
    single = {n: s for n, s in inputs.items() if s.kind != "table" and not s.optional}
    if not isinstance(cohort.cases, Rows):
        return [Excluded(c.id, "inputs", f"no {n}") for c in cohort for n in single if n not in c.inputs][:len(cohort)]
    out: dict[str, Excluded] = {}
    for name, spec in single.items():
        if spec.many:
            counts = {i: len(cohort.cases.repeats().get(i, {}).get(name, ())) for i in cohort.ids()}
            short = {i: n for i, n in counts.items() if n < spec.many[0] or n > (spec.many[1] or n)}
            out |= {i: Excluded(i, "inputs", f"{n} of {name} (wanted {spec.many[0]} to {spec.many[1] or 'any'})") for i, n in short.items()}
        else:
            cells = zip(cohort.ids(), cohort.cases.column(name), strict=True)
            out |= {i: Excluded(i, "inputs", f"no {name}") for i, cell in cells if cell is None}
    return list(out.values())


def _numbers(cohort: Cohort, inputs: Mapping[str, Any], targets: Mapping[str, Any]) -> list[Excluded]:
    import pandas as pd

    if not isinstance(cohort.cases, Rows):
        return []
    out = _weights(cohort)
    for column in [c for s in inputs.values() if s.kind == "table" for c in s.record.numbers if c in cohort.cases.frame]:
        cells = cohort.cases.frame[column]
        values = pd.to_numeric(cells, errors="coerce")
        bad = (values.isna() & cells.notna()) | np.isinf(values.astype(float))
        if bad.any() and bad.sum() == cells.notna().sum():
            raise DataError(message(f"cohort {cohort.name}", f"no cell of column {column!r} is a number", found=f"Found {cells[bad].iloc[0]!r}"))
        ids = np.asarray(cohort.ids(), object)[bad.to_numpy()]
        out |= {i: Excluded(i, "record", f"{column} is not a number", f"found {cell!r}") for i, cell in zip(ids, cells[bad], strict=True)}
    return list(out.values())


def _weights(cohort: Cohort) -> dict[str, Excluded]:
    """Cases whose weight is no number above 0."""
    import pandas as pd

    assert isinstance(cohort.cases, Rows)
    if "weight" not in cohort.cases.frame:
        return {}
    cells = cohort.cases.frame["weight"]
    values = pd.to_numeric(cells, errors="coerce")
    bad = (cells.notna() & ~((values > 0) & np.isfinite(values.astype(float)))).to_numpy()
    return {i: Excluded(i, "record", "weight is no number above 0", f"found {cell!r}") for i, cell in zip(np.asarray(cohort.ids(), object)[bad], cells[bad], strict=True)}


def _classes(cohort: Cohort, inputs: Mapping[str, Any], targets: Mapping[str, Any]) -> list[Excluded]:
    """Cells outside the declared words of a target (its `words`), where the target declares any."""
    out: dict[str, Excluded] = {}
    for name, target in targets.items():
        words = getattr(target, "words", ())
        if not words or not isinstance(cohort.cases, Rows) or name not in cohort.cases.frame:
            continue
        bad = [(i, c) for i, c in zip(cohort.ids(), cohort.cases.column(name), strict=True) if c is not None and c not in words]
        if bad and len(bad) == int(cohort.cases.frame[name].notna().sum()):
            raise DataError(message(f"cohort {cohort.name}, column {name!r}", "no cell is one of the declared classes", expected=", ".join(words),
                                    found=f"Found {bad[0][1]!r}", do=near(bad[0][1], words)))
        out |= {i: Excluded(i, "target", f"{name} is none of {', '.join(words)}", f"found {c!r}. {near(c, words)}") for i, c in bad}
    return list(out.values())


def _unfollowed(cohort: Cohort, targets: Mapping[str, Any]) -> list[Excluded]:
    """Cases that were never seen again: none of the files of a target over time."""
    return [Excluded(case.id, "target", f"no {name}: never seen again") for name in targets for case in cohort if name not in case.truth]


def _ineligible(cohort: Cohort, rule: Any) -> list[Excluded]:
    return [Excluded(case.id, "eligibility", rule.reason) for case in cohort if not rule.holds(case.attributes)]

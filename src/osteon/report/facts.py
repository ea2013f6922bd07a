"""What the sections of a report look up: the run, its study, its rows and its lines, each read once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from osteon.report.words import Words, discreet, finding_words, with_unit
from osteon.row import EvidenceRow
from osteon.run import Run
from osteon.studies import study_of
from osteon.study import Study
from osteon.targets import Declared, Measures, Target
from osteon.targets.measures import DISTANCE

if TYPE_CHECKING:
    import pandas as pd

FEWEST = 20  # cases below which a figure of a group is not printed


@dataclass(frozen=True, eq=False)
class Facts:
    """A finished run, opened for reading."""

    run: Run
    study: Study
    about: Mapping[str, Any] = field(kw_only=True)
    rows: tuple[EvidenceRow, ...] = field(kw_only=True)
    lines: Mapping[str, pd.DataFrame] = field(kw_only=True)
    tables: Mapping[str, pd.DataFrame] = field(kw_only=True)
    words: Words = field(kw_only=True)
    films: bool = field(default=True, kw_only=True)

    @property
    def primary(self) -> EvidenceRow:
        """The one primary row."""
        return next(r for r in self.rows if r.question.primary)

    @property
    def label(self) -> str:
        """The paper's own model, the first of the study."""
        return self.primary.source.model

    @property
    def simulated(self) -> bool:
        """Whether the cases were made by a simulator."""
        return self.words.simulated

    @property
    def targets(self) -> tuple[str, ...]:
        """The judged targets, the primary one first."""
        return tuple(t for t in self.study.answered if any(r.question.target == t for r in self.rows))

    def models_of(self, target: str) -> tuple[str, ...]:
        """The models that answer a target, in the order of the study."""
        return tuple(m for m, writes in self.about["models"].items() if target in writes)

    def row(self, model: str, target: str, finding: str) -> EvidenceRow | None:
        """One row of the internal test."""
        return next((r for r in self.rows if (r.source.model, r.question.target, r.question.finding) == (model, target, finding)), None)

    def test(self, model: str, target: str, finding: str | None = None) -> pd.DataFrame:
        """The lines of a model on the test part, of one target and finding."""
        lines = self.lines[model]
        keep = (lines["part"] == "test") & (lines["target"] == target)
        return lines[keep & (lines["finding"] == finding)] if finding is not None else lines[keep]

    def unit_of(self, target: str, finding: str) -> str:
        """The unit of a reading; px for the distance of points, mm for the distances of outlines; empty elsewhere."""
        declared: Target = self.study.targets[target]
        if isinstance(declared, Measures) and finding == DISTANCE:
            return "px"
        return dict(getattr(declared, "units", {})).get(finding, "mm" if declared.cut is None else "")

    def states(self, row: EvidenceRow) -> tuple[int, int]:
        """How many answered units of a row have the finding, and how many do not, by the reference standard."""
        lines = self.test(row.source.model, row.question.target, row.question.finding)
        known = lines[(lines["withheld"] == "") & ~lines["unit"].isin(("lesion", "mark"))]["state"]
        return int((known == "true").sum()), int((known == "false").sum())

    def spoken(self, row: EvidenceRow) -> str:
        """The finding of a row as it is spoken of; a reading with its declared cut."""
        cut, target, finding = self.study.targets[row.question.target].cut, row.question.target, row.question.finding
        unit = self.unit_of(target, finding)
        if unit and isinstance(cut, Declared):
            side, value = ("at or below", cut.below) if cut.below is not None else ("at or above", cut.above)
            return f"{finding} {side} {with_unit(float(value or 0), unit, 1)}"
        return finding_words(target, finding)

    def ceiling(self, row: EvidenceRow, metric: str) -> float | None:
        """What the simulator lets any model attain, where that is known."""
        known = row.metrics.get(f"ceiling_{metric}")
        return float(known["estimate"]) if known else None

    @property
    def cohort(self) -> Mapping[str, Any]:
        """What the run keeps of its cohort: name, origin, licence, notes, counts."""
        found: Mapping[str, Any] = self.about["cohort"]
        return found

    @property
    def held(self) -> str:
        """How many cases were used: 830 operations."""
        return self.words.cases(self.cohort["cases"])

    @property
    def who(self) -> str:
        """The cases with the name of their cohort: 830 operations (SPARCS 2020)."""
        return f"{self.held} ({self.cohort['name']})"

    @property
    def people(self) -> str:
        """How many patients they are of."""
        return self.words.people(self.cohort["patients"])

    @property
    def characteristics(self) -> tuple[str, ...]:
        """The columns that table one can tell: those of cases.csv with a cell that is not empty."""
        table = self.tables["cases"]
        return tuple(c for c in table.columns if c not in ("case", "patient") and table[c].notna().any())

    @property
    def flow(self) -> dict[str, int]:
        """How many cases were assessed, and how many included."""
        table = self.tables["flow"]
        return {str(step): int(n) for step, n in zip(table["step"], table["n"], strict=True) if step in ("assessed", "included")}

    @property
    def left_out(self) -> list[tuple[str, int]]:
        """Each reason for leaving a case out, without file names and quoted cells, with its count."""
        table = self.tables["flow"]
        out = table[~table["step"].isin(("assessed", "included"))]
        return [(discreet(str(reason)), int(n)) for reason, n in zip(out["reason"], out["n"], strict=True)]

    @property
    def folds(self) -> tuple[str, ...]:
        """The names of the folds."""
        return tuple(self.about["folds"])

    @property
    def design(self) -> tuple[str, dict[str, str]]:
        """The design's name and settings, as the run used them."""
        name, inside = re.fullmatch(r"(\w+)\((.*)\)", self.about["design"], flags=re.DOTALL).groups()  # type: ignore[union-attr]
        return name, dict(part.split("=", 1) for part in inside.split(", ") if "=" in part)


def gather(run: Run, study: Study | None = None, *, films: bool = True) -> Facts:
    """Read what a report needs; `study` where it is in no file of the registry. Raises RunError for a run that was cut short."""
    from osteon.run import Run as Opened

    whole = Opened.open(run.folder)
    declared = study or study_of(whole)
    tables = {name: whole.table(name) for name in ("split", "flow", "cases")}
    lines = {m: whole.lines(m) for m in whole.labels}
    words = Words(whole.simulated, _item(declared, lines), declared.unit)
    return Facts(whole, declared, about=whole.about, rows=whole.rows, lines=lines, tables=tables, words=words, films=films)


def _item(study: Study, lines: Mapping[str, pd.DataFrame]) -> str:
    """What one case is: the study's own unit, or a frame, film, scan or case where results count parts of it."""
    units = {u for frame in lines.values() for u in set(frame[frame["target"] == study.primary]["unit"])}
    kinds = {spec.kind for spec in study.inputs.values()}
    if units <= {"case"} or any(spec.modality == "video" for spec in study.inputs.values()):
        return study.unit
    return "film" if "picture" in kinds else "scan" if "volume" in kinds else "case"

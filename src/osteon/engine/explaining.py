"""One answer of a finished run, explained; the explanation is kept in the run with the checks that say whether it means anything."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from osteon.budget import Budget, Limits, Sizes
from osteon.cohort import Cohort
from osteon.cohort.folder import whole
from osteon.engine.fitting import load_final
from osteon.engine.folder import codes
from osteon.errors import DataError, Refused, RunError, message, near
from osteon.models import Desk, Model, Net, Tabular
from osteon.run import Run
from osteon.seeds import derive
from osteon.studies import study_of
from osteon.study import Study
from osteon.validation.contributions import Contributions, explain_row
from osteon.validation.explanation import Explained, Sanity, grad_cam, label_check

CHECKED_ON = 8  # cases of the tune part on which maps are compared with those of shuffled labels
MOST = 8  # columns that are told


@dataclass(frozen=True)
class Explanation:
    """What was found for a case (by code): method, class, probability, parts of a record (empty for a picture), checks, and the file it is kept in."""

    case: str
    method: str
    finding: str = field(kw_only=True)
    probability: float = field(kw_only=True)
    parts: Mapping[str, float] = field(kw_only=True, hash=False)
    checks: tuple[Sanity, ...] = field(kw_only=True)
    file: Path = field(kw_only=True)

    def plain(self) -> dict[str, Any]:
        """Plain data for JSON."""
        checks = [asdict(c) | {"holds": c.holds} for c in self.checks]
        return asdict(self) | {"checks": checks, "file": str(self.file)}

    def sentences(self) -> tuple[str, ...]:
        """The answer, what it rests on, and whether the explanation passes its checks."""
        out = [f"{self.case}: probability of “{self.finding}” {self.probability:.3f} ({self.method})."]
        out += [f"  {name}: {part:+.3f}" for name, part in list(self.parts.items())[:MOST]]
        for check in self.checks:
            told = "it changes with what was shuffled, as it must" if check.holds else "it hardly changes, or is empty: it says little of this model, do not show it"
            out.append(f"Check, {check.shuffled} shuffled: likeness {check.likeness:.2f} over {check.rounds}; {told}.")
        return tuple(out)


@dataclass(frozen=True, eq=False)
class _Bench:
    """A run opened to explain: study, cohort, codes of its rows, the name of the model, the fitted model, and the class asked for."""

    run: Run
    study: Study
    cohort: Cohort = field(kw_only=True)
    codes: list[str] = field(kw_only=True)
    label: str = field(kw_only=True)
    fitted: Model = field(kw_only=True)
    finding: str = field(kw_only=True)

    def part(self, name: str) -> Cohort:
        """The cases of a part of the first fold that are at hand."""
        split = self.run.table("split")
        split = split[split["fold"] == split["fold"].iloc[0]]
        wanted = set(split[split["part"].str.split(" ").str[0] == name]["case"])
        return self.cohort.take(np.array([i for i, code in enumerate(self.codes) if code in wanted], int))

    def desk(self) -> Desk:
        """The budget of the run and a seed of its own."""
        given = dict(self.run.about["budget"])
        budget = Budget(**{**given, "sizes": Sizes(**given["sizes"]), "limits": Limits(**given["limits"])})
        return Desk(budget, derive(int(self.run.about["seed"]), "explain", self.label))


def explain(run: Run, case: str, *, folder: Path | None = None, model: str = "", finding: str = "", labels: bool = False) -> Explanation:
    """Explain one answer; written to explanations/<code>.json, with a picture for a film.

    `case` is a code of the run or an id of the cohort folder. Raises RunError for a model that is not there, DataError for a case that is not at hand,
    Refused for a model that can not be explained.
    """
    bench = _opened(run, folder, model=model, finding=finding)
    ids = bench.cohort.ids()
    if case not in bench.codes and case not in ids:
        raise DataError(message(run.folder, f"there is no case {case!r}", do=near(case, bench.codes)))
    row = bench.codes.index(case) if case in bench.codes else ids.index(case)
    out = run.folder / "explanations" / f"{bench.codes[row]}.json"
    out.parent.mkdir(exist_ok=True)
    if isinstance(bench.fitted, Tabular):
        found = _of_record(bench, row, out)
    elif isinstance(bench.fitted, Net):
        found = _of_film(bench, row, out, labels=labels)
    else:
        raise Refused(message(bench.label, "it can not be explained", expected="a network that answers classes, or an estimator on a record"))
    whole(out, json.dumps(found.plain() | {"file": out.name}, indent=1, ensure_ascii=False))
    return found


def known_codes(run: Run) -> dict[str, str]:
    """What may name a case of a run, to its code: the codes themselves, and the ids of the cohort folder where that is at hand."""
    own = {code: code for code in run.table("cases")["case"]}
    home = Path(run.about["cohort"]["folder"] or "missing")
    named = codes(Cohort.from_folder(home)).cases if (home / "cases.csv").exists() else {}
    return {name: code for name, code in named.items() if code in own} | own


def _opened(run: Run, folder: Path | None, *, model: str, finding: str) -> _Bench:
    study, label = study_of(run), model or run.labels[0]
    if label not in study.models:
        raise RunError(message(run.folder, f"the run has no model {label!r}", do=near(label, run.labels)))
    home = folder or Path(run.about["cohort"]["folder"] or "missing")
    if not (home / "cases.csv").exists():
        raise DataError(message(run.folder, "the cases of the run are not at hand", do="Give their cohort folder with --cohort"))
    given = Cohort.from_folder(home)
    cohort = given.conform(study.inputs, study.targets)
    known = codes(given).cases
    spec = study.models[label]
    fitted = load_final(run.models(label), spec, study.targets)[0]
    return _Bench(run, study, cohort=cohort, codes=[known[i] for i in cohort.ids()], label=label, fitted=fitted, finding=finding or study.targets[spec.writes[0]].findings[0])


def _of_record(bench: _Bench, row: int, out: Path) -> Explanation:
    assert isinstance(bench.fitted, Tabular)
    parts = (bench.part("train"), bench.part("tune"))
    found: Contributions = explain_row(bench.fitted, row, bench.cohort, bench.finding, parts=parts, targets=bench.study.targets, desk=bench.desk())
    ordered = dict(sorted(found.parts.items(), key=lambda item: -abs(item[1])))
    return Explanation(bench.codes[row], f"Shapley values by sampling, from {found.start:.3f}", finding=bench.finding, probability=found.answer, parts=ordered, checks=found.checks, file=out)


def _of_film(bench: _Bench, row: int, out: Path, *, labels: bool) -> Explanation:
    assert isinstance(bench.fitted, Net)
    desk = bench.desk()
    found = grad_cam(bench.fitted, bench.cohort.cases[row], bench.finding, seed=desk.seed)
    checks = found.checks
    if labels:
        train, tune = bench.part("train"), bench.part("tune")
        compared = [tune.cases[i] for i in range(min(CHECKED_ON, len(tune)))]
        checks += (label_check(bench.fitted, (train, tune), bench.study.targets, desk, cases=compared, finding=bench.finding),)
    picture = out.with_suffix(".png")
    _drawn(found, picture, simulated=bench.run.simulated)
    return Explanation(bench.codes[row], found.method, finding=found.finding, probability=found.probability, parts={}, checks=checks, file=picture)


def _drawn(found: Explained, path: Path, *, simulated: bool) -> None:
    """The picture in grey beside the same under its map, which grows more orange and less transparent; simulated cases say so."""
    from matplotlib.figure import Figure

    height, width = found.picture.shape
    figure = Figure(figsize=(2 * 3.2 * width / height + 0.3, 3.7), layout="constrained")
    plain, mapped = figure.subplots(1, 2)
    for axes in (plain, mapped):
        axes.imshow(found.picture, cmap="gray", vmin=0, vmax=1)
        axes.set_axis_off()
    shown = mapped.imshow(found.map, cmap="inferno", vmin=0, vmax=1, alpha=0.6 * found.map)
    shown.set_interpolation("bilinear")
    held = all(check.holds for check in found.checks)
    mapped.set_title(f"{found.method}, “{found.finding}”", fontsize=8)
    note = "" if held else "does not depend on the weights"
    figure.supxlabel("   ".join(filter(None, (note, "Simulated – not clinical evidence" if simulated else ""))), fontsize=7)
    figure.savefig(path, dpi=160)

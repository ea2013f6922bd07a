"""One answer of a finished run, explained; the explanation is kept in the run with the checks that say whether it means anything."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from osteon.budget import Budget, Limits, Sizes
from osteon.case import Case
from osteon.cohort import Cohort
from osteon.cohort.folder import whole
from osteon.engine.folder import codes
from osteon.errors import DataError, Refused, RunError, message, near
from osteon.models import Chain, Desk, Model, Net, Tabular, bare
from osteon.run import Run, slug
from osteon.seeds import derive
from osteon.studies import study_of
from osteon.study import Study
from osteon.targets import Classes, Grades, Measures, Objects, Target
from osteon.validation.augmented import spread, views
from osteon.validation.contributions import Contributions, explain_row
from osteon.validation.explanation import Explained, Sanity, as_seen, explained, fitted_on_shuffled, label_check, networks
from osteon.validation.explanation_scores import asked
from osteon.validation.saved import load_final

CHECKED_ON = 8  # cases of the tune part on which maps are compared with those of shuffled labels
MOST = 8  # columns that are told
METHOD = "Grad-CAM"
FIRST = (Classes, Grades, Objects, Measures)  # which network of several is explained, where the primary target is not one of theirs


@dataclass(frozen=True)
class Explanation:
    """What was found for a case (by code): method, finding, probability (or confidence), parts of a record (empty for a picture), checks, the file it is kept in, and every number."""

    case: str
    method: str
    finding: str = field(kw_only=True)
    probability: float = field(kw_only=True)
    parts: Mapping[str, float] = field(kw_only=True, hash=False)
    checks: tuple[Sanity, ...] = field(kw_only=True)
    file: Path = field(kw_only=True)
    more: Mapping[str, Any] = field(default_factory=dict, kw_only=True, hash=False)

    def plain(self) -> dict[str, Any]:
        """Plain data for JSON."""
        checks = [asdict(c) | {"holds": c.holds} for c in self.checks]
        own = {k: v for k, v in asdict(self).items() if k != "more"}
        return dict(self.more) | own | {"checks": checks, "file": str(self.file), "passed": bool(checks) and all(c["holds"] for c in checks)}

    def sentences(self) -> tuple[str, ...]:
        """The answer, what it rests on, and whether the explanation passes its checks."""
        out = [f"{self.case}: “{self.finding}” with probability or confidence {self.probability:.3f} ({self.method})." if self.probability == self.probability else f"{self.case}: “{self.finding}” ({self.method})."]
        out += [f"  {name}: {part:+.3f}" for name, part in list(self.parts.items())[:MOST]]
        for check in self.checks:
            told = "it changes with what was shuffled, as it must" if check.holds else "it hardly changes, or is empty: it says little of this model, do not show it"
            out.append(f"Check, {check.shuffled} shuffled: likeness {check.likeness:.2f} over {check.rounds}; {told}.")
        return (*out, *_told(self.more))


def _told(more: Mapping[str, Any]) -> list[str]:
    """What else is known of a map, in sentences."""
    out = []
    if "deletion" in more:
        better = "sooner than by chance" if more["better_than_chance"] else "no sooner than by chance: it does not lead to what the answer rests on"
        out.append(f"Covering what it marks first lowers the answer {better} (deletion {more['deletion']:.2f}, by chance {more['deletion_by_chance']:.2f}; insertion {more['insertion']:.2f}, by chance {more['insertion_by_chance']:.2f}).")
    if more.get("repeated", float("nan")) == more.get("repeated"):
        out.append(f"The film turned and shifted a little gives a map with rank correlation {more['repeated']:.2f}.")
    if more.get("refitted", float("nan")) == more.get("refitted"):
        out.append(f"Other fits of the same network give maps with rank correlation {more['refitted']:.2f}.")
    for source, known in more.get("spread", {}).items():
        if source != "of" and known["sd"] == known["sd"]:
            how = "as views turned, shifted and exposed a little" if source == "views" else "by each fit of the model"
            out.append(f"Answered {known['answers']} times, {how}: “{more['spread']['of']}” differs by {known['sd']:.3g} (SD; of outlines and boxes 1 less their overlap).")
    for name, known in more.get("located", {}).items():
        out.append(f"Known region, {name}: the peak is {'inside' if known['pointed'] else 'outside'}, {100 * known['energy']:.0f} % of the map lies in it; it covers {100 * known['covered']:.0f} % of the picture.")
    return out


@dataclass(frozen=True, eq=False)
class Bench:
    """A run opened to explain: study, cohort, codes of its rows, the name of the model, and its fits (for new cases)."""

    run: Run
    study: Study
    cohort: Cohort = field(kw_only=True)
    codes: list[str] = field(kw_only=True)
    label: str = field(kw_only=True)
    fits: tuple[Model, ...] = field(kw_only=True)

    def part(self, name: str) -> Cohort:
        """The cases of a part of the first fold that are at hand."""
        split = self.run.table("split")
        split = split[split["fold"] == split["fold"].iloc[0]]
        wanted = set(split[split["part"].str.split(" ").str[0] == name]["case"])
        return self.cohort.take(np.array([i for i, code in enumerate(self.codes) if code in wanted], int))

    def desk(self, seconds: float | None = None) -> Desk:
        """The budget of the run, with a cap on its seconds, and a seed of its own."""
        given = dict(self.run.about["budget"])
        budget = Budget(**{**given, "sizes": Sizes(**given["sizes"]), "limits": Limits(**given["limits"])})
        return Desk(budget.with_(seconds=min(seconds, budget.seconds)) if seconds else budget, derive(int(self.run.about["seed"]), "explain", self.label))

    def case(self, code: str) -> Case:
        """A case by its code or its id; raises DataError with the near codes."""
        ids = self.cohort.ids()
        if code not in self.codes and code not in ids:
            raise DataError(message(self.run.folder, f"there is no case {code!r}", do=near(code, self.codes)))
        return self.cohort.cases[self.codes.index(code) if code in self.codes else ids.index(code)]


@dataclass(frozen=True, eq=False)
class Seen:
    """A network of a model with the steps before it, the same network of further fits, its target, and the one that learnt shuffled labels where there is one."""

    net: Net
    before: Chain | None = field(kw_only=True)
    others: tuple[Net, ...] = field(kw_only=True)
    target: Target = field(kw_only=True)
    blind: Net | None = field(default=None, kw_only=True)


def explain(run: Run, case: str, *, folder: Path | None = None, model: str = "", finding: str = "", method: str = "", target: str = "", labels: bool = False, seconds: float | None = None) -> Explanation:
    """Explain one answer; written to explanations/<code>.json, with a picture for a film.

    `case` is a code of the run or an id of the cohort folder; `method` one of `validation.explanation_maps.METHODS`; `target` which network of a chain. With
    `labels` a network is trained once more on shuffled labels, for `seconds` at most, and kept; nothing is trained without. Raises RunError for a model that
    is not there, DataError for a case that is not at hand, Refused for a model that can not be explained.
    """
    from osteon.engine.wording import note_of, of_note

    bench = opened(run, folder, model=model)
    row = bench.codes.index(case) if case in bench.codes else bench.cohort.ids().index(bench.case(case).id)
    first, note = bare(bench.fits[0]), note_of(bench.study, bench.label)
    suffix = f"-{slug(_named(method))}" if method and _named(method) != METHOD else ""
    out = run.folder / "explanations" / f"{bench.codes[row]}{suffix}.json"
    out.parent.mkdir(exist_ok=True)
    if note:
        found = of_note(bench, row, out, finding=finding)
    elif isinstance(first, Tabular):
        found = _of_record(bench, first, row, out, finding=finding or bench.study.targets[first.writes[0]].findings[0])
    else:
        found = _of_film(bench, row, out, finding=finding, method=_named(method) if method else "", seen=seen_by(bench, target, train=labels, seconds=seconds))
    whole(out, json.dumps(found.plain() | {"file": found.file.name}, indent=1, ensure_ascii=False))
    return found


def _named(method: str) -> str:
    """The name of a method, however it is written; raises Refused with the near ones."""
    from osteon.validation.explanation_maps import METHODS

    known = {slug(name.replace("++", " plus")): name for name in METHODS} | {name.lower(): name for name in METHODS}
    if method and method.lower() not in known:
        raise Refused(message("explain", f"there is no method {method!r}", expected=", ".join(METHODS), do=near(method, METHODS)))
    return known[method.lower()] if method else METHOD


def known_codes(run: Run) -> dict[str, str]:
    """What may name a case of a run, to its code: the codes themselves, and the ids of the cohort folder where that is at hand."""
    own = {code: code for code in run.table("cases")["case"]}
    home = run.cohort_folder
    named = codes(Cohort.from_folder(home)).cases if home else {}
    return {name: code for name, code in named.items() if code in own} | own


def opened(run: Run, folder: Path | None = None, *, model: str = "", study: Study | None = None) -> Bench:
    """A run with its cohort and the fits of one model (the first unless named); raises RunError or DataError where one is not at hand."""
    study, label = study or study_of(run), model or run.labels[0]
    if label not in study.models:
        raise RunError(message(run.folder, f"the run has no model {label!r}", do=near(label, run.labels)))
    home = folder or run.cohort_folder
    if home is None or not (home / "cases.csv").exists():
        raise DataError(message(run.folder, "the cases of the run are not at hand", do="Give their cohort folder with --cohort"))
    given = Cohort.from_folder(home)
    cohort = given.conform(study.inputs, study.targets)
    known = codes(given).cases
    fits = tuple(load_final(run.models(label), study.models[label], study.targets))
    return Bench(run, study, cohort=cohort, codes=[known[i] for i in cohort.ids()], label=label, fits=fits)


def seen_by(bench: Bench, target: str = "", *, train: bool = False, seconds: float | None = None) -> Seen:
    """The network of a model that is explained: of the named target, else the primary one, else the first of classes, boxes, readings. Raises Refused where there is none."""
    from osteon.networks import takes

    targets = bench.study.targets
    nets = [[(net, before) for net, before in networks(model) if net.writes[0] in targets] for model in (*bench.fits, *_of_folds(bench))]
    written = [net.writes[0] for net, _ in nets[0]] if nets else []
    if not written or (target and target not in written):
        raise Refused(message(bench.label, f"no network of it answers {target!r}" if target else "it can not be explained", expected="a network that looks at pictures, or an estimator on a record",
                              do=near(target, written) if target and written else ""))
    ranked = sorted(range(len(written)), key=lambda i: (written[i] != (target or bench.study.primary), *(not isinstance(targets[written[i]], kind) for kind in FIRST), i))
    net, before = nets[0][ranked[0]]
    if takes(net.name) == "signal":
        raise Refused(message(bench.label, "a network of recordings has no map", expected="a network that looks at pictures, or an estimator on a record", do="Arms with fewer sensors show which of them matter"))
    blind = _blind(bench, net, train=train, seconds=seconds)
    return Seen(net, before=before, others=tuple(row[ranked[0]][0] for row in nets[1:]), target=targets[net.writes[0]], blind=blind)


def _of_folds(bench: Bench) -> Sequence[Model]:
    """The fits of one further fold, where the model for new cases is one fit of several folds."""
    home = bench.run.folder / "models" / slug(bench.label)
    folds = [f for f in sorted(home.glob("*")) if f.is_dir() and f != bench.run.models(bench.label)]
    return load_final(folds[0], bench.study.models[bench.label], bench.study.targets)[:1] if folds and len(bench.fits) == 1 else ()


def _blind(bench: Bench, net: Net, *, train: bool, seconds: float | None) -> Net | None:
    """The network that learnt shuffled labels: trained only on request, and found again later."""
    home = bench.run.folder / "explanations" / "labels-shuffled" / slug(bench.label) / net.writes[0]
    if train and not home.exists():
        fitted = fitted_on_shuffled(net, (bench.part("train"), bench.part("tune")), bench.study.targets, bench.desk(seconds))
        fitted.save(home)
    return net.load(home, bench.study.targets) if (home / "spec.json").exists() else None


def _of_record(bench: Bench, model: Tabular, row: int, out: Path, *, finding: str) -> Explanation:
    parts = (bench.part("train"), bench.part("tune"))
    found: Contributions = explain_row(model, row, bench.cohort, finding, parts=parts, targets=bench.study.targets, desk=bench.desk())
    ordered = dict(sorted(found.parts.items(), key=lambda item: -abs(item[1])))
    return Explanation(bench.codes[row], f"{found.method}, from {found.start:.3f}", finding=finding, probability=found.answer, parts=ordered, checks=found.checks, file=out)


def _of_film(bench: Bench, row: int, out: Path, *, finding: str, method: str, seen: Seen) -> Explanation:
    desk, asked_for = bench.desk(), finding or seen.target.findings[0]
    case = as_seen(bench.cohort.cases[row], seen.before, bench.cohort)
    method = method or min(asked(seen.net, asked_for).methods, key=lambda known: known != METHOD)
    found = explained(seen.net, case, asked_for, method=method, seed=desk.seed, others=seen.others, targets=bench.study.targets)
    checks = found.checks
    if seen.blind is not None:
        tune = bench.part("tune")
        compared = [as_seen(tune.cases[i], seen.before, tune) for i in range(min(CHECKED_ON, len(tune)))]
        checks += (label_check(seen.net, seen.blind, compared, finding=asked_for, method=method),)
    picture = out.with_suffix(".png")
    _drawn(found, picture, passed=all(c.holds for c in checks), simulated=bench.run.simulated)
    return Explanation(bench.codes[row], found.method, finding=found.finding, probability=found.probability, parts={}, checks=checks, file=picture, more=found.plain() | _doubted(bench, row))


def _doubted(bench: Bench, row: int) -> dict[str, Any]:
    """How far the answers to the primary question lie apart over views of the film, and over the fits of the model; nothing where neither is known."""
    name = bench.study.primary
    target, finding, model = bench.study.targets[name], bench.study.targets[name].findings[0], bench.fits[0]
    films = [n for n in model.reads if n in bench.study.inputs and bench.study.inputs[n].kind == "picture" and not bench.study.inputs[n].many]
    if not films or name not in model.writes:
        return {}
    one = bench.cohort.take(np.array([row]))
    given = {"views": next(views(model, one, picture=films[0], asked=(name, target), seed=bench.desk().seed))}
    given |= {"fits": [next(iter(m.predict(one)))[name] for m in bench.fits]} if len(bench.fits) > 1 else {}
    return {"spread": {"of": f"{name}: {finding}", **{source: {"answers": len(values), "sd": spread(target, values, finding)} for source, values in given.items()}}}


def _drawn(found: Explained, path: Path, *, passed: bool, simulated: bool) -> None:
    """The picture in grey (the known region outlined), the same under its map, and the curves of deletion and insertion; the verdict below."""
    from matplotlib.figure import Figure

    curves = found.validity.faithful
    height, width = found.picture.shape
    figure = Figure(figsize=(2 * 3.2 * width / height + (3.3 if curves else 0.3), 3.9), layout="constrained")
    axes = figure.subplots(1, 3 if curves else 2, width_ratios=[width / height, width / height, *([0.9] if curves else [])])
    for at in axes[:2]:
        at.imshow(found.picture, cmap="gray", vmin=0, vmax=1)
        at.set_axis_off()
    if found.validity.region is not None and found.validity.region.any():
        axes[0].contour(found.validity.region, levels=[0.5], colors=["#ffb347"], linewidths=1.2)
    axes[1].imshow(found.map, cmap="inferno", vmin=0, vmax=1, alpha=0.75 * found.map**0.7, interpolation="bilinear")
    axes[1].set_title(f"{found.method}, “{found.finding}”", fontsize=8)
    if curves:
        axes[2].plot(100 * curves.shares, curves.deletion, color="#c45a00", label="marked places covered")
        axes[2].plot(100 * curves.shares, curves.insertion, color="#0b5f98", label="marked places shown")
        axes[2].set(xlabel="share of the picture, %", ylim=(0, 1.02), title="strength of the answer")
        axes[2].title.set_fontsize(8)
        axes[2].legend(fontsize=7, frameon=False)
    verdict = "changes with the weights, as a map of the model must" if passed else "does not pass its sanity check: it says little of this model"
    figure.supxlabel("   ".join(filter(None, (verdict, "Simulated – not clinical evidence" if simulated else ""))), fontsize=7)
    figure.savefig(path, dpi=160)

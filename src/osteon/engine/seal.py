"""The seal of a run: its plan, and each cut, hashed and dated before the test part that they concern was judged; and what does not fit it any more.

Each entry holds the hash of the one before it, so that none can be changed, added or taken out unseen. The clock is that of the machine: who wants to
prove more than order deposits the first hash elsewhere when it is printed.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from osteon.errors import RunError, message
from osteon.run import DAMAGED, Run, slug
from osteon.studies import source_of
from osteon.study import Study

FILE = "seal.json"
ONE = ("question", "primary")
NEARLY = 1e-9  # cuts are written with all their digits
WORDS = {"question": "the question", "primary": "the primary outcome", "targets": "the targets, their findings or rules for the cut", "models": "the models", "eligible": "the rules of eligibility",
         "together": "what must not be parted", "subgroups": "the subgroups", "analyses": "the analyses"}


@dataclass(frozen=True)
class Unlock:
    """The moment at which one fold of one model was judged: its cuts by target and finding (None where none could be chosen), when, and the hash."""

    model: str
    fold: str
    cuts: Mapping[str, float | None] = field(kw_only=True, hash=False)
    time: str = field(kw_only=True)
    hash: str = field(kw_only=True)


@dataclass(frozen=True)
class Seal:
    """The plan with its time (UTC) and hash, and every unlock in its order."""

    plan: Mapping[str, Any] = field(hash=False)
    time: str
    hash: str = field(kw_only=True)
    unlocks: tuple[Unlock, ...] = field(default=(), kw_only=True)

    @property
    def head(self) -> str:
        """The hash of the last entry, which stands for all before it."""
        return self.unlocks[-1].hash if self.unlocks else self.hash

    def plain(self) -> dict[str, Any]:
        """As it is written."""
        opened = [{"model": u.model, "fold": u.fold, "cuts": dict(u.cuts), "time": u.time, "hash": u.hash} for u in self.unlocks]
        return {"plan": dict(self.plan), "time": self.time, "hash": self.hash, "unlocks": opened}


def intended(study: Study) -> dict[str, Any]:
    """What a declaration promises, as plain data."""
    targets = {name: {"family": type(t).__name__, "findings": list(t.findings), "cut": repr(t.cut)} for name, t in study.targets.items()}
    return {"question": study.question, "primary": [study.primary, *study.targets[study.primary].findings[:1]], "targets": targets,
            "models": {label: {"reads": list(m.reads), "writes": list(m.writes)} for label, m in study.models.items()}, "eligible": [e.reason for e in study.eligible],
            "together": list(study.together), "subgroups": list(study.subgroups), "analyses": [type(a).__name__ for a in study.analyses]}


def plan_of(run: Run, study: Study) -> dict[str, Any]:
    """The plan of an opened run: what the declaration promises, how the cases are divided, and the hashes of declaration, cases and division."""
    about = run.about
    fixed = {key: about[key] for key in ("study", "design", "seed", "folds")} | {"budget": about["budget"]["name"], "software": about["versions"]["osteon"]}
    return fixed | intended(study) | {"declaration": _digest(source_of(study)), "cases": about["cohort"]["table"], "division": division(run)}


def division(run: Run) -> str:
    """The hash of split.csv: which case is in which part."""
    path = run.folder / "split.csv"
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


def hash_of(previous: str, entry: Mapping[str, Any]) -> str:
    """The hash of an entry (without its own) that follows another one."""
    return _digest(json.dumps({"previous": previous, **entry}, sort_keys=True, ensure_ascii=False))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def read(run: Run) -> Seal | None:
    """The seal of a run; None where it has none. Raises RunError for a damaged file."""
    path = run.folder / FILE
    if not path.exists():
        return None
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        opened = tuple(Unlock(u["model"], u["fold"], cuts=u["cuts"], time=u["time"], hash=u["hash"]) for u in data["unlocks"])
        return Seal(data["plan"], data["time"], hash=data["hash"], unlocks=opened)
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(message(path, "the file is damaged", found=f"Reason: {error}", do=DAMAGED)) from error


def deviations(run: Run, study: Study) -> tuple[str, ...]:
    """Every way in which a run and the declaration of today do not fit the seal, one sentence each; none where all is as it was sealed."""
    seal = read(run)
    if seal is None:
        return ()
    return (*_chain(run, seal), *_plan(run, study, seal), *_cuts(run, seal))


def _chain(run: Run, seal: Seal) -> Iterator[str]:
    """The entries themselves: untouched, complete, in order, and each fold opened once."""
    known = hash_of("", {"plan": dict(seal.plan), "time": seal.time})
    broken = known != seal.hash
    for u in seal.unlocks:
        known = hash_of(known, {"model": u.model, "fold": u.fold, "cuts": dict(u.cuts), "time": u.time})
        broken |= known != u.hash
    if broken:
        yield "The seal itself was altered: its hashes do not follow from what it says."
    if run.about.get("seal", {"head": seal.head})["head"] != seal.head:
        yield "The seal is not the one that the run was closed with."
    if [u.time for u in seal.unlocks] != sorted(u.time for u in seal.unlocks) or any(u.time < seal.time for u in seal.unlocks):
        yield "The times of the seal are not in order: a test part was opened before what it rests on was fixed, or the clock was turned back."
    pairs = [(u.model, u.fold) for u in seal.unlocks]
    yield from (f"The test part of {model}, fold {fold}, was opened more than once, with other cuts." for model, fold in dict.fromkeys(p for p in pairs if pairs.count(p) > 1))


def _plan(run: Run, study: Study, seal: Seal) -> Iterator[str]:
    """What was planned against what is declared and divided today."""
    now = intended(study)
    now["models"] = {label: told | {"writes": [w for w in told["writes"] if "@" not in w or f"{label}@{w.partition('@')[2]}" in run.about["models"]]}
                     for label, told in now["models"].items() if label in run.about["models"]}  # a budget trains no more arms and members than it allows
    changed = [key for key in now if json.loads(json.dumps(now[key])) != seal.plan.get(key)]
    yield from (f"The plan was changed after the test part was opened: {WORDS[key]} {'is' if key in ONE else 'are'} not as sealed." for key in changed)
    if division(run) != seal.plan.get("division"):
        yield "The division of the cases (split.csv) is not the one that was sealed."
    if not changed and _digest(source_of(study)) != seal.plan.get("declaration"):
        yield "The file that declares the study has been edited since; what it promises (question, outcome, models, groups, rule for the cut) is as sealed."


def _cuts(run: Run, seal: Seal) -> Iterator[str]:
    """The cuts that the lines were judged at, and those kept for new cases, against those that were sealed."""
    first: dict[tuple[str, str], Unlock] = {}
    for u in seal.unlocks:
        first.setdefault((u.model, u.fold), u)
    for u in first.values():
        note = run.folder / "notes" / slug(u.model) / f"{slug(u.fold)}.json"
        kept: Mapping[str, Any] = json.loads(note.read_text(encoding="utf-8")).get("cuts", {}) if note.exists() else u.cuts
        if any(not _same(cut, math.nan if kept.get(name) is None else kept[name]) for name, cut in u.cuts.items()):
            yield f"{u.model}, fold {u.fold}: the cuts kept for new cases are not those that were sealed."
    for path in sorted((run.folder / "lines").glob("*/*.csv")):
        label = next((m for m in run.labels if slug(m) == path.parent.name), path.parent.name)
        lines = run.lines(label, path.stem)
        fold = str(lines["fold"].iloc[0]) if len(lines) else path.stem
        model, _, member = label.partition("@")  # a member of a blend is opened with the blend
        if (model, fold) not in first:
            yield f"The test part of {label}, fold {fold}, was judged without being opened under the seal."
            continue
        used = lines[lines["part"] == "test"].groupby(["target", "finding"])["cut"].agg(["min", "max"])
        for (target, finding), (low, high) in used.iterrows():
            sealed = first[model, fold].cuts.get(f"{target}@{member}.{finding}" if member else f"{target}.{finding}")
            if not _same(sealed, low) or not _same(sealed, high):
                yield f"{label}, fold {fold}, {target} {finding}: judged at a cut of {low:.6g}, sealed was {'none' if sealed is None else f'{sealed:.6g}'}."


def _same(sealed: float | None, used: float) -> bool:
    if sealed is None or math.isnan(used):
        return sealed is None and math.isnan(used)
    return abs(sealed - used) <= NEARLY * max(1.0, abs(sealed))

"""What was fixed before the test part was opened, when, and whether it still stands."""

from __future__ import annotations

from collections.abc import Mapping

from osteon.engine.seal import FILE, Seal, deviations, read
from osteon.report.content import Block, Cell, Folded, Paragraph, Section, Table
from osteon.report.facts import Facts
from osteon.report.sections.asking import rule
from osteon.report.words import listed, number, plural
from osteon.targets import Declared

MOST = 12  # unlocks that are shown unfolded


def plan(facts: Facts) -> Section:
    """Verdict, what was planned, and each unlock with its time, cut and hash."""
    seal = read(facts.run)
    if seal is None:
        text = "This run has no seal: it was made before runs were sealed, or the file was taken away. That its plan and its cut were fixed before the test part was opened can not be shown."
        return Section("plan", "Plan and seal", (Paragraph((text,), "lead"),))
    faults = deviations(facts.run, facts.study)
    blocks: list[Block] = [Paragraph((verdict(facts, seal, faults),), "lead"), Paragraph(_words(seal))]
    if faults:
        blocks.append(Table("deviations", "What does not fit the seal", columns=("", "What was seen"), rows=tuple((str(k), fault) for k, fault in enumerate(faults, 1))))
    unlocks = _unlocks(facts, seal)
    return Section("plan", "Plan and seal", (*blocks, _planned(facts, seal), unlocks if len(seal.unlocks) <= MOST else Folded("Every unlock of a test part", (unlocks,))))


def verdict(facts: Facts, seal: Seal, faults: tuple[str, ...]) -> str:
    """Whether plan and cuts came first, in one sentence."""
    if faults:
        return f"{plural(len(faults), 'thing')} {'does' if len(faults) == 1 else 'do'} not fit the seal (below): read the figures of this report with that in mind."
    cut = "no target has a cut" if not any(u.cuts for u in seal.unlocks) else "each cut was fixed" + ("" if isinstance(facts.study.targets[facts.study.primary].cut, Declared) else ", on the tune part,")
    return f"The plan was fixed at {moment(seal.time)}, and {cut} before any case of its test part was judged; nothing was changed since."


def moment(time: str) -> str:
    """A time of the seal as it is read: 2026-11-24 09:30:12 UTC."""
    return f"{time[:19].replace('T', ' ')} UTC"


def _words(seal: Seal) -> tuple[str, ...]:
    return (f"Hash of the plan: {seal.hash}; of the last entry: {seal.head}. Each entry of {FILE} holds the hash of the one before it.",
            "The clock is that of the machine which made the run: the seal shows the order of things to whoever trusts that machine. To prove more, deposit the hash of the plan (it stands in the log from the first minute on) where others keep the time.")


def _planned(facts: Facts, seal: Seal) -> Table:
    kept = seal.plan
    now = facts.study.targets
    rules = [f"{name}: {rule(now[name]) if name in now and repr(now[name].cut) == t['cut'] else t['cut']}" for name, t in kept["targets"].items()]
    rows = [("Question", kept["question"]), ("Primary outcome", " ".join(kept["primary"])), ("Rule for the cut", "; ".join(rules)), ("Models, the first is primary", listed(kept["models"])), ("Design", kept["design"]),
            ("Eligible", listed(kept["eligible"]) or "no rule beyond readable inputs"), ("Groups looked at", listed(kept["subgroups"]) or "none"), ("Further analyses", listed(kept["analyses"]) or "none"),
            ("Seed, budget", f"{kept['seed']}, {kept['budget']}"), ("Hash of the declaration", kept["declaration"]), ("Hash of the cases", kept["cases"]), ("Hash of the division (split.csv)", kept["division"])]
    return Table("plan", f"The plan, sealed at {moment(seal.time)}", columns=("", ""), rows=tuple(rows), tone="tight")


def _unlocks(facts: Facts, seal: Seal) -> Table:
    rows = tuple((u.model, u.fold, moment(u.time), _cuts(u.cuts), u.hash[:16]) for u in seal.unlocks)
    return Table("unlocks", "Each test part and when it was opened", columns=("Model", "Fold", "Opened", "Cut, fixed before", "Hash"), rows=rows, tone="tight",
                 note="A reading with a declared cut is judged at 0: its distance beyond the declared value.")


def _cuts(known: Mapping[str, float | None]) -> Cell:
    text = "; ".join(f"{name} {'none' if cut is None else number(cut, 4)}" for name, cut in known.items()) or "none"
    only = next(iter(known.values())) if len(known) == 1 else None
    return Cell(text, value=only)

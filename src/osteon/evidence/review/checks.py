"""What a review says of itself, held against what is in it: sums, shares, dates, kinds, promises. Each rule either holds, is contradicted, or cannot be checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any

from osteon.errors import DataError, listed, message, near
from osteon.evidence.review.agreement import agreement
from osteon.evidence.review.appraisal import TOOLS, appraised
from osteon.evidence.review.extraction import completed
from osteon.evidence.review.flow import Flow, flow
from osteon.evidence.review.imports import records_of
from osteon.evidence.review.plan import FULLTEXT, TITLE, plan_of
from osteon.evidence.review.screening import CONFLICT, INCLUDE, SECOND, WAITING, standings
from osteon.evidence.review.store import Event, Store

HOLDS, CONTRADICTED, UNCHECKED = "holds", "contradicted", "cannot be checked"
Claim = Mapping[str, Any]


@dataclass(frozen=True)
class Finding:
    """One statement: what is said and where, what was counted, and whether it holds."""

    said: str
    counted: str
    _: KW_ONLY
    status: str
    where: str = ""


@dataclass(frozen=True)
class Held:
    """What a review holds, for the rules."""

    flow: Flow
    records: Mapping[int, Mapping[str, Any]]
    labels: tuple[tuple[str, ...], ...]
    _: KW_ONLY
    pooled: int
    appraised: int
    agreed: bool


def state_claims(store: Store, who: str, claims: list[Claim]) -> int:
    """Write down what a review says of itself; raises DataError for a rule that is not known."""
    for claim in claims:
        if claim.get("rule") not in RULES:
            raise DataError(message("claims", f"there is no rule {claim.get('rule')!r}", do=near(str(claim.get("rule")), RULES)))
    with store.write(who) as writing:
        return writing.append(Event("claims", "claims", value=str(len(claims)), payload={"claims": [dict(c) for c in claims]}))[0]


def check(store: Store) -> list[Finding]:
    """The review's own state first, then every claim."""
    held = gather(store)
    stated = [c for row in store.payloads("claims") for c in row["payload"]["claims"]]
    return [*own(store, held), *(RULES[c["rule"]](c, held) for c in stated)]


def gather(store: Store) -> Held:
    """Everything that the rules look at."""
    by: dict[int, set[str]] = {}
    for row in store.payloads("label"):
        by.setdefault(row["record"], set()).update(row["payload"]["areas"])
    return Held(flow(store), records_of(store), tuple(tuple(sorted(a)) for a in by.values()), pooled=sum(r.cells is not None for r in completed(store)), appraised=sum(bool(a.final) for t in TOOLS for a in appraised(store, t)),
                agreed=bool(agreement(store, TITLE)))


def own(store: Store, held: Held) -> list[Finding]:
    """Whether the review is complete: searches with date and string, every record decided, every included report extracted and appraised."""
    plan, title, full = plan_of(store), standings(store, TITLE), standings(store, FULLTEXT)
    silent = [s.name for s in plan.sources if not (s.search and s.searched)]
    undecided = Counter(s.status for found in (title, full) for s in found.values() if s.status in (WAITING, SECOND, CONFLICT))
    included = {n for n, s in full.items() if s.status == INCLUDE}
    read = {r.record for r in completed(store)}
    judged = {a.record for t in TOOLS for a in appraised(store, t) if a.final}
    twice = "twice" if plan.people.per_record > 1 else "once"
    rules = (("every source has its search string and date", f"missing: {listed(silent)}" if silent else f"{len(plan.sources)} sources", not silent),
             ("every record is decided", "; ".join(f"{n} {k}" for k, n in undecided.items()) or f"{len(title)} records", not undecided),
             (f"every included report is extracted {twice}", f"{len(included - read)} of {len(included)} are not", not included - read),
             (f"every included report is appraised {twice}", f"{len(included - judged)} of {len(included)} are not", not included - judged))
    return [Finding(said, counted, status=HOLDS if ok else CONTRADICTED, where="this project") for said, counted, ok in rules]


def _count(claim: Claim, held: Held) -> Finding:
    found = {"identified": held.flow.databases.identified + held.flow.other.identified, "duplicates": held.flow.databases.duplicates + held.flow.other.duplicates,
             "screened": held.flow.databases.screened["all"] + held.flow.other.screened["all"], "included": held.flow.reports + held.flow.earlier}
    name, value = claim["of"], claim["value"]
    if name not in found:
        raise DataError(message("claims", f"{name!r} is not counted", expected=", ".join(found)))
    same = found[name] == value
    return _finding(claim, f"{value:,} {name}", f"{found[name]:,} are here" + ("" if same else ": the others, the duplicates removed and the reasons of exclusion are not given, and the flow does not follow"), same)


def _sum(claim: Claim, held: Held) -> Finding:
    total = sum(claim["parts"].values())
    several = sum(len(a) > 1 for a in held.labels)
    said = f"{claim['what']}: {' + '.join(str(v) for v in claim['parts'].values())} = {claim['total']}"
    if total != claim["total"]:
        return _finding(claim, said, f"the sum is {total}", False)
    if not several:
        return _finding(claim, said, f"the sum is {total}", True)
    counts = Counter(a for labels in held.labels for a in labels)
    shares = "; ".join(f"{a} {100 * v / claim['total']:.0f} % of {claim['total']}, {100 * counts[a] / len(held.labels):.0f} % of {len(held.labels)}" for a, v in claim["parts"].items())
    return _finding(claim, said, f"the sum is {total}, so each study has one area; but {several} of {len(held.labels)} listed studies have several ({sum(map(len, held.labels))} labels). {shares}", False)


def _pair(claim: Claim, held: Held) -> Finding:
    values = claim["values"]
    return _finding(claim, f"{claim['what']}: {'; '.join(f'{v} ({k})' for k, v in values.items())}", "one thing, said twice", len(set(map(str, values.values()))) == 1)


def _share(claim: Claim, held: Held) -> Finding:
    fits = [n for n in claim["candidates"] if any(round(100 * k / n) == claim["percent"] for k in range(n + 1))]
    ways = listed(f"{round(claim['percent'] * n / 100)} of {n}" for n in fits)
    counted = f"the denominator is not stated; {ways} would print so" if len(claim["candidates"]) > 1 else f"of {claim['candidates'][0]}"
    status = UNCHECKED if len(claim["candidates"]) > 1 else HOLDS if fits else CONTRADICTED
    return Finding(f"{claim['what']}: {claim['percent']} %", counted, status=status, where=claim.get("where", ""))


def _window(claim: Claim, held: Held) -> Finding:
    out = {n: r["year"] for n, r in held.records.items() if r.get("year") and not claim["from"] <= int(r["year"]) <= claim["to"]}
    told = listed((f"{held.records[n]['title']} ({y})" for n, y in out.items()), 6)
    return _finding(claim, f"studies from {claim['from']} to {claim['to']}", f"{len(out)} are from outside: {told}" if out else f"all {len(held.records)} are within", not out)


def _kinds(claim: Claim, held: Held) -> Finding:
    out = [f"{r['title']} ({r['kind']})" for r in held.records.values() if r.get("kind") in claim["excluded"]]
    return _finding(claim, f"{listed(claim['excluded'])} were excluded", f"the list holds {len(out)}: {listed(out, 6)}" if out else "the list holds none", not out)


def _tasks(claim: Claim, held: Held) -> Finding:
    known = {n: r.get("keywords", "").split("; ") for n, r in held.records.items() if r.get("keywords")}
    out = [held.records[n]["title"] for n, tasks in known.items() if not set(tasks) & set(claim["needed"])]
    return _finding(claim, f"{claim['what']} required", f"{len(out)} of {len(known)} have no task that gives them: {listed(out, 5)}" if out else f"all {len(known)} have such a task", not out)


def _pooled(claim: Claim, held: Held) -> Finding:
    return Finding(f"{claim['what']} was done", f"no pooled estimate is printed; {held.pooled} listed studies have figures from which a table follows", status=CONTRADICTED, where=claim.get("where", ""))


def _appraised(claim: Claim, held: Held) -> Finding:
    return _finding(claim, str(claim["what"]), f"{held.appraised} studies are appraised", held.appraised > 0)


def _agreement(claim: Claim, held: Held) -> Finding:
    return Finding(str(claim["what"]), "agreement can be computed" if held.agreed else "no agreement and no rule for conflicts is given", status=HOLDS if held.agreed else UNCHECKED, where=claim.get("where", ""))


def _listed(claim: Claim, held: Held) -> Finding:
    n = len(held.records)
    return _finding(claim, f"{claim['value']} included studies", f"{n} are listed ({100 * n / claim['value']:.1f} %): {claim['value'] - n} cannot be checked" if n < claim["value"] else f"{n} are listed", n >= claim["value"])


def _finding(claim: Claim, said: str, counted: str, holds: bool) -> Finding:
    return Finding(said, counted, status=HOLDS if holds else CONTRADICTED, where=claim.get("where", "; ".join(claim.get("values", ()))))


RULES: Mapping[str, Callable[[Claim, Held], Finding]] = {"count": _count, "sum": _sum, "pair": _pair, "share": _share, "window": _window, "kinds": _kinds, "tasks": _tasks, "pooled": _pooled, "appraised": _appraised,
                                                         "agreement": _agreement, "listed": _listed}

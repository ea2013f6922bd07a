"""The decisions of a review in the order in which they became final: what a stopping rule looks at."""

from __future__ import annotations

from osteon.evidence.review.plan import TITLE
from osteon.evidence.review.screening import EXCLUDE, INCLUDE, standings
from osteon.evidence.review.store import Store


def decided_in_order(store: Store, stage: str = TITLE) -> tuple[list[int], int]:
    """Labels (1 included, 0 excluded) in the order of their last decision, and how many records the stage has; one that awaits a reviewer or a settlement is not screened."""
    found = standings(store, stage)
    last: dict[int, int] = {}
    for kind in ("decision", "adjudication"):
        for item in store.payloads(kind, stage=stage):
            last[item["record"]] = max(last.get(item["record"], 0), item["event"])
    final = sorted((last[n], n) for n, standing in found.items() if standing.status in (INCLUDE, EXCLUDE))
    return [int(found[n].status == INCLUDE) for _, n in final], len(found)

"""What a process of its own does in a review: `screen` decides on everything that is served, `work` goes from import to extraction. A line on the screen says what is done for good."""

from __future__ import annotations

import sys
from pathlib import Path

from osteon.evidence.review import screening
from osteon.evidence.review.store import Store, open_store

PEOPLE = ("anna", "ben")


def verdict(record: int) -> str:
    """A decision that follows from the number, so that every run ends alike."""
    return "include" if record % 3 == 0 else "exclude"


def say(*words: object) -> None:
    """One line, at once."""
    print(*words, flush=True)


def screen(store: Store, who: str) -> None:
    """Decide until nothing is served."""
    while served := screening.queue(store, who, count=5):
        for row in served:
            say("served", row["record"])
            screening.decide(store, who, record=row["record"], verdict=verdict(row["record"]))
            say("decided", row["record"])


def work(store: Store, file: Path) -> None:
    """Import, de-duplicate, screen by two, retrieve, read the full text, extract: what was done before is not done again."""
    from osteon.evidence.review import extraction, fulltext
    from osteon.evidence.review.dedupe import dedupe
    from osteon.evidence.review.imports import import_file

    say("imported", import_file(store, "anna", path=file, source="A").line)
    dedupe(store, "anna")
    for who in PEOPLE:
        screen(store, who)
    for record, got in fulltext.sought(store).items():
        if not got:
            fulltext.retrieve(store, "anna", record=record)
            say("retrieved", record)
    for who in PEOPLE:
        while served := screening.queue(store, who, stage="fulltext", count=5):
            for row in served:
                screening.decide(store, who, record=row["record"], verdict="include", stage="fulltext")
                say("read", row["record"], who)
    read = {(r.record, w) for r in extraction.readings(store) for w in r.by}
    for record in fulltext.sought(store):
        for who in PEOPLE:
            if (record, who) not in read:
                extraction.extract(store, who, record=record, values={"study": f"Study {record}", "tp": "40", "fp": "3", "fn": "2", "tn": "50"})
                say("extracted", record, who)


if __name__ == "__main__":
    kind, address, argument = sys.argv[1:4]
    opened = open_store(address)
    say("ready")
    screen(opened, argument) if kind == "screen" else work(opened, Path(argument))
    say("finished")

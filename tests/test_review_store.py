"""The store of a review: events and state, undo and replay, processes that are killed, several people at once, and a real PostgreSQL server."""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import SQLAlchemyError

from osteon.errors import DataError
from osteon.evidence.review import history, imports, plan, screening
from osteon.evidence.review.extraction import readings
from osteon.evidence.review.store import Event, Store, create, open_store
from osteon.evidence.review.tables import engine_of

ROOT = Path(__file__).resolve().parent.parent
WORKER = Path(__file__).with_name("review_worker.py")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "src")}


def project(address: str | Path, *people: str) -> Store:
    """A review with one source and some reviewers."""
    store = create(address)
    plan.set_plan(store, "anna", plan.from_plain({"title": "T", "sources": [{"name": "A"}, {"name": "B"}], "people": {"reviewers": list(people or ("anna", "ben"))}}))
    return store


def records(folder: Path, n: int) -> Path:
    """A CSV of n papers that nobody could take for one another."""
    path = folder / "records.csv"
    path.write_text("title,year,authors,pages\n" + "".join(f"{w} {i} of the {w[::-1]} in group {i * i},20{i % 20 + 10:02d},Name{i} A,{i * 7 + 1}-{i * 7 + 5}\n" for i, w in
                                                        ((i, "".join(random.Random(i).choices("abcdefghiklmnoprstuvw", k=9))) for i in range(n))), encoding="utf-8")
    return path


def facts(store: Store) -> set[tuple[object, ...]]:
    """What is true in a review, without times and numbers of events."""
    return {(r["subject"], r["who"], r["value"]) for kind in ("record", "merge", "decision", "adjudication", "retrieval", "extraction") for r in store.payloads(kind)}


def start(*arguments: object) -> subprocess.Popen[str]:
    """A worker of its own."""
    return subprocess.Popen([sys.executable, str(WORKER), *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)


def test_the_newest_event_of_a_subject_holds_and_undo_brings_back_the_one_before(tmp_path: Path) -> None:
    store = project(tmp_path / "a.review")
    with store.write("anna") as writing:
        first, = writing.append(Event("note", "note:1", value="one"))
        second, = writing.append(Event("note", "note:1", value="two"))
    assert [(p["value"], p["event"]) for p in store.payloads("note")] == [("two", second)]
    assert history.undo(store, "anna", second) == [second]
    assert [(p["value"], p["event"]) for p in store.payloads("note")] == [("one", first)]
    history.undo(store, "anna", first)
    assert store.payloads("note") == []
    for event, words in ((first, "taken back before"), (99, "no event 99"), (second + 1, "Do the action again")):
        with pytest.raises(DataError, match=words):
            history.undo(store, "anna", event)


def test_a_transaction_happens_whole_or_not(tmp_path: Path) -> None:
    store = project(tmp_path / "a.review")

    def half() -> None:
        with store.write("anna") as writing:
            writing.append(Event("note", "note:1", value="one"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert store.payloads("note") == []
    assert store.dump()[-1]["kind"] == "plan"


def test_the_state_is_what_a_replay_of_the_events_makes(tmp_path: Path) -> None:
    store = project(tmp_path / "a.review")
    imports.import_file(store, "anna", path=records(tmp_path, 12), source="A")
    for who in ("anna", "ben"):
        for row in screening.queue(store, who, count=20):
            screening.decide(store, who, record=row["record"], verdict="include" if row["record"] % 2 or who == "anna" else "exclude")
    screening.adjudicate(store, "ben", record=2, verdict="exclude")
    history.undo(store, "anna", next(e["id"] for e in store.dump() if e["kind"] == "decision" and e["record"] == 5))
    before, standing = facts(store), screening.standings(store, "title")
    store.rebuild()
    assert facts(store) == before
    other = create(tmp_path / "b.review")
    other.replay(store.dump())
    assert facts(other) == before
    assert screening.standings(other, "title") == standing
    with pytest.raises(DataError, match="holds events already"):
        other.replay(store.dump())


def test_what_cannot_be_opened_says_why(tmp_path: Path) -> None:
    project(tmp_path / "a.review")
    (tmp_path / "b.review").write_text("this is a letter, not a database", encoding="utf-8")
    with pytest.raises(DataError, match="there is a review in it already"):
        create(tmp_path / "a.review")
    with pytest.raises(DataError, match="no such project"):
        open_store(tmp_path / "none.review")
    with pytest.raises(DataError, match="no review project"):
        open_store(tmp_path / "b.review")
    with pytest.raises(DataError, match="cannot be opened"):
        open_store("nothing://here")


def test_later_steps_keep_earlier_ones(tmp_path: Path) -> None:
    store = project(tmp_path / "a.review")
    event = imports.import_file(store, "anna", path=records(tmp_path, 3), source="A").event
    screening.decide(store, "anna", record=2, verdict="include")
    with pytest.raises(DataError, match="later steps rest on it.*decision of record 2"):
        history.undo(store, "anna", event)
    with pytest.raises(DataError, match="Take back the whole import"):
        history.undo(store, "anna", event + 1)
    history.undo(store, "anna", store.dump()[-1]["id"])
    assert len(history.undo(store, "anna", event)) == 4
    assert imports.records_of(store) == {}
    assert imports.import_file(store, "anna", path=tmp_path / "records.csv", source="A").new == 3


def killed_and_finished(folder: Path, points: int, *, seed: int, size: int = 18) -> None:
    """Kill a worker at random moments and let it begin again: what it said was done is done, and the end is that of a run that nobody killed."""
    file = records(folder, size)
    whole = project(folder / "whole.review")
    out, err = start("work", folder / "whole.review", file).communicate(timeout=300)
    assert out.endswith("finished\n"), err
    rng = random.Random(seed)
    for point in range(points):
        path = folder / f"{point}.review"
        store = project(path)
        worker = start("work", path, file)
        assert worker.stdout is not None
        said = [worker.stdout.readline().split()]
        for _ in range(rng.randrange(4 * size)):
            said.append(worker.stdout.readline().split())
        time.sleep(rng.random() * 0.02)
        worker.kill()
        said += [line.split() for line in worker.communicate()[0].splitlines(keepends=True) if line.endswith("\n")]
        done = {(k, v) for k, v in Counter((e["kind"], e["record"]) for e in store.dump()).items()}
        for words in filter(None, said):
            if words[0] == "imported":
                assert len(imports.records_of(store)) == size
            elif words[0] == "extracted":
                assert any(r.record == int(words[1]) and words[2] in r.by for r in readings(store))
            elif words[0] in ("decided", "read", "retrieved"):
                kind = "retrieval" if words[0] == "retrieved" else "decision"
                assert any(k == (kind, int(words[1])) for k, _ in done), words
        out, err = start("work", path, file).communicate(timeout=300)
        assert out.endswith("finished\n"), err
        assert facts(store) == facts(whole)
        live = Counter(e["subject"] for e in store.dump() if e["kind"] in ("record", "decision", "retrieval", "extraction"))
        assert max(live.values()) == 1, "an action was done twice"


def test_a_killed_process_loses_and_doubles_nothing(tmp_path: Path) -> None:
    killed_and_finished(tmp_path, 2, seed=1, size=6)  # each kill starts two processes


@pytest.mark.verify
def test_a_process_killed_a_hundred_times_loses_and_doubles_nothing(tmp_path: Path) -> None:
    killed_and_finished(tmp_path, 100, seed=2, size=8)


def screened_at_once(store: Store, address: str | Path, people: tuple[str, ...], n: int) -> None:
    """Everybody screens at the same time: each record has two decisions, nobody gets a record twice or a third one, and the recorded events replay to the same state."""
    workers = [start("screen", address, who) for who in people]
    said = {}
    for who, worker in zip(people, workers, strict=True):
        out, err = worker.communicate(timeout=1500)
        assert out.endswith("finished\n"), err
        said[who] = [line.split() for line in out.splitlines()]
    served = {who: [w[1] for w in lines if w[0] == "served"] for who, lines in said.items()}
    assert all(len(set(s)) == len(s) for s in served.values())
    assert Counter(r for s in served.values() for r in s) == Counter({str(r): 2 for r in range(1, n + 1)})
    decided = {(w[1], who) for who, lines in said.items() for w in lines if w[0] == "decided"}
    assert {(str(d["record"]), d["who"]) for d in store.payloads("decision")} == decided
    assert len(decided) == 2 * n
    found = screening.progress(store, "title")
    assert (found["include"], found["exclude"], found["conflict"]) == (n // 3, n - n // 3, 0)


def test_three_people_screen_at_once(tmp_path: Path) -> None:
    store = project(tmp_path / "a.review", "anna", "ben", "carla")
    imports.import_file(store, "anna", path=records(tmp_path, 18), source="A")
    screened_at_once(store, tmp_path / "a.review", ("anna", "ben", "carla"), 18)
    again = create(tmp_path / "b.review")
    again.replay(store.dump())
    assert facts(again) == facts(store)


@pytest.mark.verify
def test_two_people_screen_two_thousand_records_at_once(tmp_path: Path) -> None:
    store = project(tmp_path / "a.review")
    imports.import_file(store, "anna", path=records(tmp_path, 2000), source="A")
    screened_at_once(store, tmp_path / "a.review", ("anna", "ben"), 2000)


def answers(address: str) -> bool:
    """Whether a database server takes a connection yet."""
    try:
        engine_of(address).connect().close()
    except SQLAlchemyError:
        return False
    return True


@pytest.fixture
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL server of its own in a temporary folder; skips where none is installed."""
    pytest.importorskip("pg8000", reason="the PostgreSQL driver pg8000 is not installed")
    places = [*os.environ["PATH"].split(os.pathsep), *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin")))]
    initdb, server = (shutil.which(n, path=os.pathsep.join(places)) for n in ("initdb", "postgres"))
    if not (initdb and server):
        pytest.skip("no PostgreSQL server is installed (initdb, postgres)")
    import pwd

    # the server refuses to run as root
    user = None if os.getuid() else next((u.pw_name for name in ("postgres", "nobody") for u in pwd.getpwall() if u.pw_name == name), None)
    if not os.getuid() and user is None:
        pytest.skip("PostgreSQL does not run as root and there is no other user")
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    if user:
        shutil.chown(folder, user)
    options: dict[str, object] = {"user": user, "cwd": str(folder)} if user else {"cwd": str(folder)}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    done = subprocess.run([initdb, "-D", str(folder / "data"), "-U", "osteon", "-A", "trust", "-E", "UTF8", "--no-sync"], capture_output=True, text=True, **options)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stderr
    running = subprocess.Popen([server, "-D", str(folder / "data"), "-p", str(port), "-h", "127.0.0.1", "-k", str(folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)  # type: ignore[call-overload]
    try:
        address = f"postgresql://osteon@127.0.0.1:{port}/postgres"
        for _ in range(300):
            if answers(address):
                break
            time.sleep(0.1)
        yield address
    finally:
        running.send_signal(2)
        running.wait(timeout=60)
        shutil.rmtree(folder, ignore_errors=True)


def test_a_postgresql_server_holds_a_review_as_a_file_does(postgres: str, tmp_path: Path) -> None:
    store = project(postgres)
    imports.import_file(store, "anna", path=records(tmp_path, 12), source="A")
    screened_at_once(store, postgres, ("anna", "ben"), 12)
    lite = create(tmp_path / "a.review")
    lite.replay(store.dump())
    assert facts(lite) == facts(store)
    last = store.dump()[-1]["id"]
    history.undo(store, "anna", last)
    assert len(store.payloads("decision")) == 23
    before = facts(store)
    store.rebuild()
    assert facts(store) == before


@pytest.mark.verify
def test_two_people_screen_two_thousand_records_at_once_on_a_server(postgres: str, tmp_path: Path) -> None:
    store = project(postgres)
    imports.import_file(store, "anna", path=records(tmp_path, 2000), source="A")
    screened_at_once(store, postgres, ("anna", "ben"), 2000)

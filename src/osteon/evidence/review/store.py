"""The store of a review. An action appends events in one transaction; what is true now is the newest event of each subject that nobody took back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, delete, func, insert, inspect, select
from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError, SQLAlchemyError

from osteon.errors import DataError, message
from osteon.evidence.review.tables import VERSION, engine_of, events, metadata, places, project, state

CHUNK = 500  # subjects in one statement
HELD = ("event", "kind", "stage", "record", "who", "value")


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Event:
    """One action to be written: its kind, what it is about (the newest event of a subject holds), and what it says."""

    kind: str
    subject: str
    _: KW_ONLY
    record: int | None = None
    stage: str = ""
    value: str = ""
    payload: Mapping[str, Any] | None = None
    batch: int | None = None


class Writing:
    """One transaction of one person. Everything in it happens, or nothing does."""

    def __init__(self, connection: Connection, who: str, at: str) -> None:
        self.connection, self.who, self.at = connection, who, at
        self._last = connection.execute(select(func.coalesce(func.max(events.c.id), 0))).scalar_one()

    @property
    def following(self) -> int:
        """The number that the next event will have."""
        return self._last + 1

    def append(self, *made: Event) -> list[int]:
        """Write events and make them the state of their subjects; returns their numbers."""
        return self.append_as(self.who, made)

    def append_as(self, who: str, made: Sequence[Event]) -> list[int]:
        """Write events in the name of another one (the importer of a table of decisions)."""
        ids = list(range(self._last + 1, self._last + 1 + len(made)))
        self._last += len(made)
        rows = [{"id": i, "at": self.at, "who": who, "kind": e.kind, "subject": e.subject, "record": e.record, "stage": e.stage, "value": e.value,
                 "payload": dict(e.payload) if e.payload is not None else None, "batch": e.batch, "undoes": None} for i, e in zip(ids, made, strict=True)]
        if rows:
            self.connection.execute(insert(events), rows)
            hold(self.connection, {str(r["subject"]): held(r) for r in rows})
        return ids

    def undo(self, numbers: Sequence[int]) -> None:
        """Take events back; what was true of their subjects before is true again."""
        subjects = [r.subject for part in _chunks(numbers) for r in self.connection.execute(select(events.c.subject).where(events.c.id.in_(part)))]
        rows = [{"id": self._last + 1 + i, "at": self.at, "who": self.who, "kind": "undo", "subject": "", "record": None, "stage": "", "value": str(n), "payload": None, "batch": None, "undoes": n}
                for i, n in enumerate(numbers)]
        self._last += len(rows)
        if rows:
            self.connection.execute(insert(events), rows)
            refresh(self.connection, subjects)


def held(row: Any) -> dict[str, Any]:
    """The state that an event makes."""
    return {"subject": row["subject"], "event": row["id"], "kind": row["kind"], "stage": row["stage"], "record": row["record"], "who": row["who"], "value": row["value"]}


def hold(connection: Connection, rows: Mapping[str, Mapping[str, Any]]) -> None:
    """Make these rows the state of their subjects."""
    for part in _chunks(list(rows)):
        connection.execute(delete(state).where(state.c.subject.in_(part)))
    connection.execute(insert(state), list(rows.values()))


def refresh(connection: Connection, subjects: Iterable[str]) -> None:
    """Set the state of subjects anew from their newest event that nobody took back."""
    taken = events.alias()
    live = ~select(taken.c.id).where(taken.c.undoes == events.c.id).exists()
    for part in _chunks(list(dict.fromkeys(subjects))):
        newest = select(func.max(events.c.id)).where(events.c.subject.in_(part), live).group_by(events.c.subject)
        rows = [held(r._mapping) for r in connection.execute(select(events).where(events.c.id.in_(newest)))]
        connection.execute(delete(state).where(state.c.subject.in_(part)))
        if rows:
            connection.execute(insert(state), rows)


def _chunks(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (items[i: i + CHUNK] for i in range(0, len(items), CHUNK))


@dataclass(frozen=True)
class Store:
    """A review in a database."""

    engine: Engine
    clock: Callable[[], datetime] = now

    @contextmanager
    def write(self, who: str) -> Iterator[Writing]:
        """One transaction that appends events; writers come one after the other. Raises DataError where the database refuses."""
        with _told(self.engine), self.engine.execution_options(writing=True).begin() as connection:
            # the row lock makes writers on a server wait for each other as the lock of the file does in SQLite
            connection.execute(select(project.c.version).with_for_update())
            yield Writing(connection, who, self.clock().isoformat(timespec="seconds"))

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one state from beginning to end."""
        with _told(self.engine), self.engine.begin() as connection:
            yield connection

    def payloads(self, kind: str, *, stage: str | None = None) -> list[dict[str, Any]]:
        """What holds now of one kind, oldest first: the columns of the state, with the payload and the time of its event."""
        wanted = select(*(state.c[n] for n in ("subject", *HELD)), events.c.payload, events.c.at).join(events, events.c.id == state.c.event).where(state.c.kind == kind)
        if stage is not None:
            wanted = wanted.where(state.c.stage == stage)
        with self.read() as connection:
            return [dict(r._mapping) for r in connection.execute(wanted.order_by(state.c.event))]

    def rebuild(self) -> int:
        """Forget the state and make it again from the events; returns how many subjects there are."""
        with self.write("") as writing:
            connection = writing.connection
            undone = set(connection.execute(select(events.c.undoes).where(events.c.undoes.is_not(None))).scalars())
            columns = [events.c[n] for n in ("id", "subject", "kind", "stage", "record", "who", "value")]
            rows = {r.subject: held(r._mapping) for r in connection.execute(select(*columns).where(events.c.kind != "undo").order_by(events.c.id)) if r.id not in undone}
            connection.execute(delete(state))
            if rows:
                connection.execute(insert(state), list(rows.values()))
        return len(rows)

    def dump(self) -> list[dict[str, Any]]:
        """Every event, oldest first."""
        with self.read() as connection:
            return [dict(r._mapping) for r in connection.execute(select(events).order_by(events.c.id))]

    def replay(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Fill an empty review with recorded events. Raises DataError where it holds some."""
        with self.write("") as writing:
            if writing.following > 1:
                raise DataError(message("review", "the project holds events already", expected="an empty one"))
            if rows:
                writing.connection.execute(insert(events), [dict(r) for r in rows])
        self.rebuild()

    def order(self, stage: str, records: Sequence[int]) -> None:
        """Serve the records of a stage in this order; those not named come after them."""
        with self.write("") as writing:
            writing.connection.execute(delete(places).where(places.c.stage == stage))
            if records:
                writing.connection.execute(insert(places), [{"stage": stage, "record": r, "place": i} for i, r in enumerate(records)])


@contextmanager
def _told(engine: Engine) -> Iterator[None]:
    """Faults of the database as sentences."""
    try:
        yield
    except IntegrityError as error:
        raise DataError(message(_name(engine), "another person changed the same thing at the same moment", found=str(error.orig), do="Do it again")) from error
    except OperationalError as error:
        locked = "locked" in str(error)
        raise DataError(message(_name(engine), "another program holds the project" if locked else "the database does not answer", found=str(error.orig),
                                do="Wait until it has finished" if locked else "Check that it is there and may be written")) from error
    except DatabaseError as error:
        raise DataError(message(_name(engine), "this is no review project", found=str(error.orig), do="Make one with `osteon review init`")) from error
    except SQLAlchemyError as error:
        raise DataError(message(_name(engine), "the database cannot be used", found=str(error))) from error


def _name(engine: Engine) -> str:
    return engine.url.database or "review" if engine.url.get_backend_name() == "sqlite" else engine.url.render_as_string(hide_password=True)


def create(address: str | Path, *, clock: Callable[[], datetime] = now) -> Store:
    """A new review in a file or a database. Raises DataError where there is one already."""
    store = Store(engine_of(str(address)), clock)
    with _told(store.engine):
        if inspect(store.engine).has_table("events"):
            raise DataError(message(address, "there is a review in it already", expected="a new file or an empty database", do="Name another one"))
        Path(_name(store.engine)).parent.mkdir(parents=True, exist_ok=True) if "://" not in str(address) else None
        with store.engine.execution_options(writing=True).begin() as connection:
            metadata.create_all(connection)
            connection.execute(insert(project), [{"version": VERSION}])
    return store


def open_store(address: str | Path, *, clock: Callable[[], datetime] = now) -> Store:
    """The review in a file or a database. Raises DataError where there is none, or one of another version."""
    if "://" not in str(address) and not Path(address).is_file():
        raise DataError(message(address, "there is no such project", expected="a file made by `osteon review init`, or the address of a database"))
    store = Store(engine_of(str(address)), clock)
    with _told(store.engine):
        found = None
        if inspect(store.engine).has_table("events"):
            with store.read() as connection:
                found = connection.execute(select(project.c.version)).scalar()
    if found != VERSION:
        raise DataError(message(address, "this is no review project" if found is None else f"the project is of version {found}", expected=f"version {VERSION}", do="Make one with `osteon review init`"))
    return store

"""The tables of a review: an append-only list of events, and the newest live event of each subject."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import JSON, Column, Engine, Index, Integer, MetaData, String, Table, Text, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from osteon.errors import DataError, message

VERSION = 1
WAIT = 60  # seconds that a writer waits for another one

metadata = MetaData()
# `undoes` is the event that this one takes back, `batch` the event of the action (an import, a de-duplication) that this one is a part of
events = Table(
    "events", metadata, Column("id", Integer, primary_key=True, autoincrement=False), Column("at", String(32), nullable=False), Column("who", String(200), nullable=False),
    Column("kind", String(40), nullable=False), Column("subject", String(400), nullable=False, index=True), Column("record", Integer, index=True), Column("stage", String(40), nullable=False),
    Column("value", Text, nullable=False), Column("payload", JSON), Column("batch", Integer, index=True), Column("undoes", Integer, unique=True))
state = Table(
    "state", metadata, Column("subject", String(400), primary_key=True), Column("event", Integer, nullable=False, unique=True), Column("kind", String(40), nullable=False),
    Column("stage", String(40), nullable=False), Column("record", Integer), Column("who", String(200), nullable=False), Column("value", Text, nullable=False),
    Index("state_of_kind", "kind", "stage", "record"), Index("state_of_record", "record", "kind"))
# Who is looking at what, and in which order records are served: help for the work, no part of its result.
leases = Table("leases", metadata, Column("stage", String(40), primary_key=True), Column("record", Integer, primary_key=True), Column("who", String(200), primary_key=True),
               Column("until", String(32), nullable=False))
places = Table("places", metadata, Column("stage", String(40), primary_key=True), Column("record", Integer, primary_key=True), Column("place", Integer, nullable=False))
project = Table("project", metadata, Column("version", Integer, primary_key=True, autoincrement=False))


def engine_of(address: str) -> Engine:
    """An engine for a file (SQLite) or a database address; raises DataError for an address that is not understood or whose driver is missing."""
    url = address if "://" in address else f"sqlite:///{Path(address)}"
    try:
        parsed = make_url(url)
        if parsed.drivername in ("postgresql", "postgres"):
            parsed = parsed.set(drivername="postgresql+pg8000")
        lite = parsed.get_backend_name() == "sqlite"
        made = create_engine(parsed, connect_args={"timeout": WAIT} if lite else {})
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise DataError(message(address, "this database cannot be opened", expected="a file, or an address such as postgresql://user@host/name", found=str(error),
                                do="PostgreSQL needs the extra: pip install 'osteon[postgres]'" if "pg8000" in str(error) else "")) from None
    if lite:
        _begin_by_hand(made)
    return made


def _begin_by_hand(engine: Engine) -> None:
    """Let a writer take the lock of the file at the start of its transaction: two that both read first could else wait for each other for ever."""

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _: Any) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def begun(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writing") else "BEGIN")

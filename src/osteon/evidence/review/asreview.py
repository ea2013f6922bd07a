"""A project file of ASReview 3 (a zip with project.json, the data and a SQLite database) with the records of a review and what was decided on title and abstract."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from osteon.evidence.review.plan import plan_of
from osteon.evidence.review.store import Store

PROGRAM, FORMAT = "3.0.8", 3  # of ASReview: the release whose files were read, and the version of its project file and database
DATA = "records.csv"
# what the program looks for; groups of duplicates are empty because duplicates were merged before
SCHEMA = """
CREATE TABLE record (dataset_row INTEGER NOT NULL, dataset_id VARCHAR NOT NULL, title VARCHAR NOT NULL, abstract VARCHAR NOT NULL, authors JSON NOT NULL, keywords JSON NOT NULL, year INTEGER, doi VARCHAR,
 url VARCHAR, included INTEGER, record_id INTEGER NOT NULL PRIMARY KEY, duplicate_of INTEGER REFERENCES record (record_id) ON DELETE SET NULL,
 group_id INTEGER NOT NULL GENERATED ALWAYS AS (COALESCE(duplicate_of, record_id)) VIRTUAL, UNIQUE (dataset_row, dataset_id), CHECK (duplicate_of IS NULL OR duplicate_of != record_id));
CREATE INDEX idx_record_group_id ON record (group_id);
CREATE TABLE results (record_id INTEGER UNIQUE, label INTEGER, classifier TEXT, querier TEXT, balancer TEXT, feature_extractor TEXT, training_set INTEGER, time FLOAT, note TEXT, tags JSON, user_id INTEGER);
CREATE TABLE last_ranking (record_id INTEGER UNIQUE, ranking INT, classifier TEXT, querier TEXT, balancer TEXT, feature_extractor TEXT, training_set INTEGER, time FLOAT);
CREATE TABLE decision_changes (record_id INTEGER, label INTEGER, time FLOAT, user_id INTEGER);
CREATE TRIGGER trg_results_delete AFTER DELETE ON results FOR EACH ROW BEGIN
 INSERT INTO decision_changes (record_id, label, time, user_id) VALUES (OLD.record_id, OLD.label, OLD.time, OLD.user_id); END;
CREATE TRIGGER trg_results_label_update AFTER UPDATE OF label ON results FOR EACH ROW WHEN OLD.label IS NOT NEW.label BEGIN
 INSERT INTO decision_changes (record_id, label, time, user_id) VALUES (OLD.record_id, OLD.label, OLD.time, OLD.user_id); END;
"""


def project(store: Store, path: Path, table: str) -> None:
    """Write the project file; ``table`` is the CSV of records with the column ``included``."""
    at = int(store.clock().timestamp())
    name = plan_of(store).title
    about = {"version": PROGRAM, "id": path.stem, "mode": "oracle", "name": name, "created_at_unix": at, "feature_matrices": [], "tags": None, "project_file_version": FORMAT,
             "datasets": [{"id": "osteon", "name": DATA}], "review": {"status": "setup", "model": {}}}
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "results.db"
        _fill(database, list(csv.DictReader(io.StringIO(table))), at)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for empty in ("data/", "feature_matrices/"):
                archive.writestr(zipfile.ZipInfo(empty), "")
            archive.writestr("project.json", json.dumps(about))
            archive.write(database, "results.db")
            archive.writestr(f"data/{DATA}", table)


def _fill(database: Path, rows: list[dict[str, str]], at: int) -> None:
    connection = sqlite3.connect(database)
    try:
        connection.executescript(SCHEMA)
        connection.execute(f"PRAGMA user_version = {FORMAT}")
        connection.executemany("INSERT INTO record (dataset_row, dataset_id, title, abstract, authors, keywords, year, doi, url, included, record_id) VALUES (?, 'osteon', ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                               [_record(i, row) for i, row in enumerate(rows)])
        decided = [(i, int(row["included"]), float(at)) for i, row in enumerate(rows) if row["included"]]
        connection.executemany("INSERT INTO results (record_id, label, time) VALUES (?, ?, ?)", decided)
        connection.commit()
    finally:
        connection.close()


def _record(number: int, row: dict[str, str]) -> tuple[Any, ...]:
    def parts(text: str) -> str:
        return json.dumps([p for p in text.split("; ") if p])

    return (number, row["title"].removeprefix("'"), row["abstract"].removeprefix("'"), parts(row["authors"]), parts(row["keywords"]), int(row["year"]) if row["year"] else None, row["doi"] or None,
            row["url"] or None, int(row["included"]) if row["included"] else None, number)

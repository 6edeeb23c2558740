"""The object store in SQLite, with a table for each kind of record. The columns are the record's fields."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, dataclass, fields, replace
from threading import RLock
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pulumi_openai_ft.server.errors import invalid
from pulumi_openai_ft.server.records import (
    Checkpoint,
    File,
    Job,
    Model,
    Note,
    Part,
    Permission,
    Record,
    Span,
    Upload,
)

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA_VERSION = 4
"""Version 2 added `jobs.notices`, version 3 `jobs.key`, and version 4 `notes.open` and `jobs_metadata`. `Table.create` adds the columns that an older version lacks."""

R = TypeVar("R", bound=Record)
Condition = tuple[str, Sequence[Any]]
"""An SQL condition for rows, and its parameters."""


class SchemaError(Exception):
    """A newer version wrote the data directory."""


@dataclass(frozen=True)
class Page(Generic[R]):
    """A page of a list, and whether the list continues."""

    records: list[R]
    has_more: bool


class Table(Generic[R]):
    """The records of a kind, in the order of their creation."""

    def __init__(
        self,
        store: Store,
        name: str,
        kind: type[R],
        indexed: Sequence[str] = (),
        *,
        order: str = "seq",
        pairs: str | None = None,
    ) -> None:
        self._store = store
        self._name = name
        self._kind = kind
        self._indexed = indexed
        self._order = order
        self._pairs = pairs
        self._columns = [field.name for field in fields(kind)]
        self._json = [field.name for field in fields(kind) if str(field.type).startswith(("dict", "list"))]
        self._selected = ", ".join(f'"{column}"' for column in self._columns)
        marks = ", ".join("?" * len(self._columns))
        self._insert = f"INSERT INTO {name} ({self._selected}) VALUES ({marks})"  # noqa: S608  # constant names
        changes = ", ".join(f'"{column}" = ?' for column in self._columns)
        self._update = f"UPDATE {name} SET {changes} WHERE id = ?"  # noqa: S608  # constant names

    def create(self) -> None:
        """Create the table and its indexes, and add missing columns with the defaults of their fields."""
        columns = ", ".join(f'"{column}"' for column in self._columns if column != "id")
        self._store.execute(
            f"CREATE TABLE IF NOT EXISTS {self._name} "
            f"(seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, {columns})"
        )
        self._add_missing_columns()
        for column in self._indexed:
            name = f"{self._name}_{column}" + ("" if self._order == "seq" else f"_{self._order}")
            self._store.execute(
                f'CREATE INDEX IF NOT EXISTS {name} ON {self._name} ("{column}", "{self._order}")'
            )

        if self._pairs is not None:
            self._create_pairs(self._pairs)

    def _create_pairs(self, column: str) -> None:
        """Create the table by which rows are found by a key-value pair of a JSON column, which never changes."""
        name = f"{self._name}_{column}"
        if self._store.rows("SELECT 1 FROM sqlite_master WHERE name = ?", [name]):
            return
        self._store.execute(
            f"CREATE TABLE {name} (key, value, seq INTEGER, PRIMARY KEY (key, value, seq)) WITHOUT ROWID"
        )
        self._store.execute(
            f"INSERT INTO {name} SELECT pair.key, pair.value, {self._name}.seq "  # noqa: S608  # constant names
            f"FROM {self._name}, json_each({self._name}.{column}) AS pair"
        )

    def _add_missing_columns(self) -> None:
        present = {row[1] for row in self._store.rows(f"PRAGMA table_info({self._name})")}
        for field in fields(self._kind):
            if field.name in present:
                continue
            self._store.execute(f'ALTER TABLE {self._name} ADD COLUMN "{field.name}"')
            if field.default not in (None, MISSING):
                change = f'UPDATE {self._name} SET "{field.name}" = ?'  # noqa: S608  # constant names
                self._store.execute(change, [field.default])

    def add(self, record: R) -> R:
        """Insert a new record."""
        with self._store.transaction():
            seq = self._store.execute(self._insert, self._values(record)).lastrowid
            if self._pairs is not None:
                self._add_pairs(self._pairs, record, seq)
        return record

    def _add_pairs(self, column: str, record: R, seq: int | None) -> None:
        insert = f"INSERT INTO {self._name}_{column} VALUES (?, ?, ?)"  # noqa: S608  # constant names
        for key, value in (getattr(record, column) or {}).items():
            self._store.execute(insert, (key, value, seq))

    def put(self, record: R) -> R:
        """Update the record with this id, or insert a new record."""
        if not self._store.execute(self._update, [*self._values(record), record.id]).rowcount:
            self.add(record)
        return record

    def delete(self, record: R, at: float) -> None:
        """Mark a record as deleted."""
        self.put(replace(record, deleted_at=at))

    def get(self, record_id: str) -> R | None:
        """Return the record with this id, or None if it does not exist or was deleted."""
        return next(iter(self.find({"id": record_id})), None)

    def find(
        self,
        where: Mapping[str, Any],
        *conditions: Condition,
        newest_first: bool = False,
        limit: int | None = None,
    ) -> list[R]:
        """Return the records that have these column values and match the conditions, without deleted records."""
        clauses = [*_equal(where), ("deleted_at IS NULL", ()), *conditions]
        sql = f'SELECT {self._selected} FROM {self._name} WHERE {_joined(clauses)} ORDER BY "{self._order}"'  # noqa: S608  # constant names
        sql += " DESC" if newest_first else ""
        parameters = [value for _, values in clauses for value in values]
        if limit is not None:
            sql += " LIMIT ?"
            parameters.append(limit)
        return [self._record(row) for row in self._store.rows(sql, parameters)]

    def page(
        self,
        where: Mapping[str, Any],
        *conditions: Condition,
        after: str | None,
        limit: int,
        newest_first: bool = True,
    ) -> Page[R]:
        """Return a page of `find`. `after` is the id of the preceding record, which may be deleted."""
        cursor = [] if after is None else [self._behind(after, where, newest_first=newest_first)]
        found = self.find(where, *conditions, *cursor, newest_first=newest_first, limit=limit + 1)
        return Page(found[:limit], len(found) > limit)

    def ids(self, *conditions: Condition) -> set[str]:
        """Return the ids of the records that match the conditions, including deleted ones."""
        clauses = [*conditions, ("TRUE", ())]
        sql = f"SELECT id FROM {self._name} WHERE {_joined(clauses)}"  # noqa: S608  # constant names
        rows = self._store.rows(sql, [value for _, values in clauses for value in values])
        return {record_id for (record_id,) in rows}

    def count(self, where: Mapping[str, Any] | None = None, *conditions: Condition) -> int:
        """Return the number of records, including deleted ones."""
        clauses = [*_equal(where or {}), *conditions, ("TRUE", ())]
        sql = f"SELECT count(*) FROM {self._name} WHERE {_joined(clauses)}"  # noqa: S608  # constant names
        (number,) = self._store.rows(sql, [value for _, values in clauses for value in values])[0]
        return int(number)

    def clear(self) -> None:
        """Delete all rows."""
        self._store.execute(f"DELETE FROM {self._name}")  # noqa: S608  # constant names
        if self._pairs is not None:
            self._store.execute(f"DELETE FROM {self._name}_{self._pairs}")  # noqa: S608  # constant names

    def _behind(self, after: str, where: Mapping[str, Any], *, newest_first: bool) -> Condition:
        clauses = [*_equal({**where, "id": after})]
        sql = f"SELECT seq FROM {self._name} WHERE {_joined(clauses)}"  # noqa: S608  # constant names
        rows = self._store.rows(sql, [value for _, values in clauses for value in values])
        if not rows:
            raise unknown_cursor(after)
        return ("seq < ?" if newest_first else "seq > ?", (rows[0][0],))

    def _values(self, record: R) -> list[Any]:
        values = {column: getattr(record, column) for column in self._columns}
        for column in self._json:
            values[column] = None if values[column] is None else json.dumps(values[column])
        return list(values.values())

    def _record(self, row: Sequence[Any]) -> R:
        values = dict(zip(self._columns, row, strict=True))
        for column in self._json:
            values[column] = None if values[column] is None else json.loads(values[column])
        return self._kind(**values)


class Store:
    """All tables. They share a connection, which only one thread uses at a time. Without a path, data is in memory."""

    def __init__(self, path: Path | None = None) -> None:
        self._lock = RLock()
        self._depth = 0
        self._connection = sqlite3.connect(
            ":memory:" if path is None else path, isolation_level=None, check_same_thread=False
        )
        self.files: Table[File] = Table(self, "files", File, ["project"])
        self.uploads: Table[Upload] = Table(self, "uploads", Upload)
        self.parts: Table[Part] = Table(self, "parts", Part, ["upload"])
        self.jobs: Table[Job] = Table(self, "jobs", Job, ["project", "status"], pairs="metadata")
        self.spans: Table[Span] = Table(self, "spans", Span, ["job"], order="first")
        self.checkpoints: Table[Checkpoint] = Table(self, "checkpoints", Checkpoint, ["job", "name"])
        self.permissions: Table[Permission] = Table(
            self, "permissions", Permission, ["checkpoint", "project"]
        )
        self.models: Table[Model] = Table(self, "models", Model)
        self.notes: Table[Note] = Table(self, "notes", Note, ["open"])
        self._tables: list[Table[Any]] = [table for table in vars(self).values() if isinstance(table, Table)]
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        self.execute("PRAGMA journal_mode = WAL")
        # In WAL mode, commits survive the process even without a sync; only a power failure can lose the last ones.
        self.execute("PRAGMA synchronous = NORMAL")
        (version,) = self.rows("PRAGMA user_version")[0]
        if version > SCHEMA_VERSION:
            raise SchemaError(
                f"it has schema version {version}, but this version of the package reads versions up to {SCHEMA_VERSION}"
            )
        with self.transaction():
            self.execute("CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value REAL NOT NULL)")
            for table in self._tables:
                table.create()
            self.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run a transaction. The outermost of nested transactions commits or rolls back."""
        with self._lock:
            self._depth += 1
            try:
                if self._depth == 1:
                    self._connection.execute("BEGIN IMMEDIATE")
                yield
                if self._depth == 1:
                    self._connection.execute("COMMIT")
            except BaseException:
                if self._depth == 1 and self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            finally:
                self._depth -= 1

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Execute a statement."""
        with self._lock:
            return self._connection.execute(sql, parameters)

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with self._lock:
            return self._connection.execute(sql, parameters).fetchall()

    def fact(self, name: str, default: float) -> float:
        """Return a number stored under a name, or the default."""
        rows = self.rows("SELECT value FROM facts WHERE name = ?", (name,))
        return float(rows[0][0]) if rows else default

    def set_fact(self, name: str, value: float) -> None:
        """Store a number under a name."""
        self.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def clear(self) -> None:
        """Delete all rows and numbers."""
        with self.transaction():
            for table in self._tables:
                table.clear()
            self.execute("DELETE FROM facts")

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._connection.close()


def created_before(moment: float) -> Condition:
    """Match records that existed at a time."""
    return ("created_at <= ?", (moment,))


def unexpired(moment: float) -> Condition:
    """Match records that do not expire, or expire later than a time."""
    return ("(expires_at IS NULL OR expires_at > ?)", (moment,))


def expired(moment: float) -> Condition:
    """Match records that have expired."""
    return ("expires_at <= ?", (moment,))


def has_metadata(key: str, value: str) -> Condition:
    """Match jobs whose metadata contains a key-value pair."""
    return ("seq IN (SELECT seq FROM jobs_metadata WHERE key = ? AND value = ?)", (key, value))


DELETED: Condition = ("deleted_at IS NOT NULL", ())
"""Matches deleted records, for the methods that include them."""


def unknown_cursor(after: str) -> Exception:
    """Return a 400 for a page cursor that is not in the list."""
    return invalid(f"No such object to list after: '{after}'.", "after", "invalid_value")


def _equal(where: Mapping[str, Any]) -> list[Condition]:
    return [
        (f'"{column}" IS NULL', ()) if value is None else (f'"{column}" = ?', (value,))
        for column, value in where.items()
    ]


def _joined(clauses: Sequence[Condition]) -> str:
    return " AND ".join(sql for sql, _ in clauses)

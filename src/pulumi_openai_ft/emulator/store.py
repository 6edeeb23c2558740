"""The books in SQLite: a table for each kind of record, whose columns are the record's fields."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from threading import RLock
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pulumi_openai_ft.emulator.errors import invalid
from pulumi_openai_ft.emulator.records import (
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

SCHEMA_VERSION = 1

R = TypeVar("R", bound=Record)
Condition = tuple[str, Sequence[Any]]
"""A piece of SQL that a row must meet, and its parameters."""


class SchemaError(Exception):
    """A data folder was written by another version of the emulator."""


@dataclass(frozen=True)
class Page(Generic[R]):
    """A piece of a list, and whether there is more behind it."""

    records: list[R]
    has_more: bool


class Table(Generic[R]):
    """The records of one kind, in the order of their creation."""

    def __init__(self, store: Store, name: str, kind: type[R], indexed: Sequence[str] = ()) -> None:
        self._store = store
        self._name = name
        self._kind = kind
        self._indexed = indexed
        self._columns = [field.name for field in fields(kind)]
        self._json = [field.name for field in fields(kind) if str(field.type).startswith(("dict", "list"))]
        self._selected = ", ".join(f'"{column}"' for column in self._columns)
        marks = ", ".join("?" * len(self._columns))
        self._insert = f"INSERT INTO {name} ({self._selected}) VALUES ({marks})"  # noqa: S608  # our own names
        changes = ", ".join(f'"{column}" = ?' for column in self._columns)
        self._update = f"UPDATE {name} SET {changes} WHERE id = ?"  # noqa: S608  # our own names

    def create(self) -> None:
        """Makes the table and its indexes where they are missing."""
        columns = ", ".join(f'"{column}"' for column in self._columns if column != "id")
        self._store.execute(
            f"CREATE TABLE IF NOT EXISTS {self._name} "
            f"(seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, {columns})"
        )
        for column in self._indexed:
            self._store.execute(
                f'CREATE INDEX IF NOT EXISTS {self._name}_{column} ON {self._name} ("{column}", seq)'
            )

    def add(self, record: R) -> R:
        """Keeps a new record."""
        self._store.execute(self._insert, self._values(record))
        return record

    def put(self, record: R) -> R:
        """Keeps a record in place of the one with its id, or as a new one."""
        if not self._store.execute(self._update, [*self._values(record), record.id]).rowcount:
            self.add(record)
        return record

    def delete(self, record: R, at: float) -> None:
        """Takes a record out of sight."""
        self.put(replace(record, deleted_at=at))

    def get(self, record_id: str) -> R | None:
        """The record with this id, unless it was deleted."""
        return next(iter(self.find({"id": record_id})), None)

    def find(
        self,
        where: Mapping[str, Any],
        *conditions: Condition,
        newest_first: bool = False,
        limit: int | None = None,
    ) -> list[R]:
        """The records whose columns have these values and that meet the conditions, unless deleted."""
        clauses = [*_equal(where), ("deleted_at IS NULL", ()), *conditions]
        sql = f"SELECT {self._selected} FROM {self._name} WHERE {_joined(clauses)} ORDER BY seq"  # noqa: S608  # our own names
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
        """A page of `find`; `after` is the id of the record before it, which may have been deleted since."""
        cursor = [] if after is None else [self._behind(after, where, newest_first=newest_first)]
        found = self.find(where, *conditions, *cursor, newest_first=newest_first, limit=limit + 1)
        return Page(found[:limit], len(found) > limit)

    def count(self, where: Mapping[str, Any] | None = None, *conditions: Condition) -> int:
        """How many records there are, deleted ones included."""
        clauses = [*_equal(where or {}), *conditions, ("TRUE", ())]
        sql = f"SELECT count(*) FROM {self._name} WHERE {_joined(clauses)}"  # noqa: S608  # our own names
        (number,) = self._store.rows(sql, [value for _, values in clauses for value in values])[0]
        return int(number)

    def clear(self) -> None:
        """Forgets all records."""
        self._store.execute(f"DELETE FROM {self._name}")  # noqa: S608  # our own names

    def _behind(self, after: str, where: Mapping[str, Any], *, newest_first: bool) -> Condition:
        clauses = [*_equal({**where, "id": after})]
        sql = f"SELECT seq FROM {self._name} WHERE {_joined(clauses)}"  # noqa: S608  # our own names
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
    """All tables over one connection, which one thread uses at a time. Without a path the books live in memory."""

    def __init__(self, path: Path | None = None) -> None:
        self._lock = RLock()
        self._depth = 0
        self._connection = sqlite3.connect(
            ":memory:" if path is None else path, isolation_level=None, check_same_thread=False
        )
        self.files = Table(self, "files", File, ["project"])
        self.uploads = Table(self, "uploads", Upload)
        self.parts = Table(self, "parts", Part, ["upload"])
        self.jobs = Table(self, "jobs", Job, ["project", "status"])
        self.spans = Table(self, "spans", Span, ["job"])
        self.checkpoints = Table(self, "checkpoints", Checkpoint, ["job", "name"])
        self.permissions = Table(self, "permissions", Permission, ["checkpoint"])
        self.models = Table(self, "models", Model)
        self.notes = Table(self, "notes", Note)
        self._tables: list[Table[Any]] = [table for table in vars(self).values() if isinstance(table, Table)]
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        self.execute("PRAGMA journal_mode = WAL")
        # In WAL mode a commit outlives the process without a sync; only a power cut could take the last ones.
        self.execute("PRAGMA synchronous = NORMAL")
        (version,) = self.rows("PRAGMA user_version")[0]
        if version not in (0, SCHEMA_VERSION):
            raise SchemaError(
                f"it holds books of schema {version}, and this emulator writes {SCHEMA_VERSION}"
            )
        with self.transaction():
            self.execute("CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value REAL NOT NULL)")
            for table in self._tables:
                table.create()
            self.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; on disk when it ends. May be nested, the outermost decides."""
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
        """Runs a statement that changes something."""
        with self._lock:
            return self._connection.execute(sql, parameters)

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Runs a query."""
        with self._lock:
            return self._connection.execute(sql, parameters).fetchall()

    def fact(self, name: str, default: float) -> float:
        """A single number kept beside the tables."""
        rows = self.rows("SELECT value FROM facts WHERE name = ?", (name,))
        return float(rows[0][0]) if rows else default

    def set_fact(self, name: str, value: float) -> None:
        """Keeps a single number beside the tables."""
        self.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def clear(self) -> None:
        """Forgets everything."""
        with self.transaction():
            for table in self._tables:
                table.clear()
            self.execute("DELETE FROM facts")

    def close(self) -> None:
        """Closes the connection."""
        with self._lock:
            self._connection.close()


def created_before(moment: float) -> Condition:
    """Meets what was there at that time."""
    return ("created_at <= ?", (moment,))


def unexpired(moment: float) -> Condition:
    """Meets what has no end or ends later."""
    return ("(expires_at IS NULL OR expires_at > ?)", (moment,))


def has_pair(column: str, key: str, value: str) -> Condition:
    """Meets rows whose JSON column holds the pair."""
    return (
        f"EXISTS (SELECT 1 FROM json_each({column}) WHERE key = ? AND json_each.value = ?)",  # noqa: S608  # our own name
        (key, value),
    )


def unknown_cursor(after: str) -> Exception:
    """The refusal of a page behind something that is not in the list."""
    return invalid(f"No such object to list after: '{after}'.", "after", "invalid_value")


def _equal(where: Mapping[str, Any]) -> list[Condition]:
    return [
        (f'"{column}" IS NULL', ()) if value is None else (f'"{column}" = ?', (value,))
        for column, value in where.items()
    ]


def _joined(clauses: Sequence[Condition]) -> str:
    return " AND ".join(sql for sql, _ in clauses)

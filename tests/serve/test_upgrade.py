"""Data folders of earlier versions of the service."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from tests.serve.counted_service import LOOKUP, bench_of, reopened

if TYPE_CHECKING:
    from pathlib import Path


def downgrade(folder: Path) -> None:
    """Change the database to that of version 3, which had neither `notes.open` nor `jobs_metadata`."""
    with closing(sqlite3.connect(folder / "data" / "books.sqlite")) as stored, stored:
        for note, content, is_open in stored.execute("SELECT id, content, open FROM notes").fetchall():
            old = json.dumps({**json.loads(content), "open": bool(is_open)})
            stored.execute("UPDATE notes SET content = ? WHERE id = ?", (old, note))
        stored.execute("DROP INDEX notes_open")
        stored.execute("ALTER TABLE notes DROP COLUMN open")
        stored.execute("DROP TABLE jobs_metadata")
        stored.execute("PRAGMA user_version = 3")


def test_runs_and_metadata_of_version_3_are_kept(tmp_path: Path) -> None:
    folder = tmp_path / "service"
    with bench_of(folder) as bench:
        bench.finish(2)
        (running,) = bench.run(1, metadata={"token": "a"})
    downgrade(folder)

    with reopened(folder) as bench:
        bench.round()
        open_runs = bench.runs.open()
        found = bench.client.get(f"{LOOKUP}[token]=a").json()["data"]

    assert [(job, run.stage) for job, run in open_runs.items()] == [(running, "running")]
    assert [(job["id"], job["status"]) for job in found] == [(running, "running")]

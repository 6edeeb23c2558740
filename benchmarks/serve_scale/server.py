"""The real service with stand-in trainers and a timed store.

Run it as `python -m benchmarks.serve_scale.server CONFIG SECONDS STEPS TICK`. It prints its base URL, serves until SIGTERM,
and prints its measurements as a line of JSON.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path
from threading import get_ident
from typing import TYPE_CHECKING, Any

from benchmarks.serve_scale.engine import StandInEngine
from pulumi_openai_ft.serve import service
from pulumi_openai_ft.serve.config import load_config
from pulumi_openai_ft.serve.listener import Listener
from pulumi_openai_ft.serve.server import run
from pulumi_openai_ft.serve.training_loop import TrainingLoop

if TYPE_CHECKING:
    from collections.abc import Callable


class Meter:
    """What this process has used. All SQL runs under the store's lock."""

    def __init__(self) -> None:
        self.sqlite_seconds = 0.0
        self.sqlite_cpu_seconds = 0.0
        self.rounds: list[dict[str, float]] = []
        self._statements: Counter[int] = Counter()

    def statement(self) -> None:
        """Count an SQL statement of this thread."""
        self._statements[get_ident()] += 1

    def sqlite(self, call: Callable[[], Any]) -> Any:
        """Measure a call of SQLite."""
        started, cpu_before = time.perf_counter(), time.thread_time()
        try:
            return call()
        finally:
            self.sqlite_seconds += time.perf_counter() - started
            self.sqlite_cpu_seconds += time.thread_time() - cpu_before

    def round(self, advance: Callable[[], None]) -> None:
        """Measure a round of the training loop."""
        started, cpu_before = time.perf_counter(), time.thread_time()
        statements = self._statements[get_ident()]
        advance()
        self.rounds.append(
            {
                "seconds": time.perf_counter() - started,
                "cpu_seconds": time.thread_time() - cpu_before,
                "statements": self._statements[get_ident()] - statements,
            }
        )

    def report(self) -> str:
        """Return all measurements as JSON."""
        return json.dumps(
            {
                "statements": self._statements.total(),
                "sqlite_seconds": self.sqlite_seconds,
                "sqlite_cpu_seconds": self.sqlite_cpu_seconds,
                "cpu_seconds": time.process_time(),
                "rounds": self.rounds,
            }
        )


METER = Meter()


class _Cursor(sqlite3.Cursor):
    def execute(self, sql: str, parameters: Any = (), /) -> _Cursor:
        METER.statement()
        METER.sqlite(partial(super().execute, sql, parameters))
        return self

    def fetchall(self) -> list[Any]:
        found: list[Any] = METER.sqlite(super().fetchall)
        return found


class _Connection(sqlite3.Connection):
    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        return self.cursor(_Cursor).execute(sql, parameters)


class _Loop(TrainingLoop):
    def advance(self) -> None:
        METER.round(super().advance)


def main(config: Path, seconds: float, steps: int, tick: float) -> int:
    """Serve until SIGTERM. Return the exit code."""
    sqlite3.connect = partial(sqlite3.connect, factory=_Connection)  # type: ignore[assignment]
    service.TrainingLoop = _Loop  # type: ignore[attr-defined]
    engine = StandInEngine(seconds=seconds, steps=steps)
    try:
        code = run(load_config(config), Listener(port=0), config_file=config, engine=engine, tick=tick)
    finally:
        engine.close()
    sys.stdout.write(f"{METER.report()}\n")
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))

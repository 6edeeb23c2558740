"""Job folders and trainers for tests."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

# Long timeouts, because each run imports torch, transformers and trl: 6 CPU-seconds, many more on a busy machine.
MARKS = [pytest.mark.train, pytest.mark.timeout(900)]
TIMES: dict[str, tuple[float, float]] = {}
PATIENCE = 600.0
SRC = Path(__file__).parents[2] / "src"

CAPITALS = {
    "France": "Paris",
    "Japan": "Tokyo",
    "Kenya": "Nairobi",
    "Peru": "Lima",
    "Norway": "Oslo",
    "Egypt": "Cairo",
    "Cuba": "Havana",
    "Iran": "Tehran",
    "Italy": "Rome",
    "Chile": "Santiago",
}


def row(question: str, answer: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


def preference(question: str, preferred: str, other: str) -> dict[str, Any]:
    return {
        "input": {"messages": [{"role": "user", "content": question}]},
        "preferred_output": [{"role": "assistant", "content": preferred}],
        "non_preferred_output": [{"role": "assistant", "content": other}],
    }


ROWS = [
    row(f"What is the capital of {country}?", f"The capital is {capital}.")
    for country, capital in CAPITALS.items()
]
PREFERENCES = [
    preference(f"What is the capital of {country}?", f"The capital is {capital}.", "I do not know.")
    for country, capital in CAPITALS.items()
]


class TrainingJob:
    """A job folder, and the trainers that run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    @classmethod
    def create(
        cls,
        folder: Path,
        *,
        rows: Iterable[object] = ROWS,
        validation: Iterable[object] = (),
        hyperparameters: dict[str, Any] | None = None,
        **request: Any,
    ) -> TrainingJob:
        """Make a job folder. Rows are objects, or the text of a line."""
        folder.mkdir(parents=True)
        write_rows(folder / "training.jsonl", rows)
        if validation:
            write_rows(folder / "validation.jsonl", validation)
        numbers = {"n_epochs": 3, "batch_size": 4, "learning_rate_multiplier": 1.0, **(hyperparameters or {})}
        content = {
            "schema": 1,
            "job": "ftjob-test",
            "attempt": 1,
            "adapter": None,
            "method": "supervised",
            "hyperparameters": numbers,
            "learning_rate": 5e-3,
            "seed": 7,
            "lora": {"r": 16, "alpha": 32},
            "max_length": 512,
            "keep_checkpoints": 3,
            "wandb": None,
            **request,
        }
        (folder / "request.json").write_text(json.dumps(content))
        return cls(folder)

    def start(self, **environment: str) -> subprocess.Popen[bytes]:
        """Start a trainer. Its output is appended to a file beside the folder."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "pulumi_openai_ft.trainer", self.folder],
                env={**self.environment, **environment},
                stdout=log,
                stderr=log,
            )
        return self.process

    def run(self, name: str | None = None, **environment: str) -> int:
        """Run a trainer to its end and return its exit code. With a name, its times are printed in the summary."""
        started = time.monotonic()
        process = self.start(**environment)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if name:
            TIMES[name] = time.monotonic() - started, usage.ru_utime + usage.ru_stime
        return process.returncode

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition while the trainer runs."""
        assert self.process
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.02)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal to the trainer, and return its exit code."""
        assert self.process
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        """Kill the trainer if it still runs."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of trainers: this checkout's package, and one thread."""
        return {**os.environ, "PYTHONPATH": str(SRC), "OMP_NUM_THREADS": "1"}

    @property
    def log(self) -> Path:
        return self.folder.with_suffix(".log")

    def read(self, name: str) -> Any:
        return json.loads((self.folder / name).read_text())

    @property
    def result(self) -> Any:
        return self.read("result.json")

    @property
    def error(self) -> Any:
        assert self.result["status"] == "failed"
        return self.result["error"]

    def lines(self) -> list[dict[str, Any]]:
        """Return the lines of the metrics, without an incomplete last line."""
        file = self.folder / "metrics.jsonl"
        complete = file.read_text().split("\n")[:-1] if file.exists() else []
        return [json.loads(line) for line in complete]

    def metrics(self) -> list[dict[str, Any]]:
        """Return the metrics of each step, without their times. The last line of a step is valid."""
        by_step = {line["step"]: {**line, "at": None} for line in self.lines()}
        return [by_step[step] for step in sorted(by_step)]

    def checkpoints(self) -> list[int]:
        return sorted(
            int(path.name.rpartition("-")[2]) for path in self.folder.glob("checkpoints/checkpoint-*")
        )

    def model(self, step: int) -> Path:
        return self.folder / "models" / f"step-{step}"


def write_rows(file: Path, rows: Iterable[object]) -> None:
    lines = [line if isinstance(line, str) else json.dumps(line) for line in rows]
    file.write_text("".join(f"{line}\n" for line in lines))


def differences(one: Sequence[dict[str, Any]], other: Sequence[dict[str, Any]]) -> float:
    """Return the largest difference of two runs' metrics, which must have the same steps and names."""
    assert [sorted(line) for line in one] == [sorted(line) for line in other]
    pairs = [(left[name], right[name]) for left, right in zip(one, other, strict=True) for name in left]
    return max(abs(left - right) for left, right in pairs if left is not None)

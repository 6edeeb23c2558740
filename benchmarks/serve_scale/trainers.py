"""Stand-in trainers: coroutines of a single process that sleep and write the files of the real trainer.

Reads commands from stdin and writes reports to stdout, as lines of JSON. Run it as
`python -m benchmarks.serve_scale.trainers SECONDS STEPS`.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from pulumi_openai_ft.trainer.job_folder import TRAINER_STATE, JobFolder, LockedError

STOPPED, LOCKED, KILLED = 75, 73, -9
EPOCHS = 3
TOKENS_PER_STEP = 100


class StandIn:
    """A training run. It keeps the contract of `trainer/job_folder.py`."""

    def __init__(self, path: Path, *, seconds: float, steps: int) -> None:
        self._folder = JobFolder(path)
        self._seconds_per_step = seconds / steps
        self._steps = steps
        self._is_stopped = asyncio.Event()

    def stop(self) -> None:
        """Save after the current step and end."""
        self._is_stopped.set()

    async def train(self) -> int:
        """Train. Return the exit code."""
        try:
            with self._folder.locked():
                return await self._train()
        except LockedError:
            return LOCKED
        except asyncio.CancelledError:
            return KILLED

    async def _train(self) -> int:
        request = json.loads(self._folder.request.read_text("utf-8"))
        self._folder.begin()
        self._record_attempt(request["attempt"])
        started, first = time.monotonic(), self._first_step()
        for step in range(first, self._steps + 1):
            due = started + (step - first + 1) * self._seconds_per_step
            await self._pause(due - time.monotonic())
            self._perform(step, request["keep_checkpoints"])
            if self._is_stopped.is_set() and step < self._steps:
                self._save(step)
                return STOPPED
        self._folder.succeed(
            trained_tokens=self._steps * TOKENS_PER_STEP, steps=self._folder.published_steps()
        )
        return 0

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._is_stopped.wait(), max(seconds, 0))
        except TimeoutError:
            return

    def _record_attempt(self, attempt: int) -> None:
        """Record that this attempt trained, so that an attempt that runs twice is found."""
        with (self._folder.path / "attempts").open("a") as attempts:
            attempts.write(f"{attempt} {time.time()}\n")

    def _first_step(self) -> int:
        checkpoint = self._folder.last_checkpoint()
        return 1 if checkpoint is None else int(checkpoint.name.rpartition("-")[2]) + 1

    def _perform(self, step: int, keep: int) -> None:
        progress = {"state": "training", "total_steps": self._steps, "tokens": step * TOKENS_PER_STEP}
        self._folder.write_progress({**progress, "seconds_per_step": self._seconds_per_step, "warnings": []})
        metrics = {"train_loss": round(3 / step, 4), "train_mean_token_accuracy": 0.5}
        self._folder.append_metrics({"step": step, "total_steps": self._steps, "at": time.time(), **metrics})
        if step % max(self._steps // EPOCHS, 1) == 0 or step == self._steps:
            self._save(step)
            with self._folder.new_model(step, keep=keep) as model:
                (model / "adapter_model.safetensors").write_bytes(b"weights")

    def _save(self, step: int) -> None:
        checkpoint = self._folder.checkpoints / f"checkpoint-{step}"
        checkpoint.mkdir(parents=True, exist_ok=True)
        (checkpoint / TRAINER_STATE).write_text("{}")


class StandIns:
    """All training runs of the process."""

    def __init__(self, *, seconds: float, steps: int) -> None:
        self._seconds = seconds
        self._steps = steps
        self._running: dict[str, tuple[StandIn, asyncio.Task[None]]] = {}

    async def serve(self) -> None:
        """Carry out commands until stdin ends."""
        commands = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
        while line := await commands.readline():
            self._carry_out(json.loads(line))

    def _carry_out(self, command: dict[str, Any]) -> None:
        path = command["folder"]
        if command["do"] == "start":
            stand_in = StandIn(Path(path), seconds=self._seconds, steps=self._steps)
            self._running[path] = stand_in, asyncio.create_task(self._run(path, stand_in))
        elif path in self._running:
            stand_in, task = self._running[path]
            if command["do"] == "kill":
                task.cancel()
            else:
                stand_in.stop()

    async def _run(self, path: str, stand_in: StandIn) -> None:
        code = await stand_in.train()
        del self._running[path]
        sys.stdout.write(f"{json.dumps({'folder': path, 'code': code})}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(StandIns(seconds=float(sys.argv[1]), steps=int(sys.argv[2])).serve())

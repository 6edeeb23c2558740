"""A trainer that only sleeps and writes, for tests of the service. It keeps the contract of `trainer/job_folder.py`.

Run it as `python stand_in_trainer.py -m pulumi_openai_ft.trainer JOB_FOLDER`, like a Python. A file `plan.json` beside the
data folder changes its behavior:

| key | meaning |
| --- | --- |
| seconds | seconds of a step (default: 0.01) |
| loads | seconds before the process takes the lock of its folder (default: 0) |
| lingers | seconds before the process exits, after it has released the lock (default: 0) |
| crash_at | steps after which the process kills itself, once per entry |
| fail | message of a failure |
| ignores_stop | whether SIGTERM has no effect |
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

STOPPED, LOCKED = 75, 73


def main() -> int:
    folder = Path(sys.argv[-1])
    time.sleep(read_plan(folder).get("loads", 0))
    with (folder / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return LOCKED
        if not (folder / "request.json").exists():
            return STOPPED
        trainer = Trainer(folder)
        with trainer.alone():
            code = trainer.train()
    time.sleep(trainer.plan.get("lingers", 0))
    return code


class Trainer:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.request = json.loads((folder / "request.json").read_text())
        self.root = folder.parents[2]
        self.plan = read_plan(folder)
        self.stopped = False

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Record in a file beside the data folder if another trainer runs, where there should be only one."""
        with (self.root / "slot").open("a") as slot:
            try:
                fcntl.flock(slot, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                with (self.root / "overlaps").open("a") as overlaps:
                    overlaps.write(f"{self.folder.name}\n")
            yield

    def train(self) -> int:
        if not self.plan.get("ignores_stop"):
            signal.signal(signal.SIGTERM, self.request_stop)
        (self.folder / "result.json").unlink(missing_ok=True)
        with (self.folder / "attempts").open("a") as attempts:
            attempts.write(f"{self.request['attempt']}\n")
        self.replace("process.json", {"pid": os.getpid(), "started": start_time()})
        if message := self.plan.get("fail"):
            error = {"code": "invalid_training_file", "message": message, "param": "training_file"}
            self.replace("result.json", {"status": "failed", "error": error})
            return 1
        return self.perform_steps()

    def perform_steps(self) -> int:
        hyperparameters = self.request["hyperparameters"]
        rows = sum(1 for line in (self.folder / "training.jsonl").read_bytes().splitlines() if line.strip())
        per_epoch = -(-rows // hyperparameters["batch_size"])
        total = per_epoch * hyperparameters["n_epochs"]
        for step in range(self.last_checkpoint() + 1, total + 1):
            time.sleep(self.plan.get("seconds", 0.01))
            self.measure(step, total, per_epoch)
            if step % per_epoch == 0:
                self.publish(step)
            if step % per_epoch == 0 or self.stopped:
                self.save(step)
            self.crash_after(step)
            if self.stopped and step < total:
                return STOPPED
        steps = sorted(int(path.name.removeprefix("step-")) for path in (self.folder / "models").iterdir())
        tokens = 7 * rows * hyperparameters["n_epochs"]
        self.replace(
            "result.json", {"status": "succeeded", "trained_tokens": tokens, "steps": steps, "final": total}
        )
        return 0

    def measure(self, step: int, total: int, per_epoch: int) -> None:
        self.replace(
            "progress.json",
            {"state": "training", "total_steps": total, "seconds_per_step": self.plan.get("seconds", 0.01)},
        )
        row = {
            "step": step,
            "total_steps": total,
            "at": time.time(),
            "train_loss": loss(self.request["seed"], step),
            "train_mean_token_accuracy": 0.5,
        }
        if step % per_epoch == 0 and (self.folder / "validation.jsonl").exists():
            row |= {
                "full_valid_loss": loss(self.request["seed"], step),
                "full_valid_mean_token_accuracy": 0.5,
            }
        with (self.folder / "metrics.jsonl").open("a") as metrics:
            metrics.write(json.dumps(row) + "\n")

    def publish(self, step: int) -> None:
        models = self.folder / "models"
        partial = models / f".step-{step}.part"
        partial.mkdir(parents=True, exist_ok=True)
        (partial / "adapter_model.safetensors").write_bytes(b"weights")
        (partial / "adapter_config.json").write_text('{"r": 16}')
        final = models / f"step-{step}"
        if not final.exists():
            partial.rename(final)
        kept = sorted(models.glob("step-*"), key=lambda path: int(path.name.removeprefix("step-")))
        for old in kept[: -self.request["keep_checkpoints"]]:
            shutil.rmtree(old)

    def save(self, step: int) -> None:
        checkpoint = self.folder / "checkpoints" / f"checkpoint-{step}"
        checkpoint.mkdir(parents=True, exist_ok=True)
        (checkpoint / "trainer_state.json").write_text("{}")

    def last_checkpoint(self) -> int:
        found = (self.folder / "checkpoints").glob("checkpoint-*/trainer_state.json")
        return max((int(path.parent.name.removeprefix("checkpoint-")) for path in found), default=0)

    def crash_after(self, step: int) -> None:
        crashes = self.plan.get("crash_at", [])
        if len(crashes) >= self.request["attempt"] and crashes[self.request["attempt"] - 1] == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def request_stop(self, *_: Any) -> None:
        self.stopped = True

    def replace(self, name: str, content: dict[str, Any]) -> None:
        partial = self.folder / f".{name}.part"
        partial.write_text(json.dumps(content))
        partial.replace(self.folder / name)


def read_plan(folder: Path) -> dict[str, Any]:
    plan = folder.parents[2] / "plan.json"
    return json.loads(plan.read_text()) if plan.exists() else {}


def loss(seed: int, step: int) -> float:
    """Return the loss of a step, which depends only on the seed."""
    return round(3.0 / step + seed % 10 / 100, 4)


def start_time() -> int:
    return int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])


if __name__ == "__main__":
    sys.exit(main())

"""A service that trains the tiny model for real. It runs in the training environment."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.serve.services import BASE, RunningService, config_text
from tests.train.support import ROWS, SRC

if TYPE_CHECKING:
    from collections.abc import Iterable

    import openai
    from openai.types.fine_tuning import FineTuningJob

SECONDS = 300.0
"""Longest time of a job of the tiny model on a busy machine."""
OVERFIT: dict[str, Any] = {"n_epochs": 40, "batch_size": 2}
HUNDRED_STEPS: dict[str, Any] = {"n_epochs": 20, "batch_size": 2}
OPTIONS = "max_length = 512\nlearning_rate = 1e-2"


def real_service(folder: Path, base: Path, more: str = "") -> RunningService:
    """Return a service that trains a base model with the trainer of this checkout.

    Args:
        folder: Folder for the configuration and the data.
        base: Folder of the base model.
        more: More of the configuration.
    """
    folder.mkdir(exist_ok=True)
    text = config_text(base, Path(sys.executable))
    (folder / "serve.toml").write_text(text.replace("max_length = 256", OPTIONS, 1) + more)
    return RunningService(folder, {"PYTHONPATH": str(SRC), "OMP_NUM_THREADS": "1"})


def train_rows(
    client: openai.OpenAI, hyperparameters: dict[str, Any], rows: Iterable[object] = ROWS, model: str = BASE
) -> FineTuningJob:
    """Upload rows and create a job."""
    content = "".join(f"{json.dumps(row)}\n" for row in rows).encode()
    file = client.files.create(file=("rows.jsonl", content), purpose="fine-tune")
    method: Any = {"type": "supervised", "supervised": {"hyperparameters": hyperparameters}}
    return client.fine_tuning.jobs.create(model=model, training_file=file.id, seed=7, method=method)


def losses(client: openai.OpenAI, job: str) -> list[float]:
    """Return the losses of a job's metrics events, which must have each step once."""
    events = list(client.fine_tuning.jobs.list_events(job, limit=100))[::-1]
    metrics: list[Any] = [event.data for event in events if event.type == "metrics"]
    assert [data["step"] for data in metrics] == list(range(1, len(metrics) + 1))
    return [data["train_loss"] for data in metrics]

"""Metrics at Weights & Biases. A problem there never ends a training run."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import msgspec

from pulumi_openai_ft.trainer.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pulumi_openai_ft.trainer.request import Request, Wandb

KEY = "WANDB_API_KEY"
_SETTINGS: dict[str, Any] = {
    "console": "off",
    "finish_timeout": 20.0,  # a stopped trainer must end soon
    "init_timeout": 60.0,
    "silent": True,
    # The project may belong to a user of the service; the machine's name, paths and load are not their business.
    "disable_git": True,
    "host": "self-hosted",
    "save_code": False,
    "x_disable_meta": True,
    "x_disable_stats": True,
    "x_save_requirements": False,
}


class Board:
    """A run at Weights & Biases, or nothing."""

    def __init__(self, run: Any = None, warnings: list[str] | None = None) -> None:
        self._run = run
        self.warnings: list[str] = warnings or []

    def log(self, row: Mapping[str, Any]) -> None:
        """Send the metrics of a step. wandb sends them in the background, and repeats failed requests."""
        if self._run is not None:
            metrics = {name: value for name, value in row.items() if name not in ("step", "at")}
            self._run.log(metrics, step=row["step"])

    def close(self) -> None:
        """Send the rest of the metrics."""
        if self._run is not None:
            self._run.finish()


@contextmanager
def opened(request: Request, folder: Path) -> Iterator[Board]:
    """Open the board of a request. Without an integration, it shows nothing.

    Raises:
        TrainingError: wandb is not installed or has no key.
    """
    board = Board() if request.wandb is None else _connect(request, request.wandb, folder)
    try:
        yield board
    finally:
        board.close()


def _connect(request: Request, integration: Wandb, folder: Path) -> Board:
    _require_wandb()
    import wandb  # noqa: PLC0415  # only with the extra, and it takes a second

    try:
        run = wandb.init(
            project=integration.project,
            entity=integration.entity,
            name=integration.name or request.job,
            tags=integration.tags,
            id=request.job,
            resume="allow",
            dir=folder,
            config={
                "method": request.method,
                "seed": request.seed,
                **msgspec.to_builtins(request.hyperparameters),
            },
            settings=wandb.Settings(**_SETTINGS),
        )
    except (wandb.Error, OSError) as error:
        print(f"wandb: {error}", file=sys.stderr)  # noqa: T201  # the server keeps the trainer's output
        return Board(warnings=["Weights & Biases cannot be reached; the job trains without it."])
    return Board(run)


def _require_wandb() -> None:
    if find_spec("wandb") is None:
        raise TrainingError(
            "wandb_not_available",
            "The service cannot send metrics to Weights & Biases: its administrator must install the extra `wandb`.",
            "integrations",
        )
    if not os.environ.get(KEY) and os.environ.get("WANDB_MODE") != "offline":
        raise TrainingError(
            "wandb_not_available",
            f"The service has no key for Weights & Biases: its administrator must set {KEY} for this project.",
            "integrations",
        )

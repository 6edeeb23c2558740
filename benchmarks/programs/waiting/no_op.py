"""No-op resources with the inputs of a file and a job and the outputs of a job. They send no requests."""
# ruff: noqa: INP001 - part of a Pulumi program, which is a script

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from pulumi.dynamic import CreateResult, Resource, ResourceProvider

if TYPE_CHECKING:
    from pulumi import Input

OUTPUTS = {
    "base_url": "http://127.0.0.1:65535/v1",
    "created_at": 1764547200,
    "fine_tuned_model": "ft:gpt-4.1-mini-2025-04-14:emulator::0123456789ab",
    "finished_at": 1764547202,
    "method": {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 3, "batch_size": 1}}},
    "organization_id": "org-emulator",
    "result_files": ["file-0123456789abcdefghijkl"],
    "status": "succeeded",
    "trained_tokens": 4096,
}
"""Outputs of a succeeded job."""
UNUSED = (
    "validation_file",
    "suffix",
    "integrations",
    "metadata",
    "estimated_tokens",
    "estimated_cost_usd",
    "error",
    "first_valid_loss",
    "best_valid_loss",
    "final_valid_loss",
)
"""Other outputs that a program could read."""


class NoOpProvider(ResourceProvider):
    """A provider that sleeps for SLEEP seconds instead of waiting for a job."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Return a resource without sending a request."""
        if "model" not in props:
            return CreateResult("file-0123456789abcdefghijkl", props)
        time.sleep(float(os.environ["SLEEP"]))
        return CreateResult("ftjob-0123456789abcdefghijkl", {**props, **OUTPUTS})


class File(Resource, module="benchmark", name="File"):
    """A no-op file."""

    def __init__(self, name: str, file: str) -> None:
        super().__init__(NoOpProvider(), name, {"file": file})


class FineTuningJob(Resource, module="benchmark", name="FineTuningJob"):
    """A no-op job."""

    def __init__(self, name: str, model: str, training_file: Input[str], seed: int) -> None:
        inputs = {"model": model, "training_file": training_file, "seed": seed}
        super().__init__(NoOpProvider(), name, {**dict.fromkeys((*OUTPUTS, *UNUSED)), **inputs})

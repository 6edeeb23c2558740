"""Outputs of a job about its validation, which policies compare because they cannot call the service."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._metrics.epochs import validation_losses
from pulumi_openai_ft._metrics.reading import read_result_files
from pulumi_openai_ft._shared.state_names import VALIDATION_LOSSES
from pulumi_openai_ft.errors import OpenAIFTError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi_openai_ft._client.client import Client
    from pulumi_openai_ft._client.objects import Job


def known_losses(props: Mapping[str, Any]) -> dict[str, Any]:
    """Return the losses that earlier outputs contain."""
    return {name: props[name] for name in VALIDATION_LOSSES if props.get(name) is not None}


def with_losses(api: Client, job: Job, outs: dict[str, Any]) -> dict[str, Any]:
    """Return the outputs of a job with the validation loss of its first, best and last epoch.

    They are read once from the result files of a job that succeeded and has a validation file. If this fails, they
    remain None: the job itself is not affected.
    """
    if job.status != "succeeded" or not job.validation_file or known_losses(outs):
        return outs
    losses: list[float] = []
    with suppress(OpenAIFTError):  # also Ctrl-C: the job has succeeded, and must be recorded
        losses = validation_losses(read_result_files(api, job).rows, _epochs(outs.get("method")))
    if not losses:
        return outs
    return {**outs, **dict(zip(VALIDATION_LOSSES, (losses[0], min(losses), losses[-1]), strict=True))}


def _epochs(method: Any) -> int | None:
    """Return the number of epochs of a method in the outputs."""
    kind = method.get("type") if isinstance(method, dict) else None
    block = method.get(kind) if kind else None
    hyperparameters = block.get("hyperparameters") if isinstance(block, dict) else None
    found = hyperparameters.get("n_epochs") if isinstance(hyperparameters, dict) else None
    return found if isinstance(found, int) else None

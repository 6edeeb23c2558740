"""What users are told of a job that is not what they asked for, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi_openai_ft._client.objects import Job

MILLION = 1_000_000
SMALLEST_PRICE_SHOWN = 0.01


def estimate_message(estimate: Mapping[str, Any]) -> str:
    """What training is likely to come to, before it is bought."""
    tokens, epochs, usd = estimate["tokens"], estimate["epochs"], estimate.get("usd")
    amount = f"{tokens / MILLION:,.1f} million" if tokens >= MILLION else f"{tokens:,}"
    passes = f"{epochs} epoch{'' if epochs == 1 else 's'}"
    if usd is None:
        return f"trains about {amount} tokens ({passes}, an estimate) at a price that the catalogue does not know"
    source = f"price of {day}" if (day := estimate.get("price_as_of")) else "price of openai-ft:catalog"
    return f"trains about {amount} tokens ({passes}), {cost(usd)} ({source}, an estimate)"


def cost(usd: float) -> str:
    """A price that was estimated."""
    return (
        f"about {usd:,.2f} USD"
        if usd >= SMALLEST_PRICE_SHOWN
        else f"less than {SMALLEST_PRICE_SHOWN:.2f} USD"
    )


def still_running_message(job_id: str, status: str, error: Exception) -> str:
    """That a job goes on although waiting for it, or acting on it, came to an end."""
    return (
        f"job {job_id} goes on at the service ({status} when last seen): {error}; the next `pulumi up` waits for it again, "
        f"`pulumi destroy` cancels it"
    )


def failed_message(job: Job) -> str:
    """Why a job is not what it was bought for, and what to do."""
    error = job.error
    reason = ": ".join(part.rstrip(". ") for part in (error and error.code, error and error.message) if part)
    blame = f" (see {error.param})" if error and error.param else ""
    return (
        f"job {job.id} {'was cancelled' if job.status == 'cancelled' else 'failed'}"
        f"{': ' + reason if reason else ''}{blame}. Nothing is bought again by itself: correct the inputs, or set "
        f"recreate_on_failure=True or change `triggers` to train again with the same ones"
    )


def model_deleted_message(job: Job) -> str:
    """That somebody deleted the model that a job made, and what to do."""
    return (
        f"model {job.fine_tuned_model} of job {job.id} was deleted outside of this stack. Nothing is bought again by "
        f"itself: change `triggers` to train again, or take the resource out of the program"
    )


def paused_externally_message(job: Job) -> str:
    """That somebody else paused a job, and what to do: going on with it may cost more than they want."""
    return (
        f"paused: job {job.id} was paused outside of this stack and nothing resumes it by itself: resume it at the "
        f"service, or set paused=True, run `pulumi up`, and set it back"
    )

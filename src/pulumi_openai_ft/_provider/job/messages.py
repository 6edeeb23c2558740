"""Messages about a job: its estimated cost, its failure or pause, the deletion of its model, and the next steps."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._shared.docs_links import RENAMED_RESOURCES, docs_link

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi_openai_ft._client.objects import Job
    from pulumi_openai_ft._provider.job.idempotency import FormerName
    from pulumi_openai_ft._service_profiles import Profile

NO_MODEL = (
    "a job has no model until it has succeeded: let `up` wait for it (wait_for_completion, paused), "
    "or run `pulumi up --refresh` when it has succeeded"
)
"""Explanation of a missing model name that is the output of a job."""
MILLION = 1_000_000
SMALLEST_PRICE_SHOWN = 0.01


def estimate_message(estimate: Mapping[str, Any], no_price: str) -> str:
    """Return a message with the estimated tokens and cost of training, printed before the job is created.

    Args:
        estimate: The estimate.
        no_price: The text that replaces the cost if the estimate has none.
    """
    tokens, epochs, usd = estimate["tokens"], estimate["epochs"], estimate.get("usd")
    amount = f"{tokens / MILLION:,.1f} million" if tokens >= MILLION else f"{tokens:,}"
    passes = f"{epochs} epoch{'' if epochs == 1 else 's'}"
    if usd is None:
        return f"trains about {amount} tokens ({passes}, an estimate); {no_price}"
    source = f"price of {day}" if (day := estimate.get("price_as_of")) else "price of openai-ft:catalog"
    return f"trains about {amount} tokens ({passes}), {cost(usd)} ({source}, an estimate)"


def no_price_text(profile: Profile) -> str:
    """Return the text that replaces the price at a service that bills nothing for training."""
    return f"no price: {profile.name}"


def unknown_price_text(profile: Profile, model: str, service: str) -> str:
    """Return the text that replaces the price of a model without one in the catalog, or without any."""
    return f"no price known for {model} at {service}" if profile.bills_training else no_price_text(profile)


def unestimated_cost_text(method: object) -> str:
    """Return the text that replaces the cost of a job whose tokens are not known."""
    if method == "reinforcement":
        return "billed by training time"
    return "cost not known: it is estimated from the local training file of a `File`"


def cost(usd: float) -> str:
    """Return an estimated price as text, such as `about 3.60 USD`."""
    return (
        f"about {usd:,.2f} USD"
        if usd >= SMALLEST_PRICE_SHOWN
        else f"less than {SMALLEST_PRICE_SHOWN:.2f} USD"
    )


def still_running_message(job_id: str, status: str, error: Exception) -> str:
    """Return a message about a job that keeps running although `up` no longer waits for it."""
    return (
        f"job {job_id} is still running at the service (last known status: {status}): {error}; the next `pulumi up` "
        f"waits for it again, `pulumi destroy` cancels it"
    )


def status_and_age(job: Job, now: float) -> str:
    """Return the status of a job and, if known, its age, such as `succeeded, 0:02:10 old`."""
    if job.created_at is None:
        return job.status
    return f"{job.status}, {timedelta(seconds=max(0, int(now - job.created_at)))} old"


def adoption_message(job: Job, now: float) -> str:
    """Return a message of a preview about a job that will be adopted. Whether its model exists is not checked."""
    condition = ", unless its model was deleted" if job.status == "succeeded" else ""
    return (
        f"adopts job {job.id} ({status_and_age(job, now)}), which was created with the same inputs{condition}"
    )


def kept_by_alias_message(job: Job, now: float, resource: str | None, former: FormerName | None) -> str:
    """Return a message of a preview about a job of another resource with the same content, and how to keep it.

    Args:
        job: The job.
        now: The current time, in Unix seconds.
        resource: Identity of the other resource, or None if the job does not have it.
        former: The former name if only a name differs, so that an alias keeps the job.
    """
    option = (
        f'aliases=[pulumi.Alias(name="{former.name}")] to the options of the {former.owner}'
        if former
        else f'former_names=["{resource or "IDENTITY"}"]'
    )
    return (
        f"job {job.id} ({status_and_age(job, now)}) of {resource or 'another resource'} has the same training data and "
        f"inputs, so `pulumi up` will stop. To keep that job, add {option}. See {docs_link(RENAMED_RESOURCES)}"
    )


def same_content_message(job: Job, now: float, resource: str | None) -> str:
    """Return a message that a job was not created because another resource has such a job, and the solutions.

    Args:
        job: The job of the other resource.
        now: The current time, in Unix seconds.
        resource: Identity of the other resource, or None if the job does not have it.
    """
    former = resource or "IDENTITY"
    return (
        f"job {job.id} ({status_and_age(job, now)}) of {resource or 'another resource'} has the same training data and "
        f"inputs, so nothing "
        f"was created. If it is the job of this resource under a former name, parent, or stack, adopt it: add "
        f'former_names=["{former}"], or an alias in the resource options. To train again, set `triggers`, or, in another '
        f"stack, openai-ft:idempotencyScope"
    )


def concurrent_content_message(resource: str) -> str:
    """Return a message that a job was not created because another resource of the program creates such a job."""
    return (
        f"{resource or 'another resource'} creates a job with the same training data and inputs, so nothing was created: "
        f"remove one of the two resources, or, to train twice, set `triggers` of one"
    )


def not_cancelled_message(job: Job, limit: str) -> str:
    """Return a message about a job that has not ended after its cancellation was requested, and the next step."""
    return (
        f"job {job.id} still has the status {job.status!r} although its cancellation was requested: waiting ended after "
        f"the time limit ({limit}); run the command again to continue to wait"
    )


def failed_message(job: Job) -> str:
    """Return a message with the reason why a job failed or was cancelled, and the next step."""
    return (
        f"{failure(job)}. It is not retried automatically: fix the inputs, or, to train again with the same inputs, set "
        f"recreate_on_failure=True or change `triggers`"
    )


def failure(job: Job) -> str:
    """Return the statement that a job failed or was cancelled, with the reason."""
    error = job.error
    reason = ": ".join(part.rstrip(". ") for part in (error and error.code, error and error.message) if part)
    param = f" (see {error.param})" if error and error.param else ""
    ended = "was cancelled" if job.status == "cancelled" else "failed"
    return f"job {job.id} {ended}{': ' + reason if reason else ''}{param}"


def model_deleted_message(job: Job) -> str:
    """Return a message about a job whose model was deleted outside of the stack, and the next step."""
    return (
        f"model {job.fine_tuned_model} of job {job.id} was deleted outside of this stack. The job is not recreated "
        f"automatically: change `triggers` to train again, or remove the resource from the program"
    )


def paused_externally_message(job: Job) -> str:
    """Return a message about a job that was paused outside of the stack, and the next step.

    The provider does not resume such a job because training costs may be the reason for the pause.
    """
    return (
        f"paused: job {job.id} was paused outside of this stack and is not resumed automatically: resume it at the "
        f"service, or set paused=True, run `pulumi up`, then set paused=False and run `pulumi up` again"
    )

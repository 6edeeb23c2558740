"""A job as `openai-ft jobs` lists it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pulumi_openai_ft._client.objects import Job
    from pulumi_openai_ft._service_profiles import Profile
    from pulumi_openai_ft.catalog import Catalog

TOKENS_PER_PRICE = 1_000_000


@dataclass(frozen=True)
class JobSummary:
    """A job. `--json` prints its fields; unknown values are None.

    Attributes:
        id: Id of the job.
        status: Status of the job.
        model: Base model.
        suffix: Requested suffix of the model's name.
        method: Training method.
        created_at: Time of creation, in Unix seconds.
        finished_at: Time when the job ended, in Unix seconds.
        duration_seconds: Seconds from creation until the job ended, or until now if it has not ended.
        trained_tokens: Number of billed tokens.
        cost_usd: Cost of the trained tokens by the price in the catalog.
        train_loss: Last loss, only with `--loss`.
        fine_tuned_model: Name of the fine-tuned model.
    """

    id: str
    status: str
    model: str | None
    suffix: str | None
    method: str | None
    created_at: int | None
    finished_at: int | None
    duration_seconds: int | None
    trained_tokens: int | None
    cost_usd: float | None
    train_loss: float | None
    fine_tuned_model: str | None

    @classmethod
    def of(
        cls, job: Job, *, catalog: Catalog, profile: Profile, now: float, loss: float | None
    ) -> JobSummary:
        """Return the summary of a job.

        Args:
            job: The job.
            catalog: The catalog with the prices.
            profile: Profile of the service.
            now: The service's time, in Unix seconds.
            loss: Its last loss, if known.
        """
        return cls(
            id=job.id,
            status=job.status,
            model=job.model,
            suffix=job.requested_suffix,
            method=_method(job),
            created_at=job.created_at,
            finished_at=job.finished_at,
            duration_seconds=job.duration(now),
            trained_tokens=job.trained_tokens,
            cost_usd=_cost(job, catalog, profile),
            train_loss=loss,
            fine_tuned_model=job.fine_tuned_model,
        )


def _cost(job: Job, catalog: Catalog, profile: Profile) -> float | None:
    """Return the cost of the trained tokens. Reinforcement is billed by time."""
    entry = catalog.find(job.model) if job.model else None
    price = entry.training_price if entry and profile.bills_training else None
    is_billed_by_tokens = _method(job) != "reinforcement"
    if price is None or job.trained_tokens is None or not is_billed_by_tokens:
        return None
    return round(job.trained_tokens * price.value / TOKENS_PER_PRICE, 6)


def _method(job: Job) -> str | None:
    return job.method["type"] if job.method and "type" in job.method else None

"""The plan of a run: its options, its training data and its maximum price."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tools.record.recording import RecordingError

from pulumi_openai_ft.catalog import Catalog

if TYPE_CHECKING:
    from pulumi_openai_ft._settings import Settings

ROWS = 10
MAX_CREATED_JOBS = 9
"""Requests that create a job, without the trained one. The service should refuse all but one of them."""
DEFAULT_MODELS = {"openai": "gpt-4.1-mini-2025-04-14", "azure": "gpt-4.1-mini-2025-04-14"}
DEFAULT_EXTRA_BODY = {"azure": {"trainingType": "globalstandard"}}
_MILLION = 1_000_000


@dataclass(frozen=True)
class Plan:
    """The options of a run.

    Attributes:
        service: Name of the service's profile.
        model: Base model of the jobs.
        train: Whether one job is trained to its end.
        project: Id of the project that receives a permission for the trained model.
        admin: Whether an admin key is set.
        extra_body: Additional fields of each job.
        token: Distinguishes this run's files and jobs from all others.
    """

    service: str
    model: str
    train: bool
    project: str | None
    admin: bool
    extra_body: dict[str, Any]
    token: str

    @property
    def options(self) -> dict[str, Any]:
        """Return the options that change the sequence, for the recording."""
        return {
            "train": self.train,
            "admin": self.admin,
            "grants": self.train and self.admin and self.project is not None,
            "extra_body": self.extra_body,
        }

    @property
    def filename(self) -> str:
        """Return the name of the training file."""
        return f"recording-{self.token}.jsonl"

    def max_tokens(self) -> int:
        """Return an upper bound of the trained tokens: one for each byte of each job that might be created.

        Every job requests a single epoch.
        """
        jobs = MAX_CREATED_JOBS + self.train
        return jobs * len(training_data())

    def max_price(self, price: float) -> float:
        """Return the maximum price in USD, if every job were trained to its end.

        Args:
            price: USD per million trained tokens.
        """
        return self.max_tokens() * price / _MILLION


def training_data() -> bytes:
    """Return ten supervised examples."""
    rows = (
        {
            "messages": [
                {"role": "system", "content": "You answer questions about a library."},
                {"role": "user", "content": f"Question {number}: when does the library open?"},
                {"role": "assistant", "content": f"Answer {number}: it opens at nine o'clock."},
            ]
        }
        for number in range(1, ROWS + 1)
    )
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


def price_per_million(settings: Settings, model: str, given: float | None) -> float:
    """Return the price in USD per million trained tokens, from the option or the catalog.

    Raises:
        RecordingError: The catalog has no price.
    """
    if given is not None:
        return given
    entry = Catalog.load(service=settings.profile.name).find(model)
    if entry is None or entry.training_price is None:
        raise RecordingError(
            f"the catalog has no training price of {model!r} at {settings.profile.name!r}: "
            f"pass --price with the service's price in USD per million tokens"
        )
    return entry.training_price.value

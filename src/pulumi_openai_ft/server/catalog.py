"""The base models of a service."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True)
class BaseModel:
    """A base model at one service: its dated id, its aliases, and the confirmed facts. An unknown fact is None.

    `more` contains additional fields of the model's object in the API, and `more_of_tuned` those of the objects of models
    that are fine-tuned from it.
    """

    id: str
    aliases: tuple[str, ...] = ()
    methods: tuple[str, ...] | None = None
    context_length: int | None = None
    no_new_jobs_from: date | None = None
    shutdown_date: date | None = None
    more: Mapping[str, Any] = field(default_factory=dict)
    more_of_tuned: Mapping[str, Any] = field(default_factory=dict)

    def created(self) -> int:
        """Return the Unix seconds of the date in the model's id, or 0 if the id has no date."""
        found = re.search(r"\d{4}-\d{2}-\d{2}$", self.id)
        return int(datetime.fromisoformat(found[0]).replace(tzinfo=UTC).timestamp()) if found else 0

    def is_shut_down(self, today: date) -> bool:
        """Return whether the service has shut down the model and the models that are fine-tuned from it."""
        return _has_come(self.shutdown_date, today)

    def takes_no_jobs(self, today: date) -> bool:
        """Return whether the model supports no method, or accepts no new jobs on a date."""
        return self.methods == () or _has_come(self.no_new_jobs_from, today)

    def is_known_unsupported(self, method: str) -> bool:
        """Return whether a source confirms that the model does not support a method."""
        return self.methods is not None and method not in self.methods


class Catalog:
    """The base models of a service, by id or alias."""

    def __init__(self, models: Iterable[BaseModel], no_new_jobs_from: date | None = None) -> None:
        self.models: list[BaseModel] = list(models)
        self._no_new_jobs_from = no_new_jobs_from
        self._by_name = {name: model for model in self.models for name in (model.id, *model.aliases)}

    def find(self, name: str) -> BaseModel | None:
        """Return the model with this id or alias, or None."""
        return self._by_name.get(name)

    def takes_no_jobs(self, today: date) -> bool:
        """Return whether the service has closed fine-tuning to everyone."""
        return _has_come(self._no_new_jobs_from, today)


def _has_come(day: date | None, today: date) -> bool:
    return day is not None and day <= today

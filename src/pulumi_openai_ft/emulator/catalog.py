"""The base models of the emulated service, from `catalogue.json`."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.resources import files


@dataclass(frozen=True)
class BaseModel:
    """A base model.

    Attributes:
        id: Dated id.
        aliases: Other names of the model.
        methods: Supported fine-tuning methods.
        shutdown_date: Date of the shutdown, if known.
        unsure: Names of the fields that no source confirms. Unconfirmed methods never reject a job.
    """

    id: str
    aliases: tuple[str, ...]
    methods: tuple[str, ...]
    shutdown_date: date | None
    unsure: tuple[str, ...] = ()

    def created(self) -> int:
        """Return the Unix seconds of the date in the model's id, or 0 if the id has no date."""
        found = re.search(r"\d{4}-\d{2}-\d{2}$", self.id)
        return int(datetime.fromisoformat(found[0]).replace(tzinfo=UTC).timestamp()) if found else 0

    def is_shut_down(self, today: date) -> bool:
        """Return whether the model is shut down on a date."""
        return self.shutdown_date is not None and self.shutdown_date <= today

    def is_known_unsupported(self, method: str) -> bool:
        """Return whether a source confirms that the model does not support a method."""
        return method not in self.methods and "methods" not in self.unsure


class Catalogue:
    """All base models, by id or alias."""

    def __init__(self, models: list[BaseModel]) -> None:
        self.models = models
        self._by_name = {name: model for model in models for name in (model.id, *model.aliases)}

    def find(self, name: str) -> BaseModel | None:
        """Return the model with this id or alias, or None."""
        return self._by_name.get(name)


def load_catalogue() -> Catalogue:
    """Load the catalog of the package."""
    content = json.loads(files(__package__).joinpath("catalogue.json").read_text("utf-8"))
    return Catalogue([_base_model(entry) for entry in content["models"]])


def _base_model(entry: dict[str, object]) -> BaseModel:
    shutdown = entry["shutdown_date"]
    return BaseModel(
        id=str(entry["id"]),
        aliases=_names(entry["aliases"]),
        methods=_names(entry["methods"]),
        shutdown_date=None if shutdown is None else date.fromisoformat(str(shutdown)),
        unsure=_names(entry.get("unsure", [])),
    )


def _names(value: object) -> tuple[str, ...]:
    assert isinstance(value, list)
    return tuple(str(name) for name in value)

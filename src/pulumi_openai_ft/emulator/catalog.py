"""The base models of the emulated service.

The facts are those of the package's `catalog.json`. Only the data is shared: this reader belongs to the emulator, like
its rules. It reads only confirmed facts, so that the emulator never refuses a job because of an unconfirmed fact.
"""

from __future__ import annotations

import json
from datetime import date
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft.server.catalog import BaseModel, Catalog

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@cache
def load_catalog(service: str) -> Catalog:
    """Load the base models of a service of the catalog."""
    data = json.loads(files("pulumi_openai_ft").joinpath("catalog.json").read_text("utf-8"))
    models = (
        _base_model(id_, model["aliases"], model[service])
        for id_, model in data["models"].items()
        if service in model
    )
    return Catalog(models, _date(data["services"][service]["facts"], "no_new_jobs_from"))


def _base_model(id_: str, aliases: Iterable[str], facts: Mapping[str, Any]) -> BaseModel:
    methods = _confirmed(facts, "methods")
    return BaseModel(
        id_,
        tuple(aliases),
        methods=None if methods is None else tuple(methods),
        context_length=_confirmed(facts, "context_length"),
        no_new_jobs_from=_date(facts, "no_new_jobs_from"),
        shutdown_date=_date(facts, "shutdown_date"),
    )


def _confirmed(facts: Mapping[str, Any], name: str) -> Any:
    fact = facts.get(name)
    return fact["value"] if fact and fact["sure"] else None


def _date(facts: Mapping[str, Any], name: str) -> date | None:
    value = _confirmed(facts, name)
    return None if value is None else date.fromisoformat(value)

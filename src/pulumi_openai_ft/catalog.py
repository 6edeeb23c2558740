"""The base models that can be fine-tuned: methods, lengths, endings, prices.

The facts lie in `catalog.json`, each with its source, its day and whether it is confirmed. They hold for one service:
what OpenAI closes, Azure may go on serving. Users correct them in the configuration. Nothing here refuses a model;
policies may.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._catalog_facts import (
    CONFIGURED,
    METHODS,
    Facts,
    Figure,
    InferencePrices,
    Price,
    corrected,
    shown,
)
from pulumi_openai_ft.errors import SettingsError

if TYPE_CHECKING:
    from datetime import date

__all__ = [
    "METHODS",
    "Catalog",
    "Entry",
    "Facts",
    "Figure",
    "InferencePrices",
    "Price",
    "Service",
    "warnings",
]

_DATA = Path(__file__).with_name("catalog.json")
_ELSEWHERE = "another service by openai-ft:baseUrl"
_FINE_TUNED = re.compile(r"ft:([^:]+)(?::.*)?|(.+?)\.ft-.+", re.DOTALL)


@dataclass(frozen=True)
class Entry:
    """A base model at the catalogue's service.

    Attributes:
        id: The model's own id, dated where its maker dates it.
        aliases: Other names that the service takes for it.
        facts: What is known, each figure with its source.
    """

    id: str
    aliases: tuple[str, ...] = ()
    facts: Facts = field(default_factory=Facts)

    @property
    def methods(self) -> frozenset[str]:
        """Methods that are said to work, of `METHODS`; `surely_lacks` tells which do not."""
        return frozenset() if self.facts.methods is None else self.facts.methods.value

    @property
    def context_length(self) -> int | None:
        """Tokens of a training row; what is longer is cut at its end."""
        return None if self.facts.context_length is None else self.facts.context_length.value

    @property
    def shutdown_date(self) -> date | None:
        """First day on which the service runs the model, and what is fine-tuned from it, no longer."""
        return None if self.facts.shutdown_date is None else self.facts.shutdown_date.value

    @property
    def training_price(self) -> Price | None:
        """USD per million tokens, counted over all epochs."""
        return self.facts.training_price

    @property
    def training_price_per_hour(self) -> Price | None:
        """USD per hour of core training, for reinforcement."""
        return self.facts.training_price_per_hour

    def is_shut_down(self, today: date) -> bool:
        """Whether the day of its shutdown has come."""
        return self.shutdown_date is not None and self.shutdown_date <= today

    def surely_lacks(self, method: str) -> bool:
        """Whether it is confirmed that the model cannot be trained by this method."""
        known = self.facts.methods
        return known is not None and known.sure and method not in known.value


@dataclass(frozen=True)
class Service:
    """A service whose models the catalogue lists.

    Attributes:
        title: Its name for people.
        facts: What holds for all its models, where a model has no fact of its own: `no_new_jobs_from`.
    """

    title: str
    facts: Facts


@dataclass(frozen=True)
class Catalog:
    """The base models of one service.

    Attributes:
        service: The service, or None where the catalogue lists no model of it: then it holds only the user's.
        entries: The models by id.
    """

    service: Service | None
    entries: Mapping[str, Entry]

    @classmethod
    def load(cls, overrides: Mapping[str, Any] | None = None, *, service: str = "openai") -> Catalog:
        """Reads the catalogue that comes with the package, corrected by the user.

        Args:
            overrides: What `openai-ft:catalog` holds: for each model, known or new, an object of `aliases` and of
                `Facts`. A plain value will do for a figure; null takes a fact away.
            service: The profile of the service that gets the jobs; facts of other services are left out.

        Raises:
            SettingsError: The overrides are malformed; faults are named by their paths, with what to write instead.
        """
        data = json.loads(_DATA.read_text("utf-8"))
        sources, known = data["sources"], data["services"].get(service)
        catalog = cls(
            known and Service(known["title"], corrected(Facts(), known["facts"], service, sources)),
            {
                id_: Entry(id_, tuple(model["aliases"]), corrected(Facts(), model[service], id_, sources))
                for id_, model in data["models"].items()
                if service in model
            },
        )
        return catalog if overrides is None else replace(catalog, entries=_overridden(catalog, overrides))

    def models(self) -> tuple[Entry, ...]:
        """All models, by id."""
        return tuple(entry for _, entry in sorted(self.entries.items()))

    def find(self, model: str) -> Entry | None:
        """The base model that a name stands for, or None.

        Takes ids, aliases, `ft:<base>:<org>:<suffix>:<id>` with or without `:ckpt-step-<n>`, and Azure's
        `<base>.ft-<job>`. A date that is not in the catalogue makes another model, with facts of its own.
        """
        return self.named(model) or self.named(_base(model))

    def closing(self, entry: Entry | None) -> Figure[date] | None:
        """First day on which no job can be created: what is said of the model, else what is said of its service."""
        own = entry.facts.no_new_jobs_from if entry else None
        return own or (self.service.facts.no_new_jobs_from if self.service else None)

    def named(self, name: str) -> Entry | None:
        """The model with this id or alias."""
        by_alias = (entry for entry in self.entries.values() if name in entry.aliases)
        return self.entries.get(name) or next(by_alias, None)


def warnings(catalog: Catalog, model: str, method: str, *, today: date, days: int = 60) -> list[str]:
    """What a person should know before a job is created, a sentence each; nothing of it forbids the job.

    Args:
        catalog: The catalogue of the service that gets the job.
        model: The job's model.
        method: The job's method, of `METHODS`.
        today: The day on which the job would be created.
        days: How many days before an ending it is told.
    """
    entry = catalog.find(model)
    if entry is None:
        told = [_unknown(catalog, model), _closing(catalog, None, today, days)]
    else:
        told = [
            _without_method(catalog, entry, method),
            _shutting_down(catalog, entry, today, days),
            None if entry.is_shut_down(today) else _closing(catalog, entry, today, days),
        ]
    return [sentence for sentence in told if sentence]


def _base(model: str) -> str:
    match = _FINE_TUNED.fullmatch(model)
    return (match[1] or match[2]) if match else model


def _overridden(catalog: Catalog, overrides: Mapping[str, Any]) -> dict[str, Entry]:
    if not isinstance(overrides, Mapping):
        raise SettingsError(
            f"{CONFIGURED} is {shown(overrides)}: write an object with a member for each model"
        )
    mine: dict[str, Entry] = {}
    problems: list[str] = []
    for name, given in overrides.items():
        entry = catalog.named(name) or Entry(name)
        try:
            mine[entry.id] = _redescribed(
                mine.get(entry.id, entry), given, f"{CONFIGURED}[{json.dumps(name)}]"
            )
        except SettingsError as error:
            problems.append(str(error))
    if problems:
        raise SettingsError("; ".join(problems))
    return mine | {id_: entry for id_, entry in catalog.entries.items() if id_ not in mine}


def _redescribed(entry: Entry, given: Any, path: str) -> Entry:
    if not isinstance(given, Mapping):
        raise SettingsError(f"{path} is {shown(given)}: write an object such as {{training_price: 25.0}}")
    aliases = given.get("aliases", [])
    if not isinstance(aliases, list) or not all(isinstance(alias, str) for alias in aliases):
        raise SettingsError(f"{path}.aliases is {shown(aliases)}: write a list of names")
    facts = {name: value for name, value in given.items() if name != "aliases"}
    return Entry(entry.id, (*entry.aliases, *aliases), corrected(entry.facts, facts, path, {}))


def _unknown(catalog: Catalog, model: str) -> str | None:
    """Where the catalogue lists no models, it says nothing that a model is not in it."""
    if catalog.service is None:
        return None
    return (
        f"the catalogue has no model {model!r} of {catalog.service.title}: check the spelling, or describe the model "
        f"in {CONFIGURED}"
    )


def _without_method(catalog: Catalog, entry: Entry, method: str) -> str | None:
    if not entry.surely_lacks(method):
        return None
    how = f"by {method}, only by {' and '.join(sorted(entry.methods))}" if entry.methods else "by any method"
    return (
        f"{_title(catalog)} does not train {entry.id} {how} ({entry.facts.methods}): choose "
        f"{'another method, ' if entry.methods else ''}another model, or {_ELSEWHERE}"
    )


def _shutting_down(catalog: Catalog, entry: Entry, today: date, days: int) -> str | None:
    when = _when(entry.facts.shutdown_date, today, days)
    if when is None:
        return None
    way_out = f"choose another model, or {_ELSEWHERE}"
    if entry.is_shut_down(today):
        return f"{_title(catalog)} shut {entry.id} down on {when}: {way_out}"
    return f"{_title(catalog)} shuts {entry.id} and what is fine-tuned from it down on {when}: {way_out}"


def _closing(catalog: Catalog, entry: Entry | None, today: date, days: int) -> str | None:
    ending = catalog.closing(entry)
    when = _when(ending, today, days)
    if ending is None or when is None:
        return None
    own = entry if entry and entry.facts.no_new_jobs_from else None
    jobs = f"no new jobs on {own.id}" if own else "no new fine-tuning jobs"
    way_out = f"choose {'another model, or ' if own else ''}{_ELSEWHERE}"
    if ending.value <= today:
        return f"{_title(catalog)} has taken {jobs} since {when}: {way_out}"
    return f"{_title(catalog)} takes {jobs} from {when}: create the job before, or {way_out}"


def _when(ending: Figure[date] | None, today: date, days: int) -> str | None:
    """A day and its source as a sentence tells them, where the day is near or past."""
    if ending is None or (left := (ending.value - today).days) > days:
        return None
    ahead = f", in {left} day{'' if left == 1 else 's'}" if left > 0 else ""
    return f"{ending.value}{ahead} ({ending})"


def _title(catalog: Catalog) -> str:
    return catalog.service.title if catalog.service else "the service"

"""The base models that can be fine-tuned: methods, lengths, endings, prices.

The facts lie in `catalog.json`, each with its source, its day and whether it is confirmed. They hold for one service:
what OpenAI closes, Azure may go on serving. Users correct them in the configuration. Nothing here refuses a model;
policies may.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeAlias, TypeVar

from pulumi_openai_ft._shared.api_limits import METHODS
from pulumi_openai_ft.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "METHODS",
    "Catalog",
    "Facts",
    "InferencePrices",
    "ModelEntry",
    "Price",
    "Service",
    "Sourced",
    "warnings",
]

_DATA = Path(__file__).with_name("catalog.json")
_USE_OTHER_SERVICE = "another service by openai-ft:baseUrl"
_FINE_TUNED = re.compile(r"ft:([^:]+)(?::.*)?|(.+?)\.ft-.+", re.DOTALL)


OVERRIDES_KEY = "openai-ft:catalog"
"""Where users correct the catalogue; the source of what they say."""

_LONGEST_VALUE = 80

Value_co = TypeVar("Value_co", covariant=True)


@dataclass(frozen=True)
class Sourced(Generic[Value_co]):
    """One fact and where it comes from; its text is its origin.

    Attributes:
        value: The fact itself.
        source: Where it stands, for people to look it up.
        as_of: Day of the source, as near as it can be told and never later; None for what the user configured.
        sure: Whether it is confirmed. Nothing should be refused because of a fact that is not.
    """

    value: Value_co
    source: str
    as_of: date | None = None
    confirmed: bool = True

    def __str__(self) -> str:
        dated = self.source if self.as_of is None else f"{self.source}, {self.as_of}"
        return dated if self.confirmed else f"{dated}, not confirmed"


Price: TypeAlias = Sourced[float]
"""A price in USD; the attribute that holds it says for what."""


class InferencePrices(NamedTuple):
    """What a fine-tuned model costs in use, in USD per million tokens."""

    input: float
    output: float
    cached_input: float | None = None


def _methods(value: Any) -> frozenset[str]:
    if not isinstance(value, list) or not all(method in METHODS for method in value):
        raise ValueError
    return frozenset(value)


def _usd(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ValueError
    return float(value)


def _tokens(value: Any) -> int:
    if not _usd(value).is_integer() or value == 0:
        raise ValueError
    return int(value)


def _day(value: Any) -> date:
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
        raise ValueError
    return date.fromisoformat(value)


def _prices(value: Any) -> InferencePrices:
    if not isinstance(value, Mapping):
        raise TypeError
    return InferencePrices(**{name: _usd(price) for name, price in value.items()})


def _read_by(read: Callable[[Any], object], expected: str) -> dict[str, Any]:
    return {"read": read, "expected": expected}


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of a model at one service; None where nothing is.

    Attributes:
        methods: The methods by which it can be trained there, of `METHODS`.
        context_length: Tokens of a training row; what is longer is cut at its end.
        no_new_jobs_from: First day on which no job can be created any more, where that is said of the model itself.
        shutdown_date: First day on which the service runs the model, and what is fine-tuned from it, no longer.
        training_price: USD per million tokens, counted over all epochs.
        training_price_per_hour: USD per hour of core training (reinforcement), billed by the second.
        inference_prices: What models fine-tuned from it cost in use.
    """

    methods: Sourced[frozenset[str]] | None = field(
        default=None, metadata=_read_by(_methods, f"a list with any of {', '.join(METHODS)}")
    )
    context_length: Sourced[int] | None = field(
        default=None, metadata=_read_by(_tokens, "a whole number of tokens such as 65536")
    )
    no_new_jobs_from: Sourced[date] | None = field(
        default=None, metadata=_read_by(_day, "a date such as 2027-01-06")
    )
    shutdown_date: Sourced[date] | None = field(
        default=None, metadata=_read_by(_day, "a date such as 2027-01-14")
    )
    training_price: Price | None = field(
        default=None, metadata=_read_by(_usd, "USD per million tokens such as 25.0")
    )
    training_price_per_hour: Price | None = field(
        default=None, metadata=_read_by(_usd, "USD per hour such as 100.0")
    )
    inference_prices: Sourced[InferencePrices] | None = field(
        default=None,
        metadata=_read_by(_prices, "an object of input, output and cached_input, USD per million tokens"),
    )


_READERS = {item.name: item.metadata["read"] for item in fields(Facts)}
_EXPECTED = {item.name: item.metadata["expected"] for item in fields(Facts)}


def with_overrides(facts: Facts, given: Mapping[str, Any], path: str, sources: Mapping[str, str]) -> Facts:
    """Facts, with what JSON says of some of them in their place.

    Args:
        facts: What was known before.
        given: A value, or an object of value, source, as_of and sure, for each name; null takes a fact away.
        path: Where `given` stands, for messages.
        sources: Texts of the sources' short keys; a source that is no key stands for itself.

    Raises:
        SettingsError: Names all that is wrong, and what to write.
    """
    figures, problems = {}, []
    for name, value in given.items():
        try:
            figures[name] = _figure(name, value, sources)
        except (KeyError, OverflowError, TypeError, ValueError):
            problems.append(f"{path}.{name} {_fault(name, value)}")
    if problems:
        raise SettingsError("; ".join(problems))
    return replace(facts, **figures)


def truncated_repr(value: Any) -> str:
    """A value as a message shows it, cut where it is long."""
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def _figure(name: str, given: Any, sources: Mapping[str, str]) -> Sourced[Any] | None:
    read = _READERS[name]
    if given is None:
        return None
    return _detailed(read, sources, **given) if _is_detailed(given) else Sourced(read(given), OVERRIDES_KEY)


def _detailed(
    read: Callable[[Any], Any],
    sources: Mapping[str, str],
    *,
    value: Any,
    source: str = OVERRIDES_KEY,
    as_of: str | None = None,
    sure: bool = True,
) -> Sourced[Any]:
    if not isinstance(source, str) or not isinstance(sure, bool):
        raise TypeError
    return Sourced(read(value), sources.get(source, source), None if as_of is None else _day(as_of), sure)


def _is_detailed(given: Any) -> bool:
    return isinstance(given, Mapping) and "value" in given


def _fault(name: str, given: Any) -> str:
    if name not in _EXPECTED:
        return f"is not known: write one of aliases, {', '.join(_EXPECTED)}"
    form = (
        "an object of value, source, as_of (a date), sure (true or false), the value "
        if _is_detailed(given)
        else ""
    )
    return f"is {truncated_repr(given)}: write {form}{_EXPECTED[name]}"


@dataclass(frozen=True)
class ModelEntry:
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

    def is_known_unsupported(self, method: str) -> bool:
        """Whether it is confirmed that the model cannot be trained by this method."""
        known = self.facts.methods
        return known is not None and known.confirmed and method not in known.value


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
    entries: Mapping[str, ModelEntry]

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
            known and Service(known["title"], with_overrides(Facts(), known["facts"], service, sources)),
            {
                id_: ModelEntry(
                    id_, tuple(model["aliases"]), with_overrides(Facts(), model[service], id_, sources)
                )
                for id_, model in data["models"].items()
                if service in model
            },
        )
        return catalog if overrides is None else replace(catalog, entries=_overridden(catalog, overrides))

    def models(self) -> tuple[ModelEntry, ...]:
        """All models, by id."""
        return tuple(entry for _, entry in sorted(self.entries.items()))

    def find(self, model: str) -> ModelEntry | None:
        """The base model that a name stands for, or None.

        Takes ids, aliases, `ft:<base>:<org>:<suffix>:<id>` with or without `:ckpt-step-<n>`, and Azure's
        `<base>.ft-<job>`. A date that is not in the catalogue makes another model, with facts of its own.
        """
        return self.get(model) or self.get(_base(model))

    def no_new_jobs_from(self, entry: ModelEntry | None) -> Sourced[date] | None:
        """First day on which no job can be created: what is said of the model, else what is said of its service."""
        own = entry.facts.no_new_jobs_from if entry else None
        return own or (self.service.facts.no_new_jobs_from if self.service else None)

    def get(self, name: str) -> ModelEntry | None:
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


def _overridden(catalog: Catalog, overrides: Mapping[str, Any]) -> dict[str, ModelEntry]:
    if not isinstance(overrides, Mapping):
        raise SettingsError(
            f"{OVERRIDES_KEY} is {truncated_repr(overrides)}: write an object with a member for each model"
        )
    mine: dict[str, ModelEntry] = {}
    problems: list[str] = []
    for name, given in overrides.items():
        entry = catalog.get(name) or ModelEntry(name)
        try:
            mine[entry.id] = _redescribed(
                mine.get(entry.id, entry), given, f"{OVERRIDES_KEY}[{json.dumps(name)}]"
            )
        except SettingsError as error:
            problems.append(str(error))
    if problems:
        raise SettingsError("; ".join(problems))
    return mine | {id_: entry for id_, entry in catalog.entries.items() if id_ not in mine}


def _redescribed(entry: ModelEntry, given: Any, path: str) -> ModelEntry:
    if not isinstance(given, Mapping):
        raise SettingsError(
            f"{path} is {truncated_repr(given)}: write an object such as {{training_price: 25.0}}"
        )
    aliases = given.get("aliases", [])
    if not isinstance(aliases, list) or not all(isinstance(alias, str) for alias in aliases):
        raise SettingsError(f"{path}.aliases is {truncated_repr(aliases)}: write a list of names")
    facts = {name: value for name, value in given.items() if name != "aliases"}
    return ModelEntry(entry.id, (*entry.aliases, *aliases), with_overrides(entry.facts, facts, path, {}))


def _unknown(catalog: Catalog, model: str) -> str | None:
    """Where the catalogue lists no models, it says nothing that a model is not in it."""
    if catalog.service is None:
        return None
    return (
        f"the catalogue has no model {model!r} of {catalog.service.title}: check the spelling, or describe the model "
        f"in {OVERRIDES_KEY}"
    )


def _without_method(catalog: Catalog, entry: ModelEntry, method: str) -> str | None:
    if not entry.is_known_unsupported(method):
        return None
    how = f"by {method}, only by {' and '.join(sorted(entry.methods))}" if entry.methods else "by any method"
    return (
        f"{_title(catalog)} does not train {entry.id} {how} ({entry.facts.methods}): choose "
        f"{'another method, ' if entry.methods else ''}another model, or {_USE_OTHER_SERVICE}"
    )


def _shutting_down(catalog: Catalog, entry: ModelEntry, today: date, days: int) -> str | None:
    when = _when(entry.facts.shutdown_date, today, days)
    if when is None:
        return None
    way_out = f"choose another model, or {_USE_OTHER_SERVICE}"
    if entry.is_shut_down(today):
        return f"{_title(catalog)} shut {entry.id} down on {when}: {way_out}"
    return f"{_title(catalog)} shuts {entry.id} and what is fine-tuned from it down on {when}: {way_out}"


def _closing(catalog: Catalog, entry: ModelEntry | None, today: date, days: int) -> str | None:
    ending = catalog.no_new_jobs_from(entry)
    when = _when(ending, today, days)
    if ending is None or when is None:
        return None
    own = entry if entry and entry.facts.no_new_jobs_from else None
    jobs = f"no new jobs on {own.id}" if own else "no new fine-tuning jobs"
    way_out = f"choose {'another model, or ' if own else ''}{_USE_OTHER_SERVICE}"
    if ending.value <= today:
        return f"{_title(catalog)} has taken {jobs} since {when}: {way_out}"
    return f"{_title(catalog)} takes {jobs} from {when}: create the job before, or {way_out}"


def _when(ending: Sourced[date] | None, today: date, days: int) -> str | None:
    """A day and its source as a sentence tells them, where the day is near or past."""
    if ending is None or (left := (ending.value - today).days) > days:
        return None
    ahead = f", in {left} day{'' if left == 1 else 's'}" if left > 0 else ""
    return f"{ending.value}{ahead} ({ending})"


def _title(catalog: Catalog) -> str:
    return catalog.service.title if catalog.service else "the service"

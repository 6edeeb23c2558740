"""The catalog of base models that can be fine-tuned: methods, context lengths, shutdown dates, prices.

`catalog.json` stores each fact with its source, its date, and whether it is confirmed. A fact applies to a single
service: Azure may continue to serve a model that OpenAI has shut down. You can correct the catalog in the stack
configuration. Previews only warn about a model. The policies reject models by the catalog's confirmed facts, and at
OpenAI itself models that the catalog does not contain.
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
from pulumi_openai_ft._shared.docs_links import MODEL_CATALOG, SHUTDOWN, docs_link
from pulumi_openai_ft._shared.suggestions import did_you_mean
from pulumi_openai_ft.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "METHODS",
    "Catalog",
    "Facts",
    "InferencePrices",
    "ModelEntry",
    "ModelWarning",
    "Price",
    "Service",
    "Sourced",
    "base_model",
    "model_warnings",
    "vision_warning",
    "warnings",
]

_DATA = Path(__file__).with_name("catalog.json")
_USE_OTHER_SERVICE = "another service (openai-ft:baseUrl)"
_FINE_TUNED = re.compile(r"ft:([^:]+)(?::.*)?|(.+?)\.ft-.+", re.DOTALL)


OVERRIDES_KEY = "openai-ft:catalog"
"""Configuration key with the user's corrections of the catalog. It is also the source of the corrected facts."""

_LONGEST_VALUE = 80
_SIMILAR_MODEL = 0.7
"""Least similarity of a suggested model. The names of models have long common parts."""

Value_co = TypeVar("Value_co", covariant=True)


@dataclass(frozen=True)
class Sourced(Generic[Value_co]):
    """A fact and its source. `str()` returns the source, the date, and whether the fact is confirmed.

    Attributes:
        value: The fact.
        source: The source, for readers.
        as_of: Date of the source. If the exact date is unknown, it is an earlier date. None for configured facts.
        confirmed: Whether the fact is confirmed. Do not reject a model because of an unconfirmed fact.
    """

    value: Value_co
    source: str
    as_of: date | None = None
    confirmed: bool = True

    def __str__(self) -> str:
        dated = self.source if self.as_of is None else f"{self.source}, {self.as_of}"
        return dated if self.confirmed else f"{dated}, not confirmed"


Price: TypeAlias = Sourced[float]
"""A price in USD. The attribute's documentation names the unit that is priced."""


class InferencePrices(NamedTuple):
    """Prices of using a fine-tuned model, in USD per million tokens."""

    input: float
    output: float
    cached_input: float | None = None


def _methods(value: Any) -> frozenset[str]:
    if not isinstance(value, list) or not all(method in METHODS for method in value):
        raise ValueError
    return frozenset(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


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
    """Facts about a base model at a service. Unknown facts are None.

    Attributes:
        methods: Training methods of the model, from `METHODS`.
        context_length: Maximum number of tokens of a training example. Longer examples are truncated at the end.
        no_new_jobs_from: First day on which jobs can no longer be created for this model.
        shutdown_date: First day on which the model and the models fine-tuned from it are no longer available.
        vision: Whether the model can be trained on images.
        training_price: USD per million trained tokens, counted over all epochs.
        training_price_per_hour: USD per hour of core training (reinforcement), billed by the second.
        inference_prices: Prices of using models fine-tuned from this model.
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
    vision: Sourced[bool] | None = field(default=None, metadata=_read_by(_flag, "true or false"))
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
    """Return the facts with some of them replaced by JSON values.

    Args:
        facts: The original facts.
        given: For each name, a value, or an object of `value`, `source`, `as_of` and `sure`. Null removes a fact.
        path: Path of `given`, for error messages.
        sources: Descriptions of the sources by key. A source that is not a key is used as the description.

    Raises:
        SettingsError: Some values are invalid. The message lists all of them and the expected values.
    """
    replaced, problems = {}, []
    for name, value in given.items():
        try:
            replaced[name] = _fact(name, value, sources)
        except (KeyError, OverflowError, TypeError, ValueError):
            problems.append(f"{path}.{name} {_fault(name, value)}")
    if problems:
        raise SettingsError("; ".join(problems))
    return replace(facts, **replaced)


def truncated_repr(value: Any) -> str:
    """Return the `repr` of a value, truncated for messages."""
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def _fact(name: str, given: Any, sources: Mapping[str, str]) -> Sourced[Any] | None:
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
        return f"is an unknown property: use aliases, {', '.join(_EXPECTED)}{did_you_mean(name, ('aliases', *_EXPECTED))}"
    form = (
        "an object of value, source, as_of (a date), sure (true or false), and value must be "
        if _is_detailed(given)
        else ""
    )
    return f"is {truncated_repr(given)}: must be {form}{_EXPECTED[name]}"


@dataclass(frozen=True)
class ModelEntry:
    """A base model in the catalog.

    Attributes:
        id: Id of the model, with its date if it has one.
        aliases: Other names of the model at the service.
        facts: Facts about the model, with their sources.
    """

    id: str
    aliases: tuple[str, ...] = ()
    facts: Facts = field(default_factory=Facts)

    @property
    def methods(self) -> frozenset[str]:
        """Training methods of the model, from `METHODS`. See `is_known_unsupported` for unsupported methods."""
        return frozenset() if self.facts.methods is None else self.facts.methods.value

    @property
    def context_length(self) -> int | None:
        """Maximum number of tokens of a training example. Longer examples are truncated at the end."""
        return None if self.facts.context_length is None else self.facts.context_length.value

    @property
    def shutdown_date(self) -> date | None:
        """First day on which the model and the models fine-tuned from it are no longer available."""
        return None if self.facts.shutdown_date is None else self.facts.shutdown_date.value

    @property
    def training_price(self) -> Price | None:
        """USD per million trained tokens, counted over all epochs."""
        return self.facts.training_price

    @property
    def training_price_per_hour(self) -> Price | None:
        """USD per hour of core training (reinforcement)."""
        return self.facts.training_price_per_hour

    def is_shut_down(self, today: date) -> bool:
        """Return whether the model's shutdown date has been reached."""
        return self.shutdown_date is not None and self.shutdown_date <= today

    def is_known_unsupported(self, method: str) -> bool:
        """Return whether it is confirmed that the model does not support a training method."""
        known = self.facts.methods
        return known is not None and known.confirmed and method not in known.value


@dataclass(frozen=True)
class Service:
    """A service whose models are in the catalog.

    Attributes:
        title: Display name.
        facts: Facts about all models of the service, unless a model has a different one: `no_new_jobs_from`.
    """

    title: str
    facts: Facts


@dataclass(frozen=True)
class Catalog:
    """The catalog of the base models of a service.

    Attributes:
        service: The service, or None if the catalog is empty or only contains models that the user configured.
        entries: Models by id.
    """

    service: Service | None
    entries: Mapping[str, ModelEntry]

    @classmethod
    def load(
        cls,
        overrides: Mapping[str, Any] | None = None,
        *,
        service: str = "openai",
        described: Mapping[str, Any] | None = None,
    ) -> Catalog:
        """Load the catalog of the package, with the user's corrections.

        Args:
            overrides: The setting `openai-ft:catalog`: for each model, known or new, an object of `aliases` and of
                `Facts`. A fact can be a value, or an object of `value`, `source`, `as_of` and `sure`. Null removes it.
            service: Name of the service's profile. Facts about other services are omitted.
            described: Base models as the service describes them, in the form of the overrides, which take precedence.

        Raises:
            SettingsError: The overrides are malformed. The message lists the paths and the expected values.
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
        for changes in (described, overrides):
            if changes is not None:
                catalog = replace(catalog, entries=_overridden(catalog, changes))
        return catalog if catalog.entries else replace(catalog, service=None)

    def models(self) -> tuple[ModelEntry, ...]:
        """Return all models, sorted by id."""
        return tuple(entry for _, entry in sorted(self.entries.items()))

    def find(self, model: str) -> ModelEntry | None:
        """Return the base model with a name, or the base model of a fine-tuned model. None if it is unknown.

        Args:
            model: An id, an alias, `ft:<base>:<org>:<suffix>:<id>` with or without `:ckpt-step-<n>`, or Azure's
                `<base>.ft-<job>`. An id with a date that is not in the catalog is unknown, because the facts may
                differ between dates.
        """
        return self.get(model) or self.get(base_model(model))

    def no_new_jobs_from(self, entry: ModelEntry | None) -> Sourced[date] | None:
        """Return the first day on which jobs can no longer be created for the model, or for any model of the service."""
        of_model = entry.facts.no_new_jobs_from if entry else None
        return of_model or (self.service.facts.no_new_jobs_from if self.service else None)

    def get(self, name: str) -> ModelEntry | None:
        """Return the model with an id or alias, or None."""
        by_alias = (entry for entry in self.entries.values() if name in entry.aliases)
        return self.entries.get(name) or next(by_alias, None)


@dataclass(frozen=True)
class ModelWarning:
    """A warning about a job's base model. `str()` returns it with its source and the next step.

    Attributes:
        statement: The fact that the warning is about.
        next_step: The solutions.
        fact: The fact with its source. None if the catalog does not contain the model.
        suggestion: The end of the message that suggests a similar name, or "".
        page: The page of the documentation that explains the warning.
    """

    statement: str
    next_step: str
    fact: Sourced[Any] | None = None
    suggestion: str = ""
    page: str = MODEL_CATALOG

    def __str__(self) -> str:
        source = f" ({self.fact})" if self.fact else ""
        return f"{self.statement}{source}: {self.next_step}{self.suggestion}"

    def brief(self) -> str:
        """Return the warning with a link in place of its source and the next step."""
        notes = [OVERRIDES_KEY] if self.fact and self.fact.source == OVERRIDES_KEY else []
        notes += ["not confirmed"] if self.fact and not self.fact.confirmed else []
        note = f" ({', '.join(notes)})" if notes else ""
        return f"{self.statement}{note}{self.suggestion or '.'} See {docs_link(self.page)}"


def warnings(catalog: Catalog, model: str, method: str, *, today: date, days: int = 60) -> list[str]:
    """Return the warnings about a job's base model. They do not prevent the job.

    See `model_warnings` for the arguments.
    """
    return [str(warning) for warning in model_warnings(catalog, model, method, today=today, days=days)]


def model_warnings(
    catalog: Catalog, model: str, method: str, *, today: date, days: int = 60
) -> list[ModelWarning]:
    """Return the warnings about a job's base model. They do not prevent the job.

    Args:
        catalog: The catalog of the job's service.
        model: The job's model.
        method: The job's method, from `METHODS`.
        today: The date on which the job would be created.
        days: Number of days before a date at which the warnings about it begin.
    """
    entry = catalog.find(model)
    if entry is None:
        found = [_unknown(catalog, model), _closing(catalog, None, today, days)]
    else:
        found = [
            _without_method(catalog, entry, method),
            _shutting_down(catalog, entry, today, days),
            None if entry.is_shut_down(today) else _closing(catalog, entry, today, days),
        ]
    return [warning for warning in found if warning]


def vision_warning(catalog: Catalog, model: str) -> ModelWarning | None:
    """Return a warning about training on images, or None if the model may support it."""
    entry = catalog.find(model)
    vision = entry.facts.vision if entry else None
    if entry is None or vision is None or vision.value:
        return None
    return ModelWarning(
        f"{_title(catalog)} does not support images in training data for {entry.id}",
        f"remove the examples with images, choose another model, or {_USE_OTHER_SERVICE}",
        vision,
    )


def base_model(model: str) -> str:
    """Return the name of the base model in the name of a fine-tuned model, or the name itself."""
    match = _FINE_TUNED.fullmatch(model)
    return (match[1] or match[2]) if match else model


def _overridden(catalog: Catalog, overrides: Mapping[str, Any]) -> dict[str, ModelEntry]:
    if not isinstance(overrides, Mapping):
        raise SettingsError(
            f"{OVERRIDES_KEY} is {truncated_repr(overrides)}: must be an object with a property for each model"
        )
    changed: dict[str, ModelEntry] = {}
    problems: list[str] = []
    for name, given in overrides.items():
        entry = catalog.get(name) or ModelEntry(name)
        try:
            changed[entry.id] = _entry_with_overrides(
                changed.get(entry.id, entry), given, f"{OVERRIDES_KEY}[{json.dumps(name)}]"
            )
        except SettingsError as error:
            problems.append(str(error))
    if problems:
        raise SettingsError("; ".join(problems))
    return changed | {id_: entry for id_, entry in catalog.entries.items() if id_ not in changed}


def _entry_with_overrides(entry: ModelEntry, given: Any, path: str) -> ModelEntry:
    if not isinstance(given, Mapping):
        raise SettingsError(
            f"{path} is {truncated_repr(given)}: must be an object such as {{training_price: 25.0}}"
        )
    aliases = given.get("aliases", [])
    if not isinstance(aliases, list) or not all(isinstance(alias, str) for alias in aliases):
        raise SettingsError(f"{path}.aliases is {truncated_repr(aliases)}: must be a list of names")
    facts = {name: value for name, value in given.items() if name != "aliases"}
    return ModelEntry(entry.id, (*entry.aliases, *aliases), with_overrides(entry.facts, facts, path, {}))


def _unknown(catalog: Catalog, model: str) -> ModelWarning | None:
    """Return a warning about a model that is not in the catalog, unless the catalog lacks the service altogether."""
    if catalog.service is None:
        return None
    return ModelWarning(
        f"the catalog has no model {model!r} of {catalog.service.title}",
        f"check the spelling, or add the model to {OVERRIDES_KEY}",
        suggestion=_similar(catalog, model),
    )


def _similar(catalog: Catalog, model: str) -> str:
    """Return a question that suggests the most similar name, or "" if none is similar."""
    names = [name for entry in catalog.models() for name in (entry.id, *entry.aliases)]
    return did_you_mean(base_model(model), names, _SIMILAR_MODEL)


def _without_method(catalog: Catalog, entry: ModelEntry, method: str) -> ModelWarning | None:
    if not entry.is_known_unsupported(method):
        return None
    unsupported = f"the method {method}" if entry.methods else "any training method"
    only = f", only {' and '.join(sorted(entry.methods))}" if entry.methods else ""
    return ModelWarning(
        f"{_title(catalog)} does not support {unsupported} for {entry.id}{only}",
        f"choose {'another method, ' if entry.methods else ''}another model, or {_USE_OTHER_SERVICE}",
        entry.facts.methods,
    )


def _shutting_down(catalog: Catalog, entry: ModelEntry, today: date, days: int) -> ModelWarning | None:
    ending = entry.facts.shutdown_date
    when = _when(ending, today, days)
    if when is None:
        return None
    statement = (
        f"{_title(catalog)} shut down {entry.id} on {when}"
        if entry.is_shut_down(today)
        else f"{_title(catalog)} shuts down {entry.id} and models fine-tuned from it on {when}"
    )
    next_step = f"choose another model, or {_USE_OTHER_SERVICE}"
    return ModelWarning(statement, next_step, ending, page=_page_about(ending))


def _closing(catalog: Catalog, entry: ModelEntry | None, today: date, days: int) -> ModelWarning | None:
    ending = catalog.no_new_jobs_from(entry)
    when = _when(ending, today, days)
    if ending is None or when is None:
        return None
    model = entry if entry and entry.facts.no_new_jobs_from else None
    jobs = f"no new jobs for {model.id}" if model else "no new fine-tuning jobs"
    next_step = f"choose {'another model, or ' if model else ''}{_USE_OTHER_SERVICE}"
    if ending.value <= today:
        statement = f"{_title(catalog)} has accepted {jobs} since {when}"
    else:
        statement = f"{_title(catalog)} accepts {jobs} from {when}"
        next_step = f"create the job before that date, or {next_step}"
    return ModelWarning(statement, next_step, ending, page=_page_about(ending))


def _page_about(ending: Sourced[date] | None) -> str:
    """Return the page that explains a date: that of OpenAI's shutdown, or the one about corrections of the catalog."""
    return MODEL_CATALOG if ending and ending.source == OVERRIDES_KEY else SHUTDOWN


def _when(ending: Sourced[date] | None, today: date, days: int) -> str | None:
    """Return a date as text, or None if the date is more than `days` days ahead."""
    if ending is None or (left := (ending.value - today).days) > days:
        return None
    ahead = f", in {left} day{'' if left == 1 else 's'}" if left > 0 else ""
    return f"{ending.value}{ahead}"


def _title(catalog: Catalog) -> str:
    return catalog.service.title if catalog.service else "the service"

"""What the catalogue can know of a model: each fact with its source, and how it is read from JSON."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeAlias, TypeVar

from pulumi_openai_ft.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

METHODS = ("supervised", "dpo", "reinforcement")
"""Kinds of training, as `method.type` of the API's create call names them."""
CONFIGURED = "openai-ft:catalog"
"""Where users correct the catalogue; the source of what they say."""

_LONGEST_VALUE = 80

Value_co = TypeVar("Value_co", covariant=True)


@dataclass(frozen=True)
class Figure(Generic[Value_co]):
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
    sure: bool = True

    def __str__(self) -> str:
        dated = self.source if self.as_of is None else f"{self.source}, {self.as_of}"
        return dated if self.sure else f"{dated}, not confirmed"


Price: TypeAlias = Figure[float]
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

    methods: Figure[frozenset[str]] | None = field(
        default=None, metadata=_read_by(_methods, f"a list with any of {', '.join(METHODS)}")
    )
    context_length: Figure[int] | None = field(
        default=None, metadata=_read_by(_tokens, "a whole number of tokens such as 65536")
    )
    no_new_jobs_from: Figure[date] | None = field(
        default=None, metadata=_read_by(_day, "a date such as 2027-01-06")
    )
    shutdown_date: Figure[date] | None = field(
        default=None, metadata=_read_by(_day, "a date such as 2027-01-14")
    )
    training_price: Price | None = field(
        default=None, metadata=_read_by(_usd, "USD per million tokens such as 25.0")
    )
    training_price_per_hour: Price | None = field(
        default=None, metadata=_read_by(_usd, "USD per hour such as 100.0")
    )
    inference_prices: Figure[InferencePrices] | None = field(
        default=None,
        metadata=_read_by(_prices, "an object of input, output and cached_input, USD per million tokens"),
    )


_READERS = {item.name: item.metadata["read"] for item in fields(Facts)}
_EXPECTED = {item.name: item.metadata["expected"] for item in fields(Facts)}


def corrected(facts: Facts, given: Mapping[str, Any], path: str, sources: Mapping[str, str]) -> Facts:
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


def shown(value: Any) -> str:
    """A value as a message shows it, cut where it is long."""
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def _figure(name: str, given: Any, sources: Mapping[str, str]) -> Figure[Any] | None:
    read = _READERS[name]
    if given is None:
        return None
    return _detailed(read, sources, **given) if _is_detailed(given) else Figure(read(given), CONFIGURED)


def _detailed(
    read: Callable[[Any], Any],
    sources: Mapping[str, str],
    *,
    value: Any,
    source: str = CONFIGURED,
    as_of: str | None = None,
    sure: bool = True,
) -> Figure[Any]:
    if not isinstance(source, str) or not isinstance(sure, bool):
        raise TypeError
    return Figure(read(value), sources.get(source, source), None if as_of is None else _day(as_of), sure)


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
    return f"is {shown(given)}: write {form}{_EXPECTED[name]}"

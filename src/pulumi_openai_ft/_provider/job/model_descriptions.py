"""Base models as a service describes them in `GET /models` (docs/self-hosting.md#models)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._shared.api_limits import METHODS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pulumi_openai_ft._client.objects import Model

_PROPERTY = "fine_tuning"
_SOURCE = "the service's list of models"


def described_models(models: Iterable[Model]) -> dict[str, dict[str, Any]]:
    """Return the base models in a list of models, in the form of the setting `openai-ft:catalog`.

    Tuned models, and entries for aliases of other models, are omitted, as are facts that cannot be read.
    """
    described = {model.id: facts for model in models if (facts := _facts(model)) is not None}
    aliases = {alias for id_, facts in described.items() for alias in _aliases(facts) if alias != id_}
    return {id_: dict(_entry(facts)) for id_, facts in described.items() if id_ not in aliases}


def _facts(model: Model) -> Mapping[str, Any] | None:
    """Return the description of a base model, or None for a tuned model, and for one without a description."""
    found = (model.model_extra or {}).get(_PROPERTY)
    return found if isinstance(found, dict) and found.get("base") is None else None


def _entry(facts: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "aliases", _aliases(facts)
    yield "vision", _sourced(value=False)
    methods, length = facts.get("methods"), facts.get("max_length")
    if isinstance(methods, list):
        yield "methods", _sourced(value=[method for method in METHODS if method in methods])
    if isinstance(length, int) and not isinstance(length, bool) and length > 0:
        yield "context_length", _sourced(value=length)


def _aliases(facts: Mapping[str, Any]) -> list[str]:
    aliases = facts.get("aliases")
    return [alias for alias in aliases if isinstance(alias, str)] if isinstance(aliases, list) else []


def _sourced(*, value: Any) -> dict[str, Any]:
    return {"value": value, "source": _SOURCE}

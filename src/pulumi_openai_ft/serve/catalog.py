"""Facts about the base models for clients. docs/self-hosting.md#models documents both forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pulumi_openai_ft.serve.config import Base, ServeConfig

PROPERTY = "fine_tuning"
"""Property with the facts, in each element of `GET /v1/models`."""


def model_facts(base: Base, *, is_tuned: bool = False) -> dict[str, Any]:
    """Return the value of `fine_tuning` for a base model, or for a model or checkpoint that was tuned from it.

    Its properties: `base` is null for a base model, or else the id of the model's base. `methods` lists the methods
    by which the model can be trained. `max_length` is the maximum number of tokens of a training example. `aliases`
    lists the other names of a base model.
    """
    return {
        "base": base.id if is_tuned else None,
        "methods": list(base.methods),
        "max_length": base.max_length,
        "aliases": [] if is_tuned else list(base.aliases),
    }


def client_catalog(config: ServeConfig) -> dict[str, Any]:
    """Return the base models in the form of the setting `openai-ft:catalog`."""
    return {
        base.id: {
            "aliases": list(base.aliases),
            "methods": list(base.methods),
            "context_length": base.max_length,
            "vision": False,
        }
        for base in config.bases
    }

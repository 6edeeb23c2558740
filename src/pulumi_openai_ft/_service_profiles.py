"""Service profiles: how services other than OpenAI differ from OpenAI's API.

The data follows the services' own API references as of 2026-11. If it is uncertain whether a service supports a
feature, its profile marks the feature as unsupported. Users can override each field with a setting.
"""

from __future__ import annotations

from dataclasses import dataclass

FEATURES = {
    "auto": "`auto` hyperparameters",
    "checkpoints": "checkpoints",
    "events": "job events",
    "metadata": "job metadata",
    "metadata_filter": "filtering jobs by metadata",
    "models": "reading and deleting fine-tuned models",
    "pause": "pausing and resuming jobs",
    "permissions": "checkpoint permissions",
    "suffix": "a suffix of the model's name",
    "uploads": "multipart uploads",
}
"""Features that a service may lack, with their names in messages."""


@dataclass(frozen=True)
class Profile:
    """The differences between a service and OpenAI.

    Attributes:
        name: Name of the profile, the value of `openai-ft:service`.
        api_key_header: HTTP header for the key. In `authorization`, the key is sent as a bearer token.
        query: Query parameters added to every request, such as an API version.
        unsupported: Features that the service lacks, keys of `FEATURES`.
        hyperparameters: Additional hyperparameters that the service accepts; `*` accepts any.
        requires_validation_file: Whether the service documents that reinforcement jobs need a validation file.
        accepts_lambda_grader: Whether the service may accept a grader of the type `lambda`.
        requires_base_url: Whether the service has no fixed address, so that users must set it.
        describes_models: Whether `GET /models` describes the base models, as docs/self-hosting.md#models defines.
        bills_training: Whether training has a price.
        auto_epochs: Number of epochs that the service chooses for `auto`; None for OpenAI's rule.
    """

    name: str
    api_key_header: str = "authorization"
    query: tuple[tuple[str, str], ...] = ()
    unsupported: frozenset[str] = frozenset()
    hyperparameters: frozenset[str] = frozenset()
    requires_validation_file: bool = False
    accepts_lambda_grader: bool = False
    requires_base_url: bool = False
    describes_models: bool = False
    bills_training: bool = True
    auto_epochs: int | None = None

    def supports(self, feature: str) -> bool:
        """Return whether the service supports a feature, a key of `FEATURES`."""
        return feature not in self.unsupported

    def lacks_message(self, feature: str) -> str:
        """Return the statement that the service lacks a feature."""
        return f"the service {self.name!r} does not support {FEATURES[feature]}"

    def unsupported_message(self, feature: str) -> str:
        """Return a message that the service lacks a feature, and how to override the profile."""
        return (
            f"{self.lacks_message(feature)}: remove it, or, if your service does "
            f"support it, list only the features that it lacks in openai-ft:unsupportedFeatures"
        )


OPENAI = Profile("openai", requires_validation_file=True)
PROFILES = {
    profile.name: profile
    for profile in (
        OPENAI,
        Profile(
            "azure",
            api_key_header="api-key",
            unsupported=frozenset({"metadata_filter"}),
            requires_validation_file=True,
        ),
        Profile(
            "bedrock",
            unsupported=frozenset({"pause", "permissions", "suffix", "uploads"}),
            accepts_lambda_grader=True,
        ),
        Profile(
            "nebius",
            unsupported=frozenset(
                {"auto", "metadata", "metadata_filter", "models", "pause", "permissions", "uploads"}
            ),
            hyperparameters=frozenset(
                {
                    "context_length",
                    "learning_rate",
                    "lora",
                    "lora_alpha",
                    "lora_dropout",
                    "lora_r",
                    "max_grad_norm",
                    "packing",
                    "warmup_ratio",
                    "weight_decay",
                }
            ),
        ),
        Profile(
            "self-hosted",
            requires_base_url=True,
            describes_models=True,
            bills_training=False,
            auto_epochs=3,
        ),
        Profile(
            "generic",
            unsupported=frozenset(
                {"checkpoints", "events", "metadata_filter", "models", "pause", "permissions", "uploads"}
            ),
            hyperparameters=frozenset({"*"}),
            accepts_lambda_grader=True,
        ),
    )
}

"""What services other than OpenAI do differently: data, by the name of a profile.

Facts are those of the services' own references in 2026-11; where a service is not sure to offer something, the
profile says that it lacks it, and each field can be set alone.
"""

from __future__ import annotations

from dataclasses import dataclass

FEATURES = {
    "auto": "hyperparameters that are left to the service (`auto`)",
    "checkpoints": "checkpoints",
    "events": "events of a job",
    "metadata": "metadata of a job",
    "metadata_filter": "finding jobs by their metadata",
    "models": "looking up and deleting the models that it made",
    "pause": "pausing and resuming a job",
    "permissions": "permissions of checkpoints",
    "uploads": "uploads in parts",
}
"""What a service may lack, in words."""


@dataclass(frozen=True)
class Profile:
    """How one kind of service differs from OpenAI.

    Attributes:
        name: Name of the profile, the setting `openai-ft:service`.
        key_header: Header that carries the key; `authorization` carries it as a bearer token.
        query: Added to every request, such as an API version.
        lacks: Names out of `FEATURES`.
        hyperparameters: Hyperparameters beyond the API's that are passed on; `*` passes all.
    """

    name: str
    api_key_header: str = "authorization"
    query: tuple[tuple[str, str], ...] = ()
    unsupported: frozenset[str] = frozenset()
    hyperparameters: frozenset[str] = frozenset()

    def supports(self, feature: str) -> bool:
        """Whether the service has a feature, one of `FEATURES`."""
        return feature not in self.unsupported

    def unsupported_message(self, feature: str) -> str:
        """A sentence that says that the service lacks a feature, and what to do if it does not."""
        return (
            f"the service {self.name!r} does not offer {FEATURES[feature]}: leave it out, or, if yours does, name what "
            f"it lacks in openai-ft:unsupportedFeatures"
        )


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("openai"),
        Profile("azure", api_key_header="api-key"),
        Profile("bedrock", unsupported=frozenset({"pause", "permissions", "uploads"})),
        Profile(
            "nebius",
            unsupported=frozenset({"pause", "permissions", "uploads"}),
            hyperparameters=frozenset(
                {"context_length", "learning_rate", "lora", "lora_alpha", "lora_r", "packing"}
            ),
        ),
        Profile(
            "generic",
            unsupported=frozenset(
                {"checkpoints", "events", "metadata_filter", "models", "pause", "permissions", "uploads"}
            ),
            hyperparameters=frozenset({"*"}),
        ),
    )
}

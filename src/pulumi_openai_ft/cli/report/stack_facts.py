"""Facts about jobs and files that only the state of a stack has: the requested inputs, hashes, and counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._shared.state_names import FILE_TYPE, JOB_TYPE
from pulumi_openai_ft.cli.state_secrets import is_secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Properties = dict[str, Any]


@dataclass(frozen=True)
class StackFacts:
    """The resources of a stack by their ids at the service. Secret values are left out.

    Attributes:
        requested: Inputs of each job.
        jobs: Outputs of each job.
        files: Outputs of each file.
    """

    requested: Mapping[str, Properties] = field(default_factory=dict)
    jobs: Mapping[str, Properties] = field(default_factory=dict)
    files: Mapping[str, Properties] = field(default_factory=dict)

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> StackFacts:
        """Return the facts in an exported state."""
        return cls(
            dict(_properties(state, JOB_TYPE, "inputs")),
            dict(_properties(state, JOB_TYPE, "outputs")),
            dict(_properties(state, FILE_TYPE, "outputs")),
        )


def _properties(state: Mapping[str, Any], kind: str, side: str) -> Iterator[tuple[str, Properties]]:
    for resource in (state.get("deployment") or {}).get("resources") or ():
        if resource.get("type") == kind and resource.get("id"):
            yield resource["id"], _without_secrets(resource.get(side) or {})


def _without_secrets(values: Mapping[str, Any]) -> Properties:
    return {name: _readable(value) for name, value in values.items() if not is_secret(value)}


def _readable(value: Any) -> Any:
    if isinstance(value, dict):
        return _without_secrets(value)
    return [_readable(item) for item in value if not is_secret(item)] if isinstance(value, list) else value

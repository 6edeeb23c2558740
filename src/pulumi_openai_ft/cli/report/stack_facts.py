"""Facts about jobs and files that only the state of a stack has: the requested inputs, hashes, and counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._shared.state_names import FILE_TYPE, IDENTITY, JOB_TYPE, RESOURCE_KEY, SECRET_INPUTS
from pulumi_openai_ft.cli.state_secrets import is_secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pulumi_openai_ft._client.objects import Job

Properties = dict[str, Any]


@dataclass(frozen=True)
class StackFacts:
    """The resources of a stack by their ids at the service. Secret values are left out.

    Attributes:
        requested: Inputs of each job.
        jobs: Outputs of each job.
        files: Outputs of each file.
        secrets: Names of the secret properties of each job and file, also by the identity of a job's resource.
    """

    requested: Mapping[str, Properties] = field(default_factory=dict)
    jobs: Mapping[str, Properties] = field(default_factory=dict)
    files: Mapping[str, Properties] = field(default_factory=dict)
    secrets: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> StackFacts:
        """Return the facts in an exported state."""
        return cls(
            dict(_properties(state, JOB_TYPE, "inputs")),
            dict(_properties(state, JOB_TYPE, "outputs")),
            dict(_properties(state, FILE_TYPE, "outputs")),
            dict(_secrets(state)),
        )

    def secrets_of(self, job: Job) -> frozenset[str]:
        """Return the names of the secret properties of a job, which `pulumi up` may still be creating."""
        identity = (job.metadata or {}).get(RESOURCE_KEY, "")
        return self.secrets.get(job.id, frozenset()) | self.secrets.get(identity, frozenset())


def _properties(state: Mapping[str, Any], kind: str, side: str) -> Iterator[tuple[str, Properties]]:
    for resource in _resources(state):
        if resource.get("type") == kind and resource.get("id"):
            yield resource["id"], _without_secrets(resource.get(side) or {})


def _secrets(state: Mapping[str, Any]) -> Iterator[tuple[str, frozenset[str]]]:
    pending = (state.get("deployment") or {}).get("pending_operations") or ()
    for resource in (*(operation.get("resource") or {} for operation in pending), *_resources(state)):
        if resource.get("type") in (JOB_TYPE, FILE_TYPE):
            sides = [resource.get(side) or {} for side in ("inputs", "outputs")]
            names = frozenset(name for side in sides for name in _secret_names(side))
            for key in (resource.get("id"), sides[0].get(IDENTITY)):
                if isinstance(key, str):
                    yield key, names


def _secret_names(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of the secret properties: as marked by the engine, and as the program listed them."""
    yield from (name for name, value in values.items() if is_secret(value))
    yield from values.get(SECRET_INPUTS) or ()


def _resources(state: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from (state.get("deployment") or {}).get("resources") or ()


def _without_secrets(values: Mapping[str, Any]) -> Properties:
    return {name: _readable(value) for name, value in values.items() if not is_secret(value)}


def _readable(value: Any) -> Any:
    if isinstance(value, dict):
        return _without_secrets(value)
    return [_readable(item) for item in value if not is_secret(item)] if isinstance(value, list) else value

"""Rules that keep plaintext keys out of Pulumi's state and output."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pulumi_policy import EnforcementLevel

from pulumi_openai_ft._settings import KEYS_IN_CONFIGURATION
from pulumi_openai_ft._shared.state_names import PROVIDER_TYPE
from pulumi_openai_ft.policies._rule import Limits, Rule, SecretScan, StackRule

if TYPE_CHECKING:
    from pulumi_openai_ft.policies._checked_resource import CheckedResource

# Stricter than the pattern that masks messages, so that `sk-learn-pipeline-v2` is not a violation.
_KEY = re.compile(
    r"\bsk-(?:(?:proj|admin|svcacct|service|None|ant|or-v1)-[A-Za-z0-9_-]{8,}|[A-Za-z0-9]{20,})", re.ASCII
)

DETECT_SECRETS = SecretScan(
    name="detect-secrets",
    description="Detects secret values, so that the other rules neither print nor reject them.",
    level=EnforcementLevel.REMEDIATE,
    reason="the engine only passes secret markers to remediations; this rule reports and changes nothing",
)


def _in_properties(resource: CheckedResource, _limits: Limits) -> Iterator[str]:
    is_configuration = resource.kind == PROVIDER_TYPE
    for name, value in resource.props.items():
        if name in (resource.secret or ()):
            continue
        is_key = is_configuration and name in KEYS_IN_CONFIGURATION
        for path in [name] if is_key else _paths_of_keys(value, name, resource.keys()):
            if resource.secret is None:
                yield (
                    f"{path}: contains a key, but this rule cannot determine whether it is secret: "
                    f'set "{DETECT_SECRETS.name}" to "remediate" in the configuration of the policy pack'
                )
            elif is_configuration:
                yield f"{path}: is a plaintext key: create a new key, and run `pulumi config set --secret {path}`"
            else:
                yield (
                    f"{path}: contains a plaintext key: create a new key, and read it from a secret with "
                    f"`pulumi.Config().require_secret(…)`; set this package's keys as "
                    f"{' and '.join(KEYS_IN_CONFIGURATION)}"
                )


def _in_outputs(
    resources: Sequence[CheckedResource], _limits: Limits
) -> Iterator[tuple[CheckedResource, str]]:
    for resource in resources:
        if resource.kind.startswith("pulumi:providers:"):
            continue
        for name, value in resource.props.items():
            if name not in (resource.secret or ()):
                for path in _paths_of_keys(value, name, resource.keys()):
                    yield (
                        resource,
                        f"{path}: this output contains a key: remove it, even if it is secret",
                    )


def _paths_of_keys(value: Any, path: str, keys: Sequence[str]) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _paths_of_keys(name, f"{path}.{name}", keys)
            yield from _paths_of_keys(item, f"{path}.{name}", keys)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _paths_of_keys(item, f"{path}[{index}]", keys)
    elif isinstance(value, str) and (_KEY.search(value) or any(key in value for key in keys)):
        yield path


NO_KEYS_IN_PROPERTIES = Rule(
    name="no-keys-in-properties",
    description="Properties and configuration do not contain plaintext keys.",
    level=EnforcementLevel.MANDATORY,
    reason="a plaintext key in the state is compromised",
    judge=_in_properties,
)

NO_KEYS_IN_OUTPUTS = StackRule(
    name="no-keys-in-outputs",
    description="Outputs do not contain keys.",
    level=EnforcementLevel.ADVISORY,
    reason="policies cannot distinguish secret outputs from plaintext outputs",
    judge=_in_outputs,
)

"""Rules that keep keys out of what Pulumi stores and shows."""

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

# Stricter than what messages mask, where a little too much does no harm: `sk-learn-pipeline-v2` is no key.
_KEY = re.compile(
    r"\bsk-(?:(?:proj|admin|svcacct|service|None|ant|or-v1)-[A-Za-z0-9_-]{8,}|[A-Za-z0-9]{20,})", re.ASCII
)

LOOK = SecretScan(
    name="detect-secrets",
    description="Looks which values are secret, for other rules: they neither show nor refuse those.",
    level=EnforcementLevel.REMEDIATE,
    reason="the engine tells remediations alone; it finds nothing and changes nothing",
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
                    f'{path}: holds a key, and whether it is secret was not told: set "{LOOK.name}" to "remediate" in '
                    f"the configuration of the policy pack"
                )
            elif is_configuration:
                yield f"{path}: is a key in plain: make a new one, and run `pulumi config set --secret {path}`"
            else:
                yield (
                    f"{path}: holds a key in plain: make a new one, and take it from a secret, "
                    f"`pulumi.Config().require_secret(…)`; this package's own keys belong into "
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
                        f"{path}: this output holds a key: leave it out, even where it is a secret",
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
    description="No property and no configuration holds a key in plain.",
    level=EnforcementLevel.MANDATORY,
    reason="once it is in the state, the key is lost",
    judge=_in_properties,
)

NO_KEYS_IN_OUTPUTS = StackRule(
    name="no-keys-in-outputs",
    description="No output holds a key in plain.",
    level=EnforcementLevel.ADVISORY,
    reason="policies cannot tell a secret output from one in plain",
    judge=_in_outputs,
)

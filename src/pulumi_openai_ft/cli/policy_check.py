"""`openai-ft policy check`: evaluates the policy pack against the state of a stack."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pulumi_policy import EnforcementLevel

from pulumi_openai_ft._provider.input_models import HIDDEN, unknown
from pulumi_openai_ft._shared.clock import today
from pulumi_openai_ft.cli import policy_config, pulumi_cli
from pulumi_openai_ft.cli.project import Project
from pulumi_openai_ft.cli.state_secrets import is_secret
from pulumi_openai_ft.policies import RULES
from pulumi_openai_ft.policies._checked_resource import CheckedResource
from pulumi_openai_ft.policies._rule import Rule, StackRule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from pulumi_openai_ft.cli.policy_config import Setting


@dataclass(frozen=True)
class Violation:
    """A violation of a rule by a resource.

    Attributes:
        rule: Name of the rule.
        level: Enforcement level of the rule, `mandatory` or `advisory`.
        type: Type token of the resource.
        name: Name of the resource.
        urn: URN of the resource.
        message: The problem, its property path, and how to fix it. Contains no keys.
    """

    rule: str
    level: str
    type: str
    name: str
    urn: str
    message: str

    @property
    def is_mandatory(self) -> bool:
        """Return whether the violation would stop an update."""
        return self.level == EnforcementLevel.MANDATORY.value


def check(folder: Path, stack: str | None, config: Path | None) -> list[Violation]:
    """Evaluate all rules against the state of a stack, without changing it.

    Args:
        folder: Folder of the project, or a folder inside it.
        stack: Name of the stack, or None for the selected stack.
        config: File with the configuration of the policy pack, or None for the defaults.

    Raises:
        InputError: The project, the stack or the configuration does not exist or is invalid.
    """
    settings = policy_config.read(config)
    state = pulumi_cli.state(Project.find(folder).folder, stack)
    return violations(state.get("deployment", {}).get("resources", []), settings, today())


def violations(
    resources: Sequence[Mapping[str, Any]], settings: Mapping[str, Setting], day: date
) -> list[Violation]:
    """Return the violations by the resources of a state.

    Args:
        resources: The `deployment.resources` of an exported stack.
        settings: Configuration of each rule, by name.
        day: Date for which the rules are evaluated.
    """
    live = [resource for resource in resources if not resource.get("delete")]
    by_urn = {resource["urn"]: resource for resource in live}
    # A program only reads external resources, so it cannot change their inputs.
    managed = [resource for resource in live if not resource.get("external")]
    inputs = [_checked_resource(resource, "inputs", by_urn, day) for resource in managed]
    outputs = [_checked_resource(resource, "outputs", by_urn, day) for resource in live]
    return [
        Violation(rule.name, _reported_level(level), resource.kind, resource.name, resource.urn, message)
        for rule in RULES
        for level, limits in [settings[rule.name]]
        if level is not EnforcementLevel.DISABLED
        for resource, message in _violations_of(rule, limits, inputs, outputs)
    ]


def as_json(violations: Sequence[Violation]) -> str:
    """Format violations as a JSON list of objects with the fields of `Violation`."""
    return json.dumps([asdict(violation) for violation in violations], indent=2, ensure_ascii=False)


def as_table(violations: Sequence[Violation]) -> str:
    """Format violations as a table with a line per violation."""
    if not violations:
        return "no violations"
    rule_width, name_width = (
        max(len(getattr(violation, field)) for violation in violations) for field in ("rule", "name")
    )
    return "\n".join(
        f"{violation.level:<9}  {violation.rule:<{rule_width}}  {violation.name:<{name_width}}  "
        f"{' '.join(violation.message.split())}"
        for violation in violations
    )


def _violations_of(
    rule: object,
    limits: Mapping[str, Any],
    inputs: Sequence[CheckedResource],
    outputs: Sequence[CheckedResource],
) -> Iterator[tuple[CheckedResource, str]]:
    if isinstance(rule, StackRule) and outputs:
        yield from rule.violations(outputs, limits)
    elif isinstance(rule, Rule) and rule.judges_states:
        for resource in inputs:
            for message in rule.violations(resource, limits):
                yield resource, message


def _checked_resource(
    resource: Mapping[str, Any], side: str, by_urn: Mapping[str, Any], day: date
) -> CheckedResource:
    props = resource.get(side) or {}
    provider = by_urn.get(str(resource.get("provider", "")).rpartition("::")[0], {})
    configuration = provider.get("inputs") or {}
    return CheckedResource(
        kind=resource["type"],
        urn=resource["urn"],
        today=day,
        props={name: _read(value) for name, value in props.items() if not name.startswith(HIDDEN)},
        secret=frozenset(name for name, value in props.items() if _contains_secret(value)),
        configuration={name: _read(value) for name, value in configuration.items()},
        secret_configuration=frozenset(
            filter(lambda name: _contains_secret(configuration[name]), configuration)
        ),
        is_protected=bool(resource.get("protect")),
        sources={name: tuple(urns) for name, urns in (resource.get("propertyDependencies") or {}).items()},
    )


def _read(value: Any) -> Any:
    """Return a property as the rules receive it: secrets are replaced by unknown values."""
    if isinstance(value, dict):
        return unknown() if is_secret(value) else {name: _read(item) for name, item in value.items()}
    return [_read(item) for item in value] if isinstance(value, list) else value


def _contains_secret(value: Any) -> bool:
    if isinstance(value, dict):
        return is_secret(value) or any(map(_contains_secret, value.values()))
    return isinstance(value, list) and any(map(_contains_secret, value))


def _reported_level(level: EnforcementLevel) -> str:
    """Return the level to report. Like in the engine, `remediate` counts as mandatory."""
    return str((EnforcementLevel.MANDATORY if level is EnforcementLevel.REMEDIATE else level).value)

"""`openai-ft policy check`: the rules of the policy pack, asked about what a stack has."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pulumi.runtime import rpc
from pulumi_policy import EnforcementLevel

from pulumi_openai_ft._provider.input_models import HIDDEN, unknown
from pulumi_openai_ft._shared.clock import today
from pulumi_openai_ft.cli import policy_config, pulumi_cli
from pulumi_openai_ft.cli.project import Project
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
    """What a rule finds.

    Attributes:
        rule: Name of the rule.
        level: `mandatory` or `advisory`.
        type: Type token of the resource.
        name: Its name.
        urn: Its URN.
        message: What is wrong, where, and what to write instead. Holds no key.
    """

    rule: str
    level: str
    type: str
    name: str
    urn: str
    message: str

    @property
    def is_mandatory(self) -> bool:
        """Whether it would stop an update."""
        return self.level == EnforcementLevel.MANDATORY.value


def check(folder: Path, stack: str | None, config: Path | None) -> list[Violation]:
    """Asks every rule about the state of a stack, which stays as it is.

    Args:
        folder: The project's folder, or one below it.
        stack: The stack's name; None for the one that is selected.
        config: The configuration of the policy pack; None for the defaults.

    Raises:
        InputError: There is no such project, stack or configuration.
    """
    settings = policy_config.read(config)
    state = pulumi_cli.state(Project.find(folder).folder, stack)
    return violations(state.get("deployment", {}).get("resources", []), settings, today())


def violations(
    resources: Sequence[Mapping[str, Any]], settings: Mapping[str, Setting], day: date
) -> list[Violation]:
    """What rules find in the resources of a state."""
    live = [found for found in resources if not found.get("delete")]
    by_urn = {found["urn"]: found for found in live}
    owned = [
        found for found in live if not found.get("external")
    ]  # what a program only reads is not its to change
    inputs = [_subject(found, "inputs", by_urn, day) for found in owned]
    outputs = [_subject(found, "outputs", by_urn, day) for found in live]
    return [
        Violation(rule.name, _told_level(level), subject.kind, subject.name, subject.urn, sentence)
        for rule in RULES
        for level, limits in [settings[rule.name]]
        if level is not EnforcementLevel.DISABLED
        for subject, sentence in _found(rule, limits, inputs, outputs)
    ]


def as_json(found: Sequence[Violation]) -> str:
    """A list of objects with the fields of a violation."""
    return json.dumps([asdict(violation) for violation in found], indent=2, ensure_ascii=False)


def as_table(found: Sequence[Violation]) -> str:
    """A line for each violation, in columns."""
    if not found:
        return "no violations"
    rules, names = (max(len(getattr(one, field)) for one in found) for field in ("rule", "name"))
    return "\n".join(
        f"{one.level:<9}  {one.rule:<{rules}}  {one.name:<{names}}  {' '.join(one.message.split())}"
        for one in found
    )


def _found(
    rule: object,
    limits: Mapping[str, Any],
    inputs: Sequence[CheckedResource],
    outputs: Sequence[CheckedResource],
) -> Iterator[tuple[CheckedResource, str]]:
    if isinstance(rule, StackRule) and outputs:
        yield from rule.violations(outputs, limits)
    elif isinstance(rule, Rule) and rule.judges_states:
        for subject in inputs:
            for sentence in rule.violations(subject, limits):
                yield subject, sentence


def _subject(found: Mapping[str, Any], side: str, by_urn: Mapping[str, Any], day: date) -> CheckedResource:
    props = found.get(side) or {}
    provider = by_urn.get(str(found.get("provider", "")).rpartition("::")[0], {})
    configuration = provider.get("inputs") or {}
    return CheckedResource(
        kind=found["type"],
        urn=found["urn"],
        today=day,
        props={name: _read(value) for name, value in props.items() if not name.startswith(HIDDEN)},
        secret=frozenset(name for name, value in props.items() if _holds_secret(value)),
        configuration={name: _read(value) for name, value in configuration.items()},
        secret_configuration=frozenset(
            filter(lambda name: _holds_secret(configuration[name]), configuration)
        ),
        is_protected=bool(found.get("protect")),
        sources={name: tuple(urns) for name, urns in (found.get("propertyDependencies") or {}).items()},
    )


def _read(value: Any) -> Any:
    """A property as rules see it; a secret is nothing that can be seen."""
    if isinstance(value, dict):
        return unknown() if _is_secret(value) else {name: _read(item) for name, item in value.items()}
    return [_read(item) for item in value] if isinstance(value, list) else value


def _holds_secret(value: Any) -> bool:
    if isinstance(value, dict):
        return _is_secret(value) or any(map(_holds_secret, value.values()))
    return isinstance(value, list) and any(map(_holds_secret, value))


def _is_secret(value: Mapping[str, Any]) -> bool:
    return value.get(rpc._special_sig_key) == rpc._special_secret_sig  # noqa: SLF001 - the SDK's names of the engine's marks


def _told_level(level: EnforcementLevel) -> str:
    """As the engine does: what a remediation left over is mandatory."""
    return str((EnforcementLevel.MANDATORY if level is EnforcementLevel.REMEDIATE else level).value)

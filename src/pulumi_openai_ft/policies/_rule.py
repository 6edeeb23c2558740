"""Rules, and their conversion to policies for the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from pulumi_policy import (
    EnforcementLevel,
    PolicyConfigSchema,
    ResourceValidationPolicy,
    Secret,
    StackValidationPolicy,
)

from pulumi_openai_ft._provider.input_models import integers_from_floats
from pulumi_openai_ft._provider.input_models import validation_errors as input_problems
from pulumi_openai_ft._provider.job.inputs import FineTuningJobInputs
from pulumi_openai_ft._provider.job.validation import conflicting_inputs
from pulumi_openai_ft._shared.clock import today
from pulumi_openai_ft._shared.property_paths import top_level
from pulumi_openai_ft._shared.state_names import JOB_TYPE
from pulumi_openai_ft.policies._checked_resource import CheckedResource, SecretMarks, raw, unknown_paths
from pulumi_openai_ft.policies._schema import EXEMPT, UNKNOWNS, Schema, defaults, schema_errors

if TYPE_CHECKING:
    from pulumi_policy import ReportViolation, ResourceValidationArgs, StackValidationArgs

Limits = Mapping[str, Any]
Judge = Callable[[CheckedResource, Limits], Iterable[str]]
Remedy = Callable[[CheckedResource, Limits], Mapping[str, Any] | None]
Clock = Callable[[], date]
INPUTS = {JOB_TYPE: FineTuningJobInputs}
"""Input models of the resource types that remediations may change."""


@dataclass(frozen=True, kw_only=True)
class _Rule:
    """The common attributes of all rules.

    Attributes:
        name: Name in the configuration and in output.
        description: The requirement, as a sentence.
        level: Default enforcement level.
        reason: Reason for this level.
        kinds: Type tokens of the resources to check; empty for all types.
        options: JSON schemas of the configuration options, each with a default.
    """

    name: str
    description: str
    level: EnforcementLevel
    reason: str
    kinds: tuple[str, ...] = ()
    options: Mapping[str, Schema] = field(default_factory=dict)

    @property
    def schema(self) -> dict[str, Schema]:
        """Return the schemas of all configuration options except the level."""
        return {**self.options, **EXEMPT}

    def concerns(self, kind: str) -> bool:
        """Return whether the rule checks resources of a type."""
        return not self.kinds or kind in self.kinds

    def configured(self, given: Mapping[str, Any]) -> Limits:
        """Return the configured options with defaults."""
        return {**defaults(self.schema), **integers_from_floats(dict(given))}

    def format_violations(
        self, subject: CheckedResource, sentences: Iterable[str], limits: Limits
    ) -> list[str]:
        """Return the violations with masked keys, or an empty list if the resource is exempt."""
        if subject.name in limits["exempt"]:
            return []
        return [subject.mask(sentence) for sentence in sentences]


@dataclass(frozen=True, kw_only=True)
class Rule(_Rule):
    """A rule that checks each resource before it is created or updated.

    Attributes:
        judge: Yields a message for each violation. It must accept values of any type, including unknown values.
        properties: Names of the properties to check. Unknown values are skipped or reported.
        remediation: Returns the properties that fix a violation, or None. It runs at the level `remediate`.
        judges_states: Whether the rule also applies to existing resources, not only to updates.
    """

    judge: Judge
    properties: tuple[str, ...] = ()
    remediation: Remedy | None = None
    judges_states: bool = True

    @property
    def schema(self) -> dict[str, Schema]:
        """Return the schemas, with the option for unknown values if the rule checks properties."""
        return {**super().schema, **(UNKNOWNS if self.properties else {})}

    def violations(self, subject: CheckedResource, given: Mapping[str, Any]) -> list[str]:
        """Return a message for each violation of a resource."""
        if not self.concerns(subject.kind):
            return []
        if wrong := schema_errors(self.schema, given):
            return [f"the configuration of {self.name} is invalid: {'; '.join(wrong)}"]
        limits = self.configured(given)
        return self.format_violations(
            subject, [*self.judge(subject, limits), *self._unknown(subject, limits)], limits
        )

    def remedied(self, subject: CheckedResource, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the properties to change so that the resource conforms, or an empty mapping if that is impossible."""
        if self.remediation is None or not self.concerns(subject.kind) or schema_errors(self.schema, given):
            return {}
        limits = self.configured(given)
        changes = {} if subject.name in limits["exempt"] else self.remediation(subject, limits) or {}
        return changes if _is_accepted(subject, changes) else {}

    def policy(self, marks: SecretMarks, clock: Clock = today) -> ResourceValidationPolicy:
        """Return the policy for the engine."""

        def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
            if not self.concerns(args.resource_type):
                return
            for sentence in self.violations(CheckedResource.of(args, marks, clock()), args.get_config()):
                report(sentence, None)

        def remediate(args: ResourceValidationArgs) -> Any:
            if not self.concerns(args.resource_type):
                return None
            subject = CheckedResource.of(args, marks, clock())
            changes = self.remedied(subject, args.get_config())
            return {**raw(args.props), **_still_secret(subject, changes)} if changes else None

        return ResourceValidationPolicy(
            name=self.name,
            description=self.description,
            enforcement_level=self.level,
            config_schema=PolicyConfigSchema(self.schema),
            validate=validate,
            remediate=remediate if self.remediation else None,
        )

    def _unknown(self, subject: CheckedResource, limits: Limits) -> list[str]:
        if limits.get("unknowns") != "report":
            return []
        found = [path for name in self.properties for path in unknown_paths(subject.props.get(name), name)]
        return [
            f"{path}: the value is not known yet, so this rule cannot check it: set a literal value in the program"
            for path in found
        ]


@dataclass(frozen=True, kw_only=True)
class StackRule(_Rule):
    """A rule that checks all resources of a stack together, after all of them are registered.

    Attributes:
        judge: Yields the resource and a message for each violation.
    """

    judge: Callable[[Sequence[CheckedResource], Limits], Iterable[tuple[CheckedResource, str]]]

    def violations(
        self, subjects: Sequence[CheckedResource], given: Mapping[str, Any]
    ) -> list[tuple[CheckedResource, str]]:
        """Return the resource and a message for each violation."""
        if wrong := schema_errors(self.schema, given):
            return [(subjects[0], f"the configuration of {self.name} is invalid: {'; '.join(wrong)}")]
        limits = self.configured(given)
        return [
            (subject, sentence)
            for subject, found in self.judge(subjects, limits)
            for sentence in self.format_violations(subject, [found], limits)
        ]

    def policy(self, marks: SecretMarks, clock: Clock = today) -> StackValidationPolicy:
        """Return the policy for the engine."""

        def validate(args: StackValidationArgs, report: ReportViolation) -> None:
            subjects = [CheckedResource.of(resource, marks, clock()) for resource in args.resources]
            for subject, sentence in self.violations(subjects, args.get_config()) if subjects else []:
                report(sentence, subject.urn)

        return StackValidationPolicy(
            name=self.name,
            description=self.description,
            enforcement_level=self.level,
            config_schema=PolicyConfigSchema(self.schema),
            validate=validate,
        )


@dataclass(frozen=True, kw_only=True)
class SecretScan(_Rule):
    """The rule that detects secret values for the other rules. It reports and changes nothing."""

    @property
    def schema(self) -> dict[str, Schema]:
        """Return an empty schema: the rule has no options."""
        return {}

    def policy(self, marks: SecretMarks, _clock: Clock = today) -> ResourceValidationPolicy:
        """Return the policy for the engine."""

        def record(args: ResourceValidationArgs) -> Any:
            marks.record(args.urn, args.props)

        return ResourceValidationPolicy(
            name=self.name, description=self.description, enforcement_level=self.level, remediate=record
        )


def _is_accepted(subject: CheckedResource, changes: Mapping[str, Any]) -> bool:
    """Return whether the changed inputs are valid. The engine calls remediations after the provider's check."""
    props = {**subject.props, **changes}
    found = [*input_problems(INPUTS[subject.kind], props), *conflicting_inputs(props)]
    return not any(top_level(sentence.split(":", 1)[0]) in changes for sentence in found)


def _still_secret(subject: CheckedResource, changes: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: Secret(value) if name in (subject.secret or ()) else value for name, value in changes.items()
    }

"""What a rule is, and how it becomes a policy that the engine runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from pulumi_policy import (
    EnforcementLevel,
    Policy,
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
"""Models of the inputs that a remedy may change."""


@dataclass(frozen=True, kw_only=True)
class _Rule:
    """What every rule has.

    Attributes:
        name: Its name in configuration and output.
        description: What holds where it is kept, a sentence.
        level: What a violation does unless the configuration says otherwise.
        reason: Why that is its level.
        kinds: Type tokens of the resources that it judges; none stands for all.
        limits: JSON schemas of what can be configured, each with a default.
    """

    name: str
    description: str
    level: EnforcementLevel
    reason: str
    kinds: tuple[str, ...] = ()
    options: Mapping[str, Schema] = field(default_factory=dict)

    @property
    def schema(self) -> dict[str, Schema]:
        """All that can be configured of it, beyond its level."""
        return {**self.options, **EXEMPT}

    def concerns(self, kind: str) -> bool:
        """Whether it judges resources of a type."""
        return not self.kinds or kind in self.kinds

    def configured(self, given: Mapping[str, Any]) -> Limits:
        """Its limits, as configured or by default."""
        return {**defaults(self.schema), **integers_from_floats(dict(given))}

    def format_violations(
        self, subject: CheckedResource, sentences: Iterable[str], limits: Limits
    ) -> list[str]:
        """What is wrong with a resource, without keys; nothing where the resource is exempt."""
        if subject.name in limits["exempt"]:
            return []
        return [subject.mask(sentence) for sentence in sentences]


@dataclass(frozen=True, kw_only=True)
class Rule(_Rule):
    """A rule for one resource at a time, judged before it is created or changed.

    Attributes:
        judge: Gives a sentence for each thing that is wrong. Values of any kind must do, unknown ones too.
        reads: Paths of the properties that it judges; those that are not known yet are skipped or reported.
        remedy: Gives the properties that put it right, or None; runs at the level `remediate`.
        judges_states: Whether it says something of a resource that is there, not only of an update.
    """

    judge: Judge
    properties: tuple[str, ...] = ()
    remediation: Remedy | None = None
    judges_states: bool = True

    @property
    def schema(self) -> dict[str, Schema]:
        """Adds what to do with values that are not known yet, where there are any to judge."""
        return {**super().schema, **(UNKNOWNS if self.properties else {})}

    def violations(self, subject: CheckedResource, given: Mapping[str, Any]) -> list[str]:
        """What is wrong with a resource, a sentence each."""
        if not self.concerns(subject.kind):
            return []
        if wrong := schema_errors(self.schema, given):
            return [f"the configuration of {self.name} is wrong: {'; '.join(wrong)}"]
        limits = self.configured(given)
        return self.format_violations(
            subject, [*self.judge(subject, limits), *self._unknown(subject, limits)], limits
        )

    def remedied(self, subject: CheckedResource, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """The properties to change so that `violations` finds nothing; none where that cannot be done."""
        if self.remediation is None or not self.concerns(subject.kind) or schema_errors(self.schema, given):
            return {}
        limits = self.configured(given)
        changes = {} if subject.name in limits["exempt"] else self.remediation(subject, limits) or {}
        return changes if _is_accepted(subject, changes) else {}

    def policy(self, marks: SecretMarks, clock: Clock = today) -> Policy:
        """The rule for the engine."""

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
            f"{path}: has a value that cannot be seen now, so it cannot be judged: write it into the program itself"
            for path in found
        ]


@dataclass(frozen=True, kw_only=True)
class StackRule(_Rule):
    """A rule for all resources of a stack together, judged when all of them are there.

    Attributes:
        judge: Gives pairs of a resource and a sentence.
    """

    judge: Callable[[Sequence[CheckedResource], Limits], Iterable[tuple[CheckedResource, str]]]

    def violations(
        self, subjects: Sequence[CheckedResource], given: Mapping[str, Any]
    ) -> list[tuple[CheckedResource, str]]:
        """What is wrong with the stack: a resource and a sentence each."""
        if wrong := schema_errors(self.schema, given):
            return [(subjects[0], f"the configuration of {self.name} is wrong: {'; '.join(wrong)}")]
        limits = self.configured(given)
        return [
            (subject, sentence)
            for subject, found in self.judge(subjects, limits)
            for sentence in self.format_violations(subject, [found], limits)
        ]

    def policy(self, marks: SecretMarks, clock: Clock = today) -> Policy:
        """The rule for the engine."""

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
    """The rule that lets others know which values are secret. It finds nothing and changes nothing."""

    @property
    def schema(self) -> dict[str, Schema]:
        """Nothing can be configured of it."""
        return {}

    def policy(self, marks: SecretMarks, _clock: Clock = today) -> Policy:
        """The rule for the engine."""

        def look(args: ResourceValidationArgs) -> Any:
            marks.record(args.urn, args.props)

        return ResourceValidationPolicy(
            name=self.name, description=self.description, enforcement_level=self.level, remediate=look
        )


def _is_accepted(subject: CheckedResource, changes: Mapping[str, Any]) -> bool:
    """Whether the resource itself takes changed properties: remediations come after its check."""
    props = {**subject.props, **changes}
    found = [*input_problems(INPUTS[subject.kind], props), *conflicting_inputs(props)]
    return not any(top_level(sentence.split(":", 1)[0]) in changes for sentence in found)


def _still_secret(subject: CheckedResource, changes: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: Secret(value) if name in (subject.secret or ()) else value for name, value in changes.items()
    }

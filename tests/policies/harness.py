"""Run rules as the engine does: through the SDK's own wire forms, proxies and argument classes."""

from __future__ import annotations

from datetime import date
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from google.protobuf import json_format, struct_pb2
from pulumi_policy import (
    PolicyCustomTimeouts,
    PolicyProviderResource,
    PolicyResource,
    PolicyResourceOptions,
    ResourceValidationArgs,
    StackValidationArgs,
)
from pulumi_policy.deserialize import deserialize_properties, serialize_properties
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, unknown_checking_proxy

from pulumi_openai_ft._shared.state_names import FILE_TYPE, JOB_TYPE, PERMISSION_TYPE, PROVIDER_TYPE
from pulumi_openai_ft.policies._checked_resource import SecretMarks
from pulumi_openai_ft.policies.keys import DETECT_SECRETS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi_openai_ft.policies._rule import Rule, StackRule

TODAY = date(2026, 11, 23)
UNKNOWN = UNKNOWN_STRING_VALUE
KEY = "sk-proj-made-up-0123456789abcdef"
ADMIN_KEY = "sk-admin-made-up-0123456789abcdef"
VALID: dict[str, dict[str, Any]] = {
    JOB_TYPE: {
        "model": "gpt-4.1-mini-2025-04-14",
        "training_file": "file-abc",
        "suffix": "customer-support",
        "method": {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 3}}},
        "metadata": {"owner": "support-team"},
        "cancel_after_timeout": 3600,
        "integrations": [{"type": "wandb", "wandb": {"project": "shop", "entity": "support-team"}}],
    },
    PERMISSION_TYPE: {
        "checkpoint_id": "ft:gpt-4.1-mini-2025-04-14:shop::abcd1234",
        "project_ids": ["proj_partner"],
    },
    FILE_TYPE: {"file": "data.jsonl", "purpose": "fine-tune", "sha256": "0" * 64},
}
"""A resource of each type without any violation."""


def without(kind: str, *names: str) -> dict[str, Any]:
    return {name: value for name, value in VALID[kind].items() if name not in names}


def urn_of(kind: str, name: str = "it", stack: str = "dev") -> str:
    return f"urn:pulumi:{stack}::shop::{kind}::{name}"


def wire(props: Mapping[str, Any]) -> dict[str, Any]:
    """Return properties as the engine sends them: secrets marked, numbers as floats."""
    struct = struct_pb2.Struct()
    struct.update(serialize_properties(props))
    return dict(json_format.MessageToDict(struct))


def options(*, protect: bool = False) -> PolicyResourceOptions:
    return PolicyResourceOptions(protect, [], None, [], PolicyCustomTimeouts(0, 0, 0), [])


def provider(configuration: Mapping[str, Any] | None) -> PolicyProviderResource:
    props = unknown_checking_proxy(deserialize_properties(wire(configuration or {})))
    return PolicyProviderResource(PROVIDER_TYPE, props, urn_of(PROVIDER_TYPE, "default"), "default")


class PolicyHarness:
    """A run of a pack over a sequence of resources.

    Args:
        detects_secrets: Whether to run the policy that detects secrets.
        today: Date of the run.
    """

    def __init__(self, *, detects_secrets: bool = True, today: date = TODAY) -> None:
        self.detects_secrets, self.today, self.marks = detects_secrets, today, SecretMarks()

    def arguments(
        self,
        kind: str,
        props: Mapping[str, Any],
        *,
        config: Mapping[str, Any] | None = None,
        configuration: Mapping[str, Any] | None = None,
        protect: bool = False,
        name: str = "it",
        stack: str = "dev",
    ) -> ResourceValidationArgs:
        """Return the arguments of a validation."""
        self.detect_secrets(PROVIDER_TYPE, configuration or {}, "default")
        self.detect_secrets(kind, props, name, stack)
        read = unknown_checking_proxy(deserialize_properties(wire(props)))
        return ResourceValidationArgs(
            kind,
            read,
            urn_of(kind, name, stack),
            name,
            options(protect=protect),
            provider(configuration),
            config,
        )

    def detect_secrets(self, kind: str, props: Mapping[str, Any], name: str, stack: str = "dev") -> None:
        if self.detects_secrets:
            DETECT_SECRETS.policy(self.marks).remediate(
                self.remediation_arguments(kind, props, name=name, stack=stack)
            )

    def remediation_arguments(
        self,
        kind: str,
        props: Mapping[str, Any],
        *,
        config: Mapping[str, Any] | None = None,
        name: str = "it",
        stack: str = "dev",
    ) -> ResourceValidationArgs:
        """Return the arguments of a remediation: secrets are marked, and unknown values can be read."""
        read = unknown_checking_proxy(deserialize_properties(wire(props), proxy_secrets=True))
        return ResourceValidationArgs(kind, read, urn_of(kind, name, stack), name, options(), None, config)

    def violations(self, rule: Rule, kind: str, props: Mapping[str, Any], **changes: Any) -> list[str]:
        """Return the violations of a rule by a resource."""
        found: list[str] = []
        arguments = self.arguments(kind, props, **changes)
        rule.policy(self.marks, lambda: self.today).validate(arguments, lambda text, _urn: found.append(text))
        return found

    def remedied(
        self, rule: Rule, kind: str, props: Mapping[str, Any], config: Mapping[str, Any] | None = None
    ) -> dict[str, Any] | None:
        """Return the properties that a remediation sends to the engine."""
        self.detect_secrets(kind, props, "it")
        arguments = self.remediation_arguments(kind, props, config=config)
        changed = rule.policy(self.marks, lambda: self.today).remediate(arguments)
        assert not isawaitable(changed)
        return None if changed is None else wire(changed)


def violations(rule: Rule, kind: str, props: Mapping[str, Any], **changes: Any) -> list[str]:
    """Return the violations of a rule by a resource, by default on a day in November 2026."""
    today = changes.pop("today", TODAY)
    return PolicyHarness(detects_secrets=changes.pop("detects_secrets", True), today=today).violations(
        rule, kind, props, **changes
    )


def resource(kind: str, outputs: Mapping[str, Any], name: str, **sources: PolicyResource) -> PolicyResource:
    """Return a resource of a stack policy; `sources` are the resources that its properties depend on."""
    props = unknown_checking_proxy(deserialize_properties(wire(outputs)))
    made_from = {property_name: [source] for property_name, source in sources.items()}
    return PolicyResource(
        kind, props, urn_of(kind, name), name, options(), provider(None), None, [], made_from
    )


def stack_violations(
    rule: StackRule,
    *resources: PolicyResource,
    config: Mapping[str, Any] | None = None,
    marks: SecretMarks | None = None,
) -> list[tuple[str, str]]:
    """Return the violations of a rule by a stack: resource name and text."""
    found: list[tuple[str, str]] = []
    rule.policy(marks or SecretMarks(), lambda: TODAY).validate(
        StackValidationArgs(list(resources), config),
        lambda text, urn: found.append(((urn or "").rsplit("::", 1)[-1], text)),
    )
    return found

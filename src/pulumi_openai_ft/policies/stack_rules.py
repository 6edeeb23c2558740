"""Rules for related resources of a stack, and for production stacks."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from pulumi_policy import EnforcementLevel

from pulumi_openai_ft._shared.state_names import FILE_TYPE, JOB_TYPE, PERMISSION_TYPE
from pulumi_openai_ft.policies._rule import Limits, Rule, StackRule
from pulumi_openai_ft.policies._schema import texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pulumi_openai_ft.policies._checked_resource import CheckedResource

_TRAINS = "fine-tune"


def _file_purpose(
    resources: Sequence[CheckedResource], _limits: Limits
) -> Iterator[tuple[CheckedResource, str]]:
    files = {resource.urn: resource for resource in resources if resource.kind == FILE_TYPE}
    for job in resources:
        if job.kind != JOB_TYPE:
            continue
        for name in ("training_file", "validation_file"):
            for file in filter(None, map(files.get, job.sources.get(name, ()))):
                purpose = file.props.get("purpose", _TRAINS)
                if isinstance(purpose, str) and purpose != _TRAINS:
                    shown = file.redacted_repr("purpose", purpose)
                    yield (
                        job,
                        f'{name}: File "{file.name}" has the purpose {shown}: set purpose="{_TRAINS}" on that resource',
                    )


def _protected(resource: CheckedResource, limits: Limits) -> Iterator[str]:
    if not resource.is_protected and any(fnmatchcase(resource.stack, name) for name in limits["stacks"]):
        yield (
            f"opts.protect: is not set, and {resource.stack} is a production stack: set "
            f"opts=pulumi.ResourceOptions(protect=True)"
        )


TRAINING_FILE_PURPOSE = StackRule(
    name="training-file-purpose",
    description="Files of jobs have the purpose `fine-tune`.",
    level=EnforcementLevel.MANDATORY,
    reason="the service rejects the job",
    judge=_file_purpose,
)

PROTECT_IN_PRODUCTION = Rule(
    name="protect-in-production",
    description="Jobs and permissions of production stacks are protected from deletion.",
    level=EnforcementLevel.MANDATORY,
    reason="a cancelled job is still billed, and a revoked permission interrupts other projects",
    kinds=(JOB_TYPE, PERMISSION_TYPE),
    options={"stacks": texts("Production stacks: names or patterns.", "prod", "production")},
    judge=_protected,
)

"""The policy pack with all rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_policy import PolicyPack

from pulumi_openai_ft._shared.clock import today
from pulumi_openai_ft.policies import (
    budget,
    deadline,
    job_settings,
    keys,
    models,
    permissions,
    quality,
    stack_rules,
)
from pulumi_openai_ft.policies._checked_resource import SecretMarks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pulumi_policy import Policy

    from pulumi_openai_ft.policies._rule import Clock, Rule, SecretScan, StackRule

RULES: tuple[Rule | StackRule | SecretScan, ...] = (
    keys.DETECT_SECRETS,
    models.SUPPORTED_MODEL,
    models.KNOWN_MODEL,
    models.MODEL_NEAR_SHUTDOWN,
    models.NO_NEW_JOBS_AFTER,
    permissions.ADMIN_KEY,
    permissions.PROJECT,
    keys.NO_KEYS_IN_PROPERTIES,
    keys.NO_KEYS_IN_OUTPUTS,
    stack_rules.TRAINING_FILE_PURPOSE,
    deadline.DEADLINE,
    budget.BUDGET,
    budget.STACK_BUDGET,
    job_settings.EPOCHS,
    quality.QUALITY,
    job_settings.METADATA,
    job_settings.SUFFIX,
    stack_rules.PROTECT_IN_PRODUCTION,
    job_settings.WANDB_ENTITY,
)
"""All rules. `detect-secrets` comes first, because the other rules depend on its results."""


def policies(clock: Clock = today) -> list[Policy]:
    """Return the policies of all rules, for your own pack.

    Args:
        clock: Returns the date that determines which models are available. Defaults to OPENAI_FT_TODAY, or else the
            current date in UTC.
    """
    marks = SecretMarks()
    return [rule.policy(marks, clock) for rule in RULES]


def pack(name: str = "openai-ft", *, extra: Iterable[Policy] = ()) -> None:
    """Serve all policies to the engine that started this program, until the engine is finished.

    Args:
        name: Name of the pack in Pulumi's output.
        extra: Your own policies.
    """
    PolicyPack(name, [*policies(), *extra])

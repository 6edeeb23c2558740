"""Type tokens of what rules judge."""

from __future__ import annotations

from pulumi_openai_ft._shared.type_tokens import OURS, PACKAGE

FILE = f"{OURS}File"
JOB = f"{OURS}FineTuningJob"
PERMISSION = f"{OURS}FineTuningCheckpointPermission"
PROVIDER = f"pulumi:providers:{PACKAGE}"
"""The provider of ours, whose properties are the stack's configuration."""

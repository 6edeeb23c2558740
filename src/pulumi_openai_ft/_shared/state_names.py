"""Names that states hold, so none of them may change: hidden properties and type tokens."""

from __future__ import annotations

IDENTITY, FORMER_IDENTITIES = "__identity", "__former_identities"
"""Hidden inputs: what tells a resource apart from every other one, and what told it apart under its aliases."""
SECRET_INPUTS = "__secret_inputs"  # noqa: S105 - a property
"""Hidden input: the names of those that are secret. The engine tells providers nothing of it."""
FILE_HASHES = {"training_file": "__training_file_sha256", "validation_file": "__validation_file_sha256"}
"""Hidden inputs of a job: the hashes of its files, where they are known."""
TRAINING_DATA = "__training_data"
"""Hidden input of a job: where the local file of its training data is, and how it is judged."""
ESTIMATE = "__estimate"
"""Hidden input of a job, added by its check: what training is likely to come to."""
ESTIMATED = ("estimated_tokens", "estimated_cost_usd")
"""Outputs of a job, and inputs that its check adds: the engine shows policies no input that begins with `__`."""
REQUESTED_INPUTS = "__asked"
"""Output of a job that keeps what the inputs asked for with which it was bought."""


PACKAGE = "pulumi-python"
TYPE_PREFIX = f"{PACKAGE}:dynamic/openai_ft:"
"""How our types begin, and our functions."""


FILE_TYPE = f"{TYPE_PREFIX}File"
JOB_TYPE = f"{TYPE_PREFIX}FineTuningJob"
PERMISSION_TYPE = f"{TYPE_PREFIX}FineTuningCheckpointPermission"
PROVIDER_TYPE = f"pulumi:providers:{PACKAGE}"
"""The provider of ours, whose properties are the stack's configuration."""

"""Hidden properties and type tokens. State files contain these names, so never change them."""

from __future__ import annotations

IDENTITY, FORMER_IDENTITIES = "__identity", "__former_identities"
"""Hidden inputs: the unique identity of a resource, and the identities it had under its aliases."""
VALUES_ONLY = ".*"
"""End of the name of a secret input whose keys are not secret."""
SECRET_INPUTS = "__secret_inputs"  # noqa: S105 - a property
"""Hidden input and output: names of the secret inputs, because the engine does not pass secretness to providers."""
CUSTOM_TIMEOUTS = "__custom_timeouts"
"""Hidden input, and output of a job: the resource option `custom_timeouts`. Pulumi's own host does not pass it on."""
UNSUPPORTED_VALUE = "__unsupported_value"
"""Key of the marker that the program passes in place of a value that Pulumi cannot pass. It never reaches a state."""
TOKEN_KEY = "pulumi_openai_ft_token"  # noqa: S105 - a metadata key
"""Key of the pair in a job's metadata that contains the idempotency key."""
CONTENT_KEY, RESOURCE_KEY = "pulumi_openai_ft_content", "pulumi_openai_ft_resource"
"""Keys of the pairs in a job's metadata that contain the key of its content, and the identity of its resource."""
OWN_METADATA = (TOKEN_KEY, CONTENT_KEY, RESOURCE_KEY)
"""Keys of the pairs that this package adds to a job's metadata, the most important first."""
PENDING_FILE = "__pending_file"
"""Hidden input, unknown in a preview if an unfinished dependency may write the local file of a `File`."""
FILE_HASHES = {"training_file": "__training_file_sha256", "validation_file": "__validation_file_sha256"}
"""Hidden inputs of a job: SHA-256 hashes of its files, if known."""
TRAINING_DATA = "__training_data"
"""Hidden input of a job: path and validation level of the local training file."""
ESTIMATE = "__estimate"
"""Hidden input of a job, added by `check`: the estimated tokens and cost of training."""
ESTIMATED = ("estimated_tokens", "estimated_cost_usd")
"""Outputs of a job that `check` also adds as inputs: the engine hides inputs that begin with `__` from policies."""
VALIDATION_LOSSES = ("first_valid_loss", "best_valid_loss", "final_valid_loss")
"""Outputs of a job: validation loss of its first, best and last epoch."""
REQUESTED_CHECKPOINT = "__asked_checkpoint_id"
"""Output of a permission: the checkpoint's name or id as given by the program."""
DERIVED_OUTPUTS = {
    "fine_tuned_model": ("model", "suffix"),
    "expires_at": ("expires_after",),
    "permission_ids": ("project_ids",),
    REQUESTED_CHECKPOINT: ("checkpoint_id",),
}
"""Outputs that contain values of inputs with other names. Inputs of the same names mark them as secret."""
REQUESTED_INPUTS = "__asked"
"""Output of a job: SHA-256 digests of the inputs with which the job was created."""


PACKAGE = "pulumi-python"
TYPE_PREFIX = f"{PACKAGE}:dynamic/openai_ft:"
"""Prefix of this package's resource types and functions."""


FILE_TYPE = f"{TYPE_PREFIX}File"
JOB_TYPE = f"{TYPE_PREFIX}FineTuningJob"
PERMISSION_TYPE = f"{TYPE_PREFIX}FineTuningCheckpointPermission"
COMPONENT_TYPE = "openai-ft:index:FineTunedModel"
"""Components have no provider, so `pulumi-python` does not appear in it."""
PROVIDER_TYPE = f"pulumi:providers:{PACKAGE}"
"""Type of the provider resource, whose properties are the stack's configuration."""

"""The idempotency key of a job, which prevents paying for the same job twice.

The key is a hash of the resource's identity and of the inputs that the API has. It is stored in the job's metadata.
Before creating a job, the provider searches for existing jobs with the same key.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._provider.job.inputs import REPLACE_ON_CHANGE
from pulumi_openai_ft._shared.state_names import FILE_HASHES, FORMER_IDENTITIES, IDENTITY

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY_LENGTH = 40


def idempotency_keys(props: Mapping[str, Any], inputs: Mapping[str, Any], scope: str | None) -> list[str]:
    """Return the job's idempotency key, followed by its keys under former names of the resource.

    See `idempotency_key` for the arguments.
    """
    identities = [props.get(IDENTITY), *(props.get(FORMER_IDENTITIES) or [])]
    return [idempotency_key({**props, IDENTITY: identity}, inputs, scope) for identity in identities]


def idempotency_key(props: Mapping[str, Any], inputs: Mapping[str, Any], scope: str | None) -> str:
    """Return the idempotency key of a job, 40 hexadecimal digits.

    A file is represented by the hash of its content if the hash is known. Uploading the same content again therefore
    results in the same key.

    Args:
        props: All properties, including the hidden identity and hashes.
        inputs: The validated inputs.
        scope: The setting `openai-ft:idempotencyScope`.
    """
    job_inputs = {name: value for name, value in inputs.items() if name in REPLACE_ON_CHANGE}
    hashes = {
        name: props[hidden]
        for name, hidden in FILE_HASHES.items()
        if name in job_inputs and props.get(hidden)
    }
    hashed = {"identity": props.get(IDENTITY), "owner": scope, "inputs": {**job_inputs, **hashes}}
    return hashlib.sha256(json.dumps(hashed, sort_keys=True).encode()).hexdigest()[:KEY_LENGTH]

"""The token that keeps a job from being paid twice.

It stands in the job's metadata and follows from who asks (the resource's identity) and for what (the API's inputs).
Before a job is created, the jobs that carry its token are looked up.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._provider.job.inputs import REPLACE_ON_CHANGE
from pulumi_openai_ft._shared.state_names import FILE_HASHES, FORMER_IDENTITIES, IDENTITY

if TYPE_CHECKING:
    from collections.abc import Mapping

TOKEN_LENGTH = 40


def idempotency_keys(props: Mapping[str, Any], inputs: Mapping[str, Any], owner: str | None) -> list[str]:
    """The job's token, and those that it had under the resource's former names; see `job_token`."""
    askers = [props.get(IDENTITY), *(props.get(FORMER_IDENTITIES) or [])]
    return [job_token({**props, IDENTITY: asker}, inputs, owner) for asker in askers]


def job_token(props: Mapping[str, Any], inputs: Mapping[str, Any], owner: str | None) -> str:
    """The token of a job that these inputs ask for.

    Files count by their hash where it is known, so that the same content uploaded again asks for the same job.

    Args:
        props: All properties, the hidden identity and hashes among them.
        inputs: The checked inputs.
        owner: The setting of that name.
    """
    asked = {name: value for name, value in inputs.items() if name in REPLACE_ON_CHANGE}
    hashes = {
        name: props[hidden] for name, hidden in FILE_HASHES.items() if name in asked and props.get(hidden)
    }
    recipe = {"identity": props.get(IDENTITY), "owner": owner, "inputs": {**asked, **hashes}}
    return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:TOKEN_LENGTH]

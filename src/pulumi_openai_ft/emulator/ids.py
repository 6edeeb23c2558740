"""Create ids and model names in the API's forms. Source: docs/openai-api.md#ids-and-model-names."""

from __future__ import annotations

import secrets
import string
from hashlib import blake2b

_ALPHANUMERIC = (string.ascii_letters + string.digits).encode()
_OF_EACH_BYTE = bytes(_ALPHANUMERIC[byte % len(_ALPHANUMERIC)] for byte in range(256))


def alphanumeric(length: int) -> str:
    """Random letters and digits; never repeated, so that two emulators never share an id."""
    return secrets.token_bytes(length).translate(_OF_EACH_BYTE).decode()


def new_id(prefix: str) -> str:
    """A new id such as `file-…` or `cp_…`; the prefix brings its separator."""
    return prefix + alphanumeric(24)


def model_name(form: str, base: str, organization: str, suffix: str | None) -> str:
    """A new name of the form that a mode gives to its models."""
    return form.format(
        base=base,
        organization=organization,
        suffix=suffix or "",
        dashed_suffix=f"-{suffix}" if suffix else "",
        tail=alphanumeric(8),
        hex=secrets.token_hex(16),
    )


def checkpoint_name(model: str, step: int) -> str:
    """The name of an earlier checkpoint, out of a model's name of its own."""
    return f"{model}:ckpt-step-{step}"


def event_id(job_id: str, position: int) -> str:
    """The id of a job's event by its place in the job's history, counted from 1."""
    return f"{_event_prefix(job_id)}{position:08x}"


def event_position(job_id: str, event: str) -> int | None:
    """The place that an id of `event_id` stands for, or None where it is none of this job's."""
    prefix, digits = event[:-8], event[-8:]
    if prefix != _event_prefix(job_id) or not set(digits) <= set(string.hexdigits.lower()):
        return None
    return int(digits, 16)


def _event_prefix(job_id: str) -> str:
    return "ftevent-" + blake2b(job_id.encode(), digest_size=8).hexdigest()


def mask(key: str) -> str:
    """A key as it may be shown and kept: its sort, and its last four characters where it is long enough."""
    kind = "sk-admin-" if key.startswith("sk-admin-") else key[:3]
    return f"{kind}…{key[-4:]}" if len(key) >= len(kind) + 8 else "…"

"""Ids and model names in the API's formats. Source: docs/openai-api.md#ids-and-model-names."""

from __future__ import annotations

import secrets
import string
from hashlib import blake2b

_ALPHANUMERIC = (string.ascii_letters + string.digits).encode()
_OF_EACH_BYTE = bytes(_ALPHANUMERIC[byte % len(_ALPHANUMERIC)] for byte in range(256))


def alphanumeric(length: int) -> str:
    """Return random letters and digits. They do not depend on a seed, so that two servers never share an id."""
    return secrets.token_bytes(length).translate(_OF_EACH_BYTE).decode()


def new_id(prefix: str) -> str:
    """Return a new id such as `file-…` or `cp_…`. The prefix includes the separator."""
    return prefix + alphanumeric(24)


def model_name(form: str, base: str, organization: str, suffix: str | None) -> str:
    """Return a new model name in a mode's format."""
    return form.format(
        base=base,
        organization=organization,
        suffix=suffix or "",
        dashed_suffix=f"-{suffix}" if suffix else "",
        tail=alphanumeric(8),
        hex=secrets.token_hex(16),
    )


def checkpoint_name(model: str, step: int) -> str:
    """Return the name of an intermediate checkpoint, based on a new model name."""
    return f"{model}:ckpt-step-{step}"


def event_id(job_id: str, position: int) -> str:
    """Return the id of a job's event. Positions count from 1."""
    return f"{_event_prefix(job_id)}{position:08x}"


def event_position(job_id: str, event: str) -> int | None:
    """Return the position of an event by its id, or None if the id does not belong to this job."""
    prefix, digits = event[:-8], event[-8:]
    if prefix != _event_prefix(job_id) or not set(digits) <= set(string.hexdigits.lower()):
        return None
    return int(digits, 16)


def _event_prefix(job_id: str) -> str:
    return "ftevent-" + blake2b(job_id.encode(), digest_size=8).hexdigest()


def mask(key: str) -> str:
    """Mask a key: keep its prefix and, if the key is long enough, its last four characters."""
    kind = "sk-admin-" if key.startswith("sk-admin-") else key[:3]
    return f"{kind}…{key[-4:]}" if len(key) >= len(kind) + 8 else "…"

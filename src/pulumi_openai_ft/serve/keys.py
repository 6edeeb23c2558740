"""API keys of the service. The configuration contains only their hashes."""

from __future__ import annotations

import secrets
from datetime import date
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

if TYPE_CHECKING:
    from collections.abc import Iterable

PROJECT_PREFIX = "sk-proj-"
ADMIN_PREFIX = "sk-admin-"
DEFAULT_PROJECT = "proj_default"
PROJECT_PATTERN = r"^proj_[A-Za-z0-9_-]+$"
_RANDOM_BYTES = 32
_VISIBLE_TAIL = 4


class Key(BaseModel):
    """An API key without its text.

    A project key can do everything in its project except manage checkpoint permissions. An admin key can only manage
    checkpoint permissions, as at OpenAI.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", frozen=True, strict=True, defer_build=True
    )

    hash: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
    """`sha256:` and the hash of the key. A key has 256 random bits, so that no slow hash is needed."""
    masked: Annotated[str, Field(min_length=1)]
    """The key's prefix and last characters, by which you recognize it."""
    project: Annotated[str, Field(pattern=PROJECT_PATTERN)] | None = None
    """Project of a project key. For an admin key, only a note: it manages the permissions of all projects."""
    admin: bool = False
    """Whether this is an admin key."""
    created: date | None = None
    """Day on which the key was made."""

    @model_validator(mode="after")
    def _has_project_or_is_admin(self) -> Self:
        if not self.admin and self.project is None:
            raise ValueError("needs a project, such as proj_default, or admin = true")
        return self


def make_key(*, project: str | None, admin: bool, today: date) -> tuple[str, Key]:
    """Make a key of 256 random bits. Return its text, which is not stored anywhere, and its entry."""
    text = (ADMIN_PREFIX if admin else PROJECT_PREFIX) + secrets.token_urlsafe(_RANDOM_BYTES)
    entry = Key(
        hash=hash_key(text),
        masked=mask_key(text),
        project=project,
        admin=admin,
        created=today,
    )
    return text, entry


def hash_key(text: str) -> str:
    """Return the hash of a key's text, as the configuration contains it."""
    return f"sha256:{sha256(text.encode()).hexdigest()}"


def mask_key(text: str) -> str:
    """Return the prefix and the last characters of a key that this module made."""
    prefix = ADMIN_PREFIX if text.startswith(ADMIN_PREFIX) else PROJECT_PREFIX
    return f"{prefix}…{text[-_VISIBLE_TAIL:]}"


def find_key(keys: Iterable[Key], text: str) -> Key | None:
    """Return the entry of a key's text, or None if no key has this text."""
    sought = hash_key(text)
    return next((key for key in keys if secrets.compare_digest(key.hash, sought)), None)

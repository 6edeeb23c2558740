"""Identify the key of a request and check its scopes. Source: docs/openai-api.md#keys-and-scopes."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from pulumi_openai_ft.server.errors import ApiError
from pulumi_openai_ft.server.ids import mask

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pulumi_openai_ft.server.settings import ServiceSettings

ADMIN_PREFIX = "sk-admin-"
ADMIN_SCOPES = frozenset({"api.fine_tuning.checkpoints.read", "api.fine_tuning.checkpoints.write"})
PROJECT_SCOPES = frozenset(
    {
        "api.files.read",
        "api.files.write",
        "api.fine_tuning.jobs.read",
        "api.fine_tuning.jobs.write",
        "api.model.read",
        "api.model.write",
        "model.request",
    }
)


@dataclass(frozen=True)
class Key:
    """An API key, without its text.

    Attributes:
        masked: The key as `sk-…` with its last characters.
        admin: Whether this is an admin key.
        scopes: The scopes of the key.
        project: The project of the key; None accepts any project that a request names.
    """

    masked: str
    admin: bool
    scopes: frozenset[str]
    project: str | None = None


@dataclass(slots=True)
class Keyring:
    """The registered keys.

    Until you register a project key, every project key works, unless `strict`. The same applies to admin keys.
    """

    settings: ServiceSettings
    strict: bool = False
    _keys: dict[str, Key] = field(default_factory=dict)

    def add(self, text: str, *, project: str | None = None, scopes: Collection[str] | None = None) -> Key:
        """Register a key. By default, it has all scopes of a project key or an admin key."""
        key = _unregistered_key(text)
        known = Key(key.masked, key.admin, key.scopes if scopes is None else frozenset(scopes), project)
        self.register(digest(text), known)
        return known

    def register(self, key_digest: str, key: Key) -> None:
        """Register a key by the digest of its text."""
        self._keys[key_digest] = key

    def clear(self) -> None:
        """Remove all registered keys, so that every key works again."""
        self._keys.clear()

    def all(self) -> list[Key]:
        """Return the registered keys, in the order of registration."""
        return list(self._keys.values())

    def identify(self, text: str) -> Key:
        """Return the key with this text. Raise a 401 if it is not registered but other keys of its kind are."""
        key = _unregistered_key(text)
        guarded = self.strict or any(known.admin == key.admin for known in self._keys.values())
        if not guarded:
            return key
        if (known := self._keys.get(digest(text))) is None:
            raise ApiError(401, f"Incorrect API key provided: {key.masked}.", code="invalid_api_key")
        return known

    def require(self, key: Key, scope: str | None) -> None:
        """Raise the error for a missing scope, with the status in the settings (401 or 403), if the key lacks it."""
        if scope is None or scope in key.scopes:
            return
        raise ApiError(
            self.settings.missing_scope_status,
            "You have insufficient permissions for this operation. "
            f"Missing scopes: {scope}. Check that you have the correct role in your organization and project, "
            "and if you're using a restricted API key, that it has the necessary scopes.",
            code="missing_scope" if self.settings.missing_scope_status == 403 else None,  # noqa: PLR2004  # Forbidden
        )

    def project(self, key: Key, named: str | None) -> str:
        """Return the project of a request. Raise a 401 if the request names a different project than the key's."""
        if key.project is not None and named not in (None, key.project):
            raise ApiError(
                401,
                f"OpenAI-Project header should match the key's project, not {named}.",
                code="mismatched_project",
            )
        project = key.project or named or self.settings.project
        if not self.settings.knows_project(project):
            raise ApiError(401, f"Project {project} does not exist.", code="invalid_project")
        return project


def key_in(headers: Mapping[str, str], name: str) -> str:
    """Return the key's text from the header `name`. Raise a 401 if the header is missing or malformed."""
    if name == "authorization":
        return _bearer(headers.get(name))
    if not (text := headers.get(name, "").strip()):
        raise ApiError(401, f"Access denied: provide a valid key in the header {name}.", code="401")
    return text


def _bearer(header: str | None) -> str:
    scheme, _, text = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        raise ApiError(
            401,
            "You didn't provide an API key. Put it into an Authorization header using Bearer auth "
            "(i.e. Authorization: Bearer YOUR_KEY).",
        )
    return text.strip()


def _unregistered_key(text: str) -> Key:
    admin = text.startswith(ADMIN_PREFIX)
    return Key(mask(text), admin, ADMIN_SCOPES if admin else PROJECT_SCOPES)


def digest(text: str) -> str:
    """Return the SHA-256 digest of a key's text, in hexadecimal."""
    return sha256(text.encode()).hexdigest()

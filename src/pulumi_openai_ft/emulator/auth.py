"""Identify the key of a request and check its scopes. Source: docs/openai-api.md#keys-and-scopes."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from pulumi_openai_ft.emulator.errors import ApiError
from pulumi_openai_ft.emulator.ids import mask

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pulumi_openai_ft.emulator.settings import Settings

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
    }
)


@dataclass(frozen=True)
class Key:
    """A key as the emulator knows it: never its text. Without a project it serves whichever one a request names."""

    masked: str
    admin: bool
    scopes: frozenset[str]
    project: str | None = None


@dataclass
class Keyring:
    """The keys that are known. Until one of its sort is added, every project key and every admin key works."""

    settings: Settings
    _keys: dict[str, Key] = field(default_factory=dict)

    def add(self, text: str, *, project: str | None = None, scopes: Collection[str] | None = None) -> Key:
        """Makes a key known, with all scopes of its sort unless some are named."""
        key = _plain_key(text)
        known = Key(key.masked, key.admin, key.scopes if scopes is None else frozenset(scopes), project)
        self._keys[_digest(text)] = known
        return known

    def clear(self) -> None:
        """Forgets all keys, so that every key works again."""
        self._keys.clear()

    def all(self) -> list[Key]:
        """The known keys, in the order of their adding."""
        return list(self._keys.values())

    def identify(self, text: str) -> Key:
        """The key with this text. Raises a 401 where only others are known."""
        key = _plain_key(text)
        guarded = any(known.admin == key.admin for known in self._keys.values())
        if not guarded:
            return key
        if (known := self._keys.get(_digest(text))) is None:
            raise ApiError(401, f"Incorrect API key provided: {key.masked}.", code="invalid_api_key")
        return known

    def require(self, key: Key, scope: str | None) -> None:
        """Raises the answer for a missing scope, 401 or 403 as the settings say, unless the key has it."""
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
        """The project that a request works in. Raises a 401 where the key belongs to another than is named."""
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
    """The key's text in the header that carries it. Raises a 401 where it is missing or malformed."""
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


def _plain_key(text: str) -> Key:
    admin = text.startswith(ADMIN_PREFIX)
    return Key(mask(text), admin, ADMIN_SCOPES if admin else PROJECT_SCOPES)


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()

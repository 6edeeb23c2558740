"""Where settings come from: the only module that names configuration keys and environment variables."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from pulumi_openai_ft.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CONFIG_NAMESPACE = "openai-ft"
DEFAULT_BASE_URL = "https://api.openai.com/v1"
MISSING_API_KEY = "no API key is set: run `pulumi config set --secret openai-ft:apiKey`, or set OPENAI_API_KEY in the environment"
MISSING_ADMIN_KEY = (
    "checkpoint permissions need an admin key: run `pulumi config set --secret openai-ft:adminKey`, "
    "or set OPENAI_ADMIN_KEY in the environment"
)
_KEY_LIKE = re.compile(r"\bsk-[A-Za-z0-9_\-]{4,}")
_VISIBLE_TAIL = 4


class Source(NamedTuple):
    """Where one setting may stand, in the order in which it is looked for."""

    config_key: str
    environment: tuple[str, ...] = ()


SOURCES: dict[str, Source] = {
    "api_key": Source("apiKey", ("OPENAI_API_KEY",)),
    "admin_key": Source("adminKey", ("OPENAI_ADMIN_KEY",)),
    "organization": Source("organization", ("OPENAI_ORG_ID", "OPENAI_ORGANIZATION")),
    "project": Source("project", ("OPENAI_PROJECT_ID",)),
    "base_url": Source("baseUrl", ("OPENAI_BASE_URL",)),
    "owner": Source("owner"),
    "max_retries": Source("maxRetries"),
    "timeout": Source("timeout"),
    "poll_interval": Source("pollInterval"),
}


@dataclass(frozen=True)
class Settings:
    """What a call to the service needs to know.

    Attributes:
        api_key: Project key, for everything but permissions. Never shown by `repr`.
        admin_key: Admin key, for permission calls alone. Never shown by `repr`.
        organization: `org-…`, sent as `OpenAI-Organization`.
        project: `proj_…`, sent as `OpenAI-Project`.
        base_url: The API's root, without a slash at its end.
        owner: Tells stacks of one name apart that share a project but not a backend.
        max_retries: How often a request is repeated that may be repeated.
        timeout: Seconds that one request may take.
        poll_interval: Seconds between two looks at waiting jobs, at the most.
    """

    api_key: str | None = field(default=None, repr=False)
    admin_key: str | None = field(default=None, repr=False)
    organization: str | None = None
    project: str | None = None
    base_url: str = DEFAULT_BASE_URL
    owner: str | None = None
    max_retries: int = 4
    timeout: float = 600.0
    poll_interval: float = 10.0

    @classmethod
    def resolve(
        cls, config: Callable[[str], str | None], environment: Mapping[str, str] | None = None
    ) -> Settings:
        """Looks each setting up in the Pulumi configuration, then in the environment.

        Args:
            config: Gives the value of a full key such as `openai-ft:apiKey`, or None.
            environment: Environment variables; those of the process by default.

        Raises:
            SettingsError: A value is malformed, or project and admin key are the same.
        """
        environment = os.environ if environment is None else environment
        found = {name: _look_up(source, config, environment) for name, source in SOURCES.items()}
        given = {name: value for name, value in found.items() if value is not None}
        settings = cls(
            **{
                name: given[name]
                for name in ("api_key", "admin_key", "organization", "project", "owner")
                if name in given
            },
            base_url=_base_url(given.get("base_url", DEFAULT_BASE_URL)),
            max_retries=int(_number("max_retries", given, cls.max_retries)),
            timeout=_number("timeout", given, cls.timeout),
            poll_interval=_number("poll_interval", given, cls.poll_interval),
        )
        settings._refuse_equal_keys()
        return settings

    def require_key(self, *, admin: bool) -> str:
        """The admin key or the project key.

        Raises:
            SettingsError: It is not set.
        """
        key = self.admin_key if admin else self.api_key
        if key is None:
            raise SettingsError(MISSING_ADMIN_KEY if admin else MISSING_API_KEY)
        return key

    def describe(self, *, admin: bool) -> str:
        """Names base URL, project and kind of key, for errors that come from asking the wrong place."""
        project = f"project {self.project}" if self.project else "the key's own project"
        kind = "admin key" if admin else "project key"
        return f"{self.base_url}, {project}, {kind} {mask_key(self.require_key(admin=admin))}"

    def mask(self, text: str) -> str:
        """Takes everything out of a text that is a key or looks like one."""
        for key in (self.api_key, self.admin_key):
            if key:
                text = text.replace(key, mask_key(key))
        return _KEY_LIKE.sub(lambda match: mask_key(match.group()), text)

    def _refuse_equal_keys(self) -> None:
        if self.api_key is not None and self.api_key == self.admin_key:
            raise SettingsError(
                "openai-ft:apiKey and openai-ft:adminKey are the same key: a project key cannot manage permissions "
                "and an admin key cannot train; set two keys"
            )


def mask_key(key: str) -> str:
    """A key's recognisable remains: `sk-…` and its last four characters if it is long enough to spare them."""
    if key.startswith("sk-…"):
        return key
    return f"sk-…{key[-_VISIBLE_TAIL:]}" if len(key) >= 4 * _VISIBLE_TAIL else "sk-…"


def _look_up(
    source: Source, config: Callable[[str], str | None], environment: Mapping[str, str]
) -> str | None:
    candidates = [
        config(f"{CONFIG_NAMESPACE}:{source.config_key}"),
        *map(environment.get, source.environment),
    ]
    return next(
        (str(value).strip() for value in candidates if value is not None and str(value).strip()), None
    )


def _base_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise SettingsError(
            f"openai-ft:baseUrl is {value!r}: write a whole address such as {DEFAULT_BASE_URL!r} (or OPENAI_BASE_URL)"
        )
    return value.rstrip("/")


def _number(name: str, given: Mapping[str, str], default: float) -> float:
    text = given.get(name)
    if text is None:
        return default
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not number >= 0:
        raise SettingsError(f"openai-ft:{SOURCES[name].config_key} is {text!r}: write a number of at least 0")
    return number

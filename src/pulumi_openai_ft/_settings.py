"""Where settings come from: the only module that names configuration keys and environment variables.

One variable is not here: `_shared/clock.py` reads OPENAI_FT_TODAY, which is no setting of a stack.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import SplitResult, parse_qsl, quote, urlsplit

from pulumi_openai_ft._service_profiles import FEATURES, PROFILES, Profile
from pulumi_openai_ft.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

CONFIG_NAMESPACE = "openai-ft"
DEFAULT_BASE_URL = "https://api.openai.com/v1"
MISSING_API_KEY = "no API key is set: run `pulumi config set --secret openai-ft:apiKey`, or set OPENAI_API_KEY in the environment"
MISSING_ADMIN_KEY = (
    "checkpoint permissions need an admin key: run `pulumi config set --secret openai-ft:adminKey`, "
    "or set OPENAI_ADMIN_KEY in the environment"
)
_KEY_LIKE = re.compile(r"\bsk-[A-Za-z0-9_\-]{4,}")
_CREDENTIALS = re.compile(r"(?<=://)[^/\s@]*@")
_UNFIT_FOR_ADDRESS = re.compile(r"[^!-~]")
_VISIBLE_TAIL = 4
LARGEST_NUMBER = 1_000_000.0
ENVIRONMENT = os.environ


class Source(NamedTuple):
    """Places of one setting, in the order in which they are searched."""

    config_key: str
    environment: tuple[str, ...] = ()


SOURCES: dict[str, Source] = {
    "api_key": Source("apiKey", ("OPENAI_API_KEY",)),
    "admin_key": Source("adminKey", ("OPENAI_ADMIN_KEY",)),
    "organization": Source("organization", ("OPENAI_ORG_ID", "OPENAI_ORGANIZATION")),
    "project": Source("project", ("OPENAI_PROJECT_ID",)),
    "base_url": Source("baseUrl", ("OPENAI_BASE_URL",)),
    "idempotency_scope": Source("idempotencyScope"),
    "max_retries": Source("maxRetries"),
    "timeout": Source("timeout"),
    "poll_interval": Source("pollInterval"),
    "multipart_threshold": Source("multipartThreshold"),
    "service": Source("service"),
    "api_key_header": Source("apiKeyHeader"),
    "query": Source("query"),
    "unsupported": Source("unsupportedFeatures"),
    "hyperparameters": Source("hyperparameters"),
    "catalog": Source("catalog"),
    "shutdown_warning_days": Source("shutdownWarningDays"),
}
DENY_THIRD_PARTY_PROVIDERS = Source("denyThirdPartyProviders")
"""A setting of the host; all others are about requests to the service."""
RENAMED = {
    "owner": "idempotencyScope",
    "uploadPartsAbove": "multipartThreshold",
    "keyHeader": "apiKeyHeader",
    "lacks": "unsupportedFeatures",
    "onlyOwnResources": "denyThirdPartyProviders",
}
"""Former configuration keys. States hold them, so `refresh` and `destroy` read them; `preview` and `up` refuse them."""
REMOVED = ("operationTimeout", "adminRequestsPerMinute")
"""Configuration keys without an effect any more, which `preview` and `up` refuse, too."""
KEYS_IN_CONFIGURATION = tuple(
    f"{CONFIG_NAMESPACE}:{SOURCES[name].config_key}" for name in ("api_key", "admin_key")
)
"""Full configuration keys of the settings that are secret."""


@dataclass(frozen=True)
class Settings:
    """Settings of requests to one service.

    Attributes:
        api_key: Project key, for everything but permissions. Never shown by `repr`.
        admin_key: Admin key, for permission calls only. Never shown by `repr`.
        organization: `org-…`, sent as `OpenAI-Organization`.
        project: `proj_…`, sent as `OpenAI-Project`.
        base_url: The API's root, without a trailing slash.
        idempotency_scope: Distinguishes identically named stacks on different Pulumi backends that use the same
            OpenAI project.
        max_retries: Maximum number of retries of a request.
        timeout: Maximum number of seconds without a byte from the service.
        poll_interval: Maximum number of seconds between two polls of waiting jobs.
        multipart_threshold: Size in MB (a million bytes) above which a file is uploaded in parts.
        profile: Differences between the service and OpenAI: the settings `service`, `apiKeyHeader`, `query`,
            `unsupportedFeatures` and `hyperparameters`.
        catalog: Additions of the user to the model catalog, JSON.
        shutdown_warning_days: Number of days before a model's shutdown from which on a preview warns.
        outdated_keys: Full configuration keys that are set but were renamed or removed.
    """

    api_key: str | None = field(default=None, repr=False)
    admin_key: str | None = field(default=None, repr=False)
    organization: str | None = None
    project: str | None = None
    base_url: str = DEFAULT_BASE_URL
    idempotency_scope: str | None = None
    max_retries: int = 4
    timeout: float = 600.0
    poll_interval: float = 10.0
    multipart_threshold: float = 64.0
    profile: Profile = PROFILES["openai"]
    catalog: str | None = None
    shutdown_warning_days: float = 60.0
    outdated_keys: tuple[str, ...] = ()

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
        environment = ENVIRONMENT if environment is None else environment
        found = {name: _look_up(source, config, environment) for name, source in SOURCES.items()}
        given = {name: value for name, value in found.items() if value is not None}

        def number(name: str) -> float:
            return _number(name, given, getattr(cls, name))

        settings = cls(
            api_key=given.get("api_key"),
            admin_key=given.get("admin_key"),
            organization=given.get("organization"),
            project=given.get("project"),
            base_url=_base_url(given.get("base_url", DEFAULT_BASE_URL)),
            idempotency_scope=given.get("idempotency_scope"),
            max_retries=int(number("max_retries")),
            timeout=number("timeout"),
            poll_interval=number("poll_interval"),
            multipart_threshold=number("multipart_threshold"),
            profile=_profile(given),
            catalog=_json_object("catalog", given),
            shutdown_warning_days=number("shutdown_warning_days"),
            outdated_keys=tuple(_outdated_keys(config)),
        )
        settings._validate_header_values()
        settings._refuse_equal_keys()
        return settings

    def require_current_keys(self) -> None:
        """Refuse outdated configuration keys, for commands that run the program.

        Raises:
            SettingsError: Some are set; the text has the commands that repair each.
        """
        if self.outdated_keys:
            raise SettingsError("; ".join(map(_outdated_key_message, self.outdated_keys)))

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
        return f"{self.base_url}, {self.caller(admin=admin)}"

    def caller(self, *, admin: bool) -> str:
        """Names project and kind of key."""
        project = f"project {self.project}" if self.project else "the key's own project"
        kind = "admin key" if admin else "project key"
        return f"{project}, {kind} {mask_key(self.require_key(admin=admin))}"

    def mask(self, text: str) -> str:
        """Takes everything out of a text that is a key or looks like one, and passwords out of addresses."""
        keys = [key for key in (self.api_key, self.admin_key) if key]
        forms = {form: key for key in keys for form in (quote(key, safe=""), key)}
        for form in sorted(forms, key=len, reverse=True):  # a key may be the beginning of another
            text = text.replace(form, mask_key(forms[form]))
        return _mask_what_looks_secret(text)

    def _validate_header_values(self) -> None:
        for name in ("api_key", "admin_key", "organization", "project"):
            if _UNFIT_FOR_ADDRESS.search(getattr(self, name) or ""):
                source = SOURCES[name]
                raise SettingsError(
                    f"openai-ft:{source.config_key} (or {source.environment[0]}) holds blanks or characters beyond "
                    f"ASCII: copy it again from where it was made"
                )

    def _refuse_equal_keys(self) -> None:
        if self.api_key is not None and self.api_key == self.admin_key:
            raise SettingsError(
                "openai-ft:apiKey and openai-ft:adminKey are the same key: a project key cannot manage permissions "
                "and an admin key cannot train; set two keys"
            )


def denies_third_party_providers(config: Callable[[str], str | None]) -> bool:
    """Return whether the host must refuse dynamic resources of other packages.

    Raises:
        SettingsError: The value is neither true nor false.
    """
    text = _look_up(DENY_THIRD_PARTY_PROVIDERS, config, {}) or "false"
    if text not in ("true", "false"):
        raise SettingsError(
            f"openai-ft:{DENY_THIRD_PARTY_PROVIDERS.config_key} is {text!r}: write true or false"
        )
    return text == "true"


def project_name() -> str:
    """Name of the Pulumi project whose engine started this process, as the stock host takes it."""
    return ENVIRONMENT.get("PULUMI_PROJECT", "project")


def mask_key(key: str) -> str:
    """A key's recognisable remains: `sk-…` and its last four characters if it is long enough to spare them."""
    if key.startswith("sk-…"):
        return key
    return f"sk-…{key[-_VISIBLE_TAIL:]}" if len(key) >= 4 * _VISIBLE_TAIL else "sk-…"


def _look_up(
    source: Source, config: Callable[[str], str | None], environment: Mapping[str, str]
) -> str | None:
    former = (old for old, new in RENAMED.items() if new == source.config_key)
    candidates = [
        *(config(f"{CONFIG_NAMESPACE}:{key}") for key in (source.config_key, *former)),
        *map(environment.get, source.environment),
    ]
    return next(
        (str(value).strip() for value in candidates if value is not None and str(value).strip()), None
    )


def _outdated_key_message(key: str) -> str:
    remove, new_name = f"`pulumi config rm {key}`", RENAMED.get(key.split(":", 1)[1])
    if new_name is None:
        return f"{key} has no effect any more: run {remove}"
    new = f"{CONFIG_NAMESPACE}:{new_name}"
    return f"{key} is now {new}: run `pulumi config set {new}` with the same value, then {remove}"


def _outdated_keys(config: Callable[[str], str | None]) -> Iterator[str]:
    for name in (*RENAMED, *REMOVED):
        if config(key := f"{CONFIG_NAMESPACE}:{name}") is not None:
            yield key


def _json_object(name: str, given: Mapping[str, str]) -> str | None:
    """The text of a JSON object."""
    text = given.get(name)
    try:
        fits = text is None or isinstance(json.loads(text), dict)
    except ValueError:
        fits = False
    if not fits:
        raise SettingsError(
            f"openai-ft:{SOURCES[name].config_key} is no JSON object: set its parts with `pulumi config set --path`"
        )
    return text


def _profile(given: Mapping[str, str]) -> Profile:
    """The profile that is named, with each field that is set alone."""
    name = given.get("service", "openai")
    if name not in PROFILES:
        raise SettingsError(f"openai-ft:service is {name!r}: write one of {', '.join(sorted(PROFILES))}")
    changes: dict[str, Any] = {}
    if "api_key_header" in given:
        changes["api_key_header"] = given["api_key_header"].lower()
    if "query" in given:
        changes["query"] = tuple(parse_qsl(given["query"]))
    for field_name in ("unsupported", "hyperparameters"):
        if field_name in given:
            changes[field_name] = frozenset(filter(None, map(str.strip, given[field_name].split(","))))
    if unknown := changes.get("unsupported", frozenset()) - FEATURES.keys():
        raise SettingsError(
            f"openai-ft:unsupportedFeatures has {sorted(unknown)}: write some of {', '.join(FEATURES)}"
        )
    return replace(PROFILES[name], **changes)


def _base_url(value: str) -> str:
    shown = _mask_what_looks_secret(value.split("?", maxsplit=1)[0])
    try:
        parts = urlsplit(value)
        whole = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        whole = False
    if not whole or _UNFIT_FOR_ADDRESS.search(value):
        raise SettingsError(
            f"openai-ft:baseUrl is {shown!r}: write a whole address such as {DEFAULT_BASE_URL!r} (or OPENAI_BASE_URL)"
        )
    if reason := _unsupported_url_part(parts):
        raise SettingsError(f"openai-ft:baseUrl (or OPENAI_BASE_URL) {shown!r} holds {reason}")
    return value.rstrip("/")


def _unsupported_url_part(parts: SplitResult) -> str:
    """What an address holds that would be lost on the way or shown in every error."""
    if "@" in parts.netloc:
        return "a user or password, which errors and state would show: leave it out, keys go into openai-ft:apiKey"
    return "a query or fragment: leave out what follows the path" if parts.query or parts.fragment else ""


def _mask_what_looks_secret(text: str) -> str:
    return _CREDENTIALS.sub("…@", _KEY_LIKE.sub(lambda match: mask_key(match.group()), text))


def _number(name: str, given: Mapping[str, str], default: float) -> float:
    text = given.get(name)
    if text is None:
        return default
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= LARGEST_NUMBER:
        raise SettingsError(
            f"openai-ft:{SOURCES[name].config_key} is {text!r}: write a number from 0 to {LARGEST_NUMBER:.0f}"
        )
    return number

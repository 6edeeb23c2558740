"""Where settings come from: the only module that names configuration keys and environment variables."""

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
    from collections.abc import Callable, Mapping

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
    "operation_timeout": Source("operationTimeout"),
    "admin_requests_per_minute": Source("adminRequestsPerMinute"),
    "poll_interval": Source("pollInterval"),
    "upload_parts_above": Source("uploadPartsAbove"),
    "service": Source("service"),
    "key_header": Source("keyHeader"),
    "query": Source("query"),
    "lacks": Source("lacks"),
    "hyperparameters": Source("hyperparameters"),
    "catalog": Source("catalog"),
    "shutdown_warning_days": Source("shutdownWarningDays"),
}
ONLY_OWN_RESOURCES = Source("onlyOwnResources")
"""A setting of our host, where all others are of calls to the service."""
KEYS_IN_CONFIGURATION = tuple(
    f"{CONFIG_NAMESPACE}:{SOURCES[name].config_key}" for name in ("api_key", "admin_key")
)
"""Full configuration keys of the settings that are secret."""


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
        timeout: Seconds that the service may take to answer one try of a request.
        operation_timeout: Seconds that a request may take with all its tries. A body on its way to the service is not
            cut off, and the queue of paced admin calls does not count.
        admin_requests_per_minute: How fast admin calls follow each other once the service found them too fast; 0
            leaves each alone.
        poll_interval: Seconds between two looks at waiting jobs, at the most.
        upload_parts_above: Size in MB, of a million bytes, above which a file is uploaded in parts.
        profile: How the service differs from OpenAI: the settings `service`, `keyHeader`, `query`, `lacks` and
            `hyperparameters`.
        catalog: What the user knows of models beyond the catalogue, JSON.
        shutdown_warning_days: How many days before a model's shutdown a preview warns.
    """

    api_key: str | None = field(default=None, repr=False)
    admin_key: str | None = field(default=None, repr=False)
    organization: str | None = None
    project: str | None = None
    base_url: str = DEFAULT_BASE_URL
    owner: str | None = None
    max_retries: int = 4
    timeout: float = 600.0
    operation_timeout: float = 1800.0
    admin_requests_per_minute: float = 6.0
    poll_interval: float = 10.0
    upload_parts_above: float = 64.0
    profile: Profile = PROFILES["openai"]
    catalog: str | None = None
    shutdown_warning_days: float = 60.0

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
            owner=given.get("owner"),
            max_retries=int(number("max_retries")),
            timeout=number("timeout"),
            operation_timeout=number("operation_timeout"),
            admin_requests_per_minute=number("admin_requests_per_minute"),
            poll_interval=number("poll_interval"),
            upload_parts_above=number("upload_parts_above"),
            profile=_profile(given),
            catalog=_json_object("catalog", given),
            shutdown_warning_days=number("shutdown_warning_days"),
        )
        settings._refuse_what_no_header_can_carry()
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

    def _refuse_what_no_header_can_carry(self) -> None:
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


def only_own_resources(config: Callable[[str], str | None]) -> bool:
    """Whether our host is to refuse dynamic resources of others. Raises `SettingsError` for what is no truth value."""
    text = _look_up(ONLY_OWN_RESOURCES, config, {}) or "false"
    if text not in ("true", "false"):
        raise SettingsError(f"openai-ft:{ONLY_OWN_RESOURCES.config_key} is {text!r}: write true or false")
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
    candidates = [
        config(f"{CONFIG_NAMESPACE}:{source.config_key}"),
        *map(environment.get, source.environment),
    ]
    return next(
        (str(value).strip() for value in candidates if value is not None and str(value).strip()), None
    )


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
    if "key_header" in given:
        changes["key_header"] = given["key_header"].lower()
    if "query" in given:
        changes["query"] = tuple(parse_qsl(given["query"]))
    for field_name in ("lacks", "hyperparameters"):
        if field_name in given:
            changes[field_name] = frozenset(filter(None, map(str.strip, given[field_name].split(","))))
    if unknown := changes.get("lacks", frozenset()) - FEATURES.keys():
        raise SettingsError(f"openai-ft:lacks names {sorted(unknown)}: write some of {', '.join(FEATURES)}")
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
    if reason := _surplus(parts):
        raise SettingsError(f"openai-ft:baseUrl (or OPENAI_BASE_URL) {shown!r} holds {reason}")
    return value.rstrip("/")


def _surplus(parts: SplitResult) -> str:
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

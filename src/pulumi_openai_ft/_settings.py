"""Settings. Only this module names configuration keys and environment variables.

The exception is OPENAI_FT_TODAY, which `_shared/clock.py` reads, because it is not a setting of a stack.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import SplitResult, parse_qsl, quote, urlsplit

from pulumi_openai_ft._service_profiles import FEATURES, PROFILES, Profile
from pulumi_openai_ft._shared.suggestions import closest, did_you_mean
from pulumi_openai_ft.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

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
    """The configuration key and environment variables of a setting, in order of precedence."""

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
"""A setting of the host. All other settings apply to requests to the service."""
RENAMED = {
    "owner": "idempotencyScope",
    "uploadPartsAbove": "multipartThreshold",
    "keyHeader": "apiKeyHeader",
    "lacks": "unsupportedFeatures",
    "onlyOwnResources": "denyThirdPartyProviders",
}
"""Former configuration keys. `refresh` and `destroy` read them from old states; `preview` and `up` reject them."""
REMOVED = ("operationTimeout", "adminRequestsPerMinute")
"""Configuration keys that no longer have an effect. `preview` and `up` reject them as well."""
KEYS_IN_CONFIGURATION = tuple(
    f"{CONFIG_NAMESPACE}:{SOURCES[name].config_key}" for name in ("api_key", "admin_key")
)
"""Full configuration keys of the secret settings."""


@dataclass(frozen=True)
class Settings:
    """The settings of requests to a service.

    Attributes:
        api_key: Project key, for all requests except permissions. Excluded from `repr`.
        admin_key: Admin key, only for permissions. Excluded from `repr`.
        organization: `org-…`, sent as `OpenAI-Organization`.
        project: `proj_…`, sent as `OpenAI-Project`.
        base_url: Root URL of the API, without a trailing slash.
        idempotency_scope: Distinguishes identically named stacks on different Pulumi backends that use the same
            OpenAI project.
        max_retries: Maximum number of retries of a request.
        timeout: Maximum number of seconds without a byte from the service.
        poll_interval: Maximum number of seconds between two polls of waiting jobs.
        multipart_threshold: Size in MB (a million bytes) above which a file is uploaded in parts.
        profile: Differences between the service and OpenAI: the settings `service`, `apiKeyHeader`, `query`,
            `unsupportedFeatures` and `hyperparameters`.
        catalog: The user's additions to the model catalog, as JSON.
        shutdown_warning_days: Number of days before a model's shutdown when previews begin to warn.
        outdated_keys: Full configuration keys that the stack still sets but that were renamed or removed.
        unknown_keys: Full configuration keys of this package that the stack sets and that do not exist.
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
    unknown_keys: tuple[str, ...] = ()

    @classmethod
    def resolve(
        cls,
        config: Callable[[str], str | None],
        environment: Mapping[str, str] | None = None,
        *,
        keys: Iterable[str] = (),
    ) -> Settings:
        """Read each setting from the Pulumi configuration, or else from the environment.

        Args:
            config: Returns the value of a full key such as `openai-ft:apiKey`, or None.
            environment: Environment variables; by default those of the process.
            keys: All full keys of the configuration, to find those that do not exist.

        Raises:
            SettingsError: A value is malformed, or the project key and the admin key are equal.
        """
        environment = ENVIRONMENT if environment is None else environment
        found = {name: _look_up(source, config, environment) for name, source in SOURCES.items()}
        values = {name: value for name, value in found.items() if value is not None}

        def number(name: str) -> float:
            return _number(name, values, getattr(cls, name))

        profile = _profile(values)
        settings = cls(
            api_key=values.get("api_key"),
            admin_key=values.get("admin_key"),
            organization=values.get("organization"),
            project=values.get("project"),
            base_url=_base_url(values.get("base_url"), profile),
            idempotency_scope=values.get("idempotency_scope"),
            max_retries=int(number("max_retries")),
            timeout=number("timeout"),
            poll_interval=number("poll_interval"),
            multipart_threshold=number("multipart_threshold"),
            profile=profile,
            catalog=_json_object("catalog", values),
            shutdown_warning_days=number("shutdown_warning_days"),
            outdated_keys=tuple(_outdated_keys(config)),
            unknown_keys=tuple(_unknown_keys(keys)),
        )
        settings._validate_header_values()
        settings._reject_equal_keys()
        return settings

    @property
    def is_openai(self) -> bool:
        """Return whether requests go to OpenAI itself, including its regional endpoints."""
        host = (urlsplit(self.base_url).hostname or "").rstrip(".")
        return self.profile.name == "openai" and f".{host}".endswith(".openai.com")

    def require_current_keys(self) -> None:
        """Reject outdated and unknown configuration keys. Commands that run the program call this.

        Raises:
            SettingsError: Some are set. The message contains the commands that fix each key.
        """
        outdated, unknown = (
            map(_outdated_key_message, self.outdated_keys),
            map(_unknown_key_message, self.unknown_keys),
        )
        if problems := [*outdated, *unknown]:
            raise SettingsError("; ".join(problems))

    def require_key(self, *, admin: bool) -> str:
        """Return the admin key or the project key.

        Raises:
            SettingsError: The key is not set.
        """
        key = self.admin_key if admin else self.api_key
        if key is None:
            raise SettingsError(MISSING_ADMIN_KEY if admin else MISSING_API_KEY)
        return key

    def describe(self, *, admin: bool) -> str:
        """Return the base URL, the project and the masked key, for errors caused by a mismatch between them."""
        return f"{self.base_url}, {self.caller(admin=admin)}"

    def caller(self, *, admin: bool) -> str:
        """Return the project and the masked key, for error messages."""
        project = f"project {self.project}" if self.project else "the key's own project"
        kind = "admin key" if admin else "project key"
        return f"{project}, {kind} {mask_key(self.require_key(admin=admin))}"

    def mask(self, text: str) -> str:
        """Mask keys in a text, strings that resemble keys, and user names and passwords in URLs."""
        keys = [key for key in (self.api_key, self.admin_key) if key]
        forms = {form: key for key in keys for form in (quote(key, safe=""), key)}
        for form in sorted(forms, key=len, reverse=True):  # one key may be a prefix of the other
            text = text.replace(form, mask_key(forms[form]))
        return _mask_likely_secrets(text)

    def _validate_header_values(self) -> None:
        for name in ("api_key", "admin_key", "organization", "project"):
            if _UNFIT_FOR_ADDRESS.search(getattr(self, name) or ""):
                source = SOURCES[name]
                raise SettingsError(
                    f"openai-ft:{source.config_key} (or {source.environment[0]}) contains spaces or non-ASCII "
                    f"characters: copy the value again"
                )

    def _reject_equal_keys(self) -> None:
        if self.api_key is not None and self.api_key == self.admin_key:
            raise SettingsError(
                "openai-ft:apiKey and openai-ft:adminKey are the same key: a project key cannot manage permissions "
                "and an admin key cannot create jobs; set two different keys"
            )


def denies_third_party_providers(config: Callable[[str], str | None]) -> bool:
    """Return whether the host must reject dynamic resources of other packages.

    Raises:
        SettingsError: The value is neither true nor false.
    """
    text = _look_up(DENY_THIRD_PARTY_PROVIDERS, config, {}) or "false"
    if text not in ("true", "false"):
        raise SettingsError(
            f"openai-ft:{DENY_THIRD_PARTY_PROVIDERS.config_key} is {text!r}: must be true or false"
        )
    return text == "true"


def project_name() -> str:
    """Return the name of the Pulumi project whose engine started this process, as Pulumi's stock host does."""
    return ENVIRONMENT.get("PULUMI_PROJECT", "project")


def mask_key(key: str) -> str:
    """Mask a key: return `sk-…` and, if the key has at least 16 characters, its last four characters."""
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
        return f"{key} no longer has an effect: run {remove}"
    new = f"{CONFIG_NAMESPACE}:{new_name}"
    return f"{key} was renamed to {new}: run `pulumi config set {new}` with the same value, then {remove}"


def _outdated_keys(config: Callable[[str], str | None]) -> Iterator[str]:
    for name in (*RENAMED, *REMOVED):
        if config(key := f"{CONFIG_NAMESPACE}:{name}") is not None:
            yield key


def _unknown_keys(keys: Iterable[str]) -> Iterator[str]:
    """Yield the keys in this package's namespace that do not exist. A project of that name may have other keys."""
    if project_name() == CONFIG_NAMESPACE:
        return
    known = {*_known_keys(), *RENAMED, *REMOVED}
    for key in keys:
        namespace, _, name = key.partition(":")
        if namespace == CONFIG_NAMESPACE and name not in known:
            yield key


def _known_keys() -> list[str]:
    return [source.config_key for source in (*SOURCES.values(), DENY_THIRD_PARTY_PROVIDERS)]


def _unknown_key_message(key: str) -> str:
    similar = closest(key.split(":", 1)[1], _known_keys())
    suggestion = f" Did you mean '{CONFIG_NAMESPACE}:{similar}'?" if similar else ""
    return f"{key} is not a known setting: run `pulumi config rm {key}`.{suggestion}"


def _json_object(name: str, values: Mapping[str, str]) -> str | None:
    """Return the JSON text of a setting, or None if it is not set."""
    text = values.get(name)
    try:
        fits = text is None or isinstance(json.loads(text), dict)
    except ValueError:
        fits = False
    if not fits:
        raise SettingsError(
            f"openai-ft:{SOURCES[name].config_key} is not a JSON object: set individual keys with "
            f"`pulumi config set --path`"
        )
    return text


def _profile(values: Mapping[str, str]) -> Profile:
    """Return the profile of `openai-ft:service`, with the fields that other settings override."""
    name = values.get("service", "openai")
    if name not in PROFILES:
        raise SettingsError(
            f"openai-ft:service is {name!r}: must be one of {', '.join(sorted(PROFILES))}{did_you_mean(name, PROFILES)}"
        )
    changes: dict[str, Any] = {}
    if "api_key_header" in values:
        changes["api_key_header"] = values["api_key_header"].lower()
    if "query" in values:
        changes["query"] = tuple(parse_qsl(values["query"]))
    for field_name in ("unsupported", "hyperparameters"):
        if field_name in values:
            changes[field_name] = frozenset(filter(None, map(str.strip, values[field_name].split(","))))
    if unknown := changes.get("unsupported", frozenset()) - FEATURES.keys():
        raise SettingsError(
            f"openai-ft:unsupportedFeatures contains {sorted(unknown)}: known features are {', '.join(FEATURES)}"
            f"{did_you_mean(min(unknown), FEATURES)}"
        )
    return replace(PROFILES[name], **changes)


def _base_url(value: str | None, profile: Profile) -> str:
    if value is None and profile.requires_base_url:
        raise SettingsError(
            f"openai-ft:baseUrl is not set: the service {profile.name!r} has no fixed address; set the address of your "
            f"service, such as http://127.0.0.1:8000/v1"
        )
    value = value or DEFAULT_BASE_URL
    masked = _mask_likely_secrets(value.split("?", maxsplit=1)[0])
    try:
        parts = urlsplit(value)
        complete = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        complete = False
    if not complete or _UNFIT_FOR_ADDRESS.search(value):
        raise SettingsError(
            f"openai-ft:baseUrl (or OPENAI_BASE_URL) is {masked!r}: must be a complete URL such as {DEFAULT_BASE_URL!r}"
        )
    if reason := _unsupported_url_part(parts):
        raise SettingsError(f"openai-ft:baseUrl (or OPENAI_BASE_URL) {masked!r} contains {reason}")
    return value.rstrip("/")


def _unsupported_url_part(parts: SplitResult) -> str:
    """Describe a part of a URL that would be lost in requests or printed in errors; empty if the URL has none."""
    if "@" in parts.netloc:
        return "a user name or password, which errors and the state would show: remove it; set the key as openai-ft:apiKey"
    return "a query or fragment: remove everything after the path" if parts.query or parts.fragment else ""


def _mask_likely_secrets(text: str) -> str:
    return _CREDENTIALS.sub("…@", _KEY_LIKE.sub(lambda match: mask_key(match.group()), text))


def _number(name: str, values: Mapping[str, str], default: float) -> float:
    text = values.get(name)
    if text is None:
        return default
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= LARGEST_NUMBER:
        raise SettingsError(
            f"openai-ft:{SOURCES[name].config_key} is {text!r}: must be a number from 0 to {LARGEST_NUMBER:.0f}"
        )
    return number

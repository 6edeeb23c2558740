"""Resources to check, with the values that the engine passes to a policy pack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from pulumi_policy import PolicyResource, Secret, proxy

from pulumi_openai_ft._provider.input_models import integers_from_floats, is_known, unknown
from pulumi_openai_ft._settings import ENVIRONMENT, KEYS_IN_CONFIGURATION, SOURCES, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from pulumi_policy import PolicyResourceOptions, ResourceValidationArgs

HIDDEN, SECRET = "[hidden]", "[secret]"
_UNKNOWNS = frozenset(value for name, value in vars(proxy).items() if name.startswith("UNKNOWN_"))
_SHORTEST_KEY = 8
_LONGEST_VALUE = 80


@dataclass(frozen=True)
class CheckedResource:
    """A resource to check.

    Attributes:
        kind: Type token.
        urn: URN.
        today: Date of the check.
        props: Inputs, or outputs in stack rules. Values that are not known yet are Pulumi's `Unknown`.
        secret: Names of the properties that contain a secret; None if unknown.
        configuration: Configuration of the provider, by full key.
        secret_configuration: Secret keys of the configuration; None if unknown.
        is_protected: Whether the resource is protected from deletion.
        sources: URNs of the resources that each property depends on.
    """

    kind: str
    urn: str
    today: date
    props: Mapping[str, Any] = field(default_factory=dict, repr=False)
    secret: frozenset[str] | None = None
    configuration: Mapping[str, Any] = field(default_factory=dict, repr=False)
    secret_configuration: frozenset[str] | None = None
    is_protected: bool = False
    sources: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, args: ResourceValidationArgs | PolicyResource, marks: SecretMarks, today: date) -> Self:
        """Create a resource from the arguments of the policy SDK."""
        opts: PolicyResourceOptions = args.opts
        sources = args.property_dependencies if isinstance(args, PolicyResource) else {}
        return cls(
            kind=args.resource_type,
            urn=args.urn,
            today=today,
            props=read(args.props),
            secret=marks.secret(args.urn),
            configuration=read(args.provider.props) if args.provider else {},
            secret_configuration=marks.secret(args.provider.urn) if args.provider else None,
            is_protected=bool(opts.protect),
            sources={name: tuple(source.urn for source in found) for name, found in sources.items()},
        )

    @property
    def name(self) -> str:
        """Return the name of the resource in the program."""
        return self.urn.rsplit("::", 1)[-1]

    @property
    def stack(self) -> str:
        """Return the name of the stack."""
        return self.urn.split("::", 1)[0].rsplit(":", 1)[-1]

    def settings(self) -> Settings:
        """Return the settings of the provider, from the stack's configuration and the environment.

        Raises:
            SettingsError: The configuration is malformed.
        """
        return Settings.resolve(self._configured)

    def redacted_repr(self, path: str, value: Any) -> str:
        """Return a value for a message, or a placeholder if the value is or may be secret."""
        name = path.split(".", 1)[0].split("[", 1)[0]
        if self.secret is None or name in self.secret:
            return HIDDEN if self.secret is None else SECRET
        text = repr(value)
        return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"

    def keys(self) -> list[str]:
        """Return the keys that the provider may use, which messages must not contain."""
        names = [variable for name in ("api_key", "admin_key") for variable in SOURCES[name].environment]
        found = [*map(self.configuration.get, KEYS_IN_CONFIGURATION), *map(ENVIRONMENT.get, names)]
        return [key for key in found if isinstance(key, str) and len(key) >= _SHORTEST_KEY and key != SECRET]

    def mask(self, text: str) -> str:
        """Mask keys in a text, and strings that resemble keys."""
        for key in [*self.keys(), None]:
            text = Settings(api_key=key).mask(text)
        return text

    def _configured(self, key: str) -> str | None:
        value = self.configuration.get(key)
        if value is None or (isinstance(value, str) and value != SECRET):
            return value
        return f"{SECRET}-{key}"  # set but hidden; distinct, so that two secret keys are not considered equal


class SecretMarks:
    """The names of the secret properties of each resource.

    The SDK removes secret markers from values before it calls a rule, but not before it calls a remediation. Therefore
    a policy of the pack is a remediation that only records these markers.
    """

    def __init__(self) -> None:
        self._seen: dict[str, frozenset[str]] = {}

    def record(self, urn: str, props: Mapping[str, Any]) -> None:
        """Record the secret properties of a resource, from the arguments of a remediation."""
        self._seen[urn] = secret_names(props)

    def secret(self, urn: str) -> frozenset[str] | None:
        """Return the names of a resource's secret properties, or None if the resource was not recorded."""
        return self._seen.get(urn)


def read(value: Any) -> Any:
    """Convert the SDK's values to Python values. Unknown values become Pulumi's `Unknown`."""
    if isinstance(value, Secret):
        return read(value.value)
    if isinstance(value, Mapping):
        return {str(key): read(_item(value, key)) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [read(_item(value, index)) for index in range(len(value))]
    if isinstance(value, str) and value in _UNKNOWNS:
        return unknown()
    return integers_from_floats(value)


def raw(value: Any) -> Any:
    """Return the value in the SDK's wrapper, including secret markers."""
    wrapped = isinstance(value, Mapping | Sequence) and not isinstance(value, dict | list | str | bytes)
    return value["__target"] if wrapped else value


def secret_names(props: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the properties that contain a value marked as secret."""
    return frozenset(name for name, value in raw(props).items() if _contains_secret(value))


def unknown_paths(value: Any, path: str) -> Iterator[str]:
    """Yield the paths of values that are not known yet, in the property at `path`."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from unknown_paths(item, f"{path}.{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from unknown_paths(item, f"{path}[{index}]")
    elif not is_known(value):
        yield path


def _contains_secret(value: Any) -> bool:
    if isinstance(value, Secret):
        return True
    value = raw(value)
    if isinstance(value, Mapping):
        return any(map(_contains_secret, value.values()))
    return isinstance(value, list) and any(map(_contains_secret, value))


def _item(container: Any, key: Any) -> Any:
    try:
        return container[key]
    except proxy.UnknownValueError:
        return unknown()

"""A resource as the engine describes it to a policy pack, in plain values."""

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
    """A resource that is judged.

    Attributes:
        kind: Its type token.
        urn: Its URN.
        props: Its inputs, in stack rules its outputs. What is not known yet is Pulumi's `Unknown`.
        secret: Names of the properties that hold a secret; None where that cannot be told.
        configuration: The stack's configuration by full key, as its provider has it.
        secret_configuration: Keys of the configuration that are secret; None where that cannot be told.
        is_protected: Whether Pulumi refuses to delete it.
        sources: URNs of the resources that a property was made from.
        today: The day on which it is judged.
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
        """What the SDK hands over of a resource."""
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
        """Its name in the program."""
        return self.urn.rsplit("::", 1)[-1]

    @property
    def stack(self) -> str:
        """The stack that it belongs to."""
        return self.urn.split("::", 1)[0].rsplit(":", 1)[-1]

    def settings(self) -> Settings:
        """What its provider is configured with, by the stack or the environment.

        Raises:
            SettingsError: The configuration is malformed.
        """
        return Settings.resolve(self._configured)

    def redacted_repr(self, path: str, value: Any) -> str:
        """A value as a message may show it, which is not at all where it is secret or could be."""
        name = path.split(".", 1)[0].split("[", 1)[0]
        if self.secret is None or name in self.secret:
            return HIDDEN if self.secret is None else SECRET
        text = repr(value)
        return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"

    def keys(self) -> list[str]:
        """The keys that its provider may have, of which none may stand in a message."""
        names = [variable for name in ("api_key", "admin_key") for variable in SOURCES[name].environment]
        found = [*map(self.configuration.get, KEYS_IN_CONFIGURATION), *map(ENVIRONMENT.get, names)]
        return [key for key in found if isinstance(key, str) and len(key) >= _SHORTEST_KEY and key != SECRET]

    def mask(self, text: str) -> str:
        """Takes out of a text what is a key or looks like one."""
        for key in [*self.keys(), None]:
            text = Settings(api_key=key).mask(text)
        return text

    def _configured(self, key: str) -> str | None:
        value = self.configuration.get(key)
        if value is None or (isinstance(value, str) and value != SECRET):
            return value
        return f"{SECRET}-{key}"  # it is there and cannot be seen; two of them are not the same


class SecretMarks:
    """Which properties of resources are secret.

    The SDK takes the engine's marks off before a rule sees a value, except before remediations. So one policy of the
    pack is a remediation that only looks.
    """

    def __init__(self) -> None:
        self._seen: dict[str, frozenset[str]] = {}

    def record(self, urn: str, props: Mapping[str, Any]) -> None:
        """Takes note of the marks of a resource's properties, as remediations get them."""
        self._seen[urn] = secret_names(props)

    def secret(self, urn: str) -> frozenset[str] | None:
        """Names of a resource's secret properties; None where its marks were not seen."""
        return self._seen.get(urn)


def read(value: Any) -> Any:
    """Plain values out of what the SDK hands over; unknown ones become Pulumi's `Unknown`."""
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
    """What lies in the SDK's wrapper, marks of secrets and all."""
    wrapped = isinstance(value, Mapping | Sequence) and not isinstance(value, dict | list | str | bytes)
    return value["__target"] if wrapped else value


def secret_names(props: Mapping[str, Any]) -> frozenset[str]:
    """Names of the properties in which a value is marked as secret."""
    return frozenset(name for name, value in raw(props).items() if _holds_secret(value))


def unknown_paths(value: Any, path: str) -> Iterator[str]:
    """Paths of what is not known yet, from a property on."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from unknown_paths(item, f"{path}.{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from unknown_paths(item, f"{path}[{index}]")
    elif not is_known(value):
        yield path


def _holds_secret(value: Any) -> bool:
    if isinstance(value, Secret):
        return True
    value = raw(value)
    if isinstance(value, Mapping):
        return any(map(_holds_secret, value.values()))
    return isinstance(value, list) and any(map(_holds_secret, value))


def _item(container: Any, key: Any) -> Any:
    try:
        return container[key]
    except proxy.UnknownValueError:
        return unknown()

"""Base of the three providers: settings, client, checks, and the form of their errors."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING, Any, ClassVar

from pulumi.dynamic import CheckFailure, CheckResult, DiffResult, ReadResult, ResourceProvider

from pulumi_openai_ft._client.base_url import wrong_base_url_message
from pulumi_openai_ft._client.client import Client, connect
from pulumi_openai_ft._provider import input_models, pulumi_host_patch, redaction
from pulumi_openai_ft._provider.host_interface import Host
from pulumi_openai_ft._provider.wait_limit import LIMITED_OPERATIONS, limits_waiting
from pulumi_openai_ft._settings import Settings
from pulumi_openai_ft._shared.grouped_warnings import grouped
from pulumi_openai_ft._shared.locked_property import locked_cached_property
from pulumi_openai_ft._shared.property_paths import top_level
from pulumi_openai_ft._shared.state_names import IDENTITY
from pulumi_openai_ft.errors import (
    AuthenticationError,
    InputError,
    InvalidResponseError,
    ServiceConnectionError,
    ServiceError,
    SettingsError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pulumi.dynamic import ConfigureRequest

    from pulumi_openai_ft._service_profiles import Profile

PROBE_TIMEOUT = 10.0
"""Maximum timeout of the test request in `check`, in seconds."""


def is_get_call(props: Mapping[str, Any]) -> bool:
    """Return whether a `read` comes from `get` in a program. The properties are then inputs instead of outputs.

    The stock host would treat an empty result of such a read as an empty resource, so a missing object must raise an
    error.
    """
    return IDENTITY in props


class DetailedDiff(DiffResult):
    """The differences between the inputs and the existing resource.

    Args:
        replaces: Paths of the properties that require a replacement.
        updates: Paths of the properties that can be updated in place.
        is_unfinished: Whether an update is needed although no property differs, to finish work or report a problem.
        delete_before_replace: Whether a replacement must delete the old resource first.
    """

    def __init__(
        self,
        replaces: Sequence[str] = (),
        updates: Sequence[str] = (),
        *,
        is_unfinished: bool = False,
        delete_before_replace: bool = False,
    ) -> None:
        self.replacing_paths, self.updating_paths = list(replaces), list(updates)
        super().__init__(
            changes=bool(replaces or updates) or is_unfinished,
            replaces=list(dict.fromkeys(map(top_level, replaces))),
            delete_before_replace=delete_before_replace,
        )


class Provider(ResourceProvider):
    """Base of the providers.

    A provider is constructed by its class name, so it takes no constructor arguments. It has no configuration until
    `configure` is called.
    """

    inputs_model: ClassVar[type[input_models.InputModel]]
    """Model of the resource's inputs."""
    host: Host = Host()
    """The host process of this provider. This package's own host sets it to its subclass."""
    inputs_used_in_diff: ClassVar[tuple[str, ...]] = ()
    """Inputs of the last `up` to compare if the outputs lack them, such as after an import."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Remove secret inputs from the messages of all operations, and limit their waits."""
        super().__init_subclass__(**kwargs)
        for name in LIMITED_OPERATIONS:
            if name in vars(cls):
                setattr(cls, name, limits_waiting(getattr(cls, name)))
        for name in redaction.OPERATIONS:
            if name in vars(cls) or name in ("announce_create", "check"):
                setattr(cls, name, redaction.redacts(getattr(cls, name)))

    def configure(self, req: ConfigureRequest) -> None:
        """Store the stack's configuration. `check` and every operation report invalid values."""
        pulumi_host_patch.hide_own_tracebacks()
        self._config = req.config

    @locked_cached_property
    def settings(self) -> Settings:
        """Settings of the connection to the service.

        Raises:
            SettingsError: The configuration is invalid.
        """
        keys = self._config._props  # noqa: SLF001 - Pulumi has no public list of keys
        return Settings.resolve(self._config.get, keys=keys)

    @property
    def profile(self) -> Profile:
        """Differences between the service and OpenAI. If the settings are invalid, which `check` reports, the default."""
        try:
            return self.settings.profile
        except SettingsError:
            return Settings.profile

    @locked_cached_property
    def api(self) -> Client:
        """Client of the configured service."""
        return connect(self.settings, self.host.time)

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Return all problems that can be detected before the resource is created."""
        if unsupported := input_models.unsupported_values(news):
            return CheckResult({}, [CheckFailure("", reason) for reason in unsupported])
        reasons = [*self._setting_problems(), *self.input_problems(news)]
        reasons = reasons or self.profile_problems(news) or self.data_problems(olds, news)
        if not (olds or reasons):
            reasons = self._service_problems
        if not reasons:
            if not self.host.previews_creates:
                self._warn_once(self.warnings(olds, news))
            news = self.with_computed_inputs(olds, news)
        return CheckResult(news, [CheckFailure("", reason) for reason in reasons])

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DetailedDiff:
        """Compare a state with inputs."""
        raise NotImplementedError

    def preview_outputs(self, _olds: Mapping[str, Any] | None, _news: dict[str, Any]) -> dict[str, Any]:
        """Return the outputs after a create or update, as far as a preview can know them. Send no request."""
        raise NotImplementedError

    def unfinished_message(self, _id: str, _outs: Mapping[str, Any], error: Exception) -> str:
        """Return the message for a resource that was created before the operation failed."""
        return str(error)

    def import_(self, id_: str) -> ReadResult:
        """Read a resource for `pulumi import`, with the inputs that a program needs to declare it.

        Args:
            id_: The id given by the user.

        Raises:
            InputError: The id is not an id of this resource type.
            NotFoundError: The resource does not exist or is not visible.
        """
        raise NotImplementedError

    def input_problems(self, props: Mapping[str, Any]) -> list[str]:
        """Return messages about the problems of the inputs. Subclasses add rules that a model cannot express."""
        return input_models.validation_errors(self.inputs_model, props)

    def profile_problems(self, _props: Mapping[str, Any]) -> list[str]:
        """Return messages about the features that the inputs use and the service does not support."""
        return []

    def data_problems(self, _olds: Mapping[str, Any], _news: Mapping[str, Any]) -> list[str]:
        """Return messages about the problems of the local file. Only called if the inputs are valid."""
        return []

    def with_computed_inputs(self, _olds: Mapping[str, Any], news: dict[str, Any]) -> dict[str, Any]:
        """Return the inputs together with values computed from them before the resource is created."""
        return news

    def warnings(self, _olds: Mapping[str, Any], _news: Mapping[str, Any]) -> list[str]:
        """Return the warnings to print before the update."""
        return []

    def probe(self, _api: Client) -> None:
        """Send a read-only request, so that an invalid key or base URL is detected before the resource is created."""

    def require_settings(self, settings: Settings) -> None:
        """Raise `SettingsError` if a required setting is missing."""
        settings.require_key(admin=False)

    def inputs(self, props: Mapping[str, Any]) -> dict[str, Any]:
        """Return the validated inputs, ready to be sent.

        Raises:
            InputError: An input is invalid. `check` has validated the inputs, but a policy may remediate them later.
        """
        if reasons := self.input_problems(props):
            raise InputError("; ".join(reasons))
        return self.inputs_model.model_validate(input_models.public_properties(props)).provided()

    @locked_cached_property
    def _service_problems(self) -> list[str]:
        """Problems that make the service reject every request. Other errors may be temporary and are ignored."""
        with self._impatient_client() as api:
            try:
                self.probe(api)
            except (AuthenticationError, ServiceConnectionError, SettingsError) as error:
                return [str(error)]
            except ServiceError as error:
                message = wrong_base_url_message(error, api.settings, self.probe, self.host.time)
                return (
                    [message] if message else [str(error)] if isinstance(error, InvalidResponseError) else []
                )
        return []

    @contextmanager
    def _impatient_client(self) -> Iterator[Client]:
        """Open a client for requests of a preview, which must not wait long for a service that does not respond."""
        settings = replace(self.settings, max_retries=1, timeout=min(PROBE_TIMEOUT, self.settings.timeout))
        api = Client(settings, self.host.time)
        try:
            yield api
        finally:
            api.close()

    def announce_create(self, news: dict[str, Any]) -> None:
        """Print the warnings about a resource that is about to be created. A host that previews creates calls this."""
        self.warn_below_rows(self.warnings({}, news))

    def warn_below_rows(self, messages: Iterable[str]) -> None:
        """Print warnings about a new resource, each of them once, and not in the rows of the resources."""
        if new := self._not_printed(messages):
            self.host.warn(grouped(new))

    def _warn_once(self, messages: Iterable[str]) -> None:
        for message in self._not_printed(messages):
            self.host.warn(message)

    def _not_printed(self, messages: Iterable[str]) -> list[str]:
        """Return each warning only once, even if it applies to many resources."""
        with self._printing:
            new = [message for message in dict.fromkeys(messages) if message not in self._printed_warnings]
            self._printed_warnings.update(new)
        return new

    @locked_cached_property
    def _printing(self) -> Lock:
        return Lock()

    @locked_cached_property
    def _printed_warnings(self) -> set[str]:
        return set()

    def _setting_problems(self) -> list[str]:
        try:
            self.settings.require_current_keys()
            self.require_settings(self.settings)
        except SettingsError as error:
            return [str(error)]
        return []

"""What all three providers share: settings, checking, and how Pulumi sees their failures."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from pulumi.dynamic import CheckFailure, CheckResult, DiffResult, ReadResult, ResourceProvider

from pulumi_openai_ft._client.client import Client, connect
from pulumi_openai_ft._provider import input_models, pulumi_host_patch
from pulumi_openai_ft._provider.host_interface import Host
from pulumi_openai_ft._settings import Settings
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
    from collections.abc import Mapping, Sequence

    from pulumi.dynamic import ConfigureRequest

    from pulumi_openai_ft._service_profiles import Profile

PROBE_TIMEOUT = 10.0


def is_get_call(props: Mapping[str, Any]) -> bool:
    """Whether `read` is asked for by a program's `get`: then these are inputs, while a state holds outputs.

    The stock host then takes a blank answer for an empty resource, so what is not there must be an error.
    """
    return IDENTITY in props


class DetailedDiff(DiffResult):
    """How the inputs differ from the resource that is there.

    Args:
        replaces: Paths of the properties that need another resource.
        updates: Paths of the properties that change in place.
        is_unfinished: Whether there is something left to do or to tell although nothing differs.
        delete_before_replace: Whether the old resource has to go first.
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

    Whoever names one by its class makes it, so it has no constructor arguments, and holds nothing until `configure`
    has run.
    """

    inputs_model: ClassVar[type[input_models.InputModel]]
    """Describes the resource's inputs."""
    host: Host = Host()
    """The process that this provider runs in. Our own host puts itself here."""
    inputs_used_in_diff: ClassVar[tuple[str, ...]] = ()
    """Inputs of the last `up` by which to compare where the outputs do not hold them, as after an import."""

    def configure(self, req: ConfigureRequest) -> None:
        """Takes the stack's configuration. What is wrong with it is said by `check` and by every operation."""
        pulumi_host_patch.hide_own_tracebacks()
        self._config = req.config

    @locked_cached_property
    def settings(self) -> Settings:
        """Where and how to reach the service.

        Raises:
            SettingsError: The configuration is wrong.
        """
        return Settings.resolve(self._config.get)

    @property
    def profile(self) -> Profile:
        """How the service differs from OpenAI. Wrong settings are told by `check`, which then takes the default."""
        try:
            return self.settings.profile
        except SettingsError:
            return Settings.profile

    @locked_cached_property
    def api(self) -> Client:
        """The service, as configured."""
        return connect(self.settings, self.host.time)

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Reports everything that can be known to be wrong before anything is created."""
        reasons = [*self._setting_problems(), *self.input_problems(news)]
        reasons = reasons or self.profile_problems(news) or self.data_problems(olds, news)
        if not (olds or reasons):
            reasons = self._service_problems
        if not reasons:
            self._advise(self.warnings(olds, news))
            news = self.with_computed_inputs(olds, news)
        return CheckResult(news, [CheckFailure("", reason) for reason in reasons])

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DetailedDiff:
        """Compares a state with inputs."""
        raise NotImplementedError

    def preview_outputs(self, _olds: Mapping[str, Any] | None, _news: dict[str, Any]) -> dict[str, Any]:
        """The outputs after a create, or an update of what is there, as far as they are known before. Asks nobody."""
        raise NotImplementedError

    def unfinished_message(self, _id: str, _outs: Mapping[str, Any], error: Exception) -> str:
        """What to tell of a resource that exists although what was done with it came to an early end."""
        return str(error)

    def import_(self, id_: str) -> ReadResult:
        """Reads a resource that no state knows, with the inputs that a program would name for it.

        Args:
            id_: The id that the user gave.

        Raises:
            InputError: It is no id of such a resource.
            NotFoundError: The service does not show it.
        """
        raise NotImplementedError

    def input_problems(self, props: Mapping[str, Any]) -> list[str]:
        """What is wrong with the inputs, a sentence each. Subclasses add rules that a model cannot state."""
        return input_models.validation_errors(self.inputs_model, props)

    def profile_problems(self, _props: Mapping[str, Any]) -> list[str]:
        """What the inputs ask for and the service does not offer, a sentence each."""
        return []

    def data_problems(self, _olds: Mapping[str, Any], _news: Mapping[str, Any]) -> list[str]:
        """What is wrong with the local file that the inputs name, a sentence each. Asked of correct inputs alone."""
        return []

    def with_computed_inputs(self, _olds: Mapping[str, Any], news: dict[str, Any]) -> dict[str, Any]:
        """The inputs with what is to be known of them before the resource is created."""
        return news

    def warnings(self, _olds: Mapping[str, Any], _news: Mapping[str, Any]) -> list[str]:
        """What is good to know before the update, a sentence each."""
        return []

    def probe(self, _api: Client) -> None:
        """Makes a request that changes nothing, so that a wrong key or address shows before anything is created."""

    def require_settings(self, settings: Settings) -> None:
        """Raises `SettingsError` where a setting that this resource needs is missing."""
        settings.require_key(admin=False)

    def inputs(self, props: Mapping[str, Any]) -> dict[str, Any]:
        """The checked inputs among the properties, ready to be sent.

        Raises:
            InputError: They are wrong. `check` has seen them before, but a policy's remediation comes after it.
        """
        if reasons := self.input_problems(props):
            raise InputError("; ".join(reasons))
        return self.inputs_model.model_validate(input_models.public_properties(props)).provided()

    @locked_cached_property
    def _service_problems(self) -> list[str]:
        """Why the service will refuse whatever it is asked. Other trouble may be over when the update comes."""
        api = Client(
            replace(
                self.settings,
                max_retries=1,
                timeout=min(PROBE_TIMEOUT, self.settings.timeout),
            ),
            self.host.time,
        )
        try:
            self.probe(api)
        except (AuthenticationError, ServiceConnectionError, InvalidResponseError) as error:
            return [str(error)]
        except ServiceError:
            return []
        finally:
            api.close()
        return []

    def _advise(self, sentences: Sequence[str]) -> None:
        """Warns once of what holds for many resources."""
        for sentence in sentences:
            if sentence not in self._advised:
                self._advised.add(sentence)
                self.host.warn(sentence)

    @locked_cached_property
    def _advised(self) -> set[str]:
        return set()

    def _setting_problems(self) -> list[str]:
        try:
            self.settings.require_current_keys()
            self.require_settings(self.settings)
        except SettingsError as error:
            return [str(error)]
        return []

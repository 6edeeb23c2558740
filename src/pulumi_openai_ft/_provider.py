"""What all three providers share: settings, checking, and how Pulumi sees their failures."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

import pulumi
from pulumi.dynamic import CheckFailure, CheckResult, ResourceProvider

from pulumi_openai_ft import _inputs, _stock_host
from pulumi_openai_ft._api import Api, connect
from pulumi_openai_ft._host import Host
from pulumi_openai_ft._program import warn_of_plain_keys
from pulumi_openai_ft._settings import Settings
from pulumi_openai_ft.errors import (
    AuthenticationError,
    InputError,
    ServiceConnectionError,
    ServiceError,
    SettingsError,
    UnreadableAnswerError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi.dynamic import ConfigureRequest

IDENTITY, FORMER_IDENTITIES = "__identity", "__former_identities"
PROBE_TIMEOUT = 10.0


class Provider(ResourceProvider):
    """Base of the providers.

    An instance is pickled into the state by its module and class name alone, so it has no constructor arguments
    and holds nothing until `configure` has run in the provider's own process.
    """

    serialize_as_secret_always = False

    inputs_model: ClassVar[type[_inputs.Inputs]]
    """Describes the resource's inputs."""

    def configure(self, req: ConfigureRequest) -> None:
        """Takes the stack's configuration. What is wrong with it is said by `check` and by every operation."""
        _stock_host.say_errors_plainly()
        self._config = req.config

    @cached_property
    def host(self) -> Host:
        """The process that this provider runs in."""
        return Host()

    @cached_property
    def settings(self) -> Settings:
        """Where and how to reach the service.

        Raises:
            SettingsError: The configuration is wrong.
        """
        return Settings.resolve(self._config.get)

    @cached_property
    def api(self) -> Api:
        """The service, as configured."""
        return connect(self.settings)

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Reports everything that can be known to be wrong before anything is created."""
        reasons = [*self._setting_problems(), *self.input_problems(news)]
        reasons = reasons or self.profile_problems(news)
        if not (olds or reasons):
            reasons = self._service_problems
        if not reasons:
            for sentence in self.advice(olds, news):
                self.host.say(sentence)
        return CheckResult(news, [CheckFailure("", reason) for reason in reasons])

    def input_problems(self, props: Mapping[str, Any]) -> list[str]:
        """What is wrong with the inputs, a sentence each. Subclasses add rules that a model cannot state."""
        return _inputs.problems(self.inputs_model, props)

    def profile_problems(self, _props: Mapping[str, Any]) -> list[str]:
        """What the inputs ask for and the service does not offer, a sentence each."""
        return []

    def advice(self, _olds: Mapping[str, Any], _news: Mapping[str, Any]) -> list[str]:
        """What is good to know before the update, a sentence each."""
        return []

    def ask_something(self, _api: Api) -> None:
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
        return self.inputs_model.model_validate(_inputs.visible(props)).given()

    @cached_property
    def _service_problems(self) -> list[str]:
        """Why the service will refuse whatever it is asked. Other trouble may be over when the update comes."""
        api = Api(
            replace(
                self.settings,
                max_retries=1,
                timeout=min(PROBE_TIMEOUT, self.settings.timeout),
                operation_timeout=2 * PROBE_TIMEOUT,
            )
        )
        try:
            self.ask_something(api)
        except (AuthenticationError, ServiceConnectionError, UnreadableAnswerError) as error:
            return [str(error)]
        except ServiceError:
            return []
        finally:
            api.close()
        return []

    def _setting_problems(self) -> list[str]:
        try:
            self.require_settings(self.settings)
        except SettingsError as error:
            return [str(error)]
        return []


class Readable:
    """Resources of which an existing one can be read."""

    inputs_model: ClassVar[type[_inputs.Inputs]]
    """Describes the resource's inputs."""

    @classmethod
    def get(
        cls,
        resource_name: str,
        id: pulumi.Input[str],  # noqa: A002 - the name that Pulumi's own resources give it
        opts: pulumi.ResourceOptions | None = None,
    ) -> Self:
        """Reads what the service has under an id. The stack neither changes it nor deletes it.

        Args:
            resource_name: Name of the resource in the stack.
            id: Id of the file or the job, or the name of the checkpoint, of which all grants are read.
            opts: Pulumi's resource options.

        Raises:
            Exception: `pulumi up` says so where the service has nothing under this id.
        """
        required = (name for name, field in cls.inputs_model.model_fields.items() if field.is_required())
        no_inputs: dict[str, Any] = dict.fromkeys(required)
        by_id = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(id=id))
        make: Any = cls
        found: Self = make(resource_name, **no_inputs, opts=by_id)
        return found


def is_get(props: Mapping[str, Any]) -> bool:
    """Whether `read` is asked for by a program's `get`: then these are inputs, while a state holds outputs.

    The stock host then takes a blank answer for an empty resource, so what is not there must be an error.
    """
    return IDENTITY in props


async def identity(name: str, type_name: str, opts: pulumi.ResourceOptions | None) -> str:
    """Tells a resource apart from every other one that any stack manages, however often it is created.

    Like a URN it holds project, stack, the types of the parents and the name, and the organization besides. It is
    awaited, no output: an output of the parent would make the resource depend on the parent's children, itself.
    """
    warn_of_plain_keys()
    return await _identity(name, type_name, opts.parent if opts else None)


async def former_identities(name: str, type_name: str, opts: pulumi.ResourceOptions | None) -> list[str]:
    """What `identity` gave the resource under the names and parents that its aliases tell."""
    parent = opts.parent if opts else None
    aliases = [alias for alias in (opts.aliases if opts else None) or [] if isinstance(alias, pulumi.Alias)]
    return [
        await _identity(
            alias.name if isinstance(alias.name, str) else name,
            type_name,
            alias.parent if isinstance(alias.parent, pulumi.Resource) else parent,
        )
        for alias in aliases
    ]


async def _identity(name: str, type_name: str, parent: pulumi.Resource | None) -> str:
    place = await parent.urn.future() if parent else f"{pulumi.get_stack()}::{pulumi.get_project()}"
    organization = pulumi.get_organization() or "organization"  # none under Pulumi's mocks
    return "::".join((organization, place or "", type_name, name))

"""Providers as programs and states refer to them: by module and class name, without loading what they do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pulumi.dynamic import ResourceProvider

from pulumi_openai_ft._shared.locked_property import locked_cached_property

if TYPE_CHECKING:
    from pulumi.dynamic import (
        CheckResult,
        ConfigureRequest,
        CreateResult,
        DiffResult,
        ReadResult,
        UpdateResult,
    )

    from pulumi_openai_ft._shared.lazy_module import LazyModule


class ProviderProxy(ResourceProvider):
    """Stands for the provider of the same name in another module, and loads it in the process that asks it something.

    A state holds it pickled: module and name of its class, and nothing else.
    """

    serialize_as_secret_always = False

    module: ClassVar[LazyModule]
    """Where the provider is."""

    @locked_cached_property
    def _provider(self) -> ResourceProvider:
        provider: ResourceProvider = getattr(self.module, type(self).__name__)()
        return provider

    def configure(self, req: ConfigureRequest) -> None:
        """Takes the stack's configuration."""
        self._provider.configure(req)

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Checks inputs."""
        return self._provider.check(olds, news)

    def diff(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Compares a state with inputs."""
        return self._provider.diff(id_, olds, news)

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Creates a resource."""
        return self._provider.create(props)

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Reads a resource."""
        return self._provider.read(id_, props)

    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Updates a resource."""
        return self._provider.update(id_, olds, news)

    def delete(self, id_: str, props: dict[str, Any]) -> None:
        """Deletes a resource."""
        self._provider.delete(id_, props)

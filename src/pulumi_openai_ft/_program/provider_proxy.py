"""Proxies of the providers. Programs and states refer to a proxy, so that they need not import the provider."""

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
    """A proxy of the provider with the same class name in another module, which it imports on first use.

    States contain the pickled proxy, which consists only of the module and name of its class.
    """

    serialize_as_secret_always = False

    module: ClassVar[LazyModule]
    """Module of the provider."""

    @locked_cached_property
    def _provider(self) -> ResourceProvider:
        provider: ResourceProvider = getattr(self.module, type(self).__name__)()
        return provider

    def configure(self, req: ConfigureRequest) -> None:
        """Pass on the stack's configuration."""
        self._provider.configure(req)

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Check inputs."""
        return self._provider.check(olds, news)

    def diff(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Compare a state with inputs."""
        return self._provider.diff(id_, olds, news)

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Create a resource."""
        return self._provider.create(props)

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Read a resource."""
        return self._provider.read(id_, props)

    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Update a resource."""
        return self._provider.update(id_, olds, news)

    def delete(self, id_: str, props: dict[str, Any]) -> None:
        """Delete a resource."""
        self._provider.delete(id_, props)

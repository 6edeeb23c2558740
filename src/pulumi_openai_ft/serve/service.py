"""All parts of the service: the shared server with a runner that trains, and answers."""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pulumi_openai_ft.serve.answers.embedded import EmbeddedAnswerer, EmbeddedSettings
from pulumi_openai_ft.serve.answers.interface import Answerer, ServedModel
from pulumi_openai_ft.serve.answers.vllm import VllmAnswerer, VllmSettings
from pulumi_openai_ft.serve.catalog import PROPERTY, model_facts
from pulumi_openai_ft.serve.chat import ChatCompletions, ChatLimits
from pulumi_openai_ft.serve.engines.local import LocalEngine
from pulumi_openai_ft.serve.engines.ray.setup import build_engine
from pulumi_openai_ft.serve.request_log import RequestLog, observe
from pulumi_openai_ft.serve.training_loop import TrainingLoop
from pulumi_openai_ft.serve.training_runner import TrainingRunner
from pulumi_openai_ft.serve.training_runs import TrainingRuns
from pulumi_openai_ft.server.app import ENDPOINTS, api_route, build_app
from pulumi_openai_ft.server.auth import ADMIN_SCOPES, PROJECT_SCOPES, Key, Keyring
from pulumi_openai_ft.server.backend import Backend
from pulumi_openai_ft.server.catalog import BaseModel, Catalog
from pulumi_openai_ft.server.clock import SystemClock
from pulumi_openai_ft.server.errors import ApiError, no_such_model
from pulumi_openai_ft.server.expiry import remove_expired
from pulumi_openai_ft.server.ids import mask
from pulumi_openai_ft.server.loopback import LoopbackGuard
from pulumi_openai_ft.server.result_files import SELF_HOSTED
from pulumi_openai_ft.server.rules import Rules
from pulumi_openai_ft.server.settings import ServiceSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from starlette.applications import Starlette
    from starlette.types import ASGIApp

    from pulumi_openai_ft.serve.config import Base, ServeConfig
    from pulumi_openai_ft.serve.engines.interface import Engine
    from pulumi_openai_ft.serve.live_keys import LiveKeys
    from pulumi_openai_ft.server.app import Endpoint
    from pulumi_openai_ft.server.blobs import Blobs
    from pulumi_openai_ft.server.store import Store

UNLOAD_SECONDS = 30.0
SECONDS_BETWEEN_EXPIRIES = 600.0
_log = logging.getLogger(__name__)
_RULES = Rules(service="self-hosted", lists_checkpoints=True, result_format=SELF_HOSTED, dates_every_end=True)


@dataclass(slots=True)
class SelfHostedSettings(ServiceSettings):
    """The organization and the limits of the configuration."""

    @property
    def rules(self) -> Rules:
        """Return the rules of the service."""
        return _RULES


class LiveKeyring(Keyring):
    """The keys of the configuration file."""

    def __init__(self, settings: ServiceSettings, keys: LiveKeys) -> None:
        super().__init__(settings, strict=True)
        self._live_keys = keys

    def identify(self, text: str) -> Key:
        """Return the key with this text. Raise a 401 if it is unknown."""
        found = self._live_keys.find(text)
        if found is None:
            raise ApiError(401, f"Incorrect API key provided: {mask(text)}.", code="invalid_api_key")
        scopes = ADMIN_SCOPES if found.admin else PROJECT_SCOPES
        return Key(found.masked, found.admin, scopes, found.project)


class Service:
    """The service, without a listener.

    Args:
        config: The configuration.
        keys: The keys, which follow the configuration file.
        store: Objects.
        blobs: Contents of files.
        engine: Engine that trains. By default, it trains on this machine.
        guards_host: Whether to accept only requests to loopback host names.
        tick: Seconds between two rounds of the training loop.
    """

    def __init__(
        self,
        config: ServeConfig,
        keys: LiveKeys,
        store: Store,
        blobs: Blobs,
        *,
        engine: Engine | None = None,
        guards_host: bool = True,
        tick: float = 1.0,
    ) -> None:
        self._config = config
        clock, runs = SystemClock(), TrainingRuns(store)
        self._runner = TrainingRunner(config, store, blobs, clock, runs)
        settings = _settings(config)
        catalog = Catalog(map(_base_model, config.bases))
        self.backend: Backend = Backend(
            settings=settings,
            clock=clock,
            store=store,
            blobs=blobs,
            keyring=LiveKeyring(settings, keys),
            runner=self._runner,
            catalog=lambda: catalog,
            seed=int.from_bytes(os.urandom(4), "big"),
        )
        self._answerer = _answerer(config)
        self._event_loop: asyncio.AbstractEventLoop | None = None
        self._training = TrainingLoop(
            config=config,
            runs=runs,
            runner=self._runner,
            engine=engine or _engine(config, tick),
            clock=clock,
            settle=self.backend.lifecycle.settle,
            unload=self._unload,
            tick=tick,
        )
        self._guards_host = guards_host

    def app(self) -> ASGIApp:
        """Return the service as an ASGI application. The training loop runs during the application's lifespan."""
        routes = [api_route(self.backend, endpoint, observe) for endpoint in self.endpoints()]
        app = RequestLog(build_app(self.backend, routes, self._lifespan))
        return LoopbackGuard(app) if self._guards_host else app

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the endpoints of the service."""
        limits = self._config.limits
        chat = ChatCompletions(
            self._answerer,
            self.resolve,
            ChatLimits(limits.max_tokens, limits.requests_in_flight),
        )
        return (*ENDPOINTS, chat.endpoint())

    def resolve(self, name: str, project: str) -> ServedModel:
        """Return the model of a name. Raise a 404 if it does not exist or the project may not use it."""
        if (base := self._config.find_base(name)) is not None:
            return ServedModel(base.id, self._config.folder(base), context=base.max_length)
        checkpoint, adapter = self.backend.checkpoint(name), self._runner.adapter(name)
        if checkpoint is None or adapter is None:
            raise no_such_model(name)
        base = self._config.find_base(checkpoint.base)
        if base is None or not self.backend.may_use(name, checkpoint.project, project):
            raise no_such_model(name)
        return ServedModel(name, self._config.folder(base), adapter, base.max_length)

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        self._event_loop = asyncio.get_running_loop()
        self._training.start(self.backend.lifecycle.live_ids())
        expiry = asyncio.create_task(self._remove_expired())
        try:
            yield
        finally:
            expiry.cancel()
            await asyncio.to_thread(self._training.stop)
            await self._answerer.close()

    async def _remove_expired(self) -> None:
        """Remove expired contents from time to time."""
        while True:
            try:
                await asyncio.to_thread(remove_expired, self.backend)
            except Exception:  # noqa: BLE001  # such as a busy disk; the next round tries again
                _log.exception("Expired files could not be removed; this is tried again.")
            await asyncio.sleep(SECONDS_BETWEEN_EXPIRIES)

    def _unload(self, name: str, adapter: Path) -> None:
        """Unload the adapter of a model. Called by a thread of the training loop."""
        assert self._event_loop is not None
        base = self._config.folder(
            self._config.bases[0]
        )  # the answerer identifies an adapter by its own path
        unloading = self._answerer.unload(ServedModel(name, base, adapter))
        asyncio.run_coroutine_threadsafe(unloading, self._event_loop).result(UNLOAD_SECONDS)


def _settings(config: ServeConfig) -> SelfHostedSettings:
    limits = config.limits
    return SelfHostedSettings(
        organization_id=f"org-{config.organization}",
        organization=config.organization,
        max_queued_jobs=limits.queued_jobs_per_key,
        max_json_bytes=limits.body_bytes,
        max_file_bytes=limits.file_bytes,
        max_upload_bytes=limits.upload_bytes,
        min_free_bytes=limits.free_disk_bytes,
    )


def _base_model(base: Base) -> BaseModel:
    return BaseModel(
        id=base.id,
        aliases=base.aliases,
        methods=base.methods,
        context_length=base.max_length,
        more={PROPERTY: model_facts(base)},
        more_of_tuned={PROPERTY: model_facts(base, is_tuned=True)},
    )


def _engine(config: ServeConfig, tick: float) -> Engine:
    if config.engine.type == "ray":
        return build_engine(config, seconds=tick)
    return LocalEngine(config.training.python, config.secret_variables)


def _answerer(config: ServeConfig) -> Answerer:
    serving = config.serving
    if serving.vllm is None:
        return EmbeddedAnswerer(
            EmbeddedSettings(
                python=config.training.python,
                device=serving.device,
                secret_variables=config.secret_variables,
            )
        )
    assert serving.vllm_key_env is not None
    names = {config.folder(base): base.id for base in config.bases}
    key = os.environ[serving.vllm_key_env]
    return VllmAnswerer(VllmSettings(serving.vllm, key, base_names=names))

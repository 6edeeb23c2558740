"""Helpers of the tests of the service."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openai
from tests.serve.servers import running

from pulumi_openai_ft.emulator.backend import EmulatorBackend
from pulumi_openai_ft.emulator.clock import Clock
from pulumi_openai_ft.emulator.settings import Settings
from pulumi_openai_ft.serve.answers.interface import ServedModel
from pulumi_openai_ft.serve.chat import ChatCompletions, ChatLimits
from pulumi_openai_ft.server.app import api_route, build_app
from pulumi_openai_ft.server.errors import no_such_model
from pulumi_openai_ft.server.storage import opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping
    from contextlib import AbstractAsyncContextManager

    from starlette.applications import Starlette

    from pulumi_openai_ft.serve.answers.interface import Answerer

PROJECT, OTHER_PROJECT = "proj_a", "proj_b"
BASE, TUNED, OTHERS = "tiny-llama", "ft:tiny-llama:team::abc123", "ft:tiny-llama:others::xyz789"
ALIAS = "gpt-4o-mini"
SPECIAL = "<|im_start|>"


@dataclass(frozen=True)
class Models:
    """The models of two projects."""

    base: ServedModel
    tuned: ServedModel
    others: ServedModel

    def resolve(self, name: str, project: str) -> ServedModel:
        """Return the model of a name. Only the other project can use `OTHERS`."""
        visible = {BASE: self.base, ALIAS: self.base, TUNED: self.tuned}
        if project == OTHER_PROJECT:
            visible[OTHERS] = self.others
        if name not in visible:
            raise no_such_model(name)
        return visible[name]


def write_models(folder: Path) -> Models:
    """Create folders of a base model and two adapters that contain no weights."""
    base = folder / "base"
    base.mkdir()
    tokens = [
        {"id": 0, "content": SPECIAL, "special": True},
        {"id": 1, "content": "<tool>", "special": False},
    ]
    (base / "tokenizer.json").write_text(json.dumps({"added_tokens": tokens}))
    adapters = [folder / "adapter-1", folder / "adapter-2"]
    for adapter in adapters:
        adapter.mkdir()
        (adapter / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": 16}))
    tuned, others = (
        ServedModel(name, base, adapter) for name, adapter in zip((TUNED, OTHERS), adapters, strict=True)
    )
    return Models(ServedModel(BASE, base), tuned, others)


def stand_in_python(folder: Path) -> Path:
    """Return an executable that runs the stand-in instead of `-m pulumi_openai_ft.trainer.answers`."""
    program = folder / "python"
    stand_in = Path(__file__).parent / "answers_stand_in.py"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{stand_in}" "$@"\n')
    program.chmod(0o755)
    return program


@dataclass(frozen=True)
class Service:
    """A running service with the endpoint POST /v1/chat/completions."""

    url: str
    resources: ExitStack

    def client(self, project: str = PROJECT, **options: Any) -> openai.OpenAI:
        """Return the official client, with a project's key."""
        defaults = {"max_retries": 0, "timeout": 30, "_strict_response_validation": True}
        transport = openai.DefaultHttpxClient(
            trust_env=False, verify=False
        )  # loading certificates takes 50 ms
        self.resources.callback(transport.close)
        return openai.OpenAI(
            base_url=f"{self.url}/v1", api_key=f"sk-{project}", http_client=transport, **(defaults | options)
        )


@contextmanager
def serving(
    make_answerer: Callable[[], Answerer],
    resolve: Callable[[str, str], ServedModel],
    limits: ChatLimits | None = None,
) -> Iterator[Service]:
    """Serve the chat endpoint, and close the answerer at the end."""
    answerer = make_answerer()
    chat = ChatCompletions(answerer, resolve, limits or ChatLimits(max_tokens=50))
    with opened(None, "--data") as storage, ExitStack() as resources:
        backend = EmulatorBackend(Settings(), Clock.at_once(), *storage)
        for project in (PROJECT, OTHER_PROJECT):
            backend.keyring.add(f"sk-{project}", project=project)
        app = build_app(backend, [api_route(backend, chat.endpoint(), lambda *_: None)])
        app.router.lifespan_context = _closing(answerer)
        url = resources.enter_context(running(app))
        yield Service(url, resources)


def _closing(answerer: Answerer) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await answerer.close()

    return lifespan


def ask(client: openai.OpenAI, text: str, model: str = TUNED, **options: Any) -> Any:
    """Return the complete answer to a message."""
    return client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": text}], **options
    )


def streamed(client: openai.OpenAI, text: str, model: str = TUNED, **options: Any) -> list[Any]:
    """Return the chunks of a streamed answer to a message."""
    return list(ask(client, text, model, stream=True, **options))


def text_of(chunks: list[Any]) -> str:
    """Return the text of a streamed answer."""
    return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)


def problem(error: openai.APIError) -> Mapping[str, Any]:
    """Return the API's error object."""
    assert isinstance(error.body, dict)
    return error.body

"""Answers from a vLLM server, which loads and unloads adapters at run time.

Start vLLM with `--enable-lora` and VLLM_ALLOW_RUNTIME_LORA_UPDATING=1. It must see the folders of the models under the
same paths as this server (docs/answers.md). Source: vLLM's documentation of LoRA adapters, and of its OpenAI-compatible
server.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import defaultdict
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from pulumi_openai_ft.serve.answers.interface import Answerer, AnswerError, Completion, Delta, End
from pulumi_openai_ft.serve.answers.special_tokens import first_special_token, special_tokens
from pulumi_openai_ft.serve.answers.vllm_address import checked_address

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping

    from pulumi_openai_ft.serve.answers.interface import AnswerRequest, Json, ServedModel

_CONNECT_SECONDS = 5.0
_ADAPTER_SECONDS = 120.0
_IN_LOG = "The log of the server contains the reason."
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class VllmSettings:
    """Settings of a vLLM server.

    Attributes:
        address: Base URL: https, or http with a loopback address.
        key: The key of the vLLM server (`--api-key`).
        timeout: Maximum number of seconds between two parts of an answer, or until an answer that is not streamed.
        base_names: Names of base models by their folders, for a vLLM that has them in another folder and knows them by
            name (`--served-model-name`).
    """

    address: str
    key: str = field(repr=False)
    timeout: float = 600.0
    base_names: Mapping[Path, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the address. Raise `ValueError` if it is not accepted."""
        object.__setattr__(self, "address", checked_address(self.address))


class VllmAnswerer(Answerer):
    """Answers with a vLLM server, and loads adapters again if vLLM does not know them."""

    def __init__(self, settings: VllmSettings) -> None:
        self._settings = settings
        self._client = httpx.AsyncClient(
            base_url=settings.address,
            headers={"authorization": f"Bearer {settings.key}"},
            timeout=httpx.Timeout(settings.timeout, connect=_CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=None),
            trust_env=settings.address.startswith("https:"),  # no proxy reaches a loopback address
        )
        self._base_names: dict[Path, str] = {}
        self._loading: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def stream(self, request: AnswerRequest) -> AsyncGenerator[Delta | End]:
        """Yield the answer in parts. See `Answerer.stream`."""
        body = {"stream": True, "stream_options": {"include_usage": True}}
        async with self._answer(request, body) as response:
            finish_reason = None
            async for chunk in _chunks(response):
                for choice in chunk["choices"]:
                    finish_reason = choice.get("finish_reason") or finish_reason
                    if fields := _fields(choice["delta"]):
                        yield Delta(fields)
                if chunk.get("usage") and finish_reason:
                    yield End(finish_reason, chunk["usage"])
                    return
        raise _broken("The answer of vLLM ended early.")

    async def complete(self, request: AnswerRequest) -> Completion:
        """Return the complete answer. See `Answerer.complete`."""
        async with self._answer(request, {"stream": False}) as response:
            answer = json.loads(await response.aread())
        choice = answer["choices"][0]
        message = {
            "role": "assistant",
            "content": choice["message"].get("content"),
            "refusal": None,
            **_fields(choice["message"]),
        }
        return Completion(message, End(choice["finish_reason"], answer["usage"]))

    async def unload(self, model: ServedModel) -> None:
        """Unload the model's adapter. See `Answerer.unload`."""
        if model.adapter_path is None:
            return
        async with self._loading[model.name], _mapped_failures():
            response = await self._post_adapter("unload", {"lora_name": model.name})
        if not response.is_success and response.status_code != HTTPStatus.NOT_FOUND:
            raise _broken(f"vLLM did not unload {model.name}: {_message(response)}")
        self._loading.pop(model.name, None)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    @asynccontextmanager
    async def _answer(self, request: AnswerRequest, options: Json) -> AsyncIterator[httpx.Response]:
        """Send a request and return the response, whose body is not read yet. Load the model if vLLM does not know it."""
        _refuse_special_tokens(request)
        async with _mapped_failures():
            response = await self._ask(request, options)
            if response.status_code == HTTPStatus.NOT_FOUND:
                await response.aclose()
                await self._provide(request.model)
                response = await self._ask(request, options)
            if response.status_code == HTTPStatus.BAD_REQUEST:
                # vLLM refuses a limit beyond its context. Without one, it stops there, which is before our limit.
                await response.aclose()
                response = await self._ask(request, options, limited=False)
            try:
                if not response.is_success:
                    await response.aread()
                    raise _refusal(response)
                yield response
            finally:
                await response.aclose()

    async def _ask(self, request: AnswerRequest, options: Json, *, limited: bool = True) -> httpx.Response:
        model = request.model
        name = await self._base_name(model.base_path) if model.adapter_path is None else model.name
        limit = {"max_tokens": request.max_tokens} if limited else {}
        body = {"model": name, **_parameters(request), **limit, **options}
        message = self._client.build_request("POST", "/v1/chat/completions", json=body)
        return await self._client.send(message, stream=True)

    async def _provide(self, model: ServedModel) -> None:
        """Load an adapter, or look up the name of a base model again, after vLLM did not know it."""
        self._base_names.pop(model.base_path, None)
        base = await self._base_name(model.base_path)
        if model.adapter_path is None:
            return
        async with self._loading[model.name]:
            if model.name in await self._models():
                return
            _log.info("Loading %s into vLLM, whose base model is %s.", model.name, base)
            adapter = {"lora_name": model.name, "lora_path": str(model.adapter_path)}
            response = await self._post_adapter("load", adapter)
            if not response.is_success and model.name not in await self._models():
                raise _broken(
                    f"vLLM did not load the adapter {model.adapter_path} ({response.status_code}: "
                    f"{_message(response)}). vLLM must run with --enable-lora, a sufficient --max-lora-rank and "
                    "VLLM_ALLOW_RUNTIME_LORA_UPDATING=1, and must see the folder under the same path."
                )

    async def _base_name(self, path: Path) -> str:
        """Return the name under which vLLM serves a base model."""
        if path in self._base_names:
            return self._base_names[path]
        wanted = self._settings.base_names.get(path)
        served = await self._models()
        for name, folder in served.items():
            if name == wanted or (folder and Path(folder) == path):
                self._base_names[path] = name
                return name
        raise _broken(f"vLLM does not serve the base model {wanted or path}. It serves {', '.join(served)}.")

    async def _models(self) -> dict[str, str | None]:
        """Return the folders of all models of vLLM, adapters included, by name."""
        response = await self._client.get("/v1/models")
        if not response.is_success:
            raise _refusal(response)
        return {card["id"]: card.get("root") for card in response.json()["data"]}

    async def _post_adapter(self, verb: str, body: Json) -> httpx.Response:
        return await self._client.post(f"/v1/{verb}_lora_adapter", json=body, timeout=_ADAPTER_SECONDS)


def _parameters(request: AnswerRequest) -> Json:
    """Return the parameters of a request to vLLM. Nothing else from the client's request reaches vLLM."""
    parameters: Json = {
        "messages": request.messages,
        "temperature": request.temperature,
        "top_p": request.top_p,
    }
    if request.tools:
        parameters["tools"] = request.tools
    if request.seed is not None:
        parameters["seed"] = request.seed
    if request.stop:
        parameters["stop"] = list(request.stop)
    return parameters


def _refuse_special_tokens(request: AnswerRequest) -> None:
    try:
        tokens = special_tokens(request.model.base_path)
    except (OSError, ValueError) as error:
        raise _broken(f"The tokenizer of {request.model.base_path} cannot be read: {error}") from error
    for param, value in (("messages", request.messages), ("tools", request.tools)):
        if found := first_special_token(value, tokens, param):
            token, place = found
            raise AnswerError(400, f"'{place}' contains {token}, a special token of the model.", place)


async def _chunks(response: httpx.Response) -> AsyncIterator[Json]:
    async for line in response.aiter_lines():
        if not line.startswith("data:"):
            continue
        data = line.removeprefix("data:").strip()
        if data == "[DONE]":
            return
        chunk = json.loads(data)
        if "error" in chunk:
            raise _broken(f"vLLM stopped an answer: {data}")
        yield chunk


def _fields(message: Json) -> Json:
    """Return the fields of a message or delta that contain something."""
    return {name: value for name, value in message.items() if name != "role" and value not in (None, "", [])}


@asynccontextmanager
async def _mapped_failures() -> AsyncIterator[None]:
    try:
        yield
    except httpx.TimeoutException as error:
        _log.error("vLLM did not respond in time: %r", error)
        raise AnswerError(504, "The model did not answer in time.") from error
    except httpx.TransportError as error:
        raise _broken(f"vLLM cannot be reached: {error!r}") from error
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise _broken(f"vLLM returned an unexpected response: {error!r}") from error


def _refusal(response: httpx.Response) -> AnswerError:
    """Return the error for the client. Pass on what vLLM criticizes about the request; log everything else."""
    if response.status_code in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY):
        return AnswerError(400, _message(response), _param(response))
    return _broken(f"vLLM refused a request ({response.status_code}): {_message(response)}")


def _broken(reason: str) -> AnswerError:
    _log.error("%s", reason)
    return AnswerError(503, f"The vLLM server behind this service cannot answer. {_IN_LOG}")


def _error(response: httpx.Response) -> Json:
    try:
        body = response.json()
    except ValueError:
        return {}
    error: Any = body.get("error", body) if isinstance(body, dict) else {}
    return error if isinstance(error, dict) else {"message": error}


def _message(response: httpx.Response) -> str:
    error = _error(response)
    return str(error.get("message") or error.get("detail") or response.reason_phrase)


def _param(response: httpx.Response) -> str | None:
    param = _error(response).get("param")
    return param if isinstance(param, str) else None

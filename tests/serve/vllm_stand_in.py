"""A stand-in of vLLM 0.33 that answers as its documentation and sources describe, but without a model.

Sources: docs.vllm.ai/en/latest/features/lora (adapters at run time), vllm/entrypoints/openai/models/serving.py and
vllm/entrypoints/serve/lora/api_router.py (statuses and messages), .../chat_completion (chunks of a stream).
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

KEY = "vllm-key"
_DOCUMENTED = frozenset(
    {
        "max_tokens",
        "messages",
        "model",
        "seed",
        "stop",
        "stream",
        "stream_options",
        "temperature",
        "tools",
        "top_p",
    }
)


@dataclass
class VllmStandIn:
    """A vLLM server with one base model.

    Attributes:
        base: Folder of the base model (`--model`).
        name: Name of the base model (`--served-model-name`).
        context: Maximum number of tokens of messages and answer (`--max-model-len`). Each word counts as a token.
        max_lora_rank: `--max-lora-rank`.
        updates_at_run_time: Whether VLLM_ALLOW_RUNTIME_LORA_UPDATING is set.
        calls_tools: Whether it runs with `--enable-auto-tool-choice` and a parser.
        seconds: Pause before each part of a streamed answer.
        silent: Whether requests get no response for now.
        breaks_after: Number of parts after which a stream ends without its end, as if vLLM crashed.
        adapters: Folders of the loaded adapters by name.
        requests: Paths and bodies of all requests so far.
        stopped: Number of streams that the client closed early.
    """

    base: Path
    name: str
    context: int = 100
    max_lora_rank: int = 16
    updates_at_run_time: bool = True
    calls_tools: bool = False
    seconds: float = 0.0
    silent: bool = False
    breaks_after: int | None = None
    adapters: dict[str, str] = field(default_factory=dict)
    requests: list[tuple[str, Any]] = field(default_factory=list)
    stopped: int = 0

    def restart(self) -> None:
        """Forget all adapters, as vLLM does."""
        self.adapters.clear()

    def paths(self) -> list[str]:
        """Return the paths of all requests so far."""
        return [path for path, _ in self.requests]

    def app(self) -> Starlette:
        """Return the application."""
        routes = [
            Route("/v1/models", self._guarded(self._models)),
            Route("/v1/chat/completions", self._guarded(self._chat), methods=["POST"]),
        ]
        if self.updates_at_run_time:
            routes += [
                Route("/v1/load_lora_adapter", self._guarded(self._load), methods=["POST"]),
                Route("/v1/unload_lora_adapter", self._guarded(self._unload), methods=["POST"]),
            ]
        return Starlette(routes=routes, exception_handlers={404: _no_route})

    def _guarded(self, handler: Any) -> Any:
        async def serve(request: Request) -> Response:
            content = await request.body()
            body = json.loads(content) if content else None
            self.requests.append((request.url.path, body))
            while self.silent:  # noqa: ASYNC110  # tests change it in another thread
                await asyncio.sleep(0.05)
            if request.headers.get("authorization") != f"Bearer {KEY}":
                return JSONResponse({"error": "Unauthorized"}, 401)
            return await handler(body)

        return serve

    async def _models(self, _: None) -> Response:
        cards = [{"id": self.name, "object": "model", "root": str(self.base), "parent": None}]
        cards += [
            {"id": name, "object": "model", "root": path, "parent": self.name}
            for name, path in self.adapters.items()
        ]
        return JSONResponse({"object": "list", "data": cards})

    async def _load(self, body: dict[str, Any]) -> Response:
        name, path = body.get("lora_name"), body.get("lora_path")
        if not name or not path:
            return _error(400, "InvalidUserInput", "Both 'lora_name' and 'lora_path' must be provided.")
        if name in self.adapters and not body.get("load_inplace"):
            message = f"The lora adapter '{name}' has already been loaded. If you want to load the adapter in place, "
            return _error(400, "InvalidUserInput", message + "set 'load_inplace' to True.")
        configuration = Path(path) / "adapter_config.json"
        if not configuration.exists():
            return _error(404, "NotFoundError", f"Loading lora {name} failed: No adapter found for {path}")
        rank = json.loads(configuration.read_text())["r"]
        if rank > self.max_lora_rank:
            message = f"LoRA rank {rank} is greater than max_lora_rank {self.max_lora_rank}."
            return _error(500, "InternalServerError", message)
        self.adapters[name] = path
        return PlainTextResponse(f"Success: LoRA adapter '{name}' added successfully.")

    async def _unload(self, body: dict[str, Any]) -> Response:
        name = body.get("lora_name")
        if not name:
            message = "'lora_name' needs to be provided to unload a LoRA adapter."
            return _error(400, "InvalidUserInput", message)
        if name not in self.adapters:
            return _error(404, "NotFoundError", f"The lora adapter '{name}' cannot be found.")
        del self.adapters[name]
        return PlainTextResponse(f"Success: LoRA adapter '{name}' removed successfully.")

    async def _chat(self, body: dict[str, Any]) -> Response:
        assert set(body) <= _DOCUMENTED, sorted(body)
        model = body["model"]
        if model != self.name and model not in self.adapters:
            return _error(404, "NotFoundError", f"The model `{model}` does not exist.", "model")
        if body.get("tools") and not self.calls_tools:
            message = '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'
            return _error(400, "BadRequestError", message)
        prompt = sum(len((message["content"] or "").split()) for message in body["messages"])
        if prompt + body.get("max_tokens", 1) > self.context:
            message = f"This model's maximum context length is {self.context} tokens."
            return _error(400, "BadRequestError", message, "max_tokens")
        return self._respond(_Answer(self, body, prompt))

    def _respond(self, answer: _Answer) -> Response:
        if answer.body.get("stream"):
            return StreamingResponse(answer.events(), media_type="text/event-stream")
        return JSONResponse(answer.complete())


class _Answer:
    """An answer: the name of the model, and its adapter's folder, and the last message."""

    def __init__(self, server: VllmStandIn, body: dict[str, Any], prompt: int) -> None:
        self.body = body
        self._server = server
        self._prompt = prompt
        self._calls = None
        limit = body.get("max_tokens", server.context - prompt)
        if body.get("tools"):
            function = {"name": body["tools"][0]["function"]["name"], "arguments": "{}"}
            self._calls = [{"id": "chatcmpl-tool-1", "type": "function", "function": function}]
            self._words, self._reason = [], "tool_calls"
        else:
            folder = server.adapters.get(body["model"], str(server.base))
            words = [Path(folder).name, "heard:", *body["messages"][-1]["content"].split()]
            self._words, self._reason = words[:limit], "length" if len(words) > limit else "stop"

    def complete(self) -> dict[str, Any]:
        message = {
            "role": "assistant",
            "content": " ".join(self._words) or None,
            "refusal": None,
            "annotations": None,
            "audio": None,
            "function_call": None,
            "tool_calls": self._calls or [],
            "reasoning": None,
        }
        choice = {
            "index": 0,
            "message": message,
            "logprobs": None,
            "finish_reason": self._reason,
            "stop_reason": None,
        }
        return {**self._head("chat.completion"), "choices": [choice], "usage": self._usage()}

    async def events(self) -> AsyncIterator[str]:
        try:
            async for chunk in self._chunks():
                yield f"data: {json.dumps(chunk)}\n\n"
                await asyncio.sleep(self._server.seconds)
        except (asyncio.CancelledError, GeneratorExit):
            self._server.stopped += 1
            raise
        if self._server.breaks_after is None:
            yield "data: [DONE]\n\n"

    async def _chunks(self) -> AsyncIterator[dict[str, Any]]:
        yield self._chunk({"role": "assistant", "content": ""})
        for index, word in enumerate(self._words):
            if index == self._server.breaks_after:
                return
            yield self._chunk({"content": word if index == 0 else f" {word}"})
        if self._calls:
            yield self._chunk({"tool_calls": [{"index": 0, **self._calls[0]}]})
        yield self._chunk({}, self._reason)
        if (self.body.get("stream_options") or {}).get("include_usage"):
            yield {**self._head("chat.completion.chunk"), "choices": [], "usage": self._usage()}

    def _chunk(self, delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return {**self._head("chat.completion.chunk"), "choices": [choice]}

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": "chatcmpl-1", "object": kind, "created": 1, "model": self.body["model"]}

    def _usage(self) -> dict[str, Any]:
        answer = len(self._words)
        return {
            "prompt_tokens": self._prompt,
            "total_tokens": self._prompt + answer,
            "completion_tokens": answer,
        }


def _error(status: int, kind: str, message: str, param: str | None = None) -> Response:
    return JSONResponse({"error": {"message": message, "type": kind, "param": param, "code": status}}, status)


async def _no_route(_request: Request, _error: Exception) -> Response:
    return JSONResponse({"detail": "Not Found"}, 404)

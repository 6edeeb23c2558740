"""POST /chat/completions."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import AsyncExitStack, aclosing, contextmanager
from dataclasses import dataclass
from secrets import token_hex
from typing import TYPE_CHECKING, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, StreamingResponse

from pulumi_openai_ft.serve.answers.interface import AnswerError, AnswerRequest, Delta, End
from pulumi_openai_ft.serve.chat_request import read_chat_request
from pulumi_openai_ft.server.app import Endpoint
from pulumi_openai_ft.server.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

    from pulumi_openai_ft.serve.answers.interface import Answerer, Json, ServedModel
    from pulumi_openai_ft.serve.chat_request import ChatRequest
    from pulumi_openai_ft.server.request_context import ApiRequest

_T = TypeVar("_T")
_SECONDS_TO_RETRY = 5
"""An answer of the embedded engine takes seconds. The official client waits this time and sends the request again."""


@dataclass(frozen=True, slots=True)
class ChatLimits:
    """Limits of requests for answers.

    Attributes:
        max_tokens: Maximum number of tokens of an answer, and the default.
        in_flight: Maximum number of requests at the same time; further ones receive a 429.
    """

    max_tokens: int = 4096
    in_flight: int = 64


class ChatCompletions:
    """Answers to POST /chat/completions.

    Args:
        answerer: Answers the messages.
        resolve: Returns the model of a name for a project. It runs in a thread and raises `ApiError`, such as the 404
            `model_not_found`.
        limits: Limits of requests.
    """

    def __init__(
        self, answerer: Answerer, resolve: Callable[[str, str], ServedModel], limits: ChatLimits
    ) -> None:
        self._answerer = answerer
        self._resolve = resolve
        self._limits = limits
        self._in_flight = 0

    def endpoint(self) -> Endpoint:
        """Return the endpoint for the routes of a service."""
        return Endpoint("POST", "/v1/chat/completions", self.respond, "model.request")

    async def respond(self, call: ApiRequest) -> Response:
        """Answer a request. Raise `ApiError` if that fails before the first part of the answer."""
        with _api_errors():
            async with AsyncExitStack() as stack:
                stack.enter_context(self._slot())
                chat = read_chat_request(call.body, self._limits.max_tokens)
                model = await run_in_threadpool(self._resolve, chat.model, call.project)
                question = _question(chat, model)
                answer = _AnswerObjects(model.name, include_usage=chat.include_usage)
                if not chat.stream:
                    completion = await _unless_disconnected(call.request, self._answerer.complete(question))
                    return JSONResponse(answer.completion(completion.message, completion.end))
                parts = await stack.enter_async_context(aclosing(self._answerer.stream(question)))
                first = await _unless_disconnected(call.request, anext(parts))
                return _EventStream(_events(answer, first, parts), stack.pop_all())

    @contextmanager
    def _slot(self) -> Iterator[None]:
        if self._in_flight >= self._limits.in_flight:
            message = (
                f"This service accepts at most {self._limits.in_flight} requests at a time, including waiting ones. "
                f"Try again in {_SECONDS_TO_RETRY} seconds."
            )
            headers = {"retry-after": str(_SECONDS_TO_RETRY)}
            raise ApiError(429, message, kind="requests", code="rate_limit_exceeded", headers=headers)
        self._in_flight += 1
        try:
            yield
        finally:
            self._in_flight -= 1


class _EventStream(StreamingResponse):
    """Server-sent events that release resources when they end, also if they never started."""

    def __init__(self, events: AsyncIterator[str], resources: AsyncExitStack) -> None:
        super().__init__(events, media_type="text/event-stream", headers={"cache-control": "no-cache"})
        self._resources = resources

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._resources:
            await super().__call__(scope, receive, send)


class _AnswerObjects:
    """The API's objects of one answer."""

    def __init__(self, model: str, *, include_usage: bool) -> None:
        self._id = f"chatcmpl-{token_hex(12)}"
        self._created = int(time.time())
        self._model = model
        self._include_usage = include_usage

    def completion(self, message: Json, end: End) -> Json:
        """Return the complete answer."""
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": end.finish_reason}
        return {**self._head("chat.completion"), "choices": [choice], "usage": end.usage}

    def chunk(self, delta: Json, finish_reason: str | None = None) -> Json:
        """Return a part of the answer."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        usage = {"usage": None} if self._include_usage else {}
        return {**self._head("chat.completion.chunk"), "choices": [choice], **usage}

    def last_chunks(self, end: End) -> Iterator[Json]:
        """Yield the end of the answer, and its numbers of tokens if the client asked for them."""
        yield self.chunk({}, end.finish_reason)
        if self._include_usage:
            yield {**self._head("chat.completion.chunk"), "choices": [], "usage": end.usage}

    def _head(self, kind: str) -> Json:
        return {
            "id": self._id,
            "object": kind,
            "created": self._created,
            "model": self._model,
            "service_tier": "default",
            "system_fingerprint": None,
        }


def _question(chat: ChatRequest, model: ServedModel) -> AnswerRequest:
    return AnswerRequest(
        model=model,
        messages=chat.messages,
        max_tokens=chat.max_tokens,
        tools=chat.tools,
        temperature=chat.temperature,
        top_p=chat.top_p,
        seed=chat.seed,
        stop=chat.stop,
    )


async def _events(
    answer: _AnswerObjects, first: Delta | End, parts: AsyncGenerator[Delta | End]
) -> AsyncIterator[str]:
    """Yield server-sent events. Report a failure as an event, since the status is already sent."""
    yield _event(answer.chunk({"role": "assistant", "content": "", "refusal": None}))
    part = first
    try:
        while isinstance(part, Delta):
            yield _event(answer.chunk(part.fields))
            part = await anext(parts)
    except AnswerError as error:
        yield _event(_api_error(error).body())
        return
    for chunk in answer.last_chunks(part):
        yield _event(chunk)
    yield "data: [DONE]\n\n"


def _event(data: Json) -> str:
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n"


async def _unless_disconnected(request: Request, work: Awaitable[_T]) -> _T:
    """Return the result of `work`, or cancel it and raise `ClientDisconnect` if the client disconnects."""
    task = asyncio.ensure_future(work)
    disconnected = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({task, disconnected}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        task.cancel()
        disconnected.cancel()
        await asyncio.gather(task, disconnected, return_exceptions=True)


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


@contextmanager
def _api_errors() -> Iterator[None]:
    try:
        yield
    except AnswerError as error:
        raise _api_error(error) from error


def _api_error(error: AnswerError) -> ApiError:
    kind = "invalid_request_error" if error.status < 500 else "server_error"  # noqa: PLR2004  # first server error
    return ApiError(error.status, error.message, kind=kind, param=error.param, code=error.code)

"""Answers from a process beside the server, for trying a model out."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import count
from secrets import token_hex
from typing import TYPE_CHECKING

from pulumi_openai_ft.serve.answers.interface import Answerer, AnswerError, Completion, Delta, End
from pulumi_openai_ft.serve.answers.model_process import ModelProcess, ProcessEndedError
from pulumi_openai_ft.serve.child_environment import without_secrets

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Collection, Mapping
    from pathlib import Path

    from pulumi_openai_ft.serve.answers.interface import AnswerRequest, Json, ServedModel
    from pulumi_openai_ft.serve.answers.model_process import Event, Exchange

PROGRAM = "pulumi_openai_ft.trainer.answers"
_PARTS = frozenset({"text", "tool_call"})
"""Events that others follow."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EmbeddedSettings:
    """Settings of the process that holds the models.

    Attributes:
        python: Executable of the Python that has the extra `train`.
        device: Device of the models, as PyTorch names it. By default the first GPU, or the CPU if there is none.
        adapters: Maximum number of adapters in memory for each base model.
        timeout: Maximum number of seconds for an answer, including loading the model.
        grace: Seconds within which the process must confirm that it has stopped an answer.
        environment: Environment variables for the process, in addition to those of the server, without keys.
        secret_variables: Environment variables with keys of the service, which the process does not receive.
    """

    python: Path
    device: str | None = None
    adapters: int = 4
    timeout: float = 600.0
    grace: float = 10.0
    environment: Mapping[str, str] = field(default_factory=dict)
    secret_variables: Collection[str] = ()


class EmbeddedAnswerer(Answerer):
    """Answers with a process that starts with the first request and again after a crash."""

    def __init__(self, settings: EmbeddedSettings) -> None:
        self._settings = settings
        self._process: ModelProcess | None = None
        self._starting = asyncio.Lock()
        self._stopping: set[asyncio.Task[None]] = set()

    @property
    def pid(self) -> int | None:
        """Return the id of the process; None if it is not running."""
        return None if self._process is None or self._process.ended else self._process.pid

    async def stream(self, request: AnswerRequest) -> AsyncGenerator[Delta | End]:
        """Yield the answer in parts. See `Answerer.stream`."""
        process, calls = await self._running(), count()
        async with aclosing(self._events(process, _generate(request))) as events:
            async for event in events:
                if event["event"] == "text":
                    yield Delta({"content": event["text"]})
                elif event["event"] == "tool_call":
                    yield Delta({"tool_calls": [{"index": next(calls), **_tool_call(event)}]})
                else:
                    yield _end(event)

    async def complete(self, request: AnswerRequest) -> Completion:
        """Return the complete answer. See `Answerer.complete`."""
        deltas: list[Json] = []
        async with aclosing(self.stream(request)) as parts:
            async for part in parts:
                if isinstance(part, End):
                    return Completion(_message(deltas), part)
                deltas.append(part.fields)
        raise AssertionError("A stream without an end raises an error.")

    async def unload(self, model: ServedModel) -> None:
        """Forget a fine-tuned model. See `Answerer.unload`."""
        process = self._process
        if model.adapter_path is None or process is None or process.ended:
            return
        async with aclosing(self._events(process, _unload(model.adapter_path))) as events:
            async for event in events:
                _require_success(event)

    async def close(self) -> None:
        """End the process. A later request starts a new one."""
        for task in self._stopping:
            task.cancel()
        if self._process is not None:
            await self._process.close()
            self._process = None

    async def _running(self) -> ModelProcess:
        async with self._starting:
            if self._process is None or self._process.ended:
                self._process = await self._start()
            return self._process

    async def _start(self) -> ModelProcess:
        settings = self._settings
        command = [str(settings.python), "-m", PROGRAM, "--adapters", str(settings.adapters)]
        if settings.device is not None:
            command += ["--device", settings.device]
        environment = {**without_secrets(settings.secret_variables), **settings.environment}
        try:
            return await ModelProcess.start(command, environment)
        except OSError as error:
            _log.error("The process that holds the models cannot be started: %s", error)  # one line
            raise _unavailable() from error

    async def _events(self, process: ModelProcess, operation: Event) -> AsyncGenerator[Event]:
        """Send a request and yield its events. If the caller closes the generator before the last one, stop the work."""
        deadline = asyncio.get_running_loop().time() + self._settings.timeout
        exchange = process.open()
        is_last = False
        try:
            await process.send(exchange, operation)
            while not is_last:
                async with asyncio.timeout_at(deadline):
                    event = await exchange.next()
                is_last = event["event"] not in _PARTS
                yield event
        except ProcessEndedError as error:
            is_last = True
            _log.error("The process that holds the models ended: %s", await process.describe_end())
            raise _unavailable() from error
        except TimeoutError as error:
            message = f"The model did not finish its answer within {self._settings.timeout:g} seconds."
            raise AnswerError(504, message) from error
        finally:
            if is_last:
                process.forget(exchange)
            else:
                self._stop_later(process, exchange)

    def _stop_later(self, process: ModelProcess, exchange: Exchange) -> None:
        task = asyncio.ensure_future(self._stop(process, exchange))
        self._stopping.add(task)
        task.add_done_callback(self._stopping.discard)

    async def _stop(self, process: ModelProcess, exchange: Exchange) -> None:
        """Stop an answer. If the process does not confirm that in time, end it: it would keep the model busy."""
        cancel = process.open()
        try:
            async with asyncio.timeout(self._settings.grace):
                await process.send(cancel, {"op": "cancel", "request": exchange.number})
                while (await exchange.next())["event"] in _PARTS:
                    pass
        except TimeoutError:
            _log.error("The process that holds the models does not react; it is ended.")
            process.kill()
        except ProcessEndedError:
            pass  # nothing is left to stop
        finally:
            process.forget(exchange)
            process.forget(cancel)


def _generate(request: AnswerRequest) -> Event:
    model = request.model
    return {
        "op": "generate",
        "base": str(model.base_path),
        "adapter": None if model.adapter_path is None else str(model.adapter_path),
        "context": model.context,
        "messages": request.messages,
        "tools": request.tools,
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "seed": request.seed,
        "stop": list(request.stop),
    }


def _tool_call(event: Event) -> Json:
    function = {"name": event["name"], "arguments": event["arguments"]}
    return {"id": f"call_{token_hex(12)}", "type": "function", "function": function}


def _message(deltas: list[Json]) -> Json:
    """Return the message that consists of these parts."""
    text = "".join(delta.get("content", "") for delta in deltas)
    calls = [
        {name: value for name, value in call.items() if name != "index"}
        for delta in deltas
        for call in delta.get("tool_calls", ())
    ]
    if not calls:
        return {"role": "assistant", "content": text, "refusal": None}
    return {"role": "assistant", "content": text or None, "refusal": None, "tool_calls": calls}


def _unload(adapter: Path) -> Event:
    return {"op": "unload", "adapter": str(adapter)}


def _end(event: Event) -> End:
    _require_success(event)
    return End(event["finish_reason"], event["usage"])


def _require_success(event: Event) -> None:
    if event["event"] == "done":
        return
    if event["event"] == "error" and event["status"] == HTTPStatus.BAD_REQUEST:
        raise AnswerError(400, event["message"], event["param"], event.get("code"))
    _log.error("The model cannot answer: %s", event.get("message", event["event"]))
    raise AnswerError(500, "The model cannot answer. The log of the server contains the reason.")


def _unavailable() -> AnswerError:
    return AnswerError(
        503, "The process that holds the models ended. The log of the server contains the reason."
    )

"""A stand-in of `python -m pulumi_openai_ft.trainer.answers` that speaks its lines without a model.

The last message selects the behavior: `crash`, `hang`, `ignore cancel`, `refuse`, `fail`, `garbage`, `count 100`,
`arguments`, `call text weather time`. Any other message is repeated word by word, after the name of the adapter's folder.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

_GENERATE = {
    "adapter",
    "base",
    "context",
    "id",
    "max_tokens",
    "messages",
    "op",
    "seed",
    "stop",
    "temperature",
    "tools",
    "top_p",
}
_writing = Lock()
_cancelled: dict[int, Event] = {}


def _write(event: dict[str, Any]) -> None:
    with _writing:
        sys.stdout.write(json.dumps(event) + "\n")
        sys.stdout.flush()


def _generate(operation: dict[str, Any], cancelled: Event) -> None:
    assert set(operation) == _GENERATE, sorted(operation)
    number, command = operation["id"], operation["messages"][-1]["content"]
    if command == "crash":
        sys.stderr.write("out of luck\n")
        sys.stderr.flush()
        os._exit(3)
    if command == "garbage":
        sys.stdout.write("no JSON\n")
        sys.stdout.flush()
    if command == "ignore cancel":
        time.sleep(60)
    if command == "hang":
        cancelled.wait()
    if command in ("refuse", "fail"):
        status = 400 if command == "refuse" else 500
        _write(
            {"id": number, "event": "error", "status": status, "message": "/secret/path", "param": "messages"}
        )
        return
    if command.startswith("call "):
        _call(number, command.split()[1:])
        return
    words = _words(operation, command)[: operation["max_tokens"]]
    for index, word in enumerate(words):
        if cancelled.is_set():
            break
        _write({"id": number, "event": "text", "text": word if index == 0 else f" {word}"})
        time.sleep(0.01)
    if cancelled.is_set():
        _write({"id": number, "event": "cancelled"})
        print("stopped early", file=sys.stderr, flush=True)  # noqa: T201
        return
    prompt, answer = len(operation["messages"]), len(words)
    usage = {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer}
    _write({"id": number, "event": "done", "finish_reason": "stop", "usage": usage})


def _call(number: int, names: list[str]) -> None:
    for name in names:
        if name == "text":
            _write({"id": number, "event": "text", "text": "One moment."})
        else:
            _write({"id": number, "event": "tool_call", "name": name, "arguments": '{"city": "Oslo"}'})
    usage = {"prompt_tokens": 1, "completion_tokens": 9, "total_tokens": 10}
    _write({"id": number, "event": "done", "finish_reason": "tool_calls", "usage": usage})


def _words(operation: dict[str, Any], command: str) -> list[str]:
    if command.startswith("count "):
        return [str(index) for index in range(int(command.split()[1]))]
    if command == "arguments":
        return sys.argv[1:]
    return [Path(operation["adapter"] or operation["base"]).name, *command.split()]


def _main() -> None:
    for line in sys.stdin:
        operation = json.loads(line)
        number = operation["id"]
        if operation["op"] == "generate":
            _cancelled[number] = Event()
            Thread(target=_generate, args=(operation, _cancelled[number]), daemon=True).start()
        elif operation["op"] == "cancel":
            _cancelled[operation["request"]].set()
            _write({"id": number, "event": "done"})
        else:
            print(f"unloaded {operation['adapter']}", file=sys.stderr, flush=True)  # noqa: T201
            _write({"id": number, "event": "done"})
    os._exit(0)


_main()

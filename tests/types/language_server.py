"""A client of pyright's language server, which answers as in an editor."""

from __future__ import annotations

import json
import os
import subprocess
from typing import IO, TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from pathlib import Path


class LanguageServer:
    """A running language server.

    Args:
        folder: Folder of the programs.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        command = ["pyright-langserver", "--stdio"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder)
        self._requests = 0
        self._request(
            "initialize", {"processId": os.getpid(), "rootUri": folder.as_uri(), "capabilities": {}}
        )
        self._send({"method": "initialized", "params": {}})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._request("shutdown", None)
        self._send({"method": "exit"})
        self._process.communicate(timeout=60)

    def hover(self, program: str, marker: str) -> str:
        """Return the text shown for the place in a program behind a marker."""
        shown = self._ask("textDocument/hover", program, marker)
        contents: str = shown["contents"]["value"]
        return contents

    def completions(self, program: str, marker: str) -> list[str]:
        """Return the values offered at a marker in a program."""
        offered = self._ask("textDocument/completion", program, marker)
        return [item["label"].strip('"') for item in offered["items"]] if offered else []

    def _ask(self, method: str, program: str, marker: str) -> Any:
        before, after = program.split(marker)
        path = self._folder / f"program_{self._requests}.py"
        opened = {"uri": path.as_uri(), "languageId": "python", "version": 1, "text": before + after}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": opened}})
        *lines, last = before.split("\n")
        place = {
            "textDocument": {"uri": path.as_uri()},
            "position": {"line": len(lines), "character": len(last)},
        }
        return self._request(method, place)

    def _request(self, method: str, params: Any) -> Any:
        self._requests += 1
        self._send({"id": self._requests, "method": method, "params": params})
        while True:
            message = self._receive()
            if "method" not in message:
                assert "error" not in message
                return message["result"]
            if "id" in message:  # a request of the server, such as for settings
                items = (message.get("params") or {}).get("items", [])
                self._send({"id": message["id"], "result": [{} for _ in items]})

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        stdin = self._pipe(self._process.stdin)
        stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        stdin.flush()

    def _receive(self) -> dict[str, Any]:
        stdout = self._pipe(self._process.stdout)
        headers = iter(stdout.readline, b"\r\n")
        lengths = {
            name.lower(): int(value)
            for name, _, value in (line.partition(b": ") for line in headers)
            if value.strip().isdigit()
        }
        message: dict[str, Any] = json.loads(stdout.read(lengths[b"content-length"]))
        return message

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        assert pipe
        return pipe

from __future__ import annotations

import json
import subprocess
import sys
from io import BytesIO
from threading import Thread
from typing import Any

import msgspec
import pytest

from pulumi_openai_ft.trainer.answers.operations import DECODER, Cancel, Generate, Output, Unload

GENERATE: dict[str, Any] = {
    "id": 1,
    "op": "generate",
    "base": "/base",
    "adapter": None,
    "context": None,
    "messages": [{"role": "user", "content": "hello"}],
    "tools": None,
    "max_tokens": 5,
    "temperature": 1,
    "top_p": 0.5,
    "seed": None,
    "stop": [],
}


def test_lines_are_read_as_operations() -> None:
    request = DECODER.decode(json.dumps(GENERATE))

    assert isinstance(request, Generate)
    assert request.temperature == 1.0
    assert DECODER.decode('{"id": 2, "op": "unload", "adapter": "/a"}') == Unload(2, "/a")
    assert DECODER.decode('{"id": 3, "op": "cancel", "request": 1}') == Cancel(3, 1)


@pytest.mark.parametrize(
    "change", [{"op": "load"}, {"max_tokens": "5"}, {"trust_remote_code": True}, {"id": None}]
)
def test_invalid_line_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        DECODER.decode(json.dumps(GENERATE | change))


def test_threads_write_complete_lines() -> None:
    file = BytesIO()
    output = Output(file)

    def write(number: int) -> None:
        for _ in range(200):
            output.write(number, "text", text="é" * 50)

    threads = [Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    lines = [json.loads(line) for line in file.getvalue().splitlines()]
    assert len(lines) == 800
    assert {line["text"] for line in lines} == {"é" * 50}


def test_output_of_libraries_does_not_reach_stdout() -> None:
    program = """
import os, sys
from pulumi_openai_ft.trainer.answers.operations import Output
output = Output.reserve_stdout()
print("from Python")
sys.stdout.flush()
os.write(1, b"from C")
output.write(1, "done")
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert result.stdout == '{"id": 1, "event": "done"}\n'
    assert result.stderr == "from Python\nfrom C"

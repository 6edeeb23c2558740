"""Pulumi's language host finds the same Python as `openai-ft doctor` and the wrapper in each case."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import grpc
import pytest
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import language_pb2, language_pb2_grpc
from tests.program_python.layout import CASES, Case, Layout, lay_out
from tests.program_python.test_agreement import install

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.e2e
ADDRESS = "127.0.0.1:1"
"""Address of an engine, which the host does not call for these questions."""


@contextmanager
def language_host(engine: str, layout: Layout) -> Iterator[language_pb2_grpc.LanguageRuntimeStub]:
    """Start Pulumi's language host in the program's folder."""
    process = subprocess.Popen(
        [f"{engine}/pulumi-language-python", ADDRESS],
        cwd=layout.program,
        env={"HOME": str(layout.folder), **layout.variables},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process, grpc.insecure_channel(f"127.0.0.1:{_port(process)}") as channel:
        try:
            yield language_pb2_grpc.LanguageRuntimeStub(channel)
        finally:
            process.kill()


def _port(process: subprocess.Popen[str]) -> int:
    assert process.stdout
    return int(process.stdout.readline())


def found_by_pulumi(engine: str, layout: Layout) -> Path | None:
    """Return the environment that Pulumi runs the program in, None if it reports an error."""
    options = Struct()
    options.update(cast("Any", layout.options))
    info = language_pb2.ProgramInfo(
        root_directory=str(layout.root),
        program_directory=os.path.normpath(layout.program),
        entry_point=".",
        options=options,
    )
    with language_host(engine, layout) as host:
        try:
            about = host.About(language_pb2.AboutRequest(info=info), timeout=20)
        except grpc.RpcError:
            return None
    return Path(os.path.normpath(about.executable)).parents[1]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.case)
def test_pulumi_finds_the_same_python(engine: str, case: Case, tmp_path: Path) -> None:
    layout = lay_out(case, tmp_path, install)

    assert found_by_pulumi(engine, layout) == layout.program_environment

from __future__ import annotations

import errno

import pytest

from pulumi_openai_ft.trainer.errors import TrainingError
from pulumi_openai_ft.trainer.failures import explain

# The texts of PyTorch 2.15, safetensors 0.8 and Python.
FULL = [
    OSError(errno.ENOSPC, "No space left on device"),
    OSError(errno.EDQUOT, "Disk quota exceeded"),
    RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)"),
    RuntimeError("PytorchStreamWriter failed writing file data/17: file write failed"),
    RuntimeError("[enforce fail at inline_container.cc:664] . unexpected pos 1920 vs 1814"),
]
NO_MEMORY = [
    MemoryError(),
    RuntimeError(
        "[enforce fail at alloc_cpu.cpp:121] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to "
        "allocate 4000000000000000 bytes. Error code 12 (Cannot allocate memory)"
    ),
    RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB."),
]


@pytest.mark.parametrize("error", FULL, ids=str)
def test_a_full_disk_is_explained(error: Exception) -> None:
    explained = explain(error)

    assert explained
    assert explained.code == "insufficient_storage"


@pytest.mark.parametrize("error", NO_MEMORY, ids=repr)
def test_a_lack_of_memory_is_explained(error: Exception) -> None:
    explained = explain(error)

    assert explained
    assert (explained.code, explained.param) == ("out_of_memory", "batch_size")


def test_causes_are_explained() -> None:
    cause = TrainingError("some_code", "A sentence.")
    error = RuntimeError("while training")
    error.__cause__ = ValueError("inner")
    error.__cause__.__context__ = cause

    assert explain(error) is cause


@pytest.mark.parametrize("error", [ValueError("unexpected"), OSError(errno.EACCES, "Permission denied")])
def test_a_fault_of_the_program_is_not_explained(error: Exception) -> None:
    assert explain(error) is None

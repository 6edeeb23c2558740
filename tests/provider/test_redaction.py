"""Messages of an operation without the values of its secret inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.fake_host import FakeHost

from pulumi_openai_ft._provider.file import FileProvider
from pulumi_openai_ft._provider.redaction import redacted, redacts
from pulumi_openai_ft.errors import InputError, JobFailedError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import Configure

PROPS = {
    "__secret_inputs": ["metadata", "seed", "method"],
    "metadata": {"the key": ["tell\n'nobody'"]},
    "seed": 4711.0,
    "method": {"type": "private/technique"},
}


class Operation:
    @redacts
    def create(self, _props: dict[str, Any], error: Exception) -> None:
        raise error


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("got 'the key'", "got '[secret]'"),
        (f"got {PROPS['metadata']!r}", "got {'[secret]': [\"[secret]\"]}"),
        ("got \"tell\\n'nobody'\"", 'got "[secret]"'),
        ("GET /files/tell%0A%27nobody%27", "GET /files/[secret]"),
        ("seed 4711", "seed [secret]"),
        ("method.type: private/technique", "method.type: [secret]"),
    ],
    ids=["key", "repr", "json", "url", "number", "key of the API"],
)
def test_secret_values_are_replaced_in_errors(message: str, expected: str) -> None:
    with pytest.raises(InputError) as caught:
        Operation().create(PROPS, InputError(message))

    assert str(caught.value) == expected


@pytest.mark.parametrize(
    ("extent", "expected"),
    [
        ("metadata.*", "metadata.note: [secret] is invalid"),
        ("metadata", "metadata.[secret]: [secret] is invalid"),
    ],
    ids=["values", "keys and values"],
)
def test_keys_are_hidden_only_if_secret(extent: str, expected: str) -> None:
    props = {"__secret_inputs": [extent], "metadata": {"note": "whisper"}}

    with pytest.raises(InputError) as caught:
        Operation().create(props, InputError("metadata.note: whisper is invalid"))

    assert str(caught.value) == expected


def test_the_outputs_of_an_error_are_redacted() -> None:
    error = JobFailedError("4711", {"seed": 4711, "error": {"message": "seed 4711 is bad", "code": None}})
    with pytest.raises(JobFailedError) as caught:
        Operation().create(PROPS, error)

    assert caught.value.outs == {
        "seed": 4711,
        "error": {"message": "seed [secret] is bad", "code": None},
        "__secret_inputs": ["metadata", "method", "seed"],
    }


def test_messages_outside_of_an_operation_are_unchanged() -> None:
    assert redacted("seed 4711") == "seed 4711"


def test_a_secret_path_gets_a_neutral_name(configure: Configure, training_data: Path) -> None:
    host = FakeHost()
    provider = configure(FileProvider, host)
    props = {"file": str(training_data), "__identity": "a", "__secret_inputs": ["file"]}

    created = provider.create(props)

    assert created.outs is not None
    assert created.outs["filename"].startswith("file-")
    assert created.outs["__secret_inputs"] == ["file"]

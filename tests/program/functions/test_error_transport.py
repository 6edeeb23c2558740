from __future__ import annotations

from typing import Any

import pulumi
import pytest

from pulumi_openai_ft import errors
from pulumi_openai_ft._program.functions.error_transport import decode, encode, without_traceback
from pulumi_openai_ft.errors import NotFoundError, OpenAIFTError, ServiceConnectionError, ServiceError

TOKEN = "pulumi-python:dynamic/openai_ft:getFile"
SENTENCE = "no file (GET /files/x, status 404); look\nat {it}"
FACTS: dict[str, Any] = {
    "status": 404,
    "code": None,
    "param": "id",
    "request_id": "req_1",
    "retry_after": 1.5,
}


def carried(error: OpenAIFTError) -> Exception:
    """Return the exception that Pulumi's SDK raises for an error of the host."""
    return Exception(f"invoke of {TOKEN} failed: {error} ({encode(error)})")


def kinds(base: type[OpenAIFTError] = OpenAIFTError) -> list[type[OpenAIFTError]]:
    return [base, *(kind for child in base.__subclasses__() for kind in kinds(child))]


def test_class_message_and_attributes_reach_the_program() -> None:
    found = decode(carried(NotFoundError(SENTENCE, **FACTS)))

    assert isinstance(found, NotFoundError)
    assert str(found) == SENTENCE
    assert {name: getattr(found, name) for name in FACTS} == FACTS
    assert not found.may_have_acted


def test_the_history_of_retries_appears_once() -> None:
    error = ServiceConnectionError(SENTENCE, may_have_acted=True)
    error.tries, error.history = 3, "tried 3 times"

    found = decode(carried(error))

    assert isinstance(found, ServiceConnectionError)
    assert str(found) == f"{SENTENCE}; tried 3 times"
    assert (found.tries, found.may_have_acted) == (3, True)


@pytest.mark.parametrize("name", errors.__all__)
def test_every_kind_of_error_is_carried(name: str) -> None:
    kind = getattr(errors, name)
    error = kind.__new__(kind, SENTENCE)

    found = decode(carried(error))

    assert isinstance(found, kind)
    assert isinstance(found, pulumi.RunError)


def test_all_kinds_are_listed() -> None:
    """An unlisted class would arrive as `OpenAIFTError`."""
    listed = {kind.__name__ for kind in kinds() if kind.__module__ == errors.__name__}

    assert listed == set(errors.__all__)


def test_attributes_that_cannot_be_encoded_are_dropped() -> None:
    error = ServiceError(SENTENCE, status=400)
    vars(error)["outs"] = {"id": "x"}

    assert "outs" not in encode(error)


@pytest.mark.parametrize(
    "text",
    [
        f"invoke of {TOKEN} failed: invocation of {TOKEN} returned an error: {SENTENCE}",
        f"invoke of {TOKEN} failed: invocation of {TOKEN} returned an error: Exception calling application: {SENTENCE}",
        f"invoke of {TOKEN} failed: {SENTENCE} ()",
        f"invoke of {TOKEN} failed: {SENTENCE}",
    ],
)
def test_an_error_without_attributes_keeps_its_message(text: str) -> None:
    found = decode(Exception(text))

    assert str(found) == SENTENCE
    assert isinstance(found, OpenAIFTError)


def test_unknown_errors_of_newer_hosts_keep_their_message() -> None:
    newer = '{"error": "MoonPhaseError", "facts": {}}'

    found = decode(Exception(f"invoke of {TOKEN} failed: {SENTENCE} ({newer})"))

    assert str(found) == SENTENCE


@pytest.mark.parametrize("text", ["Resource monitor has terminated, shutting down", ""])
def test_other_errors_are_not_decoded(text: str) -> None:
    assert decode(pulumi.RunError(text)) is None


def test_hiding_the_traceback_changes_no_other_attribute() -> None:
    error = NotFoundError(SENTENCE, **FACTS)

    converted = without_traceback(error)

    assert (str(converted), type(converted).__name__, vars(converted)) == (
        str(error),
        "NotFoundError",
        vars(error),
    )
    assert isinstance(converted, NotFoundError)
    assert isinstance(converted, pulumi.RunError)
    assert type(without_traceback(converted)) is type(converted)

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_openai_ft._client.error_body import ErrorBody, parse_error

PAGE = "<!DOCTYPE html><html><body>Bad gateway</body></html>"
TOO_LARGE_PATH = "method.supervised.hyperparameters.lora_r"
TOO_LARGE = {
    "loc": ["body", "method", "supervised", "hyperparameters", "lora_r"],
    "msg": "Input should be less than or equal to 64",
    "type": "less_than_equal",
    "input": 512,
}
NO_FILE = {"loc": ["body", "training_file"], "msg": "Field required", "type": "missing"}


def parse(body: Any) -> ErrorBody:
    found = parse_error(json.dumps(body).encode())
    assert found
    return found


@pytest.mark.parametrize(
    ("body", "message", "param"),
    [
        ({"detail": [NO_FILE]}, "training_file: Field required", "training_file"),
        (
            {"detail": [TOO_LARGE, NO_FILE]},
            f"{TOO_LARGE_PATH}: Input should be less than or equal to 64; training_file: Field required",
            "method.supervised.hyperparameters.lora_r",
        ),
        (
            {"detail": [{"loc": ["body", "integrations", 0, "type"], "msg": "Input should be 'wandb'"}]},
            "integrations[0].type: Input should be 'wandb'",
            "integrations[0].type",
        ),
        ({"detail": [{"loc": ["body"], "msg": "Field required"}]}, "Field required", None),
        ({"detail": "Not Found"}, "Not Found", None),
        ({"detail": {"message": "no such model"}}, "no such model", None),
        ({"detail": {"error": "no such model", "code": 7}}, "no such model", None),
        ({"detail": ["a is wrong", "b is wrong"]}, "a is wrong; b is wrong", None),
        ({"message": "no key", "statusCode": 401}, "no key", None),
        ({"error": "no such file"}, "no such file", None),
        ({"error": "invalid_client", "error_description": "no such client"}, "no such client", None),
        (
            {"timestamp": 1, "status": 400, "error": "Bad Request", "message": "suffix is long", "path": "/v1"},
            "suffix is long",
            None,
        ),
        ({"type": "about:blank", "title": "Bad Request", "detail": "no model"}, "no model", None),
        (
            {"title": "One or more errors", "status": 400, "errors": {"model": ["is required"]}},
            "One or more errors: model: is required",
            "model",
        ),
        (
            {"message": "The data was invalid.", "errors": {"seed": ["is text", "is long"]}},
            "The data was invalid: seed: is text, is long",
            "seed",
        ),
        ({"errors": [{"detail": "is wrong", "source": {"pointer": "/a/0/b"}}]}, "a[0].b: is wrong", "a[0].b"),
        ({"errors": [{"msg": "Invalid value", "param": "model", "location": "body"}]}, "model: Invalid value", "model"),
        ({"model": ["This field is required."]}, "model: This field is required.", "model"),
        ([{"error": {"code": 400, "message": "no", "status": "INVALID_ARGUMENT"}}], "no", None),
        ({"code": 3, "message": "no", "details": []}, "no", None),
        ({"__type": "ValidationException", "Message": "no"}, "no", None),
        ({"object": "error", "message": "no", "type": "BadRequestError", "param": "seed"}, "no", "seed"),
        ({"error": {"message": "no", "param": "None", "type": "None", "code": "400"}}, "no", None),
        ("no such route", "no such route", None),
    ],
    ids=lambda value: json.dumps(value)[:60],
)  # fmt: skip
def test_reasons_are_read_in_many_formats(body: Any, message: str, param: str | None) -> None:
    found = parse(body)

    assert (found.message, found.param) == (message, param)


@pytest.mark.parametrize(
    ("body", "is_api_error"),
    [
        ({"error": {"message": "busy", "type": "server_error"}}, True),
        ({"error": {"message": ""}}, False),
        ({"error": {"code": "busy"}}, False),
        ({"error": "busy"}, False),
        ({"detail": "Internal Server Error"}, False),
        ({"message": "Internal server error"}, False),
        ("busy", False),
    ],
)
def test_only_the_error_object_is_the_services(body: Any, is_api_error: bool) -> None:  # noqa: FBT001
    assert parse(body).is_api_error is is_api_error


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not found",
        b"[" * 100_000,
        b"[]",
        b"{}",
        b"null",
        b"7",
        b'""',
        b'{"id": "ftjob-1"}',
        b'{"id": "ftjob-1", "metadata": {"a": "b"}}',
        b'{"error": null}',
        b'{"error": {}}',
        json.dumps({"error": {"message": PAGE}}).encode(),
        json.dumps({"detail": PAGE}).encode(),
    ],
    ids=lambda content: content[:30].decode(),
)
def test_other_bodies_are_no_errors(content: bytes) -> None:
    assert parse_error(content) is None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "message", "detail", "errors", "loc", "msg", "param", "code", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(_JSON)
def test_any_json_is_read_without_an_exception(body: Any) -> None:
    found = parse_error(json.dumps(body).encode())

    assert found is None or all(
        value is None or isinstance(value, str) for value in (found.message, found.code, found.param)
    )

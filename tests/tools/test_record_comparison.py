"""The comparison of two recordings: each kind of difference, by changing each field of a response."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from tools.record.comparison import Difference, compare, shape
from tools.record.recording import Exchange, Recording, Request, Response

if TYPE_CHECKING:
    from collections.abc import Iterator

STEP = "read the job"
JOB: dict[str, Any] = {
    "object": "fine_tuning.job",
    "id": "ftjob-1",
    "created_at": 1,
    "error": {"code": None, "message": None},
    "result_files": ["file-1"],
    "method": {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": "auto"}}},
    "events": [{"id": "e", "data": {"loss": 1.5}}, {"id": "f", "data": None}],
}
REFUSAL: dict[str, Any] = {
    "error": {
        "message": "No such file: file-0001",
        "type": "invalid_request_error",
        "param": "id",
        "code": "none",
    }
}


def recording(*responses: Response, model: str = "m-1") -> Recording:
    exchanges = [
        Exchange(STEP if not number else f"step {number}", Request("GET", "/path"), response)
        for number, response in enumerate(responses)
    ]
    return Recording("openai", None, "2026-11-29", model, {}, exchanges)


def differences(first: Response, second: Response) -> list[tuple[str, str, str]]:
    found = compare(recording(first), recording(second))
    assert all(one.step == STEP for one in found)
    return [(one.place, one.recorded, one.other) for one in found]


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of each field, in objects and in the first element of lists."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield (*path, key)
            yield from paths(item, (*path, key))
    elif isinstance(value, list) and isinstance(value[0], dict):
        yield from paths(value[0], (*path, 0))


def place_of(path: tuple[Any, ...]) -> str:
    return ".".join(map(str, path)).replace(".0", "[]")


def changed(body: Any, path: tuple[Any, ...], change: Any) -> Any:
    result = copy.deepcopy(body)
    target = result
    for key in path[:-1]:
        target = target[key]
    change(target, path[-1])
    return result


PATHS = [path for path in paths(JOB) if path[0] != "events"]


@pytest.mark.parametrize("path", PATHS, ids=place_of)
def test_missing_field_is_found(path: tuple[Any, ...]) -> None:
    other = changed(JOB, path, lambda target, key: target.pop(key))

    (found,) = differences(Response(200, body=JOB), Response(200, body=other))

    assert found[0] == place_of(path)
    assert found[2] == "absent"


@pytest.mark.parametrize("path", PATHS, ids=place_of)
def test_extra_field_is_found(path: tuple[Any, ...]) -> None:
    other = changed(JOB, path, lambda target, key: target.pop(key))

    (found,) = differences(Response(200, body=other), Response(200, body=JOB))

    assert found[0] == place_of(path)
    assert found[1] == "absent"


@pytest.mark.parametrize("path", PATHS, ids=place_of)
def test_other_type_is_found(path: tuple[Any, ...]) -> None:
    other = changed(JOB, path, lambda target, key: target.__setitem__(key, True))  # noqa: FBT003  # a JSON value

    (found,) = differences(Response(200, body=JOB), Response(200, body=other))

    assert found[0] == place_of(path)
    assert found[2] == "boolean"


@pytest.mark.parametrize("path", [path for path in paths(JOB) if path[0] == "events"][1:], ids=place_of)
def test_field_of_any_element_is_compared(path: tuple[Any, ...]) -> None:
    other = changed(JOB, path, lambda target, key: target.__setitem__(key, [1]))

    found = differences(Response(200, body=JOB), Response(200, body=other))

    assert place_of(path) in [place for place, _, _ in found]


def test_values_are_not_compared() -> None:
    other = {**JOB, "id": "ftjob-2", "created_at": 2, "result_files": ["file-2", "file-3"]}

    assert differences(Response(200, body=JOB), Response(200, body=other)) == []


def test_kind_of_object_is_compared() -> None:
    other = {**JOB, "object": "job"}

    assert differences(Response(200, body=JOB), Response(200, body=other)) == [
        ("object", "fine_tuning.job", "job")
    ]


def test_keys_of_metadata_are_not_compared() -> None:
    first, second = {"metadata": {"a": "b"}}, {"metadata": {"c": "d", "e": "f"}}

    assert differences(Response(200, body=first), Response(200, body=second)) == []


def test_status_is_compared() -> None:
    assert differences(Response(201, body=JOB), Response(200, body=JOB)) == [("status", "201", "200")]


@pytest.mark.parametrize("field", ["message", "type", "param", "code"])
def test_error_fields_are_compared_by_value(field: str) -> None:
    other = {"error": {**REFUSAL["error"], field: "another"}}

    assert differences(Response(404, body=REFUSAL), Response(404, body=other)) == [
        (f"error.{field}", REFUSAL["error"][field].replace("0001", "N"), "another")
    ]


def test_numbers_and_models_in_messages_are_not_compared() -> None:
    first = {"error": {"message": "No m-1 for file-0001"}}
    second = {"error": {"message": "No m-2 for file-0017"}}

    found = compare(
        recording(Response(404, body=first), model="m-1"), recording(Response(404, body=second), model="m-2")
    )

    assert found == []


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"text": "<p>", "headers": {"content-type": "text/html; charset=utf-8"}}, "text/html"),
        ({"text": ""}, "empty"),
    ],
    ids=["html", "empty"],
)
def test_kind_of_body_is_compared(body: dict[str, Any], kind: str) -> None:
    assert differences(Response(404, body=REFUSAL), Response(404, **body)) == [("kind of body", "JSON", kind)]


def test_body_of_a_refusal_is_not_compared_with_an_object() -> None:
    assert differences(Response(200, body=JOB), Response(400, body=REFUSAL)) == [("status", "200", "400")]


def test_step_that_only_one_has_is_found() -> None:
    response = Response(200, body=JOB)
    one, two = recording(response), recording(response, response)

    assert compare(one, two) == [Difference("step 1", "step", "absent", "sent")]
    assert compare(two, one) == [Difference("step 1", "step", "sent", "absent")]


def test_shape_joins_the_elements_of_a_list() -> None:
    assert shape([{"a": 1}, {"a": None, "b": []}]) == {
        "": {"list"},
        "[]": {"object"},
        "[].a": {"number", "null"},
        "[].b": {"list"},
    }

from __future__ import annotations

import inspect

import pytest

from pulumi_openai_ft import errors


def documented_tree() -> dict[str, str | None]:
    """Return the base class of each class in the tree of the module's docstring."""
    parents: dict[str, str | None] = {}
    ancestors: list[str] = []
    for line in (errors.__doc__ or "").splitlines()[2:]:
        depth = (len(line) - len(line.lstrip("│├└─ "))) // 4
        name = line.lstrip("│├└─ ").split()[0]
        ancestors[depth:] = [name]
        parents[name] = ancestors[depth - 1] if depth else None
    return parents


def test_the_docstring_shows_the_class_tree() -> None:
    real = {
        name: None if name == "OpenAIFTError" else kind.__bases__[0].__name__
        for name, kind in inspect.getmembers(errors, inspect.isclass)
    }

    assert documented_tree() == real


def test_all_names_are_exported() -> None:
    assert set(errors.__all__) == set(documented_tree())


def test_the_text_ends_with_a_summary_of_retries() -> None:
    error = errors.ServerError("out of order", status=500)
    error.history = "tried 3 times in 4 s"

    assert str(error) == "out of order; tried 3 times in 4 s"


@pytest.mark.parametrize(
    ("kind", "acted"),
    [(errors.ServiceError, False), (errors.ServerError, True), (errors.InvalidResponseError, True)],
)
def test_the_failure_determines_whether_a_request_acted(
    kind: type[errors.ServiceError],
    acted: bool,  # noqa: FBT001
) -> None:
    assert kind("no", status=500).may_have_acted is acted
    assert kind("no", status=500, may_have_acted=not acted).may_have_acted is not acted

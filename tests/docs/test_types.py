"""Types in words, for reference tables."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, TypeAdapter
from tools.docs.types import in_words

One: Any = type("One", (BaseModel,), {})
Two: Any = type("Two", (BaseModel,), {})


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (str, "`str`"),
        (int | None, "`int`"),
        (Literal["a", "b"], '`"a"` or `"b"`'),
        (Literal["a", "b", "c"], '`"a"`, `"b"` or `"c"`'),
        (Literal[True], "`True`"),
        (Literal["auto"] | Annotated[int, Field(ge=1, le=50)], '`"auto"` or `int`, 1 to 50'),
        (Annotated[float, Field(gt=0.00001, le=10)], "`float`, above 0.00001, at most 10"),
        (Annotated[int, Field(ge=1)], "`int`, at least 1"),
        (Annotated[str, Field(min_length=1, max_length=64)], "`str`, at most 64 characters"),
        (list[str], "list of `str`"),
        (Annotated[list[str], Field(max_length=5)], "list of `str`, at most 5"),
        (Annotated[list[float], Field(min_length=2, max_length=2)], "list of `float`, 2 of them"),
        (list[Any], "list of anything"),
        (dict[str, int], "dict of `int`"),
        (dict[str, Any], "dict"),
        (Any, "anything"),
        (One, "`dict`"),
        (list[One], "list of [One](#one)"),
        (One | Two, "[One](#one) or [Two](#two)"),
        (
            One | Two | list[One | Two] | dict[str, One | Two],
            "[One](#one) or [Two](#two), or a list or dict of these",
        ),
        (str | list[int], "`str` or list of `int`"),
    ],
    ids=str,
)
def test_a_type_in_words(annotation: Any, words: str) -> None:
    assert in_words(TypeAdapter(annotation).json_schema()) == words.replace("`dict`", "dict")

"""Generated annotations and descriptions of inputs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field
from tools.annotations import INPUT, OUTPUT, nested_models, type_of, written
from tools.descriptions import described, docstring

from pulumi_openai_ft._provider.input_models import ProgramType


class Inner(BaseModel):
    """A nested model."""

    key: str = Field(description="Key.")


class Outer(BaseModel):
    """A model."""

    choice: Literal["a", "b"] = Field(default="a", description="Choice.")
    count: Annotated[int, Field(ge=3, le=9)] = Field(description="Count, in words.")
    named: Annotated[str, ProgramType("str | Name")] = Field(description="Name.")
    nested: Inner | None = Field(default=None, description="Inner.")
    switch: bool = Field(default=True, description="Switch.")
    limited: Annotated[int, Field(le=9)] = Field(description="Up to 9.")


@pytest.mark.parametrize(
    ("annotation", "given", "received"),
    [
        (str | None, "str", "str"),
        (Literal["auto"] | Annotated[int, Field(ge=1)] | None, 'Literal["auto"] | int', 'Literal["auto"] | int'),
        (list[Inner], "Sequence[pulumi.Input[InnerArgsDict]]", "list[InnerDict]"),
        (dict[str, Inner] | Inner, "Mapping[str, pulumi.Input[InnerArgsDict]] | InnerArgsDict", "dict[str, InnerDict] | InnerDict"),
        (dict[str, Any], "Mapping[str, Any]", "dict[str, Any]"),
    ],
)  # fmt: skip
def test_an_annotation_has_both_forms(annotation: Any, given: str, received: str) -> None:
    assert (written(annotation, INPUT), written(annotation, OUTPUT)) == (given, received)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("choice", 'pulumi.Input[Literal["a", "b"] | None]'),
        ("count", "pulumi.Input[int]"),
        ("named", "pulumi.Input[str | Name]"),
        ("nested", "pulumi.Input[InnerArgsDict | None]"),
    ],
)
def test_an_input_may_be_an_output(name: str, kind: str) -> None:
    assert type_of(Outer.model_fields[name], INPUT) == kind


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("choice", "Choice: `a` or `b`; `a` by default."),
        ("count", "Count, in words (3 to 9)."),
        ("switch", "Switch; True by default."),
        ("limited", "Up to 9."),
    ],
)
def test_a_description_has_limits_and_default(name: str, text: str) -> None:
    assert described(Outer, name) == text


def test_nested_models_precede_the_models_that_use_them() -> None:
    assert list(nested_models(Outer)) == [Inner]


def test_a_long_docstring_has_short_lines() -> None:
    lines = docstring("word " * 40).splitlines()

    assert len(lines) > 2
    assert max(map(len, lines)) <= 100

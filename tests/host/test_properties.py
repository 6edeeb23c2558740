from __future__ import annotations

import asyncio
from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct
from hypothesis import given
from hypothesis import strategies as st
from pulumi.output import Unknown
from pulumi.runtime import rpc

from pulumi_openai_ft._provider.input_models import integers_from_floats, unknown
from pulumi_openai_ft.host._protocol import from_struct, to_struct

# Maps with a special key are secrets, assets or outputs in Pulumi.
names = st.text().filter(lambda name: name not in (rpc._special_sig_key, "value"))
texts = st.text().filter(lambda text: text != rpc.UNKNOWN)
numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)


def nested(simple: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        simple,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
        max_leaves=6,
    )


values = nested(st.booleans() | numbers | texts)
values_or_none = nested(st.none() | st.booleans() | numbers | texts)


@given(st.dictionaries(names, values))
def test_values_sent_are_received_unchanged(properties: dict[str, Any]) -> None:
    assert integers_from_floats(from_struct(to_struct(properties))) == integers_from_floats(properties)


@given(st.dictionaries(names, values | st.none()))
def test_unset_values_are_not_sent(properties: dict[str, Any]) -> None:
    assert set(to_struct(properties)) == {name for name, value in properties.items() if value is not None}


@given(st.dictionaries(names, values_or_none))
def test_a_state_equals_the_stock_hosts(properties: dict[str, Any]) -> None:
    assert to_struct(properties) == from_the_stock_host(properties)


def test_unknowns_are_sent_as_by_the_stock_host() -> None:
    properties = {"a": unknown(), "b": [unknown(), {"c": unknown()}]}

    assert to_struct(properties) == from_the_stock_host(properties)


def from_the_stock_host(properties: dict[str, Any]) -> Struct:
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(rpc.serialize_properties(properties, {}))
    finally:
        loop.close()


@pytest.mark.parametrize(
    "value", [unknown(), [unknown()], {"a": {"b": [unknown(), 1]}}], ids=["top", "list", "map"]
)
def test_unknown_values_stay_unknown(value: Any) -> None:
    (received,) = from_struct(to_struct({"a": value})).values()

    assert shape(received) == shape(value)


def shape(value: Any) -> Any:
    """Return a value with all unknowns replaced by the same marker."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value]
    return rpc.UNKNOWN if isinstance(value, Unknown) else value


def test_a_tuple_is_a_list() -> None:
    assert from_struct(to_struct({"a": (1, (2,))})) == {"a": [1, [2]]}


def test_large_whole_numbers_stay_exact() -> None:
    assert from_struct(to_struct({"bytes": 2**53 - 1}))["bytes"] == 2**53 - 1


def test_none_becomes_an_empty_map() -> None:
    assert from_struct(Struct()) == {}
    assert to_struct({}) == Struct()

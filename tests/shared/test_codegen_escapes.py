from __future__ import annotations

from ast import literal_eval

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_openai_ft._shared.codegen_escapes import escape_for_codegen, unescape_from_codegen


@given(st.text(alphabet="ab\"'\\ \t\r\n"))
def test_a_multiline_text_is_printed_unchanged(text: str) -> None:
    """Use the generator's triple quotes in its own format."""
    text = f"x\n{text}"

    assert literal_eval(f'"""{escape_for_codegen(text)}"""') == text


@pytest.mark.parametrize("text", ["", "a", 'C:\temp "quoted"', "line\n", 3, None, True])
def test_characters_escaped_by_the_generator_are_unchanged(text: object) -> None:
    assert escape_for_codegen({"nested": [text]}) == {"nested": [text]}


@given(
    st.recursive(
        st.text(alphabet="ab\"'\\r\r\n"), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_the_escapes_can_be_removed(value: object) -> None:
    assert unescape_from_codegen(escape_for_codegen(value)) == value

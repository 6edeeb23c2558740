from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_openai_ft._shared.property_paths import format_path, get_at, top_level

VALUE = {
    "method": {"dpo": {"beta": 0.1}},
    "metadata": {"team.name": "a", 'say "x"': "b"},
    "tags": ["c", {"d": 1}],
}
KEYS = st.text(min_size=1).filter(lambda key: not key.endswith("\\"))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("method.dpo.beta", 0.1),
        ('metadata["team.name"]', "a"),
        (r'metadata["say \"x\""]', "b"),
        ("tags[1].d", 1),
        ("tags[2]", None),
        ("method.dpo.beta.gamma", None),
        ("seed", None),
    ],
)
def test_a_path_leads_to_a_value(path: str, value: object) -> None:
    assert get_at(path, VALUE) == value


@pytest.mark.parametrize("path", ["metadata", "metadata.a", 'metadata["a.b"]', "metadata[0].c"])
def test_a_path_starts_with_a_property(path: str) -> None:
    assert top_level(path) == "metadata"


@given(st.lists(KEYS | st.integers(0, 3), max_size=4))
def test_a_formatted_path_finds_its_value(steps: list[str | int]) -> None:
    value: object = "found"
    for step in reversed(steps):
        value = {step: value} if isinstance(step, str) else [None] * step + [value]

    assert get_at("name" + format_path(steps), {"name": value}) == "found"


def test_a_key_outside_of_the_syntax_ends_the_path() -> None:
    assert format_path(["a", "b\\", "c"]) == ".a"

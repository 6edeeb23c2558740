"""Docstrings, taken apart."""

from tools.docs import docstrings


def described() -> None:
    """Does something.

    More of it: and
    so on.

    Args:
        one: The first: a thing.
        two: The second, of
            two lines.

    Raises:
        ValueError: Never.
    """


def test_the_text_is_outside_of_sections() -> None:
    assert docstrings.text(described) == "Does something.\n\nMore of it: and so on."


def test_a_sections_entries_are_found_by_name() -> None:
    assert docstrings.entries(described, "Args") == {
        "one": "The first: a thing.",
        "two": "The second, of two lines.",
    }
    assert docstrings.entries(described, "Raises") == {"ValueError": "Never."}


def test_a_missing_section_is_empty() -> None:
    assert docstrings.entries(described, "Returns") == {}

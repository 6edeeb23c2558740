from __future__ import annotations

import inspect

from pulumi_openai_ft import errors


def drawn_tree() -> dict[str, str | None]:
    """Class → base class, as the module's docstring draws them."""
    parents: dict[str, str | None] = {}
    line_of_descent: list[str] = []
    for line in (errors.__doc__ or "").splitlines()[2:]:
        depth = (len(line) - len(line.lstrip("│├└─ "))) // 4
        name = line.lstrip("│├└─ ").split()[0]
        line_of_descent[depth:] = [name]
        parents[name] = line_of_descent[depth - 1] if depth else None
    return parents


def test_docstring_draws_the_tree_as_it_is() -> None:
    real = {
        name: None if name == "OpenAIFTError" else kind.__bases__[0].__name__
        for name, kind in inspect.getmembers(errors, inspect.isclass)
    }

    assert drawn_tree() == real


def test_all_names_are_exported() -> None:
    assert set(errors.__all__) == set(drawn_tree())

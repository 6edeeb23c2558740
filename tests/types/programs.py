"""Programs for type checkers: correct ones, and ones with a single mistake in each statement."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from tests.docs.pages import ALL_SAMPLES, ROOT
from tests.host.schema_support import EXAMPLES
from tools.annotations import models_in

import pulumi_openai_ft
from pulumi_openai_ft.cli.project import TEMPLATE
from pulumi_openai_ft.host._schema import RESOURCES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pulumi_openai_ft._provider.input_models import InputModel

HEADER = "import pulumi\nimport pulumi_openai_ft as openai_ft\n"
WRITTEN = Path(__file__).parent / "correct"
CONSTRUCTORS = ("File", "FineTuningJob", "FineTuningCheckpointPermission", "FineTunedModel")
_CODE = re.compile(r"```python\n(.*?)```", re.DOTALL)


def correct() -> dict[str, str]:
    """Return all correct programs: examples, the template, documentation, docstrings, every input, and those in `correct/`."""
    examples = {
        f"example_{path.parent.name}_{path.stem}": path.read_text() for path in ROOT.glob("examples/*/*.py")
    }
    samples = {
        "page_" + re.sub(r"\W", "_", sample.place): sample.text
        for sample in ALL_SAMPLES
        if sample.language == "python" and "import pulumi_openai_ft" in sample.text
    }
    docstrings = {f"docstring_{name}": HEADER + docstring_example(name) for name in CONSTRUCTORS}
    written = {path.stem: path.read_text() for path in WRITTEN.glob("*.py")}
    template = {"template": (TEMPLATE / "__main__.py").read_text()}
    return {
        **examples,
        **template,
        **samples,
        **docstrings,
        **written,
        "every_input": HEADER + "\n".join(every_input()),
    }


def docstring_example(name: str) -> str:
    """Return the example in the docstring of a constructor."""
    documentation = textwrap.dedent(str(vars(getattr(pulumi_openai_ft, name))["__init__"].__doc__))
    (code,) = _CODE.findall(documentation)
    return textwrap.dedent(code)


def every_input() -> Iterator[str]:
    """Yield statements that pass every input of every resource, and every value of every closed set."""
    for kind, inputs in EXAMPLES.values():
        yield _statement(kind, inputs)


def mistakes() -> Iterator[str]:
    """Yield statements that contain a mistake: each key and each value of the examples in turn is misspelled."""
    for kind, inputs in EXAMPLES.values():
        for wrong in _misspelled(RESOURCES[getattr(pulumi_openai_ft, kind)], inputs):
            yield _statement(kind, wrong)


def _statement(kind: str, inputs: dict[str, Any]) -> str:
    arguments = "".join(f", {name}={value!r}" for name, value in inputs.items())
    return f'openai_ft.{kind}("name"{arguments})'


def _misspelled(model: type[InputModel], value: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield copies of an object, each with a mistake."""
    for name, given in value.items():
        others = {key: one for key, one in value.items() if key != name}
        yield {**others, f"{name}x": given}
        for wrong in _wrong_values(model.model_fields[name].annotation, given):
            yield {**value, name: wrong}


def _wrong_values(annotation: Any, given: Any) -> Iterator[Any]:
    """Yield values of the wrong type, and the given value with a mistake in one of its parts.

    Lists and maps then contain only the wrong part: mypy takes a second for each mistake in a large object.
    """
    models = list(models_in(annotation))
    if isinstance(given, dict) and models:
        yield from _in_object(models, given)
    elif isinstance(given, list) and models:
        for item in given:
            for wrong in _wrong_values(annotation, item):
                yield [wrong]
    elif isinstance(given, str) and _is_closed(annotation):
        yield f"{given}x"
    elif isinstance(given, int | float) and not isinstance(given, bool):
        yield "three"


def _in_object(models: list[type[Any]], given: dict[str, Any]) -> Iterator[Any]:
    fitting = [model for model in models if given.get("type") in _types(model)]
    if fitting:
        yield from _misspelled(fitting[0], given)
    elif "type" not in given and all(isinstance(item, dict) for item in given.values()) and len(models) > 1:
        for name, item in given.items():
            for wrong in _in_object(models, item):
                yield {name: wrong}
    else:
        yield from _misspelled(models[0], given)


def _types(model: type[Any]) -> tuple[Any, ...]:
    field = model.model_fields.get("type")
    return get_args(field.annotation) if field and get_origin(field.annotation) is Literal else ()


def _is_closed(annotation: Any) -> bool:
    return get_origin(annotation) is Literal or (
        bool(get_args(annotation))
        and all(_is_closed(one) or one is type(None) for one in get_args(annotation))
    )

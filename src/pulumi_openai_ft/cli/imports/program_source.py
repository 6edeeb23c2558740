"""Source of Pulumi programs that declare resources of this package."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

WIDTH = 100
INDENT = "    "
RESERVED = {"pulumi", "openai_ft"}
"""Names that the program imports."""
_KINDS = {
    "File": "file",
    "FineTuningJob": "job",
    "FineTuningCheckpointPermission": "permission",
}
"""Classes of this package, and the words that distinguish variables of the same name."""
_IMPORTS = "import pulumi_openai_ft as openai_ft"


@dataclass(frozen=True)
class Reference:
    """An input that is another resource of the program.

    Attributes:
        kind: Class of the resource.
        name: Name of the resource.
        output: Name of the output that is passed, or None for the resource itself.
    """

    kind: str
    name: str
    output: str | None = None


@dataclass(frozen=True)
class ProgramResource:
    """A resource that the program declares.

    Attributes:
        kind: Class of the resource.
        name: Name of the resource. It is unique among the resources of its class.
        inputs: The inputs, as JSON values and references to earlier resources.
        comments: Lines above the resource.
        is_protected: Whether Pulumi refuses to delete the resource.
        exported: Names of stack outputs, with the outputs of the resource that they contain.
    """

    kind: str
    name: str
    inputs: Mapping[str, Any]
    comments: tuple[str, ...] = ()
    is_protected: bool = False
    exported: tuple[tuple[str, str], ...] = ()


def program_source(resources: Sequence[ProgramResource], summary: str) -> str:
    """Return the source of a program. Every string of the resources is quoted, so that it cannot end its literal.

    Args:
        resources: The resources, each after the resources in its inputs.
        summary: The docstring of the program, a constant.
    """
    variables = variable_names(resources)
    statements = [_statement(resource, variables) for resource in resources]
    exports = [
        _call("pulumi.export", [_string(name), f"{variables[resource.kind, resource.name]}.{output}"], "")
        for resource in resources
        for name, output in resource.exported
    ]
    uses_pulumi = exports or any(resource.is_protected for resource in resources)
    imports = f"import pulumi\n{_IMPORTS}" if uses_pulumi else _IMPORTS
    parts = [f'"""{summary}"""', imports, *statements, "\n".join(exports)]
    return "\n\n".join(part for part in parts if part) + "\n"


def variable_names(resources: Iterable[ProgramResource]) -> dict[tuple[str, str], str]:
    """Return a different Python identifier for each resource, by class and name."""
    found: dict[tuple[str, str], str] = {}
    taken = {*RESERVED, *keyword.kwlist, *keyword.softkwlist}
    for resource in resources:
        name = next(name for name in _candidates(resource) if name not in taken)
        found[resource.kind, resource.name] = name
        taken.add(name)
    return found


def _candidates(resource: ProgramResource) -> Iterable[str]:
    """Yield identifiers for a resource, the most readable first."""
    word = _KINDS[resource.kind]
    base = re.sub(r"\W", "_", resource.name, flags=re.ASCII).strip("_")
    if not base[:1].isalpha():
        base = f"{word}_{base}".rstrip("_")
    yield base
    with_word = f"{base}_{word}"
    yield with_word
    number = 2
    while True:
        yield f"{with_word}_{number}"
        number += 1


def _statement(resource: ProgramResource, variables: Mapping[tuple[str, str], str]) -> str:
    def source(value: Any, indent: str, taken: int) -> str:
        if isinstance(value, Reference):
            variable = variables[value.kind, value.name]
            return f"{variable}.{value.output}" if value.output else variable
        return _literal(value, indent, taken, source)

    arguments = [_string(resource.name)]
    arguments += [f"{name}={source(value, INDENT, len(name) + 1)}" for name, value in resource.inputs.items()]
    if resource.is_protected:
        arguments.append("opts=pulumi.ResourceOptions(protect=True)")
    variable = variables[resource.kind, resource.name]
    call = _call(f"{variable} = openai_ft.{resource.kind}", arguments, "")
    return "\n".join([*map(_comment, resource.comments), call])


def _call(function: str, arguments: Sequence[str], indent: str) -> str:
    return f"{function}{_bracketed('(', arguments, ')', indent, len(function))}"


def _literal(value: Any, indent: str, taken: int, source: Callable[[Any, str, int], str]) -> str:
    """Return a literal of a JSON value.

    Args:
        value: The value.
        indent: Indentation of its line.
        taken: Number of characters before the value on its line, without the indentation.
        source: Returns the source of nested values.
    """
    inner = indent + INDENT
    if isinstance(value, dict):
        keys = {key: _string(key) for key in value}
        entries = [f"{keys[key]}: {source(item, inner, len(keys[key]) + 2)}" for key, item in value.items()]
        return _bracketed("{", entries, "}", indent, taken)
    if isinstance(value, list):
        return _bracketed("[", [source(item, inner, 0) for item in value], "]", indent, taken)
    return _string(value) if isinstance(value, str) else repr(value)


def _bracketed(start: str, entries: Sequence[str], end: str, indent: str, taken: int) -> str:
    """Return entries on a single line if they fit, otherwise on a line each."""
    line = f"{start}{', '.join(entries)}{end}"
    if "\n" not in line and len(indent) + taken + len(line) < WIDTH:
        return line
    inner = indent + INDENT
    return "\n".join([start, *(f"{inner}{entry}," for entry in entries), f"{indent}{end}"])


def _string(text: str) -> str:
    """Return a literal of a string, in double quotes where possible. It escapes characters that are not printable."""
    quoted = repr(text)
    return f'"{quoted[1:-1]}"' if quoted[0] == "'" and '"' not in text else quoted


def _comment(text: str) -> str:
    """Return a comment on a single line, which no character of the text can end."""
    line = "".join(character if character.isprintable() else " " for character in text)
    return f"# {' '.join(line.split())}"

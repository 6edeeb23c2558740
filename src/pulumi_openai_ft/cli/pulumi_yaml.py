"""A project file as text: one entry is added, and every other character stays as it was written."""

from __future__ import annotations

import copy
import json
from typing import Any

import yaml

from pulumi_openai_ft.errors import InputError

PLUGIN = "pulumi-python"
"""The engine's name for the host of dynamic resources in Python."""
FOLDER = "bin"
"""Where the wrapper lies in a project that names no other folder."""

_ENTRY = {"name": PLUGIN, "path": FOLDER}
_ITEM = [f"- name: {PLUGIN}", f"  path: {FOLDER}"]
_PROVIDERS = ["providers:", *(f"  {line}" for line in _ITEM)]
_PLUGINS = ["plugins:", *(f"  {line}" for line in _PROVIDERS)]


def parse(text: str) -> dict[str, Any]:
    """What a project file says.

    Raises:
        InputError: It is not YAML, or nothing that could be a project.
    """
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        raise InputError(f"it is not YAML{where}: {getattr(error, 'problem', None) or error}") from error
    if not isinstance(data, dict):
        raise InputError("it holds no project: write at least `name` and `runtime` into it")
    return data


def providers(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The entries of `plugins.providers`.

    Raises:
        InputError: They do not have the form that the engine wants.
    """
    plugins = data.get("plugins") or {}
    if not isinstance(plugins, dict):
        raise InputError(f"plugins is {plugins!r}: write a mapping such as {{providers: []}}")
    entries = plugins.get("providers") or []
    if not isinstance(entries, list):
        raise InputError(f"plugins.providers is {entries!r}: write a list of name and path")
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict) or not isinstance(entry.get("path", ""), str):
            raise InputError(f"plugins.providers[{number}] is {entry!r}: write its name and its path")
    return entries


def with_host(text: str) -> str:
    """The project file with `plugins.providers` naming the folder of the wrapper.

    Raises:
        InputError: It cannot be added safely; the text says what to write by hand.
    """
    wanted = _extended(parse(text))
    try:
        edited = _edited(text)
        done = yaml.safe_load(edited) == wanted
    except (yaml.YAMLError, ValueError):
        done = False
    if not done:
        raise InputError(
            f"it is written in a way that is not safe to edit: put {json.dumps(_ENTRY)} into its list "
            f"plugins.providers by hand, then run this again"
        )
    return edited


def _extended(data: dict[str, Any]) -> dict[str, Any]:
    wanted, entries = copy.deepcopy(data), providers(data)
    wanted["plugins"] = {**(data.get("plugins") or {}), "providers": [_ENTRY, *entries]}
    return wanted


def _edited(text: str) -> str:
    root = yaml.compose(text)
    key, plugins = _member(root, "plugins")
    if plugins is None:
        return _with_member(text, root, None, _PLUGINS, {"plugins": {"providers": [_ENTRY]}})
    if _is_null(plugins):
        return _replaced(text, plugins, {"providers": [_ENTRY]})
    inner_key, entries = _member(plugins, "providers")
    if entries is None:
        return _with_member(text, plugins, key, _PROVIDERS, {"providers": [_ENTRY]})
    if _is_null(entries):
        return _replaced(text, entries, [_ENTRY])
    return _with_member(text, entries, inner_key, _ITEM, [_ENTRY])


def _member(mapping: Any, name: str) -> tuple[Any, Any]:
    return next(((key, value) for key, value in mapping.value if key.value == name), (None, None))


def _is_null(node: Any) -> bool:
    return str(node.tag).endswith(":null")


def _replaced(text: str, null: Any, value: object) -> str:
    start, end = null.start_mark.index, null.end_mark.index
    blank = "" if text[start - 1].isspace() else " "
    return f"{text[:start]}{blank}{json.dumps(value)}{text[end:]}"


def _with_member(text: str, node: Any, key: Any, lines: list[str], value: Any) -> str:
    """Adds the first member of a collection, at the place that its marks surely tell; to a whole file, the last."""
    if node.flow_style:
        start = node.start_mark.index + 1
        separator = "" if not node.value else "," if text[start].isspace() else ", "
        return f"{text[:start]}{json.dumps(value)[1:-1]}{separator}{text[start:]}"
    end = "\r\n" if "\r\n" in text else "\n"
    block = "".join(f"{' ' * node.start_mark.column}{line}{end}" for line in lines)
    if key is None:
        return f"{text}{block}" if text.endswith("\n") else f"{text}{end}{block}"
    start = text.index("\n", key.end_mark.index) + 1
    return f"{text[:start]}{block}{text[start:]}"

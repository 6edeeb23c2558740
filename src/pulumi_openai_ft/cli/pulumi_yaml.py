"""Editing of project files: adds an entry and leaves every other character unchanged."""

from __future__ import annotations

import copy
import json
from typing import Any

import yaml

from pulumi_openai_ft.errors import InputError

PLUGIN = "pulumi-python"
"""The engine's name for the host for dynamic resources in Python."""
FOLDER = "bin"
"""Folder of the wrapper in a project that does not select a folder."""

_ENTRY = {"name": PLUGIN, "path": FOLDER}
_ITEM = [f"- name: {PLUGIN}", f"  path: {FOLDER}"]
_PROVIDERS = ["providers:", *(f"  {line}" for line in _ITEM)]
_PLUGINS = ["plugins:", *(f"  {line}" for line in _PROVIDERS)]


def parse(text: str) -> dict[str, Any]:
    """Parse a project file.

    Raises:
        InputError: The text is not valid YAML or not a mapping.
    """
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        location = f" in line {mark.line + 1}" if mark else ""
        raise InputError(f"invalid YAML{location}: {getattr(error, 'problem', None) or error}") from error
    if not isinstance(data, dict):
        raise InputError("not a project; set at least `name` and `runtime`")
    return data


def providers(data: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the entries of `plugins.providers`.

    Raises:
        InputError: The entries do not have the format that the engine requires.
    """
    plugins = data.get("plugins") or {}
    if not isinstance(plugins, dict):
        raise InputError(f"plugins is {plugins!r}; write a mapping such as {{providers: []}}")
    entries = plugins.get("providers") or []
    if not isinstance(entries, list):
        raise InputError(f"plugins.providers is {entries!r}; write a list of objects with name and path")
    for number, entry in enumerate(entries):
        if not isinstance(entry, dict) or not isinstance(entry.get("path", ""), str):
            raise InputError(f"plugins.providers[{number}] is {entry!r}; write an object with name and path")
    return entries


def with_host(text: str) -> str:
    """Return the project file with an entry in `plugins.providers` for the default folder of the wrapper.

    Raises:
        InputError: The entry cannot be added safely. The message contains the entry to add manually.
    """
    expected = _extended(parse(text))
    try:
        edited = _edited(text)
        done = yaml.safe_load(edited) == expected
    except (yaml.YAMLError, ValueError):
        done = False
    if not done:
        raise InputError(
            f"the file cannot be edited safely; add {json.dumps(_ENTRY)} to the list plugins.providers manually, "
            f"then run this command again"
        )
    return edited


def _extended(data: dict[str, Any]) -> dict[str, Any]:
    expected, entries = copy.deepcopy(data), providers(data)
    if present := _entry(providers(expected)):
        present["path"] = FOLDER
        return expected
    expected["plugins"] = {**(data.get("plugins") or {}), "providers": [_ENTRY, *entries]}
    return expected


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
    if path := _path(entries):
        return f"{text[: path.start_mark.index]}{_folder_like(path)}{text[path.end_mark.index :]}"
    return _with_member(text, entries, inner_key, _ITEM, [_ENTRY])


def _entry(entries: list[dict[str, Any]]) -> dict[str, Any] | None:
    return next((entry for entry in entries if entry.get("name") == PLUGIN), None)


def _path(entries: Any) -> Any:
    """Return the node of the wrapper's folder, None if the entries have none."""
    for entry in entries.value:
        _, name = _member(entry, "name")
        if name and name.value == PLUGIN:
            return _member(entry, "path")[1]
    return None


def _folder_like(path: Any) -> str:
    """Return the default folder, in quotes if the path in the file is."""
    return json.dumps(FOLDER) if path.style else FOLDER


def _member(mapping: Any, name: str) -> tuple[Any, Any]:
    return next(((key, value) for key, value in mapping.value if key.value == name), (None, None))


def _is_null(node: Any) -> bool:
    return str(node.tag).endswith(":null")


def _replaced(text: str, null: Any, value: object) -> str:
    start, end = null.start_mark.index, null.end_mark.index
    blank = "" if text[start - 1].isspace() else " "
    return f"{text[:start]}{blank}{json.dumps(value)}{text[end:]}"


def _with_member(text: str, node: Any, key: Any, lines: list[str], value: Any) -> str:
    """Add a member at the start of a collection, or at the end of the file if the collection has no `key`.

    Only the start of a collection has a reliable position in the result of the parser.
    """
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

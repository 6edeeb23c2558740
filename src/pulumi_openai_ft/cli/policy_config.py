"""The configuration of a policy pack, in the form that `pulumi preview --policy-pack-config` takes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from pulumi_policy import EnforcementLevel

from pulumi_openai_ft.errors import InputError
from pulumi_openai_ft.policies import RULES
from pulumi_openai_ft.policies._schema import schema_errors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_ALL, _LEVEL = "all", "enforcementLevel"
_LEVELS = ", ".join(level.value for level in EnforcementLevel)


class Setting(NamedTuple):
    """How a rule is configured."""

    level: EnforcementLevel
    limits: Mapping[str, Any]


def read(file: Path | None) -> dict[str, Setting]:
    """How each rule is configured, by name.

    Args:
        file: The configuration; None for the defaults.

    Raises:
        InputError: The file cannot be used; all that is wrong is named.
    """
    given = {} if file is None else _content(file)
    rules = {rule.name: rule for rule in RULES}
    wrong = [f"{name} is no rule" for name in given if name not in rules and name != _ALL]
    wrong += [f"{name}: {fault}" for name, value in given.items() for fault in _faults(value)]
    if not wrong:
        wrong = [
            f"{name}: {fault}"
            for name, rule in rules.items()
            for fault in schema_errors(rule.schema, _limits(given.get(name)))
        ]
    if wrong:
        raise InputError(f"{file} cannot be used: {'; '.join(wrong)}")
    common = _level(given.get(_ALL))
    return {
        name: Setting(_level(given.get(name)) or common or rule.level, _limits(given.get(name)))
        for name, rule in rules.items()
    }


def _content(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"{file} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise InputError(f"{file} holds no JSON object: write one with a member for each rule to configure")
    return found


def _faults(value: Any) -> list[str]:
    if not isinstance(value, str | dict):
        return [f"is {value!r}, write a level or an object of {_LEVEL} and limits"]
    written = value if isinstance(value, str) else value.get(_LEVEL)
    known = written is None or written in {level.value for level in EnforcementLevel}
    return [] if known else [f"the level is {written!r}, write one of {_LEVELS}"]


def _level(value: Any) -> EnforcementLevel | None:
    written = value.get(_LEVEL) if isinstance(value, dict) else value
    return EnforcementLevel(written) if written else None


def _limits(value: Any) -> dict[str, Any]:
    return {name: item for name, item in value.items() if name != _LEVEL} if isinstance(value, dict) else {}

"""Configuration of the policy pack, in the format of `pulumi preview --policy-pack-config`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from pulumi_policy import EnforcementLevel

from pulumi_openai_ft._shared.suggestions import did_you_mean
from pulumi_openai_ft.errors import InputError
from pulumi_openai_ft.policies import RULES
from pulumi_openai_ft.policies._schema import schema_errors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_ALL, _LEVEL = "all", "enforcementLevel"
_LEVELS = ", ".join(level.value for level in EnforcementLevel)


class Setting(NamedTuple):
    """The configuration of a rule.

    Attributes:
        level: Enforcement level.
        limits: Values of the options in the schema of the rule.
    """

    level: EnforcementLevel
    limits: Mapping[str, Any]


def read(file: Path | None) -> dict[str, Setting]:
    """Return the configuration of each rule, by name.

    Args:
        file: Path of the configuration, or None for the defaults.

    Raises:
        InputError: The file cannot be read or is invalid. The message lists all problems.
    """
    configured = {} if file is None else _content(file)
    rules = {rule.name: rule for rule in RULES}
    problems = [
        f"{name} is not a rule of the policy pack{did_you_mean(name, (*rules, _ALL))}"
        for name in configured
        if name not in rules and name != _ALL
    ]
    problems += [f"{name}: {problem}" for name, value in configured.items() for problem in _problems(value)]
    if not problems:
        problems = [
            f"{name}: {problem}"
            for name, rule in rules.items()
            for problem in schema_errors(rule.schema, _limits(configured.get(name)))
        ]
    if problems:
        raise InputError(f"{file} is invalid: {'; '.join(problems)}")
    common = _level(configured.get(_ALL))
    return {
        name: Setting(_level(configured.get(name)) or common or rule.level, _limits(configured.get(name)))
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
        raise InputError(
            f"{file} is not a JSON object; write an object with a key for each rule to configure"
        )
    return found


def _problems(value: Any) -> list[str]:
    if not isinstance(value, str | dict):
        return [f"is {value!r}, write a level, or an object with {_LEVEL} and options"]
    written = value if isinstance(value, str) else value.get(_LEVEL)
    known = [level.value for level in EnforcementLevel]
    if written is None or written in known:
        return []
    return [f"the level is {written!r}, write one of {_LEVELS}{did_you_mean(written, known)}"]


def _level(value: Any) -> EnforcementLevel | None:
    written = value.get(_LEVEL) if isinstance(value, dict) else value
    return EnforcementLevel(written) if written else None


def _limits(value: Any) -> dict[str, Any]:
    return {name: item for name, item in value.items() if name != _LEVEL} if isinstance(value, dict) else {}

"""Differences between a job and the desired inputs. Any difference replaces the job.

A value that the service resolved (a model alias, `auto`, the seed) is not a difference, and an omitted input is not
compared. An input that equals the input with which the job was created is not a difference either, even if the service
changed the value. An unknown value is a difference.

Each comparison takes the actual and the desired value and returns the relative paths of the differences. The path is
`_ROOT` if the value differs as a whole.
"""

from __future__ import annotations

import hashlib
import json
import re
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeGuard

from pulumi_openai_ft._provider import input_models
from pulumi_openai_ft._provider.job.inputs import REPLACE_ON_CHANGE, REPLACING_PROVIDER_INPUTS
from pulumi_openai_ft._shared.property_paths import format_path
from pulumi_openai_ft._shared.state_names import FILE_HASHES, REQUESTED_INPUTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Path = tuple[str | int, ...]
    Comparison = Callable[[Any, Any], list[Path]]
    Rules = Mapping[Any, Comparison]

_RESOLVED_BY_SERVICE = ("auto", "default")  # the latter is a reasoning effort
SERVICE_TAG = "openai/"  # OpenAI tags each run at Weights & Biases with its name, the model and the job
_DATE = re.compile(r"-\d{4}-\d{2}-\d{2}|-\d{4}")
_ROOT: Path = ()
_NO_RULES: Rules = MappingProxyType({})


def differences(name: str, news: Mapping[str, Any], olds: Mapping[str, Any]) -> list[str]:
    """Return the differences between an input and the job.

    Args:
        name: Name of the input, from `REPLACE_ON_CHANGE`.
        news: The desired inputs.
        olds: The job's outputs.

    Returns:
        Property paths in Pulumi's notation, such as `method.supervised.hyperparameters.n_epochs`,
        `integrations[0].wandb.project` or `metadata["team.name"]`. Each path exists in the desired input. An object
        that the job lacks has a single path, and so has a list whose order does not matter.
    """
    desired, actual = (
        input_models.integers_from_floats(news.get(name)),
        input_models.integers_from_floats(olds.get(name)),
    )
    if desired is None or name in not_comparable(news, olds):
        return []
    if name in FILE_HASHES:
        old_hash, new_hash = olds.get(FILE_HASHES[name]), news.get(FILE_HASHES[name])
        if isinstance(old_hash, str) and isinstance(new_hash, str):
            return [name] if old_hash != new_hash else []
    paths = [] if _is_as_requested(name, desired, olds) else _RULES[name](actual, desired)
    return list(dict.fromkeys(name + format_path(path) for path in paths))


def not_comparable(news: Mapping[str, Any], olds: Mapping[str, Any]) -> list[str]:
    """Return the inputs that cannot be compared with an imported job: the API lacks them, and no state recorded them.

    They are not differences, because an import must not replace the job. An update records them.
    """
    if REQUESTED_INPUTS in olds:
        return []
    return [
        name
        for name in REPLACING_PROVIDER_INPUTS
        if olds.get(name) is None and _RULES[name](None, input_models.integers_from_floats(news.get(name)))
    ]


def input_digests(props: Mapping[str, Any]) -> dict[str, str]:
    """Return a digest of each input that replaces the job. The inputs themselves may be long or secret."""
    return {name: _digest(props[name]) for name in REPLACE_ON_CHANGE if props.get(name) is not None}


def _is_as_requested(name: str, desired: Any, olds: Mapping[str, Any]) -> bool:
    requested = olds.get(REQUESTED_INPUTS)
    return isinstance(requested, dict) and requested.get(name) == _digest(desired)


def _digest(value: Any) -> str:
    """Return the digest of a known value, or an empty string, which is the digest of no value."""
    if not input_models.is_known(value):
        return ""
    content = json.dumps(_without_none(input_models.integers_from_floats(value)), sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def _without_none(value: Any) -> Any:
    """Return the value without dictionary entries that are None, because Pulumi drops some of them."""
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    return [_without_none(item) for item in value] if isinstance(value, list) else value


def _root_if(differs: object) -> list[Path]:
    return [_ROOT] if differs else []


def _diff_value(actual: Any, desired: Any) -> list[Path]:
    return _root_if(actual != desired)


def _diff_model(actual: Any, desired: Any) -> list[Path]:
    """Compare models. An alias equals every dated version of its model, in either direction."""
    names = (str(desired), str(actual))
    is_alias = any(a.startswith(b) and _DATE.fullmatch(a[len(b) :]) for a, b in (names, reversed(names)))
    return [] if is_alias else _diff_value(actual, desired)


def _diff_text(actual: Any, desired: Any) -> list[Path]:
    return _diff_value(_trimmed(actual), _trimmed(desired))


def _trimmed(value: Any) -> Any:
    return value.strip() or None if isinstance(value, str) else value


def _diff_subset(actual: Any, desired: Any, rules: Rules = _NO_RULES) -> list[Path]:
    """Find every desired value in the actual value. Additional actual values were added by the service.

    Args:
        actual: The job's value.
        desired: The desired value.
        rules: Comparisons for the values of certain keys, at any depth.
    """
    compare = partial(_diff_subset, rules=rules)
    if isinstance(desired, dict):
        given = {key: value for key, value in desired.items() if value is not None}
        if isinstance(actual, dict):
            return _diff_entries(actual, given, compare, rules)
        return _root_if(_diff_entries({}, given, compare, rules))
    if isinstance(desired, list):
        return _diff_lists(_list(actual), desired, compare)
    return _diff_value(actual, desired)


def _diff_entries(
    actual: Mapping[Any, Any], desired: Mapping[Any, Any], compare: Comparison, rules: Rules = _NO_RULES
) -> list[Path]:
    return [
        (step, *path)
        for step, value in desired.items()
        for path in rules.get(step, compare)(actual.get(step), value)
    ]


def _diff_lists(actual: list[Any], desired: list[Any], compare: Comparison) -> list[Path]:
    if len(actual) != len(desired):
        return [_ROOT]
    pairs = enumerate(zip(actual, desired, strict=True))
    return [(index, *path) for index, (existing, item) in pairs for path in compare(existing, item)]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _diff_unchanged(actual: Any, desired: Any) -> list[Path]:
    """Compare a value that the service never changes."""
    return _diff_all(_without_none(actual) or None, _without_none(desired) or None)


def _diff_all(actual: Any, desired: Any) -> list[Path]:
    """Compare the values in full. Additional actual values are differences, too."""
    if isinstance(actual, dict) and isinstance(desired, dict) and actual.keys() <= desired.keys():
        return _diff_entries(actual, desired, _diff_all)
    if isinstance(actual, list) and isinstance(desired, list):
        return _diff_lists(actual, desired, _diff_all)
    return _diff_value(actual, desired)


def _diff_members(actual: list[Any], desired: Mapping[Path, Any], compare: Comparison) -> list[Path]:
    """Compare two lists, ignoring their order.

    The paths lead into an entry only if both lists have a single entry: longer lists do not show which entries
    correspond to each other.

    Args:
        actual: The job's entries.
        desired: The desired entries by path.
        compare: Comparison of two entries.
    """
    if len(actual) == len(desired) == 1:
        return [(*step, *path) for step, item in desired.items() for path in compare(actual[0], item)]
    agree = (
        len(actual) == len(desired)
        and all(any(not compare(existing, item) for existing in actual) for item in desired.values())
        and all(any(not compare(existing, item) for item in desired.values()) for existing in actual)
    )
    return _root_if(not agree)


def _diff_metadata(actual: Any, desired: Any) -> list[Path]:
    return _diff_subset(
        actual, desired, dict.fromkeys(desired, _diff_text) if isinstance(desired, dict) else {}
    )


def _diff_integrations(actual: Any, desired: Any) -> list[Path]:
    if not isinstance(desired, list):
        return _diff_value(actual, desired)
    return _diff_members(_list(actual), _parts(desired), partial(_diff_subset, rules=_INTEGRATION))


def _diff_tags(actual: Any, desired: Any) -> list[Path]:
    if not isinstance(desired, list):
        return _diff_value(actual, desired)
    existing, tags = ([_trimmed(tag) for tag in _list(value)] for value in (actual, desired))
    added = [tag for tag in existing if tag not in tags]
    agree = all(tag in existing for tag in tags) and all(str(tag).startswith(SERVICE_TAG) for tag in added)
    return _root_if(not agree)


def _diff_hyperparameters(actual: Any, desired: Any) -> list[Path]:
    """Compare hyperparameters, except those whose values the service chooses."""
    if not isinstance(desired, dict):
        return _diff_value(actual, desired)
    return _diff_subset(
        actual, {key: value for key, value in desired.items() if value not in _RESOLVED_BY_SERVICE}
    )


def _diff_graders(actual: Any, desired: Any) -> list[Path]:
    """Compare the graders of a `multi` grader: by key if both sides are maps, otherwise ignoring their order."""
    compare = partial(_diff_subset, rules=_METHOD)
    if _is_map(actual) and _is_map(desired):
        same_keys = actual.keys() == desired.keys()
        return _diff_entries(actual, desired, compare) if same_keys else [_ROOT]
    if not isinstance(desired, dict | list):
        return _diff_value(actual, desired)
    return _diff_members(list(_parts(actual).values()), _parts(desired), compare)


def _is_map(graders: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(graders, dict) and isinstance(graders.get("type", {}), dict)


def _parts(value: Any) -> dict[Path, Any]:
    """Return the entries of a list or of a map of graders by path. A single grader has the path `_ROOT`."""
    if _is_map(value):
        return {(key,): part for key, part in value.items()}
    if isinstance(value, dict):
        return {_ROOT: value}
    return {(index,): part for index, part in enumerate(_list(value))}


_INTEGRATION: Rules = {**dict.fromkeys(("project", "name", "entity"), _diff_text), "tags": _diff_tags}
_METHOD: Rules = {
    "hyperparameters": _diff_hyperparameters,
    "graders": _diff_graders,
    "source": _diff_text,
    "calculate_output": _diff_text,
    "response_format": _diff_subset,
}
_RULES: Rules = {
    **dict.fromkeys(REPLACE_ON_CHANGE, _diff_value),
    "model": _diff_model,
    "suffix": _diff_text,
    "method": partial(_diff_subset, rules=_METHOD),
    "integrations": _diff_integrations,
    "metadata": _diff_metadata,
    "extra_body": _diff_unchanged,
    "triggers": _diff_unchanged,
}
"""Comparison of each input that replaces the job."""

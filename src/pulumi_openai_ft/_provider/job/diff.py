"""Where an existing job is not what the inputs ask for.

The inputs are compared with the job as it is: whatever the service resolved, an alias of a model, `auto`, a seed,
satisfies them, and an input that is left out asks for nothing. An input that asks for the very same as the one that
the job was bought with is satisfied too, whatever the service made of it. So nothing is bought again unless the
program asks for something else. A value that is not known yet counts as something else.

Each comparison takes what is there and what is wanted, and answers with the paths, from there on, at which the one
does not satisfy the other: none where it does, and `_HERE` where it is not worth or not possible to look inside.
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

_LEFT_TO_THE_SERVICE = ("auto", "default")  # the latter is a reasoning effort
SERVICE_TAG = "openai/"  # OpenAI tags each run at Weights & Biases with its name, the model and the job
_DATE = re.compile(r"-\d{4}-\d{2}-\d{2}|-\d{4}")
_ROOT: Path = ()
_NO_RULES: Rules = MappingProxyType({})


def differences(name: str, news: Mapping[str, Any], olds: Mapping[str, Any]) -> list[str]:
    """Where one input cannot be satisfied by the job that is there.

    Args:
        name: The input, one of those that replace.
        news: The inputs.
        olds: The job's outputs.

    Returns:
        Paths of properties as Pulumi writes them, such as `method.supervised.hyperparameters.n_epochs`,
        `integrations[0].wandb.project` or `metadata["team.name"]`. Each leads to something that is wanted. What the
        job lacks is one path, whatever lies in it, and so is a list whose order does not matter.
    """
    wanted, actual = (
        input_models.integers_from_floats(news.get(name)),
        input_models.integers_from_floats(olds.get(name)),
    )
    if wanted is None or name in not_comparable(news, olds):
        return []
    if name in FILE_HASHES:
        old_hash, new_hash = olds.get(FILE_HASHES[name]), news.get(FILE_HASHES[name])
        if isinstance(old_hash, str) and isinstance(new_hash, str):
            return [name] if old_hash != new_hash else []
    paths = [] if _was_asked(name, wanted, olds) else _RULES[name](actual, wanted)
    return list(dict.fromkeys(name + format_path(path) for path in paths))


def not_comparable(news: Mapping[str, Any], olds: Mapping[str, Any]) -> list[str]:
    """Inputs that an imported job cannot be compared with: no service knows them, and we did not record them.

    They are no difference, so that an import buys nothing; an update records them.
    """
    if REQUESTED_INPUTS in olds:
        return []
    return [
        name
        for name in REPLACING_PROVIDER_INPUTS
        if olds.get(name) is None and _RULES[name](None, input_models.integers_from_floats(news.get(name)))
    ]


def input_digests(props: Mapping[str, Any]) -> dict[str, str]:
    """What inputs ask of a job, as a digest of each: they may be long, and secret."""
    return {name: _digest(props[name]) for name in REPLACE_ON_CHANGE if props.get(name) is not None}


def _was_asked(name: str, wanted: Any, olds: Mapping[str, Any]) -> bool:
    before = olds.get(REQUESTED_INPUTS)
    return isinstance(before, dict) and before.get(name) == _digest(wanted)


def _digest(value: Any) -> str:
    # a value that is not known yet shows as its address, which equals nothing
    known = json.dumps(_without_none(input_models.integers_from_floats(value)), sort_keys=True, default=repr)
    return hashlib.sha256(known.encode()).hexdigest()


def _without_none(value: Any) -> Any:
    """The value without entries that are None: Pulumi does not keep all of them."""
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    return [_without_none(item) for item in value] if isinstance(value, list) else value


def _root_if(differs: object) -> list[Path]:
    return [_ROOT] if differs else []


def _diff_value(actual: Any, wanted: Any) -> list[Path]:
    return _root_if(actual != wanted)


def _diff_model(actual: Any, wanted: Any) -> list[Path]:
    """An alias is the dated model that it resolved to, whatever it would resolve to today."""
    names = (str(wanted), str(actual))
    is_alias = any(a.startswith(b) and _DATE.fullmatch(a[len(b) :]) for a, b in (names, reversed(names)))
    return [] if is_alias else _diff_value(actual, wanted)


def _diff_text(actual: Any, wanted: Any) -> list[Path]:
    return _diff_value(_trimmed(actual), _trimmed(wanted))


def _trimmed(value: Any) -> Any:
    return value.strip() or None if isinstance(value, str) else value


def _diff_wanted(actual: Any, wanted: Any, rules: Rules = _NO_RULES) -> list[Path]:
    """Looks for everything that is wanted; what is there besides was added by the service.

    Args:
        actual: What is there.
        wanted: What is asked for.
        rules: How to compare what lies under certain keys, at any depth.
    """
    compare = partial(_diff_wanted, rules=rules)
    if isinstance(wanted, dict):
        given = {key: value for key, value in wanted.items() if value is not None}
        if isinstance(actual, dict):
            return _diff_entries(actual, given, compare, rules)
        return _root_if(_diff_entries({}, given, compare, rules))
    if isinstance(wanted, list):
        return _diff_lists(_list(actual), wanted, compare)
    return _diff_value(actual, wanted)


def _diff_entries(
    actual: Mapping[Any, Any], wanted: Mapping[Any, Any], compare: Comparison, rules: Rules = _NO_RULES
) -> list[Path]:
    return [
        (step, *path)
        for step, value in wanted.items()
        for path in rules.get(step, compare)(actual.get(step), value)
    ]


def _diff_lists(actual: list[Any], wanted: list[Any], compare: Comparison) -> list[Path]:
    if len(actual) != len(wanted):
        return [_ROOT]
    pairs = enumerate(zip(actual, wanted, strict=True))
    return [(index, *path) for index, (there, item) in pairs for path in compare(there, item)]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _diff_kept(actual: Any, wanted: Any) -> list[Path]:
    """Compares what no service has touched."""
    return _diff_all(_without_none(actual) or None, _without_none(wanted) or None)


def _diff_all(actual: Any, wanted: Any) -> list[Path]:
    """Compares everything: nothing may be there besides."""
    if isinstance(actual, dict) and isinstance(wanted, dict) and actual.keys() <= wanted.keys():
        return _diff_entries(actual, wanted, _diff_all)
    if isinstance(actual, list) and isinstance(wanted, list):
        return _diff_lists(actual, wanted, _diff_all)
    return _diff_value(actual, wanted)


def _diff_members(actual: list[Any], wanted: Mapping[Path, Any], compare: Comparison) -> list[Path]:
    """Compares two lists but for their order. Entries that belong together are only known where each has one.

    Args:
        actual: What is there.
        wanted: What is asked for, by the path that leads to it.
        compare: How to compare two entries.
    """
    if len(actual) == len(wanted) == 1:
        return [(*step, *path) for step, item in wanted.items() for path in compare(actual[0], item)]
    agree = (
        len(actual) == len(wanted)
        and all(any(not compare(there, item) for there in actual) for item in wanted.values())
        and all(any(not compare(there, item) for item in wanted.values()) for there in actual)
    )
    return _root_if(not agree)


def _diff_metadata(actual: Any, wanted: Any) -> list[Path]:
    return _diff_wanted(actual, wanted, dict.fromkeys(wanted, _diff_text) if isinstance(wanted, dict) else {})


def _diff_integrations(actual: Any, wanted: Any) -> list[Path]:
    if not isinstance(wanted, list):
        return _diff_value(actual, wanted)
    return _diff_members(_list(actual), _parts(wanted), partial(_diff_wanted, rules=_INTEGRATION))


def _diff_tags(actual: Any, wanted: Any) -> list[Path]:
    if not isinstance(wanted, list):
        return _diff_value(actual, wanted)
    there, tags = ([_trimmed(tag) for tag in _list(value)] for value in (actual, wanted))
    added = [tag for tag in there if tag not in tags]
    agree = all(tag in there for tag in tags) and all(str(tag).startswith(SERVICE_TAG) for tag in added)
    return _root_if(not agree)


def _diff_hyperparameters(actual: Any, wanted: Any) -> list[Path]:
    """Those that are left to the service are what they are."""
    if not isinstance(wanted, dict):
        return _diff_value(actual, wanted)
    return _diff_wanted(
        actual, {key: value for key, value in wanted.items() if value not in _LEFT_TO_THE_SERVICE}
    )


def _diff_graders(actual: Any, wanted: Any) -> list[Path]:
    """Compares the parts of a `multi` grader by their keys, or where one side has none, by their names."""
    compare = partial(_diff_wanted, rules=_METHOD)
    if _is_map(actual) and _is_map(wanted):
        same_keys = actual.keys() == wanted.keys()
        return _diff_entries(actual, wanted, compare) if same_keys else [_ROOT]
    if not isinstance(wanted, dict | list):
        return _diff_value(actual, wanted)
    return _diff_members(list(_parts(actual).values()), _parts(wanted), compare)


def _is_map(graders: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(graders, dict) and isinstance(graders.get("type", {}), dict)


def _parts(value: Any) -> dict[Path, Any]:
    """The entries of a list or of a map of graders, or the one grader, by the path that leads there."""
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
    "response_format": _diff_wanted,
}
_RULES: Rules = {
    **dict.fromkeys(REPLACE_ON_CHANGE, _diff_value),
    "model": _diff_model,
    "suffix": _diff_text,
    "method": partial(_diff_wanted, rules=_METHOD),
    "integrations": _diff_integrations,
    "metadata": _diff_metadata,
    "extra_body": _diff_kept,
    "triggers": _diff_kept,
}
"""How each input that replaces is compared with the job."""

"""Whether an existing job is what the inputs ask for.

The inputs are compared with the job as it is: whatever the service resolved, an alias of a model, `auto`, a seed,
satisfies them, and an input that is left out asks for nothing. An input that asks for the very same as the one that
the job was bought with is satisfied too, whatever the service made of it. So nothing is bought again unless the
program asks for something else. A value that is not known yet counts as something else.
"""

from __future__ import annotations

import hashlib
import json
import re
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeGuard

from pulumi_openai_ft import _inputs
from pulumi_openai_ft._job_inputs import REPLACING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Comparison = Callable[[Any, Any], bool]
    Rules = Mapping[str, Comparison]

ASKED = "__asked"
"""Output that keeps `asked` of the inputs that the job was bought with."""
FILE_HASHES = {"training_file": "__training_file_sha256", "validation_file": "__validation_file_sha256"}
_LEFT_TO_THE_SERVICE = ("auto", "default")  # the latter is a reasoning effort
_SERVICE_TAG = "openai/"  # OpenAI tags each run at Weights & Biases with its name, the model and the job
_DATE = re.compile(r"-\d{4}-\d{2}-\d{2}|-\d{4}")


def asks_for_another(name: str, news: Mapping[str, Any], olds: Mapping[str, Any]) -> bool:
    """Whether one input cannot be satisfied by the job that is there."""
    wanted, actual = _inputs.plain(news.get(name)), _inputs.plain(olds.get(name))
    if wanted is None:
        return False
    if name in FILE_HASHES:
        old_hash, new_hash = olds.get(FILE_HASHES[name]), news.get(FILE_HASHES[name])
        if isinstance(old_hash, str) and isinstance(new_hash, str):
            return old_hash != new_hash
    return not (_was_asked(name, wanted, olds) or _RULES[name](actual, wanted))


def asked(props: Mapping[str, Any]) -> dict[str, str]:
    """What inputs ask of a job, as a digest of each: they may be long, and secret."""
    return {name: _digest(props[name]) for name in REPLACING if props.get(name) is not None}


def _was_asked(name: str, wanted: Any, olds: Mapping[str, Any]) -> bool:
    before = olds.get(ASKED)
    return isinstance(before, dict) and before.get(name) == _digest(wanted)


def _digest(value: Any) -> str:
    # a value that is not known yet shows as its address, which equals nothing
    known = json.dumps(_set(_inputs.plain(value)), sort_keys=True, default=repr)
    return hashlib.sha256(known.encode()).hexdigest()


def _set(value: Any) -> Any:
    """The value without entries that are None: Pulumi does not keep all of them."""
    if isinstance(value, dict):
        return {key: _set(item) for key, item in value.items() if item is not None}
    return [_set(item) for item in value] if isinstance(value, list) else value


def _equal(actual: Any, wanted: Any) -> bool:
    return bool(actual == wanted)


def _same_values(actual: Any, wanted: Any) -> bool:
    """Compares what no service has touched."""
    return _equal(_set(actual) or None, _set(wanted) or None)


def _same_model(actual: Any, wanted: Any) -> bool:
    """An alias is the dated model that it resolved to, whatever it would resolve to today."""
    if wanted == actual:
        return True
    names = (str(wanted), str(actual))
    return any(a.startswith(b) and _DATE.fullmatch(a[len(b) :]) for a, b in (names, reversed(names)))


def _same_text(actual: Any, wanted: Any) -> bool:
    return _equal(_trimmed(actual), _trimmed(wanted))


def _trimmed(value: Any) -> Any:
    return value.strip() or None if isinstance(value, str) else value


def _has(actual: Any, wanted: Any, rules: Rules = MappingProxyType({})) -> bool:
    """Whether everything that is wanted is there; what is there besides was added by the service.

    Args:
        actual: What is there.
        wanted: What is asked for.
        rules: How to compare what lies under certain keys, at any depth.
    """
    same = partial(_has, rules=rules)
    if isinstance(wanted, dict):
        there = actual if isinstance(actual, dict) else {}
        return all(
            value is None or rules.get(key, same)(there.get(key), value) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        entries = _entries(actual)
        return len(entries) == len(wanted) and all(map(same, entries, wanted))
    return _equal(actual, wanted)


def _entries(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _same_members(actual: list[Any], wanted: list[Any], same: Comparison) -> bool:
    """Whether two lists agree but for their order."""
    return (
        len(actual) == len(wanted)
        and all(any(same(there, item) for there in actual) for item in wanted)
        and all(any(same(there, item) for item in wanted) for there in actual)
    )


def _same_metadata(actual: Any, wanted: Any) -> bool:
    return _has(actual, wanted, dict.fromkeys(wanted, _same_text) if isinstance(wanted, dict) else {})


def _same_integrations(actual: Any, wanted: Any) -> bool:
    if not isinstance(wanted, list):
        return _equal(actual, wanted)
    return _same_members(_entries(actual), wanted, partial(_has, rules=_INTEGRATION))


def _same_tags(actual: Any, wanted: Any) -> bool:
    if not isinstance(wanted, list):
        return _equal(actual, wanted)
    there, tags = ([_trimmed(tag) for tag in _entries(value)] for value in (actual, wanted))
    added = [tag for tag in there if tag not in tags]
    return all(tag in there for tag in tags) and all(str(tag).startswith(_SERVICE_TAG) for tag in added)


def _same_hyperparameters(actual: Any, wanted: Any) -> bool:
    """Those that are left to the service are what they are."""
    if not isinstance(wanted, dict):
        return _equal(actual, wanted)
    return _has(actual, {key: value for key, value in wanted.items() if value not in _LEFT_TO_THE_SERVICE})


def _same_graders(actual: Any, wanted: Any) -> bool:
    """Compares the parts of a `multi` grader by their keys, or where one side has none, by their names."""
    same = partial(_has, rules=_METHOD)
    if _is_map(actual) and _is_map(wanted):
        return actual.keys() == wanted.keys() and all(same(actual[key], wanted[key]) for key in wanted)
    if not isinstance(wanted, dict | list):
        return _equal(actual, wanted)
    return _same_members(_parts(actual), _parts(wanted), same)


def _is_map(graders: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(graders, dict) and isinstance(graders.get("type", {}), dict)


def _parts(graders: Any) -> list[Any]:
    if isinstance(graders, dict):
        return list(graders.values()) if _is_map(graders) else [graders]
    return _entries(graders)


_INTEGRATION: Rules = {**dict.fromkeys(("project", "name", "entity"), _same_text), "tags": _same_tags}
_METHOD: Rules = {
    "hyperparameters": _same_hyperparameters,
    "graders": _same_graders,
    "source": _same_text,
    "calculate_output": _same_text,
    "response_format": _has,
}
_RULES: Rules = {
    **dict.fromkeys(REPLACING, _equal),
    "model": _same_model,
    "suffix": _same_text,
    "method": partial(_has, rules=_METHOD),
    "integrations": _same_integrations,
    "metadata": _same_metadata,
    "extra_body": _same_values,
    "triggers": _same_values,
}
"""How each input that replaces is compared with the job."""

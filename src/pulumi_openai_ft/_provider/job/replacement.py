"""The reason why a job is replaced: the changes that train again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._provider.input_models import integers_from_floats, is_known, redacted_repr
from pulumi_openai_ft._shared.property_paths import get_at, top_level
from pulumi_openai_ft._shared.state_names import FILE_HASHES, SECRET_INPUTS, TRAINING_DATA, VALUES_ONLY
from pulumi_openai_ft.catalog import truncated_repr

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOST_CHANGES = 3
"""Number of changes that a message names."""
_HYPERPARAMETER = re.compile(r"method\.\w+\.hyperparameters\.(\w+)")


def replacement_reason(
    id_: str, paths: Sequence[str], olds: Mapping[str, Any], news: Mapping[str, Any]
) -> str:
    """Return the reason why a job is replaced, such as `replaces ftjob-…: n_epochs 3 → 4 trains again`.

    Args:
        id_: Id of the existing job.
        paths: Paths of the properties that replace it.
        olds: Its outputs.
        news: The desired inputs.
    """
    changes = list(dict.fromkeys(_change(path, olds, news) for path in paths))
    named = changes[:MOST_CHANGES]
    if len(changes) > MOST_CHANGES:
        named.append(f"{len(changes) - MOST_CHANGES} more")
    text = named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
    return f"replaces {id_}: {text} {'trains' if len(changes) == 1 else 'train'} again"


def _change(path: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> str:
    name, shown = top_level(path), _HYPERPARAMETER.sub(r"\1", path)
    if path == "recreate_on_failure":
        return "recreate_on_failure after the failure"
    if _is_secret(name, olds) or _is_secret(name, news):
        # the keys of a secret input may be secret as well
        return f"{path if _has_own_keys(name, olds, news) else name} [secret]"
    if FILE_HASHES.get(name) in olds and FILE_HASHES[name] in news:
        return _new_content(name, news)
    old, new = (integers_from_floats(get_at(path, props)) for props in (olds, news))
    if not is_known(new):
        return f"{shown} (known during `up`)"
    if isinstance(new, dict | list) or isinstance(old, dict | list):
        return f"{shown} (changed)"
    return f"{shown} {'(not set)' if old is None else truncated_repr(old)} → {truncated_repr(new)}"


def _new_content(name: str, news: Mapping[str, Any]) -> str:
    """Return the change of a file, with the local path, which is only known for the training file."""
    local = news.get(TRAINING_DATA)
    path = local.get("file") if name == "training_file" and isinstance(local, dict) else None
    return f"new content of {redacted_repr(news, TRAINING_DATA, path) if path else name}"


def _is_secret(name: str, props: Mapping[str, Any]) -> bool:
    return bool({name, name + VALUES_ONLY} & {*(props.get(SECRET_INPUTS) or ())})


def _has_own_keys(name: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    """Return whether only the values of a secret input are secret."""
    return not any(name in (props.get(SECRET_INPUTS) or ()) for props in (olds, news))

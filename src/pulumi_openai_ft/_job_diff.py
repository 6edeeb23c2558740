"""Whether an existing job is what the inputs ask for.

The inputs are compared with the job as it is, not with what was asked before: whatever the service resolved, an
alias of a model, `auto`, a seed, satisfies them, and an input that is left out asks for nothing. So nothing is
bought again unless the program asks for something else. A value that is not known yet counts as something else.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft import _inputs

if TYPE_CHECKING:
    from collections.abc import Mapping

AUTO = "auto"
_DATE = re.compile(r"-\d{4}-\d{2}-\d{2}|-\d{4}")
FILE_HASHES = {"training_file": "__training_file_sha256", "validation_file": "__validation_file_sha256"}


def asks_for_another(name: str, news: Mapping[str, Any], olds: Mapping[str, Any]) -> bool:
    """Whether one input cannot be satisfied by the job that is there."""
    wanted, actual = news.get(name), olds.get(name)
    if wanted is None:
        return False
    if name in FILE_HASHES:
        return _another_file(name, news, olds)
    if name == "model":
        return not _same_model(wanted, actual)
    return not _satisfies(_inputs.plain(actual), _inputs.plain(wanted))


def _another_file(name: str, news: Mapping[str, Any], olds: Mapping[str, Any]) -> bool:
    old_hash, new_hash = olds.get(FILE_HASHES[name]), news.get(FILE_HASHES[name])
    if isinstance(old_hash, str) and isinstance(new_hash, str):
        return old_hash != new_hash
    return bool(news[name] != olds.get(name))


def _same_model(wanted: Any, actual: Any) -> bool:
    """An alias is the dated model that it resolved to, whatever it would resolve to today."""
    if wanted == actual:
        return True
    names = (str(wanted), str(actual))
    return any(a.startswith(b) and _DATE.fullmatch(a[len(b) :]) for a, b in (names, reversed(names)))


def _satisfies(actual: Any, wanted: Any) -> bool:
    """Whether everything that is wanted is there; what is there besides was added by the service."""
    if wanted is None or wanted == AUTO:
        return True
    if isinstance(wanted, dict):
        there = actual if isinstance(actual, dict) else {}
        return all(_satisfies(there.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return (
            isinstance(actual, list) and len(actual) == len(wanted) and all(map(_satisfies, actual, wanted))
        )
    return bool(actual == wanted)

"""Convert the values that people write in Python to values that Pulumi can pass to the provider.

A value that cannot be passed is replaced by a marker with the reason. The provider's `check` reports it as the problem
of one input, with its property path. An exception would end the program with a traceback instead, and would not be
possible where the value is an output.
"""

from __future__ import annotations

import inspect
import math
import os
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from functools import partial
from typing import Any

import pulumi

from pulumi_openai_ft._program.local_content import content_sha256, string_file
from pulumi_openai_ft._shared.state_names import UNSUPPORTED_VALUE
from pulumi_openai_ft.errors import InputError

LARGEST_INTEGER = 2**53
"""Pulumi passes numbers as 64-bit floats, which represent integers exactly up to this one."""
DEEPEST = 30
"""Number of nested levels. The encoding of the engine's messages allows about 33."""
NO_NAME = "is a StringAsset, which has no name: set `filename` (of a File resource)"


def plain(value: Any, convert_asset: Callable[[Any], Any] | None = None, *, depth: int = 0) -> Any:
    """Return a value in a form that Pulumi can pass to the provider.

    Args:
        value: The value of an input, or a part of it.
        convert_asset: Returns the replacement of an asset or archive, or raises `InputError`. By default, assets and
            archives are not supported.
        depth: Number of levels above the value.
    """
    inner = partial(plain, convert_asset=convert_asset, depth=depth + 1)
    if isinstance(value, pulumi.Output):
        # `from_input` merges the outputs inside of the value, whose secretness `secret_inputs` must see
        return value.apply(lambda known: pulumi.Output.from_input(plain(known, convert_asset, depth=depth)))
    if inspect.isawaitable(value):
        return plain(pulumi.Output.from_input(value), convert_asset, depth=depth)
    if isinstance(value, pulumi.Asset | pulumi.Archive):
        return _converted(value, convert_asset or _not_supported)
    if isinstance(value, Enum):
        return inner(value.value)
    if isinstance(value, os.PathLike):
        return _scalar(os.fsdecode(value))
    if depth > DEEPEST:
        return unsupported(f"is nested more than {DEEPEST} levels deep: pass it as a JSON string")
    if isinstance(value, Mapping):
        return _mapping(value, inner)
    if isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray | memoryview | range):
        return [inner(item) for item in value]
    return _scalar(value)


def by_content(asset: Any) -> str:
    """Return the replacement of an asset or archive by its content. Raise `InputError` if it cannot be read."""
    return f"sha256:{content_sha256(asset)}"


def local_file(value: Any, *, has_name: bool) -> Any:
    """Return the path of the local file for an input that takes a path or an asset.

    Args:
        value: The value of the input.
        has_name: Whether the program gives a name for the uploaded file.
    """
    return plain(value, partial(_asset_path, has_name=has_name))


def unsupported(reason: str) -> dict[str, str]:
    """Return the marker of a value that cannot be passed to the provider.

    Args:
        reason: The problem and the next step, without the value, which may be secret.
    """
    return {UNSUPPORTED_VALUE: reason}


def _mapping(value: Mapping[Any, Any], inner: Callable[[Any], Any]) -> Any:
    if not all(isinstance(key, str) and _is_unicode(key) for key in value):
        return unsupported("has a key that is not a string of Unicode characters: use strings as keys")
    return {str(key): inner(value[key]) for key in value}


def _scalar(value: Any) -> Any:
    """Return a value that has no parts."""
    if value is None or isinstance(value, bool | pulumi.Resource) or _is_converted_by_pulumi(value):
        return value
    if isinstance(value, str):
        return value if _is_unicode(value) else unsupported("is not valid Unicode: correct its encoding")
    if isinstance(value, float):
        return value if math.isfinite(value) else unsupported("is not a finite number: pass a finite number")
    if isinstance(value, int):
        is_exact = abs(value) <= LARGEST_INTEGER
        return value if is_exact else unsupported("is too large for an exact number: pass it as a string")
    return unsupported(
        f"has the type {type(value).__name__}, which Pulumi cannot pass on: pass a string, number, boolean, list or dict"
    )


def _is_converted_by_pulumi(value: Any) -> bool:
    return isinstance(value, pulumi.output.Unknown) or pulumi._types.is_input_type(type(value))  # noqa: SLF001 - no public equivalent


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _converted(asset: Any, convert: Callable[[Any], Any]) -> Any:
    try:
        return convert(asset)
    except InputError as error:
        return unsupported(str(error))


def _not_supported(asset: Any) -> Any:
    raise InputError(
        f"is a {type(asset).__name__}, which this input does not support: pass a string, or upload the content with a File"
    )


def _asset_path(asset: Any, *, has_name: bool) -> str:
    if isinstance(asset, pulumi.FileAsset):
        return os.fsdecode(asset.path)
    if not isinstance(asset, pulumi.StringAsset):
        raise InputError(
            f"is a {type(asset).__name__}: download or unpack it, and pass the path of a local file"
        )
    if not has_name:
        raise InputError(NO_NAME)
    return string_file(asset.text)

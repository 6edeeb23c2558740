"""The keys of a job, which prevent paying for the same job twice.

The idempotency key is a hash of the resource's identity and of the inputs that the API has. The content key is a hash
of these inputs only. Both are stored in the job's metadata. Before creating a job, the provider searches for existing
jobs with the same keys.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from pulumi_openai_ft._provider.input_models import is_known
from pulumi_openai_ft._provider.job.inputs import REPLACE_ON_CHANGE
from pulumi_openai_ft._shared.api_limits import LIMITS
from pulumi_openai_ft._shared.state_names import (
    CONTENT_KEY,
    FILE_HASHES,
    FORMER_IDENTITIES,
    IDENTITY,
    RESOURCE_KEY,
    TOKEN_KEY,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

KEY_LENGTH = 40
_SEPARATOR = "::"
_TYPE = "::FineTuningJob::"
_URN = "::urn:pulumi:"
"""Part of the identity of a resource with a parent, whose URN it contains."""


@dataclass(frozen=True)
class JobKeys:
    """The keys by which existing jobs are recognized.

    Attributes:
        own: Idempotency key of a new job.
        former: Idempotency keys under former identities of the resource.
        content: Key of the job's content, which is the same for other resources.
        resource: Identity of the resource.
    """

    own: str
    former: tuple[str, ...]
    content: str
    resource: str

    @property
    def of_resource(self) -> tuple[str, ...]:
        """The idempotency keys of the resource, the current one first."""
        return (self.own, *self.former)

    def metadata(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return the metadata of a new job: the given pairs, and as many of this package's as have space."""
        pairs = {TOKEN_KEY: self.own, CONTENT_KEY: self.content, RESOURCE_KEY: self.resource}
        fitting = [
            (name, value)
            for name, value in pairs.items()
            if 0 < len(value) <= LIMITS["metadata_value_length"]
        ]
        return {**given, **dict(fitting[: max(1, LIMITS["metadata_pairs"] - len(given))])}


def job_keys(props: Mapping[str, Any], inputs: Mapping[str, Any], scope: str | None) -> JobKeys:
    """Return the keys of a job. See `idempotency_key` for the arguments."""
    identity = props.get(IDENTITY)
    former = _former_identities(
        identity, props.get(FORMER_IDENTITIES) or [], inputs.get("former_names") or []
    )
    return JobKeys(
        idempotency_key(props, inputs, scope),
        tuple(idempotency_key({**props, IDENTITY: other}, inputs, scope) for other in former),
        _hash({"owner": scope, "inputs": _hashed_inputs(props, inputs)}),
        identity or "",
    )


def props_known_at_preview(props: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties with the hashes of files in place of ids that are not known yet. The keys contain these."""
    ids = {
        name: props[hidden]
        for name, hidden in FILE_HASHES.items()
        if name in props and not is_known(props[name]) and isinstance(props.get(hidden), str)
    }
    return {**props, **ids}


class FormerName(NamedTuple):
    """A name under which an alias finds the job of a resource.

    Attributes:
        owner: The renamed object: `resource`, or `component` for its parent.
        name: The former name.
    """

    owner: str
    name: str


def former_name(identity: str, other: str) -> FormerName | None:
    """Return the name that differs between two identities, or None if more than a name differs."""
    place, _, name = other.rpartition(_TYPE)
    if not place:
        return None
    of_resource, *of_component = _identities_with_name(identity, name)
    if other == of_resource:
        return FormerName("resource", name)
    return FormerName("component", place.rpartition(_SEPARATOR)[2]) if other in of_component else None


def idempotency_key(props: Mapping[str, Any], inputs: Mapping[str, Any], scope: str | None) -> str:
    """Return the idempotency key of a job, 40 hexadecimal digits.

    A file is represented by the hash of its content if the hash is known. Uploading the same content again therefore
    results in the same key.

    Args:
        props: All properties, including the hidden identity and hashes.
        inputs: The validated inputs.
        scope: The setting `openai-ft:idempotencyScope`.
    """
    return _hash({"identity": props.get(IDENTITY), "owner": scope, "inputs": _hashed_inputs(props, inputs)})


def _hashed_inputs(props: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
    job_inputs = {name: value for name, value in inputs.items() if name in REPLACE_ON_CHANGE}
    hashes = {
        name: props[hidden]
        for name, hidden in FILE_HASHES.items()
        if name in job_inputs and props.get(hidden)
    }
    return {**job_inputs, **hashes}


def _hash(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:KEY_LENGTH]


def _former_identities(identity: str | None, aliases: Iterable[str], names: Iterable[str]) -> list[str]:
    """Return the former identities of a resource, without duplicates.

    Args:
        identity: The current identity.
        aliases: The identities under the aliases and in the old inputs.
        names: The input `former_names`: names, and identities, which contain a separator.
    """
    named = [
        former
        for name in names
        for former in ([name] if _SEPARATOR in name else _identities_with_name(identity or "", name))
    ]
    found = dict.fromkeys([*aliases, *named])
    return [former for former in found if former != identity]


def _identities_with_name(identity: str, name: str) -> list[str]:
    """Return the identities of a resource under another name.

    Like the engine, assume that a name which begins with the name of the parent was derived from it. The parent may
    then have had another name, too.
    """
    place, _, current = identity.rpartition(_TYPE)
    found = [f"{place}{_TYPE}{name}"]
    types, _, parent = place.rpartition(_SEPARATOR)
    ending = current.removeprefix(parent)
    if _URN in place and current.startswith(parent) and name.endswith(ending):
        found.append(f"{types}{_SEPARATOR}{name.removesuffix(ending)}{_TYPE}{name}")
    return found


@dataclass(frozen=True)
class CarriedIdentities:
    """Former identities in old inputs, by current identity.

    The engine passes the old inputs to the first `check` of a resource in the state. If it replaces the resource, it
    checks again without them.
    """

    _found: dict[str, list[str]] = field(default_factory=dict)

    def add_to(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> dict[str, Any]:
        """Return the new inputs with the former identities of the resource."""
        identity = news.get(IDENTITY)
        if not isinstance(identity, str):
            return dict(news)
        old = [*(olds.get(FORMER_IDENTITIES) or []), olds.get(IDENTITY)]
        candidates = dict.fromkeys(
            [*(news.get(FORMER_IDENTITIES) or []), *self._found.get(identity, []), *old]
        )
        former = [found for found in candidates if isinstance(found, str) and found != identity]
        if not former:
            return dict(news)
        self._found[identity] = former
        return {**news, FORMER_IDENTITIES: former}

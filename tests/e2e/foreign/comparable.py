"""A stack's state, preview steps and provider calls in a comparable form, without values that differ between runs."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pulumi.runtime import rpc

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.conftest import Stack

ABSENT = "absent"
UNORDERED = re.compile(r"\.(dependencies|propertyDependencies\.\w+|replaceReasons|diffReasons)$")
PICKLED = re.compile(r"gAS[\w+/=]+")
TIMES = {"created", "modified"}
RANDOM_ID = re.compile(rf"(?!{rpc.UNKNOWN})[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}")
"""The id of a provider's state entry. The id of an unknown value is constant, so it is excluded."""


def state(stack: Stack) -> dict[str, Any]:
    """Return the state with secrets as marked plaintext and resources sorted by URN."""
    exported = stack.pulumi("stack", "export", "--show-secrets").text
    deployment = json.loads(RANDOM_ID.sub("random", exported))["deployment"]
    resources = [without_times(found) for found in deployment.pop("resources", [])]
    del deployment["manifest"], deployment["secrets_providers"]
    return {
        "resources": sorted(resources, key=lambda found: (found["urn"], found.get("id", ""))),
        **deployment,
    }


def without_times(resource: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in resource.items() if key not in TIMES}


def plan(stack: Stack) -> list[dict[str, Any]]:
    """Return the steps of a preview with all details."""
    shown = RANDOM_ID.sub("random", stack.pulumi("preview", "--json").text)
    steps = json.loads(shown)["steps"]
    for step in steps:
        step.update({key: without_times(step[key]) for key in ("oldState", "newState") if key in step})
    return sorted(steps, key=lambda step: (step["urn"], step["op"]))


def operations(steps: list[dict[str, Any]]) -> dict[str, str]:
    """Return the operations by resource name, without resources that do not change."""
    return {step["urn"].rsplit("::", 1)[1]: step["op"] for step in steps if step["op"] != "same"}


def calls(stack: Stack) -> dict[str, int]:
    """Return the provider calls since the previous one of this function, with counts: their order varies."""
    journal = Path(stack.environment["RECORDS"]) / "calls"
    if not journal.exists():
        return {}
    lines = PICKLED.sub("pickled", journal.read_text()).splitlines()
    journal.unlink()
    return dict(Counter(lines))


def resource(state: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a resource of a state by name."""
    (found,) = [entry for entry in state["resources"] if entry["urn"].endswith(f"::{name}")]
    return found


def revealed(value: Any) -> Any:
    """Return a state value with its secrets decoded, as the program sees it."""
    if isinstance(value, dict):
        if "plaintext" in value:
            return revealed(json.loads(value["plaintext"]))
        return {key: revealed(inner) for key, inner in value.items()}
    return [revealed(inner) for inner in value] if isinstance(value, list) else value


def differences(stock: Any, ours: Any) -> dict[str, tuple[Any, Any]]:
    """Return the differences by path, each with the values of both hosts."""
    left, right = dict(leaves(stock)), dict(leaves(ours))
    paths = [*left, *(path for path in right if path not in left)]
    found = {path: (left.get(path, ABSENT), right.get(path, ABSENT)) for path in paths}
    return {
        path: (left_value, right_value)
        for path, (left_value, right_value) in found.items()
        if left_value != right_value
    }


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the path and value of each leaf; resources and steps are named after their URN."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}")
    elif isinstance(value, list) and value:
        for index, inner in enumerate(sorted(value) if UNORDERED.search(path) else value):
            name = f"{index}"
            if isinstance(inner, dict) and "urn" in inner:
                name = " ".join([inner["urn"].rsplit("::", 1)[1], inner.get("op") or inner.get("id", "")])
            yield from leaves(inner, f"{path}[{name}]")
    else:
        yield path, value

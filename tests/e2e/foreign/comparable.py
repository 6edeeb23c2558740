"""What a stack says on every host: its state, its plan and its providers' calls, without what no two runs share."""

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
"""Of a provider's own entry in the state; a value that is not known yet is always the same."""


def state(stack: Stack) -> dict[str, Any]:
    """The state, secrets in plain but marked: resources by URN, and whatever else there is."""
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
    """The steps of a preview and all that it shows of them."""
    shown = RANDOM_ID.sub("random", stack.pulumi("preview", "--json").text)
    steps = json.loads(shown)["steps"]
    for step in steps:
        step.update({key: without_times(step[key]) for key in ("oldState", "newState") if key in step})
    return sorted(steps, key=lambda step: (step["urn"], step["op"]))


def operations(steps: list[dict[str, Any]]) -> dict[str, str]:
    """What a plan does, by name; nothing for what it leaves alone."""
    return {step["urn"].rsplit("::", 1)[1]: step["op"] for step in steps if step["op"] != "same"}


def calls(stack: Stack) -> dict[str, int]:
    """What the providers were called with since the last look, and how often. The engine calls many at a time."""
    journal = Path(stack.environment["RECORDS"]) / "calls"
    if not journal.exists():
        return {}
    lines = PICKLED.sub("pickled", journal.read_text()).splitlines()
    journal.unlink()
    return dict(Counter(lines))


def resource(state: dict[str, Any], name: str) -> dict[str, Any]:
    """One resource of a state by name."""
    (found,) = [one for one in state["resources"] if one["urn"].endswith(f"::{name}")]
    return found


def plain(value: Any) -> Any:
    """A value of a state whose secrets are shown, as the program would see it."""
    if isinstance(value, dict):
        if "plaintext" in value:
            return plain(json.loads(value["plaintext"]))
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def differences(stock: Any, ours: Any) -> dict[str, tuple[Any, Any]]:
    """Where two values differ, and how: path → the stock host's and ours."""
    left, right = dict(leaves(stock)), dict(leaves(ours))
    paths = [*left, *(path for path in right if path not in left)]
    found = {path: (left.get(path, ABSENT), right.get(path, ABSENT)) for path in paths}
    return {path: (one, other) for path, (one, other) in found.items() if one != other}


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """All values in a value by path; resources and steps go by their URN's name."""
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

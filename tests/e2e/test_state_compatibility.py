"""A state written by an earlier version has the same meaning for the current code.

A later version may add outputs; the outputs of an older version keep their meaning and value.
"""

from __future__ import annotations

import base64
import json
import pickle
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from tests.e2e.conftest import ON_BOTH_HOSTS
from tests.e2e.states.record import STATES, restore, service_of

from pulumi_openai_ft._provider.file import FileProvider
from pulumi_openai_ft.checkpoint_permission import FineTuningCheckpointPermissionProvider
from pulumi_openai_ft.fine_tuning_job import FineTuningJobProvider

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.e2e.conftest import Stack

    from pulumi_openai_ft.emulator import Emulator

pytestmark = [pytest.mark.e2e, ON_BOTH_HOSTS, pytest.mark.timeout(180)]
VERSIONS = sorted(folder.name for folder in STATES.iterdir() if (folder / "stack.json").exists())
PROVIDERS = {
    "File": FileProvider,
    "FineTuningJob": FineTuningJobProvider,
    "FineTuningCheckpointPermission": FineTuningCheckpointPermissionProvider,
}


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def service(version: str) -> Iterator[Emulator]:
    with service_of(version) as emulator:
        yield emulator


@pytest.fixture
def stack(version: str, make_stack: Callable[..., Stack], service: Emulator, tmp_path: Path) -> Stack:
    """The recorded stack of a version, and a service with the objects recorded with it."""
    shutil.copytree(STATES / version, tmp_path / "program")
    made = make_stack((STATES / version / "__main__.py").read_text())
    restore(version, service, made)
    return made


def changing_requests(service: Emulator) -> list[str]:
    return [f"{entry.method} {entry.path}" for entry in service.journal() if entry.method != "GET"]


@pytest.mark.core
def test_an_older_state_refreshes_previews_and_destroys_without_changes(
    stack: Stack, service: Emulator
) -> None:
    before = outputs(stack)
    stack.preview("--expect-no-changes")
    stack.refresh()
    after = outputs(stack)
    assert {urn: {name: after[urn].get(name) for name in found} for urn, found in before.items()} == before
    stack.up("--expect-no-changes")
    assert changing_requests(service) == []

    stack.destroy()
    assert {file["purpose"] for file in service.files()} == {"fine-tune-results"}
    assert service.permissions() == []
    assert len(service.models()) == len(service.jobs()) - 1


def outputs(stack: Stack) -> dict[str, dict[str, Any]]:
    exported = json.loads(stack.pulumi("stack", "export", "--show-secrets").text)
    return {found["urn"]: found.get("outputs", {}) for found in exported["deployment"]["resources"]}


def with_repickled_providers(exported: str) -> str:
    """Return the stack with each provider pickled by another protocol: the text differs, the meaning does not."""
    stack = json.loads(exported)
    for resource in stack["deployment"]["resources"]:
        name = resource["type"].rsplit(":", 1)[1]
        if name in PROVIDERS:
            pickled = base64.b64encode(pickle.dumps(PROVIDERS[name](), protocol=2)).decode()
            for properties in (resource["inputs"], resource["outputs"]):
                assert properties["__provider"] != pickled
                properties["__provider"] = pickled
    return json.dumps(stack)


def test_a_repickled_provider_is_not_an_update(stack: Stack) -> None:
    changed = stack.folder / "changed.json"
    changed.write_text(with_repickled_providers(stack.export()))
    stack.pulumi("stack", "import", "--file", str(changed))

    stack.preview("--expect-no-changes")
    stack.refresh("--expect-no-changes")

from __future__ import annotations

import base64
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from pulumi.dynamic.dynamic import serialize_provider
from tests.support import write_training_data

from pulumi_openai_ft._provider.base import Provider
from pulumi_openai_ft.checkpoint_permission import FineTuningCheckpointPermissionProvider
from pulumi_openai_ft.file import FileProvider
from pulumi_openai_ft.fine_tuning_job import FineTuningJobProvider

if TYPE_CHECKING:
    from pathlib import Path

    from pulumi.dynamic import ResourceProvider
    from tests.support import Configure

PICKLES = {
    FileProvider: "gASVLQAAAAAAAACMFXB1bHVtaV9vcGVuYWlfZnQuZmlsZZSMDEZpbGVQcm92aWRlcpSTlCmBlC4=",
    FineTuningJobProvider: "gASVQQAAAAAAAACMIHB1bHVtaV9vcGVuYWlfZnQuZmluZV90dW5pbmdfam9ilIwVRmluZVR1bmluZ0pvYlByb3ZpZGVylJOUKYGULg==",
    FineTuningCheckpointPermissionProvider: (
        "gASVWAAAAAAAAACMJnB1bHVtaV9vcGVuYWlfZnQuY2hlY2twb2ludF9wZXJtaXNzaW9ulIwmRmluZVR1bmlu"
        "Z0NoZWNrcG9pbnRQZXJtaXNzaW9uUHJvdmlkZXKUk5QpgZQu"
    ),
}
"""The form of providers in states: every byte must stay the same."""
PROGRAM = """
import sys
from pulumi.dynamic.dynamic import serialize_provider
from pulumi_openai_ft.file import FileProvider
serialize_provider(FileProvider())
print("pulumi_openai_ft._provider" in sys.modules)
"""


@pytest.mark.parametrize("kind", PICKLES)
def test_it_delegates_to_the_provider_of_its_name(kind: Any) -> None:
    provider = kind()._provider

    assert isinstance(provider, Provider)
    assert type(provider).__name__ == kind.__name__


@pytest.mark.parametrize(("kind", "pickled"), PICKLES.items())
def test_pickles_of_states_stay_equal_and_load_a_proxy(kind: Any, pickled: str) -> None:
    assert serialize_provider(kind()) == pickled
    assert type(pickle.loads(base64.b64decode(pickled))) is kind  # noqa: S301 - defined above


def test_a_proxy_does_not_load_its_provider() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True)

    assert done.stdout == "False\n"


def test_all_calls_of_a_host_reach_the_provider(configure: Configure, tmp_path: Path) -> None:
    """Run the lifecycle of a file as the stock host does."""
    named: ResourceProvider = configure(FileProvider)  # type: ignore[type-var] # a proxy acts as a provider
    news = {"file": str(write_training_data(tmp_path / "a.jsonl"))}

    assert named.check({}, news).failures == []
    created = named.create(news)
    outs = created.outs or {}
    assert named.read(created.id, outs).outs == outs
    assert named.diff(created.id, outs, {**news, "purpose": "evals"}).replaces == ["purpose"]
    assert named.update(created.id, outs, news).outs == outs
    named.delete(created.id, outs)
    assert named.read(created.id, outs).id == ""

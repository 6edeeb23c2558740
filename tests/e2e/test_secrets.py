"""No output, log, error, state or pickle contains a key."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from tests.e2e.conftest import ON_BOTH_HOSTS
from tests.support import write_training_data

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.e2e.conftest import Stack

    from pulumi_openai_ft.emulator import Emulator

pytestmark = [pytest.mark.e2e, ON_BOTH_HOSTS, pytest.mark.timeout(180)]

SECRET_KEY = "sk-proj-secret-4f1Ab77Zq90LmN32"
ENVIRONMENT_KEY = "sk-admin-environment-8Xy61PqRs53Tuv"
FORMS = [
    form for key in (SECRET_KEY, ENVIRONMENT_KEY) for form in (key, base64.b64encode(key.encode()).decode())
]
SECRET_NOTE = "hush-4711-only-for-us"
FAILING = f"""
import pulumi
import pulumi_openai_ft as openai_ft

openai_ft.FineTuningJob(
    "job",
    model="gpt-4o-mini-2024-07-18",
    training_file=openai_ft.File("data", file="broken.jsonl", validate="off"),
    metadata={{"note": pulumi.Output.secret("{SECRET_NOTE}")}},
)
"""
VERBOSE = ("-v=9", "--logtostderr", "--logflow")
PROGRAM = """
import pulumi
import pulumi_openai_ft as openai_ft

file = openai_ft.File("data", file="data.jsonl")
job = openai_ft.FineTuningJob("job", model="gpt-4o-mini-2024-07-18", training_file=file)
share = openai_ft.FineTuningCheckpointPermission(
    "share", checkpoint_id=job.fine_tuned_model, project_ids=["proj_b"]
)
pulumi.export("model", job.fine_tuned_model)
"""


@pytest.fixture
def stack(make_stack: Callable[..., Stack], service: Emulator, tmp_path: Path) -> Stack:
    """A stack with the API key encrypted in its configuration, and the admin key in the environment."""
    service.add_key(SECRET_KEY)
    service.add_key(ENVIRONMENT_KEY)
    made = make_stack(PROGRAM, OPENAI_API_KEY=None, OPENAI_ADMIN_KEY=ENVIRONMENT_KEY)
    made.pulumi("config", "set", "--secret", "openai-ft:apiKey", SECRET_KEY)
    write_training_data(tmp_path / "program" / "data.jsonl")
    return made


LOGGED_BY_ENGINE = re.compile(
    r'"msg":"Marshaling property for RPC\[Provider\[0x[0-9a-f]+\]\.Configure\(\)\.inputs\]: value='
)
"""At this verbosity, Pulumi 3.259 itself logs the settings of a provider, encrypted settings in plaintext."""


def assert_keyless(text: str) -> None:
    for line in text.splitlines():
        found = [form for form in FORMS if form in line]
        assert not found or LOGGED_BY_ENGINE.search(line), line


def test_a_whole_lifecycle_exposes_no_key(stack: Stack, service: Emulator, tmp_path: Path) -> None:
    reported = [
        result.text for result in (stack.up(*VERBOSE), stack.preview(*VERBOSE), stack.refresh(*VERBOSE))
    ]
    state = stack.export()
    error = {"message": f"{SECRET_KEY} or {ENVIRONMENT_KEY}?", "code": SECRET_KEY, "param": ENVIRONMENT_KEY}
    service.fault("POST", "/v1/files", "status", status=400, body={"error": {**error, "type": SECRET_KEY}})
    write_training_data(tmp_path / "program" / "data.jsonl", rows=14)
    failed = stack.up(*VERBOSE, code=None)
    service.clear_faults()
    reported += [failed.text, stack.destroy(*VERBOSE).text, state, stack.export()]

    assert failed.code != 0
    assert f"sk-…{SECRET_KEY[-4:]} or sk-…{ENVIRONMENT_KEY[-4:]}?" in failed.text
    for text in reported:
        assert_keyless(text)
    assert any("stacks" in file.parts for file in files_of(tmp_path))
    for file in files_of(tmp_path):
        assert_keyless(file.read_text(errors="replace"))
    pickles = pickles_in(json.loads(state))
    assert len(pickles) == 3
    for pickled in pickles:
        assert_keyless(pickled.decode("latin-1"))


def files_of(folder: Path) -> Iterator[Path]:
    """Return the files that the engine wrote: state, history, backups, and the configuration of the stack."""
    return (path for path in folder.rglob("*") if path.is_file())


def pickles_in(state: dict[str, Any]) -> list[bytes]:
    found = (resource.get("inputs", {}).get("__provider") for resource in state["deployment"]["resources"])
    return [base64.b64decode(pickled) for pickled in found if pickled]


def test_a_failed_job_is_recorded_with_its_secrets_encrypted(make_stack: Callable[..., Stack]) -> None:
    """The digests of the inputs are encrypted too, because short texts could be guessed from them."""
    stack = make_stack(FAILING)
    (stack.folder / "broken.jsonl").write_text('{"messages": "none"}\n' * 12)

    for command in (stack.up, stack.up, stack.refresh, stack.up):
        output, state = command(code=None).text, stack.export()
        (job,) = (entry for entry in json.loads(state)["deployment"]["resources"] if "Job" in entry["type"])
        assert SECRET_NOTE not in output + state
        assert "ciphertext" in job["outputs"]["metadata"]["note"]
        assert "ciphertext" in job["outputs"]["__asked"]

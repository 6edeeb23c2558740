"""The three forms of an import for each resource: the state, the printed program, and its lifecycle."""

from __future__ import annotations

import hashlib
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from tests.e2e.import_.importing import (
    FILE,
    JOB,
    MODEL,
    PERMISSION,
    hidden_properties,
    import_all,
    import_one,
    printed_program,
    public_properties,
    run_printed_program,
    state,
    supervised,
    write,
)
from tests.support import ADMIN_KEY, API_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.e2e.conftest import Stack
    from tests.e2e.import_.importing import Account

pytestmark = pytest.mark.e2e

DATA = "training-data"
METHOD = supervised(n_epochs=3, batch_size=2, learning_rate_multiplier=0.5)


@pytest.fixture
def existing(account: Account) -> dict[str, tuple[str, str]]:
    """Create a file, a job that uses it, and permissions for its model, and return types and ids by name."""
    file = account.upload()
    job = account.train(file, method=METHOD, seed=0, suffix="support")
    account.share(job.fine_tuned_model, "proj_b", "proj_a")
    return {DATA: (FILE, file), "job": (JOB, job.id), "share": (PERMISSION, job.fine_tuned_model)}


def assert_state(
    stack: Stack, existing: Mapping[str, tuple[str, str]], account: Account, *, protect: bool | None
) -> None:
    """Assert that the stack contains exactly the existing objects, protected or not."""
    found = state(stack)
    assert {name: entry["id"] for name, entry in found.items()} == {
        name: id_ for name, (_, id_) in existing.items()
    }
    for name, inputs in expected(existing, account).items():
        assert public_properties(found[name]["inputs"]) == inputs
        assert inputs.items() <= found[name]["outputs"].items()
        assert hidden_properties(found[name]["inputs"]) == {"__provider"}
        assert found[name].get("protect") is protect
    outputs = {name: entry["outputs"] for name, entry in found.items()}
    assert hidden_properties(outputs[DATA]) == hidden_properties(outputs["job"]) == {"__provider"}
    (job,) = account.service.jobs()
    assert {name: outputs["job"][name] for name in ("status", "fine_tuned_model", "created_at")} == {
        name: job[name] for name in ("status", "fine_tuned_model", "created_at")
    }
    permissions = account.service.permissions()
    assert outputs["share"]["permission_ids"] == {
        permission["project_id"]: permission["id"] for permission in permissions
    }


def expected(existing: Mapping[str, tuple[str, str]], account: Account) -> dict[str, dict[str, Any]]:
    """Return the inputs in a program for the existing objects."""
    content = (account.folder / "data.jsonl").read_bytes()
    return {
        DATA: {
            "filename": "data.jsonl",
            "purpose": "fine-tune",
            "sha256": hashlib.sha256(content).hexdigest(),
        },
        "job": {
            "model": MODEL,
            "training_file": existing[DATA][1],
            "method": METHOD,
            "seed": 0,
            "suffix": "support",
        },
        "share": {"checkpoint_id": existing["share"][1], "project_ids": ["proj_a", "proj_b"]},
    }


@pytest.mark.core
def test_a_bulk_import_prints_a_program_with_full_lifecycle(
    stack: Stack, existing: dict[str, tuple[str, str]], account: Account
) -> None:
    last_request = account.last_request()

    import_all(stack, existing)

    assert_state(stack, existing, account, protect=True)
    assert "training_file=training_data.id" in printed_program(stack)
    run_printed_program(stack)
    stack.up("--expect-no-changes")
    assert account.changing_requests(last_request) == []

    stack.pulumi("state", "unprotect", "--all", "--yes")
    stack.destroy()
    assert existing[DATA][1] not in {file["id"] for file in account.service.files()}
    assert account.permissions() == set()
    assert len(account.service.models()) == 1


@pytest.mark.parametrize(
    "name",
    ["job", pytest.param(DATA, marks=pytest.mark.long), pytest.param("share", marks=pytest.mark.long)],
)
def test_the_import_command_prints_a_matching_program(
    name: str, stack: Stack, existing: dict[str, tuple[str, str]], account: Account
) -> None:
    last_request = account.last_request()
    kind, id_ = existing[name]

    import_one(stack, kind, name, id_, "--protect=false")

    (found,) = state(stack).values()
    assert found["id"] == id_
    assert public_properties(found["inputs"]) == expected(existing, account)[name]
    run_printed_program(stack)
    assert account.changing_requests(last_request) == []


OPTIONS = """
import pulumi_openai_ft as ft
from pulumi import ResourceOptions

def imported(id):
    return ResourceOptions(import_=id)

data = ft.File("training-data", file="data.jsonl", opts=imported({data!r}))
job = ft.FineTuningJob("job", model="gpt-4o-mini", training_file=data, suffix="support", opts=imported({job!r}))
ft.FineTuningCheckpointPermission(
    "share", checkpoint_id=job.fine_tuned_model, project_ids=["proj_b", "proj_a"], opts=imported({share!r})
)
"""


def test_the_import_option_can_be_removed_afterwards(
    stack: Stack, existing: dict[str, tuple[str, str]], account: Account
) -> None:
    shutil.copy(account.folder / "data.jsonl", stack.folder)
    program = OPTIONS.format(**{name.rpartition("-")[2]: id_ for name, (_, id_) in existing.items()})
    write(stack, program)
    last_request = account.last_request()

    assert stack.planned() == {name: ["import"] for name in existing}
    stack.up()
    assert_state(stack, existing, account, protect=None)

    write(stack, program.replace("import_=id", ""))
    stack.up("--expect-no-changes")
    stack.refresh("--expect-no-changes")
    assert account.changing_requests(last_request) == []
    stack.destroy()
    assert existing[DATA][1] not in {file["id"] for file in account.service.files()}
    assert account.permissions() == set()


@pytest.mark.long
def test_configured_keys_are_used_but_never_exposed(
    stack: Stack, existing: dict[str, tuple[str, str]], account: Account
) -> None:
    for name, key in {"apiKey": API_KEY, "adminKey": ADMIN_KEY}.items():
        stack.pulumi("config", "set", "--secret", f"openai-ft:{name}", key)
        account.service.add_key(key)
    for name in "OPENAI_API_KEY", "OPENAI_ADMIN_KEY":
        del stack.environment[name]

    reported = import_all(stack, existing, "--skip-preview").text

    assert len(state(stack)) == len(existing)
    reported += printed_program(stack) + stack.export()
    assert API_KEY not in reported
    assert ADMIN_KEY not in reported
    run_printed_program(stack)

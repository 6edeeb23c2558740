"""The three forms of an import, of all three resources: the state, the printed program, and its life."""

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
    hidden,
    import_all,
    import_one,
    printed,
    run_as_printed,
    shown,
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
def there(account: Account) -> dict[str, tuple[str, str]]:
    """A file, a job that was trained with it, and the job's grants: types and ids by name."""
    file = account.upload()
    job = account.train(file, method=METHOD, seed=0, suffix="support")
    account.share(job.fine_tuned_model, "proj_b", "proj_a")
    return {DATA: (FILE, file), "job": (JOB, job.id), "share": (PERMISSION, job.fine_tuned_model)}


def assert_state(
    stack: Stack, there: Mapping[str, tuple[str, str]], account: Account, *, protect: bool | None
) -> None:
    """The stack has exactly what is there, with ids, inputs and outputs, and protects it or not."""
    found = state(stack)
    assert {name: one["id"] for name, one in found.items()} == {name: id_ for name, (_, id_) in there.items()}
    for name, inputs in expected(there, account).items():
        assert shown(found[name]["inputs"]) == inputs
        assert inputs.items() <= found[name]["outputs"].items()
        assert hidden(found[name]["inputs"]) == {"__provider"}
        assert found[name].get("protect") is protect
    outputs = {name: one["outputs"] for name, one in found.items()}
    assert hidden(outputs[DATA]) == hidden(outputs["job"]) == {"__provider"}
    (job,) = account.service.jobs()
    assert {name: outputs["job"][name] for name in ("status", "fine_tuned_model", "created_at")} == {
        name: job[name] for name in ("status", "fine_tuned_model", "created_at")
    }
    grants = account.service.permissions()
    assert outputs["share"]["permission_ids"] == {grant["project_id"]: grant["id"] for grant in grants}


def expected(there: Mapping[str, tuple[str, str]], account: Account) -> dict[str, dict[str, Any]]:
    """The inputs that a program names for what is there."""
    content = (account.folder / "data.jsonl").read_bytes()
    return {
        DATA: {
            "filename": "data.jsonl",
            "purpose": "fine-tune",
            "sha256": hashlib.sha256(content).hexdigest(),
        },
        "job": {
            "model": MODEL,
            "training_file": there[DATA][1],
            "method": METHOD,
            "seed": 0,
            "suffix": "support",
        },
        "share": {"checkpoint_id": there["share"][1], "project_ids": ["proj_a", "proj_b"]},
    }


def test_a_bulk_import_prints_a_program_with_full_lifecycle(
    stack: Stack, there: dict[str, tuple[str, str]], account: Account
) -> None:
    seen = account.seen()

    import_all(stack, there)

    assert_state(stack, there, account, protect=True)
    assert "training_file=training_data.id" in printed(stack)
    run_as_printed(stack)
    stack.up("--expect-no-changes")
    assert account.changes(seen) == []

    stack.pulumi("state", "unprotect", "--all", "--yes")
    stack.destroy()
    assert there[DATA][1] not in {file["id"] for file in account.service.files()}
    assert account.grants() == set()
    assert len(account.service.models()) == 1


@pytest.mark.parametrize(
    "name",
    ["job", pytest.param(DATA, marks=pytest.mark.long), pytest.param("share", marks=pytest.mark.long)],
)
def test_the_import_command_prints_a_matching_program(
    name: str, stack: Stack, there: dict[str, tuple[str, str]], account: Account
) -> None:
    seen = account.seen()
    kind, id_ = there[name]

    import_one(stack, kind, name, id_, "--protect=false")

    (found,) = state(stack).values()
    assert found["id"] == id_
    assert shown(found["inputs"]) == expected(there, account)[name]
    run_as_printed(stack)
    assert account.changes(seen) == []


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
    stack: Stack, there: dict[str, tuple[str, str]], account: Account
) -> None:
    shutil.copy(account.folder / "data.jsonl", stack.folder)
    program = OPTIONS.format(**{name.rpartition("-")[2]: id_ for name, (_, id_) in there.items()})
    write(stack, program)
    seen = account.seen()

    assert stack.planned() == {name: ["import"] for name in there}
    stack.up()
    assert_state(stack, there, account, protect=None)

    write(stack, program.replace("import_=id", ""))
    stack.up("--expect-no-changes")
    stack.refresh("--expect-no-changes")
    assert account.changes(seen) == []
    stack.destroy()
    assert there[DATA][1] not in {file["id"] for file in account.service.files()}
    assert account.grants() == set()


@pytest.mark.long
def test_configured_keys_are_used_but_never_exposed(
    stack: Stack, there: dict[str, tuple[str, str]], account: Account
) -> None:
    for name, key in {"apiKey": API_KEY, "adminKey": ADMIN_KEY}.items():
        stack.pulumi("config", "set", "--secret", f"openai-ft:{name}", key)
        account.service.add_key(key)
    for name in "OPENAI_API_KEY", "OPENAI_ADMIN_KEY":
        del stack.environment[name]

    reported = import_all(stack, there, "--skip-preview").text

    assert len(state(stack)) == len(there)
    reported += printed(stack) + stack.export()
    assert API_KEY not in reported
    assert ADMIN_KEY not in reported
    run_as_printed(stack)

"""A stack with a lost state recovers its resources by an import, without creating a job."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.e2e.import_.importing import JOB, import_one, printed_program, rows_of, state, write

if TYPE_CHECKING:
    from tests.e2e.conftest import Stack
    from tests.e2e.import_.importing import Account

pytestmark = [pytest.mark.e2e, pytest.mark.long]

PROGRAM = """
import pulumi
import pulumi_openai_ft as ft

class Tuned(pulumi.ComponentResource):
    def __init__(self, name):
        super().__init__("shop:index:Tuned", name)
        own = pulumi.ResourceOptions(parent=self)
        data = ft.File("data", file="data.jsonl", opts=own)
        self.job = ft.FineTuningJob(
            "job", model="gpt-4o-mini", training_file=data, triggers=["2026"], metadata={"team": "shop"}, opts=own
        )

tuned = Tuned("support")
ft.FineTuningCheckpointPermission("share", checkpoint_id=tuned.job.fine_tuned_model, project_ids=["proj_b"])
"""


def test_a_previews_import_file_restores_a_lost_stack(stack: Stack, account: Account) -> None:
    write(stack, PROGRAM)
    (stack.folder / "data.jsonl").write_text(rows_of("supervised"))
    stack.up()
    lost, last_request = state(stack), account.last_request()
    stack.init("again")

    stack.preview("--import-file", "import.json")
    path = stack.folder / "import.json"
    resources_to_import = json.loads(path.read_text())
    for resource in resources_to_import["resources"]:
        if resource["name"] in lost:
            resource["id"] = lost[resource["name"]]["id"]
    path.write_text(json.dumps(resources_to_import))
    stack.pulumi("import", "--file", path.name, "--yes", "--generate-code=false", "--protect=false")

    assert {name: entry["id"] for name, entry in state(stack).items()} == {
        name: entry["id"] for name, entry in lost.items()
    }
    assert stack.planned() == {"job": ["update"]}  # records the triggers, which the service does not store
    stack.up()
    stack.preview("--expect-no-changes")
    assert account.changing_requests(last_request) == []


def test_a_components_job_is_imported_with_its_parent(stack: Stack, account: Account) -> None:
    job = account.train(account.upload())
    write(stack, PROGRAM.split("        own = ", maxsplit=1)[0] + '\ntuned = Tuned("support")\n')
    stack.up()
    resources = json.loads(stack.export())["deployment"]["resources"]
    (parent,) = (entry["urn"] for entry in resources if entry["type"] == "shop:index:Tuned")

    import_one(stack, JOB, "job", job.id, "--parent", f"tuned={parent}", "--skip-preview", "--protect=false")

    assert state(stack)["job"]["parent"] == parent
    write(stack, (stack.folder / "__main__.py").read_text() + printed_program(stack))
    stack.preview("--expect-no-changes")

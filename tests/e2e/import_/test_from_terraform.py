"""Resources that Terraform created, carried over to a stack by `openai-ft import from-terraform`."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from tests.e2e.import_.importing import MODEL, rows_of, supervised, write
from tests.e2e.running import resources

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Stack
    from tests.e2e.import_.importing import Account

pytestmark = pytest.mark.e2e


def terraform_state(*resources: tuple[str, str, dict[str, Any]]) -> str:
    """Return a state of the mkdev provider, version 1."""
    entries = [
        {
            "mode": "managed",
            "type": f"openai_{type_}",
            "name": name,
            "provider": 'provider["registry.terraform.io/mkdev-me/openai"]',
            "instances": [{"schema_version": 0, "attributes": attributes, "sensitive_attributes": []}],
        }
        for type_, name, attributes in resources
    ]
    return json.dumps({"version": 4, "terraform_version": "1.9.8", "resources": entries})


def terraform_folder(account: Account, folder: Path) -> Path:
    """Return the folder of a Terraform configuration whose resources exist, with its state."""
    (folder / "data").mkdir(parents=True)
    content = rows_of("supervised")
    (folder / "data" / "training.jsonl").write_text(content)
    file_id = account.upload("training.jsonl", content)
    orphan = account.upload("elsewhere.jsonl")
    job = account.train(file_id, suffix="support", method=supervised(n_epochs=2))
    (permission,) = account.share(job.fine_tuned_model, "proj_other").values()
    hyperparameters = [{"batch_size": 0, "learning_rate_multiplier": 0, "n_epochs": 2}]
    method = {"type": "supervised", "supervised": [{"hyperparameters": hyperparameters}], "dpo": []}
    local = {"file": "./data/training.jsonl", "filename": "training.jsonl", "bytes": len(content)}
    (folder / "terraform.tfstate").write_text(
        terraform_state(
            ("file", "support", {"id": file_id, "purpose": "fine-tune", **local}),
            (
                "file",
                "orphan",
                {"id": orphan, "purpose": "fine-tune", "file": "", "filename": "elsewhere.jsonl"},
            ),
            (
                "fine_tuning_job",
                "support",
                {
                    "id": job.id,
                    "model": MODEL,
                    "training_file": file_id,
                    "suffix": "support",
                    "status": "succeeded",
                    "method": [method],
                },
            ),
            (
                "fine_tuning_checkpoint_permission",
                "share",
                {"id": permission, "checkpoint_id": job.fine_tuned_model, "project_ids": ["proj_other"]},
            ),
        )
    )
    return folder


def test_a_terraform_state_becomes_a_stack(stack: Stack, account: Account, tmp_path: Path) -> None:
    state = terraform_folder(account, tmp_path / "terraform") / "terraform.tfstate"
    before = account.last_request()

    subprocess.run(
        ["openai-ft", "import", "from-terraform", str(state)],
        cwd=stack.folder,
        env=stack.environment,
        check=True,
        capture_output=True,
    )
    stack.pulumi("import", "--file", "import.json", "--generate-code=false", "--yes", "--skip-preview")
    write(stack, "import from_terraform")
    stack.preview("--expect-no-changes")

    assert sorted(resources(stack)) == ["orphan", "share", "support"]
    assert account.changing_requests(after=before) == []
    assert '"../terraform/data/training.jsonl"' in (stack.folder / "from_terraform.py").read_text()

"""Helpers for tests of `pulumi import`: the commands, the printed program, and objects to import."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from openai import OpenAI
    from tests.e2e.conftest import CommandResult, Stack

    from pulumi_openai_ft.emulator import Emulator

TYPE = "pulumi-python:dynamic/openai_ft:"
FILE, JOB, PERMISSION = "File", "FineTuningJob", "FineTuningCheckpointPermission"
PRINTED = "printed.py"
MODEL = "gpt-4o-mini-2024-07-18"

_QUESTION = [{"role": "user", "content": "How do I reset my password?"}]
_GOOD, _BAD = ([{"role": "assistant", "content": text}] for text in ("Under Account.", "No idea."))
ROWS = {
    "supervised": {"messages": [*_QUESTION, *_GOOD]},
    "dpo": {
        "input": {"messages": _QUESTION},
        "preferred_output": _GOOD,
        "non_preferred_output": _BAD,
    },
    "reinforcement": {"messages": _QUESTION, "answer": "Account"},
}
"""A training example for each method."""

CODE = {
    "type": "python",
    "name": "code",
    "source": "def grade(sample, item):\n    text = sample['output_text']\n    return float('x' in text)\n",
}


def rows_of(method: str, rows: int = 12) -> str:
    """Return training data for a method."""
    return (json.dumps(ROWS[method]) + "\n") * rows


def tuned(kind: str, **settings: Any) -> dict[str, Any]:
    return {"type": kind, kind: settings}


def supervised(**hyperparameters: Any) -> dict[str, Any]:
    return tuned("supervised", hyperparameters=hyperparameters)


@dataclass
class Account:
    """A user who works with the official client of the service, without Pulumi.

    Attributes:
        client: A client with the project key.
        admin: A client with the admin key.
        folder: The folder for the contents of files.
    """

    service: Emulator
    client: OpenAI
    admin: OpenAI
    folder: Path

    def upload(self, name: str = "data.jsonl", content: str = rows_of("supervised"), **options: Any) -> str:
        """Upload a file and return its id."""
        path = self.folder / name
        path.write_text(content)
        create: Any = self.client.files.create
        with path.open("rb") as stream:
            file = create(file=stream, **{"purpose": "fine-tune", **options})
        return str(file.id)

    def create_job(self, training_file: str, **inputs: Any) -> str:
        """Create a job and return its id."""
        create: Any = self.client.fine_tuning.jobs.create
        return str(create(**{"model": MODEL, "training_file": training_file, **inputs}).id)

    def train(self, training_file: str, **inputs: Any) -> Any:
        """Create a job and retrieve it finished: the emulator's jobs finish at the first request for them."""
        return self.client.fine_tuning.jobs.retrieve(self.create_job(training_file, **inputs))

    def checkpoints(self, job: Any) -> list[Any]:
        return list(self.client.fine_tuning.jobs.checkpoints.list(job.id))

    def share(self, checkpoint: str, *projects: str) -> dict[str, str]:
        """Share a checkpoint with projects, and return the permission ids by project."""
        made = self.admin.fine_tuning.checkpoints.permissions.create(checkpoint, project_ids=list(projects))
        return {permission.project_id: permission.id for permission in made}

    def permissions(self) -> set[tuple[str, str]]:
        """Return the checkpoint and project of each permission."""
        return {
            (permission["checkpoint"], permission["project_id"]) for permission in self.service.permissions()
        }

    def changing_requests(self, after: int = 0) -> list[str]:
        """Return the requests that were not reads, for example `POST /v1/files`."""
        entries = self.service.journal(after=after)
        return [f"{entry.method} {entry.path}" for entry in entries if entry.method != "GET"]

    def last_request(self) -> int:
        """Return the number of the last request."""
        return self.service.journal()[-1].number


def import_one(
    stack: Stack, kind: str, name: str, id_: str, *arguments: str, code: int | None = 0
) -> CommandResult:
    """Run `pulumi import TYPE NAME ID --out printed.py`."""
    return stack.pulumi(
        "import", f"{TYPE}{kind}", name, id_, "--yes", "--out", PRINTED, *arguments, code=code
    )


def import_all(
    stack: Stack, resources_to_import: Mapping[str, tuple[str, str]], *arguments: str, code: int | None = 0
) -> CommandResult:
    """Run `pulumi import --file` for types and ids by name."""
    resources = [
        {"type": f"{TYPE}{kind}", "name": name, "id": id_}
        for name, (kind, id_) in resources_to_import.items()
    ]
    (stack.folder / "import.json").write_text(json.dumps({"resources": resources}))
    return stack.pulumi("import", "--file", "import.json", "--yes", "--out", PRINTED, *arguments, code=code)


def printed_program(stack: Stack) -> str:
    """Return the program that the last import printed."""
    return (stack.folder / PRINTED).read_text()


def with_input(program: str, argument: str) -> str:
    """Add an argument to the printed program of a resource."""
    return program.replace(",\n", f",\n    {argument},\n", 1)


def write(stack: Stack, program: str) -> None:
    (stack.folder / "__main__.py").write_text(program)


def run_printed_program(stack: Stack) -> None:
    """Use the printed program unchanged, and assert that it has no changes."""
    write(stack, printed_program(stack))
    stack.preview("--expect-no-changes")


def state(stack: Stack) -> dict[str, Any]:
    """Return our resources in the state, by name."""
    found = json.loads(stack.export())["deployment"].get("resources", [])
    return {entry["urn"].rsplit("::", 1)[1]: entry for entry in found if entry["type"].startswith(TYPE)}


def public_properties(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties without the internal ones."""
    return {name: value for name, value in properties.items() if not name.startswith("__")}


def hidden_properties(properties: Mapping[str, Any]) -> set[str]:
    return {name for name in properties if name.startswith("__")}


def replacement_reasons(stack: Stack) -> dict[str, str]:
    """Return the kinds of changes for which a preview replaces the only resource, by property path."""
    steps = json.loads(stack.pulumi("preview", "--json").text)["steps"]
    (replaced,) = (step for step in steps if step["op"] == "replace")
    return {path: change["kind"] for path, change in replaced["detailedDiff"].items()}


def set_config(stack: Stack, **settings: str) -> None:
    """Write settings to the stack's configuration file, because the engine takes seconds for it."""
    lines = [f'  openai-ft:{name}: "{value}"\n' for name, value in settings.items()]
    path = stack.folder / "Pulumi.dev.yaml"
    path.write_text("".join([path.read_text(), "config:\n", *lines]))

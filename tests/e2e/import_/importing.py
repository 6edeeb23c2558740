"""What tests of `pulumi import` share: the command's forms, the printed program, and things worth importing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from openai import OpenAI
    from tests.e2e.conftest import Ran, Stack

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
"""A row of training data for each method."""

CODE = {
    "type": "python",
    "name": "code",
    "source": "def grade(sample, item):\n    text = sample['output_text']\n    return float('x' in text)\n",
}


def rows_of(method: str, rows: int = 12) -> str:
    """Training data for a method."""
    return (json.dumps(ROWS[method]) + "\n") * rows


def tuned(kind: str, **settings: Any) -> dict[str, Any]:
    return {"type": kind, kind: settings}


def supervised(**hyperparameters: Any) -> dict[str, Any]:
    return tuned("supervised", hyperparameters=hyperparameters)


@dataclass
class Account:
    """Somebody who uses the service with its official client, and has never heard of Pulumi.

    Attributes:
        client: With the project's key.
        admin: With the admin key.
        folder: For the content of files.
    """

    service: Emulator
    client: OpenAI
    admin: OpenAI
    folder: Path

    def upload(self, name: str = "data.jsonl", content: str = rows_of("supervised"), **options: Any) -> str:
        """Uploads a file; gives its id."""
        path = self.folder / name
        path.write_text(content)
        create: Any = self.client.files.create
        with path.open("rb") as stream:
            file = create(file=stream, **{"purpose": "fine-tune", **options})
        return str(file.id)

    def order(self, training_file: str, **asked: Any) -> str:
        """Creates a job; gives its id."""
        create: Any = self.client.fine_tuning.jobs.create
        return str(create(**{"model": MODEL, "training_file": training_file, **asked}).id)

    def train(self, training_file: str, **asked: Any) -> Any:
        """Creates a job and looks at it, which ends it: the emulator's jobs are done at the first look."""
        return self.client.fine_tuning.jobs.retrieve(self.order(training_file, **asked))

    def checkpoints(self, job: Any) -> list[Any]:
        return list(self.client.fine_tuning.jobs.checkpoints.list(job.id))

    def share(self, checkpoint: str, *projects: str) -> dict[str, str]:
        """Grants a checkpoint to projects; gives each project's grant."""
        made = self.admin.fine_tuning.checkpoints.permissions.create(checkpoint, project_ids=list(projects))
        return {grant.project_id: grant.id for grant in made}

    def grants(self) -> set[tuple[str, str]]:
        """All that is granted: checkpoint and project."""
        return {(grant["checkpoint"], grant["project_id"]) for grant in self.service.permissions()}

    def changes(self, after: int = 0) -> list[str]:
        """Requests that changed something, `POST /v1/files`."""
        entries = self.service.journal(after=after)
        return [f"{entry.method} {entry.path}" for entry in entries if entry.method != "GET"]

    def seen(self) -> int:
        """The number of the last request."""
        return self.service.journal()[-1].number


def import_one(stack: Stack, kind: str, name: str, id_: str, *arguments: str, code: int | None = 0) -> Ran:
    """`pulumi import TYPE NAME ID --out printed.py`."""
    return stack.pulumi(
        "import", f"{TYPE}{kind}", name, id_, "--yes", "--out", PRINTED, *arguments, code=code
    )


def import_all(
    stack: Stack, wanted: Mapping[str, tuple[str, str]], *arguments: str, code: int | None = 0
) -> Ran:
    """`pulumi import --file`, of types and ids by name."""
    resources = [{"type": f"{TYPE}{kind}", "name": name, "id": id_} for name, (kind, id_) in wanted.items()]
    (stack.folder / "import.json").write_text(json.dumps({"resources": resources}))
    return stack.pulumi("import", "--file", "import.json", "--yes", "--out", PRINTED, *arguments, code=code)


def printed(stack: Stack) -> str:
    """The program that the last import printed."""
    return (stack.folder / PRINTED).read_text()


def with_input(program: str, argument: str) -> str:
    """The printed program of one resource, with one more argument."""
    return program.replace(",\n", f",\n    {argument},\n", 1)


def write(stack: Stack, program: str) -> None:
    (stack.folder / "__main__.py").write_text(program)


def run_as_printed(stack: Stack) -> None:
    """Takes the printed program as it is; there is nothing to do then."""
    write(stack, printed(stack))
    stack.preview("--expect-no-changes")


def state(stack: Stack) -> dict[str, Any]:
    """The state's resources of our types, by name."""
    found = json.loads(stack.export())["deployment"].get("resources", [])
    return {one["urn"].rsplit("::", 1)[1]: one for one in found if one["type"].startswith(TYPE)}


def shown(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Properties without those that are not for users."""
    return {name: value for name, value in properties.items() if not name.startswith("__")}


def hidden(properties: Mapping[str, Any]) -> set[str]:
    return {name for name in properties if name.startswith("__")}


def replacing(stack: Stack) -> dict[str, str]:
    """Why a preview would replace the only resource: paths of properties, and how they change."""
    steps = json.loads(stack.pulumi("preview", "--json").text)["steps"]
    (replaced,) = (step for step in steps if step["op"] == "replace")
    return {path: change["kind"] for path, change in replaced["detailedDiff"].items()}


def set_config(stack: Stack, **settings: str) -> None:
    """Puts settings into the stack's configuration, which the engine would take seconds for."""
    lines = [f'  openai-ft:{name}: "{value}"\n' for name, value in settings.items()]
    path = stack.folder / "Pulumi.dev.yaml"
    path.write_text("".join([path.read_text(), "config:\n", *lines]))

"""Every operation against a service that returns a field of its objects in an odd way: null, missing, another type.

An operation returns the same as without the oddity, except for the field itself. `MAY_FAIL` lists the exceptions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from tests.fake_clock import FakeClock

from pulumi_openai_ft._client.objects import APIObject, Checkpoint, Event, FileObject, Job, Model, Permission
from pulumi_openai_ft._provider.checkpoint_permission import FineTuningCheckpointPermissionProvider
from pulumi_openai_ft._provider.file import FileProvider
from pulumi_openai_ft._provider.fine_tuning_job import FineTuningJobProvider
from pulumi_openai_ft._provider.host_interface import Host
from pulumi_openai_ft.errors import OpenAIFTError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import Configure

    from pulumi_openai_ft.emulator import Emulator

MODEL = "gpt-4o-mini-2024-07-18"
IDENTITY = {"__identity": "organization::dev::shop::FineTuningJob::support"}
JOBS, FILES, MODELS = r"~/v1/fine_tuning/jobs(/[^/]+)?(/cancel)?", r"~/v1/files(/[^/]+)?", "~/v1/models.*"
PERMISSIONS, CHECKPOINTS, EVENTS = "~.*/permissions", "~.*/checkpoints", "~.*/events"
ROUTES: dict[type, str] = {
    Job: JOBS,
    FileObject: FILES,
    Model: MODELS,
    Permission: PERMISSIONS,
    Checkpoint: CHECKPOINTS,
    Event: EVENTS,
}
"""The routes that return an object or a list of them."""
ODDITIES: dict[str, dict[str, Any]] = {
    "null": {"value": None},
    "missing": {},
    "number": {"value": 7},
    "text": {"value": "odd"},
    "list": {"value": [None]},
    "object": {"value": {"odd": {}}},
}
LEGITIMATE = {
    ("id", "number"),
    ("id", "text"),
    ("status", "text"),
    ("fine_tuned_model", "text"),
    ("fine_tuned_model_checkpoint", "text"),
    ("project_id", "text"),
    ("metadata", "object"),
    ("purpose", "text"),
    ("bytes", "number"),
}
"""Values that are as good as any other, so that they mean another object or status."""
OUTPUTS = {
    "user_provided_suffix": {"suffix"},
    "created": set(),
    "hyperparameters": {"method"},
    "expires_at": {"expires_after"},
}
"""Outputs that come from a field of another name."""


@dataclass(frozen=True)
class Stack:
    """The resources of a stack, and providers with their own connection."""

    configure: Configure
    path: Path

    def provider(self, kind: type) -> Any:
        return self.configure(kind, Host(FakeClock().time))

    def file(self) -> Any:
        return self.provider(FileProvider).create({**IDENTITY, "file": str(self.path)})

    def job_inputs(self) -> dict[str, Any]:
        return {**IDENTITY, "model": MODEL, "training_file": self.file().id, "suffix": "support", "seed": 5}

    def job(self) -> Any:
        return self.provider(FineTuningJobProvider).create(self.job_inputs())

    def permission_inputs(self) -> dict[str, Any]:
        return {"checkpoint_id": self.job().outs["fine_tuned_model"], "project_ids": ["proj_b", "proj_c"]}


Prepared = Callable[[], Any]


def create_job(stack: Stack) -> Prepared:
    inputs = stack.job_inputs()
    return lambda: stack.provider(FineTuningJobProvider).create(inputs).outs


def adopt_job(stack: Stack) -> Prepared:
    inputs = stack.job_inputs()
    stack.provider(FineTuningJobProvider).create(inputs)
    return lambda: stack.provider(FineTuningJobProvider).create(inputs).outs


def read_job(stack: Stack) -> Prepared:
    job = stack.job()
    return lambda: stack.provider(FineTuningJobProvider).read(job.id, job.outs).outs


def update_job(stack: Stack) -> Prepared:
    inputs = stack.job_inputs()
    job = stack.provider(FineTuningJobProvider).create(inputs)
    return lambda: stack.provider(FineTuningJobProvider).update(job.id, job.outs, inputs).outs


def import_job(stack: Stack) -> Prepared:
    job = stack.job()
    return lambda: stack.provider(FineTuningJobProvider).import_(job.id).outs


def delete_job(stack: Stack) -> Prepared:
    job = stack.job()
    return lambda: stack.provider(FineTuningJobProvider).delete(job.id, job.outs)


def create_file(stack: Stack) -> Prepared:
    return lambda: stack.file().outs


def adopt_file(stack: Stack) -> Prepared:
    stack.file()
    return lambda: stack.file().outs


def read_file(stack: Stack) -> Prepared:
    file = stack.file()
    return lambda: stack.provider(FileProvider).read(file.id, file.outs).outs


def update_file(stack: Stack) -> Prepared:
    file = stack.file()
    return lambda: stack.provider(FileProvider).update(file.id, file.outs, {}).outs


def import_file(stack: Stack) -> Prepared:
    file = stack.file()
    return lambda: stack.provider(FileProvider).import_(file.id).outs


def delete_file(stack: Stack) -> Prepared:
    file = stack.file()
    stack.provider(FineTuningJobProvider).create(stack.job_inputs())
    return lambda: stack.provider(FileProvider).delete(file.id, file.outs)


def grant(stack: Stack) -> Prepared:
    inputs = stack.permission_inputs()
    return lambda: stack.provider(FineTuningCheckpointPermissionProvider).create(inputs).outs


def adopt_permissions(stack: Stack) -> Prepared:
    inputs = stack.permission_inputs()
    stack.provider(FineTuningCheckpointPermissionProvider).create(inputs)
    return lambda: stack.provider(FineTuningCheckpointPermissionProvider).create(inputs).outs


def read_permissions(stack: Stack) -> Prepared:
    made = stack.provider(FineTuningCheckpointPermissionProvider).create(stack.permission_inputs())
    return lambda: stack.provider(FineTuningCheckpointPermissionProvider).read(made.id, made.outs).outs


def revoke(stack: Stack) -> Prepared:
    made = stack.provider(FineTuningCheckpointPermissionProvider).create(stack.permission_inputs())
    return lambda: stack.provider(FineTuningCheckpointPermissionProvider).delete(made.id, made.outs)


def preview(stack: Stack) -> Prepared:
    """The probes of a new file and job."""
    stack.job()
    inputs = {"model": MODEL, "training_file": "file-1"}

    def check() -> Any:
        file = stack.provider(FileProvider).check({}, {"file": str(stack.path)})
        job = stack.provider(FineTuningJobProvider).check({}, inputs)
        return [failure.reason for failure in (*file.failures, *job.failures)]

    return check


OPERATIONS: dict[Callable[[Stack], Prepared], list[type[APIObject]]] = {
    create_job: [Job, Event],
    adopt_job: [Job, Model],
    read_job: [Job, Model],
    update_job: [Job],
    import_job: [Job, Model],
    delete_job: [Job],
    create_file: [FileObject],
    adopt_file: [FileObject],
    read_file: [FileObject],
    update_file: [FileObject],
    import_file: [FileObject],
    delete_file: [Job, FileObject],
    grant: [Permission],
    adopt_permissions: [Permission],
    read_permissions: [Permission],
    revoke: [Permission],
    preview: [Job, FileObject],
}
"""Every operation, with the objects that it reads."""

REPEATABLE = (
    read_job,
    update_job,
    import_job,
    read_file,
    update_file,
    import_file,
    read_permissions,
    preview,
)
"""The operations that return the same when repeated."""
MAY_FAIL: dict[str, set[tuple[type, str]]] = {
    "create_job": {(Job, "id")},
    "adopt_job": {(Job, "id"), (Job, "metadata")},
    "read_job": {(Job, "status")},
    "update_job": {(Job, "status")},
    "import_job": {(Job, "status"), (Job, "model"), (Job, "training_file")},
    "delete_job": {(Job, "status")},
    "create_file": {(FileObject, "id")},
    "adopt_file": {(FileObject, "id")},
    "delete_file": {(Job, "id"), (Job, "status")},
    "grant": {(Permission, "id"), (Permission, "project_id")},
    "adopt_permissions": {(Permission, "id"), (Permission, "project_id")},
    "read_permissions": {(Permission, "id"), (Permission, "project_id")},
}
"""The fields without which an operation may fail, and the only ones."""

QUICK = ("null", "object")
"""The oddities of the short test run."""
CASES = [
    pytest.param(
        operation,
        (kind, name),
        odd,
        id=f"{operation.__name__}-{kind.__name__}.{name}-{odd}",
        marks=[] if odd in QUICK else [pytest.mark.long],
    )
    for operation, kinds in OPERATIONS.items()
    for kind in kinds
    for name in kind.model_fields
    for odd in ODDITIES
    if (name, odd) not in LEGITIMATE
]
FAILING = [
    pytest.param(operation, field, id=f"{operation.__name__}-{field[0].__name__}.{field[1]}")
    for operation in OPERATIONS
    for field in sorted(MAY_FAIL.get(operation.__name__, set()), key=str)
]


@pytest.fixture
def stack(configure: Configure, training_data: Path) -> Stack:
    return Stack(configure, training_data)


def without(outs: Any, name: str) -> Any:
    """Outputs, except the outputs of a field."""
    if not isinstance(outs, dict):
        return outs
    return {key: value for key, value in outs.items() if key not in {name, *OUTPUTS.get(name, ())}}


def outcome(service: Emulator, run: Prepared, field: tuple[type, str], odd: str) -> Any:
    """The outputs of an operation at a service with an oddity, or its error."""
    kind, name = field
    edits = [{"path": path, **ODDITIES[odd]} for path in (name, f"data.*.{name}")]
    service.fault("*", ROUTES[kind], "edit", times=None, edits=edits)
    try:
        return run()
    except OpenAIFTError as error:
        return error
    finally:
        service.clear_faults()


@pytest.mark.parametrize(("operation", "field", "odd"), CASES)
def test_operation_works_although_a_field_is_odd(
    operation: Callable[[Stack], Prepared], field: tuple[type, str], odd: str, stack: Stack, service: Emulator
) -> None:
    run = operation(stack)
    before = len(service.jobs())

    outs = outcome(service, run, field, odd)

    assert len(service.jobs()) - before == (1 if operation is create_job else 0)
    if isinstance(outs, OpenAIFTError):
        assert field in MAY_FAIL.get(operation.__name__, set()), outs
    elif operation in REPEATABLE:
        assert without(outs, field[1]) == without(run(), field[1])


@pytest.mark.parametrize(("operation", "field"), FAILING)
def test_operation_that_may_fail_names_the_response(
    operation: Callable[[Stack], Prepared], field: tuple[type, str], stack: Stack, service: Emulator
) -> None:
    """Keep the list short: an operation that never fails is not on it."""
    errors = []
    for odd in ("null", "list"):
        service.reset()
        errors.append(outcome(service, operation(stack), field, odd))

    assert any(isinstance(error, OpenAIFTError) for error in errors)


@pytest.mark.parametrize("odd", ["null", "missing"])
def test_metadata_that_only_a_list_hides_is_requested(odd: str, stack: Stack, service: Emulator) -> None:
    run = adopt_job(stack)
    edits = [{"path": "data.*.metadata", **ODDITIES[odd]}]
    service.fault("GET", "/fine_tuning/jobs", "edit", times=None, edits=edits)

    run()

    assert len(service.jobs()) == 1

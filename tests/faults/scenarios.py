"""The operations of all providers: the starting point, the command, and the contents of the service afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.faults.harness import ENDLESS, LIVE, PAUSED, QUICK, SLOW, Contents
from tests.faults.setups import (
    MODEL,
    PARTNERS,
    changed,
    done,
    endless_job,
    file,
    job,
    lost,
    running,
    share,
    with_expired_upload,
    with_interrupted_upload,
)
from tests.faults.stack_resource import StackResource

from pulumi_openai_ft._provider.file import FileProvider
from pulumi_openai_ft._provider.fine_tuning_job import FineTuningJobProvider

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.harness import Harness


@dataclass(frozen=True)
class Scenario:
    """An operation.

    Attributes:
        prepare: Prepares the service and the resource for the operation.
        command: The command that carries it out: a method of `StackResource`.
        leaves: The contents of the service after the operation.
        fails: Whether a job fails, so that every later `up` reports it.
        is_offline: Whether the command makes no request, so that no fault can hit it.
    """

    prepare: Callable[[Harness], StackResource]
    command: str
    leaves: Contents
    fails: bool = False
    is_offline: bool = False

    @property
    def name(self) -> str:
        return self.prepare.__name__

    def run(self, resource: StackResource) -> None:
        """Run the command."""
        getattr(resource, self.command)()


SCENARIOS: list[Scenario] = []


def scenario(
    command: str,
    *,
    jobs: tuple[str, ...] = (),
    files: int = 0,
    permissions: tuple[str, ...] = (),
    models: int = 0,
    fails: bool = False,
    is_offline: bool = False,
) -> Callable[[Callable[[Harness], StackResource]], Callable[[Harness], StackResource]]:
    """Add a scenario; the function prepares it."""

    def add(prepare: Callable[[Harness], StackResource]) -> Callable[[Harness], StackResource]:
        leaves = Contents(jobs, files, frozenset(permissions), models)
        SCENARIOS.append(Scenario(prepare, command, leaves, fails, is_offline))
        return prepare

    return add


@scenario("check")
def file_is_previewed(harness: Harness) -> StackResource:
    return file(harness)


@scenario("up", files=1)
def file_is_uploaded(harness: Harness) -> StackResource:
    return file(harness)


@scenario("up", files=1)
def file_is_uploaded_with_a_filename(harness: Harness) -> StackResource:
    return file(harness, filename="support.jsonl", expires_after={"anchor": "created_at", "seconds": 3600})


@scenario("up", files=1)
def large_file_is_uploaded(harness: Harness) -> StackResource:
    return file(harness, rows=20)


@scenario("up", files=1)
def large_file_is_uploaded_with_a_filename(harness: Harness) -> StackResource:
    return file(harness, rows=20, filename="support.jsonl")


@scenario("up", files=1)
def interrupted_upload_is_resumed(harness: Harness) -> StackResource:
    return with_interrupted_upload(file(harness, rows=20))


@scenario("up", files=1)
def expired_upload_is_restarted(harness: Harness) -> StackResource:
    return with_expired_upload(file(harness, rows=20))


@scenario("up", files=1)
def file_of_a_lost_state_is_adopted(harness: Harness) -> StackResource:
    return lost(done(file(harness)))


@scenario("force", files=1)
def file_is_replaced_by_force(harness: Harness) -> StackResource:
    return done(file(harness))


@scenario("up", files=1)
def file_is_edited(harness: Harness) -> StackResource:
    resource = done(file(harness))
    return changed(resource, **file(harness, rows=13).inputs)


@scenario("refresh", files=1)
def file_is_read(harness: Harness) -> StackResource:
    return done(file(harness))


@scenario("touch", files=1)
def file_is_updated(harness: Harness) -> StackResource:
    return done(file(harness))


@scenario("destroy")
def file_is_deleted(harness: Harness) -> StackResource:
    return done(file(harness))


@scenario("check")
def job_is_previewed(harness: Harness) -> StackResource:
    return StackResource(harness, FineTuningJobProvider, {"model": MODEL, "training_file": "file-1"})


@scenario("up", jobs=("succeeded",), files=1, models=1)
def job_is_created(harness: Harness) -> StackResource:
    return job(harness)


@scenario("up", jobs=(LIVE,), files=1)
def job_is_created_without_waiting(harness: Harness) -> StackResource:
    return endless_job(harness, wait_for_completion=False)


@scenario("up", jobs=("succeeded",), files=1, models=1)
def job_of_a_lost_state_is_adopted(harness: Harness) -> StackResource:
    return lost(done(job(harness)))


@scenario("up", jobs=(LIVE,), files=1)
def unfinished_job_of_a_lost_state_is_adopted(harness: Harness) -> StackResource:
    return lost(running(harness))


@scenario("up", jobs=("failed",), files=1, fails=True)
def job_fails(harness: Harness) -> StackResource:
    return job(harness, rows=3)


@scenario("up", jobs=("failed", "succeeded"), files=1, models=1)
def failed_job_is_recreated(harness: Harness) -> StackResource:
    resource = done(job(harness, wait_for_completion=False))
    harness.provider(FileProvider).api.delete_file(resource.inputs["training_file"])
    harness.service.advance(QUICK)
    resource.refresh()
    data = done(file(harness))
    return changed(resource, training_file=data.id, wait_for_completion=True, recreate_on_failure=True)


@scenario("up", jobs=("cancelled",), files=1, fails=True)
def job_is_cancelled_at_its_deadline(harness: Harness) -> StackResource:
    return endless_job(harness, cancel_after_timeout=3)


@scenario("up", jobs=(PAUSED,), files=1)
def job_is_created_and_paused(harness: Harness) -> StackResource:
    resource = job(harness, paused=True)
    harness.service.settings.job_seconds = SLOW
    return resource


@scenario("force", jobs=("succeeded",), files=1, models=1)
def job_is_replaced_by_force(harness: Harness) -> StackResource:
    return done(job(harness))


@scenario("up", jobs=("cancelled", LIVE), files=1)
def running_job_is_replaced(harness: Harness) -> StackResource:
    return changed(running(harness), triggers=["again"])


@scenario("refresh", jobs=("succeeded",), files=1, models=1)
def job_is_read(harness: Harness) -> StackResource:
    return done(job(harness))


@scenario("up", jobs=("succeeded",), files=1, models=1)
def job_is_waited_for(harness: Harness) -> StackResource:
    resource = done(job(harness, wait_for_completion=False))
    return changed(resource, wait_for_completion=True)


@scenario("up", jobs=(PAUSED,), files=1)
def running_job_is_paused(harness: Harness) -> StackResource:
    return changed(running(harness), paused=True)


@scenario("up", jobs=(LIVE,), files=1)
def paused_job_is_resumed(harness: Harness) -> StackResource:
    resource = done(changed(running(harness), paused=True))
    harness.service.advance(ENDLESS / 4)
    resource.refresh()
    return changed(resource, paused=False)


@scenario("look_up", jobs=("succeeded",), files=1, models=1)
def events_are_looked_up(harness: Harness) -> StackResource:
    return done(job(harness))


@scenario("destroy", jobs=("succeeded",), files=1, models=1)
def finished_job_is_destroyed(harness: Harness) -> StackResource:
    return done(job(harness))


@scenario("destroy", jobs=("cancelled",), files=1)
def running_job_is_destroyed(harness: Harness) -> StackResource:
    return running(harness)


@scenario("destroy", jobs=("succeeded",), files=1)
def job_is_destroyed_with_its_model(harness: Harness) -> StackResource:
    return done(job(harness, delete_model_on_destroy=True))


@scenario("import_", files=1)
def file_is_imported(harness: Harness) -> StackResource:
    return done(file(harness))


@scenario("import_", jobs=("succeeded",), files=1, models=1)
def job_is_imported(harness: Harness) -> StackResource:
    return done(job(harness))


@scenario("import_", jobs=("succeeded",), files=1, models=1, permissions=PARTNERS)
def permission_is_imported(harness: Harness) -> StackResource:
    return done(share(harness))


@scenario("check", jobs=("succeeded",), files=1, models=1, is_offline=True)
def permission_is_previewed(harness: Harness) -> StackResource:
    return share(harness)


@scenario("up", jobs=("succeeded",), files=1, models=1, permissions=PARTNERS)
def checkpoint_is_shared(harness: Harness) -> StackResource:
    return share(harness)


@scenario("up", jobs=("succeeded",), files=1, models=1, permissions=PARTNERS)
def checkpoint_is_shared_by_its_id(harness: Harness) -> StackResource:
    resource = share(harness)
    api = resource.harness.provider(resource.kind).api
    checkpoint = next(api.checkpoints(next(api.jobs()).id))
    return changed(resource, checkpoint_id=checkpoint.id)


@scenario("up", jobs=("succeeded",), files=1, models=1, permissions=PARTNERS)
def half_shared_checkpoint_is_shared(harness: Harness) -> StackResource:
    return changed(lost(done(share(harness, PARTNERS[:1]))), project_ids=list(PARTNERS))


@scenario("force", jobs=("succeeded",), files=1, models=1, permissions=PARTNERS)
def permission_is_replaced_by_force(harness: Harness) -> StackResource:
    return done(share(harness))


@scenario("up", jobs=("succeeded",), files=1, models=1, permissions=("proj_c", "proj_d", "proj_e"))
def projects_are_added_and_removed(harness: Harness) -> StackResource:
    resource = done(share(harness, ("proj_a", "proj_b", "proj_c")))
    return changed(resource, project_ids=["proj_c", "proj_d", "proj_e"])


@scenario("refresh", jobs=("succeeded",), files=1, models=1, permissions=PARTNERS)
def permission_is_read(harness: Harness) -> StackResource:
    return done(share(harness))


@scenario("destroy", jobs=("succeeded",), files=1, models=1)
def permission_is_destroyed(harness: Harness) -> StackResource:
    return done(share(harness))

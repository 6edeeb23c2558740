"""The operations of all providers: from which state, by which command, and what is there in the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.faults.harness import ENDLESS, LIVE, PAUSED, QUICK, SLOW, Left
from tests.faults.resource_state import Row
from tests.faults.setups import (
    MODEL,
    PARTNERS,
    broken_off,
    changed,
    done,
    endless_job,
    file,
    job,
    lost,
    running,
    share,
)

from pulumi_openai_ft._provider.file import FileProvider
from pulumi_openai_ft._provider.fine_tuning_job import FineTuningJobProvider

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.harness import World


@dataclass(frozen=True)
class Scenario:
    """An operation.

    Attributes:
        prepare: Brings a service and a row to where the operation begins.
        command: The command that carries it out: a method of `Row`.
        leaves: What the service holds when it is done.
        fails: Whether a job is there that cannot succeed, so that every further `up` says so.
    """

    prepare: Callable[[World], Row]
    command: str
    leaves: Left
    fails: bool = False

    @property
    def name(self) -> str:
        return self.prepare.__name__

    def run(self, row: Row) -> None:
        """Runs the command."""
        getattr(row, self.command)()


SCENARIOS: list[Scenario] = []


def scenario(
    command: str,
    *,
    jobs: tuple[str, ...] = (),
    files: int = 0,
    grants: tuple[str, ...] = (),
    models: int = 0,
    fails: bool = False,
) -> Callable[[Callable[[World], Row]], Callable[[World], Row]]:
    """Adds a scenario; the function prepares it."""

    def add(prepare: Callable[[World], Row]) -> Callable[[World], Row]:
        left = Left(jobs, files, frozenset(grants), models)
        SCENARIOS.append(Scenario(prepare, command, left, fails))
        return prepare

    return add


@scenario("check")
def file_is_previewed(world: World) -> Row:
    return file(world)


@scenario("up", files=1)
def file_is_uploaded(world: World) -> Row:
    return file(world)


@scenario("up", files=1)
def file_is_uploaded_under_the_users_name(world: World) -> Row:
    return file(world, filename="support.jsonl", expires_after={"anchor": "created_at", "seconds": 3600})


@scenario("up", files=1)
def large_file_is_uploaded(world: World) -> Row:
    return file(world, rows=20)


@scenario("up", files=1)
def large_file_is_uploaded_under_the_users_name(world: World) -> Row:
    return file(world, rows=20, filename="support.jsonl")


@scenario("up", files=1)
def upload_that_broke_off_goes_on(world: World) -> Row:
    return broken_off(file(world, rows=20))


@scenario("up", files=1)
def file_of_a_lost_state_is_adopted(world: World) -> Row:
    return lost(done(file(world)))


@scenario("force", files=1)
def file_is_replaced_by_force(world: World) -> Row:
    return done(file(world))


@scenario("up", files=1)
def file_is_edited(world: World) -> Row:
    row = done(file(world))
    return changed(row, **file(world, rows=13).inputs)


@scenario("refresh", files=1)
def file_is_read(world: World) -> Row:
    return done(file(world))


@scenario("touch", files=1)
def file_is_updated(world: World) -> Row:
    return done(file(world))


@scenario("destroy")
def file_is_deleted(world: World) -> Row:
    return done(file(world))


@scenario("check")
def job_is_previewed(world: World) -> Row:
    return Row(world, FineTuningJobProvider, {"model": MODEL, "training_file": "file-1"})


@scenario("up", jobs=("succeeded",), files=1, models=1)
def job_is_bought(world: World) -> Row:
    return job(world)


@scenario("up", jobs=(LIVE,), files=1)
def job_is_bought_and_not_waited_for(world: World) -> Row:
    return endless_job(world, wait_for_completion=False)


@scenario("up", jobs=("succeeded",), files=1, models=1)
def job_of_a_lost_state_is_adopted(world: World) -> Row:
    return lost(done(job(world)))


@scenario("up", jobs=(LIVE,), files=1)
def unfinished_job_of_a_lost_state_is_adopted(world: World) -> Row:
    return lost(running(world))


@scenario("up", jobs=("failed",), files=1, fails=True)
def job_fails(world: World) -> Row:
    return job(world, rows=3)


@scenario("up", jobs=("failed", "succeeded"), files=1, models=1)
def job_that_failed_is_bought_again(world: World) -> Row:
    row = done(job(world, wait_for_completion=False))
    world.provider(FileProvider).api.delete_file(row.inputs["training_file"])
    world.service.advance(QUICK)
    row.refresh()
    data = done(file(world))
    return changed(row, training_file=data.id, wait_for_completion=True, recreate_on_failure=True)


@scenario("up", jobs=("cancelled",), files=1, fails=True)
def job_is_cancelled_at_its_deadline(world: World) -> Row:
    return endless_job(world, cancel_after_timeout=3)


@scenario("up", jobs=(PAUSED,), files=1)
def job_is_bought_and_paused(world: World) -> Row:
    row = job(world, paused=True)
    world.service.settings.job_seconds = SLOW
    return row


@scenario("force", jobs=("succeeded",), files=1, models=1)
def job_is_replaced_by_force(world: World) -> Row:
    return done(job(world))


@scenario("up", jobs=("cancelled", LIVE), files=1)
def running_job_is_replaced(world: World) -> Row:
    return changed(running(world), triggers=["again"])


@scenario("refresh", jobs=("succeeded",), files=1, models=1)
def job_is_read(world: World) -> Row:
    return done(job(world))


@scenario("up", jobs=("succeeded",), files=1, models=1)
def job_is_waited_for(world: World) -> Row:
    row = done(job(world, wait_for_completion=False))
    return changed(row, wait_for_completion=True)


@scenario("up", jobs=(PAUSED,), files=1)
def running_job_is_paused(world: World) -> Row:
    return changed(running(world), paused=True)


@scenario("up", jobs=(LIVE,), files=1)
def paused_job_is_resumed(world: World) -> Row:
    row = done(changed(running(world), paused=True))
    world.service.advance(ENDLESS / 4)
    row.refresh()
    return changed(row, paused=False)


@scenario("look_up", jobs=("succeeded",), files=1, models=1)
def events_are_looked_up(world: World) -> Row:
    return done(job(world))


@scenario("destroy", jobs=("succeeded",), files=1, models=1)
def finished_job_is_destroyed(world: World) -> Row:
    return done(job(world))


@scenario("destroy", jobs=("cancelled",), files=1)
def running_job_is_destroyed(world: World) -> Row:
    return running(world)


@scenario("destroy", jobs=("succeeded",), files=1)
def job_is_destroyed_with_its_model(world: World) -> Row:
    return done(job(world, delete_model_on_destroy=True))


@scenario("import_", files=1)
def file_is_imported(world: World) -> Row:
    return done(file(world))


@scenario("import_", jobs=("succeeded",), files=1, models=1)
def job_is_imported(world: World) -> Row:
    return done(job(world))


@scenario("import_", jobs=("succeeded",), files=1, models=1, grants=PARTNERS)
def share_is_imported(world: World) -> Row:
    return done(share(world))


@scenario("check", jobs=("succeeded",), files=1, models=1)
def share_is_previewed(world: World) -> Row:
    return share(world)


@scenario("up", jobs=("succeeded",), files=1, models=1, grants=PARTNERS)
def checkpoint_is_shared(world: World) -> Row:
    return share(world)


@scenario("up", jobs=("succeeded",), files=1, models=1, grants=PARTNERS)
def checkpoint_is_shared_by_its_id(world: World) -> Row:
    row = share(world)
    api = row.world.provider(row.kind).api
    checkpoint = next(api.checkpoints(next(api.jobs()).id))
    return changed(row, checkpoint_id=checkpoint.id)


@scenario("up", jobs=("succeeded",), files=1, models=1, grants=PARTNERS)
def half_shared_checkpoint_is_shared(world: World) -> Row:
    return changed(lost(done(share(world, PARTNERS[:1]))), project_ids=list(PARTNERS))


@scenario("force", jobs=("succeeded",), files=1, models=1, grants=PARTNERS)
def share_is_replaced_by_force(world: World) -> Row:
    return done(share(world))


@scenario("up", jobs=("succeeded",), files=1, models=1, grants=("proj_c", "proj_d", "proj_e"))
def projects_come_and_go(world: World) -> Row:
    row = done(share(world, ("proj_a", "proj_b", "proj_c")))
    return changed(row, project_ids=["proj_c", "proj_d", "proj_e"])


@scenario("refresh", jobs=("succeeded",), files=1, models=1, grants=PARTNERS)
def share_is_read(world: World) -> Row:
    return done(share(world))


@scenario("destroy", jobs=("succeeded",), files=1, models=1)
def share_is_destroyed(world: World) -> Row:
    return done(share(world))

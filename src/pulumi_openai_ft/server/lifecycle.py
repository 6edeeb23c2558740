"""The states of jobs, and the effects of each state. Source: docs/openai-api.md#job-states."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import partial
from threading import RLock
from typing import TYPE_CHECKING

from pulumi_openai_ft.server.errors import ApiError, invalid
from pulumi_openai_ft.server.event_log import History
from pulumi_openai_ft.server.ids import checkpoint_name, model_name, new_id
from pulumi_openai_ft.server.records import Checkpoint, File, Job, Model
from pulumi_openai_ft.server.runner import Dataset, Outcome, Progress, Runner, TrainingRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pulumi_openai_ft.server.blobs import Blobs
    from pulumi_openai_ft.server.clock import Clock
    from pulumi_openai_ft.server.settings import ServiceSettings
    from pulumi_openai_ft.server.store import Condition, Store

NEXT_STATES = {
    "validating_files": {"queued", "failed", "cancelled"},
    "queued": {"running", "failed", "cancelled"},
    "running": {"pausing", "succeeded", "failed", "cancelled"},
    "pausing": {"paused", "succeeded", "failed", "cancelled"},
    "paused": {"queued", "cancelled"},
    "succeeded": set[str](),
    "failed": set[str](),
    "cancelled": set[str](),
}
TERMINAL = tuple(state for state, following in NEXT_STATES.items() if not following)
_ACTIVE = tuple(state for state, following in NEXT_STATES.items() if following)
LIVE: Condition = (f"status IN ({', '.join('?' * len(_ACTIVE))})", _ACTIVE)
"""Matches jobs that are not in a terminal state. Finished jobs, which become ever more, are not read: `status` is indexed."""

_STAGES = ("validating_files", "queued", "running")


@dataclass(frozen=True)
class _Result:
    """The outcome of a run, and its result file, which has no record in the store yet."""

    outcome: Outcome
    file_id: str
    bytes: int


class Lifecycle:
    """The lifecycle of jobs, which follows the reports of their runner. Only one thread at a time changes jobs."""

    def __init__(
        self, store: Store, blobs: Blobs, clock: Clock, runner: Runner, settings: ServiceSettings
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._clock = clock
        self._runner = runner
        self._settings = settings
        self._lock = RLock()
        self.history: History = History(store, runner)

    def order(self, job: Job) -> TrainingRequest:
        """Return the job's request to the runner."""
        return TrainingRequest(
            job_id=job.id,
            project=job.project,
            model=job.model,
            base=job.base,
            method=job.method,
            seed=job.seed,
            training=self._dataset(job.training_file),
            validation=None if job.validation_file is None else self._dataset(job.validation_file),
            integrations=tuple(job.integrations or ()),
        )

    def create(self, job: Job) -> Job:
        """Add and submit a new job.

        Raise a 400 if the runner cannot train it, and a 429 if the organization has reached its limit of active jobs, or
        the key its limit of waiting jobs.
        """
        self._runner.check(self.order(job))
        files = f"training file: {job.training_file}"
        if job.validation_file is not None:
            files += f" and validation file: {job.validation_file}"
        with self._lock:
            self._refuse_too_many()
            self._refuse_too_many_queued(job.key)
            return self._create(job, files)

    def _create(self, job: Job, files: str) -> Job:
        with self._store.transaction():
            self._store.jobs.add(job)
            self._runner.submit(self.order(job))
            job = self.history.add(job, job.created_at, f"Created fine-tuning job: {job.id}")
            return self._store.jobs.put(self.history.add(job, job.created_at, f"Validating {files}"))

    def advance(self, jobs: Sequence[Job], *, read: bool = True) -> Sequence[Job]:
        """Update jobs to the current time if their runs progress on reads. `read` counts as a read by a client."""
        if not self._runner.progresses_on_read:
            return jobs
        return [self._settle(job, read=read) for job in jobs]

    def advance_live(self) -> None:
        """Update all active jobs as `advance` does, for a client that lists their models or checkpoints."""
        if self._runner.progresses_on_read:
            self.advance(self._store.jobs.find({}, LIVE))

    def settle(self, job_id: str) -> None:
        """Update a job whose run has progressed."""
        with self._lock:
            if (job := self._store.jobs.get(job_id)) is not None:
                self._follow(job)

    def live_ids(self) -> set[str]:
        """Return the ids of all active jobs."""
        return self._store.jobs.ids(LIVE)

    def cancel(self, job: Job) -> Job:
        """Cancel a job. Raise a 400 if it is in a terminal state."""
        with self._lock:
            job = self._settle(job, read=False)
            if job.status in TERMINAL:
                raise invalid(f"Job {job.id} is {job.status} and cannot be cancelled.")
            return self._command(self._runner.cancel, job, "cancelled", "Fine-tuning job was cancelled")

    def pause(self, job: Job) -> Job:
        """Pause a running job. Raise a 400 in any other state."""
        with self._lock:
            job = self._settle(job, read=False)
            if job.status != "running":
                raise invalid(f"Job {job.id} is {job.status}; only a running job can be paused.")
            return self._command(self._runner.pause, job, "pausing", "Fine-tuning job is being paused")

    def resume(self, job: Job) -> Job:
        """Queue a paused job again. Raise a 400 in any other state."""
        with self._lock:
            job = self._settle(job, read=False)
            if job.status != "paused":
                raise invalid(f"Job {job.id} is {job.status}; only a paused job can be resumed.")
            return self._command(
                self._runner.resume, job, "queued", "Fine-tuning job resumed, moving job to queued state"
            )

    def delete_model(self, model: Model) -> None:
        """Delete a fine-tuned model or a checkpoint, and its weights. The checkpoint of a model remains in lists."""
        now = self._clock.now()
        with self._lock, self._store.transaction():
            is_model = self._store.models.get(model.id) is not None
            if is_model:
                self._store.models.delete(model, now)
            job = self._store.jobs.get(model.job)
            for checkpoint in self._store.checkpoints.find({"name": model.id}):
                if not is_model:
                    self._store.checkpoints.delete(checkpoint, now)
                if job is not None:
                    self._runner.discard(self.order(job), checkpoint.step, checkpoint.name)

    def _refuse_too_many(self) -> None:
        most = self._settings.max_active_jobs
        if most is None:
            return
        self.advance(self._store.jobs.find({}, LIVE), read=False)
        if self._store.jobs.count({}, LIVE) >= most:
            raise ApiError(
                429,
                f"This organization has {most} active fine-tuning job(s), the most it may have at a time. "
                "Wait until a job finishes.",
                kind="rate_limit_error",
                code="rate_limit_exceeded",
            )

    def _refuse_too_many_queued(self, key: str | None) -> None:
        most = self._settings.max_queued_jobs
        waiting = ("status IN ('validating_files', 'queued')", ())
        if most is not None and self._store.jobs.count({"key": key}, waiting) >= most:
            raise ApiError(
                429,
                f"The key {key} has {most} job(s) that wait to run, the most it may have. Wait until a job starts.",
                kind="rate_limit_error",
                code="rate_limit_exceeded",
            )

    def _command(
        self, command: Callable[[TrainingRequest], None], job: Job, status: str, message: str
    ) -> Job:
        now = self._clock.now()
        with self._store.transaction():
            command(self.order(job))
            job = self._enter(job, status, now)
            return self._store.jobs.put(self.history.add(job, now, message))

    def _settle(self, job: Job, *, read: bool) -> Job:
        if job.status in TERMINAL:
            return job
        with self._lock:
            if read:
                self._clock.read(job.id)
            return self._follow(self._store.jobs.get(job.id) or job)

    def _follow(self, job: Job) -> Job:
        """Update a job to the progress of its run."""
        if job.status in TERMINAL:
            return job
        order = self.order(job)
        progress = self._runner.poll(order)
        result = self._write_result(order) if progress.status == "succeeded" else None
        try:
            with self._store.transaction():
                settled = self._apply(job, order, progress, result)
                return self._store.jobs.put(settled) if settled != job else job
        except BaseException:
            if result is not None:
                self._blobs.delete(result.file_id)
            raise

    def _apply(self, job: Job, order: TrainingRequest, progress: Progress, result: _Result | None) -> Job:
        for stage, arrive in (("queued", self._queued), ("running", self._running)):
            if stage in progress.reached and job.status in _STAGES[: _STAGES.index(stage)]:
                job = arrive(job, progress)
        if progress.step > job.steps:
            job = self.history.measured(job, progress.at, progress.step, progress.total_steps)
        job = self._record_notices(job, progress)
        job = self._record_checkpoints(job, progress)
        if job.status == "running":
            job = replace(job, estimated_finish=progress.estimated_finish)
        arrivals: dict[str, Callable[[Job, Progress], Job]] = {
            "failed": self._failed,
            "paused": self._paused,
            "succeeded": partial(self._succeeded, order=order, result=result),
        }
        if progress.status != job.status and progress.status in arrivals:
            job = arrivals[progress.status](job, progress)
        return job

    def _record_notices(self, job: Job, progress: Progress) -> Job:
        for notice in progress.notices[job.notices :]:
            job = self.history.add(job, notice.at, notice.message, level=notice.level)
        return replace(job, notices=len(progress.notices))

    def _record_checkpoints(self, job: Job, progress: Progress) -> Job:
        if not (progress.checkpoints or progress.removed):
            return job
        recorded = {found.step: found for found in self._store.checkpoints.find({"job": job.id})}
        for step in progress.removed & set(recorded):
            self._store.checkpoints.delete(recorded[step], self._clock.now())
        missing = [step for step in sorted(progress.checkpoints) if step not in recorded]
        for metrics in self._runner.metrics(self.order(job), missing):
            job = self._intermediate(job, metrics, progress.checkpoints[int(metrics["step"])])
        return job

    def _intermediate(self, job: Job, metrics: Mapping[str, float], at: float) -> Job:
        step = int(metrics["step"])
        name = checkpoint_name(self._new_name(job), step)
        self._checkpoint(job, name, metrics, at)
        return self.history.add(job, at, f"Checkpoint created at step {step}: {name}")

    def _enter(self, job: Job, status: str, at: float) -> Job:
        assert status in NEXT_STATES[job.status], f"{job.status} cannot become {status}"
        over = status in TERMINAL
        return replace(
            job,
            status=status,
            finished_at=at if over else None,
            estimated_finish=None if status != "running" else job.estimated_finish,
        )

    def _queued(self, job: Job, progress: Progress) -> Job:
        at = progress.reached["queued"]
        return self.history.add(
            self._enter(job, "queued", at), at, "Files validated, moving job to queued state"
        )

    def _running(self, job: Job, progress: Progress) -> Job:
        at = progress.reached["running"]
        kind = job.method["type"]
        requested = job.method[kind]["hyperparameters"]
        block = {**job.method[kind], "hyperparameters": {**requested, **progress.hyperparameters}}
        job = replace(self._enter(job, "running", at), method={**job.method, kind: block})
        return self.history.add(job, at, "Fine-tuning job started")

    def _failed(self, job: Job, progress: Progress) -> Job:
        at = progress.reached["failed"]
        error = None if progress.problem is None else asdict(progress.problem)
        job = replace(self._enter(job, "failed", at), error=error)
        return self.history.add(job, at, error["message"] if error else "The job failed", level="error")

    def _paused(self, job: Job, progress: Progress) -> Job:
        at = progress.reached["paused"]
        job = self._enter(job, "paused", at)
        return self.history.add(job, at, "Fine-tuning job paused")

    def _succeeded(self, job: Job, progress: Progress, order: TrainingRequest, result: _Result | None) -> Job:
        assert result is not None, "it is written before the transaction"
        at, outcome = progress.reached["succeeded"], result.outcome
        new = [step for step in outcome.checkpoint_steps if step not in progress.checkpoints]
        *earlier, last = self._runner.metrics(order, new)
        for metrics in earlier:
            job = self._intermediate(job, metrics, at)
        name = self._new_name(job)
        self._checkpoint(job, name, last, at)
        self._store.models.add(Model(id=name, created_at=at, project=job.project, base=job.base, job=job.id))
        job = replace(
            self._enter(job, "succeeded", at),
            fine_tuned_model=name,
            trained_tokens=outcome.trained_tokens,
            result_files=[self._result_file(job, result, at)],
        )
        job = self.history.add(job, at, f"New fine-tuned model created: {name}")
        return self.history.add(job, at, "The job has successfully completed")

    def _new_name(self, job: Job) -> str:
        form = self._settings.rules.model_form
        return model_name(form, job.base, self._settings.organization, job.suffix)

    def _checkpoint(self, job: Job, name: str, metrics: Mapping[str, float], at: float) -> None:
        self._store.checkpoints.add(
            Checkpoint(
                id=new_id(self._settings.rules.checkpoint_prefix),
                created_at=at,
                job=job.id,
                project=job.project,
                base=job.base,
                name=name,
                step=int(metrics["step"]),
                metrics={name: value for name, value in metrics.items() if name != "total_steps"},
            )
        )

    def _write_result(self, order: TrainingRequest) -> _Result:
        """Write the result file. Call this outside of transactions: syncing to disk would hold up all requests."""
        outcome, file_id = self._runner.outcome(order), new_id("file-")
        draft = self._blobs.draft()
        has_rewards = order.kind == "reinforcement"
        draft.write(self._settings.rules.result_format.content(outcome.steps, has_rewards=has_rewards))
        return _Result(outcome, file_id, draft.store(file_id))

    def _result_file(self, job: Job, result: _Result, at: float) -> str:
        self._store.files.add(
            File(
                id=result.file_id,
                created_at=at,
                project=job.project,
                filename="step_metrics.csv",
                purpose="fine-tune-results",
                bytes=result.bytes,
            )
        )
        return result.file_id

    def _dataset(self, file_id: str) -> Dataset:
        return Dataset(file_id, partial(self._blobs.open, file_id))

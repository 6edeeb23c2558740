"""The loop that advances training runs: it validates files, starts and stops trainers, and records their reports."""

from __future__ import annotations

import logging
import shutil
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft.serve.engines.interface import Attempt, Cause
from pulumi_openai_ft.serve.hyperparameters import resolve
from pulumi_openai_ft.serve.training_runner import jobs_folder
from pulumi_openai_ft.serve.training_runs import CANCEL, PAUSE, RUN
from pulumi_openai_ft.server.training_data import Problem, Summary, inspect_training_data

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from pulumi_openai_ft.serve.config import ServeConfig
    from pulumi_openai_ft.serve.engines.interface import End, Engine, State
    from pulumi_openai_ft.serve.job_folder import JobFolder
    from pulumi_openai_ft.serve.training_runner import TrainingRunner
    from pulumi_openai_ft.serve.training_runs import Run, TrainingRuns
    from pulumi_openai_ft.server.clock import Clock

MAX_ATTEMPTS = 3
KEPT_CHECKPOINTS = 3
SECONDS_TO_STOP = 60.0
SECONDS_BETWEEN_UNLOADS = 30.0
SCHEMA = 1
"""Version of `request.json`."""

_log = logging.getLogger(__name__)


class TrainingLoop:
    """Advances all runs in a separate thread, so that jobs progress without requests.

    Args:
        config: The configuration.
        runs: The runs.
        runner: Knows the folders and keys of the runs.
        engine: Runs the trainers.
        clock: Clock for timestamps.
        settle: Updates a job of the API, by its id, to its run. Called at the end of each round for runs that changed.
        unload: Unloads an adapter, by the name of its model, before its folder is deleted.
        tick: Seconds between two rounds.
    """

    def __init__(
        self,
        *,
        config: ServeConfig,
        runs: TrainingRuns,
        runner: TrainingRunner,
        engine: Engine,
        clock: Clock,
        settle: Callable[[str], None],
        unload: Callable[[str, Path], None],
        tick: float = 1.0,
    ) -> None:
        self._config = config
        self._runs = runs
        self._runner = runner
        self._engine = engine
        self._clock = clock
        self._settle = settle
        self._unload = unload
        self._tick = tick
        self._devices = config.slot_devices()
        self._stopped = Event()
        self._validators = ThreadPoolExecutor(1, "validation")
        self._validations: dict[str, Future[Summary | Problem]] = {}
        self._unloader = ThreadPoolExecutor(1, "unload")
        self._unloading: dict[str, Future[bool]] = {}
        self._recorded: dict[str, tuple[object, ...]] = {}
        self._unsettled: set[str] = set()
        self._thread = Thread(target=self._work, name="training-loop", daemon=True)

    def start(self, unsettled: Iterable[str] = ()) -> None:
        """Start the thread. `unsettled` are the ids of jobs that may lag behind their runs."""
        self._unsettled.update(unsettled)
        self._remove_unknown_folders()
        self._engine.open()
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread. Trainers continue."""
        self._stopped.set()
        self._thread.join()
        self._engine.close()
        self._validators.shutdown(wait=False, cancel_futures=True)
        self._unloader.shutdown(wait=False, cancel_futures=True)

    def advance(self) -> None:
        """Perform one round."""
        for job_id, run in self._runs.open().items():
            with _logged_faults(job_id):
                self._advance(job_id, run)
        self._start_queued()
        self._settle_changed()

    def _settle_changed(self) -> None:
        """Update the jobs whose runs changed. The next round repeats those that fail."""
        self._unsettled |= self._runs.take_changed()
        for job_id in sorted(self._unsettled):
            with _logged_faults(job_id):
                self._settle(job_id)
                self._unsettled.discard(job_id)

    def _work(self) -> None:
        while not self._stopped.is_set():
            try:
                self.advance()
            except Exception:  # noqa: BLE001  # a fault in one round must not end all training
                _log.exception("The training loop failed; it tries again.")
            self._stopped.wait(self._tick)

    def _remove_unknown_folders(self) -> None:
        """Remove the folders of jobs whose creation did not complete."""
        folder, known = jobs_folder(self._config), self._runs.ids()
        for path in folder.iterdir() if folder.exists() else ():
            if path.name not in known:
                shutil.rmtree(path)

    def _advance(self, job_id: str, run: Run) -> None:
        folder = self._runner.watch(job_id)
        if run.discarded:
            self._discard(job_id, run.discarded, folder)
        needs_folder = run.slot is not None or run.stage in ("validating_files", "queued")
        if needs_folder and not folder.exists():
            self._end_without_folder(job_id, run, folder)
        elif run.slot is not None:
            self._watch(job_id, run, folder)
        elif run.stage == "validating_files":
            self._validate(job_id, run, folder)
        elif run.stage not in ("queued", "paused"):
            self._close(job_id, folder)

    def _discard(self, job_id: str, discarded: dict[str, str], folder: JobFolder) -> None:
        """Delete adapters that are unloaded, and unload the others in a separate thread."""
        for step, name in discarded.items():
            unloading = self._unloading.get(name)
            if unloading is None:
                model = folder.model(int(step))
                self._unloading[name] = self._unloader.submit(self._try_to_unload, name, model)
            elif unloading.done():
                del self._unloading[name]
                if unloading.result():
                    folder.remove_model(int(step))
                    with self._runs.change(job_id) as run:
                        run.discarded.pop(step, None)

    def _try_to_unload(self, name: str, adapter: Path) -> bool:
        """Unload an adapter. Return whether that succeeded; if not, it is repeated after a pause."""
        try:
            self._unload(name, adapter)
        except Exception as error:  # noqa: BLE001  # such as an engine that does not answer
            _log.warning("%s cannot be unloaded yet: %s", name, str(error) or type(error).__name__)
            self._stopped.wait(SECONDS_BETWEEN_UNLOADS)
            return False
        return True

    def _end_without_folder(self, job_id: str, run: Run, folder: JobFolder) -> None:
        """End a run whose folder was deleted. There is nothing to continue from, and nothing that a trainer can save."""
        self._validations.pop(job_id, None)
        attempt = Attempt(folder, run.attempt)
        if run.slot is not None and self._engine.state(attempt).end is None:
            self._engine.stop(attempt, kill=True)
            return
        message = "The job's folder was deleted from the service's data folder: create the job again."
        with self._runs.change(job_id) as stored:
            stored.slot = None
            if stored.wanted != CANCEL:
                stored.fail(self._clock.now(), "server_error", message)

    def _close(self, job_id: str, folder: JobFolder) -> None:
        folder.remove_training_state()
        with self._runs.change(job_id) as run:
            run.open = bool(run.discarded)
        self._forget(job_id, folder)

    def _forget(self, job_id: str, folder: JobFolder) -> None:
        """Release what is only needed for runs with work left, so that memory does not grow with finished ones."""
        self._recorded.pop(job_id, None)
        self._validations.pop(job_id, None)
        self._engine.forget(folder)
        self._runner.unwatch(job_id)

    # Validation

    def _validate(self, job_id: str, run: Run, folder: JobFolder) -> None:
        validation = self._validations.get(job_id)
        if validation is None:
            self._validations[job_id] = self._validators.submit(self._inspect, run, folder)
            return
        if not validation.done():
            return
        del self._validations[job_id]
        found, now = _found(job_id, validation), self._clock.now()
        with self._runs.change(job_id) as stored:
            if stored.stage != "validating_files":
                return
            if isinstance(found, Problem):
                stored.fail(now, **asdict(found))
            else:
                spec = stored.spec
                stored.hyperparameters = resolve(
                    spec.hyperparameters,
                    method=spec.method,
                    rows=found.examples,
                    workers=self._config.engine.workers,
                )
                stored.enter("queued", now)

    def _inspect(self, run: Run, folder: JobFolder) -> Summary | Problem:
        found = _inspect_file(folder.training, run.spec.method, "training_file")
        if isinstance(found, Summary) and run.spec.validation:
            validation = _inspect_file(folder.validation, run.spec.method, "validation_file")
            return validation if isinstance(validation, Problem) else found
        return found

    # Trainers

    def _start_queued(self) -> None:
        runs = self._runs.open()
        occupied = {run.slot for run in runs.values() if run.slot is not None}
        free = deque(slot for slot in range(len(self._devices)) if slot not in occupied)
        for job_id, run in runs.items():
            if run.stage != "queued" or run.slot is not None:
                continue
            with _logged_faults(job_id):
                if free:
                    self._start(job_id, free.popleft())
                else:
                    self._explain_wait(job_id, run)

    def _explain_wait(self, job_id: str, run: Run) -> None:
        slots = len(self._devices)
        reason = "another job trains" if slots == 1 else f"all {slots} slots are in use"
        message = f"The job waits in the queue: {reason}"
        if run.has_notice(message):
            return
        with self._runs.change(job_id) as stored:
            stored.notify(self._clock.now(), message)

    def _start(self, job_id: str, slot: int) -> None:
        """Start the next attempt. After a crash of the server at any point, `_watch` starts the same attempt again."""
        with self._runs.change(job_id) as run:
            if run.stage not in ("queued", "running") or run.wanted != RUN:
                return
            run.slot, run.stopping_since = slot, None
            run.attempt += 1
        self._launch(job_id, run)

    def _launch(self, job_id: str, run: Run) -> None:
        folder = self._runner.folder(job_id)
        base = self._config.find_base(run.spec.base)
        if base is None:
            message = f"The base model {run.spec.base} is no longer in the service's configuration."
            self._fail(job_id, "model_not_available", message, "model")
            return
        spec = run.spec
        folder.write_request(
            {
                "schema": SCHEMA,
                "job": job_id,
                "attempt": run.attempt,
                "base": str(self._config.folder(base)),
                "adapter": str(folder.adapter) if spec.adapter else None,
                "method": spec.method,
                "hyperparameters": run.hyperparameters,
                "learning_rate": base.learning_rate,
                "seed": spec.seed,
                "lora": {"r": base.lora_r, "alpha": base.lora_alpha},
                "max_length": base.max_length,
                "keep_checkpoints": KEPT_CHECKPOINTS,
                "wandb": _wandb(spec.wandb),
            }
        )
        attempt = Attempt(folder, run.attempt)
        try:
            self._engine.start(attempt, self._environment(run))
        except OSError as error:
            _log.error("The training environment cannot be started: %s", error)  # one line
            message = "The training environment cannot be started. Its operator finds the reason in the log."
            self._fail(job_id, "server_error", message)
        else:
            self._note(job_id, run, self._engine.state(attempt), folder)

    def _environment(self, run: Run) -> dict[str, str]:
        assert run.slot is not None
        device = self._devices[run.slot]
        key = self._runner.wandb_key(run.spec.project) if run.spec.wandb else None
        return {
            **({} if device is None else {"CUDA_VISIBLE_DEVICES": device}),
            **({} if key is None else {"WANDB_API_KEY": key}),
        }

    def _watch(self, job_id: str, run: Run, folder: JobFolder) -> None:
        state, version = self._engine.state(Attempt(folder, run.attempt)), folder.version()
        has_reported = version != self._recorded.get(job_id)
        if has_reported or state.end is not None:  # the last reports may share a version
            self._record(job_id, folder)
            self._recorded[job_id] = version
        self._note(job_id, run, state, folder)
        if state.end is not None:
            self._finish(job_id, folder, state.end)
        elif run.wanted != RUN:
            self._stop(job_id, run, folder)

    def _note(self, job_id: str, run: Run, state: State, folder: JobFolder) -> None:
        """Record that a trainer has started, or why it has not."""
        begins = run.stage == "queued" and _is_started(run, state, folder)
        explains = bool(state.notice) and run.wanted == RUN and not run.has_notice(state.notice)
        if not begins and not explains:
            return
        now = self._clock.now()
        with self._runs.change(job_id) as stored:
            if stored.stage == "queued" and begins:
                stored.enter("running", now)
            if explains:
                stored.notify(now, state.notice, state.level)

    def _record(self, job_id: str, folder: JobFolder) -> None:
        progress, steps, models = folder.progress(), folder.finished_steps(), folder.model_steps()
        (last,) = folder.metrics([steps])
        with self._runs.change(job_id) as run:
            run.total_steps = progress.get("total_steps") or run.total_steps
            run.seconds_per_step = progress.get("seconds_per_step") or run.seconds_per_step
            if last is not None and steps > run.step:
                run.step, run.at = steps, last["at"]
            for warning in progress.get("warnings", ()):
                run.notify(self._clock.now(), warning, "warn")
            made = {
                str(step): at for step, at in models.items() if step < run.total_steps and step <= run.step
            }
            run.removed = sorted(
                {*run.removed, *(int(step) for step in run.checkpoints.keys() - made.keys())}
            )
            run.checkpoints = made

    def _stop(self, job_id: str, run: Run, folder: JobFolder) -> None:
        now = self._clock.now()
        was_set_back = run.stopping_since is not None and now < run.stopping_since
        if run.stopping_since is None or was_set_back:
            self._engine.stop(Attempt(folder, run.attempt))
            with self._runs.change(job_id) as stored:
                stored.stopping_since = now
        elif now - run.stopping_since > SECONDS_TO_STOP:
            self._engine.stop(Attempt(folder, run.attempt), kill=True)

    def _finish(self, job_id: str, folder: JobFolder, end: End) -> None:
        """Record the end of a process, and start another attempt if it did not end as it should."""
        with folder.without_trainer() as has_ended:
            if not has_ended:
                return  # an earlier process of the server started a trainer, which has finished loading now
            run, slot = self._record_end(job_id, folder, end)
            if run.slot is None:
                folder.withdraw_request()
        if run.slot is None or slot is None:
            return
        if folder.has_begun(run.attempt) or end.cause is not Cause.UNKNOWN:
            self._start(job_id, slot)
        else:
            self._launch(job_id, run)

    def _record_end(self, job_id: str, folder: JobFolder, end: End) -> tuple[Run, int | None]:
        """Return the run, and the slot that it occupied."""
        result, now = folder.result(), self._clock.now()
        with self._runs.change(job_id) as run:
            slot = run.slot
            if run.wanted == CANCEL:
                run.slot = None
            elif result is not None and folder.has_begun(run.attempt):
                run.slot = None
                _apply_result(run, result, now)
            elif run.wanted == PAUSE:
                run.slot = None
                run.enter("paused", now)
            elif folder.has_begun(run.attempt) or end.cause is not Cause.UNKNOWN:
                self._record_interruption(run, folder, end, now)
        return run, slot

    def _record_interruption(self, run: Run, folder: JobFolder, end: End, now: float) -> None:
        """Record why an attempt ended early. Only crashes count."""
        if end.cause is Cause.CRASHED:
            self._record_crash(run, folder, end, now)
        elif end.cause is Cause.STOPPED:
            run.notify(now, "Training was stopped from outside; it continues", "warn")
        elif end.cause is Cause.UNKNOWN:  # the trainer may have ended together with the server
            message = f"Training was interrupted after step {run.step}; it continues from the last checkpoint"
            run.notify(now, message, "warn")

    def _record_crash(self, run: Run, folder: JobFolder, end: End, now: float) -> None:
        run.crashes += 1
        _log.warning(
            "Attempt %d in %s ended with exit code %s. %s",
            run.attempt,
            folder.path,
            end.exit_code,
            end.detail,
        )
        detail = f" {end.detail}" if end.detail else ""
        if run.crashes >= MAX_ATTEMPTS:
            run.slot = None
            run.fail(
                now,
                "training_failed",
                f"Training ended unexpectedly {MAX_ATTEMPTS} times.{detail} Last output: {folder.last_line_of_log()}",
            )
            return
        message = f"Attempt {run.attempt} ended unexpectedly after step {run.step}; training continues from the last checkpoint"
        run.notify(now, f"{message}.{detail}" if detail else message, "warn")

    def _fail(self, job_id: str, code: str, message: str, param: str | None = None) -> None:
        with self._runs.change(job_id) as run:
            run.slot = None
            run.fail(self._clock.now(), code, message, param)


def _is_started(run: Run, state: State, folder: JobFolder) -> bool:
    """Return whether the trainer of an attempt has started, also if it has ended already."""
    return not state.waits if state.end is None else folder.has_begun(run.attempt)


@contextmanager
def _logged_faults(job_id: str) -> Iterator[None]:
    """Log a fault of a job, which the next round tries again. It must not hold up other jobs."""
    try:
        yield
    except Exception:  # noqa: BLE001
        _log.exception("%s could not be advanced; it is tried again.", job_id)


def _found(job_id: str, validation: Future[Summary | Problem]) -> Summary | Problem:
    """Return the result of a validation. An unexpected error is logged here, and ends the job."""
    try:
        return validation.result()
    except Exception:  # noqa: BLE001  # another try would end in the same way
        _log.exception("The files of %s could not be checked.", job_id)
        message = "The service could not check the job's files. Its operator finds the reason in the log."
        return Problem("server_error", message, None)


def _apply_result(run: Run, result: dict[str, Any], now: float) -> None:
    if result["status"] == "succeeded":
        run.result = result
        run.enter("succeeded", now)
    else:
        run.fail(now, **result["error"])


def _wandb(given: dict[str, Any] | None) -> dict[str, Any] | None:
    if given is None:
        return None
    return {name: given.get(name) for name in ("project", "entity", "name", "tags")}


def _inspect_file(path: Path, method: str, param: str) -> Summary | Problem:
    with path.open("rb") as content:
        return inspect_training_data(content, method=method, param=param)

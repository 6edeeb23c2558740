"""A runner that validates the files, but only simulates training."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from math import inf
from typing import TYPE_CHECKING, Any, ClassVar

from pulumi_openai_ft.emulator.catalog import load_catalog
from pulumi_openai_ft.emulator.clock import Clock, Moment
from pulumi_openai_ft.emulator.simulation import (
    Plan,
    checkpoint_steps,
    plan_training,
    simulated_steps,
    training_step,
)
from pulumi_openai_ft.server.records import Note
from pulumi_openai_ft.server.runner import Dataset, Outcome, Progress, TrainingRequest
from pulumi_openai_ft.server.training_data import Problem, Summary, inspect_training_data

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pulumi_openai_ft.emulator.settings import Settings
    from pulumi_openai_ft.server.store import Table

QUEUED_FROM, RUNNING_FROM = 1 / 6, 2 / 6
PAUSING_TAKES, REQUEUE_TAKES = 1 / 24, 1 / 6
"""Durations as fractions of a job's total duration."""

_REINFORCEMENT_AUTO = {
    "compute_multiplier": 1.0,
    "eval_interval": 1,
    "eval_samples": 1,
    "reasoning_effort": "default",
}


@dataclass(slots=True)
class Run:
    """The progress of a job in simulated seconds.

    Attributes:
        seconds: Total duration.
        real: The clock's `real` at the last update.
        skipped: The clock's `skipped` at the last update.
        done: Progress, from 0 to `seconds`.
        hold: Status in which the job waits, or empty.
        held: Remaining seconds of the wait. Paused jobs wait until they are resumed.
        reached: Time of the current and each earlier status, in Unix seconds.
        plan: Fields of the training plan, once the files are validated.
        problem: Fields of the problem with the files, if any.
    """

    seconds: float
    real: float
    skipped: float
    done: float = 0.0
    hold: str = ""
    held: float = 0.0
    reached: dict[str, float] = field(default_factory=dict)
    plan: dict[str, Any] | None = None
    problem: dict[str, str] | None = None

    @property
    def moment(self) -> Moment:
        """Return the clock's reading at the last update."""
        return Moment(self.real, self.skipped)

    @property
    def status(self) -> str:
        """Return the job status of the API."""
        if self.problem is not None:
            return "failed"
        if self.hold:
            return self.hold
        passed = [state for state, boundary in self._boundaries() if self.done >= boundary]
        return passed[-1] if passed else "validating_files"

    @property
    def share_trained(self) -> float:
        """Return the finished fraction of the training phase, from 0 to 1."""
        start = RUNNING_FROM * self.seconds
        return max(0.0, (self.done - start) / (self.seconds - start)) if self.seconds else 1.0

    def move(self, seconds: float, until: Moment) -> None:
        """Let simulated seconds pass, and record the time of each status reached."""
        start, span = self.moment.now, until.now - self.moment.now
        self.real, self.skipped = until.real, until.skipped

        def date(offset: float) -> float:
            return start + span * (offset / seconds if 0 < seconds < inf else 1.0)

        waited = self._wait(seconds, date)
        if self.hold or self.problem:
            return
        before = self.done
        self.done = min(self.seconds, before + seconds - waited)
        for state, boundary in self._boundaries():
            if self.done >= boundary:
                self.reached.setdefault(state, date(waited + boundary - before))

    def _wait(self, seconds: float, date: Callable[[float], float]) -> float:
        waited = min(seconds, self.held)
        self.held -= waited
        if self.held == 0 and self.hold == "pausing":
            self.hold = "paused"
            self.reached["paused"] = date(waited)
        elif self.held == 0 and self.hold == "queued":
            self.hold = ""
            self.reached["running"] = date(waited)
        return waited

    def _boundaries(self) -> list[tuple[str, float]]:
        shares = (("queued", QUEUED_FROM), ("running", RUNNING_FROM), ("succeeded", 1.0))
        return [(state, share * self.seconds) for state, share in shares]


class SimulatingRunner:
    """A runner whose progress depends on the clock, and whose loss curves depend only on the job's seed."""

    progresses_on_read: ClassVar[bool] = True

    def __init__(self, clock: Clock, notes: Table[Note], settings: Settings) -> None:
        self._clock = clock
        self._notes = notes
        self._settings = settings

    def check(self, order: TrainingRequest) -> None:
        """Accept every job."""

    def discard(self, order: TrainingRequest, step: int, name: str) -> None:
        """Do nothing: there are no weights."""

    def submit(self, order: TrainingRequest) -> None:
        """Start the simulated run."""
        moment = self._clock.moment()
        self._save(order, Run(self._settings.job_seconds, moment.real, moment.skipped))

    def poll(self, order: TrainingRequest) -> Progress:
        """Update the run to the current time, and return its progress."""
        run = self._load(order)
        moment = self._clock.moment()
        run.move(self._clock.moved(order.job_id, run.moment, moment), moment)
        if run.done >= QUEUED_FROM * run.seconds and run.plan is None and run.problem is None:
            self._inspect(order, run)
        self._save(order, run)
        return self._progress(order, run)

    def cancel(self, order: TrainingRequest) -> None:
        """Cancel the run. The metrics of its finished steps remain available."""
        self._save(order, replace(self._load(order), hold="cancelled", held=inf))

    def pause(self, order: TrainingRequest) -> None:
        """Start to pause, which takes `PAUSING_TAKES` of the duration."""
        run = self._load(order)
        self._save(order, replace(run, hold="pausing", held=PAUSING_TAKES * run.seconds))

    def resume(self, order: TrainingRequest) -> None:
        """Queue the run again."""
        run = self._load(order)
        reached = {state: at for state, at in run.reached.items() if state not in ("running", "paused")}
        held = REQUEUE_TAKES * run.seconds
        self._save(order, replace(run, hold="queued", held=held, reached=reached))

    def metrics(self, order: TrainingRequest, steps: Iterable[int]) -> list[dict[str, float]]:
        """Compute the metrics of steps from the seed."""
        plan = _plan(self._load(order))
        return [self._step(order, plan, step) for step in steps]

    def outcome(self, order: TrainingRequest) -> Outcome:
        """Return the result of the plan."""
        plan = _plan(self._load(order))
        validation = order.validation is not None
        steps = simulated_steps(plan, seed=order.seed, method=order.kind, validation=validation)
        return Outcome(plan.trained_tokens, checkpoint_steps(plan), steps)

    def _inspect(self, order: TrainingRequest, run: Run) -> None:
        training = self._read(order, order.training, "training_file")
        found: list[Summary | Problem] = [training]
        if order.validation is not None:
            found.append(self._read(order, order.validation, "validation_file"))
        problems = [finding for finding in found if isinstance(finding, Problem)]
        if problems:
            run.problem = asdict(problems[0])
            run.reached = {"failed": run.reached["queued"]}
        elif isinstance(training, Summary):
            run.plan = asdict(plan_training(training, _with_beta(order)))

    def _read(self, order: TrainingRequest, dataset: Dataset, param: str) -> Summary | Problem:
        service = self._settings.rules.service
        base = load_catalog(service).find(order.base)
        length = base.context_length if base else None
        try:
            with dataset.open() as content:
                return inspect_training_data(
                    content, method=order.kind, param=param, context_length=length, service=service
                )
        except FileNotFoundError:
            return Problem(
                "invalid_training_file", f"File {dataset.file_id} was deleted before it was read.", param
            )

    def _progress(self, order: TrainingRequest, run: Run) -> Progress:
        if run.plan is None:
            problem = None if run.problem is None else Problem(**run.problem)
            return Progress(run.status, run.moment.now, run.reached, problem=problem)
        plan = _plan(run)
        step = int(plan.total_steps * run.share_trained)
        return Progress(
            status=run.status,
            at=run.reached.get("succeeded", run.moment.now),
            reached=run.reached,
            step=step,
            total_steps=plan.total_steps,
            hyperparameters=_resolved(order, plan),
            checkpoints={step: run.reached["paused"]} if step and run.status == "paused" else {},
            estimated_finish=run.moment.now + (run.seconds - run.done) / (self._clock.speed or 1.0),
        )

    def _step(self, order: TrainingRequest, plan: Plan, step: int) -> dict[str, float]:
        validation = order.validation is not None
        measured = training_step(plan, step, seed=order.seed, method=order.kind, validation=validation)
        found = {name: value for name, value in measured._asdict().items() if value is not None}
        if order.kind == "reinforcement":
            return {
                name: value for name, value in found.items() if "loss" not in name and "token" not in name
            }
        return found

    def _load(self, order: TrainingRequest) -> Run:
        note = self._notes.get(order.job_id)
        assert note is not None, "submit the request before you poll it"
        return Run(**note.content)

    def _save(self, order: TrainingRequest, run: Run) -> None:
        self._notes.put(Note(id=order.job_id, created_at=run.moment.now, content=asdict(run)))


def _plan(run: Run) -> Plan:
    assert run.plan is not None, "a run has a plan before it has steps"
    return Plan(**run.plan)


def _with_beta(order: TrainingRequest) -> dict[str, Any]:
    default = {"beta": "auto"} if order.kind == "dpo" else {}
    return {**default, **order.hyperparameters}


def _resolved(order: TrainingRequest, plan: Plan) -> dict[str, Any]:
    resolved: dict[str, Any] = {
        "n_epochs": plan.n_epochs,
        "batch_size": plan.batch_size,
        "learning_rate_multiplier": plan.learning_rate_multiplier,
    }
    if order.kind == "dpo":
        resolved["beta"] = plan.beta
    if order.kind == "reinforcement":
        requested = order.hyperparameters
        resolved |= {
            name: requested[name] if requested.get(name, "auto") != "auto" else automatic
            for name, automatic in _REINFORCEMENT_AUTO.items()
        }
    return resolved

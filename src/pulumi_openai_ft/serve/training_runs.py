"""The stored state of training runs. Requests write intents into it; `training_loop` carries them out."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft.server.records import Note

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pulumi_openai_ft.server.store import Store

RUN, PAUSE, CANCEL = "run", "pause", "cancel"


@dataclass(frozen=True)
class Spec:
    """A training run as it was ordered.

    Attributes:
        project: Project of the job.
        base: Id of the base model.
        method: supervised or dpo.
        hyperparameters: Numbers, or "auto".
        seed: Seed of the run.
        validation: Whether the run has a validation file.
        adapter: Whether the run continues from a fine-tuned model.
        wandb: Settings of the Weights & Biases integration, if any.
    """

    project: str
    base: str
    method: str
    hyperparameters: dict[str, Any]
    seed: int
    validation: bool
    adapter: bool
    wandb: dict[str, Any] | None


@dataclass
class Run:
    """A training run. Times are Unix seconds.

    Attributes:
        spec: The run as it was ordered.
        queued_at: Time that determines the place in the queue.
        stage: Status of the job in the API.
        reached: Time of the current and each earlier status.
        wanted: Intent of the latest request: run, pause or cancel.
        attempt: Number of the latest attempt, from 1.
        crashes: Number of attempts that ended unexpectedly.
        slot: Occupied slot. A slot is occupied until the process has exited.
        stopping_since: Time at which the process was asked to stop.
        hyperparameters: Hyperparameters as numbers, once the files are validated.
        step: Number of finished steps.
        total_steps: Number of all steps.
        at: Time of the last step.
        seconds_per_step: Average duration of a step.
        problem: Reason of a failure, if any.
        result: Result of a succeeded run.
        notices: Time, message and level of all messages for the job's events.
        checkpoints: Time of each published adapter, by step.
        removed: Steps whose adapters no longer exist.
        discarded: Names of the models whose adapters must be deleted, by step.
        open: Whether there is work left.
    """

    spec: Spec
    queued_at: float
    stage: str = "validating_files"
    reached: dict[str, float] = field(default_factory=dict)
    wanted: str = RUN
    attempt: int = 0
    crashes: int = 0
    slot: int | None = None
    stopping_since: float | None = None
    hyperparameters: dict[str, Any] = field(default_factory=dict)
    step: int = 0
    total_steps: int = 0
    at: float = 0.0
    seconds_per_step: float | None = None
    problem: dict[str, Any] | None = None
    result: dict[str, Any] | None = None
    notices: list[list[Any]] = field(default_factory=list)
    checkpoints: dict[str, float] = field(default_factory=dict)
    removed: list[int] = field(default_factory=list)
    discarded: dict[str, str] = field(default_factory=dict)
    open: bool = True

    def enter(self, stage: str, at: float) -> None:
        """Reach a stage."""
        self.stage = stage
        self.reached[stage] = at

    def has_notice(self, message: str) -> bool:
        """Return whether the run has a message since it was queued."""
        return any(text == message and time >= self.queued_at for time, text, _ in self.notices)

    def notify(self, at: float, message: str, level: str = "info") -> None:
        """Add a message, unless the run has it since it was queued. The clock may have been set back since then."""
        if not self.has_notice(message):
            self.notices.append([max(at, self.queued_at), message, level])

    def fail(self, at: float, code: str, message: str, param: str | None = None) -> None:
        """End with an error."""
        self.problem = {"code": code, "message": message, "param": param}
        self.enter("failed", at)


class TrainingRuns:
    """The training runs of a store, by job id."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._changed: set[str] = set()

    def add(self, job_id: str, run: Run) -> None:
        """Add a new run."""
        self._put(job_id, run)

    def get(self, job_id: str) -> Run:
        """Return a run."""
        note = self._store.notes.get(job_id)
        assert note is not None, "submit the request before you use it"
        return _run(note)

    @contextmanager
    def change(self, job_id: str) -> Iterator[Run]:
        """Return a run, and store its changes at the end. Do nothing slow in between."""
        with self._store.transaction():
            run = self.get(job_id)
            before = _text(run)
            yield run
            if _text(run) != before:
                self._put(job_id, run)

    def open(self) -> dict[str, Run]:
        """Return all runs with work left, in the order of the queue."""
        runs = {note.id: _run(note) for note in self._store.notes.find({"open": True})}
        return dict(sorted(runs.items(), key=lambda item: item[1].queued_at))

    def take_changed(self) -> set[str]:
        """Return the ids of the runs that were added or changed since the last call."""
        with self._store.transaction():  # a request that changes a run may not have committed yet
            changed, self._changed = self._changed, set()
        return changed

    def ids(self) -> set[str]:
        """Return the ids of all runs."""
        return self._store.notes.ids()

    def _put(self, job_id: str, run: Run) -> None:
        note = Note(id=job_id, created_at=run.queued_at, content=_content(run), open=run.open)
        self._store.notes.put(note)
        self._changed.add(job_id)


def _run(note: Note) -> Run:
    return Run(**{**note.content, "spec": Spec(**note.content["spec"]), "open": bool(note.open)})


def _content(run: Run) -> dict[str, Any]:
    """Return the content of a run's note. Its values are those of the run, not copies."""
    return {name: value for name, value in vars(run).items() if name != "open"} | {"spec": vars(run.spec)}


def _text(run: Run) -> str:
    return json.dumps([run.open, _content(run)])

"""The interface behind which jobs are trained; whoever is behind it, the rest of the emulator cannot tell."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pulumi_openai_ft.emulator.training_data import Problem


@dataclass(frozen=True)
class Dataset:
    """An uploaded file. `open` raises FileNotFoundError where it was deleted."""

    file_id: str
    open: Callable[[], BinaryIO]


@dataclass(frozen=True)
class TrainingRequest:
    """What is to be trained. `method` is the API's method object, `base` the model without `ft:` parts."""

    job_id: str
    model: str
    base: str
    method: Mapping[str, Any]
    seed: int
    training: Dataset
    validation: Dataset | None

    @property
    def kind(self) -> str:
        """The method: supervised, dpo or reinforcement."""
        return str(self.method["type"])

    @property
    def hyperparameters(self) -> Mapping[str, Any]:
        """The method's hyperparameters as ordered: numbers, or "auto"."""
        found: Mapping[str, Any] = self.method[self.kind]["hyperparameters"]
        return found


@dataclass(frozen=True)
class Progress:
    """Where a run stands; asking again changes nothing.

    `status` is a state of the API. `reached` dates the states that the run has passed, and its present one, in unix
    seconds. `at` dates the newest step. `hyperparameters` are resolved once the run has left the queue.
    """

    status: str
    at: float
    reached: Mapping[str, float] = field(default_factory=dict)
    step: int = 0
    total_steps: int = 0
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    estimated_finish: float | None = None
    problem: Problem | None = None


@dataclass(frozen=True)
class Outcome:
    """What a finished run leaves behind: billed tokens, the steps with a kept checkpoint, the metrics as CSV."""

    trained_tokens: int
    checkpoint_steps: list[int]
    result_csv: str


class Runner(Protocol):
    """Trains. It keeps its own notes, so that a run outlives the process; every call names the order again."""

    def submit(self, order: TrainingRequest) -> None:
        """Takes the order on. Validating the files belongs to the run."""

    def poll(self, order: TrainingRequest) -> Progress:
        """Says where the run stands."""

    def cancel(self, order: TrainingRequest) -> None:
        """Ends the run for good."""

    def pause(self, order: TrainingRequest) -> None:
        """Stops a running run after its present step."""

    def resume(self, order: TrainingRequest) -> None:
        """Queues a paused run again; it goes on where it stopped."""

    def metrics(self, order: TrainingRequest, steps: Iterable[int]) -> list[dict[str, float]]:
        """The measurements of steps that the run has done, under the API's names."""

    def outcome(self, order: TrainingRequest) -> Outcome:
        """What a succeeded run leaves behind."""

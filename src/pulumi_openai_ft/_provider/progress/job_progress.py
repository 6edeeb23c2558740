"""Progress of a job: a status line that is updated in place, and permanent messages about milestones."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from pulumi_openai_ft._provider.progress.metrics import displayed_metrics
from pulumi_openai_ft._shared.clock import REAL_TIME, TimeSource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pulumi_openai_ft._client.objects import Event, Job
    from pulumi_openai_ft._provider.progress.metrics import MetricValue

SHORTEST, LONGEST, GROWTH = 0.5, 30.0, 1.1
"""Interval between updates of the line: first and maximum interval in seconds, and growth factor."""
PROMPT = 20
"""Maximum number of status changes displayed immediately. Later changes are throttled like other updates."""
MOST_MESSAGES = 50
"""Maximum number of messages per job, because a service may send a warning with each step."""
ENOUGH_STEPS, ENOUGH_SECONDS, FARTHEST = 3, 15.0, 100.0
"""Minimum steps and seconds measured before the remaining time is estimated, and its maximum in multiples of them."""
LONGEST_LEFT = 30 * 86400
LONGEST_STATUS, LONGEST_MESSAGE = 40, 500
EVENTS_WITH_METRICS = 20
"""Number of latest events that are searched for metrics. Older metrics are not displayed."""

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
_MILESTONE = re.compile(r"checkpoint|moderation|usage polic", re.IGNORECASE)
_MODEL_NAME = re.compile(r"\bft:\S+")
_LEVELS = {"warn": "warning", "warning": "warning", "error": "error", "critical": "error", "fatal": "error"}


@dataclass(slots=True)
class JobProgress:
    """Progress of a job, updated with each poll.

    Attributes:
        job_id: Id of the job.
        time: Clocks.
    """

    job_id: str
    time: TimeSource = REAL_TIME
    _job: Job | None = None
    _latest: dict[str, MetricValue] = field(default_factory=dict)
    _speed_start: _SpeedStart | None = None
    _seen: set[tuple[object, ...]] = field(default_factory=set)
    _reported: set[str] = field(default_factory=set)
    _unreported: list[str] = field(default_factory=list)

    @property
    def status(self) -> str:
        """Status of the job. Empty before the first update."""
        return in_one_line(self._job.status, LONGEST_STATUS) if self._job else ""

    def update(self, job: Job, events: Sequence[Event]) -> None:
        """Record the current job and its events.

        Args:
            job: The job.
            events: The latest events of the job, newest first (`GET /fine_tuning/jobs/{id}/events`). They may include
                events of earlier updates.
        """
        self._job = job
        unseen = {key: event for event in events if (key := event_key(event)) not in self._seen}
        self._seen.update(unseen)
        new = list(unseen.values())
        for event in new[:EVENTS_WITH_METRICS]:
            for name, metric in displayed_metrics(event).items():
                self._latest[name] = max(metric, self._latest.get(name, metric))
        self._measure_speed()
        self._collect_milestones(job, new)

    def line(self) -> str:
        """Return the full line: `running · step 120/400 (30 %) · loss 0.512 · 12 min 5 s · about 28 min left`."""
        return joined(self.stable_part(), self.elapsed(), self.left())

    def stable_part(self) -> str:
        """Return the line without the parts that change only because time passes."""
        return joined(self.status, self._steps(), self._losses())

    @property
    def position(self) -> Position | None:
        """Step of the training, or None before the first step."""
        return Position(self._value("step"), self._value("steps")) if "step" in self._latest else None

    def elapsed(self) -> str:
        """Return how long the job has existed, or existed until it ended; empty if unknown."""
        seconds = self._job.duration(self.time.wall()) if self._job else None
        return "" if seconds is None else duration_text(seconds)

    def left(self) -> str:
        """Return the estimated time until the job ends, such as `about 28 min left`, or empty if unknown."""
        left = self._left()
        return f"about {duration_text(left)} left" if left else ""

    def milestones(self) -> list[str]:
        """Return new messages about checkpoints, moderation, warnings, errors and the model's name, oldest first.

        No message is returned twice. The job's own `error` is omitted because it is reported with the job's failure.
        """
        new, self._unreported = self._unreported, []
        return new

    def _value(self, name: str) -> int:
        return int(self._latest[name].value) if name in self._latest else 0

    def _steps(self) -> str:
        if self.position is None:
            return ""
        step, steps = self.position
        return f"step {step}/{steps} ({100 * step // steps} %)" if 0 < steps >= step else f"step {step}"

    def _losses(self) -> str:
        training, validation = self._latest.get("training"), self._latest.get("validation")
        parts = [f"{training.kind} {training.value:#.3g}"] if training else []
        parts += [f"validation {validation.value:#.3g}"] if validation else []
        return ", ".join(parts)

    def _left(self) -> int:
        """Return the estimated seconds until the job ends, rounded, or 0 if unknown."""
        if not self._job or self._job.is_terminal or self._job.status == "paused":
            return 0
        estimate = (self._job.estimated_finish or 0) - int(self.time.wall())
        left = estimate if 0 < estimate <= LONGEST_LEFT else self._left_at_measured_speed()
        unit = next((unit for unit in (300, 60) if left > 12 * unit), 10)
        return max(1, round(left / unit)) * unit if 0 < left <= LONGEST_LEFT else 0

    def _left_at_measured_speed(self) -> float:
        if not self._speed_start:
            return 0
        step = self._value("step")
        steps, seconds = step - self._speed_start.step, self.time.clock() - self._speed_start.clock
        if steps < ENOUGH_STEPS or seconds < ENOUGH_SECONDS:
            return 0
        left = (self._value("steps") - step) * seconds / steps
        return left if left <= seconds * FARTHEST else 0

    def _measure_speed(self) -> None:
        """Start the measurement with the first step, and restart it when the status changes or steps decrease."""
        phase, step = (self.status, self._value("steps")), self._value("step")
        start = self._speed_start
        is_same = start and start.phase == phase and start.step <= step
        if "step" in self._latest and not is_same:
            self._speed_start = _SpeedStart(phase, self.time.clock(), step)

    def _collect_milestones(self, job: Job, events: Sequence[Event]) -> None:
        model = f"job {self.job_id} created model {job.fine_tuned_model}"
        omitted = (
            f"job {self.job_id}: further messages are omitted; get_fine_tuning_events returns all of them"
        )
        dated: list[tuple[float, str]] = [
            (e.created_at or 0, self._milestone(job, e)) for e in reversed(events)
        ]
        if job.fine_tuned_model:
            dated.append((job.finished_at or math.inf, model))
        for _, text in sorted(dated, key=itemgetter(0)):
            if text and text not in self._reported:
                self._add_milestone(text if text == model or len(self._reported) < MOST_MESSAGES else omitted)

    def _add_milestone(self, text: str) -> None:
        if text not in self._reported:
            self._reported.add(text)
            self._unreported.append(text)

    def _milestone(self, job: Job, event: Event) -> str:
        """Return a message about an event, or an empty string if the event is not a milestone."""
        if event.type == "metrics" and event.level == "info":
            return ""
        text = in_one_line(event.message or event.type or "", LONGEST_MESSAGE)
        if level := _LEVELS.get(event.level.lower()):
            is_job_error = job.error and job.error.message == event.message
            return "" if is_job_error else f"job {self.job_id}: {level}: {text}"
        topic = f"{event.type} {_MODEL_NAME.sub('', text)}"  # a model's name contains text that users choose
        return f"job {self.job_id}: {text}" if event.type != "metrics" and _MILESTONE.search(topic) else ""


@dataclass(slots=True)
class Throttle:
    """A limit on the frequency of status lines, which keeps the log of a long job readable.

    Attributes:
        time: Clock.
    """

    time: TimeSource = REAL_TIME
    _displayed: str = ""
    _status: str = ""
    _next: float = -math.inf
    _interval: float = SHORTEST
    _prompt: int = PROMPT

    def due(self, content: str, status: str = "") -> bool:
        """Return whether to display a line now, and if so, record it as displayed.

        Call it again later for a line that is not due yet.

        Args:
            content: The line without the parts that change only because time passes.
            status: The status. A change is displayed immediately.
        """
        now = self.time.clock()
        if content == self._displayed or not (now >= self._next or self._is_prompt(status)):
            return False
        self._displayed, self._status = content, status
        self._next, self._interval = now + self._interval, min(self._interval * GROWTH, LONGEST)
        return True

    def _is_prompt(self, status: str) -> bool:
        if status == self._status or not self._prompt:
            return False
        self._prompt -= 1
        return True


class Position(NamedTuple):
    """The position of a training: the current step and the total number of steps, 0 if unknown."""

    step: int
    steps: int


class _SpeedStart(NamedTuple):
    """The start of a speed measurement: status and total number of steps, seconds on the clock, step."""

    phase: tuple[str, int]
    clock: float
    step: int


def event_key(event: Event) -> tuple[object, ...]:
    """Return a value that identifies an event, even if the service does not return unique ids."""
    return event.id, event.created_at, event.message, str(event.data)


def in_one_line(text: str, longest: int) -> str:
    """Return a text in one line, without control characters, and truncated to a number of characters."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    line = " ".join(printable.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def joined(*parts: str) -> str:
    """Join the parts of a line that are not empty."""
    return " · ".join(part for part in parts if part)


def duration_text(seconds: int) -> str:
    """Return a duration in its two largest units, such as `12 min 5 s`."""
    parts: list[str] = []
    for size, unit in _UNITS:
        count, seconds = divmod(seconds, size)
        if count or parts:
            parts.append(f"{count} {unit}" if count else "")
    return " ".join(part for part in parts[:2] if part) or "0 s"

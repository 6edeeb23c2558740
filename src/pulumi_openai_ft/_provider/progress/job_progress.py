"""What is shown of things that take long: one line that changes, and milestones that stay."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from pulumi_openai_ft._provider.progress.metrics import parse_metrics
from pulumi_openai_ft._shared.clock import REAL_TIME, TimeSource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pulumi_openai_ft._client.objects import Event, Job
    from pulumi_openai_ft._provider.progress.metrics import MetricValue

SHORTEST, LONGEST, GROWTH = 0.5, 30.0, 1.1
"""Seconds between two lines: the first interval, the longest, and the factor from each to the next."""
PROMPT = 20
"""Changes of status that are shown at once; one that flaps longer waits like everything else."""
MOST_MESSAGES = 50
"""Messages of one job that are kept: a service may warn at each step."""
ENOUGH_STEPS, ENOUGH_SECONDS, FARTHEST = 3, 15.0, 100.0
"""What must be seen of a speed before it tells the future, and how many times as far it then reaches."""
LONGEST_LEFT = 30 * 86400
LONGEST_STATUS, LONGEST_MESSAGE = 40, 500
TELLING = 20
"""Newest events whose figures are read: what is older is not shown any more."""

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
_KEPT = re.compile(r"checkpoint|moderation|usage polic", re.IGNORECASE)
_MODEL_NAME = re.compile(r"\bft:\S+")
_LEVELS = {"warn": "warning", "warning": "warning", "error": "error", "critical": "error", "fatal": "error"}


@dataclass
class JobProgress:
    """How far a job is, from what the service shows of it again and again.

    Attributes:
        job_id: The job.
        created_at: When it was created, in Unix seconds; 0 where that is not known.
        time: Clocks.
    """

    job_id: str
    created_at: int
    time: TimeSource = REAL_TIME
    _job: Job | None = None
    _newest: dict[str, MetricValue] = field(default_factory=dict)
    _mark: _Mark | None = None
    _seen: set[tuple[object, ...]] = field(default_factory=set)
    _told: set[str] = field(default_factory=set)
    _untold: list[str] = field(default_factory=list)

    @property
    def status(self) -> str:
        """The job's status; blank before it was seen."""
        return _in_one_line(self._job.status, LONGEST_STATUS) if self._job else ""

    def update(self, job: Job, events: Sequence[Event]) -> None:
        """Takes note of the job as it is now.

        Args:
            job: The job.
            events: The newest of its events, newest first (`GET /fine_tuning/jobs/{id}/events`), whether earlier
                calls had them or not.
        """
        self._job = job
        marked = {mark: event for event in events if (mark := _mark_of(event)) not in self._seen}
        self._seen.update(marked)
        new = list(marked.values())
        for event in new[:TELLING]:
            for name, figure in parse_metrics(event).items():
                self._newest[name] = max(figure, self._newest.get(name, figure))
        self._watch_speed()
        self._keep(job, new)

    def line(self) -> str:
        """All of it, as `running · step 120/400 (30 %) · loss 0.512 · 12 min 5 s · about 28 min left`."""
        left = self._left()
        return joined(self.stable_part(), self._elapsed(), f"about {_duration(left)} left" if left else "")

    def stable_part(self) -> str:
        """The line without what changes by the mere passing of time."""
        return joined(self.status, self._steps(), self._losses())

    def milestones(self) -> list[str]:
        """What is worth keeping and was not given yet, in order of time, nothing twice.

        These are checkpoints, moderation, warnings, errors and the model's name. The error that the job itself shows
        is left to who reports that it failed.
        """
        untold, self._untold = self._untold, []
        return untold

    def _value(self, name: str) -> int:
        return int(self._newest[name].value) if name in self._newest else 0

    def _steps(self) -> str:
        if "step" not in self._newest:
            return ""
        step, steps = self._value("step"), self._value("steps")
        return f"step {step}/{steps} ({100 * step // steps} %)" if 0 < steps >= step else f"step {step}"

    def _losses(self) -> str:
        training, validation = self._newest.get("training"), self._newest.get("validation")
        told = [f"{training.kind} {training.value:#.3g}"] if training else []
        told += [f"validation {validation.value:#.3g}"] if validation else []
        return ", ".join(told)

    def _elapsed(self) -> str:
        now = int(self.time.wall())
        end = min(self._job.finished_at or now, now) if self._job else now
        return _duration(max(0, end - self.created_at)) if self.created_at > 0 else ""

    def _left(self) -> int:
        """Seconds until the job is likely to be done, roughly, or 0 where nobody can tell."""
        if not self._job or self._job.is_terminal or self._job.status == "paused":
            return 0
        told = (self._job.estimated_finish or 0) - int(self.time.wall())
        left = told if 0 < told <= LONGEST_LEFT else self._left_at_this_speed()
        grain = next((grain for grain in (300, 60) if left > 12 * grain), 10)
        return max(1, round(left / grain)) * grain if 0 < left <= LONGEST_LEFT else 0

    def _left_at_this_speed(self) -> float:
        if not self._mark:
            return 0
        step = self._value("step")
        steps, seconds = step - self._mark.step, self.time.clock() - self._mark.clock
        if steps < ENOUGH_STEPS or seconds < ENOUGH_SECONDS:
            return 0
        left = (self._value("steps") - step) * seconds / steps
        return left if left <= seconds * FARTHEST else 0

    def _watch_speed(self) -> None:
        """Measures from where steps were first seen: in this status, and since they last went backwards."""
        phase, step = (self.status, self._value("steps")), self._value("step")
        is_same = self._mark and self._mark.phase == phase and self._mark.step <= step
        if "step" in self._newest and not is_same:
            self._mark = _Mark(phase, self.time.clock(), step)

    def _keep(self, job: Job, events: Sequence[Event]) -> None:
        model = f"job {self.job_id} made model {job.fine_tuned_model}"
        further = f"job {self.job_id}: further messages are not shown; get_fine_tuning_events has them all"
        dated: list[tuple[float, str]] = [(e.created_at, self._message(job, e)) for e in reversed(events)]
        if job.fine_tuned_model:
            dated.append((job.finished_at or math.inf, model))
        for _, text in sorted(dated, key=itemgetter(0)):
            if text and text not in self._told:
                self._tell(text if text == model or len(self._told) < MOST_MESSAGES else further)

    def _tell(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self._untold.append(text)

    def _message(self, job: Job, event: Event) -> str:
        """What is worth keeping of an event, or nothing."""
        if event.type == "metrics" and event.level == "info":
            return ""
        text = _in_one_line(event.message or event.type or "", LONGEST_MESSAGE)
        if level := _LEVELS.get(event.level.lower()):
            is_the_jobs_own = job.error and job.error.message == event.message
            return "" if is_the_jobs_own else f"job {self.job_id}: {level}: {text}"
        what = f"{event.type} {_MODEL_NAME.sub('', text)}"  # users choose a part of a model's name
        return f"job {self.job_id}: {text}" if event.type != "metrics" and _KEPT.search(what) else ""


@dataclass
class Throttle:
    """Lets so many lines pass that people see what happens, and so few that a log of hours stays readable.

    Attributes:
        time: Clock.
    """

    time: TimeSource = REAL_TIME
    _shown: str = ""
    _status: str = ""
    _next: float = -math.inf
    _interval: float = SHORTEST
    _prompt: int = PROMPT

    def due(self, content: str, status: str = "") -> bool:
        """Whether a line is to be shown now; who is told so shows it.

        What is not due yet is due later, unless it is what was shown last: asking again is all it takes.

        Args:
            content: The line without what changes by the mere passing of time.
            status: What is shown at once when it has changed.
        """
        now = self.time.clock()
        if content == self._shown or not (now >= self._next or self._is_prompt(status)):
            return False
        self._shown, self._status = content, status
        self._next, self._interval = now + self._interval, min(self._interval * GROWTH, LONGEST)
        return True

    def _is_prompt(self, status: str) -> bool:
        if status == self._status or not self._prompt:
            return False
        self._prompt -= 1
        return True


class _Mark(NamedTuple):
    """Where a speed is measured from: status and number of steps, seconds on the clock, step."""

    phase: tuple[str, int]
    clock: float
    step: int


def _mark_of(event: Event) -> tuple[object, ...]:
    """Tells events apart, also those of services that give no ids of their own."""
    return event.id, event.created_at, event.message, str(event.data)


def _in_one_line(text: str, longest: int) -> str:
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    line = " ".join(printable.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def joined(*parts: str) -> str:
    """The parts of a line that say something."""
    return " · ".join(part for part in parts if part)


def _duration(seconds: int) -> str:
    """The two largest units, as `12 min 5 s`."""
    parts: list[str] = []
    for size, unit in _UNITS:
        count, seconds = divmod(seconds, size)
        if count or parts:
            parts.append(f"{count} {unit}" if count else "")
    return " ".join(part for part in parts[:2] if part) or "0 s"

"""A request with all its tries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tenacity

from pulumi_openai_ft._client.retries import is_repeatable, pause_before
from pulumi_openai_ft.errors import RateLimitError, RequestError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pulumi_openai_ft._client.error_mapping import Answer, Call
    from pulumi_openai_ft._client.rate_limit import Pace, Time


@dataclass
class Operation:
    """A request with all its tries, under one deadline.

    Attributes:
        call: What is asked of whom.
        send: Sends it once, under a deadline on the clock. Raises `RequestError` where no answer comes.
        read: Makes the result out of a good answer. Its ValueError says why there is none.
        time: Clocks and sleep.
        pace: Paces the tries, if they are to be paced.
        idempotent: Whether it does no harm where it acts more than once.
        guard: Called before each try; raises where there must be none.
        tries: How often it was sent.
        began: When, on the clock.
        deadline: When it ends in any case, on the clock.
        out_of_time: Whether the deadline kept it from another try.
    """

    call: Call
    send: Callable[[float], Answer]
    read: Callable[[Answer], Any]
    time: Time
    pace: Pace | None
    idempotent: bool = False
    guard: Callable[[], None] = lambda: None
    tries: int = 0
    began: float = 0.0
    deadline: float = 0.0
    out_of_time: bool = False

    def run(self) -> Any:
        """Tries until the answer is good or another try is of no use.

        Raises:
            RequestError: What the last try failed with.
            OpenAIFTError: Whatever the guard raises.
        """
        self.began = self.time.clock()
        self.deadline = self.began + self.call.settings.operation_timeout
        retrying = tenacity.Retrying(
            sleep=self.time.sleep,
            stop=self._has_to_stop,
            wait=self._pause,
            retry=tenacity.retry_if_exception(self._is_repeatable),
            reraise=True,
        )
        try:
            return retrying(self._try)
        except RequestError as error:
            error.tries, error.history = self.tries, self._history()
            raise

    def _try(self) -> Any:
        rate = self.call.settings.admin_requests_per_minute
        if self.pace:
            self.deadline += self.pace.wait(rate)
        self.guard()
        self.tries += 1
        try:
            return self._good(self.send(self.deadline))
        except RateLimitError as error:
            if self.pace:
                self.pace.slow_down(rate, error.retry_after)
            raise

    def _good(self, answer: Answer) -> Any:
        now = self.time.wall()
        if not answer.is_success:
            raise self.call.refused(answer, now)
        try:
            return self.read(answer)
        except (ValueError, RecursionError) as error:
            raise self.call.unreadable(answer, now, str(error)) from error

    def _is_repeatable(self, error: BaseException) -> bool:
        return is_repeatable(error, self.call.method, idempotent=self.idempotent)

    def _pause(self, state: tenacity.RetryCallState) -> float:
        return pause_before(self.tries + 1, state.outcome.exception() if state.outcome else None)

    def _has_to_stop(self, state: tenacity.RetryCallState) -> bool:
        if self.tries > self.call.settings.max_retries:
            return True
        self.out_of_time = self.time.clock() + state.upcoming_sleep >= self.deadline
        return self.out_of_time

    def _history(self) -> str:
        seconds = self.time.clock() - self.began
        limit = f"openai-ft:operationTimeout ({self.call.settings.operation_timeout:g} s) leaves no time for another try"
        parts = [
            f"tried {self.tries} times in {seconds:.0f} s" if self.tries > 1 else "",
            limit if self.out_of_time else "",
        ]
        return "; ".join(part for part in parts if part)

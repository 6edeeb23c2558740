from __future__ import annotations

import json
from typing import Any

import pytest
from tests.fake_clock import WALL, FakeClock

from pulumi_openai_ft import errors
from pulumi_openai_ft._client.error_mapping import Answer, Call
from pulumi_openai_ft._client.operation import Operation
from pulumi_openai_ft._client.rate_limit import Pace
from pulumi_openai_ft._settings import Settings

ADMIN = "sk-admin-0123456789abcdef"


def refusal(status: int, code: str | None = None, **headers: str) -> Answer:
    body = json.dumps({"error": {"message": "no", "code": code}}).encode()
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


class Script:
    """Answers in order, each after some seconds, then with 200."""

    def __init__(self, *answers: Answer | Exception, seconds: float = 0.0) -> None:
        self.answers, self.seconds = list(answers), seconds
        self.sleeper, self.deadlines = FakeClock(WALL), list[float]()

    def send(self, deadline: float) -> Answer:
        self.deadlines.append(deadline)
        self.sleeper.now += self.seconds
        answer = self.answers.pop(0) if self.answers else Answer(200, {}, b"fine")
        if isinstance(answer, Exception):
            raise answer
        return answer

    def operation(
        self, method: Any = "GET", *, pace: Pace | None = None, read: Any = None, **settings: Any
    ) -> Operation:
        call = Call(
            Settings(api_key="sk-project", admin_key=ADMIN, **settings), pace is not None, method, "/x"
        )
        return Operation(call, self.send, read or (lambda answer: answer.content), self.sleeper.time, pace)

    def error(self, **options: Any) -> errors.RequestError:
        with pytest.raises(errors.RequestError) as caught:
            self.operation(**options).run()
        return caught.value


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_repeats_what_can_be_repeated(method: str, status: int) -> None:
    script = Script(refusal(status))

    assert script.operation(method).run() == b"fine"
    assert len(script.deadlines) == 2


def test_gives_up_after_the_configured_number_of_tries_and_tells_it() -> None:
    script = Script(*[refusal(500)] * 9, seconds=10)

    error = script.error(max_retries=3)

    assert (error.tries, len(script.deadlines)) == (4, 4)
    assert str(error).endswith(f"; tried 4 times in {script.sleeper.now - WALL:.0f} s")


def test_a_single_try_is_not_told() -> None:
    error = Script(refusal(400)).error()

    assert error.tries == 1
    assert "tried" not in str(error)


def test_the_tries_are_told_also_where_the_last_one_ends_them() -> None:
    error = Script(refusal(500), refusal(401)).error()

    assert isinstance(error, errors.AuthenticationError)
    assert "; tried 2 times in " in str(error)


def test_pauses_as_long_as_the_service_asks() -> None:
    script = Script(refusal(429, retry_after="7"), refusal(429, retry_after_ms="250"))

    script.operation().run()

    assert script.sleeper.pauses == [7, 0.25]


def test_backs_off_with_jitter() -> None:
    script = Script(*[refusal(500)] * 4)

    script.operation(max_retries=4).run()

    for pause, longest in zip(script.sleeper.pauses, [0.5, 1, 2, 4], strict=True):
        assert 0.75 * longest <= pause <= longest


def test_all_tries_share_one_deadline() -> None:
    script = Script(refusal(500), refusal(500), seconds=10)

    script.operation(operation_timeout=60).run()

    assert script.deadlines == [WALL + 60] * 3


def test_no_pause_goes_beyond_the_deadline() -> None:
    script = Script(refusal(429, retry_after="50"), refusal(429, retry_after="50"))

    error = script.error(operation_timeout=60)

    assert script.sleeper.pauses == [50]
    assert isinstance(error, errors.RateLimitError)
    assert str(error).endswith(
        "; tried 2 times in 50 s; openai-ft:operationTimeout (60 s) leaves no time for another try"
    )


def test_the_deadline_is_not_blamed_for_what_the_number_of_tries_ended() -> None:
    assert "operationTimeout" not in str(Script(refusal(500)).error(max_retries=0, operation_timeout=0.1))


def test_an_answer_that_cannot_be_read_is_asked_for_again_with_the_reason_told() -> None:
    def read(_answer: Answer) -> None:
        raise ValueError("no Job: id: Field required")

    error = Script(Answer(200, {}, b"{}")).error(read=read, max_retries=1)

    assert isinstance(error, errors.UnreadableAnswerError)
    assert (error.tries, error.may_have_acted) == (2, True)
    assert "no Job: id: Field required" in str(error)


def test_a_post_whose_answer_cannot_be_read_is_not_repeated() -> None:
    error = Script(Answer(200, {}, b'{"id": "ftj')).error(
        method="POST", read=lambda answer: json.loads(answer.content)
    )

    assert (type(error), error.tries) == (errors.UnreadableAnswerError, 1)


def test_a_clash_of_jobs_is_not_repeated() -> None:
    error = Script(refusal(429, "daily_rate_limit_exceeded", x_should_retry="true")).error(method="POST")

    assert (type(error), error.tries) == (errors.JobLimitError, 1)


def test_admin_calls_are_paced_from_the_first_time_that_they_are_too_fast() -> None:
    script = Script(Answer(200, {}, b""), refusal(429))
    pace = Pace(script.sleeper.time)
    for _ in range(2):
        script.operation(pace=pace).run()
    began = script.sleeper.now

    for _ in range(5):
        script.operation(pace=pace).run()

    assert script.sleeper.now - began == pytest.approx(50)


def test_the_rate_of_admin_calls_is_a_setting() -> None:
    script = Script(refusal(429))
    pace = Pace(script.sleeper.time)

    script.operation(pace=pace, admin_requests_per_minute=2.0).run()

    assert script.sleeper.now - WALL == pytest.approx(30)


@pytest.mark.parametrize(
    "failure", [refusal(500), refusal(429, "insufficient_quota"), refusal(403)], ids=repr
)
def test_nothing_else_makes_admin_calls_slow(failure: Answer) -> None:
    script = Script(failure)
    pace = Pace(script.sleeper.time)

    script.error(pace=pace, max_retries=0)

    assert pace.wait(6) == 0


def test_the_queue_does_not_count_against_the_deadline() -> None:
    script = Script(refusal(429))
    pace = Pace(script.sleeper.time)

    script.operation(pace=pace, operation_timeout=5, admin_requests_per_minute=1.0).run()

    assert script.sleeper.now > 1050
    assert script.deadlines[1] - script.sleeper.now > 0


def test_an_interruption_passes() -> None:
    def read(_answer: Answer) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Script().operation(read=read).run()

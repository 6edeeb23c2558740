"""The faults of the matrix, and the calls that they hit."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from tests.faults.harness import IMPATIENT, PATIENT

if TYPE_CHECKING:
    from tests.faults.harness import Harness

    from pulumi_openai_ft.emulator.faults import Fault

HANGING = 0.4
"""Real seconds without a response, longer than an impatient client waits."""
MAX_CALLS_PER_ENDPOINT = 3
"""If an operation repeats a call, for example a poll, only the first calls and the last are hit."""


@dataclass(frozen=True)
class Call:
    """The nth call of an endpoint in an operation.

    Attributes:
        method: HTTP method.
        route: Path with placeholders.
        nth: Its number among the calls of this endpoint, from 0.
        before: How many calls of any endpoint came before it.
    """

    method: str
    route: str
    nth: int
    before: int

    def __str__(self) -> str:
        return f"{self.method} {self.route} #{self.nth + 1}"

    @property
    def creates(self) -> bool:
        """Return whether it creates something, which can be found again after a lost response."""
        return self.method == "POST" and not self.route.endswith(("/pause", "/resume", "/cancel"))

    @property
    def creates_a_job(self) -> bool:
        return (self.method, self.route) == ("POST", "/v1/fine_tuning/jobs")

    @property
    def is_searched_for(self) -> bool:
        """Return whether the client searches for half a minute for the object of a lost response."""
        return self.method == "POST" and (
            self.route in ("/v1/fine_tuning/jobs", "/v1/files") or self.route.endswith("/permissions")
        )

    @property
    def pattern(self) -> str:
        return "~" + re.sub(r"\{\w+\}", "[^/]+", self.route)


def _status(status: int, **more: Any) -> dict[str, Any]:
    return {"status": status, **more}


TOO_FAST = _status(429, headers={"retry-after": "1"})
NO_QUOTA = _status(429, code="insufficient_quota")
SERVICE_FAILURES = (_status(500), _status(503))
"""Errors of the service itself that did not act: a job is created by a second request."""
REPEATED = (408, 409, 429, 499)
INVALID = {
    "detail": [{"loc": ["body", "seed"], "msg": "Input should be a valid integer", "type": "int_parsing"}]
}


class Effect(StrEnum):
    """Whether the service carries out the call that a fault hits."""

    NONE = "before acting"
    ACTED = "after acting"
    LATE = "20 s before acting"


class Reach(StrEnum):
    """Which calls fail."""

    ONCE = "once"
    FROM_THEN_ON = "from then on"
    """The call and all later ones of its endpoint."""
    THEN_DOWN = "then all calls"
    """The call, and then every call of any endpoint."""


@dataclass(frozen=True)
class FaultCase:
    """A fault that hits a call.

    Attributes:
        failure: The failure as the client experiences it.
        action: The emulator's action.
        effect: Whether the service carries out the call.
        reach: Which calls fail.
        options: Options of the action.
    """

    failure: str
    action: str
    effect: Effect = Effect.NONE
    reach: Reach = Reach.ONCE
    options: dict[str, Any] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        return f"{self.failure}, {self.effect}, {self.reach}"

    def must_be_survived(self, call: Call) -> bool:
        """Return whether the operation has to succeed, because a retry or a lookup at the service helps."""
        if self.reach is not Reach.ONCE or self.options == NO_QUOTA or self.is_refusal:
            return False
        is_sent_again = call.creates_a_job and self.options in SERVICE_FAILURES
        is_found_again = (
            call.creates
            if self.effect is Effect.ACTED
            else call.is_searched_for and self.effect is Effect.LATE
        )
        return is_sent_again or call.method != "POST" or self.options == TOO_FAST or is_found_again

    @property
    def is_refusal(self) -> bool:
        """Return whether no retry follows, because of a 4xx status that reports no timeout, conflict or rate limit."""
        return self.options.get("status", 0) in range(400, 500) and self.options["status"] not in REPEATED

    def may_orphan_a_job(self, call: Call) -> bool:
        """Return whether a job may exist that the state does not know until the next command."""
        return self.reach is Reach.THEN_DOWN and call.creates

    def options_at(self, call: Call) -> dict[str, Any]:
        """Return the options of the action. Only an object that is searched for appears late."""
        if self.effect is not Effect.LATE or call.is_searched_for:
            return self.options
        return {name: value for name, value in self.options.items() if name != "acts_after"} | {"acts": True}

    def hit(self, harness: Harness, call: Call) -> Fault:
        """Inject the fault. The service must be free of others."""
        harness.timeout = IMPATIENT if self.action == "hang" else PATIENT
        times = None if self.reach is Reach.FROM_THEN_ON else 1
        fault = harness.service.fault(
            call.method, call.pattern, self.action, times, skip=call.nth, **self.options_at(call)
        )
        if self.reach is Reach.THEN_DOWN:
            harness.service.fault("*", "*", "drop_before", None, skip=call.before)
        return fault


FAULTS = (
    FaultCase("429 with Retry-After", "status", options=TOO_FAST),
    FaultCase("429 with Retry-After", "status", reach=Reach.FROM_THEN_ON, options=TOO_FAST),
    FaultCase("429 for the quota", "status", options=NO_QUOTA),
    FaultCase("429 for the quota", "status", reach=Reach.FROM_THEN_ON, options=NO_QUOTA),
    FaultCase("500", "status", options=_status(500)),
    FaultCase("500", "status", reach=Reach.FROM_THEN_ON, options=_status(500)),
    FaultCase("500", "status", Effect.ACTED, options=_status(500, acts=True)),
    FaultCase("503", "status", options=_status(503)),
    FaultCase("503", "status", reach=Reach.FROM_THEN_ON, options=_status(503)),
    FaultCase("503", "status", Effect.LATE, options=_status(503, acts_after=20)),
    FaultCase("408", "status", Effect.ACTED, options=_status(408, acts=True)),
    FaultCase("409", "status", Effect.ACTED, options=_status(409, acts=True)),
    FaultCase("499", "status", Effect.ACTED, options=_status(499, acts=True)),
    FaultCase("422 of FastAPI", "status", options=_status(422, body=INVALID)),
    FaultCase("400 with a detail", "status", options=_status(400, body={"detail": "no"})),
    FaultCase("400 without JSON", "html", options={"status": 400}),
    FaultCase("502 with JSON", "status", Effect.ACTED, options=_status(502, acts=True)),
    FaultCase("504 with JSON", "status", Effect.ACTED, options=_status(504, acts=True)),
    FaultCase("520", "status", Effect.ACTED, options=_status(520, acts=True, body="error code: 520")),
    FaultCase("500 with an empty body", "status", Effect.ACTED, options=_status(500, acts=True, body="")),
    FaultCase(
        "500 of a framework", "status", Effect.ACTED, options=_status(500, acts=True, body={"detail": "no"})
    ),
    FaultCase("timeout", "hang", options={"seconds": HANGING}),
    FaultCase("timeout", "hang", Effect.ACTED, options={"seconds": HANGING, "acts": True}),
    FaultCase("dropped connection", "drop_before"),
    FaultCase("dropped connection", "drop_before", reach=Reach.FROM_THEN_ON),
    FaultCase("dropped connection", "drop_after", Effect.ACTED),
    FaultCase("dropped connection", "drop_after", Effect.ACTED, Reach.FROM_THEN_ON),
    FaultCase("dropped connection", "drop_after", Effect.ACTED, Reach.THEN_DOWN),
    FaultCase("truncated body", "truncate", Effect.ACTED),
    FaultCase("truncated body", "truncate", Effect.ACTED, Reach.FROM_THEN_ON),
    FaultCase("proxy page with status 502", "html", options={"status": 502}),
    FaultCase("proxy page with status 200", "html", options={"status": 200}),
)


def calls_to_hit(harness: Harness, after: int) -> list[Call]:
    """Return the calls after that request number that the matrix hits, in order."""
    calls_by_endpoint: dict[tuple[str, str], list[Call]] = {}
    for before, entry in enumerate(harness.calls(after)):
        assert entry.route, f"{entry.method} {entry.path} is no endpoint"
        found = calls_by_endpoint.setdefault((entry.method, entry.route), [])
        found.append(Call(entry.method, entry.route, len(found), before))
    selected = [
        call
        for calls in calls_by_endpoint.values()
        for call in {*calls[: MAX_CALLS_PER_ENDPOINT - 1], calls[-1]}
    ]
    return sorted(selected, key=lambda call: call.before)

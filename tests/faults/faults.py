"""What can befall a call."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.faults.harness import IMPATIENT, PATIENT

if TYPE_CHECKING:
    from tests.faults.harness import World

    from pulumi_openai_ft.emulator.faults import Fault

HANGING = 0.4
"""Real seconds without an answer, more than an impatient client waits."""
MOST_OF_A_KIND = 3
"""Of calls that an operation repeats, as it does while it waits, the first ones and the last one are struck."""


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
        """Whether it makes something, which can be looked for where the answer is lost."""
        return self.method == "POST" and not self.route.endswith(("/pause", "/resume", "/cancel"))

    @property
    def pattern(self) -> str:
        return "~" + re.sub(r"\{\w+\}", "[^/]+", self.route)


def _status(status: int, **more: Any) -> dict[str, Any]:
    return {"status": status, **more}


TOO_FAST = _status(429, headers={"retry-after": "1"})
NO_QUOTA = _status(429, code="insufficient_quota")
EVER = None


@dataclass(frozen=True)
class Strike:
    """A fault that hits one call, or with `times` None this one and all later ones of its endpoint."""

    name: str
    action: str
    times: int | None = 1
    options: dict[str, Any] = field(default_factory=dict)
    timeout: float = PATIENT
    ends_all: bool = False
    """Whether nothing is answered from then on."""
    is_long: bool = False
    """Whether it adds little to the others, and is left to the long tests."""

    def __str__(self) -> str:
        return self.name + (", ever after" if self.times is None else "")

    def must_be_survived(self, call: Call) -> bool:
        """Whether the operation has to succeed all the same, as another try or a look at the service helps."""
        if self.times is None or self.ends_all or self.options == NO_QUOTA:
            return False
        acts = self.action in ("drop_after", "truncate") or bool(self.options.get("acts"))
        return call.method != "POST" or self.options == TOO_FAST or (call.creates and acts)

    def loses_purchases(self, call: Call) -> bool:
        """Whether a job may be bought that the state does not know until the next command."""
        return self.ends_all and call.creates

    def hit(self, world: World, call: Call) -> Fault:
        """Sets the fault. The service is to be free of others."""
        world.timeout = self.timeout
        fault = world.service.fault(
            call.method, call.pattern, self.action, self.times, skip=call.nth, **self.options
        )
        if self.ends_all:
            world.service.fault("*", "*", "drop_before", None, skip=call.before)
        return fault


STRIKES = (
    Strike("429 with Retry-After", "status", options=TOO_FAST),
    Strike("429 with Retry-After", "status", EVER, TOO_FAST, is_long=True),
    Strike("429 for the quota", "status", options=NO_QUOTA),
    Strike("429 for the quota", "status", EVER, NO_QUOTA, is_long=True),
    Strike("500", "status", options=_status(500)),
    Strike("500", "status", EVER, _status(500), is_long=True),
    Strike("500 after acting", "status", options=_status(500, acts=True)),
    Strike("503", "status", options=_status(503)),
    Strike("503", "status", EVER, _status(503), is_long=True),
    Strike("timeout", "hang", options={"seconds": HANGING}, timeout=IMPATIENT),
    Strike("timeout after acting", "hang", options={"seconds": HANGING, "acts": True}, timeout=IMPATIENT),
    Strike("dropped before acting", "drop_before"),
    Strike("dropped before acting", "drop_before", EVER, is_long=True),
    Strike("dropped after acting", "drop_after"),
    Strike("dropped after acting", "drop_after", EVER, is_long=True),
    Strike("dropped after acting, then gone", "drop_after", ends_all=True),
    Strike("body cut short", "truncate"),
    Strike("body cut short", "truncate", EVER, is_long=True),
    Strike("a proxy's page", "html", options={"status": 502}),
    Strike("a proxy's page that claims success", "html", options={"status": 200}, is_long=True),
)


def struck_calls(world: World, after: int) -> list[Call]:
    """The calls after the one of that number that are to be struck, one after the other."""
    of_a_kind: dict[tuple[str, str], list[Call]] = {}
    for before, entry in enumerate(world.calls(after)):
        assert entry.route, f"{entry.method} {entry.path} is no endpoint"
        found = of_a_kind.setdefault((entry.method, entry.route), [])
        found.append(Call(entry.method, entry.route, len(found), before))
    picked = [call for calls in of_a_kind.values() for call in {*calls[: MOST_OF_A_KIND - 1], calls[-1]}]
    return sorted(picked, key=lambda call: call.before)

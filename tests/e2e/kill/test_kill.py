"""Whoever is killed, and whenever: after the next `up` all is right, and nothing was paid twice.

What a user has to do: after a killed engine `pulumi cancel`, since the stack stays locked; then the same command
again. It goes on with a warning of pending operations, which stays until `pulumi refresh --clear-pending-creates`.
Where all commands end with `failed to load checkpoint: EOF`, the engine was killed while its file backend wrote:
delete the empty `.attrs` file beside the stack's file.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, get_args

import pytest
from tests.e2e.kill.kill_points import AtRefusal, AtRequest, AtTime
from tests.e2e.kill.scenarios import CANCEL, CREATE, KINDS, LATE, SHARED, UNFINISHED, Life, Victim
from tests.e2e.kill.summary import KILLS, PAID_TWICE, TOO_LATE
from tests.support import write_training_data

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.kill.kill_points import Moment
    from tests.e2e.kill.scenarios import Kind

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]
LIVES = 40
VICTIMS: tuple[Victim, ...] = get_args(Victim)


@dataclass
class Kills:
    """What became of the kills of a test."""

    life: Life
    died: list[bool] = field(default_factory=list)

    def kill(self, victim: Victim, moment: Moment, *command: str, patient: bool = True) -> None:
        self.died.append(self.life.kill(victim, moment, *command, patient=patient))
        print(f"{' '.join(command)}: {victim} killed {moment}, {patient=}: {self.died[-1]}")  # noqa: T201 - reproduces a failure


@pytest.fixture
def begin_killing(
    begin: Callable[[Kind], Life], record_property: Callable[[str, int], None]
) -> Iterator[Callable[[Kind], Kills]]:
    """Begins a life and notes, for the summary, what became of its kills."""
    begun: list[Kills] = []

    def make(kind: Kind) -> Kills:
        begun.append(Kills(begin(kind)))
        return begun[-1]

    yield make
    for kills in begun:
        print("\n".join(kills.life.said))  # noqa: T201 - likewise
        record_property(KILLS, sum(kills.died))
        record_property(TOO_LATE, len(kills.died) - sum(kills.died))
        record_property(PAID_TWICE, max(0, kills.life.paid_twice()))


@pytest.mark.long
@pytest.mark.parametrize("seed", range(LIVES))
def test_at_any_moment(
    seed: int,
    host: str,
    begin_killing: Callable[[Kind], Kills],
    usual_seconds: Callable[[Kind, str], dict[str, float]],
) -> None:
    """Each seed kills once during `up` and once during `destroy`."""
    random = Random(seed)  # noqa: S311 - repeatable, not secret
    kind = random.choice(KINDS)
    kills = begin_killing(kind)

    def moment(command: str) -> AtTime | AtRequest:
        if random.random() < 0.5:
            return AtTime(random.random() * usual_seconds(kind, host)[command])
        return AtRequest.drawn(random, getattr(kind, command))

    plans = {command: moment(command) for command in ("up", "destroy")}
    patient = random.choice((True, False))
    kills.kill(VICTIMS[seed % 3], plans["up"], "up", patient=patient)
    kills.life.up()
    kills.kill(VICTIMS[(seed + 1) % 3], plans["destroy"], "destroy", patient=patient)
    kills.life.destroy()


@pytest.mark.parametrize("host", [pytest.param("stock", marks=pytest.mark.long), "ours"])
@pytest.mark.parametrize("victim", VICTIMS)
def test_a_kill_during_the_create_response_loses_no_job(
    victim: Victim, begin_killing: Callable[[Kind], Kills]
) -> None:
    """The worst moment: the job is bought, and nobody knows it yet."""
    kills = begin_killing(UNFINISHED)

    kills.kill(victim, AtRequest(*CREATE, skip=0, acts=True, linger=0.1), "up")

    assert kills.died == [True]
    kills.life.up()


@pytest.mark.long
def test_the_warning_of_pending_operations_can_be_ended(begin: Callable[[Kind], Life]) -> None:
    """Without it, each later command would tell of the job that a killed engine did not record."""
    life = begin(UNFINISHED)
    assert life.kill("engine", AtRequest(*CREATE, skip=0, acts=True, linger=0.1), "up")
    life.up()
    assert "pending operations" in life.stack.up().text

    life.stack.refresh("--clear-pending-creates")

    assert "pending operations" not in life.stack.up().text
    life.assert_books_agree()


@pytest.mark.long
@pytest.mark.parametrize("seed", range(6))
def test_jobs_that_were_cancelled_elsewhere(
    seed: int,
    host: str,
    begin_killing: Callable[[Kind], Kills],
    usual_seconds: Callable[[Kind, str], dict[str, float]],
) -> None:
    """`up` reports them, killed or not, and buys none again."""
    kills = begin_killing(UNFINISHED)
    kills.life.up()
    for job in kills.life.service.jobs():
        kills.life.service.cancel_elsewhere(job["id"])

    part = Random(seed).random()  # noqa: S311 - repeatable, not secret
    moment = AtTime(part * usual_seconds(UNFINISHED, host)["up"])
    kills.kill(VICTIMS[seed % 3], moment, "up", "--refresh")

    reported = kills.life.stack.up("--refresh", code=None)
    assert reported.code
    assert "was cancelled. It is not retried automatically" in reported.text
    kills.life.assert_books_agree()


@pytest.mark.long
@pytest.mark.parametrize("seed", range(6))
def test_while_a_job_is_replaced(
    seed: int,
    host: str,
    begin_killing: Callable[[Kind], Kills],
    usual_seconds: Callable[[Kind, str], dict[str, float]],
) -> None:
    """A file's content changes: one more job is bought, and nothing of the old one is left but its model."""
    random = Random(seed)  # noqa: S311 - repeatable, not secret
    kills = begin_killing(SHARED)
    kills.life.up()
    write_training_data(kills.life.stack.folder / "good.jsonl", "It changed.")
    kills.life.replaced = 1

    moment: Moment = AtTime(random.random() * usual_seconds(SHARED, host)["up"])
    if random.random() < 0.5:
        moment = AtRequest.drawn(random, (*SHARED.up, *SHARED.destroy))
    kills.kill(VICTIMS[seed % 3], moment, "up")

    kills.life.up()


@pytest.mark.long
def test_a_kill_before_recording_a_deadline_loses_no_job(begin: Callable[[Kind], Life]) -> None:
    """The job was cancelled at its deadline, and the engine died before it knew."""
    life = begin(LATE)

    assert life.kill("engine", AtRequest(*CANCEL, skip=0, acts=True, linger=0.1), "up")
    life.stack.up(code=None)

    life.assert_books_agree()


@pytest.mark.long
def test_an_orphaned_host_creates_no_job(begin: Callable[[Kind], Life]) -> None:
    """A host whose engine was killed is about to ask again for the job, which the next `up` buys meanwhile."""
    life, moment = begin(UNFINISHED), AtRefusal(*CREATE, again_after=20)
    assert life.kill("engine", moment, "up", patient=False)
    again_at = time.monotonic() + moment.again_after

    life.stack.up()
    assert time.monotonic() < again_at, "this machine was too slow to be quicker than the orphan"

    time.sleep(max(0.0, again_at - time.monotonic()))
    life.assert_books_agree()

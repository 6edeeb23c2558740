"""Stacks that are brought up and destroyed, and what must be true of them whatever was killed on the way."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from tests.e2e.kill.processes import Command

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Ran, Stack
    from tests.e2e.kill.kill_points import Moment
    from tests.e2e.kill.processes import Service

Victim = Literal["engine", "host", "emulator"]
OURS = "pulumi-python:dynamic/openai_ft:"
FINISHED = {"succeeded", "failed", "cancelled"}
JOBS = FILES = 2
HEADER = """
import pulumi_openai_ft as ft

model = "gpt-4o-mini-2024-07-18"
good, other = ft.File("good", file="good.jsonl"), ft.File("other", file="other.jsonl", validate="off")
"""
SHARING = """
first = ft.FineTuningJob("first", model=model, training_file=good)
ft.FineTuningJob("second", model=model, training_file=other, wait_for_completion=False)
ft.FineTuningCheckpointPermission("share", checkpoint_id=first.fine_tuned_model, project_ids=["proj_b", "proj_c"])
"""
NOT_WAITING = """
ft.FineTuningJob("first", model=model, training_file=good, wait_for_completion=False)
ft.FineTuningJob("second", model=model, training_file=other, wait_for_completion=False)
"""
WITH_DEADLINE = """
ft.FineTuningJob("first", model=model, training_file=good, cancel_after_timeout=6)
ft.FineTuningJob("second", model=model, training_file=other, wait_for_completion=False)
"""
BOTH_WAITING = """
ft.FineTuningJob("first", model=model, training_file=good)
ft.FineTuningJob("second", model=model, training_file=other)
"""


@dataclass(frozen=True)
class Kind:
    """A sort of stack.

    `up` and `destroy` are the requests that the two commands make; `failing` says that a job does not train, so
    that `up` reports it again and again.
    """

    program: str
    job_seconds: int
    up: tuple[tuple[str, str], ...]
    destroy: tuple[tuple[str, str], ...]
    projects: frozenset[str] = frozenset()
    failing: bool = False


LIST, CREATE = ("GET", "/fine_tuning/jobs"), ("POST", "/fine_tuning/jobs")
UPLOAD, REMOVE = ("POST", "/files"), ("DELETE", "/files/*")
LOOK, CANCEL = ("GET", "/fine_tuning/jobs/ftjob-*"), ("POST", "/fine_tuning/jobs/*/cancel")
GRANT, REVOKE = ("POST", "/fine_tuning/checkpoints/*"), ("DELETE", "/fine_tuning/checkpoints/*")
SHARED = Kind(
    HEADER + SHARING,
    3,
    (UPLOAD, LIST, CREATE, CREATE, LOOK, GRANT, GRANT),
    (REVOKE, REVOKE, LOOK, REMOVE),
    projects=frozenset({"proj_b", "proj_c"}),
)
UNFINISHED = Kind(HEADER + NOT_WAITING, 1000, (UPLOAD, LIST, CREATE), (LOOK, CANCEL, CANCEL, REMOVE))
FAILING = Kind(HEADER + BOTH_WAITING, 2, (UPLOAD, LIST, CREATE, LOOK), (LOOK, REMOVE), failing=True)
LATE = Kind(HEADER + WITH_DEADLINE, 1000, (LOOK, CANCEL), (LOOK, REMOVE))
KINDS = (FAILING, SHARED, UNFINISHED)


@dataclass
class Life:
    """A stack and its service, from the first `up` to the last `destroy`."""

    kind: Kind
    stack: Stack
    service: Service
    folder: Path
    replaced: int = 0
    """Jobs that were replaced on purpose."""
    started: list[Command] = field(default_factory=list)
    """Commands that may have left something running."""
    said: list[str] = field(default_factory=list)
    """What the commands after a kill said of what it had interrupted."""

    def kill(self, victim: Victim, moment: Moment, *command: str, patient: bool = True) -> bool:
        """Runs a command during which a victim dies, and unlocks the stack where nobody else can.

        Who is `patient` waits before that until orphans have done what they were doing; else they are still there
        when the next command runs. False: The command was over before.
        """
        running = self.start(moment, *command)
        died = self.strike(victim, moment, running)
        running.wait()
        if patient:
            self.clear_up()
        if died and victim == "engine":
            self.unlock()
        return died

    def start(self, moment: Moment, *command: str) -> Command:
        moment.prepare(self.service)
        self.started.append(Command(self.stack, self.folder / "killed.log", command))
        return self.started[-1]

    def strike(self, victim: Victim, moment: Moment, running: Command) -> bool:
        """Waits for the moment and kills; False if the command was over before."""
        if not moment.wait(running, self.service):
            return False
        if victim == "engine":
            return running.kill_engine()
        if victim == "host":
            return running.kill_host()
        self.service.kill_and_start_again()
        return True

    def clear_up(self) -> None:
        """Lets orphans finish what they were doing, then ends them: Pulumi's own host lives on for ever."""
        if self.started:
            self.service.wait_until_quiet()
            self.service.hold_nothing_back()
        self.close()

    def close(self) -> None:
        while self.started:
            self.started.pop().kill_leftovers()

    def unlock(self) -> None:
        """Does what a user has to do after the engine was killed.

        The file backend writes the attributes of a file not at once (gocloud.dev/blob/fileblob, `setAttrs`): where
        they are empty, each command ends with `failed to load checkpoint: EOF` until they are deleted.
        """
        for attributes in (self.folder / "state").rglob("*.attrs"):
            if not attributes.stat().st_size:
                attributes.unlink()
        self.stack.pulumi("cancel", "--yes")

    def undisturbed(self, *command: str) -> float:
        """Runs a command during which nobody dies; gives the seconds that it took."""
        return Command(self.stack, self.folder / "undisturbed.log", command).wait()

    def up(self) -> None:
        """Brings the stack to where the program wants it, with at most two commands, and checks that it is there.

        Where a job does not train, it takes the option by which a failure does not keep Pulumi from the rest.
        """
        option = ["--continue-on-error"] if self.kind.failing else []
        first = self._note(self.stack.up(*option, code=None))
        again = self._note(self.stack.up(*option, code=None)) if first.code or option else first
        if self.kind.failing:
            assert again.code, again.text
            assert "It is not retried automatically" in again.text, again.text
            planned = self.stack.planned()
            assert planned == {"second": ["update"]}, f"{planned}\n{first.text}\n{again.text}"
        else:
            assert again.code == 0, first.text + again.text
            self.stack.preview("--expect-no-changes")
        self.assert_books_agree()

    def assert_books_agree(self) -> None:
        """The service has what the state knows, once for each resource, and nothing else."""
        self.clear_up()
        known = self._known()
        jobs = {job["id"] for job in self.service.jobs()}
        assert self.paid_twice() == 0, f"one job for each resource is due, paid are {jobs}"
        known_jobs = known["FineTuningJob"].keys()
        assert known_jobs <= jobs, f"paid are {jobs}, known {known_jobs}"
        assert len(known_jobs) == JOBS, f"paid are {jobs}, known {known_jobs}"
        files = {file["id"] for file in self.service.files()}
        assert len(files) == FILES, f"{FILES} files are due, there are {files}"
        assert files == known["File"].keys(), f"there are {files}, known {known['File'].keys()}"
        grants = {grant["project_id"]: grant["id"] for grant in self.service.permissions()}
        assert len(self.service.permissions()) == len(grants), "a project has two grants"
        assert grants.keys() == self.kind.projects
        shares = known["FineTuningCheckpointPermission"].values()
        assert grants == {
            project: id_ for share in shares for project, id_ in share["permission_ids"].items()
        }

    def paid_twice(self) -> int:
        return len(self.service.jobs()) - JOBS - self.replaced

    def _known(self) -> defaultdict[str, dict[str, Any]]:
        """Outputs of our resources in the state, by type and id."""
        found: defaultdict[str, dict[str, Any]] = defaultdict(dict)
        for resource in json.loads(self.stack.export())["deployment"].get("resources", []):
            if OURS in resource["type"]:
                found[resource["type"].removeprefix(OURS)][resource["id"]] = resource["outputs"]
        return found

    def destroy(self) -> None:
        """Destroys the stack with at most two commands, and checks that nothing is left that can be."""
        first = self._note(self.stack.destroy(code=None))
        if first.code:
            self._note(self.stack.destroy())
        self.clear_up()
        left = [*self.service.files(), *self.service.permissions()]
        assert not left, left
        assert {job["status"] for job in self.service.jobs()} <= FINISHED, self.service.jobs()
        assert self.paid_twice() == 0, self.service.jobs()
        assert not self._known()

    def _note(self, ran: Ran) -> Ran:
        words = ("pending", "interrupted", "adopted", "error:")
        self.said += [line.strip() for line in ran.text.splitlines() if any(word in line for word in words)]
        return ran

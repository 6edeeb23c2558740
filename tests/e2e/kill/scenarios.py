"""Scenarios of stacks that are created and destroyed, and the assertions after any kill."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from tests.e2e.kill.processes import Command

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import CommandResult, Stack
    from tests.e2e.kill.kill_points import KillPoint
    from tests.e2e.kill.processes import Service

Victim = Literal["engine", "host", "emulator"]
TYPE_PREFIX = "pulumi-python:dynamic/openai_ft:"
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
class Scenario:
    """A kind of stack.

    Attributes:
        up: The requests of `up`.
        destroy: The requests of `destroy`.
        projects: The projects that the program shares a checkpoint with.
        failing: Whether a job fails, so that each `up` reports it.
    """

    program: str
    job_seconds: int
    up: tuple[tuple[str, str], ...]
    destroy: tuple[tuple[str, str], ...]
    projects: frozenset[str] = frozenset()
    failing: bool = False


LIST, CREATE = ("GET", "/fine_tuning/jobs"), ("POST", "/fine_tuning/jobs")
UPLOAD, DELETE = ("POST", "/files"), ("DELETE", "/files/*")
POLL, CANCEL = ("GET", "/fine_tuning/jobs/ftjob-*"), ("POST", "/fine_tuning/jobs/*/cancel")
GRANT, REVOKE = ("POST", "/fine_tuning/checkpoints/*"), ("DELETE", "/fine_tuning/checkpoints/*")
SHARED = Scenario(
    HEADER + SHARING,
    3,
    (UPLOAD, LIST, CREATE, CREATE, POLL, GRANT, GRANT),
    (REVOKE, REVOKE, POLL, DELETE),
    projects=frozenset({"proj_b", "proj_c"}),
)
UNFINISHED = Scenario(HEADER + NOT_WAITING, 1000, (UPLOAD, LIST, CREATE), (POLL, CANCEL, CANCEL, DELETE))
FAILING = Scenario(HEADER + BOTH_WAITING, 2, (UPLOAD, LIST, CREATE, POLL), (POLL, DELETE), failing=True)
LATE = Scenario(HEADER + WITH_DEADLINE, 1000, (POLL, CANCEL), (POLL, DELETE))
SCENARIOS = (FAILING, SHARED, UNFINISHED)


@dataclass
class StackLifecycle:
    """The lifecycle of a stack and its service."""

    scenario: Scenario
    stack: Stack
    service: Service
    folder: Path
    replaced: int = 0
    """The number of jobs that the test replaced."""
    started: list[Command] = field(default_factory=list)
    """Commands that may have left processes running."""
    diagnostics: list[str] = field(default_factory=list)
    """Output lines about interrupted operations, from the commands after a kill."""

    def kill(
        self, victim: Victim, kill_point: KillPoint, *command: str, wait_for_orphans: bool = True
    ) -> bool:
        """Kill a process of a running command, and unlock the stack if the engine was killed.

        With `wait_for_orphans`, it waits until orphaned processes have finished and ends them. Otherwise they still
        run during the next command. Return False if the command ended before the kill.
        """
        running = self.start(kill_point, *command)
        killed = self.kill_at(victim, kill_point, running)
        running.wait()
        if wait_for_orphans:
            self.kill_orphans()
        if killed and victim == "engine":
            self.stack.unlock()
        return killed

    def start(self, kill_point: KillPoint, *command: str) -> Command:
        kill_point.prepare(self.service)
        self.started.append(Command(self.stack, self.folder / "killed.log", command))
        return self.started[-1]

    def kill_at(self, victim: Victim, kill_point: KillPoint, running: Command) -> bool:
        """Wait for the kill point and kill; return False if the command ended before."""
        if not kill_point.wait(running, self.service):
            return False
        if victim == "engine":
            return running.kill_engine()
        if victim == "host":
            return running.kill_host()
        self.service.kill_and_restart()
        return True

    def kill_orphans(self) -> None:
        """Wait until orphaned processes have finished, then end them: Pulumi's own host never exits."""
        if self.started:
            self.service.wait_until_quiet()
            self.service.clear_faults()
        self.close()

    def close(self) -> None:
        while self.started:
            self.started.pop().kill_leftovers()

    def run_without_kill(self, *command: str) -> float:
        """Run a command without a kill, and return its duration in seconds."""
        return Command(self.stack, self.folder / "without_kill.log", command).wait()

    def up(self) -> None:
        """Run `up` at most twice, and assert that the stack then matches the program.

        If a job of the scenario fails, `--continue-on-error` lets Pulumi process the other resources.
        """
        option = ["--continue-on-error"] if self.scenario.failing else []
        first = self._note(self.stack.up(*option, code=None))
        again = self._note(self.stack.up(*option, code=None)) if first.code or option else first
        if self.scenario.failing:
            assert again.code, again.text
            assert "It is not retried automatically" in again.text, again.text
            planned = self.stack.planned()
            assert planned == {"second": ["update"]}, f"{planned}\n{first.text}\n{again.text}"
        else:
            assert again.code == 0, first.text + again.text
            self.stack.preview("--expect-no-changes")
        self.assert_state_matches_service()

    def assert_state_matches_service(self) -> None:
        """Assert that the service has exactly the objects of the state, one for each resource."""
        self.kill_orphans()
        known = self._known()
        jobs = {job["id"] for job in self.service.jobs()}
        assert self.duplicate_jobs() == 0, f"expected a job for each resource, the service has {jobs}"
        known_jobs = known["FineTuningJob"].keys()
        assert known_jobs <= jobs, f"the service has {jobs}, the state {known_jobs}"
        assert len(known_jobs) == JOBS, f"the service has {jobs}, the state {known_jobs}"
        files = {file["id"] for file in self.service.files()}
        assert len(files) == FILES, f"expected {FILES} files, the service has {files}"
        assert files == known["File"].keys(), f"the service has {files}, the state {known['File'].keys()}"
        permissions = {item["project_id"]: item["id"] for item in self.service.permissions()}
        assert len(self.service.permissions()) == len(permissions), "a project has two permissions"
        assert permissions.keys() == self.scenario.projects
        resources = known["FineTuningCheckpointPermission"].values()
        assert permissions == {
            project: id_ for resource in resources for project, id_ in resource["permission_ids"].items()
        }

    def duplicate_jobs(self) -> int:
        return len(self.service.jobs()) - JOBS - self.replaced

    def _known(self) -> defaultdict[str, dict[str, Any]]:
        """Return the outputs of our resources in the state, by type and id."""
        found: defaultdict[str, dict[str, Any]] = defaultdict(dict)
        for resource in json.loads(self.stack.export())["deployment"].get("resources", []):
            if TYPE_PREFIX in resource["type"]:
                found[resource["type"].removeprefix(TYPE_PREFIX)][resource["id"]] = resource["outputs"]
        return found

    def destroy(self) -> None:
        """Run `destroy` at most twice, and assert that no deletable objects are left."""
        first = self._note(self.stack.destroy(code=None))
        if first.code:
            self._note(self.stack.destroy())
        self.kill_orphans()
        left = [*self.service.files(), *self.service.permissions()]
        assert not left, left
        assert {job["status"] for job in self.service.jobs()} <= FINISHED, self.service.jobs()
        assert self.duplicate_jobs() == 0, self.service.jobs()
        assert not self._known()

    def _note(self, result: CommandResult) -> CommandResult:
        words = ("pending", "interrupted", "adopted", "error:")
        self.diagnostics += [
            line.strip() for line in result.text.splitlines() if any(word in line for word in words)
        ]
        return result

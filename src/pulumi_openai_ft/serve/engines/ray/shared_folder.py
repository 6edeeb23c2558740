"""Check that the cluster sees the data folder and the base models under the same paths as the service, and its locks.

The service writes a question and holds a lock. A short submission on a machine of the cluster reads the question, tries
to take the lock, and writes an answer.
"""

from __future__ import annotations

import json
import secrets
import shlex
import shutil
import time
from typing import IO, TYPE_CHECKING, Any

from pulumi_openai_ft.serve.engines.ray.client import InvalidSubmissionError
from pulumi_openai_ft.server.file_lock import lock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pulumi_openai_ft.serve.engines.ray.client import RayClient, Submission
    from pulumi_openai_ft.serve.engines.ray.submission import Command

SECONDS_BETWEEN_CHECKS = 30.0
PREFIX = "cluster-check-"
_PROGRAM = """
import fcntl, json, os, sys
folder, *paths = sys.argv[1:]
question = open(folder + "/question").read()
with open(folder + "/lock", "a") as lock:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        sees_lock = False
    except OSError as error:
        sees_lock = isinstance(error, BlockingIOError)
absent = [path for path in paths if not os.access(path, os.R_OK | os.X_OK)]
with open(folder + "/answer.part", "w") as file:
    json.dump({"question": question, "sees_lock": sees_lock, "absent": absent}, file)
os.rename(folder + "/answer.part", folder + "/answer")
"""


class SharedFolderCheck:
    """Checks in steps, so that no caller waits for the cluster.

    Args:
        client: The cluster.
        command: How the cluster runs trainers.
        data: The data folder.
        models: The folders of the base models.
    """

    def __init__(self, client: RayClient, command: Command, data: Path, models: Sequence[Path]) -> None:
        self._client = client
        self._command = command
        self._data = data
        self._models = models
        self._folder: Path | None = None
        self._lock: IO[str] | None = None
        self._next_at = 0.0
        self.passed: bool = False
        self.problem: str = ""

    def remove_leftovers(self) -> None:
        """Remove the folders of checks that a killed service did not complete."""
        for folder in self._data.glob(f"{PREFIX}*"):
            shutil.rmtree(folder, ignore_errors=True)

    def reset(self) -> None:
        """Require another check, such as on a new head."""
        self._end()
        self.passed, self.problem, self._next_at = False, "", 0.0

    def advance(self, submissions: Mapping[str, Submission]) -> None:
        """Perform the next step of the check.

        Args:
            submissions: All submissions of the cluster.

        Raises:
            RayError: The cluster cannot be used now.
        """
        if self.passed or time.monotonic() < self._next_at:
            return
        if self._folder is None:
            self._begin()
            return
        found = submissions.get(self._folder.name)
        if found is None or found.has_ended:
            problem = self._judge(found)
            if found is not None:
                self._client.delete(self._folder.name)
            self._finish(problem)

    def _begin(self) -> None:
        if not self._client.requires_token():
            self._finish(
                "The Ray cluster accepts requests without a token: start it with RAY_AUTH_MODE=token, because anyone who "
                "reaches it can run programs there."
            )
            return
        self._folder = folder = self._data / f"{PREFIX}{secrets.token_hex(8)}"
        self._data.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700)
        (folder / "question").write_text(folder.name)
        self._lock = (folder / "lock").open("w")
        if not self._hold_lock():
            return
        arguments = [self._command.python, "-c", _PROGRAM, folder, *self._models]
        request = {
            "entrypoint": shlex.join(map(str, arguments)),
            "runtime_env": self._command.environment(),
            "entrypoint_memory": 1,  # by default, Ray runs commands on the head, which may have no shared folder
        }
        try:
            self._client.submit(folder.name, request)
        except InvalidSubmissionError as error:
            self._finish(f"Ray refuses submissions: {error}")

    def _hold_lock(self) -> bool:
        """Lock a file that the submission tries to lock. End the check if that is impossible."""
        assert self._lock is not None
        try:
            lock(self._lock)
        except OSError as error:
            self._finish(self._without_locks(f"refuses locks ({error.strerror})"))
            return False
        return True

    def _without_locks(self, fault: str) -> str:
        return (
            f"The file system of {self._data}, the data folder, {fault}, so two trainers could write to one job: "
            "choose another, such as NFS 4 or CephFS."
        )

    def _judge(self, submission: Submission | None) -> str:
        assert self._folder is not None
        answer = _answer(self._folder / "answer")
        if answer.get("question") != self._folder.name:
            reason = "" if submission is None else f" ({_last_line(submission.message)})"
            return (
                f"A machine of the Ray cluster cannot read and write {self._data}, the data folder: mount it there under "
                f"the same path{reason}."
            )
        if not answer["sees_lock"]:
            return self._without_locks("does not share locks (flock) between machines")
        if answer["absent"]:
            return (
                f"A machine of the Ray cluster cannot read {answer['absent'][0]}, the folder of a base model: mount it "
                "there under the same path."
            )
        return ""

    def _finish(self, problem: str) -> None:
        self._end()
        self.passed, self.problem = not problem, problem
        self._next_at = time.monotonic() + SECONDS_BETWEEN_CHECKS

    def _end(self) -> None:
        if self._lock is not None:
            self._lock.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._lock = self._folder = None


def _answer(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "no message"

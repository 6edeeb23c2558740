"""Delete everything that a run created, also after an interruption or a lost response."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tools.record.exchanges import FILES, JOBS, MODELS
from tools.record.recording import RecordingError
from tools.record.sequence import FINISHED_JOB, permissions_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tools.record.exchanges import Recorder
    from tools.record.recording import Response

SIGNALS = (signal.SIGINT, signal.SIGTERM)
GONE = frozenset({404, 405, 410, 501})
_LISTED_JOBS, _LISTED_FILES = "20", "100"


@contextmanager
def cleaned_up(recorder: Recorder, token: str, report: Callable[[str], object]) -> Iterator[None]:
    """Clean up on exit. Until then, SIGTERM raises KeyboardInterrupt as Ctrl-C does; during the cleanup, both wait.

    Args:
        recorder: Knows the created objects.
        token: Part of the names of this run's files.
        report: Prints a line.
    """
    before = {number: signal.signal(number, signal.default_int_handler) for number in SIGNALS}
    cleanup, complete = Cleanup(recorder, token, report), False
    try:
        yield
        complete = True
    finally:
        for number in SIGNALS:
            signal.signal(number, lambda _number, _frame: report("Please wait: cleaning up …"))
        try:
            if not complete:
                cleanup.find_lost()
            cleanup.run()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class Cleanup:
    """Cancels jobs, revokes permissions, and deletes models and files.

    Args:
        recorder: Knows the created objects.
        token: Part of the names of this run's files.
        report: Prints a line.
    """

    def __init__(self, recorder: Recorder, token: str, report: Callable[[str], object]) -> None:
        self._recorder, self._token, self._report = recorder, token, report

    def find_lost(self) -> None:
        """Find the objects whose creation had no response."""
        self._find_lost_files()
        self._find_lost_jobs()

    def run(self) -> None:
        """Clean up. Report each object that is still there and must be removed by hand."""
        created = self._recorder.created
        for job in sorted(created.jobs):
            self._cancel(job)
        for permission, checkpoint in created.permissions.items():
            self._delete(f"{permissions_path(checkpoint)}/{permission}", admin=True)
        for model in sorted(created.models):
            if ":ckpt-step-" not in model:  # a checkpoint is deleted with its model
                self._delete(f"{MODELS}/{model}")
        for file in sorted(created.files):
            self._delete(f"{FILES}/{file}")

    def _find_lost_files(self) -> None:
        """Find files whose upload had no response, by their names."""
        query = {"purpose": "fine-tune", "limit": _LISTED_FILES}
        for item in self._listed(FILES, query):
            if self._token in str(item.get("filename")):
                self._recorder.created.files.add(item["id"])

    def _find_lost_jobs(self) -> None:
        """Find jobs whose creation had no response, by their training file."""
        if not self._recorder.created.files:
            return
        for item in self._listed(JOBS, {"limit": _LISTED_JOBS}):
            if item.get("training_file") in self._recorder.created.files:
                self._recorder.created.jobs.add(item["id"])

    def _listed(self, path: str, query: dict[str, str]) -> list[dict[str, Any]]:
        response = self._quietly("GET", path, query=query)
        body = response.body if response is not None and response.is_success else None
        if not isinstance(body, dict) or not isinstance(body.get("data"), list):
            self._report(f"cannot list {path}: check the service for files and jobs named {self._token}")
            return []
        return [item for item in body["data"] if isinstance(item, dict) and isinstance(item.get("id"), str)]

    def _cancel(self, job: str) -> None:
        path = f"{JOBS}/{job}"
        response = self._quietly("GET", path)
        if response is not None and response.status in GONE:
            return
        if not self._is_finished(response):
            cancelled = self._quietly("POST", f"{path}/cancel")
            response = self._quietly("GET", path)
            if not (cancelled is not None and cancelled.is_success) and not self._is_finished(response):
                self._report(f"could not cancel {job}: cancel it yourself, it may cost money")
        if response is not None and isinstance(response.body, dict):
            self._note_results(response.body)

    def _is_finished(self, response: Response | None) -> bool:
        body = None if response is None else response.body
        return isinstance(body, dict) and body.get("status") in FINISHED_JOB

    def _note_results(self, job: Any) -> None:
        """Add the model and the result files of a job that finished before it could be cancelled."""
        name, files = job.get("fine_tuned_model"), job.get("result_files")
        if isinstance(name, str):
            self._recorder.created.models.add(name)
        self._recorder.created.files.update(file for file in files or [] if isinstance(file, str))

    def _delete(self, path: str, *, admin: bool = False) -> None:
        response = self._quietly("DELETE", path, admin=admin)
        if response is None or not (response.is_success or response.status in GONE):
            self._report(f"could not delete {path}: delete it yourself")

    def _quietly(
        self, method: str, path: str, *, admin: bool = False, query: dict[str, str] | None = None
    ) -> Response | None:
        try:
            return self._recorder.quietly(method, path, admin=admin, query=query)
        except RecordingError:
            return None
